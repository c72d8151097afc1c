/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Extension headers of IPv6 (RFC 8200): hop-by-hop and destination options, routing, fragment, authentication. */
#pragma once

#include "frame.h"

#define MAX_EXTENSIONS 6

#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_FRAGMENT_OFFSET 0xfff8

/* A way through extension headers. */
struct chain {
	/* Where the next header is, from the start of the frame, and what it is. */
	__u32 at;
	__u8 protocol;
	/* There is more of the packet in others; and this is not its beginning, so that there is no next header. */
	__u8 fragment;
	__u8 later;
};

static __always_inline int is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH;
}

static __always_inline __u32 extension_length(__u8 protocol, __u8 words)
{
	if (protocol == IPPROTO_FRAGMENT)
		return 8;
	return protocol == IPPROTO_AH ? (words + 2) * 4 : (words + 1) * 8;
}

static __always_inline void note_fragment(struct chain *chain, __be16 field)
{
	if (field & bpf_htons(IPV6_FRAGMENT_OFFSET | IPV6_MORE_FRAGMENTS))
		chain->fragment = 1;
	if (field & bpf_htons(IPV6_FRAGMENT_OFFSET))
		chain->later = 1;
}

/* Where there is no end after six, or the frame ends before, it returns -1. */
__noinline int follow_chain(struct xdp_md *ctx, struct chain *chain)
{
	__u32 at;

	if (!chain)
		return -1;
	at = chain->at;
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		__u8 protocol = chain->protocol;
		__u8 *header;

		if (!is_extension(protocol) || chain->later)
			break;
		header = bytes_at(ctx, at, 8);
		if (!header)
			return -1;
		if (protocol == IPPROTO_FRAGMENT)
			note_fragment(chain, *(__be16 *)(header + 2));
		at += extension_length(protocol, header[1]);
		chain->protocol = header[0];
	}
	chain->at = at;
	return is_extension(chain->protocol) && !chain->later ? -1 : 0;
}

/* Goes to what is behind extension headers; fails if it cannot be reached. */
static __always_inline int follow(struct xdp_md *ctx, struct chain *chain)
{
	struct chain copy = *chain;

	if (follow_chain(ctx, &copy))
		return -1;
	*chain = copy;
	return 0;
}
