-- Two organizations: whatever one of them asks, of whatever route, with whatever
-- ids, headers, fields and fragments of SQL and JSON, it sees nothing of the
-- other, changes nothing of it, and the server has an answer.
BEGIN;
SET client_min_messages = warning;
SET search_path = public, trackagoat;
SELECT plan(8);

\ir api.psql

-- what is the other's has this in every text, and this in every number
\set marker zqxsecret
INSERT INTO organization (name) VALUES ('ours') RETURNING id AS ours \gset
INSERT INTO organization (name) VALUES (:'marker' || 'theirs') RETURNING id AS theirs \gset
CREATE FUNCTION pg_temp.fill(org uuid, mark text, number bigint) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	p uuid;
BEGIN
	INSERT INTO trackagoat.project (org_id, name, description) VALUES (org, mark || 'project', mark) RETURNING id INTO p;
	INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle, readme, display_name, bio, tracking_start_date)
	SELECT org, p, trackagoat.parse_handle(mark || n), mark, mark, mark, '2025-01-01' FROM generate_series(1, 4) n;
	INSERT INTO trackagoat.video (creator_id, tiktok_video_id, title, readme, tracking_status, kind)
	SELECT c.id, number * 100 + row_number() OVER (ORDER BY c.id), mark, mark, s.status::trackagoat.tracking_status, 'video'
	FROM trackagoat.creator c, unnest(ARRAY['auto_tracked', 'pending_review', 'included', 'excluded', 'direct_add']) s (status) WHERE c.org_id = org;
	PERFORM trackagoat.observe_video(v.id, now() - interval '2 days', number, number, number, number, number),
		trackagoat.observe_video(v.id, now(), number + 1, number, number, number, number) FROM trackagoat.video v WHERE v.org_id = org;
	PERFORM trackagoat.observe_creator(c.id, now(), number, number, number, number) FROM trackagoat.creator c WHERE c.org_id = org;
	INSERT INTO trackagoat.campaign (org_id, project_id, name, readme) SELECT org, p, mark || n, mark FROM generate_series(1, 3) n;
	INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) SELECT k.id, c.id FROM trackagoat.campaign k JOIN trackagoat.creator c USING (project_id, org_id) WHERE k.org_id = org;
	INSERT INTO trackagoat.goal (creator_id, goal_type, target, period) SELECT c.id, 'views', number, 'weekly' FROM trackagoat.creator c WHERE c.org_id = org;
	INSERT INTO trackagoat.member (org_id, user_id, name, role) VALUES (org, mark || 'admin', mark, 'admin'), (org, mark || 'member', mark, 'member');
END
$$;
SELECT pg_temp.fill(:'ours', 'our', 111), pg_temp.fill(:'theirs', :'marker', 9876543210) \gset x
SELECT trackagoat.create_api_key(:'theirs', :'marker') AS their_key \gset

-- all that the other has, in one number
CREATE FUNCTION pg_temp.sum_of(org uuid) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	t text;
	part text;
	result text := '';
BEGIN
	FOR t IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped
		WHERE c.relnamespace = 'trackagoat'::regnamespace AND c.relkind = 'r' ORDER BY 1
	LOOP
		EXECUTE format('SELECT concat(count(*), md5(string_agg(md5(t::text), '''' ORDER BY md5(t::text)))) FROM trackagoat.%I t WHERE org_id = $1', t) INTO part USING org;
		result := concat(result, t, part, E'\n');
	END LOOP;
	RETURN result;
END
$$;
CREATE TEMP TABLE before AS SELECT pg_temp.sum_of(:'theirs') AS sum;

CREATE TEMP TABLE id AS
	SELECT p.id::text, p.org_id = :'ours' AS is_ours FROM project p UNION ALL SELECT c.id::text, c.org_id = :'ours' FROM creator c
	UNION ALL SELECT v.id::text, v.org_id = :'ours' FROM video v UNION ALL SELECT k.id::text, k.org_id = :'ours' FROM campaign k
	UNION ALL SELECT g.id::text, g.org_id = :'ours' FROM goal g UNION ALL SELECT m.id::text, m.org_id = :'ours' FROM member m
	UNION ALL SELECT k.id::text, k.org_id = :'ours' FROM api_key k UNION ALL SELECT o.id::text, o.id = :'ours' FROM organization o;
CREATE TEMP TABLE fragment AS SELECT f FROM unnest(ARRAY['', ''' OR 1=1 --', '"; DROP TABLE trackagoat.creator; --', '%', '_', '\', '$$', '{"$ne": null}', '[]', 'null', '*',
	'zqx%', 'trackagoat.project', '(SELECT id FROM trackagoat.project)', '../..', '%00', '%27', '%C0%AF', 'eq.1', E'\u200b', '🐐', '1e400', '-1', '9223372036854775808', '2026-02-30', '0001-01-01', 'infinity']) f;
