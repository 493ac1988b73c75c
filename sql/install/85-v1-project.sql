-- Handlers of the v1 API: projects.  Each runs as the owner of the tables, so
-- each names current_org().

CREATE FUNCTION trackagoat.project_objects(project_ids uuid[]) RETURNS TABLE (id uuid, object json)
	LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT p.id, json_build_object('id', p.id, 'org_id', p.org_id, 'name', p.name, 'description', p.description,
		'created_at', p.created_at, 'updated_at', p.updated_at)
	FROM trackagoat.project p WHERE p.id = ANY (project_ids) AND p.org_id = trackagoat.current_org()
	ORDER BY p.id DESC;
END
$$;
COMMENT ON FUNCTION trackagoat.project_objects(uuid[]) IS 'projects of one''s organization as the API answers them, newest first';

CREATE FUNCTION trackagoat.v1_list_projects(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	ids uuid[] := ARRAY(SELECT p.id FROM trackagoat.project p
		WHERE p.org_id = trackagoat.current_org() AND p.id < after
		ORDER BY p.id DESC LIMIT trackagoat.page_limit(query) + 1);
BEGIN
	RETURN trackagoat.page_answer(ARRAY(SELECT o.object FROM trackagoat.project_objects(ids) o), ids, query);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_projects(jsonb) IS 'GET /projects';

CREATE FUNCTION trackagoat.v1_get_project(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.project_objects(ARRAY[project_id]) o));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_get_project(jsonb) IS 'GET /projects/{id}';

CREATE FUNCTION trackagoat.v1_create_project(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid;
BEGIN
	INSERT INTO trackagoat.project (org_id, name, description)
	VALUES (trackagoat.current_org(), request #>> '{body,name}', request #>> '{body,description}')
	RETURNING id INTO project_id;
	RETURN jsonb_build_object('status', 201, 'data', (SELECT o.object FROM trackagoat.project_objects(ARRAY[project_id]) o));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_create_project(jsonb) IS 'POST /projects';

CREATE FUNCTION trackagoat.v1_update_project(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.project p SET
		name = CASE WHEN body ? 'name' THEN body ->> 'name' ELSE p.name END,
		description = CASE WHEN body ? 'description' THEN body ->> 'description' ELSE p.description END
	WHERE p.id = project_id AND p.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.project_objects(ARRAY[project_id]) o));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_update_project(jsonb) IS 'PATCH /projects/{id}';

CREATE FUNCTION trackagoat.v1_delete_project(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
BEGIN
	DELETE FROM trackagoat.project p WHERE p.id = project_id AND p.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', project_id, 'deleted', true));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_delete_project(jsonb) IS 'DELETE /projects/{id}: it and all that is in it';
