#!/usr/bin/perl
#
# fault_server.pl DIR [ADDRESS]
#
# A TikTok that misbehaves on demand, for the worker's tests. Listens on a port
# of ADDRESS (127.0.0.1) that the kernel chooses, and prints it. What is asked
# for has a name:
#
#   HANDLE, ID, CODE            /@HANDLE, /@_/video/ID, /t/CODE
#   list:HANDLE                 the list of videos of a profile that was shown
#                               before, else and then "list"
#   embed:HANDLE, embed:ID      /embed/@HANDLE, /embed/v2/ID
#   oembed:ID                   /oembed?url=.../video/ID
#
# DIR/answers says how to answer, a line "NAME BEHAVIOUR ARGUMENTS" each, read
# anew for every request; "*" stands for all others, which are ok by default,
# but for embeds, which are bare:
#
#   ok [COUNT]          a page with so many followers or views (100), or a list
#                       of so many new videos (none)
#   set KEY JSON        the same, the list of two videos, but what is called KEY
#                       has this value
#   bare                an embed page without data; for oEmbed 400 and no body
#   slow SECONDS        ok, after a pause
#   herd SECONDS        the accounts goat1, goat2, ... within so many seconds:
#                       their numbers, and two videos in the list of each,
#                       follow from theirs
#   drip MILLISECONDS [BYTES]  ok, so many bytes (64) at a time
#   crawl MILLISECONDS  headers, then the page one byte at a time
#   nothing             the connection ends at once
#   hangup, reset       half of the page, then the connection ends, or is reset
#   length VALUE        ok, with this Content-Length
#   cut                 half of the page, as if it were all
#   pad KILOBYTES       ok, and so much white space
#   wrong               somebody else's page
#   stranger            the same handle, but another account's id
#   file PATH [CODE]    what the file holds
#   status CODE         that status
#   limited [VALUE]     429, with that Retry-After
#   redirect LOCATION [CODE]   302, or that status
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
use Socket qw(SOL_SOCKET SO_LINGER);
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
sub serve
{
	while (getppid == $parent) { serve_once() }
}

sub serve_once
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
	# closing without lingering resets it
	setsockopt $connection->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) if $connection->{reset};
	close $connection->{socket};
}

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
my %handle_of;					# by the secUid that its profile has shown

