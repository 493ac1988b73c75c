-- What follows from an outcome: back-off, the next source, dead letters, the host's breaker.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();
\ir scrape_job.psql

INSERT INTO trackagoat.organization (name) VALUES ('Goats') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_start_date) VALUES (:'project', 'goat', '2026-01-01') RETURNING id AS goat \gset
INSERT INTO trackagoat.video (project_id, tiktok_video_id) VALUES (:'project', 101) RETURNING id AS v101 \gset

-- nothing is known of the host or of sources
CREATE FUNCTION pg_temp.forget() RETURNS void LANGUAGE sql AS
$$
	DELETE FROM trackagoat.scrape_attempt;
	DELETE FROM trackagoat.scrape_host;
	UPDATE trackagoat.scrape_source SET avoided_until = NULL;
	UPDATE trackagoat.scrape_job SET attempts = 0, failures = NULL, source_place = 1, dead_at = NULL, dead_reason = NULL, last_success_at = NULL;
$$;
CREATE FUNCTION pg_temp.source_of(asked bigint) RETURNS text LANGUAGE sql AS
$$ SELECT source FROM trackagoat.scrape_attempt WHERE id = asked $$;

--
-- Back-off: more with each round, up to a limit
--
CREATE TEMP TABLE pause (outcome text, n integer, waited interval, dead boolean);
CREATE FUNCTION pg_temp.fail(failure text, times integer) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
	claimed bigint;
BEGIN
	PERFORM pg_temp.forget();
	FOR n IN 1 .. times LOOP
		DELETE FROM trackagoat.scrape_host;
		claimed := pg_temp.claim('video_stats', '101');
		PERFORM pg_temp.finish(claimed, failure);
		INSERT INTO pause SELECT failure, n, j.due_at - a.finished_at, j.dead_at IS NOT NULL
		FROM pg_temp.job('video_stats', '101') j, trackagoat.scrape_attempt a WHERE a.id = claimed;
		EXIT WHEN (pg_temp.job('video_stats', '101')).dead_at IS NOT NULL;
	END LOOP;
END
$$;
CREATE TEMP TABLE source AS SELECT * FROM trackagoat.scrape_source;
DELETE FROM trackagoat.scrape_source WHERE place > 1;
SELECT pg_temp.fail(outcome, 14) FROM trackagoat.scrape_outcome WHERE class <> 'ok' ORDER BY outcome;
SELECT is_empty($$SELECT p.outcome, n, waited FROM pause p JOIN trackagoat.scrape_outcome o USING (outcome),
	LATERAL (SELECT least(o.retry_after * 2 ^ (n - 1), o.retry_limit) AS least) b
	WHERE NOT dead AND (waited BETWEEN b.least - interval '1 second' AND b.least * 1.2 + interval '1 second') IS NOT TRUE$$, 'each failure doubles the pause of its outcome, up to its limit, with a fifth of jitter');
SELECT results_eq('SELECT outcome, max(n) FROM pause GROUP BY outcome ORDER BY outcome',
	$$SELECT outcome, least(dead_after, 14) FROM trackagoat.scrape_outcome WHERE class <> 'ok' ORDER BY outcome$$, 'of all outcomes that are failures, until they are given up');
SELECT results_eq('SELECT DISTINCT outcome FROM pause WHERE dead ORDER BY outcome',
	'SELECT outcome FROM trackagoat.scrape_outcome WHERE dead_after <= 14 ORDER BY outcome', 'those whose row says so');
SELECT pg_temp.fail('timeout', 3);
SELECT is((j.attempts, j.last_outcome, j.leased_until)::text, '(3,timeout,)', 'attempts are counted until success') FROM pg_temp.job('video_stats', '101') j;
SELECT ok(bool_and(coalesce(next_attempt_at > finished_at, false)), 'each attempt says when the next is due') FROM trackagoat.scrape_attempt WHERE outcome IS NOT NULL;
SELECT is(pg_temp.finish(pg_temp.claim('video_stats', '101'), 'ok', '{}'), 'ok', 'a success');
SELECT is((pg_temp.job('video_stats', '101')).attempts, 0, 'begins anew');
UPDATE trackagoat.scrape_job SET attempts = 2000000000;
SELECT pg_temp.finish(pg_temp.claim('video_stats', '101'), 'timeout') AS pause \gset
SELECT ok((pg_temp.job('video_stats', '101')).due_at <= clock_timestamp() + interval '1.3 days', 'however many there were');
SELECT pg_temp.forget();
SELECT pg_temp.finish(pg_temp.claim('video_stats', '101'), 'server_error', NULL, '5 hours') AS pause \gset
SELECT ok((pg_temp.job('video_stats', '101')).due_at BETWEEN clock_timestamp() + interval '4.9 hours' AND clock_timestamp() + interval '6.1 hours', 'no job is asked for before Retry-After');
SELECT pg_temp.forget();
-- a request that came in flight does not wait for the back-off
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
SELECT trackagoat.scrape_video(:'v101') AS job \gset
SELECT pg_temp.finish(:attempt, 'server_error') AS pause \gset
SELECT ok((pg_temp.job('video_stats', '101')).due_at <= clock_timestamp() AND (pg_temp.job('video_stats', '101')).priority = 2, 'a request that came while a failing job was in flight is next');

