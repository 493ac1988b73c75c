-- Goals of the creators that were found: some within reach, some not.
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on)
SELECT c.id, g.goal_type::trackagoat.goal_type, g.target, g.period::trackagoat.goal_period, current_date - 60
FROM trackagoat.creator c, LATERAL (VALUES
	('posts', 4, 'monthly'),
	('followers', ceil(coalesce(c.follower_count, 1000) * (0.9 + 0.3 * (trackagoat.handle_hash(c.tiktok_handle) & 255) / 255)), 'monthly')) g (goal_type, target, period);
SELECT trackagoat.evaluate_goals() \g /dev/null
