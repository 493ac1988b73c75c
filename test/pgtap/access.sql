-- Who acts for which organization: API keys, members, their login roles; what
-- keys may ask; and that nobody sees rows of another organization.
\set ON_ERROR_STOP on
SET search_path TO public, pg_catalog;
SET client_min_messages = warning;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name) VALUES ('mine') RETURNING id AS org \gset
INSERT INTO trackagoat.organization (name) VALUES ('theirs') RETURNING id AS their_org \gset
SELECT trackagoat.create_api_key(:'org', 'first') AS key, trackagoat.create_api_key(:'their_org', 'their first') AS their_key \gset

-- what a refusal says: SQLSTATE, message, detail
CREATE FUNCTION pg_temp.said(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	state text; message text; detail text;
BEGIN
	EXECUTE statement;
	RETURN 'accepted';
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', state, message, detail);
END
$$;
-- what comes of signing in with a key
CREATE FUNCTION pg_temp.entered(key text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.said(format('SELECT trackagoat.sign_in(%L)', key)) $$;

--
-- The transaction is the organization's, and the next one nobody's
--
SELECT is(trackagoat.current_org(), NULL, 'nobody has signed in');
BEGIN;
SELECT trackagoat.sign_in(:'key') \g /dev/null
SELECT is(trackagoat.current_org(), :'org', 'a key opens its organization');
SELECT is((SELECT name FROM trackagoat.api_key WHERE id = trackagoat.current_key()), 'first', 'and says which it is');
SELECT is(trackagoat.current_actor(), trackagoat.current_key()::text, 'who acts is the key');
COMMIT;
SELECT is((trackagoat.current_org(), trackagoat.readable_org(), trackagoat.current_key())::text, '(,,)', 'after the commit it is nobody''s');
SELECT is(trackagoat.current_actor(), session_user::text, 'and who acts is who has logged in');
SELECT trackagoat.sign_in(:'key') \g /dev/null
SELECT is(trackagoat.current_org(), NULL, 'nor does it last from one statement to the next');
BEGIN;
SELECT trackagoat.sign_in(:'key') \g /dev/null
ROLLBACK;
SELECT is(trackagoat.current_org(), NULL, 'nor after a rollback');
BEGIN;
SELECT trackagoat.sign_in(:'key') \g /dev/null
SELECT trackagoat.sign_in(:'their_key') \g /dev/null
SELECT is(trackagoat.current_org(), :'their_org', 'another key opens another one');
SELECT is(pg_temp.refusal('SELECT trackagoat.sign_in($$tga_$$)'), 'PT401 invalid_api_key', 'after a key that is none');
SELECT is(trackagoat.current_org(), NULL, 'it is nobody''s again');
COMMIT;

BEGIN;
SAVEPOINT s;
SELECT trackagoat.sign_in(:'key') \g /dev/null
RELEASE s;
SELECT is(trackagoat.current_org(), :'org', 'a savepoint that is released leaves it open');
SAVEPOINT s;
SELECT is(trackagoat.current_org(), :'org', 'for the next one, too');
ROLLBACK TO s;
SELECT is(trackagoat.current_org(), :'org', 'whatever becomes of that');
SAVEPOINT t;
SELECT trackagoat.sign_in(:'their_key') \g /dev/null
SAVEPOINT u;
RELEASE t;
SELECT is(trackagoat.current_org(), :'their_org', 'a key inside of two of them opens, too');
ROLLBACK TO s;
SELECT is((trackagoat.current_org(), trackagoat.readable_org(), trackagoat.current_key())::text, '(,,)', 'and what a rollback to a savepoint undoes leaves it nobody''s');
COMMIT;

BEGIN;
CREATE ROLE trackagoat_test_authenticator LOGIN NOINHERIT;
CREATE ROLE trackagoat_test_alice LOGIN;
CREATE ROLE trackagoat_test_bob LOGIN;
SELECT trackagoat.setup_api('trackagoat_test_authenticator') \g /dev/null
GRANT trackagoat_member TO trackagoat_test_alice, trackagoat_test_bob;
CREATE FUNCTION pg_temp.ask(method text, uri text, key text, body text = NULL, headers jsonb = '{}', OUT status integer, OUT data jsonb, OUT error text, OUT meta jsonb, OUT sent jsonb) LANGUAGE plpgsql AS
$$
DECLARE
	answer record;
BEGIN
	SELECT * INTO answer FROM trackagoat_api.request(method, '/api/v1' || uri, headers || jsonb_build_object('X-Api-Key', key), body);
	status := answer.status;
	data := answer.body::jsonb -> 'data';
	error := answer.body::jsonb ->> 'error';
	meta := answer.body::jsonb -> 'meta';
	sent := answer.headers;
END
$$;

--
-- Keys
--
SELECT is(count(DISTINCT k), 100::bigint, 'no two keys are alike') FROM (SELECT trackagoat.new_api_key() AS k FROM generate_series(1, 100)) n WHERE k ~ '^tga_[0-9a-f]{64}$';
SELECT is(pg_temp.entered(k), 'PT401 invalid_api_key ' || CASE WHEN k ~ '^tga_[0-9a-f]{64}$' THEN 'No organization has such a key.' WHEN k <> '' THEN 'It does not look like a key.' ELSE 'There is no key.' END, 'no key: ' || left(k, 10))
FROM unnest(ARRAY['', ' ', 'tga_', :'key' || '0', left(:'key', -1), upper(:'key'), replace(:'key', 'tga_', 'tgb_'), trackagoat.new_api_key(), ' ' || left(:'key', -1), :'key' || ' ', repeat(:'key', 1000)]) k;
SELECT is((k.scopes, k.created_by, k.expires_at, k.revoked_at, k.key_hash = sha256(:'key'), octet_length(k.key_hash))::text, format('("{read,write}",%s,,,t,32)', session_user), 'a key may read and write unless told otherwise; its hash is kept') FROM trackagoat.api_key k WHERE name = 'first';
SELECT is(pg_temp.said(format('SELECT trackagoat.create_api_key(%L, %L, %L)', :'org', 'x', s)), 'PT400 invalid_scopes ' || d || ' is not possible here.', 'scopes ' || s) FROM (VALUES ('{}', 'NULL'), ('{read,root}', '''root'''), ('{NULL}', 'NULL')) v (s, d);
SELECT is(pg_temp.refusal(format('SELECT trackagoat.create_api_key(%L, %L)', o, n)), r, r) FROM (VALUES (:'org', '', '23514 api_key_name_check'), (:'org', repeat('x', 201), '23514 api_key_name_check'), (gen_random_uuid()::text, 'x', 'PT404 organization_not_found'), (NULL, 'x', 'PT404 organization_not_found')) v (o, n, r);

-- expiry and revocation, at once and for good
SELECT trackagoat.create_api_key(:'org', 'brief', expires_at => now() + interval '1 hour') AS brief, trackagoat.create_api_key(:'org', 'lost') AS lost \gset
SELECT is((pg_temp.entered(:'brief'), pg_temp.entered(:'lost'))::text, '(accepted,accepted)', 'both are good');
UPDATE trackagoat.api_key SET expires_at = clock_timestamp() WHERE name = 'brief';
UPDATE trackagoat.api_key SET revoked_at = now() WHERE name = 'lost';
SELECT is(pg_temp.entered(:'brief'), 'PT401 invalid_api_key The key has expired.', 'one has expired');
SELECT is(pg_temp.entered(:'lost'), 'PT401 invalid_api_key The key was revoked.', 'the other is revoked');
SELECT is(trackagoat.current_org(), NULL, 'neither opens anything');
UPDATE trackagoat.api_key SET expires_at = now() - interval '1 day' WHERE name = 'lost';
SELECT is(pg_temp.entered(:'lost'), 'PT401 invalid_api_key The key was revoked.', 'revoked is revoked, expired or not');
SELECT is(pg_temp.refusal($$UPDATE trackagoat.api_key SET revoked_at = NULL WHERE name = 'lost'$$), 'PT409 key_revoked', 'and is not taken back');
UPDATE trackagoat.api_key SET expires_at = NULL WHERE name = 'brief';
SELECT is(pg_temp.entered(:'brief'), 'accepted', 'a longer time is');

-- last_used_at, to the minute
UPDATE trackagoat.api_key SET last_used_at = clock_timestamp() - interval '30 seconds' WHERE name = 'brief';
SELECT pg_temp.entered(:'brief') \g /dev/null
SELECT ok(last_used_at < now() - interval '20 seconds', 'a use is not noted twice a minute') FROM trackagoat.api_key WHERE name = 'brief';
UPDATE trackagoat.api_key SET last_used_at = clock_timestamp() - interval '61 seconds' WHERE name = 'brief';
SELECT pg_temp.entered(:'brief') \g /dev/null
SELECT is(last_used_at, now(), 'but after a minute') FROM trackagoat.api_key WHERE name = 'brief';

-- a request that is refused is noted as well, and counted
INSERT INTO trackagoat.organization (name) VALUES ('refused') RETURNING id AS refused_org \gset
SELECT trackagoat.create_api_key(:'refused_org', 'refused', '{read}') AS refused_key \gset
CREATE FUNCTION pg_temp.noted() RETURNS text LANGUAGE sql AS
$$
	SELECT concat_ws(', ', CASE WHEN k.last_used_at = now() THEN 'now' END, u.requests, (SELECT count(*) FROM trackagoat.project p WHERE p.org_id = k.org_id))
	FROM trackagoat.api_key k LEFT JOIN trackagoat.api_usage u USING (org_id) WHERE k.name = 'refused'
$$;
SELECT is(pg_temp.noted(), '0', 'a key that nobody has used');
SELECT is((SELECT a.error FROM pg_temp.ask('GET', '/goats', :'refused_key') a), 'not_found', 'nothing is signed in to a path where nothing is');
SELECT is(pg_temp.noted(), '0', 'and so nothing noted');
SELECT is((SELECT a.error FROM pg_temp.ask('POST', '/projects', :'refused_key', '{"name": "P"}') a), 'insufficient_scope', 'a key that may not is refused');
SELECT is(pg_temp.noted(), 'now, 1, 0', 'which is noted');
UPDATE trackagoat.api_key SET last_used_at = now() - interval '2 minutes', scopes = '{read,write}' WHERE name = 'refused';
SELECT is((SELECT a.error FROM pg_temp.ask('POST', '/projects', :'refused_key', '{"name": "P", "timezone": "Goat/Alp"}') a), 'invalid_body', 'one that asks in a wrong way, too');
SELECT is(pg_temp.noted(), 'now, 2, 0', 'after a minute again, as it is counted');
UPDATE trackagoat.api_key SET last_used_at = now() - interval '2 minutes' WHERE name = 'refused';
SELECT is((SELECT a.status FROM pg_temp.ask('POST', '/projects', :'refused_key', '{"name": "P"}') a), 201, 'and one that is answered');
SELECT is(pg_temp.noted(), 'now, 3, 1', 'no otherwise');

-- scopes: none implies another
SELECT trackagoat.sign_in(trackagoat.create_api_key(:'org', 'writer', '{write}')) \g /dev/null
SELECT is(pg_temp.said($$SELECT trackagoat.check_scope('read')$$), 'PT403 insufficient_scope {"required": "read", "granted": ["write"]}', 'write does not imply read');
SELECT is(pg_temp.said($$SELECT trackagoat.check_scope('write')$$), 'accepted', 'it is write');
SELECT is((trackagoat.current_org(), trackagoat.readable_org())::text, format('(%s,)', :'org'), 'who may not read has an organization, and no rows');
SELECT trackagoat.sign_in(trackagoat.create_api_key(:'org', 'admin', '{admin,admin,read}')) \g /dev/null
SELECT is(pg_temp.said($$SELECT trackagoat.check_scope('write')$$), 'PT403 insufficient_scope {"required": "write", "granted": ["read", "admin"]}', 'nor does admin imply write');
SELECT is(scopes, '{admin,read}', 'a scope given twice is there once') FROM trackagoat.api_key WHERE name = 'admin';

--
-- How much a key may ask: 60 times a minute
--
CREATE FUNCTION pg_temp.asked_until_refused(org uuid, OUT times integer, OUT refused text, OUT seconds_left integer) LANGUAGE plpgsql AS
$$
DECLARE
	minute timestamptz;
	key text;
BEGIN
	LOOP
		minute := date_trunc('minute', clock_timestamp());
		key := trackagoat.create_api_key(org, 'eager');
		times := 0;
		LOOP
			refused := pg_temp.entered(key);
			EXIT WHEN refused <> 'accepted' OR times > 200;
			times := times + 1;
		END LOOP;
		seconds_left := ceil(extract(epoch FROM minute + interval '1 minute' - clock_timestamp()));
		-- a new minute has its own count
		EXIT WHEN date_trunc('minute', clock_timestamp()) = minute;
	END LOOP;
END
$$;
SELECT * FROM pg_temp.asked_until_refused(:'org') \gset
SELECT is(:times, 60, 'a key asks 60 times a minute');
SELECT is(regexp_replace(:'refused', '[0-9]+}', 'n}'), 'PT429 rate_limit_exceeded {"max": 60, "per": "minute", "retryAfter": n}', 'and then no more');
SELECT cmp_ok(substring(:'refused' FROM '([0-9]+)}')::integer - :seconds_left, '<=', 1, 'until the minute is over');
SELECT is(pg_temp.entered(:'brief'), 'accepted', 'another key of the organization does');

-- all keys of an organization together so many times a day
INSERT INTO trackagoat.plan (plan, limit_key, max) VALUES ('asks', 'max_api_requests_per_day', 7);
INSERT INTO trackagoat.organization (name, plan) VALUES ('asks', 'asks') RETURNING id AS asks \gset
INSERT INTO trackagoat.api_usage (org_id, day, requests) VALUES (:'asks', (now() AT TIME ZONE 'UTC')::date, 2);
SELECT trackagoat.create_api_key(:'asks', 'one') AS one, trackagoat.create_api_key(:'asks', 'two') AS two \gset
SELECT is(array_agg(pg_temp.entered(k)), '{accepted,accepted,accepted,accepted,accepted}', 'five after two that were written down') FROM unnest(ARRAY[:'one', :'two', :'one', :'two', :'two']) k;
SELECT is(array_agg(DISTINCT regexp_replace(pg_temp.entered(k), '[0-9]+}', 'n}')), '{"PT429 rate_limit_exceeded {\"max\": 7, \"per\": \"day\", \"retryAfter\": n}"}', 'the plan allows seven') FROM unnest(ARRAY[:'one', :'two', :'one']) k;
SELECT is(requests, 4::bigint, 'what was asked is written down, once a minute for each key') FROM trackagoat.api_usage WHERE org_id = :'asks';
SELECT status, error, meta ->> 'retryAfter' AS retry_after, sent ->> 'Retry-After' AS header FROM pg_temp.ask('GET', '/members', :'one') \gset
SELECT is((:status, :'error')::text, '(429,rate_limit_exceeded)', 'a request is answered so too');
SELECT is(:'header'::text, :'retry_after', 'with the header Retry-After');
SELECT ok(abs(:retry_after - extract(epoch FROM (date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') + interval '1 day') - clock_timestamp() AT TIME ZONE 'UTC')) <= 2, 'which is until midnight UTC');
UPDATE trackagoat.plan SET max = 8 WHERE plan = 'asks';
SELECT is((pg_temp.entered(:'one'), left(pg_temp.entered(:'two'), 5))::text, '(accepted,PT429)', 'a plan that allows one more does so at once');
UPDATE trackagoat.organization SET plan = NULL WHERE id = :'asks';
SELECT is(pg_temp.entered(:'two'), 'accepted', 'without a plan there is no limit');
UPDATE trackagoat.organization SET plan = 'free' WHERE id = :'asks';
SELECT is(regexp_replace(pg_temp.entered(:'one'), '[0-9]+}', 'n}'), 'PT429 rate_limit_exceeded {"max": 0, "per": "day", "retryAfter": n}', 'the free plan has no API');

--
-- Members
--
INSERT INTO trackagoat.member (org_id, user_id, role, db_role) VALUES (:'org', 'alice', 'admin', 'trackagoat_test_alice') RETURNING id AS alice \gset
INSERT INTO trackagoat.member (org_id, user_id, db_role) VALUES (:'their_org', 'bob', 'trackagoat_test_bob');
INSERT INTO trackagoat.member (org_id, user_id) VALUES (:'org', 'both'), (:'their_org', 'both');
SELECT is(pg_temp.refusal(statement), refused, statement) FROM (VALUES
	(format('DELETE FROM trackagoat.member WHERE id = %L', :'alice'), 'PT409 last_admin'),
	(format('UPDATE trackagoat.member SET role = $$member$$ WHERE id = %L', :'alice'), 'PT409 last_admin'),
	(format('UPDATE trackagoat.member SET org_id = %L WHERE id = %L', :'their_org', :'alice'), 'PT409 last_admin'),
	(format('INSERT INTO trackagoat.member (org_id, user_id) VALUES (%L, $$alice$$)', :'org'), '23505 member_user_key'),
	(format('INSERT INTO trackagoat.member (org_id, user_id, db_role) VALUES (%L, $$x$$, $$trackagoat_test_alice$$)', :'org'), '23505 member_db_role_key'),
	(format('INSERT INTO trackagoat.member (org_id, user_id, role) VALUES (%L, $$x$$, $$owner$$)', :'org'), '23514 member_role_check')) v (statement, refused);
UPDATE trackagoat.member SET role = 'admin' WHERE org_id = :'org' AND user_id = 'both';
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.member SET role = $$member$$ WHERE id = %L', :'alice')), 'accepted', 'one of two admins may go');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.member SET role = CASE user_id WHEN $$alice$$ THEN $$admin$$ ELSE $$member$$ END WHERE org_id = %L', :'org')), 'accepted', 'or hand over in one statement');
INSERT INTO trackagoat.organization (name) VALUES ('short') RETURNING id AS short \gset
INSERT INTO trackagoat.member (org_id, user_id, role) VALUES (:'short', 'carol', 'admin');
SELECT is(pg_temp.refusal(format('DELETE FROM trackagoat.organization WHERE id = %L', :'short')), 'accepted', 'with its organization the last admin goes');

-- by a token, which only a login role of PostgREST passes on
SELECT set_config('request.jwt.claims', '{"sub": "alice"}', true) \g /dev/null
SELECT is(pg_temp.said($$SELECT trackagoat.sign_in_member('alice')$$), 'PT401 invalid_token Only a login role of PostgREST may say who is signed in.', 'not even a superuser says who somebody is');
GRANT EXECUTE ON FUNCTION trackagoat.sign_in_member(text, uuid), trackagoat.current_actor() TO PUBLIC;
GRANT USAGE ON SCHEMA trackagoat TO PUBLIC;
SET SESSION AUTHORIZATION trackagoat_test_bob;
SELECT pg_temp.said($$SELECT trackagoat.sign_in_member('alice')$$) AS bob_said, trackagoat.current_org() AS bob_org,
	(SELECT status FROM pg_temp.ask('GET', '/members', NULL)) AS bob_status, (SELECT error FROM pg_temp.ask('GET', '/members', NULL)) AS bob_error \gset
RESET SESSION AUTHORIZATION;
SELECT is(:'bob_said'::text, 'PT401 invalid_token Only a login role of PostgREST may say who is signed in.', 'nor a member, whatever request.jwt.claims says');
SELECT is(:'bob_org'::text, :'their_org', 'he is who has logged in');
SELECT is((:bob_status, :'bob_error')::text, '(401,invalid_token)', 'a request that claims more is refused');
SET SESSION AUTHORIZATION trackagoat_test_authenticator;
SELECT pg_temp.said($$SELECT trackagoat.sign_in_member('alice')$$) AS alice_said, trackagoat.current_org() AS alice_org, trackagoat.current_actor() AS alice_actor \gset
SELECT pg_temp.said($$SELECT trackagoat.sign_in_member(NULL)$$) AS nobody_said, pg_temp.said($$SELECT trackagoat.sign_in_member('mallory')$$) AS mallory_said,
	pg_temp.said($$SELECT trackagoat.sign_in_member('both')$$) AS both_said, trackagoat.current_org() IS NULL AS refused_nobody,
	pg_temp.said(format($$SELECT trackagoat.sign_in_member('both', %L)$$, :'their_org')) AS both_named, trackagoat.current_org() AS both_org,
	pg_temp.said(format($$SELECT trackagoat.sign_in_member('alice', %L)$$, :'their_org')) AS alice_elsewhere \gset
RESET SESSION AUTHORIZATION;
REVOKE EXECUTE ON FUNCTION trackagoat.sign_in_member(text, uuid), trackagoat.current_actor() FROM PUBLIC;
REVOKE USAGE ON SCHEMA trackagoat FROM PUBLIC;
SELECT is((:'alice_said', :'alice_org', :'alice_actor')::text, format('(accepted,%s,alice)', :'org'), 'PostgREST says so, and it is');
SELECT is(:'nobody_said'::text, 'PT401 invalid_token The token has no claim sub.', 'a token without sub');
SELECT is(:'mallory_said'::text, 'PT403 not_a_member The user is in no organization, or not in the one named.', 'a user who is nowhere');
SELECT is(:'both_said'::text, 'PT400 organization_required The user is in several organizations.', 'a user who is in several');
SELECT ok(:'refused_nobody', 'is nobody');
SELECT is((:'both_named', :'both_org')::text, format('(accepted,%s)', :'their_org'), 'until he names one');
SELECT is(:'alice_elsewhere'::text, 'PT403 not_a_member The user is in no organization, or not in the one named.', 'of his own');

SELECT set_config('request.jwt.claims', '', true) \g /dev/null

--
-- Rows: something of everything, in two organizations
--
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P'), (:'their_org', 'P');
INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT id, 'goat' FROM trackagoat.project;
INSERT INTO trackagoat.video (creator_id, tiktok_video_id) SELECT id, 1 FROM trackagoat.creator;
INSERT INTO trackagoat.campaign (project_id, name) SELECT id, 'C' FROM trackagoat.project;
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) SELECT k.id, c.id FROM trackagoat.campaign k JOIN trackagoat.creator c USING (project_id);
INSERT INTO trackagoat.goal (creator_id, goal_type, target) SELECT id, 'followers', 5 FROM trackagoat.creator;
UPDATE trackagoat.creator SET readme = 'x', tiktok_handle = 'goat.too';
INSERT INTO trackagoat.notification (org_id, project_id, creator_id, kind, subject) SELECT org_id, project_id, id, 'goal_status', id FROM trackagoat.creator;
-- what one sees of each view: how many rows, and whose
CREATE FUNCTION pg_temp.seen() RETURNS jsonb LANGUAGE plpgsql AS
$$
DECLARE
	shown name;
	result jsonb := '{}';
	seen jsonb;
BEGIN
	FOR shown IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'trackagoat_api'::regnamespace AND c.relkind = 'v' AND c.relname <> 'api_keys' LOOP
		EXECUTE format('SELECT jsonb_build_object(%L, count(*)) || coalesce(jsonb_object_agg(v.%I, true), %L) FROM trackagoat_api.%I v', 'rows', CASE shown WHEN 'organizations' THEN 'id' ELSE 'org_id' END, '{}', shown) INTO seen;
		result := result || jsonb_build_object(shown, seen);
	END LOOP;
	RETURN result;
END
$$;
-- of an organization alone, as its owner counts it; of none with NULL
CREATE FUNCTION pg_temp.seen_of(org uuid) RETURNS jsonb LANGUAGE plpgsql AS
$$
DECLARE
	shown name;
	result jsonb := '{}';
	seen jsonb;
BEGIN
	FOR shown IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'trackagoat_api'::regnamespace AND c.relkind = 'v' AND c.relname <> 'api_keys' LOOP
		EXECUTE format('SELECT jsonb_build_object(%L, count(*)) FROM trackagoat_api.%I v WHERE v.%I = $1', 'rows', shown, CASE shown WHEN 'organizations' THEN 'id' ELSE 'org_id' END) INTO seen USING org;
		result := result || jsonb_build_object(shown, CASE WHEN org IS NULL THEN seen ELSE seen || jsonb_build_object(org, true) END);
	END LOOP;
	RETURN result;
END
$$;
SELECT pg_temp.seen_of(:'org') AS of_org, pg_temp.seen_of(:'their_org') AS of_their_org, pg_temp.seen_of(NULL) AS of_nobody \gset
SELECT ok(count(*) >= 10 AND bool_and((v.value ->> 'rows')::integer > 0), 'there are rows in each view') FROM jsonb_each(:'of_org') v;

-- members by the roles that they log in with
SET SESSION AUTHORIZATION trackagoat_test_alice;
SELECT pg_temp.seen() AS alice_saw, trackagoat.current_org() AS alice_org \gset
SET ROLE trackagoat_member;
SELECT pg_temp.seen() AS alice_as_member_saw \gset
RESET ROLE;
SELECT status AS alice_status, data #>> '{0,tiktok_handle}' AS alice_creator, jsonb_array_length(data) AS alice_creators FROM pg_temp.ask('GET', '/creators', NULL) \gset
SELECT set_config('request.headers', json_build_object('x-organization-id', :'their_org')::text, true), set_config('app.org_id', :'their_org', true),
	set_config('request.jwt.claim.sub', 'bob', true), set_config('request.jwt.claims', '', true) \g /dev/null
SELECT pg_temp.seen() AS alice_set_saw, (SELECT jsonb_array_length(data) FROM pg_temp.ask('GET', '/creators', NULL, NULL, jsonb_build_object('X-Organization-Id', :'their_org'))) AS alice_set_creators \gset
SELECT string_agg(DISTINCT pg_temp.refusal(s), ', ') AS refused FROM unnest(ARRAY['TABLE trackagoat_api.api_keys', 'TABLE trackagoat.api_key', 'TABLE trackagoat.api_replay', 'TABLE trackagoat_api.route', $$SELECT trackagoat.sign_in('x')$$,
	$$UPDATE trackagoat_api.creators SET metadata = '{}'$$, 'DELETE FROM trackagoat_api.members', 'INSERT INTO trackagoat.api_login VALUES (session_user)', 'SET LOCAL ROLE trackagoat_test_bob']) s \gset
SET SESSION AUTHORIZATION trackagoat_test_bob;
SELECT pg_temp.seen() AS bob_saw \gset
RESET SESSION AUTHORIZATION;
SELECT is(:'alice_saw'::jsonb, :'of_org'::jsonb, 'a member who has logged in sees the rows of his organization, in every view, and no others');
SELECT is(:'alice_as_member_saw'::jsonb, :'of_org'::jsonb, 'as trackagoat_member, too');
SELECT is((:alice_status, :'alice_creator', :alice_creators)::text, '(200,goat.too,1)', 'and is answered for it');
SELECT is(:'alice_set_saw'::jsonb, :'of_org'::jsonb, 'no setting that he may change shows him others');
SELECT is(:alice_set_creators, 1, 'nor a header');
SELECT is(:'refused'::text, '42501', 'he reaches no key and no route, writes nothing, and becomes nobody else');
SELECT is(:'bob_saw'::jsonb, :'of_their_org'::jsonb, 'another member sees the rows of his');
SELECT is(pg_temp.refusal(format('SET trackagoat.org_id = %L', :'their_org')), '42602', 'no setting of ours can be made up');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'trackagoat.%' AND name ~ 'org|tenant|member|key'$$, 'and none is about organizations');
INSERT INTO trackagoat.member (org_id, user_id, db_role) VALUES (:'their_org', 'alice', 'trackagoat_test_alice');
SET SESSION AUTHORIZATION trackagoat_test_bob;
SELECT trackagoat.current_org() \g /dev/null
SET SESSION AUTHORIZATION trackagoat_test_alice;
SELECT pg_temp.seen() AS alice_in_two_saw \gset
RESET SESSION AUTHORIZATION;
SELECT is(:'alice_in_two_saw'::jsonb, :'of_nobody'::jsonb, 'who is in two organizations by the same role sees neither');
DELETE FROM trackagoat.member WHERE org_id = :'their_org' AND user_id = 'alice';

-- PostgREST: its role sees nothing, then what the key or token says
SET SESSION AUTHORIZATION trackagoat_test_authenticator;
SET ROLE trackagoat_api;
SELECT pg_temp.seen() AS nobody_saw, set_config('request.headers', json_build_object('x-api-key', :'key')::text, true) \gset
SELECT trackagoat_api.pre_request() \g /dev/null
SELECT pg_temp.seen() AS key_saw, set_config('request.headers', json_build_object('x-api-key', :'their_key')::text, true) \gset
SELECT pg_temp.seen() AS still_saw \gset
SELECT trackagoat_api.pre_request() \g /dev/null
SELECT pg_temp.seen() AS their_key_saw, set_config('request.headers', '{}', true) \gset
SELECT set_config('request.headers', '{"x-api-key": "tga_wrong"}', true) \g /dev/null
SELECT pg_temp.refusal('SELECT trackagoat_api.pre_request()') AS wrong_said \gset
SELECT pg_temp.seen() AS wrong_saw, set_config('request.headers', '{}', true), set_config('request.jwt.claims', '{"sub": "alice", "role": "trackagoat_member"}', true) \gset
SET ROLE trackagoat_member;
SELECT trackagoat_api.pre_request() \g /dev/null
SELECT pg_temp.seen() AS token_saw, set_config('request.jwt.claims', '{"role": "trackagoat_api"}', true) \gset
RESET SESSION AUTHORIZATION;
SELECT trackagoat.create_api_key(:'org', 'mute', '{write,admin}') AS mute \gset
SET SESSION AUTHORIZATION trackagoat_test_authenticator;
SET ROLE trackagoat_api;
SELECT set_config('request.headers', json_build_object('x-api-key', :'mute')::text, true) \g /dev/null
SELECT trackagoat_api.pre_request() \g /dev/null
SELECT pg_temp.seen() AS mute_saw, (SELECT status FROM pg_temp.ask('GET', '/projects', :'mute')) AS mute_status, (SELECT meta FROM pg_temp.ask('GET', '/projects', :'mute')) AS mute_meta \gset
RESET SESSION AUTHORIZATION;
SELECT set_config('request.headers', '', true), set_config('request.jwt.claims', '', true) \g /dev/null
SELECT is(:'nobody_saw'::jsonb, :'of_nobody'::jsonb, 'without a key there is nothing');
SELECT is(:'key_saw'::jsonb, :'of_org'::jsonb, 'with one there are its organization''s rows, and no others');
SELECT is(:'still_saw'::jsonb, :'of_org'::jsonb, 'whatever the headers say afterwards');
SELECT is(:'their_key_saw'::jsonb, :'of_their_org'::jsonb, 'with another key the other''s');
SELECT is((:'wrong_said', :'wrong_saw'::jsonb = :'of_nobody'::jsonb)::text, '("PT401 invalid_api_key",t)', 'with a wrong one nothing again');
SELECT is(:'token_saw'::jsonb, :'of_org'::jsonb, 'a token does as a key does');
SELECT is(:'mute_saw'::jsonb, :'of_nobody'::jsonb, 'a key that may not read sees nothing');
SELECT is((:mute_status, :'mute_meta'::jsonb - 'hint')::text, (403, '{"code": "insufficient_scope", "required": "read", "granted": ["write", "admin"]}'::jsonb)::text, 'and is told so');

--
-- Keys and members over the API
--
SELECT trackagoat.create_api_key(:'org', 'chief', '{read,write,admin}') AS chief, trackagoat.create_api_key(:'their_org', 'their chief', '{read,write,admin}') AS their_chief \gset
SELECT a.* FROM pg_temp.ask('POST', '/api-keys', :'chief', '{"name": "made over the API"}', '{"Idempotency-Key": "once"}') a \gset made_
SELECT is((:made_status, :'made_data'::jsonb ->> 'name', :'made_data'::jsonb -> 'scopes', :'made_data'::jsonb ->> 'created_by' = k.id::text)::text, '(201,"made over the API","[""read"", ""write""]",t)', 'an admin makes a key')
FROM trackagoat.api_key k WHERE k.name = 'chief';
SELECT :'made_data'::jsonb ->> 'key' AS made, :'made_data'::jsonb ->> 'id' AS made_id \gset
SELECT is(pg_temp.entered(:'made'), 'accepted', 'that is good');
SELECT is((a.status, a.data, a.sent ->> 'Idempotent-Replayed')::text, (201, :'made_data'::jsonb || '{"key": null}', 'true')::text, 'asked for again it is the same one, and is not shown')
FROM pg_temp.ask('POST', '/api-keys', :'chief', '{"name": "made over the API"}', '{"Idempotency-Key": "once"}') a;
SELECT is((SELECT count(*) FROM jsonb_array_elements(a.data) d WHERE d ->> 'id' = :'made_id' AND NOT d ?| '{key,key_hash}'), 1::bigint, 'a list shows it without the key') FROM pg_temp.ask('GET', '/api-keys', :'chief') a;
SELECT is_empty(format('SELECT d FROM pg_temp.ask($$GET$$, $$/api-keys$$, %L) a, jsonb_array_elements(a.data) d WHERE d ->> $$org_id$$ <> %L', :'chief', :'org'), 'and no others''');
-- in no column of any table
CREATE FUNCTION pg_temp.tables_with(part text) RETURNS SETOF text LANGUAGE plpgsql AS
$$
DECLARE
	searched regclass;
	found boolean;
BEGIN
	FOR searched IN SELECT c.oid FROM pg_class c WHERE c.relnamespace IN ('trackagoat'::regnamespace, 'trackagoat_api'::regnamespace) AND c.relkind = 'r' LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s t WHERE strpos(t::text, $1) > 0)', searched) INTO found USING part;
		IF found THEN
			RETURN NEXT searched::text;
		END IF;
	END LOOP;
