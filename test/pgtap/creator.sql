-- Creators: handles, keys, times, renaming, removal.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name, timezone) VALUES ('East', 'Pacific/Kiritimati') RETURNING id AS east \gset
INSERT INTO trackagoat.organization (name, timezone) VALUES ('West', 'Pacific/Pago_Pago') RETURNING id AS west \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'east', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'east', 'Q') RETURNING id AS other \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'west', 'W') RETURNING id AS west_project \gset

-- a project and a handle are enough
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', '@Goat.Farm') RETURNING id AS goat \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'west_project', 'goat.farm') RETURNING id AS west_goat \gset
SELECT is(tiktok_handle::text, 'Goat.Farm', 'one @ is dropped, the written case is kept') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(org_id, :'east', 'the organization comes from the project') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(tracking_mode::text, 'auto', 'the mode is auto') FROM trackagoat.creator WHERE id = :'goat';
SELECT ok(is_active, 'a new creator is active') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(num_nonnulls(follower_count, following_count, total_likes_count, video_count), 0, 'numbers not seen yet are NULL, not 0') FROM trackagoat.creator WHERE id = :'goat';
-- 25 hours lie between the two zones, so their days always differ
SELECT is(tracking_start_date, (now() AT TIME ZONE 'Pacific/Kiritimati')::date, 'tracking starts today in the zone of the organization') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(tracking_start_date, (now() AT TIME ZONE 'Pacific/Pago_Pago')::date, 'in the other too') FROM trackagoat.creator WHERE id = :'west_goat';
INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_start_date) VALUES (:'project', 'dated', '2024-02-29') RETURNING tracking_start_date AS kept \gset
SELECT is(:'kept'::text, '2024-02-29', 'a given start date is kept');
INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle, tracking_start_date) VALUES (:'east', :'project', 'whole_row', '2024-02-29');
SELECT pass('a row that brings its keys is taken');

-- what is refused
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, %L)', :'project', h)), 'PT409 invalid_handle', format('%L is no handle', h))
FROM unnest(ARRAY['', '@', 'no handle', repeat('x', 31), 'ümlaut']) h;
SELECT is(pg_temp.refusal($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (gen_random_uuid(), 'x')$$), '23503 creator_project_fkey', 'the project must exist');
SELECT is(pg_temp.refusal($$INSERT INTO trackagoat.creator (tiktok_handle) VALUES ('x')$$), '23503 creator_project_fkey', 'and be named');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.creator (project_id) VALUES (%L)', :'project')), '23502', 'a handle is needed');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle, metadata) VALUES (%L, 'x', '[]')$$, :'project')), '23514 creator_metadata_check', 'metadata is an object');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle, readme) VALUES (%L, 'x', %L)$$, :'project', repeat('ü', 32769))), '23514 creator_readme_check', 'a readme has at most 64 KiB');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle, readme) VALUES (%L, 'x', %L)$$, :'project', repeat('ü', 32768))), 'accepted', 'and may have 64 KiB');
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.creator SET %I = -1 WHERE id = %L$$, c, :'goat')), '23514 creator_counts_check', c || ' is not negative')
FROM unnest(ARRAY['follower_count', 'following_count', 'total_likes_count', 'video_count']) c;
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.creator SET is_active = false WHERE id = %L$$, :'goat')), '428C9', 'is_active follows from the rest');

-- one handle a project, whatever its case, among creators that are not removed
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, %L)', :'project', h)), '23505 creator_handle_key', format('%L is there', h))
FROM unnest(ARRAY['Goat.Farm', 'goat.farm', '@GOAT.FARM']) h;
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'goat.farm')$$, :'other')), 'accepted', 'another project may have it');
WITH again AS (INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'GOAT.farm'), (:'project', 'new_one')
	ON CONFLICT (project_id, tiktok_handle, org_id) WHERE removed_at IS NULL DO NOTHING RETURNING tiktok_handle)
