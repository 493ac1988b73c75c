-- What 050, 051 and 052 share: a plain copy of every observation, random work on
-- the extension and the copy in the same transactions, and the comparison of
-- what the extension answers with what plain SQL finds in the copy.  Of
-- statuses, creators and items there is no copy: they are ordinary rows.

CREATE TABLE public.oracle_observation (
	video_id uuid,
	observed_at timestamptz,
	views bigint,
	likes bigint,
	comments bigint,
	shares bigint,
	saves bigint,
	exact boolean,
	source text,
	PRIMARY KEY (video_id, observed_at)
);
CREATE SEQUENCE public.oracle_sequence;
CREATE TYPE public.oracle_difference AS (what text, key text, ours text, expected text);

-- --- the oracle --------------------------------------------------------------------

CREATE VIEW public.oracle_video AS
SELECT v.id, v.project_id, v.creator_id, o.timezone, p.posted, (p.posted AT TIME ZONE o.timezone)::date AS day,
	v.tracking_status IN ('auto_tracked', 'included', 'direct_add') AND (v.creator_id IS NULL OR c.removed_at IS NULL) AS counts
FROM trackagoat.video v JOIN trackagoat.organization o ON o.id = v.org_id
LEFT JOIN trackagoat.creator c ON c.id = v.creator_id,
LATERAL (SELECT coalesce(v.posted_at, trackagoat.video_id_time(v.tiktok_video_id))) p (posted);

-- Each known counter of each observation, with what was known before and when more is.
CREATE VIEW public.oracle_point AS
SELECT v.id AS video_id, v.timezone, o.observed_at, (o.observed_at AT TIME ZONE v.timezone)::date AS day, c.counter, c.value,
	lag(c.value) OVER w AS before, lead(o.observed_at) OVER w AS next
FROM public.oracle_observation o JOIN public.oracle_video v ON v.id = o.video_id,
LATERAL (VALUES (1, o.views), (2, o.likes), (3, o.comments), (4, o.shares), (5, o.saves)) c (counter, value)
WHERE c.value IS NOT NULL
WINDOW w AS (PARTITION BY o.video_id, c.counter ORDER BY o.observed_at);

CREATE VIEW public.oracle_tree AS
WITH RECURSIVE tree (root, id) AS (
	SELECT id, id FROM trackagoat.campaign
	UNION SELECT t.root, i.child_campaign_id FROM tree t JOIN trackagoat.campaign_item i ON i.campaign_id = t.id
	WHERE i.child_campaign_id IS NOT NULL)
SELECT root, id FROM tree;

-- The counted videos of everything that has totals.
CREATE VIEW public.oracle_member AS
SELECT 'campaign' AS entity, t.root AS id, v.id AS video_id
FROM public.oracle_tree t JOIN trackagoat.campaign_item i ON i.campaign_id = t.id
JOIN public.oracle_video v ON v.counts AND i.video_id = v.id
UNION SELECT 'campaign', t.root, v.id
FROM public.oracle_tree t JOIN trackagoat.campaign_item i ON i.campaign_id = t.id
JOIN public.oracle_video v ON v.counts AND i.creator_id = v.creator_id
UNION SELECT 'creator', creator_id, id FROM public.oracle_video WHERE counts AND creator_id IS NOT NULL
UNION SELECT 'project', project_id, id FROM public.oracle_video WHERE counts
UNION SELECT 'video', id, id FROM public.oracle_video WHERE counts;

-- Random, but the same for the same seed wherever it is asked.
CREATE FUNCTION public.oracle_random(seed integer, n integer, up_to bigint) RETURNS integer LANGUAGE sql IMMUTABLE
	RETURN abs(hashint8extended(seed, n) % greatest(up_to, 1));

CREATE FUNCTION public.oracle_zone(n integer) RETURNS text LANGUAGE sql IMMUTABLE
	RETURN ('{UTC,America/New_York,Asia/Kolkata,Pacific/Chatham,Europe/Berlin}'::text[])[1 + n % 5];

-- A moment that may lie exactly on an observation, or just before it.
CREATE FUNCTION public.oracle_moment(seed integer, n integer) RETURNS timestamptz LANGUAGE sql STABLE
	RETURN (SELECT o.observed_at - oracle_random(seed, n, 2) * interval '1 microsecond' FROM public.oracle_observation o
		ORDER BY o.observed_at, o.video_id
		OFFSET oracle_random(seed, n + 1000, (SELECT count(*) FROM public.oracle_observation)) LIMIT 1);

-- Windows and moments to ask about: f from, t to, m whole months, a as of.
CREATE FUNCTION public.oracle_questions(seed integer, shapes text[]) RETURNS
	TABLE (n integer, from_date date, to_date date, at timestamptz, tz text, is_window boolean) LANGUAGE sql STABLE AS
