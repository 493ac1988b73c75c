# As many keys and organizations as shared memory has room to count: what
# becomes of those that come then.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use Test::More;
use TrackagoatTest;

my $room = 16384;
my $node = new_node('quota', conf => 'fsync = off');
setup_database($node);

sub sql { my ($query) = @_; return $node->safe_psql('postgres', "SET client_min_messages = warning; SET statement_timeout = '60s'; $query") }

# The nth key, and what comes of signing in with it.
sql(<<'SQL');
CREATE FUNCTION key_of(n integer) RETURNS text LANGUAGE sql AS $$ SELECT 'tga_' || lpad(to_hex(n), 64, '0') $$;
CREATE FUNCTION entered(n integer) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	detail text;
BEGIN
	PERFORM trackagoat.sign_in(key_of(n));
	RETURN 'accepted';
EXCEPTION WHEN SQLSTATE 'PT429' THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN detail;
END
$$;
INSERT INTO trackagoat.plan (plan, limit_key, max) VALUES ('three', 'max_api_requests_per_day', 3);
SQL

subtest 'keys in a minute' => sub {
	sql(<<"SQL");
WITH o AS (INSERT INTO trackagoat.organization (name) VALUES ('0') RETURNING id)
INSERT INTO trackagoat.api_key (org_id, name, key_hash, last_used_at)
SELECT o.id, n, sha256(key_of(n)::bytea), now() FROM o, generate_series(1, $room + 1) n;
SQL
	# all in one minute: what was begun in another one is done again
	my ($begun, $accepted, $more, $known, $seconds, $ended);
	do {
		($begun, $accepted, $more, $known, $seconds, $ended) = split /\|/, sql(<<"SQL");
SELECT date_trunc('minute', clock_timestamp()) AS begun \\gset
SELECT count(*) AS accepted FROM generate_series(1, $room) n WHERE entered(n) = 'accepted' \\gset
SELECT :'begun', :accepted, entered($room + 1), entered(1), 60 - floor(extract(second FROM clock_timestamp())), date_trunc('minute', clock_timestamp());
SQL
	} until $begun eq $ended;
	is($accepted, $room, "$room keys are counted in a minute");
	like($more, qr/^\{"max": 60, "per": "minute", "retryAfter": \d+\}$/, 'one more is refused');
	my ($wait) = $more =~ /(\d+)\}/;
	cmp_ok(abs($wait - $seconds), '<=', 1, 'until the minute is over');
	is($known, 'accepted', 'those that are counted are not');
	is(sql("SELECT pg_sleep($wait); SELECT entered($room + 1)") =~ s/^\n//r, 'accepted', 'and then may ask');
};

subtest 'organizations in a day' => sub {
	# forty organizations' keys have one id, so that they are few to count in a minute
	my $first = 100_000;
	my $last = $first + $room - 1;
	sql(<<"SQL");
INSERT INTO trackagoat.organization (name) SELECT n FROM generate_series($first, $last) n;
INSERT INTO trackagoat.api_key (id, org_id, name, key_hash, last_used_at)
SELECT lpad(to_hex(o.name::integer / 40), 32, '0')::uuid, o.id, o.name, sha256(key_of(o.name::integer)::bytea), now()
FROM trackagoat.organization o;
UPDATE trackagoat.organization SET plan = 'three' WHERE name IN ('$first', '$last');
SQL
	is(sql("SELECT count(*) FROM generate_series($first, $last - 1) n WHERE entered(n) = 'accepted'"), $room - 1,
		"$room organizations are counted in a day, with that of the keys before");
	my $usage = "SELECT coalesce(sum(u.requests), 0) FROM trackagoat.organization o JOIN trackagoat.api_usage u ON u.org_id = o.id WHERE o.name";
	is(sql("$usage <> '0'"), 0, 'and nothing written down for each of their requests');
	my @asked = map { sql("SELECT entered($last)") } 1 .. 4;
	is_deeply([ @asked[0 .. 2] ], [ ('accepted') x 3 ], 'another organization asks as often as its plan allows');
	like($asked[3], qr/^\{"max": 3, "per": "day"/, 'and then no more');
	is(sql("$usage = '$last'"), 3, 'as each request of it is written down');
	is(sql("SELECT entered($first)"), 'accepted', 'one that is counted goes on');
	is(sql("$usage = '$first'"), 0, 'without');
};

done_testing();
