-- The schedule: intervals and floors, slots that spread, and what people fetch ahead of it.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql
\ir scrape_job.psql

INSERT INTO trackagoat.plan (plan, limit_key, max) VALUES ('herd', 'min_creator_profiles_hours', 12), ('herd', 'min_discover_videos_hours', 8), ('herd', 'min_video_stats_hours', 10), ('herd', 'max_manual_scrape_triggers_per_day', 2);
INSERT INTO trackagoat.organization (name) VALUES ('O') RETURNING id AS org \gset
INSERT INTO trackagoat.organization (name, plan) VALUES ('H', 'herd') RETURNING id AS herd \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'herd', 'Q') RETURNING id AS herd_project \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'herd_project', 'kid') RETURNING id AS kid \gset

--
-- How often: the organization's interval, not below the floor of its plan
--
SELECT is((SELECT every FROM trackagoat.scrape_targets(kind, 'kid', NULL)), every, kind || ' under defaults') FROM (VALUES ('creator_profile'::trackagoat.scrape_kind, interval '1 day'), ('discover_videos', '8 hours')) v (kind, every);
UPDATE trackagoat.organization SET creator_profile_interval = '1 hour', discover_videos_interval = '20 hours', video_stats_interval = '4 hours' WHERE id = :'herd';
SELECT is((SELECT every FROM trackagoat.scrape_targets(kind, 'kid', NULL)), every, kind || ': a shorter interval is raised to the floor, a longer one is not') FROM (VALUES ('creator_profile'::trackagoat.scrape_kind, interval '12 hours'), ('discover_videos', '20 hours')) v (kind, every);
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at, refresh_slowed_at) VALUES (:'kid', 1, now() - interval '73 hours', NULL), (:'kid', 2, now() - interval '71 hours', NULL),
	(:'kid', 3, now() - interval '73 hours', now()), (:'kid', 4, now() - interval '71 hours', now()), (:'kid', (extract(epoch FROM now() - interval '1 day')::bigint << 32) + 1, NULL, NULL);
CREATE FUNCTION pg_temp.every(video bigint) RETURNS interval LANGUAGE sql AS $$ SELECT min(every) FROM trackagoat.scrape_targets('video_stats', NULL, video) $$;
SELECT max(tiktok_video_id) AS fresh FROM trackagoat.video \gset
SELECT is((pg_temp.every(1), pg_temp.every(2), pg_temp.every(3))::text, '(10:00:00,10:00:00,40:00:00)', 'an old video, a fresh one, which has the floor as well, and a slowed one');
UPDATE trackagoat.organization SET video_stats_interval = '60 hours' WHERE id = :'herd';
SELECT is((pg_temp.every(1), pg_temp.every(2), pg_temp.every(3), pg_temp.every(4), pg_temp.every(:fresh))::text, '(60:00:00,15:00:00,240:00:00,240:00:00,15:00:00)', 'far above it; one that is slowed though fresh is slow, and one is as fresh as its id says');
UPDATE trackagoat.organization SET video_stats_interval = '20 hours' WHERE id = :'herd';
SELECT is((pg_temp.every(1), pg_temp.every(2))::text, '(20:00:00,10:00:00)', 'a quarter of the interval, but not less than the floor');
UPDATE trackagoat.organization SET plan = NULL WHERE id = :'herd';
SELECT is((pg_temp.every(1), pg_temp.every(2))::text, '(20:00:00,05:00:00)', 'without a plan there is no floor');
UPDATE trackagoat.organization SET plan = 'free' WHERE id = :'herd';
SELECT is((pg_temp.every(1) = '24 hours', pg_temp.every(2) = '24 hours', (SELECT every FROM trackagoat.scrape_targets('creator_profile', 'kid', NULL)) = '24 hours')::text, '(t,t,t)', 'a documented plan has its own');
UPDATE trackagoat.plan SET max = NULL WHERE plan = 'herd' AND limit_key = 'min_video_stats_hours';
UPDATE trackagoat.organization SET plan = 'herd' WHERE id = :'herd';
SELECT is(pg_temp.every(2), '5 hours', 'a floor of NULL is none');
UPDATE trackagoat.video SET refresh_stopped_at = now() WHERE tiktok_video_id = 1;
SELECT is(pg_temp.every(1), NULL, 'one that has stopped is never fetched');
-- one target for all organizations, as often as the most eager one may
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'KID') RETURNING id AS twin \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'twin', 3, now() - interval '73 hours');
SELECT bag_eq($$SELECT org_id, every FROM trackagoat.scrape_targets('video_stats', NULL, 3)$$, format($$VALUES (%L::uuid, interval '1 day'), (%L, '80 hours')$$, :'org', :'herd'), 'each organization has its own interval');
SELECT is(count(*), 3::bigint, 'and all share a job of each kind') FROM trackagoat.scrape_job WHERE tiktok_handle OPERATOR(trackagoat.=) 'kid' OR tiktok_video_id = 3;

