/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The XDP root of an interface. It looks at nothing: it counts what it receives, then goes on to the first stage there is.
 * Stages are programs in one array, swapped under traffic one slot at a time.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "stages.h"

#define OUTCOMES 2

/* Without a stage a packet is passed, and counted as unfiltered too. */
enum outcome { OUTCOME_RECEIVED, OUTCOME_UNFILTERED };

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OUTCOMES);
	__type(key, enum outcome);
	__type(value, struct traffic);
} received SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGES);
	__type(key, enum stage);
	__type(value, __u32);
} stages SEC(".maps");

static __always_inline void count(enum outcome outcome, __u64 bytes)
{
	struct traffic *traffic = bpf_map_lookup_elem(&received, &outcome);

	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += bytes;
}

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	__u64 bytes = ctx->data_end - ctx->data;

	count(OUTCOME_RECEIVED, bytes);
	bpf_tail_call(ctx, &stages, STAGE_FIREWALL);
	bpf_tail_call(ctx, &stages, STAGE_BALANCER);
	count(OUTCOME_UNFILTERED, bytes);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
