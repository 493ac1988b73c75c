-- Goals: what they may be, where they stand at any moment, who is told.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SELECT no_plan();

\ir refusal.psql

INSERT INTO trackagoat.organization (name, timezone) VALUES ('Vienna', 'Europe/Vienna') RETURNING id AS org \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'org', 'P') RETURNING id AS project \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'goat') RETURNING id AS goat \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'kid') RETURNING id AS kid \gset

-- the one goal of a creator, made for the question and taken back
CREATE FUNCTION pg_temp.stand(creator uuid, goal_type text, target numeric, period text, at timestamptz,
	starts_on date DEFAULT '2026-01-01', ends_on date DEFAULT NULL, reference_date date DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	project uuid;
	made uuid;
	answer text;
BEGIN
	INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on, ends_on)
	VALUES (creator, stand.goal_type::trackagoat.goal_type, stand.target, stand.period::trackagoat.goal_period, stand.starts_on, stand.ends_on)
	RETURNING project_id, id INTO project, made;
	SELECT concat_ws(' ', s.status, 'actual', s.actual, 'projected', s.projected) INTO answer
	FROM trackagoat.goal_compliance(project, stand.reference_date, creator, at => stand.at) s WHERE s.goal_id = made;
	DELETE FROM trackagoat.goal g WHERE g.id = made;
	RETURN answer;
END
$$;

--
-- What a goal may be
--
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on, ends_on) VALUES (%L, %L, %s, %L, %L, %s)', :'goat', g.type, g.target, g.period, g.starts_on, g.ends_on)), g.refusal, g.says)
FROM (VALUES ('posts', '0', 'weekly', '2026-01-01', 'NULL', 'PT400 invalid_target', 'no target of 0'), ('posts', '-1', 'weekly', '2026-01-01', 'NULL', 'PT400 invalid_target', 'nor below'),
	('posts', '1.5', 'weekly', '2026-01-01', 'NULL', 'PT400 invalid_target', 'nor half a post'), ('views', $$'NaN'$$, 'weekly', '2026-01-01', 'NULL', 'PT400 invalid_target', 'nor what is no number'),
	('views', $$'infinity'$$, 'weekly', '2026-01-01', 'NULL', 'PT400 invalid_target', 'nor one without end'), ('followers', '9223372036854775808', 'weekly', '2026-01-01', 'NULL', 'PT400 invalid_target', 'nor more than can be counted'),
	('engagement', '100.01', 'weekly', '2026-01-01', 'NULL', 'PT400 invalid_target', 'nor more than everybody'), ('engagement', '0.01', 'weekly', '2026-01-01', 'NULL', 'accepted', 'a rate may be small'),
	('views', '9223372036854775807', 'daily', '2026-01-01', 'NULL', 'accepted', 'a number large'), ('engagement', '0.0000001', 'weekly', '2026-01-01', 'NULL', 'PT400 invalid_target', 'but not too small'), ('posts', '1', 'weekly', '2026-01-02', $$'2026-01-01'$$, 'PT400 invalid_dates', 'no end before the beginning'),
	('posts', '1', 'weekly', '2026-01-02', $$'2026-01-02'$$, 'accepted', 'a day is enough'), ('posts', '1', 'weekly', 'infinity', 'NULL', 'PT400 invalid_dates', 'no beginning never'),
	('posts', '1', 'weekly', '2026-01-01', $$'infinity'$$, 'PT400 invalid_dates', 'nor such an end'), ('posts', '1', 'weekly', '1969-12-31', 'NULL', 'PT400 invalid_dates', 'nothing before there were creators')) g (type, target, period, starts_on, ends_on, refusal, says);
SELECT is(pg_temp.refusal(format('INSERT INTO trackagoat.goal (creator_id, goal_type, target) VALUES (%L, %L, 1)', :'goat', t)), 'PT400 invalid_period', t || ' need a period') FROM unnest(ARRAY['posts', 'views', 'views_per_post', 'engagement']) t;
SELECT is(pg_temp.refusal(format($$INSERT INTO trackagoat.goal (creator_id, goal_type, target, period) VALUES (%L, 'posts', 1, 'weekly')$$, gen_random_uuid())), '23503 goal_creator_fkey', 'no goal without a creator');
DELETE FROM trackagoat.goal;
INSERT INTO trackagoat.goal (creator_id, goal_type, target) VALUES (:'goat', 'followers', 100) RETURNING id AS filled \gset
SELECT is((org_id, project_id, starts_on, ends_on, status)::text, (:'org'::uuid, :'project'::uuid, (now() AT TIME ZONE 'Europe/Vienna')::date, NULL::date, NULL::text)::text, 'the rest is filled in') FROM trackagoat.goal WHERE id = :'filled';
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.goal SET target = 0 WHERE id = %L', :'filled')), 'PT400 invalid_target', 'an update is looked at too');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.goal SET goal_type = %L WHERE id = %L', 'posts', :'filled')), 'PT400 invalid_period', 'in whatever column');
UPDATE trackagoat.goal SET updated_at = '2000-01-01' WHERE id = :'filled';
UPDATE trackagoat.goal SET status = 'on_track' WHERE id = :'filled';
SELECT is(updated_at, '2000-01-01', 'an evaluation is no change of a person') FROM trackagoat.goal WHERE id = :'filled';
UPDATE trackagoat.goal SET target = 200 WHERE id = :'filled';
SELECT is(updated_at, now(), 'another target is') FROM trackagoat.goal WHERE id = :'filled';
DELETE FROM trackagoat.goal;

--
-- Posts: two in the week from Monday, 2026-10-05, in Vienna, the second on Tuesday
--
SELECT trackagoat.observe_creator(:'goat', '2026-09-01Z', NULL, 1, NULL, NULL) \g /dev/null
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at, tracking_status) VALUES
	(:'goat', 1, '2026-10-05 10:00+02', 'auto_tracked'), (:'goat', 2, '2026-10-06 23:59:59+02', 'included'), (:'goat', 3, '2026-10-06 12:00+02', 'excluded'),
	(:'goat', 4, '2026-10-06 12:00+02', 'pending_review'), (:'goat', 5, '2026-10-04 23:59:59+02', 'direct_add'), (:'goat', 6, '2026-10-12 00:00+02', 'direct_add');
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at, tracking_disabled_at) VALUES (:'goat', 7, '2026-10-06 12:00+02', now());
SELECT is(pg_temp.stand(:'goat', 'posts', c.target, c.period, c.at), c.answer, c.says) FROM (VALUES
	(4, 'weekly', timestamptz '2026-10-08 12:00+02', 'on_track actual 2 projected 4', 'half the week, half the posts'),
	(5, 'weekly', '2026-10-08 12:00+02', 'behind_pace actual 2 projected 4', '80 percent'),
	(6, 'weekly', '2026-10-08 12:00+02', 'at_risk actual 2 projected 4', '67 percent'),
	(2, 'weekly', '2026-10-11 23:59:59.999999+02', 'on_track actual 2 projected 2', 'the last moment is not the end'),
	(2, 'weekly', '2026-10-12 00:00+02', 'on_track actual 1 projected 604800000000', 'then another week has begun, with a post'),
	(1, 'daily', '2026-10-06 12:00+02', 'at_risk actual 0 projected 0', 'a day is a period of its own'),
	(1, 'daily', '2026-10-06 23:59:59+02', 'on_track actual 1 projected 1', 'until its end'),
	(12, 'monthly', '2026-10-08 12:00+02', 'on_track actual 3 projected 12.4167', 'of 31 days and an hour')) c (target, period, at, answer, says);
SELECT is(pg_temp.stand(:'goat', 'posts', 18, 'monthly', '2026-10-08 12:00+02'), 'at_risk actual 3 projected 12.4167', 'less than 70 percent of 18');
SELECT is(pg_temp.stand(:'goat', 'posts', 17, 'monthly', '2026-10-08 12:00+02'), 'behind_pace actual 3 projected 12.4167', '73 percent of 17');
SELECT is(pg_temp.stand(:'goat', 'posts', 10, 'weekly', '2026-10-11 23:00+02', reference_date => '2026-10-05'), 'at_risk actual 2 projected 2.012', 'the reference date names the period');
-- 7 of 10 exactly
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) SELECT :'kid', 100 + n, '2026-10-05 01:00+02'::timestamptz + n * interval '1 minute' FROM generate_series(1, 7) n;
SELECT is(pg_temp.stand(:'kid', 'posts', 20, 'weekly', '2026-10-08 12:00+02'), 'behind_pace actual 7 projected 14', '70 percent is behind');
SELECT is(pg_temp.stand(:'kid', 'posts', 21, 'weekly', '2026-10-08 12:00+02'), 'at_risk actual 7 projected 14', 'less is at risk');
SELECT is(pg_temp.stand(:'kid', 'posts', 14, 'weekly', '2026-10-08 12:00+02'), 'on_track actual 7 projected 14', '100 percent is on track');
SELECT is(pg_temp.stand(:'kid', 'posts', 14, 'weekly', '2026-10-08 12:00:00.000001+02'), 'behind_pace actual 7 projected 14', 'a microsecond later it is less');
-- over
SELECT is(pg_temp.stand(:'goat', 'posts', t, p, '2026-12-01 12:00+01', reference_date => '2026-10-06'), a, p || ' is over')
FROM (VALUES (2, 'weekly', 'completed actual 2 projected 2'), (3, 'weekly', 'missed actual 2 projected 2'), (1, 'daily', 'completed actual 1 projected 1'), (2, 'daily', 'missed actual 1 projected 1'),
	(4, 'monthly', 'completed actual 4 projected 4'), (5, 'monthly', 'missed actual 4 projected 4')) c (t, p, a);
