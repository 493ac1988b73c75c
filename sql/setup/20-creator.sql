-- Creators: a TikTok account within one project.

CREATE TABLE trackagoat.creator (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	tiktok_handle trackagoat.handle NOT NULL,
	tiktok_account_id bigint,
	tiktok_sec_uid text,
	display_name text,
	display_name_override text,
	bio text,
	avatar_url text,
	is_verified boolean,
	is_private boolean,
	follower_count bigint,
	following_count bigint,
	total_likes_count bigint,
	video_count bigint,
	last_observed_at timestamptz,
	last_scraped_at timestamptz,
	baseline_at timestamptz NOT NULL DEFAULT '-infinity',
	handle_followed_at timestamptz,
	previous_account_id bigint,
	previous_baseline_at timestamptz,
	other_account_id bigint,
	gone_days smallint NOT NULL DEFAULT 0,
	gone_on date,
	listing_wanted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	readme text,
	metadata jsonb NOT NULL DEFAULT '{}',
	tracking_mode trackagoat.tracking_mode NOT NULL DEFAULT 'auto',
	tracking_start_date date NOT NULL,
	disabled_at timestamptz,
	disabled_reason text,
	removed_at timestamptz,
	is_active boolean NOT NULL GENERATED ALWAYS AS (disabled_at IS NULL AND removed_at IS NULL) STORED,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT creator_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to
	CONSTRAINT creator_project_key UNIQUE (id, project_id, org_id),
	CONSTRAINT creator_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	-- it goes into a URL
	CONSTRAINT creator_tiktok_sec_uid_check CHECK (tiktok_sec_uid !~ '[^A-Za-z0-9_-]' AND octet_length(tiktok_sec_uid) BETWEEN 1 AND 128),
	CONSTRAINT creator_tracking_start_date_check CHECK (tracking_start_date BETWEEN '1970-01-01' AND '9999-12-31'),
	CONSTRAINT creator_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT creator_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT creator_disabled_reason_check CHECK (disabled_at IS NOT NULL OR disabled_reason IS NULL),
	CONSTRAINT creator_display_name_override_check CHECK (char_length(display_name_override) BETWEEN 1 AND 200),
	CONSTRAINT creator_counts_check CHECK (least(follower_count, following_count, total_likes_count, video_count) >= 0)
) WITH (fillfactor = 80);
COMMENT ON TABLE trackagoat.creator IS 'TikTok account tracked within one project';
COMMENT ON COLUMN trackagoat.creator.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.creator.org_id IS 'organization; taken from the project when left out';
COMMENT ON COLUMN trackagoat.creator.project_id IS 'project that tracks the account';
COMMENT ON COLUMN trackagoat.creator.tiktok_handle IS 'handle without "@"; unique in the project among creators that are not removed';
COMMENT ON COLUMN trackagoat.creator.tiktok_account_id IS 'TikTok''s id of the account, from the first profile fetched';
COMMENT ON COLUMN trackagoat.creator.tiktok_sec_uid IS 'TikTok''s secUid of the account; never changes, lists of videos are asked for by it';
COMMENT ON COLUMN trackagoat.creator.display_name IS 'name that the profile shows';
COMMENT ON COLUMN trackagoat.creator.display_name_override IS 'name that the team shows instead, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.creator.bio IS 'text that the profile shows';
COMMENT ON COLUMN trackagoat.creator.avatar_url IS 'picture of the profile; TikTok''s link expires after about two days';
COMMENT ON COLUMN trackagoat.creator.is_verified IS 'whether TikTok shows the account as verified';
COMMENT ON COLUMN trackagoat.creator.is_private IS 'whether the account is private';
COMMENT ON COLUMN trackagoat.creator.follower_count IS 'followers, last known';
COMMENT ON COLUMN trackagoat.creator.following_count IS 'accounts followed, last known';
COMMENT ON COLUMN trackagoat.creator.total_likes_count IS 'likes over all videos, last known';
COMMENT ON COLUMN trackagoat.creator.video_count IS 'videos of the account on TikTok, last known';
COMMENT ON COLUMN trackagoat.creator.last_observed_at IS 'time of the newest observation';
COMMENT ON COLUMN trackagoat.creator.last_scraped_at IS 'when the profile was last fetched and read';
COMMENT ON COLUMN trackagoat.creator.baseline_at IS 'since when the handle is this one: observations before it may be of another account';
COMMENT ON COLUMN trackagoat.creator.handle_followed_at IS 'when the account last took another handle on TikTok and the creator followed; not a rename, so nothing is cleared';
COMMENT ON COLUMN trackagoat.creator.previous_account_id IS 'account before a rename, until a profile tells whether it is still the same';
COMMENT ON COLUMN trackagoat.creator.previous_baseline_at IS 'baseline_at before that rename';
COMMENT ON COLUMN trackagoat.creator.other_account_id IS 'another account that the handle shows by now; nothing of it is stored';
COMMENT ON COLUMN trackagoat.creator.gone_days IS 'days on which the account was reported gone since it was last seen; at the fifth the creator is disabled';
COMMENT ON COLUMN trackagoat.creator.gone_on IS 'the last of these days (UTC)';
COMMENT ON COLUMN trackagoat.creator.listing_wanted_at IS 'a listing of videos that began after this covers the creator back to its tracking start';
COMMENT ON COLUMN trackagoat.creator.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.creator.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.creator.tracking_mode IS 'how new videos enter';
COMMENT ON COLUMN trackagoat.creator.tracking_start_date IS 'videos posted before this day are not brought in; today in the organization''s time zone when left out';
COMMENT ON COLUMN trackagoat.creator.disabled_at IS 'since when nothing is fetched; totals stay';
COMMENT ON COLUMN trackagoat.creator.disabled_reason IS 'why nothing is fetched: account_gone and banned are set by trackagoat, anything else by people';
COMMENT ON COLUMN trackagoat.creator.removed_at IS 'since when the creator is out of the program and of the totals; clear it to undo';
COMMENT ON COLUMN trackagoat.creator.is_active IS 'neither disabled nor removed';
COMMENT ON COLUMN trackagoat.creator.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.creator.updated_at IS 'when a person last changed the row; a scrape does not move it';

CREATE UNIQUE INDEX creator_handle_key ON trackagoat.creator (project_id, tiktok_handle, org_id)
	WHERE removed_at IS NULL;
COMMENT ON INDEX trackagoat.creator_handle_key IS 'a handle once per project; creators of a project by handle';
CREATE INDEX creator_handle_idx ON trackagoat.creator (tiktok_handle) WHERE removed_at IS NULL;
COMMENT ON INDEX trackagoat.creator_handle_idx IS 'all projects that track an account';
-- with the id, so that a check of a key, planned while the table was empty, does not read the whole organization by it
CREATE INDEX creator_organization_idx ON trackagoat.creator (org_id, id);
COMMENT ON INDEX trackagoat.creator_organization_idx IS 'creators of an organization';

ALTER TABLE trackagoat.creator ENABLE ROW LEVEL SECURITY;
