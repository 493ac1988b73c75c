-- What make demo tracks: the accounts of :handles, each a name or a profile URL.
INSERT INTO trackagoat.organization (name) VALUES ('Goat Works');

INSERT INTO trackagoat.project (org_id, name, description)
SELECT id, 'Spring launch', 'creators who show our cheese and soap' FROM trackagoat.organization;

INSERT INTO trackagoat.creator (project_id, tiktok_handle, tracking_start_date)
SELECT p.id, trackagoat.parse_handle(h), current_date - 90
FROM trackagoat.project p, regexp_split_to_table(trim(:'handles'), '\s+') h;
