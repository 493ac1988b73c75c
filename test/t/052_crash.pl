# The server is killed in the middle of ingest and of folding, ten times.  After
# each recovery nothing is lost that was committed, nothing is there that was not,
# and all totals are true: what the plain copy of 050, written in the same
# transactions, says.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use TrackagoatTest;

my $seed = $ENV{ORACLE_SEED} // int(rand(1_000_000));
srand($seed);
note "ORACLE_SEED=$seed";

# frequent checkpoints, so that recovery begins amid the work as well
my $node = new_node('crash', url => 'http://127.0.0.1:9', conf => "trackagoat.enabled = off\njit = off\nmax_wal_size = 32MB\nmin_wal_size = 32MB");
setup_database($node);
$node->safe_psql('postgres', read_file("$FindBin::RealBin/oracle.sql"));
$node->safe_psql('postgres', <<'SQL');
CALL oracle_world();
-- folds again and again, some of it in vain
CREATE PROCEDURE fold_for_ever() LANGUAGE plpgsql AS
$$
BEGIN
	LOOP
		PERFORM trackagoat.refresh_totals();
		IF random() < 0.2 THEN
			ROLLBACK;
		ELSE
			COMMIT;
		END IF;
		PERFORM pg_sleep(random() * 0.02);
		COMMIT;
	END LOOP;
END
$$;
CALL oracle_work(1, 100);
SQL

sub start_client
{
	my (@statements) = @_;
	my %client = (out => '', err => '');

	$client{process} = IPC::Run::start(
		[
			$node->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'),
			map { ('-c', $_) } @statements
		],
		'<', \undef, '>', \$client{out}, '2>', \$client{err});
	return \%client;
}

sub answer { return $node->safe_psql('postgres', $_[0]) }

# What differs from the copy; verify() in its own words.
sub differences
{
	return answer(sprintf 'SELECT * FROM oracle_differences(%d) LIMIT 8', int(rand(1_000_000))) . answer('SELECT * FROM verify() LIMIT 8');
}

# Transactions of several operations take locks in any order, and may well wait in
# a circle: all that can be part of one give up before it is looked for.
my $no_circles = q(SET lock_timeout = '300ms');

for my $round (1 .. 10)
{
	my $before = answer('SELECT last_value FROM oracle_sequence');
	my @clients = (
		(map { start_client($no_circles, sprintf 'CALL oracle_work(%d, 1000000)', int(rand(1_000_000))) } 1 .. 2),
		# large batches, one after the other
		start_client($no_circles, sprintf 'CALL oracle_work(%d, 1000000, true)', int(rand(1_000_000))),
		start_client('CALL fold_for_ever()'));

	ok(wait_until(30, sub { answer('SELECT last_value FROM oracle_sequence') > $before + 2 }), "round $round: they work");
	usleep(100_000 + rand(700_000));
	# all processes of the server: one that computes would not notice for long that the first has died
	my @pids = (read_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/, split /\n/, answer('SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()'));
	$node->kill9;
	kill 9, @pids;
	# the clients have ended because the server has, not by an error before
	is(join('', grep { !/server closed the connection|connection to server was lost|terminating connection|crash of another|has commanded|in a moment you should|probably means|before or while/i }
		map { $_->{process}->finish; split /^/, $_->{err} } @clients), '', 'none has failed before');

	# while a process of the killed server lives, its memory is in use
	wait_until(30, sub { !kill 0, @pids });
	ok(wait_until(30, sub { $node->start(fail_ok => 1) }), 'the server recovers');
	my $differences = differences();
	is($differences, '', 'all agrees') or diag("ORACLE_SEED=$seed");
	answer('SELECT count(*) FROM refresh_totals()');
	is(differences(), '', 'and does when folded') or diag("ORACLE_SEED=$seed");
	last if $differences ne '';
}
note answer('SELECT count(*) FROM oracle_observation') . ' observations';

$node->stop('fast');
done_testing();
