-- Rules of creators: the verbs for many, renames, whose account it is, the
-- change log, accounts that are gone, bans.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name, timezone) VALUES ('East', 'Pacific/Kiritimati') RETURNING id AS east \gset
INSERT INTO trackagoat.organization (name) VALUES ('West') RETURNING id AS west \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'east', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'east', 'Q') RETURNING id AS other \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'west', 'W') RETURNING id AS west_project \gset

-- the one creator of a project that has a handle, removed or not
CREATE FUNCTION pg_temp.creator(project uuid, handle text) RETURNS trackagoat.creator LANGUAGE sql AS
$$ SELECT c FROM trackagoat.creator c WHERE project_id = project AND tiktok_handle OPERATOR(trackagoat.=) handle ORDER BY removed_at DESC NULLS FIRST LIMIT 1 $$;
-- what add_creators answers, a word or two for each
CREATE FUNCTION pg_temp.add(project uuid, creators text[], mode trackagoat.tracking_mode DEFAULT NULL, start date DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(concat_ws(' ', tiktok_handle, result, code), ', ' ORDER BY place) FROM trackagoat.add_creators(project, creators, mode, start) $$;
-- the change log of a creator: kinds, or kinds and details
CREATE FUNCTION pg_temp.log(creator uuid) RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(string_agg(kind, ', ' ORDER BY id), '') FROM trackagoat.creator_event WHERE creator_id = creator $$;
CREATE FUNCTION pg_temp.detail(creator uuid, wanted text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(detail::text, ' ' ORDER BY id) FROM trackagoat.creator_event WHERE creator_id = creator AND kind = wanted $$;
-- pages, as read_page() answers them
CREATE FUNCTION pg_temp.profile(account bigint, followers bigint DEFAULT NULL, extra jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('source', 'profile', 'outcome', 'ok', 'exact', true, 'videos', '[]'::jsonb, 'next', NULL,
	'account', jsonb_build_object('id', account::text, 'follower_count', followers) || extra) $$;
CREATE FUNCTION pg_temp.listing(account bigint, handle text) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('source', 'item_list', 'outcome', 'ok', 'exact', false, 'videos', '[]'::jsonb, 'next', NULL,
	'account', jsonb_build_object('id', account::text, 'tiktok_handle', handle)) $$;
-- a profile comes in for the handle of a creator, n hours from now
CREATE FUNCTION pg_temp.see(org uuid, handle text, hours integer, page jsonb) RETURNS text LANGUAGE sql AS
$$ SELECT trackagoat.store_scrape(org, 'creator_profile', handle::trackagoat.handle, NULL, now() + hours * interval '1 hour', page) $$;
CREATE FUNCTION pg_temp.followers(creator uuid) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(concat_ws(' ', s.follower_count, CASE WHEN s.is_baseline THEN 'baseline' END), ', ' ORDER BY s.observed_at)
	FROM trackagoat.creator_snapshot s WHERE s.creator_id = creator AND s.follower_count IS NOT NULL $$;

--
-- add_creators
--
SELECT is(pg_temp.add(:'project', ARRAY['goat', '@Sheep']), 'goat created, Sheep created', 'new handles are created');
SELECT is(array_agg(place ORDER BY place), ARRAY[1, 2], 'a row for each place') FROM trackagoat.add_creators(:'project', ARRAY['goat', 'sheep']);
SELECT is(array_agg(input ORDER BY place), ARRAY[' @GOAT', 'x y'], 'with the input as it was given') FROM trackagoat.add_creators(:'project', ARRAY[' @GOAT', 'x y']);
SELECT is((org_id, tracking_mode, tracking_start_date, is_active)::text, (:'east'::uuid, 'auto', (now() AT TIME ZONE 'Pacific/Kiritimati')::date, true)::text,
	'in auto mode from today on, as the organization counts days') FROM pg_temp.creator(:'project', 'goat');
SELECT is(creator_id, (pg_temp.creator(:'project', 'goat')).id, 'the row names the creator') FROM trackagoat.add_creators(:'project', ARRAY['GOAT']);
SELECT ok((pg_temp.creator(:'project', 'goat')).id < (pg_temp.creator(:'project', 'sheep')).id, 'ids rise in the order given');
SELECT is(pg_temp.add(:'project', ARRAY['GOAT', 'sheep']), 'GOAT already_there, sheep already_there', 'what is there is left alone');
SELECT is((pg_temp.creator(:'project', 'goat')).tiktok_handle::text, 'goat', 'its handle too');
SELECT is(pg_temp.add(:'project', ARRAY['goat'], 'selective', '2020-01-01'), 'goat already_there', 'whatever mode and start are asked for');
SELECT is((tracking_mode, tracking_start_date)::text, ('auto', (now() AT TIME ZONE 'Pacific/Kiritimati')::date)::text, 'which stay') FROM pg_temp.creator(:'project', 'goat');
SELECT is(pg_temp.add(:'project', ARRAY['Ram', '@ram', 'RAM']), 'Ram created, ram already_there, RAM already_there', 'of one handle in several forms the first is created');
SELECT is((pg_temp.creator(:'project', 'ram')).tiktok_handle::text, 'Ram', 'as it was written first');
SELECT is(pg_temp.add(:'project', ARRAY['https://www.tiktok.com/@Lamb.1?lang=en', 'tiktok.com/@lamb.1', ' @lamb.1 ']), 'Lamb.1 created, lamb.1 already_there, lamb.1 already_there', 'URLs of profiles will do');
SELECT is(pg_temp.add(:'project', ARRAY['', '@', 'no handle', repeat('x', 31), 'https://www.tiktok.com/@goat/video/1', 'https://example.com/@goat']),
	'refused invalid_handle, refused invalid_handle, refused invalid_handle, refused invalid_handle, refused invalid_handle, refused invalid_handle', 'what is no handle is refused by itself');
SELECT is(pg_temp.add(:'project', ARRAY[NULL, 'kid', NULL]), 'refused invalid_handle, kid created, refused invalid_handle', 'nothing is no handle');
SELECT is(pg_temp.add(:'project', '{}'), NULL, 'an empty list adds nothing');
SELECT is(pg_temp.add(:'project', NULL), NULL, 'no list either');
SELECT is(pg_temp.add(:'project', ARRAY['ibex'], 'selective', '2024-02-29'), 'ibex created', 'new ones take mode and start');
SELECT is((tracking_mode, tracking_start_date)::text, '(selective,2024-02-29)', 'that are given') FROM pg_temp.creator(:'project', 'ibex');
SELECT is(pg_temp.add(:'other', ARRAY['goat']), 'goat created', 'another project has its own');
SELECT is(pg_temp.refusal(format('SELECT * FROM trackagoat.add_creators(%L, ARRAY[%L], NULL, %L)', :'project', 'dated', d)), '23514 creator_tracking_start_date_check', 'no tracking from ' || d)
FROM unnest(ARRAY['infinity', '1969-12-31']) d;
SELECT is(pg_temp.refusal($$SELECT * FROM trackagoat.add_creators(gen_random_uuid(), ARRAY['goat'])$$), 'PT404 project_not_found', 'the project must exist');
SELECT is(pg_temp.refusal($$SELECT * FROM trackagoat.add_creators(NULL, ARRAY['goat'])$$), 'PT404 project_not_found', 'and be named');
SELECT is(pg_temp.refusal(format($$SELECT * FROM trackagoat.add_creators(%L, array_fill('goat'::text, ARRAY[10001]))$$, :'project')), 'PT400 too_many_creators', 'ten thousand at a time');
SELECT is(count(*) FILTER (WHERE result = 'already_there'), 10000::bigint, 'no fewer') FROM trackagoat.add_creators(:'project', array_fill('goat'::text, ARRAY[10000]));
-- each has jobs, each an event
SELECT is(string_agg(kind::text, ' ' ORDER BY kind), 'creator_profile discover_videos', 'added ones are queued') FROM trackagoat.scrape_job WHERE tiktok_handle OPERATOR(trackagoat.=) 'lamb.1' AND due_at <= now();
SELECT is((pg_temp.log(id), pg_temp.detail(id, 'added'))::text, (('added', '{"tiktok_handle": "ibex", "tracking_mode": "selective"}'))::text, 'and the change log says so once') FROM pg_temp.creator(:'project', 'ibex');

-- who was removed comes back with its history
SELECT (pg_temp.creator(:'project', 'ibex')).id AS ibex \gset
SELECT trackagoat.observe_creator(:'ibex', '2026-01-01Z', 100, 1, 1, 1) AS stored \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'ibex', 11, 'included');
UPDATE trackagoat.creator SET readme = 'mine', removed_at = now(), disabled_at = now(), disabled_reason = 'holiday' WHERE id = :'ibex';
SELECT is(pg_temp.add(:'project', ARRAY['@IBEX', 'ibex']), 'IBEX reactivated, ibex already_there', 'a removed one comes back');
SELECT is((id, tracking_mode, tracking_start_date, readme, follower_count, is_active, disabled_reason)::text, (:'ibex'::uuid, 'selective', '2024-02-29'::date, 'mine', 100, true, NULL::text)::text,
	'with what it had, and enabled') FROM pg_temp.creator(:'project', 'ibex');
SELECT is((SELECT count(*) FROM trackagoat.video WHERE creator_id = :'ibex') + (SELECT count(*) FROM trackagoat.creator_snapshot WHERE creator_id = :'ibex'), 2::bigint, 'its videos and numbers are there');
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'ibex';
SELECT is(pg_temp.add(:'project', ARRAY['ibex'], 'auto', '2025-03-01'), 'ibex reactivated', 'one that comes back');
SELECT is((tracking_mode, tracking_start_date)::text, '(auto,2025-03-01)', 'takes mode and start that are given') FROM pg_temp.creator(:'project', 'ibex');
-- of several that were removed the last
INSERT INTO trackagoat.creator (project_id, tiktok_handle, removed_at, readme) VALUES (:'project', 'twice', '2026-01-02Z', 'later'), (:'project', 'twice', '2026-01-01Z', 'earlier');
SELECT is(pg_temp.add(:'project', ARRAY['twice']), 'twice reactivated', 'of several that were removed one comes back');
SELECT is(string_agg(readme, ' '), 'later', 'the last') FROM trackagoat.creator WHERE project_id = :'project' AND tiktok_handle OPERATOR(trackagoat.=) 'twice' AND removed_at IS NULL;
-- a limit: refused in the order given, what comes back counts too
INSERT INTO trackagoat.plan VALUES ('three', 'max_creators_per_org', 3);
UPDATE trackagoat.organization SET plan = 'three' WHERE id = :'west';
INSERT INTO trackagoat.creator (project_id, tiktok_handle, removed_at) VALUES (:'west_project', 'back', now());
SELECT is(pg_temp.add(:'west_project', ARRAY['one', 'no handle', 'two', 'one', 'back', 'four', 'FOUR', 'one']),
	'one created, refused invalid_handle, two created, one already_there, back reactivated, four refused limit_reached, FOUR refused limit_reached, one already_there', 'past the limit each is refused');
SELECT is(pg_temp.add(:'west_project', ARRAY['five', 'two']), 'five refused limit_reached, two already_there', 'and what is there is still there');
SELECT is(count(*), 3::bigint, 'and the limit holds') FROM trackagoat.creator WHERE org_id = :'west' AND removed_at IS NULL;
UPDATE trackagoat.organization SET plan = NULL WHERE id = :'west';

--
-- remove_creators, reenable_creators
--
CREATE FUNCTION pg_temp.verb(verb text, ids uuid[]) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	answer text;
BEGIN
	EXECUTE format('SELECT string_agg(concat_ws('' '', result, code), '', '') FROM trackagoat.%I($1)', verb) INTO answer USING ids;
	RETURN answer;
END
$$;
SELECT (pg_temp.creator(:'west_project', 'one')).id AS one, (pg_temp.creator(:'west_project', 'two')).id AS two \gset
SELECT is(pg_temp.verb('remove_creators', ARRAY[:'one', gen_random_uuid(), NULL]::uuid[]), 'removed, refused creator_not_found, refused creator_not_found', 'creators are removed by their ids');
SELECT is(removed_at, now(), 'now') FROM trackagoat.creator WHERE id = :'one';
SELECT is(pg_temp.verb('remove_creators', ARRAY[:'one', :'two']::uuid[]), 'already_removed, removed', 'each once');
SELECT is(array_agg(creator_id), ARRAY[:'two', :'one']::uuid[], 'rows come in the order given') FROM trackagoat.remove_creators(ARRAY[:'two', :'one']::uuid[]);
SELECT is(pg_temp.log(:'one'), 'added, removed', 'and the change log says so once');
SELECT is(pg_temp.verb('remove_creators', '{}'), NULL, 'none is none');
SELECT is(pg_temp.refusal('SELECT * FROM trackagoat.' || v || '(array_fill(gen_random_uuid(), ARRAY[10001]))'), 'PT400 too_many_creators', v || ' takes ten thousand') FROM unnest(ARRAY['remove_creators', 'reenable_creators']) v;
SELECT is(pg_temp.verb('reenable_creators', ARRAY[:'one']::uuid[]), 'refused creator_removed', 'a removed one is not enabled');
SELECT (pg_temp.creator(:'project', 'sheep')).id AS sheep, (pg_temp.creator(:'project', 'kid')).id AS kid, (pg_temp.creator(:'project', 'ram')).id AS ram \gset
UPDATE trackagoat.creator SET disabled_at = now(), disabled_reason = 'holiday' WHERE id = :'sheep';
UPDATE trackagoat.creator SET disabled_at = now(), disabled_reason = 'account_gone', gone_days = 5 WHERE id = :'kid';
INSERT INTO trackagoat.banned_handle VALUES ('ram', 'spam');
SELECT is(pg_temp.verb('reenable_creators', ARRAY[:'sheep', :'kid', :'ram', :'ibex', gen_random_uuid(), NULL]::uuid[]),
	'reenabled, reenabled, refused creator_banned, already_active, refused creator_not_found, refused creator_not_found', 'creators are enabled, but for banned ones');
SELECT is((is_active, disabled_reason, gone_days)::text, '(t,,0)', 'and begin anew') FROM trackagoat.creator WHERE id = :'kid';
SELECT is(pg_temp.verb('reenable_creators', ARRAY[:'sheep']::uuid[]), 'already_active', 'each once');
DELETE FROM trackagoat.banned_handle;
SELECT ok(NOT is_active, 'a ban that is lifted enables nobody by itself') FROM trackagoat.creator WHERE id = :'ram';
SELECT is(pg_temp.verb('reenable_creators', ARRAY[:'ram']::uuid[]), 'reenabled', 'but lets them be');

--
-- Renames: what is refused
--
SELECT (pg_temp.creator(:'project', 'goat')).id AS goat \gset
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET tiktok_handle = %L WHERE id = %L', h, :'goat')), 'PT409 invalid_handle', format('%L is no handle', h))
FROM unnest(ARRAY['', '@', 'no handle', repeat('x', 31)]) h;
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET tiktok_handle = %L WHERE id = %L', h, :'goat')), 'PT409 no_change', format('%L is what it has', h)) FROM unnest(ARRAY['goat', '@goat']) h;
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET tiktok_handle = tiktok_handle WHERE id = %L', :'goat')), 'PT409 no_change', 'nor is that a change');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET tiktok_handle = %L, %s WHERE id = %L', 'goat', x, :'goat')), 'accepted', 'a row written back may have it, with ' || x)
FROM unnest(ARRAY['readme = readme', 'updated_at = now()', 'tracking_mode = tracking_mode', 'id = id']) x;
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET tiktok_handle = %L WHERE id = %L', h, :'goat')), 'PT409 handle_taken', h || ' is another''s') FROM unnest(ARRAY['sheep', 'SHEEP', '@Sheep']) h;
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'sheep';
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.creator SET tiktok_handle = 'sheep' WHERE id = %L$$, :'goat')), 'PT409 handle_taken', 'of one that is disabled too');
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'sheep';
INSERT INTO trackagoat.banned_handle VALUES ('wolf', 'spam');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET tiktok_handle = %L WHERE id = %L', h, :'goat')), 'PT409 creator_banned', h || ' is banned') FROM unnest(ARRAY['wolf', '@WOLF']) h;
DELETE FROM trackagoat.banned_handle;
SELECT is(pg_temp.log(:'goat'), 'added', 'a refusal leaves nothing in the change log');
-- a removed creator's handle is free
INSERT INTO trackagoat.creator (project_id, tiktok_handle, removed_at) VALUES (:'project', 'leaver', now()) RETURNING id AS leaver \gset
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.creator SET tiktok_handle = 'leaver' WHERE id = %L$$, :'kid')), 'accepted', 'a removed one keeps no handle');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET removed_at = NULL WHERE id = %L', :'leaver')), '23505 creator_handle_key', 'and does not come back beside it');
SELECT is(pg_temp.add(:'project', ARRAY['leaver']), 'leaver already_there', 'nor when it is added');
UPDATE trackagoat.creator SET tiktok_handle = 'kid' WHERE id = :'kid';
DELETE FROM trackagoat.creator WHERE id = :'leaver';

