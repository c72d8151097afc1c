/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which socket of a group with SO_REUSEPORT gets a datagram of QUIC: that which the connection id names, wherever the client is by now.
 * The group has the sockets of all generations of a label. What has no id of ours goes by addresses, or to the generation that works.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "group-sockets.h"
#include "quic-groups.h"
#include "udp-flows.h"

#define SIPHASH_ROUNDS 2
#define SIPHASH_LAST_ROUNDS 4
#include "siphash.h"

#define LONG_HEADER 0x80
/* Of the first octet of a long header, the type of the packet; versions have types of their own (RFC 9000 and RFC 9369). */
#define TYPE_MASK 0x30
#define VERSION_1 0x00000001
#define HANDSHAKE_1 0x20
#define VERSION_2 0x6b3343cf
#define HANDSHAKE_2 0x30

/* Octets of connection ids: the first one has 3 bits of rotation and 5 of the length of what follows. */
#define LENGTH_MASK 0x1f
#define ROTATION_SHIFT 5
#define ROTATION 0
#define SHORTEST 14
#define LONGEST 20
/* Where the tag ends. */
#define NONCE_AT 10

#define NOWHERE 0xffff

/* Of the label whose group it is, by family. */
const volatile __u32 destination4 = NOWHERE;
const volatile __u32 destination6 = NOWHERE;
/* Of the label. */
const volatile __u64 key0 = 0;
const volatile __u64 key1 = 0;

/* As it is on the wire, and as the words that are reckoned with. */
union connection_id {
	struct {
		__u8 first;
		__u8 server[2];
		__u8 generation[2];
		__u8 place;
		__be32 tag;
		__u8 nonce[LONGEST - NONCE_AT];
	} __attribute__((packed));
	struct {
		__u64 head;
		__u64 middle;
		__u32 end;
	};
};

/* What is there of a datagram. */
struct header {
	/* Of long headers, as they follow the first octet. */
	__be32 version;
	__u8 length;
	__u8 zeros[2];
	/* In a short header the id follows. */
	__u8 first;
	union connection_id id;
	/* As far as the verifier sees, an id may have all octets that its length can say. */
	__u8 never[LENGTH_MASK + 1 - LONGEST];
};

enum kind {
	MALFORMED,
	OPENING,
	FOREIGN,
	/* An id of the form of ours. */
	LIKE_OURS,
};

struct address4 {
	__be32 source;
	__be32 destination;
};

struct address6 {
	__be32 source[4];
	__be32 destination[4];
};

static __always_inline int is_handshake(__u8 first, __be32 version)
{
	if (version == bpf_htonl(VERSION_1))
		return (first & TYPE_MASK) == HANDSHAKE_1;
	return version == bpf_htonl(VERSION_2) && (first & TYPE_MASK) == HANDSHAKE_2;
}

static __always_inline int is_ours(__u8 first)
{
	__u32 length = (first & LENGTH_MASK) + 1;

	return first >> ROTATION_SHIFT == ROTATION && length >= SHORTEST && length <= LONGEST;
}

/* Most datagrams: a short header that is longer than any id, read where it is with what follows the id. */
static __always_inline int read_short_header(const struct sk_reuseport_md *ctx, struct header *header)
{
	const __u8 *first = (const __u8 *)(long)ctx->data + sizeof(struct udphdr), *id = first + 1;

	if (id + LONGEST > (const __u8 *)(long)ctx->data_end || *first & LONG_HEADER)
		return 0;
	header->id.head = *(const __u64 *)id;
	header->id.middle = *(const __u64 *)(id + 8);
	header->id.end = *(const __u32 *)(id + 16);
	return 1;
}

/* The id is read by a server's own if the packet has one that the server chose. */
static __always_inline enum kind read_header(struct sk_reuseport_md *ctx, struct header *header)
{
	__u32 at = sizeof(struct udphdr), left = ctx->len, length;

	if (read_short_header(ctx, header))
		return is_ours(header->id.first) ? LIKE_OURS : FOREIGN;
	if (left <= at || bpf_skb_load_bytes(ctx, at, &header->first, 1))
		return MALFORMED;
	if (header->first & LONG_HEADER) {
		if (bpf_skb_load_bytes(ctx, at + 1, &header->version, 5))
			return MALFORMED;
		if (!is_handshake(header->first, header->version))
			return OPENING;
		at += 5;
	}
	at++;
	if (left < at + SHORTEST)
		return header->first & LONG_HEADER ? MALFORMED : FOREIGN;
	if (bpf_skb_load_bytes(ctx, at, &header->id.first, 1))
		return MALFORMED;
	if (!is_ours(header->id.first))
		return FOREIGN;
	length = (header->id.first & LENGTH_MASK) + 1;
	if (header->first & LONG_HEADER && header->length != length)
		return FOREIGN;
	if (bpf_skb_load_bytes(ctx, at, &header->id, length))
		return header->first & LONG_HEADER ? MALFORMED : FOREIGN;
	return LIKE_OURS;
}

/*
 * The first 32 bits of the hash, as they stand in the id, of: the number of the generation, its destination and the id without its tag. The
 * length of all ends the last word.
 */
