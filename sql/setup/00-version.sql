-- Which version of these tables is here; setup() writes it, the worker reads it.

CREATE TABLE trackagoat.setup_version (
	version integer NOT NULL,
	set_up_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT setup_version_pkey PRIMARY KEY (version)
);
COMMENT ON TABLE trackagoat.setup_version IS 'versions of the tables that setup() has brought here; the highest is in force';
COMMENT ON COLUMN trackagoat.setup_version.version IS 'version of the tables';
COMMENT ON COLUMN trackagoat.setup_version.set_up_at IS 'when setup() brought it';

ALTER TABLE trackagoat.setup_version ENABLE ROW LEVEL SECURITY;
