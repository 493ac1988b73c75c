-- When the schedule fetches what, and what people fetch ahead of it.
-- C: src/scrape_target.c.

CREATE FUNCTION trackagoat.scrape_slot(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	every interval, after timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.scrape_slot(trackagoat.scrape_kind, trackagoat.handle, bigint, interval, timestamptz) IS
	'the first slot of an account or video after a moment: its slots are an interval apart, at a phase of its own, so that many spread over the interval';

CREATE FUNCTION trackagoat.first_scrape_slot(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	-- what nobody wants is soon claimed and deleted
	RETURN (SELECT coalesce(trackagoat.scrape_slot(kind, tiktok_handle, tiktok_video_id, min(t.every), now()), now())
		FROM trackagoat.scrape_targets(kind, tiktok_handle, tiktok_video_id) t);
END
$$;
COMMENT ON FUNCTION trackagoat.first_scrape_slot(trackagoat.scrape_kind, trackagoat.handle, bigint) IS
	'when the schedule first fetches an account or video that nobody waits for: on its slot within the interval from now';

CREATE FUNCTION trackagoat.video_slots(tiktok_video_ids bigint[], is_served boolean)
	RETURNS TABLE (tiktok_video_id bigint, next_at timestamptz)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT i.tiktok_video_id, trackagoat.scrape_slot('video_stats', NULL, i.tiktok_video_id, i.every,
		CASE WHEN is_served THEN now() + i.every / 2 ELSE now() END)
	FROM (SELECT v.tiktok_video_id, min(v.every) AS every
		FROM trackagoat.video_intervals(tiktok_video_ids) v GROUP BY v.tiktok_video_id) i;
END
$$;
COMMENT ON FUNCTION trackagoat.video_slots(bigint[], boolean) IS
	'when the schedule next fetches each of the videos that somebody wants: on its slot within the interval from now, or, where a page has just served it, from half of it on';

CREATE FUNCTION trackagoat.organization_schedule() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	kinds trackagoat.scrape_kind[] := ARRAY(SELECT k.kind FROM (VALUES
		('creator_profile'::trackagoat.scrape_kind, NEW.creator_profile_interval < OLD.creator_profile_interval),
		('discover_videos', NEW.discover_videos_interval < OLD.discover_videos_interval),
		('video_stats', NEW.video_stats_interval < OLD.video_stats_interval)) k (kind, is_shorter)
		WHERE k.is_shorter OR NEW.plan IS DISTINCT FROM OLD.plan);
BEGIN
	-- by requests, as others' transactions do not wait for this one
	INSERT INTO trackagoat.scrape_request (kind, tiktok_handle, tiktok_video_id, next_at, priority, renew)
	SELECT j.kind, j.tiktok_handle, j.tiktok_video_id, s.slot, 0, false
	FROM (SELECT a.kind, a.tiktok_handle, a.tiktok_video_id, a.next_at FROM trackagoat.scrape_job a
			WHERE a.kind = ANY (kinds) AND a.due_at IS NULL
				AND a.tiktok_handle IN (SELECT c.tiktok_handle FROM trackagoat.creator c WHERE c.org_id = NEW.id)
		UNION ALL SELECT b.kind, NULL, b.tiktok_video_id, b.next_at FROM trackagoat.scrape_job b
			WHERE b.kind = 'video_stats' AND b.kind = ANY (kinds) AND b.tiktok_handle IS NULL AND b.due_at IS NULL
				AND b.tiktok_video_id IN (SELECT v.tiktok_video_id FROM trackagoat.project p
					JOIN trackagoat.video v ON v.project_id = p.id AND v.org_id = p.org_id WHERE p.org_id = NEW.id)) j,
		LATERAL (SELECT trackagoat.first_scrape_slot(j.kind, j.tiktok_handle, j.tiktok_video_id) AS slot OFFSET 0) s
	WHERE s.slot < j.next_at;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.organization_schedule() IS
	'trigger: a shorter interval or another plan holds at once: what comes too late is brought forward, spread over the interval';

CREATE FUNCTION trackagoat.count_manual_scrape(org_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	limit_key CONSTANT text := 'max_manual_scrape_triggers_per_day';
	most bigint := (SELECT trackagoat.plan_limit(o.plan, limit_key) FROM trackagoat.organization o WHERE o.id = org_id);
	made record;
BEGIN
	IF most IS NULL THEN
		RETURN;
	END IF;
	-- the row is held until the transaction ends; one that began before midnight counts for the day that others have begun
	INSERT INTO trackagoat.manual_scrape AS m (org_id, day, triggers)
	VALUES (org_id, (clock_timestamp() AT TIME ZONE 'UTC')::date, 1)
	ON CONFLICT ON CONSTRAINT manual_scrape_pkey DO UPDATE SET day = greatest(m.day, excluded.day),
		triggers = CASE WHEN m.day >= excluded.day THEN m.triggers + 1 ELSE 1 END
	RETURNING m.day, m.triggers INTO made;
	IF made.triggers > most THEN
		RAISE SQLSTATE 'PT429' USING
			MESSAGE = 'rate_limit_exceeded',
			DETAIL = format('{"limitKey": "%s", "current": %s, "max": %s, "retryAfter": %s}', limit_key, made.triggers - 1, most,
				ceil(extract(epoch FROM (made.day + 1)::timestamp AT TIME ZONE 'UTC' - clock_timestamp()))),
			HINT = format('Wait until %s 00:00 UTC, or choose a plan that allows more.', to_char(made.day + 1, 'YYYY-MM-DD'));
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.count_manual_scrape(uuid) IS
	'count a manual scrape of an organization, where its plan has a limit; PT429 rate_limit_exceeded past it';

CREATE FUNCTION trackagoat.scrape_creator(creator_id uuid) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	target record;
BEGIN
	SELECT c.org_id, c.tiktok_handle, c.removed_at, c.is_active, count(*) OVER () AS found INTO target
	FROM trackagoat.creator c WHERE c.id = scrape_creator.creator_id;
	IF target.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('creator', creator_id);
	END IF;
	IF target.removed_at IS NOT NULL OR NOT target.is_active THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'creator_not_fetched',
			DETAIL = format('%s is %s.', target.tiktok_handle, CASE WHEN target.removed_at IS NOT NULL THEN 'removed' ELSE 'disabled' END),
			HINT = 'Bring the creator back, or enable it: then it is fetched at once.';
	END IF;
	PERFORM trackagoat.count_manual_scrape(target.org_id);
	PERFORM trackagoat.queue_scrape('discover_videos', target.tiktok_handle, NULL, now(), NULL, 2);
	RETURN trackagoat.queue_scrape('creator_profile', target.tiktok_handle, NULL, now(), NULL, 2);
END
$$;
COMMENT ON FUNCTION trackagoat.scrape_creator(uuid) IS
	'fetch a creator''s profile and new videos now, ahead of the schedule; answers the profile''s job; PT404 creator_not_found, PT409 creator_not_fetched, PT429 rate_limit_exceeded';

CREATE FUNCTION trackagoat.scrape_video(video_id uuid) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	target record;
BEGIN
	SELECT v.org_id, v.tiktok_video_id, v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at,
		coalesce(c.is_active, true) AS is_active, count(*) OVER () AS found INTO target
	FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
	WHERE v.id = scrape_video.video_id;
	IF target.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('video', video_id);
	END IF;
	IF NOT target.is_active
		OR NOT trackagoat.video_is_fetched(target.tracking_status, target.tracking_disabled_at, target.refresh_stopped_at) THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'video_not_fetched',
			DETAIL = format('The video is %s.', CASE WHEN NOT target.is_active THEN 'of a creator that is removed or disabled'
				WHEN target.tracking_status = 'excluded' THEN 'excluded'
				WHEN target.tracking_disabled_at IS NOT NULL THEN 'disabled' ELSE 'old: its refreshes have stopped' END),
			HINT = 'Include it, clear tracking_disabled_at or refresh_stopped_at, or enable its creator.';
	END IF;
	PERFORM trackagoat.count_manual_scrape(target.org_id);
	RETURN trackagoat.queue_scrape('video_stats', NULL, target.tiktok_video_id, now(), NULL, 2);
END
$$;
COMMENT ON FUNCTION trackagoat.scrape_video(uuid) IS
	'fetch a video''s counters now, ahead of the schedule; answers the job; PT404 video_not_found, PT409 video_not_fetched, PT429 rate_limit_exceeded';