END
$$;
SELECT set_eq(format('SELECT pg_temp.tables_with(%L)', :'made_id'), ARRAY['trackagoat.api_key', 'trackagoat.api_replay'], 'its id is in two tables');
SELECT is_empty(format('SELECT pg_temp.tables_with(%L)', p), 'the key is in none') FROM (VALUES (:'made'), (substr(:'made', 5)), (encode(convert_to(:'made', 'UTF8'), 'hex')), (encode(decode(substr(:'made', 5), 'hex'), 'base64'))) v (p);
SELECT is((a.status, a.error, a.meta -> 'required')::text, '(403,insufficient_scope,"""write""")', 'nobody gives a scope that he has not')
FROM pg_temp.ask('POST', '/api-keys', trackagoat.create_api_key(:'org', 'halved', '{read,admin}'), '{"name": "x"}') a;
SELECT is((a.status, a.data -> 'scopes')::text, '(201,"[""admin"", ""read""]")', 'but what he has') FROM pg_temp.ask('POST', '/api-keys', trackagoat.create_api_key(:'org', 'halved too', '{read,admin}'), '{"name": "x", "scopes": ["read", "admin"]}') a;
SELECT is((a.status, a.error, a.meta -> 'required')::text, '(403,insufficient_scope,"""admin""")', 'only admins: ' || u) FROM unnest(ARRAY['GET /api-keys', 'POST /api-keys', 'DELETE /api-keys/' || :'made_id', 'POST /members', 'PATCH /members/' || :'alice', 'DELETE /members/' || :'alice']) u,
	pg_temp.ask(split_part(u, ' ', 1), split_part(u, ' ', 2), :'key', CASE WHEN u LIKE 'P%' THEN '{"name": "x"}' END) a;
