# Series of random points, built in every way that there is, against a model in
# Perl; binary COPY of good and of damaged bytes; ten thousand points one by one
# take as long at the end as at the beginning, and no more memory.
use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__);

use IPC::Run ();
use List::Util qw(shuffle);
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use TrackagoatTest;

my $seed = $ENV{TRACKAGOAT_SEED} // 20260211;
srand($seed);
note "TRACKAGOAT_SEED=$seed";

my ($node, $dir) = (new_node('series'), PostgreSQL::Test::Utils::tempdir());
chmod 0755, $dir;
setup_database($node);
my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');

sub random_of { return $_[ rand @_ ] }

# --- the model: a hash of points by microseconds since 1970 -------------------------

# 64 bits, of which the upper ones are often alike
sub random_level
{
	my $bits = int rand 65;
	return random_of('-9223372036854775808', '9223372036854775807', 0) if $bits > 62;
	my $level = int(rand 2**31) << 31 | int rand 2**31;
	$level &= (1 << $bits) - 1;
	return rand() < 0.3 ? -$level : $level;
}

# A number more or less, round as 64 bits.
sub add_levels { use integer; return $_[0] + $_[1] }

sub time_text
{
	my ($time) = @_;
	my $second = int($time / 1_000_000);
	my $text = strftime('%Y-%m-%dT%H:%M:%S', gmtime $second);
	my $fraction = sprintf '%06d', $time - $second * 1_000_000;
	$fraction =~ s/0+$//;
	return $text . (length $fraction ? ".$fraction" : '') . 'Z';
}

