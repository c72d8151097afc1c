/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reads what came encapsulated to this machine, and takes the outer headers off. */
#pragma once

#include "encapsulate.h"
#include "packet.h"

#define ECN_NONE 0
#define ECN_ECT1 1
#define ECN_CE 3
#define ECN_MASK 3

#define GUE_BASE_BYTES 4

#define FARTHEST_INNER 255

enum tunnel {
	/* Not encapsulated, or not for this machine. */
	TUNNEL_NONE,
	TUNNEL_BAD,
	TUNNEL_4,
	TUNNEL_6,
};

/* Goes on to an inner packet between two offsets. */
static __always_inline enum tunnel enter_tunnel(struct packet *packet, __u8 protocol, __u32 from, __u32 to)
{
	if (to > packet->end || from > to)
		return TUNNEL_BAD;
	packet->tunnelled = 1;
	/* No farther than two tags, the longest IPv4 header and the longest of GUE; masked, for the verifier to see one range. */
	packet->l3 = from & FARTHEST_INNER;
	packet->end = to;
	if (protocol == IPPROTO_IPIP)
		return TUNNEL_4;
	return protocol == IPPROTO_IPV6 ? TUNNEL_6 : TUNNEL_BAD;
}

/* UDP that is no tunnel's is everybody's. */
static __always_inline enum tunnel enter_gue(const struct xdp_md *ctx, struct packet *packet, __u32 at, __u32 outer_end)
{
	struct udphdr *udp = bytes_at(ctx, at, sizeof(*udp));
	__u32 length;
	__u8 *gue;

	if (!udp || udp->dest != gue_port)
		return TUNNEL_NONE;
	length = bpf_ntohs(udp->len);
	gue = bytes_at(ctx, at + sizeof(*udp), GUE_BASE_BYTES);
	/* Variant 0, no control message; whatever is behind the first word is not needed. */
	if (!gue || gue[0] >> 5 || at + length > outer_end || outer_end > packet->end)
		return TUNNEL_BAD;
	return enter_tunnel(packet, gue[1], at + sizeof(*udp) + GUE_BASE_BYTES + gue[0] * 4, at + length);
}

static __always_inline enum tunnel enter(const struct xdp_md *ctx, struct packet *packet, __u8 protocol, __u32 at, __u32 outer_end)
{
	if (protocol == IPPROTO_UDP)
		return gue_port ? enter_gue(ctx, packet, at, outer_end) : TUNNEL_NONE;
	if (protocol != IPPROTO_IPIP && protocol != IPPROTO_IPV6)
		return TUNNEL_NONE;
	return enter_tunnel(packet, protocol, at, outer_end);
}

static __always_inline void note_outer4(struct packet *packet, const struct iphdr *ip)
{
	packet->last_hop = ip->id == bpf_htons(LAST_HOP_ID);
	packet->outer_ecn = ip->tos & ECN_MASK;
}

static __always_inline enum tunnel read_tunnel4(struct xdp_md *ctx, struct packet *packet)
{
	struct iphdr *ip = bytes_at(ctx, packet->l3, sizeof(*ip));

	if (!ip || ip->daddr != self4 || !self4 || ip->version != 4 || ip->ihl < 5)
		return TUNNEL_NONE;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return ip->protocol == IPPROTO_IPIP || ip->protocol == IPPROTO_IPV6 ? TUNNEL_BAD : TUNNEL_NONE;
	note_outer4(packet, ip);
	return enter(ctx, packet, ip->protocol, packet->l3 + ip->ihl * 4, packet->l3 + bpf_ntohs(ip->tot_len));
}

static __always_inline int is_self6(const struct in6_addr *address)
{
	const volatile __be32 *words = (const volatile __be32 *)self6;

	return address->s6_addr32[0] == words[0] && address->s6_addr32[1] == words[1] && address->s6_addr32[2] == words[2] &&
	       address->s6_addr32[3] == words[3];
}

