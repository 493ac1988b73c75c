-- Thousands of random goals and moments: goal_compliance() agrees with the oracle,
-- from the histories as of past moments, and from folded and unfolded totals now.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();
SELECT setseed(0.37) \g /dev/null

CREATE TEMP TABLE zone AS SELECT * FROM (VALUES ('UTC', 1), ('Europe/Vienna', 7), ('America/Los_Angeles', 3), ('Asia/Kolkata', 6), ('Pacific/Auckland', 1)) z (timezone, week_starts_on);
INSERT INTO trackagoat.organization (name, timezone, week_starts_on) SELECT timezone, timezone, week_starts_on FROM zone;
INSERT INTO trackagoat.project (org_id, name) SELECT id, name FROM trackagoat.organization;
INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT p.id, 'c' || n FROM trackagoat.project p, generate_series(1, 5) n;
-- each creator's videos were posted over the last seventy days, or a year ago
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at, tracking_status, tracking_disabled_at)
SELECT c.id, row_number() OVER (), date_trunc('second', now() - random() ^ 2 * interval '70 days' - (random() < 0.15)::integer * interval '300 days'),
	(ARRAY['auto_tracked', 'included', 'direct_add', 'included', 'excluded', 'pending_review'])[1 + floor(random() * 6)]::trackagoat.tracking_status,
	CASE WHEN random() < 0.05 THEN now() END
FROM trackagoat.creator c, generate_series(1, 9) n WHERE c.tiktok_handle::text <> 'c5';
-- observed at any time after that; some counters are not shown, some fall
SELECT trackagoat.observe_videos(array_agg(o.id), array_agg(o.at), array_agg(CASE WHEN random() < 0.93 THEN o.views END),
	array_agg(CASE WHEN random() < 0.8 THEN o.views / 10 END), array_agg(CASE WHEN random() < 0.7 THEN o.views / 100 END), array_agg(CASE WHEN random() < 0.7 THEN o.views / 200 END), NULL) AS stored
FROM (SELECT v.id, date_trunc('second', least(v.posted_at + random() ^ 2 * interval '40 days', now())) AS at,
		floor(random() * 3000 + extract(epoch FROM now() - v.posted_at) / 500)::bigint AS views
	FROM trackagoat.video v, generate_series(1, 12) n WHERE random() < 0.9) o \gset
-- followers, by renames of another account's
SELECT trackagoat.observe_creators(array_agg(o.id), array_agg(o.at), array_agg(o.followers), NULL, NULL, NULL) AS stored
FROM (SELECT c.id, date_trunc('second', now() - random() * interval '70 days') AS at, floor(random() * 500 + 800)::bigint AS followers
	FROM trackagoat.creator c, generate_series(1, 25) n WHERE CASE c.tiktok_handle::text WHEN 'c4' THEN random() < 0.1 WHEN 'c5' THEN n < 3 ELSE true END) o \gset
SELECT trackagoat.break_history(c.id, c.org_id, now() - random() * interval '60 days') FROM trackagoat.creator c, generate_series(1, 2) WHERE c.tiktok_handle::text IN ('c1', 'c2') \g /dev/null

INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on, ends_on)
SELECT g.id, g.goal_type::trackagoat.goal_type,
	CASE g.goal_type WHEN 'posts' THEN 1 + floor(random() ^ 2 * 6) WHEN 'engagement' THEN (1 + random() * 20)::numeric(6, 3) WHEN 'views_per_post' THEN floor(300 + random() * 5000) WHEN 'followers' THEN floor(900 + random() * 300)
		ELSE floor(1 + random() ^ 4 * 20000) END,
	CASE WHEN g.goal_type <> 'followers' OR random() < 0.7 THEN (ARRAY['daily', 'weekly', 'monthly'])[1 + floor(random() * 3)] END::trackagoat.goal_period,
	g.starts_on, CASE WHEN random() < 0.3 THEN g.starts_on + floor(random() * 50)::integer END
FROM (SELECT c.id, (ARRAY['posts', 'views', 'views_per_post', 'engagement', 'followers'])[1 + n % 5] AS goal_type, (now() - random() ^ 0.3 * interval '90 days')::date + (random() < 0.1)::integer * 20 AS starts_on
	FROM trackagoat.creator c, generate_series(1, 10) n) g;

-- the oracle reads snapshots that lie in plain tables
CREATE TEMP TABLE video_snapshot AS SELECT * FROM trackagoat.video_snapshot;
CREATE TEMP TABLE creator_snapshot AS SELECT * FROM trackagoat.creator_snapshot;
CREATE TEMP TABLE creator_break AS SELECT h.creator_id, p.observed_at AS broken_at FROM trackagoat.creator_history h, trackagoat.series_points(h.points) p WHERE p.is_break;
CREATE INDEX ON video_snapshot (video_id, observed_at);
CREATE INDEX ON creator_snapshot (creator_id, observed_at);
ANALYZE video_snapshot;
ANALYZE creator_snapshot;
\ir goal_oracle.psql

