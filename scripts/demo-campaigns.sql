-- Campaigns over what was found: two of creators, one of single videos, and one
-- above them all, whose totals count each video once.
WITH p AS (
	SELECT id FROM trackagoat.project
), campaign AS (
	INSERT INTO trackagoat.campaign (project_id, name)
	SELECT p.id, n FROM p, unnest(ARRAY['Spring launch', 'Farm life', 'Small herds', 'Best of']) n
	RETURNING id, name
), creator AS (
	SELECT id, row_number() OVER (ORDER BY follower_count DESC NULLS LAST) AS place, count(*) OVER () AS all
	FROM trackagoat.creator
), video AS (
	SELECT id FROM trackagoat.video ORDER BY view_count DESC NULLS LAST LIMIT 5
)
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id, video_id, child_campaign_id)
SELECT a.id, c.id, NULL, NULL FROM campaign a JOIN creator c ON a.name = CASE WHEN 2 * c.place <= c.all THEN 'Farm life' ELSE 'Small herds' END
UNION ALL
SELECT a.id, NULL, v.id, NULL FROM campaign a, video v WHERE a.name = 'Best of'
UNION ALL
SELECT a.id, NULL, NULL, b.id FROM campaign a JOIN campaign b ON (a.name, b.name) IN
	(('Spring launch', 'Farm life'), ('Spring launch', 'Best of'), ('Farm life', 'Small herds'));
