-- The v1 API: videos and the inbox.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir api.psql

INSERT INTO trackagoat.organization (name) VALUES ('Goats') RETURNING id AS org \gset
INSERT INTO trackagoat.organization (name) VALUES ('Sheep') RETURNING id AS stranger \gset
INSERT INTO caller VALUES ('goat', :'org', '{read,write}'), ('reader', :'org', '{read}'), ('writer', :'org', '{write}'), ('admin', :'org', '{admin}'), ('sheep', :'stranger', '{read,write}');
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Q') RETURNING id AS other \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'stranger', 'Wool') RETURNING id AS wool \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'goat') RETURNING id AS goat \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'wool', 'ewe') RETURNING id AS ewe \gset
INSERT INTO trackagoat.video (project_id, creator_id, tiktok_video_id) VALUES (:'wool', :'ewe', 7526770564367748360) RETURNING id AS woolly \gset
-- TikTok's ids of what a list shows, in its order
CREATE FUNCTION pg_temp.shown(who text, list text) RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(string_agg(i ->> 'tiktok_video_id', ' ' ORDER BY n), '') FROM pg_temp.ask(who, 'GET ' || list) a, jsonb_array_elements(a -> 'data') WITH ORDINALITY d (i, n) $$;

--
-- Adding by URL
--
SELECT pg_temp.ask('goat', 'POST /projects/' || :'project' || '/videos', '{"url": "https://www.tiktok.com/@Goat/video/7526770564367748360?lang=en"}', '{"Idempotency-Key": "4ab81ff2"}') AS made \gset
SELECT :'made'::jsonb #>> '{data,id}' AS video \gset
SELECT is(:'made'::jsonb ->> 'status', '201', 'a video is added');
SELECT is(:'made'::jsonb -> 'data', jsonb_build_object('id', :'video', 'org_id', :'org', 'project_id', :'project', 'creator_id', :'goat', 'tiktok_video_id', '7526770564367748360', 'tiktok_handle', 'Goat',
	'url', 'https://www.tiktok.com/@Goat/video/7526770564367748360', 'title', NULL, 'kind', 'video', 'posted_at', trackagoat.video_id_time(7526770564367748360), 'duration', NULL, 'thumbnail_url', NULL, 'hashtags', NULL,
	'view_count', NULL, 'like_count', NULL, 'comment_count', NULL, 'share_count', NULL, 'save_count', NULL, 'tracking_status', 'direct_add', 'description', NULL, 'readme', NULL, 'metadata', '{}'::jsonb,
	'tracking_disabled_at', NULL, 'refresh_stopped_at', NULL, 'last_observed_at', NULL, 'created_at', now(), 'updated_at', now()), 'as its creator''s, its counters unknown');
