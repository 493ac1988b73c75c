-- What scrape.mjs has fetched, in a copy of this database for each run: a project's
-- accounts, which nobody has looked at yet.  Of scale 1: 10,000, a profile page and
-- a list of videos each.
\if :{?scale}
\else
	\set scale 1
\endif
SELECT round(10000 * :scale) AS accounts \gset
SET search_path TO public, trackagoat;

INSERT INTO organization (name) VALUES ('bench') RETURNING id AS org \gset
INSERT INTO project (org_id, name) VALUES (:'org', 'bench') RETURNING id AS project \gset
SELECT count(*) AS added FROM add_creators(:'project', (SELECT array_agg('goat.' || n ORDER BY n) FROM generate_series(1, :accounts) n),
	tracking_start_date => '2025-01-01') \gset
VACUUM (ANALYZE);
