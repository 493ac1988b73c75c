-- read_page: what a page says, whatever the bytes.  All pages here are made up.

-- what the rest is written with
CREATE FUNCTION says(body bytea) RETURNS jsonb LANGUAGE sql AS
	'SELECT trackagoat.read_page(body)';
CREATE FUNCTION says(body text) RETURNS jsonb LANGUAGE sql AS
	$$SELECT trackagoat.read_page(convert_to(body, 'UTF8'))$$;
CREATE FUNCTION page(data text, id text = 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__"') RETURNS text
	LANGUAGE sql AS
	$$SELECT '<!DOCTYPE html><html><head><title>A goat</title></head><body><script ' || id || '>' ||
		data || '</script></body></html>'$$;
CREATE FUNCTION scope(detail text, name text = 'webapp.user-detail') RETURNS text LANGUAGE sql AS
	$$SELECT page(format('{"__DEFAULT_SCOPE__":{"webapp.a-b":{"id":[{"id":1}]},"%s":%s}}', name, detail))$$;
CREATE FUNCTION profile(more text = '', status text = '0') RETURNS text LANGUAGE sql AS
	$$SELECT scope(format('{"userInfo":{"user":{"id":"71","uniqueId":"billy.the.goat"}%s},"statusCode":%s,"statusMsg":""}', more, status))$$;
CREATE FUNCTION video(item text, status text = '"statusCode":0') RETURNS text LANGUAGE sql AS
	$$SELECT scope(format('{"itemInfo":{"itemStruct":%s},%s}', item, status), 'webapp.video-detail')$$;
CREATE FUNCTION embed(path text, data text) RETURNS text LANGUAGE sql AS
	$$SELECT page(format('{"source":{"data":{"%s":%s}}}', path, data), 'id="__FRONTITY_CONNECT_STATE__"')$$;

-- a profile in full
SELECT jsonb_pretty(says(scope('{"userInfo":{"user":{
	"id":"7100000000000000123","uniqueId":"billy.the.goat","nickname":"Billy \u00e9\ud83d\udc10 \u002f","signature":"Hay.\nVideos.",
	"avatarLarger":"","avatarMedium":"https:\u002F\u002Fimg.example.test\u002F720","verified":true,
	"secUid":"MS4wLjABAAAA","privateAccount":false},
	"stats":{"followerCount":38500,"followingCount":166,"heart":1400000,"heartCount":1400000,"videoCount":915},
	"statsV2":{"followerCount":"38490","followingCount":"166","heart":"1354097","heartCount":"1354097","videoCount":"915"},
	"itemList":[]},"statusCode":0,"statusMsg":""}')));

-- a video in full, and a photo
SET timezone = 'Asia/Kathmandu';
SET datestyle = 'German, DMY';
SELECT jsonb_pretty(says(video('{"id":"7526770000000000360","desc":"Fence","createTime":"1752462842",
	"video":{"duration":34,"cover":"https://img.example.test/c","originCover":"https://img.example.test/o"},
	"author":{"id":"7100000000000000123","uniqueId":"billy.the.goat","nickname":"Billy","secUid":"MS4wLjABAAAA","followerCount":5},
	"challenges":[{"title":"Goat"},{"title":"#farm"},{"title":""}],
	"stats":{"playCount":18500000,"diggCount":844400,"commentCount":2182,"shareCount":25600,"collectCount":"16630"},
	"statsV2":{"playCount":"3000000000","diggCount":"844400","commentCount":"2182","shareCount":"25600","collectCount":"16630"},
	"textExtra":[{"hashtagName":"goat"},{"hashtagName":""},{"userUniqueId":"x"}],
	"authorStats":{"followerCount":7},"isAd":false,"isPinnedItem":true}')) #- '{account,bio}');
RESET timezone;
RESET datestyle;
SELECT v->>'kind' AS kind, v->>'thumbnail_url' AS thumbnail, v->'duration' AS duration
	FROM unnest(ARRAY[
		'"video":{"cover":"v"},"imagePost":{"images":[{"imageURL":{"urlList":["i1","i2"]}},{"imageURL":{"urlList":["j"]}}],"cover":{"imageURL":{"urlList":["c1","c2"]}}}',
		'"video":{"cover":"v","duration":0},"imagePost":{"images":[{"imageURL":{"urlList":["","i2"]}},{"imageURL":{"urlList":["j"]}}]}',
		'"video":{"cover":"","originCover":"o","duration":7},"imagePost":null',
		'"video":{"cover":["a"]},"imagePost":[]']) AS item,
	LATERAL (SELECT says(video('{"id":"1",' || item || '}'))->'videos'->0 AS v) AS r;

-- the iPhone page has its own scope, and no statsV2
SELECT says(scope('{"statusCode":0,"statusMessage":"","itemInfo":{"itemStruct":{"id":"2","stats":{"playCount":174,"collectCount":1},"imagePost":{}}}}',
	'webapp.reflow.video.detail')) #> '{videos,0}' @> '{"view_count":174,"save_count":1,"like_count":null,"kind":"photo"}' AS reflow;

-- counts: a number or digits up to int8; anything else is absent, never 0
SELECT c AS given, says(video(format('{"id":"1","stats":{"playCount":%s}}', c))) #> '{videos,0,view_count}' AS read
	FROM unnest(ARRAY['0', '"0"', '2147483648', '"007"', '9223372036854775807', '"9223372036854775807"',
		'9223372036854775808', '"99999999999999999999"', '-1', '"-1"', '1.5', '"1.5"', '1e3', '""', '" 1"',
		'"1k"', 'null', 'true', '{}', '[1]', '[{"playCount":1}]']) AS c;

-- statsV2 wins counter by counter, whatever comes first; heartCount before heart
SELECT s->'exact' AS exact, s->'account'->'follower_count' AS followers, s->'account'->'total_likes_count' AS likes,
		s->'account'->'video_count' AS videos
	FROM unnest(ARRAY[
		',"stats":{"followerCount":38500,"heart":3},"statsV2":{"followerCount":"38490","heart":"4"}',
		',"statsV2":{"followerCount":"38490","heart":"4","heartCount":"5"},"stats":{"followerCount":38500,"heartCount":6}',
		',"stats":{"followerCount":38500,"heartCount":6,"videoCount":1},"statsV2":{"followerCount":"38490","heart":""}',
		',"statsV2":{"followerCount":"38490"},"stats":{"followerCount":38500,"heart":1,"heartCount":"x"}',
		',"stats":{"followerCount":1}',
		',"statsV2":{"followerCount":"1"}',
		'']) AS stats,
	LATERAL (SELECT says(profile(stats)) AS s) AS r;

-- times of a sane year only; ids that are ids
SELECT t AS given, says(video(format('{"id":"1","createTime":%s}', t))) #>> '{videos,0,posted_at}' AS posted_at
	FROM unnest(ARRAY['1771567930', '"1771567930"', '0', '1771567930000', '-5', '4102444799', '4102444800', 'null']) AS t;
SELECT i AS given, s->>'outcome' AS outcome, s #>> '{videos,0,tiktok_video_id}' AS id
	FROM unnest(ARRAY['"7608826249200356630"', '7608826249200356630', '"0"', '""', '"x"', '"-3"', 'null', '"9223372036854775808"']) AS i,
	LATERAL (SELECT says(video(format('{"id":%s}', i))) AS s) AS r;

-- an item list: pinned posts do not count for the next cursor
CREATE FUNCTION list(items text, more text) RETURNS TABLE (outcome text, ids text, next jsonb, account jsonb)
	LANGUAGE sql AS
	$$SELECT s->>'outcome', (SELECT string_agg(v->>'tiktok_video_id', ' ') FROM jsonb_array_elements(s->'videos') AS v),
			s->'next', jsonb_strip_nulls(s->'account')
		FROM says('{"statusCode":0,' || items || more || '}') AS s$$;
SELECT l.* FROM (VALUES
	('"itemList":[{"id":"1","createTime":1600000000,"isPinnedItem":true},{"id":"3","createTime":1771567930,"author":{"id":"71","secUid":"MS4","uniqueId":"billy","nickname":"Billy"},"authorStats":{"followerCount":1}},{"id":"2","createTime":"1771500000","isPinnedItem":false,"author":{"id":"72"}}],', '"hasMorePrevious":true'),
	('"itemList":[{"id":"1","createTime":1600000000,"isPinnedItem":true}],', '"hasMore":true,"hasMorePrevious":false'),
	('"itemList":[{"id":""},{"id":"0"},{"desc":"none"},{"id":"4"},{"id":"4"},7,[{"id":"5"}]],', '"hasMore":false'),
	('"itemList":[],', '"cursor":"0"'),
	('', '"hasMorePrevious":true'),
	('"itemList":null,', '"hasMore":null')) AS t (items, more), list(items, more) AS l;

-- oEmbed tells that a post is there, but no counts
SELECT s->>'source' AS source, s->>'outcome' AS outcome, s->'exact' AS exact,
		jsonb_strip_nulls(s->'account') AS account, jsonb_strip_nulls(s->'videos') AS videos
	FROM unnest(ARRAY[
		'{"version":"1.0","type":"video","title":"Fence","author_name":"Billy","author_unique_id":"billy","embed_product_id":"7526770000000000360","embed_type":"video","thumbnail_url":"t"}',
		'{"version":"1.0","type":"video","author_unique_id":"billy","embed_product_id":"2","embed_type":"photo"}',
		'{"version":"1.0","type":"video","author_unique_id":"billy","embed_product_id":"billy","embed_type":"profile"}']) AS body,
	says(body) AS s;

-- embed pages: rounded counts; the key is the path, perhaps with a query
SELECT s->>'source' AS source, s->>'outcome' AS outcome, s->'exact' AS exact, s->'status_code' AS code,
		jsonb_strip_nulls(s->'account') AS account, jsonb_strip_nulls(s->'videos') AS videos
	FROM (VALUES
		('/embed/@billy?lang=en', '{"userInfo":{"id":"71","uniqueId":"billy","followerCount":38500,"heartCount":1400000},"videoList":[{"id":"3","desc":"d","coverUrl":"","originCoverUrl":"o","playCount":12000,"authorUniqueId":"billy"}]}'),
		('/embed/@billy', '{"userInfo":{"code":404}}'),
		('/embed/@billy', '{"isReady":true}'),
		('/embed/v2/3', '{"videoData":{"itemInfos":{"id":"3","text":"t","createTime":"1771567930","playCount":5,"covers":["c"],"video":{"videoMeta":{"duration":9}}},"authorInfos":{"uniqueId":"billy","nickName":"Billy","secUid":"MS4"}}}'),
		('/embed/v2/3?x=1', '{"videoData":{"authorInfos":{"uniqueId":"billy"},"imagePostInfo":{},"itemInfos":{"id":3}}}'),
		('/embed/v2/3', '{"videoData":null}'),
		('/embed', '{"userInfo":{"id":"71"}}')) AS t (path, data),
	says(embed(path, data)) AS s;

-- the form of 2022: other people's posts are left out, several accounts refused
SELECT s->>'source' AS source, s->>'outcome' AS outcome, s->'exact' AS exact,
		s->'account'->'follower_count' AS followers, jsonb_path_query_array(s, '$.videos[*].tiktok_video_id') AS ids
	FROM unnest(ARRAY['"billy":{"id":"71","uniqueId":"billy"}',
		'"billy":{"id":"71","uniqueId":"billy"},"nanny":{"id":"72","uniqueId":"nanny"}']) AS users,
	says(page(format('{"ItemModule":{"1":{"id":"1","author":"billy"},"2":{"id":"2","author":"nanny"},"3":{"id":"3","author":"Billy"}},
		"UserModule":{"users":{%s},"stats":{"billy":{"followerCount":11200000}}},"UserPage":{"statusCode":0}}', users), 'id="SIGI_STATE"')) AS s;

-- status codes of a profile and of a video; counts of a page that is not ok are filler
SELECT code, says(profile(',"stats":{"followerCount":0,"videoCount":0}', code::text))->>'outcome' AS profile,
		says(video('{"id":"1","stats":{"playCount":0}}', format('"statusCode":"%s"', code)))->>'outcome' AS video,
		says(format('{"statusCode":%s}', code))->>'outcome' AS api
	FROM unnest(ARRAY[0, -1, 10000, 10101, 10102, 10201, 10202, 10204, 10216, 10217, 10221, 10222, 10223, 10225, 10231, 99999]) AS code;
SELECT says(profile(',"stats":{"followerCount":0,"videoCount":0}', '10222')) AS private_account;
SELECT says(profile(',"stats":{"followerCount":7,"videoCount":3}', '10222')) - 'account' AS private_but_shown;
SELECT msg, says(scope(format('{"statusCode":10204,"statusMsg":"%s"}', msg), 'webapp.video-detail'))->>'outcome' AS outcome
	FROM unnest(ARRAY['status_deleted', 'item doesn''t exist', 'status_self_see', 'status_friend_see', 'author_secret',
		'status_reviewing', 'content_classification', 'cross_border_violation_x', 'anything']) AS msg;

-- what is not what it says
SELECT what, s->>'source' AS source, s->>'outcome' AS outcome FROM (VALUES
	('profile without an id', scope('{"userInfo":{"user":{}},"statusCode":0}')),
	('video without an id', video('{"desc":"x"}')),
	('age-gated video', video('{"id":"1","isContentClassified":true}')),
	('classified but shown', video('{"id":"1","isContentClassified":true,"video":{}}')),
	('no detail scope', page('{"__DEFAULT_SCOPE__":{"seo.abtest":{"canonical":"https://www.tiktok.com/@login"}}}')),
	('detail is null', scope('null')),
	('nothing in the script', page('')),
	('canonical is the login page', page('{"__DEFAULT_SCOPE__":{"seo.abtest":{"canonical":"https:\u002F\u002Fwww.tiktok.com\u002Flogin?x"}}}')),
	('canonical begins like it', page('{"__DEFAULT_SCOPE__":{"seo.abtest":{"canonical":"https://www.tiktok.com/logins"}}}')),
	('challenge', '<html><p class="_wafchallengeid"></p>Please wait...'),
	('challenge script', '<script id="slardar-config">{"slardarClient": "SlardarWAF"}</script>'),
	('captcha page', '<title>Security Check</title><script id="captcha-config">{}</script>'),
	('captcha body', '{"code":"10000","verify_data":"{}"}'),
	('captcha body', '{"code":10000}'),
	('captcha body', '{"verify_data":{"code":"10000"}}'),
	('refusal', '<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD></HTML>'),
	('maintenance', 'Site Maintenance'),
	('empty', ''),
	('blank', E' \r\n\t'),
	('other page', '<html><script>alert(1)</script></html>'),
	('other JSON', '{"goats":1}'),
	('list', '[{"statusCode":0}]'),
	('text', 'maa'),
	('a good page that speaks of captcha', replace(profile(), 'A goat', 'Security Check: Access Denied, captcha-config, SlardarWAF')),
	('JSON with a byte order mark', E'\uFEFF {"statusCode":10221}'),
	('JSON and more', '{"statusCode":0} x')) AS t (what, body), says(body) AS s;

-- the script is found by its id, whatever surrounds it; nothing else passes for it
SELECT what, says(replace(replace(profile(), 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__"', attributes), 'A goat', title))->>'outcome' AS outcome
	FROM (VALUES
	('quotes of the other kind', 'type=''application/json'' id=''__UNIVERSAL_DATA_FOR_REHYDRATION__'' nonce="a>b"', ''),
	('no quotes', 'async id=__UNIVERSAL_DATA_FOR_REHYDRATION__', ''),
	('other case, spaces', E'TYPE="x"\n\tID = "__UNIVERSAL_DATA_FOR_REHYDRATION__" hidden/', ''),
	('first id counts', 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__" id="x"', ''),
	('other attribute', 'data-id="__UNIVERSAL_DATA_FOR_REHYDRATION__"', ''),
	('longer id', 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__x"', ''),
	('in a title', 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__"', '<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__">{"__DEFAULT_SCOPE__":{"webapp.user-detail":{"statusCode":10221}}}</script>'),
	('in an attribute', 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__"', '</title><meta content=''<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__">{}</script>''><title>'),
	('after an empty style', 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__"', '</title><svg><style/></svg><title>'),
	('in a comment', 'id="__UNIVERSAL_DATA_FOR_REHYDRATION__"', '</title><!-- <script id="__UNIVERSAL_DATA_FOR_REHYDRATION__">{}</script> --><title>')
	) AS t (what, attributes, title);

-- hostile text costs a character of one field, not the page
CREATE FUNCTION bio(raw bytea) RETURNS bytea LANGUAGE sql AS
	$$SELECT convert_to(split_part(p, '%', 1), 'UTF8') || raw || convert_to(split_part(p, '%', 2), 'UTF8')
		FROM profile(',"statsV2":{"followerCount":"38490"}') AS p0, replace(p0, '"uniqueId"', '"signature":"%","uniqueId"') AS p$$;
SELECT raw, s->>'outcome' AS outcome, s->'account'->'follower_count' AS followers,
		convert_to(s->'account'->>'bio', 'UTF8') AS bio
	FROM unnest(ARRAY['a\\u0000b', 'a\\ud83db', 'a\\udc10b', '\\ud83d\\ud83d\\udc10', '\\ud83d\\u0041', '\\ud83d', '\\u12g4', '\\x', '\\',
		'\\\\', '\x01', '\x00', '\x0a', '\xff', '\xc328', '\xe282', '\xeda080', '\xf09f9090', '\xf8888080', '', '"']::bytea[]) AS raw,
	says(bio(raw)) AS s;

-- too deep, cut off anywhere, or very long
SELECT says('{"a":' || repeat('[', 126) || repeat(']', 126) || ',"statusCode":0}')->>'outcome' AS deep,
	says('{"a":' || repeat('[', 10000) || repeat(']', 10000) || ',"statusCode":0}')->>'outcome' AS too_deep,
	says('{"a":' || repeat('{"a":', 10000) || '1' || repeat('}', 10000) || ',"statusCode":0}')->>'outcome' AS too_deep_too,
	says(page(repeat('{"a":[', 10000)))->>'outcome' AS too_deep_and_cut;
SELECT says(substr(convert_to(p, 'UTF8'), 1, n))->>'outcome' AS outcome, count(*)
	FROM profile(',"statsV2":{"followerCount":"38490"},"x":"\ud83d\udc10 é"') AS p, generate_series(0, octet_length(p)) AS n
	GROUP BY 1 ORDER BY 1;
SELECT says(substr(convert_to(p, 'UTF8'), 1, n))->>'outcome' AS outcome, count(*)
	FROM CAST('{"itemList":[{"id":"1","createTime":1771567930,"desc":"\u0000 é","stats":{"playCount":-1.5e3}}],"statusCode":0}' AS text) AS p,
		generate_series(0, octet_length(p)) AS n
	GROUP BY 1 ORDER BY 1;
SELECT what, length(body) / 1000000 AS mb, s->>'outcome' AS outcome, jsonb_array_length(s->'videos') AS videos FROM (VALUES
	('nothing', repeat(' ', 50000000)),
	('text', repeat('goat ', 10000000)),
	('tags', repeat('<script ', 6250000)),
	('quotes', repeat('<a b="', 8400000)),
	('scripts', repeat('<script id=SIGI_STATE></script>', 1620000)),
	('comments', repeat('<!--', 12500000)),
	('one string', '{"statusMsg":"' || repeat('goat ', 10000000) || '","statusCode":0}'),
	('numbers', '{"itemList":[' || repeat('7,', 25000000) || '7],"statusCode":0}'),
	('items', '{"itemList":[{"id":"1"}' || repeat(',{"id":"1"}', 4540000) || '],"statusCode":0}'),
	('escapes', '{"statusMsg":"' || repeat('\ud83d', 8340000) || '","statusCode":0}'),
	('a page', replace(profile(), 'A goat', repeat('goat ', 10000000)))) AS t (what, body), says(body) AS s;
SELECT says(page('{"a":"' || repeat('goat ', 28000000) || '"}'))->>'outcome' AS beyond_the_limit;
SELECT jsonb_array_length(s->'videos') AS videos, s->'videos'->999->>'tiktok_video_id' AS last
	FROM (SELECT string_agg(format('{"id":"%s"}', n), ',') AS items FROM generate_series(1, 1500) AS n) AS i,
		says('{"statusCode":0,"itemList":[' || items || ']}') AS s;
SELECT length(s->'account'->>'bio') AS bio, s->>'outcome' AS outcome
	FROM unnest(ARRAY[65536, 65537]) AS n, says(bio(convert_to(repeat('g', n), 'UTF8'))) AS s;
SELECT jsonb_array_length(s #> '{videos,0,hashtags}') AS hashtags
	FROM (SELECT string_agg(format('{"hashtagName":"goat%s"}', n), ',') AS tags FROM generate_series(1, 300) AS n) AS t,
		says(video('{"id":"1","textExtra":[' || tags || ']}')) AS s;

-- what nobody reads is stepped over, whatever stands in it and wherever a block of 64 bytes ends; but it has to end
SELECT value, count(*) FILTER (WHERE s->>'status_code' = '10221') AS read, count(*) FILTER (WHERE s->>'outcome' = 'unreadable') AS unreadable
	FROM unnest(ARRAY['{"y":"%"}', '["%\",[{}],","x\\"]', '{"y":"%\\"}', '["%{\"}]"]', '{"y":["%",007 "x"]}', '{"y":"%\\\""}',
			'"%\"}"', '"%\\"', '{"y":"%"', '["%"}', '{"y":"%}', '["%\"]', '"%\"', '{"y":"%\\""}', '["%"', '007', '-', 'nul', '{}}', '[1]]']) WITH ORDINALITY AS v (value, n),
		generate_series(0, 130) AS length,
		says('{"x":' || replace(value, '%', repeat('g', length)) || ',"statusCode":10221}') AS s
	GROUP BY n, value ORDER BY n;
SELECT count(*) FILTER (WHERE s->>'outcome' = 'ok') AS ok, count(*) FILTER (WHERE s->>'outcome' = 'unreadable') AS unreadable
	FROM CAST('{"itemList":[{"id":"1","video":{"a":[{"b":"\"]"},[],"c"],"cover":"x"}}],"extra":{"a":[1,{"b":"}]\\"}]},"statusCode":0}' AS text) AS p,
		generate_series(1, length(p)) AS n, says(left(p, n)) AS s;
SELECT min(n) FILTER (WHERE s->>'outcome' = 'unreadable') AS skipped, min(n) FILTER (WHERE t->>'outcome' = 'unreadable') AS in_an_item
	FROM generate_series(100, 150) AS n, says('{"x":' || repeat('[', n) || repeat(']', n) || ',"statusCode":0}') AS s,
		says('{"itemList":[{"id":"1","x":' || repeat('[', n) || repeat(']', n) || '}]}') AS t;
-- a key, a number or a handle may be written with escapes
SELECT s->>'status_code' AS code, v->>'view_count' AS views, v->>'tiktok_handle' AS handle, v->>'title' AS title
	FROM says('{"\u0073tatusCode":"\u0030","item\u004cist":[{"id":"\u0031","author":"b\u0069lly","stats":{"playCount":"4\u0032"},
		"de\/sc":"no","desc":"\"\\/\b\f\n\r\t\u00e9\u20ac"}]}') AS s, LATERAL (SELECT s->'videos'->0 AS v) AS l;

-- random bytes, and pages with random bytes in them, are answered too
SELECT setseed(0.2);
SELECT count(says(decode(md5(random()::text) || md5(random()::text), 'hex'))) FROM generate_series(1, 1000);
SELECT count(says(set_byte(p, (random() * (length(p) - 1))::int, (random() * 255)::int)))
	FROM convert_to(profile(',"stats":{"followerCount":38490}'), 'UTF8') AS p, generate_series(1, 5000);

SELECT says(NULL::bytea) IS NULL AS strict, provolatile, proparallel, proisstrict
	FROM pg_proc WHERE oid = 'trackagoat.read_page(bytea)'::regprocedure;

DROP FUNCTION says(bytea), says(text), page, scope, profile, video, embed, list, bio;
