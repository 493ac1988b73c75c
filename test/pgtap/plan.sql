-- Plans: their limits, what is refused past them, how much of them is used.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql

-- how a limit refuses: SQLSTATE, message, and the detail read as JSON; or accepted
CREATE FUNCTION pg_temp.limited(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	state text; message text; detail text;
BEGIN
	EXECUTE statement;
	RETURN 'accepted';
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	IF state <> 'PT402' THEN
		RETURN concat_ws(' ', state, message);
	END IF;
	RETURN concat_ws(' ', state, message, (SELECT string_agg(k || '=' || v, ' ' ORDER BY k) FROM jsonb_each_text(detail::jsonb) j (k, v)));
END
$$;

--
-- What plans allow
--
SELECT is(count(*), 45::bigint, 'three plans of fifteen limits') FROM trackagoat.documented_plans();
SELECT results_eq($$SELECT plan, count(*), count(DISTINCT limit_key) FROM trackagoat.documented_plans() GROUP BY 1 ORDER BY 1$$, $$VALUES ('free', 15::bigint, 15::bigint), ('starter', 15, 15), ('ultra', 15, 15)$$, 'each once in each plan');
SELECT is(string_agg(coalesce(max::text, 'none'), ' ' ORDER BY plan), maxima, limit_key) FROM trackagoat.documented_plans() JOIN (VALUES
	('max_creators_per_org', '5 50 300'), ('max_tracked_videos_per_org', '25 500 5000'), ('max_projects_per_org', '1 3 10'), ('max_campaigns_per_project', '3 25 250'),
	('max_campaign_items_per_campaign', '25 250 5000'), ('max_payout_methods_per_org', '6 10 none'), ('stats_history_retention_days', '30 365 none')) v (limit_key, maxima) USING (limit_key)
GROUP BY limit_key, maxima;
SELECT is((SELECT array_agg((limit_key, max)::text ORDER BY limit_key) FROM trackagoat.plan_limits('starter')), (SELECT array_agg((limit_key, max)::text ORDER BY limit_key) FROM trackagoat.documented_plans() WHERE plan = 'starter'), 'plan_limits has what is documented');
INSERT INTO trackagoat.plan VALUES ('starter', 'max_creators_per_org', 60), ('starter', 'max_projects_per_org', NULL), ('tiny', 'max_creators_per_org', 2), ('tiny', 'max_tracked_videos_per_org', 2),
	('tiny', 'max_projects_per_org', 2), ('tiny', 'max_campaigns_per_project', 2), ('tiny', 'max_campaign_items_per_campaign', 2);
SELECT is((SELECT max FROM trackagoat.plan_limits('starter') WHERE limit_key = 'max_creators_per_org'), 60::bigint, 'a row goes over what is documented');
SELECT is((SELECT max FROM trackagoat.plan_limits('starter') WHERE limit_key = 'max_projects_per_org'), NULL, 'one of NULL is no limit');
SELECT is((SELECT max FROM trackagoat.plan_limits('starter') WHERE limit_key = 'max_campaigns_per_project'), 25::bigint, 'the others stay');
SELECT is((SELECT max FROM trackagoat.plan_limits('free') WHERE limit_key = 'max_creators_per_org'), 5::bigint, 'in other plans too');
SELECT is((count(*), count(max))::text, '(15,5)', 'a plan of rows alone has the limits that they name') FROM trackagoat.plan_limits('tiny');
SELECT is((count(*), count(max))::text, '(15,0)', 'no plan has none') FROM trackagoat.plan_limits(NULL);
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.plan VALUES (%L, %L, %s)', p, k, m)), r, 'a row of a plan: ' || r)
FROM (VALUES ('Big', 'max_creators_per_org', '1', '23514 plan_plan_check'), ('', 'max_creators_per_org', '1', '23514 plan_plan_check'), ('big', 'max_goats', '1', '23514 plan_limit_key_check'),
	('big', 'max_creators_per_org', '-1', '23514 plan_max_check'), ('big', 'min_video_stats_hours', '8785', '23514 plan_hours_check'), ('big', 'max_creators_per_org', '8785', 'accepted'), ('tiny', 'max_creators_per_org', '1', '23505 plan_pkey')) v (p, k, m, r);

-- which plans there are
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.organization (name, plan) VALUES (%L, %L)', 'x', p)), 'PT400 invalid_plan', format('there is no plan %L', p)) FROM unnest(ARRAY['gold', '', 'Free', 'max_creators_per_org']) p;
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.organization (name, plan) VALUES (%L, %L)', 'x', p)), 'accepted', coalesce(p, 'no plan') || ' there is') FROM unnest(ARRAY['free', 'starter', 'ultra', 'tiny', NULL]) p;
INSERT INTO trackagoat.organization (name) VALUES ('O') RETURNING id AS org \gset
SELECT throws_ok(format($$UPDATE trackagoat.organization SET plan = 'gold' WHERE id = %L$$, :'org'), 'PT400', 'invalid_plan', 'nor is it chosen later');
SELECT is((SELECT plan FROM trackagoat.organization WHERE id = :'org'), NULL, 'an organization has none by itself');

--
-- Without a plan there is no limit
--
INSERT INTO trackagoat.project (org_id, name) SELECT :'org', 'P' || n FROM generate_series(1, 12) n;
SELECT id AS project FROM trackagoat.project WHERE org_id = :'org' AND name = 'P1' \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT :'project', 'c' || n FROM generate_series(1, 400) n;
SELECT is(trackagoat.limit_room(k, :'org', :'project'), NULL, 'without a plan there is any room of ' || k)
FROM unnest(ARRAY['max_creators_per_org', 'max_tracked_videos_per_org', 'max_projects_per_org', 'max_campaigns_per_project', 'max_campaign_items_per_campaign']) k;
SELECT ok(bool_and(max IS NULL) AND sum(current) FILTER (WHERE limit_key = 'max_creators_per_org') = 400 AND sum(current) FILTER (WHERE limit_key = 'max_projects_per_org') = 12, 'and limit_usage says how much there is') FROM trackagoat.limit_usage(:'org');
-- a plan that comes later takes nothing away, but nothing more comes in
UPDATE trackagoat.organization SET plan = 'tiny' WHERE id = :'org';
SELECT is(count(*), 400::bigint, 'a plan takes nothing away') FROM trackagoat.creator WHERE org_id = :'org';
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'more')$$, :'project')), 'PT402 limit_reached current=400 limitKey=max_creators_per_org max=2', 'but nothing more comes in');
SELECT is(pg_temp.limited(format($$UPDATE trackagoat.creator SET readme = 'x', tiktok_handle = 'renamed' WHERE project_id = %L AND tiktok_handle OPERATOR(trackagoat.=) 'c1'$$, :'project')), 'accepted', 'what is there may change');
SELECT is(trackagoat.limit_room('max_creators_per_org', :'org', NULL), 0::bigint, 'there is no room, and not less');
UPDATE trackagoat.organization SET plan = NULL WHERE id = :'org';
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'more')$$, :'project')), 'accepted', 'without it all is well');

