/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The stage behind the firewall: answers SYNs with the kernel's own cookies and drops ACKs that answer none, for destinations that
 * listen here and are under attack. The listener takes a valid ACK for that of a cookie it sent itself (net.ipv4.tcp_syncookies=2),
 * so nothing is kept between SYN and ACK. Options travel in the timestamp as in net/ipv4/syncookies.c.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10

#define IP_MORE_FRAGMENTS 0x2000
#define IP_FRAGMENT_OFFSET 0x1fff
#define IP_DONT_FRAGMENT 0x4000

#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_MSS 2
#define TCP_OPTION_WSCALE 3
#define TCP_OPTION_SACK 4
#define TCP_OPTION_TIMESTAMP 8

#define MAX_TCP_HEADER 60
#define MAX_OPTIONS (MAX_TCP_HEADER - sizeof(struct tcphdr))
#define MAX_WSCALE 14
#define MAX_WINDOW 65535

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_PSH 0x08
#define FLAG_ACK 0x10

/* What the lowest bits of the timestamp in a SYN-ACK say: the client's window scale, or that there is none, SACK, ECN. */
#define COOKIE_BITS 6
#define COOKIE_NO_WSCALE 0xf
#define COOKIE_SACK (1 << 4)
#define COOKIE_ECN (1 << 5)

/* SO_RCVBUF was set (include/net/sock.h). */
#define SOCK_RCVBUF_LOCK 2

#define REPLY_TTL 64
/* Bytes of a SYN-ACK's TCP header at most. */
#define REPLY_SIZE 40
/* Where an IP header begins at most: behind two VLAN tags. */
#define MAX_L3 (ETH_HLEN + 2 * 4)

#define DESTINATIONS 65536
#define CLOSINGS 65536
#define COOKIES 5

/* Which of a packet's ways a counter is about. */
enum cookie { COOKIE_SENT, COOKIE_VALID, COOKIE_BAD, COOKIE_ESTABLISHED, COOKIE_ALARMS };

struct cookie_traffic {
	__u64 packets;
	__u64 bytes;
};

/*
 * What is known of a listener, by a hash of its address and port. Clocks are in jiffies. Two listeners that meet in one place share
 * the alarm; a tag tells them apart for the rest.
 */
struct destination {
	/* When the next SYN would conform to the rate, in 1/65536 of a jiffy (GCRA). */
	__u64 due;
	/* Cookies are sent until then. */
	__u64 alarm;
	/* Whether somebody listens (1 bit), whose place this is (31 bits), and the jiffy until which both hold (32 bits). */
	__u64 listener;
	/* The same of a listener that takes cookies: an ACK cannot have it do so. */
	__u64 served;
};

/* The programs behind the rules: this one, what copies packets for captures and samples, and what sends a SYN-ACK behind that. */
enum stage { STAGE_SYN_COOKIES, STAGE_COPIES, STAGE_ANSWER, STAGE_END };

/* What programs leave for those behind them: src/rules/compile/handover.ts. */
struct handover {
	/* What decided: a slot of the firewall's counters. */
	__u32 slot;
	/* enum xdp_action */
	__u32 verdict;
	/* Not 0 if somebody wants a copy of the packet; who, only those ask who copy it. */
	__u32 wanted;
	__u32 captured;
	__u32 sampled;
	/* The SYN-ACK to send, and its length. */
	__u32 length;
	__u32 l3;
	__u32 family;
	__u32 reply[REPLY_SIZE / 4];
};

/* Slots that stand for this program's verdicts (src/rules/counters.ts). */
#define SLOT_BAD 29
#define SLOT_ANSWERED 30

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STAGE_END);
	__type(key, enum stage);
	__type(value, __u32);
} stages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct handover);
} handovers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COOKIES);
	__type(key, enum cookie);
	__type(value, struct cookie_traffic);
} cookies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, __u32);
	__type(value, struct destination);
} destinations SEC(".maps");

