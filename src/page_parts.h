/*
 * page_parts.h
 *	  What the files of the page reader share; page.h is for everyone else.
 *
 * page_text.c finds the JSON text within a body, page_json.c reads it by the
 * steps of page_scan.c into the facts of page_facts.c, and page.c judges what
 * they amount to.
 */
#ifndef TRACKAGOAT_PAGE_PARTS_H
#define TRACKAGOAT_PAGE_PARTS_H

#include "page.h"

/* Bodies beyond this are unreadable; it keeps every size within an int. */
#define PAGE_MAX_BODY	(128 * 1024 * 1024)

/* Nesting beyond this is unreadable; TikTok's pages go 11 deep. */
#define PAGE_MAX_DEPTH	128

/* Longer text counts as not shown; no real field comes near. */
#define PAGE_MAX_TEXT	(64 * 1024)

/* Further items are left out; an item list holds 15, the oldest pages 30. */
#define PAGE_MAX_VIDEOS	1000

/* Further hashtags of one post are left out. */
#define PAGE_MAX_TAGS	100

/* A stretch of the body; "at" is NULL when there is none. */
typedef struct TextSpan
{
	const char *at;
	size_t		length;
} TextSpan;

static inline void
span_advance(TextSpan *span, size_t length)
{
	span->at += length;
	span->length -= length;
}

static inline bool
span_equals(TextSpan span, const char *text, size_t length)
{
	return span.length == length && memcmp(span.at, text, length) == 0;
}

/* The scalars of JSON. */
typedef enum TokenType
{
	TOKEN_BROKEN,
	TOKEN_STRING,
	TOKEN_NUMBER,
	TOKEN_TRUE,
	TOKEN_FALSE,
	TOKEN_NULL
} TokenType;

/* The scripts of an HTML page that carry its data. */
typedef struct PageScripts
{
	TextSpan	universal;		/* __UNIVERSAL_DATA_FOR_REHYDRATION__ */
	TextSpan	frontity;		/* __FRONTITY_CONNECT_STATE__: embed pages */
	TextSpan	sigi;			/* SIGI_STATE: pages of 2022 and 2023 */
	bool		cut_off;		/* the last of them has no end tag */
} PageScripts;

/*
 * The objects of the known page forms that hold something of interest.
 * PageFacts.entered counts how often each was met.
 */
typedef enum Zone
{
	ZONE_NONE,					/* anything else: ignored */
	ZONE_API,					/* a bare JSON body */
	ZONE_UNIVERSAL,				/* the data scripts, outermost object */
	ZONE_FRONTITY,
	ZONE_SIGI,
	ZONE_SCOPE,
	ZONE_SEO,
	ZONE_USER_DETAIL,
	ZONE_USER_INFO,
	ZONE_USER,
	ZONE_STATS,
	ZONE_STATS_V2,
	ZONE_VIDEO_DETAIL,
	ZONE_ITEM_INFO,
	ZONE_ITEM,
	ZONE_ITEM_STATS,
	ZONE_ITEM_STATS_V2,
	ZONE_VIDEO,
	ZONE_IMAGE_POST,
	ZONE_PHOTO_COVER,
	ZONE_PHOTO_COVER_URL,
	ZONE_PHOTO_IMAGE,
	ZONE_PHOTO_IMAGE_URL,
	ZONE_AUTHOR,
	ZONE_TEXT_EXTRA,
	ZONE_CHALLENGE,
	ZONE_VERIFY,
	ZONE_SIGI_MODULE,
	ZONE_SIGI_USERS,
	ZONE_SIGI_STATS,
	ZONE_SIGI_ITEMS,
	ZONE_SIGI_PAGE,
	ZONE_EMBED_SOURCE,
	ZONE_EMBED_DATA,
	ZONE_EMBED_PROFILE,
	ZONE_EMBED_USER,
	ZONE_EMBED_ITEM,
	ZONE_EMBED_VIDEO,
	ZONE_EMBED_POST,
	ZONE_EMBED_INFO,
	ZONE_EMBED_AUTHOR,
	ZONE_EMBED_MEDIA,
	ZONE_EMBED_META,
	ZONE_EMBED_PHOTO,
	NZONES
} Zone;

/* Counters stand twice on a page; exact ones are preferred, each by itself. */
enum
{
	STATS,						/* "stats": rounded on profiles */
	STATS_V2,					/* "statsV2": exact on profiles */
	NSTATS
};

typedef struct AccountCounts
{
	int64		followers;
	int64		following;
	int64		heart_count;
	int64		heart;
	int64		videos;
} AccountCounts;

typedef struct AccountFacts
{
	int64		id;
	char	   *sec_uid;
	char	   *handle;
	char	   *name;
	char	   *bio;
	char	   *avatar_large;
	char	   *avatar_medium;
	char	   *avatar_small;
	PageFlag	verified;
	PageFlag	private_account;
	PageFlag	secret;			/* the older name of private_account */
	AccountCounts counts[NSTATS];
} AccountFacts;

typedef struct VideoCounts
{
	int64		views;
	int64		likes;
	int64		comments;
	int64		shares;
	int64		saves;
} VideoCounts;

typedef struct TagList
{
	char	   *tags[PAGE_MAX_TAGS];
	int			length;
} TagList;

typedef struct VideoFacts
{
	int64		id;
	char	   *title;
	int64		posted_at;
	int64		duration;
	VideoCounts counts[NSTATS];
	char	   *cover;
	char	   *origin_cover;
	char	   *photo_cover;
	char	   *photo_image;
	PageFlag	is_pinned;
	PageFlag	is_ad;
	PageFlag	age_gated;
	TagList		text_tags;
	TagList		challenge_tags;
	AccountFacts author;
} VideoFacts;

/* TikTok's own verdict on the request. */
typedef struct PageStatus
{
	bool		seen;
	int64		code;
	char	   *message;
} PageStatus;

/* Everything that one JSON text states, before it is judged. */
typedef struct PageFacts
{
	int			entered[NZONES];
	PageStatus	status;			/* of a profile or an API body */
	PageStatus	video_status;	/* of a video page */
	PageStatus	embed_status;	/* embed profile: userInfo.code */
	int64		captcha_code;	/* API body: code */
	char	   *verify_data;
	char	   *canonical;
	char	   *embed_type;
	PageFlag	has_more;
	PageFlag	has_more_previous;
	AccountFacts account;		/* whom the page is about */
	AccountFacts first_author;	/* who made the first item */
	VideoFacts	video;			/* the item being read, afterwards the last */
	VideoFacts	oembed;			/* API body: the one post of an oEmbed answer */
	PageVideo  *videos;
	int			nvideos;
	int			videos_size;
} PageFacts;

/* page_text.c */
extern bool page_find_scripts(TextSpan body, PageScripts *scripts);

/* page_scan.c */
extern bool page_skip_nested(TextSpan *rest, int depth);
extern bool page_take_string(TextSpan *rest, TextSpan *raw);
extern TokenType page_take_scalar(TextSpan *rest, TextSpan *token);
extern char *page_decode_string(TextSpan raw);

/* page_json.c */
extern bool page_read_json(TextSpan text, Zone root, PageFacts *facts);

/* page_facts.c */
extern void page_clear_facts(PageFacts *facts);
extern void page_begin_video(PageFacts *facts);
extern void page_add_video(PageFacts *facts);
extern bool page_shows_account(const AccountFacts *account);
extern int64 page_either(int64 better, int64 other);

#endif							/* TRACKAGOAT_PAGE_PARTS_H */
