/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What became of packets: every one of them is one outcome. */
#pragma once

#define SERVICES 1024

enum outcome {
	/* Not for a service: goes on to the next stage, or the kernel. */
	OUTCOME_NOT_SERVICE,
	/* Of a bucket of this machine: goes on likewise. */
	OUTCOME_LOCAL,
	/* Encapsulated to the bucket's owner. */
	OUTCOME_FORWARDED,
	/* Encapsulated to the server that a QUIC connection id names. */
	OUTCOME_QUIC_FORWARDED,
	/* The connection id names this machine. */
	OUTCOME_QUIC_LOCAL,
	/* Came encapsulated, and is of a bucket of this machine that is not in transition. */
	OUTCOME_DECAPSULATED,
	/* Came encapsulated as the last hop. */
	OUTCOME_LAST_HOP,
	/* In transition: there is a socket of the flow here. */
	OUTCOME_SOCKET,
	/* In transition: begins a connection. */
	OUTCOME_NEW,
	/* In transition: answers a SYN cookie of a listener here. */
	OUTCOME_COOKIE,
	/* In transition: not known here, sent on to the other owner. */
	OUTCOME_PREVIOUS,
	/* Answered by ICMP: does not fit into the path to the owner. */
	OUTCOME_TOO_BIG,
	/* Dropped: as before, but enough have been answered, or there is nobody to tell. */
	OUTCOME_TOO_BIG_DROPPED,
	/* Dropped: the bucket has no owner, or the owner is no backend. */
	OUTCOME_NO_BACKEND,
	/* Dropped: there is no route or no link address of the owner, as far as user space knows. */
	OUTCOME_NO_ROUTE,
	/* Dropped: the driver leaves no room before the packet. */
	OUTCOME_NO_ROOM,
	/* Dropped: a fragment to a service that is not marked for them. */
	OUTCOME_FRAGMENT,
	/* Dropped: the length in the IP header is more than there is, or less than the headers. */
	OUTCOME_BAD_IP_LENGTH,
	/* Dropped: the length of the TCP header is less than 20 bytes, or more than there is. */
	OUTCOME_BAD_TCP_LENGTH,
	/* Dropped: the length in the UDP header is less than 8 bytes, or more than there is. */
	OUTCOME_BAD_UDP_LENGTH,
	/* Dropped: more than 6 extension headers, or no ports behind them. */
	OUTCOME_BAD_HEADERS,
	/* Dropped: an encapsulation with wrong lengths, or of an unknown kind. */
	OUTCOME_BAD_TUNNEL,
	/* Dropped: what was encapsulated is for no service. */
	OUTCOME_STRANGER,
	/* Dropped: congestion was met by a sender that cannot be told (RFC 6040). */
	OUTCOME_CONGESTION,
};

#define OUTCOMES (OUTCOME_CONGESTION + 1)
#define NO_FAULT OUTCOMES

struct counts {
	/* What came from outside, not encapsulated. */
	__u64 packets;
	/* IP packets, headers included. */
	__u64 bytes;
	/* Looked at here while their bucket was in transition. */
	__u64 transitions;
	/* Sent on to the other owner. */
	__u64 previous;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OUTCOMES);
	__type(key, enum outcome);
	__type(value, __u64);
} outcomes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SERVICES);
	__type(key, __u32);
	__type(value, struct counts);
} service_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BACKENDS);
	__type(key, __u32);
	__type(value, struct counts);
} backend_counts SEC(".maps");

static __always_inline void count(enum outcome outcome)
{
	__u64 *packets = bpf_map_lookup_elem(&outcomes, &outcome);

	if (packets)
		*packets += 1;
}

/* Counts, and drops. */
static __always_inline int drop(enum outcome outcome)
{
	count(outcome);
	return XDP_DROP;
}