$$
	WITH span AS MATERIALIZED (SELECT coalesce((min(observed_at) - interval '5 days')::date, '2025-03-01') AS first,
			coalesce(extract(day FROM max(observed_at) - min(observed_at))::integer, 0) + 10 AS length FROM public.oracle_observation)
	SELECT s.n, CASE WHEN shape ~ 'm' THEN date_trunc('month', least(a, b))::date WHEN shape ~ 'f' THEN least(a, b) END,
		CASE WHEN shape ~ 'm' THEN (date_trunc('month', greatest(a, b)) + interval '1 month - 1 day')::date WHEN shape ~ 't' THEN greatest(a, b) END,
		CASE WHEN shape ~ 'a' THEN oracle_moment(seed, s.n::integer) END,
		CASE WHEN shape ~ 'z' THEN oracle_zone(oracle_random(seed, s.n::integer, 5)) END,
		shape ~ '[ftm]'
	FROM unnest(shapes) WITH ORDINALITY s (shape, n), span,
	LATERAL (SELECT first + oracle_random(seed, s.n::integer * 7, length),
		first + oracle_random(seed, s.n::integer * 7 + 1, length)) w (a, b)
$$;

-- campaign_stats() of all campaigns.
CREATE FUNCTION public.oracle_stats(seed integer) RETURNS SETOF public.oracle_difference LANGUAGE sql STABLE AS
$$
	WITH q AS MATERIALIZED (SELECT *, coalesce(from_date, '-infinity') AS first, coalesce(to_date, 'infinity') AS last
		FROM oracle_questions(seed, '{-,ft,ft,m,f,t,a,a,fta,fa,ta}')),
	member AS MATERIALIZED (SELECT m.id, v.id AS video_id, v.day, v.posted
		FROM oracle_member m JOIN oracle_video v ON v.id = m.video_id WHERE m.entity = 'campaign'),
	-- what a window gained, or else what was last known
	amount AS MATERIALIZED (SELECT q.n, p.video_id, p.counter, sum(CASE WHEN q.is_window THEN p.value - p.before ELSE p.value END) AS amount
		FROM q JOIN oracle_point p ON (q.at IS NULL OR p.observed_at <= q.at)
			AND CASE WHEN q.is_window THEN p.day BETWEEN q.first AND q.last ELSE p.next IS NULL OR p.next > q.at END
		GROUP BY 1, 2, 3),
	total AS (SELECT m.id, a.n,
			sum(amount) FILTER (WHERE counter = 1)::bigint AS views, sum(amount) FILTER (WHERE counter = 2)::bigint AS likes,
			sum(amount) FILTER (WHERE counter = 3)::bigint AS comments, sum(amount) FILTER (WHERE counter = 4)::bigint AS shares,
			sum(amount) FILTER (WHERE counter = 5)::bigint AS saves
		FROM member m JOIN amount a ON a.video_id = m.video_id GROUP BY 1, 2),
	post AS (SELECT m.id, q.n, count(*) AS videos
		FROM member m JOIN q ON (q.at IS NULL OR m.posted <= q.at) AND (NOT q.is_window OR m.day BETWEEN q.first AND q.last) GROUP BY 1, 2),
	person AS (SELECT t.root AS id, count(DISTINCT coalesce(c.id, v.creator_id)) AS creators
		FROM oracle_tree t JOIN trackagoat.campaign_item i ON i.campaign_id = t.id
		LEFT JOIN trackagoat.creator c ON c.id = i.creator_id AND c.removed_at IS NULL
		LEFT JOIN oracle_video v ON v.id = i.video_id AND v.counts GROUP BY 1),
	expected AS (SELECT c.id, q.n, ROW(coalesce(person.creators, 0), coalesce(post.videos, 0), f.views, f.likes, f.comments, f.shares, f.saves,
			(coalesce(f.likes, 0)::numeric + coalesce(f.comments, 0) + coalesce(f.shares, 0) + coalesce(f.saves, 0)) / nullif(f.views, 0) * 100)::text AS answer
		FROM trackagoat.campaign c CROSS JOIN q LEFT JOIN person USING (id) LEFT JOIN post USING (id, n) LEFT JOIN total t USING (id, n),
		-- a total that nobody knows is NULL, unless there is no video, or only gains are asked for
		LATERAL (SELECT CASE WHEN q.is_window OR post.videos IS NULL THEN 0 END AS nothing) z,
		LATERAL (SELECT coalesce(t.views, nothing), coalesce(t.likes, nothing), coalesce(t.comments, nothing),
			coalesce(t.shares, nothing), coalesce(t.saves, nothing)) f (views, likes, comments, shares, saves)),
	ours AS (SELECT c.id, q.n, s::text AS answer
		FROM trackagoat.campaign c, q, LATERAL trackagoat.campaign_stats(c.id, q.from_date, q.to_date, q.at) s)
	SELECT 'campaign_stats', format('%s from %s to %s at %s', id, q.from_date, q.to_date, q.at), ours.answer, expected.answer
	FROM ours FULL JOIN expected USING (id, n) LEFT JOIN q USING (n) WHERE ours.answer IS DISTINCT FROM expected.answer
$$;

