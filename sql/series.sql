-- The type trackagoat.series: text, appending, reading, and sums of many.
SET client_min_messages = warning;
SET search_path TO public, trackagoat;
-- the output is the same whatever the server's settings are
SET timezone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET jit = off;

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
	RETURN CASE WHEN state LIKE 'PT%' THEN concat_ws(' | ', state, message, detail, hint)
		WHEN message LIKE '%type series%' THEN concat_ws(' | ', state, message, detail)
		ELSE concat_ws(' | ', state, message) END;
END
$$;
CREATE FUNCTION pg_temp.try_series(input text) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.answer(format('SELECT %L::trackagoat.series', input)) $$;
-- Points as rows of a table, back as a series by way of its text.
CREATE FUNCTION pg_temp.point_text(at timestamptz, levels bigint[]) RETURNS text LANGUAGE sql AS
$$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z" ') || array_to_string(levels, ',', '-') $$;

--
-- Text
--
SELECT pg_temp.try_series(v) AS series, pg_temp.try_series(v) = v AS kept
FROM unnest(ARRAY['1', '16', '2; 2026-01-01T00:00:00Z 10,-', '2; 2026-01-01T00:00:00Z -,-',
	'1; 2026-01-01T00:00:00Z 1; 2026-01-01T00:00:00.000001Z 2; 2026-01-01T00:00:01.5Z 3',
	'1; 0001-01-01T00:00:00Z 1; 9999-12-31T23:59:59.999999Z 2',
	'1; 2026-01-01T00:00:00Z 9223372036854775807; 2026-01-02T00:00:00Z -9223372036854775808; 2026-01-03T00:00:00Z 0',
	'1; 2026-01-01T00:00:00Z 1 ~; 2026-01-02T00:00:00Z 2 !; 2026-01-03T00:00:00Z 3 ~ !; 2026-01-04T00:00:00Z - ! #1',
	'1; 2026-01-01T00:00:00Z 1 #32767; 2026-01-02T00:00:00Z 2; 2026-01-03T00:00:00Z 3 ~ ! #7',
	'2; @2026-01-01T00:00:00Z 90,-; 2026-01-02T12:00:00Z 100,7 ~ #3', '2; @2026-01-01T00:00:00Z -,-', '1; @1999-12-31T23:59:59.999999Z 5',
	'16; 2026-01-01T00:00:00Z 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16; 2026-01-02T00:00:00Z -,-,-,-,-,-,-,-,-,-,-,-,-,-,-,17']) WITH ORDINALITY u (v, n)
ORDER BY n;
-- other ways to write the same
SELECT pg_temp.try_series(v) AS series FROM unnest(ARRAY['1;', ' 1 ; ', '  2;2026-01-01T00:00:00Z   1,2;  2026-01-02T00:00:00Z 3,4 ;',
	'1; 2026-01-01T02:00:00+02 7', '1; 2026-01-01T00:00:00Z 1 ! ~', '1; 2026-01-01T00:00:00Z 1 #0', '1; 2026-01-01T00:00:00Z +5', '1; 2026-01-01T00:00:00Z -0',
	'1; 2026-01-01T00:00:00.0000004Z 1']) WITH ORDINALITY u (v, n)
ORDER BY n;
-- what is refused, and why
SELECT pg_temp.try_series(v) AS refusal
FROM unnest(ARRAY['', ' ', 'x', '0', '17', '-1', '99999999999999999999', '1x', '1 2', '1 2026-01-01T00:00:00Z 5',
	'1; ;', '1;; 2026-01-01T00:00:00Z 5', '1; 2026-01-01T00:00:00Z', '1; 5',
	'2; 2026-01-01T00:00:00Z 1', '1; 2026-01-01T00:00:00Z 1,2', '2; 2026-01-01T00:00:00Z 1,', '2; 2026-01-01T00:00:00Z ,1', '2; 2026-01-01T00:00:00Z 1, 2',
	'1; 2026-01-01T00:00:00Z x', '1; 2026-01-01T00:00:00Z 1.5', '1; 2026-01-01T00:00:00Z 9223372036854775808', '1; 2026-01-01T00:00:00Z --',
	'1; yesteryear 1', '1; 2026-13-01T00:00:00Z 1', '1; infinity 1', '1; -infinity 1', '1; 10000-01-01T00:00:00Z 1',
	'1; 2026-01-01T00:00:00Z 1; 2026-01-01T00:00:00Z 2', '1; 2026-01-02T00:00:00Z 1; 2026-01-01T00:00:00Z 2',
	'1; 2026-01-01T00:00:00Z 1 ?', '1; 2026-01-01T00:00:00Z 1 #', '1; 2026-01-01T00:00:00Z 1 #-1', '1; 2026-01-01T00:00:00Z 1 #1x', '1; 2026-01-01T00:00:00Z 1 #32768',
	'1; 2026-01-01T00:00:00Z 1 #123456', '1; 2026-01-01T00:00:00Z 1 ~~', '1; 2026-01-01T00:00:00Z 1; @2026-01-02T00:00:00Z 2',
	'1; @2026-01-01T00:00:00Z 1; @2026-01-02T00:00:00Z 2', '1; @2026-01-01T00:00:00Z 1 ~', '1; @2026-01-01T00:00:00Z 1 #4', '1; @2026-01-01T00:00:00Z 1 !',
	'1; @2026-01-02T00:00:00Z 1; 2026-01-02T00:00:00Z 2', '1; @ 2026-01-02T00:00:00Z 1', repeat('goat ', 40)]) WITH ORDINALITY u (v, n)
