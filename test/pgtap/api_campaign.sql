-- Campaigns by the v1 API.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SET timezone TO 'UTC';
SET client_min_messages TO warning;
SELECT no_plan();

\ir api.psql

INSERT INTO trackagoat.plan (plan, limit_key, max) VALUES ('tiny', 'max_campaigns_per_project', 2), ('tiny', 'max_campaign_items_per_campaign', 2);
INSERT INTO trackagoat.organization (name) VALUES ('A') RETURNING id AS a \gset
INSERT INTO trackagoat.organization (name) VALUES ('B') RETURNING id AS b \gset
INSERT INTO trackagoat.organization (name, plan) VALUES ('C', 'tiny') RETURNING id AS c \gset
INSERT INTO caller VALUES ('a', :'a', '{read,write}'), ('b', :'b', '{read,write}'), ('c', :'c', '{read,write}'), ('reader', :'a', '{read}'), ('writer', :'a', '{write}');
INSERT INTO trackagoat.project (org_id, name) VALUES (:'a', 'P') RETURNING id AS p \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'a', 'Q') RETURNING id AS q \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'b', 'R') RETURNING id AS r \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'c', 'S') RETURNING id AS s \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'p', 'goat') RETURNING id AS goat \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'q', 'sheep') RETURNING id AS sheep \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'r', 'wolf') RETURNING id AS wolf \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'goat', 1, 'included') RETURNING id AS kid \gset
INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'p', 2) RETURNING id AS added \gset
SELECT trackagoat.observe_video(:'kid', now(), 1000, 30, 3, 2, 1) AS n \gset
SELECT trackagoat.observe_video(:'added', now(), 500, 0, 0, 0, 0) AS n \gset

-- --- make, read, change ---------------------------------------------------------------------

SELECT pg_temp.ask('a', 'POST /projects/' || :'p' || '/campaigns', '{"name": "Launch", "readme": "be *kind*", "metadata": {"k": 1}, "target_views": 20000, "target_at": "2030-01-02T03:04:05+01:00"}') AS made \gset
SELECT is(pg_temp.told(:'made'), '201', 'a campaign is made');
SELECT :'made'::jsonb #>> '{data,id}' AS launch \gset
SELECT is((:'made'::jsonb -> 'data') - ARRAY['created_at', 'updated_at'], jsonb_build_object('id', :'launch', 'project_id', :'p', 'name', 'Launch', 'description', 'be *kind*', 'readme', 'be *kind*', 'metadata', '{"k": 1}'::jsonb,
	'target_views', 20000, 'target_at', '2030-01-02T02:04:05+00:00', 'creators', 0, 'videos', 0, 'views', 0, 'likes', 0, 'comments', 0, 'shares', 0, 'saves', 0, 'engagement_rate', NULL), 'with all its fields');
SELECT is((SELECT (k.org_id, k.project_id)::text FROM trackagoat.campaign k WHERE k.id = :'launch'), format('(%s,%s)', :'a', :'p'), 'in the project and the organization');
SELECT is(pg_temp.ask('a', 'GET /campaigns/' || :'launch') -> 'data', :'made'::jsonb -> 'data', 'and is read as it was answered');
SELECT is(pg_temp.ask('a', 'POST /projects/' || :'p' || '/campaigns', '{"name": "Bare"}') -> 'data' @> '{"readme": null, "metadata": {}, "target_views": null, "target_at": null}', true, 'a name is enough');
SELECT is(pg_temp.ask('a', 'PATCH /campaigns/' || :'launch', b) -> 'data' @> (b || more), true, 'PATCH ' || b::text) FROM (VALUES
	('{"name": "Lift-off"}'::jsonb, '{"readme": "be *kind*", "target_views": 20000}'::jsonb), ('{"readme": null}', '{"description": null, "name": "Lift-off"}'), ('{"readme": "again"}', '{"description": "again"}'), ('{"metadata": {"x": [1]}}', '{}'),
	('{"target_views": null, "target_at": null}', '{"readme": "again", "metadata": {"x": [1]}}'), ('{"target_views": 7}', '{"target_at": null}')) v (b, more);
