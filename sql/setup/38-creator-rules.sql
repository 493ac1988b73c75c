-- What the rows of creators and videos keep to: triggers, the change log, bans,
-- deleted videos, the inbox.

CREATE TABLE trackagoat.creator_event_kind (
	kind text NOT NULL,
	description text NOT NULL,
	CONSTRAINT creator_event_kind_pkey PRIMARY KEY (kind)
);
COMMENT ON TABLE trackagoat.creator_event_kind IS 'what the change log can tell';
COMMENT ON COLUMN trackagoat.creator_event_kind.kind IS 'name';
COMMENT ON COLUMN trackagoat.creator_event_kind.description IS 'what it means, and what the detail holds';

INSERT INTO trackagoat.creator_event_kind (kind, description) VALUES
	('added', 'the creator was added: tiktok_handle, tracking_mode'),
	('removed', 'it was taken out of the program'),
	('reactivated', 'it was brought back'),
	('renamed', 'a person gave it another handle: from, to, and the ids of the account before'),
	('handle_followed', 'the account took another handle on TikTok, and the creator followed: from, to, and the ids of the account'),
	('account_confirmed', 'after a rename the profile shows the same account as before: tiktok_account_id'),
	('account_changed', 'the handle shows another account, of which nothing is stored: tiktok_account_id, shown_account_id'),
	('mode_changed', 'the tracking mode was changed: from, to'),
	('follower_milestone', 'the followers crossed 1k, 2.5k, 5k, 10k, ...: milestone, direction (up, down), follower_count'),
	('goal_status_changed', 'a goal has another status: goal_id, goal_type, period, target, period_start, from, to'),
	('disabled', 'a person had it no longer fetched: reason'),
	('auto_disabled', 'the account was reported gone on five days: reason'),
	('banned', 'its handle was banned on the platform: reason'),
	('reenabled', 'it is fetched again: the reason that it was disabled for'),
	('refresh_slowed', 'a video gains little and is refreshed more rarely: tiktok_video_id'),
	('refresh_stopped', 'a video gains little and is no longer refreshed: tiktok_video_id'),
	('refresh_resumed', 'a video is refreshed at the full rate again: tiktok_video_id');

