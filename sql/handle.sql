-- The type trackagoat.handle: what is a handle, what is equal, what sorts first.
SET client_min_messages = warning;
SET search_path TO trackagoat, public;

-- What a statement comes to: its value, or SQLSTATE and texts of its refusal.
CREATE FUNCTION pg_temp.answer(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	value text;
	state text; message text; detail text; hint text;
BEGIN
	EXECUTE statement INTO value;
	RETURN value;
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN CASE WHEN state LIKE 'PT%' THEN concat_ws(' | ', state, message, detail, hint) ELSE state END;
END
$$;

-- The text as a handle and back, or NULL where it is refused as it must be.
CREATE FUNCTION pg_temp.try_handle(input text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	RETURN input::trackagoat.handle::text;
EXCEPTION WHEN SQLSTATE 'PT409' THEN
	RETURN NULL;
END
$$;

-- What the plan of a query holds: its node types, each once.
CREATE FUNCTION pg_temp.plan_nodes(query text) RETURNS text[] LANGUAGE plpgsql AS
$$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (COSTS OFF, FORMAT JSON) ' || query INTO plan;
	RETURN ARRAY(SELECT DISTINCT v #>> '{}' FROM jsonb_path_query(plan, 'strict $.**."Node Type"') v ORDER BY 1);
END
$$;

-- A word of the alphabet, the same for the same seed on every server.
CREATE FUNCTION pg_temp.word(seed bigint, length integer, alphabet text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$
	SELECT coalesce(string_agg(substr(alphabet,
		1 + (hashint8extended(seed, i) & 1048575)::integer % char_length(alphabet), 1), '' ORDER BY i), '')
	FROM generate_series(1, length) i
$$;
\set letters 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-'

--
-- Input and output
--
SELECT v AS written, v::handle AS handle, v::handle::text = ltrim(v, '@') AS kept
FROM unnest(ARRAY['a', '@a', 'MixedCase', '_', '.', '-', '..', 'a.b_c-d', '0', '7526770564367748360',
	'.danielsan.1', 'pro..jaany', 'ends.in.a.dot.', '@' || repeat('x', 30), repeat('9', 30)]) WITH ORDINALITY u (v, n)
ORDER BY n;

SELECT pg_temp.answer(format('SELECT %L::trackagoat.handle', v))
FROM unnest(ARRAY['', '@', repeat('x', 31), '@' || repeat('x', 31), '@@bob', 'bob@', 'b@b', 'bob ', ' bob', 'b/b',
	'm' || U&'\00FC' || 'ller', U&'\+01F410', 'a' || chr(10) || 'b', chr(127), 'bob''s', 'K' || U&'\212A', U&'\0131',
	repeat('goat ', 40), repeat(U&'\00FC', 60)]) WITH ORDINALITY u (v, n)
ORDER BY n;
SELECT pg_temp.answer('SELECT NULL::trackagoat.handle') IS NULL AS null_is_null;

-- a conversion from text, an assignment and a literal come to the same refusal
CREATE TABLE pet (h handle, t text, v varchar(40));
SELECT pg_temp.answer(s) FROM (VALUES
	(1, $$SELECT 'a b'::trackagoat.handle$$),
	(2, $$SELECT 'a b'::text::trackagoat.handle$$),
	(3, $$SELECT trackagoat.handle('a b'::text)$$),
	(4, $$INSERT INTO pet (h) VALUES ('a b')$$),
	(5, $$INSERT INTO pet (h) SELECT 'a b'::text$$),
	(6, $$INSERT INTO pet (h) SELECT 'a b'::varchar$$)) c (n, s) ORDER BY n;

-- assignment from text works, the written case is kept
INSERT INTO pet (h) SELECT t FROM (VALUES ('@Bob'::text), ('alice')) s (t);
INSERT INTO pet (h) SELECT v FROM (VALUES ('@Carol'::varchar)) s (v);
SELECT h FROM pet ORDER BY h;
-- a handle becomes text only when asked
SELECT castsource::regtype AS source, casttarget::regtype AS target, castcontext AS context, castmethod AS method
FROM pg_cast WHERE 'trackagoat.handle'::regtype IN (castsource, casttarget) ORDER BY 1, 2;
SELECT pg_temp.answer(s) FROM (VALUES
	(1, $$SELECT lower('Bob'::trackagoat.handle)$$),
	(2, $$SELECT 'Bob'::trackagoat.handle ~ 'B'$$),
	(3, $$SELECT lower('@Bob'::trackagoat.handle::text)$$),
	(4, $$INSERT INTO pet (t) SELECT h FROM pet$$),
	(5, $$INSERT INTO pet (t) SELECT h::text FROM pet WHERE h = 'bob' RETURNING t$$)) c (n, s) ORDER BY n;
DELETE FROM pet WHERE h IS NULL;
SELECT typlen, typbyval, typalign, typstorage, typcategory, typcollation
FROM pg_type WHERE oid = 'trackagoat.handle'::regtype;

--
-- Comparison, with handles and with text
--
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, sign(handle_cmp(a, b)) AS cmp
FROM (VALUES (1, 'bob'::handle, 'BOB'::handle), (2, 'bob', 'bobby'), (3, 'b.b', 'b_b'), (4, 'B_b', 'bab'), (5, 'z', 'Za'),
	(6, '-a', '.a'), (7, '9', '_'), (8, '0', '.')) c (n, a, b) ORDER BY n;
SELECT h, t, h < t AS lt, h <= t AS le, h = t AS eq, h <> t AS ne, h >= t AS ge, h > t AS gt,
	t < h AS tlt, t <= h AS tle, t = h AS teq, t <> h AS tne, t >= h AS tge, t > h AS tgt,
	sign(handle_cmp(h, t)) AS cmp, sign(handle_cmp(t, h)) AS tcmp
FROM (VALUES (1, 'bob'::handle, '@Bob'::text), (2, 'bob', 'BOB'), (3, 'Bob', '@@bob'), (4, 'bob', ''), (5, 'bob', '@'),
	(6, 'bob', 'bob '), (7, 'bob', U&'b\00F6b'), (8, 'bob', repeat('bob', 20))) c (n, h, t) ORDER BY n;
SELECT h FROM pet WHERE h = '@BOB'::text;
SELECT h FROM pet WHERE '@BOB'::varchar = h;
SELECT h FROM pet WHERE h = ANY ('{@BOB,ALICE,zed}') ORDER BY h;
SELECT h FROM pet WHERE h IN ('@BOB'::text, 'zed'::text);
SELECT h FROM pet WHERE h NOT IN ('@bob', 'CAROL') ORDER BY h;
SELECT min(h), max(h), count(DISTINCT h) FROM (SELECT h FROM pet UNION ALL SELECT upper(h::text)::handle FROM pet) p;
SELECT min(h) IS NULL AS min_of_none FROM pet WHERE false;
SELECT 'Billy.Goat'::handle LIKE '%gOAt' AS any_case, 'Billy.Goat'::handle ILIKE 'billy_goat' AS any_letter,
	'Billy.Goat'::handle LIKE 'goat' AS whole, 'Billy.Goat'::handle NOT LIKE 'b%' AS not_like, 'Billy.Goat'::handle NOT ILIKE 'goat%' AS not_ilike;
SELECT greatest('a'::handle, 'B', 'c') AS greatest, least('C'::handle, 'b', 'A') AS least, nullif('Bob'::handle, 'bOB') IS NULL AS same;
SELECT 'Bob'::handle IS DISTINCT FROM 'bOB'::handle AS distinct_from, row('Bob'::handle) = row('bOB'::handle) AS row_eq,
	ARRAY['Bob'::handle] = ARRAY['bOB'::handle] AS array_eq, 'Bob'::handle = ALL (ARRAY['BOB', '@bob']) AS eq_all;

--
-- 20,000 handles of 1 to 30 characters, many with a common beginning of more
-- than the 12 characters that an abbreviated key holds
--
CREATE TABLE herd AS
SELECT n, CASE n % 4
	WHEN 0 THEN pg_temp.word(n, 1 + n % 30, :'letters')
	WHEN 1 THEN 'Goat_Farm.Inc' || pg_temp.word(n, n % 18, :'letters')
	WHEN 2 THEN upper('the.real.goat') || pg_temp.word(n, n % 3, 'aB_.-9')
	ELSE 'the.real.goatherd-' || pg_temp.word(n, n % 13, 'aAbB._-09zZ') END::handle AS h
FROM generate_series(1, 20000) n;
ANALYZE herd;
SELECT count(*) AS handles, min(char_length(h::text)) AS shortest, max(char_length(h::text)) AS longest,
	count(*) FILTER (WHERE char_length(h::text) > 12) > 10000 AS many_long FROM herd;

-- A sort agrees with the sort of the lower-cased text, both ways.
CREATE FUNCTION pg_temp.out_of_order(direction text) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
	misplaced bigint;
BEGIN
	EXECUTE format($q$
		SELECT count(*) FROM (SELECT lower(h::text) AS t, row_number() OVER (ORDER BY h %1$s) AS place FROM herd) a
		JOIN (SELECT lower(h::text) AS t, row_number() OVER (ORDER BY lower(h::text) COLLATE "C" %1$s) AS place FROM herd) b
			USING (place) WHERE a.t COLLATE "C" <> b.t$q$, direction) INTO misplaced;
	RETURN misplaced;
END
$$;
SELECT pg_temp.out_of_order('ASC') AS ascending, pg_temp.out_of_order('DESC') AS descending;
-- on disk too
SET work_mem = '64kB';
SELECT pg_temp.out_of_order('ASC') AS on_disk;
RESET work_mem;
SELECT lower(min(h)::text) = min(lower(h::text) COLLATE "C") AS min, lower(max(h)::text) = max(lower(h::text) COLLATE "C") AS max FROM herd;

-- DISTINCT, GROUP BY and every join agree
SELECT count(DISTINCT lower(h::text)) AS distinct_handles FROM herd \gset
SET enable_sort = off; SET enable_hashagg = on;
SELECT count(*) = :distinct_handles AS hashed FROM (SELECT DISTINCT h FROM herd) d;
SELECT count(*) = :distinct_handles AND sum(c) = 20000 AS hash_grouped FROM (SELECT h, count(*) AS c FROM herd GROUP BY h) d;
RESET enable_sort; SET enable_hashagg = off;
SELECT count(*) = :distinct_handles AS sorted FROM (SELECT DISTINCT h FROM herd) d;
SELECT count(*) = :distinct_handles AND sum(c) = 20000 AS sort_grouped FROM (SELECT h, count(*) AS c FROM herd GROUP BY h) d;
RESET enable_hashagg;
SELECT count(*) = :distinct_handles AS unioned FROM (SELECT h FROM herd UNION SELECT upper(h::text)::handle FROM herd) u;

CREATE TABLE other AS
SELECT n, h, t FROM (SELECT n, upper(h::text)::handle AS h, '@' || lower(h::text) AS t FROM herd WHERE n % 7 = 0
	UNION ALL SELECT n, pg_temp.word(n, 9, :'letters')::handle, 'no handle ' || n FROM herd WHERE n % 11 = 0) o;
ANALYZE other;
SELECT count(*) AS h_matches FROM (SELECT lower(h::text) AS l FROM herd) a JOIN (SELECT lower(h::text) AS l FROM other) b USING (l) \gset
SELECT count(*) AS t_matches FROM (SELECT '@' || lower(h::text) AS l FROM herd) a JOIN (SELECT t AS l FROM other) b USING (l) \gset
SELECT :h_matches > 10000 AS many_h, :t_matches > 10000 AS many_t;
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT 'Hash Join' = ANY (pg_temp.plan_nodes('SELECT FROM herd a JOIN other b ON a.h = b.h')) AS h_hashed,
	'Hash Join' = ANY (pg_temp.plan_nodes('SELECT FROM herd a JOIN other b ON a.h = b.t')) AS t_hashed,
	'Hash Join' = ANY (pg_temp.plan_nodes('SELECT FROM herd a JOIN other b ON b.t = a.h')) AS ht_hashed;
SELECT count(*) = :h_matches AS h_agrees FROM herd a JOIN other b ON a.h = b.h;
SELECT count(*) = :t_matches AS t_agrees FROM herd a JOIN other b ON a.h = b.t;
SELECT count(*) = :t_matches AS ht_agrees FROM herd a JOIN other b ON b.t = a.h;
SET work_mem = '64kB';
SELECT count(*) = :t_matches AS t_agrees_in_batches FROM herd a JOIN other b ON a.h = b.t;
RESET work_mem;
SET enable_hashjoin = off; RESET enable_mergejoin;
SELECT 'Merge Join' = ANY (pg_temp.plan_nodes('SELECT FROM herd a JOIN other b ON a.h = b.h')) AS h_merged;
SELECT count(*) = :h_matches AS h_agrees FROM herd a JOIN other b ON a.h = b.h;
SELECT 'Merge Join' = ANY (pg_temp.plan_nodes('SELECT FROM herd a JOIN other b ON a.h = b.t')) AS t_merged;
SELECT count(*) = :t_matches AS t_agrees FROM herd a JOIN other b ON a.h = b.t;
SELECT count(*) = :t_matches AS ht_agrees FROM other b JOIN herd a ON b.t = a.h;
SET enable_mergejoin = off; RESET enable_nestloop;
SELECT 'Nested Loop' = ANY (pg_temp.plan_nodes('SELECT FROM herd a JOIN other b ON a.h = b.h')) AS h_looped;
SELECT (SELECT count(*) FROM herd a JOIN other b ON a.h = b.h WHERE a.n <= 300)
		= (SELECT count(*) FROM herd a JOIN other b ON lower(a.h::text) = lower(b.h::text) WHERE a.n <= 300) AS h_agrees,
	(SELECT count(*) FROM herd a JOIN other b ON a.h = b.t WHERE a.n <= 300)
		= (SELECT count(*) FROM herd a JOIN other b ON '@' || lower(a.h::text) = b.t WHERE a.n <= 300) AS t_agrees;
RESET enable_hashjoin; RESET enable_mergejoin;

-- parallel: sorts, hashes and the two aggregates in worker processes
SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
SELECT 'Gather Merge' = ANY (pg_temp.plan_nodes('SELECT h FROM herd ORDER BY h')) AS sorts,
	'Gather' = ANY (pg_temp.plan_nodes('SELECT min(h), max(h) FROM herd')) AS aggregates;
SELECT pg_temp.out_of_order('ASC') AS parallel_sort;
SELECT count(*) AS misplaced FROM (SELECT h, lag(h) OVER () AS before FROM (SELECT h FROM herd ORDER BY h OFFSET 0) s) o
WHERE before > h;
SELECT lower(min(h)::text) = min(lower(h::text) COLLATE "C") AS min, lower(max(h)::text) = max(lower(h::text) COLLATE "C") AS max FROM herd;
SELECT count(*) = :distinct_handles AS grouped FROM (SELECT h FROM herd GROUP BY h) d;
SELECT count(*) = :t_matches AS joined FROM herd a JOIN other b ON a.h = b.t;
RESET min_parallel_table_scan_size; RESET parallel_setup_cost; RESET parallel_tuple_cost;
RESET max_parallel_workers_per_gather;

--
-- Against an oracle: 20,000 strings, some of them hostile
--
CREATE TABLE soup AS
SELECT n, CASE WHEN n % 3 = 0 THEN '@' ELSE '' END || pg_temp.word(n, n % 35, CASE
	WHEN n % 8 = 0 THEN 'aZ09._-@ ' || chr(9) || chr(10) || chr(1) || chr(31) || chr(127) || U&'\00FC\00DF\0130\0131\212A\017F\+01F410\200B\FEFF/\\%''"'
	WHEN n % 8 = 1 THEN repeat(:'letters', 4) || '@ ' || U&'\00FC\+01F410' || chr(10)
	WHEN n % 8 = 2 THEN 'aAbB'
	ELSE :'letters' END) AS t
FROM generate_series(1, 20000) n;
ALTER TABLE soup ADD valid text;
UPDATE soup SET valid = pg_temp.try_handle(t);
SELECT count(*) AS disagree FROM soup
WHERE (valid IS NOT NULL) <> (t ~ '^@?[A-Za-z0-9._-]{1,30}$') OR valid <> regexp_replace(t, '^@', '');
SELECT count(valid) > 5000 AS many_valid, count(*) - count(valid) > 3000 AS many_invalid FROM soup;

-- pairs of valid handles: neighbours, case variants, beginnings, one character changed
CREATE TABLE pair AS
SELECT a::handle AS a, b::handle AS b, lower(a COLLATE "C") COLLATE "C" AS la, lower(b COLLATE "C") COLLATE "C" AS lb
FROM (SELECT valid AS a, lead(valid) OVER (ORDER BY n) AS b FROM soup WHERE valid IS NOT NULL
	UNION ALL SELECT valid, upper(valid COLLATE "C") FROM soup
	UNION ALL SELECT valid, lower(valid COLLATE "C") FROM soup
	UNION ALL SELECT valid, left(valid, greatest(1, n % 30)) FROM soup
	UNION ALL SELECT valid, left(valid, -1) || substr(:'letters', 1 + n % 65, 1) FROM soup
	UNION ALL SELECT valid, substr(:'letters', 1 + n % 65, 1) || substr(valid, 2) FROM soup) p
WHERE a IS NOT NULL AND b IS NOT NULL;
SELECT count(*) > 30000 AS many, count(*) FILTER (WHERE la = lb) > 10000 AS many_equal FROM pair;
SELECT count(*) AS disagree FROM pair
WHERE (a < b) <> (la < lb) OR (a <= b) <> (la <= lb) OR (a = b) <> (la = lb) OR (a <> b) <> (la <> lb)
	OR (a >= b) <> (la >= lb) OR (a > b) <> (la > lb)
	OR sign(handle_cmp(a, b)) <> CASE WHEN la < lb THEN -1 WHEN la > lb THEN 1 ELSE 0 END
	OR sign(handle_cmp(a, b)) <> -sign(handle_cmp(b, a))
	OR lower(handle_larger(a, b)::text) COLLATE "C" <> greatest(la, lb) OR lower(handle_smaller(a, b)::text) COLLATE "C" <> least(la, lb);
SELECT count(*) AS disagree FROM pair
WHERE (handle_hash(a) = handle_hash(b)) <> (la = lb)
	OR (handle_hash_extended(a, 42) = handle_hash_extended(b, 42)) <> (la = lb)
	OR (handle_hash_extended(a, 0) & 4294967295) <> (handle_hash(a)::bigint & 4294967295)
	OR handle_hash_extended(a, 42) = handle_hash_extended(a, 43)
	OR handle_hash(a) <> handle_hash('@' || upper(a::text))
	OR handle_hash_extended(a, 42) <> handle_hash_extended('@' || upper(a::text), 42);
-- a handle and any text, hostile ones too: bytes without case, after one '@'
SELECT count(*) AS disagree FROM (
	SELECT soup.valid::handle AS h, o.t, lower(soup.valid COLLATE "C") COLLATE "C" AS lh,
		lower(regexp_replace(o.t, '^@', '') COLLATE "C") COLLATE "C" AS lt
	FROM soup CROSS JOIN LATERAL (VALUES (soup.n), (soup.n + 1), ((soup.n::bigint * 7919) % 20000)) k (n)
	JOIN soup o ON o.n = k.n WHERE soup.valid IS NOT NULL) p
WHERE (h < t) <> (lh < lt) OR (h <= t) <> (lh <= lt) OR (h = t) <> (lh = lt) OR (h <> t) <> (lh <> lt)
	OR (h >= t) <> (lh >= lt) OR (h > t) <> (lh > lt)
	OR (t < h) <> (lt < lh) OR (t <= h) <> (lt <= lh) OR (t = h) <> (lt = lh) OR (t <> h) <> (lt <> lh)
	OR (t >= h) <> (lt >= lh) OR (t > h) <> (lt > lh)
	OR (lh = lt AND handle_hash(h) <> handle_hash(t)) OR (lh = lt AND handle_hash_extended(h, 7) <> handle_hash_extended(t, 7));

-- and two texts, as handles, by the operators that are there for the planner
SELECT count(*) AS disagree FROM (
	SELECT soup.t AS a, o.t AS b, lower(regexp_replace(soup.t, '^@', '') COLLATE "C") COLLATE "C" AS la,
		lower(regexp_replace(o.t, '^@', '') COLLATE "C") COLLATE "C" AS lb
	FROM soup CROSS JOIN LATERAL (VALUES (soup.n), (soup.n + 1), ((soup.n::bigint * 7919) % 20000)) k (n)
	JOIN soup o ON o.n = k.n) p
WHERE (a @< b) <> (la < lb) OR (a @<= b) <> (la <= lb) OR (a @= b) <> (la = lb) OR (a @<> b) <> (la <> lb)
	OR (a @>= b) <> (la >= lb) OR (a @> b) <> (la > lb) OR sign(handle_cmp(a, b)) <> CASE WHEN la < lb THEN -1 WHEN la > lb THEN 1 ELSE 0 END;
-- = of two texts is still the server's: with case, and '@' counts
SELECT 'Bob'::text = 'bob'::text AS same_case, 'bob'::text = '@bob'::text AS same_at, 'Bob'::text @= '@bob'::text AS as_handles;
-- two texts that a handle equals need not be equal themselves
SELECT count(*) AS both FROM (VALUES ('Bob'::handle, '@bob'::text, 'BOB'::text)) v (h, t, u) WHERE h = t AND h = u;
SELECT count(*) AS chained FROM pet p JOIN (VALUES ('@BOB'::text)) a (t) ON p.h = a.t JOIN (VALUES ('bob'::text)) b (u) ON p.h = b.u;

--
-- Indexes
--
CREATE TABLE pen (h handle NOT NULL, owner text NOT NULL, weight integer NOT NULL);
INSERT INTO pen SELECT DISTINCT ON (h) h, CASE n % 5 WHEN 0 THEN 'regress_goatherd' ELSE 'postgres' END, n FROM herd ORDER BY h, n;
CREATE UNIQUE INDEX pen_h_key ON pen (h);
VACUUM ANALYZE pen;
SELECT pg_temp.answer($$INSERT INTO pen SELECT upper(h::text)::trackagoat.handle, owner, 0 FROM pen WHERE h::text <> upper(h::text) LIMIT 1$$);
INSERT INTO pen SELECT lower(h::text), 'again', 0 FROM pen ORDER BY h LIMIT 100
ON CONFLICT (h) DO UPDATE SET weight = -1 WHERE pen.h = excluded.h;
SELECT count(*) FILTER (WHERE weight = -1) AS updated, count(*) FILTER (WHERE owner = 'again') AS inserted FROM pen;

SET enable_indexonlyscan = off;
EXPLAIN (COSTS OFF) SELECT owner FROM pen WHERE h = '@Goat_Farm.Inc';
EXPLAIN (COSTS OFF) SELECT owner FROM pen WHERE h = '@Goat_Farm.Inc'::text;
EXPLAIN (COSTS OFF) SELECT owner FROM pen WHERE '@Goat_Farm.Inc'::text = h;
EXPLAIN (COSTS OFF) SELECT h FROM pen ORDER BY h LIMIT 10;
EXPLAIN (COSTS OFF) SELECT h FROM pen ORDER BY h DESC LIMIT 10;
EXPLAIN (COSTS OFF) SELECT h FROM pen WHERE h > 'the' ORDER BY h LIMIT 10;
SELECT 'Index Scan' = ANY (pg_temp.plan_nodes('SELECT min(h), max(h) FROM pen')) AS min_max_indexed;
RESET enable_indexonlyscan;
-- every handle is found by the index, by handle and by text
SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
SELECT count(*) = 20000 AS all_by_handle FROM herd JOIN pen ON pen.h = upper(herd.h::text)::handle;
SELECT count(*) = 20000 AS all_by_text FROM herd JOIN pen ON pen.h = '@' || upper(herd.h::text);
SELECT 'Index Scan' = ANY (n) OR 'Index Only Scan' = ANY (n) AS indexed
FROM pg_temp.plan_nodes('SELECT FROM herd JOIN pen ON pen.h = ''@'' || upper(herd.h::text)') n;
DROP INDEX pen_h_key;
CREATE INDEX pen_h_hash ON pen USING hash (h);
SELECT count(*) = 20000 AS all_by_hash FROM herd JOIN pen ON pen.h = upper(herd.h::text)::handle;
SELECT count(*) = 20000 AS all_by_text_hash FROM herd JOIN pen ON pen.h = '@' || upper(herd.h::text);
DROP INDEX pen_h_hash;
RESET enable_seqscan; RESET enable_hashjoin; RESET enable_mergejoin;
CREATE UNIQUE INDEX pen_h_key ON pen (h);

-- Row-level security with a predicate that is not leakproof keeps the index,
-- since the comparisons are.
CREATE ROLE regress_goatherd;
GRANT USAGE ON SCHEMA trackagoat, public TO regress_goatherd;
GRANT SELECT ON pen TO regress_goatherd;
CREATE FUNCTION is_mine(owner text) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN owner = current_user; END';
GRANT EXECUTE ON FUNCTION is_mine(text) TO regress_goatherd;
ALTER TABLE pen ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON pen FOR SELECT USING (is_mine(owner));
ANALYZE pen;
SET ROLE regress_goatherd;
EXPLAIN (COSTS OFF) SELECT owner FROM pen WHERE h = '@Goat_Farm.Inc';
EXPLAIN (COSTS OFF) SELECT owner FROM pen WHERE h = '@Goat_Farm.Inc'::text;
EXPLAIN (COSTS OFF) SELECT owner FROM pen WHERE h >= 'the' AND h < 'tho';
EXPLAIN (COSTS OFF) SELECT h FROM pen ORDER BY h LIMIT 10;
SELECT count(*) > 100 AS some, count(*) FILTER (WHERE owner <> 'regress_goatherd') AS foreign_rows FROM pen;
RESET ROLE;

--
-- The catalogue
--
SELECT oprcode::regprocedure AS function, provolatile AS vol, proisstrict AS strict, proleakproof AS leakproof, proparallel AS par
FROM pg_operator o JOIN pg_proc p ON p.oid = oprcode WHERE oprnamespace = 'trackagoat'::regnamespace ORDER BY oprname COLLATE "C", 1;
SELECT o.oid::regoperator AS operator, o.oprcom::regoperator AS commutator, o.oprnegate::regoperator AS negator,
	o.oprrest AS restrict, o.oprjoin AS join, o.oprcanhash AS hash, o.oprcanmerge AS merge
FROM pg_operator o WHERE oprnamespace = 'trackagoat'::regnamespace ORDER BY oprname COLLATE "C", oprleft::regtype::text, oprright::regtype::text;
SELECT o.oid::regoperator AS wrong FROM pg_operator o
LEFT JOIN pg_operator c ON c.oid = o.oprcom LEFT JOIN pg_operator n ON n.oid = o.oprnegate
WHERE o.oprnamespace = 'trackagoat'::regnamespace AND NOT coalesce(
	c.oprcom = o.oid AND c.oprleft = o.oprright AND c.oprright = o.oprleft AND c.oprresult = o.oprresult
	AND n.oprnegate = o.oid AND n.oid <> o.oid AND n.oprleft = o.oprleft AND n.oprright = o.oprright AND n.oprresult = 'bool'::regtype
	AND (ltrim(o.oprname, '@'), ltrim(c.oprname, '@'), ltrim(n.oprname, '@')) IN (('=', '=', '<>'), ('<>', '<>', '='), ('<', '>', '>='), ('>=', '<=', '<'), ('>', '<', '<='), ('<=', '>=', '>')), false);
-- what commutes and negates in the catalogue does so in fact
SELECT count(*) AS wrong FROM pair WHERE (a < b) <> (b > a) OR (a <= b) <> (b >= a) OR (a = b) <> (b = a)
	OR (a < b) = (a >= b) OR (a > b) = (a <= b) OR (a = b) = (a <> b);
-- equal handles differ in bytes: no equalimage (4), so no deduplication
SELECT amname, amproclefttype::regtype AS left, amprocrighttype::regtype AS right, amprocnum, amproc
FROM pg_amproc p JOIN pg_opfamily f ON f.oid = amprocfamily JOIN pg_am a ON a.oid = opfmethod
WHERE opfnamespace = 'trackagoat'::regnamespace ORDER BY 1, 4, 2, 3;
SELECT amname, amoplefttype::regtype AS left, amoprighttype::regtype AS right, string_agg(amopstrategy || ' ' || oprname, ', ' ORDER BY amopstrategy) AS operators
FROM pg_amop p JOIN pg_opfamily f ON f.oid = amopfamily JOIN pg_am a ON a.oid = opfmethod JOIN pg_operator o ON o.oid = amopopr
WHERE opfnamespace = 'trackagoat'::regnamespace GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- every pair of types has its operators; text and text have them under names
-- that nobody writes, so that = of two texts stays what it is
SELECT amname, amvalidate(c.oid) AS complete FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
WHERE opcnamespace = 'trackagoat'::regnamespace ORDER BY 1;
-- input and output functions are those of the type, and have its signature
SELECT typinput, typoutput, typreceive, typsend, typelem, typdefault IS NULL AS no_default FROM pg_type WHERE oid = 'trackagoat.handle'::regtype;
SELECT typname FROM pg_type t JOIN pg_proc i ON i.oid = typinput JOIN pg_proc o ON o.oid = typoutput
	JOIN pg_proc r ON r.oid = typreceive JOIN pg_proc s ON s.oid = typsend
WHERE t.oid = 'trackagoat.handle'::regtype AND NOT (i.prorettype = t.oid AND i.proargtypes::text = 'cstring'::regtype::oid::text
	AND o.prorettype = 'cstring'::regtype AND o.proargtypes::text = t.oid::text
	AND r.prorettype = t.oid AND r.proargtypes::text = 'internal'::regtype::oid::text
	AND s.prorettype = 'bytea'::regtype AND s.proargtypes::text = t.oid::text);
SELECT aggfnoid::regprocedure AS aggregate, aggtransfn, aggcombinefn, aggsortop::regoperator FROM pg_aggregate a JOIN pg_proc p ON p.oid = aggfnoid
WHERE pronamespace = 'trackagoat'::regnamespace AND proname IN ('max', 'min') ORDER BY 1;

DROP TABLE pet, herd, other, soup, pair, pen;
DROP FUNCTION is_mine(text);
REVOKE USAGE ON SCHEMA trackagoat, public FROM regress_goatherd;
DROP ROLE regress_goatherd;
