-- Totals: whatever changes them, they are what plain SQL finds in a copy of the
-- observations, before they are folded and after, and verify() agrees.
\set ON_ERROR_STOP on
BEGIN;
-- tables are truncated in this transaction, which nothing may wait for
SET CONSTRAINTS ALL IMMEDIATE;
SET search_path TO public, pg_catalog;
SET timezone TO 'UTC';
SET jit TO off;
SET client_min_messages TO warning;
SELECT no_plan();

INSERT INTO trackagoat.organization (name, timezone) VALUES ('O', 'Europe/Vienna') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'Q') RETURNING id AS other \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT :'project', h FROM unnest(ARRAY['goat', 'sheep', 'cow', 'idle']::trackagoat.handle[]) h;
CREATE FUNCTION pg_temp.creator(handle text) RETURNS uuid LANGUAGE sql AS
$$ SELECT id FROM trackagoat.creator WHERE tiktok_handle::text = handle $$;
CREATE FUNCTION pg_temp.video(n bigint) RETURNS uuid LANGUAGE sql AS
$$ SELECT id FROM trackagoat.video WHERE tiktok_video_id = n $$;
CREATE FUNCTION pg_temp.campaign(wanted text) RETURNS uuid LANGUAGE sql AS
$$ SELECT id FROM trackagoat.campaign WHERE name = wanted $$;
-- videos 11 to 14 of goat, 21 to 24 of sheep, 31 to 34 of cow, 91 and 92 of nobody
INSERT INTO trackagoat.video (project_id, creator_id, tiktok_video_id, tracking_status, posted_at)
SELECT :'project', pg_temp.creator(h), c * 10 + n, (CASE n WHEN 1 THEN 'auto_tracked' WHEN 2 THEN 'included' WHEN 3 THEN 'excluded' ELSE 'direct_add' END)::trackagoat.tracking_status,
	'2026-01-31 22:30Z'::timestamptz + n * interval '17 hours'
FROM (VALUES (1, 'goat'), (2, 'sheep'), (3, 'cow')) c (c, h), generate_series(1, 4) n;
INSERT INTO trackagoat.video (project_id, tiktok_video_id, posted_at) VALUES (:'project', 91, '2026-02-10Z'), (:'project', 92, '2026-02-11Z'), (:'other', 93, '2026-02-12Z');
-- all holds middle and lone; middle holds leaf
INSERT INTO trackagoat.campaign (project_id, name) SELECT :'project', n FROM unnest(ARRAY['all', 'middle', 'leaf', 'lone', 'empty']) n;
CREATE FUNCTION pg_temp.put(parent text, creator uuid, video uuid = NULL, child uuid = NULL) RETURNS void LANGUAGE sql AS
$$ INSERT INTO trackagoat.campaign_item (campaign_id, creator_id, video_id, child_campaign_id) VALUES (pg_temp.campaign(parent), creator, video, child) $$;
SELECT count(*) AS n FROM (VALUES (pg_temp.put('all', NULL, NULL, pg_temp.campaign('middle'))), (pg_temp.put('all', NULL, NULL, pg_temp.campaign('lone'))), (pg_temp.put('middle', NULL, NULL, pg_temp.campaign('leaf'))),
	(pg_temp.put('middle', pg_temp.creator('goat'))), (pg_temp.put('leaf', pg_temp.creator('sheep'))), (pg_temp.put('leaf', NULL, pg_temp.video(11))), (pg_temp.put('lone', NULL, pg_temp.video(91))),
	(pg_temp.put('lone', NULL, pg_temp.video(31))), (pg_temp.put('lone', NULL, pg_temp.video(33))), (pg_temp.put('leaf', pg_temp.creator('idle')))) p (x) \gset

-- --- plain SQL ---------------------------------------------------------------------

CREATE TEMP TABLE seen (video bigint, at timestamptz, n bigint[], PRIMARY KEY (video, at));
CREATE FUNCTION pg_temp.see(video bigint, at timestamptz, VARIADIC n bigint[]) RETURNS integer LANGUAGE sql AS
$$
	INSERT INTO seen AS s VALUES (see.video, see.at, see.n)
	ON CONFLICT ON CONSTRAINT seen_pkey DO UPDATE SET n = ARRAY(SELECT coalesce(a.new, a.old) FROM unnest(excluded.n, s.n) WITH ORDINALITY a (new, old, i) ORDER BY i);
	SELECT trackagoat.observe_video(pg_temp.video(see.video), see.at, n[1], n[2], n[3], n[4], n[5])
