/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The stage behind the firewall: any server takes any packet, and sends it on, encapsulated, to the server that owns its flow, which
 * may be itself. Owners are in a table by a keyed hash of the flow; there is no state of flows. While a bucket is in transition its owner
 * looks whether it knows the flow, and sends what it does not know to the owner before.
 */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "stages.h"
#include "flow.h"
#include "packet.h"
#include "services.h"
#include "backends.h"
#include "counts.h"
#include "lengths.h"
#include "tunnel.h"
#include "plain.h"
#include "forward.h"
#include "sockets.h"
#include "icmp-errors.h"
#include "quic.h"

/* Of the fleet, so that nobody can aim at a bucket. */
const volatile __u64 key[2] = {};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGES);
	__type(key, enum stage);
	__type(value, __u32);
} stages SEC(".maps");

/* To the next stage, or the kernel. */
static __always_inline int pass(struct xdp_md *ctx, enum outcome outcome)
{
	count(outcome);
	bpf_tail_call(ctx, &stages, STAGE_SYN_COOKIES);
	return XDP_PASS;
}

/* To the local stack; what came encapsulated past the next stage, which another machine had. */
static __always_inline int deliver(struct xdp_md *ctx, const struct packet *packet, int family, enum outcome outcome)
{
	if (!packet->tunnelled)
		return pass(ctx, outcome);
	if (decapsulate(ctx, packet, family))
		return drop(OUTCOME_BAD_TUNNEL);
	count(outcome);
	return XDP_PASS;
}

/* The machine that owns the bucket by the table here, if it is not this one, or else the one that owned it before; 0 for none. */
static __always_inline __u32 other_owner(struct bucket bucket)
{
	/* Read once: what is volatile is read each time. */
	__u16 this = self;
	__u32 other = bucket.current == this ? bucket.previous : bucket.current;

	return other == this ? 0 : other;
}

static __always_inline struct counts *counts_of(const struct service *service)
{
	__u32 index = service->index;

	return bpf_map_lookup_elem(&service_counts, &index);
}

static __always_inline void count_transition(const struct service *service, enum outcome outcome)
{
	struct counts *counts = counts_of(service);

	if (!counts)
		return;
	counts->transitions++;
	if (outcome == OUTCOME_PREVIOUS)
		counts->previous++;
}

/* For a packet that stays here unless it is of a flow that somebody else has. */
static __always_inline struct destination keep(struct xdp_md *ctx, const struct packet *packet, int family,
					       const struct service *service, struct bucket bucket)
{
	struct destination to = { .here = 1, .outcome = packet->tunnelled ? OUTCOME_DECAPSULATED : OUTCOME_LOCAL };
	__u32 other = other_owner(bucket);

	/* Fragments have no ports: they stay with the owner. */
	if (!other || packet->kind == PACKET_FRAGMENT)
		return to;
	to.outcome = ask(ctx, packet, family);
	count_transition(service, to.outcome);
	if (to.outcome == OUTCOME_PREVIOUS)
		to = (struct destination){ .backend = other, .last_hop = 1, .outcome = OUTCOME_PREVIOUS };
	return to;
}

static __always_inline struct destination choose(struct xdp_md *ctx, const struct packet *packet, int family,
						 const struct service *service, struct bucket bucket)
{
	__u32 named = service->quic ? quic_backend(ctx, packet) : 0;

	if (named && named == self)
		return (struct destination){ .here = 1, .outcome = OUTCOME_QUIC_LOCAL };
	if (packet->tunnelled && packet->last_hop)
		return (struct destination){ .here = 1, .outcome = OUTCOME_LAST_HOP };
	if (named)
		return (struct destination){ .backend = named, .last_hop = packet->tunnelled, .outcome = OUTCOME_QUIC_FORWARDED };
	if (packet->tunnelled || (self && bucket.current == self))
		return keep(ctx, packet, family, service, bucket);
	return (struct destination){ .backend = bucket.current, .other = bucket.previous, .outcome = OUTCOME_FORWARDED };
}

/* Of a packet without ports that can be read it is known only whether its address has services. */
static __always_inline const struct service *find_unreadable(struct packet *packet, int family)
{
	const struct service *service;

	packet->flow.protocol = IPPROTO_TCP;
	service = find_portless(&packet->flow, family);
	if (service)
		return service;
	packet->flow.protocol = IPPROTO_UDP;
	return find_portless(&packet->flow, family);
}

static __always_inline const struct service *find(struct packet *packet, int family)
{
	if (packet->kind == PACKET_OTHER)
		return 0;
	if (packet->kind == PACKET_UNREADABLE)
		return find_unreadable(packet, family);
	return packet->kind == PACKET_FRAGMENT ? find_portless(&packet->flow, family) : find_service(&packet->flow, family);
}

