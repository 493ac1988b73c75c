-- The queue of scrapes: who queues, claims, stores, goes on and finishes.
-- Pages are written by hand, as read_page() answers them.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();
-- other sources: outcome.sql
DELETE FROM trackagoat.scrape_source WHERE place > 1;

INSERT INTO trackagoat.organization (name, timezone) VALUES ('East', 'Pacific/Kiritimati') RETURNING id AS org \gset
INSERT INTO trackagoat.organization (name, creator_profile_interval, discover_videos_interval, video_stats_interval)
VALUES ('Busy', '2 hours', '1 hour', '3 hours') RETURNING id AS busy \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Q') RETURNING id AS second \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'busy', 'B') RETURNING id AS busy_project \gset

\ir scrape_job.psql
-- what the queue holds: kinds and targets, with * where due now
CREATE FUNCTION pg_temp.queue() RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(kind || ' ' || coalesce(lower(tiktok_handle::text), tiktok_video_id::text) || CASE WHEN due_at <= now() THEN '*' ELSE '' END, ', ' ORDER BY kind, 1)
	FROM (SELECT * FROM trackagoat.scrape_job ORDER BY kind, lower(tiktok_handle::text) COLLATE "C", tiktok_video_id) j (id, kind, tiktok_handle, tiktok_video_id, link, priority, due_at) $$;
CREATE FUNCTION pg_temp.profile(account bigint, followers bigint DEFAULT NULL, extra jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('source', 'profile', 'outcome', 'ok', 'exact', true, 'videos', '[]'::jsonb, 'next', NULL,
	'account', jsonb_build_object('id', account::text, 'follower_count', followers) || extra) $$;
CREATE FUNCTION pg_temp.video(id bigint, posted timestamptz, views bigint DEFAULT NULL, extra jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('tiktok_video_id', id::text, 'posted_at', posted, 'kind', 'video', 'view_count', views, 'hashtags', '[]'::jsonb) || extra $$;
-- a secUid as TikTok writes them
\set uid MS4wLjABAAAA_goat-1
CREATE FUNCTION pg_temp.listing(videos jsonb, cursor timestamptz DEFAULT NULL, has_more boolean DEFAULT NULL, account bigint DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('source', 'item_list', 'outcome', 'ok', 'exact', false, 'videos', videos,
	'account', CASE WHEN account IS NOT NULL THEN jsonb_build_object('id', account::text) END,
	'next', CASE WHEN num_nonnulls(cursor, has_more) > 0 THEN jsonb_build_object('cursor', trunc(extract(epoch FROM cursor) * 1000), 'has_more', has_more) END) $$;
--
-- Who queues
--
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'Goat') RETURNING id AS goat \gset
SELECT is(pg_temp.queue(), 'creator_profile goat*, discover_videos goat*', 'a new creator queues its profile and its videos at once');
SELECT ok(bool_and(priority = 1 AND due_at = now() AND next_at = now()), 'before the schedule') FROM trackagoat.scrape_job;
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'busy_project', 'GOAT') RETURNING id AS busy_goat \gset
SELECT is(count(*), 2::bigint, 'whichever projects track an account, one job a kind serves it') FROM trackagoat.scrape_job;
INSERT INTO trackagoat.creator (project_id, tiktok_handle, removed_at) VALUES (:'project', 'removed', now());
INSERT INTO trackagoat.creator (project_id, tiktok_handle, disabled_at) VALUES (:'project', 'disabled', now()) RETURNING id AS disabled \gset
SELECT is(count(*), 2::bigint, 'a creator that comes removed or disabled queues nothing') FROM trackagoat.scrape_job;
INSERT INTO trackagoat.creator (project_id, tiktok_handle, created_at) VALUES (:'project', 'restored', now() - interval '2 days');
SELECT is(pg_temp.queue(), 'creator_profile goat*, creator_profile restored, discover_videos goat*, discover_videos restored', 'one loaded from a backup is left to the schedule');

UPDATE trackagoat.scrape_job SET due_at = NULL, next_at = now() + interval '1 day', priority = 0;
UPDATE trackagoat.creator SET readme = 'x', metadata = '{"a": 1}', tracking_mode = 'selective', follower_count = 7 WHERE id = :'goat';
UPDATE trackagoat.creator SET tiktok_handle = 'GOAT' WHERE id = :'goat';
UPDATE trackagoat.creator SET tiktok_handle = tiktok_handle, removed_at = NULL, disabled_at = NULL WHERE id = :'goat';
SELECT is(count(*), 0::bigint, 'a row written back, or in another case, queues nothing') FROM trackagoat.scrape_job WHERE due_at IS NOT NULL;
UPDATE trackagoat.creator SET tiktok_handle = 'sheep' WHERE id = :'goat';
SELECT is(pg_temp.queue(), 'creator_profile goat, creator_profile restored, creator_profile sheep*, discover_videos goat, discover_videos restored, discover_videos sheep*', 'a renamed creator queues the new handle');
UPDATE trackagoat.creator SET tiktok_handle = 'goat', tracking_mode = 'auto' WHERE id = :'goat';
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'disabled';
SELECT is((pg_temp.job('creator_profile', 'disabled')).due_at, now(), 'a creator that is active again is queued');
UPDATE trackagoat.scrape_job SET due_at = NULL;
UPDATE trackagoat.creator SET tracking_start_date = tracking_start_date + 1 WHERE id = :'goat';
SELECT is((pg_temp.job('discover_videos', 'goat')).due_at, NULL, 'a later tracking start queues nothing');
UPDATE trackagoat.creator SET tracking_start_date = tracking_start_date - 1 WHERE id = :'goat';
SELECT is((pg_temp.job('discover_videos', 'goat')).due_at, now(), 'an earlier one queues the older videos');

-- videos
INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'project', 101) RETURNING id AS v101 \gset
SELECT is(((pg_temp.job('video_stats', '101')).due_at, (pg_temp.job('video_stats', '101')).priority)::text, (now(), 1::smallint)::text, 'a video added by URL is queued at once');
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'goat', 102, 'auto_tracked') RETURNING id AS v102 \gset
INSERT INTO trackagoat.video (project_id, tiktok_video_id, created_at) VALUES (:'project', 103, now() - interval '2 days');
SELECT ok((pg_temp.job('video_stats', n)).due_at IS NULL AND (pg_temp.job('video_stats', n)).next_at BETWEEN now() AND now() + interval '1 day', n || ' is left to the schedule') FROM unnest(ARRAY['102', '103']) n;
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'goat', 104, 'excluded') RETURNING id AS v104 \gset
SELECT is((pg_temp.job('video_stats', '104')).id, NULL, 'an excluded video is not fetched');
UPDATE trackagoat.video SET tracking_status = 'included' WHERE id = :'v104';
SELECT ok((pg_temp.job('video_stats', '104')).next_at BETWEEN now() AND now() + interval '1 day', 'it is once it is included');
UPDATE trackagoat.scrape_job SET due_at = NULL, next_at = now() + interval '1 day' WHERE kind = 'video_stats';
UPDATE trackagoat.video SET tracking_status = 'included' WHERE id = :'v102';
SELECT is((pg_temp.job('video_stats', '102')).next_at, now() + interval '1 day', 'a video that was fetched all along keeps its schedule');

