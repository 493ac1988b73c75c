-- What the catalogue must say of everything in schema trackagoat.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

CREATE TEMP VIEW routine AS
SELECT p.*, p.oid::regprocedure AS signature, l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = prolang
WHERE pronamespace = 'trackagoat'::regnamespace;
CREATE TEMP VIEW relation AS
SELECT c.*, c.oid::regclass AS name FROM pg_class c WHERE relnamespace = 'trackagoat'::regnamespace;
-- tables that hold rows of an organization
CREATE TEMP VIEW tenant AS
SELECT oid, name FROM relation c WHERE relkind = 'r' AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'org_id' AND attnum > 0);
SELECT ok((SELECT count(*) FROM routine) > 80 AND (SELECT count(*) FROM relation WHERE relkind = 'r') >= 12 AND (SELECT count(*) FROM tenant) >= 7, 'the catalogue holds us');

--
-- Functions: no way to put other objects under their names
--
SELECT is_empty($$SELECT signature FROM routine WHERE lanname NOT IN ('c', 'internal') AND prosqlbody IS NULL
	AND NOT coalesce('search_path=pg_catalog, trackagoat, pg_temp' = ANY (proconfig), false)$$, 'each function is in C, parsed, or has its search_path');
SELECT is_empty($$SELECT signature FROM routine WHERE lanname = 'internal' AND prokind <> 'a'$$, 'none but aggregates are internal');
SELECT is_empty($$SELECT signature FROM routine WHERE lanname NOT IN ('c', 'internal', 'sql', 'plpgsql')$$, 'no other language');
SELECT is_empty($$SELECT signature FROM routine WHERE prosecdef$$, 'none runs with the rights of its owner');
SELECT is_empty($$SELECT signature FROM routine WHERE concat(prosrc, pg_get_function_sqlbody(oid)) ~* 'or\s+replace'$$, 'none replaces what is there');
SELECT set_eq($$SELECT proname || ' ' || c FROM routine, unnest(proconfig) c WHERE c NOT LIKE 'search\_path=%'
	AND NOT (proname LIKE 'v1\_list\_%' AND c = 'plan_cache_mode=force_generic_plan')$$, ARRAY['answer_request lock_timeout=5s', 'answer_request DateStyle=iso', 'answer_request TimeZone=UTC', 'video_page plan_cache_mode=force_custom_plan', 'analyze_grown default_statistics_target=3', 'analyze_grown lock_timeout=10ms', 'scrape_targets enable_seqscan=off', 'store_scrape lock_timeout=2s', 'finish_scrape lock_timeout=2s', 'fold_waiting lock_timeout=2s', 'prune lock_timeout=2s',
	'store_scrape plan_cache_mode=force_generic_plan', 'store_scrape enable_seqscan=off', 'store_scrape jit=off',
	'finish_scrape plan_cache_mode=force_generic_plan', 'finish_scrape enable_seqscan=off', 'finish_scrape jit=off'],
	'what else functions set');

-- what computes, without looking at tables or the clock, and what row-level security asks: for everyone
SELECT set_eq($$SELECT DISTINCT proname::text FROM routine WHERE has_function_privilege('public', oid, 'EXECUTE')$$,
	ARRAY['current_org', 'readable_org', 'handle_in', 'handle_out', 'handle_recv', 'handle_send', 'handle', 'text', 'handle_eq', 'handle_ne', 'handle_lt', 'handle_le', 'handle_gt', 'handle_ge',
		'handle_cmp', 'handle_sortsupport', 'handle_hash', 'handle_hash_extended', 'handle_like', 'handle_not_like', 'handle_larger', 'handle_smaller', 'max', 'min', 'uuidv7', 'video_id_time',
		'parse_handle', 'parse_video_url', 'read_page', 'is_timezone', 'tables_version', 'is_public_address', 'current_org', 'readable_org', 'happens_now', 'scrape_slot', 'video_is_fetched', 'video_counts', 'video_counts_for_goals',
		'parent_missing', 'entity_missing', 'check_observations', 'video_posted_at', 'video_url', 'status_counts', 'check_choice', 'check_analytics', 'check_window', 'check_timezone', 'analytics_window',
		'series_in', 'series_out', 'series_recv', 'series_send', 'series', 'series_append', 'series_at', 'series_anchor', 'series_is_sound', 'series_gain', 'series_points', 'series_buckets',
		'series_merge', 'series_thin', 'series_cut', 'series_days', 'sum_gains_add', 'sum_gains_combine', 'sum_gains_serialize', 'sum_gains_deserialize', 'sum_gains_final', 'sum_gains'],
	'what PUBLIC may execute');
