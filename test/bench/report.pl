# Reads the lines of benchmarks, `bench NAME KEY=VALUE...`, and prints them as a
# table beside what is to be reached.  Ends with an error where answers differ.
use strict;
use warnings;

# Of a benchmark its unit, and bounds: of ours itself, of a ratio that it prints,
# or of how many times as long another side takes.
my @benchmarks = (
	[ campaign_total => 'ms', sql => '>= 1000', duckdb => '>= 100' ],
	[ campaign_total_either => 'ms' ],
	[ campaign_total_unfolded => 'ms', sql => '>= 50' ],
	[ campaign_total_stale => 'ms', sql => '>= 5' ],
	[ campaign_days => 'ms', ours => '< 5', duckdb => '>= 50' ],
	[ series_days => 'ms', sql => '>= 45', duckdb => '>= 2' ],
	[ series_days_hashed => 'ms', duckdb => '>= 2' ],
	[ bytes_sealed => 'bytes', ours => '<= 10' ],
	[ bytes_live => 'bytes', ours => '<= 14' ],
	[ row_growth => 'ms', ratio => '<= 1.1' ],
	[ ingest => 'ms', ratio => '<= 1.5' ],
	[ add_creators => 'ms', ratio => '<= 1.5' ],
	[ review_videos => 'ms', ratio => '<= 1.5' ],
	[ review_videos_given => 'ms' ],
	[ goal_overview => 'ms', ours => '< 100', sql => '>= 20' ],
	[ goal_overview_unfolded => 'ms', sql => '>= 20' ],
	[ handle_sort => 'ms', ratio => '>= 5' ],
	[ handle_lookup_100k => 'ms', ratio => '>= 5' ],
	[ api_creators => 'us', ratio => '>= 0.5' ],
	[ api_analytics => 'us', ratio => '>= 0.5' ],
	[ api_key => 'us', ours => '< 50' ],
	[ scrape => 'pages/s', ratio => '>= 3' ],
	[ scrape_growth => 'MB', ours => '<= 5' ],
	[ scrape_memory => 'MB', ours => '<= 40' ],
);

my %measured;
while (<STDIN>)
{
	$measured{$1} = { map { split /=/, $_, 2 } split ' ', $2 } if /^bench (\w+) (.*)/;
}

sub times_ours
{
	my ($m, $side) = @_;
	return '' if !defined $m->{$side} || !$m->{ours};
	return sprintf '%.*f', $m->{$side} / $m->{ours} < 10 ? 1 : 0, $m->{$side} / $m->{ours};
}

my $format = "%-24s %10s %10s %10s %9s %9s  %-5s %s\n";
printf $format, 'question', 'ours', 'SQL', 'DuckDB', 'SQL/ours', 'Duck/ours', 'same', 'to reach';
my $differ = 0;
for my $benchmark (@benchmarks)
{
	my ($name, $unit, %bounds) = @$benchmark;
	my $m = $measured{$name} or next;
	my @to_reach;

	for my $side (grep { exists $bounds{$_} } qw(ours ratio sql duckdb))
	{
		my ($operator, $bound) = split ' ', $bounds{$side};
		my $value = $side =~ /ours|ratio/ ? $m->{$side} : $m->{$side} / $m->{ours};
		my $reached = $operator eq '<' ? $value < $bound : $operator eq '<=' ? $value <= $bound : $value >= $bound;
		push @to_reach, sprintf '%s %s: %s', { ours => $unit, ratio => "ratio $value" }->{$side} // "$side/ours", $bounds{$side},
		  $reached ? 'yes' : 'NO';
	}
	push @to_reach, "ratio $m->{ratio}" if defined $m->{ratio} && !%bounds;
	push @to_reach, map { "$_ $m->{$_}" } grep { defined $m->{$_} } qw(node curl);
	$differ ||= ($m->{same} // 'yes') ne 'yes';
	printf $format, $name, $m->{ours}, (map { $m->{$_} // '' } qw(sql duckdb)), (map { times_ours($m, $_) } qw(sql duckdb)),
	  $m->{same} // '', join '; ', @to_reach;
}
die "answers differ\n" if $differ;
