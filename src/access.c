/*
 * access.c
 *	  Whose rows a transaction sees: the organization that an API key, a token
 *	  or the login role stands for.
 *
 * The organization is held here, not in a setting, so only what is checked
 * below can name it: a key by its hash, a token's claims by that they come
 * from a login role of PostgREST, a member by the role that has logged in.
 * What a key or token has opened is closed when the transaction ends, or goes
 * back to a savepoint before.  Tables that others may not read are read as
 * their owner.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "parser/parse_func.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "quota.h"
#include "saved_query.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(sign_in);
PG_FUNCTION_INFO_V1(sign_in_member);
PG_FUNCTION_INFO_V1(sign_out);
PG_FUNCTION_INFO_V1(current_org);
PG_FUNCTION_INFO_V1(readable_org);
PG_FUNCTION_INFO_V1(current_key);
PG_FUNCTION_INFO_V1(current_actor);
PG_FUNCTION_INFO_V1(check_scope);
PG_FUNCTION_INFO_V1(new_api_key);
PG_FUNCTION_INFO_V1(call_handler);

#define KEY_PREFIX "tga_"
#define KEY_BYTES 32
#define KEY_LENGTH (strlen(KEY_PREFIX) + 2 * KEY_BYTES)
#define MAX_USER_ID 200

/* What a key may, or a member. */
#define SCOPE_READ 1
#define SCOPE_WRITE 2
#define SCOPE_ADMIN 4

static const char *const scope_names[] = {"read", "write", "admin"};

/* Who the transaction is of. */
typedef struct Identity
{
	LocalTransactionId transaction; /* 0: nobody has been asked for yet */
	SubTransactionId subtransaction;	/* which has named him */
	Oid			login;			/* role that has logged in */
	bool		is_known;
	pg_uuid_t	org;
	bool		has_key;
	pg_uuid_t	key;
	int			scopes;
	char		actor[MAX_USER_ID * 4 + 1]; /* user_id of a member, id of a key */
} Identity;

static Identity identity;

static SavedQuery key_query = {
	.text = "SELECT k.org_id, k.id, k.scopes, k.last_used_at,"
	"  CASE WHEN k.revoked_at IS NOT NULL THEN 'The key was revoked.'"
	"    WHEN k.expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() THEN 'The key has expired.' END,"
	"  CASE WHEN o.plan IS NOT NULL THEN trackagoat.plan_limit(o.plan, 'max_api_requests_per_day') END"
	" FROM trackagoat.api_key k JOIN trackagoat.organization o ON o.id OPERATOR(pg_catalog.=) k.org_id"
	" WHERE k.key_hash OPERATOR(pg_catalog.=) $1",
	.nargs = 1, .types = {BYTEAOID}
};

/* Notes wait for nobody: who holds the row notes it, or is about to revoke the key. */
static SavedQuery used_query = {
	.text = "UPDATE trackagoat.api_key k SET last_used_at = pg_catalog.now()"
	" FROM (SELECT u.id, u.org_id FROM trackagoat.api_key u WHERE u.id OPERATOR(pg_catalog.=) $1"
	"  AND u.org_id OPERATOR(pg_catalog.=) $2 FOR NO KEY UPDATE SKIP LOCKED) f"
	" WHERE k.id OPERATOR(pg_catalog.=) f.id AND k.org_id OPERATOR(pg_catalog.=) f.org_id",
	.nargs = 2, .types = {UUIDOID, UUIDOID}
};

/* Whoever comes later with less has begun earlier. */
static SavedQuery usage_query = {
	.text = "INSERT INTO trackagoat.api_usage AS u (org_id, day, requests) SELECT $1, $2, $3"
	" WHERE pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('trackagoat.api_usage'"
	"  OPERATOR(pg_catalog.||) $1::pg_catalog.text, 0))"
	" ON CONFLICT ON CONSTRAINT api_usage_pkey DO UPDATE SET requests = GREATEST(u.requests, excluded.requests)",
	.nargs = 3, .types = {UUIDOID, DATEOID, INT8OID}
};