CREATE TEMP TABLE moment AS
SELECT p.id AS project_id, CASE WHEN random() < 0.6 THEN (m.at - random() * interval '30 days')::date + floor(random() * 4)::integer END AS reference_date, m.at
FROM trackagoat.project p, generate_series(1, 25) n, LATERAL (SELECT now() - random() * interval '60 days' + n * interval '0' AS at) m
UNION ALL
-- the edges of days, and what was observed at that very moment
SELECT p.id, NULL, d.day::timestamp AT TIME ZONE p.name + e.edge FROM trackagoat.project p, generate_series((now() - interval '20 days')::date, now()::date, '4 days') d (day),
	unnest('{-1 microsecond,0,1 microsecond}'::interval[]) e (edge)
UNION ALL SELECT v.project_id, NULL, s.observed_at FROM (SELECT * FROM video_snapshot ORDER BY random() LIMIT 10) s JOIN trackagoat.video v ON v.id = s.video_id;
CREATE TEMP TABLE now_moment AS
SELECT p.id AS project_id, CASE WHEN n > 0 THEN now()::date - n END AS reference_date, NULL::timestamptz AS at FROM trackagoat.project p, unnest('{0,1,2,3,7,8,15,31,40,62}'::integer[]) n;

CREATE FUNCTION pg_temp.differ(moments regclass) RETURNS SETOF text LANGUAGE plpgsql AS
$$
BEGIN
	RETURN QUERY EXECUTE format($query$
		SELECT concat_ws(' ', m.reference_date, m.at, g.goal_type, g.period, g.target, g.starts_on, g.ends_on, 'ours', (o.period_start, o.period_end, o.actual, o.projected, o.status), 'oracle', (s.period_start, s.period_end, s.actual, s.projected, s.status))
		FROM %s m CROSS JOIN LATERAL (
			SELECT * FROM (SELECT c.goal_id AS id, c.period_start, c.period_end, c.actual, c.projected, c.status::text FROM trackagoat.goal_compliance(m.project_id, m.reference_date, at => m.at) c) o
			FULL JOIN goal_oracle(m.project_id, m.reference_date, m.at) s ON s.goal_id = o.id
			WHERE (o.period_start, o.period_end, o.actual, o.projected, o.status) IS DISTINCT FROM (s.period_start, s.period_end, s.actual, s.projected, s.status)) d (id, period_start, period_end, actual, projected, status, goal_id, s_start, s_end, s_actual, s_projected, s_status)
		JOIN trackagoat.goal g ON g.id = coalesce(d.id, d.goal_id), LATERAL (SELECT d.period_start, d.period_end, d.actual, d.projected, d.status) o, LATERAL (SELECT d.s_start AS period_start, d.s_end AS period_end, d.s_actual AS actual, d.s_projected AS projected, d.s_status AS status) s
		LIMIT 5 $query$, moments);
END
$$;
SELECT is_empty($$SELECT * FROM pg_temp.differ('moment')$$, 'as of past moments both agree');
SELECT is_empty($$SELECT * FROM pg_temp.differ('now_moment')$$, 'now, from the histories alone');
SELECT trackagoat.refresh_totals(id) FROM trackagoat.project \g /dev/null
SELECT is_empty($$SELECT * FROM pg_temp.differ('now_moment')$$, 'now, from folded totals');
-- more that is not folded: new numbers, another status, another account
SELECT trackagoat.observe_videos(array_agg(v.id), array_agg(date_trunc('second', now() - random() ^ 2 * interval '30 days')), array_agg(floor(random() * 9000)::bigint), array_agg(floor(random() * 900)::bigint), NULL, NULL, NULL) AS stored
FROM trackagoat.video v, generate_series(1, 3) n WHERE random() < 0.7 \gset
UPDATE trackagoat.video SET tracking_status = CASE WHEN tracking_status IN ('excluded', 'pending_review') THEN 'included' ELSE 'excluded' END::trackagoat.tracking_status WHERE random() < 0.2;
UPDATE trackagoat.video SET tracking_disabled_at = CASE WHEN tracking_disabled_at IS NULL THEN now() END WHERE random() < 0.1;
TRUNCATE video_snapshot;
INSERT INTO video_snapshot SELECT * FROM trackagoat.video_snapshot;
SELECT is_empty($$SELECT * FROM pg_temp.differ('now_moment')$$, 'now, with what is not folded yet');
SELECT trackagoat.refresh_totals(id) FROM trackagoat.project \g /dev/null
SELECT is_empty($$SELECT * FROM pg_temp.differ('now_moment')$$, 'and folded again');

-- that there was something to compare
CREATE TEMP TABLE seen AS SELECT s.* FROM (TABLE moment UNION ALL TABLE now_moment) m, goal_oracle(m.project_id, m.reference_date, m.at) s;
SELECT cmp_ok((SELECT count(*) FROM seen), '>', 8000::bigint, 'thousands of goals and moments');
SELECT cmp_ok(count(s.goal_id), '>', 0::bigint, t || ' ' || e) FROM unnest(enum_range(NULL::trackagoat.goal_type)) t CROSS JOIN unnest(enum_range(NULL::trackagoat.goal_status)) e
LEFT JOIN (seen s JOIN trackagoat.goal g ON g.id = s.goal_id) ON s.status = e::text AND g.goal_type = t GROUP BY t, e;

SELECT * FROM finish();
ROLLBACK;
