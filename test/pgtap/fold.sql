-- Folding: what happens between two folds, or within one statement, leaves the
-- totals that the histories have.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

INSERT INTO trackagoat.organization (name, timezone) VALUES ('O', 'Europe/Vienna') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'a') RETURNING id AS a \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'b') RETURNING id AS b \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'a', 1, '2026-01-01Z') RETURNING id AS held \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'a', 2, '2026-01-01Z') RETURNING id AS other \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'holds the video') RETURNING id AS k \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'holds the creator') RETURNING id AS l \gset
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (:'k', :'held');
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'l', :'a');
SELECT trackagoat.observe_videos(ARRAY[:'held', :'other']::uuid[], ARRAY['2026-01-02Z', '2026-01-02Z']::timestamptz[], ARRAY[100, 100], NULL, NULL, NULL, NULL) AS n \gset
CREATE FUNCTION pg_temp.views(campaign uuid) RETURNS bigint LANGUAGE sql AS $$ SELECT views FROM trackagoat.campaign_stats(campaign) $$;
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is((pg_temp.views(:'k'), pg_temp.views(:'l'))::text, '(100,200)', 'to begin with');
SELECT is(trackagoat.refresh_totals(), 0::bigint, 'nothing is left to fold');

-- within one statement
WITH i AS (INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'a', 3, '2026-01-01Z') RETURNING id)
SELECT trackagoat.observe_video(id, '2026-01-03Z', 1000, NULL, NULL, NULL, NULL) AS n, id AS third FROM i \gset
SELECT is(pg_temp.views(:'l'), 1200::bigint, 'a video that is observed by the statement that inserts it counts once');
WITH u AS (UPDATE trackagoat.video SET tracking_status = 'excluded' WHERE id = :'other' RETURNING id)
SELECT trackagoat.observe_video(id, '2026-01-03Z', 5000, NULL, NULL, NULL, NULL) AS n FROM u \gset
SELECT is(pg_temp.views(:'l'), 1100::bigint, 'one that the same statement excludes and observes leaves with what it had');
WITH u AS (UPDATE trackagoat.video SET tracking_status = 'included' WHERE id = :'other' RETURNING id)
SELECT trackagoat.observe_video(id, '2026-01-04Z', 6000, NULL, NULL, NULL, NULL) AS n FROM u \gset
SELECT is(pg_temp.views(:'l'), 7100::bigint, 'and comes back with all of it');
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'which the histories say too');
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'folded as well');

-- a creator is removed, and a held video leaves it, between two folds
UPDATE trackagoat.video SET creator_id = :'b' WHERE id = :'held';
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'a';
SELECT is((pg_temp.views(:'k'), pg_temp.views(:'l'))::text, '(100,0)', 'a held video that left before counts on');
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is((pg_temp.views(:'k'), pg_temp.views(:'l'))::text, '(100,0)', 'folded as well');
UPDATE trackagoat.video SET creator_id = :'a' WHERE id = :'held';
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is(pg_temp.views(:'k'), 0::bigint, 'back with the removed creator it does not');
UPDATE trackagoat.creator SET removed_at = NULL WHERE id = :'a';
UPDATE trackagoat.video SET creator_id = :'b' WHERE id = :'held';
SELECT is((pg_temp.views(:'k'), pg_temp.views(:'l'))::text, '(100,7000)', 'nor does it get lost when the creator is restored and it leaves again');
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is((pg_temp.views(:'k'), pg_temp.views(:'l'))::text, '(100,7000)', 'folded as well');
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'and all agrees');

-- the ends of time, in zones east and west of UTC
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'b', 4, 'infinity'), (:'b', 5, '-infinity'), (:'b', 6, '9999-12-31 23:59Z');
SELECT trackagoat.observe_video(id, '0001-01-01 00:00Z', 5, NULL, NULL, NULL, NULL) AS n FROM trackagoat.video WHERE tiktok_video_id = 5 \gset
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is_empty('SELECT * FROM trackagoat.verify()', format('the ends of time fold in %s', timezone)) FROM trackagoat.organization;
SELECT set_eq($$SELECT day FROM trackagoat.entity_days('project', (SELECT id FROM trackagoat.project), to_date => '2000-01-01')$$, ARRAY['0001-01-01'::date], 'on the first day');
UPDATE trackagoat.organization SET timezone = 'America/New_York';
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is_empty('SELECT * FROM trackagoat.verify()', format('and in %s', timezone)) FROM trackagoat.organization;
DELETE FROM trackagoat.video WHERE tiktok_video_id IN (4, 5, 6);

