-- What make demo tracks: the accounts of :handles, names or profile URLs.
\set QUIET on

WITH o AS (
	INSERT INTO trackagoat.organization (name) VALUES ('Goat Works') RETURNING id
), p AS (
	INSERT INTO trackagoat.project (org_id, name, description)
	SELECT id, 'Spring launch', 'creators who show our cheese and soap' FROM o RETURNING id
)
INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_start_date)
SELECT p.id, trackagoat.parse_handle(h), current_date - 90
FROM p, regexp_split_to_table(trim(:'handles'), '\s+') h;
