/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How a program of a group with SO_REUSEPORT gives a datagram to one of the sockets that are registered. */
#pragma once

#include "generations.h"

static __always_inline int select_socket(struct sk_reuseport_md *ctx, __u32 generation, __u32 place)
{
	__u32 slot = generation * SOCKETS + place;

	return place < SOCKETS && !bpf_sk_select_reuseport(ctx, &sockets, &slot, 0);
}

struct search {
	struct sk_reuseport_md *ctx;
	__u32 hash;
	/* Of the generation: its place in `generations`, its number, and the places that it has. */
	__u32 generation;
	__u32 number;
	__u32 count;
	__u32 place;
	__u32 is_found;
};

/* One round of a search, which ends with an open socket. */
static long try_place(__u32 round, struct search *search)
{
	search->place = (search->hash + round) % search->count;
	if (select_socket(search->ctx, search->generation, search->place))
		search->is_found = 1;
	return search->is_found != 0;
}

/* An open socket of the generation that works at a destination; 0 if there is none. */
static __always_inline int select_working(struct search *search, __u32 destination)
{
	const __u32 *working = bpf_map_lookup_elem(&destinations, &destination);
	const struct generation *generation;

	if (!working || !*working)
		return 0;
	search->generation = *working;
	generation = bpf_map_lookup_elem(&generations, &search->generation);
	if (!generation || generation->destination != destination)
		return 0;
	search->number = generation->number;
	search->count = generation->places;
	bpf_loop(search->count, try_place, search, 0);
	return search->is_found;
}