-- not begun
SELECT is(pg_temp.stand(:'goat', 'posts', 1, p, '2026-10-06 12:00+02', starts_on => '2026-10-07', reference_date => d), 'not_yet_started actual projected', p || ' has not begun')
FROM (VALUES ('daily', date '2026-10-06'), ('daily', '2026-10-07'), ('weekly', '2026-10-06'), ('monthly', '2026-10-06'), ('weekly', '2026-10-20')) c (p, d);
SELECT is(pg_temp.stand(:'goat', 'posts', 1, 'weekly', '2026-10-06 12:00+02', ends_on => '2026-10-04'), NULL, 'what has ended before has no row');
-- in force for a part
SELECT is(pg_temp.stand(:'goat', 'posts', 2, 'weekly', '2026-10-08 12:00+02', starts_on => '2026-10-06'), 'on_track actual 1 projected 2.4', 'a goal that begins on Tuesday looks at the week from there');
SELECT is(pg_temp.stand(:'goat', 'posts', 2, 'weekly', '2026-10-08 12:00+02', ends_on => '2026-10-08'), 'on_track actual 2 projected 2.2857', 'one that ends on Thursday until there');
SELECT is(pg_temp.stand(:'goat', 'posts', 3, 'weekly', '2026-10-09 12:00+02', ends_on => '2026-10-08'), 'missed actual 2 projected 2', 'and is over on Friday');
SELECT is(pg_temp.stand(:'goat', 'posts', 1, 'weekly', '2026-10-06 12:00+02', starts_on => '2026-10-06', ends_on => '2026-10-06'), 'at_risk actual 0 projected 0', 'a day of it alone');
-- nothing observed
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'nobody') RETURNING id AS nobody \gset
SELECT is(pg_temp.stand(:'nobody', t, 1, 'weekly', '2026-10-08 12:00+02', reference_date => d), 'no_data actual projected', t || ' of nobody, ' || d)
FROM unnest(ARRAY['posts', 'views', 'views_per_post', 'engagement', 'followers']) t, unnest(ARRAY['2026-10-08', '2026-09-01']::date[]) d;
SELECT trackagoat.observe_creator(:'nobody', '2026-10-07 12:00+02', NULL, 3, NULL, NULL) \g /dev/null
SELECT is(pg_temp.stand(:'nobody', t, 1, 'weekly', '2026-10-08 12:00+02'), a, t || ' of one who was observed')
FROM (VALUES ('posts', 'at_risk actual 0 projected 0'), ('views', 'at_risk actual 0 projected 0'), ('views_per_post', 'no_data actual projected'), ('engagement', 'no_data actual projected'), ('followers', 'no_data actual projected')) c (t, a);
SELECT is(pg_temp.stand(:'nobody', 'posts', 1, 'weekly', '2026-10-07 11:59+02'), 'no_data actual projected', 'before that');
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'nobody', 8, '2026-09-01Z') RETURNING id AS old \gset
SELECT trackagoat.observe_video(:'old', '2026-10-06 12:00+02', 5, NULL, NULL, NULL, NULL) \g /dev/null
SELECT is(pg_temp.stand(:'nobody', 'posts', 1, 'weekly', '2026-10-07 11:59+02'), 'at_risk actual 0 projected 0', 'a video that was observed will do');

--
-- The calendar
--
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'goat', 9, '2026-10-25 00:30+02'), (:'goat', 10, '2027-03-28 00:30+01');
SELECT is(pg_temp.stand(:'goat', 'posts', 1, 'daily', '2026-10-25 12:00+01'), 'on_track actual 1 projected 1.9231', 'a day of 25 hours, of which 13 are over');
SELECT is(pg_temp.stand(:'goat', 'posts', 1, 'daily', '2027-03-28 12:00+02'), 'on_track actual 1 projected 2.0909', 'one of 23, of which 11 are over');
SELECT is(pg_temp.stand(:'goat', 'posts', 1, 'weekly', '2027-03-28 12:00+02'), 'on_track actual 1 projected 1.0774', 'a week of 167 hours, of which 155 are over');
SELECT is(pg_temp.stand(:'goat', 'posts', 1, 'monthly', '2027-04-01 00:00+02', reference_date => '2027-03-01'), 'completed actual 1 projected 1', 'March is over at midnight, daylight-saving time');
-- a post is up for 24 hours within its day only where that has 25
SELECT trackagoat.observe_video(v.id, '2026-10-25 20:00+01', 80, NULL, NULL, NULL, NULL) FROM trackagoat.video v WHERE v.tiktok_video_id = 9 \g /dev/null
SELECT is(pg_temp.stand(:'goat', 'views_per_post', t, 'daily', '2026-10-25 23:45+01'), a || ' actual 80 projected 80', a || ' within a day')
FROM (VALUES (80, 'on_track'), (100, 'behind_pace'), (115, 'at_risk')) c (t, a);
SELECT is(pg_temp.stand(:'goat', 'posts', 2, 'daily', '2026-10-25 16:00+01'), 'behind_pace actual 1 projected 1.4706', '17 of 25 hours, half the posts');
SELECT is(pg_temp.stand(:'nobody', 'views', 1, 'daily', '2026-09-30 12:00+02'), 'no_data actual projected', 'a day of which nothing is known');
INSERT INTO trackagoat.organization (name, timezone, week_starts_on) VALUES ('Auckland', 'Pacific/Auckland', 7) RETURNING id AS auckland \gset
INSERT INTO trackagoat.organization (name, timezone, week_starts_on) VALUES ('Angels', 'America/Los_Angeles', 3) RETURNING id AS angels \gset
INSERT INTO trackagoat.organization (name, timezone) VALUES ('Havana', 'America/Havana') RETURNING id AS havana \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'auckland', 'P') RETURNING id AS east \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'angels', 'P') RETURNING id AS west \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'havana', 'P') RETURNING id AS midnight \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'east', 'moa') RETURNING id AS moa \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'west', 'bear') RETURNING id AS bear \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'midnight', 'parrot') RETURNING id AS parrot \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) SELECT c, 20, '2026-07-05 11:30Z' FROM unnest(ARRAY[:'moa', :'bear', :'parrot']::uuid[]) c;
SELECT is(pg_temp.stand(:'moa', 'posts', 1, 'daily', '2026-07-05 11:45Z'), 'on_track actual 1 projected 1.0105', 'in Auckland it is almost Monday');
SELECT is(pg_temp.stand(:'bear', 'posts', 1, 'daily', '2026-07-05 11:45Z'), 'on_track actual 1 projected 5.0526', 'in Los Angeles early on Sunday');
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'moa', 'posts', 1, 'weekly', '2026-01-01'), (:'bear', 'posts', 1, 'weekly', '2026-01-01'), (:'goat', 'posts', 1, 'weekly', '2026-01-01'), (:'goat', 'posts', 1, 'monthly', '2026-01-01'), (:'goat', 'posts', 1, 'daily', '2026-01-01');
SELECT is((SELECT (s.period_start, s.period_end)::text FROM trackagoat.goal_compliance(:'east', at => '2026-07-05 11:45Z') s), '(2026-07-05,2026-07-11)', 'weeks may begin on Sunday');
SELECT is((SELECT (s.period_start, s.period_end)::text FROM trackagoat.goal_compliance(:'west', at => '2026-07-05 11:45Z') s), '(2026-07-01,2026-07-07)', 'or on Wednesday');
SELECT is((SELECT (s.period_start, s.period_end)::text FROM trackagoat.goal_compliance(:'west', '2026-07-01', at => '2026-07-05 11:45Z') s), '(2026-07-01,2026-07-07)', 'which is the first day');
SELECT is((SELECT (s.period_start, s.period_end)::text FROM trackagoat.goal_compliance(:'west', '2026-06-30', at => '2026-07-05 11:45Z') s), '(2026-06-24,2026-06-30)', 'and the day before the last of another');
SELECT results_eq(format('SELECT period::text, period_start, period_end FROM trackagoat.goal_compliance(%L, %L, at => %L) s ORDER BY s.period', :'project', d, '2027-01-01Z'), format('VALUES %s', v), d || ' is in these')
FROM (VALUES ('2028-02-29', $$('daily', date '2028-02-29', date '2028-02-29'), ('weekly', '2028-02-28', '2028-03-05'), ('monthly', '2028-02-01', '2028-02-29')$$),
	('2026-12-31', $$('daily', date '2026-12-31', date '2026-12-31'), ('weekly', '2026-12-28', '2027-01-03'), ('monthly', '2026-12-01', '2026-12-31')$$),
	('2027-01-01', $$('daily', date '2027-01-01', date '2027-01-01'), ('weekly', '2026-12-28', '2027-01-03'), ('monthly', '2027-01-01', '2027-01-31')$$)) c (d, v);
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'goat', 11, '2028-02-01 12:00+01');
SELECT is(pg_temp.stand(:'goat', 'posts', 2, 'monthly', '2028-02-15 12:00+01'), 'on_track actual 1 projected 2', 'half of 29 days');
-- a clock that goes back to midnight: Havana, 2024-11-03, has 25 hours from the first midnight on
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'parrot', 21, '2024-11-03 04:30Z');
SELECT is(pg_temp.stand(:'parrot', 'posts', 1, 'daily', '2024-11-03 17:00Z', '2024-01-01'), 'on_track actual 1 projected 1.9231', '25 hours in Havana, of which 13 are over');
SELECT is(pg_temp.refusal(format('SELECT FROM trackagoat.goal_compliance(%L, %L)', :'project', d)), 'PT400 invalid_reference_date', d || ' is in no period') FROM unnest(ARRAY['infinity', '-infinity', '0001-05-05', '9999-01-01', '5874897-12-31', '4713-01-01 BC']::date[]) d;
SELECT is(pg_temp.refusal(format('SELECT FROM trackagoat.goal_compliance(%L, at => %L)', :'project', t)), 'PT400 invalid_at', t || ' is no moment') FROM unnest(ARRAY['infinity', '-infinity', '0001-05-05', '9999-12-01']::timestamptz[]) t;
SELECT is((SELECT count(*) FROM trackagoat.goal_compliance(gen_random_uuid())), 0::bigint, 'an unknown project has no goals');
SELECT is((SELECT count(*) FROM trackagoat.goal_compliance(NULL)), 0::bigint, 'nor has none');
DELETE FROM trackagoat.goal;

