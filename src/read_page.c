/*
 * read_page.c
 *	  The SQL function read_page: what a page says, as jsonb.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "read_page.h"

static void push_string(JsonbParseState **state, JsonbIteratorToken as,
						const char *text);
static void push_key(JsonbParseState **state, const char *key);
static void push_null(JsonbParseState **state, const char *key);
static void push_text(JsonbParseState **state, const char *key, const char *text);
static void push_number(JsonbParseState **state, const char *key, int64 number);
static void push_count(JsonbParseState **state, const char *key, int64 count);
static void push_id(JsonbParseState **state, const char *key, int64 id);
static void push_bool(JsonbParseState **state, const char *key, bool value);
static void push_flag(JsonbParseState **state, const char *key, PageFlag flag);
static void push_time(JsonbParseState **state, const char *key, int64 seconds);
static void push_account(JsonbParseState **state, const PageAccount *account);
static void push_video(JsonbParseState **state, const PageVideo *video);

PG_FUNCTION_INFO_V1(read_page);

/*
 * read_page(body bytea) answers jsonb: what a fetched page or API body says.
 */
Datum
read_page(PG_FUNCTION_ARGS)
{
	bytea	   *body = PG_GETARG_BYTEA_PP(0);
	WebPage	   *page = page_read(VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body));

	PG_RETURN_JSONB_P(page_to_jsonb(page));
}

/*
 * The page as jsonb, palloc'd.  Ids are text, since they pass what JSON
 * readers keep exact; what the page does not show is null.  Keys are pushed
 * in the order that jsonb keeps them in, shorter ones first, so that it has
 * nothing to sort.
 */
Jsonb *
page_to_jsonb(const WebPage *page)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (page->next_cursor == PAGE_ABSENT && page->has_more == PAGE_FLAG_ABSENT)
		push_null(&state, "next");
	else
	{
		push_key(&state, "next");
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_count(&state, "cursor", page->next_cursor);
		push_flag(&state, "has_more", page->has_more);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	push_bool(&state, "exact", page->exact);
	push_text(&state, "source", page->source);

	push_key(&state, "videos");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < page->nvideos; i++)
		push_video(&state, &page->videos[i]);
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);

	if (page->account.seen)
		push_account(&state, &page->account);
	else
		push_null(&state, "account");
	push_text(&state, "outcome", page->outcome);
	if (page->status_seen)
		push_number(&state, "status_code", page->status_code);
	else
		push_null(&state, "status_code");
	push_text(&state, "status_message", page->status_message);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
push_account(JsonbParseState **state, const PageAccount *account)
{
	push_key(state, "account");
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_id(state, "id", account->id);
	push_text(state, "bio", account->bio);
	push_flag(state, "private", account->private_account);
	push_text(state, "sec_uid", account->sec_uid);
	push_flag(state, "verified", account->verified);
	push_text(state, "avatar_url", account->avatar_url);
	push_count(state, "video_count", account->video_count);
	push_text(state, "display_name", account->display_name);
	push_text(state, "tiktok_handle", account->tiktok_handle);
	push_count(state, "follower_count", account->follower_count);
	push_count(state, "following_count", account->following_count);
	push_count(state, "total_likes_count", account->total_likes_count);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static void
push_video(JsonbParseState **state, const PageVideo *video)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_text(state, "kind", video->is_photo ? "photo" : "video");
	push_flag(state, "is_ad", video->is_ad);
	push_text(state, "title", video->title);
	push_count(state, "duration", video->duration);

	push_key(state, "hashtags");
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < video->nhashtags; i++)
		push_string(state, WJB_ELEM, video->hashtags[i]);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);

	push_flag(state, "is_pinned", video->is_pinned);
	push_time(state, "posted_at", video->posted_at);
	push_count(state, "like_count", video->like_count);
	push_count(state, "save_count", video->save_count);
	push_count(state, "view_count", video->view_count);
	push_count(state, "share_count", video->share_count);
	push_count(state, "comment_count", video->comment_count);
	push_text(state, "thumbnail_url", video->thumbnail_url);
	push_text(state, "tiktok_handle", video->tiktok_handle);
	push_id(state, "tiktok_video_id", video->tiktok_video_id);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* Pushes a key, a value or an element that is a string. */
static void
push_string(JsonbParseState **state, JsonbIteratorToken as, const char *text)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	pushJsonbValue(state, as, &value);
}

static void
push_key(JsonbParseState **state, const char *key)
{
	push_string(state, WJB_KEY, key);
}

static void
push_null(JsonbParseState **state, const char *key)
{
	JsonbValue	value = {.type = jbvNull};

	push_key(state, key);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
push_text(JsonbParseState **state, const char *key, const char *text)
{
	if (text == NULL)
	{
		push_null(state, key);
		return;
	}
	push_key(state, key);
	push_string(state, WJB_VALUE, text);
}

static void
push_number(JsonbParseState **state, const char *key, int64 number)
{
	JsonbValue	value = {.type = jbvNumeric};

	value.val.numeric = int64_to_numeric(number);
	push_key(state, key);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
push_count(JsonbParseState **state, const char *key, int64 count)
{
	if (count == PAGE_ABSENT)
		push_null(state, key);
	else
		push_number(state, key, count);
}

static void
push_id(JsonbParseState **state, const char *key, int64 id)
{
	push_text(state, key,
			  id == PAGE_ABSENT ? NULL : psprintf(INT64_FORMAT, id));
}

static void
push_bool(JsonbParseState **state, const char *key, bool boolean)
{
	JsonbValue	value = {.type = jbvBool};

	value.val.boolean = boolean;
	push_key(state, key);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
push_flag(JsonbParseState **state, const char *key, PageFlag flag)
{
	if (flag == PAGE_FLAG_ABSENT)
		push_null(state, key);
	else
		push_bool(state, key, flag == PAGE_FLAG_TRUE);
}

/* Pushes Unix seconds as ISO 8601 in UTC, whatever the session's settings. */
static void
push_time(JsonbParseState **state, const char *key, int64 seconds)
{
	pg_time_t	time = seconds;
	struct pg_tm *tm = seconds == PAGE_ABSENT ? NULL : pg_gmtime(&time);

	push_text(state, key, tm == NULL ? NULL :
			  psprintf("%04d-%02d-%02dT%02d:%02d:%02d+00:00",
					   tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday,
					   tm->tm_hour, tm->tm_min, tm->tm_sec));
}