SELECT is(pg_temp.ask('goat', 'GET /videos/' || :'video') -> 'data', :'made'::jsonb -> 'data', 'it is read as it was answered');
SELECT is(pg_temp.ask('goat', 'GET /videos') -> 'data', jsonb_build_array(:'made'::jsonb -> 'data'), 'and listed');
SELECT is((SELECT due_at FROM trackagoat.scrape_job WHERE tiktok_video_id = 7526770564367748360), now(), 'it is wanted at once');
SELECT is((a ->> 'status', a #>> '{meta,code}', a #>> '{meta,video_id}')::text, format('(409,video_exists,%s)', :'video'), 'in a project once; the refusal names it') FROM pg_temp.ask('goat', 'POST /projects/' || :'project' || '/videos', '{"url": "tiktok.com/embed/7526770564367748360"}') a;
SELECT is(pg_temp.data('goat', 'POST /projects/' || :'other' || '/videos', '{"url": "https://www.tiktok.com/@goat/photo/7526770564367748360"}', VARIADIC ARRAY[f]), v, f || ' of the same in another project')
FROM (VALUES ('url', 'https://www.tiktok.com/@goat/photo/7526770564367748360')) x (f, v);
SELECT id AS twin FROM trackagoat.video WHERE project_id = :'other' \gset
SELECT is((d ->> 'kind', d ->> 'creator_id', d ->> 'project_id')::text, format('(photo,,%s)', :'other'), 'is a photo of nobody''s there') FROM pg_temp.ask('goat', 'GET /videos/' || :'twin') a, jsonb_path_query(a, '$.data') d;
SELECT is((a ->> 'status', a -> 'data')::text, (202, '{"result": "queued", "url": "https://vm.tiktok.com/ZMabc/"}'::jsonb)::text, 'a short link is queued') FROM pg_temp.ask('goat', 'POST /projects/' || :'project' || '/videos', '{"url": "https://vm.tiktok.com/ZMabc/"}') a;
SELECT is((SELECT array_agg(link) FROM trackagoat.video_link WHERE project_id = :'project' AND org_id = :'org'), ARRAY['vm.tiktok.com/ZMabc'], 'for the worker to follow');
SELECT is(pg_temp.said('goat', 'POST /projects/' || :'project' || '/videos', body), said, left(body, 60) || ': ' || said) FROM (VALUES
	('{"url": "nonsense"}', '400 invalid_video_url'), ('{"url": "https://www.tiktok.com/@goat"}', '400 invalid_video_url'), ('{"url": "https://example.com/@goat/video/1"}', '400 invalid_video_url'), ('{"url": "https://www.tiktok.com/@goat/video/0"}', '400 invalid_video_url'),
	('{"url": "vm.tiktok.com/' || repeat('x', 41) || '"}', '400 invalid_video_url'), ('{"url": ""}', '400 invalid_body url'), ('{"url": "' || repeat('x', 2001) || '"}', '400 invalid_body url'), ('{}', '400 invalid_body url'), ('', '400 invalid_body url'),
	('{"url": "https://www.tiktok.com/embed/1", "tracking_status": "included"}', '400 invalid_body tracking_status'), ('["x"]', '400 invalid_body'), ('{"url": ', '400 invalid_body')) v (body, said);
SELECT is((SELECT count(*) FROM trackagoat.video WHERE org_id = :'org'), 2::bigint, 'what is refused adds none');
-- what a page then tells
UPDATE trackagoat.video SET title = 'Jump', posted_at = '2026-01-02 03:04:05Z', duration = 15, thumbnail_url = 'https://example.com/t', hashtags = '{goat,jump}' WHERE id = :'video';
SELECT trackagoat.observe_video(:'video', now(), 100, 20, 3, 4, 5) AS observed \gset
SELECT is(d - '{id,org_id,project_id,creator_id,tiktok_video_id,tiktok_handle,url,description,readme,metadata,tracking_status,tracking_disabled_at,refresh_stopped_at,created_at,updated_at,last_observed_at,posted_at}'::text[],
	'{"title": "Jump", "kind": "video", "duration": 15, "thumbnail_url": "https://example.com/t", "hashtags": ["goat", "jump"], "view_count": 100, "like_count": 20, "comment_count": 3, "share_count": 4, "save_count": 5}', 'numbers are the newest')
FROM pg_temp.ask('goat', 'GET /videos/' || :'video') a, jsonb_path_query(a, '$.data') d;
SELECT is(((d ->> 'posted_at')::timestamptz, (d ->> 'last_observed_at')::timestamptz)::text, ('2026-01-02 03:04:05Z'::timestamptz, now())::text, 'with their time') FROM pg_temp.ask('goat', 'GET /videos/' || :'video') a, jsonb_path_query(a, '$.data') d;
SELECT ok(d ->> 'posted_at' ~ '^2026-01-0[12]T[0-9:]{8}[+-][0-9:]{5}$', 'in ISO 8601') FROM pg_temp.ask('goat', 'GET /videos/' || :'video') a, jsonb_path_query(a, '$.data') d;

--
-- Lists: what is excluded is never in one
--
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'kid') RETURNING id AS kid \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status)
SELECT :'kid', 100 + n, s FROM unnest(enum_range(NULL::trackagoat.tracking_status)) WITH ORDINALITY s (s, n) ORDER BY n;
SELECT is(enum_range(NULL::trackagoat.tracking_status)::text, '{auto_tracked,pending_review,included,excluded,direct_add}', '101 to 105 are of these statuses');
SELECT is(pg_temp.shown('goat', list), videos, list) FROM (VALUES
	('/videos', '105 103 102 101 7526770564367748360 7526770564367748360'), ('/videos?project_id=' || :'project', '105 103 102 101 7526770564367748360'), ('/videos?project_id=' || :'other', '7526770564367748360'),
	('/videos?creator_id=' || :'kid', '105 103 102 101'), ('/videos?creator_id=' || :'goat', '7526770564367748360'), ('/videos?creator_id=' || :'kid' || '&project_id=' || :'other', ''), ('/videos?creator_id=' || :'kid' || '&project_id=' || :'project', '105 103 102 101'),
	('/videos?tracking_status=included', '103'), ('/videos?tracking_status=auto_tracked', '101'), ('/videos?tracking_status=pending_review', '102'), ('/videos?tracking_status=direct_add&creator_id=' || :'kid', '105'),
	('/inbox', '102'), ('/inbox?project_id=' || :'project', '102'), ('/inbox?project_id=' || :'other', ''), ('/inbox?creator_id=' || :'kid', '102'), ('/inbox?creator_id=' || :'goat', '')) v (list, videos);
