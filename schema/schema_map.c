/* SPDX-License-Identifier: MIT */
#include "schema/schema_map.h"
#include "core/mem.h"

#define BLOCK_SIZE 8192

struct arena_block {
	struct arena_block *next;
	size_t size;
	max_align_t bytes[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *block = a->blocks;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (block == NULL || size > a->room) {
		size_t want = MAX(size, (size_t)BLOCK_SIZE);
		block = mem_alloc(sizeof *block + want);
		block->size = want;
		block->next = a->blocks;
		a->blocks = block;
		a->room = want;
	}
	char *p = (char *)block->bytes + (block->size - a->room);
	a->room -= size;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	assert(size == 0 || n <= SIZE_MAX / 2 / size);
	return arena_alloc(a, n * size);
}

char *arena_dup(struct arena *a, const char *bytes, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	memcpy(copy, bytes, len);
	return copy;
}

void arena_release(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *next = a->blocks->next;
		mem_free(a->blocks);
		a->blocks = next;
	}
	a->room = 0;
}

struct map_slot {
	const char *key; /* NULL: free */
	size_t len;
	uint64_t hash;
	void *value;
};

static struct map_slot *slot_of(const struct map *m, const void *key, size_t len, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->slots[i].key != NULL) {
		const struct map_slot *s = &m->slots[i];
		if (s->hash == hash && s->len == len && memcmp(s->key, key, len) == 0)
			break;
		i = (i + 1) & (m->cap - 1);
	}
	return &m->slots[i];
}

static void map_grow(struct map *m)
{
	struct map old = *m;

	m->cap = MAX(old.cap * 2, (size_t)16);
	m->slots = mem_array(m->cap, sizeof *m->slots);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key != NULL)
			*slot_of(m, old.slots[i].key, old.slots[i].len,
				old.slots[i].hash) = old.slots[i];
	mem_free(old.slots);
}

void *map_get(const struct map *m, const void *key, size_t len)
{
	return m->cap == 0 ? NULL : slot_of(m, key, len, hash_bytes(0, key, len))->value;
}

void map_put(struct map *m, struct arena *a, const void *key, size_t len, void *value)
{
	uint64_t hash = hash_bytes(0, key, len);

	if (2 * (m->n + 1) > m->cap)
		map_grow(m);
	struct map_slot *s = slot_of(m, key, len, hash);
	if (s->key == NULL) {
		*s = (struct map_slot){arena_dup(a, key, len), len, hash, NULL};
		m->n++;
	}
	s->value = value;
}

void map_release(struct map *m)
{
	mem_free(m->slots);
	*m = (struct map){NULL, 0, 0};
}
