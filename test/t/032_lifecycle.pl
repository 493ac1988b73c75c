# The worker's life: it idles where there is nothing to serve, begins when there
# is, obeys reloads and signals, survives what databases do to it, and never has
# more rights than the owner of the tables.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $host = start_fault_server();
my $node = new_node('lifecycle', url => $host->{url}, conf => "trackagoat.database = 'served, owned'");

# worker_status() is called from a database that no worker serves
$node->safe_psql('postgres', 'CREATE EXTENSION trackagoat');

sub status
{
	my ($column, $database) = @_;
	return sprintf q(SELECT %s FROM trackagoat.worker_status() WHERE database = '%s'), $column, $database // 'served';
}

# The followers of a handle, in each organization.
sub followers
{
	return sprintf q(SELECT string_agg(format('%%s %%s', o.name, c.follower_count), ', ' ORDER BY o.name)
		FROM trackagoat.creator c JOIN trackagoat.organization o ON o.id = c.org_id WHERE c.tiktok_handle = '%s'), $_[0];
}

sub outcomes
{
	return sprintf q(SELECT string_agg(coalesce(outcome, 'open'), ', ' ORDER BY id) FROM trackagoat.scrape_attempt
		WHERE kind = 'creator_profile' AND tiktok_handle = '%s'), $_[0];
}

sub reload
{
	my ($setting) = @_;
	$node->append_conf('postgresql.conf', $setting);
	$node->reload;
	return;
}

# --- nothing to serve --------------------------------------------------------

is($node->safe_psql('postgres', status(q(coalesce(pid::text, 'none') || ' ' || state))), 'none stopped',
	'no worker while the database is missing');
$node->safe_psql('postgres', 'CREATE DATABASE served');
wait_for_answer($node, 5, status('state'), 'idle', 'the worker idles in a database without the extension');
my $first = worker_pid($node, 'served');
my $pid;
my $seconds = seconds_of(sub {
	setup_database($node, 'served');
	$node->safe_psql('served', q(CALL public.goats('one', 'first_goat')));
	wait_for_answer($node, 5, followers('first_goat'), 'one 100', 'it works once the tables are there', 'served');
});
is(worker_pid($node, 'served'), $first, 'without a restart');
note sprintf 'from CREATE EXTENSION to the number: %.1f s', $seconds;
$node->safe_psql('served', <<'SQL');
UPDATE trackagoat.scrape_outcome SET retry_after = '1 second', retry_limit = '1 second'
	WHERE outcome IN ('interrupted', 'store_failed', 'partly_stored');
SQL

# --- reload ------------------------------------------------------------------

reload('trackagoat.enabled = off');
wait_for_answer($node, 5, status('state'), 'disabled', 'a reload disables the worker');
$node->safe_psql('served', q(CALL public.goats('one', 'second_goat')));
# the commit has woken it; what it did then is done when it reports again
my $now = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
reload('trackagoat.user_agent = \'goat/1\'');
wait_for_answer($node, 5, status("active_at > '$now'"), 't', 'it has looked');
is(scalar $host->requests('second_goat'), 0, 'disabled means that nothing is fetched');
reload('trackagoat.enabled = on');
wait_for_answer($node, 5, followers('second_goat'), 'one 100', 'enabled again, it goes on', 'served');
is(($host->requests('second_goat'))[0]{headers}{'user-agent'}, 'goat/1', 'and by the reloaded settings');

reload('trackagoat.requests_per_minute = 1');
wait_for_answer($node, 5, status('state'), 'waiting', 'it has nothing left to do');
$node->safe_psql('served', q(CALL public.goats('one', 'third_goat', 'fourth_goat', 'fifth_goat')));
wait_for_answer($node, 5, q(SELECT count(*) FROM trackagoat.creator WHERE follower_count IS NULL), '2',
	'a slow pace allows one request', 'served');
reload('trackagoat.requests_per_minute = 6000');
wait_for_answer($node, 3, q(SELECT count(*) FROM trackagoat.creator WHERE follower_count IS NULL), '0',
	'a faster pace holds from the reload on', 'served');

# --- signals -----------------------------------------------------------------

$host->answers(patient_goat => 'slow 2');
$node->safe_psql('served', q(CALL public.goats('one', 'patient_goat')));
wait_until(5, sub { $host->requests('patient_goat') });
$node->safe_psql('postgres', "SELECT pg_cancel_backend($first)");
wait_for_answer($node, 6, followers('patient_goat'), 'one 100', 'pg_cancel_backend does not disturb a request', 'served');
is(worker_pid($node, 'served'), $first, 'nor the worker');
is($node->safe_psql('served', outcomes('patient_goat')), 'ok', 'at the first attempt');

