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

#include "handle.h"
#include "trackagoat.h"
#include "url.h"

PG_FUNCTION_INFO_V1(parse_handle);
PG_FUNCTION_INFO_V1(handle_or_null);
PG_FUNCTION_INFO_V1(parse_video_url);
PG_FUNCTION_INFO_V1(video_url_or_null);

/* What may be a handle in what people paste: a profile URL's, or the text without the space around it. */
static const char *
pasted_handle(text *input, size_t *length)
{
	const char *start = VARDATA_ANY(input);
	TiktokUrl	url;

	*length = VARSIZE_ANY_EXHDR(input);
	url = url_parse(start, *length);
	if (url.kind == URL_PROFILE)
	{
		*length = url.handle_length;
		return url.handle;
	}
	while (*length > 0 && strchr(" \t\r\n", *start) != NULL)
		start++, (*length)--;
	while (*length > 0 && strchr(" \t\r\n", start[*length - 1]) != NULL)
		(*length)--;
	return start;
}

/*
 * parse_handle(text): a handle, with or without '@', or the URL of a profile,
 * as people paste them.  PT409 invalid_handle otherwise.
 */
Datum
parse_handle(PG_FUNCTION_ARGS)
{
	size_t		length;
	const char *start = pasted_handle(PG_GETARG_TEXT_PP(0), &length);

	PG_RETURN_TEXT_P(handle_make(start, length, NULL));
}

/* handle_or_null(text): the same, but NULL where there is none. */
Datum
handle_or_null(PG_FUNCTION_ARGS)
{
	size_t		length;
	const char *start = pasted_handle(PG_GETARG_TEXT_PP(0), &length);
	const char *handle;
	size_t		handle_length;

	if (handle_check(start, length, &handle, &handle_length) != HANDLE_VALID)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(handle, handle_length));
}

/* What a URL names, as a row of its handle, id and kind; *found is whether it is a video's. */
static Datum
parsed_video_url(FunctionCallInfo fcinfo, text *input, bool *found)
{
	TiktokUrl	url = url_parse(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input));
	TupleDesc	tupdesc;
	Datum		values[3] = {0};
	bool		nulls[3] = {false};
	const char *kind = NULL;

	if (url.kind == URL_VIDEO)
		kind = "video";
	else if (url.kind == URL_PHOTO)
		kind = "photo";
	else if (url.kind == URL_SHORT)
		kind = "short";
	*found = kind != NULL;
	if (!*found)
		return (Datum) 0;

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

	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
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
	int			length = VARSIZE_ANY_EXHDR(input);
	int			shown;
	bool		found;
	Datum		result = parsed_video_url(fcinfo, input, &found);

	if (found)
		PG_RETURN_DATUM(result);
	shown = pg_mbcliplen(VARDATA_ANY(input), length, ERROR_SHOWN_LENGTH);
	ereport(ERROR,
			(errcode(ERRCODE_TRACKAGOAT_BAD_REQUEST),
			 errmsg("invalid_video_url"),
			 errdetail("\"%.*s%s\" is not the URL of a TikTok video.",
					   shown, VARDATA_ANY(input), shown < length ? "..." : ""),
			 errhint("Paste a link such as https://www.tiktok.com/@handle/video/7526770564367748360.")));
}

/* video_url_or_null(text): the same, but NULL where there is none. */
Datum
video_url_or_null(PG_FUNCTION_ARGS)
{
	bool		found;
	Datum		result = parsed_video_url(fcinfo, PG_GETARG_TEXT_PP(0), &found);

	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}
