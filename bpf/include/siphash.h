/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* SipHash (Aumasson and Bernstein 2012): a keyed hash for short inputs, of words as a little-endian machine reads them. */
#pragma once

/* For each word, and at the end: SipHash-1-3, which is for tables. SipHash-2-4, which authenticates, is had by saying so before. */
#ifndef SIPHASH_ROUNDS
#define SIPHASH_ROUNDS 1
#define SIPHASH_LAST_ROUNDS 3
#endif

struct siphash {
	__u64 v0, v1, v2, v3;
};

static __always_inline __u64 rotate_left(__u64 word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static __always_inline void siphash_round(struct siphash *state)
{
	state->v0 += state->v1;
	state->v2 += state->v3;
	state->v1 = rotate_left(state->v1, 13) ^ state->v0;
	state->v3 = rotate_left(state->v3, 16) ^ state->v2;
	state->v0 = rotate_left(state->v0, 32);
	state->v2 += state->v1;
	state->v0 += state->v3;
	state->v1 = rotate_left(state->v1, 17) ^ state->v2;
	state->v3 = rotate_left(state->v3, 21) ^ state->v0;
	state->v2 = rotate_left(state->v2, 32);
}

static __always_inline void siphash_begin(struct siphash *state, __u64 key0, __u64 key1)
{
	state->v0 = key0 ^ 0x736f6d6570736575;
	state->v1 = key1 ^ 0x646f72616e646f6d;
	state->v2 = key0 ^ 0x6c7967656e657261;
	state->v3 = key1 ^ 0x7465646279746573;
}

static __always_inline void siphash_add(struct siphash *state, __u64 word)
{
	state->v3 ^= word;
	for (int i = 0; i < SIPHASH_ROUNDS; i++)
		siphash_round(state);
	state->v0 ^= word;
}

/* The last word has the bytes that are left, and in its highest byte the number of all. */
static __always_inline __u64 siphash_end(struct siphash *state, __u64 last)
{
	siphash_add(state, last);
	state->v2 ^= 0xff;
	for (int i = 0; i < SIPHASH_LAST_ROUNDS; i++)
		siphash_round(state);
	return state->v0 ^ state->v1 ^ state->v2 ^ state->v3;
}
