# read_page against an independent reading of the same files: every page of
# test/fixtures, and the real captures where they are at hand.  The reading
# here shares nothing with the C code: a regular expression, JSON::PP, and the
# paths that TikTok's pages are known to have.

use strict;
use warnings;

use FindBin;
use JSON::PP ();
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = $ENV{TRACKAGOAT_SOURCE} // "$FindBin::RealBin/../..";
my $captures = $ENV{TRACKAGOAT_CAPTURES} // "$source/../shared/captures";
my $json = JSON::PP->new->utf8;
my $numbers = 0;

my $node = PostgreSQL::Test::Cluster->new('page');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION trackagoat');

# --- the two readings --------------------------------------------------------

# What read_page says of a file.
sub says
{
	my ($file) = @_;
	my $quoted = $file =~ s/'/''/gr;

	return normal($json->decode($node->safe_psql('postgres',
		"SELECT trackagoat.read_page(pg_read_binary_file('$quoted'))")));
}

# Booleans as 1 and 0, so that both readings write them alike.
sub normal
{
	my ($value) = @_;

	return [ map { normal($_) } @$value ] if ref $value eq 'ARRAY';
	return { map { $_ => normal($value->{$_}) } keys %$value } if ref $value eq 'HASH';
	return JSON::PP::is_bool($value) ? ($value ? 1 : 0) : $value;
}