--
-- Dead letters
--
SELECT pg_temp.fail('unreadable', 20);
SELECT is((dead_at IS NOT NULL, due_at, next_at, last_outcome, dead_reason)::text, '(t,,,unreadable,"unreadable: detail")', 'after so many of one outcome a job is given up, with the reason') FROM pg_temp.job('video_stats', '101');
SELECT is((outcome, reason, attempts)::text, '(unreadable,"unreadable: detail",20)', 'which its view shows') FROM trackagoat.scrape_dead_letter;
SELECT is(trackagoat.enqueue_due('2100-01-01'), 2, 'the schedule queues the others');
SELECT is((dead_at IS NOT NULL, due_at, next_at)::text, '(t,,)', 'and leaves it alone for ever') FROM pg_temp.job('video_stats', '101');
SELECT trackagoat.scrape_video(:'v101') AS job \gset
SELECT is((dead_at, dead_reason, attempts, due_at)::text, (NULL::timestamptz, NULL::text, 0, now())::text, 'until somebody asks for it') FROM pg_temp.job('video_stats', '101');
SELECT pg_temp.fail('unreadable', 20);
SELECT is(trackagoat.revive_scrapes('timeout'), 0, 'revive_scrapes() takes those of an outcome');
SELECT is(trackagoat.revive_scrapes('unreadable'), 1, 'by name');
SELECT is((pg_temp.job('video_stats', '101')).due_at, now(), 'and queues them');
SELECT pg_temp.fail('unreadable', 20);
SELECT is(trackagoat.revive_scrapes(), 1, 'or all');
-- whether its attempts are still kept does not matter
SELECT pg_temp.fail('unreadable', 19);
DELETE FROM trackagoat.scrape_attempt;
SELECT pg_temp.finish(pg_temp.claim('video_stats', '101'), 'unreadable') AS pause \gset
SELECT is((dead_at IS NOT NULL, failures)::text, '(t,"{""unreadable"": 20}")', 'a job counts its failures itself') FROM pg_temp.job('video_stats', '101');
-- other outcomes in between do not count
SELECT pg_temp.forget();
SELECT count(pg_temp.finish(pg_temp.claim('video_stats', '101'), f)) AS n FROM unnest(ARRAY['crashed', 'timeout', 'timeout', 'timeout']) f \gset
SELECT is((pg_temp.job('video_stats', '101')).dead_at, NULL, 'one crash among other failures');
SELECT pg_temp.finish(pg_temp.claim('video_stats', '101'), 'crashed') AS pause \gset
SELECT is((pg_temp.job('video_stats', '101')).dead_reason, 'crashed: detail', 'and a second: the job is quarantined');
SELECT pg_temp.forget();
SELECT count(pg_temp.finish(pg_temp.claim('video_stats', '101'), f)) AS n FROM unnest(ARRAY['crashed', 'ok', 'crashed']) f \gset
SELECT is((pg_temp.job('video_stats', '101')).dead_at, NULL, 'a success in between forgets the first');
-- a request while it is in flight
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
SELECT trackagoat.scrape_video(:'v101') AS job \gset
SELECT pg_temp.finish(:attempt, 'crashed') AS pause \gset
SELECT ok(dead_at IS NULL AND due_at IS NOT NULL, 'what was asked for in flight is tried once more') FROM pg_temp.job('video_stats', '101');
-- a list shows it
SELECT pg_temp.forget();
UPDATE trackagoat.scrape_job SET dead_at = now(), due_at = NULL, next_at = NULL WHERE tiktok_video_id = 101;
SELECT is(trackagoat.postpone_videos('{"source": "item_list", "videos": [{"tiktok_video_id": 101}]}'), 1, 'a list that shows a dead video''s counters');
SELECT is((dead_at, next_at > now())::text, '(,t)', 'brings it back to life') FROM pg_temp.job('video_stats', '101');
INSERT INTO trackagoat.scrape_source SELECT * FROM source WHERE place > 1;