$$;
CREATE VIEW pg_temp.counted AS
SELECT v.id, v.tiktok_video_id AS n, v.project_id, v.creator_id, (coalesce(v.posted_at, to_timestamp(v.tiktok_video_id >> 32)) AT TIME ZONE o.timezone)::date AS day, o.timezone
FROM trackagoat.video v JOIN trackagoat.organization o ON o.id = v.org_id LEFT JOIN trackagoat.creator c ON c.id = v.creator_id
WHERE v.tracking_status IN ('auto_tracked', 'included', 'direct_add') AND (v.creator_id IS NULL OR c.removed_at IS NULL);
CREATE VIEW pg_temp.below AS
WITH RECURSIVE below (root, id) AS (
	SELECT id, id FROM trackagoat.campaign
	UNION SELECT b.root, i.child_campaign_id FROM below b JOIN trackagoat.campaign_item i ON i.campaign_id = b.id WHERE i.child_campaign_id IS NOT NULL)
SELECT b.root, i.creator_id, i.video_id FROM below b JOIN trackagoat.campaign_item i ON i.campaign_id = b.id;
CREATE VIEW pg_temp.member AS
SELECT 'campaign' AS entity, b.root AS id, v.id AS video, v.n FROM pg_temp.below b JOIN pg_temp.counted v ON v.id = b.video_id
UNION SELECT 'campaign', b.root, v.id, v.n FROM pg_temp.below b JOIN pg_temp.counted v ON v.creator_id = b.creator_id
UNION SELECT 'creator', creator_id, id, n FROM pg_temp.counted WHERE creator_id IS NOT NULL
UNION SELECT 'project', project_id, id, n FROM pg_temp.counted;
-- what each observation adds: number 0 a post, 1 to 5 a gain, 6 to 10 a baseline, 11 to 15 that there is one
CREATE VIEW pg_temp.addition AS
WITH step AS (SELECT v.id, (s.at AT TIME ZONE v.timezone)::date AS day, c, s.n[c] AS level, lag(s.n[c]) OVER (PARTITION BY v.id, c ORDER BY s.at) AS before
	FROM seen s JOIN pg_temp.counted v ON v.n = s.video, generate_series(1, 5) c WHERE s.n[c] IS NOT NULL)