--
-- Views: an old video and one of the week
--
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'viewed') RETURNING id AS viewed \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'viewed', 30, '2026-09-20 12:00+02') RETURNING id AS old \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'viewed', 31, '2026-10-06 12:00+02') RETURNING id AS new \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at, tracking_disabled_at) VALUES (:'viewed', 32, '2026-10-06 12:00+02', now()) RETURNING id AS disabled \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at, tracking_status) VALUES (:'viewed', 33, '2026-10-06 12:00+02', 'excluded') RETURNING id AS excluded \gset
SELECT trackagoat.observe_videos(array_agg(o.id::uuid), array_agg(o.at), array_agg(o.views), array_agg(o.likes), array_agg(o.comments), array_agg(o.shares), array_agg(o.saves))
FROM (VALUES (:'old', timestamptz '2026-10-03 12:00+02', 5000::bigint, 400::bigint, 10::bigint, 5::bigint, 5::bigint), (:'old', '2026-10-05 00:00+02', 6000, 450, 12, 5, 5), (:'old', '2026-10-08 10:00+02', 7000, 500, 20, 7, 5),
	(:'new', '2026-10-06 18:00+02', 1500, 100, NULL, NULL, NULL), (:'new', '2026-10-08 10:00+02', 2000, 130, 3, 1, 1), (:'old', '2026-10-13 10:00+02', 9000, 500, 20, 7, 5), (:'new', '2026-10-13 10:00+02', 4000, 150, 3, 1, 1),
	(:'disabled', '2026-10-08 10:00+02', 50000, 0, 0, 0, 0), (:'excluded', '2026-10-08 10:00+02', 50000, 0, 0, 0, 0)) o (id, at, views, likes, comments, shares, saves) \g /dev/null
-- 2,000 of the old one, 1,000 of them on Monday, and all 2,000 of the new one
SELECT is(pg_temp.stand(:'viewed', 'views', c.target, c.period, c.at, reference_date => c.day), c.answer, c.says) FROM (VALUES
	(8000, 'weekly', timestamptz '2026-10-08 12:00+02', NULL::date, 'on_track actual 4000 projected 8000', 'gains of all videos, and all that a new one has'),
	(10000, 'weekly', '2026-10-08 12:00+02', NULL, 'behind_pace actual 4000 projected 8000', '80 percent'),
	(12000, 'weekly', '2026-10-08 12:00+02', NULL, 'at_risk actual 4000 projected 8000', '67 percent'),
	(1000, 'daily', '2026-10-05 12:00+02', NULL, 'on_track actual 1000 projected 2000', 'what is observed at midnight is of the new day'),
	(1500, 'daily', '2026-10-12 12:00+02', '2026-10-06', 'completed actual 1500 projected 1500', 'the first sight of a new one is a gain'),
	(1501, 'daily', '2026-10-12 12:00+02', '2026-10-06', 'missed actual 1500 projected 1500', 'no more than that'),
	(4000, 'weekly', '2026-10-20 12:00+02', '2026-10-08', 'completed actual 4000 projected 4000', 'what was observed after the week is not of it'),
	(8000, 'monthly', '2026-11-20 12:00+02', '2026-10-08', 'completed actual 8000 projected 8000', 'but of the month'),
	(100, 'monthly', '2026-10-04 12:00+02', NULL, 'at_risk actual 0 projected 0', 'the first sight of an old one is none'),
	(1, 'weekly', '2026-10-04 12:00+02', '2026-10-05', 'not_yet_started actual projected', 'a week to come')) c (target, period, at, day, answer, says);
SELECT is(pg_temp.stand(:'viewed', 'views', 1500, 'weekly', '2026-10-12 12:00+02', reference_date => '2026-10-08', starts_on => '2026-10-07'), 'completed actual 1500 projected 1500', 'a post of the day before is an old one');
-- the levels of a post
SELECT is(pg_temp.stand(:'viewed', 'views_per_post', c.target, c.period, c.at, reference_date => c.day), c.answer, c.says) FROM (VALUES
	(2000, 'weekly', timestamptz '2026-10-08 12:00+02', NULL::date, 'on_track actual 2000 projected 2000', 'the views of the one post'),
	(2500, 'weekly', '2026-10-08 12:00+02', NULL, 'behind_pace actual 2000 projected 2000', '80 percent'), (3000, 'weekly', '2026-10-08 12:00+02', NULL, 'at_risk actual 2000 projected 2000', '67 percent'),
	(1500, 'weekly', '2026-10-07 12:00+02', NULL, 'on_track actual 1500 projected 1500', 'up for 24 hours'), (1500, 'weekly', '2026-10-07 11:59:59+02', NULL, 'no_data actual projected', 'and not yet'),
	(4000, 'weekly', '2026-10-20 12:00+02', '2026-10-08', 'completed actual 4000 projected 4000', 'within 48 hours after the end'), (4001, 'weekly', '2026-10-20 12:00+02', '2026-10-08', 'missed actual 4000 projected 4000', 'levels go on rising'),
	(2001, 'daily', '2026-10-20 12:00+02', '2026-10-06', 'missed actual 2000 projected 2000', 'later than 48 hours they are not looked at'), (2000, 'daily', '2026-10-20 12:00+02', '2026-10-06', 'completed actual 2000 projected 2000', 'of a day')) c (target, period, at, day, answer, says);
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'viewed', 34, '2026-10-05 12:00+02') RETURNING id AS poor \gset
SELECT is(pg_temp.stand(:'viewed', 'views_per_post', 2000, 'weekly', '2026-10-08 12:00+02'), 'on_track actual 2000 projected 2000', 'one that nobody has seen says nothing');
SELECT trackagoat.observe_video(:'poor', '2026-10-07 12:00+02', 600, NULL, NULL, NULL, NULL) \g /dev/null
SELECT is(pg_temp.stand(:'viewed', 'views_per_post', 1000, 'weekly', '2026-10-08 12:00+02'), 'at_risk actual 600 projected 600', 'the lowest counts');
SELECT trackagoat.unobserve_video(:'poor', '2026-10-07 12:00+02', '2026-10-07 12:00:01+02') \g /dev/null
-- engagement: likes 100 + 130, comments 10 + 3, shares 2 + 1, saves 0 + 1 with 4,000 views
SELECT is(pg_temp.stand(:'viewed', 'engagement', c.target, c.period, c.at, reference_date => c.day), c.answer, c.says) FROM (VALUES
	(6.175, 'weekly', timestamptz '2026-10-08 12:00+02', NULL::date, 'on_track actual 6.175 projected 6.175', 'interactions by views'), (6.1751, 'weekly', '2026-10-08 12:00+02', NULL, 'behind_pace actual 6.175 projected 6.175', 'a little less'),
	(8.9, 'weekly', '2026-10-08 12:00+02', NULL, 'at_risk actual 6.175 projected 6.175', '69 percent'), (5, 'weekly', '2026-10-20 12:00+02', '2026-10-08', 'completed actual 6.175 projected 6.175', 'over'), (7, 'weekly', '2026-10-20 12:00+02', '2026-10-08', 'missed actual 6.175 projected 6.175', 'over, and not enough'),
	(5, 'daily', '2026-10-07 12:00+02', NULL, 'no_data actual projected', 'no view, no rate')) c (target, period, at, day, answer, says);