--
-- Slots
--
CREATE TEMP TABLE slot AS SELECT n, trackagoat.scrape_slot('creator_profile', ('goat.' || n)::trackagoat.handle, NULL, '1 day', '2026-05-05 12:34:56Z') AS at FROM generate_series(1, 10000) n;
SELECT ok(bool_and(at > '2026-05-05 12:34:56Z' AND at <= '2026-05-06 12:34:56Z'), 'the slot after a moment is within the interval') FROM slot;
SELECT is(count(*), 0::bigint, 'slots are an interval apart') FROM slot WHERE trackagoat.scrape_slot('creator_profile', ('Goat.' || n)::trackagoat.handle, NULL, '1 day', at) <> at + interval '24 hours'
	OR trackagoat.scrape_slot('creator_profile', ('GOAT.' || n)::trackagoat.handle, NULL, '1 day', at - interval '1 microsecond') <> at
	OR trackagoat.scrape_slot('creator_profile', ('goat.' || n)::trackagoat.handle, NULL, '1 day', at - interval '24 hours') <> at;
SELECT is(count(*), 0::bigint, 'those of a longer interval are among those of one that divides it') FROM slot WHERE trackagoat.scrape_slot('creator_profile', ('goat.' || n)::trackagoat.handle, NULL, '6 hours', at - interval '1 second') <> at;
SELECT is(count(*), 0::bigint, 'before 2000, and before the year 1, too') FROM slot WHERE trackagoat.scrape_slot('creator_profile', ('goat.' || n)::trackagoat.handle, NULL, '1 day', at - interval '1000000 days') NOT IN (at - interval '999999 days');
SELECT ok(count(DISTINCT at) > 9990, 'each has its own') FROM slot;
-- how far the fullest and the emptiest window of so many minutes, begun at any minute, are off their share, in
-- standard deviations of chance: 10,000 over a day are 34.7 in five minutes, give or take 5.9
CREATE FUNCTION pg_temp.worst(slots timestamptz[], every interval, width integer) RETURNS numeric LANGUAGE sql AS
$$
	SELECT round(max(abs(w.n - e.share) / sqrt(e.share)), 1)
	FROM (SELECT extract(epoch FROM every)::integer / 60 AS minutes, cardinality(slots) * width * 60 / extract(epoch FROM every) AS share) e,
	LATERAL (SELECT m, sum(count(s)) OVER (ORDER BY m ROWS BETWEEN CURRENT ROW AND width - 1 FOLLOWING) AS n
		-- from the end of the interval to its beginning
		FROM generate_series(0, 2 * e.minutes - 1) m LEFT JOIN unnest(slots) s ON floor(extract(epoch FROM s) / 60)::bigint % e.minutes = m % e.minutes
		GROUP BY m) w
	WHERE w.m < e.minutes
