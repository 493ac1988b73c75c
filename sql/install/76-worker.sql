-- The worker as other sessions see it.  C: src/worker.

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
				AND t.tgname IN ('creator_scrape', 'video_scrape', 'scrape_job_wake', 'video_totals')) = 4
		-- the worker acts as their owner: another's triggers would run with rights that are not his
		AND (SELECT count(DISTINCT c.relowner) FROM pg_class c
			WHERE c.relnamespace = 'trackagoat'::regnamespace
				AND c.relname IN ('setup_version', 'organization', 'creator', 'creator_history', 'video',
					'video_history', 'creator_event', 'creator_event_kind', 'banned_handle', 'deleted_video', 'video_link', 'plan', 'manual_scrape', 'goal', 'notification', 'total', 'total_month', 'total_difference', 'observation_source', 'scrape_outcome', 'scrape_source', 'scrape_host', 'scrape_job', 'scrape_request', 'scrape_attempt', 'retention_walk', 'member', 'api_key', 'api_login', 'api_usage', 'api_replay')) = 1;
END
$$;
COMMENT ON FUNCTION trackagoat.tables_are_ready() IS
	'whether the tables are of the library''s version, of one owner, and complete, as they are not while a dump is being restored';

CREATE FUNCTION trackagoat.analyze_grown() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp
	-- a sample of 900 rows will do, and takes little memory
	SET default_statistics_target = 3
	-- a table that somebody holds is looked at another time
	SET lock_timeout = '10ms'
AS
$$
DECLARE
	small record;
	pages bigint;
	analyzed integer := 0;
BEGIN
	IF NOT pg_try_advisory_xact_lock(hashtextextended('trackagoat.analyze_grown', 0)) THEN
		RETURN 0;
	END IF;
	-- of a table that was empty, plans take whatever index, and keep to it; the larger ones autovacuum sees in time
	FOR small IN SELECT c.oid::regclass AS name, c.relpages FROM pg_class c
		WHERE c.relnamespace = 'trackagoat'::regnamespace AND c.relkind = 'r' AND c.relpages < 4096
			AND c.relowner = current_user::regrole
	LOOP
		BEGIN
			pages := pg_relation_size(small.name) / current_setting('block_size')::integer;
			IF pages > 2 * greatest(small.relpages, 2) AND pages < 8192 THEN
				-- ANALYZE (SKIP_LOCKED) would tell the server's log
				EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE NOWAIT', small.name);
				EXECUTE format('ANALYZE %s', small.name);
				analyzed := analyzed + 1;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			-- autovacuum says what is wrong with a table; the others are analyzed all the same
			NULL;
		END;
	END LOOP;
	RETURN analyzed;
END
$$;
COMMENT ON FUNCTION trackagoat.analyze_grown() IS
	'analyze the tables that have doubled since they were last, up to some 64 MB, so that pages are stored by plans for what is there now; answers how many';

CREATE PROCEDURE trackagoat.run_scrapes(max_jobs integer DEFAULT 100)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON PROCEDURE trackagoat.run_scrapes(integer) IS
	'fetch and store up to so many due jobs in this session, as the worker would; commits as it goes; only as the owner of the tables';

CREATE FUNCTION trackagoat.worker_status()
	RETURNS TABLE (database name, pid integer, state text, started_at timestamptz, active_at timestamptz,
		in_flight integer, requests bigint, failures bigint, paused_until timestamptz,
		memory bigint, last_error_at timestamptz, last_error text)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT ROWS 1;
COMMENT ON FUNCTION trackagoat.worker_status() IS
	'the workers of this server, a row for each that trackagoat.database and trackagoat.workers ask for; none where the library is not preloaded';

CREATE FUNCTION trackagoat.worker_problem() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.worker_problem() IS
	'why no worker serves this database, in a sentence; NULL when one may';

CREATE FUNCTION trackagoat.is_public_address(inet) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.is_public_address(inet) IS
	'whether the worker would connect to the address; loopback, private, link-local and other special addresses are refused';