-- every type, period and status of posts and views: targets of 100, 85 and 50 percent of the forecast, of what was reached and one more
CREATE FUNCTION pg_temp.number(answer text, name text) RETURNS numeric LANGUAGE sql RETURN (regexp_match(answer, name || ' (-?[0-9.]+)'))[1]::numeric;
SELECT is(split_part(pg_temp.stand(c.creator::uuid, c.type, q.target, c.period, q.at, reference_date => q.day, starts_on => q.starts_on), ' ', 1), q.status, concat_ws(' ', c.period, c.type, q.status))
FROM (VALUES (:'goat', 'posts', 'daily', timestamptz '2026-10-25 16:00+01'), (:'goat', 'posts', 'weekly', '2026-10-08 12:00+02'), (:'goat', 'posts', 'monthly', '2026-10-08 12:00+02'),
	(:'viewed', 'views', 'daily', '2026-10-08 12:00+02'), (:'viewed', 'views', 'weekly', '2026-10-08 12:00+02'), (:'viewed', 'views', 'monthly', '2026-10-08 12:00+02'),
	(:'goat', 'views_per_post', 'daily', '2026-10-25 23:45+01'), (:'viewed', 'views_per_post', 'weekly', '2026-10-08 12:00+02'), (:'viewed', 'views_per_post', 'monthly', '2026-10-08 12:00+02'),
	(:'viewed', 'engagement', 'daily', '2026-10-08 12:00+02'), (:'viewed', 'engagement', 'weekly', '2026-10-08 12:00+02'), (:'viewed', 'engagement', 'monthly', '2026-10-08 12:00+02')) c (creator, type, period, at),
	LATERAL (SELECT CASE c.type WHEN 'engagement' THEN 3 ELSE 0 END AS digits, (c.at AT TIME ZONE 'Europe/Vienna')::date AS day) d,
	LATERAL (SELECT pg_temp.number(pg_temp.stand(c.creator::uuid, c.type, 1, c.period, c.at), 'projected') AS forecast,
		pg_temp.number(pg_temp.stand(c.creator::uuid, c.type, 1, c.period, '2026-12-20Z', reference_date => d.day), 'actual') AS reached) n,
	LATERAL (VALUES (trunc(n.forecast, d.digits), c.at, d.day, date '2026-01-01', 'on_track'), (round(n.forecast / 0.85 + 0.5 / 10::numeric ^ d.digits, d.digits), c.at, d.day, '2026-01-01', 'behind_pace'),
		(round(n.forecast * 2 + 1, d.digits), c.at, d.day, '2026-01-01', 'at_risk'), (trunc(n.reached, d.digits), '2026-12-20Z', d.day, '2026-01-01', 'completed'),
		(trunc(n.reached, d.digits) + 1, '2026-12-20Z', d.day, '2026-01-01', 'missed'), (1, c.at, d.day, '2027-01-01', 'not_yet_started'), (1, '2026-08-01Z', '2026-08-01', '2026-01-01', 'no_data')) q (target, at, day, starts_on, status);
-- counters fall
SELECT trackagoat.observe_video(:'old', '2026-10-09 10:00+02', 4500, 400, NULL, NULL, NULL) \g /dev/null
SELECT is(pg_temp.stand(:'viewed', 'views', 1, 'daily', '2026-10-09 12:00+02'), 'at_risk actual -2500 projected -5000', 'views that are taken back are a loss');
SELECT is(pg_temp.stand(:'viewed', 'views', 1000, 'weekly', '2026-10-10 00:00+02'), 'on_track actual 1500 projected 2100', 'also of the week');
SELECT is(pg_temp.stand(:'viewed', 'engagement', 1, 'daily', '2026-10-09 12:00+02'), 'no_data actual projected', 'and give no rate');
SELECT trackagoat.unobserve_video(:'old', '2026-10-09 10:00+02', '2026-10-09 10:00:01+02') \g /dev/null

--
-- Followers: 500 before October, 540 on the 8th
--
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'followed') RETURNING id AS followed \gset
SELECT trackagoat.observe_creators(array_agg(:'followed'::uuid), array_agg(o.at), array_agg(o.n), NULL, NULL, NULL)
FROM (VALUES (timestamptz '2026-09-28 12:00+02', 490::bigint), ('2026-09-30 12:00+02', 500), ('2026-10-08 10:00+02', 540), ('2026-10-20 10:00+02', 650), ('2026-10-31 10:00+01', 620)) o (at, n) \g /dev/null
SELECT is(pg_temp.stand(:'followed', 'followers', c.target, c.period, c.at, reference_date => c.day), c.answer, c.says) FROM (VALUES
	-- 7.5 of 31 days and an hour, which October has more
	(1000, 'monthly', timestamptz '2026-10-08 12:00+02', NULL::date, 'at_risk actual 540 projected 665.5556', '40 of 121'),
	(665, 'monthly', '2026-10-08 12:00+02', NULL, 'on_track actual 540 projected 665.5556', '40 of 39.9'), (666, 'monthly', '2026-10-08 12:00+02', NULL, 'behind_pace actual 540 projected 665.5556', '40 of 40.1'),
	(736, 'monthly', '2026-10-08 12:00+02', NULL, 'behind_pace actual 540 projected 665.5556', '70 percent'), (737, 'monthly', '2026-10-08 12:00+02', NULL, 'at_risk actual 540 projected 665.5556', 'less'),
	(540, 'monthly', '2026-10-08 12:00+02', NULL, 'on_track actual 540 projected 665.5556', 'reached'), (540, 'monthly', '2026-11-20 12:00+01', '2026-10-08', 'completed actual 620 projected 620', 'over and reached'),
	(650, 'monthly', '2026-11-20 12:00+01', '2026-10-08', 'missed actual 620 projected 620', 'reached in between only'), (600, 'monthly', '2026-10-01 12:00+02', NULL, 'at_risk actual 500 projected 500', 'nothing new'),
	(501, 'monthly', '2026-10-01 00:00+02', NULL, 'on_track actual 500 projected', 'nothing is needed at the beginning'),
	(600, 'weekly', '2026-10-22 12:00+02', NULL, 'on_track actual 650 projected 761.3095', 'of a week of 169 hours')) c (target, period, at, day, answer, says);
SELECT is(split_part(pg_temp.stand(:'followed', 'followers', c.target, c.period, c.at, c.starts_on, c.ends_on, c.day), ' ', 1), c.status, concat_ws(' ', coalesce(c.period, 'milestone'), 'followers', c.status))
FROM (VALUES (760, 'daily', timestamptz '2026-10-20 12:00+02', date '2026-01-01', NULL::date, NULL::date, 'on_track'), (815, 'daily', '2026-10-20 12:00+02', '2026-01-01', NULL, NULL, 'behind_pace'), (1000, 'daily', '2026-10-20 12:00+02', '2026-01-01', NULL, NULL, 'at_risk'),
	(650, 'daily', '2026-12-20Z', '2026-01-01', NULL, '2026-10-20', 'completed'), (651, 'daily', '2026-12-20Z', '2026-01-01', NULL, '2026-10-20', 'missed'), (1, 'daily', '2026-10-20 12:00+02', '2026-10-21', NULL, NULL, 'not_yet_started'), (1, 'daily', '2026-08-01Z', '2026-01-01', NULL, NULL, 'no_data'),
	(761, 'weekly', '2026-10-22 12:00+02', '2026-01-01', NULL, NULL, 'on_track'), (816, 'weekly', '2026-10-22 12:00+02', '2026-01-01', NULL, NULL, 'behind_pace'), (1100, 'weekly', '2026-10-22 12:00+02', '2026-01-01', NULL, NULL, 'at_risk'),
	(650, 'weekly', '2026-12-20Z', '2026-01-01', NULL, '2026-10-20', 'completed'), (651, 'weekly', '2026-12-20Z', '2026-01-01', NULL, '2026-10-20', 'missed'), (1, 'weekly', '2026-10-20 12:00+02', '2026-10-21', NULL, NULL, 'not_yet_started'), (1, 'weekly', '2026-08-01Z', '2026-01-01', NULL, NULL, 'no_data'),
	(1, 'monthly', '2026-10-20 12:00+02', '2026-10-21', NULL, NULL, 'not_yet_started'), (1, 'monthly', '2026-08-01Z', '2026-01-01', NULL, NULL, 'no_data'),
	(665, NULL, '2026-10-08 12:00+02', '2026-10-01', '2026-10-31', NULL, 'on_track'), (700, NULL, '2026-10-08 12:00+02', '2026-10-01', '2026-10-31', NULL, 'behind_pace'), (1, NULL, '2026-08-01Z', '2026-01-01', NULL, NULL, 'no_data')) c (target, period, at, starts_on, ends_on, day, status);
