-- What the v1 API says of itself: /schema is what is answered, /openapi.json is
-- sound, and has every route.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SET client_min_messages = warning;
SELECT no_plan();

\ir api.psql

INSERT INTO trackagoat.organization (name) VALUES ('mine') RETURNING id AS org \gset
INSERT INTO caller VALUES ('goat', :'org', '{read,write,admin}');

--
-- GET /schema
--
CREATE TEMP TABLE entity AS SELECT e.key AS entity, e.value AS described FROM pg_temp.ask('goat', 'GET /schema') a, jsonb_each(a #> '{data,entities}') e;
CREATE TEMP VIEW field AS SELECT entity, f.key AS field, f.value AS described FROM entity, jsonb_each(described -> 'fields') f;
SELECT set_eq('SELECT entity FROM entity', ARRAY['organization', 'project', 'creator', 'video', 'campaign', 'campaign_item', 'goal', 'creator_event', 'notification', 'member', 'api_key'], 'what there is');
SELECT is_empty($$SELECT entity FROM entity WHERE described ->> 'description' IS NULL OR (SELECT count(*) FROM jsonb_object_keys(described -> 'fields')) < 3$$, 'is described');
SELECT is_empty($$SELECT entity, field FROM field WHERE coalesce(described ->> 'description', '') = '' OR described ->> 'type' IS NULL OR jsonb_typeof(described -> 'nullable') <> 'boolean'$$, 'each field has type, nullable and description');
SELECT is_empty($$SELECT entity, field FROM field WHERE described ->> 'type' NOT IN ('string', 'integer', 'number', 'boolean', 'object', 'array')$$, 'of a type that JSON has');
SELECT is(described, d, entity || '.' || field) FROM (VALUES
	('creator', 'follower_count', jsonb_build_object('type', 'integer', 'nullable', true, 'description', col_description('trackagoat.creator'::regclass, (SELECT attnum FROM pg_attribute WHERE attrelid = 'trackagoat.creator'::regclass AND attname = 'follower_count')))),
	('creator', 'tracking_mode', jsonb_build_object('type', 'string', 'enum', '["auto", "selective"]'::jsonb, 'nullable', false, 'description', col_description('trackagoat.creator'::regclass, (SELECT attnum FROM pg_attribute WHERE attrelid = 'trackagoat.creator'::regclass AND attname = 'tracking_mode')))),
	('video', 'tiktok_video_id', jsonb_build_object('type', 'string', 'nullable', false, 'description', col_description('trackagoat.video'::regclass, (SELECT attnum FROM pg_attribute WHERE attrelid = 'trackagoat.video'::regclass AND attname = 'tiktok_video_id')))),
	('video', 'hashtags', jsonb_build_object('type', 'array', 'items', '{"type": "string"}'::jsonb, 'nullable', true, 'description', col_description('trackagoat.video'::regclass, (SELECT attnum FROM pg_attribute WHERE attrelid = 'trackagoat.video'::regclass AND attname = 'hashtags')))),
	('goal', 'starts_on', jsonb_build_object('type', 'string', 'format', 'date', 'nullable', false, 'description', col_description('trackagoat.goal'::regclass, (SELECT attnum FROM pg_attribute WHERE attrelid = 'trackagoat.goal'::regclass AND attname = 'starts_on')))),
	('api_key', 'expires_at', jsonb_build_object('type', 'string', 'format', 'date-time', 'nullable', true, 'description', col_description('trackagoat.api_key'::regclass, (SELECT attnum FROM pg_attribute WHERE attrelid = 'trackagoat.api_key'::regclass AND attname = 'expires_at'))))) v (e, f, d)
JOIN field ON entity = e AND field = f;
SELECT is((SELECT count(*) FROM field), (SELECT count(DISTINCT (entity, field)) FROM field), 'each field once');

-- what is answered has these fields, and of these types
SELECT pg_temp.data('goat', 'POST /projects', '{"name": "P"}', 'id') AS project \gset
SELECT pg_temp.data('goat', 'POST /projects/' || :'project' || '/creators', '{"tiktok_handle": "goat"}', 'id') AS creator \gset
UPDATE trackagoat.creator SET readme = 'x', follower_count = 7, tiktok_handle = 'goat.too';
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, hashtags, view_count) VALUES (:'creator', 7526770564367748360, '{goat}', 5) RETURNING id AS video \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'C') RETURNING id AS campaign \gset
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'campaign', :'creator');
INSERT INTO trackagoat.goal (creator_id, goal_type, target) VALUES (:'creator', 'followers', 5) RETURNING id AS goal \gset
CREATE TEMP TABLE answered AS SELECT v.entity, CASE jsonb_typeof(a -> 'data') WHEN 'array' THEN a #> '{data,0}' ELSE a -> 'data' END AS object, v.uri
FROM (VALUES ('GET', 'project', '/projects', NULL), ('GET', 'project', '/projects/' || :'project', NULL), ('GET', 'creator', '/creators', NULL), ('GET', 'creator', '/creators/' || :'creator', NULL),
	('GET', 'creator_event', '/creators/' || :'creator' || '/events', NULL), ('GET', 'video', '/videos', NULL), ('GET', 'video', '/videos/' || :'video', NULL), ('GET', 'campaign', '/campaigns', NULL),
	('GET', 'campaign', '/campaigns/' || :'campaign', NULL), ('GET', 'campaign_item', '/campaigns/' || :'campaign' || '/items', NULL), ('GET', 'goal', '/goals', NULL), ('GET', 'goal', '/goals/' || :'goal', NULL),
	('POST', 'member', '/members', '{"user_id": "kid"}'), ('GET', 'member', '/members', NULL), ('POST', 'api_key', '/api-keys', '{"name": "x"}'), ('GET', 'api_key', '/api-keys', NULL)) v (method, entity, uri, body),
	pg_temp.ask('goat', method || ' ' || uri, body) a;
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(CASE jsonb_typeof(object) WHEN 'object' THEN object END) k), (SELECT array_agg(field ORDER BY field) FROM field f WHERE f.entity = a.entity AND NOT (f.field = 'key' AND NOT a.object ? 'key')), uri || ' has the fields of ' || entity) FROM answered a;
SELECT is_empty($$SELECT a.uri, o.key, o.value, f.described FROM answered a, jsonb_each(CASE jsonb_typeof(a.object) WHEN 'object' THEN a.object END) o JOIN field f ON f.field = o.key WHERE f.entity = a.entity
	AND NOT CASE jsonb_typeof(o.value) WHEN 'null' THEN f.described -> 'nullable' = 'true' WHEN 'number' THEN f.described ->> 'type' = 'number' OR f.described ->> 'type' = 'integer' AND o.value::numeric % 1 = 0 ELSE f.described ->> 'type' = jsonb_typeof(o.value) END$$,
	'of the types that they have there');