static SavedQuery used_before_query = {
	.text = "SELECT requests FROM trackagoat.api_usage WHERE org_id OPERATOR(pg_catalog.=) $1 AND day OPERATOR(pg_catalog.=) $2",
	.nargs = 2, .types = {UUIDOID, DATEOID}
};

static SavedQuery member_query = {
	.text = "SELECT m.org_id, m.role, m.user_id FROM trackagoat.member m"
	" WHERE m.user_id OPERATOR(pg_catalog.=) $1 AND ($2 IS NULL OR m.org_id OPERATOR(pg_catalog.=) $2) LIMIT 2",
	.nargs = 2, .types = {TEXTOID, UUIDOID}
};

static SavedQuery login_query = {
	.text = "SELECT m.org_id, m.role, m.user_id FROM trackagoat.member m"
	" WHERE m.db_role OPERATOR(pg_catalog.=) $1 LIMIT 2",
	.nargs = 1, .types = {NAMEOID}
};

static SavedQuery postgrest_query = {
	.text = "SELECT FROM trackagoat.api_login WHERE role OPERATOR(pg_catalog.=) $1", .nargs = 1, .types = {NAMEOID}
};

static LocalTransactionId
this_transaction(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProc->vxid.lxid;
#else
	return MyProc->lxid;
#endif
}

/* What a rollback to a savepoint undoes names nobody any more, nor does whoever was named before come back. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId ended, SubTransactionId parent, void *arg)
{
	if (identity.subtransaction != ended)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		memset(&identity, 0, sizeof(identity));
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		identity.subtransaction = parent;
}

static void
identify(const Identity *found)
{
	static bool follows_savepoints = false;

	if (!follows_savepoints)
		RegisterSubXactCallback(end_subtransaction, NULL);
	follows_savepoints = true;
	identity = *found;
	identity.subtransaction = GetCurrentSubTransactionId();
}

/* ---- as the owner of the tables ---- */

typedef struct Caller
{
	Oid			user;
	int			context;
} Caller;

/* Become the owner of the tables; an error goes back to the caller by itself. */
static Caller
become_owner(void)
{
	Caller		caller;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(get_relname_relid("api_key", get_namespace_oid("trackagoat", true))));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the tables of trackagoat are not there"),
				 errhint("CALL trackagoat.setup();")));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	GetUserIdAndSecContext(&caller.user, &caller.context);
	SetUserIdAndSecContext(owner, caller.context | SECURITY_LOCAL_USERID_CHANGE);
	return caller;
}

static void
become_caller(Caller caller)
{
	SetUserIdAndSecContext(caller.user, caller.context);
}

/* ---- refusals ---- */

static void
refuse_key(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRACKAGOAT_UNAUTHORIZED),
			 errmsg("invalid_api_key"),
			 errdetail("%s", why),
			 errhint("Send a key of the organization: tga_ and 64 lower-case hexadecimal digits; an admin makes one.")));
}

static void
refuse_rate(int64 max, const char *per, int seconds)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRACKAGOAT_TOO_MANY),
			 errmsg("rate_limit_exceeded"),
			 errdetail_internal("{\"max\": " INT64_FORMAT ", \"per\": \"%s\", \"retryAfter\": %d}", max, per, seconds),
			 errhint("Try again in %d seconds.", seconds)));
}

/* ---- API keys ---- */

static bool
is_key(const char *key)
{
	return strlen(key) == KEY_LENGTH && strncmp(key, KEY_PREFIX, strlen(KEY_PREFIX)) == 0 &&
		strspn(key + strlen(KEY_PREFIX), "0123456789abcdef") == 2 * KEY_BYTES;
}

