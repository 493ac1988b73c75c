-- Enums, ids, time zones and addresses.
SET client_min_messages = warning;
SET search_path TO trackagoat, public;

SELECT typname, string_agg(enumlabel, ', ' ORDER BY enumsortorder) AS labels
FROM pg_enum e JOIN pg_type t ON t.oid = enumtypid WHERE typnamespace = 'trackagoat'::regnamespace GROUP BY 1 ORDER BY 1;

--
-- uuidv7: version and variant, rising, its time is now (from 18 on the
-- server has one of the same name, so ours is named in full)
--
CREATE TABLE id AS SELECT n, trackagoat.uuidv7() AS id FROM generate_series(1, 100000) n;
SELECT count(*) AS ids, count(DISTINCT id) AS different, bool_and(substr(id::text, 15, 1) = '7') AS version_7,
	bool_and(substr(id::text, 20, 1) IN ('8', '9', 'a', 'b')) AS variant_rfc FROM id;
SELECT count(*) AS not_rising FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before FROM id) i WHERE before >= id;
-- rising within a millisecond too, and no random bit stands still
SELECT count(DISTINCT left(id::text, 13)) < count(*) AS share_milliseconds FROM id;
SELECT bit AS stuck FROM id, generate_series(64, 127) bit
WHERE n <= 10000 AND bit NOT IN (70, 71) -- the variant
GROUP BY bit HAVING avg(get_bit(uuid_send(id), bit)) NOT BETWEEN 0.45 AND 0.55 ORDER BY bit;
CREATE FUNCTION pg_temp.id_time(id uuid) RETURNS timestamptz LANGUAGE sql AS
$$ SELECT to_timestamp(('x' || replace(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000.0) $$;
SELECT abs(extract(epoch FROM pg_temp.id_time(trackagoat.uuidv7()) - clock_timestamp())) < 1 AS time_is_now;
SELECT bool_and(pg_temp.id_time(id) BETWEEN now() - interval '10 minutes' AND now() + interval '10 minutes') AS times_are_now FROM id;
DROP TABLE id;

--
-- video_id_time: the upper 32 bits
--
SET timezone = 'UTC';
SELECT id, video_id_time(id), extract(epoch FROM video_id_time(id))::bigint AS seconds
FROM unnest(ARRAY[7608826249200356630, 7526770564367748360, 7610426235671350549, 1, 4294967295, 4294967296, 9223372036854775807]) WITH ORDINALITY v (id, n) ORDER BY n;
SELECT count(*) AS wrong FROM (VALUES (7608826249200356630, 1771567913), (7526770564367748360, 1752462835), (7610426235671350549, 1771940438)) e (id, seconds)
WHERE video_id_time(id) IS DISTINCT FROM to_timestamp(seconds);
SELECT video_id_time(0) IS NULL AS zero, video_id_time(-1) IS NULL AS negative, video_id_time(NULL) IS NULL AS nothing;
RESET timezone;

--
-- is_timezone
--
SELECT name, is_timezone(name) FROM unnest(ARRAY['UTC', 'GMT', 'Europe/Berlin', 'europe/berlin', 'America/Argentina/Buenos_Aires', 'Asia/Kolkata',
	'Etc/GMT+5', 'Etc/GMT-14']) WITH ORDINALITY z (name, n) ORDER BY n;
SELECT name, is_timezone(name) FROM unnest(ARRAY['', ' ', 'Mars/Phobos', 'Berlin', 'Europe', 'Europe/', 'Europe/Berlin ', ' Europe/Berlin', 'X5Y', 'EST5EDT', '+05', '05:00',
	'UTC+2', 'Europe/Berlin5', 'Etc/GMT+55', 'Foo/Bar-3', '<+03>-3', '<-03>3/x', '../Europe/Berlin', '/etc/passwd', '/usr/share/zoneinfo/UTC',
	'right/Europe/Berlin', 'PST', 'MSK', 'now', 'default', 'local time', 'Europe/Berlin' || chr(10), U&'Europe/M\00FCnchen', repeat('x', 254), repeat('x', 255), repeat('Europe/', 1000)]) WITH ORDINALITY z (name, n)
WHERE is_timezone(name) ORDER BY n;
SELECT is_timezone(NULL) IS NULL AS null_is_null;
-- what it accepts, the server uses; and it accepts all of the server's that have no POSIX form, but for
-- those that, by version, AT TIME ZONE takes for abbreviations of a fixed offset
SELECT count(*) > 300 AS many, count(*) FILTER (WHERE now() AT TIME ZONE name IS NULL) AS useless FROM pg_timezone_names WHERE is_timezone(name);
SELECT name FROM pg_timezone_names WHERE NOT is_timezone(name) AND name !~ '^[A-Z+-]+[0-9]' AND name !~ '^[A-Z]{3}[+-]0$' AND name NOT IN ('CET', 'EET', 'MET', 'WET', 'EST', 'HST', 'MST') ORDER BY name COLLATE "C";

--
-- is_public_address: every special block's first and last address, and its neighbours
--
CREATE TABLE block (net cidr, what text);
INSERT INTO block VALUES
	('0.0.0.0/8', 'this network'), ('10.0.0.0/8', 'private'), ('100.64.0.0/10', 'shared'), ('127.0.0.0/8', 'loopback'),
	('169.254.0.0/16', 'link-local'), ('172.16.0.0/12', 'private'), ('192.0.0.0/24', 'protocol'), ('192.0.2.0/24', 'documentation'),
	('192.88.99.0/24', '6to4 relay'), ('192.168.0.0/16', 'private'), ('198.18.0.0/15', 'benchmark'), ('198.51.100.0/24', 'documentation'),
	('203.0.113.0/24', 'documentation'), ('224.0.0.0/4', 'multicast'), ('240.0.0.0/4', 'reserved'), ('255.255.255.255/32', 'broadcast'),
	('::/128', 'unspecified'), ('::1/128', 'loopback'), ('::/96', 'IPv4-compatible'), ('64:ff9b:1::/48', 'local NAT64'), ('100::/64', 'discard'), ('100:0:0:1::/64', 'dummy'),
	('2001::/23', 'protocol'), ('2001::/32', 'Teredo'), ('2001:2::/48', 'benchmark'), ('2001:10::/28', 'ORCHID'), ('2001:20::/28', 'ORCHIDv2'),
	('2001:db8::/32', 'documentation'), ('2002::/16', '6to4'), ('3fff::/20', 'documentation'), ('5f00::/16', 'segment routing'),
	('fc00::/7', 'unique local'), ('fe80::/10', 'link-local'), ('fec0::/10', 'site-local'), ('ff00::/8', 'multicast');
SELECT net, what FROM block WHERE is_public_address(host(net)::inet) OR is_public_address(host(broadcast(net))::inet) ORDER BY net, what;
SELECT net, what FROM block WHERE family(net) = 4
	AND is_public_address(host(net)::inet + (host(broadcast(net))::inet - host(net)::inet) / 2) ORDER BY net, what;
-- the same IPv4 blocks within IPv6: mapped, and behind NAT64
SELECT net, prefix FROM block, unnest(ARRAY['::ffff:', '64:ff9b::']) prefix
WHERE family(net) = 4 AND (is_public_address((prefix || host(net))::inet) OR is_public_address((prefix || host(broadcast(net)))::inet)) ORDER BY 1, 2;
-- a neighbour of a block is public, unless it is in another block
SELECT a AS wrongly_refused FROM (
	SELECT host(net)::inet - 1 AS a FROM block WHERE family(net) = 4 AND host(net) <> '0.0.0.0'
	UNION SELECT host(broadcast(net))::inet + 1 FROM block WHERE family(net) = 4 AND host(broadcast(net)) <> '255.255.255.255') n
WHERE NOT is_public_address(a) AND NOT EXISTS (SELECT FROM block WHERE net >>= a) ORDER BY a;
SELECT a, is_public_address(a) FROM unnest('{8.8.8.8,1.1.1.1,100.63.255.255,100.128.0.0,172.15.255.255,172.32.0.0,192.0.1.0,192.0.3.0,198.17.255.255,198.20.0.0,223.255.255.255,
	2606:4700::1111,2a00:1450:4001::1,2001:200::1,2001:4860:4860::8888,2003::1,3ffe::1,3fff:1000::1,::ffff:8.8.8.8,64:ff9b::8.8.8.8,::8.8.8.8,::fffe:8.8.8.8,4000::1,1fff::1}'::inet[]) WITH ORDINALITY p (a, n) ORDER BY n;
-- a network is no address; the whole of an address is
SELECT a, is_public_address(a) FROM unnest('{8.8.8.0/24,8.8.8.8/31,8.8.8.8/32,0.0.0.0/0,2606:4700::/32,2606:4700::1111/128,::/0}'::inet[]) WITH ORDINALITY p (a, n) ORDER BY n;
SELECT is_public_address(NULL) IS NULL AS null_is_null;
DROP TABLE block;