/* The jiffy of the last FIN, by a hash of both ends: a listener that closes first keeps the connection for a while (TIME_WAIT). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLOSINGS);
	__type(key, __u32);
	__type(value, __u32);
} closings SEC(".maps");

/* Rates in 1/65536 of a jiffy a SYN: 0 for cookies always. `calm` is that of the rate at which an alarm ends. */
const volatile __u64 interval = 0;
const volatile __u64 calm_interval = 0;
const volatile __u64 burst = 0;
/* Jiffies that an alarm lasts, and that a look for a listener is good for. */
const volatile __u64 hold = 0;
const volatile __u64 listener_fresh = 0;
/* Jiffies for which a FIN is remembered: longer than TIME_WAIT. */
const volatile __u32 closing_kept = 0;
/* The kernel's clock for TCP timestamps: milliseconds = (jiffies - jiffies_at_zero) * ms_per_jiffy. */
const volatile __u64 jiffies_at_zero = 0;
const volatile __u64 ms_per_jiffy = 0;
const volatile __u64 secret = 0;
/* What the listener's host offers, as its sysctls say. */
const volatile __u16 mss4 = 0;
const volatile __u16 mss6 = 0;
const volatile __u16 window4 = 0;
const volatile __u16 window6 = 0;
const volatile __u8 wscale = 0;
const volatile __u8 use_wscale = 0;
const volatile __u8 use_sack = 0;
const volatile __u8 use_timestamps = 0;
const volatile __u8 use_ecn = 0;
/* Whether there are captures or samples. */
const volatile __u8 copies = 0;

/*
 * The headers of a TCP segment, in the frame. What is asked of them is read when it is asked: values that were read ahead would be
 * kept on the stack on ways that never use them.
 */
struct segment {
	union {
		void *ip;
		struct iphdr *v4;
		struct ipv6hdr *v6;
	};
	struct tcphdr *tcp;
	/* Offset of the IP header from the start of the frame. */
	__u32 l3;
	__u32 family;
};

/* Of the kernel's own types, the members that are read here. */
struct sock {
	__u8 sk_userlocks : 4;
} __attribute__((preserve_access_index));

struct tcp_sock {
	__u32 window_clamp;
} __attribute__((preserve_access_index));

/* A copy of the TCP header of a SYN. */
struct syn {
	struct tcphdr tcp;
	/* Room for one option more, so that its look-ahead needs no check. */
	__u8 options[MAX_OPTIONS + 12];
};

/* Options of a SYN, in host byte order. */
struct syn_options {
	__be32 tsval;
	__u8 wscale;
	__u8 has_timestamp;
	__u8 has_wscale;
	__u8 has_sack;
};

static __always_inline struct handover *find_handover(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&handovers, &zero);
}

static __always_inline void count(enum cookie outcome, __u64 bytes)
{
	struct cookie_traffic *traffic = bpf_map_lookup_elem(&cookies, &outcome);

	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += bytes;
}

/* Kept together, or the compiler holds half of the difference, a pointer, in 32 bits. */
static __always_inline __u64 frame_length(const struct xdp_md *ctx)
{
	__u64 length = (long)ctx->data_end - (long)ctx->data;

	asm volatile("" : "+r"(length));
	return length;
}

/* The place behind the IP header; 0 if that is not one of a whole TCP segment. */
static __always_inline void *skip_ipv4(struct iphdr *ip, void *end)
{
	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5 || ip->protocol != IPPROTO_TCP)
		return 0;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return 0;
	return (void *)ip + ip->ihl * 4;
}

