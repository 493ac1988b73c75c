-- Campaigns: items, cycles, what is below one, totals.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name) VALUES ('O') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'goat') RETURNING id AS goat \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'sheep') RETURNING id AS sheep \gset

-- campaigns by name
CREATE FUNCTION pg_temp.campaign(wanted text) RETURNS uuid LANGUAGE sql AS
$$ SELECT id FROM trackagoat.campaign WHERE name = wanted $$;
CREATE FUNCTION pg_temp.put(parent text, child text) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.refusal(format('INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (%L, %L)', pg_temp.campaign(parent), pg_temp.campaign(child))) $$;
CREATE FUNCTION pg_temp.tree(root text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(name || depth, ' ' ORDER BY depth, name) FROM trackagoat.campaign_tree(pg_temp.campaign(root)) JOIN trackagoat.campaign USING (id) $$;

INSERT INTO trackagoat.campaign (project_id, name) SELECT :'project', chr(ascii('a') + i) FROM generate_series(0, 7) i ORDER BY i;
SELECT is(org_id, :'org', 'the organization comes from the project') FROM trackagoat.campaign WHERE name = 'a';
SELECT is(pg_temp.refusal($$INSERT INTO trackagoat.campaign (project_id, name) VALUES (gen_random_uuid(), 'x')$$), '23503 campaign_project_fkey', 'the project must exist');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.campaign (project_id, name) VALUES (%L, %L)$$, :'project', n)), '23514 campaign_name_check', 'a name has 1 to 200 characters') FROM unnest(ARRAY['', repeat('x', 201)]) n;
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.campaign (project_id, name, target_views) VALUES (%L, 'x', 0)$$, :'project')), '23514 campaign_target_views_check', 'a target is positive');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.campaign (project_id, name, metadata) VALUES (%L, 'x', '[]')$$, :'project')), '23514 campaign_metadata_check', 'metadata is an object');

-- items: exactly one thing, once
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.campaign_item (campaign_id) VALUES (%L)', pg_temp.campaign('a'))), '23514 campaign_item_one_check', 'an item holds something');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.campaign_item (campaign_id, creator_id, child_campaign_id) VALUES (%L, %L, %L)', pg_temp.campaign('a'), :'goat', pg_temp.campaign('b'))), '23514 campaign_item_one_check', 'and one thing only');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (gen_random_uuid(), %L)', :'goat')), '23503 campaign_item_campaign_fkey', 'in a campaign that exists');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (%L, gen_random_uuid())', pg_temp.campaign('a'))), '23503 campaign_item_creator_fkey', 'a creator that exists');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (%L, gen_random_uuid())', pg_temp.campaign('a'))), '23503 campaign_item_video_fkey', 'or a video that exists');
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (%L, gen_random_uuid())', pg_temp.campaign('a'))), '23503 campaign_item_child_campaign_fkey', 'or a campaign that exists');
SELECT is(pg_temp.put('a', 'b'), 'accepted', 'a holds b');
SELECT is(pg_temp.put('a', 'b'), '23505 campaign_item_pkey', 'and holds it once');
WITH again AS (INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (pg_temp.campaign('a'), pg_temp.campaign('b')) ON CONFLICT (campaign_id, item_id, org_id) DO NOTHING RETURNING 1)
SELECT is(count(*), 0::bigint, 'ON CONFLICT DO NOTHING works') FROM again;
SELECT is((org_id, project_id)::text, format('(%s,%s)', :'org', :'project'), 'an item takes its keys from the campaign') FROM trackagoat.campaign_item;

-- cycles are refused, diamonds are not
SELECT is(pg_temp.put('a', 'a'), 'PT409 campaign_cycle', 'a campaign does not hold itself');
SELECT is(pg_temp.put('b', 'a'), 'PT409 campaign_cycle', 'nor one that holds it');
SELECT is(pg_temp.put(p, c), 'accepted', p || ' holds ' || c) FROM (VALUES ('b', 'c'), ('c', 'd'), ('a', 'e'), ('e', 'd'), ('a', 'd')) v (p, c);
SELECT is(pg_temp.put('d', p), 'PT409 campaign_cycle', 'd does not hold ' || p) FROM unnest(ARRAY['a', 'b', 'c', 'e', 'd']) p;
SELECT throws_ok(format('INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (%L, %L)', pg_temp.campaign('d'), pg_temp.campaign('a')), 'PT409', 'campaign_cycle', 'the refusal has its code');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.campaign_item SET child_campaign_id = %L WHERE campaign_id = %L', pg_temp.campaign('a'), pg_temp.campaign('c'))), 'PT409 campaign_cycle', 'an UPDATE of the child closes no cycle');
SELECT is(pg_temp.put('f', 'a'), 'accepted', 'f holds a');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.campaign_item SET campaign_id = %L WHERE campaign_id = %L', pg_temp.campaign('d'), pg_temp.campaign('f'))), 'PT409 campaign_cycle', 'nor does one of the parent');
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (%1$L, %2$L), (%2$L, %1$L)$$, pg_temp.campaign('g'), pg_temp.campaign('h'))), 'PT409 campaign_cycle', 'nor do two rows of one statement');
SELECT is(pg_temp.tree('g'), 'g0', 'and nothing of it is left');

