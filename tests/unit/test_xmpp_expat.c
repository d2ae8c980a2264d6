/* SPDX-License-Identifier: MIT */
/* libstrophe and expat as they are installed: foreign attributes do not count. */
#include "core/buf.h"
#include "core/err.h"
#include "platforms/xmpp/xmpp_expat.h"
#include "tests/unit/xmpp_rig.h"

static void test_check(void **state)
{
	struct err e = {0};

	UNUSED(state);
	if (xmpp_expat_check(&e) < 0)
		fail_msg("%s", e.text);
}

/* As Prosody delivered it, when bob@localhost/desk sent attributes of a namespace of his own. */
static void test_forged_sender(void **state)
{
	xmpp_stanza_t *s = rig_stanza(
		"<message xmlns='jabber:client' xmlns:ns1='urn:evil' ns1:id='zz' "
		"to='alice@localhost' "
		"type='chat' xml:lang='en' from='bob@localhost/desk' xmlns:ns2='urn:evil' "
		"ns2:from='carol@localhost/x'><body>forged?</body></message>");
	struct xmpp_read_news news;

	UNUSED(state);
	xmpp_read_stanza(s, &rig_self, &news);
	assert_string_equal(news.from, "bob@localhost/desk");
	assert_null(news.id);
	assert_string_equal(
		activity_actor_address(json_array_get(news.messages, 0)), "bob@localhost");
	xmpp_read_release(&news);
	xmpp_stanza_release(s);
}

/* The same with which a stranger would have changed the roster. */
static void test_forged_push(void **state)
{
	xmpp_stanza_t *s = rig_stanza(
		"<iq xmlns='jabber:client' id='p' type='set' from='eve@localhost/x' "
		"xmlns:x='urn:x' "
		"x:from='alice@localhost'><query xmlns='jabber:iq:roster'><item "
		"jid='bob@localhost' subscription='remove'/></query></iq>");
	struct xmpp_read_news news;

	UNUSED(state);
	xmpp_read_stanza(s, &rig_self, &news);
	assert_int_equal(news.kind, XMPP_READ_NOTHING);
	xmpp_read_release(&news);
	xmpp_stanza_release(s);
}

/* Inner elements, many attributes, and what is not foreign. */
static void test_others(void **state)
{
	xmpp_stanza_t *s = rig_stanza("<a xmlns='urn:a' xmlns:x='urn:a'><b x:c='1' d='2' x:d='3' "
				      "x:e='4' f='5' xml:lang='de' xml:base='6'/></a>");
	xmpp_stanza_t *b = xmpp_stanza_get_children(s);

	UNUSED(state);
	assert_string_equal(xmpp_stanza_get_attribute(b, "d"), "2");
	assert_string_equal(xmpp_stanza_get_attribute(b, "f"), "5");
	assert_string_equal(xmpp_stanza_get_attribute(b, "lang"), "de");
	assert_string_equal(xmpp_stanza_get_ns(b), "urn:a");
	assert_int_equal(xmpp_stanza_get_attribute_count(b), 4);
	xmpp_stanza_release(s);
}

static int levels(xmpp_stanza_t *s)
{
	xmpp_stanza_t *child = xmpp_stanza_get_children(s);

	return child != NULL ? 1 + levels(child) : 1;
}

/* A tree that is too deep becomes a flat one, not the end of the stack; what comes behind is as before. */
static void test_depth(void **state)
{
	struct buf b = BUF_INIT;
	xmpp_stanza_t *s;

	UNUSED(state);
	for (int i = 0; i < 200000; i++)
		buf_add_str(&b, "<a>");
	for (int i = 0; i < 199999; i++)
		buf_add_str(&b, "</a>");
	buf_add_str(&b, "<last/></a>");
	s = rig_stanza(buf_str(&b));
	assert_int_equal(levels(s), XMPP_EXPAT_DEPTH_MAX - 1);
	assert_non_null(xmpp_stanza_get_child_by_name(s, "last"));
	xmpp_stanza_release(s);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_forged_sender),
		cmocka_unit_test(test_forged_push),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
