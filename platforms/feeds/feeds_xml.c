/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_xml.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Elements and attributes of one document: about 40 MB of tree. */
#define MAX_NODES 250000
/* Bytes of distinct names. libxml2 compares each attribute of an element with all others; 580,000 distinct ones fit
 * into 5 MiB and keep it busy for minutes. A feed needs some 5 KiB of names. */
#define MAX_NAME_BYTES ((size_t)64 << 10)

struct reading {
	char *why;
	size_t why_size;
	unsigned nodes;
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

/* Keeps the first complaint, without its line break. Nothing goes to standard error. */
static void on_error(void *arg, xmlErrorPtr error)
{
	xmlParserCtxtPtr ctxt = arg;
	struct reading *r = ctxt->_private;
	size_t len = error->message != NULL ? strcspn(error->message, "\r\n") : 0;

	if (r->why[0] == '\0' && error->level >= XML_ERR_ERROR)
		snprintf(r->why, r->why_size, "line %d: %.*s", error->line, (int)MIN(len, 160),
			error->message != NULL ? error->message : "");
}

/* HTML's entities as text; those a document declares are unknown here, which ends every entity attack. In attribute
 * values libxml2 takes only the first byte of such a text, so there they are dropped. */
static xmlEntityPtr get_entity(void *arg, const xmlChar *name)
{
	static _Thread_local xmlEntity entity;
	static _Thread_local xmlChar text[8];
	xmlParserCtxtPtr ctxt = arg;
	const htmlEntityDesc *html = htmlEntityLookup(name);
	int len;

	if (html == NULL || ctxt->instate != XML_PARSER_CONTENT)
		return NULL;
	len = xmlCopyCharMultiByte(text, (int)html->value);
	text[len] = '\0';
	memset(&entity, 0, sizeof entity);
	entity.type = XML_ENTITY_DECL;
	entity.etype = XML_INTERNAL_PREDEFINED_ENTITY;
	entity.name = (const xmlChar *)html->name;
	entity.content = entity.orig = text;
	entity.length = len;
	return &entity;
}

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
static void start_element(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
	int n_ns, const xmlChar **ns, int n_attrs, int n_defaulted, const xmlChar **attrs)
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
	ctxt->sax->getEntity = get_entity;
	ctxt->sax->entityDecl = ignore_entity;
	ctxt->sax->startElementNs = start_element;
	xmlDictSetLimit(ctxt->dict, MAX_NAME_BYTES);
	doc = xmlCtxtReadMemory(ctxt, text, (int)len, NULL, "UTF-8", options);
	xmlFreeParserCtxt(ctxt);
	return doc;
}
