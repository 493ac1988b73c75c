-- What a page says goes into the tables, one organization at a time.

CREATE FUNCTION trackagoat.store_scrape(
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

CREATE FUNCTION trackagoat.store_profile(
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
COMMENT ON FUNCTION trackagoat.store_profile(uuid, trackagoat.handle, timestamptz, jsonb) IS
	'store a profile in every creator of the organization that has the handle and the same account id';

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
