-- Retention: what goes, when, and that no number that is kept changes by it.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SET timezone TO 'UTC';
SET jit TO off;
SELECT no_plan();

\ir refusal.psql

-- A moment of this week after which no window of these tests moves on for two days.
CREATE FUNCTION pg_temp.moment() RETURNS timestamptz LANGUAGE sql AS $$ SELECT date_trunc('week', now()) + interval '12 hours' $$;
SELECT pg_temp.moment() AS now \gset
-- how much of each kind goes until nothing is left to do
CREATE FUNCTION pg_temp.all_gone(at timestamptz, max_rows integer = 10000) RETURNS TABLE (what text, removed bigint, calls integer) LANGUAGE plpgsql AS
$$
DECLARE
	gone jsonb := '{}';
	piece jsonb;
	n integer := 0;
BEGIN
	LOOP
		SELECT jsonb_object_agg(p.what, p.removed + coalesce((gone ->> p.what)::bigint, 0)), jsonb_object_agg(p.what, p.removed) INTO gone, piece
		FROM trackagoat.prune(max_rows, all_gone.at) p;
		n := n + 1;
		EXIT WHEN n > 1000 OR (NOT EXISTS (SELECT FROM jsonb_each_text(piece) e WHERE e.value <> '0') AND NOT EXISTS (SELECT FROM trackagoat.retention_walk w WHERE w.after IS NOT NULL));
	END LOOP;
	RETURN QUERY SELECT e.key, e.value::bigint, n FROM jsonb_each_text(gone) e;
END
$$;

--
-- Attempts
--
SET LOCAL trackagoat.attempt_retention = 7;
INSERT INTO trackagoat.scrape_attempt (kind, tiktok_video_id, attempt, worker_pid, host, source, started_at)
SELECT 'video_stats', 1, 1, 1, 'h', 'video_page', '2030-01-01'::timestamptz - n * interval '1 second' FROM generate_series(0, 12000) n;
INSERT INTO trackagoat.scrape_attempt (kind, tiktok_video_id, attempt, worker_pid, host, source, started_at)
VALUES ('video_stats', 2, 1, 1, 'h', 'video_page', '2030-01-02');
SELECT is(removed, 10000::bigint, 'ten thousand old attempts are removed at a time') FROM trackagoat.prune(at => '2030-01-08') WHERE what = 'scrape_attempt';
SELECT is(min(started_at), '2030-01-01'::timestamptz - interval '2000 seconds', 'the oldest') FROM trackagoat.scrape_attempt;
SELECT is(removed, 5::bigint, 'or as many as one says') FROM trackagoat.prune(5, '2030-01-08') WHERE what = 'scrape_attempt';
SELECT is(removed, 1995::bigint, 'what is within the retention stays') FROM trackagoat.prune(at => '2030-01-08') WHERE what = 'scrape_attempt';
SET LOCAL trackagoat.attempt_retention = 6;
SELECT is(removed, 1::bigint, 'for as long as the setting says') FROM trackagoat.prune(at => '2030-01-08') WHERE what = 'scrape_attempt';
SELECT is(array_agg(tiktok_video_id), '{2}'::bigint[], 'and no longer') FROM trackagoat.scrape_attempt;

--
-- Dead letters that nobody tracks
--
INSERT INTO trackagoat.scrape_job (kind, tiktok_video_id, dead_at) VALUES ('video_stats', 1, '2030-01-01'), ('video_stats', 2, '2030-01-03');
SELECT is(removed, 1::bigint, 'a dead letter that nobody tracks goes as its attempts do') FROM trackagoat.prune(at => '2030-01-08') WHERE what = 'scrape_job';
SELECT is(array_agg(tiktok_video_id), '{2}'::bigint[], 'a younger one stays') FROM trackagoat.scrape_job;
DELETE FROM trackagoat.scrape_job;
SELECT is_empty('TABLE trackagoat.retention_walk', 'without a window nobody walks');

