-- What a request says: its query and body, which JSON schemas must allow, and the
-- pages of a list.

CREATE FUNCTION trackagoat.url_decode(part text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF part !~ '[%+]' THEN
		RETURN part;
	END IF;
	RETURN convert_from((SELECT string_agg(CASE WHEN t.token[1] ~ '^%..' THEN decode(substr(t.token[1], 2), 'hex')
			ELSE convert_to(replace(t.token[1], '+', ' '), 'UTF8') END, '' ORDER BY t.place)
		FROM regexp_matches(part, '%[0-9A-Fa-f]{2}|[^%]+|%', 'g') WITH ORDINALITY t (token, place)), 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
	PERFORM trackagoat.refuse_field('invalid_query', left(part, 100), 'is no UTF-8');
END
$$;
COMMENT ON FUNCTION trackagoat.url_decode(text) IS 'a part of a query string, decoded: PT400 invalid_query where that is no UTF-8';

CREATE FUNCTION trackagoat.refuse_field(code text, field text, problem text, hint text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT400' USING
		MESSAGE = code,
		DETAIL = json_build_object('field', field, 'message', format('%s %s.', field, problem)),
		HINT = coalesce(hint, 'GET /openapi.json describes each endpoint.');
END
$$;
COMMENT ON FUNCTION trackagoat.refuse_field(text, text, text, text) IS 'raises PT400 for a field of a request, with a JSON object {field, message} as detail';

CREATE FUNCTION trackagoat.check_field(code text, field text, value jsonb, schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	kind text := jsonb_typeof(value);
	content text := value #>> '{}';
	number numeric;
BEGIN
	IF kind = 'null' THEN
		IF schema @> '{"nullable": true}' THEN
			RETURN value;
		END IF;
		PERFORM trackagoat.refuse_field(code, field, 'must not be null');
	END IF;
	IF kind <> (CASE schema ->> 'type' WHEN 'integer' THEN 'number' ELSE schema ->> 'type' END) THEN
		PERFORM trackagoat.refuse_field(code, field, format('must be of type %s', schema ->> 'type'));
	END IF;
	CASE kind
	WHEN 'string' THEN
		IF schema ? 'enum' AND NOT schema -> 'enum' ? content THEN
			PERFORM trackagoat.refuse_field(code, field, 'must be one of ' || (SELECT string_agg(e, ', ') FROM jsonb_array_elements_text(schema -> 'enum') e));
		ELSIF char_length(content) NOT BETWEEN coalesce((schema ->> 'minLength')::integer, 0) AND coalesce((schema ->> 'maxLength')::integer, 65536) THEN
			PERFORM trackagoat.refuse_field(code, field, format('must have %s to %s characters',
				coalesce(schema ->> 'minLength', '0'), coalesce(schema ->> 'maxLength', '65536')));
		ELSIF (schema ->> 'format' = 'uuid' AND content !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
			OR (schema ->> 'format' = 'date' AND content !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
			OR (schema ->> 'format' = 'date-time' AND content !~* '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})$') THEN
			PERFORM trackagoat.refuse_field(code, field, format('is no %s', schema ->> 'format'));
		ELSIF schema ->> 'format' IN ('date', 'date-time') THEN
			BEGIN
				PERFORM content::timestamptz;
			EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format OR invalid_time_zone_displacement_value THEN
				PERFORM trackagoat.refuse_field(code, field, format('is no %s', schema ->> 'format'));
			END;
		END IF;
	WHEN 'number' THEN
		number := content::numeric;
		IF schema ->> 'type' = 'integer' AND (number <> trunc(number) OR abs(number) > 9223372036854775807) THEN
			PERFORM trackagoat.refuse_field(code, field, 'must be an integer');
		ELSIF number < (schema ->> 'minimum')::numeric OR number > (schema ->> 'maximum')::numeric THEN
			PERFORM trackagoat.refuse_field(code, field, format('must be %s', concat_ws(' and ',
				'at least ' || (schema ->> 'minimum'), 'at most ' || (schema ->> 'maximum'))));
		END IF;
	WHEN 'array' THEN
		IF jsonb_array_length(value) NOT BETWEEN coalesce((schema ->> 'minItems')::integer, 0) AND coalesce((schema ->> 'maxItems')::integer, 10000) THEN
			PERFORM trackagoat.refuse_field(code, field, format('must have %s to %s items',
				coalesce(schema ->> 'minItems', '0'), coalesce(schema ->> 'maxItems', '10000')));
		END IF;
		RETURN (SELECT coalesce(jsonb_agg(trackagoat.check_field(code, format('%s[%s]', field, i.place - 1), i.item, schema -> 'items') ORDER BY i.place), '[]')
			FROM jsonb_array_elements(value) WITH ORDINALITY i (item, place));
	WHEN 'object' THEN
		IF schema ? 'properties' THEN
			RETURN trackagoat.check_fields(code, field || '.', value, schema);
		ELSIF octet_length(value::text) > 65536 THEN
			PERFORM trackagoat.refuse_field(code, field, 'must have 64 KiB at most');
		END IF;
	ELSE
	END CASE;
	RETURN value;
END
$$;
COMMENT ON FUNCTION trackagoat.check_field(text, text, jsonb, jsonb) IS 'the value of a field of a request, which its JSON schema must allow: PT400 otherwise';

CREATE FUNCTION trackagoat.check_fields(code text, prefix text, given jsonb, schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	unknown text;
	missing text;
BEGIN
	IF given = '{}' AND NOT schema ?| ARRAY['required', 'minProperties'] THEN
		RETURN given;
	END IF;
	SELECT k INTO unknown FROM jsonb_object_keys(given) k WHERE NOT schema -> 'properties' ? k ORDER BY k LIMIT 1;
	IF FOUND THEN
		PERFORM trackagoat.refuse_field(code, prefix || left(unknown, 100), 'is unknown', format('Known are: %s.',
			coalesce((SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(schema -> 'properties') k), 'none')));
	END IF;
	SELECT k INTO missing FROM jsonb_array_elements_text(schema -> 'required') k WHERE NOT given ? k LIMIT 1;
	IF FOUND THEN
		PERFORM trackagoat.refuse_field(code, prefix || missing, 'is missing');
	END IF;
	IF (SELECT count(*) FROM jsonb_object_keys(given)) < (schema ->> 'minProperties')::integer THEN
		PERFORM trackagoat.refuse_field(code, 'body', 'must have at least one of its fields', format('Fields are: %s.',
			(SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(schema -> 'properties') k)));
	END IF;
	RETURN (SELECT coalesce(jsonb_object_agg(f.key, trackagoat.check_field(code, prefix || f.key, f.value, schema -> 'properties' -> f.key)), '{}')
		FROM jsonb_each(given) f);
END
$$;
COMMENT ON FUNCTION trackagoat.check_fields(text, text, jsonb, jsonb) IS 'the fields of a request, which a JSON schema must allow: PT400 otherwise, naming the field';

CREATE FUNCTION trackagoat.read_query(query text, schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	given jsonb;
	repeated text;
BEGIN
	IF coalesce(query, '') = '' THEN
		RETURN trackagoat.check_fields('invalid_query', '', '{}', schema);
	END IF;
	SELECT jsonb_object_agg(p.name, CASE WHEN schema #>> ARRAY['properties', p.name, 'type'] = 'integer' AND p.value ~ '^-?[0-9]{1,18}$'
			THEN to_jsonb(p.value::bigint) ELSE to_jsonb(p.value) END),
		min(p.name) FILTER (WHERE p.times > 1)
	INTO given, repeated
	FROM (SELECT n.name, trackagoat.url_decode(substr(a.argument, strpos(a.argument || '=', '=') + 1)) AS value, count(*) OVER (PARTITION BY n.name) AS times
		FROM unnest(string_to_array(query, '&')) a (argument), LATERAL (SELECT trackagoat.url_decode(split_part(a.argument, '=', 1)) AS name) n
		WHERE a.argument <> '') p;
	IF repeated IS NOT NULL THEN
		PERFORM trackagoat.refuse_field('invalid_query', left(repeated, 100), 'is there more than once');
	END IF;
	RETURN trackagoat.check_fields('invalid_query', '', coalesce(given, '{}'), schema);
END
$$;
COMMENT ON FUNCTION trackagoat.read_query(text, jsonb) IS 'the arguments of a query string, which a JSON schema must allow: PT400 invalid_query';

CREATE FUNCTION trackagoat.count_keys(content text) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	-- without what is within strings, a pair of quotes before a colon is a key
	RETURN regexp_count(regexp_replace(content, '"(?:\\.|[^"\\])*"', '""', 'g'), '""\s*:');
COMMENT ON FUNCTION trackagoat.count_keys(text) IS 'how many fields the objects of a JSON text have, in all';

CREATE FUNCTION trackagoat.read_body(body text, schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	given jsonb;
	repeated text;
BEGIN
	IF coalesce(body, '') = '' THEN
		RETURN trackagoat.check_fields('invalid_body', '', '{}', schema);
	END IF;
	BEGIN
		given := body::jsonb;
	EXCEPTION WHEN data_exception OR statement_too_complex THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_body', DETAIL = 'The body is no JSON, or has a character that a text cannot have.', HINT = 'Send a JSON object in UTF-8.';
	END;
	IF jsonb_typeof(given) <> 'object' THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_body', DETAIL = 'The body is no JSON object.', HINT = 'Send a JSON object in UTF-8.';
	END IF;
	-- a few bytes of 1e131000 would be as many digits when written out
	IF body ~ '[0-9][eE][+-]?0*[0-9]{3}' AND regexp_replace(body, '"(?:\\.|[^"\\])*"', '""', 'g') ~ '[eE][+-]?0*[0-9]{3}' THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_body', DETAIL = 'A number has an exponent of more than two digits.', HINT = 'Send numbers below 1e100.';
	END IF;
	-- jsonb keeps the last of several alike, and nobody knows which was meant
	IF trackagoat.count_keys(body) > trackagoat.count_keys(given::text) THEN
		SELECT k.key INTO repeated FROM json_object_keys(body::json) k (key) GROUP BY k.key HAVING count(*) > 1 LIMIT 1;
		IF FOUND THEN
			PERFORM trackagoat.refuse_field('invalid_body', left(repeated, 100), 'is there more than once');
		END IF;
		SELECT f.key INTO repeated FROM json_each(body::json) f
		WHERE trackagoat.count_keys(f.value::text) > trackagoat.count_keys(f.value::text::jsonb::text) LIMIT 1;
		PERFORM trackagoat.refuse_field('invalid_body', left(repeated, 100), 'has a field more than once');
	END IF;
	RETURN trackagoat.check_fields('invalid_body', '', given, schema);
END
$$;
COMMENT ON FUNCTION trackagoat.read_body(text, jsonb) IS 'the fields of a body, which a JSON schema must allow: PT400 invalid_body';

-- ---- pages of a list ----

CREATE FUNCTION trackagoat.page_cursor(id uuid) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN rtrim(translate(encode(uuid_send(id), 'base64'), '+/', '-_'), '=');
COMMENT ON FUNCTION trackagoat.page_cursor(uuid) IS 'the cursor after which a list goes on that ended with this id';

CREATE FUNCTION trackagoat.page_after(query jsonb) RETURNS uuid
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	after text := query ->> 'cursor';
BEGIN
	IF after !~ '^[A-Za-z0-9_-]{21}[AQgw]$' THEN
		PERFORM trackagoat.refuse_field('invalid_query', 'cursor', 'is none that a list has answered', 'Send meta.nextCursor of the page before.');
	END IF;
	-- the first page goes on after the highest id that could be, which uuidv7() never makes
	RETURN coalesce(encode(decode(translate(after, '-_', '+/') || '==', 'base64'), 'hex')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
END
$$;
COMMENT ON FUNCTION trackagoat.page_after(jsonb) IS 'the id that a page goes on after, newest first; the highest for the first page: PT400 invalid_query';

CREATE FUNCTION trackagoat.page_limit(query jsonb) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN coalesce((query ->> 'limit')::integer, 50);
COMMENT ON FUNCTION trackagoat.page_limit(jsonb) IS 'how many items a page has: 50, or what was asked for';

CREATE FUNCTION trackagoat.page_answer(items json[], ids uuid[], query jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	size integer := trackagoat.page_limit(query);
BEGIN
	-- a list asks for one more than it shows; as text, since a page as jsonb would be taken apart and put together again
	RETURN jsonb_build_object('status', 200, 'text', concat('{"data": ', coalesce(array_to_json(items[:size]), '[]'), ', "error": null, "meta": ',
		json_build_object('limit', size, 'nextCursor', CASE WHEN cardinality(ids) > size THEN trackagoat.page_cursor(ids[size]) END), '}'));
END
$$;
COMMENT ON FUNCTION trackagoat.page_answer(json[], uuid[], jsonb) IS 'a page of a list, from one item more than it shows and their ids';
