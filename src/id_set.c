/*
 * id_set.c
 *	  A set of ids: what a query answered or what was added one by one, asked
 *	  whether it has an id, and given as an array to the next query.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"

#include "id_set.h"

/* Rows fetched at a time from a cursor. */
#define FETCHED 1000

typedef struct SetId
{
	pg_uuid_t	id;
	char		status;			/* for simplehash */
} SetId;

#define UUID_MAP_PREFIX ids
#define UUID_MAP_ENTRY SetId
#include "uuid_set.h"

IdSet *
id_set_new(void)
{
	return ids_create(CurrentMemoryContext, 64, NULL);
}

/* Add the first column of the rows at hand, and free them. */
static void
add_answered(IdSet *set)
{
	bool		isnull;

	for (uint64 i = 0; i < SPI_processed; i++)
		id_set_add(set, DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
	SPI_freetuptable(SPI_tuptable);
}

/* The first column of the query just run as a set. */
IdSet *
id_set_answered(void)
{
	IdSet	   *set = id_set_new();

	add_answered(set);
	return set;
}

/* The first column of a query as a set, some of whose rows at a time are in memory. */
IdSet *
id_set_of(SavedQuery *query, Datum *values)
{
	IdSet	   *set = id_set_new();
	Portal		cursor = saved_query_cursor(query, values);

	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, FETCHED);
		add_answered(set);
	} while (SPI_processed > 0);
	SPI_cursor_close(cursor);
	return set;
}

void
id_set_add(IdSet *set, const pg_uuid_t *id)
{
	bool		found;

	ids_insert(set, *id, &found);
}

/* Is it in the set?  NULL, for no id, never is. */
bool
id_set_has(IdSet *set, const pg_uuid_t *id)
{
	return id != NULL && ids_lookup(set, *id) != NULL;
}

int64
id_set_count(const IdSet *set)
{
	return set->members;
}

/* The ids, *count of them, in no order; they stay the set's. */
Datum *
id_set_list(IdSet *set, int *count)
{
	Datum	   *ids = palloc(sizeof(Datum) * Max(set->members, 1));
	ids_iterator iterator;
	SetId	   *entry;

	*count = 0;
	ids_start_iterate(set, &iterator);
	while ((entry = ids_iterate(set, &iterator)) != NULL)
		ids[(*count)++] = UUIDPGetDatum(&entry->id);
	return ids;
}

ArrayType *
id_set_array(IdSet *set)
{
	int			count;
	Datum	   *ids = id_set_list(set, &count);

	return construct_array(ids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
}
