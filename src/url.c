/*
 * url.c
 *	  Reads TikTok URLs: profiles, every long form of a video, short links.
 *
 * Plain C over the input's bytes; allocates nothing and never fails: what is
 * no TikTok URL is URL_UNKNOWN.
 */
#include "pure.h"

#include "handle.h"
#include "url.h"

/* The part of the input that is still to be read. */
typedef struct Rest
{
	const char *at;
	const char *end;
} Rest;

static bool skip(Rest *rest, const char *word);
static bool next_segment(Rest *rest, Rest *segment);
static bool segment_is(Rest segment, const char *word);
static bool segment_handle(Rest segment, TiktokUrl *url);
static bool segment_video_id(Rest segment, const char *suffix, TiktokUrl *url);
static bool segment_code(Rest segment);
static void parse_author_path(Rest author, Rest path, TiktokUrl *url);
static void parse_id_path(Rest first, Rest path, TiktokUrl *url);

/*
 * What does this URL name?  The scheme may be missing, as people paste it;
 * white space around it, the query and the fragment are ignored.
 */
TiktokUrl
url_parse(const char *input, size_t length)
{
	TiktokUrl	url = {URL_UNKNOWN, NULL, 0, 0};
	Rest		rest = {input, input + length};
	Rest		segment;
	bool		short_host = false;
	bool		share_host = false;

	while (rest.at < rest.end && strchr(" \t\r\n", *rest.at) != NULL && *rest.at)
		rest.at++;
	while (rest.at < rest.end && strchr(" \t\r\n", rest.end[-1]) != NULL && rest.end[-1])
		rest.end--;
	for (const char *p = rest.at; p < rest.end; p++)
	{
		if (*p == '?' || *p == '#')
		{
			rest.end = p;
			break;
		}
	}

	if (!skip(&rest, "https://"))
		(void) skip(&rest, "http://");
	if (skip(&rest, "vm.tiktok.com/") || skip(&rest, "vt.tiktok.com/"))
		short_host = true;
	else if (skip(&rest, "www.tiktokv.com/"))
		share_host = true;
	else if (!skip(&rest, "www.tiktok.com/") && !skip(&rest, "m.tiktok.com/") &&
			 !skip(&rest, "tiktok.com/"))
		return url;

	if (!next_segment(&rest, &segment))
		return url;

	if (short_host)
	{
		if (segment_code(segment) && rest.at == rest.end)
			url.kind = URL_SHORT;
	}
	else if (share_host)
	{
		if (segment_is(segment, "share"))
			parse_id_path(segment, rest, &url);
	}
	else if (segment_is(segment, "t"))
	{
		if (next_segment(&rest, &segment) && segment_code(segment) &&
			rest.at == rest.end)
			url.kind = URL_SHORT;
	}
	else if (skip(&segment, "@") || skip(&segment, "%40"))
		parse_author_path(segment, rest, &url);
	else
		parse_id_path(segment, rest, &url);

	return url;
}

/* /@handle, /@handle/video/ID, /@handle/photo/ID; the handle may be empty. */
static void
parse_author_path(Rest author, Rest path, TiktokUrl *url)
{
	Rest		word;
	Rest		id;
	UrlKind		kind;

	if (author.at < author.end && !segment_handle(author, url))
		return;

	if (!next_segment(&path, &word))
	{
		if (url->handle != NULL)
			url->kind = URL_PROFILE;
		return;
	}
	if (segment_is(word, "video"))
		kind = URL_VIDEO;
	else if (segment_is(word, "photo"))
		kind = URL_PHOTO;
	else
		return;
	if (next_segment(&path, &id) && path.at == path.end &&
		segment_video_id(id, "", url))
		url->kind = kind;
}

/* Forms without an author: share/video, embed, embed/v2, player/v1, v/ID.html. */
static void
parse_id_path(Rest first, Rest path, TiktokUrl *url)
{
	Rest		segment;
	const char *suffix = "";

	if (!next_segment(&path, &segment))
		return;
	if (segment_is(first, "share"))
	{
		if (!segment_is(segment, "video") || !next_segment(&path, &segment))
			return;
	}
	else if (segment_is(first, "embed"))
	{
		if (segment_is(segment, "v2") && !next_segment(&path, &segment))
			return;
	}
	else if (segment_is(first, "player"))
	{
		if (!segment_is(segment, "v1") || !next_segment(&path, &segment))
			return;
	}
	else if (segment_is(first, "v"))
		suffix = ".html";
	else
		return;

	if (path.at == path.end && segment_video_id(segment, suffix, url))
		url->kind = URL_VIDEO;
}

/* Skip the lower-case word if the rest begins with it, whatever its case. */
static bool
skip(Rest *rest, const char *word)
{
	size_t		length = strlen(word);

	if ((size_t) (rest->end - rest->at) < length ||
		handle_compare(rest->at, length, word, length) != 0)
		return false;
	rest->at += length;
	return true;
}

/* Take the next non-empty path segment and the slashes after it. */
static bool
next_segment(Rest *rest, Rest *segment)
{
	segment->at = rest->at;
	while (rest->at < rest->end && *rest->at != '/')
		rest->at++;
	segment->end = rest->at;
	while (rest->at < rest->end && *rest->at == '/')
		rest->at++;
	return segment->at < segment->end;
}

static bool
segment_is(Rest segment, const char *word)
{
	return handle_compare(segment.at, segment.end - segment.at,
						  word, strlen(word)) == 0;
}

static bool
segment_handle(Rest segment, TiktokUrl *url)
{
	/* an '@' of the handle itself is no part of a handle */
	return *segment.at != '@' &&
		handle_check(segment.at, segment.end - segment.at,
					 &url->handle, &url->handle_length) == HANDLE_VALID;
}

/* A positive 64-bit decimal, then the suffix. */
static bool
segment_video_id(Rest segment, const char *suffix, TiktokUrl *url)
{
	int64		id = 0;

	for (; segment.at < segment.end && *segment.at >= '0' && *segment.at <= '9'; segment.at++)
	{
		int			digit = *segment.at - '0';

		if (id > (PG_INT64_MAX - digit) / 10)
			return false;
		id = id * 10 + digit;
	}
	url->tiktok_video_id = id;
	return id > 0 && segment_is(segment, suffix);
}

/* The code of a short link: letters and digits. */
static bool
segment_code(Rest segment)
{
	for (; segment.at < segment.end; segment.at++)
	{
		char		c = *segment.at;

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			  (c >= 'A' && c <= 'Z') || c == '_' || c == '-'))
			return false;
	}
	return true;
}