--
-- What the API keeps
--
INSERT INTO trackagoat.organization (name) VALUES ('asks') RETURNING id AS asks \gset
SELECT trackagoat.create_api_key(:'asks', 'key') \g /dev/null
INSERT INTO trackagoat.api_replay (org_id, key_id, idempotency_key, route, request_hash, status, body, created_at)
SELECT k.org_id, k.id, n, 'POST /x', '\x00', 201, '{}', '2030-01-08'::timestamptz - n * interval '1 hour' FROM trackagoat.api_key k, generate_series(1, 40) n;
SELECT is(removed, 10::bigint, 'answers to requests with an Idempotency-Key go, as many as one says') FROM trackagoat.prune(10, '2030-01-08') WHERE what = 'api_replay';
SELECT is(removed, 6::bigint, 'all that are older than a day') FROM trackagoat.prune(10, '2030-01-08') WHERE what = 'api_replay';
SELECT is((count(*), min(created_at))::text, format('(24,"%s")', '2030-01-07'::timestamptz), 'and no others') FROM trackagoat.api_replay;
INSERT INTO trackagoat.api_usage (org_id, day, requests) SELECT :'asks', date '2030-01-08' - n, 1 FROM generate_series(0, 40) n;
SELECT is(array_agg(removed), '{3}', 'counts of requests go, as many as one says') FROM trackagoat.prune(3, '2030-01-08 00:00+00') WHERE what = 'api_usage';
SELECT is(array_agg(removed), '{2}', 'all before the last 35 days') FROM trackagoat.prune(3, '2030-01-08 00:00+00') WHERE what = 'api_usage';
SELECT is((count(*), min(day))::text, '(36,2029-12-04)', 'and no others') FROM trackagoat.api_usage;
DELETE FROM trackagoat.organization WHERE id = :'asks';

--
-- Windows
--
INSERT INTO trackagoat.plan (plan, limit_key, max) VALUES ('week', 'stats_history_retention_days', 7), ('none', 'max_creators_per_org', NULL),
	('ages', 'stats_history_retention_days', 9223372036854775807), ('long', 'stats_history_retention_days', 100);
CREATE TEMP TABLE org AS SELECT trackagoat.uuidv7() AS id, n.* FROM (VALUES ('free', 'free', 'Pacific/Auckland'), ('week', 'week', 'America/New_York'), ('long', 'long', 'UTC'),
	('starter', 'starter', 'Europe/Vienna'), ('ultra', 'ultra', 'UTC'), ('ages', 'ages', 'UTC'), ('none', 'none', 'UTC'), ('without', NULL, 'UTC')) n (name, plan, timezone);
INSERT INTO trackagoat.organization (id, name, plan, timezone) SELECT id, name, plan, timezone FROM org;
INSERT INTO trackagoat.project (org_id, name) SELECT id, name FROM org;
INSERT INTO trackagoat.project (org_id, name, expiry_max_gain, expiry_days) SELECT id, 'slow', 10, 60 FROM org WHERE name = 'week';
SELECT results_eq($$SELECT p.name, w.kept_from FROM trackagoat.retention_windows('2026-11-05 11:00Z') w JOIN trackagoat.project p ON p.id = w.project_id ORDER BY p.name$$,
	$$VALUES ('free', '2026-09-28 00:00+13'::timestamptz), ('long', '2026-07-27 00:00Z'), ('slow', '2026-08-31 00:00-04'), ('starter', '2025-11-03 00:00+01'), ('week', '2026-09-28 00:00-04')$$,
	'each from a Monday of its own calendar on; not less than a goal or expiry looks at');
SELECT is_empty($$SELECT w.* FROM trackagoat.retention_windows(now()) w, trackagoat.project p, trackagoat.organization o, LATERAL (SELECT max FROM trackagoat.plan_limits(o.plan) WHERE limit_key = 'stats_history_retention_days') l
	WHERE p.id = w.project_id AND o.id = p.org_id AND (w.kept_from > (now() - (l.max + 1) * interval '1 day') OR extract(isodow FROM w.kept_from AT TIME ZONE o.timezone) <> 1)$$, 'none begins within a plan''s days and one more');

