-- The scraper at a glance.

CREATE VIEW trackagoat.scrape_status WITH (security_invoker = true, security_barrier = true) AS
	SELECT k.kind, j.jobs, j.scheduled, j.waiting, j.oldest_wait, j.in_flight, j.oldest_in_flight, j.retrying,
		j.awaiting_profile, j.oldest_awaiting_profile, j.dead, j.next_scheduled,
		a.requests_last_minute, a.requests_last_hour, a.failures_last_hour,
		e.finished_at AS last_error_at, concat_ws(': ', e.outcome, e.detail) AS last_error,
		h.host, CASE WHEN b.opened_at IS NULL THEN 'closed' WHEN b.open_until > now() THEN 'open' ELSE 'half_open' END AS breaker,
		b.open_until AS breaker_open_until
	FROM (SELECT DISTINCT s.kind FROM trackagoat.scrape_source s) k
	CROSS JOIN LATERAL (SELECT trackagoat.scrape_host() AS host) h
	LEFT JOIN trackagoat.scrape_host b ON b.host = h.host
	CROSS JOIN LATERAL (SELECT count(*) AS jobs,
			count(*) FILTER (WHERE due_at IS NULL AND next_at IS NOT NULL AND leased_until IS NULL) AS scheduled,
			count(*) FILTER (WHERE is_free AND due_at <= now()) AS waiting,
			now() - min(due_at) FILTER (WHERE is_free AND due_at <= now()) AS oldest_wait,
			count(*) FILTER (WHERE leased_until IS NOT NULL) AS in_flight,
			now() - min(leased_at) AS oldest_in_flight,
			count(*) FILTER (WHERE is_free AND due_at > now()) AS retrying,
			count(*) FILTER (WHERE leased_until IS NULL AND due_at IS NOT NULL AND awaits_profile) AS awaiting_profile,
			now() - min(due_at) FILTER (WHERE leased_until IS NULL AND awaits_profile) AS oldest_awaiting_profile,
			count(dead_at) AS dead,
			min(next_at) FILTER (WHERE due_at IS NULL) AS next_scheduled
		FROM trackagoat.scrape_job s, LATERAL (SELECT s.leased_until IS NULL AND NOT s.awaits_profile AS is_free) f
		WHERE s.kind = k.kind) j
	CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE r.started_at > now() - interval '1 minute') AS requests_last_minute,
			count(*) AS requests_last_hour,
			count(*) FILTER (WHERE r.outcome <> 'ok') AS failures_last_hour
		FROM trackagoat.scrape_attempt r
		WHERE r.kind = k.kind AND r.started_at > now() - interval '1 hour') a
	LEFT JOIN LATERAL (SELECT f.finished_at, f.outcome, f.detail FROM trackagoat.scrape_attempt f
		WHERE f.kind = k.kind AND f.outcome <> 'ok' ORDER BY f.started_at DESC LIMIT 1) e ON true;
COMMENT ON VIEW trackagoat.scrape_status IS 'the scraper at a glance, a row per kind: queue, rate, last error and the breaker of the host';
COMMENT ON COLUMN trackagoat.scrape_status.kind IS 'what is fetched';
COMMENT ON COLUMN trackagoat.scrape_status.jobs IS 'accounts, videos or links tracked';
COMMENT ON COLUMN trackagoat.scrape_status.scheduled IS 'not queued: the schedule will';
COMMENT ON COLUMN trackagoat.scrape_status.waiting IS 'queued and due';
COMMENT ON COLUMN trackagoat.scrape_status.oldest_wait IS 'how long the longest waiting job has been due';
COMMENT ON COLUMN trackagoat.scrape_status.in_flight IS 'being fetched now';
COMMENT ON COLUMN trackagoat.scrape_status.oldest_in_flight IS 'how long the longest has been in flight';
COMMENT ON COLUMN trackagoat.scrape_status.retrying IS 'queued for later, after a failure';
COMMENT ON COLUMN trackagoat.scrape_status.awaiting_profile IS 'queued, but the profile has not yet told the account''s secUid';
COMMENT ON COLUMN trackagoat.scrape_status.oldest_awaiting_profile IS 'how long the longest of these has been due';
COMMENT ON COLUMN trackagoat.scrape_status.dead IS 'dead letters: given up, with the reason in scrape_job.dead_reason';
COMMENT ON COLUMN trackagoat.scrape_status.next_scheduled IS 'when the schedule queues the next job';
COMMENT ON COLUMN trackagoat.scrape_status.requests_last_minute IS 'requests begun within the last minute';
COMMENT ON COLUMN trackagoat.scrape_status.requests_last_hour IS 'requests begun within the last hour';
COMMENT ON COLUMN trackagoat.scrape_status.failures_last_hour IS 'those of them that came to anything but ok';
COMMENT ON COLUMN trackagoat.scrape_status.last_error_at IS 'when the last attempt that failed did';
COMMENT ON COLUMN trackagoat.scrape_status.last_error IS 'its outcome, and what was said';
COMMENT ON COLUMN trackagoat.scrape_status.host IS 'host of trackagoat.base_url';
COMMENT ON COLUMN trackagoat.scrape_status.breaker IS 'closed: asked; open: left alone; half_open: one probe is made';
COMMENT ON COLUMN trackagoat.scrape_status.breaker_open_until IS 'until when it is left alone';

