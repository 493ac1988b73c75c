-- Rules of videos: where their status may go, adding many, deleting, the inbox,
-- reviewing, expiry, the content calendar.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name, timezone) VALUES ('O', 'America/New_York') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Q') RETURNING id AS other \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_start_date) VALUES (:'project', 'goat', '2020-01-01') RETURNING id AS goat \gset

-- a video of a project, by TikTok's id
CREATE FUNCTION pg_temp.video(project uuid, number bigint) RETURNS trackagoat.video LANGUAGE sql AS
$$ SELECT v FROM trackagoat.video v WHERE project_id = project AND tiktok_video_id = number $$;
CREATE FUNCTION pg_temp.id(project uuid, number bigint) RETURNS uuid LANGUAGE sql AS
$$ SELECT id FROM trackagoat.video WHERE project_id = project AND tiktok_video_id = number $$;
-- SQLSTATE, message and detail of a refusal
CREATE FUNCTION pg_temp.why(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	state text; message text; detail text;
BEGIN
	EXECUTE statement;
	RETURN 'accepted';
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', state, message, detail);
END
$$;

--
-- Where a status may go
--
CREATE TEMP TABLE step AS
SELECT f.status AS "from", t.status AS "to", f.status = t.status OR (f.status, t.status) IN (('auto_tracked', 'pending_review'), ('auto_tracked', 'included'),
	('auto_tracked', 'excluded'), ('pending_review', 'included'), ('pending_review', 'excluded'), ('included', 'pending_review'), ('included', 'excluded'),
	('excluded', 'pending_review'), ('excluded', 'included'), ('direct_add', 'included'), ('direct_add', 'excluded')) AS is_allowed,
	row_number() OVER () + 1000 AS number
FROM unnest(enum_range(NULL::trackagoat.tracking_status)) f (status), unnest(enum_range(NULL::trackagoat.tracking_status)) t (status);
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) SELECT :'goat', number, "from" FROM step;
SELECT is((SELECT count(*) FROM step), 25::bigint, 'five statuses and as many next ones');
SELECT is(pg_temp.why(format('UPDATE trackagoat.video SET tracking_status = %L WHERE tiktok_video_id = %s', "to", number)),
	CASE WHEN is_allowed THEN 'accepted' ELSE format('PT409 | invalid_transition | A video does not go from %s to %s.', "from", "to") END,
	format('from %s to %s', "from", "to")) FROM step ORDER BY number;
SELECT is(tracking_status, CASE WHEN is_allowed THEN "to" ELSE "from" END, format('from %s to %s it is', "from", "to")) FROM step JOIN trackagoat.video ON tiktok_video_id = number ORDER BY number;
SELECT is(pg_temp.refusal($$UPDATE trackagoat.video SET tracking_status = 'auto_tracked' WHERE tiktok_video_id > 1000 AND tracking_status <> 'auto_tracked'$$), 'PT409 invalid_transition', 'of many at once all are refused');
SELECT ok(bool_and(s.tracking_status <> ALL (trackagoat.status_goes_to(s.tracking_status))), 'no status leads to itself') FROM trackagoat.video s;
DELETE FROM trackagoat.video;
DELETE FROM trackagoat.deleted_video;

--
-- add_videos
--
CREATE FUNCTION pg_temp.add(project uuid, urls text[]) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(concat_ws(' ', tiktok_video_id, result, code), ', ' ORDER BY place) FROM trackagoat.add_videos(project, urls) $$;
SELECT is(pg_temp.add(:'project', ARRAY['https://www.tiktok.com/@Goat/video/101']), '101 created', 'a new one is created');
SELECT is((org_id, creator_id, tiktok_handle::text, kind, tracking_status)::text, (:'org'::uuid, :'goat'::uuid, 'Goat', 'video', 'direct_add')::text, 'as its author''s, found by the handle') FROM pg_temp.video(:'project', 101);
SELECT is((place, input, video_id, tiktok_video_id)::text, (1, ' tiktok.com/@/video/101 ', pg_temp.id(:'project', 101), 101)::text, 'a row names place, input, and the video') FROM trackagoat.add_videos(:'project', ARRAY[' tiktok.com/@/video/101 ']);
SELECT is(pg_temp.add(:'project', ARRAY[
	'https://www.tiktok.com/@sheep/video/102?is_from_webapp=1#x', 'http://m.tiktok.com/@sheep/photo/103', 'www.tiktok.com/@/video/104', 'https://www.tiktokv.com/share/video/105/',
	'https://www.tiktok.com/share/video/106', 'https://www.tiktok.com/embed/107', 'https://www.tiktok.com/embed/v2/108', 'https://www.tiktok.com/player/v1/109', 'https://m.tiktok.com/v/110.html']),
	'102 created, 103 created, 104 created, 105 created, 106 created, 107 created, 108 created, 109 created, 110 created', 'every long form will do');
