-- Handlers of the v1 API: creators.

CREATE FUNCTION trackagoat.creator_object(creator_id uuid) RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT row_to_json(c) FROM trackagoat_api.creators c WHERE c.id = creator_object.creator_id AND c.org_id = trackagoat.current_org());
END
$$;
COMMENT ON FUNCTION trackagoat.creator_object(uuid) IS 'a creator as the API answers it';

CREATE FUNCTION trackagoat.tracked_creator(request jsonb) RETURNS uuid
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := (request #>> '{ids,0}')::uuid;
BEGIN
	PERFORM FROM trackagoat.creator c WHERE c.id = creator_id AND c.org_id = trackagoat.current_org() AND c.removed_at IS NULL;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('creator', creator_id);
	END IF;
	RETURN creator_id;
END
$$;
COMMENT ON FUNCTION trackagoat.tracked_creator(jsonb) IS 'the creator that a request names, who is in the program: PT404 creator_not_found';

CREATE FUNCTION trackagoat.v1_list_creators(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp SET plan_cache_mode = force_generic_plan AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	for_project uuid := CASE WHEN query ? 'project_id' THEN trackagoat.own_entity('project', (query ->> 'project_id')::uuid) END;
	part text := '%' || regexp_replace(ltrim(query ->> 'search', '@'), '([\\%_])', '\\\1', 'g') || '%';
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(o.id), array_agg(row_to_json(o)) INTO ids, objects
	FROM (SELECT c.* FROM trackagoat_api.creators c
		WHERE c.org_id = trackagoat.current_org() AND c.id < after
			AND (for_project IS NULL OR c.project_id = for_project) AND (part IS NULL OR c.tiktok_handle ILIKE part)
		ORDER BY c.id DESC LIMIT trackagoat.page_limit(query) + 1) o;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_creators(jsonb) IS 'GET /creators';

CREATE FUNCTION trackagoat.v1_get_creator(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := trackagoat.tracked_creator(request);
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.creator_object(creator_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_get_creator(jsonb) IS 'GET /creators/{id}';

CREATE FUNCTION trackagoat.v1_create_creators(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
	is_many boolean := body ? 'creators';
	wanted jsonb := CASE WHEN body ? 'creators' THEN body -> 'creators' ELSE jsonb_build_array(body) END;
	item record;
	added record;
	objects jsonb := '[]';
	any_created boolean := false;
BEGIN
	IF is_many AND body - 'creators' <> '{}' THEN
		PERFORM trackagoat.refuse_field('invalid_body', 'creators', 'stands alone, or is left out');
	ELSIF NOT is_many AND NOT body ? 'tiktok_handle' THEN
		PERFORM trackagoat.refuse_field('invalid_body', 'tiktok_handle', 'is missing');
	END IF;
	FOR item IN SELECT w.value FROM jsonb_array_elements(wanted) WITH ORDINALITY w (value, place) ORDER BY w.place LOOP
		SELECT a.* INTO added FROM trackagoat.add_creators(project_id, ARRAY[item.value ->> 'tiktok_handle'],
			(item.value ->> 'tracking_mode')::trackagoat.tracking_mode, (item.value ->> 'tracking_start_date')::date) a;
		-- one by itself is refused as it is documented; of many each has its own result
		IF NOT is_many AND (added.code IS NOT NULL OR added.result = 'already_there') THEN
			PERFORM trackagoat.refuse_creator(coalesce(added.code, 'handle_taken'), item.value ->> 'tiktok_handle', project_id);
		END IF;
		any_created := any_created OR added.result = 'created';
		objects := objects || CASE WHEN is_many THEN jsonb_build_object('tiktok_handle', item.value ->> 'tiktok_handle', 'result', added.result,
				'code', added.code, 'creator', trackagoat.creator_object(added.creator_id))
			ELSE trackagoat.creator_object(added.creator_id)::jsonb END;
	END LOOP;
	RETURN jsonb_build_object('status', CASE WHEN any_created THEN 201 ELSE 200 END,
		'data', CASE WHEN is_many THEN objects ELSE objects -> 0 END);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_create_creators(jsonb) IS 'POST /projects/{id}/creators: 201, or 200 where the creator came back';

CREATE FUNCTION trackagoat.refuse_creator(code text, handle text, project_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF code = 'limit_reached' THEN
		-- the limit's own trigger says how many there are, of one that would come back or come
		UPDATE trackagoat.creator c SET removed_at = NULL
		WHERE c.id = (SELECT r.id FROM trackagoat.creator r WHERE r.project_id = refuse_creator.project_id AND r.org_id = trackagoat.current_org()
				AND r.tiktok_handle = trackagoat.parse_handle(handle) AND r.removed_at IS NOT NULL ORDER BY r.removed_at DESC LIMIT 1)
			AND c.org_id = trackagoat.current_org();
		INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle)
		VALUES (trackagoat.current_org(), refuse_creator.project_id, trackagoat.parse_handle(handle));
	ELSIF code = 'creator_banned' THEN
		PERFORM trackagoat.check_ban(trackagoat.parse_handle(handle));
	END IF;
	PERFORM trackagoat.parse_handle(handle);
	RAISE SQLSTATE 'PT409' USING
		MESSAGE = 'handle_taken',
		DETAIL = format('The project tracks %s already.', handle),
		HINT = 'GET /creators?search= finds a creator by the handle.';
END
$$;
COMMENT ON FUNCTION trackagoat.refuse_creator(text, text, uuid) IS 'raises what adding one creator was refused for, as the documented code';

CREATE FUNCTION trackagoat.v1_update_creator(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := trackagoat.tracked_creator(request);
	body jsonb := request -> 'body';
BEGIN
	-- alone, as a rename to what it is is refused
	IF body ? 'tiktok_handle' THEN
		UPDATE trackagoat.creator c SET tiktok_handle = trackagoat.parse_handle(body ->> 'tiktok_handle')
		WHERE c.id = creator_id AND c.org_id = trackagoat.current_org();
	END IF;
	IF body - 'tiktok_handle' <> '{}' THEN
		UPDATE trackagoat.creator c SET
			readme = CASE WHEN body ? 'readme' THEN body ->> 'readme' ELSE c.readme END,
			metadata = coalesce(body -> 'metadata', c.metadata),
			tracking_mode = coalesce((body ->> 'tracking_mode')::trackagoat.tracking_mode, c.tracking_mode),
			tracking_start_date = coalesce((body ->> 'tracking_start_date')::date, c.tracking_start_date),
			display_name_override = CASE WHEN body ? 'display_name_override' THEN body ->> 'display_name_override' ELSE c.display_name_override END
		WHERE c.id = creator_id AND c.org_id = trackagoat.current_org();
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.creator_object(creator_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_update_creator(jsonb) IS 'PATCH /creators/{id}';

CREATE FUNCTION trackagoat.v1_remove_creator(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := trackagoat.tracked_creator(request);
BEGIN
	PERFORM FROM trackagoat.remove_creators(ARRAY[creator_id]);
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', creator_id, 'removed', true));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_remove_creator(jsonb) IS 'DELETE /creators/{id}';

CREATE FUNCTION trackagoat.v1_scrape_creator(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := trackagoat.tracked_creator(request);
BEGIN
	-- the job is shared, and its id would tell since when somebody else has tracked the account
	PERFORM trackagoat.scrape_creator(creator_id);
	RETURN jsonb_build_object('status', 202, 'data', jsonb_build_object('result', 'queued', 'creator_id', creator_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_scrape_creator(jsonb) IS 'POST /creators/{id}/scrape';

CREATE FUNCTION trackagoat.v1_list_creator_events(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	for_creator uuid := trackagoat.own_entity('creator', (request #>> '{ids,0}')::uuid);
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(e.id ORDER BY e.id DESC), array_agg(json_build_object('id', e.id, 'creator_id', e.creator_id, 'video_id', e.video_id,
		'kind', e.kind, 'detail', e.detail, 'created_at', e.created_at) ORDER BY e.id DESC)
	INTO ids, objects
	FROM (SELECT v.* FROM trackagoat.creator_event v
		WHERE v.creator_id = for_creator AND v.org_id = trackagoat.current_org() AND v.id < after
		ORDER BY v.id DESC LIMIT trackagoat.page_limit(query) + 1) e;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_creator_events(jsonb) IS 'GET /creators/{id}/events';

CREATE FUNCTION trackagoat.v1_reenable_creators(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]')
		FROM trackagoat.reenable_creators(trackagoat.project_rows(request, 'creator')) r));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_reenable_creators(jsonb) IS 'POST /projects/{id}/creators/bulk-reenable';

CREATE FUNCTION trackagoat.v1_remove_creators(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]')
		FROM trackagoat.remove_creators(trackagoat.project_rows(request, 'creator')) r));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_remove_creators(jsonb) IS 'POST /projects/{id}/creators/bulk-remove';
