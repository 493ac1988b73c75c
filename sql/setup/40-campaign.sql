-- Campaigns: named groups of creators, videos and other campaigns of a project.

CREATE TABLE trackagoat.campaign (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	name text NOT NULL,
	readme text,
	metadata jsonb NOT NULL DEFAULT '{}',
	target_views bigint,
	target_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT campaign_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to
	CONSTRAINT campaign_project_key UNIQUE (id, project_id, org_id),
	CONSTRAINT campaign_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT campaign_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT campaign_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT campaign_target_views_check CHECK (target_views > 0)
);
COMMENT ON TABLE trackagoat.campaign IS 'named group of creators, videos and other campaigns; its totals count each video below it once';
COMMENT ON COLUMN trackagoat.campaign.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.campaign.org_id IS 'organization; taken from the project when left out';
COMMENT ON COLUMN trackagoat.campaign.project_id IS 'project of the campaign and of all its items';
COMMENT ON COLUMN trackagoat.campaign.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.campaign.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.campaign.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.campaign.target_views IS 'views to reach';
COMMENT ON COLUMN trackagoat.campaign.target_at IS 'by when to reach them';
COMMENT ON COLUMN trackagoat.campaign.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.campaign.updated_at IS 'when a person last changed the row';

CREATE INDEX campaign_project_idx ON trackagoat.campaign (project_id);
COMMENT ON INDEX trackagoat.campaign_project_idx IS 'campaigns of a project';
CREATE INDEX campaign_organization_idx ON trackagoat.campaign (org_id, id);
COMMENT ON INDEX trackagoat.campaign_organization_idx IS 'campaigns of an organization';

CREATE TRIGGER campaign_fill BEFORE INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_fill();
COMMENT ON TRIGGER campaign_fill ON trackagoat.campaign IS 'fills org_id';
CREATE TRIGGER campaign_touch BEFORE UPDATE ON trackagoat.campaign
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER campaign_touch ON trackagoat.campaign IS 'moves updated_at';

CREATE TABLE trackagoat.campaign_item (
	campaign_id uuid NOT NULL,
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	video_id uuid,
	child_campaign_id uuid,
	item_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(creator_id, video_id, child_campaign_id, campaign_id)) STORED,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT campaign_item_pkey PRIMARY KEY (campaign_id, item_id, org_id),
	CONSTRAINT campaign_item_one_check CHECK (num_nonnulls(creator_id, video_id, child_campaign_id) = 1),
	CONSTRAINT campaign_item_campaign_fkey FOREIGN KEY (campaign_id, project_id, org_id)
		REFERENCES trackagoat.campaign (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_item_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_item_video_fkey FOREIGN KEY (video_id, project_id, org_id)
		REFERENCES trackagoat.video (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_item_child_campaign_fkey FOREIGN KEY (child_campaign_id, project_id, org_id)
		REFERENCES trackagoat.campaign (id, project_id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.campaign_item IS 'what a campaign holds: a creator (all its counted videos), a video, or another campaign';
COMMENT ON COLUMN trackagoat.campaign_item.campaign_id IS 'campaign that holds the item';
COMMENT ON COLUMN trackagoat.campaign_item.org_id IS 'organization; taken from the campaign when left out';
COMMENT ON COLUMN trackagoat.campaign_item.project_id IS 'project; taken from the campaign when left out';
COMMENT ON COLUMN trackagoat.campaign_item.creator_id IS 'the creator held, or NULL';
COMMENT ON COLUMN trackagoat.campaign_item.video_id IS 'the video held, or NULL';
COMMENT ON COLUMN trackagoat.campaign_item.child_campaign_id IS 'the campaign held, or NULL';
COMMENT ON COLUMN trackagoat.campaign_item.item_id IS 'id of what is held, whichever it is';
COMMENT ON COLUMN trackagoat.campaign_item.created_at IS 'when the item was added';

CREATE INDEX campaign_item_creator_idx ON trackagoat.campaign_item (creator_id) WHERE creator_id IS NOT NULL;
COMMENT ON INDEX trackagoat.campaign_item_creator_idx IS 'campaigns that hold a creator';
CREATE INDEX campaign_item_video_idx ON trackagoat.campaign_item (video_id) WHERE video_id IS NOT NULL;
COMMENT ON INDEX trackagoat.campaign_item_video_idx IS 'campaigns that hold a video';
CREATE INDEX campaign_item_child_campaign_idx ON trackagoat.campaign_item (child_campaign_id)
	WHERE child_campaign_id IS NOT NULL;
COMMENT ON INDEX trackagoat.campaign_item_child_campaign_idx IS 'campaigns that hold a campaign';

CREATE TRIGGER campaign_item_fill BEFORE INSERT ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_item_fill();
COMMENT ON TRIGGER campaign_item_fill ON trackagoat.campaign_item IS 'fills org_id and project_id';
CREATE TRIGGER campaign_item_cycle AFTER INSERT OR UPDATE ON trackagoat.campaign_item
	FOR EACH ROW WHEN (NEW.child_campaign_id IS NOT NULL)
	EXECUTE FUNCTION trackagoat.campaign_item_cycle();
COMMENT ON TRIGGER campaign_item_cycle ON trackagoat.campaign_item IS 'refuses a campaign that would hold itself';
ALTER TABLE trackagoat.campaign ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.campaign_item ENABLE ROW LEVEL SECURITY;
