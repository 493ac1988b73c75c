#!/usr/bin/perl
#
# standin.pl CONFIG
#
# Stands in for PostgREST where there is none: reads the same configuration, and
# keeps PostgREST's transaction for the requests that trackagoat answers:
#
#   POST /rpc/FUNCTION   arguments as a JSON object, or a raw body for the one
#                        unnamed bytea argument
#   GET, HEAD /VIEW      ?select=a,b&column=eq.value&order=a.desc,b&limit=n&offset=n
#   GET /                the names of what there is (PostgREST: OpenAPI)
#
# Each request is a transaction of the login role that takes on the role of the
# token or db-anon-role, sets request.*, calls db-pre-request, asks, and obeys
# response.status and response.headers; errors have PostgREST's shape and
# statuses.  A process serves a connection, with a session of its own; the server
# must ask for no password.
use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use IO::Socket::IP;
use IO::Socket::UNIX;
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my %config = read_config(shift);
my $schema = $config{'db-schemas'};
my $database;
my $parent = getppid;

# ---- configuration ----

sub read_config
{
	my ($path) = @_;
	open my $file, '<', $path or die "$path: $!\n";
	return map { /^([a-z-]+)\s*=\s*"?(.*?)"?\s*$/ ? ($1 => $2) : () } <$file>;
}

# ---- the session: version 3 of PostgreSQL's protocol ----