$$;
SELECT cmp_ok(pg_temp.worst(array_agg(at), '1 day', width), '<', 5.0, 'any window of ' || width || ' minutes has about its share of 10,000 profiles') FROM slot, unnest(ARRAY[5, 60]) width GROUP BY width;
SELECT cmp_ok(pg_temp.worst(array_agg(trackagoat.scrape_slot(kind, CASE WHEN kind = 'discover_videos' THEN ('goat.' || n)::trackagoat.handle END, CASE WHEN kind = 'video_stats' THEN 7500000000000000000 + n END, every, '2026-05-05')), every, 5),
	'<', 5.0, 'and of 10,000 ' || kind || ' every ' || every) FROM generate_series(1, 10000) n, (VALUES ('discover_videos'::trackagoat.scrape_kind, interval '6 hours'), ('video_stats', '1 day'), ('video_stats', '6 hours')) k (kind, every) GROUP BY kind, every;
SELECT cmp_ok(abs(corr(extract(epoch FROM at), extract(epoch FROM trackagoat.scrape_slot('discover_videos', ('goat.' || n)::trackagoat.handle, NULL, '1 day', '2026-05-05 12:34:56Z')))), '<', 0.05::float8, 'kinds of one account are apart') FROM slot;
SELECT is((trackagoat.scrape_slot('video_link', NULL, NULL, '1 day', now()), trackagoat.scrape_slot('video_stats', NULL, 1, NULL, now()), trackagoat.scrape_slot('video_stats', NULL, 1, '1 day', NULL), trackagoat.scrape_slot(NULL, NULL, 1, '1 day', now()))::text, '(,,,)', 'NULL has no slot');
SELECT is(trackagoat.scrape_slot('video_stats', NULL, 1, every, at), at, every || ' after ' || at || ' is then') FROM (VALUES (interval '0', now()), ('-1 day', now()), ('1 day', 'infinity'), ('1 day', '-infinity')) v (every, at);
SELECT is(pg_temp.refusal(format('SELECT trackagoat.scrape_slot(%L, NULL, 1, %L, %L)', 'video_stats', every, at)), '22008', 'out of range: ' || every || ' after ' || at) FROM (VALUES (interval '178000000 years', timestamptz '2026-01-01'), ('-178000000 years', '2026-01-01'), ('100000 years', '2026-01-01'), ('2147483647 days', '2026-01-01'), ('1 year', '294276-12-31 00:00Z')) v (every, at);

