-- What stays on disk of ninety days as a worker brings them, what a page costs
-- with and without totals, and whether the time of a total depends on how many
-- videos are behind it.
\ir common/curve.sql
\if :{?scale}
\else
	\set scale 1
\endif
SELECT round(667 * :scale) AS creators \gset
SET search_path TO public, trackagoat;
\pset tuples_only on
\pset format unaligned

-- Organizations with so many creators and videos a creator, in one campaign;
-- nothing of it is to be fetched.
CREATE FUNCTION id_of(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (kind || lpad(to_hex(n), 31, '0'))::uuid;
CREATE PROCEDURE make(org bigint, creators bigint, videos bigint, status tracking_status) LANGUAGE sql AS
$$
	INSERT INTO organization (id, name) VALUES (id_of('e', org), 'organization ' || org);
	INSERT INTO project (id, org_id, name) VALUES (id_of('e', org), id_of('e', org), 'bench');
	INSERT INTO campaign (id, project_id, name) VALUES (id_of('a', org), id_of('e', org), 'all');
	INSERT INTO creator (id, project_id, tiktok_handle, tracking_start_date, disabled_at)
	SELECT id_of('c', org * 1000000 + c), id_of('e', org), ('goat.' || c)::handle, '2025-01-01', '2025-06-01' FROM generate_series(1, creators) c;
	INSERT INTO video (id, project_id, creator_id, tiktok_video_id, tracking_status, posted_at, refresh_stopped_at)
	SELECT id_of('d', n), id_of('e', org), id_of('c', org * 1000000 + (n % 1000000) / videos + 1), n, status, '2025-03-01 02:00:00+00', '2025-06-01'
	FROM generate_series(org * 1000000, org * 1000000 + creators * videos - 1) n;
	INSERT INTO campaign_item (campaign_id, creator_id)
	SELECT id_of('a', org), id_of('c', org * 1000000 + c) FROM generate_series(1, creators) c;
$$;

-- The pages of a day, in another order each day: the thirty videos of a creator,
-- as they were all seen when their page came.
CREATE FUNCTION pages(org bigint, day integer) RETURNS
	TABLE (n bigint[], ids uuid[], times timestamptz[], views bigint[], likes bigint[], comments bigint[], shares bigint[], saves bigint[])
	LANGUAGE sql STABLE AS
$$
	SELECT array_agg(v.n), array_agg(id_of('d', v.n)), array_agg(p.observed_at), array_agg(c.views), array_agg(c.likes),
		array_agg(c.comments), array_agg(c.shares), array_agg(c.saves)
	FROM generate_series(0, (SELECT count(*) FROM creator WHERE org_id = id_of('e', org)) - 1) i,
	curve(org * 1000000 + i, pages.day, pages.day) p,
	LATERAL (SELECT org * 1000000 + i * 30 + k AS n FROM generate_series(0, 29) k ORDER BY k OFFSET 0) v,
	curve(v.n, pages.day, pages.day) c
	GROUP BY i ORDER BY dice(i * 1000 + pages.day, 30)
$$;

CREATE TABLE snapshot_plain (
	video_id bigint, observed_at timestamptz, view_count bigint, like_count bigint, comment_count bigint, share_count bigint, save_count bigint,
	PRIMARY KEY (video_id, observed_at));

-- A day's pages, a transaction each; ms is what trackagoat took for a page.
CREATE PROCEDURE live_day(org bigint, day integer, with_plain boolean, OUT ms float8) LANGUAGE plpgsql AS
$$
DECLARE
	page record;
	started timestamptz;
	count integer := 0;
BEGIN
	ms := 0;
	FOR page IN SELECT * FROM pages(org, day) LOOP
		IF with_plain THEN
			INSERT INTO public.snapshot_plain SELECT * FROM unnest(page.n, page.times, page.views, page.likes, page.comments, page.shares, page.saves);
			COMMIT;
		END IF;
		started := clock_timestamp();
		PERFORM trackagoat.observe_videos(page.ids, page.times, page.views, page.likes, page.comments, page.shares, page.saves, 'item_list');
		COMMIT;
		ms := ms + extract(epoch FROM clock_timestamp() - started) * 1000;
		count := count + 1;
	END LOOP;
	ms := ms / count;
END
$$;

-- --- bytes of ninety days, with autovacuum alone ----------------------------------------

CALL make(1, :creators, 30, 'included');
SELECT refresh_totals() \g /dev/null
DO $$
DECLARE
	ms float8;
BEGIN
	FOR day IN 0 .. 89 LOOP
		CALL live_day(1, day, true, ms);
		-- as the worker does, though oftener
		PERFORM trackagoat.refresh_totals();
		COMMIT;
	END LOOP;
END
$$;
SELECT format('bench bytes_live ours=%s sql=%s same=%s', round(pg_total_relation_size('video_history')::numeric / count(*), 1),
	round(pg_total_relation_size('snapshot_plain')::numeric / count(*), 1),
	CASE WHEN count(*) = (SELECT count(*) FROM video_snapshot) THEN 'yes' ELSE 'no' END)
FROM snapshot_plain;

-- --- a page with and without totals: videos that do not count leave no difference ---------

CALL make(2, 200, 30, 'included');
CALL make(3, 200, 30, 'pending_review');
SELECT refresh_totals() \g /dev/null
CREATE TABLE ingest (with_totals boolean, ms float8);
DO $$
DECLARE
	ms float8;
BEGIN
	FOR day IN 0 .. 13 LOOP
		FOR org IN 2 .. 3 LOOP
			CALL live_day(org, day, false, ms);
			-- the first two warm up
			INSERT INTO ingest SELECT org = 2, ms WHERE day > 1;
			PERFORM trackagoat.refresh_totals();
			COMMIT;
		END LOOP;
	END LOOP;
END
$$;
SELECT format('bench ingest ours=%s without=%s ratio=%s', round(a::numeric, 2), round(b::numeric, 2), round((a / b)::numeric, 2))
FROM (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE with_totals) AS a,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE NOT with_totals) AS b FROM ingest) m;

-- --- a total of N videos a creator and of twice as many -------------------------------------

CALL make(4, 1000, 15, 'included');
CALL make(5, 1000, 30, 'included');
SELECT observe_videos(array_agg(v.id), array_agg(c.observed_at), array_agg(c.views), array_agg(c.likes), array_agg(c.comments), array_agg(c.shares), array_agg(c.saves))
FROM video v, curve(v.tiktok_video_id, 1, 1) c WHERE v.org_id IN (id_of('e', 4), id_of('e', 5)) \g /dev/null
SELECT refresh_totals() \g /dev/null
VACUUM (ANALYZE);
CREATE TABLE growth (org bigint, ms float8);
DO $$
DECLARE
	started timestamptz;
	total record;
BEGIN
	FOR run IN 1 .. 1000 LOOP
		FOR org IN 4 .. 5 LOOP
			started := clock_timestamp();
			EXECUTE 'SELECT * FROM trackagoat.campaign_stats($1)' INTO total USING id_of('a', org);
			INSERT INTO growth VALUES (org, extract(epoch FROM clock_timestamp() - started) * 1000);
		END LOOP;
	END LOOP;
END
$$;
SELECT format('bench row_growth ours=%s half=%s ratio=%s', round(b::numeric, 4), round(a::numeric, 4), round((b / a)::numeric, 2))
FROM (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE org = 4) AS a,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE org = 5) AS b FROM growth) m;