SELECT is(pg_temp.shown('sheep', list), videos, list || ' of another organization') FROM (VALUES ('/videos', '7526770564367748360'), ('/inbox', '')) v (list, videos);
SELECT is(pg_temp.data('sheep', 'GET /videos', NULL, '0', 'id'), :'woolly', 'are its own');
SELECT is(pg_temp.said('goat', 'GET /' || list || '?' || query), said, format('%s?%s: %s', list, query, said)) FROM unnest(ARRAY['videos', 'inbox']) list, (VALUES
	('limit=0', '400 invalid_query limit'), ('limit=101', '400 invalid_query limit'), ('limit=ten', '400 invalid_query limit'), ('cursor=nonsense', '400 invalid_query cursor'), ('cursor=' || :'video', '400 invalid_query cursor'),
	('project_id=1', '400 invalid_query project_id'), ('creator_id=goat', '400 invalid_query creator_id'), ('project_id=' || gen_random_uuid(), '404 project_not_found'), ('project_id=' || :'wool', '404 project_not_found'),
	('creator_id=' || gen_random_uuid(), '404 creator_not_found'), ('creator_id=' || :'ewe', '404 creator_not_found'), ('search=x', '400 invalid_query search')) v (query, said);
SELECT is(pg_temp.said('goat', 'GET /videos?tracking_status=' || status), '400 invalid_query tracking_status', status || ' is no status to ask for') FROM unnest(ARRAY['excluded', 'all', '']) status;
SELECT is(pg_temp.said('goat', 'GET /inbox?tracking_status=included'), '400 invalid_query tracking_status', 'the inbox is of one');
-- to the end, while others come
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) SELECT :'goat', n, CASE WHEN n % 3 = 0 THEN 'excluded' WHEN n % 3 = 1 THEN 'pending_review' ELSE 'included' END::trackagoat.tracking_status FROM generate_series(201, 215) n;
CREATE SEQUENCE pg_temp.newcomer START 1001;
SELECT is(pg_temp.pages('goat', list, size, format($$INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (%L, nextval('pg_temp.newcomer'), 'pending_review')$$, :'goat')), was, format('%s by %s, each that was there once, newest first', list, size))
FROM generate_series(1, 3) size, (VALUES ('/videos', $$tracking_status <> 'excluded'$$), ('/inbox', $$tracking_status = 'pending_review'$$), ('/videos?project_id=' || :'project', format($$tracking_status <> 'excluded' AND project_id = %L$$, :'project')), ('/videos?tracking_status=included', $$tracking_status = 'included'$$)) v (list, condition),
	pg_temp.ids(format('SELECT id FROM trackagoat.video WHERE org_id = %L AND %s', :'org', condition), size) was;
DELETE FROM trackagoat.video WHERE tiktok_video_id BETWEEN 200 AND 2000;