-- manual scrapes
UPDATE trackagoat.scrape_job SET due_at = NULL, priority = 0;
SELECT trackagoat.scrape_creator(:'goat') AS job \gset
SELECT is(:'job'::uuid, (pg_temp.job('creator_profile', 'goat')).id, 'scrape_creator answers the job of the profile');
SELECT is(count(*) FILTER (WHERE due_at = now() AND priority = 2), 2::bigint, 'and queues profile and videos') FROM trackagoat.scrape_job;
SELECT trackagoat.scrape_video(:'v101') AS job \gset
SELECT is(:'job'::uuid, (pg_temp.job('video_stats', '101')).id, 'scrape_video answers the job of the video');
SELECT throws_ok('SELECT trackagoat.scrape_creator(gen_random_uuid())', 'PT404', 'creator_not_found', 'of no creator');
SELECT throws_ok('SELECT trackagoat.scrape_video(NULL)', 'PT404', 'video_not_found', 'of no video');

-- queue_scrape meets a job that is there: the earlier time and the higher priority hold
DELETE FROM trackagoat.scrape_job;
SELECT trackagoat.queue_scrape('creator_profile', 'goat', NULL, '2030-01-02', '2030-01-03', 0) AS job \gset
SELECT is(trackagoat.queue_scrape('creator_profile', 'GOAT', NULL, '2030-01-05', '2030-01-01', 0), :'job', 'the same job, whatever the case');
SELECT is((due_at, next_at, priority)::text, ('2030-01-02'::timestamptz, '2030-01-01'::timestamptz, 0)::text, 'with the earlier times') FROM trackagoat.scrape_job;
SELECT trackagoat.queue_scrape('creator_profile', 'goat', NULL, now() + interval '1 day', NULL, 1) AS job \gset
SELECT is((due_at, next_at, priority)::text, (now() + interval '1 day', '2030-01-01'::timestamptz, 1)::text, 'the higher priority') FROM trackagoat.scrape_job;
SELECT trackagoat.queue_scrape('creator_profile', 'goat', NULL, NULL) AS job \gset
SELECT is((due_at, next_at)::text, (now() + interval '1 day', trackagoat.scrape_slot('creator_profile', 'goat', NULL, '2 hours', now()))::text, 'and without a time that of the schedule') FROM trackagoat.scrape_job;
SELECT throws_ok($$SELECT trackagoat.queue_scrape('video_stats', 'goat', NULL, now())$$, '23514', NULL, 'a job of a video names a video');
SELECT throws_ok($$SELECT trackagoat.queue_scrape('creator_profile', 'goat', 1, now())$$, '23514', NULL, 'and no other names one');
SELECT throws_ok($$SELECT trackagoat.queue_scrape('video_stats', NULL, 101, now(), NULL, 3)$$, '23514', NULL, 'there are three priorities');

--
-- only as the owner: a superuser would run the owner's triggers
--
CREATE ROLE scrape_stranger SUPERUSER;
SET ROLE scrape_stranger;
SELECT throws_ok('SELECT trackagoat.enqueue_due()', '42501', 'only the owner of the tables may queue what is due', 'enqueue_due is the owner''s');
SELECT throws_ok('SELECT trackagoat.schedule_scrapes()', '42501', 'only the owner of the tables may schedule scrapes', 'schedule_scrapes is the owner''s');
RESET ROLE;

--
-- enqueue_due: the clock is an argument
--
DELETE FROM trackagoat.scrape_job;
SELECT trackagoat.queue_scrape('video_stats', NULL, n, NULL, '2030-01-01'::timestamptz + n * interval '1 day') FROM generate_series(1, 5) n;
SELECT is(trackagoat.enqueue_due('2030-01-01'), 0, 'nothing is due yet');
SELECT is(trackagoat.enqueue_due('2030-01-03 00:00'), 2, 'two are due on the third');
SELECT ok(bool_and(due_at = now() AND priority = 0), 'to be fetched now') FROM trackagoat.scrape_job WHERE due_at IS NOT NULL;
SELECT is(trackagoat.enqueue_due('2030-01-03 00:00'), 0, 'and are queued once');
SELECT is(trackagoat.enqueue_due('2031-01-01'), 3, 'the rest a year later');
SELECT is(count(*), 5::bigint, 'and all can be claimed') FROM trackagoat.scrape_job WHERE due_at <= now();

--
-- claim_scrapes
--
DELETE FROM trackagoat.scrape_job;
SELECT is(count(*), 0::bigint, 'an empty queue has nothing to claim') FROM trackagoat.claim_scrapes(10, '1 minute');
SELECT trackagoat.queue_scrape('video_stats', NULL, v, now() - age, NULL, priority)
FROM (VALUES (101, interval '1 hour', 0), (102, interval '2 hours', 0), (103, interval '1 minute', 1), (104, interval '-1 hour', 1)) t (v, age, priority);
SELECT trackagoat.queue_scrape('video_stats', NULL, 999, now() - interval '1 day', NULL, 1) AS unwanted \gset
SELECT is(array_agg(tiktok_video_id), ARRAY[103, 102]::bigint[], 'high priority first, then what has waited longest; never more than asked for') FROM trackagoat.claim_scrapes(2, '90 seconds');
SELECT is((pg_temp.job('video_stats', '999')).id, NULL, 'a job that nobody wants is deleted on the way');
SELECT is(array_agg(tiktok_video_id), ARRAY[101]::bigint[], 'what is leased is not claimed again, nor what is not due') FROM trackagoat.claim_scrapes(10, '90 seconds');
SELECT is(count(*), 0::bigint, 'then nothing is left') FROM trackagoat.claim_scrapes(10, '90 seconds');
SELECT ok(bool_and(attempts = 1 AND leased_by = pg_backend_pid() AND leased_until - leased_at BETWEEN '89 seconds' AND '91 seconds'), 'a lease names its holder and its end')
FROM trackagoat.scrape_job WHERE leased_until IS NOT NULL;
SELECT is(count(*), 3::bigint, 'an attempt is counted before the request is made') FROM trackagoat.scrape_attempt
WHERE finished_at IS NULL AND attempt = 1 AND worker_pid = pg_backend_pid() AND job_id IS NOT NULL AND tiktok_video_id BETWEEN 101 AND 103;
SELECT is(trackagoat.next_scrape_due(), (pg_temp.job('video_stats', '104')).due_at, 'next_scrape_due is the time of the next job');
DELETE FROM trackagoat.scrape_attempt;
DELETE FROM trackagoat.scrape_job;
SELECT is(trackagoat.next_scrape_due(), NULL, 'or never');