SELECT id, day, 0 AS number, 1::numeric AS amount FROM pg_temp.counted
UNION ALL SELECT id, day, c, level - before FROM step WHERE before IS NOT NULL
UNION ALL SELECT id, day, 5 + c, level FROM step WHERE before IS NULL
UNION ALL SELECT id, day, 10 + c, 1 FROM step WHERE before IS NULL;
CREATE VIEW pg_temp.entity AS
SELECT 'creator' AS entity, id, tiktok_handle::text AS name FROM trackagoat.creator
UNION ALL SELECT 'campaign', id, name FROM trackagoat.campaign
UNION ALL SELECT 'project', id, name FROM trackagoat.project;
-- where the extension answers otherwise
CREATE FUNCTION pg_temp.differing() RETURNS TABLE (difference text) LANGUAGE sql AS
$$
	WITH member AS MATERIALIZED (SELECT * FROM pg_temp.member), addition AS MATERIALIZED (SELECT id, day, number, sum(amount) AS amount FROM pg_temp.addition GROUP BY 1, 2, 3),
	counted AS MATERIALIZED (SELECT * FROM pg_temp.counted), below AS MATERIALIZED (SELECT * FROM pg_temp.below),
	amount AS MATERIALIZED (SELECT m.entity, m.id, a.day, a.number, sum(a.amount) AS amount FROM member m JOIN addition a ON a.id = m.video GROUP BY 1, 2, 3, 4),
	ours AS (SELECT e.entity, e.id, d.day, ARRAY[d.posts, d.views, d.likes, d.comments, d.shares, d.saves, d.baseline_views, d.baseline_likes, d.baseline_comments, d.baseline_shares, d.baseline_saves,
			d.known_views, d.known_likes, d.known_comments, d.known_shares, d.known_saves] AS n
		FROM pg_temp.entity e, LATERAL trackagoat.entity_days(e.entity, e.id) d),
	theirs AS (SELECT e.entity, e.id, e.day, array_agg(coalesce(a.amount, 0)::bigint ORDER BY k) AS n
		FROM (SELECT DISTINCT entity, id, day FROM amount) e CROSS JOIN generate_series(0, 15) k
		LEFT JOIN amount a ON (a.entity, a.id, a.day, a.number) = (e.entity, e.id, e.day, k) GROUP BY 1, 2, 3)
	SELECT format('%s %s %s: %s for %s', e.entity, e.name, day, o.n, t.n)
	FROM (SELECT * FROM ours WHERE n <> array_fill(0::bigint, ARRAY[16])) o
	FULL JOIN (SELECT * FROM theirs WHERE n <> array_fill(0::bigint, ARRAY[16])) t USING (entity, id, day) LEFT JOIN pg_temp.entity e USING (entity, id)
	WHERE o.n IS DISTINCT FROM t.n
	UNION ALL
	SELECT format('totals of %s: %s for %s', c.name, ours.answer, theirs.answer)
	FROM trackagoat.campaign c, LATERAL (SELECT (creators, videos, views, likes, comments, shares, saves)::text FROM trackagoat.campaign_stats(c.id)) ours (answer),
	LATERAL (SELECT (SELECT count(DISTINCT coalesce(k.id, v.creator_id)) FROM below b LEFT JOIN trackagoat.creator k ON k.id = b.creator_id AND k.removed_at IS NULL
			LEFT JOIN counted v ON v.id = b.video_id WHERE b.root = c.id) AS creators,
		(SELECT count(*) FROM member m WHERE m.entity = 'campaign' AND m.id = c.id) AS videos) n,
	LATERAL (SELECT n.creators, n.videos,
		(sum(amount) FILTER (WHERE number IN (1, 6)))::bigint, (sum(amount) FILTER (WHERE number IN (2, 7)))::bigint, (sum(amount) FILTER (WHERE number IN (3, 8)))::bigint,
		(sum(amount) FILTER (WHERE number IN (4, 9)))::bigint, (sum(amount) FILTER (WHERE number IN (5, 10)))::bigint
		FROM amount a WHERE a.entity = 'campaign' AND a.id = c.id) t (creators, videos, n1, n2, n3, n4, n5),
	LATERAL (SELECT CASE WHEN t.videos = 0 THEN 0 END) z (nothing),
	LATERAL (SELECT (t.creators, t.videos, coalesce(n1, nothing), coalesce(n2, nothing), coalesce(n3, nothing), coalesce(n4, nothing), coalesce(n5, nothing))::text) theirs (answer)
	WHERE ours.answer <> theirs.answer
	UNION ALL
	-- of a window that is in part folded and in part not
	SELECT format('February of %s: %s for %s', c.name, s::text, e::text)
	FROM trackagoat.campaign c, LATERAL (SELECT videos, views, likes, saves FROM trackagoat.campaign_stats(c.id, '2026-02-02', '2026-02-28')) s,
	LATERAL (SELECT coalesce(sum(amount) FILTER (WHERE number = 0), 0)::bigint, coalesce(sum(amount) FILTER (WHERE number = 1), 0)::bigint,
		coalesce(sum(amount) FILTER (WHERE number = 2), 0)::bigint, coalesce(sum(amount) FILTER (WHERE number = 5), 0)::bigint
		FROM amount a WHERE a.entity = 'campaign' AND a.id = c.id AND day BETWEEN '2026-02-02' AND '2026-02-28') e
	WHERE s::text <> e::text
	UNION ALL
	SELECT format('verify: %s %s: %s', v.entity, e.name, v.problem) FROM trackagoat.verify() v LEFT JOIN pg_temp.entity e ON e.id = v.entity_id
$$;
-- What is wrong after a statement, and once more when it is folded; with undo
-- the database is then as it was.
CREATE FUNCTION pg_temp.after(statement text, undo boolean = false) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	problems text;
	waiting bigint;
	folded bigint;