CREATE TABLE trackagoat.creator_event (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	video_id uuid,
	kind text NOT NULL,
	detail jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CONSTRAINT creator_event_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT creator_event_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT creator_event_video_fkey FOREIGN KEY (video_id, project_id, org_id)
		REFERENCES trackagoat.video (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT creator_event_of_check CHECK (num_nonnulls(creator_id, video_id) > 0)
);
COMMENT ON TABLE trackagoat.creator_event IS 'change log of creators, and of the refreshing of their videos; triggers write it';
COMMENT ON COLUMN trackagoat.creator_event.id IS 'UUID version 7: its order is the order of events';
COMMENT ON COLUMN trackagoat.creator_event.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.creator_event.project_id IS 'project';
COMMENT ON COLUMN trackagoat.creator_event.creator_id IS 'creator; NULL for a video without one';
COMMENT ON COLUMN trackagoat.creator_event.video_id IS 'video, where the event is of one';
COMMENT ON COLUMN trackagoat.creator_event.kind IS 'what happened: a kind of creator_event_kind';
COMMENT ON COLUMN trackagoat.creator_event.detail IS 'what else is to be told; ids of TikTok are text';
COMMENT ON COLUMN trackagoat.creator_event.created_at IS 'when';

CREATE INDEX creator_event_creator_idx ON trackagoat.creator_event (creator_id, id);
COMMENT ON INDEX trackagoat.creator_event_creator_idx IS 'change log of a creator';
CREATE INDEX creator_event_project_idx ON trackagoat.creator_event (project_id, created_at);
COMMENT ON INDEX trackagoat.creator_event_project_idx IS 'events of a project by time, and those that retention removes';
CREATE INDEX creator_event_video_idx ON trackagoat.creator_event (video_id) WHERE video_id IS NOT NULL;
COMMENT ON INDEX trackagoat.creator_event_video_idx IS 'events of a video';

CREATE TABLE trackagoat.banned_handle (
	tiktok_handle trackagoat.handle NOT NULL,
	reason text NOT NULL,
	banned_by text NOT NULL DEFAULT current_user,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT banned_handle_pkey PRIMARY KEY (tiktok_handle),
	CONSTRAINT banned_handle_reason_check CHECK (char_length(reason) BETWEEN 1 AND 1000)
);
COMMENT ON TABLE trackagoat.banned_handle IS 'handles that nobody on this platform may track; for its operators';
COMMENT ON COLUMN trackagoat.banned_handle.tiktok_handle IS 'handle';
COMMENT ON COLUMN trackagoat.banned_handle.reason IS 'why; those who are refused read it';
COMMENT ON COLUMN trackagoat.banned_handle.banned_by IS 'who banned it; the role that did when left out';
COMMENT ON COLUMN trackagoat.banned_handle.created_at IS 'since when';

CREATE TRIGGER banned_handle_disable AFTER INSERT OR UPDATE OF tiktok_handle ON trackagoat.banned_handle
	FOR EACH ROW EXECUTE FUNCTION trackagoat.banned_handle_disable();
COMMENT ON TRIGGER banned_handle_disable ON trackagoat.banned_handle IS 'disables the creators that have the handle';
CREATE CONSTRAINT TRIGGER banned_handle_commit AFTER INSERT OR UPDATE OF tiktok_handle ON trackagoat.banned_handle
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION trackagoat.banned_handle_disable();
COMMENT ON TRIGGER banned_handle_commit ON trackagoat.banned_handle IS 'disables those that others added meanwhile';

CREATE TABLE trackagoat.deleted_video (
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	tiktok_video_id bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT deleted_video_pkey PRIMARY KEY (project_id, tiktok_video_id, org_id),
	CONSTRAINT deleted_video_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.deleted_video IS 'posts whose video was deleted: discovery does not bring them back, adding them by URL does';
COMMENT ON COLUMN trackagoat.deleted_video.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.deleted_video.project_id IS 'project that the video was of';
COMMENT ON COLUMN trackagoat.deleted_video.tiktok_video_id IS 'TikTok''s id of the post';
COMMENT ON COLUMN trackagoat.deleted_video.created_at IS 'when it was deleted';

CREATE TABLE trackagoat.video_link (
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	link text NOT NULL,
	problem text,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT video_link_pkey PRIMARY KEY (project_id, link, org_id),
	CONSTRAINT video_link_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	-- it goes into a URL
	CONSTRAINT video_link_link_check CHECK (link ~ '^(vm\.tiktok\.com|vt\.tiktok\.com|www\.tiktok\.com/t)/[A-Za-z0-9_-]{1,40}$')
);
COMMENT ON TABLE trackagoat.video_link IS 'short links of videos: the worker looks where they lead, and the video takes their place';
COMMENT ON COLUMN trackagoat.video_link.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.video_link.project_id IS 'project that the video is to be added to';
COMMENT ON COLUMN trackagoat.video_link.link IS 'host and path of the link';
COMMENT ON COLUMN trackagoat.video_link.problem IS 'why no video came of it: dead_link or limit_reached; NULL while it waits';
COMMENT ON COLUMN trackagoat.video_link.created_at IS 'when it was given';

CREATE INDEX video_link_waiting_idx ON trackagoat.video_link (link) WHERE problem IS NULL;
COMMENT ON INDEX trackagoat.video_link_waiting_idx IS 'all projects that wait for a link';

CREATE TRIGGER video_link_scrape AFTER INSERT OR UPDATE ON trackagoat.video_link
	FOR EACH ROW WHEN (NEW.problem IS NULL)
	EXECUTE FUNCTION trackagoat.video_link_scrape();
COMMENT ON TRIGGER video_link_scrape ON trackagoat.video_link IS 'queues the link';

ALTER TABLE trackagoat.creator_event_kind ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.creator_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.banned_handle ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.deleted_video ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.video_link ENABLE ROW LEVEL SECURITY;

-- ---- triggers of creators; without lists of columns, so that what other triggers make of a row is seen ----

CREATE TRIGGER creator_fill BEFORE INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk())
	EXECUTE FUNCTION trackagoat.creator_fill();
COMMENT ON TRIGGER creator_fill ON trackagoat.creator IS 'fills org_id and tracking_start_date; refuses handles that are banned or were removed';
CREATE TRIGGER creator_no_change BEFORE UPDATE OF tiktok_handle ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle::text = NEW.tiktok_handle::text)
	EXECUTE FUNCTION trackagoat.creator_no_change();