sub connect_database
{
	my ($user, $host, $port, $name, $query) = $config{'db-uri'} =~ m{^postgres(?:ql)?://([^:@/]*)(?::[^@]*)?@([^:/]*)(?::(\d+))?/([^?]*)\??(.*)$}
	  or die "db-uri: $config{'db-uri'}\n";
	my %given = map { s/%([0-9A-Fa-f]{2})/chr hex $1/ger } map { split /=/, $_, 2 } split /&/, $query;
	($host, $port) = ($given{host} // $host, $given{port} // $port // 5432);
	$database = $host =~ m{^/} ? IO::Socket::UNIX->new(Peer => "$host/.s.PGSQL.$port") : IO::Socket::IP->new(PeerHost => $host, PeerPort => $port);
	die { state => '08006', message => 'could not connect' } unless $database;
	my $startup = join "\0", 'user', $user, 'database', $name, 'application_name', 'standin', 'client_encoding', 'UTF8', '', '';
	print $database pack('NN', length($startup) + 8, 196608) . $startup;
	read_answer();
}

# The rows of what was asked, as the server sends them until it is ready again;
# dies with the error, if there is one.
sub read_answer
{
	my (@rows, $error);
	while (1)
	{
		read($database, my $head, 5) == 5 or die { state => '08006', message => 'the connection has ended' };
		my ($type, $length) = unpack 'aN', $head;
		my $body = '';
		read($database, $body, $length - 4) == $length - 4 or die { state => '08006', message => 'the connection has ended' } if $length > 4;
		if ($type eq 'D')
		{
			my ($count, $at, @row) = (unpack('n', $body), 2);
			for (1 .. $count)
			{
				my $size = unpack 'l>', substr $body, $at, 4;
				push @row, $size < 0 ? undef : substr $body, $at + 4, $size;
				$at += 4 + ($size > 0 ? $size : 0);
			}
			push @rows, \@row;
		}
		elsif ($type eq 'E')
		{
			my %field = map { substr($_, 0, 1) => substr $_, 1 } grep { $_ ne '' } split /\0/, $body;
			$error = { state => $field{C}, message => $field{M}, detail => $field{D}, hint => $field{H} };
		}
		elsif ($type eq 'R' && unpack('N', $body) != 0) { die { state => '28000', message => 'the server asks for a password, which this stand-in has not' } }
		elsif ($type eq 'Z') { last }
	}
	die $error if $error;
	return \@rows;
}

sub ask
{
	my ($sql, @values) = @_;
	my $bind = pack('xxnn', 0, scalar @values) . join('', map { defined ? pack('N/a*', $_) : pack('l>', -1) } @values) . pack('n', 0);
	print $database map { pack('aNa*', $_->[0], 4 + length $_->[1], $_->[1]) }
	  [ P => "\0$sql\0" . pack('n', 0) ], [ B => $bind ], [ E => pack('xN', 0) ], [ S => '' ];
	return read_answer();
}

sub quote { return '"' . $_[0] =~ s/"/""/gr . '"' }

# ---- tokens ----

# The claims of the request's token, or those of nobody.
sub claims_of
{
	my ($headers) = @_;
	my ($token) = ($headers->{authorization} // '') =~ /^Bearer\s+(.*)$/i or return { role => $config{'db-anon-role'} };
	refuse(500, 'PGRST300', 'Server lacks JWT secret') unless $config{'jwt-secret'};
	my ($head, $payload, $signature) = $token =~ /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;
	my $claims = eval { $json->decode(decode_base64url($payload)) };
	refuse(401, 'PGRST301', 'JWSError', 'WWW-Authenticate' => 'Bearer error="invalid_token"')
	  unless ref $claims eq 'HASH' && $json->decode(decode_base64url($head))->{alg} eq 'HS256'
	  && encode_base64url(hmac_sha256("$head.$payload", $config{'jwt-secret'})) eq $signature;
	refuse(401, 'PGRST303', 'JWT expired', 'WWW-Authenticate' => 'Bearer error="invalid_token"') if defined $claims->{exp} && $claims->{exp} < time - 30;
	return { role => $config{'db-anon-role'}, %$claims };
}

# ---- what is asked for ----

sub refuse
{
	my ($status, $code, $message, %headers) = @_;
	die { status => $status, body => { code => $code, message => $message, details => undef, hint => undef }, headers => \%headers };
}

# The query of a function call, its arguments, and whether it may write.
sub plan_call
{
	my ($request, $name) = @_;
	refuse(405, 'PGRST101', 'Only POST here') unless $request->{method} eq 'POST';
	my $raw = ($request->{headers}{'content-type'} // '') eq 'application/octet-stream';
	my $given = $raw ? {} : eval { $json->decode($request->{body}) };
	refuse(400, 'PGRST102', 'Empty or invalid json') unless ref $given eq 'HASH';
	my $found = ask(<<'SQL', $schema, $name);
SELECT p.provolatile, p.proretset, p.pronargs - p.pronargdefaults,
	(SELECT json_agg(a.name ORDER BY a.place) FROM unnest(p.proargnames, p.proargmodes) WITH ORDINALITY a (name, mode, place) WHERE a.mode IN ('i', 'b') OR a.mode IS NULL),
	(SELECT json_agg(format_type(t.oid, NULL) ORDER BY t.place) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY t (oid, place))
FROM pg_proc p WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND p.proname = $2
SQL
	my $call = $schema . '.' . quote($name);
	for my $f (@$found)
	{
		my ($volatility, $is_set, $needed, $names, $types) = @$f;
		my @types = @{ $json->decode($types // '[]') };
		my @names = @{ $json->decode($names // '[]') };
		return ("SELECT $call(\$1::bytea)::bytea, 1", [ '\x' . unpack 'H*', $request->{body} ], $volatility eq 'v')
		  if $raw && !defined $names && "@types" eq 'bytea';
		next if $raw || grep { my $n = $_; !grep { $_ eq $n } @names } keys %$given;
		next if grep { !exists $given->{$_} } @names[ 0 .. $needed - 1 ];
		my @used = grep { exists $given->{ $names[$_] } } 0 .. $#types;
		my $arguments = join ', ', map { quote($names[$_]) . ' := a.' . quote($names[$_]) } @used;
		my $from = @used ? sprintf 'json_to_record($1::json) a (%s), ', join ', ', map { quote($names[$_]) . ' ' . $types[$_] } @used : '';
		my @values = @used ? $request->{body} : ();
		return ("SELECT coalesce(json_agg(r), '[]'), count(*) FROM ${from}LATERAL $call($arguments) r", \@values, $volatility eq 'v') if $is_set eq 't';
		return ("SELECT to_json(r), 1 FROM ${from}LATERAL (SELECT $call($arguments) AS r) s", \@values, $volatility eq 'v');
	}
	refuse(404, 'PGRST202', "Could not find the function $schema.$name");
}

# The query of a view.
sub plan_read
{
	my ($request, $view) = @_;
	refuse(405, 'PGRST117', 'Only GET here') unless $request->{method} =~ /^(GET|HEAD)$/;
	my ($what, $order, $limit, $offset, @conditions, @values) = ('*', '', 'ALL', 0);
	refuse(404, 'PGRST205', "Could not find $schema.$view")
	  unless @{ ask('SELECT FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND relname = $2', $schema, $view) };
	for my $argument (split /&/, $request->{query})
	{
		my ($name, $value) = map { s/%([0-9A-Fa-f]{2})/chr hex $1/ger } map { tr/+/ /r } split /=/, $argument, 2;
		if ($name eq 'select') { $what = join ', ', map { $_ eq '*' ? $_ : quote($_) } split /,/, $value }
		elsif ($name eq 'order') { $order = 'ORDER BY ' . join ', ', map { my ($c, $d) = split /\./; quote($c) . (($d // '') eq 'desc' ? ' DESC' : '') } split /,/, $value }
		elsif ($name eq 'limit' && $value =~ /^\d+$/) { $limit = $value }
		elsif ($name eq 'offset' && $value =~ /^\d+$/) { $offset = $value }
		elsif ($value =~ s/^eq\.//) { push @values, $value; push @conditions, quote($name) . ' = $' . @values }
		else { refuse(400, 'PGRST100', "failed to parse filter ($value)") }
	}
	my $where = @conditions ? 'WHERE ' . join ' AND ', @conditions : '';
	$limit = $config{'db-max-rows'} if $config{'db-max-rows'} && ($limit eq 'ALL' || $limit > $config{'db-max-rows'});
	return ("SELECT coalesce(json_agg(r), '[]'), count(*) FROM (SELECT $what FROM $schema." . quote($view) . " $where $order LIMIT $limit OFFSET $offset) r", \@values, 0);
}

sub plan_names
{
	return (q{SELECT json_build_object('swagger', '2.0', 'info', json_build_object('title', obj_description(n.oid)), 'paths', (SELECT json_object_agg('/' || c.relname, '{}'::json) FROM pg_class c WHERE c.relnamespace = n.oid)), 1
FROM pg_namespace n WHERE n.nspname = $1}, [$schema], 0);
}

# ---- a request ----

# The statuses of errors, by their SQLSTATE; "anonymous" is whoever has no token.
sub status_of
{
	my ($state, $anonymous) = @_;
	return $1 if $state =~ /^PT(\d{3})$/;
	return $anonymous ? 401 : 403 if $state eq '42501';
	return 409 if $state =~ /^(23505|23503)$/;
	return 405 if $state eq '25006';
	return 404 if $state =~ /^(42883|42P01)$/;
	return 503 if $state =~ /^(08|53|57P)/;
	return 403 if $state =~ /^(28|0P|0L)/;
	return 500 if $state =~ /^(57014|40|XX|58|P0(?!001))/;
	return 400;
}

# The answer to a request: status, headers, body.
sub answer
{
	my ($request) = @_;
	my $headers = { 'Content-Type' => 'application/json; charset=utf-8' };
	my $claims;
	my $answer = eval {
		return [ 204, $headers, '' ] if $request->{method} eq 'OPTIONS';
		$claims = claims_of($request->{headers});
		connect_database() unless $database;
		my $path = $request->{path};
		my ($sql, $values, $writes) =
			$path eq '/' ? plan_names()
		  : $path =~ m{^/rpc/(\w+)$} ? plan_call($request, $1)
		  : $path =~ m{^/(\w+)$} ? plan_read($request, $1)
		  : refuse(404, 'PGRST125', 'Invalid path specified in request URL');
		ask('BEGIN ISOLATION LEVEL READ COMMITTED ' . ($writes ? 'READ WRITE' : 'READ ONLY'));
		ask(q{SELECT set_config('search_path', $1, true), set_config('role', $2, true), set_config('request.jwt.claims', $3, true),
			set_config('request.method', $4, true), set_config('request.path', $5, true), set_config('request.headers', $6, true),
			set_config('request.cookies', '{}', true)},
			quote($schema) . ', "public"', $claims->{role}, $json->encode($claims), $request->{method}, $path, $json->encode($request->{headers}));
		ask("SELECT $config{'db-pre-request'}()") if $config{'db-pre-request'};
		my ($body, $count) = @{ ask($sql, @$values)->[0] };
		my ($status, $more) = @{ ask(q{SELECT nullif(current_setting('response.status', true), ''), nullif(current_setting('response.headers', true), '')})->[0] };
		ask('COMMIT');
		$body = pack 'H*', substr $body, 2 if ($request->{headers}{'content-type'} // '') eq 'application/octet-stream';
		%$headers = (%$headers, %$_) for @{ $json->decode($more // '[]') };
		$headers->{'Content-Range'} = $count ? '0-' . ($count - 1) . '/*' : '*/*' if $path ne '/';
		return [ $status // 200, $headers, $body // 'null' ];
	};
	return @$answer if $answer;
	my $error = ref $@ eq 'HASH' ? $@ : { state => 'XX000', message => "$@" };
	undef $database if ($error->{state} // '') =~ /^(08|57P)/;
	eval { ask('ROLLBACK') } if $database;
	return ($error->{status}, { %$headers, %{ $error->{headers} } }, $json->encode($error->{body})) if $error->{status};
	return (status_of($error->{state}, !$claims || $claims->{role} eq $config{'db-anon-role'}), $headers,
		$json->encode({ code => $error->{state}, message => as_text($error->{message}), details => as_text($error->{detail}), hint => as_text($error->{hint}) }));
}

sub as_text { my ($text) = @_; utf8::decode($text) if defined $text; return $text }

# The next request of a connection; undef at its end.
sub read_request
{
	my ($client) = @_;
	local $/ = "\r\n";
	my ($method, $target) = (<$client> // '') =~ m{^(\S+) (\S+) HTTP/1\.[01]\r\n$} or return undef;
	my %headers;
	while ((my $line = <$client> // '') ne "\r\n")
	{
		my ($name, $value) = $line =~ /^([^:\s]+):\s*(.*?)\s*\r\n$/ or return undef;
		utf8::decode($value);
		$headers{ lc $name } = $value;
	}
	my $body = '';
	my $length = $headers{'content-length'} // 0;
	return undef if $length && read($client, $body, $length) != $length;
	my ($path, $query) = $target =~ /^([^?]*)\??(.*)$/;
	return { method => $method, path => $path, query => $query, headers => \%headers, body => $body };
}

sub serve
{
	my ($client) = @_;
	while (my $request = read_request($client))
	{
		my ($status, $headers, $body) = answer($request);
		my $text = join '', "HTTP/1.1 $status Status\r\n", map({ "$_: $headers->{$_}\r\n" } sort keys %$headers), 'Content-Length: ' . length($body) . "\r\n\r\n";
		print $client $text, $request->{method} eq 'HEAD' ? '' : $body;
		last if lc($request->{headers}{connection} // '') eq 'close';
	}
}

$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::IP->new(LocalHost => $config{'server-host'}, LocalPort => $config{'server-port'}, Listen => 128, ReuseAddr => 1)
  or die "could not listen: $@\n";
# until told to end, or whoever started it is gone; its processes with it
setpgrp;
$SIG{TERM} = sub { $SIG{TERM} = 'IGNORE'; kill 'TERM', -$$; exit };
$SIG{ALRM} = sub { kill 'TERM', $$ if getppid != $parent; alarm 1 };
alarm 1;
while (1)
{
	my $client = $listener->accept or next;
	my $child = fork // die "fork: $!\n";
	if (!$child)
	{
		$SIG{TERM} = 'DEFAULT';
		alarm 0;
		$client->autoflush;
		serve($client);
		exit;
	}
	close $client;
}
