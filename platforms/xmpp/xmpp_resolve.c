/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/base.h"

#define ANSWER_MAX      8192
#define PORT_STARTTLS   5222
#define PORT_DIRECT_TLS 5223
/* Of the name servers, per try: a look-up ends after QUERY_TRIES times this, times the number of servers. */
#define QUERY_TIMEOUT_S 3
#define QUERY_TRIES     2
#define SRV_FIXED_LEN   6 /* priority, weight, port */

/* --- records ------------------------------------------------------------------------------------------------------- */

static int read_record(ns_msg *message, const ns_rr *rr, struct xmpp_resolve_srv *srv)
{
	const unsigned char *data = ns_rr_rdata(*rr);

	if (ns_rr_rdlen(*rr) <= SRV_FIXED_LEN)
		return -1;
	srv->priority = ns_get16(data);
	srv->weight = ns_get16(data + 2);
	srv->port = ns_get16(data + 4);
	/* The name may point elsewhere into the message; dn_expand() bounds that. "." becomes "". */
	if (dn_expand(ns_msg_base(*message), ns_msg_end(*message), data + SRV_FIXED_LEN,
		    srv->target, sizeof srv->target) < 0)
		return -1;
	return srv->port != 0 || srv->target[0] == '\0' ? 0 : -1;
}

int xmpp_resolve_parse(
	const unsigned char *answer, size_t len, int direct_tls, struct xmpp_resolve_srvs *out)
{
	ns_msg message;
	ns_rr rr;

	if (len > ANSWER_MAX || ns_initparse(answer, (int)len, &message) < 0)
		return -1;
	for (int i = 0; i < (int)ns_msg_count(message, ns_s_an); i++) {
		struct xmpp_resolve_srv srv = {.direct_tls = direct_tls};

		if (ns_parserr(&message, ns_s_an, i, &rr) < 0)
			return -1;
		if (ns_rr_type(rr) != ns_t_srv || ns_rr_class(rr) != ns_c_in)
			continue;
		if (read_record(&message, &rr, &srv) < 0)
			return -1;
		if (out->n < XMPP_RESOLVE_SRV_MAX)
			out->at[out->n++] = srv;
	}
	return 0;
}

static void drop(struct xmpp_resolve_srvs *srvs, size_t i)
{
	srvs->n--;
	memmove(&srvs->at[i], &srvs->at[i + 1], (srvs->n - i) * sizeof srvs->at[0]);
}

/* The record to try first among those from `first` on: the lowest priority, and there by weight. RFC 2782 wants records
 * without weight in front when it adds the weights up: then they have a small chance, not none. */
static size_t choose(
	const struct xmpp_resolve_srvs *srvs, size_t first, uint32_t (*random)(uint32_t max))
{
	uint32_t sum = 0, at, running = 0;
	uint16_t priority = srvs->at[first].priority;
	size_t last = first;

	for (size_t i = first; i < srvs->n; i++)
		priority = MIN(priority, srvs->at[i].priority);
	for (size_t i = first; i < srvs->n; i++)
		if (srvs->at[i].priority == priority)
			sum += srvs->at[i].weight;
	at = random(sum);
	for (int heavy = 0; heavy <= 1; heavy++)
		for (size_t i = first; i < srvs->n; i++) {
			const struct xmpp_resolve_srv *srv = &srvs->at[i];
			if (srv->priority != priority || (srv->weight > 0) != heavy)
				continue;
			running += srv->weight;
			last = i;
			if (running >= at)
				return i;
		}
	return last;
}

void xmpp_resolve_order(struct xmpp_resolve_srvs *srvs, uint32_t (*random)(uint32_t max))
{
	for (size_t i = srvs->n; i-- > 0;)
		if (srvs->at[i].target[0] == '\0')
			drop(srvs, i);
	for (size_t first = 0; first < srvs->n; first++) {
		size_t i = choose(srvs, first, random);
		struct xmpp_resolve_srv srv = srvs->at[i];

		srvs->at[i] = srvs->at[first];
		srvs->at[first] = srv;
	}
}

static uint32_t random_up_to(uint32_t max)
{
	return randombytes_uniform(max + 1);
}