BEGIN
	EXECUTE statement;
	SELECT 'before: ' || string_agg(difference, '; ') INTO problems FROM (SELECT * FROM pg_temp.differing() LIMIT 5) d;
	SELECT count(*) INTO waiting FROM trackagoat.total_difference d WHERE EXISTS (SELECT FROM trackagoat.project p WHERE p.id = d.project_id);
	folded := trackagoat.refresh_totals();
	IF folded <> waiting THEN
		problems := concat_ws('; ', problems, format('%s of %s were folded', folded, waiting));
	END IF;
	SELECT concat_ws('; ', problems, 'folded: ' || string_agg(difference, '; ')) INTO problems FROM (SELECT * FROM pg_temp.differing() LIMIT 5) d;
	IF trackagoat.refresh_totals() <> 0 THEN
		problems := concat_ws('; ', problems, 'something was left');
	END IF;
	problems := coalesce(nullif(problems, ''), 'none');
	IF undo THEN
		RAISE SQLSTATE 'XX123' USING MESSAGE = problems;
	END IF;
	RETURN problems;
EXCEPTION WHEN SQLSTATE 'XX123' THEN
	RETURN SQLERRM;
END
$$;

-- --- what changes totals --------------------------------------------------------------

SELECT is(pg_temp.after('SELECT 1'), 'none', 'a first fold of nothing observed');
SELECT is(pg_temp.after(format('SELECT count(pg_temp.see(v, %L::timestamptz + d * interval ''19 hours'' + v * interval ''7 minutes'', d * v * 10 + 100, CASE WHEN v %% 3 > 0 THEN d * 2 END, CASE WHEN d > 4 THEN v END, NULL, d * d)) FROM unnest(ARRAY[11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34, 91, 92, 93]) v, generate_series(1, 9) d', '2026-01-28Z')), 'none', 'many observations');
SELECT is(trackagoat.refresh_totals(), 0::bigint, 'nothing more to fold');
SELECT is(pg_temp.after($$SELECT pg_temp.see(11, '2026-03-01Z', 5, NULL, NULL, 4, NULL)$$), 'none', 'a counter falls, another is known at last');
SELECT is(pg_temp.after($$SELECT pg_temp.see(11, '2026-03-01Z', 700, NULL, NULL, NULL, NULL)$$), 'none', 'a correction of the last point');
SELECT is(pg_temp.after($$SELECT pg_temp.see(13, '2026-03-01Z', 5000, NULL, NULL, 4, NULL)$$), 'none', 'an excluded video is observed');
SELECT is(pg_temp.after($$SELECT pg_temp.see(11, t, 30, 1, NULL, 2, NULL) FROM unnest(ARRAY['2025-12-24Z', '2026-01-30Z', '2026-02-14Z']::timestamptz[]) t$$), 'none', 'late imports: before all, between, near the end');
SELECT is(pg_temp.after($$SELECT pg_temp.see(24, '2025-11-01Z'::timestamptz + d * interval '1 day', d, d, d, d, d) FROM generate_series(1, 60) d$$), 'none', 'two months before all');

-- statuses, also such as people are refused
ALTER TABLE trackagoat.video DISABLE TRIGGER video_review;
SELECT is(pg_temp.after(format('UPDATE trackagoat.video SET tracking_status = %L WHERE tiktok_video_id = %s', s, n)), 'none', format('video %s becomes %s', n, s))
FROM unnest(enum_range(NULL::trackagoat.tracking_status)) s, unnest(ARRAY[11, 33, 91]) n;
SELECT is(pg_temp.after($$UPDATE trackagoat.video SET tracking_status = 'direct_add' WHERE tiktok_video_id IN (11, 33, 91)$$), 'none', 'and direct_add again');
SELECT is(pg_temp.after($$UPDATE trackagoat.video SET tracking_status = 'excluded'; UPDATE trackagoat.video SET tracking_status = 'included'$$, true), 'none', 'out and in unfolded');
SELECT is(pg_temp.after($$UPDATE trackagoat.video SET tracking_status = 'excluded'$$, true), 'none', 'all of them out');
SELECT is(pg_temp.after($$UPDATE trackagoat.video SET tracking_status = 'excluded' WHERE tiktok_video_id = 12; SELECT pg_temp.see(12, '2026-03-03Z', 1, 1, 1, 1, 1); UPDATE trackagoat.video SET tracking_status = 'auto_tracked' WHERE tiktok_video_id = 12$$), 'none', 'observed while out');
SELECT is(pg_temp.after($$UPDATE trackagoat.video SET title = 'T', tracking_disabled_at = now(), refresh_stopped_at = now() WHERE tiktok_video_id = 12$$), 'none', 'what does not change totals');

