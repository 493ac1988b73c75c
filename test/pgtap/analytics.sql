-- analytics() and what is built on it: numbers by hand, every combination
-- against plain SQL, refusals, breakdown, progress.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SET timezone TO 'UTC';
SET jit TO off;
SET client_min_messages TO warning;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name, timezone) VALUES ('O', 'Europe/Vienna') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
CREATE FUNCTION pg_temp.id_of(wanted text) RETURNS uuid LANGUAGE sql STABLE AS
$$
	SELECT id FROM trackagoat.creator WHERE tiktok_handle::text = wanted UNION ALL SELECT id FROM trackagoat.video WHERE title = wanted
	UNION ALL SELECT id FROM trackagoat.campaign WHERE name = wanted UNION ALL SELECT id FROM trackagoat.project WHERE name = wanted
$$;
CREATE FUNCTION pg_temp.kind_of(id uuid) RETURNS text LANGUAGE sql STABLE AS
$$
	SELECT CASE WHEN EXISTS (SELECT FROM trackagoat.creator c WHERE c.id = kind_of.id) THEN 'creator' WHEN EXISTS (SELECT FROM trackagoat.video v WHERE v.id = kind_of.id) THEN 'video'
		WHEN EXISTS (SELECT FROM trackagoat.campaign k WHERE k.id = kind_of.id) THEN 'campaign' ELSE 'project' END
$$;

-- --- by hand ---------------------------------------------------------------------------

INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'hand') RETURNING id AS hand \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, title, posted_at) VALUES (:'hand', 1, 'left', '2025-02-01 12:00Z'), (:'hand', 2, 'right', '2025-02-04 22:59Z');
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'palm') RETURNING id AS palm \gset
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'palm', :'hand');
-- left has 100, 150, nothing, 250, right is first seen on the 5th, in Vienna
SELECT sum(trackagoat.observe_video(pg_temp.id_of(v), t::timestamptz, views, likes, 0, NULL, saves)) AS n FROM (VALUES ('left', '2025-02-01 12:00Z', 100, 10, 1), ('left', '2025-02-02 12:00Z', 150, 14, 2),
	('left', '2025-02-04 12:00Z', 250, 24, 2), ('left', '2025-02-06 12:00Z', 240, 24, 1), ('right', '2025-02-04 23:00Z', 1000, 50, NULL), ('right', '2025-02-06 12:00Z', 1500, 90, 4)) o (v, t, views, likes, saves) \gset
SELECT sum(trackagoat.observe_creator(:'hand', t::timestamptz, f, NULL, NULL, NULL)) AS n FROM (VALUES ('2025-02-02 12:00Z', 1000), ('2025-02-04 12:00Z', 1100)) o (t, f) \gset
-- the values of a metric of one entity from February 1 to 7, rounded
CREATE FUNCTION pg_temp.week(entity text, metric text, mode text = 'new', base text = NULL) RETURNS numeric[] LANGUAGE sql AS
$$
	SELECT array_agg(round(value, 2) ORDER BY bucket)
	FROM trackagoat.analytics(pg_temp.kind_of(pg_temp.id_of(entity)), ARRAY[pg_temp.id_of(entity)], metric, mode, 'day', '2025-02-01', '2025-02-07', base_metric => base)
$$;
SELECT is(pg_temp.week(e, m, o, b), w::numeric[], concat_ws(' ', e, m, o, b)) FROM (VALUES
	('left', 'views', 'new', NULL, '{0,50,0,100,0,-10,0}'), ('left', 'views', 'cumulative', NULL, '{100,150,150,250,250,240,240}'), ('left', 'views', 'rate', NULL, '{0,50,0,100,0,-10,0}'),
	('left', 'shares', 'new', NULL, '{0,0,0,0,0,0,0}'), ('left', 'shares', 'cumulative', NULL, '{NULL,NULL,NULL,NULL,NULL,NULL,NULL}'), ('left', 'saves', 'new', NULL, '{0,1,0,0,0,-1,0}'),
	('right', 'views', 'new', NULL, '{0,0,0,0,0,500,0}'), ('right', 'views', 'cumulative', NULL, '{NULL,NULL,NULL,NULL,1000,1500,1500}'), ('right', 'saves', 'cumulative', NULL, '{NULL,NULL,NULL,NULL,NULL,4,4}'),
	('left', 'engagement_rate_by_views', 'new', NULL, '{NULL,10,NULL,10,NULL,10,NULL}'), ('left', 'engagement_rate_by_views', 'cumulative', NULL, '{11,10.67,10.67,10.4,10.4,10.42,10.42}'),
	('left', 'growth_rate_pop', 'new', 'views', '{NULL,50,0,66.67,0,-4,0}'), ('right', 'growth_rate_pop', 'rate', 'likes', '{NULL,NULL,NULL,NULL,NULL,80,0}'),
	('hand', 'views', 'new', NULL, '{0,50,0,100,0,490,0}'), ('hand', 'views', 'cumulative', NULL, '{100,150,150,250,1250,1740,1740}'), ('hand', 'saves', 'cumulative', NULL, '{1,2,2,2,2,5,5}'),
	('hand', 'posts', 'new', NULL, '{1,0,0,1,0,0,0}'), ('hand', 'posts', 'cumulative', NULL, '{1,1,1,2,2,2,2}'), ('hand', 'posts', 'rate', NULL, '{1,0,0,1,0,0,0}'), ('hand', 'posts_per_week', 'new', NULL, '{7,0,0,7,0,0,0}'),
	('hand', 'followers', 'new', NULL, '{0,0,0,100,0,0,0}'), ('hand', 'followers', 'cumulative', NULL, '{NULL,1000,1000,1100,1100,1100,1100}'), ('hand', 'growth_rate_pop', 'new', 'followers', '{NULL,NULL,0,10,0,0,0}'),
	('hand', 'engagement_rate_by_followers', 'new', NULL, '{NULL,0.5,0,0.91,0,3.55,0}'), ('hand', 'avg_views_per_post', 'new', NULL, '{0,50,0,50,0,245,0}'), ('hand', 'engagement_rate_by_views', 'new', NULL, '{NULL,10,NULL,10,NULL,7.96,NULL}'),
	('palm', 'views', 'new', NULL, '{0,50,0,100,0,490,0}'), ('palm', 'followers', 'cumulative', NULL, '{NULL,1000,1000,1100,1100,1100,1100}'), ('palm', 'avg_views_per_post', 'new', NULL, '{0,50,0,50,0,245,0}'),
	('P', 'likes', 'cumulative', NULL, '{10,14,14,24,74,114,114}'), ('P', 'growth_rate_pop', 'new', 'posts', '{NULL,0,0,100,0,0,0}')) v (e, m, o, b, w);
