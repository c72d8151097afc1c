/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The way of health checks. Their sockets are in a network namespace of their own, where no service address is local; the cable out of it
 * ends at the gate. There each packet is encapsulated to the backend that is asked from its port, as all packets for the service are.
 * Answers come back to this machine, straight from the backend, and are handed to the socket at the interface where they come in; so are
 * ICMP errors about what was sent.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "icmp.h"
#include "outer.h"

/* Ports that checks ask from; beyond those that the kernel gives to others, unless it is told to. */
#define FIRST_PORT 61000
#define PORTS 4096

/* The interface at which packets of checks come out of their namespace. */
const volatile __u32 gate = 0;

/* Who is asked from a port. */
struct probe {
	/* Of the service, and of the backend; an IPv4 address is the first 4 bytes. */
	__u8 service[16];
	__u8 backend[16];
	/* By which the backend is reached. */
	__u32 ifindex;
	/* Of the service. */
	__be16 port;
	/* IPPROTO_TCP or IPPROTO_UDP; 0 where nobody is asked. */
	__u8 protocol;
	/* AF_INET or AF_INET6 of the service, and of the backend. */
	__u8 family;
	__u8 outer_family;
	_Bool gue;
} __attribute__((aligned(64)));

/* By port, from FIRST_PORT on. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct probe);
} probes SEC(".maps");

/* What became of packets of checks. */
enum passage {
	/* Encapsulated to the backend. */
	PASSAGE_SENT,
	/* An answer or an ICMP error, handed to its socket. */
	PASSAGE_ANSWERED,
	/* Dropped: it came out of the namespace, but no check sent it. */
	PASSAGE_STRAY,
	/* Dropped: there is no room for the outer headers. */
	PASSAGE_NO_ROOM,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PASSAGE_NO_ROOM + 1);
	__type(key, enum passage);
	__type(value, __u64);
} passages SEC(".maps");

/* What a packet is, as far as its ports: one end is the service, the other a check. */
struct headers {
	const __be32 *source;
	const __be32 *destination;
	const __be16 *ports;
	__u8 family;
	__u8 protocol;
	__u8 tos;
};

static __always_inline int tell(enum passage passage, int verdict)
{
	__u64 *packets = bpf_map_lookup_elem(&passages, &passage);

	if (packets)
		*packets += 1;
	return verdict;
}