$host->answers(slow_goat => 'slow 60');
$node->safe_psql('served', q(CALL public.goats('one', 'slow_goat')));
wait_until(5, sub { $host->requests('slow_goat') });
$host->answers(slow_goat => 'ok 7');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($first)");
wait_for_answer($node, 10, followers('slow_goat'), 'one 7', 'after pg_terminate_backend another worker goes on', 'served');
isnt(worker_pid($node, 'served'), $first, 'which is another process');
is($node->safe_psql('served', outcomes('slow_goat')), 'interrupted, ok', 'the attempt was interrupted, the next one good');

# without the launcher the worker goes on, and the next launcher looks after it
$pid = worker_pid($node, 'served');
$node->safe_psql('postgres', q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'trackagoat launcher'));
wait_for_answer($node, 10, q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'trackagoat launcher'), '1',
	'a terminated launcher comes back');
is(worker_pid($node, 'served'), $pid, 'the worker has not noticed');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for_answer($node, 10, status("pid <> $pid AND state = 'waiting'"), 't', 'a worker that ends then is followed by another');

# --- versions ----------------------------------------------------------------

my $version = $node->safe_psql('served', q(SELECT extversion FROM pg_extension WHERE extname = 'trackagoat'));
$node->safe_psql('served', q(UPDATE pg_extension SET extversion = '9.9.9' WHERE extname = 'trackagoat'));
$node->safe_psql('served', q(CALL public.goats('one', 'version_goat')));
wait_for_answer($node, 5, status('state'), 'idle', 'it idles beside another version of the extension');
$node->safe_psql('served', qq(UPDATE pg_extension SET extversion = '$version' WHERE extname = 'trackagoat'));
$node->safe_psql('served', q(INSERT INTO trackagoat.setup_version VALUES (9)));
$node->safe_psql('served', q(CALL public.goats('one', 'tables_goat')));
wait_for_answer($node, 5, status('state'), 'idle', 'and beside tables of another version');
is(scalar(grep { $_->{name} =~ /version_goat|tables_goat/ } $host->requests), 0, 'and fetches nothing');
$node->safe_psql('served', q(DELETE FROM trackagoat.setup_version WHERE version = 9));
$node->safe_psql('served', q(CALL public.goats('one', 'match_goat')));
wait_for_answer($node, 5, q(SELECT count(*) FROM trackagoat.creator WHERE follower_count IS NULL), '0',
	'with the right ones it makes up for it', 'served');

# --- what users do to their tables -------------------------------------------

$pid = worker_pid($node, 'served');
$node->safe_psql('served', <<'SQL');
CREATE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
	IF NEW.org_id IN (SELECT id FROM trackagoat.organization WHERE name = 'poisoned') AND NEW.follower_count IS NOT NULL THEN
		RAISE 'poison';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER poison BEFORE UPDATE ON trackagoat.creator FOR EACH ROW EXECUTE FUNCTION public.poison();
CALL public.goats('healthy', 'shared_goat');
SQL
wait_for_answer($node, 5, followers('shared_goat'), 'healthy 100', 'a goat of one organization', 'served');
$host->answers(shared_goat => 'ok 101');
$node->safe_psql('served', q(CALL public.goats('poisoned', 'shared_goat')));
wait_for_answer($node, 5, followers('shared_goat'), 'healthy 101, poisoned ',
	q(a trigger that raises keeps its own organization's numbers out, no other's), 'served');
wait_for_answer($node, 5, q(SELECT outcome || ': ' || detail FROM trackagoat.scrape_attempt
	WHERE tiktok_handle = 'shared_goat' AND outcome <> 'ok' ORDER BY id LIMIT 1), 'partly_stored: poison', 'and says so', 'served');
is(worker_pid($node, 'served'), $pid, 'the worker lives on');
$node->safe_psql('served', 'DROP TRIGGER poison ON trackagoat.creator');
wait_for_answer($node, 5, followers('shared_goat'), 'healthy 101, poisoned 101', 'without the trigger the retry stores', 'served');

$host->answers(shared_goat => 'ok 102');
$node->safe_psql('served', <<'SQL');
CREATE CONSTRAINT TRIGGER poison AFTER UPDATE ON trackagoat.creator DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION public.poison();
SELECT trackagoat.scrape_creator(id) FROM trackagoat.creator WHERE tiktok_handle = 'shared_goat' LIMIT 1;
SQL
wait_for_answer($node, 5, followers('shared_goat'), 'healthy 102, poisoned 101', 'the same of a deferred trigger', 'served');
wait_for_answer($node, 5, q(SELECT outcome || ': ' || detail FROM trackagoat.scrape_attempt
	WHERE tiktok_handle = 'shared_goat' AND kind = 'creator_profile' ORDER BY finished_at DESC NULLS LAST LIMIT 1),
	'partly_stored: poison', 'which says so as well', 'served');
