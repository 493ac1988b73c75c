# A page costs what its own rows do while the tables grow from nothing, though
# nobody analyzes them but who scrapes: the worker, and a session.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $goats = 400;
my $host = start_fault_server();
$host->answers(list => 'ok 5');
my $node = new_node('growing', url => $host->{url},
	conf => "autovacuum = off\ntrackagoat.requests_per_minute = 60000\ntrackagoat.max_parallel = 16");

# Tables that are known to be empty, and what is to be fetched.
sub prepare
{
	my ($database) = @_;

	setup_database($node, $database);
	$node->safe_psql($database, 'VACUUM (ANALYZE)');
	$node->safe_psql($database, <<"SQL");
WITH o AS (INSERT INTO trackagoat.organization (name) VALUES ('herd') RETURNING id),
p AS (INSERT INTO trackagoat.project (org_id, name) SELECT id, 'herd' FROM o RETURNING id, org_id)
INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle, tracking_start_date)
SELECT p.org_id, p.id, trackagoat.parse_handle('goat' || n), '2025-01-01' FROM p, generate_series(1, $goats) n;
SQL
	return;
}

sub check
{
	my ($database, $who) = @_;
	my $pages = $node->safe_psql($database, q{SELECT count(*) FROM trackagoat.scrape_attempt WHERE outcome = 'ok'});

	cmp_ok($pages, '>=', 2 * $goats, "$who has stored $pages pages");
	is($node->safe_psql($database, 'SELECT count(*) FROM trackagoat.video'), 5 * $goats, 'with their videos');
	for my $table (qw(video scrape_job))
	{
		my $analyzed = wait_until(10, sub { $node->safe_psql($database, "SELECT analyze_count > 1 FROM pg_stat_all_tables WHERE relid = 'trackagoat.$table'::regclass") eq 't' });
		my $read = $node->safe_psql($database, <<"SQL");
SELECT (seq_tup_read + idx_tup_fetch) / $pages FROM pg_stat_all_tables WHERE relid = 'trackagoat.$table'::regclass
SQL
		ok($analyzed, "$table is analyzed");
		# while plans are of empty tables, it is more than half of all rows
		cmp_ok($read, '<', 300, "a page looks at $read rows of it");
	}
	return;
}

prepare('postgres');
ok(wait_until(60, sub { $node->safe_psql('postgres', q{SELECT count(*) FROM trackagoat.scrape_attempt WHERE outcome = 'ok'}) >= 2 * $goats }), 'all is fetched');
check('postgres', 'the worker');

# Nor does it mind a table that cannot be analyzed, and one that somebody holds.
$node->safe_psql('postgres', 'CREATE DATABASE plain');
prepare('plain');
$node->safe_psql('plain', <<'SQL');
CREATE FUNCTION public.picky(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN IF current_setting('lock_timeout') = '10ms' THEN RAISE 'I am not to be analyzed'; END IF; RETURN value; END $$;
CREATE TABLE trackagoat.a_note (note text);
CREATE INDEX ON trackagoat.a_note (public.picky(note));
INSERT INTO trackagoat.a_note SELECT repeat('x', 100) FROM generate_series(1, 2000);
SQL
is($node->safe_psql('plain', 'SELECT trackagoat.analyze_grown() > 0'), 't', 'other tables are analyzed');
my ($in, $out, $err) = ('', '', '');
my $holder = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr('plain') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
$in = "BEGIN; LOCK TABLE trackagoat.notification, trackagoat.a_note; SELECT 'held';\n";
$holder->pump until $out =~ /held/;
$node->safe_psql('plain', 'CALL trackagoat.run_scrapes(10000)', timeout => 60);
check('plain', 'a session');
$in = "ROLLBACK;\n\\q\n";
$holder->finish;
my $log = slurp_file($node->logfile);
unlike($log, qr/skipping analyze|not to be analyzed/, 'and the log does not speak of it');

$node->stop;
done_testing();
