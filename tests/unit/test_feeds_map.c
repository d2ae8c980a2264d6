/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "platforms/feeds/feeds_map.h"

/* Entries a..h in feed order, newest first, d1 twice; g and h are undated. Dates are days: 7, 6, 5, 5, 3, 2. */
#define DAY_MS 86400000LL

static struct feed *sample(size_t n)
{
	static const int days[] = {7, 6, 5, 5, 3, 2, 0, 0};
	struct feed *f = feed_new();

	f->entries = feed_alloc(f, n * sizeof *f->entries);
	f->n_entries = n;
	for (size_t i = 0; i < n; i++) {
		struct feed_entry *e = &f->entries[i];
		char name[16];
		snprintf(name, sizeof name, "%c", (int)('a' + i % 26));
		*e = (struct feed_entry){
			"", "", "", "", 0, "", "", "", "", "", "", {NULL, 0}, NULL, 0};
		e->link = feed_copy(f, name, strlen(name));
		snprintf(name, sizeof name, "o%c", (int)('a' + i % 26));
		e->orig_link = feed_copy(f, name, strlen(name));
		snprintf(name, sizeof name, "id%c", (int)('a' + i % 26));
		e->id = feed_copy(f, name, strlen(name));
		e->date_ms = i < ARRAY_LEN(days) ? days[i] * DAY_MS : 0;
	}
	return f;
}

/* The links of what is selected, as one string. */
static void selected(const struct feed *f, const char *object, char out[128])
{
	json_t *json = json_loads(object, JSON_REJECT_DUPLICATES, NULL);
	struct feeds_options o;
	struct feeds_selection s;
	struct err e;

	assert_non_null(json);
	if (feeds_options_read(json, &o, &e) < 0)
		fail_msg("%s: %s", object, e.text);
	feeds_select(f, &o, &s);
	out[0] = '\0';
	for (size_t i = 0; i < s.n && i < 100; i++)
		strcat(out, f->entries[s.at[i]].link);
	feeds_selection_release(&s);
	assert_null(s.at);
	json_decref(json);
}

/* A row here for each row of docs/platforms/feeds.md. */
static const struct {
	const char *object, *links;
} selections[] = {
	/* ends and order */
	{"{}", "hgfedcba"},
	{"{'from':'after'}", "hgfedcba"},
	{"{'from':'before'}", "abcdefgh"},
	{"{'from':'after','date':0}", "hgfedcba"},
	{"{'from':'before','date':0}", "abcdefgh"},
	{"{'date':null,'link':null,'limit':null,'from':null,'property':null,'after':null,'"
	 "before':null}",
		"hgfedcba"},
	{"{'date':'','link':'','from':'','property':'','after':'','before':''}", "hgfedcba"},
	{"{'date':false,'link':false}", "hgfedcba"},
	/* limit */
	{"{'limit':1}", "h"},
	{"{'limit':3}", "hgf"},
	{"{'limit':0}", "hgfedcba"},
	{"{'limit':2.9}", "hg"},
	{"{'limit':100000000000000000}", "hgfedcba"},
	{"{'limit':2,'from':'before'}", "ab"},
	/* date */
	{"{'date':432000000}", "ba"},
	{"{'date':432000000.5}", "ba"},
	{"{'date':432000001}", "ba"},
	{"{'date':431999999}", "dcba"},
	{"{'date':'1970-01-06'}", "ba"},
	{"{'date':'Tue, 06 Jan 1970 00:00:00 GMT'}", "ba"},
	{"{'date':432000000,'from':'before'}", "efgh"},
	{"{'date':432000001,'from':'before'}", "cdefgh"},
	{"{'date':1}", "fedcba"},
	{"{'date':99999999999}", ""},
	{"{'date':-1}", "hgfedcba"},
	{"{'date':1,'from':'before'}", "gh"},
	/* link */
	{"{'link':'d'}", "cba"},
	{"{'link':'c'}", "ba"},
	{"{'link':'a'}", ""},
	{"{'link':'h'}", "gfedcba"},
	{"{'link':'c','from':'before'}", "defgh"},
	{"{'link':'h','from':'before'}", ""},
	{"{'link':'oc'}", "ba"},
	{"{'link':'idc'}", "ba"},
	{"{'link':'c','limit':1}", "b"},
	{"{'link':'gone'}", ""},
	{"{'link':'gone','from':'before'}", ""},
	{"{'link':'gone','date':432000000}", "ba"},
	{"{'link':'gone','date':432000000,'from':'before'}", "efgh"},
	{"{'link':'e','date':432000000}", "dcba"},
	/* property, after, before */
	{"{'property':'date','after':432000000}", "ba"},
	{"{'property':'date','before':432000000}", "efgh"},
	{"{'after':'1970-01-06'}", "ba"},
	{"{'before':432000000,'limit':1}", "e"},
	{"{'property':'date','after':0}", "hgfedcba"},
	{"{'property':'date','before':0}", "abcdefgh"},
	{"{'property':'link','after':'d'}", "cba"},
	{"{'property':'url','after':'d'}", "cba"},
	{"{'property':'link','before':'c'}", "defgh"},
	{"{'property':'link','before':'c','from':'after'}", "hgfed"},
	{"{'property':'link','after':'e','from':'before'}", "abcd"},
	{"{'property':'link','after':'f','before':'b'}", "edc"},
	{"{'property':'link','after':'f','before':'b','from':'before'}", "cde"},
	{"{'property':'link','after':'b','before':'f'}", ""},
	{"{'property':'link','after':'gone'}", ""},
	{"{'after':172800000,'before':604800000}", "edcb"},
	/* both generations: after and before win on their side */
	{"{'after':172800000,'date':432000000}", "edcba"},
	{"{'before':604800000,'date':432000000,'from':'after'}", "b"},
	{"{'property':'link'}", "hgfedcba"},
};