/* --- asking -------------------------------------------------------------------------------------------------------- */

static void ask(struct __res_state *state, const char *service, const char *domain,
	struct xmpp_resolve_srvs *out)
{
	unsigned char answer[ANSWER_MAX];
	char name[512];
	int len;

	if (snprintf(name, sizeof name, "%s._tcp.%s", service, domain) >= (int)sizeof name)
		return;
	len = res_nquery(state, name, ns_c_in, ns_t_srv, answer, sizeof answer);
	/* A longer answer was cut: what is whole is as good as any. A broken one: as none, then the domain is tried. */
	if (len > 0)
		xmpp_resolve_parse(answer, MIN((size_t)len, sizeof answer),
			strcmp(service, "_xmpps-client") == 0, out);
}

static void ask_services(const struct xmpp_resolve_query *q, struct xmpp_resolve_srvs *out)
{
	struct __res_state state;

	memset(&state, 0, sizeof state);
	if (res_ninit(&state) < 0)
		return;
	state.retrans = QUERY_TIMEOUT_S;
	state.retry = QUERY_TRIES;
	ask(&state, "_xmpps-client", q->domain, out);
	if (!q->direct_tls)
		ask(&state, "_xmpp-client", q->domain, out);
	res_nclose(&state);
}

/* Has no SRV records: an address (its last label is a number, or it has colons), or "localhost" (RFC 6761, 6.3). */
static int is_plain(const char *domain)
{
	const char *dot = strrchr(domain, '.'), *last = dot != NULL ? dot + 1 : domain;

	return strchr(domain, ':') != NULL || (*last >= '0' && *last <= '9') ||
	       strcasecmp(last, "localhost") == 0;
}

static void set_port(struct sockaddr_storage *sa, unsigned port)
{
	if (sa->ss_family == AF_INET)
		((struct sockaddr_in *)sa)->sin_port = htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)sa)->sin6_port = htons((uint16_t)port);
}

struct look {
	const struct xmpp_resolve_query *query;
	struct xmpp_resolve_result *out;
	int found; /* addresses, allowed or not */
};

static void look_up(struct look *look, const char *host, unsigned port, int direct_tls)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list, *ai;
	struct xmpp_resolve_result *out = look->out;

	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return;
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		struct xmpp_resolve_address *a;

		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		look->found++;
		if (out->n == XMPP_RESOLVE_ADDRESS_MAX ||
			!look->query->allows(look->query->arg, ai->ai_addr))
			continue;
		a = &out->at[out->n++];
		memset(a, 0, sizeof *a);
		memcpy(&a->sa, ai->ai_addr, ai->ai_addrlen);
		set_port(&a->sa, port);
		a->direct_tls = direct_tls;
	}
	freeaddrinfo(list);
}

int xmpp_resolve(const struct xmpp_resolve_query *q, struct xmpp_resolve_result *out, struct err *e)
{
	unsigned fallback = q->direct_tls ? PORT_DIRECT_TLS : PORT_STARTTLS;
	struct look look = {q, out, 0};
	const char *host = q->host != NULL ? q->host : q->domain;
	struct xmpp_resolve_srvs srvs = {.n = 0};
	size_t answered = 0;

	out->n = 0;
	if (q->host == NULL && q->port == 0 && !is_plain(q->domain)) {
		ask_services(q, &srvs);
		answered = srvs.n;
		xmpp_resolve_order(&srvs, random_up_to);
	}
	for (size_t i = 0; i < srvs.n; i++)
		look_up(&look, srvs.at[i].target, srvs.at[i].port, srvs.at[i].direct_tls);
	if (answered == 0)
		look_up(&look, host, q->port != 0 ? q->port : fallback, q->direct_tls);
	else if (srvs.n == 0)
		return err_set(e, ERR_RESOLVE, "%s says that it offers no XMPP service", host);
	if (out->n > 0)
		return 0;
	if (look.found > 0)
		return err_set(e, ERR_BLOCKED, "the address of %s is not allowed", host);
	return err_set(e, ERR_RESOLVE, "the host name %s could not be resolved", host);
}
