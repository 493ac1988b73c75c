/*
 * page_scan.c
 *	  Steps over the JSON of a page: to the end of a string, of a scalar, or of
 *	  all that a bracket holds; and says what a string means.
 *
 * Nearly all of a page belongs to values that nobody asks for.  They are passed
 * over 64 bytes at a time, by bits that tell where the quotes and brackets
 * stand; the bytes themselves are not looked at one by one.
 */
#include "pure.h"

#include <ctype.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"
#include "port/pg_bswap.h"

#include "page_parts.h"

/* How many bytes are looked at together: a bit for each fits a uint64. */
#define BLOCK_SIZE		64

/* In ASCII this bit tells '{' from '[', and '}' from ']'. */
#define BRACE_BIT		0x20

static uint64 inside_strings(uint64 quotes, bool begins_inside);
static uint64 drop_escaped(uint64 quotes, const char *block, const char *start);
static bool is_escaped(const char *at, const char *start);
static inline bool ends_scalar(unsigned char c);
static bool is_number(TextSpan token);
static const char *skip_digits(const char *at, const char *end);
static size_t plain_length(TextSpan raw);
static inline bool is_plain(unsigned char c);
static size_t decode_escape(TextSpan raw, char **to);
static int	hex_escape(TextSpan raw);

/*
 * Bit i of the answer tells whether byte i of the block, with these bits set,
 * is the wanted one.
 */
#ifdef __SSE2__
static inline uint64
find_in_16(const char *at, char wanted, char set)
{
	__m128i		bytes = _mm_loadu_si128((const __m128i *) at);

	bytes = _mm_or_si128(bytes, _mm_set1_epi8(set));
	return _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted)));
}

static inline uint64
find_bytes(const char *block, char wanted, char set)
{
	return find_in_16(block, wanted, set) |
		find_in_16(block + 16, wanted, set) << 16 |
		find_in_16(block + 32, wanted, set) << 32 |
		find_in_16(block + 48, wanted, set) << 48;
}
#else
static inline uint64
find_bytes(const char *block, char wanted, char set)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	const uint64 low = UINT64CONST(0x7F7F7F7F7F7F7F7F);
	uint64		found = 0;

	for (int i = 0; i < BLOCK_SIZE; i += 8)
	{
		uint64		bytes;

		memcpy(&bytes, block + i, sizeof(bytes));
#ifdef WORDS_BIGENDIAN
		bytes = pg_bswap64(bytes);
#endif
		/* a byte becomes zero where it is the wanted one, then one there */
		bytes = (bytes | ones * (uint8) set) ^ ones * (uint8) wanted;
		bytes = ~(((bytes & low) + low) | bytes | low) >> 7;
		/* the product gathers the lowest bits of the bytes in the highest byte */
		found |= (bytes * UINT64CONST(0x0102040810204080)) >> 56 << i;
	}
	return found;
}
#endif

/*
 * Moves from an opening bracket to behind the one that closes it.  Only quotes
 * and brackets count.  "depth" is how many brackets are open before.  Answers
 * false when the text ends before, nests too deep, or has a bracket closed by
 * one of the other kind.
 */
