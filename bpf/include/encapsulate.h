/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Writes Ethernet and outer headers before a packet that goes to a backend. */
#pragma once

#include "backends.h"
#include "counts.h"
#include "outer.h"
#include "packet.h"

/* Both addresses, three words, and the type. */
static __always_inline void write_link(__u32 *to, const __u32 *addresses, __be16 type)
{
	to[0] = addresses[0];
	to[1] = addresses[1];
	to[2] = addresses[2];
	*(__be16 *)(to + 3) = type;
}

/* Ethernet and outer headers at the start of the frame, where room has been made. */
static __always_inline int write_headers(struct xdp_md *ctx, const struct backend *backend, const struct outer *outer)
{
	const __u32 *addresses = (const __u32 *)backend->next_hop;
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	void *ip = data + ETH_HLEN;

	if (backend->family == AF_INET) {
		if (ip + sizeof(struct iphdr) + sizeof(struct gue) > end)
			return -1;
		write_link(data, addresses, bpf_htons(ETH_P_IP));
		write_outer4(ip, outer, *(const __be32 *)backend->address);
		return 0;
	}
	if (ip + sizeof(struct ipv6hdr) + sizeof(struct gue) > end)
		return -1;
	write_link(data, addresses, bpf_htons(ETH_P_IPV6));
	write_outer6(ip, outer, (const __be32 *)backend->address);
	return 0;
}
