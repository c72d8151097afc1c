/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sends a packet to a backend. */
#pragma once

#include "encapsulate.h"
#include "services.h"
#include "too-big.h"

/* Who a packet goes to, and what the receiver should know. */
struct destination {
	/* It stays on this machine: nothing else matters then but the outcome. */
	__u8 here;
	/* 0 for nobody. */
	__u32 backend;
	/* Whom the receiver may ask next; 0 for nobody. */
	__u32 other;
	/* The receiver delivers in any case. */
	__u8 last_hop;
	enum outcome outcome;
};

static __always_inline const struct backend *find_backend(__u32 index)
{
	const struct backend *backend = bpf_map_lookup_elem(&backends, &index);

	return backend && backend->family ? backend : 0;
}

/* VLAN tags as they stand between the Ethernet addresses and the type. */
struct tags {
	__u32 words[MAX_TAGS];
	__u32 bytes;
};

static __always_inline void save_tags(struct xdp_md *ctx, __u32 bytes, struct tags *tags)
{
	__u32 *words = (void *)(long)ctx->data + 2 * ETH_ALEN;

	tags->bytes = bytes;
	if ((void *)(words + MAX_TAGS) > (void *)(long)ctx->data_end)
		return;
	tags->words[0] = words[0];
	tags->words[1] = words[1];
}

static __always_inline int push(struct xdp_md *ctx, const struct tags *tags, int bytes)
{
	__u32 *to, *from;

	if (bpf_xdp_adjust_head(ctx, -bytes))
		return -1;
	to = (void *)(long)ctx->data;
	from = (void *)to + bytes;
	if ((void *)(from + 3) > (void *)(long)ctx->data_end)
		return -1;
	for (int i = 0; i < 3; i++)
		to[i] = from[i];
	for (int i = 0; i < bytes / TAG_BYTES; i++)
		to[3 + i] = tags->words[i];
	return 0;
}

/* Into a frame that has none now. */
__noinline int push_tags(struct xdp_md *ctx, struct tags *tags)
{
	if (!tags)
		return -1;
	return tags->bytes == TAG_BYTES ? push(ctx, tags, TAG_BYTES) : push(ctx, tags, MAX_TAGS * TAG_BYTES);
}

/* Outer headers before the packet, in the place of everything that is there. */
static __always_inline int put_headers(struct xdp_md *ctx, const struct packet *packet, const struct backend *backend,
				       const struct outer *outer)
{
	if (bpf_xdp_adjust_head(ctx, (int)packet->l3 - ETH_HLEN - (int)outer->overhead))
		return -1;
	return write_headers(ctx, backend, outer);
}

static __always_inline int is_way_back(const struct xdp_md *ctx, const struct backend *backend)
{
	return backend->ifindex == ctx->ingress_ifindex;
}

static __always_inline int transmit(const struct xdp_md *ctx, const struct backend *backend, enum outcome outcome)
{
	count(outcome);
	return is_way_back(ctx, backend) ? XDP_TX : bpf_redirect(backend->ifindex, 0);
}

/* Out by the interface where it came in, behind the same VLAN tags; without any by another one. */
static __always_inline int send_tagged(struct xdp_md *ctx, const struct packet *packet, const struct backend *backend,
				       const struct outer *outer, const struct destination *to)
{
	struct tags tags = {};

	save_tags(ctx, packet->link - ETH_HLEN, &tags);
	if (put_headers(ctx, packet, backend, outer))
		return drop(OUTCOME_NO_ROOM);
	if (is_way_back(ctx, backend) && push_tags(ctx, &tags))
		return drop(OUTCOME_NO_ROOM);
	return transmit(ctx, backend, to->outcome);
}

static __always_inline int send(struct xdp_md *ctx, const struct packet *packet, const struct backend *backend,
				const struct outer *outer, const struct destination *to)
{
	if (!backend->resolved)
		return drop(OUTCOME_NO_ROUTE);
	if (packet->link != ETH_HLEN)
		return send_tagged(ctx, packet, backend, outer, to);
	if (put_headers(ctx, packet, backend, outer))
		return drop(OUTCOME_NO_ROOM);
	return transmit(ctx, backend, to->outcome);
}

/* Whom the receiver may ask next: an IPv4 address, or 0 for somebody whom only the receiver's own table names. */
static __always_inline void set_hop(struct outer *outer, __u32 other)
{
	const struct backend *backend;

	if (!outer->gue || !other)
		return;
	outer->has_hop = 1;
	outer->overhead += HOP_BYTES;
	backend = find_backend(other);
	if (backend && backend->family == AF_INET)
		outer->hop = *(const __be32 *)backend->address;
}

static __always_inline void count_backend(__u32 index, const struct packet *packet, int previous)
{
	struct counts *counts = bpf_map_lookup_elem(&backend_counts, &index);

	if (!counts)
		return;
	if (previous) {
		counts->previous++;
		return;
	}
	counts->packets++;
	counts->bytes += packet->length;
}

static __always_inline int forward(struct xdp_md *ctx, const struct packet *packet, int family, const struct service *service,
				   __u64 hash, const struct destination *to)
{
	const struct backend *backend = find_backend(to->backend);
	struct outer outer = {
		.hash = hash,
		.protocol = family == AF_INET ? IPPROTO_IPIP : IPPROTO_IPV6,
		.tos = packet->tos,
		.gue = service->gue,
		.last_hop = to->last_hop,
	};

	if (!backend || !has_self(backend->family))
		return drop(OUTCOME_NO_BACKEND);
	outer.overhead = backend->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	if (outer.gue)
		outer.overhead += GUE_BYTES;
	set_hop(&outer, to->other);
	outer.length = packet->length + outer.overhead;
	if (outer.length > backend->mtu)
		return refuse_too_big(ctx, packet, family, backend->mtu - outer.overhead);
	count_backend(to->backend, packet, to->outcome == OUTCOME_PREVIOUS);
	return send(ctx, packet, backend, &outer, to);
}