--
-- Where the schedule puts what comes
--
DELETE FROM trackagoat.scrape_job;
INSERT INTO trackagoat.creator (project_id, tiktok_handle, created_at) SELECT :'project', 'old.' || n, now() - interval '1 year' FROM generate_series(1, 1000) n;
SELECT ok(bool_and(due_at IS NULL AND next_at = trackagoat.scrape_slot(kind, tiktok_handle, NULL, CASE kind WHEN 'creator_profile' THEN interval '1 day' ELSE '6 hours' END, now())) AND count(*) = 2000, 'an import of creators is on its slots') FROM trackagoat.scrape_job;
SELECT cmp_ok(pg_temp.worst(array_agg(next_at), '1 day', 60), '<', 5.0, 'which are spread') FROM trackagoat.scrape_job WHERE kind = 'creator_profile';
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'new');
SELECT ok(bool_and(due_at = now()) AND count(*) = 2, 'what a person adds is due at once') FROM trackagoat.scrape_job WHERE tiktok_handle OPERATOR(trackagoat.=) 'new';
DELETE FROM trackagoat.scrape_job;
INSERT INTO trackagoat.video (project_id, tiktok_video_id, created_at) SELECT :'project', 5000 + n, now() - interval '1 year' FROM generate_series(1, 1000) n;
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status, posted_at) SELECT :'twin', 7000 + n, 'auto_tracked', now() - interval '1 day' FROM generate_series(1, 1000) n;
SELECT ok(bool_and(due_at IS NULL AND next_at = trackagoat.scrape_slot(kind, NULL, tiktok_video_id, CASE WHEN tiktok_video_id < 7000 THEN interval '1 day' ELSE '6 hours' END, now())) AND count(*) = 2000, 'so are videos of an import and of discovery') FROM trackagoat.scrape_job;
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'twin';
DELETE FROM trackagoat.scrape_job;
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'twin';
SELECT ok(bool_and(CASE kind WHEN 'video_stats' THEN due_at IS NULL AND next_at = trackagoat.scrape_slot(kind, NULL, tiktok_video_id, CASE WHEN tiktok_video_id < 7000 THEN interval '1 day' ELSE '6 hours' END, now()) ELSE due_at = now() END) AND count(*) = 1003, 'and those of a creator that is back, which itself is due') FROM trackagoat.scrape_job;
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status, refresh_stopped_at) VALUES (:'twin', 9001, 'auto_tracked', now());
SELECT is((pg_temp.job('video_stats', '9001')).id, NULL, 'one that has stopped has no job');
UPDATE trackagoat.video SET refresh_stopped_at = NULL WHERE tiktok_video_id = 9001;
SELECT is((pg_temp.job('video_stats', '9001')).next_at, trackagoat.scrape_slot('video_stats', NULL, 9001, '1 day', now()), 'until it goes on');
SELECT is(trackagoat.first_scrape_slot('video_stats', NULL, 424242), now(), 'what nobody wants comes up soon, and goes');
-- after a fetch: the first slot that is at least half an interval later
UPDATE trackagoat.scrape_job SET due_at = NULL;
SELECT trackagoat.queue_scrape('video_stats', NULL, 5001, now(), NULL, 1) AS job \gset
SELECT attempt_id AS attempt FROM trackagoat.claim_scrapes(1, '1 minute') WHERE tiktok_video_id = 5001 \gset
SELECT trackagoat.finish_scrape(:attempt, 'ok', 200, 1, NULL, NULL, '{}') AS outcome \gset
SELECT ok(next_at - last_success_at BETWEEN '11:59:59' AND '36:00:00' AND next_at = trackagoat.scrape_slot(kind, NULL, 5001, '1 day', next_at - interval '1 second'), 'a fetch is followed by the first slot after half an interval') FROM pg_temp.job('video_stats', '5001') j;

--
-- A shorter interval or another plan holds at once, by requests
--
CREATE FUNCTION pg_temp.scheduled() RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(concat_ws(' ', kind, coalesce(tiktok_handle::text, tiktok_video_id::text)), ', ' ORDER BY kind, tiktok_handle, tiktok_video_id) FROM trackagoat.scrape_request $$;
DELETE FROM trackagoat.video;
DELETE FROM trackagoat.creator WHERE id NOT IN (:'kid', :'twin');
DELETE FROM trackagoat.scrape_job;
DELETE FROM trackagoat.scrape_request;
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'kid', 11, 'auto_tracked'), (:'twin', 12, 'auto_tracked');
SELECT trackagoat.queue_scrape(k, 'kid', NULL, NULL) FROM unnest('{creator_profile,discover_videos}'::trackagoat.scrape_kind[]) k \g /dev/null
UPDATE trackagoat.scrape_job SET next_at = now() + interval '30 hours';
UPDATE trackagoat.organization SET name = 'OO', video_stats_interval = '2 days', creator_profile_interval = '1 day' WHERE id = :'org';
SELECT is(pg_temp.scheduled(), NULL, 'a longer interval holds from the next fetch on');
UPDATE trackagoat.organization SET creator_profile_interval = '3 hours' WHERE id = :'org';
SELECT is(pg_temp.scheduled(), 'creator_profile kid', 'a shorter one at once, for what would come later than its slot');
SELECT ok((pg_temp.job('creator_profile', 'kid')).next_at = now() + interval '30 hours', 'without touching the job');
SELECT is(trackagoat.fold_scrape_requests(), 1, 'until the request is folded');
SELECT is((pg_temp.job('creator_profile', 'kid')).next_at, trackagoat.scrape_slot('creator_profile', 'kid', NULL, '3 hours', now()), 'then it is on its slot');
SELECT is((pg_temp.job('creator_profile', 'kid')).due_at, NULL, 'and not due before');
UPDATE trackagoat.organization SET video_stats_interval = '1 hour' WHERE id = :'org';
SELECT is(pg_temp.scheduled(), 'video_stats 12', 'another organization''s video is left alone');
DELETE FROM trackagoat.scrape_request;
UPDATE trackagoat.scrape_job SET due_at = now() WHERE tiktok_video_id = 12;
UPDATE trackagoat.organization SET video_stats_interval = '30 minutes' WHERE id = :'org';
SELECT is(pg_temp.scheduled(), NULL, 'and what is queued anyway');
UPDATE trackagoat.organization SET video_stats_interval = '1 hour' WHERE id = :'herd';
SELECT is(pg_temp.scheduled(), 'video_stats 11', 'above its floor as well');
DELETE FROM trackagoat.scrape_request;
UPDATE trackagoat.organization SET plan = 'starter' WHERE id = :'herd';
SELECT is((next_at, due_at, tiktok_video_id)::text, (trackagoat.scrape_slot('video_stats', NULL, 11, '6 hours', now()), NULL::timestamptz, 11)::text, 'another plan''s floor too') FROM trackagoat.scrape_request WHERE kind = 'video_stats';
DELETE FROM trackagoat.scrape_request;
UPDATE trackagoat.organization SET plan = 'starter', video_stats_interval = '1 hour' WHERE id = :'herd';
SELECT is(pg_temp.scheduled(), NULL, 'what is written back changes nothing');

