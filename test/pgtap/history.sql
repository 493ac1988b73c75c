-- Histories: the open row and the sealed ones behind it, imports into the
-- past, what is forgotten, a new handle, sources, and verify().
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SET timezone TO 'UTC';
SET jit TO off;
SELECT no_plan();

INSERT INTO trackagoat.organization (name) VALUES ('O') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Other') RETURNING id AS other \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'goat') RETURNING id AS goat \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) SELECT :'goat', n, '2026-01-01Z' FROM generate_series(1, 40) n;
INSERT INTO trackagoat.video (project_id, tiktok_video_id, posted_at) VALUES (:'other', 1, '2026-01-01Z');

-- a video by its number, and the rows of its history: how many points each has
CREATE FUNCTION pg_temp.video(n bigint) RETURNS uuid LANGUAGE sql AS
$$ SELECT v.id FROM trackagoat.video v JOIN trackagoat.project p ON p.id = v.project_id WHERE p.name = 'P' AND v.tiktok_video_id = n $$;
CREATE VIEW pg_temp.part AS
SELECT 'video' AS entity, h.video_id AS id, h.started_at, h.points, h.started_at = 'infinity' AS is_open FROM trackagoat.video_history h
UNION ALL SELECT 'creator', h.creator_id, h.started_at, h.points, h.started_at = 'infinity' FROM trackagoat.creator_history h;
-- What no history may have: a row that does not begin where it says, does not
-- go on where the one before it ends, is large, or has no open row behind it.
CREATE FUNCTION pg_temp.unsound() RETURNS TABLE (problem text) LANGUAGE sql AS
$$
	WITH chain AS (
		SELECT p.*, (SELECT min(observed_at) FROM trackagoat.series_points(p.points)) AS first, (SELECT max(observed_at) FROM trackagoat.series_points(p.points)) AS last,
			(SELECT count(*) FROM trackagoat.series_points(p.points)) AS n,
			lag(trackagoat.series_at(points, 'infinity')) OVER w AS before, row_number() OVER w AS place, row_number() OVER w = count(*) OVER (PARTITION BY entity, id) AS is_last,
			lag((SELECT max(observed_at) FROM trackagoat.series_points(p.points))) OVER w AS last_before
		FROM pg_temp.part p WINDOW w AS (PARTITION BY entity, id ORDER BY started_at))
	SELECT format('%s %s %s: %s', entity, id, started_at, p.problem) FROM chain, LATERAL (VALUES
		(NOT is_open AND first IS DISTINCT FROM started_at, 'begins elsewhere'),
		(place > 1 AND trackagoat.series_anchor(points) IS DISTINCT FROM before, 'its anchor is not the end of the one before'),
		(first <= last_before, 'begins before the one before ends'),
		(is_open <> is_last, 'the open one is not the last, or there is none'),
		(is_open AND n > 15, 'too many open points'),
		(pg_column_size(points) > 2000, 'large')) p (wrong, problem) WHERE p.wrong
$$;
-- a plain copy of what was observed, and how the history differs from it
CREATE TEMP TABLE seen (video uuid, at timestamptz, n bigint[], exact boolean, source text, PRIMARY KEY (video, at));
CREATE FUNCTION pg_temp.see(video uuid, at timestamptz, n bigint[], source text = 'import', exact boolean = true) RETURNS integer LANGUAGE sql AS
$$
	INSERT INTO seen AS s VALUES (see.video, see.at, see.n, see.exact, see.source)
	ON CONFLICT ON CONSTRAINT seen_pkey DO UPDATE SET exact = excluded.exact, source = excluded.source,
		n = ARRAY(SELECT coalesce(a.new, a.old) FROM unnest(excluded.n, s.n) WITH ORDINALITY a (new, old, i) ORDER BY i);
	SELECT trackagoat.observe_video(see.video, see.at, see.n[1], see.n[2], see.n[3], see.n[4], see.n[5], see.source, see.exact)
