/* SPDX-License-Identifier: MIT */
/* Ops that apply other schemas to the same value. */
#include "core/mem.h"
#include "schema/schema_run.h"

int run_all_of(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	int rc = 0;

	for (size_t i = 0; i < op->list.n && rc == 0; i++)
		rc = node_run(r, op->list.nodes[i], at, seen);
	return rc;
}

/* Run branches until `want` of them held; gives how many did, or negative. All of them are run when
 * somebody collects what they evaluate. */
static int count_branches(
	struct run *r, const struct op *op, const struct at *at, struct seen *seen, int want)
{
	int n = 0;

	for (size_t i = 0; i < op->list.n && (n < want || seen != NULL); i++) {
		int rc = node_try(r, op->list.nodes[i], at, seen);
		if (rc < 0)
			return rc;
		n += rc == 0;
	}
	return n;
}

/* While somebody wants to know why, a choice keeps apart what its branches report: dropped when
 * it holds, else the one that got furthest. */
static int choose_explained(
	struct run *r, const struct op *op, const struct at *at, struct seen *seen, int want)
{
	struct record *rec = r->record;
	struct record *outer = NULL;

	if (rec->have) {
		outer = mem_alloc(sizeof *outer);
		*outer = *rec;
	}
	rec->have = false;
	int n = count_branches(r, op, at, seen, want);
	if (n > 0)
		rec->have = false;
	if (n > 1 && want == 2)
		run_fail(r, at, FAIL_RULE, "More than one alternative of oneOf matches");
	if (outer != NULL && (!rec->have || outer->rank >= rec->rank))
		*rec = *outer;
	mem_free(outer);
	return n;
}

int run_any_of(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	int n = r->record != NULL ? choose_explained(r, op, at, seen, 1)
				  : count_branches(r, op, at, seen, 1);

	return n < 0 ? n : n == 0;
}

int run_one_of(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	int n = r->record != NULL ? choose_explained(r, op, at, seen, 2)
				  : count_branches(r, op, at, seen, 2);

	return n < 0 ? n : n != 1;
}

/* Run a schema whose failure is no news. */
static int quietly(struct run *r, const struct node *n, const struct at *at, struct seen *seen)
{
	struct record *record = r->record;

	r->record = NULL;
	int rc = node_try(r, n, at, seen);
	r->record = record;
	return rc;
}

int run_not(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	UNUSED(seen);
	int rc = quietly(r, op->node, at, NULL);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return run_fail(r, at, FAIL_RULE, "Value matches the schema of not");
}

int run_if(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	int rc = quietly(r, op->branch.test, at, seen);

	if (rc < 0)
		return rc;
	return node_run(r, rc == 0 ? op->branch.yes : op->branch.no, at, seen);
}

int run_ref(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	return node_run(r, op->node, at, seen);
}

static const struct node *anchor_of(const struct resource *res, const char *name)
{
	for (const struct dynamic_anchor *d = res->dynamic; d != NULL; d = d->next)
		if (d->name == name)
			return d->at->node;
	return NULL;
}

/* Core 2020-12, 8.2.3.2: the outermost resource entered that has the anchor. */
int run_dynamic_ref(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	const struct node *node = op->dynamic.node;

	if (op->dynamic.name != NULL) {
		for (const struct scope *s = r->scope; s != NULL; s = s->up) {
			const struct node *found = anchor_of(s->resource, op->dynamic.name);
			if (--r->steps < 0)
				return run_give_up(r, run_too_long);
			if (found != NULL)
				node = found;
		}
	}
	return node_run(r, node, at, seen);
}
