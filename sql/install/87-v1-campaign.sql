-- Handlers of the v1 API: campaigns and what they hold.

CREATE FUNCTION trackagoat.api_number(value numeric) RETURNS numeric
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN trim_scale(round(value, 6));
COMMENT ON FUNCTION trackagoat.api_number(numeric) IS 'a rate or number as the API answers it: with up to six decimals';

CREATE FUNCTION trackagoat.campaign_objects(campaign_ids uuid[]) RETURNS TABLE (id uuid, object json)
	LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT k.id, json_build_object('id', k.id, 'project_id', k.project_id, 'name', k.name,
		'description', k.readme, 'readme', k.readme, 'metadata', k.metadata, 'target_views', k.target_views, 'target_at', k.target_at,
		'creators', s.creators, 'videos', s.videos, 'views', s.views, 'likes', s.likes, 'comments', s.comments, 'shares', s.shares,
		'saves', s.saves, 'engagement_rate', trackagoat.api_number(s.engagement_rate), 'created_at', k.created_at, 'updated_at', k.updated_at)
	FROM trackagoat.campaign k, trackagoat.campaign_stats(k.id) s
	WHERE k.id = ANY (campaign_ids) AND k.org_id = trackagoat.current_org()
	ORDER BY k.id DESC;
END
$$;
COMMENT ON FUNCTION trackagoat.campaign_objects(uuid[]) IS 'campaigns of one''s organization with their totals to date as the API answers them, newest first';

CREATE FUNCTION trackagoat.v1_list_campaigns(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	for_project uuid := CASE WHEN query ? 'project_id' THEN trackagoat.own_entity('project', (query ->> 'project_id')::uuid) END;
	ids uuid[] := ARRAY(SELECT k.id FROM trackagoat.campaign k
		WHERE k.org_id = trackagoat.current_org() AND k.id < after AND (for_project IS NULL OR k.project_id = for_project)
		ORDER BY k.id DESC LIMIT trackagoat.page_limit(query) + 1);
BEGIN
	RETURN trackagoat.page_answer(ARRAY(SELECT o.object FROM trackagoat.campaign_objects(ids[:trackagoat.page_limit(query)]) o), ids, query);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_campaigns(jsonb) IS 'GET /campaigns';

CREATE FUNCTION trackagoat.v1_get_campaign(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	campaign_id uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
BEGIN
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.campaign_objects(ARRAY[campaign_id]) o));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_get_campaign(jsonb) IS 'GET /campaigns/{id}';