static __always_inline int read4(struct iphdr *ip, void *end, struct headers *headers)
{
	__be16 *ports = (void *)(ip + 1);

	if ((void *)(ports + 2) > end || ip->ihl != 5 || ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return -1;
	*headers = (struct headers){ &ip->saddr, &ip->daddr, ports, AF_INET, ip->protocol, ip->tos };
	return 0;
}

static __always_inline int read6(struct ipv6hdr *ip, void *end, struct headers *headers)
{
	__be16 *ports = (void *)(ip + 1);
	__u8 tos;

	if ((void *)(ports + 2) > end)
		return -1;
	tos = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	*headers = (struct headers){ ip->saddr.s6_addr32, ip->daddr.s6_addr32, ports, AF_INET6, ip->nexthdr, tos };
	return 0;
}

/* Servers and this machine send neither IP options nor extension headers: what has them is no check's. */
static __always_inline int read_headers(struct __sk_buff *skb, struct headers *headers)
{
	void *ip = (void *)(long)skb->data + ETH_HLEN;
	void *end = (void *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return read4(ip, end, headers);
	return skb->protocol == bpf_htons(ETH_P_IPV6) ? read6(ip, end, headers) : -1;
}

/* The headers of the packet that an ICMP error quotes. */
static __always_inline int read_quoted4(struct iphdr *ip, void *end, struct headers *headers)
{
	__u8 *icmp = (void *)(ip + 1);
	struct iphdr *quoted = (void *)(icmp + ICMP_BYTES);

	if ((void *)(quoted + 1) > end || ip->ihl != 5 || ip->protocol != IPPROTO_ICMP || !is_error4(icmp[0]))
		return -1;
	return read4(quoted, end, headers);
}

static __always_inline int read_quoted6(struct ipv6hdr *ip, void *end, struct headers *headers)
{
	__u8 *icmp = (void *)(ip + 1);
	struct ipv6hdr *quoted = (void *)(icmp + ICMP_BYTES);

	if ((void *)(quoted + 1) > end || ip->nexthdr != IPPROTO_ICMPV6 || !is_error6(icmp[0]))
		return -1;
	return read6(quoted, end, headers);
}

static __always_inline int read_quoted(struct __sk_buff *skb, struct headers *headers)
{
	void *ip = (void *)(long)skb->data + ETH_HLEN;
	void *end = (void *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return read_quoted4(ip, end, headers);
	return skb->protocol == bpf_htons(ETH_P_IPV6) ? read_quoted6(ip, end, headers) : -1;
}

static __always_inline int is_address(const __be32 *address, const __u8 *wanted, int family)
{
	const __be32 *words = (const __be32 *)wanted;

	if (address[0] != words[0])
		return 0;
	return family == AF_INET || (address[1] == words[1] && address[2] == words[2] && address[3] == words[3]);
}

/* The check that has a port, if the other end is the service that it asks. */
static __always_inline const struct probe *find_probe(const struct headers *headers, __be16 own, const __be32 *other,
						      __be16 port)
{
	__u32 index = bpf_ntohs(own) - FIRST_PORT;
	const struct probe *probe;

	if (index >= PORTS || (headers->protocol != IPPROTO_TCP && headers->protocol != IPPROTO_UDP))
		return 0;
	probe = bpf_map_lookup_elem(&probes, &index);
	if (!probe || probe->protocol != headers->protocol || probe->family != headers->family || probe->port != port)
		return 0;
	return is_address(other, probe->service, headers->family) ? probe : 0;
}

/* What the kernel has to know of the headers that are added. */
static __always_inline __u64 growth(const struct probe *probe)
{
	__u64 layers = probe->outer_family == AF_INET ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	return probe->gue ? layers | BPF_F_ADJ_ROOM_ENCAP_L4_UDP : layers;
}

static __always_inline int write_headers(struct __sk_buff *skb, const struct probe *probe, const struct outer *outer)
{
	struct ethhdr *link = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	void *ip = link + 1;

	if (probe->outer_family == AF_INET) {
		if (ip + sizeof(struct iphdr) + sizeof(struct gue) > end)
			return -1;
		link->h_proto = bpf_htons(ETH_P_IP);
		write_outer4(ip, outer, *(const __be32 *)probe->backend);
		return 0;
	}
	if (ip + sizeof(struct ipv6hdr) + sizeof(struct gue) > end)
		return -1;
	link->h_proto = bpf_htons(ETH_P_IPV6);
	write_outer6(ip, outer, (const __be32 *)probe->backend);
	return 0;
}

/* At the gate. As the last hop: what a check asks is whether this backend serves, whatever its buckets are. */
SEC("tc")
int to_backend(struct __sk_buff *skb)
{
	struct headers headers;
	const struct probe *probe = 0;
	struct outer outer = { .last_hop = 1 };

	if (!read_headers(skb, &headers))
		probe = find_probe(&headers, headers.ports[0], headers.destination, headers.ports[1]);
	if (!probe)
		return tell(PASSAGE_STRAY, TC_ACT_SHOT);
	outer.protocol = headers.family == AF_INET ? IPPROTO_IPIP : IPPROTO_IPV6;
	outer.tos = headers.tos;
	outer.gue = probe->gue;
	outer.overhead = probe->outer_family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	if (outer.gue)
		outer.overhead += GUE_BYTES;
	outer.length = skb->len - ETH_HLEN + outer.overhead;
	outer.hash = (__u64)bpf_get_hash_recalc(skb) << 32;
	if (bpf_skb_adjust_room(skb, outer.overhead, BPF_ADJ_ROOM_MAC, growth(probe)) || write_headers(skb, probe, &outer))
		return tell(PASSAGE_NO_ROOM, TC_ACT_SHOT);
	tell(PASSAGE_SENT, 0);
	return bpf_redirect_neigh(probe->ifindex, 0, 0, 0);
}

static __always_inline int is_answer(struct __sk_buff *skb)
{
	struct headers headers;

	if (!read_headers(skb, &headers) && find_probe(&headers, headers.ports[1], headers.source, headers.ports[0]))
		return 1;
	return !read_quoted(skb, &headers) && find_probe(&headers, headers.ports[0], headers.destination, headers.ports[1]);
}

/* At the interfaces of this machine. */
SEC("tc")
int from_backend(struct __sk_buff *skb)
{
	if (!is_answer(skb))
		return TC_ACT_UNSPEC;
	return tell(PASSAGE_ANSWERED, bpf_redirect_peer(gate, 0));
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
