-- Histories: what was observed of creators and videos, packed.

CREATE TABLE trackagoat.creator_history (
	creator_id uuid NOT NULL,
	org_id uuid NOT NULL,
	started_at timestamptz NOT NULL,
	points trackagoat.series NOT NULL,
	CONSTRAINT creator_history_pkey PRIMARY KEY (creator_id, started_at, org_id),
	CONSTRAINT creator_history_creator_fkey FOREIGN KEY (creator_id, org_id)
		REFERENCES trackagoat.creator (id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.creator_history IS 'observations of creators, packed; written through observe_creators(), read through creator_snapshot';
COMMENT ON COLUMN trackagoat.creator_history.creator_id IS 'creator observed';
COMMENT ON COLUMN trackagoat.creator_history.org_id IS 'organization of the creator';
COMMENT ON COLUMN trackagoat.creator_history.started_at IS 'time of the first point; infinity for the open row, which takes the next ones';
COMMENT ON COLUMN trackagoat.creator_history.points IS 'a run of observations: followers, following, likes, videos';

CREATE TABLE trackagoat.video_history (
	video_id uuid NOT NULL,
	org_id uuid NOT NULL,
	started_at timestamptz NOT NULL,
	points trackagoat.series NOT NULL,
	CONSTRAINT video_history_pkey PRIMARY KEY (video_id, started_at, org_id),
	CONSTRAINT video_history_video_fkey FOREIGN KEY (video_id, org_id)
		REFERENCES trackagoat.video (id, org_id) ON DELETE CASCADE
) WITH (fillfactor = 75);
COMMENT ON TABLE trackagoat.video_history IS 'observations of videos, packed; written through observe_videos(), read through video_snapshot';
COMMENT ON COLUMN trackagoat.video_history.video_id IS 'video observed';
COMMENT ON COLUMN trackagoat.video_history.org_id IS 'organization of the video';
COMMENT ON COLUMN trackagoat.video_history.started_at IS 'time of the first point; infinity for the open row, which takes the next ones';
COMMENT ON COLUMN trackagoat.video_history.points IS 'a run of observations: views, likes, comments, shares, saves';

CREATE TRIGGER creator_break AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle AND OLD.handle_followed_at IS NOT DISTINCT FROM NEW.handle_followed_at)
	EXECUTE FUNCTION trackagoat.creator_break();
COMMENT ON TRIGGER creator_break ON trackagoat.creator IS 'a new handle may be another account: its level is a new baseline';

ALTER TABLE trackagoat.creator_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.video_history ENABLE ROW LEVEL SECURITY;
