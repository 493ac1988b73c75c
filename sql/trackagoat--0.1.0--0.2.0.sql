-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION trackagoat UPDATE TO '0.2.0'" to load this file. \quit

-- From 0.1.0: packed histories, folded totals, analytics. CALL trackagoat.setup()
-- then brings the tables over.

SET LOCAL search_path TO pg_catalog, pg_temp;

DROP FUNCTION trackagoat.campaign_stats(uuid);

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
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT SET search_path = pg_catalog, trackagoat, pg_temp;
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
			PERFORM trackagoat.check_timezone(zone);
			last := coalesce(to_date, from_date + 29, (coalesce(at, now()) AT TIME ZONE zone)::date);
			first := coalesce(from_date, last - 29);
			PERFORM trackagoat.check_window(first, last);
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
	PERFORM trackagoat.check_timezone(zone);
	last := coalesce(to_date, from_date + 29, (coalesce(campaign_breakdown.at, now()) AT TIME ZONE zone)::date);
	first := coalesce(from_date, last - 29);
	PERFORM trackagoat.check_window(first, last);
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

	-- a bounded piece of what retention removes
	DELETE FROM trackagoat.scrape_attempt a
	WHERE a.id IN (SELECT o.id FROM trackagoat.scrape_attempt o
		WHERE o.started_at < enqueue_due.at
			- trackagoat.attempt_retention()
		ORDER BY o.started_at LIMIT 10000);
	RETURN queued;
END
$$;
COMMENT ON FUNCTION trackagoat.enqueue_due(timestamptz) IS
	'queue every job whose time has come, fold totals, and remove attempts past their retention; answers how many were queued; what pg_cron calls, as the owner of the tables';

