/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Who serves: rows of {current, previous} owner by hash, and how each server is reached. */
#pragma once

#define ROWS_A_LINE 16
#define BUCKET_LINES 1024
#define BACKENDS 1024
#define SERVER_IDS 65536

/* Owners of the flows of one hash, as indices of `backends`; 0 for none. Written by one aligned store of 32 bits. */
struct bucket {
	__u16 current;
	/* Who may still have connections of the bucket: set while it is in transition. */
	__u16 previous;
} __attribute__((aligned(4)));

/* 64 bytes, for an element of an array takes 8 at least. */
struct bucket_line {
	struct bucket rows[ROWS_A_LINE];
};

/* As large as a cache line: elements of a power of two are found by a shift. */
struct backend {
	/* Of the outer header's destination; an IPv4 address is the first 4 bytes. */
	__u8 address[16];
	/* AF_INET (2) or AF_INET6 (10); 0 where there is no backend. */
	__u8 family;
	/* Interface and Ethernet addresses are known; else packets for it are dropped. */
	_Bool resolved;
	/* Longest IP packet that gets there, bytes. */
	__u16 mtu;
	__u32 ifindex;
	/* Ethernet addresses of the next hop and of the interface, as they begin a frame. */
	__u8 next_hop[6];
	__u8 link[6];
} __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BUCKET_LINES);
	__type(key, __u32);
	__type(value, struct bucket_line);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BACKENDS);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

/* The backend of each server id that QUIC connection ids carry; 0 for none. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SERVER_IDS);
	__type(key, __u32);
	__type(value, __u16);
} server_ids SEC(".maps");

/* Rows of a pool less one: a power of two less one. */
const volatile __u32 bucket_mask = 16383;
/* This machine in `backends`; 0 if it is none. */
const volatile __u16 self = 0;

static __always_inline struct bucket read_bucket(__u32 pool, __u64 hash)
{
	struct bucket none = {};
	__u32 row = pool + ((__u32)hash & bucket_mask);
	__u32 line = row / ROWS_A_LINE;
	struct bucket_line *rows = bpf_map_lookup_elem(&buckets, &line);
	__u32 word;

	if (!rows)
		return none;
	word = *(volatile __u32 *)&rows->rows[row % ROWS_A_LINE];
	__builtin_memcpy(&none, &word, sizeof(word));
	return none;
}
