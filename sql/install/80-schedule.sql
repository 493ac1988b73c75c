-- pg_cron: the clock that queues what is due.

CREATE FUNCTION trackagoat.cron_command(call text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	SELECT CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron')
		THEN format('SELECT cron.%s', call) END
$$;
COMMENT ON FUNCTION trackagoat.cron_command(text) IS 'a call of pg_cron, or NULL where this database has no pg_cron';

CREATE FUNCTION trackagoat.schedule_scrapes() RETURNS bigint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	command text := trackagoat.cron_command(format('schedule(%L, %L, %L)',
		'trackagoat ' || current_database(), '* * * * *', 'SELECT trackagoat.enqueue_due()'));
	job_id bigint;
BEGIN
	PERFORM trackagoat.check_owner('schedule scrapes');
	PERFORM FROM pg_roles r WHERE r.rolname = current_user AND r.rolcanlogin;
	IF NOT FOUND THEN
		RAISE NOTICE 'role "%" cannot log in, so pg_cron cannot run its jobs', current_user
			USING HINT = format('ALTER ROLE %I LOGIN;', current_user);
	END IF;
	IF command IS NULL THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'pg_cron_missing',
			DETAIL = format('Database "%s" has no extension pg_cron.', current_database()),
			HINT = format('CREATE EXTENSION pg_cron, or as a superuser in the database that has it: SELECT cron.schedule_in_database(%L, %L, %L, %L, %L);',
				'trackagoat ' || current_database(), '* * * * *', 'SELECT trackagoat.enqueue_due()', current_database(), current_user);
	END IF;
	EXECUTE command INTO job_id;
	RETURN job_id;
END
$$;
COMMENT ON FUNCTION trackagoat.schedule_scrapes() IS
	'let pg_cron call enqueue_due() every minute; answers pg_cron''s job id; again changes nothing; PT409 pg_cron_missing';

CREATE FUNCTION trackagoat.unschedule_scrapes() RETURNS boolean
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	scheduled boolean := false;
BEGIN
	IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
		EXECUTE 'SELECT count(cron.unschedule(jobid)) > 0 FROM cron.job WHERE jobname = $1'
			INTO scheduled USING 'trackagoat ' || current_database();
	END IF;
	RETURN scheduled;
END
$$;
COMMENT ON FUNCTION trackagoat.unschedule_scrapes() IS 'take the job out of pg_cron; answers whether it was there';
