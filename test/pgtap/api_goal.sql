-- Goals by the v1 API, and where they stand.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SET timezone TO 'UTC';
SET client_min_messages TO warning;
SELECT no_plan();

\ir api.psql

INSERT INTO trackagoat.organization (name) VALUES ('A') RETURNING id AS a \gset
INSERT INTO trackagoat.organization (name) VALUES ('B') RETURNING id AS b \gset
INSERT INTO caller VALUES ('a', :'a', '{read,write}'), ('b', :'b', '{read,write}'), ('reader', :'a', '{read}'), ('writer', :'a', '{write}');
INSERT INTO trackagoat.project (org_id, name) VALUES (:'a', 'P') RETURNING id AS p \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'a', 'Q') RETURNING id AS q \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'b', 'R') RETURNING id AS r \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'p', 'goat') RETURNING id AS goat \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle, display_name_override) VALUES (:'p', 'ram', 'The Ram') RETURNING id AS ram \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'p', 'gone') RETURNING id AS gone \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'q', 'sheep') RETURNING id AS sheep \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'r', 'wolf') RETURNING id AS wolf \gset
SELECT count(*) AS n FROM trackagoat.remove_creators(ARRAY[:'gone']::uuid[]) \gset
CREATE FUNCTION pg_temp.goal(creator uuid, more jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('creator_id', creator) || more $$;

-- --- make, read, change ---------------------------------------------------------------------

SELECT pg_temp.ask('a', 'POST /projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": 3.000000000, "period": "weekly", "starts_on": "2025-02-01", "ends_on": "2025-12-31"}')) AS made \gset
SELECT is(pg_temp.told(:'made'), '201', 'a goal is made');
SELECT :'made'::jsonb #>> '{data,id}' AS posts \gset
SELECT is((:'made'::jsonb -> 'data') - ARRAY['created_at', 'updated_at'], jsonb_build_object('id', :'posts', 'project_id', :'p', 'creator_id', :'goat', 'goal_type', 'posts', 'target', 3, 'period', 'weekly',
	'starts_on', '2025-02-01', 'ends_on', '2025-12-31', 'status', NULL, 'status_period', NULL, 'status_at', NULL), 'with all its fields');
SELECT is((SELECT (g.org_id, g.project_id, g.creator_id)::text FROM trackagoat.goal g WHERE g.id = :'posts'), format('(%s,%s,%s)', :'a', :'p', :'goat'), 'of the creator, the project and the organization');
SELECT is(pg_temp.ask('a', 'GET /goals/' || :'posts') -> 'data', :'made'::jsonb -> 'data', 'and is read as it was answered');
SELECT is(pg_temp.ask('a', 'POST /projects/' || :'p' || '/goals', pg_temp.goal(:'ram', '{"goal_type": "followers", "target": 1000}')) -> 'data' @> jsonb_build_object('period', NULL, 'ends_on', NULL, 'starts_on', (now() AT TIME ZONE 'UTC')::date), true, 'a milestone begins today');
SELECT is(pg_temp.ask('a', 'PATCH /goals/' || :'posts', b::jsonb) -> 'data' @> (b::jsonb || more), true, 'PATCH ' || b) FROM (VALUES
	('{"target": 4}', '{"period": "weekly", "ends_on": "2025-12-31"}'::jsonb), ('{"period": "monthly", "ends_on": null}', '{"target": 4}'), ('{"starts_on": "2025-02-03"}', '{"ends_on": null}'), ('{"target": 3, "period": "weekly", "starts_on": "2025-02-01"}', '{}')) v (b, more);
