-- Plans and their limits.  C: src/limits.c.

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
