/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_xml.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_utf8.h"

/* libstrophe's getters take what they only read without const. */
static xmpp_stanza_t *loose(const xmpp_stanza_t *s)
{
	return (xmpp_stanza_t *)s;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

const char *xmpp_xml_attr(const xmpp_stanza_t *s, const char *name)
{
	const char *value = s != NULL ? xmpp_stanza_get_attribute(loose(s), name) : NULL;
	size_t len = value != NULL ? strnlen(value, XMPP_XML_ATTR_MAX + 1) : 0;

	if (value == NULL || len > XMPP_XML_ATTR_MAX)
		return NULL;
	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t n = xmpp_utf8_char(value + at, len - at, &code);
		if (n == 0 || code < 0x20 || !xmpp_utf8_is_text(code))
			return NULL;
		at += n;
	}
	return value;
}

int xmpp_xml_has_bad_attr(const xmpp_stanza_t *s, const char *name)
{
	return s != NULL && xmpp_stanza_get_attribute(loose(s), name) != NULL &&
	       xmpp_xml_attr(s, name) == NULL;
}

int xmpp_xml_is(const xmpp_stanza_t *s, const char *name, const char *ns)
{
	const char *own_ns;

	if (s == NULL || !xmpp_stanza_is_tag(loose(s)))
		return 0;
	own_ns = xmpp_stanza_get_ns(loose(s));
	if (ns != NULL && strcmp(own_ns != NULL ? own_ns : XMPP_NS_CLIENT, ns) != 0)
		return 0;
	return name == NULL || strcmp(xmpp_stanza_get_name(loose(s)), name) == 0;
}

/* `s` itself or its first sibling that is one. */
static const xmpp_stanza_t *seek(const xmpp_stanza_t *s, const char *name, const char *ns)
{
	while (s != NULL && !xmpp_xml_is(s, name, ns))
		s = xmpp_stanza_get_next(loose(s));
	return s;
}

const xmpp_stanza_t *xmpp_xml_child(const xmpp_stanza_t *s, const char *name, const char *ns)
{
	return s != NULL ? seek(xmpp_stanza_get_children(loose(s)), name, ns) : NULL;
}

const xmpp_stanza_t *xmpp_xml_next(const xmpp_stanza_t *s, const char *name, const char *ns)
{
	return s != NULL ? seek(xmpp_stanza_get_next(loose(s)), name, ns) : NULL;
}

char *xmpp_xml_text(const xmpp_stanza_t *s, size_t max, int *cut)
{
	struct buf out = BUF_INIT;
	xmpp_stanza_t *part = s != NULL ? xmpp_stanza_get_children(loose(s)) : NULL;
	int more = 0;

	for (; part != NULL && !more; part = xmpp_stanza_get_next(part)) {
		const char *text = xmpp_stanza_is_text(part) ? xmpp_stanza_get_text_ptr(part)
							     : NULL;
		if (text != NULL)
			more = xmpp_utf8_clean(&out, text, strlen(text), max);
	}
	if (cut != NULL)
		*cut = more;
	return buf_take(&out);
}

json_t *xmpp_xml_json(const xmpp_stanza_t *s, size_t max)
{
	char *text = xmpp_xml_text(s, max, NULL);
	json_t *json = json_string(text);

	mem_free(text);
	return json;
}

long long xmpp_xml_number(const xmpp_stanza_t *s, long long max)
{
	char *text = xmpp_xml_text(s, 20, NULL);
	long long v = text[0] == '\0' ? -1 : 0;

	for (const char *c = text; *c != '\0' && v >= 0; c++)
		v = *c < '0' || *c > '9' || v > (max - (*c - '0')) / 10 ? -1 : v * 10 + (*c - '0');
	mem_free(text);
	return v;
}

/* --- building ---------------------------------------------------------------------------------------------------- */

xmpp_stanza_t *xmpp_xml_new(xmpp_ctx_t *ctx, const char *name, const char *ns)
{
	xmpp_stanza_t *s = xmpp_stanza_new(ctx);
	int rc = s != NULL ? xmpp_stanza_set_name(s, name) : XMPP_EMEM;

	if (rc == XMPP_EOK && ns != NULL)
		rc = xmpp_stanza_set_ns(s, ns);
	assert(rc == XMPP_EOK);
	return s;
}

static void adopt(xmpp_stanza_t *parent, xmpp_stanza_t *child)
{
	int rc = xmpp_stanza_add_child_ex(parent, child, 0);

	assert(rc == XMPP_EOK);
}

xmpp_stanza_t *xmpp_xml_add(xmpp_stanza_t *parent, const char *name, const char *ns)
{
	xmpp_stanza_t *s = xmpp_xml_new(xmpp_stanza_get_context(parent), name, ns);

	adopt(parent, s);
	return s;
}

xmpp_stanza_t *xmpp_xml_add_text(xmpp_stanza_t *parent, const char *name, const char *text)
{
	xmpp_stanza_t *s = xmpp_xml_add(parent, name, NULL);
	struct buf clean = BUF_INIT;

	if (text == NULL)
		return s;
	/* All at once: what it might grow out of would not be wiped, and it may be the password of a room. */
	buf_reserve(&clean, strlen(text));
	xmpp_utf8_clean(&clean, text, strlen(text), SIZE_MAX);
	if (clean.len > 0) {
		xmpp_stanza_t *t = xmpp_stanza_new(xmpp_stanza_get_context(parent));
		int rc = t != NULL ? xmpp_stanza_set_text(t, clean.data) : XMPP_EMEM;
		assert(rc == XMPP_EOK);
		adopt(s, t);
		mem_wipe(clean.data, clean.len);
	}
	buf_release(&clean);
	return s;
}

void xmpp_xml_set(xmpp_stanza_t *s, const char *name, const char *value)
{
	struct buf clean = BUF_INIT;
	int rc;

	if (value == NULL)
		return;
	xmpp_utf8_clean(&clean, value, strlen(value), SIZE_MAX);
	/* A line end in an attribute would come out as a blank. */
	for (size_t i = 0; i < clean.len; i++)
		if ((unsigned char)clean.data[i] < 0x20)
			clean.data[i] = ' ';
	rc = xmpp_stanza_set_attribute(s, name, buf_str(&clean));
	assert(rc == XMPP_EOK);
	buf_release(&clean);
}