SELECT ok(NOT has_schema_privilege('public', 'trackagoat', 'CREATE'), 'PUBLIC creates nothing here');
SELECT is_empty($$SELECT name, a.privilege_type FROM relation, aclexplode(relacl) a WHERE a.grantee = 0$$, 'and has no right to any table or view');

-- volatility and parallel safety: volatile and unsafe, except
CREATE TEMP TABLE marked (names text[], volatility "char", parallel "char");
INSERT INTO marked VALUES
	(ARRAY['handle_in', 'handle_out', 'handle_recv', 'handle_send', 'handle', 'text', 'handle_eq', 'handle_ne', 'handle_lt', 'handle_le', 'handle_gt', 'handle_ge',
		'handle_cmp', 'handle_sortsupport', 'handle_hash', 'handle_hash_extended', 'handle_like', 'handle_not_like', 'handle_larger', 'handle_smaller', 'max', 'min', 'video_id_time', 'parse_handle',
		'parse_video_url', 'read_page', 'is_timezone', 'tables_version', 'is_public_address', 'scrape_slot', 'video_is_fetched', 'video_counts', 'video_counts_for_goals',
		'parent_missing', 'entity_missing', 'video_posted_at', 'status_counts', 'check_choice', 'check_analytics', 'check_window', 'check_timezone',
		'documented_plans', 'url_decode', 'refuse_field', 'refuse_path', 'check_field', 'check_fields', 'read_query', 'read_body', 'page_cursor', 'page_after', 'page_limit', 'page_answer', 'api_problem', 'envelope', 'api_routes',
		'api_objects', 'openapi_schema', 'openapi_path', 'openapi_answer', 'openapi_problems', 'openapi_operation', 'follower_milestones', 'settled_count', 'handle_or_null', 'check_many', 'status_goes_to', 'video_url', 'video_url_or_null', 'short_link', 'post_amounts', 'page_video_ids', 'page_serves_videos', 'series_out', 'series_recv', 'series_send', 'series', 'series_append', 'series_at', 'series_anchor', 'series_is_sound', 'series_gain', 'series_points',
		'series_merge', 'series_thin', 'series_cut', 'series_days', 'sum_gains'], 'i', 's'),
	(ARRAY['series_in', 'series_buckets', 'sum_gains_add', 'sum_gains_combine', 'sum_gains_serialize', 'sum_gains_deserialize', 'sum_gains_final',
		'video_snapshots', 'creator_snapshots', 'happens_now', 'scrape_targets', 'first_scrape_slot', 'organization_intervals', 'video_intervals', 'video_slots', 'page_videos', 'cron_command', 'cron_jobs', 'attempt_retention', 'scrape_host', 'choose_source', 'plan_limit', 'check_observations'], 's', 's'),
	(ARRAY['in_bulk'], 'v', 'r'),
	(ARRAY['current_org', 'readable_org', 'current_key', 'current_actor', 'check_scope', 'campaign_tree', 'campaign_videos', 'campaign_stats', 'entity_amounts', 'entity_days', 'follower_amounts', 'goal_states', 'goal_counts', 'goal_compliance', 'goal_overview'], 's', 'r'),
	(ARRAY['entity_timezone', 'entity_buckets', 'entity_metric', 'analytics', 'campaign_breakdown', 'campaign_progress', 'verify_histories', 'verify_totals', 'verify',
		'plan_limits', 'limit_usage', 'retention_windows', 'content_calendar', 'goal_history', 'campaign_goals', 'goal_changes', 'next_scrape_due', 'page_would_serve', 'project_organization', 'tables_are_ready', 'host_paused_until', 'check_owner',
		'own_entity', 'find_route', 'project_objects', 'creator_object', 'tracked_creator', 'project_rows', 'video_object', 'video_page',
		'api_key_object', 'member_object', 'json_type', 'api_entities', 'openapi_components'], 's', 'u'),
	-- the API: campaigns, goals, analytics
	(ARRAY['api_number', 'count_keys', 'csv_field', 'series_csv', 'shown_from', 'refuse_retention', 'is_shown'], 'i', 's'),
	(ARRAY['analytics_window'], 's', 's'),
	(ARRAY['campaign_objects', 'goal_objects', 'v1_goal_counts',
		'retention_limit', 'retained_window', 'retained_reference', 'entity_label', 'asked_entities', 'analytics_series', 'breakdown_series'], 's', 'u'),
	(ARRAY['uuidv7'], 'v', 's');
