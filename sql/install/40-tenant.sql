-- Trigger functions that keep keys and times of the tenant tables.

CREATE FUNCTION trackagoat.is_timezone(name text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.is_timezone(text) IS 'whether the server knows the time zone';

CREATE FUNCTION trackagoat.touch_updated_at() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	NEW.updated_at := now();
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.touch_updated_at() IS 'trigger: updated_at is the time of this transaction';

CREATE FUNCTION trackagoat.parent_missing(parent text, child text, id uuid) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE foreign_key_violation USING
		MESSAGE = CASE WHEN id IS NULL THEN format('%s_id is missing', parent)
			ELSE format('%s %s does not exist, or not just once', parent, id) END,
		DETAIL = format('A row of %s was to be inserted for it.', child),
		HINT = format('Name an id of trackagoat.%s, and org_id where several organizations have it.', parent),
		SCHEMA = 'trackagoat', TABLE = child, CONSTRAINT = child || '_' || parent || '_fkey';
END
$$;
COMMENT ON FUNCTION trackagoat.parent_missing(text, text, uuid) IS
	'raises foreign_key_violation for a row whose parent does not exist, or is in several organizations';

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

CREATE FUNCTION trackagoat.creator_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
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
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_fill() IS
	'trigger: org_id from the project, tracking_start_date from the organization''s calendar';

CREATE FUNCTION trackagoat.creator_rename() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	NEW.tiktok_account_id := NULL;
	NEW.tiktok_sec_uid := NULL;
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
	NEW.baseline_at := clock_timestamp();
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_rename() IS
	'trigger: a new handle may be another account, so what the old one''s profile showed is cleared';

CREATE FUNCTION trackagoat.creator_relist() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	NEW.listing_wanted_at := clock_timestamp();
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_relist() IS
	'trigger: what earlier listings of videos saw may not be all that this creator now wants';

CREATE FUNCTION trackagoat.project_organization(project_id uuid, child text) RETURNS uuid
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
BEGIN
	SELECT p.org_id, count(*) OVER () AS found INTO parent
	FROM trackagoat.project p WHERE p.id = project_organization.project_id;
	IF parent.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.parent_missing('project', child, project_organization.project_id);
	END IF;
	RETURN parent.org_id;
END
$$;
COMMENT ON FUNCTION trackagoat.project_organization(uuid, text) IS
	'the organization of a project, for a row that names the project alone';

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
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.video_fill() IS 'trigger: project_id from the creator, org_id from the project';

CREATE FUNCTION trackagoat.campaign_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF NEW.org_id IS NULL THEN
		NEW.org_id := trackagoat.project_organization(NEW.project_id, 'campaign');
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.campaign_fill() IS 'trigger: org_id from the project';

CREATE FUNCTION trackagoat.campaign_item_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
BEGIN
	IF NEW.org_id IS NULL OR NEW.project_id IS NULL THEN
		SELECT c.org_id, c.project_id, count(*) OVER () AS found INTO parent
		FROM trackagoat.campaign c
		WHERE c.id = NEW.campaign_id AND c.org_id = coalesce(NEW.org_id, c.org_id);
		IF parent.found IS DISTINCT FROM 1 THEN
			PERFORM trackagoat.parent_missing('campaign', 'campaign_item', NEW.campaign_id);
		END IF;
		NEW.org_id := coalesce(NEW.org_id, parent.org_id);
		NEW.project_id := coalesce(NEW.project_id, parent.project_id);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.campaign_item_fill() IS 'trigger: org_id and project_id from the campaign';