--
-- Renames: what is kept, what is cleared
--
UPDATE trackagoat.creator SET readme = 'mine', metadata = '{"k": 1}', display_name_override = 'Our goat', tracking_start_date = '2026-01-01' WHERE id = :'goat';
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'goat', 21, 'included') RETURNING id AS video \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'C') RETURNING id AS campaign \gset
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'campaign', :'goat');
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (:'campaign', :'video');
SELECT is(pg_temp.see(:'east', 'goat', -9, pg_temp.profile(42, 900, '{"sec_uid": "MS4wLjABAAAAgoat", "display_name": "Goat"}')), 'ok', 'a profile');
DELETE FROM trackagoat.creator WHERE project_id = :'other';
CREATE TEMP TABLE before AS SELECT * FROM trackagoat.creator WHERE id = :'goat';
UPDATE trackagoat.creator SET tiktok_handle = 'GOAT' WHERE id = :'goat';
SELECT is(to_jsonb(c) - '{tiktok_handle,updated_at}'::text[], to_jsonb(b) - '{tiktok_handle,updated_at}'::text[], 'another case clears nothing') FROM trackagoat.creator c JOIN before b USING (id);
SELECT is((SELECT tiktok_handle::text FROM trackagoat.creator WHERE id = :'goat'), 'GOAT', 'is taken');
SELECT is(pg_temp.log(:'goat'), 'added', 'and logs nothing');
UPDATE trackagoat.creator SET tiktok_handle = 'billy' WHERE id = :'goat';
SELECT is(num_nonnulls(tiktok_account_id, tiktok_sec_uid, display_name, follower_count, last_scraped_at, last_observed_at), 0, 'a rename clears what the profile showed') FROM trackagoat.creator WHERE id = :'goat';
SELECT is((readme, metadata, display_name_override, tracking_mode, tracking_start_date)::text, '(mine,"{""k"": 1}","Our goat",auto,2026-01-01)', 'and keeps what people wrote') FROM trackagoat.creator WHERE id = :'goat';
SELECT is((SELECT count(*) FROM trackagoat.video WHERE creator_id = :'goat'), 1::bigint, 'the videos');
SELECT is((SELECT count(*) FROM trackagoat.campaign_item WHERE campaign_id = :'campaign'), 2::bigint, 'and the items of campaigns');
SELECT is((SELECT (creators, videos)::text FROM trackagoat.campaign_stats(:'campaign')), '(1,1)', 'which count as before');
SELECT is(pg_temp.log(:'goat'), 'added, renamed', 'the change log tells');
SELECT is(pg_temp.detail(:'goat', 'renamed')::jsonb, '{"from": "GOAT", "to": "billy", "tiktok_account_id": "42", "tiktok_sec_uid": "MS4wLjABAAAAgoat"}', 'from what to what, and whose account it was');