static int
scopes_of(ArrayType *array)
{
	Datum	   *names;
	int			count;
	int			scopes = 0;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		for (int n = 0; n < (int) lengthof(scope_names); n++)
		{
			if (strcmp(TextDatumGetCString(names[i]), scope_names[n]) == 0)
				scopes |= 1 << n;
		}
	}
	return scopes;
}

/* A day's requests that were written down: asked once for each organization and day that has room to be counted. */
static int64
written_usage(Datum org, DateADT day)
{
	Datum		values[2] = {org, DateADTGetDatum(day)};
	bool		isnull;

	saved_query_run(&used_before_query, values, NULL);
	return SPI_processed == 0 ? 0 : DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/*
 * One request more of the key: refuses it where that is too many; answers those
 * of its organization on the day, and whether they are counted elsewhere than
 * in what is written down.
 */
static int64
count_request(Datum key, Datum org, bool is_limited, int64 daily_limit, DateADT *day, bool *is_counted)
{
	TimestampTz now = GetCurrentTimestamp();
	DateADT		today = (DateADT) (now / USECS_PER_DAY - (now < 0));
	int			seconds;
	int64		before;
	int64		requests;

	if (!quota_take_minute(DatumGetUUIDP(key), now, &seconds))
		refuse_rate(QUOTA_PER_MINUTE, "minute", seconds);
	before = quota_knows_day(DatumGetUUIDP(org), today) ? 0 : written_usage(org, today);
	requests = quota_take_day(DatumGetUUIDP(org), today, before, is_limited ? daily_limit : PG_INT64_MAX, is_counted);
	if (requests < 0)
		refuse_rate(daily_limit, "day",
					(int) (((TimestampTz) (today + 1) * USECS_PER_DAY - now) / USECS_PER_SEC) + 1);
	*day = today;
	return requests;
}

/* Note that a key was used. */
static void
note_key(Datum key, Datum org)
{
	Datum		values[2] = {key, org};

	saved_query_write(&used_query, values, NULL);
}

/* Note how much an organization has asked for on a day. */
static void
note_usage(Datum org, DateADT day, int64 requests)
{
	Datum		values[3] = {org, DateADTGetDatum(day), Int64GetDatum(requests)};

	saved_query_write(&usage_query, values, NULL);
}

/*
 * sign_in(key): the rest of the transaction is the key's organization's.
 * PT401 invalid_api_key, PT429 rate_limit_exceeded.
 */
Datum
sign_in(PG_FUNCTION_ARGS)
{
	char	   *key = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum		hash;
	Identity	found = {.transaction = this_transaction(), .login = GetSessionUserId(), .is_known = true, .has_key = true};
	Caller		caller;
	HeapTuple	tuple;
	TupleDesc	tupdesc;
	Datum		org;
	Datum		id;
	Datum		last_used;
	Datum		limit;
	bool		isnull;
	bool		is_unlimited;
	bool		is_counted;
	bool		is_due;
	char	   *problem;
	DateADT		day;
	int64		requests;

	memset(&identity, 0, sizeof(identity));
	if (!is_key(key))
		refuse_key(key[0] == '\0' ? "There is no key." : "It does not look like a key.");
	/* a key is ASCII, so its text is its bytes */
	hash = DirectFunctionCall1(sha256_bytea, CStringGetTextDatum(key));
	caller = become_owner();
	SPI_connect();
	saved_query_run(&key_query, &hash, NULL);
	if (SPI_processed == 0)
		refuse_key("No organization has such a key.");
	tuple = SPI_tuptable->vals[0];
	tupdesc = SPI_tuptable->tupdesc;
	org = SPI_getbinval(tuple, tupdesc, 1, &isnull);
	id = SPI_getbinval(tuple, tupdesc, 2, &isnull);
	found.scopes = scopes_of(DatumGetArrayTypeP(SPI_getbinval(tuple, tupdesc, 3, &isnull)));
	last_used = SPI_getbinval(tuple, tupdesc, 4, &isnull);
	/* once a minute */
	is_due = isnull || GetCurrentTimestamp() - DatumGetTimestampTz(last_used) >= USECS_PER_MINUTE;
	problem = SPI_getvalue(tuple, tupdesc, 5);
	limit = SPI_getbinval(tuple, tupdesc, 6, &is_unlimited);
	if (problem != NULL)
		refuse_key(problem);
	found.org = *DatumGetUUIDP(org);
	found.key = *DatumGetUUIDP(id);
	strlcpy(found.actor, DatumGetCString(DirectFunctionCall1(uuid_out, id)), sizeof(found.actor));
	requests = count_request(UUIDPGetDatum(&found.key), UUIDPGetDatum(&found.org), !is_unlimited, DatumGetInt64(limit), &day, &is_counted);
	/* what others have noted since an old snapshot would be an error */
	if (!XactReadOnly && !RecoveryInProgress() && !IsolationUsesXactSnapshot())
	{
		if (is_due)
			note_key(UUIDPGetDatum(&found.key), UUIDPGetDatum(&found.org));
		if (is_due || !is_counted)
			note_usage(UUIDPGetDatum(&found.org), day, requests);
	}
	SPI_finish();
	become_caller(caller);
	identify(&found);
	PG_RETURN_VOID();
}

/* sign_out(): the transaction is of whoever has logged in. */
Datum
sign_out(PG_FUNCTION_ARGS)
{
	memset(&identity, 0, sizeof(identity));
	PG_RETURN_VOID();
}

/* new_api_key(): a new key, from the strong random source; nobody has kept it. */
Datum
new_api_key(PG_FUNCTION_ARGS)
{
	uint8		bytes[KEY_BYTES];
	char		key[128];
	char	   *at = key + strlcpy(key, KEY_PREFIX, sizeof(key));

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	for (int i = 0; i < KEY_BYTES; i++)
		at += snprintf(at, 3, "%02x", bytes[i]);
	PG_RETURN_TEXT_P(cstring_to_text(key));
}

/* ---- members ---- */

/* Become the member that a query has found. */
static void
take_member(Identity *found)
{
	HeapTuple	tuple = SPI_tuptable->vals[0];
	bool		isnull;

	found->is_known = true;
	found->org = *DatumGetUUIDP(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
	found->scopes = SCOPE_READ | SCOPE_WRITE |
		(strcmp(SPI_getvalue(tuple, SPI_tuptable->tupdesc, 2), "admin") == 0 ? SCOPE_ADMIN : 0);
	strlcpy(found->actor, SPI_getvalue(tuple, SPI_tuptable->tupdesc, 3), sizeof(found->actor));
}

/*
 * sign_in_member(user_id, org_id): the rest of the transaction is the
 * member's, whose token PostgREST has checked.  Only a login role of PostgREST
 * is believed.  The organization may be NULL for a user who is in one only.
 */
Datum
sign_in_member(PG_FUNCTION_ARGS)
{
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1)};
	char		nulls[2] = {' ', PG_ARGISNULL(1) ? 'n' : ' '};
	Datum		login = DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetSessionUserId(), false)));
	Identity	found = {.transaction = this_transaction(), .login = GetSessionUserId()};
	Caller		caller = become_owner();

	memset(&identity, 0, sizeof(identity));
	SPI_connect();
	saved_query_run(&postgrest_query, &login, NULL);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_UNAUTHORIZED),
				 errmsg("invalid_token"),
				 errdetail("Only a login role of PostgREST may say who is signed in."),
				 errhint("SELECT trackagoat.setup_api(authenticator) makes one; others log in with the role in member.db_role.")));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_UNAUTHORIZED),
				 errmsg("invalid_token"),
				 errdetail("The token has no claim sub."),
				 errhint("Sign tokens with the member's user_id as sub.")));
	saved_query_run(&member_query, values, nulls);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_FORBIDDEN),
				 errmsg("not_a_member"),
				 errdetail("The user is in no organization, or not in the one named."),
				 errhint("An admin adds him to trackagoat.member.")));
	if (SPI_processed > 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
				 errmsg("organization_required"),
				 errdetail("The user is in several organizations."),
				 errhint("Name one by the header X-Organization-Id.")));
	take_member(&found);
	SPI_finish();
	become_caller(caller);
	identify(&found);
	PG_RETURN_VOID();
}

