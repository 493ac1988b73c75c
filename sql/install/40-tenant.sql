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
