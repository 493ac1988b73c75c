-- Where pages are asked for, and how the hosts have borne it.

CREATE TABLE trackagoat.scrape_source (
	kind trackagoat.scrape_kind NOT NULL,
	source text NOT NULL,
	place smallint NOT NULL,
	avoided_until timestamptz,
	CONSTRAINT scrape_source_pkey PRIMARY KEY (kind, source),
	CONSTRAINT scrape_source_place_key UNIQUE (kind, place),
	CONSTRAINT scrape_source_place_check CHECK (place > 0),
	CONSTRAINT scrape_source_source_check CHECK (source = ANY (CASE kind
		WHEN 'creator_profile' THEN '{profile_page,embed_profile}'::text[]
		WHEN 'discover_videos' THEN '{item_list,embed_profile}'
		WHEN 'video_stats' THEN '{video_page,embed_video,oembed}'
		WHEN 'video_link' THEN '{link}' END))
);
COMMENT ON TABLE trackagoat.scrape_source IS 'the pages and APIs that answer a kind of job, in the order in which they are tried; take a row out and it is not asked';
COMMENT ON COLUMN trackagoat.scrape_source.kind IS 'what is fetched';
COMMENT ON COLUMN trackagoat.scrape_source.source IS 'page or API, as observations name it; link is a short link itself';
COMMENT ON COLUMN trackagoat.scrape_source.place IS 'order: 1 is asked first';
COMMENT ON COLUMN trackagoat.scrape_source.avoided_until IS 'until then the others are preferred, as it was refused; clear it to try it sooner';

INSERT INTO trackagoat.scrape_source (kind, source, place) VALUES
	('creator_profile', 'profile_page', 1), ('creator_profile', 'embed_profile', 2),
	('discover_videos', 'item_list', 1), ('discover_videos', 'embed_profile', 2),
	('video_stats', 'video_page', 1), ('video_stats', 'embed_video', 2), ('video_stats', 'oembed', 3),
	('video_link', 'link', 1);

CREATE TABLE trackagoat.scrape_host (
	host text NOT NULL,
	failures integer NOT NULL DEFAULT 0,
	last_failure text NOT NULL,
	failed_at timestamptz NOT NULL,
	opened_at timestamptz,
	open_until timestamptz,
	openings integer NOT NULL DEFAULT 0,
	probe_until timestamptz,
	CONSTRAINT scrape_host_pkey PRIMARY KEY (host),
	CONSTRAINT scrape_host_open_check CHECK (num_nulls(opened_at, open_until) IN (0, 2))
);
COMMENT ON TABLE trackagoat.scrape_host IS 'the circuit breaker of each host that has failed: closed, open (nothing is asked), or half open (one probe is)';
COMMENT ON COLUMN trackagoat.scrape_host.host IS 'host, with its port if it has one';
COMMENT ON COLUMN trackagoat.scrape_host.failures IS 'failures in a row, of outcomes that have a host_pause';
COMMENT ON COLUMN trackagoat.scrape_host.last_failure IS 'outcome of the last one';
COMMENT ON COLUMN trackagoat.scrape_host.failed_at IS 'when that was';
COMMENT ON COLUMN trackagoat.scrape_host.opened_at IS 'since when the breaker is open; NULL while it is closed';
COMMENT ON COLUMN trackagoat.scrape_host.open_until IS 'until then nothing is asked, after it one probe; set it to now() to ask sooner';
COMMENT ON COLUMN trackagoat.scrape_host.openings IS 'how many times in a row it has opened: each pause is twice the one before, up to a day';
COMMENT ON COLUMN trackagoat.scrape_host.probe_until IS 'a probe is under way; until then no other is made';

ALTER TABLE trackagoat.scrape_source ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_host ENABLE ROW LEVEL SECURITY;
