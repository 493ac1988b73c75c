-- Version 2: histories are packed, totals are folded.

ALTER TABLE trackagoat.creator_history RENAME TO creator_history_1;
ALTER TABLE trackagoat.video_history RENAME TO video_history_1;
-- the new tables' constraints take their names; 18 names those of NOT NULL too
DO $rename$
DECLARE
	taken record;
BEGIN
	FOR taken IN SELECT c.conrelid::regclass AS relation, c.conname FROM pg_constraint c
		WHERE c.conrelid IN ('trackagoat.creator_history_1'::regclass, 'trackagoat.video_history_1'::regclass)
	LOOP
		EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', taken.relation, taken.conname,
			replace(taken.conname, '_history_', '_history_1_'));
	END LOOP;
END
$rename$;

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
SELECT trackagoat.break_history(c.id, c.baseline_at) FROM trackagoat.creator c WHERE c.baseline_at > '-infinity';

DROP TABLE trackagoat.creator_history_1, trackagoat.video_history_1;

-- nothing was logged of what is older: all totals begin from the histories
DELETE FROM trackagoat.total_difference;
INSERT INTO trackagoat.total_difference (org_id, project_id) SELECT p.org_id, p.id FROM trackagoat.project p;
