# What a host can do wrong, case by case: each has its outcome, changes no number
# that it must not change, and leaves the worker alive and no larger.  The host
# is the scripted server: plain, and behind nginx by TLS, HTTP/1.1 and HTTP/2.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IO::Socket::IP;
use JSON::PP ();
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $pages = source_dir() . '/test/fixtures/pages';
my $host = start_fault_server();
my $has_ipv6 = IO::Socket::IP->new(LocalHost => '::1', Listen => 1);
# where no request may ever go
my $trap = start_fault_server();
my $trap6 = $has_ipv6 ? start_fault_server('::1') : $trap;

# --- the cases ---------------------------------------------------------------

# Name, what is asked for, what the server answers (fault_server.pl), outcome and
# HTTP status (of each attempt, if there are more); and where they matter: what is
# noted of it (detail), what becomes of it behind nginx (tls; '' where that differs
# by its version), the numbers afterwards, and the seconds that it waits.
my $in_two_hours = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + 7200));
my $two_more = '100 20 300 4 t, 3 videos 300 21 9 6 3';
my @cases = (
	# it is well
	[ fine => 'profile', 'ok', 'ok 200' ],
	[ fine_list => 'list', 'ok 15', 'ok 200', numbers => '100 20 300 4 t, 16 videos 1600 112 48 32 16' ],
	[ fine_video => 'video', 'ok', 'ok 200' ],

	# it breaks off
	[ nothing => 'profile', 'nothing', 'unreachable -', detail => qr/empty reply/i, tls => 'server_error 502' ],
	[ hangup => 'profile', 'hangup', 'unreachable 200' ],
	[ hangup_list => 'list', 'hangup', 'unreachable 200' ],
	[ reset => 'profile', 'reset', 'unreachable 200' ],
	[ reset_video => 'video', 'reset', 'unreachable 200' ],
	[ length_too_long => 'profile', 'length 99999', 'unreachable 200' ],
	[ length_too_short => 'profile', 'length 300', 'unreadable 200' ],
	[ length_too_short_list => 'list', 'length 20', 'unreadable 200' ],
	[ length_of_words => 'profile', 'length goat', 'unreachable 200', tls => '' ],
	[ length_negative => 'profile', 'length -1', 'unreachable 200', tls => '' ],

	# it takes its time
	[ silent => 'profile', 'slow 600', 'timeout -' ],
	[ slow_headers => 'profile', 'drip 1000 1', 'timeout -' ],
	[ headers_only => 'list', 'headers', 'timeout 200' ],
	[ byte_a_second => 'profile', 'crawl 1000', 'timeout 200' ],
	[ byte_a_second_list => 'list', 'crawl 1000', 'timeout 200' ],
	[ slow_but_whole => 'profile', 'drip 20 64', 'ok 200' ],

	# it says too much
	[ endless => 'profile', 'endless', 'too_large 200' ],
	[ endless_list => 'list', 'endless', 'too_large 200' ],
	[ headers_endless => 'profile', 'flood', 'unreachable 200', tls => 'server_error 502' ],
	[ over_max_body => 'profile', 'pad 256', 'too_large 200' ],
	[ under_max_body => 'profile', 'pad 250', 'ok 200' ],
	[ bomb => 'profile', 'bomb 16', 'too_large 200' ],
	[ bomb_list => 'list', 'bomb 16', 'too_large 200' ],

	# it sends us elsewhere
	[ loop => 'profile', 'redirect /@loop', 'redirected 302', detail => qr{/\@loop$} ],
	[ loop_permanent => 'profile', 'redirect /@loop_permanent 308', 'redirected 308' ],
	[ other_host => 'profile', "redirect $trap->{url}/\@other_host", 'redirected 302', detail => qr/^\Q$trap->{url}\E/ ],
	[ other_host_301 => 'profile', "redirect $trap->{url}/\@x 301", 'redirected 301' ],
	[ other_host_307 => 'list', "redirect $trap->{url}/\@x 307", 'redirected 307' ],
	[ other_host_short => 'video', "redirect //127.0.0.1:$trap->{port}/", 'redirected 302' ],
	[ to_a_file => 'profile', 'redirect file:///etc/passwd', 'redirected 302', detail => qr{^file:///etc/passwd$} ],
	[ to_a_file_list => 'list', 'redirect file:///etc/passwd', 'redirected 302' ],
	[ to_gopher => 'profile', "redirect gopher://127.0.0.1:$trap->{port}/", 'redirected 302' ],
	[ to_nowhere => 'profile', 'status 302', 'redirected 302' ],
	(map { [ "to_loopback$_->[0]" => 'profile', "redirect http://$_->[1]:$trap->{port}/", 'redirected 302' ] }
		[ 1, '127.0.0.1' ], [ 2, 'localhost' ], [ 3, '127.1' ], [ 4, '2130706433' ], [ 5, '0x7f.1' ], [ 6, '0177.0.0.1' ],
		[ 7, '0.0.0.0' ], [ 8, '[::ffff:127.0.0.1]' ], [ 9, '[::ffff:7f00:1]' ]),
	[ to_loopback10 => 'profile', "redirect http://[::1]:$trap6->{port}/", 'redirected 302' ],
	(map { [ "to_metadata$_->[0]" => 'profile', "redirect http://$_->[1]/latest/meta-data/", 'redirected 302' ] }
		[ 1, '169.254.169.254' ], [ 2, '2852039166' ], [ 3, '0xa9fea9fe' ], [ 4, '[::ffff:169.254.169.254]' ], [ 5, '[fd00:ec2::254]' ]),
	[ to_login => 'profile', 'redirect /login', 'login_required 302' ],

	# it refuses
	[ forbidden => 'profile', 'status 403', 'blocked 403' ],
	[ forbidden_list => 'list', 'status 403', 'blocked 403' ],
	[ forbidden_page => 'video', "file $pages/blocked/access_denied.html 403", 'blocked 403' ],
	[ maintenance => 'profile', "file $pages/blocked/maintenance.html", 'blocked 200' ],
	[ limited => 'profile', 'limited', 'rate_limited 429' ],
	[ limited_seconds => 'profile', 'limited 7200', 'rate_limited 429', wait => 7200 ],
	[ limited_date => 'list', "limited $in_two_hours", 'rate_limited 429', wait => 7000 ],
	[ empty => 'profile', 'empty', 'refused_empty 200' ],
	[ empty_list => 'list', 'empty', 'refused_empty 200' ],
	[ empty_video => 'video', 'empty', 'refused_empty 200' ],
	[ captcha => 'profile', "file $pages/captcha/captcha.html", 'captcha 200' ],
	[ captcha_forbidden => 'profile', "file $pages/captcha/captcha.html 403", 'captcha 403' ],
	[ captcha_list => 'list', "file $pages/captcha/api_verify.json", 'captcha 200' ],
	[ captcha_video => 'video', "file $pages/captcha/captcha.html", 'captcha 200' ],
	[ challenge => 'profile', "file $pages/challenged/challenge.html", 'challenged 200' ],
	[ challenge_forbidden => 'profile', "file $pages/challenged/challenge.html 403", 'challenged 403' ],
	[ challenge_list => 'list', "file $pages/challenged/challenge.html", 'challenged 200' ],
	[ challenge_video => 'video', "file $pages/challenged/challenge.html", 'challenged 200' ],
	[ gone_for_now => 'profile', 'status 404', 'not_found 404' ],

	# it fails, and a whole herd with it
	(map { [ "failing$_" => 'profile', "status $_", "server_error $_" ] } 500, 502, 503, 504, 520),
	[ failing_list => 'list', 'status 503', 'server_error 503' ],
	[ failing_video => 'video', 'status 500', 'server_error 500' ],
	[ failing_with_captcha => 'profile', "file $pages/captcha/captcha.html 503", 'captcha 503' ],
	(map { [ "storm$_" => 'profile', 'status 503', 'server_error 503' ] } 1 .. 20),

	# it talks nonsense
	[ cut => 'profile', 'cut', 'unreadable 200' ],
	[ cut_list => 'list', 'cut', 'unreadable 200' ],
	[ cut_video => 'video', 'cut', 'unreadable 200' ],
	[ garbage => 'profile', 'garbage', 'unreadable 200' ],
	[ garbage_list => 'list', 'garbage', 'unreadable 200' ],
	[ too_deep => 'list', "file $pages/unreadable/too_deep.json", 'unreadable 200' ],
	[ shell => 'profile', "file $pages/shell/shell.html", 'shell 200' ],
	[ type_of_user => 'profile', 'set user []', 'unreadable 200' ],
	[ type_of_id => 'profile', 'set id {"id":"7"}', 'unreadable 200' ],
	[ type_of_handle => 'profile', 'set uniqueId 7', 'unreadable 200' ],
	[ type_of_info => 'profile', 'set userInfo "goat"', 'unreadable 200' ],
	[ type_of_stats => 'profile', 'set statsV2 "goat"', 'ok 200' ],
	[ type_of_count1 => 'profile', 'set followerCount "many"', 'ok 200' ],
	[ type_of_count2 => 'profile', 'set followerCount []', 'ok 200' ],
	[ type_of_count3 => 'profile', 'set followerCount {"count":5}', 'ok 200' ],
	[ type_of_count4 => 'profile', 'set followerCount true', 'ok 200' ],
	[ type_of_count5 => 'profile', 'set followerCount null', 'ok 200' ],
	[ type_of_count6 => 'profile', 'set followerCount 1.5', 'ok 200' ],
	[ type_of_count7 => 'profile', 'set followerCount -5', 'ok 200' ],
	[ type_of_count8 => 'profile', 'set followerCount ""', 'ok 200' ],
	[ type_of_secuid => 'profile', 'set secUid 7', 'ok 200' ],
	[ type_of_items => 'list', 'set itemList "goat"', 'ok 200' ],
	[ type_of_item => 'list', 'set itemList [1,"goat",null,[],{}]', 'ok 200' ],
	[ type_of_item_id => 'list', 'set id []', 'ok 200' ],
	[ type_of_time => 'list', 'set createTime "soon"', 'ok 200', numbers => $two_more ],
	[ type_of_views => 'video', 'set playCount "many"', 'ok 200' ],
	[ type_of_video => 'video', 'set itemStruct 7', 'unreadable 200' ],

	# counters past int8
	[ past_int8 => 'profile', 'set followerCount "9223372036854775808"', 'ok 200' ],
	[ past_int8_number => 'profile', 'set followerCount 9223372036854775808', 'ok 200' ],
	[ past_int8_far => 'profile', 'set followerCount ' . '9' x 400, 'ok 200' ],
	[ past_int8_float => 'profile', 'set followerCount 1e400', 'ok 200' ],
	[ past_int8_id => 'profile', 'set id "9223372036854775808"', 'unreadable 200' ],
	[ past_int8_views => 'video', 'set playCount "9223372036854775808"', 'ok 200' ],
	[ past_int8_video => 'video', 'set id "99999999999999999999"', 'unreadable 200' ],
	(map { [ "int8_views$_" => 'video', 'set playCount "9223372036854775807"', 'ok 200',
		numbers => '100 20 300 4 t, 1 videos 9223372036854775807 7 3 2 1' ] } 1, 2),

	# it answers for another
	[ wrong => 'profile', 'wrong', 'unreadable 200', detail => qr/another account/ ],
	[ wrong_list => 'list', 'wrong', 'unreadable 200', detail => qr/another account/ ],
	[ wrong_video => 'video', 'wrong', 'unreadable 200', detail => qr/another account/ ],
	[ wrong_kind => 'profile', "file $pages/ok/item_list.json", 'unreadable 200', detail => qr/another account/ ],
	[ stranger => 'profile', 'stranger', 'account_changed 200' ],
	[ stranger_list => 'list', 'stranger', 'account_changed 200' ],

	# lists that do not end
	[ repeated => 'list', 'set hasMorePrevious true', 'ok 200, repeated_page 200', numbers => $two_more ],
);
my %kind = (profile => 'creator_profile', list => 'discover_videos', video => 'video_stats');
my $unchanged = '100 20 300 4 t, 1 videos 100 7 3 2 1';

# --- doors that are open, and doors that are not ----------------------------------

# A certificate of the test's own authority, and others that are none of 127.0.0.1's.
my $certificates = make_certificates();
my %port = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } qw(http11 http2 tls expired early self_signed elsewhere refused);
my $nginx = start_nginx('', nginx_conf());

# Name, base URL, the cases that go through it, and settings.
my @long_list = ([ long_list => 'list', 'ok 10000', 'ok 200', numbers => '100 20 300 4 t, 1001 videos 100100 7007 3003 2002 1001' ]);
my @long_door = ([ 'long lists' => $host->{url}, \@long_list, max_body => '4MB' ]);
my @doors = (
	[ 'plain' => $host->{url}, \@cases ],
	[ 'HTTP/1.1 over TLS' => "https://127.0.0.1:$port{http11}", \@cases ],
	[ 'HTTP/2 over TLS' => "https://127.0.0.1:$port{http2}", \@cases ],
	[ 'connection refused' => "http://127.0.0.1:$port{refused}", closed('unreachable -', qr/refused|failed to connect|could not connect/i) ],
	[ 'DNS failure' => 'http://goat.invalid', closed('unreachable -', qr/resolve/i) ],
	[ 'expired certificate' => "https://127.0.0.1:$port{expired}", closed('tls_failed -', qr/expired/) ],
	[ 'certificate of the future' => "https://127.0.0.1:$port{early}", closed('tls_failed -', qr/not yet valid/) ],
	[ 'self-signed certificate' => "https://127.0.0.1:$port{self_signed}", closed('tls_failed -', qr/self.signed/) ],
	[ 'certificate of another name' => "https://127.0.0.1:$port{elsewhere}", closed('tls_failed -', qr/subject name/) ],
	[ 'authority unknown' => "https://127.0.0.1:$port{http2}", closed('tls_failed -', qr/certificate/), ca_file => '' ],
	[ 'no file of authorities' => "https://127.0.0.1:$port{http2}", closed('tls_failed -'), ca_file => '/nowhere/ca.pem' ],
	[ 'TLS where there is none' => "https://127.0.0.1:$host->{port}", closed('timeout -') ],
	# by a port of its own: some versions of libcurl would take a connection to it that is open
	[ 'none where there is TLS' => "http://127.0.0.1:$port{tls}", closed('unreadable 400') ],
);

# Before a closed door nobody is heard, whatever is asked for.
sub closed
{
	my ($outcome, $detail) = @_;
	return [ map { [ "shut_out_$_" => $_, 'ok 666', $outcome, unheard => 1, $detail ? (detail => $detail) : () ] } qw(profile list video) ];
}

sub make_certificates
{
	my $dir = PostgreSQL::Test::Utils::tempdir('certificates');
	my @key = qw(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes);
	my $openssl = sub
	{
		my $log = "$dir/openssl.log";
		system(join ' ', 'openssl', (map { "'$_'" } @_), ">>$log 2>&1") == 0 or die "openssl @_:\n" . read_file($log);
	};

	write_file("$dir/openssl.conf", <<"CONF");
[req]
distinguished_name = subject
[subject]
[ca]
default_ca = goats
[goats]
database = $dir/index
new_certs_dir = $dir
rand_serial = yes
default_md = sha256
policy = policy
unique_subject = no
certificate = $dir/ca.pem
private_key = $dir/ca.key
[policy]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = keyCertSign
[here]
subjectAltName = IP:127.0.0.1
[elsewhere]
subjectAltName = DNS:goat.example, IP:127.0.0.2
CONF
	write_file("$dir/index", '');
	$openssl->(qw(req -x509), @key, '-config', "$dir/openssl.conf", qw(-extensions authority -days 30 -subj), '/CN=Goat authority',
		'-keyout', "$dir/ca.key", '-out', "$dir/ca.pem");
	$openssl->(qw(req -x509), @key, '-config', "$dir/openssl.conf", qw(-extensions here -days 30 -subj), '/CN=127.0.0.1',
		'-keyout', "$dir/self_signed.key", '-out', "$dir/self_signed.pem");
	for ([ 'good', 'here', -1, 30 ], [ 'expired', 'here', -30, -1 ], [ 'early', 'here', 10, 30 ], [ 'elsewhere', 'elsewhere', -1, 30 ])
	{
		my ($name, $extensions, @days) = @$_;
		my ($from, $until) = map { strftime('%Y%m%d%H%M%SZ', gmtime(time + $_ * 86400)) } @days;
		$openssl->('req', '-new', @key, '-config', "$dir/openssl.conf", '-subj', "/CN=$extensions",
			'-keyout', "$dir/$name.key", '-out', "$dir/$name.csr");
		$openssl->(qw(ca -batch -config), "$dir/openssl.conf", '-extensions', $extensions, '-startdate', $from, '-enddate', $until,
			'-in', "$dir/$name.csr", '-out', "$dir/$name.pem", '-notext');
	}
	return $dir;
}

sub nginx_conf
{
	my $servers = join '', map {
		my ($name, $certificate, $http2) = @$_;
		<<"CONF"
	server {
		listen 127.0.0.1:$port{$name} ssl$http2;
		ssl_certificate $certificates/$certificate.pem;
		ssl_certificate_key $certificates/$certificate.key;
		location / { proxy_pass $host->{url}; }
	}
CONF
	} [ 'http11', 'good', '' ], [ 'http2', 'good', ' http2' ], [ 'tls', 'good', '' ], map { [ $_, $_, ' http2' ] } qw(expired early self_signed elsewhere);

	return <<"CONF" . $servers . "}\n";
daemon on;
pid \@RUN\@/nginx.pid;
error_log \@RUN\@/error.log;
worker_processes 1;
events { worker_connections 512; }
http {
	log_format spoken '\$server_port \$server_protocol \$status';
	access_log \@RUN\@/access.log spoken;
	client_body_temp_path \@RUN\@/client_body;
	proxy_temp_path \@RUN\@/proxy;
	fastcgi_temp_path \@RUN\@/fastcgi;
	uwsgi_temp_path \@RUN\@/uwsgi;
	scgi_temp_path \@RUN\@/scgi;
	# some requests find that the connection they were to reuse has just ended
	keepalive_timeout 1s;
	proxy_http_version 1.1;
	proxy_buffering off;
	proxy_redirect off;
CONF
}

# --- the worker and its goats ------------------------------------------------------

my $node = new_node('faults', url => $host->{url}, conf => <<"CONF");
trackagoat.max_parallel = 24
trackagoat.requests_per_minute = 60000
trackagoat.max_body = 256kB
trackagoat.request_timeout = 3s
trackagoat.ca_file = '$certificates/ca.pem'
CONF
setup_database($node);

my $session = $node->background_psql('postgres');

sub sql { return $session->query_safe(@_) }

# Waits until the query answers so, and is a test of that.
sub wait_for
{
	my ($seconds, $query, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $answer;

	wait_until($seconds, sub { ($answer = sql($query)) eq $expected });
	return is($answer, $expected, $name);
}

# Every case has a creator and a video of its own.
my @goats = map { $_->[0] } @cases, @long_list, @{ closed('') };
my %video_of = map { $goats[$_] => 7200000000000000001 + $_ } 0 .. $#goats;

sub target { my ($case) = @_; return $case->[1] eq 'video' ? $video_of{ $case->[0] } : $case->[0] }
sub asked_as { my ($case) = @_; return $case->[1] eq 'list' ? "list:$case->[0]" : target($case) }

sub configure
{
	my (%settings) = @_;
	sql("ALTER SYSTEM SET trackagoat.$_ = '$settings{$_}'") for sort keys %settings;
	sql('SELECT pg_reload_conf()');
	return;
}

# Has the jobs of the cases done through a door, at once and once.  The worker
# shows that it has seen the settings: first it is disabled by them.
sub fetch
{
	my ($name, $url, $cases, %settings) = @_;
	my @targets = map { sprintf q(('%s'::trackagoat.scrape_kind, '%s')), $kind{ $_->[1] }, target($_) } @$cases;

	configure(enabled => 'off', base_url => $url, max_body => '256kB', ca_file => "$certificates/ca.pem", %settings);
	wait_for(10, 'SELECT state FROM trackagoat.worker_status()', 'disabled', "$name: the door is chosen");
	$host->answers(map { (asked_as($_) => $_->[2]) } @$cases);
	sql(sprintf q(UPDATE trackagoat.scrape_job SET due_at = now(), list_cursor = NULL, list_started_at = NULL, list_empty_pages = 0
		WHERE (kind, coalesce(tiktok_handle::text, tiktok_video_id::text)) IN (%s)), join ', ', @targets);
	configure(enabled => 'on');
	return wait_for(40, q(SELECT count(*) FROM trackagoat.scrape_job WHERE leased_until IS NOT NULL
		OR (due_at <= now() AND (kind <> 'discover_videos' OR sec_uid IS NOT NULL))), '0', "$name: all have been asked for");
}

# Of every goat: the numbers, and when they were last observed.
sub numbers
{
	return map { my ($goat, @rest) = split /\|/; ($goat => \@rest) } split /\n/, sql(q(
		SELECT c.tiktok_handle, concat_ws(' ', c.follower_count, c.following_count, c.total_likes_count, c.video_count, c.is_active)
			|| format(', %s videos ', count(*)) || concat_ws(' ', sum(v.view_count), sum(v.like_count), sum(v.comment_count),
				sum(v.share_count), sum(v.save_count)),
			greatest(c.last_observed_at, max(v.last_observed_at))
		FROM trackagoat.creator c JOIN trackagoat.video v ON v.creator_id = c.id AND v.org_id = c.org_id
		GROUP BY c.id, c.org_id));
}

# The attempts after this one, of every target.
sub attempts_after
{
	my ($last) = @_;
	return %{ JSON::PP::decode_json(sql(qq(
		SELECT jsonb_object_agg(target, attempts) FROM (
			SELECT concat_ws(' ', a.kind, a.tiktok_handle, a.tiktok_video_id) AS target,
				jsonb_agg(to_jsonb(a) || jsonb_build_object('wait', extract(epoch FROM a.next_attempt_at - a.finished_at)) ORDER BY a.id) AS attempts
			FROM trackagoat.scrape_attempt a WHERE a.id > $last GROUP BY 1) t))) };
}

# What the worker's process has for itself: sockets and the like, as files of the
# database come and go, and memory in kilobytes.
sub size_of
{
	my ($pid) = @_;
	my @descriptors = grep { (readlink // '/') !~ m{^/} } glob "/proc/$pid/fd/*";
	return (scalar @descriptors, read_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m);
}

plain_failures($node);
sql(q(INSERT INTO trackagoat.organization (name) VALUES ('herd');
	INSERT INTO trackagoat.project (org_id, name) SELECT id, name FROM trackagoat.organization));
sql(sprintf q(INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_start_date)
	SELECT p.id, h::trackagoat.handle, '2015-01-01' FROM trackagoat.project p, unnest('{%s}'::text[]) h), join ',', @goats);
sql(sprintf q(INSERT INTO trackagoat.video (creator_id, tiktok_video_id)
	SELECT c.id, g.video FROM (VALUES %s) g (goat, video) JOIN trackagoat.creator c ON c.tiktok_handle = g.goat::trackagoat.handle),
	join ', ', map { "('$_', $video_of{$_})" } @goats);
wait_for(60, q(SELECT count(*) FROM trackagoat.scrape_job WHERE last_success_at IS NULL), '0', 'good pages first');
is_deeply({ map { $_->[0] => 1 } values %{ { numbers() } } }, { $unchanged => 1 }, 'every goat has the same numbers');

# --- round and round ---------------------------------------------------------------

my $worker = worker_pid($node);
my @sizes;
# the largest answers first, as the heap does not shrink after them
for my $round (0, 1, 2)
{
	for my $door ($round ? @doors : (@long_door) x 2)
	{
		my ($name, $url, $cases) = @$door;
		my $tls = $name =~ /over TLS/;
		my @cases = grep { my (undef, undef, undef, undef, %also) = @$_; !$tls || ($also{tls} // 1) } @$cases;
		my $last = sql('SELECT coalesce(max(id), 0) FROM trackagoat.scrape_attempt');
		my $asked = $host->requests;
		my %before = numbers();
		my $seconds = seconds_of(sub { fetch($name, $url, \@cases, @$door[ 3 .. $#$door ]) });
		my %after = numbers();
		my %attempts = attempts_after($last);
		my %requests;

		note sprintf '%s, round %d: %d cases in %.1f s', $name, $round, scalar @cases, $seconds;
		$requests{ $_->{name} }++ for splice @{ [ $host->requests ] }, $asked;
		check("round $round, $name", $_, $tls, $requests{ asked_as($_) } // 0, $before{ $_->[0] }, $after{ $_->[0] },
			$attempts{ "$kind{ $_->[1] } " . target($_) }) for @cases;
		is(worker_pid($node), $worker, "round $round, $name: the worker lives");
	}
	push @sizes, [ size_of($worker) ] if $round;
}

# How one case went, in a line: its first attempts, the numbers, whether they were
# observed, and how often the host was asked.
sub check
{
	my ($where, $case, $tls, $requests, $before, $after, $attempts) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($name, $what, $behaviour, $outcome, %also) = @$case;
	$outcome = $also{tls} if $tls && $also{tls};
	my $count = split /, /, $outcome;
	my @first = grep { defined } @{ $attempts // [] }[ 0 .. $count - 1 ];
	my $got = join ', ', map { join ' ', $_->{outcome} // 'open', $_->{http_status} // '-' } @first;
	my $seen = $outcome !~ /^ok/ && $after->[1] ne $before->[1] ? 'observed' : '-';

	# what breaks off over HTTP/2 may take the status with it
	s/^(unreachable|timeout) (200|-)$/$1/ for $tls ? ($got, $outcome) : ();
	is("$got; $after->[0]; $seen; $requests", sprintf('%s; %s; -; %d', $outcome, $also{numbers} // $unchanged, $also{unheard} ? 0 : $count),
		"$where: $name: $outcome");
	like($first[-1]{detail} // '', $also{detail}, "$where: $name: what is noted") if $also{detail} && $got !~ /^server_error/;
	cmp_ok($first[-1]{wait}, '>=', $also{wait}, "$where: $name: it waits") if $also{wait};
	return;
}

# --- afterwards --------------------------------------------------------------------

is(scalar $_->requests, 0, 'no redirect was followed') for $trap, $trap6;
# what is kept open comes and goes; a leak would be of each case
cmp_ok($sizes[1][0] - $sizes[0][0], '<', 20, "open after each round: $sizes[0][0], $sizes[1][0]");
cmp_ok($sizes[1][1] - $sizes[0][1], '<', 3000, "kilobytes after each round: $sizes[0][1], $sizes[1][1]");
my %spoken;
$spoken{ $_->[0] }{ $_->[1] }++ for map { [split] } split /\n/, read_file("$nginx->{run}/access.log");
is_deeply([ sort keys %{ $spoken{ $port{http11} } } ], ['HTTP/1.1'], "HTTP/1.1 was spoken: $spoken{ $port{http11} }{'HTTP/1.1'} requests");
cmp_ok($spoken{ $port{http2} }{'HTTP/2.0'}, '>', @cases, "HTTP/2 was spoken: $spoken{ $port{http2} }{'HTTP/2.0'} requests");
is($spoken{ $port{$_} }, undef, "nobody was told anything behind a certificate that is wrong: $_") for qw(expired early self_signed elsewhere);
unlike(read_file($node->logfile), qr/could not (?:store|finish|fold)|terminated by|PANIC|FATAL/, 'the log knows of no trouble');
is(sql('SELECT count(*) FROM trackagoat.verify()'), '0', 'histories and totals are in order');
fetch('good pages again', $host->{url}, [ map { [ $_ => 'profile', 'ok 101' ] } @goats[ 0 .. 19 ] ]);
is(sql(q(SELECT count(*) FROM trackagoat.creator WHERE follower_count = 101 AND is_active)), '20', 'which are read and stored as ever');

# --- a challenge has the host left alone --------------------------------------------

sql(q(UPDATE trackagoat.scrape_outcome SET host_pause = '1 hour' WHERE outcome = 'challenged'));
fetch('a challenge', $host->{url}, [ grep { $_->[0] eq 'challenge' } @cases ]);
wait_for(5, q(SELECT state, paused_until > now() + '55 minutes' FROM trackagoat.worker_status()), 'paused|t', 'a challenge has the host left alone');
my $asked = $host->requests;
$host->answers(fine => 'ok 102');
my $now = sql(q(UPDATE trackagoat.scrape_job SET due_at = now() WHERE tiktok_handle = 'fine' AND kind = 'creator_profile' RETURNING clock_timestamp()));
sql('SELECT pg_reload_conf()');
wait_for(5, "SELECT active_at > '$now' FROM trackagoat.worker_status()", 't', 'what is due then is seen');
is($host->requests, $asked, 'and not asked for');

$session->quit;
$node->stop('fast');

done_testing();
