-- What an attempt came to, and what follows from it.

CREATE FUNCTION trackagoat.page_would_serve(tiktok_handle trackagoat.handle, before timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT count(*) >= 3
		FROM (SELECT v.tiktok_video_id FROM trackagoat.creator c
			JOIN trackagoat.video v ON v.creator_id = c.id AND v.org_id = c.org_id
			WHERE c.tiktok_handle = page_would_serve.tiktok_handle AND c.removed_at IS NULL AND c.is_active
				AND v.posted_at < before
				AND trackagoat.video_is_fetched(v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at)
			ORDER BY v.posted_at DESC LIMIT 15) n
		JOIN trackagoat.scrape_job j ON j.kind = 'video_stats' AND j.tiktok_handle IS NULL AND j.tiktok_video_id = n.tiktok_video_id
		WHERE j.leased_until IS NULL AND coalesce(j.due_at, j.next_at) <= now() + interval '1 hour');
END
$$;
COMMENT ON FUNCTION trackagoat.page_would_serve(trackagoat.handle, timestamptz) IS
	'whether the page of an account''s videos from before a time is worth a request: it serves three that are due or soon will be';

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
		OR (to_timestamp(next_cursor / 1000.0) < greatest(stop_at, '2016-09-01 00:00+00')
			AND NOT trackagoat.page_would_serve(job.tiktok_handle, to_timestamp(next_cursor / 1000.0)));

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
		next_at = CASE WHEN is_done THEN trackagoat.scrape_slot(j.kind, j.tiktok_handle, NULL, every, job.list_started_at + every / 2) ELSE j.next_at END
	WHERE j.id = job_id;
	RETURN CASE WHEN is_partly_stored THEN 'partly_stored' ELSE 'ok' END;
END
$$;
COMMENT ON FUNCTION trackagoat.advance_listing(uuid, interval, jsonb, boolean) IS
	'after a page of a creator''s videos: go on to the next page, or end the listing; answers the outcome: ok, partly_stored or repeated_page';

