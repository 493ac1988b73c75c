/*
 * page.c
 *	  Says what a fetched TikTok page or API body is and what it shows.
 *
 * The entry point is page_read; nothing here raises an error, whatever the
 * bytes.  The outcomes are names of trackagoat.scrape_outcome.
 */
#include "pure.h"

#include "page_parts.h"

static void read_api(WebPage *page, TextSpan text);
static void read_scripts(WebPage *page, const PageScripts *scripts);
static const char *text_outcome(TextSpan text);
static void judge_profile(WebPage *page, const PageFacts *facts);
static void judge_sigi(WebPage *page, PageFacts *facts);
static void judge_video(WebPage *page, const PageFacts *facts,
						const PageStatus *status);
static void judge_item_list(WebPage *page, const PageFacts *facts);
static void judge_oembed(WebPage *page, PageFacts *facts);
static void judge_embed(WebPage *page, const PageFacts *facts);
static void conclude(WebPage *page, const char *outcome);
static const char *status_outcome(const PageStatus *status);
static const char *unavailable_outcome(const char *message);
static bool leads_to_login(const char *url);
static void take_status(WebPage *page, const PageStatus *status);
static void take_account(WebPage *page, const AccountFacts *facts);
static void take_account_counts(WebPage *page, const AccountFacts *facts);
static void take_videos(WebPage *page, const PageFacts *facts);
static void hide_counts(PageAccount *account);

/*
 * What does this body say?  Any bytes will do.  The answer and its strings
 * are palloc'd in the current memory context and share nothing with the body.
 */
WebPage *
page_read(const char *body, size_t length)
{
	WebPage	   *page = palloc0(sizeof(WebPage));
	TextSpan	text = {body, length};
	PageScripts scripts;

	page->account.id = PAGE_ABSENT;
	page->account.verified = PAGE_FLAG_ABSENT;
	page->account.private_account = PAGE_FLAG_ABSENT;
	hide_counts(&page->account);
	page->next_cursor = PAGE_ABSENT;
	page->has_more = PAGE_FLAG_ABSENT;

	if (length >= 3 && memcmp(body, "\xEF\xBB\xBF", 3) == 0)
	{
		text.at += 3;
		text.length -= 3;
	}
	while (text.length > 0 && *text.at != '\0' &&
		   strchr(" \t\r\n\f\v", *text.at) != NULL)
	{
		text.at++;
		text.length--;
	}

	if (text.length == 0)
		conclude(page, "refused_empty");
	else if (text.length > PAGE_MAX_BODY)
		conclude(page, "unreadable");
	else if (*text.at == '{')
		read_api(page, text);
	else if (page_find_scripts(text, &scripts))
		read_scripts(page, &scripts);
	else
		conclude(page, text_outcome(text));
	return page;
}

/* A bare JSON body: which API answered? */
static void
read_api(WebPage *page, TextSpan text)
{
	PageFacts	facts;

	if (!page_read_json(text, ZONE_API, &facts))
		conclude(page, "unreadable");
	else if (facts.captcha_code == 10000 || facts.verify_data != NULL ||
			 facts.entered[ZONE_VERIFY])
		conclude(page, "captcha");
	else if (facts.entered[ZONE_USER_INFO])
		judge_profile(page, &facts);
	else if (facts.entered[ZONE_ITEM_INFO])
		judge_video(page, &facts, &facts.status);
	else if (facts.embed_type != NULL)
		judge_oembed(page, &facts);
	else if (facts.status.seen || facts.entered[ZONE_ITEM])
		judge_item_list(page, &facts);
	else
		conclude(page, "unreadable");
}

/*
 * An HTML page with data: judged by its data alone, whatever words stand
 * elsewhere.  The pages of 2023 carry both SIGI_STATE and a universal script
 * without details.
 */