SELECT is((kind, tiktok_handle::text, creator_id)::text, '(photo,sheep,)', 'photos are photos, and a stranger''s are nobody''s') FROM pg_temp.video(:'project', 103);
SELECT is((SELECT tiktok_handle::text FROM pg_temp.video(:'project', 107)), NULL, 'some forms name no author');
SELECT is(pg_temp.add(:'project', ARRAY['https://www.tiktok.com/embed/111', 'https://www.tiktok.com/@goat/photo/111', 'https://www.tiktok.com/@goat/photo/111']),
	'111 created, 111 already_there, 111 already_there', 'of one in several forms the first is created');
SELECT is((kind, creator_id)::text, ('photo', :'goat'::uuid)::text, 'from the form that names the author') FROM pg_temp.video(:'project', 111);
SELECT is(pg_temp.add(:'project', ARRAY['nonsense', '', NULL, 'https://www.tiktok.com/@goat', 'https://example.com/@goat/video/1', 'https://www.tiktok.com/@goat/video/0', 'https://www.tiktok.com/@goat/video/9223372036854775808']),
	'refused invalid_video_url, refused invalid_video_url, refused invalid_video_url, refused invalid_video_url, refused invalid_video_url, refused invalid_video_url, refused invalid_video_url', 'what is no video is refused by itself');
SELECT is(pg_temp.add(:'project', ARRAY['https://www.tiktok.com/@goat/video/9223372036854775807']), '9223372036854775807 created', 'ids have 63 bits');
SELECT is(pg_temp.add(:'other', ARRAY['https://www.tiktok.com/@goat/video/101']), '101 created', 'another project has its own');
SELECT is((SELECT creator_id FROM pg_temp.video(:'other', 101)), NULL, 'and its own creators');
SELECT is(pg_temp.add(:'project', '{}'), NULL, 'an empty list adds nothing');
SELECT is(pg_temp.add(:'project', NULL), NULL, 'no list either');
SELECT is(pg_temp.refusal($$SELECT * FROM trackagoat.add_videos(gen_random_uuid(), ARRAY['x'])$$), 'PT404 project_not_found', 'the project must exist');
SELECT is(pg_temp.refusal($$SELECT * FROM trackagoat.add_videos(NULL, ARRAY['x'])$$), 'PT404 project_not_found', 'and be named');
SELECT is(pg_temp.refusal(format($$SELECT * FROM trackagoat.add_videos(%L, array_fill('x'::text, ARRAY[10001]))$$, :'project')), 'PT400 too_many_videos', 'ten thousand at a time');
SELECT is(count(*), 10000::bigint, 'no fewer') FROM trackagoat.add_videos(:'project', array_fill('https://www.tiktok.com/embed/101'::text, ARRAY[10000])) WHERE result = 'already_there';
SELECT is((SELECT due_at FROM trackagoat.scrape_job WHERE tiktok_video_id = 102), now(), 'added ones are queued at once');
UPDATE trackagoat.video SET tracking_status = 'excluded' WHERE id = pg_temp.id(:'project', 101);
SELECT is(pg_temp.add(:'project', ARRAY['https://www.tiktok.com/embed/101']), '101 already_there', 'an excluded one is there');
SELECT is((SELECT tracking_status FROM pg_temp.video(:'project', 101)), 'excluded', 'and stays so');
-- short links
SELECT is(pg_temp.add(:'project', ARRAY['https://vm.tiktok.com/ZMabc/', 'https://www.tiktok.com/t/ZTdef', 'https://vm.tiktok.com/ZMabc/', 'vt.tiktok.com/ZSghi']), 'queued, queued, queued, queued', 'short links are queued');
SELECT is(pg_temp.add(:'project', ARRAY['https://vm.tiktok.com/ZMabc/', 'https://www.tiktok.com/embed/112']), 'queued, 112 created', 'again beside others');
SELECT is(array_agg(link ORDER BY link), ARRAY['vm.tiktok.com/ZMabc', 'vt.tiktok.com/ZSghi', 'www.tiktok.com/t/ZTdef'], 'each once') FROM trackagoat.video_link WHERE project_id = :'project' AND org_id = :'org';
SELECT is(pg_temp.add(:'other', ARRAY['https://vm.tiktok.com/ZMabc/']), 'queued', 'in each project');
SELECT is(pg_temp.add(:'project', ARRAY['HTTP://VM.TikTok.com/ZMabc?' || repeat('x', 5000), ' tiktok.com/t//ZTdef#x']), 'queued, queued', 'however they are written');
SELECT is(count(*), 3::bigint, 'they are the same') FROM trackagoat.video_link WHERE project_id = :'project';
SELECT is(pg_temp.add(:'project', ARRAY['vm.tiktok.com/Z_a-b', 'https://www.tiktok.com/embed/113']), 'queued, 113 created', 'one with other signs');
SELECT is(array_agg(link), ARRAY['vm.tiktok.com/Z_a-b'], 'is kept whole') FROM trackagoat.video_link WHERE project_id = :'project' AND link LIKE '%/Z\_%';
SELECT is(count(*), 0::bigint, 'not cut off') FROM trackagoat.video_link WHERE link = 'vm.tiktok.com/Z';
SELECT is(pg_temp.add(:'project', ARRAY['vm.tiktok.com/' || repeat('x', 41), 'https://www.tiktok.com/embed/114']), 'refused invalid_video_url, 114 created', 'one too long to keep is refused by itself');
-- a limit
INSERT INTO trackagoat.plan VALUES ('two', 'max_tracked_videos_per_org', 2);
INSERT INTO trackagoat.organization (name, plan) VALUES ('Small', 'two') RETURNING id AS small \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'small', 'S') RETURNING id AS small_project \gset
SELECT is(pg_temp.add(:'small_project', ARRAY['https://www.tiktok.com/embed/1', 'x', 'https://www.tiktok.com/embed/2', 'https://www.tiktok.com/embed/1', 'https://www.tiktok.com/embed/3', 'https://www.tiktok.com/embed/3', 'vm.tiktok.com/Z']),
	'1 created, refused invalid_video_url, 2 created, 1 already_there, 3 refused limit_reached, 3 refused limit_reached, queued', 'past the limit each is refused');
