-- Goals of 10,000 creators, three each, against the oracle of the tests over plain
-- tables of snapshots with their best index.  Posts of sixty days, observed daily
-- for a month each; creators observed daily.
\ir common/curve.sql
\if :{?scale}
\else
	\set scale 1
\endif
SELECT round(10000 * :scale)::integer AS creators \gset
SET search_path TO public, trackagoat;
SET client_min_messages = warning;
\pset tuples_only on
\pset format unaligned

INSERT INTO organization (name, timezone) VALUES ('bench', 'Europe/Berlin') RETURNING id AS org \gset
INSERT INTO project (org_id, name) VALUES (:'org', 'bench') RETURNING id AS project \gset
SELECT count(*) AS added FROM add_creators(:'project', ARRAY(SELECT 'goat.' || i FROM generate_series(1, :creators) i)) \gset
CREATE TABLE numbered AS SELECT c.id, row_number() OVER (ORDER BY c.id) AS n FROM creator c;

-- twelve posts of each, at any time of the last sixty days, until an hour ago
INSERT INTO video (org_id, project_id, creator_id, tiktok_video_id, tracking_status, posted_at, refresh_stopped_at)
SELECT :'org', :'project', c.id, (1700000000::bigint << 32) + c.n * 12 + k, 'included',
	date_trunc('hour', now()) - interval '1 hour' - floor(dice(c.n * 12 + k, 31) * 60 * 86400) * interval '1 second', now()
FROM numbered c, generate_series(0, 11) k ORDER BY c.id, k;
CREATE TABLE seen AS
SELECT v.id, v.posted_at, (v.tiktok_video_id & 4294967295) AS n FROM video v;

-- an hour after it was posted, and daily then
CREATE FUNCTION observe_batch(first bigint, last bigint) RETURNS integer LANGUAGE sql AS
$$
	SELECT trackagoat.observe_videos(array_agg(s.id), array_agg(s.posted_at + interval '1 hour' + d * interval '1 day'), array_agg(floor(final_views(s.n) * risen(s.n, 4, d))::bigint),
		array_agg(floor(final_views(s.n) * risen(s.n, 5, d) * 0.05)::bigint), array_agg(floor(final_views(s.n) * risen(s.n, 7, d) * 0.003)::bigint),
		array_agg(floor(final_views(s.n) * risen(s.n, 9, d) * 0.005)::bigint), array_agg(floor(final_views(s.n) * risen(s.n, 12, d) * 0.004)::bigint))
	FROM seen s, generate_series(0, 30) d WHERE s.n BETWEEN first AND last AND s.posted_at + interval '1 hour' + d * interval '1 day' <= now()
$$;
SELECT sum(observe_batch(b, b + 9999)) AS observed FROM generate_series(0, :creators * 12 + 12, 10000) b \gset
SELECT sum(observe_creators(ids, times, followers, NULL, NULL, NULL)) AS observed FROM (
	SELECT array_agg(c.id) AS ids, array_agg(date_trunc('hour', now()) - d * interval '1 day') AS times,
		array_agg((1000 + dice(c.n, 32) * 100000 + (61 - d) * dice(c.n, 33) * 100)::bigint) AS followers
	FROM numbered c, generate_series(1, 60) d GROUP BY c.n / 1000) o \gset

-- three of the five types in turn
INSERT INTO goal (org_id, project_id, creator_id, goal_type, target, period, starts_on)
SELECT :'org', :'project', c.id, t.goal_type::goal_type, ceil(t.target * (0.3 + dice(c.n, 34))), t.period::goal_period, '2026-01-01'
FROM numbered c JOIN (VALUES (0, 'posts', 2, 'weekly'), (1, 'views', 8000, 'weekly'), (2, 'views_per_post', 1000, 'weekly'),
	(3, 'engagement', 5, 'monthly'), (4, 'followers', 60000, 'monthly')) t (k, goal_type, target, period) ON (c.n + t.k) % 5 < 3;
SELECT refresh_totals(:'project') AS folded \gset
VACUUM ANALYZE;

CREATE SCHEMA plain;
CREATE TABLE plain.video_snapshot AS SELECT s.* FROM trackagoat.video_snapshot s ORDER BY s.video_id, s.observed_at;
CREATE TABLE plain.creator_snapshot AS SELECT s.* FROM trackagoat.creator_snapshot s ORDER BY s.creator_id, s.observed_at;
CREATE TABLE plain.creator_break (creator_id uuid, broken_at timestamptz);
CREATE UNIQUE INDEX ON plain.video_snapshot (video_id, observed_at);
CREATE UNIQUE INDEX ON plain.creator_snapshot (creator_id, observed_at);
VACUUM ANALYZE plain.video_snapshot, plain.creator_snapshot;
SET search_path TO public, plain, trackagoat;
\ir ../pgtap/goal_oracle.psql
SELECT format('%s creators, %s goals, %s snapshots of videos, %s of creators', (SELECT count(*) FROM creator),
	(SELECT count(*) FROM goal), (SELECT count(*) FROM plain.video_snapshot), (SELECT count(*) FROM plain.creator_snapshot));

CREATE TABLE timing (name text, ours float8, oracle float8);
CREATE FUNCTION timed(query text, OUT ms float8, OUT answer text) LANGUAGE plpgsql AS
$$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	EXECUTE query INTO answer;
	ms := extract(epoch FROM clock_timestamp() - started) * 1000;
END
$$;
-- what both answer: counts by status, and a check of every number
\set counts 'count(*), count(*) FILTER (WHERE status = \'on_track\'), count(*) FILTER (WHERE status = \'behind_pace\'), count(*) FILTER (WHERE status = \'at_risk\'), count(*) FILTER (WHERE status = \'completed\'), count(*) FILTER (WHERE status = \'missed\'), count(*) FILTER (WHERE status = \'not_yet_started\'), count(*) FILTER (WHERE status = \'no_data\')'
SELECT format('SELECT (goals, on_track, behind_pace, at_risk, completed, missed, not_yet_started, no_data)::text FROM goal_overview(%L)', :'project') AS ours,
	format('SELECT (%s)::text FROM goal_oracle(%L)', :'counts', :'project') AS oracle,
	format('SELECT md5(string_agg((goal_id, period_start, period_end, actual, projected, status)::text, '' '' ORDER BY goal_id)) FROM goal_compliance(%L)', :'project') AS our_rows,
	format('SELECT md5(string_agg((goal_id, period_start, period_end, actual, projected, status)::text, '' '' ORDER BY goal_id)) FROM goal_oracle(%L)', :'project') AS oracle_rows \gset

\set name goal_overview
\ir common/goal.sql
-- with a tenth of the videos observed anew and not folded yet
SELECT observe_videos(array_agg(v.id), array_agg(now() - interval '1 minute'), array_agg(v.view_count + 500), array_agg(v.like_count + 20), NULL, NULL, NULL) AS observed
FROM video v WHERE v.tiktok_video_id % 10 = 0 \gset
INSERT INTO plain.video_snapshot SELECT s.* FROM trackagoat.video_snapshot s ON CONFLICT DO NOTHING;
VACUUM ANALYZE plain.video_snapshot;
\set name goal_overview_unfolded
\ir common/goal.sql
