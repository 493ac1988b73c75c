-- setup(): again changes nothing; an ordinary role may own the tables; nobody
-- else sees a row.  Makes a database and roles of its own, and removes them.
\set ON_ERROR_STOP on
SET search_path TO public, pg_catalog;
SET client_min_messages = warning;

--
-- An ordinary role owns the tables, in a database of its own; what comes of
-- it is kept in variables and judged below, in one session
--
SELECT current_database() AS home \gset
DROP DATABASE IF EXISTS trackagoat_setup_test;
DROP ROLE IF EXISTS trackagoat_test_owner, trackagoat_test_guest, trackagoat_test_stranger;
CREATE ROLE trackagoat_test_owner;
CREATE ROLE trackagoat_test_guest;
CREATE ROLE trackagoat_test_stranger;
CREATE DATABASE trackagoat_setup_test TEMPLATE template0 ENCODING 'UTF8';
\c trackagoat_setup_test
SET client_min_messages = warning;
CREATE EXTENSION trackagoat;
\set VERBOSITY sqlstate
\set ON_ERROR_STOP off
SET ROLE trackagoat_test_stranger;
CALL trackagoat.setup();
\set stranger_setup :SQLSTATE
RESET ROLE;
GRANT USAGE, CREATE ON SCHEMA trackagoat TO trackagoat_test_owner;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA trackagoat TO trackagoat_test_owner;
\set ON_ERROR_STOP on
SET ROLE trackagoat_test_owner;
CALL trackagoat.setup();
CALL trackagoat.setup();
SELECT count(*) AS tables, count(*) FILTER (WHERE pg_get_userbyid(relowner) = 'trackagoat_test_owner') AS owned
FROM pg_class WHERE relnamespace = 'trackagoat'::regnamespace AND relkind IN ('r', 'v') \gset
-- all of it works for the owner
INSERT INTO trackagoat.organization (name) VALUES ('O') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'goat') RETURNING id AS goat \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id) VALUES (:'goat', 1) RETURNING id AS video \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'C') RETURNING id AS campaign \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'D') RETURNING id AS child \gset
INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (:'campaign', :'child');
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'child', :'goat');
SELECT trackagoat.observe_video(:'video', now(), 5, 1, 1, 1, 1) AS stored, trackagoat.observe_creator(:'goat', now(), 5, 1, 1, 1) AS stored_too \gset
INSERT INTO trackagoat.goal (creator_id, goal_type, target) VALUES (:'goat', 'followers', 5);
INSERT INTO trackagoat.member (org_id, user_id, role) VALUES (:'org', 'kid', 'admin');
SELECT trackagoat.create_api_key(:'org', 'K') AS key \gset
INSERT INTO trackagoat.api_login (role) VALUES ('nobody');
INSERT INTO trackagoat.api_usage (org_id, day, requests) VALUES (:'org', '2030-01-01', 1);
INSERT INTO trackagoat.api_replay (org_id, key_id, idempotency_key, route, request_hash, status, body)
	SELECT k.org_id, k.id, 'x', 'POST /x', '\x00', 201, '{}' FROM trackagoat.api_key k;
UPDATE trackagoat.goal SET status = 'on_track';
SELECT trackagoat.evaluate_goals() AS evaluated, (SELECT count(*) FROM trackagoat.goal_compliance(:'project')) AS owner_goals \gset
SELECT views AS owner_views FROM trackagoat.campaign_stats(:'campaign') \gset
SELECT count(*) AS claimed, min(attempt_id) AS attempt FROM trackagoat.claim_scrapes(1, '1 minute') \gset
SELECT trackagoat.finish_scrape(:attempt, 'timeout', NULL, NULL, NULL, NULL, NULL) AS finished \gset
UPDATE trackagoat.organization SET plan = 'free';
SELECT count(*) AS pruned FROM trackagoat.prune() \gset
UPDATE trackagoat.organization SET plan = NULL;
SELECT trackagoat.release_scrapes() AS released, trackagoat.enqueue_due() AS queued \gset

