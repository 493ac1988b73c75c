/*
 * scrape_target.h
 *	  Queueing accounts that are new: see scrape_target.c.
 */
#ifndef TRACKAGOAT_SCRAPE_TARGET_H
#define TRACKAGOAT_SCRAPE_TARGET_H

extern void queue_accounts(Datum *handles, int count, Oid type, bool careful);

#endif							/* TRACKAGOAT_SCRAPE_TARGET_H */