--
-- Manual scrapes: so many a day (UTC)
--
DELETE FROM trackagoat.scrape_job;
UPDATE trackagoat.organization SET plan = 'herd' WHERE id = :'herd';
SELECT id AS v11 FROM trackagoat.video WHERE tiktok_video_id = 11 \gset
CREATE FUNCTION pg_temp.usage(org uuid) RETURNS text LANGUAGE sql AS $$ SELECT current || ' of ' || max FROM trackagoat.limit_usage(org) WHERE limit_key = 'max_manual_scrape_triggers_per_day' $$;
-- SQLSTATE, message, detail and hint of a refusal
CREATE FUNCTION pg_temp.told(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'accepted';
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, detail, hint);
END
$$;
SELECT is(pg_temp.usage(:'herd'), '0 of 2', 'nothing was fetched by hand yet');
SELECT is(trackagoat.scrape_creator(:'kid'), (pg_temp.job('creator_profile', 'kid')).id, 'profile and list together are one');
SELECT is(pg_temp.usage(:'herd'), '1 of 2', 'is counted');
SAVEPOINT s;
SELECT trackagoat.scrape_video(:'v11') AS job \gset
SELECT is(pg_temp.usage(:'herd'), '2 of 2', 'a video is another');
ROLLBACK TO s;
SELECT is(pg_temp.usage(:'herd'), '1 of 2', 'unless it is rolled back');
SELECT is(pg_temp.told(format('SELECT trackagoat.scrape_video(%L)', :'v11')), 'accepted', 'the second');
SELECT is(regexp_replace(pg_temp.told(format('SELECT trackagoat.%s', c)), '(?<="retryAfter": )[1-9]\d{0,4}(?=})', '...'), format('PT429 | rate_limit_exceeded | {"limitKey": "max_manual_scrape_triggers_per_day", "current": 2, "max": 2, "retryAfter": ...} | Wait until %s 00:00 UTC, or choose a plan that allows more.', to_char((now() AT TIME ZONE 'UTC')::date + 1, 'YYYY-MM-DD')), 'the third is refused: ' || left(c, 14))
FROM unnest(ARRAY[format('scrape_creator(%L)', :'kid'), format('scrape_video(%L)', :'v11')]) c;
SELECT is(pg_temp.usage(:'herd'), '2 of 2', 'and not counted');
SELECT is(pg_temp.told(format('SELECT trackagoat.scrape_creator(%L)', :'twin')), 'accepted', 'another organization fetches the same account');
SELECT is((SELECT array_agg(org_id) FROM trackagoat.manual_scrape), ARRAY[:'herd'::uuid], 'which is not counted without a limit');
SELECT is((current IS NULL, max IS NULL)::text, '(t,t)', 'nor shown') FROM trackagoat.limit_usage(:'org') WHERE limit_key = 'max_manual_scrape_triggers_per_day';
-- rows do not count
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'kid';
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'kid';
UPDATE trackagoat.creator SET tiktok_handle = 'kidd' WHERE id = :'kid';
INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'herd_project', 13);
SELECT is((SELECT count(*) FILTER (WHERE due_at = now()) FROM trackagoat.scrape_job WHERE tiktok_handle OPERATOR(trackagoat.=) 'kidd' OR tiktok_video_id = 13), 3::bigint, 'what rows queue is queued at once');
SELECT is(pg_temp.usage(:'herd'), '2 of 2', 'and does not count');
-- the next day
UPDATE trackagoat.manual_scrape SET day = day - 1;
SELECT is(pg_temp.usage(:'herd'), '0 of 2', 'a new day begins with none');
SELECT is(pg_temp.told(format('SELECT trackagoat.scrape_creator(%L)', :'kid')), 'accepted', 'and allows one');
SELECT is((count(*), max(day), max(triggers))::text, ('1', (now() AT TIME ZONE 'UTC')::date, 1)::text, 'whose row takes the place of yesterday''s') FROM trackagoat.manual_scrape;
UPDATE trackagoat.manual_scrape SET day = day + 1, triggers = 2;
SELECT is(pg_temp.refusal(format('SELECT trackagoat.scrape_creator(%L)', :'kid')), 'PT429 rate_limit_exceeded', 'a transaction from before midnight counts for the day that has begun');
-- the plan of now holds
UPDATE trackagoat.organization SET plan = 'starter' WHERE id = :'herd';
SELECT is(pg_temp.told(format('SELECT trackagoat.scrape_creator(%L)', :'kid')), 'accepted', 'another plan allows more');
SELECT is(pg_temp.usage(:'herd'), '3 of 10', 'beyond what there was');
UPDATE trackagoat.organization SET plan = 'free' WHERE id = :'herd';
SELECT alike(pg_temp.told(format('SELECT trackagoat.scrape_creator(%L)', :'kid')), '%"current": 3, "max": 1%', 'or less');
DELETE FROM trackagoat.manual_scrape;
UPDATE trackagoat.plan SET max = 0 WHERE plan = 'herd' AND limit_key = 'max_manual_scrape_triggers_per_day';
UPDATE trackagoat.organization SET plan = 'herd' WHERE id = :'herd';
SELECT alike(pg_temp.told(format('SELECT trackagoat.scrape_creator(%L)', :'kid')), '%"current": 0, "max": 0%', 'or none');
UPDATE trackagoat.organization SET plan = NULL WHERE id = :'herd';