SELECT is_empty($$SELECT a.uri, o.key, o.value FROM answered a, jsonb_each(CASE jsonb_typeof(a.object) WHEN 'object' THEN a.object END) o JOIN field f ON f.field = o.key WHERE f.entity = a.entity AND f.described ? 'enum' AND o.value <> 'null' AND NOT f.described -> 'enum' @> o.value$$, 'and of the words that there are');

--
-- GET /openapi.json: for everybody, and no envelope
--
SELECT a.status, a.body AS document, a.headers ->> 'Content-Type' AS type FROM trackagoat_api.request('GET', '/api/v1/openapi.json') a \gset
SELECT is((:status, :'type', :'document'::jsonb ->> 'openapi', :'document'::jsonb #>> '{info,title}', :'document'::jsonb #>> '{info,version}')::text, (200, 'application/json; charset=utf-8', '3.1.0', 'trackagoat', (SELECT extversion FROM pg_extension WHERE extname = 'trackagoat'))::text, 'the document itself');
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'document'::jsonb) k), '{components,info,openapi,paths,security,servers}', 'with what OpenAPI has');
CREATE TEMP TABLE operation AS SELECT p.key AS path, o.key AS method, o.value AS described FROM jsonb_each(:'document'::jsonb -> 'paths') p, jsonb_each(p.value) o;
-- each value in it, and where
CREATE TEMP TABLE node AS WITH RECURSIVE n (path, value) AS (SELECT '{}'::text[], :'document'::jsonb
	UNION ALL SELECT n.path || c.key, c.value FROM n, LATERAL (SELECT o.key, o.value FROM jsonb_each(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value ELSE '{}' END) o
		UNION ALL SELECT (a.place - 1)::text, a.value FROM jsonb_array_elements(CASE jsonb_typeof(n.value) WHEN 'array' THEN n.value ELSE '[]' END) WITH ORDINALITY a (value, place)) c)
