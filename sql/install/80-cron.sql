-- pg_cron: the clock that queues what is due.

CREATE FUNCTION trackagoat.cron_command(call text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	SELECT CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron')
		THEN format('SELECT cron.%s', call) END
$$;
COMMENT ON FUNCTION trackagoat.cron_command(text) IS 'a call of pg_cron, or NULL where this database has no pg_cron';

CREATE FUNCTION trackagoat.cron_jobs() RETURNS TABLE (place integer, name text, schedule text, command text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 3 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	SELECT * FROM (VALUES (1, 'trackagoat ' || current_database(), '* * * * *', 'SELECT trackagoat.enqueue_due()'),
		(2, 'trackagoat-goals ' || current_database(), '*/5 * * * *', 'SELECT trackagoat.evaluate_goals()'),
		(3, 'trackagoat-prune ' || current_database(), '*/10 * * * *', 'SELECT trackagoat.prune()')) j
$$;
COMMENT ON FUNCTION trackagoat.cron_jobs() IS 'what pg_cron is to do for this database';

CREATE FUNCTION trackagoat.schedule_scrapes() RETURNS bigint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	command text;
	job_id bigint;
BEGIN
	PERFORM trackagoat.check_owner('schedule scrapes');
	PERFORM FROM pg_roles r WHERE r.rolname = current_user AND r.rolcanlogin;
	IF NOT FOUND THEN
		RAISE NOTICE 'role "%" cannot log in, so pg_cron cannot run its jobs', current_user
			USING HINT = format('ALTER ROLE %I LOGIN;', current_user);
	END IF;
	SELECT trackagoat.cron_command(string_agg(format('schedule(%L, %L, %L)', j.name, j.schedule, j.command), ', cron.' ORDER BY j.place))
	INTO command FROM trackagoat.cron_jobs() j;
	IF command IS NULL THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'pg_cron_missing',
			DETAIL = format('Database "%s" has no extension pg_cron.', current_database()),
			HINT = (SELECT format('CREATE EXTENSION pg_cron, or as a superuser in the database that has it: SELECT %s;',
				string_agg(format('cron.schedule_in_database(%L, %L, %L, %L, %L)', j.name, j.schedule, j.command,
					current_database(), current_user), ', ' ORDER BY j.place)) FROM trackagoat.cron_jobs() j);
	END IF;
	EXECUTE command INTO job_id;
	RETURN job_id;
END
$$;
COMMENT ON FUNCTION trackagoat.schedule_scrapes() IS
	'let pg_cron call enqueue_due() every minute, evaluate_goals() every five and prune() every ten; answers pg_cron''s id of the first job; again changes nothing; PT409 pg_cron_missing';

CREATE FUNCTION trackagoat.unschedule_scrapes() RETURNS boolean
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	scheduled boolean := false;
BEGIN
	IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
		EXECUTE 'SELECT count(cron.unschedule(jobid)) > 0 FROM cron.job WHERE jobname = ANY ($1)'
			INTO scheduled USING ARRAY(SELECT j.name FROM trackagoat.cron_jobs() j);
	END IF;
	RETURN scheduled;
END
$$;
COMMENT ON FUNCTION trackagoat.unschedule_scrapes() IS 'take the jobs out of pg_cron; answers whether they were there';