-- creators
SELECT is(pg_temp.after(format('UPDATE trackagoat.creator SET removed_at = now() WHERE tiktok_handle::text = %L', h)), 'none', h || ' is removed') FROM unnest(ARRAY['goat', 'cow', 'idle']) h;
SELECT is(pg_temp.after($$SELECT pg_temp.see(11, '2026-03-05Z', 900, 9, 9, 9, 9), pg_temp.see(31, '2026-03-05Z', 900, 9, 9, 9, 9), pg_temp.see(31, '2025-12-05Z', 9, 9, 9, 9, 9)$$), 'none', 'videos of removed creators are observed');
SELECT is(pg_temp.after($$UPDATE trackagoat.video SET tracking_status = 'excluded' WHERE tiktok_video_id = 12; UPDATE trackagoat.video SET tracking_status = 'included' WHERE tiktok_video_id = 13$$), 'none', 'and change their status');
SELECT is(pg_temp.after(format('INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status, posted_at) VALUES (%L, 15, %L, %L); SELECT pg_temp.see(15, %4$L, 1, 2, 3, 4, 5)', pg_temp.creator('goat'), 'included', '2026-02-20Z', '2026-02-21Z')), 'none', 'one more comes');
SELECT is(pg_temp.after(format('UPDATE trackagoat.creator SET removed_at = NULL WHERE tiktok_handle::text = %L', h)), 'none', h || ' is back') FROM unnest(ARRAY['goat', 'cow', 'idle']) h;
SELECT is(pg_temp.after($$UPDATE trackagoat.creator SET removed_at = now() WHERE tiktok_handle::text = 'goat'; SELECT pg_temp.see(11, '2026-03-06Z', 901, 9, 9, 9, 9); UPDATE trackagoat.creator SET removed_at = NULL WHERE tiktok_handle::text = 'goat'$$), 'none', 'removed and back unfolded');
SELECT is(pg_temp.after($$UPDATE trackagoat.creator SET disabled_at = now() WHERE tiktok_handle::text = 'goat'$$), 'none', 'disabled changes nothing');
SELECT is(pg_temp.after($$UPDATE trackagoat.creator SET removed_at = now(); SELECT pg_temp.see(11, '2026-03-07Z', 902, 9, 9, 9, 9)$$, true), 'none', 'all removed');
SELECT is(pg_temp.after($$UPDATE trackagoat.creator SET tiktok_handle = 'billy' WHERE tiktok_handle::text = 'goat'$$, true), 'none', 'a new handle');
SELECT is(pg_temp.after(format($$DELETE FROM trackagoat.creator WHERE tiktok_handle::text = %L$$, h), true), 'none', h || ' is deleted') FROM unnest(ARRAY['goat', 'sheep', 'cow', 'idle']) h;
SELECT is(pg_temp.after($$SELECT pg_temp.see(11, '2026-03-07Z', 902, 9, 9, 9, 9); DELETE FROM trackagoat.creator WHERE tiktok_handle::text = 'goat'$$, true), 'none', 'deleted with what is not folded');
SELECT is(pg_temp.after($$UPDATE trackagoat.creator SET removed_at = now() WHERE tiktok_handle::text = 'goat'; DELETE FROM trackagoat.creator WHERE tiktok_handle::text = 'goat'$$, true), 'none', 'removed and deleted');

