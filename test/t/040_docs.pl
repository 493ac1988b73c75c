# README and docs tell the truth: every ```sql block runs, in order, in a
# database of its page's own, and a ```text block is what the one before prints.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = $ENV{TRACKAGOAT_SOURCE} || "$FindBin::RealBin/../..";

# The blocks of a page: [language, text, line number].
sub blocks
{
	my ($file) = @_;
	my (@blocks, $open);
	open my $in, '<', $file or die "cannot read $file: $!";
	while (my $line = <$in>)
	{
		if ($line =~ /^```(\w*)\s*$/)
		{
			if ($open) { push @blocks, $open; undef $open; }
			else { $open = [ $1, '', $. ]; }
		}
		elsif ($open) { $open->[1] .= $line; }
	}
	die "$file ends within a block" if $open;
	return @blocks;
}

# What psql prints, without what no reader sees.
sub normal
{
	my ($text) = @_;
	$text =~ s/[ \t]+$//mg;
	$text =~ s/\s+\z//;
	return $text;
}

my $node = PostgreSQL::Test::Cluster->new('docs');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;

my @pages = ("$source/README.md", sort glob "$source/docs/*.md");
cmp_ok(scalar @pages, '>=', 8, 'the pages are there');

for my $page (@pages)
{
	my $name = $page =~ s{.*/}{}r;
	my $database = lc $name =~ s/\W/_/gr;
	my @blocks = blocks($page);
	my @links;

	{
		local (@ARGV, $/) = ($page);
		my $text = <>;
		@links = grep { !m{^https?://} } $text =~ /\]\(([^)#]+)/g;
	}
	my $folder = $page =~ s{/[^/]*$}{}r;
	is_deeply([ grep { !-e "$folder/$_" } @links ], [], "$name: links lead somewhere");

	$node->safe_psql('postgres', qq{CREATE DATABASE "$database"});
	# one session for the page, each block's output between marks
	my $script = "\\pset footer on\n\\set VERBOSITY terse\n";
	my @sql = grep { $blocks[$_][0] eq 'sql' } 0 .. $#blocks;
	$script .= "\\echo [[block $_]]\n$blocks[$_][1]" for @sql;
	my ($out, $err) = ('', '');
	my $code = IPC::Run::run(
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database), '-f', '-' ],
		'<', \$script, '>', \$out, '2>', \$err);
	ok($code, "$name: its SQL runs") or diag($err);

	my %printed = $out =~ /^\[\[block (\d+)\]\]\n(.*?)(?=^\[\[block|\z)/msg;
	for my $i (@sql)
	{
		next unless $i < $#blocks && $blocks[ $i + 1 ][0] eq 'text';
		is(normal($printed{$i} // ''), normal($blocks[ $i + 1 ][1]), "$name, line $blocks[$i][2]: prints what it says");
	}
}

$node->stop;
done_testing();
