-- Handlers of the v1 API that describe it.  What a field is stands in the
-- comments of tables, columns and views, what an endpoint takes in api_routes().

CREATE FUNCTION trackagoat.v1_gone(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT410' USING
		MESSAGE = 'gone',
		DETAIL = 'This endpoint was removed.',
		HINT = 'GET /analytics?entity=...&entity_id=...&metric=... has taken its place.';
END
$$;
COMMENT ON FUNCTION trackagoat.v1_gone(jsonb) IS 'what was removed: PT410 gone';

CREATE FUNCTION trackagoat.json_type(type regtype) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	described record;
BEGIN
	SELECT t.typelem, t.typtype, t.typcategory INTO described FROM pg_type t WHERE t.oid = json_type.type;
	RETURN CASE
		WHEN described.typcategory = 'A' THEN jsonb_build_object('type', 'array', 'items', trackagoat.json_type(described.typelem))
		WHEN described.typtype = 'e' THEN jsonb_build_object('type', 'string', 'enum',
			(SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = json_type.type))
		ELSE CASE type
			WHEN 'uuid'::regtype THEN '{"type": "string", "format": "uuid"}'
			WHEN 'timestamptz'::regtype THEN '{"type": "string", "format": "date-time"}'
			WHEN 'date'::regtype THEN '{"type": "string", "format": "date"}'
			WHEN 'boolean'::regtype THEN '{"type": "boolean"}'
			WHEN 'jsonb'::regtype THEN '{"type": "object"}'
			WHEN 'numeric'::regtype THEN '{"type": "number"}'
			ELSE CASE described.typcategory WHEN 'N' THEN '{"type": "integer"}' ELSE '{"type": "string"}' END::jsonb END END;
END
$$;
COMMENT ON FUNCTION trackagoat.json_type(regtype) IS 'how JSON Schema describes the values of a type';

CREATE FUNCTION trackagoat.api_objects() RETURNS TABLE (entity text, hidden text[], fields jsonb)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	SELECT o.entity, o.hidden::text[], o.fields::jsonb FROM (VALUES
		('api_key', '{}', '{"key": {"type": "string", "nullable": true, "description": "the key itself: only where it is made, this once"}}'),
		('campaign', '{org_id}', '{"creators": {"type": "integer", "description": "creators of the videos that count"},
			"videos": {"type": "integer", "description": "videos that count, each once"}, "views": {"type": "integer", "nullable": true, "description": "their views; null while none is known"},
			"likes": {"type": "integer", "nullable": true, "description": "their likes; null while none is known"}, "comments": {"type": "integer", "nullable": true, "description": "their comments; null while none is known"},
			"shares": {"type": "integer", "nullable": true, "description": "their shares; null while none is known"}, "saves": {"type": "integer", "nullable": true, "description": "how often they were saved; null while none is known"},
			"engagement_rate": {"type": "number", "nullable": true, "description": "likes, comments, shares and saves in percent of the views"}}'),
		('campaign_item', '{org_id,project_id,campaign_id,creator_id,video_id,child_campaign_id}',
			'{"item_type": {"type": "string", "enum": ["creator", "video", "campaign"], "description": "what it is"}}'),
		('creator_event', '{org_id,project_id}', '{}'),
		('goal', '{org_id}', '{}'),
		('deleted', '{}', '{"id": {"type": "string", "format": "uuid", "description": "what it was"}, "deleted": {"type": "boolean", "description": "true"}}'),
		('removed', '{}', '{"id": {"type": "string", "format": "uuid", "description": "who it was"}, "removed": {"type": "boolean", "description": "true"}}'),
		('queued_scrape', '{}', '{"result": {"type": "string", "description": "queued: it is fetched soon"},
			"creator_id": {"type": "string", "format": "uuid", "description": "creator that is fetched, if it is one"},
			"video_id": {"type": "string", "format": "uuid", "description": "video that is fetched, if it is one"}}'),
		('added_creator', '{}', '{"tiktok_handle": {"type": "string", "description": "as it was sent"},
			"result": {"type": "string", "enum": ["created", "reactivated", "already_there", "refused"], "description": "what became of it"},
			"code": {"type": "string", "nullable": true, "description": "why it was refused"},
			"creator": {"type": "creator", "nullable": true, "description": "the creator; null where it was refused"}}'),
		('queued_link', '{}', '{"result": {"type": "string", "description": "queued: it is followed soon"}, "url": {"type": "string", "description": "the short link"}}'),
		('creator_result', '{}', '{"creator_id": {"type": "string", "format": "uuid", "description": "creator"},
			"result": {"type": "string", "description": "what became of it"},
			"code": {"type": "string", "nullable": true, "description": "why it was refused"}}'),
		('video_result', '{}', '{"video_id": {"type": "string", "format": "uuid", "description": "video"},
			"result": {"type": "string", "description": "what became of it"},
			"code": {"type": "string", "nullable": true, "description": "why it was refused"}}'),
		('compliance', '{}', '{"creator": {"type": "object", "description": "id, tiktok_handle, display_name, avatar_url"},
			"compliance": {"type": "array", "items": {"type": "goal_state"}, "description": "where each of the goals stands"}}'),
		('goal_state', '{}', '{"goal": {"type": "goal", "description": "the goal"},
			"actual": {"type": "number", "nullable": true, "description": "what was reached in the period; null where nothing is known"},
			"projected": {"type": "number", "nullable": true, "description": "what it comes to by the end of the period at this pace"},
			"target": {"type": "number", "description": "what is to be reached"}, "status": {"type": "string", "description": "as of the reference date; see goal"},
			"period_start": {"type": "string", "format": "date", "description": "first day of the period"},
			"period_end": {"type": "string", "format": "date", "nullable": true, "description": "its last day"},
			"compliant": {"type": "boolean", "nullable": true, "description": "whether it is on track or completed"},
			"advisory": {"type": "object", "description": "has_advisory, messages, and a flag for each reason to be careful"}}'),
		('goal_counts', '{}', '{"project_id": {"type": "string", "format": "uuid", "description": "project"},
			"creators": {"type": "integer", "description": "creators that have goals"}, "goals": {"type": "integer", "description": "goals; in which status they are follows, by its name"}}'),
		('analytics', '{}', '{"entity": {"type": "string", "description": "as it was asked"}, "metric": {"type": "string", "description": "as it was asked"},
			"mode": {"type": "string", "description": "new, cumulative or rate"}, "granularity": {"type": "string", "description": "day, week or month"},
			"unit": {"type": "string", "enum": ["percent", "count"], "description": "of the values"}, "tz": {"type": "string", "description": "time zone of the days"},
			"from": {"type": "string", "format": "date", "description": "first day"}, "to": {"type": "string", "format": "date", "description": "last day"},
			"series": {"type": "array", "nullable": true, "items": {"type": "analytics_series"}, "description": "one for each entity, and for its prior period"},
			"breakdown_series": {"type": "array", "nullable": true, "items": {"type": "analytics_series"}, "description": "of a campaign by video: ten, and the others as __other__"},
			"tier_retention_days": {"type": "integer", "nullable": true, "description": "days that the plan keeps; null for all"}}'),
		('analytics_series', '{}', '{"entity_ref": {"type": "object", "description": "id and label"},
			"series_kind": {"type": "string", "description": "main, prior_period or breakdown"},
			"points": {"type": "array", "items": {"type": "object"}, "description": "bucket (its first day), value, is_partial, is_baseline"}}'),
		('schema', '{}', '{"entities": {"type": "object", "description": "by name: description, and fields by name with type, nullable and description"}}')
	) o (entity, hidden, fields);
END;
COMMENT ON FUNCTION trackagoat.api_objects() IS
	'what the API answers that is no column of a view: fields by name, as JSON schemas, a type may be another entity; and which columns it does not answer';

CREATE FUNCTION trackagoat.api_entities() RETURNS TABLE (entity text, description text, fields jsonb)
	LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- a view shows the columns of its table by their names; on what it calls otherwise it has its own comment
	RETURN QUERY SELECT coalesce(t.entity, o.entity), t.description, coalesce(t.fields - o.hidden, t.fields, '{}') || coalesce(o.fields, '{}')
	FROM (SELECT b.relname::text AS entity, obj_description(b.oid, 'pg_class') AS description,
			jsonb_object_agg(a.attname, trackagoat.json_type(a.atttypid) || jsonb_build_object('nullable', NOT coalesce(c.attnotnull, false),
				'description', coalesce(col_description(v.oid, a.attnum), col_description(b.oid, c.attnum)))) AS fields
		FROM pg_class v
		JOIN pg_class b ON b.relnamespace = 'trackagoat'::regnamespace AND b.relname || 's' = v.relname
		JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
		LEFT JOIN pg_attribute c ON c.attrelid = b.oid AND c.attname = a.attname AND c.attnum > 0
		WHERE v.relnamespace = 'trackagoat_api'::regnamespace AND v.relkind = 'v'
		GROUP BY b.oid, b.relname) t
	FULL JOIN trackagoat.api_objects() o ON o.entity = t.entity;
END
$$;
COMMENT ON FUNCTION trackagoat.api_entities() IS 'what the API answers: fields by name, as JSON schemas with nullable and description; what is no table has no description';

CREATE FUNCTION trackagoat.v1_schema(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('entities',
		(SELECT jsonb_object_agg(e.entity, jsonb_build_object('description', e.description, 'fields',
			(SELECT jsonb_object_agg(f.key, '{"nullable": false}' || f.value) FROM jsonb_each(e.fields) f)))
		FROM trackagoat.api_entities() e WHERE e.description IS NOT NULL)));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_schema(jsonb) IS 'GET /schema';

-- ---- OpenAPI ----

CREATE FUNCTION trackagoat.openapi_schema(schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	nullable boolean := schema @> '{"nullable": true}';
	changed jsonb := schema - 'nullable';
BEGIN
	IF schema ? 'type' AND schema ->> 'type' NOT IN ('object', 'array', 'string', 'integer', 'number', 'boolean') THEN
		changed := jsonb_build_object('$ref', '#/components/schemas/' || (schema ->> 'type'));
		RETURN jsonb_strip_nulls(jsonb_build_object('description', schema -> 'description'))
			|| CASE WHEN nullable THEN jsonb_build_object('anyOf', jsonb_build_array(changed, '{"type": "null"}'::jsonb)) ELSE changed END;
	END IF;
	IF nullable THEN
		changed := changed || jsonb_build_object('type', jsonb_build_array(schema -> 'type', 'null'))
			|| CASE WHEN schema ? 'enum' THEN jsonb_build_object('enum', schema -> 'enum' || 'null'::jsonb) ELSE '{}' END;
	END IF;
	IF schema ? 'items' THEN
		changed := changed || jsonb_build_object('items', trackagoat.openapi_schema(schema -> 'items'));
	END IF;
	IF schema ? 'properties' THEN
		changed := changed || jsonb_build_object('type', 'object', 'properties',
			(SELECT coalesce(jsonb_object_agg(p.key, trackagoat.openapi_schema(p.value)), '{}') FROM jsonb_each(schema -> 'properties') p));
	END IF;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION trackagoat.openapi_schema(jsonb) IS 'a schema of a route or entity as OpenAPI 3.1 has it: null is a type, and entities are referred to';

CREATE FUNCTION trackagoat.openapi_path(pattern text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	-- what stands before an id says whose it is
	SELECT string_agg(CASE WHEN s.part = '{id}' THEN '{' || replace(rtrim(s.before, 's'), '-', '_') || '_id}' ELSE s.part END, '/' ORDER BY s.place)
	FROM (SELECT p.part, p.place, lag(p.part) OVER (ORDER BY p.place) AS before
		FROM unnest(string_to_array(pattern, '/')) WITH ORDINALITY p (part, place)) s;
END;
COMMENT ON FUNCTION trackagoat.openapi_path(text) IS 'the pattern of a route with a name for each id';

CREATE FUNCTION trackagoat.openapi_answer(summary text, data text, has_csv boolean) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	choices jsonb;
	body jsonb;
BEGIN
	SELECT jsonb_agg(CASE WHEN c.choice LIKE '%[]' THEN jsonb_build_object('type', 'array', 'items', r.ref) ELSE r.ref END) INTO choices
	FROM string_to_table(data, '|') c (choice), LATERAL (SELECT jsonb_build_object('$ref', '#/components/schemas/' || rtrim(c.choice, '[]')) AS ref) r;
	body := CASE data WHEN 'openapi' THEN '{"type": "object"}' ELSE jsonb_build_object('type', 'object', 'required', '["data", "error", "meta"]'::jsonb,
		'properties', jsonb_build_object(
			'data', CASE jsonb_array_length(choices) WHEN 1 THEN choices -> 0 ELSE jsonb_build_object('oneOf', choices) END,
			'error', '{"type": "null"}'::jsonb,
			'meta', '{"$ref": "#/components/schemas/meta"}'::jsonb)) END;
	RETURN jsonb_build_object('description', summary, 'content', jsonb_build_object('application/json', jsonb_build_object('schema', body))
		|| CASE WHEN has_csv THEN '{"text/csv": {"schema": {"type": "string"}}}' ELSE '{}'::jsonb END);
END
$$;
COMMENT ON FUNCTION trackagoat.openapi_answer(text, text, boolean) IS 'an answer, in the envelope';

CREATE FUNCTION trackagoat.openapi_problems() RETURNS TABLE (status text, description text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 12
BEGIN ATOMIC
	SELECT p.* FROM (VALUES
		('400', 'invalid_query, invalid_body, or another invalid_...: a field that is not allowed, in meta.field where it is one'),
		('401', 'invalid_api_key, invalid_token: no key, or one that is unknown, expired or revoked'),
		('402', 'limit_reached, with limitKey, current and max in meta; retention_exceeded, with retentionDays and earliest'),
		('403', 'insufficient_scope: meta has required and granted; not_a_member'),
		('404', '..._not_found: there is no such row, or it is of another organization'),
		('409', 'what contradicts what is there, such as handle_taken; idempotency_key_reused; conflict, to be tried again'),
		('410', 'gone: GET /analytics has taken its place'),
		('413', 'body_too_large'),
		('415', 'unsupported_media_type'),
		('429', 'rate_limit_exceeded: meta.retryAfter and the header Retry-After say in how many seconds it is possible'),
		('500', 'internal_error')) p (status, description);
END;
COMMENT ON FUNCTION trackagoat.openapi_problems() IS 'what goes wrong, by HTTP status, and the codes';

CREATE FUNCTION trackagoat.openapi_operation(route jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	path text := trackagoat.openapi_path(route ->> 'pattern');
	handler text := substr(route ->> 'handler', 4);
	is_gone boolean := route ->> 'data' = 'gone';
	is_post boolean := route ->> 'method' = 'POST';
	has_body boolean := route #> '{body,properties}' <> '{}';
	has_csv boolean := coalesce(route #> '{query,properties,format,enum}' ? 'csv', false);
	problems text[] := '{500}' || CASE WHEN NOT is_gone THEN ARRAY['400'] END || CASE WHEN route ->> 'scope' IS NOT NULL THEN ARRAY['401', '403', '429'] END
		|| CASE WHEN NOT is_gone AND (path LIKE '%{%' OR route #> '{query,properties}' ?| ARRAY['project_id', 'creator_id', 'entity_id'])
			THEN ARRAY['404'] END || CASE WHEN route ->> 'method' <> 'GET' THEN ARRAY['409'] END
		|| CASE WHEN has_body THEN ARRAY['413', '415'] END || CASE WHEN is_post OR handler IN ('analytics', 'goal_compliance', 'goal_counts') THEN ARRAY['402'] END
		|| CASE WHEN is_gone THEN ARRAY['410'] END;
BEGIN
	RETURN jsonb_build_object(
		'operationId', concat_ws('_', handler, CASE WHEN is_gone THEN split_part(path, '/', 2) END),
		'summary', route -> 'summary',
		'tags', jsonb_build_array(split_part(path, '/', 2)),
		'parameters', (SELECT coalesce(jsonb_agg(p.parameter), '[]') FROM (
			SELECT jsonb_build_object('name', m.name[1], 'in', 'path', 'required', true, 'schema', '{"type": "string", "format": "uuid"}'::jsonb)
				FROM regexp_matches(path, '\{(\w+)\}', 'g') m (name)
			UNION ALL SELECT jsonb_build_object('name', q.key, 'in', 'query', 'required', coalesce(route #> '{query,required}' ? q.key, false),
				'schema', trackagoat.openapi_schema(q.value)) FROM jsonb_each(route #> '{query,properties}') q
			UNION ALL SELECT '{"$ref": "#/components/parameters/idempotency_key"}' WHERE is_post
			UNION ALL SELECT '{"$ref": "#/components/parameters/organization_id"}' WHERE route ->> 'scope' IS NOT NULL) p (parameter)),
		'responses', (SELECT jsonb_object_agg(r.status, r.response) FROM (
			SELECT coalesce(substring(a.answer FROM '^[0-9]+'), '200'), trackagoat.openapi_answer(route ->> 'summary', ltrim(a.answer, '0123456789 '), has_csv)
				FROM string_to_table(route ->> 'data', ', ') a (answer) WHERE NOT is_gone
			UNION ALL SELECT e.status, jsonb_build_object('$ref', '#/components/responses/' || e.status) FROM unnest(problems) e (status)) r (status, response)))
		|| CASE WHEN has_body THEN jsonb_build_object('requestBody', jsonb_build_object(
				'required', route -> 'body' ?| ARRAY['required', 'minProperties'],
				'content', jsonb_build_object('application/json', jsonb_build_object('schema', trackagoat.openapi_schema(route -> 'body')))))
			ELSE '{}' END
		|| CASE WHEN route ->> 'scope' IS NULL THEN '{"security": []}'
			ELSE jsonb_build_object('description', format('Needs the scope %s.', route ->> 'scope')) END
		|| CASE WHEN is_gone THEN '{"deprecated": true}' ELSE '{}' END::jsonb;
END
$$;
COMMENT ON FUNCTION trackagoat.openapi_operation(jsonb) IS 'a route as an operation of OpenAPI';

CREATE FUNCTION trackagoat.openapi_components() RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object(
		'securitySchemes', '{"bearer": {"type": "http", "scheme": "bearer", "description": "an API key, or a token of a member"},
			"api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "an API key"}}'::jsonb,
		'parameters', '{
			"idempotency_key": {"name": "Idempotency-Key", "in": "header", "required": false, "schema": {"type": "string", "minLength": 1, "maxLength": 255},
				"description": "the same once more within 24 hours is answered as before, and does nothing"},
			"organization_id": {"name": "X-Organization-Id", "in": "header", "required": false, "schema": {"type": "string", "format": "uuid"},
				"description": "for tokens of users who are in several organizations"}}'::jsonb,
		'responses', (SELECT jsonb_object_agg(p.status, jsonb_build_object('description', p.description,
			'content', '{"application/json": {"schema": {"$ref": "#/components/schemas/problem"}}}'::jsonb)) FROM trackagoat.openapi_problems() p),
		'schemas', '{
			"meta": {"type": "object", "properties": {"limit": {"type": "integer", "description": "of a list: how many items a page has"},
				"nextCursor": {"type": ["string", "null"], "description": "of a list: cursor of the next page; null on the last"}}},
			"problem": {"type": "object", "required": ["data", "error", "meta"], "properties": {"data": {"type": "null"},
				"error": {"type": "string", "description": "the code"},
				"meta": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}, "message": {"type": "string"},
					"hint": {"type": "string"}, "field": {"type": "string"}, "retryAfter": {"type": "integer"}}}}}}'
			|| (SELECT jsonb_object_agg(e.entity, jsonb_strip_nulls(jsonb_build_object('description', e.description))
				|| trackagoat.openapi_schema(jsonb_build_object('type', 'object', 'properties', e.fields))) FROM trackagoat.api_entities() e));
END
$$;
COMMENT ON FUNCTION trackagoat.openapi_components() IS 'what operations of OpenAPI refer to';

CREATE FUNCTION trackagoat.v1_openapi(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'text', jsonb_build_object(
		'openapi', '3.1.0',
		'info', jsonb_build_object('title', 'trackagoat', 'description', obj_description('trackagoat_api'::regnamespace, 'pg_namespace'),
			'version', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'trackagoat')),
		'servers', '[{"url": "/api/v1"}]'::jsonb,
		'security', '[{"bearer": []}, {"api_key": []}]'::jsonb,
		'paths', (SELECT jsonb_object_agg(p.path, p.operations) FROM (
			SELECT trackagoat.openapi_path(r.pattern) AS path, jsonb_object_agg(lower(r.method), trackagoat.openapi_operation(to_jsonb(r))) AS operations
			FROM trackagoat.api_routes() r GROUP BY r.pattern) p),
		'components', trackagoat.openapi_components())::text);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_openapi(jsonb) IS 'GET /openapi.json: the document itself, not in the envelope';