# What the file says by our own reading: source, account, videos.
sub reads
{
	my ($body) = @_;
	my ($universal, $frontity, $sigi) =
	  map { $body =~ m{<script\b[^<]*?\bid=["']?$_\b[^<>]*>(.*?)</script>}s ? $1 : undef }
	  qw(__UNIVERSAL_DATA_FOR_REHYDRATION__ __FRONTITY_CONNECT_STATE__ SIGI_STATE);

	return reads_api($json->decode($body)) if $body =~ /^\s*\{/;
	return reads_embed($json->decode($frontity)->{source}{data}) if defined $frontity;
	return reads_sigi($json->decode($sigi)) if defined $sigi;

	my $scope = $json->decode($universal)->{__DEFAULT_SCOPE__};
	my $video = $scope->{'webapp.video-detail'} // $scope->{'webapp.reflow.video.detail'};

	if ($video)
	{
		my $item = $video->{itemInfo}{itemStruct};
		return { source => 'video_page', account => account($item->{author}), videos => [ item($item) ] };
	}
	my $info = $scope->{'webapp.user-detail'}{userInfo};
	return {
		source => 'profile_page',
		account => account($info->{user}, $info->{statsV2}, $info->{stats}),
		videos => [],
	};
}

sub reads_api
{
	my ($data) = @_;

	if ($data->{embed_type})
	{
		my $video = item({
			id => $data->{embed_product_id},
			desc => $data->{title},
			author => $data->{author_unique_id},
			video => { cover => $data->{thumbnail_url} },
			imagePost => $data->{embed_type} eq 'photo',
		});
		return {
			source => 'oembed',
			account => account({ uniqueId => $data->{author_unique_id}, nickname => $data->{author_name} }),
			videos => [$video],
		};
	}

	my %seen;
	my @items = @{ $data->{itemList} // [] };
	my @good = grep { ($_->{id} // '') =~ /^[1-9]/ && !$seen{ $_->{id} }++ } @items;
	# pinned posts come first, and real lists do not always mark them
	my @times = map { $_->{createTime} } grep { !$_->{isPinnedItem} } @good;
	my ($author) = grep { defined } map { $_->{author} } @items;
	my $more = $data->{hasMorePrevious} // $data->{hasMore};

	return {
		source => 'item_list',
		account => account($author),
		videos => [ map { item($_) } @good ],
		next => (defined $more || @times
			? normal({ cursor => @times ? $times[-1] * 1000 : undef, has_more => $more })
			: undef),
	};
}

sub reads_embed
{
	my ($data) = @_;
	my ($profile) = map { $data->{$_} } grep { m{^/embed/\@} } keys %$data;
	my ($video) = map { $data->{$_}{videoData} } grep { m{^/embed/v2/} } keys %$data;

	if ($video)
	{
		my ($info, $author) = @$video{qw(itemInfos authorInfos)};
		my $item = item({
			id => $info->{id},
			desc => $info->{text},
			createTime => $info->{createTime},
			author => $author->{uniqueId},
			stats => $info,
			video => { cover => $info->{covers}[0], duration => $info->{video}{videoMeta}{duration} },
			imagePost => $video->{imagePostInfo},
		});
		return {
			source => 'embed_video',
			account => account({ uniqueId => $author->{uniqueId}, nickname => $author->{nickName}, secUid => $author->{secUid} }),
			videos => [$item],
		};
	}

	my $user = $profile->{userInfo};
	return {
		source => 'embed_profile',
		account => account({ %$user, avatarLarger => $user->{avatarThumbUrl} }, undef, $user),
		videos => [
			map {
				item({
					id => $_->{id},
					desc => $_->{desc},
					author => $_->{authorUniqueId},
					stats => { playCount => $_->{playCount} },
					video => { cover => $_->{coverUrl}, originCover => $_->{originCoverUrl} },
				})
			} @{ $profile->{videoList} }
		],
	};
}

sub reads_sigi
{
	my ($data) = @_;
	my ($handle) = keys %{ $data->{UserModule}{users} };

	return {
		source => 'profile_page',
		account => account($data->{UserModule}{users}{$handle}, undef, $data->{UserModule}{stats}{$handle}),
		videos => [ map { item($_) } grep { $_->{author} eq $handle } values %{ $data->{ItemModule} } ],
	};
}

# A number as TikTok writes it, from the first place that has it.
sub number
{
	for my $value (@_)
	{
		next unless defined $value && $value =~ /^[0-9]+$/;
		next if length $value > 18 && $value > 9223372036854775807;
		$numbers++;
		return $value;
	}
	return undef;
}

# A text from the first place that has one.
sub text
{
	for my $value (@_)
	{
		return $value if defined $value && $value ne '';
	}
	return undef;
}

sub account
{
	my ($user, $exact, $rounded) = @_;

	return undef unless $user;
	return normal({
		id => number($user->{id}),
		sec_uid => text($user->{secUid}),
		tiktok_handle => text($user->{uniqueId}),
		display_name => $user->{nickname},
		bio => $user->{signature},
		avatar_url => text(@$user{qw(avatarLarger avatarMedium avatarThumb)}),
		verified => $user->{verified},
		private => $user->{privateAccount} // $user->{secret},
		follower_count => number($exact->{followerCount}, $rounded->{followerCount}),
		following_count => number($exact->{followingCount}, $rounded->{followingCount}),
		total_likes_count => number($exact->{heartCount}, $exact->{heart}, $rounded->{heartCount}, $rounded->{heart}),
		video_count => number($exact->{videoCount}, $rounded->{videoCount}),
	});
}

sub item
{
	my ($item) = @_;
	my ($exact, $rounded, $video, $photo) = @$item{qw(statsV2 stats video imagePost)};
	my $time = number($item->{createTime});
	my %seen;

	return normal({
		tiktok_video_id => number($item->{id}),
		tiktok_handle => text(ref $item->{author} ? $item->{author}{uniqueId} : $item->{author}),
		title => $item->{desc},
		posted_at => $time ? strftime('%Y-%m-%dT%H:%M:%S+00:00', gmtime $time) : undef,
		kind => $photo ? 'photo' : 'video',
		view_count => number($exact->{playCount}, $rounded->{playCount}),
		like_count => number($exact->{diggCount}, $rounded->{diggCount}),
		comment_count => number($exact->{commentCount}, $rounded->{commentCount}),
		share_count => number($exact->{shareCount}, $rounded->{shareCount}),
		save_count => number($exact->{collectCount}, $rounded->{collectCount}),
		duration => number($video->{duration}),
		thumbnail_url => text(
			ref $photo && $photo->{cover}{imageURL}{urlList}[0],
			ref $photo && $photo->{images}[0]{imageURL}{urlList}[0],
			$video->{cover}, $video->{originCover}),
		is_pinned => $item->{isPinnedItem},
		is_ad => $item->{isAd},
		hashtags => [
			grep { $_ ne '' && !$seen{ lc $_ }++ }
			  (map { $_->{hashtagName} // '' } @{ $item->{textExtra} // [] }),
			(map { $_->{title} // '' } @{ $item->{challenges} // [] })
		],
	});
}

# --- comparing ------------------------------------------------------------------

# A page that is not ok shows no numbers.
sub check_refused
{
	my ($file, $outcome, $name) = @_;
	my $said = says($file);
	my @counts = grep { defined } map { $said->{account}{$_} } grep { /_count$/ } keys %{ $said->{account} // {} };

	is($said->{outcome}, $outcome, "$name: $outcome");
	is_deeply([ @counts, @{ $said->{videos} }, $said->{next} ], [undef], "$name: shows no numbers");
}

# A good page says what our own reading says, in every field.
sub check_good
{
	my ($file, $name) = @_;
	my $said = says($file);
	my $read = reads(slurp_file($file));

	is($said->{outcome}, 'ok', "$name: ok");
	is($said->{source}, $read->{source}, "$name: $read->{source}");
	is_deeply($said->{account}, $read->{account}, "$name: account");
	is_deeply(by_id($said->{videos}), by_id($read->{videos}), "$name: " . @{ $read->{videos} } . ' videos');
	is_deeply($said->{next}, $read->{next}, "$name: next page");
	return $said;
}

sub by_id
{
	return [ sort { $a->{tiktok_video_id} <=> $b->{tiktok_video_id} } @{ $_[0] } ];
}

# --- the fixtures ------------------------------------------------------------------

my @fixtures = glob "$source/test/fixtures/pages/*/*";
cmp_ok(scalar @fixtures, '>', 60, 'the fixtures are there');
for my $file (@fixtures)
{
	my ($outcome, $name) = $file =~ m{([^/]+)/([^/]+)$};

	if ($outcome ne 'ok')
	{
		check_refused($file, $outcome, $name);
	}
	elsif ($name eq 'profile_hostile_text.html')
	{
		my $said = says($file);
		is($said->{account}{follower_count}, 38490, "$name: numbers survive");
		is($said->{account}{display_name}, "Billy\x{FFFD}\x{FFFD} Goat \x{FFFD}", "$name: escapes");
		is($said->{account}{bio}, "bad   byte ?x\nThen ??( videos.", "$name: bytes");
	}
	else
	{
		check_good($file, $name);
	}
}

is(says("$source/test/fixtures/pages/ok/profile.html")->{exact}, 1, 'statsV2 is exact');
is(says("$source/test/fixtures/pages/ok/profile_stats_only.html")->{exact}, 0, 'stats are rounded');
is(says("$source/test/fixtures/pages/ok/embed_profile.html")->{exact}, 0, 'embed pages are rounded');
is_deeply(
	says("$source/test/fixtures/pages/ok/item_list.json")->{next},
	{ cursor => (1771567930 - 13 * 93133) * 1000, has_more => 1 },
	'a pinned post does not count for the next cursor');

# --- the made site -------------------------------------------------------------------

my $site = PostgreSQL::Test::Utils::tempdir;
system_or_bail($^X, "$source/test/fixtures/make_site.pl", $site, '--now=1771600000');
my $manifest = $json->decode(slurp_file("$site/manifest.json"));
for my $creator (@{ $manifest->{creators} })
{
	my $said = check_good("$site/profile/$creator->{handle}.html", $creator->{handle});
	is($said->{account}{follower_count}, $creator->{followers}, "$creator->{handle}: followers of the manifest");
	check_good("$site/embed/\@$creator->{handle}.html", "embed of $creator->{handle}");

	# the pages lead from one to the next, to every post
	my %posts;
	for (my $page = 'first'; $page;)
	{
		my $list = check_good("$site/item_list/$creator->{sec_uid}/$page.json", "$creator->{handle}, posts from $page");
		$posts{ $_->{tiktok_video_id} } = $_->{view_count} for @{ $list->{videos} };
		$page = $list->{next}{has_more} && $list->{next}{cursor};
	}
	is_deeply(\%posts, { map { $_->{id} => $_->{views} } @{ $creator->{videos} } }, "$creator->{handle}: all posts of the manifest");
	check_good("$site/video/$creator->{videos}[4]{id}.html", "a photo of $creator->{handle}");
	check_good("$site/embed/v2/$creator->{videos}[4]{id}.html", "its embed");
	check_good("$site/oembed/$creator->{videos}[4]{id}.json", "its oEmbed");
}
for my $handle (sort keys %{ $manifest->{failures} })
{
	my $file = "$site/profile/$handle.html";
	check_refused($file, $manifest->{failures}{$handle}, $handle) if -e $file;
}

# --- the captures -----------------------------------------------------------------------

SKIP:
{
	skip "no captures in $captures: set TRACKAGOAT_CAPTURES", 1 unless -d "$captures/html";

	my $before = $numbers;
	check_good($_, s{.*/}{}r) for glob "$captures/html/{profile,video}/*.html $captures/json/oembed_*.json";
	check_refused($_, 'shell', s{.*/}{}r) for glob "$captures/html/shell/*.html";
	check_refused($_, /captcha/ ? 'captcha' : 'challenged', s{.*/}{}r) for glob "$captures/html/challenge/*.html";

	# lists of items and profiles, in the envelope that TikTok gives them
	for my $file (glob "$captures/json/{scrapfly_channel,scrapfly_posts,scrapfly_search,item_list}_*.json")
	{
		my $items = $json->decode(slurp_file($file));

		$items = $items->{data} if ref $items eq 'HASH';
		check_wrapped({ statusCode => 0, itemList => $items, hasMorePrevious => JSON::PP::true }, '%s', $file);
	}
	for my $file (glob "$captures/json/scrapfly_profiles_*.json")
	{
		my $detail = { userInfo => $json->decode(slurp_file($file))->[0], statusCode => 0 };

		check_wrapped({ __DEFAULT_SCOPE__ => { 'webapp.user-detail' => $detail } },
			'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__">%s</script>', $file);
	}
	note($numbers - $before . ' numbers of the captures compared');
	cmp_ok($numbers - $before, '>', 1000, 'the captures hold numbers');
}

# Checks data of a capture, wrapped and written to a file of our own.
sub check_wrapped
{
	my ($data, $form, $capture) = @_;
	my $file = "$site/wrapped";

	append_to_file($file, sprintf $form, $json->encode($data));
	check_good($file, $capture =~ s{.*/}{}r);
	unlink $file;
}

$node->stop;
done_testing();
