-- Version 2: histories are packed, totals are folded.

-- what looks at the old tables would keep them
DO $depend$
DECLARE
	dependents text;
BEGIN
	SELECT string_agg(DISTINCT pg_describe_object(coalesce(r.classid, d.classid), coalesce(r.objid, d.objid), 0), ', ') INTO dependents
	FROM pg_depend d
	LEFT JOIN LATERAL (SELECT 'pg_class'::regclass AS classid, w.ev_class AS objid FROM pg_rewrite w
		WHERE d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid) r ON true
	WHERE d.deptype = 'n' AND d.refclassid = 'pg_class'::regclass
		AND d.refobjid IN ('trackagoat.creator_history'::regclass, 'trackagoat.video_history'::regclass)
		AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass)
		AND NOT EXISTS (SELECT FROM pg_constraint k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
			AND k.conrelid = d.refobjid);
	IF dependents IS NOT NULL THEN
		RAISE dependent_objects_still_exist USING
			MESSAGE = 'histories are packed anew, and others depend on their tables',
			DETAIL = format('It is %s.', dependents),
			HINT = 'Drop these first, and make them anew after setup() on trackagoat.video_snapshot or creator_snapshot.';
	END IF;
END
$depend$;
DROP TRIGGER creator_fill ON trackagoat.creator;
DROP TRIGGER creator_rename ON trackagoat.creator;
DROP TRIGGER creator_relist ON trackagoat.creator;
DROP TRIGGER creator_scrape ON trackagoat.creator;
DROP TRIGGER creator_touch ON trackagoat.creator;
DROP TRIGGER video_fill ON trackagoat.video;
DROP TRIGGER video_scrape ON trackagoat.video;
DROP TRIGGER video_touch ON trackagoat.video;
UPDATE trackagoat.creator SET disabled_reason = NULL WHERE disabled_at IS NULL AND disabled_reason IS NOT NULL;
ALTER TABLE trackagoat.creator
	ADD COLUMN display_name_override text,
	ADD COLUMN handle_followed_at timestamptz,
	ADD COLUMN previous_account_id bigint,
	ADD COLUMN previous_baseline_at timestamptz,
	ADD COLUMN other_account_id bigint,
	ADD COLUMN gone_days smallint NOT NULL DEFAULT 0,
	ADD COLUMN gone_on date,
	DROP CONSTRAINT creator_tiktok_sec_uid_check,
	ADD CONSTRAINT creator_tiktok_sec_uid_check CHECK (tiktok_sec_uid !~ '[^A-Za-z0-9_-]' AND octet_length(tiktok_sec_uid) BETWEEN 1 AND 128),
	ADD CONSTRAINT creator_disabled_reason_check CHECK (disabled_at IS NOT NULL OR disabled_reason IS NULL),
	ADD CONSTRAINT creator_display_name_override_check CHECK (char_length(display_name_override) BETWEEN 1 AND 200);
COMMENT ON COLUMN trackagoat.creator.display_name_override IS 'name that the team shows instead, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.creator.handle_followed_at IS 'when the account last took another handle on TikTok and the creator followed; not a rename, so nothing is cleared';
COMMENT ON COLUMN trackagoat.creator.previous_account_id IS 'account before a rename, until a profile tells whether it is still the same';
COMMENT ON COLUMN trackagoat.creator.previous_baseline_at IS 'baseline_at before that rename';
COMMENT ON COLUMN trackagoat.creator.other_account_id IS 'another account that the handle shows by now; nothing of it is stored';
COMMENT ON COLUMN trackagoat.creator.gone_days IS 'days on which the account was reported gone since it was last seen; at the fifth the creator is disabled';
COMMENT ON COLUMN trackagoat.creator.gone_on IS 'the last of these days (UTC)';
COMMENT ON COLUMN trackagoat.creator.disabled_reason IS 'why nothing is fetched: account_gone and banned are set by trackagoat, anything else by people';
ALTER TABLE trackagoat.organization ADD COLUMN week_starts_on smallint NOT NULL DEFAULT 1,
	ADD CONSTRAINT organization_week_starts_on_check CHECK (week_starts_on BETWEEN 1 AND 7);
COMMENT ON COLUMN trackagoat.organization.week_starts_on IS 'day that weeks of goals begin on: 1 is Monday, 7 is Sunday';
ALTER TABLE trackagoat.video ADD COLUMN refresh_slowed_at timestamptz, SET (fillfactor = 50),
	DROP CONSTRAINT video_tiktok_video_id_key,
	ADD CONSTRAINT video_tiktok_video_id_key UNIQUE (tiktok_video_id, project_id, org_id);
