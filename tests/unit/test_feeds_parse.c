/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/mem.h"
#include "platforms/feeds/feeds_parse.h"

#define BASE "http://h.example.org/dir/feed"

static void read_file(const char *name, struct buf *out)
{
	char path[128];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "tests/data/feeds/%s", name);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s is not there", path);
	while ((n = fread(buf_reserve(out, 4096), 1, 4096, f)) > 0)
		buf_added(out, n);
	fclose(f);
}

static struct feed *parse_file(const char *name)
{
	struct buf b = BUF_INIT;
	struct feed *f = NULL;
	struct err e = {0};

	read_file(name, &b);
	if (feeds_parse(b.data, b.len, NULL, BASE, &f, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	buf_release(&b);
	return f;
}

static struct feed *parse(const char *text)
{
	struct feed *f = NULL;
	struct err e = {0};

	if (feeds_parse(text, strlen(text), NULL, BASE, &f, &e) < 0)
		fail_msg("%s", e.text);
	return f;
}

static void rss_2_with_its_namespaces(void **state)
{
	struct feed *f = parse_file("rss2.xml");
	const struct feed_entry *a = &f->entries[0], *b = &f->entries[1], *c = &f->entries[2];

	(void)state;
	assert_string_equal(f->title, "News & Views");
	assert_string_equal(f->link, "http://example.org/");
	assert_string_equal(f->description, "What happened");
	assert_string_equal(f->language, "en");
	assert_string_equal(f->author, "ann@example.org (Ann)");
	assert_string_equal(f->image_url, "http://h.example.org/logo.png");
	assert_string_equal(f->image_title, "Logo");
	assert_int_equal(f->tags.n, 2);
	assert_string_equal(f->tags.at[1], "local");
	assert_int_equal(f->n_entries, 3);

	assert_string_equal(a->title, "Third one");
	assert_string_equal(a->link, "http://redirect.example.org/3");
	assert_string_equal(a->orig_link, "http://example.org/3");
	assert_string_equal(a->id, "id-3");
	assert_int_equal(a->date_ms, 1383307200000);
	assert_string_equal(a->summary_html, "<p>Short &amp; sweet</p><script>alert(1)</script>");
	assert_string_equal(a->summary_text, "Short & sweet");
	assert_string_equal(
		a->content_html, "<h1>Long</h1><p>first&nbsp;line<br/>second &eacute;</p>");
	assert_string_equal(a->content_text, "Long\nfirst line\nsecond é");
	assert_string_equal(a->source_title, "Other");
	assert_string_equal(a->source_url, "http://other.example.org/rss");
	assert_int_equal(a->tags.n, 2);
	assert_string_equal(a->tags.at[0], "x");
	assert_string_equal(a->tags.at[1], "y");
	assert_int_equal(a->n_media, 4);
	assert_string_equal(a->media[0].url, "http://h.example.org/dir/a.mp3");
	assert_string_equal(a->media[0].type, "audio/mpeg");
	assert_string_equal(a->media[0].length, "1234");
	assert_string_equal(a->media[1].url, "http://example.org/v.mp4");
	assert_string_equal(a->media[1].length, "99");
	assert_string_equal(a->media[2].type, "image");

	assert_string_equal(b->link, "http://example.org/2");
	assert_int_equal(b->date_ms, 1383220800000);
	assert_string_equal(b->content_html, "");
	assert_string_equal(c->link, "http://h.example.org/dir/first.html");
	assert_string_equal(c->content_html, "only content");
	assert_int_equal(c->date_ms, 0);
	feed_unref(&f);
	assert_null(f);
}

static void rss_0_9x_and_1_0(void **state)
{
	struct feed *f = parse_file("rss091.xml");

	(void)state;
	assert_string_equal(f->entries[0].title, "One two © …");
	assert_string_equal(f->entries[0].summary_html, "café");
	feed_unref(&f);
	f = parse_file("rss090.xml");
	assert_string_equal(f->title, "Ninety");
	assert_string_equal(f->entries[0].link, "http://example.org/n1");
	feed_unref(&f);
	f = parse_file("rss10.xml");
	assert_string_equal(f->title, "RDF feed");
	assert_string_equal(f->author, "Bob");
	assert_string_equal(f->language, "de");
	assert_string_equal(f->image_title, "Pic");
	assert_int_equal(f->n_entries, 2);
	assert_string_equal(f->entries[0].summary_text, "text a");
	assert_int_equal(f->entries[0].date_ms, 1078012800000);
	assert_int_equal(f->entries[1].date_ms, 1078136400000);
	feed_unref(&f);
}

static void atom_1_0_and_0_3(void **state)
{
	struct feed *f = parse_file("atom10.xml");
	const struct feed_entry *a = &f->entries[0];

	(void)state;
	assert_string_equal(f->title, "A < B now");
	assert_string_equal(f->description, "sub");
	assert_string_equal(f->language, "fr");
	assert_string_equal(f->author, "Zoë");
	assert_string_equal(f->link, "http://example.org/blog/");
	assert_string_equal(f->image_url, "http://example.org/blog/logo.png");
	assert_string_equal(f->favicon, "http://example.org/blog/fav.ico");
	assert_int_equal(f->n_entries, 3);
	assert_string_equal(a->title, "x < y &amp; z"); /* type text: shown as it is */
	assert_string_equal(a->link, "http://example.org/blog/2013/post.html");
	assert_int_equal(a->date_ms, 1383307200500);
	assert_string_equal(a->summary_html, "1 &lt; 2 &amp; 3");
	assert_string_equal(a->summary_text, "1 < 2 & 3");
	assert_string_equal(
		a->content_html, "<p class=\"a\">Hi <b>you</b><br>there &amp; here</p>");
	assert_string_equal(a->content_text, "Hi you\nthere & here");
	assert_string_equal(a->media[0].url, "http://example.org/blog/2013/a.ogg");
	assert_string_equal(a->source_url, "http://origin.example.org/");
	assert_string_equal(a->tags.at[1], "t2");
	assert_string_equal(f->entries[1].link, "http://example.org/abs");
	assert_int_equal(f->entries[1].date_ms, 1380585600000); /* updated, for want of published */
	assert_string_equal(f->entries[2].media[0].type, "application/pdf");
	feed_unref(&f);
	f = parse_file("atom03.xml");
	assert_string_equal(f->description, "tag");
	assert_string_equal(f->entries[0].content_text, "bold");
	assert_int_equal(f->entries[0].date_ms, 1071318569000);
	feed_unref(&f);
}

static void encodings(void **state)
{
	static const struct {
		const char *file, *title;
	} cases[] = {{"latin1.xml", "café €"}, {"cp1252.xml", "“quoted”"},
		{"badutf8.xml", "bad é café"}, {"bom.xml", "bom é"}, {"utf16le.xml", "wide é"},
		{"koi8.xml", "Привет"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct feed *f = parse_file(cases[i].file);
		assert_string_equal(f->title, cases[i].title);
		assert_int_equal(f->n_entries, 1);
		feed_unref(&f);
	}
}

static void sloppy_documents_are_read(void **state)
{
	struct feed *f = parse_file("sloppy.xml");

	(void)state;
	assert_string_equal(f->entries[0].title, "Tom & Jerry x");
	assert_string_equal(f->entries[0].link, "http://e.org/?a=1&b=2");
	feed_unref(&f);
	f = parse_file("truncated.xml");
	assert_int_equal(f->n_entries, 2);
	assert_string_equal(f->entries[0].title, "Third one");
	feed_unref(&f);
	f = parse("<rss><channel><title>a</title><item><media:content url='http://e.org/m'/>"
		  "<dc:date>2013</dc:date><description><p>in <b>line</b></p></description></item>");
	assert_string_equal(f->entries[0].media[0].url, "http://e.org/m");
	assert_int_equal(f->entries[0].date_ms, 1356998400000);
	assert_string_equal(f->entries[0].summary_html, "<p>in <b>line</b></p>");
	feed_unref(&f);
	f = parse("<rss><channel><title><!-- x & y -->a<![CDATA[&amp; b]]></title><item>"
		  "<link href='?x=1&y=&eacute;'/></item></channel></rss>");
	assert_string_equal(f->title, "a& b");
	assert_string_equal(f->entries[0].link, "http://h.example.org/dir/feed?x=1&y=%C3%A9");
	feed_unref(&f);
}

static void a_guid_is_the_link_unless_it_denies(void **state)
{
	static const struct {
		const char *item, *link;
	} cases[] = {
		{"<guid>http://e.org/1</guid>", "http://e.org/1"},
		{"<guid isPermaLink='true'>http://e.org/1</guid>", "http://e.org/1"},
		{"<guid isPermaLink='false'>http://e.org/1</guid>", ""},
		{"<guid>1</guid>", ""},
		{"<guid>http://e.org/1</guid><link>http://e.org/2</link>", "http://e.org/2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = mem_printf(
			"<rss><channel><item>%s</item></channel></rss>", cases[i].item);
		struct feed *f = parse(text);
		assert_string_equal(f->entries[0].link, cases[i].link);
		feed_unref(&f);
		mem_free(text);
	}
}

static void what_is_no_feed_says_so(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "Error: Not a feed: the document is empty"},
		{"  \n ", "Error: Not a feed: the document is empty"},
		{"hello", "Error: Not a feed: line 1: Start tag expected, '<' not found"},
		{"\n\n{\"a\":1}", "Error: Not a feed: line 1: Start tag expected, '<' not found"},
		{"<?xml version='1.0'?><opml/>", "Error: Not a feed: the document is <opml>"},
		{"<rss><chan", "Error: Not a feed: line 1: "},
		{"<feed/>", "Error: Not a feed: the document is <feed>"},
	};
	struct feed *f = NULL;
	struct buf b = BUF_INIT;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = feeds_parse(cases[i].text, strlen(cases[i].text), NULL, NULL, &f, &e);
		assert_int_equal(rc, -ERR_REMOTE);
		if (strncmp(e.text, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("%s: %s", cases[i].text, e.text);
		assert_null(f);
	}
	read_file("page.html", &b);
	assert_true(feeds_parse(b.data, b.len, "text/html", BASE, &f, &e) < 0);
	assert_string_equal(e.text, "Error: Not a feed: the document is <html>");
	buf_release(&b);
	f = parse("<rss><channel/></rss>"); /* a feed, though an empty one */
	assert_int_equal(f->n_entries, 0);
	feed_unref(&f);
}

static void entities_of_the_document_stay_unknown(void **state)
{
	struct feed *f = parse_file("bomb.xml");

	(void)state;
	assert_string_equal(f->title, "bomb end");
	assert_true(feed_size(f) < 100000);
	feed_unref(&f);
	f = parse_file("external.xml");
	assert_string_equal(f->title, "t e");
	assert_string_equal(f->entries[0].summary_html, "");
	feed_unref(&f);
}

/* --- hostile documents that are made here ------------------------------------------------------------------------- */

/* `head`, n times `part` (with a number where it says %zu), `tail`. */
static void make(struct buf *b, const char *head, const char *part, size_t n, const char *tail)
{
	const char *number = strstr(part, "%zu");

	buf_add_str(b, head);
	for (size_t i = 0; i < n; i++) {
		if (number == NULL) {
			buf_add_str(b, part);
			continue;
		}
		buf_add(b, part, (size_t)(number - part));
		buf_printf(b, "%zu", i);
		buf_add_str(b, number + 3);
	}
	buf_add_str(b, tail);
}

#define HEAD "<rss><channel><title>x</title>"
#define TAIL "</channel></rss>"

/* Each of these took from seconds to minutes, or gigabytes, with plain libxml2. The bound leaves room for sanitizers
 * and a busy machine; the defects it is there for were far beyond it. */
static void hostile_documents_cost_little(void **state)
{
	static char name[40000], base[2000], longname[50000], longbase[2100];
	const struct {
		const char *what, *head, *part;
		size_t n;
		const char *tail;
	} cases[] = {
		{"depth", HEAD "<item>", "<a>", 100000, ""},
		{"nested feeds", "", "<rss>", 100000, ""},
		{"elements", HEAD, "<a/>", 1200000, TAIL},
		{"items", HEAD, "<item/>", 700000, TAIL},
		{"attributes", HEAD "<item ", "a%zu='' ", 400000, "/>" TAIL},
		{"prefixes", HEAD "<item ", "p%zu:a='' ", 400000, "/>" TAIL},
		{"namespaces", HEAD "<item ", "xmlns:p%zu='' ", 300000, "/>" TAIL},
		{"long name", longname, "p:a='' ", 600000, "/>" TAIL},
		{"comments", HEAD, "<!--", 1000000, TAIL},
		{"cdata", HEAD, "<![CDATA[", 500000, TAIL},
		{"less than", HEAD, "<", 5000000, TAIL},
		{"ampersands", HEAD "<item><title>", "&", 5000000, "</title></item>" TAIL},
		{"base", longbase, "<item><link>a</link></item>", 100000, TAIL},
		{"html attributes", HEAD "<item><description>&lt;a ", "a%zu=1 ", 400000,
			"></description></item>" TAIL},
		{"html tags", HEAD "<item><description>", "&lt;b>&lt;/p>", 300000,
			"</description></item>" TAIL},
		{"attlist", "<!DOCTYPE rss [", "<!ATTLIST item a%zu CDATA 'x'>", 100000,
			"]>" HEAD TAIL},
	};

	(void)state;
	memset(name, 'e', sizeof name - 1);
	memset(base, 'b', sizeof base - 1);
	snprintf(longname, sizeof longname, HEAD "<%s ", name);
	snprintf(longbase, sizeof longbase,
		"<rss xml:base='http://e.org/%s/'><channel><title>x</title>", base);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = BUF_INIT;
		struct feed *f = NULL;
		struct err e;
		clock_t begin, took;
		make(&b, cases[i].head, cases[i].part, cases[i].n, cases[i].tail);
		begin = clock();
		if (feeds_parse(b.data, b.len, NULL, BASE, &f, &e) == 0) {
			assert_true(feed_size(f) <= FEED_MAX_SIZE + ((size_t)2 << 20));
			assert_true(f->n_entries <= FEED_MAX_ENTRIES);
		}
		took = (clock() - begin) * 1000 / CLOCKS_PER_SEC;
		feed_unref(&f);
		buf_release(&b);
		if (took > 8000)
			fail_msg("%s: %ld ms", cases[i].what, (long)took);
	}
}

static void nothing_is_written_to_standard_error(void **state)
{
	char path[] = "/tmp/sockethub-test-XXXXXX";
	int fd = mkstemp(path), saved = dup(2);
	struct feed *f = NULL;
	off_t written;

	(void)state;
	assert_true(fd >= 0);
	dup2(fd, 2);
	if (feeds_parse("<rss>&x;<a b=1><", 16, NULL, NULL, &f, NULL) == 0)
		feed_unref(&f);
	dup2(saved, 2);
	written = lseek(fd, 0, SEEK_END);
	close(saved);
	close(fd);
	unlink(path);
	assert_int_equal(written, 0);
}

static void links_are_absolute_and_harmless(void **state)
{
	static const struct {
		const char *link, *expected;
	} cases[] = {
		{"http://a.org/x y", "http://a.org/x y"},
		{"/x", "http://h.example.org/x"},
		{"x", "http://h.example.org/dir/x"},
		{"x y", "http://h.example.org/dir/x%20y"},
		{"//a.org/x", "http://a.org/x"},
		{"?q", "http://h.example.org/dir/feed?q"},
		{"javascript:alert(1)", ""},
		{" JavaScript:alert(1)", ""},
		{"data:text/html,x", ""},
		{"vbscript:x", ""},
		{"mailto:a@b.org", "mailto:a@b.org"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = mem_printf(
			"<rss><channel><item><link>%s</link></item></channel></rss>",
			cases[i].link);
		struct feed *f = parse(text);
		assert_string_equal(f->entries[0].link, cases[i].expected);
		feed_unref(&f);
		mem_free(text);
	}
}

static void long_texts_are_cut_between_characters(void **state)
{
	struct buf b = BUF_INIT;
	struct feed *f = NULL;
	struct err e;
	json_t *s;

	(void)state;
	make(&b, "<rss><channel><title>x</title><item><description>a", "é", 300000,
		"</description></item>" TAIL);
	assert_int_equal(feeds_parse(b.data, b.len, NULL, NULL, &f, &e), 0);
	assert_int_equal(strlen(f->entries[0].summary_html), FEED_MAX_TEXT - 1);
	s = json_string(f->entries[0].summary_text);
	assert_non_null(s);
	json_decref(s);
	feed_unref(&f);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rss_2_with_its_namespaces),
		cmocka_unit_test(rss_0_9x_and_1_0),
		cmocka_unit_test(atom_1_0_and_0_3),
		cmocka_unit_test(encodings),
		cmocka_unit_test(sloppy_documents_are_read),
		cmocka_unit_test(a_guid_is_the_link_unless_it_denies),
		cmocka_unit_test(what_is_no_feed_says_so),
		cmocka_unit_test(entities_of_the_document_stay_unknown),
		cmocka_unit_test(hostile_documents_cost_little),
		cmocka_unit_test(nothing_is_written_to_standard_error),
		cmocka_unit_test(links_are_absolute_and_harmless),
		cmocka_unit_test(long_texts_are_cut_between_characters),
	};

	return cmocka_run_group_tests_name("feeds_parse", tests, NULL, NULL);
}