SELECT is(pg_temp.told(pg_temp.ask('a', m || ' ' || u, b)), w, concat_ws(' ', m, u, b)) FROM (VALUES
	('POST', '/projects/' || :'p' || '/campaigns', '{}'::jsonb, '400 invalid_body name'), ('POST', '/projects/' || :'p' || '/campaigns', '{"name": ""}', '400 invalid_body name'), ('POST', '/projects/' || :'p' || '/campaigns', jsonb_build_object('name', repeat('x', 201)), '400 invalid_body name'),
	('POST', '/projects/' || :'p' || '/campaigns', '{"name": "x", "target_views": 0}', '400 invalid_body target_views'), ('POST', '/projects/' || :'p' || '/campaigns', '{"name": "x", "target_views": 1.5}', '400 invalid_body target_views'),
	('POST', '/projects/' || :'p' || '/campaigns', '{"name": "x", "target_at": "tomorrow"}', '400 invalid_body target_at'), ('POST', '/projects/' || :'p' || '/campaigns', '{"name": "x", "metadata": []}', '400 invalid_body metadata'),
	('POST', '/projects/' || :'p' || '/campaigns', '{"name": "x", "id": "y"}', '400 invalid_body id'), ('POST', '/projects/' || gen_random_uuid() || '/campaigns', '{"name": "x"}', '404 project_not_found'),
	('POST', '/projects/' || :'r' || '/campaigns', '{"name": "x"}', '404 project_not_found'),
	('PATCH', '/campaigns/' || :'launch', '{}', '400 invalid_body body'), ('PATCH', '/campaigns/' || :'launch', '{"name": null}', '400 invalid_body name'), ('PATCH', '/campaigns/' || :'launch', '{"target_views": -1}', '400 invalid_body target_views'),
	('PATCH', '/campaigns/' || gen_random_uuid(), '{"name": "x"}', '404 campaign_not_found'), ('GET', '/campaigns/' || gen_random_uuid(), NULL, '404 campaign_not_found'), ('DELETE', '/campaigns/' || gen_random_uuid(), NULL, '404 campaign_not_found'),
	('GET', '/campaigns/' || gen_random_uuid() || '/items', NULL, '404 campaign_not_found')) v (m, u, b, w);
SELECT is(count(*), 2::bigint, 'what was refused is not there') FROM trackagoat.campaign;

-- --- what it holds --------------------------------------------------------------------------

SELECT pg_temp.ask('a', 'POST /projects/' || :'p' || '/campaigns', '{"name": "Lower"}') #>> '{data,id}' AS lower \gset
SELECT pg_temp.ask('a', 'POST /projects/' || :'q' || '/campaigns', '{"name": "Elsewhere"}') #>> '{data,id}' AS elsewhere \gset
SELECT pg_temp.ask('b', 'POST /projects/' || :'r' || '/campaigns', '{"name": "Theirs"}') #>> '{data,id}' AS theirs \gset
CREATE FUNCTION pg_temp.item(kind text, id uuid) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('item_type', kind, 'item_id', id) $$;
SELECT is((SELECT pg_temp.told(i) || (i -> 'data' @> pg_temp.item(k, d::uuid)) || (i -> 'data' ->> 'created_at')::timestamptz FROM pg_temp.ask('a', 'POST /campaigns/' || c || '/items', pg_temp.item(k, d::uuid)) i), '201true' || now(), k || ' is put in')
	FROM (VALUES (:'lower', 'creator', :'goat'), (:'launch', 'campaign', :'lower'), (:'launch', 'video', :'added'), (:'launch', 'video', :'kid')) v (c, k, d);
