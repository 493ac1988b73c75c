-- How fast request() answers, against the same rows from the tables as bare
-- PostgREST would ask for them: medians of nine runs of each, in turn, in
-- microseconds a request.
\if :{?scale}
\else
	\set scale 1
\endif
SET client_min_messages = warning;
SET jit = off;
DO $$ BEGIN CREATE ROLE bench_authenticator LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
SELECT trackagoat.setup_api('bench_authenticator') \gset x
INSERT INTO trackagoat.organization (name) VALUES ('bench') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'bench') RETURNING id AS project \gset
SELECT count(*) FROM trackagoat.add_creators(:'project', (SELECT array_agg('goat.' || n ORDER BY n) FROM generate_series(1, 10000 * :scale) n)) \gset x
SELECT count(trackagoat.observe_creator(c.id, now() - interval '1 day' * d, 1000 + d, 10, 100, 5)) FROM trackagoat.creator c, generate_series(0, 29) d
WHERE c.id = (SELECT min(id::text)::uuid FROM trackagoat.creator) \gset x
UPDATE trackagoat.creator SET display_name = 'Goat', bio = 'made for trackagoat', avatar_url = 'https://p16.example.test/' || repeat('a', 200), follower_count = 1000;
CREATE TEMP TABLE key AS SELECT n, trackagoat.create_api_key(:'org', 'bench') AS key FROM generate_series(1, 400) n;
VACUUM (ANALYZE);

-- so many requests of a run, of as many keys as their limit needs
CREATE FUNCTION pg_temp.ask(uri text, first integer, requests integer) RETURNS numeric LANGUAGE plpgsql AS
$$
DECLARE
	started timestamptz;
	answer record;
	keys jsonb[] := ARRAY(SELECT jsonb_build_object('x-api-key', k.key) FROM key k WHERE k.n >= first ORDER BY k.n);
BEGIN
	started := clock_timestamp();
	FOR i IN 1 .. requests LOOP
		SELECT * INTO answer FROM trackagoat_api.request('GET', uri, keys[1 + i / 50]);
		IF answer.status <> 200 THEN
			RAISE EXCEPTION '%', answer.body;
		END IF;
	END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - started) * 1000000 / requests;
END
$$;
CREATE FUNCTION pg_temp.run(query text, requests integer) RETURNS numeric LANGUAGE plpgsql AS
$$
DECLARE
	started timestamptz;
	answer text;
BEGIN
	started := clock_timestamp();
	FOR i IN 1 .. requests LOOP
		EXECUTE query INTO answer;
	END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - started) * 1000000 / requests;
END
$$;
CREATE FUNCTION pg_temp.compare(question text, uri text, query text, first integer) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	ours numeric[] := '{}';
	bare numeric[] := '{}';
	a numeric;
	b numeric;
BEGIN
	FOR run IN 0 .. 9 LOOP
		a := pg_temp.ask(uri, first + run * 4, 100);
		b := pg_temp.run(query, 100);
		-- the first warms up
		IF run > 0 THEN
			ours := ours || a;
			bare := bare || b;
		END IF;
	END LOOP;
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) INTO a FROM unnest(ours) v;
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) INTO b FROM unnest(bare) v;
	RETURN format('bench %s ours=%s bare=%s ratio=%s', question, round(a), round(b), round(b / a, 2));
END
$$;
-- a key is checked so fast
CREATE FUNCTION pg_temp.check_keys() RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	started timestamptz;
	took numeric[] := '{}';
	key text;
BEGIN
	FOR run IN 0 .. 9 LOOP
		started := clock_timestamp();
		FOR key IN SELECT k.key FROM key k WHERE k.n BETWEEN 201 + run * 10 AND 210 + run * 10 LOOP
			FOR i IN 1 .. 50 LOOP
				PERFORM trackagoat.sign_in(key);
			END LOOP;
		END LOOP;
		took := took || (extract(epoch FROM clock_timestamp() - started) * 1000000 / 500)::numeric;
	END LOOP;
	RETURN format('bench api_key ours=%s', (SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t)::numeric, 1) FROM unnest(took[2:]) t));
END
$$;
\pset tuples_only on
\pset format unaligned
SELECT pg_temp.compare('api_creators', '/api/v1/creators?limit=50', format($$SELECT json_agg(c) FROM (SELECT c.id, c.org_id, c.project_id, c.tiktok_handle, c.display_name,
	c.readme, c.metadata, c.tracking_mode, c.tracking_start_date, c.avatar_url, c.bio, c.follower_count, c.following_count, c.total_likes_count, c.video_count,
	c.last_scraped_at, c.is_active, c.disabled_at, c.disabled_reason, c.created_at, c.updated_at
	FROM trackagoat.creator c WHERE c.org_id = %L AND c.removed_at IS NULL ORDER BY c.id DESC LIMIT 50) c$$, :'org'), 1);
SELECT min(c.id::text) AS goat FROM trackagoat.creator c WHERE c.org_id = :'org' \gset
SELECT pg_temp.compare('api_analytics', format('/api/v1/analytics?entity=creator&entity_id=%s&metric=followers&mode=cumulative', :'goat'),
	format($$SELECT json_agg(a) FROM trackagoat.analytics('creator', ARRAY[%L::uuid], 'followers', 'cumulative') a$$, :'goat'), 101);
SELECT pg_temp.check_keys();