$$;
CREATE FUNCTION pg_temp.differing() RETURNS TABLE (difference text) LANGUAGE sql AS
$$
	WITH ours AS (SELECT video_id, observed_at, ARRAY[view_count, like_count, comment_count, share_count, save_count] AS n, exact, source, is_baseline FROM trackagoat.video_snapshot),
	theirs AS (SELECT video, at, n, exact, source,
		EXISTS (SELECT FROM generate_series(1, 5) c WHERE s.n[c] IS NOT NULL AND NOT EXISTS (SELECT FROM seen b WHERE b.video = s.video AND b.at < s.at AND b.n[c] IS NOT NULL)) FROM seen s)
	SELECT coalesce('ours ' || o::text, 'theirs ' || t::text) FROM ours o
	FULL JOIN theirs t ON t.video = o.video_id AND t.at = o.observed_at AND t.n IS NOT DISTINCT FROM o.n AND (t.exact, t.source, t.exists) = (o.exact, o.source, o.is_baseline)
	WHERE o.video_id IS NULL OR t.video IS NULL
	UNION ALL
	SELECT format('current of %s', v.id) FROM trackagoat.video v WHERE ARRAY[v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count]
		IS DISTINCT FROM ARRAY(SELECT (SELECT s.n[c] FROM seen s WHERE s.video = v.id AND s.n[c] IS NOT NULL ORDER BY s.at DESC LIMIT 1) FROM generate_series(1, 5) c)
		OR v.last_observed_at IS DISTINCT FROM (SELECT max(s.at) FROM seen s WHERE s.video = v.id)
$$;
CREATE FUNCTION pg_temp.all_is_well(what text) RETURNS SETOF text LANGUAGE sql AS
$$
	SELECT is_empty('SELECT * FROM pg_temp.differing()', what || ': the history is what was observed')
	UNION ALL SELECT is_empty('SELECT * FROM pg_temp.unsound()', what || ': its rows are sound')
	UNION ALL SELECT is_empty('SELECT * FROM trackagoat.verify()', what || ': and verify() agrees');
$$;
SELECT pg_temp.all_is_well('nothing observed');

-- the open row takes the first points, and is sealed when it is full
CREATE TEMP TABLE filling (n bigint, i integer, open integer, sealed integer);
-- after each day, as a statement of its own would see it
CREATE FUNCTION pg_temp.fill(day integer) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM pg_temp.see(pg_temp.video(n), '2026-02-01Z'::timestamptz + day * interval '1 day', ARRAY[day * 100 + n, day, NULL, 0, n]) FROM generate_series(1, 40) n;
	INSERT INTO filling SELECT n, day, count(*) FILTER (WHERE is_open), count(*) FILTER (WHERE NOT is_open)
	FROM generate_series(1, 40) n JOIN pg_temp.part p ON p.id = pg_temp.video(n), trackagoat.series_points(p.points) GROUP BY n;
END
$$;
SELECT count(pg_temp.fill(i)) AS n FROM generate_series(1, 16) i \gset
SELECT is(count(*), 0::bigint, 'every point is in one row') FROM filling WHERE open + sealed <> i;
SELECT is(count(*), 0::bigint, 'seven points are never sealed') FROM filling WHERE i < 8 AND sealed > 0;
SELECT is(count(*), 40::bigint, 'sixteen always are') FROM filling WHERE i = 16 AND sealed > 0;
SELECT is(count(*), 0::bigint, 'from 8 to 15 points fill the open row') FROM (SELECT max(open) AS most FROM filling GROUP BY n) f WHERE most NOT BETWEEN 8 AND 15;
SELECT cmp_ok(count(DISTINCT most), '>', 3::bigint, 'and not for all the same number') FROM (SELECT max(open) AS most FROM filling GROUP BY n) f;
SELECT pg_temp.all_is_well('sixteen days of forty videos');

-- a long one of large and jumpy numbers: many rows, each small, none toasted
SELECT pg_temp.video(1) AS one, pg_temp.video(2) AS two, pg_temp.video(3) AS three, pg_temp.video(4) AS four, pg_temp.video(5) AS five \gset
SELECT sum(pg_temp.see(:'one', '2026-03-01Z'::timestamptz + i * interval '61 minutes 1.000001 seconds', ARRAY[abs(hashint8extended(i, 1) % (1::bigint << (i % 62))), abs(hashint8extended(i, 2) % 1000000000),
	nullif(i % 7, 0), abs(hashint8extended(i, 3) / 2), CASE WHEN i % 5 > 0 THEN i END]::bigint[], CASE WHEN i % 50 = 0 THEN 'oembed' ELSE 'item_list' END, i % 11 > 0)) AS n FROM generate_series(1, 500) i \gset
