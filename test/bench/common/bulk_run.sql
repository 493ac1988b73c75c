-- One run of both sides; what they leave dead is vacuumed away.
UPDATE timing SET ours = undone(:'ours') WHERE name = :'name' AND run = :run;
VACUUM creator, video, scrape_job, creator_event, total_difference;
CALL enable_triggers(false);
UPDATE timing SET setwise = undone(:'setwise') WHERE name = :'name' AND run = :run;
CALL enable_triggers(true);
VACUUM creator, video, scrape_job, creator_event, total_difference;
