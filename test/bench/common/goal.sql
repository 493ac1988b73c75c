-- One question of goal.sql: medians of five runs in turn after one that warms up;
-- the clock stands still within a transaction, so both see the same now.
BEGIN;
SELECT CASE WHEN (timed(:'our_rows')).answer = (timed(:'oracle_rows')).answer AND o.answer = s.answer THEN 'yes' ELSE 'no' END AS same
FROM timed(:'ours') o, timed(:'oracle') s \gset
COMMIT;
INSERT INTO timing SELECT :'name', o.ms, s.ms FROM generate_series(1, 5) run, LATERAL (SELECT run, (timed(:'ours')).ms) o, LATERAL (SELECT o.run, (timed(:'oracle')).ms) s;
SELECT format('bench %s ours=%s sql=%s same=%s', name, round(ours::numeric, 1), round(oracle::numeric), :'same')
FROM (SELECT name, percentile_disc(0.5) WITHIN GROUP (ORDER BY ours) AS ours, percentile_disc(0.5) WITHIN GROUP (ORDER BY oracle) AS oracle
	FROM timing WHERE name = :'name' GROUP BY name) t;
