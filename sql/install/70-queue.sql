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

CREATE FUNCTION trackagoat.organization_intervals(kind trackagoat.scrape_kind, org_ids uuid[])
	RETURNS TABLE (org_id uuid, every interval, floor interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	floor_key text := CASE kind WHEN 'creator_profile' THEN 'min_creator_profiles_hours'
		WHEN 'discover_videos' THEN 'min_discover_videos_hours' ELSE 'min_video_stats_hours' END;
BEGIN
	RETURN QUERY SELECT o.id, greatest(i.every, i.floor), i.floor
	FROM trackagoat.organization o
	CROSS JOIN LATERAL (SELECT CASE kind WHEN 'creator_profile' THEN o.creator_profile_interval
				WHEN 'discover_videos' THEN o.discover_videos_interval ELSE o.video_stats_interval END AS every,
			CASE WHEN o.plan IS NOT NULL THEN trackagoat.plan_limit(o.plan, floor_key) * interval '1 hour' END AS floor OFFSET 0) i
	WHERE o.id = ANY (org_ids);
END
$$;
COMMENT ON FUNCTION trackagoat.organization_intervals(trackagoat.scrape_kind, uuid[]) IS
	'how often organizations want accounts or videos fetched, not below the floor of their plan, which is NULL where there is none';

CREATE FUNCTION trackagoat.video_intervals(tiktok_video_ids bigint[])
	RETURNS TABLE (tiktok_video_id bigint, org_id uuid, every interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY WITH wanted AS MATERIALIZED (
		-- a video that gains little is fetched at a quarter of the rate, a fresh one at four times the rate
		SELECT v.tiktok_video_id, v.org_id, CASE WHEN bool_and(v.refresh_slowed_at IS NOT NULL) THEN 4
			WHEN bool_or(trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) > now() - interval '72 hours') THEN 0.25 ELSE 1 END AS pace
		FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
		WHERE v.tiktok_video_id = ANY (tiktok_video_ids)
			AND trackagoat.video_is_fetched(v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at)
			AND coalesce(c.is_active, true)
		GROUP BY v.tiktok_video_id, v.org_id
	)
	-- the floor of the plan holds for fresh videos too
	SELECT w.tiktok_video_id, w.org_id, greatest(i.every * w.pace, i.floor)
	FROM wanted w JOIN trackagoat.organization_intervals('video_stats', ARRAY(SELECT DISTINCT w.org_id FROM wanted w)) i ON i.org_id = w.org_id;
END
$$;
COMMENT ON FUNCTION trackagoat.video_intervals(bigint[]) IS
	'the organizations that want videos fetched, and how often each';

CREATE FUNCTION trackagoat.scrape_targets(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint, link text DEFAULT NULL)
	RETURNS TABLE (org_id uuid, every interval)
	-- a statement that fills a table keeps the plans that were made while it was small
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1 SET enable_seqscan = off SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	IF scrape_targets.kind = 'video_link' THEN
		RETURN QUERY SELECT DISTINCT l.org_id, interval '0' FROM trackagoat.video_link l
		WHERE l.link = scrape_targets.link AND l.problem IS NULL;
	ELSIF scrape_targets.kind = 'video_stats' THEN
		RETURN QUERY SELECT i.org_id, i.every FROM trackagoat.video_intervals(ARRAY[scrape_targets.tiktok_video_id]) i;
	ELSE
		RETURN QUERY SELECT i.org_id, i.every
		FROM trackagoat.organization_intervals(kind, ARRAY(SELECT c.org_id FROM trackagoat.creator c
			WHERE c.tiktok_handle = scrape_targets.tiktok_handle AND c.removed_at IS NULL AND c.is_active)) i;
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.scrape_targets(trackagoat.scrape_kind, trackagoat.handle, bigint, text) IS
	'the organizations that want an account, video or link fetched, and how often: their interval, not below the floor of their plan; none means that nobody does';

CREATE FUNCTION trackagoat.lock_scrape_target(tiktok_handle trackagoat.handle, tiktok_video_id bigint, link text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.lock_scrape_target(trackagoat.handle, bigint, text) IS
	'whether this transaction may make or change the job of an account or video: false while another one, still open, may have';

CREATE FUNCTION trackagoat.queue_target(
	kinds text[], tiktok_handle text, tiktok_video_id bigint,
	due_at timestamptz, next_at timestamptz, priority integer, renew boolean, link text) RETURNS uuid
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.queue_target(text[], text, bigint, timestamptz, timestamptz, integer, boolean, text) IS
	'make the standing jobs of an account or video, or bring them forward; without any time they are left to the schedule; renew has a list wait for a fresh profile; answers the id of one, where it is known';

CREATE FUNCTION trackagoat.queue_scrape(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	due_at timestamptz, next_at timestamptz DEFAULT NULL, priority integer DEFAULT 0,
	renew boolean DEFAULT false) RETURNS uuid
	LANGUAGE sql VOLATILE
	RETURN trackagoat.queue_target(ARRAY[kind::text], tiktok_handle::text, tiktok_video_id, due_at, next_at, priority, renew, NULL);
COMMENT ON FUNCTION trackagoat.queue_scrape(
	trackagoat.scrape_kind, trackagoat.handle, bigint, timestamptz, timestamptz, integer, boolean) IS
	'make the standing job of an account or video, or bring it forward; without any time it is left to the schedule; renew has a list wait for a fresh profile; answers the job''s id';

CREATE FUNCTION trackagoat.fold_scrape_requests() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	request record;
	folded integer := 0;
BEGIN
	FOR request IN SELECT r.* FROM trackagoat.scrape_request r ORDER BY r.priority DESC, r.id FOR UPDATE SKIP LOCKED LOOP
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
		PERFORM trackagoat.queue_scrape('video_stats', NULL, NEW.tiktok_video_id, NULL);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.video_scrape() IS
	'trigger: queues a video that was added by URL; leaves one that discovery found, or that is fetched again, to the schedule';

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
	RETURN queued;
END
$$;
COMMENT ON FUNCTION trackagoat.enqueue_due(timestamptz) IS
	'queue every job whose time has come, and fold totals; answers how many were queued; what pg_cron calls, as the owner of the tables';
