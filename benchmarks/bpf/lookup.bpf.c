/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What dispatch is measured with: the least that a program costs which chooses sockets, whatever it does. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} only SEC(".maps");

#define ADDRESSES 100000

/* IPv4 addresses that lead to the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ADDRESSES);
	__type(key, __be32);
	__type(value, __u32);
} addresses SEC(".maps");

/* Leaves everything to the kernel. */
SEC("sk_lookup")
int nothing(struct bpf_sk_lookup *ctx)
{
	return SK_PASS;
}

static __always_inline int assign_only(struct bpf_sk_lookup *ctx)
{
	__u32 first = 0;
	struct bpf_sock *socket = bpf_map_lookup_elem(&only, &first);

	if (!socket)
		return SK_DROP;
	bpf_sk_assign(ctx, socket, BPF_SK_LOOKUP_F_NO_REUSEPORT);
	bpf_sk_release(socket);
	return SK_PASS;
}

/* Gives everything to one socket. */
SEC("sk_lookup")
int least(struct bpf_sk_lookup *ctx)
{
	return assign_only(ctx);
}

/* Gives what is for one of many addresses to it, as the kernel's own hash map finds them. */
SEC("sk_lookup")
int least_of_many(struct bpf_sk_lookup *ctx)
{
	__be32 address = ctx->local_ip4;

	return bpf_map_lookup_elem(&addresses, &address) ? assign_only(ctx) : SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
