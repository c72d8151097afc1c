/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * ICMP errors about packets of a service go where the flow goes that they are about: it is that of the quoted packet, turned round.
 * Four bytes behind the quoted IP header suffice.
 */
#pragma once

#include "icmp.h"
#include "packet.h"

/* Of the quoted packet, which this machine sent or another one of the service. */
static __always_inline int read_quoted_ports(struct xdp_md *ctx, struct flow *flow, __u32 at)
{
	__be32 *ports = bytes_at(ctx, at, sizeof(*ports));

	if (!ports)
		return -1;
	flow->ports = *ports << 16 | *ports >> 16;
	return at + sizeof(*ports);
}

/* Fills in the flow, of which the destination is known; returns where the ports end, or -1 if it is no such error. */
__noinline int read_error4(struct xdp_md *ctx, struct flow *flow, __u32 at)
{
	__u8 *icmp = bytes_at(ctx, at, ICMP_BYTES + sizeof(struct iphdr));
	struct iphdr *quoted = (void *)icmp + ICMP_BYTES;

	if (!flow || !icmp || !is_error4(icmp[0]))
		return -1;
	if (quoted->version != 4 || quoted->ihl < 5 || (quoted->frag_off & bpf_htons(IP_FRAGMENT_OFFSET)))
		return -1;
	if (!is_balanced(quoted->protocol) || quoted->saddr != flow->destination[0])
		return -1;
	flow->protocol = quoted->protocol;
	flow->source[0] = quoted->daddr;
	return read_quoted_ports(ctx, flow, at + ICMP_BYTES + quoted->ihl * 4);
}

__noinline int read_error6(struct xdp_md *ctx, struct flow *flow, __u32 at)
{
	__u8 *icmp = bytes_at(ctx, at, ICMP_BYTES + sizeof(struct ipv6hdr));
	struct ipv6hdr *quoted = (void *)icmp + ICMP_BYTES;
	struct chain chain = {};

	if (!flow || !icmp || !is_error6(icmp[0]) || quoted->version != 6)
		return -1;
	for (int i = 0; i < 4; i++)
		if (quoted->saddr.s6_addr32[i] != flow->destination[i])
			return -1;
	__builtin_memcpy(flow->source, &quoted->daddr, sizeof(flow->source));
	chain.at = at + ICMP_BYTES + sizeof(*quoted);
	chain.protocol = quoted->nexthdr;
	if (follow(ctx, &chain) || chain.later || !is_balanced(chain.protocol))
		return -1;
	flow->protocol = chain.protocol;
	return read_quoted_ports(ctx, flow, chain.at);
}

static __always_inline enum packet_kind read_icmp(struct xdp_md *ctx, struct packet *packet, int family)
{
	struct flow flow = packet->flow;
	int to = family == AF_INET ? read_error4(ctx, &flow, packet->l4) : read_error6(ctx, &flow, packet->l4);

	if (to < 0 || to > packet->l3 + packet->length)
		return PACKET_OTHER;
	packet->flow = flow;
	return PACKET_ERROR;
}