-- entity_days() of all campaigns, creators, projects and some videos; sum_gains()
-- over the histories of whole projects.  A day of zeros may be there or not.
CREATE FUNCTION public.oracle_days(seed integer) RETURNS SETOF public.oracle_difference LANGUAGE sql STABLE AS
$$
	WITH q AS MATERIALIZED (SELECT *, coalesce(from_date, '-infinity') AS first, coalesce(to_date, 'infinity') AS last
		FROM oracle_questions(seed + 1, '{-,z,m,zfa}')),
	subject AS MATERIALIZED (SELECT 'campaign' AS entity, id, '' AS timezone FROM trackagoat.campaign
		UNION ALL SELECT 'creator', id, '' FROM trackagoat.creator
		UNION ALL SELECT 'project', id, '' FROM trackagoat.project
		UNION ALL SELECT 'sum_gains', p.id, o.timezone FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id
		UNION ALL (SELECT 'video', id, '' FROM oracle_video WHERE counts ORDER BY hashint8extended(seed, hashtext(id::text)) LIMIT 8)),
	member AS MATERIALIZED (SELECT s.entity, s.id, m.video_id FROM subject s
		JOIN oracle_member m ON m.entity = CASE s.entity WHEN 'sum_gains' THEN 'project' ELSE s.entity END AND m.id = s.id),
	amount AS MATERIALIZED (SELECT q.n, p.video_id, (p.observed_at AT TIME ZONE coalesce(q.tz, p.timezone))::date AS day, p.counter,
			sum(p.value - p.before)::bigint AS gain, sum(p.value) FILTER (WHERE p.before IS NULL)::bigint AS baseline,
			count(*) FILTER (WHERE p.before IS NULL) AS known
		FROM q JOIN oracle_point p ON q.at IS NULL OR p.observed_at <= q.at GROUP BY 1, 2, 3, 4
		UNION ALL SELECT q.n, v.id, (v.posted AT TIME ZONE coalesce(q.tz, v.timezone))::date, 0, 1, 0, 0
		FROM q JOIN oracle_video v ON q.at IS NULL OR v.posted <= q.at),
	expected AS (SELECT entity, id, a.n, a.day, ARRAY[coalesce(sum(gain) FILTER (WHERE counter = 0 AND entity <> 'sum_gains'), 0),
			coalesce(sum(gain) FILTER (WHERE counter = 1), 0), coalesce(sum(gain) FILTER (WHERE counter = 2), 0),
			coalesce(sum(gain) FILTER (WHERE counter = 3), 0), coalesce(sum(gain) FILTER (WHERE counter = 4), 0),
			coalesce(sum(gain) FILTER (WHERE counter = 5), 0),
			coalesce(sum(baseline) FILTER (WHERE counter = 1), 0), coalesce(sum(baseline) FILTER (WHERE counter = 2), 0),
			coalesce(sum(baseline) FILTER (WHERE counter = 3), 0), coalesce(sum(baseline) FILTER (WHERE counter = 4), 0),
			coalesce(sum(baseline) FILTER (WHERE counter = 5), 0),
			coalesce(sum(known) FILTER (WHERE counter = 1), 0), coalesce(sum(known) FILTER (WHERE counter = 2), 0),
			coalesce(sum(known) FILTER (WHERE counter = 3), 0), coalesce(sum(known) FILTER (WHERE counter = 4), 0),
			coalesce(sum(known) FILTER (WHERE counter = 5), 0)]::bigint[] AS answer
		FROM member JOIN amount a USING (video_id) JOIN q ON q.n = a.n AND a.day BETWEEN q.first AND q.last
		WHERE entity <> 'sum_gains' OR q.at IS NULL GROUP BY 1, 2, 3, 4),
	ours AS (SELECT s.entity, s.id, q.n, e.day, ARRAY[e.posts, e.views, e.likes, e.comments, e.shares, e.saves,
			e.baseline_views, e.baseline_likes, e.baseline_comments, e.baseline_shares, e.baseline_saves,
			e.known_views, e.known_likes, e.known_comments, e.known_shares, e.known_saves]::bigint[] AS answer
		FROM subject s, q, LATERAL trackagoat.entity_days(s.entity, s.id, q.from_date, q.to_date, q.tz, q.at) e
		WHERE s.entity <> 'sum_gains'
		UNION ALL SELECT 'sum_gains', g.id, g.n, d.day, 0::bigint || d.amounts
		FROM (SELECT s.id, q.n, trackagoat.sum_gains(h.points, coalesce(q.from_date, '2024-01-01'), coalesce(q.to_date, '2027-01-01'), coalesce(q.tz, s.timezone)) AS gains
			FROM subject s CROSS JOIN q JOIN member USING (entity, id) JOIN trackagoat.video_history h USING (video_id)
			WHERE s.entity = 'sum_gains' AND q.at IS NULL GROUP BY 1, 2) g, LATERAL trackagoat.series_days(g.gains) d)
	SELECT CASE entity WHEN 'sum_gains' THEN entity ELSE 'entity_days ' || entity END,
		format('%s from %s to %s tz %s at %s: day %s', id, q.from_date, q.to_date, q.tz, q.at, day), ours.answer::text, expected.answer::text
	FROM (SELECT * FROM ours WHERE 0 <> ANY (answer)) ours
	FULL JOIN (SELECT * FROM expected WHERE 0 <> ANY (answer)) expected USING (entity, id, n, day) LEFT JOIN q USING (n)
	WHERE ours.answer IS DISTINCT FROM expected.answer