static void options_select(void **state)
{
	struct feed *f = sample(8);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(selections); i++) {
		char object[256], links[128];
		snprintf(object, sizeof object, "%s", selections[i].object);
		for (char *c = object; *c != '\0'; c++)
			if (*c == '\'')
				*c = '"';
		selected(f, object, links);
		if (strcmp(links, selections[i].links) != 0)
			fail_msg(
				"%s: \"%s\" instead of \"%s\"", object, links, selections[i].links);
	}
	feed_unref(&f);
}

static void limits_have_a_default_and_a_bound(void **state)
{
	static const struct {
		const char *object;
		size_t limit;
	} cases[] = {{"{}", 10}, {"{\"limit\":0}", 10}, {"{\"limit\":0.5}", 10},
		{"{\"limit\":11}", 11}, {"{\"limit\":1000}", 1000}, {"{\"limit\":1001}", 1000},
		{"{\"limit\":1e300}", 1000}};
	struct feeds_options o;
	struct feeds_selection s;
	struct feed *f = sample(1200);
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *object = json_loads(cases[i].object, 0, NULL);
		assert_int_equal(feeds_options_read(object, &o, &e), 0);
		assert_int_equal(o.limit, cases[i].limit);
		feeds_select(f, &o, &s);
		assert_int_equal(s.n, cases[i].limit);
		feeds_selection_release(&s);
		json_decref(object);
	}
	feed_unref(&f);
	f = sample(0);
	feeds_select(f, &o, &s);
	assert_int_equal(s.n, 0);
	feeds_selection_release(&s);
	feed_unref(&f);
}

