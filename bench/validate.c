/* SPDX-License-Identifier: MIT */
/* validate - how many typical jobs per second the compiled schemas check, on one core; prints one JSON object.
 *
 * The job is the one of bench/load: it goes through the general schema of its verb and the platform's own, as in the
 * dispatcher. The ceiling beside it in bench/run is jansson's parse of the same text. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/err.h"
#include "schema/registry.h"
#include "schema/schema.h"

static const char job_text[] = "{\"rid\":1234567,\"platform\":\"dummy\",\"verb\":\"echo\","
			       "\"actor\":{\"address\":\"bench\",\"name\":\"Bench\"},"
			       "\"target\":[{\"address\":\"bob@example.org\"}],\"object\":{"
			       "\"text\":\"hello, this is a job of a usual size\"}}";

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double validate_rate(const struct registry_verb *verb, const json_t *job, double seconds)
{
	double start = now_s(), end = start;
	unsigned long n = 0;

	for (; end - start < seconds; end = now_s())
		for (int i = 0; i < 1000; i++, n++)
			if ((verb->general != NULL &&
				    schema_validate(verb->general, job, NULL) < 0) ||
				(verb->own != NULL && schema_validate(verb->own, job, NULL) < 0))
				exit(1);
	return (double)n / (end - start);
}

static double parse_rate(double seconds)
{
	double start = now_s(), end = start;
	unsigned long n = 0;

	for (; end - start < seconds; end = now_s())
		for (int i = 0; i < 1000; i++, n++)
			json_decref(json_loadb(job_text, sizeof job_text - 1, 0, NULL));
	return (double)n / (end - start);
}

int main(int argc, char **argv)
{
	json_t *configured = json_pack("{s:{}}", "dummy");
	json_t *job = json_loads(job_text, 0, NULL);
	struct registry *registry;
	double seconds = argc == 3 && strcmp(argv[1], "--seconds") == 0 ? atof(argv[2]) : 2;
	struct err e;

	if (argc != 1 && argc != 3) {
		puts("validate [--seconds S] - validations per second of a typical job; run from "
		     "the root of the source tree");
		return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
	}
	if (registry_load("schema", configured, &registry, &e) < 0) {
		fprintf(stderr, "validate: %s\n", e.text);
		return 2;
	}
	printf("{\"per_s\":%.0f,\"parse_per_s\":%.0f}\n",
		validate_rate(
			registry_verb(registry_find(registry, "dummy"), "echo"), job, seconds),
		parse_rate(seconds));
	registry_free(registry);
	json_decref(job);
	json_decref(configured);
	return 0;
}
