/*
 * arena.c
 *	  palloc and its kin for the fuzzers, in place of PostgreSQL's own
 *	  frontend versions (fe_memutils.c).
 *
 * In the server a memory context frees what a parser leaves behind; here
 * arena_reset does, after each input.  Every palloc is a malloc of its own,
 * so that AddressSanitizer sees each overrun, use after free and double free.
 */
#include "postgres_fe.h"

#include "common/fe_memutils.h"

#include "arena.h"

/* Stands before each block; its size keeps the block aligned. */
typedef struct Block
{
	struct Block *previous;
	struct Block *next;
} Block;

static Block blocks = {&blocks, &blocks};

static void *
link_block(Block *block)
{
	if (block == NULL)
		abort();
	block->previous = &blocks;
	block->next = blocks.next;
	block->next->previous = block;
	blocks.next = block;
	return block + 1;
}

static Block *
unlink_block(void *pointer)
{
	Block	   *block = (Block *) pointer - 1;

	block->previous->next = block->next;
	block->next->previous = block->previous;
	return block;
}

/* Frees everything that is still allocated. */
void
arena_reset(void)
{
	while (blocks.next != &blocks)
		pfree(blocks.next + 1);
}

void *
palloc(Size size)
{
	return link_block(malloc(sizeof(Block) + size));
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
palloc_extended(Size size, int flags)
{
	return (flags & MCXT_ALLOC_ZERO) ? palloc0(size) : palloc(size);
}

void *
repalloc(void *pointer, Size size)
{
	return link_block(realloc(unlink_block(pointer), sizeof(Block) + size));
}

void
pfree(void *pointer)
{
	free(unlink_block(pointer));
}

char *
pnstrdup(const char *text, Size length)
{
	char	   *copy;

	length = strnlen(text, length);
	copy = palloc(length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

/* The rest of fe_memutils.c, or the linker would fetch all of it. */

void *
pg_malloc(size_t size)
{
	return palloc(size);
}

void *
pg_malloc0(size_t size)
{
	return palloc0(size);
}

void *
pg_malloc_extended(size_t size, int flags)
{
	return palloc_extended(size, flags);
}

void *
pg_realloc(void *pointer, size_t size)
{
	return pointer == NULL ? palloc(size) : repalloc(pointer, size);
}

char *
pg_strdup(const char *text)
{
	return pstrdup(text);
}

void
pg_free(void *pointer)
{
	if (pointer != NULL)
		pfree(pointer);
}
