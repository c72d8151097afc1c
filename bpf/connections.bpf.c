/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counts the live TCP connections that peers have opened to this host, by the peer's address or prefix, at the socket layer: a
 * connection is there from the end of its handshake to the end of its socket. Nothing is inserted or evicted. Two rows of cells are
 * indexed by a keyed hash, and the lesser of a key's two cells is its count, so that it is never too low, and too high only if both
 * meet others (a count-min sketch, Cormode and Muthukrishnan 2005). Rules read the same cells (src/rules/compile/connections.ts).
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10

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

static __always_inline __u64 hash_of_peer(struct bpf_sock_ops *ops)
{
	__u32 first = ops->remote_ip6[0], second = ops->remote_ip6[1], third = ops->remote_ip6[2];

	/* A socket of IPv6 may have a peer of IPv4. */
	if (ops->family == AF_INET || (!first && !second && third == bpf_htonl(0xffff)))
		return hash_of(bpf_ntohl(ops->remote_ip4) & mask4, 0, 4);
	return hash_of(half(first, second) & mask6_high, half(third, ops->remote_ip6[3]) & mask6_low, 6);
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
	__u64 hash = hash_of_peer(ops);
	struct counted where = { hash & (ROW - 1), hash >> 32 & (ROW - 1) };
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

char LICENSE[] SEC("license") = "Dual BSD/GPL";
