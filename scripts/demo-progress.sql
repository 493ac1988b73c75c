-- One line for make demo while it waits: done or not, and how far.
SELECT CASE WHEN j.open = 0 AND a.requests > 0 AND r.runs > 0 THEN 'done' ELSE 'waiting' END,
	format('%s requests, %s creators, %s videos; pg_cron: %s', a.requests, c.seen, v.seen,
		CASE WHEN r.runs > 0 THEN 'ran' ELSE 'at the full minute' END)
FROM (SELECT coalesce(sum(waiting + in_flight), 0) AS open FROM trackagoat.scrape_status) j,
	(SELECT count(*) AS requests FROM trackagoat.scrape_attempt) a,
	(SELECT count(*) AS seen FROM trackagoat.creator WHERE last_scraped_at IS NOT NULL) c,
	(SELECT count(*) AS seen FROM trackagoat.video) v,
	(SELECT count(*) AS runs FROM cron.job_run_details WHERE status = 'succeeded') r;
