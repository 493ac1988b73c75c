# Real pages, served by nginx and fetched by the worker: what is stored equals an
# independent reading of the same files, and stays after a block.  The captures
# stay outside of the project; where they are not at hand there is nothing to do.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use File::Copy qw(copy);
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $captures = captures_dir();
plan skip_all => 'no real captures at hand (TRACKAGOAT_CAPTURES)' unless $captures;

my $json = JSON::PP->new->utf8->allow_bignum;
my $site = PostgreSQL::Test::Utils::tempdir('captures');
my (%profiles, %videos);

# --- the independent reading -------------------------------------------------------

sub script
{
	my ($page, $id) = @_;
	return $page =~ m{<script\b[^>]*\bid="\Q$id\E"[^>]*>(.*?)</script>}s ? $json->decode($1) : undef;
}

# A count is a number or digits; what is not there is nothing.
sub count_of
{
	my ($name, @sources) = @_;
	return map { defined $_->{$name} && $_->{$name} =~ /^\d+$/ ? "$_->{$name}" : () } grep { defined } @sources;
}

sub read_profile
{
	my ($page) = @_;
	my $data = script($page, '__UNIVERSAL_DATA_FOR_REHYDRATION__');
	my ($user, @stats);

	if (my $info = $data && $data->{__DEFAULT_SCOPE__}{'webapp.user-detail'}{userInfo})
	{
		($user, @stats) = ($info->{user}, $info->{statsV2}, $info->{stats});
	}
	else
	{
		my $module = script($page, 'SIGI_STATE')->{UserModule};
		($user) = values %{ $module->{users} };
		@stats = values %{ $module->{stats} };
	}
	return {
		tiktok_handle => $user->{uniqueId},
		tiktok_account_id => "$user->{id}",
		tiktok_sec_uid => $user->{secUid},
		display_name => $user->{nickname},
		bio => $user->{signature},
		avatar_url => $user->{avatarLarger},
		is_verified => ($user->{verified} ? 'true' : 'false'),
		follower_count => (count_of('followerCount', @stats))[0],
		following_count => (count_of('followingCount', @stats))[0],
		total_likes_count => (count_of('heartCount', @stats), count_of('heart', @stats))[0],
		video_count => (count_of('videoCount', @stats))[0],
	};
}