SELECT cmp_ok(count(*), '>', 5::bigint, 'a long history has several rows') FROM pg_temp.part WHERE id = :'one';
SELECT cmp_ok(max(pg_column_size(points)), '<', 2000, 'of less than 2000 bytes each') FROM pg_temp.part;
SELECT is(pg_relation_size(c.reltoastrelid), 0::bigint, 'and none in the toast table of ' || c.relname) FROM pg_class c WHERE c.oid IN ('trackagoat.video_history'::regclass, 'trackagoat.creator_history'::regclass);
SELECT pg_temp.all_is_well('a long history');
-- the same in one statement, in any order
SELECT trackagoat.observe_videos(array_agg(:'two'::uuid), array_agg(at), array_agg(n[1]), array_agg(n[2]), array_agg(n[3]), array_agg(n[4]), array_agg(n[5]), 'item_list') AS n
FROM (SELECT * FROM seen WHERE video = :'one' AND at > '2026-03-01Z' ORDER BY md5(at::text)) s \gset
INSERT INTO seen SELECT :'two', at, n, true, 'item_list' FROM seen WHERE video = :'one' AND at > '2026-03-01Z';
SELECT is(:n, 500, 'five hundred points at once');
SELECT pg_temp.all_is_well('many at once');

-- imports into the past: before all, between sealed rows, into one, into the open row, onto a point
SELECT sum(pg_temp.see(:'one', at, ARRAY[17, NULL, 3, 5, NULL])) AS n FROM unnest(ARRAY['2025-12-31Z', '2026-02-10 12:00Z', '2026-02-28Z', '2026-03-10 00:00:00.5Z']::timestamptz[]) at \gset
SELECT pg_temp.all_is_well('single points into the past');
SELECT sum(pg_temp.see(:'one', at, ARRAY[NULL, 18, NULL, NULL, 99], 'embed_video', false)) AS n FROM (SELECT at FROM seen WHERE video = :'one' ORDER BY at LIMIT 1) s \gset
SELECT sum(pg_temp.see(:'one', at, ARRAY[19, NULL, NULL, NULL, 99])) AS n FROM (SELECT at FROM seen WHERE video = :'one' ORDER BY at DESC LIMIT 1) s \gset
SELECT sum(pg_temp.see(:'one', at, ARRAY[20, NULL, NULL, NULL, 99])) AS n FROM (SELECT at FROM seen WHERE video = :'one' ORDER BY at OFFSET 250 LIMIT 1) s \gset
SELECT pg_temp.all_is_well('points that are there already');
SELECT trackagoat.observe_videos(array_agg(:'one'::uuid), array_agg(at), array_agg(views), NULL, NULL, NULL, NULL) AS n
FROM (SELECT '2025-11-01Z'::timestamptz + i * interval '18 hours', i * 3 FROM generate_series(300, 1, -1) i) h (at, views) \gset
INSERT INTO seen SELECT :'one', '2025-11-01Z'::timestamptz + i * interval '18 hours', ARRAY[i * 3, NULL, NULL, NULL, NULL], true, 'import' FROM generate_series(1, 300) i
ON CONFLICT (video, at) DO UPDATE SET n = ARRAY[excluded.n[1]] || seen.n[2:5], exact = true, source = 'import';
SELECT pg_temp.all_is_well('a history before and among another');
-- a video seen for the first time, backwards
SELECT sum(pg_temp.see(:'three', '2025-01-01Z'::timestamptz - i * interval '1 hour', ARRAY[1000 - i, 1000 - i, NULL, i, NULL])) AS n FROM generate_series(1, 60) i \gset
SELECT pg_temp.all_is_well('backwards');