-- another role sees nothing, whatever it was granted
GRANT ALL ON ALL TABLES IN SCHEMA trackagoat TO trackagoat_test_guest;
RESET ROLE;
GRANT USAGE ON SCHEMA trackagoat TO trackagoat_test_guest;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA trackagoat TO trackagoat_test_guest;
SET ROLE trackagoat_test_guest;
CREATE FUNCTION pg_temp.rows_of(relation regclass) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM %s', relation) INTO n;
	RETURN n;
END
$$;
SELECT sum(pg_temp.rows_of(oid)) AS guest_rows FROM pg_class WHERE relnamespace = 'trackagoat'::regnamespace AND relkind IN ('r', 'v')
	-- of the server, not of a table
	AND relname <> 'worker_status' \gset
RESET ROLE;
SELECT count(*) FILTER (WHERE pg_temp.rows_of(oid) = 0) AS empty_tables FROM pg_class WHERE relnamespace = 'trackagoat'::regnamespace AND relkind IN ('r', 'v') \gset
SET ROLE trackagoat_test_guest;
WITH changed AS (UPDATE trackagoat.creator SET readme = 'mine' RETURNING 1) SELECT count(*) AS guest_updates FROM changed \gset
WITH gone AS (DELETE FROM trackagoat.organization RETURNING 1) SELECT count(*) AS guest_deletes FROM gone \gset
SELECT count(*) AS guest_tree FROM trackagoat.campaign_tree(:'campaign') \gset
SELECT count(*) AS guest_goals FROM trackagoat.goal_compliance(:'project') \gset
SELECT count(*) AS guest_claims FROM trackagoat.claim_scrapes(10, '1 minute') \gset
\set ON_ERROR_STOP off
INSERT INTO trackagoat.organization (name) VALUES ('mine');
\set guest_organization :SQLSTATE
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'wolf');
\set guest_creator :SQLSTATE
INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle, tracking_start_date) VALUES (:'org', :'project', 'wolf', now());
\set guest_full_creator :SQLSTATE
SELECT trackagoat.observe_video(:'video', now(), 1, 1, 1, 1, 1);
\set guest_observation :SQLSTATE
SELECT trackagoat.campaign_stats(:'campaign');
\set guest_stats :SQLSTATE
SELECT trackagoat.scrape_creator(:'goat');
\set guest_scrape :SQLSTATE
CALL trackagoat.run_scrapes(1);
\set guest_run :SQLSTATE
-- one without any grant does not even reach the schema
SET ROLE trackagoat_test_stranger;
SELECT * FROM trackagoat.creator;
\set stranger_select :SQLSTATE
SELECT trackagoat.enqueue_due();
\set stranger_call :SQLSTATE
RESET ROLE;
DROP EXTENSION trackagoat;
\set drop_extension :SQLSTATE
\set ON_ERROR_STOP on
\set VERBOSITY default
\c :home
SET search_path TO public, pg_catalog;
SET client_min_messages = warning;
DROP DATABASE trackagoat_setup_test;
DROP ROLE trackagoat_test_owner, trackagoat_test_guest, trackagoat_test_stranger;

SELECT no_plan();
SELECT is(:'stranger_setup'::text, '42501', 'setup() is for whom it is granted to');
SELECT is(:owned, :tables, 'an ordinary role that calls it owns all tables');
SELECT ok(:tables >= 12, 'which are all there');
SELECT is((:evaluated, :owner_goals, :pruned)::text, '(1,1,8)', 'its goals are evaluated, and it prunes');
SELECT is((:owner_views, :claimed, :'finished'::text, :released, :queued)::text, '(5,1,timeout,0,0)', 'and everything works for it');
SELECT is(:guest_rows::bigint, 0::bigint, 'a role with every grant sees no row of any table');
SELECT ok(:empty_tables < 12, 'though there are rows in them');
SELECT is((:guest_updates, :guest_deletes, :guest_tree, :guest_goals, :guest_claims)::text, '(0,0,0,0,0)', 'it changes, deletes, walks and claims nothing, and sees no goal');
SELECT is(:'guest_organization'::text, '42501', 'makes no organization');
SELECT is(:'guest_creator'::text, '23503', 'finds no project for a creator');
SELECT is(:'guest_full_creator'::text, '42501', 'makes no creator with the keys of others');
-- the name of a source is the first thing that it may not see
SELECT is(:'guest_observation'::text, '42501', 'observes nothing');
SELECT is(:'guest_stats'::text, 'PT404', 'counts nothing');
SELECT is(:'guest_scrape'::text, 'PT404', 'queues nothing');
SELECT is(:'guest_run'::text, '42501', 'and does not run the queue');
SELECT is(:'stranger_select'::text, '42501', 'a role without a grant reads nothing');
SELECT is(:'stranger_call'::text, '42501', 'and calls nothing');
SELECT is(:'drop_extension'::text, '2BP01', 'the tables of an ordinary role keep the extension too');