$$;

-- analytics() of up to five of each kind, for some metrics, modes and buckets.
CREATE FUNCTION public.oracle_analytics(seed integer) RETURNS SETOF public.oracle_difference LANGUAGE sql STABLE AS
$$
	WITH q AS MATERIALIZED (SELECT q.n, q.tz, q.at, e.entity, c.metric, c.counter, g.step,
			CASE WHEN c.counter > 0 AND oracle_random(seed, q.n + 40, 2) = 0 THEN 'cumulative' ELSE 'new' END AS mode,
			-- whole buckets: what a part of one is, is another question
			date_trunc(g.step, q.from_date)::date AS first,
			(date_trunc(g.step, q.to_date) + ('1 ' || g.step)::interval - interval '1 day')::date AS last
		FROM oracle_questions(seed + 2, '{ft,ftz,fta,ftaz,ft,ft}') q,
		LATERAL (SELECT (ARRAY['campaign', 'project', 'creator', 'video'])[1 + (q.n + seed) % 4]) e (entity),
		-- a video has no posts
		LATERAL (SELECT greatest(oracle_random(seed, q.n + 20, 6), (entity = 'video')::integer)) r (counter),
		LATERAL (SELECT r.counter, (ARRAY['posts', 'views', 'likes', 'comments', 'shares', 'saves'])[1 + r.counter]) c (counter, metric),
		LATERAL (SELECT (ARRAY['day', 'day', 'week', 'month'])[1 + oracle_random(seed, q.n + 30, 4)]) g (step)),
	subject AS MATERIALIZED (SELECT s.entity, s.id FROM (SELECT m.*,
				row_number() OVER (PARTITION BY m.entity ORDER BY hashint8extended(seed, hashtext(m.id::text))) AS place
			FROM (SELECT DISTINCT entity, id FROM oracle_member) m) s WHERE s.place <= 5),
	point AS MATERIALIZED (SELECT video_id, timezone, observed_at, counter, value, before FROM oracle_point
		UNION ALL SELECT id, timezone, posted, 0, 1, 0 FROM oracle_video),
	video AS MATERIALIZED (SELECT q.n, p.video_id, date_trunc(q.step, p.observed_at AT TIME ZONE coalesce(q.tz, p.timezone))::date AS bucket,
			sum(CASE WHEN q.mode = 'cumulative' THEN p.value - coalesce(p.before, 0) ELSE p.value - p.before END) AS amount
		FROM q JOIN point p ON p.counter = q.counter AND (q.at IS NULL OR p.observed_at <= q.at) GROUP BY 1, 2, 3),
	amount AS MATERIALIZED (SELECT q.n, s.entity, s.id, v.bucket, sum(v.amount) AS amount
		FROM q JOIN subject s USING (entity) JOIN oracle_member m USING (entity, id) JOIN video v ON v.n = q.n AND v.video_id = m.video_id
		GROUP BY 1, 2, 3, 4),
	expected AS (SELECT q.n, s.id, b.bucket::date AS bucket, sum(a.amount) AS value
		FROM q JOIN subject s USING (entity) CROSS JOIN generate_series(q.first, q.last, ('1 ' || q.step)::interval) b (bucket)
		JOIN amount a ON a.n = q.n AND a.id = s.id AND (a.bucket = b.bucket OR q.mode = 'cumulative' AND a.bucket < b.bucket)
		GROUP BY 1, 2, 3),
	ours AS (SELECT q.n, a.entity_id AS id, a.bucket, a.value
		FROM q JOIN (SELECT entity, array_agg(id) AS ids FROM subject GROUP BY 1) s USING (entity),
		LATERAL trackagoat.analytics(q.entity, s.ids, q.metric, q.mode, q.step, q.first, q.last, q.tz, at => q.at) a)
	SELECT 'analytics', format('%s %s %s %s by %s from %s to %s tz %s at %s: %s', q.entity, id, q.mode, q.metric, q.step, q.first, q.last, q.tz, q.at, bucket),
		ours.value::text, expected.value::text
	FROM (SELECT * FROM ours WHERE value <> 0) ours FULL JOIN (SELECT * FROM expected WHERE value <> 0) expected USING (n, id, bucket) LEFT JOIN q USING (n)
	WHERE ours.value IS DISTINCT FROM expected.value
$$;

