/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Headers that an IP packet gets, as it is, on its way to a backend: IP in IP (RFC 2003, RFC 2473, RFC 4213), or GUE variant 0 with the
 * header that GLB and Cloudflare's `unigue` have behind it. What is marked as the last hop is delivered by whoever gets it.
 */
#pragma once

#include "checksum.h"
#include "ip.h"

#define OUTER_TTL 64
/* The highest bit of the flow label, and the identification of IPv4 packets (RFC 6864: free to use where DF is set). */
#define LAST_HOP_LABEL 0x80000
#define LAST_HOP_ID 1

/* Source ports are of the range that is for this (RFC 7510, RFC 8086). */
#define FIRST_ENTROPY_PORT 49152

struct gue {
	struct udphdr udp;
	/* Variant, control bit, and the number of words behind this one. */
	__u8 header;
	__u8 protocol;
	__be16 flags;
	__be16 private_type;
	__u8 next_hop;
	__u8 hops;
	/* Left out where `hops` is 0. */
	__be32 hop;
};

#define GUE_BYTES 16
#define HOP_BYTES 4

/* Own addresses in tunnels. */
const volatile __be32 self4 = 0;
const volatile __u8 self6[16] = {};
const volatile __be16 gue_port = 0;

/* An encapsulation to be made. */
struct outer {
	__u64 hash;
	/* Whom the receiver may ask next, if `has_hop`; 0 where only the receiver's own table names it. */
	__be32 hop;
	/* Bytes of all headers that are added. */
	__u32 overhead;
	/* Of the outer IP packet. */
	__u32 length;
	/* IPPROTO_IPIP or IPPROTO_IPV6. */
	__u8 protocol;
	__u8 tos;
	__u8 gue;
	__u8 has_hop;
	__u8 last_hop;
};

static __always_inline int has_self(int family)
{
	const volatile __be32 *words = (const volatile __be32 *)self6;

	return family == AF_INET ? self4 != 0 : (words[0] | words[1] | words[2] | words[3]) != 0;
}

static __always_inline void write_gue(struct gue *gue, const struct outer *outer, __u32 length)
{
	gue->udp.source = bpf_htons(FIRST_ENTROPY_PORT | (outer->hash >> 48 & 0x3fff));
	gue->udp.dest = gue_port;
	gue->udp.len = bpf_htons(length);
	gue->udp.check = 0;
	gue->header = outer->has_hop ? 2 : 1;
	gue->protocol = outer->protocol;
	gue->flags = 0;
	gue->private_type = 0;
	gue->next_hop = 0;
	gue->hops = outer->has_hop;
	if (outer->has_hop)
		gue->hop = outer->hop;
}

static __always_inline void write_outer4(struct iphdr *ip, const struct outer *outer, __be32 destination)
{
	struct iphdr header = {
		.version = 4,
		.ihl = 5,
		.tos = outer->tos,
		.tot_len = bpf_htons(outer->length),
		.id = outer->last_hop ? bpf_htons(LAST_HOP_ID) : 0,
		.frag_off = bpf_htons(IP_DONT_FRAGMENT),
		.ttl = OUTER_TTL,
		.protocol = outer->gue ? IPPROTO_UDP : outer->protocol,
		.saddr = self4,
		.daddr = destination,
	};

	header.check = fold_checksum(sum_words(0, &header, sizeof(header)));
	*ip = header;
	if (outer->gue)
		write_gue((void *)(ip + 1), outer, outer->length - sizeof(*ip));
}

static __always_inline void write_outer6(struct ipv6hdr *ip, const struct outer *outer, const __be32 *destination)
{
	__u32 label = (outer->hash >> 32 & (LAST_HOP_LABEL - 1)) | (outer->last_hop ? LAST_HOP_LABEL : 0);
	__u32 length = outer->length - sizeof(*ip);

	*(__be32 *)ip = bpf_htonl(6U << 28 | (__u32)outer->tos << 20 | label);
	ip->payload_len = bpf_htons(length);
	ip->nexthdr = outer->gue ? IPPROTO_UDP : outer->protocol;
	ip->hop_limit = OUTER_TTL;
	for (int i = 0; i < 4; i++) {
		ip->saddr.s6_addr32[i] = ((const volatile __be32 *)self6)[i];
		ip->daddr.s6_addr32[i] = destination[i];
	}
	if (outer->gue)
		write_gue((void *)(ip + 1), outer, length);
}
