/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_map.h"

#include <stdlib.h>
#include <string.h>

#include "core/activity.h"
#include "core/err.h"
#include "core/mem.h"
#include "platforms/feeds/feeds_date.h"

/* Beyond what a date can be; keeps a hostile real from overflowing the conversion. */
#define MAX_DATE_MS 8.64e15

/* --- options ---------------------------------------------------------------------------------------------------- */

/* A member, NULL when it is absent or says nothing: null, "", false. */
static const json_t *given(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	if (json_is_null(v) || json_is_false(v))
		return NULL;
	if (json_is_string(v) && json_string_length(v) == 0)
		return NULL;
	return v;
}

static int read_limit(const json_t *object, size_t *limit, struct err *e)
{
	const json_t *v = given(object, "limit");
	double n = v != NULL ? json_number_value(v) : 0;

	if (v != NULL && (!json_is_number(v) || n < 0))
		return err_set(e, ERR_INVALID, "limit has to be a number, 0 or more");
	*limit = n < 1 ? FEEDS_DEFAULT_LIMIT : (size_t)MIN(n, (double)FEEDS_MAX_LIMIT);
	return 0;
}

/* A date as string or milliseconds. 0 is no bound: that end of the feed. */
static int read_date(const json_t *v, const char *key, struct feeds_bound *b, struct err *e)
{
	double n = json_number_value(v);

	b->kind = BOUND_DATE;
	if (json_is_number(v) && n >= -MAX_DATE_MS && n <= MAX_DATE_MS)
		b->date_ms = (int64_t)n;
	else if (!json_is_string(v) || feeds_date_parse(json_string_value(v), &b->date_ms) < 0)
		return err_set(e, ERR_INVALID,
			"%s has to be a date: milliseconds since 1970, ISO 8601 or RFC 822", key);
	if (json_is_number(v) && b->date_ms == 0)
		b->kind = BOUND_NONE;
	return 0;
}

static int read_link(const json_t *v, const char *key, struct feeds_bound *b, struct err *e)
{
	if (!json_is_string(v))
		return err_set(e, ERR_INVALID, "%s has to be the link of an article", key);
	b->has_date = b->kind == BOUND_DATE;
	b->kind = BOUND_LINK;
	b->link = json_string_value(v);
	return 0;
}

/* "after" and "before" with the "property" they are about. */
static int read_range(const json_t *object, struct feeds_options *o, struct err *e)
{
	static const char *const keys[] = {"after", "before"};
	struct feeds_bound *bounds[] = {&o->after, &o->before};
	const json_t *property = given(object, "property");
	const char *name = property != NULL ? json_string_value(property) : "date";
	int by_date = name != NULL && strcmp(name, "date") == 0;

	if (name == NULL || (!by_date && strcmp(name, "link") != 0 && strcmp(name, "url") != 0))
		return err_set(e, ERR_INVALID, "property has to be date, link or url");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const json_t *v = given(object, keys[i]);
		int rc = 0;
		if (v != NULL)
			rc = by_date ? read_date(v, keys[i], bounds[i], e)
				     : read_link(v, keys[i], bounds[i], e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* "date" and "link", which "from" gives a direction. They do not replace what "after" and "before" said. */
static int read_start(const json_t *object, struct feeds_options *o, struct err *e)
{
	struct feeds_bound *side = o->newest_first ? &o->before : &o->after, bound = {0};
	const json_t *date = given(object, "date"), *link = given(object, "link");

	if (date != NULL && read_date(date, "date", &bound, e) < 0)
		return -(int)e->code;
	if (link != NULL && read_link(link, "link", &bound, e) < 0)
		return -(int)e->code;
	if (side->kind == BOUND_NONE)
		*side = bound;
	return 0;
}

int feeds_options_read(const json_t *object, struct feeds_options *o, struct err *e)
{
	const json_t *from = given(object, "from");
	const char *word = from != NULL ? json_string_value(from) : NULL;
	int rc;

	*o = (struct feeds_options){0};
	if (from != NULL &&
		(word == NULL || (strcmp(word, "after") != 0 && strcmp(word, "before") != 0)))
		return err_set(e, ERR_INVALID, "from has to be after or before");
	if ((rc = read_limit(object, &o->limit, e)) < 0 || (rc = read_range(object, o, e)) < 0)
		return rc;
	if (word != NULL)
		o->newest_first = strcmp(word, "before") == 0;
	else
		o->newest_first = given(object, "before") != NULL && given(object, "after") == NULL;
	return read_start(object, o, e);
}

/* --- selection -------------------------------------------------------------------------------------------------- */

/* Oldest first. Feeds list the newest first, so of equal dates (all, when undated) the later one is older. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct feed *f = arg;
	size_t i = *(const size_t *)a, j = *(const size_t *)b;
	int64_t x = f->entries[i].date_ms, y = f->entries[j].date_ms;

	if (x != y)
		return x < y ? -1 : 1;
	return i < j ? 1 : i > j ? -1 : 0;
}

static int has_link(const struct feed_entry *entry, const char *link)
{
	return strcmp(entry->link, link) == 0 || strcmp(entry->orig_link, link) == 0 ||
	       strcmp(entry->id, link) == 0;
}

/* The first position, in ascending order, whose date is above `ms`, or not below it when `or_equal`. */
static size_t position(const struct feed *f, const size_t *order, int64_t ms, int or_equal)
{
	size_t i = 0;

	while (i < f->n_entries) {
		int64_t date = f->entries[order[i]].date_ms;
		if (date > ms || (or_equal && date == ms))
			break;
		i++;
	}
	return i;
}

/* The positions [*lo, *hi) that lie inside the bound. A link no article has, and no date for it: nothing does. */
static void narrow(const struct feed *f, const size_t *order, const struct feeds_bound *b,
	int is_after, size_t range[2])
{
	size_t at = f->n_entries;

	if (b->kind == BOUND_NONE)
		return;
	if (b->kind == BOUND_LINK)
		for (at = 0; at < f->n_entries && !has_link(&f->entries[order[at]], b->link); at++)
			continue;
	if (b->kind == BOUND_LINK && at == f->n_entries && !b->has_date)
		range[0] = range[1];
	else if (at < f->n_entries)
		range[is_after ? 0 : 1] = is_after ? at + 1 : at;
	else if (is_after)
		range[0] = position(f, order, b->date_ms, 0);
	else
		range[1] = position(f, order, b->date_ms, 1);
}

void feeds_select(const struct feed *f, const struct feeds_options *o, struct feeds_selection *s)
{
	size_t *order = mem_array(f->n_entries, sizeof *order);
	size_t range[2] = {0, f->n_entries};

	for (size_t i = 0; i < f->n_entries; i++)
		order[i] = i;
	qsort_r(order, f->n_entries, sizeof *order, compare, (void *)f);
	narrow(f, order, &o->after, 1, range);
	narrow(f, order, &o->before, 0, range);
	s->n = range[1] > range[0] ? MIN(range[1] - range[0], o->limit) : 0;
	s->at = mem_array(s->n, sizeof *s->at);
	for (size_t i = 0; i < s->n; i++)
		s->at[i] = order[o->newest_first ? range[1] - 1 - i : range[0] + i];
	mem_free(order);
}

void feeds_selection_release(struct feeds_selection *s)
{
	mem_free(s->at);
	*s = (struct feeds_selection){NULL, 0};
}

/* --- messages --------------------------------------------------------------------------------------------------- */

static void put(json_t *o, const char *key, const char *value)
{
	json_object_set_new(o, key, json_string(value));
}

static json_t *strings(const struct feed_tags *tags)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tags->n; i++)
		json_array_append_new(list, json_string(tags->at[i]));
	return list;
}