bool
page_skip_nested(TextSpan *rest, int depth)
{
	const char *start = rest->at;
	const int	outside = depth;
	char		opened[PAGE_MAX_DEPTH + 1];
	bool		in_string = false;

	while (rest->length > 0)
	{
		const char *block = rest->at;
		size_t		taken = Min(rest->length, BLOCK_SIZE);
		char		last[BLOCK_SIZE];
		uint64		strings;
		uint64		opening;
		uint64		brackets;

		CHECK_FOR_INTERRUPTS();
		if (taken < BLOCK_SIZE)
		{
			memset(last, ' ', BLOCK_SIZE);
			block = memcpy(last, rest->at, taken);
		}
		strings = find_bytes(block, '"', 0);
		if (strings != 0)
			strings = drop_escaped(strings, rest->at, start);
		strings = inside_strings(strings, in_string);
		in_string = strings >> (BLOCK_SIZE - 1);

		opening = find_bytes(block, '{', BRACE_BIT);
		brackets = (opening | find_bytes(block, '}', BRACE_BIT)) & ~strings;
		for (; brackets != 0; brackets &= brackets - 1)
		{
			int			i = pg_rightmost_one_pos64(brackets);

			if ((opening >> i) & 1)
			{
				if (++depth > PAGE_MAX_DEPTH)
					return false;
				opened[depth] = block[i];
				continue;
			}
			/* in ASCII, ']' is two beyond '[', and '}' beyond '{' */
			if (block[i] != opened[depth] + 2)
				return false;
			if (--depth == outside)
			{
				span_advance(rest, i + 1);
				return true;
			}
		}
		span_advance(rest, taken);
	}
	return false;
}

/*
 * The bytes that lie inside of strings, with the opening quote and without the
 * closing one: bit i is set if an odd number of quotes stand up to byte i, or
 * an even one when the block begins inside of a string.
 */
static uint64
inside_strings(uint64 quotes, bool begins_inside)
{
	for (int distance = 1; distance < BLOCK_SIZE; distance *= 2)
		quotes ^= quotes << distance;
	return begins_inside ? ~quotes : quotes;
}

/* Keeps only the quotes that no backslash escapes. */
static uint64
drop_escaped(uint64 quotes, const char *block, const char *start)
{
	for (uint64 left = quotes; left != 0; left &= left - 1)
	{
		if (is_escaped(block + pg_rightmost_one_pos64(left), start))
			quotes &= ~(left & -left);
	}
	return quotes;
}

/*
 * Is this character preceded by an odd number of backslashes?  No two of the
 * runs that are counted here overlap, so that this takes no more than one look
 * at each byte.
 */
static bool
is_escaped(const char *at, const char *start)
{
	const char *run = at;

	while (run > start && run[-1] == '\\')
		run--;
	return (at - run) % 2 == 1;
}

/*
 * Moves from an opening quote to behind the closing one, and answers what
 * stands between; false when there is no closing one.
 */
bool
page_take_string(TextSpan *rest, TextSpan *raw)
{
	const char *start = rest->at + 1;
	const char *end = rest->at + rest->length;
	const char *close = start;

	while ((close = memchr(close, '"', end - close)) != NULL)
	{
		if (!is_escaped(close, start))
		{
			raw->at = start;
			raw->length = close - start;
			span_advance(rest, close + 1 - rest->at);
			return true;
		}
		close++;
	}
	return false;
}

/*
 * Takes a number, true, false or null, and says which it is; TOKEN_BROKEN when
 * it is none of them.
 */
TokenType
page_take_scalar(TextSpan *rest, TextSpan *token)
{
	token->at = rest->at;
	token->length = 0;
	while (token->length < rest->length && !ends_scalar(token->at[token->length]))
		token->length++;
	span_advance(rest, token->length);

	if (is_number(*token))
		return TOKEN_NUMBER;
	if (span_equals(*token, "true", 4))
		return TOKEN_TRUE;
	if (span_equals(*token, "false", 5))
		return TOKEN_FALSE;
	if (span_equals(*token, "null", 4))
		return TOKEN_NULL;
	return TOKEN_BROKEN;
}

/* Is this a byte that may follow a scalar? */
static inline bool
ends_scalar(unsigned char c)
{
	return c <= ' ' || c == ',' || c == '}' || c == ']';
}

/* Is this a number as JSON writes them? */
static bool
is_number(TextSpan token)
{
	const char *at = token.at;
	const char *end = token.at + token.length;
	const char *digits;

	if (at < end && *at == '-')
		at++;
	digits = at;
	at = skip_digits(at, end);
	if (at == digits || (*digits == '0' && at > digits + 1))
		return false;
	if (at < end && *at == '.')
	{
		digits = at + 1;
		at = skip_digits(digits, end);
		if (at == digits)
			return false;
	}
	if (at < end && (*at == 'e' || *at == 'E'))
	{
		digits = at + 1;
		if (digits < end && (*digits == '+' || *digits == '-'))
			digits++;
		at = skip_digits(digits, end);
		if (at == digits)
			return false;
	}
	return at == end;
}

