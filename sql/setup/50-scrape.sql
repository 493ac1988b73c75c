-- The queue of scrapes and what came of each attempt.  No tenant data: one
-- standing job serves every project that tracks the account or video.

CREATE TABLE trackagoat.scrape_outcome (
	outcome text NOT NULL,
	is_success boolean NOT NULL DEFAULT false,
	is_gone boolean NOT NULL DEFAULT false,
	retry_after interval NOT NULL,
	retry_limit interval NOT NULL,
	host_pause interval,
	description text NOT NULL,
	CONSTRAINT scrape_outcome_pkey PRIMARY KEY (outcome),
	CONSTRAINT scrape_outcome_retry_check CHECK (retry_after >= '0' AND retry_limit >= retry_after)
);
COMMENT ON TABLE trackagoat.scrape_outcome IS 'what an attempt can come to, and what the worker then does';
COMMENT ON COLUMN trackagoat.scrape_outcome.outcome IS 'name';
COMMENT ON COLUMN trackagoat.scrape_outcome.is_success IS 'whether the page was read and stored';
COMMENT ON COLUMN trackagoat.scrape_outcome.is_gone IS 'whether it says that an account is gone: five such days disable its creators';
COMMENT ON COLUMN trackagoat.scrape_outcome.retry_after IS 'pause before the next attempt of the same job; doubles with each attempt in a row that fails';
COMMENT ON COLUMN trackagoat.scrape_outcome.retry_limit IS 'longest such pause';
COMMENT ON COLUMN trackagoat.scrape_outcome.host_pause IS 'pause before anything is asked of the host again; NULL for none';
COMMENT ON COLUMN trackagoat.scrape_outcome.description IS 'what it means';

INSERT INTO trackagoat.scrape_outcome (outcome, is_success, retry_after, retry_limit, host_pause, description) VALUES
	('ok', true, '0', '0', NULL, 'the page was read and stored'),
	('not_found', false, '20 hours', '20 hours', NULL, 'TikTok says that the account or video does not exist; banned and renamed accounts answer the same'),
	('private', false, '1 day', '7 days', NULL, 'the account or video is not public'),
	('suspended', false, '20 hours', '20 hours', NULL, 'TikTok has suspended the account'),
	('unavailable', false, '1 hour', '2 days', NULL, 'TikTok does not show it now and does not say that it is gone'),
	('regional', false, '1 day', '7 days', NULL, 'TikTok withholds it in this country'),
	('login_required', false, '1 day', '7 days', NULL, 'TikTok shows it only after login'),
	('account_changed', false, '1 day', '7 days', NULL, 'another account has the handle now; nothing was stored'),
	('challenged', false, '1 hour', '1 day', '30 minutes', 'an anti-bot challenge came instead of the page; it is respected, never solved'),
	('captcha', false, '2 hours', '2 days', '1 hour', 'a captcha came instead of the page; it is respected, never solved'),
	('blocked', false, '2 hours', '2 days', '1 hour', 'the host refused the client or its address'),
	('rate_limited', false, '15 minutes', '1 day', '10 minutes', 'the host asked for fewer requests'),
	('refused_empty', false, '30 minutes', '1 day', NULL, 'an empty answer, which is how TikTok refuses; never read as "no videos"'),
	('repeated_page', false, '1 hour', '1 day', NULL, 'the list of videos gave the same page again'),
	('bad_request', false, '6 hours', '7 days', NULL, 'TikTok calls the request malformed: a fault of trackagoat'),
	('shell', false, '30 minutes', '1 day', NULL, 'the page came without its data'),
	('unreadable', false, '1 hour', '1 day', NULL, 'the answer is none that trackagoat knows'),
	('server_error', false, '5 minutes', '1 day', NULL, 'the host failed (HTTP 5xx)'),
	('redirected', false, '1 hour', '1 day', NULL, 'the host sent the request elsewhere; redirects are not followed'),
	('timeout', false, '5 minutes', '1 day', NULL, 'no full answer within trackagoat.request_timeout'),
	('unreachable', false, '5 minutes', '1 day', NULL, 'the host could not be found or reached, or broke off'),
	('tls_failed', false, '1 hour', '1 day', NULL, 'the host''s certificate or encryption was not accepted'),
	('too_large', false, '6 hours', '7 days', NULL, 'the answer was larger than trackagoat.max_body'),
	('address_refused', false, '1 hour', '1 day', NULL, 'the host''s address is not public; see trackagoat.allow_private_addresses'),
	('partly_stored', false, '1 minute', '1 day', NULL, 'a rule or lock of the database kept the page from some organizations; see detail'),
	('store_failed', false, '1 minute', '1 day', NULL, 'the page was read but a rule or lock of the database kept it from being stored; see detail'),
	('interrupted', false, '10 seconds', '1 day', NULL, 'the worker ended before the answer came');

