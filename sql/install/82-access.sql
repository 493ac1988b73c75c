-- Who acts, and for which organization; members and API keys.  C: src/access.c, src/quota.c.

CREATE FUNCTION trackagoat.sign_in(key text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.sign_in(text) IS
	'the rest of the transaction is of the organization of this API key: PT401 invalid_api_key, PT429 rate_limit_exceeded';

CREATE FUNCTION trackagoat.sign_in_member(user_id text, org_id uuid DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.sign_in_member(text, uuid) IS
	'the rest of the transaction is of this member, whose token PostgREST has checked; its login roles alone may say so: PT401 invalid_token, PT403 not_a_member, PT400 organization_required';

CREATE FUNCTION trackagoat.sign_out() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.sign_out() IS 'the rest of the transaction is of whoever has logged in';

CREATE FUNCTION trackagoat.current_org() RETURNS uuid
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION trackagoat.current_org() IS
	'the organization that this transaction is of: of the API key or token that was checked, else of the member who has logged in with a role of his; NULL for nobody';

CREATE FUNCTION trackagoat.readable_org() RETURNS uuid
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION trackagoat.readable_org() IS 'the same for whoever has the scope read; row-level security asks it';

CREATE FUNCTION trackagoat.current_key() RETURNS uuid
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION trackagoat.current_key() IS 'the id of the API key that opened this transaction; NULL for members';

CREATE FUNCTION trackagoat.current_actor() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION trackagoat.current_actor() IS 'who acts: a member''s user_id, the id of an API key, or the database role that has logged in';

CREATE FUNCTION trackagoat.check_scope(scope text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED STRICT;
COMMENT ON FUNCTION trackagoat.check_scope(text) IS
	'refuses whoever may not read, write, or is no admin: PT401 invalid_api_key, PT403 insufficient_scope with a JSON object {required, granted} as detail';

CREATE FUNCTION trackagoat.new_api_key() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.new_api_key() IS 'tga_ and 64 hexadecimal digits from the strong random source';

CREATE FUNCTION trackagoat.create_api_key(
	org_id uuid, name text, scopes text[] DEFAULT '{read,write}', expires_at timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	key text := trackagoat.new_api_key();
	unknown text;
BEGIN
	SELECT s.scope INTO unknown FROM unnest(scopes) s (scope) WHERE coalesce(s.scope NOT IN ('read', 'write', 'admin'), true);
	IF FOUND OR coalesce(cardinality(scopes), 0) = 0 THEN
		PERFORM trackagoat.check_choice('invalid_scopes', unknown, '{read,write,admin}');
	END IF;
	PERFORM FROM trackagoat.organization o WHERE o.id = create_api_key.org_id;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('organization', org_id);
	END IF;
	INSERT INTO trackagoat.api_key (org_id, name, key_hash, scopes, created_by, expires_at)
	VALUES (org_id, name, sha256(convert_to(key, 'UTF8')),
		(SELECT array_agg(DISTINCT s.scope ORDER BY s.scope) FROM unnest(scopes) s (scope)), trackagoat.current_actor(), expires_at);
	RETURN key;
END
$$;
COMMENT ON FUNCTION trackagoat.create_api_key(uuid, text, text[], timestamptz) IS
	'make an API key of an organization; answers the key, which is shown this once and kept nowhere';

CREATE FUNCTION trackagoat.api_key_final() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT409' USING
		MESSAGE = 'key_revoked',
		DETAIL = 'A key that was revoked stays so.',
		HINT = 'An admin makes another one.';
END
$$;
COMMENT ON FUNCTION trackagoat.api_key_final() IS 'trigger: refuses to bring back a key that was revoked: PT409 key_revoked';

CREATE FUNCTION trackagoat.member_admin() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- One of those who take admins away at a time.  It is written, as by a lock alone whoever has waited under a
	-- fixed snapshot would find the other admin there still.  With the organization its members go.
	UPDATE trackagoat.organization o SET name = o.name WHERE o.id = OLD.org_id;
	IF FOUND AND NOT EXISTS (SELECT FROM trackagoat.member m WHERE m.org_id = OLD.org_id AND m.role = 'admin') THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'last_admin',
			DETAIL = 'The organization would have no admin.',
			HINT = 'Make another member an admin first.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.member_admin() IS 'trigger: refuses to take the last admin away: PT409 last_admin';