--
-- Each limit that is counted
--
INSERT INTO trackagoat.organization (name, plan) VALUES ('Tiny', 'tiny') RETURNING id AS tiny \gset
-- projects
INSERT INTO trackagoat.project (org_id, name) VALUES (:'tiny', 'A') RETURNING id AS a \gset
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.project (org_id, name) VALUES (%1$L, 'B'), (%1$L, 'C')$$, :'tiny')), 'PT402 limit_reached current=1 limitKey=max_projects_per_org max=2', 'a statement that goes past the limit is refused whole');
INSERT INTO trackagoat.project (org_id, name) VALUES (:'tiny', 'B') RETURNING id AS b \gset
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.project (org_id, name) VALUES (%L, 'C')$$, :'tiny')), 'PT402 limit_reached current=2 limitKey=max_projects_per_org max=2', 'projects: the third is refused');
-- creators, of all projects
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'a', 'one') RETURNING id AS one \gset
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'two'), (%L, 'three')$$, :'a', :'b')), 'PT402 limit_reached current=1 limitKey=max_creators_per_org max=2', 'a statement over two projects');
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'b', 'two') RETURNING id AS two \gset
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'three')$$, p)), 'PT402 limit_reached current=2 limitKey=max_creators_per_org max=2', 'creators: the third is refused, in any project') FROM unnest(ARRAY[:'a', :'b']) p;
WITH again AS (INSERT INTO trackagoat.creator (project_id, tiktok_handle, readme) VALUES (:'a', 'ONE', 'again')
	ON CONFLICT (project_id, tiktok_handle, org_id) WHERE removed_at IS NULL DO UPDATE SET readme = excluded.readme RETURNING readme)
