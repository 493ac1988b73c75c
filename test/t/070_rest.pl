# The v1 API over HTTP, as docs/rest/ says to run it: nginx with the nginx.conf
# there, PostgREST with the postgrest.conf there, curl.  Where no PostgREST 12 or
# newer is on the path or in POSTGREST, test/rest/standin.pl is in its place.
use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use TrackagoatTest;

my $json = JSON::PP->new->utf8->canonical;
my $dir = PostgreSQL::Test::Utils::tempdir('rest');
my $secret = 'goats-eat-everything-but-not-this-secret';
my $node = new_node('rest', conf => "max_connections = 60\n");
setup_database($node);
$node->safe_psql('postgres', q{CREATE ROLE authenticator LOGIN NOINHERIT; SELECT trackagoat.setup_api('authenticator')});

# ---- the servers ----

# The PostgREST that is here, if it is new enough.
sub find_postgrest
{
	for my $path ($ENV{POSTGREST} // (), map { "$_/postgrest" } split /:/, $ENV{PATH})
	{
		next unless -x $path;
		my $version = `'$path' --version` =~ /PostgREST (\d+)/ ? $1 : 0;
		return $path if $version >= 12;
	}
	return undef;
}

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $conf = read_file(source_dir() . '/docs/rest/postgrest.conf');
my $host = $node->host;
$conf =~ s{^db-uri.*$}{sprintf 'db-uri = "postgres://authenticator@/postgres?host=%s&port=%s"', $host =~ s#/#%2F#gr, $node->port}me;
$conf =~ s/^server-port.*$/server-port = $port/m;
$conf =~ s/^#jwt-secret.*$/jwt-secret = "$secret"/m;
write_file("$dir/postgrest.conf", $conf);

my $postgrest = find_postgrest();
my @rest = $postgrest ? ($postgrest, "$dir/postgrest.conf") : ($^X, source_dir() . '/test/rest/standin.pl', "$dir/postgrest.conf");
diag $postgrest ? "with $postgrest" : 'with a stand-in, as no PostgREST 12 or newer is here';
my $rest;

my $server = read_file(source_dir() . '/docs/rest/nginx.conf');
$server =~ s/127\.0\.0\.1:3000/127.0.0.1:$port/;
$server =~ s/127\.0\.0\.1:8080/127.0.0.1:\@PORT\@/;
my $nginx = start_nginx('', read_file(source_dir() . '/test/rest/nginx.conf.in') =~ s/\n\t\@SERVER\@/\n$server/r);

# ---- asking ----

sub curl
{
	my (@arguments) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'curl', '-sS', '-q', '--noproxy', '*', '--max-time', '30', @arguments ], '<', \undef, '>', \$out, '2>', \$err);
	return $out . $err;
}