SELECT is(pg_temp.told(pg_temp.ask('a', m || ' ' || u, b)), w, concat_ws(' ', m, u, b)) FROM (VALUES
	('POST', '/projects/' || :'p' || '/goals', '{"goal_type": "posts", "target": 3}'::jsonb, '400 invalid_body creator_id'), ('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"target": 3}'), '400 invalid_body goal_type'),
	('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts"}'), '400 invalid_body target'), ('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "likes", "target": 3}'), '400 invalid_body goal_type'),
	('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": "3"}'), '400 invalid_body target'), ('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": -3}'), '400 invalid_body target'),
	('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": 3, "period": "yearly"}'), '400 invalid_body period'), ('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": 3, "ends_on": "2025-02-30"}'), '400 invalid_body ends_on'),
	('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": 3}'), '400 invalid_period'), ('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": 0, "period": "daily"}'), '400 invalid_target'),
	('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "engagement", "target": 101, "period": "daily"}'), '400 invalid_target'), ('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": 1, "period": "daily", "ends_on": "2000-01-01"}'), '400 invalid_dates'),
	('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'sheep', '{"goal_type": "posts", "target": 3, "period": "daily"}'), '404 creator_not_found'), ('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'wolf', '{"goal_type": "posts", "target": 3, "period": "daily"}'), '404 creator_not_found'),
	('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'gone', '{"goal_type": "posts", "target": 3, "period": "daily"}'), '404 creator_not_found'), ('POST', '/projects/' || :'r' || '/goals', pg_temp.goal(:'wolf', '{"goal_type": "posts", "target": 3, "period": "daily"}'), '404 project_not_found'),
	('PATCH', '/goals/' || :'posts', '{}', '400 invalid_body body'), ('PATCH', '/goals/' || :'posts', '{"goal_type": "views"}', '400 invalid_body goal_type'), ('PATCH', '/goals/' || :'posts', '{"period": null}', '400 invalid_period'), ('PATCH', '/goals/' || :'posts', '{"target": 1.5}', '400 invalid_target'),
	('PATCH', '/goals/' || :'posts', '{"ends_on": "2025-01-31"}', '400 invalid_dates'), ('PATCH', '/goals/' || gen_random_uuid(), '{"target": 1}', '404 goal_not_found'), ('GET', '/goals/' || gen_random_uuid(), NULL, '404 goal_not_found'), ('DELETE', '/goals/' || gen_random_uuid(), NULL, '404 goal_not_found')) v (m, u, b, w);
SELECT is(count(*), 2::bigint, 'what was refused is not there') FROM trackagoat.goal;
SELECT is((target, period, starts_on, ends_on)::text, '(3,weekly,2025-02-01,)', 'nor changed') FROM trackagoat.goal WHERE id = :'posts';

-- --- where they stand -----------------------------------------------------------------------

-- four posts in the week from February 3, a Monday; of views what was gained on the 5th
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status, posted_at) SELECT :'goat', 9 - n, 'included', '2025-02-03 12:00Z'::timestamptz + n * interval '1 day' FROM generate_series(0, 3) n;
SELECT sum(trackagoat.observe_video(v.id, t::timestamptz, n, 0, 0, 0, 0)) AS n FROM trackagoat.video v, (VALUES ('2025-02-04 12:00Z', 100), ('2025-02-05 12:00Z', 400)) o (t, n) WHERE v.tiktok_video_id = 9 \gset
SELECT pg_temp.ask('a', 'POST /projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "views", "target": 1000, "period": "daily", "starts_on": "2025-02-01"}')) #>> '{data,id}' AS views \gset
SELECT pg_temp.ask('a', 'GET /projects/' || :'p' || '/goal-compliance?reference_date=2025-02-05') AS stands \gset
SELECT is(pg_temp.told(:'stands'), '200', 'compliance is answered');
SELECT is((SELECT jsonb_agg(c -> 'creator') FROM jsonb_array_elements(:'stands'::jsonb -> 'data') c), jsonb_build_array(jsonb_build_object('id', :'ram', 'tiktok_handle', 'ram', 'display_name', 'The Ram', 'avatar_url', NULL),
	jsonb_build_object('id', :'goat', 'tiktok_handle', 'goat', 'display_name', NULL, 'avatar_url', NULL)), 'by creator, the newest first');
