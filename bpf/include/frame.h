/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The bytes of a frame, in reach of the verifier. */
#pragma once

/* No header that is looked for is further behind: link header, IP, and six of the longest extension headers of IPv6. */
#define FARTHEST 16383

/* Kept together, or the compiler holds half of the difference, a pointer, in 32 bits. */
static __always_inline __u64 frame_length(const struct xdp_md *ctx)
{
	__u64 length = (long)ctx->data_end - (long)ctx->data;

	asm volatile("" : "+r"(length));
	return length;
}

/*
 * So many bytes from an offset on; 0 if the frame ends before. An offset that the compiler does not know is kept in one register, of which
 * the verifier is told at once.
 */
static __always_inline void *bytes_at(const struct xdp_md *ctx, __u64 offset, __u32 size)
{
	void *start;

	if (!__builtin_constant_p(offset)) {
		asm volatile("" : "+r"(offset));
		if (offset > FARTHEST)
			return 0;
	}
	start = (void *)(long)ctx->data + offset;
	/* So that nobody who asks whether there are any bytes looks for this, too. */
	__builtin_assume(start != 0);
	return start + size > (void *)(long)ctx->data_end ? 0 : start;
}