-- first known within the period: the line begins there
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'late') RETURNING id AS late \gset
SELECT trackagoat.observe_creators(array_agg(:'late'::uuid), array_agg(o.at), array_agg(o.n), NULL, NULL, NULL)
FROM (VALUES (timestamptz '2026-10-07 00:00+02', 100::bigint), ('2026-10-09 12:00+02', 150)) o (at, n) \g /dev/null
SELECT is(pg_temp.stand(:'late', 'followers', 200, 'weekly', '2026-10-09 12:00+02'), 'on_track actual 150 projected 200', 'half of what is left since then');
SELECT is(pg_temp.stand(:'late', 'followers', 201, 'weekly', '2026-10-09 12:00+02'), 'behind_pace actual 150 projected 200', 'no more');
SELECT is(pg_temp.stand(:'late', 'followers', 200, 'weekly', '2026-10-07 00:00+02'), 'on_track actual 100 projected', 'at the first sight nothing is needed');
SELECT is(pg_temp.stand(:'late', 'followers', 201, NULL, '2026-10-09 12:00+02', '2026-10-07', '2026-10-11'), 'behind_pace actual 150 projected 200', 'a milestone likewise');
-- 100 at midnight of the 7th, 50 more by noon of the 9th; of a day from 150 on
SELECT trackagoat.observe_creator(:'late', '2026-10-10 12:00+02', 175, NULL, NULL, NULL) \g /dev/null
SELECT is(pg_temp.stand(:'late', 'followers', 201, 'daily', '2026-10-10 12:00+02'), 'behind_pace actual 175 projected 200', 'or a day');
SELECT trackagoat.unobserve_creator(:'late', '2026-10-10 12:00+02', '2026-10-10 12:00:01+02') \g /dev/null
-- falling below the target that one began with
SELECT is(pg_temp.stand(:'followed', 'followers', 640, 'daily', '2026-10-31 12:00+01'), 'at_risk actual 620 projected 590', 'below the target after having been above');
-- milestones
SELECT is(pg_temp.stand(:'followed', 'followers', c.target, NULL, c.at, c.starts_on, c.ends_on), c.answer, c.says) FROM (VALUES
	(650, timestamptz '2026-10-21 12:00+02', date '2026-10-01', NULL::date, 'completed actual 650 projected', 'reached'), (650, '2026-11-21 12:00+02', '2026-10-01', NULL, 'completed actual 620 projected', 'and stays so'),
	(650, '2026-11-21 12:00+02', '2026-10-01', '2026-10-31', 'completed actual 620 projected 620', 'also when its time is over'), (650, '2026-11-21 12:00+02', '2026-10-21', '2026-10-31', 'completed actual 620 projected 620', 'where it begins there'),
	(651, '2026-10-21 12:00+02', '2026-10-01', NULL, 'on_track actual 650 projected', 'without an end there is no pace'), (651, '2026-11-21 12:00+02', '2026-10-01', '2026-10-31', 'missed actual 620 projected 620', 'with one it may be missed'),
	(1000, '2026-10-08 12:00+02', '2026-10-01', '2026-10-31', 'at_risk actual 540 projected 665.5556', 'or at risk'), (1000, '2026-10-08 12:00+02', '2026-10-09', '2026-10-31', 'not_yet_started actual projected', 'or to come'),
	(650, '2026-11-21 12:00+01', '2026-11-01', '2026-11-30', 'at_risk actual 620 projected 620', 'what was before it says nothing')) c (target, at, starts_on, ends_on, answer, says);
-- a break: another account's level is another beginning
SELECT trackagoat.break_history(:'followed', :'org', '2026-10-15 00:00+02') \g /dev/null
SELECT is(pg_temp.stand(:'followed', 'followers', 1000, 'monthly', '2026-10-25 10:00+01'), 'at_risk actual 650 projected 650', 'the level after it is where it begins');
SELECT is(pg_temp.stand(:'followed', 'followers', 500, NULL, '2026-10-25 10:00+01', '2026-09-28'), 'completed actual 650 projected', 'whatever was before');
SELECT is(pg_temp.stand(:'followed', 'followers', 1000, 'monthly', '2026-10-14 12:00+02'), 'at_risk actual 540 projected 591.9753', 'as of a moment before, the old one');

--
-- Folded totals say the same: daily posts shortly before midnight, seen in the morning
--
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'owl') RETURNING id AS owl \gset
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) SELECT :'owl', t::trackagoat.goal_type, 10, p::trackagoat.goal_period, '2026-01-01' FROM unnest('{posts,views,engagement}'::text[]) t, unnest('{daily,weekly,monthly}'::text[]) p;
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) SELECT :'owl', 500 + n, (current_date - n)::timestamp AT TIME ZONE 'Europe/Vienna' - interval '1 hour' FROM generate_series(0, 9) n;
-- the last one has not been seen yet, and an old one was seen today for the first time
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'owl', 520, now() - interval '200 days');
SELECT trackagoat.observe_videos(array_agg(v.id), array_agg(date_trunc('second', CASE WHEN v.tiktok_video_id = 520 THEN now() - interval '1 minute' ELSE v.posted_at + interval '7 hours' END)), array_agg(50000 + v.tiktok_video_id), array_agg(10), array_agg(1), array_agg(1), array_agg(1))
FROM trackagoat.video v WHERE v.creator_id = :'owl' AND v.tiktok_video_id <> 500 AND v.posted_at + interval '7 hours' <= now() \g /dev/null
SELECT trackagoat.observe_creator(:'owl', date_trunc('second', now()), 5, NULL, NULL, NULL) \g /dev/null
-- by the histories and, where they tell, by the totals
CREATE FUNCTION pg_temp.differ(project uuid, creator uuid) RETURNS SETOF text LANGUAGE sql AS
$$
	SELECT concat_ws(' ', d.day, n.goal_type, n.period, n.actual, n.status, h.actual, h.status)
	FROM generate_series(current_date - 12, current_date + 1, '1 day') d (day), trackagoat.goal_compliance(project, d.day::date, creator) n
	JOIN trackagoat.goal_compliance(project, d.day::date, creator, at => now()) h USING (goal_id)
	WHERE (n.actual, n.projected, n.status) IS DISTINCT FROM (h.actual, h.projected, h.status)
$$;
SELECT is_empty(format('SELECT * FROM pg_temp.differ(%L, %L)', :'project', :'owl'), 'before they are folded');
SELECT trackagoat.refresh_totals(:'project') \g /dev/null
SELECT is_empty(format('SELECT * FROM pg_temp.differ(%L, %L)', :'project', :'owl'), 'and after it');
SELECT cmp_ok(count(DISTINCT s.actual), '>', 1::bigint, 'of views that differ') FROM generate_series(current_date - 12, current_date, '1 day') d (day), trackagoat.goal_compliance(:'project', d.day::date, :'owl', 'weekly') s WHERE s.goal_type = 'views';
-- observed before it was published
UPDATE trackagoat.video SET posted_at = now() - interval '2 hours' WHERE tiktok_video_id = 505 AND creator_id = :'owl';
SELECT is_empty(format('SELECT * FROM pg_temp.differ(%L, %L)', :'project', :'owl'), 'nor where a time was corrected');
-- after a rename nothing is known of the account
UPDATE trackagoat.creator SET tiktok_handle = 'owlet' WHERE id = :'owl';
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'owl', 'followers', 10, 'weekly', '2026-01-01');
SELECT is((SELECT (s.advisory ->> 'scrape_stale')::boolean FROM trackagoat.goal_compliance(:'project', for_creator => :'owl') s WHERE s.goal_type = 'posts' LIMIT 1),
	(SELECT (s.advisory ->> 'scrape_stale')::boolean FROM trackagoat.goal_compliance(:'project', for_creator => :'owl', at => clock_timestamp()) s WHERE s.goal_type = 'posts' LIMIT 1), 'whichever goals it has');
SELECT is((SELECT s.status::text FROM trackagoat.goal_compliance(:'project', for_creator => :'owl', at => clock_timestamp()) s WHERE s.goal_type = 'followers'), 'no_data', 'nor its followers');
-- what retention cuts away is remembered
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'project', 'cut') RETURNING id AS cut \gset
SELECT trackagoat.observe_creators(array_agg(:'cut'::uuid), array_agg(o.at), array_agg(o.n), NULL, NULL, NULL)
FROM (VALUES (timestamptz '2026-10-09 12:00+02', 150::bigint), ('2026-10-13 12:00+02', 170)) o (at, n) \g /dev/null
SELECT pg_temp.stand(:'cut', 'followers', 200, 'weekly', '2026-10-13 12:00+02') AS before_cut \gset
UPDATE trackagoat.creator_history SET points = trackagoat.series_cut(points, '2026-10-11 00:00+02') WHERE creator_id = :'cut';
SELECT is(pg_temp.stand(:'cut', 'followers', 200, 'weekly', '2026-10-13 12:00+02'), :'before_cut', 'the level before it is where the week begins');
UPDATE trackagoat.creator_history SET points = trackagoat.series_cut(points, '2026-10-20 00:00+02') WHERE creator_id = :'cut';
SELECT is(pg_temp.stand(:'cut', 'followers', 170, 'weekly', '2026-10-20 12:00+02'), 'on_track actual 170 projected 170', 'even if nothing else is left');
DELETE FROM trackagoat.goal;

