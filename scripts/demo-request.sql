-- What make demo prints of the v1 API: a request by SQL, with the key given.
\pset pager off
\pset border 1
\pset linestyle unicode
\pset footer off
\pset null '–'
\pset title 'GET /api/v1/creators?limit=3, by SQL'
SELECT r.status, c ->> 'id' AS id, '@' || (c ->> 'tiktok_handle') AS creator, c ->> 'follower_count' AS followers, c ->> 'is_active' AS active
FROM trackagoat_api.request('GET', '/api/v1/creators?limit=3', jsonb_build_object('Authorization', 'Bearer ' || :'key')) r,
	jsonb_array_elements(r.body::jsonb -> 'data') c;
