# Where one source refuses, the next is asked: what comes of it, what is kept of it,
# and that the host is left alone for as long as it wants.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrackagoatTest;

my $pages = source_dir() . '/test/fixtures/pages';
my $host = start_fault_server();
my $node = new_node('sources', url => $host->{url});
setup_database($node);

sub sql { return $node->safe_psql('postgres', @_) }

sub wait_for_idle
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return wait_for_answer($node, 20, q(SELECT count(*) FROM trackagoat.scrape_job WHERE leased_until IS NOT NULL
		OR (due_at <= now() AND NOT awaits_profile)), '0', $name);
}

# What was asked of a target, in order, with its outcomes.
sub attempts
{
	my ($kind, $target) = @_;
	return sql("SELECT string_agg(source || ' ' || outcome, ', ' ORDER BY id) FROM trackagoat.scrape_attempt
		WHERE kind = '$kind' AND coalesce(tiktok_handle::text, tiktok_video_id::text) = '$target'");
}

# A creator's numbers, and where the last ones came from.
sub numbers
{
	my ($handle) = @_;
	return sql("SELECT concat_ws(' ', c.follower_count, c.following_count, c.total_likes_count, c.video_count, s.source, s.exact)
		FROM trackagoat.creator c JOIN trackagoat.creator_snapshot s ON s.creator_id = c.id
		WHERE c.tiktok_handle = '$handle' ORDER BY s.observed_at DESC LIMIT 1");
}

# --- a profile page without data: the embedded one ------------------------------------

$host->answers(shelly => "file $pages/shell/shell.html", 'embed:shelly' => 'ok 38500');
sql(q(WITH o AS (INSERT INTO trackagoat.organization (name) VALUES ('herd') RETURNING id),
	p AS (INSERT INTO trackagoat.project (org_id, name) SELECT id, 'herd' FROM o RETURNING id, org_id)
	INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle, tracking_start_date)
	SELECT p.org_id, p.id, 'shelly', current_date - 30 FROM p));
wait_for_idle('an account whose page comes without data');
is(attempts('creator_profile', 'shelly'), 'profile_page shell, embed_profile ok', 'is looked up embedded, at once');
is(numbers('shelly'), '38500 20 300 4 embed_profile f', 'with its numbers, which are noted as rounded');
is(attempts('discover_videos', 'shelly'), 'embed_profile ok', 'so are its latest videos, as the list needs a secUid');
is(sql(q(SELECT string_agg(view_count::text, ' ') FROM trackagoat.video)), '90 90', 'which come in with their views');
is(sql(q(SELECT string_agg(DISTINCT concat_ws(' ', source, exact), ', ') FROM trackagoat.video_snapshot)), 'embed_profile f', 'rounded, too');
my $ids = sql(q(SELECT string_agg(tiktok_video_id::text, ' ' ORDER BY tiktok_video_id) FROM trackagoat.video));
sql('SELECT trackagoat.enqueue_due()');
wait_for_idle('the schedule has each fetched by itself');
is(attempts('video_stats', (split / /, $ids)[0]), 'video_page ok', 'from its own page');
is(sql(q(SELECT string_agg(concat_ws(' ', view_count, like_count, save_count), ', ') FROM trackagoat.video)), '100 7 1, 100 7 1', 'with all its counters');
is(sql(q(SELECT listed_at IS NULL AND list_cursor IS NULL AND next_at > now() FROM trackagoat.scrape_job WHERE kind = 'discover_videos')), 't',
	'the list is not taken for complete');

# the page is there again: exact numbers, and the list
$host->answers(shelly => 'ok 38490', 'list:shelly' => 'ok 3');
sql(q(SELECT trackagoat.scrape_creator(id) FROM trackagoat.creator));
wait_for_idle('once the page is there again');
is(numbers('shelly'), '38490 20 300 4 profile_page t', 'the numbers are exact');
sql(q(SELECT trackagoat.scrape_creator(id) FROM trackagoat.creator));
wait_for_idle('from then on');
like(attempts('discover_videos', 'shelly'), qr/item_list ok$/, 'and the list is asked for by the secUid');
# and gone once more: what the rounded page says is no news
$host->answers(shelly => 'empty');
sql(q(SELECT trackagoat.scrape_creator(id) FROM trackagoat.creator));
wait_for_idle('without it');
is(numbers('shelly'), '38490 20 300 4 embed_profile f', 'a rounded number that agrees leaves the exact one as it is');
$host->answers('embed:shelly' => 'ok 39500');
sql(q(SELECT trackagoat.scrape_creator(id) FROM trackagoat.creator));
wait_for_idle('and with another number');
is(numbers('shelly'), '39500 20 300 4 embed_profile f', 'one that does not is what is known');

# --- a video: its page, the embedded one, whether it is there at all ---------------------

$host->answers(7526770564367748360 => 'empty', 'embed:7526770564367748360' => 'ok 1200',
	7526770564367748361 => 'cut', 'embed:7526770564367748361' => 'bare', 'oembed:7526770564367748361' => 'ok',
	7526770564367748362 => 'cut', 'embed:7526770564367748362' => 'status 404', 'oembed:7526770564367748362' => 'bare',
	7526770564367748363 => "file $pages/not_found/profile_10221.html");
sql(q(INSERT INTO trackagoat.video (project_id, tiktok_video_id) SELECT p.id, 7526770564367748360 + n FROM trackagoat.project p, generate_series(0, 2) n));
wait_for_idle('videos');
is(attempts('video_stats', '7526770564367748360'), 'video_page refused_empty, embed_video ok', 'the embedded page has counters');
is(sql(q(SELECT concat_ws(' ', view_count, like_count, save_count IS NULL) FROM trackagoat.video WHERE tiktok_video_id = 7526770564367748360)), '1200 7 t', 'but no saves');
is(attempts('video_stats', '7526770564367748361'), 'video_page unreadable, embed_video unavailable, oembed no_counts', 'oEmbed only tells that it is there');
is(attempts('video_stats', '7526770564367748362'), 'video_page unreadable, embed_video unavailable, oembed unavailable', 'or that it may not be: nothing but its own page says that it is gone');
is(sql(q(SELECT count(*) FROM trackagoat.video WHERE tiktok_video_id BETWEEN 7526770564367748361 AND 7526770564367748362 AND num_nonnulls(view_count, like_count) = 0)), '2',
	'neither has a number');
is(sql(q(SELECT count(*) FROM trackagoat.scrape_job WHERE tiktok_video_id BETWEEN 7526770564367748361 AND 7526770564367748362 AND due_at > now() + interval '50 minutes' AND source_place = 1)), '2',
	'and both are tried again later, from the beginning');

# --- a challenge: the host is left alone, then the other source is asked -----------------------

sql(q(UPDATE trackagoat.scrape_outcome SET host_pause = '2 seconds' WHERE outcome = 'challenged'));
$host->answers(wary => "file $pages/challenged/challenge.html", 'embed:wary' => 'ok 7', 'embed:second' => 'ok 8');
my $before = $host->requests;
sql(q(CALL public.goats('wary', 'wary')));
wait_for_answer($node, 5, q(SELECT state FROM trackagoat.worker_status), 'paused', 'a challenge opens the breaker');
is(sql(q(SELECT DISTINCT breaker FROM trackagoat.scrape_status)), 'open', 'and the view says so');
sql(q(CALL public.goats('wary', 'second')));
wait_for_idle('after the pause');
is(attempts('creator_profile', 'wary'), 'profile_page challenged, embed_profile ok', 'the embedded page is asked');
is(attempts('creator_profile', 'second'), 'embed_profile ok', 'and first for others, while the page is avoided');
my @requests = ($host->requests)[ $before .. $host->requests - 1 ];
cmp_ok($requests[1]{time} - $requests[0]{time}, '>=', 1.9, sprintf 'nothing was asked meanwhile: %.1f s', $requests[1]{time} - $requests[0]{time});
is(sql(q(SELECT DISTINCT breaker FROM trackagoat.scrape_status)), 'closed', 'the answer closes the breaker');
like(wait_for_log($node, 5, qr/answers again/), qr/\Q$host->{port}\E is left alone until .*: challenged.*\Q$host->{port}\E answers again/s, 'the log tells of both');

# --- a storm: the breaker opens, half-opens with one probe, and opens for longer -----------------

sql(q(UPDATE trackagoat.scrape_source SET avoided_until = NULL;
	UPDATE trackagoat.scrape_outcome SET host_pause = '1 second', host_pause_after = 3, retry_after = '1 ms', retry_limit = '1 ms' WHERE outcome = 'server_error'));
$host->answers('*' => 'status 503');
$node->append_conf('postgresql.conf', 'trackagoat.max_parallel = 1');
$node->reload;
wait_for_answer($node, 5, 'SHOW trackagoat.max_parallel', '1', 'one request at a time');
$before = $host->requests;
sql(sprintf q(CALL public.goats('storm', %s)), join ', ', map { "'storm$_'" } 1 .. 20);
wait_for_answer($node, 10, q(SELECT openings FROM trackagoat.scrape_host WHERE openings >= 3), '3', 'a storm opens it again and again');
@requests = ($host->requests)[ $before .. $host->requests - 1 ];
is(scalar @requests, 5, 'three requests, then one probe each time');
cmp_ok($requests[4]{time} - $requests[3]{time}, '>=', 1.9, sprintf 'after pauses that grow: %.1f and %.1f s', map { $requests[$_]{time} - $requests[ $_ - 1 ]{time} } 3, 4);
$host->answers('*' => 'ok');
wait_for_answer($node, 20, q(SELECT count(*) FROM trackagoat.creator WHERE tiktok_handle::text LIKE 'storm%' AND follower_count = 100), '20', 'when it has passed, all is fetched');
is(sql(q(SELECT failures || ' ' || openings || ' ' || (opened_at IS NULL) FROM trackagoat.scrape_host)), '0 0 true', 'and all forgotten');

# --- off means at once -------------------------------------------------------------------------------

$host->answers(slow_goat => 'slow 60', slow_kid => 'slow 60');
sql(q(CALL public.goats('slow', 'slow_goat')));
wait_until(5, sub { $host->requests('slow_goat') });
# no worker serves this one, a session does
$node->append_conf('postgresql.conf', 'trackagoat.max_parallel = 2');
$node->reload;
$node->safe_psql('postgres', 'CREATE DATABASE apart');
setup_database($node, 'apart');
$node->safe_psql('apart', q(CALL public.goats('slow', 'slow_kid')));
my $session = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr('apart'),
	'-c', 'CALL trackagoat.run_scrapes()' ], '<', \undef, '>', \my $out, '2>', \my $err);
ok(wait_until(5, sub { scalar $host->requests('slow_kid') }), 'a session asks beside the worker');
my $seconds = seconds_of(sub {
	$node->append_conf('postgresql.conf', 'trackagoat.enabled = off');
	$node->reload;
	wait_for_answer($node, 5, q(SELECT state || ' ' || in_flight FROM trackagoat.worker_status), 'disabled 0', 'trackagoat.enabled = off drops what is in flight');
	$session->finish;
});
cmp_ok($seconds, '<', 3, sprintf 'at once: %.2f s', $seconds);
is(attempts('creator_profile', 'slow_goat'), 'profile_page interrupted', 'its job is given back');
is($node->safe_psql('apart', q(SELECT string_agg(outcome, ' ') FROM trackagoat.scrape_attempt)), 'interrupted', 'so does run_scrapes()');
$host->answers(slow_goat => 'ok');
$node->append_conf('postgresql.conf', 'trackagoat.enabled = on');
$node->reload;
wait_for_answer($node, 20, q(SELECT follower_count FROM trackagoat.creator WHERE tiktok_handle = 'slow_goat'), '100', 'and done once it is on again');

$node->stop('fast');
done_testing();