CREATE OR REPLACE FUNCTION trackagoat.store_scrape(
	org_id uuid, kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	fetched_at timestamptz, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- histories keep whole seconds in half the room
	fetched_at := date_trunc('second', fetched_at);
	IF kind = 'creator_profile' THEN
		RETURN trackagoat.store_profile(org_id, tiktok_handle, fetched_at, page);
	END IF;
	IF kind = 'discover_videos' THEN
		-- an empty list is anybody's
		PERFORM FROM trackagoat.creator c
		WHERE c.org_id = store_scrape.org_id AND c.tiktok_handle = store_scrape.tiktok_handle
			AND c.removed_at IS NULL AND c.is_active
			AND c.tiktok_account_id = coalesce((page #>> '{account,id}')::bigint, c.tiktok_account_id);
		IF NOT FOUND THEN
			RETURN 'account_changed';
		END IF;
		PERFORM trackagoat.store_new_videos(org_id, tiktok_handle, page);
	END IF;
	PERFORM trackagoat.store_videos(org_id, fetched_at, page);
	RETURN 'ok';
END
$$;
CREATE OR REPLACE FUNCTION trackagoat.store_profile(
	org_id uuid, tiktok_handle trackagoat.handle, fetched_at timestamptz, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	account jsonb := page -> 'account';
	ids uuid[];
	times timestamptz[];
	n integer;
BEGIN
	UPDATE trackagoat.creator c SET
		tiktok_account_id = coalesce((account ->> 'id')::bigint, c.tiktok_account_id),
		tiktok_sec_uid = coalesce(account ->> 'sec_uid', c.tiktok_sec_uid),
		display_name = coalesce(account ->> 'display_name', c.display_name),
		bio = coalesce(account ->> 'bio', c.bio),
		avatar_url = coalesce(account ->> 'avatar_url', c.avatar_url),
		is_verified = coalesce((account ->> 'verified')::boolean, c.is_verified),
		is_private = coalesce((account ->> 'private')::boolean, c.is_private),
		last_scraped_at = greatest(c.last_scraped_at, fetched_at)
	FROM (SELECT k.id FROM trackagoat.creator k
		WHERE k.org_id = store_profile.org_id AND k.tiktok_handle = store_profile.tiktok_handle
			AND k.removed_at IS NULL AND k.is_active
		ORDER BY k.id FOR NO KEY UPDATE) tracked
	WHERE c.id = tracked.id AND c.org_id = store_profile.org_id
		AND coalesce(c.tiktok_account_id = (account ->> 'id')::bigint, true);

	-- the page is of the handle of now, even where that is younger than the second
	SELECT array_agg(c.id), array_agg(greatest(fetched_at, c.baseline_at)) INTO ids, times FROM trackagoat.creator c
	WHERE c.org_id = store_profile.org_id AND c.tiktok_handle = store_profile.tiktok_handle
		AND c.removed_at IS NULL AND c.is_active AND coalesce(c.tiktok_account_id = (account ->> 'id')::bigint, true);
	IF ids IS NULL THEN
		RETURN 'account_changed';
	END IF;

	n := cardinality(ids);
	PERFORM trackagoat.observe_creators(ids, times,
		array_fill((account ->> 'follower_count')::bigint, ARRAY[n]),
		array_fill((account ->> 'following_count')::bigint, ARRAY[n]),
		array_fill((account ->> 'total_likes_count')::bigint, ARRAY[n]),
		array_fill((account ->> 'video_count')::bigint, ARRAY[n]),
		page ->> 'source', (page ->> 'exact')::boolean, org_id);
	RETURN 'ok';
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
					'video_history', 'total', 'total_month', 'total_difference', 'observation_source', 'scrape_outcome', 'scrape_job', 'scrape_request', 'scrape_attempt')) = 1;
END
$$;
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
	ELSIF present IS NOT NULL AND to_regclass('trackagoat.scrape_queue') IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables are what DROP EXTENSION trackagoat CASCADE has left of them',
			HINT = 'Restore them from a dump, or DROP SCHEMA trackagoat CASCADE and begin anew with CREATE EXTENSION.';
	ELSIF present IS NULL AND to_regclass('trackagoat.organization') IS NOT NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables are there, but the rows of trackagoat.setup_version are not',
			HINT = 'Restore the rows of setup_version, scrape_outcome and observation_source as well, or DROP SCHEMA trackagoat CASCADE and begin anew with CREATE EXTENSION.';
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
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT organization_pkey PRIMARY KEY (id),
	CONSTRAINT organization_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT organization_timezone_check CHECK (trackagoat.is_timezone(timezone)),
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
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT project_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT project_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT project_name_check CHECK (char_length(name) BETWEEN 1 AND 200)
);
COMMENT ON TABLE trackagoat.project IS 'groups creators, videos and campaigns of one program';
COMMENT ON COLUMN trackagoat.project.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.project.org_id IS 'organization that owns the project';
COMMENT ON COLUMN trackagoat.project.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.project.description IS 'what the program is about, for people and agents';
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
	CONSTRAINT creator_tiktok_sec_uid_check CHECK (tiktok_sec_uid ~ '^[A-Za-z0-9_-]{1,128}$'),
	CONSTRAINT creator_tracking_start_date_check CHECK (tracking_start_date BETWEEN '1970-01-01' AND '9999-12-31'),
	CONSTRAINT creator_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT creator_readme_check CHECK (octet_length(readme) <= 65536),
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
COMMENT ON COLUMN trackagoat.creator.listing_wanted_at IS 'a listing of videos that began after this covers the creator back to its tracking start';
COMMENT ON COLUMN trackagoat.creator.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.creator.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.creator.tracking_mode IS 'how new videos enter';
COMMENT ON COLUMN trackagoat.creator.tracking_start_date IS 'videos posted before this day are not brought in; today in the organization''s time zone when left out';
COMMENT ON COLUMN trackagoat.creator.disabled_at IS 'since when nothing is fetched; totals stay';
COMMENT ON COLUMN trackagoat.creator.disabled_reason IS 'why nothing is fetched';
COMMENT ON COLUMN trackagoat.creator.removed_at IS 'since when the creator is out of the program and of the totals; clear it to undo';
COMMENT ON COLUMN trackagoat.creator.is_active IS 'neither disabled nor removed';
COMMENT ON COLUMN trackagoat.creator.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.creator.updated_at IS 'when a person last changed the row; a scrape does not move it';

CREATE UNIQUE INDEX creator_handle_key ON trackagoat.creator (project_id, tiktok_handle, org_id)
	WHERE removed_at IS NULL;
COMMENT ON INDEX trackagoat.creator_handle_key IS 'a handle once per project; creators of a project by handle';
CREATE INDEX creator_handle_idx ON trackagoat.creator (tiktok_handle) WHERE removed_at IS NULL;
COMMENT ON INDEX trackagoat.creator_handle_idx IS 'all projects that track an account';
CREATE INDEX creator_organization_idx ON trackagoat.creator (org_id);
COMMENT ON INDEX trackagoat.creator_organization_idx IS 'creators of an organization';

CREATE TRIGGER creator_fill BEFORE INSERT ON trackagoat.creator
	FOR EACH ROW EXECUTE FUNCTION trackagoat.creator_fill();
COMMENT ON TRIGGER creator_fill ON trackagoat.creator IS 'fills org_id and tracking_start_date';
CREATE TRIGGER creator_relist BEFORE UPDATE OF tiktok_handle, tracking_start_date, disabled_at, removed_at
	ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.disabled_at IS NULL AND NEW.removed_at IS NULL
		AND (OLD.disabled_at IS NOT NULL OR OLD.removed_at IS NOT NULL
			OR NEW.tiktok_handle <> OLD.tiktok_handle OR NEW.tracking_start_date < OLD.tracking_start_date))
	EXECUTE FUNCTION trackagoat.creator_relist();
