/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What nearly all packets are: TCP or UDP without VLAN tags, options, extension headers and fragments. Where everything is in them is
 * known when this is compiled, so that they take fewer instructions.
 */
#pragma once

#include "packet.h"
#include "tunnel.h"

/* Version 4, five words. */
#define PLAIN_IPV4 0x45

/* Bytes of both. */
#define PORTS 4

enum plain { PLAIN_NONE, PLAIN_4, PLAIN_6, PLAIN_4_IN_4 };

static __always_inline int is_plain4(const struct iphdr *ip)
{
	return *(const __u8 *)ip == PLAIN_IPV4 && !(ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET));
}

/* Of IPv4, the outer header if there are two. */
static __always_inline enum plain plain_kind4(const struct xdp_md *ctx, const struct iphdr *ip)
{
	if (!is_plain4(ip))
		return PLAIN_NONE;
	if (!self4 || ip->daddr != self4)
		return is_balanced(ip->protocol) ? PLAIN_4 : PLAIN_NONE;
	if (ip->protocol != IPPROTO_IPIP || !bytes_at(ctx, ETH_HLEN, 2 * sizeof(*ip) + PORTS))
		return PLAIN_NONE;
	return is_plain4(ip + 1) && is_balanced(ip[1].protocol) ? PLAIN_4_IN_4 : PLAIN_NONE;
}

static __always_inline enum plain plain_kind6(const struct xdp_md *ctx, const struct ipv6hdr *ip)
{
	if (!bytes_at(ctx, ETH_HLEN, sizeof(*ip) + PORTS) || ip->version != 6 || !is_balanced(ip->nexthdr))
		return PLAIN_NONE;
	return has_self(AF_INET6) && is_self6(&ip->daddr) ? PLAIN_NONE : PLAIN_6;
}

/* Says where the first IP header is, too. Frames that end before the ports of the shorter one are left to others. */
static __always_inline enum plain plain_kind(const struct xdp_md *ctx, const void **ip)
{
	void *frame = bytes_at(ctx, 0, ETH_HLEN + sizeof(struct iphdr) + PORTS);
	__be16 type;

	if (!frame)
		return PLAIN_NONE;
	*ip = frame + ETH_HLEN;
	type = *(__be16 *)(frame + FIRST_TYPE);
	if (type == bpf_htons(ETH_P_IP))
		return plain_kind4(ctx, *ip);
	return type == bpf_htons(ETH_P_IPV6) ? plain_kind6(ctx, *ip) : PLAIN_NONE;
}

/* Goes to the inner one of two plain headers; fails if the outer one lies. */
static __always_inline int enter_plain(struct packet *packet, const struct iphdr *ip)
{
	__u32 end = ETH_HLEN + bpf_ntohs(ip->tot_len);

	if (end > packet->end)
		return -1;
	note_outer4(packet, ip);
	packet->tunnelled = 1;
	packet->l3 = ETH_HLEN + sizeof(*ip);
	packet->end = end;
	return 0;
}

/* Of a packet that is plain, with its ports. */
static __always_inline void read_plain(struct packet *packet, const void *ip, int family)
{
	__u32 header = family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (family == AF_INET)
		note_ipv4(packet, ip);
	else
		note_ipv6(packet, ip);
	packet->l4 = packet->l3 + header;
	packet->flow.ports = *(const __be32 *)(ip + header);
	packet->kind = packet->flow.protocol == IPPROTO_TCP ? PACKET_TCP : PACKET_UDP;
}
