-- observe_videos() and observe_creators(): the one way in for numbers.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

INSERT INTO trackagoat.organization (name) VALUES ('O') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'goat') RETURNING id AS goat \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id) VALUES (:'goat', 1) RETURNING id AS one \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id) VALUES (:'goat', 2) RETURNING id AS two \gset
CREATE FUNCTION pg_temp.now_of(video bigint) RETURNS text LANGUAGE sql AS
$$ SELECT (view_count, like_count, comment_count, share_count, save_count)::text FROM trackagoat.video WHERE tiktok_video_id = now_of.video $$;

-- one observation
SELECT is(trackagoat.observe_video(:'one', '2026-01-02 00:00Z', 100, 10, 1, 2, 3), 1, 'one point is stored');
SELECT is(pg_temp.now_of(1), '(100,10,1,2,3)', 'and is the current state');
SELECT is((org_id, observed_at AT TIME ZONE 'UTC', view_count, like_count, comment_count, share_count, save_count, exact, source)::text,
	format('(%s,"2026-01-02 00:00:00",100,10,1,2,3,t,import)', :'org'), 'with its source') FROM trackagoat.video_snapshot WHERE video_id = :'one';
SELECT is(last_observed_at, '2026-01-02 00:00Z', 'and its time') FROM trackagoat.video WHERE id = :'one';
SELECT is(pg_temp.now_of(2), '(,,,,)', 'another video is not touched');

-- any order of time: an older one goes into the history only
SELECT is(trackagoat.observe_video(:'one', '2026-01-01 00:00Z', 50, 5, 0, 0, 0), 1, 'an older one is stored');
SELECT is(pg_temp.now_of(1), '(100,10,1,2,3)', 'and is not the current state');
SELECT is(last_observed_at, '2026-01-02 00:00Z', 'nor moves the time') FROM trackagoat.video WHERE id = :'one';
-- counters may fall, and 0 is a number
SELECT trackagoat.observe_video(:'one', '2026-01-03 00:00Z', 90, 0, 1, 2, 3) AS n \gset
SELECT is(pg_temp.now_of(1), '(90,0,1,2,3)', 'counters may fall, to 0 too');
-- NULL is not known: what was known stays
SELECT trackagoat.observe_video(:'one', '2026-01-04 00:00Z', 120, NULL, NULL, NULL, NULL) AS n \gset
SELECT is(pg_temp.now_of(1), '(120,0,1,2,3)', 'a counter that a source does not show stays as it was');
SELECT is((view_count, like_count)::text, '(120,)', 'and is NULL in the history, not 0') FROM trackagoat.video_snapshot WHERE video_id = :'one' AND observed_at = '2026-01-04 00:00Z';
SELECT trackagoat.observe_video(:'one', '2026-01-03 12:00Z', 110, 7, NULL, NULL, NULL) AS n \gset
SELECT is(pg_temp.now_of(1), '(120,7,1,2,3)', 'of each counter the newest that is known');
SELECT trackagoat.observe_video(:'one', '2026-01-05 00:00Z', NULL, NULL, NULL, NULL, NULL) AS n \gset
SELECT is(pg_temp.now_of(1), '(120,7,1,2,3)', 'nothing known changes nothing');
SELECT is(last_observed_at, '2026-01-05 00:00Z', 'but when it was seen') FROM trackagoat.video WHERE id = :'one';

-- the same moment again: one point, which learns and is corrected
SELECT is(trackagoat.observe_video(:'one', '2026-01-04 00:00Z', 121, 9, NULL, NULL, NULL, 'item_list', false), 1, 'the same moment is stored');
SELECT is((view_count, like_count, comment_count, exact, source)::text, '(121,9,,f,item_list)', 'over the point that is there') FROM trackagoat.video_snapshot WHERE video_id = :'one' AND observed_at = '2026-01-04 00:00Z';
SELECT is(pg_temp.now_of(1), '(121,9,1,2,3)', 'and current');
SELECT is(count(*), 6::bigint, 'one point a moment') FROM trackagoat.video_snapshot WHERE video_id = :'one';
SELECT is(updated_at, created_at, 'no observation moves updated_at') FROM trackagoat.video WHERE id = :'one';

-- the largest count
SELECT trackagoat.observe_video(:'two', now(), 9223372036854775807, 0, 0, 0, 0) AS n \gset
SELECT is(pg_temp.now_of(2), '(9223372036854775807,0,0,0,0)', 'counts are 64 bits wide');