SELECT is(pg_temp.told(pg_temp.ask('a', 'POST /campaigns/' || c || '/items', b)), w, concat_ws(' ', n, b)) FROM (VALUES
	(:'launch', 'again', pg_temp.item('video', :'kid'), '409 item_exists'), (:'launch', 'itself', pg_temp.item('campaign', :'launch'), '409 campaign_cycle'), (:'lower', 'what holds it', pg_temp.item('campaign', :'launch'), '409 campaign_cycle'),
	(:'launch', 'of another project', pg_temp.item('creator', :'sheep'), '400 invalid_body item_id'), (:'launch', 'of another project', pg_temp.item('campaign', :'elsewhere'), '400 invalid_body item_id'),
	(:'launch', 'of another organization', pg_temp.item('creator', :'wolf'), '404 creator_not_found'), (:'launch', 'of another organization', pg_temp.item('campaign', :'theirs'), '404 campaign_not_found'),
	(:'launch', 'of another kind', pg_temp.item('video', :'goat'), '404 video_not_found'), (:'launch', 'absent', pg_temp.item('creator', gen_random_uuid()), '404 creator_not_found'),
	(:'launch', 'no kind', '{"item_id": "00000000-0000-0000-0000-000000000000"}', '400 invalid_body item_type'), (:'launch', 'no id', '{"item_type": "video"}', '400 invalid_body item_id'),
	(:'launch', 'no uuid', '{"item_type": "video", "item_id": "x"}', '400 invalid_body item_id'), (:'launch', 'a project', pg_temp.item('project', :'p'), '400 invalid_body item_type'),
	(gen_random_uuid()::text, 'into nothing', pg_temp.item('video', :'kid'), '404 campaign_not_found'), (:'theirs', 'into theirs', pg_temp.item('video', :'kid'), '404 campaign_not_found')) v (c, n, b, w);
