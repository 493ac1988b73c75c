-- Goals of creators, and what people are to be told.

CREATE TABLE trackagoat.goal (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid NOT NULL,
	goal_type trackagoat.goal_type NOT NULL,
	target numeric NOT NULL,
	period trackagoat.goal_period,
	starts_on date NOT NULL,
	ends_on date,
	status trackagoat.goal_status,
	status_period date,
	status_at timestamptz,
	closed_status trackagoat.goal_status,
	closed_period date,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT goal_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT goal_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE
) WITH (fillfactor = 80);
COMMENT ON TABLE trackagoat.goal IS 'target of a creator; goal_compliance() answers where it stands';
COMMENT ON COLUMN trackagoat.goal.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.goal.org_id IS 'organization; taken from the creator when left out';
COMMENT ON COLUMN trackagoat.goal.project_id IS 'project; taken from the creator when left out';
COMMENT ON COLUMN trackagoat.goal.creator_id IS 'whose goal it is';
COMMENT ON COLUMN trackagoat.goal.goal_type IS 'what it measures';
COMMENT ON COLUMN trackagoat.goal.target IS 'what is to be reached in each period; percent for engagement, a level for followers';
COMMENT ON COLUMN trackagoat.goal.period IS 'how often it begins anew; NULL for a milestone of followers';
COMMENT ON COLUMN trackagoat.goal.starts_on IS 'first day, in the organization''s time zone; today when left out';
COMMENT ON COLUMN trackagoat.goal.ends_on IS 'last day; NULL for none';
COMMENT ON COLUMN trackagoat.goal.status IS 'where it stood when it was last evaluated; NULL before that';
COMMENT ON COLUMN trackagoat.goal.status_period IS 'first day of the period that status is of';
COMMENT ON COLUMN trackagoat.goal.status_at IS 'since when it has that status';
COMMENT ON COLUMN trackagoat.goal.closed_status IS 'how the last period ended that is over';
COMMENT ON COLUMN trackagoat.goal.closed_period IS 'first day of that period';
COMMENT ON COLUMN trackagoat.goal.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.goal.updated_at IS 'when a person last changed the row; an evaluation does not move it';

CREATE INDEX goal_creator_idx ON trackagoat.goal (creator_id);
COMMENT ON INDEX trackagoat.goal_creator_idx IS 'goals of a creator';
CREATE INDEX goal_project_idx ON trackagoat.goal (project_id);
COMMENT ON INDEX trackagoat.goal_project_idx IS 'goals of a project';
CREATE INDEX goal_organization_idx ON trackagoat.goal (org_id, id);
COMMENT ON INDEX trackagoat.goal_organization_idx IS 'goals of an organization';
CREATE INDEX video_disabled_idx ON trackagoat.video (creator_id) WHERE tracking_disabled_at IS NOT NULL;
COMMENT ON INDEX trackagoat.video_disabled_idx IS 'creators some of whose videos leave the goals alone';

CREATE TRIGGER goal_fill BEFORE INSERT ON trackagoat.goal
	FOR EACH ROW EXECUTE FUNCTION trackagoat.goal_fill();
COMMENT ON TRIGGER goal_fill ON trackagoat.goal IS 'fills org_id, project_id and starts_on';
CREATE TRIGGER goal_rules BEFORE INSERT OR UPDATE OF goal_type, target, period, starts_on, ends_on ON trackagoat.goal
	FOR EACH ROW EXECUTE FUNCTION trackagoat.goal_rules();
COMMENT ON TRIGGER goal_rules ON trackagoat.goal IS 'refuses targets, periods and dates that make no sense';
CREATE TRIGGER goal_touch BEFORE UPDATE ON trackagoat.goal
	FOR EACH ROW WHEN ((OLD.goal_type, OLD.target, OLD.period, OLD.starts_on, OLD.ends_on)
		IS DISTINCT FROM (NEW.goal_type, NEW.target, NEW.period, NEW.starts_on, NEW.ends_on))
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER goal_touch ON trackagoat.goal IS 'moves updated_at';
CREATE TRIGGER goal_tell AFTER UPDATE ON trackagoat.goal
	FOR EACH ROW WHEN (OLD.status <> NEW.status OR (NEW.closed_status IS NOT NULL
		AND (OLD.closed_period, OLD.closed_status) IS DISTINCT FROM (NEW.closed_period, NEW.closed_status)))
	EXECUTE FUNCTION trackagoat.goal_tell();
COMMENT ON TRIGGER goal_tell ON trackagoat.goal IS 'tells the change log and people of another status';

CREATE TABLE trackagoat.notification (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid NOT NULL,
	kind text NOT NULL,
	subject uuid NOT NULL,
	detail jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	read_at timestamptz,
	CONSTRAINT notification_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT notification_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.notification IS 'what people are to be told; triggers write it';
COMMENT ON COLUMN trackagoat.notification.id IS 'UUID version 7: its order is the order of events';
COMMENT ON COLUMN trackagoat.notification.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.notification.project_id IS 'project';
COMMENT ON COLUMN trackagoat.notification.creator_id IS 'creator';
COMMENT ON COLUMN trackagoat.notification.kind IS 'what happened: a kind of creator_event_kind';
COMMENT ON COLUMN trackagoat.notification.subject IS 'of what: the id of the goal';
COMMENT ON COLUMN trackagoat.notification.detail IS 'what else is to be told, as in the change log';
COMMENT ON COLUMN trackagoat.notification.created_at IS 'when';
COMMENT ON COLUMN trackagoat.notification.read_at IS 'when somebody read it; set it';

CREATE INDEX notification_unread_idx ON trackagoat.notification (project_id, id) WHERE read_at IS NULL;
COMMENT ON INDEX trackagoat.notification_unread_idx IS 'what nobody has read yet';
CREATE INDEX notification_project_idx ON trackagoat.notification (project_id, created_at);
COMMENT ON INDEX trackagoat.notification_project_idx IS 'notifications of a project by time, and those that retention removes';
CREATE INDEX notification_creator_idx ON trackagoat.notification (creator_id);
COMMENT ON INDEX trackagoat.notification_creator_idx IS 'notifications of a creator';

ALTER TABLE trackagoat.goal ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.notification ENABLE ROW LEVEL SECURITY;
