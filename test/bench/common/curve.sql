-- What is random here comes from hashes, so that every run makes the same.
CREATE FUNCTION dice(n bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (hashint8extended(n, salt) & 1048575) / 1048576.0::float8;

-- How many views video n has once nobody looks at it any more: a power law, as
-- in public captures (half have 2,400, one in ten 23,000, one in a hundred 570,000).
CREATE FUNCTION final_views(n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN least(900 * (1 - dice(n, 1)) ^ -1.4, 2e7);

-- The part of them that came within so many days: a day's gain decays like
-- 1 / (1 + age)^1.6.  Each counter lives by a clock that runs unevenly, which
-- makes some days good and others poor.
CREATE FUNCTION risen(n bigint, salt bigint, day integer) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 1 - (1.2::float8 + day + dice(n * 1000 + day, salt)) ^ -0.6;

-- The counters of video n as seen on days first to last after it was posted,
-- once a day at about the same hour; at times a few shares are taken back.
CREATE FUNCTION curve(n bigint, first integer, last integer) RETURNS
	TABLE (day integer, observed_at timestamptz, views bigint, likes bigint, comments bigint, shares bigint, saves bigint)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
	SELECT d, timestamptz '2025-03-01 03:00:00+00' + d * interval '1 day'
			+ floor(dice(n, 2) * 64800 + dice(n * 1000 + d, 3) * 7200) * interval '1 second',
		floor(final_views(n) * risen(n, 4, d))::bigint,
		floor(final_views(n) * risen(n, 5, d) * 0.05 * (0.3 + dice(n, 6)))::bigint,
		floor(final_views(n) * risen(n, 7, d) * 0.003 * dice(n, 8))::bigint,
		greatest(floor(final_views(n) * risen(n, 9, d) * 0.005 * dice(n, 10)) - (dice(n * 1000 + d, 11) < 0.02)::integer, 0)::bigint,
		floor(final_views(n) * risen(n, 12, d) * 0.004 * dice(n, 13))::bigint
	FROM generate_series(first, last) d
$$;