-- videos
SELECT is(pg_temp.after(format('INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (%L, 7526770564367748360, %L)', pg_temp.creator('sheep'), s), true), 'none', 'a video comes as ' || s) FROM unnest(enum_range(NULL::trackagoat.tracking_status)) s;
SELECT is(pg_temp.after(format('INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (%L, 95); SELECT pg_temp.see(95, %L, 1, 2, 3, 4, 5)', :'project', '2026-02-03Z')), 'none', 'one of nobody comes and is observed');
SELECT is(pg_temp.after(format('DELETE FROM trackagoat.video WHERE tiktok_video_id = %s', n), true), 'none', format('video %s is deleted', n)) FROM unnest(ARRAY[11, 13, 24, 31, 91, 95]) n;
SELECT is(pg_temp.after(format('UPDATE trackagoat.video SET creator_id = %L WHERE tiktok_video_id = %s', pg_temp.creator(h), n)), 'none', format('video %s moves to %s', n, coalesce(h, 'nobody')))
FROM (VALUES (1, 95, 'sheep'), (2, 95, 'cow'), (3, 31, 'goat'), (4, 11, 'cow'), (5, 91, 'idle'), (6, 33, 'sheep'), (7, 95, NULL)) m (i, n, h) ORDER BY i;
SELECT is(pg_temp.after(format('UPDATE trackagoat.creator SET removed_at = now() WHERE tiktok_handle::text = %L; UPDATE trackagoat.video SET creator_id = %L WHERE tiktok_video_id = 95', 'cow', pg_temp.creator('cow'))), 'none', 'one moves to a removed creator');
SELECT is(pg_temp.after(format('UPDATE trackagoat.video SET creator_id = %L WHERE creator_id = %L', pg_temp.creator('sheep'), pg_temp.creator('cow')), true), 'none', 'and all of a removed one away');
SELECT is(pg_temp.after($$UPDATE trackagoat.creator SET removed_at = NULL WHERE tiktok_handle::text = 'cow'$$), 'none', 'which comes back');
SELECT is(pg_temp.after(format('UPDATE trackagoat.video SET posted_at = %L WHERE tiktok_video_id = 91', t)), 'none', format('posted at %s', t)) FROM unnest(ARRAY['2026-02-01 22:59:59Z', '2026-02-01 23:00Z', '2019-01-01Z', NULL, '2026-02-10Z']) t;
SELECT is(pg_temp.after($$UPDATE trackagoat.video SET posted_at = 'infinity' WHERE tiktok_video_id = 92; UPDATE trackagoat.video SET posted_at = '2026-02-11Z' WHERE tiktok_video_id = 92$$), 'none', 'a time that is none, and one again');
SELECT is(pg_temp.after($$UPDATE trackagoat.video SET posted_at = NULL WHERE tiktok_video_id = 92; UPDATE trackagoat.video SET tiktok_video_id = 7526770564367748361 WHERE tiktok_video_id = 92; UPDATE seen SET video = 7526770564367748361 WHERE video = 92$$), 'none', 'an id tells when, too');

-- forgetting
SELECT is(pg_temp.after(format('DELETE FROM seen WHERE video = %s AND at >= %L AND at < %L; SELECT trackagoat.unobserve_video(pg_temp.video(%1$s), %2$L, %3$L)', n, f, t)), 'none', format('of video %s what was seen from %s to %s is forgotten', n, f, t))
FROM (VALUES (1, 11, '2026-01-29Z', '2026-02-02Z'), (2, 24, '-infinity', '2025-11-05Z'), (3, 31, '2026-03-05Z', 'infinity'), (4, 13, '-infinity', 'infinity'), (5, 33, '-infinity', 'infinity')) u (i, n, f, t) ORDER BY i;
SELECT is(pg_temp.after($$SELECT pg_temp.see(13, '2026-02-01Z', 7, 7, NULL, 7, 7)$$), 'none', 'and seen anew');

-- campaigns
SELECT is(pg_temp.after(statement, undo), 'none', statement) FROM (VALUES
	(1, $$SELECT pg_temp.put('empty', pg_temp.creator('sheep'))$$, false), (2, $$SELECT pg_temp.put('empty', NULL, pg_temp.video(21))$$, false), (3, $$SELECT pg_temp.put('empty', NULL, pg_temp.video(91))$$, false),
	(4, $$DELETE FROM trackagoat.campaign_item WHERE campaign_id = pg_temp.campaign('empty') AND creator_id IS NOT NULL$$, false),
	(5, $$SELECT pg_temp.put('leaf', NULL, NULL, pg_temp.campaign('empty'))$$, false),
	(6, $$UPDATE trackagoat.campaign_item SET campaign_id = pg_temp.campaign('lone') WHERE child_campaign_id = pg_temp.campaign('empty')$$, false),
	(7, $$UPDATE trackagoat.campaign_item SET creator_id = pg_temp.creator('cow') WHERE campaign_id = pg_temp.campaign('middle') AND creator_id = pg_temp.creator('goat')$$, false),
	(8, $$SELECT pg_temp.see(91, '2026-03-04Z', 77, 7, 7, 7, 7), pg_temp.see(21, '2026-03-04Z', 78, 7, 7, 7, 7); SELECT pg_temp.put('leaf', NULL, pg_temp.video(91)); SELECT pg_temp.see(91, '2026-03-05Z', 79, 7, 7, 7, 7)$$, false),
	(9, $$DELETE FROM trackagoat.campaign_item WHERE child_campaign_id = pg_temp.campaign('leaf')$$, true),
	(10, $$DELETE FROM trackagoat.campaign WHERE name = 'empty'$$, true), (11, $$DELETE FROM trackagoat.campaign WHERE name = 'middle'$$, true), (12, $$DELETE FROM trackagoat.campaign WHERE name = 'all'$$, true),
	(13, $$DELETE FROM trackagoat.campaign_item$$, true), (14, $$DELETE FROM trackagoat.campaign$$, true),
	(15, $$INSERT INTO trackagoat.campaign (project_id, name) SELECT project_id, 'new' FROM trackagoat.campaign WHERE name = 'all'; SELECT pg_temp.put('new', NULL, NULL, pg_temp.campaign('all'))$$, false),
	(16, $$SELECT pg_temp.see(21, '2026-03-06Z', 80, 8, 8, 8, 8); DELETE FROM trackagoat.campaign WHERE name = 'new'; SELECT pg_temp.see(21, '2026-03-07Z', 81, 8, 8, 8, 8)$$, false),
	(17, $$UPDATE trackagoat.campaign SET name = 'everything', target_views = 5 WHERE name = 'all'; UPDATE trackagoat.campaign SET name = 'all' WHERE name = 'everything'$$, false)) c (i, statement, undo) ORDER BY i;

