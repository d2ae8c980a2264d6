/* SPDX-License-Identifier: MIT */
/* What a client may want to have sent: the input is an activity in JSON. Whatever becomes a mail has only header fields of
 * ours, and an envelope that fits into the dialogue. */
#include <gmime/gmime.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/json.h"
#include "platforms/email/email_compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each line of the header begins one of these fields or continues one. */
static void check_header(const char *at)
{
	static const char *const fields[] = {"Date:", "From:", "To:", "Cc:", "Reply-To:",
		"Subject:", "In-Reply-To:", "References:", "Message-Id:", "MIME-Version:",
		"Content-Type:", "Content-Transfer-Encoding:", " ", "\t"};
	const char *end = strstr(at, "\r\n\r\n");

	assert(end != NULL);
	for (; at <= end; at = strstr(at, "\r\n") + 2) {
		size_t i = 0;
		while (i < ARRAY_LEN(fields) && strncasecmp(at, fields[i], strlen(fields[i])) != 0)
			i++;
		assert(i < ARRAY_LEN(fields));
	}
}

static void check(const struct email_compose_mail *mail)
{
	assert(strlen(mail->bytes.data) == mail->bytes.len && mail->n_to > 0);
	check_header(mail->bytes.data);
	for (size_t i = 0; i < mail->n_to; i++)
		assert(strlen(mail->to[i]) < 256 && strpbrk(mail->to[i], "\r\n <>") == NULL);
	assert(strpbrk(mail->from, "\r\n <>") == NULL && strchr(mail->from, '@') != NULL);
	assert(strpbrk(mail->message_id, "\r\n ") == NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	UNUSED(argc);
	UNUSED(argv);
	json_setup();
	g_mime_init();
	xmlInitParser();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct email_compose_limits limits = {1 << 20, 20, 5};
	struct email_compose_mail mail;
	struct err e;
	json_t *activity = json_read((const char *)data, size, 32, &e);

	if (activity != NULL && email_compose(activity, &limits, NULL, &mail, &e) == 0) {
		check(&mail);
		email_compose_release(&mail);
	}
	json_decref(activity);
	return 0;
}