--
-- Whose account is it after a rename?
--
-- the same: the break is taken back
SELECT is(pg_temp.see(:'east', 'billy', 1, pg_temp.profile(NULL, 910)), 'ok', 'a page without the account''s id');
SELECT is((previous_account_id, tiktok_account_id)::text, '(42,)', 'leaves it open') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(pg_temp.followers(:'goat'), '900 baseline, 910 baseline', 'what it shows is a baseline');
SELECT is(pg_temp.see(:'east', 'billy', 2, pg_temp.profile(42, 920)), 'ok', 'the next shows the account of before');
SELECT is((tiktok_account_id, previous_account_id, previous_baseline_at, baseline_at)::text, '(42,,,-infinity)', 'it is the same one') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(pg_temp.followers(:'goat'), '900 baseline, 910, 920', 'and its history goes on');
SELECT is(pg_temp.log(:'goat'), 'added, renamed, account_confirmed', 'the change log says so');
SELECT is(pg_temp.detail(:'goat', 'account_confirmed')::jsonb, '{"tiktok_account_id": "42"}', 'of which account');
SELECT is(pg_temp.see(:'east', 'billy', 3, pg_temp.profile(42, 930)), 'ok', 'another');
SELECT is(pg_temp.log(:'goat'), 'added, renamed, account_confirmed', 'is told no more');
-- across two renames in a row
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'nan') RETURNING id AS nan \gset
SELECT pg_temp.see(:'east', 'nan', -1, pg_temp.profile(44, 100)) AS outcome \gset
UPDATE trackagoat.creator SET tiktok_handle = 'nan2' WHERE id = :'nan';
UPDATE trackagoat.creator SET tiktok_handle = 'nan3' WHERE id = :'nan';
SELECT is((previous_account_id, previous_baseline_at)::text, '(44,-infinity)', 'after two renames it is known whose it was before both') FROM trackagoat.creator WHERE id = :'nan';
SELECT is(pg_temp.see(:'east', 'nan3', 1, pg_temp.profile(44, 110)), 'ok', 'a profile');
SELECT is((tiktok_account_id, previous_account_id, baseline_at)::text, '(44,,-infinity)', 'is of the same account') FROM trackagoat.creator WHERE id = :'nan';
SELECT is(pg_temp.followers(:'nan'), '100 baseline, 110', 'which has one history');
SELECT is(pg_temp.log(:'nan'), 'added, renamed, renamed, account_confirmed', 'and is confirmed once');
SELECT pg_temp.see(:'east', 'lamb.1', -1, pg_temp.profile(45, 950)) AS outcome \gset
SELECT (pg_temp.creator(:'project', 'lamb.1')).id AS lamb \gset
UPDATE trackagoat.creator SET tiktok_handle = 'typo' WHERE id = :'lamb';
UPDATE trackagoat.creator SET tiktok_handle = 'lamb.1' WHERE id = :'lamb';
SELECT is(pg_temp.see(:'east', 'lamb.1', 1, pg_temp.profile(45, 960)), 'ok', 'a handle given back');
SELECT is((tiktok_account_id, baseline_at)::text, '(45,-infinity)', 'is the same account') FROM trackagoat.creator WHERE id = :'lamb';
SELECT is(pg_temp.followers(:'lamb'), '950 baseline, 960', 'as if nothing had been');
-- a rename that another account has answered is a break that stays, whatever follows
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'doe') RETURNING id AS doe \gset
SELECT pg_temp.see(:'east', 'doe', -1, pg_temp.profile(142, 200)) AS outcome \gset
UPDATE trackagoat.creator SET tiktok_handle = 'nanny' WHERE id = :'doe';
SELECT baseline_at AS doe_baseline FROM trackagoat.creator WHERE id = :'doe' \gset
SELECT is(pg_temp.see(:'east', 'nanny', 1, pg_temp.profile(43, 7)), 'ok', 'a profile of another account');
SELECT is((tiktok_account_id, previous_account_id, previous_baseline_at, baseline_at)::text, format('(43,,,"%s")', :'doe_baseline'), 'is a new one') FROM trackagoat.creator WHERE id = :'doe';
SELECT is(pg_temp.followers(:'doe'), '200 baseline, 7 baseline', 'whose numbers are a baseline');
SELECT is(pg_temp.see(:'east', 'nanny', 2, pg_temp.profile(142, 210)), 'account_changed', 'and the account of before is another then');
SELECT is((tiktok_account_id, follower_count)::text, '(43,7)', 'of which nothing is taken') FROM trackagoat.creator WHERE id = :'doe';
SELECT is(pg_temp.log(:'doe'), 'added, renamed, account_changed', 'which is not confirmed');
-- without an account before there is nothing to confirm
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'unseen') RETURNING id AS unseen \gset
UPDATE trackagoat.creator SET tiktok_handle = 'unseen2' WHERE id = :'unseen';
SELECT pg_temp.see(:'east', 'unseen2', 1, pg_temp.profile(46, 1)) AS outcome \gset
SELECT is(pg_temp.log(:'unseen'), 'added, renamed', 'an account seen for the first time is not confirmed');
-- one that was found gone, renamed, and seen again through a twin in another project
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'gone1') RETURNING id AS gone \gset
SELECT pg_temp.see(:'east', 'gone1', -1, pg_temp.profile(77, 100)) AS outcome \gset
UPDATE trackagoat.creator SET disabled_at = now(), disabled_reason = 'account_gone' WHERE id = :'gone';
UPDATE trackagoat.creator SET tiktok_handle = 'gone2' WHERE id = :'gone';
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'other', 'gone2');
SELECT is(pg_temp.see(:'east', 'gone2', 2, pg_temp.profile(77, 110)), 'ok', 'an account found under another name');
SELECT is((is_active, tiktok_account_id, baseline_at)::text, '(t,77,-infinity)', 'is enabled, and the same') FROM trackagoat.creator WHERE id = :'gone';
SELECT is(pg_temp.followers(:'gone'), '100 baseline, 110', 'with one history');
SELECT is(count(*), 0::bigint, 'the numbers agree') FROM trackagoat.verify(:'project');
DELETE FROM trackagoat.creator WHERE project_id = :'other';

