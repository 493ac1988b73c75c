-- Creators: what a row needs, what a rename and a removal mean, who is banned,
-- the change log, and the verbs for many at once.

CREATE FUNCTION trackagoat.creator_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
	removed uuid;
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
	-- what a backup brings was decided before
	IF NEW.removed_at IS NULL AND trackagoat.happens_now(NEW.created_at) THEN
		IF NEW.disabled_at IS NULL THEN
			PERFORM trackagoat.check_ban(NEW.tiktok_handle);
		END IF;
		SELECT c.id INTO removed FROM trackagoat.creator c
		WHERE c.project_id = NEW.project_id AND c.org_id = NEW.org_id AND c.tiktok_handle = NEW.tiktok_handle
			AND c.removed_at IS NOT NULL
		ORDER BY c.removed_at DESC LIMIT 1;
		-- of one that is there as well the unique index speaks
		IF FOUND AND NOT trackagoat.handle_is_taken(NEW.org_id, NEW.project_id, NEW.tiktok_handle, NEW.id) THEN
			RAISE SQLSTATE 'PT409' USING
				MESSAGE = 'handle_removed',
				DETAIL = format('The project had a creator %s, who was removed.', NEW.tiktok_handle),
				HINT = format('UPDATE trackagoat.creator SET removed_at = NULL WHERE id = %L; brings it back, history and all.', removed);
		END IF;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_fill() IS
	'trigger: org_id from the project, tracking_start_date from the organization''s calendar; refuses a handle that is banned (PT409 creator_banned) or was removed (PT409 handle_removed)';

CREATE FUNCTION trackagoat.handle_is_taken(org_id uuid, project_id uuid, tiktok_handle trackagoat.handle, but_for uuid) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	RETURN EXISTS (SELECT FROM trackagoat.creator c
		WHERE c.project_id = handle_is_taken.project_id AND c.org_id = handle_is_taken.org_id
			AND c.tiktok_handle = handle_is_taken.tiktok_handle AND c.removed_at IS NULL AND c.id <> but_for);
END
$$;
COMMENT ON FUNCTION trackagoat.handle_is_taken(uuid, uuid, trackagoat.handle, uuid) IS
	'whether another creator of the project, not removed, has the handle; volatile, so that it sees what others committed meanwhile';

CREATE FUNCTION trackagoat.creator_no_change() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION trackagoat.creator_no_change() IS
	'trigger: refuses an UPDATE that sets nothing but the handle, to what it is: PT409 no_change';

CREATE FUNCTION trackagoat.creator_rename() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- it is the same account, under the handle that it gave itself
	IF NEW.handle_followed_at IS DISTINCT FROM OLD.handle_followed_at THEN
		RETURN NEW;
	END IF;
	IF NEW.removed_at IS NULL THEN
		IF NEW.disabled_at IS NULL THEN
			PERFORM trackagoat.check_ban(NEW.tiktok_handle);
		END IF;
		-- of two renames to one handle the second waits, and then sees the first
		-- sixteen locks a project, so that ten thousand renames do not fill the lock table
		PERFORM pg_advisory_xact_lock(hashtext(NEW.project_id::text), trackagoat.handle_hash(NEW.tiktok_handle) & 15);
		IF trackagoat.handle_is_taken(NEW.org_id, NEW.project_id, NEW.tiktok_handle, NEW.id) THEN
			RAISE SQLSTATE 'PT409' USING
				MESSAGE = 'handle_taken',
				DETAIL = format('Another creator of the project has the handle %s.', NEW.tiktok_handle),
				HINT = 'Rename or remove that one first.';
		END IF;
	END IF;
	-- until a profile tells whose the handle is, it may still be the same account
	NEW.previous_account_id := coalesce(OLD.tiktok_account_id, OLD.previous_account_id);
	NEW.previous_baseline_at := CASE WHEN OLD.tiktok_account_id IS NULL AND OLD.previous_account_id IS NOT NULL
		THEN OLD.previous_baseline_at ELSE OLD.baseline_at END;
	NEW.baseline_at := clock_timestamp();
	NEW.tiktok_account_id := NULL;
	NEW.tiktok_sec_uid := NULL;
	NEW.other_account_id := NULL;
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
	NEW.gone_days := 0;
	NEW.gone_on := NULL;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_rename() IS
	'trigger: a new handle may be another account, so what the old one''s profile showed is cleared; refuses one that is taken (PT409 handle_taken) or banned (PT409 creator_banned)';