is(worker_pid($node, 'served'), $pid, 'the worker lives on');
$node->safe_psql('served', 'DROP TRIGGER poison ON trackagoat.creator');

# a transaction that stays open over a creator, and one over a job in flight
my $session = $node->background_psql('served');
$session->query_safe(q(BEGIN; UPDATE trackagoat.creator SET readme = 'held' WHERE tiktok_handle = 'first_goat'));
$host->answers(first_goat => 'ok 103', other_goat => 'ok 104');
$node->safe_psql('served', q(SELECT trackagoat.scrape_creator(id) FROM trackagoat.creator WHERE tiktok_handle = 'first_goat'));
wait_for_answer($node, 8, q(SELECT count(*) > 0 FROM trackagoat.scrape_attempt
	WHERE tiktok_handle = 'first_goat' AND outcome = 'store_failed' AND detail LIKE '%lock timeout%'), 't',
	'a locked creator is not waited for', 'served');
$node->safe_psql('served', sprintf q{CALL public.goats('one', 'other_goat', %s)}, join ', ', map { "'neighbour$_'" } 1 .. 20);
wait_for_answer($node, 8, followers('other_goat'), 'one 104', 'meanwhile others are served', 'served');
wait_for_answer($node, 12, q(SELECT count(*) FROM trackagoat.creator WHERE tiktok_handle::text ~ '^neighbour' AND follower_count = 100), '20',
	'all of them', 'served');
is($node->safe_psql('served', followers('first_goat')), 'one 100', 'only that one is delayed');
$session->query_safe('COMMIT');
wait_for_answer($node, 8, followers('first_goat'), 'one 103', 'and it is stored after the lock', 'served');

$host->answers(held_goat => 'slow 1', free_goat => 'ok 105');
$node->safe_psql('served', q(CALL public.goats('one', 'held_goat')));
wait_until(5, sub { $host->requests('held_goat') });
$session->query_safe(q(BEGIN; SELECT FROM trackagoat.scrape_job WHERE tiktok_handle = 'held_goat' FOR UPDATE));
wait_for_answer($node, 8, followers('held_goat'), 'one 100', 'a locked job does not keep the page from being stored', 'served');
$node->safe_psql('served', q(CALL public.goats('one', 'free_goat')));
wait_for_answer($node, 8, followers('free_goat'), 'one 105', 'nor the worker from others', 'served');
$session->query_safe('ROLLBACK');
$session->quit;
is(worker_pid($node, 'served'), $pid, 'the worker lives on');

# --- rights ------------------------------------------------------------------

# What a trigger function finds out when it tries to become somebody else.
$node->safe_psql('postgres', 'CREATE ROLE goat_owner LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE owned');
$node->safe_psql('owned', <<'SQL');
CREATE EXTENSION trackagoat;
ALTER DATABASE owned SET search_path = public, trackagoat;
GRANT USAGE, CREATE ON SCHEMA trackagoat TO goat_owner;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA trackagoat TO goat_owner;
GRANT CREATE ON SCHEMA public TO goat_owner;
SET ROLE goat_owner;
CALL trackagoat.setup();
CREATE TABLE public.tried (at_commit boolean, attempt text, answer text);
CREATE FUNCTION public.climb() RETURNS trigger LANGUAGE plpgsql AS
$$
DECLARE
	attempt text;
	deferred boolean := TG_NAME = 'climb_deferred';
BEGIN
	INSERT INTO public.tried VALUES (deferred, 'who', current_user);
	FOREACH attempt IN ARRAY ARRAY['SET ROLE postgres', 'SET SESSION AUTHORIZATION postgres', 'RESET ROLE',
		'RESET SESSION AUTHORIZATION', 'SET LOCAL ROLE NONE', $c$SELECT set_config('role', 'postgres', false)$c$,
		'ALTER ROLE goat_owner SUPERUSER', $c$COPY public.tried TO PROGRAM 'true'$c$, $c$SET trackagoat.proxy = 'x'$c$]
	LOOP
		BEGIN
			EXECUTE attempt;
			INSERT INTO public.tried VALUES (deferred, attempt, 'done');
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO public.tried VALUES (deferred, attempt, 'refused');
		END;
	END LOOP;
	INSERT INTO public.tried VALUES (deferred, 'who', current_user);
	RETURN NULL;
