-- Random statements, allowed and refused, never leave a row that breaks a rule.
-- Another seed plays another game: psql -v seed=0.123.
\set ON_ERROR_STOP on
\if :{?seed}
\else
	\set seed 0.42
\endif
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
SET search_path TO public, pg_catalog;
SELECT no_plan();
SELECT diag('seed ' || :'seed'), setseed(:seed);

INSERT INTO trackagoat.plan (plan, limit_key, max) VALUES ('small', 'max_creators_per_org', 9), ('small', 'max_tracked_videos_per_org', 6),
	('small', 'max_campaigns_per_project', 3), ('small', 'max_campaign_items_per_campaign', 4), ('small', 'max_projects_per_org', 3);
INSERT INTO trackagoat.organization (name, plan, timezone) VALUES ('limited', 'small', 'Asia/Kolkata'), ('free', NULL, 'America/New_York');
INSERT INTO trackagoat.project (org_id, name, expiry_max_gain, expiry_days) SELECT id, 'P' || n, 5, 3 FROM trackagoat.organization, generate_series(1, 2) n;

CREATE FUNCTION pg_temp.some(relation text) RETURNS uuid LANGUAGE plpgsql AS
$$
DECLARE
	found uuid;
BEGIN
	EXECUTE format('SELECT id FROM trackagoat.%I ORDER BY random() LIMIT 1', relation) INTO found;
	RETURN coalesce(found, gen_random_uuid());