-- another account has the handle: told once for each
SELECT pg_temp.log(:'doe') AS told \gset
SELECT is(pg_temp.detail(:'doe', 'account_changed')::jsonb, '{"tiktok_account_id": "43", "shown_account_id": "142"}', 'the change log tells whose it shows');
SELECT is(pg_temp.see(:'east', 'nanny', 9, pg_temp.profile(142, 980)), 'account_changed', 'the same stranger again');
SELECT is(pg_temp.log(:'doe'), :'told', 'is told no more');
SELECT is(trackagoat.store_scrape(:'east', 'discover_videos', 'nanny', NULL, now() + interval '9 hours', pg_temp.listing(142, NULL)), 'account_changed', 'nor in a list of videos');
SELECT is(pg_temp.log(:'doe'), :'told', 'either');
SELECT is(pg_temp.see(:'east', 'nanny', 10, pg_temp.profile(666, 1)), 'account_changed', 'another stranger');
SELECT is(pg_temp.log(:'doe'), :'told' || ', account_changed', 'is told');
SELECT is(pg_temp.see(:'east', 'nanny', 11, pg_temp.profile(43, 8)), 'ok', 'the account itself');
SELECT is((other_account_id, follower_count)::text, '(,8)', 'ends that') FROM trackagoat.creator WHERE id = :'doe';
SELECT is(pg_temp.see(:'east', 'nanny', 12, pg_temp.profile(666, 1)), 'account_changed', 'the stranger once more');
SELECT is(pg_temp.log(:'doe'), :'told' || ', account_changed, account_changed', 'is told again then');

