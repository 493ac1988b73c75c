# Workers, launcher and postmaster are killed a hundred times amid a queue of two
# thousand jobs.  Then every job is done, none is lost, and what was observed is
# there once: a point for each page that was stored, with the page's numbers.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);
use TrackagoatTest;

my $kills = $ENV{KILLS} // 100;
my $creators = 1000;
my $seed = $ENV{KILL_SEED} // int(rand(1_000_000));
srand($seed);
note "KILL_SEED=$seed";

my $host = start_fault_server();
my $node = new_node('kill', url => $host->{url}, conf => <<'CONF');
trackagoat.workers = 2
trackagoat.requests_per_minute = 60000
trackagoat.max_parallel = 16
trackagoat.request_timeout = 10s
jit = off
max_wal_size = 64MB
CONF
setup_database($node);
# which leaves a kill no time in which there is nothing to kill
$node->safe_psql('postgres', <<'SQL');
UPDATE trackagoat.scrape_outcome SET retry_after = '0.1 seconds', retry_limit = '0.1 seconds' WHERE outcome IN ('interrupted', 'crashed');
CREATE VIEW public.job AS SELECT * FROM trackagoat.scrape_job WHERE kind IN ('creator_profile', 'discover_videos');
CREATE PROCEDURE public.queue_again(jobs integer) LANGUAGE sql AS
$$
	UPDATE trackagoat.scrape_job SET due_at = now()
	WHERE id IN (SELECT id FROM public.job WHERE due_at IS NULL AND leased_until IS NULL AND dead_at IS NULL ORDER BY random() LIMIT jobs)
$$;
SQL

sub answer { return $node->safe_psql('postgres', $_[0]) }

# The processes of the server, ours by what they are, and how many jobs are
# left; nothing while the server does not answer.
sub look
{
	my %pids;
	my $out = answer_of($node, q(SELECT substring(backend_type FROM '^trackagoat (.*)$'), pid FROM pg_stat_activity
		UNION ALL SELECT 'left', count(*) FROM public.job WHERE due_at IS NOT NULL)) // return;
	push @{ $pids{ $1 || 'other' } }, $2 while $out =~ /^(\w*)\|(\d+)$/mg;
	return \%pids;
}

# Both workers and the launcher run, and are none of those.
sub wait_for_workers
{
	my (%old) = @_;

	return wait_until(60, sub {
		my $pids = look() or return;
		return $pids->{launcher} && @{ $pids->{worker} // [] } == 2 && !grep({ $old{$_} } @{ $pids->{worker} }, @{ $pids->{launcher} }) && $pids;
	});
}

# --- kills ---------------------------------------------------------------------

$host->answers('*' => 'herd 0.2');
wait_for_workers();
answer(<<"SQL");
WITH o AS (INSERT INTO trackagoat.organization (name) VALUES ('herd') RETURNING id),
p AS (INSERT INTO trackagoat.project (org_id, name) SELECT id, 'herd' FROM o RETURNING id, org_id)
INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle, tracking_start_date)
	SELECT p.org_id, p.id, trackagoat.parse_handle('goat' || n), '2020-01-01' FROM p, generate_series(1, $creators) n
SQL
is(answer('SELECT count(*) FROM public.job'), 2 * $creators, 'the queue');

my $start = time;
my (%old, %killed);
my ($again, $done) = (0, 0);
for (1 .. $kills)
{
	my $pids = wait_for_workers(%old) or last;
	my $victim = (qw(worker worker launcher postmaster))[ rand 4 ];

	if ($pids->{left}[0] < 100)
	{
		answer('CALL public.queue_again(200)');
		$again += 200;
	}
	usleep(rand 400_000);
	%old = map { $_ => 1 } @{ $pids->{worker} }, @{ $pids->{launcher} };
	if ($victim eq 'postmaster')
	{
		$node->kill9;
		# while a process of the killed server lives, its memory is in use
		wait_until(60, sub { !kill 0, map { @$_ } @$pids{qw(worker launcher other)} });
		wait_until(60, sub { $node->start(fail_ok => 1) }) or last;
	}
	else
	{
		kill(9, $pids->{$victim}[ rand @{ $pids->{$victim} } ]) or last;
	}
	$killed{$victim}++;
	$done++;
}
is($done, $kills, sprintf 'kills: %s, in %.0f s', join(', ', map { "$killed{$_} of $_" } sort keys %killed), time - $start);
ok(wait_for_workers(%old), 'after the last one, too, the workers are back');

# --- the queue -------------------------------------------------------------------

# a page that is being stored at two kills is held to be their cause
wait_for_answer($node, 90, 'SELECT count(*) FROM public.job WHERE due_at IS NOT NULL OR leased_until IS NOT NULL', '0', 'the rest is fetched');
is(answer(q(SELECT count(*) FROM public.job j WHERE dead_at IS NOT NULL AND NOT (dead_reason = 'crashed' AND 2 =
		(SELECT count(*) FROM trackagoat.scrape_attempt a WHERE a.job_id = j.id AND a.outcome = 'crashed')))), '0',
	'none is given up but those that were being stored at two kills');
