-- Handler of the v1 API: analytics, as JSON or CSV.

CREATE FUNCTION trackagoat.retention_limit(INOUT tz text, OUT days bigint, OUT earliest date)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	SELECT coalesce(retention_limit.tz, o.timezone), trackagoat.plan_limit(o.plan, 'stats_history_retention_days') INTO tz, days
	FROM trackagoat.organization o WHERE o.id = trackagoat.current_org();
	PERFORM trackagoat.check_timezone(tz);
	earliest := trackagoat.shown_from(days, (now() AT TIME ZONE tz)::date);
END
$$;
COMMENT ON FUNCTION trackagoat.retention_limit(text) IS
	'how many days back the plan of one''s organization shows, and from which day on, in its time zone or tz; NULL for all: PT400 invalid_timezone';

CREATE FUNCTION trackagoat.refuse_retention(days bigint, earliest date) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT402' USING
		MESSAGE = 'retention_exceeded',
		DETAIL = format('{"retentionDays": %s, "earliest": "%s"}', days, earliest),
		HINT = format('Ask for %s or later, or choose a plan that keeps more.', earliest);
END
$$;
COMMENT ON FUNCTION trackagoat.refuse_retention(bigint, date) IS 'raises PT402 retention_exceeded';

CREATE FUNCTION trackagoat.retained_window(
	from_date date, to_date date, INOUT tz text, OUT first_day date, OUT last_day date, OUT days bigint, OUT earliest date)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	SELECT l.tz, l.days, l.earliest INTO tz, days, earliest FROM trackagoat.retention_limit(tz) l;
	SELECT w.first_day, w.last_day INTO first_day, last_day FROM trackagoat.analytics_window(from_date, to_date, tz, NULL) w;
	-- who names no first day is not refused for it
	IF coalesce(from_date, last_day) < earliest THEN
		PERFORM trackagoat.refuse_retention(days, earliest);
	END IF;
	first_day := greatest(first_day, earliest);
END
$$;
COMMENT ON FUNCTION trackagoat.retained_window(date, date, text) IS
	'the days of analytics that are asked for in one''s organization, in its time zone or tz, how many days its plan shows, and from which on: PT402 retention_exceeded for those before';

CREATE FUNCTION trackagoat.is_shown(series_kind text, bucket date, earliest date) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN series_kind <> 'prior_period' OR earliest IS NULL OR bucket >= earliest;
COMMENT ON FUNCTION trackagoat.is_shown(text, date, date) IS
	'whether a point of analytics is shown: what is compared with ends where the plan does';

CREATE FUNCTION trackagoat.retained_reference(reference_date date) RETURNS date
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	kept record;
	-- as many days as goals need are kept for every plan
	earliest date;
BEGIN
	SELECT l.* INTO kept FROM trackagoat.retention_limit(NULL) l;
	earliest := least(kept.earliest, trackagoat.shown_from(33, (now() AT TIME ZONE kept.tz)::date));
	IF kept.earliest IS NOT NULL AND reference_date < earliest THEN
		PERFORM trackagoat.refuse_retention(kept.days, earliest);
	END IF;
	RETURN reference_date;
END
$$;
COMMENT ON FUNCTION trackagoat.retained_reference(date) IS
	'the day for which goals are judged: PT402 retention_exceeded for one before those that the plan, or a month of goals, keeps';

CREATE FUNCTION trackagoat.entity_label(entity text, entity_id uuid) RETURNS text
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN CASE entity
		WHEN 'video' THEN (SELECT coalesce(v.title, v.tiktok_video_id::text) FROM trackagoat.video v WHERE v.id = entity_id AND v.org_id = trackagoat.current_org())
		WHEN 'creator' THEN (SELECT c.tiktok_handle::text FROM trackagoat.creator c WHERE c.id = entity_id AND c.org_id = trackagoat.current_org())
		WHEN 'campaign' THEN (SELECT k.name FROM trackagoat.campaign k WHERE k.id = entity_id AND k.org_id = trackagoat.current_org())
		WHEN 'project' THEN (SELECT p.name FROM trackagoat.project p WHERE p.id = entity_id AND p.org_id = trackagoat.current_org()) END;