/* The service of a packet, if it is for one, and the hash of its flow; code of its own for either family. */
static __always_inline const struct service *recognise(struct xdp_md *ctx, struct packet *packet, int family, __u64 *hash)
{
	const struct service *service;

	packet->kind = family == AF_INET ? read_packet4(ctx, packet) : read_packet6(ctx, packet);
	if (packet->kind == PACKET_ICMP)
		packet->kind = read_icmp(ctx, packet, family);
	service = find(packet, family);
	if (service)
		*hash = hash_flow(&packet->flow, family, key[0], key[1]);
	return service;
}

/* What is wrong with a packet for a service; NO_FAULT if nothing is. */
static __always_inline enum outcome find_fault(struct xdp_md *ctx, struct packet *packet, const struct service *service)
{
	if (packet->kind == PACKET_UNREADABLE)
		return OUTCOME_BAD_HEADERS;
	if (packet->kind == PACKET_FRAGMENT && !service->fragments)
		return OUTCOME_FRAGMENT;
	if (packet->tunnelled && merge_ecn(packet))
		return OUTCOME_CONGESTION;
	return check_lengths(ctx, packet);
}

/* What came encapsulated was counted where it came from. */
static __always_inline void count_service(const struct service *service, const struct packet *packet)
{
	struct counts *counts = packet->tunnelled ? 0 : counts_of(service);

	if (!counts)
		return;
	counts->packets++;
	counts->bytes += packet->length;
}

static __always_inline int balance(struct xdp_md *ctx, struct packet *packet, int family, const struct service *service,
				   __u64 hash)
{
	enum outcome fault = find_fault(ctx, packet, service);
	struct destination to;

	if (fault != NO_FAULT)
		return drop(fault);
	count_service(service, packet);
	to = choose(ctx, packet, family, service, read_bucket(service->pool, hash));
	if (to.here)
		return deliver(ctx, packet, family, to.outcome);
	return forward(ctx, packet, family, service, hash, &to);
}

/* For no service: nobody may tunnel into this machine, and everything else is not the balancer's. */
static __always_inline int leave(struct xdp_md *ctx, const struct packet *packet)
{
	return packet->tunnelled ? drop(OUTCOME_STRANGER) : pass(ctx, OUTCOME_NOT_SERVICE);
}

/* The family of the packet that counts: the inner one of what came encapsulated. */
static __always_inline int inner_family(enum tunnel tunnel, int family)
{
	if (tunnel == TUNNEL_NONE)
		return family;
	return tunnel == TUNNEL_4 ? AF_INET : AF_INET6;
}

/* Any packet. Both families meet again behind the hash, or there would be more code than the verifier goes through. */
static __always_inline int process_any(struct xdp_md *ctx)
{
	struct packet packet = { .end = frame_length(ctx) };
	const struct service *service;
	int family = read_link(ctx, &packet);
	enum tunnel tunnel;
	__u64 hash = 0;

	if (!family)
		return pass(ctx, OUTCOME_NOT_SERVICE);
	tunnel = family == AF_INET ? read_tunnel4(ctx, &packet) : read_tunnel6(ctx, &packet);
	if (tunnel == TUNNEL_BAD)
		return drop(OUTCOME_BAD_TUNNEL);
	family = inner_family(tunnel, family);
	service = family == AF_INET ? recognise(ctx, &packet, AF_INET, &hash) : recognise(ctx, &packet, AF_INET6, &hash);
	return service ? balance(ctx, &packet, family, service, hash) : leave(ctx, &packet);
}

static __always_inline int process_plain(struct xdp_md *ctx, struct packet *packet, const void *ip, int family)
{
	const struct service *service;

	read_plain(packet, ip, family);
	service = find_service(&packet->flow, family);
	if (!service)
		return leave(ctx, packet);
	return balance(ctx, packet, family, service, hash_flow(&packet->flow, family, key[0], key[1]));
}

static __always_inline int process_bare(struct xdp_md *ctx, const void *ip, int family)
{
	struct packet packet = { .link = ETH_HLEN, .l3 = ETH_HLEN, .end = frame_length(ctx) };

	return process_plain(ctx, &packet, ip, family);
}

static __always_inline int process_4_in_4(struct xdp_md *ctx, const struct iphdr *ip)
{
	struct packet packet = { .link = ETH_HLEN, .end = frame_length(ctx) };

	return enter_plain(&packet, ip) ? drop(OUTCOME_BAD_TUNNEL) : process_plain(ctx, &packet, ip + 1, AF_INET);
}

SEC("xdp")
int balancer(struct xdp_md *ctx)
{
	const void *ip = 0;

	switch (plain_kind(ctx, &ip)) {
	case PLAIN_4:
		return process_bare(ctx, ip, AF_INET);
	case PLAIN_6:
		return process_bare(ctx, ip, AF_INET6);
	case PLAIN_4_IN_4:
		return process_4_in_4(ctx, ip);
	default:
		return process_any(ctx);
	}
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
