/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_tnef.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_charset.h"

#define SIGNATURE 0x223E9F78u /* MS-OXTNEF 2.1.3.1 */
#define MAX_NAME  ((size_t)1000)

/* MS-OXTNEF 2.1.3.2: attributes of the message (level 1) and of its attachments (level 2). */
#define LEVEL_MESSAGE    1
#define ATT_BODY         0x0002800Cu
#define ATT_OEM_CODEPAGE 0x00069007u
#define ATT_MSG_PROPS    0x00069003u
#define ATT_ATTACH_REND  0x00069002u /* begins an attachment */
#define ATT_ATTACH_DATA  0x0006800Fu
#define ATT_ATTACH_TITLE 0x00018010u
#define ATT_ATTACHMENT   0x00069005u /* its properties */

/* MS-OXCDATA 2.11.1: types of properties. */
#define TYPE_OBJECT   0x000Du
#define TYPE_STRING8  0x001Eu
#define TYPE_UNICODE  0x001Fu
#define TYPE_BINARY   0x0102u
#define TYPE_MULTIPLE 0x1000u

/* MS-OXPROPS: identifiers of properties. */
#define ID_BODY             0x1000u
#define ID_HTML             0x1013u
#define ID_ATTACH_DATA      0x3701u
#define ID_ATTACH_NAME      0x3704u
#define ID_ATTACH_LONG_NAME 0x3707u
#define ID_ATTACH_MIME      0x370Eu
#define ID_ATTACH_CID       0x3712u

/* An embedded object begins with the identifier of its interface (MS-OXTNEF 2.1.3.4). */
#define OBJECT_PREFIX 16

struct email_tnef {
	struct email_tnef_attachment *at;
	size_t n;
	size_t max_text;
	int full; /* attachments are passed over */
	char codepage[16];
	struct buf text, html;
};

/* What is left to read. A read beyond the end sets `bad` and gives zeros. */
struct cursor {
	const unsigned char *at;
	size_t left;
	int bad;
};

struct property {
	unsigned type, id;
	const char *bytes; /* the first value of several */
	size_t len;
};

static const unsigned char *take(struct cursor *c, size_t n)
{
	const unsigned char *at = c->at;

	if (c->bad || n > c->left) {
		c->bad = 1;
		return NULL;
	}
	c->at += n;
	c->left -= n;
	return at;
}

static unsigned take_u16(struct cursor *c)
{
	const unsigned char *p = take(c, 2);

	return p != NULL ? p[0] | (unsigned)p[1] << 8 : 0;
}

static uint32_t take_u32(struct cursor *c)
{
	unsigned low = take_u16(c), high = take_u16(c);

	return low | (uint32_t)high << 16;
}

/* `len` bytes and what fills them up to a multiple of four; the last ones of all may lack that. */
static const char *take_padded(struct cursor *c, size_t len)
{
	const unsigned char *p = take(c, len);

	if (p != NULL && !c->bad)
		take(c, MIN((4 - len % 4) % 4, c->left));
	return (const char *)p;
}

/* --- properties (MS-OXTNEF 2.1.3.4) ----------------------------------------------------------------------------- */

/* The size of a value of fixed length, padded; 0: its length is written before it. */
static size_t fixed_size(unsigned type)
{
	switch (type) {
	case 0x0002: /* 16-bit integer */
	case 0x0003: /* 32-bit integer */
	case 0x0004: /* float */
	case 0x000A: /* error */
	case 0x000B: /* boolean */
		return 4;
	case 0x0005: /* double */
	case 0x0006: /* currency */
	case 0x0007: /* application time */
	case 0x0014: /* 64-bit integer */
	case 0x0040: /* time */
		return 8;
	case 0x0048: /* GUID */
		return 16;
	default:
		return 0;
	}
}

static void skip_name(struct cursor *c)
{
	take(c, 16); /* the property set's GUID */
	if (take_u32(c) == 0)
		take_u32(c);
	else
		take_padded(c, take_u32(c));
}

/* -1: there is none, or nothing more can be read. */
static int take_property(struct cursor *c, struct property *p)
{
	size_t fixed;
	uint32_t n = 1;
	unsigned type = take_u16(c);

	p->id = take_u16(c);
	p->type = type & ~TYPE_MULTIPLE;
	p->bytes = NULL;
	p->len = 0;
	fixed = fixed_size(p->type);
	if (p->id >= 0x8000)
		skip_name(c);
	if (type & TYPE_MULTIPLE || fixed == 0)
		n = take_u32(c);
	if (fixed == 0 && p->type != TYPE_OBJECT && p->type != TYPE_STRING8 &&
		p->type != TYPE_UNICODE && p->type != TYPE_BINARY)
		return -1;
	/* Each value takes bytes, so a count that lies ends with them; but an empty one takes only its length. */
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		size_t len = fixed != 0 ? fixed : take_u32(c);
		const char *bytes = take_padded(c, len);

		if (i == 0) {
			p->bytes = bytes;
			p->len = bytes != NULL ? len : 0;
		}
	}
	return c->bad ? -1 : 0;
}

/* Text without the zeros that end it. `codepage` is for what is not Unicode. 1 when it was longer than `max`. */
static void set_text(
	struct buf *to, const char *bytes, size_t len, const char *codepage, size_t max)
{
	buf_clear(to);
	email_charset_decode(bytes, len, codepage, max, to);
}

