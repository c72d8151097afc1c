/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The sockets of destinations. A destination has generations, each with the sockets of one run of a server: new flows go to the one that
 * works, and flows that are known stay with theirs.
 */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define DESTINATIONS 1024
/* Of all destinations together. */
#define GENERATIONS 4096
/* Places for sockets that each generation has. */
#define SOCKETS 128

/* A word, so that a packet meets it as it was or as it is. */
struct generation {
	/* Never the same for two of a destination: a place here may be another's later. */
	__u32 number;
	__u16 destination;
	/* How many places may have a socket, from the first one on. */
	__u16 places;
} __attribute__((aligned(8)));

/* The place in `generations` of each destination's that works, 0 if none does. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, __u32);
	__type(value, __u32);
} destinations SEC(".maps");

/* The first place is nobody's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GENERATIONS);
	__type(key, __u32);
	__type(value, struct generation);
} generations SEC(".maps");

/* SOCKETS places for each generation. The kernel takes out what is closed. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, GENERATIONS * SOCKETS);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");
