/*
 * page_json.c
 *	  Collects what the JSON of any known page form states.
 *
 * One table says for every form which key of which object leads where.  The
 * text is walked through once; whatever the table does not name is passed over
 * without a look at what it holds.  A new field is a new row.
 */
#include "pure.h"

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
 * "each" the value is an array and the rule holds for its elements; with
 * "prefix" the rule holds for every key that begins so.
 */
typedef struct Rule
{
	Zone		in;
	const char *key;
	size_t		key_length;
	bool		prefix;
	bool		each;
	Zone		to;
	ValueKind	kind;
	size_t		slot;
} Rule;

#define KEY(key) \
	key, sizeof(key) - 1
#define ENTER(in, key, to) \
	{ZONE_##in, KEY(key), false, false, ZONE_##to, VALUE_NONE, 0}
#define ENTER_ALL(in, key, to) \
	{ZONE_##in, KEY(key), true, false, ZONE_##to, VALUE_NONE, 0}
#define EACH(in, key, to) \
	{ZONE_##in, KEY(key), false, true, ZONE_##to, VALUE_NONE, 0}
#define READ(in, key, kind, slot) \
	{ZONE_##in, KEY(key), false, false, ZONE_NONE, VALUE_##kind, offsetof(PageFacts, slot)}
#define READ_EACH(in, key, kind, slot) \
	{ZONE_##in, KEY(key), false, true, ZONE_NONE, VALUE_##kind, offsetof(PageFacts, slot)}
#define ENTER_OR_READ(in, key, to, kind, slot) \
	{ZONE_##in, KEY(key), false, false, ZONE_##to, VALUE_##kind, offsetof(PageFacts, slot)}

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
	ENTER_ALL(SIGI_USERS, "", USER),
	ENTER_ALL(SIGI_STATS, "", STATS),
	ENTER_ALL(SIGI_ITEMS, "", ITEM),
	READ(SIGI_PAGE, "statusCode", STATUS, status),

	/* embed pages: the key is the path, perhaps with a query string */
	ENTER(FRONTITY, "source", EMBED_SOURCE),
	ENTER(EMBED_SOURCE, "data", EMBED_DATA),
	ENTER_ALL(EMBED_DATA, "/embed/@", EMBED_PROFILE),
	ENTER_ALL(EMBED_DATA, "/embed/v2/", EMBED_VIDEO),
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

typedef struct Reader
{
	TextSpan	rest;			/* of the text: what is not read yet */
	int			depth;			/* how many objects and arrays are open */
	PageFacts  *facts;
	const Rule *first_rule[NZONES]; /* where a zone's rules begin, if any */
} Reader;

static bool read_value(Reader *reader, const Rule *rule, bool in_array);
static bool read_object(Reader *reader, Zone zone);
static bool read_array(Reader *reader, const Rule *rule);
static bool read_members(Reader *reader, Zone zone, const Rule *element);
static bool read_field(Reader *reader, Zone zone);
static inline char next_token(Reader *reader);
static const Rule *find_rule(const Reader *reader, Zone zone, TextSpan key);
static const Rule *match_rule(const Reader *reader, Zone zone, TextSpan key);
static bool zone_is_item(Zone zone);
static void store(PageFacts *facts, const Rule *rule, TokenType type, TextSpan token);
static void store_text(char **slot, ValueKind kind, TextSpan token);
static void store_tag(TagList *list, TextSpan token);
static char *decode_text(TextSpan token);
static void store_number(void *slot, ValueKind kind, TextSpan token);
static bool is_handle(const char *text);
static bool is_sec_uid(const char *text);
static int64 parse_count(TextSpan digits);

/*
 * Collects into the facts what the JSON text states, whose outermost object
 * is of the given zone.  Blank text states nothing.  Answers false when the
 * text is broken or nests too deep; the facts are then not to be used.  What
 * is broken inside of a value that nobody reads may pass, if it ends.
 */
bool
page_read_json(TextSpan text, Zone root, PageFacts *facts)
{
	Reader		reader = {.rest = text, .facts = facts};
	Rule		root_rule = {.to = root};

	page_clear_facts(facts);
	for (int i = lengthof(rules) - 1; i >= 0; i--)
		reader.first_rule[rules[i].in] = &rules[i];

	(void) next_token(&reader);
	if (reader.rest.length > 0 && !read_value(&reader, &root_rule, false))
		return false;
	(void) next_token(&reader);
	return reader.rest.length == 0;
}

/*
 * Reads a value by its rule, if it has one and is where the rule wants it: in
 * an array or not.
 */
static bool
read_value(Reader *reader, const Rule *rule, bool in_array)
{
	bool		applies = (rule != NULL && rule->each == in_array);
	TokenType	type = TOKEN_STRING;
	TextSpan	token;

	CHECK_FOR_INTERRUPTS();
	switch (next_token(reader))
	{
		case '{':
			if (applies && rule->to != ZONE_NONE)
				return read_object(reader, rule->to);
			return page_skip_nested(&reader->rest, reader->depth);
		case '[':
			if (rule != NULL && rule->each && !in_array)
				return read_array(reader, rule);
			return page_skip_nested(&reader->rest, reader->depth);
		case '"':
			if (!page_take_string(&reader->rest, &token))
				return false;
			break;
		default:
			type = page_take_scalar(&reader->rest, &token);
			if (type == TOKEN_BROKEN)
				return false;
	}
	if (applies)
		store(reader->facts, rule, type, token);
	return true;
}

static bool
read_object(Reader *reader, Zone zone)
{
	if (zone_is_item(zone))
		page_begin_video(reader->facts);
	reader->facts->entered[zone]++;
	if (!read_members(reader, zone, NULL))
		return false;
	if (zone_is_item(zone))
		page_add_video(reader->facts);
	return true;
}

static bool
read_array(Reader *reader, const Rule *rule)
{
	/* an empty item list is an item list too */
	reader->facts->entered[rule->to]++;
	return read_members(reader, ZONE_NONE, rule);
}

/*
 * Reads all from an opening bracket to its closing one: the fields of an
 * object of this zone, or the elements of an array that follow this rule.
 */
static bool
read_members(Reader *reader, Zone zone, const Rule *element)
{
	char		closing = element != NULL ? ']' : '}';
	bool		more;

	if (++reader->depth > PAGE_MAX_DEPTH)
		return false;
	span_advance(&reader->rest, 1);
	more = (next_token(reader) != closing);
	while (more)
	{
		if (element != NULL ? !read_value(reader, element, true) :
			!read_field(reader, zone))
			return false;
		more = (next_token(reader) == ',');
		if (more)
			span_advance(&reader->rest, 1);
	}
	if (next_token(reader) != closing)
		return false;
	span_advance(&reader->rest, 1);
	reader->depth--;
	return true;
}

/* Reads a key and its value. */
static bool
read_field(Reader *reader, Zone zone)
{
	TextSpan	key;

	if (next_token(reader) != '"' || !page_take_string(&reader->rest, &key) ||
		next_token(reader) != ':')
		return false;
	span_advance(&reader->rest, 1);
	return read_value(reader, find_rule(reader, zone, key), false);
}

/* Skips white space, and answers what begins behind it: NUL at the end. */
static inline char
next_token(Reader *reader)
{
	TextSpan   *rest = &reader->rest;

	while (rest->length > 0 &&
		   (*rest->at == ' ' || *rest->at == '\n' || *rest->at == '\r' ||
			*rest->at == '\t'))
		span_advance(rest, 1);
	return rest->length > 0 ? *rest->at : '\0';
}

/* The rule of a key, or NULL. */
static const Rule *
find_rule(const Reader *reader, Zone zone, TextSpan key)
{
	const Rule *rule = match_rule(reader, zone, key);

	if (rule == NULL && memchr(key.at, '\\', key.length) != NULL)
	{
		char	   *text = page_decode_string(key);

		rule = match_rule(reader, zone, (TextSpan) {text, strlen(text)});
		pfree(text);
	}
	return rule;
}

static const Rule *
match_rule(const Reader *reader, Zone zone, TextSpan key)
{
	const Rule *rule = reader->first_rule[zone];
	const Rule *end = rules + lengthof(rules);

	for (; rule != NULL && rule < end && rule->in == zone; rule++)
	{
		if ((rule->key_length == key.length ||
			 (rule->prefix && rule->key_length < key.length)) &&
			memcmp(rule->key, key.at, rule->key_length) == 0)
			return rule;
	}
	return NULL;
}

/* Is an object of this zone a post with all that belongs to it? */
static bool
zone_is_item(Zone zone)
{
	return zone == ZONE_ITEM || zone == ZONE_EMBED_ITEM || zone == ZONE_EMBED_POST;
}

/* Stores a scalar in the rule's slot, if it is of the rule's kind. */
static void
store(PageFacts *facts, const Rule *rule, TokenType type, TextSpan token)
{
	void	   *slot = (char *) facts + rule->slot;

	switch (rule->kind)
	{
		case VALUE_NONE:
			break;
		case VALUE_TEXT:
		case VALUE_NAME:
		case VALUE_FIRST:
		case VALUE_HANDLE:
		case VALUE_SEC_UID:
			if (type == TOKEN_STRING)
				store_text(slot, rule->kind, token);
			break;
		case VALUE_COUNT:
		case VALUE_TIME:
		case VALUE_STATUS:
			if (type != TOKEN_STRING && type != TOKEN_NUMBER)
				token.length = 0;
			store_number(slot, rule->kind, token);
			break;
		case VALUE_FLAG:
			if (type == TOKEN_TRUE || type == TOKEN_FALSE)
				*(PageFlag *) slot = (type == TOKEN_TRUE ?
									  PAGE_FLAG_TRUE : PAGE_FLAG_FALSE);
			break;
		case VALUE_TAG:
			if (type == TOKEN_STRING)
				store_tag(slot, token);
			break;
	}
}

/* Keeps a string in its slot, if it is one to keep. */
static void
store_text(char **slot, ValueKind kind, TextSpan token)
{
	char	   *text;

	if (kind != VALUE_TEXT && token.length == 0)
		return;
	if (kind == VALUE_FIRST && *slot != NULL)
		return;
	text = decode_text(token);
	if (text == NULL)
		return;
	if ((kind == VALUE_HANDLE && !is_handle(text)) ||
		(kind == VALUE_SEC_UID && !is_sec_uid(text)))
	{
		pfree(text);
		return;
	}
	if (*slot != NULL)
		pfree(*slot);
	*slot = text;
}

static void
store_tag(TagList *list, TextSpan token)
{
	char	   *text;

	if (token.length == 0 || list->length >= PAGE_MAX_TAGS)
		return;
	text = decode_text(token);
	if (text != NULL)
		list->tags[list->length++] = text;
}

/* The text of a string, or NULL when it is too long to be one of TikTok's. */
static char *
decode_text(TextSpan token)
{
	char	   *text;

	/* no byte of the text is written with more than six: \u0041 */
	if (token.length > 6 * PAGE_MAX_TEXT)
		return NULL;
	text = page_decode_string(token);
	if (strlen(text) <= PAGE_MAX_TEXT)
		return text;
	pfree(text);
	return NULL;
}

/* Stores what a number, or a string like one, says; empty for anything else. */
static void
store_number(void *slot, ValueKind kind, TextSpan token)
{
	char	   *decoded = NULL;
	bool		negative;
	int64		count;

	if (memchr(token.at, '\\', token.length) != NULL)
	{
		decoded = page_decode_string(token);
		token.at = decoded;
		token.length = strlen(decoded);
	}
	negative = (kind == VALUE_STATUS && token.length > 0 && *token.at == '-');
	if (negative)
		span_advance(&token, 1);
	count = parse_count(token);
	if (decoded != NULL)
		pfree(decoded);

	if (kind == VALUE_STATUS)
	{
		PageStatus *status = slot;

		status->seen = (count != PAGE_ABSENT);
		status->code = negative ? -count : count;
		return;
	}
	if (kind == VALUE_TIME && (count < EARLIEST_POST || count >= LATEST_POST))
		count = PAGE_ABSENT;
	*(int64 *) slot = count;
}

static bool
is_handle(const char *text)
{
	const char *start;
	size_t		length;

	return handle_check(text, strlen(text), &start, &length) == HANDLE_VALID &&
		start == text;
}

/* Base64 for URLs, 76 characters as of 2026, kept within reason. */
static bool
is_sec_uid(const char *text)
{
	size_t		length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

	return text[length] == '\0' && length > 0 && length <= 128;
}

/*
 * The number that these digits write, or PAGE_ABSENT when there is anything
 * else (a sign, a fraction, nothing) or it is beyond int64.
 */
static int64
parse_count(TextSpan digits)
{
	int64		count = 0;

	if (digits.length == 0)
		return PAGE_ABSENT;
	for (; digits.length > 0; span_advance(&digits, 1))
	{
		int			digit = *digits.at - '0';

		if (digit < 0 || digit > 9 ||
			count > (PG_INT64_MAX - digit) / 10)
			return PAGE_ABSENT;
		count = count * 10 + digit;
	}
	return count;
}
