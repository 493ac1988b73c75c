/*
 * handle.h
 *	  The rule of TikTok handles: what is valid, what is equal, what sorts first.
 */
#ifndef TRACKAGOAT_HANDLE_H
#define TRACKAGOAT_HANDLE_H

#define HANDLE_MAX_LENGTH 30

typedef enum HandleProblem
{
	HANDLE_VALID,
	HANDLE_EMPTY,
	HANDLE_TOO_LONG,
	HANDLE_BAD_CHARACTER
} HandleProblem;

extern HandleProblem handle_check(const char *input, size_t length,
								  const char **start, size_t *handle_length);
extern int	handle_compare(const char *a, size_t a_length,
						   const char *b, size_t b_length);
extern size_t handle_fold(const char *text, size_t length, char *folded);
extern uint64 handle_abbreviate(const char *handle, size_t length);

/* Skip one leading '@', as people write handles; a stored handle has none. */
static inline void
handle_strip_at(const char **text, size_t *length)
{
	if (*length > 0 && **text == '@')
	{
		(*text)++;
		(*length)--;
	}
}

#endif							/* TRACKAGOAT_HANDLE_H */