UPDATE trackagoat.video SET tracking_status = 'included' WHERE id = pg_temp.id(:'small_project', 1);
SELECT is(pg_temp.add(:'small_project', ARRAY['https://www.tiktok.com/embed/3', 'https://www.tiktok.com/embed/4']), '3 created, 4 refused limit_reached', 'those that people have reviewed make room');

--
-- Videos that come before their creator
--
SELECT is(pg_temp.add(:'other', ARRAY['https://www.tiktok.com/@Ram/video/201', 'https://www.tiktok.com/@ewe/video/202', 'https://www.tiktok.com/@kid/video/203']), '201 created, 202 created, 203 created', 'videos of three strangers');
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'other', 'rAM') RETURNING id AS ram \gset
SELECT is((SELECT creator_id FROM pg_temp.video(:'other', 201)), :'ram'::uuid, 'belong to the creator that comes later');
SELECT creator_id AS ewe FROM trackagoat.add_creators(:'other', ARRAY['EWE']) \gset
SELECT is((SELECT creator_id FROM pg_temp.video(:'other', 202)), :'ewe'::uuid, 'one of many too');
UPDATE trackagoat.creator SET tiktok_handle = 'Kid' WHERE id = :'ewe';
SELECT is((SELECT creator_id FROM pg_temp.video(:'other', 203)), :'ewe'::uuid, 'or that takes the handle');
SELECT is((SELECT creator_id FROM pg_temp.video(:'other', 202)), :'ewe'::uuid, 'and stay with it');
SELECT is((SELECT creator_id FROM pg_temp.video(:'project', 102)), NULL, 'others stay nobody''s');
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'ram';
SELECT is(pg_temp.add(:'other', ARRAY['https://www.tiktok.com/@ram/video/204']), '204 created', 'a video of a removed creator');
SELECT is((SELECT creator_id FROM pg_temp.video(:'other', 204)), NULL, 'is nobody''s');
UPDATE trackagoat.creator SET removed_at = NULL WHERE id = :'ram';
SELECT is((SELECT creator_id FROM pg_temp.video(:'other', 204)), :'ram'::uuid, 'until the creator comes back');
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'ram';
SELECT is(pg_temp.add(:'other', ARRAY['https://www.tiktok.com/@ram/video/205']), '205 created', 'and again');
SELECT is(string_agg(result, ' '), 'reactivated', 'when it is added') FROM trackagoat.add_creators(:'other', ARRAY['ram']);
SELECT is((SELECT creator_id FROM pg_temp.video(:'other', 205)), :'ram'::uuid, 'it belongs to it');
SELECT is(count(*), 0::bigint, 'the numbers agree') FROM trackagoat.verify();

--
-- Deleted videos
--
UPDATE trackagoat.creator SET tiktok_account_id = 42 WHERE id = :'goat';
-- a list of the goat's videos comes in
CREATE FUNCTION pg_temp.discover(org uuid, at timestamptz, VARIADIC numbers bigint[]) RETURNS text LANGUAGE sql AS
$$ SELECT trackagoat.store_scrape(org, 'discover_videos', 'goat', NULL, at, jsonb_build_object('source', 'item_list', 'outcome', 'ok', 'exact', false, 'account', jsonb_build_object('id', '42'), 'next', NULL,
	'videos', (SELECT jsonb_agg(jsonb_build_object('tiktok_video_id', n::text, 'posted_at', '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 minute', 'kind', 'video', 'view_count', 10, 'hashtags', '[]'::jsonb)) FROM unnest(numbers) n))) $$;
