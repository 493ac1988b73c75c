-- Bulk verbs against the rows that they write, written set by set into the same
-- tables: with their keys and indexes, without triggers.  Medians of five runs in
-- turn, after one that warms up.
\if :{?scale}
\else
	\set scale 1
\endif
SELECT round(10000 * :scale)::integer AS rows \gset
SET search_path TO public, trackagoat;
SET client_min_messages = warning;
\pset tuples_only on
\pset format unaligned

INSERT INTO organization (name) VALUES ('bench') RETURNING id AS org \gset
INSERT INTO project (org_id, name) VALUES (:'org', 'bench') RETURNING id AS project \gset

-- what a run writes is undone, so that each finds the same tables
CREATE FUNCTION undone(statements text) RETURNS float8 LANGUAGE plpgsql AS
$$
DECLARE
	started timestamptz;
	ms float8;
BEGIN
	started := clock_timestamp();
	EXECUTE statements;
	-- what waits for the commit belongs to the time
	SET CONSTRAINTS ALL IMMEDIATE;
	ms := extract(epoch FROM clock_timestamp() - started) * 1000;
	RAISE SQLSTATE 'XX123' USING MESSAGE = ms::text;
EXCEPTION WHEN SQLSTATE 'XX123' THEN
	RETURN SQLERRM::float8;
END
$$;

CREATE TABLE timing (name text, run integer, ours float8, setwise float8);
CREATE PROCEDURE enable_triggers(enabled boolean) LANGUAGE plpgsql AS
$$
DECLARE
	t regclass;
BEGIN
	FOREACH t IN ARRAY '{creator,video,scrape_job,creator_event,total_difference}'::regclass[] LOOP
		EXECUTE format('ALTER TABLE %s %s TRIGGER USER', t, CASE WHEN enabled THEN 'ENABLE' ELSE 'DISABLE' END);
	END LOOP;
END
$$;

-- the rows that a run of ours leaves
CREATE TABLE wanted_creator (LIKE creator INCLUDING GENERATED);
CREATE TABLE wanted_job (LIKE scrape_job INCLUDING GENERATED);
CREATE TABLE wanted_event (LIKE creator_event);
CREATE TABLE wanted_difference (LIKE total_difference);
CREATE TABLE given AS SELECT array_agg('goat.' || i ORDER BY i) AS handles FROM generate_series(1, :rows) i;

-- --- 10,000 creators in one call ---------------------------------------------------------

SELECT count(*) AS added FROM given, add_creators(:'project', handles) \gset
CREATE FUNCTION columns_of(regclass) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = '' $$;
SELECT columns_of('creator') AS columns, columns_of('scrape_job') AS job_columns \gset
INSERT INTO wanted_job (:job_columns) SELECT :job_columns FROM scrape_job;
INSERT INTO wanted_event SELECT * FROM creator_event;
INSERT INTO wanted_creator (:columns) SELECT :columns FROM creator;
DELETE FROM creator;
DELETE FROM scrape_job;
VACUUM (ANALYZE);
\set name add_creators
SELECT format('SELECT count(*) FROM given, add_creators(%L, handles)', :'project') AS ours,
	format('INSERT INTO creator (%1$s) SELECT %1$s FROM wanted_creator; INSERT INTO scrape_job (%2$s) SELECT %2$s FROM wanted_job;
		INSERT INTO creator_event SELECT * FROM wanted_event', :'columns', :'job_columns') AS setwise \gset
\ir common/bulk.sql

-- --- 10,000 videos reviewed in one statement -----------------------------------------------

SELECT count(*) AS added FROM given, add_creators(:'project', handles[1:100]) \gset
INSERT INTO video (creator_id, tiktok_video_id, tracking_status, posted_at)
SELECT c.id, (1700000000::bigint << 32) + row_number() OVER (), 'pending_review', '2026-06-01Z'::timestamptz + random() * interval '90 days'
FROM creator c, generate_series(1, :rows / 100);
SELECT observe_videos(array_agg(v.id), array_agg(v.posted_at + d * interval '1 day'), array_agg(d * 1000 + 100), array_agg(d * 10), array_agg(d), array_agg(d), array_agg(d)) AS stored
FROM video v, generate_series(1, 7) d \gset
DELETE FROM total_difference;
SELECT count(*) AS reviewed FROM review_videos((SELECT array_agg(id) FROM video), 'included') \gset
INSERT INTO wanted_difference SELECT * FROM total_difference;
DELETE FROM total_difference;
UPDATE video SET tracking_status = 'pending_review';
DELETE FROM total_difference;
VACUUM (ANALYZE);
\set name review_videos
\set ours 'SELECT count(*) FROM review_videos((SELECT array_agg(id) FROM video), \'included\')'
\set setwise 'UPDATE video SET tracking_status = \'included\', updated_at = now(); INSERT INTO total_difference (org_id, project_id, creator_id, video_id, differences) SELECT v.org_id, v.project_id, v.creator_id, v.id, video_amounts(v.id, v.org_id, v.posted_at, 1) FROM video v'
\ir common/bulk.sql
-- the same against differences that somebody has worked out before
\set name review_videos_given
\set setwise 'UPDATE video SET tracking_status = \'included\', updated_at = now(); INSERT INTO total_difference OVERRIDING SYSTEM VALUE SELECT * FROM wanted_difference'
\ir common/bulk.sql