static __always_inline void *skip_ipv6(struct ipv6hdr *ip, void *end)
{
	if ((void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_TCP)
		return 0;
	return ip + 1;
}

/* Finds the headers of a packet that is no fragment and has a whole TCP header; 0 if there are none. */
static __always_inline int find_headers(struct segment *segment, void *end)
{
	segment->tcp = segment->family == AF_INET ? skip_ipv4(segment->v4, end) : skip_ipv6(segment->v6, end);
	return segment->tcp && (void *)(segment->tcp + 1) <= end && segment->tcp->doff * 4 >= sizeof(*segment->tcp);
}

static __always_inline __u8 flags_of(const struct tcphdr *tcp)
{
	return ((const __u8 *)tcp)[13];
}

static __always_inline __u64 two_words(const struct in6_addr *address, int at)
{
	return *(const __u64 *)&address->s6_addr32[at];
}

static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

/* Keyed, so that nobody can aim at the place of another destination. */
static __always_inline __u64 hash_destination(const struct segment *segment)
{
	__be16 port = segment->tcp->dest;
	__u64 hash;

	if (segment->family == AF_INET)
		return mix(secret, (__u64)segment->v4->daddr << 16 | port);
	hash = mix(secret ^ port, two_words(&segment->v6->daddr, 0));
	return mix(hash, two_words(&segment->v6->daddr, 2));
}

/* Where the last FIN between both ends is noted. */
static __always_inline __u32 *find_closing(const struct segment *segment, __u64 hash)
{
	__be16 port = segment->tcp->source;
	__u32 place;

	if (segment->family == AF_INET) {
		hash = mix(hash, (__u64)segment->v4->saddr << 16 | port);
	} else {
		hash = mix(hash ^ port, two_words(&segment->v6->saddr, 0));
		hash = mix(hash, two_words(&segment->v6->saddr, 2));
	}
	place = hash & (CLOSINGS - 1);
	return bpf_map_lookup_elem(&closings, &place);
}

static __always_inline void note_closing(const struct segment *segment, __u64 hash, __u64 now)
{
	__u32 *closed = find_closing(segment, hash);

	if (closed)
		*closed = (__u32)now | 1;
}

/* What the kernel looks for a socket by; returns its length. */
static __always_inline __u32 fill_tuple(struct bpf_sock_tuple *tuple, const struct segment *segment, int any_source)
{
	if (segment->family == AF_INET) {
		tuple->ipv4.daddr = segment->v4->daddr;
		tuple->ipv4.dport = segment->tcp->dest;
		if (!any_source) {
			tuple->ipv4.saddr = segment->v4->saddr;
			tuple->ipv4.sport = segment->tcp->source;
		}
		return sizeof(tuple->ipv4);
	}
	__builtin_memcpy(tuple->ipv6.daddr, &segment->v6->daddr, sizeof(tuple->ipv6.daddr));
	tuple->ipv6.dport = segment->tcp->dest;
	if (!any_source) {
		__builtin_memcpy(tuple->ipv6.saddr, &segment->v6->saddr, sizeof(tuple->ipv6.saddr));
		tuple->ipv6.sport = segment->tcp->source;
	}
	return sizeof(tuple->ipv6);
}

/* State of the socket that the kernel would give this segment to, or that listens for its destination; 0 if there is none. */
static __always_inline __u32 socket_state(struct xdp_md *ctx, const struct segment *segment, int any_source)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = fill_tuple(&tuple, segment, any_source);
	struct bpf_sock *socket = bpf_skc_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	__u32 state;

	if (!socket)
		return 0;
	state = socket->state;
	bpf_sk_release(socket);
	return state;
}

/* A listener of any address is found for destinations that are other hosts', too: those are forwarded. */
static __always_inline int is_local(struct xdp_md *ctx, const struct segment *segment)
{
	struct bpf_fib_lookup fib = { .family = segment->family, .ifindex = ctx->ingress_ifindex };
	long result;

	if (segment->family == AF_INET) {
		fib.ipv4_src = segment->v4->saddr;
		fib.ipv4_dst = segment->v4->daddr;
	} else {
		__builtin_memcpy(fib.ipv6_src, &segment->v6->saddr, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &segment->v6->daddr, sizeof(fib.ipv6_dst));
	}
	result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	return result == BPF_FIB_LKUP_RET_NOT_FWDED || result == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

static __always_inline int is_known(__u64 known, __u32 tag, __u64 now)
{
	return ((__u32)known & ~1U) == tag && (__s32)((known >> 32) - (__u32)now) > 0;
}

/* Asked of the kernel once in a while only: a look for a socket costs more than a cookie's check. */
static __always_inline int listens(struct xdp_md *ctx, const struct segment *segment, struct destination *destination,
				   __u64 hash, __u64 now)
{
	__u32 tag = hash >> 32 & ~1U;
	__u64 known = destination->listener;
	int found;

	if (is_known(known, tag, now))
		return known & 1;
	found = socket_state(ctx, segment, 1) == BPF_TCP_LISTEN && is_local(ctx, segment);
	destination->listener = (now + listener_fresh) << 32 | tag | found;
	return found;
}

/* With a receive buffer or a window clamp of its own a listener has another window scale than the rest: the kernel answers for it. */
static __always_inline int has_own_window(struct bpf_sock *socket)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(socket);

	return !tcp || tcp->window_clamp || (BPF_CORE_READ_BITFIELD((struct sock *)tcp, sk_userlocks) & SOCK_RCVBUF_LOCK);
}