-- the account takes another handle: followed, nothing cleared
SELECT is(trackagoat.store_scrape(:'east', 'discover_videos', 'nanny', NULL, now() + interval '13 hours', pg_temp.listing(43, 'Nanny.Goat')), 'ok', 'a list that shows another handle');
SELECT is((tiktok_handle::text, tiktok_account_id, follower_count, previous_account_id)::text, '(Nanny.Goat,43,8,)', 'is followed, and nothing cleared') FROM trackagoat.creator WHERE id = :'doe';
SELECT is(handle_followed_at, date_trunc('second', now() + interval '13 hours'), 'with the time') FROM trackagoat.creator WHERE id = :'doe';
SELECT is(pg_temp.detail(:'doe', 'handle_followed')::jsonb, '{"from": "nanny", "to": "Nanny.Goat", "tiktok_account_id": "43", "tiktok_sec_uid": null}', 'which the change log tells');
SELECT is(string_agg(kind::text, ' ' ORDER BY kind), 'creator_profile discover_videos', 'and the new handle is queued') FROM trackagoat.scrape_job WHERE tiktok_handle OPERATOR(trackagoat.=) 'nanny.goat';
SELECT is(pg_temp.see(:'east', 'nanny.goat', 14, pg_temp.profile(43, 9)), 'ok', 'a profile under it');
SELECT is(pg_temp.followers(:'doe'), '200 baseline, 7 baseline, 8, 9', 'goes on with the history');
SELECT is(trackagoat.store_scrape(:'east', 'discover_videos', 'nanny.goat', NULL, now() + interval '15 hours', pg_temp.listing(43, 'NANNY.goat')), 'ok', 'another case');
SELECT is((SELECT tiktok_handle::text FROM trackagoat.creator WHERE id = :'doe'), 'Nanny.Goat', 'is not followed');
SELECT is(trackagoat.store_scrape(:'east', 'discover_videos', 'nanny.goat', NULL, now() + interval '16 hours', pg_temp.listing(43, 'sheep')), 'ok', 'one that another creator has');
SELECT is((SELECT tiktok_handle::text FROM trackagoat.creator WHERE id = :'doe'), 'Nanny.Goat', 'is not followed');
INSERT INTO trackagoat.banned_handle VALUES ('wolf', 'spam');
SELECT is(trackagoat.store_scrape(:'east', 'discover_videos', 'nanny.goat', NULL, now() + interval '17 hours', pg_temp.listing(43, 'wolf')), 'ok', 'one that is banned');
SELECT is((SELECT tiktok_handle::text FROM trackagoat.creator WHERE id = :'doe'), 'Nanny.Goat', 'is not followed');
DELETE FROM trackagoat.banned_handle;
SELECT is(trackagoat.store_scrape(:'east', 'discover_videos', 'nanny.goat', NULL, now() + interval '18 hours', pg_temp.listing(44, 'elsewhere')), 'account_changed', 'one of another account');
SELECT is((SELECT tiktok_handle::text FROM trackagoat.creator WHERE id = :'doe'), 'Nanny.Goat', 'is not followed');
-- followed twice within one second
SELECT is(trackagoat.store_scrape(:'east', 'discover_videos', h.was, NULL, now() + interval '19 hours', pg_temp.listing(43, h.shown)), 'ok', format('%s is %s', h.was, h.shown))
FROM (VALUES ('nanny.goat'::trackagoat.handle, 'one'), ('one', 'two')) h (was, shown);
SELECT is((tiktok_handle::text, tiktok_account_id)::text, '(two,43)', 'is a follow both times') FROM trackagoat.creator WHERE id = :'doe';
-- a rename after that is a rename
UPDATE trackagoat.creator SET tiktok_handle = 'doe' WHERE id = :'doe';
SELECT is((tiktok_account_id, previous_account_id)::text, '(,43)', 'a person''s rename after it is one') FROM trackagoat.creator WHERE id = :'doe';