static const char *
skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/*
 * What a string means, palloc'd.  What PostgreSQL would refuse is replaced, so
 * that it costs a character of one field and not the page: invalid UTF-8 and
 * bad escapes by '?', control bytes by a space, \u0000 and lone surrogates by
 * U+FFFD.  Nothing gets longer by that.
 */
char *
page_decode_string(TextSpan raw)
{
	char	   *text = palloc(raw.length + 1);
	char	   *to = text;

	for (;;)
	{
		size_t		taken = plain_length(raw);
		unsigned char c;
		int			length;

		memcpy(to, raw.at, taken);
		to += taken;
		span_advance(&raw, taken);
		if (raw.length == 0)
			break;

		c = *raw.at;
		taken = 1;
		if (c == '\\')
			taken = decode_escape(raw, &to);
		else if (c < 0x20)
			*to++ = ' ';
		else
		{
			length = pg_encoding_verifymbchar(PG_UTF8, raw.at, raw.length);
			if (length > 0)
			{
				taken = length;
				memcpy(to, raw.at, taken);
				to += taken;
			}
			else
				*to++ = '?';
		}
		span_advance(&raw, taken);
	}
	*to = '\0';
	return text;
}

/*
 * How many bytes from the start of a string mean just themselves: ASCII, but no
 * backslash and no control byte.  Eight at a time: in each byte of "special"
 * the highest bit is set where it is not ASCII, or below a space, or equals a
 * backslash; a borrow can set it elsewhere only behind such a byte.
 */
static size_t
plain_length(TextSpan raw)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	size_t		length = 0;

	for (; length + sizeof(uint64) <= raw.length; length += sizeof(uint64))
	{
		uint64		bytes;
		uint64		special;

		memcpy(&bytes, raw.at + length, sizeof(bytes));
		special = bytes | (bytes - ones * ' ') | ((bytes ^ ones * '\\') - ones);
		if (special & (ones * 0x80))
			break;
	}
	while (length < raw.length && is_plain(raw.at[length]))
		length++;
	return length;
}

static inline bool
is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x80 && c != '\\';
}

/*
 * Writes what the escape at the start of the text means, and answers how many
 * bytes are done with.
 */
static size_t
decode_escape(TextSpan raw, char **to)
{
	static const char names[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *name = raw.length > 1 ? memchr(names, raw.at[1], strlen(names)) : NULL;
	int			code;
	int			second = -1;
	size_t		taken = 6;

	if (name != NULL)
	{
		*(*to)++ = meanings[name - names];
		return 2;
	}
	code = hex_escape(raw);
	if (code < 0)
	{
		*(*to)++ = '?';
		return 1;
	}
	if (code >= 0xD800 && code <= 0xDBFF)
	{
		span_advance(&raw, 6);
		second = hex_escape(raw);
	}
	if (second >= 0xDC00 && second <= 0xDFFF)
	{
		code = 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00);
		taken = 12;
	}
	else if (code == 0 || (code >= 0xD800 && code <= 0xDFFF))
		code = 0xFFFD;
	unicode_to_utf8(code, (unsigned char *) *to);
	*to += pg_utf_mblen((unsigned char *) *to);
	return taken;
}

/* The code of the \uXXXX at the start of the text, or -1 for anything else. */
static int
hex_escape(TextSpan raw)
{
	int			code = 0;

	if (raw.length < 6 || raw.at[0] != '\\' || raw.at[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++)
	{
		unsigned char c = raw.at[i];

		if (!isxdigit(c))
			return -1;
		code = code * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return code;
}
