# From INSERT to the number: the worker on the synthetic site, every number
# against its manifest, and what it does when the host misbehaves.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use TrackagoatTest;

my ($site, $manifest) = make_site();
my %account = map { $_->{handle} => $_ } @{ $manifest->{creators} };
my $nginx = start_nginx($site);
my $host = start_fault_server();
my $node = new_node('scrape', url => $nginx->{url});

my ($status, $out, $err);
setup_database($node);

sub sql { return $node->safe_psql('postgres', @_) }

# All that is queued has been dealt with, but lists that wait for their profile.
sub wait_for_idle
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return wait_for_answer($node, 20, q(SELECT count(*) FROM trackagoat.scrape_job WHERE leased_until IS NOT NULL
		OR (due_at <= now() AND NOT awaits_profile)),
		'0', $name);
}

# Nothing is tracked, queued or tried any more.
sub start_over
{
	sql("DELETE FROM trackagoat.$_") for qw(organization scrape_job scrape_attempt scrape_host);
	return;
}

# Settings that hold from now on.
sub reload
{
	my (%settings) = @_;
	my ($setting, $value) = %settings;
	$node->append_conf('postgresql.conf', "trackagoat.$_ = '$settings{$_}'") for sort keys %settings;
	$node->reload;
	wait_for_answer($node, 5, "SHOW trackagoat.$setting", $value, "trackagoat.$setting is $value");
	return;
}

# --- woken at commit -----------------------------------------------------------

sql(q(CALL public.goats('waker', 'pygmy.goats')));
my $start = time;
wait_for_answer($node, 5, 'SELECT follower_count FROM trackagoat.creator', $account{'pygmy.goats'}{followers}, 'a profile is fetched');
cmp_ok(time - $start, '<', 2, sprintf 'at once: %.2f s after the commit', time - $start);
wait_for_idle('and its videos are listed');
start_over();

# --- two organizations, the same accounts ----------------------------------------

# What is tracked: organization, zone, handle as written, account, days back, mode.
my @tracked = (
	[ 'kiwi', 14 * 3600, 'Mountain.Goat', 'mountain.goat', 60, 'auto' ],
	[ 'kiwi', 14 * 3600, 'https://www.tiktok.com/@GoatYoga?lang=en', 'goatyoga', 30, 'selective' ],
	[ 'kiwi', 14 * 3600, '@the.goat.farm', 'the.goat.farm', 0, 'auto' ],
	[ 'utc', 0, '@mountain.goat', 'mountain.goat', 3000, 'selective' ],
	[ 'utc', 0, 'GOATYOGA', 'goatyoga', 45, 'auto' ],
	[ 'utc', 0, 'https://m.tiktok.com/@goat_milk_soap/', 'goat_milk_soap', 3000, 'auto' ],
);
my %zone = (kiwi => 'Pacific/Kiritimati', utc => 'UTC');

# The day on which it is then in a zone that is so many seconds ahead.
sub day { return strftime('%Y-%m-%d', gmtime($_[0] + $_[1])) }

sql(join '', map { "INSERT INTO trackagoat.organization (name, timezone) VALUES ('$_', '$zone{$_}');\n" } sort keys %zone);
sql('INSERT INTO trackagoat.project (org_id, name) SELECT id, name FROM trackagoat.organization');
sql(join '', "BEGIN;\n", (map {
	my ($org, $ahead, $written, $handle, $back, $mode) = @$_;
	my $from = $back ? sprintf("'%s'", day($manifest->{now} - $back * 86400, $ahead)) : 'NULL';
	"INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_mode, tracking_start_date)
		SELECT id, trackagoat.parse_handle('$written'), '$mode', $from FROM trackagoat.project WHERE name = '$org';\n"
} @tracked), "COMMIT;\n");
wait_for_idle('everything has been fetched');
is(sql(q(SELECT string_agg(DISTINCT outcome, ',') FROM trackagoat.scrape_attempt)), 'ok', 'every attempt is good');

