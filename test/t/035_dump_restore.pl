# A plain dump and restore keeps everything and invents nothing: rows, what users
# added, owners, rights, comments.  Also into a database that the worker serves,
# which waits until all is there.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $host = start_fault_server();
my $node = new_node('dump', url => $host->{url}, conf => "trackagoat.database = 'served'");
my $dump = PostgreSQL::Test::Utils::tempdir('dump') . '/dump';

$node->safe_psql('postgres', $_) for 'CREATE EXTENSION trackagoat', 'CREATE ROLE goat_owner CREATEROLE', 'CREATE ROLE reader',
  'CREATE ROLE authenticator LOGIN NOINHERIT',
  map { "CREATE DATABASE $_ TEMPLATE template0" } qw(source copy served empty);

# --- rows in every table, and what users add ----------------------------------

$node->safe_psql('source', <<'SQL');
CREATE EXTENSION trackagoat;
GRANT USAGE ON SCHEMA trackagoat TO goat_owner WITH GRANT OPTION;
GRANT CREATE ON SCHEMA trackagoat TO goat_owner;
GRANT CREATE ON DATABASE source TO goat_owner;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA trackagoat TO goat_owner;
GRANT CREATE ON SCHEMA public TO goat_owner;
SET ROLE goat_owner;
CALL trackagoat.setup();
RESET ROLE;
SQL
$node->safe_psql('source', <<'SQL');
SET ROLE goat_owner;
SET search_path = trackagoat, public;
INSERT INTO organization (name, timezone) VALUES ('one', 'Europe/Berlin'), ('two', 'UTC');
INSERT INTO project (org_id, name, description) SELECT id, name || '''s', 'Ziegen "und" mehr' FROM organization;
INSERT INTO creator (project_id, tiktok_handle, readme, metadata)
	SELECT p.id, h, E'zwei\nZeilen \\ \t', '{"goat": ["\u00fc", null, 1.50]}'
	FROM project p, unnest('{Written.As_Such,second_goat}'::text[]) h;
-- what an import brings: older rows, which queue nothing for now
INSERT INTO creator (project_id, tiktok_handle, created_at, tracking_start_date)
	SELECT id, 'older_goat', now() - interval '90 days', '2026-01-01' FROM project;
INSERT INTO creator (project_id, tiktok_handle, removed_at) SELECT id, 'removed_goat', now() FROM project;
INSERT INTO creator (project_id, tiktok_handle, disabled_at, disabled_reason) SELECT id, 'disabled_goat', now(), 'rest' FROM project;
INSERT INTO video (project_id, tiktok_video_id) SELECT id, 7608826249200356630 FROM project;
INSERT INTO campaign (project_id, name, target_views) SELECT id, 'herd', 1000000 FROM project;
INSERT INTO campaign (project_id, name) SELECT id, 'all' FROM project;
SQL
$node->safe_psql('source', <<'SQL');
UPDATE trackagoat.scrape_outcome SET host_pause = '17 minutes', retry_after = '1 second' WHERE outcome = 'blocked';
SET trackagoat.requests_per_minute = 60000;
SET ROLE goat_owner;
CALL trackagoat.run_scrapes();
SQL
$host->answers(second_goat => 'status 500');
$node->safe_psql('source', <<'SQL');
SET search_path = trackagoat, public;
INSERT INTO plan (plan, limit_key, max) VALUES ('herd', 'max_manual_scrape_triggers_per_day', 1);
UPDATE organization SET plan = 'herd' WHERE name = 'two';
SELECT scrape_creator(id) FROM creator WHERE tiktok_handle = 'second_goat';
SET trackagoat.requests_per_minute = 60000;
SET ROLE goat_owner;
CALL trackagoat.run_scrapes();
SQL
$node->safe_psql('source', <<'SQL');
SET ROLE goat_owner;
SET search_path = trackagoat, public;
INSERT INTO video (creator_id, tiktok_video_id, tracking_status, created_at)
	SELECT id, 7000000000000000000 + n, 'auto_tracked', now() - interval '10 days' FROM creator, generate_series(1, 5) n
	WHERE tiktok_handle = 'older_goat';
SELECT observe_videos(array_agg(id), array_agg(now() - interval '3 days' * n), array_agg(1000::bigint * n), NULL, NULL, NULL, NULL)
	FROM video, generate_series(1, 4) n;
SELECT observe_creator(id, '2026-02-03 04:05:06.789+00', 9223372036854775807, NULL, 3, NULL) FROM creator;
INSERT INTO campaign_item (campaign_id, creator_id) SELECT k.id, c.id FROM campaign k JOIN creator c USING (project_id)
	WHERE k.name = 'herd';
INSERT INTO campaign_item (campaign_id, video_id) SELECT k.id, v.id FROM campaign k JOIN video v USING (project_id)
	WHERE k.name = 'herd' AND v.creator_id IS NULL;
INSERT INTO campaign_item (campaign_id, child_campaign_id) SELECT k.id, c.id FROM campaign k JOIN campaign c USING (project_id)
	WHERE k.name = 'all' AND c.name = 'herd';
SELECT add_videos(id, ARRAY['https://www.tiktok.com/@gone/video/7000000000000000999']) FROM project;
INSERT INTO video_link (org_id, project_id, link, problem) SELECT org_id, id, 'vm.tiktok.com/ZMgoat', 'dead_link' FROM project;
DELETE FROM video WHERE tiktok_video_id = 7000000000000000999;
INSERT INTO banned_handle (tiktok_handle, reason) VALUES ('wolf', 'eats goats');
INSERT INTO goal (creator_id, goal_type, target, starts_on) SELECT id, 'followers', 10, '2026-01-01' FROM creator WHERE tiktok_handle = 'older_goat';
UPDATE goal SET status = 'on_track';
SELECT evaluate_goals();
INSERT INTO plan (plan, limit_key, max) VALUES ('herd', 'max_creators_per_org', 1000), ('herd', 'stats_history_retention_days', 90);
UPDATE organization SET plan = 'herd';
SELECT prune();
UPDATE organization SET plan = NULL;
INSERT INTO scrape_request (kind, tiktok_handle, priority, renew) VALUES ('creator_profile', 'queued_goat', 0, false);
-- and their own
ALTER TABLE creator ADD COLUMN pet_name text DEFAULT 'Billy', ADD COLUMN score numeric GENERATED ALWAYS AS (follower_count / 3) STORED;
COMMENT ON COLUMN creator.pet_name IS 'what we call it';
CREATE INDEX creator_pet_name ON creator (lower(pet_name), tiktok_handle DESC) WHERE score > 0;
ALTER TABLE video ADD CONSTRAINT video_not_boring CHECK (title <> 'boring') NOT VALID;
CREATE TABLE public.note (id bigint GENERATED ALWAYS AS IDENTITY, handle trackagoat.handle PRIMARY KEY);
CREATE FUNCTION public.take_note() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN INSERT INTO public.note (handle) VALUES (NEW.tiktok_handle) ON CONFLICT DO NOTHING; RETURN NEW; END';
CREATE TRIGGER take_note BEFORE INSERT OR UPDATE ON creator FOR EACH ROW EXECUTE FUNCTION public.take_note();
UPDATE creator SET pet_name = 'Nanny' WHERE tiktok_handle = 'older_goat';
CREATE POLICY readers ON creator FOR SELECT TO reader USING (org_id IN (SELECT id FROM organization));
GRANT SELECT ON creator TO reader;
GRANT UPDATE (readme) ON creator TO reader;
GRANT EXECUTE ON FUNCTION trackagoat.scrape_creator(uuid) TO reader;
ALTER TABLE video SET (fillfactor = 60);
ALTER TABLE campaign DISABLE TRIGGER campaign_touch;
SQL

# the API, with a key and an answer that is kept
my $key = $node->safe_psql('source', <<'SQL');
SET ROLE goat_owner;
DO 'BEGIN PERFORM trackagoat.setup_api($$authenticator$$); END';
INSERT INTO trackagoat.member (org_id, user_id, role) SELECT id, 'kid', 'admin' FROM trackagoat.organization;
SELECT trackagoat.create_api_key(id, 'kept') FROM trackagoat.organization WHERE name = 'one';
SQL

# What a request answers there: status, and the names of projects.
sub asked
{
	my ($database, $method, $body) = @_;
	return $node->safe_psql($database, qq(SELECT a.status, regexp_replace(a.body, '^.*"name" ?: ?("[^"]*").*\$', '\\1')
		FROM trackagoat_api.request('$method', '/api/v1/projects', '{"X-Api-Key": "$key", "Idempotency-Key": "once"}', '$body') a));
}
is(asked('source', 'POST', '{"name": "third"}'), '201|"third"', 'the API answers');

# --- everything of a database as text -------------------------------------------

sub rows_of
{
	my ($database) = @_;
	my $rows = '';

	for my $table (split /\n/, $node->safe_psql($database, q(SELECT relnamespace::regnamespace || '.' || relname FROM pg_class
		WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('trackagoat', 'trackagoat_api', 'public') ORDER BY 1)))
	{
		my $text = $node->safe_psql($database, "SET timezone = 'UTC'; SELECT t::text FROM $table t ORDER BY 1");
		is($text eq '' ? 'empty' : 'filled', 'filled', "$database has rows in $table") if $database eq 'source';
		$rows .= "$table:\n$text\n";
	}
	return $rows . $node->safe_psql($database, q(SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2));
}

my $rows = rows_of('source');
my $catalogue = catalogue_of($node, 'source');
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('source') ], 'pg_dump');
same(rows_of('source'), $rows, 'the dump changes nothing');

# --- into a database that nobody serves --------------------------------------------

$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), $dump ], 'pg_restore');
same(rows_of('copy'), $rows, 'all rows, and none that was not there');
same(catalogue_of($node, 'copy'), $catalogue, 'all objects, with owners, rights and comments');
$node->safe_psql('copy', 'SET ROLE goat_owner; CALL trackagoat.setup()');
same(rows_of('copy'), $rows, 'setup() again changes no row');
same(catalogue_of($node, 'copy'), $catalogue, 'and no object');
$node->safe_psql('copy', q(INSERT INTO trackagoat.creator (project_id, tiktok_handle) SELECT id, 'new_goat' FROM trackagoat.project));
is($node->safe_psql('copy', q(SELECT count(*) FROM trackagoat.scrape_job WHERE tiktok_handle OPERATOR(trackagoat.=) 'new_goat')),
	'2', 'the copy is alive');
is(asked('copy', 'POST', '{"name": "third"}'), '201|"third"', 'and answers with the keys of before, what was asked for already as it did');
is($node->safe_psql('copy', q(SELECT count(*) FROM trackagoat.project WHERE name = 'third')), '1', 'and does it no second time');

# --- into one that the worker serves -------------------------------------------------

# a job that is due when it is restored, before the video that it is for
$node->safe_psql('source', q(UPDATE trackagoat.scrape_job SET due_at = now() WHERE kind = 'video_stats' AND tiktok_video_id = 7000000000000000001));
$rows = rows_of('source');
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('source') ], 'pg_dump, with a job that is due');
my $requests = $host->requests;
$node->command_ok([ 'pg_restore', '--exit-on-error', '--section=pre-data', '--section=data', '-d', $node->connstr('served'), $dump ],
	'pg_restore of the data');
my $now = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
$node->reload;
wait_for_answer($node, 5, "SELECT state FROM trackagoat.worker_status() WHERE active_at > '$now'", 'idle',
	'the worker has looked, and waits for the rest');
same(rows_of('served'), $rows, 'the rows are untouched');
$node->append_conf('postgresql.conf', 'trackagoat.enabled = off');
$node->reload;
$node->command_ok([ 'pg_restore', '--exit-on-error', '--section=post-data', '-d', $node->connstr('served'), $dump ], 'pg_restore of the rest');
same(rows_of('served'), $rows, 'all rows, and none that was not there');
same(catalogue_of($node, 'served'), $catalogue, 'all objects');
is($host->requests, $requests, 'nothing was fetched');
$node->append_conf('postgresql.conf', 'trackagoat.enabled = on');
$node->reload;
wait_for_answer($node, 15, q(SELECT view_count FROM trackagoat.video WHERE tiktok_video_id = 7000000000000000001 LIMIT 1), '100',
	'then the worker goes on with what was due', 'served');
is($host->requests, $requests + 1, 'and with nothing else');

# --- the schema alone ----------------------------------------------------------------

$node->command_ok([ 'pg_dump', '-Fc', '-s', '-f', $dump, '-d', $node->connstr('source') ], 'pg_dump of the schema');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('empty'), $dump ], 'pg_restore of the schema');
same(catalogue_of($node, 'empty'), $catalogue, 'all objects');
$node->stop('fast');

done_testing();
