-- Videos: a TikTok post within one project.

CREATE TABLE trackagoat.video (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	tiktok_video_id bigint NOT NULL,
	tiktok_handle trackagoat.handle,
	tracking_status trackagoat.tracking_status NOT NULL DEFAULT 'direct_add',
	kind text NOT NULL DEFAULT 'video',
	title text,
	posted_at timestamptz,
	duration integer,
	thumbnail_url text,
	hashtags text[],
	is_ad boolean,
	view_count bigint,
	like_count bigint,
	comment_count bigint,
	share_count bigint,
	save_count bigint,
	last_observed_at timestamptz,
	readme text,
	metadata jsonb NOT NULL DEFAULT '{}',
	tracking_disabled_at timestamptz,
	refresh_slowed_at timestamptz,
	refresh_stopped_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT video_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to; in this order it lists an organization's videos, too
	CONSTRAINT video_project_key UNIQUE (org_id, id, project_id),
	-- in this order it finds all projects that track a post, too
	CONSTRAINT video_tiktok_video_id_key UNIQUE (tiktok_video_id, project_id, org_id),
	CONSTRAINT video_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT video_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT video_tiktok_video_id_check CHECK (tiktok_video_id > 0),
	CONSTRAINT video_kind_check CHECK (kind IN ('video', 'photo')),
	CONSTRAINT video_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT video_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT video_counts_check CHECK (least(view_count, like_count, comment_count, share_count, save_count) >= 0)
) WITH (fillfactor = 50); -- a list has all videos of a page written anew at once
COMMENT ON TABLE trackagoat.video IS 'TikTok post (video or photo carousel) tracked within one project';
COMMENT ON COLUMN trackagoat.video.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.video.org_id IS 'organization; taken from the project or creator when left out';
COMMENT ON COLUMN trackagoat.video.project_id IS 'project that tracks the post; taken from the creator when left out';
COMMENT ON COLUMN trackagoat.video.creator_id IS 'creator of the project whose post it is; NULL for one added by URL whose author is no creator of the project';
COMMENT ON COLUMN trackagoat.video.tiktok_video_id IS 'TikTok''s id of the post; unique in the project';
COMMENT ON COLUMN trackagoat.video.tiktok_handle IS 'author''s handle as the page last showed it';
COMMENT ON COLUMN trackagoat.video.tracking_status IS 'where the post stands; auto_tracked, included and direct_add count';
COMMENT ON COLUMN trackagoat.video.kind IS 'video or photo';
COMMENT ON COLUMN trackagoat.video.title IS 'caption of the post';
COMMENT ON COLUMN trackagoat.video.posted_at IS 'when it was posted';
COMMENT ON COLUMN trackagoat.video.duration IS 'length in seconds; 0 for photos';
COMMENT ON COLUMN trackagoat.video.thumbnail_url IS 'cover picture; TikTok''s link expires after about two days';
COMMENT ON COLUMN trackagoat.video.hashtags IS 'hashtags of the caption, without "#"';
COMMENT ON COLUMN trackagoat.video.is_ad IS 'whether TikTok marks it as an advertisement';
COMMENT ON COLUMN trackagoat.video.view_count IS 'views, last known';
COMMENT ON COLUMN trackagoat.video.like_count IS 'likes, last known';
COMMENT ON COLUMN trackagoat.video.comment_count IS 'comments, last known';
COMMENT ON COLUMN trackagoat.video.share_count IS 'shares, last known';
COMMENT ON COLUMN trackagoat.video.save_count IS 'saves, last known';
COMMENT ON COLUMN trackagoat.video.last_observed_at IS 'time of the newest observation';
COMMENT ON COLUMN trackagoat.video.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.video.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.video.tracking_disabled_at IS 'since when people have disabled it: not fetched, not counted for goals';
COMMENT ON COLUMN trackagoat.video.refresh_slowed_at IS 'since when it is fetched at a quarter of the rate: it gains little';
COMMENT ON COLUMN trackagoat.video.refresh_stopped_at IS 'since when it is no longer fetched by itself; it still counts';
COMMENT ON COLUMN trackagoat.video.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.video.updated_at IS 'when a person last changed the row; a scrape does not move it';

CREATE INDEX video_creator_idx ON trackagoat.video (creator_id) WHERE creator_id IS NOT NULL;
COMMENT ON INDEX trackagoat.video_creator_idx IS 'videos of a creator';

ALTER TABLE trackagoat.video ENABLE ROW LEVEL SECURITY;