-- the tree, each campaign once at its least depth
SELECT is(pg_temp.tree('a'), 'a0 b1 d1 e1 c2', 'the tree of a');
SELECT is(pg_temp.tree('d'), 'd0', 'the tree of a leaf');
SELECT is(count(*), 0::bigint, 'the tree of no campaign') FROM trackagoat.campaign_tree(gen_random_uuid());
SELECT is(count(*), 0::bigint, 'the tree of NULL') FROM trackagoat.campaign_tree(NULL);
DELETE FROM trackagoat.campaign WHERE name = 'b';
SELECT is(pg_temp.tree('a'), 'a0 d1 e1', 'a deleted campaign takes its items along, and not what they held');
SELECT is(count(*), 1::bigint, 'c is still there') FROM trackagoat.campaign WHERE name = 'c';
SELECT is(pg_temp.put('d', 'c'), 'PT409 campaign_cycle', 'the rest of a cycle counts still');

-- videos: each once, whatever leads to it, and only those that count
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) SELECT :'goat', ascii(s::text) * 100 + n, s
	FROM unnest(enum_range(NULL::trackagoat.tracking_status)) WITH ORDINALITY e (s, n);
INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'project', 1) RETURNING id AS single \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (:'sheep', 2, 'included') RETURNING id AS wool \gset
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) SELECT pg_temp.campaign(n), :'goat' FROM unnest(ARRAY['a', 'd', 'e']) n;
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT pg_temp.campaign(n), :'single' FROM unnest(ARRAY['a', 'd']) n;
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT pg_temp.campaign('d'), id FROM trackagoat.video WHERE creator_id = :'goat';
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (pg_temp.campaign('d'), :'wool');
SELECT set_eq(format('SELECT * FROM trackagoat.campaign_videos(%L)', pg_temp.campaign('a')),
	format($$SELECT id FROM trackagoat.video WHERE tracking_status IN ('auto_tracked', 'included', 'direct_add')$$), 'the videos of a');
SELECT is(count(*), count(DISTINCT video_id), 'each once') FROM trackagoat.campaign_videos(pg_temp.campaign('a'));
SELECT is(count(*), 5::bigint, 'all five of them') FROM trackagoat.campaign_videos(pg_temp.campaign('a'));
SELECT is(count(*), 0::bigint, 'no campaign has no videos') FROM trackagoat.campaign_videos(gen_random_uuid());
-- a video that one campaign holds by its creator and another does not count stays excluded everywhere
SELECT is(count(*), 0::bigint, 'an excluded video counts by no path') FROM trackagoat.campaign_videos(pg_temp.campaign('d')) JOIN trackagoat.video ON id = video_id WHERE tracking_status IN ('excluded', 'pending_review');

-- totals: sums over the set; NULL where nothing shows the counter; 0 for nothing at all
SELECT is(s::text, '(2,5,,,,,,)', 'videos without numbers have no totals') FROM trackagoat.campaign_stats(pg_temp.campaign('e')) s;
SELECT is(s::text, '(0,0,0,0,0,0,0,)', 'an empty campaign has zeros, and no rate') FROM trackagoat.campaign_stats(pg_temp.campaign('h')) s;
SELECT trackagoat.observe_videos(array_agg(id), array_agg(now()), array_agg(1000::bigint), array_agg(10::bigint), array_agg(1::bigint), NULL, array_agg(4::bigint)) AS n
FROM trackagoat.video WHERE creator_id = :'goat' \gset
SELECT trackagoat.observe_video(:'single', now(), 500, NULL, 7, NULL, NULL) AS n \gset
SELECT is(s::text, '(2,5,3500,30,10,,12,1.48571428571428571400)', 'the totals of a') FROM trackagoat.campaign_stats(pg_temp.campaign('a')) s;
SELECT is(engagement_rate, (likes + comments + saves)::numeric / views * 100, 'the rate is of what is known') FROM trackagoat.campaign_stats(pg_temp.campaign('a'));
SELECT is((s.views, s.videos)::text, '(3500,5)', 'f has the totals of a') FROM trackagoat.campaign_stats(pg_temp.campaign('f')) s;
SELECT trackagoat.observe_video(:'wool', now(), 9000000000000000, 0, 0, 0, 0) AS n \gset
SELECT is((views, shares)::text, '(9000000000003500,0)', 'large counts add up exactly') FROM trackagoat.campaign_stats(pg_temp.campaign('a'));
SELECT is(views, likes, 'no views, no rate') FROM trackagoat.campaign_stats(pg_temp.campaign('h')) WHERE engagement_rate IS NULL;

