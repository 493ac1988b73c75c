-- Organizations and their projects: the roots of every key below.

CREATE TABLE trackagoat.organization (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	name text NOT NULL,
	timezone text NOT NULL DEFAULT 'UTC',
	plan text,
	creator_profile_interval interval NOT NULL DEFAULT '1 day',
	discover_videos_interval interval NOT NULL DEFAULT '6 hours',
	video_stats_interval interval NOT NULL DEFAULT '1 day',
	week_starts_on smallint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT organization_pkey PRIMARY KEY (id),
	CONSTRAINT organization_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT organization_timezone_check CHECK (trackagoat.is_timezone(timezone)),
	CONSTRAINT organization_week_starts_on_check CHECK (week_starts_on BETWEEN 1 AND 7),
	CONSTRAINT organization_creator_profile_interval_check CHECK (creator_profile_interval BETWEEN '1 minute' AND '1 year'),
	CONSTRAINT organization_discover_videos_interval_check CHECK (discover_videos_interval BETWEEN '1 minute' AND '1 year'),
	CONSTRAINT organization_video_stats_interval_check CHECK (video_stats_interval BETWEEN '1 minute' AND '1 year')
);
COMMENT ON TABLE trackagoat.organization IS 'root of a workspace: owns projects and all that is in them';
COMMENT ON COLUMN trackagoat.organization.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.organization.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.organization.timezone IS 'IANA time zone that decides where a day begins';
COMMENT ON COLUMN trackagoat.organization.plan IS 'plan whose limits hold; NULL means unlimited';
COMMENT ON COLUMN trackagoat.organization.creator_profile_interval IS 'how often profiles are fetched';
COMMENT ON COLUMN trackagoat.organization.discover_videos_interval IS 'how often new videos are looked for';
COMMENT ON COLUMN trackagoat.organization.video_stats_interval IS 'how often the counters of a video are fetched';
COMMENT ON COLUMN trackagoat.organization.week_starts_on IS 'day that weeks of goals begin on: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN trackagoat.organization.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.organization.updated_at IS 'when a person last changed the row';

CREATE TRIGGER organization_touch BEFORE UPDATE ON trackagoat.organization
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER organization_touch ON trackagoat.organization IS 'moves updated_at';

CREATE TABLE trackagoat.project (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	name text NOT NULL,
	description text,
	expiry_max_gain bigint,
	expiry_days integer,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT project_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT project_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT project_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT project_expiry_check CHECK (num_nulls(expiry_max_gain, expiry_days) IN (0, 2)
		AND expiry_max_gain >= 0 AND expiry_days BETWEEN 1 AND 3650)
);
COMMENT ON TABLE trackagoat.project IS 'groups creators, videos and campaigns of one program';
COMMENT ON COLUMN trackagoat.project.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.project.org_id IS 'organization that owns the project';
COMMENT ON COLUMN trackagoat.project.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.project.description IS 'what the program is about, for people and agents';
COMMENT ON COLUMN trackagoat.project.expiry_max_gain IS 'a video that gains no more views than this in expiry_days is refreshed more rarely, and as long again later no more; NULL for never';
COMMENT ON COLUMN trackagoat.project.expiry_days IS 'days of that rule';
COMMENT ON COLUMN trackagoat.project.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.project.updated_at IS 'when a person last changed the row';

CREATE INDEX project_organization_idx ON trackagoat.project (org_id);
COMMENT ON INDEX trackagoat.project_organization_idx IS 'projects of an organization';

CREATE TRIGGER project_touch BEFORE UPDATE ON trackagoat.project
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER project_touch ON trackagoat.project IS 'moves updated_at';
ALTER TABLE trackagoat.organization ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.project ENABLE ROW LEVEL SECURITY;