-- many at once
SELECT is(trackagoat.observe_videos(ARRAY[:'two', :'one', :'two']::uuid[], ARRAY['2026-02-01Z', '2026-02-01Z', '2026-02-02Z']::timestamptz[],
	ARRAY[1, 2, 3], ARRAY[4, NULL, 6], NULL, NULL, ARRAY[NULL, 8, NULL]::bigint[]), 3, 'three points of two videos');
SELECT is(pg_temp.now_of(1), '(2,9,1,2,8)', 'each has its own');
SELECT is(count(*), 3::bigint, 'and all are in the history') FROM trackagoat.video_snapshot WHERE video_id = :'two';
SELECT is(trackagoat.observe_videos(ARRAY[:'one', :'one', :'one']::uuid[], ARRAY['2026-03-01Z', '2026-03-01Z', '2026-03-01Z']::timestamptz[],
	ARRAY[5, 6, NULL], ARRAY[1, NULL, NULL], NULL, NULL, NULL), 1, 'the same video and moment three times is one point');
SELECT is((view_count, like_count)::text, '(6,1)', 'of which the last that knows a counter holds') FROM trackagoat.video_snapshot WHERE video_id = :'one' AND observed_at = '2026-03-01Z';
SELECT is(trackagoat.observe_videos('{}', '{}', '{}', '{}', '{}', '{}', '{}'), 0, 'none at all');
SELECT is(trackagoat.observe_videos('{}', '{}', NULL, NULL, NULL, NULL, NULL), 0, 'none at all without counters');

-- refusals name the reason and store nothing
SELECT throws_ok(format('SELECT trackagoat.observe_videos(%s)', a), 'PT400', 'invalid_observation', 'refused: ' || a) FROM unnest(ARRAY[
	'NULL, NULL, NULL, NULL, NULL, NULL, NULL',
	format('ARRAY[%L]::uuid[], NULL, NULL, NULL, NULL, NULL, NULL', :'one'),
	format('ARRAY[%L, NULL]::uuid[], ARRAY[now(), now()], NULL, NULL, NULL, NULL, NULL', :'one'),
	format('ARRAY[%L]::uuid[], ARRAY[NULL]::timestamptz[], NULL, NULL, NULL, NULL, NULL', :'one'),
	format('ARRAY[%L]::uuid[], ARRAY[now(), now()], NULL, NULL, NULL, NULL, NULL', :'one'),
	format('ARRAY[%L]::uuid[], ARRAY[now()], ARRAY[1, 2], NULL, NULL, NULL, NULL', :'one'),
	format('ARRAY[%L]::uuid[], ARRAY[now()], ARRAY[1], ARRAY[1], ARRAY[1], ARRAY[1], ARRAY[]::bigint[]', :'one'),
	format($$ARRAY[%L]::uuid[], ARRAY['infinity']::timestamptz[], ARRAY[1], NULL, NULL, NULL, NULL$$, :'one'),
	format($$ARRAY[%L]::uuid[], ARRAY['-infinity']::timestamptz[], ARRAY[1], NULL, NULL, NULL, NULL$$, :'one')]) a;
SELECT throws_ok('SELECT trackagoat.observe_video(gen_random_uuid(), now(), 1, 1, 1, 1, 1)', 'PT404', 'video_not_found', 'no such video');
SELECT throws_ok('SELECT trackagoat.observe_video(NULL, now(), 1, 1, 1, 1, 1)', 'PT400', 'invalid_observation', 'no video at all');
SELECT throws_ok(format('SELECT trackagoat.observe_videos(ARRAY[%L, gen_random_uuid()]::uuid[], ARRAY[now(), now()], ARRAY[7, 7], NULL, NULL, NULL, NULL)', :'one'),
	'PT404', 'video_not_found', 'one unknown video refuses all');
SELECT throws_ok(format('SELECT trackagoat.observe_video(%L, now(), -1, 1, 1, 1, 1)', :'one'), '23514', NULL, 'a negative count is refused');
SELECT throws_ok(format('SELECT trackagoat.observe_video(%L, now(), 1, 1, 1, 1, 1, NULL)', :'one'), '23502', NULL, 'a source is needed');
SELECT throws_ok(format('SELECT trackagoat.observe_video(%L, now(), 1, 1, 1, 1, 1, %L, NULL)', :'one', 'import'), '23502', NULL, 'and whether it is exact');
SELECT is(pg_temp.now_of(1), '(6,1,1,2,8)', 'nothing refused was stored');