--
-- Advisories
--
CREATE FUNCTION pg_temp.advice(creator uuid, period text, at timestamptz, starts_on date DEFAULT '2026-01-01', reference_date date DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	made uuid;
	answer text;
BEGIN
	INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (creator, 'followers', 10, advice.period::trackagoat.goal_period, advice.starts_on) RETURNING id INTO made;
	SELECT string_agg(f.key, ' ' ORDER BY f.key) || ': ' || jsonb_array_length(s.advisory -> 'messages') INTO answer
	FROM trackagoat.goal g, trackagoat.goal_compliance(g.project_id, advice.reference_date, creator, at => advice.at) s, jsonb_each(s.advisory) f
	WHERE g.id = made AND s.goal_id = made AND f.value = 'true' GROUP BY s.advisory;
	DELETE FROM trackagoat.goal g WHERE g.id = made;
	RETURN answer;
END
$$;
SELECT is(pg_temp.advice(:'late', c.period, c.at, c.starts_on, c.day), c.flags, c.says) FROM (VALUES
	('weekly', timestamptz '2026-10-10 12:00+02', date '2026-01-01', NULL::date, 'has_advisory period_in_progress: 1', 'a period that goes on'), ('weekly', '2026-10-08 12:00+02', '2026-10-09', NULL, 'has_advisory not_yet_started: 1', 'a goal to come'),
	('daily', '2026-10-11 00:00+02', '2026-01-01', '2026-10-10', 'has_advisory period_recently_ended: 1', 'a period that has just ended'), ('daily', '2026-10-11 12:00+02', '2026-01-01', '2026-10-08', NULL, 'one that ended three days ago'),
	('daily', '2026-10-11 00:00+02', '2026-01-01', '2026-10-08', NULL, '48 hours ago'), ('daily', '2026-10-10 23:59+02', '2026-01-01', '2026-10-08', 'has_advisory period_recently_ended: 1', 'a minute less'),
	('weekly', '2026-10-11 12:00:01+02', '2026-01-01', NULL, 'has_advisory period_in_progress scrape_stale: 2', 'last seen two days ago'), ('weekly', '2026-10-11 12:00+02', '2026-01-01', NULL, 'has_advisory period_in_progress: 1', 'a second less')) c (period, at, starts_on, day, flags, says);
UPDATE trackagoat.organization SET creator_profile_interval = '6 hours' WHERE id = :'org';
SELECT is(pg_temp.advice(:'late', 'weekly', '2026-10-10 00:00:01+02'), 'has_advisory period_in_progress scrape_stale: 2', 'the interval is the organization''s');
UPDATE trackagoat.organization SET creator_profile_interval = '1 day' WHERE id = :'org';
UPDATE trackagoat.creator SET created_at = '2026-10-01Z' WHERE id = :'kid';
SELECT is(pg_temp.advice(:'kid', 'weekly', '2026-10-08 12:00+02'), 'has_advisory period_in_progress scrape_stale: 2', 'never seen, and added long ago');
SELECT is(pg_temp.advice(:'kid', 'weekly', '2026-10-02 12:00+02'), 'has_advisory period_in_progress: 1', 'never seen, and added yesterday');
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'late', 'followers', 10, 'weekly', '2026-01-01') RETURNING id AS advised \gset
SELECT is(advisory, '{"has_advisory": true, "period_in_progress": true, "period_recently_ended": false, "scrape_stale": false, "not_yet_started": false, "messages": ["The period is not over, so the numbers go on moving."]}', 'the whole of it') FROM trackagoat.goal_compliance(:'project', for_creator => :'late', at => '2026-10-10 12:00+02');
DELETE FROM trackagoat.goal;

--
-- What goal_compliance() answers
--
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'goat', 'posts', 4, 'weekly', '2026-01-01') RETURNING id AS g1 \gset
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'goat', 'posts', 6, 'weekly', '2026-01-01') RETURNING id AS g2 \gset
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'goat', 'posts', 1, 'daily', '2026-10-09') RETURNING id AS g3 \gset
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'kid', 'followers', 100, 'monthly', '2026-01-01') RETURNING id AS k1 \gset
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'kid', 'posts', 20, 'weekly', '2026-01-01') RETURNING id AS k2 \gset
SELECT results_eq(format('SELECT status::text, compliant FROM trackagoat.goal_compliance(%L, at => %L) ORDER BY goal_id', :'project', '2026-10-08 12:00+02'),
	$$VALUES ('on_track', true), ('at_risk', false), ('not_yet_started', NULL), ('no_data', NULL), ('behind_pace', false)$$, 'a row for each goal, and whether it complies');
SELECT results_eq(format('SELECT status::text, compliant FROM trackagoat.goal_compliance(%L, %L, at => %L) ORDER BY goal_id', :'project', '2026-10-08', '2026-10-20 12:00+02'),
	$$VALUES ('missed', false), ('missed', false), ('not_yet_started', NULL), ('no_data', NULL), ('missed', false)$$, 'the same when the week is over');
SELECT is((SELECT array_agg(goal_id ORDER BY goal_id) FROM trackagoat.goal_compliance(:'project', for_creator => :'kid')), ARRAY[:'k1', :'k2']::uuid[], 'those of a creator');
SELECT is((SELECT array_agg(goal_id ORDER BY goal_id) FROM trackagoat.goal_compliance(:'project', for_period => 'weekly')), ARRAY[:'g1', :'g2', :'k2']::uuid[], 'those of a period');
SELECT is((SELECT count(*) FROM trackagoat.goal_compliance(:'east', for_creator => :'kid')), 0::bigint, 'none in another project');
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'kid';
SELECT is((SELECT count(*) FROM trackagoat.goal_compliance(:'project')), 3::bigint, 'only of active creators');
UPDATE trackagoat.creator SET disabled_at = NULL, removed_at = now() WHERE id = :'kid';
SELECT is((SELECT count(*) FROM trackagoat.goal_compliance(:'project')), 3::bigint, 'not of removed ones either');
UPDATE trackagoat.creator SET removed_at = NULL WHERE id = :'kid';

