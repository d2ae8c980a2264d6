/* SPDX-License-Identifier: MIT */
#include "control/validate.h"

#include "core/buf.h"
#include "core/mem.h"
#include "schema/schema.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_REFS 32

enum exit_code { EXIT_VALID = 0, EXIT_INVALID = 1, EXIT_UNUSABLE = 2 };

struct ref { /* URIs that start with `base` are files below `dir` */
	const char *base;
	char dir[PATH_MAX];
};

struct validate {
	enum schema_draft draft;
	unsigned flags;
	struct ref refs[MAX_REFS];
	size_t n_refs;
};

static const char help[] =
	"Usage: sockethubctl validate [OPTION]... SCHEMA.json INSTANCE.json...\n"
	"Check JSON files against a JSON Schema (draft 2020-12 or draft 7).\n"
	"\n"
	"  --draft 7|2020-12   the draft of a schema that does not say ($schema); default 2020-12\n"
	"  --ref BASE=DIR      references to URIs below BASE lead to files below DIR, with or\n"
	"                      without .json; may be given several times; nothing is fetched\n"
	"  --assert-format     texts have to be of the format the schema names\n"
	"  --help              this text\n"
	"\n"
	"Prints for each instance \"FILE: valid\" or \"FILE: invalid: WHERE: WHY\".\n"
	"Exit code: 0 all valid, 1 some invalid, 2 a schema, file or option is unusable.\n";

/* ---- references to files */

/* The path a URI has below a base; NULL when it is not below, or climbs out. GIVES. */
static char *path_below(const struct ref *ref, const char *uri)
{
	size_t len = strlen(ref->base);
	struct buf path = BUF_INIT;

	if (strncmp(uri, ref->base, len) != 0)
		return NULL;
	const char *rest = uri + len;
	if (len > 0 && ref->base[len - 1] != '/' && *rest++ != '/')
		return NULL;
	while (*rest != '\0') {
		unsigned byte = (unsigned char)*rest++;
		if (byte == '%') {
			char hex[3] = {rest[0], rest[0] != '\0' ? rest[1] : '\0', '\0'};
			char *end;
			byte = (unsigned)strtoul(hex, &end, 16);
			if (strspn(hex, "0123456789abcdefABCDEF") != 2 || byte == 0)
				goto refuse;
			rest += 2;
		}
		buf_add_char(&path, (char)byte);
	}
	/* Symbolic links are looked at later; here the plain attempts end. */
	if (path.len == 0 || *path.data == '/' || strstr(path.data, "..") != NULL)
		goto refuse;
	return buf_take(&path);
refuse:
	buf_release(&path);
	return NULL;
}