-- one project's trouble is its own
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Q') RETURNING id AS bad \gset
INSERT INTO trackagoat.total_difference (org_id, project_id, video_id, differences) VALUES (:'org', :'bad', gen_random_uuid(), '2; 2026-01-01T00:00:00Z 1,1');
SELECT trackagoat.observe_video(:'held', '2026-01-09Z', 109, NULL, NULL, NULL, NULL) AS n \gset
SET client_min_messages = error;
SELECT is(trackagoat.fold_waiting(), 1, 'what can be folded is folded');
RESET client_min_messages;
SELECT is(count(*), 1::bigint, 'what cannot waits') FROM trackagoat.total_difference;
DELETE FROM trackagoat.total_difference;
SELECT is(pg_temp.views(:'k'), 109::bigint, 'of the other nothing is lost');

-- TRUNCATE, of totals too
TRUNCATE trackagoat.total CASCADE;
SELECT is(pg_temp.views(:'k'), 109::bigint, 'without totals the histories answer');
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'from which they come again');

-- refusals
SELECT throws_ok($$SELECT trackagoat.observe(NULL, '{}', '{}', NULL, NULL, NULL, NULL, NULL, 'x', true, NULL)$$, '22004', NULL, 'no entity');
SELECT throws_ok(format($$SELECT trackagoat.observe('goat', ARRAY[%L]::uuid[], ARRAY[now()], NULL, NULL, NULL, NULL, NULL, 'x', true, NULL)$$, :'held'), 'PT400', 'invalid_entity', 'or none that has a history');
SELECT is_empty($$SELECT z.name, t FROM pg_timezone_names z, unnest(ARRAY['2025-01-16 00:30Z', '2025-07-16 22:30Z']::timestamptz[]) t,
	trackagoat.series_buckets(trackagoat.series_append(trackagoat.series(1), t, ARRAY[1]), 'day', z.name) b
	WHERE trackagoat.is_timezone(z.name) AND z.name !~ '^posix' AND b.bucket <> (t AT TIME ZONE z.name)::date$$, 'no zone is accepted that SQL takes for another');
SELECT throws_ok('SELECT trackagoat.refresh_totals(gen_random_uuid())', 'PT404', 'project_not_found', 'totals of no project');

-- whatever other triggers make of a row
CREATE FUNCTION pg_temp.exclude_ads() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
	IF NEW.is_ad THEN
		NEW.tracking_status := 'excluded';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER ads BEFORE UPDATE ON trackagoat.video FOR EACH ROW EXECUTE FUNCTION pg_temp.exclude_ads();
UPDATE trackagoat.video SET is_ad = true WHERE id = :'held';
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'a status that a trigger sets is seen');
DROP TRIGGER ads ON trackagoat.video;
CREATE FUNCTION pg_temp.remove() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.removed_at := now(); RETURN NEW; END $$;
CREATE TRIGGER gone BEFORE UPDATE ON trackagoat.creator FOR EACH ROW EXECUTE FUNCTION pg_temp.remove();
UPDATE trackagoat.creator SET readme = 'x' WHERE id = :'b';
DROP TRIGGER gone ON trackagoat.creator;
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'a removal too');
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'folded as well');

-- creators and campaigns stay where they are
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Q') RETURNING id AS other_project \gset
SELECT throws_ok(format('UPDATE trackagoat.%I SET project_id = %L', t, :'other_project'), 'PT409', 'other_project', format('a %s stays in its project', t))
FROM unnest(ARRAY['creator', 'campaign']) t;

-- one id for all kinds, as imports give
INSERT INTO trackagoat.project (id, org_id, name) VALUES ('00000000-0000-0000-0000-000000000001', :'org', 'R');
INSERT INTO trackagoat.creator (id, project_id, tiktok_handle) SELECT id, id, 'same' FROM trackagoat.project WHERE name = 'R';
INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT id, 'another' FROM trackagoat.project WHERE name = 'R';
INSERT INTO trackagoat.campaign (id, project_id, name) SELECT id, id, 'same' FROM trackagoat.project WHERE name = 'R';
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) SELECT c.project_id, c.id FROM trackagoat.creator c WHERE c.tiktok_handle::text = 'another';
INSERT INTO trackagoat.video (creator_id, tiktok_video_id) SELECT c.id, 100 + row_number() OVER () FROM trackagoat.creator c WHERE c.tiktok_handle::text IN ('same', 'another');
SELECT trackagoat.observe_videos(array_agg(v.id), array_agg('2026-01-02Z'::timestamptz), array_agg(c.views), NULL, NULL, NULL, NULL) AS n
FROM trackagoat.video v JOIN (SELECT k.id, CASE WHEN k.tiktok_handle::text = 'same' THEN 7 ELSE 100 END AS views FROM trackagoat.creator k) c ON c.id = v.creator_id
WHERE v.project_id = '00000000-0000-0000-0000-000000000001' \gset
SELECT trackagoat.refresh_totals() AS n \gset
SELECT is(pg_temp.views('00000000-0000-0000-0000-000000000001'), 100::bigint, 'a campaign with the id of its project has its own totals');
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'and so has a creator with it');
SELECT trackagoat.rebuild_totals() AS n \gset
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'computed anew as well');

SELECT * FROM finish();
ROLLBACK;
