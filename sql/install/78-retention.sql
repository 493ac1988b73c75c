-- Retention: what plans and settings keep no longer goes, a piece at a time.
-- C: src/retention.c.

CREATE FUNCTION trackagoat.shown_from(days bigint, today date) RETURNS date
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- what goes back further than the calendar is for ever
	RETURN today - CASE WHEN days < 700000 THEN days::integer END;
COMMENT ON FUNCTION trackagoat.shown_from(bigint, date) IS
	'from which day on a plan shows what went on, by its stats_history_retention_days; NULL for all days';

CREATE FUNCTION trackagoat.retention_windows(at timestamptz DEFAULT now())
	RETURNS TABLE (project_id uuid, org_id uuid, kept_from timestamptz)
	LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	-- a goal looks at a month until two days after it, expiry at as many days as it says;
	-- from a Monday on, so that no history is cut more than once a week
	SELECT p.id, p.org_id, date_trunc('week', (least(s.first_day, s.today - 33, s.today - p.expiry_days) - 1)::timestamp) AT TIME ZONE o.timezone
	FROM (SELECT DISTINCT n.plan FROM trackagoat.organization n WHERE n.plan IS NOT NULL) k
	CROSS JOIN LATERAL (SELECT trackagoat.plan_limit(k.plan, 'stats_history_retention_days') AS max OFFSET 0) l
	JOIN trackagoat.organization o ON o.plan = k.plan
	CROSS JOIN LATERAL (SELECT d.today, trackagoat.shown_from(l.max, d.today) AS first_day
		FROM (VALUES ((retention_windows.at AT TIME ZONE o.timezone)::date)) d (today)) s
	JOIN trackagoat.project p ON p.org_id = o.id
	WHERE s.first_day IS NOT NULL
$$;
COMMENT ON FUNCTION trackagoat.retention_windows(timestamptz) IS
	'from when on prune() keeps the history of each project whose plan has a window, stats_history_retention_days; a project without a row keeps all of it';