SELECT is(pg_temp.discover(:'org', '2026-02-01Z', 301, 302, 303), 'ok', 'three videos are found');
DELETE FROM trackagoat.video WHERE project_id = :'project' AND tiktok_video_id IN (301, 302);
SELECT is(array_agg(tiktok_video_id ORDER BY tiktok_video_id), ARRAY[301, 302]::bigint[], 'two are deleted') FROM trackagoat.deleted_video WHERE project_id = :'project' AND org_id = :'org';
SELECT is(pg_temp.discover(:'org', '2026-02-02Z', 301, 302, 303, 304), 'ok', 'they are found again');
SELECT is((SELECT array_agg(tiktok_video_id ORDER BY tiktok_video_id) FROM trackagoat.video WHERE creator_id = :'goat' AND tiktok_video_id BETWEEN 301 AND 309), ARRAY[303, 304]::bigint[], 'and do not come back');
SELECT is(pg_temp.add(:'project', ARRAY['https://www.tiktok.com/@goat/video/301', 'https://www.tiktok.com/@goat/video/301']), '301 created, 301 already_there', 'unless a person adds one');
SELECT is((SELECT creator_id FROM pg_temp.video(:'project', 301)), :'goat'::uuid, 'which is its creator''s again');
SELECT is(array_agg(tiktok_video_id), ARRAY[302]::bigint[], 'and no longer a deleted one') FROM trackagoat.deleted_video WHERE project_id = :'project';
INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'project', 302);
SELECT is(count(*), 0::bigint, 'an INSERT adds it too') FROM trackagoat.deleted_video WHERE project_id = :'project';
DELETE FROM trackagoat.video WHERE id = pg_temp.id(:'project', 302);
DELETE FROM trackagoat.video WHERE id = pg_temp.id(:'project', 102);
SELECT is(array_agg(tiktok_video_id ORDER BY tiktok_video_id), ARRAY[102, 302]::bigint[], 'one without a creator is remembered too') FROM trackagoat.deleted_video WHERE project_id = :'project';
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'goat', 302, 'included');
DELETE FROM trackagoat.video WHERE id = pg_temp.id(:'project', 302);
SELECT is(count(*), 1::bigint, 'deleted twice it is remembered once') FROM trackagoat.deleted_video WHERE project_id = :'project' AND tiktok_video_id = 302;
-- with the creator, the project or the organization
SELECT ok(count(*) >= 2, 'a creator that has videos') FROM trackagoat.video WHERE creator_id = :'ram';
DELETE FROM trackagoat.creator WHERE id = :'ram';
SELECT is(count(*), 0::bigint, 'goes with them, and nothing is remembered') FROM trackagoat.deleted_video WHERE project_id = :'other';
SELECT ok(count(*) >= 2, 'a project that has videos') FROM trackagoat.video WHERE project_id = :'other';
DELETE FROM trackagoat.project WHERE id = :'other';
SELECT is(count(*), 0::bigint, 'goes with them') FROM trackagoat.deleted_video WHERE project_id = :'other';
DELETE FROM trackagoat.organization WHERE id = :'small';
SELECT is(count(*), 0::bigint, 'and so does an organization') FROM trackagoat.deleted_video WHERE org_id = :'small';

--
-- The inbox
--
UPDATE trackagoat.creator SET tracking_mode = 'selective', display_name = 'Goat', display_name_override = 'Our goat' WHERE id = :'goat';
SELECT is(pg_temp.discover(:'org', '2026-02-03Z', 401, 403, 402), 'ok', 'in selective mode');
SELECT is(array_agg(tracking_status::text), '{pending_review,pending_review,pending_review}', 'new videos wait for review') FROM trackagoat.video WHERE tiktok_video_id BETWEEN 401 AND 403;
CREATE FUNCTION pg_temp.inbox(project uuid) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(regexp_replace(i.url, '^.*/', ''), ' ') FROM (SELECT * FROM trackagoat.inbox WHERE project_id = project) i $$;
SELECT is(pg_temp.inbox(:'project'), '403 402 401', 'in the inbox, the newest first');
SELECT is((org_id, creator_id, tiktok_handle::text, display_name, kind, url, view_count, posted_at, last_observed_at)::text,
	(:'org'::uuid, :'goat'::uuid, 'goat', 'Our goat', 'video', 'https://www.tiktok.com/@goat/video/401', 10, '2026-01-01 06:41Z'::timestamptz, '2026-02-03Z'::timestamptz)::text, 'with what is to be known')
FROM trackagoat.inbox WHERE video_id = pg_temp.id(:'project', 401);
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'leaver') RETURNING id AS leaver \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status, posted_at, kind, tiktok_handle) VALUES (:'leaver', 404, 'pending_review', '2026-01-01 06:42:30Z', 'photo', 'Author');
SELECT is(pg_temp.inbox(:'project'), '403 404 402 401', 'another creator''s among them');
SELECT is(url, 'https://www.tiktok.com/@Author/photo/404', 'under its author''s handle') FROM trackagoat.inbox WHERE creator_id = :'leaver';
-- its id says that it was posted on 2026-01-01 06:41:30
INSERT INTO trackagoat.video (project_id, tiktok_video_id, tracking_status) SELECT :'project', extract(epoch FROM '2026-01-01 06:41:30Z'::timestamptz)::bigint << 32, 'pending_review' RETURNING tiktok_video_id AS by_id \gset
SELECT is(pg_temp.inbox(:'project'), '403 404 402 ' || :'by_id' || ' 401', 'one without time of posting is where its id says');
SELECT is(posted_at, '2026-01-01 06:41:30Z', 'and shows that') FROM trackagoat.inbox WHERE creator_id IS NULL;
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'leaver';
SELECT is(pg_temp.inbox(:'project'), '403 402 ' || :'by_id' || ' 401', 'those of removed creators are left out');
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'goat';
SELECT is(pg_temp.inbox(:'project'), '403 402 ' || :'by_id' || ' 401', 'those of disabled ones are not');
UPDATE trackagoat.creator SET disabled_at = NULL, tracking_mode = 'auto' WHERE id = :'goat';
SELECT is(pg_temp.inbox(:'project'), '403 402 ' || :'by_id' || ' 401', 'back to auto mode does not accept what waits');
SELECT is(pg_temp.discover(:'org', '2026-02-04Z', 401, 405), 'ok', 'nor does finding it again');
SELECT is((SELECT string_agg(tracking_status::text, ' ' ORDER BY tiktok_video_id) FROM trackagoat.video WHERE tiktok_video_id IN (401, 405)), 'pending_review auto_tracked', 'but new ones count at once');

