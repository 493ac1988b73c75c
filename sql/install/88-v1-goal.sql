-- Handlers of the v1 API: goals of creators, and where they stand.

CREATE FUNCTION trackagoat.goal_objects(goal_ids uuid[]) RETURNS TABLE (id uuid, object json)
	LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT g.id, json_build_object('id', g.id, 'project_id', g.project_id, 'creator_id', g.creator_id, 'goal_type', g.goal_type,
		'target', trackagoat.api_number(g.target), 'period', g.period, 'starts_on', g.starts_on, 'ends_on', g.ends_on,
		'status', g.status, 'status_period', g.status_period, 'status_at', g.status_at, 'created_at', g.created_at, 'updated_at', g.updated_at)
	FROM trackagoat.goal g WHERE g.id = ANY (goal_ids) AND g.org_id = trackagoat.current_org()
	ORDER BY g.id DESC;
END
$$;
COMMENT ON FUNCTION trackagoat.goal_objects(uuid[]) IS 'goals of one''s organization as the API answers them, newest first; status is as of their last evaluation';

CREATE FUNCTION trackagoat.v1_list_goals(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	for_project uuid := CASE WHEN query ? 'project_id' THEN trackagoat.own_entity('project', (query ->> 'project_id')::uuid) END;
	for_creator uuid := CASE WHEN query ? 'creator_id' THEN trackagoat.own_entity('creator', (query ->> 'creator_id')::uuid) END;
	ids uuid[] := ARRAY(SELECT g.id FROM trackagoat.goal g
		WHERE g.org_id = trackagoat.current_org() AND g.id < after
			AND (for_project IS NULL OR g.project_id = for_project) AND (for_creator IS NULL OR g.creator_id = for_creator)
		ORDER BY g.id DESC LIMIT trackagoat.page_limit(query) + 1);
BEGIN
	RETURN trackagoat.page_answer(ARRAY(SELECT o.object FROM trackagoat.goal_objects(ids) o), ids, query);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_goals(jsonb) IS 'GET /goals';

CREATE FUNCTION trackagoat.v1_get_goal(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	goal_id uuid := trackagoat.own_entity('goal', (request #>> '{ids,0}')::uuid);
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.goal_objects(ARRAY[goal_id]) o));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_get_goal(jsonb) IS 'GET /goals/{id}';

CREATE FUNCTION trackagoat.v1_create_goal(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	for_project uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
	for_creator uuid := (body ->> 'creator_id')::uuid;
	goal_id uuid;
BEGIN
	PERFORM FROM trackagoat.creator c WHERE c.id = for_creator AND c.org_id = trackagoat.current_org()
		AND c.project_id = for_project AND c.removed_at IS NULL;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('creator', for_creator);
	END IF;
	INSERT INTO trackagoat.goal (org_id, project_id, creator_id, goal_type, target, period, starts_on, ends_on)
	VALUES (trackagoat.current_org(), for_project, for_creator, (body ->> 'goal_type')::trackagoat.goal_type,
		trim_scale((body ->> 'target')::numeric), (body ->> 'period')::trackagoat.goal_period,
		(body ->> 'starts_on')::date, (body ->> 'ends_on')::date)
	RETURNING id INTO goal_id;
	RETURN jsonb_build_object('status', 201, 'data', (SELECT o.object FROM trackagoat.goal_objects(ARRAY[goal_id]) o));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_create_goal(jsonb) IS 'POST /projects/{id}/goals';

CREATE FUNCTION trackagoat.v1_update_goal(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	goal_id uuid := trackagoat.own_entity('goal', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.goal g SET
		target = coalesce(trim_scale((body ->> 'target')::numeric), g.target),
		period = CASE WHEN body ? 'period' THEN (body ->> 'period')::trackagoat.goal_period ELSE g.period END,
		starts_on = coalesce((body ->> 'starts_on')::date, g.starts_on),
		ends_on = CASE WHEN body ? 'ends_on' THEN (body ->> 'ends_on')::date ELSE g.ends_on END
	WHERE g.id = goal_id AND g.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.goal_objects(ARRAY[goal_id]) o));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_update_goal(jsonb) IS 'PATCH /goals/{id}';

CREATE FUNCTION trackagoat.v1_delete_goal(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	goal_id uuid := trackagoat.own_entity('goal', (request #>> '{ids,0}')::uuid);
BEGIN
	DELETE FROM trackagoat.goal g WHERE g.id = goal_id AND g.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', goal_id, 'deleted', true));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_delete_goal(jsonb) IS 'DELETE /goals/{id}';

-- ---- where they stand ----

CREATE FUNCTION trackagoat.v1_goal_compliance(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	query jsonb := request -> 'query';
	for_creator uuid := CASE WHEN query ? 'creator_id' THEN trackagoat.own_entity('creator', (query ->> 'creator_id')::uuid) END;
	states jsonb;
BEGIN
	WITH states AS MATERIALIZED (
		SELECT s.* FROM trackagoat.goal_compliance(project_id, trackagoat.retained_reference((query ->> 'reference_date')::date), for_creator,
			(query ->> 'period')::trackagoat.goal_period) s
	), goals AS MATERIALIZED (
		SELECT o.id, o.object FROM trackagoat.goal_objects(ARRAY(SELECT s.goal_id FROM states s)) o
	), by_creator AS (
		SELECT s.creator_id, jsonb_agg(jsonb_build_object('goal', g.object,
			'actual', trackagoat.api_number(s.actual), 'projected', trackagoat.api_number(s.projected),
			'target', trackagoat.api_number(s.target), 'status', s.status, 'period_start', s.period_start, 'period_end', s.period_end,
			'compliant', s.compliant, 'advisory', s.advisory) ORDER BY s.goal_id) AS compliance
		FROM states s JOIN goals g ON g.id = s.goal_id
		GROUP BY s.creator_id
	)
	SELECT jsonb_agg(jsonb_build_object('creator', jsonb_build_object('id', c.id, 'tiktok_handle', c.tiktok_handle,
			'display_name', coalesce(c.display_name_override, c.display_name), 'avatar_url', c.avatar_url),
		'compliance', b.compliance) ORDER BY c.id DESC)
	INTO states
	FROM by_creator b JOIN trackagoat.creator c ON c.id = b.creator_id AND c.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', coalesce(states, '[]'));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_goal_compliance(jsonb) IS 'GET /projects/{id}/goal-compliance';

CREATE FUNCTION trackagoat.v1_goal_counts(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	project_id uuid := trackagoat.own_entity('project', (query ->> 'project_id')::uuid);
	counts jsonb;
BEGIN
	WITH states AS MATERIALIZED (
		SELECT s.creator_id, s.status FROM trackagoat.goal_compliance(project_id, trackagoat.retained_reference((query ->> 'reference_date')::date), NULL,
			(query ->> 'period')::trackagoat.goal_period) s
	)
	SELECT jsonb_build_object('project_id', project_id, 'creators', (SELECT count(DISTINCT s.creator_id) FROM states s),
		'goals', (SELECT count(*) FROM states s)) || jsonb_object_agg(e.status, (SELECT count(*) FROM states s WHERE s.status = e.status))
	INTO counts
	FROM unnest(enum_range(NULL::trackagoat.goal_status)) e (status);
	RETURN jsonb_build_object('status', 200, 'data', counts);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_goal_counts(jsonb) IS 'GET /analytics/aggregate/goal-compliance';
