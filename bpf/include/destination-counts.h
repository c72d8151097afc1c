/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What becomes of what destinations get. */
#pragma once

#include "generations.h"

/* Each look-up that ends at a destination is counted in one of these. */
struct destination_count {
	/* Got a socket of the generation that works. */
	__u64 dispatched;
	/* Got the socket that has its flow. */
	__u64 kept;
	/* No socket was open. */
	__u64 missing;
	/* The kernel refused the socket: it is connected, or of another kind. */
	__u64 unusable;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, __u32);
	__type(value, struct destination_count);
} destination_counts SEC(".maps");