COMMENT ON TRIGGER creator_no_change ON trackagoat.creator IS 'refuses a rename to the same handle';
CREATE TRIGGER creator_rename BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle)
	EXECUTE FUNCTION trackagoat.creator_rename();
COMMENT ON TRIGGER creator_rename ON trackagoat.creator IS 'refuses handles that are taken or banned; forgets what the old one''s profile showed';
CREATE TRIGGER creator_enable BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN ((OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL) OR (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL))
	EXECUTE FUNCTION trackagoat.creator_enable();
COMMENT ON TRIGGER creator_enable ON trackagoat.creator IS 'a creator that comes back begins anew';
CREATE TRIGGER creator_relist BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.disabled_at IS NULL AND NEW.removed_at IS NULL
		AND (OLD.disabled_at IS NOT NULL OR OLD.removed_at IS NOT NULL
			OR NEW.tiktok_handle <> OLD.tiktok_handle OR NEW.tracking_start_date < OLD.tracking_start_date))
	EXECUTE FUNCTION trackagoat.creator_relist();
COMMENT ON TRIGGER creator_relist ON trackagoat.creator IS 'wants videos listed back to the tracking start again';
CREATE TRIGGER creator_scrape AFTER INSERT OR UPDATE OF tiktok_handle, tracking_start_date, disabled_at, removed_at
	ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.disabled_at IS NULL AND NEW.removed_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_scrape();
COMMENT ON TRIGGER creator_scrape ON trackagoat.creator IS 'queues profile and discovery';
CREATE TRIGGER creator_adopt AFTER INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.removed_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_adopt();
COMMENT ON TRIGGER creator_adopt ON trackagoat.creator IS 'takes in videos that came before it';
CREATE TRIGGER creator_adopt_update AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.removed_at IS NULL AND (OLD.tiktok_handle <> NEW.tiktok_handle OR OLD.removed_at IS NOT NULL))
	EXECUTE FUNCTION trackagoat.creator_adopt();
COMMENT ON TRIGGER creator_adopt_update ON trackagoat.creator IS 'takes in videos that came before it had the handle';
CREATE TRIGGER creator_added AFTER INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND trackagoat.happens_now(NEW.created_at))
	EXECUTE FUNCTION trackagoat.creator_added();
COMMENT ON TRIGGER creator_added ON trackagoat.creator IS 'writes to the change log; not of what a backup brings';
CREATE TRIGGER creator_log AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle OR OLD.tracking_mode <> NEW.tracking_mode
		OR (OLD.removed_at IS NULL) <> (NEW.removed_at IS NULL) OR (OLD.disabled_at IS NULL) <> (NEW.disabled_at IS NULL)
		OR OLD.follower_count <> NEW.follower_count OR OLD.other_account_id IS DISTINCT FROM NEW.other_account_id
		OR OLD.previous_account_id IS DISTINCT FROM NEW.previous_account_id)
	EXECUTE FUNCTION trackagoat.creator_log();
