-- Tenancy is in the keys: no row refers to another project's or organization's.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name) VALUES ('mine') RETURNING id AS org \gset
INSERT INTO trackagoat.organization (name) VALUES ('theirs') RETURNING id AS their_org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'here') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'there') RETURNING id AS next_project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'their_org', 'far') RETURNING id AS their_project \gset

-- one of everything in each project
CREATE TEMP TABLE thing AS SELECT p.id AS project_id, p.org_id, p.name, trackagoat.uuidv7() AS creator, trackagoat.uuidv7() AS video, trackagoat.uuidv7() AS campaign, trackagoat.uuidv7() AS child
FROM trackagoat.project p;
INSERT INTO trackagoat.creator (id, project_id, tiktok_handle) SELECT creator, project_id, 'goat' FROM thing;
INSERT INTO trackagoat.video (id, creator_id, tiktok_video_id) SELECT video, creator, 1 FROM thing;
INSERT INTO trackagoat.campaign (id, project_id, name) SELECT campaign, project_id, 'parent' FROM thing UNION ALL SELECT child, project_id, 'child' FROM thing;
SELECT creator, video, campaign, child FROM thing WHERE name = 'here' \gset
SELECT creator AS next_creator, video AS next_video, campaign AS next_campaign FROM thing WHERE name = 'there' \gset
SELECT creator AS their_creator, video AS their_video, campaign AS their_campaign FROM thing WHERE name = 'far' \gset

-- every child, with the parent of another project and of another organization;
-- with the keys of either side, and with keys left out
CREATE TEMP TABLE attempt (statement text, wanted text);
INSERT INTO attempt
SELECT format('INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle, tracking_start_date) VALUES (%L, %L, %L, now())', :'their_org', :'project', 'x'), '23503 creator_project_fkey'
UNION ALL SELECT format('INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle) VALUES (%L, %L, %L)', :'their_org', :'project', 'x'), '23503 creator_project_fkey'
UNION ALL SELECT format('INSERT INTO trackagoat.video (org_id, project_id, tiktok_video_id) VALUES (%L, %L, 2)', :'their_org', :'project'), '23503 video_project_fkey'
UNION ALL SELECT format('INSERT INTO trackagoat.campaign (org_id, project_id, name) VALUES (%L, %L, %L)', :'their_org', :'project', 'x'), '23503 campaign_project_fkey'
UNION ALL SELECT format('INSERT INTO trackagoat.campaign_item (org_id, campaign_id, video_id) VALUES (%L, %L, %L)', :'their_org', :'campaign', :'video'), '23503 campaign_item_campaign_fkey'
UNION ALL SELECT format('INSERT INTO trackagoat.campaign_item (project_id, campaign_id, video_id) VALUES (%L, %L, %L)', :'next_project', :'campaign', :'video'), '23503 campaign_item_campaign_fkey'
UNION ALL SELECT format('INSERT INTO trackagoat.video (project_id, creator_id, tiktok_video_id) VALUES (%L, %L, 2)', :'project', c), '23503 video_creator_fkey' FROM unnest(ARRAY[:'next_creator', :'their_creator']) c
UNION ALL SELECT format('UPDATE trackagoat.video SET creator_id = %L WHERE id = %L', c, :'video'), '23503 video_creator_fkey' FROM unnest(ARRAY[:'next_creator', :'their_creator']) c
UNION ALL SELECT format('INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (%L, %L)', :'campaign', c), '23503 campaign_item_creator_fkey' FROM unnest(ARRAY[:'next_creator', :'their_creator']) c
UNION ALL SELECT format('INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (%L, %L)', :'campaign', c), '23503 campaign_item_video_fkey' FROM unnest(ARRAY[:'next_video', :'their_video']) c
UNION ALL SELECT format('INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (%L, %L)', :'campaign', c), '23503 campaign_item_child_campaign_fkey' FROM unnest(ARRAY[:'next_campaign', :'their_campaign']) c
UNION ALL SELECT format('INSERT INTO trackagoat.goal (project_id, creator_id, goal_type, target, period) VALUES (%L, %L, %L, 1, %L)', :'project', c, 'posts', 'weekly'), '23503 goal_creator_fkey' FROM unnest(ARRAY[:'next_creator', :'their_creator']) c
UNION ALL SELECT format('INSERT INTO trackagoat.notification (org_id, project_id, creator_id, kind, subject) VALUES (%L, %L, %L, %L, %L)', :'org', :'project', c, 'x', c), '23503 notification_creator_fkey' FROM unnest(ARRAY[:'next_creator', :'their_creator']) c
UNION ALL SELECT format('INSERT INTO trackagoat.creator_history (creator_id, org_id, started_at, points) VALUES (%L, %L, now(), %L)', :'creator', :'their_org', '4'), '23503 creator_history_creator_fkey'
UNION ALL SELECT format('INSERT INTO trackagoat.video_history (video_id, org_id, started_at, points) VALUES (%L, %L, now(), %L)', :'video', :'their_org', '5'), '23503 video_history_video_fkey';
SELECT is(pg_temp.refusal(statement), wanted, statement) FROM attempt ORDER BY statement;