static void
read_scripts(WebPage *page, const PageScripts *scripts)
{
	PageFacts	facts;
	bool		broken = scripts->cut_off;
	bool		login = false;

	if (scripts->universal.at != NULL)
	{
		if (!page_read_json(scripts->universal, ZONE_UNIVERSAL, &facts))
			broken = true;
		else if (facts.entered[ZONE_VIDEO_DETAIL])
		{
			judge_video(page, &facts, &facts.video_status);
			return;
		}
		else if (facts.entered[ZONE_USER_DETAIL])
		{
			judge_profile(page, &facts);
			return;
		}
		else
			login = leads_to_login(facts.canonical);
	}
	if (scripts->sigi.at != NULL)
	{
		if (!page_read_json(scripts->sigi, ZONE_SIGI, &facts))
			broken = true;
		else if (facts.entered[ZONE_SIGI_PAGE])
		{
			judge_sigi(page, &facts);
			return;
		}
	}
	if (scripts->frontity.at != NULL)
	{
		if (!page_read_json(scripts->frontity, ZONE_FRONTITY, &facts))
			broken = true;
		else
		{
			judge_embed(page, &facts);
			return;
		}
	}
	conclude(page, broken ? "unreadable" : login ? "login_required" : "shell");
}

/* A page without data: does its text say why? */
static const char *
text_outcome(TextSpan text)
{
	static const struct
	{
		const char *words;
		const char *outcome;
	}			signs[] = {
		{"SlardarWAF", "challenged"},
		{"_wafchallengeid", "challenged"},
		{"captcha-config", "captcha"},
		{"verify_data", "captcha"},
		{"Security Check", "captcha"},
		{"Access Denied", "blocked"},
		{"Site Maintenance", "blocked"},
	};

	for (int i = 0; i < (int) lengthof(signs); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (memmem(text.at, text.length,
				   signs[i].words, strlen(signs[i].words)) != NULL)
			return signs[i].outcome;
	}
	return "unreadable";
}

static void
judge_profile(WebPage *page, const PageFacts *facts)
{
	const char *outcome = status_outcome(&facts->status);

	page->source = "profile_page";
	take_status(page, &facts->status);
	take_account(page, &facts->account);
	take_account_counts(page, &facts->account);
	take_videos(page, facts);

	/* a private account that shows its posts is shown to us */
	if (facts->status.code == 10222 && page->account.video_count > 0)
		outcome = NULL;
	if (outcome == NULL && page->account.id == PAGE_ABSENT)
		outcome = "unreadable";
	conclude(page, outcome ? outcome : "ok");
}

/*
 * A profile of 2022 or 2023.  The form can hold several accounts and other
 * people's posts; what is not certainly the profile's own is not used.
 */
static void
judge_sigi(WebPage *page, PageFacts *facts)
{
	int			kept = 0;

	if (facts->entered[ZONE_USER] > 1 || facts->entered[ZONE_STATS] > 1)
	{
		page->source = "profile_page";
		conclude(page, "unreadable");
		return;
	}
	for (int i = 0; i < facts->nvideos; i++)
	{
		if (facts->videos[i].tiktok_handle != NULL &&
			facts->account.handle != NULL &&
			pg_strcasecmp(facts->videos[i].tiktok_handle,
						  facts->account.handle) == 0)
			facts->videos[kept++] = facts->videos[i];
	}
	facts->nvideos = kept;
	judge_profile(page, facts);
}

static void
judge_video(WebPage *page, const PageFacts *facts, const PageStatus *status)
{
	const char *outcome = status_outcome(status);

	page->source = "video_page";
	page->exact = true;
	take_status(page, status);
	take_account(page, &facts->first_author);
	take_videos(page, facts);

	if (outcome == NULL && facts->video.age_gated == PAGE_FLAG_TRUE &&
		!facts->entered[ZONE_VIDEO] && !facts->entered[ZONE_IMAGE_POST])
		outcome = "login_required";
	if (outcome == NULL && page->nvideos == 0)
		outcome = "unreadable";
	conclude(page, outcome ? outcome : "ok");
}

