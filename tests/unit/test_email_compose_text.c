/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <libxml/parser.h>

#include "platforms/email/email_compose_text.h"

static void html_becomes_text(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"plain", "plain"},
		{"a<br>b<br/>c", "a\nb\nc"},
		{"<p>a</p><p>b</p>", "a\n\nb"},
		{"<div>a</div><div>b</div>", "a\nb"},
		{"x <b> y</b>z  \n w", "x yz w"},
		{"<script>alert(1)</script>a<style>b{}</style>", "a"},
		{"&lt;p&gt; &uuml;&#8364;&nbsp;x", "<p> ü€\u00a0x"},
		{"<pre>a\n  b\n</pre>c", "a\n  b\n\nc"},
		{"<a href='http://x.org'>http://x.org</a>", "http://x.org"},
		{"see <a href='http://x.org'>this</a>.", "see this (http://x.org)."},
		{"<a href='javascript:alert(1)'>this</a>", "this"},
		{"<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"},
		{"<p>unclosed <i>tags", "unclosed tags"},
		{"<h1>t</h1>a<hr>b", "t\n\na\nb"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT;
		email_compose_text_of_html(&out, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(buf_str(&out), cases[i][1]);
		buf_release(&out);
	}
}

static void deep_html_is_survived(void **state)
{
	struct buf html = BUF_INIT, out = BUF_INIT;

	UNUSED(state);
	for (int i = 0; i < 100000; i++)
		buf_add_str(&html, "<div>");
	buf_add_str(&html, "x");
	email_compose_text_of_html(&out, html.data, html.len);
	assert_true(out.len < 1000);
	buf_release(&html);
	buf_release(&out);
}

static int set_up(void **state)
{
	UNUSED(state);
	xmlInitParser();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html_becomes_text),
		cmocka_unit_test(deep_html_is_survived),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
