/* SPDX-License-Identifier: MIT */
#include "gateway/dispatcher.h"

#include <stdio.h>
#include <string.h>

#include "core/activity.h"
#include "core/conf.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/intake.h"
#include "core/json.h"
#include "core/keyring.h"
#include "core/log.h"
#include "core/mem.h"
#include "gateway/classic.h"
#include "gateway/credentials.h"
#include "schema/registry.h"
#include "schema/schema.h"

#define LANES 64

struct dispatcher {
	const struct conf *conf;
	const struct registry *registry;
	struct hub *hub;
	const struct keyring *keyring;
	struct intakes *intakes;
	const char **platforms; /* those jobs are queued for */
	struct secret *secrets;
	size_t n_secrets;
	char token_prefix[CRYPT_TOKEN_SIZE];
	unsigned long long token_count;
};

/* What became of a job before Redis was asked; with the operation's outcome it decides the replies. */
enum step_kind {
	STEP_REFUSED,  /* answered: `text` */
	STEP_MISMATCH, /* does not match its schema: `why`; first, is the session registered? */
	STEP_REGISTER, /* `why` empty: the secret is right */
	STEP_PING,
	STEP_SET,  /* `why` empty: `credentials` are to be stored */
	STEP_QUEUE /* `sealed` is to be queued under a token */
};

struct step {
	enum step_kind kind;
	struct classic_job job;
	char *why; /* a sentence for the client; NULL: none */
	struct credentials credentials;
	struct buf text; /* STEP_REFUSED: the reply; STEP_QUEUE: the sealed job */
	int op;          /* index of the operation, -1: none; of several, the first */
	int token;       /* index of the token, -1: none */
};

struct dispatch {
	struct dispatcher *dispatcher;
	struct session_ref session;
	char sid[SESSION_ID_LEN + 1];
	int create;
	unsigned char salt[CRYPT_SALT_SIZE];
	struct step *steps;
	size_t n;
	int sets;   /* some step stores credentials */
	int refuse; /* a failure of the whole is told by a refusal for each job */
	char (*tokens)[QUEUE_TOKEN_SIZE];
	int *confirmed;
	size_t n_tokens;
	dispatch_done_fn *done; /* NULL: forgotten */
	void *arg;
};

/* --- life ------------------------------------------------------------------------------------------------------------ */

static size_t platforms_list(const struct registry *r, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < registry_count(r); i++) {
		const struct registry_platform *p = registry_at(r, i);

		if (p->loaded && strcmp(p->name, REGISTRY_DISPATCHER) != 0)
			names[n++] = p->name;
	}
	return n;
}

struct dispatcher *dispatcher_new(uv_loop_t *loop, const struct conf *c, const struct registry *r,
	struct hub *hub, const struct keyring *keyring)
{
	struct dispatcher *d = mem_alloc(sizeof *d);

	d->conf = c;
	d->registry = r;
	d->hub = hub;
	d->keyring = keyring;
	d->platforms = mem_array(registry_count(r), sizeof *d->platforms);
	d->intakes = intakes_open(loop, c, hub, d->platforms, platforms_list(r, d->platforms));
	d->n_secrets = c->secrets.n;
	d->secrets = mem_array(d->n_secrets, sizeof *d->secrets);
	for (size_t i = 0; i < d->n_secrets; i++)
		secret_init(&d->secrets[i], c->secrets.items[i], strlen(c->secrets.items[i]));
	crypt_token(d->token_prefix);
	d->token_prefix[12] = '\0'; /* 72 random bits tell gateways apart */
	return d;
}

void dispatcher_free(struct dispatcher *d)
{
	if (d == NULL)
		return;
	intakes_close(d->intakes);
	for (size_t i = 0; i < d->n_secrets; i++)
		secret_release(&d->secrets[i]);
	mem_free(d->secrets);
	mem_free(d->platforms);
	mem_free(d);
}

static void dispatch_free(struct dispatch *dp)
{
	for (size_t i = 0; i < dp->n; i++) {
		struct step *s = &dp->steps[i];

		classic_job_release(&s->job);
		json_decref(s->credentials.entries);
		mem_free(s->why);
		buf_release(&s->text);
	}
	mem_free(dp->steps);
	mem_free(dp->tokens);
	mem_free(dp->confirmed);
	mem_wipe(dp, sizeof *dp);
	mem_free(dp);
}

size_t dispatch_tokens(const struct dispatch *dp, const char (**tokens)[QUEUE_TOKEN_SIZE])
{
	*tokens = (const char(*)[QUEUE_TOKEN_SIZE])dp->tokens;
	return dp->n_tokens;
}