static __always_inline enum tunnel read_tunnel6(struct xdp_md *ctx, struct packet *packet)
{
	struct ipv6hdr *ip = bytes_at(ctx, packet->l3, sizeof(*ip));
	__u32 at = packet->l3 + sizeof(*ip);

	if (!ip || ip->version != 6 || !has_self(AF_INET6) || !is_self6(&ip->daddr))
		return TUNNEL_NONE;
	packet->last_hop = (*(__be32 *)ip & bpf_htonl(LAST_HOP_LABEL)) != 0;
	packet->outer_ecn = traffic_class(ip) & ECN_MASK;
	return enter(ctx, packet, ip->nexthdr, at, at + bpf_ntohs(ip->payload_len));
}

/* What ECN the inner packet goes on with (RFC 6040, figure 4); fails where it must not go on. */
static __always_inline int merge_ecn(struct packet *packet)
{
	__u8 inner = packet->tos & ECN_MASK;

	if (packet->outer_ecn == ECN_NONE)
		return 0;
	if (packet->outer_ecn == ECN_CE && inner == ECN_NONE)
		return -1;
	if (inner != ECN_NONE && inner != ECN_CE && (packet->outer_ecn == ECN_CE || packet->outer_ecn == ECN_ECT1))
		packet->tos = (packet->tos & ~ECN_MASK) | packet->outer_ecn;
	return 0;
}

static __always_inline void set_tos4(struct iphdr *ip, __u8 tos)
{
	__u64 sum;

	if (ip->tos == tos)
		return;
	/* RFC 1624. */
	sum = (__u64)(__u16)~ip->check + (__u16)~bpf_htons(ip->tos) + bpf_htons(tos);
	ip->check = fold_checksum(sum);
	ip->tos = tos;
}

static __always_inline void set_tos6(struct ipv6hdr *ip, __u8 tos)
{
	ip->priority = tos >> 4;
	ip->flow_lbl[0] = (ip->flow_lbl[0] & 0x0f) | tos << 4;
}

/* Moves the link header, VLAN tags and all, up to where the inner packet follows. All is read before anything is written. */
static __always_inline void move_link(const __u32 *from, __u32 *to, __u32 link, __be16 type)
{
	__u32 first = from[0], second = from[1], third = from[2], fourth = from[3], fifth = from[4];

	to[0] = first;
	to[1] = second;
	to[2] = third;
	if (link == ETH_HLEN) {
		*(__be16 *)(to + 3) = type;
		return;
	}
	to[3] = fourth;
	if (link == ETH_HLEN + TAG_BYTES) {
		*(__be16 *)(to + 4) = type;
		return;
	}
	to[4] = fifth;
	*(__be16 *)(to + 5) = type;
}

static __always_inline int set_tos(const struct xdp_md *ctx, const struct packet *packet, int family)
{
	void *ip;

	if (family == AF_INET) {
		ip = bytes_at(ctx, packet->l3, sizeof(struct iphdr));
		if (ip)
			set_tos4(ip, packet->tos);
	} else {
		ip = bytes_at(ctx, packet->l3, sizeof(struct ipv6hdr));
		if (ip)
			set_tos6(ip, packet->tos);
	}
	return ip ? 0 : -1;
}

/* Takes the outer headers off. It cannot fail, but the verifier does not know. */
static __always_inline int decapsulate(struct xdp_md *ctx, const struct packet *packet, int family)
{
	__u32 taken = packet->l3 - packet->link;
	__u32 *from, *to;

	/* Otherwise it is as it was. */
	if (packet->outer_ecn != ECN_NONE && set_tos(ctx, packet, family))
		return -1;
	to = bytes_at(ctx, taken, LONGEST_LINK);
	if (!to)
		return -1;
	from = bytes_at(ctx, 0, LONGEST_LINK);
	if (!from)
		return -1;
	move_link(from, to, packet->link, family == AF_INET ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6));
	return bpf_xdp_adjust_head(ctx, taken);
}
