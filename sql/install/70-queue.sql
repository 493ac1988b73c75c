-- The queue of scrapes: who wants what, what makes jobs, what is due.
-- The worker (src/worker) claims, fetches outside of any transaction, stores
-- per organization and finishes, each in a transaction of its own.

CREATE FUNCTION trackagoat.wake_worker() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION trackagoat.wake_worker() IS 'trigger: wakes this database''s worker when the transaction commits';

CREATE FUNCTION trackagoat.video_is_fetched(
	status trackagoat.tracking_status, tracking_disabled_at timestamptz, refresh_stopped_at timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN status <> 'excluded' AND tracking_disabled_at IS NULL AND refresh_stopped_at IS NULL;
COMMENT ON FUNCTION trackagoat.video_is_fetched(trackagoat.tracking_status, timestamptz, timestamptz) IS
	'whether the counters of a video are fetched, as long as its creator, if any, is active';

CREATE FUNCTION trackagoat.video_intervals(tiktok_video_ids bigint[])
	RETURNS TABLE (tiktok_video_id bigint, org_id uuid, every interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	-- a video that gains little is fetched at a quarter of the rate
	RETURN QUERY SELECT w.tiktok_video_id, o.id, o.video_stats_interval * CASE WHEN w.is_slowed THEN 4 ELSE 1 END
	FROM (SELECT v.tiktok_video_id, v.org_id, bool_and(v.refresh_slowed_at IS NOT NULL) AS is_slowed
		FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
		WHERE v.tiktok_video_id = ANY (tiktok_video_ids)
			AND trackagoat.video_is_fetched(v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at)
			AND coalesce(c.is_active, true)
		GROUP BY v.tiktok_video_id, v.org_id) w
	JOIN trackagoat.organization o ON o.id = w.org_id;
END
$$;
COMMENT ON FUNCTION trackagoat.video_intervals(bigint[]) IS
	'of videos, the organizations that want each fetched, and how often';

CREATE FUNCTION trackagoat.served_videos(tiktok_video_ids bigint[]) RETURNS TABLE (tiktok_video_id bigint, next_at timestamptz)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT i.tiktok_video_id, now() + min(i.every)
	FROM trackagoat.video_intervals(tiktok_video_ids) i GROUP BY i.tiktok_video_id;
END
$$;
COMMENT ON FUNCTION trackagoat.served_videos(bigint[]) IS
	'of videos that somebody wants and that a page has just served, when each is to be fetched next';

CREATE FUNCTION trackagoat.scrape_targets(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint, link text DEFAULT NULL)
	RETURNS TABLE (org_id uuid, every interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	IF scrape_targets.kind = 'video_link' THEN
		RETURN QUERY SELECT DISTINCT l.org_id, interval '0' FROM trackagoat.video_link l
		WHERE l.link = scrape_targets.link AND l.problem IS NULL;
	ELSIF scrape_targets.kind = 'video_stats' THEN
		RETURN QUERY SELECT i.org_id, i.every FROM trackagoat.video_intervals(ARRAY[scrape_targets.tiktok_video_id]) i;
	ELSE
		RETURN QUERY SELECT o.id, CASE scrape_targets.kind
			WHEN 'creator_profile' THEN o.creator_profile_interval ELSE o.discover_videos_interval END
		FROM trackagoat.organization o
		WHERE o.id IN (
			SELECT c.org_id FROM trackagoat.creator c
			WHERE c.tiktok_handle = scrape_targets.tiktok_handle AND c.removed_at IS NULL AND c.is_active);
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.scrape_targets(trackagoat.scrape_kind, trackagoat.handle, bigint, text) IS
	'the organizations that want an account, video or link fetched, and how often; none means that nobody does';

CREATE FUNCTION trackagoat.lock_scrape_target(tiktok_handle trackagoat.handle, tiktok_video_id bigint, link text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.lock_scrape_target(trackagoat.handle, bigint, text) IS
	'whether this transaction may make or change the job of an account or video: false while another one, still open, may have';

CREATE FUNCTION trackagoat.queue_target(
	kinds text[], tiktok_handle text, tiktok_video_id bigint,
	due_at timestamptz, next_at timestamptz, priority integer, renew boolean, link text) RETURNS uuid
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.queue_target(text[], text, bigint, timestamptz, timestamptz, integer, boolean, text) IS
	'make the standing jobs of an account or video, or bring them forward; renew has a list wait for a fresh profile; answers the id of one, where it is known';

CREATE FUNCTION trackagoat.queue_scrape(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	due_at timestamptz, next_at timestamptz DEFAULT NULL, priority integer DEFAULT 0,
	renew boolean DEFAULT false) RETURNS uuid
	LANGUAGE sql VOLATILE
	RETURN trackagoat.queue_target(ARRAY[kind::text], tiktok_handle::text, tiktok_video_id, due_at, next_at, priority, renew, NULL);
COMMENT ON FUNCTION trackagoat.queue_scrape(
	trackagoat.scrape_kind, trackagoat.handle, bigint, timestamptz, timestamptz, integer, boolean) IS
	'make the standing job of an account or video, or bring it forward; renew has a list wait for a fresh profile; answers the job''s id';

CREATE FUNCTION trackagoat.fold_scrape_requests() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	request record;
	folded integer := 0;
BEGIN
	FOR request IN SELECT r.* FROM trackagoat.scrape_request r ORDER BY r.id FOR UPDATE SKIP LOCKED LOOP
		CONTINUE WHEN NOT trackagoat.lock_scrape_target(request.tiktok_handle, request.tiktok_video_id, request.link);
		DELETE FROM trackagoat.scrape_request r WHERE r.id = request.id;
		PERFORM trackagoat.queue_target(ARRAY[request.kind::text], request.tiktok_handle::text, request.tiktok_video_id,
			request.due_at, request.next_at, request.priority, request.renew, request.link);
		folded := folded + 1;
		EXIT WHEN folded = 1000;
	END LOOP;
	RETURN folded;
END
$$;
COMMENT ON FUNCTION trackagoat.fold_scrape_requests() IS
	'turn requests into jobs, as far as nobody holds the jobs; answers how many';

CREATE FUNCTION trackagoat.happens_now(created_at timestamptz) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN created_at > now() - interval '1 hour';
COMMENT ON FUNCTION trackagoat.happens_now(timestamptz) IS
	'whether a row is made now, rather than loaded from a backup or an import that brings its older created_at';

CREATE FUNCTION trackagoat.creator_scrape() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION trackagoat.creator_scrape() IS
	'trigger: queues profile and discovery of a creator that is new, renamed, active again or wants older videos';

CREATE FUNCTION trackagoat.video_scrape() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF TG_OP = 'INSERT' AND NEW.tracking_status = 'direct_add' AND trackagoat.happens_now(NEW.created_at) THEN
		PERFORM trackagoat.queue_scrape('video_stats', NULL, NEW.tiktok_video_id, now(), now(), 1);
	ELSE
		PERFORM trackagoat.queue_scrape('video_stats', NULL, NEW.tiktok_video_id, NULL, now());
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.video_scrape() IS
	'trigger: queues a video that was added by URL; leaves one that discovery found, or that is fetched again, to the schedule';

CREATE FUNCTION trackagoat.scrape_creator(creator_id uuid) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	target trackagoat.handle;
BEGIN
	SELECT c.tiktok_handle INTO target FROM trackagoat.creator c WHERE c.id = scrape_creator.creator_id;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('creator', creator_id);
	END IF;
	PERFORM trackagoat.queue_scrape('discover_videos', target, NULL, now(), NULL, 1);
	RETURN trackagoat.queue_scrape('creator_profile', target, NULL, now(), NULL, 1);
END
$$;
COMMENT ON FUNCTION trackagoat.scrape_creator(uuid) IS
	'fetch a creator''s profile and new videos now, ahead of the schedule; answers the profile''s job; PT404 creator_not_found';

CREATE FUNCTION trackagoat.scrape_video(video_id uuid) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	target bigint;
BEGIN
	SELECT v.tiktok_video_id INTO target FROM trackagoat.video v WHERE v.id = scrape_video.video_id;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('video', video_id);
	END IF;
	RETURN trackagoat.queue_scrape('video_stats', NULL, target, now(), NULL, 1);
END
$$;
COMMENT ON FUNCTION trackagoat.scrape_video(uuid) IS
	'fetch a video''s counters now, ahead of the schedule; answers the job; PT404 video_not_found';

CREATE FUNCTION trackagoat.attempt_retention() RETURNS interval
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.attempt_retention() IS 'the setting trackagoat.attempt_retention';

CREATE FUNCTION trackagoat.check_owner(what text) RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	PERFORM FROM pg_class c
	WHERE c.oid = to_regclass('trackagoat.scrape_job') AND c.relowner = current_user::regrole;
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('only the owner of the tables may %s', what),
			DETAIL = 'Anybody else, a superuser too, would run the owner''s triggers with rights that the owner does not have.',
			HINT = 'SET ROLE to the owner of trackagoat.scrape_job.';
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.check_owner(text) IS 'raises insufficient_privilege unless the caller is the owner of the tables itself';

CREATE FUNCTION trackagoat.enqueue_due(at timestamptz DEFAULT now()) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	queued integer;
BEGIN
	PERFORM trackagoat.check_owner('queue what is due');
	PERFORM trackagoat.fold_scrape_requests();
	-- a time ahead queues what will be due then, to be fetched now
	UPDATE trackagoat.scrape_job j SET due_at = least(enqueue_due.at, now()), priority = 0
	FROM (SELECT d.id FROM trackagoat.scrape_job d
		WHERE d.due_at IS NULL AND d.next_at <= enqueue_due.at
		FOR UPDATE SKIP LOCKED) due
	WHERE j.id = due.id;
	GET DIAGNOSTICS queued = ROW_COUNT;

	BEGIN
		PERFORM trackagoat.fold_waiting();
	EXCEPTION WHEN OTHERS THEN
		-- totals stay exact without; scrapes must not wait for them
		RAISE WARNING 'trackagoat could not fold totals: %', SQLERRM;
	END;

	-- a bounded piece of what retention removes
	DELETE FROM trackagoat.scrape_attempt a
	WHERE a.id IN (SELECT o.id FROM trackagoat.scrape_attempt o
		WHERE o.started_at < enqueue_due.at
			- trackagoat.attempt_retention()
		ORDER BY o.started_at LIMIT 10000);
	RETURN queued;
END
$$;
COMMENT ON FUNCTION trackagoat.enqueue_due(timestamptz) IS
	'queue every job whose time has come, fold totals, and remove attempts past their retention; answers how many were queued; what pg_cron calls, as the owner of the tables';
