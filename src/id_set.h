/*
 * id_set.h
 *	  A set of ids in memory: see id_set.c.
 */
#ifndef TRACKAGOAT_ID_SET_H
#define TRACKAGOAT_ID_SET_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/uuid.h"

#include "saved_query.h"

typedef struct ids_hash IdSet;

extern IdSet *id_set_new(void);
extern IdSet *id_set_answered(void);
extern IdSet *id_set_of(SavedQuery *query, Datum *values);
extern void id_set_add(IdSet *set, const pg_uuid_t *id);
extern bool id_set_has(IdSet *set, const pg_uuid_t *id);
extern int64 id_set_count(const IdSet *set);
extern Datum *id_set_list(IdSet *set, int *count);
extern ArrayType *id_set_array(IdSet *set);

#endif							/* TRACKAGOAT_ID_SET_H */