CREATE TEMP TABLE key AS SELECT n, trackagoat.create_api_key(:'ours', 'k', CASE n % 8 WHEN 0 THEN '{read}' WHEN 1 THEN '{write}' ELSE '{read,write,admin}' END::text[]) AS key FROM generate_series(1, 120) n;

CREATE FUNCTION pg_temp.pick(query text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	result text;
BEGIN
	EXECUTE query || ' ORDER BY random() LIMIT 1' INTO result;
	RETURN result;
END
$$;
CREATE FUNCTION pg_temp.some_text() RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	RETURN CASE floor(random() * 6) WHEN 0 THEN pg_temp.pick('SELECT f FROM fragment') WHEN 1 THEN gen_random_uuid()::text
		WHEN 2 THEN pg_temp.pick('SELECT id FROM id WHERE is_ours') ELSE pg_temp.pick('SELECT id FROM id WHERE NOT is_ours') END;
END
$$;
-- a value that a schema may allow, or may not
CREATE FUNCTION pg_temp.some_value(schema jsonb) RETURNS jsonb LANGUAGE plpgsql AS
$$
BEGIN
	IF random() < 0.1 THEN
		RETURN CASE floor(random() * 4) WHEN 0 THEN 'null'::jsonb WHEN 1 THEN to_jsonb(pg_temp.some_text()) WHEN 2 THEN '{"a": [1, {}]}' ELSE to_jsonb(random() * 1e12) END;
	END IF;
	RETURN CASE schema ->> 'type'
		WHEN 'string' THEN to_jsonb(CASE WHEN schema ? 'enum' THEN schema #>> ARRAY['enum', floor(random() * jsonb_array_length(schema -> 'enum'))::text]
			WHEN schema ->> 'format' LIKE 'date%' THEN '2026-01-0' || 1 + floor(random() * 9) || CASE schema ->> 'format' WHEN 'date' THEN '' ELSE 'T00:00:00Z' END
			WHEN schema ->> 'format' = 'uuid' OR random() < 0.5 THEN pg_temp.some_text() ELSE 'goat' || floor(random() * 1000) END)
		WHEN 'integer' THEN to_jsonb(floor(random() * 100)::integer)
		WHEN 'number' THEN to_jsonb(floor(random() * 100))
		WHEN 'array' THEN jsonb_build_array(pg_temp.some_value(schema -> 'items'), pg_temp.some_value(schema -> 'items'))
		WHEN 'object' THEN coalesce((SELECT jsonb_object_agg(f.key, pg_temp.some_value(f.value)) FROM jsonb_each(schema -> 'properties') f), jsonb_build_object('k', pg_temp.some_text()))
		ELSE to_jsonb(pg_temp.some_text()) END;
END
$$;
CREATE FUNCTION pg_temp.url_encode(value text) RETURNS text LANGUAGE sql AS
	$$SELECT CASE WHEN random() < 0.2 THEN value ELSE (SELECT coalesce(string_agg('%' || upper(encode(substring(convert_to(value, 'UTF8') FROM n FOR 1), 'hex')), ''), '') FROM generate_series(1, octet_length(convert_to(value, 'UTF8'))) n) END$$;

CREATE TEMP TABLE finding (what text, request text, answer text);
CREATE TEMP TABLE answered (status integer, handler text);
CREATE FUNCTION pg_temp.ask(n integer) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	route record;
	uri text;
	headers jsonb;
	body text;
	answer record;
BEGIN
	SELECT r.* INTO route FROM trackagoat.api_routes() r ORDER BY random() LIMIT 1;
	uri := '/api/v1' || route.pattern;
	WHILE uri LIKE '%{id}%' LOOP
		uri := regexp_replace(uri, '\{id\}', replace(pg_temp.some_text(), '\', ''));
	END LOOP;
	uri := uri || coalesce('?' || (SELECT string_agg(f.key || '=' || pg_temp.url_encode(pg_temp.some_value(f.value) #>> '{}'), '&')
		FROM jsonb_each(route.query -> 'properties') f WHERE random() < 0.4), '');
	body := CASE WHEN route.method IN ('POST', 'PATCH', 'DELETE') THEN (SELECT jsonb_object_agg(f.key, pg_temp.some_value(f.value))
		FROM jsonb_each(route.body -> 'properties') f WHERE random() < 0.7 OR route.body -> 'required' ? f.key)::text END;
	IF random() < 0.05 THEN
		body := pg_temp.some_text();
	END IF;
	headers := jsonb_build_object('x-api-key', CASE WHEN random() < 0.95 THEN (SELECT k.key FROM key k WHERE k.n = 1 + ask.n % 120) ELSE pg_temp.some_text() END)
		|| CASE WHEN random() < 0.2 THEN jsonb_build_object('x-organization-id', pg_temp.some_text(), 'authorization', pg_temp.some_text(),
			'idempotency-key', pg_temp.some_text(), 'x-original-uri', '/api/v1/projects') ELSE '{}' END;
	PERFORM set_config('request.jwt.claims', '{"sub": "zqxsecretadmin"}', true);
	SELECT * INTO answer FROM trackagoat_api.request(route.method, uri, headers, body);
	INSERT INTO answered VALUES (answer.status, route.handler);
	INSERT INTO finding
	SELECT w.what, concat_ws(' ', route.method, uri, headers, body), answer.body FROM (VALUES
		('shows a text of theirs', position('zqxsecret' IN coalesce(answer.body, '')) > 0 AND position('zqxsecret' IN concat(uri, body, headers)) = 0),
		('shows a number of theirs', answer.body LIKE '%98765432%' AND concat(uri, body) NOT LIKE '%98765432%'),
		('fails', answer.status >= 500 OR answer.status IS NULL),
		('is no envelope', CASE WHEN answer.headers ->> 'Content-Type' LIKE 'application/json%' AND route.handler <> 'v1_openapi' THEN pg_temp.is_envelope(answer.status, answer.body::jsonb) IS NOT TRUE END)) w (what, is_so)
	WHERE w.is_so;
END
$$;
SELECT setseed(0.42) \gset x
SELECT count(pg_temp.ask(n)) FROM generate_series(1, 3000) n \gset x

SELECT is_empty($$SELECT what, request, left(answer, 300) FROM finding LIMIT 5$$, 'no answer shows what is theirs, or fails');
SELECT is(pg_temp.sum_of(:'theirs'), (SELECT sum FROM before), 'no row of theirs has changed');
SELECT cmp_ok((SELECT count(*) FROM answered WHERE status < 300), '>=', 300::bigint, 'hundreds of requests succeeded');
SELECT cmp_ok((SELECT count(*) FROM answered WHERE status BETWEEN 400 AND 499), '>=', 1000::bigint, 'a thousand were refused');
SELECT set_eq($$SELECT DISTINCT handler FROM answered$$, $$SELECT DISTINCT handler FROM trackagoat.api_routes()$$, 'every handler was asked');
SELECT cmp_ok((SELECT count(DISTINCT handler) FROM answered WHERE status < 300), '>=', 20::bigint, 'and twenty have succeeded');

-- triggers of whoever asks are his own, be they deferred
CREATE ROLE pgtap_stranger;
GRANT trackagoat_api TO pgtap_stranger;
SELECT key AS our_key FROM key WHERE n = 2 \gset
SELECT min(p.id::text) AS our_project FROM project p WHERE p.org_id = :'ours' \gset
CREATE TEMP TABLE ran (as_whom text);
GRANT INSERT ON ran TO pgtap_stranger;
SET LOCAL ROLE pgtap_stranger;
CREATE TEMP TABLE bait (n integer);
CREATE FUNCTION pg_temp.ran_as() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ran VALUES (current_user); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER bait AFTER INSERT ON bait DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.ran_as();
INSERT INTO bait VALUES (1);
SELECT r.status FROM trackagoat_api.request('POST', '/api/v1/projects/' || :'our_project' || '/creators', jsonb_build_object('x-api-key', :'our_key'), '{"tiktok_handle": "baited"}') r \gset x
SELECT count(*) FROM trackagoat_api.add_creators(:'our_project', '{baited.too}') \gset x
SET CONSTRAINTS ALL IMMEDIATE;
RESET ROLE;
SELECT results_eq('SELECT DISTINCT as_whom FROM ran', $$VALUES ('pgtap_stranger')$$, 'a deferred trigger of whoever asks runs as himself');

-- and what is theirs is there
SELECT ok((SELECT r.body LIKE '%zqxsecret%' FROM trackagoat_api.request('GET', '/api/v1/creators', jsonb_build_object('x-api-key', :'their_key')) r), 'they see it themselves');
SELECT * FROM finish();
ROLLBACK;
