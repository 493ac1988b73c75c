-- Campaigns: what is below one, each once, and its totals.  C: src/campaign.c, src/stats.c.

CREATE FUNCTION trackagoat.campaign_item_cycle() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.campaign_item_cycle() IS
	'trigger: PT409 campaign_cycle for a campaign that would hold itself, directly or through others';

CREATE FUNCTION trackagoat.video_counts(status trackagoat.tracking_status, creator_removed_at timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN trackagoat.status_counts(status) AND creator_removed_at IS NULL;
COMMENT ON FUNCTION trackagoat.video_counts(trackagoat.tracking_status, timestamptz) IS
	'whether a video counts in totals: by its status, and its creator, if any, is not removed';

CREATE FUNCTION trackagoat.campaign_tree(campaign_id uuid) RETURNS TABLE (id uuid, depth integer)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 10
	SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.campaign_tree(uuid) IS
	'the campaign and every campaign below it, each once, with the least depth at which it is found; no row for an id that is no campaign';

CREATE FUNCTION trackagoat.campaign_videos(campaign_id uuid) RETURNS TABLE (video_id uuid)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 1000
	SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.campaign_videos(uuid) IS
	'the counted videos below the campaign, each once however many paths lead to it';

CREATE FUNCTION trackagoat.campaign_stats(
	campaign_id uuid, from_date date DEFAULT NULL, to_date date DEFAULT NULL, at timestamptz DEFAULT NULL,
	OUT creators bigint, OUT videos bigint,
	OUT views bigint, OUT likes bigint, OUT comments bigint, OUT shares bigint, OUT saves bigint,
	OUT engagement_rate numeric)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.campaign_stats(uuid, date, date, timestamptz) IS
	'totals of the counted videos below the campaign, each counted once, or with from_date or to_date what they gained in those days, both included; at answers as of a past moment; a total is NULL where no video shows the counter; engagement_rate is (likes + comments + shares + saves) / views * 100; PT404 campaign_not_found';