/* Asked again before calls: the verifier of Linux 6.1 forgets what it knew of a length in 32 bits while it is on the stack. */
static __always_inline int is_header_length(__u64 *length)
{
	asm volatile("" : "+r"(*length));
	if (*length < sizeof(struct tcphdr))
		return 0;
	/* Two comparisons, or the compiler makes one of another register. */
	asm volatile("" : "+r"(*length));
	return *length <= MAX_TCP_HEADER;
}

/*
 * Finds the listener for a SYN, and has it note that its queue overflowed, which bpf_tcp_gen_syncookie() does: for 120 s from then it
 * takes the ACKs of cookies (tcp_synq_no_recent_overflow() in include/net/tcp.h). Fails if it does not listen, or its backlog is full.
 */
static __always_inline int note_overflow(struct xdp_md *ctx, const struct segment *segment, const struct syn *syn, __u64 header)
{
	__u32 ip_size = segment->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct bpf_sock_tuple tuple = {};
	__u32 size = fill_tuple(&tuple, segment, 1);
	struct bpf_sock *socket = bpf_skc_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	int noted = 0;

	if (!socket)
		return 0;
	if (socket->state == BPF_TCP_LISTEN && !has_own_window(socket) && is_header_length(&header))
		noted = bpf_tcp_gen_syncookie(socket, segment->ip, ip_size, (void *)&syn->tcp, header) >= 0;
	bpf_sk_release(socket);
	return noted;
}

/* Whether the ACK of a cookie will be taken; asked once in a while, but each time of who cannot: there may be room again at once. */
static __always_inline int takes_cookies(struct xdp_md *ctx, const struct segment *segment, const struct syn *syn, __u64 header,
					 struct destination *destination, __u64 hash, __u64 now)
{
	__u32 tag = hash >> 32 & ~1U;

	if (is_known(destination->served, tag, now))
		return 1;
	if (!note_overflow(ctx, segment, syn, header) || !is_local(ctx, segment))
		return 0;
	destination->served = (now + listener_fresh) << 32 | tag;
	return 1;
}

/* Counts a SYN; true while cookies are to be sent. */
static __always_inline int is_attacked(struct destination *destination, __u64 now)
{
	int alarmed = now < destination->alarm;
	__u64 due = destination->due;
	__u64 earliest = now << 16;

	if (!interval)
		return 1;
	if (due <= earliest + burst) {
		__u64 next = (due > earliest ? due : earliest) + (alarmed ? calm_interval : interval);

		__sync_val_compare_and_swap(&destination->due, due, next);
		return alarmed;
	}
	if (!alarmed)
		count(COOKIE_ALARMS, 0);
	if (destination->alarm != now + hold)
		destination->alarm = now + hold;
	return 1;
}

/* All ones if both are the same, else 0; without a branch, for ways through a loop multiply for the verifier. */
static __always_inline __u64 if_same(__u64 a, __u64 b)
{
	__u64 mask = (__s64)((a ^ b) - 1) >> 63;

	asm volatile("" : "+r"(mask));
	return mask;
}

/* The layout of Linux and Android, which most SYNs have: MSS, SACK, timestamp, NOP, window scale. */
static __always_inline int read_usual_options(const __u8 *options, __u64 length, struct syn_options *found)
{
	const __be32 *words = (const __be32 *)options;

	if (length != 20 || !use_wscale || !use_sack || !use_timestamps)
		return 0;
	if ((words[0] & bpf_htonl(0xffff0000)) != bpf_htonl(TCP_OPTION_MSS << 24 | 4 << 16) ||
	    words[1] != bpf_htonl(TCP_OPTION_SACK << 24 | 2 << 16 | TCP_OPTION_TIMESTAMP << 8 | 10) ||
	    (words[4] & bpf_htonl(0xffffff00)) != bpf_htonl(TCP_OPTION_NOP << 24 | TCP_OPTION_WSCALE << 16 | 3 << 8))
		return 0;
	found->has_sack = found->has_timestamp = found->has_wscale = 1;
	found->tsval = words[2];
	found->wscale = options[19] > MAX_WSCALE ? MAX_WSCALE : options[19];
	return 1;
}

/* Whether it is an option that matters, of the only length it may have: all ones, or 0. */
static __always_inline __u64 if_known(__u64 kind, __u64 size)
{
	__u64 option = kind << 8 | size;

	return if_same(option, TCP_OPTION_WSCALE << 8 | 3) | if_same(option, TCP_OPTION_SACK << 8 | 2) |
	       if_same(option, TCP_OPTION_TIMESTAMP << 8 | 10);
}