# A request; the answer as {status, headers, body}, with what the JSON of the body
# says: rows, or data, error and meta, or code and message.
sub request
{
	my ($method, $path, %given) = @_;
	my @arguments = $method eq 'HEAD' ? ('-I') : ('-X', $method);
	push @arguments, '-H', "Authorization: Bearer $given{key}" if $given{key};
	push @arguments, map { ('-H', $_) } @{ $given{headers} // [] };
	if (defined $given{body})
	{
		write_file("$dir/body", $given{body});
		push @arguments, '--data-binary', "\@$dir/body", '-H', 'Content-Type: ' . ($given{type} // 'application/json');
	}
	$path = "/api/v1$path" unless $path =~ m{^/rest/};
	my $text = curl('-i', '--path-as-is', '-H', 'Expect:', @arguments, "$nginx->{url}$path");
	my ($head, $body) = split /\r\n\r\n/, $text, 2;
	my ($status) = ($head // '') =~ m{^HTTP/1\.1 (\d+)};
	my %headers = map { /^([^:]+): (.*?)\r?$/ ? (lc $1 => $2) : () } split /\n/, $head // '';
	my $answer = eval { $json->decode($body) };
	return { status => $status // $text, headers => \%headers, body => $body, rows => $answer,
		ref $answer eq 'HASH' ? map { $_ => $answer->{$_} } qw(data error meta code message) : () };
}

# A test that a request is refused so, in the envelope.
sub refused
{
	my ($answer, $status, $code, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply([ @$answer{qw(status data error)}, $answer->{meta}{code}, $answer->{headers}{'content-type'} ],
		[ $status, undef, $code, $code, 'application/json; charset=utf-8' ], $name)
	  or diag($answer->{body});
	return $answer;
}

# A request that is right, and its data.
sub data_of
{
	my ($status, @request) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $answer = request(@request);
	is("$answer->{status} " . ($answer->{error} // ''), "$status ", "$request[0] $request[1]" =~ s/[0-9a-f-]{36}/{id}/gr) or diag($answer->{body});
	return $answer->{data};
}

# The same of a list.
sub rows_of { local $Test::Builder::Level = $Test::Builder::Level + 1; return data_of(@_) // [] }

sub token
{
	my ($claims, $signed_with) = @_;
	my $text = join '.', map { encode_base64url($json->encode($_)) } { alg => 'HS256', typ => 'JWT' }, { exp => time + 300, %$claims };
	return $text . '.' . encode_base64url(hmac_sha256($text, $signed_with // $secret));
}

sub start_rest
{
	$rest = start_program("$dir/postgrest.log", @rest);
	ok(wait_until(20, sub { request('GET', '/projects')->{status} eq '401' }), 'PostgREST answers through nginx') or diag(read_file("$dir/postgrest.log"));
}

my ($a, $b) = map { $node->safe_psql('postgres', "INSERT INTO trackagoat.organization (name) VALUES ('$_') RETURNING id") } qw(Alpine Border);
# a key each test, as sixty requests a minute are all that one may make
sub new_key
{
	my ($org, $scopes) = @_;
	return $node->safe_psql('postgres', sprintf q(SELECT trackagoat.create_api_key('%s', 'test', '%s')), $org, $scopes // '{read,write}');
}

refused(request('GET', '/projects'), 503, 'unavailable', 'without PostgREST: 503');
start_rest();

# ---- what the product does ----

my ($project, $creator);
subtest 'projects and creators' => sub {
	my ($mine, $theirs) = (new_key($a), new_key($b));
	$project = data_of(201, 'POST', '/projects', key => $mine, body => '{"name": "Summer \u00fc", "description": null}');
	my $answer = request('GET', '/projects', key => $mine);
	is($answer->{headers}{'content-range'}, undef, 'PostgREST\'s ranges are not shown');
	is($project->{name}, "Summer \xfc", 'a text comes back as it was');
	is(data_of(200, 'PATCH', "/projects/$project->{id}", key => $mine, body => '{"description": "Zäune"}')->{description}, "Z\xe4une", 'UTF-8, too');
	is_deeply(data_of(200, 'GET', '/projects', key => $mine), [ data_of(200, 'GET', "/projects/$project->{id}", key => $mine) ], 'it is the one in the list');
	$creator = data_of(201, 'POST', "/projects/$project->{id}/creators", key => $mine, body => '{"tiktok_handle": "@heidi.goat"}');
	is($creator->{tiktok_handle}, 'heidi.goat', 'a creator');
	refused(request('POST', "/projects/$project->{id}/creators", key => $mine, body => '{"tiktok_handle": "HEIDI.goat"}'), 409, 'handle_taken', 'twice: 409');
	refused(request('POST', "/projects/$project->{id}/creators", key => $mine, body => '{"tiktok_handle": "hei di"}'), 409, 'invalid_handle', 'no handle: 409');
	is(data_of(200, 'GET', '/creators?search=heidi&limit=1', key => $mine)->[0]{id}, $creator->{id}, 'search and limit reach SQL');
	is_deeply(data_of(200, 'GET', '/creators?search=eq.heidi', key => $mine), [], 'a text that looks like a filter of PostgREST is a text');
	is(data_of(200, 'PATCH', "/creators/$creator->{id}", key => $mine, body => '{"readme": "*hi*"}')->{description}, '*hi*', 'notes');

	is_deeply(data_of(200, 'GET', '/projects', key => $theirs), [], 'another organization has none');
	refused(request($_->[0], $_->[1], key => $theirs, $_->[2] ? (body => $_->[2]) : ()), 404, $_->[3], "another organization: $_->[0] 404")
	  for [ 'GET', "/projects/$project->{id}", undef, 'project_not_found' ], [ 'PATCH', "/projects/$project->{id}", '{"name": "x"}', 'project_not_found' ],
	  [ 'DELETE', "/creators/$creator->{id}", undef, 'creator_not_found' ], [ 'GET', "/creators?project_id=$project->{id}", undef, 'project_not_found' ];
	is(data_of(200, 'GET', "/creators/$creator->{id}", key => $mine)->{readme}, '*hi*', 'nothing has changed');

	my $doomed = data_of(201, 'POST', '/projects', key => $mine, body => '{"name": "doomed"}');
	data_of(200, 'DELETE', "/projects/$doomed->{id}", key => $mine);
	refused(request('GET', "/projects/$doomed->{id}", key => $mine), 404, 'project_not_found', 'what is deleted is gone');
	refused(request('DELETE', "/projects/$doomed->{id}", key => $mine), 404, 'project_not_found', 'and cannot be deleted again');
};

subtest 'pages' => sub {
	my $key = new_key($b);
	$node->safe_psql('postgres', "INSERT INTO trackagoat.project (org_id, name) SELECT '$b', n FROM generate_series(1, 7) n");
	my ($cursor, @names) = ('');
	for (1 .. 4)
	{
		my $answer = request('GET', "/projects?limit=3$cursor", key => $key);
		push @names, map { $_->{name} } @{ $answer->{data} };
		last unless defined $answer->{meta}{nextCursor};
		$cursor = "&cursor=$answer->{meta}{nextCursor}";
	}
	is("@names", '7 6 5 4 3 2 1', 'cursors lead through all, newest first');
};

# ---- refusals ----

subtest 'who may ask' => sub {
	my $reader = new_key($a, '{read}');
	my $revoked = new_key($a);
	my ($hash) = map { unpack 'H*', Digest::SHA::sha256($_) } $revoked;
	$node->safe_psql('postgres', "UPDATE trackagoat.api_key SET revoked_at = now() WHERE key_hash = '\\x$hash'");
	my $answer = refused(request('GET', '/projects'), 401, 'invalid_api_key', 'no key');
	like($answer->{headers}{'www-authenticate'}, qr/^Bearer/, 'with WWW-Authenticate');
	refused(request('GET', '/projects', key => $_), 401, 'invalid_api_key', 'no key is ' . substr($_, 0, 12)) for 'tga_' . '0' x 64, 'tga_x', 'x', "x$reader", uc $reader;
	refused(request('GET', '/projects', key => $revoked), 401, 'invalid_api_key', 'a revoked key');
	my $expired = $node->safe_psql('postgres', "SELECT trackagoat.create_api_key('$a', 'old', expires_at => now() - interval '1 second')");
	refused(request('GET', '/projects', key => $expired), 401, 'invalid_api_key', 'an expired key');
	refused(request('GET', '/projects', headers => ['Authorization: Basic Z29hdDpnb2F0']), 401, 'invalid_api_key', 'another scheme');
	is(request('GET', '/projects', headers => [$_])->{status}, 200, 'a key as ' . s/tga_.*//r) for "X-Api-Key: $reader", "authorization: bearer $reader";
	$answer = refused(request('POST', '/projects', key => $reader, body => '{"name": "x"}'), 403, 'insufficient_scope', 'a key to read cannot write');
	is_deeply([ @{ $answer->{meta} }{qw(required granted)} ], [ 'write', ['read'] ], 'and is told why');
	refused(request('GET', '/projects', key => new_key($a, '{write}')), 403, 'insufficient_scope', 'nor one to write read');
};

subtest 'methods and paths' => sub {
	my $key = new_key($a);
	my $answer = refused(request('PUT', "/projects/$project->{id}", key => $key, body => '{}'), 405, 'method_not_allowed', 'PUT');
	is($answer->{headers}{allow}, 'DELETE, GET, PATCH', 'with Allow');
	refused(request('OPTIONS', '/projects', key => $key), 405, 'method_not_allowed', 'OPTIONS');
	$answer = request('HEAD', '/projects', key => $key);
	is("$answer->{status} $answer->{body}", '200 ', 'HEAD is GET without a body');
	is($answer->{headers}{'content-length'}, length request('GET', '/projects', key => $key)->{body}, 'and with its length') if $answer->{headers}{'content-length'};
	is(request('HEAD', '/projects')->{status}, 401, 'HEAD without a key');
	refused(request('GET', $_, key => $key), 404, 'not_found', "GET $_") for '', '/', '/goats', '/projects/1', '/projects/', '//projects', '/rpc/v1', "/projects/$project->{id}/x", '/projects%3Flimit=1', '/../rest/projects', 'x';
	refused(request('GET', $_, key => $key), 400, 'invalid_query', "GET $_") for '/projects?limit=0', '/projects?limit=101', '/projects?limit=eq.1', '/projects?goat=1', '/projects?limit=1&limit=2', '/projects?cursor=%ff', '/creators?search=%00';
	refused(request('GET', $_, key => $key), 400, 'invalid_request', 'bytes that are no URL') for "/creators?search=\xff", '/%00';
	refused(request('GET', '/projects', key => $key, headers => [ 'Idempotency-Key: ' . 'x' x 40000 ]), 400, 'invalid_request', 'a header without end');
	refused(request('GET', '/projects', key => "$key\xff"), 400, 'invalid_request', 'bytes that are no header');
};

subtest 'bodies' => sub {
	my $key = new_key($a);
	my $mib = 1 << 20;
	refused(request('POST', '/projects', key => $key, body => $_->[1]), 400, 'invalid_body', "POST of $_->[0]")
	  for [ nothing => '' ], [ 'no JSON' => '{"name": ' ], [ 'a list' => '[]' ], [ 'bytes that are no UTF-8' => "{\"name\": \"\xff\xfe\"}" ], [ 'half a character' => "{\"name\": \"\xc3\"}" ],
	  [ 'NUL bytes' => "{\"name\": \"a\0b\"}" ], [ 'an escaped NUL' => '{"name": "a\u0000b"}' ], [ 'half a surrogate pair' => '{"name": "\ud83d"}' ], [ 'a key twice' => '{"name": "a", "name": "b"}' ],
	  [ 'an unknown field' => '{"name": "a", "org_id": "x"}' ], [ 'a number for a name' => '{"name": 1}' ], [ 'a name without end' => sprintf '{"name": "%s"}', 'x' x 201 ], [ 'nests without end' => '[' x 500_000 ],
	  [ '1 MiB' => '{' . ' ' x ($mib - 2) . '}' ];
	is(data_of(200, 'PATCH', "/projects/$project->{id}", key => $key, body => sprintf '{"description": "%s"}%s', 'x' x 65536, ' ' x 900_000)->{description}, 'x' x 65536, 'nearly 1 MiB');
	refused(request('POST', '/projects', key => $key, body => 'x' x ($mib + 1)), 413, 'body_too_large', 'more than 1 MiB');
	refused(request('POST', '/projects', key => $key, body => 'x' x (3 * $mib)), 413, 'body_too_large', '3 MiB');
	refused(request('POST', '/projects', key => $key, body => 'x' x ($mib + 1), headers => ['Transfer-Encoding: chunked']), 413, 'body_too_large', 'more than 1 MiB in chunks');
	is(request('POST', '/projects', key => $key, body => '{"name": "chunks"}', headers => ['Transfer-Encoding: chunked'])->{status}, 201, 'chunks are all right');
	refused(request('POST', '/projects', key => $key, body => '{"name": "x"}', type => $_), 415, 'unsupported_media_type', "type $_") for 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx';
	is(request('POST', '/projects', key => $key, body => '{"name": "charset"}', type => 'application/json; charset=utf-8')->{status}, 201, 'a charset is all right');
	refused(request('POST', '/projects', key => $key, body => "\x1f\x8b\x08\0\0\0\0\0\0\3", headers => ['Content-Encoding: gzip']), 415, 'unsupported_media_type', 'gzip');
};

subtest 'headers that are not a client\'s to send' => sub {
	my ($mine, $theirs) = (new_key($a), new_key($b));
	my $list = data_of(200, 'GET', '/projects', key => $mine);
	for my $headers (
		[ "X-Api-Key: $theirs" ], [ "X_Api_Key: $theirs" ], [ "apikey: $theirs" ], [ 'X-Api-Key: ' ],
		[ 'X-Original-Method: DELETE', "X-Original-URI: /api/v1/projects/$project->{id}" ], [ "X-Organization-Id: $b" ], [ 'request.jwt.claims: {"sub": "x"}' ],
		[ 'Prefer: tx=rollback' ], [ 'Range: 0-0' ], [ 'Accept: text/html' ], [ 'Accept: application/vnd.pgrst.object+json' ], [ 'Accept-Profile: trackagoat' ], [ 'Content-Profile: trackagoat' ],
		[ 'X-HTTP-Method-Override: DELETE' ], [ 'Connection: X-Api-Key' ])
	{
		my $answer = request('GET', '/projects', key => $mine, headers => $headers);
		is_deeply($answer->{data}, $list, 'no difference: ' . join ', ', map { s/tga_.*//r =~ s/[0-9a-f-]{36}/{id}/r } @$headers) or diag($answer->{body});
	}
	refused(request('POST', '/projects', key => $mine, body => '{"name": "x"}', type => 'text/plain', headers => ['X-Content-Type: application/json']), 415, 'unsupported_media_type', 'X-Content-Type is not believed');
	refused(request('GET', '/projects', headers => ["apikey: $theirs"]), 401, 'invalid_api_key', 'apikey is for /rest/ alone');
	refused(request('GET', '/projects', key => 'tga_x', headers => ["X-Api-Key: $theirs"]), 401, 'invalid_api_key', 'a wrong key in Authorization is not made good by X-Api-Key');
};

subtest 'the same again' => sub {
	my ($key, $other) = (new_key($a), new_key($a));
	my @again = map { request('POST', '/projects', key => $key, body => '{"name": "once"}', headers => ['Idempotency-Key: 1']) } 1, 2;
	is_deeply([ map { [ $_->{status}, $_->{data}{id}, $_->{headers}{'idempotent-replayed'} ] } @again ],
		[ [ 201, $again[0]{data}{id}, undef ], [ 201, $again[0]{data}{id}, 'true' ] ], 'is answered the same, and once done');
	refused(request('POST', '/projects', key => $key, body => '{"name": "twice"}', headers => ['Idempotency-Key: 1']), 409, 'idempotency_key_reused', 'another request with the same Idempotency-Key: 409');
	isnt(request('POST', '/projects', key => $other, body => '{"name": "once"}', headers => ['Idempotency-Key: 1'])->{data}{id}, $again[0]{data}{id}, 'another key has its own');
};

# ---- many ----

# The same request at the same time, as often as there are keys; the statuses.
sub at_once
{
	my ($count, @arguments) = @_;
	my @out = ('') x $count;
	my @runs = map {
		IPC::Run::start([ 'curl', '-sS', '-q', '--noproxy', '*', '--max-time', '30', '-o', "$dir/answer$_", '-w', '%{http_code}', @arguments ], '<', \undef, '>', \$out[$_], '2>&1')
	} 0 .. $count - 1;
	$_->finish for @runs;
	return sort @out;
}

subtest 'at once' => sub {
	my $key = new_key($a);
	my @key = ('-H', "Authorization: Bearer $key", '-H', 'Content-Type: application/json');
	my @statuses = at_once(8, @key, '-d', '{"tiktok_handle": "peter"}', "$nginx->{url}/api/v1/projects/$project->{id}/creators");
	is("@statuses", '201 409 409 409 409 409 409 409', 'of eight that add a creator one does');
	@statuses = at_once(8, @key, '-H', 'Idempotency-Key: herd', '-d', '{"name": "herd"}', "$nginx->{url}/api/v1/projects");
	is("@statuses", join(' ', (201) x 8), 'of eight with an Idempotency-Key all are answered');
	my %ids = map { ($json->decode(read_file("$dir/answer$_"))->{data}{id} // '') => 1 } 0 .. 7;
	is(scalar keys %ids, 1, 'the same');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM trackagoat.project WHERE name = 'herd'}), 1, 'and one is made');
};

subtest 'one after the other' => sub {
	my $key = new_key($a);
	my $url = "$nginx->{url}/api/v1/projects";
	# reads and writes in turn, by one connection; more than a minute's fill, whenever it turns
	write_file("$dir/curlrc", join "next\n", map { qq(url = "$url"\noutput = "/dev/null"\nsilent\nnoproxy = "*"\nwrite-out = "%{http_code} %{num_connects}\\n"\nheader = "Authorization: Bearer $key"\ndump-header = "$dir/head"\n)
		  . ($_ % 2 ? qq(data = "{}"\nheader = "Content-Type: application/json"\n) : '') } 1 .. 130);
	my @lines = split /\n/, curl('-K', "$dir/curlrc");
	my (%statuses, $connects);
	for (@lines) { my ($status, $new) = split / /; $statuses{$status}++; $connects += $new }
	is(scalar @lines, 130, 'every request is answered');
	is($connects, 1, 'by one connection');
	is_deeply([ sort keys %statuses ], [ 200, 400, 429 ], 'as it should, until it is too much') or diag(explain(\%statuses));
	cmp_ok($statuses{200} + $statuses{400}, '>=', 60, 'sixty a minute may be asked');
	my $answer;
	wait_until(60, sub { ($answer = request('GET', '/projects', key => $key))->{status} eq '429' });
	refused($answer, 429, 'rate_limit_exceeded', 'then 429');
	ok($answer->{headers}{'retry-after'} =~ /^\d+$/ && $answer->{headers}{'retry-after'} >= 1 && $answer->{headers}{'retry-after'} <= 60, 'with Retry-After');
	is($answer->{meta}{retryAfter}, $answer->{headers}{'retry-after'}, 'which meta says, too');
	is(request('GET', '/projects', key => new_key($a))->{status}, 200, 'another key may go on');
};

# ---- members ----

subtest 'tokens' => sub {
	$node->safe_psql('postgres', "INSERT INTO trackagoat.member (org_id, user_id, role) VALUES ('$a', 'heidi', 'admin'), ('$a', 'peter', 'admin'), ('$b', 'peter', 'member')");
	my $heidi = token({ sub => 'heidi', role => 'trackagoat_member' });
	is_deeply([ map { $_->{org_id} } @{ rows_of(200, 'GET', "/projects?limit=1", key => $heidi) } ], [$a], 'a member sees his organization');
	is(data_of(201, 'POST', '/projects', key => token({ sub => 'heidi' }), body => '{"name": "by token"}')->{name}, 'by token', 'and writes, without a role in the token, too');
	my $theirs = new_key($b);
	is_deeply([ map { $_->{org_id} } @{ rows_of(200, 'GET', "/projects?limit=1", key => $heidi, headers => ["X-Api-Key: $theirs"]) } ], [$a], 'X-Api-Key makes no difference');
	refused(request('GET', '/projects', key => token({ sub => 'stranger' })), 403, 'not_a_member', 'a stranger');
	refused(request('GET', '/projects', key => token({ sub => 'peter' })), 400, 'organization_required', 'a member of two says which');
	is_deeply([ map { $_->{org_id} } @{ rows_of(200, 'GET', "/projects?limit=1", key => token({ sub => 'peter' }), headers => ["X-Organization-Id: $b"]) } ], [$b], 'by X-Organization-Id');
	refused(request('GET', '/projects', key => token({ sub => 'heidi' }), headers => ["X-Organization-Id: $b"]), 403, 'not_a_member', 'and is in it');
	refused(request('GET', '/projects', key => $_->[1]), 401, 'invalid_token', $_->[0])
	  for [ 'an expired token' => token({ sub => 'heidi', exp => time - 3600 }) ], [ 'another\'s signature' => token({ sub => 'heidi' }, 'x' x 40) ], [ 'no signature' => $heidi =~ s/[^.]*$/AAAA/r ],
	  [ 'another\'s claims' => $heidi =~ s/\.[^.]*/'.' . encode_base64url('{"sub": "peter"}')/er ], [ 'nobody\'s token' => token({ role => 'trackagoat_api' }) ];
};

# ---- PostgREST's own ----

subtest 'PostgREST itself' => sub {
	my ($mine, $theirs) = (new_key($a), new_key($b));
	is_deeply(request('GET', '/rest/creators?select=tiktok_handle&order=tiktok_handle.desc&limit=2', key => $mine)->{rows}, [ { tiktok_handle => 'peter' }, { tiktok_handle => 'heidi.goat' } ], 'a view');
	is_deeply(request('GET', "/rest/creators?id=eq.$creator->{id}&select=description", headers => ["$_: $mine"])->{rows}, [ { description => '*hi*' } ], "a key in $_") for 'X-Api-Key', 'apikey';
	is_deeply(request('GET', "/rest/creators?id=eq.$creator->{id}", key => $theirs)->{rows}, [], 'another organization sees nothing of it');
	is(request('GET', '/rest/creators')->{status}, 401, 'nobody sees nothing');
	is(request('GET', '/rest/creators', key => $mine, headers => ["X-Api-Key: $theirs"])->{rows}[0]{org_id}, $a, 'a key in Authorization goes before X-Api-Key');
	is(request('GET', '/rest/')->{status}, 200, 'the description is everybody\'s');

	my $added = request('POST', '/rest/rpc/add_creators', key => $mine, body => $json->encode({ project_id => $project->{id}, creators => [ 'clara', 'no goat' ] }));
	is_deeply([ map { "$_->{input} $_->{result}" } @{ $added->{rows} // [] } ], [ 'clara created', 'no goat refused' ], 'a verb') or diag($added->{body});
	my $answer = request('POST', '/rest/rpc/add_creators', key => $theirs, body => $json->encode({ project_id => $project->{id}, creators => ['tinker'] }));
	is("$answer->{status} $answer->{code} $answer->{message}", '404 PT404 project_not_found', 'another organization\'s is refused');
	$answer = request('POST', '/rest/rpc/add_creators', key => new_key($a, '{read}'), body => $json->encode({ project_id => $project->{id}, creators => ['tinker'] }));
	is("$answer->{status} $answer->{message}", '403 insufficient_scope', 'and a key to read');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM trackagoat.creator WHERE tiktok_handle::text = 'tinker'}), 0, 'nothing is written');
	is(request('POST', '/rest/rpc/goats', key => $mine, body => '{}')->{status}, 404, 'what there is not');
	$answer = request('POST', '/rest/rpc/request', body => $json->encode({ method => 'GET', uri => '/api/v1/projects?limit=1', headers => { 'X-Api-Key' => $mine } }));
	is($answer->{rows}{status}, 200, 'request() is a function, too') or diag($answer->{body});
};

subtest 'CSV, OpenAPI, and what is gone' => sub {
	my $key = new_key($a);
	my $answer = request('GET', "/analytics?entity=creator&entity_id=$creator->{id}&metric=views&format=csv", key => $key);
	like("$answer->{status} $answer->{headers}{'content-type'}", qr{^200 text/csv}, 'CSV');
	like($answer->{headers}{'content-disposition'}, qr/^attachment/, 'as an attachment');
	like($answer->{body}, qr/^[a-z_]+(,[a-z_]+)+\r?\n/, 'with a header, and not in an envelope');
	refused(request('GET', '/analytics?entity=goat&format=csv', key => $key), 400, 'invalid_query', 'a refusal is in the envelope all the same');
	refused(request('GET', "/creators/$creator->{id}/stats", key => $key), 410, 'gone', 'what is gone: 410');
	like(request('GET', '/openapi.json')->{rows}{openapi}, qr/^3\.1/, 'the description is everybody\'s');
};

# The client that people use, which comes by npm.
SKIP: {
	my $npm = "$dir/npm";
	skip 'no npm on the path', 1 unless grep { -x "$_/npm" } split /:/, $ENV{PATH};
	mkdir $npm or die "$npm: $!";
	write_file("$npm/$_", read_file(source_dir() . "/test/rest/$_")) for 'package.json', 'package-lock.json';
	run_log([ 'npm', '--prefix', $npm, '--cache', "$npm/cache", 'ci', '--no-audit', '--no-fund', '--ignore-scripts' ]);
	my $key = new_key($a);
	write_file("$dir/client.cjs", <<'JS');
const { PostgrestClient } = require(process.argv[2]);
const [url, key, project] = process.argv.slice(3);
const client = new PostgrestClient(url + '/rest', { headers: { 'X-Api-Key': key } });
(async () => {
	const read = await client.from('creators').select('tiktok_handle').eq('project_id', project).order('tiktok_handle').limit(2);
	const call = await client.rpc('add_creators', { project_id: project, creators: ['from.js'] });
	const wrong = await client.rpc('scrape_creator', { creator_id: project });
	console.log(JSON.stringify([read.data, call.data[0].result, wrong.status, wrong.error.message]));
})();
JS
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'node', "$dir/client.cjs", "$npm/node_modules/\@supabase/postgrest-js", $nginx->{url}, $key, $project->{id} ], '<', \undef, '>', \$out, '2>', \$err);
	is($out . $err, qq([[{"tiktok_handle":"clara"},{"tiktok_handle":"heidi.goat"}],"created",404,"creator_not_found"]\n), 'postgrest-js');
}

# ---- what happens to servers ----

subtest 'servers that go and come' => sub {
	my $key = new_key($a);
	$node->stop('fast');
	my $answer = refused(request('GET', '/projects', key => $key), 503, 'unavailable', 'the database is down: 503');
	like($answer->{headers}{'retry-after'}, qr/^\d+$/, 'with Retry-After');
	$node->start;
	ok(wait_until(60, sub { request('GET', '/projects', key => $key)->{status} eq '200' }), 'it is back');
	end_program($rest);
	refused(request('GET', '/projects', key => $key), 503, 'unavailable', 'PostgREST is down: 503');
	start_rest();
	is(request('GET', '/projects', key => $key)->{status}, 200, 'it is back');
};

unlike(read_file($_), qr/tga_[0-9a-f]{64}/, 'no key in ' . s{.*/}{}r) for $node->logfile, "$nginx->{run}/access.log", "$nginx->{run}/error.log", "$dir/postgrest.log";
is($node->safe_psql('postgres', 'SELECT count(*) FROM trackagoat.verify()'), 0, 'and all numbers agree');
$node->stop;
done_testing();
