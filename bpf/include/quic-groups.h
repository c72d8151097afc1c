/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Groups with SO_REUSEPORT whose program reads connection ids, by their destination. */
#pragma once

#include "destination-counts.h"

/* Generations, the newest first, of which any open socket leads into the group. */
#define QUIC_ENTRANCES 12

struct quic_group {
	/* How long a flow is kept without a datagram, nanoseconds. */
	__u64 idle;
	/* In `generations`. The first is 0 if nobody is registered, or the group has no program. */
	__u16 entrances[QUIC_ENTRANCES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, __u32);
	__type(value, struct quic_group);
} quic_groups SEC(".maps");

/* Each datagram that comes to a group is counted in one of these. */
struct quic_count {
	/* Got the socket that its connection id names. */
	__u64 named;
	/* Has an id that the client has chosen: it begins a connection, or is of an unknown version. */
	__u64 opening;
	/* Has an id of another kind. */
	__u64 foreign;
	/* Has an id like ours that is not: forged, damaged, or of a generation that has gone. */
	__u64 forged;
	/* Has an id of ours, whose socket is closed. */
	__u64 closed;
	/* Ends before its header does. */
	__u64 malformed;
	/* No number of datagrams: whether one is on its way to the group by a binding, on this processor. */
	__u64 is_led;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, __u32);
	__type(value, struct quic_count);
} quic_counts SEC(".maps");
