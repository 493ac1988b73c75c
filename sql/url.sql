-- parse_handle() and parse_video_url(): what people paste.
SET client_min_messages = warning;
SET search_path TO trackagoat, public;

-- What a call comes to: its value, or SQLSTATE, message and detail of its refusal.
CREATE FUNCTION pg_temp.answer(statement text, argument text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	value text;
	state text; message text; detail text;
BEGIN
	EXECUTE statement INTO value USING argument;
	RETURN value;
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', state, message, CASE WHEN state LIKE 'PT%' THEN detail END);
END
$$;
CREATE FUNCTION pg_temp.handle_of(input text) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.answer('SELECT trackagoat.parse_handle($1)', input) $$;
CREATE FUNCTION pg_temp.video_of(input text) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.answer('SELECT trackagoat.parse_video_url($1)', input) $$;

--
-- parse_handle: a name, with or without @, or the URL of a profile
--
SELECT input, pg_temp.handle_of(input) FROM unnest(ARRAY[
	'bob', '@Bob', ' @bob ', chr(9) || 'bob' || chr(13) || chr(10), '.dan-iel_1',
	'https://www.tiktok.com/@Goat.Farm', 'http://www.tiktok.com/@goat', 'HTTPS://WWW.TikTok.COM/@Goat',
	'www.tiktok.com/@goat', 'tiktok.com/@goat', 'm.tiktok.com/@goat', 'https://tiktok.com/@goat/',
	'https://www.tiktok.com/@goat///', 'https://www.tiktok.com/@goat?lang=en&is_from_webapp=1', 'https://www.tiktok.com/@goat#top',
	'https://www.tiktok.com/@goat/?x=https://evil.example/@sheep', '  https://www.tiktok.com/@goat' || chr(10),
	'https://www.tiktok.com/%40goat', 'https://www.tiktok.com/@7526770564367748360',
	'https://www.tiktok.com/@' || repeat('x', 30)]) WITH ORDINALITY u (input, n)
ORDER BY n;

-- refused, always by name
SELECT input AS accepted, pg_temp.handle_of(input) FROM unnest(ARRAY[
	'', ' ', '@', '@@bob', 'bob smith', repeat('x', 31), 'https://www.tiktok.com/', 'https://www.tiktok.com/@', 'https://www.tiktok.com',
	'https://www.tiktok.com/goat', 'https://www.tiktok.com/@@goat', 'https://www.tiktok.com/%40@goat', 'https://www.tiktok.com/@%40goat',
	'https://www.tiktok.com//@goat', 'https://www.tiktok.com/@goat/live', 'https://www.tiktok.com/@goat/video/7526770564367748360',
	'https://www.tiktok.com/@' || repeat('x', 31), 'https://www.tiktok.com/@g%20oat', 'https://www.tiktok.com/@m' || U&'\00FC' || 'ller',
	'https://www.tiktok.com.evil.example/@goat', 'https://evil.example/@goat', 'https://evil.example/?u=https://www.tiktok.com/@goat',
	'https://www.tiktok.com@evil.example/@goat', 'https://goat@www.tiktok.com/@goat', 'https://www.tiktok.com:443/@goat',
	'https://wwwXtiktok.com/@goat', 'https://vm.tiktok.com/@goat', 'ftp://www.tiktok.com/@goat', '//www.tiktok.com/@goat', 'javascript:alert(1)',
	'https://www.tiktok.com/?@goat', 'https://www.tiktok.com/#@goat', U&'\FF20' || 'bob']) WITH ORDINALITY u (input, n)
WHERE pg_temp.handle_of(input) NOT LIKE 'PT409 | invalid_handle | "' || btrim(input) || '" %' ORDER BY n;
SELECT parse_handle(NULL) IS NULL AS null_is_null, pg_typeof(parse_handle('bob')) AS type, parse_handle('Bob') = '@bOB' AS without_case;

--
-- parse_video_url: every long form names the id, some the author
--
SELECT input, pg_temp.video_of(input) FROM unnest(ARRAY[
	'https://www.tiktok.com/@goat/video/7526770564367748360', 'https://m.tiktok.com/@goat/video/7526770564367748360',
	'https://tiktok.com/@goat/video/7526770564367748360', 'www.tiktok.com/@goat/video/7526770564367748360',
	'http://www.tiktok.com/@Goat.Farm/video/7526770564367748360/', 'HTTPS://WWW.TIKTOK.COM/@goat/VIDEO/7526770564367748360',
	'https://www.tiktok.com/%40goat/video/7526770564367748360', 'https://www.tiktok.com/@/video/7526770564367748360',
	'https://www.tiktok.com/@goat/photo/7526770564367748360', 'https://www.tiktok.com/@/photo/7526770564367748360',
	'https://www.tiktok.com/share/video/7526770564367748360', 'https://www.tiktokv.com/share/video/7526770564367748360/',
	'https://www.tiktok.com/embed/7526770564367748360', 'https://www.tiktok.com/embed/v2/7526770564367748360',
	'https://www.tiktok.com/player/v1/7526770564367748360?music_info=1', 'https://m.tiktok.com/v/7526770564367748360.html',
	'https://m.tiktok.com/v/7526770564367748360.HTML?u_code=1', 'https://www.tiktok.com/@goat/video/7526770564367748360?is_copy_url=1&lang=en#x',
	' https://www.tiktok.com/@goat/video/7526770564367748360' || chr(10), 'https://www.tiktok.com/@goat/video/1',
	'https://www.tiktok.com/@goat/video/9223372036854775807']) WITH ORDINALITY u (input, n)
ORDER BY n;

-- a short link names neither
SELECT input, pg_temp.video_of(input) FROM unnest(ARRAY[
	'https://vm.tiktok.com/ZMabc_12-X', 'vt.tiktok.com/ZSabc/', 'https://www.tiktok.com/t/ZTabc/', 'https://tiktok.com/t/ZTabc?x=1']) WITH ORDINALITY u (input, n)
ORDER BY n;
SELECT tiktok_handle IS NULL AS no_handle, tiktok_video_id IS NULL AS no_id, kind FROM parse_video_url('https://vm.tiktok.com/ZMabc');

-- refused, always by name
SELECT input, pg_temp.video_of(input) FROM unnest(ARRAY['', '@goat', repeat('https://www.tiktok.com/', 5), repeat(U&'\00FC', 60)]) WITH ORDINALITY u (input, n)
ORDER BY n;
SELECT input AS accepted, pg_temp.video_of(input) FROM unnest(ARRAY[
	'7526770564367748360', 'https://www.tiktok.com/@goat', 'https://www.tiktok.com/@goat/video', 'https://www.tiktok.com/@goat/video/',
	'https://www.tiktok.com/@goat/video/x', 'https://www.tiktok.com/@goat/video/0', 'https://www.tiktok.com/@goat/video/-1',
	'https://www.tiktok.com/@goat/video/12x', 'https://www.tiktok.com/@goat/video/12/3', 'https://www.tiktok.com/@goat/video/9223372036854775808',
	'https://www.tiktok.com/@goat/video/' || repeat('9', 60), 'https://www.tiktok.com/@goat/live/7526770564367748360',
	'https://www.tiktok.com/@g oat/video/7526770564367748360', 'https://www.tiktok.com/@@goat/video/7526770564367748360',
	'https://www.tiktok.com/goat/video/7526770564367748360', 'https://www.tiktok.com/video/7526770564367748360',
	'https://m.tiktok.com/v/7526770564367748360', 'https://m.tiktok.com/v/7526770564367748360.htm', 'https://m.tiktok.com/v/.html',
	'https://www.tiktok.com/embed/v3/7526770564367748360', 'https://www.tiktok.com/embed/v2', 'https://www.tiktok.com/player/7526770564367748360',
	'https://www.tiktok.com/share/7526770564367748360', 'https://www.tiktokv.com/@goat/video/7526770564367748360',
	'https://vm.tiktok.com/', 'https://vm.tiktok.com/a/b', 'https://vm.tiktok.com/a%20b', 'https://www.tiktok.com/t/', 'https://www.tiktok.com/t/a/b',
	'https://www.youtube.com/watch?v=x', 'https://evil.example/@goat/video/7526770564367748360',
	'https://www.tiktok.com.evil.example/@goat/video/7526770564367748360', 'https://www.tiktok.com\@evil.example/video/1']) WITH ORDINALITY u (input, n)
WHERE pg_temp.video_of(input) <> format('PT400 | invalid_video_url | "%s" is not the URL of a TikTok video.', input) ORDER BY n;
SELECT parse_video_url(NULL) IS NULL AS null_is_null;

-- every prefix of every form, and every form with one byte changed, is answered
-- or refused: nothing else, and never with another id than the digits written
CREATE TABLE form AS SELECT u AS url FROM unnest(ARRAY[
	'https://www.tiktok.com/@goat/video/7526770564367748360?x=1', 'https://www.tiktok.com/@goat/photo/7526770564367748360',
	'https://www.tiktok.com/embed/v2/7526770564367748360', 'https://www.tiktok.com/player/v1/7526770564367748360',
	'https://m.tiktok.com/v/7526770564367748360.html', 'https://www.tiktokv.com/share/video/7526770564367748360/',
	'https://vm.tiktok.com/ZMabc', 'https://www.tiktok.com/t/ZTabc/', 'https://www.tiktok.com/@goat']) u;
CREATE TABLE variant AS
SELECT DISTINCT v AS url FROM form, LATERAL (
	SELECT left(url, i) FROM generate_series(0, length(url)) i
	UNION ALL SELECT substr(url, i) FROM generate_series(1, length(url)) i
	UNION ALL SELECT overlay(url PLACING c FROM i FOR 1) FROM generate_series(1, length(url)) i,
		unnest(ARRAY['', '/', '@', '%', '?', '#', ' ', '0', 'x', '..', U&'\00FC', chr(1)]) c) w (v);
SELECT count(*) > 4000 AS many FROM variant;
SELECT split_part(pg_temp.video_of(url), ' | ', 2) AS refusal, count(*) > 100 AS many FROM variant
WHERE pg_temp.video_of(url) LIKE '_____ | %' GROUP BY 1 ORDER BY 1;
SELECT split_part(pg_temp.handle_of(url), ' | ', 2) AS refusal, count(*) > 100 AS many FROM variant
WHERE pg_temp.handle_of(url) LIKE '_____ | %' GROUP BY 1 ORDER BY 1;
SELECT url, id FROM (SELECT url, (regexp_match(pg_temp.video_of(url), '^\(.*,([0-9]+),'))[1] AS id FROM variant) v
WHERE strpos(url, id) = 0 AND regexp_replace(url, '/0+', '/', 'g') NOT LIKE '%' || id || '%' ORDER BY url COLLATE "C";
DROP TABLE form, variant;