-- windows: from a time to before another, in order
SELECT results_eq(format('SELECT observed_at, view_count FROM trackagoat.video_snapshots(%L, %L, %L)', :'one', f, t),
	format('SELECT at, n[1] FROM seen WHERE video = %L AND at >= %L AND at < %L ORDER BY at', :'one', f, t), format('from %s to %s', f, t))
FROM (VALUES ('-infinity'::timestamptz, 'infinity'::timestamptz), ('2026-02-03Z', '2026-02-05Z'), ('2026-02-03Z', '2026-02-03Z'), ('2026-02-03 00:00:00.000001Z', '2026-02-05 00:00:00.000001Z'), ('2026-03-05Z', '2026-03-15Z'), ('2027-01-01Z', 'infinity')) w (f, t);
SELECT is(count(*), (SELECT count(*) FROM seen WHERE video = :'one'), 'without times all') FROM trackagoat.video_snapshots(:'one');
SELECT is(count(*), 0::bigint, 'none of no video') FROM trackagoat.video_snapshots(gen_random_uuid());
SET LOCAL enable_seqscan = off;
CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS
$$ DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (COSTS OFF, FORMAT JSON) ' || query INTO plan; RETURN plan; END $$;
SELECT matches(pg_temp.plan(format('SELECT * FROM trackagoat.video_snapshot WHERE video_id = %L', :'one')), 'video_history_pkey', 'a condition on the video uses its index');
SELECT matches(pg_temp.plan(format('SELECT * FROM trackagoat.creator_snapshot WHERE creator_id = %L', :'goat')), 'creator_history_pkey', 'and so one on the creator');
RESET enable_seqscan;

-- forgetting: as if it had never been
CREATE FUNCTION pg_temp.forget(video uuid, from_time timestamptz, to_time timestamptz) RETURNS SETOF text LANGUAGE sql AS
$$
	DELETE FROM seen s WHERE s.video = forget.video AND s.at >= from_time AND s.at < to_time;
	SELECT trackagoat.unobserve_video(video, from_time, to_time);
	SELECT pg_temp.all_is_well(format('without %s to %s', from_time, to_time));
$$;
SELECT pg_temp.forget(:'one', f, t) FROM (VALUES (1, '2026-03-10Z'::timestamptz, '2026-03-12Z'::timestamptz), (2, '2026-02-03Z', '2026-02-03 00:00:00.000001Z'), (3, '2026-02-04Z', '2026-02-04Z'), (4, '2026-05-01Z', '2026-04-01Z'),
	(5, '2026-03-21 12:00Z', 'infinity'), (6, '-infinity', '2025-12-01Z'), (7, '2030-01-01Z', 'infinity')) w (n, f, t) ORDER BY n;
SELECT pg_temp.forget(:'three', '-infinity', 'infinity');
SELECT is((view_count, last_observed_at)::text, '(,)', 'a video of which all is forgotten was never seen') FROM trackagoat.video WHERE id = :'three';
SELECT pg_temp.see(:'three', '2026-01-05Z', ARRAY[5, NULL, NULL, NULL, NULL]) AS n \gset
SELECT ok(is_baseline, 'and begins anew') FROM trackagoat.video_snapshots(:'three');
SELECT pg_temp.all_is_well('begun anew');
SELECT throws_ok($$SELECT trackagoat.unobserve_video(gen_random_uuid(), '-infinity', 'infinity')$$, 'PT404', 'video_not_found', 'nothing to forget of no video');
SELECT throws_ok($$SELECT trackagoat.unobserve_creator(gen_random_uuid(), '-infinity', 'infinity')$$, 'PT404', 'creator_not_found', 'nor of no creator');
SELECT is(count(*), (SELECT count(*) FROM seen WHERE video = :'two'), 'a time that is NULL forgets nothing') FROM trackagoat.video_snapshots(:'two'), (SELECT trackagoat.unobserve_video(:'two', NULL, 'infinity')) n;
-- a video that was never observed
SELECT trackagoat.unobserve_video(id, '-infinity', 'infinity') AS n FROM trackagoat.video WHERE project_id = :'other' \gset
SELECT pg_temp.all_is_well('nothing to forget');

