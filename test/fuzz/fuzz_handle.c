/*
 * fuzz_handle.c
 *	  Feeds any bytes to the rules of handles and checks them against each
 *	  other: what is valid, equal and in order must agree everywhere.
 */
#include "pure.h"

#include "handle.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool fine)
{
	if (!fine)
		abort();
}

static int
sign(int number)
{
	return (number > 0) - (number < 0);
}

static bool
is_handle(const char *text, size_t length)
{
	const char *start;
	size_t		handle_length;

	return handle_check(text, length, &start, &handle_length) == HANDLE_VALID &&
		handle_length == length;
}

/* Checks one input: a valid handle is a part of it, and keeps to the rule. */
static void
check_handle(const char *input, size_t length)
{
	const char *start = NULL;
	size_t		handle_length = 0;
	HandleProblem problem = handle_check(input, length, &start, &handle_length);

	check(problem >= HANDLE_VALID && problem <= HANDLE_BAD_CHARACTER);
	if (problem != HANDLE_VALID)
		return;
	check(start >= input && start + handle_length <= input + length);
	check(handle_length >= 1 && handle_length <= HANDLE_MAX_LENGTH);
	for (size_t i = 0; i < handle_length; i++)
	{
		char		c = start[i];

		check((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-');
	}
	check(handle_compare(start, handle_length, start, handle_length) == 0);
}

/*
 * Checks two texts: compare, fold and abbreviate must see one order.  What is
 * longer than any handle is folded only as far as it takes to tell.
 */
static void
check_pair(const char *a, size_t a_length, const char *b, size_t b_length)
{
	char		a_folded[HANDLE_MAX_LENGTH + 1];
	char		b_folded[HANDLE_MAX_LENGTH + 1];
	size_t		a_size = handle_fold(a, a_length, a_folded);
	size_t		b_size = handle_fold(b, b_length, b_folded);
	int			order = sign(handle_compare(a, a_length, b, b_length));
	int			folded = sign(memcmp(a_folded, b_folded, Min(a_size, b_size)));

	check(order == -sign(handle_compare(b, b_length, a, a_length)));
	check(a_size == Min(a_length, sizeof(a_folded)));
	check(b_size == Min(b_length, sizeof(b_folded)));
	if (folded == 0)
		folded = (a_size > b_size) - (a_size < b_size);
	if (a_length <= sizeof(a_folded) && b_length <= sizeof(b_folded))
		check(order == folded);
	else if (folded != 0)
		check(order == folded);

	if (is_handle(a, a_length) && is_handle(b, b_length))
	{
		uint64		a_key = handle_abbreviate(a, a_length);
		uint64		b_key = handle_abbreviate(b, b_length);

		check(a_key == b_key || (a_key < b_key ? -1 : 1) == order);
		check(order != 0 || a_key == b_key);
	}
}

/* A separator byte cuts the input in two; without one there is one text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *input = (const char *) data;
	const char *cut = size > 0 ? memchr(input, '\n', size) : NULL;
	size_t		length = cut == NULL ? size : (size_t) (cut - input);

	check_handle(input, length);
	if (cut != NULL)
		check_pair(input, length, cut + 1, size - length - 1);
	return 0;
}
