# Thousands of pages, good and bad, leave the worker and a session that calls
# run_scrapes() as small as the first hundreds did; and so does a long log of
# differences whoever folds it.

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

# A session, and its process.
my ($session, $pid, $in, $out, $err);
sub start_session
{
	($in, $out, $err) = ('', '', '');
	$session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err,
		IPC::Run::timeout(60));
	$in = "SELECT pg_backend_pid();\n";
	$session->pump until $out =~ /\n/;
	$pid = $out + 0;
	return;
}

# Has it run statements; answers how large it was at most meanwhile.
sub size_during
{
	my ($statements) = @_;
	my $most = 0;

	$out = '';
	$in = "$statements\n\\echo done\n";
	until ($out =~ /done/)
	{
		$session->pump_nb;
		my $now = size_of($pid);
		$most = $now if $now > $most;
		select undef, undef, undef, 0.01;
	}
	return $most;
}

# Ends it; answers what it complained of.
sub end_session
{
	$in = "\\q\n";
	$session->finish;
	return $err;
}

# --- the worker -----------------------------------------------------------------

$node->safe_psql('postgres', sprintf q{CALL public.goats('herd', VARIADIC '{%s}')}, join ',', map { "goat$_" } 1 .. 300);
ok(wait_until(20, sub { attempts() >= 500 }), 'a first 500 pages');
again(2);
$pid = worker_pid($node);
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
start_session();
size_during("SET trackagoat.enabled = on;\nCALL trackagoat.run_scrapes(300);");
$before = size_of($pid);
$node->safe_psql('postgres', 'UPDATE trackagoat.scrape_outcome SET retry_after = \'0\', retry_limit = \'0\' WHERE outcome = \'server_error\'');
$host->answers(map { ("goat$_" => 'status 500') } grep { $_ % 6 == 1 } 1 .. 300);
$node->safe_psql('postgres', 'CALL public.again(300)');
$growth = size_during('CALL trackagoat.run_scrapes(1200);') - $before;
is($err, '', 'run_scrapes() has 1200 more in one call');
cmp_ok($growth, '<', 3000, sprintf 'at most it has grown by %d kB, from %d kB', $growth, $before);

# what each request leaves behind, be it little: a single step up is no leak
$host->answers(map { ("goat$_" => 'status 500') } 1 .. 300);
$node->safe_psql('postgres', 'CALL public.again(300)');
size_during('CALL trackagoat.run_scrapes(3000);');
my @growths;
for (1 .. 5)
{
	$before = size_of($pid);
	size_during('CALL trackagoat.run_scrapes(3000);');
	push @growths, size_of($pid) - $before;
}
is(end_session(), '', 'it has 3000 at a time that fail');
cmp_ok((sort { $a <=> $b } @growths)[2], '<', 100, "most such calls leave it as large as before: kB more are @growths");

# --- a session that folds ----------------------------------------------------------------

# so that no worker does
$node->append_conf('postgresql.conf', q{trackagoat.database = 'nowhere'});
$node->restart;
sub track
{
	my ($project, $creators, $videos) = @_;
	my $handles = join ',', map { "$project.$_" } 1 .. $creators;

	$node->safe_psql('postgres', "CALL public.goats('$project', VARIADIC '{$handles}');
		INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at)
		SELECT c.id, row_number() OVER (), now() - n * interval '1 day'
		FROM generate_series(1, $videos) n, trackagoat.project p JOIN trackagoat.creator c ON c.project_id = p.id
		WHERE p.name = '$project'");
	return;
}
track('few', 10, 10);
start_session();
size_during('SELECT trackagoat.refresh_totals();');
$before = size_of($pid);
track('many', 4000, 5);
is($node->safe_psql('postgres', 'SELECT count(*) FROM trackagoat.total_difference'), '20000', '20,000 differences of 4,000 creators');
$growth = size_during("SET work_mem = '256MB';\nSELECT trackagoat.refresh_totals();") - $before;
is(end_session(), '', 'are folded');
is($node->safe_psql('postgres', 'SELECT count(*), (SELECT count(*) FROM trackagoat.verify()) FROM trackagoat.total_difference'), '0|0', 'all of them, and rightly');
cmp_ok($growth, '<', 4000, sprintf 'at most it has grown by %d kB, from %d kB', $growth, $before);
$node->stop('fast');

done_testing();
