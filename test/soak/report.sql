-- What scripts/soak prints: the worker and its queue, the tables, what became of the
-- requests, and, last, what is not as it should be.
\pset footer off
\pset null ''
SET search_path TO trackagoat, public;

WITH since AS (SELECT * FROM soak.sample WHERE phase = 'start'),
measured AS (
	SELECT s.at, s.phase, m.n, m.measure, round(m.value, m.digits) AS value
	FROM soak.sample s, since b, LATERAL (VALUES
		(1, 'minutes', 1, extract(epoch FROM s.at - b.at) / 60),
		(2, 'requests', 0, s.requests - b.requests),
		(3, 'of these failed', 0, s.failures - b.failures),
		(4, 'requests a second', 1, (s.requests - b.requests) / nullif(extract(epoch FROM s.at - b.at), 0)),
		(5, 'memory of the worker (RssAnon), MB', 1, s.memory / 1048576.0),
		(6, 'descriptors of the worker', 0, s.descriptors),
		(7, 'jobs that wait', 0, s.waiting),
		(8, 'longest wait, s', 0, extract(epoch FROM s.oldest_wait)),
		(9, 'differences not folded', 0, s.unfolded),
		(10, 'WAL, MB', 0, pg_wal_lsn_diff(s.wal, b.wal) / 1048576.0)) m (n, measure, digits, value)
	WHERE s.at >= b.at
)
SELECT measure AS " ", max(value) FILTER (WHERE phase = 'start') AS start, max(value) FILTER (WHERE phase = 'middle') AS middle,
	max(value) FILTER (WHERE phase = 'end') AS end, CASE WHEN n BETWEEN 5 AND 9 THEN max(value) END AS most
FROM measured GROUP BY n, measure ORDER BY n;

SELECT name AS "table", string_agg(round(bytes / 1048576.0, 1)::text, ' / ' ORDER BY place) AS "MB",
	string_agg(round(index_bytes / 1048576.0, 1)::text, ' / ' ORDER BY place) AS "MB of indexes",
	string_agg(live::text, ' / ' ORDER BY place) AS "live rows", string_agg(dead::text, ' / ' ORDER BY place) AS "dead rows",
	max(vacuums) - min(vacuums) AS vacuums
FROM soak.relation r, LATERAL (SELECT array_position('{start,middle,end}', r.phase) AS place) p
GROUP BY name HAVING max(bytes) >= 1048576 OR max(dead) > 1000 ORDER BY max(bytes + index_bytes) DESC;

SELECT a.outcome, count(*) AS requests, round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS "%"
FROM scrape_attempt a, soak.sample b, soak.sample e
WHERE b.phase = 'start' AND e.phase = 'end' AND a.finished_at BETWEEN b.at AND e.at GROUP BY 1 ORDER BY 2 DESC;

SELECT count(*) AS scheduled, count(*) FILTER (WHERE status <> 'succeeded') AS failed, max(end_time - start_time) AS longest
FROM cron.job_run_details WHERE end_time IS NOT NULL;

SET ROLE goat;
CREATE TEMPORARY TABLE verified AS SELECT * FROM verify();
RESET ROLE;
CREATE TEMPORARY TABLE problem AS
SELECT 'verify(): ' || v::text AS problem FROM verified v
UNION ALL SELECT 'the worker was started anew' FROM soak.sample HAVING count(DISTINCT pid) > 1
UNION ALL SELECT 'the worker has grown by ' || pg_size_pretty(e.memory - s.memory) FROM soak.sample s, soak.sample e
WHERE s.phase = 'start' AND e.phase = 'end' AND e.memory - s.memory > 5 * 1048576
UNION ALL SELECT 'the worker has ' || e.descriptors - s.descriptors || ' descriptors more' FROM soak.sample s, soak.sample e
WHERE s.phase = 'start' AND e.phase = 'end' AND e.descriptors - s.descriptors > 16
UNION ALL SELECT 'only ' || round((e.requests - s.requests) / extract(epoch FROM e.at - s.at), 1) || ' requests a second' FROM soak.sample s, soak.sample e
WHERE s.phase = 'start' AND e.phase = 'end' AND e.requests - s.requests < 47.5 * extract(epoch FROM e.at - s.at)
UNION ALL SELECT 'pg_cron: ' || command || ': ' || min(return_message) FROM cron.job_run_details WHERE status = 'failed' GROUP BY command
UNION ALL SELECT count(*) || ' times ' || outcome FROM scrape_attempt
WHERE outcome IN ('store_failed', 'partly_stored', 'crashed', 'unreadable', 'repeated_page', 'too_large') GROUP BY outcome;
SELECT problem AS "what is not as it should be" FROM problem;
DO $$
BEGIN
	ASSERT NOT EXISTS (SELECT FROM problem), 'the soak found problems';
END
$$;
