/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whose packets belong together: both addresses, both ports and the protocol, as clients send them. */
#pragma once

#include "ip.h"
#include "siphash.h"

/* IPv4 addresses are the first words. Ports are as in the packet, the source's first; none of fragments. */
struct flow {
	__be32 source[4];
	__be32 destination[4];
	__be32 ports;
	__u8 protocol;
};

static __always_inline __u64 pair(__u32 first, __u32 second)
{
	return (__u64)second << 32 | first;
}

/* By shifts: of two halves in memory the compiler would put the word together again, for the hash. */
static __always_inline __be16 destination_port(const struct flow *flow)
{
	return bpf_ntohl(1) == 1 ? flow->ports : flow->ports >> 16;
}

static __always_inline __be16 source_port(const struct flow *flow)
{
	return bpf_ntohl(1) == 1 ? flow->ports >> 16 : flow->ports;
}

/* SipHash-1-3 of source, destination, ports and protocol: 13 or 37 bytes. */
static __always_inline __u64 hash_flow(const struct flow *flow, int family, __u64 key0, __u64 key1)
{
	__u64 last = (__u64)flow->protocol << 32 | flow->ports;
	struct siphash state;

	siphash_begin(&state, key0, key1);
	if (family == AF_INET) {
		siphash_add(&state, pair(flow->source[0], flow->destination[0]));
		return siphash_end(&state, last | 13ULL << 56);
	}
	siphash_add(&state, pair(flow->source[0], flow->source[1]));
	siphash_add(&state, pair(flow->source[2], flow->source[3]));
	siphash_add(&state, pair(flow->destination[0], flow->destination[1]));
	siphash_add(&state, pair(flow->destination[2], flow->destination[3]));
	return siphash_end(&state, last | 37ULL << 56);
}