CREATE FUNCTION trackagoat.prune_histories(
	entity text, ids uuid[], org_ids uuid[], kept_from timestamptz[], OUT points bigint, OUT rows bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.prune_histories(text, uuid[], uuid[], timestamptz[]) IS
	'remove the points of histories before a time each, but for the last, which then says all that was known; passes over entities that somebody holds; answers how many points went, and how many rows held them';

CREATE FUNCTION trackagoat.prune_next_histories(entity text, max_rows integer, at timestamptz) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	slice_length CONSTANT integer := 200;
	started_at timestamptz;
	reached uuid;
	batch record;
	slice record;
	last integer;
	removed bigint := 0;
	touched bigint := 0;
BEGIN
	SELECT w.begun_at, w.after INTO started_at, reached FROM trackagoat.retention_walk w WHERE w.entity = prune_next_histories.entity;
	IF reached IS NULL THEN
		-- the last walk is over: another one after a day, or where it was of a time ahead, if there is anything that has a window
		PERFORM WHERE (started_at > prune_next_histories.at - interval '1 day' AND started_at <= prune_next_histories.at)
			OR NOT EXISTS (SELECT FROM trackagoat.retention_windows(prune_next_histories.at));
		IF FOUND THEN
			RETURN 0;
		END IF;
		started_at := prune_next_histories.at;
		reached := '00000000-0000-0000-0000-000000000000';
	END IF;

	-- the index has these keys: of what has no window, nothing else is read
	SELECT array_agg(q.id ORDER BY q.id) FILTER (WHERE q.kept_from IS NOT NULL) AS ids,
		array_agg(q.org_id ORDER BY q.id) FILTER (WHERE q.kept_from IS NOT NULL) AS org_ids,
		array_agg(q.kept_from ORDER BY q.id) FILTER (WHERE q.kept_from IS NOT NULL) AS kept_from,
		(array_agg(q.id ORDER BY q.id DESC))[1] AS last_id, count(*) >= max_rows AS goes_on
	INTO batch
	FROM (SELECT k.id, k.org_id, least(w.kept_from, m.starts_at) AS kept_from
		FROM ((SELECT c.id, c.project_id, c.org_id FROM trackagoat.creator c
				WHERE c.id > reached AND prune_next_histories.entity = 'creator'
				ORDER BY c.id FETCH FIRST (max_rows) ROWS WITH TIES)
			UNION ALL
			(SELECT v.id, v.project_id, v.org_id FROM trackagoat.video v
				WHERE v.id > reached AND prune_next_histories.entity = 'video'
				ORDER BY v.id FETCH FIRST (max_rows) ROWS WITH TIES)) k
		LEFT JOIN trackagoat.retention_windows(prune_next_histories.at) w ON w.project_id = k.project_id AND w.org_id = k.org_id
		-- a milestone looks at all followers since it began
		LEFT JOIN LATERAL (SELECT min(g.starts_on::timestamp AT TIME ZONE o.timezone) AS starts_at
			FROM trackagoat.goal g JOIN trackagoat.organization o ON o.id = g.org_id
			WHERE g.creator_id = k.id AND g.org_id = k.org_id AND g.period IS NULL
				AND prune_next_histories.entity = 'creator') m ON w.kept_from IS NOT NULL) q;

	reached := CASE WHEN batch.goes_on THEN coalesce(batch.last_id, reached) END;
	FOR place IN 1 .. coalesce(cardinality(batch.ids), 0) BY slice_length LOOP
		last := place + slice_length - 1;
		-- one broken history keeps no more than its neighbours
		BEGIN
			SELECT p.* INTO slice FROM trackagoat.prune_histories(entity, batch.ids[place : last], batch.org_ids[place : last],
				batch.kept_from[place : last]) p;
			removed := removed + slice.points;
			touched := touched + slice.rows;
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING 'trackagoat could not prune the histories of %s from % to %: %', entity, batch.ids[place],
				batch.ids[least(last, cardinality(batch.ids))], SQLERRM;
		END;
		IF touched >= max_rows AND last < cardinality(batch.ids) THEN
			reached := batch.ids[last];
			EXIT;
		END IF;
	END LOOP;
	INSERT INTO trackagoat.retention_walk AS w (entity, begun_at, after) VALUES (prune_next_histories.entity, started_at, reached)
	ON CONFLICT ON CONSTRAINT retention_walk_pkey DO UPDATE SET begun_at = excluded.begun_at, after = excluded.after;
	RETURN removed;
END
$$;
COMMENT ON FUNCTION trackagoat.prune_next_histories(text, integer, timestamptz) IS
	'go on with the walk over all histories of creators or videos, or begin another one a day after the last; answers how many points went';

CREATE FUNCTION trackagoat.prune(max_rows integer DEFAULT 10000, at timestamptz DEFAULT now())
	RETURNS TABLE (what text, removed bigint)
	LANGUAGE plpgsql VOLATILE STRICT ROWS 8 SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	entity text;
BEGIN
	PERFORM trackagoat.check_owner('prune');
	-- one session at a time
	IF NOT pg_try_advisory_xact_lock(hashtextextended('trackagoat.prune', 0)) THEN
		RETURN;
	END IF;

	what := 'scrape_attempt';
	DELETE FROM trackagoat.scrape_attempt a WHERE a.id IN (SELECT o.id FROM trackagoat.scrape_attempt o
		WHERE o.started_at < prune.at - trackagoat.attempt_retention()
		ORDER BY o.started_at LIMIT max_rows FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	-- of what nobody tracks any more; other jobs are claimed, and go then
	what := 'scrape_job';
	DELETE FROM trackagoat.scrape_job j WHERE j.id IN (SELECT o.id FROM trackagoat.scrape_job o
		WHERE o.dead_at < prune.at - trackagoat.attempt_retention()
			AND NOT EXISTS (SELECT FROM trackagoat.scrape_targets(o.kind, o.tiktok_handle, o.tiktok_video_id, o.link))
		ORDER BY o.dead_at LIMIT max_rows FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	what := 'creator_event';
	DELETE FROM trackagoat.creator_event e USING (SELECT o.id, o.org_id
		FROM trackagoat.retention_windows(prune.at) w CROSS JOIN LATERAL (SELECT l.id, l.org_id FROM trackagoat.creator_event l
			WHERE l.project_id = w.project_id AND l.org_id = w.org_id AND l.created_at < w.kept_from
			ORDER BY l.created_at LIMIT max_rows FOR UPDATE SKIP LOCKED) o LIMIT max_rows) d
	WHERE e.id = d.id AND e.org_id = d.org_id;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	what := 'notification';
	DELETE FROM trackagoat.notification n USING (SELECT o.id, o.org_id
		FROM trackagoat.retention_windows(prune.at) w CROSS JOIN LATERAL (SELECT l.id, l.org_id FROM trackagoat.notification l
			WHERE l.project_id = w.project_id AND l.org_id = w.org_id AND l.created_at < w.kept_from
			ORDER BY l.created_at LIMIT max_rows FOR UPDATE SKIP LOCKED) o LIMIT max_rows) d
	WHERE n.id = d.id AND n.org_id = d.org_id;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	-- as long as find_replay() gives them again
	what := 'api_replay';
	DELETE FROM trackagoat.api_replay a USING (SELECT o.key_id, o.idempotency_key, o.org_id FROM trackagoat.api_replay o
		WHERE o.created_at < prune.at - interval '24 hours'
		ORDER BY o.created_at LIMIT max_rows FOR UPDATE SKIP LOCKED) d
	WHERE a.key_id = d.key_id AND a.idempotency_key = d.idempotency_key AND a.org_id = d.org_id;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	-- a month, to look back on
	what := 'api_usage';
	DELETE FROM trackagoat.api_usage u USING (SELECT o.org_id, o.day FROM trackagoat.api_usage o
		WHERE o.day < (prune.at AT TIME ZONE 'UTC')::date - 35
		LIMIT max_rows FOR UPDATE SKIP LOCKED) d
	WHERE u.org_id = d.org_id AND u.day = d.day;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	FOREACH entity IN ARRAY ARRAY['creator', 'video'] LOOP
		what := entity || '_history';
		removed := trackagoat.prune_next_histories(entity, max_rows, prune.at);
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION trackagoat.prune(integer, timestamptz) IS
	'remove a piece of what plans and settings keep no longer, at most so many rows of each kind, and wait for nobody; answers how much of what went: rows, of histories points; no row while another session is at it; what pg_cron calls, as the owner of the tables';