COMMENT ON TRIGGER creator_log ON trackagoat.creator IS 'writes to the change log';
CREATE CONSTRAINT TRIGGER creator_ban AFTER INSERT ON trackagoat.creator
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.removed_at IS NULL AND NEW.disabled_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_ban();
COMMENT ON TRIGGER creator_ban ON trackagoat.creator IS 'refuses, at commit, a handle that was banned meanwhile';
CREATE CONSTRAINT TRIGGER creator_ban_update AFTER UPDATE ON trackagoat.creator
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.removed_at IS NULL AND NEW.disabled_at IS NULL
		AND (OLD.tiktok_handle <> NEW.tiktok_handle OR OLD.removed_at IS NOT NULL OR OLD.disabled_at IS NOT NULL))
	EXECUTE FUNCTION trackagoat.creator_ban();
COMMENT ON TRIGGER creator_ban_update ON trackagoat.creator IS 'the same of one that is renamed, enabled or brought back';
CREATE TRIGGER creator_touch BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN ((OLD.tiktok_handle::text <> NEW.tiktok_handle::text AND OLD.handle_followed_at IS NOT DISTINCT FROM NEW.handle_followed_at)
		OR OLD.display_name_override IS DISTINCT FROM NEW.display_name_override
		OR OLD.readme IS DISTINCT FROM NEW.readme OR OLD.metadata <> NEW.metadata
		OR OLD.tracking_mode <> NEW.tracking_mode OR OLD.tracking_start_date <> NEW.tracking_start_date
		OR (OLD.disabled_at IS DISTINCT FROM NEW.disabled_at AND coalesce(NEW.disabled_reason, OLD.disabled_reason, '') <> 'account_gone')
		OR OLD.removed_at IS DISTINCT FROM NEW.removed_at)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER creator_touch ON trackagoat.creator IS 'moves updated_at with what people change';

-- ---- videos ----

CREATE INDEX video_inbox_idx ON trackagoat.video (project_id, trackagoat.video_posted_at(posted_at, tiktok_video_id) DESC) WHERE tracking_status = 'pending_review';
COMMENT ON INDEX trackagoat.video_inbox_idx IS 'videos that wait for review';
CREATE INDEX video_lone_idx ON trackagoat.video (project_id, tiktok_handle) WHERE creator_id IS NULL;
COMMENT ON INDEX trackagoat.video_lone_idx IS 'videos whose creator is not in the project, by their author';
CREATE INDEX video_direct_add_idx ON trackagoat.video (org_id) WHERE tracking_status = 'direct_add';
COMMENT ON INDEX trackagoat.video_direct_add_idx IS 'videos that were added one by one';
CREATE INDEX video_posted_at_idx ON trackagoat.video (project_id, trackagoat.video_posted_at(posted_at, tiktok_video_id));
COMMENT ON INDEX trackagoat.video_posted_at_idx IS 'videos of a project by the time of posting';

CREATE TRIGGER video_fill BEFORE INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk()) EXECUTE FUNCTION trackagoat.video_fill();
COMMENT ON TRIGGER video_fill ON trackagoat.video IS 'fills project_id, org_id and creator_id';
CREATE TRIGGER video_scrape AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk()
		AND trackagoat.video_is_fetched(NEW.tracking_status, NEW.tracking_disabled_at, NEW.refresh_stopped_at))
	EXECUTE FUNCTION trackagoat.video_scrape();
COMMENT ON TRIGGER video_scrape ON trackagoat.video IS 'makes the standing job; queues a post added by URL at once';
CREATE TRIGGER video_scrape_update AFTER UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (trackagoat.video_is_fetched(NEW.tracking_status, NEW.tracking_disabled_at, NEW.refresh_stopped_at)
		AND NOT trackagoat.video_is_fetched(OLD.tracking_status, OLD.tracking_disabled_at, OLD.refresh_stopped_at))
	EXECUTE FUNCTION trackagoat.video_scrape();
COMMENT ON TRIGGER video_scrape_update ON trackagoat.video IS 'makes the standing job of a post that is fetched again';
CREATE TRIGGER video_review BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND OLD.tracking_status <> NEW.tracking_status)
	EXECUTE FUNCTION trackagoat.video_review();