-- a list waits for the secUid that the profile shows
SELECT trackagoat.scrape_creator(:'goat') AS job \gset
SELECT is(array_agg(kind::text), ARRAY['creator_profile'], 'without secUid no list is asked for') FROM trackagoat.claim_scrapes(10, '1 minute');
SELECT is(trackagoat.next_scrape_due(), NULL, 'nor waited for');
SELECT pg_temp.finish(max(id), 'ok', pg_temp.profile(42, NULL, jsonb_build_object('sec_uid', :'uid'))) AS pause FROM trackagoat.scrape_attempt \gset
SELECT is(array_agg(kind || ' ' || sec_uid), ARRAY['discover_videos ' || :'uid'], 'with it, by it') FROM trackagoat.claim_scrapes(10, '1 minute');
SELECT pg_temp.finish(max(id), 'ok', pg_temp.listing('[]', NULL, false)) AS pause FROM trackagoat.scrape_attempt \gset
-- a creator that comes or changes: whose list it is must be asked again
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'second', 'goat') RETURNING id AS newcomer \gset
SELECT is(array_agg(kind::text), ARRAY['creator_profile'], 'another project with the handle asks for the profile first') FROM trackagoat.claim_scrapes(10, '1 minute');
DELETE FROM trackagoat.creator WHERE id = :'newcomer';
-- both jobs of an account that nobody tracks go away
DELETE FROM trackagoat.scrape_attempt;
DELETE FROM trackagoat.scrape_job;
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'leaver') RETURNING id AS leaver \gset
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'leaver';
SELECT is(count(*), 0::bigint, 'a removed creator is not fetched') FROM trackagoat.claim_scrapes(10, '1 minute');
SELECT is(count(*), 0::bigint, 'and leaves no job behind') FROM trackagoat.scrape_job;
UPDATE trackagoat.creator SET removed_at = NULL, disabled_at = now() WHERE id = :'leaver';
SELECT trackagoat.queue_scrape(k, 'leaver', NULL, now()) FROM unnest('{creator_profile,discover_videos}'::trackagoat.scrape_kind[]) k;
SELECT is(count(*), 0::bigint, 'nor is a disabled one') FROM trackagoat.claim_scrapes(10, '1 minute');
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'leaver', 201, 'auto_tracked'), (:'leaver', 202, 'excluded');
UPDATE trackagoat.scrape_job SET due_at = now();
SELECT is(count(*), 0::bigint, 'nor are its videos') FROM trackagoat.claim_scrapes(10, '1 minute');
SELECT is(count(*), 0::bigint, 'nothing of it is left in the queue') FROM trackagoat.scrape_job;
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'leaver';
SELECT is(pg_temp.queue(), 'creator_profile leaver*, discover_videos leaver*, video_stats 201', 'enabled again, it and its videos are back');
DELETE FROM trackagoat.creator WHERE id = :'leaver';
SELECT is(count(*), 0::bigint, 'a deleted one is not fetched') FROM trackagoat.claim_scrapes(10, '1 minute') WHERE tiktok_handle IS NOT NULL;
DELETE FROM trackagoat.scrape_job;
-- of two creators that were added at once, the one whose profile is there gets its videos before the other's turn
INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT :'project', 'leaver.' || n FROM generate_series(1, 2) n;
UPDATE trackagoat.scrape_job SET sec_uid = :'uid' WHERE kind = 'discover_videos' AND tiktok_handle::text = 'leaver.2';
SELECT is(array_agg(kind || ' ' || tiktok_handle), ARRAY['discover_videos leaver.2'], 'a list goes before the next profile') FROM trackagoat.claim_scrapes(1, '1 minute');
DELETE FROM trackagoat.creator WHERE tiktok_handle::text LIKE 'leaver.%';
DELETE FROM trackagoat.scrape_attempt;
DELETE FROM trackagoat.scrape_job;

-- who wants a target, and how often
SELECT bag_eq($$SELECT org_id, every FROM trackagoat.scrape_targets('creator_profile', 'gOAT', NULL)$$,
	format($$VALUES (%L::uuid, interval '1 day'), (%L, interval '2 hours')$$, :'org', :'busy'), 'two organizations want the profile');
SELECT bag_eq($$SELECT org_id, every FROM trackagoat.scrape_targets('discover_videos', 'goat', NULL)$$,
	format($$VALUES (%L::uuid, interval '6 hours'), (%L, interval '1 hour')$$, :'org', :'busy'), 'and the list');
SELECT is_empty($$SELECT * FROM trackagoat.scrape_targets('video_stats', NULL, 999)$$, 'nobody wants a post that is not there');
SELECT bag_eq($$SELECT org_id FROM trackagoat.scrape_targets('video_stats', NULL, 102)$$, format('VALUES (%L::uuid)', :'org'), 'one wants a video');
SAVEPOINT s;
UPDATE trackagoat.video SET tracking_disabled_at = now() WHERE id = :'v102';
SELECT is_empty($$SELECT * FROM trackagoat.scrape_targets('video_stats', NULL, 102)$$, 'unless it is disabled');
ROLLBACK TO s;
UPDATE trackagoat.video SET refresh_stopped_at = now() WHERE id = :'v102';
SELECT is_empty($$SELECT * FROM trackagoat.scrape_targets('video_stats', NULL, 102)$$, 'or expired');
ROLLBACK TO s;
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'goat';
SELECT is_empty($$SELECT * FROM trackagoat.scrape_targets('video_stats', NULL, 102)$$, 'or its creator is disabled');
ROLLBACK TO s;

--
-- finish_scrape: success
--
SELECT trackagoat.scrape_video(:'v101') AS job \gset
SELECT is(pg_temp.finish(pg_temp.claim('video_stats', '101'), 'ok', '{}'), 'ok', 'success');
SELECT ok(due_at IS NULL AND leased_until IS NULL AND leased_at IS NULL AND leased_by IS NULL AND attempts = 0 AND priority = 0 AND last_outcome = 'ok'
	AND last_success_at > now() AND next_at - last_success_at BETWEEN '12 hours -1 second' AND '36 hours', 'leaves the job until its next time') FROM pg_temp.job('video_stats', '101') j;
