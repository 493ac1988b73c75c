/*
 * page_facts.c
 *	  What is known of a page while its JSON is read: begins with nothing,
 *	  and gathers the posts one by one.
 */
#include "pure.h"

#include "page_parts.h"

static void clear_account(AccountFacts *account);
static void take_tags(PageVideo *video, const TagList *list);
static char *thumbnail(const VideoFacts *video);

/* Sets the facts to: nothing is known. */
void
page_clear_facts(PageFacts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->captcha_code = PAGE_ABSENT;
	facts->has_more = PAGE_FLAG_ABSENT;
	facts->has_more_previous = PAGE_FLAG_ABSENT;
	clear_account(&facts->account);
	clear_account(&facts->first_author);
	page_begin_video(facts);
	facts->oembed = facts->video;
}

static void
clear_account(AccountFacts *account)
{
	memset(account, 0, sizeof(*account));
	account->id = PAGE_ABSENT;
	account->verified = PAGE_FLAG_ABSENT;
	account->private_account = PAGE_FLAG_ABSENT;
	account->secret = PAGE_FLAG_ABSENT;
	for (int i = 0; i < NSTATS; i++)
	{
		account->counts[i].followers = PAGE_ABSENT;
		account->counts[i].following = PAGE_ABSENT;
		account->counts[i].heart_count = PAGE_ABSENT;
		account->counts[i].heart = PAGE_ABSENT;
		account->counts[i].videos = PAGE_ABSENT;
	}
}

/* A post begins: forgets the one before, whose strings its PageVideo keeps. */
void
page_begin_video(PageFacts *facts)
{
	VideoFacts *video = &facts->video;

	memset(video, 0, sizeof(*video));
	video->id = PAGE_ABSENT;
	video->posted_at = PAGE_ABSENT;
	video->duration = PAGE_ABSENT;
	video->is_pinned = PAGE_FLAG_ABSENT;
	video->is_ad = PAGE_FLAG_ABSENT;
	video->age_gated = PAGE_FLAG_ABSENT;
	clear_account(&video->author);
	for (int i = 0; i < NSTATS; i++)
	{
		video->counts[i].views = PAGE_ABSENT;
		video->counts[i].likes = PAGE_ABSENT;
		video->counts[i].comments = PAGE_ABSENT;
		video->counts[i].shares = PAGE_ABSENT;
		video->counts[i].saves = PAGE_ABSENT;
	}
	facts->entered[ZONE_VIDEO] = 0;
	facts->entered[ZONE_IMAGE_POST] = 0;
	facts->entered[ZONE_EMBED_PHOTO] = 0;
}

/*
 * A post ends: adds it to the facts' posts.  One without a usable id is left
 * out, and so is one that is there already.
 */
void
page_add_video(PageFacts *facts)
{
	const VideoFacts *from = &facts->video;
	const VideoCounts *exact = &from->counts[STATS_V2];
	const VideoCounts *rounded = &from->counts[STATS];
	PageVideo  *video;

	if (!page_shows_account(&facts->first_author))
		facts->first_author = from->author;
	if (from->id <= 0 || facts->nvideos >= PAGE_MAX_VIDEOS)
		return;
	for (int i = 0; i < facts->nvideos; i++)
	{
		if (facts->videos[i].tiktok_video_id == from->id)
			return;
	}

	if (facts->nvideos == facts->videos_size)
	{
		facts->videos_size = Max(16, facts->videos_size * 2);
		facts->videos = facts->videos == NULL ?
			palloc(facts->videos_size * sizeof(PageVideo)) :
			repalloc(facts->videos, facts->videos_size * sizeof(PageVideo));
	}
	video = &facts->videos[facts->nvideos++];
	memset(video, 0, sizeof(*video));
	video->tiktok_video_id = from->id;
	video->tiktok_handle = from->author.handle;
	video->title = from->title;
	video->posted_at = from->posted_at;
	video->is_photo = facts->entered[ZONE_IMAGE_POST] > 0 ||
		facts->entered[ZONE_EMBED_PHOTO] > 0;
	video->view_count = page_either(exact->views, rounded->views);
	video->like_count = page_either(exact->likes, rounded->likes);
	video->comment_count = page_either(exact->comments, rounded->comments);
	video->share_count = page_either(exact->shares, rounded->shares);
	video->save_count = page_either(exact->saves, rounded->saves);
	video->duration = from->duration;
	video->thumbnail_url = thumbnail(from);
	video->is_pinned = from->is_pinned;
	video->is_ad = from->is_ad;
	video->hashtags = palloc((from->text_tags.length +
							  from->challenge_tags.length) * sizeof(char *));
	take_tags(video, &from->text_tags);
	take_tags(video, &from->challenge_tags);
}

/* Adds the hashtags that the video does not have yet, in any case. */
static void
take_tags(PageVideo *video, const TagList *list)
{
	for (int i = 0; i < list->length; i++)
	{
		char	   *tag = list->tags[i];
		bool		known = false;

		if (*tag == '#')
			tag++;
		for (int j = 0; j < video->nhashtags && !known; j++)
			known = (pg_strcasecmp(video->hashtags[j], tag) == 0);
		if (!known && *tag != '\0')
			video->hashtags[video->nhashtags++] = tag;
	}
}

/* A photo post's own cover or first picture, else the video's cover. */
static char *
thumbnail(const VideoFacts *video)
{
	if (video->photo_cover != NULL)
		return video->photo_cover;
	if (video->photo_image != NULL)
		return video->photo_image;
	if (video->cover != NULL)
		return video->cover;
	return video->origin_cover;
}

/* Is there anything to tell the account by? */
bool
page_shows_account(const AccountFacts *account)
{
	return account->id > 0 || account->handle != NULL ||
		account->sec_uid != NULL;
}

/* The better of two sources of a number, if it has it, else the other. */
int64
page_either(int64 better, int64 other)
{
	return better != PAGE_ABSENT ? better : other;
}