--
-- The change log
--
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'logged') RETURNING id AS logged \gset
SELECT is(pg_temp.detail(:'logged', 'added')::jsonb, '{"tiktok_handle": "logged", "tracking_mode": "auto"}', 'added, with handle and mode');
UPDATE trackagoat.creator SET tracking_mode = 'selective' WHERE id = :'logged';
SELECT is(pg_temp.detail(:'logged', 'mode_changed')::jsonb, '{"from": "auto", "to": "selective"}', 'the mode, from what to what');
UPDATE trackagoat.creator SET disabled_at = now(), disabled_reason = 'holiday' WHERE id = :'logged';
SELECT is(pg_temp.detail(:'logged', 'disabled')::jsonb, '{"reason": "holiday"}', 'disabled, and why');
UPDATE trackagoat.creator SET disabled_at = now() + interval '1 hour' WHERE id = :'logged';
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'logged';
SELECT is(pg_temp.detail(:'logged', 'reenabled')::jsonb, '{"reason": "holiday"}', 'enabled, and why it was not');
SELECT is((SELECT disabled_reason FROM trackagoat.creator WHERE id = :'logged'), NULL, 'which goes with it');
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'logged';
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'logged';
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'logged';
UPDATE trackagoat.creator SET removed_at = NULL WHERE id = :'logged';
SELECT is((pg_temp.detail(:'logged', 'removed'), pg_temp.detail(:'logged', 'reactivated'))::text, '({},{})', 'removed and brought back');
SELECT is(pg_temp.log(:'logged'), 'added, mode_changed, disabled, reenabled, disabled, reenabled, removed, reactivated', 'each once, in order');
UPDATE trackagoat.creator SET tiktok_handle = 'LOGGED', readme = 'x', metadata = '{"a": 1}', display_name_override = 'x', tracking_start_date = '2026-01-01', display_name = 'y',
	tracking_mode = tracking_mode, disabled_at = NULL, last_scraped_at = now() WHERE id = :'logged';
SELECT is(pg_temp.log(:'logged'), 'added, mode_changed, disabled, reenabled, disabled, reenabled, removed, reactivated', 'what else changes is not told');
UPDATE trackagoat.creator SET removed_at = now(), disabled_at = now(), tracking_mode = 'auto', tiktok_handle = 'logged2' WHERE id = :'logged';
SELECT is(string_agg(e, ' ' ORDER BY e), 'disabled mode_changed removed renamed', 'several changes at once are told each') FROM
	(SELECT kind AS e FROM trackagoat.creator_event WHERE creator_id = :'logged' ORDER BY id DESC LIMIT 4) l;
SELECT ok(bool_and(org_id = :'east' AND project_id = :'project' AND video_id IS NULL AND created_at >= now()), 'events name organization, project and time') FROM trackagoat.creator_event WHERE creator_id = :'logged';
SELECT is(count(*), 0::bigint, 'every kind is described') FROM trackagoat.creator_event e WHERE NOT EXISTS (SELECT FROM trackagoat.creator_event_kind k WHERE k.kind = e.kind);
-- a backup is no news
INSERT INTO trackagoat.creator (project_id, tiktok_handle, created_at) VALUES (:'project', 'restored', now() - interval '2 hours') RETURNING id AS restored \gset
SELECT is(pg_temp.log(:'restored'), '', 'a row that brings an older created_at is not told');
INSERT INTO trackagoat.creator (project_id, tiktok_handle, created_at) VALUES (:'project', 'recent', now() - interval '59 minutes') RETURNING id AS recent \gset
SELECT is(pg_temp.log(:'recent'), 'added', 'one of this hour is');

-- milestones
SELECT is(array_agg(m), ARRAY[1000, 2500, 5000, 10000, 25000, 50000, 100000]::bigint[], 'the milestones up to 100k') FROM trackagoat.follower_milestones(0, 100000) m;
SELECT is(array_agg(m), ARRAY[2500, 1000]::bigint[], 'downwards in the order of crossing') FROM trackagoat.follower_milestones(2500, 999) m;
SELECT is((SELECT count(*) FROM trackagoat.follower_milestones(a, b)), 0::bigint, 'none between ' || a || ' and ' || b) FROM (VALUES (0, 999), (1000, 1000), (1000, 2499), (2499, 1000)) v (a, b);
SELECT is(array_agg(m), ARRAY[2500000000, 5000000000]::bigint[], 'past a billion too') FROM trackagoat.follower_milestones(1000000000, 5000000000) m;
CREATE FUNCTION pg_temp.milestones(creator uuid) RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(string_agg(concat_ws(' ', detail ->> 'milestone', detail ->> 'direction', detail ->> 'follower_count'), ', ' ORDER BY id), '')
	FROM trackagoat.creator_event WHERE creator_id = creator AND kind = 'follower_milestone' $$;
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'star') RETURNING id AS star \gset
SELECT pg_temp.see(:'east', 'star', -9, pg_temp.profile(50, 3000)) AS outcome \gset
SELECT is(pg_temp.milestones(:'star'), '', 'a baseline crosses nothing');
SELECT pg_temp.see(:'east', 'star', -8, pg_temp.profile(50, 4999)) AS outcome \gset
SELECT is(pg_temp.milestones(:'star'), '', 'below a milestone there is none');
SELECT pg_temp.see(:'east', 'star', -7, pg_temp.profile(50, 5000)) AS outcome \gset
SELECT is(pg_temp.milestones(:'star'), '5000 up 5000', 'to reach it is to cross it');
SELECT pg_temp.see(:'east', 'star', -6, pg_temp.profile(50, 4999)) AS outcome \gset
SELECT is(pg_temp.milestones(:'star'), '5000 up 5000, 5000 down 4999', 'downwards too');
SELECT pg_temp.see(:'east', 'star', -5, pg_temp.profile(50, 26000)) AS outcome \gset
SELECT is(pg_temp.milestones(:'star'), '5000 up 5000, 5000 down 4999, 5000 up 26000, 10000 up 26000, 25000 up 26000', 'several at once');
SELECT pg_temp.see(:'east', 'star', -4, pg_temp.profile(50, 9999)) AS outcome \gset
SELECT is(right(pg_temp.milestones(:'star'), 32), '25000 down 9999, 10000 down 9999', 'down again, the highest first');
SELECT pg_temp.milestones(:'star') AS crossed \gset
SELECT trackagoat.observe_creator(:'star', now() - interval '390 minutes', 900, NULL, NULL, NULL) AS stored \gset
SELECT is(pg_temp.milestones(:'star'), :'crossed', 'an older observation is no news');
UPDATE trackagoat.creator SET tiktok_handle = 'star2' WHERE id = :'star';
SELECT pg_temp.see(:'east', 'star2', 1, pg_temp.profile(51, 100)) AS outcome \gset
SELECT is(pg_temp.milestones(:'star'), :'crossed', 'nor are another account''s numbers after a rename');
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'comet') RETURNING id AS comet \gset
SELECT pg_temp.see(:'east', 'comet', -1, pg_temp.profile(52, 100)) AS outcome \gset
UPDATE trackagoat.creator SET tiktok_handle = 'comet2' WHERE id = :'comet';
SELECT pg_temp.see(:'east', 'comet2', 1, pg_temp.profile(NULL, 30000)) AS outcome \gset
SELECT is(pg_temp.milestones(:'comet'), '', 'nor the first ones under a new handle');
SELECT pg_temp.see(:'east', 'comet2', 2, pg_temp.profile(52, 50000)) AS outcome \gset
SELECT is(pg_temp.milestones(:'comet'), '50000 up 50000', 'but what comes next is');