--
-- Review, notes, metadata
--
SELECT id AS waiting FROM trackagoat.video WHERE tiktok_video_id = 102 \gset
SELECT id AS excluded FROM trackagoat.video WHERE tiktok_video_id = 104 \gset
CREATE TEMP TABLE step AS
SELECT f.status AS "from", t.status AS "to", f.status::text = t.status OR (f.status::text, t.status) IN (('auto_tracked', 'pending_review'), ('auto_tracked', 'included'), ('auto_tracked', 'excluded'), ('pending_review', 'included'), ('pending_review', 'excluded'),
	('included', 'pending_review'), ('included', 'excluded'), ('excluded', 'pending_review'), ('excluded', 'included'), ('direct_add', 'included'), ('direct_add', 'excluded')) AS is_allowed, row_number() OVER () + 300 AS number
FROM unnest(enum_range(NULL::trackagoat.tracking_status)) f (status), unnest(ARRAY['included', 'excluded', 'pending_review']) t (status);
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) SELECT :'kid', number, "from" FROM step;
SELECT is(pg_temp.said('goat', 'PATCH /videos/' || v.id, format('{"tracking_status": "%s"}', "to")), CASE WHEN is_allowed THEN '200' ELSE '409 invalid_transition' END, format('from %s to %s', "from", "to")) FROM step JOIN trackagoat.video v ON tiktok_video_id = number ORDER BY number;
SELECT is(v.tracking_status::text, CASE WHEN is_allowed THEN "to" ELSE "from"::text END, format('from %s to %s it is', "from", "to")) FROM step JOIN trackagoat.video v ON tiktok_video_id = number ORDER BY number;
DELETE FROM trackagoat.video WHERE tiktok_video_id > 300 AND tiktok_video_id < 400;
SELECT is(pg_temp.said('goat', 'PATCH /videos/' || :'waiting', body), said, left(body, 60) || ': ' || said) FROM (VALUES
	('{"tracking_status": "auto_tracked"}', '400 invalid_body tracking_status'), ('{"tracking_status": "direct_add"}', '400 invalid_body tracking_status'), ('{"tracking_status": null}', '400 invalid_body tracking_status'), ('{}', '400 invalid_body body'),
	('{"view_count": 1}', '400 invalid_body view_count'), ('{"description": "x"}', '400 invalid_body description'), ('{"metadata": null}', '400 invalid_body metadata'), ('{"readme": "' || repeat('x', 65537) || '"}', '400 invalid_body readme')) v (body, said);
