-- Who may see an organization: its members and its API keys; policies that
-- hold all others off.

CREATE TABLE trackagoat.member (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	user_id text NOT NULL,
	name text,
	role text NOT NULL DEFAULT 'member',
	db_role name,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT member_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT member_user_key UNIQUE (user_id, org_id),
	CONSTRAINT member_db_role_key UNIQUE (db_role, org_id),
	CONSTRAINT member_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT member_user_id_check CHECK (char_length(user_id) BETWEEN 1 AND 200),
	CONSTRAINT member_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT member_role_check CHECK (role IN ('admin', 'member'))
);
COMMENT ON TABLE trackagoat.member IS 'a user in an organization; the same user may be in several';
COMMENT ON COLUMN trackagoat.member.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.member.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.member.user_id IS 'who it is: the claim sub of his tokens';
COMMENT ON COLUMN trackagoat.member.name IS 'name or address that people know him by, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.member.role IS 'admin, who keeps members and API keys, or member; an organization that has members keeps an admin';
COMMENT ON COLUMN trackagoat.member.db_role IS 'database role that he logs in with, if any';
COMMENT ON COLUMN trackagoat.member.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.member.updated_at IS 'when a person last changed the row';

CREATE INDEX member_organization_idx ON trackagoat.member (org_id);
COMMENT ON INDEX trackagoat.member_organization_idx IS 'members of an organization';

CREATE TRIGGER member_limit_lock BEFORE INSERT ON trackagoat.member
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER member_limit_lock ON trackagoat.member IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER member_limit AFTER INSERT ON trackagoat.member
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_members_per_org');
COMMENT ON TRIGGER member_limit ON trackagoat.member IS 'refuses what the plan does not allow';
CREATE TRIGGER member_touch BEFORE UPDATE ON trackagoat.member
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER member_touch ON trackagoat.member IS 'moves updated_at';
CREATE TRIGGER member_admin AFTER UPDATE OF role, org_id OR DELETE ON trackagoat.member
	FOR EACH ROW WHEN (OLD.role = 'admin') EXECUTE FUNCTION trackagoat.member_admin();
COMMENT ON TRIGGER member_admin ON trackagoat.member IS 'keeps the last admin';

CREATE TABLE trackagoat.api_key (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	name text NOT NULL,
	key_hash bytea NOT NULL,
	scopes text[] NOT NULL DEFAULT '{read,write}',
	created_by text,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	revoked_at timestamptz,
	last_used_at timestamptz,
	CONSTRAINT api_key_pkey PRIMARY KEY (id, org_id),
	-- a key names its organization, so it cannot be unique within one only
	CONSTRAINT api_key_hash_key UNIQUE (key_hash),
	CONSTRAINT api_key_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT api_key_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT api_key_hash_check CHECK (octet_length(key_hash) = 32),
	CONSTRAINT api_key_scopes_check CHECK (scopes <@ '{read,write,admin}' AND cardinality(scopes) BETWEEN 1 AND 3 AND array_position(scopes, NULL) IS NULL)
);
COMMENT ON TABLE trackagoat.api_key IS 'keys of the API; create_api_key() makes one and shows it once';
COMMENT ON COLUMN trackagoat.api_key.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.api_key.org_id IS 'organization that the key opens';
COMMENT ON COLUMN trackagoat.api_key.name IS 'what the key is for, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.api_key.key_hash IS 'SHA-256 of the key, which is kept nowhere';
COMMENT ON COLUMN trackagoat.api_key.scopes IS 'what it may: read, write, which does not imply read, admin (members and keys)';
COMMENT ON COLUMN trackagoat.api_key.created_by IS 'who made it: a member''s user_id, the id of another key, or a database role';
COMMENT ON COLUMN trackagoat.api_key.created_at IS 'when it was made';
COMMENT ON COLUMN trackagoat.api_key.expires_at IS 'until when it is good; NULL for ever';
COMMENT ON COLUMN trackagoat.api_key.revoked_at IS 'since when it is good no more; set it to revoke the key at once';
COMMENT ON COLUMN trackagoat.api_key.last_used_at IS 'when it was last used, to the minute';

CREATE INDEX api_key_organization_idx ON trackagoat.api_key (org_id);
COMMENT ON INDEX trackagoat.api_key_organization_idx IS 'keys of an organization';

CREATE TRIGGER api_key_limit_lock BEFORE INSERT ON trackagoat.api_key
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER api_key_limit_lock ON trackagoat.api_key IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER api_key_limit AFTER INSERT ON trackagoat.api_key
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_api_keys_per_org');
COMMENT ON TRIGGER api_key_limit ON trackagoat.api_key IS 'refuses what the plan does not allow';

CREATE TRIGGER api_key_final BEFORE UPDATE OF revoked_at ON trackagoat.api_key
	FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL) EXECUTE FUNCTION trackagoat.api_key_final();
COMMENT ON TRIGGER api_key_final ON trackagoat.api_key IS 'a key that was revoked stays so';

CREATE TABLE trackagoat.api_login (
	role name NOT NULL,
	CONSTRAINT api_login_pkey PRIMARY KEY (role)
);
COMMENT ON TABLE trackagoat.api_login IS 'login roles of PostgREST, which alone are believed what request.jwt.claims says; setup_api() adds them';
COMMENT ON COLUMN trackagoat.api_login.role IS 'the role';

CREATE TABLE trackagoat.api_usage (
	org_id uuid NOT NULL,
	day date NOT NULL,
	requests bigint NOT NULL,
	CONSTRAINT api_usage_pkey PRIMARY KEY (org_id, day),
	CONSTRAINT api_usage_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.api_usage IS 'requests to the API on each UTC day, as of the last minute that was written down';
COMMENT ON COLUMN trackagoat.api_usage.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.api_usage.day IS 'UTC day';
COMMENT ON COLUMN trackagoat.api_usage.requests IS 'how many';

CREATE TABLE trackagoat.api_replay (
	org_id uuid NOT NULL,
	key_id uuid NOT NULL,
	idempotency_key text NOT NULL,
	route text NOT NULL,
	request_hash bytea NOT NULL,
	status integer NOT NULL,
	body text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CONSTRAINT api_replay_pkey PRIMARY KEY (key_id, idempotency_key, org_id),
	CONSTRAINT api_replay_key_fkey FOREIGN KEY (key_id, org_id)
		REFERENCES trackagoat.api_key (id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.api_replay IS 'answers to requests with an Idempotency-Key, which are given again for 24 hours';
COMMENT ON COLUMN trackagoat.api_replay.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.api_replay.key_id IS 'API key of the request';
COMMENT ON COLUMN trackagoat.api_replay.idempotency_key IS 'what the header said';
COMMENT ON COLUMN trackagoat.api_replay.route IS 'method and path';
COMMENT ON COLUMN trackagoat.api_replay.request_hash IS 'SHA-256 of the request''s body';
COMMENT ON COLUMN trackagoat.api_replay.status IS 'HTTP status that was answered';
COMMENT ON COLUMN trackagoat.api_replay.body IS 'body that was answered, without a secret';
COMMENT ON COLUMN trackagoat.api_replay.created_at IS 'when';

CREATE INDEX api_replay_created_idx ON trackagoat.api_replay (created_at);
COMMENT ON INDEX trackagoat.api_replay_created_idx IS 'answers that are old enough to go';

ALTER TABLE trackagoat.member ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_login ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_replay ENABLE ROW LEVEL SECURITY;