SELECT is_empty($$SELECT signature, provolatile, proparallel FROM routine LEFT JOIN marked ON proname = ANY (names)
	WHERE proname NOT LIKE 'v1\_%' AND (provolatile, proparallel) IS DISTINCT FROM (coalesce(volatility, 'v'), coalesce(parallel, 'u'))$$, 'each function is as volatile and as safe in parallel as listed');
SELECT is_empty($$SELECT signature, provolatile FROM routine LEFT JOIN trackagoat.api_routes() r ON handler = proname
	WHERE proname LIKE 'v1\_%' AND ((provolatile = 'v') IS DISTINCT FROM (method <> 'GET') OR proparallel <> 'u')$$, 'each handler has a route, and those of GET write nothing');
SELECT is_empty($$SELECT method, pattern, handler FROM trackagoat.api_routes() WHERE to_regprocedure(format('trackagoat.%I(jsonb)', handler)) IS NULL$$, 'and each route has a handler');
SELECT is_empty($$SELECT n FROM marked, unnest(names) n WHERE n NOT IN (SELECT proname FROM routine)$$, 'and each that is listed is there');
SELECT set_eq($$SELECT DISTINCT proname::text FROM routine WHERE proleakproof$$, ARRAY['handle_eq', 'handle_ne', 'handle_lt', 'handle_le', 'handle_gt', 'handle_ge', 'handle_cmp',
	'handle_hash', 'handle_hash_extended', 'handle_larger', 'handle_smaller'], 'what is leakproof');
SELECT set_eq($$SELECT DISTINCT proname::text FROM routine WHERE lanname = 'c' AND NOT proisstrict AND prorettype <> 'trigger'::regtype AND prokind = 'f' AND pronargs > 0$$,
	ARRAY['sign_in', 'sign_in_member', 'store_observations', 'drop_observations', 'store_new_videos', 'queue_target', 'lock_scrape_target', 'scrape_slot', 'limit_room', 'goal_states', 'goal_counts', 'campaign_stats', 'entity_amounts', 'follower_amounts', 'sum_gains_add', 'sum_gains_combine', 'sum_gains_final'],
	'a C function with arguments is strict, but for those whose NULLs mean something');
SELECT is_empty($$SELECT signature FROM routine WHERE prorettype = 'trigger'::regtype AND (provolatile <> 'v' OR has_function_privilege('public', oid, 'EXECUTE'))$$, 'trigger functions are volatile, and not for everyone');

