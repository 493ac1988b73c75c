/*
 * source.c
 *	  The sources: pages and APIs that answer a claim.  Each says what to ask
 *	  for, and whether what came is of the account or video that was meant; the
 *	  table scrape_source says in which order they are tried.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "page.h"
#include "trackagoat.h"
#include "worker/worker.h"

static char *
profile_page_url(const ScrapeClaim *claim, uint64 device_id)
{
	return psprintf("%s/@%s", trackagoat_base_url, claim->tiktok_handle);
}

static char *
embed_profile_url(const ScrapeClaim *claim, uint64 device_id)
{
	return psprintf("%s/embed/@%s", trackagoat_base_url, claim->tiktok_handle);
}

/* Videos older than the cursor, newest first. */
static char *
item_list_url(const ScrapeClaim *claim, uint64 device_id)
{
	int64		now = GetCurrentTimestamp() / 1000 +
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * INT64CONST(1000);

	/* what a browser's page asks for; a shorter query is answered by 10201 */
	return psprintf("%s/api/creator/item_list/?aid=1988&app_language=en&app_name=tiktok_web"
					"&browser_language=en-US&browser_name=Mozilla&browser_online=true"
					"&browser_platform=Win32&browser_version=5.0%%20%%28Windows%%29"
					"&channel=tiktok_web&cookie_enabled=true&count=15&cursor=" INT64_FORMAT
					"&device_id=" UINT64_FORMAT "&device_platform=web_pc&focus_state=true"
					"&from_page=user&history_len=2&is_fullscreen=false&is_page_visible=true"
					"&language=en&os=windows&priority_region=&referer=&region=US"
					"&screen_height=1080&screen_width=1920&secUid=%s&type=1&tz_name=UTC"
					"&verifyFp=verify_%07x&webcast_language=en",
					trackagoat_base_url, claim->list_cursor != 0 ? claim->list_cursor : now,
					device_id, claim->sec_uid, (unsigned int) (device_id & 0xfffffff));
}

static char *
video_page_url(const ScrapeClaim *claim, uint64 device_id)
{
	return psprintf("%s/@_/video/" INT64_FORMAT, trackagoat_base_url, claim->tiktok_video_id);
}

static char *
embed_video_url(const ScrapeClaim *claim, uint64 device_id)
{
	return psprintf("%s/embed/v2/" INT64_FORMAT, trackagoat_base_url, claim->tiktok_video_id);
}

static char *
oembed_url(const ScrapeClaim *claim, uint64 device_id)
{
	return psprintf("%s/oembed?url=https%%3A%%2F%%2Fwww.tiktok.com%%2F%%40_%%2Fvideo%%2F" INT64_FORMAT,
					trackagoat_base_url, claim->tiktok_video_id);
}

/* Short links have hosts of their own, unless another host stands in for TikTok's. */
static char *
link_url(const ScrapeClaim *claim, uint64 device_id)
{
	return strcmp(trackagoat_base_url, TIKTOK_URL) == 0 ? psprintf("https://%s", claim->link) :
		psprintf("%s/t/%s", trackagoat_base_url, strrchr(claim->link, '/') + 1);
}

static bool
shows_account(const WebPage *page, const ScrapeClaim *claim)
{
	return page->account.seen && page->account.id != PAGE_ABSENT &&
		page->account.tiktok_handle != NULL &&
		handle_compare(page->account.tiktok_handle, strlen(page->account.tiktok_handle),
					   claim->tiktok_handle, strlen(claim->tiktok_handle)) == 0;
}

/* A list without items names nobody. */
static bool
shows_list(const WebPage *page, const ScrapeClaim *claim)
{
	return page->account.sec_uid == NULL || strcmp(page->account.sec_uid, claim->sec_uid) == 0;
}

static bool
shows_video(const WebPage *page, const ScrapeClaim *claim)
{
	return page->nvideos == 1 && page->videos[0].tiktok_video_id == claim->tiktok_video_id;
}

/* What a short link leads to is in its redirect, not on a page. */
static bool
shows_nothing(const WebPage *page, const ScrapeClaim *claim)
{
	return false;
}

static const Source sources[] = {
	{"profile_page", profile_page_url, shows_account, true, true},
	{"embed_profile", embed_profile_url, shows_account, true, false},
	{"item_list", item_list_url, shows_list, true, true},
	{"video_page", video_page_url, shows_video, true, true},
	{"embed_video", embed_video_url, shows_video, true, false},
	{"oembed", oembed_url, shows_video, false, false},
	{"link", link_url, shows_nothing, false, true}
};

/* The source of a name; NULL for none. */
const Source *
source_find(const char *name)
{
	for (size_t i = 0; i < lengthof(sources); i++)
	{
		if (strcmp(sources[i].name, name) == 0)
			return &sources[i];
	}
	return NULL;
}