--
-- Random histories: breaks, falls, gaps, numbers not known, imports in any order
--
SELECT setseed(0.42);
INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT p.id, 'goat' || n FROM trackagoat.project p, generate_series(1, 3) n WHERE p.name NOT IN ('ages', 'none', 'without');
INSERT INTO trackagoat.video (creator_id, project_id, tiktok_video_id, posted_at, tracking_status)
SELECT CASE WHEN n > 1 THEN c.id END, c.project_id, n * 1000 + right(c.tiktok_handle::text, 1)::integer, now() - (5 + random() * 215) * interval '1 day', (ARRAY['auto_tracked', 'included', 'pending_review', 'excluded'])[1 + n % 4]::trackagoat.tracking_status
FROM trackagoat.creator c, generate_series(1, 7) n;
INSERT INTO trackagoat.campaign (project_id, name) SELECT id, 'C' FROM trackagoat.project;
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) SELECT k.id, c.id FROM trackagoat.campaign k JOIN trackagoat.creator c ON c.project_id = k.project_id AND c.tiktok_handle::text <> 'goat3';
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT k.id, v.id FROM trackagoat.campaign k JOIN trackagoat.video v ON v.project_id = k.project_id AND v.creator_id IS NULL;
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on)
SELECT c.id, g.t::trackagoat.goal_type, g.n, g.p::trackagoat.goal_period, current_date - 150 FROM trackagoat.creator c,
	(VALUES ('posts', 2, 'monthly'), ('views', 5000, 'monthly'), ('views', 1000, 'daily'), ('views_per_post', 100, 'weekly'), ('engagement', 50, 'weekly'), ('followers', 3000, 'monthly'), ('followers', 9000, NULL)) g (t, n, p)
WHERE g.p IS NOT NULL OR c.tiktok_handle::text = 'goat1';
-- a kind for each: daily, sparse, long ago only, once, never; some counters are first known late
CREATE TEMP TABLE point AS
SELECT e.*, now() - s.day * interval '1 day' + random() * interval '20 hours' AS at, CASE WHEN e.n % 3 = 0 THEN random() < 0.5 ELSE true END AS first_half,
	(SELECT array_agg(CASE WHEN random() < 0.75 AND (c < 4 OR s.day < e.n * 9) THEN floor(random() * 1000 + (200 - s.day) * 50 * (1 + e.n % 3)) END::bigint ORDER BY c) FROM generate_series(1, 5) c WHERE s.day IS NOT NULL) AS l
FROM (SELECT 'video' AS entity, v.id, v.org_id, v.posted_at, row_number() OVER (ORDER BY v.id) AS n FROM trackagoat.video v
	UNION ALL SELECT 'creator', c.id, c.org_id, '-infinity', row_number() OVER (ORDER BY c.id) FROM trackagoat.creator c) e
CROSS JOIN LATERAL generate_series(1, 190) s (day)
WHERE now() - s.day * interval '1 day' > e.posted_at AND CASE e.n % 6 WHEN 0 THEN true WHEN 1 THEN random() < 0.1 WHEN 2 THEN s.day > 60 AND random() < 0.1 WHEN 3 THEN s.day > 20 WHEN 4 THEN e.n % 4 = 0 OR s.day = 90 ELSE e.entity = 'creator' AND random() < 0.5 END;
CREATE FUNCTION pg_temp.observe(which boolean) RETURNS bigint LANGUAGE sql AS
$$
	SELECT (SELECT trackagoat.observe_videos(array_agg(id), array_agg(at), array_agg(l[1]), array_agg(l[2]), array_agg(l[3]), array_agg(l[4]), array_agg(l[5])) FROM point WHERE entity = 'video' AND first_half = which)
		+ (SELECT trackagoat.observe_creators(array_agg(id), array_agg(at), array_agg(l[1]), array_agg(l[2]), array_agg(l[3]), array_agg(l[4])) FROM point WHERE entity = 'creator' AND first_half = which)
$$;
SELECT pg_temp.observe(true) \g /dev/null
SELECT trackagoat.break_history(c.id, c.org_id, now() - d * interval '1 day') FROM trackagoat.creator c, unnest(ARRAY[120, 45, 10]) d WHERE random() < 0.5 \g /dev/null
SELECT pg_temp.observe(false) \g /dev/null
SELECT cmp_ok(count(*), '>', 3000::bigint, 'many points') FROM trackagoat.video_snapshot;
SELECT cmp_ok(count(*), '>', 40::bigint, 'and many rows that are sealed') FROM trackagoat.video_history WHERE started_at < 'infinity';
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'which are sound');

-- Every number that is kept, under a name.  The windows are fixed, for plans that have none as well.
CREATE TEMP TABLE kept AS SELECT p.id AS project_id, p.org_id, o.timezone, w.kept_from IS NOT NULL AS has_window, f.kept_from, (f.kept_from AT TIME ZONE o.timezone)::date AS day
FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id LEFT JOIN trackagoat.retention_windows(:'now') w ON w.project_id = p.id,
	LATERAL (SELECT CASE WHEN w.kept_from > now() - interval '120 days' THEN w.kept_from ELSE now() - interval '40 days' END AS kept_from) f;