COMMENT ON TRIGGER video_review ON trackagoat.video IS 'refuses a status that the one before does not lead to';
CREATE TRIGGER video_refresh BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (OLD.refresh_stopped_at IS NOT NULL AND NEW.refresh_stopped_at IS NULL)
	EXECUTE FUNCTION trackagoat.video_refresh();
COMMENT ON TRIGGER video_refresh ON trackagoat.video IS 'what is refreshed again is so at the full rate';
CREATE TRIGGER video_log AFTER UPDATE ON trackagoat.video
	FOR EACH ROW WHEN ((OLD.refresh_slowed_at IS NULL) <> (NEW.refresh_slowed_at IS NULL)
		OR (OLD.refresh_stopped_at IS NULL) <> (NEW.refresh_stopped_at IS NULL))
	EXECUTE FUNCTION trackagoat.video_log();
COMMENT ON TRIGGER video_log ON trackagoat.video IS 'writes to the change log';
CREATE TRIGGER video_return AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NEW.tracking_status = 'direct_add')
	EXECUTE FUNCTION trackagoat.video_return();
COMMENT ON TRIGGER video_return ON trackagoat.video IS 'what a person adds again is no longer deleted';
CREATE TRIGGER video_delete AFTER DELETE ON trackagoat.video
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_delete();
COMMENT ON TRIGGER video_delete ON trackagoat.video IS 'remembers what discovery is not to bring back';
CREATE TRIGGER video_touch BEFORE UPDATE OF
		tracking_status, readme, metadata, tracking_disabled_at ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER video_touch ON trackagoat.video IS 'moves updated_at with what people change';


CREATE VIEW trackagoat.inbox WITH (security_invoker = true) AS
	SELECT v.id AS video_id, v.org_id, v.project_id, v.creator_id, c.tiktok_handle,
		coalesce(c.display_name_override, c.display_name) AS display_name, v.kind, v.title,
		trackagoat.video_url(coalesce(v.tiktok_handle, c.tiktok_handle), v.tiktok_video_id, v.kind) AS url,
		v.thumbnail_url, trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) AS posted_at,
		v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count, v.last_observed_at, v.created_at
	FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
	WHERE v.tracking_status = 'pending_review' AND c.removed_at IS NULL
	ORDER BY trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) DESC, v.id DESC;
COMMENT ON VIEW trackagoat.inbox IS 'videos that wait for review, newest first; review_videos() decides on them';
COMMENT ON COLUMN trackagoat.inbox.video_id IS 'video';
COMMENT ON COLUMN trackagoat.inbox.org_id IS 'its organization';
COMMENT ON COLUMN trackagoat.inbox.project_id IS 'its project';
COMMENT ON COLUMN trackagoat.inbox.creator_id IS 'whose post it is';
COMMENT ON COLUMN trackagoat.inbox.tiktok_handle IS 'handle of the creator';
COMMENT ON COLUMN trackagoat.inbox.display_name IS 'name of the creator, the team''s if it has given one';
COMMENT ON COLUMN trackagoat.inbox.kind IS 'video or photo';
COMMENT ON COLUMN trackagoat.inbox.title IS 'caption of the post';
COMMENT ON COLUMN trackagoat.inbox.url IS 'where TikTok shows it';
COMMENT ON COLUMN trackagoat.inbox.thumbnail_url IS 'cover picture; TikTok''s link expires after about two days';
COMMENT ON COLUMN trackagoat.inbox.posted_at IS 'when it was posted';
COMMENT ON COLUMN trackagoat.inbox.view_count IS 'views, last known';
COMMENT ON COLUMN trackagoat.inbox.like_count IS 'likes, last known';
COMMENT ON COLUMN trackagoat.inbox.comment_count IS 'comments, last known';
COMMENT ON COLUMN trackagoat.inbox.share_count IS 'shares, last known';
COMMENT ON COLUMN trackagoat.inbox.save_count IS 'saves, last known';
COMMENT ON COLUMN trackagoat.inbox.last_observed_at IS 'time of the newest observation';
COMMENT ON COLUMN trackagoat.inbox.created_at IS 'when it was found';
