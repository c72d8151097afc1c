/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The lab's router, on the port where the attack comes in: forwards by the kernel's own routing table (bpf_fib_lookup)
 * without making socket buffers. What it cannot do is left to the kernel, which does the same, slower.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10

enum outcome { FORWARDED, LEFT_TO_KERNEL, NO_ROUTE, OUTCOMES };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OUTCOMES);
	__type(key, __u32);
	__type(value, __u64);
} outcomes SEC(".maps");

/* The port behind which nobody is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} outside SEC(".maps");

static __always_inline void count(__u32 outcome)
{
	__u64 *packets = bpf_map_lookup_elem(&outcomes, &outcome);

	if (packets)
		*packets += 1;
}

/* Both ports as one word; a later fragment has none. ECMP spreads flows by them. */
static __always_inline void set_ports(struct bpf_fib_lookup *fib, void *l4, void *data_end)
{
	__be16 *ports = l4;

	if (fib->l4_protocol != IPPROTO_TCP && fib->l4_protocol != IPPROTO_UDP)
		return;
	if ((void *)(ports + 2) > data_end)
		return;
	fib->sport = ports[0];
	fib->dport = ports[1];
}

static __always_inline int read4(struct bpf_fib_lookup *fib, struct iphdr *ip, void *data_end)
{
	if ((void *)(ip + 1) > data_end || ip->ihl != 5 || ip->ttl <= 1)
		return -1;
	fib->family = AF_INET;
	fib->tos = ip->tos;
	fib->l4_protocol = ip->protocol;
	fib->tot_len = bpf_ntohs(ip->tot_len);
	fib->ipv4_src = ip->saddr;
	fib->ipv4_dst = ip->daddr;
	if (!(ip->frag_off & bpf_htons(0x1fff)))
		set_ports(fib, ip + 1, data_end);
	return 0;
}

static __always_inline int read6(struct bpf_fib_lookup *fib, struct ipv6hdr *ip, void *data_end)
{
	if ((void *)(ip + 1) > data_end || ip->hop_limit <= 1)
		return -1;
	fib->family = AF_INET6;
	fib->flowinfo = *(__be32 *)ip & bpf_htonl(0x0fffffff);
	fib->l4_protocol = ip->nexthdr;
	fib->tot_len = bpf_ntohs(ip->payload_len);
	__builtin_memcpy(fib->ipv6_src, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(fib->ipv6_dst, &ip->daddr, sizeof(ip->daddr));
	set_ports(fib, ip + 1, data_end);
	return 0;
}

/* The checksum of the header after its TTL went down by one (RFC 1624). */
static __always_inline void decrease_ttl(struct iphdr *ip)
{
	__u32 check = ip->check;

	check += bpf_htons(0x0100);
	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

/* BPF_FIB_LKUP_RET_*, or less for what is not IP. */
static __always_inline int find_route(struct xdp_md *ctx, struct bpf_fib_lookup *fib)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	int known = -1;

	if ((void *)(eth + 1) > data_end)
		return -1;
	fib->ifindex = ctx->ingress_ifindex;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		known = read4(fib, (void *)(eth + 1), data_end);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		known = read6(fib, (void *)(eth + 1), data_end);
	return known < 0 ? -1 : bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

/* On the port of an edge: what it answers to addresses that do not exist ends here, before the kernel spends time on it. */
SEC("xdp")
int answers(struct xdp_md *ctx)
{
	struct bpf_fib_lookup fib = {};
	__u32 *nowhere, first = 0;

	nowhere = bpf_map_lookup_elem(&outside, &first);
	if (!nowhere || find_route(ctx, &fib) != BPF_FIB_LKUP_RET_SUCCESS || fib.ifindex != *nowhere)
		return XDP_PASS;
	count(NO_ROUTE);
	return XDP_DROP;
}

SEC("xdp")
int router(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct bpf_fib_lookup fib = {};
	struct iphdr *ip4 = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	int result = find_route(ctx, &fib);

	if (result == BPF_FIB_LKUP_RET_BLACKHOLE || result == BPF_FIB_LKUP_RET_UNREACHABLE) {
		/* Why: nothing in the lab answers for such a destination. */
		count(NO_ROUTE);
		return XDP_DROP;
	}
	if (result != BPF_FIB_LKUP_RET_SUCCESS) {
		count(LEFT_TO_KERNEL);
		return XDP_PASS;
	}
	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		decrease_ttl(ip4);
	else
		ip6->hop_limit--;
	__builtin_memcpy(eth->h_dest, fib.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib.smac, ETH_ALEN);
	count(FORWARDED);
	return bpf_redirect(fib.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
