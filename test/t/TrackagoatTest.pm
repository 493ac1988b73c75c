# What the TAP tests of the worker share: clusters with the extension, the
# synthetic site behind nginx, a server that misbehaves, and waiting with a
# deadline.  All servers are on loopback and end with the test.
package TrackagoatTest;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IPC::Run ();
use JSON::PP ();
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(new_node setup_database plain_failures source_dir captures_dir make_site start_nginx start_fault_server start_program end_program
  wait_until answer_of wait_for_answer wait_for_log read_file write_file worker_pid seconds_of catalogue_of same);

# Every server that this test has started, by process id: ended with it.  The
# value keeps a pipe open, as closing it would wait for the server.
my %children;

# A test that is told to end still ends its servers.
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

# The sources: this checkout, unless the runner has them elsewhere.
sub source_dir
{
	return $ENV{TRACKAGOAT_SOURCE} // abs_path(dirname(__FILE__) . '/../..');
}

# The folder of real captures, or undef where there is none.
sub captures_dir
{
	my $dir = $ENV{TRACKAGOAT_CAPTURES} // source_dir() . '/../shared/captures';
	return -r "$dir/html" ? abs_path($dir) : undef;
}

# A cluster, started unless start => 0; conf is more of postgresql.conf, url
# where the worker asks.  Its worker is fast, as the host is this machine.
sub new_node
{
	my ($name, %given) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--encoding=UTF8', '--no-locale' ], allows_streaming => $given{streaming} // 0);
	$node->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = 'trackagoat'
log_statement = none
restart_after_crash = on
trackagoat.allow_private_addresses = on
trackagoat.requests_per_minute = 6000
trackagoat.max_parallel = 8
CONF
	$node->append_conf('postgresql.conf', "trackagoat.base_url = '$given{url}'") if $given{url};
	$node->append_conf('postgresql.conf', $given{conf}) if $given{conf};
	$node->start if $given{start} // 1;
	return $node;
}

# The extension and its tables; "goats" is a procedure of the tests' own that
# tracks handles in an organization and project of that name.
sub setup_database
{
	my ($node, $database) = @_;

	$node->safe_psql($database // 'postgres', <<'SQL');
SET client_min_messages = warning;
CREATE EXTENSION trackagoat;
CALL trackagoat.setup();
SELECT format('ALTER DATABASE %I SET search_path = public, trackagoat', current_database()) \gexec
CREATE PROCEDURE public.goats(organization text, VARIADIC handles text[]) LANGUAGE sql AS
$$
	WITH o AS (INSERT INTO trackagoat.organization (name) VALUES (organization) RETURNING id),
	p AS (INSERT INTO trackagoat.project (org_id, name) SELECT id, organization FROM o RETURNING id, org_id)
	INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle)
	SELECT p.org_id, p.id, trackagoat.parse_handle(h) FROM p, unnest(handles) h
$$;
SQL
	return;
}

# Waits until the function answers true, at most so many seconds; answers what
# it answered last.
sub wait_until
{
	my ($seconds, $function) = @_;
	my $deadline = time + $seconds;

	while (1)
	{
		my $answer = $function->();
		return $answer if $answer || time >= $deadline;
		usleep(30_000);
	}
}

