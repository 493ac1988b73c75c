# Real tables, where there are some beside the checkout: two snapshots of the
# videos of some 190 Danish politicians, by party, and a history with holes of a
# small creator.  Imported in no order of time, they must come to what plain SQL
# finds in the rows of the files, and pass the comparison of 050.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $captures = captures_dir();
plan skip_all => 'no captures beside the checkout' if !defined $captures || !-r "$captures/data/dk2026_videos_2026-03-22.csv";

my $seed = $ENV{ORACLE_SEED} // int(rand(1_000_000));
note "ORACLE_SEED=$seed";

my $node = new_node('histories', url => 'http://127.0.0.1:9', conf => "trackagoat.enabled = off\njit = off");
setup_database($node);
$node->safe_psql('postgres', read_file("$FindBin::RealBin/oracle.sql"));

sub answer { return $node->safe_psql('postgres', $_[0]) }

# The totals and answers agree with the plain copy, whatever is folded.
sub agrees
{
	my ($name) = @_;
	my $query = sprintf q(SELECT * FROM oracle_differences(%d) LIMIT 8), $seed++;

	is(answer($query), '', $name);
	is(answer('SELECT * FROM verify() LIMIT 8'), '', "$name: verify()");
	return;
}

# --- the files ---------------------------------------------------------------------------

$node->safe_psql('postgres', <<"SQL");
CREATE TABLE first_day (tiktok_handle text, display_name text, party_name text, storkreds text, account_type text, video_id bigint,
	upload_dato date, beskrivelse text, visninger bigint, likes bigint, kommentarer bigint, shares bigint, gemmer bigint, video_url text,
	n serial);
CREATE TABLE second_day (run_id text, tiktok_handle text, display_name text, party_name text, storkreds text, account_type text, video_id bigint,
	upload_dato date, beskrivelse text, visninger bigint, likes bigint, kommentarer bigint, shares bigint, gemmer bigint, video_url text,
	n serial);
CREATE TABLE minigolf (observed_at timestamptz, video_id bigint, view_count bigint, like_count bigint, comment_count bigint);
\\copy first_day (tiktok_handle, display_name, party_name, storkreds, account_type, video_id, upload_dato, beskrivelse, visninger, likes, kommentarer, shares, gemmer, video_url) FROM '$captures/data/dk2026_videos_2026-03-22.csv' WITH (FORMAT csv, HEADER)
\\copy second_day (run_id, tiktok_handle, display_name, party_name, storkreds, account_type, video_id, upload_dato, beskrivelse, visninger, likes, kommentarer, shares, gemmer, video_url) FROM '$captures/data/dk2026_videos_2026-03-30.csv' WITH (FORMAT csv, HEADER)
\\copy minigolf FROM '$captures/data/minigolf_videos_2025-07_2026-08.csv' WITH (FORMAT csv, HEADER)

-- The rows of both days; the newest post of the first is of the morning of the 23rd.
CREATE VIEW snapshot AS
SELECT tiktok_handle, party_name, video_id, timestamptz '2026-03-23 13:00+01' + n * interval '1237 microseconds' AS observed_at,
	visninger AS views, likes, kommentarer AS comments, shares, gemmer AS saves FROM first_day
UNION ALL SELECT tiktok_handle, party_name, video_id, timestamptz '2026-03-30 20:00+02' + n * interval '1237 microseconds',
	visninger, likes, kommentarer, shares, gemmer FROM second_day;
