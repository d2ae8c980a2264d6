/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feed.h"

#include <string.h>

#include "core/mem.h"

#define BLOCK_SIZE ((size_t)16 << 10)
#define ALIGN      sizeof(void *)

struct feed_block {
	struct feed_block *next;
	size_t used, size;
	unsigned char bytes[];
};

struct feed *feed_new(void)
{
	struct feed *f = mem_alloc(sizeof *f);

	f->title = f->link = f->description = f->language = f->author = f->favicon = "";
	f->image_url = f->image_title = "";
	f->size = sizeof *f;
	f->refs = 1;
	return f;
}

struct feed *feed_ref(struct feed *f)
{
	f->refs++;
	return f;
}

void feed_unref(struct feed **fp)
{
	struct feed *f = *fp;

	*fp = NULL;
	if (f == NULL || --f->refs > 0)
		return;
	while (f->blocks != NULL) {
		struct feed_block *b = f->blocks;
		f->blocks = b->next;
		mem_free(b);
	}
	mem_free(f);
}

static struct feed_block *block_add(struct feed *f, size_t size)
{
	struct feed_block *b = mem_alloc(sizeof *b + size);

	b->size = size;
	b->next = f->blocks;
	f->blocks = b;
	f->size += sizeof *b + size;
	return b;
}

/* `size` bytes; a large piece gets a block of its own, behind the one being filled. */
static unsigned char *take(struct feed *f, size_t size)
{
	struct feed_block *b = f->blocks;
	int own = size > BLOCK_SIZE / 4;
	unsigned char *at;

	if (b == NULL || b->size - b->used < size) {
		struct feed_block *before = b;
		b = block_add(f, own ? size : BLOCK_SIZE);
		if (own && before != NULL) {
			b->next = before->next;
			before->next = b;
			f->blocks = before;
		}
	}
	at = b->bytes + b->used;
	b->used += size;
	return at;
}

void *feed_alloc(struct feed *f, size_t size)
{
	size_t skew = f->blocks != NULL ? f->blocks->used % ALIGN : 0;

	if (skew != 0)
		f->blocks->used += MIN(ALIGN - skew, f->blocks->size - f->blocks->used);
	return take(f, (size + ALIGN - 1) / ALIGN * ALIGN);
}

const char *feed_copy(struct feed *f, const char *bytes, size_t len)
{
	char *at;

	if (len == 0)
		return "";
	at = (char *)take(f, len + 1);
	memcpy(at, bytes, len);
	return at;
}

size_t feed_size(const struct feed *f)
{
	return f->size;
}
