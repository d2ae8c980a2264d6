/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_expat.h"

#include <dlfcn.h>
#include <expat.h>
#include <stdatomic.h>
#include <string.h>
#include <strophe.h>

#include "core/mem.h"

/* Between namespace and name in what expat reports: libstrophe's choice, in no XML document. */
#define SEPARATOR '\x1F'

typedef void set_handler_fn(XML_Parser, XML_StartElementHandler, XML_EndElementHandler);

/* libstrophe has one of each for all its parsers. */
static _Atomic(XML_StartElementHandler) strophe_start;
static _Atomic(XML_EndElementHandler) strophe_end;

/* Open elements of the parser that this thread is with; a parser sets its handlers before it begins. */
static _Thread_local size_t depth;
static _Thread_local unsigned long tags;

/* xml:lang is the one attribute of a namespace that XMPP uses (RFC 6120, 8.1.5). */
static int is_foreign(const XML_Char *name)
{
	static const char lang[] = "http://www.w3.org/XML/1998/namespace\x1F"
				   "lang";

	return strchr(name, SEPARATOR) != NULL && strcmp(name, lang) != 0;
}

static void filter_start(void *data, const XML_Char *name, const XML_Char **attrs)
{
	XML_StartElementHandler next = atomic_load(&strophe_start);
	const XML_Char **own;
	size_t n = 0, foreign = 0, kept = 0;

	tags++;
	if (++depth > XMPP_EXPAT_DEPTH_MAX)
		return;
	for (; attrs[n] != NULL; n += 2)
		foreign += (size_t)is_foreign(attrs[n]);
	if (foreign == 0) {
		next(data, name, attrs);
		return;
	}
	own = mem_array(n + 1, sizeof *own);
	for (size_t i = 0; i < n; i += 2) {
		if (is_foreign(attrs[i]))
			continue;
		own[kept++] = attrs[i];
		own[kept++] = attrs[i + 1];
	}
	next(data, name, own);
	mem_free(own);
}

static void filter_end(void *data, const XML_Char *name)
{
	XML_EndElementHandler next = atomic_load(&strophe_end);

	tags++;
	if (depth-- <= XMPP_EXPAT_DEPTH_MAX)
		next(data, name);
}

/* In place of expat's function of this name; see the header. */
void XML_SetElementHandler(
	XML_Parser parser, XML_StartElementHandler start, XML_EndElementHandler end)
{
	void *symbol = dlsym(RTLD_NEXT, "XML_SetElementHandler");
	XML_StartElementHandler known_start = NULL;
	XML_EndElementHandler known_end = NULL;
	set_handler_fn *set;

	assert(symbol != NULL);
	memcpy(&set, &symbol, sizeof set);
	/* Should another library come to use expat in this process, this says so. */
	if (start != NULL && !atomic_compare_exchange_strong(&strophe_start, &known_start, start))
		assert(known_start == start);
	if (end != NULL && !atomic_compare_exchange_strong(&strophe_end, &known_end, end))
		assert(known_end == end);
	depth = 0;
	set(parser, start != NULL ? filter_start : NULL, end != NULL ? filter_end : NULL);
}

unsigned long xmpp_expat_tags(void)
{
	return tags;
}

int xmpp_expat_check(struct err *e)
{
	static const char forged[] =
		"<m xmlns:x='urn:x' x:a='2' a='1' x:b='2' xml:id='2' xml:lang='en'/>";
	static const char forged_last[] = "<m xmlns:x='urn:x' a='1' x:a='2'/>";
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	xmpp_stanza_t *first = ctx != NULL ? xmpp_stanza_new_from_string(ctx, forged) : NULL;
	xmpp_stanza_t *last = ctx != NULL ? xmpp_stanza_new_from_string(ctx, forged_last) : NULL;
	int good = first != NULL && last != NULL &&
		   strcmp(xmpp_stanza_get_attribute(first, "a"), "1") == 0 &&
		   strcmp(xmpp_stanza_get_attribute(last, "a"), "1") == 0 &&
		   xmpp_stanza_get_attribute(first, "b") == NULL &&
		   xmpp_stanza_get_id(first) == NULL;

	if (first != NULL)
		xmpp_stanza_release(first);
	if (last != NULL)
		xmpp_stanza_release(last);
	if (ctx != NULL)
		xmpp_ctx_free(ctx);
	if (!good)
		return err_set(e, ERR_INTERNAL,
			"attributes of foreign namespaces could not be told from a stanza's own");
	return 0;
}
