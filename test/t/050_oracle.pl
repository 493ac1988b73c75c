# Beside the extension goes a plain copy of every observation (oracle.sql).  Both
# are driven with random operations, by one session, by several at once, and by
# transactions that stay open over each other; after each batch, and within the
# open transactions, every total, curve, window and past moment must be what
# plain SQL finds in the copy.  ORACLE_SEED repeats a run (what several processes
# do at once comes in another order each time), ORACLE_ROUNDS lengthens it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $seed = $ENV{ORACLE_SEED} // int(rand(1_000_000));
my $rounds = $ENV{ORACLE_ROUNDS} // 30;
my $operations = 75;
my $round = 0;
my %refused;

srand($seed);
note "ORACLE_SEED=$seed ORACLE_ROUNDS=$rounds";

# nothing is fetched: what is known comes from the operations alone
my $node = new_node('oracle', url => 'http://127.0.0.1:9', conf => "trackagoat.enabled = off\njit = off");
setup_database($node);
$node->safe_psql('postgres', read_file("$FindBin::RealBin/oracle.sql"));
$node->safe_psql('postgres', 'CALL oracle_world()');

sub dice { return int(rand($_[0])) }

sub next_seed { return dice(1_000_000) }

# What differs now, in the eyes of the main session or of one that is given.
sub differences
{
	my ($session) = @_;
	my $query = sprintf q(SELECT format('%%s of %%s: %%s, not %%s', what, key, coalesce(ours, 'nothing'), coalesce(expected, 'nothing'))
		FROM oracle_differences(%d) LIMIT 8), next_seed();
	my $verify = q(SELECT format('verify(): %s %s: %s', entity, entity_id, problem) FROM verify() LIMIT 8);

	return join "\n", grep { $_ ne '' } map { $session ? $session->query_safe($_) : $node->safe_psql('postgres', $_) } $query, $verify;
}

# True where nothing differs; says what does, and how to see it again.
sub agrees
{
	my ($when, $session) = @_;
	my $differences = differences($session);

	return 1 if $differences eq '';
	diag("ORACLE_SEED=$seed round $round, $when:\n$differences");
	return 0;
}

# --- the kinds of batches --------------------------------------------------------------

sub alone
{
	$node->safe_psql('postgres', sprintf 'CALL oracle_work(%d, %d)', next_seed(), $operations);
	return 1;
}

# Runs each list of statements in a process of its own, all at once.
sub at_once
{
	my @runs;
	my $good = 1;

	for my $statements (@_)
	{
		my %run = (out => '', err => '');
		$run{process} = IPC::Run::start(
			[
				$node->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'),
				map { ('-c', $_) } @$statements
			],
			'<', \undef, '>', \$run{out}, '2>', \$run{err}, IPC::Run::timeout(180));
		push @runs, \%run;
	}
	for my $run (@runs)
	{
		my $ended = $run->{process}->finish;
		next if $ended && $run->{err} eq '';
		diag("ORACLE_SEED=$seed round $round: $run->{err}");
		$good = 0;
	}
	return $good;
}

sub together
{
	my $sessions = 2 + dice(2);

	# two transactions of several operations may well wait for each other
	return at_once(map { [ q(SET lock_timeout = '200ms'), sprintf 'CALL oracle_work(%d, %d)', next_seed(), $operations / $sessions ] } 1 .. $sessions);
}

# Observations alone, the same videos in any order, never wait in a circle; nor
# does who folds meanwhile.
sub storm
{
	return at_once((map { [ sprintf 'CALL oracle_work(%d, %d, true)', next_seed(), $operations / 3 ] } 1 .. 3),
		[ map { ('SELECT count(*) FROM refresh_totals()', 'SELECT pg_sleep(0.01)') } 1 .. 10 ]);
}

# Three transactions that stay open over each other's operations, folding and
# comparing too; some of one snapshot, which a fold must not change.
my @sessions;

