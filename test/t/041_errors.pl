# docs/errors.md and the sources name the same refusals: each message raised is on
# the page with its SQLSTATE, and each on the page is raised somewhere; and what
# each says, detail and hint, is there word for word, with ... for what is filled in.
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

my (%documented, %explained);
for (split /\n/, slurp("$source/docs/errors.md"))
{
	$explained{"$1 $2: $3 ($4)"} = 1 if /^\| (PT\d{3}) \| `([\w.]+)` \| (.*) \| (.*) \|$/;
	next unless /^\| `(PT\d{3})` \| ((?:`\w+`(?:, )?)+) \|/;
	my ($state, $messages) = ($1, $2);
	$documented{"$state $_"} = 1 for $messages =~ /`(\w+)`/g;
}
cmp_ok(scalar keys %documented, '>', 20, 'the page has a table of refusals');
cmp_ok(scalar keys %explained, '>', 20, 'and one of what they say');

# --- what the sources raise ----------------------------------------------------------

# A text of the sources, with ... for what is filled in.
sub plain
{
	my ($text) = @_;
	return '' unless defined $text;
	$text =~ s/%%/\x01/g;
	$text =~ s/%(?:\d+\$)?[-+.*\d]*l*[sdILu]/.../g;
	$text =~ tr/\x01/%/;
	$text =~ s/''/'/g;
	$text =~ s/\\"/"/g;
	$text =~ s/(?:\.\.\.)+/.../g;
	return $text;
}

# The first literal of an expression of SQL; a message may be made of one and a name.
sub literal
{
	my ($expression) = @_;
	return 'invalid_...' if $expression eq 'code';
	return "$1..." if $expression =~ /^'(\w+)' \|\| \w+$/;
	return "...$1" if $expression =~ /^\w+ \|\| '(\w+)'$/;
	# of a JSON object its names
	return '{' . join(', ', $expression =~ /'(\w+)',/g) . '}' if $expression =~ /^json_build_object\(/;
	return plain($expression =~ /'((?:[^']|'')*)'/);
}

my %said;
my %class = (BAD_REQUEST => 'PT400', UNAUTHORIZED => 'PT401', LIMIT => 'PT402', FORBIDDEN => 'PT403', NOT_FOUND => 'PT404', CONFLICT => 'PT409',
	TOO_MANY => 'PT429');
my %raised;
for my $file (glob("$source/src/*.c $source/src/worker/*.c"))
{
	my $text = slurp($file) =~ s/" U?INT64_FORMAT "/%d/gr =~ s/"\s*\n\s*"//gr;
	while ($text =~ /errcode\(ERRCODE_TRACKAGOAT_(\w+)\),\s*(errmsg.*?\)\)\);)/gs)
	{
		my ($state, $rest) = ($class{$1}, $2);
		my ($message, $detail, $hint) = map { plain($rest =~ /$_\("((?:[^"\\]|\\.)*)"/) } qw(errmsg errdetail(?:_internal)? errhint);
		$said{"$state $message: $detail ($hint)"} = $file;
	}
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
	$raised{"PT400 $1"} = $file while $text =~ /(?:refuse|check)_fields?\('(\w+)'/g;
	$raised{"PT400 too_many_$1"} = $file while $text =~ /check_many\('(\w+)'/g;
	while ($text =~ /RAISE SQLSTATE '(PT\d{3})' USING(.*?);\n/gs)
	{
		my ($state, $rest) = ($1, $2);
		my %part = $rest =~ /(MESSAGE|DETAIL|HINT) = (.*?)(?=,\s*(?:DETAIL|HINT|MESSAGE) = |\z)/gs;
		$said{sprintf '%s %s: %s (%s)', $state, map { literal($part{$_} // '') } qw(MESSAGE DETAIL HINT)} = $file;
	}
}

is_deeply([ sort grep { !$documented{$_} } keys %raised ], [], 'each refusal is on the page');
is_deeply([ sort grep { !$raised{$_} } keys %documented ], [], 'each on the page is raised');
is_deeply([ sort grep { !$explained{$_} } keys %said ], [], 'what each says is on the page');
is_deeply([ sort grep { !$said{$_} } keys %explained ], [], 'and nothing else');
is_deeply([ sort grep { /: \(|\(\)/ } keys %said ], [], 'each has a detail and a hint');
done_testing();
