# Thousands of pages, good and bad, leave the worker and a session that calls
# run_scrapes() as small as the first hundreds did.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

plan skip_all => 'no /proc to read the size of a process from' unless -r "/proc/$$/status";

my $host = start_fault_server();
my $node = new_node('memory', url => $host->{url},
	conf => <<'CONF');
autovacuum = off
synchronous_commit = off
trackagoat.requests_per_minute = 60000
trackagoat.max_parallel = 16
trackagoat.max_body = 256kB
CONF

setup_database($node);
plain_failures($node);
$node->safe_psql('postgres', <<'SQL');
CREATE PROCEDURE public.again(count integer) LANGUAGE sql AS
	'UPDATE trackagoat.scrape_job SET due_at = now() WHERE id IN (SELECT id FROM trackagoat.scrape_job
		WHERE kind = ''creator_profile'' ORDER BY id LIMIT count)';
SQL
# one in six fails, by every kind of failure
my @failures = ('garbage', 'empty', 'status 500', 'limited 1', 'redirect /login', 'hangup', 'bomb 8', 'stranger', 'wrong', 'redirect /x');
$host->answers(map { ("goat$_" => $failures[ $_ / 6 % @failures ]) } grep { $_ % 6 == 0 } 1 .. 300);

# What a process has for itself, in kilobytes.
sub size_of
{
	my ($pid) = @_;
	return read_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m ? $1 : die "no RssAnon\n";
}

sub attempts { return $node->safe_psql('postgres', 'SELECT count(*) FROM trackagoat.scrape_attempt WHERE finished_at IS NOT NULL') }

# So many rounds of 300 pages.
sub again
{
	my ($rounds) = @_;
	for my $round (1 .. $rounds)
	{
		my $wanted = attempts() + 300;
		$node->safe_psql('postgres', 'CALL public.again(300)');
		wait_until(20, sub { attempts() >= $wanted }) or return;
	}
	return;
}

# --- the worker -----------------------------------------------------------------

$node->safe_psql('postgres', sprintf q{CALL public.goats('herd', VARIADIC '{%s}')}, join ',', map { "goat$_" } 1 .. 300);
ok(wait_until(20, sub { attempts() >= 500 }), 'a first 500 pages');
again(2);
my $pid = worker_pid($node);
my $before = size_of($pid);
my $done = attempts();
my $seconds = seconds_of(sub { again(10) });
$done = attempts() - $done;
my $growth = size_of($pid) - $before;
cmp_ok($done, '>=', 3000, sprintf '%d pages more in %.1f s', $done, $seconds);
is(worker_pid($node), $pid, 'by the same worker');
cmp_ok($growth, '<', 3000, sprintf 'it has grown by %d kB, to %d kB', $growth, size_of($pid));

# --- a session ----------------------------------------------------------------------

$node->append_conf('postgresql.conf', 'trackagoat.enabled = off');
$node->reload;
wait_for_answer($node, 5, 'SELECT state FROM trackagoat.worker_status()', 'disabled', 'the worker rests');
$node->safe_psql('postgres', 'CALL public.again(300)');
my ($in, $out, $err) = ('', '', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err,
	IPC::Run::timeout(60));
$in = "SET trackagoat.enabled = on;\nSELECT pg_backend_pid();\nCALL trackagoat.run_scrapes(300);\n\\echo warm\n";
$session->pump until $out =~ /warm/;
($pid) = $out =~ /^(\d+)$/m;
$before = size_of($pid);
my $most = $before;
$node->safe_psql('postgres', 'UPDATE trackagoat.scrape_outcome SET retry_after = \'0\', retry_limit = \'0\' WHERE outcome = \'server_error\'');
$host->answers(map { ("goat$_" => 'status 500') } grep { $_ % 6 == 1 } 1 .. 300);
$node->safe_psql('postgres', 'CALL public.again(300)');
$in = "CALL trackagoat.run_scrapes(1200);\n\\echo done\n";
until ($out =~ /done/)
{
	$session->pump_nb;
	my $now = size_of($pid);
	$most = $now if $now > $most;
	select undef, undef, undef, 0.02;
}
$in = "\\q\n";
$session->finish;
is($err, '', 'run_scrapes() has 1200 more in one call');
cmp_ok($most - $before, '<', 3000, sprintf 'at most it has grown by %d kB, from %d kB', $most - $before, $before);
$node->stop('fast');

done_testing();
