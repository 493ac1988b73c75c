/*
 * trackagoat.c
 *	  Where the library begins: settings, shared memory and the launcher.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "trackagoat.h"
#include "worker/worker.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(trackagoat_tables_version);

void		_PG_init(void);

/*
 * Types and functions work in any session; the worker needs shared memory,
 * so it is there only where shared_preload_libraries names the library.
 */
void
_PG_init(void)
{
	settings_define(process_shared_preload_libraries_in_progress);
	if (process_shared_preload_libraries_in_progress && !IsBinaryUpgrade)
	{
		shared_request();
		launcher_register();
	}
}

/* The version of the tables that this library works with. */
Datum
trackagoat_tables_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(TRACKAGOAT_TABLES_VERSION);
}
