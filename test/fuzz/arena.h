/*
 * arena.h
 *	  Memory of one fuzzed input: see arena.c.
 */
#ifndef TRACKAGOAT_ARENA_H
#define TRACKAGOAT_ARENA_H

extern void arena_reset(void);

#endif							/* TRACKAGOAT_ARENA_H */
