-- Plans: rows that override the documented ones or make others, and the
-- triggers that hold organizations to theirs.

CREATE TABLE trackagoat.plan (
	plan text NOT NULL,
	limit_key text NOT NULL,
	max bigint,
	CONSTRAINT plan_pkey PRIMARY KEY (plan, limit_key),
	CONSTRAINT plan_plan_check CHECK (plan ~ '^[a-z0-9_]{1,63}$'),
	CONSTRAINT plan_limit_key_check CHECK (limit_key IN ('max_creators_per_org', 'max_tracked_videos_per_org', 'max_projects_per_org',
		'max_members_per_org', 'max_campaigns_per_project', 'max_campaign_items_per_campaign', 'max_api_keys_per_org',
		'max_api_requests_per_day', 'max_manual_scrape_triggers_per_day', 'max_payout_methods_per_org',
		'max_payout_structures_per_project', 'min_video_stats_hours', 'min_discover_videos_hours',
		'min_creator_profiles_hours', 'stats_history_retention_days')),
	CONSTRAINT plan_max_check CHECK (max >= 0),
	-- a year, as the longest interval of an organization
	CONSTRAINT plan_hours_check CHECK (limit_key NOT LIKE 'min\_%' OR max <= 8784)
);
COMMENT ON TABLE trackagoat.plan IS 'limits of plans, over those that documented_plans() has; plan_limits() is what holds';
COMMENT ON COLUMN trackagoat.plan.plan IS 'free, starter, ultra or a plan of your own';
COMMENT ON COLUMN trackagoat.plan.limit_key IS 'which limit';
COMMENT ON COLUMN trackagoat.plan.max IS 'the limit; NULL for none';

ALTER TABLE trackagoat.plan ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER organization_plan BEFORE INSERT OR UPDATE OF plan ON trackagoat.organization
	FOR EACH ROW WHEN (NEW.plan IS NOT NULL)
	EXECUTE FUNCTION trackagoat.organization_plan();
COMMENT ON TRIGGER organization_plan ON trackagoat.organization IS 'refuses a plan that nobody knows';

CREATE TRIGGER creator_limit_lock BEFORE INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER creator_limit_lock ON trackagoat.creator IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER creator_limit AFTER INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_check('max_creators_per_org');
COMMENT ON TRIGGER creator_limit ON trackagoat.creator IS 'refuses what the plan does not allow';

CREATE TRIGGER video_limit_lock BEFORE INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER video_limit_lock ON trackagoat.video IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER video_limit AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_check('max_tracked_videos_per_org');
COMMENT ON TRIGGER video_limit ON trackagoat.video IS 'refuses what the plan does not allow';

CREATE TRIGGER project_limit_lock BEFORE INSERT ON trackagoat.project
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER project_limit_lock ON trackagoat.project IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER project_limit AFTER INSERT ON trackagoat.project
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_projects_per_org');
COMMENT ON TRIGGER project_limit ON trackagoat.project IS 'refuses what the plan does not allow';

CREATE TRIGGER campaign_limit_lock BEFORE INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER campaign_limit_lock ON trackagoat.campaign IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER campaign_limit AFTER INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_campaigns_per_project');
COMMENT ON TRIGGER campaign_limit ON trackagoat.campaign IS 'refuses what the plan does not allow';

CREATE TRIGGER campaign_item_limit_lock BEFORE INSERT ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER campaign_item_limit_lock ON trackagoat.campaign_item IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER campaign_item_limit AFTER INSERT ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_campaign_items_per_campaign');
COMMENT ON TRIGGER campaign_item_limit ON trackagoat.campaign_item IS 'refuses what the plan does not allow';

CREATE TRIGGER project_move_lock BEFORE UPDATE ON trackagoat.project
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER project_move_lock ON trackagoat.project IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER project_move_limit AFTER UPDATE ON trackagoat.project
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id) EXECUTE FUNCTION trackagoat.limit_check('max_projects_per_org');
COMMENT ON TRIGGER project_move_limit ON trackagoat.project IS 'refuses to move in what the plan does not allow';

CREATE TRIGGER video_move_lock BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id AND NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER video_move_lock ON trackagoat.video IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER video_move_limit AFTER UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id AND NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_check('max_tracked_videos_per_org');
COMMENT ON TRIGGER video_move_limit ON trackagoat.video IS 'refuses to move in what the plan does not allow';

CREATE TRIGGER campaign_item_move_lock BEFORE UPDATE ON trackagoat.campaign_item
	FOR EACH ROW WHEN (OLD.campaign_id <> NEW.campaign_id) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER campaign_item_move_lock ON trackagoat.campaign_item IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER campaign_item_move_limit AFTER UPDATE ON trackagoat.campaign_item
	FOR EACH ROW WHEN (OLD.campaign_id <> NEW.campaign_id) EXECUTE FUNCTION trackagoat.limit_check('max_campaign_items_per_campaign');
COMMENT ON TRIGGER campaign_item_move_limit ON trackagoat.campaign_item IS 'refuses to move in what the plan does not allow';

CREATE TRIGGER creator_return_lock BEFORE UPDATE OF removed_at ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER creator_return_lock ON trackagoat.creator IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER creator_return_limit AFTER UPDATE OF removed_at ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_check('max_creators_per_org');
COMMENT ON TRIGGER creator_return_limit ON trackagoat.creator IS 'refuses to bring back what the plan does not allow';