--
-- Sources: the next at once, or after the host's pause
--
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
SELECT is((source, host)::text, ('video_page', trackagoat.scrape_host())::text, 'the first source is asked first') FROM trackagoat.scrape_attempt WHERE id = :attempt;
SELECT pg_temp.finish(:attempt, 'shell') AS pause \gset
SELECT ok((pg_temp.job('video_stats', '101')).due_at <= clock_timestamp(), 'a page without data: the next source is due at once');
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'embed_video', 'the embedded page');
SELECT pg_temp.finish(:attempt, 'timeout') AS pause \gset
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'embed_video', 'a timeout is no reason for another');
SELECT pg_temp.finish(:attempt, 'unavailable') AS pause \gset
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'oembed', 'then whether it exists at all');
SELECT pg_temp.finish(:attempt, 'no_counts') AS pause \gset
SELECT ok((pg_temp.job('video_stats', '101')).due_at > clock_timestamp() + interval '5 hours', 'then the round is over, and backs off');
SELECT pg_temp.claim('video_stats', '101') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'video_page', 'the next round begins with the first');
SELECT pg_temp.finish(:attempt, 'shell') AS pause \gset
SELECT pg_temp.finish(pg_temp.claim('video_stats', '101'), 'ok', '{"source": "embed_video"}') AS pause \gset
SELECT is(pg_temp.source_of(pg_temp.claim('video_stats', '101')), 'video_page', 'so does what comes after a success');

-- a source that is refused is avoided by all
SELECT pg_temp.forget();
UPDATE trackagoat.scrape_job SET leased_until = NULL;
SELECT pg_temp.claim('creator_profile', 'goat') AS attempt \gset
SELECT pg_temp.finish(:attempt, 'challenged') AS pause \gset
SELECT ok(avoided_until BETWEEN now() + interval '6 hours' AND clock_timestamp() + interval '6 hours', 'a challenge has its source avoided') FROM trackagoat.scrape_source WHERE source = 'profile_page';
SELECT ok((pg_temp.job('creator_profile', 'goat')).due_at BETWEEN now() + interval '30 minutes' AND clock_timestamp() + interval '30 minutes', 'the other is asked after the host''s pause, not before');
DELETE FROM trackagoat.scrape_host;
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'kid');
SELECT pg_temp.claim('creator_profile', 'kid') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'embed_profile', 'for other accounts as well');
SELECT pg_temp.finish(:attempt, 'challenged') AS pause \gset
DELETE FROM trackagoat.scrape_host;
SELECT pg_temp.claim('creator_profile', 'kid') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'profile_page', 'where all are avoided, the first is asked');
SELECT pg_temp.finish(:attempt, 'ok', '{"source": "profile_page"}') AS pause \gset
UPDATE trackagoat.scrape_source SET avoided_until = now() - interval '1 second' WHERE source = 'profile_page';
SELECT pg_temp.claim('creator_profile', 'kid') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'profile_page', 'until the time is over');
SELECT pg_temp.finish(:attempt, 'timeout') AS pause \gset
UPDATE trackagoat.scrape_source SET avoided_until = now() + interval '1 hour' WHERE source = 'embed_profile';
SELECT pg_temp.claim('creator_profile', 'kid') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'profile_page', 'where only the other is avoided');
SELECT pg_temp.finish(:attempt, 'shell') AS pause \gset
SELECT is((due_at > clock_timestamp() + interval '29 minutes', source_place)::text, '(t,1)', 'the round is over with it') FROM pg_temp.job('creator_profile', 'kid');
UPDATE trackagoat.scrape_source SET place = place * 100 WHERE kind = 'creator_profile';
UPDATE trackagoat.scrape_source SET avoided_until = NULL;
UPDATE trackagoat.scrape_job SET attempts = 0;
SELECT pg_temp.finish(pg_temp.claim('creator_profile', 'kid'), 'shell') FROM generate_series(1, 6);
SELECT ok(due_at BETWEEN clock_timestamp() + interval '119 minutes' AND clock_timestamp() + interval '144 minutes', 'the third round of two sources backs off, wherever their places are') FROM pg_temp.job('creator_profile', 'kid');
DELETE FROM trackagoat.scrape_source WHERE kind = 'creator_profile';
SELECT throws_ok($$SELECT pg_temp.claim('creator_profile', 'kid')$$, 'P0002', NULL, 'what has no source is not claimed');
UPDATE trackagoat.scrape_job SET due_at = now() WHERE kind = 'creator_profile' AND tiktok_handle OPERATOR(trackagoat.=) 'kid';
SELECT is(count(*), 0::bigint, 'not even tried') FROM trackagoat.claim_scrapes(1, '1 minute');
SELECT ok(due_at > now() + interval '59 minutes', 'nor deleted') FROM pg_temp.job('creator_profile', 'kid');
INSERT INTO trackagoat.scrape_source SELECT * FROM source WHERE kind = 'creator_profile';