# What must be there, by the manifest.
my (%wanted_from, @expected_creators, @expected_videos);
for my $row (@tracked)
{
	my ($org, $ahead, $written, $handle, $back, $mode) = @$row;
	my $account = $account{$handle};
	my $from = day($back ? $manifest->{now} - $back * 86400 : time, $ahead);
	my $midnight = (map { $_ - $ahead } grep { day($_, 0) eq $from } map { $_ * 86400 } int(time / 86400) - 3100 .. int(time / 86400) + 1)[0];

	$wanted_from{$handle} = $midnight if !$wanted_from{$handle} || $midnight < $wanted_from{$handle};
	push @expected_creators, join '|', $org, $handle, @$account{qw(id sec_uid name followers following likes posts)};
	push @expected_videos, join '|', $org, $handle, $_->{id}, $_->{created}, $_->{photo} ? 'photo' : 'video',
	  $mode eq 'auto' ? 'auto_tracked' : 'pending_review', @$_{qw(views likes comments shares saves title)}
	  for grep { day($_->{created}, $ahead) ge $from } @{ $account->{videos} };
}
my $creators = q(SELECT concat_ws('|', o.name, lower(c.tiktok_handle::text), c.tiktok_account_id, c.tiktok_sec_uid, c.display_name,
		c.follower_count, c.following_count, c.total_likes_count, c.video_count)
	FROM trackagoat.creator c JOIN trackagoat.organization o ON o.id = c.org_id ORDER BY 1);
my $videos = q(SELECT concat_ws('|', o.name, lower(c.tiktok_handle::text), v.tiktok_video_id, extract(epoch FROM v.posted_at)::bigint,
		v.kind, v.tracking_status, v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count, v.title)
	FROM trackagoat.video v JOIN trackagoat.creator c ON c.id = v.creator_id JOIN trackagoat.organization o ON o.id = v.org_id
	WHERE o.name IN ('kiwi', 'utc') ORDER BY 1);
my $expected_creators = join "\n", sort map { utf8::encode(my $line = $_); $line } @expected_creators;
my $expected_videos = join "\n", sort @expected_videos;
is(sql($creators), $expected_creators, 'every creator has exactly the numbers of the manifest');
is(sql($videos), $expected_videos,
	@expected_videos . ' videos: those of each tracking period, once each, by their mode, with exactly the numbers of the manifest');
cmp_ok(scalar @expected_videos, '>', 150, 'which are many');
like($expected_videos, qr/\|2300000000\|/, 'and some large');

# --- how much was asked -----------------------------------------------------------

# Pages of 15, the first with the pinned posts, the others beginning where the one before ended.
sub pages_needed
{
	my ($handle) = @_;
	my @videos = @{ $account{$handle}{videos} };
	my @left = grep { !$_->{pinned} } @videos;
	my $room = 15 - (@videos - @left);
	my $pages = 0;

	while (1)
	{
		my @page = splice @left, 0, $room;
		$pages++;
		last if !@left || $page[-1]{created} < $wanted_from{$handle};
		$room = 14;
	}
	return $pages;
}
for my $handle (sort keys %wanted_from)
{
	is(scalar $nginx->requests(qr{^/\@$handle$}i), 1, "one request serves every creator that is $handle");
	is(scalar $nginx->requests(qr{/item_list/.*secUid=$account{$handle}{sec_uid}&}), pages_needed($handle),
		"its posts are listed back to the tracking start and no further");
}

# --- again --------------------------------------------------------------------------

my $again = sql(q(SELECT date_trunc('second', clock_timestamp())));
my $lists = $nginx->requests(qr{/item_list/});
sql(q(SELECT trackagoat.scrape_creator(c.id) FROM trackagoat.creator c));
wait_for_idle('every creator is scraped again');
is(sql($videos), $expected_videos, 'nothing came twice');
is(sql($creators), $expected_creators, 'no number has changed');
# within one second it is the same observation
is(sql("SELECT count(DISTINCT s.creator_id) FROM trackagoat.creator_snapshot s JOIN trackagoat.creator c ON c.id = s.creator_id WHERE s.observed_at >= '$again'"),
	scalar @tracked, 'each creator was observed again');