int dispatch_confirmed(const struct dispatch *dp, size_t token)
{
	return dp->confirmed[token];
}

void dispatch_forget(struct dispatch *dp)
{
	dp->done = NULL;
}

void replies_release(struct replies *r)
{
	buf_release(&r->text);
	mem_free(r->ends);
	*r = (struct replies){.n = 0};
}

/* --- from a job to a step ---------------------------------------------------------------------------------------------- */

/* Says where and why in one sentence, beginning as the classic server's did. NULL: it matches. */
static char *mismatch(const struct registry_verb *verb, const json_t *activity)
{
	const struct schema *const schemas[] = {verb->general, verb->own};
	struct schema_failure f;

	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		if (schemas[i] == NULL || schema_validate(schemas[i], activity, &f) == 0)
			continue;
		return mem_printf("unable to validate json against schema: %s%s%s", f.why,
			*f.where != '\0' ? " at " : "", f.where);
	}
	return NULL;
}

static char *register_check(const struct dispatcher *d, const json_t *activity)
{
	const json_t *secret = json_object_get(activity_object(activity), "secret");
	int found = 0;

	if (d->n_secrets == 0)
		return mem_strdup("registration failed, secret cannot be verified.");
	/* All are compared, so that the time taken does not tell which one was near. */
	for (size_t i = 0; i < d->n_secrets; i++)
		found |= secret_equals(
			&d->secrets[i], json_string_value(secret), json_string_length(secret));
	return found ? NULL : mem_strdup("registration failed, invalid secret.");
}

static void job_seal(struct dispatch *dp, struct step *s)
{
	struct crypt_key key;
	struct buf text = BUF_INIT;
	char ad[SESSION_AD_SIZE];

	keyring_platform(dp->dispatcher->keyring, s->job.platform->name, &key, NULL);
	session_ad(&dp->session, SESSION_AD_JOB, ad);
	json_append(&text, s->job.activity);
	crypt_seal(&key, ad, text.data, text.len, &s->text);
	mem_wipe(text.data, text.len);
	buf_release(&text);
	crypt_key_wipe(&key);
}

static void step_decide(struct dispatch *dp, struct step *s)
{
	struct dispatcher *d = dp->dispatcher;
	struct err e;

	s->why = mismatch(s->job.verb, s->job.activity);
	if (s->why != NULL) {
		s->kind = STEP_MISMATCH;
	} else if (strcmp(s->job.verb->name, "set") == 0) {
		s->kind = STEP_SET;
		if (credentials_read(d->registry, &s->job, &s->credentials, &e) < 0)
			s->why = mem_strdup(e.text);
		else
			dp->sets = 1;
	} else if (strcmp(s->job.platform->name, REGISTRY_DISPATCHER) != 0) {
		s->kind = STEP_QUEUE;
		job_seal(dp, s);
		s->token = (int)dp->n_tokens++;
		snprintf(dp->tokens[s->token], sizeof dp->tokens[0], "%s%llx", d->token_prefix,
			++d->token_count);
	} else if (strcmp(s->job.verb->name, "register") == 0) {
		s->kind = STEP_REGISTER;
		s->why = register_check(d, s->job.activity);
	} else {
		s->kind = STEP_PING;
	}
}

static void step_read(struct dispatch *dp, struct step *s, json_t *item)
{
	s->op = -1;
	s->token = -1;
	if (classic_read(dp->dispatcher->registry, item, &s->job, &s->text) < 0)
		s->kind = STEP_REFUSED;
	else
		step_decide(dp, s);
}

static void steps_alloc(struct dispatch *dp, size_t n)
{
	dp->n = n;
	dp->steps = mem_array(n, sizeof *dp->steps);
	dp->tokens = mem_array(n, sizeof *dp->tokens);
	dp->confirmed = mem_array(n, sizeof *dp->confirmed);
}

/* A value that is no array of jobs is one job; what is no job is refused as one. */
static int body_read(struct dispatch *dp, const char *body, size_t len)
{
	const struct conf *c = dp->dispatcher->conf;
	struct err e;
	json_t *root = json_read(body, len, (unsigned)c->limits_depth, &e);

	if (root == NULL) {
		steps_alloc(dp, 1);
		dp->steps[0].kind = STEP_REFUSED;
		classic_invalid(&dp->steps[0].text, e.text);
	} else if (!json_is_array(root) || json_array_size(root) == 0) {
		steps_alloc(dp, 1);
		step_read(dp, &dp->steps[0], root);
	} else if (json_array_size(root) > (size_t)c->limits_jobs_per_request) {
		json_decref(root);
		return -(int)ERR_TOO_LARGE;
	} else {
		steps_alloc(dp, json_array_size(root));
		for (size_t i = 0; i < dp->n; i++)
			step_read(dp, &dp->steps[i], json_incref(json_array_get(root, i)));
		json_decref(root);
	}
	return 0;
}

