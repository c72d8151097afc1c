/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The attack of the lab. BPF_PROG_TEST_RUN with live frames gives this program frames; it turns each into a packet of the
 * pattern that is next in the schedule, writes random values over parts of it ("patches"), puts the checksums right, waits
 * until the packet is due and sends it out of one interface.
 * It knows no protocol: lab/flood/patterns.ts says what to write where.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PATTERNS 16
#define PATCHES 8
#define CHOICES 16
#define SCHEDULE 256
#define MAX_OFFSET 255
#define MIN_FRAME 42
#define MAX_FRAME 512
/* Polls of the clock before a packet that is not due is given back unsent. */
#define POLLS 1024
/* A sender that was held up for longer than this does not catch up. */
#define MAX_LATE_NS 500000

#define IN_IP_CHECKSUM 1
#define IN_L4_CHECKSUM 2

/* Four bytes at an even offset, as they stand in the frame: choices[random] | (random & mask). */
struct patch {
	__u16 offset;
	__u16 flags;
	__u32 mask;
	__u32 choices[CHOICES];
};

/* Sums are of the frame's 16-bit words as loaded, folded to 16 bits, with what is patched taken as zero; *_at 0: none. */
struct pattern {
	__u32 length;
	__u32 patches;
	__u32 ip_sum;
	__u32 l4_sum;
	__u16 ip_sum_at;
	__u16 l4_sum_at;
	__u32 unused;
	struct patch patch[PATCHES];
	__u8 frame[MAX_FRAME];
};

struct sent {
	__u64 packets;
	__u64 bytes;
};

/* The sender sets what is above `sent` before a run, and reads `sent` at any time. */
struct control {
	__u64 random;
	__u64 gap_ns;
	__u64 due_ns;
	__u32 ifindex;
	__u32 position;
	__u8 schedule[SCHEDULE];
	struct sent sent[PATTERNS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PATTERNS);
	__type(key, __u32);
	__type(value, struct pattern);
} patterns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

/* xorshift64: full period, and a run with the same seed sends the same packets. */
static __always_inline __u64 next_random(__u64 *state)
{
	__u64 x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/* Waits in the kernel: a timer of user space would make bursts, between which a victim recovers. */
static __always_inline int due(struct control *c)
{
	__u64 now = bpf_ktime_get_ns();
	int i;

	if (c->due_ns + MAX_LATE_NS < now)
		c->due_ns = now;
	for (i = 0; i < POLLS && now < c->due_ns; i++)
		now = bpf_ktime_get_ns();
	if (now < c->due_ns)
		return 0;
	c->due_ns += c->gap_ns;
	return 1;
}

static __always_inline __u16 checksum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void put16(void *data, void *data_end, __u32 at, __u16 value)
{
	__u16 *where = data + (at & MAX_OFFSET);

	if (at != 0 && (void *)(where + 1) <= data_end)
		*where = value;
}

/* Gives the frame the length and the bytes of the pattern. */
static __always_inline int copy_frame(struct xdp_md *ctx, struct pattern *p)
{
	__u32 length = p->length;

	if (length < MIN_FRAME || length > MAX_FRAME)
		return -1;
	if (bpf_xdp_adjust_tail(ctx, (int)length - (int)bpf_xdp_get_buff_len(ctx)))
		return -1;
	return bpf_xdp_store_bytes(ctx, 0, p->frame, length);
}

static __always_inline int fill(struct xdp_md *ctx, struct pattern *p, __u64 *seed)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *data = (void *)(long)ctx->data;
	__u32 ip_sum = p->ip_sum, l4_sum = p->l4_sum, i;
	__u16 l4;

	for (i = 0; i < PATCHES && i < p->patches; i++) {
		struct patch *patch = &p->patch[i];
		__u64 random = next_random(seed);
		__u32 word = patch->choices[random & (CHOICES - 1)] | ((random >> 32) & patch->mask);
		__u32 *where = data + (patch->offset & MAX_OFFSET);

		if ((void *)(where + 1) > data_end)
			return -1;
		*where = word;
		word = (word & 0xffff) + (word >> 16);
		ip_sum += patch->flags & IN_IP_CHECKSUM ? word : 0;
		l4_sum += patch->flags & IN_L4_CHECKSUM ? word : 0;
	}
	put16(data, data_end, p->ip_sum_at, checksum(ip_sum));
	/* A UDP checksum of 0 means none, so 0 is sent as its other form. */
	l4 = checksum(l4_sum);
	put16(data, data_end, p->l4_sum_at, l4 ? l4 : 0xffff);
	return 0;
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	__u32 zero = 0, index;
	struct control *c = bpf_map_lookup_elem(&control, &zero);
	struct pattern *p;

	if (!c || !due(c))
		return XDP_DROP;
	index = c->schedule[c->position & (SCHEDULE - 1)] & (PATTERNS - 1);
	p = bpf_map_lookup_elem(&patterns, &index);
	if (!p || copy_frame(ctx, p) || fill(ctx, p, &c->random))
		return XDP_ABORTED;
	c->position++;
	/* Linux 6.12 forgets the bounds of what was on the stack. */
	index &= PATTERNS - 1;
	c->sent[index].packets++;
	c->sent[index].bytes += p->length;
	return bpf_redirect(c->ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
