/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "platforms/feeds/feeds_html.h"

static void html_becomes_text(void **state)
{
	static const struct {
		const char *html, *text;
	} cases[] = {
		{"", ""},
		{"  plain \n text ", "plain text"},
		{"a<br>b<br/>c", "a\nb\nc"},
		{"<p>one</p>\n\n<p>two</p>", "one\ntwo"},
		{"<ul><li>a<li>b</ul>c", "a\nb\nc"},
		{"a<b>b</b>c", "abc"},
		{"<td>a</td><td>b</td>", "a b"},
		{"x<script>if (a<b) '</p>'</script>y", "xy"},
		{"x<STYLE>p{}</sTyLe >y", "xy"},
		{"x<script>never closed", "x"},
		{"x<!-- <b> -- > -->y", "xy"},
		{"x<!-- open", "x"},
		{"<a title='>'href=\"<b>\">t</a>", "t"},
		{"<a title = \">\" >t</a>", "t"},
		{"<img alt=\"open>t", ""},
		{"it's 1 < 2 & 3 > 2", "it's 1 < 2 & 3 > 2"},
		{"&lt;b&gt; &amp;amp; &eacute;&#233;&#xE9;", "<b> &amp; ééé"},
		{"&nbsp;a&nbsp;\xC2\xA0 b", "a b"},
		{"&unknown; &#; &#x; &#xZZ; &", "&unknown; &#; &#x; &#xZZ; &"},
		{"a&#0;&#1;&#xD800;&#x110000;&#99999999;&#x85;b", "ab"},
		{"<", "<"},
		{"</", ""},
		{"<1>", "<1>"},
		{"a<?php x ?>b", "ab"},
		{"a</>b", "ab"},
		{"<o:p>x</o:p>", "x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT;
		feeds_html_to_text(cases[i].html, strlen(cases[i].html), &out);
		if (strcmp(buf_str(&out), cases[i].text) != 0)
			fail_msg("%s: got \"%s\"", cases[i].html, buf_str(&out));
		buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(html_becomes_text)};

	return cmocka_run_group_tests_name("feeds_html", tests, NULL, NULL);
}
