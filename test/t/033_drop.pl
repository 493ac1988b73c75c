# Dropping the extension, its schema or a database under a busy worker: nobody
# waits for the network, nothing crashes, and what is made anew is served anew.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $host = start_fault_server();
my $node = new_node('drop', url => $host->{url}, conf => "trackagoat.database = 'served'");
my $followers = q(SELECT coalesce(string_agg(follower_count::text, ',' ORDER BY tiktok_handle), 'none') FROM trackagoat.creator);
my $state = q(SELECT state || ' ' || in_flight FROM trackagoat.worker_status());

$node->safe_psql('postgres', 'CREATE EXTENSION trackagoat');
$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(served other);

# A request that takes a minute is open, and 90 others keep the worker storing.
sub make_busy
{
	my $count = () = $host->requests('slow_goat');

	$host->answers(slow_goat => 'slow 60', '*' => 'ok');
	$node->safe_psql('served', sprintf q{CALL public.goats('busy', 'slow_goat', %s)}, join ', ', map { "'goat$_'" } 1 .. 20);
	ok(wait_until(10, sub { $host->requests('slow_goat') > $count }), 'a request is open');
	return;
}

# --- the extension -----------------------------------------------------------

setup_database($node, 'served');
make_busy();
my $pid = worker_pid($node, 'served');

my ($status, $out, $err) = $node->psql('served', 'DROP EXTENSION trackagoat');
isnt($status, 0, 'DROP EXTENSION is refused while tables use it');
like($err, qr/other objects depend on it/, 'as data would be lost');

my $seconds = seconds_of(sub { $node->safe_psql('served', 'DROP EXTENSION trackagoat CASCADE') });
cmp_ok($seconds, '<', 2, sprintf 'DROP EXTENSION CASCADE does not wait for the request: %.2f s', $seconds);
wait_for_answer($node, 15, $state, 'idle 1', 'the worker idles, whatever is still open');
is(worker_pid($node, 'served'), $pid, 'and lives on');

# it goes on with what comes after, when its request from before ends
$node->safe_psql('served', 'DROP SCHEMA trackagoat CASCADE; DROP PROCEDURE public.goats');
setup_database($node, 'served');
$node->safe_psql('served', q(CALL public.goats('again', 'first_goat')));
wait_for_answer($node, 15, $followers, '100', 'a new extension and new tables are served', 'served');
is(worker_pid($node, 'served'), $pid, 'by the same worker');

make_busy();
$seconds = seconds_of(sub { $node->safe_psql('served', 'DROP SCHEMA trackagoat CASCADE; DROP PROCEDURE public.goats') });
cmp_ok($seconds, '<', 3, sprintf 'DROP SCHEMA CASCADE does not wait either: %.2f s', $seconds);
wait_for_answer($node, 15, q(SELECT state FROM trackagoat.worker_status()), 'idle', 'the worker idles');

# --- databases ---------------------------------------------------------------

setup_database($node, 'served');
make_busy();
$seconds = seconds_of(sub { $node->safe_psql('postgres', 'DROP DATABASE other') });
cmp_ok($seconds, '<', 2, sprintf 'another database is dropped at once: %.2f s', $seconds);
$seconds = seconds_of(sub { $node->safe_psql('postgres', 'CREATE DATABASE other') });
cmp_ok($seconds, '<', 2, sprintf 'or made: %.2f s', $seconds);
is($node->safe_psql('served', q(SELECT count(*) FROM trackagoat.scrape_job WHERE leased_until IS NOT NULL AND tiktok_handle = 'slow_goat')), '1',
	'all while the request is open');

$seconds = seconds_of(sub { $node->safe_psql('postgres', 'DROP DATABASE served WITH (FORCE)') });
cmp_ok($seconds, '<', 5, sprintf 'the served database is dropped by FORCE: %.2f s', $seconds);
wait_for_answer($node, 5, q(SELECT state || ' ' || coalesce(pid::text, 'none') FROM trackagoat.worker_status()), 'stopped none',
	'and has no worker then');

$node->safe_psql('postgres', 'CREATE DATABASE served');
setup_database($node, 'served');
$node->safe_psql('served', q(CALL public.goats('anew', 'first_goat', 'second_goat')));
wait_for_answer($node, 15, $followers, '100,100', 'a new database of its name is served', 'served');

unlike(slurp_file($node->logfile), qr/PANIC|signal 11|signal 6|server process .* was terminated/, 'nothing crashed');
$node->stop('fast');

done_testing();
