/*
 * page.h
 *	  What a fetched TikTok page or API body says.
 */
#ifndef TRACKAGOAT_PAGE_H
#define TRACKAGOAT_PAGE_H

/* A counter that the page does not show; never to be taken for zero. */
#define PAGE_ABSENT		(-1)

/* A flag of the page: shown as true or false, or not shown. */
typedef enum PageFlag
{
	PAGE_FLAG_ABSENT = -1,
	PAGE_FLAG_FALSE = 0,
	PAGE_FLAG_TRUE = 1
} PageFlag;

/* An account as a page shows it; strings are NULL when absent. */
typedef struct PageAccount
{
	bool		seen;			/* does the page show an account at all? */
	int64		id;				/* TikTok's account id, or PAGE_ABSENT */
	char	   *sec_uid;
	char	   *tiktok_handle;
	char	   *display_name;
	char	   *bio;
	char	   *avatar_url;
	PageFlag	verified;
	PageFlag	private_account;
	int64		follower_count;
	int64		following_count;
	int64		total_likes_count;
	int64		video_count;
} PageAccount;

/* A post as a page shows it. */
typedef struct PageVideo
{
	int64		tiktok_video_id;
	char	   *tiktok_handle;
	char	   *title;
	int64		posted_at;		/* Unix seconds, or PAGE_ABSENT */
	bool		is_photo;
	int64		view_count;
	int64		like_count;
	int64		comment_count;
	int64		share_count;
	int64		save_count;
	int64		duration;		/* seconds, or PAGE_ABSENT */
	char	   *thumbnail_url;
	PageFlag	is_pinned;
	PageFlag	is_ad;
	char	  **hashtags;
	int			nhashtags;
} PageVideo;

typedef struct WebPage
{
	const char *source;			/* profile_page, video_page, item_list,
								 * embed_profile, embed_video, oembed; or NULL */
	const char *outcome;		/* a name of trackagoat.scrape_outcome */
	bool		status_seen;	/* does the page show a statusCode? */
	int64		status_code;	/* if so: this one, which may be -1 */
	char	   *status_message;
	bool		exact;			/* false where the source rounds */
	PageAccount account;
	PageVideo  *videos;
	int			nvideos;
	int64		next_cursor;	/* Unix milliseconds, or PAGE_ABSENT */
	PageFlag	has_more;
} WebPage;

extern WebPage *page_read(const char *body, size_t length);

#endif							/* TRACKAGOAT_PAGE_H */