SELECT is(array_agg(tiktok_handle::text), ARRAY['new_one'], 'ON CONFLICT DO NOTHING leaves out what is there') FROM again;
WITH again AS (INSERT INTO trackagoat.creator (project_id, tiktok_handle, readme) VALUES (:'project', 'GOAT.farm', 'again')
	ON CONFLICT (project_id, tiktok_handle, org_id) WHERE removed_at IS NULL DO UPDATE SET readme = excluded.readme RETURNING id, readme)
SELECT ok(id = :'goat' AND readme = 'again', 'ON CONFLICT DO UPDATE changes what is there') FROM again;
SELECT is(tiktok_handle::text, 'Goat.Farm', 'and not its handle') FROM trackagoat.creator WHERE id = :'goat';

-- removal and return
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'goat';
SELECT ok(NOT is_active, 'a removed creator is not active') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, %L)', :'project', 'goat.farm')), 'PT409 handle_removed', 'a handle that was removed is brought back, not added again');
UPDATE trackagoat.creator SET tiktok_handle = 'goat.farm' WHERE tiktok_handle OPERATOR(trackagoat.=) 'new_one' RETURNING id AS second \gset
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET removed_at = NULL WHERE id = %L', :'goat')), '23505 creator_handle_key', 'a removed one cannot come back beside another of the handle');
DELETE FROM trackagoat.creator WHERE id = :'second';
UPDATE trackagoat.creator SET removed_at = NULL WHERE id = :'goat';
SELECT ok(is_active, 'but without') FROM trackagoat.creator WHERE id = :'goat';
UPDATE trackagoat.creator SET disabled_at = now(), disabled_reason = 'gone' WHERE id = :'goat';
SELECT ok(NOT is_active, 'a disabled creator is not active') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'goat.farm')$$, :'project')), '23505 creator_handle_key', 'and keeps its handle');
UPDATE trackagoat.creator SET disabled_at = NULL, disabled_reason = NULL WHERE id = :'goat';

-- updated_at: what people change moves it, nothing else
CREATE FUNCTION pg_temp.moves(change text) RETURNS boolean LANGUAGE plpgsql AS
$$
DECLARE
	made uuid;
	moved boolean;
BEGIN
	BEGIN
		INSERT INTO trackagoat.creator (project_id, tiktok_handle, display_name, metadata, updated_at)
		SELECT p.id, 'Mover', 'Mover', '{"a": 1}', '2001-01-01' FROM trackagoat.project p WHERE p.name = 'P' RETURNING id INTO made;
		EXECUTE 'UPDATE trackagoat.creator SET ' || change || ' WHERE id = $1' USING made;
		SELECT updated_at <> '2001-01-01' INTO moved FROM trackagoat.creator WHERE id = made;
		RAISE SQLSTATE 'XX123';
	EXCEPTION WHEN SQLSTATE 'XX123' THEN
		RETURN moved;
	END;
END
$$;
SELECT ok(pg_temp.moves(change), change || ' moves updated_at')
FROM unnest(ARRAY[$$tiktok_handle = 'mover'$$, $$tiktok_handle = 'other'$$, $$readme = 'x'$$, $$metadata = '{}'$$, $$tracking_mode = 'selective'$$,
	$$tracking_start_date = '2020-01-01'$$, 'disabled_at = now()', 'removed_at = now()']) change;
SELECT ok(NOT pg_temp.moves(change), change || ' does not move updated_at')
FROM unnest(ARRAY[$$display_name = 'x', bio = 'y', follower_count = 9, last_scraped_at = now(), last_observed_at = now(), tiktok_account_id = 1$$,
	$$tiktok_handle = tiktok_handle, readme = readme, metadata = '{"a":1}', tracking_mode = tracking_mode, tracking_start_date = tracking_start_date, disabled_at = NULL, removed_at = NULL$$]) change;

-- renaming: the new handle may be another account
UPDATE trackagoat.creator SET tiktok_account_id = 42, tiktok_sec_uid = 'MS4wLjABAAAAgoat', display_name = 'Goat', bio = 'b', avatar_url = 'a', is_verified = true,
	is_private = false, last_scraped_at = now(), readme = 'mine', metadata = '{"k": 1}' WHERE id = :'goat';
