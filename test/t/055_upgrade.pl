# An upgrade from the first version brings tables and rows over, and leaves
# what a fresh install has.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

# --- the script is what the parts say ----------------------------------------------

my $sql = source_dir() . '/sql';
my ($made, $err) = ('', '');
IPC::Run::run([ source_dir() . '/scripts/upgrade-script', source_dir() . '/test/upgrade/trackagoat--0.1.0.sql',
		"$sql/trackagoat--0.2.0.sql", "$sql/trackagoat--0.1.0--0.2.0.sql" ], '>', \$made, '2>', \$err);
is($err, '', 'scripts/upgrade-script runs');
ok($made eq read_file("$sql/trackagoat--0.1.0--0.2.0.sql"), 'and makes the upgrade script that is there');

my $node = new_node('upgrade', conf => "trackagoat.database = 'nowhere'");

$node->safe_psql('postgres', $_) for map { "CREATE DATABASE $_ TEMPLATE template0" } qw(older fresh);

# --- the first version, with rows in its histories --------------------------------

$node->safe_psql('older', <<'SQL');
SET client_min_messages = warning;
CREATE EXTENSION trackagoat VERSION '0.1.0';
CALL trackagoat.setup();
-- the library is the new one, and old setup() takes its word
UPDATE trackagoat.setup_version SET version = 1;
SET search_path = trackagoat, public;
INSERT INTO organization (name, timezone) VALUES ('one', 'Europe/Berlin'), ('two', 'Asia/Kolkata');
INSERT INTO project (org_id, name) SELECT id, 'P' FROM organization;
INSERT INTO creator (project_id, tiktok_handle) SELECT p.id, 'goat' || n FROM project p, generate_series(1, 5) n;
INSERT INTO video (creator_id, tiktok_video_id, tracking_status, posted_at)
	SELECT c.id, 7000000000000000000 + n, (ARRAY['auto_tracked', 'pending_review', 'excluded', 'included'])[n % 4 + 1]::tracking_status,
		'2026-01-01 22:00Z'::timestamptz + n * interval '7 hours'
	FROM creator c, generate_series(1, 8) n WHERE c.tiktok_handle = ('goat' || n % 5 + 1);
INSERT INTO video (project_id, tiktok_video_id) SELECT id, 7100000000000000000 FROM project;
SELECT setseed(0.5);
SELECT observe_videos(array_agg(id), array_agg(at), array_agg(views), array_agg(likes), array_agg(comments), NULL, array_agg(saves), source, exact)
FROM (SELECT v.id, '2026-01-02Z'::timestamptz + d * interval '22 hours 3 minutes 4.567891 seconds' AS at,
		CASE WHEN random() < 0.9 THEN (random() * 100000)::bigint END AS views, (random() * 1000)::bigint AS likes,
		CASE WHEN d > 5 THEN d::bigint END AS comments, 9000000000000000000 + d AS saves,
		(ARRAY['import', 'video_page', 'of my own'])[d % 3 + 1] AS source, d % 2 = 0 AS exact
	FROM video v, generate_series(1, 60) d ORDER BY random()) o GROUP BY source, exact;
SELECT observe_creator(c.id, '2026-01-01Z'::timestamptz + d * interval '1 day', 1000 * d, NULL, d, 3, 'profile_page')
	FROM creator c, generate_series(1, 40) d;
UPDATE creator SET tiktok_handle = 'renamed' WHERE tiktok_handle = 'goat3';
SELECT observe_creator(id, clock_timestamp(), 7, 8, 9, 10) FROM creator WHERE tiktok_handle = 'renamed';
UPDATE creator SET removed_at = now() WHERE tiktok_handle = 'goat4';
-- what users may have added, and times that are refused by now
ALTER TABLE video_history ADD CONSTRAINT my_check CHECK (view_count < 1e15);
ALTER TABLE video_history RENAME CONSTRAINT video_history_pkey TO total_pkey;
ALTER TABLE creator_history ADD CONSTRAINT x_history_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1 CHECK (true);
ALTER TABLE creator_history ADD CONSTRAINT x_history_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2 CHECK (true);
-- an id that two organizations have
INSERT INTO creator (id, project_id, tiktok_handle) SELECT '00000000-0000-7000-8000-00000000000c', id, 'twice' FROM project;
UPDATE creator SET tiktok_handle = 'twice_renamed' WHERE id = '00000000-0000-7000-8000-00000000000c';
INSERT INTO campaign (project_id, name) SELECT p.id, n FROM project p, unnest(ARRAY['all', 'some']) n;
INSERT INTO campaign_item (campaign_id, creator_id) SELECT k.id, c.id FROM campaign k JOIN creator c USING (project_id)
	WHERE k.name = 'some' AND c.tiktok_handle <> 'goat1';
INSERT INTO campaign_item (campaign_id, video_id) SELECT k.id, v.id FROM campaign k JOIN video v USING (project_id)
	WHERE k.name = 'all' AND v.tiktok_video_id % 3 = 0;
INSERT INTO campaign_item (campaign_id, child_campaign_id) SELECT a.id, b.id FROM campaign a JOIN campaign b USING (project_id)
	WHERE a.name = 'all' AND b.name = 'some';
