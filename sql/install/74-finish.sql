-- What an attempt came to, and what follows from it.

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
BEGIN
	UPDATE trackagoat.creator c SET gone_days = 0, gone_on = NULL
	FROM (SELECT k.id, k.org_id FROM trackagoat.creator k
		WHERE k.tiktok_handle = note_seen.tiktok_handle AND k.removed_at IS NULL AND k.is_active AND k.gone_days > 0
		ORDER BY k.org_id, k.id FOR NO KEY UPDATE SKIP LOCKED) s
	WHERE c.id = s.id AND c.org_id = s.org_id;
END
$$;
COMMENT ON FUNCTION trackagoat.note_seen(trackagoat.handle) IS 'an account is there, if private: it is not counted as gone any more';

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
		FROM trackagoat.scrape_targets(job.kind, job.tiktok_handle, job.tiktok_video_id, job.link) t;
		IF job.kind = 'discover_videos' THEN
			outcome := trackagoat.advance_listing(job.id, every, page, outcome = 'partly_stored');
		ELSE
			UPDATE trackagoat.scrape_job j SET next_at = trackagoat.scrape_slot(j.kind, j.tiktok_handle, j.tiktok_video_id, every, clock_timestamp() + every / 2),
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
	IF rule.is_gone AND job.kind = 'creator_profile' THEN
		PERFORM trackagoat.note_gone(job.tiktok_handle, clock_timestamp());
	END IF;
	IF outcome IN ('ok', 'private') AND job.tiktok_handle IS NOT NULL THEN
		PERFORM trackagoat.note_seen(job.tiktok_handle);
	END IF;
	IF outcome = 'not_found' AND job.kind = 'video_link' THEN
		UPDATE trackagoat.video_link l SET problem = 'dead_link' WHERE l.link = job.link AND l.problem IS NULL;
	END IF;
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

CREATE FUNCTION trackagoat.postpone_videos(page jsonb) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	postponed integer;
BEGIN
	UPDATE trackagoat.scrape_job j SET next_at = trackagoat.scrape_slot(j.kind, NULL, j.tiktok_video_id, t.every, clock_timestamp() + t.every / 2)
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
	'a video whose counters came with a page need not be fetched by itself before its next slot; answers how many';

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