--
-- review_videos
--
CREATE FUNCTION pg_temp.review(ids uuid[], status text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(concat_ws(' ', result, code), ', ') FROM trackagoat.review_videos(ids, status::trackagoat.tracking_status) $$;
SELECT is(pg_temp.review(ARRAY[pg_temp.id(:'project', 401), pg_temp.id(:'project', 402), pg_temp.id(:'project', 405), pg_temp.id(:'project', 301), gen_random_uuid(), NULL], 'included'),
	'reviewed, reviewed, reviewed, reviewed, refused video_not_found, refused video_not_found', 'videos are included');
SELECT is(pg_temp.review(ARRAY[pg_temp.id(:'project', 401), pg_temp.id(:'project', 403)], 'included'), 'unchanged, reviewed', 'each once');
SELECT is(pg_temp.review(ARRAY[pg_temp.id(:'project', 401), pg_temp.id(:'project', 401)], 'excluded'), 'reviewed, reviewed', 'excluded, and named twice');
SELECT is(pg_temp.review(ARRAY[pg_temp.id(:'project', 401)], 'pending_review'), 'reviewed', 'and sent back');
SELECT is(pg_temp.review(ARRAY[pg_temp.id(:'project', 302), pg_temp.id(:'project', 112), pg_temp.id(:'project', 403)], 'pending_review'), 'refused video_not_found, refused invalid_transition, reviewed', 'but for those added by hand');
SELECT is((SELECT tracking_status FROM pg_temp.video(:'project', 112)), 'direct_add', 'which stay as they are');
SELECT is(array_agg(video_id), ARRAY[pg_temp.id(:'project', 403), pg_temp.id(:'project', 401)], 'rows come in the order given') FROM trackagoat.review_videos(ARRAY[pg_temp.id(:'project', 403), pg_temp.id(:'project', 401)], 'included');
UPDATE trackagoat.video SET updated_at = '2001-01-01' WHERE id = pg_temp.id(:'project', 403);
SELECT pg_temp.review(ARRAY[pg_temp.id(:'project', 403)], 'included') AS answer \gset
SELECT is((SELECT updated_at FROM pg_temp.video(:'project', 403)), '2001-01-01'::timestamptz, 'an unchanged one is not touched');
SELECT pg_temp.review(ARRAY[pg_temp.id(:'project', 403)], 'excluded') AS answer \gset
SELECT is((SELECT updated_at FROM pg_temp.video(:'project', 403)), now(), 'a reviewed one is');
SELECT is(pg_temp.refusal(format('SELECT * FROM trackagoat.review_videos(%L, %L)', '{}', s)), 'PT400 invalid_tracking_status', 'nobody makes a video ' || coalesce(s, 'nothing')) FROM unnest(ARRAY['direct_add', 'auto_tracked', NULL]) s;
SELECT is(pg_temp.refusal($$SELECT * FROM trackagoat.review_videos(array_fill(gen_random_uuid(), ARRAY[10001]), 'included')$$), 'PT400 too_many_videos', 'ten thousand at a time');
SELECT is(pg_temp.review('{}', 'included'), NULL, 'none is none');
SELECT is(pg_temp.review(NULL, 'included'), NULL, 'nor is NULL any');
DELETE FROM trackagoat.scrape_job WHERE tiktok_video_id = 403;
SELECT pg_temp.review(ARRAY[pg_temp.id(:'project', 403)], 'included') AS answer \gset
SELECT is(count(*), 1::bigint, 'one that is included again is fetched again') FROM trackagoat.scrape_job WHERE tiktok_video_id = 403;
SELECT is(count(*), 0::bigint, 'the numbers agree') FROM trackagoat.verify();

--
-- Expiry, with the clock as an argument
--
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'E') RETURNING id AS expiring \gset
INSERT INTO trackagoat.video (project_id, tiktok_video_id, posted_at, created_at) VALUES (:'expiring', 501, '2026-01-01Z', '2026-01-01Z') RETURNING id AS quiet \gset
-- views of the video on a day of 2026, and whether something changed then
CREATE FUNCTION pg_temp.day(video uuid, org uuid, day integer, views bigint) RETURNS integer LANGUAGE sql AS
$$ SELECT trackagoat.observe_video(video, '2026-01-01Z'::timestamptz + day * interval '1 day', views, NULL, NULL, NULL, NULL);
	SELECT trackagoat.expire_videos(ARRAY[video], org, '2026-01-01Z'::timestamptz + day * interval '1 day') $$;