static void set_property_text(
	const struct email_tnef *t, struct buf *to, const struct property *p, size_t max)
{
	if (p->type == TYPE_UNICODE)
		set_text(to, p->bytes, p->len, "utf-16le", max);
	else if (p->type == TYPE_STRING8 || p->type == TYPE_BINARY)
		set_text(to, p->bytes, p->len, t->codepage, max);
}

static void message_property(struct email_tnef *t, const struct property *p)
{
	if (p->id == ID_BODY && p->len > 0)
		set_property_text(t, &t->text, p, t->max_text);
	else if (p->id == ID_HTML && p->len > 0)
		set_property_text(t, &t->html, p, t->max_text);
}

static void attachment_property(
	const struct email_tnef *t, struct email_tnef_attachment *a, const struct property *p)
{
	switch (p->id) {
	case ID_ATTACH_LONG_NAME:
		set_property_text(t, &a->name, p, MAX_NAME);
		break;
	case ID_ATTACH_NAME:
		if (a->name.len == 0)
			set_property_text(t, &a->name, p, MAX_NAME);
		break;
	case ID_ATTACH_MIME:
		set_property_text(t, &a->type, p, MAX_NAME);
		break;
	case ID_ATTACH_CID:
		set_property_text(t, &a->cid, p, MAX_NAME);
		break;
	case ID_ATTACH_DATA:
		if (p->type == TYPE_OBJECT && p->len > OBJECT_PREFIX) {
			a->bytes = p->bytes + OBJECT_PREFIX;
			a->len = p->len - OBJECT_PREFIX;
		} else if (p->type == TYPE_BINARY && p->len > 0) {
			a->bytes = p->bytes;
			a->len = p->len;
		}
		break;
	default:
		break;
	}
}

/* `a` NULL: properties of the message. */
static void read_properties(struct email_tnef *t, struct email_tnef_attachment *a, struct cursor c)
{
	uint32_t n = take_u32(&c);
	struct property p;

	while (n-- > 0 && take_property(&c, &p) == 0) {
		if (a != NULL)
			attachment_property(t, a, &p);
		else
			message_property(t, &p);
	}
}

/* --- attributes ------------------------------------------------------------------------------------------------- */

static void begin_attachment(struct email_tnef *t)
{
	t->full = t->n == EMAIL_TNEF_ATTACHMENTS;
	if (t->full)
		return;
	t->at = mem_realloc(t->at, (t->n + 1) * sizeof *t->at);
	memset(&t->at[t->n++], 0, sizeof *t->at);
}

static void attachment_attribute(struct email_tnef *t, uint32_t id, struct cursor c)
{
	struct email_tnef_attachment *a;

	if (id == ATT_ATTACH_REND)
		begin_attachment(t);
	if (t->n == 0 || t->full)
		return;
	a = &t->at[t->n - 1];
	if (id == ATT_ATTACH_DATA) {
		a->bytes = (const char *)c.at;
		a->len = c.left;
	} else if (id == ATT_ATTACH_TITLE && a->name.len == 0) {
		set_text(&a->name, (const char *)c.at, c.left, t->codepage, MAX_NAME);
	} else if (id == ATT_ATTACHMENT) {
		read_properties(t, a, c);
	}
}

static void message_attribute(struct email_tnef *t, uint32_t id, struct cursor c)
{
	if (id == ATT_OEM_CODEPAGE && c.left >= 4)
		snprintf(t->codepage, sizeof t->codepage, "cp%u", (unsigned)take_u32(&c));
	else if (id == ATT_BODY && t->text.len == 0)
		set_text(&t->text, (const char *)c.at, c.left, t->codepage, t->max_text);
	else if (id == ATT_MSG_PROPS)
		read_properties(t, NULL, c);
}

struct email_tnef *email_tnef_new(const char *bytes, size_t len, size_t max_text)
{
	struct cursor c = {(const unsigned char *)bytes, len, 0};
	struct email_tnef *t;

	if (take_u32(&c) != SIGNATURE || c.bad)
		return NULL;
	take_u16(&c); /* the key, which means nothing here */
	t = mem_alloc(sizeof *t);
	t->max_text = max_text;
	while (c.left > 0) {
		const unsigned char *level = take(&c, 1);
		uint32_t id = take_u32(&c), size = take_u32(&c);
		struct cursor data = {take(&c, size), size, 0};

		if (c.bad)
			break;
		if (*level == LEVEL_MESSAGE)
			message_attribute(t, id, data);
		else
			attachment_attribute(t, id, data);
		take_u16(&c); /* the sum of the bytes: writers get it wrong */
	}
	return t;
}

void email_tnef_free(struct email_tnef *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		buf_release(&t->at[i].name);
		buf_release(&t->at[i].type);
		buf_release(&t->at[i].cid);
	}
	mem_free(t->at);
	buf_release(&t->text);
	buf_release(&t->html);
	mem_free(t);
}

size_t email_tnef_count(const struct email_tnef *t)
{
	return t->n;
}

const struct email_tnef_attachment *email_tnef_at(const struct email_tnef *t, size_t i)
{
	assert(i < t->n);
	return &t->at[i];
}

const struct buf *email_tnef_text(const struct email_tnef *t)
{
	return &t->text;
}

const struct buf *email_tnef_html(const struct email_tnef *t)
{
	return &t->html;
}
