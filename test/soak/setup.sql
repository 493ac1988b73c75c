-- What scripts/soak has scraped: 5,600 accounts of one organization, some of them
-- tracked by a second one as well, 1,500 videos of strangers, campaigns and goals.
-- An account's two pages every four minutes and the videos, which are a day old, every
-- seven and a half make a little more than 3,000 requests a minute.
-- psql -v born=UNIXSECONDS, the moment that site.mjs was told.
SET search_path TO public, trackagoat;

INSERT INTO organization (name, creator_profile_interval, discover_videos_interval, video_stats_interval)
VALUES ('Herd', '4 minutes', '4 minutes', '30 minutes'), ('Neighbours', '4 minutes', '4 minutes', '30 minutes');
INSERT INTO project (org_id, name)
SELECT o.id, o.name || ' ' || n FROM organization o, generate_series(1, CASE o.name WHEN 'Herd' THEN 4 ELSE 1 END) n;

SELECT count(*) AS creators FROM project p, add_creators(p.id, (SELECT array_agg('goat.' || n) FROM generate_series(1, 5600) n
	WHERE CASE p.name WHEN 'Neighbours 1' THEN n % 20 = 1 ELSE n % 4 + 1 = right(p.name, 1)::integer END), tracking_start_date => '2026-01-01');
SELECT count(*) AS videos FROM project p, add_videos(p.id, (SELECT array_agg(format('https://www.tiktok.com/@goat.%s/video/%s',
	n, ((:born - 86400)::bigint << 32) + n * 2048)) FROM generate_series(10001, 11500) n))
WHERE p.name = 'Herd 1';

-- ten campaigns of each project hold its creators, two hold five of these each, and one the two
INSERT INTO campaign (project_id, name) SELECT p.id, n::text FROM project p, generate_series(1, 13) n;
INSERT INTO campaign_item (campaign_id, creator_id)
SELECT a.id, c.id FROM creator c JOIN campaign a ON a.project_id = c.project_id AND a.name = (abs(hashtext(c.tiktok_handle::text) % 10) + 1)::text;
INSERT INTO campaign_item (campaign_id, child_campaign_id)
SELECT above.id, below.id FROM campaign above JOIN campaign below ON below.project_id = above.project_id
	AND above.name = CASE WHEN below.name::integer <= 5 THEN '11' WHEN below.name::integer <= 10 THEN '12' WHEN below.name::integer <= 12 THEN '13' END;
INSERT INTO goal (creator_id, goal_type, target, period, starts_on)
SELECT c.id, 'posts', 3, 'weekly', current_date - 7 FROM creator c WHERE hashtext(c.tiktok_handle::text) % 4 = 0;

-- what fails is tried again while the soak lasts
UPDATE scrape_outcome SET retry_after = '5 minutes', retry_limit = '5 minutes' WHERE class <> 'ok' AND retry_after > '5 minutes';