COMMENT ON TRIGGER creator_relist ON trackagoat.creator IS 'wants videos listed back to the tracking start again';
CREATE TRIGGER creator_scrape AFTER INSERT OR UPDATE OF tiktok_handle, tracking_start_date, disabled_at, removed_at
	ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.disabled_at IS NULL AND NEW.removed_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_scrape();
COMMENT ON TRIGGER creator_scrape ON trackagoat.creator IS 'queues profile and discovery';
CREATE TRIGGER creator_touch BEFORE UPDATE OF
		tiktok_handle, readme, metadata, tracking_mode, tracking_start_date, disabled_at, removed_at ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle::text <> NEW.tiktok_handle::text
		OR OLD.readme IS DISTINCT FROM NEW.readme OR OLD.metadata <> NEW.metadata
		OR OLD.tracking_mode <> NEW.tracking_mode OR OLD.tracking_start_date <> NEW.tracking_start_date
		OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at OR OLD.removed_at IS DISTINCT FROM NEW.removed_at)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER creator_touch ON trackagoat.creator IS 'moves updated_at with what people change';

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
	refresh_stopped_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT video_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to
	CONSTRAINT video_project_key UNIQUE (id, project_id, org_id),
	CONSTRAINT video_tiktok_video_id_key UNIQUE (project_id, tiktok_video_id, org_id),
	CONSTRAINT video_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT video_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT video_tiktok_video_id_check CHECK (tiktok_video_id > 0),
	CONSTRAINT video_kind_check CHECK (kind IN ('video', 'photo')),
	CONSTRAINT video_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT video_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT video_counts_check CHECK (least(view_count, like_count, comment_count, share_count, save_count) >= 0)
) WITH (fillfactor = 80);
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
COMMENT ON COLUMN trackagoat.video.refresh_stopped_at IS 'since when it is no longer fetched by itself; it still counts';
COMMENT ON COLUMN trackagoat.video.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.video.updated_at IS 'when a person last changed the row; a scrape does not move it';

CREATE INDEX video_creator_idx ON trackagoat.video (creator_id) WHERE creator_id IS NOT NULL;
COMMENT ON INDEX trackagoat.video_creator_idx IS 'videos of a creator';
CREATE INDEX video_tiktok_video_id_idx ON trackagoat.video (tiktok_video_id);
COMMENT ON INDEX trackagoat.video_tiktok_video_id_idx IS 'all projects that track a post';
CREATE INDEX video_organization_idx ON trackagoat.video (org_id);
COMMENT ON INDEX trackagoat.video_organization_idx IS 'videos of an organization';