UPDATE trackagoat.scrape_outcome SET is_gone = true WHERE outcome IN ('not_found', 'suspended');

CREATE TABLE trackagoat.scrape_job (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	kind trackagoat.scrape_kind NOT NULL,
	tiktok_handle trackagoat.handle,
	tiktok_video_id bigint,
	link text,
	priority smallint NOT NULL DEFAULT 0,
	due_at timestamptz,
	next_at timestamptz,
	leased_at timestamptz,
	leased_until timestamptz,
	leased_by integer,
	attempts integer NOT NULL DEFAULT 0,
	last_outcome text,
	last_success_at timestamptz,
	sec_uid text,
	list_cursor bigint,
	list_started_at timestamptz,
	list_empty_pages integer NOT NULL DEFAULT 0,
	list_has_gaps boolean NOT NULL DEFAULT false,
	listed_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT scrape_job_pkey PRIMARY KEY (id),
	CONSTRAINT scrape_job_target_key UNIQUE NULLS NOT DISTINCT (kind, tiktok_handle, tiktok_video_id, link),
	CONSTRAINT scrape_job_priority_check CHECK (priority IN (0, 1, 2)),
	CONSTRAINT scrape_job_target_check CHECK (num_nonnulls(tiktok_handle, tiktok_video_id, link) = 1 AND CASE kind
		WHEN 'video_stats' THEN tiktok_video_id IS NOT NULL
		WHEN 'video_link' THEN link IS NOT NULL
		ELSE tiktok_handle IS NOT NULL END),
	CONSTRAINT scrape_job_last_outcome_fkey FOREIGN KEY (last_outcome)
		REFERENCES trackagoat.scrape_outcome (outcome) ON DELETE SET NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.scrape_job IS 'one standing row per kind and TikTok account or video, whichever projects track it';
COMMENT ON COLUMN trackagoat.scrape_job.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.scrape_job.kind IS 'what is fetched';
COMMENT ON COLUMN trackagoat.scrape_job.tiktok_handle IS 'account, for creator_profile and discover_videos';
COMMENT ON COLUMN trackagoat.scrape_job.tiktok_video_id IS 'post, for video_stats';
COMMENT ON COLUMN trackagoat.scrape_job.link IS 'short link, for video_link';
COMMENT ON COLUMN trackagoat.scrape_job.priority IS '2 goes first: what a person asked for by hand; 1 is what was added or changed, 0 the schedule';
COMMENT ON COLUMN trackagoat.scrape_job.due_at IS 'queued: to be fetched from then on; NULL while not queued';
COMMENT ON COLUMN trackagoat.scrape_job.next_at IS 'when enqueue_due() queues it by the schedule';
COMMENT ON COLUMN trackagoat.scrape_job.leased_at IS 'when the attempt in flight began';
COMMENT ON COLUMN trackagoat.scrape_job.leased_until IS 'until then no other worker takes it; NULL while not in flight';
COMMENT ON COLUMN trackagoat.scrape_job.leased_by IS 'process id of the worker that has it';
COMMENT ON COLUMN trackagoat.scrape_job.attempts IS 'attempts since the last success, counted before the request is made';
COMMENT ON COLUMN trackagoat.scrape_job.last_outcome IS 'what the last attempt came to';
COMMENT ON COLUMN trackagoat.scrape_job.last_success_at IS 'when it last succeeded';
COMMENT ON COLUMN trackagoat.scrape_job.sec_uid IS 'for discover_videos: the account''s secUid as its profile shows it; the list waits for it';
COMMENT ON COLUMN trackagoat.scrape_job.list_cursor IS 'where the listing of videos goes on (Unix milliseconds); NULL at the newest video';
COMMENT ON COLUMN trackagoat.scrape_job.list_started_at IS 'when the listing under way began';
COMMENT ON COLUMN trackagoat.scrape_job.list_empty_pages IS 'empty pages in a row of the listing under way';
COMMENT ON COLUMN trackagoat.scrape_job.list_has_gaps IS 'whether an organization could not store a page of the listing under way';
COMMENT ON COLUMN trackagoat.scrape_job.listed_at IS 'when the last complete listing began';
COMMENT ON COLUMN trackagoat.scrape_job.created_at IS 'when the row was made';

CREATE INDEX scrape_job_due_idx ON trackagoat.scrape_job (priority DESC, due_at)
	WHERE due_at IS NOT NULL AND (kind <> 'discover_videos' OR sec_uid IS NOT NULL);
COMMENT ON INDEX trackagoat.scrape_job_due_idx IS 'what is queued and can be claimed, in the order of claiming';
CREATE INDEX scrape_job_next_idx ON trackagoat.scrape_job (next_at) WHERE due_at IS NULL;
COMMENT ON INDEX trackagoat.scrape_job_next_idx IS 'what the schedule queues next';
CREATE INDEX scrape_job_lease_idx ON trackagoat.scrape_job (leased_until) WHERE leased_until IS NOT NULL;
COMMENT ON INDEX trackagoat.scrape_job_lease_idx IS 'what is in flight';

CREATE TRIGGER scrape_job_wake AFTER INSERT OR UPDATE OF due_at ON trackagoat.scrape_job
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.wake_worker();
COMMENT ON TRIGGER scrape_job_wake ON trackagoat.scrape_job IS 'wakes the worker when the transaction commits';

CREATE TABLE trackagoat.scrape_request (
	id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
	kind trackagoat.scrape_kind NOT NULL,
	tiktok_handle trackagoat.handle,
	tiktok_video_id bigint,
	link text,
	due_at timestamptz,
	next_at timestamptz,
	priority smallint NOT NULL,
	renew boolean NOT NULL,
	CONSTRAINT scrape_request_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE trackagoat.scrape_request IS 'requests made while another open transaction held the job: the next claim or enqueue_due() folds them into scrape_job, so that nobody waits';
COMMENT ON COLUMN trackagoat.scrape_request.id IS 'rises with time';
COMMENT ON COLUMN trackagoat.scrape_request.kind IS 'what is to be fetched';
COMMENT ON COLUMN trackagoat.scrape_request.tiktok_handle IS 'account, for creator_profile and discover_videos';
COMMENT ON COLUMN trackagoat.scrape_request.tiktok_video_id IS 'post, for video_stats';
COMMENT ON COLUMN trackagoat.scrape_request.link IS 'short link, for video_link';
COMMENT ON COLUMN trackagoat.scrape_request.due_at IS 'from when; NULL leaves it to the schedule';
COMMENT ON COLUMN trackagoat.scrape_request.next_at IS 'when the schedule is to queue it';
COMMENT ON COLUMN trackagoat.scrape_request.priority IS 'as of scrape_job';
COMMENT ON COLUMN trackagoat.scrape_request.renew IS 'whether the list waits for a fresh profile';

CREATE TRIGGER scrape_request_wake AFTER INSERT ON trackagoat.scrape_request
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.wake_worker();
COMMENT ON TRIGGER scrape_request_wake ON trackagoat.scrape_request IS 'wakes the worker when the transaction commits';

CREATE TABLE trackagoat.scrape_attempt (
	id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
	job_id uuid,
	kind trackagoat.scrape_kind NOT NULL,
	tiktok_handle trackagoat.handle,
	tiktok_video_id bigint,
	link text,
	attempt integer NOT NULL,
	worker_pid integer NOT NULL,
	started_at timestamptz NOT NULL,
	finished_at timestamptz,
	outcome text,
	http_status integer,
	body_bytes bigint,
	detail text,
	next_attempt_at timestamptz,
	host_paused_until timestamptz,
	CONSTRAINT scrape_attempt_pkey PRIMARY KEY (id),
	CONSTRAINT scrape_attempt_job_fkey FOREIGN KEY (job_id)
		REFERENCES trackagoat.scrape_job (id) ON DELETE SET NULL,
	CONSTRAINT scrape_attempt_outcome_fkey FOREIGN KEY (outcome)
		REFERENCES trackagoat.scrape_outcome (outcome) ON DELETE SET NULL
);
COMMENT ON TABLE trackagoat.scrape_attempt IS 'one row per request, kept for trackagoat.attempt_retention days';
COMMENT ON COLUMN trackagoat.scrape_attempt.id IS 'rises with time';
COMMENT ON COLUMN trackagoat.scrape_attempt.job_id IS 'job, or NULL once it is no longer tracked';
COMMENT ON COLUMN trackagoat.scrape_attempt.kind IS 'what was fetched';
COMMENT ON COLUMN trackagoat.scrape_attempt.tiktok_handle IS 'account, for creator_profile and discover_videos';
COMMENT ON COLUMN trackagoat.scrape_attempt.tiktok_video_id IS 'post, for video_stats';
COMMENT ON COLUMN trackagoat.scrape_attempt.link IS 'short link, for video_link';
COMMENT ON COLUMN trackagoat.scrape_attempt.attempt IS 'which attempt since the last success';
COMMENT ON COLUMN trackagoat.scrape_attempt.worker_pid IS 'process that made it';
COMMENT ON COLUMN trackagoat.scrape_attempt.started_at IS 'when it was claimed';
COMMENT ON COLUMN trackagoat.scrape_attempt.finished_at IS 'when its outcome was known; NULL while in flight';
COMMENT ON COLUMN trackagoat.scrape_attempt.outcome IS 'what it came to; NULL while in flight';
COMMENT ON COLUMN trackagoat.scrape_attempt.http_status IS 'HTTP status, where there was an answer';
COMMENT ON COLUMN trackagoat.scrape_attempt.body_bytes IS 'size of the answer after decompression';
COMMENT ON COLUMN trackagoat.scrape_attempt.detail IS 'what libcurl, TikTok or the database said of a failure';
COMMENT ON COLUMN trackagoat.scrape_attempt.next_attempt_at IS 'when the same job is due again, where that was decided by this attempt';
COMMENT ON COLUMN trackagoat.scrape_attempt.host_paused_until IS 'until when nothing is asked of the host after this; clear it to ask again sooner';

CREATE INDEX scrape_attempt_started_idx ON trackagoat.scrape_attempt (started_at);
COMMENT ON INDEX trackagoat.scrape_attempt_started_idx IS 'attempts by time, and those that retention removes';
CREATE INDEX scrape_attempt_job_idx ON trackagoat.scrape_attempt (job_id);
COMMENT ON INDEX trackagoat.scrape_attempt_job_idx IS 'attempts of a job';
CREATE INDEX scrape_attempt_pause_idx ON trackagoat.scrape_attempt (host_paused_until)
	WHERE host_paused_until IS NOT NULL;
COMMENT ON INDEX trackagoat.scrape_attempt_pause_idx IS 'pauses of the host';
CREATE INDEX scrape_attempt_open_idx ON trackagoat.scrape_attempt (job_id) WHERE finished_at IS NULL;
COMMENT ON INDEX trackagoat.scrape_attempt_open_idx IS 'attempts in flight';

CREATE VIEW trackagoat.scrape_queue WITH (security_invoker = true, security_barrier = true) AS
	SELECT kind,
		count(*) AS jobs,
		count(*) FILTER (WHERE is_claimable AND due_at <= now()) AS waiting,
		count(*) FILTER (WHERE leased_until IS NOT NULL) AS in_flight,
		count(*) FILTER (WHERE is_claimable AND due_at > now()) AS retrying,
		count(*) FILTER (WHERE leased_until IS NULL AND due_at IS NOT NULL AND NOT is_claimable) AS awaiting_profile,
		now() - min(due_at) FILTER (WHERE is_claimable AND due_at <= now()) AS oldest_wait,
		min(next_at) FILTER (WHERE due_at IS NULL) AS next_scheduled
	FROM trackagoat.scrape_job,
		LATERAL (SELECT leased_until IS NULL AND (kind <> 'discover_videos' OR sec_uid IS NOT NULL) AS is_claimable) c
	GROUP BY kind;
COMMENT ON VIEW trackagoat.scrape_queue IS 'the queue at a glance, a row per kind';
COMMENT ON COLUMN trackagoat.scrape_queue.kind IS 'what is fetched';
COMMENT ON COLUMN trackagoat.scrape_queue.jobs IS 'accounts or videos tracked';
COMMENT ON COLUMN trackagoat.scrape_queue.waiting IS 'queued and due';
COMMENT ON COLUMN trackagoat.scrape_queue.in_flight IS 'being fetched now';
COMMENT ON COLUMN trackagoat.scrape_queue.retrying IS 'queued for later, after a failure';
COMMENT ON COLUMN trackagoat.scrape_queue.awaiting_profile IS 'queued, but the profile has not yet told the account''s secUid';
COMMENT ON COLUMN trackagoat.scrape_queue.oldest_wait IS 'how long the longest waiting job has been due';
COMMENT ON COLUMN trackagoat.scrape_queue.next_scheduled IS 'when the schedule queues the next job';

ALTER TABLE trackagoat.scrape_outcome ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_job ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_attempt ENABLE ROW LEVEL SECURITY;