static void unusable_options_name_the_key(void **state)
{
	static const struct {
		const char *object, *key;
	} cases[] = {{"{\"limit\":-1}", "limit"}, {"{\"limit\":\"5\"}", "limit"},
		{"{\"limit\":[]}", "limit"}, {"{\"from\":\"since\"}", "from"},
		{"{\"from\":1}", "from"}, {"{\"date\":\"soon\"}", "date"},
		{"{\"date\":1e300}", "date"}, {"{\"date\":{}}", "date"},
		{"{\"date\":true}", "date"}, {"{\"link\":5}", "link"},
		{"{\"property\":\"title\"}", "property"}, {"{\"property\":1}", "property"},
		{"{\"after\":\"http://e.org/1\"}", "after"}, {"{\"before\":\"x\"}", "before"},
		{"{\"property\":\"link\",\"after\":5}", "after"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *object = json_loads(cases[i].object, 0, NULL);
		struct feeds_options o;
		struct err e = {0};
		assert_int_equal(feeds_options_read(object, &o, &e), -ERR_INVALID);
		if (strncmp(e.text, cases[i].key, strlen(cases[i].key)) != 0)
			fail_msg("%s: %s", cases[i].object, e.text);
		json_decref(object);
	}
}

static void is_json(json_t *value, const char *expected)
{
	char *text = json_dumps(value, JSON_COMPACT);

	assert_string_equal(text, expected);
	free(text);
	json_decref(value);
}

static void a_full_article_is_as_in_the_reference(void **state)
{
	struct feed *f = sample(1);
	struct feed_entry *e = f->entries;
	const char *tags[] = {"x"};
	struct feed_media media[] = {{"http://e.org/a.mp3", "audio/mpeg", "5"}};

	(void)state;
	f->title = "News";
	f->description = "d";
	f->language = "en";
	f->author = "Ann";
	f->favicon = "f.ico";
	f->image_url = "i.png";
	f->image_title = "I";
	f->tags = (struct feed_tags){tags, 1};
	*e = (struct feed_entry){"T", "http://e.org/r", "http://e.org/1", "id", 1383307200000,
		"<p>s</p>", "s", "<p>c</p>", "c", "S", "http://s.org/", {tags, 1}, media, 1};
	is_json(feeds_message(f, e, "http://example.org/rss", "ann@example.org"),
		"{\"actor\":{\"objectType\":\"feedChannel\",\"name\":\"News\",\"address\":\"http://"
		"example.org/"
		"rss\",\"description\":\"d\",\"image\":{\"url\":\"i.png\",\"title\":\"I\"},"
		"\"favicon\":\"f.ico\","
		"\"categories\":[\"x\"],\"language\":\"en\",\"author\":\"Ann\"},\"target\":[{"
		"\"address\":\"ann@"
		"example.org\"}],\"status\":true,\"verb\":\"post\",\"object\":{\"objectType\":"
		"\"feedEntry\","
		"\"title\":\"T\",\"date\":\"2013-11-01T12:00:00.000Z\",\"datenum\":1383307200000,"
		"\"tags\":["
		"\"x\"],\"text\":\"s\",\"html\":\"<p>s</"
		"p>\",\"brief_text\":\"c\",\"brief_html\":\"<p>c</p>\","
		"\"link\":\"http://e.org/1\",\"media\":[{\"url\":\"http://e.org/"
		"a.mp3\",\"type\":\"audio/mpeg\","
		"\"length\":\"5\"}],\"source\":{\"title\":\"S\",\"url\":\"http://s.org/\"}}}");
	is_json(feeds_summary(f), "{\"totalArticles\":1,\"articleLinks\":[\"http://e.org/r\"]}");
	feed_unref(&f);
}

static void an_empty_article_has_all_members(void **state)
{
	struct feed *f = sample(1);

	(void)state;
	f->entries[0].link = f->entries[0].orig_link = f->entries[0].id = "";
	f->entries[0].date_ms = 0;
	is_json(feeds_message(f, f->entries, "u", "ann"),
		"{\"actor\":{\"objectType\":\"feedChannel\",\"name\":\"u\",\"address\":\"u\","
		"\"description\":\"\","
		"\"image\":{},\"favicon\":\"\",\"categories\":[],\"language\":\"\",\"author\":\"\"}"
		",\"target\":[{"
		"\"address\":\"ann\"}],\"status\":true,\"verb\":\"post\",\"object\":{"
		"\"objectType\":\"feedEntry\","
		"\"title\":\"\",\"date\":null,\"datenum\":0,\"tags\":[],\"text\":\"\",\"html\":"
		"\"\",\"brief_text\":"
		"\"\",\"brief_html\":\"\",\"link\":\"\",\"media\":[],\"source\":{}}}");
	feed_unref(&f);
}

static void one_text_stands_for_the_other(void **state)
{
	static const char *const keys[] = {"text", "html", "brief_text", "brief_html"};
	struct feed *f = sample(1);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct feed_entry *e = f->entries;
		const char *expected[] = {"t", "<t>", "t", "<t>"};
		json_t *m;
		e->summary_html = i == 0 ? "<t>" : "";
		e->summary_text = i == 0 ? "t" : "";
		e->content_html = i == 1 ? "<t>" : "";
		e->content_text = i == 1 ? "t" : "";
		m = feeds_message(f, e, "u", "ann");
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			assert_string_equal(json_string_value(json_object_get(
						    json_object_get(m, "object"), keys[k])),
				expected[k]);
		json_decref(m);
	}
	feed_unref(&f);
}

static void the_summary_is_of_the_whole_feed_and_bounded(void **state)
{
	struct feed *f = sample(1200);
	json_t *o = feeds_summary(f);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(o, "totalArticles")), 1200);
	assert_int_equal(json_array_size(json_object_get(o, "articleLinks")), 1000);
	json_decref(o);
	feed_unref(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_select),
		cmocka_unit_test(limits_have_a_default_and_a_bound),
		cmocka_unit_test(unusable_options_name_the_key),
		cmocka_unit_test(a_full_article_is_as_in_the_reference),
		cmocka_unit_test(an_empty_article_has_all_members),
		cmocka_unit_test(one_text_stands_for_the_other),
		cmocka_unit_test(the_summary_is_of_the_whole_feed_and_bounded),
	};

	return cmocka_run_group_tests_name("feeds_map", tests, NULL, NULL);
}
