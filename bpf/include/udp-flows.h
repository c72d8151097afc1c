/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which socket has which flow of datagrams. A set without bindings that keep flows has room for one. */
#pragma once

#include "generations.h"

#define SECOND 1000000000ULL

struct flow_key {
	/* An IPv4 address is the first 4 bytes, the rest 0. */
	__be32 local[4];
	__be32 remote[4];
	/* In the machine's byte order. */
	__u16 local_port;
	__be16 remote_port;
	__u32 destination;
};

struct udp_flow {
	/* Of the last datagram, nanoseconds since the machine started, as exact as a second. */
	__u64 seen;
	/* The generation's, by which a flow of an earlier one at its place is told. */
	__u32 number;
	/* In `generations`, and among its sockets. */
	__u16 generation;
	__u16 place;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct flow_key);
	__type(value, struct udp_flow);
} flows SEC(".maps");

/* The socket that a flow has, if it is not idle and neither socket nor generation have gone. */
static __always_inline struct udp_flow *find_flow(const struct flow_key *key, __u64 now, __u64 idle)
{
	struct udp_flow *flow = bpf_map_lookup_elem(&flows, key);
	struct generation *generation;
	__u32 place;

	if (!flow || now - flow->seen >= idle)
		return 0;
	place = flow->generation;
	generation = bpf_map_lookup_elem(&generations, &place);
	if (!generation || generation->number != flow->number || generation->destination != key->destination)
		return 0;
	if (now - flow->seen >= SECOND)
		flow->seen = now;
	return flow;
}