-- removed creators leave, disabled ones stay
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'sheep';
SELECT is(videos, 5::bigint, 'a disabled creator still counts') FROM trackagoat.campaign_stats(pg_temp.campaign('a'));
UPDATE trackagoat.creator SET removed_at = now() WHERE id = :'sheep';
SELECT is((creators, videos, views)::text, '(1,4,3500)', 'a removed one does not, even where the video itself is held') FROM trackagoat.campaign_stats(pg_temp.campaign('a'));
UPDATE trackagoat.creator SET removed_at = NULL WHERE id = :'sheep';
SELECT is((creators, videos)::text, '(2,5)', 'and does again') FROM trackagoat.campaign_stats(pg_temp.campaign('a'));
UPDATE trackagoat.video SET tracking_disabled_at = now(), refresh_stopped_at = now() WHERE id = :'single';
SELECT is(videos, 5::bigint, 'a video that is no longer fetched still counts') FROM trackagoat.campaign_stats(pg_temp.campaign('a'));
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (pg_temp.campaign('h'), :'sheep');
UPDATE trackagoat.video SET tracking_status = 'excluded' WHERE id = :'wool';
SELECT is((creators, videos, views)::text, '(1,0,0)', 'a creator without counted videos is a creator all the same') FROM trackagoat.campaign_stats(pg_temp.campaign('h'));
SELECT throws_ok('SELECT trackagoat.campaign_stats(gen_random_uuid())', 'PT404', 'campaign_not_found', 'totals of no campaign are refused');
SELECT is(s::text, NULL, 'those of NULL are NULL') FROM (SELECT trackagoat.campaign_stats(NULL)) q (s);

-- wide and deep: 300 below one, in a chain of 100 and beside it
INSERT INTO trackagoat.campaign (project_id, name) SELECT :'project', 'wide' || i FROM generate_series(0, 200) i;
INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) SELECT pg_temp.campaign('wide0'), pg_temp.campaign('wide' || i) FROM generate_series(1, 200) i;
INSERT INTO trackagoat.campaign (project_id, name) SELECT :'project', 'deep' || i FROM generate_series(0, 100) i;
INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) SELECT pg_temp.campaign('deep' || i - 1), pg_temp.campaign('deep' || i) FROM generate_series(1, 100) i;
SELECT is(pg_temp.put('wide200', 'deep0'), 'accepted', 'the chain hangs below the wide one');
SELECT is((count(*), count(DISTINCT id), max(depth))::text, '(302,302,102)', 'all are found, at their depth') FROM trackagoat.campaign_tree(pg_temp.campaign('wide0'));
SELECT is(pg_temp.put('deep100', 'wide0'), 'PT409 campaign_cycle', 'and no cycle is closed over all of them');
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (pg_temp.campaign('deep100'), :'goat');
SELECT is(views, 3000::numeric::bigint, 'what is at the end counts at the top') FROM trackagoat.campaign_stats(pg_temp.campaign('wide0'));

-- a row made in the same statement or function is seen
CREATE FUNCTION pg_temp.made_and_counted() RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
	c uuid;
BEGIN
	INSERT INTO trackagoat.campaign (project_id, name) SELECT project_id, 'made' FROM trackagoat.campaign WHERE name = 'a' RETURNING id INTO c;
	INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (c, pg_temp.campaign('a'));
	RETURN (SELECT videos FROM trackagoat.campaign_stats(c));
END
$$;
SELECT is(pg_temp.made_and_counted(), 4::bigint, 'a function sees what it made');

-- updated_at
UPDATE trackagoat.campaign SET updated_at = '2001-01-01' WHERE name = 'a';
SELECT is(updated_at, now(), 'a change moves updated_at') FROM trackagoat.campaign WHERE name = 'a';

SELECT * FROM finish();
ROLLBACK;