SELECT trackagoat.observe_creator(:'goat', now(), 100, 10, 1000, 5) AS stored \gset
UPDATE trackagoat.creator SET tiktok_handle = '@GOAT.farm' WHERE id = :'goat';
SELECT ok(tiktok_handle::text = 'GOAT.farm' AND tiktok_account_id = 42 AND tiktok_sec_uid = 'MS4wLjABAAAAgoat' AND display_name = 'Goat' AND follower_count = 100,
	'another case is the same account') FROM trackagoat.creator WHERE id = :'goat';
UPDATE trackagoat.creator SET tiktok_handle = 'sheep.farm' WHERE id = :'goat';
SELECT is(num_nonnulls(tiktok_account_id, tiktok_sec_uid, display_name, bio, avatar_url, is_verified, is_private, follower_count, following_count,
	total_likes_count, video_count, last_scraped_at, last_observed_at), 0, 'another handle clears what the profile showed') FROM trackagoat.creator WHERE id = :'goat';
SELECT ok(readme = 'mine' AND metadata = '{"k": 1}', 'and not what people wrote') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(count(*), 1::bigint, 'nor what was observed') FROM trackagoat.creator_snapshot WHERE creator_id = :'goat';
SELECT trackagoat.observe_creator(:'goat', now() - interval '1 day', 90, 9, 900, 4) AS stored \gset
SELECT is(num_nonnulls(follower_count, following_count, total_likes_count, video_count), 0, 'but what was seen before the renaming is not of the new handle') FROM trackagoat.creator WHERE id = :'goat';
SELECT trackagoat.observe_creator(:'goat', clock_timestamp(), 7, NULL, 70, NULL) AS stored \gset
SELECT is((follower_count, following_count, total_likes_count, video_count)::text, '(7,,70,)', 'and what is seen after it is') FROM trackagoat.creator WHERE id = :'goat';
SELECT trackagoat.unobserve_creator(:'goat', now() - interval '1 hour', now() + interval '1 hour');
SELECT is(num_nonnulls(follower_count, total_likes_count), 0, 'undone, the old account''s numbers do not come back') FROM trackagoat.creator WHERE id = :'goat';
SELECT trackagoat.observe_creator(:'goat', clock_timestamp(), 8, NULL, 80, NULL) AS stored \gset
SELECT is(string_agg(concat_ws(' ', s.follower_count, s.is_baseline), ', ' ORDER BY s.observed_at), '90 t, 8 t', 'and what is seen next is a new baseline')
FROM trackagoat.creator_snapshot s WHERE s.creator_id = :'goat' AND s.follower_count IS NOT NULL;
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET tracking_start_date = %L', d)), '23514 creator_tracking_start_date_check', 'no tracking from ' || d)
FROM unnest(ARRAY['infinity', '-infinity', '5874897-12-31', '1969-12-31']) d;
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET tiktok_sec_uid = %L WHERE id = %L', uid, :'goat')), '23514 creator_tiktok_sec_uid_check', format('%L is no secUid', uid))
FROM unnest(ARRAY['', 'MS4/', 'MS4wLjABAAAA&count=1', 'MS4wLjABAAAA goat!', repeat('x', 129)]) uid;
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.creator SET tiktok_handle = 'DATED' WHERE id = %L$$, :'goat')), 'PT409 handle_taken', 'the handle of another creator of the project is taken');

-- a delete takes history, videos and campaign items along
INSERT INTO trackagoat.video (creator_id, tiktok_video_id) VALUES (:'goat', 1) RETURNING id AS video \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'C') RETURNING id AS campaign \gset
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'campaign', :'goat');
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (:'campaign', :'video');
DELETE FROM trackagoat.creator WHERE id = :'goat';
SELECT is((SELECT count(*) FROM trackagoat.creator_snapshot WHERE creator_id = :'goat') + (SELECT count(*) FROM trackagoat.video WHERE id = :'video')
	+ (SELECT count(*) FROM trackagoat.campaign_item WHERE campaign_id = :'campaign'), 0::bigint, 'a deleted creator leaves nothing behind');
SELECT is(count(*), 1::bigint, 'but the campaign stays') FROM trackagoat.campaign WHERE id = :'campaign';

SELECT * FROM finish();
ROLLBACK;
