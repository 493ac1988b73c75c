/*
 * address.c
 *	  Which addresses the worker may connect to: public ones only, so that no
 *	  setting, redirect or name server can point it at an inner network.
 */
#include "postgres.h"

#include <netinet/in.h>

#include "fmgr.h"
#include "utils/inet.h"

#include "worker/worker.h"

PG_FUNCTION_INFO_V1(is_public_address);

typedef struct Prefix
{
	uint8		bytes[4];
	int			bits;
} Prefix;

/* IANA's special-purpose IPv4 blocks. */
static const Prefix special_v4[] = {
	{{0}, 8},					/* this network */
	{{10}, 8},					/* private */
	{{100, 64}, 10},			/* carrier-grade NAT */
	{{127}, 8},					/* loopback */
	{{169, 254}, 16},			/* link-local, cloud metadata */
	{{172, 16}, 12},			/* private */
	{{192, 0, 0}, 24},			/* protocol assignments */
	{{192, 0, 2}, 24},			/* documentation */
	{{192, 88, 99}, 24},		/* 6to4 relays */
	{{192, 168}, 16},			/* private */
	{{198, 18}, 15},			/* benchmarking */
	{{198, 51, 100}, 24},		/* documentation */
	{{203, 0, 113}, 24},		/* documentation */
	{{224}, 4},					/* multicast */
	{{240}, 4}					/* reserved, broadcast */
};

/* Global unicast is 2000::/3; these blocks of it are special all the same. */
static const Prefix global_v6 = {{0x20}, 3};
static const Prefix special_v6[] = {
	{{0x20, 0x01, 0x00, 0x00}, 23}, /* protocol assignments, Teredo */
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
	{{0x20, 0x02}, 16},			/* 6to4: an IPv4 address in disguise */
	{{0x3f, 0xff, 0x00}, 20}	/* documentation */
};

/* IPv4 addresses within IPv6: mapped, and behind NAT64. */
static const uint8 mapped_v4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8 nat64[12] = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};

static bool
has_prefix(const uint8 *address, const Prefix *prefix)
{
	int			whole = prefix->bits / 8;
	int			rest = prefix->bits % 8;

	return memcmp(address, prefix->bytes, whole) == 0 &&
		(rest == 0 || ((address[whole] ^ prefix->bytes[whole]) >> (8 - rest)) == 0);
}

static bool
is_public_v4(const uint8 *address)
{
	for (size_t i = 0; i < lengthof(special_v4); i++)
	{
		if (has_prefix(address, &special_v4[i]))
			return false;
	}
	return true;
}

static bool
is_public_v6(const uint8 *address)
{
	if (memcmp(address, mapped_v4, sizeof(mapped_v4)) == 0 ||
		memcmp(address, nat64, sizeof(nat64)) == 0)
		return is_public_v4(address + 12);
	if (!has_prefix(address, &global_v6))
		return false;
	for (size_t i = 0; i < lengthof(special_v6); i++)
	{
		if (has_prefix(address, &special_v6[i]))
			return false;
	}
	return true;
}

/* Is this the address of a public host?  Families other than IP are not. */
bool
address_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return is_public_v4((const uint8 *)
							&((const struct sockaddr_in *) address)->sin_addr);
	if (address->sa_family == AF_INET6)
		return is_public_v6((const uint8 *)
							&((const struct sockaddr_in6 *) address)->sin6_addr);
	return false;
}

/* is_public_address(inet): the same of a single address; a network is none. */
Datum
is_public_address(PG_FUNCTION_ARGS)
{
	inet	   *address = PG_GETARG_INET_PP(0);

	if (ip_bits(address) != ip_maxbits(address))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(ip_family(address) == PGSQL_AF_INET ?
				   is_public_v4(ip_addr(address)) : is_public_v6(ip_addr(address)));
}
