-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION trackagoat UPDATE TO '0.2.0'" to load this file. \quit

-- From 0.1.0: packed histories, folded totals, analytics, goals, the rules of
-- creators and videos, sources and breakers of the scraper.
-- CALL trackagoat.setup() then brings the tables over.

SET LOCAL search_path TO pg_catalog, pg_temp;

DROP FUNCTION trackagoat.campaign_stats(uuid);
DROP FUNCTION trackagoat.claim_scrapes(integer, interval);
DROP FUNCTION trackagoat.scrape_targets(trackagoat.scrape_kind, trackagoat.handle, bigint);
DROP FUNCTION trackagoat.lock_scrape_target(trackagoat.handle, bigint);
DROP FUNCTION trackagoat.finish_scrape(bigint, text, integer, bigint, text, interval, jsonb);
DROP FUNCTION trackagoat.worker_status();
DROP FUNCTION trackagoat.page_videos(jsonb);
DROP FUNCTION trackagoat.store_new_videos(uuid, trackagoat.handle, jsonb);
DROP FUNCTION trackagoat.store_videos(uuid, timestamptz, jsonb);

ALTER TYPE trackagoat.scrape_kind ADD VALUE 'video_link';
COMMENT ON TYPE trackagoat.scrape_kind IS
	'what a scrape fetches: a profile, the list of a creator''s videos, one video, or where a short link leads';

-- What follows is made by scripts/upgrade-script.

CREATE FUNCTION trackagoat.video_posted_at(posted_at timestamptz, tiktok_video_id bigint) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN coalesce(posted_at, trackagoat.video_id_time(tiktok_video_id));

COMMENT ON FUNCTION trackagoat.video_posted_at(timestamptz, bigint) IS
	'when a video counts as posted: as its page says, or else as its id does';

CREATE FUNCTION trackagoat.status_counts(status trackagoat.tracking_status) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN status IN ('auto_tracked', 'included', 'direct_add');

COMMENT ON FUNCTION trackagoat.status_counts(trackagoat.tracking_status) IS
	'whether a video counts by its status';

CREATE TYPE trackagoat.series;

COMMENT ON TYPE trackagoat.series IS
	'observations of one entity, packed: each a time and up to 16 counters that may be unknown; a few bytes a point';

CREATE FUNCTION trackagoat.series_in(cstring) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_in(cstring) IS 'I/O';

CREATE FUNCTION trackagoat.series_out(trackagoat.series) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_out(trackagoat.series) IS 'I/O';

CREATE FUNCTION trackagoat.series_recv(internal) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_recv(internal) IS 'I/O';

CREATE FUNCTION trackagoat.series_send(trackagoat.series) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_send(trackagoat.series) IS 'I/O';

CREATE TYPE trackagoat.series (
	INPUT = trackagoat.series_in, OUTPUT = trackagoat.series_out,
	RECEIVE = trackagoat.series_recv, SEND = trackagoat.series_send,
	INTERNALLENGTH = VARIABLE, STORAGE = external);

CREATE FUNCTION trackagoat.series(counters integer) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME', 'series_make' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series(integer) IS 'a series of so many counters, without points';

CREATE FUNCTION trackagoat.series_is_sound(points trackagoat.series) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_is_sound(trackagoat.series) IS 'whether all bytes of a stored value make sense';

CREATE FUNCTION trackagoat.series_append(
	points trackagoat.series, at timestamptz, levels bigint[],
	exact boolean DEFAULT true, is_break boolean DEFAULT false, source integer DEFAULT 0) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_append(trackagoat.series, timestamptz, bigint[], boolean, boolean, integer) IS
	'with one more point, in any order of time; NULL is a level not known; a point of the same moment is completed and corrected; what an anchor covers is settled';

CREATE FUNCTION trackagoat.series_at(points trackagoat.series, at timestamptz) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_at(trackagoat.series, timestamptz) IS
	'the last known levels as of a time; NULL before the first point';

CREATE FUNCTION trackagoat.series_anchor(points trackagoat.series) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_anchor(trackagoat.series) IS 'the levels before the first point; NULL where there is no anchor';

CREATE FUNCTION trackagoat.series_gain(points trackagoat.series, from_time timestamptz, to_time timestamptz) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_gain(trackagoat.series, timestamptz, timestamptz) IS
	'what each counter gained at the points from a time to before another; baselines gain nothing';

CREATE FUNCTION trackagoat.series_points(points trackagoat.series)
	RETURNS TABLE (observed_at timestamptz, levels bigint[], exact boolean, is_baseline boolean, is_break boolean, source integer)
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 50;

COMMENT ON FUNCTION trackagoat.series_points(trackagoat.series) IS
	'a row for each point; is_baseline where a counter is known for the first time, or for the first time after a break';

CREATE FUNCTION trackagoat.series_buckets(points trackagoat.series, granularity text, tz text)
	RETURNS TABLE (bucket date, gains bigint[], baselines bigint[], known bigint[])
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 50;

COMMENT ON FUNCTION trackagoat.series_buckets(trackagoat.series, text, text) IS
	'gains, baselines and the number of baselines of each counter by day, week (from Monday) or month of a time zone; PT400 invalid_granularity, invalid_timezone';

CREATE FUNCTION trackagoat.series_merge(trackagoat.series, trackagoat.series) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_merge(trackagoat.series, trackagoat.series) IS
	'the points of both; where both have one of the same moment, the second completes and corrects the first';

CREATE FUNCTION trackagoat.series_thin(points trackagoat.series, gap interval, before timestamptz) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_thin(trackagoat.series, interval, timestamptz) IS
	'without points before a time that another follows within the gap; what they gained is gained at the next';

CREATE FUNCTION trackagoat.series_cut(points trackagoat.series, before timestamptz) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.series_cut(trackagoat.series, timestamptz) IS
	'without the points before a time; their last levels stay as an anchor, so that gains after it are as before';

CREATE FUNCTION trackagoat.series_days(points trackagoat.series) RETURNS TABLE (day date, amounts bigint[])
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 50
BEGIN ATOMIC
	SELECT (p.observed_at AT TIME ZONE 'UTC')::date, p.levels FROM trackagoat.series_points(series_days.points) p;
END;

COMMENT ON FUNCTION trackagoat.series_days(trackagoat.series) IS
	'unrolls what sum_gains() answers: for each day the gains of all counters, then the baselines, then the numbers of baselines';

CREATE FUNCTION trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text) IS 'aggregate: one history more';

CREATE FUNCTION trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text, integer) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text, integer) IS 'aggregate: one counter of one history more';

CREATE FUNCTION trackagoat.sum_gains_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.sum_gains_combine(internal, internal) IS 'aggregate: two states in one';

CREATE FUNCTION trackagoat.sum_gains_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.sum_gains_serialize(internal) IS 'aggregate: a state for another process';

CREATE FUNCTION trackagoat.sum_gains_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.sum_gains_deserialize(bytea, internal) IS 'aggregate: a state from another process';

CREATE FUNCTION trackagoat.sum_gains_final(internal) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.sum_gains_final(internal) IS 'aggregate: the sums';

CREATE AGGREGATE trackagoat.sum_gains(points trackagoat.series, from_date date, to_date date, tz text, counter integer) (
	SFUNC = trackagoat.sum_gains_add, STYPE = internal, SSPACE = 16384,
	COMBINEFUNC = trackagoat.sum_gains_combine,
	SERIALFUNC = trackagoat.sum_gains_serialize, DESERIALFUNC = trackagoat.sum_gains_deserialize,
	FINALFUNC = trackagoat.sum_gains_final, PARALLEL = safe);

COMMENT ON AGGREGATE trackagoat.sum_gains(trackagoat.series, date, date, text, integer) IS
	'the same of one counter, from 1: gain, baseline and number of baselines of each day';

CREATE AGGREGATE trackagoat.sum_gains(points trackagoat.series, from_date date, to_date date, tz text) (
	SFUNC = trackagoat.sum_gains_add, STYPE = internal, SSPACE = 16384,
	COMBINEFUNC = trackagoat.sum_gains_combine,
	SERIALFUNC = trackagoat.sum_gains_serialize, DESERIALFUNC = trackagoat.sum_gains_deserialize,
	FINALFUNC = trackagoat.sum_gains_final, PARALLEL = safe);

COMMENT ON AGGREGATE trackagoat.sum_gains(trackagoat.series, date, date, text) IS
	'the daily gains of many histories, both days included, in days of a time zone; series_days() unrolls them; window and zone must be one for all rows; PT400 invalid_window, invalid_timezone';

CREATE FUNCTION trackagoat.stay_in_project() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT409' USING
		MESSAGE = 'other_project',
		DETAIL = format('A %s stays in the project that it was made in: its history and totals are there.', TG_TABLE_NAME),
		HINT = format('INSERT INTO trackagoat.%s for the other project; a TikTok account may be in several.', TG_TABLE_NAME);
END
$$;

COMMENT ON FUNCTION trackagoat.stay_in_project() IS 'trigger: refuses another project for a creator or campaign: PT409 other_project';

CREATE FUNCTION trackagoat.documented_plans() RETURNS TABLE (plan text, limit_key text, max bigint)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 48
BEGIN ATOMIC
	SELECT p.plan, k.limit_key, k.max[p.number]
	FROM (VALUES (1, 'free'), (2, 'starter'), (3, 'ultra')) p (number, plan)
	CROSS JOIN (VALUES
		('max_creators_per_org', ARRAY[5, 50, 300]::bigint[]),
		('max_tracked_videos_per_org', ARRAY[25, 500, 5000]),
		('max_projects_per_org', ARRAY[1, 3, 10]),
		('max_members_per_org', ARRAY[2, 5, 50]),
		('max_campaigns_per_project', ARRAY[3, 25, 250]),
		('max_campaign_items_per_campaign', ARRAY[25, 250, 5000]),
		('max_api_keys_per_org', ARRAY[1, 5, 50]),
		('max_api_requests_per_day', ARRAY[0, 1000, 50000]),
		('max_manual_scrape_triggers_per_day', ARRAY[1, 10, 100]),
		('max_payout_methods_per_org', ARRAY[6, 10, NULL]),
		('max_payout_structures_per_project', ARRAY[1, 5, 50]),
		('min_video_stats_hours', ARRAY[24, 6, 1]),
		('min_discover_videos_hours', ARRAY[24, 6, 1]),
		('min_creator_profiles_hours', ARRAY[24, 12, 6]),
		('stats_history_retention_days', ARRAY[30, 365, NULL])) k (limit_key, max);
END;

COMMENT ON FUNCTION trackagoat.documented_plans() IS
	'the limits of the documented plans free, starter and ultra; max NULL is no limit';

CREATE FUNCTION trackagoat.plan_limit(for_plan text, for_key text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT CASE WHEN p.plan IS NULL THEN d.max ELSE p.max END
		FROM (SELECT max(k.max) AS max FROM trackagoat.documented_plans() k WHERE k.plan = for_plan AND k.limit_key = for_key) d
		LEFT JOIN trackagoat.plan p ON p.plan = for_plan AND p.limit_key = for_key);
END
$$;

COMMENT ON FUNCTION trackagoat.plan_limit(text, text) IS
	'one limit of a plan: the documented one, over which a row of the table plan goes; NULL is no limit';

CREATE FUNCTION trackagoat.plan_limits(for_plan text) RETURNS TABLE (limit_key text, max bigint)
	LANGUAGE plpgsql STABLE ROWS 15 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN QUERY SELECT d.limit_key, trackagoat.plan_limit(for_plan, d.limit_key)
	FROM (SELECT DISTINCT k.limit_key FROM trackagoat.documented_plans() k) d
	ORDER BY d.limit_key;
END
$$;

COMMENT ON FUNCTION trackagoat.plan_limits(text) IS 'the limits of a plan, a row for each; max NULL is no limit';

CREATE FUNCTION trackagoat.organization_plan() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	known text;
BEGIN
	SELECT string_agg(DISTINCT k.plan, ', ' ORDER BY k.plan) INTO known
	FROM (SELECT d.plan FROM trackagoat.documented_plans() d UNION SELECT p.plan FROM trackagoat.plan p) k
	HAVING NOT bool_or(k.plan = NEW.plan);
	IF known IS NOT NULL THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_plan',
			DETAIL = format('There is no plan %s.', left(NEW.plan, 100)),
			HINT = format('Plans are: %s. NULL is no limit; rows of trackagoat.plan make more.', known);
	END IF;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.organization_plan() IS 'trigger: refuses a plan that nobody knows: PT400 invalid_plan';

CREATE FUNCTION trackagoat.limit_lock() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;

COMMENT ON FUNCTION trackagoat.limit_lock() IS
	'trigger: what an organization with a plan adds, it adds in one transaction at a time; others do not wait';

CREATE FUNCTION trackagoat.limit_check() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;

COMMENT ON FUNCTION trackagoat.limit_check() IS
	'trigger: refuses what goes past the limit that it names: PT402 limit_reached, with a JSON object {limitKey, current, max} as detail';

CREATE FUNCTION trackagoat.limit_room(limit_key text, org_id uuid, scope uuid) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.limit_room(text, uuid, uuid) IS
	'how many more a limit allows, held until the end of the transaction; NULL for any number; scope is the project or campaign, where the limit is of one';

CREATE FUNCTION trackagoat.limit_usage(org_id uuid) RETURNS TABLE (limit_key text, scope uuid, current bigint, max bigint)
	LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT l.limit_key, u.scope, u.current, l.max
	FROM trackagoat.organization o
	CROSS JOIN LATERAL trackagoat.plan_limits(o.plan) l
	JOIN LATERAL (
		SELECT 'max_creators_per_org' AS limit_key, NULL::uuid AS scope, count(*) AS current
			FROM trackagoat.creator c WHERE c.org_id = o.id AND c.removed_at IS NULL
		UNION ALL SELECT 'max_tracked_videos_per_org', NULL, count(*)
			FROM trackagoat.video v WHERE v.org_id = o.id AND v.tracking_status = 'direct_add'
		UNION ALL SELECT 'max_projects_per_org', NULL, count(*) FROM trackagoat.project p WHERE p.org_id = o.id
		UNION ALL SELECT 'max_campaigns_per_project', p.id, (SELECT count(*) FROM trackagoat.campaign k
			WHERE k.project_id = p.id AND k.org_id = p.org_id) FROM trackagoat.project p WHERE p.org_id = o.id
		UNION ALL SELECT 'max_campaign_items_per_campaign', k.id, (SELECT count(*) FROM trackagoat.campaign_item i
			WHERE i.campaign_id = k.id AND i.org_id = k.org_id) FROM trackagoat.campaign k WHERE k.org_id = o.id
		UNION ALL SELECT 'max_members_per_org', NULL, count(*) FROM trackagoat.member m WHERE m.org_id = o.id
		UNION ALL SELECT 'max_api_keys_per_org', NULL, count(*) FROM trackagoat.api_key k WHERE k.org_id = o.id AND k.revoked_at IS NULL
		UNION ALL SELECT 'max_api_requests_per_day', NULL, coalesce((SELECT a.requests
			FROM trackagoat.api_usage a WHERE a.org_id = o.id AND a.day = (now() AT TIME ZONE 'UTC')::date), 0)
		UNION ALL SELECT 'max_manual_scrape_triggers_per_day', NULL, CASE WHEN l.max IS NOT NULL THEN coalesce((SELECT m.triggers
			FROM trackagoat.manual_scrape m WHERE m.org_id = o.id AND m.day >= (now() AT TIME ZONE 'UTC')::date), 0) END) u USING (limit_key)
	WHERE o.id = limit_usage.org_id
	ORDER BY l.limit_key, u.scope;
END
$$;

COMMENT ON FUNCTION trackagoat.limit_usage(uuid) IS
	'how much of its limits an organization uses: a row for each limit on what can be counted, for limits of projects and campaigns one for each of them (scope); max NULL is no limit, current NULL is not counted';

CREATE OR REPLACE FUNCTION trackagoat.creator_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
	removed uuid;
BEGIN
	IF NEW.org_id IS NULL OR NEW.tracking_start_date IS NULL THEN
		SELECT p.org_id, (now() AT TIME ZONE o.timezone)::date AS today, count(*) OVER () AS found INTO parent
		FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id
		WHERE p.id = NEW.project_id AND p.org_id = coalesce(NEW.org_id, p.org_id);
		IF parent.found IS DISTINCT FROM 1 THEN
			PERFORM trackagoat.parent_missing('project', 'creator', NEW.project_id);
		END IF;
		NEW.org_id := coalesce(NEW.org_id, parent.org_id);
		NEW.tracking_start_date := coalesce(NEW.tracking_start_date, parent.today);
	END IF;
	-- what a backup brings was decided before
	IF NEW.removed_at IS NULL AND trackagoat.happens_now(NEW.created_at) THEN
		IF NEW.disabled_at IS NULL THEN
			PERFORM trackagoat.check_ban(NEW.tiktok_handle);
		END IF;
		SELECT c.id INTO removed FROM trackagoat.creator c
		WHERE c.project_id = NEW.project_id AND c.org_id = NEW.org_id AND c.tiktok_handle = NEW.tiktok_handle
			AND c.removed_at IS NOT NULL
		ORDER BY c.removed_at DESC LIMIT 1;
		-- of one that is there as well the unique index speaks
		IF FOUND AND NOT trackagoat.handle_is_taken(NEW.org_id, NEW.project_id, NEW.tiktok_handle, NEW.id) THEN
			RAISE SQLSTATE 'PT409' USING
				MESSAGE = 'handle_removed',
				DETAIL = format('The project had a creator %s, who was removed.', NEW.tiktok_handle),
				HINT = format('UPDATE trackagoat.creator SET removed_at = NULL WHERE id = %L; brings it back, history and all.', removed);
		END IF;
	END IF;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.creator_fill() IS
	'trigger: org_id from the project, tracking_start_date from the organization''s calendar; refuses a handle that is banned (PT409 creator_banned) or was removed (PT409 handle_removed)';

CREATE FUNCTION trackagoat.handle_is_taken(org_id uuid, project_id uuid, tiktok_handle trackagoat.handle, but_for uuid) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	RETURN EXISTS (SELECT FROM trackagoat.creator c
		WHERE c.project_id = handle_is_taken.project_id AND c.org_id = handle_is_taken.org_id
			AND c.tiktok_handle = handle_is_taken.tiktok_handle AND c.removed_at IS NULL AND c.id <> but_for);
END
$$;

COMMENT ON FUNCTION trackagoat.handle_is_taken(uuid, uuid, trackagoat.handle, uuid) IS
	'whether another creator of the project, not removed, has the handle; volatile, so that it sees what others committed meanwhile';

CREATE FUNCTION trackagoat.creator_no_change() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;

COMMENT ON FUNCTION trackagoat.creator_no_change() IS
	'trigger: refuses an UPDATE that sets nothing but the handle, to what it is: PT409 no_change';

CREATE OR REPLACE FUNCTION trackagoat.creator_rename() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- it is the same account, under the handle that it gave itself
	IF NEW.handle_followed_at IS DISTINCT FROM OLD.handle_followed_at THEN
		RETURN NEW;
	END IF;
	IF NEW.removed_at IS NULL THEN
		IF NEW.disabled_at IS NULL THEN
			PERFORM trackagoat.check_ban(NEW.tiktok_handle);
		END IF;
		-- of two renames to one handle the second waits, and then sees the first
		-- sixteen locks a project, so that ten thousand renames do not fill the lock table
		PERFORM pg_advisory_xact_lock(hashtext(NEW.project_id::text), trackagoat.handle_hash(NEW.tiktok_handle) & 15);
		IF trackagoat.handle_is_taken(NEW.org_id, NEW.project_id, NEW.tiktok_handle, NEW.id) THEN
			RAISE SQLSTATE 'PT409' USING
				MESSAGE = 'handle_taken',
				DETAIL = format('Another creator of the project has the handle %s.', NEW.tiktok_handle),
				HINT = 'Rename or remove that one first.';
		END IF;
	END IF;
	-- until a profile tells whose the handle is, it may still be the same account
	NEW.previous_account_id := coalesce(OLD.tiktok_account_id, OLD.previous_account_id);
	NEW.previous_baseline_at := CASE WHEN OLD.tiktok_account_id IS NULL AND OLD.previous_account_id IS NOT NULL
		THEN OLD.previous_baseline_at ELSE OLD.baseline_at END;
	NEW.baseline_at := clock_timestamp();
	NEW.tiktok_account_id := NULL;
	NEW.tiktok_sec_uid := NULL;
	NEW.other_account_id := NULL;
	NEW.display_name := NULL;
	NEW.bio := NULL;
	NEW.avatar_url := NULL;
	NEW.is_verified := NULL;
	NEW.is_private := NULL;
	NEW.follower_count := NULL;
	NEW.following_count := NULL;
	NEW.total_likes_count := NULL;
	NEW.video_count := NULL;
	NEW.last_observed_at := NULL;
	NEW.last_scraped_at := NULL;
	NEW.gone_days := 0;
	NEW.gone_on := NULL;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.creator_rename() IS
	'trigger: a new handle may be another account, so what the old one''s profile showed is cleared; refuses one that is taken (PT409 handle_taken) or banned (PT409 creator_banned)';

CREATE FUNCTION trackagoat.creator_enable() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF NEW.disabled_at IS NULL THEN
		NEW.disabled_reason := NULL;
	END IF;
	IF NEW.disabled_at IS NULL AND NEW.removed_at IS NULL THEN
		PERFORM trackagoat.check_ban(NEW.tiktok_handle);
		NEW.gone_days := 0;
		NEW.gone_on := NULL;
	END IF;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.creator_enable() IS
	'trigger: a creator that is enabled or brought back begins anew; refuses one whose handle is banned (PT409 creator_banned)';

CREATE FUNCTION trackagoat.check_ban(tiktok_handle trackagoat.handle) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	ban record;
BEGIN
	SELECT b.reason INTO ban FROM trackagoat.banned_handle b WHERE b.tiktok_handle = check_ban.tiktok_handle;
	IF FOUND THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'creator_banned',
			DETAIL = format('The handle %s is banned on this platform: %s.', tiktok_handle, ban.reason),
			HINT = 'Ask the operators of the platform, who keep trackagoat.banned_handle.';
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.check_ban(trackagoat.handle) IS 'raises PT409 creator_banned for a handle that is banned';

CREATE FUNCTION trackagoat.lock_bans() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION trackagoat.lock_bans() IS
	'wait for those who are committing creators, and keep others from it until the end of the transaction';

CREATE FUNCTION trackagoat.creator_ban() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;

COMMENT ON FUNCTION trackagoat.creator_ban() IS
	'trigger, at commit: refuses a creator whose handle was banned since it was added';

CREATE FUNCTION trackagoat.banned_handle_disable() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE active_sql_transaction USING
			MESSAGE = 'a handle cannot be banned in a transaction whose snapshot is fixed',
			DETAIL = 'It would not see the creators that others add meanwhile.',
			HINT = 'Ban in a transaction of isolation level READ COMMITTED.';
	END IF;
	-- once more at commit, for creators that others added meanwhile
	IF TG_NAME = 'banned_handle_commit' THEN
		PERFORM trackagoat.lock_bans();
		PERFORM FROM trackagoat.banned_handle b WHERE b.tiktok_handle = NEW.tiktok_handle;
		IF NOT FOUND THEN
			RETURN NULL;
		END IF;
	END IF;
	UPDATE trackagoat.creator c SET disabled_at = now(), disabled_reason = 'banned'
	WHERE c.tiktok_handle = NEW.tiktok_handle AND c.removed_at IS NULL AND c.disabled_at IS NULL;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.banned_handle_disable() IS 'trigger: disables the creators that have a handle which is banned';

CREATE FUNCTION trackagoat.follower_milestones(before bigint, after bigint) RETURNS SETOF bigint
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT m.milestone FROM (SELECT d.digits * power(10::numeric, n)::bigint
			FROM (VALUES (10::bigint), (25), (50)) d (digits) CROSS JOIN generate_series(2, 12) n) m (milestone)
	WHERE m.milestone > least(before, after) AND m.milestone <= greatest(before, after)
	ORDER BY CASE WHEN before < after THEN m.milestone ELSE -m.milestone END;
END;

COMMENT ON FUNCTION trackagoat.follower_milestones(bigint, bigint) IS
	'the milestones (1k, 2.5k, 5k, 10k, ...) that lie between two numbers of followers, in the order of crossing';

CREATE FUNCTION trackagoat.creator_log() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	kinds text[] := '{}';
	details jsonb[] := '{}';
BEGIN
	IF (OLD.removed_at IS NULL) <> (NEW.removed_at IS NULL) THEN
		kinds := kinds || CASE WHEN NEW.removed_at IS NULL THEN 'reactivated' ELSE 'removed' END;
		details := details || '{}'::jsonb;
	END IF;
	IF OLD.tiktok_handle <> NEW.tiktok_handle THEN
		kinds := kinds || CASE WHEN OLD.handle_followed_at IS DISTINCT FROM NEW.handle_followed_at THEN 'handle_followed' ELSE 'renamed' END;
		-- ids are text, for JSON readers whose numbers are doubles
		details := details || jsonb_build_object('from', OLD.tiktok_handle::text, 'to', NEW.tiktok_handle::text,
			'tiktok_account_id', OLD.tiktok_account_id::text, 'tiktok_sec_uid', OLD.tiktok_sec_uid);
	END IF;
	IF OLD.previous_account_id IS NOT NULL AND NEW.tiktok_account_id = OLD.previous_account_id THEN
		kinds := kinds || 'account_confirmed'::text;
		details := details || jsonb_build_object('tiktok_account_id', NEW.tiktok_account_id::text);
	END IF;
	IF NEW.other_account_id <> coalesce(OLD.other_account_id, 0) THEN
		kinds := kinds || 'account_changed'::text;
		details := details || jsonb_build_object('tiktok_account_id', NEW.tiktok_account_id::text,
			'shown_account_id', NEW.other_account_id::text);
	END IF;
	IF OLD.tracking_mode <> NEW.tracking_mode THEN
		kinds := kinds || 'mode_changed'::text;
		details := details || jsonb_build_object('from', OLD.tracking_mode, 'to', NEW.tracking_mode);
	END IF;
	IF OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL THEN
		kinds := kinds || CASE NEW.disabled_reason WHEN 'account_gone' THEN 'auto_disabled' WHEN 'banned' THEN 'banned' ELSE 'disabled' END;
		details := details || jsonb_build_object('reason', NEW.disabled_reason);
	ELSIF OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL THEN
		kinds := kinds || 'reenabled'::text;
		details := details || jsonb_build_object('reason', OLD.disabled_reason);
	END IF;
	-- what was not known before, or is of another account, is a baseline; an import or a correction is no event of now
	IF OLD.follower_count <> NEW.follower_count AND NEW.last_observed_at > OLD.last_observed_at
		AND NEW.last_observed_at > now() - interval '1 day'
	THEN
		SELECT kinds || array_agg('follower_milestone'::text), details || array_agg(jsonb_build_object('milestone', m.milestone,
			'direction', CASE WHEN OLD.follower_count < NEW.follower_count THEN 'up' ELSE 'down' END, 'follower_count', NEW.follower_count))
		INTO kinds, details
		FROM trackagoat.follower_milestones(OLD.follower_count, NEW.follower_count) m (milestone);
	END IF;
	INSERT INTO trackagoat.creator_event (org_id, project_id, creator_id, kind, detail)
	SELECT NEW.org_id, NEW.project_id, NEW.id, e.kind, e.detail FROM unnest(kinds, details) e (kind, detail);
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.creator_log() IS 'trigger: writes to the change log what changes about a creator';

CREATE FUNCTION trackagoat.creator_added() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;

COMMENT ON FUNCTION trackagoat.creator_added() IS 'trigger: writes to the change log that a creator was added';

CREATE FUNCTION trackagoat.in_bulk() RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION trackagoat.in_bulk() IS
	'whether the statement at hand is one of add_creators(), review_videos() or store_new_videos(), which do set by set what its triggers would row by row';

CREATE FUNCTION trackagoat.handle_or_null(text) RETURNS trackagoat.handle
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.handle_or_null(text) IS 'parse_handle() that answers NULL where there is no handle';

CREATE FUNCTION trackagoat.check_many(what text, given integer) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF given > 10000 THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'too_many_' || what,
			DETAIL = format('%s %s are more than one call takes.', given, what),
			HINT = 'Give up to 10000 at a time.';
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.check_many(text, integer) IS 'raises PT400 for more than 10,000 inputs of a call';

CREATE FUNCTION trackagoat.insert_creators(
	org_id uuid, project_id uuid, handles trackagoat.handle[], tracking_mode text, tracking_start_date date, careful boolean)
	RETURNS uuid[]
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.insert_creators(uuid, uuid, trackagoat.handle[], text, date, boolean) IS
	'the rows of add_creators(), whose triggers stand back, and what follows from them; answers the ids of those that were not there. Unless careful it is faster, and raises unique_violation where others write the same meanwhile';

CREATE FUNCTION trackagoat.add_creators(
	project_id uuid, creators text[],
	tracking_mode trackagoat.tracking_mode DEFAULT NULL, tracking_start_date date DEFAULT NULL)
	RETURNS TABLE (place integer, input text, tiktok_handle trackagoat.handle, creator_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	project record;
	handles trackagoat.handle[];
	banned trackagoat.handle[];
	room bigint;
	created uuid[];
	reactivated uuid[];
	brought trackagoat.handle[];
	fresh trackagoat.handle[];
	careful boolean := false;
BEGIN
	PERFORM trackagoat.check_many('creators', cardinality(creators));
	SELECT p.org_id, (now() AT TIME ZONE o.timezone)::date AS today, count(*) OVER () AS found INTO project
	FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id WHERE p.id = add_creators.project_id;
	IF project.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('project', project_id);
	END IF;

	-- each handle once, as it is first written; OFFSET 0 has each input read once
	SELECT array_agg(h.handle ORDER BY h.place) INTO handles FROM (
		SELECT DISTINCT ON (i.handle) i.handle, i.place FROM (
			SELECT trackagoat.handle_or_null(g.input) AS handle, g.place FROM unnest(creators) WITH ORDINALITY g (input, place) OFFSET 0) i
		WHERE i.handle IS NOT NULL ORDER BY i.handle, i.place) h;
	SELECT array_agg(b.tiktok_handle) INTO banned FROM trackagoat.banned_handle b WHERE b.tiktok_handle = ANY (handles);
	room := trackagoat.limit_room('max_creators_per_org', project.org_id, NULL);

	-- who is to come back or to come, in the order given, as far as there is room
	SELECT array_agg(h.handle ORDER BY h.place) INTO handles FROM (
		SELECT w.handle, w.place FROM unnest(handles) WITH ORDINALITY w (handle, place)
		WHERE w.handle <> ALL (coalesce(banned, '{}'))
			AND NOT EXISTS (SELECT FROM trackagoat.creator c WHERE c.project_id = add_creators.project_id
				AND c.org_id = project.org_id AND c.tiktok_handle = w.handle AND c.removed_at IS NULL)
		ORDER BY w.place LIMIT room) h;

	LOOP
		BEGIN
			SELECT array_agg(b.id) INTO reactivated FROM (SELECT DISTINCT ON (r.tiktok_handle) r.id FROM unnest(handles) w (handle)
				JOIN trackagoat.creator r ON r.project_id = add_creators.project_id AND r.org_id = project.org_id
					AND r.tiktok_handle = w.handle AND r.removed_at IS NOT NULL
				ORDER BY r.tiktok_handle, r.removed_at DESC) b;
			-- all are locked before a snapshot shows what others made of them meanwhile
			PERFORM FROM trackagoat.creator c WHERE c.id = ANY (reactivated) AND c.org_id = project.org_id ORDER BY c.id FOR UPDATE;
			WITH back AS (UPDATE trackagoat.creator c SET removed_at = NULL, disabled_at = NULL,
					tracking_mode = coalesce(add_creators.tracking_mode, c.tracking_mode),
					tracking_start_date = coalesce(add_creators.tracking_start_date, c.tracking_start_date)
				WHERE c.id = ANY (reactivated) AND c.org_id = project.org_id AND c.removed_at IS NOT NULL
					AND NOT (careful AND trackagoat.handle_is_taken(c.org_id, c.project_id, c.tiktok_handle, c.id))
				RETURNING c.id, c.tiktok_handle)
			SELECT coalesce(array_agg(b.id), '{}'), coalesce(array_agg(b.tiktok_handle), '{}') INTO reactivated, brought FROM back b;
			SELECT coalesce(array_agg(w.handle ORDER BY w.place), '{}') INTO fresh FROM unnest(handles) WITH ORDINALITY w (handle, place)
			WHERE w.handle NOT IN (SELECT unnest(brought));
			created := trackagoat.insert_creators(project.org_id, project_id, fresh, coalesce(tracking_mode, 'auto')::text,
				coalesce(tracking_start_date, project.today), careful);
			EXIT;
		EXCEPTION WHEN unique_violation OR exclusion_violation THEN
			IF careful THEN
				RAISE;
			END IF;
			careful := true;
		END;
	END LOOP;

	RETURN QUERY
	SELECT i.place, i.input, i.handle, c.id,
		CASE WHEN c.id IS NULL THEN 'refused' WHEN i.nth > 1 THEN 'already_there' WHEN c.id IN (SELECT unnest(created)) THEN 'created'
			WHEN c.id IN (SELECT unnest(reactivated)) THEN 'reactivated' ELSE 'already_there' END,
		CASE WHEN c.id IS NOT NULL THEN NULL WHEN i.handle IS NULL THEN 'invalid_handle'
			WHEN i.handle = ANY (banned) THEN 'creator_banned' WHEN room IS NULL THEN 'conflict' ELSE 'limit_reached' END
	FROM (SELECT r.place, r.input, r.handle, row_number() OVER (PARTITION BY r.handle ORDER BY r.place) AS nth
		FROM (SELECT g.place::integer, g.input, trackagoat.handle_or_null(g.input) AS handle
			FROM unnest(creators) WITH ORDINALITY g (input, place) OFFSET 0) r) i
	LEFT JOIN trackagoat.creator c ON c.project_id = add_creators.project_id AND c.org_id = project.org_id
		AND c.tiktok_handle = i.handle AND c.removed_at IS NULL
	ORDER BY i.place;
END
$$;

COMMENT ON FUNCTION trackagoat.add_creators(uuid, text[], trackagoat.tracking_mode, date) IS
	'add up to 10,000 handles or profile URLs to a project; a row for each: created, reactivated, already_there, or refused with its code. New ones are auto from today on unless told otherwise, ones that come back keep what they had';

CREATE FUNCTION trackagoat.remove_creators(creator_ids uuid[]) RETURNS TABLE (creator_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	removed uuid[];
BEGIN
	PERFORM trackagoat.check_many('creators', cardinality(creator_ids));
	WITH gone AS (UPDATE trackagoat.creator c SET removed_at = now()
		FROM (SELECT k.id, k.org_id FROM trackagoat.creator k
			WHERE k.id IN (SELECT unnest(creator_ids)) AND k.removed_at IS NULL ORDER BY k.id FOR UPDATE) g
		WHERE c.id = g.id AND c.org_id = g.org_id
		RETURNING c.id)
	SELECT coalesce(array_agg(g.id), '{}') INTO removed FROM gone g;
	RETURN QUERY SELECT i.id,
		CASE WHEN i.id IN (SELECT unnest(removed)) THEN 'removed' WHEN c.found THEN 'already_removed' ELSE 'refused' END,
		CASE WHEN NOT c.found THEN 'creator_not_found' END
	FROM unnest(creator_ids) WITH ORDINALITY i (id, place),
		LATERAL (SELECT EXISTS (SELECT FROM trackagoat.creator k WHERE k.id = i.id) AS found) c
	ORDER BY i.place;
END
$$;

COMMENT ON FUNCTION trackagoat.remove_creators(uuid[]) IS
	'take creators and their videos out of the program, history kept; a row for each: removed, already_removed, or refused with its code';

CREATE FUNCTION trackagoat.reenable_creators(creator_ids uuid[]) RETURNS TABLE (creator_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	reenabled uuid[];
BEGIN
	PERFORM trackagoat.check_many('creators', cardinality(creator_ids));
	WITH back AS (UPDATE trackagoat.creator c SET disabled_at = NULL
		FROM (SELECT k.id, k.org_id FROM trackagoat.creator k
			WHERE k.id IN (SELECT unnest(creator_ids)) AND k.disabled_at IS NOT NULL AND k.removed_at IS NULL
				AND NOT EXISTS (SELECT FROM trackagoat.banned_handle b WHERE b.tiktok_handle = k.tiktok_handle)
			ORDER BY k.id FOR UPDATE) b
		WHERE c.id = b.id AND c.org_id = b.org_id
		RETURNING c.id)
	SELECT coalesce(array_agg(b.id), '{}') INTO reenabled FROM back b;
	RETURN QUERY SELECT i.id,
		CASE WHEN i.id IN (SELECT unnest(reenabled)) THEN 'reenabled' WHEN c.is_active THEN 'already_active' ELSE 'refused' END,
		CASE WHEN c.is_active THEN NULL WHEN c.removed_at IS NOT NULL THEN 'creator_removed'
			WHEN c.id IS NOT NULL THEN 'creator_banned' ELSE 'creator_not_found' END
	FROM unnest(creator_ids) WITH ORDINALITY i (id, place)
	LEFT JOIN LATERAL (SELECT k.* FROM trackagoat.creator k WHERE k.id = i.id LIMIT 1) c ON true
	ORDER BY i.place;
END
$$;

COMMENT ON FUNCTION trackagoat.reenable_creators(uuid[]) IS
	'fetch creators again that were disabled, by hand or because their account was gone; a row for each: reenabled, already_active, or refused with its code';

CREATE OR REPLACE FUNCTION trackagoat.video_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
BEGIN
	IF NEW.project_id IS NULL AND NEW.creator_id IS NOT NULL THEN
		SELECT c.project_id, c.org_id, count(*) OVER () AS found INTO parent
		FROM trackagoat.creator c
		WHERE c.id = NEW.creator_id AND c.org_id = coalesce(NEW.org_id, c.org_id);
		IF parent.found IS DISTINCT FROM 1 THEN
			PERFORM trackagoat.parent_missing('creator', 'video', NEW.creator_id);
		END IF;
		NEW.project_id := parent.project_id;
		NEW.org_id := parent.org_id;
	ELSIF NEW.org_id IS NULL THEN
		NEW.org_id := trackagoat.project_organization(NEW.project_id, 'video');
	END IF;
	IF NEW.creator_id IS NULL AND NEW.tiktok_handle IS NOT NULL THEN
		SELECT c.id INTO NEW.creator_id FROM trackagoat.creator c
		WHERE c.project_id = NEW.project_id AND c.org_id = NEW.org_id AND c.tiktok_handle = NEW.tiktok_handle
			AND c.removed_at IS NULL;
	END IF;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.video_fill() IS 'trigger: project_id from the creator, org_id from the project, the creator by the author''s handle';

CREATE FUNCTION trackagoat.creator_adopt() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	UPDATE trackagoat.video v SET creator_id = NEW.id
	WHERE v.project_id = NEW.project_id AND v.org_id = NEW.org_id AND v.tiktok_handle = NEW.tiktok_handle
		AND v.creator_id IS NULL;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.creator_adopt() IS
	'trigger: videos that were added by URL before their creator came belong to it';

CREATE FUNCTION trackagoat.status_goes_to(status trackagoat.tracking_status) RETURNS trackagoat.tracking_status[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE status
		WHEN 'auto_tracked' THEN '{pending_review,included,excluded}'::trackagoat.tracking_status[]
		WHEN 'pending_review' THEN '{included,excluded}'::trackagoat.tracking_status[]
		WHEN 'included' THEN '{pending_review,excluded}'::trackagoat.tracking_status[]
		WHEN 'excluded' THEN '{pending_review,included}'::trackagoat.tracking_status[]
		WHEN 'direct_add' THEN '{included,excluded}'::trackagoat.tracking_status[] END;

COMMENT ON FUNCTION trackagoat.status_goes_to(trackagoat.tracking_status) IS
	'the statuses that a video may get next; auto_tracked and direct_add say how it came, so none goes there';

CREATE FUNCTION trackagoat.video_review() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF NEW.tracking_status <> ALL (trackagoat.status_goes_to(OLD.tracking_status)) THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'invalid_transition',
			DETAIL = format('A video does not go from %s to %s.', OLD.tracking_status, NEW.tracking_status),
			HINT = format('From %s it goes to: %s.', OLD.tracking_status,
				array_to_string(trackagoat.status_goes_to(OLD.tracking_status), ', '));
	END IF;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.video_review() IS 'trigger: refuses a status that the one before does not lead to: PT409 invalid_transition';

CREATE FUNCTION trackagoat.video_delete() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- with its creator or project it goes without a trace
	INSERT INTO trackagoat.deleted_video (org_id, project_id, tiktok_video_id)
	SELECT p.org_id, p.id, OLD.tiktok_video_id FROM trackagoat.project p
	WHERE p.id = OLD.project_id AND p.org_id = OLD.org_id
		AND (OLD.creator_id IS NULL
			OR EXISTS (SELECT FROM trackagoat.creator c WHERE c.id = OLD.creator_id AND c.org_id = OLD.org_id))
	ON CONFLICT DO NOTHING;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.video_delete() IS 'trigger: remembers a deleted video, so that discovery does not bring it back';

CREATE FUNCTION trackagoat.video_return() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	DELETE FROM trackagoat.deleted_video d
	WHERE d.project_id = NEW.project_id AND d.org_id = NEW.org_id AND d.tiktok_video_id = NEW.tiktok_video_id;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.video_return() IS 'trigger: a video that a person adds again is no longer a deleted one';

CREATE FUNCTION trackagoat.video_refresh() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	NEW.refresh_slowed_at := NULL;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.video_refresh() IS 'trigger: a video whose refreshing begins again is refreshed at the full rate';

CREATE FUNCTION trackagoat.video_log() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	INSERT INTO trackagoat.creator_event (org_id, project_id, creator_id, video_id, kind, detail)
	VALUES (NEW.org_id, NEW.project_id, NEW.creator_id, NEW.id,
		CASE WHEN NEW.refresh_stopped_at IS NOT NULL THEN 'refresh_stopped'
			WHEN NEW.refresh_slowed_at IS NOT NULL THEN 'refresh_slowed' ELSE 'refresh_resumed' END,
		jsonb_build_object('tiktok_video_id', NEW.tiktok_video_id::text));
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.video_log() IS 'trigger: writes to the change log when refreshing a video slows down, stops or begins again';

CREATE FUNCTION trackagoat.video_url(tiktok_handle trackagoat.handle, tiktok_video_id bigint, kind text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 'https://www.tiktok.com/@' || coalesce(tiktok_handle::text, '') || '/' || coalesce(kind, 'video') || '/' || tiktok_video_id;

COMMENT ON FUNCTION trackagoat.video_url(trackagoat.handle, bigint, text) IS 'where TikTok shows a post';

CREATE FUNCTION trackagoat.video_url_or_null(text, OUT tiktok_handle trackagoat.handle, OUT tiktok_video_id bigint, OUT kind text)
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.video_url_or_null(text) IS 'parse_video_url() that answers NULL where there is no video';

CREATE FUNCTION trackagoat.short_link(url text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (SELECT CASE WHEN p.part[2] IS NULL THEN lower(p.part[1]) ELSE 'www.tiktok.com/t' END || '/' || p.part[3]
		FROM regexp_match(url, '^\s*(?:https?://)?(v[mt]\.tiktok\.com|(?:www\.|m\.)?tiktok\.com(/+t))/+([A-Za-z0-9_-]{1,40})/*\s*(?:[?#].*)?$', 'i') p (part));

COMMENT ON FUNCTION trackagoat.short_link(text) IS 'host and path of a short link, without what differs between copies of it; NULL for one whose code is too long';

CREATE FUNCTION trackagoat.video_link_scrape() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	PERFORM trackagoat.queue_target('{video_link}', NULL, NULL, now(), now(), 1, false, NEW.link);
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.video_link_scrape() IS 'trigger: queues a short link';

CREATE FUNCTION trackagoat.add_videos(project_id uuid, urls text[])
	RETURNS TABLE (place integer, input text, video_id uuid, tiktok_video_id bigint, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	project record;
	wanted bigint[];
	created uuid[];
BEGIN
	PERFORM trackagoat.check_many('videos', cardinality(urls));
	SELECT p.org_id, count(*) OVER () AS found INTO project FROM trackagoat.project p WHERE p.id = add_videos.project_id;
	IF project.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('project', project_id);
	END IF;

	-- new ones in the order given, as far as there is room
	SELECT array_agg(w.id ORDER BY w.place) INTO wanted FROM (
		SELECT u.tiktok_video_id AS id, min(i.place) AS place
		FROM unnest(urls) WITH ORDINALITY i (url, place), trackagoat.video_url_or_null(i.url) u
		WHERE u.tiktok_video_id IS NOT NULL
			AND NOT EXISTS (SELECT FROM trackagoat.video v WHERE v.project_id = add_videos.project_id
				AND v.org_id = project.org_id AND v.tiktok_video_id = u.tiktok_video_id)
		GROUP BY u.tiktok_video_id ORDER BY 2
		LIMIT trackagoat.limit_room('max_tracked_videos_per_org', project.org_id, NULL)) w;
	WITH added AS (INSERT INTO trackagoat.video (id, org_id, project_id, tiktok_video_id, tiktok_handle, kind, tracking_status)
		SELECT n.id, project.org_id, project_id, n.tiktok_video_id, n.tiktok_handle, n.kind, 'direct_add'
		FROM (SELECT trackagoat.uuidv7() AS id, d.* FROM (
			SELECT DISTINCT ON (w.place) u.tiktok_video_id, u.tiktok_handle, u.kind
			FROM unnest(urls) WITH ORDINALITY i (url, place), trackagoat.video_url_or_null(i.url) u,
				unnest(wanted) WITH ORDINALITY w (id, place)
			WHERE u.tiktok_video_id = w.id ORDER BY w.place, u.tiktok_handle IS NULL, i.place) d) n
		ORDER BY n.tiktok_video_id
		ON CONFLICT DO NOTHING
		RETURNING video.id)
	SELECT coalesce(array_agg(a.id), '{}') INTO created FROM added a;
	-- the worker looks where short links lead
	INSERT INTO trackagoat.video_link (org_id, project_id, link)
	SELECT DISTINCT project.org_id, project_id, trackagoat.short_link(i.url)
	FROM unnest(urls) i (url), trackagoat.video_url_or_null(i.url) u
	WHERE u.kind = 'short' AND trackagoat.short_link(i.url) IS NOT NULL
	ORDER BY 3
	ON CONFLICT ON CONSTRAINT video_link_pkey DO UPDATE SET problem = NULL;

	RETURN QUERY
	SELECT i.place, i.url, v.id, i.tiktok_video_id,
		CASE WHEN i.kind = 'short' THEN 'queued' WHEN v.id IS NULL THEN 'refused'
			WHEN i.nth = 1 AND v.id IN (SELECT unnest(created)) THEN 'created' ELSE 'already_there' END,
		CASE WHEN i.kind = 'short' OR v.id IS NOT NULL THEN NULL WHEN i.tiktok_video_id IS NULL THEN 'invalid_video_url'
			ELSE 'limit_reached' END
	FROM (SELECT g.place::integer, g.url, u.tiktok_video_id,
			CASE WHEN u.kind <> 'short' OR trackagoat.short_link(g.url) IS NOT NULL THEN u.kind END AS kind,
			row_number() OVER (PARTITION BY u.tiktok_video_id ORDER BY g.place) AS nth
		FROM unnest(urls) WITH ORDINALITY g (url, place) LEFT JOIN LATERAL trackagoat.video_url_or_null(g.url) u ON true) i
	LEFT JOIN trackagoat.video v ON v.project_id = add_videos.project_id AND v.org_id = project.org_id
		AND v.tiktok_video_id = i.tiktok_video_id
	ORDER BY i.place;
END
$$;

COMMENT ON FUNCTION trackagoat.add_videos(uuid, text[]) IS
	'add up to 10,000 videos by their URLs; a row for each: created, already_there, queued (a short link, which the worker resolves), or refused with its code';

CREATE FUNCTION trackagoat.update_video_status(video_ids uuid[], tracking_status text) RETURNS uuid[]
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.update_video_status(uuid[], text) IS
	'the rows of review_videos(), whose triggers stand back; answers the ids of those whose status leads there';

CREATE FUNCTION trackagoat.review_videos(video_ids uuid[], tracking_status trackagoat.tracking_status)
	RETURNS TABLE (video_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	reviewed uuid[];
BEGIN
	PERFORM trackagoat.check_many('videos', cardinality(video_ids));
	IF tracking_status IS NULL OR tracking_status NOT IN ('included', 'excluded', 'pending_review') THEN
		PERFORM trackagoat.check_choice('invalid_tracking_status', tracking_status::text, '{included,excluded,pending_review}');
	END IF;
	reviewed := trackagoat.update_video_status(coalesce(video_ids, '{}'), tracking_status::text);
	RETURN QUERY SELECT i.id,
		CASE WHEN i.is_reviewed THEN 'reviewed' WHEN v.tracking_status = review_videos.tracking_status THEN 'unchanged' ELSE 'refused' END,
		CASE WHEN i.is_reviewed THEN NULL WHEN v.id IS NULL THEN 'video_not_found'
			WHEN v.tracking_status <> review_videos.tracking_status THEN 'invalid_transition' END
	FROM (SELECT g.id, g.place, g.id IN (SELECT unnest(reviewed)) AS is_reviewed
		FROM unnest(video_ids) WITH ORDINALITY g (id, place) OFFSET 0) i
	LEFT JOIN LATERAL (SELECT w.id, w.tracking_status FROM trackagoat.video w WHERE w.id = i.id AND NOT i.is_reviewed LIMIT 1) v ON true
	ORDER BY i.place;
END
$$;

COMMENT ON FUNCTION trackagoat.review_videos(uuid[], trackagoat.tracking_status) IS
	'include or exclude videos, or send them back to the inbox; a row for each: reviewed, unchanged, or refused with its code';

CREATE FUNCTION trackagoat.content_calendar(project_id uuid, month date DEFAULT NULL, for_creator uuid DEFAULT NULL)
	RETURNS TABLE (day date, posts bigint, creators bigint, video_ids uuid[])
	LANGUAGE plpgsql STABLE ROWS 31 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	project record;
	first_day date;
BEGIN
	SELECT p.org_id, o.timezone, count(*) OVER () AS found INTO project
	FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id WHERE p.id = content_calendar.project_id;
	IF project.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('project', project_id);
	END IF;
	PERFORM FROM trackagoat.creator c
	WHERE c.id = for_creator AND c.project_id = content_calendar.project_id AND c.org_id = project.org_id;
	IF NOT FOUND AND for_creator IS NOT NULL THEN
		PERFORM trackagoat.entity_missing('creator', for_creator);
	END IF;
	-- the days of an infinite month have no end
	PERFORM trackagoat.check_window(month, month);
	first_day := date_trunc('month', coalesce(month::timestamp, now() AT TIME ZONE project.timezone))::date;
	RETURN QUERY
	SELECT d.day::date, count(v.id), count(DISTINCT v.creator_id),
		coalesce(array_agg(v.id ORDER BY v.posted_at, v.id) FILTER (WHERE v.id IS NOT NULL), '{}')
	FROM generate_series(first_day::timestamp, first_day + interval '1 month - 1 day', '1 day') d (day)
	LEFT JOIN (SELECT w.id, w.creator_id, trackagoat.video_posted_at(w.posted_at, w.tiktok_video_id) AS posted_at,
			(trackagoat.video_posted_at(w.posted_at, w.tiktok_video_id) AT TIME ZONE project.timezone)::date AS day
		FROM trackagoat.video w LEFT JOIN trackagoat.creator c ON c.id = w.creator_id AND c.org_id = w.org_id
		WHERE w.project_id = content_calendar.project_id AND w.org_id = project.org_id
			AND trackagoat.video_counts(w.tracking_status, c.removed_at)
			AND (for_creator IS NULL OR w.creator_id = for_creator)
			-- no time zone is further from UTC; a midnight may come twice, so the day decides
			AND trackagoat.video_posted_at(w.posted_at, w.tiktok_video_id) >= (first_day - interval '1 day') AT TIME ZONE 'UTC'
			AND trackagoat.video_posted_at(w.posted_at, w.tiktok_video_id) < (first_day + interval '1 month 1 day') AT TIME ZONE 'UTC') v
		ON v.day = d.day::date
	GROUP BY d.day ORDER BY d.day;
END
$$;

COMMENT ON FUNCTION trackagoat.content_calendar(uuid, date, uuid) IS
	'what was posted on each day of a month, in the organization''s time zone: posts that count, their creators, and the videos; the current month when left out';

CREATE FUNCTION trackagoat.expire_videos(video_ids uuid[], org_id uuid, at timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	changed integer;
	candidates uuid[] := ARRAY(SELECT w.id FROM trackagoat.video w
		JOIN trackagoat.project p ON p.id = w.project_id AND p.org_id = w.org_id
		WHERE w.id = ANY (video_ids) AND w.org_id = expire_videos.org_id AND w.refresh_stopped_at IS NULL
			-- where the rule is gone, nothing is quiet
			AND (p.expiry_days IS NOT NULL OR w.refresh_slowed_at IS NOT NULL));
BEGIN
	IF candidates = '{}' THEN
		RETURN 0;
	END IF;
	UPDATE trackagoat.video v SET
		refresh_slowed_at = CASE WHEN q.is_quiet THEN coalesce(v.refresh_slowed_at, at) END,
		refresh_stopped_at = CASE WHEN q.is_quiet AND v.refresh_slowed_at <= at - q.days THEN at END
	FROM (SELECT w.id, p.expiry_days * interval '1 day' AS days,
			EXISTS (SELECT FROM trackagoat.video_history h WHERE h.video_id = w.id AND h.org_id = w.org_id
				AND trackagoat.series_at(h.points, at - p.expiry_days * interval '1 day') IS NOT NULL)
			AND (SELECT coalesce(sum((trackagoat.series_gain(h.points, at - p.expiry_days * interval '1 day', at + interval '1 microsecond'))[1]), 0)
				FROM trackagoat.video_history h WHERE h.video_id = w.id AND h.org_id = w.org_id) <= p.expiry_max_gain AS is_quiet
		FROM trackagoat.video w JOIN trackagoat.project p ON p.id = w.project_id AND p.org_id = w.org_id
		WHERE w.id = ANY (candidates) AND w.org_id = expire_videos.org_id) q
	WHERE v.id = q.id AND v.org_id = expire_videos.org_id
		AND (q.is_quiet <> (v.refresh_slowed_at IS NOT NULL) OR (q.is_quiet AND v.refresh_slowed_at <= at - q.days));
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;

COMMENT ON FUNCTION trackagoat.expire_videos(uuid[], uuid, timestamptz) IS
	'slow down and then stop refreshing videos that gained no more than their project''s expiry_max_gain views in expiry_days days, or bring them back to the full rate; answers how many changed';

CREATE OR REPLACE FUNCTION trackagoat.check_observations(entity text, ids uuid[], observed_at timestamptz[], lengths integer[]) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF ids IS NULL OR array_position(ids, NULL) IS NOT NULL
		OR observed_at IS NULL OR array_position(observed_at, NULL) IS NOT NULL
		OR '0001-01-01 00:00Z' > ANY (observed_at) OR now() + interval '1 day' < ANY (observed_at)
	THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_observation',
			DETAIL = 'An id or a time is NULL, or a time is infinite, before the year 1 or more than a day ahead.',
			HINT = format('Give the id of a row of trackagoat.%s and when the numbers were seen.', entity);
	END IF;
	IF cardinality(ids) <> cardinality(observed_at) OR cardinality(ids) <> ANY (lengths) THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_observation',
			DETAIL = format('%s ids came with %s times and counters of lengths %s.',
				cardinality(ids), cardinality(observed_at), lengths),
			HINT = 'Give one element for each id in every array, NULL where a number is not known; or NULL for a whole array.';
	END IF;
END
$$;

CREATE FUNCTION trackagoat.observation_source_id(source text) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	found_id integer;
BEGIN
	LOOP
		SELECT s.id INTO found_id FROM trackagoat.observation_source s WHERE s.source = observation_source_id.source;
		EXIT WHEN FOUND;
		INSERT INTO trackagoat.observation_source (source) VALUES (observation_source_id.source)
			ON CONFLICT ON CONSTRAINT observation_source_source_key DO NOTHING
			RETURNING id INTO found_id;
		EXIT WHEN FOUND;
	END LOOP;
	RETURN found_id;
EXCEPTION WHEN sequence_generator_limit_exceeded THEN
	RAISE program_limit_exceeded USING
		MESSAGE = 'there are as many sources of observations as there can be',
		DETAIL = format('Histories number their sources up to %s.', 32767),
		HINT = 'Use a name of trackagoat.observation_source again; what tells imports apart belongs elsewhere.';
END
$$;

COMMENT ON FUNCTION trackagoat.observation_source_id(text) IS
	'the number that histories keep for a source, given at its first use';

CREATE FUNCTION trackagoat.store_observations(
	entity text, ids uuid[], observed_at timestamptz[],
	counter_1 bigint[], counter_2 bigint[], counter_3 bigint[], counter_4 bigint[], counter_5 bigint[],
	source text, exact boolean, for_org uuid) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.store_observations(
	text, uuid[], timestamptz[], bigint[], bigint[], bigint[], bigint[], bigint[], text, boolean, uuid) IS
	'what observe_videos() and observe_creators() do once their arguments are checked';

CREATE FUNCTION trackagoat.observe(
	entity text, ids uuid[], observed_at timestamptz[],
	counter_1 bigint[], counter_2 bigint[], counter_3 bigint[], counter_4 bigint[], counter_5 bigint[],
	source text, exact boolean, for_org uuid) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	PERFORM trackagoat.check_observations(entity, ids, observe.observed_at, array_remove(ARRAY[cardinality(counter_1),
		cardinality(counter_2), cardinality(counter_3), cardinality(counter_4), cardinality(counter_5)], NULL));
	IF source IS NULL OR exact IS NULL THEN
		RAISE not_null_violation USING
			MESSAGE = 'an observation needs a source, and whether it is exact',
			HINT = 'Leave both out for an import of exact numbers.';
	END IF;
	RETURN trackagoat.store_observations(entity, ids, observe.observed_at, counter_1, counter_2, counter_3, counter_4,
		counter_5, source, exact, for_org);
END
$$;

COMMENT ON FUNCTION trackagoat.observe(
	text, uuid[], timestamptz[], bigint[], bigint[], bigint[], bigint[], bigint[], text, boolean, uuid) IS
	'check and store observations of videos or creators';

CREATE OR REPLACE FUNCTION trackagoat.observe_videos(
	video_ids uuid[], observed_at timestamptz[],
	views bigint[], likes bigint[], comments bigint[], shares bigint[], saves bigint[],
	source text DEFAULT 'import', exact boolean DEFAULT true, for_org uuid DEFAULT NULL) RETURNS integer
	LANGUAGE sql VOLATILE
	RETURN trackagoat.observe('video', video_ids, observed_at, views, likes, comments, shares, saves, source, exact, for_org);

CREATE OR REPLACE FUNCTION trackagoat.observe_creators(
	creator_ids uuid[], observed_at timestamptz[],
	followers bigint[], following bigint[], likes bigint[], videos bigint[],
	source text DEFAULT 'import', exact boolean DEFAULT true, for_org uuid DEFAULT NULL) RETURNS integer
	LANGUAGE sql VOLATILE
	RETURN trackagoat.observe('creator', creator_ids, observed_at, followers, following, likes, videos, NULL, source, exact, for_org);

CREATE FUNCTION trackagoat.drop_observations(entity text, id uuid, from_time timestamptz, to_time timestamptz, for_org uuid) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.drop_observations(text, uuid, timestamptz, timestamptz, uuid) IS
	'forget what was observed of a video or creator from a time to before another; PT404 for an id that is not there';

CREATE FUNCTION trackagoat.unobserve_video(video_id uuid, from_time timestamptz, to_time timestamptz, for_org uuid DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE
	RETURN trackagoat.drop_observations('video', video_id, from_time, to_time, for_org);

COMMENT ON FUNCTION trackagoat.unobserve_video(uuid, timestamptz, timestamptz, uuid) IS
	'forget what was observed of a video from a time to before another, as if it had never been; PT404 video_not_found';

CREATE FUNCTION trackagoat.unobserve_creator(creator_id uuid, from_time timestamptz, to_time timestamptz, for_org uuid DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE
	RETURN trackagoat.drop_observations('creator', creator_id, from_time, to_time, for_org);

COMMENT ON FUNCTION trackagoat.unobserve_creator(uuid, timestamptz, timestamptz, uuid) IS
	'forget what was observed of a creator from a time to before another, as if it had never been; PT404 creator_not_found';

CREATE FUNCTION trackagoat.break_history(creator_id uuid, org_id uuid, at timestamptz) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.break_history(uuid, uuid, timestamptz) IS
	'what was observed of a creator before a time is of another account: what comes after it is a new baseline';

CREATE FUNCTION trackagoat.mend_history(creator_id uuid, org_id uuid, from_time timestamptz) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.mend_history(uuid, uuid, timestamptz) IS
	'take back the breaks of a creator''s history from a time on: it is the same account after all';

CREATE FUNCTION trackagoat.creator_break() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	PERFORM trackagoat.break_history(NEW.id, NEW.org_id, NEW.baseline_at);
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.creator_break() IS 'trigger: a new handle breaks the history';

CREATE FUNCTION trackagoat.video_snapshots(video_id uuid, from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (observed_at timestamptz, view_count bigint, like_count bigint, comment_count bigint,
		share_count bigint, save_count bigint, exact boolean, is_baseline boolean, source text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT s.observed_at, s.view_count, s.like_count, s.comment_count, s.share_count, s.save_count,
		s.exact, s.is_baseline, s.source
	FROM trackagoat.video_snapshot s
	WHERE s.video_id = video_snapshots.video_id AND s.observed_at >= from_time AND s.observed_at < to_time
	ORDER BY s.observed_at;
END
$$;

COMMENT ON FUNCTION trackagoat.video_snapshots(uuid, timestamptz, timestamptz) IS
	'observations of a video from a time to before another, in order';

CREATE FUNCTION trackagoat.creator_snapshots(creator_id uuid, from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (observed_at timestamptz, follower_count bigint, following_count bigint, total_likes_count bigint,
		video_count bigint, exact boolean, is_baseline boolean, source text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT s.observed_at, s.follower_count, s.following_count, s.total_likes_count, s.video_count,
		s.exact, s.is_baseline, s.source
	FROM trackagoat.creator_snapshot s
	WHERE s.creator_id = creator_snapshots.creator_id AND s.observed_at >= from_time AND s.observed_at < to_time
	ORDER BY s.observed_at;
END
$$;

COMMENT ON FUNCTION trackagoat.creator_snapshots(uuid, timestamptz, timestamptz) IS
	'observations of a creator from a time to before another, in order';

CREATE OR REPLACE FUNCTION trackagoat.video_counts(status trackagoat.tracking_status, creator_removed_at timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN trackagoat.status_counts(status) AND creator_removed_at IS NULL;

CREATE FUNCTION trackagoat.campaign_stats(
	campaign_id uuid, from_date date DEFAULT NULL, to_date date DEFAULT NULL, at timestamptz DEFAULT NULL,
	OUT creators bigint, OUT videos bigint,
	OUT views bigint, OUT likes bigint, OUT comments bigint, OUT shares bigint, OUT saves bigint,
	OUT engagement_rate numeric)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.campaign_stats(uuid, date, date, timestamptz) IS
	'totals of the counted videos below the campaign, each counted once, or with from_date or to_date what they gained in those days, both included; at answers as of a past moment; a total is NULL where no video shows the counter; engagement_rate is (likes + comments + shares + saves) / views * 100; PT404 campaign_not_found';

CREATE FUNCTION trackagoat.video_amounts(video_id uuid, org_id uuid, posted_at timestamptz, sign integer) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT;

COMMENT ON FUNCTION trackagoat.video_amounts(uuid, uuid, timestamptz, integer) IS
	'all that a video adds to totals, moment by moment, or with a sign of -1 takes from them; NULL for more moments than a series holds';

CREATE FUNCTION trackagoat.post_amounts(posted_at timestamptz) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.post_amounts(timestamptz) IS 'what a video adds to totals that nothing was observed of yet: the post';

CREATE FUNCTION trackagoat.video_totals() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	amounts trackagoat.series;
BEGIN
	IF TG_OP = 'INSERT' THEN
		-- what is observed of a row that is new logs itself
		IF trackagoat.status_counts(NEW.tracking_status) THEN
			INSERT INTO trackagoat.total_difference (org_id, project_id, creator_id, video_id, differences)
			VALUES (NEW.org_id, NEW.project_id, NEW.creator_id, NEW.id,
				trackagoat.post_amounts(trackagoat.video_posted_at(NEW.posted_at, NEW.tiktok_video_id)));
		END IF;
		RETURN NULL;
	END IF;
	-- a project that is being deleted takes its totals with it; more moments
	-- than the log takes at once have all of the project computed anew
	IF trackagoat.status_counts(OLD.tracking_status) THEN
		amounts := trackagoat.video_amounts(OLD.id, OLD.org_id, trackagoat.video_posted_at(OLD.posted_at, OLD.tiktok_video_id), -1);
		INSERT INTO trackagoat.total_difference (org_id, project_id, creator_id, video_id, differences)
		SELECT p.org_id, p.id, CASE WHEN amounts IS NOT NULL THEN OLD.creator_id END, CASE WHEN amounts IS NOT NULL THEN OLD.id END, amounts
		FROM trackagoat.project p WHERE p.id = OLD.project_id AND p.org_id = OLD.org_id;
	END IF;
	IF TG_OP = 'DELETE' THEN
		RETURN OLD;
	END IF;
	IF trackagoat.status_counts(NEW.tracking_status) THEN
		amounts := trackagoat.video_amounts(NEW.id, NEW.org_id, trackagoat.video_posted_at(NEW.posted_at, NEW.tiktok_video_id), 1);
		INSERT INTO trackagoat.total_difference (org_id, project_id, creator_id, video_id, differences)
		VALUES (NEW.org_id, NEW.project_id, CASE WHEN amounts IS NOT NULL THEN NEW.creator_id END,
			CASE WHEN amounts IS NOT NULL THEN NEW.id END, amounts);
	END IF;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.video_totals() IS
	'trigger: logs what totals gain or lose with a video that enters or leaves, or changes its creator or day';

CREATE FUNCTION trackagoat.creator_totals() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- the videos that go with it, in the order in which all lock them; under a fixed snapshot
	-- the constraint would pass over one that has left meanwhile, and this transaction would
	-- go on seeing it, of a creator that is not there: that cannot be serialized
	IF TG_OP = 'DELETE' THEN
		PERFORM FROM trackagoat.video v WHERE v.creator_id = OLD.id AND v.org_id = OLD.org_id ORDER BY v.id FOR UPDATE;
	END IF;
	INSERT INTO trackagoat.total_difference (org_id, project_id, creator_id)
	SELECT p.org_id, p.id, OLD.id
	FROM trackagoat.project p WHERE p.id = OLD.project_id AND p.org_id = OLD.org_id;
	RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD END;
END
$$;

COMMENT ON FUNCTION trackagoat.creator_totals() IS 'trigger: logs that a creator was removed, restored or deleted';

CREATE FUNCTION trackagoat.project_totals() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	DELETE FROM trackagoat.total_difference d WHERE d.project_id = OLD.id AND d.org_id = OLD.org_id;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.project_totals() IS 'trigger: what a deleted project has not folded goes with it';

CREATE FUNCTION trackagoat.campaign_totals() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	campaign trackagoat.campaign := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
	INSERT INTO trackagoat.total_difference (org_id, project_id, campaign_id)
	SELECT p.org_id, p.id, campaign.id
	FROM trackagoat.project p WHERE p.id = campaign.project_id AND p.org_id = campaign.org_id;
	RETURN campaign;
END
$$;

COMMENT ON FUNCTION trackagoat.campaign_totals() IS 'trigger: logs that a campaign was made or deleted';

CREATE FUNCTION trackagoat.campaign_item_totals() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO trackagoat.total_difference (org_id, project_id, campaign_id)
		SELECT p.org_id, p.id, OLD.campaign_id
		FROM trackagoat.project p WHERE p.id = OLD.project_id AND p.org_id = OLD.org_id;
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO trackagoat.total_difference (org_id, project_id, campaign_id)
		VALUES (NEW.org_id, NEW.project_id, NEW.campaign_id);
	END IF;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.campaign_item_totals() IS 'trigger: logs that a campaign''s items changed';

CREATE FUNCTION trackagoat.rebuild_all_totals() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	INSERT INTO trackagoat.total_difference (org_id, project_id)
	SELECT p.org_id, p.id FROM trackagoat.project p;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.rebuild_all_totals() IS 'trigger: after TRUNCATE all totals are to be computed anew';

CREATE FUNCTION trackagoat.history_truncate() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF TG_TABLE_NAME = 'creator_history' THEN
		UPDATE trackagoat.creator c SET follower_count = NULL, following_count = NULL, total_likes_count = NULL,
			video_count = NULL, last_observed_at = NULL
		WHERE num_nonnulls(c.follower_count, c.following_count, c.total_likes_count, c.video_count, c.last_observed_at) > 0;
	ELSE
		UPDATE trackagoat.video v SET view_count = NULL, like_count = NULL, comment_count = NULL,
			share_count = NULL, save_count = NULL, last_observed_at = NULL
		WHERE num_nonnulls(v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count, v.last_observed_at) > 0;
		INSERT INTO trackagoat.total_difference (org_id, project_id)
		SELECT p.org_id, p.id FROM trackagoat.project p;
	END IF;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.history_truncate() IS 'trigger: after TRUNCATE of a history nothing is known, and totals are to be computed anew';

CREATE FUNCTION trackagoat.fold_project(project_id uuid, org_id uuid, wait boolean) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.fold_project(uuid, uuid, boolean) IS
	'apply a project''s differences to its totals; answers how many; NULL where another session is at it and wait is false, or the project is gone';

CREATE FUNCTION trackagoat.refresh_totals(project_id uuid DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project record;
	folded bigint := 0;
BEGIN
	IF project_id IS NOT NULL THEN
		PERFORM FROM trackagoat.project p WHERE p.id = refresh_totals.project_id;
		IF NOT FOUND THEN
			PERFORM trackagoat.entity_missing('project', project_id);
		END IF;
	END IF;
	FOR project IN SELECT p.id, p.org_id FROM trackagoat.project p
		WHERE refresh_totals.project_id IS NULL OR p.id = refresh_totals.project_id
		ORDER BY p.id
	LOOP
		folded := folded + coalesce(trackagoat.fold_project(project.id, project.org_id, true), 0);
	END LOOP;
	RETURN folded;
END
$$;

COMMENT ON FUNCTION trackagoat.refresh_totals(uuid) IS
	'fold the differences of a project, or of all, into its totals now; answers how many; the worker does so by itself; PT404 project_not_found';

CREATE FUNCTION trackagoat.rebuild_totals(project_id uuid DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	INSERT INTO trackagoat.total_difference (org_id, project_id)
	SELECT p.org_id, p.id FROM trackagoat.project p
	WHERE rebuild_totals.project_id IS NULL OR p.id = rebuild_totals.project_id;
	RETURN trackagoat.refresh_totals(project_id);
END
$$;

COMMENT ON FUNCTION trackagoat.rebuild_totals(uuid) IS
	'compute the totals of a project, or of all, anew from the histories; PT404 project_not_found';

CREATE FUNCTION trackagoat.fold_waiting(max_projects integer DEFAULT 10) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project record;
	folded integer := 0;
BEGIN
	FOR project IN
		-- a loose scan of the index: the log may be long, the projects are few
		WITH RECURSIVE waiting AS (
			(SELECT d.project_id, d.org_id FROM trackagoat.total_difference d ORDER BY d.project_id LIMIT 1)
			UNION ALL
			SELECT n.project_id, n.org_id FROM waiting w, LATERAL (
				SELECT d.project_id, d.org_id FROM trackagoat.total_difference d
				WHERE d.project_id > w.project_id ORDER BY d.project_id LIMIT 1) n)
		SELECT q.* FROM (SELECT w.project_id, w.org_id, p.id IS NULL AS is_gone
		FROM waiting w LEFT JOIN trackagoat.project p ON p.id = w.project_id AND p.org_id = w.org_id
		UNION ALL
		-- a new time zone has other days
		SELECT t.project_id, t.org_id, false FROM trackagoat.organization o
		JOIN trackagoat.project p ON p.org_id = o.id
		JOIN trackagoat.total t ON t.entity_id = p.id AND t.org_id = p.org_id AND t.entity = 'project' AND t.timezone <> o.timezone) q
		-- no project is always the last
		ORDER BY random()
	LOOP
		EXIT WHEN folded >= max_projects;
		IF project.is_gone THEN
			DELETE FROM trackagoat.total_difference d
			WHERE d.org_id = project.org_id AND d.id IN (
				SELECT o.id FROM trackagoat.total_difference o
				WHERE o.project_id = project.project_id AND o.org_id = project.org_id FOR UPDATE SKIP LOCKED);
		ELSE
			-- one project's trouble is not the others'
			BEGIN
				IF trackagoat.fold_project(project.project_id, project.org_id, false) IS NOT NULL THEN
					folded := folded + 1;
				END IF;
			EXCEPTION WHEN OTHERS THEN
				RAISE WARNING 'trackagoat could not fold the totals of project %: %', project.project_id, SQLERRM;
			END;
		END IF;
	END LOOP;
	RETURN folded;
END
$$;

COMMENT ON FUNCTION trackagoat.fold_waiting(integer) IS
	'fold the totals of projects that have differences, but for those that another session is folding; answers how many; what the worker and enqueue_due() call';

CREATE FUNCTION trackagoat.entity_amounts(
	entity text, entity_id uuid, from_date date DEFAULT NULL, to_date date DEFAULT NULL,
	tz text DEFAULT NULL, at timestamptz DEFAULT NULL, live boolean DEFAULT false)
	RETURNS TABLE (day date, posts bigint,
		views bigint, likes bigint, comments bigint, shares bigint, saves bigint,
		baseline_views bigint, baseline_likes bigint, baseline_comments bigint, baseline_shares bigint, baseline_saves bigint,
		known_views bigint, known_likes bigint, known_comments bigint, known_shares bigint, known_saves bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 30
	SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.entity_amounts(text, uuid, date, date, text, timestamptz, boolean) IS
	'entity_days(), and with a from_date a row of day -infinity, whose baselines are the levels before it; live: from the histories, whatever is folded';

CREATE FUNCTION trackagoat.entity_days(
	entity text, entity_id uuid, from_date date DEFAULT NULL, to_date date DEFAULT NULL,
	tz text DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (day date, posts bigint,
		views bigint, likes bigint, comments bigint, shares bigint, saves bigint,
		baseline_views bigint, baseline_likes bigint, baseline_comments bigint, baseline_shares bigint, baseline_saves bigint,
		known_views bigint, known_likes bigint, known_comments bigint, known_shares bigint, known_saves bigint)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 30
BEGIN ATOMIC
	SELECT a.* FROM trackagoat.entity_amounts(entity, entity_id, from_date, to_date, tz, at) a WHERE a.day > '-infinity';
END;

COMMENT ON FUNCTION trackagoat.entity_days(text, uuid, date, date, text, timestamptz) IS
	'for each day with anything what a video, creator, campaign or project gained: posts, gains, baselines (levels first seen on the day) and how many of them; days of the organization''s time zone or tz; at answers as of a past moment; PT400 invalid_entity, invalid_timezone, invalid_window, PT404 video_not_found and so on';

CREATE FUNCTION trackagoat.follower_amounts(
	entity text, entity_id uuid, from_date date, to_date date, tz text DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (day date, gain bigint, baseline bigint, known bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 30
	SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.follower_amounts(text, uuid, date, date, text, timestamptz) IS
	'for each day with anything what the followers of a creator, or of the creators of a campaign or project, gained; a row of day -infinity has all before; after a new handle the old account''s level is taken back as a negative baseline';

CREATE FUNCTION trackagoat.check_choice(code text, value text, allowed text[]) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF value = ANY (allowed) IS NOT TRUE THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = code,
			DETAIL = format('%s is not possible here.', coalesce(quote_literal(left(value, 100)), 'NULL')),
			HINT = format('Allowed are %s.', array_to_string(allowed, ', '));
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.check_choice(text, text, text[]) IS 'raises PT400 with the code for a value that is not allowed, and says which are';

CREATE FUNCTION trackagoat.check_analytics(
	entity text, metric text, mode text, granularity text, compare text, base_metric text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	counters text[] := ARRAY['views', 'likes', 'comments', 'shares', 'saves'];
	-- a video has neither followers nor posts
	of_groups text[] := CASE WHEN entity = 'video' THEN '{}' ELSE ARRAY['followers', 'posts'] END;
	of_posts text[] := CASE WHEN entity = 'video' THEN '{}'
		ELSE ARRAY['engagement_rate_by_followers', 'posts_per_week', 'avg_views_per_post'] END;
BEGIN
	PERFORM trackagoat.check_choice('invalid_entity', entity, ARRAY['video', 'creator', 'campaign', 'project']);
	PERFORM trackagoat.check_choice('invalid_metric', metric,
		counters || of_groups || ARRAY['engagement_rate_by_views', 'growth_rate_pop'] || of_posts);
	PERFORM trackagoat.check_choice('invalid_mode', mode, CASE
		WHEN metric = ANY (counters || of_groups) OR metric = 'engagement_rate_by_views' THEN ARRAY['new', 'cumulative', 'rate']
		ELSE ARRAY['new', 'rate'] END);
	PERFORM trackagoat.check_choice('invalid_granularity', granularity, ARRAY['day', 'week', 'month']);
	IF compare IS NOT NULL THEN
		PERFORM trackagoat.check_choice('invalid_compare', compare, ARRAY['prior_period']);
	END IF;
	IF metric = 'growth_rate_pop' THEN
		PERFORM trackagoat.check_choice('invalid_base_metric', base_metric, counters || of_groups);
	ELSIF base_metric IS NOT NULL THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_base_metric',
			DETAIL = format('Metric %s has no base metric.', metric),
			HINT = 'Leave base_metric out, or ask for growth_rate_pop.';
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.check_analytics(text, text, text, text, text, text) IS
	'raises PT400 for what analytics() cannot answer, with the allowed values in the hint';

CREATE FUNCTION trackagoat.check_window(from_date date, to_date date) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF from_date > to_date OR NOT isfinite(from_date) OR NOT isfinite(to_date) OR to_date - from_date >= 3660 THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_window',
			DETAIL = format('From %s to %s is no window of at most 3660 days.', from_date, to_date),
			HINT = 'Give a from_date that is not after to_date; without dates it is the last 30 days.';
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.check_window(date, date) IS 'raises PT400 invalid_window';

CREATE FUNCTION trackagoat.check_timezone(tz text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF NOT trackagoat.is_timezone(tz) THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_timezone',
			DETAIL = format('The server knows no time zone %L.', left(tz, 100)),
			HINT = 'Name one of pg_timezone_names, such as Europe/Vienna.';
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.check_timezone(text) IS 'raises PT400 invalid_timezone';

CREATE FUNCTION trackagoat.analytics_window(
	from_date date, to_date date, tz text, at timestamptz, OUT first_day date, OUT last_day date)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	PERFORM trackagoat.check_timezone(tz);
	last_day := coalesce(to_date, from_date + 29, (coalesce(at, now()) AT TIME ZONE tz)::date);
	first_day := coalesce(from_date, last_day - 29);
	PERFORM trackagoat.check_window(first_day, last_day);
END
$$;

COMMENT ON FUNCTION trackagoat.analytics_window(date, date, text, timestamptz) IS
	'the days that are asked for: 30 of them where a date is left out, until today without any; PT400 invalid_timezone, invalid_window';

CREATE FUNCTION trackagoat.entity_timezone(entity text, entity_id uuid) RETURNS text
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	zone text;
BEGIN
	SELECT o.timezone INTO zone FROM trackagoat.organization o WHERE o.id = CASE entity
		WHEN 'video' THEN (SELECT v.org_id FROM trackagoat.video v WHERE v.id = entity_id LIMIT 1)
		WHEN 'creator' THEN (SELECT c.org_id FROM trackagoat.creator c WHERE c.id = entity_id LIMIT 1)
		WHEN 'campaign' THEN (SELECT k.org_id FROM trackagoat.campaign k WHERE k.id = entity_id LIMIT 1)
		WHEN 'project' THEN (SELECT p.org_id FROM trackagoat.project p WHERE p.id = entity_id LIMIT 1) END;
	IF zone IS NULL THEN
		PERFORM trackagoat.entity_missing(entity, entity_id);
	END IF;
	RETURN zone;
END
$$;

COMMENT ON FUNCTION trackagoat.entity_timezone(text, uuid) IS
	'time zone of the organization of a video, creator, campaign or project; PT404 video_not_found and so on';

CREATE FUNCTION trackagoat.entity_buckets(
	entity text, entity_id uuid, granularity text, from_date date, to_date date, tz text, at timestamptz, wanted integer[])
	RETURNS TABLE (bucket date, days integer, is_partial boolean,
		posts numeric, gains numeric[], levels numeric[], baselines boolean[])
	LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	today date := (coalesce(entity_buckets.at, now()) AT TIME ZONE entity_buckets.tz)::date;
BEGIN
	RETURN QUERY
	WITH amounts AS MATERIALIZED (
		SELECT * FROM trackagoat.entity_amounts(entity_buckets.entity, entity_buckets.entity_id,
			entity_buckets.from_date, entity_buckets.to_date, entity_buckets.tz, entity_buckets.at)
	), followers AS MATERIALIZED (
		SELECT * FROM trackagoat.follower_amounts(entity_buckets.entity, entity_buckets.entity_id,
			entity_buckets.from_date, entity_buckets.to_date, entity_buckets.tz, entity_buckets.at)
		-- the histories of all creators are read for them
		WHERE 6 = ANY (wanted)
	), calendar AS (
		-- the row of -infinity is what was before
		SELECT '-infinity'::date AS day, '-infinity'::date AS bucket
		UNION ALL
		SELECT d::date, date_trunc(granularity, d::timestamp)::date
		FROM generate_series(entity_buckets.from_date::timestamp, entity_buckets.to_date, '1 day') d
	), sums AS (
		SELECT c.bucket, count(*)::integer AS days, min(c.day) AS first_day, max(c.day) AS last_day,
			(count(*) FILTER (WHERE c.day <= today))::integer AS elapsed,
			coalesce(sum(a.posts), 0) AS posts,
			ARRAY[coalesce(sum(a.views), 0), coalesce(sum(a.likes), 0), coalesce(sum(a.comments), 0),
				coalesce(sum(a.shares), 0), coalesce(sum(a.saves), 0), coalesce(sum(f.gain), 0), coalesce(sum(a.posts), 0)] AS gains,
			ARRAY[coalesce(sum(a.baseline_views), 0), coalesce(sum(a.baseline_likes), 0), coalesce(sum(a.baseline_comments), 0),
				coalesce(sum(a.baseline_shares), 0), coalesce(sum(a.baseline_saves), 0), coalesce(sum(f.baseline), 0), 0] AS bases,
			ARRAY[coalesce(sum(a.known_views), 0), coalesce(sum(a.known_likes), 0), coalesce(sum(a.known_comments), 0),
				coalesce(sum(a.known_shares), 0), coalesce(sum(a.known_saves), 0), coalesce(sum(f.known), 0),
				CASE WHEN c.bucket = '-infinity' THEN 1 ELSE 0 END] AS known
		FROM calendar c LEFT JOIN amounts a ON a.day = c.day LEFT JOIN followers f ON f.day = c.day
		GROUP BY c.bucket
	), running AS (
		SELECT s.*, m.n, s.known[m.n] <> 0 OR s.bases[m.n] <> 0 AS is_baseline,
			CASE WHEN sum(s.known[m.n]) OVER w > 0 THEN sum(s.gains[m.n] + s.bases[m.n]) OVER w END AS level
		FROM sums s, unnest(wanted) m (n)
		WINDOW w AS (PARTITION BY m.n ORDER BY s.bucket)
	)
	SELECT r.bucket, greatest(max(r.elapsed), 1),
		bool_or(r.last_day >= today
			OR r.first_day > r.bucket
			OR r.last_day < (r.bucket + ('1 ' || granularity)::interval)::date - 1),
		max(r.posts), max(r.gains),
		ARRAY[max(r.level) FILTER (WHERE r.n = 1), max(r.level) FILTER (WHERE r.n = 2), max(r.level) FILTER (WHERE r.n = 3),
			max(r.level) FILTER (WHERE r.n = 4), max(r.level) FILTER (WHERE r.n = 5), max(r.level) FILTER (WHERE r.n = 6),
			max(r.level) FILTER (WHERE r.n = 7)],
		ARRAY[bool_or(r.is_baseline) FILTER (WHERE r.n = 1), bool_or(r.is_baseline) FILTER (WHERE r.n = 2),
			bool_or(r.is_baseline) FILTER (WHERE r.n = 3), bool_or(r.is_baseline) FILTER (WHERE r.n = 4),
			bool_or(r.is_baseline) FILTER (WHERE r.n = 5), bool_or(r.is_baseline) FILTER (WHERE r.n = 6),
			bool_or(r.is_baseline) FILTER (WHERE r.n = 7)]
	FROM running r WHERE r.bucket > '-infinity'
	GROUP BY r.bucket ORDER BY r.bucket;
END
$$;

COMMENT ON FUNCTION trackagoat.entity_buckets(text, uuid, text, date, date, text, timestamptz, integer[]) IS
	'what analytics() computes from, for each bucket: days elapsed, posts, and of 1 views, 2 likes, 3 comments, 4 shares, 5 saves, 6 followers, 7 posts the gains, and where wanted the levels at its end (NULL where not known) and whether a baseline is in it; gains of followers only where wanted';

CREATE FUNCTION trackagoat.entity_metric(
	entity text, entity_id uuid, metric text, mode text, granularity text,
	from_date date, to_date date, tz text, base_metric text, at timestamptz)
	RETURNS TABLE (bucket date, value numeric, is_partial boolean, is_baseline boolean)
	LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	n integer := array_position(ARRAY['views', 'likes', 'comments', 'shares', 'saves', 'followers', 'posts'],
		coalesce(base_metric, entity_metric.metric));
	before date := entity_metric.from_date;
BEGIN
	IF metric = 'growth_rate_pop' THEN
		-- the bucket before the first is what that one grew from
		before := date_trunc(granularity, (entity_metric.from_date::timestamp - ('1 ' || granularity)::interval))::date;
	END IF;
	RETURN QUERY
	SELECT b.bucket, CASE entity_metric.metric
			WHEN 'engagement_rate_by_views' THEN CASE entity_metric.mode
				WHEN 'cumulative' THEN (coalesce(b.levels[2], 0) + coalesce(b.levels[3], 0) + coalesce(b.levels[4], 0) + coalesce(b.levels[5], 0))
					/ nullif(b.levels[1], 0) * 100
				ELSE (b.gains[2] + b.gains[3] + b.gains[4] + b.gains[5]) / nullif(b.gains[1], 0) * 100 END
			WHEN 'engagement_rate_by_followers' THEN (b.gains[2] + b.gains[3] + b.gains[4] + b.gains[5]) / nullif(b.levels[6], 0) * 100
			WHEN 'posts_per_week' THEN b.posts * 7 / b.days
			WHEN 'avg_views_per_post' THEN b.gains[1] / nullif(b.levels[7], 0)
			WHEN 'growth_rate_pop' THEN (b.levels[n] - lag(b.levels[n]) OVER w) / nullif(lag(b.levels[n]) OVER w, 0) * 100
			ELSE CASE entity_metric.mode
				WHEN 'cumulative' THEN b.levels[n]
				WHEN 'rate' THEN b.gains[n] / b.days
				ELSE b.gains[n] END
		END,
		b.is_partial, b.baselines[coalesce(n, 1)]
	FROM trackagoat.entity_buckets(entity_metric.entity, entity_metric.entity_id, entity_metric.granularity,
		before, entity_metric.to_date, entity_metric.tz, entity_metric.at,
		CASE entity_metric.metric
			WHEN 'engagement_rate_by_views' THEN ARRAY[1, 2, 3, 4, 5]
			WHEN 'engagement_rate_by_followers' THEN ARRAY[1, 6]
			WHEN 'avg_views_per_post' THEN ARRAY[1, 7]
			ELSE ARRAY[coalesce(n, 1)] END) b
	WINDOW w AS (ORDER BY b.bucket)
	ORDER BY b.bucket
	OFFSET CASE WHEN metric = 'growth_rate_pop' THEN 1 ELSE 0 END;
END
$$;

COMMENT ON FUNCTION trackagoat.entity_metric(text, uuid, text, text, text, date, date, text, text, timestamptz) IS
	'one metric of one entity, a row a bucket; its arguments are checked by analytics()';

CREATE FUNCTION trackagoat.analytics(
	entity text, entity_ids uuid[], metric text, mode text DEFAULT 'new', granularity text DEFAULT 'day',
	from_date date DEFAULT NULL, to_date date DEFAULT NULL, tz text DEFAULT NULL,
	compare text DEFAULT NULL, base_metric text DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (entity_id uuid, series_kind text, bucket date, value numeric, is_partial boolean, is_baseline boolean)
	LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	id uuid;
	zone text;
	first date;
	last date;
	kind text;
BEGIN
	PERFORM trackagoat.check_analytics(entity, metric, mode, granularity, compare, base_metric);
	IF entity_ids IS NULL OR cardinality(entity_ids) NOT BETWEEN 1 AND 5 OR array_position(entity_ids, NULL) IS NOT NULL THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_entity_ids',
			DETAIL = 'The ids are missing, too many, or one is NULL.',
			HINT = 'Give one to five ids.';
	END IF;
	FOREACH kind IN ARRAY CASE WHEN compare IS NULL THEN ARRAY['main'] ELSE ARRAY['main', 'prior_period'] END LOOP
		FOREACH id IN ARRAY entity_ids LOOP
			zone := coalesce(tz, trackagoat.entity_timezone(entity, id));
			SELECT w.first_day, w.last_day INTO first, last FROM trackagoat.analytics_window(from_date, to_date, zone, at) w;
			IF kind = 'prior_period' THEN
				-- as many days, right before
				SELECT first - (last - first + 1), first - 1 INTO first, last;
			END IF;
			RETURN QUERY SELECT analytics_id, kind, m.bucket, m.value, m.is_partial, m.is_baseline
			FROM (VALUES (id)) i (analytics_id), trackagoat.entity_metric(
				entity, id, metric, mode, granularity, first, last, zone, base_metric, at) m;
		END LOOP;
	END LOOP;
END
$$;

COMMENT ON FUNCTION trackagoat.analytics(text, uuid[], text, text, text, date, date, text, text, text, timestamptz) IS
	'a metric of up to five videos, creators, campaigns or projects over time, a row a bucket; last 30 days without dates; series_kind is main or, with compare => prior_period, also prior_period; PT400 with the allowed values, PT404 for an id that is not there';

CREATE FUNCTION trackagoat.campaign_breakdown(
	campaign_id uuid, metric text, mode text DEFAULT 'new', granularity text DEFAULT 'day',
	from_date date DEFAULT NULL, to_date date DEFAULT NULL, tz text DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (entity_ref text, label text, bucket date, value numeric, is_partial boolean, is_baseline boolean)
	LANGUAGE plpgsql STABLE ROWS 300 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	counters text[] := ARRAY['views', 'likes', 'comments', 'shares', 'saves'];
	n integer := array_position(counters, metric);
	zone text;
	last date;
	first date;
	ends timestamptz;
	top uuid[];
BEGIN
	PERFORM trackagoat.check_choice('invalid_metric', metric, counters);
	PERFORM trackagoat.check_choice('invalid_mode', mode, ARRAY['new', 'cumulative']);
	PERFORM trackagoat.check_choice('invalid_granularity', granularity, ARRAY['day', 'week', 'month']);
	zone := coalesce(tz, trackagoat.entity_timezone('campaign', campaign_id));
	SELECT w.first_day, w.last_day INTO first, last FROM trackagoat.analytics_window(from_date, to_date, zone, campaign_breakdown.at) w;
	ends := least((last + 1)::timestamp AT TIME ZONE zone, campaign_breakdown.at + interval '1 microsecond');
	SELECT array_agg(r.video_id ORDER BY r.score DESC, r.video_id) INTO top FROM (
		SELECT v.video_id, CASE mode
			WHEN 'cumulative' THEN (array_agg(trackagoat.series_at(h.points, ends - interval '1 microsecond') ORDER BY h.started_at DESC)
				FILTER (WHERE trackagoat.series_at(h.points, ends - interval '1 microsecond') IS NOT NULL))[1][n]::numeric
			ELSE sum((trackagoat.series_gain(h.points, first::timestamp AT TIME ZONE zone, ends))[n]) END AS score
		FROM trackagoat.campaign_videos(campaign_breakdown.campaign_id) v
		JOIN trackagoat.video_history h ON h.video_id = v.video_id
		GROUP BY v.video_id
		ORDER BY score DESC NULLS LAST, v.video_id LIMIT 10) r;
	RETURN QUERY
	WITH shown AS MATERIALIZED (
		SELECT t.video_id, t.place, m.* FROM unnest(top) WITH ORDINALITY t (video_id, place),
			trackagoat.entity_metric('video', t.video_id, metric, mode, granularity, first, last, zone, NULL, campaign_breakdown.at) m
	)
	SELECT q.entity_ref, q.label, q.bucket, q.value, q.is_partial, q.is_baseline FROM (
		SELECT s.place, s.video_id::text AS entity_ref, coalesce(v.title, v.tiktok_video_id::text) AS label,
			s.bucket, s.value, s.is_partial, s.is_baseline
		FROM shown s JOIN trackagoat.video v ON v.id = s.video_id
		UNION ALL
		SELECT 11, '__other__', 'Other', m.bucket, m.value - coalesce(sum(s.value), 0), m.is_partial, m.is_baseline
		FROM trackagoat.entity_metric('campaign', campaign_breakdown.campaign_id, metric, mode, granularity, first, last, zone, NULL, campaign_breakdown.at) m
		LEFT JOIN shown s ON s.bucket = m.bucket
		GROUP BY m.bucket, m.value, m.is_partial, m.is_baseline) q
	ORDER BY q.place, q.bucket;
END
$$;

COMMENT ON FUNCTION trackagoat.campaign_breakdown(uuid, text, text, text, date, date, text, timestamptz) IS
	'a counter of a campaign by video: the ten that gained most in the window (mode cumulative: that stand highest at its end), each by its id, and all others as __other__; PT400, PT404 campaign_not_found';

CREATE FUNCTION trackagoat.campaign_progress(
	campaign_id uuid, at timestamptz DEFAULT NULL,
	OUT target_views bigint, OUT target_at timestamptz, OUT views bigint, OUT progress numeric, OUT views_left bigint,
	OUT days_left numeric, OUT views_per_day numeric, OUT needed_per_day numeric, OUT projected_views numeric, OUT is_on_track boolean)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	moment timestamptz := coalesce(campaign_progress.at, now());
	today date := (moment AT TIME ZONE trackagoat.entity_timezone('campaign', campaign_id))::date;
BEGIN
	SELECT c.target_views, c.target_at INTO campaign_progress.target_views, campaign_progress.target_at
	FROM trackagoat.campaign c WHERE c.id = campaign_progress.campaign_id;
	SELECT s.views INTO campaign_progress.views
	FROM trackagoat.campaign_stats(campaign_progress.campaign_id, at => campaign_progress.at) s;
	-- the pace of the last seven whole days
	SELECT s.views / 7.0 INTO views_per_day
	FROM trackagoat.campaign_stats(campaign_progress.campaign_id, today - 7, today - 1, campaign_progress.at) s;
	progress := coalesce(views, 0) * 100.0 / target_views;
	-- greatest() would take NULL for nothing
	views_left := CASE WHEN views >= target_views THEN 0 ELSE target_views - coalesce(views, 0) END;
	days_left := CASE WHEN target_at < moment THEN 0 WHEN isfinite(target_at) THEN extract(epoch FROM target_at - moment) / 86400 END;
	needed_per_day := views_left / nullif(days_left, 0);
	projected_views := coalesce(views, 0) + views_per_day * days_left;
	is_on_track := CASE WHEN views_left = 0 THEN true ELSE projected_views >= target_views END;
END
$$;

COMMENT ON FUNCTION trackagoat.campaign_progress(uuid, timestamptz) IS
	'how far a campaign is towards target_views by target_at: percent reached, views and days left, the pace of the last seven whole days, the pace it needs, and where the present pace leads; NULL where no target says; PT404 campaign_not_found';

CREATE FUNCTION trackagoat.goal_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
BEGIN
	IF NEW.org_id IS NULL OR NEW.project_id IS NULL OR NEW.starts_on IS NULL THEN
		SELECT c.org_id, c.project_id, (now() AT TIME ZONE o.timezone)::date AS today, count(*) OVER () AS found INTO parent
		FROM trackagoat.creator c JOIN trackagoat.organization o ON o.id = c.org_id
		WHERE c.id = NEW.creator_id AND c.org_id = coalesce(NEW.org_id, c.org_id);
		IF parent.found IS DISTINCT FROM 1 THEN
			PERFORM trackagoat.parent_missing('creator', 'goal', NEW.creator_id);
		END IF;
		NEW.org_id := parent.org_id;
		NEW.project_id := coalesce(NEW.project_id, parent.project_id);
		NEW.starts_on := coalesce(NEW.starts_on, parent.today);
	END IF;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.goal_fill() IS 'trigger: organization and project from the creator, starts_on from the organization''s calendar';

CREATE FUNCTION trackagoat.goal_rules() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF NEW.target IS NULL OR NEW.target <= 0 OR NEW.target > (CASE NEW.goal_type WHEN 'engagement' THEN 100 ELSE 9223372036854775807 END)
		OR scale(NEW.target) > 6 OR (NEW.goal_type <> 'engagement' AND NEW.target <> trunc(NEW.target))
	THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_target',
			DETAIL = format('%s is no target of %s.', coalesce(NEW.target::text, 'NULL'), NEW.goal_type),
			HINT = 'Give a whole number of 1 or more; of engagement a rate of more than 0 and at most 100 percent, with up to six decimals.';
	END IF;
	IF NEW.period IS NULL AND NEW.goal_type <> 'followers' THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_period',
			DETAIL = format('A goal of %s needs a period.', NEW.goal_type),
			HINT = 'Allowed are daily, weekly, monthly; followers alone may be a milestone without one.';
	END IF;
	IF NEW.starts_on NOT BETWEEN '1970-01-01' AND '9990-12-31' OR NEW.ends_on NOT BETWEEN NEW.starts_on AND '9990-12-31' THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_dates',
			DETAIL = format('A goal cannot go from %s to %s.', NEW.starts_on, coalesce(NEW.ends_on::text, 'no end')),
			HINT = 'Give days of 1970 or later, ends_on not before starts_on, or NULL for no end.';
	END IF;
	IF TG_OP = 'UPDATE' AND (OLD.goal_type, OLD.period) IS DISTINCT FROM (NEW.goal_type, NEW.period) THEN
		NEW.status := NULL;
		NEW.status_period := NULL;
		NEW.status_at := NULL;
		NEW.closed_status := NULL;
		NEW.closed_period := NULL;
	END IF;
	RETURN NEW;
END
$$;

COMMENT ON FUNCTION trackagoat.goal_rules() IS
	'trigger: refuses targets, periods and dates that make no sense: PT400 invalid_target, invalid_period, invalid_dates; a goal of another type or period has not been looked at yet';

CREATE FUNCTION trackagoat.video_counts_for_goals(
	status trackagoat.tracking_status, creator_removed_at timestamptz, tracking_disabled_at timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN trackagoat.video_counts(status, creator_removed_at) AND tracking_disabled_at IS NULL;

COMMENT ON FUNCTION trackagoat.video_counts_for_goals(trackagoat.tracking_status, timestamptz, timestamptz) IS
	'whether a video counts for goals: it counts in totals, and people have not disabled its tracking';

CREATE FUNCTION trackagoat.goal_states(
	project_id uuid, creator_ids uuid[], goal_ids uuid[], reference_date date, for_period trackagoat.goal_period, at timestamptz,
	active_only boolean)
	RETURNS TABLE (creator_id uuid, goal_id uuid, goal_type trackagoat.goal_type, period trackagoat.goal_period,
		period_start date, period_end date, target numeric, actual numeric, projected numeric,
		status trackagoat.goal_status, compliant boolean, advisory jsonb)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000
	SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.goal_states(uuid, uuid[], uuid[], date, trackagoat.goal_period, timestamptz, boolean) IS
	'what goal_compliance() answers, for some creators or goals, and for creators that are not fetched as well';

CREATE FUNCTION trackagoat.goal_compliance(
	project_id uuid, reference_date date DEFAULT NULL, for_creator uuid DEFAULT NULL,
	for_period trackagoat.goal_period DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (creator_id uuid, goal_id uuid, goal_type trackagoat.goal_type, period trackagoat.goal_period,
		period_start date, period_end date, target numeric, actual numeric, projected numeric,
		status trackagoat.goal_status, compliant boolean, advisory jsonb)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
BEGIN ATOMIC
	SELECT s.* FROM trackagoat.goal_states(goal_compliance.project_id,
		CASE WHEN for_creator IS NOT NULL THEN ARRAY[for_creator] END, NULL, reference_date, for_period, at, true) s;
END;

COMMENT ON FUNCTION trackagoat.goal_compliance(uuid, date, uuid, trackagoat.goal_period, timestamptz) IS
	'where each goal of the active creators stands in the period that holds the reference date (today when left out); at answers as of a past moment; no row for an unknown project; PT400 invalid_reference_date, invalid_at';

CREATE FUNCTION trackagoat.goal_counts(
	project_id uuid, reference_date date, at timestamptz, shown integer,
	OUT creators bigint, OUT goals bigint,
	OUT on_track bigint, OUT behind_pace bigint, OUT at_risk bigint, OUT completed bigint, OUT missed bigint,
	OUT not_yet_started bigint, OUT no_data bigint, OUT need_attention bigint, OUT worst uuid[])
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.goal_counts(uuid, date, timestamptz, integer) IS
	'the numbers of goal_overview(), and the creators that need most attention';

CREATE FUNCTION trackagoat.goal_overview(
	project_id uuid, reference_date date DEFAULT NULL, shown integer DEFAULT 20, at timestamptz DEFAULT NULL,
	OUT creators bigint, OUT goals bigint,
	OUT on_track bigint, OUT behind_pace bigint, OUT at_risk bigint, OUT completed bigint, OUT missed bigint,
	OUT not_yet_started bigint, OUT no_data bigint, OUT need_attention bigint, OUT attention jsonb)
	LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	WITH counts AS MATERIALIZED (SELECT c.* FROM trackagoat.goal_counts(goal_overview.project_id, reference_date, at, shown) c),
	unmet AS (
		SELECT s.creator_id, max(s.status) AS status, min(coalesce(s.projected, s.actual) / s.target) AS share,
			jsonb_agg(jsonb_build_object('goal_id', s.goal_id, 'goal_type', s.goal_type, 'period', s.period, 'target', s.target,
				'actual', s.actual, 'projected', s.projected, 'status', s.status)
				ORDER BY s.status DESC, coalesce(s.projected, s.actual) / s.target, s.goal_id) AS goals
		FROM counts c, trackagoat.goal_states(goal_overview.project_id, c.worst, NULL, reference_date, NULL, at, true) s
		WHERE NOT s.compliant GROUP BY s.creator_id
	)
	SELECT c.creators, c.goals, c.on_track, c.behind_pace, c.at_risk, c.completed, c.missed, c.not_yet_started, c.no_data, c.need_attention,
		(SELECT coalesce(jsonb_agg(jsonb_build_object('creator_id', u.creator_id, 'tiktok_handle', k.tiktok_handle::text,
				'display_name', coalesce(k.display_name_override, k.display_name), 'status', u.status,
				'share', round(u.share * 100, 2), 'goals', u.goals) ORDER BY w.place), '[]')
			FROM unnest(c.worst) WITH ORDINALITY w (id, place) JOIN unmet u ON u.creator_id = w.id
			JOIN trackagoat.creator k ON k.id = w.id AND k.project_id = goal_overview.project_id)
	FROM counts c
$$;

COMMENT ON FUNCTION trackagoat.goal_overview(uuid, date, integer, timestamptz) IS
	'goals of a project by status, and the creators that need attention, worst first: missed before at_risk before behind_pace, then by the share of the target that is reached or forecast; as many as are to be shown';

CREATE FUNCTION trackagoat.goal_history(goal_id uuid, periods integer DEFAULT 12, at timestamptz DEFAULT NULL)
	RETURNS TABLE (period_start date, period_end date, target numeric, actual numeric, status trackagoat.goal_status,
		compliant boolean, streak integer, current_streak integer, longest_streak integer)
	LANGUAGE plpgsql STABLE ROWS 12 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	goal record;
	state record;
	states jsonb[] := '{}';
	day date;
BEGIN
	IF periods IS NULL OR periods NOT BETWEEN 1 AND 1000 THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_periods',
			DETAIL = format('A history of %s periods was asked for.', coalesce(periods::text, 'NULL')),
			HINT = 'Give a number from 1 to 1000.';
	END IF;
	SELECT g.*, o.timezone, count(*) OVER () AS found INTO goal
	FROM trackagoat.goal g JOIN trackagoat.organization o ON o.id = g.org_id WHERE g.id = goal_history.goal_id;
	IF goal.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('goal', goal_history.goal_id);
	END IF;
	day := least((coalesce(at, now()) AT TIME ZONE goal.timezone)::date, goal.ends_on);
	FOR n IN 1 .. periods LOOP
		SELECT s.period_start, s.period_end, s.target, s.actual, s.status, s.compliant,
			(s.advisory ->> 'period_in_progress')::boolean AS goes_on INTO state
		FROM trackagoat.goal_states(goal.project_id, ARRAY[goal.creator_id], ARRAY[goal.id], day, NULL, at, false) s;
		EXIT WHEN NOT FOUND OR (n > 1 AND state.status = 'not_yet_started');
		states := states || to_jsonb(state);
		EXIT WHEN goal.period IS NULL OR state.period_start <= goal.starts_on;
		day := state.period_start - 1;
	END LOOP;
	RETURN QUERY
	WITH shown AS (SELECT r.period_start, r.period_end, r.target, r.actual, r.status, r.compliant, r.goes_on, s.place
		FROM unnest(states) WITH ORDINALITY s (state, place), jsonb_to_record(s.state) r (period_start date, period_end date,
			target numeric, actual numeric, status trackagoat.goal_status, compliant boolean, goes_on boolean)),
	-- a period that goes on neither lengthens a streak nor ends it
	ended AS (SELECT s.*, count(*) FILTER (WHERE s.status = 'missed' OR (s.status = 'no_data' AND NOT s.goes_on)) OVER (ORDER BY s.place DESC) AS ends FROM shown s),
	counted AS (SELECT e.*, (count(*) FILTER (WHERE e.status = 'completed') OVER (PARTITION BY e.ends ORDER BY e.place DESC))::integer AS streak
		FROM ended e)
	SELECT c.period_start, c.period_end, c.target, c.actual, c.status, c.compliant, c.streak,
		first_value(c.streak) OVER (ORDER BY c.place), max(c.streak) OVER ()
	FROM counted c ORDER BY c.place;
END
$$;

COMMENT ON FUNCTION trackagoat.goal_history(uuid, integer, timestamptz) IS
	'the last periods of a goal, newest first, with how many in a row were completed until then, at present and at most among these; PT400 invalid_periods, PT404 goal_not_found';

CREATE FUNCTION trackagoat.campaign_goals(campaign_id uuid, reference_date date DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (creator_id uuid, goal_id uuid, goal_type trackagoat.goal_type, period trackagoat.goal_period,
		period_start date, period_end date, target numeric, actual numeric, projected numeric,
		status trackagoat.goal_status, compliant boolean, advisory jsonb)
	LANGUAGE plpgsql STABLE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	campaign record;
	members uuid[];
BEGIN
	SELECT c.project_id, c.org_id, count(*) OVER () AS found INTO campaign
	FROM trackagoat.campaign c WHERE c.id = campaign_goals.campaign_id;
	IF campaign.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('campaign', campaign_goals.campaign_id);
	END IF;
	-- those that it holds, and the owners of counted videos that it holds
	SELECT array_agg(DISTINCT coalesce(i.creator_id, v.creator_id)) INTO members
	FROM trackagoat.campaign_tree(campaign_goals.campaign_id) t
	JOIN trackagoat.campaign_item i ON i.campaign_id = t.id AND i.org_id = campaign.org_id
	LEFT JOIN trackagoat.video v ON v.id = i.video_id AND v.org_id = i.org_id AND trackagoat.status_counts(v.tracking_status)
	WHERE coalesce(i.creator_id, v.creator_id) IS NOT NULL;
	RETURN QUERY SELECT s.* FROM trackagoat.goal_states(campaign.project_id, coalesce(members, '{}'), NULL, reference_date, NULL, at, true) s;
END
$$;

COMMENT ON FUNCTION trackagoat.campaign_goals(uuid, date, timestamptz) IS
	'what goal_compliance() answers, for the creators of a campaign: those that it or one below it holds, and the owners of counted videos held; PT404 campaign_not_found';

CREATE FUNCTION trackagoat.goal_tell() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	change record;
	detail jsonb;
BEGIN
	FOR change IN
		-- how it stood last in the period that is over by now
		SELECT NEW.closed_period AS period_start, NEW.closed_status AS now_is,
			CASE WHEN OLD.closed_period = NEW.closed_period THEN OLD.closed_status
				WHEN OLD.status_period = NEW.closed_period THEN OLD.status END AS was
		WHERE (OLD.closed_period, OLD.closed_status) IS DISTINCT FROM (NEW.closed_period, NEW.closed_status)
			AND OLD.status IS NOT NULL
		UNION ALL
		-- the end of the last period of all is told once
		SELECT NEW.status_period, NEW.status, OLD.status
		WHERE OLD.status <> NEW.status AND (NEW.closed_period = NEW.status_period) IS NOT TRUE
	LOOP
		CONTINUE WHEN change.now_is IS NOT DISTINCT FROM change.was;
		detail := jsonb_build_object('goal_id', NEW.id, 'goal_type', NEW.goal_type, 'period', NEW.period, 'target', NEW.target,
			'period_start', change.period_start, 'from', change.was, 'to', change.now_is);
		INSERT INTO trackagoat.creator_event (org_id, project_id, creator_id, kind, detail)
		VALUES (NEW.org_id, NEW.project_id, NEW.creator_id, 'goal_status_changed', detail);
		INSERT INTO trackagoat.notification (org_id, project_id, creator_id, kind, subject, detail)
		VALUES (NEW.org_id, NEW.project_id, NEW.creator_id, 'goal_status_changed', NEW.id, detail);
	END LOOP;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.goal_tell() IS 'trigger: writes another status of a goal to the change log and the notifications';

CREATE FUNCTION trackagoat.goal_changes(project_id uuid, creator_ids uuid[], goal_ids uuid[], at timestamptz)
	RETURNS TABLE (goal_id uuid, status trackagoat.goal_status, status_period date, closed_status trackagoat.goal_status, closed_period date)
	LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	moment timestamptz := coalesce(at, now());
	before record;
BEGIN
	-- an evaluation that began before midnight turns nothing back that one after it has written
	RETURN QUERY
	SELECT s.goal_id, s.status, s.period_start, NULL::trackagoat.goal_status, NULL::date
	FROM trackagoat.goal_states(goal_changes.project_id, creator_ids, goal_ids, NULL, NULL, at, true) s
	JOIN trackagoat.goal g ON g.id = s.goal_id AND g.project_id = goal_changes.project_id
	WHERE (g.status, g.status_period) IS DISTINCT FROM (s.status, s.period_start)
		AND (g.period IS NULL OR (g.status_period > s.period_start) IS NOT TRUE);

	-- the periods before those of now: once, and for two days again
	FOR before IN
		SELECT p.period, p.first_day, p.last_day, (p.last_day + 1)::timestamp AT TIME ZONE o.timezone > moment - interval '48 hours' AS moves
		FROM trackagoat.project j JOIN trackagoat.organization o ON o.id = j.org_id,
			LATERAL (SELECT (moment AT TIME ZONE o.timezone)::date AS day) today,
			LATERAL (SELECT today.day - (extract(isodow FROM today.day)::integer - o.week_starts_on + 7) % 7 AS week,
				date_trunc('month', today.day::timestamp)::date AS month) t,
			LATERAL (VALUES ('daily'::trackagoat.goal_period, today.day - 1, today.day - 1), ('weekly', t.week - 7, t.week - 1),
				('monthly', (t.month - interval '1 month')::date, t.month - 1)) p (period, first_day, last_day)
		WHERE j.id = goal_changes.project_id
	LOOP
		RETURN QUERY
		SELECT s.goal_id, NULL::trackagoat.goal_status, NULL::date, s.status, s.period_start
		FROM trackagoat.goal_states(goal_changes.project_id, creator_ids,
			ARRAY(SELECT g.id FROM trackagoat.goal g
				WHERE g.project_id = goal_changes.project_id AND g.period = before.period
					AND g.starts_on <= before.last_day AND coalesce(g.ends_on >= before.first_day, true)
					AND (before.moves OR g.closed_period IS DISTINCT FROM before.first_day)
					-- neither an earlier period nor, after weeks begin on another day, one that overlaps
					AND (g.closed_period IS NULL OR g.closed_period = before.first_day
						OR g.closed_period + (before.last_day - before.first_day) < before.first_day)
					AND (creator_ids IS NULL OR g.creator_id = ANY (creator_ids)) AND (goal_ids IS NULL OR g.id = ANY (goal_ids))),
			before.last_day, before.period, at, true) s
		JOIN trackagoat.goal g ON g.id = s.goal_id AND g.project_id = goal_changes.project_id
		WHERE (g.closed_status, g.closed_period) IS DISTINCT FROM (s.status, s.period_start);
	END LOOP;
END
$$;

COMMENT ON FUNCTION trackagoat.goal_changes(uuid, uuid[], uuid[], timestamptz) IS
	'goals of a project whose status is not what was found last: of the period at hand, or of the last that is over';

CREATE FUNCTION trackagoat.evaluate_project_goals(project_id uuid, creator_ids uuid[], at timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	changed uuid[];
	written integer;
BEGIN
	SELECT array_agg(DISTINCT c.goal_id) INTO changed
	FROM trackagoat.goal_changes(evaluate_project_goals.project_id, creator_ids, NULL, at) c;
	-- of those who evaluate at the same time, one holds a goal, and looks again at what is there by now
	-- nor does it wait for who is deleting the creator, which what it tells refers to
	SELECT array_agg(g.id) INTO changed FROM (SELECT k.id FROM trackagoat.goal k
		JOIN trackagoat.creator c ON c.id = k.creator_id AND c.org_id = k.org_id
		WHERE k.id = ANY (changed) AND k.project_id = evaluate_project_goals.project_id
		ORDER BY k.id FOR KEY SHARE OF c SKIP LOCKED FOR NO KEY UPDATE OF k SKIP LOCKED) g;
	IF changed IS NULL THEN
		RETURN 0;
	END IF;
	UPDATE trackagoat.goal g SET
		status = c.status,
		status_period = c.status_period,
		status_at = CASE WHEN g.status IS DISTINCT FROM c.status THEN coalesce(at, now()) ELSE g.status_at END,
		closed_status = coalesce(c.closed_status, g.closed_status),
		closed_period = coalesce(c.closed_period, g.closed_period)
	FROM (SELECT n.goal_id, coalesce(max(n.status),
				-- a goal that has ended has no status but how it ended
				CASE WHEN k.status_period = max(n.closed_period) THEN max(n.closed_status) ELSE k.status END) AS status,
			coalesce(max(n.status_period), k.status_period) AS status_period, max(n.closed_status) AS closed_status,
			max(n.closed_period) AS closed_period
		FROM trackagoat.goal_changes(evaluate_project_goals.project_id, NULL, changed, at) n
		JOIN trackagoat.goal k ON k.id = n.goal_id AND k.project_id = evaluate_project_goals.project_id
		GROUP BY n.goal_id, k.id, k.org_id) c
	WHERE g.id = c.goal_id AND g.project_id = evaluate_project_goals.project_id;
	GET DIAGNOSTICS written = ROW_COUNT;
	RETURN written;
END
$$;

COMMENT ON FUNCTION trackagoat.evaluate_project_goals(uuid, uuid[], timestamptz) IS
	'write down where goals of a project, or of some of its creators, stand by now; answers how many have changed';

CREATE FUNCTION trackagoat.evaluate_goals_of(creator_ids uuid[], at timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	written integer := 0;
	project record;
BEGIN
	FOR project IN SELECT g.project_id, CASE WHEN creator_ids IS NOT NULL THEN array_agg(DISTINCT g.creator_id) END AS creators
		FROM trackagoat.goal g WHERE creator_ids IS NULL OR g.creator_id = ANY (creator_ids)
		GROUP BY g.project_id ORDER BY g.project_id
	LOOP
		BEGIN
			written := written + trackagoat.evaluate_project_goals(project.project_id, project.creators, at);
		EXCEPTION WHEN OTHERS THEN
			-- neither other projects nor what is being stored must wait for this one
			RAISE WARNING 'trackagoat could not evaluate the goals of project %: %', project.project_id, SQLERRM;
		END;
	END LOOP;
	RETURN written;
END
$$;

COMMENT ON FUNCTION trackagoat.evaluate_goals_of(uuid[], timestamptz) IS
	'evaluate_goals() for the goals of some creators, or of all for NULL';

CREATE FUNCTION trackagoat.evaluate_goals(at timestamptz DEFAULT NULL) RETURNS integer
	LANGUAGE sql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	SELECT trackagoat.evaluate_goals_of(NULL, evaluate_goals.at)
$$;

COMMENT ON FUNCTION trackagoat.evaluate_goals(timestamptz) IS
	'write down where all goals stand by now, and tell of each other status, once, in the change log and the notifications; what pg_cron calls; answers how many have changed';

CREATE FUNCTION trackagoat.verify_histories(project_id uuid) RETURNS TABLE (entity text, entity_id uuid, problem text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH stored AS (
		SELECT 'video' AS entity, h.video_id AS id, h.org_id, h.started_at, h.points
		FROM trackagoat.video_history h JOIN trackagoat.video v ON v.id = h.video_id AND v.org_id = h.org_id
		WHERE verify_histories.project_id IS NULL OR v.project_id = verify_histories.project_id
		UNION ALL
		SELECT 'creator', h.creator_id, h.org_id, h.started_at, h.points
		FROM trackagoat.creator_history h JOIN trackagoat.creator c ON c.id = h.creator_id AND c.org_id = h.org_id
		WHERE verify_histories.project_id IS NULL OR c.project_id = verify_histories.project_id
	), history AS MATERIALIZED (
		SELECT s.* FROM stored s WHERE trackagoat.series_is_sound(s.points)
	), checked AS (
		SELECT h.*, lead(h.started_at) OVER w AS next_start,
			lag(trackagoat.series_at(h.points, 'infinity')) OVER w AS before,
			lag(h.points) OVER w IS NOT NULL AS follows
		FROM history h WINDOW w AS (PARTITION BY h.entity, h.id, h.org_id ORDER BY h.started_at)
	)
	SELECT s.entity, s.id, 'a row of the history is malformed' FROM stored s
	WHERE NOT trackagoat.series_is_sound(s.points)
	UNION ALL
	SELECT c.entity, c.id, 'a row of the history does not go on where the one before it ends' FROM checked c
	WHERE c.follows AND trackagoat.series_anchor(c.points) IS DISTINCT FROM c.before
	UNION ALL
	SELECT c.entity, c.id, 'the last row of the history is not the open one' FROM checked c
	WHERE c.next_start IS NULL AND c.started_at < 'infinity'
	UNION ALL
	SELECT 'video', v.id, 'the current counters are not those of the history' FROM trackagoat.video v
	LEFT JOIN history h ON h.entity = 'video' AND h.id = v.id AND h.org_id = v.org_id AND h.started_at = 'infinity'
	WHERE (verify_histories.project_id IS NULL OR v.project_id = verify_histories.project_id)
		AND coalesce(trackagoat.series_at(h.points, 'infinity'), array_fill(NULL::bigint, ARRAY[5]))
			IS DISTINCT FROM ARRAY[v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count]
	UNION ALL
	SELECT 'creator', c.id, 'the current counters are not those of the history' FROM trackagoat.creator c
	LEFT JOIN history h ON h.entity = 'creator' AND h.id = c.id AND h.org_id = c.org_id AND h.started_at = 'infinity'
	WHERE (verify_histories.project_id IS NULL OR c.project_id = verify_histories.project_id)
		AND coalesce(trackagoat.series_at(h.points, 'infinity'), array_fill(NULL::bigint, ARRAY[4]))
			IS DISTINCT FROM ARRAY[c.follower_count, c.following_count, c.total_likes_count, c.video_count];
END
$$;

COMMENT ON FUNCTION trackagoat.verify_histories(uuid) IS 'verify(), of histories and current counters';

CREATE FUNCTION trackagoat.verify_totals(project_id uuid) RETURNS TABLE (entity text, entity_id uuid, problem text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	checked record;
	differing bigint;
BEGIN
	FOR checked IN
		SELECT e.* FROM (
			SELECT 'creator' AS entity, c.id, c.project_id FROM trackagoat.creator c
			UNION ALL SELECT 'campaign', k.id, k.project_id FROM trackagoat.campaign k
			UNION ALL SELECT 'project', p.id, p.id FROM trackagoat.project p) e
		WHERE verify_totals.project_id IS NULL OR e.project_id = verify_totals.project_id
	LOOP
		-- all days, then, before a window that comes after all, the lifetime
		SELECT count(*) INTO differing FROM (
			(SELECT * FROM trackagoat.entity_amounts(checked.entity, checked.id)
			EXCEPT ALL SELECT * FROM trackagoat.entity_amounts(checked.entity, checked.id, live => true))
			UNION ALL
			(SELECT * FROM trackagoat.entity_amounts(checked.entity, checked.id, live => true)
			EXCEPT ALL SELECT * FROM trackagoat.entity_amounts(checked.entity, checked.id))) d;
		IF differing > 0 THEN
			RETURN QUERY SELECT checked.entity, checked.id, format('%s days differ from the histories', differing);
		END IF;
		PERFORM FROM (SELECT a.* FROM (VALUES (false), (true)) m (live),
				trackagoat.entity_amounts(checked.entity, checked.id, '9000-01-01', '9000-01-01', live => m.live) a) q
		GROUP BY q.* HAVING count(*) <> 2;
		IF FOUND THEN
			RETURN QUERY SELECT checked.entity, checked.id, 'the lifetime totals differ from the histories';
		END IF;
		-- a window without days has no total that could overflow
		IF checked.entity = 'campaign' AND (SELECT s.creators FROM trackagoat.campaign_stats(checked.id, '9000-01-01', '9000-01-01') s)
			<> (SELECT s.creators FROM trackagoat.campaign_stats(checked.id, '9000-01-01', '9000-01-01', '9000-01-01') s)
		THEN
			RETURN QUERY SELECT checked.entity, checked.id, 'the number of creators differs from the items';
		END IF;
	END LOOP;
	RETURN QUERY
	SELECT t.entity, t.entity_id, 'totals of what is not there any more' FROM trackagoat.total t
	WHERE (verify_totals.project_id IS NULL OR t.project_id = verify_totals.project_id)
		AND NOT CASE t.entity
			WHEN 'creator' THEN EXISTS (SELECT FROM trackagoat.creator c WHERE c.id = t.entity_id AND c.org_id = t.org_id)
			WHEN 'campaign' THEN EXISTS (SELECT FROM trackagoat.campaign k WHERE k.id = t.entity_id AND k.org_id = t.org_id)
			ELSE EXISTS (SELECT FROM trackagoat.project p WHERE p.id = t.entity_id AND p.org_id = t.org_id) END
		AND NOT EXISTS (SELECT FROM trackagoat.total_difference d WHERE d.project_id = t.project_id AND d.org_id = t.org_id);
END
$$;

COMMENT ON FUNCTION trackagoat.verify_totals(uuid) IS 'verify(), of totals';

CREATE FUNCTION trackagoat.verify(project_id uuid DEFAULT NULL) RETURNS TABLE (entity text, entity_id uuid, problem text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT * FROM trackagoat.verify_histories(verify.project_id);
	-- what cannot be read cannot be summed
	PERFORM FROM trackagoat.video_history h WHERE NOT trackagoat.series_is_sound(h.points);
	IF NOT FOUND THEN
		RETURN QUERY SELECT * FROM trackagoat.verify_totals(verify.project_id);
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.verify(uuid) IS
	'compute the numbers of a project, or of all, anew from the histories and compare; no row when all agree; rebuild_totals() mends totals';

CREATE FUNCTION trackagoat.organization_intervals(kind trackagoat.scrape_kind, org_ids uuid[])
	RETURNS TABLE (org_id uuid, every interval, floor interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	floor_key text := CASE kind WHEN 'creator_profile' THEN 'min_creator_profiles_hours'
		WHEN 'discover_videos' THEN 'min_discover_videos_hours' ELSE 'min_video_stats_hours' END;
BEGIN
	RETURN QUERY SELECT o.id, greatest(i.every, i.floor), i.floor
	FROM trackagoat.organization o
	CROSS JOIN LATERAL (SELECT CASE kind WHEN 'creator_profile' THEN o.creator_profile_interval
				WHEN 'discover_videos' THEN o.discover_videos_interval ELSE o.video_stats_interval END AS every,
			CASE WHEN o.plan IS NOT NULL THEN trackagoat.plan_limit(o.plan, floor_key) * interval '1 hour' END AS floor OFFSET 0) i
	WHERE o.id = ANY (org_ids);
END
$$;

COMMENT ON FUNCTION trackagoat.organization_intervals(trackagoat.scrape_kind, uuid[]) IS
	'how often organizations want accounts or videos fetched, not below the floor of their plan, which is NULL where there is none';

CREATE FUNCTION trackagoat.video_intervals(tiktok_video_ids bigint[])
	RETURNS TABLE (tiktok_video_id bigint, org_id uuid, every interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY WITH wanted AS MATERIALIZED (
		-- a video that gains little is fetched at a quarter of the rate, a fresh one at four times the rate
		SELECT v.tiktok_video_id, v.org_id, CASE WHEN bool_and(v.refresh_slowed_at IS NOT NULL) THEN 4
			WHEN bool_or(trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) > now() - interval '72 hours') THEN 0.25 ELSE 1 END AS pace
		FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
		WHERE v.tiktok_video_id = ANY (tiktok_video_ids)
			AND trackagoat.video_is_fetched(v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at)
			AND coalesce(c.is_active, true)
		GROUP BY v.tiktok_video_id, v.org_id
	)
	-- the floor of the plan holds for fresh videos too
	SELECT w.tiktok_video_id, w.org_id, greatest(i.every * w.pace, i.floor)
	FROM wanted w JOIN trackagoat.organization_intervals('video_stats', ARRAY(SELECT DISTINCT w.org_id FROM wanted w)) i ON i.org_id = w.org_id;
END
$$;

COMMENT ON FUNCTION trackagoat.video_intervals(bigint[]) IS
	'the organizations that want videos fetched, and how often each';

CREATE FUNCTION trackagoat.scrape_targets(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint, link text DEFAULT NULL)
	RETURNS TABLE (org_id uuid, every interval)
	-- a statement that fills a table keeps the plans that were made while it was small
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1 SET enable_seqscan = off SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	IF scrape_targets.kind = 'video_link' THEN
		RETURN QUERY SELECT DISTINCT l.org_id, interval '0' FROM trackagoat.video_link l
		WHERE l.link = scrape_targets.link AND l.problem IS NULL;
	ELSIF scrape_targets.kind = 'video_stats' THEN
		RETURN QUERY SELECT i.org_id, i.every FROM trackagoat.video_intervals(ARRAY[scrape_targets.tiktok_video_id]) i;
	ELSE
		RETURN QUERY SELECT i.org_id, i.every
		FROM trackagoat.organization_intervals(kind, ARRAY(SELECT c.org_id FROM trackagoat.creator c
			WHERE c.tiktok_handle = scrape_targets.tiktok_handle AND c.removed_at IS NULL AND c.is_active)) i;
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.scrape_targets(trackagoat.scrape_kind, trackagoat.handle, bigint, text) IS
	'the organizations that want an account, video or link fetched, and how often: their interval, not below the floor of their plan; none means that nobody does';

CREATE FUNCTION trackagoat.lock_scrape_target(tiktok_handle trackagoat.handle, tiktok_video_id bigint, link text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION trackagoat.lock_scrape_target(trackagoat.handle, bigint, text) IS
	'whether this transaction may make or change the job of an account or video: false while another one, still open, may have';

CREATE FUNCTION trackagoat.queue_target(
	kinds text[], tiktok_handle text, tiktok_video_id bigint,
	due_at timestamptz, next_at timestamptz, priority integer, renew boolean, link text) RETURNS uuid
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION trackagoat.queue_target(text[], text, bigint, timestamptz, timestamptz, integer, boolean, text) IS
	'make the standing jobs of an account or video, or bring them forward; without any time they are left to the schedule; renew has a list wait for a fresh profile; answers the id of one, where it is known';

CREATE OR REPLACE FUNCTION trackagoat.queue_scrape(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	due_at timestamptz, next_at timestamptz DEFAULT NULL, priority integer DEFAULT 0,
	renew boolean DEFAULT false) RETURNS uuid
	LANGUAGE sql VOLATILE
	RETURN trackagoat.queue_target(ARRAY[kind::text], tiktok_handle::text, tiktok_video_id, due_at, next_at, priority, renew, NULL);

COMMENT ON FUNCTION trackagoat.queue_scrape(
	trackagoat.scrape_kind, trackagoat.handle, bigint, timestamptz, timestamptz, integer, boolean) IS
	'make the standing job of an account or video, or bring it forward; without any time it is left to the schedule; renew has a list wait for a fresh profile; answers the job''s id';

CREATE OR REPLACE FUNCTION trackagoat.fold_scrape_requests() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	request record;
	folded integer := 0;
BEGIN
	FOR request IN SELECT r.* FROM trackagoat.scrape_request r ORDER BY r.priority DESC, r.id FOR UPDATE SKIP LOCKED LOOP
		CONTINUE WHEN NOT trackagoat.lock_scrape_target(request.tiktok_handle, request.tiktok_video_id, request.link);
		DELETE FROM trackagoat.scrape_request r WHERE r.id = request.id;
		PERFORM trackagoat.queue_target(ARRAY[request.kind::text], request.tiktok_handle::text, request.tiktok_video_id,
			request.due_at, request.next_at, request.priority, request.renew, request.link);
		folded := folded + 1;
		EXIT WHEN folded = 1000;
	END LOOP;
	RETURN folded;
END
$$;

CREATE OR REPLACE FUNCTION trackagoat.creator_scrape() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;

CREATE OR REPLACE FUNCTION trackagoat.video_scrape() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF TG_OP = 'INSERT' AND NEW.tracking_status = 'direct_add' AND trackagoat.happens_now(NEW.created_at) THEN
		PERFORM trackagoat.queue_scrape('video_stats', NULL, NEW.tiktok_video_id, now(), now(), 1);
	ELSE
		PERFORM trackagoat.queue_scrape('video_stats', NULL, NEW.tiktok_video_id, NULL);
	END IF;
	RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION trackagoat.enqueue_due(at timestamptz DEFAULT now()) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	queued integer;
BEGIN
	PERFORM trackagoat.check_owner('queue what is due');
	PERFORM trackagoat.fold_scrape_requests();
	-- a time ahead queues what will be due then, to be fetched now
	UPDATE trackagoat.scrape_job j SET due_at = least(enqueue_due.at, now()), priority = 0
	FROM (SELECT d.id FROM trackagoat.scrape_job d
		WHERE d.due_at IS NULL AND d.next_at <= enqueue_due.at
		FOR UPDATE SKIP LOCKED) due
	WHERE j.id = due.id;
	GET DIAGNOSTICS queued = ROW_COUNT;

	BEGIN
		PERFORM trackagoat.fold_waiting();
	EXCEPTION WHEN OTHERS THEN
		-- totals stay exact without; scrapes must not wait for them
		RAISE WARNING 'trackagoat could not fold totals: %', SQLERRM;
	END;
	RETURN queued;
END
$$;

COMMENT ON FUNCTION trackagoat.enqueue_due(timestamptz) IS
	'queue every job whose time has come, and fold totals; answers how many were queued; what pg_cron calls, as the owner of the tables';

CREATE FUNCTION trackagoat.scrape_host() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.scrape_host() IS
	'the host of trackagoat.base_url, with its port if it has one: what is asked for pages, and short links as well, is counted for it';

CREATE OR REPLACE FUNCTION trackagoat.host_paused_until() RETURNS timestamptz
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT h.open_until FROM trackagoat.scrape_host h
		WHERE h.host = trackagoat.scrape_host() AND h.open_until > clock_timestamp());
END
$$;

CREATE FUNCTION trackagoat.host_room(max_jobs integer) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	PERFORM FROM trackagoat.scrape_host h
	WHERE h.host = trackagoat.scrape_host() AND h.opened_at IS NOT NULL;
	IF NOT FOUND THEN
		RETURN max_jobs;
	END IF;
	-- half open: whoever gets the row makes the probe
	PERFORM FROM trackagoat.scrape_host h
	WHERE h.host = trackagoat.scrape_host() AND h.open_until <= clock_timestamp()
		AND coalesce(h.probe_until <= clock_timestamp(), true)
	FOR NO KEY UPDATE SKIP LOCKED;
	RETURN CASE WHEN FOUND THEN 1 ELSE 0 END;
END
$$;

COMMENT ON FUNCTION trackagoat.host_room(integer) IS
	'how many requests the host''s breaker allows: all while it is closed, none while it is open, one while it is half open';

CREATE FUNCTION trackagoat.choose_source(kind trackagoat.scrape_kind, from_place integer, has_sec_uid boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT s.source FROM trackagoat.scrape_source s
		WHERE s.kind = choose_source.kind AND (s.source <> 'item_list' OR has_sec_uid)
		ORDER BY coalesce(s.avoided_until > clock_timestamp(), false), s.place < from_place, s.place LIMIT 1);
END
$$;

COMMENT ON FUNCTION trackagoat.choose_source(trackagoat.scrape_kind, integer, boolean) IS
	'the source to ask: the first from a place on, before others one that is not avoided; NULL where there is none';

CREATE FUNCTION trackagoat.claim_scrapes(max_jobs integer, lease interval)
	RETURNS TABLE (attempt_id bigint, kind trackagoat.scrape_kind, source text, tiktok_handle trackagoat.handle,
		tiktok_video_id bigint, sec_uid text, list_cursor bigint, link text)
	LANGUAGE plpgsql VOLATILE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job record;
	room integer;
	claimed integer := 0;
	passed integer := 0;
BEGIN
	PERFORM trackagoat.fold_scrape_requests();
	room := trackagoat.host_room(max_jobs);
	WHILE claimed < room AND passed < 1000 LOOP
		SELECT j.id, j.kind, j.tiktok_handle, j.tiktok_video_id, j.sec_uid, j.list_cursor, j.link, j.attempts, j.source_place INTO job
		FROM trackagoat.scrape_job j
		WHERE j.due_at <= clock_timestamp() AND j.leased_until IS NULL AND NOT j.awaits_profile
		ORDER BY j.priority DESC, j.due_at, j.kind DESC LIMIT 1
		FOR UPDATE SKIP LOCKED;
		EXIT WHEN NOT FOUND;

		PERFORM FROM trackagoat.scrape_targets(job.kind, job.tiktok_handle, job.tiktok_video_id, job.link);
		IF NOT FOUND THEN
			-- with a profile goes the list that waits for it
			DELETE FROM trackagoat.scrape_job j WHERE j.id = job.id
				OR (job.kind = 'creator_profile' AND j.kind = 'discover_videos'
					AND j.tiktok_handle = job.tiktok_handle AND j.leased_until IS NULL);
			passed := passed + 1;
			CONTINUE;
		END IF;
		source := trackagoat.choose_source(job.kind, job.source_place, job.sec_uid IS NOT NULL);
		IF source IS NULL THEN
			UPDATE trackagoat.scrape_job j SET source_place = 1, due_at = clock_timestamp() + interval '1 hour' WHERE j.id = job.id;
			passed := passed + 1;
			CONTINUE;
		END IF;

		UPDATE trackagoat.scrape_job j SET attempts = j.attempts + 1, leased_at = clock_timestamp(),
			leased_until = clock_timestamp() + lease, leased_by = pg_backend_pid()
		WHERE j.id = job.id;
		INSERT INTO trackagoat.scrape_attempt
			(job_id, kind, tiktok_handle, tiktok_video_id, link, attempt, worker_pid, host, source, started_at)
		VALUES (job.id, job.kind, job.tiktok_handle, job.tiktok_video_id, job.link, job.attempts + 1,
			pg_backend_pid(), trackagoat.scrape_host(), source, clock_timestamp())
		RETURNING id INTO attempt_id;
		claimed := claimed + 1;

		kind := job.kind;
		tiktok_handle := job.tiktok_handle;
		tiktok_video_id := job.tiktok_video_id;
		sec_uid := job.sec_uid;
		list_cursor := job.list_cursor;
		link := job.link;
		RETURN NEXT;
	END LOOP;
	IF claimed > 0 THEN
		UPDATE trackagoat.scrape_host h SET probe_until = clock_timestamp() + lease
		WHERE h.host = trackagoat.scrape_host() AND h.opened_at IS NOT NULL;
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.claim_scrapes(integer, interval) IS
	'lease due jobs to the calling worker and count the attempt; jobs that nobody wants any more are deleted';

CREATE OR REPLACE FUNCTION trackagoat.next_scrape_due() RETURNS timestamptz
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT min(f.due_at) FROM (VALUES (0), (1), (2)) p (priority)
		CROSS JOIN LATERAL (SELECT j.due_at FROM trackagoat.scrape_job j
			WHERE j.priority = p.priority AND j.due_at IS NOT NULL AND j.leased_until IS NULL AND NOT j.awaits_profile
			ORDER BY j.due_at LIMIT 1) f);
END
$$;

CREATE FUNCTION trackagoat.revive_scrapes(outcome text DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	revived integer;
BEGIN
	PERFORM trackagoat.check_owner('revive dead letters');
	UPDATE trackagoat.scrape_job j SET dead_at = NULL, dead_reason = NULL, attempts = 0, failures = NULL, due_at = now()
	WHERE j.dead_at IS NOT NULL AND coalesce(j.last_outcome = revive_scrapes.outcome, revive_scrapes.outcome IS NULL);
	GET DIAGNOSTICS revived = ROW_COUNT;
	RETURN revived;
END
$$;

COMMENT ON FUNCTION trackagoat.revive_scrapes(text) IS
	'queue the dead letters again, those of one outcome or all; answers how many; only as the owner of the tables';

CREATE FUNCTION trackagoat.scrape_slot(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	every interval, after timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION trackagoat.scrape_slot(trackagoat.scrape_kind, trackagoat.handle, bigint, interval, timestamptz) IS
	'the first slot of an account or video after a moment: its slots are an interval apart, at a phase of its own, so that many spread over the interval';

CREATE FUNCTION trackagoat.first_scrape_slot(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	-- what nobody wants is soon claimed and deleted
	RETURN (SELECT coalesce(trackagoat.scrape_slot(kind, tiktok_handle, tiktok_video_id, min(t.every), now()), now())
		FROM trackagoat.scrape_targets(kind, tiktok_handle, tiktok_video_id) t);
END
$$;

COMMENT ON FUNCTION trackagoat.first_scrape_slot(trackagoat.scrape_kind, trackagoat.handle, bigint) IS
	'when the schedule first fetches an account or video that nobody waits for: on its slot within the interval from now';

CREATE FUNCTION trackagoat.video_slots(tiktok_video_ids bigint[], is_served boolean)
	RETURNS TABLE (tiktok_video_id bigint, next_at timestamptz)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT i.tiktok_video_id, trackagoat.scrape_slot('video_stats', NULL, i.tiktok_video_id, i.every,
		CASE WHEN is_served THEN now() + i.every / 2 ELSE now() END)
	FROM (SELECT v.tiktok_video_id, min(v.every) AS every
		FROM trackagoat.video_intervals(tiktok_video_ids) v GROUP BY v.tiktok_video_id) i;
END
$$;

COMMENT ON FUNCTION trackagoat.video_slots(bigint[], boolean) IS
	'when the schedule next fetches each of the videos that somebody wants: on its slot within the interval from now, or, where a page has just served it, from half of it on';

CREATE FUNCTION trackagoat.organization_schedule() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	kinds trackagoat.scrape_kind[] := ARRAY(SELECT k.kind FROM (VALUES
		('creator_profile'::trackagoat.scrape_kind, NEW.creator_profile_interval < OLD.creator_profile_interval),
		('discover_videos', NEW.discover_videos_interval < OLD.discover_videos_interval),
		('video_stats', NEW.video_stats_interval < OLD.video_stats_interval)) k (kind, is_shorter)
		WHERE k.is_shorter OR NEW.plan IS DISTINCT FROM OLD.plan);
BEGIN
	-- by requests, as others' transactions do not wait for this one
	INSERT INTO trackagoat.scrape_request (kind, tiktok_handle, tiktok_video_id, next_at, priority, renew)
	SELECT j.kind, j.tiktok_handle, j.tiktok_video_id, s.slot, 0, false
	FROM (SELECT a.kind, a.tiktok_handle, a.tiktok_video_id, a.next_at FROM trackagoat.scrape_job a
			WHERE a.kind = ANY (kinds) AND a.due_at IS NULL
				AND a.tiktok_handle IN (SELECT c.tiktok_handle FROM trackagoat.creator c WHERE c.org_id = NEW.id)
		UNION ALL SELECT b.kind, NULL, b.tiktok_video_id, b.next_at FROM trackagoat.scrape_job b
			WHERE b.kind = 'video_stats' AND b.kind = ANY (kinds) AND b.tiktok_handle IS NULL AND b.due_at IS NULL
				AND b.tiktok_video_id IN (SELECT v.tiktok_video_id FROM trackagoat.project p
					JOIN trackagoat.video v ON v.project_id = p.id AND v.org_id = p.org_id WHERE p.org_id = NEW.id)) j,
		LATERAL (SELECT trackagoat.first_scrape_slot(j.kind, j.tiktok_handle, j.tiktok_video_id) AS slot OFFSET 0) s
	WHERE s.slot < j.next_at;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.organization_schedule() IS
	'trigger: a shorter interval or another plan holds at once: what comes too late is brought forward, spread over the interval';

CREATE FUNCTION trackagoat.count_manual_scrape(org_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	limit_key CONSTANT text := 'max_manual_scrape_triggers_per_day';
	most bigint := (SELECT trackagoat.plan_limit(o.plan, limit_key) FROM trackagoat.organization o WHERE o.id = org_id);
	made record;
BEGIN
	IF most IS NULL THEN
		RETURN;
	END IF;
	-- the row is held until the transaction ends; one that began before midnight counts for the day that others have begun
	INSERT INTO trackagoat.manual_scrape AS m (org_id, day, triggers)
	VALUES (org_id, (clock_timestamp() AT TIME ZONE 'UTC')::date, 1)
	ON CONFLICT ON CONSTRAINT manual_scrape_pkey DO UPDATE SET day = greatest(m.day, excluded.day),
		triggers = CASE WHEN m.day >= excluded.day THEN m.triggers + 1 ELSE 1 END
	RETURNING m.day, m.triggers INTO made;
	IF made.triggers > most THEN
		RAISE SQLSTATE 'PT429' USING
			MESSAGE = 'rate_limit_exceeded',
			DETAIL = format('{"limitKey": "%s", "current": %s, "max": %s, "retryAfter": %s}', limit_key, made.triggers - 1, most,
				ceil(extract(epoch FROM (made.day + 1)::timestamp AT TIME ZONE 'UTC' - clock_timestamp()))),
			HINT = format('Wait until %s 00:00 UTC, or choose a plan that allows more.', to_char(made.day + 1, 'YYYY-MM-DD'));
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.count_manual_scrape(uuid) IS
	'count a manual scrape of an organization, where its plan has a limit; PT429 rate_limit_exceeded past it';

CREATE OR REPLACE FUNCTION trackagoat.scrape_creator(creator_id uuid) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	target record;
BEGIN
	SELECT c.org_id, c.tiktok_handle, c.removed_at, c.is_active, count(*) OVER () AS found INTO target
	FROM trackagoat.creator c WHERE c.id = scrape_creator.creator_id;
	IF target.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('creator', creator_id);
	END IF;
	IF target.removed_at IS NOT NULL OR NOT target.is_active THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'creator_not_fetched',
			DETAIL = format('%s is %s.', target.tiktok_handle, CASE WHEN target.removed_at IS NOT NULL THEN 'removed' ELSE 'disabled' END),
			HINT = 'Bring the creator back, or enable it: then it is fetched at once.';
	END IF;
	PERFORM trackagoat.count_manual_scrape(target.org_id);
	PERFORM trackagoat.queue_scrape('discover_videos', target.tiktok_handle, NULL, now(), NULL, 2);
	RETURN trackagoat.queue_scrape('creator_profile', target.tiktok_handle, NULL, now(), NULL, 2);
END
$$;

COMMENT ON FUNCTION trackagoat.scrape_creator(uuid) IS
	'fetch a creator''s profile and new videos now, ahead of the schedule; answers the profile''s job; PT404 creator_not_found, PT409 creator_not_fetched, PT429 rate_limit_exceeded';

CREATE OR REPLACE FUNCTION trackagoat.scrape_video(video_id uuid) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	target record;
BEGIN
	SELECT v.org_id, v.tiktok_video_id, v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at,
		coalesce(c.is_active, true) AS is_active, count(*) OVER () AS found INTO target
	FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
	WHERE v.id = scrape_video.video_id;
	IF target.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('video', video_id);
	END IF;
	IF NOT target.is_active
		OR NOT trackagoat.video_is_fetched(target.tracking_status, target.tracking_disabled_at, target.refresh_stopped_at) THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'video_not_fetched',
			DETAIL = format('The video is %s.', CASE WHEN NOT target.is_active THEN 'of a creator that is removed or disabled'
				WHEN target.tracking_status = 'excluded' THEN 'excluded'
				WHEN target.tracking_disabled_at IS NOT NULL THEN 'disabled' ELSE 'old: its refreshes have stopped' END),
			HINT = 'Include it, clear tracking_disabled_at or refresh_stopped_at, or enable its creator.';
	END IF;
	PERFORM trackagoat.count_manual_scrape(target.org_id);
	RETURN trackagoat.queue_scrape('video_stats', NULL, target.tiktok_video_id, now(), NULL, 2);
END
$$;

COMMENT ON FUNCTION trackagoat.scrape_video(uuid) IS
	'fetch a video''s counters now, ahead of the schedule; answers the job; PT404 video_not_found, PT409 video_not_fetched, PT429 rate_limit_exceeded';

CREATE OR REPLACE FUNCTION trackagoat.store_scrape(
	org_id uuid, kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	fetched_at timestamptz, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp
	-- a page's few rows are found by keys, even where the tables were empty when their sizes were last noted
	SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS
$$
DECLARE
	outcome text;
	creators uuid[];
BEGIN
	IF kind = 'video_link' THEN
		RETURN trackagoat.store_link(org_id, page);
	END IF;
	-- those with goals; a list may show that they have another handle by now
	creators := ARRAY(
		SELECT c.id FROM trackagoat.creator c
		WHERE c.org_id = store_scrape.org_id AND c.tiktok_handle = store_scrape.tiktok_handle AND c.removed_at IS NULL
			AND EXISTS (SELECT FROM trackagoat.goal g WHERE g.creator_id = c.id AND g.org_id = c.org_id)
		UNION ALL SELECT v.creator_id FROM trackagoat.video v
		WHERE v.org_id = store_scrape.org_id AND v.tiktok_video_id = store_scrape.tiktok_video_id
			AND EXISTS (SELECT FROM trackagoat.goal g WHERE g.creator_id = v.creator_id AND g.org_id = v.org_id));
	-- histories keep whole seconds in half the room
	outcome := trackagoat.store_page(org_id, kind, tiktok_handle, date_trunc('second', fetched_at), page);
	IF creators <> '{}' THEN
		PERFORM trackagoat.evaluate_goals_of(creators, NULL);
	END IF;
	RETURN outcome;
END
$$;

COMMENT ON FUNCTION trackagoat.store_scrape(uuid, trackagoat.scrape_kind, trackagoat.handle, bigint, timestamptz, jsonb) IS
	'store what a page says for one organization, and evaluate the goals that it bears on; answers the outcome: ok or account_changed';

CREATE FUNCTION trackagoat.store_page(
	org_id uuid, kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, fetched_at timestamptz, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	account_id bigint := (page #>> '{account,id}')::bigint;
	videos trackagoat.page_video[];
BEGIN
	IF kind = 'creator_profile' THEN
		RETURN trackagoat.store_profile(org_id, tiktok_handle, fetched_at, page);
	END IF;
	videos := trackagoat.page_videos(page);
	IF kind = 'discover_videos' THEN
		tiktok_handle := trackagoat.follow_handle(org_id, tiktok_handle, fetched_at, page -> 'account');
		-- an empty list is anybody's
		PERFORM FROM trackagoat.creator c
		WHERE c.org_id = store_page.org_id AND c.tiktok_handle = store_page.tiktok_handle
			AND c.removed_at IS NULL AND c.is_active
			AND c.tiktok_account_id = coalesce(account_id, c.tiktok_account_id);
		IF NOT FOUND THEN
			PERFORM trackagoat.note_other_account(org_id, tiktok_handle, account_id);
			RETURN 'account_changed';
		END IF;
		PERFORM trackagoat.store_new_videos(org_id, tiktok_handle, account_id, fetched_at, trackagoat.page_serves_videos(page), videos);
	END IF;
	PERFORM trackagoat.store_videos(org_id, fetched_at, page ->> 'source', (page ->> 'exact')::boolean, videos);
	RETURN 'ok';
END
$$;

COMMENT ON FUNCTION trackagoat.store_page(uuid, trackagoat.scrape_kind, trackagoat.handle, timestamptz, jsonb) IS
	'store a profile, a list of videos or a video';

CREATE FUNCTION trackagoat.store_link(org_id uuid, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	waiting record;
BEGIN
	FOR waiting IN SELECT l.project_id, l.link FROM trackagoat.video_link l
		WHERE l.org_id = store_link.org_id AND l.link = page ->> 'link' AND l.problem IS NULL
		ORDER BY l.project_id FOR UPDATE
	LOOP
		BEGIN
			INSERT INTO trackagoat.video (org_id, project_id, tiktok_video_id, tiktok_handle, kind, tracking_status)
			VALUES (org_id, waiting.project_id, (page ->> 'tiktok_video_id')::bigint, (page ->> 'tiktok_handle')::trackagoat.handle,
				page ->> 'kind', 'direct_add')
			ON CONFLICT DO NOTHING;
			DELETE FROM trackagoat.video_link l
			WHERE l.org_id = store_link.org_id AND l.project_id = waiting.project_id AND l.link = waiting.link;
		EXCEPTION WHEN SQLSTATE 'PT402' THEN
			UPDATE trackagoat.video_link l SET problem = 'limit_reached'
			WHERE l.org_id = store_link.org_id AND l.project_id = waiting.project_id AND l.link = waiting.link;
		END;
	END LOOP;
	RETURN 'ok';
END
$$;

COMMENT ON FUNCTION trackagoat.store_link(uuid, jsonb) IS
	'add the video that a short link leads to, to every project of the organization that waits for it';

CREATE FUNCTION trackagoat.follow_handle(
	org_id uuid, tiktok_handle trackagoat.handle, fetched_at timestamptz, account jsonb) RETURNS trackagoat.handle
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	shown trackagoat.handle := trackagoat.handle_or_null(account ->> 'tiktok_handle');
BEGIN
	IF shown IS NULL OR shown = tiktok_handle THEN
		RETURN tiktok_handle;
	END IF;
	UPDATE trackagoat.creator c SET tiktok_handle = shown,
		-- pages are of whole seconds, and that it changes tells a follow from a rename
		handle_followed_at = greatest(fetched_at, c.handle_followed_at + interval '1 microsecond')
	FROM (SELECT k.id FROM trackagoat.creator k
		WHERE k.org_id = follow_handle.org_id AND k.tiktok_handle = follow_handle.tiktok_handle
			AND k.removed_at IS NULL AND k.is_active AND k.tiktok_account_id = (account ->> 'id')::bigint
		ORDER BY k.id FOR NO KEY UPDATE) k
	WHERE c.id = k.id AND c.org_id = follow_handle.org_id
		AND NOT trackagoat.handle_is_taken(c.org_id, c.project_id, shown, c.id)
		AND NOT EXISTS (SELECT FROM trackagoat.banned_handle b WHERE b.tiktok_handle = shown);
	RETURN CASE WHEN FOUND THEN shown ELSE tiktok_handle END;
END
$$;

COMMENT ON FUNCTION trackagoat.follow_handle(uuid, trackagoat.handle, timestamptz, jsonb) IS
	'creators whose account, asked for by its secUid, shows another handle by now take that one; answers the handle that they have then';

CREATE FUNCTION trackagoat.note_other_account(org_id uuid, tiktok_handle trackagoat.handle, account_id bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	UPDATE trackagoat.creator c SET other_account_id = account_id
	WHERE c.org_id = note_other_account.org_id AND c.tiktok_handle = note_other_account.tiktok_handle
		AND c.removed_at IS NULL AND c.is_active
		AND c.tiktok_account_id <> account_id AND c.other_account_id IS DISTINCT FROM account_id;
END
$$;

COMMENT ON FUNCTION trackagoat.note_other_account(uuid, trackagoat.handle, bigint) IS
	'the handle of these creators shows another account: the change log says so, once for each other account';

CREATE FUNCTION trackagoat.settled_count(shown bigint, known bigint, exact boolean) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- TikTok rounds to hundreds from 10,000 up, to a tenth of a million or milliard from there
	RETURN CASE WHEN NOT exact AND abs(shown - known) < CASE WHEN shown < 10000 THEN 1 WHEN shown < 1000000 THEN 100
		WHEN shown < 1000000000 THEN 100000 ELSE 100000000 END THEN known ELSE shown END;

COMMENT ON FUNCTION trackagoat.settled_count(bigint, bigint, boolean) IS
	'what a page shows of a counter, or what is known of it where the page rounds, and agrees as far as it can tell';

CREATE OR REPLACE FUNCTION trackagoat.store_profile(
	org_id uuid, tiktok_handle trackagoat.handle, fetched_at timestamptz, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	account jsonb := page -> 'account';
	account_id bigint := (account ->> 'id')::bigint;
	exact boolean := (page ->> 'exact')::boolean;
	seen record;
BEGIN
	-- of creators that were disabled because the account was gone, too
	PERFORM FROM trackagoat.creator k
	WHERE k.org_id = store_profile.org_id AND k.tiktok_handle = store_profile.tiktok_handle
		AND k.removed_at IS NULL AND (k.is_active OR k.disabled_reason = 'account_gone')
	ORDER BY k.id FOR NO KEY UPDATE;
	-- after a rename the account is the same: its history goes on
	PERFORM trackagoat.mend_history(k.id, k.org_id, k.previous_baseline_at + interval '1 microsecond')
	FROM trackagoat.creator k
	WHERE k.org_id = store_profile.org_id AND k.tiktok_handle = store_profile.tiktok_handle
		AND k.removed_at IS NULL AND (k.is_active OR k.disabled_reason = 'account_gone')
		AND k.tiktok_account_id IS NULL AND k.previous_account_id = account_id
		AND NOT EXISTS (SELECT FROM trackagoat.banned_handle b WHERE b.tiktok_handle = k.tiktok_handle);

	UPDATE trackagoat.creator c SET
		tiktok_account_id = coalesce(account_id, c.tiktok_account_id),
		tiktok_sec_uid = coalesce(account ->> 'sec_uid', c.tiktok_sec_uid),
		display_name = coalesce(account ->> 'display_name', c.display_name),
		bio = coalesce(account ->> 'bio', c.bio),
		avatar_url = coalesce(account ->> 'avatar_url', c.avatar_url),
		is_verified = coalesce((account ->> 'verified')::boolean, c.is_verified),
		is_private = coalesce((account ->> 'private')::boolean, c.is_private),
		last_scraped_at = greatest(c.last_scraped_at, fetched_at),
		baseline_at = CASE WHEN c.previous_account_id = account_id THEN c.previous_baseline_at ELSE c.baseline_at END,
		previous_account_id = CASE WHEN account_id IS NULL THEN c.previous_account_id END,
		previous_baseline_at = CASE WHEN account_id IS NULL THEN c.previous_baseline_at END,
		other_account_id = NULL,
		gone_days = 0,
		gone_on = NULL,
		disabled_at = CASE WHEN c.disabled_reason = 'account_gone' THEN NULL ELSE c.disabled_at END
	WHERE c.org_id = store_profile.org_id AND c.tiktok_handle = store_profile.tiktok_handle
		AND c.removed_at IS NULL AND (c.is_active OR c.disabled_reason = 'account_gone')
		AND coalesce(c.tiktok_account_id = account_id, true)
		AND NOT EXISTS (SELECT FROM trackagoat.banned_handle b WHERE b.tiktok_handle = c.tiktok_handle);
	PERFORM trackagoat.note_other_account(org_id, tiktok_handle, account_id);

	-- the page is of the handle of now, even where that is younger than the second
	SELECT array_agg(c.id) AS ids, array_agg(greatest(fetched_at, c.baseline_at)) AS times,
		array_agg(trackagoat.settled_count((account ->> 'follower_count')::bigint, c.follower_count, exact)) AS followers,
		array_agg(trackagoat.settled_count((account ->> 'following_count')::bigint, c.following_count, exact)) AS followings,
		array_agg(trackagoat.settled_count((account ->> 'total_likes_count')::bigint, c.total_likes_count, exact)) AS likes,
		array_agg(trackagoat.settled_count((account ->> 'video_count')::bigint, c.video_count, exact)) AS videos
	INTO seen FROM trackagoat.creator c
	WHERE c.org_id = store_profile.org_id AND c.tiktok_handle = store_profile.tiktok_handle
		AND c.removed_at IS NULL AND c.is_active AND coalesce(c.tiktok_account_id = account_id, true);
	IF seen.ids IS NULL THEN
		RETURN 'account_changed';
	END IF;

	PERFORM trackagoat.observe_creators(seen.ids, seen.times, seen.followers, seen.followings, seen.likes, seen.videos,
		page ->> 'source', exact, org_id);
	RETURN 'ok';
END
$$;

CREATE TYPE trackagoat.page_video AS (
	tiktok_video_id bigint, tiktok_handle trackagoat.handle, title text, posted_at timestamptz, kind text,
	view_count bigint, like_count bigint, comment_count bigint, share_count bigint, save_count bigint,
	duration bigint, thumbnail_url text, is_ad boolean, hashtags text[]);

COMMENT ON TYPE trackagoat.page_video IS 'a video as a page shows it; NULL is what it does not show';

CREATE FUNCTION trackagoat.page_videos(page jsonb) RETURNS trackagoat.page_video[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN ARRAY(SELECT DISTINCT ON (v.tiktok_video_id) v
		FROM jsonb_populate_recordset(NULL::trackagoat.page_video, page -> 'videos') v ORDER BY v.tiktok_video_id);
END
$$;

COMMENT ON FUNCTION trackagoat.page_videos(jsonb) IS 'the videos of a page as read_page() answers them, each once';

CREATE FUNCTION trackagoat.page_video_ids(page jsonb) RETURNS bigint[]
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN ARRAY(SELECT (v.item ->> 'tiktok_video_id')::bigint FROM jsonb_array_elements(page -> 'videos') v (item));
END
$$;

COMMENT ON FUNCTION trackagoat.page_video_ids(jsonb) IS 'the ids of the videos of a page';

CREATE FUNCTION trackagoat.page_serves_videos(page jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN page ->> 'source' <> 'embed_profile';

COMMENT ON FUNCTION trackagoat.page_serves_videos(jsonb) IS
	'whether what a page shows of videos is as good as if each had been fetched by itself; the embedded list shows but views';

CREATE FUNCTION trackagoat.store_new_videos(
	org_id uuid, tiktok_handle trackagoat.handle, account_id bigint, fetched_at timestamptz, is_served boolean,
	videos trackagoat.page_video[]) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.store_new_videos(uuid, trackagoat.handle, bigint, timestamptz, boolean, trackagoat.page_video[]) IS
	'bring in what a creator has posted since its tracking start, with jobs that wait for an interval where the page has served them; the tracking mode decides the status; answers how many were new';

CREATE FUNCTION trackagoat.store_videos(
	org_id uuid, fetched_at timestamptz, source text, exact boolean, videos trackagoat.page_video[]) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	tiktok_video_ids bigint[] := ARRAY(SELECT p.tiktok_video_id FROM unnest(videos) p);
	seen record;
	stored integer;
BEGIN
	WITH known AS (
		SELECT v.id, v.org_id, v.project_id, v.creator_id, v.tiktok_video_id, v.tiktok_handle, v.kind, v.title, v.posted_at,
			v.duration, v.thumbnail_url, v.hashtags, v.is_ad,
			v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count
		FROM trackagoat.video v
		WHERE v.org_id = store_videos.org_id AND v.tiktok_video_id = ANY (tiktok_video_ids)
		ORDER BY v.id FOR NO KEY UPDATE
	), facts AS MATERIALIZED (
		SELECT k.id, n.* FROM unnest(videos) p JOIN known k USING (tiktok_video_id)
		CROSS JOIN LATERAL (SELECT coalesce(p.tiktok_handle, k.tiktok_handle) AS tiktok_handle, p.kind,
			coalesce(p.title, k.title) AS title,
			coalesce(p.posted_at, k.posted_at, trackagoat.video_id_time(k.tiktok_video_id)) AS posted_at,
			coalesce(least(p.duration, 2147483647)::integer, k.duration) AS duration,
			coalesce(p.thumbnail_url, k.thumbnail_url) AS thumbnail_url,
			coalesce(nullif(p.hashtags, '{}'), k.hashtags) AS hashtags,
			coalesce(p.is_ad, k.is_ad) AS is_ad,
			coalesce(k.creator_id, (SELECT c.id FROM trackagoat.creator c
				WHERE c.project_id = k.project_id AND c.org_id = k.org_id
					AND c.tiktok_handle = p.tiktok_handle AND c.removed_at IS NULL)) AS creator_id OFFSET 0) n
		-- a handle in another case is another text
		WHERE (n.tiktok_handle::text, n.kind, n.title, n.posted_at, n.duration, n.thumbnail_url, n.hashtags, n.is_ad, n.creator_id)
			IS DISTINCT FROM (k.tiktok_handle::text, k.kind, k.title, k.posted_at, k.duration, k.thumbnail_url, k.hashtags, k.is_ad, k.creator_id)
	), changed AS (
		UPDATE trackagoat.video v SET tiktok_handle = f.tiktok_handle, kind = f.kind, title = f.title, posted_at = f.posted_at,
			duration = f.duration, thumbnail_url = f.thumbnail_url, hashtags = f.hashtags, is_ad = f.is_ad, creator_id = f.creator_id
		FROM facts f WHERE v.id = f.id AND v.org_id = store_videos.org_id
	)
	SELECT array_agg(k.id) AS ids, array_agg(fetched_at) AS times,
		array_agg(trackagoat.settled_count(p.view_count, k.view_count, exact)) AS views,
		array_agg(trackagoat.settled_count(p.like_count, k.like_count, exact)) AS likes,
		array_agg(trackagoat.settled_count(p.comment_count, k.comment_count, exact)) AS comments,
		array_agg(trackagoat.settled_count(p.share_count, k.share_count, exact)) AS shares,
		array_agg(trackagoat.settled_count(p.save_count, k.save_count, exact)) AS saves
	INTO seen
	FROM unnest(videos) p JOIN known k USING (tiktok_video_id);
	IF seen.ids IS NULL THEN
		RETURN 0;
	END IF;

	stored := trackagoat.observe_videos(seen.ids, seen.times, seen.views, seen.likes, seen.comments,
		seen.shares, seen.saves, source, exact, org_id);
	PERFORM trackagoat.expire_videos(seen.ids, org_id, fetched_at);
	RETURN stored;
END
$$;

COMMENT ON FUNCTION trackagoat.store_videos(uuid, timestamptz, text, boolean, trackagoat.page_video[]) IS
	'store what a page says of the organization''s videos; answers how many points were stored';

CREATE FUNCTION trackagoat.page_would_serve(tiktok_handle trackagoat.handle, before timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT count(*) >= 3
		FROM (SELECT v.tiktok_video_id FROM trackagoat.creator c
			JOIN trackagoat.video v ON v.creator_id = c.id AND v.org_id = c.org_id
			WHERE c.tiktok_handle = page_would_serve.tiktok_handle AND c.removed_at IS NULL AND c.is_active
				AND v.posted_at < before
				AND trackagoat.video_is_fetched(v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at)
			ORDER BY v.posted_at DESC LIMIT 15) n
		JOIN trackagoat.scrape_job j ON j.kind = 'video_stats' AND j.tiktok_handle IS NULL AND j.tiktok_video_id = n.tiktok_video_id
		WHERE j.leased_until IS NULL AND coalesce(j.due_at, j.next_at) <= now() + interval '1 hour');
END
$$;

COMMENT ON FUNCTION trackagoat.page_would_serve(trackagoat.handle, timestamptz) IS
	'whether the page of an account''s videos from before a time is worth a request: it serves three that are due or soon will be';

CREATE OR REPLACE FUNCTION trackagoat.advance_listing(job_id uuid, every interval, page jsonb, is_partly_stored boolean) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job record;
	stop_at timestamptz;
	asked bigint;
	newest timestamptz;
	next_cursor bigint := (page #>> '{next,cursor}')::bigint;
	has_more boolean := (page #>> '{next,has_more}')::boolean;
	is_empty boolean;
	gives_up boolean;
	is_done boolean;
	is_behind boolean;
BEGIN
	SELECT j.* INTO job FROM trackagoat.scrape_job j WHERE j.id = job_id;
	job.list_started_at := coalesce(job.list_started_at, job.leased_at);
	asked := coalesce(job.list_cursor, trunc(extract(epoch FROM job.list_started_at) * 1000)::bigint);

	-- what follows must be older, but for the item that two pages share
	SELECT max((v.item ->> 'posted_at')::timestamptz) INTO newest
	FROM jsonb_array_elements(page -> 'videos') v (item)
	WHERE NOT coalesce((v.item ->> 'is_pinned')::boolean, false);
	IF job.list_cursor IS NOT NULL AND newest > to_timestamp(asked / 1000.0) + interval '1 second' THEN
		RETURN 'repeated_page';
	END IF;
	is_empty := next_cursor IS NULL OR (job.list_cursor IS NOT NULL AND next_cursor >= asked);

	-- a creator whom an earlier listing covers only wants what came since
	SELECT min(greatest(c.tracking_start_date::timestamp AT TIME ZONE o.timezone,
			CASE WHEN c.listing_wanted_at < job.listed_at THEN job.listed_at - interval '1 day' END)),
		coalesce(bool_or(c.listing_wanted_at >= job.list_started_at), false)
	INTO stop_at, is_behind
	FROM trackagoat.creator c JOIN trackagoat.organization o ON o.id = c.org_id
	WHERE c.tiktok_handle = job.tiktok_handle AND c.removed_at IS NULL AND c.is_active;

	-- an empty page is not the end: step back a week, but not for ever where nothing says that there is more
	gives_up := is_empty AND has_more IS NULL AND job.list_empty_pages >= 4;
	IF is_empty THEN
		next_cursor := asked - 604800000;
	END IF;
	is_done := gives_up OR has_more IS FALSE
		OR (to_timestamp(next_cursor / 1000.0) < greatest(stop_at, '2016-09-01 00:00+00')
			AND NOT trackagoat.page_would_serve(job.tiktok_handle, to_timestamp(next_cursor / 1000.0)));

	UPDATE trackagoat.scrape_job j SET
		list_cursor = CASE WHEN NOT is_done THEN next_cursor END,
		list_started_at = CASE WHEN NOT is_done THEN job.list_started_at END,
		list_empty_pages = CASE WHEN is_empty AND NOT is_done THEN j.list_empty_pages + 1 ELSE 0 END,
		list_has_gaps = NOT is_done AND (j.list_has_gaps OR is_partly_stored),
		-- a listing that ended early, or that not everybody could store, covers nobody
		listed_at = CASE WHEN is_done AND NOT gives_up AND NOT j.list_has_gaps AND NOT is_partly_stored
			THEN job.list_started_at ELSE j.listed_at END,
		-- whoever came while it was under way has not seen its first pages
		due_at = CASE WHEN NOT is_done OR is_behind THEN clock_timestamp()
			WHEN j.due_at > j.leased_at THEN j.due_at END,
		next_at = CASE WHEN is_done THEN trackagoat.scrape_slot(j.kind, j.tiktok_handle, NULL, every, job.list_started_at + every / 2) ELSE j.next_at END
	WHERE j.id = job_id;
	RETURN CASE WHEN is_partly_stored THEN 'partly_stored' ELSE 'ok' END;
END
$$;

CREATE FUNCTION trackagoat.note_gone(tiktok_handle trackagoat.handle, at timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	today date := (at AT TIME ZONE 'UTC')::date;
	noted integer;
BEGIN
	-- a row that somebody holds is noted another day; a day on which the host answered nothing is no gap
	UPDATE trackagoat.creator c SET gone_days = g.days, gone_on = today,
		disabled_at = CASE WHEN g.days >= 5 THEN at END,
		disabled_reason = CASE WHEN g.days >= 5 THEN 'account_gone' END
	FROM (SELECT k.id, k.org_id, CASE WHEN k.gone_on >= today - 2 THEN k.gone_days + 1 ELSE 1 END AS days
		FROM trackagoat.creator k
		WHERE k.tiktok_handle = note_gone.tiktok_handle AND k.removed_at IS NULL AND k.is_active
			AND coalesce(k.gone_on < today, true)
		ORDER BY k.org_id, k.id FOR NO KEY UPDATE SKIP LOCKED) g
	WHERE c.id = g.id AND c.org_id = g.org_id;
	GET DIAGNOSTICS noted = ROW_COUNT;
	RETURN noted;
END
$$;

COMMENT ON FUNCTION trackagoat.note_gone(trackagoat.handle, timestamptz) IS
	'an account was reported gone: on the fifth day since it was last seen its creators are disabled; answers how many were noted';

CREATE FUNCTION trackagoat.note_seen(tiktok_handle trackagoat.handle) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	gone uuid[] := ARRAY(SELECT k.id FROM trackagoat.creator k
		WHERE k.tiktok_handle = note_seen.tiktok_handle AND k.removed_at IS NULL AND k.is_active AND k.gone_days > 0
		ORDER BY k.org_id, k.id FOR NO KEY UPDATE SKIP LOCKED);
BEGIN
	IF gone <> '{}' THEN
		UPDATE trackagoat.creator c SET gone_days = 0, gone_on = NULL
		WHERE c.id = ANY (gone) AND c.tiktok_handle = note_seen.tiktok_handle;
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.note_seen(trackagoat.handle) IS 'an account is there, if private: it is not counted as gone any more';

CREATE FUNCTION trackagoat.note_sec_uid(tiktok_handle trackagoat.handle, sec_uid text) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	-- who has locked it wants it renewed, and the profile fetched once more
	UPDATE trackagoat.scrape_job j SET sec_uid = note_sec_uid.sec_uid, source_place = 1
	WHERE j.id = (SELECT d.id FROM trackagoat.scrape_job d
		WHERE d.kind = 'discover_videos' AND d.tiktok_handle = note_sec_uid.tiktok_handle
			AND d.sec_uid IS DISTINCT FROM note_sec_uid.sec_uid
		FOR NO KEY UPDATE SKIP LOCKED);
END
$$;

COMMENT ON FUNCTION trackagoat.note_sec_uid(trackagoat.handle, text) IS 'a page has shown an account''s secUid: the list of its videos can be asked for';

CREATE FUNCTION trackagoat.schedule_scrape(job record, source text, page jsonb, is_partly_stored boolean) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	every interval;
BEGIN
	-- if nobody wants it any more, it is soon claimed again and deleted
	SELECT coalesce(min(t.every), '0') INTO every
	FROM trackagoat.scrape_targets(job.kind, job.tiktok_handle, job.tiktok_video_id, job.link) t;
	IF source = 'item_list' THEN
		RETURN trackagoat.advance_listing(job.id, every, page, is_partly_stored);
	END IF;
	UPDATE trackagoat.scrape_job j SET due_at = CASE WHEN j.due_at > j.leased_at THEN j.due_at END,
		next_at = trackagoat.scrape_slot(j.kind, j.tiktok_handle, j.tiktok_video_id, every, clock_timestamp() + every / 2)
	WHERE j.id = job.id;
	IF job.kind IN ('creator_profile', 'video_stats') AND page #>> '{account,sec_uid}' IS NOT NULL THEN
		PERFORM trackagoat.note_sec_uid(coalesce(job.tiktok_handle, trackagoat.handle_or_null(page #>> '{account,tiktok_handle}')),
			page #>> '{account,sec_uid}');
	ELSIF job.kind = 'creator_profile' THEN
		-- the embedded page shows none, nor needs one for the latest videos
		UPDATE trackagoat.scrape_job j SET source_place = 2
		WHERE j.kind = 'discover_videos' AND j.tiktok_handle = job.tiktok_handle AND j.awaits_profile;
	ELSIF job.kind = 'discover_videos' THEN
		-- what it shows for the first time needs a request of its own, and soon
		UPDATE trackagoat.scrape_job j SET next_at = clock_timestamp()
		WHERE j.id IN (SELECT k.id FROM unnest(trackagoat.page_video_ids(page)) v (id)
			JOIN trackagoat.scrape_job k ON k.kind = 'video_stats' AND k.tiktok_handle IS NULL AND k.tiktok_video_id = v.id
			WHERE k.due_at IS NULL AND k.last_success_at IS NULL AND k.dead_at IS NULL
			FOR NO KEY UPDATE OF k SKIP LOCKED);
	END IF;
	RETURN CASE WHEN is_partly_stored THEN 'partly_stored' ELSE 'ok' END;
END
$$;

COMMENT ON FUNCTION trackagoat.schedule_scrape(record, text, jsonb, boolean) IS
	'after a page was stored: when the job is next due, and what follows for the list of an account; answers the outcome: ok, partly_stored or repeated_page';

CREATE FUNCTION trackagoat.retry_scrape(
	job record, source text, rule record, detail text, retry_after interval) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	times integer;
	asked bigint := 1;
	next_place smallint;
	again timestamptz;
BEGIN
	-- counted with the job, as attempts are not kept for ever
	UPDATE trackagoat.scrape_job j SET failures = coalesce(j.failures, '{}') || jsonb_build_object(rule.outcome, n.times)
	FROM (SELECT coalesce((job.failures ->> rule.outcome)::integer, 0) + 1 AS times) n
	WHERE j.id = job.id
	RETURNING n.times INTO times;
	IF times >= rule.dead_after THEN
		UPDATE trackagoat.scrape_job j SET dead_at = clock_timestamp(), due_at = NULL, next_at = NULL,
			dead_reason = concat_ws(': ', rule.outcome, detail)
		WHERE j.id = job.id AND coalesce(j.due_at <= j.leased_at, true);
		IF FOUND THEN
			RAISE LOG 'trackagoat: gave up % of %: %', job.kind,
				coalesce('@' || job.tiktok_handle::text, job.tiktok_video_id::text, job.link), rule.outcome;
			RETURN NULL;
		END IF;
	END IF;

	IF rule.tries_other_source THEN
		-- none where the claim would choose an earlier one, as the later ones are avoided
		SELECT (SELECT count(*) FROM trackagoat.scrape_source o WHERE o.kind = s.kind AND o.place <= s.place),
			(SELECT o.place FROM trackagoat.scrape_source o WHERE o.kind = s.kind AND o.place > s.place
				AND o.source = trackagoat.choose_source(s.kind, s.place + 1, job.sec_uid IS NOT NULL))
		INTO asked, next_place
		FROM trackagoat.scrape_source s WHERE s.kind = job.kind AND s.source = retry_scrape.source;
	END IF;
	IF next_place IS NOT NULL THEN
		again := clock_timestamp() + coalesce(greatest(rule.host_pause, retry_after), '0');
	ELSE
		-- a round is an attempt at each source
		again := clock_timestamp() + greatest(retry_after, least(rule.retry_limit,
			rule.retry_after * 2 ^ least(greatest(job.attempts / coalesce(asked, 1) - 1, 0), 20))) * (1 + random() / 5);
	END IF;
	-- a person's request that came meanwhile does not wait
	UPDATE trackagoat.scrape_job j SET due_at = CASE WHEN j.due_at > j.leased_at THEN j.due_at ELSE again END,
		source_place = CASE WHEN rule.tries_other_source THEN coalesce(next_place, 1) ELSE j.source_place END
	WHERE j.id = job.id
	RETURNING j.due_at INTO again;
	RETURN again;
END
$$;

COMMENT ON FUNCTION trackagoat.retry_scrape(record, text, record, text, interval) IS
	'after an attempt that failed: go on with the next source, or try again later, or give up; answers when the job is due again, NULL for never';

CREATE FUNCTION trackagoat.note_host(
	host text, started_at timestamptz, rule record, is_answer boolean, retry_after interval) RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	paused_until timestamptz;
	is_opening boolean;
	is_closing boolean;
BEGIN
	IF rule.host_pause IS NULL THEN
		-- a request from before it opened tells nothing of now; one that nobody answered tells nothing at all
		UPDATE trackagoat.scrape_host h SET probe_until = NULL,
			failures = CASE WHEN is_answer THEN 0 ELSE h.failures END,
			openings = CASE WHEN is_answer THEN 0 ELSE h.openings END,
			opened_at = CASE WHEN NOT is_answer THEN h.opened_at END,
			open_until = CASE WHEN NOT is_answer THEN h.open_until END
		FROM (SELECT o.opened_at FROM trackagoat.scrape_host o WHERE o.host = note_host.host FOR NO KEY UPDATE) o
		WHERE h.host = note_host.host AND (h.failures > 0 OR h.opened_at IS NOT NULL) AND coalesce(started_at >= h.opened_at, true)
		RETURNING o.opened_at IS NOT NULL AND h.opened_at IS NULL INTO is_closing;
		IF is_closing THEN
			RAISE LOG 'trackagoat: % answers again', host;
		END IF;
		RETURN NULL;
	END IF;

	INSERT INTO trackagoat.scrape_host AS h (host, failures, last_failure, failed_at)
	VALUES (host, 1, rule.outcome, clock_timestamp())
	ON CONFLICT ON CONSTRAINT scrape_host_pkey DO UPDATE SET
		failures = h.failures + 1, last_failure = excluded.last_failure, failed_at = excluded.failed_at;
	UPDATE trackagoat.scrape_host h SET
		open_until = greatest(h.open_until, clock_timestamp()
			+ greatest(retry_after, least(rule.host_pause * 2 ^ least(w.openings, 20), greatest(rule.host_pause, interval '1 day')))),
		openings = w.openings + 1, opened_at = CASE WHEN w.is_new THEN clock_timestamp() ELSE h.opened_at END,
		probe_until = CASE WHEN NOT w.is_new THEN h.probe_until END
	-- what was in flight when it opened does not count as another time
	FROM (SELECT n.is_new, o.openings - CASE WHEN n.is_new THEN 0 ELSE 1 END AS openings
		FROM trackagoat.scrape_host o, LATERAL (SELECT coalesce(started_at >= o.opened_at, true) AS is_new) n
		WHERE o.host = note_host.host) w
	-- a host that says for how long need not fail so often
	WHERE h.host = note_host.host AND (h.failures >= rule.host_pause_after OR h.opened_at IS NOT NULL OR retry_after > '0')
	RETURNING h.open_until, w.is_new INTO paused_until, is_opening;
	IF is_opening THEN
		RAISE LOG 'trackagoat: % is left alone until %: %', host, paused_until, rule.outcome;
	END IF;
	RETURN paused_until;
END
$$;

COMMENT ON FUNCTION trackagoat.note_host(text, timestamptz, record, boolean, interval) IS
	'what an attempt says of its host: opens its breaker, or closes it; answers until when the host is to be left alone, NULL where it is not';

CREATE FUNCTION trackagoat.note_target(job record, rule record) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF job.kind = 'creator_profile' AND rule.class = 'gone' THEN
		PERFORM trackagoat.note_gone(job.tiktok_handle, clock_timestamp());
	ELSIF job.tiktok_handle IS NOT NULL AND rule.class IN ('ok', 'private') THEN
		PERFORM trackagoat.note_seen(job.tiktok_handle);
	ELSIF job.kind = 'video_link' AND rule.class = 'gone' THEN
		UPDATE trackagoat.video_link l SET problem = 'dead_link' WHERE l.link = job.link AND l.problem IS NULL;
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.note_target(record, record) IS
	'what an attempt says of the account or link: gone, or there';

CREATE FUNCTION trackagoat.finish_scrape(
	attempt_id bigint, outcome text, http_status integer, body_bytes bigint, detail text,
	retry_after interval, page jsonb, curl_code integer DEFAULT NULL, milliseconds integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp
	-- a page's few rows are found by keys, even where the tables were empty when their sizes were last noted
	SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS
$$
#variable_conflict use_variable
DECLARE
	attempt record;
	job record;
	rule record;
	again timestamptz;
BEGIN
	SELECT j.* INTO job FROM trackagoat.scrape_job j
	WHERE j.id = (SELECT a.job_id FROM trackagoat.scrape_attempt a WHERE a.id = attempt_id) FOR NO KEY UPDATE;
	-- as whoever held the job has left it: one that was given back is no attempt of it any more
	SELECT a.* INTO attempt FROM trackagoat.scrape_attempt a WHERE a.id = attempt_id AND a.finished_at IS NULL;
	IF attempt.job_id IS NOT NULL AND outcome IN ('ok', 'partly_stored') THEN
		outcome := trackagoat.schedule_scrape(job, attempt.source, page, outcome = 'partly_stored');
	END IF;
	SELECT o.* INTO STRICT rule FROM trackagoat.scrape_outcome o WHERE o.outcome = finish_scrape.outcome;

	IF attempt.job_id IS NOT NULL THEN
		PERFORM trackagoat.note_target(job, rule);
		IF rule.class = 'ok' THEN
			PERFORM trackagoat.postpone_videos(page);
			UPDATE trackagoat.scrape_job j SET attempts = 0, failures = NULL, last_success_at = clock_timestamp(), last_outcome = outcome,
				leased_at = NULL, leased_until = NULL, leased_by = NULL,
				-- without a secUid the list has but one source
				source_place = CASE WHEN j.kind = 'discover_videos' AND j.sec_uid IS NULL THEN j.source_place ELSE 1 END,
				priority = CASE WHEN j.due_at > j.leased_at AND j.list_cursor IS NULL THEN j.priority ELSE 0 END
			WHERE j.id = job.id;
		ELSE
			IF NOT (outcome = 'partly_stored' AND attempt.source = 'item_list') THEN
				again := trackagoat.retry_scrape(job, attempt.source, rule, detail, retry_after);
			END IF;
			UPDATE trackagoat.scrape_job j SET last_outcome = outcome,
				leased_at = NULL, leased_until = NULL, leased_by = NULL
			WHERE j.id = job.id;
		END IF;
	END IF;
	IF attempt.id IS NOT NULL THEN
		IF rule.source_pause IS NOT NULL THEN
			UPDATE trackagoat.scrape_source s SET avoided_until = clock_timestamp() + rule.source_pause
			WHERE s.kind = attempt.kind AND s.source = attempt.source;
		END IF;
		UPDATE trackagoat.scrape_attempt a SET finished_at = clock_timestamp(), outcome = finish_scrape.outcome,
			http_status = finish_scrape.http_status, curl_code = finish_scrape.curl_code, body_bytes = finish_scrape.body_bytes,
			milliseconds = finish_scrape.milliseconds, detail = finish_scrape.detail, next_attempt_at = again,
			host_paused_until = trackagoat.note_host(attempt.host, attempt.started_at, rule, finish_scrape.http_status IS NOT NULL, retry_after)
		WHERE a.id = attempt_id;
	END IF;
	RETURN outcome;
END
$$;

COMMENT ON FUNCTION trackagoat.finish_scrape(bigint, text, integer, bigint, text, interval, jsonb, integer, integer) IS
	'end an attempt: note its outcome, release the job, say when it is due again and whether the host is to be left alone; answers the final outcome';

CREATE OR REPLACE FUNCTION trackagoat.postpone_videos(page jsonb) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	video_ids bigint[] := trackagoat.page_video_ids(page);
	postponed integer;
BEGIN
	IF trackagoat.page_serves_videos(page) IS NOT TRUE THEN
		RETURN 0;
	END IF;
	-- those that this transaction has brought in wait already
	video_ids := ARRAY(SELECT j.tiktok_video_id FROM trackagoat.scrape_job j
		WHERE j.kind = 'video_stats' AND j.tiktok_handle IS NULL AND j.link IS NULL
			AND j.tiktok_video_id = ANY (video_ids)
			AND j.leased_until IS NULL AND (j.due_at IS NULL OR j.priority = 0) AND j.last_success_at IS DISTINCT FROM now()
		ORDER BY j.id FOR NO KEY UPDATE SKIP LOCKED);
	IF video_ids = '{}' THEN
		RETURN 0;
	END IF;
	-- as if each had been fetched by itself
	UPDATE trackagoat.scrape_job j SET next_at = v.next_at, due_at = NULL, attempts = 0, failures = NULL, source_place = 1,
		dead_at = NULL, dead_reason = NULL, last_success_at = now()
	FROM trackagoat.video_slots(video_ids, true) v
	WHERE j.kind = 'video_stats' AND j.tiktok_handle IS NULL AND j.link IS NULL AND j.tiktok_video_id = v.tiktok_video_id;
	GET DIAGNOSTICS postponed = ROW_COUNT;
	RETURN postponed;
END
$$;

COMMENT ON FUNCTION trackagoat.postpone_videos(jsonb) IS
	'a video whose counters came with a page need not be fetched by itself before its next slot; answers how many';

CREATE FUNCTION trackagoat.take_crash_marks() RETURNS SETOF bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE ROWS 1;

COMMENT ON FUNCTION trackagoat.take_crash_marks() IS
	'the attempts whose pages processes of this database were reading or storing when they ended, and not on request; each is answered once';

CREATE OR REPLACE FUNCTION trackagoat.release_scrapes() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	lost record;
	marks bigint[];
	released integer := 0;
BEGIN
	-- whoever has taken the marks must find their jobs, too
	IF NOT pg_try_advisory_xact_lock(hashtextextended('trackagoat.release_scrapes', 0)) THEN
		RETURN 0;
	END IF;
	-- of all that a process had in flight when it crashed, one is to blame
	marks := ARRAY(SELECT trackagoat.take_crash_marks());
	FOR lost IN
		SELECT j.id, (SELECT max(a.id) FROM trackagoat.scrape_attempt a
			WHERE a.job_id = j.id AND a.finished_at IS NULL) AS attempt_id
		FROM trackagoat.scrape_job j
		WHERE j.leased_until IS NOT NULL AND (j.leased_until < clock_timestamp()
			OR NOT EXISTS (SELECT FROM pg_stat_get_activity(j.leased_by)))
		FOR NO KEY UPDATE OF j SKIP LOCKED
	LOOP
		PERFORM trackagoat.finish_scrape(lost.attempt_id,
			CASE WHEN lost.attempt_id = ANY (marks) THEN 'crashed' ELSE 'interrupted' END, NULL, NULL, NULL, NULL, NULL);
		-- even where the attempt's row is gone
		UPDATE trackagoat.scrape_job j SET leased_at = NULL, leased_until = NULL, leased_by = NULL
		WHERE j.id = lost.id AND j.leased_until IS NOT NULL;
		released := released + 1;
	END LOOP;
	RETURN released;
END
$$;

CREATE OR REPLACE FUNCTION trackagoat.tables_are_ready() RETURNS boolean
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT max(v.version) FROM trackagoat.setup_version v) = trackagoat.tables_version()
		-- a restore makes these last, when all rows are there
		AND (SELECT count(*) FROM pg_constraint c
			WHERE c.connamespace = 'trackagoat'::regnamespace AND c.contype = 'f'
				AND c.conname IN ('scrape_attempt_job_fkey', 'scrape_job_last_outcome_fkey', 'creator_history_creator_fkey',
					'video_history_video_fkey', 'video_creator_fkey', 'video_project_fkey')) = 6
		AND (SELECT count(*) FROM pg_trigger t
			WHERE t.tgrelid IN ('trackagoat.creator'::regclass, 'trackagoat.video'::regclass, 'trackagoat.scrape_job'::regclass)
				AND t.tgname IN ('creator_scrape', 'video_scrape', 'scrape_job_wake', 'video_totals')) = 4
		-- the worker acts as their owner: another's triggers would run with rights that are not his
		AND (SELECT count(DISTINCT c.relowner) FROM pg_class c
			WHERE c.relnamespace = 'trackagoat'::regnamespace
				AND c.relname IN ('setup_version', 'organization', 'creator', 'creator_history', 'video',
					'video_history', 'creator_event', 'creator_event_kind', 'banned_handle', 'deleted_video', 'video_link', 'plan', 'manual_scrape', 'goal', 'notification', 'total', 'total_month', 'total_difference', 'observation_source', 'scrape_outcome', 'scrape_source', 'scrape_host', 'scrape_job', 'scrape_request', 'scrape_attempt', 'retention_walk', 'member', 'api_key', 'api_login', 'api_usage', 'api_replay')) = 1;
END
$$;

CREATE FUNCTION trackagoat.analyze_grown() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp
	-- a sample of 900 rows will do, and takes little memory
	SET default_statistics_target = 3
	-- a table that somebody holds is looked at another time
	SET lock_timeout = '10ms'
AS
$$
DECLARE
	small record;
	pages bigint;
	analyzed integer := 0;
BEGIN
	IF NOT pg_try_advisory_xact_lock(hashtextextended('trackagoat.analyze_grown', 0)) THEN
		RETURN 0;
	END IF;
	-- of a table that was empty, plans take whatever index, and keep to it; the larger ones autovacuum sees in time
	FOR small IN SELECT c.oid::regclass AS name, c.relpages FROM pg_class c
		WHERE c.relnamespace = 'trackagoat'::regnamespace AND c.relkind = 'r' AND c.relpages < 4096
			AND c.relowner = current_user::regrole
	LOOP
		BEGIN
			pages := pg_relation_size(small.name) / current_setting('block_size')::integer;
			IF pages > 2 * greatest(small.relpages, 2) AND pages < 8192 THEN
				-- ANALYZE (SKIP_LOCKED) would tell the server's log
				EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE NOWAIT', small.name);
				EXECUTE format('ANALYZE %s', small.name);
				analyzed := analyzed + 1;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			-- autovacuum says what is wrong with a table; the others are analyzed all the same
			NULL;
		END;
	END LOOP;
	RETURN analyzed;
END
$$;

COMMENT ON FUNCTION trackagoat.analyze_grown() IS
	'analyze the tables that have doubled since they were last, up to some 64 MB, so that pages are stored by plans for what is there now; answers how many';

CREATE FUNCTION trackagoat.worker_status()
	RETURNS TABLE (database name, pid integer, state text, started_at timestamptz, active_at timestamptz,
		in_flight integer, requests bigint, failures bigint, paused_until timestamptz,
		memory bigint, last_error_at timestamptz, last_error text)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT ROWS 1;

COMMENT ON FUNCTION trackagoat.worker_status() IS
	'the workers of this server, a row for each that trackagoat.database and trackagoat.workers ask for; none where the library is not preloaded';

CREATE FUNCTION trackagoat.shown_from(days bigint, today date) RETURNS date
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- what goes back further than the calendar is for ever
	RETURN today - CASE WHEN days < 700000 THEN days::integer END;

COMMENT ON FUNCTION trackagoat.shown_from(bigint, date) IS
	'from which day on a plan shows what went on, by its stats_history_retention_days; NULL for all days';

CREATE FUNCTION trackagoat.retention_windows(at timestamptz DEFAULT now())
	RETURNS TABLE (project_id uuid, org_id uuid, kept_from timestamptz)
	LANGUAGE sql STABLE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	-- a goal looks at a month until two days after it, expiry at as many days as it says;
	-- from a Monday on, so that no history is cut more than once a week
	SELECT p.id, p.org_id, date_trunc('week', (least(s.first_day, s.today - 33, s.today - p.expiry_days) - 1)::timestamp) AT TIME ZONE o.timezone
	FROM (SELECT DISTINCT n.plan FROM trackagoat.organization n WHERE n.plan IS NOT NULL) k
	CROSS JOIN LATERAL (SELECT trackagoat.plan_limit(k.plan, 'stats_history_retention_days') AS max OFFSET 0) l
	JOIN trackagoat.organization o ON o.plan = k.plan
	CROSS JOIN LATERAL (SELECT d.today, trackagoat.shown_from(l.max, d.today) AS first_day
		FROM (VALUES ((retention_windows.at AT TIME ZONE o.timezone)::date)) d (today)) s
	JOIN trackagoat.project p ON p.org_id = o.id
	WHERE s.first_day IS NOT NULL
$$;

COMMENT ON FUNCTION trackagoat.retention_windows(timestamptz) IS
	'from when on prune() keeps the history of each project whose plan has a window, stats_history_retention_days; a project without a row keeps all of it';

CREATE FUNCTION trackagoat.prune_histories(
	entity text, ids uuid[], org_ids uuid[], kept_from timestamptz[], OUT points bigint, OUT rows bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT SET search_path = pg_catalog, trackagoat, pg_temp;

COMMENT ON FUNCTION trackagoat.prune_histories(text, uuid[], uuid[], timestamptz[]) IS
	'remove the points of histories before a time each, but for the last, which then says all that was known; passes over entities that somebody holds; answers how many points went, and how many rows held them';

CREATE FUNCTION trackagoat.prune_next_histories(entity text, max_rows integer, at timestamptz) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	slice_length CONSTANT integer := 200;
	started_at timestamptz;
	reached uuid;
	batch record;
	slice record;
	last integer;
	removed bigint := 0;
	touched bigint := 0;
BEGIN
	SELECT w.begun_at, w.after INTO started_at, reached FROM trackagoat.retention_walk w WHERE w.entity = prune_next_histories.entity;
	IF reached IS NULL THEN
		-- the last walk is over: another one after a day, or where it was of a time ahead, if there is anything that has a window
		PERFORM WHERE (started_at > prune_next_histories.at - interval '1 day' AND started_at <= prune_next_histories.at)
			OR NOT EXISTS (SELECT FROM trackagoat.retention_windows(prune_next_histories.at));
		IF FOUND THEN
			RETURN 0;
		END IF;
		started_at := prune_next_histories.at;
		reached := '00000000-0000-0000-0000-000000000000';
	END IF;

	-- the index has these keys: of what has no window, nothing else is read
	SELECT array_agg(q.id ORDER BY q.id) FILTER (WHERE q.kept_from IS NOT NULL) AS ids,
		array_agg(q.org_id ORDER BY q.id) FILTER (WHERE q.kept_from IS NOT NULL) AS org_ids,
		array_agg(q.kept_from ORDER BY q.id) FILTER (WHERE q.kept_from IS NOT NULL) AS kept_from,
		(array_agg(q.id ORDER BY q.id DESC))[1] AS last_id, count(*) >= max_rows AS goes_on
	INTO batch
	FROM (SELECT k.id, k.org_id, least(w.kept_from, m.starts_at) AS kept_from
		FROM ((SELECT c.id, c.project_id, c.org_id FROM trackagoat.creator c
				WHERE c.id > reached AND prune_next_histories.entity = 'creator'
				ORDER BY c.id FETCH FIRST (max_rows) ROWS WITH TIES)
			UNION ALL
			(SELECT v.id, v.project_id, v.org_id FROM trackagoat.video v
				WHERE v.id > reached AND prune_next_histories.entity = 'video'
				ORDER BY v.id FETCH FIRST (max_rows) ROWS WITH TIES)) k
		LEFT JOIN trackagoat.retention_windows(prune_next_histories.at) w ON w.project_id = k.project_id AND w.org_id = k.org_id
		-- a milestone looks at all followers since it began
		LEFT JOIN LATERAL (SELECT min(g.starts_on::timestamp AT TIME ZONE o.timezone) AS starts_at
			FROM trackagoat.goal g JOIN trackagoat.organization o ON o.id = g.org_id
			WHERE g.creator_id = k.id AND g.org_id = k.org_id AND g.period IS NULL
				AND prune_next_histories.entity = 'creator') m ON w.kept_from IS NOT NULL) q;

	reached := CASE WHEN batch.goes_on THEN coalesce(batch.last_id, reached) END;
	FOR place IN 1 .. coalesce(cardinality(batch.ids), 0) BY slice_length LOOP
		last := place + slice_length - 1;
		-- one broken history keeps no more than its neighbours
		BEGIN
			SELECT p.* INTO slice FROM trackagoat.prune_histories(entity, batch.ids[place : last], batch.org_ids[place : last],
				batch.kept_from[place : last]) p;
			removed := removed + slice.points;
			touched := touched + slice.rows;
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING 'trackagoat could not prune the histories of %s from % to %: %', entity, batch.ids[place],
				batch.ids[least(last, cardinality(batch.ids))], SQLERRM;
		END;
		IF touched >= max_rows AND last < cardinality(batch.ids) THEN
			reached := batch.ids[last];
			EXIT;
		END IF;
	END LOOP;
	INSERT INTO trackagoat.retention_walk AS w (entity, begun_at, after) VALUES (prune_next_histories.entity, started_at, reached)
	ON CONFLICT ON CONSTRAINT retention_walk_pkey DO UPDATE SET begun_at = excluded.begun_at, after = excluded.after;
	RETURN removed;
END
$$;

COMMENT ON FUNCTION trackagoat.prune_next_histories(text, integer, timestamptz) IS
	'go on with the walk over all histories of creators or videos, or begin another one a day after the last; answers how many points went';

CREATE FUNCTION trackagoat.prune(max_rows integer DEFAULT 10000, at timestamptz DEFAULT now())
	RETURNS TABLE (what text, removed bigint)
	LANGUAGE plpgsql VOLATILE STRICT ROWS 8 SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	entity text;
BEGIN
	PERFORM trackagoat.check_owner('prune');
	-- one session at a time
	IF NOT pg_try_advisory_xact_lock(hashtextextended('trackagoat.prune', 0)) THEN
		RETURN;
	END IF;

	what := 'scrape_attempt';
	DELETE FROM trackagoat.scrape_attempt a WHERE a.id IN (SELECT o.id FROM trackagoat.scrape_attempt o
		WHERE o.started_at < prune.at - trackagoat.attempt_retention()
		ORDER BY o.started_at LIMIT max_rows FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	-- of what nobody tracks any more; other jobs are claimed, and go then
	what := 'scrape_job';
	DELETE FROM trackagoat.scrape_job j WHERE j.id IN (SELECT o.id FROM trackagoat.scrape_job o
		WHERE o.dead_at < prune.at - trackagoat.attempt_retention()
			AND NOT EXISTS (SELECT FROM trackagoat.scrape_targets(o.kind, o.tiktok_handle, o.tiktok_video_id, o.link))
		ORDER BY o.dead_at LIMIT max_rows FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	what := 'creator_event';
	DELETE FROM trackagoat.creator_event e USING (SELECT o.id, o.org_id
		FROM trackagoat.retention_windows(prune.at) w CROSS JOIN LATERAL (SELECT l.id, l.org_id FROM trackagoat.creator_event l
			WHERE l.project_id = w.project_id AND l.org_id = w.org_id AND l.created_at < w.kept_from
			ORDER BY l.created_at LIMIT max_rows FOR UPDATE SKIP LOCKED) o LIMIT max_rows) d
	WHERE e.id = d.id AND e.org_id = d.org_id;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	what := 'notification';
	DELETE FROM trackagoat.notification n USING (SELECT o.id, o.org_id
		FROM trackagoat.retention_windows(prune.at) w CROSS JOIN LATERAL (SELECT l.id, l.org_id FROM trackagoat.notification l
			WHERE l.project_id = w.project_id AND l.org_id = w.org_id AND l.created_at < w.kept_from
			ORDER BY l.created_at LIMIT max_rows FOR UPDATE SKIP LOCKED) o LIMIT max_rows) d
	WHERE n.id = d.id AND n.org_id = d.org_id;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	-- as long as find_replay() gives them again
	what := 'api_replay';
	DELETE FROM trackagoat.api_replay a USING (SELECT o.key_id, o.idempotency_key, o.org_id FROM trackagoat.api_replay o
		WHERE o.created_at < prune.at - interval '24 hours'
		ORDER BY o.created_at LIMIT max_rows FOR UPDATE SKIP LOCKED) d
	WHERE a.key_id = d.key_id AND a.idempotency_key = d.idempotency_key AND a.org_id = d.org_id;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	-- a month, to look back on
	what := 'api_usage';
	DELETE FROM trackagoat.api_usage u USING (SELECT o.org_id, o.day FROM trackagoat.api_usage o
		WHERE o.day < (prune.at AT TIME ZONE 'UTC')::date - 35
		LIMIT max_rows FOR UPDATE SKIP LOCKED) d
	WHERE u.org_id = d.org_id AND u.day = d.day;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN NEXT;

	FOREACH entity IN ARRAY ARRAY['creator', 'video'] LOOP
		what := entity || '_history';
		removed := trackagoat.prune_next_histories(entity, max_rows, prune.at);
		RETURN NEXT;
	END LOOP;
END
$$;

COMMENT ON FUNCTION trackagoat.prune(integer, timestamptz) IS
	'remove a piece of what plans and settings keep no longer, at most so many rows of each kind, and wait for nobody; answers how much of what went: rows, of histories points; no row while another session is at it; what pg_cron calls, as the owner of the tables';

CREATE FUNCTION trackagoat.cron_jobs() RETURNS TABLE (place integer, name text, schedule text, command text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 3 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	SELECT * FROM (VALUES (1, 'trackagoat ' || current_database(), '* * * * *', 'SELECT trackagoat.enqueue_due()'),
		(2, 'trackagoat-goals ' || current_database(), '*/5 * * * *', 'SELECT trackagoat.evaluate_goals()'),
		(3, 'trackagoat-prune ' || current_database(), '*/10 * * * *', 'SELECT trackagoat.prune()')) j
$$;

COMMENT ON FUNCTION trackagoat.cron_jobs() IS 'what pg_cron is to do for this database';

CREATE OR REPLACE FUNCTION trackagoat.schedule_scrapes() RETURNS bigint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	command text;
	job_id bigint;
BEGIN
	PERFORM trackagoat.check_owner('schedule scrapes');
	PERFORM FROM pg_roles r WHERE r.rolname = current_user AND r.rolcanlogin;
	IF NOT FOUND THEN
		RAISE NOTICE 'role "%" cannot log in, so pg_cron cannot run its jobs', current_user
			USING HINT = format('ALTER ROLE %I LOGIN;', current_user);
	END IF;
	SELECT trackagoat.cron_command(string_agg(format('schedule(%L, %L, %L)', j.name, j.schedule, j.command), ', cron.' ORDER BY j.place))
	INTO command FROM trackagoat.cron_jobs() j;
	IF command IS NULL THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'pg_cron_missing',
			DETAIL = format('Database "%s" has no extension pg_cron.', current_database()),
			HINT = (SELECT format('CREATE EXTENSION pg_cron, or as a superuser in the database that has it: SELECT %s;',
				string_agg(format('cron.schedule_in_database(%L, %L, %L, %L, %L)', j.name, j.schedule, j.command,
					current_database(), current_user), ', ' ORDER BY j.place)) FROM trackagoat.cron_jobs() j);
	END IF;
	EXECUTE command INTO job_id;
	RETURN job_id;
END
$$;

COMMENT ON FUNCTION trackagoat.schedule_scrapes() IS
	'let pg_cron call enqueue_due() every minute, evaluate_goals() every five and prune() every ten; answers pg_cron''s id of the first job; again changes nothing; PT409 pg_cron_missing';

CREATE OR REPLACE FUNCTION trackagoat.unschedule_scrapes() RETURNS boolean
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	scheduled boolean := false;
BEGIN
	IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
		EXECUTE 'SELECT count(cron.unschedule(jobid)) > 0 FROM cron.job WHERE jobname = ANY ($1)'
			INTO scheduled USING ARRAY(SELECT j.name FROM trackagoat.cron_jobs() j);
	END IF;
	RETURN scheduled;
END
$$;

COMMENT ON FUNCTION trackagoat.unschedule_scrapes() IS 'take the jobs out of pg_cron; answers whether they were there';

CREATE FUNCTION trackagoat.sign_in(key text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION trackagoat.sign_in(text) IS
	'the rest of the transaction is of the organization of this API key: PT401 invalid_api_key, PT429 rate_limit_exceeded';

CREATE FUNCTION trackagoat.sign_in_member(user_id text, org_id uuid DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION trackagoat.sign_in_member(text, uuid) IS
	'the rest of the transaction is of this member, whose token PostgREST has checked; its login roles alone may say so: PT401 invalid_token, PT403 not_a_member, PT400 organization_required';

CREATE FUNCTION trackagoat.sign_out() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION trackagoat.sign_out() IS 'the rest of the transaction is of whoever has logged in';

CREATE FUNCTION trackagoat.current_org() RETURNS uuid
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;

COMMENT ON FUNCTION trackagoat.current_org() IS
	'the organization that this transaction is of: of the API key or token that was checked, else of the member who has logged in with a role of his; NULL for nobody';

CREATE FUNCTION trackagoat.readable_org() RETURNS uuid
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;

COMMENT ON FUNCTION trackagoat.readable_org() IS 'the same for whoever has the scope read; row-level security asks it';

CREATE FUNCTION trackagoat.current_key() RETURNS uuid
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;

COMMENT ON FUNCTION trackagoat.current_key() IS 'the id of the API key that opened this transaction; NULL for members';

CREATE FUNCTION trackagoat.current_actor() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;

COMMENT ON FUNCTION trackagoat.current_actor() IS 'who acts: a member''s user_id, the id of an API key, or the database role that has logged in';

CREATE FUNCTION trackagoat.check_scope(scope text) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED STRICT;

COMMENT ON FUNCTION trackagoat.check_scope(text) IS
	'refuses whoever may not read, write, or is no admin: PT401 invalid_api_key, PT403 insufficient_scope with a JSON object {required, granted} as detail';

CREATE FUNCTION trackagoat.new_api_key() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION trackagoat.new_api_key() IS 'tga_ and 64 hexadecimal digits from the strong random source';

CREATE FUNCTION trackagoat.create_api_key(
	org_id uuid, name text, scopes text[] DEFAULT '{read,write}', expires_at timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	key text := trackagoat.new_api_key();
	unknown text;
BEGIN
	SELECT s.scope INTO unknown FROM unnest(scopes) s (scope) WHERE coalesce(s.scope NOT IN ('read', 'write', 'admin'), true);
	IF FOUND OR coalesce(cardinality(scopes), 0) = 0 THEN
		PERFORM trackagoat.check_choice('invalid_scopes', unknown, '{read,write,admin}');
	END IF;
	PERFORM FROM trackagoat.organization o WHERE o.id = create_api_key.org_id;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('organization', org_id);
	END IF;
	INSERT INTO trackagoat.api_key (org_id, name, key_hash, scopes, created_by, expires_at)
	VALUES (org_id, name, sha256(convert_to(key, 'UTF8')),
		(SELECT array_agg(DISTINCT s.scope ORDER BY s.scope) FROM unnest(scopes) s (scope)), trackagoat.current_actor(), expires_at);
	RETURN key;
END
$$;

COMMENT ON FUNCTION trackagoat.create_api_key(uuid, text, text[], timestamptz) IS
	'make an API key of an organization; answers the key, which is shown this once and kept nowhere';

CREATE FUNCTION trackagoat.api_key_final() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT409' USING
		MESSAGE = 'key_revoked',
		DETAIL = 'A key that was revoked stays so.',
		HINT = 'An admin makes another one.';
END
$$;

COMMENT ON FUNCTION trackagoat.api_key_final() IS 'trigger: refuses to bring back a key that was revoked: PT409 key_revoked';

CREATE FUNCTION trackagoat.member_admin() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- One of those who take admins away at a time.  It is written, as by a lock alone whoever has waited under a
	-- fixed snapshot would find the other admin there still.  With the organization its members go.
	UPDATE trackagoat.organization o SET name = o.name WHERE o.id = OLD.org_id;
	IF FOUND AND NOT EXISTS (SELECT FROM trackagoat.member m WHERE m.org_id = OLD.org_id AND m.role = 'admin') THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'last_admin',
			DETAIL = 'The organization would have no admin.',
			HINT = 'Make another member an admin first.';
	END IF;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION trackagoat.member_admin() IS 'trigger: refuses to take the last admin away: PT409 last_admin';

CREATE FUNCTION trackagoat.url_decode(part text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF part !~ '[%+]' THEN
		RETURN part;
	END IF;
	RETURN convert_from((SELECT string_agg(CASE WHEN t.token[1] ~ '^%..' THEN decode(substr(t.token[1], 2), 'hex')
			ELSE convert_to(replace(t.token[1], '+', ' '), 'UTF8') END, '' ORDER BY t.place)
		FROM regexp_matches(part, '%[0-9A-Fa-f]{2}|[^%]+|%', 'g') WITH ORDINALITY t (token, place)), 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
	PERFORM trackagoat.refuse_field('invalid_query', left(part, 100), 'is no UTF-8');
END
$$;

COMMENT ON FUNCTION trackagoat.url_decode(text) IS 'a part of a query string, decoded: PT400 invalid_query where that is no UTF-8';

CREATE FUNCTION trackagoat.refuse_field(code text, field text, problem text, hint text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT400' USING
		MESSAGE = code,
		DETAIL = json_build_object('field', field, 'message', format('%s %s.', field, problem)),
		HINT = coalesce(hint, 'GET /openapi.json describes each endpoint.');
END
$$;

COMMENT ON FUNCTION trackagoat.refuse_field(text, text, text, text) IS 'raises PT400 for a field of a request, with a JSON object {field, message} as detail';

CREATE FUNCTION trackagoat.check_field(code text, field text, value jsonb, schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	kind text := jsonb_typeof(value);
	content text := value #>> '{}';
	number numeric;
BEGIN
	IF kind = 'null' THEN
		IF schema @> '{"nullable": true}' THEN
			RETURN value;
		END IF;
		PERFORM trackagoat.refuse_field(code, field, 'must not be null');
	END IF;
	IF kind <> (CASE schema ->> 'type' WHEN 'integer' THEN 'number' ELSE schema ->> 'type' END) THEN
		PERFORM trackagoat.refuse_field(code, field, format('must be of type %s', schema ->> 'type'));
	END IF;
	CASE kind
	WHEN 'string' THEN
		IF schema ? 'enum' AND NOT schema -> 'enum' ? content THEN
			PERFORM trackagoat.refuse_field(code, field, 'must be one of ' || (SELECT string_agg(e, ', ') FROM jsonb_array_elements_text(schema -> 'enum') e));
		ELSIF char_length(content) NOT BETWEEN coalesce((schema ->> 'minLength')::integer, 0) AND coalesce((schema ->> 'maxLength')::integer, 65536) THEN
			PERFORM trackagoat.refuse_field(code, field, format('must have %s to %s characters',
				coalesce(schema ->> 'minLength', '0'), coalesce(schema ->> 'maxLength', '65536')));
		ELSIF (schema ->> 'format' = 'uuid' AND content !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
			OR (schema ->> 'format' = 'date' AND content !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
			OR (schema ->> 'format' = 'date-time' AND content !~* '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})$') THEN
			PERFORM trackagoat.refuse_field(code, field, format('is no %s', schema ->> 'format'));
		ELSIF schema ->> 'format' IN ('date', 'date-time') THEN
			BEGIN
				PERFORM content::timestamptz;
			EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format OR invalid_time_zone_displacement_value THEN
				PERFORM trackagoat.refuse_field(code, field, format('is no %s', schema ->> 'format'));
			END;
		END IF;
	WHEN 'number' THEN
		number := content::numeric;
		IF schema ->> 'type' = 'integer' AND (number <> trunc(number) OR abs(number) > 9223372036854775807) THEN
			PERFORM trackagoat.refuse_field(code, field, 'must be an integer');
		ELSIF number < (schema ->> 'minimum')::numeric OR number > (schema ->> 'maximum')::numeric THEN
			PERFORM trackagoat.refuse_field(code, field, format('must be %s', concat_ws(' and ',
				'at least ' || (schema ->> 'minimum'), 'at most ' || (schema ->> 'maximum'))));
		END IF;
	WHEN 'array' THEN
		IF jsonb_array_length(value) NOT BETWEEN coalesce((schema ->> 'minItems')::integer, 0) AND coalesce((schema ->> 'maxItems')::integer, 10000) THEN
			PERFORM trackagoat.refuse_field(code, field, format('must have %s to %s items',
				coalesce(schema ->> 'minItems', '0'), coalesce(schema ->> 'maxItems', '10000')));
		END IF;
		RETURN (SELECT coalesce(jsonb_agg(trackagoat.check_field(code, format('%s[%s]', field, i.place - 1), i.item, schema -> 'items') ORDER BY i.place), '[]')
			FROM jsonb_array_elements(value) WITH ORDINALITY i (item, place));
	WHEN 'object' THEN
		IF schema ? 'properties' THEN
			RETURN trackagoat.check_fields(code, field || '.', value, schema);
		ELSIF octet_length(value::text) > 65536 THEN
			PERFORM trackagoat.refuse_field(code, field, 'must have 64 KiB at most');
		END IF;
	ELSE
	END CASE;
	RETURN value;
END
$$;

COMMENT ON FUNCTION trackagoat.check_field(text, text, jsonb, jsonb) IS 'the value of a field of a request, which its JSON schema must allow: PT400 otherwise';

CREATE FUNCTION trackagoat.check_fields(code text, prefix text, given jsonb, schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	unknown text;
	missing text;
BEGIN
	IF given = '{}' AND NOT schema ?| ARRAY['required', 'minProperties'] THEN
		RETURN given;
	END IF;
	SELECT k INTO unknown FROM jsonb_object_keys(given) k WHERE NOT schema -> 'properties' ? k ORDER BY k LIMIT 1;
	IF FOUND THEN
		PERFORM trackagoat.refuse_field(code, prefix || left(unknown, 100), 'is unknown', format('Known are: %s.',
			coalesce((SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(schema -> 'properties') k), 'none')));
	END IF;
	SELECT k INTO missing FROM jsonb_array_elements_text(schema -> 'required') k WHERE NOT given ? k LIMIT 1;
	IF FOUND THEN
		PERFORM trackagoat.refuse_field(code, prefix || missing, 'is missing');
	END IF;
	IF (SELECT count(*) FROM jsonb_object_keys(given)) < (schema ->> 'minProperties')::integer THEN
		PERFORM trackagoat.refuse_field(code, 'body', 'must have at least one of its fields', format('Fields are: %s.',
			(SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(schema -> 'properties') k)));
	END IF;
	RETURN (SELECT coalesce(jsonb_object_agg(f.key, trackagoat.check_field(code, prefix || f.key, f.value, schema -> 'properties' -> f.key)), '{}')
		FROM jsonb_each(given) f);
END
$$;

COMMENT ON FUNCTION trackagoat.check_fields(text, text, jsonb, jsonb) IS 'the fields of a request, which a JSON schema must allow: PT400 otherwise, naming the field';

CREATE FUNCTION trackagoat.read_query(query text, schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	given jsonb;
	repeated text;
BEGIN
	IF coalesce(query, '') = '' THEN
		RETURN trackagoat.check_fields('invalid_query', '', '{}', schema);
	END IF;
	SELECT jsonb_object_agg(p.name, CASE WHEN schema #>> ARRAY['properties', p.name, 'type'] = 'integer' AND p.value ~ '^-?[0-9]{1,18}$'
			THEN to_jsonb(p.value::bigint) ELSE to_jsonb(p.value) END),
		min(p.name) FILTER (WHERE p.times > 1)
	INTO given, repeated
	FROM (SELECT n.name, trackagoat.url_decode(substr(a.argument, strpos(a.argument || '=', '=') + 1)) AS value, count(*) OVER (PARTITION BY n.name) AS times
		FROM unnest(string_to_array(query, '&')) a (argument), LATERAL (SELECT trackagoat.url_decode(split_part(a.argument, '=', 1)) AS name) n
		WHERE a.argument <> '') p;
	IF repeated IS NOT NULL THEN
		PERFORM trackagoat.refuse_field('invalid_query', left(repeated, 100), 'is there more than once');
	END IF;
	RETURN trackagoat.check_fields('invalid_query', '', coalesce(given, '{}'), schema);
END
$$;

COMMENT ON FUNCTION trackagoat.read_query(text, jsonb) IS 'the arguments of a query string, which a JSON schema must allow: PT400 invalid_query';

CREATE FUNCTION trackagoat.count_keys(content text) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	-- without what is within strings, a pair of quotes before a colon is a key
	RETURN regexp_count(regexp_replace(content, '"(?:\\.|[^"\\])*"', '""', 'g'), '""\s*:');

COMMENT ON FUNCTION trackagoat.count_keys(text) IS 'how many fields the objects of a JSON text have, in all';

CREATE FUNCTION trackagoat.read_body(body text, schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	given jsonb;
	repeated text;
BEGIN
	IF coalesce(body, '') = '' THEN
		RETURN trackagoat.check_fields('invalid_body', '', '{}', schema);
	END IF;
	BEGIN
		given := body::jsonb;
	EXCEPTION WHEN data_exception OR statement_too_complex THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_body', DETAIL = 'The body is no JSON, or has a character that a text cannot have.', HINT = 'Send a JSON object in UTF-8.';
	END;
	IF jsonb_typeof(given) <> 'object' THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_body', DETAIL = 'The body is no JSON object.', HINT = 'Send a JSON object in UTF-8.';
	END IF;
	-- a few bytes of 1e131000 would be as many digits when written out
	IF body ~ '[0-9][eE][+-]?0*[0-9]{3}' AND regexp_replace(body, '"(?:\\.|[^"\\])*"', '""', 'g') ~ '[eE][+-]?0*[0-9]{3}' THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_body', DETAIL = 'A number has an exponent of more than two digits.', HINT = 'Send numbers below 1e100.';
	END IF;
	-- jsonb keeps the last of several alike, and nobody knows which was meant
	IF trackagoat.count_keys(body) > trackagoat.count_keys(given::text) THEN
		SELECT k.key INTO repeated FROM json_object_keys(body::json) k (key) GROUP BY k.key HAVING count(*) > 1 LIMIT 1;
		IF FOUND THEN
			PERFORM trackagoat.refuse_field('invalid_body', left(repeated, 100), 'is there more than once');
		END IF;
		SELECT f.key INTO repeated FROM json_each(body::json) f
		WHERE trackagoat.count_keys(f.value::text) > trackagoat.count_keys(f.value::text::jsonb::text) LIMIT 1;
		PERFORM trackagoat.refuse_field('invalid_body', left(repeated, 100), 'has a field more than once');
	END IF;
	RETURN trackagoat.check_fields('invalid_body', '', given, schema);
END
$$;

COMMENT ON FUNCTION trackagoat.read_body(text, jsonb) IS 'the fields of a body, which a JSON schema must allow: PT400 invalid_body';

CREATE FUNCTION trackagoat.page_cursor(id uuid) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN rtrim(translate(encode(uuid_send(id), 'base64'), '+/', '-_'), '=');

COMMENT ON FUNCTION trackagoat.page_cursor(uuid) IS 'the cursor after which a list goes on that ended with this id';

CREATE FUNCTION trackagoat.page_after(query jsonb) RETURNS uuid
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	after text := query ->> 'cursor';
BEGIN
	IF after !~ '^[A-Za-z0-9_-]{21}[AQgw]$' THEN
		PERFORM trackagoat.refuse_field('invalid_query', 'cursor', 'is none that a list has answered', 'Send meta.nextCursor of the page before.');
	END IF;
	-- the first page goes on after the highest id that could be, which uuidv7() never makes
	RETURN coalesce(encode(decode(translate(after, '-_', '+/') || '==', 'base64'), 'hex')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
END
$$;

COMMENT ON FUNCTION trackagoat.page_after(jsonb) IS 'the id that a page goes on after, newest first; the highest for the first page: PT400 invalid_query';

CREATE FUNCTION trackagoat.page_limit(query jsonb) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN coalesce((query ->> 'limit')::integer, 50);

COMMENT ON FUNCTION trackagoat.page_limit(jsonb) IS 'how many items a page has: 50, or what was asked for';

CREATE FUNCTION trackagoat.page_answer(items json[], ids uuid[], query jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	size integer := trackagoat.page_limit(query);
BEGIN
	-- a list asks for one more than it shows; as text, since a page as jsonb would be taken apart and put together again
	RETURN jsonb_build_object('status', 200, 'text', concat('{"data": ', coalesce(array_to_json(items[:size]), '[]'), ', "error": null, "meta": ',
		json_build_object('limit', size, 'nextCursor', CASE WHEN cardinality(ids) > size THEN trackagoat.page_cursor(ids[size]) END), '}'));
END
$$;

COMMENT ON FUNCTION trackagoat.page_answer(json[], uuid[], jsonb) IS 'a page of a list, from one item more than it shows and their ids';

CREATE FUNCTION trackagoat.own_entity(entity text, id uuid) RETURNS uuid
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	CASE entity
		WHEN 'project' THEN PERFORM FROM trackagoat.project p WHERE p.id = own_entity.id AND p.org_id = trackagoat.current_org();
		WHEN 'creator' THEN PERFORM FROM trackagoat.creator c WHERE c.id = own_entity.id AND c.org_id = trackagoat.current_org();
		WHEN 'video' THEN PERFORM FROM trackagoat.video v WHERE v.id = own_entity.id AND v.org_id = trackagoat.current_org();
		WHEN 'campaign' THEN PERFORM FROM trackagoat.campaign k WHERE k.id = own_entity.id AND k.org_id = trackagoat.current_org();
		WHEN 'goal' THEN PERFORM FROM trackagoat.goal g WHERE g.id = own_entity.id AND g.org_id = trackagoat.current_org();
		ELSE RETURN NULL;
	END CASE;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing(entity, id);
	END IF;
	RETURN id;
END
$$;

COMMENT ON FUNCTION trackagoat.own_entity(text, uuid) IS
	'a project, creator, video, campaign or goal of one''s organization: PT404 project_not_found and so on for any other; NULL for another word';

CREATE FUNCTION trackagoat.project_rows(request jsonb, entity text) RETURNS uuid[]
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	for_project uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	given uuid[] := ARRAY(SELECT g.id::uuid FROM jsonb_array_elements_text(request #> ARRAY['body', entity || '_ids']) g (id));
	stranger uuid;
BEGIN
	SELECT g.id INTO stranger FROM unnest(given) g (id)
	WHERE NOT CASE entity
		WHEN 'creator' THEN EXISTS (SELECT FROM trackagoat.creator c
			WHERE c.id = g.id AND c.org_id = trackagoat.current_org() AND c.project_id = for_project)
		WHEN 'video' THEN EXISTS (SELECT FROM trackagoat.video v
			WHERE v.id = g.id AND v.org_id = trackagoat.current_org() AND v.project_id = for_project) END
	LIMIT 1;
	IF FOUND THEN
		PERFORM trackagoat.entity_missing(entity, stranger);
	END IF;
	RETURN given;
END
$$;

COMMENT ON FUNCTION trackagoat.project_rows(jsonb, text) IS
	'the creators or videos that a request names, all of its project: PT404 creator_not_found, video_not_found';

CREATE FUNCTION trackagoat.api_problem(state text, message text, detail text, hint text, constraint_name text)
	RETURNS TABLE (status integer, code text, meta jsonb)
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF state LIKE 'PT4__' THEN
		status := substr(state, 3)::integer;
		code := message;
		-- a handle that is wrong is documented as a conflict, any choice as a field
		meta := CASE WHEN detail LIKE '{%' THEN detail::jsonb
			ELSE jsonb_strip_nulls(jsonb_build_object('message', nullif(detail, ''))) END || jsonb_strip_nulls(jsonb_build_object('hint', nullif(hint, '')));
	ELSIF state = '23505' THEN
		status := 409;
		code := CASE constraint_name WHEN 'creator_handle_key' THEN 'handle_taken' WHEN 'member_user_key' THEN 'member_exists'
			WHEN 'campaign_item_pkey' THEN 'item_exists' WHEN 'video_tiktok_video_id_key' THEN 'video_exists' ELSE 'duplicate' END;
		meta := '{"message": "There is one already."}';
	ELSIF state = '23503' THEN
		-- it was there when the handler looked
		status := 404;
		code := 'not_found';
		meta := '{"message": "Somebody has just deleted what the request names.", "hint": "Look what there is, and try again."}';
	ELSIF state IN ('23514', '23502', '22001', '22003', '22007', '22008', '22P02', '22P05', '22021', '22023') THEN
		status := 400;
		code := 'invalid_body';
		meta := jsonb_build_object('message', 'A value is not allowed.') || CASE WHEN coalesce(constraint_name, '') <> '' THEN
			jsonb_build_object('constraint', constraint_name) ELSE '{}' END;
	ELSIF state = '25006' THEN
		status := 405;
		code := 'read_only';
		meta := '{"message": "Nothing can be written here.", "hint": "Ask the primary server, in a transaction that may write."}';
	ELSIF state = '42501' THEN
		status := 403;
		code := 'forbidden';
		meta := '{"message": "That is not for whoever asks."}';
	ELSIF state IN ('40001', '40P01', '55P03') THEN
		status := 409;
		code := 'conflict';
		meta := '{"message": "Somebody else is changing the same.", "hint": "Try again."}';
	ELSE
		status := 500;
		code := 'internal_error';
		meta := '{"message": "The server could not do it.", "hint": "The server''s log says why."}';
	END IF;
	RETURN NEXT;
END
$$;

COMMENT ON FUNCTION trackagoat.api_problem(text, text, text, text, text) IS
	'the HTTP status, the documented code and what else is told of an error; of one that is not documented nothing but that it happened';

CREATE FUNCTION trackagoat.envelope(data jsonb, error text, meta jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN concat('{"data": ', coalesce(data, 'null'), ', "error": ', coalesce(to_jsonb(error), 'null'), ', "meta": ', coalesce(meta, '{}'), '}');

COMMENT ON FUNCTION trackagoat.envelope(jsonb, text, jsonb) IS 'the body of every JSON answer: {data, error, meta}';

CREATE FUNCTION trackagoat.sign_in_by(headers jsonb) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	key text := coalesce(substring(headers ->> 'authorization' FROM '(?i)^bearer\s+(tga_.*)$'), headers ->> 'x-api-key', headers ->> 'apikey');
	claims jsonb := nullif(current_setting('request.jwt.claims', true), '');
BEGIN
	-- an earlier request of the transaction was another's
	PERFORM trackagoat.sign_out();
	IF key IS NOT NULL THEN
		PERFORM trackagoat.sign_in(key);
	ELSIF claims ? 'sub' THEN
		PERFORM trackagoat.sign_in_member(claims ->> 'sub',
			(trackagoat.check_field('invalid_query', 'X-Organization-Id', headers -> 'x-organization-id', '{"type": "string", "format": "uuid"}') #>> '{}')::uuid);
	ELSIF trackagoat.current_org() IS NULL THEN
		PERFORM trackagoat.sign_in(NULL);
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.sign_in_by(jsonb) IS
	'sign in by a request''s headers, whose names are in lower case: an API key in X-Api-Key, apikey or Authorization, else the token that PostgREST has checked, else the role that has logged in';

CREATE FUNCTION trackagoat.refuse_path(path text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT404' USING
		MESSAGE = 'not_found',
		DETAIL = format('There is no %s.', left(path, 200)),
		HINT = 'GET /openapi.json lists what there is; ids are UUIDs.';
END
$$;

COMMENT ON FUNCTION trackagoat.refuse_path(text) IS 'raises PT404 not_found for a path where nothing is';

CREATE FUNCTION trackagoat.find_route(method text, path text, OUT handler text, OUT scope text, OUT query jsonb, OUT body jsonb, OUT pattern text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	allowed text;
	wanted text := regexp_replace(path, '/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|$)', '/{id}', 'gi');
BEGIN
	SELECT r.handler, r.scope, r.query, r.body, r.pattern INTO handler, scope, query, body, pattern
	FROM trackagoat_api.route r WHERE r.pattern = wanted AND r.method = find_route.method;
	IF FOUND THEN
		RETURN;
	END IF;
	SELECT string_agg(r.method, ', ' ORDER BY r.method) INTO allowed FROM trackagoat_api.route r WHERE r.pattern = wanted;
	IF allowed IS NOT NULL THEN
		RAISE SQLSTATE 'PT405' USING
			MESSAGE = 'method_not_allowed',
			DETAIL = json_build_object('allow', allowed),
			HINT = format('Use %s.', allowed);
	END IF;
	PERFORM trackagoat.refuse_path(path);
END
$$;

COMMENT ON FUNCTION trackagoat.find_route(text, text) IS 'the route of a request: PT404 not_found, PT405 method_not_allowed';

CREATE FUNCTION trackagoat.find_replay(idempotency_key text, route text, body text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	before record;
BEGIN
	IF idempotency_key IS NULL OR trackagoat.current_key() IS NULL THEN
		RETURN NULL;
	END IF;
	IF char_length(idempotency_key) NOT BETWEEN 1 AND 255 THEN
		PERFORM trackagoat.refuse_field('invalid_query', 'Idempotency-Key', 'must have 1 to 255 characters');
	END IF;
	-- of two alike the second waits, and is then answered as the first
	PERFORM pg_advisory_xact_lock(hashtextextended(trackagoat.current_key() || idempotency_key, 0));
	DELETE FROM trackagoat.api_replay a
	WHERE a.key_id = trackagoat.current_key() AND a.org_id = trackagoat.current_org() AND a.idempotency_key = find_replay.idempotency_key
		AND a.created_at < clock_timestamp() - interval '24 hours';
	SELECT a.* INTO before FROM trackagoat.api_replay a
	WHERE a.key_id = trackagoat.current_key() AND a.org_id = trackagoat.current_org() AND a.idempotency_key = find_replay.idempotency_key;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	IF before.route <> route OR before.request_hash <> sha256(convert_to(coalesce(body, ''), 'UTF8')) THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'idempotency_key_reused',
			DETAIL = format('The Idempotency-Key was sent with another request: %s.', before.route),
			HINT = 'Use a new one for each request.';
	END IF;
	RETURN jsonb_build_object('status', before.status, 'text', before.body, 'headers', '{"Idempotent-Replayed": "true"}'::jsonb);
END
$$;

COMMENT ON FUNCTION trackagoat.find_replay(text, text, text) IS
	'what the same request was answered in the last 24 hours; NULL for a new one: PT409 idempotency_key_reused';

CREATE FUNCTION trackagoat.keep_replay(idempotency_key text, route text, body text, result jsonb) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF idempotency_key IS NOT NULL AND trackagoat.current_key() IS NOT NULL THEN
		INSERT INTO trackagoat.api_replay (org_id, key_id, idempotency_key, route, request_hash, status, body)
		VALUES (trackagoat.current_org(), trackagoat.current_key(), keep_replay.idempotency_key, keep_replay.route,
			sha256(convert_to(coalesce(keep_replay.body, ''), 'UTF8')), (result ->> 'status')::integer,
			trackagoat.envelope(coalesce(result -> 'replay', result -> 'data'), NULL, result -> 'meta'));
	END IF;
END
$$;

COMMENT ON FUNCTION trackagoat.keep_replay(text, text, text, jsonb) IS
	'keep what a request with an Idempotency-Key is answered, without a secret: what replay says instead of data';

CREATE FUNCTION trackagoat.call_handler(handler text, request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT;

COMMENT ON FUNCTION trackagoat.call_handler(text, jsonb) IS 'what a handler of the API answers, by its name';

CREATE FUNCTION trackagoat.handle_request(route record, method text, path text, query text, headers jsonb, body text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	media_type text := coalesce(headers ->> 'x-content-type', headers ->> 'content-type');
	idempotency_key text := CASE WHEN method = 'POST' THEN headers ->> 'idempotency-key' END;
	request jsonb;
	result jsonb;
BEGIN
	IF route.scope IS NOT NULL THEN
		PERFORM trackagoat.check_scope(route.scope);
	END IF;
	IF octet_length(body) > 1048576 THEN
		RAISE SQLSTATE 'PT413' USING
			MESSAGE = 'body_too_large', DETAIL = format('The body has %s bytes.', octet_length(body)), HINT = 'Send 1 MiB at most.';
	END IF;
	IF coalesce(body, '') <> '' AND coalesce(media_type, '') <> '' AND media_type !~* '^\s*application/json\s*(;|$)' THEN
		RAISE SQLSTATE 'PT415' USING
			MESSAGE = 'unsupported_media_type', DETAIL = format('The body is of type %s.', left(media_type, 100)), HINT = 'Send application/json.';
	END IF;
	request := jsonb_build_object(
		'ids', ARRAY(SELECT lower(m.id[1]) FROM regexp_matches(path, '/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=/|$)', 'gi') m (id)),
		'query', trackagoat.read_query(query, route.query),
		'body', trackagoat.read_body(body, route.body));
	result := trackagoat.find_replay(idempotency_key, method || ' ' || path, body);
	IF result IS NULL THEN
		result := trackagoat.call_handler(route.handler, request);
		-- it was there when the handler looked, and somebody has deleted it meanwhile
		IF result -> 'data' = 'null' THEN
			PERFORM trackagoat.refuse_path(path);
		END IF;
		PERFORM trackagoat.keep_replay(idempotency_key, method || ' ' || path, body, result);
	END IF;
	RETURN result;
END
$$;

COMMENT ON FUNCTION trackagoat.handle_request(record, text, text, text, jsonb, text) IS
	'what the handler of a route answers whoever has signed in: {status, data, meta} or {status, text, headers}; errors are errors';

CREATE FUNCTION trackagoat.answer_request(
	method text, uri text, headers jsonb, body text, OUT status integer, OUT response_headers jsonb, OUT response_body text)
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '5s' SET datestyle = ISO SET timezone = 'UTC' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	path text := regexp_replace(split_part(uri, '?', 1), '^(https?://[^/]*)?(/api/v1)?(?=/|$)', '');
	lower_headers jsonb;
	step text;
	route record;
	result jsonb;
	problem record;
	state text;
	message text;
	detail text;
	hint text;
	constraint_name text;
BEGIN
	response_headers := '{"Content-Type": "application/json; charset=utf-8"}';
	-- who asks enters by himself: the note that a key was used stays, though what it asked for be undone
	FOREACH step IN ARRAY ARRAY['enter', 'answer'] LOOP
		BEGIN
			IF step = 'enter' THEN
				lower_headers := (SELECT jsonb_object_agg(lower(h.key), h.value) FROM jsonb_each(headers) h);
				route := trackagoat.find_route(upper(method), path);
				IF route.scope IS NOT NULL THEN
					PERFORM trackagoat.sign_in_by(lower_headers);
				END IF;
				CONTINUE;
			END IF;
			result := trackagoat.handle_request(route, upper(method), path, substr(uri, strpos(uri || '?', '?') + 1), lower_headers, body);
			-- what waits for the commit is refused here, where it can be answered; ALL would run the triggers of
			-- whoever asks, as the owner
			IF upper(method) <> 'GET' THEN
				SET CONSTRAINTS trackagoat.creator_ban, trackagoat.creator_ban_update IMMEDIATE;
			END IF;
			status := (result ->> 'status')::integer;
			response_headers := response_headers || coalesce(result -> 'headers', '{}');
			response_body := coalesce(result ->> 'text', trackagoat.envelope(result -> 'data', NULL, result -> 'meta'));
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
				hint = PG_EXCEPTION_HINT, constraint_name = CONSTRAINT_NAME;
			SELECT p.* INTO problem FROM trackagoat.api_problem(state, message, detail, hint, constraint_name) p;
			IF problem.status = 500 THEN
				RAISE LOG 'trackagoat: % % failed: % (%)', method, split_part(uri, '?', 1), message, state;
			END IF;
			status := problem.status;
			response_headers := response_headers || jsonb_strip_nulls(jsonb_build_object(
				'Retry-After', problem.meta ->> 'retryAfter', 'Allow', problem.meta ->> 'allow',
				'WWW-Authenticate', CASE status WHEN 401 THEN 'Bearer' END));
			response_body := trackagoat.envelope(NULL, problem.code, jsonb_build_object('code', problem.code) || problem.meta);
			EXIT;
		END;
	END LOOP;
END
$$;

COMMENT ON FUNCTION trackagoat.answer_request(text, text, jsonb, text) IS
	'answer a request to the v1 API, in the envelope; where it fails, what it wrote is undone, but for the note that its key was used';

CREATE FUNCTION trackagoat.api_key_object(key_id uuid) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	object jsonb;
BEGIN
	SELECT to_jsonb(k) INTO object FROM trackagoat_api.api_keys k
	WHERE k.id = api_key_object.key_id AND k.org_id = trackagoat.current_org();
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('api_key', key_id);
	END IF;
	RETURN object;
END
$$;

COMMENT ON FUNCTION trackagoat.api_key_object(uuid) IS 'an API key as the API answers it, without the key: PT404 api_key_not_found';

CREATE FUNCTION trackagoat.v1_list_api_keys(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(o.id), array_agg(row_to_json(o)) INTO ids, objects
	FROM (SELECT k.* FROM trackagoat_api.api_keys k
		WHERE k.org_id = trackagoat.current_org() AND k.id < after
		ORDER BY k.id DESC LIMIT trackagoat.page_limit(query) + 1) o;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_api_keys(jsonb) IS 'GET /api-keys';

CREATE FUNCTION trackagoat.v1_create_api_key(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	body jsonb := '{"scopes": ["read", "write"]}' || (request -> 'body');
	scopes text[] := ARRAY(SELECT jsonb_array_elements_text(body -> 'scopes'));
	key text;
	object jsonb;
BEGIN
	-- nobody gives what he has not
	PERFORM trackagoat.check_scope(s.scope) FROM unnest(scopes) s (scope);
	key := trackagoat.create_api_key(trackagoat.current_org(), body ->> 'name', scopes, (body ->> 'expires_at')::timestamptz);
	SELECT trackagoat.api_key_object(k.id) INTO object FROM trackagoat.api_key k
	WHERE k.key_hash = sha256(convert_to(key, 'UTF8')) AND k.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 201, 'data', object || jsonb_build_object('key', key), 'replay', object || '{"key": null}');
END
$$;

COMMENT ON FUNCTION trackagoat.v1_create_api_key(jsonb) IS 'POST /api-keys: the key is shown this once, not where the request is answered again';

CREATE FUNCTION trackagoat.v1_revoke_api_key(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	key_id uuid := (request #>> '{ids,0}')::uuid;
BEGIN
	UPDATE trackagoat.api_key k SET revoked_at = now()
	WHERE k.id = key_id AND k.org_id = trackagoat.current_org() AND k.revoked_at IS NULL;
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.api_key_object(key_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_revoke_api_key(jsonb) IS 'DELETE /api-keys/{id}: at once; again changes nothing';

CREATE FUNCTION trackagoat.member_object(member_id uuid) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	object jsonb;
BEGIN
	SELECT to_jsonb(m) INTO object FROM trackagoat_api.members m
	WHERE m.id = member_object.member_id AND m.org_id = trackagoat.current_org();
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('member', member_id);
	END IF;
	RETURN object;
END
$$;

COMMENT ON FUNCTION trackagoat.member_object(uuid) IS 'a member as the API answers it: PT404 member_not_found';

CREATE FUNCTION trackagoat.v1_list_members(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(o.id), array_agg(row_to_json(o)) INTO ids, objects
	FROM (SELECT m.* FROM trackagoat_api.members m
		WHERE m.org_id = trackagoat.current_org() AND m.id < after
		ORDER BY m.id DESC LIMIT trackagoat.page_limit(query) + 1) o;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_members(jsonb) IS 'GET /members';

CREATE FUNCTION trackagoat.v1_create_member(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	member_id uuid;
BEGIN
	INSERT INTO trackagoat.member (org_id, user_id, name, role)
	VALUES (trackagoat.current_org(), request #>> '{body,user_id}', request #>> '{body,name}', coalesce(request #>> '{body,role}', 'member'))
	RETURNING id INTO member_id;
	RETURN jsonb_build_object('status', 201, 'data', trackagoat.member_object(member_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_create_member(jsonb) IS 'POST /members';

CREATE FUNCTION trackagoat.v1_update_member(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	member_id uuid := (request #>> '{ids,0}')::uuid;
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.member m SET
		role = coalesce(body ->> 'role', m.role),
		name = CASE WHEN body ? 'name' THEN body ->> 'name' ELSE m.name END
	WHERE m.id = member_id AND m.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.member_object(member_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_update_member(jsonb) IS 'PATCH /members/{id}';

CREATE FUNCTION trackagoat.v1_delete_member(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	member_id uuid := (request #>> '{ids,0}')::uuid;
BEGIN
	DELETE FROM trackagoat.member m WHERE m.id = member_id AND m.org_id = trackagoat.current_org();
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('member', member_id);
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', member_id, 'deleted', true));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_delete_member(jsonb) IS 'DELETE /members/{id}';

CREATE FUNCTION trackagoat.project_objects(project_ids uuid[]) RETURNS TABLE (id uuid, object json)
	LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT p.id, json_build_object('id', p.id, 'org_id', p.org_id, 'name', p.name, 'description', p.description,
		'created_at', p.created_at, 'updated_at', p.updated_at)
	FROM trackagoat.project p WHERE p.id = ANY (project_ids) AND p.org_id = trackagoat.current_org()
	ORDER BY p.id DESC;
END
$$;

COMMENT ON FUNCTION trackagoat.project_objects(uuid[]) IS 'projects of one''s organization as the API answers them, newest first';

CREATE FUNCTION trackagoat.v1_list_projects(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	ids uuid[] := ARRAY(SELECT p.id FROM trackagoat.project p
		WHERE p.org_id = trackagoat.current_org() AND p.id < after
		ORDER BY p.id DESC LIMIT trackagoat.page_limit(query) + 1);
BEGIN
	RETURN trackagoat.page_answer(ARRAY(SELECT o.object FROM trackagoat.project_objects(ids) o), ids, query);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_projects(jsonb) IS 'GET /projects';

CREATE FUNCTION trackagoat.v1_get_project(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.project_objects(ARRAY[project_id]) o));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_get_project(jsonb) IS 'GET /projects/{id}';

CREATE FUNCTION trackagoat.v1_create_project(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid;
BEGIN
	INSERT INTO trackagoat.project (org_id, name, description)
	VALUES (trackagoat.current_org(), request #>> '{body,name}', request #>> '{body,description}')
	RETURNING id INTO project_id;
	RETURN jsonb_build_object('status', 201, 'data', (SELECT o.object FROM trackagoat.project_objects(ARRAY[project_id]) o));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_create_project(jsonb) IS 'POST /projects';

CREATE FUNCTION trackagoat.v1_update_project(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.project p SET
		name = CASE WHEN body ? 'name' THEN body ->> 'name' ELSE p.name END,
		description = CASE WHEN body ? 'description' THEN body ->> 'description' ELSE p.description END
	WHERE p.id = project_id AND p.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.project_objects(ARRAY[project_id]) o));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_update_project(jsonb) IS 'PATCH /projects/{id}';

CREATE FUNCTION trackagoat.v1_delete_project(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
BEGIN
	DELETE FROM trackagoat.project p WHERE p.id = project_id AND p.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', project_id, 'deleted', true));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_delete_project(jsonb) IS 'DELETE /projects/{id}: it and all that is in it';

CREATE FUNCTION trackagoat.creator_object(creator_id uuid) RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT row_to_json(c) FROM trackagoat_api.creators c WHERE c.id = creator_object.creator_id AND c.org_id = trackagoat.current_org());
END
$$;

COMMENT ON FUNCTION trackagoat.creator_object(uuid) IS 'a creator as the API answers it';

CREATE FUNCTION trackagoat.tracked_creator(request jsonb) RETURNS uuid
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := (request #>> '{ids,0}')::uuid;
BEGIN
	PERFORM FROM trackagoat.creator c WHERE c.id = creator_id AND c.org_id = trackagoat.current_org() AND c.removed_at IS NULL;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('creator', creator_id);
	END IF;
	RETURN creator_id;
END
$$;

COMMENT ON FUNCTION trackagoat.tracked_creator(jsonb) IS 'the creator that a request names, who is in the program: PT404 creator_not_found';

CREATE FUNCTION trackagoat.v1_list_creators(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp SET plan_cache_mode = force_generic_plan AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	for_project uuid := CASE WHEN query ? 'project_id' THEN trackagoat.own_entity('project', (query ->> 'project_id')::uuid) END;
	part text := '%' || regexp_replace(ltrim(query ->> 'search', '@'), '([\\%_])', '\\\1', 'g') || '%';
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(o.id), array_agg(row_to_json(o)) INTO ids, objects
	FROM (SELECT c.* FROM trackagoat_api.creators c
		WHERE c.org_id = trackagoat.current_org() AND c.id < after
			AND (for_project IS NULL OR c.project_id = for_project) AND (part IS NULL OR c.tiktok_handle ILIKE part)
		ORDER BY c.id DESC LIMIT trackagoat.page_limit(query) + 1) o;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_creators(jsonb) IS 'GET /creators';

CREATE FUNCTION trackagoat.v1_get_creator(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := trackagoat.tracked_creator(request);
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.creator_object(creator_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_get_creator(jsonb) IS 'GET /creators/{id}';

CREATE FUNCTION trackagoat.v1_create_creators(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
	is_many boolean := body ? 'creators';
	wanted jsonb := CASE WHEN body ? 'creators' THEN body -> 'creators' ELSE jsonb_build_array(body) END;
	item record;
	added record;
	objects jsonb := '[]';
	any_created boolean := false;
BEGIN
	IF is_many AND body - 'creators' <> '{}' THEN
		PERFORM trackagoat.refuse_field('invalid_body', 'creators', 'stands alone, or is left out');
	ELSIF NOT is_many AND NOT body ? 'tiktok_handle' THEN
		PERFORM trackagoat.refuse_field('invalid_body', 'tiktok_handle', 'is missing');
	END IF;
	FOR item IN SELECT w.value FROM jsonb_array_elements(wanted) WITH ORDINALITY w (value, place) ORDER BY w.place LOOP
		SELECT a.* INTO added FROM trackagoat.add_creators(project_id, ARRAY[item.value ->> 'tiktok_handle'],
			(item.value ->> 'tracking_mode')::trackagoat.tracking_mode, (item.value ->> 'tracking_start_date')::date) a;
		-- one by itself is refused as it is documented; of many each has its own result
		IF NOT is_many AND (added.code IS NOT NULL OR added.result = 'already_there') THEN
			PERFORM trackagoat.refuse_creator(coalesce(added.code, 'handle_taken'), item.value ->> 'tiktok_handle', project_id);
		END IF;
		any_created := any_created OR added.result = 'created';
		objects := objects || CASE WHEN is_many THEN jsonb_build_object('tiktok_handle', item.value ->> 'tiktok_handle', 'result', added.result,
				'code', added.code, 'creator', trackagoat.creator_object(added.creator_id))
			ELSE trackagoat.creator_object(added.creator_id)::jsonb END;
	END LOOP;
	RETURN jsonb_build_object('status', CASE WHEN any_created THEN 201 ELSE 200 END,
		'data', CASE WHEN is_many THEN objects ELSE objects -> 0 END);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_create_creators(jsonb) IS 'POST /projects/{id}/creators: 201, or 200 where the creator came back';

CREATE FUNCTION trackagoat.refuse_creator(code text, handle text, project_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF code = 'limit_reached' THEN
		-- the limit's own trigger says how many there are, of one that would come back or come
		UPDATE trackagoat.creator c SET removed_at = NULL
		WHERE c.id = (SELECT r.id FROM trackagoat.creator r WHERE r.project_id = refuse_creator.project_id AND r.org_id = trackagoat.current_org()
				AND r.tiktok_handle = trackagoat.parse_handle(handle) AND r.removed_at IS NOT NULL ORDER BY r.removed_at DESC LIMIT 1)
			AND c.org_id = trackagoat.current_org();
		INSERT INTO trackagoat.creator (org_id, project_id, tiktok_handle)
		VALUES (trackagoat.current_org(), refuse_creator.project_id, trackagoat.parse_handle(handle));
	ELSIF code = 'creator_banned' THEN
		PERFORM trackagoat.check_ban(trackagoat.parse_handle(handle));
	END IF;
	PERFORM trackagoat.parse_handle(handle);
	RAISE SQLSTATE 'PT409' USING
		MESSAGE = 'handle_taken',
		DETAIL = format('The project tracks %s already.', handle),
		HINT = 'GET /creators?search= finds a creator by the handle.';
END
$$;

COMMENT ON FUNCTION trackagoat.refuse_creator(text, text, uuid) IS 'raises what adding one creator was refused for, as the documented code';

CREATE FUNCTION trackagoat.v1_update_creator(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := trackagoat.tracked_creator(request);
	body jsonb := request -> 'body';
BEGIN
	-- alone, as a rename to what it is is refused
	IF body ? 'tiktok_handle' THEN
		UPDATE trackagoat.creator c SET tiktok_handle = trackagoat.parse_handle(body ->> 'tiktok_handle')
		WHERE c.id = creator_id AND c.org_id = trackagoat.current_org();
	END IF;
	IF body - 'tiktok_handle' <> '{}' THEN
		UPDATE trackagoat.creator c SET
			readme = CASE WHEN body ? 'readme' THEN body ->> 'readme' ELSE c.readme END,
			metadata = coalesce(body -> 'metadata', c.metadata),
			tracking_mode = coalesce((body ->> 'tracking_mode')::trackagoat.tracking_mode, c.tracking_mode),
			tracking_start_date = coalesce((body ->> 'tracking_start_date')::date, c.tracking_start_date),
			display_name_override = CASE WHEN body ? 'display_name_override' THEN body ->> 'display_name_override' ELSE c.display_name_override END
		WHERE c.id = creator_id AND c.org_id = trackagoat.current_org();
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.creator_object(creator_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_update_creator(jsonb) IS 'PATCH /creators/{id}';

CREATE FUNCTION trackagoat.v1_remove_creator(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := trackagoat.tracked_creator(request);
BEGIN
	PERFORM FROM trackagoat.remove_creators(ARRAY[creator_id]);
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', creator_id, 'removed', true));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_remove_creator(jsonb) IS 'DELETE /creators/{id}';

CREATE FUNCTION trackagoat.v1_scrape_creator(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	creator_id uuid := trackagoat.tracked_creator(request);
BEGIN
	-- the job is shared, and its id would tell since when somebody else has tracked the account
	PERFORM trackagoat.scrape_creator(creator_id);
	RETURN jsonb_build_object('status', 202, 'data', jsonb_build_object('result', 'queued', 'creator_id', creator_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_scrape_creator(jsonb) IS 'POST /creators/{id}/scrape';

CREATE FUNCTION trackagoat.v1_list_creator_events(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	for_creator uuid := trackagoat.own_entity('creator', (request #>> '{ids,0}')::uuid);
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(e.id ORDER BY e.id DESC), array_agg(json_build_object('id', e.id, 'creator_id', e.creator_id, 'video_id', e.video_id,
		'kind', e.kind, 'detail', e.detail, 'created_at', e.created_at) ORDER BY e.id DESC)
	INTO ids, objects
	FROM (SELECT v.* FROM trackagoat.creator_event v
		WHERE v.creator_id = for_creator AND v.org_id = trackagoat.current_org() AND v.id < after
		ORDER BY v.id DESC LIMIT trackagoat.page_limit(query) + 1) e;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_creator_events(jsonb) IS 'GET /creators/{id}/events';

CREATE FUNCTION trackagoat.v1_reenable_creators(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]')
		FROM trackagoat.reenable_creators(trackagoat.project_rows(request, 'creator')) r));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_reenable_creators(jsonb) IS 'POST /projects/{id}/creators/bulk-reenable';

CREATE FUNCTION trackagoat.v1_remove_creators(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]')
		FROM trackagoat.remove_creators(trackagoat.project_rows(request, 'creator')) r));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_remove_creators(jsonb) IS 'POST /projects/{id}/creators/bulk-remove';

CREATE FUNCTION trackagoat.api_number(value numeric) RETURNS numeric
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN trim_scale(round(value, 6));

COMMENT ON FUNCTION trackagoat.api_number(numeric) IS 'a rate or number as the API answers it: with up to six decimals';

CREATE FUNCTION trackagoat.campaign_objects(campaign_ids uuid[]) RETURNS TABLE (id uuid, object json)
	LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT k.id, json_build_object('id', k.id, 'project_id', k.project_id, 'name', k.name,
		'description', k.readme, 'readme', k.readme, 'metadata', k.metadata, 'target_views', k.target_views, 'target_at', k.target_at,
		'creators', s.creators, 'videos', s.videos, 'views', s.views, 'likes', s.likes, 'comments', s.comments, 'shares', s.shares,
		'saves', s.saves, 'engagement_rate', trackagoat.api_number(s.engagement_rate), 'created_at', k.created_at, 'updated_at', k.updated_at)
	FROM trackagoat.campaign k, trackagoat.campaign_stats(k.id) s
	WHERE k.id = ANY (campaign_ids) AND k.org_id = trackagoat.current_org()
	ORDER BY k.id DESC;
END
$$;

COMMENT ON FUNCTION trackagoat.campaign_objects(uuid[]) IS 'campaigns of one''s organization with their totals to date as the API answers them, newest first';

CREATE FUNCTION trackagoat.v1_list_campaigns(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	for_project uuid := CASE WHEN query ? 'project_id' THEN trackagoat.own_entity('project', (query ->> 'project_id')::uuid) END;
	ids uuid[] := ARRAY(SELECT k.id FROM trackagoat.campaign k
		WHERE k.org_id = trackagoat.current_org() AND k.id < after AND (for_project IS NULL OR k.project_id = for_project)
		ORDER BY k.id DESC LIMIT trackagoat.page_limit(query) + 1);
BEGIN
	RETURN trackagoat.page_answer(ARRAY(SELECT o.object FROM trackagoat.campaign_objects(ids[:trackagoat.page_limit(query)]) o), ids, query);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_campaigns(jsonb) IS 'GET /campaigns';

CREATE FUNCTION trackagoat.v1_get_campaign(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	campaign_id uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.campaign_objects(ARRAY[campaign_id]) o));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_get_campaign(jsonb) IS 'GET /campaigns/{id}';

CREATE FUNCTION trackagoat.v1_create_campaign(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
	campaign_id uuid;
BEGIN
	INSERT INTO trackagoat.campaign (org_id, project_id, name, readme, metadata, target_views, target_at)
	VALUES (trackagoat.current_org(), project_id, body ->> 'name', body ->> 'readme', coalesce(body -> 'metadata', '{}'),
		(body ->> 'target_views')::bigint, (body ->> 'target_at')::timestamptz)
	RETURNING id INTO campaign_id;
	RETURN jsonb_build_object('status', 201, 'data', (SELECT o.object FROM trackagoat.campaign_objects(ARRAY[campaign_id]) o));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_create_campaign(jsonb) IS 'POST /projects/{id}/campaigns';

CREATE FUNCTION trackagoat.v1_update_campaign(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	campaign_id uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.campaign k SET
		name = coalesce(body ->> 'name', k.name),
		readme = CASE WHEN body ? 'readme' THEN body ->> 'readme' ELSE k.readme END,
		metadata = coalesce(body -> 'metadata', k.metadata),
		target_views = CASE WHEN body ? 'target_views' THEN (body ->> 'target_views')::bigint ELSE k.target_views END,
		target_at = CASE WHEN body ? 'target_at' THEN (body ->> 'target_at')::timestamptz ELSE k.target_at END
	WHERE k.id = campaign_id AND k.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.campaign_objects(ARRAY[campaign_id]) o));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_update_campaign(jsonb) IS 'PATCH /campaigns/{id}';

CREATE FUNCTION trackagoat.v1_delete_campaign(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	campaign_id uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
BEGIN
	DELETE FROM trackagoat.campaign k WHERE k.id = campaign_id AND k.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', campaign_id, 'deleted', true));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_delete_campaign(jsonb) IS 'DELETE /campaigns/{id}: it and its memberships';

CREATE FUNCTION trackagoat.v1_list_campaign_items(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	of_campaign uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
	ids uuid[];
	objects json[];
BEGIN
	-- an item has no id of its own: by that of what is held, as the primary key has them
	SELECT array_agg(i.item_id ORDER BY i.item_id DESC), array_agg(json_build_object(
		'item_type', CASE i.item_id WHEN i.creator_id THEN 'creator' WHEN i.video_id THEN 'video' ELSE 'campaign' END,
		'item_id', i.item_id, 'created_at', i.created_at) ORDER BY i.item_id DESC)
	INTO ids, objects
	FROM (SELECT m.* FROM trackagoat.campaign_item m
		WHERE m.campaign_id = of_campaign AND m.org_id = trackagoat.current_org() AND m.item_id < after
		ORDER BY m.item_id DESC LIMIT trackagoat.page_limit(query) + 1) i;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_campaign_items(jsonb) IS 'GET /campaigns/{id}/items';

CREATE FUNCTION trackagoat.v1_add_campaign_item(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	campaign_id uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
	item_type text := request #>> '{body,item_type}';
	item_id uuid := trackagoat.own_entity(item_type, (request #>> '{body,item_id}')::uuid);
	added_at timestamptz;
BEGIN
	INSERT INTO trackagoat.campaign_item (campaign_id, org_id, creator_id, video_id, child_campaign_id)
	VALUES (campaign_id, trackagoat.current_org(), CASE item_type WHEN 'creator' THEN item_id END,
		CASE item_type WHEN 'video' THEN item_id END, CASE item_type WHEN 'campaign' THEN item_id END)
	RETURNING created_at INTO added_at;
	RETURN jsonb_build_object('status', 201, 'data',
		jsonb_build_object('item_type', item_type, 'item_id', item_id, 'created_at', added_at));
EXCEPTION WHEN foreign_key_violation THEN
	-- both are there
	PERFORM trackagoat.refuse_field('invalid_body', 'item_id', 'is not of the project of the campaign');
END
$$;

COMMENT ON FUNCTION trackagoat.v1_add_campaign_item(jsonb) IS 'POST /campaigns/{id}/items';

CREATE FUNCTION trackagoat.v1_remove_campaign_item(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	of_campaign uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
	-- not every client can send a body with DELETE
	code text := CASE request -> 'body' WHEN '{}' THEN 'invalid_query' ELSE 'invalid_body' END;
	given jsonb := CASE code WHEN 'invalid_query' THEN request -> 'query' ELSE request -> 'body' END;
	wanted uuid := (given ->> 'item_id')::uuid;
	field text;
BEGIN
	IF code = 'invalid_body' AND request -> 'query' <> '{}' THEN
		PERFORM trackagoat.refuse_field('invalid_body', 'body', 'must be empty where the query names the item');
	END IF;
	FOREACH field IN ARRAY ARRAY['item_type', 'item_id'] LOOP
		IF NOT given ? field THEN
			PERFORM trackagoat.refuse_field(code, field, 'is missing');
		END IF;
	END LOOP;
	DELETE FROM trackagoat.campaign_item i
	WHERE i.campaign_id = of_campaign AND i.org_id = trackagoat.current_org() AND i.item_id = wanted
		AND i.item_id = CASE given ->> 'item_type' WHEN 'creator' THEN i.creator_id WHEN 'video' THEN i.video_id ELSE i.child_campaign_id END;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('campaign_item', wanted);
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', wanted, 'deleted', true));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_remove_campaign_item(jsonb) IS 'DELETE /campaigns/{id}/items: what query or body names';

CREATE FUNCTION trackagoat.video_object(video_id uuid) RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN coalesce(
		(SELECT row_to_json(v) FROM trackagoat_api.videos v WHERE v.id = video_object.video_id AND v.org_id = trackagoat.current_org()),
		(SELECT json_build_object('id', v.id, 'tracking_status', v.tracking_status)
			FROM trackagoat.video v WHERE v.id = video_object.video_id AND v.org_id = trackagoat.current_org()));
END
$$;

COMMENT ON FUNCTION trackagoat.video_object(uuid) IS
	'a video as the API answers it to whoever has written it: of one that is excluded, or of a removed creator, the status alone';

CREATE FUNCTION trackagoat.video_page(query jsonb, status trackagoat.tracking_status) RETURNS jsonb
	-- which index is best depends on what is asked, of how many
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp SET plan_cache_mode = force_custom_plan AS
$$
DECLARE
	after uuid := trackagoat.page_after(query);
	for_project uuid := CASE WHEN query ? 'project_id' THEN trackagoat.own_entity('project', (query ->> 'project_id')::uuid) END;
	for_creator uuid := CASE WHEN query ? 'creator_id' THEN trackagoat.own_entity('creator', (query ->> 'creator_id')::uuid) END;
	ids uuid[];
	objects json[];
BEGIN
	SELECT array_agg(o.id), array_agg(row_to_json(o)) INTO ids, objects
	FROM (SELECT v.* FROM trackagoat_api.videos v
		WHERE v.org_id = trackagoat.current_org() AND v.id < after
			AND (for_project IS NULL OR v.project_id = for_project) AND (for_creator IS NULL OR v.creator_id = for_creator)
			AND (status IS NULL OR v.tracking_status = status)
		ORDER BY v.id DESC LIMIT trackagoat.page_limit(query) + 1) o;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;

COMMENT ON FUNCTION trackagoat.video_page(jsonb, trackagoat.tracking_status) IS 'a page of the videos that are shown, of one status or of all';

CREATE FUNCTION trackagoat.v1_list_videos(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN trackagoat.video_page(request -> 'query', (request #>> '{query,tracking_status}')::trackagoat.tracking_status);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_videos(jsonb) IS 'GET /videos';

CREATE FUNCTION trackagoat.v1_list_inbox(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN trackagoat.video_page(request -> 'query', 'pending_review');
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_inbox(jsonb) IS 'GET /inbox';

CREATE FUNCTION trackagoat.v1_get_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := (request #>> '{ids,0}')::uuid;
BEGIN
	PERFORM FROM trackagoat_api.videos v WHERE v.id = video_id AND v.org_id = trackagoat.current_org();
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('video', video_id);
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.video_object(video_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_get_video(jsonb) IS
	'GET /videos/{id}; an excluded video is never returned, so it is not found, but PATCH brings it back';

CREATE FUNCTION trackagoat.v1_create_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	url text := request #>> '{body,url}';
	added record;
BEGIN
	SELECT a.* INTO added FROM trackagoat.add_videos(project_id, ARRAY[url]) a;
	IF added.result = 'queued' THEN
		RETURN jsonb_build_object('status', 202, 'data', jsonb_build_object('result', added.result, 'url', url));
	ELSIF added.result = 'already_there' THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'video_exists',
			DETAIL = format('{"message": "The project has the video already.", "video_id": "%s"}', added.video_id),
			HINT = 'PATCH /videos/{id} with a tracking_status brings it back if it was excluded.';
	ELSIF added.result = 'refused' THEN
		PERFORM trackagoat.refuse_video(added.code, url, project_id);
	END IF;
	RETURN jsonb_build_object('status', 201, 'data', trackagoat.video_object(added.video_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_create_video(jsonb) IS 'POST /projects/{id}/videos: 201, or 202 for a short link, which the worker follows: PT409 video_exists';

CREATE FUNCTION trackagoat.refuse_video(code text, url text, project_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF code = 'limit_reached' THEN
		-- the limit's own trigger says how many there are
		INSERT INTO trackagoat.video (org_id, project_id, tiktok_video_id)
		SELECT trackagoat.current_org(), refuse_video.project_id, u.tiktok_video_id FROM trackagoat.parse_video_url(url) u;
	END IF;
	PERFORM trackagoat.parse_video_url(url);
	RAISE SQLSTATE 'PT400' USING
		MESSAGE = code,
		DETAIL = format('The URL %s was refused.', left(url, 100)),
		HINT = 'Paste a link such as https://www.tiktok.com/@handle/video/7526770564367748360.';
END
$$;

COMMENT ON FUNCTION trackagoat.refuse_video(text, text, uuid) IS 'raises what adding one video was refused for, as the documented code';

CREATE FUNCTION trackagoat.v1_update_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.video v SET
		tracking_status = coalesce((body ->> 'tracking_status')::trackagoat.tracking_status, v.tracking_status),
		readme = CASE WHEN body ? 'readme' THEN body ->> 'readme' ELSE v.readme END,
		metadata = coalesce(body -> 'metadata', v.metadata)
	WHERE v.id = video_id AND v.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.video_object(video_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_update_video(jsonb) IS 'PATCH /videos/{id}, of an excluded video too';

CREATE FUNCTION trackagoat.v1_delete_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
BEGIN
	DELETE FROM trackagoat.video v WHERE v.id = video_id AND v.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', video_id, 'deleted', true));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_delete_video(jsonb) IS 'DELETE /videos/{id}';

CREATE FUNCTION trackagoat.v1_scrape_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
BEGIN
	PERFORM trackagoat.scrape_video(video_id);
	RETURN jsonb_build_object('status', 202, 'data', jsonb_build_object('result', 'queued', 'video_id', video_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_scrape_video(jsonb) IS 'POST /videos/{id}/scrape';

CREATE FUNCTION trackagoat.disable_videos(video_ids uuid[], disabled_at timestamptz) RETURNS uuid[]
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	changed uuid[];
BEGIN
	WITH done AS (UPDATE trackagoat.video v SET tracking_disabled_at = disabled_at
		FROM (SELECT w.id FROM trackagoat.video w WHERE w.id = ANY (video_ids) AND w.org_id = trackagoat.current_org()
				AND (w.tracking_disabled_at IS NULL) <> (disabled_at IS NULL) ORDER BY w.id FOR NO KEY UPDATE) d
		WHERE v.id = d.id AND v.org_id = trackagoat.current_org()
		RETURNING v.id)
	SELECT coalesce(array_agg(d.id), '{}') INTO changed FROM done d;
	RETURN changed;
END
$$;

COMMENT ON FUNCTION trackagoat.disable_videos(uuid[], timestamptz) IS
	'disable videos of one''s organization, or with NULL enable them; answers those that were not so before';

CREATE FUNCTION trackagoat.v1_disable_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
BEGIN
	PERFORM trackagoat.disable_videos(ARRAY[video_id], now());
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.video_object(video_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_disable_video(jsonb) IS 'POST /videos/{id}/tracking-disable';

CREATE FUNCTION trackagoat.v1_enable_video(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	video_id uuid := trackagoat.own_entity('video', (request #>> '{ids,0}')::uuid);
BEGIN
	PERFORM trackagoat.disable_videos(ARRAY[video_id], NULL);
	RETURN jsonb_build_object('status', 200, 'data', trackagoat.video_object(video_id));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_enable_video(jsonb) IS 'POST /videos/{id}/tracking-enable';

CREATE FUNCTION trackagoat.v1_disable_videos(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	wanted uuid[] := trackagoat.project_rows(request, 'video');
	disabled uuid[] := trackagoat.disable_videos(wanted, now());
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT jsonb_agg(jsonb_build_object('video_id', w.id,
			'result', CASE WHEN w.id = ANY (disabled) THEN 'disabled' ELSE 'already_disabled' END, 'code', NULL) ORDER BY w.place)
		FROM unnest(wanted) WITH ORDINALITY w (id, place)));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_disable_videos(jsonb) IS 'POST /projects/{id}/videos/bulk-tracking-disable';

CREATE FUNCTION trackagoat.v1_review_videos(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT jsonb_agg(to_jsonb(r))
		FROM trackagoat.review_videos(trackagoat.project_rows(request, 'video'), (request #>> '{body,tracking_status}')::trackagoat.tracking_status) r));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_review_videos(jsonb) IS 'POST /projects/{id}/videos/bulk-review';

CREATE FUNCTION trackagoat.retention_limit(INOUT tz text, OUT days bigint, OUT earliest date)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	SELECT coalesce(retention_limit.tz, o.timezone), trackagoat.plan_limit(o.plan, 'stats_history_retention_days') INTO tz, days
	FROM trackagoat.organization o WHERE o.id = trackagoat.current_org();
	PERFORM trackagoat.check_timezone(tz);
	earliest := trackagoat.shown_from(days, (now() AT TIME ZONE tz)::date);
END
$$;

COMMENT ON FUNCTION trackagoat.retention_limit(text) IS
	'how many days back the plan of one''s organization shows, and from which day on, in its time zone or tz; NULL for all: PT400 invalid_timezone';

CREATE FUNCTION trackagoat.refuse_retention(days bigint, earliest date) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT402' USING
		MESSAGE = 'retention_exceeded',
		DETAIL = format('{"retentionDays": %s, "earliest": "%s"}', days, earliest),
		HINT = format('Ask for %s or later, or choose a plan that keeps more.', earliest);
END
$$;

COMMENT ON FUNCTION trackagoat.refuse_retention(bigint, date) IS 'raises PT402 retention_exceeded';

CREATE FUNCTION trackagoat.retained_window(
	from_date date, to_date date, INOUT tz text, OUT first_day date, OUT last_day date, OUT days bigint, OUT earliest date)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	SELECT l.tz, l.days, l.earliest INTO tz, days, earliest FROM trackagoat.retention_limit(tz) l;
	SELECT w.first_day, w.last_day INTO first_day, last_day FROM trackagoat.analytics_window(from_date, to_date, tz, NULL) w;
	-- who names no first day is not refused for it
	IF coalesce(from_date, last_day) < earliest THEN
		PERFORM trackagoat.refuse_retention(days, earliest);
	END IF;
	first_day := greatest(first_day, earliest);
END
$$;

COMMENT ON FUNCTION trackagoat.retained_window(date, date, text) IS
	'the days of analytics that are asked for in one''s organization, in its time zone or tz, how many days its plan shows, and from which on: PT402 retention_exceeded for those before';

CREATE FUNCTION trackagoat.is_shown(series_kind text, bucket date, earliest date) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN series_kind <> 'prior_period' OR earliest IS NULL OR bucket >= earliest;

COMMENT ON FUNCTION trackagoat.is_shown(text, date, date) IS
	'whether a point of analytics is shown: what is compared with ends where the plan does';

CREATE FUNCTION trackagoat.retained_reference(reference_date date) RETURNS date
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	kept record;
	-- as many days as goals need are kept for every plan
	earliest date;
BEGIN
	SELECT l.* INTO kept FROM trackagoat.retention_limit(NULL) l;
	earliest := least(kept.earliest, trackagoat.shown_from(33, (now() AT TIME ZONE kept.tz)::date));
	IF kept.earliest IS NOT NULL AND reference_date < earliest THEN
		PERFORM trackagoat.refuse_retention(kept.days, earliest);
	END IF;
	RETURN reference_date;
END
$$;

COMMENT ON FUNCTION trackagoat.retained_reference(date) IS
	'the day for which goals are judged: PT402 retention_exceeded for one before those that the plan, or a month of goals, keeps';

CREATE FUNCTION trackagoat.entity_label(entity text, entity_id uuid) RETURNS text
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN CASE entity
		WHEN 'video' THEN (SELECT coalesce(v.title, v.tiktok_video_id::text) FROM trackagoat.video v WHERE v.id = entity_id AND v.org_id = trackagoat.current_org())
		WHEN 'creator' THEN (SELECT c.tiktok_handle::text FROM trackagoat.creator c WHERE c.id = entity_id AND c.org_id = trackagoat.current_org())
		WHEN 'campaign' THEN (SELECT k.name FROM trackagoat.campaign k WHERE k.id = entity_id AND k.org_id = trackagoat.current_org())
		WHEN 'project' THEN (SELECT p.name FROM trackagoat.project p WHERE p.id = entity_id AND p.org_id = trackagoat.current_org()) END;
END
$$;

COMMENT ON FUNCTION trackagoat.entity_label(text, uuid) IS 'what people call a video, creator, campaign or project of one''s organization';

CREATE FUNCTION trackagoat.asked_entities(query jsonb) RETURNS uuid[]
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	field text := CASE WHEN query ? 'entity_ids' THEN 'entity_ids' ELSE 'entity_id' END;
	ids uuid[];
BEGIN
	IF NOT query ? field THEN
		PERFORM trackagoat.refuse_field('invalid_query', field, 'is missing', 'Give entity_id, or up to five in entity_ids, between commas.');
	ELSIF query ?& ARRAY['entity_id', 'entity_ids'] THEN
		PERFORM trackagoat.refuse_field('invalid_query', field, 'must be left out where there is an entity_id');
	END IF;
	ids := ARRAY(SELECT e.id::uuid FROM jsonb_array_elements_text(trackagoat.check_field('invalid_query', field,
		to_jsonb(string_to_array(query ->> field, ',')),
		'{"type": "array", "minItems": 1, "maxItems": 5, "items": {"type": "string", "format": "uuid"}}')) e (id));
	IF (SELECT count(DISTINCT e.id) FROM unnest(ids) e (id)) < cardinality(ids) THEN
		PERFORM trackagoat.refuse_field('invalid_query', field, 'has an id twice');
	END IF;
	PERFORM trackagoat.own_entity(query ->> 'entity', e.id) FROM unnest(ids) e (id);
	RETURN ids;
END
$$;

COMMENT ON FUNCTION trackagoat.asked_entities(jsonb) IS 'the entities that a query names, all of one''s organization: PT400 invalid_query, PT404';

CREATE FUNCTION trackagoat.analytics_series(query jsonb, ids uuid[], first_day date, last_day date, tz text, earliest date) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	entity text := query ->> 'entity';
BEGIN
	RETURN (SELECT jsonb_agg(jsonb_build_object('entity_ref', jsonb_build_object('id', s.entity_id, 'label', trackagoat.entity_label(entity, s.entity_id)),
			'series_kind', s.series_kind, 'points', s.points) ORDER BY s.place)
		FROM (SELECT a.entity_id, a.series_kind, min(a.place) AS place, jsonb_agg(jsonb_build_object('bucket', a.bucket,
				'value', trackagoat.api_number(a.value), 'is_partial', a.is_partial, 'is_baseline', a.is_baseline) ORDER BY a.place) AS points
			FROM trackagoat.analytics(entity, ids, query ->> 'metric', query ->> 'mode', query ->> 'granularity',
				first_day, last_day, tz, query ->> 'compare', query ->> 'base_metric') WITH ORDINALITY
				a (entity_id, series_kind, bucket, value, is_partial, is_baseline, place)
			WHERE trackagoat.is_shown(a.series_kind, a.bucket, earliest)
			GROUP BY a.series_kind, a.entity_id) s);
END
$$;

COMMENT ON FUNCTION trackagoat.analytics_series(jsonb, uuid[], date, date, text, date) IS
	'what analytics() answers a query, by entity and kind: {entity_ref: {id, label}, series_kind, points: [{bucket, value, is_partial, is_baseline}]}';

CREATE FUNCTION trackagoat.breakdown_series(query jsonb, ids uuid[], first_day date, last_day date, tz text) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF query ->> 'entity' <> 'campaign' OR cardinality(ids) <> 1 THEN
		PERFORM trackagoat.refuse_field('invalid_query', 'breakdown', 'is of one campaign');
	END IF;
	RETURN (SELECT jsonb_agg(jsonb_build_object('entity_ref', jsonb_build_object('id', s.entity_ref, 'label', s.label),
			'series_kind', 'breakdown', 'points', s.points) ORDER BY s.place)
		FROM (SELECT b.entity_ref, b.label, min(b.place) AS place, jsonb_agg(jsonb_build_object('bucket', b.bucket,
				'value', trackagoat.api_number(b.value), 'is_partial', b.is_partial, 'is_baseline', b.is_baseline) ORDER BY b.place) AS points
			FROM trackagoat.campaign_breakdown(ids[1], query ->> 'metric', query ->> 'mode', query ->> 'granularity',
				first_day, last_day, tz) WITH ORDINALITY b (entity_ref, label, bucket, value, is_partial, is_baseline, place)
			GROUP BY b.entity_ref, b.label) s);
END
$$;

COMMENT ON FUNCTION trackagoat.breakdown_series(jsonb, uuid[], date, date, text) IS
	'what campaign_breakdown() answers a query, in the shape of analytics_series(): PT400 invalid_query for what is not one campaign';

CREATE FUNCTION trackagoat.csv_field(content text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- what strangers write must be no formula where it is opened as a sheet
	RETURN (SELECT CASE WHEN t.plain ~ '[",\r\n]' THEN '"' || replace(t.plain, '"', '""') || '"' ELSE coalesce(t.plain, '') END
		FROM (SELECT regexp_replace(content, '^(?=[-=+@\t\r])', '''')) t (plain));

COMMENT ON FUNCTION trackagoat.csv_field(text) IS
	'a text as a field of CSV, in quotes where it needs them (RFC 4180), after an apostrophe where it would be a formula; NULL is empty';

CREATE FUNCTION trackagoat.series_csv(series jsonb) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN E'series_kind,entity_id,label,bucket,value,is_partial,is_baseline\r\n' || (
		SELECT string_agg(concat_ws(',', s.value ->> 'series_kind', s.value #>> '{entity_ref,id}', trackagoat.csv_field(s.value #>> '{entity_ref,label}'),
			p.value ->> 'bucket', coalesce(p.value ->> 'value', ''), p.value ->> 'is_partial', p.value ->> 'is_baseline') || E'\r\n', '' ORDER BY s.place, p.place)
		FROM jsonb_array_elements(series) WITH ORDINALITY s (value, place),
			jsonb_array_elements(s.value -> 'points') WITH ORDINALITY p (value, place));
END
$$;

COMMENT ON FUNCTION trackagoat.series_csv(jsonb) IS 'series of analytics as CSV, a row a point';

CREATE FUNCTION trackagoat.v1_analytics(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := '{"mode": "new", "granularity": "day"}' || (request -> 'query');
	ids uuid[] := trackagoat.asked_entities(query);
	days record;
	series jsonb;
	breakdown jsonb := '[]';
BEGIN
	SELECT w.* INTO days FROM trackagoat.retained_window((query ->> 'from')::date, (query ->> 'to')::date, query ->> 'tz') w;
	series := trackagoat.analytics_series(query, ids, days.first_day, days.last_day, days.tz, days.earliest);
	IF query ? 'breakdown' THEN
		breakdown := trackagoat.breakdown_series(query, ids, days.first_day, days.last_day, days.tz);
	END IF;
	IF query ->> 'format' = 'csv' THEN
		RETURN jsonb_build_object('status', 200, 'text', trackagoat.series_csv(series || breakdown), 'headers', jsonb_build_object(
			'Content-Type', 'text/csv; charset=utf-8', 'Content-Disposition', format('attachment; filename="%s-%s-%s-%s.csv"',
				query ->> 'entity', query ->> 'metric', days.first_day, days.last_day)));
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('entity', query -> 'entity', 'metric', query -> 'metric',
		'mode', query -> 'mode', 'granularity', query -> 'granularity',
		'unit', CASE WHEN query ->> 'metric' ~ '^(engagement|growth)_rate_' THEN 'percent' ELSE 'count' END,
		'tz', days.tz, 'from', days.first_day, 'to', days.last_day,
		'series', series, 'breakdown_series', breakdown, 'tier_retention_days', days.days));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_analytics(jsonb) IS 'GET /analytics';

CREATE FUNCTION trackagoat.v1_gone(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT410' USING
		MESSAGE = 'gone',
		DETAIL = 'This endpoint was removed.',
		HINT = 'GET /analytics?entity=...&entity_id=...&metric=... has taken its place.';
END
$$;

COMMENT ON FUNCTION trackagoat.v1_gone(jsonb) IS 'what was removed: PT410 gone';

CREATE FUNCTION trackagoat.json_type(type regtype) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	described record;
BEGIN
	SELECT t.typelem, t.typtype, t.typcategory INTO described FROM pg_type t WHERE t.oid = json_type.type;
	RETURN CASE
		WHEN described.typcategory = 'A' THEN jsonb_build_object('type', 'array', 'items', trackagoat.json_type(described.typelem))
		WHEN described.typtype = 'e' THEN jsonb_build_object('type', 'string', 'enum',
			(SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = json_type.type))
		ELSE CASE type
			WHEN 'uuid'::regtype THEN '{"type": "string", "format": "uuid"}'
			WHEN 'timestamptz'::regtype THEN '{"type": "string", "format": "date-time"}'
			WHEN 'date'::regtype THEN '{"type": "string", "format": "date"}'
			WHEN 'boolean'::regtype THEN '{"type": "boolean"}'
			WHEN 'jsonb'::regtype THEN '{"type": "object"}'
			WHEN 'numeric'::regtype THEN '{"type": "number"}'
			ELSE CASE described.typcategory WHEN 'N' THEN '{"type": "integer"}' ELSE '{"type": "string"}' END::jsonb END END;
END
$$;

COMMENT ON FUNCTION trackagoat.json_type(regtype) IS 'how JSON Schema describes the values of a type';

CREATE FUNCTION trackagoat.api_objects() RETURNS TABLE (entity text, hidden text[], fields jsonb)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	SELECT o.entity, o.hidden::text[], o.fields::jsonb FROM (VALUES
		('api_key', '{}', '{"key": {"type": "string", "nullable": true, "description": "the key itself: only where it is made, this once"}}'),
		('campaign', '{org_id}', '{"creators": {"type": "integer", "description": "creators of the videos that count"},
			"videos": {"type": "integer", "description": "videos that count, each once"}, "views": {"type": "integer", "nullable": true, "description": "their views; null while none is known"},
			"likes": {"type": "integer", "nullable": true, "description": "their likes; null while none is known"}, "comments": {"type": "integer", "nullable": true, "description": "their comments; null while none is known"},
			"shares": {"type": "integer", "nullable": true, "description": "their shares; null while none is known"}, "saves": {"type": "integer", "nullable": true, "description": "how often they were saved; null while none is known"},
			"engagement_rate": {"type": "number", "nullable": true, "description": "likes, comments, shares and saves in percent of the views"}}'),
		('campaign_item', '{org_id,project_id,campaign_id,creator_id,video_id,child_campaign_id}',
			'{"item_type": {"type": "string", "enum": ["creator", "video", "campaign"], "description": "what it is"}}'),
		('creator_event', '{org_id,project_id}', '{}'),
		('goal', '{org_id}', '{}'),
		('deleted', '{}', '{"id": {"type": "string", "format": "uuid", "description": "what it was"}, "deleted": {"type": "boolean", "description": "true"}}'),
		('removed', '{}', '{"id": {"type": "string", "format": "uuid", "description": "who it was"}, "removed": {"type": "boolean", "description": "true"}}'),
		('queued_scrape', '{}', '{"result": {"type": "string", "description": "queued: it is fetched soon"},
			"creator_id": {"type": "string", "format": "uuid", "description": "creator that is fetched, if it is one"},
			"video_id": {"type": "string", "format": "uuid", "description": "video that is fetched, if it is one"}}'),
		('added_creator', '{}', '{"tiktok_handle": {"type": "string", "description": "as it was sent"},
			"result": {"type": "string", "enum": ["created", "reactivated", "already_there", "refused"], "description": "what became of it"},
			"code": {"type": "string", "nullable": true, "description": "why it was refused"},
			"creator": {"type": "creator", "nullable": true, "description": "the creator; null where it was refused"}}'),
		('queued_link', '{}', '{"result": {"type": "string", "description": "queued: it is followed soon"}, "url": {"type": "string", "description": "the short link"}}'),
		('creator_result', '{}', '{"creator_id": {"type": "string", "format": "uuid", "description": "creator"},
			"result": {"type": "string", "description": "what became of it"},
			"code": {"type": "string", "nullable": true, "description": "why it was refused"}}'),
		('video_result', '{}', '{"video_id": {"type": "string", "format": "uuid", "description": "video"},
			"result": {"type": "string", "description": "what became of it"},
			"code": {"type": "string", "nullable": true, "description": "why it was refused"}}'),
		('compliance', '{}', '{"creator": {"type": "object", "description": "id, tiktok_handle, display_name, avatar_url"},
			"compliance": {"type": "array", "items": {"type": "goal_state"}, "description": "where each of the goals stands"}}'),
		('goal_state', '{}', '{"goal": {"type": "goal", "description": "the goal"},
			"actual": {"type": "number", "nullable": true, "description": "what was reached in the period; null where nothing is known"},
			"projected": {"type": "number", "nullable": true, "description": "what it comes to by the end of the period at this pace"},
			"target": {"type": "number", "description": "what is to be reached"}, "status": {"type": "string", "description": "as of the reference date; see goal"},
			"period_start": {"type": "string", "format": "date", "description": "first day of the period"},
			"period_end": {"type": "string", "format": "date", "nullable": true, "description": "its last day"},
			"compliant": {"type": "boolean", "nullable": true, "description": "whether it is on track or completed"},
			"advisory": {"type": "object", "description": "has_advisory, messages, and a flag for each reason to be careful"}}'),
		('goal_counts', '{}', '{"project_id": {"type": "string", "format": "uuid", "description": "project"},
			"creators": {"type": "integer", "description": "creators that have goals"}, "goals": {"type": "integer", "description": "goals; in which status they are follows, by its name"}}'),
		('analytics', '{}', '{"entity": {"type": "string", "description": "as it was asked"}, "metric": {"type": "string", "description": "as it was asked"},
			"mode": {"type": "string", "description": "new, cumulative or rate"}, "granularity": {"type": "string", "description": "day, week or month"},
			"unit": {"type": "string", "enum": ["percent", "count"], "description": "of the values"}, "tz": {"type": "string", "description": "time zone of the days"},
			"from": {"type": "string", "format": "date", "description": "first day"}, "to": {"type": "string", "format": "date", "description": "last day"},
			"series": {"type": "array", "nullable": true, "items": {"type": "analytics_series"}, "description": "one for each entity, and for its prior period"},
			"breakdown_series": {"type": "array", "nullable": true, "items": {"type": "analytics_series"}, "description": "of a campaign by video: ten, and the others as __other__"},
			"tier_retention_days": {"type": "integer", "nullable": true, "description": "days that the plan keeps; null for all"}}'),
		('analytics_series', '{}', '{"entity_ref": {"type": "object", "description": "id and label"},
			"series_kind": {"type": "string", "description": "main, prior_period or breakdown"},
			"points": {"type": "array", "items": {"type": "object"}, "description": "bucket (its first day), value, is_partial, is_baseline"}}'),
		('schema', '{}', '{"entities": {"type": "object", "description": "by name: description, and fields by name with type, nullable and description"}}')
	) o (entity, hidden, fields);
END;

COMMENT ON FUNCTION trackagoat.api_objects() IS
	'what the API answers that is no column of a view: fields by name, as JSON schemas, a type may be another entity; and which columns it does not answer';

CREATE FUNCTION trackagoat.api_entities() RETURNS TABLE (entity text, description text, fields jsonb)
	LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- a view shows the columns of its table by their names; on what it calls otherwise it has its own comment
	RETURN QUERY SELECT coalesce(t.entity, o.entity), t.description, coalesce(t.fields - o.hidden, t.fields, '{}') || coalesce(o.fields, '{}')
	FROM (SELECT b.relname::text AS entity, obj_description(b.oid, 'pg_class') AS description,
			jsonb_object_agg(a.attname, trackagoat.json_type(a.atttypid) || jsonb_build_object('nullable', NOT coalesce(c.attnotnull, false),
				'description', coalesce(col_description(v.oid, a.attnum), col_description(b.oid, c.attnum)))) AS fields
		FROM pg_class v
		JOIN pg_class b ON b.relnamespace = 'trackagoat'::regnamespace AND b.relname || 's' = v.relname
		JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
		LEFT JOIN pg_attribute c ON c.attrelid = b.oid AND c.attname = a.attname AND c.attnum > 0
		WHERE v.relnamespace = 'trackagoat_api'::regnamespace AND v.relkind = 'v'
		GROUP BY b.oid, b.relname) t
	FULL JOIN trackagoat.api_objects() o ON o.entity = t.entity;
END
$$;

COMMENT ON FUNCTION trackagoat.api_entities() IS 'what the API answers: fields by name, as JSON schemas with nullable and description; what is no table has no description';

CREATE FUNCTION trackagoat.v1_schema(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('entities',
		(SELECT jsonb_object_agg(e.entity, jsonb_build_object('description', e.description, 'fields',
			(SELECT jsonb_object_agg(f.key, '{"nullable": false}' || f.value) FROM jsonb_each(e.fields) f)))
		FROM trackagoat.api_entities() e WHERE e.description IS NOT NULL)));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_schema(jsonb) IS 'GET /schema';

CREATE FUNCTION trackagoat.openapi_schema(schema jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	nullable boolean := schema @> '{"nullable": true}';
	changed jsonb := schema - 'nullable';
BEGIN
	IF schema ? 'type' AND schema ->> 'type' NOT IN ('object', 'array', 'string', 'integer', 'number', 'boolean') THEN
		changed := jsonb_build_object('$ref', '#/components/schemas/' || (schema ->> 'type'));
		RETURN jsonb_strip_nulls(jsonb_build_object('description', schema -> 'description'))
			|| CASE WHEN nullable THEN jsonb_build_object('anyOf', jsonb_build_array(changed, '{"type": "null"}'::jsonb)) ELSE changed END;
	END IF;
	IF nullable THEN
		changed := changed || jsonb_build_object('type', jsonb_build_array(schema -> 'type', 'null'))
			|| CASE WHEN schema ? 'enum' THEN jsonb_build_object('enum', schema -> 'enum' || 'null'::jsonb) ELSE '{}' END;
	END IF;
	IF schema ? 'items' THEN
		changed := changed || jsonb_build_object('items', trackagoat.openapi_schema(schema -> 'items'));
	END IF;
	IF schema ? 'properties' THEN
		changed := changed || jsonb_build_object('type', 'object', 'properties',
			(SELECT coalesce(jsonb_object_agg(p.key, trackagoat.openapi_schema(p.value)), '{}') FROM jsonb_each(schema -> 'properties') p));
	END IF;
	RETURN changed;
END
$$;

COMMENT ON FUNCTION trackagoat.openapi_schema(jsonb) IS 'a schema of a route or entity as OpenAPI 3.1 has it: null is a type, and entities are referred to';

CREATE FUNCTION trackagoat.openapi_path(pattern text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	-- what stands before an id says whose it is
	SELECT string_agg(CASE WHEN s.part = '{id}' THEN '{' || replace(rtrim(s.before, 's'), '-', '_') || '_id}' ELSE s.part END, '/' ORDER BY s.place)
	FROM (SELECT p.part, p.place, lag(p.part) OVER (ORDER BY p.place) AS before
		FROM unnest(string_to_array(pattern, '/')) WITH ORDINALITY p (part, place)) s;
END;

COMMENT ON FUNCTION trackagoat.openapi_path(text) IS 'the pattern of a route with a name for each id';

CREATE FUNCTION trackagoat.openapi_answer(summary text, data text, has_csv boolean) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	choices jsonb;
	body jsonb;
BEGIN
	SELECT jsonb_agg(CASE WHEN c.choice LIKE '%[]' THEN jsonb_build_object('type', 'array', 'items', r.ref) ELSE r.ref END) INTO choices
	FROM string_to_table(data, '|') c (choice), LATERAL (SELECT jsonb_build_object('$ref', '#/components/schemas/' || rtrim(c.choice, '[]')) AS ref) r;
	body := CASE data WHEN 'openapi' THEN '{"type": "object"}' ELSE jsonb_build_object('type', 'object', 'required', '["data", "error", "meta"]'::jsonb,
		'properties', jsonb_build_object(
			'data', CASE jsonb_array_length(choices) WHEN 1 THEN choices -> 0 ELSE jsonb_build_object('oneOf', choices) END,
			'error', '{"type": "null"}'::jsonb,
			'meta', '{"$ref": "#/components/schemas/meta"}'::jsonb)) END;
	RETURN jsonb_build_object('description', summary, 'content', jsonb_build_object('application/json', jsonb_build_object('schema', body))
		|| CASE WHEN has_csv THEN '{"text/csv": {"schema": {"type": "string"}}}' ELSE '{}'::jsonb END);
END
$$;

COMMENT ON FUNCTION trackagoat.openapi_answer(text, text, boolean) IS 'an answer, in the envelope';

CREATE FUNCTION trackagoat.openapi_problems() RETURNS TABLE (status text, description text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 12
BEGIN ATOMIC
	SELECT p.* FROM (VALUES
		('400', 'invalid_query, invalid_body, or another invalid_...: a field that is not allowed, in meta.field where it is one'),
		('401', 'invalid_api_key, invalid_token: no key, or one that is unknown, expired or revoked'),
		('402', 'limit_reached, with limitKey, current and max in meta; retention_exceeded, with retentionDays and earliest'),
		('403', 'insufficient_scope: meta has required and granted; not_a_member'),
		('404', '..._not_found: there is no such row, or it is of another organization'),
		('409', 'what contradicts what is there, such as handle_taken; idempotency_key_reused; conflict, to be tried again'),
		('410', 'gone: GET /analytics has taken its place'),
		('413', 'body_too_large'),
		('415', 'unsupported_media_type'),
		('429', 'rate_limit_exceeded: meta.retryAfter and the header Retry-After say in how many seconds it is possible'),
		('500', 'internal_error')) p (status, description);
END;

COMMENT ON FUNCTION trackagoat.openapi_problems() IS 'what goes wrong, by HTTP status, and the codes';

CREATE FUNCTION trackagoat.openapi_operation(route jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	path text := trackagoat.openapi_path(route ->> 'pattern');
	handler text := substr(route ->> 'handler', 4);
	is_gone boolean := route ->> 'data' = 'gone';
	is_post boolean := route ->> 'method' = 'POST';
	has_body boolean := route #> '{body,properties}' <> '{}';
	has_csv boolean := coalesce(route #> '{query,properties,format,enum}' ? 'csv', false);
	problems text[] := '{500}' || CASE WHEN NOT is_gone THEN ARRAY['400'] END || CASE WHEN route ->> 'scope' IS NOT NULL THEN ARRAY['401', '403', '429'] END
		|| CASE WHEN NOT is_gone AND (path LIKE '%{%' OR route #> '{query,properties}' ?| ARRAY['project_id', 'creator_id', 'entity_id'])
			THEN ARRAY['404'] END || CASE WHEN route ->> 'method' <> 'GET' THEN ARRAY['409'] END
		|| CASE WHEN has_body THEN ARRAY['413', '415'] END || CASE WHEN is_post OR handler IN ('analytics', 'goal_compliance', 'goal_counts') THEN ARRAY['402'] END
		|| CASE WHEN is_gone THEN ARRAY['410'] END;
BEGIN
	RETURN jsonb_build_object(
		'operationId', concat_ws('_', handler, CASE WHEN is_gone THEN split_part(path, '/', 2) END),
		'summary', route -> 'summary',
		'tags', jsonb_build_array(split_part(path, '/', 2)),
		'parameters', (SELECT coalesce(jsonb_agg(p.parameter), '[]') FROM (
			SELECT jsonb_build_object('name', m.name[1], 'in', 'path', 'required', true, 'schema', '{"type": "string", "format": "uuid"}'::jsonb)
				FROM regexp_matches(path, '\{(\w+)\}', 'g') m (name)
			UNION ALL SELECT jsonb_build_object('name', q.key, 'in', 'query', 'required', coalesce(route #> '{query,required}' ? q.key, false),
				'schema', trackagoat.openapi_schema(q.value)) FROM jsonb_each(route #> '{query,properties}') q
			UNION ALL SELECT '{"$ref": "#/components/parameters/idempotency_key"}' WHERE is_post
			UNION ALL SELECT '{"$ref": "#/components/parameters/organization_id"}' WHERE route ->> 'scope' IS NOT NULL) p (parameter)),
		'responses', (SELECT jsonb_object_agg(r.status, r.response) FROM (
			SELECT coalesce(substring(a.answer FROM '^[0-9]+'), '200'), trackagoat.openapi_answer(route ->> 'summary', ltrim(a.answer, '0123456789 '), has_csv)
				FROM string_to_table(route ->> 'data', ', ') a (answer) WHERE NOT is_gone
			UNION ALL SELECT e.status, jsonb_build_object('$ref', '#/components/responses/' || e.status) FROM unnest(problems) e (status)) r (status, response)))
		|| CASE WHEN has_body THEN jsonb_build_object('requestBody', jsonb_build_object(
				'required', route -> 'body' ?| ARRAY['required', 'minProperties'],
				'content', jsonb_build_object('application/json', jsonb_build_object('schema', trackagoat.openapi_schema(route -> 'body')))))
			ELSE '{}' END
		|| CASE WHEN route ->> 'scope' IS NULL THEN '{"security": []}'
			ELSE jsonb_build_object('description', format('Needs the scope %s.', route ->> 'scope')) END
		|| CASE WHEN is_gone THEN '{"deprecated": true}' ELSE '{}' END::jsonb;
END
$$;

COMMENT ON FUNCTION trackagoat.openapi_operation(jsonb) IS 'a route as an operation of OpenAPI';

CREATE FUNCTION trackagoat.openapi_components() RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object(
		'securitySchemes', '{"bearer": {"type": "http", "scheme": "bearer", "description": "an API key, or a token of a member"},
			"api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "an API key"}}'::jsonb,
		'parameters', '{
			"idempotency_key": {"name": "Idempotency-Key", "in": "header", "required": false, "schema": {"type": "string", "minLength": 1, "maxLength": 255},
				"description": "the same once more within 24 hours is answered as before, and does nothing"},
			"organization_id": {"name": "X-Organization-Id", "in": "header", "required": false, "schema": {"type": "string", "format": "uuid"},
				"description": "for tokens of users who are in several organizations"}}'::jsonb,
		'responses', (SELECT jsonb_object_agg(p.status, jsonb_build_object('description', p.description,
			'content', '{"application/json": {"schema": {"$ref": "#/components/schemas/problem"}}}'::jsonb)) FROM trackagoat.openapi_problems() p),
		'schemas', '{
			"meta": {"type": "object", "properties": {"limit": {"type": "integer", "description": "of a list: how many items a page has"},
				"nextCursor": {"type": ["string", "null"], "description": "of a list: cursor of the next page; null on the last"}}},
			"problem": {"type": "object", "required": ["data", "error", "meta"], "properties": {"data": {"type": "null"},
				"error": {"type": "string", "description": "the code"},
				"meta": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}, "message": {"type": "string"},
					"hint": {"type": "string"}, "field": {"type": "string"}, "retryAfter": {"type": "integer"}}}}}}'
			|| (SELECT jsonb_object_agg(e.entity, jsonb_strip_nulls(jsonb_build_object('description', e.description))
				|| trackagoat.openapi_schema(jsonb_build_object('type', 'object', 'properties', e.fields))) FROM trackagoat.api_entities() e));
END
$$;

COMMENT ON FUNCTION trackagoat.openapi_components() IS 'what operations of OpenAPI refer to';

CREATE FUNCTION trackagoat.v1_openapi(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN jsonb_build_object('status', 200, 'text', jsonb_build_object(
		'openapi', '3.1.0',
		'info', jsonb_build_object('title', 'trackagoat', 'description', obj_description('trackagoat_api'::regnamespace, 'pg_namespace'),
			'version', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'trackagoat')),
		'servers', '[{"url": "/api/v1"}]'::jsonb,
		'security', '[{"bearer": []}, {"api_key": []}]'::jsonb,
		'paths', (SELECT jsonb_object_agg(p.path, p.operations) FROM (
			SELECT trackagoat.openapi_path(r.pattern) AS path, jsonb_object_agg(lower(r.method), trackagoat.openapi_operation(to_jsonb(r))) AS operations
			FROM trackagoat.api_routes() r GROUP BY r.pattern) p),
		'components', trackagoat.openapi_components())::text);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_openapi(jsonb) IS 'GET /openapi.json: the document itself, not in the envelope';

CREATE FUNCTION trackagoat.goal_objects(goal_ids uuid[]) RETURNS TABLE (id uuid, object json)
	LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT g.id, json_build_object('id', g.id, 'project_id', g.project_id, 'creator_id', g.creator_id, 'goal_type', g.goal_type,
		'target', trackagoat.api_number(g.target), 'period', g.period, 'starts_on', g.starts_on, 'ends_on', g.ends_on,
		'status', g.status, 'status_period', g.status_period, 'status_at', g.status_at, 'created_at', g.created_at, 'updated_at', g.updated_at)
	FROM trackagoat.goal g WHERE g.id = ANY (goal_ids) AND g.org_id = trackagoat.current_org()
	ORDER BY g.id DESC;
END
$$;

COMMENT ON FUNCTION trackagoat.goal_objects(uuid[]) IS 'goals of one''s organization as the API answers them, newest first; status is as of their last evaluation';

CREATE FUNCTION trackagoat.v1_list_goals(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	for_project uuid := CASE WHEN query ? 'project_id' THEN trackagoat.own_entity('project', (query ->> 'project_id')::uuid) END;
	for_creator uuid := CASE WHEN query ? 'creator_id' THEN trackagoat.own_entity('creator', (query ->> 'creator_id')::uuid) END;
	ids uuid[] := ARRAY(SELECT g.id FROM trackagoat.goal g
		WHERE g.org_id = trackagoat.current_org() AND g.id < after
			AND (for_project IS NULL OR g.project_id = for_project) AND (for_creator IS NULL OR g.creator_id = for_creator)
		ORDER BY g.id DESC LIMIT trackagoat.page_limit(query) + 1);
BEGIN
	RETURN trackagoat.page_answer(ARRAY(SELECT o.object FROM trackagoat.goal_objects(ids) o), ids, query);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_list_goals(jsonb) IS 'GET /goals';

CREATE FUNCTION trackagoat.v1_get_goal(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	goal_id uuid := trackagoat.own_entity('goal', (request #>> '{ids,0}')::uuid);
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.goal_objects(ARRAY[goal_id]) o));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_get_goal(jsonb) IS 'GET /goals/{id}';

CREATE FUNCTION trackagoat.v1_create_goal(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	for_project uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
	for_creator uuid := (body ->> 'creator_id')::uuid;
	goal_id uuid;
BEGIN
	PERFORM FROM trackagoat.creator c WHERE c.id = for_creator AND c.org_id = trackagoat.current_org()
		AND c.project_id = for_project AND c.removed_at IS NULL;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('creator', for_creator);
	END IF;
	INSERT INTO trackagoat.goal (org_id, project_id, creator_id, goal_type, target, period, starts_on, ends_on)
	VALUES (trackagoat.current_org(), for_project, for_creator, (body ->> 'goal_type')::trackagoat.goal_type,
		trim_scale((body ->> 'target')::numeric), (body ->> 'period')::trackagoat.goal_period,
		(body ->> 'starts_on')::date, (body ->> 'ends_on')::date)
	RETURNING id INTO goal_id;
	RETURN jsonb_build_object('status', 201, 'data', (SELECT o.object FROM trackagoat.goal_objects(ARRAY[goal_id]) o));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_create_goal(jsonb) IS 'POST /projects/{id}/goals';

CREATE FUNCTION trackagoat.v1_update_goal(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	goal_id uuid := trackagoat.own_entity('goal', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.goal g SET
		target = coalesce(trim_scale((body ->> 'target')::numeric), g.target),
		period = CASE WHEN body ? 'period' THEN (body ->> 'period')::trackagoat.goal_period ELSE g.period END,
		starts_on = coalesce((body ->> 'starts_on')::date, g.starts_on),
		ends_on = CASE WHEN body ? 'ends_on' THEN (body ->> 'ends_on')::date ELSE g.ends_on END
	WHERE g.id = goal_id AND g.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.goal_objects(ARRAY[goal_id]) o));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_update_goal(jsonb) IS 'PATCH /goals/{id}';

CREATE FUNCTION trackagoat.v1_delete_goal(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	goal_id uuid := trackagoat.own_entity('goal', (request #>> '{ids,0}')::uuid);
BEGIN
	DELETE FROM trackagoat.goal g WHERE g.id = goal_id AND g.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', goal_id, 'deleted', true));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_delete_goal(jsonb) IS 'DELETE /goals/{id}';

CREATE FUNCTION trackagoat.v1_goal_compliance(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	query jsonb := request -> 'query';
	for_creator uuid := CASE WHEN query ? 'creator_id' THEN trackagoat.own_entity('creator', (query ->> 'creator_id')::uuid) END;
	states jsonb;
BEGIN
	WITH states AS MATERIALIZED (
		SELECT s.* FROM trackagoat.goal_compliance(project_id, trackagoat.retained_reference((query ->> 'reference_date')::date), for_creator,
			(query ->> 'period')::trackagoat.goal_period) s
	), goals AS MATERIALIZED (
		SELECT o.id, o.object FROM trackagoat.goal_objects(ARRAY(SELECT s.goal_id FROM states s)) o
	), by_creator AS (
		SELECT s.creator_id, jsonb_agg(jsonb_build_object('goal', g.object,
			'actual', trackagoat.api_number(s.actual), 'projected', trackagoat.api_number(s.projected),
			'target', trackagoat.api_number(s.target), 'status', s.status, 'period_start', s.period_start, 'period_end', s.period_end,
			'compliant', s.compliant, 'advisory', s.advisory) ORDER BY s.goal_id) AS compliance
		FROM states s JOIN goals g ON g.id = s.goal_id
		GROUP BY s.creator_id
	)
	SELECT jsonb_agg(jsonb_build_object('creator', jsonb_build_object('id', c.id, 'tiktok_handle', c.tiktok_handle,
			'display_name', coalesce(c.display_name_override, c.display_name), 'avatar_url', c.avatar_url),
		'compliance', b.compliance) ORDER BY c.id DESC)
	INTO states
	FROM by_creator b JOIN trackagoat.creator c ON c.id = b.creator_id AND c.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', coalesce(states, '[]'));
END
$$;

COMMENT ON FUNCTION trackagoat.v1_goal_compliance(jsonb) IS 'GET /projects/{id}/goal-compliance';

CREATE FUNCTION trackagoat.v1_goal_counts(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	project_id uuid := trackagoat.own_entity('project', (query ->> 'project_id')::uuid);
	counts jsonb;
BEGIN
	WITH states AS MATERIALIZED (
		SELECT s.creator_id, s.status FROM trackagoat.goal_compliance(project_id, trackagoat.retained_reference((query ->> 'reference_date')::date), NULL,
			(query ->> 'period')::trackagoat.goal_period) s
	)
	SELECT jsonb_build_object('project_id', project_id, 'creators', (SELECT count(DISTINCT s.creator_id) FROM states s),
		'goals', (SELECT count(*) FROM states s)) || jsonb_object_agg(e.status, (SELECT count(*) FROM states s WHERE s.status = e.status))
	INTO counts
	FROM unnest(enum_range(NULL::trackagoat.goal_status)) e (status);
	RETURN jsonb_build_object('status', 200, 'data', counts);
END
$$;

COMMENT ON FUNCTION trackagoat.v1_goal_counts(jsonb) IS 'GET /analytics/aggregate/goal-compliance';

CREATE FUNCTION trackagoat.api_routes()
	RETURNS TABLE (method text, pattern text, scope text, handler text, summary text, query jsonb, body jsonb, data text)
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 60 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	page jsonb := '{"limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}, "cursor": {"type": "string", "maxLength": 100}}';
	project jsonb := '{"project_id": {"type": "string", "format": "uuid"}}';
	creator jsonb := '{"creator_id": {"type": "string", "format": "uuid"}}';
	readme jsonb := '{"readme": {"type": "string", "maxLength": 65536, "nullable": true}}';
	metadata jsonb := '{"metadata": {"type": "object"}}';
	handle jsonb := '{"tiktok_handle": {"type": "string"}}';
	mode jsonb := '{"tracking_mode": {"type": "string", "enum": ["auto", "selective"]}}';
	start jsonb := '{"tracking_start_date": {"type": "string", "format": "date"}}';
	name jsonb := '{"name": {"type": "string", "minLength": 1, "maxLength": 200}}';
	description jsonb := '{"description": {"type": "string", "maxLength": 65536, "nullable": true}}';
	target jsonb := '{"target_views": {"type": "integer", "minimum": 1, "nullable": true}, "target_at": {"type": "string", "format": "date-time", "nullable": true}}';
	item jsonb := '{"item_type": {"type": "string", "enum": ["creator", "video", "campaign"]}, "item_id": {"type": "string", "format": "uuid"}}';
	goal jsonb := '{"target": {"type": "number", "minimum": 0}, "ends_on": {"type": "string", "format": "date", "nullable": true}, "starts_on": {"type": "string", "format": "date"}}';
	period jsonb := '{"period": {"type": "string", "enum": ["daily", "weekly", "monthly"], "nullable": true}}';
	many jsonb := '{"type": "array", "minItems": 1, "maxItems": 1000, "items": {"type": "string", "format": "uuid"}}';
	role jsonb := '{"role": {"type": "string", "enum": ["admin", "member"]}, "name": {"type": "string", "minLength": 1, "maxLength": 200, "nullable": true}}';
BEGIN
	RETURN QUERY SELECT r.method, r.pattern, r.scope, 'v1_' || r.handler, r.summary,
		jsonb_strip_nulls(jsonb_build_object('properties', coalesce(r.query - 'required', '{}'), 'required', r.query -> 'required')),
		'{"properties": {}}' || coalesce(r.body, '{}'), r.data
	FROM (VALUES
		('GET', '/projects', 'read', 'list_projects', 'projects of the organization, newest first', page, NULL::jsonb, 'project[]'),
		('POST', '/projects', 'write', 'create_project', 'make a project', NULL, jsonb_build_object('properties', name || description, 'required', '["name"]'::jsonb), '201 project'),
		('GET', '/projects/{id}', 'read', 'get_project', 'one project', NULL, NULL, 'project'),
		('PATCH', '/projects/{id}', 'write', 'update_project', 'change a project', NULL, jsonb_build_object('properties', name || description, 'minProperties', 1), 'project'),
		('DELETE', '/projects/{id}', 'write', 'delete_project', 'delete a project and all that is in it', NULL, NULL, 'deleted'),

		('GET', '/creators', 'read', 'list_creators', 'creators, newest first; search is a part of the handle', page || project || '{"search": {"type": "string", "maxLength": 100}}', NULL, 'creator[]'),
		('POST', '/projects/{id}/creators', 'write', 'create_creators', 'track an account, or up to 50 under creators; one that was removed comes back', NULL,
			jsonb_build_object('properties', handle || mode || start || jsonb_build_object('creators', jsonb_build_object('type', 'array', 'minItems', 1, 'maxItems', 50, 'items',
				jsonb_build_object('type', 'object', 'properties', handle || mode || start, 'required', '["tiktok_handle"]'::jsonb))), 'minProperties', 1), '200 creator|added_creator[], 201 creator|added_creator[]'),
		('GET', '/creators/{id}', 'read', 'get_creator', 'one creator', NULL, NULL, 'creator'),
		('PATCH', '/creators/{id}', 'write', 'update_creator', 'notes (readme, null clears), metadata, mode, another handle, display name', NULL,
			jsonb_build_object('properties', readme || metadata || mode || handle || start || '{"display_name_override": {"type": "string", "minLength": 1, "maxLength": 200, "nullable": true}}', 'minProperties', 1), 'creator'),
		('DELETE', '/creators/{id}', 'write', 'remove_creator', 'take a creator out of the program; add the handle again to bring it back', NULL, NULL, 'removed'),
		('POST', '/creators/{id}/scrape', 'write', 'scrape_creator', 'fetch profile and new videos now', NULL, NULL, '202 queued_scrape'),
		('GET', '/creators/{id}/events', 'read', 'list_creator_events', 'the change log of a creator, newest first', page, NULL, 'creator_event[]'),
		('GET', '/creators/{id}/stats', 'read', 'gone', 'gone: use /analytics', '{"metric": {"type": "string"}}', NULL, 'gone'),
		('POST', '/projects/{id}/creators/bulk-reenable', 'write', 'reenable_creators', 'enable creators that were disabled, a result each', NULL,
			jsonb_build_object('properties', jsonb_build_object('creator_ids', many), 'required', '["creator_ids"]'::jsonb), 'creator_result[]'),
		('POST', '/projects/{id}/creators/bulk-remove', 'write', 'remove_creators', 'remove creators, a result each', NULL,
			jsonb_build_object('properties', jsonb_build_object('creator_ids', many), 'required', '["creator_ids"]'::jsonb), 'creator_result[]'),

		('GET', '/videos', 'read', 'list_videos', 'videos that are not excluded, newest first', page || project || creator || '{"tracking_status": {"type": "string", "enum": ["auto_tracked", "pending_review", "included", "direct_add"]}}', NULL, 'video[]'),
		('GET', '/inbox', 'read', 'list_inbox', 'videos that wait for a review, newest first', page || project || creator, NULL, 'video[]'),
		('POST', '/projects/{id}/videos', 'write', 'create_video', 'add a video by its URL', NULL, jsonb_build_object('properties', '{"url": {"type": "string", "minLength": 1, "maxLength": 2000}}'::jsonb, 'required', '["url"]'::jsonb), '201 video, 202 queued_link'),
		('GET', '/videos/{id}', 'read', 'get_video', 'one video', NULL, NULL, 'video'),
		('PATCH', '/videos/{id}', 'write', 'update_video', 'review (included, excluded, pending_review), notes, metadata', NULL,
			jsonb_build_object('properties', readme || metadata || '{"tracking_status": {"type": "string", "enum": ["included", "excluded", "pending_review"]}}', 'minProperties', 1), 'video'),
		('DELETE', '/videos/{id}', 'write', 'delete_video', 'delete a video; discovery does not bring it back', NULL, NULL, 'deleted'),
		('POST', '/videos/{id}/scrape', 'write', 'scrape_video', 'fetch its counters now', NULL, NULL, '202 queued_scrape'),
		('POST', '/videos/{id}/tracking-disable', 'write', 'disable_video', 'fetch it no more, and leave it out of goals', NULL, NULL, 'video'),
		('POST', '/videos/{id}/tracking-enable', 'write', 'enable_video', 'the opposite', NULL, NULL, 'video'),
		('POST', '/projects/{id}/videos/bulk-tracking-disable', 'write', 'disable_videos', 'the same for many, a result each', NULL, jsonb_build_object('properties', jsonb_build_object('video_ids', many), 'required', '["video_ids"]'::jsonb), 'video_result[]'),
		('POST', '/projects/{id}/videos/bulk-review', 'write', 'review_videos', 'review many, a result each', NULL, jsonb_build_object('properties', jsonb_build_object('video_ids', many,
			'tracking_status', '{"type": "string", "enum": ["included", "excluded", "pending_review"]}'::jsonb), 'required', '["video_ids", "tracking_status"]'::jsonb), 'video_result[]'),
		('GET', '/videos/{id}/stats', 'read', 'gone', 'gone: use /analytics', '{"metric": {"type": "string"}}', NULL, 'gone'),

		('GET', '/campaigns', 'read', 'list_campaigns', 'campaigns with their totals, newest first', page || project, NULL, 'campaign[]'),
		('POST', '/projects/{id}/campaigns', 'write', 'create_campaign', 'make a campaign', NULL, jsonb_build_object('properties', name || readme || metadata || target, 'required', '["name"]'::jsonb), '201 campaign'),
		('GET', '/campaigns/{id}', 'read', 'get_campaign', 'one campaign with its totals', NULL, NULL, 'campaign'),
		('PATCH', '/campaigns/{id}', 'write', 'update_campaign', 'name, notes, metadata, target', NULL, jsonb_build_object('properties', name || readme || metadata || target, 'minProperties', 1), 'campaign'),
		('DELETE', '/campaigns/{id}', 'write', 'delete_campaign', 'delete a campaign and its memberships', NULL, NULL, 'deleted'),
		('GET', '/campaigns/{id}/items', 'read', 'list_campaign_items', 'what a campaign holds, that which was made last first', page, NULL, 'campaign_item[]'),
		('POST', '/campaigns/{id}/items', 'write', 'add_campaign_item', 'put a creator, a video or a campaign into it', NULL, jsonb_build_object('properties', item, 'required', '["item_type", "item_id"]'::jsonb), '201 campaign_item'),
		('DELETE', '/campaigns/{id}/items', 'write', 'remove_campaign_item', 'take one out of it', item, jsonb_build_object('properties', item), 'deleted'),
		('GET', '/campaigns/{id}/stats', 'read', 'gone', 'gone: use /analytics', '{"metric": {"type": "string"}, "from": {"type": "string"}, "to": {"type": "string"}}', NULL, 'gone'),

		('GET', '/goals', 'read', 'list_goals', 'goals, newest first', page || project || creator, NULL, 'goal[]'),
		('POST', '/projects/{id}/goals', 'write', 'create_goal', 'give a creator a goal', NULL, jsonb_build_object('properties', creator || goal || period ||
			'{"goal_type": {"type": "string", "enum": ["posts", "views", "views_per_post", "engagement", "followers"]}}', 'required', '["creator_id", "goal_type", "target"]'::jsonb), '201 goal'),
		('GET', '/goals/{id}', 'read', 'get_goal', 'one goal', NULL, NULL, 'goal'),
		('PATCH', '/goals/{id}', 'write', 'update_goal', 'change target, period or dates', NULL, jsonb_build_object('properties', goal || period, 'minProperties', 1), 'goal'),
		('DELETE', '/goals/{id}', 'write', 'delete_goal', 'delete a goal', NULL, NULL, 'deleted'),
		('GET', '/projects/{id}/goal-compliance', 'read', 'goal_compliance', 'where the goals of active creators stand, by creator', creator || '{"period": {"type": "string", "enum": ["daily", "weekly", "monthly"]}, "reference_date": {"type": "string", "format": "date"}}', NULL, 'compliance[]'),
		('GET', '/analytics/aggregate/goal-compliance', 'read', 'goal_counts', 'how many goals of a project are in which status', project || '{"required": ["project_id"], "period": {"type": "string", "enum": ["daily", "weekly", "monthly"]}, "reference_date": {"type": "string", "format": "date"}}', NULL, 'goal_counts'),

		('GET', '/analytics', 'read', 'analytics', 'a metric over time, of up to five entities', '{"required": ["entity", "metric"], "entity": {"type": "string", "enum": ["video", "creator", "campaign", "project"]}, "entity_id": {"type": "string", "format": "uuid"}, "entity_ids": {"type": "string", "maxLength": 1000},
			"metric": {"type": "string", "maxLength": 50}, "mode": {"type": "string", "enum": ["new", "cumulative", "rate"]}, "granularity": {"type": "string", "maxLength": 20}, "from": {"type": "string", "format": "date"}, "to": {"type": "string", "format": "date"},
			"tz": {"type": "string", "maxLength": 100}, "compare": {"type": "string", "enum": ["prior_period"]}, "base_metric": {"type": "string", "maxLength": 20}, "breakdown": {"type": "string", "enum": ["video"]}, "format": {"type": "string", "enum": ["json", "csv"]}}'::jsonb, NULL, 'analytics'),

		('GET', '/api-keys', 'admin', 'list_api_keys', 'API keys, newest first; the keys themselves nobody has', page, NULL, 'api_key[]'),
		('POST', '/api-keys', 'admin', 'create_api_key', 'make a key, which is shown this once', NULL, jsonb_build_object('properties', name || '{"scopes": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "enum": ["read", "write", "admin"]}}, "expires_at": {"type": "string", "format": "date-time", "nullable": true}}', 'required', '["name"]'::jsonb), '201 api_key'),
		('DELETE', '/api-keys/{id}', 'admin', 'revoke_api_key', 'revoke a key at once', NULL, NULL, 'api_key'),
		('GET', '/members', 'read', 'list_members', 'members of the organization, newest first', page, NULL, 'member[]'),
		('POST', '/members', 'admin', 'create_member', 'add a member by the sub of his tokens', NULL, jsonb_build_object('properties', role || '{"user_id": {"type": "string", "minLength": 1, "maxLength": 200}}', 'required', '["user_id"]'::jsonb), '201 member'),
		('PATCH', '/members/{id}', 'admin', 'update_member', 'change role or name', NULL, jsonb_build_object('properties', role, 'minProperties', 1), 'member'),
		('DELETE', '/members/{id}', 'admin', 'delete_member', 'take a member out; the last admin stays', NULL, NULL, 'deleted'),

		('GET', '/schema', 'read', 'schema', 'entities and their fields, described', NULL, NULL, 'schema'),
		('GET', '/openapi.json', NULL, 'openapi', 'this API in OpenAPI 3.1', NULL, NULL, 'openapi')
	) r (method, pattern, scope, handler, summary, query, body, data);
END
$$;

COMMENT ON FUNCTION trackagoat.api_routes() IS
	'the endpoints of the v1 API: method and pattern, scope that is needed (NULL for none), the function that answers, what it does, JSON schemas of query and body, and what data holds: statuses, but for 200, and entities';

CREATE OR REPLACE PROCEDURE trackagoat.setup()
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$setup$
DECLARE
	wanted integer := trackagoat.tables_version();
	present integer;
BEGIN
	IF current_setting('server_encoding') <> 'UTF8' THEN
		RAISE feature_not_supported USING
			MESSAGE = 'trackagoat needs a database with encoding UTF8',
			HINT = 'CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0;';
	END IF;

	-- one setup at a time
	PERFORM pg_advisory_xact_lock(hashtextextended('trackagoat.setup', 0));
	IF to_regclass('trackagoat.setup_version') IS NOT NULL THEN
		SELECT max(v.version) INTO present FROM trackagoat.setup_version v;
	END IF;

	IF present > wanted THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the tables are of version %s, this trackagoat works with version %s', present, wanted),
			HINT = 'Install the newer trackagoat and ALTER EXTENSION trackagoat UPDATE.';
	ELSIF present IS NOT NULL AND coalesce(to_regclass('trackagoat.scrape_status'), to_regclass('trackagoat.scrape_queue')) IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables are what DROP EXTENSION trackagoat CASCADE has left of them',
			HINT = 'Restore them from a dump, or DROP SCHEMA trackagoat CASCADE and begin anew with CREATE EXTENSION.';
	ELSIF present IS NULL AND to_regclass('trackagoat.organization') IS NOT NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables are there, but the rows of trackagoat.setup_version are not',
			HINT = 'Restore the rows of setup_version, scrape_outcome, scrape_source and observation_source as well, or DROP SCHEMA trackagoat CASCADE and begin anew with CREATE EXTENSION.';
	ELSIF present IS NULL THEN
		EXECUTE $tables$
-- Which version of these tables is here; setup() writes it, the worker reads it.

CREATE TABLE trackagoat.setup_version (
	version integer NOT NULL,
	set_up_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT setup_version_pkey PRIMARY KEY (version)
);
COMMENT ON TABLE trackagoat.setup_version IS 'versions of the tables that setup() has brought here; the highest is in force';
COMMENT ON COLUMN trackagoat.setup_version.version IS 'version of the tables';
COMMENT ON COLUMN trackagoat.setup_version.set_up_at IS 'when setup() brought it';

ALTER TABLE trackagoat.setup_version ENABLE ROW LEVEL SECURITY;
-- Organizations and their projects: the roots of every key below.

CREATE TABLE trackagoat.organization (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	name text NOT NULL,
	timezone text NOT NULL DEFAULT 'UTC',
	plan text,
	creator_profile_interval interval NOT NULL DEFAULT '1 day',
	discover_videos_interval interval NOT NULL DEFAULT '6 hours',
	video_stats_interval interval NOT NULL DEFAULT '1 day',
	week_starts_on smallint NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT organization_pkey PRIMARY KEY (id),
	CONSTRAINT organization_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT organization_timezone_check CHECK (trackagoat.is_timezone(timezone)),
	CONSTRAINT organization_week_starts_on_check CHECK (week_starts_on BETWEEN 1 AND 7),
	CONSTRAINT organization_creator_profile_interval_check CHECK (creator_profile_interval BETWEEN '1 minute' AND '1 year'),
	CONSTRAINT organization_discover_videos_interval_check CHECK (discover_videos_interval BETWEEN '1 minute' AND '1 year'),
	CONSTRAINT organization_video_stats_interval_check CHECK (video_stats_interval BETWEEN '1 minute' AND '1 year')
);
COMMENT ON TABLE trackagoat.organization IS 'root of a workspace: owns projects and all that is in them';
COMMENT ON COLUMN trackagoat.organization.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.organization.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.organization.timezone IS 'IANA time zone that decides where a day begins';
COMMENT ON COLUMN trackagoat.organization.plan IS 'plan whose limits hold; NULL means unlimited';
COMMENT ON COLUMN trackagoat.organization.creator_profile_interval IS 'how often profiles are fetched';
COMMENT ON COLUMN trackagoat.organization.discover_videos_interval IS 'how often new videos are looked for';
COMMENT ON COLUMN trackagoat.organization.video_stats_interval IS 'how often the counters of a video are fetched';
COMMENT ON COLUMN trackagoat.organization.week_starts_on IS 'day that weeks of goals begin on: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN trackagoat.organization.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.organization.updated_at IS 'when a person last changed the row';

CREATE TRIGGER organization_touch BEFORE UPDATE ON trackagoat.organization
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER organization_touch ON trackagoat.organization IS 'moves updated_at';

CREATE TABLE trackagoat.project (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	name text NOT NULL,
	description text,
	expiry_max_gain bigint,
	expiry_days integer,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT project_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT project_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT project_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT project_expiry_check CHECK (num_nulls(expiry_max_gain, expiry_days) IN (0, 2)
		AND expiry_max_gain >= 0 AND expiry_days BETWEEN 1 AND 3650)
);
COMMENT ON TABLE trackagoat.project IS 'groups creators, videos and campaigns of one program';
COMMENT ON COLUMN trackagoat.project.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.project.org_id IS 'organization that owns the project';
COMMENT ON COLUMN trackagoat.project.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.project.description IS 'what the program is about, for people and agents';
COMMENT ON COLUMN trackagoat.project.expiry_max_gain IS 'a video that gains no more views than this in expiry_days is refreshed more rarely, and as long again later no more; NULL for never';
COMMENT ON COLUMN trackagoat.project.expiry_days IS 'days of that rule';
COMMENT ON COLUMN trackagoat.project.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.project.updated_at IS 'when a person last changed the row';

CREATE INDEX project_organization_idx ON trackagoat.project (org_id);
COMMENT ON INDEX trackagoat.project_organization_idx IS 'projects of an organization';

CREATE TRIGGER project_touch BEFORE UPDATE ON trackagoat.project
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER project_touch ON trackagoat.project IS 'moves updated_at';
ALTER TABLE trackagoat.organization ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.project ENABLE ROW LEVEL SECURITY;
-- Creators: a TikTok account within one project.

CREATE TABLE trackagoat.creator (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	tiktok_handle trackagoat.handle NOT NULL,
	tiktok_account_id bigint,
	tiktok_sec_uid text,
	display_name text,
	display_name_override text,
	bio text,
	avatar_url text,
	is_verified boolean,
	is_private boolean,
	follower_count bigint,
	following_count bigint,
	total_likes_count bigint,
	video_count bigint,
	last_observed_at timestamptz,
	last_scraped_at timestamptz,
	baseline_at timestamptz NOT NULL DEFAULT '-infinity',
	handle_followed_at timestamptz,
	previous_account_id bigint,
	previous_baseline_at timestamptz,
	other_account_id bigint,
	gone_days smallint NOT NULL DEFAULT 0,
	gone_on date,
	listing_wanted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	readme text,
	metadata jsonb NOT NULL DEFAULT '{}',
	tracking_mode trackagoat.tracking_mode NOT NULL DEFAULT 'auto',
	tracking_start_date date NOT NULL,
	disabled_at timestamptz,
	disabled_reason text,
	removed_at timestamptz,
	is_active boolean NOT NULL GENERATED ALWAYS AS (disabled_at IS NULL AND removed_at IS NULL) STORED,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT creator_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to
	CONSTRAINT creator_project_key UNIQUE (id, project_id, org_id),
	CONSTRAINT creator_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	-- it goes into a URL
	CONSTRAINT creator_tiktok_sec_uid_check CHECK (tiktok_sec_uid !~ '[^A-Za-z0-9_-]' AND octet_length(tiktok_sec_uid) BETWEEN 1 AND 128),
	CONSTRAINT creator_tracking_start_date_check CHECK (tracking_start_date BETWEEN '1970-01-01' AND '9999-12-31'),
	CONSTRAINT creator_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT creator_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT creator_disabled_reason_check CHECK (disabled_at IS NOT NULL OR disabled_reason IS NULL),
	CONSTRAINT creator_display_name_override_check CHECK (char_length(display_name_override) BETWEEN 1 AND 200),
	CONSTRAINT creator_counts_check CHECK (least(follower_count, following_count, total_likes_count, video_count) >= 0)
) WITH (fillfactor = 80);
COMMENT ON TABLE trackagoat.creator IS 'TikTok account tracked within one project';
COMMENT ON COLUMN trackagoat.creator.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.creator.org_id IS 'organization; taken from the project when left out';
COMMENT ON COLUMN trackagoat.creator.project_id IS 'project that tracks the account';
COMMENT ON COLUMN trackagoat.creator.tiktok_handle IS 'handle without "@"; unique in the project among creators that are not removed';
COMMENT ON COLUMN trackagoat.creator.tiktok_account_id IS 'TikTok''s id of the account, from the first profile fetched';
COMMENT ON COLUMN trackagoat.creator.tiktok_sec_uid IS 'TikTok''s secUid of the account; never changes, lists of videos are asked for by it';
COMMENT ON COLUMN trackagoat.creator.display_name IS 'name that the profile shows';
COMMENT ON COLUMN trackagoat.creator.display_name_override IS 'name that the team shows instead, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.creator.bio IS 'text that the profile shows';
COMMENT ON COLUMN trackagoat.creator.avatar_url IS 'picture of the profile; TikTok''s link expires after about two days';
COMMENT ON COLUMN trackagoat.creator.is_verified IS 'whether TikTok shows the account as verified';
COMMENT ON COLUMN trackagoat.creator.is_private IS 'whether the account is private';
COMMENT ON COLUMN trackagoat.creator.follower_count IS 'followers, last known';
COMMENT ON COLUMN trackagoat.creator.following_count IS 'accounts followed, last known';
COMMENT ON COLUMN trackagoat.creator.total_likes_count IS 'likes over all videos, last known';
COMMENT ON COLUMN trackagoat.creator.video_count IS 'videos of the account on TikTok, last known';
COMMENT ON COLUMN trackagoat.creator.last_observed_at IS 'time of the newest observation';
COMMENT ON COLUMN trackagoat.creator.last_scraped_at IS 'when the profile was last fetched and read';
COMMENT ON COLUMN trackagoat.creator.baseline_at IS 'since when the handle is this one: observations before it may be of another account';
COMMENT ON COLUMN trackagoat.creator.handle_followed_at IS 'when the account last took another handle on TikTok and the creator followed; not a rename, so nothing is cleared';
COMMENT ON COLUMN trackagoat.creator.previous_account_id IS 'account before a rename, until a profile tells whether it is still the same';
COMMENT ON COLUMN trackagoat.creator.previous_baseline_at IS 'baseline_at before that rename';
COMMENT ON COLUMN trackagoat.creator.other_account_id IS 'another account that the handle shows by now; nothing of it is stored';
COMMENT ON COLUMN trackagoat.creator.gone_days IS 'days on which the account was reported gone since it was last seen; at the fifth the creator is disabled';
COMMENT ON COLUMN trackagoat.creator.gone_on IS 'the last of these days (UTC)';
COMMENT ON COLUMN trackagoat.creator.listing_wanted_at IS 'a listing of videos that began after this covers the creator back to its tracking start';
COMMENT ON COLUMN trackagoat.creator.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.creator.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.creator.tracking_mode IS 'how new videos enter';
COMMENT ON COLUMN trackagoat.creator.tracking_start_date IS 'videos posted before this day are not brought in; today in the organization''s time zone when left out';
COMMENT ON COLUMN trackagoat.creator.disabled_at IS 'since when nothing is fetched; totals stay';
COMMENT ON COLUMN trackagoat.creator.disabled_reason IS 'why nothing is fetched: account_gone and banned are set by trackagoat, anything else by people';
COMMENT ON COLUMN trackagoat.creator.removed_at IS 'since when the creator is out of the program and of the totals; clear it to undo';
COMMENT ON COLUMN trackagoat.creator.is_active IS 'neither disabled nor removed';
COMMENT ON COLUMN trackagoat.creator.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.creator.updated_at IS 'when a person last changed the row; a scrape does not move it';

CREATE UNIQUE INDEX creator_handle_key ON trackagoat.creator (project_id, tiktok_handle, org_id)
	WHERE removed_at IS NULL;
COMMENT ON INDEX trackagoat.creator_handle_key IS 'a handle once per project; creators of a project by handle';
CREATE INDEX creator_handle_idx ON trackagoat.creator (tiktok_handle) WHERE removed_at IS NULL;
COMMENT ON INDEX trackagoat.creator_handle_idx IS 'all projects that track an account';
-- with the id, so that a check of a key, planned while the table was empty, does not read the whole organization by it
CREATE INDEX creator_organization_idx ON trackagoat.creator (org_id, id);
COMMENT ON INDEX trackagoat.creator_organization_idx IS 'creators of an organization';

ALTER TABLE trackagoat.creator ENABLE ROW LEVEL SECURITY;
-- Where observations come from: histories keep a number for each source.

CREATE TABLE trackagoat.observation_source (
	id smallint NOT NULL GENERATED BY DEFAULT AS IDENTITY (START 16),
	source text NOT NULL,
	CONSTRAINT observation_source_pkey PRIMARY KEY (id),
	CONSTRAINT observation_source_source_key UNIQUE (source),
	CONSTRAINT observation_source_id_check CHECK (id >= 0)
);
COMMENT ON TABLE trackagoat.observation_source IS 'pages, APIs and imports that observations come from';
COMMENT ON COLUMN trackagoat.observation_source.id IS 'number that histories keep; the commonest is 0, which takes no room';
COMMENT ON COLUMN trackagoat.observation_source.source IS 'page or API as read_page() names it, or import';

INSERT INTO trackagoat.observation_source (id, source) VALUES
	(0, 'item_list'), (1, 'import'), (2, 'profile_page'), (3, 'video_page'), (4, 'oembed'), (5, 'embed_video'), (6, 'embed_profile');

ALTER TABLE trackagoat.observation_source ENABLE ROW LEVEL SECURITY;
-- Videos: a TikTok post within one project.

CREATE TABLE trackagoat.video (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	tiktok_video_id bigint NOT NULL,
	tiktok_handle trackagoat.handle,
	tracking_status trackagoat.tracking_status NOT NULL DEFAULT 'direct_add',
	kind text NOT NULL DEFAULT 'video',
	title text,
	posted_at timestamptz,
	duration integer,
	thumbnail_url text,
	hashtags text[],
	is_ad boolean,
	view_count bigint,
	like_count bigint,
	comment_count bigint,
	share_count bigint,
	save_count bigint,
	last_observed_at timestamptz,
	readme text,
	metadata jsonb NOT NULL DEFAULT '{}',
	tracking_disabled_at timestamptz,
	refresh_slowed_at timestamptz,
	refresh_stopped_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT video_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to; in this order it lists an organization's videos, too
	CONSTRAINT video_project_key UNIQUE (org_id, id, project_id),
	-- in this order it finds all projects that track a post, too
	CONSTRAINT video_tiktok_video_id_key UNIQUE (tiktok_video_id, project_id, org_id),
	CONSTRAINT video_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT video_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT video_tiktok_video_id_check CHECK (tiktok_video_id > 0),
	CONSTRAINT video_kind_check CHECK (kind IN ('video', 'photo')),
	CONSTRAINT video_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT video_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT video_counts_check CHECK (least(view_count, like_count, comment_count, share_count, save_count) >= 0)
) WITH (fillfactor = 50); -- a list has all videos of a page written anew at once
COMMENT ON TABLE trackagoat.video IS 'TikTok post (video or photo carousel) tracked within one project';
COMMENT ON COLUMN trackagoat.video.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.video.org_id IS 'organization; taken from the project or creator when left out';
COMMENT ON COLUMN trackagoat.video.project_id IS 'project that tracks the post; taken from the creator when left out';
COMMENT ON COLUMN trackagoat.video.creator_id IS 'creator of the project whose post it is; NULL for one added by URL whose author is no creator of the project';
COMMENT ON COLUMN trackagoat.video.tiktok_video_id IS 'TikTok''s id of the post; unique in the project';
COMMENT ON COLUMN trackagoat.video.tiktok_handle IS 'author''s handle as the page last showed it';
COMMENT ON COLUMN trackagoat.video.tracking_status IS 'where the post stands; auto_tracked, included and direct_add count';
COMMENT ON COLUMN trackagoat.video.kind IS 'video or photo';
COMMENT ON COLUMN trackagoat.video.title IS 'caption of the post';
COMMENT ON COLUMN trackagoat.video.posted_at IS 'when it was posted';
COMMENT ON COLUMN trackagoat.video.duration IS 'length in seconds; 0 for photos';
COMMENT ON COLUMN trackagoat.video.thumbnail_url IS 'cover picture; TikTok''s link expires after about two days';
COMMENT ON COLUMN trackagoat.video.hashtags IS 'hashtags of the caption, without "#"';
COMMENT ON COLUMN trackagoat.video.is_ad IS 'whether TikTok marks it as an advertisement';
COMMENT ON COLUMN trackagoat.video.view_count IS 'views, last known';
COMMENT ON COLUMN trackagoat.video.like_count IS 'likes, last known';
COMMENT ON COLUMN trackagoat.video.comment_count IS 'comments, last known';
COMMENT ON COLUMN trackagoat.video.share_count IS 'shares, last known';
COMMENT ON COLUMN trackagoat.video.save_count IS 'saves, last known';
COMMENT ON COLUMN trackagoat.video.last_observed_at IS 'time of the newest observation';
COMMENT ON COLUMN trackagoat.video.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.video.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.video.tracking_disabled_at IS 'since when people have disabled it: not fetched, not counted for goals';
COMMENT ON COLUMN trackagoat.video.refresh_slowed_at IS 'since when it is fetched at a quarter of the rate: it gains little';
COMMENT ON COLUMN trackagoat.video.refresh_stopped_at IS 'since when it is no longer fetched by itself; it still counts';
COMMENT ON COLUMN trackagoat.video.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.video.updated_at IS 'when a person last changed the row; a scrape does not move it';

CREATE INDEX video_creator_idx ON trackagoat.video (creator_id) WHERE creator_id IS NOT NULL;
COMMENT ON INDEX trackagoat.video_creator_idx IS 'videos of a creator';

ALTER TABLE trackagoat.video ENABLE ROW LEVEL SECURITY;
-- Histories: what was observed of creators and videos, packed.

CREATE TABLE trackagoat.creator_history (
	creator_id uuid NOT NULL,
	org_id uuid NOT NULL,
	started_at timestamptz NOT NULL,
	points trackagoat.series NOT NULL,
	CONSTRAINT creator_history_pkey PRIMARY KEY (creator_id, started_at, org_id),
	CONSTRAINT creator_history_creator_fkey FOREIGN KEY (creator_id, org_id)
		REFERENCES trackagoat.creator (id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.creator_history IS 'observations of creators, packed; written through observe_creators(), read through creator_snapshot';
COMMENT ON COLUMN trackagoat.creator_history.creator_id IS 'creator observed';
COMMENT ON COLUMN trackagoat.creator_history.org_id IS 'organization of the creator';
COMMENT ON COLUMN trackagoat.creator_history.started_at IS 'time of the first point; infinity for the open row, which takes the next ones';
COMMENT ON COLUMN trackagoat.creator_history.points IS 'a run of observations: followers, following, likes, videos';

CREATE TABLE trackagoat.video_history (
	video_id uuid NOT NULL,
	org_id uuid NOT NULL,
	started_at timestamptz NOT NULL,
	points trackagoat.series NOT NULL,
	CONSTRAINT video_history_pkey PRIMARY KEY (video_id, started_at, org_id),
	CONSTRAINT video_history_video_fkey FOREIGN KEY (video_id, org_id)
		REFERENCES trackagoat.video (id, org_id) ON DELETE CASCADE
) WITH (fillfactor = 75);
COMMENT ON TABLE trackagoat.video_history IS 'observations of videos, packed; written through observe_videos(), read through video_snapshot';
COMMENT ON COLUMN trackagoat.video_history.video_id IS 'video observed';
COMMENT ON COLUMN trackagoat.video_history.org_id IS 'organization of the video';
COMMENT ON COLUMN trackagoat.video_history.started_at IS 'time of the first point; infinity for the open row, which takes the next ones';
COMMENT ON COLUMN trackagoat.video_history.points IS 'a run of observations: views, likes, comments, shares, saves';

CREATE TRIGGER creator_break AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle AND OLD.handle_followed_at IS NOT DISTINCT FROM NEW.handle_followed_at)
	EXECUTE FUNCTION trackagoat.creator_break();
COMMENT ON TRIGGER creator_break ON trackagoat.creator IS 'a new handle may be another account: its level is a new baseline';

ALTER TABLE trackagoat.creator_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.video_history ENABLE ROW LEVEL SECURITY;
-- Histories unrolled: a row for each observation.

CREATE VIEW trackagoat.creator_snapshot WITH (security_invoker = true, security_barrier = true) AS
	SELECT h.creator_id, h.org_id, p.observed_at,
		p.levels[1] AS follower_count, p.levels[2] AS following_count,
		p.levels[3] AS total_likes_count, p.levels[4] AS video_count,
		p.exact, p.is_baseline, s.source
	FROM trackagoat.creator_history h
	CROSS JOIN LATERAL trackagoat.series_points(h.points) p
	LEFT JOIN trackagoat.observation_source s ON s.id = p.source
	-- a break without numbers is no observation
	WHERE NOT p.is_break OR num_nonnulls(p.levels[1], p.levels[2], p.levels[3], p.levels[4]) > 0;
COMMENT ON VIEW trackagoat.creator_snapshot IS 'observations of creators, a row each';
COMMENT ON COLUMN trackagoat.creator_snapshot.creator_id IS 'creator observed';
COMMENT ON COLUMN trackagoat.creator_snapshot.org_id IS 'organization of the creator';
COMMENT ON COLUMN trackagoat.creator_snapshot.observed_at IS 'when TikTok showed these numbers';
COMMENT ON COLUMN trackagoat.creator_snapshot.follower_count IS 'followers; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.following_count IS 'accounts followed; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.total_likes_count IS 'likes over all videos; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.video_count IS 'videos on TikTok; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.exact IS 'false where the source rounds';
COMMENT ON COLUMN trackagoat.creator_snapshot.is_baseline IS 'whether a counter is known for the first time, or for the first time after a new handle: it gains nothing here';
COMMENT ON COLUMN trackagoat.creator_snapshot.source IS 'page or API that showed them, or import';

CREATE VIEW trackagoat.video_snapshot WITH (security_invoker = true, security_barrier = true) AS
	SELECT h.video_id, h.org_id, p.observed_at,
		p.levels[1] AS view_count, p.levels[2] AS like_count, p.levels[3] AS comment_count,
		p.levels[4] AS share_count, p.levels[5] AS save_count,
		p.exact, p.is_baseline, s.source
	FROM trackagoat.video_history h
	CROSS JOIN LATERAL trackagoat.series_points(h.points) p
	LEFT JOIN trackagoat.observation_source s ON s.id = p.source;
COMMENT ON VIEW trackagoat.video_snapshot IS 'observations of videos, a row each';
COMMENT ON COLUMN trackagoat.video_snapshot.video_id IS 'video observed';
COMMENT ON COLUMN trackagoat.video_snapshot.org_id IS 'organization of the video';
COMMENT ON COLUMN trackagoat.video_snapshot.observed_at IS 'when TikTok showed these numbers';
COMMENT ON COLUMN trackagoat.video_snapshot.view_count IS 'views; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.like_count IS 'likes; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.comment_count IS 'comments; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.share_count IS 'shares; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.save_count IS 'saves; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.exact IS 'false where the source rounds';
COMMENT ON COLUMN trackagoat.video_snapshot.is_baseline IS 'whether a counter is known for the first time: it gains nothing here';
COMMENT ON COLUMN trackagoat.video_snapshot.source IS 'page or API that showed them, or import';
-- What the rows of creators and videos keep to: triggers, the change log, bans,
-- deleted videos, the inbox.

CREATE TABLE trackagoat.creator_event_kind (
	kind text NOT NULL,
	description text NOT NULL,
	CONSTRAINT creator_event_kind_pkey PRIMARY KEY (kind)
);
COMMENT ON TABLE trackagoat.creator_event_kind IS 'what the change log can tell';
COMMENT ON COLUMN trackagoat.creator_event_kind.kind IS 'name';
COMMENT ON COLUMN trackagoat.creator_event_kind.description IS 'what it means, and what the detail holds';

INSERT INTO trackagoat.creator_event_kind (kind, description) VALUES
	('added', 'the creator was added: tiktok_handle, tracking_mode'),
	('removed', 'it was taken out of the program'),
	('reactivated', 'it was brought back'),
	('renamed', 'a person gave it another handle: from, to, and the ids of the account before'),
	('handle_followed', 'the account took another handle on TikTok, and the creator followed: from, to, and the ids of the account'),
	('account_confirmed', 'after a rename the profile shows the same account as before: tiktok_account_id'),
	('account_changed', 'the handle shows another account, of which nothing is stored: tiktok_account_id, shown_account_id'),
	('mode_changed', 'the tracking mode was changed: from, to'),
	('follower_milestone', 'the followers crossed 1k, 2.5k, 5k, 10k, ...: milestone, direction (up, down), follower_count'),
	('goal_status_changed', 'a goal has another status: goal_id, goal_type, period, target, period_start, from, to'),
	('disabled', 'a person had it no longer fetched: reason'),
	('auto_disabled', 'the account was reported gone on five days: reason'),
	('banned', 'its handle was banned on the platform: reason'),
	('reenabled', 'it is fetched again: the reason that it was disabled for'),
	('refresh_slowed', 'a video gains little and is refreshed more rarely: tiktok_video_id'),
	('refresh_stopped', 'a video gains little and is no longer refreshed: tiktok_video_id'),
	('refresh_resumed', 'a video is refreshed at the full rate again: tiktok_video_id');

CREATE TABLE trackagoat.creator_event (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	video_id uuid,
	kind text NOT NULL,
	detail jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CONSTRAINT creator_event_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT creator_event_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT creator_event_video_fkey FOREIGN KEY (video_id, project_id, org_id)
		REFERENCES trackagoat.video (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT creator_event_of_check CHECK (num_nonnulls(creator_id, video_id) > 0)
);
COMMENT ON TABLE trackagoat.creator_event IS 'change log of creators, and of the refreshing of their videos; triggers write it';
COMMENT ON COLUMN trackagoat.creator_event.id IS 'UUID version 7: its order is the order of events';
COMMENT ON COLUMN trackagoat.creator_event.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.creator_event.project_id IS 'project';
COMMENT ON COLUMN trackagoat.creator_event.creator_id IS 'creator; NULL for a video without one';
COMMENT ON COLUMN trackagoat.creator_event.video_id IS 'video, where the event is of one';
COMMENT ON COLUMN trackagoat.creator_event.kind IS 'what happened: a kind of creator_event_kind';
COMMENT ON COLUMN trackagoat.creator_event.detail IS 'what else is to be told; ids of TikTok are text';
COMMENT ON COLUMN trackagoat.creator_event.created_at IS 'when';

CREATE INDEX creator_event_creator_idx ON trackagoat.creator_event (creator_id, id);
COMMENT ON INDEX trackagoat.creator_event_creator_idx IS 'change log of a creator';
CREATE INDEX creator_event_project_idx ON trackagoat.creator_event (project_id, created_at);
COMMENT ON INDEX trackagoat.creator_event_project_idx IS 'events of a project by time, and those that retention removes';
CREATE INDEX creator_event_video_idx ON trackagoat.creator_event (video_id) WHERE video_id IS NOT NULL;
COMMENT ON INDEX trackagoat.creator_event_video_idx IS 'events of a video';

CREATE TABLE trackagoat.banned_handle (
	tiktok_handle trackagoat.handle NOT NULL,
	reason text NOT NULL,
	banned_by text NOT NULL DEFAULT current_user,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT banned_handle_pkey PRIMARY KEY (tiktok_handle),
	CONSTRAINT banned_handle_reason_check CHECK (char_length(reason) BETWEEN 1 AND 1000)
);
COMMENT ON TABLE trackagoat.banned_handle IS 'handles that nobody on this platform may track; for its operators';
COMMENT ON COLUMN trackagoat.banned_handle.tiktok_handle IS 'handle';
COMMENT ON COLUMN trackagoat.banned_handle.reason IS 'why; those who are refused read it';
COMMENT ON COLUMN trackagoat.banned_handle.banned_by IS 'who banned it; the role that did when left out';
COMMENT ON COLUMN trackagoat.banned_handle.created_at IS 'since when';

CREATE TRIGGER banned_handle_disable AFTER INSERT OR UPDATE OF tiktok_handle ON trackagoat.banned_handle
	FOR EACH ROW EXECUTE FUNCTION trackagoat.banned_handle_disable();
COMMENT ON TRIGGER banned_handle_disable ON trackagoat.banned_handle IS 'disables the creators that have the handle';
CREATE CONSTRAINT TRIGGER banned_handle_commit AFTER INSERT OR UPDATE OF tiktok_handle ON trackagoat.banned_handle
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION trackagoat.banned_handle_disable();
COMMENT ON TRIGGER banned_handle_commit ON trackagoat.banned_handle IS 'disables those that others added meanwhile';

CREATE TABLE trackagoat.deleted_video (
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	tiktok_video_id bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT deleted_video_pkey PRIMARY KEY (project_id, tiktok_video_id, org_id),
	CONSTRAINT deleted_video_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.deleted_video IS 'posts whose video was deleted: discovery does not bring them back, adding them by URL does';
COMMENT ON COLUMN trackagoat.deleted_video.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.deleted_video.project_id IS 'project that the video was of';
COMMENT ON COLUMN trackagoat.deleted_video.tiktok_video_id IS 'TikTok''s id of the post';
COMMENT ON COLUMN trackagoat.deleted_video.created_at IS 'when it was deleted';

CREATE TABLE trackagoat.video_link (
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	link text NOT NULL,
	problem text,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT video_link_pkey PRIMARY KEY (project_id, link, org_id),
	CONSTRAINT video_link_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	-- it goes into a URL
	CONSTRAINT video_link_link_check CHECK (link ~ '^(vm\.tiktok\.com|vt\.tiktok\.com|www\.tiktok\.com/t)/[A-Za-z0-9_-]{1,40}$')
);
COMMENT ON TABLE trackagoat.video_link IS 'short links of videos: the worker looks where they lead, and the video takes their place';
COMMENT ON COLUMN trackagoat.video_link.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.video_link.project_id IS 'project that the video is to be added to';
COMMENT ON COLUMN trackagoat.video_link.link IS 'host and path of the link';
COMMENT ON COLUMN trackagoat.video_link.problem IS 'why no video came of it: dead_link or limit_reached; NULL while it waits';
COMMENT ON COLUMN trackagoat.video_link.created_at IS 'when it was given';

CREATE INDEX video_link_waiting_idx ON trackagoat.video_link (link) WHERE problem IS NULL;
COMMENT ON INDEX trackagoat.video_link_waiting_idx IS 'all projects that wait for a link';

CREATE TRIGGER video_link_scrape AFTER INSERT OR UPDATE ON trackagoat.video_link
	FOR EACH ROW WHEN (NEW.problem IS NULL)
	EXECUTE FUNCTION trackagoat.video_link_scrape();
COMMENT ON TRIGGER video_link_scrape ON trackagoat.video_link IS 'queues the link';

ALTER TABLE trackagoat.creator_event_kind ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.creator_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.banned_handle ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.deleted_video ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.video_link ENABLE ROW LEVEL SECURITY;

-- ---- triggers of creators; without lists of columns, so that what other triggers make of a row is seen ----

CREATE TRIGGER creator_fill BEFORE INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk())
	EXECUTE FUNCTION trackagoat.creator_fill();
COMMENT ON TRIGGER creator_fill ON trackagoat.creator IS 'fills org_id and tracking_start_date; refuses handles that are banned or were removed';
CREATE TRIGGER creator_no_change BEFORE UPDATE OF tiktok_handle ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle::text = NEW.tiktok_handle::text)
	EXECUTE FUNCTION trackagoat.creator_no_change();
COMMENT ON TRIGGER creator_no_change ON trackagoat.creator IS 'refuses a rename to the same handle';
CREATE TRIGGER creator_rename BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle)
	EXECUTE FUNCTION trackagoat.creator_rename();
COMMENT ON TRIGGER creator_rename ON trackagoat.creator IS 'refuses handles that are taken or banned; forgets what the old one''s profile showed';
CREATE TRIGGER creator_enable BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN ((OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL) OR (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL))
	EXECUTE FUNCTION trackagoat.creator_enable();
COMMENT ON TRIGGER creator_enable ON trackagoat.creator IS 'a creator that comes back begins anew';
CREATE TRIGGER creator_relist BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.disabled_at IS NULL AND NEW.removed_at IS NULL
		AND (OLD.disabled_at IS NOT NULL OR OLD.removed_at IS NOT NULL
			OR NEW.tiktok_handle <> OLD.tiktok_handle OR NEW.tracking_start_date < OLD.tracking_start_date))
	EXECUTE FUNCTION trackagoat.creator_relist();
COMMENT ON TRIGGER creator_relist ON trackagoat.creator IS 'wants videos listed back to the tracking start again';
CREATE TRIGGER creator_scrape AFTER INSERT OR UPDATE OF tiktok_handle, tracking_start_date, disabled_at, removed_at
	ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.disabled_at IS NULL AND NEW.removed_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_scrape();
COMMENT ON TRIGGER creator_scrape ON trackagoat.creator IS 'queues profile and discovery';
CREATE TRIGGER creator_adopt AFTER INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.removed_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_adopt();
COMMENT ON TRIGGER creator_adopt ON trackagoat.creator IS 'takes in videos that came before it';
CREATE TRIGGER creator_adopt_update AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.removed_at IS NULL AND (OLD.tiktok_handle <> NEW.tiktok_handle OR OLD.removed_at IS NOT NULL))
	EXECUTE FUNCTION trackagoat.creator_adopt();
COMMENT ON TRIGGER creator_adopt_update ON trackagoat.creator IS 'takes in videos that came before it had the handle';
CREATE TRIGGER creator_added AFTER INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND trackagoat.happens_now(NEW.created_at))
	EXECUTE FUNCTION trackagoat.creator_added();
COMMENT ON TRIGGER creator_added ON trackagoat.creator IS 'writes to the change log; not of what a backup brings';
CREATE TRIGGER creator_log AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle OR OLD.tracking_mode <> NEW.tracking_mode
		OR (OLD.removed_at IS NULL) <> (NEW.removed_at IS NULL) OR (OLD.disabled_at IS NULL) <> (NEW.disabled_at IS NULL)
		OR OLD.follower_count <> NEW.follower_count OR OLD.other_account_id IS DISTINCT FROM NEW.other_account_id
		OR OLD.previous_account_id IS DISTINCT FROM NEW.previous_account_id)
	EXECUTE FUNCTION trackagoat.creator_log();
COMMENT ON TRIGGER creator_log ON trackagoat.creator IS 'writes to the change log';
CREATE CONSTRAINT TRIGGER creator_ban AFTER INSERT ON trackagoat.creator
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.removed_at IS NULL AND NEW.disabled_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_ban();
COMMENT ON TRIGGER creator_ban ON trackagoat.creator IS 'refuses, at commit, a handle that was banned meanwhile';
CREATE CONSTRAINT TRIGGER creator_ban_update AFTER UPDATE ON trackagoat.creator
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.removed_at IS NULL AND NEW.disabled_at IS NULL
		AND (OLD.tiktok_handle <> NEW.tiktok_handle OR OLD.removed_at IS NOT NULL OR OLD.disabled_at IS NOT NULL))
	EXECUTE FUNCTION trackagoat.creator_ban();
COMMENT ON TRIGGER creator_ban_update ON trackagoat.creator IS 'the same of one that is renamed, enabled or brought back';
CREATE TRIGGER creator_touch BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN ((OLD.tiktok_handle::text <> NEW.tiktok_handle::text AND OLD.handle_followed_at IS NOT DISTINCT FROM NEW.handle_followed_at)
		OR OLD.display_name_override IS DISTINCT FROM NEW.display_name_override
		OR OLD.readme IS DISTINCT FROM NEW.readme OR OLD.metadata <> NEW.metadata
		OR OLD.tracking_mode <> NEW.tracking_mode OR OLD.tracking_start_date <> NEW.tracking_start_date
		OR (OLD.disabled_at IS DISTINCT FROM NEW.disabled_at AND coalesce(NEW.disabled_reason, OLD.disabled_reason, '') <> 'account_gone')
		OR OLD.removed_at IS DISTINCT FROM NEW.removed_at)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER creator_touch ON trackagoat.creator IS 'moves updated_at with what people change';

-- ---- videos ----

CREATE INDEX video_inbox_idx ON trackagoat.video (project_id, trackagoat.video_posted_at(posted_at, tiktok_video_id) DESC) WHERE tracking_status = 'pending_review';
COMMENT ON INDEX trackagoat.video_inbox_idx IS 'videos that wait for review';
CREATE INDEX video_lone_idx ON trackagoat.video (project_id, tiktok_handle) WHERE creator_id IS NULL;
COMMENT ON INDEX trackagoat.video_lone_idx IS 'videos whose creator is not in the project, by their author';
CREATE INDEX video_direct_add_idx ON trackagoat.video (org_id) WHERE tracking_status = 'direct_add';
COMMENT ON INDEX trackagoat.video_direct_add_idx IS 'videos that were added one by one';
CREATE INDEX video_posted_at_idx ON trackagoat.video (project_id, trackagoat.video_posted_at(posted_at, tiktok_video_id));
COMMENT ON INDEX trackagoat.video_posted_at_idx IS 'videos of a project by the time of posting';

CREATE TRIGGER video_fill BEFORE INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk()) EXECUTE FUNCTION trackagoat.video_fill();
COMMENT ON TRIGGER video_fill ON trackagoat.video IS 'fills project_id, org_id and creator_id';
CREATE TRIGGER video_scrape AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk()
		AND trackagoat.video_is_fetched(NEW.tracking_status, NEW.tracking_disabled_at, NEW.refresh_stopped_at))
	EXECUTE FUNCTION trackagoat.video_scrape();
COMMENT ON TRIGGER video_scrape ON trackagoat.video IS 'makes the standing job; queues a post added by URL at once';
CREATE TRIGGER video_scrape_update AFTER UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (trackagoat.video_is_fetched(NEW.tracking_status, NEW.tracking_disabled_at, NEW.refresh_stopped_at)
		AND NOT trackagoat.video_is_fetched(OLD.tracking_status, OLD.tracking_disabled_at, OLD.refresh_stopped_at))
	EXECUTE FUNCTION trackagoat.video_scrape();
COMMENT ON TRIGGER video_scrape_update ON trackagoat.video IS 'makes the standing job of a post that is fetched again';
CREATE TRIGGER video_review BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND OLD.tracking_status <> NEW.tracking_status)
	EXECUTE FUNCTION trackagoat.video_review();
COMMENT ON TRIGGER video_review ON trackagoat.video IS 'refuses a status that the one before does not lead to';
CREATE TRIGGER video_refresh BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (OLD.refresh_stopped_at IS NOT NULL AND NEW.refresh_stopped_at IS NULL)
	EXECUTE FUNCTION trackagoat.video_refresh();
COMMENT ON TRIGGER video_refresh ON trackagoat.video IS 'what is refreshed again is so at the full rate';
CREATE TRIGGER video_log AFTER UPDATE ON trackagoat.video
	FOR EACH ROW WHEN ((OLD.refresh_slowed_at IS NULL) <> (NEW.refresh_slowed_at IS NULL)
		OR (OLD.refresh_stopped_at IS NULL) <> (NEW.refresh_stopped_at IS NULL))
	EXECUTE FUNCTION trackagoat.video_log();
COMMENT ON TRIGGER video_log ON trackagoat.video IS 'writes to the change log';
CREATE TRIGGER video_return AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NEW.tracking_status = 'direct_add')
	EXECUTE FUNCTION trackagoat.video_return();
COMMENT ON TRIGGER video_return ON trackagoat.video IS 'what a person adds again is no longer deleted';
CREATE TRIGGER video_delete AFTER DELETE ON trackagoat.video
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_delete();
COMMENT ON TRIGGER video_delete ON trackagoat.video IS 'remembers what discovery is not to bring back';
CREATE TRIGGER video_touch BEFORE UPDATE OF
		tracking_status, readme, metadata, tracking_disabled_at ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER video_touch ON trackagoat.video IS 'moves updated_at with what people change';


CREATE VIEW trackagoat.inbox WITH (security_invoker = true) AS
	SELECT v.id AS video_id, v.org_id, v.project_id, v.creator_id, c.tiktok_handle,
		coalesce(c.display_name_override, c.display_name) AS display_name, v.kind, v.title,
		trackagoat.video_url(coalesce(v.tiktok_handle, c.tiktok_handle), v.tiktok_video_id, v.kind) AS url,
		v.thumbnail_url, trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) AS posted_at,
		v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count, v.last_observed_at, v.created_at
	FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
	WHERE v.tracking_status = 'pending_review' AND c.removed_at IS NULL
	ORDER BY trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) DESC, v.id DESC;
COMMENT ON VIEW trackagoat.inbox IS 'videos that wait for review, newest first; review_videos() decides on them';
COMMENT ON COLUMN trackagoat.inbox.video_id IS 'video';
COMMENT ON COLUMN trackagoat.inbox.org_id IS 'its organization';
COMMENT ON COLUMN trackagoat.inbox.project_id IS 'its project';
COMMENT ON COLUMN trackagoat.inbox.creator_id IS 'whose post it is';
COMMENT ON COLUMN trackagoat.inbox.tiktok_handle IS 'handle of the creator';
COMMENT ON COLUMN trackagoat.inbox.display_name IS 'name of the creator, the team''s if it has given one';
COMMENT ON COLUMN trackagoat.inbox.kind IS 'video or photo';
COMMENT ON COLUMN trackagoat.inbox.title IS 'caption of the post';
COMMENT ON COLUMN trackagoat.inbox.url IS 'where TikTok shows it';
COMMENT ON COLUMN trackagoat.inbox.thumbnail_url IS 'cover picture; TikTok''s link expires after about two days';
COMMENT ON COLUMN trackagoat.inbox.posted_at IS 'when it was posted';
COMMENT ON COLUMN trackagoat.inbox.view_count IS 'views, last known';
COMMENT ON COLUMN trackagoat.inbox.like_count IS 'likes, last known';
COMMENT ON COLUMN trackagoat.inbox.comment_count IS 'comments, last known';
COMMENT ON COLUMN trackagoat.inbox.share_count IS 'shares, last known';
COMMENT ON COLUMN trackagoat.inbox.save_count IS 'saves, last known';
COMMENT ON COLUMN trackagoat.inbox.last_observed_at IS 'time of the newest observation';
COMMENT ON COLUMN trackagoat.inbox.created_at IS 'when it was found';
-- Goals of creators, and what people are to be told.

CREATE TABLE trackagoat.goal (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid NOT NULL,
	goal_type trackagoat.goal_type NOT NULL,
	target numeric NOT NULL,
	period trackagoat.goal_period,
	starts_on date NOT NULL,
	ends_on date,
	status trackagoat.goal_status,
	status_period date,
	status_at timestamptz,
	closed_status trackagoat.goal_status,
	closed_period date,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT goal_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT goal_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE
) WITH (fillfactor = 80);
COMMENT ON TABLE trackagoat.goal IS 'target of a creator; goal_compliance() answers where it stands';
COMMENT ON COLUMN trackagoat.goal.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.goal.org_id IS 'organization; taken from the creator when left out';
COMMENT ON COLUMN trackagoat.goal.project_id IS 'project; taken from the creator when left out';
COMMENT ON COLUMN trackagoat.goal.creator_id IS 'whose goal it is';
COMMENT ON COLUMN trackagoat.goal.goal_type IS 'what it measures';
COMMENT ON COLUMN trackagoat.goal.target IS 'what is to be reached in each period; percent for engagement, a level for followers';
COMMENT ON COLUMN trackagoat.goal.period IS 'how often it begins anew; NULL for a milestone of followers';
COMMENT ON COLUMN trackagoat.goal.starts_on IS 'first day, in the organization''s time zone; today when left out';
COMMENT ON COLUMN trackagoat.goal.ends_on IS 'last day; NULL for none';
COMMENT ON COLUMN trackagoat.goal.status IS 'where it stood when it was last evaluated; NULL before that';
COMMENT ON COLUMN trackagoat.goal.status_period IS 'first day of the period that status is of';
COMMENT ON COLUMN trackagoat.goal.status_at IS 'since when it has that status';
COMMENT ON COLUMN trackagoat.goal.closed_status IS 'how the last period ended that is over';
COMMENT ON COLUMN trackagoat.goal.closed_period IS 'first day of that period';
COMMENT ON COLUMN trackagoat.goal.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.goal.updated_at IS 'when a person last changed the row; an evaluation does not move it';

CREATE INDEX goal_creator_idx ON trackagoat.goal (creator_id);
COMMENT ON INDEX trackagoat.goal_creator_idx IS 'goals of a creator';
CREATE INDEX goal_project_idx ON trackagoat.goal (project_id);
COMMENT ON INDEX trackagoat.goal_project_idx IS 'goals of a project';
CREATE INDEX goal_organization_idx ON trackagoat.goal (org_id, id);
COMMENT ON INDEX trackagoat.goal_organization_idx IS 'goals of an organization';
CREATE INDEX video_disabled_idx ON trackagoat.video (creator_id) WHERE tracking_disabled_at IS NOT NULL;
COMMENT ON INDEX trackagoat.video_disabled_idx IS 'creators some of whose videos leave the goals alone';

CREATE TRIGGER goal_fill BEFORE INSERT ON trackagoat.goal
	FOR EACH ROW EXECUTE FUNCTION trackagoat.goal_fill();
COMMENT ON TRIGGER goal_fill ON trackagoat.goal IS 'fills org_id, project_id and starts_on';
CREATE TRIGGER goal_rules BEFORE INSERT OR UPDATE OF goal_type, target, period, starts_on, ends_on ON trackagoat.goal
	FOR EACH ROW EXECUTE FUNCTION trackagoat.goal_rules();
COMMENT ON TRIGGER goal_rules ON trackagoat.goal IS 'refuses targets, periods and dates that make no sense';
CREATE TRIGGER goal_touch BEFORE UPDATE ON trackagoat.goal
	FOR EACH ROW WHEN ((OLD.goal_type, OLD.target, OLD.period, OLD.starts_on, OLD.ends_on)
		IS DISTINCT FROM (NEW.goal_type, NEW.target, NEW.period, NEW.starts_on, NEW.ends_on))
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER goal_touch ON trackagoat.goal IS 'moves updated_at';
CREATE TRIGGER goal_tell AFTER UPDATE ON trackagoat.goal
	FOR EACH ROW WHEN (OLD.status <> NEW.status OR (NEW.closed_status IS NOT NULL
		AND (OLD.closed_period, OLD.closed_status) IS DISTINCT FROM (NEW.closed_period, NEW.closed_status)))
	EXECUTE FUNCTION trackagoat.goal_tell();
COMMENT ON TRIGGER goal_tell ON trackagoat.goal IS 'tells the change log and people of another status';

CREATE TABLE trackagoat.notification (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid NOT NULL,
	kind text NOT NULL,
	subject uuid NOT NULL,
	detail jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	read_at timestamptz,
	CONSTRAINT notification_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT notification_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.notification IS 'what people are to be told; triggers write it';
COMMENT ON COLUMN trackagoat.notification.id IS 'UUID version 7: its order is the order of events';
COMMENT ON COLUMN trackagoat.notification.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.notification.project_id IS 'project';
COMMENT ON COLUMN trackagoat.notification.creator_id IS 'creator';
COMMENT ON COLUMN trackagoat.notification.kind IS 'what happened: a kind of creator_event_kind';
COMMENT ON COLUMN trackagoat.notification.subject IS 'of what: the id of the goal';
COMMENT ON COLUMN trackagoat.notification.detail IS 'what else is to be told, as in the change log';
COMMENT ON COLUMN trackagoat.notification.created_at IS 'when';
COMMENT ON COLUMN trackagoat.notification.read_at IS 'when somebody read it; set it';

CREATE INDEX notification_unread_idx ON trackagoat.notification (project_id, id) WHERE read_at IS NULL;
COMMENT ON INDEX trackagoat.notification_unread_idx IS 'what nobody has read yet';
CREATE INDEX notification_project_idx ON trackagoat.notification (project_id, created_at);
COMMENT ON INDEX trackagoat.notification_project_idx IS 'notifications of a project by time, and those that retention removes';
CREATE INDEX notification_creator_idx ON trackagoat.notification (creator_id);
COMMENT ON INDEX trackagoat.notification_creator_idx IS 'notifications of a creator';

ALTER TABLE trackagoat.goal ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.notification ENABLE ROW LEVEL SECURITY;
-- Campaigns: named groups of creators, videos and other campaigns of a project.

CREATE TABLE trackagoat.campaign (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	name text NOT NULL,
	readme text,
	metadata jsonb NOT NULL DEFAULT '{}',
	target_views bigint,
	target_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT campaign_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to
	CONSTRAINT campaign_project_key UNIQUE (id, project_id, org_id),
	CONSTRAINT campaign_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT campaign_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT campaign_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT campaign_target_views_check CHECK (target_views > 0)
);
COMMENT ON TABLE trackagoat.campaign IS 'named group of creators, videos and other campaigns; its totals count each video below it once';
COMMENT ON COLUMN trackagoat.campaign.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.campaign.org_id IS 'organization; taken from the project when left out';
COMMENT ON COLUMN trackagoat.campaign.project_id IS 'project of the campaign and of all its items';
COMMENT ON COLUMN trackagoat.campaign.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.campaign.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.campaign.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.campaign.target_views IS 'views to reach';
COMMENT ON COLUMN trackagoat.campaign.target_at IS 'by when to reach them';
COMMENT ON COLUMN trackagoat.campaign.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.campaign.updated_at IS 'when a person last changed the row';

CREATE INDEX campaign_project_idx ON trackagoat.campaign (project_id);
COMMENT ON INDEX trackagoat.campaign_project_idx IS 'campaigns of a project';
CREATE INDEX campaign_organization_idx ON trackagoat.campaign (org_id, id);
COMMENT ON INDEX trackagoat.campaign_organization_idx IS 'campaigns of an organization';

CREATE TRIGGER campaign_fill BEFORE INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_fill();
COMMENT ON TRIGGER campaign_fill ON trackagoat.campaign IS 'fills org_id';
CREATE TRIGGER campaign_touch BEFORE UPDATE ON trackagoat.campaign
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER campaign_touch ON trackagoat.campaign IS 'moves updated_at';

CREATE TABLE trackagoat.campaign_item (
	campaign_id uuid NOT NULL,
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	video_id uuid,
	child_campaign_id uuid,
	item_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(creator_id, video_id, child_campaign_id, campaign_id)) STORED,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT campaign_item_pkey PRIMARY KEY (campaign_id, item_id, org_id),
	CONSTRAINT campaign_item_one_check CHECK (num_nonnulls(creator_id, video_id, child_campaign_id) = 1),
	CONSTRAINT campaign_item_campaign_fkey FOREIGN KEY (campaign_id, project_id, org_id)
		REFERENCES trackagoat.campaign (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_item_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_item_video_fkey FOREIGN KEY (video_id, project_id, org_id)
		REFERENCES trackagoat.video (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_item_child_campaign_fkey FOREIGN KEY (child_campaign_id, project_id, org_id)
		REFERENCES trackagoat.campaign (id, project_id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.campaign_item IS 'what a campaign holds: a creator (all its counted videos), a video, or another campaign';
COMMENT ON COLUMN trackagoat.campaign_item.campaign_id IS 'campaign that holds the item';
COMMENT ON COLUMN trackagoat.campaign_item.org_id IS 'organization; taken from the campaign when left out';
COMMENT ON COLUMN trackagoat.campaign_item.project_id IS 'project; taken from the campaign when left out';
COMMENT ON COLUMN trackagoat.campaign_item.creator_id IS 'the creator held, or NULL';
COMMENT ON COLUMN trackagoat.campaign_item.video_id IS 'the video held, or NULL';
COMMENT ON COLUMN trackagoat.campaign_item.child_campaign_id IS 'the campaign held, or NULL';
COMMENT ON COLUMN trackagoat.campaign_item.item_id IS 'id of what is held, whichever it is';
COMMENT ON COLUMN trackagoat.campaign_item.created_at IS 'when the item was added';

CREATE INDEX campaign_item_creator_idx ON trackagoat.campaign_item (creator_id) WHERE creator_id IS NOT NULL;
COMMENT ON INDEX trackagoat.campaign_item_creator_idx IS 'campaigns that hold a creator';
CREATE INDEX campaign_item_video_idx ON trackagoat.campaign_item (video_id) WHERE video_id IS NOT NULL;
COMMENT ON INDEX trackagoat.campaign_item_video_idx IS 'campaigns that hold a video';
CREATE INDEX campaign_item_child_campaign_idx ON trackagoat.campaign_item (child_campaign_id)
	WHERE child_campaign_id IS NOT NULL;
COMMENT ON INDEX trackagoat.campaign_item_child_campaign_idx IS 'campaigns that hold a campaign';

CREATE TRIGGER campaign_item_fill BEFORE INSERT ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_item_fill();
COMMENT ON TRIGGER campaign_item_fill ON trackagoat.campaign_item IS 'fills org_id and project_id';
CREATE TRIGGER campaign_item_cycle AFTER INSERT OR UPDATE ON trackagoat.campaign_item
	FOR EACH ROW WHEN (NEW.child_campaign_id IS NOT NULL)
	EXECUTE FUNCTION trackagoat.campaign_item_cycle();
COMMENT ON TRIGGER campaign_item_cycle ON trackagoat.campaign_item IS 'refuses a campaign that would hold itself';
ALTER TABLE trackagoat.campaign ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.campaign_item ENABLE ROW LEVEL SECURITY;
-- Totals: folded rows of creators, projects and campaigns, and the log of
-- differences that are not folded yet.  Only the folder writes the rows; the
-- log is written by everybody and nobody waits for another to do so.

CREATE TABLE trackagoat.total (
	entity_id uuid NOT NULL,
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	entity text NOT NULL,
	is_counted boolean NOT NULL,
	creators bigint NOT NULL,
	videos bigint NOT NULL,
	views bigint NOT NULL,
	likes bigint NOT NULL,
	comments bigint NOT NULL,
	shares bigint NOT NULL,
	saves bigint NOT NULL,
	known_views bigint NOT NULL,
	known_likes bigint NOT NULL,
	known_comments bigint NOT NULL,
	known_shares bigint NOT NULL,
	known_saves bigint NOT NULL,
	tree uuid[],
	timezone text NOT NULL,
	folded_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT total_pkey PRIMARY KEY (entity_id, entity, org_id),
	CONSTRAINT total_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT total_entity_check CHECK (entity IN ('creator', 'project', 'campaign'))
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.total IS 'folded lifetime totals; exact together with total_difference, which campaign_stats() and analytics() add';
COMMENT ON COLUMN trackagoat.total.entity_id IS 'whose totals they are';
COMMENT ON COLUMN trackagoat.total.org_id IS 'its organization';
COMMENT ON COLUMN trackagoat.total.project_id IS 'its project';
COMMENT ON COLUMN trackagoat.total.entity IS 'creator, project or campaign';
COMMENT ON COLUMN trackagoat.total.is_counted IS 'whether project and campaigns have folded it in: false for a creator that is removed';
COMMENT ON COLUMN trackagoat.total.creators IS 'creators of a campaign';
COMMENT ON COLUMN trackagoat.total.videos IS 'videos that count';
COMMENT ON COLUMN trackagoat.total.views IS 'sum of their views, last known';
COMMENT ON COLUMN trackagoat.total.likes IS 'sum of their likes, last known';
COMMENT ON COLUMN trackagoat.total.comments IS 'sum of their comments, last known';
COMMENT ON COLUMN trackagoat.total.shares IS 'sum of their shares, last known';
COMMENT ON COLUMN trackagoat.total.saves IS 'sum of their saves, last known';
COMMENT ON COLUMN trackagoat.total.known_views IS 'videos whose views are known';
COMMENT ON COLUMN trackagoat.total.known_likes IS 'videos whose likes are known';
COMMENT ON COLUMN trackagoat.total.known_comments IS 'videos whose comments are known';
COMMENT ON COLUMN trackagoat.total.known_shares IS 'videos whose shares are known';
COMMENT ON COLUMN trackagoat.total.known_saves IS 'videos whose saves are known';
COMMENT ON COLUMN trackagoat.total.tree IS 'a campaign and all below it, as they were folded';
COMMENT ON COLUMN trackagoat.total.timezone IS 'time zone of its days';
COMMENT ON COLUMN trackagoat.total.folded_at IS 'when it last changed';

CREATE INDEX total_project_idx ON trackagoat.total (project_id);
COMMENT ON INDEX trackagoat.total_project_idx IS 'totals of a project';

CREATE TABLE trackagoat.total_month (
	entity_id uuid NOT NULL,
	org_id uuid NOT NULL,
	entity text NOT NULL,
	month date NOT NULL,
	days trackagoat.series NOT NULL,
	CONSTRAINT total_month_pkey PRIMARY KEY (entity_id, entity, month, org_id),
	CONSTRAINT total_month_total_fkey FOREIGN KEY (entity_id, entity, org_id)
		REFERENCES trackagoat.total (entity_id, entity, org_id) ON DELETE CASCADE
) WITH (fillfactor = 70);
-- as rows of a few hundred bytes they need no other place
ALTER TABLE trackagoat.total_month ALTER COLUMN days SET STORAGE main;
COMMENT ON TABLE trackagoat.total_month IS 'folded days, a row for each month that has any; entity_days() unrolls them';
COMMENT ON COLUMN trackagoat.total_month.entity_id IS 'whose days they are';
COMMENT ON COLUMN trackagoat.total_month.org_id IS 'its organization';
COMMENT ON COLUMN trackagoat.total_month.entity IS 'creator, project or campaign';
COMMENT ON COLUMN trackagoat.total_month.month IS 'first day of the month';
COMMENT ON COLUMN trackagoat.total_month.days IS 'for each day posts, then gains, baselines and numbers of baselines of views, likes, comments, shares, saves';

CREATE TABLE trackagoat.total_difference (
	id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	video_id uuid,
	campaign_id uuid,
	differences trackagoat.series,
	CONSTRAINT total_difference_pkey PRIMARY KEY (id, org_id)
);
COMMENT ON TABLE trackagoat.total_difference IS
	'log of what is not folded yet: a video''s differences, a campaign whose items changed, a creator removed, restored or deleted, or a project to compute anew';
COMMENT ON COLUMN trackagoat.total_difference.id IS 'rises with time';
COMMENT ON COLUMN trackagoat.total_difference.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.total_difference.project_id IS 'project whose totals change';
COMMENT ON COLUMN trackagoat.total_difference.creator_id IS 'creator of the video; without a video, one that was removed, restored or deleted';
COMMENT ON COLUMN trackagoat.total_difference.video_id IS 'video whose differences these are';
COMMENT ON COLUMN trackagoat.total_difference.campaign_id IS 'campaign to compute anew, with those above it';
COMMENT ON COLUMN trackagoat.total_difference.differences IS 'for each moment the same numbers as total_month.days; whose day it is depends on the time zone';

CREATE INDEX total_difference_project_idx ON trackagoat.total_difference (project_id);
COMMENT ON INDEX trackagoat.total_difference_project_idx IS 'what a project has not folded yet';

ALTER TABLE trackagoat.total ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.total_month ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.total_difference ENABLE ROW LEVEL SECURITY;
-- What changes totals: triggers that write the log of differences.

CREATE INDEX creator_removed_idx ON trackagoat.creator (project_id, tiktok_handle) WHERE removed_at IS NOT NULL;
COMMENT ON INDEX trackagoat.creator_removed_idx IS 'creators that are out of the program, by handle';

CREATE TRIGGER project_totals AFTER DELETE ON trackagoat.project
	FOR EACH ROW EXECUTE FUNCTION trackagoat.project_totals();
COMMENT ON TRIGGER project_totals ON trackagoat.project IS 'what is not folded goes with the project';

-- without a list of columns, so that what other triggers make of the row is seen
CREATE TRIGGER creator_totals AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN ((OLD.removed_at IS NULL) <> (NEW.removed_at IS NULL))
	EXECUTE FUNCTION trackagoat.creator_totals();
COMMENT ON TRIGGER creator_totals ON trackagoat.creator IS 'totals lose or regain a creator that is removed or restored';
CREATE TRIGGER creator_totals_delete BEFORE DELETE ON trackagoat.creator
	FOR EACH ROW EXECUTE FUNCTION trackagoat.creator_totals();
COMMENT ON TRIGGER creator_totals_delete ON trackagoat.creator IS 'totals lose a creator that is deleted';
CREATE TRIGGER creator_totals_truncate AFTER TRUNCATE ON trackagoat.creator
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER creator_totals_truncate ON trackagoat.creator IS 'totals begin anew';

CREATE TRIGGER video_totals AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk()) EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER video_totals ON trackagoat.video IS 'totals gain a video that counts';
-- before, so that what the same statement observes comes after; last by name,
-- so that it sees what other triggers make of the row
CREATE TRIGGER zz_video_totals_update BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN ((trackagoat.status_counts(OLD.tracking_status) <> trackagoat.status_counts(NEW.tracking_status)
			AND NOT trackagoat.in_bulk())
		OR OLD.creator_id IS DISTINCT FROM NEW.creator_id OR OLD.project_id <> NEW.project_id
		OR trackagoat.video_posted_at(OLD.posted_at, OLD.tiktok_video_id)
			IS DISTINCT FROM trackagoat.video_posted_at(NEW.posted_at, NEW.tiktok_video_id))
	EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER zz_video_totals_update ON trackagoat.video IS 'totals gain a video that begins to count, and lose one that no longer does';
CREATE TRIGGER zz_video_totals_delete BEFORE DELETE ON trackagoat.video
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER zz_video_totals_delete ON trackagoat.video IS 'totals lose a video that is deleted';
CREATE TRIGGER video_totals_truncate AFTER TRUNCATE ON trackagoat.video
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER video_totals_truncate ON trackagoat.video IS 'totals begin anew';
CREATE TRIGGER video_history_truncate AFTER TRUNCATE ON trackagoat.video_history
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.history_truncate();
COMMENT ON TRIGGER video_history_truncate ON trackagoat.video_history IS 'nothing is known any more, and totals begin anew';
CREATE TRIGGER creator_history_truncate AFTER TRUNCATE ON trackagoat.creator_history
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.history_truncate();
COMMENT ON TRIGGER creator_history_truncate ON trackagoat.creator_history IS 'nothing is known any more';

CREATE TRIGGER campaign_totals AFTER INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_totals();
COMMENT ON TRIGGER campaign_totals ON trackagoat.campaign IS 'a new campaign has totals';
CREATE TRIGGER campaign_totals_delete BEFORE DELETE ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_totals();
COMMENT ON TRIGGER campaign_totals_delete ON trackagoat.campaign IS 'a deleted campaign has none';
CREATE TRIGGER campaign_totals_truncate AFTER TRUNCATE ON trackagoat.campaign
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER campaign_totals_truncate ON trackagoat.campaign IS 'totals begin anew';
CREATE TRIGGER campaign_item_totals AFTER INSERT OR UPDATE OR DELETE ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_item_totals();
COMMENT ON TRIGGER campaign_item_totals ON trackagoat.campaign_item IS 'a campaign whose items change is computed anew, with those above it';
CREATE TRIGGER campaign_item_totals_truncate AFTER TRUNCATE ON trackagoat.campaign_item
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER campaign_item_totals_truncate ON trackagoat.campaign_item IS 'totals begin anew';

CREATE TRIGGER total_truncate AFTER TRUNCATE ON trackagoat.total
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER total_truncate ON trackagoat.total IS 'totals begin anew';
CREATE TRIGGER total_month_truncate AFTER TRUNCATE ON trackagoat.total_month
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER total_month_truncate ON trackagoat.total_month IS 'totals begin anew';
CREATE TRIGGER total_difference_truncate AFTER TRUNCATE ON trackagoat.total_difference
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER total_difference_truncate ON trackagoat.total_difference IS 'what was not folded is found in the histories';

CREATE TRIGGER creator_stay BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id OR OLD.org_id <> NEW.org_id)
	EXECUTE FUNCTION trackagoat.stay_in_project();
COMMENT ON TRIGGER creator_stay ON trackagoat.creator IS 'refuses another project';
CREATE TRIGGER campaign_stay BEFORE UPDATE ON trackagoat.campaign
	FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id OR OLD.org_id <> NEW.org_id)
	EXECUTE FUNCTION trackagoat.stay_in_project();
COMMENT ON TRIGGER campaign_stay ON trackagoat.campaign IS 'refuses another project';
-- Plans: rows that override the documented ones or make others, and the
-- triggers that hold organizations to theirs.

CREATE TABLE trackagoat.plan (
	plan text NOT NULL,
	limit_key text NOT NULL,
	max bigint,
	CONSTRAINT plan_pkey PRIMARY KEY (plan, limit_key),
	CONSTRAINT plan_plan_check CHECK (plan ~ '^[a-z0-9_]{1,63}$'),
	CONSTRAINT plan_limit_key_check CHECK (limit_key IN ('max_creators_per_org', 'max_tracked_videos_per_org', 'max_projects_per_org',
		'max_members_per_org', 'max_campaigns_per_project', 'max_campaign_items_per_campaign', 'max_api_keys_per_org',
		'max_api_requests_per_day', 'max_manual_scrape_triggers_per_day', 'max_payout_methods_per_org',
		'max_payout_structures_per_project', 'min_video_stats_hours', 'min_discover_videos_hours',
		'min_creator_profiles_hours', 'stats_history_retention_days')),
	CONSTRAINT plan_max_check CHECK (max >= 0),
	-- a year, as the longest interval of an organization
	CONSTRAINT plan_hours_check CHECK (limit_key NOT LIKE 'min\_%' OR max <= 8784)
);
COMMENT ON TABLE trackagoat.plan IS 'limits of plans, over those that documented_plans() has; plan_limits() is what holds';
COMMENT ON COLUMN trackagoat.plan.plan IS 'free, starter, ultra or a plan of your own';
COMMENT ON COLUMN trackagoat.plan.limit_key IS 'which limit';
COMMENT ON COLUMN trackagoat.plan.max IS 'the limit; NULL for none';

ALTER TABLE trackagoat.plan ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER organization_plan BEFORE INSERT OR UPDATE OF plan ON trackagoat.organization
	FOR EACH ROW WHEN (NEW.plan IS NOT NULL)
	EXECUTE FUNCTION trackagoat.organization_plan();
COMMENT ON TRIGGER organization_plan ON trackagoat.organization IS 'refuses a plan that nobody knows';

CREATE TRIGGER creator_limit_lock BEFORE INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER creator_limit_lock ON trackagoat.creator IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER creator_limit AFTER INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_check('max_creators_per_org');
COMMENT ON TRIGGER creator_limit ON trackagoat.creator IS 'refuses what the plan does not allow';

CREATE TRIGGER video_limit_lock BEFORE INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER video_limit_lock ON trackagoat.video IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER video_limit AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_check('max_tracked_videos_per_org');
COMMENT ON TRIGGER video_limit ON trackagoat.video IS 'refuses what the plan does not allow';

CREATE TRIGGER project_limit_lock BEFORE INSERT ON trackagoat.project
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER project_limit_lock ON trackagoat.project IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER project_limit AFTER INSERT ON trackagoat.project
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_projects_per_org');
COMMENT ON TRIGGER project_limit ON trackagoat.project IS 'refuses what the plan does not allow';

CREATE TRIGGER campaign_limit_lock BEFORE INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER campaign_limit_lock ON trackagoat.campaign IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER campaign_limit AFTER INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_campaigns_per_project');
COMMENT ON TRIGGER campaign_limit ON trackagoat.campaign IS 'refuses what the plan does not allow';

CREATE TRIGGER campaign_item_limit_lock BEFORE INSERT ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER campaign_item_limit_lock ON trackagoat.campaign_item IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER campaign_item_limit AFTER INSERT ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_campaign_items_per_campaign');
COMMENT ON TRIGGER campaign_item_limit ON trackagoat.campaign_item IS 'refuses what the plan does not allow';

CREATE TRIGGER project_move_lock BEFORE UPDATE ON trackagoat.project
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER project_move_lock ON trackagoat.project IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER project_move_limit AFTER UPDATE ON trackagoat.project
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id) EXECUTE FUNCTION trackagoat.limit_check('max_projects_per_org');
COMMENT ON TRIGGER project_move_limit ON trackagoat.project IS 'refuses to move in what the plan does not allow';

CREATE TRIGGER video_move_lock BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id AND NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER video_move_lock ON trackagoat.video IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER video_move_limit AFTER UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id AND NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_check('max_tracked_videos_per_org');
COMMENT ON TRIGGER video_move_limit ON trackagoat.video IS 'refuses to move in what the plan does not allow';

CREATE TRIGGER campaign_item_move_lock BEFORE UPDATE ON trackagoat.campaign_item
	FOR EACH ROW WHEN (OLD.campaign_id <> NEW.campaign_id) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER campaign_item_move_lock ON trackagoat.campaign_item IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER campaign_item_move_limit AFTER UPDATE ON trackagoat.campaign_item
	FOR EACH ROW WHEN (OLD.campaign_id <> NEW.campaign_id) EXECUTE FUNCTION trackagoat.limit_check('max_campaign_items_per_campaign');
COMMENT ON TRIGGER campaign_item_move_limit ON trackagoat.campaign_item IS 'refuses to move in what the plan does not allow';

CREATE TRIGGER creator_return_lock BEFORE UPDATE OF removed_at ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER creator_return_lock ON trackagoat.creator IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER creator_return_limit AFTER UPDATE OF removed_at ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_check('max_creators_per_org');
COMMENT ON TRIGGER creator_return_limit ON trackagoat.creator IS 'refuses to bring back what the plan does not allow';
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
-- The outcomes that trackagoat knows.

INSERT INTO trackagoat.scrape_outcome (outcome, class, retry_after, retry_limit, dead_after, tries_other_source,
	source_pause, host_pause, host_pause_after, description) VALUES
	('ok', 'ok', '0', '0', NULL, false, NULL, NULL, 1, 'the page was read and stored'),
	('not_found', 'gone', '20 hours', '20 hours', 10, false, NULL, NULL, 1, 'TikTok says that the account or video does not exist; banned and renamed accounts answer the same'),
	('suspended', 'gone', '20 hours', '20 hours', 10, false, NULL, NULL, 1, 'TikTok has suspended the account'),
	('private', 'private', '1 day', '7 days', NULL, false, NULL, NULL, 1, 'the account or video is not public'),
	('login_required', 'private', '1 day', '7 days', NULL, true, NULL, NULL, 1, 'TikTok shows it only after login'),
	('unavailable', 'retry_later', '1 hour', '2 days', NULL, true, NULL, NULL, 1, 'TikTok does not show it now and does not say that it is gone'),
	('no_counts', 'retry_later', '6 hours', '2 days', NULL, true, NULL, NULL, 1, 'TikTok says that the video exists, but no source shows its counters'),
	('regional', 'retry_later', '1 day', '7 days', NULL, false, NULL, NULL, 1, 'TikTok withholds it in this country'),
	('account_changed', 'retry_later', '1 day', '7 days', NULL, false, NULL, NULL, 1, 'another account has the handle now; nothing was stored'),
	('challenged', 'retry_later', '1 hour', '1 day', NULL, true, '6 hours', '30 minutes', 1, 'an anti-bot challenge came instead of the page; it is respected, never solved'),
	('captcha', 'retry_later', '2 hours', '2 days', NULL, true, '12 hours', '1 hour', 1, 'a captcha came instead of the page; it is respected, never solved'),
	('blocked', 'retry_later', '2 hours', '2 days', NULL, true, '12 hours', '1 hour', 1, 'the host refused the client or its address'),
	('rate_limited', 'retry_later', '15 minutes', '1 day', NULL, false, NULL, '10 minutes', 1, 'the host asked for fewer requests'),
	('refused_empty', 'retry_later', '30 minutes', '1 day', NULL, true, NULL, NULL, 1, 'an empty answer, which is how TikTok refuses; never read as "no videos"'),
	('repeated_page', 'retry_later', '1 hour', '1 day', NULL, true, NULL, NULL, 1, 'the list of videos gave the same page again'),
	('shell', 'retry_later', '30 minutes', '1 day', NULL, true, NULL, NULL, 1, 'the page came without its data'),
	('redirected', 'retry_later', '1 hour', '1 day', 20, true, NULL, NULL, 1, 'the host sent the request elsewhere; redirects are not followed'),
	('tls_failed', 'retry_later', '1 hour', '1 day', NULL, false, NULL, '15 minutes', 3, 'the host''s certificate or encryption was not accepted'),
	('address_refused', 'retry_later', '1 hour', '1 day', NULL, false, NULL, '15 minutes', 3, 'the host''s address is not public; see trackagoat.allow_private_addresses'),
	('server_error', 'retry_soon', '5 minutes', '1 day', NULL, false, NULL, '5 minutes', 5, 'the host failed (HTTP 5xx)'),
	('timeout', 'retry_soon', '5 minutes', '1 day', NULL, false, NULL, '5 minutes', 5, 'no full answer within trackagoat.request_timeout'),
	('unreachable', 'retry_soon', '5 minutes', '1 day', NULL, false, NULL, '5 minutes', 5, 'the host could not be found or reached, or broke off'),
	('partly_stored', 'retry_soon', '1 minute', '1 day', NULL, false, NULL, NULL, 1, 'a rule or lock of the database kept the page from some organizations; see detail'),
	('store_failed', 'retry_soon', '1 minute', '1 day', 30, false, NULL, NULL, 1, 'the page was read but a rule or lock of the database kept it from being stored; see detail'),
	('interrupted', 'retry_soon', '10 seconds', '1 day', NULL, false, NULL, NULL, 1, 'the worker ended before the answer came'),
	('crashed', 'our_bug', '1 minute', '1 day', 2, false, NULL, NULL, 1, 'the worker ended, and not on request, while it read or stored this page'),
	('unreadable', 'our_bug', '1 hour', '1 day', 20, true, NULL, NULL, 1, 'the answer is none that trackagoat knows'),
	('bad_request', 'our_bug', '6 hours', '7 days', 5, true, NULL, NULL, 1, 'TikTok calls the request malformed'),
	('too_large', 'our_bug', '6 hours', '7 days', 10, true, NULL, NULL, 1, 'the answer was larger than trackagoat.max_body')
-- what somebody has tuned stays
ON CONFLICT ON CONSTRAINT scrape_outcome_pkey DO UPDATE SET class = excluded.class, dead_after = excluded.dead_after,
	tries_other_source = excluded.tries_other_source, source_pause = excluded.source_pause,
	host_pause = coalesce(scrape_outcome.host_pause, excluded.host_pause), host_pause_after = excluded.host_pause_after;
-- Retention: how far prune() has walked.

CREATE TABLE trackagoat.retention_walk (
	entity text NOT NULL,
	begun_at timestamptz NOT NULL,
	after uuid,
	CONSTRAINT retention_walk_pkey PRIMARY KEY (entity),
	CONSTRAINT retention_walk_entity_check CHECK (entity IN ('creator', 'video'))
);
COMMENT ON TABLE trackagoat.retention_walk IS 'the walks of prune() over all histories, a row for creators and one for videos';
COMMENT ON COLUMN trackagoat.retention_walk.entity IS 'creator or video';
COMMENT ON COLUMN trackagoat.retention_walk.begun_at IS 'when the last walk began; the next one begins a day later at the earliest';
COMMENT ON COLUMN trackagoat.retention_walk.after IS 'id that the walk has come to; NULL once it is over';

ALTER TABLE trackagoat.retention_walk ENABLE ROW LEVEL SECURITY;
-- The schedule: what an organization that changes its intervals or plan does to
-- it, and what was fetched ahead of it by hand.

CREATE TABLE trackagoat.manual_scrape (
	org_id uuid NOT NULL,
	day date NOT NULL,
	triggers integer NOT NULL,
	CONSTRAINT manual_scrape_pkey PRIMARY KEY (org_id),
	CONSTRAINT manual_scrape_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT manual_scrape_triggers_check CHECK (triggers > 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.manual_scrape IS 'how often an organization whose plan limits it has called scrape_creator() and scrape_video(): its last such day; the next one takes the place of the row';
COMMENT ON COLUMN trackagoat.manual_scrape.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.manual_scrape.day IS 'day (UTC)';
COMMENT ON COLUMN trackagoat.manual_scrape.triggers IS 'calls of that day';

ALTER TABLE trackagoat.manual_scrape ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER organization_schedule
	AFTER UPDATE OF plan, creator_profile_interval, discover_videos_interval, video_stats_interval ON trackagoat.organization
	FOR EACH ROW WHEN (OLD.plan IS DISTINCT FROM NEW.plan OR OLD.creator_profile_interval > NEW.creator_profile_interval
		OR OLD.discover_videos_interval > NEW.discover_videos_interval OR OLD.video_stats_interval > NEW.video_stats_interval)
	EXECUTE FUNCTION trackagoat.organization_schedule();
COMMENT ON TRIGGER organization_schedule ON trackagoat.organization IS 'has a shorter interval or another plan hold at once';

CREATE INDEX scrape_request_order_idx ON trackagoat.scrape_request (priority DESC, id);
COMMENT ON INDEX trackagoat.scrape_request_order_idx IS 'the order of folding: what people wait for does not wait for what was brought forward';
-- Where pages are asked for, and how the hosts have borne it.

CREATE TABLE trackagoat.scrape_source (
	kind trackagoat.scrape_kind NOT NULL,
	source text NOT NULL,
	place smallint NOT NULL,
	avoided_until timestamptz,
	CONSTRAINT scrape_source_pkey PRIMARY KEY (kind, source),
	CONSTRAINT scrape_source_place_key UNIQUE (kind, place),
	CONSTRAINT scrape_source_place_check CHECK (place > 0),
	CONSTRAINT scrape_source_source_check CHECK (source = ANY (CASE kind
		WHEN 'creator_profile' THEN '{profile_page,embed_profile}'::text[]
		WHEN 'discover_videos' THEN '{item_list,embed_profile}'
		WHEN 'video_stats' THEN '{video_page,embed_video,oembed}'
		WHEN 'video_link' THEN '{link}' END))
);
COMMENT ON TABLE trackagoat.scrape_source IS 'the pages and APIs that answer a kind of job, in the order in which they are tried; take a row out and it is not asked';
COMMENT ON COLUMN trackagoat.scrape_source.kind IS 'what is fetched';
COMMENT ON COLUMN trackagoat.scrape_source.source IS 'page or API, as observations name it; link is a short link itself';
COMMENT ON COLUMN trackagoat.scrape_source.place IS 'order: 1 is asked first';
COMMENT ON COLUMN trackagoat.scrape_source.avoided_until IS 'until then the others are preferred, as it was refused; clear it to try it sooner';

INSERT INTO trackagoat.scrape_source (kind, source, place) VALUES
	('creator_profile', 'profile_page', 1), ('creator_profile', 'embed_profile', 2),
	('discover_videos', 'item_list', 1), ('discover_videos', 'embed_profile', 2),
	('video_stats', 'video_page', 1), ('video_stats', 'embed_video', 2), ('video_stats', 'oembed', 3),
	('video_link', 'link', 1);

CREATE TABLE trackagoat.scrape_host (
	host text NOT NULL,
	failures integer NOT NULL DEFAULT 0,
	last_failure text NOT NULL,
	failed_at timestamptz NOT NULL,
	opened_at timestamptz,
	open_until timestamptz,
	openings integer NOT NULL DEFAULT 0,
	probe_until timestamptz,
	CONSTRAINT scrape_host_pkey PRIMARY KEY (host),
	CONSTRAINT scrape_host_open_check CHECK (num_nulls(opened_at, open_until) IN (0, 2))
);
COMMENT ON TABLE trackagoat.scrape_host IS 'the circuit breaker of each host that has failed: closed, open (nothing is asked), or half open (one probe is)';
COMMENT ON COLUMN trackagoat.scrape_host.host IS 'host, with its port if it has one';
COMMENT ON COLUMN trackagoat.scrape_host.failures IS 'failures in a row, of outcomes that have a host_pause';
COMMENT ON COLUMN trackagoat.scrape_host.last_failure IS 'outcome of the last one';
COMMENT ON COLUMN trackagoat.scrape_host.failed_at IS 'when that was';
COMMENT ON COLUMN trackagoat.scrape_host.opened_at IS 'since when the breaker is open; NULL while it is closed';
COMMENT ON COLUMN trackagoat.scrape_host.open_until IS 'until then nothing is asked, after it one probe; set it to now() to ask sooner';
COMMENT ON COLUMN trackagoat.scrape_host.openings IS 'how many times in a row it has opened: each pause is twice the one before, up to a day';
COMMENT ON COLUMN trackagoat.scrape_host.probe_until IS 'a probe is under way; until then no other is made';

ALTER TABLE trackagoat.scrape_source ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_host ENABLE ROW LEVEL SECURITY;
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
-- Who may see an organization: its members and its API keys; policies that
-- hold all others off.

CREATE TABLE trackagoat.member (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	user_id text NOT NULL,
	name text,
	role text NOT NULL DEFAULT 'member',
	db_role name,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT member_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT member_user_key UNIQUE (user_id, org_id),
	CONSTRAINT member_db_role_key UNIQUE (db_role, org_id),
	CONSTRAINT member_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT member_user_id_check CHECK (char_length(user_id) BETWEEN 1 AND 200),
	CONSTRAINT member_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT member_role_check CHECK (role IN ('admin', 'member'))
);
COMMENT ON TABLE trackagoat.member IS 'a user in an organization; the same user may be in several';
COMMENT ON COLUMN trackagoat.member.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.member.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.member.user_id IS 'who it is: the claim sub of his tokens';
COMMENT ON COLUMN trackagoat.member.name IS 'name or address that people know him by, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.member.role IS 'admin, who keeps members and API keys, or member; an organization that has members keeps an admin';
COMMENT ON COLUMN trackagoat.member.db_role IS 'database role that he logs in with, if any';
COMMENT ON COLUMN trackagoat.member.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.member.updated_at IS 'when a person last changed the row';

CREATE INDEX member_organization_idx ON trackagoat.member (org_id);
COMMENT ON INDEX trackagoat.member_organization_idx IS 'members of an organization';

CREATE TRIGGER member_limit_lock BEFORE INSERT ON trackagoat.member
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER member_limit_lock ON trackagoat.member IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER member_limit AFTER INSERT ON trackagoat.member
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_members_per_org');
COMMENT ON TRIGGER member_limit ON trackagoat.member IS 'refuses what the plan does not allow';
CREATE TRIGGER member_touch BEFORE UPDATE ON trackagoat.member
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER member_touch ON trackagoat.member IS 'moves updated_at';
CREATE TRIGGER member_admin AFTER UPDATE OF role, org_id OR DELETE ON trackagoat.member
	FOR EACH ROW WHEN (OLD.role = 'admin') EXECUTE FUNCTION trackagoat.member_admin();
COMMENT ON TRIGGER member_admin ON trackagoat.member IS 'keeps the last admin';

CREATE TABLE trackagoat.api_key (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	name text NOT NULL,
	key_hash bytea NOT NULL,
	scopes text[] NOT NULL DEFAULT '{read,write}',
	created_by text,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	revoked_at timestamptz,
	last_used_at timestamptz,
	CONSTRAINT api_key_pkey PRIMARY KEY (id, org_id),
	-- a key names its organization, so it cannot be unique within one only
	CONSTRAINT api_key_hash_key UNIQUE (key_hash),
	CONSTRAINT api_key_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT api_key_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT api_key_hash_check CHECK (octet_length(key_hash) = 32),
	CONSTRAINT api_key_scopes_check CHECK (scopes <@ '{read,write,admin}' AND cardinality(scopes) BETWEEN 1 AND 3 AND array_position(scopes, NULL) IS NULL)
);
COMMENT ON TABLE trackagoat.api_key IS 'keys of the API; create_api_key() makes one and shows it once';
COMMENT ON COLUMN trackagoat.api_key.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.api_key.org_id IS 'organization that the key opens';
COMMENT ON COLUMN trackagoat.api_key.name IS 'what the key is for, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.api_key.key_hash IS 'SHA-256 of the key, which is kept nowhere';
COMMENT ON COLUMN trackagoat.api_key.scopes IS 'what it may: read, write, which does not imply read, admin (members and keys)';
COMMENT ON COLUMN trackagoat.api_key.created_by IS 'who made it: a member''s user_id, the id of another key, or a database role';
COMMENT ON COLUMN trackagoat.api_key.created_at IS 'when it was made';
COMMENT ON COLUMN trackagoat.api_key.expires_at IS 'until when it is good; NULL for ever';
COMMENT ON COLUMN trackagoat.api_key.revoked_at IS 'since when it is good no more; set it to revoke the key at once';
COMMENT ON COLUMN trackagoat.api_key.last_used_at IS 'when it was last used, to the minute';

CREATE INDEX api_key_organization_idx ON trackagoat.api_key (org_id);
COMMENT ON INDEX trackagoat.api_key_organization_idx IS 'keys of an organization';

CREATE TRIGGER api_key_limit_lock BEFORE INSERT ON trackagoat.api_key
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER api_key_limit_lock ON trackagoat.api_key IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER api_key_limit AFTER INSERT ON trackagoat.api_key
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_api_keys_per_org');
COMMENT ON TRIGGER api_key_limit ON trackagoat.api_key IS 'refuses what the plan does not allow';

CREATE TRIGGER api_key_final BEFORE UPDATE OF revoked_at ON trackagoat.api_key
	FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL) EXECUTE FUNCTION trackagoat.api_key_final();
COMMENT ON TRIGGER api_key_final ON trackagoat.api_key IS 'a key that was revoked stays so';

CREATE TABLE trackagoat.api_login (
	role name NOT NULL,
	CONSTRAINT api_login_pkey PRIMARY KEY (role)
);
COMMENT ON TABLE trackagoat.api_login IS 'login roles of PostgREST, which alone are believed what request.jwt.claims says; setup_api() adds them';
COMMENT ON COLUMN trackagoat.api_login.role IS 'the role';

CREATE TABLE trackagoat.api_usage (
	org_id uuid NOT NULL,
	day date NOT NULL,
	requests bigint NOT NULL,
	CONSTRAINT api_usage_pkey PRIMARY KEY (org_id, day),
	CONSTRAINT api_usage_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.api_usage IS 'requests to the API on each UTC day, as of the last minute that was written down';
COMMENT ON COLUMN trackagoat.api_usage.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.api_usage.day IS 'UTC day';
COMMENT ON COLUMN trackagoat.api_usage.requests IS 'how many';

CREATE TABLE trackagoat.api_replay (
	org_id uuid NOT NULL,
	key_id uuid NOT NULL,
	idempotency_key text NOT NULL,
	route text NOT NULL,
	request_hash bytea NOT NULL,
	status integer NOT NULL,
	body text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CONSTRAINT api_replay_pkey PRIMARY KEY (key_id, idempotency_key, org_id),
	CONSTRAINT api_replay_key_fkey FOREIGN KEY (key_id, org_id)
		REFERENCES trackagoat.api_key (id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.api_replay IS 'answers to requests with an Idempotency-Key, which are given again for 24 hours';
COMMENT ON COLUMN trackagoat.api_replay.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.api_replay.key_id IS 'API key of the request';
COMMENT ON COLUMN trackagoat.api_replay.idempotency_key IS 'what the header said';
COMMENT ON COLUMN trackagoat.api_replay.route IS 'method and path';
COMMENT ON COLUMN trackagoat.api_replay.request_hash IS 'SHA-256 of the request''s body';
COMMENT ON COLUMN trackagoat.api_replay.status IS 'HTTP status that was answered';
COMMENT ON COLUMN trackagoat.api_replay.body IS 'body that was answered, without a secret';
COMMENT ON COLUMN trackagoat.api_replay.created_at IS 'when';

CREATE INDEX api_replay_created_idx ON trackagoat.api_replay (created_at);
COMMENT ON INDEX trackagoat.api_replay_created_idx IS 'answers that are old enough to go';

ALTER TABLE trackagoat.member ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_login ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_replay ENABLE ROW LEVEL SECURITY;
-- Row-level security: whoever is not the owner sees the rows of the
-- organization that C code holds for the transaction, and no other.  A table
-- without a policy is the owner's alone; so is what all share, as names of plans
-- and sources may tell of other organizations.

CREATE POLICY project_tenant ON trackagoat.project FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY project_tenant ON trackagoat.project IS 'the rows of one''s organization';
CREATE POLICY creator_tenant ON trackagoat.creator FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY creator_tenant ON trackagoat.creator IS 'the rows of one''s organization';
CREATE POLICY creator_event_tenant ON trackagoat.creator_event FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY creator_event_tenant ON trackagoat.creator_event IS 'the rows of one''s organization';
CREATE POLICY creator_history_tenant ON trackagoat.creator_history FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY creator_history_tenant ON trackagoat.creator_history IS 'the rows of one''s organization';
CREATE POLICY video_tenant ON trackagoat.video FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY video_tenant ON trackagoat.video IS 'the rows of one''s organization';
CREATE POLICY video_history_tenant ON trackagoat.video_history FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY video_history_tenant ON trackagoat.video_history IS 'the rows of one''s organization';
CREATE POLICY video_link_tenant ON trackagoat.video_link FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY video_link_tenant ON trackagoat.video_link IS 'the rows of one''s organization';
CREATE POLICY deleted_video_tenant ON trackagoat.deleted_video FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY deleted_video_tenant ON trackagoat.deleted_video IS 'the rows of one''s organization';
CREATE POLICY campaign_tenant ON trackagoat.campaign FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY campaign_tenant ON trackagoat.campaign IS 'the rows of one''s organization';
CREATE POLICY campaign_item_tenant ON trackagoat.campaign_item FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY campaign_item_tenant ON trackagoat.campaign_item IS 'the rows of one''s organization';
CREATE POLICY goal_tenant ON trackagoat.goal FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY goal_tenant ON trackagoat.goal IS 'the rows of one''s organization';
CREATE POLICY notification_tenant ON trackagoat.notification FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY notification_tenant ON trackagoat.notification IS 'the rows of one''s organization';
CREATE POLICY total_tenant ON trackagoat.total FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY total_tenant ON trackagoat.total IS 'the rows of one''s organization';
CREATE POLICY total_month_tenant ON trackagoat.total_month FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY total_month_tenant ON trackagoat.total_month IS 'the rows of one''s organization';
CREATE POLICY total_difference_tenant ON trackagoat.total_difference FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY total_difference_tenant ON trackagoat.total_difference IS 'the rows of one''s organization';
CREATE POLICY manual_scrape_tenant ON trackagoat.manual_scrape FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY manual_scrape_tenant ON trackagoat.manual_scrape IS 'the rows of one''s organization';
CREATE POLICY member_tenant ON trackagoat.member FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY member_tenant ON trackagoat.member IS 'the rows of one''s organization';
CREATE POLICY api_key_tenant ON trackagoat.api_key FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY api_key_tenant ON trackagoat.api_key IS 'the rows of one''s organization';
CREATE POLICY api_usage_tenant ON trackagoat.api_usage FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY api_usage_tenant ON trackagoat.api_usage IS 'the rows of one''s organization';
CREATE POLICY organization_tenant ON trackagoat.organization FOR SELECT USING (id = trackagoat.readable_org());
COMMENT ON POLICY organization_tenant ON trackagoat.organization IS 'one''s organization';
$tables$;
		INSERT INTO trackagoat.setup_version (version) VALUES (wanted);
	END IF;

	IF present < 2 THEN
		EXECUTE $migration$
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
-- The outcomes that trackagoat knows.

INSERT INTO trackagoat.scrape_outcome (outcome, class, retry_after, retry_limit, dead_after, tries_other_source,
	source_pause, host_pause, host_pause_after, description) VALUES
	('ok', 'ok', '0', '0', NULL, false, NULL, NULL, 1, 'the page was read and stored'),
	('not_found', 'gone', '20 hours', '20 hours', 10, false, NULL, NULL, 1, 'TikTok says that the account or video does not exist; banned and renamed accounts answer the same'),
	('suspended', 'gone', '20 hours', '20 hours', 10, false, NULL, NULL, 1, 'TikTok has suspended the account'),
	('private', 'private', '1 day', '7 days', NULL, false, NULL, NULL, 1, 'the account or video is not public'),
	('login_required', 'private', '1 day', '7 days', NULL, true, NULL, NULL, 1, 'TikTok shows it only after login'),
	('unavailable', 'retry_later', '1 hour', '2 days', NULL, true, NULL, NULL, 1, 'TikTok does not show it now and does not say that it is gone'),
	('no_counts', 'retry_later', '6 hours', '2 days', NULL, true, NULL, NULL, 1, 'TikTok says that the video exists, but no source shows its counters'),
	('regional', 'retry_later', '1 day', '7 days', NULL, false, NULL, NULL, 1, 'TikTok withholds it in this country'),
	('account_changed', 'retry_later', '1 day', '7 days', NULL, false, NULL, NULL, 1, 'another account has the handle now; nothing was stored'),
	('challenged', 'retry_later', '1 hour', '1 day', NULL, true, '6 hours', '30 minutes', 1, 'an anti-bot challenge came instead of the page; it is respected, never solved'),
	('captcha', 'retry_later', '2 hours', '2 days', NULL, true, '12 hours', '1 hour', 1, 'a captcha came instead of the page; it is respected, never solved'),
	('blocked', 'retry_later', '2 hours', '2 days', NULL, true, '12 hours', '1 hour', 1, 'the host refused the client or its address'),
	('rate_limited', 'retry_later', '15 minutes', '1 day', NULL, false, NULL, '10 minutes', 1, 'the host asked for fewer requests'),
	('refused_empty', 'retry_later', '30 minutes', '1 day', NULL, true, NULL, NULL, 1, 'an empty answer, which is how TikTok refuses; never read as "no videos"'),
	('repeated_page', 'retry_later', '1 hour', '1 day', NULL, true, NULL, NULL, 1, 'the list of videos gave the same page again'),
	('shell', 'retry_later', '30 minutes', '1 day', NULL, true, NULL, NULL, 1, 'the page came without its data'),
	('redirected', 'retry_later', '1 hour', '1 day', 20, true, NULL, NULL, 1, 'the host sent the request elsewhere; redirects are not followed'),
	('tls_failed', 'retry_later', '1 hour', '1 day', NULL, false, NULL, '15 minutes', 3, 'the host''s certificate or encryption was not accepted'),
	('address_refused', 'retry_later', '1 hour', '1 day', NULL, false, NULL, '15 minutes', 3, 'the host''s address is not public; see trackagoat.allow_private_addresses'),
	('server_error', 'retry_soon', '5 minutes', '1 day', NULL, false, NULL, '5 minutes', 5, 'the host failed (HTTP 5xx)'),
	('timeout', 'retry_soon', '5 minutes', '1 day', NULL, false, NULL, '5 minutes', 5, 'no full answer within trackagoat.request_timeout'),
	('unreachable', 'retry_soon', '5 minutes', '1 day', NULL, false, NULL, '5 minutes', 5, 'the host could not be found or reached, or broke off'),
	('partly_stored', 'retry_soon', '1 minute', '1 day', NULL, false, NULL, NULL, 1, 'a rule or lock of the database kept the page from some organizations; see detail'),
	('store_failed', 'retry_soon', '1 minute', '1 day', 30, false, NULL, NULL, 1, 'the page was read but a rule or lock of the database kept it from being stored; see detail'),
	('interrupted', 'retry_soon', '10 seconds', '1 day', NULL, false, NULL, NULL, 1, 'the worker ended before the answer came'),
	('crashed', 'our_bug', '1 minute', '1 day', 2, false, NULL, NULL, 1, 'the worker ended, and not on request, while it read or stored this page'),
	('unreadable', 'our_bug', '1 hour', '1 day', 20, true, NULL, NULL, 1, 'the answer is none that trackagoat knows'),
	('bad_request', 'our_bug', '6 hours', '7 days', 5, true, NULL, NULL, 1, 'TikTok calls the request malformed'),
	('too_large', 'our_bug', '6 hours', '7 days', 10, true, NULL, NULL, 1, 'the answer was larger than trackagoat.max_body')
-- what somebody has tuned stays
ON CONFLICT ON CONSTRAINT scrape_outcome_pkey DO UPDATE SET class = excluded.class, dead_after = excluded.dead_after,
	tries_other_source = excluded.tries_other_source, source_pause = excluded.source_pause,
	host_pause = coalesce(scrape_outcome.host_pause, excluded.host_pause), host_pause_after = excluded.host_pause_after;
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

-- Where observations come from: histories keep a number for each source.

CREATE TABLE trackagoat.observation_source (
	id smallint NOT NULL GENERATED BY DEFAULT AS IDENTITY (START 16),
	source text NOT NULL,
	CONSTRAINT observation_source_pkey PRIMARY KEY (id),
	CONSTRAINT observation_source_source_key UNIQUE (source),
	CONSTRAINT observation_source_id_check CHECK (id >= 0)
);
COMMENT ON TABLE trackagoat.observation_source IS 'pages, APIs and imports that observations come from';
COMMENT ON COLUMN trackagoat.observation_source.id IS 'number that histories keep; the commonest is 0, which takes no room';
COMMENT ON COLUMN trackagoat.observation_source.source IS 'page or API as read_page() names it, or import';

INSERT INTO trackagoat.observation_source (id, source) VALUES
	(0, 'item_list'), (1, 'import'), (2, 'profile_page'), (3, 'video_page'), (4, 'oembed'), (5, 'embed_video'), (6, 'embed_profile');

ALTER TABLE trackagoat.observation_source ENABLE ROW LEVEL SECURITY;
-- Histories: what was observed of creators and videos, packed.

CREATE TABLE trackagoat.creator_history (
	creator_id uuid NOT NULL,
	org_id uuid NOT NULL,
	started_at timestamptz NOT NULL,
	points trackagoat.series NOT NULL,
	CONSTRAINT creator_history_pkey PRIMARY KEY (creator_id, started_at, org_id),
	CONSTRAINT creator_history_creator_fkey FOREIGN KEY (creator_id, org_id)
		REFERENCES trackagoat.creator (id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.creator_history IS 'observations of creators, packed; written through observe_creators(), read through creator_snapshot';
COMMENT ON COLUMN trackagoat.creator_history.creator_id IS 'creator observed';
COMMENT ON COLUMN trackagoat.creator_history.org_id IS 'organization of the creator';
COMMENT ON COLUMN trackagoat.creator_history.started_at IS 'time of the first point; infinity for the open row, which takes the next ones';
COMMENT ON COLUMN trackagoat.creator_history.points IS 'a run of observations: followers, following, likes, videos';

CREATE TABLE trackagoat.video_history (
	video_id uuid NOT NULL,
	org_id uuid NOT NULL,
	started_at timestamptz NOT NULL,
	points trackagoat.series NOT NULL,
	CONSTRAINT video_history_pkey PRIMARY KEY (video_id, started_at, org_id),
	CONSTRAINT video_history_video_fkey FOREIGN KEY (video_id, org_id)
		REFERENCES trackagoat.video (id, org_id) ON DELETE CASCADE
) WITH (fillfactor = 75);
COMMENT ON TABLE trackagoat.video_history IS 'observations of videos, packed; written through observe_videos(), read through video_snapshot';
COMMENT ON COLUMN trackagoat.video_history.video_id IS 'video observed';
COMMENT ON COLUMN trackagoat.video_history.org_id IS 'organization of the video';
COMMENT ON COLUMN trackagoat.video_history.started_at IS 'time of the first point; infinity for the open row, which takes the next ones';
COMMENT ON COLUMN trackagoat.video_history.points IS 'a run of observations: views, likes, comments, shares, saves';

CREATE TRIGGER creator_break AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle AND OLD.handle_followed_at IS NOT DISTINCT FROM NEW.handle_followed_at)
	EXECUTE FUNCTION trackagoat.creator_break();
COMMENT ON TRIGGER creator_break ON trackagoat.creator IS 'a new handle may be another account: its level is a new baseline';

ALTER TABLE trackagoat.creator_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.video_history ENABLE ROW LEVEL SECURITY;
-- Histories unrolled: a row for each observation.

CREATE VIEW trackagoat.creator_snapshot WITH (security_invoker = true, security_barrier = true) AS
	SELECT h.creator_id, h.org_id, p.observed_at,
		p.levels[1] AS follower_count, p.levels[2] AS following_count,
		p.levels[3] AS total_likes_count, p.levels[4] AS video_count,
		p.exact, p.is_baseline, s.source
	FROM trackagoat.creator_history h
	CROSS JOIN LATERAL trackagoat.series_points(h.points) p
	LEFT JOIN trackagoat.observation_source s ON s.id = p.source
	-- a break without numbers is no observation
	WHERE NOT p.is_break OR num_nonnulls(p.levels[1], p.levels[2], p.levels[3], p.levels[4]) > 0;
COMMENT ON VIEW trackagoat.creator_snapshot IS 'observations of creators, a row each';
COMMENT ON COLUMN trackagoat.creator_snapshot.creator_id IS 'creator observed';
COMMENT ON COLUMN trackagoat.creator_snapshot.org_id IS 'organization of the creator';
COMMENT ON COLUMN trackagoat.creator_snapshot.observed_at IS 'when TikTok showed these numbers';
COMMENT ON COLUMN trackagoat.creator_snapshot.follower_count IS 'followers; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.following_count IS 'accounts followed; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.total_likes_count IS 'likes over all videos; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.video_count IS 'videos on TikTok; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_snapshot.exact IS 'false where the source rounds';
COMMENT ON COLUMN trackagoat.creator_snapshot.is_baseline IS 'whether a counter is known for the first time, or for the first time after a new handle: it gains nothing here';
COMMENT ON COLUMN trackagoat.creator_snapshot.source IS 'page or API that showed them, or import';

CREATE VIEW trackagoat.video_snapshot WITH (security_invoker = true, security_barrier = true) AS
	SELECT h.video_id, h.org_id, p.observed_at,
		p.levels[1] AS view_count, p.levels[2] AS like_count, p.levels[3] AS comment_count,
		p.levels[4] AS share_count, p.levels[5] AS save_count,
		p.exact, p.is_baseline, s.source
	FROM trackagoat.video_history h
	CROSS JOIN LATERAL trackagoat.series_points(h.points) p
	LEFT JOIN trackagoat.observation_source s ON s.id = p.source;
COMMENT ON VIEW trackagoat.video_snapshot IS 'observations of videos, a row each';
COMMENT ON COLUMN trackagoat.video_snapshot.video_id IS 'video observed';
COMMENT ON COLUMN trackagoat.video_snapshot.org_id IS 'organization of the video';
COMMENT ON COLUMN trackagoat.video_snapshot.observed_at IS 'when TikTok showed these numbers';
COMMENT ON COLUMN trackagoat.video_snapshot.view_count IS 'views; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.like_count IS 'likes; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.comment_count IS 'comments; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.share_count IS 'shares; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.save_count IS 'saves; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_snapshot.exact IS 'false where the source rounds';
COMMENT ON COLUMN trackagoat.video_snapshot.is_baseline IS 'whether a counter is known for the first time: it gains nothing here';
COMMENT ON COLUMN trackagoat.video_snapshot.source IS 'page or API that showed them, or import';
-- What the rows of creators and videos keep to: triggers, the change log, bans,
-- deleted videos, the inbox.

CREATE TABLE trackagoat.creator_event_kind (
	kind text NOT NULL,
	description text NOT NULL,
	CONSTRAINT creator_event_kind_pkey PRIMARY KEY (kind)
);
COMMENT ON TABLE trackagoat.creator_event_kind IS 'what the change log can tell';
COMMENT ON COLUMN trackagoat.creator_event_kind.kind IS 'name';
COMMENT ON COLUMN trackagoat.creator_event_kind.description IS 'what it means, and what the detail holds';

INSERT INTO trackagoat.creator_event_kind (kind, description) VALUES
	('added', 'the creator was added: tiktok_handle, tracking_mode'),
	('removed', 'it was taken out of the program'),
	('reactivated', 'it was brought back'),
	('renamed', 'a person gave it another handle: from, to, and the ids of the account before'),
	('handle_followed', 'the account took another handle on TikTok, and the creator followed: from, to, and the ids of the account'),
	('account_confirmed', 'after a rename the profile shows the same account as before: tiktok_account_id'),
	('account_changed', 'the handle shows another account, of which nothing is stored: tiktok_account_id, shown_account_id'),
	('mode_changed', 'the tracking mode was changed: from, to'),
	('follower_milestone', 'the followers crossed 1k, 2.5k, 5k, 10k, ...: milestone, direction (up, down), follower_count'),
	('goal_status_changed', 'a goal has another status: goal_id, goal_type, period, target, period_start, from, to'),
	('disabled', 'a person had it no longer fetched: reason'),
	('auto_disabled', 'the account was reported gone on five days: reason'),
	('banned', 'its handle was banned on the platform: reason'),
	('reenabled', 'it is fetched again: the reason that it was disabled for'),
	('refresh_slowed', 'a video gains little and is refreshed more rarely: tiktok_video_id'),
	('refresh_stopped', 'a video gains little and is no longer refreshed: tiktok_video_id'),
	('refresh_resumed', 'a video is refreshed at the full rate again: tiktok_video_id');

CREATE TABLE trackagoat.creator_event (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	video_id uuid,
	kind text NOT NULL,
	detail jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CONSTRAINT creator_event_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT creator_event_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT creator_event_video_fkey FOREIGN KEY (video_id, project_id, org_id)
		REFERENCES trackagoat.video (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT creator_event_of_check CHECK (num_nonnulls(creator_id, video_id) > 0)
);
COMMENT ON TABLE trackagoat.creator_event IS 'change log of creators, and of the refreshing of their videos; triggers write it';
COMMENT ON COLUMN trackagoat.creator_event.id IS 'UUID version 7: its order is the order of events';
COMMENT ON COLUMN trackagoat.creator_event.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.creator_event.project_id IS 'project';
COMMENT ON COLUMN trackagoat.creator_event.creator_id IS 'creator; NULL for a video without one';
COMMENT ON COLUMN trackagoat.creator_event.video_id IS 'video, where the event is of one';
COMMENT ON COLUMN trackagoat.creator_event.kind IS 'what happened: a kind of creator_event_kind';
COMMENT ON COLUMN trackagoat.creator_event.detail IS 'what else is to be told; ids of TikTok are text';
COMMENT ON COLUMN trackagoat.creator_event.created_at IS 'when';

CREATE INDEX creator_event_creator_idx ON trackagoat.creator_event (creator_id, id);
COMMENT ON INDEX trackagoat.creator_event_creator_idx IS 'change log of a creator';
CREATE INDEX creator_event_project_idx ON trackagoat.creator_event (project_id, created_at);
COMMENT ON INDEX trackagoat.creator_event_project_idx IS 'events of a project by time, and those that retention removes';
CREATE INDEX creator_event_video_idx ON trackagoat.creator_event (video_id) WHERE video_id IS NOT NULL;
COMMENT ON INDEX trackagoat.creator_event_video_idx IS 'events of a video';

CREATE TABLE trackagoat.banned_handle (
	tiktok_handle trackagoat.handle NOT NULL,
	reason text NOT NULL,
	banned_by text NOT NULL DEFAULT current_user,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT banned_handle_pkey PRIMARY KEY (tiktok_handle),
	CONSTRAINT banned_handle_reason_check CHECK (char_length(reason) BETWEEN 1 AND 1000)
);
COMMENT ON TABLE trackagoat.banned_handle IS 'handles that nobody on this platform may track; for its operators';
COMMENT ON COLUMN trackagoat.banned_handle.tiktok_handle IS 'handle';
COMMENT ON COLUMN trackagoat.banned_handle.reason IS 'why; those who are refused read it';
COMMENT ON COLUMN trackagoat.banned_handle.banned_by IS 'who banned it; the role that did when left out';
COMMENT ON COLUMN trackagoat.banned_handle.created_at IS 'since when';

CREATE TRIGGER banned_handle_disable AFTER INSERT OR UPDATE OF tiktok_handle ON trackagoat.banned_handle
	FOR EACH ROW EXECUTE FUNCTION trackagoat.banned_handle_disable();
COMMENT ON TRIGGER banned_handle_disable ON trackagoat.banned_handle IS 'disables the creators that have the handle';
CREATE CONSTRAINT TRIGGER banned_handle_commit AFTER INSERT OR UPDATE OF tiktok_handle ON trackagoat.banned_handle
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION trackagoat.banned_handle_disable();
COMMENT ON TRIGGER banned_handle_commit ON trackagoat.banned_handle IS 'disables those that others added meanwhile';

CREATE TABLE trackagoat.deleted_video (
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	tiktok_video_id bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT deleted_video_pkey PRIMARY KEY (project_id, tiktok_video_id, org_id),
	CONSTRAINT deleted_video_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.deleted_video IS 'posts whose video was deleted: discovery does not bring them back, adding them by URL does';
COMMENT ON COLUMN trackagoat.deleted_video.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.deleted_video.project_id IS 'project that the video was of';
COMMENT ON COLUMN trackagoat.deleted_video.tiktok_video_id IS 'TikTok''s id of the post';
COMMENT ON COLUMN trackagoat.deleted_video.created_at IS 'when it was deleted';

CREATE TABLE trackagoat.video_link (
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	link text NOT NULL,
	problem text,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT video_link_pkey PRIMARY KEY (project_id, link, org_id),
	CONSTRAINT video_link_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	-- it goes into a URL
	CONSTRAINT video_link_link_check CHECK (link ~ '^(vm\.tiktok\.com|vt\.tiktok\.com|www\.tiktok\.com/t)/[A-Za-z0-9_-]{1,40}$')
);
COMMENT ON TABLE trackagoat.video_link IS 'short links of videos: the worker looks where they lead, and the video takes their place';
COMMENT ON COLUMN trackagoat.video_link.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.video_link.project_id IS 'project that the video is to be added to';
COMMENT ON COLUMN trackagoat.video_link.link IS 'host and path of the link';
COMMENT ON COLUMN trackagoat.video_link.problem IS 'why no video came of it: dead_link or limit_reached; NULL while it waits';
COMMENT ON COLUMN trackagoat.video_link.created_at IS 'when it was given';

CREATE INDEX video_link_waiting_idx ON trackagoat.video_link (link) WHERE problem IS NULL;
COMMENT ON INDEX trackagoat.video_link_waiting_idx IS 'all projects that wait for a link';

CREATE TRIGGER video_link_scrape AFTER INSERT OR UPDATE ON trackagoat.video_link
	FOR EACH ROW WHEN (NEW.problem IS NULL)
	EXECUTE FUNCTION trackagoat.video_link_scrape();
COMMENT ON TRIGGER video_link_scrape ON trackagoat.video_link IS 'queues the link';

ALTER TABLE trackagoat.creator_event_kind ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.creator_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.banned_handle ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.deleted_video ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.video_link ENABLE ROW LEVEL SECURITY;

-- ---- triggers of creators; without lists of columns, so that what other triggers make of a row is seen ----

CREATE TRIGGER creator_fill BEFORE INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk())
	EXECUTE FUNCTION trackagoat.creator_fill();
COMMENT ON TRIGGER creator_fill ON trackagoat.creator IS 'fills org_id and tracking_start_date; refuses handles that are banned or were removed';
CREATE TRIGGER creator_no_change BEFORE UPDATE OF tiktok_handle ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle::text = NEW.tiktok_handle::text)
	EXECUTE FUNCTION trackagoat.creator_no_change();
COMMENT ON TRIGGER creator_no_change ON trackagoat.creator IS 'refuses a rename to the same handle';
CREATE TRIGGER creator_rename BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle)
	EXECUTE FUNCTION trackagoat.creator_rename();
COMMENT ON TRIGGER creator_rename ON trackagoat.creator IS 'refuses handles that are taken or banned; forgets what the old one''s profile showed';
CREATE TRIGGER creator_enable BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN ((OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL) OR (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL))
	EXECUTE FUNCTION trackagoat.creator_enable();
COMMENT ON TRIGGER creator_enable ON trackagoat.creator IS 'a creator that comes back begins anew';
CREATE TRIGGER creator_relist BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.disabled_at IS NULL AND NEW.removed_at IS NULL
		AND (OLD.disabled_at IS NOT NULL OR OLD.removed_at IS NOT NULL
			OR NEW.tiktok_handle <> OLD.tiktok_handle OR NEW.tracking_start_date < OLD.tracking_start_date))
	EXECUTE FUNCTION trackagoat.creator_relist();
COMMENT ON TRIGGER creator_relist ON trackagoat.creator IS 'wants videos listed back to the tracking start again';
CREATE TRIGGER creator_scrape AFTER INSERT OR UPDATE OF tiktok_handle, tracking_start_date, disabled_at, removed_at
	ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.disabled_at IS NULL AND NEW.removed_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_scrape();
COMMENT ON TRIGGER creator_scrape ON trackagoat.creator IS 'queues profile and discovery';
CREATE TRIGGER creator_adopt AFTER INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.removed_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_adopt();
COMMENT ON TRIGGER creator_adopt ON trackagoat.creator IS 'takes in videos that came before it';
CREATE TRIGGER creator_adopt_update AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.removed_at IS NULL AND (OLD.tiktok_handle <> NEW.tiktok_handle OR OLD.removed_at IS NOT NULL))
	EXECUTE FUNCTION trackagoat.creator_adopt();
COMMENT ON TRIGGER creator_adopt_update ON trackagoat.creator IS 'takes in videos that came before it had the handle';
CREATE TRIGGER creator_added AFTER INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND trackagoat.happens_now(NEW.created_at))
	EXECUTE FUNCTION trackagoat.creator_added();
COMMENT ON TRIGGER creator_added ON trackagoat.creator IS 'writes to the change log; not of what a backup brings';
CREATE TRIGGER creator_log AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle OR OLD.tracking_mode <> NEW.tracking_mode
		OR (OLD.removed_at IS NULL) <> (NEW.removed_at IS NULL) OR (OLD.disabled_at IS NULL) <> (NEW.disabled_at IS NULL)
		OR OLD.follower_count <> NEW.follower_count OR OLD.other_account_id IS DISTINCT FROM NEW.other_account_id
		OR OLD.previous_account_id IS DISTINCT FROM NEW.previous_account_id)
	EXECUTE FUNCTION trackagoat.creator_log();
COMMENT ON TRIGGER creator_log ON trackagoat.creator IS 'writes to the change log';
CREATE CONSTRAINT TRIGGER creator_ban AFTER INSERT ON trackagoat.creator
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.removed_at IS NULL AND NEW.disabled_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_ban();
COMMENT ON TRIGGER creator_ban ON trackagoat.creator IS 'refuses, at commit, a handle that was banned meanwhile';
CREATE CONSTRAINT TRIGGER creator_ban_update AFTER UPDATE ON trackagoat.creator
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.removed_at IS NULL AND NEW.disabled_at IS NULL
		AND (OLD.tiktok_handle <> NEW.tiktok_handle OR OLD.removed_at IS NOT NULL OR OLD.disabled_at IS NOT NULL))
	EXECUTE FUNCTION trackagoat.creator_ban();
COMMENT ON TRIGGER creator_ban_update ON trackagoat.creator IS 'the same of one that is renamed, enabled or brought back';
CREATE TRIGGER creator_touch BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN ((OLD.tiktok_handle::text <> NEW.tiktok_handle::text AND OLD.handle_followed_at IS NOT DISTINCT FROM NEW.handle_followed_at)
		OR OLD.display_name_override IS DISTINCT FROM NEW.display_name_override
		OR OLD.readme IS DISTINCT FROM NEW.readme OR OLD.metadata <> NEW.metadata
		OR OLD.tracking_mode <> NEW.tracking_mode OR OLD.tracking_start_date <> NEW.tracking_start_date
		OR (OLD.disabled_at IS DISTINCT FROM NEW.disabled_at AND coalesce(NEW.disabled_reason, OLD.disabled_reason, '') <> 'account_gone')
		OR OLD.removed_at IS DISTINCT FROM NEW.removed_at)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER creator_touch ON trackagoat.creator IS 'moves updated_at with what people change';

-- ---- videos ----

CREATE INDEX video_inbox_idx ON trackagoat.video (project_id, trackagoat.video_posted_at(posted_at, tiktok_video_id) DESC) WHERE tracking_status = 'pending_review';
COMMENT ON INDEX trackagoat.video_inbox_idx IS 'videos that wait for review';
CREATE INDEX video_lone_idx ON trackagoat.video (project_id, tiktok_handle) WHERE creator_id IS NULL;
COMMENT ON INDEX trackagoat.video_lone_idx IS 'videos whose creator is not in the project, by their author';
CREATE INDEX video_direct_add_idx ON trackagoat.video (org_id) WHERE tracking_status = 'direct_add';
COMMENT ON INDEX trackagoat.video_direct_add_idx IS 'videos that were added one by one';
CREATE INDEX video_posted_at_idx ON trackagoat.video (project_id, trackagoat.video_posted_at(posted_at, tiktok_video_id));
COMMENT ON INDEX trackagoat.video_posted_at_idx IS 'videos of a project by the time of posting';

CREATE TRIGGER video_fill BEFORE INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk()) EXECUTE FUNCTION trackagoat.video_fill();
COMMENT ON TRIGGER video_fill ON trackagoat.video IS 'fills project_id, org_id and creator_id';
CREATE TRIGGER video_scrape AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk()
		AND trackagoat.video_is_fetched(NEW.tracking_status, NEW.tracking_disabled_at, NEW.refresh_stopped_at))
	EXECUTE FUNCTION trackagoat.video_scrape();
COMMENT ON TRIGGER video_scrape ON trackagoat.video IS 'makes the standing job; queues a post added by URL at once';
CREATE TRIGGER video_scrape_update AFTER UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (trackagoat.video_is_fetched(NEW.tracking_status, NEW.tracking_disabled_at, NEW.refresh_stopped_at)
		AND NOT trackagoat.video_is_fetched(OLD.tracking_status, OLD.tracking_disabled_at, OLD.refresh_stopped_at))
	EXECUTE FUNCTION trackagoat.video_scrape();
COMMENT ON TRIGGER video_scrape_update ON trackagoat.video IS 'makes the standing job of a post that is fetched again';
CREATE TRIGGER video_review BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND OLD.tracking_status <> NEW.tracking_status)
	EXECUTE FUNCTION trackagoat.video_review();
COMMENT ON TRIGGER video_review ON trackagoat.video IS 'refuses a status that the one before does not lead to';
CREATE TRIGGER video_refresh BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (OLD.refresh_stopped_at IS NOT NULL AND NEW.refresh_stopped_at IS NULL)
	EXECUTE FUNCTION trackagoat.video_refresh();
COMMENT ON TRIGGER video_refresh ON trackagoat.video IS 'what is refreshed again is so at the full rate';
CREATE TRIGGER video_log AFTER UPDATE ON trackagoat.video
	FOR EACH ROW WHEN ((OLD.refresh_slowed_at IS NULL) <> (NEW.refresh_slowed_at IS NULL)
		OR (OLD.refresh_stopped_at IS NULL) <> (NEW.refresh_stopped_at IS NULL))
	EXECUTE FUNCTION trackagoat.video_log();
COMMENT ON TRIGGER video_log ON trackagoat.video IS 'writes to the change log';
CREATE TRIGGER video_return AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NEW.tracking_status = 'direct_add')
	EXECUTE FUNCTION trackagoat.video_return();
COMMENT ON TRIGGER video_return ON trackagoat.video IS 'what a person adds again is no longer deleted';
CREATE TRIGGER video_delete AFTER DELETE ON trackagoat.video
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_delete();
COMMENT ON TRIGGER video_delete ON trackagoat.video IS 'remembers what discovery is not to bring back';
CREATE TRIGGER video_touch BEFORE UPDATE OF
		tracking_status, readme, metadata, tracking_disabled_at ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER video_touch ON trackagoat.video IS 'moves updated_at with what people change';


CREATE VIEW trackagoat.inbox WITH (security_invoker = true) AS
	SELECT v.id AS video_id, v.org_id, v.project_id, v.creator_id, c.tiktok_handle,
		coalesce(c.display_name_override, c.display_name) AS display_name, v.kind, v.title,
		trackagoat.video_url(coalesce(v.tiktok_handle, c.tiktok_handle), v.tiktok_video_id, v.kind) AS url,
		v.thumbnail_url, trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) AS posted_at,
		v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count, v.last_observed_at, v.created_at
	FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
	WHERE v.tracking_status = 'pending_review' AND c.removed_at IS NULL
	ORDER BY trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) DESC, v.id DESC;
COMMENT ON VIEW trackagoat.inbox IS 'videos that wait for review, newest first; review_videos() decides on them';
COMMENT ON COLUMN trackagoat.inbox.video_id IS 'video';
COMMENT ON COLUMN trackagoat.inbox.org_id IS 'its organization';
COMMENT ON COLUMN trackagoat.inbox.project_id IS 'its project';
COMMENT ON COLUMN trackagoat.inbox.creator_id IS 'whose post it is';
COMMENT ON COLUMN trackagoat.inbox.tiktok_handle IS 'handle of the creator';
COMMENT ON COLUMN trackagoat.inbox.display_name IS 'name of the creator, the team''s if it has given one';
COMMENT ON COLUMN trackagoat.inbox.kind IS 'video or photo';
COMMENT ON COLUMN trackagoat.inbox.title IS 'caption of the post';
COMMENT ON COLUMN trackagoat.inbox.url IS 'where TikTok shows it';
COMMENT ON COLUMN trackagoat.inbox.thumbnail_url IS 'cover picture; TikTok''s link expires after about two days';
COMMENT ON COLUMN trackagoat.inbox.posted_at IS 'when it was posted';
COMMENT ON COLUMN trackagoat.inbox.view_count IS 'views, last known';
COMMENT ON COLUMN trackagoat.inbox.like_count IS 'likes, last known';
COMMENT ON COLUMN trackagoat.inbox.comment_count IS 'comments, last known';
COMMENT ON COLUMN trackagoat.inbox.share_count IS 'shares, last known';
COMMENT ON COLUMN trackagoat.inbox.save_count IS 'saves, last known';
COMMENT ON COLUMN trackagoat.inbox.last_observed_at IS 'time of the newest observation';
COMMENT ON COLUMN trackagoat.inbox.created_at IS 'when it was found';
-- Goals of creators, and what people are to be told.

CREATE TABLE trackagoat.goal (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid NOT NULL,
	goal_type trackagoat.goal_type NOT NULL,
	target numeric NOT NULL,
	period trackagoat.goal_period,
	starts_on date NOT NULL,
	ends_on date,
	status trackagoat.goal_status,
	status_period date,
	status_at timestamptz,
	closed_status trackagoat.goal_status,
	closed_period date,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT goal_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT goal_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE
) WITH (fillfactor = 80);
COMMENT ON TABLE trackagoat.goal IS 'target of a creator; goal_compliance() answers where it stands';
COMMENT ON COLUMN trackagoat.goal.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.goal.org_id IS 'organization; taken from the creator when left out';
COMMENT ON COLUMN trackagoat.goal.project_id IS 'project; taken from the creator when left out';
COMMENT ON COLUMN trackagoat.goal.creator_id IS 'whose goal it is';
COMMENT ON COLUMN trackagoat.goal.goal_type IS 'what it measures';
COMMENT ON COLUMN trackagoat.goal.target IS 'what is to be reached in each period; percent for engagement, a level for followers';
COMMENT ON COLUMN trackagoat.goal.period IS 'how often it begins anew; NULL for a milestone of followers';
COMMENT ON COLUMN trackagoat.goal.starts_on IS 'first day, in the organization''s time zone; today when left out';
COMMENT ON COLUMN trackagoat.goal.ends_on IS 'last day; NULL for none';
COMMENT ON COLUMN trackagoat.goal.status IS 'where it stood when it was last evaluated; NULL before that';
COMMENT ON COLUMN trackagoat.goal.status_period IS 'first day of the period that status is of';
COMMENT ON COLUMN trackagoat.goal.status_at IS 'since when it has that status';
COMMENT ON COLUMN trackagoat.goal.closed_status IS 'how the last period ended that is over';
COMMENT ON COLUMN trackagoat.goal.closed_period IS 'first day of that period';
COMMENT ON COLUMN trackagoat.goal.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.goal.updated_at IS 'when a person last changed the row; an evaluation does not move it';

CREATE INDEX goal_creator_idx ON trackagoat.goal (creator_id);
COMMENT ON INDEX trackagoat.goal_creator_idx IS 'goals of a creator';
CREATE INDEX goal_project_idx ON trackagoat.goal (project_id);
COMMENT ON INDEX trackagoat.goal_project_idx IS 'goals of a project';
CREATE INDEX goal_organization_idx ON trackagoat.goal (org_id, id);
COMMENT ON INDEX trackagoat.goal_organization_idx IS 'goals of an organization';
CREATE INDEX video_disabled_idx ON trackagoat.video (creator_id) WHERE tracking_disabled_at IS NOT NULL;
COMMENT ON INDEX trackagoat.video_disabled_idx IS 'creators some of whose videos leave the goals alone';

CREATE TRIGGER goal_fill BEFORE INSERT ON trackagoat.goal
	FOR EACH ROW EXECUTE FUNCTION trackagoat.goal_fill();
COMMENT ON TRIGGER goal_fill ON trackagoat.goal IS 'fills org_id, project_id and starts_on';
CREATE TRIGGER goal_rules BEFORE INSERT OR UPDATE OF goal_type, target, period, starts_on, ends_on ON trackagoat.goal
	FOR EACH ROW EXECUTE FUNCTION trackagoat.goal_rules();
COMMENT ON TRIGGER goal_rules ON trackagoat.goal IS 'refuses targets, periods and dates that make no sense';
CREATE TRIGGER goal_touch BEFORE UPDATE ON trackagoat.goal
	FOR EACH ROW WHEN ((OLD.goal_type, OLD.target, OLD.period, OLD.starts_on, OLD.ends_on)
		IS DISTINCT FROM (NEW.goal_type, NEW.target, NEW.period, NEW.starts_on, NEW.ends_on))
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER goal_touch ON trackagoat.goal IS 'moves updated_at';
CREATE TRIGGER goal_tell AFTER UPDATE ON trackagoat.goal
	FOR EACH ROW WHEN (OLD.status <> NEW.status OR (NEW.closed_status IS NOT NULL
		AND (OLD.closed_period, OLD.closed_status) IS DISTINCT FROM (NEW.closed_period, NEW.closed_status)))
	EXECUTE FUNCTION trackagoat.goal_tell();
COMMENT ON TRIGGER goal_tell ON trackagoat.goal IS 'tells the change log and people of another status';

CREATE TABLE trackagoat.notification (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid NOT NULL,
	kind text NOT NULL,
	subject uuid NOT NULL,
	detail jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	read_at timestamptz,
	CONSTRAINT notification_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT notification_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.notification IS 'what people are to be told; triggers write it';
COMMENT ON COLUMN trackagoat.notification.id IS 'UUID version 7: its order is the order of events';
COMMENT ON COLUMN trackagoat.notification.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.notification.project_id IS 'project';
COMMENT ON COLUMN trackagoat.notification.creator_id IS 'creator';
COMMENT ON COLUMN trackagoat.notification.kind IS 'what happened: a kind of creator_event_kind';
COMMENT ON COLUMN trackagoat.notification.subject IS 'of what: the id of the goal';
COMMENT ON COLUMN trackagoat.notification.detail IS 'what else is to be told, as in the change log';
COMMENT ON COLUMN trackagoat.notification.created_at IS 'when';
COMMENT ON COLUMN trackagoat.notification.read_at IS 'when somebody read it; set it';

CREATE INDEX notification_unread_idx ON trackagoat.notification (project_id, id) WHERE read_at IS NULL;
COMMENT ON INDEX trackagoat.notification_unread_idx IS 'what nobody has read yet';
CREATE INDEX notification_project_idx ON trackagoat.notification (project_id, created_at);
COMMENT ON INDEX trackagoat.notification_project_idx IS 'notifications of a project by time, and those that retention removes';
CREATE INDEX notification_creator_idx ON trackagoat.notification (creator_id);
COMMENT ON INDEX trackagoat.notification_creator_idx IS 'notifications of a creator';

ALTER TABLE trackagoat.goal ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.notification ENABLE ROW LEVEL SECURITY;
-- Totals: folded rows of creators, projects and campaigns, and the log of
-- differences that are not folded yet.  Only the folder writes the rows; the
-- log is written by everybody and nobody waits for another to do so.

CREATE TABLE trackagoat.total (
	entity_id uuid NOT NULL,
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	entity text NOT NULL,
	is_counted boolean NOT NULL,
	creators bigint NOT NULL,
	videos bigint NOT NULL,
	views bigint NOT NULL,
	likes bigint NOT NULL,
	comments bigint NOT NULL,
	shares bigint NOT NULL,
	saves bigint NOT NULL,
	known_views bigint NOT NULL,
	known_likes bigint NOT NULL,
	known_comments bigint NOT NULL,
	known_shares bigint NOT NULL,
	known_saves bigint NOT NULL,
	tree uuid[],
	timezone text NOT NULL,
	folded_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT total_pkey PRIMARY KEY (entity_id, entity, org_id),
	CONSTRAINT total_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT total_entity_check CHECK (entity IN ('creator', 'project', 'campaign'))
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.total IS 'folded lifetime totals; exact together with total_difference, which campaign_stats() and analytics() add';
COMMENT ON COLUMN trackagoat.total.entity_id IS 'whose totals they are';
COMMENT ON COLUMN trackagoat.total.org_id IS 'its organization';
COMMENT ON COLUMN trackagoat.total.project_id IS 'its project';
COMMENT ON COLUMN trackagoat.total.entity IS 'creator, project or campaign';
COMMENT ON COLUMN trackagoat.total.is_counted IS 'whether project and campaigns have folded it in: false for a creator that is removed';
COMMENT ON COLUMN trackagoat.total.creators IS 'creators of a campaign';
COMMENT ON COLUMN trackagoat.total.videos IS 'videos that count';
COMMENT ON COLUMN trackagoat.total.views IS 'sum of their views, last known';
COMMENT ON COLUMN trackagoat.total.likes IS 'sum of their likes, last known';
COMMENT ON COLUMN trackagoat.total.comments IS 'sum of their comments, last known';
COMMENT ON COLUMN trackagoat.total.shares IS 'sum of their shares, last known';
COMMENT ON COLUMN trackagoat.total.saves IS 'sum of their saves, last known';
COMMENT ON COLUMN trackagoat.total.known_views IS 'videos whose views are known';
COMMENT ON COLUMN trackagoat.total.known_likes IS 'videos whose likes are known';
COMMENT ON COLUMN trackagoat.total.known_comments IS 'videos whose comments are known';
COMMENT ON COLUMN trackagoat.total.known_shares IS 'videos whose shares are known';
COMMENT ON COLUMN trackagoat.total.known_saves IS 'videos whose saves are known';
COMMENT ON COLUMN trackagoat.total.tree IS 'a campaign and all below it, as they were folded';
COMMENT ON COLUMN trackagoat.total.timezone IS 'time zone of its days';
COMMENT ON COLUMN trackagoat.total.folded_at IS 'when it last changed';

CREATE INDEX total_project_idx ON trackagoat.total (project_id);
COMMENT ON INDEX trackagoat.total_project_idx IS 'totals of a project';

CREATE TABLE trackagoat.total_month (
	entity_id uuid NOT NULL,
	org_id uuid NOT NULL,
	entity text NOT NULL,
	month date NOT NULL,
	days trackagoat.series NOT NULL,
	CONSTRAINT total_month_pkey PRIMARY KEY (entity_id, entity, month, org_id),
	CONSTRAINT total_month_total_fkey FOREIGN KEY (entity_id, entity, org_id)
		REFERENCES trackagoat.total (entity_id, entity, org_id) ON DELETE CASCADE
) WITH (fillfactor = 70);
-- as rows of a few hundred bytes they need no other place
ALTER TABLE trackagoat.total_month ALTER COLUMN days SET STORAGE main;
COMMENT ON TABLE trackagoat.total_month IS 'folded days, a row for each month that has any; entity_days() unrolls them';
COMMENT ON COLUMN trackagoat.total_month.entity_id IS 'whose days they are';
COMMENT ON COLUMN trackagoat.total_month.org_id IS 'its organization';
COMMENT ON COLUMN trackagoat.total_month.entity IS 'creator, project or campaign';
COMMENT ON COLUMN trackagoat.total_month.month IS 'first day of the month';
COMMENT ON COLUMN trackagoat.total_month.days IS 'for each day posts, then gains, baselines and numbers of baselines of views, likes, comments, shares, saves';

CREATE TABLE trackagoat.total_difference (
	id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	video_id uuid,
	campaign_id uuid,
	differences trackagoat.series,
	CONSTRAINT total_difference_pkey PRIMARY KEY (id, org_id)
);
COMMENT ON TABLE trackagoat.total_difference IS
	'log of what is not folded yet: a video''s differences, a campaign whose items changed, a creator removed, restored or deleted, or a project to compute anew';
COMMENT ON COLUMN trackagoat.total_difference.id IS 'rises with time';
COMMENT ON COLUMN trackagoat.total_difference.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.total_difference.project_id IS 'project whose totals change';
COMMENT ON COLUMN trackagoat.total_difference.creator_id IS 'creator of the video; without a video, one that was removed, restored or deleted';
COMMENT ON COLUMN trackagoat.total_difference.video_id IS 'video whose differences these are';
COMMENT ON COLUMN trackagoat.total_difference.campaign_id IS 'campaign to compute anew, with those above it';
COMMENT ON COLUMN trackagoat.total_difference.differences IS 'for each moment the same numbers as total_month.days; whose day it is depends on the time zone';

CREATE INDEX total_difference_project_idx ON trackagoat.total_difference (project_id);
COMMENT ON INDEX trackagoat.total_difference_project_idx IS 'what a project has not folded yet';

ALTER TABLE trackagoat.total ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.total_month ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.total_difference ENABLE ROW LEVEL SECURITY;
-- What changes totals: triggers that write the log of differences.

CREATE INDEX creator_removed_idx ON trackagoat.creator (project_id, tiktok_handle) WHERE removed_at IS NOT NULL;
COMMENT ON INDEX trackagoat.creator_removed_idx IS 'creators that are out of the program, by handle';

CREATE TRIGGER project_totals AFTER DELETE ON trackagoat.project
	FOR EACH ROW EXECUTE FUNCTION trackagoat.project_totals();
COMMENT ON TRIGGER project_totals ON trackagoat.project IS 'what is not folded goes with the project';

-- without a list of columns, so that what other triggers make of the row is seen
CREATE TRIGGER creator_totals AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN ((OLD.removed_at IS NULL) <> (NEW.removed_at IS NULL))
	EXECUTE FUNCTION trackagoat.creator_totals();
COMMENT ON TRIGGER creator_totals ON trackagoat.creator IS 'totals lose or regain a creator that is removed or restored';
CREATE TRIGGER creator_totals_delete BEFORE DELETE ON trackagoat.creator
	FOR EACH ROW EXECUTE FUNCTION trackagoat.creator_totals();
COMMENT ON TRIGGER creator_totals_delete ON trackagoat.creator IS 'totals lose a creator that is deleted';
CREATE TRIGGER creator_totals_truncate AFTER TRUNCATE ON trackagoat.creator
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER creator_totals_truncate ON trackagoat.creator IS 'totals begin anew';

CREATE TRIGGER video_totals AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk()) EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER video_totals ON trackagoat.video IS 'totals gain a video that counts';
-- before, so that what the same statement observes comes after; last by name,
-- so that it sees what other triggers make of the row
CREATE TRIGGER zz_video_totals_update BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN ((trackagoat.status_counts(OLD.tracking_status) <> trackagoat.status_counts(NEW.tracking_status)
			AND NOT trackagoat.in_bulk())
		OR OLD.creator_id IS DISTINCT FROM NEW.creator_id OR OLD.project_id <> NEW.project_id
		OR trackagoat.video_posted_at(OLD.posted_at, OLD.tiktok_video_id)
			IS DISTINCT FROM trackagoat.video_posted_at(NEW.posted_at, NEW.tiktok_video_id))
	EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER zz_video_totals_update ON trackagoat.video IS 'totals gain a video that begins to count, and lose one that no longer does';
CREATE TRIGGER zz_video_totals_delete BEFORE DELETE ON trackagoat.video
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER zz_video_totals_delete ON trackagoat.video IS 'totals lose a video that is deleted';
CREATE TRIGGER video_totals_truncate AFTER TRUNCATE ON trackagoat.video
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER video_totals_truncate ON trackagoat.video IS 'totals begin anew';
CREATE TRIGGER video_history_truncate AFTER TRUNCATE ON trackagoat.video_history
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.history_truncate();
COMMENT ON TRIGGER video_history_truncate ON trackagoat.video_history IS 'nothing is known any more, and totals begin anew';
CREATE TRIGGER creator_history_truncate AFTER TRUNCATE ON trackagoat.creator_history
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.history_truncate();
COMMENT ON TRIGGER creator_history_truncate ON trackagoat.creator_history IS 'nothing is known any more';

CREATE TRIGGER campaign_totals AFTER INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_totals();
COMMENT ON TRIGGER campaign_totals ON trackagoat.campaign IS 'a new campaign has totals';
CREATE TRIGGER campaign_totals_delete BEFORE DELETE ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_totals();
COMMENT ON TRIGGER campaign_totals_delete ON trackagoat.campaign IS 'a deleted campaign has none';
CREATE TRIGGER campaign_totals_truncate AFTER TRUNCATE ON trackagoat.campaign
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER campaign_totals_truncate ON trackagoat.campaign IS 'totals begin anew';
CREATE TRIGGER campaign_item_totals AFTER INSERT OR UPDATE OR DELETE ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_item_totals();
COMMENT ON TRIGGER campaign_item_totals ON trackagoat.campaign_item IS 'a campaign whose items change is computed anew, with those above it';
CREATE TRIGGER campaign_item_totals_truncate AFTER TRUNCATE ON trackagoat.campaign_item
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER campaign_item_totals_truncate ON trackagoat.campaign_item IS 'totals begin anew';

CREATE TRIGGER total_truncate AFTER TRUNCATE ON trackagoat.total
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER total_truncate ON trackagoat.total IS 'totals begin anew';
CREATE TRIGGER total_month_truncate AFTER TRUNCATE ON trackagoat.total_month
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER total_month_truncate ON trackagoat.total_month IS 'totals begin anew';
CREATE TRIGGER total_difference_truncate AFTER TRUNCATE ON trackagoat.total_difference
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.rebuild_all_totals();
COMMENT ON TRIGGER total_difference_truncate ON trackagoat.total_difference IS 'what was not folded is found in the histories';

CREATE TRIGGER creator_stay BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id OR OLD.org_id <> NEW.org_id)
	EXECUTE FUNCTION trackagoat.stay_in_project();
COMMENT ON TRIGGER creator_stay ON trackagoat.creator IS 'refuses another project';
CREATE TRIGGER campaign_stay BEFORE UPDATE ON trackagoat.campaign
	FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id OR OLD.org_id <> NEW.org_id)
	EXECUTE FUNCTION trackagoat.stay_in_project();
COMMENT ON TRIGGER campaign_stay ON trackagoat.campaign IS 'refuses another project';
-- Plans: rows that override the documented ones or make others, and the
-- triggers that hold organizations to theirs.

CREATE TABLE trackagoat.plan (
	plan text NOT NULL,
	limit_key text NOT NULL,
	max bigint,
	CONSTRAINT plan_pkey PRIMARY KEY (plan, limit_key),
	CONSTRAINT plan_plan_check CHECK (plan ~ '^[a-z0-9_]{1,63}$'),
	CONSTRAINT plan_limit_key_check CHECK (limit_key IN ('max_creators_per_org', 'max_tracked_videos_per_org', 'max_projects_per_org',
		'max_members_per_org', 'max_campaigns_per_project', 'max_campaign_items_per_campaign', 'max_api_keys_per_org',
		'max_api_requests_per_day', 'max_manual_scrape_triggers_per_day', 'max_payout_methods_per_org',
		'max_payout_structures_per_project', 'min_video_stats_hours', 'min_discover_videos_hours',
		'min_creator_profiles_hours', 'stats_history_retention_days')),
	CONSTRAINT plan_max_check CHECK (max >= 0),
	-- a year, as the longest interval of an organization
	CONSTRAINT plan_hours_check CHECK (limit_key NOT LIKE 'min\_%' OR max <= 8784)
);
COMMENT ON TABLE trackagoat.plan IS 'limits of plans, over those that documented_plans() has; plan_limits() is what holds';
COMMENT ON COLUMN trackagoat.plan.plan IS 'free, starter, ultra or a plan of your own';
COMMENT ON COLUMN trackagoat.plan.limit_key IS 'which limit';
COMMENT ON COLUMN trackagoat.plan.max IS 'the limit; NULL for none';

ALTER TABLE trackagoat.plan ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER organization_plan BEFORE INSERT OR UPDATE OF plan ON trackagoat.organization
	FOR EACH ROW WHEN (NEW.plan IS NOT NULL)
	EXECUTE FUNCTION trackagoat.organization_plan();
COMMENT ON TRIGGER organization_plan ON trackagoat.organization IS 'refuses a plan that nobody knows';

CREATE TRIGGER creator_limit_lock BEFORE INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER creator_limit_lock ON trackagoat.creator IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER creator_limit AFTER INSERT ON trackagoat.creator
	FOR EACH ROW WHEN (NOT trackagoat.in_bulk() AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_check('max_creators_per_org');
COMMENT ON TRIGGER creator_limit ON trackagoat.creator IS 'refuses what the plan does not allow';

CREATE TRIGGER video_limit_lock BEFORE INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER video_limit_lock ON trackagoat.video IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER video_limit AFTER INSERT ON trackagoat.video
	FOR EACH ROW WHEN (NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_check('max_tracked_videos_per_org');
COMMENT ON TRIGGER video_limit ON trackagoat.video IS 'refuses what the plan does not allow';

CREATE TRIGGER project_limit_lock BEFORE INSERT ON trackagoat.project
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER project_limit_lock ON trackagoat.project IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER project_limit AFTER INSERT ON trackagoat.project
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_projects_per_org');
COMMENT ON TRIGGER project_limit ON trackagoat.project IS 'refuses what the plan does not allow';

CREATE TRIGGER campaign_limit_lock BEFORE INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER campaign_limit_lock ON trackagoat.campaign IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER campaign_limit AFTER INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_campaigns_per_project');
COMMENT ON TRIGGER campaign_limit ON trackagoat.campaign IS 'refuses what the plan does not allow';

CREATE TRIGGER campaign_item_limit_lock BEFORE INSERT ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER campaign_item_limit_lock ON trackagoat.campaign_item IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER campaign_item_limit AFTER INSERT ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_campaign_items_per_campaign');
COMMENT ON TRIGGER campaign_item_limit ON trackagoat.campaign_item IS 'refuses what the plan does not allow';

CREATE TRIGGER project_move_lock BEFORE UPDATE ON trackagoat.project
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER project_move_lock ON trackagoat.project IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER project_move_limit AFTER UPDATE ON trackagoat.project
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id) EXECUTE FUNCTION trackagoat.limit_check('max_projects_per_org');
COMMENT ON TRIGGER project_move_limit ON trackagoat.project IS 'refuses to move in what the plan does not allow';

CREATE TRIGGER video_move_lock BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id AND NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER video_move_lock ON trackagoat.video IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER video_move_limit AFTER UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (OLD.org_id <> NEW.org_id AND NEW.tracking_status = 'direct_add') EXECUTE FUNCTION trackagoat.limit_check('max_tracked_videos_per_org');
COMMENT ON TRIGGER video_move_limit ON trackagoat.video IS 'refuses to move in what the plan does not allow';

CREATE TRIGGER campaign_item_move_lock BEFORE UPDATE ON trackagoat.campaign_item
	FOR EACH ROW WHEN (OLD.campaign_id <> NEW.campaign_id) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER campaign_item_move_lock ON trackagoat.campaign_item IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER campaign_item_move_limit AFTER UPDATE ON trackagoat.campaign_item
	FOR EACH ROW WHEN (OLD.campaign_id <> NEW.campaign_id) EXECUTE FUNCTION trackagoat.limit_check('max_campaign_items_per_campaign');
COMMENT ON TRIGGER campaign_item_move_limit ON trackagoat.campaign_item IS 'refuses to move in what the plan does not allow';

CREATE TRIGGER creator_return_lock BEFORE UPDATE OF removed_at ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER creator_return_lock ON trackagoat.creator IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER creator_return_limit AFTER UPDATE OF removed_at ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL AND NEW.removed_at IS NULL) EXECUTE FUNCTION trackagoat.limit_check('max_creators_per_org');
COMMENT ON TRIGGER creator_return_limit ON trackagoat.creator IS 'refuses to bring back what the plan does not allow';
-- Retention: how far prune() has walked.

CREATE TABLE trackagoat.retention_walk (
	entity text NOT NULL,
	begun_at timestamptz NOT NULL,
	after uuid,
	CONSTRAINT retention_walk_pkey PRIMARY KEY (entity),
	CONSTRAINT retention_walk_entity_check CHECK (entity IN ('creator', 'video'))
);
COMMENT ON TABLE trackagoat.retention_walk IS 'the walks of prune() over all histories, a row for creators and one for videos';
COMMENT ON COLUMN trackagoat.retention_walk.entity IS 'creator or video';
COMMENT ON COLUMN trackagoat.retention_walk.begun_at IS 'when the last walk began; the next one begins a day later at the earliest';
COMMENT ON COLUMN trackagoat.retention_walk.after IS 'id that the walk has come to; NULL once it is over';

ALTER TABLE trackagoat.retention_walk ENABLE ROW LEVEL SECURITY;
-- The schedule: what an organization that changes its intervals or plan does to
-- it, and what was fetched ahead of it by hand.

CREATE TABLE trackagoat.manual_scrape (
	org_id uuid NOT NULL,
	day date NOT NULL,
	triggers integer NOT NULL,
	CONSTRAINT manual_scrape_pkey PRIMARY KEY (org_id),
	CONSTRAINT manual_scrape_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT manual_scrape_triggers_check CHECK (triggers > 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.manual_scrape IS 'how often an organization whose plan limits it has called scrape_creator() and scrape_video(): its last such day; the next one takes the place of the row';
COMMENT ON COLUMN trackagoat.manual_scrape.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.manual_scrape.day IS 'day (UTC)';
COMMENT ON COLUMN trackagoat.manual_scrape.triggers IS 'calls of that day';

ALTER TABLE trackagoat.manual_scrape ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER organization_schedule
	AFTER UPDATE OF plan, creator_profile_interval, discover_videos_interval, video_stats_interval ON trackagoat.organization
	FOR EACH ROW WHEN (OLD.plan IS DISTINCT FROM NEW.plan OR OLD.creator_profile_interval > NEW.creator_profile_interval
		OR OLD.discover_videos_interval > NEW.discover_videos_interval OR OLD.video_stats_interval > NEW.video_stats_interval)
	EXECUTE FUNCTION trackagoat.organization_schedule();
COMMENT ON TRIGGER organization_schedule ON trackagoat.organization IS 'has a shorter interval or another plan hold at once';

CREATE INDEX scrape_request_order_idx ON trackagoat.scrape_request (priority DESC, id);
COMMENT ON INDEX trackagoat.scrape_request_order_idx IS 'the order of folding: what people wait for does not wait for what was brought forward';
-- Where pages are asked for, and how the hosts have borne it.

CREATE TABLE trackagoat.scrape_source (
	kind trackagoat.scrape_kind NOT NULL,
	source text NOT NULL,
	place smallint NOT NULL,
	avoided_until timestamptz,
	CONSTRAINT scrape_source_pkey PRIMARY KEY (kind, source),
	CONSTRAINT scrape_source_place_key UNIQUE (kind, place),
	CONSTRAINT scrape_source_place_check CHECK (place > 0),
	CONSTRAINT scrape_source_source_check CHECK (source = ANY (CASE kind
		WHEN 'creator_profile' THEN '{profile_page,embed_profile}'::text[]
		WHEN 'discover_videos' THEN '{item_list,embed_profile}'
		WHEN 'video_stats' THEN '{video_page,embed_video,oembed}'
		WHEN 'video_link' THEN '{link}' END))
);
COMMENT ON TABLE trackagoat.scrape_source IS 'the pages and APIs that answer a kind of job, in the order in which they are tried; take a row out and it is not asked';
COMMENT ON COLUMN trackagoat.scrape_source.kind IS 'what is fetched';
COMMENT ON COLUMN trackagoat.scrape_source.source IS 'page or API, as observations name it; link is a short link itself';
COMMENT ON COLUMN trackagoat.scrape_source.place IS 'order: 1 is asked first';
COMMENT ON COLUMN trackagoat.scrape_source.avoided_until IS 'until then the others are preferred, as it was refused; clear it to try it sooner';

INSERT INTO trackagoat.scrape_source (kind, source, place) VALUES
	('creator_profile', 'profile_page', 1), ('creator_profile', 'embed_profile', 2),
	('discover_videos', 'item_list', 1), ('discover_videos', 'embed_profile', 2),
	('video_stats', 'video_page', 1), ('video_stats', 'embed_video', 2), ('video_stats', 'oembed', 3),
	('video_link', 'link', 1);

CREATE TABLE trackagoat.scrape_host (
	host text NOT NULL,
	failures integer NOT NULL DEFAULT 0,
	last_failure text NOT NULL,
	failed_at timestamptz NOT NULL,
	opened_at timestamptz,
	open_until timestamptz,
	openings integer NOT NULL DEFAULT 0,
	probe_until timestamptz,
	CONSTRAINT scrape_host_pkey PRIMARY KEY (host),
	CONSTRAINT scrape_host_open_check CHECK (num_nulls(opened_at, open_until) IN (0, 2))
);
COMMENT ON TABLE trackagoat.scrape_host IS 'the circuit breaker of each host that has failed: closed, open (nothing is asked), or half open (one probe is)';
COMMENT ON COLUMN trackagoat.scrape_host.host IS 'host, with its port if it has one';
COMMENT ON COLUMN trackagoat.scrape_host.failures IS 'failures in a row, of outcomes that have a host_pause';
COMMENT ON COLUMN trackagoat.scrape_host.last_failure IS 'outcome of the last one';
COMMENT ON COLUMN trackagoat.scrape_host.failed_at IS 'when that was';
COMMENT ON COLUMN trackagoat.scrape_host.opened_at IS 'since when the breaker is open; NULL while it is closed';
COMMENT ON COLUMN trackagoat.scrape_host.open_until IS 'until then nothing is asked, after it one probe; set it to now() to ask sooner';
COMMENT ON COLUMN trackagoat.scrape_host.openings IS 'how many times in a row it has opened: each pause is twice the one before, up to a day';
COMMENT ON COLUMN trackagoat.scrape_host.probe_until IS 'a probe is under way; until then no other is made';

ALTER TABLE trackagoat.scrape_source ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_host ENABLE ROW LEVEL SECURITY;
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
-- Who may see an organization: its members and its API keys; policies that
-- hold all others off.

CREATE TABLE trackagoat.member (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	user_id text NOT NULL,
	name text,
	role text NOT NULL DEFAULT 'member',
	db_role name,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT member_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT member_user_key UNIQUE (user_id, org_id),
	CONSTRAINT member_db_role_key UNIQUE (db_role, org_id),
	CONSTRAINT member_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT member_user_id_check CHECK (char_length(user_id) BETWEEN 1 AND 200),
	CONSTRAINT member_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT member_role_check CHECK (role IN ('admin', 'member'))
);
COMMENT ON TABLE trackagoat.member IS 'a user in an organization; the same user may be in several';
COMMENT ON COLUMN trackagoat.member.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.member.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.member.user_id IS 'who it is: the claim sub of his tokens';
COMMENT ON COLUMN trackagoat.member.name IS 'name or address that people know him by, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.member.role IS 'admin, who keeps members and API keys, or member; an organization that has members keeps an admin';
COMMENT ON COLUMN trackagoat.member.db_role IS 'database role that he logs in with, if any';
COMMENT ON COLUMN trackagoat.member.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.member.updated_at IS 'when a person last changed the row';

CREATE INDEX member_organization_idx ON trackagoat.member (org_id);
COMMENT ON INDEX trackagoat.member_organization_idx IS 'members of an organization';

CREATE TRIGGER member_limit_lock BEFORE INSERT ON trackagoat.member
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER member_limit_lock ON trackagoat.member IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER member_limit AFTER INSERT ON trackagoat.member
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_members_per_org');
COMMENT ON TRIGGER member_limit ON trackagoat.member IS 'refuses what the plan does not allow';
CREATE TRIGGER member_touch BEFORE UPDATE ON trackagoat.member
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER member_touch ON trackagoat.member IS 'moves updated_at';
CREATE TRIGGER member_admin AFTER UPDATE OF role, org_id OR DELETE ON trackagoat.member
	FOR EACH ROW WHEN (OLD.role = 'admin') EXECUTE FUNCTION trackagoat.member_admin();
COMMENT ON TRIGGER member_admin ON trackagoat.member IS 'keeps the last admin';

CREATE TABLE trackagoat.api_key (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	name text NOT NULL,
	key_hash bytea NOT NULL,
	scopes text[] NOT NULL DEFAULT '{read,write}',
	created_by text,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	revoked_at timestamptz,
	last_used_at timestamptz,
	CONSTRAINT api_key_pkey PRIMARY KEY (id, org_id),
	-- a key names its organization, so it cannot be unique within one only
	CONSTRAINT api_key_hash_key UNIQUE (key_hash),
	CONSTRAINT api_key_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT api_key_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT api_key_hash_check CHECK (octet_length(key_hash) = 32),
	CONSTRAINT api_key_scopes_check CHECK (scopes <@ '{read,write,admin}' AND cardinality(scopes) BETWEEN 1 AND 3 AND array_position(scopes, NULL) IS NULL)
);
COMMENT ON TABLE trackagoat.api_key IS 'keys of the API; create_api_key() makes one and shows it once';
COMMENT ON COLUMN trackagoat.api_key.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.api_key.org_id IS 'organization that the key opens';
COMMENT ON COLUMN trackagoat.api_key.name IS 'what the key is for, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.api_key.key_hash IS 'SHA-256 of the key, which is kept nowhere';
COMMENT ON COLUMN trackagoat.api_key.scopes IS 'what it may: read, write, which does not imply read, admin (members and keys)';
COMMENT ON COLUMN trackagoat.api_key.created_by IS 'who made it: a member''s user_id, the id of another key, or a database role';
COMMENT ON COLUMN trackagoat.api_key.created_at IS 'when it was made';
COMMENT ON COLUMN trackagoat.api_key.expires_at IS 'until when it is good; NULL for ever';
COMMENT ON COLUMN trackagoat.api_key.revoked_at IS 'since when it is good no more; set it to revoke the key at once';
COMMENT ON COLUMN trackagoat.api_key.last_used_at IS 'when it was last used, to the minute';

CREATE INDEX api_key_organization_idx ON trackagoat.api_key (org_id);
COMMENT ON INDEX trackagoat.api_key_organization_idx IS 'keys of an organization';

CREATE TRIGGER api_key_limit_lock BEFORE INSERT ON trackagoat.api_key
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_lock();
COMMENT ON TRIGGER api_key_limit_lock ON trackagoat.api_key IS 'one transaction of an organization with a plan at a time';
CREATE TRIGGER api_key_limit AFTER INSERT ON trackagoat.api_key
	FOR EACH ROW EXECUTE FUNCTION trackagoat.limit_check('max_api_keys_per_org');
COMMENT ON TRIGGER api_key_limit ON trackagoat.api_key IS 'refuses what the plan does not allow';

CREATE TRIGGER api_key_final BEFORE UPDATE OF revoked_at ON trackagoat.api_key
	FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL) EXECUTE FUNCTION trackagoat.api_key_final();
COMMENT ON TRIGGER api_key_final ON trackagoat.api_key IS 'a key that was revoked stays so';

CREATE TABLE trackagoat.api_login (
	role name NOT NULL,
	CONSTRAINT api_login_pkey PRIMARY KEY (role)
);
COMMENT ON TABLE trackagoat.api_login IS 'login roles of PostgREST, which alone are believed what request.jwt.claims says; setup_api() adds them';
COMMENT ON COLUMN trackagoat.api_login.role IS 'the role';

CREATE TABLE trackagoat.api_usage (
	org_id uuid NOT NULL,
	day date NOT NULL,
	requests bigint NOT NULL,
	CONSTRAINT api_usage_pkey PRIMARY KEY (org_id, day),
	CONSTRAINT api_usage_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.api_usage IS 'requests to the API on each UTC day, as of the last minute that was written down';
COMMENT ON COLUMN trackagoat.api_usage.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.api_usage.day IS 'UTC day';
COMMENT ON COLUMN trackagoat.api_usage.requests IS 'how many';

CREATE TABLE trackagoat.api_replay (
	org_id uuid NOT NULL,
	key_id uuid NOT NULL,
	idempotency_key text NOT NULL,
	route text NOT NULL,
	request_hash bytea NOT NULL,
	status integer NOT NULL,
	body text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CONSTRAINT api_replay_pkey PRIMARY KEY (key_id, idempotency_key, org_id),
	CONSTRAINT api_replay_key_fkey FOREIGN KEY (key_id, org_id)
		REFERENCES trackagoat.api_key (id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.api_replay IS 'answers to requests with an Idempotency-Key, which are given again for 24 hours';
COMMENT ON COLUMN trackagoat.api_replay.org_id IS 'organization';
COMMENT ON COLUMN trackagoat.api_replay.key_id IS 'API key of the request';
COMMENT ON COLUMN trackagoat.api_replay.idempotency_key IS 'what the header said';
COMMENT ON COLUMN trackagoat.api_replay.route IS 'method and path';
COMMENT ON COLUMN trackagoat.api_replay.request_hash IS 'SHA-256 of the request''s body';
COMMENT ON COLUMN trackagoat.api_replay.status IS 'HTTP status that was answered';
COMMENT ON COLUMN trackagoat.api_replay.body IS 'body that was answered, without a secret';
COMMENT ON COLUMN trackagoat.api_replay.created_at IS 'when';

CREATE INDEX api_replay_created_idx ON trackagoat.api_replay (created_at);
COMMENT ON INDEX trackagoat.api_replay_created_idx IS 'answers that are old enough to go';

ALTER TABLE trackagoat.member ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_login ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.api_replay ENABLE ROW LEVEL SECURITY;
-- Row-level security: whoever is not the owner sees the rows of the
-- organization that C code holds for the transaction, and no other.  A table
-- without a policy is the owner's alone; so is what all share, as names of plans
-- and sources may tell of other organizations.

CREATE POLICY project_tenant ON trackagoat.project FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY project_tenant ON trackagoat.project IS 'the rows of one''s organization';
CREATE POLICY creator_tenant ON trackagoat.creator FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY creator_tenant ON trackagoat.creator IS 'the rows of one''s organization';
CREATE POLICY creator_event_tenant ON trackagoat.creator_event FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY creator_event_tenant ON trackagoat.creator_event IS 'the rows of one''s organization';
CREATE POLICY creator_history_tenant ON trackagoat.creator_history FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY creator_history_tenant ON trackagoat.creator_history IS 'the rows of one''s organization';
CREATE POLICY video_tenant ON trackagoat.video FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY video_tenant ON trackagoat.video IS 'the rows of one''s organization';
CREATE POLICY video_history_tenant ON trackagoat.video_history FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY video_history_tenant ON trackagoat.video_history IS 'the rows of one''s organization';
CREATE POLICY video_link_tenant ON trackagoat.video_link FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY video_link_tenant ON trackagoat.video_link IS 'the rows of one''s organization';
CREATE POLICY deleted_video_tenant ON trackagoat.deleted_video FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY deleted_video_tenant ON trackagoat.deleted_video IS 'the rows of one''s organization';
CREATE POLICY campaign_tenant ON trackagoat.campaign FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY campaign_tenant ON trackagoat.campaign IS 'the rows of one''s organization';
CREATE POLICY campaign_item_tenant ON trackagoat.campaign_item FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY campaign_item_tenant ON trackagoat.campaign_item IS 'the rows of one''s organization';
CREATE POLICY goal_tenant ON trackagoat.goal FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY goal_tenant ON trackagoat.goal IS 'the rows of one''s organization';
CREATE POLICY notification_tenant ON trackagoat.notification FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY notification_tenant ON trackagoat.notification IS 'the rows of one''s organization';
CREATE POLICY total_tenant ON trackagoat.total FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY total_tenant ON trackagoat.total IS 'the rows of one''s organization';
CREATE POLICY total_month_tenant ON trackagoat.total_month FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY total_month_tenant ON trackagoat.total_month IS 'the rows of one''s organization';
CREATE POLICY total_difference_tenant ON trackagoat.total_difference FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY total_difference_tenant ON trackagoat.total_difference IS 'the rows of one''s organization';
CREATE POLICY manual_scrape_tenant ON trackagoat.manual_scrape FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY manual_scrape_tenant ON trackagoat.manual_scrape IS 'the rows of one''s organization';
CREATE POLICY member_tenant ON trackagoat.member FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY member_tenant ON trackagoat.member IS 'the rows of one''s organization';
CREATE POLICY api_key_tenant ON trackagoat.api_key FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY api_key_tenant ON trackagoat.api_key IS 'the rows of one''s organization';
CREATE POLICY api_usage_tenant ON trackagoat.api_usage FOR SELECT USING (org_id = trackagoat.readable_org());
COMMENT ON POLICY api_usage_tenant ON trackagoat.api_usage IS 'the rows of one''s organization';
CREATE POLICY organization_tenant ON trackagoat.organization FOR SELECT USING (id = trackagoat.readable_org());
COMMENT ON POLICY organization_tenant ON trackagoat.organization IS 'one''s organization';

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
$migration$;
		INSERT INTO trackagoat.setup_version (version) VALUES (2);
	END IF;

	IF trackagoat.worker_problem() IS NOT NULL THEN
		RAISE NOTICE '%', trackagoat.worker_problem()
			USING HINT = 'The tables work all the same; nothing is fetched by itself until then.';
	END IF;
	PERFORM FROM pg_extension e WHERE e.extname = 'pg_cron';
	IF NOT FOUND THEN
		RAISE NOTICE 'pg_cron is not installed in this database'
			USING HINT = 'Install it and SELECT trackagoat.schedule_scrapes(), or call trackagoat.enqueue_due() every minute, trackagoat.evaluate_goals() every five and trackagoat.prune() every ten by other means.';
	END IF;
END
$setup$;

CREATE FUNCTION trackagoat.drop_api() RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	object text;
BEGIN
	FOR object IN
		SELECT 'FUNCTION ' || p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = to_regnamespace('trackagoat_api')
		UNION ALL SELECT format('VIEW %s', c.oid::regclass) FROM pg_class c WHERE c.relnamespace = to_regnamespace('trackagoat_api') AND c.relkind = 'v'
		UNION ALL SELECT format('TABLE %s', c.oid::regclass) FROM pg_class c WHERE c.relnamespace = to_regnamespace('trackagoat_api') AND c.relkind = 'r'
		UNION ALL SELECT format('DOMAIN %s', t.oid::regtype) FROM pg_type t WHERE t.typnamespace = to_regnamespace('trackagoat_api') AND t.typtype = 'd'
		UNION ALL SELECT 'SCHEMA trackagoat_api' WHERE to_regnamespace('trackagoat_api') IS NOT NULL
	LOOP
		EXECUTE 'DROP ' || object;
	END LOOP;
END
$$;

COMMENT ON FUNCTION trackagoat.drop_api() IS 'drop the schema trackagoat_api as setup_api() has made it; what others have made of it keeps it from that';

CREATE FUNCTION trackagoat.setup_api(authenticator name) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$setup$
DECLARE
	missing record;
	tenant text;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('trackagoat.setup', 0));
	IF to_regclass('trackagoat.api_login') IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables of trackagoat are not there',
			HINT = 'CALL trackagoat.setup();';
	END IF;
	-- the functions of the API run with the rights of whoever makes them
	PERFORM trackagoat.check_owner('set up the API');
	PERFORM FROM pg_roles r WHERE r.rolname = authenticator AND r.rolcanlogin AND NOT r.rolsuper;
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('there is no role %s that PostgREST could log in with', coalesce(authenticator, 'NULL')),
			HINT = format('CREATE ROLE %I LOGIN NOINHERIT PASSWORD ''...'';', coalesce(authenticator, 'authenticator'));
	END IF;
	-- roles are the cluster's: other databases may have them already
	FOR missing IN SELECT r.* FROM (VALUES ('trackagoat_api', 'requests to the API of trackagoat, by key'),
			('trackagoat_member', 'members of organizations, who are signed in to trackagoat by a token or have logged in')) r (role, comment)
		WHERE NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r.role)
	LOOP
		EXECUTE format('CREATE ROLE %I NOLOGIN', missing.role);
		EXECUTE format('COMMENT ON ROLE %I IS %L', missing.role, missing.comment);
	END LOOP;
	EXECUTE format('GRANT trackagoat_api, trackagoat_member TO %I', authenticator);
	INSERT INTO trackagoat.api_login (role) VALUES (authenticator) ON CONFLICT DO NOTHING;

	PERFORM trackagoat.drop_api();
	CREATE SCHEMA trackagoat_api;
	COMMENT ON SCHEMA trackagoat_api IS 'trackagoat: TikTok creators, videos, campaigns and goals';
	EXECUTE $api$
-- The routes of the v1 API, where they are found by a key.

CREATE TABLE trackagoat_api.route (
	method text NOT NULL,
	pattern text NOT NULL,
	scope text,
	handler text NOT NULL,
	query jsonb NOT NULL,
	body jsonb NOT NULL,
	CONSTRAINT route_pkey PRIMARY KEY (pattern, method)
);
COMMENT ON TABLE trackagoat_api.route IS 'api_routes() as of when setup_api() was called';
ALTER TABLE trackagoat_api.route ENABLE ROW LEVEL SECURITY;
INSERT INTO trackagoat_api.route SELECT r.method, r.pattern, r.scope, r.handler, r.query, r.body FROM trackagoat.api_routes() r;

-- What one sees of the tables, through row-level security.

CREATE VIEW trackagoat_api.organizations WITH (security_invoker) AS
	SELECT o.id, o.name, o.timezone, o.plan, o.week_starts_on, o.created_at, o.updated_at FROM trackagoat.organization o;
COMMENT ON VIEW trackagoat_api.organizations IS 'one''s organization';
CREATE VIEW trackagoat_api.projects WITH (security_invoker) AS
	SELECT p.id, p.org_id, p.name, p.description, p.created_at, p.updated_at FROM trackagoat.project p;
COMMENT ON VIEW trackagoat_api.projects IS 'projects';
CREATE VIEW trackagoat_api.creators WITH (security_invoker) AS
	SELECT c.id, c.org_id, c.project_id, c.tiktok_handle::text AS tiktok_handle, coalesce(c.display_name_override, c.display_name) AS display_name,
		c.readme AS description, c.readme, c.metadata, c.tracking_mode, c.tracking_start_date, c.avatar_url, c.bio, c.follower_count, c.following_count,
		c.total_likes_count, c.video_count, c.last_scraped_at, c.is_active, c.disabled_at, c.disabled_reason, c.created_at, c.updated_at
	FROM trackagoat.creator c WHERE c.removed_at IS NULL;
COMMENT ON VIEW trackagoat_api.creators IS 'creators that are in the program';
COMMENT ON COLUMN trackagoat_api.creators.display_name IS 'name that the team has given, else that of the profile';
COMMENT ON COLUMN trackagoat_api.creators.description IS 'the same as readme';
CREATE VIEW trackagoat_api.videos WITH (security_invoker) AS
	SELECT v.id, v.org_id, v.project_id, v.creator_id, v.tiktok_video_id::text AS tiktok_video_id, coalesce(v.tiktok_handle, c.tiktok_handle)::text AS tiktok_handle,
		trackagoat.video_url(coalesce(v.tiktok_handle, c.tiktok_handle), v.tiktok_video_id, v.kind) AS url,
		v.tracking_status, v.kind, v.title, trackagoat.video_posted_at(v.posted_at, v.tiktok_video_id) AS posted_at, v.duration, v.thumbnail_url, v.hashtags,
		v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count, v.last_observed_at, v.readme AS description, v.readme, v.metadata,
		v.tracking_disabled_at, v.refresh_stopped_at, v.created_at, v.updated_at
	FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
	WHERE v.tracking_status <> 'excluded' AND c.removed_at IS NULL;
COMMENT ON VIEW trackagoat_api.videos IS 'videos that are not excluded, nor of a removed creator';
COMMENT ON COLUMN trackagoat_api.videos.url IS 'where TikTok shows it';
COMMENT ON COLUMN trackagoat_api.videos.posted_at IS 'when it was posted: as its page says, or else as its id does';
COMMENT ON COLUMN trackagoat_api.videos.description IS 'the same as readme';
CREATE VIEW trackagoat_api.campaigns WITH (security_invoker) AS
	SELECT k.id, k.org_id, k.project_id, k.name, k.readme AS description, k.readme, k.metadata, k.target_views, k.target_at, k.created_at, k.updated_at
	FROM trackagoat.campaign k;
COMMENT ON VIEW trackagoat_api.campaigns IS 'campaigns';
COMMENT ON COLUMN trackagoat_api.campaigns.description IS 'the same as readme';
CREATE VIEW trackagoat_api.campaign_items WITH (security_invoker) AS
	SELECT i.campaign_id, i.item_id, i.org_id, i.project_id, i.creator_id, i.video_id, i.child_campaign_id, i.created_at
	FROM trackagoat.campaign_item i;
COMMENT ON VIEW trackagoat_api.campaign_items IS 'what campaigns hold';
CREATE VIEW trackagoat_api.goals WITH (security_invoker) AS
	SELECT g.id, g.org_id, g.project_id, g.creator_id, g.goal_type, g.target, g.period, g.starts_on, g.ends_on, g.status, g.status_period, g.status_at,
		g.created_at, g.updated_at
	FROM trackagoat.goal g;
COMMENT ON VIEW trackagoat_api.goals IS 'goals of creators';
CREATE VIEW trackagoat_api.creator_events WITH (security_invoker) AS
	SELECT e.id, e.org_id, e.project_id, e.creator_id, e.video_id, e.kind, e.detail, e.created_at FROM trackagoat.creator_event e;
COMMENT ON VIEW trackagoat_api.creator_events IS 'the change log';
CREATE VIEW trackagoat_api.notifications WITH (security_invoker) AS
	SELECT n.id, n.org_id, n.project_id, n.creator_id, n.kind, n.subject, n.detail, n.created_at, n.read_at FROM trackagoat.notification n;
COMMENT ON VIEW trackagoat_api.notifications IS 'what people are to be told';
CREATE VIEW trackagoat_api.members WITH (security_invoker) AS
	SELECT m.id, m.org_id, m.user_id, m.name, m.role, m.created_at, m.updated_at FROM trackagoat.member m;
COMMENT ON VIEW trackagoat_api.members IS 'members of the organization';
CREATE VIEW trackagoat_api.api_keys WITH (security_invoker) AS
	SELECT k.id, k.org_id, k.name, k.scopes, k.created_by, k.created_at, k.expires_at, k.revoked_at, k.last_used_at FROM trackagoat.api_key k;
COMMENT ON VIEW trackagoat_api.api_keys IS 'API keys, for the v1 API alone, which asks whether it is an admin';
-- The v1 API, and what PostgREST calls before each request.  These run as the
-- owner of the tables, and answer for current_org() alone.

CREATE FUNCTION trackagoat_api.pre_request() RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- the v1 API signs in by itself, to answer in its envelope; the description is for everybody
	IF coalesce(current_setting('request.path', true), '') NOT IN ('/', '/rpc/v1', '/rpc/request') THEN
		PERFORM trackagoat.sign_in_by(nullif(current_setting('request.headers', true), '')::jsonb);
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat_api.pre_request() IS 'db-pre-request of PostgREST: signs in by the key or token of the request';

CREATE FUNCTION trackagoat_api.request(
	OUT status integer, method text, uri text, INOUT headers jsonb DEFAULT '{}', INOUT body text DEFAULT NULL)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	SELECT a.* INTO status, headers, body FROM trackagoat.answer_request(method, uri, headers, body) a;
END
$$;
COMMENT ON FUNCTION trackagoat_api.request(text, text, jsonb, text) IS
	'the v1 HTTP API in SQL: method, path with query, headers and body as one would send them; answers status, headers and body';

-- whatever a client accepts, it gets what response.headers says
CREATE DOMAIN trackagoat_api."*/*" AS bytea;
COMMENT ON DOMAIN trackagoat_api."*/*" IS 'an answer of any media type, as PostgREST calls it';

CREATE FUNCTION trackagoat_api.v1(bytea) RETURNS trackagoat_api."*/*"
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	headers jsonb := nullif(current_setting('request.headers', true), '');
	answer record;
	body text;
BEGIN
	BEGIN
		body := convert_from($1, 'UTF8');
	EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
		-- nor is it JSON
		body := '?';
	END;
	SELECT a.* INTO answer FROM trackagoat.answer_request(headers ->> 'x-original-method', headers ->> 'x-original-uri', headers, body) a;
	PERFORM set_config('response.status', answer.status::text, true), set_config('response.headers',
		(SELECT jsonb_agg(jsonb_build_object(h.key, h.value)) FROM jsonb_each(answer.response_headers) h)::text, true);
	RETURN convert_to(answer.response_body, 'UTF8');
END
$$;
COMMENT ON FUNCTION trackagoat_api.v1(bytea) IS
	'the v1 HTTP API for PostgREST behind nginx: the raw body; method and URI are in the headers X-Original-Method and X-Original-URI';
-- Verbs, and questions that are no table, for whoever speaks PostgREST: each looks
-- first whether what is named is of one's organization.

CREATE FUNCTION trackagoat_api.add_creators(project_id uuid, creators text[], tracking_mode trackagoat.tracking_mode DEFAULT NULL, tracking_start_date date DEFAULT NULL) RETURNS TABLE (place integer, input text, tiktok_handle trackagoat.handle, creator_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	PERFORM trackagoat.check_scope('write');
	PERFORM trackagoat.own_entity('project', add_creators.project_id);
	RETURN QUERY SELECT r.* FROM trackagoat.add_creators(add_creators.project_id, add_creators.creators, add_creators.tracking_mode, add_creators.tracking_start_date) r;
	-- as the owner, not at the commit as whoever asks; ALL would run his own triggers as the owner
	SET CONSTRAINTS trackagoat.creator_ban, trackagoat.creator_ban_update IMMEDIATE;
END
$$;
COMMENT ON FUNCTION trackagoat_api.add_creators(uuid, text[], trackagoat.tracking_mode, date) IS 'track accounts in a project; a row for each';

CREATE FUNCTION trackagoat_api.remove_creators(creator_ids uuid[]) RETURNS TABLE (creator_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	PERFORM trackagoat.check_scope('write');
	PERFORM trackagoat.own_entity('creator', c.id) FROM unnest(remove_creators.creator_ids) c (id);
	RETURN QUERY SELECT r.* FROM trackagoat.remove_creators(remove_creators.creator_ids) r;
	-- as the owner, not at the commit as whoever asks; ALL would run his own triggers as the owner
	SET CONSTRAINTS trackagoat.creator_ban, trackagoat.creator_ban_update IMMEDIATE;
END
$$;
COMMENT ON FUNCTION trackagoat_api.remove_creators(uuid[]) IS 'take creators out of the program; a row for each';

CREATE FUNCTION trackagoat_api.reenable_creators(creator_ids uuid[]) RETURNS TABLE (creator_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	PERFORM trackagoat.check_scope('write');
	PERFORM trackagoat.own_entity('creator', c.id) FROM unnest(reenable_creators.creator_ids) c (id);
	RETURN QUERY SELECT r.* FROM trackagoat.reenable_creators(reenable_creators.creator_ids) r;
	-- as the owner, not at the commit as whoever asks; ALL would run his own triggers as the owner
	SET CONSTRAINTS trackagoat.creator_ban, trackagoat.creator_ban_update IMMEDIATE;
END
$$;
COMMENT ON FUNCTION trackagoat_api.reenable_creators(uuid[]) IS 'enable creators that were disabled; a row for each';

CREATE FUNCTION trackagoat_api.scrape_creator(creator_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	PERFORM trackagoat.check_scope('write');
	PERFORM trackagoat.own_entity('creator', scrape_creator.creator_id);
	PERFORM trackagoat.scrape_creator(scrape_creator.creator_id);
END
$$;
COMMENT ON FUNCTION trackagoat_api.scrape_creator(uuid) IS 'fetch profile and new videos of a creator now';

CREATE FUNCTION trackagoat_api.add_videos(project_id uuid, urls text[]) RETURNS TABLE (place integer, input text, video_id uuid, tiktok_video_id bigint, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	PERFORM trackagoat.check_scope('write');
	PERFORM trackagoat.own_entity('project', add_videos.project_id);
	RETURN QUERY SELECT r.* FROM trackagoat.add_videos(add_videos.project_id, add_videos.urls) r;
	-- as the owner, not at the commit as whoever asks; ALL would run his own triggers as the owner
	SET CONSTRAINTS trackagoat.creator_ban, trackagoat.creator_ban_update IMMEDIATE;
END
$$;
COMMENT ON FUNCTION trackagoat_api.add_videos(uuid, text[]) IS 'add videos by their URLs; a row for each';

CREATE FUNCTION trackagoat_api.review_videos(video_ids uuid[], tracking_status trackagoat.tracking_status) RETURNS TABLE (video_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	PERFORM trackagoat.check_scope('write');
	PERFORM trackagoat.own_entity('video', v.id) FROM unnest(review_videos.video_ids) v (id);
	RETURN QUERY SELECT r.* FROM trackagoat.review_videos(review_videos.video_ids, review_videos.tracking_status) r;
	-- as the owner, not at the commit as whoever asks; ALL would run his own triggers as the owner
	SET CONSTRAINTS trackagoat.creator_ban, trackagoat.creator_ban_update IMMEDIATE;
END
$$;
COMMENT ON FUNCTION trackagoat_api.review_videos(uuid[], trackagoat.tracking_status) IS 'include or exclude videos, or send them back to the inbox; a row for each';

CREATE FUNCTION trackagoat_api.scrape_video(video_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	PERFORM trackagoat.check_scope('write');
	PERFORM trackagoat.own_entity('video', scrape_video.video_id);
	PERFORM trackagoat.scrape_video(scrape_video.video_id);
END
$$;
COMMENT ON FUNCTION trackagoat_api.scrape_video(uuid) IS 'fetch the counters of a video now';

CREATE FUNCTION trackagoat_api.content_calendar(project_id uuid, month date DEFAULT NULL, for_creator uuid DEFAULT NULL) RETURNS TABLE (day date, posts bigint, creators bigint, video_ids uuid[])
	LANGUAGE plpgsql STABLE ROWS 100 SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	kept record;
BEGIN
	PERFORM trackagoat.check_scope('read');
	PERFORM trackagoat.own_entity('project', content_calendar.project_id);
	SELECT l.* INTO kept FROM trackagoat.retention_limit(NULL) l;
	RETURN QUERY SELECT r.* FROM trackagoat.content_calendar(content_calendar.project_id, content_calendar.month, content_calendar.for_creator) r
	WHERE kept.earliest IS NULL OR r.day >= kept.earliest;
	-- no day of the month is left
	IF NOT FOUND THEN
		PERFORM trackagoat.refuse_retention(kept.days, kept.earliest);
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat_api.content_calendar(uuid, date, uuid) IS 'what was posted on each day of a month that the plan shows: PT402 retention_exceeded where it shows none';

CREATE FUNCTION trackagoat_api.campaign_stats(campaign_id uuid, from_date date DEFAULT NULL, to_date date DEFAULT NULL) RETURNS TABLE (creators bigint, videos bigint, views bigint, likes bigint, comments bigint, shares bigint, saves bigint, engagement_rate numeric)
	LANGUAGE plpgsql STABLE ROWS 100 SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	kept record;
BEGIN
	PERFORM trackagoat.check_scope('read');
	PERFORM trackagoat.own_entity('campaign', campaign_stats.campaign_id);
	SELECT l.* INTO kept FROM trackagoat.retention_limit(NULL) l;
	-- totals to date are of no days; a window without a first day is of all until its last
	IF coalesce(campaign_stats.from_date, '-infinity') < kept.earliest AND num_nonnulls(campaign_stats.from_date, campaign_stats.to_date) > 0 THEN
		PERFORM trackagoat.refuse_retention(kept.days, kept.earliest);
	END IF;
	RETURN QUERY SELECT r.* FROM trackagoat.campaign_stats(campaign_stats.campaign_id, campaign_stats.from_date, campaign_stats.to_date) r;
END
$$;
COMMENT ON FUNCTION trackagoat_api.campaign_stats(uuid, date, date) IS 'totals of a campaign, to date or of a window of days: PT402 retention_exceeded for days before those that the plan shows';

CREATE FUNCTION trackagoat_api.goal_compliance(project_id uuid, reference_date date DEFAULT NULL, for_creator uuid DEFAULT NULL, for_period trackagoat.goal_period DEFAULT NULL) RETURNS TABLE (creator_id uuid, goal_id uuid, goal_type trackagoat.goal_type, period trackagoat.goal_period, period_start date, period_end date, target numeric, actual numeric, projected numeric, status trackagoat.goal_status, compliant boolean, advisory jsonb)
	LANGUAGE plpgsql STABLE ROWS 100 SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	PERFORM trackagoat.check_scope('read');
	PERFORM trackagoat.own_entity('project', goal_compliance.project_id);
	RETURN QUERY SELECT r.* FROM trackagoat.goal_compliance(goal_compliance.project_id, trackagoat.retained_reference(goal_compliance.reference_date), goal_compliance.for_creator, goal_compliance.for_period) r;
END
$$;
COMMENT ON FUNCTION trackagoat_api.goal_compliance(uuid, date, uuid, trackagoat.goal_period) IS 'where the goals of a project stand: PT402 retention_exceeded for a day before those that the plan shows';

CREATE FUNCTION trackagoat_api.analytics(entity text, entity_ids uuid[], metric text, mode text DEFAULT 'new', granularity text DEFAULT 'day', from_date date DEFAULT NULL, to_date date DEFAULT NULL, tz text DEFAULT NULL, compare text DEFAULT NULL, base_metric text DEFAULT NULL) RETURNS TABLE (entity_id uuid, series_kind text, bucket date, value numeric, is_partial boolean, is_baseline boolean)
	LANGUAGE plpgsql STABLE ROWS 100 SECURITY DEFINER SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	days record;
BEGIN
	PERFORM trackagoat.check_scope('read');
	PERFORM trackagoat.own_entity(analytics.entity, e.id) FROM unnest(analytics.entity_ids) e (id);
	SELECT w.* INTO days FROM trackagoat.retained_window(analytics.from_date, analytics.to_date, analytics.tz) w;
	RETURN QUERY SELECT r.* FROM trackagoat.analytics(analytics.entity, analytics.entity_ids, analytics.metric, analytics.mode, analytics.granularity, days.first_day, days.last_day, days.tz, analytics.compare, analytics.base_metric) r
	WHERE trackagoat.is_shown(r.series_kind, r.bucket, days.earliest);
END
$$;
COMMENT ON FUNCTION trackagoat_api.analytics(text, uuid[], text, text, text, date, date, text, text, text) IS 'how a metric of up to five videos, creators, campaigns or projects went';
$api$;

	REVOKE ALL ON ALL FUNCTIONS IN SCHEMA trackagoat_api FROM PUBLIC;
	GRANT USAGE ON SCHEMA trackagoat, trackagoat_api TO trackagoat_api, trackagoat_member;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA trackagoat_api TO trackagoat_api, trackagoat_member;
	-- views, and what they show, through row-level security
	FOREACH tenant IN ARRAY ARRAY['organization', 'project', 'creator', 'video', 'campaign', 'campaign_item', 'goal', 'creator_event',
		'notification', 'member']
	LOOP
		EXECUTE format('GRANT SELECT ON trackagoat_api.%I, trackagoat.%I TO trackagoat_api, trackagoat_member', tenant || 's', tenant);
	END LOOP;
	NOTIFY pgrst, 'reload schema';
END
$setup$;

COMMENT ON FUNCTION trackagoat.setup_api(name) IS
	'make the roles trackagoat_api and trackagoat_member, the schema trackagoat_api and its grants, for PostgREST that logs in as the role given; again makes it anew';

REVOKE ALL ON ALL ROUTINES IN SCHEMA trackagoat FROM PUBLIC;

GRANT EXECUTE ON FUNCTION
	trackagoat.handle_in(cstring),
	trackagoat.handle_out(trackagoat.handle),
	trackagoat.handle_recv(internal),
	trackagoat.handle_send(trackagoat.handle),
	trackagoat.handle(text),
	trackagoat.text(trackagoat.handle),
	trackagoat.handle_eq(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_ne(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_lt(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_le(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_gt(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_ge(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_cmp(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_eq(trackagoat.handle, text),
	trackagoat.handle_ne(trackagoat.handle, text),
	trackagoat.handle_lt(trackagoat.handle, text),
	trackagoat.handle_le(trackagoat.handle, text),
	trackagoat.handle_gt(trackagoat.handle, text),
	trackagoat.handle_ge(trackagoat.handle, text),
	trackagoat.handle_cmp(trackagoat.handle, text),
	trackagoat.handle_eq(text, trackagoat.handle),
	trackagoat.handle_ne(text, trackagoat.handle),
	trackagoat.handle_lt(text, trackagoat.handle),
	trackagoat.handle_le(text, trackagoat.handle),
	trackagoat.handle_gt(text, trackagoat.handle),
	trackagoat.handle_ge(text, trackagoat.handle),
	trackagoat.handle_cmp(text, trackagoat.handle),
	trackagoat.handle_eq(text, text),
	trackagoat.handle_ne(text, text),
	trackagoat.handle_lt(text, text),
	trackagoat.handle_le(text, text),
	trackagoat.handle_gt(text, text),
	trackagoat.handle_ge(text, text),
	trackagoat.handle_cmp(text, text),
	trackagoat.handle_like(trackagoat.handle, text),
	trackagoat.handle_not_like(trackagoat.handle, text),
	trackagoat.handle_sortsupport(internal),
	trackagoat.handle_hash(trackagoat.handle),
	trackagoat.handle_hash(text),
	trackagoat.handle_hash_extended(trackagoat.handle, bigint),
	trackagoat.handle_hash_extended(text, bigint),
	trackagoat.handle_larger(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_smaller(trackagoat.handle, trackagoat.handle),
	trackagoat.max(trackagoat.handle),
	trackagoat.min(trackagoat.handle),
	trackagoat.series_in(cstring),
	trackagoat.series_out(trackagoat.series),
	trackagoat.series_recv(internal),
	trackagoat.series_send(trackagoat.series),
	trackagoat.series(integer),
	trackagoat.series_append(trackagoat.series, timestamptz, bigint[], boolean, boolean, integer),
	trackagoat.series_at(trackagoat.series, timestamptz),
	trackagoat.series_is_sound(trackagoat.series),
	trackagoat.series_anchor(trackagoat.series),
	trackagoat.series_gain(trackagoat.series, timestamptz, timestamptz),
	trackagoat.series_points(trackagoat.series),
	trackagoat.series_buckets(trackagoat.series, text, text),
	trackagoat.series_merge(trackagoat.series, trackagoat.series),
	trackagoat.series_thin(trackagoat.series, interval, timestamptz),
	trackagoat.series_cut(trackagoat.series, timestamptz),
	trackagoat.series_days(trackagoat.series),
	trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text),
	trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text, integer),
	trackagoat.sum_gains_combine(internal, internal),
	trackagoat.sum_gains_serialize(internal),
	trackagoat.sum_gains_deserialize(bytea, internal),
	trackagoat.sum_gains_final(internal),
	trackagoat.sum_gains(trackagoat.series, date, date, text),
	trackagoat.sum_gains(trackagoat.series, date, date, text, integer),
	trackagoat.current_org(),
	trackagoat.readable_org(),
	trackagoat.check_choice(text, text, text[]),
	trackagoat.check_analytics(text, text, text, text, text, text),
	trackagoat.check_window(date, date),
	trackagoat.check_timezone(text),
	trackagoat.analytics_window(date, date, text, timestamptz),
	trackagoat.parent_missing(text, text, uuid),
	trackagoat.entity_missing(text, uuid),
	trackagoat.check_observations(text, uuid[], timestamptz[], integer[]),
	trackagoat.uuidv7(),
	trackagoat.video_id_time(bigint),
	trackagoat.parse_handle(text),
	trackagoat.parse_video_url(text),
	trackagoat.read_page(bytea),
	trackagoat.is_timezone(text),
	trackagoat.tables_version(),
	trackagoat.is_public_address(inet),
	trackagoat.current_org(),
	trackagoat.readable_org(),
	trackagoat.happens_now(timestamptz),
	trackagoat.scrape_slot(trackagoat.scrape_kind, trackagoat.handle, bigint, interval, timestamptz),
	trackagoat.video_is_fetched(trackagoat.tracking_status, timestamptz, timestamptz),
	trackagoat.video_posted_at(timestamptz, bigint),
	trackagoat.video_url(trackagoat.handle, bigint, text),
	trackagoat.status_counts(trackagoat.tracking_status),
	trackagoat.video_counts(trackagoat.tracking_status, timestamptz),
	trackagoat.video_counts_for_goals(trackagoat.tracking_status, timestamptz, timestamptz)
	TO PUBLIC;
