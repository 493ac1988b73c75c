-- What TikTok's pages and API bodies say.  C: src/read_page.c over src/page.c.

CREATE FUNCTION trackagoat.read_page(body bytea) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'read_page' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.read_page(bytea) IS
	'what a fetched TikTok page or API body says: its source, the outcome, the account and the videos it shows; any bytes are answered, never with an error';
