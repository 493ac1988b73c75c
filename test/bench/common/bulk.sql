-- One question of bulk.sql: name, ours and setwise are set.
INSERT INTO timing (name, run) SELECT :'name', run FROM generate_series(0, 5) run;
\set run 0
\ir bulk_run.sql
\set run 1
\ir bulk_run.sql
\set run 2
\ir bulk_run.sql
\set run 3
\ir bulk_run.sql
\set run 4
\ir bulk_run.sql
\set run 5
\ir bulk_run.sql
SELECT format('bench %s ours=%s setwise=%s ratio=%s', name, round(ours::numeric), round(setwise::numeric), round((ours / setwise)::numeric, 2))
FROM (SELECT name, percentile_disc(0.5) WITHIN GROUP (ORDER BY ours) AS ours, percentile_disc(0.5) WITHIN GROUP (ORDER BY setwise) AS setwise
	FROM timing WHERE name = :'name' AND run > 0 GROUP BY name) t;