SELECT is(pg_temp.ask('a', 'GET /campaigns/' || :'launch') -> 'data' @> '{"creators": 1, "videos": 2, "views": 1500, "likes": 30, "comments": 3, "shares": 2, "saves": 1, "engagement_rate": 2.4}', true, 'its totals have each video once');
SELECT is(pg_temp.ask('a', 'GET /campaigns/' || :'launch' || '/items') #> '{data}' @> (jsonb_build_array(pg_temp.item('campaign', :'lower'), pg_temp.item('video', :'kid'), pg_temp.item('video', :'added'))), true, 'its items');
SELECT is(pg_temp.told(pg_temp.ask('a', 'DELETE /campaigns/' || :'launch' || '/items' || u, b)), w, concat_ws(' ', 'DELETE', u, b)) FROM (VALUES
	('', NULL::jsonb, '400 invalid_query item_type'), ('?item_type=video', NULL, '400 invalid_query item_id'), ('', '{"item_type": "video"}', '400 invalid_body item_id'), ('', jsonb_build_object('item_id', :'kid'), '400 invalid_body item_type'),
	('?item_type=goat&item_id=' || :'kid', NULL, '400 invalid_query item_type'), ('?item_type=video&item_id=x', NULL, '400 invalid_query item_id'), ('?item_type=video&item_id=' || :'added', pg_temp.item('video', :'kid'), '400 invalid_body body'),
	('?item_type=creator&item_id=' || :'kid', NULL, '404 campaign_item_not_found'), ('', pg_temp.item('creator', :'goat'), '404 campaign_item_not_found'),
	('?item_type=video&item_id=' || :'kid', NULL, '200'), ('?item_type=video&item_id=' || :'kid', NULL, '404 campaign_item_not_found'), ('', pg_temp.item('campaign', :'lower'), '200')) v (u, b, w);
SELECT is(pg_temp.ask('a', 'GET /campaigns/' || :'launch' || '/items') -> 'data' -> 0 ->> 'item_id', :'added', 'one is left');
SELECT is(count(*), 2::bigint, 'and what another campaign holds') FROM trackagoat.campaign_item;

-- --- other organizations --------------------------------------------------------------------

SELECT is(pg_temp.told(i) || (i::text LIKE '%Lift-off%'), w || 'false', m || ' ' || u || ' of another organization')
FROM (VALUES ('GET', '', NULL::jsonb, '404 campaign_not_found'), ('PATCH', '', '{"name": "ours"}', '404 campaign_not_found'), ('DELETE', '', NULL, '404 campaign_not_found'), ('GET', '/items', NULL, '404 campaign_not_found'),
	('POST', '/items', pg_temp.item('creator', :'wolf'), '404 campaign_not_found'), ('DELETE', '/items', pg_temp.item('video', :'added'), '404 campaign_not_found')) v (m, u, b, w), pg_temp.ask('b', m || ' /campaigns/' || :'launch' || u, b) i;
SELECT is(pg_temp.told(pg_temp.ask('b', 'GET /campaigns?project_id=' || :'p')), '404 project_not_found', 'nor may they list them');
SELECT is((jsonb_array_length(i -> 'data'), i #>> '{data,0,id}', i -> 'meta')::text, format('(1,%s,"{""limit"": 1, ""nextCursor"": null}")', :'theirs'), 'they see their own, and no more') FROM pg_temp.ask('b', 'GET /campaigns?limit=1') i;
SELECT is((k.name, (SELECT count(*) FROM trackagoat.campaign_item i WHERE i.campaign_id = k.id))::text, '(Lift-off,1)', 'and have changed nothing') FROM trackagoat.campaign k WHERE k.id = :'launch';
SELECT pg_temp.scopes_of('^/campaigns|/campaigns$');

-- --- pages ----------------------------------------------------------------------------------

SELECT is(pg_temp.told(pg_temp.ask('a', 'GET ' || u)), w, u) FROM (VALUES ('/campaigns?limit=0', '400 invalid_query limit'), ('/campaigns?limit=101', '400 invalid_query limit'), ('/campaigns?cursor=xyz', '400 invalid_query cursor'), ('/campaigns?project_id=x', '400 invalid_query project_id'),
	('/campaigns?search=x', '400 invalid_query search'), ('/campaigns/' || :'launch' || '/items?cursor=!', '400 invalid_query cursor'), ('/campaigns?project_id=' || gen_random_uuid(), '404 project_not_found')) v (u, w);
INSERT INTO trackagoat.campaign (project_id, name) SELECT :'p', 'n' || n FROM generate_series(1, 6) n;
SELECT array_agg(id ORDER BY id DESC) AS before FROM trackagoat.campaign WHERE org_id = :'a' \gset
SELECT is(pg_temp.pages('a', '/campaigns', 2, format('INSERT INTO trackagoat.campaign (project_id, name) VALUES (%L, %L)', :'p', 'late')), :'before'::uuid[], 'each campaign once, newest first, whatever is made meanwhile');
SELECT array_agg(id ORDER BY id DESC) AS before FROM trackagoat.campaign WHERE project_id = :'p' \gset
SELECT is(pg_temp.pages('a', '/campaigns?project_id=' || :'p', 2, format('INSERT INTO trackagoat.campaign (project_id, name) VALUES (%L, %L)', :'p', 'later')), :'before'::uuid[], 'those of a project as well');
INSERT INTO trackagoat.video (project_id, tiktok_video_id) SELECT :'p', n FROM generate_series(11, 30) n;
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT :'lower', id FROM trackagoat.video WHERE tiktok_video_id BETWEEN 15 AND 22;
SELECT array_agg(item_id ORDER BY item_id DESC) AS before FROM trackagoat.campaign_item WHERE campaign_id = :'lower' \gset
-- at each page one comes in that is older, and one that is newer than all that were there
SELECT pg_temp.pages('a', '/campaigns/' || :'lower' || '/items', 2, format($$INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT %1$L, v.id FROM trackagoat.video v
	WHERE v.tiktok_video_id IN ((SELECT min(o.tiktok_video_id) FROM trackagoat.video o WHERE o.tiktok_video_id BETWEEN 11 AND 14 AND NOT EXISTS (SELECT FROM trackagoat.campaign_item i WHERE i.campaign_id = %1$L AND i.item_id = o.id)),
		(SELECT min(o.tiktok_video_id) FROM trackagoat.video o WHERE o.tiktok_video_id BETWEEN 23 AND 30 AND NOT EXISTS (SELECT FROM trackagoat.campaign_item i WHERE i.campaign_id = %1$L AND i.item_id = o.id)))$$, :'lower'), 'item_id') AS walked \gset
SELECT is(ARRAY(SELECT w.id FROM unnest(:'walked'::uuid[]) WITH ORDINALITY w (id, place) WHERE w.id = ANY (:'before'::uuid[]) ORDER BY w.place), :'before'::uuid[], 'each item once, what was made last first');
SELECT is(count(*), count(DISTINCT w.id), 'and none that came in meanwhile twice') FROM unnest(:'walked'::uuid[]) w (id);

-- --- limits of a plan -----------------------------------------------------------------------

SELECT is(pg_temp.told(i) || ((i -> 'meta') - 'hint'), w, n) FROM (VALUES ('one', '201{}'), ('two', '201{}'), ('three', '402 limit_reached{"max": 2, "code": "limit_reached", "current": 2, "limitKey": "max_campaigns_per_project"}')) v (n, w),
	pg_temp.ask('c', 'POST /projects/' || :'s' || '/campaigns', jsonb_build_object('name', n)) i;
INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT :'s', 'c' || n FROM generate_series(1, 3) n;
SELECT is(pg_temp.told(i) || ((i -> 'meta') - 'hint'), CASE handle WHEN 'c3' THEN '402 limit_reached{"max": 2, "code": "limit_reached", "current": 2, "limitKey": "max_campaign_items_per_campaign"}' ELSE '201{}' END, handle)
FROM (SELECT c.id, c.tiktok_handle::text AS handle FROM trackagoat.creator c WHERE c.project_id = :'s' ORDER BY 2) c, pg_temp.ask('c', 'POST /campaigns/' || (SELECT id FROM trackagoat.campaign WHERE project_id = :'s' AND name = 'one') || '/items', pg_temp.item('creator', c.id)) i;

-- --- delete ---------------------------------------------------------------------------------

SELECT is(pg_temp.ask('a', 'DELETE /campaigns/' || :'lower') -> 'data', jsonb_build_object('id', :'lower', 'deleted', true), 'a campaign is deleted');
SELECT is(count(*), 0::bigint, 'with its memberships') FROM trackagoat.campaign_item WHERE :'lower' IN (campaign_id, item_id);
SELECT is(pg_temp.told(pg_temp.ask('a', m || ' /campaigns/' || :'lower')), '404 campaign_not_found', m || ' finds it no more') FROM unnest(ARRAY['GET', 'DELETE']) m;
SELECT is(count(*), 1::bigint, 'what it held is there') FROM trackagoat.creator WHERE id = :'goat';

SELECT is(concat_ws(' ', r.status, r.body::jsonb ->> 'error'), '400 invalid_body', 'a number that would be written out in many digits is refused')
FROM trackagoat_api.request('POST', '/api/v1/projects/' || :'p' || '/campaigns', jsonb_build_object('X-Api-Key', trackagoat.create_api_key(:'a', 'number')), '{"name": "n", "metadata": {"n": 1e131000}}') r;
SELECT is(pg_temp.told(pg_temp.ask('a', 'POST /projects/' || :'p' || '/campaigns', '{"name": "n", "target_at": "2026-01-01T00:00:00+16:00"}')), '400 invalid_body target_at', 'so is a time of a zone that there is not');
SELECT * FROM finish();
ROLLBACK;