# What the query answers; undef where it fails, as while the server recovers.
# What psql says of it goes into $$err, if given.
sub answer_of
{
	my ($node, $query, $database, $err) = @_;
	my $out = '';

	# where there is no server, psql may have ended before it is told the query
	my $status = eval { $node->psql($database // 'postgres', $query, stdout => \$out, stderr => $err // \my $ignored, timeout => 30) };
	return defined $status && $status == 0 ? $out : undef;
}

# Waits until the query answers so (default t), and is a test of that.
sub wait_for_answer
{
	my ($node, $seconds, $query, $expected, $name, $database) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($out, $err) = ('', '');

	wait_until($seconds, sub {
		$out = answer_of($node, $query, $database, \$err) // '';
		return $out eq $expected && ($err // '') eq '';
	});
	$err //= '';
	return is("$out$err", $expected, $name);
}

# Waits until the server's log holds the pattern; answers the log.
sub wait_for_log
{
	my ($node, $seconds, $pattern) = @_;
	my $log;

	wait_until($seconds, sub { ($log = read_file($node->logfile)) =~ $pattern });
	return $log;
}

# The process of the worker that serves a database; empty while there is none.
sub worker_pid
{
	my ($node, $database) = @_;
	return $node->safe_psql('postgres',
		sprintf q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'trackagoat worker' AND datname = '%s'),
		$database // 'postgres');
}

# How long the function takes.
sub seconds_of
{
	my ($function) = @_;
	my $start = time;
	$function->();
	return time - $start;
}

sub read_file
{
	my ($path) = @_;
	open my $file, '<:raw', $path or die "$path: $!\n";
	local $/;
	return scalar(<$file>) // '';
}

sub write_file
{
	my ($path, $content) = @_;
	open my $file, '>:raw', "$path.new" or die "$path.new: $!\n";
	print $file $content or die "$path.new: $!\n";
	close $file or die "$path.new: $!\n";
	rename "$path.new", $path or die "$path: $!\n";
	return;
}

# Every object of a database, with owners, rights and comments, as text.
sub catalogue_of
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, <<'SQL');
SET search_path = pg_catalog;
WITH s AS (SELECT oid FROM pg_namespace WHERE nspname IN ('trackagoat', 'trackagoat_api', 'public')),
r AS (SELECT c.* FROM pg_class c WHERE relnamespace IN (SELECT oid FROM s)),
acls AS (
	SELECT c.oid::regclass::text AS what, relacl AS acl FROM r c
	UNION ALL SELECT a.attrelid::regclass || '.' || attname, attacl FROM pg_attribute a JOIN r ON attrelid = r.oid
	UNION ALL SELECT oid::regprocedure::text, proacl FROM pg_proc WHERE pronamespace IN (SELECT oid FROM s)
	UNION ALL SELECT nspname, nspacl FROM pg_namespace WHERE oid IN (SELECT oid FROM s))
SELECT line FROM (
	SELECT format('relation %s %s %s %s rls %s %s', oid::regclass, relkind, relowner::regrole, reloptions,
		relrowsecurity, relforcerowsecurity) FROM r
	UNION ALL SELECT format('column %s %s %s not null %s default %s %s%s', a.attrelid::regclass, attname,
		format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), attgenerated, attidentity)
		FROM pg_attribute a JOIN r ON attrelid = r.oid LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
		WHERE attnum > 0 AND NOT attisdropped AND r.relkind <> 'i'
	UNION ALL SELECT format('index %s', pg_get_indexdef(oid)) FROM r WHERE relkind = 'i'
	UNION ALL SELECT format('constraint %s %s %s valid %s', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
		FROM pg_constraint WHERE connamespace IN (SELECT oid FROM s)
	-- a condition may come back with fewer parentheses
	UNION ALL SELECT format('trigger %s %s', translate(pg_get_triggerdef(t.oid), '()', ''), tgenabled) FROM pg_trigger t JOIN r ON tgrelid = r.oid
		WHERE NOT tgisinternal
	UNION ALL SELECT format('view %s %s', oid::regclass, pg_get_viewdef(oid)) FROM r WHERE relkind = 'v'
	UNION ALL SELECT format('policy %s %s %s %s %s', tablename, policyname, roles, cmd, qual) FROM pg_policies
	UNION ALL SELECT format('function %s %s %s', p.oid::regprocedure, proowner::regrole, md5(prosrc || coalesce(probin, '')))
		FROM pg_proc p WHERE pronamespace IN (SELECT oid FROM s)
	UNION ALL SELECT format('comment %s %s %s', type, identity, description)
		FROM pg_description, LATERAL pg_identify_object(classoid, objoid, objsubid)
		WHERE identity ~ 'trackagoat|public'
	UNION ALL SELECT format('right %s %s %s %s', what, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, privilege_type, is_grantable)
		FROM acls, LATERAL aclexplode(acl)
) l (line) ORDER BY line COLLATE "C"
SQL
}

# Failures have their back-off and nothing else: no other source is tried, no
# host or source left alone, no job given up.
sub plain_failures
{
	my ($node) = @_;

	$node->safe_psql('postgres', <<'SQL');
DELETE FROM trackagoat.scrape_source WHERE place > 1;
UPDATE trackagoat.scrape_outcome SET host_pause = NULL, source_pause = NULL, dead_after = NULL;
SQL
	return;
}

# A test that two texts agree, which shows the lines that differ.
sub same
{
	my ($got, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my %got = map { $_ => 1 } split /\n/, $got;
	my %expected = map { $_ => 1 } split /\n/, $expected;

	ok($got eq $expected, $name) or diag(
		join "\n", (map { "missing: $_" } grep { !$got{$_} } sort keys %expected),
		map { "new: $_" } grep { !$expected{$_} } sort keys %got);
	return;
}

# The synthetic site: its folder and its manifest.
sub make_site
{
	my $dir = PostgreSQL::Test::Utils::tempdir('site');
	system($^X, source_dir() . '/test/fixtures/make_site.pl', $dir) == 0 or die "make_site.pl failed\n";
	return ($dir, JSON::PP::decode_json(read_file("$dir/manifest.json")));
}

# nginx on the files of a folder, through the configuration of the fixtures, or
# one that is given as text; a TrackagoatTest::Nginx.
sub start_nginx
{
	my ($root, $conf) = @_;
	my $run = PostgreSQL::Test::Utils::tempdir('nginx');
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";

	$conf //= read_file(source_dir() . '/test/fixtures/nginx.conf.in');
	$conf =~ s/\@PORT\@/$port/g;
	$conf =~ s/\@ROOT\@/$root/g;
	$conf =~ s/\@RUN\@/$run/g;
	write_file("$run/nginx.conf", $conf);
	system('nginx', '-p', $run, '-e', "$run/error.log", '-c', "$run/nginx.conf") == 0 or die "nginx did not start\n";
	my $pid = wait_until(10, sub { -s "$run/nginx.pid" && read_file("$run/nginx.pid") =~ /^(\d+)\n/ && $1 })
	  or die "nginx has no pid\n";
	$children{$pid} = 1;
	return bless { run => $run, url => "http://127.0.0.1:$port", port => $port }, 'TrackagoatTest::Nginx';
}

# fault_server.pl; a TrackagoatTest::Fault.
sub start_fault_server
{
	my ($address) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir('fault');
	my $pid = open my $out, '-|', $^X, dirname(abs_path(__FILE__)) . '/fault_server.pl', $dir, $address // '127.0.0.1'
	  or die "fault_server.pl: $!\n";

	$children{$pid} = $out;
	my ($port) = (<$out> // '') =~ /^(\d+)$/ or die "fault_server.pl did not start\n";
	my $host = ($address // '') =~ /:/ ? "[$address]" : $address // '127.0.0.1';
	return bless { dir => $dir, url => "http://$host:$port", port => $port, answers => {} },
	  'TrackagoatTest::Fault';
}

# A program that runs until the test ends, or end_program(); what it prints goes
# to a file.  Answers its process id.
sub start_program
{
	my ($log, @command) = @_;
	my $pid = fork // die "fork: $!\n";

	if (!$pid)
	{
		open STDOUT, '>>', $log and open STDERR, '>&', \*STDOUT and exec { $command[0] } @command;
		POSIX::_exit(127);
	}
	$children{$pid} = 1;
	return $pid;
}

sub end_program
{
	my ($pid) = @_;
	kill 'TERM', $pid;
	waitpid $pid, 0;
	delete $children{$pid};
	return;
}

END
{
	my $status = $?;
	kill 'TERM', keys %children;
	waitpid $_, 0 for keys %children;
	$? = $status;
}

package TrackagoatTest::Nginx;

# The paths that were asked for, oldest first; those that match, if a pattern
# is given.
sub requests
{
	my ($self, $pattern) = @_;
	my @paths = map { /"GET (\S+) / ? $1 : () } split /\n/, TrackagoatTest::read_file("$self->{run}/access.log");
	return grep { !defined $pattern || $_ =~ $pattern } @paths;
}

package TrackagoatTest::Fault;

# How to answer from now on: name => behaviour, as fault_server.pl has them.
sub answers
{
	my ($self, %answers) = @_;
	$self->{answers} = { %{ $self->{answers} }, %answers };
	TrackagoatTest::write_file("$self->{dir}/answers",
		join '', map { "$_ $self->{answers}{$_}\n" } sort keys %{ $self->{answers} });
	return;
}

# The requests so far, oldest first; those of a name, if one is given.
sub requests
{
	my ($self, $name) = @_;
	my @requests = map { JSON::PP::decode_json($_) } split /\n/, TrackagoatTest::read_file("$self->{dir}/requests");
	return grep { !defined $name || $_->{name} eq $name } @requests;
}

1;