END
$$;
CREATE TRIGGER climb_now AFTER UPDATE OF follower_count ON trackagoat.creator
	FOR EACH ROW EXECUTE FUNCTION public.climb();
CREATE CONSTRAINT TRIGGER climb_deferred AFTER UPDATE ON trackagoat.creator DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.follower_count IS NOT NULL) EXECUTE FUNCTION public.climb();
SQL
is($node->safe_psql('owned', 'SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = \'trackagoat\''), 'goat_owner',
	'setup() needs no superuser');
$node->safe_psql('owned', <<'SQL');
SET ROLE goat_owner;
WITH o AS (INSERT INTO trackagoat.organization (name) VALUES ('owned') RETURNING id),
p AS (INSERT INTO trackagoat.project (org_id, name) SELECT id, 'owned' FROM o RETURNING id, org_id)
INSERT INTO trackagoat.creator (project_id, org_id, tiktok_handle) SELECT id, org_id, 'owned_goat' FROM p;
SQL
wait_for_answer($node, 8, followers('owned_goat'), 'owned 100', 'the worker serves a common owner', 'owned');
is($node->safe_psql('owned', q(SELECT string_agg(DISTINCT attempt || ': ' || answer, ', ') FROM public.tried
	WHERE attempt <> 'who' AND answer <> 'refused')), '', 'triggers cannot climb to more rights');
is($node->safe_psql('owned', q(SELECT string_agg(DISTINCT at_commit || ' ' || answer, ', ' ORDER BY at_commit || ' ' || answer)
	FROM public.tried WHERE attempt = 'who')), 'false goat_owner, true goat_owner',
	'they run as the owner, at commit too');

# --- a database that cannot be written ---------------------------------------

$pid = worker_pid($node, 'owned');
$node->safe_psql('postgres', 'ALTER DATABASE owned SET default_transaction_read_only = on');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for_answer($node, 10, status('state', 'owned'), 'idle', 'a read-only database is left alone');
$pid = worker_pid($node, 'owned');
$node->safe_psql('postgres', "ALTER DATABASE owned RESET default_transaction_read_only");
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for_answer($node, 10, status('state', 'owned'), 'waiting', 'until it can be written');

# --- the server ends ---------------------------------------------------------

$host->answers(slow_goat => 'slow 60');
$node->safe_psql('served', q(SELECT trackagoat.scrape_creator(id) FROM trackagoat.creator WHERE tiktok_handle = 'slow_goat'));
wait_until(5, sub { ($host->requests('slow_goat'))[2] });
$seconds = seconds_of(sub { $node->stop('fast') });
cmp_ok($seconds, '<', 5, sprintf 'a fast stop in the middle of a 60-second answer: %.2f s', $seconds);

$node->start;
wait_for_answer($node, 10, q(SELECT outcome FROM trackagoat.scrape_attempt WHERE kind = 'creator_profile'
	AND tiktok_handle = 'slow_goat' ORDER BY id OFFSET 2 LIMIT 1), 'interrupted',
	'the next worker gives back what the last one had', 'served');
ok(wait_until(5, sub { ($host->requests('slow_goat'))[3] }), 'and asks again');
is($node->safe_psql('served', outcomes('slow_goat')), 'interrupted, ok, interrupted, open', 'which is in flight');

$pid = worker_pid($node, 'served');
$host->answers(slow_goat => 'ok 8');
kill 'KILL', $pid;
wait_for_answer($node, 20, followers('slow_goat'), 'one 8', 'after kill -9 the cluster recovers and the job is retried', 'served');
is($node->safe_psql('served', outcomes('slow_goat')), 'interrupted, ok, interrupted, interrupted, ok', 'the lost attempt is known as interrupted');
isnt(worker_pid($node, 'served'), $pid, 'by another worker');
$node->stop('fast');

# --- no room for a worker ----------------------------------------------------

# the logical replication launcher, our launcher and one worker fill three places
$node->append_conf('postgresql.conf', 'max_worker_processes = 3');
$node->start;
like(wait_for_log($node, 10, qr/could not start the trackagoat worker/),
	qr/WARNING: .*for database "owned"\n.*HINT: .*max_worker_processes/, 'a full server is told of, with a hint');
$node->safe_psql('postgres', 'DROP DATABASE served WITH (FORCE)');
wait_for_answer($node, 10, status('state', 'owned'), 'waiting', 'and the worker starts once there is room');
$node->stop('fast');

done_testing();
