-- Handlers of the v1 API: videos.  An excluded one, or one of a removed creator,
-- is never returned; a write that names it finds it, as it may bring it back.

CREATE FUNCTION trackagoat.video_object(video_id uuid) RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN coalesce(
		(SELECT row_to_json(v) FROM trackagoat_api.videos v WHERE v.id = video_object.video_id AND v.org_id = trackagoat.current_org()),
		(SELECT json_build_object('id', v.id, 'tracking_status', v.tracking_status)
			FROM trackagoat.video v WHERE v.id = video_object.video_id AND v.org_id = trackagoat.current_org()));
END
$$;
COMMENT ON FUNCTION trackagoat.video_object(uuid) IS
	'a video as the API answers it to whoever has written it: of one that is excluded, or of a removed creator, the status alone';

CREATE FUNCTION trackagoat.video_page(query jsonb, status trackagoat.tracking_status) RETURNS jsonb
	-- which index is best depends on what is asked, of how many
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp SET plan_cache_mode = force_custom_plan AS
$$
DECLARE
	after uuid := trackagoat.page_after(query);
	for_project uuid := CASE WHEN query ? 'project_id' THEN trackagoat.own_entity('project', (query ->> 'project_id')::uuid) END;
	for_creator uuid := CASE WHEN query ? 'creator_id' THEN trackagoat.own_entity('creator', (query ->> 'creator_id')::uuid) END;
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(o.id), array_agg(row_to_json(o)) INTO ids, objects
	FROM (SELECT v.* FROM trackagoat_api.videos v
		WHERE v.org_id = trackagoat.current_org() AND v.id < after
			AND (for_project IS NULL OR v.project_id = for_project) AND (for_creator IS NULL OR v.creator_id = for_creator)
			AND (status IS NULL OR v.tracking_status = status)
		ORDER BY v.id DESC LIMIT trackagoat.page_limit(query) + 1) o;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;
COMMENT ON FUNCTION trackagoat.video_page(jsonb, trackagoat.tracking_status) IS 'a page of the videos that are shown, of one status or of all';

