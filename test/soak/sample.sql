-- What scripts/soak measures.  Runs as a superuser, who may look at the worker's process.
SET search_path TO trackagoat, public;
CREATE SCHEMA soak;

-- Every few seconds; phase: fill, start, run, middle, end.
CREATE TABLE soak.sample (
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	phase text NOT NULL,
	pid integer,
	requests bigint,
	failures bigint,
	memory bigint,
	descriptors bigint,
	waiting bigint,
	oldest_wait interval,
	unfolded bigint,
	wal pg_lsn NOT NULL DEFAULT pg_current_wal_lsn()
);

-- At the start, in the middle and at the end.
CREATE TABLE soak.relation (
	phase text NOT NULL,
	name text NOT NULL,
	bytes bigint NOT NULL,
	index_bytes bigint NOT NULL,
	live bigint NOT NULL,
	dead bigint NOT NULL,
	vacuums bigint NOT NULL
);

CREATE FUNCTION soak.measure(phase text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
	INSERT INTO soak.sample (phase, pid, requests, failures, memory, descriptors, waiting, oldest_wait, unfolded)
	SELECT measure.phase, w.pid, w.requests, w.failures, w.memory,
		(SELECT count(*) FROM pg_ls_dir('/proc/' || w.pid || '/fd')),
		s.waiting, s.oldest_wait, (SELECT count(*) FROM trackagoat.total_difference)
	FROM trackagoat.worker_status() w,
		(SELECT sum(waiting) AS waiting, max(oldest_wait) AS oldest_wait FROM trackagoat.scrape_status) s;
	INSERT INTO soak.relation
	SELECT measure.phase, t.relname, pg_table_size(t.relid), pg_indexes_size(t.relid), t.n_live_tup, t.n_dead_tup, t.vacuum_count + t.autovacuum_count
	FROM pg_stat_user_tables t WHERE t.schemaname = 'trackagoat' AND measure.phase IN ('start', 'middle', 'end');
END;
