-- The queue of scrapes and what came of each attempt.  No tenant data: one
-- standing job serves every project that tracks the account or video.

CREATE TABLE trackagoat.scrape_outcome (
	outcome text NOT NULL,
	class text NOT NULL,
	retry_after interval NOT NULL,
	retry_limit interval NOT NULL,
	dead_after integer,
	tries_other_source boolean NOT NULL DEFAULT false,
	source_pause interval,
	host_pause interval,
	host_pause_after integer NOT NULL DEFAULT 1,
	description text NOT NULL,
	CONSTRAINT scrape_outcome_pkey PRIMARY KEY (outcome),
	CONSTRAINT scrape_outcome_class_check CHECK (class IN ('ok', 'gone', 'private', 'retry_soon', 'retry_later', 'our_bug')),
	CONSTRAINT scrape_outcome_retry_check CHECK (retry_after >= '0' AND retry_limit >= retry_after),
	CONSTRAINT scrape_outcome_after_check CHECK (dead_after > 0 AND host_pause_after > 0)
);
COMMENT ON TABLE trackagoat.scrape_outcome IS 'what an attempt can come to, and what the worker then does';
COMMENT ON COLUMN trackagoat.scrape_outcome.outcome IS 'name';
COMMENT ON COLUMN trackagoat.scrape_outcome.class IS 'ok: read and stored; gone: five such days disable an account''s creators; private: it is there, but not for everybody; retry_soon: of the moment; retry_later: of the host; our_bug: a fault of trackagoat';
COMMENT ON COLUMN trackagoat.scrape_outcome.retry_after IS 'pause before the next attempt of the same job; doubles with each round of attempts that fails';
COMMENT ON COLUMN trackagoat.scrape_outcome.retry_limit IS 'longest such pause';
COMMENT ON COLUMN trackagoat.scrape_outcome.dead_after IS 'so many since the last success make the job a dead letter; NULL for never';
COMMENT ON COLUMN trackagoat.scrape_outcome.tries_other_source IS 'whether the job goes on with its next source at once, or after the pause of the host';
COMMENT ON COLUMN trackagoat.scrape_outcome.source_pause IS 'how long all jobs then prefer their other sources; NULL for not';
COMMENT ON COLUMN trackagoat.scrape_outcome.host_pause IS 'pause before anything is asked of the host again, doubling while it goes on; NULL for none';
COMMENT ON COLUMN trackagoat.scrape_outcome.host_pause_after IS 'so many in a row, of whichever outcomes have a pause, bring it about';
COMMENT ON COLUMN trackagoat.scrape_outcome.description IS 'what it means';

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
	failures jsonb,
	last_outcome text,
	last_success_at timestamptz,
	sec_uid text,
	list_cursor bigint,
	list_started_at timestamptz,
	list_empty_pages integer NOT NULL DEFAULT 0,
	list_has_gaps boolean NOT NULL DEFAULT false,
	listed_at timestamptz,
	source_place smallint NOT NULL DEFAULT 1,
	awaits_profile boolean NOT NULL GENERATED ALWAYS AS (kind = 'discover_videos' AND sec_uid IS NULL AND source_place = 1) STORED,
	dead_at timestamptz,
	dead_reason text,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT scrape_job_pkey PRIMARY KEY (id),
	CONSTRAINT scrape_job_target_key UNIQUE NULLS NOT DISTINCT (kind, tiktok_handle, tiktok_video_id, link),
	CONSTRAINT scrape_job_priority_check CHECK (priority IN (0, 1, 2)),
	CONSTRAINT scrape_job_target_check CHECK (num_nonnulls(tiktok_handle, tiktok_video_id, link) = 1 AND CASE kind
		WHEN 'video_stats' THEN tiktok_video_id IS NOT NULL
		WHEN 'video_link' THEN link IS NOT NULL
		ELSE tiktok_handle IS NOT NULL END),
	CONSTRAINT scrape_job_dead_check CHECK (dead_at IS NULL OR num_nonnulls(due_at, next_at) = 0),
	CONSTRAINT scrape_job_last_outcome_fkey FOREIGN KEY (last_outcome)
		REFERENCES trackagoat.scrape_outcome (outcome) ON DELETE SET NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.scrape_job IS 'one standing row per kind and TikTok account, video or short link, whichever projects track it';
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
COMMENT ON COLUMN trackagoat.scrape_job.failures IS 'how often each outcome came since the last success';
COMMENT ON COLUMN trackagoat.scrape_job.last_outcome IS 'what the last attempt came to';
COMMENT ON COLUMN trackagoat.scrape_job.last_success_at IS 'when it last succeeded';
COMMENT ON COLUMN trackagoat.scrape_job.sec_uid IS 'for discover_videos: the account''s secUid as its pages show it; item_list is asked by it';
COMMENT ON COLUMN trackagoat.scrape_job.list_cursor IS 'where the listing of videos goes on (Unix milliseconds); NULL at the newest video';
COMMENT ON COLUMN trackagoat.scrape_job.list_started_at IS 'when the listing under way began';
COMMENT ON COLUMN trackagoat.scrape_job.list_empty_pages IS 'empty pages in a row of the listing under way';
COMMENT ON COLUMN trackagoat.scrape_job.list_has_gaps IS 'whether an organization could not store a page of the listing under way';
COMMENT ON COLUMN trackagoat.scrape_job.listed_at IS 'when the last complete listing began';
COMMENT ON COLUMN trackagoat.scrape_job.source_place IS 'the source that is asked next is this one of its kind in scrape_source, or a later one';
COMMENT ON COLUMN trackagoat.scrape_job.awaits_profile IS 'a list that waits for the account''s secUid; not where the embedded page, which needs none, is to be asked';
COMMENT ON COLUMN trackagoat.scrape_job.dead_at IS 'given up since then: it is not fetched until somebody asks for it, or revive_scrapes() does';
COMMENT ON COLUMN trackagoat.scrape_job.dead_reason IS 'outcome and detail of the attempt that made it so';
COMMENT ON COLUMN trackagoat.scrape_job.created_at IS 'when the row was made';

