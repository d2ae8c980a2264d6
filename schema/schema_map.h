/* SPDX-License-Identifier: MIT */
/* schema_map - memory that is freed at once, and a table from bytes to pointers. Knows nothing
 * of schemas. */
#ifndef SCHEMA_SCHEMA_MAP_H
#define SCHEMA_SCHEMA_MAP_H

#include "core/base.h"

#include <string.h>

struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t room;
};
/* Zeroed memory that lives as long as the arena. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_dup(struct arena *a, const char *bytes, size_t len);
void arena_release(struct arena *a);

/* Keys are copied into an arena; values are borrowed. Zero-initialise. */
struct map_slot;
struct map {
	struct map_slot *slots;
	size_t n, cap;
};
/* NULL when the key is not there. */
void *map_get(const struct map *m, const void *key, size_t len);
/* Set or replace. */
void map_put(struct map *m, struct arena *a, const void *key, size_t len, void *value);
void map_release(struct map *m);

static inline uint64_t hash_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9E3779B97F4A7C15u;
	return h ^ h >> 29;
}

/* A hash of all bytes; not proof against chosen keys. Whole words, the last ones overlapping:
 * names of members are short, and they are hashed all the time. */
static inline uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t h = seed ^ len * 0xD6E8FEB86659FD93u;
	uint64_t word = 0;
	uint32_t half[2];

	if (len >= 8) {
		const unsigned char *last = p + len - 8;
		for (; p < last; p += 8) {
			memcpy(&word, p, 8);
			h = hash_mix(h ^ word);
		}
		memcpy(&word, last, 8);
	} else if (len >= 4) {
		memcpy(&half[0], p, 4);
		memcpy(&half[1], p + len - 4, 4);
		word = (uint64_t)half[0] << 32 | half[1];
	} else if (len > 0) {
		word = (uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1];
	}
	return hash_mix(h ^ word);
}

#endif