SQL
is(answer('SELECT count(*), sum((b.visninger > a.visninger)::integer), sum((b.visninger < a.visninger)::integer)
	FROM first_day a JOIN second_day b USING (video_id)'), '4605|4107|0', 'the files are those that are known');

# --- the import ----------------------------------------------------------------------------

$node->safe_psql('postgres', <<'SQL');
INSERT INTO organization (id, name, timezone) VALUES (oracle_id(), 'dk', 'Europe/Copenhagen'), (oracle_id(), 'golf', 'America/Chicago');
INSERT INTO project (id, org_id, name) SELECT oracle_id(), id, name FROM organization;
INSERT INTO creator (id, project_id, tiktok_handle)
	SELECT oracle_id(), p.id, h.tiktok_handle::handle FROM project p, (SELECT DISTINCT tiktok_handle FROM snapshot) h WHERE p.name = 'dk'
	UNION ALL SELECT oracle_id(), p.id, 'mini_golf_every_day' FROM project p WHERE p.name = 'golf';
INSERT INTO video (id, creator_id, tiktok_video_id)
	SELECT oracle_id(), c.id, s.video_id FROM (SELECT DISTINCT video_id, tiktok_handle FROM snapshot) s
	JOIN creator c ON c.tiktok_handle = s.tiktok_handle::handle;
INSERT INTO video (id, creator_id, tiktok_video_id)
	SELECT oracle_id(), c.id, m.video_id FROM (SELECT DISTINCT video_id FROM minigolf) m, creator c WHERE c.tiktok_handle = 'mini_golf_every_day'::handle;

-- a campaign per party, and all of them under one
INSERT INTO campaign (id, project_id, name) SELECT oracle_id(), p.id, s.party_name FROM project p, (SELECT DISTINCT party_name FROM snapshot) s WHERE p.name = 'dk';
INSERT INTO campaign (id, project_id, name) SELECT oracle_id(), id, 'all of ' || name FROM project;
INSERT INTO campaign_item (campaign_id, creator_id)
	SELECT k.id, c.id FROM (SELECT DISTINCT party_name, tiktok_handle FROM snapshot) s
	JOIN campaign k ON k.name = s.party_name JOIN creator c ON c.tiktok_handle = s.tiktok_handle::handle;
INSERT INTO campaign_item (campaign_id, child_campaign_id) SELECT r.id, k.id FROM campaign r JOIN campaign k USING (project_id)
	WHERE r.name = 'all of dk' AND k.name NOT LIKE 'all of%';
INSERT INTO campaign_item (campaign_id, video_id) SELECT r.id, v.id FROM campaign r JOIN video v USING (project_id) WHERE r.name = 'all of golf';
SQL
$node->safe_psql('postgres', <<"SQL");
-- calls of a few hundred rows of both days and the history, shuffled
SELECT count(oracle_observe(given)) FROM (
	SELECT array_agg(ROW(v.id, o.observed_at, o.views, o.likes, o.comments, o.shares, o.saves, true, 'import')::oracle_observation
		ORDER BY hashint8extended(o.video_id, $seed)) AS given
	FROM (SELECT video_id, observed_at, views, likes, comments, shares, saves FROM snapshot
		UNION ALL SELECT video_id, observed_at, view_count, like_count, comment_count, NULL, NULL FROM minigolf) o
	JOIN video v ON v.tiktok_video_id = o.video_id
	GROUP BY abs(hashint8extended(extract(epoch FROM o.observed_at)::bigint # o.video_id, $seed)) % 41) calls;
ANALYZE;
SQL

# --- against the rows of the files ------------------------------------------------------------

# What campaign_stats() says of the campaigns, and a query in its form says of the files.
sub same_stats
{
	my ($arguments, $expected, $name) = @_;
	my $columns = 'name, s.creators, s.videos, s.views, s.likes, s.comments, s.shares, s.saves';

	is(answer("SELECT $columns FROM campaign k, campaign_stats(k.id$arguments) s WHERE name NOT LIKE '%golf' ORDER BY name COLLATE \"C\""),
		answer("WITH party AS (SELECT DISTINCT party_name AS name, tiktok_handle FROM snapshot UNION SELECT DISTINCT 'all of dk', tiktok_handle FROM snapshot),
			video AS ($expected)
			SELECT name, count(DISTINCT p.tiktok_handle), count(v.post), coalesce(sum(v.views), 0), coalesce(sum(v.likes), 0), coalesce(sum(v.comments), 0),
				coalesce(sum(v.shares), 0), coalesce(sum(v.saves), 0)
			FROM party p LEFT JOIN video v USING (tiktok_handle) GROUP BY 1 ORDER BY name COLLATE \"C\""), $name);
	return;
}

sub compare_with_files
{
	my ($when) = @_;

	same_stats('', 'SELECT DISTINCT ON (video_id) *, 1 AS post FROM snapshot ORDER BY video_id, observed_at DESC', "totals by party, $when");
	same_stats(q(, NULL, NULL, '2026-03-27 12:00+01'), q(SELECT *, 1 AS post FROM snapshot WHERE observed_at < '2026-03-27'
			UNION ALL SELECT tiktok_handle, NULL, s.video_id, NULL, NULL, NULL, NULL, NULL, NULL, 1 FROM snapshot s
			WHERE video_id_time(video_id) <= '2026-03-27 12:00+01' AND video_id NOT IN (SELECT video_id FROM first_day)),
		"as of a day between, $when");
	same_stats(q(, '2026-03-24', '2026-03-30'), q(SELECT b.tiktok_handle, b.views - a.visninger AS views, b.likes - a.likes AS likes,
				b.comments - a.kommentarer AS comments, b.shares - a.shares AS shares, b.saves - a.gemmer AS saves, NULL AS post
			FROM snapshot b JOIN first_day a USING (video_id) WHERE b.observed_at > '2026-03-27'
			UNION ALL SELECT DISTINCT ON (video_id) tiktok_handle, NULL, NULL, NULL, NULL, NULL, 1 FROM snapshot
			WHERE (video_id_time(video_id) AT TIME ZONE 'Europe/Copenhagen')::date BETWEEN '2026-03-24' AND '2026-03-30'),
		"what was gained between the snapshots, $when");
	same_stats(q(, '2026-03-24', '2026-03-29'), q(SELECT DISTINCT ON (video_id) tiktok_handle, NULL::bigint AS views, NULL::bigint AS likes,
				NULL::bigint AS comments, NULL::bigint AS shares, NULL::bigint AS saves, 1 AS post FROM snapshot
			WHERE (video_id_time(video_id) AT TIME ZONE 'Europe/Copenhagen')::date BETWEEN '2026-03-24' AND '2026-03-29'),
		"nothing on the days without a snapshot, $when");

	# the history with holes, which knows a counter late or never
	is(answer(q(SELECT d.day, d.views, d.known_views, d.baseline_views FROM campaign k,
			entity_days('campaign', k.id, NULL, NULL, 'Asia/Kolkata', NULL) d WHERE k.name = 'all of golf' AND (d.views, d.known_views) <> (0, 0) ORDER BY 1)),
		answer(q(SELECT * FROM (SELECT (observed_at AT TIME ZONE 'Asia/Kolkata')::date AS day, coalesce(sum(view_count - before), 0) AS gain,
				count(*) FILTER (WHERE before IS NULL), coalesce(sum(view_count) FILTER (WHERE before IS NULL), 0)
			FROM (SELECT *, lag(view_count) OVER (PARTITION BY video_id ORDER BY observed_at) AS before FROM minigolf WHERE view_count IS NOT NULL) m
			GROUP BY 1) d WHERE (gain, count) <> (0, 0) ORDER BY 1)), "the daily curve of a history with holes, $when");
	is(answer(q(SELECT s.videos, s.views, s.likes, s.comments, s.shares, s.saves FROM campaign k, campaign_stats(k.id) s WHERE name = 'all of golf')),
		answer(q(SELECT count(*), sum(view_count), sum(like_count), sum(comment_count), NULL, NULL FROM (SELECT DISTINCT ON (video_id) *
			FROM minigolf ORDER BY video_id, view_count IS NULL, observed_at DESC) m)), "its totals, of which two nobody knows, $when");
	agrees("the comparison, $when");
	return;
}

compare_with_files('not folded');
answer('SELECT count(*) FROM refresh_totals()');
compare_with_files('folded');

# --- what changes of it -----------------------------------------------------------------------

$node->safe_psql('postgres', q(UPDATE creator SET removed_at = now() WHERE id IN (SELECT i.creator_id FROM campaign_item i JOIN campaign k ON k.id = i.campaign_id
	WHERE k.name IN ('Venstre', 'Moderaterne'))));
is(answer(q(SELECT sum(s.videos) FROM campaign k, campaign_stats(k.id) s WHERE k.name IN ('Venstre', 'Moderaterne'))), '0', 'parties whose creators are removed');
agrees('with two parties removed');
$node->safe_psql('postgres', 'SELECT count(*) FROM refresh_totals(); UPDATE creator SET removed_at = NULL WHERE removed_at IS NOT NULL');
agrees('restored');
$node->safe_psql('postgres', q(UPDATE organization SET timezone = 'Pacific/Chatham' WHERE name = 'golf'; UPDATE video SET tracking_status = 'excluded'
	WHERE tiktok_video_id % 3 = 0; DELETE FROM video WHERE tiktok_video_id % 7 = 0; DELETE FROM campaign WHERE name LIKE 'S%'));
agrees('in another zone, a third of the videos excluded, others and some campaigns deleted');

$node->stop('fast');
done_testing();