is($nginx->requests(qr{/item_list/}) - $lists, scalar keys %wanted_from, 'what was listed before is not listed again');

# --- videos by URL --------------------------------------------------------------------

my ($video) = grep { !$_->{photo} } @{ $account{nannygoat_diaries}{videos} };
my ($photo) = grep { $_->{photo} } @{ $account{nannygoat_diaries}{videos} };
my ($known) = @{ $account{'mountain.goat'}{videos} }[-2];
sql(join '', map { "INSERT INTO trackagoat.video (project_id, tiktok_video_id)
	SELECT id, (trackagoat.parse_video_url('https://www.tiktok.com/\@nannygoat_diaries/video/$_->{id}')).tiktok_video_id
	FROM trackagoat.project WHERE name = 'kiwi';\n" } $video, $photo, $known);
wait_for_idle('videos added by URL are fetched');
is(sql(q(SELECT concat_ws('|', coalesce(c.tiktok_handle::text, 'nobody'), v.tiktok_handle, v.tiktok_video_id, v.kind, v.tracking_status,
		v.view_count,
		v.like_count, v.comment_count, v.share_count, v.save_count, extract(epoch FROM v.posted_at)::bigint)
	FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id WHERE v.tracking_status = 'direct_add'
	ORDER BY v.tiktok_video_id)),
	join("\n", map { join '|', $_ == $known ? ('Mountain.Goat', 'mountain.goat') : ('nobody', 'nannygoat_diaries'), $_->{id},
		$_->{photo} ? 'photo' : 'video', 'direct_add', @$_{qw(views likes comments shares saves created)} }
		sort { $a->{id} <=> $b->{id} } $video, $photo, $known),
	'with the numbers of the manifest, and their creator if the project has him');
sql('INSERT INTO trackagoat.video (project_id, tiktok_video_id) SELECT id, 7000000000000000001 FROM trackagoat.project LIMIT 1');
wait_for_answer($node, 5, q(SELECT outcome FROM trackagoat.scrape_attempt WHERE tiktok_video_id = 7000000000000000001), 'not_found',
	'one that does not exist says so');

# --- the clock ---------------------------------------------------------------------------

# in a transaction that ends in nothing, as what is queued is fetched at once
my ($early, $queued, $listed, $again_queued, $rest, $expected, $left, $later) = split /\n/, sql(q(
	BEGIN;
	SELECT trackagoat.enqueue_due(now() + '2 hours 50 minutes');
	SELECT trackagoat.enqueue_due(now() + '9 hours');
	SELECT count(*) FROM trackagoat.scrape_job WHERE kind = 'discover_videos' AND due_at <= now();
	SELECT trackagoat.enqueue_due(now() + '9 hours');
	SELECT trackagoat.enqueue_due(now() + '36 hours');
	SELECT count(*) FROM trackagoat.scrape_job WHERE last_outcome IS DISTINCT FROM 'not_found';
	SELECT count(*) FROM trackagoat.scrape_job WHERE due_at IS NULL;
	SELECT count(*) FROM trackagoat.scrape_job WHERE due_at > now() AND last_outcome IS DISTINCT FROM 'not_found';
	ROLLBACK;));
is($early, '0', 'nothing is due before half its interval has passed');
is($listed, scalar keys %wanted_from, 'after one and a half the lists are');
is($again_queued, '0', 'once');
is("$left " . ($queued + $rest), "0 $expected", 'then the rest');
is($later, '0', 'to be fetched now');

# --- handles that fail -----------------------------------------------------------------------

my $failures = $manifest->{failures};
my $outcomes = q(SELECT string_agg(lower(tiktok_handle::text) || ' ' || outcome, ', ' ORDER BY lower(tiktok_handle::text) COLLATE "C")
	FROM trackagoat.scrape_attempt WHERE id IN (SELECT max(id) FROM trackagoat.scrape_attempt
		WHERE kind = 'creator_profile' GROUP BY tiktok_handle) AND outcome <> 'ok');

start_over();
plain_failures($node);
sql(sprintf q{CALL public.goats('failing', %s)}, join ', ', map { "'$_'" } sort keys %$failures);
wait_for_idle('handles that fail');
is(sql($outcomes), join(', ', map { "$_ $failures->{$_}" } sort keys %$failures), 'have the outcome of the manifest');
is(sql('SELECT count(*) FROM trackagoat.creator WHERE num_nonnulls(follower_count, following_count, total_likes_count, video_count) > 0'),
	'0', 'and no numbers, not even 0');
is(sql(q(SELECT count(*) FROM trackagoat.scrape_attempt WHERE kind <> 'creator_profile')), '0', 'no list is asked for');
is(sql(q(SELECT count(*) FROM trackagoat.scrape_job WHERE due_at > now())), scalar keys %$failures, 'all are to be tried again');
is(sql(q(SELECT http_status || ' ' || detail FROM trackagoat.scrape_attempt WHERE tiktok_handle = 'login_goat')),
	"302 $nginx->{url}/login", 'where a redirect leads is noted');

# --- growing distances -------------------------------------------------------------------------

for my $attempt (2 .. 4)
{
	sql(q(UPDATE trackagoat.scrape_job SET due_at = now() WHERE tiktok_handle = 'broken_goat' AND kind = 'creator_profile'));
	wait_for_answer($node, 5, q(SELECT max(attempt) FROM trackagoat.scrape_attempt 
		WHERE tiktok_handle = 'broken_goat' AND finished_at IS NOT NULL),
		$attempt, "attempt $attempt");
}
my @distances = split /\n/, sql(q(SELECT extract(epoch FROM next_attempt_at - finished_at) / 300 FROM trackagoat.scrape_attempt
	WHERE tiktok_handle = 'broken_goat' ORDER BY id));
ok($distances[$_] >= 2**$_ * 0.99 && $distances[$_] <= 2**$_ * 1.21,
	sprintf 'pause %d is about %d times the first: %.2f', $_ + 1, 2**$_, $distances[$_])
  for 0 .. 3;

# --- numbers stay after a block --------------------------------------------------------------------

my $pages = source_dir() . '/test/fixtures/pages';
my %behaviours = (
	wrong => [ 'wrong', 'unreadable' ],
	stranger => [ 'stranger', 'account_changed' ],
	garbage => [ 'garbage', 'unreadable' ],
	empty => [ 'empty', 'refused_empty' ],
	error500 => [ 'status 500', 'server_error' ],
	error503 => [ 'status 503', 'server_error' ],
	error403 => [ 'status 403', 'blocked' ],
	error404 => [ 'status 404', 'not_found' ],
	error451 => [ 'status 451', 'regional' ],
	error418 => [ 'status 418', 'unreadable' ],
	limited => [ 'limited 2', 'rate_limited' ],
	login => [ 'redirect /login', 'login_required' ],
	elsewhere => [ 'redirect http://127.0.0.1:1/', 'redirected' ],
	hangup => [ 'hangup', 'unreachable' ],
	video => [ "file $pages/ok/video.html", 'unreadable' ],
	list => [ "file $pages/ok/item_list.json", 'unreadable' ],
	challenge => [ "file $pages/challenged/challenge.html", 'challenged' ],
	captcha => [ "file $pages/captcha/captcha.html", 'captcha' ],
	shell => [ "file $pages/shell/shell.html", 'shell' ],
	gone => [ "file $pages/not_found/profile_10221.html", 'not_found' ],
	cut => [ "file $pages/unreadable/truncated.html", 'unreadable' ],
);
start_over();
reload(base_url => $host->{url});
sql(sprintf q{CALL public.goats('blocked', %s)}, join ', ', map { "'goat_$_'" } sort keys %behaviours);
wait_for_answer($node, 10, q(SELECT string_agg(DISTINCT
	format('%s %s %s', follower_count, total_likes_count, display_name IS NOT NULL), ', ') FROM trackagoat.creator),
	'100 300 t', 'good pages first');
# what is noted of the account itself is not of its page
my $stored_query = q(SELECT string_agg((to_jsonb(c) - '{gone_days,gone_on,other_account_id}'::text[])::text, E'\n' ORDER BY id) FROM trackagoat.creator c);
my $stored = sql($stored_query);
wait_for_idle('and all is quiet');
$host->answers(map { ("goat_$_" => $behaviours{$_}[0]) } keys %behaviours);
sql(q(SELECT trackagoat.scrape_creator(c.id) FROM trackagoat.creator c));
wait_for_idle('then the host misbehaves');
is(sql($outcomes), join(', ', map { "goat_$_ $behaviours{$_}[1]" } sort keys %behaviours), 'each has its outcome');
is(sql($stored_query), $stored, 'what was stored is as it was');
is(sql('SELECT count(*) FROM trackagoat.creator_snapshot'), scalar keys %behaviours, 'without another observation');

# what a host says may be of any length and no text at all
$host->answers(talker1 => "redirect http://h\xff\xfest/\xc3\xa4", talker2 => 'redirect ' . '/goat' x 9999);
sql(q(CALL public.goats('talkers', 'talker1', 'talker2')));
wait_for_idle('redirects');
is(sql(q(SELECT string_agg(octet_length(detail) || left(detail, 16), ' ' ORDER BY tiktok_handle) FROM trackagoat.scrape_attempt
	WHERE tiktok_handle::text LIKE 'talker%')), "15http://h??st/?? 1000" . substr($host->{url}, 0, 16), 'it is noted as far as it can be');

# a list that is another account's
$host->answers(list => "file $pages/ok/item_list.json");
sql(q(CALL public.goats('lists', 'honest_goat')));
wait_for_answer($node, 5, q(SELECT outcome FROM trackagoat.scrape_attempt WHERE tiktok_handle = 'honest_goat' AND kind = 'discover_videos'),
	'unreadable', 'the list of another account is noticed');
is(sql('SELECT count(*) FROM trackagoat.video'), '0', 'and not stored');

# --- short links are looked up ------------------------------------------------------------------------

start_over();
$host->answers(list => 'ok', ZMgood => 'redirect https://www.tiktok.com/@goat_link/video/7526770564367748360?_r=1',
	ZTphoto => 'redirect https://www.tiktok.com/@goat_link/photo/7526770564367748361', ZMdead => 'redirect https://www.tiktok.com/?_r=1',
	ZMlogin => 'redirect https://www.tiktok.com/login?x=1', ZMpage => 'ok', 7526770564367748360 => 'ok 5', 7526770564367748361 => 'ok 6');
sql(q(CALL public.goats('linked', 'goat_link');
	CALL public.goats('other', 'goat_other')));
is(sql(q(SELECT string_agg(a.result, ' ' ORDER BY p.id, a.place) FROM trackagoat.project p, trackagoat.add_videos(p.id, ARRAY['https://vm.tiktok.com/ZMgood/',
	'https://www.tiktok.com/t/ZTphoto?x=1', 'http://VM.tiktok.com/ZMdead', 'vm.tiktok.com/ZMlogin', 'vt.tiktok.com/ZMpage']) a)),
	join(' ', ('queued') x 10), 'short links of two projects are queued');
wait_for_answer($node, 10, q(SELECT string_agg(DISTINCT format('%s %s', link, outcome), ', ') FROM trackagoat.scrape_attempt WHERE kind = 'video_link'),
	'vm.tiktok.com/ZMdead not_found, vm.tiktok.com/ZMgood ok, vm.tiktok.com/ZMlogin login_required, vt.tiktok.com/ZMpage unreadable, www.tiktok.com/t/ZTphoto ok',
	'and looked up');
is(sql(q(SELECT count(*) FROM trackagoat.scrape_attempt WHERE kind = 'video_link')), '5', 'once for both');
is(sql(q(SELECT string_agg(format('%s %s %s', v.tiktok_video_id - 7526770564367748360, v.tracking_status, coalesce(c.tiktok_handle::text, '-')), ', '
	ORDER BY v.tiktok_video_id, c.tiktok_handle) FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id)),
	'0 direct_add goat_link, 0 direct_add -, 1 direct_add goat_link, 1 direct_add -', 'the videos are there, one each and project, with their creator where it is');
is(sql(q(SELECT string_agg(DISTINCT format('%s %s', link, problem), ', ') FROM trackagoat.video_link)),
	'vm.tiktok.com/ZMdead dead_link, vm.tiktok.com/ZMlogin , vt.tiktok.com/ZMpage ', 'what led nowhere says so, what may yet waits');
wait_for_answer($node, 5, q(SELECT string_agg(view_count::text, ' ' ORDER BY view_count) FROM trackagoat.video), '5 5 6 6', 'and their counters are fetched');

# --- the host asks for patience ------------------------------------------------------------------------

start_over();
my $later = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + 7200));
$host->answers(list => 'ok', patient1 => 'limited 7200', patient2 => "limited $later", patient3 => 'limited 99999999999999999999',
	patient4 => 'limited 9223372036854775807', patient5 => 'limited -1', patient6 => 'limited soon');
