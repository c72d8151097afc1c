/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Tells senders of packets that do not fit into an encapsulation how long they may be (RFC 1191, RFC 8201). */
#pragma once

#include "checksum.h"
#include "counts.h"
#include "packet.h"

#define ICMP4_UNREACHABLE 3
#define ICMP4_FRAGMENTATION_NEEDED 4
#define ICMP6_PACKET_TOO_BIG 2

#define REPLY_TTL 64
/* Internetwork control, as the kernel marks its errors. */
#define REPLY_TOS 0xc0

/* Bytes of a packet that are quoted: no answer is longer than 576 bytes (RFC 1812), and no helper sums up more at once. */
#define QUOTE 512

/* A window is 2^27 ns, about an eighth of a second. */
#define WINDOW_SHIFT 27

struct budget {
	__u64 window;
	__u64 sent;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct budget);
} too_big_budget SEC(".maps");

/* Answers of each CPU in a window of 134 ms. */
const volatile __u32 too_big_burst = 128;

struct icmp_too_big {
	__u8 type;
	__u8 code;
	__sum16 check;
	__be32 mtu;
};

static __always_inline int may_answer(void)
{
	__u64 window = bpf_ktime_get_ns() >> WINDOW_SHIFT;
	__u32 zero = 0;
	struct budget *budget = bpf_map_lookup_elem(&too_big_budget, &zero);

	if (!budget)
		return 0;
	if (budget->window != window) {
		budget->window = window;
		budget->sent = 0;
	}
	return budget->sent++ < too_big_burst;
}

/* Nobody is told who cannot be meant, nor about what may be fragmented on the way (RFC 1122, 3.2.2; RFC 4443, 2.4). */
static __always_inline int can_be_told(const struct xdp_md *ctx, __u32 l3, int family)
{
	if (family == AF_INET) {
		struct iphdr *ip = bytes_at(ctx, l3, sizeof(*ip));
		__u8 first = ip ? bpf_ntohl(ip->saddr) >> 24 : 0;

		return first != 0 && first != 127 && first < 224 && (ip->frag_off & bpf_htons(IP_DONT_FRAGMENT));
	} else {
		struct ipv6hdr *ip = bytes_at(ctx, l3, sizeof(*ip));
		__u8 first = ip ? ip->saddr.s6_addr[0] : 0;

		return first != 0 && first != 0xff;
	}
}

/*
 * The link header of the answer: back to whom the packet came from, behind the same VLAN tags. Where there are none, what is copied too much is
 * overwritten by the IP header, which comes after this.
 */
static __always_inline void turn_link(__u16 *to, const __u16 *from)
{
	for (int i = 0; i < ETH_ALEN / 2; i++) {
		to[i] = from[ETH_ALEN / 2 + i];
		to[ETH_ALEN / 2 + i] = from[i];
	}
	for (int i = ETH_ALEN; i < LONGEST_LINK / 2; i++)
		to[i] = from[i];
}

static __always_inline void write_answer4(struct iphdr *ip, const struct iphdr *about, __u64 quoted, __u32 mtu)
{
	struct icmp_too_big icmp = { .type = ICMP4_UNREACHABLE, .code = ICMP4_FRAGMENTATION_NEEDED, .mtu = bpf_htonl(mtu) };
	struct iphdr header = {
		.version = 4,
		.ihl = 5,
		.tos = REPLY_TOS,
		.tot_len = bpf_htons(sizeof(header) + sizeof(icmp) + QUOTE),
		.frag_off = bpf_htons(IP_DONT_FRAGMENT),
		.ttl = REPLY_TTL,
		.protocol = IPPROTO_ICMP,
		.saddr = about->daddr,
		.daddr = about->saddr,
	};

	header.check = fold_checksum(sum_words(0, &header, sizeof(header)));
	icmp.check = fold_checksum(sum_words(quoted, &icmp, sizeof(icmp)));
	*ip = header;
	*(struct icmp_too_big *)(ip + 1) = icmp;
}

static __always_inline void write_answer6(struct ipv6hdr *ip, const struct ipv6hdr *about, __u64 quoted, __u32 mtu)
{
	struct icmp_too_big icmp = { .type = ICMP6_PACKET_TOO_BIG, .mtu = bpf_htonl(mtu) };
	__u64 sum = quoted + bpf_htonl(sizeof(icmp) + QUOTE) + bpf_htonl(IPPROTO_ICMPV6);

	sum = sum_words(sum, &about->saddr, sizeof(about->saddr) + sizeof(about->daddr));
	icmp.check = fold_checksum(sum_words(sum, &icmp, sizeof(icmp)));
	*(__be32 *)ip = bpf_htonl(6U << 28 | REPLY_TOS << 20);
	ip->payload_len = bpf_htons(sizeof(icmp) + QUOTE);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = REPLY_TTL;
	ip->saddr = about->daddr;
	ip->daddr = about->saddr;
	*(struct icmp_too_big *)(ip + 1) = icmp;
}

/* Makes the frame the answer to it, if it may be. `mtu` is what would have been right. */
static __always_inline int write_answer(struct xdp_md *ctx, __u32 link, __u32 mtu, int family)
{
	__u32 room = (family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) + sizeof(struct icmp_too_big);
	void *about, *to, *ip;
	__s64 quoted;

	if (!can_be_told(ctx, link, family) || !may_answer())
		return -1;
	if (bpf_xdp_adjust_tail(ctx, (int)(link + QUOTE) - (int)frame_length(ctx)) || bpf_xdp_adjust_head(ctx, -(int)room))
		return -1;
	about = bytes_at(ctx, room + link, QUOTE);
	if (!about)
		return -1;
	quoted = bpf_csum_diff(0, 0, about, QUOTE, 0);
	to = bytes_at(ctx, 0, room + LONGEST_LINK);
	if (quoted < 0 || !to)
		return -1;
	turn_link(to, to + room);
	ip = bytes_at(ctx, link, room);
	if (!ip)
		return -1;
	if (family == AF_INET)
		write_answer4(ip, about, quoted, mtu);
	else
		write_answer6(ip, about, quoted, mtu);
	return 0;
}

__noinline int answer_too_big4(struct xdp_md *ctx, __u32 link, __u32 mtu)
{
	return write_answer(ctx, link, mtu, AF_INET);
}

__noinline int answer_too_big6(struct xdp_md *ctx, __u32 link, __u32 mtu)
{
	return write_answer(ctx, link, mtu, AF_INET6);
}

static __always_inline int refuse_too_big(struct xdp_md *ctx, const struct packet *packet, int family, __u32 mtu)
{
	if (packet->tunnelled || packet->kind == PACKET_ERROR || packet->length < QUOTE)
		return drop(OUTCOME_TOO_BIG_DROPPED);
	if (family == AF_INET && packet->kind == PACKET_FRAGMENT)
		return drop(OUTCOME_TOO_BIG_DROPPED);
	if (family == AF_INET ? answer_too_big4(ctx, packet->link, mtu) : answer_too_big6(ctx, packet->link, mtu))
		return drop(OUTCOME_TOO_BIG_DROPPED);
	count(OUTCOME_TOO_BIG);
	return XDP_TX;
}