--
-- The overview
--
SELECT is((creators, goals, on_track, behind_pace, at_risk, completed, missed, not_yet_started, no_data, need_attention)::text, '(2,5,1,1,1,0,0,1,1,2)', 'counts by status') FROM trackagoat.goal_overview(:'project', at => '2026-10-08 12:00+02');
SELECT is(attention #>> '{0,tiktok_handle}' || ' ' || (attention #>> '{0,status}') || ' ' || (attention #>> '{0,share}') || ' ' || (attention #>> '{1,tiktok_handle}'), 'goat at_risk 66.67 kid', 'the worst comes first') FROM trackagoat.goal_overview(:'project', at => '2026-10-08 12:00+02');
SELECT is(attention #> '{0,goals}', format('[{"goal_id": "%s", "goal_type": "posts", "period": "weekly", "target": 6, "actual": 2, "projected": 4, "status": "at_risk"}]', :'g2')::jsonb, 'with the goals that are not met') FROM trackagoat.goal_overview(:'project', at => '2026-10-08 12:00+02');
SELECT is(jsonb_array_length(attention), 1, 'as many as are wanted') FROM trackagoat.goal_overview(:'project', shown => 1, at => '2026-10-08 12:00+02');
SELECT is((missed, attention #>> '{0,tiktok_handle}', attention #>> '{0,share}')::text, '(3,goat,33.33)', 'of a week that is over') FROM trackagoat.goal_overview(:'project', '2026-10-08', at => '2026-10-20 12:00+02');
SELECT is((goals, creators, attention)::text, '(0,0,[])', 'of a project without goals') FROM trackagoat.goal_overview(:'east');

--
-- The history of a goal
--
SELECT results_eq(format('SELECT period_start, actual, status::text, streak, current_streak, longest_streak FROM trackagoat.goal_history(%L, 3, %L)', :'k2', '2026-10-20 12:00+02'),
	$$VALUES (date '2026-10-19', NULL::numeric, 'no_data', 0, 0, 0), ('2026-10-12', NULL, 'no_data', 0, 0, 0), ('2026-10-05', 7, 'missed', 0, 0, 0)$$, 'the last periods, newest first');
DELETE FROM trackagoat.goal WHERE id IN (:'g1', :'g2', :'k2');
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) SELECT :'viewed', 200 + n, '2026-10-10 12:00+02'::timestamptz + n * interval '1 day' FROM unnest('{1,2,4,5,6}'::integer[]) n;
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'viewed', 'posts', 1, 'daily', '2026-10-10') RETURNING id AS daily \gset
SELECT results_eq(format('SELECT period_start, status::text, streak, current_streak, longest_streak FROM trackagoat.goal_history(%L, at => %L)', :'daily', '2026-10-17 11:00+02'),
	$$VALUES (date '2026-10-17', 'at_risk', 3, 3, 3), ('2026-10-16', 'completed', 3, 3, 3), ('2026-10-15', 'completed', 2, 3, 3), ('2026-10-14', 'completed', 1, 3, 3),
	('2026-10-13', 'missed', 0, 3, 3), ('2026-10-12', 'completed', 2, 3, 3), ('2026-10-11', 'completed', 1, 3, 3), ('2026-10-10', 'missed', 0, 3, 3)$$, 'streaks, which a day that goes on does not end');
UPDATE trackagoat.goal SET goal_type = 'views_per_post' WHERE id = :'daily';
SELECT results_eq(format('SELECT status::text, streak FROM trackagoat.goal_history(%L, 2, %L)', :'daily', '2026-10-07 11:00+02'), $$VALUES ('not_yet_started', 0)$$, 'before it began');
UPDATE trackagoat.goal SET starts_on = '2026-10-05' WHERE id = :'daily';
SELECT is((SELECT string_agg(status || ' ' || streak, ', ') FROM trackagoat.goal_history(:'daily', 3, '2026-10-07 11:00+02')), 'no_data 0, no_data 0, no_data 0', 'days without data');
SELECT is((SELECT string_agg(status || ' ' || streak, ', ') FROM trackagoat.goal_history(:'daily', 3, '2026-10-07 13:00+02')), 'no_data 1, completed 1, no_data 0', 'of which one that goes on ends nothing');
UPDATE trackagoat.goal SET goal_type = 'posts', starts_on = '2026-10-10' WHERE id = :'daily';
SELECT is((SELECT count(*) FROM trackagoat.goal_history(:'daily', 2, '2026-10-17 11:00+02')), 2::bigint, 'as many as are wanted');
UPDATE trackagoat.goal SET ends_on = '2026-10-12' WHERE id = :'daily';
SELECT is((SELECT string_agg(period_start || ' ' || status, ', ') FROM trackagoat.goal_history(:'daily', at => '2026-10-17 11:00+02')), '2026-10-12 completed, 2026-10-11 completed, 2026-10-10 missed', 'of a goal that has ended its own');
UPDATE trackagoat.creator SET disabled_at = now() WHERE id = :'viewed';
SELECT is((SELECT count(*) FROM trackagoat.goal_history(:'daily', at => '2026-10-17 11:00+02')), 3::bigint, 'of a creator that is disabled too');
UPDATE trackagoat.creator SET disabled_at = NULL WHERE id = :'viewed';
SELECT is((SELECT string_agg(period_start || ' ' || status, ', ') FROM trackagoat.goal_history(:'daily', at => '2026-10-09 11:00+02')), '2026-10-09 not_yet_started', 'of one to come');
SELECT is(pg_temp.refusal(format('SELECT FROM trackagoat.goal_history(%L)', gen_random_uuid())), 'PT404 goal_not_found', 'of none');
SELECT is(pg_temp.refusal(format('SELECT FROM trackagoat.goal_history(%L, %s)', :'daily', n)), 'PT400 invalid_periods', n || ' periods') FROM unnest(ARRAY['0', '-1', '1001', 'NULL']) n;
INSERT INTO trackagoat.goal (creator_id, goal_type, target, starts_on) VALUES (:'followed', 'followers', 650, '2026-10-01') RETURNING id AS milestone \gset
SELECT results_eq(format('SELECT period_start, period_end, status::text, streak FROM trackagoat.goal_history(%L, at => %L)', :'milestone', '2026-11-17 11:00+01'), $$VALUES (date '2026-10-01', NULL::date, 'completed', 1)$$, 'of a milestone the one');

--
-- The goals of a campaign's creators
--
DELETE FROM trackagoat.goal;
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) SELECT c.id, 'posts', 1, 'weekly', '2026-01-01' FROM trackagoat.creator c WHERE c.project_id = :'project';
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'outer') RETURNING id AS outer \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'project', 'inner') RETURNING id AS inner \gset
INSERT INTO trackagoat.campaign_item (campaign_id, child_campaign_id) VALUES (:'outer', :'inner');
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'inner', :'goat'), (:'outer', :'goat');
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) VALUES (:'outer', :'new');
CREATE FUNCTION pg_temp.of_campaign(campaign uuid) RETURNS text LANGUAGE sql AS
	$$SELECT string_agg(c.tiktok_handle::text, ' ' ORDER BY c.tiktok_handle::text) FROM trackagoat.campaign_goals(campaign, at => '2026-10-08 12:00+02') s JOIN trackagoat.creator c ON c.id = s.creator_id$$;
SELECT is(pg_temp.of_campaign(:'outer'), 'goat viewed', 'creators held anywhere below, and owners of videos, each once');
SELECT is(pg_temp.of_campaign(:'inner'), 'goat', 'of the inner one');
UPDATE trackagoat.video SET tracking_status = 'excluded' WHERE id = :'new';
SELECT is(pg_temp.of_campaign(:'outer'), 'goat', 'a video that does not count brings nobody');
DELETE FROM trackagoat.campaign_item WHERE creator_id = :'goat';
SELECT is(pg_temp.of_campaign(:'outer'), NULL, 'nobody in it, no goal');
SELECT is(pg_temp.refusal(format('SELECT FROM trackagoat.campaign_goals(%L)', gen_random_uuid())), 'PT404 campaign_not_found', 'of no campaign');

--
-- Who is told
--
DELETE FROM trackagoat.goal;
DELETE FROM trackagoat.creator_event;
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'goat', 'posts', 4, 'weekly', '2026-01-01') RETURNING id AS told \gset
CREATE FUNCTION pg_temp.events() RETURNS text LANGUAGE sql AS
	$$SELECT string_agg(concat_ws(' ', e.detail ->> 'period_start', coalesce(e.detail ->> 'from', 'none'), e.detail ->> 'to'), ', ' ORDER BY e.id) FROM trackagoat.creator_event e WHERE e.kind = 'goal_status_changed'$$;