my $worker = worker_pid($node);
sql(q(CALL public.goats('patient', 'patient1', 'patient2', 'patient3', 'patient4', 'patient5', 'patient6')));
wait_for_idle('Retry-After');
is(sql(q(SELECT bool_and(next_attempt_at - finished_at BETWEEN '119 minutes' AND '145 minutes')
	FROM trackagoat.scrape_attempt WHERE tiktok_handle IN ('patient1', 'patient2'))), 't', 'in seconds and as a date is waited for');
is(sql(q(SELECT count(*) FROM trackagoat.scrape_attempt WHERE outcome = 'rate_limited' AND next_attempt_at < now() + '2 days')), '6',
	'and without end, or senseless, is not');
is(worker_pid($node), $worker, 'the worker lives on');

sql(q(UPDATE trackagoat.scrape_outcome SET host_pause = '10 minutes' WHERE outcome = 'rate_limited'));
$host->answers(patient7 => 'limited 3600');
reload(max_parallel => 1);
sql(q(CALL public.goats('patient', 'patient7')));
wait_for_answer($node, 5, q(SELECT state || ' ' || round(extract(epoch FROM paused_until - now()) / 60) FROM trackagoat.worker_status()),
	'paused 60', 'the host is left alone for as long as it asks, if that is longer');
