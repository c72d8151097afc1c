/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whether this machine knows the flow of a packet whose bucket is in transition. */
#pragma once

#include "counts.h"
#include "packet.h"

/* What is asked. */
struct question {
	struct flow flow;
	__u32 l3;
	__u32 l4;
	__u32 family;
	__u32 kind;
};

/* What the kernel looks for a socket by; returns its length. */
static __always_inline __u32 fill_tuple(struct bpf_sock_tuple *tuple, const struct flow *flow, __u32 family)
{
	if (family == AF_INET) {
		tuple->ipv4.saddr = flow->source[0];
		tuple->ipv4.daddr = flow->destination[0];
		tuple->ipv4.sport = source_port(flow);
		tuple->ipv4.dport = destination_port(flow);
		return sizeof(tuple->ipv4);
	}
	__builtin_memcpy(tuple->ipv6.saddr, flow->source, sizeof(flow->source));
	__builtin_memcpy(tuple->ipv6.daddr, flow->destination, sizeof(flow->destination));
	tuple->ipv6.sport = source_port(flow);
	tuple->ipv6.dport = destination_port(flow);
	return sizeof(tuple->ipv6);
}

/* The TCP header, if it is a TCP packet's. */
static __always_inline struct tcphdr *tcp_of(struct xdp_md *ctx, const struct question *question)
{
	return question->kind == PACKET_TCP ? bytes_at(ctx, question->l4, sizeof(struct tcphdr)) : 0;
}

/* Whether an ACK answers a cookie of this listener. */
static __always_inline int has_cookie(struct xdp_md *ctx, struct bpf_sock *listener, const struct question *question)
{
	struct tcphdr *tcp = tcp_of(ctx, question);
	void *ip;

	if (!tcp)
		return 0;
	if (question->family == AF_INET) {
		ip = bytes_at(ctx, question->l3, sizeof(struct iphdr));
		return ip && !bpf_tcp_check_syncookie(listener, ip, sizeof(struct iphdr), tcp, sizeof(*tcp));
	}
	ip = bytes_at(ctx, question->l3, sizeof(struct ipv6hdr));
	return ip && !bpf_tcp_check_syncookie(listener, ip, sizeof(struct ipv6hdr), tcp, sizeof(*tcp));
}

static __always_inline enum outcome judge_tcp(struct xdp_md *ctx, const struct question *question)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = fill_tuple(&tuple, &question->flow, question->family);
	enum outcome outcome = OUTCOME_SOCKET;
	struct bpf_sock *socket;

	socket = bpf_skc_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return OUTCOME_PREVIOUS;
	if (socket->state == BPF_TCP_LISTEN)
		outcome = has_cookie(ctx, socket, question) ? OUTCOME_COOKIE : OUTCOME_PREVIOUS;
	bpf_sk_release(socket);
	return outcome;
}

/* A connected socket is one of this flow; any other one is everybody's. */
static __always_inline enum outcome judge_udp(struct xdp_md *ctx, const struct question *question)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = fill_tuple(&tuple, &question->flow, question->family);
	enum outcome outcome = OUTCOME_PREVIOUS;
	struct bpf_sock *socket;

	socket = bpf_sk_lookup_udp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return OUTCOME_PREVIOUS;
	if (socket->state == BPF_TCP_ESTABLISHED)
		outcome = OUTCOME_SOCKET;
	bpf_sk_release(socket);
	return outcome;
}

/* OUTCOME_SOCKET, OUTCOME_NEW, OUTCOME_COOKIE, or OUTCOME_PREVIOUS for what is not known. */
__noinline int judge(struct xdp_md *ctx, struct question *question)
{
	struct tcphdr *tcp;

	if (!question)
		return OUTCOME_PREVIOUS;
	if (question->flow.protocol == IPPROTO_UDP)
		return judge_udp(ctx, question);
	tcp = tcp_of(ctx, question);
	return tcp && tcp->syn && !tcp->ack ? OUTCOME_NEW : judge_tcp(ctx, question);
}

static __always_inline enum outcome ask(struct xdp_md *ctx, const struct packet *packet, int family)
{
	struct question question = {
		.flow = packet->flow,
		.l3 = packet->l3,
		.l4 = packet->l4,
		.family = family,
		.kind = packet->kind,
	};

	return judge(ctx, &question);
}
