-- A request to the v1 API: whose the rows are that it names, whom it is of, what
-- it answers.  Handlers are in the parts that follow, routes in 89.

-- ---- whose a row is ----

CREATE FUNCTION trackagoat.own_entity(entity text, id uuid) RETURNS uuid
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	CASE entity
		WHEN 'project' THEN PERFORM FROM trackagoat.project p WHERE p.id = own_entity.id AND p.org_id = trackagoat.current_org();
		WHEN 'creator' THEN PERFORM FROM trackagoat.creator c WHERE c.id = own_entity.id AND c.org_id = trackagoat.current_org();
		WHEN 'video' THEN PERFORM FROM trackagoat.video v WHERE v.id = own_entity.id AND v.org_id = trackagoat.current_org();
		WHEN 'campaign' THEN PERFORM FROM trackagoat.campaign k WHERE k.id = own_entity.id AND k.org_id = trackagoat.current_org();
		WHEN 'goal' THEN PERFORM FROM trackagoat.goal g WHERE g.id = own_entity.id AND g.org_id = trackagoat.current_org();
		ELSE RETURN NULL;
	END CASE;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing(entity, id);
	END IF;
	RETURN id;
END
$$;
COMMENT ON FUNCTION trackagoat.own_entity(text, uuid) IS
	'a project, creator, video, campaign or goal of one''s organization: PT404 project_not_found and so on for any other; NULL for another word';

