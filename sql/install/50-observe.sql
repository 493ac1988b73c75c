-- Observations: the one way in for numbers, from the worker and from imports.
-- C: src/observe.c, src/history.c.

CREATE FUNCTION trackagoat.check_observations(entity text, ids uuid[], observed_at timestamptz[], lengths integer[]) RETURNS void
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
COMMENT ON FUNCTION trackagoat.check_observations(text, uuid[], timestamptz[], integer[]) IS
	'raises PT400 invalid_observation for arrays that do not match';

CREATE FUNCTION trackagoat.entity_missing(entity text, id uuid) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT404' USING
		MESSAGE = entity || '_not_found',
		DETAIL = format('There is not exactly one %s with id %s.', entity, coalesce(id::text, 'NULL')),
		HINT = format('Name an id of trackagoat.%s.', entity);
END
$$;
COMMENT ON FUNCTION trackagoat.entity_missing(text, uuid) IS 'raises PT404 for an id that is not there';

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

CREATE FUNCTION trackagoat.observe_videos(
	video_ids uuid[], observed_at timestamptz[],
	views bigint[], likes bigint[], comments bigint[], shares bigint[], saves bigint[],
	source text DEFAULT 'import', exact boolean DEFAULT true, for_org uuid DEFAULT NULL) RETURNS integer
	LANGUAGE sql VOLATILE
	RETURN trackagoat.observe('video', video_ids, observed_at, views, likes, comments, shares, saves, source, exact, for_org);
COMMENT ON FUNCTION trackagoat.observe_videos(uuid[], timestamptz[], bigint[], bigint[], bigint[], bigint[], bigint[], text, boolean, uuid) IS
	'store observations of videos, in any order of time; answers how many points were stored; PT404 video_not_found, PT400 invalid_observation';

CREATE FUNCTION trackagoat.observe_video(
	video_id uuid, observed_at timestamptz,
	views bigint, likes bigint, comments bigint, shares bigint, saves bigint,
	source text DEFAULT 'import', exact boolean DEFAULT true) RETURNS integer
	LANGUAGE sql VOLATILE
	RETURN trackagoat.observe_videos(ARRAY[video_id], ARRAY[observed_at], ARRAY[views], ARRAY[likes], ARRAY[comments], ARRAY[shares], ARRAY[saves], source, exact);
COMMENT ON FUNCTION trackagoat.observe_video(uuid, timestamptz, bigint, bigint, bigint, bigint, bigint, text, boolean) IS
	'store one observation of a video, in any order of time; NULL is a number not known';

CREATE FUNCTION trackagoat.observe_creators(
	creator_ids uuid[], observed_at timestamptz[],
	followers bigint[], following bigint[], likes bigint[], videos bigint[],
	source text DEFAULT 'import', exact boolean DEFAULT true, for_org uuid DEFAULT NULL) RETURNS integer
	LANGUAGE sql VOLATILE
	RETURN trackagoat.observe('creator', creator_ids, observed_at, followers, following, likes, videos, NULL, source, exact, for_org);
COMMENT ON FUNCTION trackagoat.observe_creators(uuid[], timestamptz[], bigint[], bigint[], bigint[], bigint[], text, boolean, uuid) IS
	'store observations of creators, in any order of time; answers how many points were stored; PT404 creator_not_found, PT400 invalid_observation';

CREATE FUNCTION trackagoat.observe_creator(
	creator_id uuid, observed_at timestamptz,
	followers bigint, following bigint, likes bigint, videos bigint,
	source text DEFAULT 'import', exact boolean DEFAULT true) RETURNS integer
	LANGUAGE sql VOLATILE
	RETURN trackagoat.observe_creators(ARRAY[creator_id], ARRAY[observed_at], ARRAY[followers], ARRAY[following], ARRAY[likes], ARRAY[videos], source, exact);
COMMENT ON FUNCTION trackagoat.observe_creator(uuid, timestamptz, bigint, bigint, bigint, bigint, text, boolean) IS
	'store one observation of a creator, in any order of time; NULL is a number not known';

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
