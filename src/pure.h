/*
 * pure.h
 *	  First include of the parsers that keep free of backend state.
 *
 * handle.c, url.c and page.c are compiled twice: into the extension, and
 * with FRONTEND defined into the fuzzers of test/fuzz.  They use only what
 * both builds offer: palloc, the encodings of mb/pg_wchar.h and C itself.
 */
#ifndef TRACKAGOAT_PURE_H
#define TRACKAGOAT_PURE_H

#ifdef FRONTEND
#include "postgres_fe.h"
#ifndef CHECK_FOR_INTERRUPTS
#define CHECK_FOR_INTERRUPTS() ((void) 0)
#endif
#else
#include "postgres.h"
#include "miscadmin.h"
#endif

#endif							/* TRACKAGOAT_PURE_H */