--
-- updated_at
--
CREATE FUNCTION pg_temp.moves(change text) RETURNS boolean LANGUAGE plpgsql AS
$$
DECLARE
	made uuid;
	moved boolean;
BEGIN
	INSERT INTO trackagoat.creator (project_id, tiktok_handle, tiktok_account_id, updated_at)
	SELECT p.id, 'Mover', 9, '2001-01-01' FROM trackagoat.project p WHERE p.name = 'P' RETURNING id INTO made;
	EXECUTE change USING made;
	SELECT updated_at <> '2001-01-01' INTO moved FROM trackagoat.creator WHERE id = made;
	DELETE FROM trackagoat.creator WHERE id = made;
	RETURN moved;
END
$$;
SELECT ok(pg_temp.moves('UPDATE trackagoat.creator SET ' || change || ' WHERE id = $1'), change || ' moves updated_at')
FROM unnest(ARRAY[$$display_name_override = 'x'$$, $$disabled_at = now(), disabled_reason = 'holiday'$$]) change;
SELECT ok(NOT pg_temp.moves($$UPDATE trackagoat.creator SET display_name_override = NULL WHERE id = $1$$), 'an override that stays away does not');
SELECT ok(NOT pg_temp.moves($$SELECT trackagoat.note_gone('mover', now() + n * interval '1 day') FROM generate_series(1, 5) n WHERE $1 IS NOT NULL$$), 'to be disabled because the account is gone does not');
SELECT ok(NOT pg_temp.moves(format($$SELECT trackagoat.store_scrape(%L, 'discover_videos', 'mover', NULL, now(), %L) WHERE $1 IS NOT NULL$$, :'east', pg_temp.listing(9, 'mover2'))), 'nor to be followed');
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.creator SET display_name_override = %L WHERE id = %L$$, n, :'star')), '23514 creator_display_name_override_check', 'a name has 1 to 200 characters')
FROM unnest(ARRAY['', repeat('x', 201)]) n;

--
-- Accounts that are gone
--
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'ghost') RETURNING id AS ghost \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'west_project', 'GHOST') RETURNING id AS west_ghost \gset
SELECT pg_temp.see(:'east', 'ghost', 0, pg_temp.profile(60, 100)) AS outcome \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'ghost', 61, 'included') RETURNING id AS ghost_video \gset
SELECT trackagoat.observe_video(:'ghost_video', now(), 1000, 1, 1, 1, 1) AS stored \gset
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'campaign', :'ghost');
SELECT views AS ghost_views FROM trackagoat.campaign_stats(:'campaign') \gset
CREATE FUNCTION pg_temp.gone(day integer, hour integer DEFAULT 12) RETURNS text LANGUAGE sql AS
$$ SELECT trackagoat.note_gone('Ghost', '2026-03-01 00:00Z'::timestamptz + day * interval '1 day' + hour * interval '1 hour')::text $$;
SELECT is(pg_temp.gone(1), '2', 'a day on which an account is gone is noted for all its creators');
SELECT is(pg_temp.gone(1, 23), '0', 'once a day');
SELECT is(pg_temp.gone(0), '0', 'and not for days before');
SELECT is(pg_temp.gone(2, 0), '2', 'the next day begins at midnight UTC');
SELECT is((gone_days, gone_on, is_active)::text, '(2,2026-03-03,t)', 'two days so far') FROM trackagoat.creator WHERE id = :'ghost';
SELECT is(pg_temp.see(:'east', 'ghost', 1, pg_temp.profile(60, 110)), 'ok', 'a profile in between');
SELECT is((gone_days, gone_on)::text, '(0,)', 'and the count starts anew') FROM trackagoat.creator WHERE id = :'ghost';
SELECT is((gone_days, gone_on)::text, '(2,2026-03-03)', 'where it was stored') FROM trackagoat.creator WHERE id = :'west_ghost';
SELECT pg_temp.gone(d) AS noted FROM generate_series(4, 7) d \g /dev/null
SELECT ok(is_active AND gone_days = 4, 'four days are not enough') FROM trackagoat.creator WHERE id = :'ghost';
SELECT ok(NOT is_active, 'five are') FROM trackagoat.creator WHERE id = :'west_ghost';
SELECT is(pg_temp.gone(7, 13), '0', 'the fourth twice is not the fifth');
SELECT is(pg_temp.gone(11), '1', 'after days without a word');
SELECT is((gone_days, is_active)::text, '(1,t)', 'the count begins anew') FROM trackagoat.creator WHERE id = :'ghost';
SELECT pg_temp.gone(d) AS noted FROM generate_series(12, 14) d \g /dev/null
SELECT is(pg_temp.gone(16), '1', 'one day missed is no gap');
SELECT is((disabled_at, disabled_reason, gone_days)::text, ('2026-03-17 12:00Z'::timestamptz, 'account_gone', 5)::text, 'on the fifth the creator is disabled') FROM trackagoat.creator WHERE id = :'ghost';
SELECT is(pg_temp.detail(:'ghost', 'auto_disabled')::jsonb, '{"reason": "account_gone"}', 'which the change log tells');
SELECT is(pg_temp.gone(17), '0', 'then nothing more is noted');
SELECT is((SELECT views FROM trackagoat.campaign_stats(:'campaign')), :'ghost_views'::bigint, 'totals stay');
SELECT is(count(*), 0::bigint, 'but nothing is fetched') FROM trackagoat.scrape_targets('creator_profile', 'ghost', NULL);
-- a success enables it again, of this account only
SELECT is(pg_temp.see(:'east', 'ghost', 2, pg_temp.profile(61, 1)), 'account_changed', 'another account under the handle');
SELECT ok(NOT is_active, 'enables nobody') FROM trackagoat.creator WHERE id = :'ghost';
SELECT is(pg_temp.see(:'east', 'ghost', 3, pg_temp.profile(60, 120)), 'ok', 'the account itself');
SELECT is((is_active, disabled_reason, gone_days, gone_on, follower_count)::text, '(t,,0,,120)', 'enables its creator') FROM trackagoat.creator WHERE id = :'ghost';
SELECT is(pg_temp.log(:'ghost'), 'added, auto_disabled, reenabled', 'which the change log tells');
SELECT is(pg_temp.detail(:'ghost', 'reenabled')::jsonb, '{"reason": "account_gone"}', 'with the reason that was');
SELECT ok(NOT is_active, 'in this organization') FROM trackagoat.creator WHERE id = :'west_ghost';
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'west_ghost';
SELECT is((is_active, disabled_reason, gone_days, gone_on)::text, '(t,,0,)', 'a person may enable it too') FROM trackagoat.creator WHERE id = :'west_ghost';
-- what a person disabled, a success does not enable
UPDATE trackagoat.creator SET disabled_at = now(), disabled_reason = 'holiday' WHERE id = :'ghost';
SELECT is(pg_temp.see(:'east', 'ghost', 4, pg_temp.profile(60, 130)), 'account_changed', 'a profile of one that a person disabled');
SELECT ok(NOT is_active AND follower_count = 120, 'enables and stores nothing') FROM trackagoat.creator WHERE id = :'ghost';
SELECT is(pg_temp.gone(40), '1', 'nor is noted gone, but for others');
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'ghost';
-- a rename and a return begin anew
UPDATE trackagoat.creator SET gone_days = 4, gone_on = '2026-03-01' WHERE id = :'ghost';
UPDATE trackagoat.creator SET tiktok_handle = 'ghost2' WHERE id = :'ghost';
SELECT is(gone_days, 0::smallint, 'another handle starts anew') FROM trackagoat.creator WHERE id = :'ghost';
UPDATE trackagoat.creator SET gone_days = 4, gone_on = '2026-03-01', removed_at = now() WHERE id = :'ghost';
SELECT is(trackagoat.note_gone('ghost2', now()), 0, 'a removed one is not noted');
UPDATE trackagoat.creator SET removed_at = NULL WHERE id = :'ghost';
SELECT is(gone_days, 0::smallint, 'one that comes back starts anew') FROM trackagoat.creator WHERE id = :'ghost';