SELECT ok(finished_at > started_at AND outcome = 'ok' AND http_status = 200 AND body_bytes = 1000 AND next_attempt_at IS NULL AND host_paused_until IS NULL, 'the attempt says so, and the host is open')
FROM trackagoat.scrape_attempt ORDER BY id DESC LIMIT 1;
-- several organizations: the shortest interval holds
SELECT trackagoat.scrape_creator(:'goat') AS job \gset
SELECT pg_temp.finish(pg_temp.claim('creator_profile', 'goat'), 'ok', pg_temp.profile(42)) AS pause \gset
SELECT ok(next_at - last_success_at BETWEEN '1 hour -1 second' AND '3 hours', 'the most eager organization sets the interval') FROM pg_temp.job('creator_profile', 'goat') j;
-- asked for again while in flight: after that
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
SELECT trackagoat.scrape_video(:'v101') AS job \gset
SELECT pg_temp.finish(:attempt, 'ok', '{}') AS pause \gset
SELECT ok(due_at IS NOT NULL AND leased_until IS NULL, 'a request that came while the job was in flight is not lost') FROM pg_temp.job('video_stats', '101') j;
-- an attempt ends once
SELECT is(pg_temp.finish(:attempt, 'blocked'), 'blocked', 'a late answer of an ended attempt');
SELECT is(outcome || coalesce(host_paused_until::text, ''), 'ok', 'changes neither the attempt') FROM trackagoat.scrape_attempt WHERE id = :attempt;
SELECT is((pg_temp.job('video_stats', '101')).last_outcome, 'ok', 'nor the job');
SELECT throws_ok(format('SELECT trackagoat.finish_scrape(%s, %L, NULL, NULL, NULL, NULL, NULL)', :attempt, 'no such outcome'), 'P0002', NULL, 'an outcome is one of the table');
-- nobody wants it any more
SELECT pg_temp.claim('video_stats', '103') AS attempt FROM trackagoat.queue_scrape('video_stats', NULL, 103, now()) \gset
DELETE FROM trackagoat.video WHERE tiktok_video_id = 103;
SELECT pg_temp.finish(:attempt, 'ok', '{}') AS pause \gset
UPDATE trackagoat.scrape_job SET due_at = NULL;
SELECT ok(trackagoat.enqueue_due(clock_timestamp()) > 0, 'a job whose target went away in flight comes up again');
SELECT is(count(*), 0::bigint, 'is not fetched') FROM trackagoat.claim_scrapes(10, '1 minute') WHERE tiktok_video_id = 103;
SELECT is((pg_temp.job('video_stats', '103')).id, NULL, 'and goes away');

--
-- release_scrapes: workers that are gone or over their lease
--
UPDATE trackagoat.scrape_job SET attempts = 0;
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
SELECT is(trackagoat.release_scrapes(), 0, 'a lease that lives is left alone');
UPDATE trackagoat.scrape_job SET leased_until = now() - interval '1 second' WHERE leased_until IS NOT NULL;
SELECT is(trackagoat.release_scrapes(), 1, 'one that is over is given back');
SELECT is((a.outcome, j.last_outcome, j.leased_until, j.attempts)::text, '(interrupted,interrupted,,1)', 'as interrupted') FROM trackagoat.scrape_attempt a, pg_temp.job('video_stats', '101') j WHERE a.id = :attempt;
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
UPDATE trackagoat.scrape_job SET leased_by = 2147483647 WHERE leased_until IS NOT NULL;
SELECT is(trackagoat.release_scrapes(), 1, 'so is one of a process that is gone');
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
DELETE FROM trackagoat.scrape_attempt;
UPDATE trackagoat.scrape_job SET leased_until = now() - interval '1 second' WHERE leased_until IS NOT NULL;
SELECT is(trackagoat.release_scrapes(), 1, 'even where its attempt is gone');
SELECT is(count(*), 0::bigint, 'no lease is left') FROM trackagoat.scrape_job WHERE leased_until IS NOT NULL;

--
-- store_scrape: profiles
--
-- as if the renaming above had been long ago
UPDATE trackagoat.creator SET baseline_at = '-infinity';
DELETE FROM trackagoat.creator_history;
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'second', 'goat') RETURNING id AS twin \gset
SELECT is(trackagoat.store_scrape(:'org', 'creator_profile', 'GOAT', NULL, '2026-02-01Z', pg_temp.profile(42, 1000,
	'{"sec_uid": "MS4wLjABAAAA_new", "display_name": "Goat", "bio": "Baa", "avatar_url": "https://a", "verified": true, "private": false, "following_count": 5, "total_likes_count": 70000000000, "video_count": 9}')), 'ok', 'a profile is stored');
SELECT is((tiktok_account_id, tiktok_sec_uid, display_name, bio, is_verified, is_private, follower_count, total_likes_count, last_scraped_at, tiktok_handle)::text,
	(42, 'MS4wLjABAAAA_new', 'Goat', 'Baa', true, false, 1000, 70000000000, '2026-02-01Z'::timestamptz, 'goat')::text, 'in every creator of the organization that has the handle')
FROM trackagoat.creator WHERE id IN (:'goat', :'twin');
SELECT is((follower_count, exact, source)::text, '(1000,t,profile)', 'with its source in the history') FROM trackagoat.creator_snapshot WHERE creator_id = :'twin';
SELECT is(num_nonnulls(tiktok_account_id, follower_count, last_scraped_at), 0, 'and in none of another organization') FROM trackagoat.creator WHERE id = :'busy_goat';
SELECT is(updated_at, created_at, 'a scrape does not move updated_at') FROM trackagoat.creator WHERE id = :'twin';
SELECT is(trackagoat.store_scrape(:'org', 'creator_profile', 'goat', NULL, '2026-02-02Z', pg_temp.profile(42, NULL, '{"bio": null}')), 'ok', 'a page that shows less');
SELECT is((bio, follower_count, tiktok_sec_uid, last_scraped_at)::text, ('Baa', 1000, 'MS4wLjABAAAA_new', '2026-02-02Z'::timestamptz)::text, 'takes nothing away') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(trackagoat.store_scrape(:'org', 'creator_profile', 'goat', NULL, '2026-02-02 12:00Z', pg_temp.profile(NULL, 1001)), 'ok', 'a page without the account''s id is of this account');
SELECT is((tiktok_account_id, follower_count)::text, '(42,1001)', 'whose id stays') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(trackagoat.store_scrape(:'org', 'creator_profile', 'goat', NULL, '2026-02-02 13:00Z', pg_temp.profile(42, 1000) || '{"account": null}'), 'ok', 'even one without an account');
SELECT is((tiktok_account_id, follower_count)::text, '(42,1001)', 'takes nothing away') FROM trackagoat.creator WHERE id = :'goat';