/* Notes where the contents of the last option of each kind are, and looks at them later; those that do not matter share place 0. */
static __always_inline void read_options(const __u8 *options, __u64 length, struct syn_options *found)
{
	__u8 places[16] = {};
	__u64 at = 0;

	if (read_usual_options(options, length, found))
		return;
	for (int turn = 0; turn < MAX_OPTIONS; turn++) {
		__u64 kind, size, nop;

		if (at >= length || at >= MAX_OPTIONS)
			break;
		kind = options[at];
		nop = if_same(kind, TCP_OPTION_NOP);
		size = (options[at + 1] & ~nop) | (nop & 1);
		if (kind == TCP_OPTION_END || size < 2 + nop || at + size > length)
			break;
		places[kind & if_known(kind, size) & 15] = at + 2;
		at += size;
	}
	at = places[TCP_OPTION_WSCALE];
	if (use_wscale && at && at <= MAX_OPTIONS) {
		found->has_wscale = 1;
		found->wscale = options[at] > MAX_WSCALE ? MAX_WSCALE : options[at];
	}
	found->has_sack = use_sack && places[TCP_OPTION_SACK];
	at = places[TCP_OPTION_TIMESTAMP];
	if (use_timestamps && at && at <= MAX_OPTIONS) {
		found->has_timestamp = 1;
		__builtin_memcpy(&found->tsval, options + at, sizeof(found->tsval));
	}
}

/* The time, its lowest bits replaced by what must not be forgotten until the ACK; never ahead of the kernel's clock. */
static __always_inline __u32 cookie_time(const struct syn_options *options, int ecn, __u64 now)
{
	__u32 time = (now - jiffies_at_zero) * ms_per_jiffy;
	__u32 bits = options->has_wscale ? options->wscale : COOKIE_NO_WSCALE;
	__u32 stamp;

	if (options->has_sack)
		bits |= COOKIE_SACK;
	if (ecn)
		bits |= COOKIE_ECN;
	stamp = time >> COOKIE_BITS << COOKIE_BITS | bits;
	return (__s32)(stamp - time) > 0 ? stamp - (1 << COOKIE_BITS) : stamp;
}

struct reply {
	struct tcphdr tcp;
	__be32 options[5];
};

/* Whole segments, which are longer without timestamps. */
static __always_inline __u16 window_of(const struct segment *segment, const struct syn_options *options, __u32 mss)
{
	if (!options->has_timestamp)
		return MAX_WINDOW - MAX_WINDOW % mss;
	return segment->family == AF_INET ? window4 : window6;
}

/* A SYN-ACK in the layout that Linux gives it; returns its length. */
static __always_inline __u32 make_reply(struct reply *reply, const struct segment *segment, const struct syn_options *options,
					__u32 cookie, int ecn, __u64 now)
{
	__u32 mss = segment->family == AF_INET ? mss4 : mss6;
	__u32 words = 1;

	reply->options[0] = bpf_htonl(TCP_OPTION_MSS << 24 | 4 << 16 | mss);
	if (options->has_timestamp) {
		__u32 before = options->has_sack ? TCP_OPTION_SACK << 24 | 2 << 16 : TCP_OPTION_NOP << 24 | TCP_OPTION_NOP << 16;

		reply->options[1] = bpf_htonl(before | TCP_OPTION_TIMESTAMP << 8 | 10);
		reply->options[2] = bpf_htonl(cookie_time(options, ecn, now));
		reply->options[3] = options->tsval;
		words = 4;
		if (options->has_wscale) {
			reply->options[4] = bpf_htonl(TCP_OPTION_NOP << 24 | TCP_OPTION_WSCALE << 16 | 3 << 8 | wscale);
			words = 5;
		}
	}
	reply->tcp.source = segment->tcp->dest;
	reply->tcp.dest = segment->tcp->source;
	reply->tcp.seq = bpf_htonl(cookie);
	reply->tcp.ack_seq = bpf_htonl(bpf_ntohl(segment->tcp->seq) + 1);
	reply->tcp.doff = 5 + words;
	reply->tcp.syn = 1;
	reply->tcp.ack = 1;
	reply->tcp.ece = ecn;
	reply->tcp.window = bpf_htons(window_of(segment, options, mss));
	return sizeof(reply->tcp) + words * 4;
}

