/*
 * timezone.c
 *	  is_timezone(): which names an organization's time zone may have.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(is_timezone);

/*
 * Does AT TIME ZONE take the name for the same zone?  It looks for an
 * abbreviation first, and so takes CET for an hour from UTC all year.
 */
static bool
sql_agrees(const char *name, pg_tz *zone)
{
	/* a day of winter and one of summer */
	static const TimestampTz moments[] = {
		INT64CONST(790300800000000), INT64CONST(805939200000000)
	};

	for (int i = 0; i < (int) lengthof(moments); i++)
	{
		struct pg_tm tm;
		fsec_t		fsec;
		int			offset;
		Timestamp	local = DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone,
																  CStringGetTextDatum(name),
																  TimestampTzGetDatum(moments[i])));

		if (timestamp2tm(moments[i], &offset, &tm, &fsec, NULL, zone) != 0 ||
			local != moments[i] - offset * USECS_PER_SEC)
			return false;
	}
	return true;
}

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
	PG_RETURN_BOOL(zone != NULL && pg_tz_acceptable(zone) && sql_agrees(name, zone) &&
				   (strpbrk(name, "0123456789") == NULL ||
					strpbrk(pg_get_timezone_name(zone), "abcdefghijklmnopqrstuvwxyz") != NULL));
}
