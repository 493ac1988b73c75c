-- Analytics: metrics of videos, creators, campaigns and projects over time.
-- docs/analytics.md has every formula.

CREATE FUNCTION trackagoat.follower_amounts(
	entity text, entity_id uuid, from_date date, to_date date, tz text DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (day date, gain bigint, baseline bigint, known bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 30
	SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.follower_amounts(text, uuid, date, date, text, timestamptz) IS
	'for each day with anything what the followers of a creator, or of the creators of a campaign or project, gained; a row of day -infinity has all before; after a new handle the old account''s level is taken back as a negative baseline';

CREATE FUNCTION trackagoat.check_choice(code text, value text, allowed text[]) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF value = ANY (allowed) IS NOT TRUE THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = code,
			DETAIL = format('%s is not possible here.', coalesce(quote_literal(left(value, 100)), 'NULL')),
			HINT = format('Allowed are %s.', array_to_string(allowed, ', '));
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.check_choice(text, text, text[]) IS 'raises PT400 with the code for a value that is not allowed, and says which are';

CREATE FUNCTION trackagoat.check_analytics(
	entity text, metric text, mode text, granularity text, compare text, base_metric text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	counters text[] := ARRAY['views', 'likes', 'comments', 'shares', 'saves'];
	-- a video has neither followers nor posts
	of_groups text[] := CASE WHEN entity = 'video' THEN '{}' ELSE ARRAY['followers', 'posts'] END;
	of_posts text[] := CASE WHEN entity = 'video' THEN '{}'
		ELSE ARRAY['engagement_rate_by_followers', 'posts_per_week', 'avg_views_per_post'] END;
BEGIN
	PERFORM trackagoat.check_choice('invalid_entity', entity, ARRAY['video', 'creator', 'campaign', 'project']);
	PERFORM trackagoat.check_choice('invalid_metric', metric,
		counters || of_groups || ARRAY['engagement_rate_by_views', 'growth_rate_pop'] || of_posts);
	PERFORM trackagoat.check_choice('invalid_mode', mode, CASE
		WHEN metric = ANY (counters || of_groups) OR metric = 'engagement_rate_by_views' THEN ARRAY['new', 'cumulative', 'rate']
		ELSE ARRAY['new', 'rate'] END);
	PERFORM trackagoat.check_choice('invalid_granularity', granularity, ARRAY['day', 'week', 'month']);
	IF compare IS NOT NULL THEN
		PERFORM trackagoat.check_choice('invalid_compare', compare, ARRAY['prior_period']);
	END IF;
	IF metric = 'growth_rate_pop' THEN
		PERFORM trackagoat.check_choice('invalid_base_metric', base_metric, counters || of_groups);
	ELSIF base_metric IS NOT NULL THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_base_metric',
			DETAIL = format('Metric %s has no base metric.', metric),
			HINT = 'Leave base_metric out, or ask for growth_rate_pop.';
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.check_analytics(text, text, text, text, text, text) IS
	'raises PT400 for what analytics() cannot answer, with the allowed values in the hint';

CREATE FUNCTION trackagoat.check_window(from_date date, to_date date) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF from_date > to_date OR NOT isfinite(from_date) OR NOT isfinite(to_date) OR to_date - from_date >= 3660 THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_window',
			DETAIL = format('From %s to %s is no window of at most 3660 days.', from_date, to_date),
			HINT = 'Give a from_date that is not after to_date; without dates it is the last 30 days.';
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.check_window(date, date) IS 'raises PT400 invalid_window';

CREATE FUNCTION trackagoat.check_timezone(tz text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF NOT trackagoat.is_timezone(tz) THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_timezone',
			DETAIL = format('The server knows no time zone %L.', left(tz, 100)),
			HINT = 'Name one of pg_timezone_names, such as Europe/Vienna.';
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.check_timezone(text) IS 'raises PT400 invalid_timezone';

CREATE FUNCTION trackagoat.analytics_window(
	from_date date, to_date date, tz text, at timestamptz, OUT first_day date, OUT last_day date)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	PERFORM trackagoat.check_timezone(tz);
	last_day := coalesce(to_date, from_date + 29, (coalesce(at, now()) AT TIME ZONE tz)::date);
	first_day := coalesce(from_date, last_day - 29);
	PERFORM trackagoat.check_window(first_day, last_day);
END
$$;
COMMENT ON FUNCTION trackagoat.analytics_window(date, date, text, timestamptz) IS
	'the days that are asked for: 30 of them where a date is left out, until today without any; PT400 invalid_timezone, invalid_window';

CREATE FUNCTION trackagoat.entity_timezone(entity text, entity_id uuid) RETURNS text
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	zone text;
BEGIN
	SELECT o.timezone INTO zone FROM trackagoat.organization o WHERE o.id = CASE entity
		WHEN 'video' THEN (SELECT v.org_id FROM trackagoat.video v WHERE v.id = entity_id LIMIT 1)
		WHEN 'creator' THEN (SELECT c.org_id FROM trackagoat.creator c WHERE c.id = entity_id LIMIT 1)
		WHEN 'campaign' THEN (SELECT k.org_id FROM trackagoat.campaign k WHERE k.id = entity_id LIMIT 1)
		WHEN 'project' THEN (SELECT p.org_id FROM trackagoat.project p WHERE p.id = entity_id LIMIT 1) END;
	IF zone IS NULL THEN
		PERFORM trackagoat.entity_missing(entity, entity_id);
	END IF;
	RETURN zone;
END
$$;
COMMENT ON FUNCTION trackagoat.entity_timezone(text, uuid) IS
	'time zone of the organization of a video, creator, campaign or project; PT404 video_not_found and so on';

CREATE FUNCTION trackagoat.entity_buckets(
	entity text, entity_id uuid, granularity text, from_date date, to_date date, tz text, at timestamptz, wanted integer[])
	RETURNS TABLE (bucket date, days integer, is_partial boolean,
		posts numeric, gains numeric[], levels numeric[], baselines boolean[])
	LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	today date := (coalesce(entity_buckets.at, now()) AT TIME ZONE entity_buckets.tz)::date;
BEGIN
	RETURN QUERY
	WITH amounts AS MATERIALIZED (
		SELECT * FROM trackagoat.entity_amounts(entity_buckets.entity, entity_buckets.entity_id,
			entity_buckets.from_date, entity_buckets.to_date, entity_buckets.tz, entity_buckets.at)
	), followers AS MATERIALIZED (
		SELECT * FROM trackagoat.follower_amounts(entity_buckets.entity, entity_buckets.entity_id,
			entity_buckets.from_date, entity_buckets.to_date, entity_buckets.tz, entity_buckets.at)
		-- the histories of all creators are read for them
		WHERE 6 = ANY (wanted)
	), calendar AS (
		-- the row of -infinity is what was before
		SELECT '-infinity'::date AS day, '-infinity'::date AS bucket
		UNION ALL
		SELECT d::date, date_trunc(granularity, d::timestamp)::date
		FROM generate_series(entity_buckets.from_date::timestamp, entity_buckets.to_date, '1 day') d
	), sums AS (
		SELECT c.bucket, count(*)::integer AS days, min(c.day) AS first_day, max(c.day) AS last_day,
			(count(*) FILTER (WHERE c.day <= today))::integer AS elapsed,
			coalesce(sum(a.posts), 0) AS posts,
			ARRAY[coalesce(sum(a.views), 0), coalesce(sum(a.likes), 0), coalesce(sum(a.comments), 0),
				coalesce(sum(a.shares), 0), coalesce(sum(a.saves), 0), coalesce(sum(f.gain), 0), coalesce(sum(a.posts), 0)] AS gains,
			ARRAY[coalesce(sum(a.baseline_views), 0), coalesce(sum(a.baseline_likes), 0), coalesce(sum(a.baseline_comments), 0),
				coalesce(sum(a.baseline_shares), 0), coalesce(sum(a.baseline_saves), 0), coalesce(sum(f.baseline), 0), 0] AS bases,
			ARRAY[coalesce(sum(a.known_views), 0), coalesce(sum(a.known_likes), 0), coalesce(sum(a.known_comments), 0),
				coalesce(sum(a.known_shares), 0), coalesce(sum(a.known_saves), 0), coalesce(sum(f.known), 0),
				CASE WHEN c.bucket = '-infinity' THEN 1 ELSE 0 END] AS known
		FROM calendar c LEFT JOIN amounts a ON a.day = c.day LEFT JOIN followers f ON f.day = c.day
		GROUP BY c.bucket
	), running AS (
		SELECT s.*, m.n, s.known[m.n] <> 0 OR s.bases[m.n] <> 0 AS is_baseline,
			CASE WHEN sum(s.known[m.n]) OVER w > 0 THEN sum(s.gains[m.n] + s.bases[m.n]) OVER w END AS level
		FROM sums s, unnest(wanted) m (n)
		WINDOW w AS (PARTITION BY m.n ORDER BY s.bucket)
	)
	SELECT r.bucket, greatest(max(r.elapsed), 1),
		bool_or(r.last_day >= today
			OR r.first_day > r.bucket
			OR r.last_day < (r.bucket + ('1 ' || granularity)::interval)::date - 1),
		max(r.posts), max(r.gains),
		ARRAY[max(r.level) FILTER (WHERE r.n = 1), max(r.level) FILTER (WHERE r.n = 2), max(r.level) FILTER (WHERE r.n = 3),
			max(r.level) FILTER (WHERE r.n = 4), max(r.level) FILTER (WHERE r.n = 5), max(r.level) FILTER (WHERE r.n = 6),
			max(r.level) FILTER (WHERE r.n = 7)],
		ARRAY[bool_or(r.is_baseline) FILTER (WHERE r.n = 1), bool_or(r.is_baseline) FILTER (WHERE r.n = 2),
			bool_or(r.is_baseline) FILTER (WHERE r.n = 3), bool_or(r.is_baseline) FILTER (WHERE r.n = 4),
			bool_or(r.is_baseline) FILTER (WHERE r.n = 5), bool_or(r.is_baseline) FILTER (WHERE r.n = 6),
			bool_or(r.is_baseline) FILTER (WHERE r.n = 7)]
	FROM running r WHERE r.bucket > '-infinity'
	GROUP BY r.bucket ORDER BY r.bucket;
END
$$;
COMMENT ON FUNCTION trackagoat.entity_buckets(text, uuid, text, date, date, text, timestamptz, integer[]) IS
	'what analytics() computes from, for each bucket: days elapsed, posts, and of 1 views, 2 likes, 3 comments, 4 shares, 5 saves, 6 followers, 7 posts the gains, and where wanted the levels at its end (NULL where not known) and whether a baseline is in it; gains of followers only where wanted';

CREATE FUNCTION trackagoat.entity_metric(
	entity text, entity_id uuid, metric text, mode text, granularity text,
	from_date date, to_date date, tz text, base_metric text, at timestamptz)
	RETURNS TABLE (bucket date, value numeric, is_partial boolean, is_baseline boolean)
	LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	n integer := array_position(ARRAY['views', 'likes', 'comments', 'shares', 'saves', 'followers', 'posts'],
		coalesce(base_metric, entity_metric.metric));
	before date := entity_metric.from_date;
BEGIN
	IF metric = 'growth_rate_pop' THEN
		-- the bucket before the first is what that one grew from
		before := date_trunc(granularity, (entity_metric.from_date::timestamp - ('1 ' || granularity)::interval))::date;
	END IF;
	RETURN QUERY
	SELECT b.bucket, CASE entity_metric.metric
			WHEN 'engagement_rate_by_views' THEN CASE entity_metric.mode
				WHEN 'cumulative' THEN (coalesce(b.levels[2], 0) + coalesce(b.levels[3], 0) + coalesce(b.levels[4], 0) + coalesce(b.levels[5], 0))
					/ nullif(b.levels[1], 0) * 100
				ELSE (b.gains[2] + b.gains[3] + b.gains[4] + b.gains[5]) / nullif(b.gains[1], 0) * 100 END
			WHEN 'engagement_rate_by_followers' THEN (b.gains[2] + b.gains[3] + b.gains[4] + b.gains[5]) / nullif(b.levels[6], 0) * 100
			WHEN 'posts_per_week' THEN b.posts * 7 / b.days
			WHEN 'avg_views_per_post' THEN b.gains[1] / nullif(b.levels[7], 0)
			WHEN 'growth_rate_pop' THEN (b.levels[n] - lag(b.levels[n]) OVER w) / nullif(lag(b.levels[n]) OVER w, 0) * 100
			ELSE CASE entity_metric.mode
				WHEN 'cumulative' THEN b.levels[n]
				WHEN 'rate' THEN b.gains[n] / b.days
				ELSE b.gains[n] END
		END,
		b.is_partial, b.baselines[coalesce(n, 1)]
	FROM trackagoat.entity_buckets(entity_metric.entity, entity_metric.entity_id, entity_metric.granularity,
		before, entity_metric.to_date, entity_metric.tz, entity_metric.at,
		CASE entity_metric.metric
			WHEN 'engagement_rate_by_views' THEN ARRAY[1, 2, 3, 4, 5]
			WHEN 'engagement_rate_by_followers' THEN ARRAY[1, 6]
			WHEN 'avg_views_per_post' THEN ARRAY[1, 7]
			ELSE ARRAY[coalesce(n, 1)] END) b
	WINDOW w AS (ORDER BY b.bucket)
	ORDER BY b.bucket
	OFFSET CASE WHEN metric = 'growth_rate_pop' THEN 1 ELSE 0 END;
END
$$;
COMMENT ON FUNCTION trackagoat.entity_metric(text, uuid, text, text, text, date, date, text, text, timestamptz) IS
	'one metric of one entity, a row a bucket; its arguments are checked by analytics()';

CREATE FUNCTION trackagoat.analytics(
	entity text, entity_ids uuid[], metric text, mode text DEFAULT 'new', granularity text DEFAULT 'day',
	from_date date DEFAULT NULL, to_date date DEFAULT NULL, tz text DEFAULT NULL,
	compare text DEFAULT NULL, base_metric text DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (entity_id uuid, series_kind text, bucket date, value numeric, is_partial boolean, is_baseline boolean)
	LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	id uuid;
	zone text;
	first date;
	last date;
	kind text;
BEGIN
	PERFORM trackagoat.check_analytics(entity, metric, mode, granularity, compare, base_metric);
	IF entity_ids IS NULL OR cardinality(entity_ids) NOT BETWEEN 1 AND 5 OR array_position(entity_ids, NULL) IS NOT NULL THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_entity_ids',
			DETAIL = 'The ids are missing, too many, or one is NULL.',
			HINT = 'Give one to five ids.';
	END IF;
	FOREACH kind IN ARRAY CASE WHEN compare IS NULL THEN ARRAY['main'] ELSE ARRAY['main', 'prior_period'] END LOOP
		FOREACH id IN ARRAY entity_ids LOOP
			zone := coalesce(tz, trackagoat.entity_timezone(entity, id));
			SELECT w.first_day, w.last_day INTO first, last FROM trackagoat.analytics_window(from_date, to_date, zone, at) w;
			IF kind = 'prior_period' THEN
				-- as many days, right before
				SELECT first - (last - first + 1), first - 1 INTO first, last;
			END IF;
			RETURN QUERY SELECT analytics_id, kind, m.bucket, m.value, m.is_partial, m.is_baseline
			FROM (VALUES (id)) i (analytics_id), trackagoat.entity_metric(
				entity, id, metric, mode, granularity, first, last, zone, base_metric, at) m;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION trackagoat.analytics(text, uuid[], text, text, text, date, date, text, text, text, timestamptz) IS
	'a metric of up to five videos, creators, campaigns or projects over time, a row a bucket; last 30 days without dates; series_kind is main or, with compare => prior_period, also prior_period; PT400 with the allowed values, PT404 for an id that is not there';

CREATE FUNCTION trackagoat.campaign_breakdown(
	campaign_id uuid, metric text, mode text DEFAULT 'new', granularity text DEFAULT 'day',
	from_date date DEFAULT NULL, to_date date DEFAULT NULL, tz text DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (entity_ref text, label text, bucket date, value numeric, is_partial boolean, is_baseline boolean)
	LANGUAGE plpgsql STABLE ROWS 300 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	counters text[] := ARRAY['views', 'likes', 'comments', 'shares', 'saves'];
	n integer := array_position(counters, metric);
	zone text;
	last date;
	first date;
	ends timestamptz;
	top uuid[];
BEGIN
	PERFORM trackagoat.check_choice('invalid_metric', metric, counters);
	PERFORM trackagoat.check_choice('invalid_mode', mode, ARRAY['new', 'cumulative']);
	PERFORM trackagoat.check_choice('invalid_granularity', granularity, ARRAY['day', 'week', 'month']);
	zone := coalesce(tz, trackagoat.entity_timezone('campaign', campaign_id));
	SELECT w.first_day, w.last_day INTO first, last FROM trackagoat.analytics_window(from_date, to_date, zone, campaign_breakdown.at) w;
	ends := least((last + 1)::timestamp AT TIME ZONE zone, campaign_breakdown.at + interval '1 microsecond');
	SELECT array_agg(r.video_id ORDER BY r.score DESC, r.video_id) INTO top FROM (
		SELECT v.video_id, CASE mode
			WHEN 'cumulative' THEN (array_agg(trackagoat.series_at(h.points, ends - interval '1 microsecond') ORDER BY h.started_at DESC)
				FILTER (WHERE trackagoat.series_at(h.points, ends - interval '1 microsecond') IS NOT NULL))[1][n]::numeric
			ELSE sum((trackagoat.series_gain(h.points, first::timestamp AT TIME ZONE zone, ends))[n]) END AS score
		FROM trackagoat.campaign_videos(campaign_breakdown.campaign_id) v
		JOIN trackagoat.video_history h ON h.video_id = v.video_id
		GROUP BY v.video_id
		ORDER BY score DESC NULLS LAST, v.video_id LIMIT 10) r;
	RETURN QUERY
	WITH shown AS MATERIALIZED (
		SELECT t.video_id, t.place, m.* FROM unnest(top) WITH ORDINALITY t (video_id, place),
			trackagoat.entity_metric('video', t.video_id, metric, mode, granularity, first, last, zone, NULL, campaign_breakdown.at) m
	)
	SELECT q.entity_ref, q.label, q.bucket, q.value, q.is_partial, q.is_baseline FROM (
		SELECT s.place, s.video_id::text AS entity_ref, coalesce(v.title, v.tiktok_video_id::text) AS label,
			s.bucket, s.value, s.is_partial, s.is_baseline
		FROM shown s JOIN trackagoat.video v ON v.id = s.video_id
		UNION ALL
		SELECT 11, '__other__', 'Other', m.bucket, m.value - coalesce(sum(s.value), 0), m.is_partial, m.is_baseline
		FROM trackagoat.entity_metric('campaign', campaign_breakdown.campaign_id, metric, mode, granularity, first, last, zone, NULL, campaign_breakdown.at) m
		LEFT JOIN shown s ON s.bucket = m.bucket
		GROUP BY m.bucket, m.value, m.is_partial, m.is_baseline) q
	ORDER BY q.place, q.bucket;
END
$$;
COMMENT ON FUNCTION trackagoat.campaign_breakdown(uuid, text, text, text, date, date, text, timestamptz) IS
	'a counter of a campaign by video: the ten that gained most in the window (mode cumulative: that stand highest at its end), each by its id, and all others as __other__; PT400, PT404 campaign_not_found';

CREATE FUNCTION trackagoat.campaign_progress(
	campaign_id uuid, at timestamptz DEFAULT NULL,
	OUT target_views bigint, OUT target_at timestamptz, OUT views bigint, OUT progress numeric, OUT views_left bigint,
	OUT days_left numeric, OUT views_per_day numeric, OUT needed_per_day numeric, OUT projected_views numeric, OUT is_on_track boolean)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	moment timestamptz := coalesce(campaign_progress.at, now());
	today date := (moment AT TIME ZONE trackagoat.entity_timezone('campaign', campaign_id))::date;
BEGIN
	SELECT c.target_views, c.target_at INTO campaign_progress.target_views, campaign_progress.target_at
	FROM trackagoat.campaign c WHERE c.id = campaign_progress.campaign_id;
	SELECT s.views INTO campaign_progress.views
	FROM trackagoat.campaign_stats(campaign_progress.campaign_id, at => campaign_progress.at) s;
	-- the pace of the last seven whole days
	SELECT s.views / 7.0 INTO views_per_day
	FROM trackagoat.campaign_stats(campaign_progress.campaign_id, today - 7, today - 1, campaign_progress.at) s;
	progress := coalesce(views, 0) * 100.0 / target_views;
	-- greatest() would take NULL for nothing
	views_left := CASE WHEN views >= target_views THEN 0 ELSE target_views - coalesce(views, 0) END;
	days_left := CASE WHEN target_at < moment THEN 0 WHEN isfinite(target_at) THEN extract(epoch FROM target_at - moment) / 86400 END;
	needed_per_day := views_left / nullif(days_left, 0);
	projected_views := coalesce(views, 0) + views_per_day * days_left;
	is_on_track := CASE WHEN views_left = 0 THEN true ELSE projected_views >= target_views END;
END
$$;
COMMENT ON FUNCTION trackagoat.campaign_progress(uuid, timestamptz) IS
	'how far a campaign is towards target_views by target_at: percent reached, views and days left, the pace of the last seven whole days, the pace it needs, and where the present pace leads; NULL where no target says; PT404 campaign_not_found';