static __always_inline __sum16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u64 add_words(__u64 sum, const void *words, int bytes)
{
	for (int i = 0; i < bytes / 4; i++)
		sum += ((const __u32 *)words)[i];
	return sum;
}

static __always_inline void finish_reply(struct reply *reply, const struct segment *segment, __u32 length)
{
	__u64 sum = add_words(bpf_htons(IPPROTO_TCP), reply, sizeof(*reply)) + bpf_htons(length);

	if (segment->family == AF_INET)
		sum = add_words(sum, &segment->v4->saddr, 2 * sizeof(segment->v4->saddr));
	else
		sum = add_words(sum, &segment->v6->saddr, 2 * sizeof(segment->v6->saddr));
	reply->tcp.check = fold(sum);
}

/* Copies in words, which are aligned where the compiler cannot know it: it would copy byte by byte. */
static __always_inline void copy_words(void *to, const void *from, int bytes)
{
	for (int i = 0; i < bytes / 4; i++)
		((__u32 *)to)[i] = ((const __u32 *)from)[i];
}

static __always_inline void swap_addresses(struct ethhdr *ethernet)
{
	__u16 *to = (__u16 *)ethernet->h_dest, *from = (__u16 *)ethernet->h_source;

	for (int i = 0; i < ETH_ALEN / 2; i++) {
		__u16 part = to[i];

		to[i] = from[i];
		from[i] = part;
	}
}

/* In place of the header of what is answered. For the checksum nothing is read that was just written: that is slow. */
static __always_inline void write_ipv4(struct iphdr *ip, __u32 length)
{
	__be16 total = bpf_htons(sizeof(*ip) + length);
	__u64 sum = bpf_htons(0x4500) + bpf_htons(IP_DONT_FRAGMENT) + bpf_htons(REPLY_TTL << 8 | IPPROTO_TCP);
	__be32 saddr = ip->daddr, daddr = ip->saddr;

	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = total,
		.frag_off = bpf_htons(IP_DONT_FRAGMENT),
		.ttl = REPLY_TTL,
		.protocol = IPPROTO_TCP,
		.check = fold(sum + total + saddr + daddr),
		.saddr = saddr,
		.daddr = daddr,
	};
}

static __always_inline void write_ipv6(struct ipv6hdr *ip, __u32 length)
{
	*ip = (struct ipv6hdr){
		.version = 6,
		.payload_len = bpf_htons(length),
		.nexthdr = IPPROTO_TCP,
		.hop_limit = REPLY_TTL,
		.saddr = ip->daddr,
		.daddr = ip->saddr,
	};
}

/* How much longer the frame is with a SYN-ACK of this length. */
static __always_inline int growth(struct xdp_md *ctx, __u32 l3, __u32 family, __u32 length)
{
	__u32 l4 = l3 + (family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));

	return (int)(l4 + length) - (int)frame_length(ctx);
}