-- what a rounded number says of a counter that is known
SELECT results_eq($$SELECT trackagoat.settled_count(s, k, e) FROM (VALUES (1, 38500::bigint, 38490::bigint, false), (2, 38500, 38410, false), (3, 38500, 38400, false),
	(4, 38500, 38600, false), (5, 38500, 38599, false), (6, 9999, 9998, false), (7, 1400000, 1354097, false), (8, 1400000, 1250000, false), (9, 2300000000, 2345678901, false),
	(10, 38500, NULL, false), (11, NULL, 5, false), (12, 38500, 38490, true), (13, 0, 9223372036854775807, false)) v (n, s, k, e) ORDER BY n$$,
	ARRAY[38490, 38410, 38500, 38500, 38599, 9999, 1354097, 1400000, 2345678901, 38500, NULL, 38500, 0]::bigint[],
	'a rounded number that agrees with the one that is known leaves it, any other holds');
SELECT trackagoat.store_scrape(:'org', 'creator_profile', 'goat', NULL, '2026-02-02 14:00Z', pg_temp.profile(42, 38490)) AS exact,
	trackagoat.store_scrape(:'org', 'creator_profile', 'goat', NULL, '2026-02-02 15:00Z', pg_temp.profile(42, 38500) || '{"exact": false, "source": "embed_profile"}') AS rounded \gset
SELECT is((follower_count, exact, source)::text, '(38490,f,embed_profile)', 'it keeps its source and precision') FROM trackagoat.creator_snapshot WHERE creator_id = :'goat' ORDER BY observed_at DESC LIMIT 1;
SELECT is(follower_count, 38490::bigint, 'and the exact number stands') FROM trackagoat.creator WHERE id = :'goat';
SELECT trackagoat.store_scrape(:'org', 'creator_profile', 'goat', NULL, '2026-02-02 16:00Z', pg_temp.profile(42, 1001)) AS back \gset

-- another account has the handle: nothing of it is stored
CREATE TEMP TABLE before AS SELECT * FROM trackagoat.creator;
SELECT is(trackagoat.store_scrape(:'org', 'creator_profile', 'goat', NULL, '2026-02-03Z', pg_temp.profile(666, 5, '{"sec_uid": "MS4wLjABAAAAwolf", "display_name": "Wolf"}')), 'account_changed', 'another account is not stored');
SELECT is((SELECT string_agg(DISTINCT other_account_id::text, ' ') FROM trackagoat.creator), '666', 'but that it is another');
UPDATE trackagoat.creator SET other_account_id = NULL;
SELECT results_eq('SELECT c::text FROM trackagoat.creator c ORDER BY id', 'SELECT b::text FROM before b ORDER BY id', 'in any creator');
SELECT is(count(*), 0::bigint, 'nor in the history') FROM trackagoat.creator_snapshot WHERE observed_at = '2026-02-03Z';
UPDATE trackagoat.creator SET tiktok_account_id = 666 WHERE id = :'twin';
SELECT is(trackagoat.store_scrape(:'org', 'creator_profile', 'goat', NULL, '2026-02-04Z', pg_temp.profile(666, 5)), 'ok', 'unless one creator is of that account');
SELECT is(array_agg(follower_count ORDER BY follower_count), ARRAY[5, 1001]::bigint[], 'which alone gets it') FROM trackagoat.creator WHERE id IN (:'goat', :'twin');
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'twin';
SELECT is(trackagoat.store_scrape(:'org', 'creator_profile', 'goat', NULL, '2026-02-05Z', pg_temp.profile(666, 6)), 'account_changed', 'a disabled creator gets nothing');
DELETE FROM trackagoat.creator WHERE id = :'twin';

--
-- store_scrape: videos found
--
UPDATE trackagoat.creator SET tracking_start_date = '2026-01-10' WHERE id = :'goat';
INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_mode, tracking_start_date) VALUES (:'second', 'goat', 'selective', '2026-01-12') RETURNING id AS picky \gset
UPDATE trackagoat.creator SET tiktok_account_id = 42 WHERE id = :'picky';
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'R') RETURNING id AS third \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_start_date) VALUES (:'third', 'goat', '2026-01-01') RETURNING id AS unknown \gset
DELETE FROM trackagoat.video WHERE creator_id = :'goat';
-- 2026-01-10 begins in Kiritimati at 10:00 UTC of the day before
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-01Z', pg_temp.listing(jsonb_build_array(
	pg_temp.video(301, '2026-01-09 09:59:59Z', 10), pg_temp.video(302, '2026-01-09 10:00:00Z', 20), pg_temp.video(303, '2026-01-12Z', 30,
		'{"title": "T", "hashtags": ["a", "b"], "duration": 12, "thumbnail_url": "https://t", "is_ad": true, "kind": "photo", "like_count": 3, "tiktok_handle": "Goat"}'),
	pg_temp.video(304, '2020-01-01Z', 40, '{"is_pinned": true}'), pg_temp.video(303, '2026-01-12Z', 30)), NULL, NULL, 42)), 'ok', 'a page of videos is stored');
SELECT results_eq(format('SELECT tiktok_video_id, tracking_status::text, view_count FROM trackagoat.video WHERE creator_id = %L ORDER BY 1', :'goat'),
	$$VALUES (302::bigint, 'auto_tracked', 20::bigint), (303, 'auto_tracked', 30)$$, 'those posted since the tracking start in the zone of the organization; no pinned older one; each once');
SELECT results_eq(format('SELECT tiktok_video_id, tracking_status::text, view_count FROM trackagoat.video WHERE creator_id = %L ORDER BY 1', :'picky'),
	$$VALUES (303::bigint, 'pending_review', 30::bigint)$$, 'in selective mode they wait for review, from that creator''s start on');