SELECT is((a.status, a.error)::text, '(404,' || e || '_not_found)', 'others'' are not there: ' || u) FROM (VALUES ('DELETE /api-keys/' || :'made_id', 'api_key'), ('PATCH /members/' || :'alice', 'member'), ('DELETE /members/' || :'alice', 'member')) v (u, e),
	pg_temp.ask(split_part(u, ' ', 1), split_part(u, ' ', 2), :'their_chief', CASE WHEN u LIKE 'P%' THEN '{"name": "x"}' END) a;
SELECT is(pg_temp.entered(:'made'), 'accepted', 'and stay as they are');
SELECT a.* FROM pg_temp.ask('DELETE', '/api-keys/' || :'made_id', :'chief') a \gset gone_
SELECT is((:gone_status, :'gone_data'::jsonb ->> 'id', (:'gone_data'::jsonb ->> 'revoked_at')::timestamptz)::text, (200, :'made_id', now())::text, 'an admin revokes a key');
SELECT is(pg_temp.entered(:'made'), 'PT401 invalid_api_key The key was revoked.', 'at once');
SELECT is((a.status, a.error, a.sent ->> 'WWW-Authenticate')::text, '(401,invalid_api_key,Bearer)', 'and it is answered so') FROM pg_temp.ask('GET', '/projects', :'made') a;
SELECT is((a.status, a.data)::text, (200, :'gone_data'::jsonb)::text, 'again changes nothing') FROM pg_temp.ask('DELETE', '/api-keys/' || :'made_id', :'chief') a;