-- The observations themselves, the current counters, and what is below campaigns.
CREATE FUNCTION public.oracle_rows(seed integer) RETURNS SETOF public.oracle_difference LANGUAGE sql STABLE AS
$$
	WITH copy AS MATERIALIZED (SELECT o.* FROM public.oracle_observation o JOIN trackagoat.video v ON v.id = o.video_id),
	bounds AS MATERIALIZED (SELECT least(a, b) AS low, greatest(a, b) AS high
		FROM (SELECT oracle_moment(seed, 91) + interval '0.5 s', oracle_moment(seed, 92) + interval '0.5 s') m (a, b)),
	level AS (SELECT video_id, max(value) FILTER (WHERE counter = 1) AS views, max(value) FILTER (WHERE counter = 2) AS likes,
			max(value) FILTER (WHERE counter = 3) AS comments, max(value) FILTER (WHERE counter = 4) AS shares, max(value) FILTER (WHERE counter = 5) AS saves
		FROM public.oracle_point WHERE next IS NULL GROUP BY 1),
	expected AS (SELECT 'video_snapshot' AS what, format('%s %s', video_id, observed_at) AS key,
			ROW(views, likes, comments, shares, saves, exact, source)::text AS answer FROM copy
		UNION ALL SELECT 'video_snapshots', format('%s %s', video_id, observed_at), ROW(views, likes, comments, shares, saves)::text FROM copy, bounds
		WHERE observed_at BETWEEN low AND high
		UNION ALL SELECT 'video', v.id::text, ROW(l.views, l.likes, l.comments, l.shares, l.saves, n.observed_at)::text
		FROM trackagoat.video v LEFT JOIN level l ON l.video_id = v.id
		LEFT JOIN (SELECT video_id, max(observed_at) AS observed_at FROM copy GROUP BY 1) n ON n.video_id = v.id
		UNION ALL SELECT 'campaign_tree', format('%s %s', root, id), 'there' FROM public.oracle_tree
		UNION ALL SELECT 'campaign_videos', format('%s %s', id, video_id), 'there' FROM public.oracle_member WHERE entity = 'campaign'),
	ours AS (SELECT 'video_snapshot' AS what, format('%s %s', video_id, observed_at) AS key,
			ROW(view_count, like_count, comment_count, share_count, save_count, exact, source)::text AS answer FROM trackagoat.video_snapshot
		UNION ALL SELECT 'video_snapshots', format('%s %s', v.id, s.observed_at),
			ROW(s.view_count, s.like_count, s.comment_count, s.share_count, s.save_count)::text
		FROM trackagoat.video v, bounds, LATERAL trackagoat.video_snapshots(v.id, low, high) s
		UNION ALL SELECT 'video', id::text, ROW(view_count, like_count, comment_count, share_count, save_count, last_observed_at)::text FROM trackagoat.video
		UNION ALL SELECT 'campaign_tree', format('%s %s', c.id, t.id), 'there' FROM trackagoat.campaign c, LATERAL trackagoat.campaign_tree(c.id) t
		UNION ALL SELECT 'campaign_videos', format('%s %s', c.id, m.video_id), 'there'
		FROM trackagoat.campaign c, LATERAL trackagoat.campaign_videos(c.id) m)
	SELECT what, key, ours.answer, expected.answer FROM ours FULL JOIN expected USING (what, key)
	WHERE ours.answer IS DISTINCT FROM expected.answer
$$;

-- All that differs, as one snapshot shows it; empty when nothing does.
CREATE FUNCTION public.oracle_differences(seed integer) RETURNS SETOF public.oracle_difference LANGUAGE sql STABLE AS
$$
	SELECT * FROM public.oracle_stats(seed) UNION ALL SELECT * FROM public.oracle_days(seed)
	UNION ALL SELECT * FROM public.oracle_analytics(seed) UNION ALL SELECT * FROM public.oracle_rows(seed)
$$;

-- --- random work ---------------------------------------------------------------------

CREATE FUNCTION public.oracle_id() RETURNS uuid LANGUAGE sql
	RETURN ('00000000-0000-7000-8000-' || lpad(to_hex(nextval('public.oracle_sequence')), 12, '0'))::uuid;

-- A row of the kind, of the project if one is given, else older ones more often.
CREATE FUNCTION public.oracle_pick(kind text, project uuid DEFAULT NULL) RETURNS uuid LANGUAGE plpgsql AS
$$
DECLARE
	found uuid;
	dice float8 := random() * CASE WHEN project IS NULL THEN random() ELSE 1 END;
BEGIN
	EXECUTE format('WITH r AS (SELECT id FROM trackagoat.%I WHERE %s)
		SELECT id FROM r ORDER BY id OFFSET (SELECT floor(count(*) * $2) FROM r) LIMIT 1', kind,
		CASE WHEN project IS NULL THEN 'true' ELSE 'project_id = $1' END) INTO found USING project, dice;
	RETURN found;
END
$$;

