-- The v1 API: projects and creators.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir api.psql

INSERT INTO trackagoat.organization (name, timezone) VALUES ('Goats', 'Pacific/Kiritimati') RETURNING id AS org \gset
INSERT INTO trackagoat.organization (name) VALUES ('Sheep') RETURNING id AS stranger \gset
INSERT INTO caller VALUES ('goat', :'org', '{read,write}'), ('reader', :'org', '{read}'), ('writer', :'org', '{write}'), ('admin', :'org', '{admin}'), ('sheep', :'stranger', '{read,write}');

--
-- Projects
--
SELECT pg_temp.ask('goat', 'POST /projects', '{"name": "Summer", "description": "# Goats"}') AS made \gset
SELECT :'made'::jsonb #>> '{data,id}' AS project \gset
SELECT is(:'made'::jsonb ->> 'status', '201', 'a project is made');
SELECT is(:'made'::jsonb -> 'data', (SELECT to_jsonb(p) FROM (SELECT id, org_id, name, description, created_at, updated_at FROM trackagoat.project) p), 'as it is answered');
SELECT is((:'made'::jsonb #>> '{data,org_id}')::uuid, :'org'::uuid, 'in the key''s organization');
SELECT is(:'made'::jsonb #>> '{headers,Content-Type}', 'application/json; charset=utf-8', 'in JSON');
SELECT is(pg_temp.ask('goat', 'GET /projects/' || :'project') -> 'data', :'made'::jsonb -> 'data', 'and read again');
SELECT is(pg_temp.data('goat', 'GET /projects'), pg_temp.ask('goat', 'GET /projects') ->> 'data', 'a list of one');
SELECT is(pg_temp.ask('goat', 'GET /projects') -> 'data', jsonb_build_array(:'made'::jsonb -> 'data'), 'has the same object');
SELECT is(pg_temp.ask('goat', 'GET /projects') -> 'meta', '{"limit": 50, "nextCursor": null}', 'and says that there is no more');
SELECT is(pg_temp.data('goat', 'POST /projects', '{"name": "Winter"}', 'description'), NULL, 'a description may be left out');
SELECT is(pg_temp.data('goat', 'PATCH /projects/' || :'project', '{"name": "Autumn"}', 'name'), 'Autumn', 'a project gets another name');
SELECT is(pg_temp.data('goat', 'GET /projects/' || :'project', NULL, 'description'), '# Goats', 'and keeps its description');
SELECT is(pg_temp.data('goat', 'PATCH /projects/' || :'project', '{"description": null}', 'description'), NULL, 'until null clears it');
SELECT is(pg_temp.said('goat', 'PATCH /projects/' || :'project', '{"description": ' || to_jsonb(repeat('é', 65537))::text || '}'), '400 invalid_body description', 'a description has 65536 characters at most');
SELECT is(pg_temp.said('goat', 'POST /projects', format('{"name": "%s"}', name)), said, format('a name of %s characters: %s', char_length(name), said))
FROM (VALUES ('', '400 invalid_body name'), ('x', '201'), (repeat('ü', 200), '201'), (repeat('x', 201), '400 invalid_body name')) v (name, said);
INSERT INTO trackagoat.project (org_id, name) VALUES (:'stranger', 'Wool') RETURNING id AS wool \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Doomed') RETURNING id AS doomed \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'doomed', 'doomed');
SELECT is(pg_temp.ask('goat', 'DELETE /projects/' || :'doomed') -> 'data', jsonb_build_object('id', :'doomed', 'deleted', true), 'a project is deleted');
SELECT is((count(*), (SELECT count(*) FROM trackagoat.creator))::text, '(0,0)', 'and all that is in it') FROM trackagoat.project WHERE id = :'doomed';
SELECT is(pg_temp.said('goat', 'DELETE /projects/' || :'doomed'), '404 project_not_found', 'once');
SELECT is(pg_temp.data('sheep', 'GET /projects', NULL, '0', 'name'), 'Wool', 'another organization has its own');
SELECT is(jsonb_array_length(pg_temp.ask('sheep', 'GET /projects') -> 'data'), 1, 'and no more');

--
-- Adding creators
--
-- what is wanted of a creator that was just added
CREATE FUNCTION pg_temp.queued(handle text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(kind::text, ' ' ORDER BY kind::text) FROM trackagoat.scrape_job WHERE tiktok_handle OPERATOR(trackagoat.=) handle AND due_at <= now() $$;
SELECT pg_temp.ask('goat', 'POST /projects/' || :'project' || '/creators', '{"tiktok_handle": "@Billy.Goat"}', '{"Idempotency-Key": "4ab81ff2"}') AS made \gset
SELECT :'made'::jsonb #>> '{data,id}' AS billy \gset
SELECT is(:'made'::jsonb ->> 'status', '201', 'a creator is added');
SELECT is(:'made'::jsonb -> 'data', (SELECT jsonb_build_object('id', c.id, 'org_id', c.org_id, 'project_id', :'project', 'tiktok_handle', 'Billy.Goat', 'display_name', NULL, 'description', NULL, 'readme', NULL, 'metadata', '{}'::jsonb,
	'tracking_mode', 'auto', 'tracking_start_date', (now() AT TIME ZONE 'Pacific/Kiritimati')::date, 'avatar_url', NULL, 'bio', NULL, 'follower_count', NULL, 'following_count', NULL, 'total_likes_count', NULL, 'video_count', NULL,
	'last_scraped_at', NULL, 'is_active', true, 'disabled_at', NULL, 'disabled_reason', NULL, 'created_at', now(), 'updated_at', now()) FROM trackagoat.creator c), 'without the @, auto, from the organization''s today on');
SELECT is(pg_temp.queued('billy.goat'), 'creator_profile discover_videos', 'profile and videos are wanted at once');
SELECT is(pg_temp.ask('goat', 'GET /creators/' || :'billy') -> 'data', :'made'::jsonb -> 'data', 'it is read as it was answered');
SELECT pg_temp.ask('goat', 'POST /projects/' || :'project' || '/creators', '{"tiktok_handle": "nanny", "tracking_mode": "selective", "tracking_start_date": "2026-02-03"}') AS made \gset
SELECT :'made'::jsonb #>> '{data,id}' AS nanny \gset
SELECT is((:'made'::jsonb #>> '{data,tracking_mode}', :'made'::jsonb #>> '{data,tracking_start_date}')::text, '(selective,2026-02-03)', 'mode and start may be told');
SELECT is(pg_temp.said('goat', 'POST /projects/' || :'project' || '/creators', body), said, body || ': ' || said) FROM (VALUES
	('{"tiktok_handle": "billy.GOAT"}', '409 handle_taken'), ('{"tiktok_handle": "bad handle"}', '409 invalid_handle'), ('{"tiktok_handle": ""}', '409 invalid_handle'),
	('{"tiktok_handle": "' || repeat('x', 31) || '"}', '409 invalid_handle'), ('{"tiktok_handle": "' || repeat('x', 400) || '"}', '409 invalid_handle'),
	('{"tiktok_handle": "kid", "tracking_mode": "manual"}', '400 invalid_body tracking_mode'), ('{"tiktok_handle": "kid", "tracking_mode": null}', '400 invalid_body tracking_mode'),
	('{"tiktok_handle": "kid", "tracking_start_date": "2026-2-3"}', '400 invalid_body tracking_start_date'), ('{"tiktok_handle": "kid", "tracking_start_date": "2026-02-30"}', '400 invalid_body tracking_start_date'),
	('{"tiktok_handle": "kid", "tracking_start_date": "1969-12-31"}', '400 invalid_body'), ('{"tracking_mode": "auto"}', '400 invalid_body tiktok_handle'), ('{}', '400 invalid_body body'), ('', '400 invalid_body body'),
	('{"creators": []}', '400 invalid_body creators'), ('{"creators": [{}]}', '400 invalid_body creators[0].tiktok_handle'), ('{"creators": [{"tiktok_handle": "kid"}], "tiktok_handle": "kid"}', '400 invalid_body creators'),
	('{"creators": [{"tiktok_handle": "kid"}, {"tiktok_handle": "kid", "mode": 1}]}', '400 invalid_body creators[1].mode'), ('{"creators": ["kid"]}', '400 invalid_body creators[0]'),
	('{"tiktok_handle": "kid", "tiktok_handle": "nanny"}', '400 invalid_body tiktok_handle'), ('[]', '400 invalid_body'), ('"kid"', '400 invalid_body'), ('{"tiktok_handle": "kid"', '400 invalid_body'),
	('{"tiktok_handle": "k\u0000d"}', '400 invalid_body'), (format('{"creators": %s}', (SELECT jsonb_agg('{"tiktok_handle": "kid"}'::jsonb) FROM generate_series(1, 51))), '400 invalid_body creators')) v (body, said);
SELECT is(count(*), 2::bigint, 'what is refused adds nobody') FROM trackagoat.creator;
INSERT INTO trackagoat.banned_handle (tiktok_handle, reason) VALUES ('wolf', 'eats goats');
SELECT is(pg_temp.ask('goat', 'POST /projects/' || :'project' || '/creators', '{"tiktok_handle": "Wolf"}') -> 'meta', '{"code": "creator_banned", "message": "The handle Wolf is banned on this platform: eats goats.", "hint": "Ask the operators of the platform, who keep trackagoat.banned_handle."}', 'a banned one is refused, and why');
-- up to fifty, each with its result
SELECT pg_temp.ask('goat', 'POST /projects/' || :'project' || '/creators', '{"creators": [{"tiktok_handle": "@kid1", "tracking_mode": "selective"}, {"tiktok_handle": "BILLY.goat"}, {"tiktok_handle": "no way"}, {"tiktok_handle": "wolf"}, {"tiktok_handle": "https://www.tiktok.com/@kid2?lang=en"}, {"tiktok_handle": "KID1"}]}') AS made \gset
SELECT is(:'made'::jsonb ->> 'status', '201', 'several at once');
SELECT is(string_agg(concat_ws(' ', i ->> 'tiktok_handle', i ->> 'result', i ->> 'code', i #>> '{creator,tiktok_handle}', i #>> '{creator,tracking_mode}'), ', ' ORDER BY n),
	'@kid1 created kid1 selective, BILLY.goat already_there Billy.Goat auto, no way refused invalid_handle, wolf refused creator_banned, https://www.tiktok.com/@kid2?lang=en created kid2 auto, KID1 already_there kid1 selective', 'each has its result, in the order given')
FROM jsonb_array_elements(:'made'::jsonb -> 'data') WITH ORDINALITY d (i, n);
SELECT is(pg_temp.said('goat', 'POST /projects/' || :'project' || '/creators', '{"creators": [{"tiktok_handle": "kid1"}, {"tiktok_handle": "no way"}]}'), '200', '200 where none is new');
SELECT is(pg_temp.said('goat', 'POST /projects/' || :'doomed' || '/creators', '{"tiktok_handle": "kid"}'), '404 project_not_found', 'a project that is gone');
SELECT pg_temp.ask('goat', 'POST /projects/' || :'project' || '/creators', format('{"creators": %s}', (SELECT jsonb_agg(jsonb_build_object('tiktok_handle', 'herd' || n)) FROM generate_series(1, 50) n))) AS made \gset
SELECT is((:'made'::jsonb ->> 'status', jsonb_array_length(:'made'::jsonb -> 'data'), (SELECT count(*) FROM jsonb_array_elements(:'made'::jsonb -> 'data') i WHERE i ->> 'result' = 'created'))::text, '(201,50,50)', 'fifty at once');

--
-- Lists
--
SELECT is(pg_temp.ask('goat', 'GET /creators?search=' || part || '&limit=100') #>> '{data}' IS NOT NULL AND
	ARRAY(SELECT i ->> 'tiktok_handle' FROM jsonb_array_elements(pg_temp.ask('goat', 'GET /creators?search=' || part || '&limit=100') -> 'data') i ORDER BY 1) = handles, true, format('search=%s finds %s', part, handles))
FROM (VALUES ('goat', '{Billy.Goat}'::text[]), ('%40bILLY', '{Billy.Goat}'), ('KID', '{kid1,kid2}'), ('herd5', '{herd5,herd50}'), ('nobody', '{}'), ('_', '{}'), ('%25', '{}'), ('y.g', '{Billy.Goat}'), ('%5C', '{}')) v (part, handles);
SELECT is(jsonb_array_length(pg_temp.ask('goat', 'GET /creators') -> 'data'), 50, 'a page has fifty');
SELECT is(jsonb_array_length(pg_temp.ask('goat', 'GET /creators?limit=100') -> 'data'), 54, 'up to a hundred');
SELECT is(pg_temp.said('goat', 'GET /creators?' || query), said, query || ': ' || said) FROM (VALUES
	('limit=0', '400 invalid_query limit'), ('limit=101', '400 invalid_query limit'), ('limit=x', '400 invalid_query limit'), ('limit=', '400 invalid_query limit'), ('limit=1.5', '400 invalid_query limit'), ('limit=-1', '400 invalid_query limit'),
	('limit=99999999999999999999', '400 invalid_query limit'), ('limit=1&limit=2', '400 invalid_query limit'), ('cursor=x', '400 invalid_query cursor'), ('cursor=', '400 invalid_query cursor'), ('cursor=AAAAAAAAAAAAAAAAAAAAAB', '400 invalid_query cursor'),
	('cursor=AAAAAAAAAAAAAAAAAAAAAA', '200'), ('cursor=' || repeat('A', 200), '400 invalid_query cursor'), ('project_id=x', '400 invalid_query project_id'), ('project_id=', '400 invalid_query project_id'), ('search=' || repeat('x', 101), '400 invalid_query search'),
	('search=%FF', '400 invalid_query %FF'), ('offset=1', '400 invalid_query offset'), ('PROJECT_ID=x', '400 invalid_query PROJECT_ID'), ('project_id=' || gen_random_uuid(), '404 project_not_found'), ('project_id=' || :'wool', '404 project_not_found'),
	('project_id=' || upper(:'project'), '200'), ('', '200'), ('&&limit=1&', '200')) v (query, said);
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Second') RETURNING id AS second \gset
SELECT pg_temp.data('goat', 'POST /projects/' || :'second' || '/creators', '{"tiktok_handle": "billy.goat"}', 'id') AS twin \gset
SELECT is((SELECT array_agg(i ->> 'id') FROM jsonb_array_elements(pg_temp.ask('goat', 'GET /creators?project_id=' || :'second') -> 'data') i), ARRAY[:'twin'], 'of one project; the same account may be in several');
SELECT is(jsonb_array_length(pg_temp.ask('sheep', 'GET /creators') -> 'data'), 0, 'another organization sees none of them');
SELECT is(jsonb_array_length(pg_temp.ask('sheep', 'GET /creators?search=goat') -> 'data'), 0, 'nor finds any');
-- to the end, while others are added
CREATE TEMP TABLE before AS SELECT id FROM trackagoat.creator WHERE project_id = :'project' ORDER BY id DESC LIMIT 54;
CREATE SEQUENCE pg_temp.newcomer;
SELECT is(pg_temp.pages('goat', '/creators?project_id=' || :'project', size, format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'new' || nextval('pg_temp.newcomer'))$$, :'project')),
	(SELECT array_agg(id ORDER BY id DESC) FROM before), format('by %s, each that was there once, newest first', size)) FROM (VALUES (3)) v (size);
DELETE FROM trackagoat.creator WHERE tiktok_handle::text LIKE 'new%' OR tiktok_handle::text LIKE 'herd%';
SELECT is(pg_temp.pages('goat', '/creators', size), (SELECT array_agg(id ORDER BY id DESC) FROM trackagoat.creator WHERE org_id = :'org'), format('all by %s', size)) FROM generate_series(1, 6) size;
SELECT is(pg_temp.pages('goat', '/creators', 1, format($$INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, 'new' || nextval('pg_temp.newcomer'))$$, :'second')), (SELECT array_agg(id ORDER BY id DESC) FROM trackagoat.creator WHERE org_id = :'org' AND tiktok_handle::text NOT LIKE 'new%'), 'one by one, while as many come');
SELECT is(pg_temp.pages('goat', '/projects', size, format($$INSERT INTO trackagoat.project (org_id, name) VALUES (%L, 'New')$$, :'org')), was, format('projects by %s, while others come', size))
FROM generate_series(1, 3) size, pg_temp.ids(format('SELECT id FROM trackagoat.project WHERE org_id = %L', :'org'), size) was;
SELECT is(pg_temp.pages('goat', '/creators', 2, format($$UPDATE trackagoat.creator SET removed_at = now() WHERE id = %L AND removed_at IS NULL$$, :'twin')), (SELECT array_agg(id ORDER BY id DESC) FROM trackagoat.creator WHERE org_id = :'org' AND id <> :'twin'), 'one that is removed meanwhile is left out');

--
-- Changing
--
UPDATE trackagoat.creator SET display_name = 'Billy', bio = 'A goat', avatar_url = 'https://example.com/a', follower_count = 7, tiktok_account_id = 42 WHERE id = :'billy';
SELECT is(pg_temp.said('goat', 'PATCH /creators/' || :'billy', '{"readme": "# Notes"}'), '200', 'notes');
SELECT is((a #>> '{data,readme}', a #>> '{data,description}')::text, '("# Notes","# Notes")', 'are read by both names') FROM pg_temp.ask('goat', 'GET /creators/' || :'billy') a;
SELECT is((a ->> 'status', a #> '{data,readme}', a #> '{data,description}')::text, '(200,null,null)', 'null clears them') FROM pg_temp.ask('goat', 'PATCH /creators/' || :'billy', '{"readme": null}') a;
SELECT is(pg_temp.data('goat', 'PATCH /creators/' || :'billy', '{"metadata": {"a": [1]}, "tracking_mode": "selective", "tracking_start_date": "2026-01-02", "display_name_override": "B."}', VARIADIC ARRAY[f]), v, f || ' is changed')
FROM (VALUES ('metadata', '{"a": [1]}'), ('tracking_mode', 'selective'), ('tracking_start_date', '2026-01-02'), ('display_name', 'B.')) x (f, v);
SELECT is(pg_temp.data('goat', 'PATCH /creators/' || :'billy', '{"display_name_override": null}', 'display_name'), 'Billy', 'without an override the profile''s name shows');
SELECT is(pg_temp.data('goat', 'PATCH /creators/' || :'billy', '{"metadata": {}}', 'metadata'), '{}', 'metadata is replaced');
SELECT is(pg_temp.said('goat', 'PATCH /creators/' || :'billy', b), w, 'a field twice: ' || b) FROM (VALUES
	('{"readme": "a", "readme": "b"}', '400 invalid_body readme'), ('{"readme": "a", "\u0072eadme": "a"}', '400 invalid_body readme'),
	('{"metadata": {"a": 1, "a": 1}}', '400 invalid_body metadata'), ('{"readme": "a", "metadata": {"b": [{"c": {"d": 1, "d":2}}]}}', '400 invalid_body metadata'),
	('{"metadata": {"a": {"a": "a"}, "b": [{"a": 1}, {"a" : 2}], "c": "\"a\": 1, \"a\": 1, {\"\":", "\\": ":", "": ""}, "readme": "\"readme\": "}', '200'),
	('{"metadata": {"a": {"a": "a"}, "b": [{"a": 1}, {"a" : 2}], "c": "\"a\": 1, \"a\": 1, {\"\":", "\\": ":", "": "", "":""}}', '400 invalid_body metadata')) t (b, w);
SELECT is(pg_temp.said('goat', 'PATCH /creators/' || :'billy', '{"metadata": {}, "readme": null}'), '200', 'and nothing again');
SELECT is(pg_temp.said('goat', 'PATCH /creators/' || :'billy', body), said, left(body, 60) || ': ' || said) FROM (VALUES
	('{}', '400 invalid_body body'), ('', '400 invalid_body body'), ('{"description": "x"}', '400 invalid_body description'), ('{"metadata": null}', '400 invalid_body metadata'), ('{"metadata": {"a": "' || repeat('x', 65536) || '"}}', '400 invalid_body metadata'),
	('{"readme": "' || repeat('x', 65537) || '"}', '400 invalid_body readme'), ('{"readme": "' || repeat('ü', 32769) || '"}', '400 invalid_body'), ('{"display_name_override": ""}', '400 invalid_body display_name_override'), ('{"id": "x"}', '400 invalid_body id')) v (body, said);
-- the four conflicts of a rename
SELECT is(pg_temp.said('goat', 'PATCH /creators/' || :'billy', body), said, body || ': ' || said) FROM (VALUES
	('{"tiktok_handle": "@NANNY"}', '409 handle_taken'), ('{"tiktok_handle": "wolf"}', '409 creator_banned'), ('{"tiktok_handle": "bad handle"}', '409 invalid_handle'), ('{"tiktok_handle": ""}', '409 invalid_handle'),
	('{"tiktok_handle": "' || repeat('x', 31) || '"}', '409 invalid_handle'), ('{"tiktok_handle": "ümlaut"}', '409 invalid_handle'), ('{"tiktok_handle": "@Billy.Goat"}', '409 no_change'), ('{"tiktok_handle": "Billy.Goat", "readme": "lost"}', '409 no_change')) v (body, said);
SELECT is((a #>> '{data,tiktok_handle}', a #>> '{data,readme}', a #>> '{data,follower_count}')::text, '(Billy.Goat,,7)', 'and nothing has changed') FROM pg_temp.ask('goat', 'GET /creators/' || :'billy') a;
DELETE FROM trackagoat.scrape_job;
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'billy', 101, 'auto_tracked');
SELECT pg_temp.ask('goat', 'PATCH /creators/' || :'billy', '{"tiktok_handle": "@gruff", "readme": "stays"}') AS renamed \gset
SELECT is((d ->> 'tiktok_handle', d ->> 'readme', d ->> 'display_name', d ->> 'bio', d ->> 'avatar_url', d ->> 'follower_count')::text, '(gruff,stays,,,,)', 'a rename clears the profile, and keeps the notes') FROM jsonb_path_query(:'renamed'::jsonb, '$.data') d;
SELECT is(:'renamed'::jsonb ->> 'status', '200', 'and is answered 200');
SELECT is(pg_temp.queued('gruff'), 'creator_profile discover_videos', 'the next scrape is queued at once');
SELECT is(jsonb_array_length(pg_temp.ask('goat', 'GET /videos?creator_id=' || :'billy') -> 'data'), 1, 'its videos stay');
SELECT is(pg_temp.said('goat', 'PATCH /creators/' || :'billy', '{"tiktok_handle": "GRUFF"}'), '200', 'other case is a change');
SELECT is((SELECT string_agg(concat_ws(' ', i ->> 'kind', i #>> '{detail,from}', i #>> '{detail,to}'), ', ' ORDER BY i ->> 'id') FROM jsonb_array_elements(pg_temp.ask('goat', 'GET /creators/' || :'billy' || '/events') -> 'data') i),
	'added, mode_changed auto selective, renamed Billy.Goat gruff', 'the change log tells of it');
SELECT is(pg_temp.pages('goat', '/creators/' || :'billy' || '/events', size, format($$UPDATE trackagoat.creator SET tracking_mode = CASE tracking_mode WHEN 'auto' THEN 'selective' ELSE 'auto' END::trackagoat.tracking_mode WHERE id = %L$$, :'billy')), was, format('by %s, while it goes on', size))
FROM generate_series(1, 3) size, pg_temp.ids(format('SELECT id FROM trackagoat.creator_event WHERE creator_id = %L', :'billy'), size) was;
UPDATE trackagoat.scrape_job SET due_at = NULL, next_at = '2099-01-01Z' WHERE kind = 'creator_profile' AND tiktok_handle OPERATOR(trackagoat.=) 'gruff';
SELECT is(pg_temp.ask('goat', 'POST /creators/' || :'billy' || '/scrape') - 'headers' - 'meta', jsonb_build_object('status', 202, 'error', NULL,
	'data', jsonb_build_object('result', 'queued', 'creator_id', :'billy')), 'it is fetched when asked for; the shared job is not named');
SELECT is((SELECT (due_at = now(), priority) FROM trackagoat.scrape_job WHERE kind = 'creator_profile' AND tiktok_handle OPERATOR(trackagoat.=) 'gruff')::text, '(t,2)', 'and queued ahead');

--
-- Removing, disabling, and back
--
UPDATE trackagoat.creator SET disabled_at = now(), disabled_reason = 'people' WHERE id = :'nanny';
SELECT is((a #> '{data,is_active}', a #>> '{data,disabled_reason}')::text, '(false,people)', 'a disabled one says so') FROM pg_temp.ask('goat', 'GET /creators/' || :'nanny') a;
SELECT is(pg_temp.said('goat', 'POST /creators/' || :'nanny' || '/scrape'), '409 creator_not_fetched', 'and is not fetched');
SELECT is(pg_temp.ask('goat', 'POST /projects/' || :'project' || '/creators/bulk-reenable', jsonb_build_object('creator_ids', ARRAY[:'nanny', :'billy'])::text) -> 'data' -> 0, jsonb_build_object('creator_id', :'nanny', 'result', 'reenabled', 'code', NULL), 'until it is enabled with others');
SELECT is(pg_temp.data('goat', 'GET /creators/' || :'nanny', NULL, 'is_active'), 'true', 'as it says');
SELECT is(pg_temp.ask('goat', 'DELETE /creators/' || :'nanny') -> 'data', jsonb_build_object('id', :'nanny', 'removed', true), 'one is removed');
SELECT is(pg_temp.said('goat', request), '404 creator_not_found', request || ' of one that was removed') FROM unnest(ARRAY['GET /creators/' || :'nanny', 'DELETE /creators/' || :'nanny', 'POST /creators/' || :'nanny' || '/scrape']) request;
SELECT is(pg_temp.said('goat', 'PATCH /creators/' || :'nanny', '{"readme": "x"}'), '404 creator_not_found', 'nor is it changed');
SELECT ok(NOT pg_temp.ask('goat', 'GET /creators?limit=100') -> 'data' @> jsonb_build_array(jsonb_build_object('id', :'nanny')), 'nor listed');
SELECT pg_temp.ask('goat', 'POST /projects/' || :'project' || '/creators', '{"tiktok_handle": "@Nanny"}') AS back \gset
SELECT is((:'back'::jsonb ->> 'status', :'back'::jsonb #>> '{data,id}', :'back'::jsonb #>> '{data,tracking_mode}')::text, format('(200,%s,selective)', :'nanny'), 'adding its handle brings it back as it was: 200, not 201');
SELECT is(pg_temp.queued('nanny'), 'creator_profile discover_videos', 'and has it fetched');
SELECT pg_temp.ask('goat', 'POST /projects/' || :'project' || '/creators/bulk-remove', jsonb_build_object('creator_ids', ARRAY[:'nanny', :'billy', :'nanny'])::text) AS gone \gset
SELECT is((:'gone'::jsonb ->> 'status', (SELECT string_agg(i ->> 'result', ' ') FROM jsonb_array_elements(:'gone'::jsonb -> 'data') i))::text, '(200,"removed removed removed")', 'several are removed, a result each');
SELECT is(pg_temp.data('goat', 'POST /projects/' || :'project' || '/creators/bulk-remove', jsonb_build_object('creator_ids', ARRAY[:'nanny'])::text, '0', 'result'), 'already_removed', 'once');
SELECT is(pg_temp.said('goat', 'POST /projects/' || :'project' || '/creators', '{"creators": [{"tiktok_handle": "nanny"}, {"tiktok_handle": "gruff"}]}'), '200', 'several come back');
SELECT is(pg_temp.said('goat', 'POST /projects/' || p || '/creators/' || verb, jsonb_build_object('creator_ids', ARRAY[:'nanny', c])::text), said, format('%s: %s', verb, said))
FROM unnest(ARRAY['bulk-remove', 'bulk-reenable']) verb, (VALUES (:'second', :'billy', '404 creator_not_found'), (:'project', :'twin', '404 creator_not_found'), (:'project', gen_random_uuid()::text, '404 creator_not_found'), (:'wool', :'billy', '404 project_not_found'),
	(:'project', 'x', '400 invalid_body creator_ids[1]'), (:'project', NULL, '400 invalid_body creator_ids[1]')) v (p, c, said);
SELECT is(pg_temp.said('goat', 'GET /creators/' || :'nanny'), '200', 'what names a stranger removes nobody');

--
-- Limits
--
INSERT INTO trackagoat.plan VALUES ('pen', 'max_creators_per_org', 2), ('pen', 'max_projects_per_org', 1), ('pen', 'max_manual_scrape_triggers_per_day', 1);
INSERT INTO trackagoat.organization (name, plan) VALUES ('Pen', 'pen') RETURNING id AS pen \gset
INSERT INTO caller VALUES ('pen', :'pen', '{read,write}');
SELECT pg_temp.data('pen', 'POST /projects', '{"name": "Pen"}', 'id') AS fold \gset
SELECT is((a ->> 'status', (a -> 'meta') - '{message,hint}'::text[])::text, (402, '{"code": "limit_reached", "limitKey": "max_projects_per_org", "current": 1, "max": 1, "message": ""}'::jsonb - 'message')::text, 'a project too many') FROM pg_temp.ask('pen', 'POST /projects', '{"name": "Second"}') a;
SELECT pg_temp.data('pen', 'POST /projects/' || :'fold' || '/creators', '{"tiktok_handle": "a"}', 'id') AS a \gset
SELECT is((SELECT string_agg(concat_ws(' ', i ->> 'result', i ->> 'code'), ', ') FROM jsonb_array_elements(pg_temp.ask('pen', 'POST /projects/' || :'fold' || '/creators', '{"creators": [{"tiktok_handle": "b"}, {"tiktok_handle": "c"}]}') -> 'data') i), 'created, refused limit_reached', 'of many those are refused that are too many');
SELECT is((a ->> 'status', (a -> 'meta') - '{message,hint}'::text[])::text, (402, '{"code": "limit_reached", "limitKey": "max_creators_per_org", "current": 2, "max": 2}'::jsonb)::text, 'a creator too many') FROM pg_temp.ask('pen', 'POST /projects/' || :'fold' || '/creators', '{"tiktok_handle": "c"}') a;
SELECT is(pg_temp.said('pen', 'DELETE /creators/' || :'a'), '200', 'one that is removed makes room');
SELECT is(pg_temp.said('pen', 'POST /projects/' || :'fold' || '/creators', '{"tiktok_handle": "c"}'), '201', 'for another');
SELECT is((a ->> 'status', (a -> 'meta') - '{message,hint}'::text[])::text, (402, '{"code": "limit_reached", "limitKey": "max_creators_per_org", "current": 2, "max": 2}'::jsonb)::text, 'and does not come back past the limit') FROM pg_temp.ask('pen', 'POST /projects/' || :'fold' || '/creators', '{"tiktok_handle": "A"}') a;
SELECT is((SELECT count(*) FROM trackagoat.creator WHERE org_id = :'pen' AND removed_at IS NULL), 2::bigint, 'there are two');
SELECT id AS c FROM trackagoat.creator WHERE org_id = :'pen' AND removed_at IS NULL LIMIT 1 \gset
SELECT is(pg_temp.said('pen', 'POST /creators/' || :'c' || '/scrape'), said, 'asked for by hand: ' || said) FROM (VALUES ('202'), ('429 rate_limit_exceeded')) v (said);
SELECT is((a #>> '{meta,limitKey}', a #>> '{meta,max}')::text, '(max_manual_scrape_triggers_per_day,1)', 'which says of what') FROM pg_temp.ask('pen', 'POST /creators/' || :'c' || '/scrape') a;

--
-- Idempotency-Key
--
SELECT trackagoat.create_api_key(:'org', 'once') AS once \gset
CREATE FUNCTION pg_temp.again(key text, request text, body text, idempotency_key text) RETURNS jsonb LANGUAGE sql AS
$$ SELECT pg_temp.ask('goat', request, body, jsonb_build_object('X-Api-Key', key, 'Idempotency-Key', idempotency_key)) $$;
SELECT pg_temp.again(:'once', 'POST /projects/' || :'second' || '/creators', '{"tiktok_handle": "once"}', 'k1') AS first \gset
SELECT is(:'first'::jsonb ->> 'status', '201', 'a request with an Idempotency-Key');
SELECT pg_temp.again(:'once', 'POST /projects/' || :'second' || '/creators', '{"tiktok_handle": "once"}', 'k1') AS again \gset
SELECT is(:'again'::jsonb - 'headers', :'first'::jsonb - 'headers', 'is answered the same again');
SELECT is(:'again'::jsonb #>> '{headers,Idempotent-Replayed}', 'true', 'and says so');
SELECT is(pg_temp.again(:'once', 'POST /projects/' || p || '/creators', format('{"tiktok_handle": "%s"}', h), k) #>> '{meta,code}', code, 'otherwise: ' || coalesce(code, 'done'))
FROM (VALUES (:'second', 'other', 'k1', 'idempotency_key_reused'), (:'project', 'once', 'k1', 'idempotency_key_reused'), (:'second', 'once', 'k2', 'handle_taken'), (:'second', 'other', 'k2', NULL), (:'second', 'x', '', 'invalid_query'), (:'second', 'x', repeat('k', 256), 'invalid_query')) v (p, h, k, code);
SELECT is(pg_temp.again(:'once', 'POST /projects', '{"name": "x"}', 'k1') ->> 'status', '409', 'another route is a conflict');
UPDATE trackagoat.api_replay SET created_at = created_at - interval '24 hours 1 second' WHERE idempotency_key = 'k1';
SELECT is(pg_temp.again(:'once', 'POST /projects', '{"name": "x"}', 'k1') ->> 'status', '201', 'for a day');
SELECT is(pg_temp.said('goat', 'POST /projects', '{"name": "x"}', '{"Idempotency-Key": "k1"}'), '201', 'another key has its own');

--
-- Every endpoint: bodies, ids, scopes, methods
--
INSERT INTO sample VALUES
	('GET /projects', NULL, NULL), ('POST /projects', NULL, '{"name": "x"}'), ('GET /projects/{id}', 'project', NULL), ('PATCH /projects/{id}', 'project', '{"name": "x"}'), ('DELETE /projects/{id}', 'project', NULL),
	('GET /creators', NULL, NULL), ('POST /projects/{id}/creators', 'project', '{"tiktok_handle": "x"}'), ('GET /creators/{id}', 'creator', NULL), ('PATCH /creators/{id}', 'creator', '{"readme": "x"}'), ('DELETE /creators/{id}', 'creator', NULL),
	('POST /creators/{id}/scrape', 'creator', NULL), ('GET /creators/{id}/events', 'creator', NULL),
	('POST /projects/{id}/creators/bulk-reenable', 'project', '{"creator_ids": ["00000000-0000-0000-0000-000000000000"]}'), ('POST /projects/{id}/creators/bulk-remove', 'project', '{"creator_ids": ["00000000-0000-0000-0000-000000000000"]}');
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'wool', 'ewe') RETURNING id AS ewe \gset
\ir api_endpoint.psql
SELECT is((SELECT count(*) FROM trackagoat.project WHERE id = :'wool') + (SELECT count(*) FROM trackagoat.creator WHERE id = :'ewe' AND removed_at IS NULL AND readme IS NULL), 2::bigint, 'what is another organization''s is as it was');
SELECT is(count(*), 0::bigint, 'the numbers agree') FROM trackagoat.verify();

SELECT * FROM finish();
ROLLBACK;
