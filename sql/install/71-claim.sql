-- Claims: which job is fetched next, from which source, and whether the host may be asked.

CREATE FUNCTION trackagoat.scrape_host() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.scrape_host() IS
	'the host of trackagoat.base_url, with its port if it has one: what is asked for pages, and short links as well, is counted for it';

CREATE FUNCTION trackagoat.host_paused_until() RETURNS timestamptz
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT h.open_until FROM trackagoat.scrape_host h
		WHERE h.host = trackagoat.scrape_host() AND h.open_until > clock_timestamp());
END
$$;
COMMENT ON FUNCTION trackagoat.host_paused_until() IS
	'until when the host is to be left alone, by what its answers have said; NULL when it may be asked';

CREATE FUNCTION trackagoat.host_room(max_jobs integer) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	PERFORM FROM trackagoat.scrape_host h
	WHERE h.host = trackagoat.scrape_host() AND h.opened_at IS NOT NULL;
	IF NOT FOUND THEN
		RETURN max_jobs;
	END IF;
	-- half open: whoever gets the row makes the probe
	PERFORM FROM trackagoat.scrape_host h
	WHERE h.host = trackagoat.scrape_host() AND h.open_until <= clock_timestamp()
		AND coalesce(h.probe_until <= clock_timestamp(), true)
	FOR NO KEY UPDATE SKIP LOCKED;
	RETURN CASE WHEN FOUND THEN 1 ELSE 0 END;
END
$$;
COMMENT ON FUNCTION trackagoat.host_room(integer) IS
	'how many requests the host''s breaker allows: all while it is closed, none while it is open, one while it is half open';

CREATE FUNCTION trackagoat.choose_source(kind trackagoat.scrape_kind, from_place integer, has_sec_uid boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT s.source FROM trackagoat.scrape_source s
		WHERE s.kind = choose_source.kind AND (s.source <> 'item_list' OR has_sec_uid)
		ORDER BY coalesce(s.avoided_until > clock_timestamp(), false), s.place < from_place, s.place LIMIT 1);
END
$$;
COMMENT ON FUNCTION trackagoat.choose_source(trackagoat.scrape_kind, integer, boolean) IS
	'the source to ask: the first from a place on, before others one that is not avoided; NULL where there is none';

CREATE FUNCTION trackagoat.claim_scrapes(max_jobs integer, lease interval)
	RETURNS TABLE (attempt_id bigint, kind trackagoat.scrape_kind, source text, tiktok_handle trackagoat.handle,
		tiktok_video_id bigint, sec_uid text, list_cursor bigint, link text)
	LANGUAGE plpgsql VOLATILE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job record;
	room integer;
	claimed integer := 0;
	passed integer := 0;
BEGIN
	PERFORM trackagoat.fold_scrape_requests();
	room := trackagoat.host_room(max_jobs);
	WHILE claimed < room AND passed < 1000 LOOP
		SELECT j.id, j.kind, j.tiktok_handle, j.tiktok_video_id, j.sec_uid, j.list_cursor, j.link, j.attempts, j.source_place INTO job
		FROM trackagoat.scrape_job j
		WHERE j.due_at <= clock_timestamp() AND j.leased_until IS NULL AND NOT j.awaits_profile
		ORDER BY j.priority DESC, j.due_at, j.kind DESC LIMIT 1
		FOR UPDATE SKIP LOCKED;
		EXIT WHEN NOT FOUND;

		PERFORM FROM trackagoat.scrape_targets(job.kind, job.tiktok_handle, job.tiktok_video_id, job.link);
		IF NOT FOUND THEN
			-- with a profile goes the list that waits for it
			DELETE FROM trackagoat.scrape_job j WHERE j.id = job.id
				OR (job.kind = 'creator_profile' AND j.kind = 'discover_videos'
					AND j.tiktok_handle = job.tiktok_handle AND j.leased_until IS NULL);
			passed := passed + 1;
			CONTINUE;
		END IF;
		source := trackagoat.choose_source(job.kind, job.source_place, job.sec_uid IS NOT NULL);
		IF source IS NULL THEN
			UPDATE trackagoat.scrape_job j SET source_place = 1, due_at = clock_timestamp() + interval '1 hour' WHERE j.id = job.id;
			passed := passed + 1;
			CONTINUE;
		END IF;

		UPDATE trackagoat.scrape_job j SET attempts = j.attempts + 1, leased_at = clock_timestamp(),
			leased_until = clock_timestamp() + lease, leased_by = pg_backend_pid()
		WHERE j.id = job.id;
		INSERT INTO trackagoat.scrape_attempt
			(job_id, kind, tiktok_handle, tiktok_video_id, link, attempt, worker_pid, host, source, started_at)
		VALUES (job.id, job.kind, job.tiktok_handle, job.tiktok_video_id, job.link, job.attempts + 1,
			pg_backend_pid(), trackagoat.scrape_host(), source, clock_timestamp())
		RETURNING id INTO attempt_id;
		claimed := claimed + 1;

		kind := job.kind;
		tiktok_handle := job.tiktok_handle;
		tiktok_video_id := job.tiktok_video_id;
		sec_uid := job.sec_uid;
		list_cursor := job.list_cursor;
		link := job.link;
		RETURN NEXT;
	END LOOP;
	IF claimed > 0 THEN
		UPDATE trackagoat.scrape_host h SET probe_until = clock_timestamp() + lease
		WHERE h.host = trackagoat.scrape_host() AND h.opened_at IS NOT NULL;
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.claim_scrapes(integer, interval) IS
	'lease due jobs to the calling worker and count the attempt; jobs that nobody wants any more are deleted';

CREATE FUNCTION trackagoat.next_scrape_due() RETURNS timestamptz
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT min(f.due_at) FROM (VALUES (0), (1), (2)) p (priority)
		CROSS JOIN LATERAL (SELECT j.due_at FROM trackagoat.scrape_job j
			WHERE j.priority = p.priority AND j.due_at IS NOT NULL AND j.leased_until IS NULL AND NOT j.awaits_profile
			ORDER BY j.due_at LIMIT 1) f);
END
$$;
COMMENT ON FUNCTION trackagoat.next_scrape_due() IS
	'when the next queued job that can be claimed becomes due; NULL for never';

CREATE FUNCTION trackagoat.revive_scrapes(outcome text DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	revived integer;
BEGIN
	PERFORM trackagoat.check_owner('revive dead letters');
	UPDATE trackagoat.scrape_job j SET dead_at = NULL, dead_reason = NULL, attempts = 0, failures = NULL, due_at = now()
	WHERE j.dead_at IS NOT NULL AND coalesce(j.last_outcome = revive_scrapes.outcome, revive_scrapes.outcome IS NULL);
	GET DIAGNOSTICS revived = ROW_COUNT;
	RETURN revived;
END
$$;
COMMENT ON FUNCTION trackagoat.revive_scrapes(text) IS
	'queue the dead letters again, those of one outcome or all; answers how many; only as the owner of the tables';
