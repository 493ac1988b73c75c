-- Enums, ids and what a video id says.

CREATE TYPE trackagoat.tracking_mode AS ENUM ('auto', 'selective');
COMMENT ON TYPE trackagoat.tracking_mode IS
	'how new videos of a creator enter: auto = counted at once, selective = wait for review';

CREATE TYPE trackagoat.tracking_status AS ENUM
	('auto_tracked', 'pending_review', 'included', 'excluded', 'direct_add');
COMMENT ON TYPE trackagoat.tracking_status IS
	'where a video stands: auto_tracked, included and direct_add count; pending_review waits in the inbox; excluded was rejected';

CREATE TYPE trackagoat.goal_type AS ENUM ('posts', 'views', 'views_per_post', 'engagement', 'followers');
COMMENT ON TYPE trackagoat.goal_type IS 'what a goal measures';

CREATE TYPE trackagoat.goal_period AS ENUM ('daily', 'weekly', 'monthly');
COMMENT ON TYPE trackagoat.goal_period IS 'how often a goal begins anew';

CREATE TYPE trackagoat.goal_status AS ENUM
	('on_track', 'behind_pace', 'at_risk', 'completed', 'missed', 'not_yet_started', 'no_data');
COMMENT ON TYPE trackagoat.goal_status IS 'where a goal stands in its period';

CREATE TYPE trackagoat.scrape_kind AS ENUM ('creator_profile', 'discover_videos', 'video_stats', 'video_link');
COMMENT ON TYPE trackagoat.scrape_kind IS
	'what a scrape fetches: a profile, the list of a creator''s videos, one video, or where a short link leads';

CREATE FUNCTION trackagoat.uuidv7() RETURNS uuid
	AS 'MODULE_PATHNAME', 'trackagoat_uuidv7' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.uuidv7() IS 'new UUID version 7: its order is the order of creation';

CREATE FUNCTION trackagoat.video_id_time(tiktok_video_id bigint) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN tiktok_video_id > 0
		THEN pg_catalog.to_timestamp((tiktok_video_id >> 32)::double precision) END;
COMMENT ON FUNCTION trackagoat.video_id_time(bigint) IS
	'when TikTok allotted the id (its upper 32 bits): at or before the time of posting';

CREATE FUNCTION trackagoat.video_posted_at(posted_at timestamptz, tiktok_video_id bigint) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN coalesce(posted_at, trackagoat.video_id_time(tiktok_video_id));
COMMENT ON FUNCTION trackagoat.video_posted_at(timestamptz, bigint) IS
	'when a video counts as posted: as its page says, or else as its id does';

CREATE FUNCTION trackagoat.status_counts(status trackagoat.tracking_status) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN status IN ('auto_tracked', 'included', 'direct_add');
COMMENT ON FUNCTION trackagoat.status_counts(trackagoat.tracking_status) IS
	'whether a video counts by its status';

CREATE FUNCTION trackagoat.parse_handle(text) RETURNS trackagoat.handle
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.parse_handle(text) IS
	'handle in "name", "@name" or the URL of a profile; PT409 invalid_handle otherwise';

CREATE FUNCTION trackagoat.parse_video_url(
	text, OUT tiktok_handle trackagoat.handle, OUT tiktok_video_id bigint, OUT kind text)
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.parse_video_url(text) IS
	'what the URL of a video names; kind is video, photo or short (a short link names no id); PT400 invalid_video_url otherwise';
