-- The routes of the v1 API, where they are found by a key.

CREATE TABLE trackagoat_api.route (
	method text NOT NULL,
	pattern text NOT NULL,
	scope text,
	handler text NOT NULL,
	query jsonb NOT NULL,
	body jsonb NOT NULL,
	CONSTRAINT route_pkey PRIMARY KEY (pattern, method)
);
COMMENT ON TABLE trackagoat_api.route IS 'api_routes() as of when setup_api() was called';
ALTER TABLE trackagoat_api.route ENABLE ROW LEVEL SECURITY;
INSERT INTO trackagoat_api.route SELECT r.method, r.pattern, r.scope, r.handler, r.query, r.body FROM trackagoat.api_routes() r;