# Observations as they come: any order of time, some of the same moment twice.
sub random_points
{
	my ($counters) = @_;
	my $time = 1_600_000_000_000_000 + int(rand 10**9) * 1_000_000;
	my $unit = random_of(1, 1_000, 1_000_000, 1_000_000, 1_000_000);
	my ($sparse, $dull) = (random_of(0, 0.1, 0.7), random_of(0, 0.5, 0.95));
	my (@points, @level);

	for (1 .. random_of(0, 1, 2, 15, 16, 17, 32, 33, int rand 150, int rand 150))
	{
		$time += (1 + int rand random_of(2, 90, 86_400 * 40)) * $unit;
		$time += int rand 1_000_000 if rand() < 0.02;
		push @points, {
			time => $time,
			levels => [ map {
				$level[$_] = rand() < 0.1 ? random_level() : add_levels($level[$_] // 0, int rand 1000) unless rand() < $dull && defined $level[$_];
				rand() < $sparse ? undef : $level[$_]
			} 0 .. $counters - 1 ],
			rounded => rand() < 0.1, break => rand() < 0.04, source => rand() < 0.8 ? 0 : int rand random_of(3, 32768),
		};
	}
	# corrections of what is there
	push @points, map { { %{ random_of(@points) }, levels => [ map { rand() < 0.5 ? undef : random_level() } 1 .. $counters ], break => rand() < 0.1, source => int rand 9 } } 1 .. @points / 9;
	my $order = rand 3;
	return $order < 1 ? @points : $order < 2 ? reverse @points : shuffle @points;
}

# What is left of them, in the order of time.
sub unify
{
	my %point;
	for my $new (@_)
	{
		my $old = $point{ $new->{time} };
		$point{ $new->{time} } = !$old ? $new : {
			%$new, break => $old->{break} || $new->{break},
			levels => [ map { $new->{levels}[$_] // $old->{levels}[$_] } 0 .. $#{ $new->{levels} } ],
		};
	}
	return map { $point{$_} } sort { $a <=> $b } keys %point;
}

sub series_text
{
	my ($counters, @points) = @_;
	return join '; ', $counters, map {
		time_text($_->{time}) . ' ' . join(',', map { $_ // '-' } @{ $_->{levels} })
		  . ($_->{rounded} ? ' ~' : '') . ($_->{break} ? ' !' : '') . ($_->{source} ? " #$_->{source}" : '')
	} @points;
}

# Gains at the points from a time to before another, and the levels just before that.
sub look
{
	my ($counters, $from, $to, @points) = @_;
	my (@known, $any);
	my @gain = (0) x $counters;

	for my $point (grep { $_->{time} < $to } @points)
	{
		$any = 1;
		@known = () if $point->{break};
		for my $c (0 .. $counters - 1)
		{
			my $level = $point->{levels}[$c] // next;
			{
				use integer;
				$gain[$c] += $level - $known[$c] if defined $known[$c] && $point->{time} >= $from;
			}
			$known[$c] = $level;
		}
	}
	return (join(',', @gain), $any ? join(',', map { $_ // 'NULL' } @known[ 0 .. $counters - 1 ]) : '');
}

# --- built in every way ---------------------------------------------------------------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE point (n integer, place integer, piece integer, at timestamptz, levels bigint[], exact boolean, is_break boolean, source integer);
CREATE TABLE wanted (n integer, counters integer, t text);
CREATE TABLE look (n integer, from_time timestamptz, to_time timestamptz, gains text, levels text);
CREATE TABLE built (n integer, s series);
-- The points of a series, or of a piece of it, appended one by one as they came.
CREATE FUNCTION appended(wanted integer, counters integer, wanted_piece integer = NULL) RETURNS trackagoat.series LANGUAGE plpgsql AS $$
DECLARE
	s trackagoat.series := trackagoat.series(counters);
	p record;
BEGIN
	FOR p IN SELECT * FROM point WHERE n = wanted AND (wanted_piece IS NULL OR piece = wanted_piece) ORDER BY place LOOP
		s := trackagoat.series_append(s, p.at, p.levels, p.exact, p.is_break, p.source);
	END LOOP;
	RETURN s;
END $$;
CREATE FUNCTION merged(wanted integer, counters integer) RETURNS trackagoat.series LANGUAGE plpgsql AS $$
DECLARE
	s trackagoat.series := trackagoat.series(counters);
BEGIN
	FOR piece IN 0 .. coalesce((SELECT max(p.piece) FROM point p WHERE p.n = wanted), 0) LOOP
		s := trackagoat.series_merge(s, appended(wanted, counters, piece));
	END LOOP;
	RETURN s;
END $$;
SQL

my (@point_rows, @wanted_rows, @look_rows);
for my $n (1 .. 250)
{
	my $counters = random_of(1 .. 16, 5, 5, 5, 4, 4);
	my @points = random_points($counters);
	my @unified = unify(@points);
	my $pieces = 1 + int rand 5;

	for my $place (0 .. $#points)
	{
		my $point = $points[$place];
		push @point_rows, join("\t", $n, $place, int($place * $pieces / @points), time_text($point->{time}),
			'{' . join(',', map { $_ // 'NULL' } @{ $point->{levels} }) . '}', map { $_ ? 't' : 'f' } !$point->{rounded}, $point->{break}) . "\t$point->{source}\n";
	}
	push @wanted_rows, join("\t", $n, $counters, series_text($counters, @unified)) . "\n";
	for (1 .. 12)
	{
		# on a point, next to one, or somewhere
		my ($from, $to) = map { (@unified ? random_of(@unified)->{time} : 1_600_000_000_000_000) + random_of(0, 0, 1, -1, int rand 10**10) } 1 .. 2;
		my ($gains, $levels) = look($counters, $from, $to, @unified);
		push @look_rows, join("\t", $n, time_text($from), time_text($to), "{$gains}", length $levels ? "{$levels}" : '\N') . "\n";
	}
}
write_file("$dir/point", join '', @point_rows);
write_file("$dir/wanted", join '', @wanted_rows);
write_file("$dir/look", join '', @look_rows);
chmod 0644, map { "$dir/$_" } qw(point wanted look);
$node->safe_psql('postgres', "COPY $_ FROM '$dir/$_'") for qw(point wanted look);
$node->safe_psql('postgres', 'CREATE INDEX ON point (n); ANALYZE; INSERT INTO built SELECT n, t::series FROM wanted');
cmp_ok(scalar @point_rows, '>', 3000, scalar(@point_rows) . ' points in 250 series');

is($node->safe_psql('postgres', 'SELECT n, s::text FROM built JOIN wanted USING (n) WHERE s::text <> t'), '', 'the text comes back as it was written');
is($node->safe_psql('postgres', 'SELECT n, appended(n, counters) FROM wanted JOIN built USING (n) WHERE series_send(appended(n, counters)) <> series_send(s)'),
	'', 'appended one by one in any order: the same bytes');
is($node->safe_psql('postgres', 'SELECT n, merged(n, counters) FROM wanted JOIN built USING (n) WHERE series_send(merged(n, counters)) <> series_send(s)'),
	'', 'merged from pieces: the same bytes');
is($node->safe_psql('postgres', 'SELECT n, from_time, to_time, gains, series_gain(s, from_time, to_time) FROM look JOIN built USING (n) WHERE series_gain(s, from_time, to_time)::text <> gains'),
	'', 'gains of windows');
is($node->safe_psql('postgres', q{SELECT n, to_time, levels, series_at(s, to_time - interval '1 microsecond') FROM look JOIN built USING (n) WHERE series_at(s, to_time - interval '1 microsecond')::text IS DISTINCT FROM levels}),
	'', 'levels at moments');
is($node->safe_psql('postgres', q{SELECT n, to_time FROM look JOIN built USING (n) WHERE series_gain(series_cut(s, from_time), from_time, 'infinity') <> series_gain(s, from_time, 'infinity')
	OR series_at(series_cut(s, from_time), 'infinity') IS DISTINCT FROM series_at(s, 'infinity')}), '', 'cut anywhere, what comes after is as before');
is($node->safe_psql('postgres', q{SELECT n FROM built, LATERAL (SELECT (ARRAY[sum(b.gains[1]), sum(b.baselines[1]), sum(b.known[1])])::numeric[] AS sums FROM series_buckets(s, 'day', 'UTC') b) b
	WHERE (sums[1] + sums[2] - coalesce((series_at(s, 'infinity'))[1], 0)) % 18446744073709551616 <> 0 OR sums[3] <> CASE WHEN (series_at(s, 'infinity'))[1] IS NULL THEN 0 ELSE 1 END}),
	'', 'gains and baselines of all days come to the last level');

# --- binary COPY ----------------------------------------------------------------------

$node->safe_psql('postgres', "COPY built TO '$dir/first' (FORMAT binary); CREATE TABLE again (LIKE built); COPY again FROM '$dir/first' (FORMAT binary); COPY again TO '$dir/second' (FORMAT binary)");
is($node->safe_psql('postgres', "SELECT pg_read_binary_file('$dir/first') = pg_read_binary_file('$dir/second')"), 't', 'binary COPY out, in and out again: the same file');
is($node->safe_psql('postgres', 'SELECT count(*) FROM built b JOIN again a USING (n) WHERE series_send(a.s) = series_send(b.s) AND a.s::text = b.s::text'), '250', 'and the same values');

# Damaged bytes: refused, or a value that can be printed, read and gone on with.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE seen (s trackagoat.series);
CREATE TABLE outcome (n integer, state text, message text);
CREATE PROCEDURE load(prefix text, files integer) LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
	accepted boolean;
BEGIN
	FOR file IN 1 .. files LOOP
		accepted := false;
		BEGIN
			TRUNCATE seen;
			EXECUTE format('COPY seen FROM %L (FORMAT binary)', prefix || file);
			accepted := true;
			INSERT INTO outcome SELECT file, 'ok', CASE
				WHEN s::text::trackagoat.series::text <> s::text THEN 'the text is another'
				WHEN (SELECT count(*) FROM trackagoat.series_points(s)) <> regexp_count_of(s::text) THEN 'the points are others'
				WHEN trackagoat.series_at(s, 'infinity') IS DISTINCT FROM trackagoat.series_at(s::text::trackagoat.series, 'infinity') THEN 'the levels are others'
				WHEN trackagoat.series_append(s, '9999-12-31 23:59:59.999999Z', array_fill(7::bigint, ARRAY[split_part(s::text, ';', 1)::integer]))::text
					<> trackagoat.series_append(s::text::trackagoat.series, '9999-12-31 23:59:59.999999Z', array_fill(7::bigint, ARRAY[split_part(s::text, ';', 1)::integer]))::text THEN 'one more is another'
				END FROM seen;
			PERFORM trackagoat.series_buckets(s, 'week', 'Asia/Kathmandu'), trackagoat.series_thin(s, '1 day', 'infinity'), trackagoat.series_gain(s, '-infinity', 'infinity') FROM seen;
		EXCEPTION WHEN others THEN
			INSERT INTO outcome VALUES (file, SQLSTATE, CASE WHEN accepted THEN 'accepted, but: ' || SQLERRM END);
		END;
	END LOOP;
END $$;
CREATE FUNCTION regexp_count_of(t text) RETURNS bigint LANGUAGE sql AS
	$$ SELECT count(*) FROM unnest(string_to_array(t, ';')) WITH ORDINALITY p (p, i) WHERE i > 1 AND p !~ '^ @' $$;
SQL

my $header = "PGCOPY\n\xff\r\n\0" . pack('NN', 0, 0);
my $trailer = pack('n', 0xffff);
my @sent = map { pack 'H*', $_ } split /\n/, $node->safe_psql('postgres', q{SELECT encode(series_send(s), 'hex') FROM (SELECT n, s FROM built WHERE octet_length(series_send(s)) < 4000 ORDER BY n LIMIT 60) b
	UNION ALL SELECT encode(series_send(series_cut(s, '2022-01-01')), 'hex') FROM (SELECT s FROM built ORDER BY n LIMIT 30) b});
my $files = 1500;
for my $n (1 .. $files)
{
	my $bytes = random_of(@sent);
	for (1 .. ($n % 20 ? 1 + rand 3 : 0))
	{
		# the header and the first block decide the most
		my $at = int rand($n % 2 ? length $bytes : List::Util::min(30, length $bytes));
		substr($bytes, $at, 1) ^= chr(1 << int rand 8);
	}
	substr($bytes, int rand length $bytes) = '' if $n % 11 == 1;
	$bytes .= join '', map { chr int rand 256 } 0 .. rand 9 if $n % 11 == 2;
	substr($bytes, int rand length $bytes, int rand 9) = substr(random_of(@sent), int rand 40, int rand 40) if $n % 11 == 3;
	$bytes = join '', map { chr int rand 256 } 1 .. rand 40 if $n % 50 == 7;
	write_file("$dir/flip$n", $header . pack('nN', 1, length $bytes) . $bytes . $trailer);
	chmod 0644, "$dir/flip$n";
}
$node->safe_psql('postgres', "CALL load('$dir/flip', $files)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM outcome'), $files, "$files files were answered");
is($node->safe_psql('postgres', q{SELECT * FROM outcome WHERE message IS NOT NULL OR state NOT IN ('ok', '22P03') ORDER BY n LIMIT 5}), '', 'damaged bytes are refused, or a value like any other');
my %count = map { split /\|/ } split /\n/, $node->safe_psql('postgres', 'SELECT state, count(*) FROM outcome GROUP BY state');
note join ', ', map { "$count{$_} $_" } sort keys %count;
ok(($count{ok} // 0) > 50 && ($count{'22P03'} // 0) > 50, 'some were refused and some were not');

# --- ten thousand points, one by one -----------------------------------------------------

# How long the halves took in milliseconds, and what the session holds before and after them.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE loop (what text, half integer, ms double precision, bytes bigint);
CREATE FUNCTION note_half(what text, half integer, start timestamptz) RETURNS void LANGUAGE sql VOLATILE AS $$
	INSERT INTO loop SELECT what, half, extract(epoch FROM clock_timestamp() - start) * 1000, (SELECT sum(total_bytes) FROM pg_backend_memory_contexts)
$$;
CREATE PROCEDURE append_loop(points integer) LANGUAGE plpgsql AS $$
DECLARE
	s trackagoat.series := trackagoat.series(5);
	start timestamptz;
BEGIN
	FOR half IN 0 .. 2 LOOP
		start := clock_timestamp();
		FOR i IN 1 .. CASE half WHEN 0 THEN 100 ELSE points / 2 END LOOP
			s := trackagoat.series_append(s, '2020-01-01Z'::timestamptz + (half * points + i) * interval '3607 seconds', ARRAY[i * 17 + half * points, i / 3, i / 50, i % 3, NULL]);
		END LOOP;
		PERFORM note_half('append', half, start);
	END LOOP;
	ASSERT (SELECT count(*) FROM trackagoat.series_points(s)) = points + 100;
	INSERT INTO loop VALUES ('series', NULL, NULL, octet_length(trackagoat.series_send(s)));
END $$;
CALL goats('herd', 'billy');
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) SELECT id, n, 'included' FROM trackagoat.creator, generate_series(1, 2) n;
-- a transaction each, as the worker does it
CREATE PROCEDURE observe_loop(points integer) LANGUAGE plpgsql AS $$
DECLARE
	video uuid := (SELECT id FROM trackagoat.video WHERE last_observed_at IS NULL ORDER BY tiktok_video_id LIMIT 1);
	start timestamptz;
BEGIN
	FOR half IN 0 .. 2 LOOP
		start := clock_timestamp();
		FOR i IN 1 .. CASE half WHEN 0 THEN 100 ELSE points / 2 END LOOP
			PERFORM trackagoat.observe_video(video, '2020-01-01Z'::timestamptz + (half * points + i) * interval '3607 seconds', i * 17 + half * points, i / 3, i / 50, i % 3, NULL);
			COMMIT;
		END LOOP;
		PERFORM note_half('observe', half, start);
		COMMIT;
	END LOOP;
END $$;
SQL

# Runs a procedure in a session of its own; answers by how many kilobytes its process grew in the second half of it.
sub grown
{
	my ($call) = @_;
	my ($in, $out, $err) = ('', '', '');
	my $session = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err,
		IPC::Run::timeout(180));
	$in = "SELECT pg_backend_pid();\n$call;\n\\echo warm\n";
	$session->pump until $out =~ /warm/;
	my ($pid) = $out =~ /^(\d+)$/m;
	my $size = sub { return -r "/proc/$pid/status" && read_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m ? $1 : 0 };
	my $before = $size->();
	$in = "$call;\n\\echo done\n";
	$session->pump until $out =~ /done/;
	my $after = $size->();
	$in = "\\q\n";
	$session->finish;
	is($err, '', "$call ends well");
	return $after - $before;
}

# Checks the halves that are noted.
sub check_halves
{
	my ($what, $name) = @_;
	my %half = map { my ($half, $ms, $bytes) = split /\|/; ($half => [ $ms, $bytes ]) } split /\n/,
	  $node->safe_psql('postgres', "SELECT half, round(sum(ms)), max(bytes) FROM loop WHERE what = '$what' GROUP BY half");
	cmp_ok($half{2}[0], '<', 3 * $half{1}[0] + 100, sprintf '%s: the first half takes %d ms, the second %d ms', $name, $half{1}[0], $half{2}[0]);
	cmp_ok($half{2}[1] - $half{1}[1], '<', 400_000, sprintf '%s: the second half adds %d bytes to the memory of the session', $name, $half{2}[1] - $half{1}[1]);
	return;
}

my $growth = grown('CALL append_loop(10000)');
check_halves('append', 'series_append()');
cmp_ok($growth, '<', 16_000, "once more, the process has grown by $growth kB");
cmp_ok($node->safe_psql('postgres', q{SELECT max(bytes) FROM loop WHERE what = 'series'}), '<', 100_000, 'ten thousand points take ten bytes each at most');

$growth = grown('CALL observe_loop(10000)');
check_halves('observe', 'observe_video()');
cmp_ok($growth, '<', 16_000, "of another video, the process has grown by $growth kB");
is($node->safe_psql('postgres', 'SELECT DISTINCT count(*), count(DISTINCT observed_at), max(view_count) FROM trackagoat.video_snapshot GROUP BY video_id'), '10100|10100|105000', 'all are there, each once');
is($node->safe_psql('postgres', q{SELECT count(*) > 20, max(pg_column_size(points)) < 2000, pg_relation_size((SELECT reltoastrelid FROM pg_class WHERE oid = 'trackagoat.video_history'::regclass)) FROM trackagoat.video_history}),
	't|t|0', 'in many small rows, none of them toasted');
is($node->safe_psql('postgres', 'SELECT refresh_totals() >= 0; SELECT * FROM verify()'), 't', 'and verify() agrees');

is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server has not restarted');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|server process .* exited/, 'no backend died');
$node->stop('fast');
done_testing();