static __always_inline __be32 reckon_tag(const struct generation *generation, const union connection_id *id)
{
	__u64 owner = bpf_htonl(generation->number) | (__u64)bpf_htons(generation->destination) << 32;
	__u32 length = (id->first & LENGTH_MASK) + 1, hashed = length - sizeof(id->tag) + 6;
	__u64 last = (id->middle >> 48 | (__u64)id->end << 16) & ((1ULL << 8 * (length - SHORTEST)) - 1);
	struct siphash state;

	siphash_begin(&state, key0, key1);
	siphash_add(&state, owner | id->head << 48);
	siphash_add(&state, (__u32)(id->head >> 16) | (id->middle >> 16) << 32);
	return (__be32)siphash_end(&state, last | (__u64)hashed << 56);
}

static __always_inline int select_named(struct sk_reuseport_md *ctx, const union connection_id *id, struct quic_count *count)
{
	__u32 slot = id->generation[0] << 8 | id->generation[1];
	const struct generation *generation = bpf_map_lookup_elem(&generations, &slot);
	struct generation now = {};

	if (generation)
		now = *generation;
	if (!now.number || (now.destination != destination4 && now.destination != destination6) ||
	    reckon_tag(&now, id) != id->tag) {
		count->forged++;
		return 0;
	}
	if (!select_socket(ctx, slot, id->place)) {
		count->closed++;
		return 0;
	}
	count->named++;
	return 1;
}

/* Whether the socket that a datagram names has it; else it is as one of a client that is not known. */
static __always_inline int go_by_id(struct sk_reuseport_md *ctx, struct quic_count *count)
{
	struct header header = {};

	switch (read_header(ctx, &header)) {
	case LIKE_OURS:
		return select_named(ctx, &header.id, count);
	case OPENING:
		count->opening++;
		return 0;
	case FOREIGN:
		count->foreign++;
		return 0;
	default:
		count->malformed++;
		return 0;
	}
}

static __always_inline int read_flow(struct sk_reuseport_md *ctx, int is_ipv6, struct flow_key *key)
{
	struct udphdr udp = {};

	if (bpf_skb_load_bytes(ctx, 0, &udp, sizeof(udp)))
		return 0;
	key->local_port = bpf_ntohs(udp.dest);
	key->remote_port = udp.source;
	if (is_ipv6) {
		struct address6 addresses = {};

		if (bpf_skb_load_bytes_relative(ctx, 8, &addresses, sizeof(addresses), BPF_HDR_START_NET))
			return 0;
		__builtin_memcpy(key->remote, addresses.source, sizeof(key->remote));
		__builtin_memcpy(key->local, addresses.destination, sizeof(key->local));
	} else {
		struct address4 addresses = {};

		if (bpf_skb_load_bytes_relative(ctx, 12, &addresses, sizeof(addresses), BPF_HDR_START_NET))
			return 0;
		key->remote[0] = addresses.source;
		key->local[0] = addresses.destination;
	}
	return 1;
}

/* An open socket of the generation that works, which the flow is then of. */
static __always_inline int give_to_working(struct sk_reuseport_md *ctx, const struct flow_key *key, struct udp_flow *flow)
{
	struct search search = { .ctx = ctx, .hash = ctx->hash };

	if (!select_working(&search, key->destination))
		return 0;
	flow->number = search.number;
	flow->generation = search.generation;
	flow->place = search.place;
	return 1;
}

static __always_inline int go_by_flow(struct sk_reuseport_md *ctx, int is_ipv6, const struct quic_group *group,
				      struct flow_key *key, struct destination_count *counts, int is_led)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct udp_flow *known, flow = { .seen = now };

	if (!read_flow(ctx, is_ipv6, key))
		return SK_DROP;
	known = find_flow(key, now, group->idle);
	if (known && select_socket(ctx, known->generation, known->place)) {
		counts->kept++;
		return SK_PASS;
	}
	if (give_to_working(ctx, key, &flow)) {
		if (is_led)
			bpf_map_update_elem(&flows, key, &flow, BPF_ANY);
		counts->dispatched++;
		return SK_PASS;
	}
	counts->missing++;
	return SK_DROP;
}

/*
 * The kernel asks the group by itself as well, and first, if it is bound to the very address that is called: then it takes no notice of the
 * answer when a binding leads there. So only what a binding has led here is counted and noted.
 */
SEC("sk_reuseport")
int steer_quic(struct sk_reuseport_md *ctx)
{
	int is_ipv6 = (__u16)ctx->eth_protocol == bpf_htons(ETH_P_IPV6), is_led;
	struct flow_key key = { .destination = is_ipv6 ? destination6 : destination4 };
	struct destination_count *counts = bpf_map_lookup_elem(&destination_counts, &key.destination), uncounted = {};
	const struct quic_group *group = bpf_map_lookup_elem(&quic_groups, &key.destination);
	struct quic_count *count = bpf_map_lookup_elem(&quic_counts, &key.destination), none = {};

	/* Nobody is registered any more, so it is the kernel's to choose. */
	if (!counts || !group || !count || !group->entrances[0])
		return SK_PASS;
	is_led = count->is_led != 0;
	count->is_led = 0;
	if (!is_led) {
		counts = &uncounted;
		count = &none;
	}
	if (!go_by_id(ctx, count))
		return go_by_flow(ctx, is_ipv6, group, &key, counts, is_led);
	counts->kept++;
	return SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