-- ahead of the queue: of what others have just added, too
DELETE FROM trackagoat.scrape_job;
INSERT INTO trackagoat.video (project_id, tiktok_video_id) SELECT :'project', n FROM generate_series(601, 620) n;
UPDATE trackagoat.scrape_job SET due_at = now() - interval '1 hour';
INSERT INTO trackagoat.scrape_request (kind, tiktok_video_id, next_at, priority, renew) SELECT 'video_stats', 600, now(), 0, false FROM generate_series(1, 1000);
INSERT INTO trackagoat.scrape_request (kind, tiktok_video_id, due_at, priority, renew) VALUES ('video_stats', 11, now(), 2, false);
SELECT is(tiktok_video_id, 11::bigint, 'what is asked for by hand is fetched first, even as a request behind many') FROM trackagoat.claim_scrapes(1, '1 minute');
DELETE FROM trackagoat.scrape_request;

-- what is not fetched is refused, and not counted
UPDATE trackagoat.organization SET plan = 'starter' WHERE id = :'herd';
SELECT is(pg_temp.refusal('SELECT trackagoat.scrape_creator(gen_random_uuid())'), 'PT404 creator_not_found', 'of no creator');
SELECT is(pg_temp.refusal('SELECT trackagoat.scrape_video(gen_random_uuid())'), 'PT404 video_not_found', 'of no video');
DELETE FROM trackagoat.scrape_job;
SAVEPOINT s;
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'kid';
SELECT is(pg_temp.told(format('SELECT trackagoat.scrape_creator(%L)', :'kid')), 'PT409 | creator_not_fetched | kidd is disabled. | Bring the creator back, or enable it: then it is fetched at once.', 'a disabled creator');
SELECT is(pg_temp.told(format('SELECT trackagoat.scrape_video(%L)', :'v11')), 'PT409 | video_not_fetched | The video is of a creator that is removed or disabled. | Include it, clear tracking_disabled_at or refresh_stopped_at, or enable its creator.', 'and its video');
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'kid';
SELECT alike(pg_temp.told(format('SELECT trackagoat.scrape_creator(%L)', :'kid')), 'PT409 | creator_not_fetched | kidd is removed. |%', 'a removed one');
ROLLBACK TO s;
UPDATE trackagoat.video SET tracking_status = 'excluded' WHERE id = :'v11';
SELECT alike(pg_temp.told(format('SELECT trackagoat.scrape_video(%L)', :'v11')), 'PT409 | video_not_fetched | The video is excluded. |%', 'an excluded video');
ROLLBACK TO s;
UPDATE trackagoat.video SET tracking_disabled_at = now() WHERE id = :'v11';
SELECT alike(pg_temp.told(format('SELECT trackagoat.scrape_video(%L)', :'v11')), 'PT409 | video_not_fetched | The video is disabled. |%', 'a disabled one');
ROLLBACK TO s;
UPDATE trackagoat.video SET refresh_stopped_at = now() WHERE id = :'v11';
SELECT alike(pg_temp.told(format('SELECT trackagoat.scrape_video(%L)', :'v11')), 'PT409 | video_not_fetched | The video is old: its refreshes have stopped. |%', 'a stopped one');
ROLLBACK TO s;
SELECT is((SELECT count(*) FROM trackagoat.scrape_job), 0::bigint, 'none of it queues anything');
SELECT is(pg_temp.usage(:'herd'), '0 of 10', 'or counts');
-- an organization takes its row with it
SELECT is(pg_temp.told(format('SELECT trackagoat.scrape_video(%L)', :'v11')), 'accepted', 'one that is fetched');
DELETE FROM trackagoat.organization WHERE id = :'herd';
SELECT is(count(*), 0::bigint, 'a deleted organization leaves no count') FROM trackagoat.manual_scrape;

-- a statement that fills tables, with the plans of a session that has seen them small
CREATE FUNCTION pg_temp.whole_reads() RETURNS bigint LANGUAGE sql AS
$$ SELECT sum(seq_scan)::bigint FROM pg_stat_xact_user_tables WHERE schemaname = 'trackagoat' AND relname IN ('creator', 'video', 'scrape_job') $$;
SELECT pg_temp.whole_reads() AS before \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT :'project', 'fill.' || n FROM generate_series(1, 20) n;
SELECT cmp_ok(pg_temp.whole_reads(), '<', :before + 10::bigint, 'twenty creators do not read a table for each');
SELECT pg_temp.whole_reads() AS before \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) SELECT id, 9000 + row_number() OVER (), 'auto_tracked' FROM trackagoat.creator WHERE tiktok_handle::text LIKE 'fill.%';
SELECT cmp_ok(pg_temp.whole_reads(), '<', :before + 10::bigint, 'nor twenty videos');

SELECT * FROM finish();
ROLLBACK;