/* --- from steps to replies ------------------------------------------------------------------------------------------------ */

static void reply_end(struct replies *r)
{
	r->ends[r->n++] = r->text.len;
}

static void confirm_then(struct replies *r, const struct step *s, const json_t *object)
{
	classic_confirm(&r->text, &s->job);
	reply_end(r);
	if (s->why != NULL)
		classic_failure(&r->text, &s->job, s->why);
	else
		classic_success(&r->text, &s->job, object);
	reply_end(r);
}

static void no_worker(struct replies *r, const struct step *s)
{
	char *message = mem_printf("platform '%s' has no worker at the moment, try again later",
		s->job.platform->name);

	classic_refuse(&r->text, &s->job, message);
	reply_end(r);
	mem_free(message);
}

static void step_reply(
	struct dispatch *dp, const struct step *s, enum intake_op op, struct replies *r)
{
	json_t *object = NULL;

	if (s->kind == STEP_REFUSED) {
		buf_add(&r->text, s->text.data, s->text.len);
		reply_end(r);
	} else if (s->op >= 0 && op == INTAKE_NOT_REGISTERED) {
		classic_refuse(&r->text, &s->job, "session not registered, cannot process verb");
		reply_end(r);
	} else if (s->kind == STEP_MISMATCH) {
		classic_failure(&r->text, &s->job, s->why);
		reply_end(r);
	} else if (s->kind == STEP_QUEUE && op == INTAKE_NO_WORKER) {
		no_worker(r, s);
	} else if (s->kind == STEP_QUEUE) {
		classic_confirm(&r->text, &s->job);
		reply_end(r);
		dp->confirmed[s->token] = 1;
	} else {
		if (s->kind == STEP_REGISTER && s->why == NULL)
			object = json_pack("{s:s}", "sessionId", dp->sid);
		else if (s->kind == STEP_PING)
			object = json_pack("{s:O}", "timestamp",
				json_object_get(s->job.activity, "timestamp"));
		confirm_then(r, s, object);
		json_decref(object);
	}
}

/* Nothing of the request was done: every job hears so. */
static void refuse_all(const struct dispatch *dp, int rc, struct replies *r)
{
	for (size_t i = 0; i < dp->n; i++) {
		const struct step *s = &dp->steps[i];

		if (s->kind == STEP_REFUSED)
			buf_add(&r->text, s->text.data, s->text.len);
		else
			classic_refuse(&r->text, &s->job, err_default_text(rc));
		reply_end(r);
	}
}

static void on_intake(void *arg, int rc, unsigned retry_ms, const enum intake_op *ops, size_t n)
{
	struct dispatch *dp = arg;
	struct replies r = {.ends = mem_array(2 * dp->n, sizeof *r.ends)};

	UNUSED(n);
	if (rc < 0 && dp->refuse)
		refuse_all(dp, rc, &r);
	for (size_t i = 0; rc == 0 && i < dp->n; i++) {
		int op = dp->steps[i].op;

		step_reply(dp, &dp->steps[i], op >= 0 ? ops[op] : INTAKE_DONE, &r);
	}
	if (dp->done != NULL)
		dp->done(dp->arg, rc, retry_ms, &r);
	replies_release(&r);
	dispatch_free(dp);
}

/* --- from steps to Redis ---------------------------------------------------------------------------------------------------- */

static int credentials_ops(struct dispatch *dp, const struct step *s, struct intake *in)
{
	const char *platform = s->credentials.platform->name;
	struct crypt_key key, session;
	const char *address;
	json_t *entry;
	char ad[SESSION_AD_SIZE];
	int n = 0;

	keyring_platform(dp->dispatcher->keyring, platform, &key, NULL);
	session_key(&key, dp->salt, sizeof dp->salt, &session);
	session_ad(&dp->session, SESSION_AD_CREDENTIALS, ad);
	json_object_foreach (s->credentials.entries, address, entry) {
		char field[CRYPT_TOKEN_SIZE];
		struct buf text = BUF_INIT, blob = BUF_INIT;

		session_field(&key, address, field);
		json_append(&text, entry);
		crypt_seal(&session, ad, text.data, text.len, &blob);
		intake_credentials(in, platform, field, &blob);
		mem_wipe(text.data, text.len);
		buf_release(&text);
		buf_release(&blob);
		n++;
	}
	crypt_key_wipe(&key);
	crypt_key_wipe(&session);
	return n;
}