CREATE TEMP VIEW history_row AS
SELECT 'video' AS entity, h.video_id AS id, h.org_id, h.started_at, h.points, v.project_id FROM trackagoat.video_history h JOIN trackagoat.video v ON v.id = h.video_id
UNION ALL SELECT 'creator', h.creator_id, h.org_id, h.started_at, h.points, c.project_id FROM trackagoat.creator_history h JOIN trackagoat.creator c ON c.id = h.creator_id;
CREATE TEMP VIEW entity AS
SELECT 'video' AS entity, id, project_id FROM trackagoat.video UNION ALL SELECT 'creator', id, project_id FROM trackagoat.creator
UNION ALL SELECT 'campaign', id, project_id FROM trackagoat.campaign UNION ALL SELECT 'project', id, id FROM trackagoat.project;
-- levels of a history as of moments from the window's first on
CREATE TEMP TABLE level AS SELECT k.project_id, k.kept_from + n * (now() - k.kept_from) / 15 AS at FROM kept k, generate_series(0, 15) n;
CREATE TEMP VIEW number AS
SELECT 'at' AS what, h.entity || h.id AS of, l.at::text AS place, jsonb_agg(trackagoat.series_at(h.points, l.at) ORDER BY h.started_at DESC) FILTER (WHERE trackagoat.series_at(h.points, l.at) IS NOT NULL) -> 0 AS value
FROM history_row h JOIN level l ON l.project_id = h.project_id GROUP BY 2, 3, h.entity, h.id, l.at
UNION ALL SELECT 'gain', h.entity || h.id, concat_ws(' ', l.at, g.c), to_jsonb(sum(g.n))
FROM history_row h JOIN level l USING (project_id), unnest(trackagoat.series_gain(h.points, l.at, l.at + interval '9 days')) WITH ORDINALITY g (n, c) GROUP BY 2, 3
UNION ALL SELECT 'bucket', h.entity || h.id, concat_ws(' ', b.bucket, n.i), to_jsonb(nullif(sum(n.n), 0)) FROM history_row h JOIN kept k USING (project_id), trackagoat.series_buckets(h.points, 'day', k.timezone) b,
	unnest(b.gains || b.baselines || b.known) WITH ORDINALITY n (n, i) WHERE b.bucket >= k.day GROUP BY 2, 3
UNION ALL SELECT 'snapshot', 'video' || s.video_id, s.observed_at::text, to_jsonb(s) FROM trackagoat.video_snapshot s JOIN trackagoat.video v ON v.id = s.video_id JOIN kept k USING (project_id) WHERE s.observed_at >= k.kept_from
UNION ALL SELECT 'snapshot', 'creator' || s.creator_id, s.observed_at::text, to_jsonb(s) FROM trackagoat.creator_snapshot s JOIN trackagoat.creator c ON c.id = s.creator_id JOIN kept k USING (project_id) WHERE s.observed_at >= k.kept_from
UNION ALL SELECT 'days', e.entity || e.id, concat_ws(' ', d.day, m.live), to_jsonb(d) FROM entity e JOIN kept k USING (project_id), (VALUES (false), (true)) m (live),
	trackagoat.entity_amounts(e.entity, e.id, k.day, (now() + interval '1 day')::date, live => m.live) d
UNION ALL SELECT 'life', e.entity || e.id, m.live::text, to_jsonb(d) FROM entity e, (VALUES (false), (true)) m (live), trackagoat.entity_amounts(e.entity, e.id, '9000-01-01', '9000-01-01', live => m.live) d
UNION ALL SELECT 'campaign', k.id::text, l.at::text, to_jsonb(s) FROM trackagoat.campaign k JOIN level l USING (project_id), trackagoat.campaign_stats(k.id, at => l.at) s
UNION ALL SELECT 'campaign', k.id::text, 'now', to_jsonb(s) FROM trackagoat.campaign k, trackagoat.campaign_stats(k.id) s
UNION ALL SELECT 'analytics', e.entity || e.id, concat_ws(' ', a.metric, a.mode, a.granularity, s.bucket), to_jsonb(s) FROM entity e JOIN kept k USING (project_id),
	(VALUES ('views', 'new', 'day'), ('views', 'cumulative', 'day'), ('saves', 'cumulative', 'week'), ('followers', 'new', 'day'), ('followers', 'cumulative', 'day'), ('engagement_rate_by_views', 'new', 'day'),
		('engagement_rate_by_followers', 'new', 'week'), ('avg_views_per_post', 'new', 'day'), ('posts_per_week', 'new', 'week')) a (metric, mode, granularity),
	trackagoat.analytics(e.entity, ARRAY[e.id], a.metric, a.mode, a.granularity, k.day, (now() + interval '1 day')::date) s WHERE e.entity <> 'video' OR a.metric IN ('views', 'saves', 'engagement_rate_by_views')
