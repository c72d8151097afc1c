/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Lengths that packets claim, held against each other: a header that lies would make us lie. */
#pragma once

#include "counts.h"
#include "packet.h"

static __always_inline enum outcome check_tcp(const struct xdp_md *ctx, const struct packet *packet, __u32 headers)
{
	struct tcphdr *tcp = bytes_at(ctx, packet->l4, sizeof(*tcp));

	if (!tcp || packet->length < headers + sizeof(*tcp))
		return OUTCOME_BAD_IP_LENGTH;
	return tcp->doff * 4 < sizeof(*tcp) || headers + tcp->doff * 4 > packet->length ? OUTCOME_BAD_TCP_LENGTH : NO_FAULT;
}

static __always_inline enum outcome check_udp(const struct xdp_md *ctx, const struct packet *packet, __u32 headers)
{
	struct udphdr *udp = bytes_at(ctx, packet->l4, sizeof(*udp));
	__u32 length;

	if (!udp || packet->length < headers + sizeof(*udp))
		return OUTCOME_BAD_IP_LENGTH;
	length = bpf_ntohs(udp->len);
	return length < sizeof(*udp) || headers + length > packet->length ? OUTCOME_BAD_UDP_LENGTH : NO_FAULT;
}

/* What is wrong with a packet for a service; NO_FAULT if nothing is. */
static __always_inline enum outcome check_lengths(const struct xdp_md *ctx, const struct packet *packet)
{
	__u32 headers = packet->l4 - packet->l3;

	if (packet->l3 + packet->length > packet->end)
		return OUTCOME_BAD_IP_LENGTH;
	if (packet->kind == PACKET_TCP)
		return check_tcp(ctx, packet, headers);
	if (packet->kind == PACKET_UDP)
		return check_udp(ctx, packet, headers);
	return packet->length < headers ? OUTCOME_BAD_IP_LENGTH : NO_FAULT;
}
