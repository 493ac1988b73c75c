/*
 * url.h
 *	  What a TikTok URL names.
 */
#ifndef TRACKAGOAT_URL_H
#define TRACKAGOAT_URL_H

typedef enum UrlKind
{
	URL_UNKNOWN,
	URL_PROFILE,
	URL_VIDEO,
	URL_PHOTO,
	URL_SHORT					/* vm.tiktok.com/CODE and its like */
} UrlKind;

typedef struct TiktokUrl
{
	UrlKind		kind;
	const char *handle;			/* points into the input; NULL if not named */
	size_t		handle_length;
	int64		tiktok_video_id;	/* 0 if not named */
} TiktokUrl;

extern TiktokUrl url_parse(const char *input, size_t length);

#endif							/* TRACKAGOAT_URL_H */
