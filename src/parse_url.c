/*
 * parse_url.c
 *	  parse_handle() and parse_video_url(): what people paste, over url.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "trackagoat.h"
#include "url.h"

PG_FUNCTION_INFO_V1(parse_handle);
PG_FUNCTION_INFO_V1(parse_video_url);

/*
 * parse_handle(text): a handle, with or without '@', or the URL of a profile,
 * as people paste them.  PT409 invalid_handle otherwise.
 */
Datum
parse_handle(PG_FUNCTION_ARGS)
{
	text	   *input = PG_GETARG_TEXT_PP(0);
	const char *start = VARDATA_ANY(input);
	size_t		length = VARSIZE_ANY_EXHDR(input);
	TiktokUrl	url = url_parse(start, length);

	if (url.kind == URL_PROFILE)
		PG_RETURN_TEXT_P(cstring_to_text_with_len(url.handle, url.handle_length));

	while (length > 0 && strchr(" \t\r\n", *start) != NULL)
		start++, length--;
	while (length > 0 && strchr(" \t\r\n", start[length - 1]) != NULL)
		length--;
	PG_RETURN_TEXT_P(handle_make(start, length, NULL));
}

/*
 * parse_video_url(text): the author's handle, the video's id and the kind
 * ("video", "photo" or "short") that a URL names; what it does not name is
 * NULL.  PT400 invalid_video_url otherwise.
 */
Datum
parse_video_url(PG_FUNCTION_ARGS)
{
	text	   *input = PG_GETARG_TEXT_PP(0);
	TiktokUrl	url = url_parse(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input));
	TupleDesc	tupdesc;
	Datum		values[3] = {0};
	bool		nulls[3] = {false};
	const char *kind;

	switch (url.kind)
	{
		case URL_VIDEO:
			kind = "video";
			break;
		case URL_PHOTO:
			kind = "photo";
			break;
		case URL_SHORT:
			kind = "short";
			break;
		default:
			{
				int			length = VARSIZE_ANY_EXHDR(input);
				int			shown = pg_mbcliplen(VARDATA_ANY(input), length,
												 ERROR_SHOWN_LENGTH);

				ereport(ERROR,
						(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
						 errmsg("invalid_video_url"),
						 errdetail("\"%.*s%s\" is not the URL of a TikTok video.",
								   shown, VARDATA_ANY(input),
								   shown < length ? "..." : ""),
						 errhint("Paste a link such as https://www.tiktok.com/@handle/video/7526770564367748360.")));
			}
	}

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "parse_video_url must be declared to return a row");

	if (url.handle != NULL)
		values[0] = PointerGetDatum(cstring_to_text_with_len(url.handle, url.handle_length));
	else
		nulls[0] = true;
	if (url.tiktok_video_id != 0)
		values[1] = Int64GetDatum(url.tiktok_video_id);
	else
		nulls[1] = true;
	values[2] = CStringGetTextDatum(kind);

	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}