--
-- Code is of the extension, data is not
--
CREATE TEMP VIEW member AS SELECT classid, objid FROM pg_depend d JOIN pg_extension e ON e.oid = refobjid AND refclassid = 'pg_extension'::regclass WHERE deptype = 'e' AND extname = 'trackagoat';
SELECT is_empty($$SELECT signature FROM routine WHERE oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_proc'::regclass)$$, 'each function is the extension''s');
SELECT is_empty($$SELECT name FROM relation WHERE oid IN (SELECT objid FROM member WHERE classid = 'pg_class'::regclass)$$, 'no table, index or view is');
SELECT is_empty($$SELECT typname FROM pg_type WHERE typnamespace = 'trackagoat'::regnamespace AND typrelid = 0 AND typelem = 0 AND oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_type'::regclass)$$, 'each type is');

--
-- Every table is under row-level security, every view asks as its user
--
SELECT is_empty($$SELECT name FROM relation WHERE relkind IN ('r', 'p') AND NOT relrowsecurity$$, 'each table has row-level security');
SELECT is_empty($$SELECT name FROM relation WHERE relkind = 'v' AND NOT coalesce(reloptions::text[] @> '{security_invoker=true}', false)$$, 'each view is security_invoker');
SELECT is_empty($$SELECT name FROM relation WHERE relkind IN ('m', 'p', 'f')$$, 'there is nothing else that holds or shows rows');
SELECT is_empty($$SELECT DISTINCT name, pg_get_userbyid(relowner) FROM relation WHERE relowner <> (SELECT relowner FROM relation WHERE name = 'trackagoat.setup_version'::regclass)$$, 'all have one owner');

--
-- Every table has a policy, or it was decided that it is the owner's alone
--
CREATE TEMP VIEW policy AS
SELECT polname, polrelid, polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid) AS condition, polwithcheck FROM pg_policy JOIN relation r ON r.oid = polrelid;
SELECT set_eq('SELECT name::text FROM relation r WHERE relkind = $$r$$ AND NOT EXISTS (SELECT FROM policy WHERE polrelid = r.oid)', $$SELECT 'trackagoat.' || t FROM unnest(ARRAY[
	'setup_version', 'banned_handle', 'creator_event_kind', 'observation_source', 'plan', 'scrape_outcome', 'scrape_source', 'scrape_host', 'scrape_job', 'scrape_request', 'scrape_attempt', 'retention_walk',
	'api_login', 'api_replay']) t$$, 'what is the owner''s alone');
SELECT is_empty($$SELECT name FROM tenant WHERE name <> 'trackagoat.api_replay'::regclass AND (SELECT count(*) FROM policy WHERE polrelid = tenant.oid) <> 1$$, 'each other table of tenants has one policy');
SELECT is_empty($$SELECT polname, condition FROM policy WHERE condition <> CASE WHEN polrelid = 'trackagoat.organization'::regclass THEN '(id = trackagoat.readable_org())' ELSE '(org_id = trackagoat.readable_org())' END
	OR polcmd <> 'r' OR NOT polpermissive OR polroles <> '{0}' OR polwithcheck IS NOT NULL$$, 'which lets everybody read his organization''s rows, and write none');

--
-- Keys
--
CREATE TEMP VIEW fkey AS
SELECT k.oid, conname::text, conrelid::regclass AS child, confrelid::regclass AS parent, confdeltype, confupdtype, condeferrable,
	ARRAY(SELECT a.attname || '>' || f.attname FROM unnest(conkey, confkey) u (c, p) JOIN pg_attribute a ON (a.attrelid, a.attnum) = (conrelid, c) JOIN pg_attribute f ON (f.attrelid, f.attnum) = (confrelid, p)) AS pairs
FROM pg_constraint k WHERE contype = 'f' AND connamespace = 'trackagoat'::regnamespace;
SELECT set_eq('SELECT conname, confdeltype FROM fkey', $$VALUES
	('project_organization_fkey', 'c'::"char"), ('manual_scrape_organization_fkey', 'c'), ('creator_project_fkey', 'c'), ('creator_history_creator_fkey', 'c'),
	('video_project_fkey', 'c'), ('video_creator_fkey', 'c'), ('video_history_video_fkey', 'c'), ('campaign_project_fkey', 'c'),
	('campaign_item_campaign_fkey', 'c'), ('campaign_item_creator_fkey', 'c'), ('campaign_item_video_fkey', 'c'), ('campaign_item_child_campaign_fkey', 'c'),
	('goal_creator_fkey', 'c'), ('notification_creator_fkey', 'c'), ('creator_event_creator_fkey', 'c'), ('creator_event_video_fkey', 'c'), ('deleted_video_project_fkey', 'c'), ('video_link_project_fkey', 'c'),
	('member_organization_fkey', 'c'), ('api_key_organization_fkey', 'c'), ('api_usage_organization_fkey', 'c'), ('api_replay_key_fkey', 'c'),
	('total_project_fkey', 'c'), ('total_month_total_fkey', 'c'),
	('scrape_job_last_outcome_fkey', 'n'), ('scrape_attempt_job_fkey', 'n'), ('scrape_attempt_outcome_fkey', 'n')$$, 'each foreign key deletes on purpose');
SELECT is_empty($$SELECT conname FROM fkey WHERE confupdtype <> 'a' OR condeferrable$$, 'and no key changes under its rows');
SELECT is_empty($$SELECT conname FROM fkey JOIN tenant ON oid(child) = tenant.oid
	WHERE NOT pairs @> ARRAY[CASE WHEN parent = 'trackagoat.organization'::regclass THEN 'org_id>id' ELSE 'org_id>org_id' END]$$, 'each foreign key of a tenant table includes org_id');
SELECT is_empty($$SELECT conname FROM fkey WHERE EXISTS (SELECT FROM pg_attribute WHERE attrelid = child AND attname = 'project_id')
	AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = parent AND attname = 'project_id') AND NOT pairs @> '{project_id>project_id}'$$, 'and project_id within a project');
SELECT is_empty($$SELECT name FROM tenant WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = tenant.oid AND attname = 'org_id' AND attnotnull)$$, 'org_id is never NULL');
SELECT is_empty($$SELECT indexrelid::regclass FROM pg_index i JOIN tenant ON tenant.oid = indrelid WHERE indisunique
	AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = indexrelid AND attname = 'org_id') AND indexrelid::regclass <> 'trackagoat.api_key_hash_key'::regclass$$,
	'each unique index of a tenant table includes org_id, but for that of keys, which name the organization');
