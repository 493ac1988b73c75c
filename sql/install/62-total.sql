-- Totals: what changes them goes into a log, the folder applies it, readers
-- add what is not applied yet.  C: src/fold.c, src/totals.c, src/read_totals.c.

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
