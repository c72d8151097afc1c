/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What balancers are measured with. A test run does not put the packet back, so `feed` first undoes what the last run made of it, steps
 * the flow, and goes on to what is measured. `nothing` stands there for what costs nothing but the same move of the head; `least` is
 * the least that an encapsulating balancer does.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define HEADERS 96
#define ROWS 16384
#define BACKENDS 32

/* How far the head is moved before each run; 0 for programs that leave the packet as it is. */
const volatile __s32 move = 0;
/* What a frame begins with before each run, and how much of it, an even number of bytes. */
const volatile __u16 headers[HEADERS / 2] = {};
const volatile __u32 headers_length = 0;
/* Flows that are gone through one after the other: 0 leaves the packet alone. */
const volatile __u64 flows = 0;
/* Where the last four bytes of the source address are, and the source port. */
const volatile __u32 source_at = 0;
const volatile __u32 port_at = 0;
/* What `nothing` returns. */
const volatile __u32 verdict = XDP_PASS;

__u64 next_flow = 0;

struct backend {
	__u32 link[3];
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROWS);
	__type(key, __u32);
	__type(value, __u64);
} rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BACKENDS);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct service_key {
	__be32 address;
	__be16 port;
	__u16 protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct service_key);
	__type(value, __u32);
} services SEC(".maps");

struct counts {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct counts);
} service_counts SEC(".maps");

static __always_inline int write_headers(struct xdp_md *ctx)
{
	__u16 *to = (void *)(long)ctx->data;

	if ((void *)to + HEADERS > (void *)(long)ctx->data_end && (void *)to + headers_length > (void *)(long)ctx->data_end)
		return -1;
	for (__u32 i = 0; i < HEADERS / 2 && i < headers_length / 2; i++) {
		if ((void *)(to + i + 1) > (void *)(long)ctx->data_end)
			return -1;
		to[i] = headers[i];
	}
	return 0;
}

static __always_inline void step(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u64 flow = next_flow++;

	if (next_flow >= flows)
		next_flow = 0;
	if (source_at > HEADERS * 2 || data + source_at + 4 > end || port_at > HEADERS * 2 || data + port_at + 2 > end)
		return;
	*(__u32 *)(data + source_at) = flow;
	*(__u16 *)(data + port_at) = flow >> 4;
}

SEC("xdp")
int feed(struct xdp_md *ctx)
{
	if (move && bpf_xdp_adjust_head(ctx, move))
		return XDP_ABORTED;
	if (write_headers(ctx))
		return XDP_ABORTED;
	if (flows)
		step(ctx);
	bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int nothing(struct xdp_md *ctx)
{
	if (move && bpf_xdp_adjust_head(ctx, -move))
		return XDP_ABORTED;
	return verdict;
}

/* Three words mixed as the kernel's jhash does it (Jenkins 2006). */
static __always_inline __u32 hash(__u32 a, __u32 b, __u32 c)
{
#define ROTATE(word, bits) ((word) << (bits) | (word) >> (32 - (bits)))
	c ^= b;
	c -= ROTATE(b, 14);
	a ^= c;
	a -= ROTATE(c, 11);
	b ^= a;
	b -= ROTATE(a, 25);
	c ^= b;
	c -= ROTATE(b, 16);
	a ^= c;
	a -= ROTATE(c, 4);
	b ^= a;
	b -= ROTATE(a, 14);
	c ^= b;
	c -= ROTATE(b, 24);
	return c;
}

static __always_inline void write_outer(struct iphdr *ip, __u16 length, __be32 destination)
{
	struct iphdr outer = {
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(length + sizeof(*ip)),
		.frag_off = bpf_htons(0x4000),
		.ttl = 64,
		.protocol = IPPROTO_IPIP,
		.saddr = bpf_htonl(0x0a000001),
		.daddr = destination,
	};
	__u64 sum = 0;

	for (int i = 0; i < 5; i++)
		sum += ((__u32 *)&outer)[i];
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	outer.check = ~((sum & 0xffff) + (sum >> 16));
	*ip = outer;
}

/* Whether the packet is for a service, and if so, counts it there. */
static __always_inline int count_service(const struct iphdr *ip, const __be16 *ports)
{
	struct service_key key = { .address = ip->daddr, .port = ports[1], .protocol = ip->protocol };
	__u32 *index = bpf_map_lookup_elem(&services, &key);
	struct counts *counts = index ? bpf_map_lookup_elem(&service_counts, index) : 0;

	if (!counts)
		return 0;
	counts->packets++;
	counts->bytes += bpf_ntohs(ip->tot_len);
	return 1;
}

/* The row of a packet's flow, and from it the backend. */
static __always_inline struct backend *find_backend(const struct iphdr *ip, __u32 ports)
{
	__u32 index = hash(ip->saddr, ip->daddr, ports) & (ROWS - 1);
	__u64 *row = bpf_map_lookup_elem(&rows, &index);

	if (!row)
		return 0;
	index = *row;
	return bpf_map_lookup_elem(&backends, &index);
}

/* IPv4 with ports and without options: service by a hash map, one hash, one row, one backend, IP in IP. */
SEC("xdp")
int least(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	__u32 *ports = (void *)(ip + 1), *to;
	struct backend *backend;
	__u16 length;

	if ((void *)(ports + 1) > end || *(__be16 *)(data + 12) != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return XDP_PASS;
	if ((ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP) || !count_service(ip, (void *)ports))
		return XDP_PASS;
	backend = find_backend(ip, *ports);
	length = bpf_ntohs(ip->tot_len);
	if (!backend || bpf_xdp_adjust_head(ctx, -(int)sizeof(*ip)))
		return XDP_DROP;
	to = (void *)(long)ctx->data;
	ip = (void *)to + ETH_HLEN;
	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	to[0] = backend->link[0];
	to[1] = backend->link[1];
	to[2] = backend->link[2];
	*(__be16 *)(to + 3) = bpf_htons(ETH_P_IP);
	write_outer(ip, length, backend->address);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
