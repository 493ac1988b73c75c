-- What campaign.mjs asks about, twice: in ordinary tables, with bigint keys, which
-- suit them best, and in trackagoat, loaded through what it offers to everybody.
-- Of scale 1: a million videos of 20,000 creators under 1,000 nested campaigns,
-- 9,000,000 daily snapshots of a tenth of the videos and one of each other.
\ir common/curve.sql
\if :{?scale}
\else
	\set scale 1
\endif
SELECT round(20000 * :scale) AS creators, round(9000 * :scale) AS roots, round(7410 * :scale) AS singles \gset
SET search_path TO public, trackagoat;
SET max_parallel_workers_per_gather = 2;

-- --- ordinary tables ---------------------------------------------------------------

-- one creator in a hundred has been removed
CREATE TABLE creator_plain AS
SELECT c AS id, 'goat.' || c AS handle, CASE WHEN c % 100 = 0 THEN timestamptz '2025-05-01' END AS removed_at
FROM generate_series(1, :creators::bigint) c;
ALTER TABLE creator_plain ADD PRIMARY KEY (id);

-- fifty of each creator, one of them excluded; the others are included
CREATE TABLE video_plain AS
SELECT n AS id, c.id AS creator_id, CASE WHEN k = c.id % 50 THEN 'excluded' ELSE 'included' END AS status,
	timestamptz '2025-03-01 02:00:00+00' + floor(dice(n, 2) * 64800) * interval '1 second' AS posted_at,
	v.views AS view_count, v.likes AS like_count, v.comments AS comment_count, v.shares AS share_count, v.saves AS save_count
FROM creator_plain c, generate_series(0, 49) k, LATERAL (SELECT (c.id - 1) * 50 + k + 1) i (n), curve(i.n, 89, 89) v
ORDER BY n;
ALTER TABLE video_plain ADD PRIMARY KEY (id);
CREATE INDEX ON video_plain (creator_id);

-- Every tenth has been watched for ninety days.
CREATE TABLE snapshot_plain AS
SELECT v.id AS video_id, s.observed_at, s.views AS view_count, s.likes AS like_count, s.comments AS comment_count,
	s.shares AS share_count, s.saves AS save_count
FROM generate_series(10, 50 * :creators::bigint, 10) v (id), curve(v.id, 0, 89) s;
ALTER TABLE snapshot_plain ADD PRIMARY KEY (video_id, observed_at);

-- Two trees, each campaign holding up to four others: below 1 are the campaigns to
-- 450, below 451 those to 1000.  One campaign in three is in a second one too, and
-- one in fifty of the first tree is also in the second.
CREATE TABLE campaign_plain AS SELECT a AS id, 'campaign ' || a AS name FROM generate_series(1, 1000::bigint) a;
ALTER TABLE campaign_plain ADD PRIMARY KEY (id);

CREATE TABLE campaign_item_plain (campaign_id bigint NOT NULL, creator_id bigint, video_id bigint, child_campaign_id bigint);
INSERT INTO campaign_item_plain (campaign_id, child_campaign_id)
SELECT (a + 2) / 4, a FROM generate_series(2, 450) a
UNION SELECT 450 + (a - 448) / 4, a FROM generate_series(452, 1000) a
UNION SELECT 1 + (dice(a, 20) * (a - 1))::bigint % (a - 1), a FROM generate_series(3, 450, 3) a
UNION SELECT 451 + (dice(a, 20) * (a - 451))::bigint % (a - 451), a FROM generate_series(453, 1000, 3) a
UNION SELECT a + 500, a FROM generate_series(50, 450, 50) a;
-- The first 9,000 creators are in the first tree, the others in the second, a
-- third of them in two campaigns.
INSERT INTO campaign_item_plain (campaign_id, creator_id)
SELECT CASE WHEN c <= :roots THEN 2 + c % 449 ELSE 452 + c % 549 END, c FROM generate_series(1, :creators) c
UNION SELECT CASE WHEN c <= :roots THEN 2 + c * 7 % 449 ELSE 452 + c * 7 % 549 END, c FROM generate_series(3, :creators, 3) c;
-- To the first tree belong single videos as well: some that their creators have
-- brought already, and as many others as make it 444,000.
INSERT INTO campaign_item_plain (campaign_id, video_id)
SELECT 2 + v.id % 449, v.id FROM video_plain v WHERE v.creator_id <= :roots AND v.id % 87 = 0
UNION ALL (SELECT 2 + v.id % 449, v.id FROM video_plain v JOIN creator_plain c ON c.id = v.creator_id
	WHERE c.id > :roots AND c.removed_at IS NULL AND v.status = 'included' ORDER BY dice(v.id, 21), v.id LIMIT :singles);