SELECT is((SELECT jsonb_agg(g - ARRAY['goal', 'advisory'] || jsonb_build_object('goal_id', g #> '{goal,id}', 'flags', (SELECT count(*) FROM jsonb_object_keys(g -> 'advisory') k WHERE k IN ('has_advisory', 'messages', 'period_in_progress', 'period_recently_ended', 'scrape_stale', 'not_yet_started'))))
	FROM jsonb_array_elements(:'stands'::jsonb #> '{data,1,compliance}') g),
	jsonb_build_array(jsonb_build_object('goal_id', :'posts', 'actual', 4, 'projected', 4, 'target', 3, 'status', 'completed', 'period_start', '2025-02-03', 'period_end', '2025-02-09', 'compliant', true, 'flags', 6),
		jsonb_build_object('goal_id', :'views', 'actual', 300, 'projected', 300, 'target', 1000, 'status', 'missed', 'period_start', '2025-02-05', 'period_end', '2025-02-05', 'compliant', false, 'flags', 6)), 'each goal with what was reached');
SELECT is(:'stands'::jsonb #> '{data,1,compliance,0,goal}', pg_temp.ask('a', 'GET /goals/' || :'posts') -> 'data', 'and as it is read');
-- the same numbers as goal_compliance()
SELECT set_eq(format($$SELECT (g #>> '{goal,id}')::uuid AS id, (g ->> 'actual')::numeric AS actual, (g ->> 'projected')::numeric AS projected, g ->> 'status' AS status, g -> 'advisory' AS advisory FROM jsonb_array_elements(%L::jsonb -> 'data') c, jsonb_array_elements(c -> 'compliance') g$$, pg_temp.ask('a', 'GET /projects/' || :'p' || '/goal-compliance')),
	format('SELECT goal_id, round(actual, 6) AS actual, round(projected, 6) AS projected, status::text, advisory FROM trackagoat.goal_compliance(%L)', :'p'), 'today by default');
SELECT is((SELECT string_agg(g #>> '{goal,goal_type}', ' ' ORDER BY c ->> 'creator', g #>> '{goal,id}') FROM jsonb_array_elements(i -> 'data') c, jsonb_array_elements(c -> 'compliance') g), w, u) FROM (VALUES ('?period=daily', 'views'), ('?period=weekly', 'posts'), ('?period=monthly', NULL),
	('?creator_id=' || :'ram', 'followers'), ('?creator_id=' || :'goat' || '&period=daily', 'views'), ('?creator_id=' || :'sheep', NULL), ('?creator_id=' || :'gone', NULL)) v (u, w), pg_temp.ask('a', 'GET /projects/' || :'p' || '/goal-compliance' || u) i;
SELECT is(pg_temp.ask('a', 'GET /projects/' || :'q' || '/goal-compliance') -> 'data', '[]', 'none is an empty list');
SELECT is(pg_temp.ask('a', 'GET /analytics/aggregate/goal-compliance?project_id=' || :'p' || u) -> 'data', jsonb_build_object('project_id', :'p', 'on_track', 0, 'behind_pace', 0, 'at_risk', 0, 'completed', 0, 'missed', 0, 'not_yet_started', 0, 'no_data', 0) || w, 'counts ' || u) FROM (VALUES
	('&reference_date=2025-02-05', '{"creators": 2, "goals": 3, "completed": 1, "missed": 1, "no_data": 1}'::jsonb), ('&reference_date=2025-02-05&period=daily', '{"creators": 1, "goals": 1, "missed": 1}'), ('&period=monthly', '{"creators": 0, "goals": 0}')) v (u, w);
SELECT is((pg_temp.ask('a', 'GET /analytics/aggregate/goal-compliance?project_id=' || :'p') -> 'data') - ARRAY['project_id'], to_jsonb(o) - ARRAY['need_attention', 'attention'], 'and of today as goal_overview() has them') FROM trackagoat.goal_overview(:'p') o;
SELECT is(pg_temp.told(pg_temp.ask('a', 'GET ' || u)), w, u) FROM (VALUES ('/projects/' || :'p' || '/goal-compliance?period=yearly', '400 invalid_query period'), ('/projects/' || :'p' || '/goal-compliance?reference_date=today', '400 invalid_query reference_date'), ('/projects/' || :'p' || '/goal-compliance?reference_date=0001-01-01', '400 invalid_reference_date'),
	('/projects/' || :'p' || '/goal-compliance?creator_id=goat', '400 invalid_query creator_id'), ('/projects/' || :'p' || '/goal-compliance?creator_id=' || :'wolf', '404 creator_not_found'), ('/projects/' || gen_random_uuid() || '/goal-compliance', '404 project_not_found'),
	('/analytics/aggregate/goal-compliance', '400 invalid_query project_id'), ('/analytics/aggregate/goal-compliance?project_id=x', '400 invalid_query project_id'), ('/analytics/aggregate/goal-compliance?project_id=' || gen_random_uuid(), '404 project_not_found'),
	('/analytics/aggregate/goal-compliance?project_id=' || :'p' || '&period=x', '400 invalid_query period')) v (u, w);

-- --- other organizations --------------------------------------------------------------------

SELECT is(pg_temp.told(pg_temp.ask('b', m || ' ' || u, b)), w, m || ' ' || u || ' of another organization') FROM (VALUES ('GET', '/goals/' || :'posts', NULL::jsonb, '404 goal_not_found'), ('PATCH', '/goals/' || :'posts', '{"target": 1}', '404 goal_not_found'), ('DELETE', '/goals/' || :'posts', NULL, '404 goal_not_found'),
	('POST', '/projects/' || :'p' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": 3, "period": "daily"}'), '404 project_not_found'), ('POST', '/projects/' || :'r' || '/goals', pg_temp.goal(:'goat', '{"goal_type": "posts", "target": 3, "period": "daily"}'), '404 creator_not_found'),
	('GET', '/goals?project_id=' || :'p', NULL, '404 project_not_found'), ('GET', '/goals?creator_id=' || :'goat', NULL, '404 creator_not_found'), ('GET', '/projects/' || :'p' || '/goal-compliance', NULL, '404 project_not_found'),
	('GET', '/projects/' || :'r' || '/goal-compliance?creator_id=' || :'goat', NULL, '404 creator_not_found'), ('GET', '/analytics/aggregate/goal-compliance?project_id=' || :'p', NULL, '404 project_not_found')) v (m, u, b, w);
SELECT is(pg_temp.ask('b', 'GET /goals?limit=1') - 'headers', '{"status": 200, "data": [], "error": null, "meta": {"limit": 1, "nextCursor": null}}', 'they have no goals');
SELECT is((count(*), min(target))::text, '(3,3)', 'and have changed none') FROM trackagoat.goal;
SELECT pg_temp.scopes_of('^/goals|/goals$|goal-compliance');

-- --- pages, and the end ---------------------------------------------------------------------

SELECT is(pg_temp.told(pg_temp.ask('a', 'GET ' || u)), w, u) FROM (VALUES ('/goals?limit=0', '400 invalid_query limit'), ('/goals?cursor=xyz', '400 invalid_query cursor'), ('/goals?project_id=x', '400 invalid_query project_id'), ('/goals?status=missed', '400 invalid_query status')) v (u, w);
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period) SELECT c.id, 'posts', n, 'daily' FROM generate_series(1, 6) n, trackagoat.creator c WHERE c.org_id = :'a' AND c.removed_at IS NULL;
SELECT array_agg(id ORDER BY id DESC) AS before FROM trackagoat.goal \gset
SELECT is(pg_temp.pages('a', '/goals', 2, format($$INSERT INTO trackagoat.goal (creator_id, goal_type, target, period) VALUES (%L, 'posts', 99, 'daily')$$, :'goat')), :'before'::uuid[], 'each goal once, newest first, whatever is made meanwhile');
SELECT is(pg_temp.pages('a', '/goals?' || u, 2, format($$INSERT INTO trackagoat.goal (creator_id, goal_type, target, period) VALUES (%L, 'posts', 99, 'daily')$$, :'goat')), w, 'those by ' || u)
	FROM (SELECT 'project_id=' || :'q', array_agg(id ORDER BY id DESC) FROM trackagoat.goal WHERE project_id = :'q' UNION ALL SELECT 'creator_id=' || :'ram', array_agg(id ORDER BY id DESC) FROM trackagoat.goal WHERE creator_id = :'ram') v (u, w);
SELECT is(pg_temp.ask('a', 'DELETE /goals/' || :'posts') -> 'data', jsonb_build_object('id', :'posts', 'deleted', true), 'a goal is deleted');
SELECT is(pg_temp.told(pg_temp.ask('a', m || ' /goals/' || :'posts')), '404 goal_not_found', m || ' finds it no more') FROM unnest(ARRAY['GET', 'DELETE']) m;

SELECT * FROM finish();
ROLLBACK;
