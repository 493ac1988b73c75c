-- Analytics by the v1 API.
\set ON_ERROR_STOP on
BEGIN;
SET search_path TO public, pg_catalog;
SET timezone TO 'UTC';
SET jit TO off;
SET client_min_messages TO warning;
SELECT no_plan();

\ir api.psql
\ir refusal.psql

INSERT INTO trackagoat.plan (plan, limit_key, max) VALUES ('month', 'stats_history_retention_days', 30), ('week', 'stats_history_retention_days', 7), ('ever', 'stats_history_retention_days', 9223372036854775807);
INSERT INTO trackagoat.organization (name, timezone) VALUES ('A', 'Europe/Vienna') RETURNING id AS a \gset
INSERT INTO trackagoat.organization (name) VALUES ('B') RETURNING id AS b \gset
INSERT INTO caller VALUES ('a', :'a', '{read,write}'), ('b', :'b', '{read,write}'), ('reader', :'a', '{read}'), ('writer', :'a', '{write}');
INSERT INTO trackagoat.project (org_id, name) VALUES (:'a', 'P') RETURNING id AS p \gset
INSERT INTO trackagoat.project (org_id, name) VALUES (:'b', 'R') RETURNING id AS r \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'p', 'hand') RETURNING id AS hand \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'p', 'idle') RETURNING id AS idle \gset
INSERT INTO trackagoat.creator (project_id, tiktok_handle) VALUES (:'r', 'wolf') RETURNING id AS wolf \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, title, posted_at) VALUES (:'hand', 1, E'He said "hi",\r\nthen left', '2025-02-01 12:00Z') RETURNING id AS left \gset
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) VALUES (:'hand', 2, '2025-02-04 22:59Z') RETURNING id AS right \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'p', 'palm') RETURNING id AS palm \gset
INSERT INTO trackagoat.campaign (project_id, name) VALUES (:'p', 'fist') RETURNING id AS fist \gset
INSERT INTO trackagoat.campaign_item (campaign_id, creator_id) VALUES (:'palm', :'hand');
SELECT sum(trackagoat.observe_video(v::uuid, t::timestamptz, views, likes, 0, NULL, saves)) AS n FROM (VALUES (:'left', '2025-02-01 12:00Z', 100, 10, 1), (:'left', '2025-02-02 12:00Z', 150, 14, 2),
	(:'left', '2025-02-04 12:00Z', 250, 24, 2), (:'left', '2025-02-06 12:00Z', 240, 24, 1), (:'right', '2025-02-04 23:00Z', 1000, 50, NULL), (:'right', '2025-02-06 12:00Z', 1500, 90, 4)) o (v, t, views, likes, saves) \gset
SELECT sum(trackagoat.observe_creator(:'hand', t::timestamptz, f, NULL, NULL, NULL)) AS n FROM (VALUES ('2025-02-02 12:00Z', 1000), ('2025-02-04 12:00Z', 1100)) o (t, f) \gset

-- --- as JSON --------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.analyze(who text, arguments text) RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_temp.ask(who, 'GET /analytics?' || arguments) $$;
SELECT is(pg_temp.analyze('a', 'entity=creator&metric=views&from=2025-02-01&to=2025-02-02&entity_id=' || :'hand') - ARRAY['headers', 'meta'], jsonb_build_object('status', 200, 'error', NULL, 'data', jsonb_build_object('entity', 'creator', 'metric', 'views',
	'mode', 'new', 'granularity', 'day', 'unit', 'count', 'tz', 'Europe/Vienna', 'from', '2025-02-01', 'to', '2025-02-02', 'breakdown_series', '[]'::jsonb, 'tier_retention_days', NULL,
	'series', jsonb_build_array(jsonb_build_object('entity_ref', jsonb_build_object('id', :'hand', 'label', 'hand'), 'series_kind', 'main', 'points',
		'[{"bucket": "2025-02-01", "value": 0, "is_partial": false, "is_baseline": true}, {"bucket": "2025-02-02", "value": 50, "is_partial": false, "is_baseline": false}]'::jsonb)))), 'a creator''s views');