my $count = $host->requests;
sql(q(CALL public.goats('patient', 'unlucky1', 'unlucky2')));
my $now = sql('SELECT clock_timestamp()');
$node->reload;
wait_for_answer($node, 5, "SELECT active_at > '$now' FROM trackagoat.worker_status()", 't', 'the worker has seen new work');
is($host->requests - $count, 0, 'and asks nothing');
sql("SELECT pg_terminate_backend($worker)");
wait_for_answer($node, 10, qq(SELECT state FROM trackagoat.worker_status() WHERE pid <> $worker), 'paused', 'neither does the next worker');
($status, $out, $err) = $node->psql('postgres', 'CALL trackagoat.run_scrapes()');
like($err, qr/NOTICE: .*left alone until/, 'nor run_scrapes()');
is($host->requests - $count, 0, 'nothing was asked');
plain_failures($node);
sql(q(UPDATE trackagoat.scrape_host SET open_until = now()));
$node->reload;
wait_for_answer($node, 10, q(SELECT count(*) FROM trackagoat.creator WHERE follower_count = 100), '2', 'until the pause is taken away');

# --- pace ----------------------------------------------------------------------------------------------

wait_for_idle('quiet again');
$count = $host->requests;
$host->answers('*' => 'slow 0.2');
reload(max_parallel => 3);
sql(sprintf q{CALL public.goats('parallel', %s)}, join ', ', map { "'parallel$_'" } 1 .. 9);
wait_for_idle('nine slow accounts');
my @requests = ($host->requests)[ $count .. $host->requests - 1 ];
is(scalar @requests, 18, 'profile and list each');
my ($most) = sort { $b <=> $a } map { $_->{open} } @requests;
is($most, 3, 'as many at once as max_parallel says');

