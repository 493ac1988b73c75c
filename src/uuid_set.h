/*
 * uuid_set.h
 *	  Hash tables keyed by uuid: define UUID_MAP_PREFIX and UUID_MAP_ENTRY, a
 *	  struct that begins with "pg_uuid_t id; char status;", and include.
 */
#include "common/hashfn.h"
#include "utils/uuid.h"

#define SH_PREFIX UUID_MAP_PREFIX
#define SH_ELEMENT_TYPE UUID_MAP_ENTRY
#define SH_KEY_TYPE pg_uuid_t
#define SH_KEY id
#define SH_HASH_KEY(tb, key) hash_bytes(key.data, UUID_LEN)
#define SH_EQUAL(tb, a, b) (memcmp(a.data, b.data, UUID_LEN) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#undef UUID_MAP_PREFIX
#undef UUID_MAP_ENTRY