-- Stores observations in the extension and in the copy.
CREATE FUNCTION public.oracle_observe(given public.oracle_observation[]) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	o public.oracle_observation;
BEGIN
	-- a counter that nobody knows may be left out as a whole
	PERFORM trackagoat.observe_videos(array_agg(g.video_id ORDER BY n), array_agg(g.observed_at ORDER BY n),
		CASE WHEN count(g.views) > 0 THEN array_agg(g.views ORDER BY n) END, CASE WHEN count(g.likes) > 0 THEN array_agg(g.likes ORDER BY n) END,
		CASE WHEN count(g.comments) > 0 THEN array_agg(g.comments ORDER BY n) END, CASE WHEN count(g.shares) > 0 THEN array_agg(g.shares ORDER BY n) END,
		CASE WHEN count(g.saves) > 0 THEN array_agg(g.saves ORDER BY n) END, min(g.source), bool_and(g.exact))
	FROM unnest(given) WITH ORDINALITY g (video_id, observed_at, views, likes, comments, shares, saves, exact, source, n);
	FOREACH o IN ARRAY given LOOP
		INSERT INTO public.oracle_observation AS c SELECT (o).* ON CONFLICT (video_id, observed_at) DO UPDATE SET
			views = coalesce(excluded.views, c.views), likes = coalesce(excluded.likes, c.likes),
			comments = coalesce(excluded.comments, c.comments), shares = coalesce(excluded.shares, c.shares),
			saves = coalesce(excluded.saves, c.saves), exact = excluded.exact, source = excluded.source;
	END LOOP;
END
$$;

-- Mostly near a level, at times the very same, none, far off, or not known.
CREATE FUNCTION public.oracle_value(level float8) RETURNS bigint LANGUAGE sql VOLATILE AS
$$
	SELECT CASE WHEN dice < 0.25 THEN NULL WHEN dice < 0.35 THEN floor(level) WHEN dice < 0.4 THEN 0 WHEN dice < 0.42 THEN floor(random() * 1e14)
		ELSE floor(level * (0.9 + random())) END::bigint FROM random() dice
$$;

-- So many random observations in one call, of one video or of many; never from before the post.
CREATE FUNCTION public.oracle_observe_some(n integer) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	one uuid := CASE WHEN random() < 0.4 THEN oracle_pick('video') END;
	shape float8 := random();
	step interval := random() * interval '30 days' / n + interval '1 microsecond';
	level float8 := exp(random() * 14);
	is_exact boolean := random() < 0.7;
	origin text := (ARRAY['import', 'video_page', 'item_list'])[1 + floor(random() * 3)];
	given public.oracle_observation[] := '{}';
	known record;
	video uuid;
	moment timestamptz;
	zone text;
BEGIN
	FOR i IN 1..n LOOP
		video := coalesce(one, oracle_pick('video'));
		EXIT WHEN video IS NULL;
		SELECT v.posted, coalesce(min(o.observed_at), '2025-04-01') AS first, coalesce(max(o.observed_at), v.posted) AS last INTO known
		FROM public.oracle_video v LEFT JOIN public.oracle_observation o ON o.video_id = v.id WHERE v.id = video GROUP BY v.id, v.posted;
		zone := oracle_zone(floor(random() * 5)::integer);
		moment := CASE
			-- late: before all that is known of it
			WHEN shape < 0.2 THEN known.posted + random() * (known.first - known.posted)
			-- in order, after it
			WHEN shape < 0.45 THEN known.last + i * step
			-- around a midnight
			WHEN shape < 0.6 THEN ((date '2025-02-20' + floor(random() * 60)::integer)::timestamp AT TIME ZONE zone)
				+ (floor(random() * 3) - 1) * interval '1 microsecond'
			-- a moment that is known
			WHEN shape < 0.7 THEN (SELECT o.observed_at FROM public.oracle_observation o WHERE o.video_id = video ORDER BY random() LIMIT 1)
			ELSE timestamptz '2025-02-20' + random() * interval '60 days' END;
		-- the same moment twice in a call
		IF one IS NOT NULL AND i > 1 AND random() < 0.15 THEN
			moment := (given[i - 1]).observed_at;
		END IF;
		moment := least(greatest(coalesce(moment, known.posted), known.posted), '2025-06-15');
		given := given || ROW(video, moment, oracle_value(level), oracle_value(level / 10), oracle_value(level / 100),
			CASE WHEN shape > 0.3 THEN oracle_value(level / 200) END, CASE WHEN shape > 0.3 THEN oracle_value(level / 150) END,
			is_exact, origin)::public.oracle_observation;
	END LOOP;
	IF given <> '{}' THEN
		PERFORM public.oracle_observe(given);
	END IF;
END
$$;

CREATE FUNCTION public.oracle_add_video(project uuid, creator uuid, status trackagoat.tracking_status) RETURNS void LANGUAGE plpgsql AS
$$
#variable_conflict use_variable
DECLARE
	id uuid := oracle_id();
	posted timestamptz := date_trunc('second', timestamptz '2025-02-15' + random() * interval '40 days');
BEGIN
	INSERT INTO trackagoat.video (id, project_id, creator_id, tiktok_video_id, tracking_status, posted_at)
	VALUES (id, project, creator, (extract(epoch FROM posted)::bigint << 32) + ('x' || right(id::text, 7))::bit(28)::integer, status,
		CASE WHEN random() < 0.6 THEN posted - random() * interval '2 days' END);
END
$$;

CREATE FUNCTION public.oracle_status() RETURNS trackagoat.tracking_status LANGUAGE sql VOLATILE AS
$$
	SELECT s FROM unnest(enum_range(NULL::trackagoat.tracking_status)) s ORDER BY random() LIMIT 1