sub interleaved
{
	my @open = (0) x 3;
	my $good = 1;

	if (!@sessions)
	{
		@sessions = map { $node->background_psql('postgres') } 1 .. 3;
		for my $session (@sessions)
		{
			# its time limit is for a query, not for all of them
			$session->set_query_timer_restart(1);
			# who waits for another of these waits for ever
			$session->query_safe(q(SET lock_timeout = '20ms'));
		}
	}
	for (my $done = 0; $done < $operations;)
	{
		my $i = dice(3);
		my $count = 1 + dice(4);

		if (!$open[$i])
		{
			$sessions[$i]->query_safe('BEGIN ISOLATION LEVEL ' . (dice(4) ? 'READ COMMITTED' : 'REPEATABLE READ'));
			$open[$i] = 1;
		}
		$refused{$_}++ for grep { s/[0-9a-f-]{36}/ID/g || 1 }
		  split /\n/, $sessions[$i]->query_safe(sprintf 'SELECT oracle_operations(%d, %d)', next_seed(), $count);
		$done += $count;
		$good &&= agrees('within an open transaction', $sessions[$i]) if !dice(12);
		$good &&= agrees('beside open transactions') if !dice(25);
		if (!dice(4))
		{
			$sessions[$i]->query_safe(dice(4) ? 'COMMIT' : 'ROLLBACK');
			$open[$i] = 0;
		}
	}
	for my $i (grep { $open[$_] } 0 .. 2)
	{
		$sessions[$i]->query_safe(dice(4) ? 'COMMIT' : 'ROLLBACK');
	}
	return $good;
}

# --- batch after batch -----------------------------------------------------------------

for ($round = 1; $round <= $rounds; $round++)
{
	my ($name, $batch) = @{ ([ alone => \&alone ], [ together => \&together ], [ interleaved => \&interleaved ],
		[ interleaved => \&interleaved ], [ storm => \&storm ])[ $round == 1 ? 0 : dice(5) ] };

	# at times the worker folds as well
	if ($round == int($rounds * 3 / 4))
	{
		$node->append_conf('postgresql.conf', 'trackagoat.enabled = on');
		$node->reload;
	}
	$node->safe_psql('postgres', 'ANALYZE') if $round % 20 == 2;
	my $good = $batch->() && agrees('before folding');
	if ($good)
	{
		$node->safe_psql('postgres', 'SELECT count(*) FROM refresh_totals()') if dice(3);
		$good = agrees('after folding');
	}
	ok($good, "round $round, $name") or last;
}
$_->quit for @sessions;
note "$refused{$_} times: $_" for sort keys %refused;
note $node->safe_psql('postgres', q(SELECT format('%s observations, %s videos of %s, %s creators, %s campaigns, %s items', (SELECT count(*) FROM oracle_observation),
	(SELECT count(*) FROM oracle_video WHERE counts), (SELECT count(*) FROM video), (SELECT count(*) FROM creator), (SELECT count(*) FROM campaign),
	(SELECT count(*) FROM campaign_item))));

# --- what takes much away at once -----------------------------------------------------------

for my $statement ($round > $rounds ? (
	'TRUNCATE campaign_item',
	'DELETE FROM project WHERE id = (SELECT min(id::text)::uuid FROM project)',
	q(DELETE FROM campaign WHERE name < 'c'),
	'DELETE FROM creator',
	'TRUNCATE video CASCADE',
	q(DELETE FROM organization WHERE name = 'one')) : ())
{
	$node->safe_psql('postgres', "SET client_min_messages = warning; $statement");
	my $good = agrees("after $statement");
	$node->safe_psql('postgres', 'SELECT count(*) FROM refresh_totals()');
	ok($good && agrees("after $statement, folded"), $statement);
	# something new where something was
	$node->safe_psql('postgres', sprintf 'CALL oracle_work(%d, 20)', next_seed());
}

$node->stop('fast');
done_testing();