ORDER BY n;
SELECT pg_temp.answer('SELECT NULL::trackagoat.series') IS NULL AS null_is_null;
SELECT typlen, typbyval, typalign, typstorage, typcategory FROM pg_type WHERE oid = 'series'::regtype;

-- the text is the same under any setting, and comes to the same value
CREATE TABLE written (zone text, style text, t text, s bytea);
CREATE FUNCTION pg_temp.write_under(zone text, style text) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('timezone', zone, true), set_config('datestyle', style, true);
	INSERT INTO public.written SELECT zone, style, s::text, trackagoat.series_send(s::text::trackagoat.series)
	FROM (SELECT '2; @1066-10-14T09:00:00Z 1,-; 2026-03-29T01:30:00.25Z 2,3 ~; 2026-10-25T01:30:00Z -,4 ! #2'::trackagoat.series) v (s);
END
$$;
SELECT pg_temp.write_under(zone, style) FROM unnest(ARRAY['UTC', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe']) zone,
	unnest(ARRAY['ISO, DMY', 'SQL, MDY', 'Postgres, MDY', 'German, DMY']) style;
SET timezone = 'UTC';
SET DateStyle = 'ISO, YMD';
SELECT t, count(*), count(DISTINCT s) FROM written GROUP BY t;
DROP TABLE written;

--
-- Appending
--
SELECT series(1), series(16), series(NULL) IS NULL AS of_null;
SELECT pg_temp.answer(s) FROM (VALUES (1, 'SELECT trackagoat.series(0)'), (2, 'SELECT trackagoat.series(17)'), (3, 'SELECT trackagoat.series(-1)')) c (n, s) ORDER BY n;

CREATE TABLE goat (s series);
INSERT INTO goat VALUES (series(2));
UPDATE goat SET s = series_append(s, '2026-01-05Z', '{50,5}');
UPDATE goat SET s = series_append(s, '2026-01-06Z', '{60,NULL}');
SELECT s AS in_order FROM goat;
UPDATE goat SET s = series_append(s, '2026-01-01Z', '{10,NULL}', exact => false);
UPDATE goat SET s = series_append(s, '2026-01-05 12:00:00.000001Z', '{NULL,6}', source => 3);
SELECT s AS before_and_between FROM goat;
-- one moment: what is known completes and corrects, a break stays, the later is as exact as it is
UPDATE goat SET s = series_append(s, '2026-01-06Z', '{NULL,7}', false, false, 4);
SELECT s AS completed FROM goat;
UPDATE goat SET s = series_append(s, '2026-01-06Z', '{61,NULL}');
SELECT s AS corrected FROM goat;
UPDATE goat SET s = series_append(s, '2026-01-01Z', '{NULL,NULL}', is_break => true);
UPDATE goat SET s = series_append(s, '2026-01-01Z', '{11,1}');
SELECT s AS broken FROM goat;
UPDATE goat SET s = series_append(s, '2026-01-07Z', '{NULL,NULL}');
SELECT s AS nothing_known FROM goat;
-- what an anchor covers is settled
SELECT series_append(s::series, at, '{9}') FROM (VALUES (1, '1; @2026-01-02T00:00:00Z 5', '2026-01-01Z'::timestamptz), (2, '1; @2026-01-02T00:00:00Z 5', '2026-01-02Z'),
	(3, '1; @2026-01-02T00:00:00Z 5', '2026-01-02 00:00:00.000001Z'), (4, '1; @2026-01-02T00:00:00Z 5; 2026-01-04T00:00:00Z 7', '2026-01-01Z'),
	(5, '1; @2026-01-02T00:00:00Z 5; 2026-01-04T00:00:00Z 7', '2026-01-03Z')) c (n, s, at) ORDER BY n;
SELECT pg_temp.answer('SELECT trackagoat.series_append(' || a || ')') FROM (VALUES
	(1, $$'2', '2026-01-01Z', '{1}'$$), (2, $$'2', '2026-01-01Z', '{1,2,3}'$$), (3, $$'2', '2026-01-01Z', '{}'$$),
	(4, $$'1', 'infinity', '{1}'$$), (5, $$'1', '-infinity', '{1}'$$), (6, $$'1', '0001-12-31 23:59:59Z BC', '{1}'$$), (7, $$'1', '10000-01-01Z', '{1}'$$),
	(8, $$'1', '2026-01-01Z', '{1}', true, false, -1$$), (9, $$'1', '2026-01-01Z', '{1}', true, false, 32768$$), (10, $$'1', '2026-01-01Z', '{1}', true, false, 32767$$),
	(11, $$NULL, '2026-01-01Z', '{1}'$$), (12, $$'1', NULL, '{1}'$$), (13, $$'1', '2026-01-01Z', NULL$$), (14, $$'1', '2026-01-01Z', '{1}', NULL$$),
	(15, $$'1', '0001-01-01Z', '{1}'$$), (16, $$'1', '9999-12-31 23:59:59.999999Z', '{1}'$$)) c (n, a) ORDER BY n;

-- changes of every width in bits, up and down, over several blocks: what goes in comes out
CREATE TABLE wide AS
SELECT w AS width, i, '2026-01-01Z'::timestamptz + i * i * CASE w % 3 WHEN 0 THEN interval '1 microsecond' WHEN 1 THEN interval '1 second' ELSE interval '7 hours' END AS at,
	ARRAY[CASE WHEN i % 5 <> w % 7 THEN hashint8extended(i, w) >> (64 - w) END,
		CASE WHEN w = 64 AND i % 2 = 1 THEN -9223372036854775808 WHEN w = 64 THEN 9223372036854775807 ELSE ((1::bigint << (w - 1)) - 1) * (i % 2) END, 42] AS levels
FROM generate_series(1, 64) w, generate_series(1, 40) i;
CREATE TABLE widths AS
SELECT width, ('3; ' || string_agg(pg_temp.point_text(at, levels), '; ' ORDER BY i))::series AS s FROM wide GROUP BY width;
SELECT count(*) AS widths, sum(n) AS points, bool_and(same) AS same FROM widths w,
LATERAL (SELECT count(*), bool_and(p.levels = v.levels OR (p.levels[1] IS NULL AND v.levels[1] IS NULL AND p.levels[2:3] = v.levels[2:3]))
	FROM series_points(w.s) p JOIN wide v ON v.width = w.width AND v.at = p.observed_at) c (n, same);
-- built point by point, and back from the text, each has the very same bytes
CREATE FUNCTION pg_temp.append(s series, at timestamptz, levels bigint[]) RETURNS series LANGUAGE sql AS 'SELECT trackagoat.series_append(s, at, levels)';
CREATE AGGREGATE pg_temp.series_of(timestamptz, bigint[]) (SFUNC = pg_temp.append, STYPE = series, INITCOND = '3');
SELECT count(*) FILTER (WHERE series_send(forth) = series_send(w.s)) AS appended, count(*) FILTER (WHERE series_send(back) = series_send(w.s)) AS backwards,
	count(*) FILTER (WHERE series_send(w.s::text::series) = series_send(w.s)) AS read_again
FROM widths w, LATERAL (SELECT pg_temp.series_of(at, levels ORDER BY i), pg_temp.series_of(at, levels ORDER BY i DESC) FROM wide v WHERE v.width = w.width) x (forth, back);

--
-- Looking: the last known levels, the anchor, gains
--
CREATE TABLE sheep AS SELECT '2; 2026-01-01T00:00:00Z 100,-; 2026-01-03T00:00:00Z -,7; 2026-01-05T00:00:00Z 90,9; 2026-01-05T12:00:00Z -,-; 2026-01-06T00:00:00Z 5,- !; 2026-01-08T00:00:00Z 8,2'::series AS s;
SELECT at, series_at(s, at) FROM sheep, unnest(ARRAY['-infinity', '2025-12-31 23:59:59.999999Z', '2026-01-01Z', '2026-01-02Z', '2026-01-03Z', '2026-01-05 06:00Z',
	'2026-01-05 23:59:59.999999Z', '2026-01-06Z', '2026-01-08Z', 'infinity']::timestamptz[]) WITH ORDINALITY u (at, n) ORDER BY n;
SELECT series_at(series(1), 'infinity') IS NULL AS of_none, series_at('1; @2026-01-01T00:00:00Z 5', '2025-12-31Z') IS NULL AS before_anchor,
	series_at('1; @2026-01-01T00:00:00Z 5', '2026-01-01Z') AS at_anchor, series_at('2; @2026-01-01T00:00:00Z -,-', 'infinity') AS anchor_of_nothing,
	series_at(NULL, now()) IS NULL AS null_series, series_at('1', NULL) IS NULL AS null_time;
SELECT series_anchor('1; @2026-01-01T00:00:00Z 5; 2026-01-02T00:00:00Z 6'), series_anchor('2; @2026-01-01T00:00:00Z -,5'), series_anchor('1; 2026-01-01T00:00:00Z 5') IS NULL AS none;
SELECT f, t, series_gain(s, f, t) FROM sheep, (VALUES (1, '-infinity'::timestamptz, 'infinity'::timestamptz), (2, '2026-01-01Z', '2026-01-01Z'), (3, '2026-01-01Z', '2026-01-05Z'),
	(4, '2026-01-05Z', '2026-01-05 00:00:00.000001Z'), (5, '2026-01-05 12:00Z', '2026-01-08Z'), (6, '2026-01-06Z', '2026-01-09Z'), (7, 'infinity', '-infinity')) c (n, f, t) ORDER BY n;
SELECT series_gain('1; @2026-01-01T00:00:00Z 5; 2026-01-02T00:00:00Z 6', '-infinity', 'infinity') AS from_anchor, series_gain(series(3), '-infinity', 'infinity') AS of_none,
	series_gain('1', NULL, now()) IS NULL AS of_null,
	-- what is too large wraps around, so that it comes and goes
	series_gain('1; 2026-01-01T00:00:00Z -9223372036854775808; 2026-01-02T00:00:00Z 9223372036854775807; 2026-01-03T00:00:00Z -9223372036854775808', '-infinity', 'infinity') AS extremes;
-- a moment within a block: what comes after a long gap, or in the next block, is not yet there
CREATE TABLE gap AS
SELECT ('1; ' || string_agg(pg_temp.point_text('2026-01-01Z'::timestamptz + i * interval '1 day' + CASE WHEN i > 8 THEN interval '100 days' ELSE '0' END, ARRAY[i * 100]), '; ' ORDER BY i))::series AS s
FROM generate_series(1, 50) i;
SELECT count(*) AS moments, count(*) FILTER (WHERE series_at(s, at) IS DISTINCT FROM (SELECT p.levels FROM series_points(s) p WHERE p.observed_at <= at ORDER BY p.observed_at DESC LIMIT 1)) AS wrong
FROM gap, generate_series('2026-01-01Z'::timestamptz, '2026-06-30Z', '6 hours') at;
-- against plain SQL: every width, moments on points and between them
SELECT count(*) AS looks, count(*) FILTER (WHERE series_at(w.s, v.at - m) IS DISTINCT FROM e.levels) AS wrong
FROM widths w JOIN wide v ON v.width = w.width, unnest(ARRAY['0', '1 microsecond']::interval[]) m,
LATERAL (SELECT CASE WHEN bool_or(true) THEN ARRAY[(array_agg(o.levels[1] ORDER BY o.at DESC) FILTER (WHERE o.levels[1] IS NOT NULL))[1],
	(array_agg(o.levels[2] ORDER BY o.at DESC))[1], (array_agg(o.levels[3] ORDER BY o.at DESC))[1]] END FROM wide o WHERE o.width = w.width AND o.at <= v.at - m) e (levels);

--
-- Points and buckets
--
SELECT p.* FROM sheep, series_points(s) p ORDER BY observed_at;
SELECT * FROM series_points('2; @2026-01-01T00:00:00Z 5,-; 2026-01-02T00:00:00Z 6,1 ~ #9');
SELECT count(*) FROM series_points(series(4));
SELECT count(*) FROM series_points(NULL);
SELECT b.* FROM sheep, series_buckets(s, 'day', 'UTC') b;
SELECT b.* FROM sheep, series_buckets(s, 'week', 'UTC') b;
SELECT b.* FROM sheep, series_buckets(s, 'month', 'UTC') b;
SELECT * FROM series_buckets('1; @2026-01-01T00:00:00Z 5; 2026-02-28T23:59:59Z 6; 2026-03-01T00:00:00Z 8', 'month', 'UTC');
SELECT count(*) FROM series_buckets(series(1), 'day', 'UTC');
SELECT count(*) FROM series_buckets('1; 2026-01-01T00:00:00Z 5', NULL, 'UTC');
SELECT pg_temp.answer(format('SELECT count(*) FROM trackagoat.series_buckets(%L, %L, %L)', '1', g, z))
FROM (VALUES (1, 'hour', 'UTC'), (2, 'DAY', 'UTC'), (3, '', 'UTC'), (4, 'day', ''), (5, 'day', 'Mars/Olympus'), (6, repeat('d', 500), 'UTC'), (7, 'day', repeat('z', 500))) c (n, g, z) ORDER BY n;

-- Clocks that change by an hour, by half of one, at midnight, over a whole day:
-- every hour and both sides of each midnight, as SQL has them.
CREATE TABLE zone AS SELECT z, d::timestamptz AS first, d::timestamptz + interval '14 days' AS last
FROM (VALUES ('UTC', '2026-03-20Z'), ('Europe/Vienna', '2026-03-22Z'), ('Europe/Vienna', '2026-10-18Z'), ('America/New_York', '2026-03-01Z'), ('America/New_York', '2026-10-25Z'),
	('Asia/Kolkata', '2026-01-25Z'), ('Asia/Kathmandu', '2026-02-22Z'), ('Australia/Lord_Howe', '2026-03-29Z'), ('Australia/Lord_Howe', '2026-09-27Z'),
	('America/Sao_Paulo', '2018-10-28Z'), ('America/Sao_Paulo', '2019-02-10Z'), ('Pacific/Apia', '2011-12-25Z'), ('Pacific/Chatham', '2026-03-29Z'), ('America/St_Johns', '2026-10-25Z'), ('Pacific/Kiritimati', '2026-12-25Z')) c (z, d);
CREATE TABLE tick AS
SELECT z, first, at, row_number() OVER (PARTITION BY z, first ORDER BY at) * 10 AS level FROM zone, LATERAL (
	SELECT h + m FROM generate_series(first, last, '1 hour') h, unnest(ARRAY['0', '29 minutes 59.999999 seconds', '30 minutes', '59 minutes 59.999999 seconds']::interval[]) m) t (at);
CREATE TABLE ticks AS SELECT z, first, ('1; ' || string_agg(pg_temp.point_text(at, ARRAY[level]), '; ' ORDER BY at))::series AS s FROM tick GROUP BY z, first;
SELECT z, first, g, count(*) AS buckets, count(*) FILTER (WHERE b.gains[1] IS DISTINCT FROM e.gain OR b.baselines[1] IS DISTINCT FROM e.baseline) AS wrong
FROM ticks, unnest(ARRAY['day', 'week', 'month']) g,
LATERAL (SELECT date_trunc(g, at AT TIME ZONE z)::date AS bucket, sum(CASE WHEN level = 10 THEN 0 ELSE 10 END) AS gain, sum(CASE WHEN level = 10 THEN 10 ELSE 0 END) AS baseline
	FROM tick k WHERE k.z = ticks.z AND k.first = ticks.first GROUP BY 1) e
FULL JOIN LATERAL series_buckets(s, g, z) b ON b.bucket = e.bucket
GROUP BY z, first, g HAVING count(*) FILTER (WHERE b.gains[1] IS DISTINCT FROM e.gain OR b.baselines[1] IS DISTINCT FROM e.baseline) > 0 OR g = 'day' ORDER BY z, first, g;

--
-- Merging, thinning, cutting
--
SELECT series_merge(a::series, b::series) FROM (VALUES (1, '1', '1'), (2, '1; 2026-01-01T00:00:00Z 1', '1'), (3, '1', '1; 2026-01-01T00:00:00Z 1'),
	(4, '2; 2026-01-01T00:00:00Z 1,-; 2026-01-03T00:00:00Z 3,3 ~ #1', '2; 2026-01-02T00:00:00Z 2,2; 2026-01-03T00:00:00Z 4,- #2'),
	(5, '1; 2026-01-01T00:00:00Z 1 !', '1; 2026-01-01T00:00:00Z -'), (6, '1; @2026-01-02T00:00:00Z 9; 2026-01-03T00:00:00Z 3', '1; 2026-01-01T00:00:00Z 1; 2026-01-04T00:00:00Z 4'),
	(7, '1; @2026-01-02T00:00:00Z 9', '1; @2026-01-03T00:00:00Z 8; 2026-01-04T00:00:00Z 7')) c (n, a, b) ORDER BY n;
SELECT pg_temp.answer($$SELECT trackagoat.series_merge('1', '2')$$), series_merge(NULL, '1') IS NULL AS null_first, series_merge('1', NULL) IS NULL AS null_second;
SELECT bool_and(series_send(series_merge(even, odd)) = series_send(w.s)) AND bool_and(series_send(series_merge(odd, even)) = series_send(w.s)) AS put_together
FROM widths w, LATERAL (SELECT ('3; ' || string_agg(pg_temp.point_text(at, levels), '; ' ORDER BY i) FILTER (WHERE i % 2 = 0))::series,
	('3; ' || string_agg(pg_temp.point_text(at, levels), '; ' ORDER BY i) FILTER (WHERE i % 2 = 1))::series FROM wide v WHERE v.width = w.width) h (even, odd);

CREATE TABLE hourly AS SELECT ('1; ' || string_agg(pg_temp.point_text('2026-01-01Z'::timestamptz + i * interval '1 hour', ARRAY[i]), '; ' ORDER BY i))::series AS s FROM generate_series(0, 100) i;
SELECT g AS gap, b AS before, count(p) AS points, (array_agg(extract(epoch FROM p.observed_at - '2026-01-01Z')::integer / 3600 ORDER BY p.observed_at))[1:6] AS hours,
	(array_agg(series_gain(series_thin(s, g, b), '-infinity', 'infinity')))[1:1] AS gain, max(p.observed_at) AS last
FROM hourly, (VALUES (1, interval '1 day', 'infinity'::timestamptz), (2, '1 day', '2026-01-03Z'), (3, '1 hour', 'infinity'), (4, '0', 'infinity'), (5, '90 minutes', 'infinity'), (6, '-1 day', 'infinity'), (7, '1 year', 'infinity'), (8, '1 day', '-infinity')) c (n, g, b),
	LATERAL series_points(series_thin(s, g, b)) p GROUP BY n, g, b ORDER BY n;
-- a level that the next point does not know stays, and so does a break and what is before it
SELECT series_thin(s::series, '1 day', 'infinity') FROM (VALUES (1, '2; 2026-01-01T00:00:00Z 1,1; 2026-01-01T01:00:00Z 2,2; 2026-01-01T02:00:00Z 3,-; 2026-01-01T03:00:00Z 4,-'),
	(2, '1; 2026-01-01T00:00:00Z 1; 2026-01-01T01:00:00Z 2; 2026-01-01T02:00:00Z 3 !; 2026-01-01T03:00:00Z 4; 2026-01-01T04:00:00Z 5'),
	(3, '1; @2025-12-31T00:00:00Z 0; 2026-01-01T00:00:00Z 1; 2026-01-01T01:00:00Z 2; 2026-01-01T02:00:00Z 3')) c (n, s) ORDER BY n;

SELECT series_cut(s, b) FROM sheep, unnest(ARRAY['-infinity', '2026-01-01Z', '2026-01-01 00:00:00.000001Z', '2026-01-05Z', '2026-01-06Z', '2026-01-07Z', 'infinity']::timestamptz[]) WITH ORDINALITY c (b, n) ORDER BY n;
SELECT series_cut(series(2), 'infinity'), series_cut('1; @2026-01-01T00:00:00Z 5; 2026-01-02T00:00:00Z 6', '2026-01-02Z') AS keeps_anchor,
	series_cut('1; @2026-01-01T00:00:00Z 5; 2026-01-02T00:00:00Z 6; 2026-01-03T00:00:00Z 7', '2026-01-03Z') AS new_anchor, series_cut(NULL, now()) IS NULL AS of_null;
-- wherever it is cut, gains and levels after it are as before
SELECT count(*) AS cuts, count(*) FILTER (WHERE series_gain(series_cut(w.s, v.at), v.at, 'infinity') <> series_gain(w.s, v.at, 'infinity')) AS gains_differ,
	count(*) FILTER (WHERE series_at(series_cut(w.s, v.at), 'infinity') IS DISTINCT FROM series_at(w.s, 'infinity')) AS levels_differ,
	count(*) FILTER (WHERE series_anchor(series_cut(w.s, v.at)) IS DISTINCT FROM series_at(w.s, v.at - interval '1 microsecond')) AS anchors_differ
FROM widths w JOIN wide v ON v.width = w.width;

--
-- sum_gains()
--
SELECT d.* FROM sheep, (SELECT sum_gains(s, '2026-01-01', '2026-01-31', 'UTC') FROM sheep) g (sum), series_days(g.sum) d ORDER BY day;
SELECT sum_gains(s, '2026-01-03', '2026-01-05', 'UTC') AS window, sum_gains(s, '2026-01-03', '2026-01-03', 'UTC') AS one_day,
	sum_gains(s, '2027-01-01', '2027-01-31', 'UTC') AS nothing FROM sheep;
SELECT sum_gains(s, '2026-01-01', '2026-01-31', 'America/New_York') FROM sheep;
SELECT sum_gains(s, '2026-01-01', '2026-01-31', 'UTC', 1) AS first, sum_gains(s, '2026-01-01', '2026-01-31', 'UTC', 2) AS second FROM sheep;
SELECT sum_gains('2; 2026-01-01T00:00:00Z 1,1; 2026-01-02T00:00:00Z 4,0; 2026-01-03T00:00:00Z 1,9', '2026-01-01', '2026-01-31', 'UTC');
-- none, NULL
SELECT sum_gains(s, '2026-01-01', '2026-01-31', 'UTC') IS NULL AS of_no_rows FROM sheep WHERE false;
SELECT sum_gains(NULL, '2026-01-01', '2026-01-31', 'UTC') IS NULL AS series_null, sum_gains('1', NULL, '2026-01-31', 'UTC') IS NULL AS from_null,
	sum_gains('1', '2026-01-01', NULL, 'UTC') IS NULL AS to_null, sum_gains('1', '2026-01-01', '2026-01-31', NULL) IS NULL AS zone_null, sum_gains(series(5), '2026-01-01', '2026-01-31', 'UTC') AS without_points;
SELECT sum_gains(s, '2026-01-01', '2026-01-31', 'UTC') FROM (VALUES (NULL), ('1; 2026-01-01T00:00:00Z 1; 2026-01-02T00:00:00Z 4'::series), (NULL)) v (s);
SELECT count(*) FROM series_days(NULL);
SELECT count(*) FROM series_days(series(15));
SELECT pg_temp.answer(format('SELECT trackagoat.sum_gains(%s) FROM public.sheep', a)) FROM (VALUES (1, $$s, '-infinity', '2026-01-31', 'UTC'$$), (2, $$s, '2026-01-01', 'infinity', 'UTC'$$),
	(3, $$s, '1900-01-01', '2026-01-31', 'UTC'$$), (3, $$s, '2026-01-04', '2026-01-03', 'UTC'$$), (4, $$s, '2026-01-01', '2026-01-31', 'Mars/Olympus'$$), (5, $$s, '2026-01-01', '2026-01-31', 'UTC', 0$$),
	(6, $$s, '2026-01-01', '2026-01-31', 'UTC', 3$$), (7, $$trackagoat.series(6), '2026-01-01', '2026-01-31', 'UTC'$$), (8, $$trackagoat.series(6), '2026-01-01', '2026-01-31', 'UTC', 6$$)) c (n, a) ORDER BY n, a;

-- all series of a group have as many counters
SELECT pg_temp.answer(format('SELECT trackagoat.sum_gains(s, %L, %L, %L) FROM (VALUES (%L::trackagoat.series), (%L)) v (s)', '2026-01-01', '2026-01-31', 'UTC', a, b)) FROM (VALUES ('1', '2'), ('2', '1')) c (a, b) ORDER BY a;

-- Many histories, alone and in groups, in several zones: as plain SQL adds
-- them up, in one process and in several.
CREATE TABLE herd AS
SELECT h AS id, h % 7 AS flock, ('2; ' || string_agg(pg_temp.point_text('2026-02-20Z'::timestamptz + (i * 40 + abs(hashint8extended(h, i)) % 39) * interval '29 minutes',
	ARRAY[CASE WHEN (h + i) % 9 > 0 THEN h * i + abs(hashint8extended(i, h)) % 50 END, CASE WHEN (h * i) % 4 > 0 THEN hashint8extended(i, -h) % 1000000007 END])
	|| CASE WHEN (h + i * 5) % 23 = 0 THEN ' !' ELSE '' END, '; ' ORDER BY i))::series AS s
FROM generate_series(1, 700) h, generate_series(1, 25) i GROUP BY h;
ALTER TABLE herd SET (parallel_workers = 2);
ANALYZE herd;
-- each level, with the one before it of the same run between breaks; and what a break takes back
CREATE TABLE step AS
WITH point AS (SELECT h.id, h.flock, h.s, p.*, count(*) FILTER (WHERE p.is_break) OVER (PARTITION BY h.id ORDER BY p.observed_at) AS run FROM herd h, series_points(h.s) p),
level AS (SELECT id, flock, observed_at, c, run, levels[c] AS level FROM point, generate_series(1, 2) c WHERE levels[c] IS NOT NULL),
chained AS (SELECT *, lag(level) OVER (PARTITION BY id, c, run ORDER BY observed_at) AS before FROM level)
SELECT id, flock, observed_at, c, level - before AS gain, CASE WHEN before IS NULL THEN level END AS baseline, CASE WHEN before IS NULL THEN 1 END AS known FROM chained
UNION ALL
SELECT p.id, p.flock, p.observed_at, l.c, NULL, -(array_agg(l.level ORDER BY l.observed_at DESC))[1], -1
FROM point p JOIN level l ON l.id = p.id AND l.run = p.run - 1 WHERE p.is_break GROUP BY 1, 2, 3, 4;
SELECT count(*) FILTER (WHERE gain IS NOT NULL) > 10000 AS gains, count(*) FILTER (WHERE known = 1) > 2000 AS baselines, count(*) FILTER (WHERE known = -1) > 500 AS breaks FROM step;
CREATE VIEW plain AS
SELECT z AS zone, flock, (observed_at AT TIME ZONE z)::date AS day, coalesce(sum(gain) FILTER (WHERE c = 1), 0) AS g1, coalesce(sum(gain) FILTER (WHERE c = 2), 0) AS g2,
	coalesce(sum(baseline) FILTER (WHERE c = 1), 0) AS b1, coalesce(sum(baseline) FILTER (WHERE c = 2), 0) AS b2,
	coalesce(sum(known) FILTER (WHERE c = 1), 0) AS k1, coalesce(sum(known) FILTER (WHERE c = 2), 0) AS k2
FROM step, unnest(ARRAY['UTC', 'Europe/Vienna', 'Asia/Kathmandu', 'Australia/Lord_Howe']) z GROUP BY 1, 2, 3;
-- what a plan holds: partial modes, each once
CREATE FUNCTION pg_temp.plan_modes(query text) RETURNS text[] LANGUAGE plpgsql AS
$$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (COSTS OFF, FORMAT JSON) ' || query INTO plan;
	RETURN ARRAY(SELECT DISTINCT v #>> '{}' FROM jsonb_path_query(plan, 'strict $.**."Partial Mode"') v ORDER BY 1);
END
$$;
CREATE FUNCTION pg_temp.differing() RETURNS TABLE (what text, days bigint, wrong bigint) LANGUAGE sql AS
$$
	SELECT 'groups', count(*), count(*) FILTER (WHERE amounts IS DISTINCT FROM wanted) FROM (
		SELECT flock, zone, d.day, d.amounts FROM (SELECT flock, z AS zone, trackagoat.sum_gains(s, '2026-02-25', '2026-03-25', z) AS sum
			FROM public.herd, (SELECT DISTINCT zone FROM public.plain) q (z) GROUP BY 1, 2) g, trackagoat.series_days(sum) d) ours
	FULL JOIN (SELECT flock, zone, day, ARRAY[g1, g2, b1, b2, k1, k2]::bigint[] AS wanted FROM public.plain WHERE day BETWEEN '2026-02-25' AND '2026-03-25') theirs USING (flock, zone, day)
	UNION ALL
	SELECT 'all', count(*), count(*) FILTER (WHERE amounts IS DISTINCT FROM wanted) FROM (
		SELECT day, amounts FROM (SELECT trackagoat.sum_gains(s, '2026-01-01', '2026-12-31', 'Asia/Kathmandu') FROM public.herd) g (sum), trackagoat.series_days(sum)) ours
	FULL JOIN (SELECT day, ARRAY[sum(g1), sum(g2), sum(b1), sum(b2), sum(k1), sum(k2)]::bigint[] AS wanted FROM public.plain WHERE zone = 'Asia/Kathmandu' GROUP BY 1) theirs USING (day)
	UNION ALL
	SELECT 'counter', count(*), count(*) FILTER (WHERE amounts IS DISTINCT FROM wanted) FROM (
		SELECT day, amounts FROM (SELECT trackagoat.sum_gains(s, '2026-01-01', '2026-12-31', 'Europe/Vienna', 2) FROM public.herd) g (sum), trackagoat.series_days(sum)) ours
	FULL JOIN (SELECT day, ARRAY[sum(g2), sum(b2), sum(k2)]::bigint[] AS wanted FROM public.plain WHERE zone = 'Europe/Vienna' GROUP BY 1
		HAVING sum(abs(g2)) + sum(abs(b2)) + sum(abs(k2)) > 0) theirs USING (day)
$$;
SET max_parallel_workers_per_gather = 0;
SELECT pg_temp.plan_modes($$SELECT sum_gains(s, '2026-01-01', '2026-12-31', 'UTC') FROM herd$$) AS modes;
SELECT * FROM pg_temp.differing();
CREATE TABLE serial AS SELECT flock, sum_gains(s, '2026-01-01', '2026-12-31', 'America/New_York') AS sum FROM herd GROUP BY GROUPING SETS ((flock), ());
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT pg_temp.plan_modes($$SELECT sum_gains(s, '2026-01-01', '2026-12-31', 'UTC') FROM herd$$) AS modes;
SELECT pg_temp.plan_modes($$SELECT flock, sum_gains(s, '2026-01-01', '2026-12-31', 'UTC', 1) FROM herd GROUP BY flock$$) AS modes;
SELECT * FROM pg_temp.differing();
CREATE VIEW parallel AS SELECT NULL::integer AS flock, sum_gains(s, '2026-01-01', '2026-12-31', 'America/New_York') AS sum FROM herd
UNION ALL SELECT flock, sum_gains(s, '2026-01-01', '2026-12-31', 'America/New_York') FROM herd GROUP BY flock;
SELECT count(*) AS sums, count(*) FILTER (WHERE series_send(p.sum) = series_send(s.sum)) AS same FROM parallel p JOIN serial s ON s.flock IS NOT DISTINCT FROM p.flock;
-- the workers alone, and a leader that waits for them; the setting has had two names
SET parallel_leader_participation = off;
SELECT count(*) FILTER (WHERE set_config(name, 'on', false) = 'on') <= 1 AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT count(*) AS sums, count(*) FILTER (WHERE series_send(p.sum) = series_send(s.sum)) AS same FROM parallel p JOIN serial s ON s.flock IS NOT DISTINCT FROM p.flock;
-- none, NULL and a window that is empty in some processes
SELECT sum_gains(s, '2026-01-01', '2026-12-31', 'UTC') IS NULL AS of_no_rows FROM herd WHERE flock > 7;
SELECT sum_gains(CASE WHEN id = 350 THEN s END, '2026-01-01', '2026-12-31', 'UTC')::text = (SELECT sum_gains(s, '2026-01-01', '2026-12-31', 'UTC')::text FROM herd WHERE id = 350) AS of_one FROM herd;
RESET ALL;