ALTER TABLE trackagoat.campaign_item DROP CONSTRAINT campaign_item_video_fkey;
ALTER TABLE trackagoat.video DROP CONSTRAINT video_project_key,
	ADD CONSTRAINT video_project_key UNIQUE (org_id, id, project_id);
ALTER TABLE trackagoat.campaign_item ADD CONSTRAINT campaign_item_video_fkey FOREIGN KEY (video_id, project_id, org_id)
	REFERENCES trackagoat.video (id, project_id, org_id) ON DELETE CASCADE;
DROP INDEX trackagoat.video_tiktok_video_id_idx, trackagoat.video_organization_idx, trackagoat.creator_organization_idx;
CREATE INDEX creator_organization_idx ON trackagoat.creator (org_id, id);
COMMENT ON INDEX trackagoat.creator_organization_idx IS 'creators of an organization';
CREATE INDEX campaign_organization_idx ON trackagoat.campaign (org_id, id);
COMMENT ON INDEX trackagoat.campaign_organization_idx IS 'campaigns of an organization';
COMMENT ON COLUMN trackagoat.video.refresh_slowed_at IS 'since when it is fetched at a quarter of the rate: it gains little';
ALTER TABLE trackagoat.project
	ADD COLUMN expiry_max_gain bigint,
	ADD COLUMN expiry_days integer,
	ADD CONSTRAINT project_expiry_check CHECK (num_nulls(expiry_max_gain, expiry_days) IN (0, 2)
		AND expiry_max_gain >= 0 AND expiry_days BETWEEN 1 AND 3650);
COMMENT ON COLUMN trackagoat.project.expiry_max_gain IS 'a video that gains no more views than this in expiry_days is refreshed more rarely, and as long again later no more; NULL for never';
COMMENT ON COLUMN trackagoat.project.expiry_days IS 'days of that rule';
ALTER TABLE trackagoat.scrape_job ADD COLUMN link text, DROP CONSTRAINT scrape_job_target_key, DROP CONSTRAINT scrape_job_target_check,
	DROP CONSTRAINT scrape_job_priority_check;
ALTER TABLE trackagoat.scrape_job
	ADD CONSTRAINT scrape_job_priority_check CHECK (priority IN (0, 1, 2)),
	ADD CONSTRAINT scrape_job_target_key UNIQUE NULLS NOT DISTINCT (kind, tiktok_handle, tiktok_video_id, link),
	ADD CONSTRAINT scrape_job_target_check CHECK (num_nonnulls(tiktok_handle, tiktok_video_id, link) = 1 AND CASE kind
		WHEN 'video_stats' THEN tiktok_video_id IS NOT NULL
		WHEN 'video_link' THEN link IS NOT NULL
		ELSE tiktok_handle IS NOT NULL END);
ALTER TABLE trackagoat.scrape_request ADD COLUMN link text,
	ADD CONSTRAINT scrape_request_priority_check CHECK (priority BETWEEN 0 AND 2);
ALTER TABLE trackagoat.scrape_request
	ADD CONSTRAINT scrape_request_target_check CHECK (num_nonnulls(tiktok_handle, tiktok_video_id, link) = 1 AND CASE kind
		WHEN 'video_stats' THEN tiktok_video_id IS NOT NULL
		WHEN 'video_link' THEN link IS NOT NULL
		ELSE tiktok_handle IS NOT NULL END);
ALTER TABLE trackagoat.scrape_attempt ADD COLUMN link text;
COMMENT ON COLUMN trackagoat.scrape_job.priority IS '2 goes first: what a person asked for by hand; 1 is what was added or changed, 0 the schedule';
COMMENT ON COLUMN trackagoat.scrape_request.priority IS 'as of scrape_job';
COMMENT ON TABLE trackagoat.scrape_job IS 'one standing row per kind and TikTok account, video or short link, whichever projects track it';
COMMENT ON COLUMN trackagoat.scrape_job.sec_uid IS 'for discover_videos: the account''s secUid as its pages show it; item_list is asked by it';
COMMENT ON TABLE trackagoat.scrape_request IS 'what is to become of jobs, asked for while another open transaction held them, or of many at once: the next claim or enqueue_due() folds it into scrape_job, so that nobody waits';
COMMENT ON COLUMN trackagoat.scrape_job.link IS 'short link, for video_link';
COMMENT ON COLUMN trackagoat.scrape_request.link IS 'short link, for video_link';
COMMENT ON COLUMN trackagoat.scrape_attempt.link IS 'short link, for video_link';
ALTER TABLE trackagoat.scrape_outcome
	ADD COLUMN class text,
	ADD COLUMN dead_after integer,
	ADD COLUMN tries_other_source boolean NOT NULL DEFAULT false,
	ADD COLUMN source_pause interval,
	ADD COLUMN host_pause_after integer NOT NULL DEFAULT 1,
	ADD CONSTRAINT scrape_outcome_class_check CHECK (class IN ('ok', 'gone', 'private', 'retry_soon', 'retry_later', 'our_bug')),
	ADD CONSTRAINT scrape_outcome_after_check CHECK (dead_after > 0 AND host_pause_after > 0);