sub read_video
{
	my ($page) = @_;
	my $scope = script($page, '__UNIVERSAL_DATA_FOR_REHYDRATION__')->{__DEFAULT_SCOPE__};
	my $item = ($scope->{'webapp.video-detail'} // $scope->{'webapp.reflow.video.detail'})->{itemInfo}{itemStruct};
	my @stats = @$item{qw(statsV2 stats)};

	return {
		tiktok_video_id => "$item->{id}",
		tiktok_handle => $item->{author}{uniqueId},
		title => $item->{desc},
		kind => ($item->{imagePost} ? 'photo' : 'video'),
		posted => "$item->{createTime}",
		view_count => (count_of('playCount', @stats))[0],
		like_count => (count_of('diggCount', @stats))[0],
		comment_count => (count_of('commentCount', @stats))[0],
		share_count => (count_of('shareCount', @stats))[0],
		save_count => (count_of('collectCount', @stats))[0],
	};
}

# --- a site of captures -------------------------------------------------------------

mkdir "$site/$_" for qw(profile video item_list);
for my $file (glob "$captures/html/profile/*.html")
{
	my $profile = read_profile(read_file($file));
	$profiles{ $profile->{tiktok_handle} } = $profile;
	copy($file, "$site/profile/$profile->{tiktok_handle}.html") or die "$file: $!\n";
}
for my $file (glob "$captures/html/video/*.html")
{
	my $video = read_video(read_file($file));
	$videos{ $video->{tiktok_video_id} } = $video;
	copy($file, "$site/video/$video->{tiktok_video_id}.html") or die "$file: $!\n";
}
my %refusals = (
	slardar_goat => [ 'challenge/slardar_waf_challenge_2026-03-30.html', 'challenged' ],
	captcha_goat => [ 'challenge/captcha_security_check_2026-04-15.html', 'captcha' ],
	discover_goat => [ 'shell/discover_2025-09-12.html', 'shell' ],
	nodetail_goat => [ 'shell/photo_url_no_detail_2025-12-27.html', 'shell' ],
);
copy("$captures/html/$refusals{$_}[0]", "$site/profile/$_.html") or die "$refusals{$_}[0]: $!\n" for keys %refusals;
write_file("$site/handles.map", join '', map { "\"~*^\Q$_\E\$\" \"$_\";\n" } keys %profiles, keys %refusals);
write_file("$site/item_list/unknown.json", '{"statusCode":0,"hasMorePrevious":false}');

cmp_ok(scalar keys %profiles, '>=', 7, 'profiles to read');
is(scalar keys %videos, 2, 'a video and a photo post to read');

my $nginx = start_nginx($site);
my $node = new_node('captures', url => $nginx->{url});
setup_database($node);
plain_failures($node);
$node->safe_psql('postgres', sprintf q{CALL public.goats('real', %s)}, join ', ', map { "'$_'" } sort(keys %profiles), sort keys %refusals);
$node->safe_psql('postgres', "INSERT INTO trackagoat.video (project_id, tiktok_video_id) SELECT id, $_ FROM trackagoat.project")
  for sort keys %videos;
my $open = q(SELECT count(*) FROM trackagoat.scrape_job WHERE leased_until IS NOT NULL
		OR (due_at <= now() AND NOT awaits_profile));
wait_for_answer($node, 15, $open, '0', 'all have been fetched');

# --- what is stored -------------------------------------------------------------------

# A row as the reading has it: everything text, what is absent undefined.
sub stored
{
	my ($table, $condition, @columns) = @_;
	my $row = $json->decode($node->safe_psql('postgres', sprintf
		q(SELECT jsonb_object_agg(key, value) FROM (SELECT (jsonb_each_text(to_jsonb(t) || jsonb_build_object('posted', %s))).*
			FROM trackagoat.%s t WHERE %s) x),
		$table eq 'video' ? 'extract(epoch FROM posted_at)::bigint' : 'NULL', $table, $condition));
	return { map { $_ => $row->{$_} } @columns };
}

sub stored_profile { return stored('creator', "tiktok_handle = '$_[0]'", keys %{ $profiles{ $_[0] } }) }
sub stored_video { return stored('video', "tiktok_video_id = $_[0]", keys %{ $videos{ $_[0] } }) }

is_deeply(stored_profile($_), $profiles{$_}, "profile $_: $profiles{$_}{follower_count} followers") for sort keys %profiles;
is_deeply(stored_video($_), $videos{$_}, "$videos{$_}{kind} $_: $videos{$_}{view_count} views") for sort keys %videos;
my $outcome = q(SELECT outcome FROM trackagoat.scrape_attempt WHERE tiktok_handle = '%s' AND kind = 'creator_profile' ORDER BY id DESC LIMIT 1);
is($node->safe_psql('postgres', sprintf $outcome, $_), $refusals{$_}[1], "$refusals{$_}[0]: $refusals{$_}[1]") for sort keys %refusals;

# --- a block changes nothing -------------------------------------------------------------

for my $refusal (sort keys %refusals)
{
	copy("$captures/html/$refusals{$refusal}[0]", "$site/profile/$_.html") or die "$_: $!\n" for keys %profiles;
	copy("$captures/html/$refusals{$refusal}[0]", "$site/video/$_.html") or die "$_: $!\n" for keys %videos;
	$node->safe_psql('postgres', q(SELECT trackagoat.scrape_creator(id) FROM trackagoat.creator));
	$node->safe_psql('postgres', q(SELECT trackagoat.scrape_video(id) FROM trackagoat.video));
	wait_for_answer($node, 15, $open, '0', "all have been fetched again, by $refusals{$refusal}[1]");
	is($node->safe_psql('postgres', q(SELECT string_agg(DISTINCT last_outcome, ', ') FROM trackagoat.scrape_job
		WHERE kind <> 'discover_videos' AND last_success_at IS NOT NULL)), $refusals{$refusal}[1], 'which is what came');
}
is_deeply(stored_profile($_), $profiles{$_}, "profile $_ is as it was") for sort keys %profiles;
is_deeply(stored_video($_), $videos{$_}, "$videos{$_}{kind} $_ is as it was") for sort keys %videos;
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM trackagoat.creator_history) + (SELECT count(*) FROM trackagoat.video_history)'),
	scalar(keys %profiles) + keys %videos, 'each has the one observation');
$node->stop('fast');

done_testing();
