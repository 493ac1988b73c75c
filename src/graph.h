/*
 * graph.h
 *	  All campaigns of a project and what they hold, in memory: see graph.c.
 */
#ifndef TRACKAGOAT_GRAPH_H
#define TRACKAGOAT_GRAPH_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "utils/uuid.h"

/* A campaign, by its number in the graph. */
typedef struct GraphCampaign
{
	pg_uuid_t	id;
	Bitmapset  *parents;
	Bitmapset  *children;
	Bitmapset  *creators;		/* numbers of creators that it holds itself */
	Bitmapset  *videos;			/* numbers of videos that it holds itself */
	Bitmapset  *above;			/* itself and all above, once computed */
} GraphCampaign;

/* A creator that a campaign holds, or that has a video held by itself. */
typedef struct GraphCreator
{
	pg_uuid_t	id;
	Bitmapset  *holders;		/* campaigns that hold it */
	int			last_video;		/* of its videos that campaigns hold themselves; -1 for none */
} GraphCreator;

/* A video that a campaign holds itself. */
typedef struct GraphVideo
{
	pg_uuid_t	id;
	TimestampTz posted_at;
	int			creator;		/* -1 for none */
	int			next_video;		/* of the creator; -1 for none */
	bool		is_counted;		/* by its status */
	Bitmapset  *holders;
} GraphVideo;

struct graph_numbers_hash;

typedef struct Graph
{
	GraphCampaign *campaign;
	int			campaigns;
	GraphCreator *creator;
	int			creators;
	GraphVideo *video;
	int			videos;
	struct graph_numbers_hash *campaign_numbers;
	struct graph_numbers_hash *creator_numbers;
	struct graph_numbers_hash *video_numbers;
} Graph;

extern Graph *graph_load(Datum project, Datum org);
extern int	graph_campaign(const Graph *graph, const pg_uuid_t *id);
extern int	graph_creator(const Graph *graph, const pg_uuid_t *id);
extern int	graph_video(const Graph *graph, const pg_uuid_t *id);
extern Bitmapset *graph_above(Graph *graph, Bitmapset *campaigns);
extern Bitmapset *graph_below(const Graph *graph, int campaign);

#endif							/* TRACKAGOAT_GRAPH_H */