$$;

-- One random operation; may be undone within its transaction.  What a race may
-- well refuse is refused, everything else that fails is raised.
CREATE FUNCTION public.oracle_operation(observe_only boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS
$$
#variable_conflict use_variable
DECLARE
	dice integer := CASE WHEN observe_only THEN 0 ELSE floor(random() * 100) END;
	project uuid := oracle_pick('project');
	creator uuid := oracle_pick('creator', project);
	video uuid := oracle_pick('video', project);
	campaign uuid := oracle_pick('campaign', project);
	item uuid := oracle_pick((ARRAY['creator', 'video', 'campaign'])[1 + floor(random() * 3)], project);
	name text;
BEGIN
	IF dice < 40 THEN
		PERFORM oracle_observe_some((ARRAY[1, 1, 1, 2, 5, 20, 40])[1 + floor(random() * 7)]);
	ELSIF dice < 41 THEN
		-- enough to fill a chunk
		PERFORM oracle_observe_some(120 + floor(random() * 300)::integer);
	ELSIF dice < 47 THEN
		UPDATE trackagoat.video SET tracking_status = oracle_status() WHERE id = video;
	ELSIF dice < 50 THEN
		PERFORM trackagoat.review_videos(ARRAY(SELECT v.id FROM trackagoat.video v WHERE v.project_id = project AND random() < 0.2),
			(ARRAY['included', 'excluded', 'pending_review'])[1 + floor(random() * 3)]::trackagoat.tracking_status);
	ELSIF dice < 53 THEN
		UPDATE trackagoat.video SET tracking_status = CASE WHEN tracking_status = 'excluded' THEN 'included' ELSE 'excluded' END::trackagoat.tracking_status
		WHERE creator_id = creator;
	ELSIF dice < 58 THEN
		UPDATE trackagoat.creator SET removed_at = CASE WHEN removed_at IS NULL AND random() < 0.6 THEN now() END WHERE id = creator;
	ELSIF dice < 60 THEN
		UPDATE trackagoat.creator SET disabled_at = CASE WHEN disabled_at IS NULL THEN now() END WHERE id = creator;
		UPDATE trackagoat.video SET tracking_disabled_at = CASE WHEN tracking_disabled_at IS NULL THEN now() END WHERE id = video;
	ELSIF dice < 64 THEN
		IF (SELECT count(*) > 12 FROM trackagoat.creator) THEN
			DELETE FROM trackagoat.creator WHERE id = creator;
		ELSE
			creator := oracle_id();
			INSERT INTO trackagoat.creator (id, project_id, tiktok_handle) VALUES (creator, project, 'goat_' || ltrim(right(creator::text, 12), '0'));
			PERFORM oracle_add_video(project, creator, 'auto_tracked') FROM generate_series(1, 3);
		END IF;
	ELSIF dice < 71 THEN
		IF (SELECT count(*) > 1600 FROM public.oracle_observation) THEN
			-- so that comparing does not take longer and longer
			video := (SELECT o.video_id FROM public.oracle_observation o GROUP BY 1 ORDER BY count(*) DESC LIMIT 1);
			DELETE FROM trackagoat.video WHERE id = video;
			DELETE FROM public.oracle_observation WHERE video_id = video;
		ELSIF (SELECT count(*) > 60 FROM trackagoat.video) THEN
			DELETE FROM trackagoat.video WHERE id = video;
		ELSE
			PERFORM oracle_add_video(project, CASE WHEN random() < 0.5 THEN creator END, oracle_status());
		END IF;
	ELSIF dice < 75 THEN
		UPDATE trackagoat.video SET creator_id = CASE WHEN creator_id IS NULL OR random() < 0.5 THEN creator END WHERE id = video;
	ELSIF dice < 77 THEN
		-- another time of posting, still before what was observed
		UPDATE trackagoat.video v SET posted_at = least(timestamptz '2025-02-15' + random() * interval '40 days',
			(SELECT min(o.observed_at) FROM public.oracle_observation o WHERE o.video_id = v.id)) WHERE v.id = video;
	ELSIF dice < 78 THEN
		-- the idiom of programs that write whole rows back
		INSERT INTO trackagoat.video (project_id, org_id, tiktok_video_id, tracking_status)
			SELECT v.project_id, v.org_id, v.tiktok_video_id, oracle_status() FROM trackagoat.video v WHERE v.id = video
			ON CONFLICT (project_id, tiktok_video_id, org_id) DO UPDATE SET tracking_status = excluded.tracking_status;
	ELSIF dice < 80 THEN
		IF (SELECT count(*) > 12 FROM trackagoat.campaign) THEN
			DELETE FROM trackagoat.campaign WHERE id = campaign;
		ELSE
			campaign := oracle_id();
			INSERT INTO trackagoat.campaign (id, project_id, name) VALUES (campaign, project, campaign::text);
		END IF;
	ELSIF dice < 90 THEN
		FOR i IN 0..floor(random() * 6) LOOP
			INSERT INTO trackagoat.campaign_item (campaign_id, creator_id, video_id, child_campaign_id)
				SELECT campaign, c.id, v.id, k.id FROM (SELECT item) i (id) LEFT JOIN trackagoat.creator c USING (id)
				LEFT JOIN trackagoat.video v USING (id) LEFT JOIN trackagoat.campaign k USING (id)
				-- another session may have deleted it since it was picked
				WHERE campaign IS NOT NULL AND i.id <> campaign AND num_nonnulls(c.id, v.id, k.id) = 1 ON CONFLICT DO NOTHING;
			campaign := oracle_pick('campaign', project);
			item := oracle_pick((ARRAY['creator', 'video', 'campaign'])[1 + floor(random() * 3)], project);
		END LOOP;
	ELSIF dice < 92 THEN
		DELETE FROM trackagoat.campaign_item WHERE (campaign_id, item_id) IN
			(SELECT i.campaign_id, i.item_id FROM trackagoat.campaign_item i ORDER BY random() LIMIT 1 + (random() < 0.2)::integer * 5);
	ELSIF dice < 93 THEN
		UPDATE trackagoat.campaign_item SET campaign_id = campaign WHERE (campaign_id, item_id) IN
			(SELECT i.campaign_id, i.item_id FROM trackagoat.campaign_item i WHERE i.project_id = project ORDER BY random() LIMIT 1);
	ELSIF dice < 95 THEN
		UPDATE trackagoat.organization SET timezone = oracle_zone(floor(random() * 5)::integer)
		WHERE id = (SELECT p.org_id FROM trackagoat.project p WHERE p.id = project);
	ELSE
		-- as a user does, or as the worker, who leaves alone what another folds and warns of what fails
		IF random() < 0.7 OR current_setting('transaction_isolation') <> 'read committed' THEN
			PERFORM trackagoat.refresh_totals(CASE WHEN random() < 0.5 THEN project END);
		ELSE
			PERFORM trackagoat.fold_waiting();
		END IF;
	END IF;
	IF random() < 0.08 THEN
		RAISE SQLSTATE 'UNDO1';
	END IF;
	RETURN 'done';
EXCEPTION
	WHEN SQLSTATE 'UNDO1' THEN
		RETURN 'undone';
	WHEN SQLSTATE 'PT409' OR SQLSTATE 'PT404' OR lock_not_available OR serialization_failure THEN
		RETURN SQLERRM;
	WHEN active_sql_transaction THEN
		-- nobody folds under a snapshot that is fixed
		IF current_setting('transaction_isolation') = 'read committed' THEN
			RAISE;
		END IF;
		RETURN SQLERRM;
	WHEN unique_violation OR foreign_key_violation THEN
		GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;
		IF name !~ '^(campaign_item_.*|video_(creator|project)_fkey|video_tiktok_video_id_key|creator_project_fkey)$' THEN
			RAISE;
		END IF;
		RETURN SQLERRM;
END
$$;

-- So many operations within the calling transaction.
CREATE FUNCTION public.oracle_operations(seed integer, n integer) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	refused text := '';
	answer text;
BEGIN
	PERFORM setseed(seed % 1000000 / 1000000.0);
	FOR i IN 1..n LOOP
		answer := oracle_operation();
		IF answer NOT IN ('done', 'undone') THEN
			refused := refused || answer || E'\n';
		END IF;
	END LOOP;
	RETURN refused;
END
$$;

-- The same in transactions of its own, some of which are rolled back.
CREATE PROCEDURE public.oracle_work(seed integer, n integer, observe_only boolean DEFAULT false) LANGUAGE plpgsql AS
$$
DECLARE
	dice float8;
BEGIN
	PERFORM setseed(seed % 1000000 / 1000000.0);
	FOR i IN 1..n LOOP
		PERFORM oracle_operation(observe_only);
		dice := random();
		IF dice < 0.08 THEN
			ROLLBACK;
		ELSIF dice < 0.6 OR observe_only THEN
			COMMIT;
		END IF;
	END LOOP;
END
$$;

-- Two organizations, three projects, and something in each.
CREATE PROCEDURE public.oracle_world() LANGUAGE plpgsql AS
$$
BEGIN
	INSERT INTO trackagoat.organization (id, name, timezone) SELECT oracle_id(), n, z FROM (VALUES ('one', 'America/New_York'), ('two', 'UTC')) o (n, z);
	INSERT INTO trackagoat.project (id, org_id, name)
		SELECT oracle_id(), o.id, o.name FROM trackagoat.organization o, generate_series(1, CASE name WHEN 'one' THEN 2 ELSE 1 END);
	INSERT INTO trackagoat.creator (id, project_id, tiktok_handle) SELECT oracle_id(), p.id, 'first_' || n FROM trackagoat.project p, generate_series(1, 2) n;
	PERFORM oracle_add_video(c.project_id, CASE WHEN n < 4 THEN c.id END, 'included') FROM trackagoat.creator c, generate_series(1, 4) n;
	INSERT INTO trackagoat.campaign (id, project_id, name) SELECT oracle_id(), p.id, n FROM trackagoat.project p, unnest('{a,b,c}'::text[]) n;
END
$$;