SELECT is((title, kind, hashtags, duration, thumbnail_url, is_ad, like_count, comment_count, tiktok_handle)::text, '(T,photo,"{a,b}",12,https://t,t,3,,Goat)', 'with all that the page shows')
FROM trackagoat.video WHERE creator_id = :'goat' AND tiktok_video_id = 303;
SELECT is((exact, source)::text, '(f,item_list)', 'rounded numbers are marked so') FROM trackagoat.video_snapshot h JOIN trackagoat.video v ON v.id = video_id WHERE tiktok_video_id = 302;
SELECT is(count(*), 0::bigint, 'a creator whose account is not known yet gets none') FROM trackagoat.video WHERE creator_id = :'unknown';
DELETE FROM trackagoat.creator WHERE id = :'unknown';
SELECT is(count(*), 0::bigint, 'other organizations are left alone') FROM trackagoat.video WHERE org_id = :'busy';
SELECT is((j.due_at, j.next_at)::text, (NULL::timestamptz, trackagoat.scrape_slot('video_stats', NULL, 303, '1 day', now() + interval '12 hours'))::text, 'a new video is left to the schedule, as one that was just fetched') FROM pg_temp.job('video_stats', '303') j;
-- the next page overlaps by one; statuses that people gave stay
UPDATE trackagoat.video SET tracking_status = 'excluded' WHERE creator_id = :'goat' AND tiktok_video_id = 303;
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-02Z', pg_temp.listing(jsonb_build_array(pg_temp.video(303, '2026-01-12Z', 31), pg_temp.video(305, '2026-01-11Z', 50)))), 'ok', 'an overlapping page');
SELECT results_eq(format('SELECT tiktok_video_id, tracking_status::text, view_count FROM trackagoat.video WHERE creator_id = %L ORDER BY 1', :'goat'),
	$$VALUES (302::bigint, 'auto_tracked', 20::bigint), (303, 'excluded', 31), (305, 'auto_tracked', 50)$$, 'brings in the new one and refreshes the other');
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-02Z', pg_temp.listing(jsonb_build_array(pg_temp.video(303, '2026-01-12Z', 31), pg_temp.video(305, '2026-01-11Z', 50)))), 'ok', 'the same page again');
SELECT is(count(*), 3::bigint, 'changes nothing') FROM trackagoat.video_snapshot h JOIN trackagoat.video v ON v.id = video_id WHERE creator_id = :'goat' AND observed_at = '2026-02-02Z' OR creator_id = :'picky' AND observed_at = '2026-02-02Z';
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-02Z', pg_temp.listing(jsonb_build_array(pg_temp.video(306, '2026-01-20Z')), NULL, NULL, 666)), 'account_changed', 'a page of another account');
SELECT is(count(*), 0::bigint, 'brings in nothing') FROM trackagoat.video WHERE tiktok_video_id = 306;
UPDATE trackagoat.creator SET tiktok_account_id = 666 WHERE id = :'picky';
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-02Z', pg_temp.listing(jsonb_build_array(pg_temp.video(306, '2026-01-20Z')), NULL, NULL, 666)), 'ok', 'unless one creator is of it');
SELECT is(array_agg(creator_id), ARRAY[:'picky'::uuid], 'which alone gets it') FROM trackagoat.video WHERE tiktok_video_id = 306;
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-03Z', pg_temp.listing(jsonb_build_array(
	pg_temp.video(7610426235671350549, NULL, 1)), NULL, NULL, 42)), 'ok', 'a video without time of posting');
SELECT is(posted_at, to_timestamp(1771940438), 'has that of its id') FROM trackagoat.video WHERE creator_id = :'goat' AND tiktok_video_id = 7610426235671350549;
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-03Z', pg_temp.listing('[]')), 'ok', 'a page of no videos');
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'picky';
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-04Z', pg_temp.listing(jsonb_build_array(pg_temp.video(307, '2026-01-21Z')))), 'ok', 'after one of two creators was removed');
SELECT is(array_agg(creator_id), ARRAY[:'goat'::uuid], 'the other still gets its videos') FROM trackagoat.video WHERE tiktok_video_id = 307;

-- the owner's triggers see each video that is found, and what they make of it holds
CREATE TEMP TABLE found (tiktok_video_id bigint, had_creator boolean);
CREATE FUNCTION pg_temp.owner_rule() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
	IF TG_WHEN = 'BEFORE' THEN
		NEW.tracking_status := CASE WHEN NEW.tiktok_video_id = 321 THEN 'excluded' ELSE NEW.tracking_status END;
		RETURN CASE WHEN NEW.tiktok_video_id <> 323 THEN NEW END;
	END IF;
	INSERT INTO found VALUES (NEW.tiktok_video_id, NEW.creator_id IS NOT NULL);
	UPDATE trackagoat.video v SET tracking_status = 'excluded' WHERE v.id = NEW.id AND NEW.tiktok_video_id = 322;
	INSERT INTO trackagoat.video (project_id, tiktok_video_id) SELECT NEW.project_id, 1320 WHERE NEW.tiktok_video_id = 320;
	RETURN NULL;
END
$$;
CREATE TRIGGER owner_before BEFORE INSERT ON trackagoat.video FOR EACH ROW EXECUTE FUNCTION pg_temp.owner_rule();
CREATE TRIGGER owner_after AFTER INSERT ON trackagoat.video FOR EACH ROW EXECUTE FUNCTION pg_temp.owner_rule();
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-04Z', pg_temp.listing((SELECT jsonb_agg(pg_temp.video(n, '2026-01-22Z', n)) FROM generate_series(320, 323) n))), 'ok', 'videos that triggers of the owner change');
SELECT results_eq('SELECT tiktok_video_id, had_creator FROM found ORDER BY 1', 'VALUES (320::bigint, true), (321, true), (322, true), (1320, false)', 'which see each as it is stored');
SELECT results_eq('SELECT tiktok_video_id, tracking_status::text, view_count FROM trackagoat.video WHERE tiktok_video_id % 1000 BETWEEN 320 AND 323 ORDER BY 1',
	$$VALUES (320::bigint, 'auto_tracked', 320::bigint), (321, 'excluded', 321), (322, 'excluded', 322), (1320, 'direct_add', NULL)$$, 'are stored as these will have them');
SELECT is(array_agg(j.tiktok_video_id ORDER BY j.tiktok_video_id), ARRAY[320, 1320]::bigint[], 'and fetched if they still are to be') FROM trackagoat.scrape_job j WHERE j.tiktok_video_id % 1000 BETWEEN 320 AND 323;
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'the totals count them so');
DROP TRIGGER owner_before ON trackagoat.video;
DROP TRIGGER owner_after ON trackagoat.video;
DELETE FROM trackagoat.video WHERE tiktok_video_id % 1000 BETWEEN 320 AND 323;

-- what is known already is written where it differs
CREATE TEMP TABLE kept AS SELECT ctid AS place, tiktok_video_id FROM trackagoat.video WHERE creator_id = :'goat';
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'goat', NULL, '2026-02-04Z', pg_temp.listing(jsonb_build_array(pg_temp.video(307, '2026-01-21Z')))), 'ok', 'a page that was seen already');
SELECT is(count(*), 0::bigint, 'writes no video anew') FROM trackagoat.video v JOIN kept k USING (tiktok_video_id) WHERE v.creator_id = :'goat' AND v.ctid <> k.place;

-- a single video, which finds its creator by the author's handle
INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'project', 401), (:'second', 401), (:'busy_project', 401);
SELECT is(trackagoat.store_scrape(:'org', 'video_stats', NULL, 401, '2026-02-05Z', pg_temp.listing(jsonb_build_array(
	pg_temp.video(401, '2026-01-01Z', 77, '{"tiktok_handle": "goat", "save_count": 0}')))), 'ok', 'the page of a video is stored');
SELECT results_eq($$SELECT p.name, v.view_count, v.save_count, v.like_count, v.tracking_status::text, v.creator_id IS NOT NULL FROM trackagoat.video v JOIN trackagoat.project p ON p.id = v.project_id WHERE tiktok_video_id = 401 ORDER BY 1$$,
	$$VALUES ('B', NULL::bigint, NULL::bigint, NULL::bigint, 'direct_add', false), ('P', 77, 0, NULL, 'direct_add', true), ('Q', 77, 0, NULL, 'direct_add', false)$$,
	'in both projects of the organization, however old; its creator is found among those that are not removed');
