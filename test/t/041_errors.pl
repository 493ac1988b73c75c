# docs/errors.md and the sources name the same refusals: each message raised is on
# the page with its SQLSTATE, and each on the page is raised somewhere.
use strict;
use warnings;

use FindBin;
use Test::More;

my $source = $ENV{TRACKAGOAT_SOURCE} || "$FindBin::RealBin/../..";

sub slurp
{
	my ($file) = @_;
	local (@ARGV, $/) = ($file);
	return scalar <>;
}

# --- what the page says: SQLSTATE and message -------------------------------------

my %documented;
for (split /\n/, slurp("$source/docs/errors.md"))
{
	next unless /^\| `(PT\d{3})` \| ((?:`\w+`(?:, )?)+) \|/;
	my ($state, $messages) = ($1, $2);
	$documented{"$state $_"} = 1 for $messages =~ /`(\w+)`/g;
}
cmp_ok(scalar keys %documented, '>', 20, 'the page has a table of refusals');

# --- what the sources raise ----------------------------------------------------------

my %class = (BAD_REQUEST => 'PT400', LIMIT => 'PT402', NOT_FOUND => 'PT404', CONFLICT => 'PT409');
my %raised;
for my $file (glob("$source/src/*.c $source/src/worker/*.c"))
{
	my $text = slurp($file);
	while ($text =~ /errcode\(ERRCODE_TRACKAGOAT_(\w+)\),\s*errmsg\("([^"]+)"/g)
	{
		my ($state, $message) = ($class{$1}, $2);
		# an entity and _not_found
		$raised{"$state $_"} = $file for $message =~ /^%s/ ? map { $message =~ s/%s/$_/r } qw(video creator campaign project) : $message;
	}
}
for my $file (glob("$source/sql/install/*.sql $source/sql/setup/*.sql"))
{
	my $text = slurp($file);
	while ($text =~ /RAISE SQLSTATE '(PT\d{3})' USING\s+MESSAGE = ([^,]+),/g)
	{
		my ($state, $message) = ($1, $2);
		$raised{"$state $1"} = $file if $message =~ /^'(\w+)'$/;
	}
	# helpers that are told the message, or the first or last part of it
	$raised{"PT400 $1"} = $file while $text =~ /check_choice\('(\w+)'/g;
	$raised{"PT404 $1_not_found"} = $file while $text =~ /entity_missing\('(\w+)'/g;
	$raised{"PT400 too_many_$1"} = $file while $text =~ /check_many\('(\w+)'/g;
	# every refusal tells what to do
	while ($text =~ /RAISE SQLSTATE 'PT\d{3}' USING(.*?);\n/gs)
	{
		my $raise = $1;
		ok($raise =~ /DETAIL =/ && $raise =~ /HINT =/, 'with detail and hint: ' . ($raise =~ /MESSAGE = ([^,]+)/)[0]);
	}
}

is_deeply([ sort grep { !$documented{$_} } keys %raised ], [], 'each refusal is on the page');
is_deeply([ sort grep { !$raised{$_} } keys %documented ], [], 'each on the page is raised');
done_testing();