UNION ALL SELECT 'growth', e.entity || e.id, concat_ws(' ', m, s.bucket), to_jsonb(s) FROM entity e JOIN kept k USING (project_id), unnest(ARRAY['followers', 'likes']) m,
	trackagoat.analytics(e.entity, ARRAY[e.id], 'growth_rate_pop', base_metric => m, from_date => k.day + 1, to_date => (now() + interval '1 day')::date) s WHERE e.entity <> 'video'
UNION ALL SELECT 'goal', g.goal_id::text, concat_ws(' ', d.at, d.on), to_jsonb(g) FROM kept k, (VALUES (NULL::timestamptz, NULL::date), (NULL, current_date - 1), (now() - interval '1 day', NULL), (now() - interval '2 days', current_date - 2)) d (at, "on"),
	trackagoat.goal_compliance(k.project_id, d.on, at => d.at) g
UNION ALL SELECT 'current', 'video' || v.id, '', to_jsonb(ARRAY[view_count, like_count, comment_count, share_count, save_count]) || to_jsonb(last_observed_at) FROM trackagoat.video v
UNION ALL SELECT 'current', 'creator' || c.id, '', to_jsonb(ARRAY[follower_count, following_count, total_likes_count, video_count]) || to_jsonb(last_observed_at) FROM trackagoat.creator c;
CREATE TEMP TABLE before AS SELECT * FROM number;
CREATE FUNCTION pg_temp.all_as_before(said text) RETURNS SETOF text LANGUAGE sql AS
$$
	SELECT is_empty('SELECT * FROM difference LIMIT 5', said || ': every number that is kept is as it was')
	UNION ALL SELECT is_empty('SELECT * FROM trackagoat.verify()', said || ': and verify() agrees');
$$;
CREATE TEMP VIEW difference AS WITH now_is AS MATERIALIZED (TABLE number) (TABLE before EXCEPT ALL TABLE now_is) UNION ALL (TABLE now_is EXCEPT ALL TABLE before);
SELECT ok(bool_and(n > 100) AND count(*) = 10, 'numbers of each kind') FROM (SELECT count(value) AS n FROM before WHERE what NOT IN ('current') GROUP BY what) b;

-- an old event and a notification for each, of all times
DELETE FROM trackagoat.creator_event;
INSERT INTO trackagoat.creator_event (org_id, project_id, creator_id, kind, created_at)
SELECT c.org_id, c.project_id, c.id, 'mode_changed', now() - d * interval '1 day' FROM trackagoat.creator c, generate_series(0, 180, 4) d WHERE c.tiktok_handle::text = 'goat1';
INSERT INTO trackagoat.notification (org_id, project_id, creator_id, kind, subject, created_at)
SELECT e.org_id, e.project_id, e.creator_id, e.kind, e.creator_id, e.created_at FROM trackagoat.creator_event e;
SELECT count(*) AS old_events FROM trackagoat.creator_event e JOIN trackagoat.retention_windows(:'now') w USING (project_id) WHERE e.created_at < w.kept_from \gset
CREATE TEMP TABLE old AS SELECT h.entity, h.id, h.org_id, h.started_at, h.points::text AS points FROM history_row h;
-- points that are to go: all but the last before the window, of a milestone's creator before that
CREATE TEMP VIEW past AS SELECT h.entity, h.id, p.observed_at, p.levels FROM history_row h JOIN kept k USING (project_id), trackagoat.series_points(h.points) p
WHERE k.has_window AND p.observed_at < least(CASE WHEN h.entity = 'creator' THEN (SELECT min(g.starts_on::timestamp AT TIME ZONE k.timezone) FROM trackagoat.goal g WHERE g.creator_id = h.id AND g.period IS NULL) END,
	(SELECT w.kept_from FROM trackagoat.retention_windows(pg_temp.moment()) w WHERE w.project_id = h.project_id));