-- a row for each bucket, with its flags; the first days are in the week from January 27
SELECT results_eq(format('SELECT bucket, value, is_partial, is_baseline FROM trackagoat.analytics(%L, ARRAY[%L]::uuid[], %L, %L, %L, %L, %L)', 'creator', :'hand', 'views', 'rate', 'week', '2025-01-30', '2025-02-09'),
	$$VALUES ('2025-01-27'::date, 50 / 4.0, true, true), ('2025-02-03', 590 / 7.0, false, true)$$, 'weeks: the one that the window cuts is partial');
SELECT results_eq(format('SELECT bucket, value, is_partial, is_baseline FROM trackagoat.analytics(%L, ARRAY[%L]::uuid[], %L, %L, %L, %L, %L, at => %L)', 'creator', :'hand', 'views', 'new', 'month', '2025-01-01', '2025-03-01', '2025-02-04 12:00Z'),
	$$VALUES ('2025-01-01'::date, 0::numeric, false, false), ('2025-02-01', 150, true, true), ('2025-03-01', 0, true, false)$$, 'months as of a moment: that of the moment is not over');
SELECT results_eq(format('SELECT series_kind, bucket, value FROM trackagoat.analytics(%L, ARRAY[%L, %L]::uuid[], %L, from_date => %L, to_date => %L, compare => %L)', 'video', pg_temp.id_of('left'), pg_temp.id_of('right'), 'views', '2025-02-05', '2025-02-06', 'prior_period'),
	$$VALUES ('main', '2025-02-05'::date, 0::numeric), ('main', '2025-02-06', -10), ('main', '2025-02-05', 0), ('main', '2025-02-06', 500), ('prior_period', '2025-02-03', 0), ('prior_period', '2025-02-04', 100), ('prior_period', '2025-02-03', 0), ('prior_period', '2025-02-04', 0)$$,
	'as many days before, after all of the main ones, entities in their order');
SELECT is(array_agg(value ORDER BY bucket), '{0,0,50,0,100,0}', 'another time zone has other days') FROM trackagoat.analytics('creator', ARRAY[:'hand']::uuid[], 'views', from_date => '2025-02-01', to_date => '2025-02-06', tz => 'Pacific/Kiritimati');
SELECT is(array_agg(value ORDER BY bucket), '{1,0,0,0,1,0}', 'of posts as well') FROM trackagoat.analytics('creator', ARRAY[:'hand']::uuid[], 'posts', from_date => '2025-02-01', to_date => '2025-02-06', tz => 'Asia/Tokyo');
-- the window, when it is left out
SELECT is((count(*), min(bucket), max(bucket))::text, format('(30,%s,%s)', (now() AT TIME ZONE 'Europe/Vienna')::date - 29, (now() AT TIME ZONE 'Europe/Vienna')::date), 'the last 30 days') FROM trackagoat.analytics('creator', ARRAY[:'hand']::uuid[], 'views');
SELECT is(array_agg(bucket), ARRAY[(now() AT TIME ZONE 'Europe/Vienna')::date], 'of which today is not over') FROM trackagoat.analytics('creator', ARRAY[:'hand']::uuid[], 'views') WHERE is_partial;
SELECT is((count(*), min(bucket), max(bucket))::text, '(30,2025-01-05,2025-02-03)', '30 days that end there') FROM trackagoat.analytics('creator', ARRAY[:'hand']::uuid[], 'views', to_date => '2025-02-03');
SELECT is((count(*), min(bucket), max(bucket))::text, '(30,2025-01-05,2025-02-03)', 'or begin there') FROM trackagoat.analytics('creator', ARRAY[:'hand']::uuid[], 'views', from_date => '2025-01-05');
SELECT is((count(*), min(bucket), max(bucket))::text, '(30,2025-01-05,2025-02-03)', 'or as of a moment') FROM trackagoat.analytics('creator', ARRAY[:'hand']::uuid[], 'views', at => '2025-02-03 22:59Z');

-- --- every combination against plain SQL ------------------------------------------------

INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT :'project', h FROM unnest(ARRAY['goat', 'sheep', 'gone']::trackagoat.handle[]) h;
INSERT INTO trackagoat.video (project_id, creator_id, tiktok_video_id, title, posted_at, tracking_status)
SELECT :'project', pg_temp.id_of(h), n, 'v' || n, '2025-02-20 20:00Z'::timestamptz + n * interval '31 hours', s::trackagoat.tracking_status
FROM (VALUES (11, 'goat', 'included'), (12, 'goat', 'excluded'), (13, 'goat', 'auto_tracked'), (21, 'sheep', 'direct_add'), (22, 'sheep', 'direct_add'), (31, 'gone', 'direct_add'), (91, NULL, 'direct_add')) v (n, h, s);
INSERT INTO trackagoat.campaign (project_id, name) SELECT :'project', n FROM unnest(ARRAY['upper', 'lower', 'void']) n;
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id, video_id, child_campaign_id) VALUES (pg_temp.id_of('upper'), NULL, NULL, pg_temp.id_of('lower')), (pg_temp.id_of('upper'), NULL, pg_temp.id_of('v91'), NULL),
	(pg_temp.id_of('lower'), pg_temp.id_of('goat'), NULL, NULL), (pg_temp.id_of('lower'), NULL, pg_temp.id_of('v21'), NULL), (pg_temp.id_of('upper'), NULL, pg_temp.id_of('v31'), NULL), (pg_temp.id_of('upper'), NULL, pg_temp.id_of('v11'), NULL);
