/* SPDX-License-Identifier: MIT */
#include "core/mem.h"
#include "platforms/xmpp/xmpp_caps.h"
#include "platforms/xmpp/xmpp_write_iq.h"
#include "platforms/xmpp/xmpp_write_presence.h"
#include "platforms/xmpp/xmpp_xml.h"
#include "tests/unit/xmpp_rig.h"

/* XEP-0115, 5.2. */
static void test_example(void **state)
{
	static const char *const features[] = {"http://jabber.org/protocol/muc",
		"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/caps",
		"http://jabber.org/protocol/disco#items"};
	char hash[XMPP_CAPS_HASH_SIZE];

	UNUSED(state);
	xmpp_caps_hash("client/pc//Exodus 0.9.1", features, ARRAY_LEN(features), hash);
	assert_string_equal(hash, "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

/* What another client does with the answer (XEP-0115, 5.4). */
static void expect_hash(const xmpp_stanza_t *query, const char *ver)
{
	const xmpp_stanza_t *i = xmpp_xml_child(query, "identity", NULL);
	const xmpp_stanza_t *f = xmpp_xml_child(query, "feature", NULL);
	const char *features[64];
	char hash[XMPP_CAPS_HASH_SIZE], *identity;
	size_t n = 0;

	for (; f != NULL; f = xmpp_xml_next(f, "feature", NULL))
		features[n++] = xmpp_xml_attr(f, "var");
	identity = mem_printf("%s/%s//%s", xmpp_xml_attr(i, "category"), xmpp_xml_attr(i, "type"),
		xmpp_xml_attr(i, "name"));
	xmpp_caps_hash(identity, features, n, hash);
	assert_string_equal(hash, ver);
	mem_free(identity);
}

static void ask(const char *node, const char *ver)
{
	char *text = mem_printf("<iq type='get' id='d' from='bob@localhost/x'><query "
				"xmlns='http://jabber.org/protocol/disco#info'%s%s%s/></iq>",
		node != NULL ? " node='" : "", node != NULL ? node : "", node != NULL ? "'" : "");
	xmpp_stanza_t *iq = rig_stanza(text), *s = xmpp_write_iq_answer(iq, RIG_NOW);
	const xmpp_stanza_t *query = xmpp_xml_child(s, "query", NULL);

	assert_string_equal(xmpp_xml_attr(s, "type"), ver != NULL ? "result" : "error");
	if (ver != NULL) {
		expect_hash(query, ver);
		if (node != NULL)
			assert_string_equal(xmpp_xml_attr(query, "node"), node);
		else
			assert_null(xmpp_xml_attr(query, "node"));
	}
	xmpp_stanza_release(s);
	xmpp_stanza_release(iq);
	mem_free(text);
}

static void test_presence_and_answer_agree(void **state)
{
	xmpp_stanza_t *s = xmpp_write_presence(rig_ctx, NULL, NULL, NULL);
	const xmpp_stanza_t *c = xmpp_xml_child(s, "c", "http://jabber.org/protocol/caps");
	const char *ver = xmpp_xml_attr(c, "ver");
	char *node = mem_printf("%s#%s", xmpp_xml_attr(c, "node"), ver);

	UNUSED(state);
	assert_string_equal(xmpp_xml_attr(c, "hash"), "sha-1");
	ask(NULL, ver);
	ask(node, ver);
	ask(xmpp_xml_attr(c, "node"), NULL);
	ask("https://sockethub.org#", NULL);
	ask("other", NULL);
	mem_free(node);
	xmpp_stanza_release(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_presence_and_answer_agree),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
