/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Notes the flows of UDP servers as they answer, so that datagrams of spoofed clients fill nothing. Run at a control group for each datagram
 * that is sent by a socket which is not connected.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "memberships.h"
#include "udp-flows.h"

#define SEND 1

/* Whether flows are noted, for each destination. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, __u32);
	__type(value, __u32);
} answering SEC(".maps");

/* Flows that were noted, for each destination. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, __u32);
	__type(value, __u64);
} noted SEC(".maps");

/* The socket is registered still, for a destination that notes answers. */
static __always_inline int is_answering(const struct membership *own)
{
	__u32 destination = own->destination, place = own->generation;
	const struct generation *generation;
	const __u32 *wanted;

	if (!own->number)
		return 0;
	wanted = bpf_map_lookup_elem(&answering, &destination);
	if (!wanted || !*wanted)
		return 0;
	generation = bpf_map_lookup_elem(&generations, &place);
	return generation && generation->number == own->number && generation->destination == destination;
}

/* A flow that another socket has stays there, also if its generation does not work any more. */
static __always_inline void note(const struct flow_key *key, const struct membership *own)
{
	struct udp_flow *known = bpf_map_lookup_elem(&flows, key);
	struct udp_flow flow = {
		.seen = bpf_ktime_get_coarse_ns(),
		.number = own->number,
		.generation = own->generation,
		.place = own->place,
	};
	__u32 destination = key->destination;
	__u64 *count;

	if (known) {
		if (known->number == flow.number && known->place == flow.place && flow.seen - known->seen >= SECOND)
			known->seen = flow.seen;
		return;
	}
	if (bpf_map_update_elem(&flows, key, &flow, BPF_NOEXIST))
		return;
	count = bpf_map_lookup_elem(&noted, &destination);
	if (count)
		(*count)++;
}

/* Of a socket of IPv6 that sends to an IPv4 address, too. A local address of 0 is one that the kernel chooses only later. */
SEC("cgroup/sendmsg4")
int answer4(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *socket = ctx->sk;
	struct memberships *of = bpf_sk_storage_get(&memberships, socket, 0, 0);
	struct flow_key key = {};

	if (!of || !is_answering(&of->ipv4))
		return SEND;
	key.local[0] = ctx->msg_src_ip4;
	key.local_port = socket->src_port;
	key.remote[0] = ctx->user_ip4;
	key.remote_port = ctx->user_port;
	key.destination = of->ipv4.destination;
	note(&key, &of->ipv4);
	return SEND;
}

SEC("cgroup/sendmsg6")
int answer6(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *socket = ctx->sk;
	struct memberships *of = bpf_sk_storage_get(&memberships, socket, 0, 0);
	struct flow_key key = {};

	if (!of || !is_answering(&of->ipv6))
		return SEND;
	key.local[0] = ctx->msg_src_ip6[0];
	key.local[1] = ctx->msg_src_ip6[1];
	key.local[2] = ctx->msg_src_ip6[2];
	key.local[3] = ctx->msg_src_ip6[3];
	key.local_port = socket->src_port;
	key.remote[0] = ctx->user_ip6[0];
	key.remote[1] = ctx->user_ip6[1];
	key.remote[2] = ctx->user_ip6[2];
	key.remote[3] = ctx->user_ip6[3];
	key.remote_port = ctx->user_port;
	key.destination = of->ipv6.destination;
	note(&key, &of->ipv6);
	return SEND;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