CREATE INDEX scrape_job_due_idx ON trackagoat.scrape_job (priority DESC, due_at, kind DESC)
	WHERE due_at IS NOT NULL AND leased_until IS NULL AND NOT awaits_profile;
COMMENT ON INDEX trackagoat.scrape_job_due_idx IS 'what is queued and can be claimed, in the order of claiming';
CREATE INDEX scrape_job_next_idx ON trackagoat.scrape_job (next_at) WHERE due_at IS NULL;
COMMENT ON INDEX trackagoat.scrape_job_next_idx IS 'what the schedule queues next';
CREATE INDEX scrape_job_lease_idx ON trackagoat.scrape_job (leased_until) WHERE leased_until IS NOT NULL;
COMMENT ON INDEX trackagoat.scrape_job_lease_idx IS 'what is in flight';
CREATE INDEX scrape_job_dead_idx ON trackagoat.scrape_job (dead_at) WHERE dead_at IS NOT NULL;
COMMENT ON INDEX trackagoat.scrape_job_dead_idx IS 'dead letters';

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
	CONSTRAINT scrape_request_pkey PRIMARY KEY (id),
	CONSTRAINT scrape_request_priority_check CHECK (priority BETWEEN 0 AND 2),
	CONSTRAINT scrape_request_target_check CHECK (num_nonnulls(tiktok_handle, tiktok_video_id, link) = 1 AND CASE kind
		WHEN 'video_stats' THEN tiktok_video_id IS NOT NULL
		WHEN 'video_link' THEN link IS NOT NULL
		ELSE tiktok_handle IS NOT NULL END)
);
COMMENT ON TABLE trackagoat.scrape_request IS 'what is to become of jobs, asked for while another open transaction held them, or of many at once: the next claim or enqueue_due() folds it into scrape_job, so that nobody waits';
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
	host text NOT NULL,
	source text NOT NULL,
	started_at timestamptz NOT NULL,
	finished_at timestamptz,
	outcome text,
	http_status integer,
	curl_code integer,
	body_bytes bigint,
	milliseconds integer,
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
COMMENT ON COLUMN trackagoat.scrape_attempt.host IS 'host that was asked, with its port if it has one';
COMMENT ON COLUMN trackagoat.scrape_attempt.source IS 'page or API that was asked for, of scrape_source';
COMMENT ON COLUMN trackagoat.scrape_attempt.started_at IS 'when it was claimed';
COMMENT ON COLUMN trackagoat.scrape_attempt.finished_at IS 'when its outcome was known; NULL while in flight';
COMMENT ON COLUMN trackagoat.scrape_attempt.outcome IS 'what it came to; NULL while in flight';
COMMENT ON COLUMN trackagoat.scrape_attempt.http_status IS 'HTTP status, where there was an answer';
COMMENT ON COLUMN trackagoat.scrape_attempt.curl_code IS 'libcurl''s CURLcode, 0 for an answer';
COMMENT ON COLUMN trackagoat.scrape_attempt.body_bytes IS 'size of the answer after decompression';
COMMENT ON COLUMN trackagoat.scrape_attempt.milliseconds IS 'how long the request took, until its answer was read';
COMMENT ON COLUMN trackagoat.scrape_attempt.detail IS 'what libcurl, TikTok or the database said of a failure';
COMMENT ON COLUMN trackagoat.scrape_attempt.next_attempt_at IS 'when the same job is due again, where that was decided by this attempt';
COMMENT ON COLUMN trackagoat.scrape_attempt.host_paused_until IS 'until when nothing was to be asked of the host after this; scrape_host has what holds';

CREATE INDEX scrape_attempt_started_idx ON trackagoat.scrape_attempt (started_at);
COMMENT ON INDEX trackagoat.scrape_attempt_started_idx IS 'attempts by time, and those that retention removes';
CREATE INDEX scrape_attempt_job_idx ON trackagoat.scrape_attempt (job_id);
COMMENT ON INDEX trackagoat.scrape_attempt_job_idx IS 'attempts of a job';
CREATE INDEX scrape_attempt_open_idx ON trackagoat.scrape_attempt (job_id) WHERE finished_at IS NULL;
COMMENT ON INDEX trackagoat.scrape_attempt_open_idx IS 'attempts in flight';

ALTER TABLE trackagoat.scrape_outcome ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_job ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_attempt ENABLE ROW LEVEL SECURITY;
