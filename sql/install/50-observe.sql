-- Observations: the one way in for numbers, from the worker and from imports.

CREATE FUNCTION trackagoat.check_observations(entity text, ids uuid[], observed_at timestamptz[], lengths integer[]) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF ids IS NULL OR array_position(ids, NULL) IS NOT NULL
		OR observed_at IS NULL OR array_position(observed_at, NULL) IS NOT NULL
		OR '-infinity' = ANY (observed_at) OR now() + interval '1 day' < ANY (observed_at)
	THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_observation',
			DETAIL = 'An id or a time is NULL, or a time is infinite or more than a day ahead.',
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

CREATE FUNCTION trackagoat.observe_videos(
	video_ids uuid[], observed_at timestamptz[],
	views bigint[], likes bigint[], comments bigint[], shares bigint[], saves bigint[],
	source text DEFAULT 'import', exact boolean DEFAULT true, for_org uuid DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	stored integer;
	locked integer;
	missing uuid;
BEGIN
	PERFORM trackagoat.check_observations('video', video_ids, observe_videos.observed_at,
		array_remove(ARRAY[cardinality(views), cardinality(likes), cardinality(comments), cardinality(shares), cardinality(saves)], NULL));

	-- one order of locks for everybody, so that two sessions never wait for each other
	PERFORM FROM trackagoat.video e
	WHERE e.id = ANY (video_ids) AND (for_org IS NULL OR e.org_id = for_org)
	ORDER BY e.id, e.org_id FOR NO KEY UPDATE;
	GET DIAGNOSTICS locked = ROW_COUNT;

	IF locked <> (SELECT count(DISTINCT o.id) FROM unnest(video_ids) o (id)) THEN
		SELECT o.id INTO missing FROM unnest(video_ids) o (id)
		WHERE (SELECT count(*) FROM trackagoat.video e
			WHERE e.id = o.id AND (for_org IS NULL OR e.org_id = for_org)) <> 1 LIMIT 1;
		PERFORM trackagoat.entity_missing('video', missing);
	END IF;

	-- of several observations of one moment, the last that knows a counter holds
	INSERT INTO trackagoat.video_history AS h (video_id, org_id, observed_at,
		view_count, like_count, comment_count, share_count, save_count, exact, source)
	SELECT o.id, e.org_id, o.seen_at,
		(array_agg(o.views ORDER BY o.n DESC) FILTER (WHERE o.views IS NOT NULL))[1],
		(array_agg(o.likes ORDER BY o.n DESC) FILTER (WHERE o.likes IS NOT NULL))[1],
		(array_agg(o.comments ORDER BY o.n DESC) FILTER (WHERE o.comments IS NOT NULL))[1],
		(array_agg(o.shares ORDER BY o.n DESC) FILTER (WHERE o.shares IS NOT NULL))[1],
		(array_agg(o.saves ORDER BY o.n DESC) FILTER (WHERE o.saves IS NOT NULL))[1],
		observe_videos.exact, observe_videos.source
	FROM unnest(video_ids, observe_videos.observed_at, views, likes, comments, shares, saves)
		WITH ORDINALITY o (id, seen_at, views, likes, comments, shares, saves, n)
	JOIN trackagoat.video e ON e.id = o.id AND (for_org IS NULL OR e.org_id = for_org)
	GROUP BY o.id, e.org_id, o.seen_at
	ON CONFLICT ON CONSTRAINT video_history_pkey DO UPDATE SET
		view_count = coalesce(excluded.view_count, h.view_count),
		like_count = coalesce(excluded.like_count, h.like_count),
		comment_count = coalesce(excluded.comment_count, h.comment_count),
		share_count = coalesce(excluded.share_count, h.share_count),
		save_count = coalesce(excluded.save_count, h.save_count),
		exact = excluded.exact, source = excluded.source;
	GET DIAGNOSTICS stored = ROW_COUNT;

	-- the current counters: of each, the newest that is known
	UPDATE trackagoat.video e SET
		view_count = (SELECT h.view_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.view_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		like_count = (SELECT h.like_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.like_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		comment_count = (SELECT h.comment_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.comment_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		share_count = (SELECT h.share_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.share_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		save_count = (SELECT h.save_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.save_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		last_observed_at = (SELECT max(h.observed_at) FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id)
	WHERE e.id = ANY (video_ids) AND (for_org IS NULL OR e.org_id = for_org);

	RETURN stored;
END
$$;
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
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	stored integer;
	locked integer;
	missing uuid;
BEGIN
	PERFORM trackagoat.check_observations('creator', creator_ids, observe_creators.observed_at,
		array_remove(ARRAY[cardinality(followers), cardinality(following), cardinality(likes), cardinality(videos)], NULL));

	-- one order of locks for everybody, so that two sessions never wait for each other
	PERFORM FROM trackagoat.creator e
	WHERE e.id = ANY (creator_ids) AND (for_org IS NULL OR e.org_id = for_org)
	ORDER BY e.id, e.org_id FOR NO KEY UPDATE;
	GET DIAGNOSTICS locked = ROW_COUNT;

	IF locked <> (SELECT count(DISTINCT o.id) FROM unnest(creator_ids) o (id)) THEN
		SELECT o.id INTO missing FROM unnest(creator_ids) o (id)
		WHERE (SELECT count(*) FROM trackagoat.creator e
			WHERE e.id = o.id AND (for_org IS NULL OR e.org_id = for_org)) <> 1 LIMIT 1;
		PERFORM trackagoat.entity_missing('creator', missing);
	END IF;

	-- of several observations of one moment, the last that knows a counter holds
	INSERT INTO trackagoat.creator_history AS h (creator_id, org_id, observed_at,
		follower_count, following_count, total_likes_count, video_count, exact, source)
	SELECT o.id, e.org_id, o.seen_at,
		(array_agg(o.followers ORDER BY o.n DESC) FILTER (WHERE o.followers IS NOT NULL))[1],
		(array_agg(o.following ORDER BY o.n DESC) FILTER (WHERE o.following IS NOT NULL))[1],
		(array_agg(o.likes ORDER BY o.n DESC) FILTER (WHERE o.likes IS NOT NULL))[1],
		(array_agg(o.videos ORDER BY o.n DESC) FILTER (WHERE o.videos IS NOT NULL))[1],
		observe_creators.exact, observe_creators.source
	FROM unnest(creator_ids, observe_creators.observed_at, followers, following, likes, videos)
		WITH ORDINALITY o (id, seen_at, followers, following, likes, videos, n)
	JOIN trackagoat.creator e ON e.id = o.id AND (for_org IS NULL OR e.org_id = for_org)
	GROUP BY o.id, e.org_id, o.seen_at
	ON CONFLICT ON CONSTRAINT creator_history_pkey DO UPDATE SET
		follower_count = coalesce(excluded.follower_count, h.follower_count),
		following_count = coalesce(excluded.following_count, h.following_count),
		total_likes_count = coalesce(excluded.total_likes_count, h.total_likes_count),
		video_count = coalesce(excluded.video_count, h.video_count),
		exact = excluded.exact, source = excluded.source;
	GET DIAGNOSTICS stored = ROW_COUNT;

	-- the current counters: of each, the newest that is known
	UPDATE trackagoat.creator e SET
		follower_count = (SELECT h.follower_count FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.follower_count IS NOT NULL AND h.observed_at >= e.baseline_at ORDER BY h.observed_at DESC LIMIT 1),
		following_count = (SELECT h.following_count FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.following_count IS NOT NULL AND h.observed_at >= e.baseline_at ORDER BY h.observed_at DESC LIMIT 1),
		total_likes_count = (SELECT h.total_likes_count FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.total_likes_count IS NOT NULL AND h.observed_at >= e.baseline_at ORDER BY h.observed_at DESC LIMIT 1),
		video_count = (SELECT h.video_count FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.video_count IS NOT NULL AND h.observed_at >= e.baseline_at ORDER BY h.observed_at DESC LIMIT 1),
		last_observed_at = (SELECT max(h.observed_at) FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.observed_at >= e.baseline_at)
	WHERE e.id = ANY (creator_ids) AND (for_org IS NULL OR e.org_id = for_org);

	RETURN stored;
END
$$;
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
