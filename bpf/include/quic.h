/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connection ids that name their server in the clear (draft-ietf-quic-load-balancers-21): a first octet with 3 bits of rotation and 5 of
 * the length of what follows, 2 octets of server id, and a nonce of 4 octets or more.
 */
#pragma once

#include "backends.h"
#include "packet.h"

#define QUIC_LONG_HEADER 0x80
/* First octet and version; the length of the connection id is behind them. */
#define QUIC_LONG_LENGTH 5
/* Octets of an id before the nonce, and of the shortest nonce. */
#define QUIC_NAMED 3
#define QUIC_NONCE 4
#define QUIC_LENGTH_BITS 5
#define QUIC_LENGTH_MASK ((1 << QUIC_LENGTH_BITS) - 1)

/* The rotation bits of ids that are read. */
const volatile __u8 quic_rotation = 0;

/* Where the id is that the receiver chose; 0 if it has not the length that it says. */
static __always_inline __u32 find_id(const struct xdp_md *ctx, __u32 payload)
{
	__u8 *quic = bytes_at(ctx, payload, QUIC_LONG_LENGTH + 2);

	if (!quic)
		return 0;
	if (!(quic[0] & QUIC_LONG_HEADER))
		return payload + 1;
	if (quic[QUIC_LONG_LENGTH] != (quic[QUIC_LONG_LENGTH + 1] & QUIC_LENGTH_MASK) + 1)
		return 0;
	return payload + QUIC_LONG_LENGTH + 1;
}

/* The backend that the connection id names; 0 if there is none. */
static __always_inline __u32 quic_backend(const struct xdp_md *ctx, const struct packet *packet)
{
	__u32 at = packet->kind == PACKET_UDP ? find_id(ctx, packet->l4 + sizeof(struct udphdr)) : 0;
	__u8 *id = at ? bytes_at(ctx, at, QUIC_NAMED) : 0;
	__u32 server, length;
	__u16 *backend;

	if (!id)
		return 0;
	length = id[0] & QUIC_LENGTH_MASK;
	if (id[0] >> QUIC_LENGTH_BITS != quic_rotation || length + 1 < QUIC_NAMED + QUIC_NONCE)
		return 0;
	if (at + 1 + length > packet->l3 + packet->length)
		return 0;
	server = id[1] << 8 | id[2];
	backend = bpf_map_lookup_elem(&server_ids, &server);
	return backend ? *backend : 0;
}