-- the same observations in a table: of videos five counters, of creators followers
CREATE TEMP TABLE seen (id uuid, at timestamptz, n bigint[], is_break boolean);
INSERT INTO seen SELECT v.id, '2025-02-10Z'::timestamptz + d * interval '13 hours 17 minutes' + v.tiktok_video_id * interval '11 minutes',
	ARRAY[CASE WHEN d % 5 <> v.tiktok_video_id % 5 THEN d * v.tiktok_video_id * 10 - (d % 7) * 99 + 1000 END, CASE WHEN d > 10 OR v.tiktok_video_id % 2 > 0 THEN d * 3 END, CASE WHEN v.tiktok_video_id <> 91 THEN d / 4 END, CASE WHEN v.tiktok_video_id = 22 THEN 7 END, d * d], false
FROM trackagoat.video v, generate_series(1, 70) d WHERE v.tiktok_video_id > 10;
INSERT INTO seen SELECT c.id, '2025-02-12Z'::timestamptz + d * interval '29 hours' + length(c.tiktok_handle::text) * interval '1 day',
	ARRAY[CASE WHEN d % 4 > 0 THEN 500 + d * 20 - (d % 3) * 45 END], d = 17 FROM trackagoat.creator c, generate_series(1, 28) d WHERE c.id <> :'hand';
SELECT count(trackagoat.observe_video(id, at, n[1], n[2], n[3], n[4], n[5])) AS n FROM (SELECT * FROM seen WHERE cardinality(n) = 5 ORDER BY md5(at::text)) s \gset
SELECT count(trackagoat.break_history(id, (SELECT org_id FROM trackagoat.creator c WHERE c.id = seen.id), at)) AS n FROM seen WHERE is_break \gset
SELECT count(trackagoat.observe_creator(id, at, n[1], NULL, NULL, NULL)) AS n FROM (SELECT * FROM seen WHERE cardinality(n) = 1 ORDER BY at) s \gset
-- the few by hand as well, and one creator leaves
INSERT INTO seen SELECT video_id, observed_at, ARRAY[view_count, like_count, comment_count, share_count, save_count], false FROM trackagoat.video_snapshot WHERE video_id IN (pg_temp.id_of('left'), pg_temp.id_of('right'));
INSERT INTO seen SELECT creator_id, observed_at, ARRAY[follower_count], false FROM trackagoat.creator_snapshot WHERE creator_id = :'hand';
UPDATE trackagoat.creator SET removed_at = now() WHERE tiktok_handle::text = 'gone';

-- whose numbers are whose: videos that count, and creators whose followers do
CREATE TEMP TABLE member AS
WITH counted AS (SELECT v.* FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id WHERE c.removed_at IS NULL AND v.tracking_status IN ('auto_tracked', 'included', 'direct_add')),
item AS (SELECT n AS name, i.creator_id, i.video_id FROM trackagoat.campaign_item i JOIN trackagoat.campaign k ON k.id = i.campaign_id, unnest(CASE k.name WHEN 'lower' THEN ARRAY['lower', 'upper'] ELSE ARRAY[k.name] END) n)
SELECT 'v' AS kind, pg_temp.id_of(i.name) AS id, v.id AS part FROM item i JOIN counted v ON v.id = i.video_id OR v.creator_id = i.creator_id
UNION SELECT 'c', pg_temp.id_of(i.name), c.id FROM item i JOIN trackagoat.creator c ON c.removed_at IS NULL AND (c.id = i.creator_id OR EXISTS (SELECT FROM counted v WHERE v.id = i.video_id AND v.creator_id = c.id))
UNION SELECT 'v', v.creator_id, v.id FROM counted v WHERE v.creator_id IS NOT NULL UNION SELECT 'c', c.id, c.id FROM trackagoat.creator c WHERE c.removed_at IS NULL
UNION SELECT 'v', v.project_id, v.id FROM counted v UNION SELECT 'c', c.project_id, c.id FROM trackagoat.creator c WHERE c.removed_at IS NULL
UNION SELECT 'v', v.id, v.id FROM trackagoat.video v;
-- each level known, the one before it, and until when it is the last one known; number 6 are followers
CREATE TEMP TABLE level AS
WITH run AS (SELECT s.*, count(*) FILTER (WHERE is_break) OVER (PARTITION BY id ORDER BY at) AS run FROM seen s)
SELECT id, at, CASE WHEN cardinality(n) = 1 THEN 6 ELSE c END AS number, run, n[c] AS level, lag(n[c]) OVER w AS before, least(lead(at) OVER w,
	(SELECT min(b.at) FROM seen b WHERE b.id = r.id AND b.is_break AND b.at > r.at)) AS until
FROM run r, generate_series(1, 5) c WHERE n[c] IS NOT NULL WINDOW w AS (PARTITION BY id, c, run ORDER BY at);
CREATE FUNCTION pg_temp.expected(entity uuid, metric text, mode text, granularity text, from_date date, to_date date, tz text, base text, at timestamptz)
	RETURNS TABLE (bucket date, value numeric, is_partial boolean, is_baseline boolean) LANGUAGE sql STABLE AS