note 'of these there were, and are tried again: ' . answer(q(SELECT trackagoat.revive_scrapes('crashed')));
wait_for_answer($node, 30, 'SELECT count(*) FROM public.job WHERE due_at IS NOT NULL OR leased_until IS NOT NULL', '0', 'nothing is left');
is(answer(q(SELECT count(*) FROM public.job WHERE last_outcome = 'ok' AND dead_at IS NULL AND attempts = 0 AND next_at > now())),
	2 * $creators, 'every job is done');
is(answer('SELECT count(*) FROM trackagoat.scrape_attempt WHERE finished_at IS NULL'), '0', 'no attempt is open');
is(answer(q(SELECT count(*) FROM trackagoat.scrape_attempt WHERE outcome NOT IN ('ok', 'interrupted', 'crashed'))), '0', 'and none has failed but by a kill');
my ($ok, $interrupted, $crashed) = map { answer("SELECT count(*) FROM trackagoat.scrape_attempt WHERE outcome = '$_'") } qw(ok interrupted crashed);
note "attempts: $ok ok, $interrupted interrupted, $crashed crashed; $again of the jobs were queued again to have more to kill";
cmp_ok($interrupted + $crashed, '>', $kills, 'the kills fell into the work');

# what was asked was counted before
my %asked;
$asked{ $_->{path} =~ /secUid=\w{58}0*(\d+)/ ? "discover_videos goat$1" : "creator_profile $_->{name}" }++ for $host->requests;
my %counted = map { split /\|/ } split /\n/, answer(q(SELECT kind || ' ' || tiktok_handle::text, count(*) FROM trackagoat.scrape_attempt GROUP BY 1));
is(join(', ', grep { $asked{$_} > ($counted{$_} // 0) } sort keys %asked), '', 'no request was made that is no attempt');

# --- what is stored -----------------------------------------------------------------

is(answer(q(SELECT count(*) FROM trackagoat.creator WHERE tiktok_handle::text = 'goat' || (tiktok_account_id - 7000000000000000000)
		AND follower_count = 1000 + tiktok_account_id - 7000000000000000000 AND (following_count, total_likes_count, video_count) = (20, 300, 4))),
	$creators, 'every creator has its numbers');
is(answer(q(SELECT count(*) FROM (SELECT v.*, c.tiktok_account_id - 7000000000000000000 AS number, tiktok_video_id % 10 AS place
		FROM trackagoat.video v JOIN trackagoat.creator c ON c.id = v.creator_id) v
		WHERE tiktok_video_id = 7400000000000000000 + 10 * number + place AND place IN (1, 2)
			AND (view_count, like_count, comment_count, share_count, save_count) = (1000 * number + place, 10 * number + place, number, place, 0))),
	2 * $creators, 'every video has its numbers');
is(answer('SELECT count(*) FROM trackagoat.video'), 2 * $creators, 'and is there once');

# An attempt explains the point of its time, which is a whole second.
answer(<<'SQL');
CREATE TABLE public.page AS SELECT id, kind, tiktok_handle::text AS handle, outcome, date_trunc('second', started_at) AS since, finished_at AS until
	FROM trackagoat.scrape_attempt;
CREATE TABLE public.point AS
	SELECT 'creator_profile'::trackagoat.scrape_kind AS kind, c.tiktok_handle::text AS handle, c.id, s.observed_at
		FROM trackagoat.creator_snapshot s JOIN trackagoat.creator c ON c.id = s.creator_id
	UNION ALL SELECT 'discover_videos', c.tiktok_handle::text, v.id, s.observed_at
		FROM trackagoat.video_snapshot s JOIN trackagoat.video v ON v.id = s.video_id JOIN trackagoat.creator c ON c.id = v.creator_id;
CREATE TABLE public.explained AS SELECT i.id, i.observed_at, p.id AS attempt, p.outcome
	FROM public.point i JOIN public.page p ON p.kind = i.kind AND p.handle = i.handle AND i.observed_at BETWEEN p.since AND p.until;
SQL
is(answer(q(SELECT count(*) FROM public.point WHERE (id, observed_at) NOT IN (SELECT id, observed_at FROM public.explained))), '0',
	'no observation is there without its page');
is(answer('SELECT count(*) FROM (SELECT FROM public.point GROUP BY id, observed_at HAVING count(*) > 1) d'), '0', 'none is there twice');
is(answer(q(SELECT count(*) FROM public.page p WHERE outcome = 'ok'
		AND CASE kind WHEN 'creator_profile' THEN 1 ELSE 2 END > (SELECT count(*) FROM public.explained e WHERE e.attempt = p.id))), '0',
	'every page that was stored has its observations');
is(answer(q(SELECT count(*) FROM (SELECT i.id FROM public.point i GROUP BY i.id, i.kind, i.handle
		HAVING count(*) > (SELECT count(*) FROM public.page p WHERE p.kind = i.kind AND p.handle = i.handle)) d)), '0', 'and one at most');
note answer('SELECT count(*) FROM public.point') . ' observations, '
  . answer(q(SELECT count(*) FROM (SELECT FROM public.explained GROUP BY id, observed_at HAVING NOT bool_or(outcome = 'ok')) s))
  . ' of them of pages whose worker was killed between storing and saying so';
is(answer('SELECT * FROM trackagoat.verify()'), '', 'verify() finds nothing');
answer('SELECT count(*) FROM trackagoat.refresh_totals()');
is(answer('SELECT * FROM trackagoat.verify()'), '', 'nor when all is folded');

$node->stop('fast');
done_testing();