/* Who has logged in, if that is a member of one organization; asked once a transaction. */
static void
look_up_login(void)
{
	Datum		login = DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetSessionUserId(), false)));
	Identity	found = {.transaction = this_transaction(), .login = GetSessionUserId()};
	Caller		caller = become_owner();

	SPI_connect();
	saved_query_run(&login_query, &login, NULL);
	if (SPI_processed == 1)
		take_member(&found);
	SPI_finish();
	become_caller(caller);
	identify(&found);
}

static const Identity *
current_identity(void)
{
	if (identity.transaction != this_transaction() || identity.login != GetSessionUserId())
		look_up_login();
	return &identity;
}

/* current_org(): the organization that this transaction is of; NULL for nobody. */
Datum
current_org(PG_FUNCTION_ARGS)
{
	const Identity *who = current_identity();
	pg_uuid_t  *org;

	if (!who->is_known)
		PG_RETURN_NULL();
	org = palloc(sizeof(pg_uuid_t));
	*org = who->org;
	PG_RETURN_UUID_P(org);
}

/* readable_org(): the same for whoever may read. */
Datum
readable_org(PG_FUNCTION_ARGS)
{
	if ((current_identity()->scopes & SCOPE_READ) == 0)
		PG_RETURN_NULL();
	return current_org(fcinfo);
}