END
$$;
COMMENT ON FUNCTION trackagoat.entity_label(text, uuid) IS 'what people call a video, creator, campaign or project of one''s organization';

CREATE FUNCTION trackagoat.asked_entities(query jsonb) RETURNS uuid[]
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	field text := CASE WHEN query ? 'entity_ids' THEN 'entity_ids' ELSE 'entity_id' END;
	ids uuid[];
BEGIN
	IF NOT query ? field THEN
		PERFORM trackagoat.refuse_field('invalid_query', field, 'is missing', 'Give entity_id, or up to five in entity_ids, between commas.');
	ELSIF query ?& ARRAY['entity_id', 'entity_ids'] THEN
		PERFORM trackagoat.refuse_field('invalid_query', field, 'must be left out where there is an entity_id');
	END IF;
	ids := ARRAY(SELECT e.id::uuid FROM jsonb_array_elements_text(trackagoat.check_field('invalid_query', field,
		to_jsonb(string_to_array(query ->> field, ',')),
		'{"type": "array", "minItems": 1, "maxItems": 5, "items": {"type": "string", "format": "uuid"}}')) e (id));
	IF (SELECT count(DISTINCT e.id) FROM unnest(ids) e (id)) < cardinality(ids) THEN
		PERFORM trackagoat.refuse_field('invalid_query', field, 'has an id twice');
	END IF;
	PERFORM trackagoat.own_entity(query ->> 'entity', e.id) FROM unnest(ids) e (id);
	RETURN ids;
END
$$;
COMMENT ON FUNCTION trackagoat.asked_entities(jsonb) IS 'the entities that a query names, all of one''s organization: PT400 invalid_query, PT404';

CREATE FUNCTION trackagoat.analytics_series(query jsonb, ids uuid[], first_day date, last_day date, tz text, earliest date) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	entity text := query ->> 'entity';
BEGIN
	RETURN (SELECT jsonb_agg(jsonb_build_object('entity_ref', jsonb_build_object('id', s.entity_id, 'label', trackagoat.entity_label(entity, s.entity_id)),
			'series_kind', s.series_kind, 'points', s.points) ORDER BY s.place)
		FROM (SELECT a.entity_id, a.series_kind, min(a.place) AS place, jsonb_agg(jsonb_build_object('bucket', a.bucket,
				'value', trackagoat.api_number(a.value), 'is_partial', a.is_partial, 'is_baseline', a.is_baseline) ORDER BY a.place) AS points
			FROM trackagoat.analytics(entity, ids, query ->> 'metric', query ->> 'mode', query ->> 'granularity',
				first_day, last_day, tz, query ->> 'compare', query ->> 'base_metric') WITH ORDINALITY
				a (entity_id, series_kind, bucket, value, is_partial, is_baseline, place)
			WHERE trackagoat.is_shown(a.series_kind, a.bucket, earliest)
			GROUP BY a.series_kind, a.entity_id) s);
END
$$;
COMMENT ON FUNCTION trackagoat.analytics_series(jsonb, uuid[], date, date, text, date) IS
	'what analytics() answers a query, by entity and kind: {entity_ref: {id, label}, series_kind, points: [{bucket, value, is_partial, is_baseline}]}';

CREATE FUNCTION trackagoat.breakdown_series(query jsonb, ids uuid[], first_day date, last_day date, tz text) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF query ->> 'entity' <> 'campaign' OR cardinality(ids) <> 1 THEN
		PERFORM trackagoat.refuse_field('invalid_query', 'breakdown', 'is of one campaign');
	END IF;
	RETURN (SELECT jsonb_agg(jsonb_build_object('entity_ref', jsonb_build_object('id', s.entity_ref, 'label', s.label),
			'series_kind', 'breakdown', 'points', s.points) ORDER BY s.place)
		FROM (SELECT b.entity_ref, b.label, min(b.place) AS place, jsonb_agg(jsonb_build_object('bucket', b.bucket,
				'value', trackagoat.api_number(b.value), 'is_partial', b.is_partial, 'is_baseline', b.is_baseline) ORDER BY b.place) AS points
			FROM trackagoat.campaign_breakdown(ids[1], query ->> 'metric', query ->> 'mode', query ->> 'granularity',
				first_day, last_day, tz) WITH ORDINALITY b (entity_ref, label, bucket, value, is_partial, is_baseline, place)
			GROUP BY b.entity_ref, b.label) s);
