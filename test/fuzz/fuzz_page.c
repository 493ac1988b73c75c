/*
 * fuzz_page.c
 *	  Feeds any bytes to page_read and checks what every answer must satisfy,
 *	  and that values are stepped over as a plain reading of them would.
 */
#include "pure.h"

#include "mb/pg_wchar.h"

#include "arena.h"
#include "page_parts.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const outcomes[] = {
	"ok", "not_found", "private", "suspended", "unavailable", "regional",
	"login_required", "challenged", "captcha", "blocked", "rate_limited",
	"refused_empty", "bad_request", "shell", "unreadable",
};
static const char *const sources[] = {
	"profile_page", "video_page", "item_list", "embed_profile", "embed_video",
	"oembed",
};

static void
check(bool fine)
{
	if (!fine)
		abort();
}

/* A text is absent, or valid UTF-8 up to its NUL. */
static void
check_text(const char *text)
{
	size_t		length = text == NULL ? 0 : strlen(text);

	for (size_t i = 0; i < length;)
	{
		int			taken = pg_encoding_verifymbchar(PG_UTF8, text + i,
													 length - i);

		check(taken > 0);
		i += taken;
	}
}

static void
check_count(int64 count)
{
	check(count >= 0 || count == PAGE_ABSENT);
}

static void
check_name(const char *name, const char *const *names, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (strcmp(name, names[i]) == 0)
			return;
	}
	abort();
}

static void
check_account(const PageAccount *account, bool ok)
{
	check(account->id > 0 || account->id == PAGE_ABSENT);
	check_text(account->sec_uid);
	check_text(account->tiktok_handle);
	check_text(account->display_name);
	check_text(account->bio);
	check_text(account->avatar_url);
	check_count(account->follower_count);
	check_count(account->following_count);
	check_count(account->total_likes_count);
	check_count(account->video_count);
	check(ok || (account->follower_count == PAGE_ABSENT &&
				 account->following_count == PAGE_ABSENT &&
				 account->total_likes_count == PAGE_ABSENT &&
				 account->video_count == PAGE_ABSENT));
}

static void
check_video(const PageVideo *video)
{
	check(video->tiktok_video_id > 0);
	check_text(video->tiktok_handle);
	check_text(video->title);
	check_text(video->thumbnail_url);
	check_count(video->posted_at);
	check_count(video->view_count);
	check_count(video->like_count);
	check_count(video->comment_count);
	check_count(video->share_count);
	check_count(video->save_count);
	check_count(video->duration);
	for (int i = 0; i < video->nhashtags; i++)
	{
		check(video->hashtags[i][0] != '\0');
		check_text(video->hashtags[i]);
	}
}

/* page_skip_nested as one would write it without a thought of its speed. */
static bool
skip_plainly(TextSpan *rest)
{
	char		opened[PAGE_MAX_DEPTH];
	int			depth = 0;
	bool		in_string = false;
	bool		escaped = false;

	for (; rest->length > 0; span_advance(rest, 1))
	{
		char		c = *rest->at;

		if (c == '"' && !escaped)
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
		{
			if (depth == PAGE_MAX_DEPTH)
				return false;
			opened[depth++] = c;
		}
		else if (!in_string && (c == '}' || c == ']'))
		{
			if (opened[--depth] != (c == '}' ? '{' : '['))
				return false;
			if (depth == 0)
			{
				span_advance(rest, 1);
				return true;
			}
		}
		escaped = (c == '\\' && !escaped);
	}
	return false;
}

/* Do both ways of stepping over a value agree? */
static void
check_skip(TextSpan text)
{
	TextSpan	fast = text;
	TextSpan	plain = text;
	bool		ended = page_skip_nested(&fast, 0);

	check(ended == skip_plainly(&plain));
	check(!ended || fast.at == plain.at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	WebPage	   *page = page_read((const char *) data, size);
	bool		ok;

	check_name(page->outcome, outcomes, lengthof(outcomes));
	if (page->source != NULL)
		check_name(page->source, sources, lengthof(sources));
	ok = strcmp(page->outcome, "ok") == 0;
	check(!ok || page->source != NULL);
	check(ok || (page->nvideos == 0 && !page->exact &&
				 page->next_cursor == PAGE_ABSENT));
	check_text(page->status_message);
	check_count(page->next_cursor);
	check_account(&page->account, ok);
	for (int i = 0; i < page->nvideos; i++)
		check_video(&page->videos[i]);
	if (size > 0 && (data[0] == '{' || data[0] == '['))
		check_skip((TextSpan) {(const char *) data, size});

	arena_reset();
	return 0;
}