$host->answers('*' => 'ok');
reload(requests_per_minute => 300);
$count = $host->requests;
sql(sprintf q{CALL public.goats('paced', %s)}, join ', ', map { "'paced$_'" } 1 .. 8);
wait_for_idle('eight quick accounts');
@requests = ($host->requests)[ $count .. $host->requests - 1 ];
my $each = ($requests[-1]{time} - $requests[0]{time}) / (@requests - 1);
is(scalar @requests, 16, 'profile and list each');
ok($each > 0.14 && $each < 0.3, sprintf 'every 200 ms on average, as requests_per_minute says: %.0f ms', $each * 1000);
$node->stop('fast');

# --- without a worker ---------------------------------------------------------------------------------------

my $plain = new_node('plain', url => $nginx->{url}, conf => "shared_preload_libraries = ''");
($status, $out, $err) = $plain->psql('postgres', 'CREATE EXTENSION trackagoat; CALL trackagoat.setup()');
like($err, qr/NOTICE: .*shared_preload_libraries/, 'setup() says that the library is not preloaded');
$plain->safe_psql('postgres', <<'SQL');
SET search_path = trackagoat;
INSERT INTO organization (name) VALUES ('session');
INSERT INTO project (org_id, name) SELECT id, 'session' FROM organization;
INSERT INTO creator (project_id, tiktok_handle, tracking_start_date)
	SELECT id, h, '2015-01-01' FROM project, unnest('{pygmy.goats,gone_goat}'::handle[]) h;
