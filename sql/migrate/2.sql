-- Version 2: histories are packed, totals are folded.

-- what looks at the old tables would keep them
DO $depend$
DECLARE
	dependents text;
BEGIN
	SELECT string_agg(DISTINCT pg_describe_object(coalesce(r.classid, d.classid), coalesce(r.objid, d.objid), 0), ', ') INTO dependents
	FROM pg_depend d
	LEFT JOIN LATERAL (SELECT 'pg_class'::regclass AS classid, w.ev_class AS objid FROM pg_rewrite w
		WHERE d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid) r ON true
	WHERE d.deptype = 'n' AND d.refclassid = 'pg_class'::regclass
		AND d.refobjid IN ('trackagoat.creator_history'::regclass, 'trackagoat.video_history'::regclass)
		AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass)
		AND NOT EXISTS (SELECT FROM pg_constraint k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
			AND k.conrelid = d.refobjid);
	IF dependents IS NOT NULL THEN
		RAISE dependent_objects_still_exist USING
			MESSAGE = 'histories are packed anew, and others depend on their tables',
			DETAIL = format('It is %s.', dependents),
			HINT = 'Drop these first, and make them anew after setup() on trackagoat.video_snapshot or creator_snapshot.';
	END IF;
END
$depend$;
DROP TRIGGER creator_rename ON trackagoat.creator;
ALTER TABLE trackagoat.creator_history RENAME TO creator_history_1;
ALTER TABLE trackagoat.video_history RENAME TO video_history_1;
-- the new tables' constraints take their names; 18 names those of NOT NULL too
DO $rename$
DECLARE
	taken record;
BEGIN
	FOR taken IN SELECT c.oid, c.conrelid::regclass AS relation, c.conname FROM pg_constraint c
		WHERE c.conrelid IN ('trackagoat.creator_history_1'::regclass, 'trackagoat.video_history_1'::regclass)
	LOOP
		EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', taken.relation, taken.conname, 'history_1_' || taken.oid);
	END LOOP;
END
$rename$;
-- what observe_video() refuses by now
DO $refused$
DECLARE
	refused bigint;
BEGIN
	WITH of_videos AS (DELETE FROM trackagoat.video_history_1 h
		WHERE h.observed_at < '0001-01-01 00:00+00' OR h.observed_at > clock_timestamp() + interval '1 day' RETURNING 1),
	of_creators AS (DELETE FROM trackagoat.creator_history_1 h
		WHERE h.observed_at < '0001-01-01 00:00+00' OR h.observed_at > clock_timestamp() + interval '1 day' RETURNING 1)
	SELECT (SELECT count(*) FROM of_videos) + (SELECT count(*) FROM of_creators) INTO refused;
	IF refused > 0 THEN
		RAISE WARNING 'left out % observations before the year 1 or more than a day ahead', refused;
	END IF;
END
$refused$;

@SETUP 25-source.sql@
@SETUP 32-history.sql@
@SETUP 35-snapshot.sql@
@SETUP 45-total.sql@
@SETUP 47-total-triggers.sql@

-- a hundred thousand at a time, by time, so that most points are appended
SELECT trackagoat.observe_creators(array_agg(h.creator_id), array_agg(h.observed_at), array_agg(h.follower_count),
	array_agg(h.following_count), array_agg(h.total_likes_count), array_agg(h.video_count), h.source, h.exact, h.org_id)
FROM (SELECT r.*, row_number() OVER (PARTITION BY r.org_id, r.source, r.exact ORDER BY r.observed_at) / 100000 AS batch
	FROM trackagoat.creator_history_1 r) h
GROUP BY h.batch, h.org_id, h.source, h.exact ORDER BY h.batch;
SELECT trackagoat.observe_videos(array_agg(h.video_id), array_agg(h.observed_at), array_agg(h.view_count),
	array_agg(h.like_count), array_agg(h.comment_count), array_agg(h.share_count), array_agg(h.save_count), h.source, h.exact, h.org_id)
FROM (SELECT r.*, row_number() OVER (PARTITION BY r.org_id, r.source, r.exact ORDER BY r.observed_at) / 100000 AS batch
	FROM trackagoat.video_history_1 r) h
GROUP BY h.batch, h.org_id, h.source, h.exact ORDER BY h.batch;
SELECT trackagoat.break_history(c.id, c.org_id, c.baseline_at) FROM trackagoat.creator c WHERE c.baseline_at > '-infinity';

DROP TABLE trackagoat.creator_history_1, trackagoat.video_history_1;

-- nothing was logged of what is older: all totals begin from the histories
DELETE FROM trackagoat.total_difference;
INSERT INTO trackagoat.total_difference (org_id, project_id) SELECT p.org_id, p.id FROM trackagoat.project p;
