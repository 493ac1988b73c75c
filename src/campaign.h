/*
 * campaign.h
 *	  What is below a campaign.
 */
#ifndef TRACKAGOAT_CAMPAIGN_H
#define TRACKAGOAT_CAMPAIGN_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/uuid.h"

/* $1: the campaigns of a tree, $2: their organization; the ids of all counted videos below them, each once */
#define COUNTED_VIDEOS \
	"SELECT v.id FROM (SELECT i.video_id AS id FROM trackagoat.campaign_item i" \
	"   WHERE i.campaign_id = ANY ($1) AND i.org_id = $2 AND i.video_id IS NOT NULL" \
	"  UNION SELECT w.id FROM trackagoat.campaign_item i" \
	"   JOIN trackagoat.video w ON w.creator_id = i.creator_id AND w.org_id = $2" \
	"   WHERE i.campaign_id = ANY ($1) AND i.org_id = $2 AND i.creator_id IS NOT NULL) d" \
	" JOIN trackagoat.video v ON v.id = d.id AND v.org_id = $2" \
	" LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = $2" \
	" WHERE trackagoat.video_counts(v.tracking_status, c.removed_at)"

extern ArrayType *campaign_tree_array(const pg_uuid_t *root, const pg_uuid_t *org);

#endif							/* TRACKAGOAT_CAMPAIGN_H */