END
$$;
CREATE FUNCTION pg_temp.one(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT c FROM unnest(choices) c ORDER BY random() LIMIT 1 $$;
CREATE FUNCTION pg_temp.handle() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT pg_temp.one('a', 'b', 'C', 'c', 'd.goat', 'E', '@f', 'g_1', 'h', 'I', 'not a handle') $$;
CREATE FUNCTION pg_temp.post() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT (1780000000::bigint << 32) + floor(random() * 30)::bigint $$;
-- a statement; each names what it is about at random
CREATE FUNCTION pg_temp.statement() RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	creator uuid := pg_temp.some('creator');
	video uuid := pg_temp.some('video');
	project uuid := pg_temp.some('project');
	campaign uuid := pg_temp.some('campaign');
	status text := pg_temp.one('auto_tracked', 'pending_review', 'included', 'excluded', 'direct_add');
BEGIN
	RETURN (ARRAY[
		format('INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_mode) VALUES (%L, %L, %L)', project, pg_temp.handle(), pg_temp.one('auto', 'selective')),
		format('INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (%L, %L) ON CONFLICT (project_id, tiktok_handle, org_id) WHERE removed_at IS NULL DO UPDATE SET readme = %L', project, pg_temp.handle(), random()),
		format('SELECT trackagoat.add_creators(%L, ARRAY[%L, %L, %L])', project, pg_temp.handle(), pg_temp.handle(), pg_temp.handle()),
		format('UPDATE trackagoat.creator SET tiktok_handle = %L WHERE id = %L', pg_temp.handle(), creator),
		format('UPDATE trackagoat.creator SET tiktok_handle = %L', pg_temp.handle()),
		format('UPDATE trackagoat.creator SET removed_at = %s WHERE id = %L', pg_temp.one('now()', 'NULL'), creator),
		format('UPDATE trackagoat.creator SET disabled_at = %s, disabled_reason = %L WHERE id = %L', pg_temp.one('now()', 'NULL'), 'x', creator),
		format('UPDATE trackagoat.creator SET tracking_mode = %L WHERE project_id = %L', pg_temp.one('auto', 'selective'), project),
		format('SELECT trackagoat.remove_creators(ARRAY[%L, %L]::uuid[])', creator, pg_temp.some('creator')),
		format('SELECT trackagoat.reenable_creators(ARRAY[%L, %L]::uuid[])', creator, pg_temp.some('creator')),
		format('DELETE FROM trackagoat.creator WHERE id = %L', creator),
		format('INSERT INTO trackagoat.banned_handle (tiktok_handle, reason) VALUES (%L, %L)', pg_temp.handle(), 'x'),
		'DELETE FROM trackagoat.banned_handle',
		format('SELECT trackagoat.note_gone(%L, now() + %s * interval ''1 day'')', pg_temp.handle(), floor(random() * 9)),
		format('INSERT INTO trackagoat.video (project_id, tiktok_video_id, tiktok_handle, tracking_status) VALUES (%L, %s, %L, %L)', project, pg_temp.post(), pg_temp.handle(), status),
		format('INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tracking_status) VALUES (%L, %s, %L)', creator, pg_temp.post(), status),
		format('SELECT trackagoat.add_videos(%L, ARRAY[%L, %L])', project, 'https://www.tiktok.com/@' || pg_temp.handle() || '/video/' || pg_temp.post(), 'https://vm.tiktok.com/ZM1'),
		format('UPDATE trackagoat.video SET tracking_status = %L WHERE id = %L', status, video),
		format('SELECT trackagoat.review_videos((SELECT array_agg(id) FROM trackagoat.video WHERE random() < 0.5), %L)', status),
		format('UPDATE trackagoat.video SET %s = %s WHERE id = %L', pg_temp.one('tracking_disabled_at', 'refresh_stopped_at', 'refresh_slowed_at'), pg_temp.one('now()', 'NULL'), video),
		format('DELETE FROM trackagoat.video WHERE id = %L', video),
		format('SELECT trackagoat.observe_video(%L, now() - random() * interval ''9 days'', %s, 1, NULL, 2, 3)', video, floor(random() * 1000)),
		format('SELECT trackagoat.observe_creator(%L, clock_timestamp() + interval ''1 hour'', %s, 1, NULL, 2)', creator, floor(random() * 9000)),
		format('SELECT trackagoat.expire_videos(ARRAY[%L]::uuid[], (SELECT org_id FROM trackagoat.video WHERE id = %1$L), now() + %s * interval ''1 day'')', video, floor(random() * 9)),
		format('INSERT INTO trackagoat.campaign (project_id, name) VALUES (%L, %L)', project, 'C'),
		format('INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (%L, %L)', campaign, creator),
		format('INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (%L, %L)', campaign, video),
		format('INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (%L, %L)', campaign, pg_temp.some('campaign')),
		format('INSERT INTO trackagoat.project (org_id, name) SELECT id, %L FROM trackagoat.organization', 'P'),
		format('DELETE FROM trackagoat.project WHERE id = %L AND random() < 0.2', project),
		'SELECT trackagoat.refresh_totals()'])[1 + floor(random() * 31)];
END
$$;
-- status changes as they are, seen last of all triggers
CREATE TABLE pg_temp.change (before trackagoat.tracking_status, after trackagoat.tracking_status);
CREATE FUNCTION pg_temp.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pg_temp.change VALUES (OLD.tracking_status, NEW.tracking_status); RETURN NULL; END $$;
CREATE TRIGGER zz_note AFTER UPDATE ON trackagoat.video FOR EACH ROW WHEN (OLD.tracking_status <> NEW.tracking_status) EXECUTE FUNCTION pg_temp.note();
-- what is left over by a rule; the refusals are counted
CREATE TABLE pg_temp.refused (state text, message text);
CREATE FUNCTION pg_temp.play(statements integer) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
	FOR i IN 1 .. statements LOOP
		BEGIN
			EXECUTE pg_temp.statement();
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO pg_temp.refused VALUES (SQLSTATE, SQLERRM);
		END;
	END LOOP;
END
$$;
CREATE FUNCTION pg_temp.broken() RETURNS SETOF text LANGUAGE sql AS
$$
	SELECT 'two creators with ' || lower(tiktok_handle::text) FROM trackagoat.creator WHERE removed_at IS NULL GROUP BY project_id, lower(tiktok_handle::text) HAVING count(*) > 1
	UNION ALL SELECT 'banned: ' || c.tiktok_handle FROM trackagoat.creator c JOIN trackagoat.banned_handle b ON b.tiktok_handle OPERATOR(trackagoat.=) c.tiktok_handle WHERE c.is_active
	UNION ALL SELECT 'past ' || u.limit_key FROM trackagoat.organization o, trackagoat.limit_usage(o.id) u WHERE u.current > u.max
	UNION ALL SELECT 'a reason, but not disabled' FROM trackagoat.creator WHERE disabled_at IS NULL AND disabled_reason IS NOT NULL
	UNION ALL SELECT 'gone too long' FROM trackagoat.creator WHERE is_active AND gone_days > 4
	UNION ALL SELECT format('from %s to %s', before, after) FROM pg_temp.change WHERE after <> ALL (trackagoat.status_goes_to(before))
	UNION ALL SELECT 'deleted and there' FROM trackagoat.deleted_video d JOIN trackagoat.video v USING (org_id, project_id, tiktok_video_id) WHERE v.tracking_status = 'direct_add'
	UNION ALL SELECT 'not adopted' FROM trackagoat.video v JOIN trackagoat.creator c ON c.project_id = v.project_id AND c.org_id = v.org_id AND c.removed_at IS NULL
		AND c.tiktok_handle OPERATOR(trackagoat.=) v.tiktok_handle WHERE v.creator_id IS NULL
	UNION ALL SELECT 'no jobs of ' || c.tiktok_handle FROM trackagoat.creator c WHERE c.is_active AND (SELECT count(*) FROM trackagoat.scrape_job j
		WHERE j.tiktok_handle OPERATOR(trackagoat.=) c.tiktok_handle) < 2
	UNION ALL SELECT 'no job of a video' FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id
		WHERE trackagoat.video_is_fetched(v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at) AND coalesce(c.is_active, true)
			AND NOT EXISTS (SELECT FROM trackagoat.scrape_job j WHERE j.tiktok_video_id = v.tiktok_video_id)
	UNION ALL SELECT 'not in the change log' FROM trackagoat.creator c WHERE NOT EXISTS (SELECT FROM trackagoat.creator_event e WHERE e.creator_id = c.id AND e.kind = 'added')
	UNION ALL SELECT 'an event of no kind: ' || e.kind FROM trackagoat.creator_event e WHERE e.kind NOT IN (SELECT kind FROM trackagoat.creator_event_kind)
	UNION ALL SELECT 'removed last, but there' FROM (SELECT DISTINCT ON (creator_id) creator_id, kind FROM trackagoat.creator_event WHERE kind IN ('added', 'removed', 'reactivated')
		ORDER BY creator_id, id DESC) e JOIN trackagoat.creator c ON c.id = e.creator_id WHERE (e.kind = 'removed') <> (c.removed_at IS NOT NULL)
	UNION ALL SELECT concat_ws(' ', entity, entity_id, problem) FROM trackagoat.verify()
$$;

CREATE FUNCTION pg_temp.batch() RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM pg_temp.play(100);
	RETURN (SELECT string_agg(DISTINCT b, '; ') FROM pg_temp.broken() b);
END
$$;
SELECT is(pg_temp.batch(), NULL, format('batch %s breaks no rule', n)) FROM generate_series(1, 15) n;

-- the statements did what they are for
SELECT ok(count(*) FILTER (WHERE state = 'PT409') > 20 AND count(*) FILTER (WHERE state = 'PT402') > 5 AND count(*) FILTER (WHERE state = '23505') > 5, 'many were refused') FROM pg_temp.refused;
SELECT is_empty($$SELECT DISTINCT state, message FROM pg_temp.refused WHERE state NOT IN ('PT409', 'PT402', 'PT404', 'PT400', '23505', '23503', '23502') AND message !~ 'creator_disabled_reason_check'$$, 'each for a reason that is documented');
SELECT ok((SELECT count(*) FROM pg_temp.change) > 50, 'statuses changed');
SELECT ok((SELECT count(DISTINCT kind) FROM trackagoat.creator_event) > 5, 'and the change log was written');

SELECT * FROM finish();
ROLLBACK;
