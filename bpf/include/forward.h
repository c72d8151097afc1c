/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sends a packet to a backend. */
#pragma once

#include "encapsulate.h"
#include "services.h"
#include "too-big.h"

/* Who a packet goes to, and what the receiver should know. */
struct destination {
	__u32 backend;
	/* Whom the receiver may ask next; 0 for nobody. */
	__u32 other;
	/* The receiver delivers in any case. */
	__u8 last_hop;
	enum outcome outcome;
};

/* The way to a backend: interface and Ethernet addresses. */
struct way {
	__u32 ifindex;
	/* As they begin a frame. */
	__u32 addresses[3];
};

static __always_inline const struct backend *find_backend(__u32 index)
{
	const struct backend *backend = bpf_map_lookup_elem(&backends, &index);

	return backend && backend->family ? backend : 0;
}

/* Asks the kernel's routes and neighbours. */
__noinline int find_way(struct xdp_md *ctx, __u32 index, struct way *way)
{
	struct bpf_fib_lookup fib = { .ifindex = ctx->ingress_ifindex };
	const struct backend *backend = find_backend(index);

	if (!backend || !way)
		return -1;
	fib.family = backend->family;
	if (backend->family == AF_INET) {
		fib.ipv4_src = self4;
		fib.ipv4_dst = *(const __be32 *)backend->address;
	} else {
		__builtin_memcpy(fib.ipv6_src, (const void *)self6, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, backend->address, sizeof(fib.ipv6_dst));
	}
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return -1;
	way->ifindex = fib.ifindex;
	__builtin_memcpy(way->addresses, fib.dmac, ETH_ALEN);
	__builtin_memcpy((void *)way->addresses + ETH_ALEN, fib.smac, ETH_ALEN);
	return 0;
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

/* Makes room before the packet for outer headers, in the place of everything that is there. */
static __always_inline int make_room(struct xdp_md *ctx, const struct packet *packet, const struct outer *outer)
{
	return bpf_xdp_adjust_head(ctx, (int)packet->l3 - ETH_HLEN - (int)outer->overhead);
}

/* Out by the interface where it came in, behind the same VLAN tags; without any by another one. */
static __always_inline int transmit(struct xdp_md *ctx, __u32 ifindex, struct tags *tags, enum outcome outcome)
{
	if (ifindex != ctx->ingress_ifindex) {
		count(outcome);
		return bpf_redirect(ifindex, 0);
	}
	if (tags->bytes && push_tags(ctx, tags))
		return drop(OUTCOME_NO_ROOM);
	count(outcome);
	return XDP_TX;
}

static __always_inline int send(struct xdp_md *ctx, const struct packet *packet, const struct backend *backend,
				const struct outer *outer, const struct destination *to)
{
	struct tags tags = {};
	struct way way = {};

	if (packet->link != ETH_HLEN)
		save_tags(ctx, packet->link - ETH_HLEN, &tags);
	if (backend->resolved) {
		if (make_room(ctx, packet, outer) || write_headers(ctx, backend, outer, (const __u32 *)backend->next_hop))
			return drop(OUTCOME_NO_ROOM);
		return transmit(ctx, backend->ifindex, &tags, to->outcome);
	}
	if (find_way(ctx, to->backend, &way))
		return drop(OUTCOME_NO_ROUTE);
	if (make_room(ctx, packet, outer) || write_headers(ctx, backend, outer, way.addresses))
		return drop(OUTCOME_NO_ROOM);
	return transmit(ctx, way.ifindex, &tags, to->outcome);
}

/* The address of who is to be asked next: of IPv4, or 0, which says that there is somebody, whom the receiver's own table names. */
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
