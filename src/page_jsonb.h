/*
 * page_jsonb.h
 *	  What a page says, as jsonb.
 */
#ifndef TRACKAGOAT_PAGE_JSONB_H
#define TRACKAGOAT_PAGE_JSONB_H

#include "utils/jsonb.h"

#include "page.h"

extern Jsonb *page_to_jsonb(const WebPage *page);

#endif							/* TRACKAGOAT_PAGE_JSONB_H */
