/*
 * settings.c
 *	  The settings trackagoat.* and what makes their values valid.
 *
 * All but trackagoat.database and trackagoat.workers belong to superusers and may be set per
 * session, database or server: they decide which host is asked, how often
 * and through what, so no tenant may touch them.
 */
#include "postgres.h"

#include <limits.h>

#include "datatype/timestamp.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "trackagoat.h"

PG_FUNCTION_INFO_V1(attempt_retention);
PG_FUNCTION_INFO_V1(scrape_host);

char	   *trackagoat_database;
int			trackagoat_workers;
bool		trackagoat_enabled;
char	   *trackagoat_base_url;
char	   *trackagoat_user_agent;
char	   *trackagoat_proxy;
char	   *trackagoat_ca_file;
int			trackagoat_requests_per_minute;
int			trackagoat_max_parallel;
int			trackagoat_request_timeout;
int			trackagoat_max_body;
bool		trackagoat_allow_private_addresses;
int			trackagoat_attempt_retention;

/* A comma-separated list of database names. */
static bool
check_database(char **newval, void **extra, GucSource source)
{
	char	   *list = pstrdup(*newval);
	List	   *names;
	bool		valid = SplitIdentifierString(list, ',', &names);

	if (valid)
		list_free(names);
	else
		GUC_check_errdetail("List syntax is invalid.");
	pfree(list);
	return valid;
}

/* Does every byte of the value belong into one line of an HTTP request? */
static bool
is_one_line(const char *value)
{
	for (; *value; value++)
	{
		if ((unsigned char) *value < ' ' || *value == 0x7f)
			return false;
	}
	return true;
}

/* Scheme, host and perhaps port or path prefix; no user, query or slash at the end. */
static bool
check_base_url(char **newval, void **extra, GucSource source)
{
	const char *url = *newval;
	const char *host;

	if (strncmp(url, "https://", 8) == 0)
		host = url + 8;
	else if (strncmp(url, "http://", 7) == 0)
		host = url + 7;
	else
	{
		GUC_check_errdetail("The URL must begin with \"https://\" or \"http://\".");
		return false;
	}
	if (*host == '\0' || !is_one_line(host) || strpbrk(host, " @?#\\\"<>") != NULL ||
		host[strlen(host) - 1] == '/')
	{
		GUC_check_errdetail("The URL must be a scheme, a host and perhaps a port, such as \"https://www.tiktok.com\".");
		return false;
	}
	return true;
}

static bool
check_one_line(char **newval, void **extra, GucSource source)
{
	if (is_one_line(*newval))
		return true;
	GUC_check_errdetail("The value must not hold control characters.");
	return false;
}

/*
 * Define them all.  trackagoat.database and trackagoat.workers size shared
 * memory, so they are fixed at server start; in a session that loads the
 * library by itself they only show what the file says.
 */
void
settings_define(bool preloading)
{
	DefineCustomStringVariable("trackagoat.database",
							   "Databases that the worker serves, separated by commas.",
							   NULL, &trackagoat_database, "postgres",
							   preloading ? PGC_POSTMASTER : PGC_SIGHUP, GUC_LIST_INPUT,
							   check_database, NULL, NULL);
	DefineCustomIntVariable("trackagoat.workers",
							"How many workers serve each of them.",
							"One suffices for most; more share its queue, and the pace of the host.",
							&trackagoat_workers, 1, 1, 16,
							preloading ? PGC_POSTMASTER : PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("trackagoat.enabled",
							 "Whether the worker fetches anything.",
							 NULL, &trackagoat_enabled, true,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("trackagoat.base_url",
							   "Where TikTok's public pages are.",
							   "Tests point it at a server on this machine.",
							   &trackagoat_base_url, TIKTOK_URL,
							   PGC_SUSET, 0, check_base_url, NULL, NULL);
	DefineCustomStringVariable("trackagoat.user_agent",
							   "User-Agent header of every request.",
							   "TikTok serves another page form to telephones; name a desktop system.",
							   &trackagoat_user_agent,
							   "Mozilla/5.0 (X11; Linux x86_64) trackagoat/" TRACKAGOAT_VERSION,
							   PGC_SUSET, 0, check_one_line, NULL, NULL);
	DefineCustomStringVariable("trackagoat.proxy",
							   "Proxy for every request, as libcurl writes it; empty for none.",
							   NULL, &trackagoat_proxy, "",
							   PGC_SUSET, GUC_SUPERUSER_ONLY, check_one_line, NULL, NULL);
	DefineCustomStringVariable("trackagoat.ca_file",
							   "File of certificate authorities; empty for the system's.",
							   NULL, &trackagoat_ca_file, "",
							   PGC_SUSET, GUC_SUPERUSER_ONLY, check_one_line, NULL, NULL);
	DefineCustomIntVariable("trackagoat.requests_per_minute",
							"How many requests a host gets a minute, from all workers and sessions together, evenly with jitter.",
							NULL, &trackagoat_requests_per_minute, 12, 1, 600000,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("trackagoat.max_parallel",
							"How many requests to a host may be open at once, of all workers and sessions together.",
							NULL, &trackagoat_max_parallel, 2, 1, 64,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("trackagoat.request_timeout",
							"How long one request may take.",
							NULL, &trackagoat_request_timeout, 30000, 100, 600000,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("trackagoat.max_body",
							"Largest page that is read, after decompression.",
							NULL, &trackagoat_max_body, 4096, 1, 262144,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomBoolVariable("trackagoat.allow_private_addresses",
							 "Whether requests may go to loopback, private and other special addresses.",
							 "For tests against a server on this machine.",
							 &trackagoat_allow_private_addresses, false,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("trackagoat.attempt_retention",
							"Days that scrape_attempt keeps a row.",
							NULL, &trackagoat_attempt_retention, 30, 1, 3650,
							PGC_SUSET, 0, NULL, NULL, NULL);

	MarkGUCPrefixReserved("trackagoat");
}

/* attempt_retention(): how long scrape_attempt keeps a row, for SQL. */
Datum
attempt_retention(PG_FUNCTION_ARGS)
{
	Interval   *retention = palloc0(sizeof(Interval));

	retention->day = trackagoat_attempt_retention;
	PG_RETURN_POINTER(retention);
}

/* The host of trackagoat.base_url, with its port if it has one; palloc'd. */
char *
trackagoat_host(void)
{
	const char *host = strstr(trackagoat_base_url, "://") + 3;

	return pnstrdup(host, strcspn(host, "/"));
}

/* scrape_host(): the same, for SQL. */
Datum
scrape_host(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(trackagoat_host()));
}