$$
	WITH z AS (SELECT coalesce(tz, 'Europe/Vienna') AS zone, coalesce(expected.at, 'infinity') AS seen_until, (coalesce(expected.at, now()) AT TIME ZONE coalesce(tz, 'Europe/Vienna'))::date AS today,
		array_position(ARRAY['views', 'likes', 'comments', 'shares', 'saves', 'followers', 'posts'], coalesce(base, metric)) AS m,
		CASE WHEN metric = 'growth_rate_pop' THEN date_trunc(granularity, from_date::timestamp - ('1 ' || granularity)::interval)::date ELSE from_date END AS first),
	bucket AS (SELECT date_trunc(granularity, d)::date AS bucket, min(d)::date AS first, max(d)::date AS last, count(*) FILTER (WHERE d::date <= today) AS elapsed
		FROM z, generate_series(z.first::timestamp, to_date, '1 day') d GROUP BY 1),
	known AS MATERIALIZED (SELECT l.*, (l.at AT TIME ZONE zone)::date AS day, (nullif(l.until, 'infinity') AT TIME ZONE zone)::date AS until_day FROM z, level l
		JOIN member m ON m.part = l.id AND m.kind = CASE l.number WHEN 6 THEN 'c' ELSE 'v' END WHERE m.id = entity AND l.at <= seen_until),
	post AS MATERIALIZED (SELECT (coalesce(v.posted_at, trackagoat.video_id_time(v.tiktok_video_id)) AT TIME ZONE zone)::date AS day FROM z, member m JOIN trackagoat.video v ON v.id = m.part
		WHERE m.id = entity AND coalesce(v.posted_at, trackagoat.video_id_time(v.tiktok_video_id)) <= seen_until),
	fact AS (SELECT b.*, k AS number, g.gain, g.has_baseline,
			-- the last one known at the end, of each
			(SELECT sum(x.level) FROM known x, z WHERE x.number = k AND x.day <= b.last AND (x.until IS NULL OR x.until > seen_until OR x.until_day > b.last)) AS level
		FROM bucket b, generate_series(1, 6) k, LATERAL (SELECT coalesce(sum(y.level - y.before), 0) AS gain, coalesce(bool_or(y.before IS NULL), false)
			OR EXISTS (SELECT FROM seen s JOIN member m ON m.part = s.id, z WHERE k = 6 AND m.kind = 'c' AND m.id = entity AND s.is_break AND s.at <= seen_until AND (s.at AT TIME ZONE zone)::date BETWEEN b.first AND b.last) AS has_baseline
			FROM known y WHERE y.number = k AND y.day BETWEEN b.first AND b.last) g
		UNION ALL SELECT b.*, 7, (SELECT count(*) FROM post p WHERE p.day BETWEEN b.first AND b.last), false, (SELECT count(*) FROM post p WHERE p.day <= b.last) FROM bucket b),
	wide AS (SELECT f.bucket, f.first, f.last, greatest(f.elapsed, 1) AS days, array_agg(gain ORDER BY number) AS g, array_agg(level ORDER BY number) AS l, array_agg(has_baseline ORDER BY number) AS b FROM fact f GROUP BY 1, 2, 3, 4),
	before AS (SELECT w.*, lag(w.l) OVER (ORDER BY w.bucket) AS prior FROM wide w)
	SELECT w.bucket, CASE
			WHEN metric = 'engagement_rate_by_views' AND mode = 'cumulative' THEN CASE WHEN l[1] <> 0 THEN (SELECT sum(coalesce(l[i], 0)) FROM generate_series(2, 5) i) * 100 / l[1] END
			WHEN metric = 'engagement_rate_by_views' THEN CASE WHEN g[1] <> 0 THEN (g[2] + g[3] + g[4] + g[5]) * 100 / g[1] END
			WHEN metric = 'engagement_rate_by_followers' THEN CASE WHEN l[6] <> 0 THEN (g[2] + g[3] + g[4] + g[5]) * 100 / l[6] END
			WHEN metric = 'posts_per_week' THEN g[7] * 7 / days
			WHEN metric = 'avg_views_per_post' THEN CASE WHEN l[7] <> 0 THEN g[1] / l[7] END
			WHEN metric = 'growth_rate_pop' THEN CASE WHEN prior[m] <> 0 THEN (l[m] - prior[m]) * 100 / prior[m] END
			WHEN mode = 'cumulative' THEN l[m] WHEN mode = 'rate' THEN g[m] / days ELSE g[m] END,
		w.last >= today OR w.first > w.bucket OR w.last < (w.bucket + ('1 ' || granularity)::interval)::date - 1, b[coalesce(m, 1)]
	FROM before w, z WHERE w.last >= from_date
$$;
CREATE TEMP TABLE question AS
WITH metric AS (
	SELECT m, o, NULL AS base, m IN ('followers', 'posts') AS of_groups FROM unnest(ARRAY['views', 'likes', 'comments', 'shares', 'saves', 'followers', 'posts']) m, unnest(ARRAY['new', 'cumulative', 'rate']) o
	UNION ALL SELECT 'engagement_rate_by_views', o, NULL, false FROM unnest(ARRAY['new', 'cumulative', 'rate']) o
	UNION ALL SELECT m, o, NULL, true FROM unnest(ARRAY['engagement_rate_by_followers', 'posts_per_week', 'avg_views_per_post']) m, unnest(ARRAY['new', 'rate']) o
	UNION ALL SELECT 'growth_rate_pop', CASE WHEN b = 'likes' THEN 'rate' ELSE 'new' END, b, b IN ('followers', 'posts') FROM unnest(ARRAY['views', 'likes', 'comments', 'shares', 'saves', 'followers', 'posts']) b),
subject AS (SELECT pg_temp.id_of(n) AS id, n FROM unnest(ARRAY['v13', 'v12', 'goat', 'gone', 'lower', 'upper', 'void', 'P']) n),
shape AS (SELECT * FROM (VALUES
	-- both ends cut their weeks and months; a past moment within; nothing yet; all of it in another zone and time
	(1, '2025-02-06'::date, '2025-03-19'::date, NULL, NULL::timestamptz, ARRAY['day', 'week', 'month']), (2, '2025-02-17', '2025-03-30', 'America/New_York', '2025-03-09 06:30Z', ARRAY['week']),
	(3, '2024-12-01', '2025-01-31', 'Asia/Kathmandu', NULL, ARRAY['month']), (4, '2025-03-03', '2025-03-03', 'Pacific/Kiritimati', '2025-03-03 10:00Z', ARRAY['day']), (5, '2025-02-01', '2025-04-30', NULL, '2025-02-27 12:00Z', ARRAY['month'])) s (shape, f, t, tz, at, granularities))
