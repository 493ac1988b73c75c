-- setup_api(): roles, the schema that PostgREST shows, and who may do what there.

CREATE FUNCTION trackagoat.drop_api() RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	object text;
BEGIN
	FOR object IN
		SELECT 'FUNCTION ' || p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = to_regnamespace('trackagoat_api')
		UNION ALL SELECT format('VIEW %s', c.oid::regclass) FROM pg_class c WHERE c.relnamespace = to_regnamespace('trackagoat_api') AND c.relkind = 'v'
		UNION ALL SELECT format('TABLE %s', c.oid::regclass) FROM pg_class c WHERE c.relnamespace = to_regnamespace('trackagoat_api') AND c.relkind = 'r'
		UNION ALL SELECT format('DOMAIN %s', t.oid::regtype) FROM pg_type t WHERE t.typnamespace = to_regnamespace('trackagoat_api') AND t.typtype = 'd'
		UNION ALL SELECT 'SCHEMA trackagoat_api' WHERE to_regnamespace('trackagoat_api') IS NOT NULL
	LOOP
		EXECUTE 'DROP ' || object;
	END LOOP;
END
$$;
COMMENT ON FUNCTION trackagoat.drop_api() IS 'drop the schema trackagoat_api as setup_api() has made it; what others have made of it keeps it from that';

CREATE FUNCTION trackagoat.setup_api(authenticator name) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$setup$
DECLARE
	missing record;
	tenant text;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('trackagoat.setup', 0));
	IF to_regclass('trackagoat.api_login') IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables of trackagoat are not there',
			HINT = 'CALL trackagoat.setup();';
	END IF;
	-- the functions of the API run with the rights of whoever makes them
	PERFORM trackagoat.check_owner('set up the API');
	PERFORM FROM pg_roles r WHERE r.rolname = authenticator AND r.rolcanlogin AND NOT r.rolsuper;
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('there is no role %s that PostgREST could log in with', coalesce(authenticator, 'NULL')),
			HINT = format('CREATE ROLE %I LOGIN NOINHERIT PASSWORD ''...'';', coalesce(authenticator, 'authenticator'));
	END IF;
	-- roles are the cluster's: other databases may have them already
	FOR missing IN SELECT r.* FROM (VALUES ('trackagoat_api', 'requests to the API of trackagoat, by key'),
			('trackagoat_member', 'members of organizations, who are signed in to trackagoat by a token or have logged in')) r (role, comment)
		WHERE NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r.role)
	LOOP
		EXECUTE format('CREATE ROLE %I NOLOGIN', missing.role);
		EXECUTE format('COMMENT ON ROLE %I IS %L', missing.role, missing.comment);
	END LOOP;
	EXECUTE format('GRANT trackagoat_api, trackagoat_member TO %I', authenticator);
	INSERT INTO trackagoat.api_login (role) VALUES (authenticator) ON CONFLICT DO NOTHING;

	PERFORM trackagoat.drop_api();
	CREATE SCHEMA trackagoat_api;
	COMMENT ON SCHEMA trackagoat_api IS 'trackagoat: TikTok creators, videos, campaigns and goals';
	EXECUTE $api$
@API@
$api$;

	REVOKE ALL ON ALL FUNCTIONS IN SCHEMA trackagoat_api FROM PUBLIC;
	GRANT USAGE ON SCHEMA trackagoat, trackagoat_api TO trackagoat_api, trackagoat_member;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA trackagoat_api TO trackagoat_api, trackagoat_member;
	-- views, and what they show, through row-level security
	FOREACH tenant IN ARRAY ARRAY['organization', 'project', 'creator', 'video', 'campaign', 'campaign_item', 'goal', 'creator_event',
		'notification', 'member']
	LOOP
		EXECUTE format('GRANT SELECT ON trackagoat_api.%I, trackagoat.%I TO trackagoat_api, trackagoat_member', tenant || 's', tenant);
	END LOOP;
	NOTIFY pgrst, 'reload schema';
END
$setup$;
COMMENT ON FUNCTION trackagoat.setup_api(name) IS
	'make the roles trackagoat_api and trackagoat_member, the schema trackagoat_api and its grants, for PostgREST that logs in as the role given; again makes it anew';