/* Jobs of one actor are started in their order where there are accounts. Actors are spread over few lanes, because lanes are
 * kept with the session; two that share one only wait for each other's start. */
static const char *lane_of(const struct step *s, char out[4])
{
	uint32_t sum = 2166136261u; /* FNV-1a */

	if (s->job.platform->credentials == NULL)
		return "";
	for (const char *c = activity_actor_address(s->job.activity); *c != '\0'; c++)
		sum = (sum ^ (unsigned char)*c) * 16777619u;
	snprintf(out, 4, "%u", sum % LANES);
	return out;
}

/* Adds the step's operations; returns how many. */
static int step_ops(struct dispatch *dp, const struct step *s, struct intake *in)
{
	char lane[4];

	if (s->kind == STEP_REFUSED || (s->kind == STEP_REGISTER && s->why != NULL) ||
		(s->kind == STEP_MISMATCH && strcmp(s->job.verb->name, "register") == 0))
		return 0;
	if (s->kind == STEP_REGISTER)
		intake_register(in);
	else if (s->kind == STEP_QUEUE)
		intake_job(in, s->job.platform->name, lane_of(s, lane), dp->tokens[s->token],
			&s->text);
	else if (s->kind == STEP_SET && s->why == NULL)
		return credentials_ops(dp, s, in);
	else
		intake_check(in);
	return 1;
}

static int to_redis(struct dispatch *dp)
{
	struct dispatcher *d = dp->dispatcher;
	struct intake *in = intake_new(d->intakes, &dp->session, dp->create, dp->salt);
	int n_ops = 0;

	for (size_t i = 0; i < dp->n; i++) {
		int n = step_ops(dp, &dp->steps[i], in);

		dp->steps[i].op = n > 0 ? n_ops : -1;
		n_ops += n;
	}
	/* A map of credentials counts as many; more than one burst would be refused for ever. */
	if (n_ops > MAX(d->conf->limits_jobs_per_request, d->conf->limits_jobs_per_s)) {
		intake_free(in);
		return -(int)ERR_TOO_LARGE;
	}
	return intake_send(in, on_intake, dp);
}

static void on_salt(void *arg, int rc, const void *salt, size_t len)
{
	struct dispatch *dp = arg;

	if (rc == 0 && len != sizeof dp->salt)
		rc = -(int)ERR_NO_SESSION;
	if (rc == 0) {
		memcpy(dp->salt, salt, len);
		rc = to_redis(dp);
	}
	if (rc < 0)
		on_intake(dp, rc, 1000, NULL, 0);
}

/* A request with too many jobs has not been looked at, so it gets one refusal as a whole. */
static void start_refuse(const struct dispatch *dp, int rc, struct replies *r)
{
	*r = (struct replies){.ends = mem_array(dp->n + 1, sizeof *r->ends)};
	refuse_all(dp, rc, r);
	if (r->n > 0)
		return;
	classic_invalid(&r->text, "too many jobs in one request");
	reply_end(r);
}

int dispatcher_start(struct dispatcher *d, const struct dispatch_request *req,
	dispatch_done_fn *done, void *arg, struct dispatch **out)
{
	struct dispatch *dp = mem_alloc(sizeof *dp);
	int rc;

	dp->dispatcher = d;
	dp->session = req->session;
	dp->create = req->create;
	dp->done = done;
	dp->arg = arg;
	dp->refuse = req->refused != NULL;
	snprintf(dp->sid, sizeof dp->sid, "%s", req->sid);
	rc = body_read(dp, req->body, req->len);
	if (req->salt != NULL)
		memcpy(dp->salt, req->salt, sizeof dp->salt);
	else if (rc == 0 && dp->create)
		crypt_random(dp->salt, sizeof dp->salt);
	/* Credentials of a session that exists already are sealed with its salt, which has to be asked for. */
	if (rc == 0 && dp->sets && !dp->create && req->salt == NULL)
		rc = session_salt(
			hub_commands(d->hub, dp->session.shard), &dp->session, on_salt, dp);
	else if (rc == 0)
		rc = to_redis(dp);
	if (rc == 0) {
		*out = dp;
		return 0;
	}
	if (req->refused != NULL)
		start_refuse(dp, rc, req->refused);
	dispatch_free(dp);
	return rc;
}