-- another time zone has other days
SELECT is(pg_temp.after(format('UPDATE trackagoat.organization SET timezone = %L', z)), 'none', 'the zone becomes ' || z) FROM unnest(ARRAY['Asia/Kathmandu', 'Pacific/Kiritimati', 'America/New_York', 'UTC']) WITH ORDINALITY u (z, i) ORDER BY i;
SELECT is(pg_temp.after($$SELECT pg_temp.see(11, '2026-03-08Z', 1, 1, 1, 1, 1); UPDATE trackagoat.organization SET timezone = 'Asia/Tokyo'; SELECT pg_temp.see(11, '2026-03-09Z', 2, 2, 2, 2, 2); UPDATE trackagoat.creator SET removed_at = now() WHERE tiktok_handle::text = 'sheep'$$, true), 'none', 'with changes before and after it');
SELECT is((SELECT count(*) FROM trackagoat.total WHERE timezone <> 'UTC'), 0::bigint, 'the totals say which zone they are of');

-- a history, or everything, is gone at once
SELECT is(pg_temp.after(statement, true), 'none', statement) FROM unnest(ARRAY['TRUNCATE trackagoat.campaign_item', 'TRUNCATE trackagoat.campaign CASCADE', 'TRUNCATE trackagoat.creator CASCADE', 'TRUNCATE trackagoat.video CASCADE',
	'TRUNCATE trackagoat.project CASCADE', 'TRUNCATE trackagoat.organization CASCADE', 'TRUNCATE trackagoat.creator_history',
	'TRUNCATE trackagoat.video_history; DELETE FROM seen', 'TRUNCATE trackagoat.total CASCADE', 'TRUNCATE trackagoat.total_month',
	$$SELECT pg_temp.see(11, '2026-03-08Z', 1, 1, 1, 1, 1); TRUNCATE trackagoat.total_difference$$,
	$$TRUNCATE trackagoat.campaign_item; SELECT pg_temp.see(11, '2026-03-08Z', 1, 1, 1, 1, 1); UPDATE trackagoat.creator SET removed_at = now() WHERE tiktok_handle::text = 'sheep'$$]) statement;

-- projects and organizations
SELECT is(pg_temp.after(format('INSERT INTO trackagoat.project (org_id, name) VALUES (%L, %L)', :'org', 'R')), 'none', 'a new project');
SELECT is(pg_temp.after(format('INSERT INTO trackagoat.video (project_id, tiktok_video_id) SELECT id, 96 FROM trackagoat.project WHERE name = %L; SELECT pg_temp.see(96, %L, 1, NULL, NULL, NULL, NULL)', 'R', '2026-02-01Z')), 'none', 'whose first video is observed');
SELECT is(pg_temp.after(format('SELECT pg_temp.see(96, %L, 2, NULL, NULL, NULL, NULL); DELETE FROM trackagoat.project WHERE name = %L', '2026-02-02Z', 'R')), 'none', 'and which is deleted with what is not folded');
SELECT is((SELECT count(*) FROM trackagoat.total_difference), 0::bigint, 'nothing of it is left in the log');
SELECT is(pg_temp.after(format('SELECT pg_temp.see(11, %L, 1, 1, 1, 1, 1); DELETE FROM trackagoat.project WHERE id = %L', '2026-03-08Z', :'project'), true), 'none', 'the large one is deleted');
SELECT is(pg_temp.after('DELETE FROM trackagoat.organization', true), 'none', 'and the organization');

