# Two workers and three sessions work on one queue at once: each job is fetched
# once, and the host's limits hold for all of them together.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $host = start_fault_server();
my $node = new_node('together', url => $host->{url}, conf => "trackagoat.workers = 2\ntrackagoat.max_parallel = 6");
setup_database($node);

sub answer { return $node->safe_psql('postgres', $_[0]) }

sub reload
{
	my ($setting) = @_;
	$node->append_conf('postgresql.conf', $setting);
	$node->reload;
	return;
}

# Adds so many goats, from a number on, and lets all work on them until none is left.
sub work_on
{
	my ($first, $count) = @_;
	my $from = $host->requests;

	answer(sprintf q{CALL public.goats('herd %d', VARIADIC ARRAY[%s])}, $first, join ', ', map { "'goat$_'" } $first .. $first + $count - 1);
	my @sessions = map {
		my %session = (err => '');
		$session{process} = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr('postgres'),
			'-c', 'CALL trackagoat.run_scrapes(1000)' ], '<', \undef, '>', \$session{out}, '2>', \$session{err});
		\%session
	} 1 .. 3;
	wait_for_answer($node, 90, 'SELECT count(*) FROM trackagoat.scrape_job WHERE leased_until IS NOT NULL OR due_at IS NOT NULL', '0',
		"$count goats have been fetched");
	$_->{process}->finish for @sessions;
	is(join('', map { $_->{err} } @sessions), '', 'no session has failed');

	my @requests = ($host->requests)[ $from .. $host->requests - 1 ];
	my %times;
	$times{ $_->{path} =~ /secUid=(\w+)/ ? $1 : $_->{name} }++ for @requests;
	is(join(', ', grep { $times{$_} != 1 } sort keys %times), '', 'no page was asked for twice');
	is(scalar keys %times, 2 * $count, 'and each was');
	my $attempts = sprintf q(FROM trackagoat.scrape_attempt WHERE substring(tiktok_handle::text FROM '\d+')::int BETWEEN %d AND %d), $first, $first + $count - 1;
	is(answer("SELECT count(*), count(DISTINCT job_id), string_agg(DISTINCT outcome, ', ') $attempts"), 2 * $count . '|' . 2 * $count . '|ok',
		'one attempt for each');
	# who comes late may find all requests open that may be, and the others faster to open the next
	cmp_ok(answer("SELECT count(DISTINCT worker_pid) $attempts"), '>=', 3, 'most of the five have done some');
	return @requests;
}

# --- as many at once as max_parallel says -------------------------------------------

$host->answers('*' => 'herd 0.6');
my @requests = work_on(1, 150);
my ($most) = sort { $b <=> $a } map { $_->{open} } @requests;
is($most, 6, 'six requests were open at most');
is(answer(q(SELECT count(*) FROM trackagoat.video)), '0', 'videos of before are not wanted');
is(answer(q(SELECT count(*) FROM trackagoat.creator WHERE follower_count = 1000 + substring(tiktok_handle::text FROM '\d+')::int)), '150',
	'every creator has its numbers');

# --- as fast as requests_per_minute says ---------------------------------------------

$host->answers('*' => 'herd 0');
reload("trackagoat.max_parallel = 64\ntrackagoat.requests_per_minute = 1200");
@requests = work_on(1001, 60);
my $each = ($requests[-1]{time} - $requests[0]{time}) / (@requests - 1);
# the slower the machine, the slower they are
cmp_ok($each, '>', 0.046, sprintf 'one every 50 ms: %.0f ms', $each * 1000);

$node->stop('fast');
done_testing();
