/* SPDX-License-Identifier: MIT */
/* curl_loop - libcurl's multi socket interface on a libuv loop.
 *
 * Takes prepared easy handles of any protocol, drives them without blocking and reports when they end. It sets no
 * option on them: core/http.c does for HTTP, a mail platform for SMTP and IMAP. libuv and libcurl rules that are
 * easily broken are kept here: one poll handle per descriptor, freed only in its close callback; no libcurl call
 * from within a libcurl callback. */
#ifndef CORE_CURL_LOOP_H
#define CORE_CURL_LOOP_H

#include <curl/curl.h>
#include <uv.h>

#include "core/base.h"

struct curl_loop;

/* The transfer ended. It is out of the loop already; `easy` is the adder's to clean up. May add and remove
 * transfers, also free the loop. */
typedef void curl_loop_done_fn(void *arg, CURL *easy, CURLcode result);

/* `loop` is KEPT until curl_loop_free() and the next turns of the loop (handles close there). Initialises libcurl
 * in the process when nobody has, sets LC_CTYPE to UTF-8, and ignores SIGPIPE, which OpenSSL may raise on a dead connection. GIVES. */
struct curl_loop *curl_loop_new(uv_loop_t *loop);
/* Every transfer has to be removed before. NULL is legal. */
void curl_loop_free(struct curl_loop *c);

/* For CURLMOPT_* settings; borrowed. */
CURLM *curl_loop_multi(struct curl_loop *c);

/* Starts `easy`, which is KEPT until `done` or curl_loop_remove(). CURLOPT_PRIVATE becomes this file's. `done` is
 * called once, from the loop, never from within this call. */
void curl_loop_add(struct curl_loop *c, CURL *easy, curl_loop_done_fn *done, void *arg);
/* As curl_loop_add(), but `easy` is still in the loop when `done` is called: a connection that
 * CURLOPT_CONNECT_ONLY made lives no longer than its handle is in there. curl_loop_remove() closes it. */
void curl_loop_add_kept(struct curl_loop *c, CURL *easy, curl_loop_done_fn *done, void *arg);
/* Ends `easy` without a callback, closing its connection if it is in the middle of something. Not from within a
 * libcurl callback. */
void curl_loop_remove(struct curl_loop *c, CURL *easy);

#endif
