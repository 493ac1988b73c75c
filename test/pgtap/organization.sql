-- Organizations and projects: defaults, rules, times, deletion.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name) VALUES ('Goats') RETURNING id AS org \gset
SELECT is(timezone, 'UTC', 'a new organization is in UTC') FROM trackagoat.organization WHERE id = :'org';
SELECT is(plan, NULL, 'and has no plan, so no limits') FROM trackagoat.organization WHERE id = :'org';
SELECT is(ARRAY[creator_profile_interval, discover_videos_interval, video_stats_interval],
	ARRAY['1 day', '6 hours', '1 day']::interval[], 'and the default intervals')
FROM trackagoat.organization WHERE id = :'org';
SELECT ok(created_at = now() AND updated_at = now(), 'and the times of its transaction') FROM trackagoat.organization WHERE id = :'org';

SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.organization (name, %s) VALUES (%L, %L)', c, 'often', i)), '23514 organization_' || c || '_check', c || ' of ' || i)
FROM unnest(ARRAY['creator_profile_interval', 'discover_videos_interval', 'video_stats_interval']) c, unnest(ARRAY['59 seconds', '178000000 years']) i;
SELECT is(pg_temp.refusal($$INSERT INTO trackagoat.organization (name) VALUES ('')$$), '23514 organization_name_check', 'a name is needed');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.organization (name) VALUES (%L)', repeat('ü', 200))), 'accepted', 'of 200 characters, not bytes');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.organization (name) VALUES (%L)', repeat('x', 201))), '23514 organization_name_check', 'and not of 201');
SELECT is(pg_temp.refusal('INSERT INTO trackagoat.organization DEFAULT VALUES'), '23502', 'no name is NULL');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.organization (name, timezone) VALUES ('x', %L)$$, zone)), '23514 organization_timezone_check',
	format('%L is no time zone', zone))
FROM unnest(ARRAY['', 'Mars/Phobos', 'X5Y', 'Europe/Berlin5', '+02:00']) zone;
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.organization (name, timezone) VALUES ('x', %L)$$, zone)), 'accepted', format('%L is one', zone))
FROM unnest(ARRAY['Europe/Berlin', 'Pacific/Kiritimati', 'Etc/GMT+12', 'GMT']) zone;
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.organization (name, %I) VALUES ('x', '59 seconds')$$, c)), '23514 organization_' || c || '_check',
	c || ' is at least a minute')
FROM unnest(ARRAY['creator_profile_interval', 'discover_videos_interval', 'video_stats_interval']) c;
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.organization (name, %I) VALUES ('x', '1 minute')$$, c)), 'accepted', c || ' may be a minute')
FROM unnest(ARRAY['creator_profile_interval', 'discover_videos_interval', 'video_stats_interval']) c;

-- updated_at is moved by a change, and by nothing else
UPDATE trackagoat.organization SET name = name, timezone = timezone WHERE id = :'org';
INSERT INTO trackagoat.organization (name, updated_at) VALUES ('Old', '2001-01-01') RETURNING id AS old \gset
UPDATE trackagoat.organization SET name = name, timezone = timezone, plan = plan WHERE id = :'old';
SELECT is(updated_at, '2001-01-01', 'a row written back as it was keeps updated_at') FROM trackagoat.organization WHERE id = :'old';
UPDATE trackagoat.organization SET name = 'Older' WHERE id = :'old';
SELECT is(updated_at, now(), 'a change moves it') FROM trackagoat.organization WHERE id = :'old';

-- projects
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Alps') RETURNING id AS project \gset
SELECT is(pg_temp.refusal($$INSERT INTO trackagoat.project (name) VALUES ('x')$$), '23502', 'a project belongs to an organization');
SELECT is(pg_temp.refusal($$INSERT INTO trackagoat.project (org_id, name) VALUES (gen_random_uuid(), 'x')$$), '23503 project_organization_fkey', 'that exists');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.project (org_id, name) VALUES (%L, '')$$, :'org')), '23514 project_name_check', 'and has a name');
INSERT INTO trackagoat.project (org_id, name, updated_at) VALUES (:'org', 'Andes', '2001-01-01') RETURNING id AS andes \gset
UPDATE trackagoat.project SET name = 'Andes', description = NULL WHERE id = :'andes';
SELECT is(updated_at, '2001-01-01', 'a project written back keeps updated_at') FROM trackagoat.project WHERE id = :'andes';
UPDATE trackagoat.project SET description = 'high' WHERE id = :'andes';
SELECT is(updated_at, now(), 'a change moves it') FROM trackagoat.project WHERE id = :'andes';

-- ids are of version 7, and their order is the order of creation
WITH made AS (INSERT INTO trackagoat.project (org_id, name)
	SELECT :'org', name FROM unnest(ARRAY['one', 'two', 'three']) WITH ORDINALITY n (name, i) ORDER BY i RETURNING id, name)
SELECT is(array_agg(name ORDER BY id), ARRAY['one', 'two', 'three'], 'ids rise with creation') FROM made;

-- DELETE really deletes, and all that is below
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'alpine_goat') RETURNING id AS creator \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id) VALUES (:'creator', 7526770564367748360) RETURNING id AS video \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'Summer') RETURNING id AS campaign \gset
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'campaign', :'creator');
SELECT trackagoat.observe_creator(:'creator', now(), 1, 2, 3, 4) AS c, trackagoat.observe_video(:'video', now(), 1, 2, 3, 4, 5) AS v \gset
DELETE FROM trackagoat.organization WHERE id = :'org';
SELECT is((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM trackagoat.%I WHERE org_id = %L', relname, :'org'), false, true, '')))[1]::text,
	'0', 'nothing of a deleted organization is left in ' || relname)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
WHERE c.relnamespace = 'trackagoat'::regnamespace AND c.relkind = 'r' ORDER BY relname;
SELECT is(count(*), 1::bigint, 'another organization is') FROM trackagoat.organization WHERE id = :'old';

SELECT * FROM finish();
ROLLBACK;