CREATE UNIQUE INDEX ON campaign_item_plain (campaign_id, creator_id, video_id, child_campaign_id);

-- --- trackagoat ------------------------------------------------------------------------

CREATE FUNCTION id_of(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (kind || lpad(to_hex(n), 31, '0'))::uuid;

INSERT INTO organization (id, name, timezone) VALUES (id_of('e', 1), 'bench', 'Europe/Berlin');
INSERT INTO project (id, org_id, name) VALUES (id_of('e', 1), id_of('e', 1), 'bench');
-- nothing of it is to be fetched
INSERT INTO creator (id, project_id, tiktok_handle, tracking_start_date, disabled_at, removed_at)
SELECT id_of('c', id), id_of('e', 1), handle::handle, '2025-01-01', '2025-06-01', removed_at FROM creator_plain;
INSERT INTO campaign (id, project_id, name) SELECT id_of('a', id), id_of('e', 1), name FROM campaign_plain;

-- The others as they were on the last day.
CREATE TABLE other_plain AS SELECT v.id AS video_id, s.observed_at, v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count
FROM video_plain v, curve(v.id, 89, 89) s WHERE v.id % 10 <> 0 ORDER BY v.id;

-- campaign.mjs calls these in two sessions at once, for a half each.
CREATE PROCEDURE load_videos(half integer) LANGUAGE sql AS
$$
	INSERT INTO video (id, org_id, project_id, creator_id, tiktok_video_id, tracking_status, posted_at, refresh_stopped_at)
	SELECT id_of('d', id), id_of('e', 1), id_of('e', 1), id_of('c', creator_id), (extract(epoch FROM posted_at)::bigint << 32) + id,
		status::tracking_status, posted_at, '2025-06-01'
	FROM video_plain WHERE (id > (SELECT max(id) / 2 FROM video_plain)) = (half = 1) ORDER BY id
$$;

CREATE FUNCTION observe_rows(query text) RETURNS integer LANGUAGE plpgsql AS
$$
DECLARE
	stored integer;
BEGIN
	EXECUTE format('SELECT trackagoat.observe_videos(array_agg(id_of(''d'', video_id)), array_agg(observed_at), array_agg(view_count),
		array_agg(like_count), array_agg(comment_count), array_agg(share_count), array_agg(save_count)) FROM (%s) q', query) INTO stored;
	RETURN stored;
END
$$;

-- In transactions of up to 20,000 videos each.
CREATE PROCEDURE load_snapshots(source regclass, half integer) LANGUAGE plpgsql AS
$$
BEGIN
	FOR a IN 1 + 20000 * half .. (SELECT max(id) FROM video_plain) BY 40000 LOOP
		PERFORM observe_rows(format('SELECT * FROM %s WHERE video_id BETWEEN %s AND %s ORDER BY video_id, observed_at', source, a, a + 19999));
		COMMIT;
	END LOOP;
END
$$;

-- --- what campaign.mjs uses ----------------------------------------------------------------

-- what series_days is asked of
CREATE TABLE chosen_plain AS SELECT id FROM video_plain WHERE id % 10 = 0 ORDER BY id;
ALTER TABLE chosen_plain ADD PRIMARY KEY (id);
CREATE TABLE chosen AS SELECT id_of('d', id) AS video_id FROM chosen_plain ORDER BY id;
ALTER TABLE chosen ADD PRIMARY KEY (video_id);

-- what campaign_total_unfolded adds: of 10,000 videos below the root what they had a month later
SELECT round(10000 * :scale) AS more \gset
CREATE TABLE more_plain AS SELECT v.id AS video_id, s.observed_at, s.views AS view_count, s.likes AS like_count, s.comments AS comment_count,
	s.shares AS share_count, s.saves AS save_count
FROM video_plain v, curve(v.id, 120, 120) s
WHERE v.creator_id <= :roots AND v.creator_id % 100 <> 0 AND v.status = 'included' AND v.id % 43 = 0 ORDER BY v.id LIMIT :more;

CREATE FUNCTION timed(query text, OUT ms float8, OUT answer text) LANGUAGE plpgsql AS
$$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	EXECUTE query INTO answer;
	ms := extract(epoch FROM clock_timestamp() - started) * 1000;
END
$$;