SQL

my $histories = q(SELECT 'video', video_id, org_id, observed_at, view_count, like_count, comment_count, share_count, save_count, exact, source FROM trackagoat.video_%1$s
	UNION ALL SELECT 'creator', creator_id, org_id, observed_at, follower_count, following_count, total_likes_count, video_count, NULL, exact, source FROM trackagoat.creator_%1$s
	ORDER BY 1, 2, 4);
my $entities = q(SELECT id, view_count, like_count, comment_count, share_count, save_count, last_observed_at, updated_at, tracking_status FROM trackagoat.video
	UNION ALL SELECT id, follower_count, following_count, total_likes_count, video_count, NULL, last_observed_at, updated_at, NULL FROM trackagoat.creator ORDER BY 1);
my $stats = q(SELECT k.id, s FROM trackagoat.campaign k, trackagoat.campaign_stats(k.id) s ORDER BY 1);
my $observed = $node->safe_psql('older', sprintf $histories, 'history');
my $current = $node->safe_psql('older', $entities);
# the first version's own sums, by its SQL
my $totals = $node->safe_psql('older', q(SELECT k.id, count(*), sum(v.view_count), sum(v.like_count), sum(v.comment_count), sum(v.save_count) IS NULL
	FROM trackagoat.campaign k, trackagoat.campaign_videos(k.id) d JOIN trackagoat.video v ON v.id = d.video_id GROUP BY k.id ORDER BY 1));

# --- the upgrade ---------------------------------------------------------------------

$node->safe_psql('older', 'ALTER EXTENSION trackagoat UPDATE');
is($node->safe_psql('older', 'SELECT trackagoat.tables_are_ready()'), 'f', 'until setup() is called the tables are not ready');
$node->safe_psql('older', 'CREATE VIEW mine AS SELECT video_id FROM trackagoat.video_history');
my ($code, $out, $err) = $node->psql('older', 'CALL trackagoat.setup()');
like($err, qr/others depend on their tables.*It is view public\.mine\..*Drop these first/s, 'what depends on the old tables is named');
$node->safe_psql('older', q(DROP VIEW mine;
	INSERT INTO trackagoat.video_history (video_id, org_id, observed_at, view_count, exact, source)
	SELECT id, org_id, '0044-03-15 BC', 1, true, 'import' FROM trackagoat.video LIMIT 1));
# levels near 2^63 overflow every total, which is no reason to refuse them
$node->safe_psql('older', 'SET client_min_messages = warning; CALL trackagoat.setup()');
is($node->safe_psql('older', 'SELECT trackagoat.tables_are_ready()'), 't', 'then they are');
is($node->safe_psql('older', q(SELECT count(*) FROM trackagoat.creator_history h, trackagoat.series_points(h.points) p
	WHERE h.creator_id = '00000000-0000-7000-8000-00000000000c' AND p.is_break)), '2', 'each of two creators of one id has its break');
is($node->safe_psql('older', sprintf $histories, 'snapshot'), $observed, 'each observation is there, and no other');
is($node->safe_psql('older', $entities), $current, 'the current counters are as they were');
# the id alone names neither of them, for verify() either
$node->safe_psql('older', q(DELETE FROM trackagoat.creator WHERE id = '00000000-0000-7000-8000-00000000000c'));
is($node->safe_psql('older', 'SELECT count(*) FROM trackagoat.verify()'), '0', 'all agrees');
$node->safe_psql('older', 'SELECT trackagoat.refresh_totals()');
is($node->safe_psql('older', 'SELECT count(*) FROM trackagoat.verify()'), '0', 'and once it is folded');
is($node->safe_psql('older', 'SELECT count(*) FROM trackagoat.total'), '16', 'of creators, projects and campaigns');
is($node->safe_psql('older', q(SELECT k.id, videos, sum_views, sum_likes, sum_comments, false FROM trackagoat.campaign k,
	LATERAL (SELECT count(*) AS videos, sum(v.view_count) AS sum_views, sum(v.like_count) AS sum_likes, sum(v.comment_count) AS sum_comments
		FROM trackagoat.campaign_videos(k.id) d JOIN trackagoat.video v ON v.id = d.video_id) s ORDER BY 1)), $totals, 'campaigns hold what they held');
is($node->safe_psql('older', q(SELECT count(*) FROM trackagoat.creator c JOIN trackagoat.creator_history h ON h.creator_id = c.id,
	trackagoat.series_points(h.points) p WHERE p.is_break AND c.tiktok_handle OPERATOR(trackagoat.=) 'renamed')), '2', 'a rename is a break');
$node->safe_psql('older', 'SET client_min_messages = warning; CALL trackagoat.setup()');
is($node->safe_psql('older', 'SELECT string_agg(version::text, \' \' ORDER BY version) FROM trackagoat.setup_version'), '1 2', 'setup() again changes nothing');

# --- against a fresh install -------------------------------------------------------------

$node->safe_psql('fresh', 'SET client_min_messages = warning; CREATE EXTENSION trackagoat; CALL trackagoat.setup()');
same(catalogue_of($node, 'older'), catalogue_of($node, 'fresh'), 'every object is as in a fresh install');
$node->stop('fast');

done_testing();