CREATE FUNCTION trackagoat.project_rows(request jsonb, entity text) RETURNS uuid[]
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	for_project uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	given uuid[] := ARRAY(SELECT g.id::uuid FROM jsonb_array_elements_text(request #> ARRAY['body', entity || '_ids']) g (id));
	stranger uuid;
BEGIN
	SELECT g.id INTO stranger FROM unnest(given) g (id)
	WHERE NOT CASE entity
		WHEN 'creator' THEN EXISTS (SELECT FROM trackagoat.creator c
			WHERE c.id = g.id AND c.org_id = trackagoat.current_org() AND c.project_id = for_project)
		WHEN 'video' THEN EXISTS (SELECT FROM trackagoat.video v
			WHERE v.id = g.id AND v.org_id = trackagoat.current_org() AND v.project_id = for_project) END
	LIMIT 1;
	IF FOUND THEN
		PERFORM trackagoat.entity_missing(entity, stranger);
	END IF;
	RETURN given;
END
$$;
COMMENT ON FUNCTION trackagoat.project_rows(jsonb, text) IS
	'the creators or videos that a request names, all of its project: PT404 creator_not_found, video_not_found';

-- ---- what went wrong ----

CREATE FUNCTION trackagoat.api_problem(state text, message text, detail text, hint text, constraint_name text)
	RETURNS TABLE (status integer, code text, meta jsonb)
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF state LIKE 'PT4__' THEN
		status := substr(state, 3)::integer;
		code := message;
		-- a handle that is wrong is documented as a conflict, any choice as a field
		meta := CASE WHEN detail LIKE '{%' THEN detail::jsonb
			ELSE jsonb_strip_nulls(jsonb_build_object('message', nullif(detail, ''))) END || jsonb_strip_nulls(jsonb_build_object('hint', nullif(hint, '')));
	ELSIF state = '23505' THEN
		status := 409;
		code := CASE constraint_name WHEN 'creator_handle_key' THEN 'handle_taken' WHEN 'member_user_key' THEN 'member_exists'
			WHEN 'campaign_item_pkey' THEN 'item_exists' WHEN 'video_tiktok_video_id_key' THEN 'video_exists' ELSE 'duplicate' END;
		meta := '{"message": "There is one already."}';
	ELSIF state = '23503' THEN
		-- it was there when the handler looked
		status := 404;
		code := 'not_found';
		meta := '{"message": "Somebody has just deleted what the request names.", "hint": "Look what there is, and try again."}';
	ELSIF state IN ('23514', '23502', '22001', '22003', '22007', '22008', '22P02', '22P05', '22021', '22023') THEN
		status := 400;
		code := 'invalid_body';
		meta := jsonb_build_object('message', 'A value is not allowed.') || CASE WHEN coalesce(constraint_name, '') <> '' THEN
			jsonb_build_object('constraint', constraint_name) ELSE '{}' END;
	ELSIF state = '25006' THEN
		status := 405;
		code := 'read_only';
		meta := '{"message": "Nothing can be written here.", "hint": "Ask the primary server, in a transaction that may write."}';
	ELSIF state = '42501' THEN
		status := 403;
		code := 'forbidden';
		meta := '{"message": "That is not for whoever asks."}';
	ELSIF state IN ('40001', '40P01', '55P03') THEN
		status := 409;
		code := 'conflict';
		meta := '{"message": "Somebody else is changing the same.", "hint": "Try again."}';
	ELSE
		status := 500;
		code := 'internal_error';
		meta := '{"message": "The server could not do it.", "hint": "The server''s log says why."}';
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION trackagoat.api_problem(text, text, text, text, text) IS
	'the HTTP status, the documented code and what else is told of an error; of one that is not documented nothing but that it happened';

CREATE FUNCTION trackagoat.envelope(data jsonb, error text, meta jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN concat('{"data": ', coalesce(data, 'null'), ', "error": ', coalesce(to_jsonb(error), 'null'), ', "meta": ', coalesce(meta, '{}'), '}');
COMMENT ON FUNCTION trackagoat.envelope(jsonb, text, jsonb) IS 'the body of every JSON answer: {data, error, meta}';

-- ---- a request ----

CREATE FUNCTION trackagoat.sign_in_by(headers jsonb) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	key text := coalesce(substring(headers ->> 'authorization' FROM '(?i)^bearer\s+(tga_.*)$'), headers ->> 'x-api-key', headers ->> 'apikey');
	claims jsonb := nullif(current_setting('request.jwt.claims', true), '');
BEGIN
	-- an earlier request of the transaction was another's
	PERFORM trackagoat.sign_out();
	IF key IS NOT NULL THEN
		PERFORM trackagoat.sign_in(key);
	ELSIF claims ? 'sub' THEN
		PERFORM trackagoat.sign_in_member(claims ->> 'sub',
			(trackagoat.check_field('invalid_query', 'X-Organization-Id', headers -> 'x-organization-id', '{"type": "string", "format": "uuid"}') #>> '{}')::uuid);
	ELSIF trackagoat.current_org() IS NULL THEN
		PERFORM trackagoat.sign_in(NULL);
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.sign_in_by(jsonb) IS
	'sign in by a request''s headers, whose names are in lower case: an API key in X-Api-Key, apikey or Authorization, else the token that PostgREST has checked, else the role that has logged in';

CREATE FUNCTION trackagoat.refuse_path(path text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT404' USING
		MESSAGE = 'not_found',
		DETAIL = format('There is no %s.', left(path, 200)),
		HINT = 'GET /openapi.json lists what there is; ids are UUIDs.';
END
$$;
COMMENT ON FUNCTION trackagoat.refuse_path(text) IS 'raises PT404 not_found for a path where nothing is';

CREATE FUNCTION trackagoat.find_route(method text, path text, OUT handler text, OUT scope text, OUT query jsonb, OUT body jsonb, OUT pattern text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	allowed text;
	wanted text := regexp_replace(path, '/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|$)', '/{id}', 'gi');
BEGIN
	SELECT r.handler, r.scope, r.query, r.body, r.pattern INTO handler, scope, query, body, pattern
	FROM trackagoat_api.route r WHERE r.pattern = wanted AND r.method = find_route.method;
	IF FOUND THEN
		RETURN;
	END IF;
	SELECT string_agg(r.method, ', ' ORDER BY r.method) INTO allowed FROM trackagoat_api.route r WHERE r.pattern = wanted;
	IF allowed IS NOT NULL THEN
		RAISE SQLSTATE 'PT405' USING
			MESSAGE = 'method_not_allowed',
			DETAIL = json_build_object('allow', allowed),
			HINT = format('Use %s.', allowed);
	END IF;
	PERFORM trackagoat.refuse_path(path);
END
$$;
COMMENT ON FUNCTION trackagoat.find_route(text, text) IS 'the route of a request: PT404 not_found, PT405 method_not_allowed';

CREATE FUNCTION trackagoat.find_replay(idempotency_key text, route text, body text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	before record;
BEGIN
	IF idempotency_key IS NULL OR trackagoat.current_key() IS NULL THEN
		RETURN NULL;
	END IF;
	IF char_length(idempotency_key) NOT BETWEEN 1 AND 255 THEN
		PERFORM trackagoat.refuse_field('invalid_query', 'Idempotency-Key', 'must have 1 to 255 characters');
	END IF;
	-- of two alike the second waits, and is then answered as the first
	PERFORM pg_advisory_xact_lock(hashtextextended(trackagoat.current_key() || idempotency_key, 0));
	DELETE FROM trackagoat.api_replay a
	WHERE a.key_id = trackagoat.current_key() AND a.org_id = trackagoat.current_org() AND a.idempotency_key = find_replay.idempotency_key
		AND a.created_at < clock_timestamp() - interval '24 hours';
	SELECT a.* INTO before FROM trackagoat.api_replay a
	WHERE a.key_id = trackagoat.current_key() AND a.org_id = trackagoat.current_org() AND a.idempotency_key = find_replay.idempotency_key;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	IF before.route <> route OR before.request_hash <> sha256(convert_to(coalesce(body, ''), 'UTF8')) THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'idempotency_key_reused',
			DETAIL = format('The Idempotency-Key was sent with another request: %s.', before.route),
			HINT = 'Use a new one for each request.';
	END IF;
	RETURN jsonb_build_object('status', before.status, 'text', before.body, 'headers', '{"Idempotent-Replayed": "true"}'::jsonb);
END
$$;
COMMENT ON FUNCTION trackagoat.find_replay(text, text, text) IS
	'what the same request was answered in the last 24 hours; NULL for a new one: PT409 idempotency_key_reused';

CREATE FUNCTION trackagoat.keep_replay(idempotency_key text, route text, body text, result jsonb) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF idempotency_key IS NOT NULL AND trackagoat.current_key() IS NOT NULL THEN
		INSERT INTO trackagoat.api_replay (org_id, key_id, idempotency_key, route, request_hash, status, body)
		VALUES (trackagoat.current_org(), trackagoat.current_key(), keep_replay.idempotency_key, keep_replay.route,
			sha256(convert_to(coalesce(keep_replay.body, ''), 'UTF8')), (result ->> 'status')::integer,
			trackagoat.envelope(coalesce(result -> 'replay', result -> 'data'), NULL, result -> 'meta'));
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.keep_replay(text, text, text, jsonb) IS
	'keep what a request with an Idempotency-Key is answered, without a secret: what replay says instead of data';

CREATE FUNCTION trackagoat.call_handler(handler text, request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION trackagoat.call_handler(text, jsonb) IS 'what a handler of the API answers, by its name';

CREATE FUNCTION trackagoat.handle_request(route record, method text, path text, query text, headers jsonb, body text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	media_type text := coalesce(headers ->> 'x-content-type', headers ->> 'content-type');
	idempotency_key text := CASE WHEN method = 'POST' THEN headers ->> 'idempotency-key' END;
	request jsonb;
	result jsonb;
BEGIN
	IF route.scope IS NOT NULL THEN
		PERFORM trackagoat.check_scope(route.scope);
	END IF;
	IF octet_length(body) > 1048576 THEN
		RAISE SQLSTATE 'PT413' USING
			MESSAGE = 'body_too_large', DETAIL = format('The body has %s bytes.', octet_length(body)), HINT = 'Send 1 MiB at most.';
	END IF;
	IF coalesce(body, '') <> '' AND coalesce(media_type, '') <> '' AND media_type !~* '^\s*application/json\s*(;|$)' THEN
		RAISE SQLSTATE 'PT415' USING
			MESSAGE = 'unsupported_media_type', DETAIL = format('The body is of type %s.', left(media_type, 100)), HINT = 'Send application/json.';
	END IF;
	request := jsonb_build_object(
		'ids', ARRAY(SELECT lower(m.id[1]) FROM regexp_matches(path, '/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=/|$)', 'gi') m (id)),
		'query', trackagoat.read_query(query, route.query),
		'body', trackagoat.read_body(body, route.body));
	result := trackagoat.find_replay(idempotency_key, method || ' ' || path, body);
	IF result IS NULL THEN
		result := trackagoat.call_handler(route.handler, request);
		-- it was there when the handler looked, and somebody has deleted it meanwhile
		IF result -> 'data' = 'null' THEN
			PERFORM trackagoat.refuse_path(path);
		END IF;
		PERFORM trackagoat.keep_replay(idempotency_key, method || ' ' || path, body, result);
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION trackagoat.handle_request(record, text, text, text, jsonb, text) IS
	'what the handler of a route answers whoever has signed in: {status, data, meta} or {status, text, headers}; errors are errors';

CREATE FUNCTION trackagoat.answer_request(
	method text, uri text, headers jsonb, body text, OUT status integer, OUT response_headers jsonb, OUT response_body text)
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '5s' SET datestyle = ISO SET timezone = 'UTC' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	path text := regexp_replace(split_part(uri, '?', 1), '^(https?://[^/]*)?(/api/v1)?(?=/|$)', '');
	lower_headers jsonb;
	step text;
	route record;
	result jsonb;
	problem record;
	state text;
	message text;
	detail text;
	hint text;
	constraint_name text;
BEGIN
	response_headers := '{"Content-Type": "application/json; charset=utf-8"}';
	-- who asks enters by himself: the note that a key was used stays, though what it asked for be undone
	FOREACH step IN ARRAY ARRAY['enter', 'answer'] LOOP
		BEGIN
			IF step = 'enter' THEN
				lower_headers := (SELECT jsonb_object_agg(lower(h.key), h.value) FROM jsonb_each(headers) h);
				route := trackagoat.find_route(upper(method), path);
				IF route.scope IS NOT NULL THEN
					PERFORM trackagoat.sign_in_by(lower_headers);
				END IF;
				CONTINUE;
			END IF;
			result := trackagoat.handle_request(route, upper(method), path, substr(uri, strpos(uri || '?', '?') + 1), lower_headers, body);
			-- what waits for the commit is refused here, where it can be answered; ALL would run the triggers of
			-- whoever asks, as the owner
			IF upper(method) <> 'GET' THEN
				SET CONSTRAINTS trackagoat.creator_ban, trackagoat.creator_ban_update IMMEDIATE;
			END IF;
			status := (result ->> 'status')::integer;
			response_headers := response_headers || coalesce(result -> 'headers', '{}');
			response_body := coalesce(result ->> 'text', trackagoat.envelope(result -> 'data', NULL, result -> 'meta'));
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
				hint = PG_EXCEPTION_HINT, constraint_name = CONSTRAINT_NAME;
			SELECT p.* INTO problem FROM trackagoat.api_problem(state, message, detail, hint, constraint_name) p;
			IF problem.status = 500 THEN
				RAISE LOG 'trackagoat: % % failed: % (%)', method, split_part(uri, '?', 1), message, state;
			END IF;
			status := problem.status;
			response_headers := response_headers || jsonb_strip_nulls(jsonb_build_object(
				'Retry-After', problem.meta ->> 'retryAfter', 'Allow', problem.meta ->> 'allow',
				'WWW-Authenticate', CASE status WHEN 401 THEN 'Bearer' END));
			response_body := trackagoat.envelope(NULL, problem.code, jsonb_build_object('code', problem.code) || problem.meta);
			EXIT;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION trackagoat.answer_request(text, text, jsonb, text) IS
	'answer a request to the v1 API, in the envelope; where it fails, what it wrote is undone, but for the note that its key was used';