SQL
is($plain->safe_psql('postgres', 'CALL trackagoat.run_scrapes(1); SELECT count(*) FROM trackagoat.scrape_attempt'), '1',
	'run_scrapes() makes so many attempts as it may');
is($plain->safe_psql('postgres', 'CALL trackagoat.run_scrapes(); SELECT count(*) FROM trackagoat.video'), $account{'pygmy.goats'}{posts},
	'and fetches what there is, in a session');
my $views = 0;
$views += $_->{views} for @{ $account{'pygmy.goats'}{videos} };
is($plain->safe_psql('postgres', q(SELECT sum(view_count) FROM trackagoat.video)), $views,
	'with the numbers of the manifest');
is($plain->safe_psql('postgres', q(SELECT string_agg(DISTINCT outcome, ', ' ORDER BY outcome) FROM trackagoat.scrape_attempt)),
	'not_found, ok', 'and the outcomes');
(undef, undef, $err) = $plain->psql('postgres', 'BEGIN; CALL trackagoat.run_scrapes(); COMMIT');
like($err, qr/cannot run inside a transaction block/, 'not in a transaction block');
(undef, undef, $err) = $plain->psql('postgres', 'CALL trackagoat.run_scrapes(0)');
like($err, qr/invalid_max_jobs/, 'not for nothing');
$plain->safe_psql('postgres', <<'SQL');
CREATE ROLE stranger LOGIN;
GRANT USAGE ON SCHEMA trackagoat TO stranger;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA trackagoat TO stranger;
SQL
(undef, undef, $err) = $plain->psql('postgres', 'CALL trackagoat.run_scrapes()', extra_params => [ '-U', 'stranger' ]);
like($err, qr/only the owner/, 'not for others than the owner');
$plain->stop('fast');

done_testing();