CREATE FUNCTION trackagoat.note_gone(tiktok_handle trackagoat.handle, at timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	today date := (at AT TIME ZONE 'UTC')::date;
	noted integer;
BEGIN
	-- a row that somebody holds is noted another day; a day on which the host answered nothing is no gap
	UPDATE trackagoat.creator c SET gone_days = g.days, gone_on = today,
		disabled_at = CASE WHEN g.days >= 5 THEN at END,
		disabled_reason = CASE WHEN g.days >= 5 THEN 'account_gone' END
	FROM (SELECT k.id, k.org_id, CASE WHEN k.gone_on >= today - 2 THEN k.gone_days + 1 ELSE 1 END AS days
		FROM trackagoat.creator k
		WHERE k.tiktok_handle = note_gone.tiktok_handle AND k.removed_at IS NULL AND k.is_active
			AND coalesce(k.gone_on < today, true)
		ORDER BY k.org_id, k.id FOR NO KEY UPDATE SKIP LOCKED) g
	WHERE c.id = g.id AND c.org_id = g.org_id;
	GET DIAGNOSTICS noted = ROW_COUNT;
	RETURN noted;
END
$$;
COMMENT ON FUNCTION trackagoat.note_gone(trackagoat.handle, timestamptz) IS
	'an account was reported gone: on the fifth day since it was last seen its creators are disabled; answers how many were noted';

CREATE FUNCTION trackagoat.note_seen(tiktok_handle trackagoat.handle) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	gone uuid[] := ARRAY(SELECT k.id FROM trackagoat.creator k
		WHERE k.tiktok_handle = note_seen.tiktok_handle AND k.removed_at IS NULL AND k.is_active AND k.gone_days > 0
		ORDER BY k.org_id, k.id FOR NO KEY UPDATE SKIP LOCKED);
BEGIN
	IF gone <> '{}' THEN
		UPDATE trackagoat.creator c SET gone_days = 0, gone_on = NULL
		WHERE c.id = ANY (gone) AND c.tiktok_handle = note_seen.tiktok_handle;
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.note_seen(trackagoat.handle) IS 'an account is there, if private: it is not counted as gone any more';

CREATE FUNCTION trackagoat.note_sec_uid(tiktok_handle trackagoat.handle, sec_uid text) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	-- who has locked it wants it renewed, and the profile fetched once more
	UPDATE trackagoat.scrape_job j SET sec_uid = note_sec_uid.sec_uid, source_place = 1
	WHERE j.id = (SELECT d.id FROM trackagoat.scrape_job d
		WHERE d.kind = 'discover_videos' AND d.tiktok_handle = note_sec_uid.tiktok_handle
			AND d.sec_uid IS DISTINCT FROM note_sec_uid.sec_uid
		FOR NO KEY UPDATE SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION trackagoat.note_sec_uid(trackagoat.handle, text) IS 'a page has shown an account''s secUid: the list of its videos can be asked for';

CREATE FUNCTION trackagoat.schedule_scrape(job record, source text, page jsonb, is_partly_stored boolean) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	every interval;
BEGIN
	-- if nobody wants it any more, it is soon claimed again and deleted
	SELECT coalesce(min(t.every), '0') INTO every
	FROM trackagoat.scrape_targets(job.kind, job.tiktok_handle, job.tiktok_video_id, job.link) t;
	IF source = 'item_list' THEN
		RETURN trackagoat.advance_listing(job.id, every, page, is_partly_stored);
	END IF;
	UPDATE trackagoat.scrape_job j SET due_at = CASE WHEN j.due_at > j.leased_at THEN j.due_at END,
		next_at = trackagoat.scrape_slot(j.kind, j.tiktok_handle, j.tiktok_video_id, every, clock_timestamp() + every / 2)
	WHERE j.id = job.id;
	IF job.kind IN ('creator_profile', 'video_stats') AND page #>> '{account,sec_uid}' IS NOT NULL THEN
		PERFORM trackagoat.note_sec_uid(coalesce(job.tiktok_handle, trackagoat.handle_or_null(page #>> '{account,tiktok_handle}')),
			page #>> '{account,sec_uid}');
	ELSIF job.kind = 'creator_profile' THEN
		-- the embedded page shows none, nor needs one for the latest videos
		UPDATE trackagoat.scrape_job j SET source_place = 2
		WHERE j.kind = 'discover_videos' AND j.tiktok_handle = job.tiktok_handle AND j.awaits_profile;
	ELSIF job.kind = 'discover_videos' THEN
		-- what it shows for the first time needs a request of its own, and soon
		UPDATE trackagoat.scrape_job j SET next_at = clock_timestamp()
		WHERE j.id IN (SELECT k.id FROM unnest(trackagoat.page_video_ids(page)) v (id)
			JOIN trackagoat.scrape_job k ON k.kind = 'video_stats' AND k.tiktok_handle IS NULL AND k.tiktok_video_id = v.id
			WHERE k.due_at IS NULL AND k.last_success_at IS NULL AND k.dead_at IS NULL
			FOR NO KEY UPDATE OF k SKIP LOCKED);
	END IF;
	RETURN CASE WHEN is_partly_stored THEN 'partly_stored' ELSE 'ok' END;
END
$$;
COMMENT ON FUNCTION trackagoat.schedule_scrape(record, text, jsonb, boolean) IS
	'after a page was stored: when the job is next due, and what follows for the list of an account; answers the outcome: ok, partly_stored or repeated_page';

CREATE FUNCTION trackagoat.retry_scrape(
	job record, source text, rule record, detail text, retry_after interval) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	times integer;
	asked bigint := 1;
	next_place smallint;
	again timestamptz;
BEGIN
	-- counted with the job, as attempts are not kept for ever
	UPDATE trackagoat.scrape_job j SET failures = coalesce(j.failures, '{}') || jsonb_build_object(rule.outcome, n.times)
	FROM (SELECT coalesce((job.failures ->> rule.outcome)::integer, 0) + 1 AS times) n
	WHERE j.id = job.id
	RETURNING n.times INTO times;
	IF times >= rule.dead_after THEN
		UPDATE trackagoat.scrape_job j SET dead_at = clock_timestamp(), due_at = NULL, next_at = NULL,
			dead_reason = concat_ws(': ', rule.outcome, detail)
		WHERE j.id = job.id AND coalesce(j.due_at <= j.leased_at, true);
		IF FOUND THEN
			RAISE LOG 'trackagoat: gave up % of %: %', job.kind,
				coalesce('@' || job.tiktok_handle::text, job.tiktok_video_id::text, job.link), rule.outcome;
			RETURN NULL;
		END IF;
	END IF;

	IF rule.tries_other_source THEN
		-- none where the claim would choose an earlier one, as the later ones are avoided
		SELECT (SELECT count(*) FROM trackagoat.scrape_source o WHERE o.kind = s.kind AND o.place <= s.place),
			(SELECT o.place FROM trackagoat.scrape_source o WHERE o.kind = s.kind AND o.place > s.place
				AND o.source = trackagoat.choose_source(s.kind, s.place + 1, job.sec_uid IS NOT NULL))
		INTO asked, next_place
		FROM trackagoat.scrape_source s WHERE s.kind = job.kind AND s.source = retry_scrape.source;
	END IF;
	IF next_place IS NOT NULL THEN
		again := clock_timestamp() + coalesce(greatest(rule.host_pause, retry_after), '0');
	ELSE
		-- a round is an attempt at each source
		again := clock_timestamp() + greatest(retry_after, least(rule.retry_limit,
			rule.retry_after * 2 ^ least(greatest(job.attempts / coalesce(asked, 1) - 1, 0), 20))) * (1 + random() / 5);
	END IF;
	-- a person's request that came meanwhile does not wait
	UPDATE trackagoat.scrape_job j SET due_at = CASE WHEN j.due_at > j.leased_at THEN j.due_at ELSE again END,
		source_place = CASE WHEN rule.tries_other_source THEN coalesce(next_place, 1) ELSE j.source_place END
	WHERE j.id = job.id
	RETURNING j.due_at INTO again;
	RETURN again;
END
$$;
COMMENT ON FUNCTION trackagoat.retry_scrape(record, text, record, text, interval) IS
	'after an attempt that failed: go on with the next source, or try again later, or give up; answers when the job is due again, NULL for never';

CREATE FUNCTION trackagoat.note_host(
	host text, started_at timestamptz, rule record, is_answer boolean, retry_after interval) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	paused_until timestamptz;
	is_opening boolean;
	is_closing boolean;
BEGIN
	IF rule.host_pause IS NULL THEN
		-- a request from before it opened tells nothing of now; one that nobody answered tells nothing at all
		UPDATE trackagoat.scrape_host h SET probe_until = NULL,
			failures = CASE WHEN is_answer THEN 0 ELSE h.failures END,
			openings = CASE WHEN is_answer THEN 0 ELSE h.openings END,
			opened_at = CASE WHEN NOT is_answer THEN h.opened_at END,
			open_until = CASE WHEN NOT is_answer THEN h.open_until END
		FROM (SELECT o.opened_at FROM trackagoat.scrape_host o WHERE o.host = note_host.host FOR NO KEY UPDATE) o
		WHERE h.host = note_host.host AND (h.failures > 0 OR h.opened_at IS NOT NULL) AND coalesce(started_at >= h.opened_at, true)
		RETURNING o.opened_at IS NOT NULL AND h.opened_at IS NULL INTO is_closing;
		IF is_closing THEN
			RAISE LOG 'trackagoat: % answers again', host;
		END IF;
		RETURN NULL;
	END IF;

	INSERT INTO trackagoat.scrape_host AS h (host, failures, last_failure, failed_at)
	VALUES (host, 1, rule.outcome, clock_timestamp())
	ON CONFLICT ON CONSTRAINT scrape_host_pkey DO UPDATE SET
		failures = h.failures + 1, last_failure = excluded.last_failure, failed_at = excluded.failed_at;
	UPDATE trackagoat.scrape_host h SET
		open_until = greatest(h.open_until, clock_timestamp()
			+ greatest(retry_after, least(rule.host_pause * 2 ^ least(w.openings, 20), greatest(rule.host_pause, interval '1 day')))),
		openings = w.openings + 1, opened_at = CASE WHEN w.is_new THEN clock_timestamp() ELSE h.opened_at END,
		probe_until = CASE WHEN NOT w.is_new THEN h.probe_until END
	-- what was in flight when it opened does not count as another time
	FROM (SELECT n.is_new, o.openings - CASE WHEN n.is_new THEN 0 ELSE 1 END AS openings
		FROM trackagoat.scrape_host o, LATERAL (SELECT coalesce(started_at >= o.opened_at, true) AS is_new) n
		WHERE o.host = note_host.host) w
	-- a host that says for how long need not fail so often
	WHERE h.host = note_host.host AND (h.failures >= rule.host_pause_after OR h.opened_at IS NOT NULL OR retry_after > '0')
	RETURNING h.open_until, w.is_new INTO paused_until, is_opening;
	IF is_opening THEN
		RAISE LOG 'trackagoat: % is left alone until %: %', host, paused_until, rule.outcome;
	END IF;
	RETURN paused_until;
END
$$;
COMMENT ON FUNCTION trackagoat.note_host(text, timestamptz, record, boolean, interval) IS
	'what an attempt says of its host: opens its breaker, or closes it; answers until when the host is to be left alone, NULL where it is not';

CREATE FUNCTION trackagoat.note_target(job record, rule record) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF job.kind = 'creator_profile' AND rule.class = 'gone' THEN
		PERFORM trackagoat.note_gone(job.tiktok_handle, clock_timestamp());
	ELSIF job.tiktok_handle IS NOT NULL AND rule.class IN ('ok', 'private') THEN
		PERFORM trackagoat.note_seen(job.tiktok_handle);
	ELSIF job.kind = 'video_link' AND rule.class = 'gone' THEN
		UPDATE trackagoat.video_link l SET problem = 'dead_link' WHERE l.link = job.link AND l.problem IS NULL;
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.note_target(record, record) IS
	'what an attempt says of the account or link: gone, or there';

CREATE FUNCTION trackagoat.finish_scrape(
	attempt_id bigint, outcome text, http_status integer, body_bytes bigint, detail text,
	retry_after interval, page jsonb, curl_code integer DEFAULT NULL, milliseconds integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp
	-- a page's few rows are found by keys, even where the tables were empty when their sizes were last noted
	SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS
$$
#variable_conflict use_variable
DECLARE
	attempt record;
	job record;
	rule record;
	again timestamptz;
BEGIN
	SELECT j.* INTO job FROM trackagoat.scrape_job j
	WHERE j.id = (SELECT a.job_id FROM trackagoat.scrape_attempt a WHERE a.id = attempt_id) FOR NO KEY UPDATE;
	-- as whoever held the job has left it: one that was given back is no attempt of it any more
	SELECT a.* INTO attempt FROM trackagoat.scrape_attempt a WHERE a.id = attempt_id AND a.finished_at IS NULL;
	IF attempt.job_id IS NOT NULL AND outcome IN ('ok', 'partly_stored') THEN
		outcome := trackagoat.schedule_scrape(job, attempt.source, page, outcome = 'partly_stored');
	END IF;
	SELECT o.* INTO STRICT rule FROM trackagoat.scrape_outcome o WHERE o.outcome = finish_scrape.outcome;

	IF attempt.job_id IS NOT NULL THEN
		PERFORM trackagoat.note_target(job, rule);
		IF rule.class = 'ok' THEN
			PERFORM trackagoat.postpone_videos(page);
			UPDATE trackagoat.scrape_job j SET attempts = 0, failures = NULL, last_success_at = clock_timestamp(), last_outcome = outcome,
				leased_at = NULL, leased_until = NULL, leased_by = NULL,
				-- without a secUid the list has but one source
				source_place = CASE WHEN j.kind = 'discover_videos' AND j.sec_uid IS NULL THEN j.source_place ELSE 1 END,
				priority = CASE WHEN j.due_at > j.leased_at AND j.list_cursor IS NULL THEN j.priority ELSE 0 END
			WHERE j.id = job.id;
		ELSE
			IF NOT (outcome = 'partly_stored' AND attempt.source = 'item_list') THEN
				again := trackagoat.retry_scrape(job, attempt.source, rule, detail, retry_after);
			END IF;
			UPDATE trackagoat.scrape_job j SET last_outcome = outcome,
				leased_at = NULL, leased_until = NULL, leased_by = NULL
			WHERE j.id = job.id;
		END IF;
	END IF;
	IF attempt.id IS NOT NULL THEN
		IF rule.source_pause IS NOT NULL THEN
			UPDATE trackagoat.scrape_source s SET avoided_until = clock_timestamp() + rule.source_pause
			WHERE s.kind = attempt.kind AND s.source = attempt.source;
		END IF;
		UPDATE trackagoat.scrape_attempt a SET finished_at = clock_timestamp(), outcome = finish_scrape.outcome,
			http_status = finish_scrape.http_status, curl_code = finish_scrape.curl_code, body_bytes = finish_scrape.body_bytes,
			milliseconds = finish_scrape.milliseconds, detail = finish_scrape.detail, next_attempt_at = again,
			host_paused_until = trackagoat.note_host(attempt.host, attempt.started_at, rule, finish_scrape.http_status IS NOT NULL, retry_after)
		WHERE a.id = attempt_id;
	END IF;
	RETURN outcome;
END
$$;
COMMENT ON FUNCTION trackagoat.finish_scrape(bigint, text, integer, bigint, text, interval, jsonb, integer, integer) IS
	'end an attempt: note its outcome, release the job, say when it is due again and whether the host is to be left alone; answers the final outcome';

CREATE FUNCTION trackagoat.postpone_videos(page jsonb) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	video_ids bigint[] := trackagoat.page_video_ids(page);
	postponed integer;
BEGIN
	IF trackagoat.page_serves_videos(page) IS NOT TRUE THEN
		RETURN 0;
	END IF;
	-- those that this transaction has brought in wait already
	video_ids := ARRAY(SELECT j.tiktok_video_id FROM trackagoat.scrape_job j
		WHERE j.kind = 'video_stats' AND j.tiktok_handle IS NULL AND j.link IS NULL
			AND j.tiktok_video_id = ANY (video_ids)
			AND j.leased_until IS NULL AND (j.due_at IS NULL OR j.priority = 0) AND j.last_success_at IS DISTINCT FROM now()
		ORDER BY j.id FOR NO KEY UPDATE SKIP LOCKED);
	IF video_ids = '{}' THEN
		RETURN 0;
	END IF;
	-- as if each had been fetched by itself
	UPDATE trackagoat.scrape_job j SET next_at = v.next_at, due_at = NULL, attempts = 0, failures = NULL, source_place = 1,
		dead_at = NULL, dead_reason = NULL, last_success_at = now()
	FROM trackagoat.video_slots(video_ids, true) v
	WHERE j.kind = 'video_stats' AND j.tiktok_handle IS NULL AND j.link IS NULL AND j.tiktok_video_id = v.tiktok_video_id;
	GET DIAGNOSTICS postponed = ROW_COUNT;
	RETURN postponed;
END
$$;
COMMENT ON FUNCTION trackagoat.postpone_videos(jsonb) IS
	'a video whose counters came with a page need not be fetched by itself before its next slot; answers how many';

CREATE FUNCTION trackagoat.take_crash_marks() RETURNS SETOF bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE ROWS 1;
COMMENT ON FUNCTION trackagoat.take_crash_marks() IS
	'the attempts whose pages processes of this database were reading or storing when they ended, and not on request; each is answered once';

CREATE FUNCTION trackagoat.release_scrapes() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	lost record;
	marks bigint[];
	released integer := 0;
BEGIN
	-- whoever has taken the marks must find their jobs, too
	IF NOT pg_try_advisory_xact_lock(hashtextextended('trackagoat.release_scrapes', 0)) THEN
		RETURN 0;
	END IF;
	-- of all that a process had in flight when it crashed, one is to blame
	marks := ARRAY(SELECT trackagoat.take_crash_marks());
	FOR lost IN
		SELECT j.id, (SELECT max(a.id) FROM trackagoat.scrape_attempt a
			WHERE a.job_id = j.id AND a.finished_at IS NULL) AS attempt_id
		FROM trackagoat.scrape_job j
		WHERE j.leased_until IS NOT NULL AND (j.leased_until < clock_timestamp()
			OR NOT EXISTS (SELECT FROM pg_stat_get_activity(j.leased_by)))
		FOR NO KEY UPDATE OF j SKIP LOCKED
	LOOP
		PERFORM trackagoat.finish_scrape(lost.attempt_id,
			CASE WHEN lost.attempt_id = ANY (marks) THEN 'crashed' ELSE 'interrupted' END, NULL, NULL, NULL, NULL, NULL);
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