CREATE FUNCTION trackagoat.creator_enable() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF NEW.disabled_at IS NULL THEN
		NEW.disabled_reason := NULL;
	END IF;
	IF NEW.disabled_at IS NULL AND NEW.removed_at IS NULL THEN
		PERFORM trackagoat.check_ban(NEW.tiktok_handle);
		NEW.gone_days := 0;
		NEW.gone_on := NULL;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_enable() IS
	'trigger: a creator that is enabled or brought back begins anew; refuses one whose handle is banned (PT409 creator_banned)';

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

-- ---- bans ----

CREATE FUNCTION trackagoat.check_ban(tiktok_handle trackagoat.handle) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	ban record;
BEGIN
	SELECT b.reason INTO ban FROM trackagoat.banned_handle b WHERE b.tiktok_handle = check_ban.tiktok_handle;
	IF FOUND THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'creator_banned',
			DETAIL = format('The handle %s is banned on this platform: %s.', tiktok_handle, ban.reason),
			HINT = 'Ask the operators of the platform, who keep trackagoat.banned_handle.';
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.check_ban(trackagoat.handle) IS 'raises PT409 creator_banned for a handle that is banned';

CREATE FUNCTION trackagoat.lock_bans() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.lock_bans() IS
	'wait for those who are committing creators, and keep others from it until the end of the transaction';

CREATE FUNCTION trackagoat.creator_ban() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION trackagoat.creator_ban() IS
	'trigger, at commit: refuses a creator whose handle was banned since it was added';

CREATE FUNCTION trackagoat.banned_handle_disable() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE active_sql_transaction USING
			MESSAGE = 'a handle cannot be banned in a transaction whose snapshot is fixed',
			DETAIL = 'It would not see the creators that others add meanwhile.',
			HINT = 'Ban in a transaction of isolation level READ COMMITTED.';
	END IF;
	-- once more at commit, for creators that others added meanwhile
	IF TG_NAME = 'banned_handle_commit' THEN
		PERFORM trackagoat.lock_bans();
		PERFORM FROM trackagoat.banned_handle b WHERE b.tiktok_handle = NEW.tiktok_handle;
		IF NOT FOUND THEN
			RETURN NULL;
		END IF;
	END IF;
	UPDATE trackagoat.creator c SET disabled_at = now(), disabled_reason = 'banned'
	WHERE c.tiktok_handle = NEW.tiktok_handle AND c.removed_at IS NULL AND c.disabled_at IS NULL;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.banned_handle_disable() IS 'trigger: disables the creators that have a handle which is banned';

-- ---- the change log ----

CREATE FUNCTION trackagoat.follower_milestones(before bigint, after bigint) RETURNS SETOF bigint
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT m.milestone FROM (SELECT d.digits * power(10::numeric, n)::bigint
			FROM (VALUES (10::bigint), (25), (50)) d (digits) CROSS JOIN generate_series(2, 12) n) m (milestone)
	WHERE m.milestone > least(before, after) AND m.milestone <= greatest(before, after)
	ORDER BY CASE WHEN before < after THEN m.milestone ELSE -m.milestone END;
END;
COMMENT ON FUNCTION trackagoat.follower_milestones(bigint, bigint) IS
	'the milestones (1k, 2.5k, 5k, 10k, ...) that lie between two numbers of followers, in the order of crossing';

CREATE FUNCTION trackagoat.creator_log() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	kinds text[] := '{}';
	details jsonb[] := '{}';