SELECT row_number() OVER () AS q, s.id, s.n, m.m, m.o, m.base, h.shape, g, h.f, h.t, h.tz, h.at FROM subject s, metric m, shape h, unnest(h.granularities) g
WHERE NOT (m.of_groups AND pg_temp.kind_of(s.id) = 'video');
CREATE FUNCTION pg_temp.differing(wanted integer[], subjects text) RETURNS TABLE (difference text) LANGUAGE sql AS
$$
	WITH ours AS (SELECT q.q, a.bucket, round(a.value, 6) AS value, a.is_partial, a.is_baseline FROM question q, LATERAL trackagoat.analytics(pg_temp.kind_of(q.id), ARRAY[q.id], q.m, q.o, q.g, q.f, q.t, q.tz, NULL, q.base, q.at) a
		WHERE q.shape = ANY (wanted) AND q.n ~ subjects AND a.series_kind = 'main' AND a.entity_id = q.id),
	theirs AS (SELECT q.q, e.bucket, round(e.value, 6) AS value, e.is_partial, e.is_baseline FROM question q, LATERAL pg_temp.expected(q.id, q.m, q.o, q.g, q.f, q.t, q.tz, q.base, q.at) e WHERE q.shape = ANY (wanted) AND q.n ~ subjects)
	SELECT format('%s %s %s %s by %s in %s at %s, %s: %s for %s', q.n, q.m, q.o, q.base, q.g, q.tz, q.at, coalesce(o.bucket, e.bucket), (o.value, o.is_partial, o.is_baseline), (e.value, e.is_partial, e.is_baseline))
	FROM ours o FULL JOIN theirs e ON (e.q, e.bucket) = (o.q, o.bucket) JOIN question q ON q.q = coalesce(o.q, e.q)
	WHERE (o.value, o.is_partial, o.is_baseline) IS DISTINCT FROM (e.value, e.is_partial, e.is_baseline)
$$;
SELECT cmp_ok(count(*), '>', 1000::bigint, 'many questions') FROM question;
SELECT is_empty('SELECT * FROM pg_temp.differing(ARRAY[1, 2, 3, 4, 5], ''^(v\d|goat|gone)'') LIMIT 9', 'videos and creators are as plain SQL finds them, nothing folded');
SELECT is_empty('SELECT * FROM pg_temp.differing(ARRAY[2, 3, 4, 5], ''^(lower|upper|void|P)'') LIMIT 9', 'and campaigns and the project, in other zones and as of then');
SELECT is_empty('SELECT * FROM pg_temp.differing(ARRAY[1], ''^upper'') LIMIT 9', 'and in the zone of the organization');
SELECT cmp_ok(trackagoat.refresh_totals(), '>', 100::bigint, 'all is folded');
SELECT is_empty('SELECT * FROM pg_temp.differing(ARRAY[1], ''^(goat|lower|upper|void|P)'') LIMIT 9', 'and the same from what is folded');
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'verify() agrees');
-- five at once, and the period before, are what each is alone
SELECT results_eq($$SELECT a.* FROM trackagoat.analytics('video', ARRAY(SELECT id FROM trackagoat.video WHERE tiktok_video_id > 10 AND tiktok_video_id < 32 ORDER BY id LIMIT 5), 'likes', 'rate', 'week', '2025-02-12', '2025-03-05', compare => 'prior_period') a$$,
	$$SELECT id, kind, e.bucket, e.value, e.is_partial, e.is_baseline FROM (VALUES ('main', '2025-02-12'::date, '2025-03-05'::date), ('prior_period', '2025-01-21', '2025-02-11')) p (kind, f, t),
		(SELECT id FROM trackagoat.video WHERE tiktok_video_id > 10 AND tiktok_video_id < 32 ORDER BY id LIMIT 5) v, LATERAL pg_temp.expected(id, 'likes', 'rate', 'week', f, t, NULL, NULL, NULL) e ORDER BY kind, id, bucket$$, 'five videos and the period before');
SELECT is(count(*), 3660::bigint, 'a window has at most 3660 days') FROM trackagoat.analytics('project', ARRAY[:'project']::uuid[], 'views', from_date => '2020-01-01', to_date => '2030-01-07');
-- ids may be the same twice
SELECT is(count(*), 4::bigint, 'the same id twice is answered twice') FROM trackagoat.analytics('project', ARRAY[:'project', :'project']::uuid[], 'views', from_date => '2025-01-01', to_date => '2025-01-02');

-- --- refusals ------------------------------------------------------------------------------

