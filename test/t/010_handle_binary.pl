# What comes over the wire as a handle is distrusted: binary COPY with flipped
# bits, cut and spliced files, and random text either become valid handles, the
# ones that the bytes say, or are refused; the server lives on.
use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__);

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use TrackagoatTest;

my $seed = $ENV{TRACKAGOAT_SEED} // 20260128;
srand($seed);
note "TRACKAGOAT_SEED=$seed";

my $valid = qr/\A@?([A-Za-z0-9._-]{1,30})\z/;
my @letters = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '.', '_', '-');
my ($node, $dir) = (new_node('handle'), PostgreSQL::Test::Utils::tempdir());
my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION trackagoat;
CREATE TABLE seen (h trackagoat.handle);
CREATE TABLE outcome (n integer, state text, rows text, invalid integer);
-- Loads the numbered files into the table seen, one at a time, and notes what came of each.
CREATE PROCEDURE load(prefix text, files integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR file IN 1 .. files LOOP
		TRUNCATE seen;
		BEGIN
			EXECUTE format('COPY seen FROM %L (FORMAT binary)', prefix || file);
			INSERT INTO outcome SELECT file, 'ok', string_agg(h::text, ' ' ORDER BY ctid),
				count(*) FILTER (WHERE h::text !~ '^[A-Za-z0-9._-]{1,30}$') FROM (SELECT h, ctid FROM seen) s;
		EXCEPTION WHEN others THEN
			INSERT INTO outcome VALUES (file, SQLSTATE, SQLERRM, 0);
		END;
	END LOOP;
END $$;
SQL
$node->safe_psql('postgres', 'ALTER PROCEDURE load(text, integer) SET search_path = public');

# The header of a binary COPY file, its end, and one handle in between.
my $header = "PGCOPY\n\xff\r\n\0" . pack('NN', 0, 0);
my $trailer = pack('n', 0xffff);
sub field { return pack('nN', 1, length $_[0]) . $_[0] }
sub word { return join '', map { $letters[ rand @letters ] } 1 .. 1 + rand 30 }

sub write_bytes
{
	my ($name, $bytes) = @_;
	open my $file, '>:raw', $name or die "$name: $!";
	print $file $bytes;
	close $file or die "$name: $!";
	chmod 0644, $name;
}
chmod 0755, $dir;

# Loads the files and answers their outcomes: state, rows or message, invalid rows.
sub load_files
{
	my ($prefix, $count) = @_;
	$node->safe_psql('postgres', "TRUNCATE outcome; CALL load('$dir/$prefix', $count)");
	my @outcomes = map { [ split /\|/, $_, 4 ] } split /\n/,
	  $node->safe_psql('postgres', q{SELECT n, state, invalid, replace(rows, E'\n', ' ') FROM outcome ORDER BY n});
	is(scalar @outcomes, $count, "$count files of $prefix were answered");
	return @outcomes;
}
sub count_of { my %n; $n{$_}++ for @_; return join ', ', map { "$n{$_} $_" } sort keys %n }

# What the server writes is what we write.
my @plain = map { word() } 1 .. 300;
write_bytes("$dir/plain1", $header . join('', map { field($_) } @plain) . $trailer);
my ($outcome) = load_files('plain', 1);
is("@$outcome[1, 3]", "ok @plain", 'a file of handles is loaded as it is');
$node->safe_psql('postgres', "COPY seen TO '$dir/back' (FORMAT binary)");
is($node->safe_psql('postgres', "SELECT pg_read_binary_file('$dir/back') = pg_read_binary_file('$dir/plain1')"), 't', 'and written back byte for byte');

# Flipped bits in the handles: taken if, and only if, all bytes are still handles.
my @flipped;
for my $n (1 .. 600)
{
	my @handles = map { word() } 1 .. 4;
	for (1 .. 1 + rand 2)
	{
		my $which = int rand @handles;
		my $at = int rand length $handles[$which];
		substr($handles[$which], $at, 1) ^= chr(1 << int rand 8);
	}
	$handles[0] = '@' . $handles[0] if $n % 5 == 0;
	push @flipped, \@handles;
	write_bytes("$dir/flip$n", $header . join('', map { field($_) } @handles) . $trailer);
}
my @wrong;
my @states;
for my $outcome (load_files('flip', scalar @flipped))
{
	my ($n, $state, $invalid, $rows) = @$outcome;
	my @read = map { /$valid/ ? $1 : () } @{ $flipped[ $n - 1 ] };
	push @states, $state;
	if (@read == @{ $flipped[ $n - 1 ] })
	{
		push @wrong, "$n: $state $rows" unless $state eq 'ok' && $rows eq "@read" && $invalid == 0;
	}
	else
	{
		push @wrong, "$n: $state $rows" unless ($state eq 'PT409' && $rows eq 'invalid_handle') || $state eq '22021';
	}
}
is("@wrong", '', 'flipped bits in handles: taken as the bytes say, or refused as invalid_handle or invalid text');
note count_of(@states);
cmp_ok(scalar(grep { $_ eq $states[0] } @states), '<', scalar @states, 'some were taken and some were not');

# Bits flipped anywhere in the file, cut and spliced files: refused, or what is loaded is valid.
my $whole = $header . join('', map { field(word()) } 1 .. 20) . $trailer;
for my $n (1 .. 600)
{
	my $bytes = $whole;
	for (1 .. 1 + rand 8)
	{
		my $at = int rand length $bytes;
		substr($bytes, $at, 1) ^= chr(1 << int rand 8);
	}
	substr($bytes, int rand length $bytes) = '' if $n % 7 == 0;
	substr($bytes, int rand length $bytes, int rand 9) = substr($whole, int rand length $whole, int rand 40) if $n % 7 == 1;
	substr($bytes, 19, 0) = field(join '', map { chr int rand 256 } 1 .. rand 60) if $n % 7 == 2;
	write_bytes("$dir/any$n", $bytes);
}
@states = @wrong = ();
for my $outcome (load_files('any', 600))
{
	my ($n, $state, $invalid, $rows) = @$outcome;
	push @states, $state;
	# text, the file's form, its end, its sizes
	push @wrong, "$n: $state $rows" unless ($state eq 'ok' && $invalid == 0) || $state =~ /^(PT409|22021|22P04|22P03|08P01|54000|53200)$/;
}
is("@wrong", '', 'damaged files: refused with an error of text, COPY or handle, or loaded as valid handles');
note count_of(@states);

# Random bytes as text: one rule for what is a handle.
my @inputs = map {
	my @alphabet = $_ % 4 == 0 ? map { chr } 0 .. 255 : (@letters, @letters, @letters, '@', ' ', "\n", "\xc3\xbc", "\xf0\x9f\x90\x90");
	my $text = ($_ % 3 == 0 ? '@' : '') . join '', map { $alphabet[ rand @alphabet ] } 1 .. rand 36;
	# half of them good but for one byte
	$text = word() if $_ % 2;
	substr($text, int rand length $text, 1) = chr(int rand 256) if $_ % 8 == 1;
	$text
} 1 .. 3000;
write_bytes("$dir/text", join '', map { unpack('H*', $_) . "\n" } @inputs);
my @answers = split /\n/, $node->safe_psql('postgres', <<"SQL");
CREATE TABLE input (n integer GENERATED ALWAYS AS IDENTITY, hex text, answer text);
COPY input (hex) FROM '$dir/text';
CREATE FUNCTION try(hex text) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	RETURN 'ok ' || convert_from(decode(hex, 'hex'), 'UTF8')::trackagoat.handle::text;
EXCEPTION WHEN others THEN
	RETURN SQLSTATE;
END \$\$;
UPDATE input SET answer = try(hex);
SELECT answer FROM input ORDER BY n;
SQL
is(scalar @answers, scalar @inputs, 'every text was answered');
@wrong = ();
for my $i (0 .. $#inputs)
{
	my $is_text = utf8::decode(my $copy = $inputs[$i]) && $inputs[$i] !~ /\0/;
	my $wanted = $inputs[$i] =~ $valid ? "ok $1" : $is_text ? 'PT409' : qr/^(22021|PT409)$/;
	push @wrong, unpack('H*', $inputs[$i]) . ": $answers[$i]" unless ref $wanted ? $answers[$i] =~ $wanted : $answers[$i] eq $wanted;
}
is("@wrong", '', 'random text: a handle by the rule, or refused');
note count_of(map { substr $_, 0, 5 } map { /^ok/ ? 'ok' : $_ } @answers);

# and the server has not even restarted
is((split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0], $postmaster, 'the postmaster is the same');
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'since the same time');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|server process .* exited/, 'no backend died');
$node->stop;
done_testing();