-- every series of an answer: kind, label, values
CREATE FUNCTION pg_temp.lines(answer jsonb, name text = 'series') RETURNS text LANGUAGE sql AS
$$
	SELECT string_agg(concat_ws(' ', s ->> 'series_kind', s #>> '{entity_ref,label}', (SELECT string_agg(coalesce(p.point ->> 'value', '-'), ',' ORDER BY p.place) FROM jsonb_array_elements(s -> 'points') WITH ORDINALITY p (point, place))), '; ' ORDER BY place)
	FROM jsonb_array_elements(answer -> 'data' -> name) WITH ORDINALITY d (s, place)
$$;
SELECT is(concat_ws(' ', i #>> '{data,unit}', pg_temp.lines(i)), w, u) FROM (VALUES
	('entity=video&metric=views&entity_id=' || :'right', 'count main 2 0,0,0,0,0,500,0'), ('entity=video&metric=views&mode=cumulative&entity_id=' || :'right', 'count main 2 -,-,-,-,1000,1500,1500'), ('entity=creator&metric=likes&mode=rate&granularity=week&entity_id=' || :'hand', 'count main hand 2,10'),
	('entity=creator&metric=engagement_rate_by_views&entity_id=' || :'hand', 'percent main hand -,10,-,10,-,7.959184,-'), ('entity=creator&metric=engagement_rate_by_followers&entity_id=' || :'hand', 'percent main hand -,0.5,0,0.909091,0,3.545455,0'),
	('entity=creator&metric=posts_per_week&entity_id=' || :'hand', 'count main hand 7,0,0,7,0,0,0'), ('entity=campaign&metric=avg_views_per_post&entity_id=' || :'palm', 'count main palm 0,50,0,50,0,245,0'),
	('entity=project&metric=growth_rate_pop&base_metric=posts&entity_id=' || :'p', 'percent main P -,0,0,100,0,0,0'), ('entity=creator&metric=followers&mode=cumulative&entity_ids=' || :'hand' || '%2C' || :'idle', 'count main hand -,1000,1000,1100,1100,1100,1100; main idle -,-,-,-,-,-,-'),
	('entity=creator&metric=views&tz=Pacific%2FKiritimati&entity_id=' || :'hand', 'count main hand 0,0,50,0,100,0,490')) v (u, w), pg_temp.analyze('a', 'from=2025-02-01&to=2025-02-07&' || u) i;
SELECT is(pg_temp.lines(pg_temp.analyze('a', 'entity=creator&metric=views&from=2025-02-05&to=2025-02-06&compare=prior_period&entity_ids=' || :'idle' || ',' || upper(:'hand'))), 'main idle 0,0; main hand 0,490; prior_period idle 0,0; prior_period hand 0,100', 'several entities in their order, with the days before');
SELECT is(pg_temp.analyze('a', 'entity=video&metric=views&granularity=month&tz=UTC&from=2025-01-31&to=2025-02-28&entity_id=' || :'left') #> '{data,series,0,points}', '[{"bucket": "2025-01-01", "value": 0, "is_partial": true, "is_baseline": false}, {"bucket": "2025-02-01", "value": 140, "is_partial": false, "is_baseline": true}]', 'a bucket that is cut is partial');
SELECT is((i -> 'from', i -> 'to', jsonb_array_length(i #> '{series,0,points}'), i #> '{series,0,points,29,is_partial}')::text, format('("""%s""","""%s""",30,true)', (now() AT TIME ZONE 'Europe/Vienna')::date - 29, (now() AT TIME ZONE 'Europe/Vienna')::date), 'the last 30 days, of which today is not over')
	FROM pg_temp.analyze('a', 'entity=project&metric=posts&entity_id=' || :'p') a, LATERAL (SELECT a -> 'data') d (i);
SELECT is((i -> 'from', i -> 'to')::text, w, u) FROM (VALUES ('from=2025-02-01', '("""2025-02-01""","""2025-03-02""")'), ('to=2025-02-01', '("""2025-01-03""","""2025-02-01""")')) v (u, w), LATERAL (SELECT pg_temp.analyze('a', 'entity=project&metric=posts&entity_id=' || :'p' || '&' || u) -> 'data') d (i);

-- --- a campaign by video --------------------------------------------------------------------

-- twelve videos that gain 1, 2, ..., 12 on the second day
INSERT INTO trackagoat.video (project_id, tiktok_video_id, title) SELECT :'p', 100 + n, 'v' || n FROM generate_series(1, 12) n;
INSERT INTO trackagoat.campaign_item (campaign_id, video_id) SELECT :'fist', id FROM trackagoat.video WHERE title ~ '^v[0-9]';
SELECT sum(trackagoat.observe_video(v.id, t::timestamptz, 50 + (v.tiktok_video_id - 100) * d, 0, 0, 0, 0)) AS n FROM trackagoat.video v, (VALUES ('2025-02-01 12:00Z', 0), ('2025-02-02 12:00Z', 1)) o (t, d) WHERE v.title ~ '^v[0-9]' \gset
SELECT pg_temp.analyze('a', 'entity=campaign&metric=views&breakdown=video&from=2025-02-01&to=2025-02-02&entity_id=' || :'fist') AS broken \gset
SELECT is(pg_temp.lines(:'broken', 'breakdown_series'), (SELECT string_agg(format('breakdown v%s 0,%1$s', n), '; ' ORDER BY n DESC) FROM generate_series(3, 12) n) || '; breakdown Other 0,3', 'the ten best, and all others');
SELECT is(pg_temp.lines(:'broken'), 'main fist 0,78', 'which add up');
SELECT is(:'broken'::jsonb #>> '{data,breakdown_series,10,entity_ref,id}', '__other__', 'the others have an id of their own');
SELECT is(:'broken'::jsonb #>> '{data,breakdown_series,0,entity_ref,id}', id::text, 'and videos theirs') FROM trackagoat.video WHERE title = 'v12';

-- --- as CSV ---------------------------------------------------------------------------------

SELECT pg_temp.analyze('a', 'format=csv&entity=campaign&metric=views&breakdown=video&compare=prior_period&from=2025-02-06&to=2025-02-06&entity_id=' || :'palm') AS sheet \gset
SELECT is(:'sheet'::jsonb -> 'headers', '{"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": "attachment; filename=\"campaign-views-2025-02-06-2025-02-06.csv\""}', 'CSV to save');
SELECT is(:'sheet'::jsonb ->> 'text', concat(E'series_kind,entity_id,label,bucket,value,is_partial,is_baseline\r\n', 'main,', :'palm', E',palm,2025-02-06,490,false,false\r\n', 'prior_period,', :'palm', E',palm,2025-02-05,0,false,true\r\n',
	'breakdown,', :'right', E',2,2025-02-06,500,false,false\r\n', 'breakdown,', :'left', E',"He said ""hi"",\r\nthen left",2025-02-06,-10,false,false\r\n', E'breakdown,__other__,Other,2025-02-06,0,false,false\r\n'), 'a row a point, the kinds one after the other');
SELECT is(pg_temp.analyze('a', 'format=csv&entity=video&metric=views&mode=cumulative&from=2025-02-04&to=2025-02-05&entity_id=' || :'right') ->> 'text', concat(E'series_kind,entity_id,label,bucket,value,is_partial,is_baseline\r\n',
	'main,', :'right', E',2,2025-02-04,,false,false\r\n', 'main,', :'right', E',2,2025-02-05,1000,false,true\r\n'), 'what is not known is empty');
SELECT is(trackagoat.csv_field(t), w, 'a text that a stranger wrote: ' || t) FROM (VALUES ('=HYPERLINK("http://a")', $$"'=HYPERLINK(""http://a"")"$$), ('-1+1', $$'-1+1$$), ('+1', $$'+1$$), ('@SUM(A1)', $$'@SUM(A1)$$),
	(E'\t=1', E'\'\t=1'), (E'\r=1', E'"\'\r=1"'), ('a=1', 'a=1'), ('10-4', '10-4'), ('', '')) v (t, w);
SELECT is(pg_temp.analyze('a', 'format=json&entity=project&metric=posts&entity_id=' || :'p') #>> '{headers,Content-Type}', 'application/json; charset=utf-8', 'or JSON');
SELECT is(pg_temp.told(pg_temp.analyze('a', 'format=csv&entity=project&metric=goats&entity_id=' || :'p')), '400 invalid_metric', 'an error is JSON');

-- --- refusals -------------------------------------------------------------------------------

SELECT is(pg_temp.told(pg_temp.analyze('a', u)), w, u) FROM (VALUES ('metric=views&entity_id=' || :'hand', '400 invalid_query entity'), ('entity=creator&entity_id=' || :'hand', '400 invalid_query metric'), ('entity=creator&metric=views', '400 invalid_query entity_id'),
	('entity=goat&metric=views&entity_id=' || :'hand', '400 invalid_query entity'), ('entity=creator&metric=views&entity_id=x', '400 invalid_query entity_id'), ('entity=creator&metric=views&entity_ids=', '400 invalid_query entity_ids'),
	('entity=creator&metric=views&entity_ids=' || :'hand' || ',x', '400 invalid_query entity_ids[1]'), ('entity=creator&metric=views&entity_ids=' || :'hand' || ',', '400 invalid_query entity_ids[1]'), ('entity=creator&metric=views&entity_ids=' || :'hand' || ',' || :'hand', '400 invalid_query entity_ids'),
	('entity=creator&metric=views&entity_id=' || :'hand' || '&entity_ids=' || :'idle', '400 invalid_query entity_ids'), ('entity=creator&metric=views&entity_ids=' || (SELECT string_agg(gen_random_uuid()::text, ',') FROM generate_series(1, 6)), '400 invalid_query entity_ids'),
	('entity=creator&metric=goats&entity_id=' || :'hand', '400 invalid_metric'), ('entity=video&metric=followers&entity_id=' || :'left', '400 invalid_metric'), ('entity=creator&metric=views&mode=old&entity_id=' || :'hand', '400 invalid_query mode'),
	('entity=creator&metric=posts_per_week&mode=cumulative&entity_id=' || :'hand', '400 invalid_mode'), ('entity=creator&metric=views&granularity=hour&entity_id=' || :'hand', '400 invalid_granularity'), ('entity=creator&metric=views&from=2025-02-30&entity_id=' || :'hand', '400 invalid_query from'),
	('entity=creator&metric=views&to=today&entity_id=' || :'hand', '400 invalid_query to'), ('entity=creator&metric=views&from=2025-02-02&to=2025-02-01&entity_id=' || :'hand', '400 invalid_window'), ('entity=creator&metric=views&from=2000-01-01&to=2025-02-01&entity_id=' || :'hand', '400 invalid_window'),
	('entity=creator&metric=views&tz=Goat%2FIsland&entity_id=' || :'hand', '400 invalid_timezone'), ('entity=creator&metric=views&tz=&entity_id=' || :'hand', '400 invalid_timezone'), ('entity=creator&metric=views&compare=next&entity_id=' || :'hand', '400 invalid_query compare'),
	('entity=creator&metric=growth_rate_pop&entity_id=' || :'hand', '400 invalid_base_metric'), ('entity=creator&metric=views&base_metric=likes&entity_id=' || :'hand', '400 invalid_base_metric'), ('entity=creator&metric=views&format=xml&entity_id=' || :'hand', '400 invalid_query format'),
	('entity=creator&metric=views&breakdown=video&entity_id=' || :'hand', '400 invalid_query breakdown'), ('entity=campaign&metric=views&breakdown=video&entity_ids=' || :'palm' || ',' || :'fist', '400 invalid_query breakdown'), ('entity=campaign&metric=posts&breakdown=video&entity_id=' || :'palm', '400 invalid_metric'),
	('entity=campaign&metric=views&mode=rate&breakdown=video&entity_id=' || :'palm', '400 invalid_mode'), ('entity=creator&metric=views&goats=2&entity_id=' || :'hand', '400 invalid_query goats'),
	('entity=creator&metric=views&entity_id=' || gen_random_uuid(), '404 creator_not_found'), ('entity=campaign&metric=views&entity_id=' || :'hand', '404 campaign_not_found'), ('entity=creator&metric=views&entity_ids=' || :'hand' || ',' || :'wolf', '404 creator_not_found')) v (u, w);

-- --- other organizations --------------------------------------------------------------------

SELECT is(pg_temp.told(pg_temp.analyze('b', format('entity=%s&metric=views&entity_id=%s', e, id))), '404 ' || e || '_not_found', 'a ' || e || ' of another organization') FROM (VALUES ('video', :'left'), ('creator', :'hand'), ('campaign', :'palm'), ('project', :'p')) v (e, id);
SELECT is(pg_temp.lines(pg_temp.analyze('b', 'entity=creator&metric=posts&from=2025-02-01&to=2025-02-01&entity_id=' || :'wolf')), 'main wolf 0', 'they have their own');
SELECT pg_temp.scopes_of('^/analytics$');

-- --- what a plan keeps ----------------------------------------------------------------------

UPDATE trackagoat.organization SET plan = 'month', timezone = 'UTC' WHERE id = :'a';
CREATE FUNCTION pg_temp.since(who text, id uuid, days integer) RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_temp.analyze(who, format('entity=creator&metric=views&entity_id=%s&from=%s', id, (now() AT TIME ZONE 'UTC')::date - days)) $$;
SELECT is(pg_temp.since('a', :'hand', 30) #> '{data,tier_retention_days}', '30', 'as many days as the plan has');
SELECT is(((i -> 'meta') - 'hint') || jsonb_build_object('status', i -> 'status', 'error', i -> 'error'), jsonb_build_object('status', 402, 'error', 'retention_exceeded', 'code', 'retention_exceeded', 'retentionDays', 30, 'earliest', (now() AT TIME ZONE 'UTC')::date - 30), 'and none before') FROM pg_temp.since('a', :'hand', 31) i;
SELECT is(pg_temp.told(pg_temp.analyze('a', 'entity=creator&metric=views&to=2025-02-01&entity_id=' || :'hand')), '402 retention_exceeded', 'by whatever end');
SELECT is(pg_temp.told(pg_temp.analyze('a', 'entity=creator&metric=views&compare=prior_period&entity_id=' || :'hand')), '200', 'the days before what is compared are not asked for');
CREATE FUNCTION pg_temp.compared(since integer, until integer, granularity text) RETURNS text LANGUAGE sql AS
$$
	SELECT concat_ws(' ', count(*) FILTER (WHERE s ->> 'series_kind' = 'prior_period'),
		min((p ->> 'bucket')::date) FILTER (WHERE s ->> 'series_kind' = 'prior_period') - (now() AT TIME ZONE 'UTC')::date)
	FROM jsonb_array_elements(pg_temp.analyze('a', format('entity=creator&metric=posts&compare=prior_period&granularity=%s&from=%s&to=%s&entity_id=%s', granularity,
		(now() AT TIME ZONE 'UTC')::date - since, (now() AT TIME ZONE 'UTC')::date + until, (SELECT id FROM trackagoat.creator WHERE tiktok_handle::text = 'hand'))) #> '{data,series}') s,
		jsonb_array_elements(s -> 'points') p
$$;
SELECT is(pg_temp.compared(2, 0, 'day'), '3 -5', 'what is compared with is shown');
SELECT is(pg_temp.compared(20, 0, 'day'), '10 -30', 'as far as the plan goes');
SELECT is(pg_temp.compared(2, 600, 'day'), '28 -30', 'however far ahead the window goes');
SELECT is(pg_temp.compared(30, 0, 'day'), '0', 'or not at all');
SELECT matches(pg_temp.compared(0, 3000, 'month'), '^[01]( -[12]?[0-9]| -30)?$', 'a month that the plan has not whole is none');
SELECT is(pg_temp.told(pg_temp.ask('a', format('GET %s?reference_date=%s%s', path, (now() AT TIME ZONE 'UTC')::date - days, project))), told, format('%s as of %s days ago', path, days))
FROM (VALUES (33, '200'), (34, '402 retention_exceeded')) d (days, told),
	(VALUES ('/projects/' || :'p' || '/goal-compliance', ''), ('/analytics/aggregate/goal-compliance', '&project_id=' || :'p')) v (path, project);
SELECT is(pg_temp.told(pg_temp.analyze('a', 'entity=creator&metric=views&from=2025-02-01&to=2025-02-02&format=csv&entity_id=' || :'hand')), '402 retention_exceeded', 'CSV has no more');
UPDATE trackagoat.organization SET plan = 'week' WHERE id = :'a';
SELECT is(pg_temp.analyze('a', 'entity=creator&metric=views&entity_id=' || :'hand') #>> '{data,from}', ((now() AT TIME ZONE 'UTC')::date - 7)::text, 'who names no day gets those that there are');
SELECT is(pg_temp.told(pg_temp.since('a', :'hand', 8)), '402 retention_exceeded', 'who does is told');
-- the same by PostgREST
SELECT trackagoat.sign_in(trackagoat.create_api_key(:'a', 'k')) AS signed \gset
SELECT is(pg_temp.refusal(format('SELECT trackagoat_api.analytics(%L, ARRAY[%L]::uuid[], %L, from_date => %L)', 'creator', :'hand', 'views', (now() AT TIME ZONE 'UTC')::date - 8)), 'PT402 retention_exceeded', 'analytics() of the API refuses as well');
SELECT is(count(*), 7::bigint, 'and compares with no more') FROM trackagoat_api.analytics('creator', ARRAY[:'hand']::uuid[], 'posts', from_date => (now() AT TIME ZONE 'UTC')::date, to_date => (now() AT TIME ZONE 'UTC')::date + 600, compare => 'prior_period')
WHERE series_kind = 'prior_period';
SELECT is(pg_temp.refusal(format('SELECT trackagoat_api.goal_compliance(%L, %L)', :'p', (now() AT TIME ZONE 'UTC')::date - d)), told, format('goal_compliance() %s days ago', d)) FROM (VALUES (33, 'accepted'), (34, 'PT402 retention_exceeded')) v (d, told);
SELECT is(count(*), 8::bigint, 'and answers what there is') FROM trackagoat_api.analytics('creator', ARRAY[:'hand']::uuid[], 'views');
-- campaign_stats() and content_calendar() of the API show the same days
CREATE FUNCTION pg_temp.stats(campaign uuid, since integer, until integer DEFAULT 0) RETURNS text LANGUAGE sql AS
	$$ SELECT pg_temp.refusal(format('SELECT trackagoat_api.campaign_stats(%L, %L, %L)', campaign, (now() AT TIME ZONE 'UTC')::date - since, (now() AT TIME ZONE 'UTC')::date - until)) $$;
SELECT is(pg_temp.stats(:'palm', since), said, format('campaign_stats() since %s days ago: %s', since, said)) FROM (VALUES (0, 'accepted'), (7, 'accepted'), (8, 'PT402 retention_exceeded'), (3000, 'PT402 retention_exceeded')) v (since, said);
SELECT is(pg_temp.stats(:'palm', since, until), 'PT402 retention_exceeded', format('from %s to %s days ago', since, until)) FROM (VALUES (3000, 2990), (NULL, 0), (NULL, 2990)) v (since, until);
SELECT is(pg_temp.stats(:'palm', 7, NULL), 'accepted', 'a window without a last day is until today');
SELECT is(pg_temp.refusal(format('SELECT trackagoat_api.campaign_stats(%L, %L)', :'palm', d)), said, 'from ' || d) FROM (VALUES ('-infinity', 'PT402 retention_exceeded'), ('infinity', 'PT400 invalid_window')) v (d, said);
SELECT is(views, 1740::bigint, 'totals to date have all that there ever was') FROM trackagoat_api.campaign_stats(:'palm');
INSERT INTO trackagoat.video (creator_id, tiktok_video_id, posted_at) SELECT :'hand', 1000 + n, now() - n * interval '1 day' FROM generate_series(0, 70) n;
CREATE FUNCTION pg_temp.calendar(project uuid, month date) RETURNS TABLE (day date, posts bigint) LANGUAGE sql AS $$ SELECT day, posts FROM trackagoat_api.content_calendar(project, month) $$;
CREATE FUNCTION pg_temp.shown_days(days integer) RETURNS TABLE (day date, posts bigint) LANGUAGE sql AS
	$$ SELECT d::date, CASE WHEN d <= now() AT TIME ZONE 'UTC' THEN 1 ELSE 0 END::bigint FROM generate_series((now() AT TIME ZONE 'UTC')::date - days, date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month -1 day', '1 day') d $$;
-- every month back to that of the first day shown, one after the other
CREATE FUNCTION pg_temp.all_months(project uuid, days integer) RETURNS TABLE (day date, posts bigint) LANGUAGE sql AS
	$$ SELECT c.* FROM generate_series(date_trunc('month', (now() AT TIME ZONE 'UTC')::date - days + time '00:00'), now() AT TIME ZONE 'UTC', '1 month') m, pg_temp.calendar(project, m::date) c $$;
SELECT results_eq(format('SELECT * FROM pg_temp.all_months(%L, 7) ORDER BY day', :'p'), 'SELECT * FROM pg_temp.shown_days(7)', 'content_calendar() has the seven days before today');
UPDATE trackagoat.organization SET plan = 'month' WHERE id = :'a';
SELECT results_eq(format('SELECT * FROM pg_temp.all_months(%L, 30) ORDER BY day', :'p'), 'SELECT * FROM pg_temp.shown_days(30)', 'or thirty, as the plan has');
SELECT is(pg_temp.refusal(format('SELECT * FROM trackagoat_api.content_calendar(%L, %L)', :'p', m)), said, format('a month of %s: %s', m, said)) FROM (VALUES
	(date_trunc('month', (now() AT TIME ZONE 'UTC')::date - 30 - interval '1 month')::date, 'PT402 retention_exceeded'), ('2025-02-01', 'PT402 retention_exceeded'), ('-infinity', 'PT400 invalid_window'), (NULL, 'accepted')) v (m, said);
UPDATE trackagoat.organization SET timezone = 'Pacific/Kiritimati' WHERE id = :'a';
SELECT is(min(day), greatest((now() AT TIME ZONE 'Pacific/Kiritimati')::date - 30, date_trunc('month', (now() AT TIME ZONE 'Pacific/Kiritimati')::date - 30 + time '00:00')::date), 'in the organization''s time zone')
FROM trackagoat_api.content_calendar(:'p', (now() AT TIME ZONE 'Pacific/Kiritimati')::date - 30);
UPDATE trackagoat.organization SET plan = 'ever', timezone = 'UTC' WHERE id = :'a';
SELECT is(pg_temp.stats(:'palm', 3000), 'accepted', 'of a plan without end campaign_stats() has every day');
SELECT is(count(*), 28::bigint, 'and content_calendar() every month') FROM pg_temp.calendar(:'p', '2025-02-01');
SELECT is((pg_temp.told(i), i #> '{data,tier_retention_days}')::text, '(200,9223372036854775807)', 'a plan may go back further than the calendar') FROM pg_temp.since('a', :'hand', 3000) i;
UPDATE trackagoat.organization SET plan = NULL WHERE id = :'a';
SELECT is((pg_temp.told(i), i #> '{data,tier_retention_days}')::text, '(200,null)', 'no plan has no end') FROM pg_temp.since('a', :'hand', 3000) i;

SELECT * FROM finish();
ROLLBACK;