-- a profile that was embedded shows no secUid: the list of the latest videos is, too
SELECT pg_temp.forget();
SELECT is((pg_temp.job('discover_videos', 'goat')).awaits_profile, true, 'a list waits for its profile');
SELECT pg_temp.finish(pg_temp.claim('creator_profile', 'goat'), 'ok', '{"source": "embed_profile", "account": {"id": "1", "tiktok_handle": "goat"}}') AS pause \gset
SELECT is((pg_temp.job('discover_videos', 'goat')).awaits_profile, false, 'not after an embedded one');
SELECT pg_temp.claim('discover_videos', 'goat') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'embed_profile', 'the embedded page lists the latest');
UPDATE trackagoat.scrape_job SET next_at = now() + interval '1 day', last_success_at = NULL WHERE tiktok_video_id = 101;
SELECT is(pg_temp.finish(:attempt, 'ok', '{"source": "embed_profile", "videos": [{"tiktok_video_id": 101, "view_count": 3}]}'), 'ok', 'which ends the listing');
SELECT is((listed_at, list_cursor, due_at, next_at > now(), awaits_profile)::text, '(,,,t,f)', 'covers nobody, and goes on so') FROM pg_temp.job('discover_videos', 'goat');
SELECT is((pg_temp.job('video_stats', '101')).next_at <= clock_timestamp(), true, 'its videos are still fetched by themselves');
SELECT pg_temp.finish(pg_temp.claim('video_stats', '101'), 'ok',
	'{"source": "embed_video", "account": {"tiktok_handle": "GOAT", "sec_uid": "MS4wLjABAAAA_goat"}, "videos": [{"tiktok_video_id": 101}]}') AS pause \gset
SELECT is((sec_uid, awaits_profile)::text, '(MS4wLjABAAAA_goat,f)', 'whose page shows the secUid') FROM pg_temp.job('discover_videos', 'goat');
SELECT is(pg_temp.source_of(pg_temp.claim('discover_videos', 'goat')), 'item_list', 'so that the list can be asked for');
UPDATE trackagoat.scrape_job SET leased_until = NULL;

-- nor does a list go on to where it would need one
SELECT pg_temp.forget();
UPDATE trackagoat.scrape_job SET sec_uid = NULL, source_place = 2, leased_until = NULL WHERE kind = 'discover_videos';
UPDATE trackagoat.scrape_source SET place = 3 WHERE source = 'item_list';
SELECT pg_temp.claim('discover_videos', 'goat') AS attempt \gset
SELECT is(pg_temp.source_of(:attempt), 'embed_profile', 'without a secUid the embedded page is the only one');
SELECT pg_temp.finish(:attempt, 'shell') AS pause \gset
SELECT ok((pg_temp.job('discover_videos', 'goat')).due_at > clock_timestamp() + interval '29 minutes', 'and the last one, whatever the order');
UPDATE trackagoat.scrape_source SET place = 1 WHERE source = 'item_list';
UPDATE trackagoat.scrape_job SET sec_uid = 'MS4wLjABAAAA_goat', source_place = 1 WHERE kind = 'discover_videos';