-- --- folding ------------------------------------------------------------------------

SELECT pg_temp.see(11, '2026-03-08Z', 1, 1, 1, 1, 1), pg_temp.see(12, '2026-03-08Z', 1, 1, 1, 1, 1), pg_temp.see(93, '2026-03-08Z', 1, 1, 1, 1, 1) \gset x
SELECT is(count(*), 2::bigint, 'a counted video that is observed is one row of the log') FROM trackagoat.total_difference d JOIN trackagoat.video v ON v.id = d.video_id WHERE v.tiktok_video_id IN (11, 93);
SELECT is(trackagoat.refresh_totals(:'other'), 1::bigint, 'a project alone is folded');
SELECT isnt_empty(format('SELECT FROM trackagoat.total_difference WHERE project_id = %L', :'project'), 'and the other is not');
SELECT is_empty('SELECT * FROM pg_temp.differing()', 'both are true');
SELECT is(trackagoat.fold_waiting(), 1, 'fold_waiting() folds the one that waits');
SELECT is(trackagoat.fold_waiting(), 0, 'and then none');
SELECT is_empty('SELECT * FROM pg_temp.differing()', 'all is as true as before');
UPDATE trackagoat.organization SET timezone = 'Asia/Kathmandu';
SELECT is(trackagoat.fold_waiting(1), 1, 'another zone is folded without a log, so many projects at a time');
SELECT is(trackagoat.fold_waiting(), 1, 'the rest after that');
SELECT is(trackagoat.fold_waiting(), 0, 'once');
SELECT is_empty('SELECT * FROM pg_temp.differing()', 'in the days of the other zone');
SELECT is(trackagoat.rebuild_totals(), 2::bigint, 'all are computed anew');
SELECT is(trackagoat.rebuild_totals(:'other'), 1::bigint, 'or one');
SELECT is_empty('SELECT * FROM pg_temp.differing()', 'to the same');
SELECT throws_ok('SELECT trackagoat.refresh_totals(gen_random_uuid())', 'PT404', 'project_not_found', 'no project, nothing to fold');
-- the same point again changes no number, and no total
SELECT pg_temp.see(12, '2026-03-08Z', 1, 1, 1, 1, 1), pg_temp.see(31, '2026-03-05Z', NULL, NULL, NULL, NULL, NULL) \gset x
SELECT is(trackagoat.refresh_totals(), 0::bigint, 'what changes no number is not in the log');
-- totals beyond a bigint are refused, not wrong
SELECT pg_temp.see(21, '2026-03-09Z', 9223372036854775807, 1, 1, 1, 1), pg_temp.see(22, '2026-03-09Z', 1000, 1, 1, 1, 1) \gset x
SELECT throws_ok(format('SELECT trackagoat.campaign_stats(%L)', pg_temp.campaign('leaf')), '22003', 'bigint out of range', 'a total that no bigint holds is refused');
SELECT lives_ok('SELECT trackagoat.refresh_totals()', 'it is folded all the same');
SELECT throws_ok(format('SELECT trackagoat.campaign_stats(%L)', pg_temp.campaign('leaf')), '22003', 'bigint out of range', 'and refused still');
SELECT pg_temp.see(21, '2026-03-10Z', 5, 1, 1, 1, 1), pg_temp.see(22, '2026-03-10Z', 6, 1, 1, 1, 1) \gset x
SELECT is(views, (SELECT sum(view_count) FROM trackagoat.video WHERE id IN (SELECT * FROM trackagoat.campaign_videos(pg_temp.campaign('leaf'))))::bigint, 'until the numbers are smaller again') FROM trackagoat.campaign_stats(pg_temp.campaign('leaf'));
SELECT cmp_ok(trackagoat.refresh_totals(), '>', 0::bigint, 'they are folded');
SELECT is_empty('SELECT * FROM trackagoat.verify()', 'and verify() agrees');

SELECT * FROM finish();
ROLLBACK;
