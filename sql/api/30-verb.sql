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