/*
 * A page of an account's posts.  The next one begins at the oldest post of
 * this one; pinned posts stand out of order and do not count for that.
 */
static void
judge_item_list(WebPage *page, const PageFacts *facts)
{
	const char *outcome = status_outcome(&facts->status);
	int64		last = PAGE_ABSENT;

	page->source = "item_list";
	page->exact = true;
	take_status(page, &facts->status);
	take_account(page, &facts->first_author);
	take_videos(page, facts);

	page->has_more = facts->has_more_previous;
	if (page->has_more == PAGE_FLAG_ABSENT)
		page->has_more = facts->has_more;

	/*
	 * Newest first, but for pinned ones, which come before all and may lack
	 * their mark: so the last item decides, not the oldest.
	 */
	for (int i = 0; i < page->nvideos; i++)
	{
		const PageVideo *video = &page->videos[i];

		if (video->is_pinned != PAGE_FLAG_TRUE && video->posted_at != PAGE_ABSENT)
			last = video->posted_at;
	}
	if (last != PAGE_ABSENT)
		page->next_cursor = last * 1000;
	conclude(page, outcome ? outcome : "ok");
}

/* An oEmbed answer: that a post exists, whose it is, but no counts. */
static void
judge_oembed(WebPage *page, PageFacts *facts)
{
	const char *outcome = status_outcome(&facts->status);

	page_begin_video(facts);
	facts->video = facts->oembed;
	facts->entered[ZONE_IMAGE_POST] = (strcmp(facts->embed_type, "photo") == 0);
	page_add_video(facts);

	page->source = "oembed";
	take_status(page, &facts->status);
	take_account(page, &facts->first_author);
	take_videos(page, facts);

	if (outcome == NULL && page->nvideos == 0)
		outcome = "unreadable";
	conclude(page, outcome ? outcome : "ok");
}

/* An embed page.  Without data for its path the embed is not offered. */
static void
judge_embed(WebPage *page, const PageFacts *facts)
{
	const char *outcome = "unavailable";

	if (facts->entered[ZONE_EMBED_VIDEO])
	{
		page->source = "embed_video";
		take_account(page, &facts->first_author);
		if (facts->nvideos > 0)
			outcome = "ok";
	}
	else if (facts->entered[ZONE_EMBED_PROFILE])
	{
		page->source = "embed_profile";
		take_status(page, &facts->embed_status);
		take_account(page, &facts->account);
		take_account_counts(page, &facts->account);
		if (page->status_seen && page->status_code == 404)
			outcome = "not_found";
		else if (page->account.id != PAGE_ABSENT ||
				 page->account.tiktok_handle != NULL)
			outcome = "ok";
	}
	take_videos(page, facts);
	conclude(page, outcome);
}

/*
 * Settles the outcome.  Unless that is "ok", whatever numbers the page holds
 * are filler or a stranger's: none is shown.
 */
static void
conclude(WebPage *page, const char *outcome)
{
	page->outcome = outcome;
	if (strcmp(outcome, "ok") == 0)
		return;
	page->exact = false;
	hide_counts(&page->account);
	page->videos = NULL;
	page->nvideos = 0;
	page->next_cursor = PAGE_ABSENT;
	page->has_more = PAGE_FLAG_ABSENT;
}

/* What TikTok's status code means; NULL when it has no objection. */
static const char *
status_outcome(const PageStatus *status)
{
	if (!status->seen)
		return NULL;
	switch (status->code)
	{
		case 0:
			return NULL;
		case -1:
			return "blocked";
		case 10000:
			return "captcha";
		case 10101:
		case 10102:
			return "rate_limited";
		case 10201:
			return "bad_request";
		case 10202:
		case 10217:
		case 10221:
			return "not_found";
		case 10204:
			return unavailable_outcome(status->message);
		case 10216:
		case 10222:
			return "private";
		case 10223:
		case 10225:
			return "suspended";
		case 10231:
			return "regional";
		default:
			return "unavailable";
	}
}

