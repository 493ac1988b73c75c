-- What changes totals: triggers that write the log of differences.

CREATE INDEX creator_removed_idx ON trackagoat.creator (project_id, tiktok_handle) WHERE removed_at IS NOT NULL;
COMMENT ON INDEX trackagoat.creator_removed_idx IS 'creators that are out of the program, by handle';

CREATE TRIGGER project_totals AFTER DELETE ON trackagoat.project
	FOR EACH ROW EXECUTE FUNCTION trackagoat.project_totals();
COMMENT ON TRIGGER project_totals ON trackagoat.project IS 'what is not folded goes with the project';

-- without a list of columns, so that what other triggers make of the row is seen
CREATE TRIGGER creator_totals AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN ((OLD.removed_at IS NULL) <> (NEW.removed_at IS NULL))
	EXECUTE FUNCTION trackagoat.creator_totals();
COMMENT ON TRIGGER creator_totals ON trackagoat.creator IS 'totals lose or regain a creator that is removed or restored';
CREATE TRIGGER creator_totals_delete BEFORE DELETE ON trackagoat.creator
	FOR EACH ROW EXECUTE FUNCTION trackagoat.creator_totals();
COMMENT ON TRIGGER creator_totals_delete ON trackagoat.creator IS 'totals lose a creator that is deleted';
CREATE TRIGGER creator_totals_truncate AFTER TRUNCATE ON trackagoat.creator
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER creator_totals_truncate ON trackagoat.creator IS 'totals begin anew';

CREATE TRIGGER video_totals AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk()) EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER video_totals ON trackagoat.video IS 'totals gain a video that counts';
-- before, so that what the same statement observes comes after; last by name,
-- so that it sees what other triggers make of the row
CREATE TRIGGER zz_video_totals_update BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN ((trackagoat.status_counts(OLD.tracking_status) <> trackagoat.status_counts(NEW.tracking_status)
			AND NOT trackagoat.in_bulk())
		OR OLD.creator_id IS DISTINCT FROM NEW.creator_id OR OLD.project_id <> NEW.project_id
		OR trackagoat.video_posted_at(OLD.posted_at, OLD.tiktok_video_id)
			IS DISTINCT FROM trackagoat.video_posted_at(NEW.posted_at, NEW.tiktok_video_id))
	EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER zz_video_totals_update ON trackagoat.video IS 'totals gain a video that begins to count, and lose one that no longer does';
CREATE TRIGGER zz_video_totals_delete BEFORE DELETE ON trackagoat.video
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER zz_video_totals_delete ON trackagoat.video IS 'totals lose a video that is deleted';
CREATE TRIGGER video_totals_truncate AFTER TRUNCATE ON trackagoat.video
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER video_totals_truncate ON trackagoat.video IS 'totals begin anew';
CREATE TRIGGER video_history_truncate AFTER TRUNCATE ON trackagoat.video_history
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.history_truncate();
COMMENT ON TRIGGER video_history_truncate ON trackagoat.video_history IS 'nothing is known any more, and totals begin anew';
CREATE TRIGGER creator_history_truncate AFTER TRUNCATE ON trackagoat.creator_history
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.history_truncate();
COMMENT ON TRIGGER creator_history_truncate ON trackagoat.creator_history IS 'nothing is known any more';

CREATE TRIGGER campaign_totals AFTER INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_totals();
COMMENT ON TRIGGER campaign_totals ON trackagoat.campaign IS 'a new campaign has totals';
CREATE TRIGGER campaign_totals_delete BEFORE DELETE ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_totals();
COMMENT ON TRIGGER campaign_totals_delete ON trackagoat.campaign IS 'a deleted campaign has none';
CREATE TRIGGER campaign_totals_truncate AFTER TRUNCATE ON trackagoat.campaign
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER campaign_totals_truncate ON trackagoat.campaign IS 'totals begin anew';
CREATE TRIGGER campaign_item_totals AFTER INSERT OR UPDATE OR DELETE ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_item_totals();
COMMENT ON TRIGGER campaign_item_totals ON trackagoat.campaign_item IS 'a campaign whose items change is computed anew, with those above it';
CREATE TRIGGER campaign_item_totals_truncate AFTER TRUNCATE ON trackagoat.campaign_item
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER campaign_item_totals_truncate ON trackagoat.campaign_item IS 'totals begin anew';

CREATE TRIGGER total_truncate AFTER TRUNCATE ON trackagoat.total
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER total_truncate ON trackagoat.total IS 'totals begin anew';
CREATE TRIGGER total_month_truncate AFTER TRUNCATE ON trackagoat.total_month
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER total_month_truncate ON trackagoat.total_month IS 'totals begin anew';
CREATE TRIGGER total_difference_truncate AFTER TRUNCATE ON trackagoat.total_difference
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER total_difference_truncate ON trackagoat.total_difference IS 'what was not folded is found in the histories';

CREATE TRIGGER creator_stay BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id OR OLD.org_id <> NEW.org_id)
	EXECUTE FUNCTION trackagoat.stay_in_project();
COMMENT ON TRIGGER creator_stay ON trackagoat.creator IS 'refuses another project';
CREATE TRIGGER campaign_stay BEFORE UPDATE ON trackagoat.campaign
	FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id OR OLD.org_id <> NEW.org_id)
	EXECUTE FUNCTION trackagoat.stay_in_project();
COMMENT ON TRIGGER campaign_stay ON trackagoat.campaign IS 'refuses another project';
