/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The floor of every measurement: drops each packet without looking at it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	/* Why: measured, never used on real traffic. */
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
