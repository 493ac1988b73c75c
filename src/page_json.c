/*
 * page_json.c
 *	  Collects what the JSON of any known page form states.
 *
 * One table says for every form which key of which object leads where; the
 * text runs through PostgreSQL's own parser as a stream, and whatever the
 * table does not name is passed over.  A new field is a new row.
 */
#include "pure.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

#include "handle.h"
#include "page_parts.h"

/* The years 2010 to 2100 in Unix seconds: what a post's time may be. */
#define EARLIEST_POST	INT64CONST(1262304000)
#define LATEST_POST		INT64CONST(4102444800)

/* How a value is taken, and the C type of the slot that it goes to. */
typedef enum ValueKind
{
	VALUE_NONE,
	VALUE_TEXT,					/* char *: a string, even an empty one */
	VALUE_NAME,					/* char *: a string that is not empty */
	VALUE_FIRST,				/* char *: the first string not empty */
	VALUE_HANDLE,				/* char *: a valid handle */
	VALUE_SEC_UID,				/* char *: what may stand in a URL's query */
	VALUE_COUNT,				/* int64: a number or digits, from 0 */
	VALUE_TIME,					/* int64: Unix seconds of a sane year */
	VALUE_STATUS,				/* PageStatus: a number or digits, signed */
	VALUE_FLAG,					/* PageFlag: true or false */
	VALUE_TAG					/* TagList: a string that is not empty */
} ValueKind;

/*
 * In an object of zone "in", the value of "key" is an object of zone "to",
 * or a scalar for the slot at this offset of PageFacts, or either.  With
 * "each" the value is an array and the rule holds for its elements.  A key
 * ending in '*' stands for every key that begins so.
 */
typedef struct Rule
{
	Zone		in;
	const char *key;
	bool		each;
	Zone		to;
	ValueKind	kind;
	size_t		slot;
} Rule;