-- sources: a number each, given at the first use, the names stay
SELECT sum(pg_temp.see(:'four', '2026-04-01Z'::timestamptz + i * interval '1 day', ARRAY[i, i, i, i, i], 'sheet ' || i)) AS n FROM generate_series(1, 30) i \gset
SELECT pg_temp.all_is_well('thirty sources');
SELECT is((count(*), min(id) >= 16)::text, '(30,t)', 'each has a number of its own') FROM trackagoat.observation_source WHERE source LIKE 'sheet %';
SELECT is(trackagoat.observation_source_id('sheet 7'), id::integer, 'and keeps it') FROM trackagoat.observation_source WHERE source = 'sheet 7';
SELECT is(count(*), 30::bigint, 'which histories hold') FROM trackagoat.video_history h, trackagoat.series_points(h.points) p JOIN trackagoat.observation_source s ON s.id = p.source
WHERE h.video_id = :'four' AND s.source LIKE 'sheet %';

-- creators: a new handle may be another account, its first level is a baseline
SELECT trackagoat.observe_creators(array_agg(:'goat'::uuid), array_agg('2026-05-01Z'::timestamptz + i * interval '1 day'), array_agg(i * 100), array_agg(i), NULL, array_agg(3)) AS n FROM generate_series(1, 40) i \gset
SELECT is((count(*), count(*) FILTER (WHERE is_baseline), max(follower_count))::text, '(40,1,4000)', 'one baseline, and gains') FROM trackagoat.creator_snapshot WHERE creator_id = :'goat';
SELECT is_empty('SELECT * FROM pg_temp.unsound()', 'the rows of a creator are sound');
SELECT set_eq(format($$SELECT observed_at, follower_count FROM trackagoat.creator_snapshots(%L, '2026-05-05Z', '2026-05-08Z')$$, :'goat'),
	$$VALUES ('2026-05-05Z'::timestamptz, 400::bigint), ('2026-05-06Z', 500), ('2026-05-07Z', 600)$$, 'a window of a creator');
UPDATE trackagoat.creator SET tiktok_handle = 'billy' WHERE id = :'goat' RETURNING baseline_at AS renamed \gset
SELECT is((follower_count, following_count, video_count, last_observed_at)::text, '(,,,)', 'nothing is known of the new account') FROM trackagoat.creator WHERE id = :'goat';
SELECT is(count(*), 40::bigint, 'a break is no observation') FROM trackagoat.creator_snapshot WHERE creator_id = :'goat';
SELECT is(count(*), 1::bigint, 'but is in the history') FROM trackagoat.creator_history h, trackagoat.series_points(h.points) p WHERE h.creator_id = :'goat' AND p.is_break AND p.observed_at = :'renamed';
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'verify() agrees after a rename');
SELECT trackagoat.observe_creator(:'goat', :'renamed'::timestamptz + interval '1 hour', 7, NULL, NULL, NULL) AS n \gset
SELECT trackagoat.observe_creator(:'goat', :'renamed'::timestamptz + interval '2 hours', 9, 1, NULL, NULL) AS n \gset
SELECT is((follower_count, following_count, video_count)::text, '(9,1,)', 'only what was seen since is known') FROM trackagoat.creator WHERE id = :'goat';
SELECT results_eq(format('SELECT follower_count, is_baseline FROM trackagoat.creator_snapshots(%L, %L)', :'goat', :'renamed'), $$VALUES (7::bigint, true), (9, true)$$, 'the first value of each counter is a baseline again');
SELECT is(trackagoat.series_gain(h.points, :'renamed', 'infinity'), ARRAY[2, 0, 0, 0]::bigint[], 'and no gain') FROM trackagoat.creator_history h WHERE h.creator_id = :'goat' AND started_at = 'infinity';
-- an import of the old account's past changes nothing of the present
SELECT trackagoat.observe_creator(:'goat', '2026-04-01Z', 50, 1, 1, 1) AS n \gset
SELECT trackagoat.observe_creator(:'goat', :'renamed'::timestamptz - interval '1 second', 4100, 1, 1, 1) AS n \gset
SELECT is((follower_count, following_count, total_likes_count, video_count)::text, '(9,1,,)', 'what was before the break stays there') FROM trackagoat.creator WHERE id = :'goat';
SELECT is_empty('SELECT * FROM pg_temp.unsound()', 'the rows are sound with a break among them');
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'and verify() agrees');
-- twice, and many points after it
SELECT trackagoat.unobserve_creator(:'goat', :'renamed'::timestamptz + interval '1 microsecond', 'infinity') AS n \gset
SELECT is((follower_count, following_count, last_observed_at)::text, '(,,)', 'what was seen since the break is forgotten, the break is not') FROM trackagoat.creator WHERE id = :'goat';
UPDATE trackagoat.creator SET tiktok_handle = 'willy' WHERE id = :'goat' RETURNING baseline_at AS again \gset
UPDATE trackagoat.creator SET tiktok_handle = 'Willy' WHERE id = :'goat';
SELECT is(count(*), 2::bigint, 'the same handle in other letters is no break') FROM trackagoat.creator_history h, trackagoat.series_points(h.points) p WHERE h.creator_id = :'goat' AND p.is_break;
SELECT sum(trackagoat.observe_creator(:'goat', now() + interval '1 hour' + i * interval '1 minute', i, NULL, NULL, 5)) AS n FROM generate_series(1, 30) i \gset
SELECT is_empty('SELECT * FROM pg_temp.unsound()', 'a break is sealed with what follows it');
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'and verify() agrees');
SELECT is(sum((trackagoat.series_gain(h.points, :'again', 'infinity'))[1]), 29::numeric, 'thirty points after it gain from the first of them on') FROM trackagoat.creator_history h WHERE h.creator_id = :'goat';
SELECT trackagoat.unobserve_creator(:'goat', '-infinity', 'infinity') AS n \gset
SELECT is((SELECT count(*) FROM trackagoat.creator_snapshot WHERE creator_id = :'goat') + num_nonnulls(follower_count, video_count, last_observed_at), 0::bigint, 'all of a creator is forgotten') FROM trackagoat.creator WHERE id = :'goat';
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'and verify() agrees');