SELECT is(readme, 'again', 'an upsert of what is there is none more') FROM again;
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'one') ON CONFLICT DO NOTHING$$, :'a')), 'accepted', 'nor is one that does nothing');
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%1$L, 'one'), (%1$L, 'new') ON CONFLICT DO NOTHING$$, :'a')), 'PT402 limit_reached current=2 limitKey=max_creators_per_org max=2', 'but what it adds is');
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle, removed_at) VALUES (%L, 'old', now())$$, :'a')), 'accepted', 'removed ones do not count');
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'one';
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'three')$$, :'a')), 'PT402 limit_reached current=2 limitKey=max_creators_per_org max=2', 'disabled ones do');
SELECT is(pg_temp.limited(format($$UPDATE trackagoat.creator SET removed_at = NULL WHERE project_id = %L AND tiktok_handle OPERATOR(trackagoat.=) 'old'$$, :'a')), 'PT402 limit_reached current=2 limitKey=max_creators_per_org max=2', 'one that comes back counts');
UPDATE trackagoat.creator SET removed_at = now() WHERE id IN (:'one', :'two');
SELECT is(pg_temp.limited(format('UPDATE trackagoat.creator SET removed_at = NULL WHERE org_id = %L', :'tiny')), 'PT402 limit_reached current=0 limitKey=max_creators_per_org max=2', 'so do three at once');
SELECT is(pg_temp.limited(format('UPDATE trackagoat.creator SET removed_at = NULL WHERE id IN (%L, %L)', :'one', :'two')), 'accepted', 'two may');
SELECT is(pg_temp.limited(format($$WITH x AS (INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%1$L, 'x') RETURNING 1), y AS (INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%1$L, 'y') RETURNING 1) SELECT FROM x, y$$, :'a')),
	'PT402 limit_reached current=2 limitKey=max_creators_per_org max=2', 'nor do parts of one statement slip through');
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle, created_at) VALUES (%L, 'backup', now() - interval '1 year')$$, :'a')), 'PT402 limit_reached current=2 limitKey=max_creators_per_org max=2', 'nor do those that a backup brings');
-- videos that were added by hand
INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'a', 1), (:'b', 1);
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (%L, 2)', :'b')), 'PT402 limit_reached current=2 limitKey=max_tracked_videos_per_org max=2', 'videos: the third is refused');
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (%L, 1) ON CONFLICT (project_id, tiktok_video_id, org_id) DO UPDATE SET readme = %L', :'b', 'x')), 'accepted', 'an upsert of what is there is none more');
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) SELECT %L, n, %L FROM generate_series(10, 20) n', :'one', s)), 'accepted', 'those that are ' || s || ' do not count') FROM unnest(ARRAY['auto_tracked']) s;
UPDATE trackagoat.video SET tracking_status = 'included' WHERE project_id = :'a' AND tiktok_video_id = 1;
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (%1$L, 2), (%1$L, 3)', :'b')), 'PT402 limit_reached current=1 limitKey=max_tracked_videos_per_org max=2', 'two where there is room for one');
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (%L, 2)', :'b')), 'accepted', 'one where there is');
-- campaigns, of each project
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'a', 'a1') RETURNING id AS a1 \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'a', 'a2') RETURNING id AS a2 \gset
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.campaign (project_id, name) VALUES (%L, %L)', :'a', 'a3')), 'PT402 limit_reached current=2 limitKey=max_campaigns_per_project max=2', 'campaigns: the third of a project is refused');
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.campaign (project_id, name) VALUES (%1$L, %2$L), (%1$L, %2$L)', :'b', 'b')), 'accepted', 'another project has its own');
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.campaign (project_id, name) VALUES (%L, 'x'), (%L, 'x')$$, :'b', :'a')), 'PT402 limit_reached current=2 limitKey=max_campaigns_per_project max=2', 'each of a statement');
DELETE FROM trackagoat.campaign WHERE project_id = :'b';
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.campaign (project_id, name) VALUES (%L, 'b'), (%L, 'x')$$, :'b', :'a')), 'PT402 limit_reached current=2 limitKey=max_campaigns_per_project max=2', 'though the first of it has room');
-- items, of each campaign
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'a1', :'one');
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT :'a1', id FROM trackagoat.video WHERE project_id = :'a' AND tiktok_video_id = 10;
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (%L, %L)', :'a1', :'a2')), 'PT402 limit_reached current=2 limitKey=max_campaign_items_per_campaign max=2', 'items: the third of a campaign is refused');
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (%L, %L) ON CONFLICT DO NOTHING', :'a1', :'one')), 'accepted', 'one that is there is none more');
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'a2', :'one');
SELECT is(pg_temp.limited(format('UPDATE trackagoat.campaign_item SET campaign_id = %L WHERE campaign_id = %L', :'a2', :'a1')), '23505 duplicate key value violates unique constraint "campaign_item_pkey"', 'an item that is there already does not move there');
SELECT is(pg_temp.limited(format('INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT %L, id FROM trackagoat.video WHERE project_id = %L AND tiktok_video_id IN (11, 12)', :'a2', :'a')), 'PT402 limit_reached current=1 limitKey=max_campaign_items_per_campaign max=2', 'two at once where there is room for one');
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT :'a2', id FROM trackagoat.video WHERE project_id = :'a' AND tiktok_video_id = 11;
SELECT is(pg_temp.limited(format('UPDATE trackagoat.campaign_item SET campaign_id = %L WHERE campaign_id = %L AND video_id IS NOT NULL', :'a2', :'a1')), 'PT402 limit_reached current=2 limitKey=max_campaign_items_per_campaign max=2', 'nor do others move past the limit');
SELECT is(pg_temp.limited(format('UPDATE trackagoat.campaign_item SET created_at = now() WHERE campaign_id = %L', :'a2')), 'accepted', 'what stays may change');

