-- Totals: folded rows of creators, projects and campaigns, and the log of
-- differences that are not folded yet.  Only the folder writes the rows; the
-- log is written by everybody and nobody waits for another to do so.

CREATE TABLE trackagoat.total (
	entity_id uuid NOT NULL,
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	entity text NOT NULL,
	is_counted boolean NOT NULL,
	creators bigint NOT NULL,
	videos bigint NOT NULL,
	views bigint NOT NULL,
	likes bigint NOT NULL,
	comments bigint NOT NULL,
	shares bigint NOT NULL,
	saves bigint NOT NULL,
	known_views bigint NOT NULL,
	known_likes bigint NOT NULL,
	known_comments bigint NOT NULL,
	known_shares bigint NOT NULL,
	known_saves bigint NOT NULL,
	tree uuid[],
	timezone text NOT NULL,
	folded_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT total_pkey PRIMARY KEY (entity_id, entity, org_id),
	CONSTRAINT total_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT total_entity_check CHECK (entity IN ('creator', 'project', 'campaign'))
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.total IS 'folded lifetime totals; exact together with total_difference, which campaign_stats() and analytics() add';
COMMENT ON COLUMN trackagoat.total.entity_id IS 'whose totals they are';
COMMENT ON COLUMN trackagoat.total.org_id IS 'its organization';
COMMENT ON COLUMN trackagoat.total.project_id IS 'its project';
COMMENT ON COLUMN trackagoat.total.entity IS 'creator, project or campaign';
COMMENT ON COLUMN trackagoat.total.is_counted IS 'whether project and campaigns have folded it in: false for a creator that is removed';
COMMENT ON COLUMN trackagoat.total.creators IS 'creators of a campaign';
COMMENT ON COLUMN trackagoat.total.videos IS 'videos that count';
COMMENT ON COLUMN trackagoat.total.views IS 'sum of their views, last known';
COMMENT ON COLUMN trackagoat.total.likes IS 'sum of their likes, last known';
COMMENT ON COLUMN trackagoat.total.comments IS 'sum of their comments, last known';
COMMENT ON COLUMN trackagoat.total.shares IS 'sum of their shares, last known';
COMMENT ON COLUMN trackagoat.total.saves IS 'sum of their saves, last known';
COMMENT ON COLUMN trackagoat.total.known_views IS 'videos whose views are known';
COMMENT ON COLUMN trackagoat.total.known_likes IS 'videos whose likes are known';
COMMENT ON COLUMN trackagoat.total.known_comments IS 'videos whose comments are known';
COMMENT ON COLUMN trackagoat.total.known_shares IS 'videos whose shares are known';
COMMENT ON COLUMN trackagoat.total.known_saves IS 'videos whose saves are known';
COMMENT ON COLUMN trackagoat.total.tree IS 'a campaign and all below it, as they were folded';
COMMENT ON COLUMN trackagoat.total.timezone IS 'time zone of its days';
COMMENT ON COLUMN trackagoat.total.folded_at IS 'when it last changed';

CREATE INDEX total_project_idx ON trackagoat.total (project_id);
COMMENT ON INDEX trackagoat.total_project_idx IS 'totals of a project';

CREATE TABLE trackagoat.total_month (
	entity_id uuid NOT NULL,
	org_id uuid NOT NULL,
	entity text NOT NULL,
	month date NOT NULL,
	days trackagoat.series NOT NULL,
	CONSTRAINT total_month_pkey PRIMARY KEY (entity_id, entity, month, org_id),
	CONSTRAINT total_month_total_fkey FOREIGN KEY (entity_id, entity, org_id)
		REFERENCES trackagoat.total (entity_id, entity, org_id) ON DELETE CASCADE
) WITH (fillfactor = 70);
-- as rows of a few hundred bytes they need no other place
ALTER TABLE trackagoat.total_month ALTER COLUMN days SET STORAGE main;
COMMENT ON TABLE trackagoat.total_month IS 'folded days, a row for each month that has any; entity_days() unrolls them';
COMMENT ON COLUMN trackagoat.total_month.entity_id IS 'whose days they are';
COMMENT ON COLUMN trackagoat.total_month.org_id IS 'its organization';
COMMENT ON COLUMN trackagoat.total_month.entity IS 'creator, project or campaign';
COMMENT ON COLUMN trackagoat.total_month.month IS 'first day of the month';
COMMENT ON COLUMN trackagoat.total_month.days IS 'for each day posts, then gains, baselines and numbers of baselines of views, likes, comments, shares, saves';

CREATE TABLE trackagoat.total_difference (
	id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	video_id uuid,
	campaign_id uuid,
	differences trackagoat.series,
	CONSTRAINT total_difference_pkey PRIMARY KEY (id, org_id)
);
COMMENT ON TABLE trackagoat.total_difference IS
	'log of what is not folded yet: a video''s differences, a campaign whose items changed, a creator removed, restored or deleted, or a project to compute anew';
COMMENT ON COLUMN trackagoat.total_difference.id IS 'rises with time';
COMMENT ON COLUMN trackagoat.total_difference.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.total_difference.project_id IS 'project whose totals change';
COMMENT ON COLUMN trackagoat.total_difference.creator_id IS 'creator of the video; without a video, one that was removed, restored or deleted';
COMMENT ON COLUMN trackagoat.total_difference.video_id IS 'video whose differences these are';
COMMENT ON COLUMN trackagoat.total_difference.campaign_id IS 'campaign to compute anew, with those above it';
COMMENT ON COLUMN trackagoat.total_difference.differences IS 'for each moment the same numbers as total_month.days; whose day it is depends on the time zone';

CREATE INDEX total_difference_project_idx ON trackagoat.total_difference (project_id);
COMMENT ON INDEX trackagoat.total_difference_project_idx IS 'what a project has not folded yet';

ALTER TABLE trackagoat.total ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.total_month ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.total_difference ENABLE ROW LEVEL SECURITY;