-- verify() finds what somebody else has written
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'C') RETURNING id AS campaign \gset
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'campaign', :'goat');
SELECT trackagoat.observe_creator(:'goat', now() + interval '2 hours', 50, 1, 1, 1) AS n \gset
SELECT trackagoat.refresh_totals() AS n \gset
SELECT pg_temp.all_is_well('before the damage');
-- what verify() says after a statement, and after rebuild_totals() as well; both are undone
CREATE FUNCTION pg_temp.found(damage text, rebuild boolean = false, of_project uuid = NULL) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	problems text;
	n bigint;
BEGIN
	EXECUTE damage;
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n = 0 THEN
		RETURN 'no damage done';
	END IF;
	IF rebuild THEN
		PERFORM trackagoat.rebuild_totals();
	END IF;
	SELECT string_agg(DISTINCT v.entity || ': ' || regexp_replace(v.problem, '^\d+ ', 'n '), '; ' ORDER BY v.entity || ': ' || regexp_replace(v.problem, '^\d+ ', 'n ')) INTO problems
	FROM trackagoat.verify(of_project) v;
	RAISE SQLSTATE 'XX123' USING MESSAGE = coalesce(problems, 'none');
EXCEPTION WHEN SQLSTATE 'XX123' THEN
	RETURN SQLERRM;