-- other plans, other organizations
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'free')$$, :'project')), 'accepted', 'another organization has its own limits');
UPDATE trackagoat.plan SET max = 3 WHERE plan = 'tiny' AND limit_key = 'max_creators_per_org';
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'three')$$, :'a')), 'accepted', 'a plan that allows more holds at once');
UPDATE trackagoat.plan SET max = 0 WHERE plan = 'tiny' AND limit_key = 'max_creators_per_org';
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'four')$$, :'a')), 'PT402 limit_reached current=3 limitKey=max_creators_per_org max=0', 'and so does one that allows none');
UPDATE trackagoat.plan SET max = NULL WHERE plan = 'tiny' AND limit_key = 'max_creators_per_org';
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'four')$$, :'a')), 'accepted', 'or any number');
UPDATE trackagoat.plan SET max = 5 WHERE plan = 'tiny' AND limit_key = 'max_creators_per_org';
UPDATE trackagoat.organization SET plan = 'free' WHERE id = :'tiny';
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%1$L, 'five'), (%1$L, 'six')$$, :'a')), 'PT402 limit_reached current=4 limitKey=max_creators_per_org max=5', 'a documented plan holds as well');
UPDATE trackagoat.organization SET plan = 'tiny' WHERE id = :'tiny';
-- after an error that was caught the limit is counted anew
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'five')$$, :'a')), 'accepted', 'the fifth');
SELECT is(pg_temp.limited(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, %L)$$, :'a', h)), 'PT402 limit_reached current=5 limitKey=max_creators_per_org max=5', 'the next again and again') FROM unnest(ARRAY['six', 'six', 'seven']) h;

--
-- limit_usage, limit_room
--
INSERT INTO trackagoat.member (org_id, user_id) SELECT :'tiny', 'user ' || n FROM generate_series(1, 3) n;
SELECT trackagoat.create_api_key(:'tiny', 'key ' || n) FROM generate_series(1, 3) n \g /dev/null
UPDATE trackagoat.api_key SET revoked_at = now() WHERE name = 'key 3';
INSERT INTO trackagoat.api_usage (org_id, day, requests) SELECT :'tiny', (now() AT TIME ZONE 'UTC')::date - n, 70 - n FROM generate_series(0, 2) n;
SELECT results_eq(format('SELECT limit_key, scope, current, max FROM trackagoat.limit_usage(%L)', :'tiny'), format($$VALUES ('max_api_keys_per_org', NULL::uuid, 2::bigint, NULL::bigint), ('max_api_requests_per_day', NULL, 70, NULL), ('max_campaign_items_per_campaign', %L, 2, 2), ('max_campaign_items_per_campaign', %L, 2, 2),
	('max_campaigns_per_project', %L, 2, 2), ('max_campaigns_per_project', %L, 0, 2), ('max_creators_per_org', NULL, 5, 5), ('max_manual_scrape_triggers_per_day', NULL, NULL, NULL), ('max_members_per_org', NULL, 3, NULL), ('max_projects_per_org', NULL, 2, 2), ('max_tracked_videos_per_org', NULL, 2, 2)$$, :'a1', :'a2', :'a', :'b'), 'how much of each is used');