BEGIN
	IF (OLD.removed_at IS NULL) <> (NEW.removed_at IS NULL) THEN
		kinds := kinds || CASE WHEN NEW.removed_at IS NULL THEN 'reactivated' ELSE 'removed' END;
		details := details || '{}'::jsonb;
	END IF;
	IF OLD.tiktok_handle <> NEW.tiktok_handle THEN
		kinds := kinds || CASE WHEN OLD.handle_followed_at IS DISTINCT FROM NEW.handle_followed_at THEN 'handle_followed' ELSE 'renamed' END;
		-- ids are text, for JSON readers whose numbers are doubles
		details := details || jsonb_build_object('from', OLD.tiktok_handle::text, 'to', NEW.tiktok_handle::text,
			'tiktok_account_id', OLD.tiktok_account_id::text, 'tiktok_sec_uid', OLD.tiktok_sec_uid);
	END IF;
	IF OLD.previous_account_id IS NOT NULL AND NEW.tiktok_account_id = OLD.previous_account_id THEN
		kinds := kinds || 'account_confirmed'::text;
		details := details || jsonb_build_object('tiktok_account_id', NEW.tiktok_account_id::text);
	END IF;
	IF NEW.other_account_id <> coalesce(OLD.other_account_id, 0) THEN
		kinds := kinds || 'account_changed'::text;
		details := details || jsonb_build_object('tiktok_account_id', NEW.tiktok_account_id::text,
			'shown_account_id', NEW.other_account_id::text);
	END IF;
	IF OLD.tracking_mode <> NEW.tracking_mode THEN
		kinds := kinds || 'mode_changed'::text;
		details := details || jsonb_build_object('from', OLD.tracking_mode, 'to', NEW.tracking_mode);
	END IF;
	IF OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL THEN
		kinds := kinds || CASE NEW.disabled_reason WHEN 'account_gone' THEN 'auto_disabled' WHEN 'banned' THEN 'banned' ELSE 'disabled' END;
		details := details || jsonb_build_object('reason', NEW.disabled_reason);
	ELSIF OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL THEN
		kinds := kinds || 'reenabled'::text;
		details := details || jsonb_build_object('reason', OLD.disabled_reason);
	END IF;
	-- what was not known before, or is of another account, is a baseline; an import or a correction is no event of now
	IF OLD.follower_count <> NEW.follower_count AND NEW.last_observed_at > OLD.last_observed_at
		AND NEW.last_observed_at > now() - interval '1 day'
	THEN
		SELECT kinds || array_agg('follower_milestone'::text), details || array_agg(jsonb_build_object('milestone', m.milestone,
			'direction', CASE WHEN OLD.follower_count < NEW.follower_count THEN 'up' ELSE 'down' END, 'follower_count', NEW.follower_count))
		INTO kinds, details
		FROM trackagoat.follower_milestones(OLD.follower_count, NEW.follower_count) m (milestone);
	END IF;
	INSERT INTO trackagoat.creator_event (org_id, project_id, creator_id, kind, detail)
	SELECT NEW.org_id, NEW.project_id, NEW.id, e.kind, e.detail FROM unnest(kinds, details) e (kind, detail);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_log() IS 'trigger: writes to the change log what changes about a creator';

CREATE FUNCTION trackagoat.creator_added() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION trackagoat.creator_added() IS 'trigger: writes to the change log that a creator was added';

-- ---- many at once ----

CREATE FUNCTION trackagoat.in_bulk() RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION trackagoat.in_bulk() IS
	'whether the statement at hand is one of add_creators(), review_videos() or store_new_videos(), which do set by set what its triggers would row by row';

CREATE FUNCTION trackagoat.handle_or_null(text) RETURNS trackagoat.handle
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_or_null(text) IS 'parse_handle() that answers NULL where there is no handle';

CREATE FUNCTION trackagoat.check_many(what text, given integer) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF given > 10000 THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'too_many_' || what,
			DETAIL = format('%s %s are more than one call takes.', given, what),
			HINT = 'Give up to 10000 at a time.';
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.check_many(text, integer) IS 'raises PT400 for more than 10,000 inputs of a call';

CREATE FUNCTION trackagoat.insert_creators(
	org_id uuid, project_id uuid, handles trackagoat.handle[], tracking_mode text, tracking_start_date date, careful boolean)
	RETURNS uuid[]
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.insert_creators(uuid, uuid, trackagoat.handle[], text, date, boolean) IS
	'the rows of add_creators(), whose triggers stand back, and what follows from them; answers the ids of those that were not there. Unless careful it is faster, and raises unique_violation where others write the same meanwhile';

