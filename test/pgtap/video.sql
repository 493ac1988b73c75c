-- Videos: keys, rules, times, what counts.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name) VALUES ('O') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Q') RETURNING id AS other \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'goat') RETURNING id AS goat \gset

-- by project, for one added by URL; by creator
INSERT INTO trackagoat.video (project_id, tiktok_video_id, tiktok_handle)
SELECT :'project', tiktok_video_id, tiktok_handle FROM trackagoat.parse_video_url('https://www.tiktok.com/@sheep/video/7526770564367748360')
RETURNING id AS added \gset
SELECT is((org_id, creator_id, tracking_status, kind, tiktok_handle::text)::text, format('(%s,,direct_add,video,sheep)', :'org'), 'a video added by URL') FROM trackagoat.video WHERE id = :'added';
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'goat', 2, 'auto_tracked') RETURNING id AS found \gset
SELECT is((org_id, project_id)::text, format('(%s,%s)', :'org', :'project'), 'organization and project come from the creator') FROM trackagoat.video WHERE id = :'found';
SELECT is(num_nonnulls(view_count, like_count, comment_count, share_count, save_count, last_observed_at), 0, 'counters not seen yet are NULL') FROM trackagoat.video WHERE id = :'found';

SELECT is(pg_temp.refusal('INSERT INTO trackagoat.video (tiktok_video_id) VALUES (3)'), '23503 video_project_fkey', 'a video needs a project');
SELECT is(pg_temp.refusal('INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (gen_random_uuid(), 3)'), '23503 video_project_fkey', 'that exists');
SELECT is(pg_temp.refusal('INSERT INTO trackagoat.video (creator_id, tiktok_video_id) VALUES (gen_random_uuid(), 3)'), '23503 video_creator_fkey', 'or a creator that exists');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.video (project_id, creator_id, tiktok_video_id) VALUES (%L, %L, 3)', :'other', :'goat')), '23503 video_creator_fkey', 'of the same project');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.video (project_id) VALUES (%L)', :'project')), '23502', 'an id is needed');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (%L, %s)', :'project', id)), '23514 video_tiktok_video_id_check', format('%s is no id', id)) FROM unnest(ARRAY[0, -1]) id;
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (%L, 7526770564367748360)', :'project')), '23505 video_tiktok_video_id_key', 'a post is once in a project');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (%L, 7526770564367748360)', :'other')), 'accepted', 'and may be in another');
WITH again AS (INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'project', 2), (:'project', 4)
	ON CONFLICT (project_id, tiktok_video_id, org_id) DO NOTHING RETURNING tiktok_video_id)
SELECT is(array_agg(tiktok_video_id), ARRAY[4::bigint], 'ON CONFLICT DO NOTHING leaves out what is there') FROM again;
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.video SET kind = 'story' WHERE id = %L$$, :'added')), '23514 video_kind_check', 'a post is a video or a photo');
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.video SET kind = 'photo' WHERE id = %L$$, :'added')), 'accepted', 'a photo it may be');
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.video SET metadata = '1' WHERE id = %L$$, :'added')), '23514 video_metadata_check', 'metadata is an object');
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.video SET readme = %L WHERE id = %L$$, repeat('x', 65537), :'added')), '23514 video_readme_check', 'a readme has at most 64 KiB');
SELECT is(pg_temp.refusal(format($$UPDATE trackagoat.video SET %I = -1 WHERE id = %L$$, c, :'added')), '23514 video_counts_check', c || ' is not negative')
FROM unnest(ARRAY['view_count', 'like_count', 'comment_count', 'share_count', 'save_count']) c;

-- updated_at: what people change moves it, nothing else
CREATE FUNCTION pg_temp.moves(change text) RETURNS boolean LANGUAGE plpgsql AS
$$
DECLARE
	made uuid;
	moved boolean;
BEGIN
	BEGIN
		INSERT INTO trackagoat.video (project_id, tiktok_video_id, title, updated_at)
		SELECT p.id, 99, 'Mover', '2001-01-01' FROM trackagoat.project p WHERE p.name = 'P' RETURNING id INTO made;
		EXECUTE 'UPDATE trackagoat.video SET ' || change || ' WHERE id = $1' USING made;
		SELECT updated_at <> '2001-01-01' INTO moved FROM trackagoat.video WHERE id = made;
		RAISE SQLSTATE 'XX123';
	EXCEPTION WHEN SQLSTATE 'XX123' THEN
		RETURN moved;
	END;
END
$$;
SELECT ok(pg_temp.moves(change), change || ' moves updated_at')
FROM unnest(ARRAY[$$tracking_status = 'excluded'$$, $$readme = 'x'$$, $$metadata = '{"a": 1}'$$, 'tracking_disabled_at = now()']) change;
SELECT ok(NOT pg_temp.moves(change), change || ' does not move updated_at')
FROM unnest(ARRAY[$$title = 'x', view_count = 9, last_observed_at = now(), posted_at = now(), hashtags = '{a}', refresh_stopped_at = now()$$,
	$$tracking_status = tracking_status, readme = readme, metadata = '{}', tracking_disabled_at = NULL$$]) change;

-- what counts: one rule
SELECT is(array_agg(s ORDER BY s) FILTER (WHERE trackagoat.video_counts(s, NULL)), '{auto_tracked,included,direct_add}'::trackagoat.tracking_status[], 'which statuses count')
FROM unnest(enum_range(NULL::trackagoat.tracking_status)) s;
SELECT ok(bool_and(NOT trackagoat.video_counts(s, now())), 'none of a removed creator counts') FROM unnest(enum_range(NULL::trackagoat.tracking_status)) s;
SELECT is(array_agg(s ORDER BY s) FILTER (WHERE trackagoat.video_is_fetched(s, NULL, NULL)), '{auto_tracked,pending_review,included,direct_add}'::trackagoat.tracking_status[], 'which statuses are fetched')
FROM unnest(enum_range(NULL::trackagoat.tracking_status)) s;
SELECT ok(NOT trackagoat.video_is_fetched('included', now(), NULL) AND NOT trackagoat.video_is_fetched('included', NULL, now()), 'none that is disabled or expired is fetched');

-- a delete takes the history along
SELECT trackagoat.observe_video(:'added', now(), 1, 1, 1, 1, 1) AS stored \gset
DELETE FROM trackagoat.video WHERE id = :'added';
SELECT is(count(*), 0::bigint, 'a deleted video leaves no history') FROM trackagoat.video_snapshot WHERE video_id = :'added';

SELECT * FROM finish();
ROLLBACK;
