-- The endpoints of the v1 API, one a row: what answers, what it needs, what it
-- takes.  OpenAPI is made from it, and requests are checked by it.

CREATE FUNCTION trackagoat.api_routes()
	RETURNS TABLE (method text, pattern text, scope text, handler text, summary text, query jsonb, body jsonb, data text)
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 60 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	page jsonb := '{"limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}, "cursor": {"type": "string", "maxLength": 100}}';
	project jsonb := '{"project_id": {"type": "string", "format": "uuid"}}';
	creator jsonb := '{"creator_id": {"type": "string", "format": "uuid"}}';
	readme jsonb := '{"readme": {"type": "string", "maxLength": 65536, "nullable": true}}';
	metadata jsonb := '{"metadata": {"type": "object"}}';
	handle jsonb := '{"tiktok_handle": {"type": "string"}}';
	mode jsonb := '{"tracking_mode": {"type": "string", "enum": ["auto", "selective"]}}';
	start jsonb := '{"tracking_start_date": {"type": "string", "format": "date"}}';
	name jsonb := '{"name": {"type": "string", "minLength": 1, "maxLength": 200}}';
	description jsonb := '{"description": {"type": "string", "maxLength": 65536, "nullable": true}}';
	target jsonb := '{"target_views": {"type": "integer", "minimum": 1, "nullable": true}, "target_at": {"type": "string", "format": "date-time", "nullable": true}}';
	item jsonb := '{"item_type": {"type": "string", "enum": ["creator", "video", "campaign"]}, "item_id": {"type": "string", "format": "uuid"}}';
	goal jsonb := '{"target": {"type": "number", "minimum": 0}, "ends_on": {"type": "string", "format": "date", "nullable": true}, "starts_on": {"type": "string", "format": "date"}}';
	period jsonb := '{"period": {"type": "string", "enum": ["daily", "weekly", "monthly"], "nullable": true}}';
	many jsonb := '{"type": "array", "minItems": 1, "maxItems": 1000, "items": {"type": "string", "format": "uuid"}}';
	role jsonb := '{"role": {"type": "string", "enum": ["admin", "member"]}, "name": {"type": "string", "minLength": 1, "maxLength": 200, "nullable": true}}';