-- creators: the same
CREATE FUNCTION pg_temp.goat() RETURNS text LANGUAGE sql AS
$$ SELECT (follower_count, following_count, total_likes_count, video_count)::text FROM trackagoat.creator WHERE tiktok_handle::text = 'goat' $$;
SELECT is(trackagoat.observe_creator(:'goat', '2026-01-02Z', 100, 10, 1000, 5), 1, 'one point of a creator');
SELECT is(trackagoat.observe_creator(:'goat', '2026-01-01Z', 90, 9, 900, 4), 1, 'an older one');
SELECT is(pg_temp.goat(), '(100,10,1000,5)', 'the newest is current');
SELECT is(trackagoat.observe_creator(:'goat', '2026-01-03Z', 99, NULL, 0, NULL, 'embed', false), 1, 'a rounded one that shows less');
SELECT is(pg_temp.goat(), '(99,10,0,5)', 'of each the newest that is known');
SELECT is((follower_count, following_count, total_likes_count, video_count, exact, source)::text, '(99,,0,,f,embed)', 'NULL stays NULL in the history') FROM trackagoat.creator_snapshot WHERE creator_id = :'goat' AND observed_at = '2026-01-03Z';
SELECT is(trackagoat.observe_creators(ARRAY[:'goat', :'goat']::uuid[], ARRAY['2026-01-03Z', '2026-01-03Z']::timestamptz[], ARRAY[101, NULL], ARRAY[NULL, 11]::bigint[], NULL, NULL), 1, 'the same moment twice');
SELECT is((follower_count, following_count, total_likes_count, exact, source)::text, '(101,11,0,t,import)', 'is one point') FROM trackagoat.creator_snapshot WHERE creator_id = :'goat' AND observed_at = '2026-01-03Z';
SELECT is(last_observed_at, '2026-01-03Z', 'the time of the newest') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(last_scraped_at, NULL, 'an import is no scrape') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(updated_at, created_at, 'and does not move updated_at') FROM trackagoat.creator WHERE id = :'goat';
SELECT throws_ok('SELECT trackagoat.observe_creator(gen_random_uuid(), now(), 1, 1, 1, 1)', 'PT404', 'creator_not_found', 'no such creator');
SELECT throws_ok(format('SELECT trackagoat.observe_creators(ARRAY[%L]::uuid[], ARRAY[now()], ARRAY[1, 2], NULL, NULL, NULL)', :'goat'), 'PT400', 'invalid_observation', 'arrays that do not match');
SELECT throws_ok(format('SELECT trackagoat.observe_creator(%L, %L, 1, 1, 1, 1)', :'goat', 'infinity'), 'PT400', 'invalid_observation', 'an infinite time');
SELECT throws_ok(format('SELECT trackagoat.observe_creator(%L, %L, 1, 1, 1, 1)', :'goat', now() + interval '2 days'), 'PT400', 'invalid_observation', 'a time to come');
SELECT throws_ok(format('SELECT trackagoat.observe_creator(%L, now(), 1, -1, 1, 1)', :'goat'), '23514', NULL, 'a negative count');

-- a past history from a table, as docs show it, in any order: the same as one by one
INSERT INTO trackagoat.video (creator_id, tiktok_video_id) VALUES (:'goat', 3) RETURNING id AS three \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id) VALUES (:'goat', 4) RETURNING id AS four \gset
CREATE TEMP TABLE past AS SELECT '2025-01-01Z'::timestamptz + d * interval '1 day' AS at, (d * 37) % 101 AS views, nullif(d % 3, 0) AS likes FROM generate_series(1, 100) d;
SELECT is(trackagoat.observe_videos(array_agg(:'three'::uuid), array_agg(at ORDER BY md5(at::text)), array_agg(views ORDER BY md5(at::text)), array_agg(likes ORDER BY md5(at::text)), NULL, NULL, NULL), 100, 'a hundred days at once') FROM past;
SELECT count(trackagoat.observe_video(:'four', at, views, likes, NULL, NULL, NULL)) AS n FROM (SELECT * FROM past ORDER BY at) p \gset
SELECT is(pg_temp.now_of(3), pg_temp.now_of(4), 'come to the same state');
SELECT bag_eq(format('SELECT observed_at, view_count, like_count FROM trackagoat.video_snapshot WHERE video_id = %L', :'three'),
	format('SELECT observed_at, view_count, like_count FROM trackagoat.video_snapshot WHERE video_id = %L', :'four'), 'and the same history');

SELECT * FROM finish();
ROLLBACK;