/* Why is this post not available (10204)?  Only the message tells. */
static const char *
unavailable_outcome(const char *message)
{
	static const struct
	{
		const char *words;
		const char *outcome;
	}			reasons[] = {
		{"status_deleted", "not_found"},
		{"doesn't exist", "not_found"},
		{"self_see", "private"},
		{"friend_see", "private"},
		{"author_secret", "private"},
		{"content_classification", "login_required"},
		{"cross_border_violation", "regional"},
	};

	for (int i = 0; message != NULL && i < (int) lengthof(reasons); i++)
	{
		if (strstr(message, reasons[i].words) != NULL)
			return reasons[i].outcome;
	}
	return "unavailable";
}

/* Is this URL, with or without its host, that of the login page? */
static bool
leads_to_login(const char *url)
{
	const char *path = url;
	const char *host;

	if (url == NULL)
		return false;
	host = strstr(url, "://");
	if (host != NULL)
		path = strchr(host + 3, '/');
	return path != NULL && strncmp(path, "/login", 6) == 0 &&
		strchr("/?#", path[6]) != NULL;
}

static void
take_status(WebPage *page, const PageStatus *status)
{
	page->status_seen = status->seen;
	page->status_code = status->code;
	page->status_message = status->message;
}

/* Shows the account, without its counts. */
static void
take_account(WebPage *page, const AccountFacts *facts)
{
	PageAccount *account = &page->account;

	account->seen = page_shows_account(facts);
	account->id = facts->id > 0 ? facts->id : PAGE_ABSENT;
	account->sec_uid = facts->sec_uid;
	account->tiktok_handle = facts->handle;
	account->display_name = facts->name;
	account->bio = facts->bio;
	account->avatar_url = facts->avatar_large;
	if (account->avatar_url == NULL)
		account->avatar_url = facts->avatar_medium;
	if (account->avatar_url == NULL)
		account->avatar_url = facts->avatar_small;
	account->verified = facts->verified;
	account->private_account = facts->private_account != PAGE_FLAG_ABSENT ?
		facts->private_account : facts->secret;
}

/*
 * Shows the account's counts, each from statsV2 if that has it.  They are
 * exact when none had to come from the rounded stats.
 */
static void
take_account_counts(WebPage *page, const AccountFacts *facts)
{
	const AccountCounts *exact = &facts->counts[STATS_V2];
	const AccountCounts *rounded = &facts->counts[STATS];
	int64		exact_likes = page_either(exact->heart_count, exact->heart);
	int64		rounded_likes = page_either(rounded->heart_count, rounded->heart);
	PageAccount *account = &page->account;

	account->follower_count = page_either(exact->followers, rounded->followers);
	account->following_count = page_either(exact->following, rounded->following);
	account->total_likes_count = page_either(exact_likes, rounded_likes);
	account->video_count = page_either(exact->videos, rounded->videos);

	page->exact =
		(account->follower_count != PAGE_ABSENT ||
		 account->following_count != PAGE_ABSENT ||
		 account->total_likes_count != PAGE_ABSENT ||
		 account->video_count != PAGE_ABSENT) &&
		(exact->followers != PAGE_ABSENT || rounded->followers == PAGE_ABSENT) &&
		(exact->following != PAGE_ABSENT || rounded->following == PAGE_ABSENT) &&
		(exact_likes != PAGE_ABSENT || rounded_likes == PAGE_ABSENT) &&
		(exact->videos != PAGE_ABSENT || rounded->videos == PAGE_ABSENT);
}

static void
take_videos(WebPage *page, const PageFacts *facts)
{
	page->videos = facts->videos;
	page->nvideos = facts->nvideos;
}

static void
hide_counts(PageAccount *account)
{
	account->follower_count = PAGE_ABSENT;
	account->following_count = PAGE_ABSENT;
	account->total_likes_count = PAGE_ABSENT;
	account->video_count = PAGE_ABSENT;
}