CREATE TRIGGER video_fill BEFORE INSERT ON trackagoat.video
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_fill();
COMMENT ON TRIGGER video_fill ON trackagoat.video IS 'fills project_id and org_id';
CREATE TRIGGER video_scrape AFTER INSERT OR UPDATE OF tracking_status, tracking_disabled_at, refresh_stopped_at
	ON trackagoat.video
	FOR EACH ROW WHEN (trackagoat.video_is_fetched(NEW.tracking_status, NEW.tracking_disabled_at, NEW.refresh_stopped_at))
	EXECUTE FUNCTION trackagoat.video_scrape();
COMMENT ON TRIGGER video_scrape ON trackagoat.video IS 'makes the standing job; queues a post added by URL at once';
CREATE TRIGGER video_touch BEFORE UPDATE OF
		tracking_status, readme, metadata, tracking_disabled_at ON trackagoat.video
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER video_touch ON trackagoat.video IS 'moves updated_at with what people change';

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
);
COMMENT ON TABLE trackagoat.video_history IS 'observations of videos, packed; written through observe_videos(), read through video_snapshot';
COMMENT ON COLUMN trackagoat.video_history.video_id IS 'video observed';
COMMENT ON COLUMN trackagoat.video_history.org_id IS 'organization of the video';
COMMENT ON COLUMN trackagoat.video_history.started_at IS 'time of the first point; infinity for the open row, which takes the next ones';
COMMENT ON COLUMN trackagoat.video_history.points IS 'a run of observations: views, likes, comments, shares, saves';

CREATE TRIGGER creator_rename BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle)
	EXECUTE FUNCTION trackagoat.creator_rename();
COMMENT ON TRIGGER creator_rename ON trackagoat.creator IS 'forgets what the old handle''s profile showed';
CREATE TRIGGER creator_break AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle)
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