COMMENT ON COLUMN trackagoat.scrape_outcome.class IS 'ok: read and stored; gone: five such days disable an account''s creators; private: it is there, but not for everybody; retry_soon: of the moment; retry_later: of the host; our_bug: a fault of trackagoat';
COMMENT ON COLUMN trackagoat.scrape_outcome.retry_after IS 'pause before the next attempt of the same job; doubles with each round of attempts that fails';
COMMENT ON COLUMN trackagoat.scrape_outcome.dead_after IS 'so many since the last success make the job a dead letter; NULL for never';
COMMENT ON COLUMN trackagoat.scrape_outcome.tries_other_source IS 'whether the job goes on with its next source at once, or after the pause of the host';
COMMENT ON COLUMN trackagoat.scrape_outcome.source_pause IS 'how long all jobs then prefer their other sources; NULL for not';
COMMENT ON COLUMN trackagoat.scrape_outcome.host_pause IS 'pause before anything is asked of the host again, doubling while it goes on; NULL for none';
COMMENT ON COLUMN trackagoat.scrape_outcome.host_pause_after IS 'so many in a row, of whichever outcomes have a pause, bring it about';
@SETUP 51-scrape-outcome.sql@
-- what the owner has added
UPDATE trackagoat.scrape_outcome SET class = CASE WHEN is_success THEN 'ok' ELSE 'retry_later' END WHERE class IS NULL;
ALTER TABLE trackagoat.scrape_outcome ALTER COLUMN class SET NOT NULL, DROP COLUMN is_success;
-- once a day, unless somebody has decided otherwise
UPDATE trackagoat.scrape_outcome SET retry_after = '20 hours', retry_limit = '20 hours'
WHERE class = 'gone' AND retry_after = '1 day' AND retry_limit = '7 days';
DROP VIEW trackagoat.scrape_queue;
ALTER TABLE trackagoat.scrape_job
	ADD COLUMN failures jsonb,
	ADD COLUMN source_place smallint NOT NULL DEFAULT 1,
	ADD COLUMN dead_at timestamptz,
	ADD COLUMN dead_reason text,
	ADD CONSTRAINT scrape_job_dead_check CHECK (dead_at IS NULL OR num_nonnulls(due_at, next_at) = 0);
ALTER TABLE trackagoat.scrape_job ADD COLUMN awaits_profile boolean NOT NULL
	GENERATED ALWAYS AS (kind = 'discover_videos' AND sec_uid IS NULL AND source_place = 1) STORED;
COMMENT ON COLUMN trackagoat.scrape_job.failures IS 'how often each outcome came since the last success';
COMMENT ON COLUMN trackagoat.scrape_job.source_place IS 'the source that is asked next is this one of its kind in scrape_source, or a later one';
COMMENT ON COLUMN trackagoat.scrape_job.awaits_profile IS 'a list that waits for the account''s secUid; not where the embedded page, which needs none, is to be asked';
COMMENT ON COLUMN trackagoat.scrape_job.dead_at IS 'given up since then: it is not fetched until somebody asks for it, or revive_scrapes() does';
COMMENT ON COLUMN trackagoat.scrape_job.dead_reason IS 'outcome and detail of the attempt that made it so';
DROP INDEX trackagoat.scrape_job_due_idx;
CREATE INDEX scrape_job_due_idx ON trackagoat.scrape_job (priority DESC, due_at, kind DESC)
	WHERE due_at IS NOT NULL AND leased_until IS NULL AND NOT awaits_profile;
COMMENT ON INDEX trackagoat.scrape_job_due_idx IS 'what is queued and can be claimed, in the order of claiming';
CREATE INDEX scrape_job_dead_idx ON trackagoat.scrape_job (dead_at) WHERE dead_at IS NOT NULL;
COMMENT ON INDEX trackagoat.scrape_job_dead_idx IS 'dead letters';
ALTER TABLE trackagoat.scrape_attempt
	ADD COLUMN host text NOT NULL DEFAULT 'www.tiktok.com',
	ADD COLUMN source text NOT NULL DEFAULT 'profile_page',
	ADD COLUMN curl_code integer,
	ADD COLUMN milliseconds integer;
