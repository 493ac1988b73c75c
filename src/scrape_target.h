/*
 * scrape_target.h
 *	  Queueing accounts that are new: see scrape_target.c.
 */
#ifndef TRACKAGOAT_SCRAPE_TARGET_H
#define TRACKAGOAT_SCRAPE_TARGET_H

extern void queue_accounts(Datum *handles, int count, Oid type, bool careful);
extern void queue_found_videos(Datum *videos, int count, bool is_served);

#endif							/* TRACKAGOAT_SCRAPE_TARGET_H */