SELECT is_empty($$SELECT name FROM relation r WHERE relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = r.oid AND indisprimary)$$, 'each table has a primary key');
SELECT is_empty($$SELECT conname FROM fkey JOIN tenant ON tenant.oid = oid(child) WHERE NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
	WHERE indrelid = oid(child) AND EXISTS (SELECT FROM unnest(pairs) p WHERE p LIKE a.attname || '>%'))$$, 'each foreign key of a tenant table finds its rows by an index');
SELECT is_empty($$SELECT tgname FROM pg_trigger JOIN tenant ON tenant.oid = tgrelid WHERE NOT tgisinternal AND tgtype & 1 = 0 AND tgtype & 32 = 0$$, 'triggers of tenant tables are row-level, but for TRUNCATE, which has no rows');
SELECT is_empty($$SELECT tgname FROM pg_trigger t JOIN relation r ON r.oid = tgrelid WHERE NOT tgisinternal AND tgfoid NOT IN (SELECT oid FROM routine)$$, 'and call our functions');

--
-- Everything is described
--
SELECT is_empty($$SELECT name FROM relation WHERE relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NULL$$, 'each table and view');
SELECT is_empty($$SELECT name, attname FROM relation r JOIN pg_attribute ON attrelid = r.oid WHERE relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
	AND col_description(r.oid, attnum) IS NULL$$, 'each column');
SELECT is_empty($$SELECT name FROM relation r WHERE relkind = 'i' AND obj_description(oid, 'pg_class') IS NULL AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = r.oid)$$, 'each index that is not a constraint''s');
SELECT is_empty($$SELECT signature FROM routine WHERE obj_description(oid, 'pg_proc') IS NULL$$, 'each function and aggregate');
SELECT is_empty($$SELECT typname FROM pg_type WHERE typnamespace = 'trackagoat'::regnamespace AND typrelid = 0 AND typelem = 0 AND obj_description(oid, 'pg_type') IS NULL$$, 'each type');
SELECT is_empty($$SELECT oid::regoperator FROM pg_operator WHERE oprnamespace = 'trackagoat'::regnamespace AND obj_description(oid, 'pg_operator') IS NULL$$, 'each operator');
SELECT is_empty($$SELECT opcname FROM pg_opclass WHERE opcnamespace = 'trackagoat'::regnamespace AND obj_description(oid, 'pg_opclass') IS NULL
	UNION ALL SELECT opfname FROM pg_opfamily WHERE opfnamespace = 'trackagoat'::regnamespace AND obj_description(oid, 'pg_opfamily') IS NULL$$, 'each operator class and family');
SELECT is_empty($$SELECT tgname FROM pg_trigger t JOIN relation r ON r.oid = tgrelid WHERE NOT tgisinternal AND obj_description(t.oid, 'pg_trigger') IS NULL$$, 'each trigger');
SELECT is_empty($$SELECT polname FROM pg_policy p JOIN relation r ON r.oid = polrelid WHERE obj_description(p.oid, 'pg_policy') IS NULL$$, 'each policy');
SELECT isnt(obj_description(oid, 'pg_extension'), NULL, 'and the extension') FROM pg_extension WHERE extname = 'trackagoat';

--
-- Outcomes: those that the code names
--
SELECT set_has('SELECT outcome FROM trackagoat.scrape_outcome', $$SELECT unnest(ARRAY['ok', 'not_found', 'private', 'suspended', 'unavailable', 'regional', 'login_required', 'challenged',
	'captcha', 'blocked', 'partly_stored', 'rate_limited', 'refused_empty', 'bad_request', 'shell', 'unreadable', 'account_changed', 'server_error', 'timeout', 'unreachable', 'tls_failed', 'too_large',
	'redirected', 'address_refused', 'store_failed', 'interrupted', 'crashed', 'no_counts', 'repeated_page'])$$, 'each outcome has its row');
SELECT is_empty($$SELECT outcome FROM trackagoat.scrape_outcome WHERE (class = 'ok') <> (outcome = 'ok') OR (class <> 'ok' AND retry_after <= '0') OR description = ''$$, 'only ok is success, and no failure is tried again at once');
SELECT set_eq('SELECT outcome FROM trackagoat.scrape_outcome WHERE host_pause IS NOT NULL', ARRAY['challenged', 'captcha', 'blocked', 'rate_limited',
	'server_error', 'timeout', 'unreachable', 'tls_failed', 'address_refused'], 'what closes the host');
