-- What make demo prints: creators, videos, campaigns, and how the numbers came.
\set QUIET on
\pset pager off
\pset border 1
\pset linestyle unicode
\pset footer off
\pset null '–'

-- A number with thousands separators.
CREATE FUNCTION pg_temp.n(value numeric) RETURNS text LANGUAGE sql AS
	$$ SELECT to_char(value, 'FM999,999,999,999,999') $$;

-- The same, to the right in a column whose largest value is given.
CREATE FUNCTION pg_temp.n(value numeric, largest numeric) RETURNS text LANGUAGE sql AS
	$$ SELECT lpad(coalesce(pg_temp.n(value), '–'), length(pg_temp.n(largest))) $$;

-- A bar of so many eighths of characters.
CREATE FUNCTION pg_temp.bar(value numeric, largest numeric, width integer) RETURNS text LANGUAGE sql AS $$
	SELECT rpad(repeat('█', eighths / 8) || CASE WHEN eighths % 8 > 0 THEN substr('▏▎▍▌▋▊▉', eighths % 8, 1) ELSE '' END, width)
	FROM (SELECT greatest(ceil(8 * width * value / nullif(largest, 0)), 0)::integer AS eighths) e
$$;

-- One character a value, from the smallest to the largest.
CREATE FUNCTION pg_temp.sparkline(series numeric[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(substr('▁▂▃▄▅▆▇█', 1 + coalesce(floor(7.99 * (v - low) / nullif(high - low, 0)), 3)::integer, 1), '' ORDER BY i)
	FROM unnest(series) WITH ORDINALITY s (v, i),
		(SELECT min(x) AS low, max(x) AS high FROM unnest(series) x) range
$$;

\pset title 'Creators, and their followers over the last 30 days'
SELECT '@' || c.tiktok_handle::text AS creator,
	c.display_name AS name,
	pg_temp.n(c.follower_count, max(c.follower_count) OVER ()) AS followers,
	h.sparkline AS "30 days",
	to_char(100.0 * h.gain / nullif(h.first, 0), 'FMSG990.0') || '%' AS change,
	pg_temp.n(v.views, max(v.views) OVER ()) AS views,
	v.videos
FROM trackagoat.creator c
LEFT JOIN LATERAL (
	SELECT pg_temp.sparkline(array_agg(d.followers ORDER BY d.day)) AS sparkline,
		(array_agg(d.followers ORDER BY d.day))[1] AS first,
		c.follower_count - (array_agg(d.followers ORDER BY d.day))[1] AS gain
	FROM (SELECT DISTINCT ON (observed_at::date) observed_at::date AS day, follower_count::numeric AS followers
		FROM trackagoat.creator_snapshot
		WHERE creator_id = c.id AND follower_count IS NOT NULL AND observed_at > now() - interval '31 days'
		ORDER BY observed_at::date, observed_at DESC) d
) h ON true
LEFT JOIN LATERAL (
	SELECT sum(view_count) AS views, count(*) AS videos FROM trackagoat.video WHERE creator_id = c.id
) v ON true
ORDER BY c.follower_count DESC NULLS LAST, c.tiktok_handle;

\pset title 'Videos with most views'
SELECT CASE WHEN char_length(t.words) > 32 THEN left(t.words, 31) || '…' ELSE t.words END AS video,
	'@' || v.tiktok_handle::text AS creator,
	to_char(v.posted_at, 'Mon DD') AS posted,
	pg_temp.n(v.view_count, max(v.view_count) OVER ()) AS views,
	pg_temp.bar(v.view_count, max(v.view_count) OVER (), 16) AS " ",
	pg_temp.n(v.like_count, max(v.like_count) OVER ()) AS likes,
	pg_temp.n(v.share_count, max(v.share_count) OVER ()) AS shares
FROM trackagoat.video v, LATERAL regexp_replace(v.title, '\s*#.*', '') t (words)
WHERE v.view_count IS NOT NULL
ORDER BY v.view_count DESC
LIMIT 10;

\pset title 'Campaigns, each with all that is below it; a video counts once'
WITH RECURSIVE tree AS (
	SELECT c.id, c.name, 0 AS depth, ARRAY[c.name] AS path FROM trackagoat.campaign c
	WHERE NOT EXISTS (SELECT FROM trackagoat.campaign_item i WHERE i.child_campaign_id = c.id)
	UNION ALL
	SELECT c.id, c.name, t.depth + 1, t.path || c.name
	FROM tree t
	JOIN trackagoat.campaign_item i ON i.campaign_id = t.id
	JOIN trackagoat.campaign c ON c.id = i.child_campaign_id
)
SELECT repeat('   ', t.depth - 1) || CASE WHEN t.depth > 0 THEN '└─ ' ELSE '' END || t.name AS campaign,
	s.creators,
	s.videos,
	pg_temp.n(s.views, max(s.views) OVER ()) AS views,
	pg_temp.bar(s.views, max(s.views) OVER (), 24) AS " ",
	pg_temp.n(s.likes, max(s.likes) OVER ()) AS likes,
	to_char(s.engagement_rate, 'FM990.0%') AS engagement
FROM tree t CROSS JOIN LATERAL trackagoat.campaign_stats(t.id) s
ORDER BY t.path;

\pset title 'Goals'
SELECT '@' || c.tiktok_handle::text AS creator,
	concat_ws(' ', s.period, s.goal_type) AS goal,
	pg_temp.n(s.target, max(s.target) OVER ()) AS target,
	pg_temp.n(trunc(s.actual), max(s.target) OVER ()) AS actual,
	pg_temp.bar(least(coalesce(s.projected, s.actual, 0) / s.target, 1), 1, 16) AS forecast,
	s.status
FROM trackagoat.project p, trackagoat.goal_compliance(p.id) s JOIN trackagoat.creator c ON c.id = s.creator_id
ORDER BY c.follower_count DESC NULLS LAST, s.goal_id
LIMIT 12;

\pset title 'What the worker did'
SELECT a.kind AS scrape, coalesce(a.outcome, 'in flight') AS outcome, count(*) AS requests,
	pg_size_pretty(sum(a.body_bytes)) AS read,
	round(avg(extract(epoch FROM a.finished_at - a.started_at) * 1000)) || ' ms' AS "mean time"
FROM trackagoat.scrape_attempt a
GROUP BY a.kind, a.outcome
ORDER BY a.kind, count(*) DESC;

\pset title 'What pg_cron does'
SELECT j.schedule, j.command, j.database, j.username AS "as",
	count(d.runid) || ' so far, ' || coalesce(string_agg(DISTINCT d.status, ', '), 'none') AS runs
FROM cron.job j LEFT JOIN cron.job_run_details d USING (jobid)
GROUP BY j.jobid, j.schedule, j.command, j.database, j.username;