BEGIN
	RETURN QUERY SELECT r.method, r.pattern, r.scope, 'v1_' || r.handler, r.summary,
		jsonb_strip_nulls(jsonb_build_object('properties', coalesce(r.query - 'required', '{}'), 'required', r.query -> 'required')),
		'{"properties": {}}' || coalesce(r.body, '{}'), r.data
	FROM (VALUES
		('GET', '/projects', 'read', 'list_projects', 'projects of the organization, newest first', page, NULL::jsonb, 'project[]'),
		('POST', '/projects', 'write', 'create_project', 'make a project', NULL, jsonb_build_object('properties', name || description, 'required', '["name"]'::jsonb), '201 project'),
		('GET', '/projects/{id}', 'read', 'get_project', 'one project', NULL, NULL, 'project'),
		('PATCH', '/projects/{id}', 'write', 'update_project', 'change a project', NULL, jsonb_build_object('properties', name || description, 'minProperties', 1), 'project'),
		('DELETE', '/projects/{id}', 'write', 'delete_project', 'delete a project and all that is in it', NULL, NULL, 'deleted'),

		('GET', '/creators', 'read', 'list_creators', 'creators, newest first; search is a part of the handle', page || project || '{"search": {"type": "string", "maxLength": 100}}', NULL, 'creator[]'),
		('POST', '/projects/{id}/creators', 'write', 'create_creators', 'track an account, or up to 50 under creators; one that was removed comes back', NULL,
			jsonb_build_object('properties', handle || mode || start || jsonb_build_object('creators', jsonb_build_object('type', 'array', 'minItems', 1, 'maxItems', 50, 'items',
				jsonb_build_object('type', 'object', 'properties', handle || mode || start, 'required', '["tiktok_handle"]'::jsonb))), 'minProperties', 1), '200 creator|added_creator[], 201 creator|added_creator[]'),
		('GET', '/creators/{id}', 'read', 'get_creator', 'one creator', NULL, NULL, 'creator'),
		('PATCH', '/creators/{id}', 'write', 'update_creator', 'notes (readme, null clears), metadata, mode, another handle, display name', NULL,
			jsonb_build_object('properties', readme || metadata || mode || handle || start || '{"display_name_override": {"type": "string", "minLength": 1, "maxLength": 200, "nullable": true}}', 'minProperties', 1), 'creator'),
		('DELETE', '/creators/{id}', 'write', 'remove_creator', 'take a creator out of the program; add the handle again to bring it back', NULL, NULL, 'removed'),
		('POST', '/creators/{id}/scrape', 'write', 'scrape_creator', 'fetch profile and new videos now', NULL, NULL, '202 queued_scrape'),
		('GET', '/creators/{id}/events', 'read', 'list_creator_events', 'the change log of a creator, newest first', page, NULL, 'creator_event[]'),
		('GET', '/creators/{id}/stats', 'read', 'gone', 'gone: use /analytics', '{"metric": {"type": "string"}}', NULL, 'gone'),
		('POST', '/projects/{id}/creators/bulk-reenable', 'write', 'reenable_creators', 'enable creators that were disabled, a result each', NULL,
			jsonb_build_object('properties', jsonb_build_object('creator_ids', many), 'required', '["creator_ids"]'::jsonb), 'creator_result[]'),
		('POST', '/projects/{id}/creators/bulk-remove', 'write', 'remove_creators', 'remove creators, a result each', NULL,
			jsonb_build_object('properties', jsonb_build_object('creator_ids', many), 'required', '["creator_ids"]'::jsonb), 'creator_result[]'),

		('GET', '/videos', 'read', 'list_videos', 'videos that are not excluded, newest first', page || project || creator || '{"tracking_status": {"type": "string", "enum": ["auto_tracked", "pending_review", "included", "direct_add"]}}', NULL, 'video[]'),
		('GET', '/inbox', 'read', 'list_inbox', 'videos that wait for a review, newest first', page || project || creator, NULL, 'video[]'),
		('POST', '/projects/{id}/videos', 'write', 'create_video', 'add a video by its URL', NULL, jsonb_build_object('properties', '{"url": {"type": "string", "minLength": 1, "maxLength": 2000}}'::jsonb, 'required', '["url"]'::jsonb), '201 video, 202 queued_link'),
		('GET', '/videos/{id}', 'read', 'get_video', 'one video', NULL, NULL, 'video'),
		('PATCH', '/videos/{id}', 'write', 'update_video', 'review (included, excluded, pending_review), notes, metadata', NULL,
			jsonb_build_object('properties', readme || metadata || '{"tracking_status": {"type": "string", "enum": ["included", "excluded", "pending_review"]}}', 'minProperties', 1), 'video'),
		('DELETE', '/videos/{id}', 'write', 'delete_video', 'delete a video; discovery does not bring it back', NULL, NULL, 'deleted'),
		('POST', '/videos/{id}/scrape', 'write', 'scrape_video', 'fetch its counters now', NULL, NULL, '202 queued_scrape'),
		('POST', '/videos/{id}/tracking-disable', 'write', 'disable_video', 'fetch it no more, and leave it out of goals', NULL, NULL, 'video'),
		('POST', '/videos/{id}/tracking-enable', 'write', 'enable_video', 'the opposite', NULL, NULL, 'video'),
		('POST', '/projects/{id}/videos/bulk-tracking-disable', 'write', 'disable_videos', 'the same for many, a result each', NULL, jsonb_build_object('properties', jsonb_build_object('video_ids', many), 'required', '["video_ids"]'::jsonb), 'video_result[]'),
		('POST', '/projects/{id}/videos/bulk-review', 'write', 'review_videos', 'review many, a result each', NULL, jsonb_build_object('properties', jsonb_build_object('video_ids', many,
			'tracking_status', '{"type": "string", "enum": ["included", "excluded", "pending_review"]}'::jsonb), 'required', '["video_ids", "tracking_status"]'::jsonb), 'video_result[]'),
		('GET', '/videos/{id}/stats', 'read', 'gone', 'gone: use /analytics', '{"metric": {"type": "string"}}', NULL, 'gone'),

		('GET', '/campaigns', 'read', 'list_campaigns', 'campaigns with their totals, newest first', page || project, NULL, 'campaign[]'),
		('POST', '/projects/{id}/campaigns', 'write', 'create_campaign', 'make a campaign', NULL, jsonb_build_object('properties', name || readme || metadata || target, 'required', '["name"]'::jsonb), '201 campaign'),
		('GET', '/campaigns/{id}', 'read', 'get_campaign', 'one campaign with its totals', NULL, NULL, 'campaign'),
		('PATCH', '/campaigns/{id}', 'write', 'update_campaign', 'name, notes, metadata, target', NULL, jsonb_build_object('properties', name || readme || metadata || target, 'minProperties', 1), 'campaign'),
		('DELETE', '/campaigns/{id}', 'write', 'delete_campaign', 'delete a campaign and its memberships', NULL, NULL, 'deleted'),
		('GET', '/campaigns/{id}/items', 'read', 'list_campaign_items', 'what a campaign holds, that which was made last first', page, NULL, 'campaign_item[]'),
		('POST', '/campaigns/{id}/items', 'write', 'add_campaign_item', 'put a creator, a video or a campaign into it', NULL, jsonb_build_object('properties', item, 'required', '["item_type", "item_id"]'::jsonb), '201 campaign_item'),
		('DELETE', '/campaigns/{id}/items', 'write', 'remove_campaign_item', 'take one out of it', item, jsonb_build_object('properties', item), 'deleted'),
		('GET', '/campaigns/{id}/stats', 'read', 'gone', 'gone: use /analytics', '{"metric": {"type": "string"}, "from": {"type": "string"}, "to": {"type": "string"}}', NULL, 'gone'),

		('GET', '/goals', 'read', 'list_goals', 'goals, newest first', page || project || creator, NULL, 'goal[]'),
		('POST', '/projects/{id}/goals', 'write', 'create_goal', 'give a creator a goal', NULL, jsonb_build_object('properties', creator || goal || period ||
			'{"goal_type": {"type": "string", "enum": ["posts", "views", "views_per_post", "engagement", "followers"]}}', 'required', '["creator_id", "goal_type", "target"]'::jsonb), '201 goal'),
		('GET', '/goals/{id}', 'read', 'get_goal', 'one goal', NULL, NULL, 'goal'),
		('PATCH', '/goals/{id}', 'write', 'update_goal', 'change target, period or dates', NULL, jsonb_build_object('properties', goal || period, 'minProperties', 1), 'goal'),
		('DELETE', '/goals/{id}', 'write', 'delete_goal', 'delete a goal', NULL, NULL, 'deleted'),
		('GET', '/projects/{id}/goal-compliance', 'read', 'goal_compliance', 'where the goals of active creators stand, by creator', creator || '{"period": {"type": "string", "enum": ["daily", "weekly", "monthly"]}, "reference_date": {"type": "string", "format": "date"}}', NULL, 'compliance[]'),
		('GET', '/analytics/aggregate/goal-compliance', 'read', 'goal_counts', 'how many goals of a project are in which status', project || '{"required": ["project_id"], "period": {"type": "string", "enum": ["daily", "weekly", "monthly"]}, "reference_date": {"type": "string", "format": "date"}}', NULL, 'goal_counts'),

		('GET', '/analytics', 'read', 'analytics', 'a metric over time, of up to five entities', '{"required": ["entity", "metric"], "entity": {"type": "string", "enum": ["video", "creator", "campaign", "project"]}, "entity_id": {"type": "string", "format": "uuid"}, "entity_ids": {"type": "string", "maxLength": 1000},
			"metric": {"type": "string", "maxLength": 50}, "mode": {"type": "string", "enum": ["new", "cumulative", "rate"]}, "granularity": {"type": "string", "maxLength": 20}, "from": {"type": "string", "format": "date"}, "to": {"type": "string", "format": "date"},
			"tz": {"type": "string", "maxLength": 100}, "compare": {"type": "string", "enum": ["prior_period"]}, "base_metric": {"type": "string", "maxLength": 20}, "breakdown": {"type": "string", "enum": ["video"]}, "format": {"type": "string", "enum": ["json", "csv"]}}'::jsonb, NULL, 'analytics'),

		('GET', '/api-keys', 'admin', 'list_api_keys', 'API keys, newest first; the keys themselves nobody has', page, NULL, 'api_key[]'),
		('POST', '/api-keys', 'admin', 'create_api_key', 'make a key, which is shown this once', NULL, jsonb_build_object('properties', name || '{"scopes": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "enum": ["read", "write", "admin"]}}, "expires_at": {"type": "string", "format": "date-time", "nullable": true}}', 'required', '["name"]'::jsonb), '201 api_key'),
		('DELETE', '/api-keys/{id}', 'admin', 'revoke_api_key', 'revoke a key at once', NULL, NULL, 'api_key'),
		('GET', '/members', 'read', 'list_members', 'members of the organization, newest first', page, NULL, 'member[]'),
		('POST', '/members', 'admin', 'create_member', 'add a member by the sub of his tokens', NULL, jsonb_build_object('properties', role || '{"user_id": {"type": "string", "minLength": 1, "maxLength": 200}}', 'required', '["user_id"]'::jsonb), '201 member'),
		('PATCH', '/members/{id}', 'admin', 'update_member', 'change role or name', NULL, jsonb_build_object('properties', role, 'minProperties', 1), 'member'),
		('DELETE', '/members/{id}', 'admin', 'delete_member', 'take a member out; the last admin stays', NULL, NULL, 'deleted'),

		('GET', '/schema', 'read', 'schema', 'entities and their fields, described', NULL, NULL, 'schema'),
		('GET', '/openapi.json', NULL, 'openapi', 'this API in OpenAPI 3.1', NULL, NULL, 'openapi')
	) r (method, pattern, scope, handler, summary, query, body, data);
END
$$;
COMMENT ON FUNCTION trackagoat.api_routes() IS
	'the endpoints of the v1 API: method and pattern, scope that is needed (NULL for none), the function that answers, what it does, JSON schemas of query and body, and what data holds: statuses, but for 200, and entities';
