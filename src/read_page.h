/*
 * read_page.h
 *	  What a page says, as jsonb.
 */
#ifndef TRACKAGOAT_READ_PAGE_H
#define TRACKAGOAT_READ_PAGE_H

#include "utils/jsonb.h"

#include "page.h"

extern Jsonb *page_to_jsonb(const WebPage *page);

#endif							/* TRACKAGOAT_READ_PAGE_H */
