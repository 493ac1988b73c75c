#!/usr/bin/perl
#
# fault_server.pl DIR [ADDRESS]
#
# A TikTok that misbehaves on demand, for the worker's tests. Listens on a port
# of ADDRESS (127.0.0.1) that the kernel chooses, and prints it. Answers by the
# handle of /@HANDLE, by the id of /@_/video/ID, and "list" for the list of
# videos. DIR/answers says how, a line "NAME BEHAVIOUR ARGUMENTS" each, read
# anew for every request; "*" stands for all others:
#
#   ok [FOLLOWERS]      a profile page (a video page for an id, with so many
#                       views), or a list without videos
#   slow SECONDS        the same after a pause
#   herd SECONDS        the accounts goat1, goat2, ... within so many seconds:
#                       their numbers, and two videos in the list of each,
#                       follow from theirs
#   drip MILLISECONDS   the same, 64 bytes at a time
#   hangup              half of it, then the connection ends
#   wrong               somebody else's page
#   stranger            the same handle, but another account's id
#   file PATH           what the file holds
#   status CODE         that status
#   limited [VALUE]     429, with that Retry-After
#   redirect LOCATION   302
#   empty, garbage      no body; bytes without sense
#   headers             headers, then nothing more
#   flood               headers without end
#   endless             a body without end
#   bomb [MEGABYTES]    zeros, packed small by gzip
#
# DIR/requests gets a line of JSON for each request: time, path, name, headers,
# how many requests were open with it, and how long ago the last one came.
#
use strict;
use warnings;

use IO::Select;
use IO::Socket::IP;
use Compress::Zlib qw(memGzip);
use JSON::PP ();
use Time::HiRes qw(time);

my ($dir, $address) = @ARGV;
my $json = JSON::PP->new->canonical->utf8;
my $parent = getppid;
my %connections;

$SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::IP->new(LocalHost => $address // '127.0.0.1', LocalPort => 0, Listen => 128)
  or die "could not listen: $@\n";
$listener->blocking(0);
open my $log, '>>', "$dir/requests" or die "$dir/requests: $!\n";
$log->autoflush;
$| = 1;
print $listener->sockport, "\n";

# Until whoever started us is gone.
while (getppid == $parent)
{
	my @reading = ($listener, map { $_->{socket} } values %connections);
	my @writing = map { $_->{socket} } grep { sendable($_) } values %connections;
	my ($readable, $writable) =
	  IO::Select->select(IO::Select->new(@reading), IO::Select->new(@writing), undef, nap());

	for my $socket (@{ $readable // [] })
	{
		if ($socket == $listener) { take_connection() }
		else { read_request($connections{ fileno $socket }) }
	}
	for my $socket (@{ $writable // [] })
	{
		my $connection = $connections{ fileno($socket) // -1 };
		send_some($connection) if $connection && sendable($connection);
	}
	end($_) for grep { $_->{answering} && !@{ $_->{plan} } } values %connections;
}

# Seconds until a connection has something to send, at most one.
sub nap
{
	my $nap = 1;
	for my $connection (values %connections)
	{
		next unless @{ $connection->{plan} };
		my $wait = $connection->{plan}[0][0] - time;
		$nap = $wait if $wait < $nap;
	}
	return $nap > 0 ? $nap : 0;
}

sub take_connection
{
	while (my $socket = $listener->accept)
	{
		$socket->blocking(0);
		$connections{ fileno $socket } = { socket => $socket, request => '', plan => [] };
	}
}

sub read_request
{
	my ($connection) = @_;
	return unless $connection;
	my $count = sysread $connection->{socket}, $connection->{request}, 65536, length $connection->{request};

	if (!$count)
	{
		end($connection) unless !defined $count && $!{EAGAIN};
		return;
	}
	return if $connection->{answering} || $connection->{request} !~ /\r\n\r\n/;
	$connection->{answering} = 1;
	answer($connection);
}

sub end
{
	my ($connection) = @_;
	delete $connections{ fileno $connection->{socket} };
	close $connection->{socket};
}

# A plan is a list of [when, bytes]; bytes may be a function that makes more.
sub sendable
{
	my ($connection) = @_;
	return @{ $connection->{plan} } && $connection->{plan}[0][0] <= time;
}

sub send_some
{
	my ($connection) = @_;
	my $step = $connection->{plan}[0];
	my $bytes = ref $step->[1] ? $step->[1]->() : $step->[1];
	my $sent = length $bytes ? syswrite $connection->{socket}, $bytes : 0;

	if (!defined $sent)
	{
		end($connection) unless $!{EAGAIN};
	}
	elsif (!ref $step->[1])
	{
		substr $step->[1], 0, $sent, '';
		shift @{ $connection->{plan} } if $step->[1] eq '';
	}
}

# --- what to answer -------------------------------------------------------------

my $last_request;

sub answer
{
	my ($connection) = @_;
	my ($line, @headers) = split /\r\n/, $connection->{request};
	# a proxy is asked for the whole URL
	my $path = (split / /, $line)[1] =~ s{^http://[^/]+}{}r;
	my $name = $path =~ m{^/\@_/video/(\d+)} ? $1 : $path =~ m{^/\@([^/?]+)} ? $1 : $path =~ m{^/t/(\w+)} ? $1 : 'list';
	my ($behaviour, @arguments) = behaviour($name);
	my $now = time;

	print $log $json->encode({
		time => $now,
		since => defined $last_request ? $now - $last_request : undef,
		path => $path,
		name => $name,
		behaviour => $behaviour,
		open => scalar(grep { $_->{answering} } values %connections),
		headers => { map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @headers },
	}), "\n";
	$last_request = $now;
	$connection->{plan} = plan($name, $path, $behaviour, @arguments);
}

sub behaviour
{
	my ($name) = @_;
	my %answers = ('*' => 'ok');

	if (open my $file, '<', "$dir/answers")
	{
		while (<$file>) { $answers{ lc $1 } = $2 if /^(\S+)\s+(.*?)\s*$/ }
	}
	return split ' ', $answers{ lc $name } // $answers{'*'};
}

sub plan
{
	my ($name, $path, $behaviour, @arguments) = @_;
	my $now = time;
	my $zeros = "\0" x 65536;

	return [ [ $now, http(200, page($name, $arguments[0])) ] ] if $behaviour eq 'ok';
	return [ [ $now + $arguments[0], http(200, page($name)) ] ] if $behaviour eq 'slow';
	return [ [ $now + rand $arguments[0], http(200, herd_page($name, $path)) ] ] if $behaviour eq 'herd';
	return [ [ $now, http(200, page($name, 100, 'somebody_else')) ] ] if $behaviour eq 'wrong';
	return [ [ $now, http(200, page($name, 100, $name, 4711)) ] ] if $behaviour eq 'stranger';
	return [ [ $now, http(200, slurp($arguments[0])) ] ] if $behaviour eq 'file';
	return [ [ $now, http($arguments[0], "<html><body>$arguments[0]</body></html>") ] ] if $behaviour eq 'status';
	return [ [ $now, http(429, 'slow down', defined $arguments[0] ? ('Retry-After' => "@arguments") : ()) ] ]
	  if $behaviour eq 'limited';
	return [ [ $now, http(302, '', Location => $arguments[0]) ] ] if $behaviour eq 'redirect';
	return [ [ $now, http(200, '') ] ] if $behaviour eq 'empty';
	return [ [ $now, http(200, join '', map { chr(($_ * 7919 + 13) % 256) } 1 .. 5000) ] ] if $behaviour eq 'garbage';
	return [ [ $now, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" ], [ $now + 600, 'late' ] ] if $behaviour eq 'headers';
	return [ [ $now, "HTTP/1.1 200 OK\r\n" ], [ $now, sub { ('X-Goat: ' . 'm' x 1000 . "\r\n") x 60 } ] ] if $behaviour eq 'flood';
	return [ [ $now, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" ], [ $now, sub { $zeros } ] ] if $behaviour eq 'endless';
	return [ [ $now, http(200, memGzip("\0" x (($arguments[0] // 64) << 20)), 'Content-Encoding' => 'gzip') ] ]
	  if $behaviour eq 'bomb';

	my $whole = http(200, page($name));
	return [ [ $now, substr $whole, 0, length($whole) / 2 ] ] if $behaviour eq 'hangup';
	return [ map { [ $now + $_ * $arguments[0] / 1000, substr $whole, $_ * 64, 64 ] } 0 .. length($whole) / 64 ]
	  if $behaviour eq 'drip';
	die "no behaviour $behaviour\n";
}

sub http
{
	my ($status, $body, %headers) = @_;
	%headers = ('Content-Type' => 'text/html', 'Content-Length' => length $body, Connection => 'close', %headers);
	return "HTTP/1.1 $status Goat\r\n" . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n" . $body;
}

# The page of a handle or video, or an empty list. The id of an account follows
# from its handle.
sub page
{
	my ($name, $count, $handle, $id) = @_;
	$count //= 100;
	$handle = lc($handle // $name);
	$id //= account_id($handle);

	return $json->encode({ statusCode => 0, hasMorePrevious => JSON::PP::false }) if $name eq 'list';
	if ($name =~ /^\d+$/)
	{
		return html('webapp.video-detail' => {
			statusCode => 0,
			itemInfo => { itemStruct => {
				id => ($handle eq $name ? $name : '7000000000000000001'),
				desc => "Synthetic goat $name",
				createTime => '1771567930',
				author => { id => '7100000000000000123', uniqueId => 'billy.the.goat', secUid => 'MS4wLjABAAAA' . 'g' x 64 },
				statsV2 => { playCount => "$count", diggCount => '7', commentCount => '3', shareCount => '2', collectCount => '1' },
				video => { duration => 9, cover => 'https://img.example.test/c.jpeg' },
			} },
		});
	}
	return html('webapp.user-detail' => {
		statusCode => 0,
		userInfo => {
			user => { id => "$id", uniqueId => $handle, nickname => "Goat $handle", signature => 'Synthetic.',
				secUid => sprintf('MS4wLjABAAAA%064d', $id) },
			statsV2 => { followerCount => "$count", followingCount => '20', heartCount => '300', videoCount => '4' },
		},
	});
}

# The profile of goat7, or the list of its videos.
sub herd_page
{
	my ($name, $path) = @_;
	my ($number) = ($name eq 'list' ? $path =~ /secUid=\w{58}(\d{18})/ : $name =~ /^goat(\d+)$/) or return page($name);
	my $id = 7_000_000_000_000_000_000 + $number;
	$number += 0;
	return page($name, 1000 + $number, $name, $id) if $name ne 'list';

	return $json->encode({ statusCode => 0, hasMorePrevious => JSON::PP::false, itemList => [ map { {
		id => '' . (7_400_000_000_000_000_000 + 10 * $number + $_),
		desc => "Synthetic goat $number",
		createTime => 1771567930 - 3600 * $_,
		author => { id => "$id", uniqueId => "goat$number", secUid => sprintf('MS4wLjABAAAA%064d', $id) },
		stats => { playCount => 1000 * $number + $_, diggCount => 10 * $number + $_, commentCount => $number, shareCount => $_, collectCount => 0 },
		video => { duration => 9, cover => 'https://img.example.test/c.jpeg' },
	} } 1, 2 ] });
}

sub account_id
{
	my $sum = 0;
	$sum = ($sum * 131 + ord) % 1_000_000_007 for split //, $_[0];
	return 7_000_000_000_000_000_000 + $sum;
}

sub html
{
	my (%scope) = @_;
	my $data = $json->encode({ __DEFAULT_SCOPE__ => {%scope} });
	return qq(<!DOCTYPE html><html><head><title>Synthetic</title></head><body>)
	  . qq(<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">$data</script></body></html>\n);
}

sub slurp
{
	open my $file, '<:raw', $_[0] or die "$_[0]: $!\n";
	local $/;
	return scalar <$file>;
}
