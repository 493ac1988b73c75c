# The worker goes to public addresses of the configured host and nowhere else,
# with what the settings say and no more; and no tenant touches the settings.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IO::Socket::IP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $host = start_fault_server();
my $has_ipv6 = IO::Socket::IP->new(LocalHost => '::1', Listen => 1);
my $host6 = $has_ipv6 ? start_fault_server('::1') : undef;
# where no request may ever go: a proxy that the environment names
my $trap = start_fault_server();
local $ENV{http_proxy} = $trap->{url};
local $ENV{HTTP_PROXY} = $trap->{url};
local $ENV{all_proxy} = $trap->{url};

# run_scrapes() in a session: the settings are the session's own
my $node = new_node('ssrf', url => $host->{url},
	conf => "trackagoat.database = ''\ntrackagoat.allow_private_addresses = off");
setup_database($node);
plain_failures($node);

my $number = 0;

# Fetches the profile of a new goat under these settings; answers the attempt.
sub fetch
{
	my ($behaviour, %settings) = @_;
	my $handle = 'goat' . ++$number;

	$_->answers($handle => $behaviour) for grep { defined } $host, $host6;
	return $node->safe_psql('postgres',
		join('', map { "SET trackagoat.$_ = '$settings{$_}';\n" } sort keys %settings) . <<"SQL");
CALL public.goats('farm', '$handle');
UPDATE trackagoat.scrape_job SET due_at = NULL WHERE tiktok_handle <> '$handle' OR kind <> 'creator_profile';
CALL trackagoat.run_scrapes(1);
SELECT outcome FROM trackagoat.scrape_attempt WHERE tiktok_handle = '$handle';
SQL
}

# --- addresses ---------------------------------------------------------------

is(fetch('ok', base_url => "http://$_:$host->{port}"), 'address_refused', "$_ is refused")
  for qw(127.0.0.1 localhost 127.1 2130706433 0x7f000001 0.0.0.0);
SKIP:
{
	skip 'no IPv6 on this machine', 1 unless $host6;
	is(fetch('ok', base_url => "http://$_:$host6->{port}"), 'address_refused', "$_ is refused")
	  for qw([::1] [0:0:0:0:0:0:0:1] localhost);
	is(fetch('ok', base_url => "http://$_:$host->{port}"), 'address_refused', "$_ is refused")
	  for qw([::ffff:127.0.0.1] [::ffff:7f00:1]);
	is(fetch('ok', base_url => $host6->{url}, allow_private_addresses => 'on'), 'ok', '[::1] is reached when allowed');
	is(scalar $host6->requests, 1, 'and was not before');
}
is(scalar $host->requests, 0, 'no connection was made');
is(fetch('ok', base_url => $host->{url}, allow_private_addresses => 'on'), 'ok', '127.0.0.1 is reached when allowed');
is(scalar $host->requests, 1, 'by one request');

my %public = ('8.8.8.8' => 't', '2606:4700:4700::1111' => 't',
	map { $_ => 'f' } qw(127.0.0.1 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0
	  224.0.0.1 255.255.255.255 198.18.0.1 192.0.2.1 ::1 :: fe80::1 fc00::1 fd00:ec2::254 ff02::1 ::ffff:10.0.0.1
	  ::ffff:169.254.169.254 64:ff9b::7f00:1 2002:7f00:1:: 2001:db8::1 10.0.0.0/8));
is($node->safe_psql('postgres', "SELECT trackagoat.is_public_address('$_')"), $public{$_},
	"$_ is " . ($public{$_} eq 't' ? 'public' : 'not public')) for sort keys %public;

# --- the request -------------------------------------------------------------

$node->append_conf('postgresql.conf', 'trackagoat.allow_private_addresses = on');
$node->reload;
wait_for_answer($node, 5, 'SHOW trackagoat.allow_private_addresses', 'on', 'private addresses are allowed from here on');

is(fetch('ok', user_agent => 'Goat (hay; fence)/2'), 'ok', 'a fetch with another user agent');
my $request = ($host->requests)[-1];
is($request->{headers}{'user-agent'}, 'Goat (hay; fence)/2', 'which arrives');
is($request->{headers}{referer}, 'https://www.tiktok.com/', 'the referer');
like($request->{headers}{'accept-encoding'}, qr/gzip/, 'compression');

is(fetch("redirect $trap->{url}/\@elsewhere"), 'redirected', 'a redirect to another host');
is(fetch('redirect /login?next=x'), 'login_required', 'a redirect to the login page');
is(fetch("redirect $trap->{url}/login"), 'login_required', 'the same of another host');
is(scalar $trap->requests, 0, 'no redirect was followed, and no proxy of the environment asked');
is(scalar(grep { $_->{path} =~ /login/ } $host->requests), 0, 'not even to the same host');
is(fetch('ok', proxy => $trap->{url}, base_url => 'http://goat.invalid'), 'ok', 'a proxy of the settings is asked');
is(scalar $trap->requests, 1, 'once');

is(fetch('endless', max_body => '64kB'), 'too_large', 'a body without end stops at max_body');
is(fetch('bomb 64', max_body => '1MB'), 'too_large', 'so does one that gzip has made small');
cmp_ok($node->safe_psql('postgres', 'SELECT max(body_bytes) FROM trackagoat.scrape_attempt'), '<=', 1 << 20,
	'and no more was kept');
like(fetch('flood', request_timeout => '3s'), qr/^(unreachable|too_large)$/, 'headers without end break off');
is(fetch('headers', request_timeout => '300ms'), 'timeout', 'a body that never begins');
is(fetch('drip 100', request_timeout => '500ms'), 'timeout', 'a body that drips');
is(fetch('hangup'), 'unreachable', 'a body that breaks off');

# --- the settings ------------------------------------------------------------

for my $url ('http://user@host', 'http://user:secret@host', 'http://host?query', 'http://host#part', 'http://host/',
	'ftp://host', 'file:///etc/passwd', 'gopher://host', '//host', 'host', 'http://', 'https://', 'http://ho st',
	'http://host\\evil', '')
{
	my ($status, $out, $err) = $node->psql('postgres', "SET trackagoat.base_url = '$url'");
	like($err, qr/invalid value for parameter "trackagoat.base_url"/, "base_url '$url' is refused");
}
for my $setting (qw(base_url user_agent proxy ca_file))
{
	my ($status, $out, $err) = $node->psql('postgres', qq(SET trackagoat.$setting = E'http://host\\r\\nX-Evil: 1'));
	like($err, qr/invalid value for parameter "trackagoat.$setting"/, "$setting takes no second line");
}

$node->safe_psql('postgres', 'CREATE ROLE tenant LOGIN');
my @settings = split /\n/, $node->safe_psql('postgres', q(SELECT name FROM pg_settings WHERE name LIKE 'trackagoat.%'));
cmp_ok(scalar @settings, '>=', 12, 'all settings');
for my $setting (@settings, 'trackagoat.unknown')
{
	my ($status, $out, $err) = $node->psql('postgres', "SET $setting TO DEFAULT", extra_params => [ '-U', 'tenant' ]);
	like($err, qr/permission denied|cannot be changed|invalid configuration parameter name|unrecognized configuration parameter/,
		"a tenant cannot set $setting");
}
$node->stop('fast');

done_testing();
