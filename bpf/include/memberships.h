/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Of which generation a socket is. */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Where a socket of UDP is registered. */
struct membership {
	/* The generation's; 0 if it is not registered for the family. */
	__u32 number;
	__u16 destination;
	/* In `generations`, and among its sockets. */
	__u16 generation;
	__u16 place;
	__u16 zero;
};

/* Of IPv4 and of IPv6: a socket may take both. */
struct memberships {
	struct membership ipv4;
	struct membership ipv6;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct memberships);
} memberships SEC(".maps");