SELECT * FROM n;
SELECT cmp_ok(count(*)::integer, '>', 3000, 'there is much of it') FROM node;
SELECT bag_eq($$SELECT method, regexp_replace(path, '\{\w+\}', '{id}', 'g') FROM operation$$, 'SELECT lower(method), pattern FROM trackagoat.api_routes()', 'each route is there, once');
SELECT is_empty($$SELECT described ->> 'operationId' FROM operation GROUP BY 1 HAVING count(*) > 1 OR NOT bool_and(described ->> 'operationId' ~ '^[a-z_]+$')$$, 'each operation has a name of its own');
SELECT is_empty($$SELECT path, n FROM operation, regexp_matches(path, '\{(\w+)\}', 'g') m (names), unnest(names) n GROUP BY path, method, n HAVING count(*) > 1$$, 'no path has a parameter twice');
SELECT is(trackagoat.openapi_path('/projects/{id}/api-keys/{id}'), '/projects/{project_id}/api-keys/{api_key_id}', 'also where it has two ids');
SELECT is_empty($$SELECT path, method FROM operation WHERE ARRAY(SELECT m.names[1] FROM regexp_matches(path, '\{(\w+)\}', 'g') m (names) ORDER BY 1)
	<> ARRAY(SELECT p ->> 'name' FROM jsonb_array_elements(described -> 'parameters') p WHERE p ->> 'in' = 'path' AND p -> 'required' = 'true' ORDER BY 1)$$, 'those of the path are described, and no others');
SELECT is_empty($$SELECT path, method, p ->> 'name' FROM operation, jsonb_array_elements(described -> 'parameters') p WHERE NOT p ? '$ref' GROUP BY 1, 2, 3, p ->> 'in'
	HAVING count(*) > 1 OR NOT bool_and(p ->> 'name' <> '' AND p ->> 'in' IN ('path', 'query', 'header') AND p ? 'schema')$$, 'each parameter once, with its schema');
SELECT bag_eq($$SELECT path, method, p ->> 'name' AS name, p #>> '{schema,type}' AS type FROM operation, jsonb_array_elements(described -> 'parameters') p WHERE p ->> 'in' = 'query' AND jsonb_typeof(p #> '{schema,type}') = 'string'$$,
	$$SELECT trackagoat.openapi_path(pattern) AS path, lower(method) AS method, q.key AS name, q.value ->> 'type' AS type FROM trackagoat.api_routes(), jsonb_each(query -> 'properties') q WHERE NOT q.value ? 'nullable'$$, 'those of the query are as requests are checked by');