SELECT is(trackagoat.store_scrape(:'org', 'video_stats', NULL, 402, '2026-02-05Z', pg_temp.listing(jsonb_build_array(pg_temp.video(402, '2026-01-01Z', 1)))), 'ok', 'a video that nobody has');
SELECT is(count(*), 0::bigint, 'is not made') FROM trackagoat.video WHERE tiktok_video_id = 402;
SELECT throws_ok(format('SELECT trackagoat.store_scrape(%L, %L, NULL, 401, now(), %L)', :'org', 'video_stats', pg_temp.listing(jsonb_build_array(pg_temp.video(401, '2026-01-01Z', -1)))), '23514', NULL, 'a negative count is refused');
-- whose counters came with a page is not fetched by itself for another interval
UPDATE trackagoat.scrape_job SET due_at = NULL, next_at = now(), last_success_at = NULL WHERE kind = 'video_stats';
SELECT is(trackagoat.postpone_videos(pg_temp.listing(jsonb_build_array(pg_temp.video(302, now()), pg_temp.video(401, now()), pg_temp.video(999, now())))), 2, 'two of a page are postponed');
SELECT ok((pg_temp.job('video_stats', '302')).next_at BETWEEN now() + interval '12 hours' AND clock_timestamp() + interval '36 hours', 'to its slot after half a day');
SELECT ok((pg_temp.job('video_stats', '401')).next_at BETWEEN now() + interval '90 minutes' AND clock_timestamp() + interval '4.5 hours', 'or three hours, where someone wants that');
SELECT is((pg_temp.job('video_stats', '303')).next_at, now(), 'a video of no page keeps its time');
SELECT is(trackagoat.postpone_videos(NULL), 0, 'no page postpones nothing');

--
-- Listing: page after page back to the tracking start, then only what is new
--
DELETE FROM trackagoat.scrape_attempt;
DELETE FROM trackagoat.scrape_job;
UPDATE trackagoat.creator SET removed_at = now() WHERE id IN (:'picky', :'busy_goat');
UPDATE trackagoat.creator SET tracking_start_date = (now() AT TIME ZONE 'Pacific/Kiritimati')::date - 30 WHERE id = :'goat';
SELECT trackagoat.queue_scrape('discover_videos', 'goat', NULL, now(), now()) AS job \gset
CREATE FUNCTION pg_temp.listing_job() RETURNS trackagoat.scrape_job LANGUAGE sql AS $$ SELECT pg_temp.job('discover_videos', 'goat') $$;
-- one page, by days ago: where it ends, whether there is more, its newest video; answers the outcome
CREATE FUNCTION pg_temp.turn(days_ago numeric, has_more boolean, newest numeric DEFAULT NULL, is_pinned boolean DEFAULT false, outcome text DEFAULT 'ok') RETURNS text LANGUAGE plpgsql AS
$$
#variable_conflict use_variable
DECLARE
	t timestamptz := date_trunc('milliseconds', now());
	claimed bigint;
BEGIN
	UPDATE trackagoat.scrape_job j SET sec_uid = 'MS4wLjABAAAA_goat-1' WHERE j.kind = 'discover_videos';
	claimed := pg_temp.claim('discover_videos', 'goat');
	PERFORM pg_temp.finish(claimed, outcome, pg_temp.listing(
		CASE WHEN newest IS NULL THEN '[]' ELSE jsonb_build_array(pg_temp.video(1, t - newest * interval '1 day', 1, jsonb_build_object('is_pinned', is_pinned))) END,
		t - days_ago * interval '1 day', has_more));
	RETURN (SELECT a.outcome FROM trackagoat.scrape_attempt a WHERE a.id = claimed);
END
$$;
-- where the listing goes on, in days ago; NULL at the newest video
CREATE FUNCTION pg_temp.goes_on() RETURNS numeric LANGUAGE sql AS
$$ SELECT round(extract(epoch FROM now() - to_timestamp(list_cursor / 1000.0)) / 86400, 3) FROM pg_temp.listing_job() j $$;

SELECT is(pg_temp.turn(5, true, 0.1), 'ok', 'the first page');
SELECT ok(pg_temp.goes_on() = 5 AND due_at <= clock_timestamp() AND listed_at IS NULL AND list_started_at > now() AND attempts = 0 AND priority = 0,
	'the listing goes on at once where the page ended') FROM pg_temp.listing_job() j;
SELECT (pg_temp.listing_job()).list_started_at AS started \gset
SELECT is(list_cursor, trunc(extract(epoch FROM date_trunc('milliseconds', now()) - interval '5 days') * 1000)::bigint, 'the next claim brings the cursor')
FROM trackagoat.claim_scrapes(1, '1 minute');
SELECT pg_temp.finish(max(id), 'timeout') AS pause FROM trackagoat.scrape_attempt \gset
SELECT is(pg_temp.goes_on(), 5::numeric, 'a failure does not lose it');
SELECT is(pg_temp.turn(NULL, true), 'ok', 'an empty page');
SELECT is((pg_temp.goes_on(), list_empty_pages)::text, '(12.000,1)', 'is not the end: the listing steps back a week') FROM pg_temp.listing_job() j;
SELECT is(pg_temp.turn(12, true, 12), 'ok', 'a page that ends where it began has only the item that both share');
SELECT is((pg_temp.goes_on(), list_empty_pages)::text, '(19.000,2)', 'and counts as empty') FROM pg_temp.listing_job() j;
SELECT is(pg_temp.turn(5, true, 0.1), 'repeated_page', 'a page with newer videos than were asked for is the same page again');
SELECT ok(pg_temp.goes_on() = 19 AND due_at > clock_timestamp() + interval '59 minutes' AND attempts = 1 AND last_outcome = 'repeated_page',
	'which is a failure, and waits') FROM pg_temp.listing_job() j;
SELECT is(pg_temp.turn(25, NULL, 3, true), 'ok', 'a page that does not say whether there is more, with a pinned newer video');
SELECT ok(pg_temp.goes_on() = 25 AND list_empty_pages = 0 AND list_started_at = :'started', 'is gone on from') FROM pg_temp.listing_job() j;
SELECT is(pg_temp.turn(32, true, 26), 'ok', 'a page beyond the tracking start');
SELECT ok(list_cursor IS NULL AND list_started_at IS NULL AND due_at IS NULL AND listed_at = :'started' AND next_at = trackagoat.scrape_slot('discover_videos', 'goat', NULL, '6 hours', :'started'::timestamptz + interval '3 hours'),
	'ends the listing') FROM pg_temp.listing_job() j;