CREATE FUNCTION pg_temp.state(wanted uuid) RETURNS text LANGUAGE sql AS
$$ SELECT (refresh_slowed_at::date - '2026-01-01'::date, refresh_stopped_at::date - '2026-01-01'::date)::text FROM trackagoat.video WHERE id = wanted $$;
CREATE FUNCTION pg_temp.log(wanted uuid) RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(string_agg(kind, ' ' ORDER BY id), '') FROM trackagoat.creator_event WHERE video_id = wanted $$;
SELECT is(pg_temp.day(:'quiet', :'org', 0, 1000), 0, 'without a rule');
SELECT is(pg_temp.day(:'quiet', :'org', 100, 1000), 0, 'nothing expires');
SELECT is(pg_temp.state(:'quiet'), '(,)', 'however little it gains');
UPDATE trackagoat.project SET expiry_max_gain = 10, expiry_days = 7 WHERE id = :'expiring';
SELECT is(trackagoat.expire_videos(ARRAY[:'quiet']::uuid[], :'org', '2026-01-07 23:59Z'), 0, 'a video of less than seven days is left alone');
SELECT is(pg_temp.day(:'quiet', :'org', 101, 1011), 0, 'one that gained more than ten views');
SELECT is(pg_temp.day(:'quiet', :'org', 107, 1011), 0, 'in the last seven days');
SELECT is(pg_temp.state(:'quiet'), '(,)', 'goes on at the full rate');
SELECT is(pg_temp.day(:'quiet', :'org', 109, 1021), 1, 'one that gained ten');
SELECT is(pg_temp.state(:'quiet'), '(109,)', 'slows down');
SELECT is((SELECT every FROM trackagoat.scrape_targets('video_stats', NULL, 501)), interval '4 days', 'to a quarter of the rate');
SELECT is(pg_temp.log(:'quiet'), 'refresh_slowed', 'which the change log tells');
SELECT is(pg_temp.day(:'quiet', :'org', 115, 1021), 0, 'less than seven days later');
SELECT is(pg_temp.state(:'quiet'), '(109,)', 'it is as slow');
SELECT is(pg_temp.day(:'quiet', :'org', 116, 1032), 1, 'one that gains again');
SELECT is(pg_temp.state(:'quiet'), '(,)', 'is back at the full rate');
SELECT is((SELECT every FROM trackagoat.scrape_targets('video_stats', NULL, 501)), interval '1 day', 'which is this');
SELECT is(pg_temp.log(:'quiet'), 'refresh_slowed refresh_resumed', 'and is told');
SELECT is(pg_temp.day(:'quiet', :'org', 124, 1030), 1, 'one that loses');
SELECT is(pg_temp.day(:'quiet', :'org', 130, 1030), 0, 'is slow');
SELECT is(pg_temp.day(:'quiet', :'org', 131, 1030), 1, 'and after seven days');
SELECT is(pg_temp.state(:'quiet'), '(124,131)', 'stops');
SELECT is(pg_temp.log(:'quiet'), 'refresh_slowed refresh_resumed refresh_slowed refresh_stopped', 'which is told');
SELECT is(count(*), 0::bigint, 'nobody wants it fetched') FROM trackagoat.scrape_targets('video_stats', NULL, 501);
SELECT is((SELECT detail FROM trackagoat.creator_event WHERE video_id = :'quiet' ORDER BY id DESC LIMIT 1), '{"tiktok_video_id": "501"}', 'of which post');
SELECT is(pg_temp.day(:'quiet', :'org', 132, 9999), 0, 'what stopped does not begin again by itself');
SELECT is(pg_temp.state(:'quiet'), '(124,131)', 'even when it gains');
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'expiring', 'C') RETURNING id AS campaign \gset
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (:'campaign', :'quiet');
SELECT is((SELECT (videos, views)::text FROM trackagoat.campaign_stats(:'campaign')), '(1,9999)', 'its numbers count all the same');
DELETE FROM trackagoat.scrape_job WHERE tiktok_video_id = 501;
UPDATE trackagoat.video SET refresh_stopped_at = NULL WHERE id = :'quiet';
SELECT is(pg_temp.state(:'quiet'), '(,)', 'begun again by hand it is at the full rate');
SELECT is(right(pg_temp.log(:'quiet'), 31), 'refresh_stopped refresh_resumed', 'which is told');
SELECT is(count(*), 1::bigint, 'and is fetched again') FROM trackagoat.scrape_job WHERE tiktok_video_id = 501;
UPDATE trackagoat.project SET expiry_max_gain = NULL, expiry_days = NULL WHERE id = :'expiring';
SELECT is(trackagoat.expire_videos(ARRAY[:'quiet']::uuid[], :'org', '2027-01-01Z'), 0, 'when the rule is gone nothing expires');
-- a history of many rows, a first sight, another organization, many at once
UPDATE trackagoat.project SET expiry_max_gain = 0, expiry_days = 30 WHERE id = :'expiring';
INSERT INTO trackagoat.video (project_id, tiktok_video_id, posted_at, created_at) SELECT :'expiring', n, '2026-01-01Z', '2026-01-01Z' FROM generate_series(502, 504) n;
SELECT trackagoat.observe_videos(array_agg(pg_temp.id(:'expiring', 502)), array_agg('2026-01-01Z'::timestamptz + d * interval '1 day'), array_agg(d + 5), NULL, NULL, NULL, NULL) AS stored FROM generate_series(0, 200) d \gset
SELECT trackagoat.observe_videos(array_agg(pg_temp.id(:'expiring', 503)), array_agg('2026-01-01Z'::timestamptz + d * interval '1 day'), array_agg(least(d, 100) + 5), NULL, NULL, NULL, NULL) AS stored FROM generate_series(0, 200) d \gset
SELECT is(trackagoat.expire_videos(ARRAY[pg_temp.id(:'expiring', 502), pg_temp.id(:'expiring', 503)], gen_random_uuid(), '2026-07-20Z'), 0, 'nothing of another organization');
SELECT is(trackagoat.expire_videos(ARRAY[pg_temp.id(:'expiring', 502), pg_temp.id(:'expiring', 503)], :'org', '2026-07-20Z'), 1, 'of two long histories');
SELECT is((SELECT refresh_slowed_at FROM pg_temp.video(:'expiring', 502)), NULL, 'the one that gains goes on');
SELECT is((SELECT refresh_slowed_at FROM pg_temp.video(:'expiring', 503)), '2026-07-20Z', 'the one that does not slows down');
UPDATE trackagoat.project SET expiry_max_gain = NULL, expiry_days = NULL WHERE id = :'expiring';
SELECT is(trackagoat.expire_videos(ARRAY[pg_temp.id(:'expiring', 502), pg_temp.id(:'expiring', 503)], :'org', '2026-07-21Z'), 1, 'and is back at the full rate when the rule is gone');
SELECT is((SELECT refresh_slowed_at FROM pg_temp.video(:'expiring', 503)), NULL, 'as it says');
UPDATE trackagoat.project SET expiry_max_gain = 0, expiry_days = 30 WHERE id = :'expiring';
SELECT is(pg_temp.day(pg_temp.id(:'expiring', 504), :'org', 200, 5000), 0, 'what is seen for the first time says nothing of the days before');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.project SET expiry_days = %s, expiry_max_gain = %s WHERE id = %L', d, g, :'expiring')), '23514 project_expiry_check', format('%s views in %s days is no rule', g, d))
FROM (VALUES ('0', '1'), ('3651', '1'), ('7', '-1'), ('7', 'NULL'), ('NULL', '1')) v (d, g);
SELECT is(count(*), 0::bigint, 'the numbers agree') FROM trackagoat.verify();

