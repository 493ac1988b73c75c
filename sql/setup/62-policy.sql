-- Row-level security: whoever is not the owner sees the rows of the
-- organization that C code holds for the transaction, and no other.  A table
-- without a policy is the owner's alone; so is what all share, as names of plans
-- and sources may tell of other organizations.

CREATE POLICY project_tenant ON trackagoat.project FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY project_tenant ON trackagoat.project IS 'the rows of one''s organization';
CREATE POLICY creator_tenant ON trackagoat.creator FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY creator_tenant ON trackagoat.creator IS 'the rows of one''s organization';
CREATE POLICY creator_event_tenant ON trackagoat.creator_event FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY creator_event_tenant ON trackagoat.creator_event IS 'the rows of one''s organization';
CREATE POLICY creator_history_tenant ON trackagoat.creator_history FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY creator_history_tenant ON trackagoat.creator_history IS 'the rows of one''s organization';
CREATE POLICY video_tenant ON trackagoat.video FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY video_tenant ON trackagoat.video IS 'the rows of one''s organization';
CREATE POLICY video_history_tenant ON trackagoat.video_history FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY video_history_tenant ON trackagoat.video_history IS 'the rows of one''s organization';
CREATE POLICY video_link_tenant ON trackagoat.video_link FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY video_link_tenant ON trackagoat.video_link IS 'the rows of one''s organization';
CREATE POLICY deleted_video_tenant ON trackagoat.deleted_video FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY deleted_video_tenant ON trackagoat.deleted_video IS 'the rows of one''s organization';
CREATE POLICY campaign_tenant ON trackagoat.campaign FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY campaign_tenant ON trackagoat.campaign IS 'the rows of one''s organization';
CREATE POLICY campaign_item_tenant ON trackagoat.campaign_item FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY campaign_item_tenant ON trackagoat.campaign_item IS 'the rows of one''s organization';
CREATE POLICY goal_tenant ON trackagoat.goal FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY goal_tenant ON trackagoat.goal IS 'the rows of one''s organization';
CREATE POLICY notification_tenant ON trackagoat.notification FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY notification_tenant ON trackagoat.notification IS 'the rows of one''s organization';
CREATE POLICY total_tenant ON trackagoat.total FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY total_tenant ON trackagoat.total IS 'the rows of one''s organization';
CREATE POLICY total_month_tenant ON trackagoat.total_month FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY total_month_tenant ON trackagoat.total_month IS 'the rows of one''s organization';
CREATE POLICY total_difference_tenant ON trackagoat.total_difference FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY total_difference_tenant ON trackagoat.total_difference IS 'the rows of one''s organization';
CREATE POLICY manual_scrape_tenant ON trackagoat.manual_scrape FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY manual_scrape_tenant ON trackagoat.manual_scrape IS 'the rows of one''s organization';
CREATE POLICY member_tenant ON trackagoat.member FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY member_tenant ON trackagoat.member IS 'the rows of one''s organization';
CREATE POLICY api_key_tenant ON trackagoat.api_key FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY api_key_tenant ON trackagoat.api_key IS 'the rows of one''s organization';
CREATE POLICY api_usage_tenant ON trackagoat.api_usage FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY api_usage_tenant ON trackagoat.api_usage IS 'the rows of one''s organization';
CREATE POLICY organization_tenant ON trackagoat.organization FOR SELECT USING (id = trackagoat.readable_org());
COMMENT ON POLICY organization_tenant ON trackagoat.organization IS 'one''s organization';