-- what a call is refused with: code and hint
CREATE FUNCTION pg_temp.hint(arguments text, callee text = 'analytics') RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	state text; message text; hint text;
BEGIN
	EXECUTE format('SELECT * FROM trackagoat.%I(%s)', callee, arguments);
	RETURN 'accepted';
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' ', state, message || ':', nullif(hint, ''));
END
$$;
SELECT is(pg_temp.hint(replace(replace(a, 'GOAT', format('ARRAY[%L]::uuid[]', pg_temp.id_of('goat'))), 'V13', format('ARRAY[%L]::uuid[]', pg_temp.id_of('v13')))), h, a) FROM (VALUES
	($$'herd', GOAT, 'views'$$, 'PT400 invalid_entity: Allowed are video, creator, campaign, project.'), ($$NULL, GOAT, 'views'$$, 'PT400 invalid_entity: Allowed are video, creator, campaign, project.'),
	($$'creator', GOAT, 'loves'$$, 'PT400 invalid_metric: Allowed are views, likes, comments, shares, saves, followers, posts, engagement_rate_by_views, growth_rate_pop, engagement_rate_by_followers, posts_per_week, avg_views_per_post.'),
	($$'creator', GOAT, NULL$$, 'PT400 invalid_metric: Allowed are views, likes, comments, shares, saves, followers, posts, engagement_rate_by_views, growth_rate_pop, engagement_rate_by_followers, posts_per_week, avg_views_per_post.'),
	($$'video', V13, 'followers'$$, 'PT400 invalid_metric: Allowed are views, likes, comments, shares, saves, engagement_rate_by_views, growth_rate_pop.'), ($$'video', V13, 'posts_per_week'$$, 'PT400 invalid_metric: Allowed are views, likes, comments, shares, saves, engagement_rate_by_views, growth_rate_pop.'),
	($$'creator', GOAT, 'views', 'newest'$$, 'PT400 invalid_mode: Allowed are new, cumulative, rate.'), ($$'creator', GOAT, 'views', NULL$$, 'PT400 invalid_mode: Allowed are new, cumulative, rate.'),
	($$'creator', GOAT, 'posts_per_week', 'cumulative'$$, 'PT400 invalid_mode: Allowed are new, rate.'), ($$'creator', GOAT, 'growth_rate_pop', 'cumulative', base_metric => 'views'$$, 'PT400 invalid_mode: Allowed are new, rate.'),
	($$'creator', GOAT, 'views', 'new', 'hour'$$, 'PT400 invalid_granularity: Allowed are day, week, month.'), ($$'creator', GOAT, 'views', 'new', NULL$$, 'PT400 invalid_granularity: Allowed are day, week, month.'),
	($$'creator', GOAT, 'views', compare => 'last_year'$$, 'PT400 invalid_compare: Allowed are prior_period.'), ($$'creator', GOAT, 'growth_rate_pop'$$, 'PT400 invalid_base_metric: Allowed are views, likes, comments, shares, saves, followers, posts.'),
	($$'video', V13, 'growth_rate_pop', base_metric => 'followers'$$, 'PT400 invalid_base_metric: Allowed are views, likes, comments, shares, saves.'), ($$'creator', GOAT, 'views', base_metric => 'views'$$, 'PT400 invalid_base_metric: Leave base_metric out, or ask for growth_rate_pop.'),
	($$'creator', NULL, 'views'$$, 'PT400 invalid_entity_ids: Give one to five ids.'), ($$'creator', '{}', 'views'$$, 'PT400 invalid_entity_ids: Give one to five ids.'), ($$'creator', '{NULL}', 'views'$$, 'PT400 invalid_entity_ids: Give one to five ids.'),
	($$'creator', array_fill(gen_random_uuid(), ARRAY[6]), 'views'$$, 'PT400 invalid_entity_ids: Give one to five ids.'),
	($$'creator', GOAT, 'views', tz => 'Mars/Olympus'$$, 'PT400 invalid_timezone: Name one of pg_timezone_names, such as Europe/Vienna.'), ($$'creator', GOAT, 'views', tz => ''$$, 'PT400 invalid_timezone: Name one of pg_timezone_names, such as Europe/Vienna.'),
	($$'creator', GOAT, 'views', from_date => '2025-02-02', to_date => '2025-02-01'$$, 'PT400 invalid_window: Give a from_date that is not after to_date; without dates it is the last 30 days.'),
	($$'creator', GOAT, 'views', from_date => '2025-02-01', to_date => '2035-02-10'$$, 'PT400 invalid_window: Give a from_date that is not after to_date; without dates it is the last 30 days.'),
	($$'creator', GOAT, 'views', from_date => '-infinity'$$, 'PT400 invalid_window: Give a from_date that is not after to_date; without dates it is the last 30 days.'), ($$'creator', GOAT, 'views', to_date => 'infinity'$$, 'PT400 invalid_window: Give a from_date that is not after to_date; without dates it is the last 30 days.'),
	($$'creator', ARRAY[gen_random_uuid()], 'views'$$, 'PT404 creator_not_found: Name an id of trackagoat.creator.'), ($$'video', GOAT, 'views'$$, 'PT404 video_not_found: Name an id of trackagoat.video.'), ($$'campaign', GOAT, 'views'$$, 'PT404 campaign_not_found: Name an id of trackagoat.campaign.'),
	($$'project', GOAT, 'views'$$, 'PT404 project_not_found: Name an id of trackagoat.project.'), ($$'creator', GOAT || gen_random_uuid(), 'views'$$, 'PT404 creator_not_found: Name an id of trackagoat.creator.'), ($$'creator', ARRAY[gen_random_uuid()], 'views', tz => 'UTC'$$, 'PT404 creator_not_found: Name an id of trackagoat.creator.'),
	($$'creator', GOAT, 'views', 'cumulative', 'month', '2025-01-01', '2025-01-31', 'UTC', 'prior_period', NULL, now()$$, 'accepted')) c (a, h);

-- --- entity_days ----------------------------------------------------------------------------

SELECT results_eq(format('SELECT day, posts, views, likes, saves, baseline_views, baseline_saves, known_views, known_likes, known_shares, known_saves FROM trackagoat.entity_days(%L, %L, %L, %L)', e, pg_temp.id_of(n), '2025-02-04', '2025-02-07'),
	$$VALUES ('2025-02-04'::date, 1::bigint, 100::bigint, 10::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint), ('2025-02-05', 0, 0, 0, 0, 1000, 0, 1, 1, 0, 0), ('2025-02-06', 0, 490, 40, -1, 0, 4, 0, 0, 0, 1)$$, format('the days of a %s, only those with anything', e))
FROM (VALUES ('creator', 'hand'), ('campaign', 'palm')) s (e, n);
SELECT results_eq(format('SELECT day, posts, views, baseline_views FROM trackagoat.entity_days(%L, %L)', 'video', pg_temp.id_of('right')), $$VALUES ('2025-02-04'::date, 1::bigint, 0::bigint, 0::bigint), ('2025-02-05', 0, 0, 1000), ('2025-02-06', 0, 500, 0)$$, 'all days of a video');
SELECT results_eq(format('SELECT day, views FROM trackagoat.entity_days(%L, %L, tz => %L, at => %L)', 'video', pg_temp.id_of('left'), 'Pacific/Kiritimati', '2025-02-04 12:00Z'), $$VALUES ('2025-02-02'::date, 0::bigint), ('2025-02-03', 50), ('2025-02-05', 100)$$, 'of another zone, as of a moment');
SELECT is(count(*), 0::bigint, 'none of an empty campaign') FROM trackagoat.entity_days('campaign', pg_temp.id_of('void'));
SELECT is(count(*), 0::bigint, 'none of a removed creator') FROM trackagoat.entity_days('creator', pg_temp.id_of('gone'));
SELECT is(count(*), 0::bigint, 'none of NULL') FROM trackagoat.entity_days('creator', NULL);
SELECT is(pg_temp.hint(a, 'entity_days'), h, 'entity_days: ' || a) FROM (VALUES
	($$'herd', gen_random_uuid()$$, 'PT400 invalid_entity: Allowed are video, creator, campaign, project.'), ($$'video', gen_random_uuid()$$, 'PT404 video_not_found: Name an id of trackagoat.video.'),
	(format('%L, %L, tz => %L', 'creator', pg_temp.id_of('goat'), 'Mars'), 'PT400 invalid_timezone: Name one of pg_timezone_names, such as "Europe/Vienna".'),
	(format('%L, %L, %L, %L', 'creator', pg_temp.id_of('goat'), '2025-02-02', '2025-02-01'), 'PT400 invalid_window: Give a from_date that is not after to_date.')) c (a, h);