-- a listing goes on while its pages serve videos that are due
SELECT pg_temp.forget();
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status, posted_at)
SELECT :'goat', 1000 + n, 'auto_tracked', '2026-03-01Z'::timestamptz - n * interval '1 day' FROM generate_series(1, 20) n;
UPDATE trackagoat.scrape_job SET next_at = now() + interval '1 day' WHERE tiktok_video_id > 1000;
SELECT is(trackagoat.page_would_serve('goat', '2026-03-01Z'), false, 'no page for videos that are not due');
UPDATE trackagoat.scrape_job SET next_at = now() WHERE tiktok_video_id IN (1016, 1017, 1018);
SELECT is(trackagoat.page_would_serve('goat', '2026-03-01Z'), false, 'nor for those of the page after');
SELECT is(trackagoat.page_would_serve('goat', '2026-02-25Z'), true, 'but for three that are on it');
UPDATE trackagoat.scrape_job SET due_at = now() WHERE tiktok_video_id IN (1001, 1002, 1003);
SELECT is(trackagoat.page_would_serve('GOAT', '2026-03-01Z'), true, 'or queued already');
SELECT is(trackagoat.postpone_videos('{"source": "item_list", "videos": [{"tiktok_video_id": 1001}, {"tiktok_video_id": 1002}]}'), 2, 'which then need no request of their own');
SELECT ok(bool_and(due_at IS NULL AND next_at > now()), 'until their next time') FROM trackagoat.scrape_job WHERE tiktok_video_id IN (1001, 1002);
SELECT trackagoat.scrape_video(id) AS job FROM trackagoat.video WHERE tiktok_video_id = 1003 \gset
SELECT is(trackagoat.postpone_videos('{"source": "item_list", "videos": [{"tiktok_video_id": 1003}]}'), 0, 'but what a person waits for');

--
-- The host's breaker
--
CREATE FUNCTION pg_temp.closed(outcome text, retry_after interval DEFAULT NULL) RETURNS interval LANGUAGE plpgsql AS
$$
#variable_conflict use_variable
DECLARE
	claimed bigint := pg_temp.claim('video_stats', '101');
BEGIN
	PERFORM pg_temp.finish(claimed, outcome, NULL, retry_after);
	RETURN (SELECT date_trunc('second', a.host_paused_until - a.finished_at + interval '0.5 seconds') FROM trackagoat.scrape_attempt a WHERE a.id = claimed);
END
$$;
CREATE FUNCTION pg_temp.breaker() RETURNS text LANGUAGE sql AS
$$ SELECT concat_ws(' ', s.breaker, h.failures, h.openings) FROM trackagoat.scrape_status s LEFT JOIN trackagoat.scrape_host h ON h.host = s.host WHERE s.kind = 'video_stats' $$;
SELECT pg_temp.forget();
DELETE FROM trackagoat.scrape_source WHERE place > 1;
SELECT is(trackagoat.host_paused_until(), NULL, 'the host may be asked');
SELECT is(pg_temp.breaker(), 'closed', 'its breaker is closed');
DO $$
DECLARE
	rule record;
BEGIN
	CREATE TEMP TABLE opened (outcome text, n integer, pause interval);
	FOR rule IN SELECT * FROM trackagoat.scrape_outcome WHERE class <> 'ok' LOOP
		PERFORM pg_temp.forget();
		FOR n IN 1 .. rule.host_pause_after LOOP
			INSERT INTO opened VALUES (rule.outcome, n, pg_temp.closed(rule.outcome));
		END LOOP;
	END LOOP;