sub answer
{
	my ($connection) = @_;
	my ($line, @headers) = split /\r\n/, $connection->{request};
	# a proxy is asked for the whole URL
	my $path = (split / /, $line)[1] =~ s{^http://[^/]+}{}r;
	my $asked = asked($path);
	my ($behaviour, @arguments) = behaviour($asked);
	my $now = time;

	print $log $json->encode({
		time => $now,
		since => defined $last_request ? $now - $last_request : undef,
		path => $path,
		name => $asked->{name},
		behaviour => $behaviour,
		open => scalar(grep { $_->{answering} } values %connections),
		headers => { map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @headers },
	}), "\n";
	$last_request = $now;
	$connection->{reset} = $behaviour eq 'reset';
	$connection->{plan} = plan($asked, $behaviour, @arguments);
}

# What a path is for: its kind, its name, and whom or what it is about.
sub asked
{
	my ($path) = @_;
	return { kind => 'embed_profile', name => "embed:$1", target => $1, path => $path } if $path =~ m{^/embed/\@([^/?]+)};
	return { kind => 'embed_video', name => "embed:$1", target => $1, path => $path } if $path =~ m{^/embed/v2/(\d+)};
	return { kind => 'oembed', name => "oembed:$1", target => $1 } if $path =~ m{^/oembed\?.*(?:/|%2F)(?:video|photo)(?:/|%2F)(\d+)}i;
	return { kind => 'video', name => $1, target => $1 } if $path =~ m{^/\@[^/]*/video/(\d+)};
	return { kind => 'profile', name => $1, target => $1 } if $path =~ m{^/\@([^/?]+)} || $path =~ m{^/t/(\w+)};
	my ($sec_uid) = $path =~ /[?&]secUid=([\w-]+)/;
	my $handle = $handle_of{ $sec_uid // '' };
	return { kind => 'list', name => defined $handle ? "list:$handle" : 'list', target => $handle };
}

sub behaviour
{
	my ($asked) = @_;
	my %answers = ('*' => 'ok');

	if (open my $file, '<', "$dir/answers")
	{
		while (<$file>) { $answers{ lc $1 } = $2 if /^(\S+)\s+(.*?)\s*$/ }
	}
	my $else = $asked->{kind} =~ /embed/ ? 'bare' : $answers{'*'};
	$else = $answers{list} // $else if $asked->{kind} eq 'list';
	return split ' ', $answers{ lc $asked->{name} } // $else;
}

# The behaviours whose answer is made at once; the others are in plan().
my %answer = (
	ok => sub { my ($asked, $count) = @_; http(200, page($asked, $count)) },
	set => sub { my ($asked, $key, @value) = @_; http(200, page_with($asked, $key, "@value")) },
	bare => sub { my ($asked) = @_; $asked->{kind} eq 'oembed' ? http(400, '') : http(200, embed({})) },
	nothing => sub { '' },
	hangup => sub { broken_off(http(200, page($_[0]))) },
	reset => sub { broken_off(http(200, page($_[0]))) },
	length => sub { my ($asked, $value) = @_; http(200, page($asked), 'Content-Length' => $value) },
	cut => sub { http(200, half(page($_[0]))) },
	pad => sub { my ($asked, $size) = @_; http(200, page($asked) . ' ' x ($size << 10)) },
	wrong => sub { my ($asked) = @_; http(200, page($asked, undef, 'somebody_else')) },
	stranger => sub { my ($asked) = @_; http(200, page($asked, undef, $asked->{target}, 4711)) },
	file => sub { my ($asked, $path, $status) = @_; http($status // 200, slurp($path)) },
	status => sub { my ($asked, $status) = @_; http($status, "<html><body>$status</body></html>") },
	limited => sub { my ($asked, @value) = @_; http(429, 'slow down', @value ? ('Retry-After' => "@value") : ()) },
	redirect => sub { my ($asked, $location, $status) = @_; http($status // 302, '', Location => $location) },
	empty => sub { http(200, '') },
	garbage => sub { http(200, join '', map { chr(($_ * 7919 + 13) % 256) } 1 .. 5000) },
	bomb => sub { my ($asked, $size) = @_; http(200, memGzip("\0" x (($size // 64) << 20)), 'Content-Encoding' => 'gzip') },
);

# A plan is a list of [when, bytes]; bytes may be a function that makes more.
sub plan
{
	my ($asked, $behaviour, @arguments) = @_;
	my $now = time;
	my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";

	if (my $answer = $answer{$behaviour})
	{
		# what was sent before a reset arrives before it
		return [ [ $now, $answer->($asked, @arguments) ], [ $now + ($behaviour eq 'reset' ? 0.1 : 0), '' ] ];
	}
	return [ [ $now + $arguments[0], http(200, page($asked)) ] ] if $behaviour eq 'slow';
	return [ [ $now + rand $arguments[0], http(200, herd_page($asked)) ] ] if $behaviour eq 'herd';
	return drip($now, $arguments[0], $arguments[1] // 64, http(200, page($asked))) if $behaviour eq 'drip';
	return [ [ $now, $head ], @{ drip($now, $arguments[0], 1, page($asked)) } ] if $behaviour eq 'crawl';
	return [ [ $now, $head ], [ $now + 600, 'late' ] ] if $behaviour eq 'headers';
	return [ [ $now, "HTTP/1.1 200 OK\r\n" ], [ $now, sub { ('X-Goat: ' . 'm' x 1000 . "\r\n") x 60 } ] ] if $behaviour eq 'flood';
	return [ [ $now, $head ], [ $now, sub { "\0" x 65536 } ] ] if $behaviour eq 'endless';
	die "no behaviour $behaviour\n";
}

sub drip
{
	my ($when, $pause, $size, $bytes) = @_;
	return [ map { [ $when + $_ * $pause / 1000, substr $bytes, $_ * $size, $size ] } 0 .. (length($bytes) - 1) / $size ];
}

# The headers and half of what comes after them.
sub broken_off
{
	my ($head, $body) = $_[0] =~ /^(.*?\r\n\r\n)(.*)$/s;
	return $head . half($body);
}

sub half { return substr $_[0], 0, length($_[0]) / 2 }

sub http
{
	my ($status, $body, %headers) = @_;
	%headers = ('Content-Type' => 'text/html', 'Content-Length' => length $body, Connection => 'close', %headers);
	return "HTTP/1.1 $status Goat\r\n" . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n" . $body;
}

# --- pages ----------------------------------------------------------------------

# What was asked for, or, where they are given, of another account or video.
sub page
{
	my ($asked, $count, $handle, $id) = @_;
	return document($asked, data_of($asked, $count, $handle, $id));
}

# The same, where what is called $key is $value, which need not be JSON.
sub page_with
{
	my ($asked, $key, $value) = @_;
	my $data = data_of($asked, $asked->{kind} eq 'list' ? 2 : 100);
	my $mark = 'a value comes here';

	mark($data, $key, $mark);
	return document($asked, $data) =~ s/"$mark"/$value/gr;
}

sub mark
{
	my ($data, $key, $mark) = @_;
	if (ref $data eq 'ARRAY') { mark($_, $key, $mark) for @$data }
	return unless ref $data eq 'HASH';
	for (keys %$data)
	{
		if ($_ eq $key) { $data->{$_} = $mark }
		else { mark($data->{$_}, $key, $mark) }
	}
}

sub document
{
	my ($asked, $data) = @_;
	return $json->encode($data) if $asked->{kind} =~ /^(?:list|oembed)$/;
	return embed($data) if $asked->{kind} =~ /^embed/;
	return html(__UNIVERSAL_DATA_FOR_REHYDRATION__ => { __DEFAULT_SCOPE__ => $data });
}

sub data_of
{
	my ($asked, $count, $handle, $id) = @_;
	my $is_other = defined $handle;
	$handle = lc($handle // $asked->{target} // '');

	return list($id // account_id($handle), $handle, $count // ($is_other ? 1 : 0)) if $asked->{kind} eq 'list';
	$count //= 100;
	return profile($handle, $id // account_id($handle), $count) if $asked->{kind} eq 'profile';
	return embed_profile($asked->{path}, $handle, $id // account_id($handle), $count) if $asked->{kind} eq 'embed_profile';
	$id = $handle eq $asked->{target} ? $handle : '7000000000000000001';
	return { 'webapp.video-detail' => { statusCode => 0, itemInfo => { itemStruct => item($id, '1771567930', $count, billy()) } } }
	  if $asked->{kind} eq 'video';
	return embed_video($asked->{path}, $id, $count) if $asked->{kind} eq 'embed_video';
	return { version => '1.0', type => 'video', title => "Synthetic goat $id", author_unique_id => billy()->{uniqueId},
		embed_product_id => $id, embed_type => 'video', thumbnail_url => 'https://img.example.test/c.jpeg' };
}

# The id of an account follows from its handle, and its secUid from the id.
sub account_id
{
	my $sum = 0;
	$sum = ($sum * 131 + ord) % 1_000_000_007 for split //, $_[0];
	return 7_000_000_000_000_000_000 + $sum;
}

sub sec_uid { return sprintf 'MS4wLjABAAAA%064d', $_[0] }

# Who has made every video that is asked for by itself.
sub billy
{
	return { id => '7100000000000000123', uniqueId => 'billy.the.goat', secUid => 'MS4wLjABAAAA' . 'g' x 64 };
}

sub profile
{
	my ($handle, $id, $count) = @_;
	$handle_of{ sec_uid($id) } = $handle;
	return { 'webapp.user-detail' => {
		statusCode => 0,
		userInfo => {
			user => { id => "$id", uniqueId => $handle, nickname => "Goat $handle", signature => 'Synthetic.', secUid => sec_uid($id) },
			statsV2 => { followerCount => "$count", followingCount => '20', heartCount => '300', videoCount => '4' },
		},
	} };
}

sub item
{
	my ($id, $created, $count, $author) = @_;
	return {
		id => "$id",
		desc => "Synthetic goat $id",
		createTime => $created,
		author => $author,
		statsV2 => { playCount => "$count", diggCount => '7', commentCount => '3', shareCount => '2', collectCount => '1' },
		video => { duration => 9, cover => 'https://img.example.test/c.jpeg' },
	};
}

# Videos of one account, a minute apart, the newest of when we began.
sub list
{
	my ($id, $handle, $count) = @_;
	my $author = { id => "$id", uniqueId => $handle, secUid => sec_uid(account_id($handle)) };
	my @items = map { item(video_id($id, $count - $_), $^T - 60 * $_, 100, $author) } 0 .. $count - 1;

	return { statusCode => 0, hasMorePrevious => JSON::PP::false, @items ? (itemList => \@items) : () };
}

sub video_id { return 7_100_000_000_000_000_000 + $_[0] % 1_000_000_007 * 100_000 + $_[1] }

# Its latest two videos, by whose ids they are of when we began.
sub embed_profile
{
	my ($path, $handle, $id, $count) = @_;
	my @videos = map { { id => '' . (($^T - 60 * $_ << 32) + $id % 1_000_000_007), desc => "Synthetic goat $_", playCount => 90 } } 0, 1;
	return { $path => { isReady => JSON::PP::true, videoList => \@videos, userInfo => {
		id => "$id", uniqueId => $handle, nickname => "Goat $handle", signature => 'Synthetic.',
		followerCount => $count + 0, followingCount => 20, heartCount => 300, videoCount => 4 } } };
}

# The profile of goat7, or the list of its videos.
sub herd_page
{
	my ($asked) = @_;
	my ($number) = ($asked->{target} // '') =~ /^goat(\d+)$/ or return page($asked);
	my $id = 7_000_000_000_000_000_000 + $number;

	return page($asked, 1000 + $number, $asked->{target}, $id) if $asked->{kind} ne 'list';
	return $json->encode({ statusCode => 0, hasMorePrevious => JSON::PP::false, itemList => [ map { {
		id => '' . (7_400_000_000_000_000_000 + 10 * $number + $_),
		desc => "Synthetic goat $number",
		createTime => 1771567930 - 3600 * $_,
		author => { id => "$id", uniqueId => "goat$number", secUid => sec_uid($id) },
		stats => { playCount => 1000 * $number + $_, diggCount => 10 * $number + $_, commentCount => $number + 0, shareCount => $_, collectCount => 0 },
		video => { duration => 9, cover => 'https://img.example.test/c.jpeg' },
	} } 1, 2 ] });
}

sub embed_video
{
	my ($path, $id, $count) = @_;
	my $author = billy();
	return { $path => { videoData => {
		itemInfos => { id => "$id", text => "Synthetic goat $id", createTime => '1771567930', playCount => $count + 0,
			diggCount => 7, commentCount => 3, shareCount => 2, covers => ['https://img.example.test/c.jpeg'],
			video => { videoMeta => { duration => 9 } } },
		authorInfos => { uniqueId => $author->{uniqueId}, nickName => 'Billy', secUid => $author->{secUid} },
	} } };
}

sub embed { return html(__FRONTITY_CONNECT_STATE__ => { source => { data => $_[0] } }) }

sub html
{
	my ($id, $data) = @_;
	return '<!DOCTYPE html><html><head><title>Synthetic</title></head><body>'
	  . qq(<script id="$id" type="application/json">) . $json->encode($data) . "</script></body></html>\n";
}

sub slurp
{
	open my $file, '<:raw', $_[0] or die "$_[0]: $!\n";
	local $/;
	return scalar <$file>;
}

serve();
