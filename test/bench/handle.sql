-- How fast trackagoat.handle sorts and is looked up, against citext: a million
-- handles, five runs of each in turn, medians in milliseconds.
SET client_min_messages = warning;
CREATE EXTENSION citext;
SET search_path TO public, trackagoat;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '256MB';
SET jit = off;

-- Realistic handles, in no order: names, words and numbers as people combine
-- them, 5 to 24 characters, one in ten written with capitals.
CREATE TEMP TABLE word AS
SELECT w, n FROM unnest(string_to_array('anna ben carla david emma felix gina hugo iris jonas kate liam mia noah olivia paul quinn rosa sam tina uma victor wendy xenia yara zoe '
	'the.real official its just hey iam mr miss dr team studio shop music dance cooking travel fitness makeup gaming daily style vlog tips art farm goat mountain sunny happy little '
	'tiny big crazy lovely super mega urban vintage digital magic silent golden electric', ' ')) WITH ORDINALITY u (w, n);
SELECT count(*) AS words FROM word \gset
CREATE TABLE source AS
SELECT DISTINCT ON (lower(h)) h FROM (
	SELECT CASE WHEN g % 10 = 0 THEN initcap(h) ELSE h END AS h FROM (
		SELECT g, left(a.w || (ARRAY['', '_', '.', ''])[1 + g % 4] || b.w || CASE g % 3
			WHEN 0 THEN '' WHEN 1 THEN (hashint8(g) & 1023)::text ELSE '_' || (hashint8(g) & 65535)::text END, 24) AS h
		FROM generate_series(1, 1800000) g
		JOIN word a ON a.n = 1 + (hashint8(g * 3) & 1048575) % :words
		JOIN word b ON b.n = 1 + (hashint8(g * 5 + 1) & 1048575) % :words) made) cased
ORDER BY lower(h);
INSERT INTO source SELECT 'user' || g * 7919 % 10000019 FROM generate_series(1, 300000::bigint) g;
CREATE TABLE ours AS SELECT h::handle AS h FROM (SELECT h FROM source ORDER BY md5(h) LIMIT 1000000) s;
CREATE TABLE theirs AS SELECT h::text::citext AS h FROM ours;
CREATE TABLE our_key AS SELECT upper(h::text)::handle AS h FROM ours ORDER BY md5(h::text || 'x') LIMIT 200000;
CREATE TABLE their_key AS SELECT h::text::citext AS h FROM our_key;
CREATE UNIQUE INDEX ours_h_key ON ours (h);
CREATE UNIQUE INDEX theirs_h_key ON theirs (h);
VACUUM (ANALYZE) ours;
VACUUM (ANALYZE) theirs;
VACUUM (ANALYZE) our_key;
VACUUM (ANALYZE) their_key;

