/*
 * timezone.c
 *	  is_timezone(): which names an organization's time zone may have.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(is_timezone);

/*
 * Is this the name of a time zone that the server knows?  POSIX forms such as
 * "X5Y" are refused: they are typing errors more often than wishes.
 */
Datum
is_timezone(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	pg_tz	   *zone = NULL;

	if (strlen(name) < TZ_STRLEN_MAX &&
		(strchr(name, '/') != NULL || strpbrk(name, "0123456789<>,") == NULL))
		zone = pg_tzset(name);
	PG_RETURN_BOOL(zone != NULL && pg_tz_acceptable(zone));
}
