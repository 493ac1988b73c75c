-- setup(): the tables, as ordinary objects of the calling role.

CREATE FUNCTION trackagoat.tables_version() RETURNS integer
	AS 'MODULE_PATHNAME', 'trackagoat_tables_version' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.tables_version() IS 'version of the tables that this library works with';

CREATE PROCEDURE trackagoat.setup()
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$setup$
DECLARE
	wanted integer := trackagoat.tables_version();
	present integer;
BEGIN
	IF current_setting('server_encoding') <> 'UTF8' THEN
		RAISE feature_not_supported USING
			MESSAGE = 'trackagoat needs a database with encoding UTF8',
			HINT = 'CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0;';
	END IF;

	-- one setup at a time
	PERFORM pg_advisory_xact_lock(hashtextextended('trackagoat.setup', 0));
	IF to_regclass('trackagoat.setup_version') IS NOT NULL THEN
		SELECT max(v.version) INTO present FROM trackagoat.setup_version v;
	END IF;

	IF present > wanted THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the tables are of version %s, this trackagoat works with version %s', present, wanted),
			HINT = 'Install the newer trackagoat and ALTER EXTENSION trackagoat UPDATE.';
	ELSIF present IS NOT NULL AND coalesce(to_regclass('trackagoat.scrape_status'), to_regclass('trackagoat.scrape_queue')) IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables are what DROP EXTENSION trackagoat CASCADE has left of them',
			HINT = 'Restore them from a dump, or DROP SCHEMA trackagoat CASCADE and begin anew with CREATE EXTENSION.';
	ELSIF present IS NULL AND to_regclass('trackagoat.organization') IS NOT NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables are there, but the rows of trackagoat.setup_version are not',
			HINT = 'Restore the rows of setup_version, scrape_outcome, scrape_source and observation_source as well, or DROP SCHEMA trackagoat CASCADE and begin anew with CREATE EXTENSION.';
	ELSIF present IS NULL THEN
		EXECUTE $tables$
@SETUP@
$tables$;
		INSERT INTO trackagoat.setup_version (version) VALUES (wanted);
	END IF;

	IF present < 2 THEN
		EXECUTE $migration$
@MIGRATE 2@
$migration$;
		INSERT INTO trackagoat.setup_version (version) VALUES (2);
	END IF;

	IF trackagoat.worker_problem() IS NOT NULL THEN
		RAISE NOTICE '%', trackagoat.worker_problem()
			USING HINT = 'The tables work all the same; nothing is fetched by itself until then.';
	END IF;
	PERFORM FROM pg_extension e WHERE e.extname = 'pg_cron';
	IF NOT FOUND THEN
		RAISE NOTICE 'pg_cron is not installed in this database'
			USING HINT = 'Install it and SELECT trackagoat.schedule_scrapes(), or call trackagoat.enqueue_due() every minute, trackagoat.evaluate_goals() every five and trackagoat.prune() every ten by other means.';
	END IF;
END
$setup$;
COMMENT ON PROCEDURE trackagoat.setup() IS
	'create the tables, or bring older ones up to date; again changes nothing; says what the worker still lacks';
