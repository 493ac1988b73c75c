-- Campaigns over what was found: creators in two, single videos in a third, and
-- others above them, whose totals count each video once.
INSERT INTO trackagoat.campaign (project_id, name)
SELECT p.id, n FROM trackagoat.project p, unnest(ARRAY['Spring launch', 'Herds', 'Large herds', 'Small herds', 'Best of']) n;

INSERT INTO trackagoat.campaign_item (campaign_id, creator_id)
SELECT a.id, c.id
FROM (SELECT id, percent_rank() OVER (ORDER BY follower_count DESC NULLS LAST) AS place FROM trackagoat.creator) c
JOIN trackagoat.campaign a ON a.name = CASE WHEN c.place < 0.5 THEN 'Large herds' ELSE 'Small herds' END;

INSERT INTO trackagoat.campaign_item (campaign_id, video_id)
SELECT a.id, v.id
FROM (SELECT id FROM trackagoat.video ORDER BY view_count DESC NULLS LAST LIMIT 5) v, trackagoat.campaign a
WHERE a.name = 'Best of';

INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id)
SELECT above.id, below.id
FROM (VALUES ('Spring launch', 'Herds'), ('Herds', 'Large herds'), ('Herds', 'Small herds'),
	('Spring launch', 'Best of')) e (above, below)
JOIN trackagoat.campaign above ON above.name = e.above
JOIN trackagoat.campaign below ON below.name = e.below;