SELECT set_eq('SELECT outcome FROM trackagoat.scrape_outcome WHERE host_pause_after = 1 AND host_pause IS NOT NULL', ARRAY['challenged', 'captcha', 'blocked', 'rate_limited'], 'some of it at once');

--
-- What setup_api() adds, for PostgREST
--
CREATE ROLE trackagoat_test_authenticator LOGIN NOINHERIT;
SELECT trackagoat.setup_api('trackagoat_test_authenticator') \g /dev/null
CREATE TEMP VIEW shown AS SELECT p.*, p.oid::regprocedure AS signature FROM pg_proc p WHERE pronamespace = 'trackagoat_api'::regnamespace;
CREATE TEMP VIEW shown_relation AS SELECT c.*, c.oid::regclass AS name FROM pg_class c WHERE relnamespace = 'trackagoat_api'::regnamespace AND relkind <> 'i';
CREATE TEMP VIEW api_role AS SELECT unnest(ARRAY['trackagoat_api', 'trackagoat_member']::name[]) AS role;
SELECT ok((SELECT count(*) FROM shown) >= 10 AND (SELECT count(*) FROM shown_relation WHERE relkind = 'v') >= 10, 'there is an API');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE prosecdef AND pronamespace IN ('trackagoat'::regnamespace, 'trackagoat_api'::regnamespace)
	AND NOT coalesce('search_path=pg_catalog, trackagoat, pg_temp' = ANY (proconfig), false)$$, 'whatever runs with the rights of its owner has its search_path');
SELECT is_empty($$SELECT signature FROM shown WHERE proowner <> (SELECT relowner FROM pg_class WHERE oid = 'trackagoat.organization'::regclass)$$, 'which is the owner of the tables');
SELECT is_empty($$SELECT name FROM shown_relation WHERE CASE relkind WHEN 'v' THEN NOT coalesce(reloptions::text[] @> '{security_invoker=true}', false) WHEN 'r' THEN NOT relrowsecurity ELSE true END$$,
	'each view asks as its user, each table has row-level security');
SELECT is_empty($$SELECT signature::text FROM shown WHERE has_function_privilege('public', oid, 'EXECUTE') UNION ALL
	SELECT name::text FROM shown_relation, aclexplode(relacl) a WHERE a.grantee = 0 UNION ALL
	SELECT nspname::text FROM pg_namespace, aclexplode(nspacl) a WHERE nspname IN ('trackagoat', 'trackagoat_api') AND a.grantee = 0$$, 'PUBLIC has no right to any of it');
SELECT is_empty($$SELECT role, signature FROM api_role, routine WHERE has_function_privilege(role, oid, 'EXECUTE') AND NOT has_function_privilege('public', oid, 'EXECUTE')$$, 'its roles may execute no more of our functions than PUBLIC');
SELECT is_empty($$SELECT role, name, p FROM api_role, relation, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p WHERE relkind IN ('r', 'v') AND has_table_privilege(role, oid, p)
	UNION ALL SELECT role, name, p FROM api_role, shown_relation, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p WHERE has_table_privilege(role, oid, p)$$, 'they write nothing');
SELECT is_empty($$SELECT role, name FROM api_role, relation WHERE relkind IN ('r', 'v') AND has_table_privilege(role, oid, 'SELECT') AND NOT EXISTS (SELECT FROM policy WHERE polrelid = relation.oid)$$, 'and read only what has a policy');
SELECT is_empty($$SELECT role FROM api_role, shown_relation WHERE relname IN ('route', 'api_keys') AND has_table_privilege(role, oid, 'SELECT')
	UNION ALL SELECT role FROM api_role WHERE has_table_privilege(role, 'trackagoat.api_key', 'SELECT')$$, 'no routes, no keys');
SELECT is_empty($$SELECT rolname FROM pg_roles JOIN api_role ON role = rolname WHERE rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolcanlogin$$, 'its roles are nothing more');
SELECT is_empty($$SELECT signature::text FROM shown WHERE obj_description(oid, 'pg_proc') IS NULL UNION ALL SELECT name::text FROM shown_relation WHERE obj_description(oid, 'pg_class') IS NULL$$, 'all of it is described');

SELECT * FROM finish();
ROLLBACK;
