-- The schedule: what an organization that changes its intervals or plan does to
-- it, and what was fetched ahead of it by hand.

CREATE TABLE trackagoat.manual_scrape (
	org_id uuid NOT NULL,
	day date NOT NULL,
	triggers integer NOT NULL,
	CONSTRAINT manual_scrape_pkey PRIMARY KEY (org_id),
	CONSTRAINT manual_scrape_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT manual_scrape_triggers_check CHECK (triggers > 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.manual_scrape IS 'how often an organization whose plan limits it has called scrape_creator() and scrape_video(): its last such day; the next one takes the place of the row';
COMMENT ON COLUMN trackagoat.manual_scrape.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.manual_scrape.day IS 'day (UTC)';
COMMENT ON COLUMN trackagoat.manual_scrape.triggers IS 'calls of that day';

ALTER TABLE trackagoat.manual_scrape ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER organization_schedule
	AFTER UPDATE OF plan, creator_profile_interval, discover_videos_interval, video_stats_interval ON trackagoat.organization
	FOR EACH ROW WHEN (OLD.plan IS DISTINCT FROM NEW.plan OR OLD.creator_profile_interval > NEW.creator_profile_interval
		OR OLD.discover_videos_interval > NEW.discover_videos_interval OR OLD.video_stats_interval > NEW.video_stats_interval)
	EXECUTE FUNCTION trackagoat.organization_schedule();
COMMENT ON TRIGGER organization_schedule ON trackagoat.organization IS 'has a shorter interval or another plan hold at once';

CREATE INDEX scrape_request_order_idx ON trackagoat.scrape_request (priority DESC, id);
COMMENT ON INDEX trackagoat.scrape_request_order_idx IS 'the order of folding: what people wait for does not wait for what was brought forward';
