-- The v1 API, and what PostgREST calls before each request.  These run as the
-- owner of the tables, and answer for current_org() alone.

CREATE FUNCTION trackagoat_api.pre_request() RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- the v1 API signs in by itself, to answer in its envelope; the description is for everybody
	IF coalesce(current_setting('request.path', true), '') NOT IN ('/', '/rpc/v1', '/rpc/request') THEN
		PERFORM trackagoat.sign_in_by(nullif(current_setting('request.headers', true), '')::jsonb);
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat_api.pre_request() IS 'db-pre-request of PostgREST: signs in by the key or token of the request';

CREATE FUNCTION trackagoat_api.request(
	OUT status integer, method text, uri text, INOUT headers jsonb DEFAULT '{}', INOUT body text DEFAULT NULL)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	SELECT a.* INTO status, headers, body FROM trackagoat.answer_request(method, uri, headers, body) a;
END
$$;
COMMENT ON FUNCTION trackagoat_api.request(text, text, jsonb, text) IS
	'the v1 HTTP API in SQL: method, path with query, headers and body as one would send them; answers status, headers and body';

-- whatever a client accepts, it gets what response.headers says
CREATE DOMAIN trackagoat_api."*/*" AS bytea;
COMMENT ON DOMAIN trackagoat_api."*/*" IS 'an answer of any media type, as PostgREST calls it';

CREATE FUNCTION trackagoat_api.v1(bytea) RETURNS trackagoat_api."*/*"
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	headers jsonb := nullif(current_setting('request.headers', true), '');
	answer record;
	body text;
BEGIN
	BEGIN
		body := convert_from($1, 'UTF8');
	EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
		-- nor is it JSON
		body := '?';
	END;
	SELECT a.* INTO answer FROM trackagoat.answer_request(headers ->> 'x-original-method', headers ->> 'x-original-uri', headers, body) a;
	PERFORM set_config('response.status', answer.status::text, true), set_config('response.headers',
		(SELECT jsonb_agg(jsonb_build_object(h.key, h.value)) FROM jsonb_each(answer.response_headers) h)::text, true);
	RETURN convert_to(answer.response_body, 'UTF8');
END
$$;
COMMENT ON FUNCTION trackagoat_api.v1(bytea) IS
	'the v1 HTTP API for PostgREST behind nginx: the raw body; method and URI are in the headers X-Original-Method and X-Original-URI';
