/*
 * handle_type.c
 *	  The SQL type trackagoat.handle: input and output, comparison, hashing
 *	  and sorting over the rule in handle.c.
 *
 * On disk a handle is a varlena of its bytes as written.  The comparison
 * functions strip one '@' from either side, which no stored handle has, so
 * that the same functions compare a handle with a text.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "handle.h"
#include "trackagoat.h"

PG_FUNCTION_INFO_V1(handle_in);
PG_FUNCTION_INFO_V1(handle_out);
PG_FUNCTION_INFO_V1(handle_recv);
PG_FUNCTION_INFO_V1(handle_send);
PG_FUNCTION_INFO_V1(handle_from_text);
PG_FUNCTION_INFO_V1(handle_to_text);
PG_FUNCTION_INFO_V1(handle_eq);
PG_FUNCTION_INFO_V1(handle_ne);
PG_FUNCTION_INFO_V1(handle_lt);
PG_FUNCTION_INFO_V1(handle_le);
PG_FUNCTION_INFO_V1(handle_gt);
PG_FUNCTION_INFO_V1(handle_ge);
PG_FUNCTION_INFO_V1(handle_cmp);
PG_FUNCTION_INFO_V1(handle_like);
PG_FUNCTION_INFO_V1(handle_not_like);
PG_FUNCTION_INFO_V1(handle_larger);
PG_FUNCTION_INFO_V1(handle_smaller);
PG_FUNCTION_INFO_V1(handle_sortsupport);
PG_FUNCTION_INFO_V1(handle_hash);
PG_FUNCTION_INFO_V1(handle_hash_extended);

/*
 * The handle as a new varlena, or NULL after a soft error (PostgreSQL 16 on,
 * when escontext asks for one); otherwise a bad input raises PT409
 * invalid_handle.
 */
text *
handle_make(const char *input, size_t length, Node *escontext)
{
	const char *start;
	size_t		handle_length;
	HandleProblem problem = handle_check(input, length, &start, &handle_length);
	const char *rule = NULL;
	int			shown;

	switch (problem)
	{
		case HANDLE_VALID:
			return cstring_to_text_with_len(start, handle_length);
		case HANDLE_EMPTY:
			rule = "is empty";
			break;
		case HANDLE_TOO_LONG:
			rule = "is longer than 30 characters";
			break;
		case HANDLE_BAD_CHARACTER:
			rule = "holds a character that no handle can have";
			break;
	}

	shown = pg_mbcliplen(input, length, ERROR_SHOWN_LENGTH);
#if PG_VERSION_NUM >= 160000
	ereturn(escontext, NULL,
#else
	ereport(ERROR,
#endif
			(errcode(ERRCODE_TRACKAGOAT_CONFLICT),
			 errmsg("invalid_handle"),
			 errdetail("\"%.*s%s\" %s.", shown, input,
					   (size_t) shown < length ? "..." : "", rule),
			 errhint("A handle has 1 to 30 letters (a-z), digits, \".\", \"_\" or \"-\", with or without one leading \"@\".")));
#if PG_VERSION_NUM < 160000
	return NULL;
#endif
}

Datum
handle_in(PG_FUNCTION_ARGS)
{
	char	   *input = PG_GETARG_CSTRING(0);
	text	   *handle = handle_make(input, strlen(input), fcinfo->context);

	if (handle == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(handle);
}

Datum
handle_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(text_to_cstring(PG_GETARG_TEXT_PP(0)));
}

/* The wire's bytes pass the same rule as text does. */
Datum
handle_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			length;
	char	   *input = pq_getmsgtext(buf, buf->len - buf->cursor, &length);

	PG_RETURN_TEXT_P(handle_make(input, length, NULL));
}

