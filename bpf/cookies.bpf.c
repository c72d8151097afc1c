/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which socket of a group with SO_REUSEPORT gets a datagram: that whose cookie it carries. Where the cookie is, a program before this one knows,
 * which is made of the classic one that the label has. What carries none goes to the generation that works.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "group-sockets.h"
#include "quic-groups.h"

#define LARGEST 0xffff
#define NOWHERE 0xffff

/* Of the label whose group it is, by family. */
const volatile __u32 destination4 = NOWHERE;
const volatile __u32 destination6 = NOWHERE;
/* Whether the kernel chooses if no socket is open that works; else datagrams are dropped. */
const volatile __u32 passes = 0;

struct cookie_key {
	__u32 destination;
	__u32 cookie;
};

/* A socket that is registered. */
struct cookie_place {
	/* The generation's. */
	__u32 number;
	/* In `generations`, and among its sockets. */
	__u16 generation;
	__u16 place;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cookie_key);
	__type(value, struct cookie_place);
} cookies SEC(".maps");

/* What the program before has read from the datagram at hand. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cookie_read SEC(".maps");

/* This program, for the one before. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_program SEC(".maps");

static __always_inline int go_by_cookie(struct sk_reuseport_md *ctx, __u32 destination, __u32 cookie,
					struct quic_count *count)
{
	struct cookie_key key = { .destination = destination, .cookie = cookie };
	const struct generation *generation;
	const struct cookie_place *named;
	__u32 place;

	if (!cookie || cookie > LARGEST) {
		count->opening++;
		return 0;
	}
	named = bpf_map_lookup_elem(&cookies, &key);
	place = named ? named->generation : 0;
	generation = bpf_map_lookup_elem(&generations, &place);
	if (!named || !generation || generation->number != named->number || generation->destination != destination) {
		count->forged++;
		return 0;
	}
	if (!select_socket(ctx, place, named->place)) {
		count->closed++;
		return 0;
	}
	count->named++;
	return 1;
}

SEC("sk_reuseport")
int steer_cookie(struct sk_reuseport_md *ctx)
{
	__u32 destination = (__u16)ctx->eth_protocol == bpf_htons(ETH_P_IPV6) ? destination6 : destination4, first = 0;
	struct destination_count *counts = bpf_map_lookup_elem(&destination_counts, &destination);
	const struct quic_group *group = bpf_map_lookup_elem(&quic_groups, &destination);
	struct quic_count *count = bpf_map_lookup_elem(&quic_counts, &destination);
	const __u32 *cookie = bpf_map_lookup_elem(&cookie_read, &first);
	struct search search = { .ctx = ctx, .hash = ctx->hash };

	/* Nobody is registered any more, so it is the kernel's to choose. */
	if (!counts || !group || !count || !cookie || !group->entrances[0])
		return SK_PASS;
	if (go_by_cookie(ctx, destination, *cookie, count)) {
		counts->kept++;
		return SK_PASS;
	}
	if (select_working(&search, destination)) {
		counts->dispatched++;
		return SK_PASS;
	}
	counts->missing++;
	return passes ? SK_PASS : SK_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
