-- Verifying: everything computed anew and compared.

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