SELECT is(count(*), 0::bigint, 'of no organization nothing') FROM trackagoat.limit_usage(gen_random_uuid());
SELECT is((trackagoat.limit_room('max_campaigns_per_project', :'tiny', :'a'), trackagoat.limit_room('max_campaigns_per_project', :'tiny', :'b'))::text, '(0,2)', 'the room in each project');
UPDATE trackagoat.creator SET removed_at = now() WHERE id IN (:'one', :'two');
SELECT is(trackagoat.limit_room('max_creators_per_org', :'tiny', NULL), 2::bigint, 'two removed ones make room for two');
SELECT is(current, 3::bigint, 'and are not used') FROM trackagoat.limit_usage(:'tiny') WHERE limit_key = 'max_creators_per_org';
SELECT is(trackagoat.limit_room('max_campaigns_per_project', :'tiny', NULL), NULL, 'without a project there is no telling');
SELECT is(trackagoat.limit_room('max_creators_per_org', gen_random_uuid(), NULL), NULL, 'of no organization neither');
SELECT is(pg_temp.limited(format('SELECT trackagoat.limit_room(%L, %L, NULL)', 'max_goats', :'tiny')), '22023 "max_goats" is no limit that is counted', 'what is not counted has no room');
CREATE FUNCTION pg_temp.held() RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND mode = 'ExclusiveLock' $$;
INSERT INTO trackagoat.organization (name, plan) VALUES ('Held', 'free') RETURNING id AS held \gset
SELECT pg_temp.held() AS locks \gset
SELECT is(trackagoat.limit_room('max_creators_per_org', :'held', NULL), 5::bigint, 'an organization that has nothing has all the room');
SELECT is(pg_temp.held(), :locks + 1::bigint, 'which is held until the end of the transaction');
UPDATE trackagoat.organization SET plan = NULL WHERE id = :'held';
INSERT INTO trackagoat.organization (name) VALUES ('Free') RETURNING id AS unlimited \gset
SELECT trackagoat.limit_room('max_creators_per_org', :'unlimited', NULL) AS room \gset
SELECT is(pg_temp.held(), :locks + 1::bigint, 'without a plan nothing is');
DELETE FROM trackagoat.creator WHERE org_id = :'tiny' AND removed_at IS NULL;
SELECT is(trackagoat.limit_room('max_creators_per_org', :'tiny', NULL), 5::bigint, 'deleted ones make room too');

-- what moves in is held to the limits of where it comes to
INSERT INTO trackagoat.plan (plan, limit_key, max) VALUES ('tiniest', 'max_projects_per_org', 1), ('tiniest', 'max_tracked_videos_per_org', 1);
INSERT INTO trackagoat.organization (name, plan) VALUES ('tiny', 'tiniest') RETURNING id AS tiny \gset
INSERT INTO trackagoat.organization (name) VALUES ('vast') RETURNING id AS vast \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'tiny', 'full') RETURNING id AS tiny_project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'vast', 'moving') RETURNING id AS moving \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'vast', 'videos') RETURNING id AS with_videos \gset
INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'with_videos', 880001), (:'with_videos', 880002);
SELECT throws_ok(format('UPDATE trackagoat.project SET org_id = %L WHERE id = %L', :'tiny', :'moving'), 'PT402', 'limit_reached', 'a project that moves to an organization');
SELECT throws_ok(format('UPDATE trackagoat.video SET project_id = %L, org_id = %L WHERE project_id = %L', :'tiny_project', :'tiny', :'with_videos'), 'PT402', 'limit_reached', 'videos that move');

SELECT * FROM finish();
ROLLBACK;
