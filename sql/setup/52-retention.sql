-- Retention: how far prune() has walked.

CREATE TABLE trackagoat.retention_walk (
	entity text NOT NULL,
	begun_at timestamptz NOT NULL,
	after uuid,
	CONSTRAINT retention_walk_pkey PRIMARY KEY (entity),
	CONSTRAINT retention_walk_entity_check CHECK (entity IN ('creator', 'video'))
);
COMMENT ON TABLE trackagoat.retention_walk IS 'the walks of prune() over all histories, a row for creators and one for videos';
COMMENT ON COLUMN trackagoat.retention_walk.entity IS 'creator or video';
COMMENT ON COLUMN trackagoat.retention_walk.begun_at IS 'when the last walk began; the next one begins a day later at the earliest';
COMMENT ON COLUMN trackagoat.retention_walk.after IS 'id that the walk has come to; NULL once it is over';

ALTER TABLE trackagoat.retention_walk ENABLE ROW LEVEL SECURITY;