/* current_key(): the API key that this transaction was opened with, or NULL. */
Datum
current_key(PG_FUNCTION_ARGS)
{
	const Identity *who = current_identity();
	pg_uuid_t  *key;

	if (!who->has_key)
		PG_RETURN_NULL();
	key = palloc(sizeof(pg_uuid_t));
	*key = who->key;
	PG_RETURN_UUID_P(key);
}

/* current_actor(): who acts: a member's user_id, a key's id, or else the login role. */
Datum
current_actor(PG_FUNCTION_ARGS)
{
	const Identity *who = current_identity();

	PG_RETURN_TEXT_P(cstring_to_text(who->is_known ? who->actor : GetUserNameFromId(GetSessionUserId(), false)));
}

/* check_scope(scope): PT401 for nobody, PT403 for whoever may not. */
Datum
check_scope(PG_FUNCTION_ARGS)
{
	const char *wanted = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const Identity *who = current_identity();
	StringInfoData granted;

	if (!who->is_known)
		refuse_key("Nobody has signed in.");
	initStringInfo(&granted);
	for (int n = 0; n < (int) lengthof(scope_names); n++)
	{
		if ((who->scopes & (1 << n)) == 0)
			continue;
		if (strcmp(wanted, scope_names[n]) == 0)
			PG_RETURN_VOID();
		appendStringInfo(&granted, "%s\"%s\"", granted.len > 0 ? ", " : "", scope_names[n]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_TRACKAGOAT_FORBIDDEN),
			 errmsg("insufficient_scope"),
			 errdetail_internal("{\"required\": \"%s\", \"granted\": [%s]}", wanted, granted.data),
			 errhint("Use a key, or a member's role, that has the scope %s.", wanted)));
}

/*
 * call_handler(name, request): what this handler of the API answers.  A
 * statement made for each request would be parsed and planned each time.
 */
Datum
call_handler(PG_FUNCTION_ARGS)
{
	List	   *name = list_make2(makeString("trackagoat"), makeString(text_to_cstring(PG_GETARG_TEXT_PP(0))));
	Oid			argument = JSONBOID;

	PG_RETURN_DATUM(OidFunctionCall1(LookupFuncName(name, 1, &argument, false), PG_GETARG_DATUM(1)));
}
