/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_xml.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/buf.h"

/* Elements and attributes of one document: about 40 MB of tree. */
#define MAX_NODES 250000
/* Bytes of distinct names. libxml2 compares each attribute of an element with all others; 580,000 distinct ones fit
 * into 5 MiB and keep it busy for minutes. A feed needs some 5 KiB of names. */
#define MAX_NAME_BYTES   ((size_t)64 << 10)

#define MAX_ELEMENT_NAME 100
/* Complaints about one document, each of which costs time. */
#define MAX_ERRORS 10000

struct reading {
	char *why;
	size_t why_size;
	unsigned nodes, errors;
};

static const struct {
	const char *uri;
	enum feeds_ns ns;
} namespaces[] = {
	{"http://www.w3.org/2005/Atom", NS_ATOM},
	{"http://purl.org/atom/ns#", NS_ATOM},
	{"http://purl.org/rss/1.0/modules/content/", NS_CONTENT},
	{"http://purl.org/dc/elements/1.1/", NS_DC},
	{"http://purl.org/dc/terms/", NS_DC},
	{"http://search.yahoo.com/mrss/", NS_MEDIA},
	{"http://search.yahoo.com/mrss", NS_MEDIA},
	{"http://www.itunes.com/dtds/podcast-1.0.dtd", NS_ITUNES},
	{"http://rssnamespace.org/feedburner/ext/1.0", NS_FEEDBURNER},
	{"http://www.w3.org/1999/xhtml", NS_XHTML},
	{"http://purl.org/rss/1.0/", NS_RSS},
	{"http://my.netscape.com/rdf/simple/0.9/", NS_RSS},
	{"http://channel.netscape.com/rdf/simple/0.9/", NS_RSS},
	{"http://www.w3.org/1999/02/22-rdf-syntax-ns#", NS_RSS},
};

/* For prefixes nobody declared, as in feeds that were pasted together. */
static const struct {
	const char *prefix;
	enum feeds_ns ns;
} prefixes[] = {{"atom:", NS_ATOM}, {"content:", NS_CONTENT}, {"dc:", NS_DC}, {"media:", NS_MEDIA},
	{"itunes:", NS_ITUNES}, {"feedburner:", NS_FEEDBURNER}, {"rdf:", NS_RSS}};

static enum feeds_ns ns_of_uri(const char *uri, int is_default)
{
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		if (strcasecmp(uri, namespaces[i].uri) == 0)
			return namespaces[i].ns;
	return is_default ? NS_RSS : NS_OTHER;
}

enum feeds_ns feeds_xml_name(const xmlNode *n, const char **local)
{
	const char *name = (const char *)n->name;

	*local = name;
	if (n->ns != NULL && n->ns->href != NULL)
		return ns_of_uri((const char *)n->ns->href, n->ns->prefix == NULL);
	if (strchr(name, ':') == NULL)
		return NS_RSS;
	*local = strchr(name, ':') + 1;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(name, prefixes[i].prefix, strlen(prefixes[i].prefix)) == 0)
			return prefixes[i].ns;
	return NS_OTHER;
}

int feeds_xml_is(const xmlNode *n, enum feeds_ns ns, const char *local)
{
	const char *name;

	return n->type == XML_ELEMENT_NODE && feeds_xml_name(n, &name) == ns &&
	       strcmp(name, local) == 0;
}

const char *feeds_xml_attr(const xmlNode *n, const char *local)
{
	for (const xmlAttr *a = n->properties; a != NULL; a = a->next) {
		const xmlNode *v = a->children;
		const char *name = (const char *)a->name;

		if (a->ns == NULL && strchr(name, ':') != NULL)
			name = strchr(name, ':') + 1;
		if (strcmp(name, local) != 0)
			continue;
		if (v == NULL || v->next != NULL || v->type != XML_TEXT_NODE)
			return NULL;
		return (const char *)v->content;
	}
	return NULL;
}

/* --- handlers for libxml2 --------------------------------------------------------------------------------------- */

/* libxml2 cuts what it quotes without regard to characters. */
static void only_ascii(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			*s = '?';
}

/* Keeps the first complaint, without its line break. Nothing goes to standard error. */
static void on_error(void *arg, xmlErrorPtr error)
{
	xmlParserCtxtPtr ctxt = arg;
	struct reading *r = ctxt->_private;
	const char *message = error->message != NULL ? error->message : "";

	if (r->why[0] == '\0' && error->level >= XML_ERR_ERROR) {
		snprintf(r->why, r->why_size, "line %d: %.*s", error->line,
			(int)strcspn(message, "\r\n"), message);
		only_ascii(r->why);
	}
	if (++r->errors == MAX_ERRORS)
		xmlStopParser(ctxt);
}

/* Entities that a document declares stay unknown, which ends every entity attack. */
static void ignore_entity(void *arg, const xmlChar *name, int type, const xmlChar *public_id,
	const xmlChar *system_id, xmlChar *content)
{
	UNUSED(arg);
	UNUSED(name);
	UNUSED(type);
	UNUSED(public_id);
	UNUSED(system_id);
	UNUSED(content);
}

