/* SPDX-License-Identifier: MIT */
/* What a server may say while the password is proved: a challenge, another, and what comes with success, as lines. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_dup(data, size), *save = NULL, *line;
	const char *answer = NULL;
	struct secret password;
	struct xmpp_sasl *sasl;
	unsigned offer = 0;
	struct err e;

	secret_init(&password, "pencil", 6);
	xmpp_sasl_offer(&offer, "SCRAM-SHA-1");
	sasl = xmpp_sasl_new(offer, "user", &password, "abc");
	xmpp_sasl_begin(sasl);
	for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		if (xmpp_sasl_answer(sasl, line, &answer, &e) < 0)
			xmpp_sasl_finish(sasl, line, &e);
	xmpp_sasl_free(&sasl);
	secret_release(&password);
	mem_free(text);
	return 0;
}
