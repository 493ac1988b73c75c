# The clock: without pg_cron enqueue_due() is called by hand; with it, by itself,
# also after the server was restarted.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $host = start_fault_server();
my $node = new_node('cron', url => $host->{url});
setup_database($node);

sub answer { return $node->safe_psql('postgres', $_[0]) }

my $fetched = q(SELECT count(*) FROM trackagoat.scrape_attempt WHERE outcome = 'ok' AND kind = 'creator_profile');

# Its time has come, but nothing is queued.
sub come_due { return answer(q(UPDATE trackagoat.scrape_job SET next_at = now() - interval '1 minute' WHERE kind = 'creator_profile')) }

# --- absent ----------------------------------------------------------------------

answer(q(CALL public.goats('clock', 'first_goat')));
wait_for_answer($node, 10, $fetched, '1', 'a new creator needs no clock');
wait_for_answer($node, 10, 'SELECT count(*) FROM trackagoat.scrape_job WHERE due_at IS NOT NULL OR leased_until IS NOT NULL', '0', 'nor its list');
my (undef, undef, $err) = $node->psql('postgres', 'SELECT trackagoat.schedule_scrapes()');
like($err, qr/ERROR: +pg_cron_missing.*HINT: .*cron\.schedule_in_database/s, 'schedule_scrapes() says that pg_cron is missing, and what to do');
is(answer('SELECT trackagoat.unschedule_scrapes()'), 'f', 'there is nothing to unschedule');
come_due();
is(answer('SELECT trackagoat.enqueue_due()'), '1', 'enqueue_due() queues what is due, called by hand');
wait_for_answer($node, 10, $fetched, '2', 'which is fetched');

# --- present ---------------------------------------------------------------------

SKIP:
{
	skip 'this server has no pg_cron', 1 if answer(q(SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron')) eq '0';

	$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'pg_cron,trackagoat'
cron.database_name = 'postgres'
cron.use_background_workers = on
CONF
	$node->restart;
	answer('CREATE EXTENSION pg_cron');
	cmp_ok(answer('SELECT trackagoat.schedule_scrapes()'), '>', 0, 'schedule_scrapes() answers a job of pg_cron');
	is(answer('SELECT trackagoat.schedule_scrapes() = (SELECT min(jobid) FROM cron.job)'), 't', 'the same again');
	is(answer('SELECT schedule, command FROM cron.job ORDER BY jobid'),
		"* * * * *|SELECT trackagoat.enqueue_due()\n*/5 * * * *|SELECT trackagoat.evaluate_goals()\n*/10 * * * *|SELECT trackagoat.prune()",
		'there are three jobs');
	come_due();
	wait_for_answer($node, 75, $fetched, '3', 'within a minute it is queued and fetched, without a call');

	# --- restarted -------------------------------------------------------------------

	come_due();
	$node->restart;
	wait_for_answer($node, 75, $fetched, '4', 'and again after a restart');
	is(answer('SELECT trackagoat.unschedule_scrapes()'), 't', 'unschedule_scrapes() ends it');
	is(answer('SELECT count(*) FROM cron.job'), '0', 'there is no job any more');
	is(answer(q(SELECT string_agg(DISTINCT status, ', ') FROM cron.job_run_details)), 'succeeded', 'none has failed');
}

$node->stop('fast');
done_testing();