SELECT sum(n - 1) FILTER (WHERE entity = 'video') AS old_videos, sum(n - 1) FILTER (WHERE entity = 'creator') AS old_creators FROM (SELECT entity, count(*) AS n FROM past GROUP BY entity, id) p \gset
SELECT ok(:old_events > 50 AND :old_videos > 500 AND :old_creators > 100, 'there is enough to prune');

-- by small pieces: each touches no more than it may by much, and none goes twice
CREATE TEMP TABLE gone AS SELECT * FROM pg_temp.all_gone(:'now', 20);
SELECT results_eq('SELECT what, removed FROM gone ORDER BY what', format($$VALUES ('api_replay', 0::bigint), ('api_usage', 0), ('creator_event', %1$s), ('creator_history', %2$s), ('notification', %1$s), ('scrape_attempt', 0), ('scrape_job', 0), ('video_history', %3$s)$$, :old_events, :old_creators, :old_videos), 'all that is past its window goes, and nothing else');
SELECT cmp_ok(max(calls), '>', 5, 'in many pieces') FROM gone;
SELECT is_empty('SELECT entity, id FROM past GROUP BY entity, id HAVING count(*) > 1', 'one observation before the window is left');
SELECT is_empty(format('SELECT e.* FROM trackagoat.creator_event e JOIN trackagoat.retention_windows(%L) w USING (project_id) WHERE e.created_at < w.kept_from', :'now'), 'no event');
SELECT pg_temp.all_as_before('pruned');
-- what the opening observation says is all that was known by then
SELECT is_empty($$SELECT p.* FROM past p WHERE p.levels IS DISTINCT FROM (SELECT trackagoat.series_at(o.points::trackagoat.series, p.observed_at) FROM old o WHERE o.id = p.id
	AND trackagoat.series_at(o.points::trackagoat.series, p.observed_at) IS NOT NULL ORDER BY o.started_at DESC LIMIT 1)$$, 'which says all that was known by then');
SELECT is_empty($$SELECT o.entity, o.id FROM old o JOIN org g ON g.id = o.org_id LEFT JOIN history_row h ON h.id = o.id AND h.started_at = o.started_at AND h.points::text = o.points WHERE g.name IN ('starter', 'ultra') AND h.id IS NULL$$,
	'nothing of those without a window is touched');
-- rows are as others would have written them
SELECT is_empty($$SELECT h.* FROM history_row h, LATERAL (SELECT min(observed_at) AS first, count(*) AS n FROM trackagoat.series_points(h.points)) p
	WHERE (h.started_at < 'infinity' AND p.first <> h.started_at) OR (h.started_at = 'infinity' AND p.n > 15) OR pg_column_size(h.points) > 2000
		OR (trackagoat.series_anchor(h.points) IS NULL) <> NOT EXISTS (SELECT FROM history_row b WHERE b.id = h.id AND b.started_at < h.started_at)$$, 'each row begins where it says, and only the first without an anchor');
SELECT trackagoat.refresh_totals() > 0 AS folded \gset
SELECT pg_temp.all_as_before('folded');
SELECT trackagoat.rebuild_totals() > 0 AS rebuilt \gset
SELECT pg_temp.all_as_before('computed anew');
SELECT is(sum(removed), 0::numeric, 'a walk a day later finds nothing') FROM pg_temp.all_gone(:'now'::timestamptz + interval '25 hours');
SELECT is((SELECT count(*) FROM trackagoat.retention_walk WHERE begun_at = :'now'::timestamptz + interval '25 hours'), 2::bigint, 'though it has walked');
SELECT is(calls, 1, 'and on the same day none walks') FROM pg_temp.all_gone(:'now'::timestamptz + interval '48 hours') LIMIT 1;

--
-- Afterwards: imports of the past, breaks taken back, the weeks that follow
--
-- of before the window: levels that are there hold, and the next walk takes it away
SELECT trackagoat.observe_video(v.id, :'now'::timestamptz - interval '300 days', 7, 7, 7, 7, 7) + trackagoat.observe_creator(c.id, :'now'::timestamptz - interval '300 days', 7, 7, 7, 7) AS stored
FROM trackagoat.video v JOIN trackagoat.creator c ON c.id = v.creator_id JOIN kept k ON k.project_id = v.project_id WHERE k.has_window
	AND num_nulls(v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count) = 0
	AND EXISTS (SELECT FROM past p WHERE p.id = v.id AND array_position(p.levels, NULL) IS NULL) AND EXISTS (SELECT FROM past p WHERE p.id = c.id AND array_position(p.levels, NULL) IS NULL) \g /dev/null