END
$$;
SELECT is_empty('SELECT r.outcome, n, pause FROM opened JOIN trackagoat.scrape_outcome r USING (outcome)
	WHERE pause IS DISTINCT FROM CASE WHEN n >= r.host_pause_after THEN r.host_pause END', 'each outcome opens it after so many in a row, for as long as its row says');
SELECT cmp_ok(count(*), '>=', 9::bigint, 'which some do') FROM opened WHERE pause IS NOT NULL;
SELECT pg_temp.forget();
SELECT is(pg_temp.closed('rate_limited', '3 hours'), '3 hours', 'a longer Retry-After keeps it open longer');
SELECT is(trackagoat.host_paused_until(), open_until, 'until then') FROM trackagoat.scrape_host;
SELECT is(pg_temp.breaker(), 'open 1 1', 'it is open');
SELECT throws_ok($$SELECT pg_temp.claim('video_stats', '101')$$, 'P0002', NULL, 'and nothing is claimed');
SELECT is((pg_temp.job('video_stats', '101')).attempts, 1, 'nor counted');
SELECT pg_temp.forget();
SELECT is(pg_temp.closed('rate_limited', '1 second'), '10 minutes', 'a shorter one does not shorten it');
SELECT pg_temp.forget();
SELECT is(pg_temp.closed('server_error', '3 hours'), '3 hours', 'whoever says for how long need not fail five times');
SELECT pg_temp.forget();
SELECT is(pg_temp.closed('rate_limited', '1 second'), '10 minutes', 'the host is left alone again');

-- half open: one probe
UPDATE trackagoat.scrape_host SET open_until = now();
SELECT is(pg_temp.breaker(), 'half_open 1 1', 'after its time it is half open');
UPDATE trackagoat.scrape_job SET due_at = now(), awaits_profile = DEFAULT, leased_until = NULL;
CREATE TEMP TABLE probe AS SELECT * FROM trackagoat.claim_scrapes(10, '1 minute');
SELECT is(count(*), 1::bigint, 'one job is claimed as a probe') FROM probe;
SELECT is(count(*), 0::bigint, 'and none while it is under way') FROM trackagoat.claim_scrapes(10, '1 minute');
UPDATE trackagoat.scrape_host SET probe_until = now() - interval '1 second';
SELECT is(count(*), 1::bigint, 'unless it takes too long') FROM trackagoat.claim_scrapes(10, '1 minute');
SELECT trackagoat.finish_scrape(attempt_id, 'interrupted', NULL, NULL, NULL, NULL, NULL) AS n FROM probe \gset
SELECT is(pg_temp.breaker(), 'half_open 1 1', 'a probe that nobody answered tells nothing');
SELECT is(probe_until, NULL, 'and another may be made') FROM trackagoat.scrape_host;
UPDATE trackagoat.scrape_job SET due_at = now(), leased_until = NULL;
DELETE FROM probe;
INSERT INTO probe SELECT * FROM trackagoat.claim_scrapes(10, '1 minute');
SELECT trackagoat.finish_scrape(attempt_id, 'server_error', 503, 0, NULL, NULL, NULL) AS n FROM probe \gset
SELECT is(pg_temp.breaker(), 'open 2 2', 'one that fails, at once, opens it again');
SELECT ok(open_until - now() BETWEEN '10 minutes' AND '11 minutes', 'for twice the pause') FROM trackagoat.scrape_host;
-- what was in flight when it opened
INSERT INTO trackagoat.scrape_attempt (kind, tiktok_video_id, attempt, worker_pid, host, source, started_at)
SELECT 'video_stats', n, 1, 1, trackagoat.scrape_host(), 'video_page', now() - interval '1 hour' FROM generate_series(1, 2) n;
SELECT min(id) AS one, max(id) AS two FROM trackagoat.scrape_attempt WHERE finished_at IS NULL AND started_at < now() \gset
SELECT pg_temp.finish(:one, 'challenged') AS n \gset
SELECT is(pg_temp.breaker(), 'open 3 2', 'a request from before it opened is no further opening');
SELECT ok(open_until - now() BETWEEN '60 minutes' AND '61 minutes', 'but may have it open longer') FROM trackagoat.scrape_host;
SELECT pg_temp.finish(:two, 'ok', '{}') AS n \gset
SELECT is(pg_temp.breaker(), 'open 3 2', 'nor does its success close it');
UPDATE trackagoat.scrape_host SET open_until = now();
UPDATE trackagoat.scrape_job SET due_at = now(), leased_until = NULL;
DELETE FROM probe;
INSERT INTO probe SELECT * FROM trackagoat.claim_scrapes(10, '1 minute');
SELECT trackagoat.finish_scrape(attempt_id, 'not_found', 404, 0, NULL, NULL, NULL) AS n FROM probe \gset
SELECT is(pg_temp.breaker(), 'closed 0 0', 'a probe that is answered closes it, whatever it says of its page');
SELECT is(pg_temp.closed('server_error'), NULL, 'and the count begins anew');
-- failures in a row, of whichever kind
SELECT pg_temp.forget();
SELECT count(pg_temp.closed(f)) AS n FROM unnest(ARRAY['timeout', 'unreachable', 'server_error', 'timeout']) f \gset
SELECT is(pg_temp.breaker(), 'closed 4 0', 'four failures');
SELECT is(pg_temp.closed('shell'), NULL, 'an answer');
SELECT is(pg_temp.breaker(), 'closed 0 0', 'begins anew');
SELECT count(pg_temp.closed(f)) AS n FROM unnest(ARRAY['timeout', 'unreachable', 'server_error', 'timeout', 'timeout']) f \gset
SELECT is(pg_temp.breaker(), 'open 5 1', 'five in a row open it');
-- another host
SET LOCAL trackagoat.base_url = 'https://goats.example.test:8443/prefix';
SELECT is(trackagoat.scrape_host(), 'goats.example.test:8443', 'a host is one with its port');
SELECT is(trackagoat.host_paused_until(), NULL, 'and each has its own breaker');

SELECT * FROM finish();
ROLLBACK;
