-- Goals: what they may be, where they stand, who is told.  C: src/goal.c.

CREATE FUNCTION trackagoat.goal_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
BEGIN
	IF NEW.org_id IS NULL OR NEW.project_id IS NULL OR NEW.starts_on IS NULL THEN
		SELECT c.org_id, c.project_id, (now() AT TIME ZONE o.timezone)::date AS today, count(*) OVER () AS found INTO parent
		FROM trackagoat.creator c JOIN trackagoat.organization o ON o.id = c.org_id
		WHERE c.id = NEW.creator_id AND c.org_id = coalesce(NEW.org_id, c.org_id);
		IF parent.found IS DISTINCT FROM 1 THEN
			PERFORM trackagoat.parent_missing('creator', 'goal', NEW.creator_id);
		END IF;
		NEW.org_id := parent.org_id;
		NEW.project_id := coalesce(NEW.project_id, parent.project_id);
		NEW.starts_on := coalesce(NEW.starts_on, parent.today);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.goal_fill() IS 'trigger: organization and project from the creator, starts_on from the organization''s calendar';

CREATE FUNCTION trackagoat.goal_rules() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF NEW.target IS NULL OR NEW.target <= 0 OR NEW.target > (CASE NEW.goal_type WHEN 'engagement' THEN 100 ELSE 9223372036854775807 END)
		OR scale(NEW.target) > 6 OR (NEW.goal_type <> 'engagement' AND NEW.target <> trunc(NEW.target))
	THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_target',
			DETAIL = format('%s is no target of %s.', coalesce(NEW.target::text, 'NULL'), NEW.goal_type),
			HINT = 'Give a whole number of 1 or more; of engagement a rate of more than 0 and at most 100 percent, with up to six decimals.';
	END IF;
	IF NEW.period IS NULL AND NEW.goal_type <> 'followers' THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_period',
			DETAIL = format('A goal of %s needs a period.', NEW.goal_type),
			HINT = 'Allowed are daily, weekly, monthly; followers alone may be a milestone without one.';
	END IF;
	IF NEW.starts_on NOT BETWEEN '1970-01-01' AND '9990-12-31' OR NEW.ends_on NOT BETWEEN NEW.starts_on AND '9990-12-31' THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_dates',
			DETAIL = format('A goal cannot go from %s to %s.', NEW.starts_on, coalesce(NEW.ends_on::text, 'no end')),
			HINT = 'Give days of 1970 or later, ends_on not before starts_on, or NULL for no end.';
	END IF;
	IF TG_OP = 'UPDATE' AND (OLD.goal_type, OLD.period) IS DISTINCT FROM (NEW.goal_type, NEW.period) THEN
		NEW.status := NULL;
		NEW.status_period := NULL;
		NEW.status_at := NULL;
		NEW.closed_status := NULL;
		NEW.closed_period := NULL;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.goal_rules() IS
	'trigger: refuses targets, periods and dates that make no sense: PT400 invalid_target, invalid_period, invalid_dates; a goal of another type or period has not been looked at yet';

