/* SPDX-License-Identifier: MIT */
#include "gateway/api_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/mem.h"
#include "gateway/api_priv.h"

#define FILES_MAX 200
#define FILE_MAX  1048576
#define DEPTH_MAX 4

struct file {
	char *path; /* "/examples/chat.js" */
	const char *type;
	struct buf body;
};

struct api_files {
	struct file list[FILES_MAX];
	size_t n;
};

static const char *type_of(const char *name)
{
	static const struct {
		const char *suffix;
		const char *type;
	} rows[] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".txt", "text/plain; charset=utf-8"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].suffix, dot) == 0)
			return rows[i].type;
	return NULL;
}

/* --- loading ------------------------------------------------------------------------------------------------------------ */

static int file_add(struct api_files *files, const char *from, const char *path, struct err *e)
{
	struct file *f = &files->list[files->n];
	FILE *in;
	size_t n;

	if (files->n == FILES_MAX)
		return err_set(e, ERR_TOO_LARGE, "more than %d files to serve", FILES_MAX);
	in = fopen(from, "rb");
	if (in == NULL)
		return err_set_sys(e, ERR_NOT_FOUND, errno, "%s", from);
	files->n++;
	f->path = mem_strdup(path);
	f->type = type_of(path);
	do {
		n = fread(buf_reserve(&f->body, 8192), 1, 8192, in);
		buf_added(&f->body, n);
	} while (n > 0 && f->body.len <= FILE_MAX);
	fclose(in);
	return f->body.len <= FILE_MAX ? 0 : err_set(e, ERR_TOO_LARGE, "%s is too large", from);
}

/* `path` is the folder's, as clients name it, without a slash at its end. */
static int folder_add(
	struct api_files *files, const char *dir, const char *path, int depth, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return err_set_sys(e, ERR_NOT_FOUND, errno, "%s", dir);
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		char *from = mem_printf("%s/%s", dir, entry->d_name);
		char *to = mem_printf("%s/%s", path, entry->d_name);
		struct stat st;

		if (entry->d_name[0] == '.' || lstat(from, &st) < 0)
			rc = 0;
		else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			rc = folder_add(files, from, to, depth + 1, e);
		else if (S_ISREG(st.st_mode) && type_of(to) != NULL)
			rc = file_add(files, from, to, e);
		mem_free(from);
		mem_free(to);
	}
	closedir(d);
	return rc;
}

int api_files_load(const char *dir, struct api_files **out, struct err *e)
{
	struct api_files *files = mem_alloc(sizeof *files);
	int rc = folder_add(files, dir, "", 0, e);

	*out = files;
	if (rc < 0) {
		api_files_free(files);
		*out = NULL;
	}
	return rc;
}

void api_files_free(struct api_files *files)
{
	if (files == NULL)
		return;
	for (size_t i = 0; i < files->n; i++) {
		mem_free(files->list[i].path);
		buf_release(&files->list[i].body);
	}
	mem_free(files);
}

/* --- serving ------------------------------------------------------------------------------------------------------------ */

/* The file behind `path` + `more`; a path that ends in '/' stands for its index.html. */
static const struct file *find(const struct api_files *files, const char *path, const char *more)
{
	char name[256];
	size_t len = strlen(path) + strlen(more);

	if (len + sizeof "index.html" > sizeof name)
		return NULL;
	snprintf(name, sizeof name, "%s%s", path, more);
	if (name[len - 1] == '/')
		memcpy(name + len, "index.html", sizeof "index.html");
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(files->list[i].path, name) == 0)
			return &files->list[i];
	return NULL;
}

void api_file(struct api *api, struct api_call *call)
{
	/* The pages hold no script or style of their own and load nothing from elsewhere. */
	static const struct http_header headers[] = {
		{"Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:; "
					    "frame-ancestors 'none'; base-uri 'none'"},
		{NULL, NULL},
	};
	struct exchange *x = call->x;
	const struct file *f = find(api->parts.files, x->path, "");
	char to[256];
	const struct http_header moved[] = {{"Location", to}, {NULL, NULL}};
	struct buf body = BUF_INIT;

	if (f == NULL && find(api->parts.files, x->path, "/") == NULL) {
		api_problem(api, x, ERR_NOT_FOUND, NULL);
	} else if (x->method != HTTP_GET && x->method != HTTP_HEAD) {
		api_refuse_method(api, x, "GET, HEAD, OPTIONS");
	} else if (f == NULL) {
		snprintf(to, sizeof to, "%s/", x->path);
		api_answer(api, x, 301, NULL, moved, &body);
	} else {
		buf_add(&body, f->body.data, f->body.len);
		api_answer(api, x, 200, f->type, headers, &body);
	}
}