#define ENTER(in, key, to) \
	{ZONE_##in, key, false, ZONE_##to, VALUE_NONE, 0}
#define EACH(in, key, to) \
	{ZONE_##in, key, true, ZONE_##to, VALUE_NONE, 0}
#define READ(in, key, kind, slot) \
	{ZONE_##in, key, false, ZONE_NONE, VALUE_##kind, offsetof(PageFacts, slot)}
#define READ_EACH(in, key, kind, slot) \
	{ZONE_##in, key, true, ZONE_NONE, VALUE_##kind, offsetof(PageFacts, slot)}
#define ENTER_OR_READ(in, key, to, kind, slot) \
	{ZONE_##in, key, false, ZONE_##to, VALUE_##kind, offsetof(PageFacts, slot)}

/* The rules of one zone stand together; of two for a key the first holds. */
static const Rule rules[] = {
	/* API bodies: item list, profile, video, oEmbed, captcha */
	READ(API, "statusCode", STATUS, status),
	READ(API, "status_code", STATUS, status),
	READ(API, "statusMsg", TEXT, status.message),
	READ(API, "status_msg", TEXT, status.message),
	EACH(API, "itemList", ITEM),
	READ(API, "hasMorePrevious", FLAG, has_more_previous),
	READ(API, "hasMore", FLAG, has_more),
	ENTER(API, "userInfo", USER_INFO),
	ENTER(API, "itemInfo", ITEM_INFO),
	READ(API, "code", COUNT, captcha_code),
	ENTER_OR_READ(API, "verify_data", VERIFY, NAME, verify_data),
	READ(API, "embed_type", NAME, embed_type),
	READ(API, "embed_product_id", COUNT, oembed.id),
	READ(API, "title", TEXT, oembed.title),
	READ(API, "thumbnail_url", NAME, oembed.cover),
	READ(API, "author_unique_id", HANDLE, oembed.author.handle),
	READ(API, "author_name", TEXT, oembed.author.name),

	/* pages since 2023 */
	ENTER(UNIVERSAL, "__DEFAULT_SCOPE__", SCOPE),
	ENTER(SCOPE, "webapp.user-detail", USER_DETAIL),
	ENTER(SCOPE, "webapp.video-detail", VIDEO_DETAIL),
	ENTER(SCOPE, "webapp.reflow.video.detail", VIDEO_DETAIL),
	ENTER(SCOPE, "seo.abtest", SEO),
	READ(SEO, "canonical", NAME, canonical),

	/* profile */
	READ(USER_DETAIL, "statusCode", STATUS, status),
	READ(USER_DETAIL, "statusMsg", TEXT, status.message),
	ENTER(USER_DETAIL, "userInfo", USER_INFO),
	ENTER(USER_INFO, "user", USER),
	ENTER(USER_INFO, "stats", STATS),
	ENTER(USER_INFO, "statsV2", STATS_V2),
	READ(USER, "id", COUNT, account.id),
	READ(USER, "secUid", SEC_UID, account.sec_uid),
	READ(USER, "uniqueId", HANDLE, account.handle),
	READ(USER, "nickname", TEXT, account.name),
	READ(USER, "signature", TEXT, account.bio),
	READ(USER, "avatarLarger", NAME, account.avatar_large),
	READ(USER, "avatarMedium", NAME, account.avatar_medium),
	READ(USER, "avatarThumb", NAME, account.avatar_small),
	READ(USER, "verified", FLAG, account.verified),
	READ(USER, "privateAccount", FLAG, account.private_account),
	READ(USER, "secret", FLAG, account.secret),
	READ(STATS, "followerCount", COUNT, account.counts[STATS].followers),
	READ(STATS, "followingCount", COUNT, account.counts[STATS].following),
	READ(STATS, "heartCount", COUNT, account.counts[STATS].heart_count),
	READ(STATS, "heart", COUNT, account.counts[STATS].heart),
	READ(STATS, "videoCount", COUNT, account.counts[STATS].videos),
	READ(STATS_V2, "followerCount", COUNT, account.counts[STATS_V2].followers),
	READ(STATS_V2, "followingCount", COUNT, account.counts[STATS_V2].following),
	READ(STATS_V2, "heartCount", COUNT, account.counts[STATS_V2].heart_count),
	READ(STATS_V2, "heart", COUNT, account.counts[STATS_V2].heart),
	READ(STATS_V2, "videoCount", COUNT, account.counts[STATS_V2].videos),

	/* video */
	READ(VIDEO_DETAIL, "statusCode", STATUS, video_status),
	READ(VIDEO_DETAIL, "statusMsg", TEXT, video_status.message),
	READ(VIDEO_DETAIL, "statusMessage", TEXT, video_status.message),
	ENTER(VIDEO_DETAIL, "itemInfo", ITEM_INFO),
	ENTER(ITEM_INFO, "itemStruct", ITEM),
	READ(ITEM, "id", COUNT, video.id),
	READ(ITEM, "desc", TEXT, video.title),
	READ(ITEM, "createTime", TIME, video.posted_at),
	ENTER(ITEM, "stats", ITEM_STATS),
	ENTER(ITEM, "statsV2", ITEM_STATS_V2),
	ENTER(ITEM, "video", VIDEO),
	ENTER(ITEM, "imagePost", IMAGE_POST),
	ENTER_OR_READ(ITEM, "author", AUTHOR, HANDLE, video.author.handle),
	READ(ITEM, "authorId", COUNT, video.author.id),
	READ(ITEM, "authorSecId", SEC_UID, video.author.sec_uid),
	READ(ITEM, "nickname", TEXT, video.author.name),
	EACH(ITEM, "textExtra", TEXT_EXTRA),
	EACH(ITEM, "challenges", CHALLENGE),
	READ(ITEM, "isPinnedItem", FLAG, video.is_pinned),
	READ(ITEM, "isAd", FLAG, video.is_ad),
	READ(ITEM, "isContentClassified", FLAG, video.age_gated),
	READ(ITEM_STATS, "playCount", COUNT, video.counts[STATS].views),
	READ(ITEM_STATS, "diggCount", COUNT, video.counts[STATS].likes),
	READ(ITEM_STATS, "commentCount", COUNT, video.counts[STATS].comments),
	READ(ITEM_STATS, "shareCount", COUNT, video.counts[STATS].shares),
	READ(ITEM_STATS, "collectCount", COUNT, video.counts[STATS].saves),
	READ(ITEM_STATS_V2, "playCount", COUNT, video.counts[STATS_V2].views),
	READ(ITEM_STATS_V2, "diggCount", COUNT, video.counts[STATS_V2].likes),
	READ(ITEM_STATS_V2, "commentCount", COUNT, video.counts[STATS_V2].comments),
	READ(ITEM_STATS_V2, "shareCount", COUNT, video.counts[STATS_V2].shares),
	READ(ITEM_STATS_V2, "collectCount", COUNT, video.counts[STATS_V2].saves),
	READ(VIDEO, "cover", NAME, video.cover),
	READ(VIDEO, "originCover", NAME, video.origin_cover),
	READ(VIDEO, "duration", COUNT, video.duration),
	ENTER(IMAGE_POST, "cover", PHOTO_COVER),
	EACH(IMAGE_POST, "images", PHOTO_IMAGE),
	ENTER(PHOTO_COVER, "imageURL", PHOTO_COVER_URL),
	READ_EACH(PHOTO_COVER_URL, "urlList", FIRST, video.photo_cover),
	ENTER(PHOTO_IMAGE, "imageURL", PHOTO_IMAGE_URL),
	READ_EACH(PHOTO_IMAGE_URL, "urlList", FIRST, video.photo_image),
	READ(AUTHOR, "id", COUNT, video.author.id),
	READ(AUTHOR, "secUid", SEC_UID, video.author.sec_uid),
	READ(AUTHOR, "uniqueId", HANDLE, video.author.handle),
	READ(AUTHOR, "nickname", TEXT, video.author.name),
	READ(AUTHOR, "signature", TEXT, video.author.bio),
	READ(AUTHOR, "avatarLarger", NAME, video.author.avatar_large),
	READ(AUTHOR, "avatarMedium", NAME, video.author.avatar_medium),
	READ(AUTHOR, "avatarThumb", NAME, video.author.avatar_small),
	READ(AUTHOR, "verified", FLAG, video.author.verified),
	READ(AUTHOR, "privateAccount", FLAG, video.author.private_account),
	READ(AUTHOR, "secret", FLAG, video.author.secret),
	READ(TEXT_EXTRA, "hashtagName", TAG, video.text_tags),
	READ(CHALLENGE, "title", TAG, video.challenge_tags),

	/* profile pages of 2022 and 2023 */
	ENTER(SIGI, "UserModule", SIGI_MODULE),
	ENTER(SIGI, "ItemModule", SIGI_ITEMS),
	ENTER(SIGI, "UserPage", SIGI_PAGE),
	ENTER(SIGI_MODULE, "users", SIGI_USERS),
	ENTER(SIGI_MODULE, "stats", SIGI_STATS),
	ENTER(SIGI_USERS, "*", USER),
	ENTER(SIGI_STATS, "*", STATS),
	ENTER(SIGI_ITEMS, "*", ITEM),
	READ(SIGI_PAGE, "statusCode", STATUS, status),

	/* embed pages: the key is the path, perhaps with a query string */
	ENTER(FRONTITY, "source", EMBED_SOURCE),
	ENTER(EMBED_SOURCE, "data", EMBED_DATA),
	ENTER(EMBED_DATA, "/embed/@*", EMBED_PROFILE),
	ENTER(EMBED_DATA, "/embed/v2/*", EMBED_VIDEO),
	ENTER(EMBED_PROFILE, "userInfo", EMBED_USER),
	EACH(EMBED_PROFILE, "videoList", EMBED_ITEM),
	READ(EMBED_USER, "code", STATUS, embed_status),
	READ(EMBED_USER, "id", COUNT, account.id),
	READ(EMBED_USER, "secUid", SEC_UID, account.sec_uid),
	READ(EMBED_USER, "uniqueId", HANDLE, account.handle),
	READ(EMBED_USER, "nickname", TEXT, account.name),
	READ(EMBED_USER, "signature", TEXT, account.bio),
	READ(EMBED_USER, "avatarThumbUrl", NAME, account.avatar_small),
	READ(EMBED_USER, "verified", FLAG, account.verified),
	READ(EMBED_USER, "privateAccount", FLAG, account.private_account),
	READ(EMBED_USER, "followerCount", COUNT, account.counts[STATS].followers),
	READ(EMBED_USER, "followingCount", COUNT, account.counts[STATS].following),
	READ(EMBED_USER, "heartCount", COUNT, account.counts[STATS].heart_count),
	READ(EMBED_USER, "videoCount", COUNT, account.counts[STATS].videos),
	READ(EMBED_ITEM, "id", COUNT, video.id),
	READ(EMBED_ITEM, "desc", TEXT, video.title),
	READ(EMBED_ITEM, "createTime", TIME, video.posted_at),
	READ(EMBED_ITEM, "playCount", COUNT, video.counts[STATS].views),
	READ(EMBED_ITEM, "coverUrl", NAME, video.cover),
	READ(EMBED_ITEM, "originCoverUrl", NAME, video.origin_cover),
	READ(EMBED_ITEM, "authorUniqueId", HANDLE, video.author.handle),
	ENTER(EMBED_VIDEO, "videoData", EMBED_POST),
	ENTER(EMBED_POST, "itemInfos", EMBED_INFO),
	ENTER(EMBED_POST, "authorInfos", EMBED_AUTHOR),
	ENTER(EMBED_POST, "imagePostInfo", EMBED_PHOTO),
	READ(EMBED_INFO, "id", COUNT, video.id),
	READ(EMBED_INFO, "text", TEXT, video.title),
	READ(EMBED_INFO, "createTime", TIME, video.posted_at),
	READ(EMBED_INFO, "playCount", COUNT, video.counts[STATS].views),
	READ(EMBED_INFO, "diggCount", COUNT, video.counts[STATS].likes),
	READ(EMBED_INFO, "commentCount", COUNT, video.counts[STATS].comments),
	READ(EMBED_INFO, "shareCount", COUNT, video.counts[STATS].shares),
	READ_EACH(EMBED_INFO, "covers", FIRST, video.cover),
	ENTER(EMBED_INFO, "video", EMBED_MEDIA),
	ENTER(EMBED_MEDIA, "videoMeta", EMBED_META),
	READ(EMBED_META, "duration", COUNT, video.duration),
	READ(EMBED_AUTHOR, "uniqueId", HANDLE, video.author.handle),
	READ(EMBED_AUTHOR, "nickName", TEXT, video.author.name),
	READ(EMBED_AUTHOR, "secUid", SEC_UID, video.author.sec_uid),
};

/* An open object, or an open array with the rule that its elements follow. */
typedef struct Frame
{
	Zone		zone;
	const Rule *element;
} Frame;

typedef struct Reader
{
	PageFacts  *facts;
	const Rule *first_rule[NZONES]; /* where a zone's rules begin */
	const Rule *rule;			/* of the value that comes next, or NULL */
	bool		in_array;		/* is that value an array's element? */
	int			depth;
	Frame		frames[PAGE_MAX_DEPTH + 1];
} Reader;

/*
 * The parser's interface by version: 16 lets actions stop it, 17 takes a
 * size_t and caller's memory.
 */
#if PG_VERSION_NUM >= 160000
#define ACTION_RESULT JsonParseErrorType
#define ACTION_DONE() return JSON_SUCCESS
#else
#define ACTION_RESULT void
#define ACTION_DONE() return
#endif

static JsonLexContext *
make_lexer(char *json, size_t length)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, json, length, PG_UTF8, true);
#else
	return makeJsonLexContextCstringLen(json, (int) length, PG_UTF8, true);
#endif
}

static ACTION_RESULT object_start(void *state);
static ACTION_RESULT object_end(void *state);
static ACTION_RESULT array_start(void *state);
static ACTION_RESULT array_end(void *state);
static ACTION_RESULT field_start(void *state, char *key, bool is_null);
static ACTION_RESULT element_start(void *state, bool is_null);
static ACTION_RESULT scalar(void *state, char *token, JsonTokenType type);

static void push(Reader *reader, Zone zone, const Rule *element);
static bool rule_applies(const Reader *reader);
static bool key_matches(const char *pattern, const char *key);
static bool zone_is_item(Zone zone);
static bool is_handle(const char *token);
static bool is_sec_uid(const char *token);
static bool store_text(char **slot, ValueKind kind, char *token);
static bool store_tag(TagList *list, char *token);
static int64 parse_count(const char *digits);

/*
 * Collects into the facts what the JSON text states, whose outermost object
 * is of the given zone.  Blank text states nothing.  Answers false when the
 * text is broken or nests too deep; the facts are then not to be used.
 */
bool
page_read_json(TextSpan text, Zone root, PageFacts *facts)
{
	Reader		reader = {.facts = facts};
	Rule		root_rule = {.to = root};
	JsonSemAction actions = {
		.semstate = &reader,
		.object_start = object_start,
		.object_end = object_end,
		.array_start = array_start,
		.array_end = array_end,
		.object_field_start = field_start,
		.array_element_start = element_start,
		.scalar = scalar,
	};
	JsonParseErrorType result;
	char	   *json;

	page_clear_facts(facts);
	while (text.length > 0 && *text.at != '\0' &&
		   strchr(" \t\r\n", *text.at) != NULL)
	{
		text.at++;
		text.length--;
	}
	if (text.length == 0)
		return true;

	for (int i = lengthof(rules) - 1; i >= 0; i--)
		reader.first_rule[rules[i].in] = &rules[i];
	reader.rule = &root_rule;

	json = page_tidy_json(text);
	if (json == NULL)
		return false;
	result = pg_parse_json(make_lexer(json, text.length), &actions);
	pfree(json);
	return result == JSON_SUCCESS;
}

/* An object begins: enter the zone that the rule names. */
static ACTION_RESULT
object_start(void *state)
{
	Reader	   *reader = state;
	Zone		zone = rule_applies(reader) ? reader->rule->to : ZONE_NONE;

	if (zone_is_item(zone))
		page_begin_video(reader->facts);
	reader->facts->entered[zone]++;
	push(reader, zone, NULL);
	ACTION_DONE();
}

static ACTION_RESULT
object_end(void *state)
{
	Reader	   *reader = state;

	if (zone_is_item(reader->frames[reader->depth].zone))
		page_add_video(reader->facts);
	reader->depth--;
	ACTION_DONE();
}

/* An array begins: its elements follow the rule, if that wants an array. */
static ACTION_RESULT
array_start(void *state)
{
	Reader	   *reader = state;
	const Rule *rule = reader->rule;

	if (rule != NULL && (!rule->each || reader->in_array))
		rule = NULL;
	/* an empty item list is an item list too */
	if (rule != NULL)
		reader->facts->entered[rule->to]++;
	push(reader, ZONE_NONE, rule);
	ACTION_DONE();
}

static ACTION_RESULT
array_end(void *state)
{
	((Reader *) state)->depth--;
	ACTION_DONE();
}

/* A field begins: look up its rule.  The key is ours to free. */
static ACTION_RESULT
field_start(void *state, char *key, bool is_null)
{
	Reader	   *reader = state;
	Zone		zone = reader->frames[reader->depth].zone;
	const Rule *rule = reader->first_rule[zone];
	const Rule *end = rules + lengthof(rules);

	reader->rule = NULL;
	reader->in_array = false;
	for (; rule != NULL && rule < end && rule->in == zone; rule++)
	{
		if (key_matches(rule->key, key))
		{
			reader->rule = rule;
			break;
		}
	}
	pfree(key);
	ACTION_DONE();
}

static ACTION_RESULT
element_start(void *state, bool is_null)
{
	Reader	   *reader = state;

	reader->rule = reader->frames[reader->depth].element;
	reader->in_array = true;
	ACTION_DONE();
}

/* A scalar: store it in the rule's slot.  The token is ours to keep or free. */
static ACTION_RESULT
scalar(void *state, char *token, JsonTokenType type)
{
	Reader	   *reader = state;
	ValueKind	kind = rule_applies(reader) ? reader->rule->kind : VALUE_NONE;
	void	   *slot = NULL;
	bool		digits = (type == JSON_TOKEN_STRING || type == JSON_TOKEN_NUMBER);
	bool		kept = false;

	CHECK_FOR_INTERRUPTS();
	if (kind != VALUE_NONE)
		slot = (char *) reader->facts + reader->rule->slot;

	switch (kind)
	{
		case VALUE_NONE:
			break;
		case VALUE_TEXT:
		case VALUE_NAME:
		case VALUE_FIRST:
		case VALUE_HANDLE:
		case VALUE_SEC_UID:
			if (type == JSON_TOKEN_STRING)
				kept = store_text(slot, kind, token);
			break;
		case VALUE_COUNT:
			*(int64 *) slot = digits ? parse_count(token) : PAGE_ABSENT;
			break;
		case VALUE_TIME:
			*(int64 *) slot = digits ? parse_count(token) : PAGE_ABSENT;
			if (*(int64 *) slot < EARLIEST_POST || *(int64 *) slot >= LATEST_POST)
				*(int64 *) slot = PAGE_ABSENT;
			break;
		case VALUE_STATUS:
			{
				PageStatus *status = slot;
				bool		negative = (token[0] == '-');
				int64		code = parse_count(token + negative);

				status->seen = digits && code != PAGE_ABSENT;
				status->code = negative ? -code : code;
			}
			break;
		case VALUE_FLAG:
			if (type == JSON_TOKEN_TRUE || type == JSON_TOKEN_FALSE)
				*(PageFlag *) slot = (type == JSON_TOKEN_TRUE ?
									  PAGE_FLAG_TRUE : PAGE_FLAG_FALSE);
			break;
		case VALUE_TAG:
			if (type == JSON_TOKEN_STRING)
				kept = store_tag(slot, token);
			break;
	}
	if (!kept)
		pfree(token);
	ACTION_DONE();
}

/* Opens an object or array; page_tidy_json has limited how many can nest. */
static void
push(Reader *reader, Zone zone, const Rule *element)
{
	Assert(reader->depth < PAGE_MAX_DEPTH);
	reader->depth++;
	reader->frames[reader->depth].zone = zone;
	reader->frames[reader->depth].element = element;
}

/* Is the value that comes next where its rule wants it, in an array or not? */
static bool
rule_applies(const Reader *reader)
{
	return reader->rule != NULL && reader->rule->each == reader->in_array;
}

static bool
key_matches(const char *pattern, const char *key)
{
	while (*pattern != '\0' && *pattern == *key)
	{
		pattern++;
		key++;
	}
	return (*pattern == '\0' && *key == '\0') || strcmp(pattern, "*") == 0;
}

/* Is an object of this zone a post with all that belongs to it? */
static bool
zone_is_item(Zone zone)
{
	return zone == ZONE_ITEM || zone == ZONE_EMBED_ITEM || zone == ZONE_EMBED_POST;
}

static bool
is_handle(const char *token)
{
	const char *start;
	size_t		length;

	return handle_check(token, strlen(token), &start, &length) == HANDLE_VALID &&
		start == token;
}

/* Base64 for URLs, 76 characters as of 2026, kept within reason. */
static bool
is_sec_uid(const char *token)
{
	size_t		length = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

	return token[length] == '\0' && length > 0 && length <= 128;
}

/* Keeps a string in its slot, if it is one to keep; answers whether. */
static bool
store_text(char **slot, ValueKind kind, char *token)
{
	if (kind != VALUE_TEXT && *token == '\0')
		return false;
	if (kind == VALUE_FIRST && *slot != NULL)
		return false;
	if (strlen(token) > PAGE_MAX_TEXT)
		return false;
	if (kind == VALUE_HANDLE && !is_handle(token))
		return false;
	if (kind == VALUE_SEC_UID && !is_sec_uid(token))
		return false;
	if (*slot != NULL)
		pfree(*slot);
	*slot = token;
	return true;
}

static bool
store_tag(TagList *list, char *token)
{
	if (*token == '\0' || strlen(token) > PAGE_MAX_TEXT ||
		list->length >= PAGE_MAX_TAGS)
		return false;
	list->tags[list->length++] = token;
	return true;
}

/*
 * The number that these digits write, or PAGE_ABSENT when there is anything
 * else (a sign, a fraction, nothing) or it is beyond int64.
 */
static int64
parse_count(const char *digits)
{
	int64		count = 0;

	if (*digits == '\0')
		return PAGE_ABSENT;
	for (; *digits != '\0'; digits++)
	{
		int			digit = *digits - '0';

		if (digit < 0 || digit > 9 ||
			count > (PG_INT64_MAX - digit) / 10)
			return PAGE_ABSENT;
		count = count * 10 + digit;
	}
	return count;
}