SELECT is(trackagoat.evaluate_goals('2026-10-06 00:30+02'), 1, 'a first look');
SELECT is((status, status_period, status_at, closed_status, closed_period)::text, '(on_track,2026-10-05,"2026-10-05 22:30:00+00",missed,2026-09-28)', 'is written down') FROM (SELECT status, status_period, status_at AT TIME ZONE 'UTC' || '+00' AS status_at, closed_status, closed_period FROM trackagoat.goal) g;
SELECT is(pg_temp.events(), NULL, 'and told to nobody');
SELECT is(trackagoat.evaluate_goals('2026-10-06 00:40+02'), 0, 'again nothing has changed');
SELECT is(trackagoat.evaluate_goals('2026-10-08 12:00+02'), 0, 'nor later');
SELECT is(trackagoat.evaluate_goals('2026-10-09 12:00+02'), 1, 'behind by now');
SELECT is(pg_temp.events(), '2026-10-05 on_track behind_pace', 'is told');
SELECT is((status_at, closed_status)::text, ('2026-10-09 12:00+02'::timestamptz, 'missed')::text, 'with the time') FROM trackagoat.goal;
SELECT is(e.detail, jsonb_build_object('goal_id', :'told', 'goal_type', 'posts', 'period', 'weekly', 'target', 4, 'period_start', '2026-10-05', 'from', 'on_track', 'to', 'behind_pace'), 'in full') FROM (SELECT) one LEFT JOIN trackagoat.creator_event e ON true;
SELECT is((n.creator_id, n.kind, n.subject, n.detail, n.read_at)::text, (:'goat'::uuid, 'goal_status_changed', :'told'::uuid, e.detail, NULL::timestamptz)::text, 'to people too') FROM (SELECT) one LEFT JOIN trackagoat.notification n ON true LEFT JOIN trackagoat.creator_event e ON true;
SELECT is(trackagoat.evaluate_goals('2026-10-12 12:00+02'), 1, 'in the next week');
SELECT is(pg_temp.events(), '2026-10-05 on_track behind_pace, 2026-10-05 behind_pace missed, 2026-10-12 behind_pace on_track', 'how the last one ended, and how this one begins');
-- found within two days after the end: the last week was not missed
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'goat', 40, '2026-10-10 12:00+02'), (:'goat', 41, '2026-10-10 12:00+02');
SELECT is(trackagoat.evaluate_goals('2026-10-13 12:00+02'), 1, 'posts that are found later');
SELECT alike(pg_temp.events(), '%, 2026-10-05 missed completed%', 'make it completed');
DELETE FROM trackagoat.video WHERE tiktok_video_id = 41;
SELECT trackagoat.evaluate_goals('2026-10-15 12:00+02') \g /dev/null
SELECT is(closed_status::text, 'completed', 'after two days it stays as it is') FROM trackagoat.goal;
SELECT is((SELECT count(*) FROM trackagoat.notification), (SELECT count(*) FROM trackagoat.creator_event WHERE kind = 'goal_status_changed'), 'a notification for each');
-- an evaluation that began before midnight ends after one that began then
DELETE FROM trackagoat.creator_event;
DELETE FROM trackagoat.notification;
UPDATE trackagoat.goal SET period = 'daily', target = 1, status = NULL, status_period = NULL, closed_status = NULL, closed_period = NULL;
SELECT trackagoat.evaluate_goals('2026-10-10 23:55+02'), trackagoat.evaluate_goals('2026-10-11 00:00+02') \g /dev/null
SELECT pg_temp.events() AS over \gset
SELECT is(:'over'::text, '2026-10-10 on_track completed, 2026-10-11 on_track at_risk', 'the end of a day, and the next');
SELECT trackagoat.evaluate_goals('2026-10-10 23:59:59+02'), trackagoat.evaluate_goals('2026-10-11 00:05+02') \g /dev/null
SELECT is(pg_temp.events(), :'over', 'are told once');
-- a goal that ends keeps how it ended
UPDATE trackagoat.goal SET ends_on = '2026-10-11';
SELECT trackagoat.evaluate_goals('2026-10-12 00:05+02') \g /dev/null
SELECT is((status, status_period, closed_status, closed_period)::text, '(missed,2026-10-11,missed,2026-10-11)', 'a goal that has ended keeps how it did') FROM trackagoat.goal;
SELECT is(pg_temp.events(), :'over' || ', 2026-10-11 at_risk missed', 'told once as well');
SELECT is(trackagoat.evaluate_goals('2026-10-12 00:10+02') + trackagoat.evaluate_goals('2026-10-20 00:10+02'), 0, 'and nothing after it');
-- weeks begin on another day: none that overlaps one that was told
UPDATE trackagoat.goal SET period = 'weekly', ends_on = NULL;
SELECT is((status, closed_period)::text, '(,)', 'another period has not been looked at') FROM trackagoat.goal;
SELECT trackagoat.evaluate_goals('2026-10-20 12:00+02') \g /dev/null
SELECT pg_temp.events() AS before \gset
UPDATE trackagoat.organization SET week_starts_on = 7 WHERE id = :'org';
SELECT trackagoat.evaluate_goals('2026-10-20 12:10+02') \g /dev/null
SELECT is((SELECT closed_period FROM trackagoat.goal), '2026-10-12', 'the week that was told stays');
SELECT is(pg_temp.events(), :'before', 'and nobody is told of another');
UPDATE trackagoat.organization SET week_starts_on = 1 WHERE id = :'org';
-- a restore tells nothing
CREATE TEMP TABLE saved AS SELECT * FROM trackagoat.goal;
DELETE FROM trackagoat.goal;
SELECT pg_temp.events() AS before \gset
INSERT INTO trackagoat.goal SELECT * FROM saved;
SELECT is(pg_temp.events(), :'before', 'a goal that comes from a backup is told of by nobody');
UPDATE trackagoat.goal SET target = 1;
SELECT is(pg_temp.events(), :'before', 'nor is one that a person changes');
-- right after a scrape
DELETE FROM trackagoat.goal;
INSERT INTO trackagoat.goal (creator_id, goal_type, target, starts_on) VALUES (:'followed', 'followers', 5000, '2026-01-01') RETURNING id AS milestone \gset
SELECT trackagoat.evaluate_goals() \g /dev/null
UPDATE trackagoat.creator SET tiktok_account_id = 77 WHERE id = :'followed';
SELECT is(trackagoat.store_scrape(:'org', 'creator_profile', 'followed', NULL, now(), '{"source": "profile_page", "exact": true, "account": {"id": "77", "follower_count": 5001}}'), 'ok', 'a profile');
SELECT is((SELECT status::text FROM trackagoat.goal), 'completed', 'is looked at at once');
SELECT is((SELECT detail ->> 'to' FROM trackagoat.notification WHERE subject = :'milestone'), 'completed', 'and told of');
-- a page of a video, and a list that shows another handle
INSERT INTO trackagoat.creator (project_id, tiktok_handle, tiktok_account_id) VALUES (:'project', 'scraped', 78) RETURNING id AS scraped \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, tiktok_handle, posted_at) VALUES (:'scraped', 900, 'scraped', now() - interval '1 minute');
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'scraped', 'views', 10, 'monthly', '2026-01-01') RETURNING id AS seen_goal \gset
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'scraped', 'posts', 1000000000, 'monthly', '2026-01-01') RETURNING id AS listed_goal \gset
SELECT is(trackagoat.store_scrape(:'org', 'video_stats', NULL, 900, now(), '{"source": "video_page", "exact": true, "account": {"id": "78"}, "videos": [{"tiktok_video_id": "900", "tiktok_handle": "scraped", "kind": "video", "view_count": 1000000}]}'), 'ok', 'a video');
SELECT is((SELECT status::text FROM trackagoat.goal WHERE id = :'seen_goal'), 'on_track', 'has its creator''s goals looked at');
UPDATE trackagoat.goal SET status = NULL, status_period = NULL;
SELECT is(trackagoat.store_scrape(:'org', 'discover_videos', 'scraped', NULL, now(), '{"source": "item_list", "exact": true, "account": {"id": "78", "tiktok_handle": "scraped.goat"}, "videos": []}'), 'ok', 'a list that shows another handle');
SELECT is((SELECT count(*) FROM trackagoat.goal WHERE creator_id = :'scraped' AND status IS NOT NULL), 2::bigint, 'as well');
SELECT is((SELECT tiktok_handle::text FROM trackagoat.creator WHERE id = :'scraped'), 'scraped.goat', 'which is followed');
-- a goal that cannot be evaluated is in the way of no other project, and of no page
UPDATE trackagoat.goal SET status = NULL, status_period = NULL;
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'moa', 'posts', 1, 'weekly', '2026-01-01');
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON trackagoat.goal FOR EACH ROW WHEN (OLD.goal_type = 'views') EXECUTE FUNCTION pg_temp.refuse();
SET client_min_messages = error;
SELECT trackagoat.evaluate_goals() \g /dev/null
RESET client_min_messages;
SELECT is((SELECT string_agg((status IS NOT NULL)::text, ' ' ORDER BY creator_id = :'moa') FROM trackagoat.goal WHERE creator_id IN (:'moa', :'scraped')), 'false false true', 'an error is its own project''s');
DROP TRIGGER refuse ON trackagoat.goal;
DELETE FROM trackagoat.goal WHERE creator_id <> :'followed';

--
-- The clock and the zone
--
SELECT results_eq('SELECT schedule, command FROM trackagoat.cron_jobs() ORDER BY place', $$VALUES ('* * * * *', 'SELECT trackagoat.enqueue_due()'), ('*/5 * * * *', 'SELECT trackagoat.evaluate_goals()'), ('*/10 * * * *', 'SELECT trackagoat.prune()')$$, 'what pg_cron is to do');
SELECT is(pg_temp.refusal(format('UPDATE trackagoat.organization SET week_starts_on = %s', d)), '23514 organization_week_starts_on_check', 'no week begins on day ' || d) FROM unnest('{0,8}'::integer[]) d;
ALTER TABLE trackagoat.organization DROP CONSTRAINT organization_timezone_check;
UPDATE trackagoat.organization SET timezone = 'Mars/Olympus' WHERE id = :'auckland';
SELECT is(pg_temp.refusal(format('SELECT FROM trackagoat.goal_compliance(%L)', :'east')), 'PT400 invalid_timezone', 'a zone that the server does not know any more');

--
-- Row security: a reader of one organization
--
CREATE ROLE trackagoat_goal_reader;
GRANT USAGE ON SCHEMA trackagoat TO trackagoat_goal_reader;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA trackagoat TO trackagoat_goal_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA trackagoat TO trackagoat_goal_reader;
CREATE POLICY reader ON trackagoat.organization FOR SELECT TO trackagoat_goal_reader USING (name = 'Vienna');
SELECT format('CREATE POLICY reader ON trackagoat.%I FOR SELECT TO trackagoat_goal_reader USING (org_id = %L)', t, :'org') FROM unnest('{project,creator,video,goal,creator_history,video_history,campaign,campaign_item}'::text[]) t \gexec
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'west', 'theirs') RETURNING id AS theirs \gset
INSERT INTO trackagoat.goal (creator_id, goal_type, target, period, starts_on) VALUES (:'bear', 'posts', 1, 'weekly', '2026-01-01') RETURNING id AS their_goal \gset
SET ROLE trackagoat_goal_reader;
SELECT count(*) AS own FROM trackagoat.goal_compliance(:'project') \gset
SELECT count(*) AS others FROM trackagoat.goal_compliance(:'west') \gset
SELECT goals AS counted FROM trackagoat.goal_overview(:'west') \gset
SELECT pg_temp.refusal(format('SELECT FROM trackagoat.goal_history(%L)', :'their_goal')) AS no_history, pg_temp.refusal(format('SELECT FROM trackagoat.campaign_goals(%L)', :'theirs')) AS no_campaign \gset
RESET ROLE;
SELECT is((:own, :others, :counted, :'no_history'::text, :'no_campaign'::text)::text, '(1,0,0,"PT404 goal_not_found","PT404 campaign_not_found")', 'has the goals of its own, and of others none');
DELETE FROM trackagoat.goal WHERE id = :'their_goal';
DELETE FROM trackagoat.creator WHERE id = :'followed';
SELECT is((SELECT count(*) FROM trackagoat.goal) + (SELECT count(*) FROM trackagoat.notification WHERE subject = :'milestone'), 0::bigint, 'goals and notifications go with their creator');

SELECT * FROM finish();
ROLLBACK;