--
-- The content calendar: March 2026, where clocks in New York go forward on the 8th
--
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'K') RETURNING id AS calendar \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'calendar', 'a') RETURNING id AS a \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'calendar', 'b') RETURNING id AS b \gset
INSERT INTO trackagoat.video (project_id, creator_id, tiktok_video_id, tracking_status, posted_at) VALUES
	(:'calendar', :'a', 601, 'included', '2026-03-01 04:59:59Z'), (:'calendar', :'a', 602, 'included', '2026-03-01 05:00Z'),
	(:'calendar', :'a', 603, 'auto_tracked', '2026-03-08 05:00Z'), (:'calendar', :'b', 604, 'direct_add', '2026-03-09 03:59:59Z'), (:'calendar', :'b', 605, 'included', '2026-03-09 04:00Z'),
	(:'calendar', :'a', 606, 'pending_review', '2026-03-09 12:00Z'), (:'calendar', :'a', 607, 'excluded', '2026-03-09 12:00Z'), (:'calendar', NULL, 608, 'direct_add', '2026-03-09 12:00Z'),
	(:'calendar', :'b', 609, 'included', '2026-04-01 03:59:59.999999Z'), (:'calendar', :'b', 610, 'included', '2026-04-01 04:00Z');
CREATE FUNCTION pg_temp.calendar(project uuid, month date, creator uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(concat_ws(' ', to_char(k.day, 'MM-DD'), k.posts, k.creators, (SELECT string_agg(v.tiktok_video_id::text, '+' ORDER BY n) FROM unnest(k.video_ids) WITH ORDINALITY u (id, n) JOIN trackagoat.video v USING (id))), ', ' ORDER BY k.day)
	FROM trackagoat.content_calendar(project, month, creator) k WHERE k.posts > 0 $$;
SELECT is(pg_temp.calendar(:'calendar', '2026-03-01'), '03-01 1 1 602, 03-08 2 2 603+604, 03-09 2 1 605+608, 03-31 1 1 609', 'what counts, on the days of the organization''s zone');
SELECT is(pg_temp.calendar(:'calendar', '2026-03-31'), pg_temp.calendar(:'calendar', '2026-03-01'), 'any day names its month');
SELECT is(pg_temp.calendar(:'calendar', '2026-02-28'), '02-28 1 1 601', 'the month before');
SELECT is(pg_temp.calendar(:'calendar', '2026-04-15'), '04-01 1 1 610', 'and after');
SELECT is(pg_temp.refusal(format('SELECT FROM trackagoat.content_calendar(%L, %L)', :'calendar', m)), 'PT400 invalid_window', 'a month without end is refused') FROM unnest(ARRAY['infinity', '-infinity']) m;
SELECT is((count(*), min(day), max(day), count(DISTINCT day))::text, '(31,2026-03-01,2026-03-31,31)', 'each day of the month is there once') FROM trackagoat.content_calendar(:'calendar', '2026-03-01');
SELECT is((count(*), min(day), max(day))::text, format('(%s,%s,%s)', n, m, m::date + n - 1), 'of ' || m) FROM (VALUES ('2026-02-01', 28), ('2028-02-01', 29), ('2026-11-01', 30), ('2026-12-01', 31)) v (m, n), trackagoat.content_calendar(:'calendar', m::date) GROUP BY m, n;
SELECT is((posts, creators, video_ids)::text, '(0,0,{})', 'a day without posts says so') FROM trackagoat.content_calendar(:'calendar', '2026-03-01') WHERE day = '2026-03-02';
SELECT is(pg_temp.calendar(:'calendar', '2026-03-01', :'b'), '03-08 1 1 604, 03-09 1 1 605, 03-31 1 1 609', 'of one creator');
SELECT is((SELECT count(*) FROM trackagoat.content_calendar(:'calendar', '2026-03-01', :'b')), 31::bigint, 'each day too');
SELECT is((SELECT min(day) FROM trackagoat.content_calendar(:'calendar')), date_trunc('month', now() AT TIME ZONE 'America/New_York')::date, 'left out it is the current month');
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'b';
SELECT is(pg_temp.calendar(:'calendar', '2026-03-01'), '03-01 1 1 602, 03-08 1 1 603, 03-09 1 0 608', 'a removed creator''s posts do not count');
UPDATE trackagoat.creator SET removed_at = NULL, disabled_at = now() WHERE id = :'b';
SELECT is(pg_temp.calendar(:'calendar', '2026-03-01', :'b'), '03-08 1 1 604, 03-09 1 1 605, 03-31 1 1 609', 'a disabled one''s do');
SELECT is(pg_temp.refusal('SELECT * FROM trackagoat.content_calendar(gen_random_uuid())'), 'PT404 project_not_found', 'the project must exist');
SELECT is(pg_temp.refusal(format('SELECT * FROM trackagoat.content_calendar(%L, NULL, %L)', :'calendar', c)), 'PT404 creator_not_found', 'and the creator, in it') FROM unnest(ARRAY[:'goat'::uuid, gen_random_uuid()]) c;
-- a post without time of posting counts by its id
INSERT INTO trackagoat.video (project_id, tiktok_video_id, tracking_status) SELECT :'calendar', extract(epoch FROM '2026-05-10 12:00Z'::timestamptz)::bigint << 32, 'included';
SELECT is(left(pg_temp.calendar(:'calendar', '2026-05-01'), 9), '05-10 1 0', 'by the time in its id, where no page has said');
-- where a midnight comes twice (Havana, 2026-11-01), or never (2026-03-08), a post is on its day
UPDATE trackagoat.organization SET timezone = 'America/Havana' WHERE id = :'org';
INSERT INTO trackagoat.video (project_id, tiktok_video_id, tracking_status, posted_at) VALUES (:'calendar', 621, 'included', '2026-11-01 03:59:59Z'), (:'calendar', 622, 'included', '2026-11-01 04:30Z'),
	(:'calendar', 623, 'included', '2026-11-01 05:30Z'), (:'calendar', 624, 'included', '2026-11-02 05:00Z');
SELECT is((SELECT string_agg(to_char(posted_at AT TIME ZONE 'America/Havana', 'MM-DD'), ' ' ORDER BY tiktok_video_id) FROM trackagoat.video WHERE tiktok_video_id BETWEEN 621 AND 624), '10-31 11-01 11-01 11-02', 'posts around a midnight that comes twice');
SELECT is(pg_temp.calendar(:'calendar', '2026-10-01'), '10-31 1 0 621', 'are each on their day');
SELECT is(pg_temp.calendar(:'calendar', '2026-11-01'), '11-01 2 0 622+623, 11-02 1 0 624', 'and in their month');
SELECT is(pg_temp.calendar(:'calendar', '2026-03-01', :'b'), '03-08 1 1 604, 03-09 1 1 605, 03-31 1 1 609', 'as they are around one that never comes');

SELECT * FROM finish();
ROLLBACK;