CREATE FUNCTION trackagoat.add_creators(
	project_id uuid, creators text[],
	tracking_mode trackagoat.tracking_mode DEFAULT NULL, tracking_start_date date DEFAULT NULL)
	RETURNS TABLE (place integer, input text, tiktok_handle trackagoat.handle, creator_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	project record;
	handles trackagoat.handle[];
	banned trackagoat.handle[];
	room bigint;
	created uuid[];
	reactivated uuid[];
	brought trackagoat.handle[];
	fresh trackagoat.handle[];
	careful boolean := false;
BEGIN
	PERFORM trackagoat.check_many('creators', cardinality(creators));
	SELECT p.org_id, (now() AT TIME ZONE o.timezone)::date AS today, count(*) OVER () AS found INTO project
	FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id WHERE p.id = add_creators.project_id;
	IF project.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.entity_missing('project', project_id);
	END IF;

	-- each handle once, as it is first written; OFFSET 0 has each input read once
	SELECT array_agg(h.handle ORDER BY h.place) INTO handles FROM (
		SELECT DISTINCT ON (i.handle) i.handle, i.place FROM (
			SELECT trackagoat.handle_or_null(g.input) AS handle, g.place FROM unnest(creators) WITH ORDINALITY g (input, place) OFFSET 0) i
		WHERE i.handle IS NOT NULL ORDER BY i.handle, i.place) h;
	SELECT array_agg(b.tiktok_handle) INTO banned FROM trackagoat.banned_handle b WHERE b.tiktok_handle = ANY (handles);
	room := trackagoat.limit_room('max_creators_per_org', project.org_id, NULL);

	-- who is to come back or to come, in the order given, as far as there is room
	SELECT array_agg(h.handle ORDER BY h.place) INTO handles FROM (
		SELECT w.handle, w.place FROM unnest(handles) WITH ORDINALITY w (handle, place)
		WHERE w.handle <> ALL (coalesce(banned, '{}'))
			AND NOT EXISTS (SELECT FROM trackagoat.creator c WHERE c.project_id = add_creators.project_id
				AND c.org_id = project.org_id AND c.tiktok_handle = w.handle AND c.removed_at IS NULL)
		ORDER BY w.place LIMIT room) h;

	LOOP
		BEGIN
			SELECT array_agg(b.id) INTO reactivated FROM (SELECT DISTINCT ON (r.tiktok_handle) r.id FROM unnest(handles) w (handle)
				JOIN trackagoat.creator r ON r.project_id = add_creators.project_id AND r.org_id = project.org_id
					AND r.tiktok_handle = w.handle AND r.removed_at IS NOT NULL
				ORDER BY r.tiktok_handle, r.removed_at DESC) b;
			-- all are locked before a snapshot shows what others made of them meanwhile
			PERFORM FROM trackagoat.creator c WHERE c.id = ANY (reactivated) AND c.org_id = project.org_id ORDER BY c.id FOR UPDATE;
			WITH back AS (UPDATE trackagoat.creator c SET removed_at = NULL, disabled_at = NULL,
					tracking_mode = coalesce(add_creators.tracking_mode, c.tracking_mode),
					tracking_start_date = coalesce(add_creators.tracking_start_date, c.tracking_start_date)
				WHERE c.id = ANY (reactivated) AND c.org_id = project.org_id AND c.removed_at IS NOT NULL
					AND NOT (careful AND trackagoat.handle_is_taken(c.org_id, c.project_id, c.tiktok_handle, c.id))
				RETURNING c.id, c.tiktok_handle)
			SELECT coalesce(array_agg(b.id), '{}'), coalesce(array_agg(b.tiktok_handle), '{}') INTO reactivated, brought FROM back b;
			SELECT coalesce(array_agg(w.handle ORDER BY w.place), '{}') INTO fresh FROM unnest(handles) WITH ORDINALITY w (handle, place)
			WHERE w.handle NOT IN (SELECT unnest(brought));
			created := trackagoat.insert_creators(project.org_id, project_id, fresh, coalesce(tracking_mode, 'auto')::text,
				coalesce(tracking_start_date, project.today), careful);
			EXIT;
		EXCEPTION WHEN unique_violation OR exclusion_violation THEN
			IF careful THEN
				RAISE;
			END IF;
			careful := true;
		END;
	END LOOP;

	RETURN QUERY
	SELECT i.place, i.input, i.handle, c.id,
		CASE WHEN c.id IS NULL THEN 'refused' WHEN i.nth > 1 THEN 'already_there' WHEN c.id IN (SELECT unnest(created)) THEN 'created'
			WHEN c.id IN (SELECT unnest(reactivated)) THEN 'reactivated' ELSE 'already_there' END,
		CASE WHEN c.id IS NOT NULL THEN NULL WHEN i.handle IS NULL THEN 'invalid_handle'
			WHEN i.handle = ANY (banned) THEN 'creator_banned' WHEN room IS NULL THEN 'conflict' ELSE 'limit_reached' END
	FROM (SELECT r.place, r.input, r.handle, row_number() OVER (PARTITION BY r.handle ORDER BY r.place) AS nth
		FROM (SELECT g.place::integer, g.input, trackagoat.handle_or_null(g.input) AS handle
			FROM unnest(creators) WITH ORDINALITY g (input, place) OFFSET 0) r) i
	LEFT JOIN trackagoat.creator c ON c.project_id = add_creators.project_id AND c.org_id = project.org_id
		AND c.tiktok_handle = i.handle AND c.removed_at IS NULL
	ORDER BY i.place;
END
$$;
COMMENT ON FUNCTION trackagoat.add_creators(uuid, text[], trackagoat.tracking_mode, date) IS
	'add up to 10,000 handles or profile URLs to a project; a row for each: created, reactivated, already_there, or refused with its code. New ones are auto from today on unless told otherwise, ones that come back keep what they had';

CREATE FUNCTION trackagoat.remove_creators(creator_ids uuid[]) RETURNS TABLE (creator_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	removed uuid[];
BEGIN
	PERFORM trackagoat.check_many('creators', cardinality(creator_ids));
	WITH gone AS (UPDATE trackagoat.creator c SET removed_at = now()
		FROM (SELECT k.id, k.org_id FROM trackagoat.creator k
			WHERE k.id IN (SELECT unnest(creator_ids)) AND k.removed_at IS NULL ORDER BY k.id FOR UPDATE) g
		WHERE c.id = g.id AND c.org_id = g.org_id
		RETURNING c.id)
	SELECT coalesce(array_agg(g.id), '{}') INTO removed FROM gone g;
	RETURN QUERY SELECT i.id,
		CASE WHEN i.id IN (SELECT unnest(removed)) THEN 'removed' WHEN c.found THEN 'already_removed' ELSE 'refused' END,
		CASE WHEN NOT c.found THEN 'creator_not_found' END
	FROM unnest(creator_ids) WITH ORDINALITY i (id, place),
		LATERAL (SELECT EXISTS (SELECT FROM trackagoat.creator k WHERE k.id = i.id) AS found) c
	ORDER BY i.place;
END
$$;
COMMENT ON FUNCTION trackagoat.remove_creators(uuid[]) IS
	'take creators and their videos out of the program, history kept; a row for each: removed, already_removed, or refused with its code';

CREATE FUNCTION trackagoat.reenable_creators(creator_ids uuid[]) RETURNS TABLE (creator_id uuid, result text, code text)
	LANGUAGE plpgsql VOLATILE ROWS 100 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	reenabled uuid[];
BEGIN
	PERFORM trackagoat.check_many('creators', cardinality(creator_ids));
	WITH back AS (UPDATE trackagoat.creator c SET disabled_at = NULL
		FROM (SELECT k.id, k.org_id FROM trackagoat.creator k
			WHERE k.id IN (SELECT unnest(creator_ids)) AND k.disabled_at IS NOT NULL AND k.removed_at IS NULL
				AND NOT EXISTS (SELECT FROM trackagoat.banned_handle b WHERE b.tiktok_handle = k.tiktok_handle)
			ORDER BY k.id FOR UPDATE) b
		WHERE c.id = b.id AND c.org_id = b.org_id
		RETURNING c.id)
	SELECT coalesce(array_agg(b.id), '{}') INTO reenabled FROM back b;
	RETURN QUERY SELECT i.id,
		CASE WHEN i.id IN (SELECT unnest(reenabled)) THEN 'reenabled' WHEN c.is_active THEN 'already_active' ELSE 'refused' END,
		CASE WHEN c.is_active THEN NULL WHEN c.removed_at IS NOT NULL THEN 'creator_removed'
			WHEN c.id IS NOT NULL THEN 'creator_banned' ELSE 'creator_not_found' END
	FROM unnest(creator_ids) WITH ORDINALITY i (id, place)
	LEFT JOIN LATERAL (SELECT k.* FROM trackagoat.creator k WHERE k.id = i.id LIMIT 1) c ON true
	ORDER BY i.place;
END
$$;
COMMENT ON FUNCTION trackagoat.reenable_creators(uuid[]) IS
	'fetch creators again that were disabled, by hand or because their account was gone; a row for each: reenabled, already_active, or refused with its code';
