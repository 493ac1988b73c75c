/*
 * handle.c
 *	  The rule of TikTok handles, in plain C: the one place that knows which
 *	  characters a handle may hold and how handles compare.
 *
 * Nothing here allocates, raises or looks at the locale: case is folded for
 * ASCII letters only, so the answers are the same under every collation.
 */
#include "pure.h"

#include "port/pg_bswap.h"

#include "handle.h"

/*
 * Symbol of each valid byte, case folded, in the order of the folded bytes:
 * '-' '.' 0-9 '_' a-z are 1 to 39; 0 marks a byte that no handle may hold.
 */
static const uint8 symbol[256] = {
	['-'] = 1, ['.'] = 2,
	['0'] = 3, ['1'] = 4, ['2'] = 5, ['3'] = 6, ['4'] = 7,
	['5'] = 8, ['6'] = 9, ['7'] = 10, ['8'] = 11, ['9'] = 12,
	['_'] = 13,
	['a'] = 14, ['b'] = 15, ['c'] = 16, ['d'] = 17, ['e'] = 18, ['f'] = 19,
	['g'] = 20, ['h'] = 21, ['i'] = 22, ['j'] = 23, ['k'] = 24, ['l'] = 25,
	['m'] = 26, ['n'] = 27, ['o'] = 28, ['p'] = 29, ['q'] = 30, ['r'] = 31,
	['s'] = 32, ['t'] = 33, ['u'] = 34, ['v'] = 35, ['w'] = 36, ['x'] = 37,
	['y'] = 38, ['z'] = 39,
	['A'] = 14, ['B'] = 15, ['C'] = 16, ['D'] = 17, ['E'] = 18, ['F'] = 19,
	['G'] = 20, ['H'] = 21, ['I'] = 22, ['J'] = 23, ['K'] = 24, ['L'] = 25,
	['M'] = 26, ['N'] = 27, ['O'] = 28, ['P'] = 29, ['Q'] = 30, ['R'] = 31,
	['S'] = 32, ['T'] = 33, ['U'] = 34, ['V'] = 35, ['W'] = 36, ['X'] = 37,
	['Y'] = 38, ['Z'] = 39
};

/* 40^12 is the largest power of 40 that a 64-bit key can hold. */
#define SYMBOL_BASE 40
#define SYMBOLS_PER_KEY 12

static inline unsigned char
fold(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') ? c + ('a' - 'A') : c;
}

/*
 * Is the input a handle, after one leading '@'?  Points *start and
 * *handle_length into the input; says what is wrong otherwise.
 */
HandleProblem
handle_check(const char *input, size_t length,
			 const char **start, size_t *handle_length)
{
	handle_strip_at(&input, &length);
	*start = input;
	*handle_length = length;

	if (length == 0)
		return HANDLE_EMPTY;
	for (size_t i = 0; i < length; i++)
	{
		if (symbol[(unsigned char) input[i]] == 0)
			return HANDLE_BAD_CHARACTER;
		if (i == HANDLE_MAX_LENGTH)
			return HANDLE_TOO_LONG;
	}
	return HANDLE_VALID;
}

/* The same for eight bytes at once. */
static inline uint64
fold8(uint64 word)
{
	const uint64 each = UINT64CONST(0x0101010101010101);
	uint64		low7 = word & each * 0x7f;
	uint64		from_a = low7 + each * (0x80 - 'A');
	uint64		after_z = low7 + each * (0x80 - 'Z' - 1);
	uint64		is_upper = from_a & ~after_z & ~word & each * 0x80;

	return word | is_upper >> 2;	/* 0x20 makes it lower case */
}

/*
 * Compare without case; a prefix sorts first.  Negative, zero or positive.
 * The inputs need not be valid handles.
 */
int
handle_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t		common = Min(a_length, b_length);
	size_t		i = 0;

	for (; i + sizeof(uint64) <= common; i += sizeof(uint64))
	{
		uint64		wa;
		uint64		wb;

		memcpy(&wa, a + i, sizeof(uint64));
		memcpy(&wb, b + i, sizeof(uint64));
		if (wa == wb)
			continue;
		wa = fold8(wa);
		wb = fold8(wb);
		if (wa != wb)
			return pg_hton64(wa) < pg_hton64(wb) ? -1 : 1;
	}
	for (; i < common; i++)
	{
		unsigned char ca = fold((unsigned char) a[i]);
		unsigned char cb = fold((unsigned char) b[i]);

		if (ca != cb)
			return (int) ca - (int) cb;
	}
	return (a_length > b_length) - (a_length < b_length);
}

/*
 * Write at most HANDLE_MAX_LENGTH + 1 folded bytes of the text and answer how
 * many: equal texts give equal bytes, and a text too long to be a handle stays
 * different from every handle.
 */
size_t
handle_fold(const char *text, size_t length, char *folded)
{
	size_t		n = Min(length, HANDLE_MAX_LENGTH + 1);

	for (size_t i = 0; i < n; i++)
		folded[i] = (char) fold((unsigned char) text[i]);
	return n;
}

/*
 * The first 12 characters of a valid handle as one number that sorts as the
 * handle does: 39 symbols and "ended" are the digits of a number of base 40.
 */
uint64
handle_abbreviate(const char *handle, size_t length)
{
	uint64		key = 0;

	for (size_t i = 0; i < SYMBOLS_PER_KEY; i++)
	{
		key *= SYMBOL_BASE;
		if (i < length)
			key += symbol[(unsigned char) handle[i]];
	}
	return key;
}