--
-- Bans
--
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'fox') RETURNING id AS fox \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'west_project', 'Fox') RETURNING id AS west_fox \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle, disabled_at, disabled_reason) VALUES (:'other', 'fox', now(), 'holiday') RETURNING id AS resting_fox \gset
UPDATE trackagoat.creator SET removed_at = now() WHERE id = (pg_temp.creator(:'west_project', 'back')).id;
INSERT INTO trackagoat.banned_handle (tiktok_handle, reason) VALUES ('@FOX', 'steals geese'), ('back', 'spam');
SELECT ok(bool_and(NOT is_active AND disabled_at = now() AND disabled_reason = 'banned'), 'a ban disables the creators of all organizations') FROM trackagoat.creator WHERE id IN (:'fox', :'west_fox');
SELECT is((SELECT disabled_reason FROM trackagoat.creator WHERE id = :'resting_fox'), 'holiday', 'one that is disabled stays so');
SELECT is(pg_temp.log(:'west_fox'), 'added, banned', 'the change log tells');
SELECT is(pg_temp.detail(:'fox', 'banned')::jsonb, '{"reason": "banned"}', 'why');
SELECT is((SELECT banned_by FROM trackagoat.banned_handle WHERE tiktok_handle OPERATOR(trackagoat.=) 'fox'), current_user::text, 'and who did it is kept');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'fOx')$$, p)), 'PT409 creator_banned', 'a banned handle is not added') FROM unnest(ARRAY[:'project', :'west_project']) p;
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = %L', :'fox')), 'PT409 creator_banned', 'nor enabled');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = %L', :'resting_fox')), 'PT409 creator_banned', 'whoever disabled it');
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.creator SET tiktok_handle = 'fox' WHERE id = %L$$, :'star')), 'PT409 creator_banned', 'nor given to another');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET removed_at = NULL WHERE id = %L', (pg_temp.creator(:'west_project', 'back')).id)), 'PT409 creator_banned', 'nor brought back');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET removed_at = NULL, disabled_at = now() WHERE id = %L', (pg_temp.creator(:'west_project', 'back')).id)), 'accepted', 'unless it stays disabled');
UPDATE trackagoat.creator SET removed_at = now() WHERE id = (pg_temp.creator(:'west_project', 'back')).id;
SELECT is(pg_temp.add(:'west_project', ARRAY['new.goat', 'FOX', 'back', 'BACK']), 'new.goat created, FOX already_there, back refused creator_banned, BACK refused creator_banned', 'add_creators says which');
SELECT is(pg_temp.see(:'east', 'fox', 1, pg_temp.profile(70, 1)), 'account_changed', 'nothing of it is stored');
UPDATE trackagoat.creator SET disabled_reason = 'account_gone' WHERE id = :'fox';
SELECT is(pg_temp.see(:'east', 'fox', 1, pg_temp.profile(70, 1)), 'account_changed', 'nor does a success enable it');
SELECT ok(NOT is_active, 'ever') FROM trackagoat.creator WHERE id = :'fox';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle, created_at) VALUES (%L, 'back', now() - interval '1 day'); SET CONSTRAINTS ALL IMMEDIATE$$, :'project')), 'PT409 creator_banned', 'a backup brings no active one either');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle, created_at, disabled_at) VALUES (%L, 'back', now() - interval '1 day', now()); SET CONSTRAINTS ALL IMMEDIATE$$, :'project')), 'accepted', 'but a disabled one');
UPDATE trackagoat.creator SET tiktok_handle = 'fox2' WHERE id = :'fox';
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = %L', :'fox')), 'accepted', 'under another handle it may be enabled');
SELECT is(pg_temp.refusal($$INSERT INTO trackagoat.banned_handle (tiktok_handle, reason) VALUES ('x', '')$$), '23514 banned_handle_reason_check', 'a ban has a reason');
-- a ban that is moved to another handle
UPDATE trackagoat.banned_handle SET tiktok_handle = 'fox2' WHERE tiktok_handle OPERATOR(trackagoat.=) 'back';
SELECT is((is_active, disabled_reason)::text, '(f,banned)', 'a ban of another handle disables its creators too') FROM trackagoat.creator WHERE id = :'fox';

-- whatever happened
SET CONSTRAINTS ALL IMMEDIATE;
SELECT is(count(*), 0::bigint, 'no active creator has a banned handle') FROM trackagoat.creator c JOIN trackagoat.banned_handle b ON b.tiktok_handle OPERATOR(trackagoat.=) c.tiktok_handle WHERE c.is_active;
SELECT is(count(*), 0::bigint, 'a reason goes with being disabled') FROM trackagoat.creator WHERE disabled_reason IS NOT NULL AND disabled_at IS NULL;
SELECT is(count(*), 0::bigint, 'and all numbers agree') FROM trackagoat.verify();

SELECT * FROM finish();
ROLLBACK;