CREATE FUNCTION trackagoat.v1_list_videos(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN trackagoat.video_page(request -> 'query', (request #>> '{query,tracking_status}')::trackagoat.tracking_status);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_videos(jsonb) IS 'GET /videos';

CREATE FUNCTION trackagoat.v1_list_inbox(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN trackagoat.video_page(request -> 'query', 'pending_review');
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_inbox(jsonb) IS 'GET /inbox';

CREATE FUNCTION trackagoat.v1_get_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := (request #>> '{ids,0}')::uuid;
BEGIN
	PERFORM FROM trackagoat_api.videos v WHERE v.id = video_id AND v.org_id = trackagoat.current_org();
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('video', video_id);
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.video_object(video_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_get_video(jsonb) IS
	'GET /videos/{id}; an excluded video is never returned, so it is not found, but PATCH brings it back';

CREATE FUNCTION trackagoat.v1_create_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	url text := request #>> '{body,url}';
	added record;
BEGIN
	SELECT a.* INTO added FROM trackagoat.add_videos(project_id, ARRAY[url]) a;
	IF added.result = 'queued' THEN
		RETURN jsonb_build_object('status', 202, 'data', jsonb_build_object('result', added.result, 'url', url));
	ELSIF added.result = 'already_there' THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'video_exists',
			DETAIL = format('{"message": "The project has the video already.", "video_id": "%s"}', added.video_id),
			HINT = 'PATCH /videos/{id} with a tracking_status brings it back if it was excluded.';
	ELSIF added.result = 'refused' THEN
		PERFORM trackagoat.refuse_video(added.code, url, project_id);
	END IF;
	RETURN jsonb_build_object('status', 201, 'data', trackagoat.video_object(added.video_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_create_video(jsonb) IS 'POST /projects/{id}/videos: 201, or 202 for a short link, which the worker follows: PT409 video_exists';

CREATE FUNCTION trackagoat.refuse_video(code text, url text, project_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF code = 'limit_reached' THEN
		-- the limit's own trigger says how many there are
		INSERT INTO trackagoat.video (org_id, project_id, tiktok_video_id)
		SELECT trackagoat.current_org(), refuse_video.project_id, u.tiktok_video_id FROM trackagoat.parse_video_url(url) u;
	END IF;
	PERFORM trackagoat.parse_video_url(url);
	RAISE SQLSTATE 'PT400' USING
		MESSAGE = code,
		DETAIL = format('The URL %s was refused.', left(url, 100)),
		HINT = 'Paste a link such as https://www.tiktok.com/@handle/video/7526770564367748360.';
END
$$;
COMMENT ON FUNCTION trackagoat.refuse_video(text, text, uuid) IS 'raises what adding one video was refused for, as the documented code';

CREATE FUNCTION trackagoat.v1_update_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.video v SET
		tracking_status = coalesce((body ->> 'tracking_status')::trackagoat.tracking_status, v.tracking_status),
		readme = CASE WHEN body ? 'readme' THEN body ->> 'readme' ELSE v.readme END,
		metadata = coalesce(body -> 'metadata', v.metadata)
	WHERE v.id = video_id AND v.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.video_object(video_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_update_video(jsonb) IS 'PATCH /videos/{id}, of an excluded video too';

CREATE FUNCTION trackagoat.v1_delete_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
BEGIN
	DELETE FROM trackagoat.video v WHERE v.id = video_id AND v.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', video_id, 'deleted', true));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_delete_video(jsonb) IS 'DELETE /videos/{id}';

CREATE FUNCTION trackagoat.v1_scrape_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
BEGIN
	PERFORM trackagoat.scrape_video(video_id);
	RETURN jsonb_build_object('status', 202, 'data', jsonb_build_object('result', 'queued', 'video_id', video_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_scrape_video(jsonb) IS 'POST /videos/{id}/scrape';

CREATE FUNCTION trackagoat.disable_videos(video_ids uuid[], disabled_at timestamptz) RETURNS uuid[]
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	changed uuid[];
BEGIN
	WITH done AS (UPDATE trackagoat.video v SET tracking_disabled_at = disabled_at
		FROM (SELECT w.id FROM trackagoat.video w WHERE w.id = ANY (video_ids) AND w.org_id = trackagoat.current_org()
				AND (w.tracking_disabled_at IS NULL) <> (disabled_at IS NULL) ORDER BY w.id FOR NO KEY UPDATE) d
		WHERE v.id = d.id AND v.org_id = trackagoat.current_org()
		RETURNING v.id)
	SELECT coalesce(array_agg(d.id), '{}') INTO changed FROM done d;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION trackagoat.disable_videos(uuid[], timestamptz) IS
	'disable videos of one''s organization, or with NULL enable them; answers those that were not so before';

CREATE FUNCTION trackagoat.v1_disable_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
BEGIN
	PERFORM trackagoat.disable_videos(ARRAY[video_id], now());
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.video_object(video_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_disable_video(jsonb) IS 'POST /videos/{id}/tracking-disable';

CREATE FUNCTION trackagoat.v1_enable_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
BEGIN
	PERFORM trackagoat.disable_videos(ARRAY[video_id], NULL);
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.video_object(video_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_enable_video(jsonb) IS 'POST /videos/{id}/tracking-enable';

CREATE FUNCTION trackagoat.v1_disable_videos(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	wanted uuid[] := trackagoat.project_rows(request, 'video');
	disabled uuid[] := trackagoat.disable_videos(wanted, now());
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT jsonb_agg(jsonb_build_object('video_id', w.id,
			'result', CASE WHEN w.id = ANY (disabled) THEN 'disabled' ELSE 'already_disabled' END, 'code', NULL) ORDER BY w.place)
		FROM unnest(wanted) WITH ORDINALITY w (id, place)));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_disable_videos(jsonb) IS 'POST /projects/{id}/videos/bulk-tracking-disable';

CREATE FUNCTION trackagoat.v1_review_videos(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT jsonb_agg(to_jsonb(r))
		FROM trackagoat.review_videos(trackagoat.project_rows(request, 'video'), (request #>> '{body,tracking_status}')::trackagoat.tracking_status) r));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_review_videos(jsonb) IS 'POST /projects/{id}/videos/bulk-review';
