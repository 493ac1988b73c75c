-- The queue of scrapes: who wants what, what is due, what came of it.
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

CREATE FUNCTION trackagoat.scrape_targets(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint)
	RETURNS TABLE (org_id uuid, every interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	IF scrape_targets.kind = 'video_stats' THEN
		RETURN QUERY SELECT o.id, o.video_stats_interval
		FROM trackagoat.organization o
		WHERE o.id IN (
			SELECT v.org_id FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
			WHERE v.tiktok_video_id = scrape_targets.tiktok_video_id
				AND trackagoat.video_is_fetched(v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at)
				AND coalesce(c.is_active, true));
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
COMMENT ON FUNCTION trackagoat.scrape_targets(trackagoat.scrape_kind, trackagoat.handle, bigint) IS
	'the organizations that want an account or video fetched, and how often; none means that nobody does';

CREATE FUNCTION trackagoat.lock_scrape_target(tiktok_handle trackagoat.handle, tiktok_video_id bigint) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- 64 locks for all targets, so that ten thousand creators in one transaction do not fill the lock table
	RETURN pg_try_advisory_xact_lock('trackagoat.scrape_request'::regclass::oid::integer,
		coalesce(trackagoat.handle_hash(tiktok_handle), hashint8(tiktok_video_id)) & 63);
END
$$;
COMMENT ON FUNCTION trackagoat.lock_scrape_target(trackagoat.handle, bigint) IS
	'whether this transaction may make or change the job of an account or video: false while another one, still open, may have';

CREATE FUNCTION trackagoat.queue_scrape(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	due_at timestamptz, next_at timestamptz DEFAULT NULL, priority integer DEFAULT 0,
	renew boolean DEFAULT false) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job_id uuid;
BEGIN
	-- jobs are everybody's: nobody waits for the end of another's transaction
	IF NOT trackagoat.lock_scrape_target(tiktok_handle, tiktok_video_id) THEN
		INSERT INTO trackagoat.scrape_request (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority, renew)
		VALUES (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority, renew);
		RETURN (SELECT j.id FROM trackagoat.scrape_job j WHERE j.kind = queue_scrape.kind
			AND (j.tiktok_handle = queue_scrape.tiktok_handle OR j.tiktok_video_id = queue_scrape.tiktok_video_id));
	END IF;

	INSERT INTO trackagoat.scrape_job AS j (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority)
	VALUES (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority)
	ON CONFLICT ON CONSTRAINT scrape_job_target_key DO UPDATE SET
		-- a request that comes while the job is in flight is for after that
		due_at = CASE WHEN excluded.due_at IS NULL OR j.leased_until IS NULL
			THEN least(j.due_at, excluded.due_at) ELSE greatest(excluded.due_at, clock_timestamp()) END,
		next_at = least(j.next_at, excluded.next_at),
		priority = greatest(j.priority, excluded.priority),
		sec_uid = CASE WHEN NOT renew THEN j.sec_uid END
	RETURNING j.id INTO job_id;
	RETURN job_id;
END
$$;
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
		CONTINUE WHEN NOT trackagoat.lock_scrape_target(request.tiktok_handle, request.tiktok_video_id);
		DELETE FROM trackagoat.scrape_request r WHERE r.id = request.id;
		PERFORM trackagoat.queue_scrape(request.kind, request.tiktok_handle, request.tiktok_video_id,
			request.due_at, request.next_at, request.priority, request.renew);
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
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	due timestamptz;
BEGIN
	IF TG_OP = 'UPDATE' AND OLD.listing_wanted_at = NEW.listing_wanted_at THEN
		RETURN NULL;
	END IF;
	IF TG_OP = 'UPDATE' OR trackagoat.happens_now(NEW.created_at) THEN
		due := now();
	END IF;
	PERFORM trackagoat.queue_scrape('creator_profile', NEW.tiktok_handle, NULL, due, now(), 1);
	-- the list waits for the profile, which tells whose it is
	PERFORM trackagoat.queue_scrape('discover_videos', NEW.tiktok_handle, NULL, due, now(), 1, true);
	-- while it was not active, the jobs of its videos may have been deleted
	IF TG_OP = 'UPDATE' AND NOT OLD.is_active THEN
		PERFORM trackagoat.queue_scrape('video_stats', NULL, v.tiktok_video_id, NULL, now())
		FROM (SELECT w.tiktok_video_id FROM trackagoat.video w
			WHERE w.creator_id = NEW.id AND w.org_id = NEW.org_id
				AND trackagoat.video_is_fetched(w.tracking_status, w.tracking_disabled_at, w.refresh_stopped_at)
			ORDER BY w.tiktok_video_id) v;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_scrape() IS
	'trigger: queues profile and discovery of a creator that is new, renamed, active again or wants older videos';

CREATE FUNCTION trackagoat.video_scrape() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF TG_OP = 'UPDATE' AND trackagoat.video_is_fetched(
		OLD.tracking_status, OLD.tracking_disabled_at, OLD.refresh_stopped_at)
	THEN
		RETURN NULL;
	END IF;
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

CREATE FUNCTION trackagoat.enqueue_due(at timestamptz DEFAULT now()) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	queued integer;
BEGIN
	PERFORM trackagoat.fold_scrape_requests();
	UPDATE trackagoat.scrape_job j SET due_at = enqueue_due.at, priority = 0
	FROM (SELECT d.id FROM trackagoat.scrape_job d
		WHERE d.due_at IS NULL AND d.next_at <= enqueue_due.at
		FOR UPDATE SKIP LOCKED) due
	WHERE j.id = due.id;
	GET DIAGNOSTICS queued = ROW_COUNT;

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
	'queue every job whose time has come, and remove attempts past their retention; answers how many were queued; what pg_cron calls';

CREATE FUNCTION trackagoat.claim_scrapes(max_jobs integer, lease interval)
	RETURNS TABLE (attempt_id bigint, kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle,
		tiktok_video_id bigint, sec_uid text, list_cursor bigint)
	LANGUAGE plpgsql VOLATILE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job record;
	claimed integer := 0;
	deleted integer := 0;
BEGIN
	PERFORM trackagoat.fold_scrape_requests();
	WHILE claimed < max_jobs AND deleted < 1000 LOOP
		SELECT j.id, j.kind, j.tiktok_handle, j.tiktok_video_id, j.sec_uid, j.list_cursor, j.attempts INTO job
		FROM trackagoat.scrape_job j
		WHERE j.due_at <= clock_timestamp() AND j.leased_until IS NULL
			AND (j.kind <> 'discover_videos' OR j.sec_uid IS NOT NULL)
		ORDER BY j.priority DESC, j.due_at LIMIT 1
		FOR UPDATE SKIP LOCKED;
		EXIT WHEN NOT FOUND;

		PERFORM FROM trackagoat.scrape_targets(job.kind, job.tiktok_handle, job.tiktok_video_id);
		IF NOT FOUND THEN
			-- with a profile goes the list that waits for it
			DELETE FROM trackagoat.scrape_job j WHERE j.id = job.id
				OR (job.kind = 'creator_profile' AND j.kind = 'discover_videos'
					AND j.tiktok_handle = job.tiktok_handle AND j.leased_until IS NULL);
			deleted := deleted + 1;
			CONTINUE;
		END IF;

		UPDATE trackagoat.scrape_job j SET attempts = j.attempts + 1, leased_at = clock_timestamp(),
			leased_until = clock_timestamp() + lease, leased_by = pg_backend_pid()
		WHERE j.id = job.id;
		INSERT INTO trackagoat.scrape_attempt
			(job_id, kind, tiktok_handle, tiktok_video_id, attempt, worker_pid, started_at)
		VALUES (job.id, job.kind, job.tiktok_handle, job.tiktok_video_id, job.attempts + 1,
			pg_backend_pid(), clock_timestamp())
		RETURNING id INTO attempt_id;
		claimed := claimed + 1;

		kind := job.kind;
		tiktok_handle := job.tiktok_handle;
		tiktok_video_id := job.tiktok_video_id;
		sec_uid := job.sec_uid;
		list_cursor := job.list_cursor;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION trackagoat.claim_scrapes(integer, interval) IS
	'lease due jobs to the calling worker and count the attempt; jobs that nobody wants any more are deleted';

CREATE FUNCTION trackagoat.next_scrape_due() RETURNS timestamptz
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT min(f.due_at) FROM (VALUES (0), (1)) p (priority)
		CROSS JOIN LATERAL (SELECT j.due_at FROM trackagoat.scrape_job j
			WHERE j.priority = p.priority AND j.due_at IS NOT NULL AND j.leased_until IS NULL
				AND (j.kind <> 'discover_videos' OR j.sec_uid IS NOT NULL)
			ORDER BY j.due_at LIMIT 1) f);