CREATE FUNCTION trackagoat.video_counts_for_goals(
	status trackagoat.tracking_status, creator_removed_at timestamptz, tracking_disabled_at timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN trackagoat.video_counts(status, creator_removed_at) AND tracking_disabled_at IS NULL;
COMMENT ON FUNCTION trackagoat.video_counts_for_goals(trackagoat.tracking_status, timestamptz, timestamptz) IS
	'whether a video counts for goals: it counts in totals, and people have not disabled its tracking';

CREATE FUNCTION trackagoat.goal_states(
	project_id uuid, creator_ids uuid[], goal_ids uuid[], reference_date date, for_period trackagoat.goal_period, at timestamptz,
	active_only boolean)
	RETURNS TABLE (creator_id uuid, goal_id uuid, goal_type trackagoat.goal_type, period trackagoat.goal_period,
		period_start date, period_end date, target numeric, actual numeric, projected numeric,
		status trackagoat.goal_status, compliant boolean, advisory jsonb)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000
	SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.goal_states(uuid, uuid[], uuid[], date, trackagoat.goal_period, timestamptz, boolean) IS
	'what goal_compliance() answers, for some creators or goals, and for creators that are not fetched as well';

CREATE FUNCTION trackagoat.goal_compliance(
	project_id uuid, reference_date date DEFAULT NULL, for_creator uuid DEFAULT NULL,
	for_period trackagoat.goal_period DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (creator_id uuid, goal_id uuid, goal_type trackagoat.goal_type, period trackagoat.goal_period,
		period_start date, period_end date, target numeric, actual numeric, projected numeric,
		status trackagoat.goal_status, compliant boolean, advisory jsonb)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
BEGIN ATOMIC
	SELECT s.* FROM trackagoat.goal_states(goal_compliance.project_id,
		CASE WHEN for_creator IS NOT NULL THEN ARRAY[for_creator] END, NULL, reference_date, for_period, at, true) s;
END;
COMMENT ON FUNCTION trackagoat.goal_compliance(uuid, date, uuid, trackagoat.goal_period, timestamptz) IS
	'where each goal of the active creators stands in the period that holds the reference date (today when left out); at answers as of a past moment; no row for an unknown project; PT400 invalid_reference_date, invalid_at';

CREATE FUNCTION trackagoat.goal_counts(
	project_id uuid, reference_date date, at timestamptz, shown integer,
	OUT creators bigint, OUT goals bigint,
	OUT on_track bigint, OUT behind_pace bigint, OUT at_risk bigint, OUT completed bigint, OUT missed bigint,
	OUT not_yet_started bigint, OUT no_data bigint, OUT need_attention bigint, OUT worst uuid[])
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.goal_counts(uuid, date, timestamptz, integer) IS
	'the numbers of goal_overview(), and the creators that need most attention';

CREATE FUNCTION trackagoat.goal_overview(
	project_id uuid, reference_date date DEFAULT NULL, shown integer DEFAULT 20, at timestamptz DEFAULT NULL,
	OUT creators bigint, OUT goals bigint,
	OUT on_track bigint, OUT behind_pace bigint, OUT at_risk bigint, OUT completed bigint, OUT missed bigint,
	OUT not_yet_started bigint, OUT no_data bigint, OUT need_attention bigint, OUT attention jsonb)
	LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	WITH counts AS MATERIALIZED (SELECT c.* FROM trackagoat.goal_counts(goal_overview.project_id, reference_date, at, shown) c),
	unmet AS (
		SELECT s.creator_id, max(s.status) AS status, min(coalesce(s.projected, s.actual) / s.target) AS share,
			jsonb_agg(jsonb_build_object('goal_id', s.goal_id, 'goal_type', s.goal_type, 'period', s.period, 'target', s.target,
				'actual', s.actual, 'projected', s.projected, 'status', s.status)
				ORDER BY s.status DESC, coalesce(s.projected, s.actual) / s.target, s.goal_id) AS goals
		FROM counts c, trackagoat.goal_states(goal_overview.project_id, c.worst, NULL, reference_date, NULL, at, true) s
		WHERE NOT s.compliant GROUP BY s.creator_id
	)
	SELECT c.creators, c.goals, c.on_track, c.behind_pace, c.at_risk, c.completed, c.missed, c.not_yet_started, c.no_data, c.need_attention,
		(SELECT coalesce(jsonb_agg(jsonb_build_object('creator_id', u.creator_id, 'tiktok_handle', k.tiktok_handle::text,
				'display_name', coalesce(k.display_name_override, k.display_name), 'status', u.status,
				'share', round(u.share * 100, 2), 'goals', u.goals) ORDER BY w.place), '[]')
			FROM unnest(c.worst) WITH ORDINALITY w (id, place) JOIN unmet u ON u.creator_id = w.id
			JOIN trackagoat.creator k ON k.id = w.id AND k.project_id = goal_overview.project_id)
	FROM counts c
$$;
COMMENT ON FUNCTION trackagoat.goal_overview(uuid, date, integer, timestamptz) IS
	'goals of a project by status, and the creators that need attention, worst first: missed before at_risk before behind_pace, then by the share of the target that is reached or forecast; as many as are to be shown';

CREATE FUNCTION trackagoat.goal_history(goal_id uuid, periods integer DEFAULT 12, at timestamptz DEFAULT NULL)
	RETURNS TABLE (period_start date, period_end date, target numeric, actual numeric, status trackagoat.goal_status,
		compliant boolean, streak integer, current_streak integer, longest_streak integer)
	LANGUAGE plpgsql STABLE ROWS 12 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	goal record;
	state record;
	states jsonb[] := '{}';
	day date;
BEGIN
	IF periods IS NULL OR periods NOT BETWEEN 1 AND 1000 THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_periods',
			DETAIL = format('A history of %s periods was asked for.', coalesce(periods::text, 'NULL')),
			HINT = 'Give a number from 1 to 1000.';
	END IF;
	SELECT g.*, o.timezone, count(*) OVER () AS found INTO goal
	FROM trackagoat.goal g JOIN trackagoat.organization o ON o.id = g.org_id WHERE g.id = goal_history.goal_id;
	IF goal.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('goal', goal_history.goal_id);
	END IF;
	day := least((coalesce(at, now()) AT TIME ZONE goal.timezone)::date, goal.ends_on);
	FOR n IN 1 .. periods LOOP
		SELECT s.period_start, s.period_end, s.target, s.actual, s.status, s.compliant,
			(s.advisory ->> 'period_in_progress')::boolean AS goes_on INTO state
		FROM trackagoat.goal_states(goal.project_id, ARRAY[goal.creator_id], ARRAY[goal.id], day, NULL, at, false) s;
		EXIT WHEN NOT FOUND OR (n > 1 AND state.status = 'not_yet_started');
		states := states || to_jsonb(state);
		EXIT WHEN goal.period IS NULL OR state.period_start <= goal.starts_on;
		day := state.period_start - 1;
	END LOOP;
	RETURN QUERY
	WITH shown AS (SELECT r.period_start, r.period_end, r.target, r.actual, r.status, r.compliant, r.goes_on, s.place
		FROM unnest(states) WITH ORDINALITY s (state, place), jsonb_to_record(s.state) r (period_start date, period_end date,
			target numeric, actual numeric, status trackagoat.goal_status, compliant boolean, goes_on boolean)),
	-- a period that goes on neither lengthens a streak nor ends it
	ended AS (SELECT s.*, count(*) FILTER (WHERE s.status = 'missed' OR (s.status = 'no_data' AND NOT s.goes_on)) OVER (ORDER BY s.place DESC) AS ends FROM shown s),
	counted AS (SELECT e.*, (count(*) FILTER (WHERE e.status = 'completed') OVER (PARTITION BY e.ends ORDER BY e.place DESC))::integer AS streak
		FROM ended e)
	SELECT c.period_start, c.period_end, c.target, c.actual, c.status, c.compliant, c.streak,
		first_value(c.streak) OVER (ORDER BY c.place), max(c.streak) OVER ()
	FROM counted c ORDER BY c.place;
END
$$;
COMMENT ON FUNCTION trackagoat.goal_history(uuid, integer, timestamptz) IS
	'the last periods of a goal, newest first, with how many in a row were completed until then, at present and at most among these; PT400 invalid_periods, PT404 goal_not_found';

CREATE FUNCTION trackagoat.campaign_goals(campaign_id uuid, reference_date date DEFAULT NULL, at timestamptz DEFAULT NULL)
	RETURNS TABLE (creator_id uuid, goal_id uuid, goal_type trackagoat.goal_type, period trackagoat.goal_period,
		period_start date, period_end date, target numeric, actual numeric, projected numeric,
		status trackagoat.goal_status, compliant boolean, advisory jsonb)
	LANGUAGE plpgsql STABLE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	campaign record;
	members uuid[];
BEGIN
	SELECT c.project_id, c.org_id, count(*) OVER () AS found INTO campaign
	FROM trackagoat.campaign c WHERE c.id = campaign_goals.campaign_id;
	IF campaign.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('campaign', campaign_goals.campaign_id);
	END IF;
	-- those that it holds, and the owners of counted videos that it holds
	SELECT array_agg(DISTINCT coalesce(i.creator_id, v.creator_id)) INTO members
	FROM trackagoat.campaign_tree(campaign_goals.campaign_id) t
	JOIN trackagoat.campaign_item i ON i.campaign_id = t.id AND i.org_id = campaign.org_id
	LEFT JOIN trackagoat.video v ON v.id = i.video_id AND v.org_id = i.org_id AND trackagoat.status_counts(v.tracking_status)
	WHERE coalesce(i.creator_id, v.creator_id) IS NOT NULL;
	RETURN QUERY SELECT s.* FROM trackagoat.goal_states(campaign.project_id, coalesce(members, '{}'), NULL, reference_date, NULL, at, true) s;
END
$$;
COMMENT ON FUNCTION trackagoat.campaign_goals(uuid, date, timestamptz) IS
	'what goal_compliance() answers, for the creators of a campaign: those that it or one below it holds, and the owners of counted videos held; PT404 campaign_not_found';

-- ---- who is told ----

CREATE FUNCTION trackagoat.goal_tell() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	change record;
	detail jsonb;
BEGIN
	FOR change IN
		-- how it stood last in the period that is over by now
		SELECT NEW.closed_period AS period_start, NEW.closed_status AS now_is,
			CASE WHEN OLD.closed_period = NEW.closed_period THEN OLD.closed_status
				WHEN OLD.status_period = NEW.closed_period THEN OLD.status END AS was
		WHERE (OLD.closed_period, OLD.closed_status) IS DISTINCT FROM (NEW.closed_period, NEW.closed_status)
			AND OLD.status IS NOT NULL
		UNION ALL
		-- the end of the last period of all is told once
		SELECT NEW.status_period, NEW.status, OLD.status
		WHERE OLD.status <> NEW.status AND (NEW.closed_period = NEW.status_period) IS NOT TRUE
	LOOP
		CONTINUE WHEN change.now_is IS NOT DISTINCT FROM change.was;
		detail := jsonb_build_object('goal_id', NEW.id, 'goal_type', NEW.goal_type, 'period', NEW.period, 'target', NEW.target,
			'period_start', change.period_start, 'from', change.was, 'to', change.now_is);
		INSERT INTO trackagoat.creator_event (org_id, project_id, creator_id, kind, detail)
		VALUES (NEW.org_id, NEW.project_id, NEW.creator_id, 'goal_status_changed', detail);
		INSERT INTO trackagoat.notification (org_id, project_id, creator_id, kind, subject, detail)
		VALUES (NEW.org_id, NEW.project_id, NEW.creator_id, 'goal_status_changed', NEW.id, detail);
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.goal_tell() IS 'trigger: writes another status of a goal to the change log and the notifications';

CREATE FUNCTION trackagoat.goal_changes(project_id uuid, creator_ids uuid[], goal_ids uuid[], at timestamptz)
	RETURNS TABLE (goal_id uuid, status trackagoat.goal_status, status_period date, closed_status trackagoat.goal_status, closed_period date)
	LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
DECLARE
	moment timestamptz := coalesce(at, now());
	before record;
BEGIN
	-- an evaluation that began before midnight turns nothing back that one after it has written
	RETURN QUERY
	SELECT s.goal_id, s.status, s.period_start, NULL::trackagoat.goal_status, NULL::date
	FROM trackagoat.goal_states(goal_changes.project_id, creator_ids, goal_ids, NULL, NULL, at, true) s
	JOIN trackagoat.goal g ON g.id = s.goal_id AND g.project_id = goal_changes.project_id
	WHERE (g.status, g.status_period) IS DISTINCT FROM (s.status, s.period_start)
		AND (g.period IS NULL OR (g.status_period > s.period_start) IS NOT TRUE);

	-- the periods before those of now: once, and for two days again
	FOR before IN
		SELECT p.period, p.first_day, p.last_day, (p.last_day + 1)::timestamp AT TIME ZONE o.timezone > moment - interval '48 hours' AS moves
		FROM trackagoat.project j JOIN trackagoat.organization o ON o.id = j.org_id,
			LATERAL (SELECT (moment AT TIME ZONE o.timezone)::date AS day) today,
			LATERAL (SELECT today.day - (extract(isodow FROM today.day)::integer - o.week_starts_on + 7) % 7 AS week,
				date_trunc('month', today.day::timestamp)::date AS month) t,
			LATERAL (VALUES ('daily'::trackagoat.goal_period, today.day - 1, today.day - 1), ('weekly', t.week - 7, t.week - 1),
				('monthly', (t.month - interval '1 month')::date, t.month - 1)) p (period, first_day, last_day)
		WHERE j.id = goal_changes.project_id
	LOOP
		RETURN QUERY
		SELECT s.goal_id, NULL::trackagoat.goal_status, NULL::date, s.status, s.period_start
		FROM trackagoat.goal_states(goal_changes.project_id, creator_ids,
			ARRAY(SELECT g.id FROM trackagoat.goal g
				WHERE g.project_id = goal_changes.project_id AND g.period = before.period
					AND g.starts_on <= before.last_day AND coalesce(g.ends_on >= before.first_day, true)
					AND (before.moves OR g.closed_period IS DISTINCT FROM before.first_day)
					-- neither an earlier period nor, after weeks begin on another day, one that overlaps
					AND (g.closed_period IS NULL OR g.closed_period = before.first_day
						OR g.closed_period + (before.last_day - before.first_day) < before.first_day)
					AND (creator_ids IS NULL OR g.creator_id = ANY (creator_ids)) AND (goal_ids IS NULL OR g.id = ANY (goal_ids))),
			before.last_day, before.period, at, true) s
		JOIN trackagoat.goal g ON g.id = s.goal_id AND g.project_id = goal_changes.project_id
		WHERE (g.closed_status, g.closed_period) IS DISTINCT FROM (s.status, s.period_start);
	END LOOP;
END
$$;
COMMENT ON FUNCTION trackagoat.goal_changes(uuid, uuid[], uuid[], timestamptz) IS
	'goals of a project whose status is not what was found last: of the period at hand, or of the last that is over';

CREATE FUNCTION trackagoat.evaluate_project_goals(project_id uuid, creator_ids uuid[], at timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	changed uuid[];
	written integer;
BEGIN
	SELECT array_agg(DISTINCT c.goal_id) INTO changed
	FROM trackagoat.goal_changes(evaluate_project_goals.project_id, creator_ids, NULL, at) c;
	-- of those who evaluate at the same time, one holds a goal, and looks again at what is there by now
	-- nor does it wait for who is deleting the creator, which what it tells refers to
	SELECT array_agg(g.id) INTO changed FROM (SELECT k.id FROM trackagoat.goal k
		JOIN trackagoat.creator c ON c.id = k.creator_id AND c.org_id = k.org_id
		WHERE k.id = ANY (changed) AND k.project_id = evaluate_project_goals.project_id
		ORDER BY k.id FOR KEY SHARE OF c SKIP LOCKED FOR NO KEY UPDATE OF k SKIP LOCKED) g;
	IF changed IS NULL THEN
		RETURN 0;
	END IF;
	UPDATE trackagoat.goal g SET
		status = c.status,
		status_period = c.status_period,
		status_at = CASE WHEN g.status IS DISTINCT FROM c.status THEN coalesce(at, now()) ELSE g.status_at END,
		closed_status = coalesce(c.closed_status, g.closed_status),
		closed_period = coalesce(c.closed_period, g.closed_period)
	FROM (SELECT n.goal_id, coalesce(max(n.status),
				-- a goal that has ended has no status but how it ended
				CASE WHEN k.status_period = max(n.closed_period) THEN max(n.closed_status) ELSE k.status END) AS status,
			coalesce(max(n.status_period), k.status_period) AS status_period, max(n.closed_status) AS closed_status,
			max(n.closed_period) AS closed_period
		FROM trackagoat.goal_changes(evaluate_project_goals.project_id, NULL, changed, at) n
		JOIN trackagoat.goal k ON k.id = n.goal_id AND k.project_id = evaluate_project_goals.project_id
		GROUP BY n.goal_id, k.id, k.org_id) c
	WHERE g.id = c.goal_id AND g.project_id = evaluate_project_goals.project_id;
	GET DIAGNOSTICS written = ROW_COUNT;
	RETURN written;
END
$$;
COMMENT ON FUNCTION trackagoat.evaluate_project_goals(uuid, uuid[], timestamptz) IS
	'write down where goals of a project, or of some of its creators, stand by now; answers how many have changed';

CREATE FUNCTION trackagoat.evaluate_goals_of(creator_ids uuid[], at timestamptz) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	written integer := 0;
	project record;
BEGIN
	FOR project IN SELECT g.project_id, CASE WHEN creator_ids IS NOT NULL THEN array_agg(DISTINCT g.creator_id) END AS creators
		FROM trackagoat.goal g WHERE creator_ids IS NULL OR g.creator_id = ANY (creator_ids)
		GROUP BY g.project_id ORDER BY g.project_id
	LOOP
		BEGIN
			written := written + trackagoat.evaluate_project_goals(project.project_id, project.creators, at);
		EXCEPTION WHEN OTHERS THEN
			-- neither other projects nor what is being stored must wait for this one
			RAISE WARNING 'trackagoat could not evaluate the goals of project %: %', project.project_id, SQLERRM;
		END;
	END LOOP;
	RETURN written;
END
$$;
COMMENT ON FUNCTION trackagoat.evaluate_goals_of(uuid[], timestamptz) IS
	'evaluate_goals() for the goals of some creators, or of all for NULL';

CREATE FUNCTION trackagoat.evaluate_goals(at timestamptz DEFAULT NULL) RETURNS integer
	LANGUAGE sql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	SELECT trackagoat.evaluate_goals_of(NULL, evaluate_goals.at)
$$;
COMMENT ON FUNCTION trackagoat.evaluate_goals(timestamptz) IS
	'write down where all goals stand by now, and tell of each other status, once, in the change log and the notifications; what pg_cron calls; answers how many have changed';
