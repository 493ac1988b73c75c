# A standby fetches nothing; promoted, it goes on where the primary ended.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $host = start_fault_server();
my $primary = new_node('primary', url => $host->{url}, streaming => 1);
my $standby = PostgreSQL::Test::Cluster->new('standby');

setup_database($primary);
$primary->safe_psql('postgres', <<'SQL');
UPDATE trackagoat.scrape_outcome SET retry_after = '1 second', retry_limit = '1 second' WHERE outcome = 'interrupted';
SQL
$primary->backup('backup');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', q(trackagoat.user_agent = 'standby/1'));
$standby->start;

$primary->safe_psql('postgres', q(CALL public.goats('farm', 'first_goat')));
wait_for_answer($primary, 5, 'SELECT follower_count FROM trackagoat.creator', '100', 'the primary fetches');
$host->answers(slow_goat => 'slow 60');
$primary->safe_psql('postgres', q(CALL public.goats('farm', 'slow_goat')));
wait_for_answer($standby, 10, q(SELECT string_agg(tiktok_handle::text, ',' ORDER BY id) FROM trackagoat.creator),
	'first_goat,slow_goat', 'the standby follows');

is($standby->safe_psql('postgres', q(SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'trackagoat')), '0',
	'no worker runs on the standby');
is($standby->safe_psql('postgres', q(SELECT state || ' ' || coalesce(pid::text, 'none') FROM trackagoat.worker_status())),
	'stopped none', 'and it says so');
my ($status, $out, $err) = $standby->psql('postgres', 'CALL trackagoat.run_scrapes()');
like($err, qr/read-only transaction|recovery/, 'run_scrapes() is refused there');
ok(wait_until(5, sub { $host->requests('slow_goat') }), 'a request of the primary is open');

# amid a queue
my $fetched = q(SELECT count(*) FROM trackagoat.creator WHERE tiktok_handle::text ~ '^queued' AND follower_count = 100);
$host->answers(map { ("queued$_" => 'slow 0.3') } 1 .. 90);
$primary->safe_psql('postgres', sprintf q{CALL public.goats('queue', VARIADIC ARRAY[%s])}, join ', ', map { "'queued$_'" } 1 .. 90);
wait_for_answer($primary, 30, "SELECT ($fetched) >= 20", 't', 'the primary has fetched some of many');
$primary->stop('fast');
cmp_ok($standby->safe_psql('postgres', $fetched), '<', 80, 'when it ends');
$host->answers(slow_goat => 'ok 200');
$standby->safe_psql('postgres', q(SELECT pg_promote()));
$standby->safe_psql('postgres', q(CALL public.goats('farm', 'third_goat')));
wait_for_answer($standby, 10, q(SELECT follower_count FROM trackagoat.creator WHERE tiktok_handle = 'third_goat'), '100',
	'the promoted server fetches');
wait_for_answer($standby, 20, q(SELECT follower_count FROM trackagoat.creator WHERE tiktok_handle = 'slow_goat'), '200',
	'also what the primary had begun');
is(scalar(grep { $_->{headers}{'user-agent'} eq 'standby/1' } $host->requests('first_goat')), 0, 'and not again what it had');
wait_for_answer($standby, 60, $fetched, '90', 'and the rest of the queue');
wait_for_answer($standby, 30, 'SELECT count(*) FROM trackagoat.scrape_job WHERE due_at IS NOT NULL OR leased_until IS NOT NULL', '0', 'to the last job');
is($standby->safe_psql('postgres', q(SELECT count(*) FROM (SELECT FROM trackagoat.scrape_attempt WHERE outcome = 'ok' GROUP BY job_id HAVING count(*) > 1) t)),
	'0', 'each once');
is($standby->safe_psql('postgres', q(SELECT string_agg(DISTINCT outcome, ', ' ORDER BY outcome) FROM trackagoat.scrape_attempt)), 'interrupted, ok',
	'what the primary had in flight was interrupted');
is($standby->safe_psql('postgres', 'SELECT * FROM trackagoat.verify()'), '', 'verify() finds nothing');
$standby->stop('fast');

done_testing();
