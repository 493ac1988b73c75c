# A page at which its process crashes: the attempt was counted before, the second
# crash is the last, and nothing else is blamed, neither what was in flight nor
# what another process was storing.  A trigger that sleeps, and a kill, stand in
# for the crash.

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

my $host = start_fault_server();
my $node = new_node('poison', url => $host->{url}, conf => "trackagoat.workers = 2\ntrackagoat.max_parallel = 24");

sub make_ready
{
	my ($database) = @_;

	setup_database($node, $database);
	$node->safe_psql($database, <<'SQL');
UPDATE trackagoat.scrape_outcome SET retry_after = '0.5 seconds', retry_limit = '0.5 seconds' WHERE outcome IN ('interrupted', 'crashed');
CREATE TABLE public.asleep (handle text);
CREATE FUNCTION public.fall_asleep() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM pg_sleep(120) FROM public.asleep WHERE handle = NEW.tiktok_handle::text;
	RETURN NEW;
END
$$;
CREATE TRIGGER fall_asleep BEFORE UPDATE OF last_scraped_at ON trackagoat.creator FOR EACH ROW EXECUTE FUNCTION public.fall_asleep();
SQL
	return;
}

sub answer
{
	my ($query, $database) = @_;
	return $node->safe_psql($database // 'postgres', $query);
}

# Whose pages put to sleep who stores them, from the next on.
sub put_to_sleep { return answer(join '', map { "INSERT INTO public.asleep VALUES ('$_');" } @_) }
sub wake { return answer("DELETE FROM public.asleep WHERE handle = '$_[0]'") }

sub outcomes
{
	return sprintf q(SELECT string_agg(coalesce(outcome, 'open'), ', ' ORDER BY id) FROM trackagoat.scrape_attempt
		WHERE kind = 'creator_profile' AND tiktok_handle::text = '%s'), $_[0];
}

# Waits until so many processes of a database sleep in a page; answers them,
# the one that has slept longest first.
sub wait_for_sleepers
{
	my ($count, $database) = @_;
	my @pids;

	# a server that recovers does not answer
	wait_until(60, sub {
		@pids = split /\n/, answer_of($node, sprintf q(SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = '%s'
			ORDER BY xact_start), $database // 'postgres') // '';
		return @pids == $count;
	});
	is(scalar @pids, $count, "$count asleep in a page");
	return @pids;
}

make_ready('postgres');

# --- twice, then no more --------------------------------------------------------

my @innocent = map { "innocent$_" } 1 .. 16;
$host->answers('*' => 'ok', map { ($_ => 'slow 6') } @innocent);
put_to_sleep('poison', 'colleague');
answer(sprintf q{CALL public.goats('farm', 'poison', %s)}, join ', ', map { "'$_'" } @innocent);
for my $time (1, 2)
{
	my ($poisoned) = wait_for_sleepers(1);
	is(answer(outcomes('poison')), join(', ', ('crashed') x ($time - 1), 'open'), 'its attempt was counted before the work');
	if ($time == 1)
	{
		# the other worker is at a page as well when the server ends it
		answer(q{CALL public.goats('farm', 'colleague')});
		my ($first, $second) = wait_for_sleepers(2);
		is($first, $poisoned, 'the other one is another page');
		wake('colleague');
	}
	wait_for_answer($node, 5, q(SELECT count(*) >= 8 FROM trackagoat.scrape_job WHERE leased_until IS NOT NULL AND tiktok_handle::text ~ 'innocent'),
		't', 'others are in flight');
	kill(9, $poisoned) or die "kill: $!\n";
	wait_for_answer($node, 60, q(SELECT count(*) FROM trackagoat.scrape_attempt WHERE tiktok_handle::text = 'poison' AND outcome = 'crashed'),
		$time, "crash $time is known");
}
is(answer(q(SELECT concat_ws('|', kind, outcome, reason, attempts) FROM trackagoat.scrape_dead_letter)), 'creator_profile|crashed|crashed|2',
	'after the second the job is a dead letter');
wait_for_answer($node, 60, q(SELECT string_agg(tiktok_handle::text || ' ' || coalesce(follower_count::text, 'none'), ', ')
	FROM trackagoat.creator WHERE follower_count IS DISTINCT FROM 100), 'poison none', 'all others come in');
is(answer(q(SELECT string_agg(DISTINCT outcome, ', ' ORDER BY outcome) FROM trackagoat.scrape_attempt WHERE tiktok_handle::text ~ 'innocent')),
	'interrupted, ok', 'what was in flight was interrupted, and is not blamed');
like(answer(outcomes('colleague')), qr/^(?:interrupted, )+ok$/, 'nor is what the other worker was storing');
answer(q{CALL public.goats('farm', 'later')});
wait_for_answer($node, 30, outcomes('later'), 'ok', 'the workers live on');
is(scalar $host->requests('poison'), 2, 'and leave the dead letter alone');
wake('poison');
is(answer('SELECT trackagoat.revive_scrapes()'), '1', 'until it is revived');
wait_for_answer($node, 30, outcomes('poison'), 'crashed, crashed, ok', 'which is a new beginning');

# --- an end on request is no crash ------------------------------------------------

put_to_sleep('ended');
answer(q{CALL public.goats('farm', 'ended')});
for my $time (1 .. 3)
{
	my ($pid) = wait_for_sleepers(1);
	wake('ended') if $time == 3;
	answer("SELECT pg_terminate_backend($pid)");
	wait_for_answer($node, 60, q(SELECT count(*) FROM trackagoat.scrape_attempt WHERE tiktok_handle::text = 'ended' AND outcome = 'interrupted'),
		$time, "a worker that is told to end is interrupted ($time)");
}
wait_for_answer($node, 30, outcomes('ended'), 'interrupted, interrupted, interrupted, ok', 'however often');

# --- run_scrapes() ------------------------------------------------------------------

# no worker serves this database
answer('CREATE DATABASE plain');
make_ready('plain');
answer(q{INSERT INTO public.asleep VALUES ('session'); CALL public.goats('farm', 'session')}, 'plain');
for my $end ('pg_terminate_backend', 'pg_cancel_backend', 'another crashes', undef, undef)
{
	my $session = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr('plain'), '-c', 'CALL trackagoat.run_scrapes()' ],
		'<', \undef, '>', \my $out, '2>', \my $err);
	my ($pid) = wait_for_sleepers(1, 'plain');
	my $killed = !$end ? $pid : $end eq 'another crashes' ? answer('SELECT min(pid) FROM trackagoat.worker_status') : undef;
	$killed ? kill 9, $killed : answer("SELECT $end($pid)");
	$session->finish;
	# the next one gives back what that one had
	wait_until(60, sub { defined answer_of($node, 'CALL trackagoat.run_scrapes()', 'plain') });
	usleep(700_000);
}
is(answer(outcomes('session'), 'plain'), 'interrupted, interrupted, interrupted, crashed, crashed',
	'a session that calls run_scrapes() is told to end, cancelled, ended as another crashes, and killed twice');
is(answer('SELECT reason FROM trackagoat.scrape_dead_letter', 'plain'), 'crashed', 'with the same end');

$node->stop('fast');
done_testing();