UPDATE trackagoat.scrape_attempt SET source = CASE kind WHEN 'discover_videos' THEN 'item_list' ELSE 'video_page' END
WHERE kind <> 'creator_profile';
ALTER TABLE trackagoat.scrape_attempt ALTER COLUMN host DROP DEFAULT, ALTER COLUMN source DROP DEFAULT;
COMMENT ON COLUMN trackagoat.scrape_attempt.host IS 'host that was asked, with its port if it has one';
COMMENT ON COLUMN trackagoat.scrape_attempt.source IS 'page or API that was asked for, of scrape_source';
COMMENT ON COLUMN trackagoat.scrape_attempt.curl_code IS 'libcurl''s CURLcode, 0 for an answer';
COMMENT ON COLUMN trackagoat.scrape_attempt.milliseconds IS 'how long the request took, until its answer was read';
COMMENT ON COLUMN trackagoat.scrape_attempt.host_paused_until IS 'until when nothing was to be asked of the host after this; scrape_host has what holds';
DROP INDEX trackagoat.scrape_attempt_pause_idx;
ALTER TABLE trackagoat.creator_history RENAME TO creator_history_1;
ALTER TABLE trackagoat.video_history RENAME TO video_history_1;
-- the new tables' constraints take their names; 18 names those of NOT NULL too
DO $rename$
DECLARE
	taken record;
BEGIN
	FOR taken IN SELECT c.oid, c.conrelid::regclass AS relation, c.conname FROM pg_constraint c
		WHERE c.conrelid IN ('trackagoat.creator_history_1'::regclass, 'trackagoat.video_history_1'::regclass)
	LOOP
		EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', taken.relation, taken.conname, 'history_1_' || taken.oid);
	END LOOP;
END
$rename$;
-- what observe_video() refuses by now
DO $refused$
DECLARE
	refused bigint;
BEGIN
	WITH of_videos AS (DELETE FROM trackagoat.video_history_1 h
		WHERE h.observed_at < '0001-01-01 00:00+00' OR h.observed_at > clock_timestamp() + interval '1 day' RETURNING 1),
	of_creators AS (DELETE FROM trackagoat.creator_history_1 h
		WHERE h.observed_at < '0001-01-01 00:00+00' OR h.observed_at > clock_timestamp() + interval '1 day' RETURNING 1)
	SELECT (SELECT count(*) FROM of_videos) + (SELECT count(*) FROM of_creators) INTO refused;
	IF refused > 0 THEN
		RAISE WARNING 'left out % observations before the year 1 or more than a day ahead', refused;
	END IF;
END
$refused$;

@SETUP 25-source.sql@
@SETUP 32-history.sql@
@SETUP 35-snapshot.sql@
@SETUP 38-creator-rules.sql@
@SETUP 39-goal.sql@
@SETUP 45-total.sql@
@SETUP 47-total-triggers.sql@
@SETUP 48-plan.sql@
@SETUP 52-retention.sql@
@SETUP 52-schedule.sql@
@SETUP 52-scrape-source.sql@
@SETUP 54-scrape-status.sql@
@SETUP 60-access.sql@
@SETUP 62-policy.sql@

-- a hundred thousand at a time, by time, so that most points are appended
SELECT trackagoat.observe_creators(array_agg(h.creator_id), array_agg(h.observed_at), array_agg(h.follower_count),
	array_agg(h.following_count), array_agg(h.total_likes_count), array_agg(h.video_count), h.source, h.exact, h.org_id)
FROM (SELECT r.*, row_number() OVER (PARTITION BY r.org_id, r.source, r.exact ORDER BY r.observed_at) / 100000 AS batch
	FROM trackagoat.creator_history_1 r) h
GROUP BY h.batch, h.org_id, h.source, h.exact ORDER BY h.batch;
SELECT trackagoat.observe_videos(array_agg(h.video_id), array_agg(h.observed_at), array_agg(h.view_count),
	array_agg(h.like_count), array_agg(h.comment_count), array_agg(h.share_count), array_agg(h.save_count), h.source, h.exact, h.org_id)
FROM (SELECT r.*, row_number() OVER (PARTITION BY r.org_id, r.source, r.exact ORDER BY r.observed_at) / 100000 AS batch
	FROM trackagoat.video_history_1 r) h
GROUP BY h.batch, h.org_id, h.source, h.exact ORDER BY h.batch;
SELECT trackagoat.break_history(c.id, c.org_id, c.baseline_at) FROM trackagoat.creator c WHERE c.baseline_at > '-infinity';

DROP TABLE trackagoat.creator_history_1, trackagoat.video_history_1;

-- nothing was logged of what is older: all totals begin from the histories
DELETE FROM trackagoat.total_difference;
INSERT INTO trackagoat.total_difference (org_id, project_id) SELECT p.org_id, p.id FROM trackagoat.project p;

-- nothing of this has happened now
DELETE FROM trackagoat.creator_event;
