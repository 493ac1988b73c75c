/*
 * fuzz_url.c
 *	  Feeds any bytes to url_parse; what it names must be valid, lie within
 *	  the input, and be found again in the plain form of the same URL.
 */
#include "pure.h"

#include "handle.h"
#include "url.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool fine)
{
	if (!fine)
		abort();
}

/* Writes the URL in its plain form, reads that, and compares. */
static void
check_plain_form(TiktokUrl url)
{
	char		plain[128];
	TiktokUrl	again;
	int			length;

	if (url.kind == URL_PROFILE)
		length = sprintf(plain, "https://www.tiktok.com/@%.*s",
						 (int) url.handle_length, url.handle);
	else
		length = sprintf(plain, "https://www.tiktok.com/@%.*s/%s/" INT64_FORMAT,
						 (int) url.handle_length,
						 url.handle ? url.handle : "",
						 url.kind == URL_VIDEO ? "video" : "photo",
						 url.tiktok_video_id);

	again = url_parse(plain, length);
	check(again.kind == url.kind);
	check(again.tiktok_video_id == url.tiktok_video_id);
	check((again.handle == NULL) == (url.handle == NULL));
	check(again.handle == NULL ||
		  handle_compare(again.handle, again.handle_length,
						 url.handle, url.handle_length) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *input = (const char *) data;
	TiktokUrl	url = url_parse(input, size);
	const char *start;
	size_t		length;

	check(url.kind >= URL_UNKNOWN && url.kind <= URL_SHORT);
	if (url.kind == URL_UNKNOWN || url.kind == URL_SHORT)
		return 0;

	if (url.handle != NULL)
	{
		check(url.handle >= input &&
			  url.handle + url.handle_length <= input + size);
		check(handle_check(url.handle, url.handle_length,
						   &start, &length) == HANDLE_VALID);
		check(length == url.handle_length);
	}
	if (url.kind == URL_PROFILE)
		check(url.handle != NULL && url.tiktok_video_id == 0);
	else
		check(url.tiktok_video_id > 0);
	check_plain_form(url);
	return 0;
}