/* Signature and order of startElementNsSAX2Func. */
static void start_element(void *arg, const xmlChar *local, const xmlChar *prefix,
	const xmlChar *uri, int n_ns, const xmlChar **ns, int n_attrs, int n_defaulted,
	const xmlChar **attrs)
{
	xmlParserCtxtPtr ctxt = arg;
	struct reading *r = ctxt->_private;

	r->nodes += 1 + (unsigned)n_attrs + (unsigned)n_ns;
	if (r->nodes > MAX_NODES) {
		if (r->why[0] == '\0')
			snprintf(r->why, r->why_size, "more than %d elements", MAX_NODES);
		xmlStopParser(ctxt);
		return;
	}
	xmlSAX2StartElementNs(arg, local, prefix, uri, n_ns, ns, n_attrs, n_defaulted, attrs);
}

/* --- repair ----------------------------------------------------------------------------------------------------- */

static int is_name_char(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* What to write for the "&" at `s` and how much of the text it stands for: HTML's entities become character
 * references, an "&" that begins no reference becomes one, the rest stays. */
static size_t reference(const char *s, const char *end, struct buf *out)
{
	char name[12];
	size_t n = 0;
	const htmlEntityDesc *html;

	if (s + 1 < end && s[1] == '#') {
		buf_add_char(out, '&');
		return 1;
	}
	while (n + 1 < sizeof name && s + 1 + n < end && is_name_char(s[1 + n])) {
		name[n] = s[1 + n];
		n++;
	}
	name[n] = '\0';
	if (n == 0 || s + 1 + n >= end || s[1 + n] != ';') {
		buf_add_str(out, "&amp;");
		return 1;
	}
	html = htmlEntityLookup((const xmlChar *)name);
	if (html == NULL || xmlGetPredefinedEntity((const xmlChar *)name) != NULL)
		buf_add(out, s, n + 2);
	else
		buf_printf(out, "&#%u;", html->value);
	return n + 2;
}

/* The end of the span that `open` begins at `s` and `close` (three bytes) ends; NULL when it does not begin here. */
static const char *span(const char *s, const char *end, const char *open, const char *close)
{
	size_t n = strlen(open);
	const char *stop;

	if ((size_t)(end - s) < n || memcmp(s, open, n) != 0)
		return NULL;
	stop = memmem(s + n, (size_t)(end - s) - n, close, 3);
	return stop != NULL ? stop + 3 : end;
}

static void keep_lines(const char *s, const char *end, struct buf *out)
{
	while ((s = memchr(s, '\n', (size_t)(end - s))) != NULL) {
		buf_add_char(out, '\n');
		s++;
	}
}

/* How much to step over at a "<". The parser quotes an element's name in each complaint about its attributes: a name
 * nobody would write is text instead. */
static size_t tag_start(const char *s, const char *end, struct buf *out)
{
	size_t n = 1;

	while (s + n < end && n <= MAX_ELEMENT_NAME && strchr(" \t\r\n/><", s[n]) == NULL)
		n++;
	if (n <= MAX_ELEMENT_NAME)
		buf_add(out, s, n);
	else
		buf_add_str(out, "&lt;");
	return n <= MAX_ELEMENT_NAME ? n : 1;
}

void feeds_xml_repair(const char *text, size_t len, struct buf *out)
{
	const char *s = text, *end = text + len, *done = text;

	while (s < end) {
		const char *after;
		if (*s == '&') {
			buf_add(out, done, (size_t)(s - done));
			s += reference(s, end, out);
			done = s;
		} else if (*s != '<') {
			s++;
		} else if ((after = span(s, end, "<!--", "-->")) != NULL) {
			buf_add(out, done, (size_t)(s - done));
			keep_lines(s, after, out);
			done = s = after;
		} else {
			after = span(s, end, "<![CDATA[", "]]>");
			if (after == NULL) {
				buf_add(out, done, (size_t)(s - done));
				done = after = s + tag_start(s, end, out);
			}
			s = after;
		}
	}
	buf_add(out, done, (size_t)(end - done));
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

void feeds_xml_init(void)
{
	xmlInitParser();
}

xmlDocPtr feeds_xml_read(const char *text, size_t len, char *why, size_t why_size)
{
	/* Never NOENT, DTDLOAD or HUGE. */
	const int options = XML_PARSE_RECOVER | XML_PARSE_NONET | XML_PARSE_NOERROR |
			    XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
	struct reading r = {.why = why, .why_size = why_size};
	xmlParserCtxtPtr ctxt = xmlNewParserCtxt();
	xmlDocPtr doc;

	assert(ctxt != NULL);
	why[0] = '\0';
	ctxt->_private = &r;
	ctxt->sax->serror = on_error;
	ctxt->sax->entityDecl = ignore_entity;
	ctxt->sax->startElementNs = start_element;
	xmlDictSetLimit(ctxt->dict, MAX_NAME_BYTES);
	doc = xmlCtxtReadMemory(ctxt, text, (int)len, NULL, "UTF-8", options);
	xmlFreeParserCtxt(ctxt);
	return doc;
}
