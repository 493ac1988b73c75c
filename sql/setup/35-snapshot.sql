-- Histories unrolled: a row for each observation.

CREATE VIEW trackagoat.creator_snapshot WITH (security_invoker = true, security_barrier = true) AS
	SELECT h.creator_id, h.org_id, p.observed_at,
		p.levels[1] AS follower_count, p.levels[2] AS following_count,
		p.levels[3] AS total_likes_count, p.levels[4] AS video_count,
		p.exact, p.is_baseline, s.source
	FROM trackagoat.creator_history h
	CROSS JOIN LATERAL trackagoat.series_points(h.points) p
	LEFT JOIN trackagoat.observation_source s ON s.id = p.source
	-- a break without numbers is no observation
	WHERE NOT p.is_break OR num_nonnulls(p.levels[1], p.levels[2], p.levels[3], p.levels[4]) > 0;
COMMENT ON VIEW trackagoat.creator_snapshot IS 'observations of creators, a row each';
COMMENT ON COLUMN trackagoat.creator_snapshot.creator_id IS 'creator observed';
COMMENT ON COLUMN trackagoat.creator_snapshot.org_id IS 'organization of the creator';
COMMENT ON COLUMN trackagoat.creator_snapshot.observed_at IS 'when TikTok showed these numbers';
COMMENT ON COLUMN trackagoat.creator_snapshot.follower_count IS 'followers; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.following_count IS 'accounts followed; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.total_likes_count IS 'likes over all videos; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.video_count IS 'videos on TikTok; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.exact IS 'false where the source rounds';
COMMENT ON COLUMN trackagoat.creator_snapshot.is_baseline IS 'whether a counter is known for the first time, or for the first time after a new handle: it gains nothing here';
COMMENT ON COLUMN trackagoat.creator_snapshot.source IS 'page or API that showed them, or import';

CREATE VIEW trackagoat.video_snapshot WITH (security_invoker = true, security_barrier = true) AS
	SELECT h.video_id, h.org_id, p.observed_at,
		p.levels[1] AS view_count, p.levels[2] AS like_count, p.levels[3] AS comment_count,
		p.levels[4] AS share_count, p.levels[5] AS save_count,
		p.exact, p.is_baseline, s.source
	FROM trackagoat.video_history h
	CROSS JOIN LATERAL trackagoat.series_points(h.points) p
	LEFT JOIN trackagoat.observation_source s ON s.id = p.source;
COMMENT ON VIEW trackagoat.video_snapshot IS 'observations of videos, a row each';
COMMENT ON COLUMN trackagoat.video_snapshot.video_id IS 'video observed';
COMMENT ON COLUMN trackagoat.video_snapshot.org_id IS 'organization of the video';
COMMENT ON COLUMN trackagoat.video_snapshot.observed_at IS 'when TikTok showed these numbers';
COMMENT ON COLUMN trackagoat.video_snapshot.view_count IS 'views; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.like_count IS 'likes; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.comment_count IS 'comments; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.share_count IS 'shares; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.save_count IS 'saves; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.exact IS 'false where the source rounds';
COMMENT ON COLUMN trackagoat.video_snapshot.is_baseline IS 'whether a counter is known for the first time: it gains nothing here';
COMMENT ON COLUMN trackagoat.video_snapshot.source IS 'page or API that showed them, or import';
