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
 * "X5Y" or "Europe/Berlin5" are refused: they are typing errors more often
 * than wishes.  They need a digit, and the server writes them in upper case
 * throughout, which no name with a digit in its list of zones is, except old
 * POSIX forms.
 */
Datum
is_timezone(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	pg_tz	   *zone = NULL;

	if (strlen(name) < TZ_STRLEN_MAX)
		zone = pg_tzset(name);
	PG_RETURN_BOOL(zone != NULL && pg_tz_acceptable(zone) &&
				   (strpbrk(name, "0123456789") == NULL ||
					strpbrk(pg_get_timezone_name(zone), "abcdefghijklmnopqrstuvwxyz") != NULL));
}