-- what has rows below it moves neither to another project nor to another organization
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'campaign', :'creator');
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (:'campaign', :'video');
INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (:'campaign', :'child');
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'empty') RETURNING id AS empty_project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'their_org', 'empty') RETURNING id AS their_empty_project \gset
SELECT is(left(pg_temp.refusal(format('UPDATE trackagoat.%I SET project_id = %L WHERE id = %L', t, :'empty_project', i)), 5), CASE t WHEN 'video' THEN '23503' ELSE 'PT409' END, t || ' in use does not change its project')
FROM (VALUES ('creator', :'creator'), ('video', :'video'), ('campaign', :'campaign'), ('campaign', :'child')) v (t, i);
SELECT is(left(pg_temp.refusal(format('UPDATE trackagoat.%I SET project_id = %L, org_id = %L WHERE id = %L', t, :'their_empty_project', :'their_org', i)), 5), CASE t WHEN 'video' THEN '23503' ELSE 'PT409' END, t || ' in use does not change its organization')
FROM (VALUES ('creator', :'creator'), ('video', :'video'), ('campaign', :'campaign'), ('campaign', :'child')) v (t, i);
SELECT is(left(pg_temp.refusal(format('UPDATE trackagoat.project SET org_id = %L WHERE id = %L', :'their_org', :'project')), 5), '23503', 'nor does a project');

-- what one organization fetches by hand is its own, though the job is everybody's
UPDATE trackagoat.organization SET plan = 'free' WHERE id IN (:'org', :'their_org');
SELECT trackagoat.scrape_creator(:'creator') IS NOT NULL AS mine, trackagoat.scrape_creator(:'their_creator') IS NOT NULL AS theirs \g /dev/null
SELECT bag_eq('SELECT org_id, triggers FROM trackagoat.manual_scrape', format('VALUES (%L::uuid, 1), (%L, 1)', :'org', :'their_org'), 'a manual scrape is counted for its organization');
SELECT throws_ok(format('SELECT trackagoat.scrape_video(%L)', :'next_video'), 'PT429', 'rate_limit_exceeded', 'for all its projects');
UPDATE trackagoat.organization SET plan = NULL;

-- the same account and post in all three, each with its own numbers
SELECT trackagoat.observe_creator(:'creator', now(), 1, 1, 1, 1) AS n, trackagoat.observe_video(:'video', now(), 1, 1, 1, 1, 1) AS m \gset
SELECT is(array_agg(id), ARRAY[:'creator'::uuid], 'an observation of one creator is of that one only') FROM trackagoat.creator WHERE follower_count IS NOT NULL;
SELECT is(array_agg(id), ARRAY[:'video'::uuid], 'and of one video') FROM trackagoat.video WHERE view_count IS NOT NULL;
SELECT is(count(*), 3::bigint, 'though three projects share the jobs of one account and one post') FROM trackagoat.scrape_job;
DELETE FROM trackagoat.project WHERE id = :'project';
SELECT is(count(*), 2::bigint, 'a deleted project leaves the others alone') FROM trackagoat.creator;

-- an id may be in two organizations, as no key spans them: then it alone names
-- neither row, and with org_id each is found
INSERT INTO trackagoat.project (id, org_id, name) SELECT '00000000-0000-7000-8000-000000000001', o, 'shared' FROM unnest(ARRAY[:'org', :'their_org']::uuid[]) o;
INSERT INTO trackagoat.creator (id, org_id, project_id, tiktok_handle)
SELECT '00000000-0000-7000-8000-000000000002', o, '00000000-0000-7000-8000-000000000001', 'twin' FROM unnest(ARRAY[:'org', :'their_org']::uuid[]) o;
INSERT INTO trackagoat.video (id, org_id, creator_id, tiktok_video_id)
SELECT '00000000-0000-7000-8000-000000000003', o, '00000000-0000-7000-8000-000000000002', 9 FROM unnest(ARRAY[:'org', :'their_org']::uuid[]) o;
SELECT is((count(*), count(DISTINCT org_id), count(DISTINCT id))::text, '(2,2,1)', 'two videos of one id') FROM trackagoat.video WHERE tiktok_video_id = 9;
SELECT is(left(pg_temp.refusal(statement), 5), '23503', 'the id alone is not enough: ' || statement) FROM unnest(ARRAY[
	$$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES ('00000000-0000-7000-8000-000000000001', 'x')$$,
	$$INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES ('00000000-0000-7000-8000-000000000001', 10)$$,
	$$INSERT INTO trackagoat.video (creator_id, tiktok_video_id) VALUES ('00000000-0000-7000-8000-000000000002', 10)$$,
	$$INSERT INTO trackagoat.campaign (project_id, name) VALUES ('00000000-0000-7000-8000-000000000001', 'x')$$]) statement;
SELECT throws_ok($$SELECT trackagoat.observe_video('00000000-0000-7000-8000-000000000003', now(), 1, 1, 1, 1, 1)$$, 'PT404', 'video_not_found', 'nor for an observation');
SELECT throws_ok($$SELECT trackagoat.observe_creator('00000000-0000-7000-8000-000000000002', now(), 1, 1, 1, 1)$$, 'PT404', 'creator_not_found', 'of a creator neither');
SELECT throws_ok($$SELECT trackagoat.scrape_creator('00000000-0000-7000-8000-000000000002')$$, 'PT404', 'creator_not_found', 'nor for a scrape');
SELECT throws_ok($$SELECT trackagoat.scrape_video('00000000-0000-7000-8000-000000000003')$$, 'PT404', 'video_not_found', 'of a video neither');
SELECT is(trackagoat.observe_videos(ARRAY['00000000-0000-7000-8000-000000000003']::uuid[], ARRAY[now()], ARRAY[5], NULL, NULL, NULL, NULL, 'import', true, :'org'), 1, 'with the organization it is');
SELECT is(array_agg(org_id), ARRAY[:'org'::uuid], 'for that one only') FROM trackagoat.video WHERE tiktok_video_id = 9 AND view_count = 5;
SELECT is((h.org_id, v.org_id)::text, format('(%1$s,%1$s)', :'org'), 'and its history') FROM trackagoat.video_snapshot h JOIN trackagoat.video v ON v.id = h.video_id AND v.org_id = h.org_id WHERE v.tiktok_video_id = 9;

SELECT * FROM finish();
ROLLBACK;