Datum
handle_send(PG_FUNCTION_ARGS)
{
	text	   *handle = PG_GETARG_TEXT_PP(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendtext(&buf, VARDATA_ANY(handle), VARSIZE_ANY_EXHDR(handle));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

Datum
handle_from_text(PG_FUNCTION_ARGS)
{
	text	   *input = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(handle_make(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), NULL));
}

/* Same bytes, another type. */
Datum
handle_to_text(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(PG_GETARG_TEXT_PP(0));
}

/* The bytes of a handle or text; a stored handle is never toasted. */
static inline const char *
datum_bytes(Datum datum, size_t *length)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(datum);

	if (unlikely(!VARATT_IS_SHORT(value) || VARATT_IS_EXTERNAL(value)))
		value = PG_DETOAST_DATUM_PACKED(datum);
	*length = VARSIZE_ANY_EXHDR(value);
	return VARDATA_ANY(value);
}

/* Both arguments are handles or texts; no error, so all of this is leakproof. */
static int
compare_datums(Datum a, Datum b)
{
	size_t		a_length;
	size_t		b_length;
	const char *a_bytes = datum_bytes(a, &a_length);
	const char *b_bytes = datum_bytes(b, &b_length);

	handle_strip_at(&a_bytes, &a_length);
	handle_strip_at(&b_bytes, &b_length);
	return handle_compare(a_bytes, a_length, b_bytes, b_length);
}

Datum
handle_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_datums(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) == 0);
}

Datum
handle_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_datums(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) != 0);
}

Datum
handle_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_datums(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) < 0);
}

Datum
handle_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_datums(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) <= 0);
}

Datum
handle_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_datums(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) > 0);
}

Datum
handle_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_datums(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) >= 0);
}

Datum
handle_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_datums(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

Datum
handle_larger(PG_FUNCTION_ARGS)
{
	Datum		a = PG_GETARG_DATUM(0);
	Datum		b = PG_GETARG_DATUM(1);

	PG_RETURN_DATUM(compare_datums(a, b) >= 0 ? a : b);
}

Datum
handle_smaller(PG_FUNCTION_ARGS)
{
	Datum		a = PG_GETARG_DATUM(0);
	Datum		b = PG_GETARG_DATUM(1);

	PG_RETURN_DATUM(compare_datums(a, b) <= 0 ? a : b);
}

/* LIKE and ILIKE, both without case, as ASCII has it. */
Datum
handle_like(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(DirectFunctionCall2Coll(texticlike, C_COLLATION_OID,
											PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

Datum
handle_not_like(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(DirectFunctionCall2Coll(texticnlike, C_COLLATION_OID,
											PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

/* Sorting: comparison without fmgr, and numbers of 12 characters before it. */

static int
sort_compare(Datum a, Datum b, SortSupport ssup)
{
	return compare_datums(a, b);
}

#if SIZEOF_DATUM == 8
static Datum
abbreviate(Datum original, SortSupport ssup)
{
	size_t		length;
	const char *bytes = datum_bytes(original, &length);

	return UInt64GetDatum(handle_abbreviate(bytes, length));
}

/* Abbreviating costs less than one comparison: never give up on it. */
static bool
abbreviate_abort(int memtupcount, SortSupport ssup)
{
	return false;
}
#endif

Datum
handle_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = sort_compare;
#if SIZEOF_DATUM == 8
	if (ssup->abbreviate)
	{
		ssup->abbrev_full_comparator = sort_compare;
		ssup->comparator = ssup_datum_unsigned_cmp;
		ssup->abbrev_converter = abbreviate;
		ssup->abbrev_abort = abbreviate_abort;
	}
#endif
	PG_RETURN_VOID();
}

/* The bytes that are hashed: equal handles, and texts equal to them, agree. */
static size_t
hashed_bytes(Datum value, char *folded)
{
	size_t		length;
	const char *start = datum_bytes(value, &length);

	handle_strip_at(&start, &length);
	return handle_fold(start, length, folded);
}

Datum
handle_hash(PG_FUNCTION_ARGS)
{
	char		folded[HANDLE_MAX_LENGTH + 1];
	size_t		length = hashed_bytes(PG_GETARG_DATUM(0), folded);

	return hash_any((unsigned char *) folded, length);
}

Datum
handle_hash_extended(PG_FUNCTION_ARGS)
{
	char		folded[HANDLE_MAX_LENGTH + 1];
	size_t		length = hashed_bytes(PG_GETARG_DATUM(0), folded);

	return hash_any_extended((unsigned char *) folded, length, PG_GETARG_INT64(1));
}