CREATE VIEW trackagoat.worker_status WITH (security_invoker = true, security_barrier = true) AS
	SELECT w.*, ARRAY(
			SELECT concat_ws(' ', j.kind, '@' || j.tiktok_handle::text, j.tiktok_video_id, j.link)
			FROM trackagoat.scrape_job j WHERE j.leased_by = w.pid AND j.leased_until IS NOT NULL ORDER BY j.leased_at) AS current_jobs
	FROM trackagoat.worker_status() w;
COMMENT ON VIEW trackagoat.worker_status IS 'the workers of this server, a row for each that trackagoat.database and trackagoat.workers ask for, and what they fetch now';
COMMENT ON COLUMN trackagoat.worker_status.database IS 'database that it serves';
COMMENT ON COLUMN trackagoat.worker_status.pid IS 'process id; NULL while none runs';
COMMENT ON COLUMN trackagoat.worker_status.state IS 'what it does: waiting, fetching, paused, disabled, idle, starting or stopped';
COMMENT ON COLUMN trackagoat.worker_status.started_at IS 'when it started';
COMMENT ON COLUMN trackagoat.worker_status.active_at IS 'when it last reported';
COMMENT ON COLUMN trackagoat.worker_status.in_flight IS 'requests open now';
COMMENT ON COLUMN trackagoat.worker_status.requests IS 'requests since the server started';
COMMENT ON COLUMN trackagoat.worker_status.failures IS 'those of them that came to anything but ok';
COMMENT ON COLUMN trackagoat.worker_status.paused_until IS 'until when it leaves the host alone';
COMMENT ON COLUMN trackagoat.worker_status.memory IS 'its own memory (RssAnon), in bytes';
COMMENT ON COLUMN trackagoat.worker_status.last_error_at IS 'when it last met an error of the database';
COMMENT ON COLUMN trackagoat.worker_status.last_error IS 'what that was';
COMMENT ON COLUMN trackagoat.worker_status.current_jobs IS 'what it fetches now, in this database';

CREATE VIEW trackagoat.scrape_dead_letter WITH (security_invoker = true, security_barrier = true) AS
	SELECT j.id, j.kind, j.tiktok_handle, j.tiktok_video_id, j.link, j.dead_at, j.last_outcome AS outcome, j.dead_reason AS reason,
		o.description, j.attempts, j.last_success_at
	FROM trackagoat.scrape_job j LEFT JOIN trackagoat.scrape_outcome o ON o.outcome = j.last_outcome
	WHERE j.dead_at IS NOT NULL;
COMMENT ON VIEW trackagoat.scrape_dead_letter IS 'jobs that were given up, and why; revive_scrapes() tries them again';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.id IS 'job';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.kind IS 'what was fetched';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.tiktok_handle IS 'account, for creator_profile and discover_videos';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.tiktok_video_id IS 'post, for video_stats';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.link IS 'short link, for video_link';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.dead_at IS 'since when it is given up';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.outcome IS 'what the last attempt came to';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.reason IS 'outcome and what was said';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.description IS 'what the outcome means';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.attempts IS 'attempts since the last success';
COMMENT ON COLUMN trackagoat.scrape_dead_letter.last_success_at IS 'when it last succeeded';
