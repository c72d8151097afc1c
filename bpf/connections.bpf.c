/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counts the live TCP connections that peers have opened to this host, by the peer's address or prefix, at the socket layer: a
 * connection is there from the end of its handshake to the end of its socket. Nothing is inserted or evicted. Two rows of cells are
 * indexed by a keyed hash, and the lesser of a key's two cells is its count, so that it is never too low, and too high only if both
 * meet others (a count-min sketch, Cormode and Muthukrishnan 2005). Rules read the same cells (src/rules/compile/connections.ts).
 */
#include <linux/bpf.h>
#include <linux/in6.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10

#define SOL_TCP 6
/* linux/bpf.h of Linux 6.12 has it. */
#define TCP_BPF_SOCK_OPS_CB_FLAGS 1008

#define PORTS 65536

/* Cells of a row, a power of two. */
#define ROW 524288

struct cells {
	__u32 first[ROW];
	__u32 second[ROW];
};

/* The cells in which a socket is counted. */
struct counted {
	__u32 first;
	__u32 second;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cells);
} cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct counted);
} sockets SEC(".maps");

/* Ports that somebody listens at, in the network namespace whose sockets are walked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, __u8);
} listeners SEC(".maps");

/* Of the kernel's own types, the members that are read here. */
struct sock_common {
	__be32 skc_daddr;
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
} __attribute__((preserve_access_index));

struct bpf_iter__tcp {
	struct sock_common *sk_common;
} __attribute__((preserve_access_index));

/* Masks of the key: the address of IPv4, and the halves of that of IPv6, as numbers. */
const volatile __u64 mask4;
const volatile __u64 mask6_high;
const volatile __u64 mask6_low;
/* Keys the hash. */
const volatile __u64 secret;

/* One round of splitmix64 (Steele et al. 2014). */
static __always_inline __u64 mix(__u64 hash, __u64 value)
{
	hash += value;
	hash ^= hash >> 30;
	hash *= 0xbf58476d1ce4e5b9;
	hash ^= hash >> 27;
	hash *= 0x94d049bb133111eb;
	return hash ^ hash >> 31;
}

static __always_inline __u64 hash_of(__u64 high, __u64 low, __u64 family)
{
	return mix(mix(mix(secret, high), low), family);
}

static __always_inline __u64 half(__u32 first, __u32 second)
{
	return (__u64)bpf_ntohl(first) << 32 | bpf_ntohl(second);
}

struct peer {
	__u32 family;
	__be32 ip4;
	__be32 ip6[4];
};

static __always_inline __u64 hash_of_peer(const struct peer *peer)
{
	/* A socket of IPv6 may have a peer of IPv4. */
	if (peer->family == AF_INET || (!peer->ip6[0] && !peer->ip6[1] && peer->ip6[2] == bpf_htonl(0xffff)))
		return hash_of(bpf_ntohl(peer->ip4) & mask4, 0, 4);
	return hash_of(half(peer->ip6[0], peer->ip6[1]) & mask6_high, half(peer->ip6[2], peer->ip6[3]) & mask6_low, 6);
}

static __always_inline struct counted cells_of(const struct peer *peer)
{
	__u64 hash = hash_of_peer(peer);

	return (struct counted){ hash & (ROW - 1), hash >> 32 & (ROW - 1) };
}

static __always_inline void add(const struct counted *counted, __u32 change)
{
	__u32 zero = 0;
	struct cells *all = bpf_map_lookup_elem(&cells, &zero);

	if (!all)
		return;
	__sync_fetch_and_add(&all->first[counted->first & (ROW - 1)], change);
	__sync_fetch_and_add(&all->second[counted->second & (ROW - 1)], change);
}

static __always_inline void opened(struct bpf_sock_ops *ops)
{
	struct peer peer = {
		.family = ops->family,
		.ip4 = ops->remote_ip4,
		.ip6 = { ops->remote_ip6[0], ops->remote_ip6[1], ops->remote_ip6[2], ops->remote_ip6[3] },
	};
	struct counted where = cells_of(&peer);
	struct bpf_sock *socket = ops->sk;
	struct counted *counted;

	if (!socket || bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG))
		return;
	counted = bpf_sk_storage_get(&sockets, socket, &where, BPF_SK_STORAGE_GET_F_CREATE);
	if (counted)
		add(&where, 1);
}

static __always_inline void closed(struct bpf_sock_ops *ops)
{
	struct bpf_sock *socket = ops->sk;
	struct counted *counted;

	if (!socket)
		return;
	counted = bpf_sk_storage_get(&sockets, socket, 0, 0);
	if (!counted)
		return;
	add(counted, -1);
	bpf_sk_storage_delete(&sockets, socket);
}

SEC("sockops")
int connections(struct bpf_sock_ops *ops)
{
	if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		opened(ops);
	else if (ops->op == BPF_SOCK_OPS_STATE_CB && ops->args[1] == BPF_TCP_CLOSE)
		closed(ops);
	return 1;
}

/* From the end of the handshake to the end of the socket, on both sides' way to that. */
static __always_inline int is_connection(__u8 state)
{
	return state == BPF_TCP_ESTABLISHED || state == BPF_TCP_FIN_WAIT1 || state == BPF_TCP_FIN_WAIT2 ||
	       state == BPF_TCP_CLOSE_WAIT || state == BPF_TCP_LAST_ACK || state == BPF_TCP_CLOSING;
}

/* Whether the kernel will tell of the socket's end, which it can be asked from Linux 6.12 on. */
static __always_inline int hear_of_end(struct sock_common *socket)
{
	int flags = 0;

	if (bpf_getsockopt(socket, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags)))
		return 0;
	flags |= BPF_SOCK_OPS_STATE_CB_FLAG;
	return !bpf_setsockopt(socket, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags));
}

/*
 * Walks sockets that were there before their connections were counted: listeners come first, which tell of the others who opened
 * them. The kernel holds the lock of the socket meanwhile, so its state is what it was told to the program above, or will be; and
 * one that was counted has cells already.
 */
SEC("iter/tcp")
int older(struct bpf_iter__tcp *ctx)
{
	struct sock_common *socket = ctx->sk_common;
	struct peer peer = {};
	struct counted where;
	__u32 port;
	__u8 yes = 1;

	if (!socket)
		return 0;
	port = socket->skc_num;
	if (socket->skc_state == BPF_TCP_LISTEN)
		bpf_map_update_elem(&listeners, &port, &yes, 0);
	if (!is_connection(socket->skc_state) || !bpf_map_lookup_elem(&listeners, &port))
		return 0;
	if (bpf_sk_storage_get(&sockets, socket, 0, 0) || !hear_of_end(socket))
		return 0;
	peer.family = socket->skc_family;
	peer.ip4 = socket->skc_daddr;
	for (int i = 0; i < 4; i++)
		peer.ip6[i] = socket->skc_v6_daddr.in6_u.u6_addr32[i];
	where = cells_of(&peer);
	if (bpf_sk_storage_get(&sockets, socket, &where, BPF_SK_STORAGE_GET_F_CREATE))
		add(&where, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