-- campaign_stats() says the same of a window and of a moment
SELECT results_eq(format('SELECT views, likes, saves FROM trackagoat.campaign_stats(%L, %L, %L, %L)', pg_temp.id_of('upper'), f, t, a),
	format($$SELECT sum(value) FILTER (WHERE m = 'views')::bigint, sum(value) FILTER (WHERE m = 'likes')::bigint, sum(value) FILTER (WHERE m = 'saves')::bigint FROM unnest(ARRAY['views', 'likes', 'saves']) m, LATERAL trackagoat.analytics('campaign', ARRAY[%L]::uuid[], m, 'new', 'day', %L, %L, at => %L)$$, pg_temp.id_of('upper'), f, t, a), format('a window from %s to %s at %s', f, t, a))
FROM (VALUES ('2025-02-10', '2025-02-20', NULL), ('2025-02-10', '2025-03-20', '2025-02-20 15:00Z'), ('2025-03-01', '2025-03-01', NULL)) w (f, t, a);

-- --- breakdown --------------------------------------------------------------------------------

INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'dozen') RETURNING id AS dozen \gset
INSERT INTO trackagoat.video (project_id, tiktok_video_id, title, posted_at) SELECT :'project', 100 + n, CASE WHEN n <> 5 THEN 'd' || n END, '2025-02-01Z' FROM generate_series(1, 13) n;
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT :'dozen', id FROM trackagoat.video WHERE tiktok_video_id BETWEEN 101 AND 113;
-- d1 gains 1 a day and stands highest, d12 gains 12 a day and stands lowest; d13 was never seen
SELECT sum(trackagoat.observe_video(v.id, '2025-02-01 12:00Z'::timestamptz + d * interval '1 day', 10000 - n * 500 + d * n, d, NULL, NULL, NULL)) AS n
FROM (SELECT id, tiktok_video_id - 100 AS n FROM trackagoat.video WHERE tiktok_video_id BETWEEN 101 AND 112) v, generate_series(0, 9) d \gset
SELECT is((count(*), count(DISTINCT entity_ref), count(DISTINCT bucket))::text, '(55,11,5)', 'ten videos and the others, each with every bucket') FROM trackagoat.campaign_breakdown(:'dozen', 'views', from_date => '2025-02-02', to_date => '2025-02-06');
SELECT results_eq(format('SELECT label, sum(value), bool_or(is_partial OR is_baseline) FROM trackagoat.campaign_breakdown(%L, %L, from_date => %L, to_date => %L) WITH ORDINALITY b GROUP BY label ORDER BY min(ordinality)', :'dozen', 'views', '2025-02-02', '2025-02-06'),
	$$VALUES ('d12', 60::numeric, false), ('d11', 55, false), ('d10', 50, false), ('d9', 45, false), ('d8', 40, false), ('d7', 35, false), ('d6', 30, false), ('105', 25, false), ('d4', 20, false), ('d3', 15, false), ('Other', 15, false)$$, 'those that gained most, then the others; without a title by number');
SELECT results_eq(format('SELECT label, max(value) FROM trackagoat.campaign_breakdown(%L, %L, %L, from_date => %L, to_date => %L) WITH ORDINALITY b WHERE bucket = %5$L GROUP BY label ORDER BY min(ordinality)', :'dozen', 'views', 'cumulative', '2025-02-02', '2025-02-06'),
	$$SELECT CASE n WHEN 5 THEN '105' ELSE 'd' || n END, 10000.0 - n * 495 FROM generate_series(1, 10) n UNION ALL SELECT 'Other', 20000.0 - 23 * 495 $$, 'mode cumulative: those that stand highest at the end');
CREATE FUNCTION pg_temp.unequal(campaign uuid, m text, o text, g text, z text, a timestamptz) RETURNS bigint LANGUAGE sql AS
$$
	SELECT count(*) FROM (SELECT bucket, sum(value) AS sum FROM trackagoat.campaign_breakdown(campaign, m, o, g, '2025-01-29', '2025-02-13', z, a) GROUP BY bucket) b
	FULL JOIN trackagoat.analytics('campaign', ARRAY[campaign], m, o, g, '2025-01-29', '2025-02-13', z, at => a) t USING (bucket) WHERE coalesce(b.sum, 0) IS DISTINCT FROM coalesce(t.value, 0)
$$;
SELECT is(sum(pg_temp.unequal(c, m, o, g, z, a)), 0::numeric, format('%s %s: they add up to the campaign', m, o))
FROM unnest(ARRAY[:'dozen', pg_temp.id_of('upper'), pg_temp.id_of('void')]::uuid[]) c, unnest(ARRAY['views', 'likes', 'shares']) m, unnest(ARRAY['new', 'cumulative']) o, unnest(ARRAY['day', 'week', 'month']) g,
	(VALUES (NULL, NULL::timestamptz), ('Asia/Kathmandu', '2025-02-05 12:00Z')) w (z, a) GROUP BY m, o;
