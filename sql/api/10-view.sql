-- What one sees of the tables, through row-level security.

CREATE VIEW trackagoat_api.organizations WITH (security_invoker) AS
	SELECT o.id, o.name, o.timezone, o.plan, o.week_starts_on, o.created_at, o.updated_at FROM trackagoat.organization o;
COMMENT ON VIEW trackagoat_api.organizations IS 'one''s organization';
CREATE VIEW trackagoat_api.projects WITH (security_invoker) AS
	SELECT p.id, p.org_id, p.name, p.description, p.created_at, p.updated_at FROM trackagoat.project p;
COMMENT ON VIEW trackagoat_api.projects IS 'projects';
CREATE VIEW trackagoat_api.creators WITH (security_invoker) AS
	SELECT c.id, c.org_id, c.project_id, c.tiktok_handle::text AS tiktok_handle, coalesce(c.display_name_override, c.display_name) AS display_name,
		c.readme AS description, c.readme, c.metadata, c.tracking_mode, c.tracking_start_date, c.avatar_url, c.bio, c.follower_count, c.following_count,
		c.total_likes_count, c.video_count, c.last_scraped_at, c.is_active, c.disabled_at, c.disabled_reason, c.created_at, c.updated_at
	FROM trackagoat.creator c WHERE c.removed_at IS NULL;
COMMENT ON VIEW trackagoat_api.creators IS 'creators that are in the program';
COMMENT ON COLUMN trackagoat_api.creators.display_name IS 'name that the team has given, else that of the profile';
COMMENT ON COLUMN trackagoat_api.creators.description IS 'the same as readme';
CREATE VIEW trackagoat_api.videos WITH (security_invoker) AS
	SELECT v.id, v.org_id, v.project_id, v.creator_id, v.tiktok_video_id::text AS tiktok_video_id, coalesce(v.tiktok_handle, c.tiktok_handle)::text AS tiktok_handle,
		trackagoat.video_url(coalesce(v.tiktok_handle, c.tiktok_handle), v.tiktok_video_id, v.kind) AS url,
		v.tracking_status, v.kind, v.title, trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) AS posted_at, v.duration, v.thumbnail_url, v.hashtags,
		v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count, v.last_observed_at, v.readme AS description, v.readme, v.metadata,
		v.tracking_disabled_at, v.refresh_stopped_at, v.created_at, v.updated_at
	FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
	WHERE v.tracking_status <> 'excluded' AND c.removed_at IS NULL;
COMMENT ON VIEW trackagoat_api.videos IS 'videos that are not excluded, nor of a removed creator';
COMMENT ON COLUMN trackagoat_api.videos.url IS 'where TikTok shows it';
COMMENT ON COLUMN trackagoat_api.videos.posted_at IS 'when it was posted: as its page says, or else as its id does';
COMMENT ON COLUMN trackagoat_api.videos.description IS 'the same as readme';
CREATE VIEW trackagoat_api.campaigns WITH (security_invoker) AS
	SELECT k.id, k.org_id, k.project_id, k.name, k.readme AS description, k.readme, k.metadata, k.target_views, k.target_at, k.created_at, k.updated_at
	FROM trackagoat.campaign k;
COMMENT ON VIEW trackagoat_api.campaigns IS 'campaigns';
COMMENT ON COLUMN trackagoat_api.campaigns.description IS 'the same as readme';
CREATE VIEW trackagoat_api.campaign_items WITH (security_invoker) AS
	SELECT i.campaign_id, i.item_id, i.org_id, i.project_id, i.creator_id, i.video_id, i.child_campaign_id, i.created_at
	FROM trackagoat.campaign_item i;
COMMENT ON VIEW trackagoat_api.campaign_items IS 'what campaigns hold';
CREATE VIEW trackagoat_api.goals WITH (security_invoker) AS
	SELECT g.id, g.org_id, g.project_id, g.creator_id, g.goal_type, g.target, g.period, g.starts_on, g.ends_on, g.status, g.status_period,
		g.created_at, g.updated_at
	FROM trackagoat.goal g;
COMMENT ON VIEW trackagoat_api.goals IS 'goals of creators';
CREATE VIEW trackagoat_api.creator_events WITH (security_invoker) AS
	SELECT e.id, e.org_id, e.project_id, e.creator_id, e.video_id, e.kind, e.detail, e.created_at FROM trackagoat.creator_event e;
COMMENT ON VIEW trackagoat_api.creator_events IS 'the change log';
CREATE VIEW trackagoat_api.notifications WITH (security_invoker) AS
	SELECT n.id, n.org_id, n.project_id, n.creator_id, n.kind, n.subject, n.detail, n.created_at, n.read_at FROM trackagoat.notification n;
COMMENT ON VIEW trackagoat_api.notifications IS 'what people are to be told';
CREATE VIEW trackagoat_api.members WITH (security_invoker) AS
	SELECT m.id, m.org_id, m.user_id, m.name, m.role, m.created_at, m.updated_at FROM trackagoat.member m;
COMMENT ON VIEW trackagoat_api.members IS 'members of the organization';
CREATE VIEW trackagoat_api.api_keys WITH (security_invoker) AS
	SELECT k.id, k.org_id, k.name, k.scopes, k.created_by, k.created_at, k.expires_at, k.revoked_at, k.last_used_at FROM trackagoat.api_key k;
COMMENT ON VIEW trackagoat_api.api_keys IS 'API keys, for the v1 API alone, which asks whether it is an admin';