END
$$;
SELECT is(pg_temp.found(damage), problems, 'found: ' || damage) FROM (VALUES
	(format('UPDATE trackagoat.video SET view_count = view_count + 1 WHERE id = %L', :'two'), 'video: the current counters are not those of the history'),
	(format('UPDATE trackagoat.video SET save_count = NULL WHERE id = %L', :'one'), 'video: the current counters are not those of the history'),
	(format('UPDATE trackagoat.creator SET follower_count = 51 WHERE id = %L', :'goat'), 'creator: the current counters are not those of the history'),
	(format($$UPDATE trackagoat.video_history SET points = trackagoat.series_append(points, '2027-01-01Z', '{1,2,3,4,5}') WHERE video_id = %L AND started_at = 'infinity'$$, :'two'),
		'campaign: n days differ from the histories; campaign: the lifetime totals differ from the histories; creator: n days differ from the histories; creator: the lifetime totals differ from the histories; project: n days differ from the histories; project: the lifetime totals differ from the histories; video: the current counters are not those of the history'),
	(format($$DELETE FROM trackagoat.creator_history WHERE creator_id = %L$$, :'goat'), 'creator: the current counters are not those of the history'),
	($$UPDATE trackagoat.total SET views = views + 1 WHERE entity = 'campaign'$$, 'campaign: the lifetime totals differ from the histories'),
	($$UPDATE trackagoat.total SET known_saves = known_saves - 1 WHERE entity = 'creator'$$, 'creator: the lifetime totals differ from the histories'),
	($$UPDATE trackagoat.total SET creators = creators + 1 WHERE entity = 'campaign'$$, 'campaign: the number of creators differs from the items'),
	($$DELETE FROM trackagoat.total WHERE entity = 'creator'$$, 'creator: n days differ from the histories; creator: the lifetime totals differ from the histories'),
	(format($$DELETE FROM trackagoat.total_month WHERE entity_id = %L AND month = '2026-03-01'$$, :'project'), 'project: n days differ from the histories'),
	(format($$INSERT INTO trackagoat.total SELECT gen_random_uuid(), org_id, project_id, 'campaign', true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 'UTC' FROM trackagoat.total WHERE entity_id = %L$$, :'project'), 'campaign: totals of what is not there any more')) d (damage, problems);
SELECT matches(pg_temp.found(format($$DELETE FROM trackagoat.video_history WHERE video_id = %L AND started_at = (SELECT min(started_at) FROM trackagoat.video_history WHERE video_id = %1$L)$$, :'two')),
	'(campaign|creator|project): n days differ', 'found: a row of a history is gone');
SELECT matches(pg_temp.found(format($$DELETE FROM trackagoat.video_history WHERE video_id = %L AND started_at = (SELECT max(started_at) FROM trackagoat.video_history WHERE video_id = %1$L AND started_at < 'infinity')$$, :'two')),
	'video: a row of the history does not go on where the one before it ends', 'found: a row in the middle is gone');
SELECT matches(pg_temp.found(format($$DELETE FROM trackagoat.video_history WHERE video_id = %L AND started_at = 'infinity'$$, :'two')),
	'video: the last row of the history is not the open one', 'found: the open row is gone');
SELECT matches(pg_temp.found(format($$UPDATE trackagoat.video_history SET points = trackagoat.series_cut(points, '2026-03-05Z') WHERE video_id = %L$$, :'two')),
	'campaign: n days differ', 'found: a history was cut');
SELECT is(pg_temp.found($$UPDATE trackagoat.total SET views = views + 1$$, of_project => :'other'), 'project: the lifetime totals differ from the histories', 'verify() of a project looks at that one');
SELECT is(pg_temp.found(format('UPDATE trackagoat.video SET view_count = view_count + 1 WHERE id = %L', :'two'), of_project => :'other'), 'none', 'and at no other');
-- what of it is totals, rebuild_totals() mends
SELECT is(pg_temp.found(damage, true), 'none', 'mended: ' || damage) FROM unnest(ARRAY['UPDATE trackagoat.total SET views = views + 1, creators = creators + 3, videos = -1', 'DELETE FROM trackagoat.total',
	'DELETE FROM trackagoat.total_month', $$UPDATE trackagoat.total_month SET days = trackagoat.series_thin(days, '10 days', 'infinity')$$, $$DELETE FROM trackagoat.total WHERE entity = 'project'$$,
	format($$INSERT INTO trackagoat.total SELECT gen_random_uuid(), org_id, project_id, 'campaign', true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 'UTC' FROM trackagoat.total WHERE entity_id = %L$$, :'project')]) damage;
SELECT is(pg_temp.found(format('UPDATE trackagoat.video SET view_count = view_count + 1 WHERE id = %L', :'two'), true), 'video: the current counters are not those of the history', 'a counter it does not');
SELECT throws_ok('SELECT trackagoat.rebuild_totals(gen_random_uuid())', 'PT404', 'project_not_found', 'no project, no totals');
SELECT pg_temp.all_is_well('after all that');

SELECT * FROM finish();
ROLLBACK;