/* Turns the frame into the reply, VLAN tags as they are. Nothing has changed if it returns XDP_PASS; else headers are elsewhere. */
static __always_inline int send_reply(struct xdp_md *ctx, __u32 l3, __u32 family, const void *reply, __u32 length)
{
	__u32 l4 = l3 + (family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__u64 bytes = frame_length(ctx);
	int more = growth(ctx, l3, family, length);
	void *data, *end, *ip, *to;

	if (more && bpf_xdp_adjust_tail(ctx, more))
		return XDP_PASS;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	ip = data + l3;
	to = data + l4;
	/* Each of them, for the verifier knows l3 as a range only. */
	if (data + ETH_HLEN > end || ip + (l4 - l3) > end || to + sizeof(struct tcphdr) + 4 > end)
		return XDP_ABORTED;
	swap_addresses(data);
	if (family == AF_INET)
		write_ipv4(ip, length);
	else
		write_ipv6(ip, length);
	copy_words(to, reply, sizeof(struct tcphdr) + 4);
	if (to + sizeof(struct tcphdr) + 16 <= end && length >= sizeof(struct tcphdr) + 16)
		copy_words(to + sizeof(struct tcphdr) + 4, reply + sizeof(struct tcphdr) + 4, 12);
	if (to + REPLY_SIZE <= end && length == REPLY_SIZE)
		copy_words(to + sizeof(struct tcphdr) + 16, reply + sizeof(struct tcphdr) + 16, 4);
	count(COOKIE_SENT, bytes);
	return XDP_TX;
}

/* Leaves the reply to be sent when the SYN was copied; asks before whether the frame can have its length. */
static __always_inline int keep_reply(struct xdp_md *ctx, const struct segment *segment, const struct reply *reply, __u32 length)
{
	int more = growth(ctx, segment->l3, segment->family, length);
	struct handover *handover = find_handover();

	if (!handover || (more > 0 && (bpf_xdp_adjust_tail(ctx, more) || bpf_xdp_adjust_tail(ctx, -more))))
		return XDP_PASS;
	handover->length = length;
	handover->l3 = segment->l3;
	handover->family = segment->family;
	copy_words(handover->reply, reply, REPLY_SIZE);
	return XDP_TX;
}

/* Goes on to what copies the packet, with what became of it. */
static __always_inline int copied(struct xdp_md *ctx, int verdict)
{
	struct handover *handover = find_handover();

	if (!handover || !handover->wanted)
		return verdict;
	handover->verdict = verdict;
	if (verdict != XDP_PASS)
		handover->slot = verdict == XDP_TX ? SLOT_ANSWERED : SLOT_BAD;
	bpf_tail_call(ctx, &stages, STAGE_COPIES);
	return verdict == XDP_TX ? XDP_PASS : verdict;
}

/* RFC 3168 6.1.1, and net/ipv4/tcp_input.c, tcp_ecn_create_request(): a cookie keeps ECN in the timestamp alone. */
static __always_inline int wants_ecn(const struct tcphdr *tcp, const struct segment *segment, const struct syn_options *options)
{
	__u8 ecn_field = segment->family == AF_INET ? segment->v4->tos & 3 : segment->v6->flow_lbl[0] >> 4 & 3;
	int is_plain = !ecn_field || tcp->res1;

	return use_ecn && options->has_timestamp && tcp->ece && tcp->cwr && is_plain;
}

static __always_inline int has_connection(struct xdp_md *ctx, const struct segment *segment)
{
	__u32 state = socket_state(ctx, segment, 0);

	return state != 0 && state != BPF_TCP_LISTEN;
}

/*
 * A SYN between ends whose connection has just been closed: only the kernel can tell whether it may follow an old one, and an ACK
 * would meet that.
 */
static __always_inline int may_follow(struct xdp_md *ctx, const struct segment *segment, __u64 hash, __u64 now)
{
	__u32 *closed = find_closing(segment, hash);

	return closed && *closed && (__s32)((__u32)now - *closed) < (__s32)closing_kept && has_connection(ctx, segment);
}

/* A copy, to look at options one by one; most SYNs have 20 bytes of them and are spared the call. */
static __always_inline int copy_syn(struct xdp_md *ctx, const struct segment *segment, struct syn *syn, __u64 header)
{
	void *tcp = segment->tcp;
	__u32 ip_size = segment->family == AF_INET ? segment->v4->ihl * 4 : sizeof(struct ipv6hdr);

	if (header != 40 || tcp + 40 > (void *)(long)ctx->data_end)
		return bpf_xdp_load_bytes(ctx, segment->l3 + ip_size, syn, header);
	copy_words(syn, tcp, 40);
	return 0;
}

/* Whether somebody wants a copy of this packet. */
static __always_inline int is_wanted(void)
{
	struct handover *handover = copies ? find_handover() : 0;

	return handover && handover->wanted;
}

static __always_inline int on_syn(struct xdp_md *ctx, const struct segment *segment, struct destination *destination, __u64 hash,
				  __u64 now)
{
	struct syn syn = {};
	__u64 header = segment->tcp->doff * 4;
	struct syn_options options = {};
	struct reply reply = {};
	__u32 length;
	__s64 cookie;
	int ecn;

	if (!is_header_length(&header) || copy_syn(ctx, segment, &syn, header))
		return XDP_PASS;
	if (!takes_cookies(ctx, segment, &syn, header, destination, hash, now) || !is_header_length(&header))
		return XDP_PASS;
	if (segment->family == AF_INET)
		cookie = bpf_tcp_raw_gen_syncookie_ipv4(segment->v4, &syn.tcp, header);
	else
		cookie = bpf_tcp_raw_gen_syncookie_ipv6(segment->v6, &syn.tcp, header);
	if (cookie < 0)
		return XDP_PASS;
	read_options(syn.options, header - sizeof(syn.tcp), &options);
	ecn = wants_ecn(&syn.tcp, segment, &options);
	length = make_reply(&reply, segment, &options, cookie, ecn, now);
	finish_reply(&reply, segment, length);
	return is_wanted() ? keep_reply(ctx, segment, &reply, length)
			   : send_reply(ctx, segment->l3, segment->family, &reply, length);
}

static __always_inline int has_valid_cookie(const struct segment *segment)
{
	if (segment->family == AF_INET)
		return !bpf_tcp_raw_check_syncookie_ipv4(segment->v4, segment->tcp);
	return !bpf_tcp_raw_check_syncookie_ipv6(segment->v6, segment->tcp);
}

/* What is likelier is asked first: data belongs to a connection, a bare ACK may be the end of a handshake. */
static __always_inline enum cookie judge_ack(struct xdp_md *ctx, const struct segment *segment, int bare)
{
	if (!bare && has_connection(ctx, segment))
		return COOKIE_ESTABLISHED;
	if (has_valid_cookie(segment))
		return COOKIE_VALID;
	return bare && has_connection(ctx, segment) ? COOKIE_ESTABLISHED : COOKIE_BAD;
}

static __always_inline int filter(struct xdp_md *ctx, __u32 l3, __u32 family)
{
	struct segment segment = { .ip = (void *)(long)ctx->data + l3, .l3 = l3, .family = family };
	struct destination *destination;
	enum cookie outcome;
	__u64 hash, now;
	__u32 place;
	__u8 flags;

	if (!find_headers(&segment, (void *)(long)ctx->data_end))
		return XDP_PASS;
	flags = flags_of(segment.tcp);
	if (flags & FLAG_RST || (flags & FLAG_SYN ? flags & (FLAG_ACK | FLAG_FIN) : !(flags & FLAG_ACK)))
		return XDP_PASS;
	hash = hash_destination(&segment);
	place = hash & (DESTINATIONS - 1);
	destination = bpf_map_lookup_elem(&destinations, &place);
	if (!destination)
		return XDP_PASS;
	now = bpf_jiffies64();
	if (flags & FLAG_SYN) {
		if (!is_attacked(destination, now) || may_follow(ctx, &segment, hash, now))
			return XDP_PASS;
		return on_syn(ctx, &segment, destination, hash, now);
	}
	if (flags & FLAG_FIN)
		note_closing(&segment, hash, now);
	if ((interval && now >= destination->alarm) || !listens(ctx, &segment, destination, hash, now))
		return XDP_PASS;
	outcome = judge_ack(ctx, &segment, !(flags & (FLAG_FIN | FLAG_PSH)));
	count(outcome, frame_length(ctx));
	return outcome == COOKIE_BAD ? XDP_DROP : XDP_PASS;
}

/* Looks behind up to two VLAN tags; code of its own for either family, so that nothing is kept for the other. */
static __always_inline int judge(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__be16 *type = data + offsetof(struct ethhdr, h_proto);
	__u32 l3 = ETH_HLEN;

	for (int tags = 0; tags < 2; tags++) {
		if ((void *)(type + 1) > end)
			return XDP_PASS;
		if (*type != bpf_htons(ETH_P_8021Q) && *type != bpf_htons(ETH_P_8021AD))
			break;
		type += 2;
		l3 += 4;
	}
	if ((void *)(type + 1) > end)
		return XDP_PASS;
	if (*type == bpf_htons(ETH_P_IP))
		return filter(ctx, l3, AF_INET);
	return *type == bpf_htons(ETH_P_IPV6) ? filter(ctx, l3, AF_INET6) : XDP_PASS;
}

SEC("xdp")
int syncookies(struct xdp_md *ctx)
{
	int verdict = judge(ctx);

	return copies ? copied(ctx, verdict) : verdict;
}

/* Sends the SYN-ACK to a SYN that was copied. */
SEC("xdp")
int answer(struct xdp_md *ctx)
{
	struct handover *handover = find_handover();

	if (!handover || handover->l3 > MAX_L3)
		return XDP_PASS;
	if (handover->family == AF_INET)
		return send_reply(ctx, handover->l3, AF_INET, handover->reply, handover->length);
	return send_reply(ctx, handover->l3, AF_INET6, handover->reply, handover->length);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