SELECT cmp_ok(count(*), '>', 3::bigint, 'a past is imported') FROM past WHERE observed_at = :'now'::timestamptz - interval '300 days';
SELECT pg_temp.all_as_before('an import of before the window');
SELECT cmp_ok(removed, '>', 0::bigint, 'which goes with the next walk') FROM pg_temp.all_gone(:'now'::timestamptz + interval '50 hours') WHERE what = 'video_history';
SELECT is_empty('SELECT entity, id FROM past GROUP BY entity, id HAVING count(*) > 1', 'one observation before the window is left again');
SELECT pg_temp.all_as_before('the walk after it');
-- weeks later
DO $$
BEGIN
	FOR week IN 1 .. 20 LOOP
		PERFORM pg_temp.all_gone(pg_temp.moment() + week * interval '1 week', 1 + week * 7);
	END LOOP;
END
$$;
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'weeks later verify() agrees');
SELECT is_empty($$SELECT * FROM difference WHERE what IN ('life', 'current') OR place = 'now'$$, 'and lifetimes are as they were');
SELECT is_empty($$SELECT h.id FROM history_row h JOIN trackagoat.project p ON p.id = h.project_id, trackagoat.series_points(h.points) WHERE p.name IN ('free', 'week', 'slow', 'long') AND h.entity = 'video' GROUP BY h.id HAVING count(*) <> 1$$, 'of a video that nobody observes any more one observation is left');

--
-- One that cannot be pruned keeps no others back; only the owner prunes
--
INSERT INTO trackagoat.project (org_id, name) SELECT id, 'trouble' FROM org WHERE name = 'long';
INSERT INTO trackagoat.video (project_id, tiktok_video_id, tracking_status) SELECT p.id, n, 'included' FROM trackagoat.project p, generate_series(1, 1500) n WHERE p.name = 'trouble';
SELECT trackagoat.observe_videos(array_agg(v.id), array_agg(now() - n * interval '200 days'), array_agg(5 - n::bigint), NULL, NULL, NULL, NULL) FROM trackagoat.video v JOIN trackagoat.project p ON p.id = v.project_id, generate_series(1, 2) n WHERE p.name = 'trouble' \g /dev/null
SELECT v.id AS troubled FROM trackagoat.video v JOIN trackagoat.project p ON p.id = v.project_id WHERE p.name = 'trouble' ORDER BY v.id LIMIT 1 \gset
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
SELECT format('CREATE TRIGGER refuse BEFORE UPDATE ON trackagoat.video_history FOR EACH ROW WHEN (OLD.video_id = %L) EXECUTE FUNCTION pg_temp.refuse()', :'troubled') AS trigger \gset
:trigger;
SET client_min_messages = error;
SELECT is(removed BETWEEN 1300 AND 1499, true, 'an error is a warning, and keeps only neighbours back') FROM pg_temp.all_gone(:'now'::timestamptz + interval '30 weeks') WHERE what = 'video_history';
RESET client_min_messages;
DROP TRIGGER refuse ON trackagoat.video_history;
SELECT cmp_ok(removed, '>', 0::bigint, 'the next walk has them') FROM pg_temp.all_gone(:'now'::timestamptz + interval '31 weeks') WHERE what = 'video_history';
SELECT is(count(*), 1500::bigint, 'each is pruned') FROM trackagoat.video_snapshot s JOIN trackagoat.video v ON v.id = s.video_id JOIN trackagoat.project p ON p.id = v.project_id WHERE p.name = 'trouble';
SELECT sum(removed) AS removed FROM pg_temp.all_gone(:'now') \gset
SELECT is((SELECT count(*) FROM trackagoat.retention_walk WHERE begun_at = :'now'), 2::bigint, 'a walk for a time ahead keeps none of now back');
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'verify() agrees');
CREATE ROLE trackagoat_test_pruner SUPERUSER;
SET ROLE trackagoat_test_pruner;
SELECT is(pg_temp.refusal('SELECT trackagoat.prune()'), '42501', 'only the owner prunes');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