SELECT is(pg_temp.said('goat', 'PATCH /videos/' || :'video', '{"readme": "# Notes", "metadata": {"a": 1}}'), '200', 'notes and metadata');
SELECT is((d ->> 'readme', d ->> 'description', d ->> 'metadata')::text, ('# Notes', '# Notes', '{"a": 1}')::text, 'are kept') FROM pg_temp.ask('goat', 'GET /videos/' || :'video') a, jsonb_path_query(a, '$.data') d;
SELECT is((a ->> 'status', a -> 'data' -> 'readme', a -> 'data' -> 'description', a -> 'data' ->> 'metadata')::text, (200, 'null', 'null', '{"a": 1}')::text, 'null clears the notes') FROM pg_temp.ask('goat', 'PATCH /videos/' || :'video', '{"readme": null}') a;
-- an excluded one
SELECT is(pg_temp.said('goat', 'GET /videos/' || :'excluded'), '404 video_not_found', 'an excluded one is not shown');
SELECT is(pg_temp.ask('goat', 'PATCH /videos/' || :'excluded', '{"readme": "why"}') -> 'data', jsonb_build_object('id', :'excluded', 'tracking_status', 'excluded'), 'nor returned by a change');
SELECT is(pg_temp.said('goat', 'POST /videos/' || :'excluded' || '/scrape'), '409 video_not_fetched', 'nor fetched');
SELECT is((a ->> 'status', a #>> '{meta,code}', a #>> '{meta,video_id}')::text, format('(409,video_exists,%s)', :'excluded'), 'nor added again') FROM pg_temp.ask('goat', 'POST /projects/' || :'project' || '/videos', '{"url": "https://www.tiktok.com/@kid/video/104"}') a;
SELECT is((d ->> 'tracking_status', d ->> 'readme')::text, '(included,why)', 'but a change brings it back') FROM pg_temp.ask('goat', 'PATCH /videos/' || :'excluded', '{"tracking_status": "included"}') a, jsonb_path_query(a, '$.data') d;
SELECT is(pg_temp.data('goat', 'GET /videos/' || :'excluded', NULL, 'tracking_status'), 'included', 'where it is shown');
SELECT is(pg_temp.ask('goat', 'PATCH /videos/' || :'excluded', '{"tracking_status": "excluded"}') -> 'data', jsonb_build_object('id', :'excluded', 'tracking_status', 'excluded'), 'until it is excluded');
-- many at once
CREATE FUNCTION pg_temp.results(request text, body jsonb) RETURNS text LANGUAGE sql AS
$$ SELECT concat_ws(' ', a ->> 'status', (SELECT string_agg(concat_ws(' ', v.tiktok_video_id, i ->> 'result', i ->> 'code'), ', ' ORDER BY n) FROM jsonb_array_elements(a -> 'data') WITH ORDINALITY d (i, n) JOIN trackagoat.video v ON v.id = (i ->> 'video_id')::uuid)) FROM pg_temp.ask('goat', request, body::text) a $$;
SELECT array_agg(id ORDER BY tiktok_video_id) AS kids FROM trackagoat.video WHERE creator_id = :'kid' \gset
SELECT is(pg_temp.results('POST /projects/' || :'project' || '/videos/bulk-review', jsonb_build_object('video_ids', :'kids'::uuid[], 'tracking_status', 'pending_review')), '200 101 reviewed, 102 unchanged, 103 reviewed, 104 reviewed, 105 refused invalid_transition', 'many are reviewed, each with its result');
SELECT is(pg_temp.shown('goat', '/inbox'), '104 103 102 101', 'as the inbox shows');
SELECT is(pg_temp.results('POST /projects/' || :'project' || '/videos/bulk-review', jsonb_build_object('video_ids', :'kids'::uuid[], 'tracking_status', 'included')), '200 101 reviewed, 102 reviewed, 103 reviewed, 104 reviewed, 105 reviewed', 'all of them');
SELECT is(pg_temp.said('goat', 'POST /projects/' || p || '/videos/' || verb, (jsonb_build_object('video_ids', :'kids'::uuid[] || v::uuid) || more)::text), said, format('%s: %s', verb, said))
FROM (VALUES ('bulk-tracking-disable', '{}'::jsonb), ('bulk-review', '{"tracking_status": "excluded"}')) x (verb, more), (VALUES (:'other', :'video', '404 video_not_found'), (:'project', :'twin', '404 video_not_found'), (:'project', :'woolly', '404 video_not_found'), (:'project', gen_random_uuid()::text, '404 video_not_found'), (:'wool', :'woolly', '404 project_not_found')) v (p, v, said);
SELECT is(pg_temp.said('goat', 'POST /projects/' || :'project' || '/videos/bulk-review', body), said, left(body, 60) || ': ' || said) FROM (VALUES
	(format('{"video_ids": ["%s"], "tracking_status": "direct_add"}', :'video'), '400 invalid_body tracking_status'), (format('{"video_ids": ["%s"]}', :'video'), '400 invalid_body tracking_status'), ('{"tracking_status": "included"}', '400 invalid_body video_ids'),
	('{"video_ids": [], "tracking_status": "included"}', '400 invalid_body video_ids'), ('{"video_ids": ["x"], "tracking_status": "included"}', '400 invalid_body video_ids[0]'), ('{"video_ids": [null], "tracking_status": "included"}', '400 invalid_body video_ids[0]'),
	(format('{"video_ids": ["%s", "%s"], "tracking_status": "excluded"}', :'video', :'woolly'), '404 video_not_found'), (format('{"video_ids": %s, "tracking_status": "included"}', (SELECT jsonb_agg(gen_random_uuid()) FROM generate_series(1, 1001))), '400 invalid_body video_ids')) v (body, said);
SELECT is((SELECT string_agg(DISTINCT tracking_status::text, ' ') FROM trackagoat.video WHERE id IN (:'video', :'woolly')), 'direct_add', 'what names a stranger reviews none');

--
-- Scraping, disabling
--
SELECT is(pg_temp.ask('goat', 'POST /videos/' || :'video' || '/scrape') - 'headers' - 'meta', jsonb_build_object('status', 202, 'error', NULL, 'data', jsonb_build_object('result', 'queued', 'video_id', :'video')), 'a video is fetched when asked for');
SELECT is(priority, 2::smallint, 'ahead of the queue') FROM trackagoat.scrape_job WHERE tiktok_video_id = 7526770564367748360;
SELECT is((a ->> 'status', a #>> '{data,tracking_disabled_at}' IS NOT NULL, (a #>> '{data,tracking_disabled_at}')::timestamptz = now())::text, '(200,t,t)', 'one is disabled') FROM pg_temp.ask('goat', 'POST /videos/' || :'video' || '/tracking-disable') a;
SELECT is(pg_temp.said('goat', 'POST /videos/' || :'video' || '/scrape'), '409 video_not_fetched', 'and not fetched');
UPDATE trackagoat.video SET tracking_disabled_at = '2026-01-01Z' WHERE id = :'video';
SELECT is(pg_temp.data('goat', 'POST /videos/' || :'video' || '/tracking-disable', NULL, 'tracking_disabled_at')::timestamptz, '2026-01-01Z', 'again it is what it was');
SELECT is(pg_temp.shown('goat', '/videos?creator_id=' || :'goat'), '7526770564367748360', 'it is still listed');
SELECT is(pg_temp.results('POST /projects/' || :'project' || '/videos/bulk-tracking-disable', jsonb_build_object('video_ids', ARRAY[:'waiting', :'video', :'excluded']::uuid[])), '200 102 disabled, 7526770564367748360 already_disabled, 104 disabled', 'many are disabled, each with its result');
SELECT is((a ->> 'status', a #> '{data,tracking_disabled_at}')::text, '(200,null)', 'one is enabled') FROM pg_temp.ask('goat', 'POST /videos/' || :'video' || '/tracking-enable') a;
SELECT is(pg_temp.said('goat', 'POST /videos/' || :'video' || '/tracking-enable'), '200', 'or is so already');
SELECT is(pg_temp.said('goat', 'POST /videos/' || :'video' || '/scrape'), '202', 'and fetched again');
SELECT is((SELECT count(*) FROM trackagoat.video WHERE tracking_disabled_at IS NOT NULL), 2::bigint, 'the others stay disabled');

--
-- A removed creator's, and deleting
--
SELECT is(pg_temp.said('goat', 'DELETE /creators/' || :'kid'), '200', 'a creator is removed');
SELECT is(pg_temp.shown('goat', '/videos'), '7526770564367748360 7526770564367748360', 'its videos are not listed');
SELECT is(pg_temp.shown('goat', '/videos?creator_id=' || :'kid'), '', 'nor by its id');
SELECT is(pg_temp.said('goat', 'GET /videos/' || :'waiting'), '404 video_not_found', 'nor shown');
SELECT is(pg_temp.said('goat', 'POST /projects/' || :'project' || '/creators', '{"tiktok_handle": "kid"}'), '200', 'until it comes back');
SELECT is(pg_temp.shown('goat', '/videos?creator_id=' || :'kid'), '105 104 103 102 101', 'with them');
SELECT is(pg_temp.ask('goat', 'DELETE /videos/' || :'video') -> 'data', jsonb_build_object('id', :'video', 'deleted', true), 'a video is deleted');
SELECT is(pg_temp.said('goat', 'DELETE /videos/' || :'video'), '404 video_not_found', 'once');
SELECT is(pg_temp.said('goat', 'DELETE /videos/' || :'excluded'), '200', 'another too');
SELECT is((SELECT array_agg(tiktok_video_id ORDER BY tiktok_video_id) FROM trackagoat.deleted_video WHERE tiktok_video_id NOT BETWEEN 200 AND 2000), '{104,7526770564367748360}'::bigint[], 'discovery is not to bring them back');
SELECT is(pg_temp.said('goat', 'POST /projects/' || :'project' || '/videos', '{"url": "https://www.tiktok.com/@goat/video/7526770564367748360"}'), '201', 'a person may');

--
-- Limits, Idempotency-Key
--
INSERT INTO trackagoat.plan VALUES ('pen', 'max_tracked_videos_per_org', 2), ('pen', 'max_manual_scrape_triggers_per_day', 1);
INSERT INTO trackagoat.organization (name, plan) VALUES ('Pen', 'pen') RETURNING id AS pen \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'pen', 'Fold') RETURNING id AS fold \gset
INSERT INTO caller VALUES ('pen', :'pen', '{read,write}');
SELECT is(pg_temp.said('pen', 'POST /projects/' || :'fold' || '/videos', format('{"url": "https://www.tiktok.com/embed/%s"}', n)), said, format('video %s of two: %s', n, said)) FROM (VALUES (1, '201'), (2, '201'), (3, '402 limit_reached'), (2, '409 video_exists')) v (n, said);
SELECT is((a ->> 'status', (a -> 'meta') - '{message,hint}'::text[])::text, (402, '{"code": "limit_reached", "limitKey": "max_tracked_videos_per_org", "current": 2, "max": 2}'::jsonb)::text, 'the refusal says of what') FROM pg_temp.ask('pen', 'POST /projects/' || :'fold' || '/videos', '{"url": "https://www.tiktok.com/embed/3"}') a;
SELECT id AS penned FROM trackagoat.video WHERE org_id = :'pen' LIMIT 1 \gset
SELECT is(pg_temp.said('pen', 'POST /videos/' || :'penned' || '/scrape'), said, 'asked for by hand: ' || said) FROM (VALUES ('202'), ('429 rate_limit_exceeded')) v (said);
SELECT is((SELECT count(*) FROM trackagoat.video WHERE org_id = :'pen'), 2::bigint, 'there are two');
SELECT trackagoat.create_api_key(:'org', 'once') AS once \gset
SELECT pg_temp.ask('goat', 'POST /projects/' || :'project' || '/videos', '{"url": "https://vm.tiktok.com/ZMonce"}', jsonb_build_object('X-Api-Key', :'once', 'Idempotency-Key', 'k')) AS first \gset
SELECT pg_temp.ask('goat', 'POST /projects/' || :'project' || '/videos', '{"url": "https://vm.tiktok.com/ZMonce"}', jsonb_build_object('X-Api-Key', :'once', 'Idempotency-Key', 'k')) AS again \gset
SELECT is((:'again'::jsonb - 'headers', :'again'::jsonb #>> '{headers,Idempotent-Replayed}')::text, (:'first'::jsonb - 'headers', 'true')::text, 'the same request is answered the same: ' || (:'first'::jsonb ->> 'status'));
SELECT is(pg_temp.said('goat', 'POST /projects/' || :'other' || '/videos', '{"url": "https://vm.tiktok.com/ZMonce"}', jsonb_build_object('X-Api-Key', :'once', 'Idempotency-Key', 'k')), '409 idempotency_key_reused', 'another one not');

--
-- Every endpoint: bodies, ids, scopes, methods
--
INSERT INTO sample VALUES
	('GET /videos', NULL, NULL), ('GET /inbox', NULL, NULL), ('POST /projects/{id}/videos', 'project', '{"url": "https://www.tiktok.com/embed/1"}'), ('GET /videos/{id}', 'video', NULL), ('PATCH /videos/{id}', 'video', '{"readme": "x"}'), ('DELETE /videos/{id}', 'video', NULL),
	('POST /videos/{id}/scrape', 'video', NULL), ('POST /videos/{id}/tracking-disable', 'video', NULL), ('POST /videos/{id}/tracking-enable', 'video', NULL),
	('POST /projects/{id}/videos/bulk-tracking-disable', 'project', '{"video_ids": ["00000000-0000-0000-0000-000000000000"]}'),
	('POST /projects/{id}/videos/bulk-review', 'project', '{"video_ids": ["00000000-0000-0000-0000-000000000000"], "tracking_status": "included"}');
SELECT to_jsonb(v) AS woolly_row FROM trackagoat.video v WHERE id = :'woolly' \gset
\ir api_endpoint.psql
SELECT is(to_jsonb(v), :'woolly_row', 'what is another organization''s is as it was') FROM trackagoat.video v WHERE id = :'woolly';
SELECT is(count(*), 0::bigint, 'the numbers agree') FROM trackagoat.verify();

SELECT * FROM finish();
ROLLBACK;
