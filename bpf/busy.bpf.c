/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Finds out which buckets of the balancer still have connections on this machine, and how much these are for it: it walks the sockets of
 * a network namespace.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "services.h"

#define WORDS 256
#define ROWS_A_WORD 64

/* A bit for each row of `buckets`, in its order: what user space sets to 0, has filled, and reads. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WORDS);
	__type(key, __u32);
	__type(value, __u64);
} busy SEC(".maps");

/* What user space sets to 0, has filled, and reads. */
struct load {
	/* Connections of services. */
	__u32 connections;
	/* Of all listeners the fullest accept queue, in thousandths of its length. */
	__u32 accept_queue;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct load);
} load SEC(".maps");

#define FULL 1000

/* Of the balancer whose services these are. */
const volatile __u64 key[2] = {};
const volatile __u32 bucket_mask = 0;

/* Of the kernel's own types, the members that are read here. */
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock {
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
} __attribute__((preserve_access_index));

struct udp_sock;

struct bpf_iter__tcp {
	struct sock_common *sk_common;
} __attribute__((preserve_access_index));

struct bpf_iter__udp {
	struct udp_sock *udp_sk;
} __attribute__((preserve_access_index));

static __always_inline struct load *find_load(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&load, &only);
}

/* The kernel lets one more wait than the length says. */
static __always_inline void note_listener(const struct sock *listener)
{
	__u64 waiting = BPF_CORE_READ(listener, sk_ack_backlog);
	__u64 length = BPF_CORE_READ(listener, sk_max_ack_backlog);
	__u64 filled = waiting < length ? waiting * FULL / length : waiting ? FULL : 0;
	struct load *load = find_load();

	if (load && filled > load->accept_queue)
		load->accept_queue = filled;
}

static __always_inline void mark(__u32 row)
{
	__u32 at = row / ROWS_A_WORD;
	__u64 *word = bpf_map_lookup_elem(&busy, &at);

	if (word)
		*word |= 1ULL << row % ROWS_A_WORD;
}

static __always_inline void mark_flow(const struct flow *flow, int family)
{
	const struct service *service = find_service(flow, family);
	struct load *load = find_load();

	if (!service || !load)
		return;
	load->connections++;
	mark(service->pool + ((__u32)hash_flow(flow, family, key[0], key[1]) & bucket_mask));
}

static __always_inline void copy_address(__be32 *to, const struct in6_addr *from)
{
	for (int i = 0; i < 4; i++)
		to[i] = from->in6_u.u6_addr32[i];
}

/* The flow as its client sends it: the peer is the source. A socket of IPv6 may talk IPv4. */
static __always_inline void mark_socket(struct sock_common *socket, __u8 protocol)
{
	struct flow flow = { .protocol = protocol };

	flow.ports = (__u32)bpf_htons(socket->skc_num) << 16 | socket->skc_dport;
	if (socket->skc_family == AF_INET6) {
		copy_address(flow.source, &socket->skc_v6_daddr);
		copy_address(flow.destination, &socket->skc_v6_rcv_saddr);
		if (flow.source[0] || flow.source[1] || flow.source[2] != bpf_htonl(0xffff)) {
			mark_flow(&flow, AF_INET6);
			return;
		}
	}
	flow.source[0] = socket->skc_daddr;
	flow.destination[0] = socket->skc_rcv_saddr;
	mark_flow(&flow, AF_INET);
}

/* Not of listeners, of connections that this machine opens, and of such as are over but for a while. */
static __always_inline int is_connection(__u8 state)
{
	return state != BPF_TCP_LISTEN && state != BPF_TCP_CLOSE && state != BPF_TCP_TIME_WAIT && state != BPF_TCP_SYN_SENT;
}

SEC("iter/tcp")
int busy_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *socket = ctx->sk_common;

	if (!socket)
		return 0;
	if (socket->skc_state == BPF_TCP_LISTEN)
		note_listener((void *)socket);
	else if (is_connection(socket->skc_state))
		mark_socket(socket, IPPROTO_TCP);
	return 0;
}

SEC("iter/udp")
int busy_udp(struct bpf_iter__udp *ctx)
{
	struct sock_common *socket = (void *)ctx->udp_sk;

	if (socket && socket->skc_state == BPF_TCP_ESTABLISHED)
		mark_socket(socket, IPPROTO_UDP);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
