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
	__u32 other = bucket.current == self ? bucket.previous : bucket.current;

	return other == self ? 0 : other;
}

/* For a packet that stays here unless it is of a flow that somebody else has. */
static __always_inline struct destination keep(struct xdp_md *ctx, const struct packet *packet, int family, struct bucket bucket)
{
	struct destination to = { .outcome = packet->tunnelled ? OUTCOME_DECAPSULATED : OUTCOME_LOCAL };
	__u32 other = other_owner(bucket);

	/* Fragments have no ports: they stay with the owner. */
	if (!other || packet->kind == PACKET_FRAGMENT)
		return to;
	to.outcome = ask(ctx, packet, family);
	if (to.outcome == OUTCOME_PREVIOUS) {
		to.backend = other;
		to.last_hop = 1;
	}
	return to;
}

/* Who is to get a packet; no backend is this machine itself. */
static __always_inline struct destination choose(struct xdp_md *ctx, const struct packet *packet, int family,
						 const struct service *service, struct bucket bucket)
{
	struct destination to = { .backend = bucket.current, .other = bucket.previous, .outcome = OUTCOME_FORWARDED };
	__u32 named = service->quic ? quic_backend(ctx, packet) : 0;

	if (named && named == self)
		return (struct destination){ .outcome = OUTCOME_QUIC_LOCAL };
	if (packet->last_hop && packet->tunnelled)
		return (struct destination){ .outcome = OUTCOME_LAST_HOP };
	if (named)
		return (struct destination){ .backend = named, .last_hop = packet->tunnelled, .outcome = OUTCOME_QUIC_FORWARDED };
	if (packet->tunnelled || (self && bucket.current == self))
		return keep(ctx, packet, family, bucket);
	if (!to.backend)
		to.outcome = OUTCOME_NO_BACKEND;
	return to;
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

static __always_inline void count_service(const struct service *service, const struct packet *packet,
					  const struct destination *to)
{
	__u32 index = service->index;
	struct counts *counts = bpf_map_lookup_elem(&service_counts, &index);

	if (!counts)
		return;
	if (!packet->tunnelled) {
		counts->packets++;
		counts->bytes += packet->length;
	}
	if (to->outcome >= OUTCOME_SOCKET && to->outcome <= OUTCOME_PREVIOUS)
		counts->transitions++;
	if (to->outcome == OUTCOME_PREVIOUS)
		counts->previous++;
}

static __always_inline int balance(struct xdp_md *ctx, struct packet *packet, int family, const struct service *service,
				   __u64 hash)
{
	enum outcome fault = find_fault(ctx, packet, service);
	struct destination to;

	if (fault != NO_FAULT)
		return drop(fault);
	to = choose(ctx, packet, family, service, read_bucket(service->pool, hash));
	count_service(service, packet, &to);
	if (to.outcome == OUTCOME_NO_BACKEND)
		return drop(OUTCOME_NO_BACKEND);
	if (!to.backend)
		return deliver(ctx, packet, family, to.outcome);
	return forward(ctx, packet, family, service, hash, &to);
}

/* The family of the packet that counts: the inner one of what came encapsulated. */
static __always_inline int inner_family(enum tunnel tunnel, int family)
{
	if (tunnel == TUNNEL_NONE)
		return family;
	return tunnel == TUNNEL_4 ? AF_INET : AF_INET6;
}

SEC("xdp")
int balancer(struct xdp_md *ctx)
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
	if (service)
		return balance(ctx, &packet, family, service, hash);
	return packet.tunnelled ? drop(OUTCOME_STRANGER) : pass(ctx, OUTCOME_NOT_SERVICE);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