-- a video that has a row says what it says alone
SELECT is_empty(format($$SELECT b.entity_ref, b.bucket FROM trackagoat.campaign_breakdown(%L, 'likes', 'new', 'week', '2025-02-12', '2025-03-05') b
	LEFT JOIN LATERAL trackagoat.analytics('video', ARRAY[b.entity_ref]::uuid[], 'likes', 'new', 'week', '2025-02-12', '2025-03-05') a ON a.bucket = b.bucket
	WHERE b.entity_ref <> '__other__' AND (a.value, a.is_partial, a.is_baseline) IS DISTINCT FROM (b.value, b.is_partial, b.is_baseline)$$, pg_temp.id_of('upper')), 'each video is as it is alone');
SELECT results_eq(format('SELECT entity_ref, label, value FROM trackagoat.campaign_breakdown(%L, %L, from_date => %L, to_date => %3$L)', pg_temp.id_of('void'), 'views', '2025-02-02'), $$VALUES ('__other__', 'Other', 0::numeric)$$, 'of an empty campaign there are only the others');
-- a history in several rows is ranked as a whole
SELECT sum(trackagoat.observe_video(pg_temp.id_of('d1'), '2025-02-11 12:00Z'::timestamptz + d * interval '1 hour', 20000 + d, d, NULL, NULL, NULL)) AS n FROM generate_series(0, 600) d \gset
SELECT is((SELECT label FROM trackagoat.campaign_breakdown(:'dozen', 'views', 'new', 'month', '2025-02-01', '2025-03-31') LIMIT 1), 'd1', 'the gains of all its rows');
SELECT is((SELECT label FROM trackagoat.campaign_breakdown(:'dozen', 'views', 'cumulative', 'month', '2025-02-01', '2025-03-31', at => '2025-02-01 12:00Z') LIMIT 1), 'd1', 'its level as of then');
SELECT is(pg_temp.hint(replace(a, 'DOZEN', quote_literal(:'dozen')), 'campaign_breakdown'), h, 'campaign_breakdown: ' || a) FROM (VALUES
	($$DOZEN, 'followers'$$, 'PT400 invalid_metric: Allowed are views, likes, comments, shares, saves.'), ($$DOZEN, NULL$$, 'PT400 invalid_metric: Allowed are views, likes, comments, shares, saves.'), ($$DOZEN, 'views', 'rate'$$, 'PT400 invalid_mode: Allowed are new, cumulative.'),
	($$DOZEN, 'views', 'new', 'year'$$, 'PT400 invalid_granularity: Allowed are day, week, month.'), ($$DOZEN, 'views', from_date => '2025-02-02', to_date => '2025-02-01'$$, 'PT400 invalid_window: Give a from_date that is not after to_date; without dates it is the last 30 days.'),
	($$DOZEN, 'views', tz => 'Mars'$$, 'PT400 invalid_timezone: Name one of pg_timezone_names, such as Europe/Vienna.'), ($$gen_random_uuid(), 'views'$$, 'PT404 campaign_not_found: Name an id of trackagoat.campaign.'),
	($$gen_random_uuid(), 'views', tz => 'UTC'$$, 'PT404 campaign_not_found: Name an id of trackagoat.campaign.'), ($$NULL, 'views'$$, 'PT404 campaign_not_found: Name an id of trackagoat.campaign.')) c (a, h);

-- --- progress ------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.progress(at text) RETURNS text LANGUAGE sql AS
$$ SELECT (views, round(progress, 3), views_left, round(days_left, 3), round(views_per_day, 3), round(needed_per_day, 3), round(projected_views, 3), is_on_track)::text FROM trackagoat.campaign_progress(pg_temp.id_of('palm'), at::timestamptz) $$;
SELECT is(pg_temp.progress('2025-02-07 11:00Z'), '(1740,,,,91.429,,,)', 'without a target there is only the pace');
UPDATE trackagoat.campaign SET target_views = 2000 WHERE name = 'palm';
SELECT is(pg_temp.progress('2025-02-07 11:00Z'), '(1740,87.000,260,,91.429,,,)', 'without a day it is not known whether it will be');
UPDATE trackagoat.campaign SET target_at = '2025-02-11 23:00Z' WHERE name = 'palm';
-- 640 views from January 31 to February 6; 4.5 days are left
SELECT is(pg_temp.progress('2025-02-07 11:00Z'), '(1740,87.000,260,4.500,91.429,57.778,2151.429,t)', 'on track');
SELECT is(pg_temp.progress('2025-02-06 11:30Z'), '(1250,62.500,750,5.479,21.429,136.882,1367.411,f)', 'not on track the day before');
SELECT is(pg_temp.progress('2025-02-11 23:00Z'), '(1740,87.000,260,0.000,70.000,,1740.000,f)', 'the last moment: no days are left');
SELECT is(pg_temp.progress('2025-03-11Z'), '(1740,87.000,260,0.000,0.000,,1740.000,f)', 'too late');
SELECT is(pg_temp.progress('2025-01-01Z'), '(0,0.000,2000,41.958,0.000,47.666,0.000,f)', 'before anything was posted');
UPDATE trackagoat.campaign SET target_views = 1500 WHERE name = 'palm';
SELECT is(pg_temp.progress('2025-02-07 11:00Z'), '(1740,116.000,0,4.500,91.429,0.000,2151.429,t)', 'reached');
SELECT is(pg_temp.progress('2025-03-11Z'), '(1740,116.000,0,0.000,0.000,,1740.000,t)', 'and on track for ever');
SELECT is((target_views, target_at, views)::text, '(1500,"2025-02-11 23:00:00+00",1740)', 'as of now') FROM trackagoat.campaign_progress(pg_temp.id_of('palm'));
SELECT is((views, progress)::text, '(0,)', 'an empty campaign') FROM trackagoat.campaign_progress(pg_temp.id_of('void'));
SELECT throws_ok('SELECT trackagoat.campaign_progress(gen_random_uuid())', 'PT404', 'campaign_not_found', 'no campaign makes no progress');
SELECT throws_ok('SELECT trackagoat.campaign_progress(NULL)', 'PT404', 'campaign_not_found', 'nor does NULL');

SELECT * FROM finish();
ROLLBACK;