-- Medians of five runs of each query, in turn; both must answer the same, by a
-- plan that holds the wanted node.
CREATE FUNCTION pg_temp.compare(question text, ours text, theirs text, node text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	query text[] := ARRAY[ours, theirs];
	ms float8[] := '{}';
	answer text[] := '{NULL,NULL}';
	started timestamptz;
	plan text;
	value text;
	a float8;
	b float8;
BEGIN
	FOR side IN 1 .. 2 LOOP
		EXECUTE 'EXPLAIN (FORMAT JSON) ' || query[side] INTO plan;
		IF plan NOT LIKE '%"' || node || '"%' THEN
			RAISE EXCEPTION '% is not answered by %', query[side], node;
		END IF;
	END LOOP;
	FOR run IN 0 .. 10 LOOP
		started := clock_timestamp();
		EXECUTE query[1 + run % 2] INTO value;
		-- the first warms up
		IF run > 0 THEN
			ms[run] := extract(epoch FROM clock_timestamp() - started) * 1000;
		END IF;
		answer[1 + run % 2] := value;
	END LOOP;
	IF lower(answer[1]) IS DISTINCT FROM lower(answer[2]) THEN
		RAISE EXCEPTION '%: ours answered %, citext %', question, answer[1], answer[2];
	END IF;
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FILTER (WHERE n % 2 = 0),
		percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FILTER (WHERE n % 2 = 1)
	INTO a, b FROM unnest(ms) WITH ORDINALITY u (t, n);
	RETURN format('bench %s ours=%s citext=%s ratio=%s', question, round(a), round(b), round((b / a)::numeric, 1));
END
$$;

\pset tuples_only on
\pset format unaligned
SELECT format('%s handles, %s characters on average, collation %s', count(*), round(avg(char_length(h::text)), 1), datcollate)
FROM ours, pg_database WHERE datname = current_database() GROUP BY datcollate;

-- a sort without index, to its last row
SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;
SELECT pg_temp.compare('handle_sort', 'SELECT h FROM ours ORDER BY h OFFSET 999999', 'SELECT h FROM theirs ORDER BY h OFFSET 999999', 'Sort');
RESET enable_indexscan; RESET enable_indexonlyscan; RESET enable_bitmapscan;

-- 200,000 look-ups in the index, in random order: among a million, where both
-- wait for memory, and among 100,000, which are as many creators as the design
-- foresees
CREATE TABLE our_few AS SELECT h FROM ours LIMIT 100000;
CREATE TABLE their_few AS SELECT h::text::citext AS h FROM our_few;
CREATE TABLE our_few_key AS SELECT upper(h::text)::handle AS h FROM our_few, generate_series(1, 2) g ORDER BY md5(h::text || g);
CREATE TABLE their_few_key AS SELECT h::text::citext AS h FROM our_few_key;
CREATE UNIQUE INDEX our_few_h_key ON our_few (h);
CREATE UNIQUE INDEX their_few_h_key ON their_few (h);
VACUUM (ANALYZE) our_few;
VACUUM (ANALYZE) their_few;
VACUUM (ANALYZE) our_few_key;
VACUUM (ANALYZE) their_few_key;
CREATE TABLE number AS SELECT row_number() OVER (ORDER BY md5(h::text)) AS n, h FROM ours;
CREATE TABLE number_key AS SELECT n FROM number JOIN our_key USING (h) ORDER BY md5(n::text);
CREATE UNIQUE INDEX number_n_key ON number (n);
VACUUM (ANALYZE) number;
VACUUM (ANALYZE) number_key;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off; SET enable_bitmapscan = off;
SELECT pg_temp.compare('handle_lookup', 'SELECT count(*) FROM our_key k JOIN ours o ON o.h = k.h', 'SELECT count(*) FROM their_key k JOIN theirs t ON t.h = k.h', 'Index Only Scan');
SELECT pg_temp.compare('handle_lookup_100k', 'SELECT count(*) FROM our_few_key k JOIN our_few o ON o.h = k.h', 'SELECT count(*) FROM their_few_key k JOIN their_few t ON t.h = k.h', 'Index Only Scan');
-- how far any type could get in the first question: the same by bigint
SELECT replace(pg_temp.compare('handle_lookup_bound', 'SELECT count(*) FROM number_key k JOIN number o ON o.n = k.n', 'SELECT count(*) FROM their_key k JOIN theirs t ON t.h = k.h', 'Index Only Scan'), 'ours', 'bigint');
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_memoize; RESET enable_bitmapscan;

-- The same where a database sorts as English is written, as most do, if the server can.
SELECT EXISTS (SELECT FROM pg_collation WHERE collname = 'en-US-x-icu') AS has_icu \gset
\if :has_icu
CREATE TABLE english (h citext COLLATE "en-US-x-icu");
INSERT INTO english SELECT h FROM their_few;
VACUUM (ANALYZE) english;
SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;
SELECT pg_temp.compare('handle_sort_english', 'SELECT count(*) FROM (SELECT h FROM our_few ORDER BY h OFFSET 0) s', 'SELECT count(*) FROM (SELECT h FROM english ORDER BY h OFFSET 0) s', 'Sort');
RESET enable_indexscan; RESET enable_indexonlyscan; RESET enable_bitmapscan;
CREATE TABLE english_all (h citext COLLATE "en-US-x-icu");
CREATE TABLE english_key (h citext COLLATE "en-US-x-icu");
INSERT INTO english_all SELECT h FROM theirs;
INSERT INTO english_key SELECT h FROM their_key;
CREATE UNIQUE INDEX english_all_h_key ON english_all (h);
VACUUM (ANALYZE) english_all;
VACUUM (ANALYZE) english_key;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off; SET enable_bitmapscan = off;
SELECT pg_temp.compare('handle_lookup_english', 'SELECT count(*) FROM our_key k JOIN ours o ON o.h = k.h', 'SELECT count(*) FROM english_key k JOIN english_all t ON t.h = k.h', 'Index Only Scan');
\else
\echo 'no ICU: handle_sort_english and handle_lookup_english are left out'
\endif
