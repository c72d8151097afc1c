/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reads packets as far as it matters who gets them. Offsets are from the start of the frame, in bytes. */
#pragma once

#include "extensions.h"
#include "flow.h"
#include "frame.h"

#define FIRST_TYPE (2 * ETH_ALEN)
#define MAX_TAGS 2
#define TAG_BYTES 4
#define LONGEST_LINK (ETH_HLEN + MAX_TAGS * TAG_BYTES)

enum packet_kind {
	/* Of no flow. */
	PACKET_OTHER,
	PACKET_TCP,
	PACKET_UDP,
	/* An ICMP message, not yet looked into. */
	PACKET_ICMP,
	/* An ICMP error about a packet of a flow, which it quotes. */
	PACKET_ERROR,
	PACKET_FRAGMENT,
	/* Cut, or behind too many headers, before the ports. */
	PACKET_UNREADABLE,
};

struct packet {
	/* An ICMP error's is that of what it quotes, turned round. */
	struct flow flow;
	/* Where the IP header is that counts: the inner one of what came encapsulated. */
	__u32 l3;
	__u32 l4;
	/* Of the IP packet, as its header says. */
	__u32 length;
	/* Where that ends which the packet is in. */
	__u32 end;
	/* Where the first IP header is. */
	__u32 link;
	__u8 kind;
	/* DSCP and ECN. */
	__u8 tos;
	/* It came encapsulated, by the last hop that it may take, with these ECN bits. */
	__u8 tunnelled;
	__u8 last_hop;
	__u8 outer_ecn;
};

/* Where the type is behind up to two VLAN tags. Code of its own for what is rare, so that the verifier goes through it once. */
__noinline __u32 skip_tags(struct xdp_md *ctx)
{
	__be16 *type = bytes_at(ctx, FIRST_TYPE + TAG_BYTES, sizeof(*type));

	if (!type)
		return 0;
	if (*type != bpf_htons(ETH_P_8021Q) && *type != bpf_htons(ETH_P_8021AD))
		return FIRST_TYPE + TAG_BYTES;
	return FIRST_TYPE + MAX_TAGS * TAG_BYTES;
}

static __always_inline int family_of(__be16 type)
{
	if (type == bpf_htons(ETH_P_IP))
		return AF_INET;
	return type == bpf_htons(ETH_P_IPV6) ? AF_INET6 : 0;
}

static __always_inline int read_tagged(struct xdp_md *ctx, struct packet *packet)
{
	__u64 at = skip_tags(ctx);
	__be16 *type;

	/* The compiler knows the function, the verifier does not. */
	asm volatile("" : "+r"(at));
	if (at < FIRST_TYPE || at > FIRST_TYPE + MAX_TAGS * TAG_BYTES)
		return 0;
	packet->link = packet->l3 = at + sizeof(*type);
	type = bytes_at(ctx, at, sizeof(*type));
	return type ? family_of(*type) : 0;
}

/* Returns the family; 0 for what is not IP. */
static __always_inline int read_link(struct xdp_md *ctx, struct packet *packet)
{
	/* Of two bytes: those of a struct ethhdr are read one by one. */
	__be16 *type = (void *)(long)ctx->data + FIRST_TYPE;

	if ((void *)(type + 1) > (void *)(long)ctx->data_end)
		return 0;
	packet->link = packet->l3 = ETH_HLEN;
	if (*type == bpf_htons(ETH_P_8021Q) || *type == bpf_htons(ETH_P_8021AD))
		return read_tagged(ctx, packet);
	return family_of(*type);
}

static __always_inline __u8 traffic_class(const struct ipv6hdr *ip)
{
	return ip->priority << 4 | ip->flow_lbl[0] >> 4;
}

static __always_inline enum packet_kind read_ports(struct xdp_md *ctx, struct packet *packet)
{
	__be32 *ports = bytes_at(ctx, packet->l4, sizeof(*ports));

	if (!ports)
		return PACKET_UNREADABLE;
	packet->flow.ports = *ports;
	return packet->flow.protocol == IPPROTO_TCP ? PACKET_TCP : PACKET_UDP;
}

static __always_inline int is_balanced(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static __always_inline void note_ipv4(struct packet *packet, const struct iphdr *ip)
{
	packet->length = bpf_ntohs(ip->tot_len);
	packet->tos = ip->tos;
	packet->flow.source[0] = ip->saddr;
	packet->flow.destination[0] = ip->daddr;
	packet->flow.protocol = ip->protocol;
}

static __always_inline void note_ipv6(struct packet *packet, const struct ipv6hdr *ip)
{
	packet->length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	packet->tos = traffic_class(ip);
	packet->flow.protocol = ip->nexthdr;
	__builtin_memcpy(packet->flow.source, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(packet->flow.destination, &ip->daddr, sizeof(ip->daddr));
}

static __always_inline enum packet_kind read_packet4(struct xdp_md *ctx, struct packet *packet)
{
	struct iphdr *ip = bytes_at(ctx, packet->l3, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return PACKET_OTHER;
	packet->l4 = packet->l3 + ip->ihl * 4;
	note_ipv4(packet, ip);
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return is_balanced(ip->protocol) ? PACKET_FRAGMENT : PACKET_OTHER;
	if (is_balanced(ip->protocol))
		return read_ports(ctx, packet);
	return ip->protocol == IPPROTO_ICMP ? PACKET_ICMP : PACKET_OTHER;
}

static __always_inline enum packet_kind read_packet6(struct xdp_md *ctx, struct packet *packet)
{
	struct ipv6hdr *ip = bytes_at(ctx, packet->l3, sizeof(*ip));
	struct chain chain;

	if (!ip || ip->version != 6)
		return PACKET_OTHER;
	chain = (struct chain){ .at = packet->l3 + sizeof(*ip), .protocol = ip->nexthdr };
	note_ipv6(packet, ip);
	if (is_extension(chain.protocol) && follow(ctx, &chain))
		return PACKET_UNREADABLE;
	packet->l4 = chain.at;
	packet->flow.protocol = chain.protocol;
	if (chain.fragment)
		return is_balanced(chain.protocol) ? PACKET_FRAGMENT : PACKET_OTHER;
	if (is_balanced(chain.protocol))
		return read_ports(ctx, packet);
	return chain.protocol == IPPROTO_ICMPV6 ? PACKET_ICMP : PACKET_OTHER;
}
