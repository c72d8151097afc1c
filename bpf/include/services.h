/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is balanced: a hash table in an array, read with one look for each shape that keys have. */
#pragma once

#include "flow.h"

#define SERVICE_SLOTS 4096
#define SHAPES 8
/* A key stands at most so many slots behind the one that its hash names, minus one. */
#define PROBES 8

/*
 * What a slot is. A search ends at a free slot, and goes on behind a removed one. A portless key (port 0) says that an address has a
 * service of this protocol at some port: by it fragments are found, and packets whose ports cannot be read.
 */
enum slot {
	SLOT_FREE,
	SLOT_REMOVED,
	SLOT_PORTS4,
	SLOT_PORTS6,
	SLOT_PORTLESS4,
	SLOT_PORTLESS6,
} __attribute__((packed));

struct service {
	/* Masked to the prefix; an IPv4 address is the first 4 bytes, the rest 0. */
	__u8 address[16];
	/* 0 for any. */
	__be16 port;
	__u8 protocol;
	/* Of the prefix, bits. */
	__u8 length;
	/* Written last. */
	enum slot kind;
	/* Encapsulated in GUE, else in IP. */
	_Bool gue;
	/* Connection ids may name the server. */
	_Bool quic;
	/* Fragments go by both addresses, else they are dropped. */
	_Bool fragments;
	/* Of its counters in `service_counts`. */
	__u32 index;
	/* First row of its pool in `buckets`, a multiple of 16. */
	__u32 pool;
};

/* What kinds of keys there are, the most specific first: longest prefix, then a port before any port. */
struct shape {
	__u8 mask[16];
	__u16 length;
	__u16 any_port;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SERVICE_SLOTS);
	__type(key, __u32);
	__type(value, struct service);
} services SEC(".maps");

/* Slots of `services` less one: a power of two less one. */
const volatile __u32 service_mask = 0;
const volatile struct shape shapes4[SHAPES] = {};
const volatile struct shape shapes6[SHAPES] = {};
const volatile __u32 shapes4_count = 0;
const volatile __u32 shapes6_count = 0;

/* What a slot is compared with. The tail is port, protocol and length, in the order of the struct. */
struct service_key {
	__be32 address[4];
	__u32 tail;
	__u32 kind;
};

static __always_inline __u64 scramble(__u64 word)
{
	word *= 0x9e3779b97f4a7c15;
	return word ^ word >> 32;
}

/* The first slot to look at. */
static __always_inline __u32 service_slot(const struct service_key *key, int family)
{
	__u64 word = key->address[0];

	if (family == AF_INET6)
		word = (__u32)(scramble(scramble(pair(key->address[0], key->address[1])) ^ pair(key->address[2], key->address[3])));
	word = (word | (__u64)key->tail << 32) * 0x9e3779b97f4a7c15;
	return (word >> 32 ^ word >> 48) & service_mask;
}

static __always_inline int is_service(const struct service *service, const struct service_key *key, int family)
{
	const __be32 *address = (const __be32 *)service->address;

	if (*(const __u32 *)&service->port != key->tail || service->kind != key->kind || address[0] != key->address[0])
		return 0;
	return family == AF_INET ||
	       (address[1] == key->address[1] && address[2] == key->address[2] && address[3] == key->address[3]);
}

/* Says in which slot it was found, too. */
static __always_inline const struct service *find_key(const struct service_key *key, int family, __u32 *slot)
{
	*slot = service_slot(key, family);
	for (int probe = 0; probe < PROBES; probe++) {
		const struct service *service = bpf_map_lookup_elem(&services, slot);

		if (!service || service->kind == SLOT_FREE)
			return 0;
		if (is_service(service, key, family))
			return service;
		*slot = (*slot + 1) & service_mask;
	}
	return 0;
}

static __always_inline void fill_key(struct service_key *key, const struct flow *flow, int family,
				     const volatile struct shape *shape, __be16 port)
{
	const volatile __be32 *mask = (const volatile __be32 *)shape->mask;

	key->address[0] = flow->destination[0] & mask[0];
	if (family == AF_INET6) {
		key->address[1] = flow->destination[1] & mask[1];
		key->address[2] = flow->destination[2] & mask[2];
		key->address[3] = flow->destination[3] & mask[3];
	}
	key->tail = (__u32)shape->length << 24 | (__u32)flow->protocol << 16 | port;
}

/* By destination, port and protocol. */
static __always_inline const struct service *find_service(const struct flow *flow, int family)
{
	const volatile struct shape *shapes = family == AF_INET ? shapes4 : shapes6;
	__u32 count = family == AF_INET ? shapes4_count : shapes6_count;
	struct service_key key = { .kind = family == AF_INET ? SLOT_PORTS4 : SLOT_PORTS6 };
	const struct service *found;
	__u32 slot;

	for (__u32 i = 0; i < SHAPES && i < count; i++) {
		fill_key(&key, flow, family, &shapes[i], shapes[i].any_port ? 0 : destination_port(flow));
		found = find_key(&key, family, &slot);
		if (found)
			return found;
	}
	return 0;
}

static __always_inline int find_portless_slot(const struct flow *flow, int family)
{
	const volatile struct shape *shapes = family == AF_INET ? shapes4 : shapes6;
	__u32 count = family == AF_INET ? shapes4_count : shapes6_count;
	struct service_key key = { .kind = family == AF_INET ? SLOT_PORTLESS4 : SLOT_PORTLESS6 };
	__u32 slot;

	for (__u32 i = 0; i < SHAPES && i < count; i++) {
		if (i > 0 && shapes[i].length == shapes[i - 1].length)
			continue;
		fill_key(&key, flow, family, &shapes[i], 0);
		if (find_key(&key, family, &slot))
			return slot;
	}
	return -1;
}

/* Code of its own for what is rare: the slot, or -1. */
__noinline int find_portless4(struct flow *flow)
{
	return flow ? find_portless_slot(flow, AF_INET) : -1;
}

__noinline int find_portless6(struct flow *flow)
{
	return flow ? find_portless_slot(flow, AF_INET6) : -1;
}

/* By destination and protocol alone. */
static __always_inline const struct service *find_portless(const struct flow *flow, int family)
{
	struct flow copy = *flow;
	__s32 slot = family == AF_INET ? find_portless4(&copy) : find_portless6(&copy);
	__u32 found = slot;

	return slot < 0 ? 0 : bpf_map_lookup_elem(&services, &found);
}
