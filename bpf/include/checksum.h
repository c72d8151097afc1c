/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The internet checksum (RFC 1071), of sums of 32-bit words. */
#pragma once

static __always_inline __sum16 fold_checksum(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u64 sum_words(__u64 sum, const void *words, int bytes)
{
	for (int i = 0; i < bytes / 4; i++)
		sum += ((const __u32 *)words)[i];
	return sum;
}