CREATE INDEX creator_removed_idx ON trackagoat.creator (project_id) WHERE removed_at IS NOT NULL;
COMMENT ON INDEX trackagoat.creator_removed_idx IS 'creators that are out of the program';

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
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER video_totals ON trackagoat.video IS 'totals gain a video that counts';
-- before, so that what the same statement observes comes after; last by name,
-- so that it sees what other triggers make of the row
CREATE TRIGGER zz_video_totals_update BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (trackagoat.status_counts(OLD.tracking_status) <> trackagoat.status_counts(NEW.tracking_status)
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
-- The queue of scrapes and what came of each attempt.  No tenant data: one
-- standing job serves every project that tracks the account or video.

CREATE TABLE trackagoat.scrape_outcome (
	outcome text NOT NULL,
	is_success boolean NOT NULL DEFAULT false,
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
COMMENT ON COLUMN trackagoat.scrape_outcome.retry_after IS 'pause before the next attempt of the same job; doubles with each attempt in a row that fails';
COMMENT ON COLUMN trackagoat.scrape_outcome.retry_limit IS 'longest such pause';
COMMENT ON COLUMN trackagoat.scrape_outcome.host_pause IS 'pause before anything is asked of the host again; NULL for none';
COMMENT ON COLUMN trackagoat.scrape_outcome.description IS 'what it means';

INSERT INTO trackagoat.scrape_outcome (outcome, is_success, retry_after, retry_limit, host_pause, description) VALUES
	('ok', true, '0', '0', NULL, 'the page was read and stored'),
	('not_found', false, '1 day', '7 days', NULL, 'TikTok says that the account or video does not exist; banned and renamed accounts answer the same'),
	('private', false, '1 day', '7 days', NULL, 'the account or video is not public'),
	('suspended', false, '1 day', '7 days', NULL, 'TikTok has suspended the account'),
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

CREATE TABLE trackagoat.scrape_job (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	kind trackagoat.scrape_kind NOT NULL,
	tiktok_handle trackagoat.handle,
	tiktok_video_id bigint,
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
	CONSTRAINT scrape_job_target_key UNIQUE NULLS NOT DISTINCT (kind, tiktok_handle, tiktok_video_id),
	CONSTRAINT scrape_job_priority_check CHECK (priority IN (0, 1)),
	CONSTRAINT scrape_job_target_check CHECK (CASE kind
		WHEN 'video_stats' THEN tiktok_handle IS NULL AND tiktok_video_id IS NOT NULL
		ELSE tiktok_handle IS NOT NULL AND tiktok_video_id IS NULL END),
	CONSTRAINT scrape_job_last_outcome_fkey FOREIGN KEY (last_outcome)
		REFERENCES trackagoat.scrape_outcome (outcome) ON DELETE SET NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.scrape_job IS 'one standing row per kind and TikTok account or video, whichever projects track it';
COMMENT ON COLUMN trackagoat.scrape_job.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.scrape_job.kind IS 'what is fetched';
COMMENT ON COLUMN trackagoat.scrape_job.tiktok_handle IS 'account, for creator_profile and discover_videos';
COMMENT ON COLUMN trackagoat.scrape_job.tiktok_video_id IS 'post, for video_stats';
COMMENT ON COLUMN trackagoat.scrape_job.priority IS '1 goes first: what a person waits for; 0 is the schedule';
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
COMMENT ON COLUMN trackagoat.scrape_request.due_at IS 'from when; NULL leaves it to the schedule';
COMMENT ON COLUMN trackagoat.scrape_request.next_at IS 'when the schedule is to queue it';
COMMENT ON COLUMN trackagoat.scrape_request.priority IS '1 for what a person waits for';
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
DROP TRIGGER creator_rename ON trackagoat.creator;
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
);
COMMENT ON TABLE trackagoat.video_history IS 'observations of videos, packed; written through observe_videos(), read through video_snapshot';
COMMENT ON COLUMN trackagoat.video_history.video_id IS 'video observed';
COMMENT ON COLUMN trackagoat.video_history.org_id IS 'organization of the video';
COMMENT ON COLUMN trackagoat.video_history.started_at IS 'time of the first point; infinity for the open row, which takes the next ones';
COMMENT ON COLUMN trackagoat.video_history.points IS 'a run of observations: views, likes, comments, shares, saves';

CREATE TRIGGER creator_rename BEFORE UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle)
	EXECUTE FUNCTION trackagoat.creator_rename();
COMMENT ON TRIGGER creator_rename ON trackagoat.creator IS 'forgets what the old handle''s profile showed';
CREATE TRIGGER creator_break AFTER UPDATE ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle)
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

CREATE INDEX creator_removed_idx ON trackagoat.creator (project_id) WHERE removed_at IS NOT NULL;
COMMENT ON INDEX trackagoat.creator_removed_idx IS 'creators that are out of the program';

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
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_totals();
COMMENT ON TRIGGER video_totals ON trackagoat.video IS 'totals gain a video that counts';
-- before, so that what the same statement observes comes after; last by name,
-- so that it sees what other triggers make of the row
CREATE TRIGGER zz_video_totals_update BEFORE UPDATE ON trackagoat.video
	FOR EACH ROW WHEN (trackagoat.status_counts(OLD.tracking_status) <> trackagoat.status_counts(NEW.tracking_status)
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
			USING HINT = 'Install it and SELECT trackagoat.schedule_scrapes(), or call trackagoat.enqueue_due() every minute by other means.';
	END IF;
END
$setup$;
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
	trackagoat.check_choice(text, text, text[]),
	trackagoat.check_analytics(text, text, text, text, text, text),
	trackagoat.check_window(date, date),
	trackagoat.check_timezone(text),
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
	trackagoat.happens_now(timestamptz),
	trackagoat.video_is_fetched(trackagoat.tracking_status, timestamptz, timestamptz),
	trackagoat.video_posted_at(timestamptz, bigint),
	trackagoat.status_counts(trackagoat.tracking_status),
	trackagoat.video_counts(trackagoat.tracking_status, timestamptz)
	TO PUBLIC;