END
$$;
COMMENT ON FUNCTION trackagoat.next_scrape_due() IS
	'when the next queued job that can be claimed becomes due; NULL for never';

CREATE FUNCTION trackagoat.host_paused_until() RETURNS timestamptz
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT max(a.host_paused_until) FROM trackagoat.scrape_attempt a
		WHERE a.host_paused_until > clock_timestamp());
END
$$;
COMMENT ON FUNCTION trackagoat.host_paused_until() IS
	'until when the host is to be left alone, by what its answers have said; NULL when it may be asked';

CREATE FUNCTION trackagoat.store_scrape(
	org_id uuid, kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	fetched_at timestamptz, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF kind = 'creator_profile' THEN
		RETURN trackagoat.store_profile(org_id, tiktok_handle, fetched_at, page);
	END IF;
	IF kind = 'discover_videos' THEN
		-- an empty list is anybody's
		PERFORM FROM trackagoat.creator c
		WHERE c.org_id = store_scrape.org_id AND c.tiktok_handle = store_scrape.tiktok_handle
			AND c.removed_at IS NULL AND c.is_active
			AND c.tiktok_account_id = coalesce((page #>> '{account,id}')::bigint, c.tiktok_account_id);
		IF NOT FOUND THEN
			RETURN 'account_changed';
		END IF;
		PERFORM trackagoat.store_new_videos(org_id, tiktok_handle, page);
	END IF;
	PERFORM trackagoat.store_videos(org_id, fetched_at, page);
	RETURN 'ok';
END
$$;
COMMENT ON FUNCTION trackagoat.store_scrape(uuid, trackagoat.scrape_kind, trackagoat.handle, bigint, timestamptz, jsonb) IS
	'store what a page says for one organization; answers the outcome: ok or account_changed';

CREATE FUNCTION trackagoat.store_profile(
	org_id uuid, tiktok_handle trackagoat.handle, fetched_at timestamptz, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	account jsonb := page -> 'account';
	ids uuid[];
	n integer;
BEGIN
	UPDATE trackagoat.creator c SET
		tiktok_account_id = coalesce((account ->> 'id')::bigint, c.tiktok_account_id),
		tiktok_sec_uid = coalesce(account ->> 'sec_uid', c.tiktok_sec_uid),
		display_name = coalesce(account ->> 'display_name', c.display_name),
		bio = coalesce(account ->> 'bio', c.bio),
		avatar_url = coalesce(account ->> 'avatar_url', c.avatar_url),
		is_verified = coalesce((account ->> 'verified')::boolean, c.is_verified),
		is_private = coalesce((account ->> 'private')::boolean, c.is_private),
		last_scraped_at = greatest(c.last_scraped_at, fetched_at)
	FROM (SELECT k.id FROM trackagoat.creator k
		WHERE k.org_id = store_profile.org_id AND k.tiktok_handle = store_profile.tiktok_handle
			AND k.removed_at IS NULL AND k.is_active
		ORDER BY k.id FOR NO KEY UPDATE) tracked
	WHERE c.id = tracked.id AND c.org_id = store_profile.org_id
		AND coalesce(c.tiktok_account_id = (account ->> 'id')::bigint, true);

	SELECT array_agg(c.id) INTO ids FROM trackagoat.creator c
	WHERE c.org_id = store_profile.org_id AND c.tiktok_handle = store_profile.tiktok_handle
		AND c.removed_at IS NULL AND c.is_active AND coalesce(c.tiktok_account_id = (account ->> 'id')::bigint, true);
	IF ids IS NULL THEN
		RETURN 'account_changed';
	END IF;

	n := cardinality(ids);
	PERFORM trackagoat.observe_creators(ids, array_fill(fetched_at, ARRAY[n]),
		array_fill((account ->> 'follower_count')::bigint, ARRAY[n]),
		array_fill((account ->> 'following_count')::bigint, ARRAY[n]),
		array_fill((account ->> 'total_likes_count')::bigint, ARRAY[n]),
		array_fill((account ->> 'video_count')::bigint, ARRAY[n]),
		page ->> 'source', (page ->> 'exact')::boolean, org_id);
	RETURN 'ok';
END
$$;
COMMENT ON FUNCTION trackagoat.store_profile(uuid, trackagoat.handle, timestamptz, jsonb) IS
	'store a profile in every creator of the organization that has the handle and the same account id';

CREATE FUNCTION trackagoat.page_videos(page jsonb)
	RETURNS TABLE (tiktok_video_id bigint, tiktok_handle trackagoat.handle, title text, posted_at timestamptz,
		kind text, view_count bigint, like_count bigint, comment_count bigint, share_count bigint,
		save_count bigint, duration integer, thumbnail_url text, is_ad boolean, hashtags text[])
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 15 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	SELECT DISTINCT ON (v.tiktok_video_id) v.tiktok_video_id, v.tiktok_handle, v.title, v.posted_at, v.kind,
		v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count,
		least(v.duration, 2147483647)::integer, v.thumbnail_url, v.is_ad,
		ARRAY(SELECT jsonb_array_elements_text(v.hashtags))
	FROM jsonb_to_recordset(page -> 'videos') v (tiktok_video_id bigint, tiktok_handle trackagoat.handle,
		title text, posted_at timestamptz, kind text, view_count bigint, like_count bigint,
		comment_count bigint, share_count bigint, save_count bigint, duration bigint,
		thumbnail_url text, is_ad boolean, hashtags jsonb)
	ORDER BY v.tiktok_video_id
$$;
COMMENT ON FUNCTION trackagoat.page_videos(jsonb) IS 'the videos of a page as read_page() answers them, each once, as rows';

CREATE FUNCTION trackagoat.store_new_videos(
	org_id uuid, tiktok_handle trackagoat.handle, page jsonb) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	stored integer;
BEGIN
	INSERT INTO trackagoat.video (org_id, project_id, creator_id, tiktok_video_id, tiktok_handle,
		tracking_status, kind, title, posted_at, duration, thumbnail_url, hashtags, is_ad)
	SELECT c.org_id, c.project_id, c.id, v.tiktok_video_id, v.tiktok_handle,
		CASE c.tracking_mode WHEN 'auto' THEN 'auto_tracked' ELSE 'pending_review' END::trackagoat.tracking_status,
		v.kind, v.title, coalesce(v.posted_at, trackagoat.video_id_time(v.tiktok_video_id)),
		v.duration, v.thumbnail_url, v.hashtags, v.is_ad
	FROM trackagoat.page_videos(page) v
	CROSS JOIN trackagoat.creator c
	JOIN trackagoat.organization o ON o.id = c.org_id
	WHERE c.org_id = store_new_videos.org_id AND c.tiktok_handle = store_new_videos.tiktok_handle
		AND c.removed_at IS NULL AND c.is_active
		AND c.tiktok_account_id = coalesce((page #>> '{account,id}')::bigint, c.tiktok_account_id)
		AND (coalesce(v.posted_at, trackagoat.video_id_time(v.tiktok_video_id)) AT TIME ZONE o.timezone)::date >= c.tracking_start_date
	ORDER BY c.id, v.posted_at
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS stored = ROW_COUNT;
	RETURN stored;
END
$$;
COMMENT ON FUNCTION trackagoat.store_new_videos(uuid, trackagoat.handle, jsonb) IS
	'bring in what a creator has posted since its tracking start; the tracking mode decides the status; answers how many were new';

CREATE FUNCTION trackagoat.store_videos(org_id uuid, fetched_at timestamptz, page jsonb) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	seen record;
BEGIN
	SELECT array_agg(t.id) AS ids, array_agg(fetched_at) AS times,
		array_agg(p.view_count) AS views, array_agg(p.like_count) AS likes,
		array_agg(p.comment_count) AS comments, array_agg(p.share_count) AS shares,
		array_agg(p.save_count) AS saves
	INTO seen
	FROM trackagoat.page_videos(page) p
	JOIN (SELECT v.id, v.tiktok_video_id FROM trackagoat.video v
		WHERE v.org_id = store_videos.org_id
			AND v.tiktok_video_id IN (SELECT tiktok_video_id FROM trackagoat.page_videos(page))
		ORDER BY v.id FOR NO KEY UPDATE) t ON t.tiktok_video_id = p.tiktok_video_id;
	IF seen.ids IS NULL THEN
		RETURN 0;
	END IF;

	UPDATE trackagoat.video v SET
		tiktok_handle = coalesce(p.tiktok_handle, v.tiktok_handle),
		kind = p.kind,
		title = coalesce(p.title, v.title),
		posted_at = coalesce(p.posted_at, v.posted_at, trackagoat.video_id_time(v.tiktok_video_id)),
		duration = coalesce(p.duration, v.duration),
		thumbnail_url = coalesce(p.thumbnail_url, v.thumbnail_url),
		hashtags = coalesce(nullif(p.hashtags, '{}'), v.hashtags),
		is_ad = coalesce(p.is_ad, v.is_ad),
		creator_id = coalesce(v.creator_id, (SELECT c.id FROM trackagoat.creator c
			WHERE c.project_id = v.project_id AND c.org_id = v.org_id
				AND c.tiktok_handle = p.tiktok_handle AND c.removed_at IS NULL))
	FROM trackagoat.page_videos(page) p
	WHERE v.org_id = store_videos.org_id AND v.id = ANY (seen.ids) AND v.tiktok_video_id = p.tiktok_video_id;

	RETURN trackagoat.observe_videos(seen.ids, seen.times, seen.views, seen.likes, seen.comments,
		seen.shares, seen.saves, page ->> 'source', (page ->> 'exact')::boolean, org_id);
END
$$;
COMMENT ON FUNCTION trackagoat.store_videos(uuid, timestamptz, jsonb) IS
	'store what a page says of the organization''s videos; answers how many points were stored';

CREATE FUNCTION trackagoat.advance_listing(job_id uuid, every interval, page jsonb, is_partly_stored boolean) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job record;
	stop_at timestamptz;
	asked bigint;
	newest timestamptz;
	next_cursor bigint := (page #>> '{next,cursor}')::bigint;
	has_more boolean := (page #>> '{next,has_more}')::boolean;
	is_empty boolean;
	gives_up boolean;
	is_done boolean;
	is_behind boolean;
BEGIN
	SELECT j.* INTO job FROM trackagoat.scrape_job j WHERE j.id = job_id;
	job.list_started_at := coalesce(job.list_started_at, job.leased_at);
	asked := coalesce(job.list_cursor, trunc(extract(epoch FROM job.list_started_at) * 1000)::bigint);

	-- what follows must be older, but for the item that two pages share
	SELECT max((v.item ->> 'posted_at')::timestamptz) INTO newest
	FROM jsonb_array_elements(page -> 'videos') v (item)
	WHERE NOT coalesce((v.item ->> 'is_pinned')::boolean, false);
	IF job.list_cursor IS NOT NULL AND newest > to_timestamp(asked / 1000.0) + interval '1 second' THEN
		RETURN 'repeated_page';
	END IF;
	is_empty := next_cursor IS NULL OR (job.list_cursor IS NOT NULL AND next_cursor >= asked);

	-- a creator whom an earlier listing covers only wants what came since
	SELECT min(greatest(c.tracking_start_date::timestamp AT TIME ZONE o.timezone,
			CASE WHEN c.listing_wanted_at < job.listed_at THEN job.listed_at - interval '1 day' END)),
		coalesce(bool_or(c.listing_wanted_at >= job.list_started_at), false)
	INTO stop_at, is_behind
	FROM trackagoat.creator c JOIN trackagoat.organization o ON o.id = c.org_id
	WHERE c.tiktok_handle = job.tiktok_handle AND c.removed_at IS NULL AND c.is_active;

	-- an empty page is not the end: step back a week, but not for ever where nothing says that there is more
	gives_up := is_empty AND has_more IS NULL AND job.list_empty_pages >= 4;
	IF is_empty THEN
		next_cursor := asked - 604800000;
	END IF;
	is_done := gives_up OR has_more IS FALSE
		OR to_timestamp(next_cursor / 1000.0) < greatest(stop_at, '2016-09-01 00:00+00');

	UPDATE trackagoat.scrape_job j SET
		list_cursor = CASE WHEN NOT is_done THEN next_cursor END,
		list_started_at = CASE WHEN NOT is_done THEN job.list_started_at END,
		list_empty_pages = CASE WHEN is_empty AND NOT is_done THEN j.list_empty_pages + 1 ELSE 0 END,
		list_has_gaps = NOT is_done AND (j.list_has_gaps OR is_partly_stored),
		-- a listing that ended early, or that not everybody could store, covers nobody
		listed_at = CASE WHEN is_done AND NOT gives_up AND NOT j.list_has_gaps AND NOT is_partly_stored
			THEN job.list_started_at ELSE j.listed_at END,
		-- whoever came while it was under way has not seen its first pages
		due_at = CASE WHEN NOT is_done OR is_behind THEN clock_timestamp()
			WHEN j.due_at > j.leased_at THEN j.due_at END,
		next_at = CASE WHEN is_done THEN job.list_started_at + every ELSE j.next_at END
	WHERE j.id = job_id;
	RETURN CASE WHEN is_partly_stored THEN 'partly_stored' ELSE 'ok' END;
END
$$;
COMMENT ON FUNCTION trackagoat.advance_listing(uuid, interval, jsonb, boolean) IS
	'after a page of a creator''s videos: go on to the next page, or end the listing; answers the outcome: ok, partly_stored or repeated_page';

CREATE FUNCTION trackagoat.finish_scrape(
	attempt_id bigint, outcome text, http_status integer, body_bytes bigint, detail text,
	retry_after interval, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job record;
	rule record;
	every interval;
	again timestamptz;
BEGIN
	SELECT j.* INTO job FROM trackagoat.scrape_job j
	WHERE j.id = (SELECT a.job_id FROM trackagoat.scrape_attempt a WHERE a.id = attempt_id AND a.finished_at IS NULL)
	FOR NO KEY UPDATE;

	IF FOUND AND outcome IN ('ok', 'partly_stored') THEN
		-- if nobody wants it any more, it is soon claimed again and deleted
		SELECT coalesce(min(t.every), '0') INTO every
		FROM trackagoat.scrape_targets(job.kind, job.tiktok_handle, job.tiktok_video_id) t;
		IF job.kind = 'discover_videos' THEN
			outcome := trackagoat.advance_listing(job.id, every, page, outcome = 'partly_stored');
		ELSE
			UPDATE trackagoat.scrape_job j SET next_at = clock_timestamp() + every,
				due_at = CASE WHEN j.due_at > j.leased_at THEN j.due_at END
			WHERE j.id = job.id;
		END IF;
		IF job.kind = 'creator_profile' THEN
			-- who has locked it wants it renewed, and the profile fetched once more
			UPDATE trackagoat.scrape_job j SET sec_uid = page #>> '{account,sec_uid}'
			WHERE j.id = (SELECT d.id FROM trackagoat.scrape_job d
				WHERE d.kind = 'discover_videos' AND d.tiktok_handle = job.tiktok_handle
					AND d.sec_uid IS DISTINCT FROM page #>> '{account,sec_uid}'
				FOR NO KEY UPDATE SKIP LOCKED)
				AND page #>> '{account,sec_uid}' IS NOT NULL;
		END IF;
	END IF;

	SELECT o.* INTO STRICT rule FROM trackagoat.scrape_outcome o WHERE o.outcome = finish_scrape.outcome;
	IF job.id IS NOT NULL AND rule.is_success THEN
		UPDATE trackagoat.scrape_job j SET attempts = 0, last_success_at = clock_timestamp(),
			priority = CASE WHEN j.due_at > j.leased_at AND j.list_cursor IS NULL THEN j.priority ELSE 0 END
		WHERE j.id = job.id;
		PERFORM trackagoat.postpone_videos(page);
	ELSIF job.id IS NOT NULL AND NOT (outcome = 'partly_stored' AND job.kind = 'discover_videos') THEN
		again := clock_timestamp() + greatest(retry_after,
			least(rule.retry_after * 2 ^ least(job.attempts - 1, 20), rule.retry_limit)) * (1 + random() / 5);
		-- a person's request that came meanwhile does not wait
		UPDATE trackagoat.scrape_job j SET due_at = CASE WHEN j.due_at > j.leased_at THEN j.due_at ELSE again END
		WHERE j.id = job.id
		RETURNING j.due_at INTO again;
	END IF;
	UPDATE trackagoat.scrape_job j SET last_outcome = outcome,
		leased_at = NULL, leased_until = NULL, leased_by = NULL
	WHERE j.id = job.id;
	UPDATE trackagoat.scrape_attempt a SET finished_at = clock_timestamp(), outcome = finish_scrape.outcome,
		http_status = finish_scrape.http_status, body_bytes = finish_scrape.body_bytes,
		detail = finish_scrape.detail, next_attempt_at = again,
		host_paused_until = clock_timestamp() + CASE WHEN rule.host_pause IS NOT NULL THEN greatest(rule.host_pause, retry_after) END
	WHERE a.id = attempt_id AND a.finished_at IS NULL;
	RETURN outcome;
END
$$;
COMMENT ON FUNCTION trackagoat.finish_scrape(bigint, text, integer, bigint, text, interval, jsonb) IS
	'end an attempt: note its outcome, release the job, say when it is due again and whether the host is to be left alone; answers the final outcome';

CREATE FUNCTION trackagoat.postpone_videos(page jsonb) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	postponed integer;
BEGIN
	UPDATE trackagoat.scrape_job j SET next_at = clock_timestamp() + t.every
	FROM (SELECT k.id, (SELECT min(w.every) FROM trackagoat.scrape_targets(k.kind, NULL, k.tiktok_video_id) w) AS every
		FROM trackagoat.scrape_job k
		WHERE k.kind = 'video_stats' AND k.tiktok_handle IS NULL
			AND k.tiktok_video_id IN (SELECT v.tiktok_video_id FROM trackagoat.page_videos(page) v)
			AND k.due_at IS NULL
		ORDER BY k.id FOR NO KEY UPDATE SKIP LOCKED) t
	WHERE j.id = t.id AND t.every IS NOT NULL;
	GET DIAGNOSTICS postponed = ROW_COUNT;
	RETURN postponed;
END
$$;
COMMENT ON FUNCTION trackagoat.postpone_videos(jsonb) IS
	'a video whose counters came with a page need not be fetched by itself for another interval; answers how many';

CREATE FUNCTION trackagoat.release_scrapes() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	lost record;
	released integer := 0;
BEGIN
	FOR lost IN
		SELECT j.id, (SELECT max(a.id) FROM trackagoat.scrape_attempt a
			WHERE a.job_id = j.id AND a.finished_at IS NULL) AS attempt_id
		FROM trackagoat.scrape_job j
		WHERE j.leased_until IS NOT NULL AND (j.leased_until < clock_timestamp()
			OR NOT EXISTS (SELECT FROM pg_stat_get_activity(j.leased_by)))
		FOR NO KEY UPDATE OF j SKIP LOCKED
	LOOP
		PERFORM trackagoat.finish_scrape(lost.attempt_id, 'interrupted', NULL, NULL, NULL, NULL, NULL);
		-- even where the attempt's row is gone
		UPDATE trackagoat.scrape_job j SET leased_at = NULL, leased_until = NULL, leased_by = NULL
		WHERE j.id = lost.id AND j.leased_until IS NOT NULL;
		released := released + 1;
	END LOOP;
	RETURN released;
END
$$;
COMMENT ON FUNCTION trackagoat.release_scrapes() IS
	'give back the jobs of workers that are gone or over their lease; answers how many';

CREATE FUNCTION trackagoat.tables_are_ready() RETURNS boolean
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT max(v.version) FROM trackagoat.setup_version v) = trackagoat.tables_version()
		-- a restore makes these last, when all rows are there
		AND (SELECT count(*) FROM pg_constraint c
			WHERE c.connamespace = 'trackagoat'::regnamespace AND c.contype = 'f'
				AND c.conname IN ('scrape_attempt_job_fkey', 'scrape_job_last_outcome_fkey', 'creator_history_creator_fkey',
					'video_history_video_fkey', 'video_creator_fkey', 'video_project_fkey')) = 6
		AND (SELECT count(*) FROM pg_trigger t
			WHERE t.tgrelid IN ('trackagoat.creator'::regclass, 'trackagoat.video'::regclass, 'trackagoat.scrape_job'::regclass)
				AND t.tgname IN ('creator_scrape', 'video_scrape', 'scrape_job_wake')) = 3
		-- the worker acts as their owner: another's triggers would run with rights that are not his
		AND (SELECT count(DISTINCT c.relowner) FROM pg_class c
			WHERE c.relnamespace = 'trackagoat'::regnamespace
				AND c.relname IN ('setup_version', 'organization', 'creator', 'creator_history', 'video',
					'video_history', 'scrape_outcome', 'scrape_job', 'scrape_request', 'scrape_attempt')) = 1;
END
$$;
COMMENT ON FUNCTION trackagoat.tables_are_ready() IS
	'whether the tables are of the library''s version, of one owner, and complete, as they are not while a dump is being restored';

CREATE PROCEDURE trackagoat.run_scrapes(max_jobs integer DEFAULT 100)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON PROCEDURE trackagoat.run_scrapes(integer) IS
	'fetch and store up to so many due jobs in this session, as the worker would; commits as it goes; only as the owner of the tables';

CREATE FUNCTION trackagoat.worker_status()
	RETURNS TABLE (database name, pid integer, state text, started_at timestamptz, active_at timestamptz,
		in_flight integer, requests bigint, failures bigint, paused_until timestamptz)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT ROWS 1;
COMMENT ON FUNCTION trackagoat.worker_status() IS
	'the workers of this server, a row for each database of trackagoat.database; none where the library is not preloaded';

CREATE FUNCTION trackagoat.worker_problem() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.worker_problem() IS
	'why no worker serves this database, in a sentence; NULL when one may';

CREATE FUNCTION trackagoat.is_public_address(inet) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.is_public_address(inet) IS
	'whether the worker would connect to the address; loopback, private, link-local and other special addresses are refused';
