-- Handlers of the v1 API: API keys and members.

CREATE FUNCTION trackagoat.api_key_object(key_id uuid) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	object jsonb;
BEGIN
	SELECT to_jsonb(k) INTO object FROM trackagoat_api.api_keys k
	WHERE k.id = api_key_object.key_id AND k.org_id = trackagoat.current_org();
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('api_key', key_id);
	END IF;
	RETURN object;
END
$$;
COMMENT ON FUNCTION trackagoat.api_key_object(uuid) IS 'an API key as the API answers it, without the key: PT404 api_key_not_found';

CREATE FUNCTION trackagoat.v1_list_api_keys(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(o.id), array_agg(row_to_json(o)) INTO ids, objects
	FROM (SELECT k.* FROM trackagoat_api.api_keys k
		WHERE k.org_id = trackagoat.current_org() AND k.id < after
		ORDER BY k.id DESC LIMIT trackagoat.page_limit(query) + 1) o;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_api_keys(jsonb) IS 'GET /api-keys';

CREATE FUNCTION trackagoat.v1_create_api_key(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	body jsonb := '{"scopes": ["read", "write"]}' || (request -> 'body');
	scopes text[] := ARRAY(SELECT jsonb_array_elements_text(body -> 'scopes'));
	key text;
	object jsonb;
BEGIN
	-- nobody gives what he has not
	PERFORM trackagoat.check_scope(s.scope) FROM unnest(scopes) s (scope);
	key := trackagoat.create_api_key(trackagoat.current_org(), body ->> 'name', scopes, (body ->> 'expires_at')::timestamptz);
	SELECT trackagoat.api_key_object(k.id) INTO object FROM trackagoat.api_key k
	WHERE k.key_hash = sha256(convert_to(key, 'UTF8')) AND k.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 201, 'data', object || jsonb_build_object('key', key), 'replay', object || '{"key": null}');
END
$$;
COMMENT ON FUNCTION trackagoat.v1_create_api_key(jsonb) IS 'POST /api-keys: the key is shown this once, not where the request is answered again';

CREATE FUNCTION trackagoat.v1_revoke_api_key(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	key_id uuid := (request #>> '{ids,0}')::uuid;
BEGIN
	UPDATE trackagoat.api_key k SET revoked_at = now()
	WHERE k.id = key_id AND k.org_id = trackagoat.current_org() AND k.revoked_at IS NULL;
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.api_key_object(key_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_revoke_api_key(jsonb) IS 'DELETE /api-keys/{id}: at once; again changes nothing';

-- ---- members ----

CREATE FUNCTION trackagoat.member_object(member_id uuid) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	object jsonb;
BEGIN
	SELECT to_jsonb(m) INTO object FROM trackagoat_api.members m
	WHERE m.id = member_object.member_id AND m.org_id = trackagoat.current_org();
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('member', member_id);
	END IF;
	RETURN object;
END
$$;
COMMENT ON FUNCTION trackagoat.member_object(uuid) IS 'a member as the API answers it: PT404 member_not_found';

CREATE FUNCTION trackagoat.v1_list_members(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(o.id), array_agg(row_to_json(o)) INTO ids, objects
	FROM (SELECT m.* FROM trackagoat_api.members m
		WHERE m.org_id = trackagoat.current_org() AND m.id < after
		ORDER BY m.id DESC LIMIT trackagoat.page_limit(query) + 1) o;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_members(jsonb) IS 'GET /members';

CREATE FUNCTION trackagoat.v1_create_member(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	member_id uuid;
BEGIN
	INSERT INTO trackagoat.member (org_id, user_id, name, role)
	VALUES (trackagoat.current_org(), request #>> '{body,user_id}', request #>> '{body,name}', coalesce(request #>> '{body,role}', 'member'))
	RETURNING id INTO member_id;
	RETURN jsonb_build_object('status', 201, 'data', trackagoat.member_object(member_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_create_member(jsonb) IS 'POST /members';

CREATE FUNCTION trackagoat.v1_update_member(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	member_id uuid := (request #>> '{ids,0}')::uuid;
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.member m SET
		role = coalesce(body ->> 'role', m.role),
		name = CASE WHEN body ? 'name' THEN body ->> 'name' ELSE m.name END
	WHERE m.id = member_id AND m.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.member_object(member_id));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_update_member(jsonb) IS 'PATCH /members/{id}';

CREATE FUNCTION trackagoat.v1_delete_member(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	member_id uuid := (request #>> '{ids,0}')::uuid;
BEGIN
	DELETE FROM trackagoat.member m WHERE m.id = member_id AND m.org_id = trackagoat.current_org();
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('member', member_id);
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', member_id, 'deleted', true));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_delete_member(jsonb) IS 'DELETE /members/{id}';