SELECT a.* FROM pg_temp.ask('POST', '/members', :'chief', '{"user_id": "dave", "name": "Dave"}') a \gset dave_
SELECT :'dave_data'::jsonb ->> 'id' AS dave \gset
SELECT is((:dave_status, :'dave_data'::jsonb ->> 'user_id', :'dave_data'::jsonb ->> 'role', :'dave_data'::jsonb ->> 'name', :'dave_data'::jsonb ->> 'org_id')::text, format('(201,dave,member,Dave,%s)', :'org'), 'an admin adds a member');
SELECT is((a.status, a.error)::text, '(409,member_exists)', 'once') FROM pg_temp.ask('POST', '/members', :'chief', '{"user_id": "dave"}') a;
SELECT is((SELECT array_agg(d ->> 'user_id') FROM jsonb_array_elements(a.data) d), '{dave,both,alice}', 'whoever reads sees the members of the organization, newest first') FROM pg_temp.ask('GET', '/members', :'key') a;
SELECT is((a.status, a.error)::text, '(409,last_admin)', m || ' of the last admin') FROM unnest('{PATCH,DELETE}'::text[]) m, pg_temp.ask(m, '/members/' || :'alice', :'chief', CASE m WHEN 'PATCH' THEN '{"role": "member"}' END) a;
SELECT is((a.status, a.data ->> 'role', a.data ->> 'name')::text, '(200,admin,Dave)', 'another one') FROM pg_temp.ask('PATCH', '/members/' || :'dave', :'chief', '{"role": "admin"}') a;
SELECT is((a.status, a.data ->> 'role', a.data -> 'name')::text, '(200,admin,null)', 'his name, too') FROM pg_temp.ask('PATCH', '/members/' || :'dave', :'chief', '{"name": null}') a;
SELECT is((a.status, a.data)::text, (200, jsonb_build_object('id', :'alice', 'deleted', true))::text, 'then she may go') FROM pg_temp.ask('DELETE', '/members/' || :'alice', :'chief') a;
SELECT is((a.status, a.error)::text, '(404,member_not_found)', 'and is gone') FROM pg_temp.ask('DELETE', '/members/' || :'alice', :'chief') a;
UPDATE trackagoat.plan SET max = NULL WHERE plan = 'asks';
INSERT INTO trackagoat.plan (plan, limit_key, max) VALUES ('asks', 'max_members_per_org', 2), ('asks', 'max_api_keys_per_org', 1);
UPDATE trackagoat.organization SET plan = 'asks' WHERE id = :'org';
SELECT is((a.status, a.error, a.meta - 'hint')::text, (402, 'limit_reached', '{"code": "limit_reached", "limitKey": "max_members_per_org", "current": 2, "max": 2}'::jsonb)::text, 'as many members as the plan allows') FROM pg_temp.ask('POST', '/members', :'chief', '{"user_id": "erin"}') a;
SELECT is((a.status, a.error, a.meta ->> 'limitKey')::text, '(402,limit_reached,max_api_keys_per_org)', 'and as many keys') FROM pg_temp.ask('POST', '/api-keys', :'chief', '{"name": "x"}') a;

SELECT * FROM finish();
ROLLBACK;
