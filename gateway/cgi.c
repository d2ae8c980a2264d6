/* SPDX-License-Identifier: MIT */
#include "gateway/cgi.h"

#include <ctype.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"

#define LENGTH_DIGITS_MAX 15

static const char *const kept[] = {"CONTENT_LENGTH", "CONTENT_TYPE", "REQUEST_METHOD",
	"REQUEST_URI", "QUERY_STRING", "SCRIPT_NAME", "PATH_INFO"};

static const struct {
	int status;
	const char *reason;
} reasons[] = {{200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
	{301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
	{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
	{405, "Method Not Allowed"}, {406, "Not Acceptable"}, {408, "Request Timeout"},
	{411, "Length Required"}, {413, "Content Too Large"}, {415, "Unsupported Media Type"},
	{426, "Upgrade Required"}, {429, "Too Many Requests"}, {500, "Internal Server Error"},
	{501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
	{504, "Gateway Timeout"}};

static int is_kept(const char *name, size_t len)
{
	if (len > 5 && memcmp(name, "HTTP_", 5) == 0)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (strlen(kept[i]) == len && memcmp(name, kept[i], len) == 0)
			return 1;
	return 0;
}

/* The first of that name wins, so that a variable cannot be replaced by a later one. */
static const char *find(const struct cgi_request *r, const char *name)
{
	size_t len = strlen(name);

	for (size_t at = 0; at < r->variables.len;) {
		const char *v = r->variables.data + at;
		if (strncmp(v, name, len) == 0 && v[len] == '=')
			return v + len + 1;
		at += strlen(v) + 1;
	}
	return NULL;
}

static const char *text(const struct cgi_request *r, const char *name)
{
	const char *value = find(r, name);

	return value != NULL ? value : "";
}

static int parse_length(const char *s, long long *out)
{
	size_t len = strlen(s);
	long long n = 0;

	*out = CGI_LENGTH_UNKNOWN;
	if (len == 0) /* what servers send for a request without a body */
		return 0;
	if (len > LENGTH_DIGITS_MAX || strspn(s, "0123456789") != len)
		return 400;
	for (; *s != '\0'; s++)
		n = n * 10 + (*s - '0');
	*out = n;
	return 0;
}

/* SCRIPT_NAME and PATH_INFO come decoded: what must not stand in a path is encoded again. */
static void put_encoded(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		if (isalnum(c) || strchr("/-._~!$&'()*+,;=:@", c) != NULL)
			buf_add_char(out, *s);
		else
			buf_printf(out, "%%%02X", c);
	}
}

static char *make_target(const struct cgi_request *r)
{
	const char *uri = text(r, "REQUEST_URI");
	struct buf b = BUF_INIT;

	if (*uri != '\0') {
		buf_add_str(&b, uri);
	} else {
		put_encoded(&b, text(r, "SCRIPT_NAME"));
		put_encoded(&b, text(r, "PATH_INFO"));
	}
	return buf_take(&b);
}

static int is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= 0x20 || *s == 0x7f)
			return 0;
	return 1;
}

static int parse_target(struct cgi_request *r)
{
	r->target = make_target(r);
	r->target[strcspn(r->target, "#")] = '\0';
	char *mark = strchr(r->target, '?');
	if (mark != NULL)
		*mark = '\0';
	r->query = mark != NULL ? mark + 1 : text(r, "QUERY_STRING");
	if (r->target[0] != '/' || !is_printable(r->target) || !is_printable(r->query)) {
		r->query = "";
		return 400;
	}
	r->path = r->target;
	return 0;
}

void cgi_request_init(struct cgi_request *r)
{
	*r = (struct cgi_request){.method = HTTP_OTHER,
		.path = "/",
		.query = "",
		.content_length = CGI_LENGTH_UNKNOWN};
}

int cgi_request_add(struct cgi_request *r, const char *name, size_t name_len, const char *value,
	size_t value_len)
{
	if (!is_kept(name, name_len))
		return 0;
	/* What hides behind a NUL, or in a name with '=', is nobody's header. */
	if (memchr(name, '\0', name_len) != NULL || memchr(name, '=', name_len) != NULL ||
		memchr(value, '\0', value_len) != NULL)
		return 0;
	if (r->variables.len + name_len + value_len + 2 > CGI_VARIABLES_MAX)
		return -1;
	buf_add(&r->variables, name, name_len);
	buf_add_char(&r->variables, '=');
	buf_add(&r->variables, value, value_len);
	buf_add_char(&r->variables, '\0');
	return 0;
}

int cgi_request_parse(struct cgi_request *r)
{
	const char *method = text(r, "REQUEST_METHOD");

	r->method = exchange_method(method);
	if (parse_target(r) != 0 || *method == '\0')
		refused = 400;
	return refused;
}

void cgi_request_release(struct cgi_request *r)
{
	mem_free(r->target);
	buf_release(&r->variables);
	cgi_request_init(r);
}

const char *cgi_request_header(const struct cgi_request *r, const char *name)
{
	char variable[80] = "HTTP_";
	size_t at = 5;

	if (strlen(name) >= sizeof(variable) - at)
		return NULL;
	for (; *name != '\0'; name++)
		variable[at++] = (char)(*name == '-' ? '_' : toupper((unsigned char)*name));
	if (strcmp(variable, "HTTP_CONTENT_TYPE") == 0 ||
		strcmp(variable, "HTTP_CONTENT_LENGTH") == 0) {
		const char *value = find(r, variable + 5);
		return value != NULL && *value != '\0' ? value : NULL;
	}
	return find(r, variable);
}

static const char *reason_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

void cgi_put_head(
	struct buf *out, int status, const struct http_header *headers, long long content_length)
{
	buf_printf(out, "Status: %d %s\r\n", status, reason_of(status));
	for (; headers->name != NULL; headers++) {
		if (headers->name[strcspn(headers->name, ": \r\n")] != '\0' ||
			headers->value[strcspn(headers->value, "\r\n")] != '\0') {
			log_event(LOG_ERROR, "cgi.header_dropped", LOG_STR("name", headers->name));
			continue;
		}
		buf_printf(out, "%s: %s\r\n", headers->name, headers->value);
	}
	if (content_length >= 0)
		buf_printf(out, "Content-Length: %lld\r\n", content_length);
	buf_add_str(out, "\r\n");
}