CREATE FUNCTION trackagoat.v1_create_campaign(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	project_id uuid := trackagoat.own_entity('project', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
	campaign_id uuid;
BEGIN
	INSERT INTO trackagoat.campaign (org_id, project_id, name, readme, metadata, target_views, target_at)
	VALUES (trackagoat.current_org(), project_id, body ->> 'name', body ->> 'readme', coalesce(body -> 'metadata', '{}'),
		(body ->> 'target_views')::bigint, (body ->> 'target_at')::timestamptz)
	RETURNING id INTO campaign_id;
	RETURN jsonb_build_object('status', 201, 'data', (SELECT o.object FROM trackagoat.campaign_objects(ARRAY[campaign_id]) o));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_create_campaign(jsonb) IS 'POST /projects/{id}/campaigns';

CREATE FUNCTION trackagoat.v1_update_campaign(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	campaign_id uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
	body jsonb := request -> 'body';
BEGIN
	UPDATE trackagoat.campaign k SET
		name = coalesce(body ->> 'name', k.name),
		readme = CASE WHEN body ? 'readme' THEN body ->> 'readme' ELSE k.readme END,
		metadata = coalesce(body -> 'metadata', k.metadata),
		target_views = CASE WHEN body ? 'target_views' THEN (body ->> 'target_views')::bigint ELSE k.target_views END,
		target_at = CASE WHEN body ? 'target_at' THEN (body ->> 'target_at')::timestamptz ELSE k.target_at END
	WHERE k.id = campaign_id AND k.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', (SELECT o.object FROM trackagoat.campaign_objects(ARRAY[campaign_id]) o));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_update_campaign(jsonb) IS 'PATCH /campaigns/{id}';

CREATE FUNCTION trackagoat.v1_delete_campaign(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	campaign_id uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
BEGIN
	DELETE FROM trackagoat.campaign k WHERE k.id = campaign_id AND k.org_id = trackagoat.current_org();
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', campaign_id, 'deleted', true));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_delete_campaign(jsonb) IS 'DELETE /campaigns/{id}: it and its memberships';

-- ---- what a campaign holds ----

CREATE FUNCTION trackagoat.v1_list_campaign_items(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	query jsonb := request -> 'query';
	after uuid := trackagoat.page_after(query);
	of_campaign uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
	ids uuid[];
	objects json[];
BEGIN
	-- an item has no id of its own: by that of what is held, as the primary key has them
	SELECT array_agg(i.item_id ORDER BY i.item_id DESC), array_agg(json_build_object(
		'item_type', CASE i.item_id WHEN i.creator_id THEN 'creator' WHEN i.video_id THEN 'video' ELSE 'campaign' END,
		'item_id', i.item_id, 'created_at', i.created_at) ORDER BY i.item_id DESC)
	INTO ids, objects
	FROM (SELECT m.* FROM trackagoat.campaign_item m
		WHERE m.campaign_id = of_campaign AND m.org_id = trackagoat.current_org() AND m.item_id < after
		ORDER BY m.item_id DESC LIMIT trackagoat.page_limit(query) + 1) i;
	RETURN trackagoat.page_answer(objects, ids, query);
END
$$;
COMMENT ON FUNCTION trackagoat.v1_list_campaign_items(jsonb) IS 'GET /campaigns/{id}/items';

CREATE FUNCTION trackagoat.v1_add_campaign_item(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	campaign_id uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
	item_type text := request #>> '{body,item_type}';
	item_id uuid := trackagoat.own_entity(item_type, (request #>> '{body,item_id}')::uuid);
	added_at timestamptz;
BEGIN
	INSERT INTO trackagoat.campaign_item (campaign_id, org_id, creator_id, video_id, child_campaign_id)
	VALUES (campaign_id, trackagoat.current_org(), CASE item_type WHEN 'creator' THEN item_id END,
		CASE item_type WHEN 'video' THEN item_id END, CASE item_type WHEN 'campaign' THEN item_id END)
	RETURNING created_at INTO added_at;
	RETURN jsonb_build_object('status', 201, 'data',
		jsonb_build_object('item_type', item_type, 'item_id', item_id, 'created_at', added_at));
EXCEPTION WHEN foreign_key_violation THEN
	-- both are there
	PERFORM trackagoat.refuse_field('invalid_body', 'item_id', 'is not of the project of the campaign');
END
$$;
COMMENT ON FUNCTION trackagoat.v1_add_campaign_item(jsonb) IS 'POST /campaigns/{id}/items';

CREATE FUNCTION trackagoat.v1_remove_campaign_item(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	of_campaign uuid := trackagoat.own_entity('campaign', (request #>> '{ids,0}')::uuid);
	-- not every client can send a body with DELETE
	code text := CASE request -> 'body' WHEN '{}' THEN 'invalid_query' ELSE 'invalid_body' END;
	given jsonb := CASE code WHEN 'invalid_query' THEN request -> 'query' ELSE request -> 'body' END;
	wanted uuid := (given ->> 'item_id')::uuid;
	field text;
BEGIN
	IF code = 'invalid_body' AND request -> 'query' <> '{}' THEN
		PERFORM trackagoat.refuse_field('invalid_body', 'body', 'must be empty where the query names the item');
	END IF;
	FOREACH field IN ARRAY ARRAY['item_type', 'item_id'] LOOP
		IF NOT given ? field THEN
			PERFORM trackagoat.refuse_field(code, field, 'is missing');
		END IF;
	END LOOP;
	DELETE FROM trackagoat.campaign_item i
	WHERE i.campaign_id = of_campaign AND i.org_id = trackagoat.current_org() AND i.item_id = wanted
		AND i.item_id = CASE given ->> 'item_type' WHEN 'creator' THEN i.creator_id WHEN 'video' THEN i.video_id ELSE i.child_campaign_id END;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('campaign_item', wanted);
	END IF;
	RETURN jsonb_build_object('status', 200, 'data', jsonb_build_object('id', wanted, 'deleted', true));
END
$$;
COMMENT ON FUNCTION trackagoat.v1_remove_campaign_item(jsonb) IS 'DELETE /campaigns/{id}/items: what query or body names';
