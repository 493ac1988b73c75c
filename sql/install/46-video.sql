-- Videos: what a row needs, where they may go from where they stand, the verbs
-- for many at once, when they are no longer refreshed.

CREATE FUNCTION trackagoat.video_fill() RETURNS trigger
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