SELECT set_eq($$SELECT path, method FROM operation WHERE described ? 'requestBody'$$, $$SELECT trackagoat.openapi_path(pattern), lower(method) FROM trackagoat.api_routes() WHERE body -> 'properties' <> '{}'$$, 'a body where one is read');
SELECT is_empty($$SELECT path, method FROM operation WHERE NOT described -> 'responses' ?| '{200,201,202,410}' OR NOT described -> 'responses' ? '500'$$, 'each says what it answers');
SELECT is_empty($$SELECT path, method FROM operation WHERE (described -> 'security' = '[]') <> (path = '/openapi.json') OR (path <> '/openapi.json') <> (described -> 'responses' ?& '{401,403,429}')$$, 'all but the document ask who it is');
SELECT set_eq($$SELECT path FROM operation WHERE described -> 'deprecated' = 'true'$$, ARRAY['/creators/{creator_id}/stats', '/videos/{video_id}/stats', '/campaigns/{campaign_id}/stats'], 'what is gone is said to be');
SELECT is_empty($$SELECT path, value FROM node WHERE path[cardinality(path)] = '$ref' AND NOT (value #>> '{}' ~ '^#/components/(schemas|responses|parameters)/\w+$'
	AND EXISTS (SELECT FROM node d WHERE d.path = string_to_array(substr(node.value #>> '{}', 3), '/')))$$, 'whatever is referred to is there');
SELECT is_empty($$SELECT n.path FROM node n WHERE n.path[1] = 'components' AND n.path[2] IN ('schemas', 'responses', 'parameters') AND cardinality(n.path) = 3
	AND NOT EXISTS (SELECT FROM node r WHERE r.path[cardinality(r.path)] = '$ref' AND r.value #>> '{}' = '#/' || array_to_string(n.path, '/')) AND n.path[3] NOT IN ('organization', 'notification')$$, 'and what is there is referred to');
SELECT is_empty($$SELECT path FROM node WHERE path[cardinality(path)] = 'nullable' AND jsonb_typeof(value) = 'boolean'$$, 'null is a type, as in 3.1');
SELECT is_empty($$SELECT path, value FROM node WHERE path[cardinality(path)] = 'type' AND path[cardinality(path) - 1] <> 'properties' AND path[1] <> 'info' AND path[2] <> 'securitySchemes'
	AND NOT value <@ '["string", "integer", "number", "boolean", "object", "array", "null"]'$$, 'no type but those of JSON Schema');
SELECT is_empty($$SELECT n.path FROM node n WHERE n.value -> 'type' @> '"null"' AND n.value ? 'enum' AND NOT n.value -> 'enum' @> 'null'$$, 'where null is allowed it is among the words');
SELECT is_empty($$SELECT path, described -> 'responses' FROM operation WHERE (method = 'post') <> (described -> 'parameters' @> '[{"$ref": "#/components/parameters/idempotency_key"}]')$$, 'what makes something takes an Idempotency-Key');
SELECT is(described #> '{responses,200,content}' ? 'text/csv', true, 'analytics come as CSV, too') FROM operation WHERE path = '/analytics';

-- what was asked above was answered as it says
SELECT is_empty(format($$SELECT m, u, a -> 'status' FROM (VALUES ('POST', '/projects', '{"name": "P"}', '/projects'), ('POST', '/projects/%1$s/creators', '{"tiktok_handle": "kid"}', '/projects/{project_id}/creators'), ('POST', '/api-keys', '{"name": "y"}', '/api-keys'),
	('POST', '/members', '{"user_id": "nanny"}', '/members'), ('GET', '/projects', NULL, '/projects'), ('GET', '/creators/%2$s/stats', NULL, '/creators/{creator_id}/stats'), ('POST', '/creators/%2$s/scrape', NULL, '/creators/{creator_id}/scrape'),
	('DELETE', '/creators/%2$s', NULL, '/creators/{creator_id}'), ('POST', '/projects/%1$s/creators', '{"tiktok_handle": "goat.too"}', '/projects/{project_id}/creators'), ('POST', '/members', '{"user_id": "nanny"}', '/members')) v (m, u, b, p),
	pg_temp.ask('goat', m || ' ' || u, b) a, operation o WHERE o.path = p AND o.method = lower(m) AND NOT o.described -> 'responses' ? (a ->> 'status')$$, :'project', :'creator'), 'requests are answered with the statuses that it has');

-- what names a row, in the path or as a filter, may name one that is not there
SELECT set_eq($$SELECT path FROM operation WHERE method = 'get' AND described -> 'responses' ? '404' AND path NOT LIKE '%{%'$$,
	ARRAY['/creators', '/videos', '/inbox', '/campaigns', '/goals', '/analytics', '/analytics/aggregate/goal-compliance'], 'lists answer 404 for another organization''s project or creator');
SELECT is_empty($$SELECT path, method FROM operation WHERE path LIKE '%{%' AND (described -> 'responses' ? '404') = (described -> 'responses' ? '410')$$, 'and paths with an id do, but for those that are gone');

SELECT * FROM finish();
ROLLBACK;