/* {} or {first: a, second: b} */
static json_t *pair(const char *first, const char *a, const char *second, const char *b)
{
	json_t *o = json_object();

	if (*a != '\0' || *b != '\0') {
		put(o, first, a);
		put(o, second, b);
	}
	return o;
}

static json_t *channel(const struct feed *f, const char *url)
{
	json_t *o = json_object();

	put(o, "objectType", "feedChannel");
	put(o, "name", *f->title != '\0' ? f->title : url);
	put(o, "address", url);
	put(o, "description", f->description);
	json_object_set_new(o, "image",
		*f->image_url != '\0' ? pair("url", f->image_url, "title", f->image_title)
				      : json_object());
	put(o, "favicon", f->favicon);
	json_object_set_new(o, "categories", strings(&f->tags));
	put(o, "language", f->language);
	put(o, "author", f->author);
	return o;
}

static json_t *media(const struct feed_entry *entry)
{
	json_t *list = json_array();

	for (size_t i = 0; i < entry->n_media; i++) {
		json_t *o = json_object();
		put(o, "url", entry->media[i].url);
		put(o, "type", entry->media[i].type);
		put(o, "length", entry->media[i].length);
		json_array_append_new(list, o);
	}
	return list;
}

static void put_date(json_t *o, int64_t ms)
{
	char text[FEEDS_DATE_SIZE];

	feeds_date_format(ms, text);
	json_object_set_new(o, "date", ms != 0 ? json_string(text) : json_null());
	json_object_set_new(o, "datenum", json_integer(ms));
}

static json_t *article(const struct feed_entry *entry)
{
	int has_summary = *entry->summary_html != '\0', has_content = *entry->content_html != '\0';
	json_t *o = json_object();

	put(o, "objectType", "feedEntry");
	put(o, "title", entry->title);
	put_date(o, entry->date_ms);
	json_object_set_new(o, "tags", strings(&entry->tags));
	/* Classic clients know it so: the summary is the text, and "brief" is the full article. */
	put(o, "text", has_summary ? entry->summary_text : entry->content_text);
	put(o, "html", has_summary ? entry->summary_html : entry->content_html);
	put(o, "brief_text", has_content ? entry->content_text : entry->summary_text);
	put(o, "brief_html", has_content ? entry->content_html : entry->summary_html);
	put(o, "link", *entry->orig_link != '\0' ? entry->orig_link : entry->link);
	json_object_set_new(o, "media", media(entry));
	json_object_set_new(
		o, "source", pair("title", entry->source_title, "url", entry->source_url));
	return o;
}

json_t *feeds_message(
	const struct feed *f, const struct feed_entry *entry, const char *url, const char *reader)
{
	json_t *target = json_array(), *to = json_object();

	put(to, "address", reader);
	json_array_append_new(target, to);
	return activity_message("post", channel(f, url), target, article(entry));
}

json_t *feeds_summary(const struct feed *f)
{
	json_t *o = json_object(), *links = json_array();

	for (size_t i = 0; i < f->n_entries && i < FEEDS_MAX_LIMIT; i++)
		json_array_append_new(links, json_string(f->entries[i].link));
	json_object_set_new(o, "totalArticles", json_integer((json_int_t)f->n_entries));
	json_object_set_new(o, "articleLinks", links);
	return o;
}