END
$$;
COMMENT ON FUNCTION trackagoat.breakdown_series(jsonb, uuid[], date, date, text) IS
	'what campaign_breakdown() answers a query, in the shape of analytics_series(): PT400 invalid_query for what is not one campaign';

CREATE FUNCTION trackagoat.csv_field(content text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- what strangers write must be no formula where it is opened as a sheet
	RETURN (SELECT CASE WHEN t.plain ~ '[",\r\n]' THEN '"' || replace(t.plain, '"', '""') || '"' ELSE coalesce(t.plain, '') END
		FROM (SELECT regexp_replace(content, '^(?=[-=+@\t\r])', '''')) t (plain));
COMMENT ON FUNCTION trackagoat.csv_field(text) IS
	'a text as a field of CSV, in quotes where it needs them (RFC 4180), after an apostrophe where it would be a formula; NULL is empty';

CREATE FUNCTION trackagoat.series_csv(series jsonb) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN E'series_kind,entity_id,label,bucket,value,is_partial,is_baseline\r\n' || (
		SELECT string_agg(concat_ws(',', s.value ->> 'series_kind', s.value #>> '{entity_ref,id}', trackagoat.csv_field(s.value #>> '{entity_ref,label}'),
			p.value ->> 'bucket', coalesce(p.value ->> 'value', ''), p.value ->> 'is_partial', p.value ->> 'is_baseline') || E'\r\n', '' ORDER BY s.place, p.place)
		FROM jsonb_array_elements(series) WITH ORDINALITY s (value, place),
			jsonb_array_elements(s.value -> 'points') WITH ORDINALITY p (value, place));
END
$$;
COMMENT ON FUNCTION trackagoat.series_csv(jsonb) IS 'series of analytics as CSV, a row a point';

CREATE FUNCTION trackagoat.v1_analytics(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := '{"mode": "new", "granularity": "day"}' || (request -> 'query');
	ids uuid[] := trackagoat.asked_entities(query);
	days record;
	series jsonb;
	breakdown jsonb := '[]';
BEGIN
	SELECT w.* INTO days FROM trackagoat.retained_window((query ->> 'from')::date, (query ->> 'to')::date, query ->> 'tz') w;
	series := trackagoat.analytics_series(query, ids, days.first_day, days.last_day, days.tz, days.earliest);
	IF query ? 'breakdown' THEN
		breakdown := trackagoat.breakdown_series(query, ids, days.first_day, days.last_day, days.tz);
	END IF;
	IF query ->> 'format' = 'csv' THEN
		RETURN jsonb_build_object('status', 200, 'text', trackagoat.series_csv(series || breakdown), 'headers', jsonb_build_object(
			'Content-Type', 'text/csv; charset=utf-8', 'Content-Disposition', format('attachment; filename="%s-%s-%s-%s.csv"',
				query ->> 'entity', query ->> 'metric', days.first_day, days.last_day)));
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('entity', query -> 'entity', 'metric', query -> 'metric',
		'mode', query -> 'mode', 'granularity', query -> 'granularity',
		'unit', CASE WHEN query ->> 'metric' ~ '^(engagement|growth)_rate_' THEN 'percent' ELSE 'count' END,
		'tz', days.tz, 'from', days.first_day, 'to', days.last_day,
		'series', series, 'breakdown_series', breakdown, 'tier_retention_days', days.days));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_analytics(jsonb) IS 'GET /analytics';