/* Load DIR/path and suffix; NULL in `*doc` when there is no such regular file inside DIR. */
static int load_below(
	const struct ref *ref, const char *path, const char *suffix, json_t **doc, struct err *e)
{
	char *wanted = mem_printf("%s/%s%s", ref->dir, path, suffix);
	char real[PATH_MAX];
	struct stat st;
	json_error_t why;
	size_t len = strlen(ref->dir);
	int rc = 0;

	bool inside = realpath(wanted, real) != NULL && strncmp(real, ref->dir, len) == 0 &&
		      (real[len] == '/' || strcmp(ref->dir, "/") == 0);
	mem_free(wanted);
	if (!inside || stat(real, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	*doc = json_load_file(
		real, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &why);
	if (*doc == NULL)
		rc = err_set(e, ERR_CONFIG, "%s: line %d: %s", real, why.line, why.text);
	return rc;
}

static int resolve(void *arg, const char *uri, json_t **doc, struct err *e)
{
	struct validate *v = arg;
	int rc = 0;

	for (size_t i = 0; i < v->n_refs && rc == 0 && *doc == NULL; i++) {
		char *path = path_below(&v->refs[i], uri);
		if (path == NULL)
			continue;
		rc = load_below(&v->refs[i], path, "", doc, e);
		if (rc == 0 && *doc == NULL)
			rc = load_below(&v->refs[i], path, ".json", doc, e);
		mem_free(path);
	}
	return rc;
}

/* ---- options */

static int option_draft(struct validate *v, const char *text)
{
	if (strcmp(text, "7") != 0 && strcmp(text, "2020-12") != 0) {
		fprintf(stderr, "validate: --draft is 7 or 2020-12, not %s\n", text);
		return -1;
	}
	v->draft = text[0] == '7' ? SCHEMA_DRAFT_7 : SCHEMA_DRAFT_2020_12;
	return 0;
}

/* Cuts the option's text in two; BASE has no '=' unless DIR would not exist otherwise: the last
 * one counts. */
static int option_ref(struct validate *v, char *text)
{
	char *sign = strrchr(text, '=');

	if (sign == NULL || sign == text || v->n_refs == MAX_REFS) {
		fprintf(stderr, "validate: --ref wants BASE=DIR, at most %d times\n", MAX_REFS);
		return -1;
	}
	struct ref *ref = &v->refs[v->n_refs++];
	*sign = '\0';
	ref->base = text;
	if (realpath(sign + 1, ref->dir) == NULL) {
		fprintf(stderr, "validate: %s: %s\n", sign + 1, strerror(errno));
		return -1;
	}
	return 0;
}

/* Gives 0, 1 when help was asked for, -1 when an option is wrong. */
static int read_options(struct validate *v, int argc, char **argv)
{
	static const struct option options[] = {
		{"draft", required_argument, NULL, 'd'},
		{"ref", required_argument, NULL, 'r'},
		{"assert-format", no_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;
	int rc = 0;

	optind = 0; /* the program's own options may have been read before */
	while (rc == 0 && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'd')
			rc = option_draft(v, optarg);
		else if (c == 'r')
			rc = option_ref(v, optarg);
		else if (c == 'f')
			v->flags |= SCHEMA_ASSERT_FORMAT;
		else
			rc = c == 'h' ? 1 : -1;
	}
	if (rc == 0 && argc - optind < 2) {
		fputs("validate: a schema and at least one instance are wanted\n", stderr);
		rc = -1;
	}
	return rc;
}

/* ---- files */

static const struct schema *load_schema(struct schema_store *store, const char *file)
{
	const struct schema *schema = NULL;
	struct err e = {0};
	json_error_t why;
	json_t *doc = json_load_file(
		file, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &why);

	if (doc == NULL) {
		fprintf(stderr, "validate: %s: line %d: %s\n", file, why.line, why.text);
		return NULL;
	}
	/* Messages name places as URI#pointer; the file's own name is the URI they can read. */
	struct buf uri = BUF_INIT;
	for (const char *c = file; *c != '\0'; c++) {
		if (*c == '#')
			buf_add_str(&uri, "%23");
		else
			buf_add_char(&uri, *c);
	}
	if (schema_store_add(store, buf_str(&uri), doc, &e) < 0 ||
		schema_compile(store, buf_str(&uri), &schema, &e) < 0)
		fprintf(stderr, "validate: %s: %s\n", file, e.text);
	buf_release(&uri);
	json_decref(doc);
	return schema;
}

static int check_file(const struct schema *schema, const char *file)
{
	struct schema_failure f;
	json_error_t why;
	json_t *value = json_load_file(file, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);

	if (value == NULL) {
		fprintf(stderr, "validate: %s: line %d: %s\n", file, why.line, why.text);
		return EXIT_UNUSABLE;
	}
	int rc = schema_validate(schema, value, &f);
	json_decref(value);
	if (rc == 0)
		printf("%s: valid\n", file);
	else
		printf("%s: invalid: %s: %s\n", file, f.where[0] != '\0' ? f.where : "(root)",
			f.why);
	return rc == 0 ? EXIT_VALID : EXIT_INVALID;
}

static int check_files(struct validate *v, char **files)
{
	struct schema_store *store = schema_store_new(v->draft, v->flags);
	int code = EXIT_VALID;

	schema_store_resolver(store, resolve, v);
	const struct schema *schema = load_schema(store, *files++);
	if (schema == NULL)
		code = EXIT_UNUSABLE;
	for (; schema != NULL && *files != NULL; files++) {
		int one = check_file(schema, *files);
		code = MAX(code, one);
	}
	schema_store_free(store);
	return code;
}

int validate_command(int argc, char **argv)
{
	struct validate v = {.draft = SCHEMA_DRAFT_2020_12};
	int rc = read_options(&v, argc, argv);

	if (rc > 0)
		fputs(help, stdout);
	if (rc != 0)
		return rc > 0 ? EXIT_VALID : EXIT_UNUSABLE;
	int code = check_files(&v, argv + optind);
	if (fflush(stdout) != 0) {
		perror("validate: stdout");
		code = EXIT_UNUSABLE;
	}
	return code;
}