-- the second listing: a day further back than the first began, for what was posted meanwhile
SELECT is(pg_temp.turn(0.8, true, 0.1), 'ok', 'the second listing');
SELECT is(pg_temp.goes_on(), 0.8, 'goes on within a day of the first');
SELECT is(pg_temp.turn(1.1, true, 0.9), 'ok', 'and past it');
SELECT ok(list_cursor IS NULL AND due_at IS NULL AND listed_at > :'started', 'ends') FROM pg_temp.listing_job() j;
-- an earlier start date: what the listings have not reached yet
UPDATE trackagoat.creator SET tracking_start_date = tracking_start_date - 30 WHERE id = :'goat';
SELECT is(pg_temp.turn(31, true, 0.1), 'ok', 'after the start was moved back');
SELECT is(pg_temp.goes_on(), 31::numeric, 'the listing goes on past the old one');
SELECT is(pg_temp.turn(62, true, 31), 'ok', 'to the new');
SELECT ok(list_cursor IS NULL AND listed_at > :'started', 'and ends there') FROM pg_temp.listing_job() j;
SELECT is(pg_temp.turn(2, true, 0.1), 'ok', 'the next');
SELECT is(pg_temp.goes_on(), NULL, 'is short again');
-- a project that comes while a listing is under way has not seen its first pages
SELECT is(pg_temp.turn(0.5, true, 0.1), 'ok', 'a listing under way');
UPDATE trackagoat.creator SET removed_at = NULL, disabled_at = NULL, tracking_start_date = (now() AT TIME ZONE 'Pacific/Kiritimati')::date - 10
WHERE project_id = :'second' AND tiktok_handle OPERATOR(trackagoat.=) 'goat' RETURNING id AS newcomer \gset
-- its videos, which are due again, would have the listing go on
DELETE FROM trackagoat.scrape_job WHERE kind = 'video_stats';
SELECT is(pg_temp.turn(12, true, 0.6), 'ok', 'is joined by another project');
SELECT ok(list_cursor IS NULL AND due_at <= clock_timestamp(), 'for which the next begins at once') FROM pg_temp.listing_job() j;
SELECT is(pg_temp.turn(5, true, 0.1), 'ok', 'whose listing');
SELECT is(pg_temp.goes_on(), 5::numeric, 'goes back to its own start');
SELECT is(pg_temp.turn(12, true, 6), 'ok', 'and no further');
SELECT ok(list_cursor IS NULL AND due_at IS NULL, 'and all are served') FROM pg_temp.listing_job() j;
DELETE FROM trackagoat.creator WHERE id = :'newcomer';
-- a page that could not be stored everywhere: gone on from, but the listing covers nobody
UPDATE trackagoat.scrape_job SET listed_at = '2001-01-01';
SELECT is(pg_temp.turn(5, true, 0.1, outcome => 'partly_stored'), 'partly_stored', 'a page that not everybody could store');
SELECT ok(pg_temp.goes_on() = 5 AND due_at <= clock_timestamp() AND list_has_gaps, 'is gone on from at once') FROM pg_temp.listing_job() j;
SELECT is(pg_temp.turn(62, true, 5), 'ok', 'the last page is stored');
SELECT ok(list_cursor IS NULL AND listed_at = '2001-01-01' AND NOT list_has_gaps, 'but what this listing saw is not counted on') FROM pg_temp.listing_job() j;
-- what else ends a listing
UPDATE trackagoat.scrape_job SET listed_at = NULL;
SELECT is(pg_temp.turn(1, false, 0.1), 'ok', 'a page that says it is the last');
SELECT ok(list_cursor IS NULL AND listed_at IS NOT NULL, 'is the end') FROM pg_temp.listing_job() j;
UPDATE trackagoat.scrape_job SET listed_at = NULL;
SELECT is(string_agg(pg_temp.turn(NULL, true), ' '), 'ok ok ok ok ok ok ok ok ok', 'an account that says "more" for ever and shows nothing') FROM generate_series(1, 9);
SELECT ok(list_cursor IS NULL AND list_empty_pages = 0 AND listed_at IS NOT NULL, 'is left at the tracking start') FROM pg_temp.listing_job() j;
UPDATE trackagoat.scrape_job SET listed_at = NULL;
SELECT is(string_agg(pg_temp.turn(NULL, NULL), ' '), 'ok ok ok ok ok', 'one that says and shows nothing') FROM generate_series(1, 5);
SELECT ok(listed_at IS NULL AND list_cursor IS NULL AND due_at IS NULL AND list_empty_pages = 0, 'is given up after four weeks, which is no listing') FROM pg_temp.listing_job() j;
-- the creator went away in between
UPDATE trackagoat.scrape_job SET list_cursor = NULL, list_started_at = NULL, list_empty_pages = 0;
SELECT is(pg_temp.turn(5, true, 0.1), 'ok', 'a listing under way');
SELECT pg_temp.claim('discover_videos', 'goat') AS attempt \gset
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'goat';
SELECT lives_ok(format('SELECT pg_temp.finish(%s, %L, %L)', :attempt, 'ok', pg_temp.listing('[]', now() - interval '6 days', true)), 'survives that its creator was removed');
SELECT is(count(*), 0::bigint, 'is not gone on with') FROM trackagoat.claim_scrapes(10, '1 minute') WHERE kind = 'discover_videos';
SELECT is((pg_temp.listing_job()).id, NULL, 'and its job goes away');
UPDATE trackagoat.creator SET removed_at = NULL WHERE id = :'goat';

-- the queue at a glance
DELETE FROM trackagoat.scrape_job;
SELECT trackagoat.queue_scrape('video_stats', NULL, n, due) FROM (VALUES (1, now() - interval '2 hours'), (2, now() + interval '1 hour'), (3, NULL)) v (n, due);
UPDATE trackagoat.scrape_job SET next_at = now() + interval '1 day' WHERE due_at IS NULL;
SELECT trackagoat.queue_scrape('video_stats', NULL, 4, NULL) AS dead \gset
UPDATE trackagoat.scrape_job SET dead_at = now(), dead_reason = 'unreadable: Baa', next_at = NULL, last_outcome = 'unreadable' WHERE id = :'dead';
SELECT is((kind, jobs, scheduled, waiting, in_flight, retrying, dead, oldest_wait, next_scheduled)::text,
	('video_stats', 4, 1, 1, 0, 1, 1, interval '2 hours', now() + interval '1 day')::text, 'scrape_status says what waits') FROM trackagoat.scrape_status WHERE kind = 'video_stats';
SELECT is((jobs, waiting, oldest_wait)::text, '(0,0,)', 'and of each kind, even that nothing does') FROM trackagoat.scrape_status WHERE kind = 'video_link';
SELECT is((id, outcome, reason)::text, (:'dead', 'unreadable', 'unreadable: Baa')::text, 'dead letters have their view') FROM trackagoat.scrape_dead_letter;

SELECT * FROM finish();
ROLLBACK;