--
-- Again changes nothing: no catalogue row is even rewritten
--
CREATE TEMP VIEW fact AS
SELECT 'relation' AS what, c.oid, c.xmin::text AS written, c.oid::regclass::text || ' ' || concat_ws(' ', relkind, relacl, reloptions, relrowsecurity, pg_get_viewdef(CASE WHEN relkind = 'v' THEN c.oid END)) AS fact
FROM pg_class c WHERE relnamespace = 'trackagoat'::regnamespace
UNION ALL SELECT 'column', a.attrelid, a.xmin::text, concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attgenerated, attidentity, pg_get_expr(adbin, adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON (adrelid, adnum) = (attrelid, attnum) WHERE relnamespace = 'trackagoat'::regnamespace AND attnum > 0
UNION ALL SELECT 'constraint', k.oid, k.xmin::text, conname || ' ' || pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE connamespace = 'trackagoat'::regnamespace
UNION ALL SELECT 'index', indexrelid, i.xmin::text, pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'trackagoat'::regnamespace
UNION ALL SELECT 'trigger', t.oid, t.xmin::text, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'trackagoat'::regnamespace
UNION ALL SELECT 'policy', p.oid, p.xmin::text, concat_ws(' ', polname, polcmd, polroles::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM pg_policy p JOIN pg_class c ON c.oid = polrelid WHERE relnamespace = 'trackagoat'::regnamespace
UNION ALL SELECT 'function', p.oid, p.xmin::text, pg_get_functiondef(p.oid) || coalesce(proacl::text, '') FROM pg_proc p WHERE pronamespace = 'trackagoat'::regnamespace AND prokind <> 'a'
UNION ALL SELECT 'comment', d.objoid, d.xmin::text, d.objsubid || ' ' || description FROM pg_description d JOIN pg_class c ON c.oid = objoid AND classoid = 'pg_class'::regclass WHERE relnamespace = 'trackagoat'::regnamespace
UNION ALL SELECT 'row', 0, xmin::text, v::text FROM trackagoat.setup_version v
UNION ALL SELECT 'row', 0, xmin::text, o::text FROM trackagoat.scrape_outcome o;
CREATE TEMP TABLE before AS SELECT * FROM fact;
SELECT ok(count(*) > 500, 'the tables leave many facts') FROM before;
CALL trackagoat.setup();
CREATE TEMP TABLE after AS SELECT * FROM fact;
SELECT bag_eq('TABLE after', 'TABLE before', 'setup() again changes none of them');
SELECT is(array_agg(version), ARRAY[trackagoat.tables_version()], 'one version is in force') FROM trackagoat.setup_version;
-- what users add and change stays too
ALTER TABLE trackagoat.creator ADD COLUMN shoe_size integer;
CREATE INDEX creator_shoe_size_idx ON trackagoat.creator (shoe_size);
UPDATE trackagoat.scrape_outcome SET retry_after = '7 minutes' WHERE outcome = 'timeout';
CALL trackagoat.setup();
SELECT is(retry_after, '7 minutes', 'a changed retry time stays') FROM trackagoat.scrape_outcome WHERE outcome = 'timeout';
SELECT has_index('trackagoat', 'creator', 'creator_shoe_size_idx', ARRAY['shoe_size'], 'and so does an added column with its index');
-- tables of a later version are left alone
INSERT INTO trackagoat.setup_version (version) VALUES (1000000);
SELECT throws_ok('CALL trackagoat.setup()', '55000', NULL, 'the tables of a later version are refused');
DELETE FROM trackagoat.setup_version WHERE version = 1000000;
SELECT throws_ok('DROP EXTENSION trackagoat', '2BP01', NULL, 'the extension is not dropped under its tables');


SELECT * FROM finish();
