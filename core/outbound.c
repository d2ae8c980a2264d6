/* SPDX-License-Identifier: MIT */
#include "core/outbound.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/mem.h"

/* A block of addresses. IPv4 uses the first four bytes. */
struct block {
	int family;
	unsigned bits;
	unsigned char addr[16];
};

struct outbound {
	int any;
	size_t n;
	struct block allow[];
};

/* IANA IPv4 Special-Purpose Address Registry: every block whose addresses are not, or not all, globally reachable,
 * and multicast (RFC 5771). 192.0.0.0/24 is refused whole: its two reachable anycast addresses serve no platform. */
static const struct block special4[] = {
	{AF_INET, 8, {0}},             /* this network, RFC 791 */
	{AF_INET, 8, {10}},            /* private, RFC 1918 */
	{AF_INET, 10, {100, 64}},      /* shared by carriers, RFC 6598 */
	{AF_INET, 8, {127}},           /* loopback, RFC 1122 */
	{AF_INET, 16, {169, 254}},     /* link-local, RFC 3927; cloud metadata lives here */
	{AF_INET, 12, {172, 16}},      /* private, RFC 1918 */
	{AF_INET, 24, {192, 0, 0}},    /* protocol assignments, RFC 6890 */
	{AF_INET, 24, {192, 0, 2}},    /* documentation, RFC 5737 */
	{AF_INET, 24, {192, 88, 99}},  /* 6to4 relays, RFC 7526 */
	{AF_INET, 16, {192, 168}},     /* private, RFC 1918 */
	{AF_INET, 15, {198, 18}},      /* benchmarks, RFC 2544 */
	{AF_INET, 24, {198, 51, 100}}, /* documentation, RFC 5737 */
	{AF_INET, 24, {203, 0, 113}},  /* documentation, RFC 5737 */
	{AF_INET, 4, {224}},           /* multicast */
	{AF_INET, 4, {240}},           /* reserved and broadcast, RFC 1112, RFC 919 */
};

/* IPv6 is the other way round: only global unicast (2000::/3, RFC 4291) can be reachable, and of it not these. */
static const struct block global6 = {AF_INET6, 3, {0x20}};
static const struct block special6[] = {
	{AF_INET6, 23, {0x20, 0x01}},             /* protocol assignments, Teredo: RFC 2928 */
	{AF_INET6, 32, {0x20, 0x01, 0x0d, 0xb8}}, /* documentation, RFC 3849 */
	{AF_INET6, 20, {0x3f, 0xff}},             /* documentation, RFC 9637 */
};

/* IPv6 forms that stand for an IPv4 address, and where in them it is. */
static const struct {
	struct block block;
	size_t offset;
} embedding[] = {
	{{AF_INET6, 96, {[10] = 0xff, 0xff}}, 12},      /* IPv4-mapped, RFC 4291 */
	{{AF_INET6, 96, {0x00, 0x64, 0xff, 0x9b}}, 12}, /* NAT64, RFC 6052 */
	{{AF_INET6, 16, {0x20, 0x02}}, 2},              /* 6to4, RFC 3056 */
};

static int block_holds(const struct block *b, int family, const unsigned char *addr)
{
	unsigned whole = b->bits / 8, rest = b->bits % 8;

	if (b->family != family || memcmp(b->addr, addr, whole) != 0)
		return 0;
	return rest == 0 || ((b->addr[whole] ^ addr[whole]) >> (8 - rest)) == 0;
}

static int any_holds(const struct block *b, size_t n, int family, const unsigned char *addr)
{
	for (size_t i = 0; i < n; i++)
		if (block_holds(&b[i], family, addr))
			return 1;
	return 0;
}

static int host_bits_set(const struct block *b)
{
	unsigned size = b->family == AF_INET ? 32 : 128;

	for (unsigned bit = b->bits; bit < size; bit++)
		if (b->addr[bit / 8] & (0x80 >> bit % 8))
			return 1;
	return 0;
}

/* "ADDRESS" or "ADDRESS/BITS". Set host bits are refused: "10.0.0.1/8" is more often a slip than a wish. */
static int block_parse(struct block *b, const char *text)
{
	char addr[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned size;

	if (len >= sizeof addr)
		return -1;
	memcpy(addr, text, len);
	addr[len] = '\0';
	b->family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(b->family, addr, b->addr) != 1)
		return -1;
	size = b->bits = b->family == AF_INET ? 32 : 128;
	if (slash != NULL) {
		size_t digits = strspn(slash + 1, "0123456789");
		if (digits == 0 || digits > 3 || slash[1 + digits] != '\0')
			return -1;
		b->bits = (unsigned)strtoul(slash + 1, NULL, 10);
	}
	return b->bits > size || host_bits_set(b) ? -1 : 0;
}

int outbound_new(const char *const *allow, size_t n, struct outbound **out, struct err *e)
{
	struct outbound *o = mem_alloc(sizeof *o + n * sizeof o->allow[0]);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(allow[i], "any") == 0) {
			o->any = 1;
		} else if (block_parse(&o->allow[o->n], allow[i]) == 0) {
			o->n++;
		} else {
			mem_free(o);
			return err_set(e, ERR_CONFIG,
				"outbound.allow: \"%s\" is not an address, a block such as "
				"10.1.0.0/16, or \"any\"",
				allow[i]);
		}
	}
	*out = o;
	return 0;
}

void outbound_free(struct outbound *o)
{
	mem_free(o);
}

static int allows4(const struct outbound *o, const unsigned char *addr)
{
	return any_holds(o->allow, o->n, AF_INET, addr) ||
	       !any_holds(special4, ARRAY_LEN(special4), AF_INET, addr);
}

static int allows6(const struct outbound *o, const unsigned char *addr)
{
	if (any_holds(o->allow, o->n, AF_INET6, addr))
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(embedding); i++)
		if (block_holds(&embedding[i].block, AF_INET6, addr))
			return allows4(o, addr + embedding[i].offset);
	return block_holds(&global6, AF_INET6, addr) &&
	       !any_holds(special6, ARRAY_LEN(special6), AF_INET6, addr);
}

int outbound_allows(const struct outbound *o, const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;
		return o->any || allows4(o, (const unsigned char *)&in->sin_addr);
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;
		return o->any || allows6(o, in6->sin6_addr.s6_addr);
	}
	return 0;
}
