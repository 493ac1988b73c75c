-- The past of the creators from a CSV (handle, observed_at, followers) on stdin,
-- stored the same way as what the worker sees.
CREATE TEMP TABLE history (tiktok_handle trackagoat.handle, observed_at timestamptz, followers bigint);
\copy history FROM pstdin WITH (FORMAT csv, HEADER)

SELECT trackagoat.observe_creators(array_agg(c.id), array_agg(h.observed_at), array_agg(h.followers), NULL, NULL, NULL)
FROM history h JOIN trackagoat.creator c USING (tiktok_handle)
\g /dev/null
