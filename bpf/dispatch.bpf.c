/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which socket gets a new connection or a datagram, by its local address, port and protocol: a binding names a destination, and that
 * has sockets, wherever they are bound. Connections and connected UDP sockets that exist are found by the kernel before this runs.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/socket.h>
#include <bpf/bpf_helpers.h>
#include "memberships.h"
#include "quic-groups.h"
#include "udp-flows.h"

#ifndef AF_INET
#define AF_INET 2
#endif
#ifndef AF_INET6
#define AF_INET6 10
#endif

/* Shapes that there can be: each length of a prefix, with single ports and without. */
#define SHAPES4 66
#define SHAPES6 258
/* Steps that find one of as many ranges as fit into all ports. */
#define RANGE_STEPS 16
/* A binding stands at most so many places behind the one of its hash. */
#define PROBES 64
#define NOWHERE 0xffff
/* Stands for a destination where a prefix has ranges of ports, and the counter for the place of their head. */
#define RANGES 0xfffe
/* Places that are looked at for a client before all of them are. */
#define HASHES 8
/* About a millisecond: 2^20 nanoseconds. As many of them as processes may have to wait for a processor. */
#define TICK_SHIFT 20
#define PATIENCE_TICKS 10

/* As much of these as is read. */
struct sock {
	__u32 sk_ack_backlog;
} __attribute__((preserve_access_index));

struct inet_sock {
	struct sock sk;
} __attribute__((preserve_access_index));

struct inet_connection_sock {
	struct inet_sock icsk_inet;
} __attribute__((preserve_access_index));

struct tcp_sock {
	struct inet_connection_sock inet_conn;
} __attribute__((preserve_access_index));

/* What is to become of traffic while no socket of a destination is open. */
enum missing {
	MISSING_DROP,
	/* As if there were no binding. */
	MISSING_PASS,
} __attribute__((packed));

/* How the socket of what is new is chosen among the open ones. */
enum spread {
	/* By a hash of the client's address and port. */
	SPREAD_CLIENT,
	SPREAD_ROUND_ROBIN,
	/* By turns, but for those where connections wait to be accepted for long: the shortest queue. */
	SPREAD_LEAST_LOADED,
	/* By the kernel, in the group with SO_REUSEPORT that the client's hash leads to. */
	SPREAD_KERNEL,
};

/* What makes datagrams of a client stay with a socket when another generation works. */
enum flows {
	FLOWS_NONE,
	/* The first datagram of a client. */
	FLOWS_FIRST_PACKET,
	/* The connection id, which the program of the sockets' group reads: quic.bpf.c. */
	FLOWS_QUIC,
	/* That the server has answered it: see answers.bpf.c. */
	FLOWS_ANSWER,
};

/* Of `steering`, the bits that say which of enum spread, of enum flows, and of `flow_idle` holds. */
#define STEERING_SPREAD_MASK 3
#define STEERING_FLOWS_SHIFT 2
#define STEERING_FLOWS_MASK 3
#define STEERING_IDLE_SHIFT 4
#define IDLE_TIMES 16

/* Where a binding leads. */
struct choice {
	/* In `binding_counts`. */
	__u32 counter;
	/* NOWHERE if only ranges of the prefix lead anywhere. */
	__u16 destination;
	enum missing missing;
	__u8 steering;
};

/* What a look-up is for. */
struct key4 {
	/* Masked to the prefix. */
	__be32 address;
	/* In the machine's byte order, or 0 for what a prefix has beside single ports. */
	__u16 port;
	/* Never 0. */
	__u8 protocol;
	/* Of the prefix, bits. */
	__u8 length;
};

struct key6 {
	__be32 address[4];
	__u16 port;
	__u8 protocol;
	__u8 length;
};

/* A place of the table, free if its protocol is 0. Four of them are a line of the processor's cache. */
struct binding4 {
	struct key4 key;
	struct choice choice;
};

struct binding6 {
	struct key6 key;
	struct choice choice;
	__u32 zero;
};

/* Those of a prefix come one after the other in ascending order, behind a head that has their number, and what all other ports have. */
struct range {
	__u16 from;
	__u16 to;
	__u32 count;
	struct choice choice;
};

/* A kind of keys that there are. */
struct shape {
	__be32 mask[4];
	__u16 length;
	/* Whether they have single ports. */
	__u16 has_port;
};

/* The most specific first. */
const volatile struct shape shapes4[SHAPES4] = {};
const volatile struct shape shapes6[SHAPES6] = {};
const volatile __u32 shapes4_count = 0;
const volatile __u32 shapes6_count = 0;

/* How long flows are kept without a datagram, nanoseconds. */
const volatile __u64 flow_idle[IDLE_TIMES] = {};

/* Places of the tables less one: a power of two less one. */
const volatile __u32 mask4 = 0;
const volatile __u32 mask6 = 0;

/* Counters that each CPU has. */
const volatile __u32 counters = 0;

/* Open-addressing hash tables: a look-up is one line of memory where a map of the kernel's takes three. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct binding4);
} bindings4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct binding6);
} bindings6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct range);
} ranges SEC(".maps");

/*
 * Connections or datagrams that each binding has decided about: all of one CPU, then all of the next one. A map for each CPU, as the kernel has them,
 * would have its elements found by a pointer each, which is another line of memory.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} binding_counts SEC(".maps");

/* Sockets of a destination are taken by turns from here on, whichever binding led there. */
struct turns {
	__u32 next;
	/* Ticks at which each place got a connection when none waited there, or 0. */
	__u32 busy_since[SOCKETS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DESTINATIONS);
	__type(key, __u32);
	__type(value, struct turns);
} turns SEC(".maps");

struct target6 {
	__be32 address[4];
	__u16 port;
	__u8 protocol;
	__u8 zero;
};

static __always_inline __u64 scramble(__u64 word)
{
	word *= 0x9e3779b97f4a7c15;
	return word ^ word >> 32;
}

static __always_inline __u64 pair(__be32 first, __be32 second)
{
	return first | (__u64)second << 32;
}

static __always_inline __u32 fold(__u64 word)
{
	return word >> 32 ^ word >> 48;
}

/*
 * The place of a key behind one that another key has, or -1. Loops here and in find_range() are unrolled: for users without CAP_PERFMON the
 * verifier also follows what a processor may speculate, which goes on behind the end of a loop.
 */
__noinline int find_key4_behind(__u64 key, __u32 place)
{
#pragma clang loop unroll(full)
	for (int probe = 1; probe < PROBES; probe++) {
		const struct binding4 *binding;

		place = (place + 1) & mask4;
		binding = bpf_map_lookup_elem(&bindings4, &place);
		if (!binding || !binding->key.protocol)
			return -1;
		if (*(const __u64 *)&binding->key == key)
			return place;
	}
	return -1;
}

/* The binding of a key. Most are where their hash says, and a call would cost more than that look does. */
static __always_inline const struct binding4 *find_key4(__u64 key)
{
	__u32 place = fold(scramble(key)) & mask4;
	const struct binding4 *binding = bpf_map_lookup_elem(&bindings4, &place);

	if (!binding || *(const __u64 *)&binding->key == key)
		return binding;
	if (!binding->key.protocol)
		return 0;
	/* At -1 there is none. */
	place = find_key4_behind(key, place);
	return bpf_map_lookup_elem(&bindings4, &place);
}

static __always_inline __u32 key_tail(const struct key6 *key)
{
	return *(const __u32 *)&key->port;
}

static __always_inline __u32 hash_key6(const struct key6 *key)
{
	__u64 word = scramble(pair(key->address[0], key_tail(key)));

	word = scramble(word ^ pair(key->address[1], key->address[2]));
	return fold(scramble(word ^ key->address[3]));
}

/* Without jumps: the verifier follows each of them at every probe, and for who may not see all of memory also where it is not taken. */
static __always_inline __u32 differs(const struct key6 *key, const struct key6 *other)
{
	return (key_tail(key) ^ key_tail(other)) | (key->address[0] ^ other->address[0]) |
	       (key->address[1] ^ other->address[1]) | (key->address[2] ^ other->address[2]) |
	       (key->address[3] ^ other->address[3]);
}

/* The same of IPv6. */
__noinline int find_key6_behind(struct key6 *key, __u32 place)
{
	if (!key)
		return -1;
#pragma clang loop unroll(full)
	for (int probe = 1; probe < PROBES; probe++) {
		const struct binding6 *binding;

		place = (place + 1) & mask6;
		binding = bpf_map_lookup_elem(&bindings6, &place);
		if (!binding || !binding->key.protocol)
			return -1;
		if (!differs(key, &binding->key))
			return place;
	}
	return -1;
}

static __always_inline const struct binding6 *find_key6(struct key6 *key)
{
	__u32 place = hash_key6(key) & mask6;
	const struct binding6 *binding = bpf_map_lookup_elem(&bindings6, &place);

	if (!binding || !differs(key, &binding->key))
		return binding;
	if (!binding->key.protocol)
		return 0;
	/* At -1 there is none. */
	place = find_key6_behind(key, place);
	return bpf_map_lookup_elem(&bindings6, &place);
}

/* The place of the range that has a port, or -1. */
__noinline int find_range(__u32 first, __u32 count, __u32 port)
{
	__u32 from = first, to = first + count;

#pragma clang loop unroll(full)
	for (int step = 0; step < RANGE_STEPS; step++) {
		__u32 middle = from + (to - from) / 2;
		const struct range *range = bpf_map_lookup_elem(&ranges, &middle);

		if (from >= to || !range)
			return -1;
		if (port < range->from)
			to = middle;
		else if (port > range->to)
			from = middle + 1;
		else
			return middle;
	}
	return -1;
}

/* What a range of a prefix has for a port, else what its head has. */
static __always_inline int choose_range(__u32 head, __u32 port, struct choice *choice)
{
	const struct range *range = bpf_map_lookup_elem(&ranges, &head);
	__u32 place;
	int found;

	if (!range)
		return 0;
	found = find_range(head + 1, range->count, port);
	place = found < 0 ? head : found;
	range = bpf_map_lookup_elem(&ranges, &place);
	if (!range)
		return 0;
	*choice = range->choice;
	return choice->destination != NOWHERE;
}

static __always_inline int choose(const struct choice *found, __u32 port, struct choice *choice)
{
	if (found->destination == RANGES)
		return choose_range(found->counter, port, choice);
	*choice = *found;
	return 1;
}

/* The longest prefix wins that has the port at all; in it a single port before a range, and that before all other ports. */
static __always_inline int choose4(__u32 address, __u32 port, __u32 protocol, struct choice *choice)
{
	for (__u32 i = 0; i < SHAPES4 && i < shapes4_count; i++) {
		const volatile struct shape *shape = &shapes4[i];
		__u64 tail = (shape->has_port ? port : 0) | protocol << 16 | (__u32)shape->length << 24;
		const struct binding4 *binding = find_key4((address & shape->mask[0]) | tail << 32);

		if (binding && choose(&binding->choice, port, choice))
			return 1;
	}
	return 0;
}

static __always_inline int choose6(const struct target6 *target, struct choice *choice)
{
	struct key6 key = { .protocol = target->protocol };

	for (__u32 i = 0; i < SHAPES6 && i < shapes6_count; i++) {
		const volatile struct shape *shape = &shapes6[i];
		const struct binding6 *binding;

		for (int word = 0; word < 4; word++)
			key.address[word] = target->address[word] & shape->mask[word];
		key.length = shape->length;
		key.port = shape->has_port ? target->port : 0;
		binding = find_key6(&key);
		if (binding && choose(&binding->choice, target->port, choice))
			return 1;
	}
	return 0;
}

static __always_inline int find_choice(struct bpf_sk_lookup *ctx, struct choice *choice)
{
	struct target6 target = { .protocol = ctx->protocol, .port = ctx->local_port };

	if (ctx->family == AF_INET)
		return choose4(ctx->local_ip4, ctx->local_port, ctx->protocol, choice);
	target.address[0] = ctx->local_ip6[0];
	target.address[1] = ctx->local_ip6[1];
	target.address[2] = ctx->local_ip6[2];
	target.address[3] = ctx->local_ip6[3];
	return choose6(&target, choice);
}

static __always_inline void count_choice(const struct choice *choice)
{
	__u32 place = bpf_get_smp_processor_id() * counters + choice->counter;
	__u64 *count = bpf_map_lookup_elem(&binding_counts, &place);

	if (count)
		(*count)++;
}

/* The same for all packets of a client's port, and different for others. */
static __always_inline __u64 hash_client(const struct bpf_sk_lookup *ctx)
{
	__u64 word = pair(ctx->remote_ip4, ctx->remote_port);

	if (ctx->family == AF_INET6) {
		word = scramble(pair(ctx->remote_ip6[0], ctx->remote_ip6[1]));
		word = scramble(word ^ pair(ctx->remote_ip6[2], ctx->remote_ip6[3])) ^ ctx->remote_port;
	}
	return scramble(word);
}

/* Where a socket is: in `generations`, and among the sockets of the generation. */
struct where {
	__u32 generation;
	__u32 place;
	/* Of the generation. */
	__u32 number;
};

static __always_inline struct bpf_sock *socket_at(__u32 generation, __u32 place)
{
	__u32 slot = generation * SOCKETS + place;

	return bpf_map_lookup_elem(&sockets, &slot);
}

/* An open socket: at the place of a client's hash; clients of one that is closed are spread over all others by the next hashes. */
static __always_inline struct bpf_sock *find_by_hash(const struct bpf_sk_lookup *ctx, __u32 count, struct where *where)
{
	__u64 hash = count > 1 ? hash_client(ctx) : 0;
	struct bpf_sock *socket;

	for (int i = 0; i < HASHES; i++) {
		where->place = (__u64)(__u32)hash * count >> 32;
		socket = socket_at(where->generation, where->place);
		if (socket)
			return socket;
		hash = scramble(hash);
	}
	for (__u32 i = 0; i < SOCKETS && i < count; i++) {
		/* Reckoned, not chosen: the verifier of older kernels would follow each way through all rounds. */
		where->place = ((__u32)hash + i) % count;
		socket = socket_at(where->generation, where->place);
		if (socket)
			return socket;
	}
	return 0;
}

/* The place of the open socket whose turn it is, or -1. Turns of closed ones are used up, so that those of open ones stay even. */
__noinline int take_turn(__u32 destination, __u32 generation, __u32 count)
{
	struct turns *taken = bpf_map_lookup_elem(&turns, &destination);

	for (__u32 i = 0; taken && i < SOCKETS && i < count; i++) {
		__u32 place = __sync_fetch_and_add(&taken->next, 1) % count;
		struct bpf_sock *socket = socket_at(generation, place);

		if (!socket)
			continue;
		bpf_sk_release(socket);
		return place;
	}
	return -1;
}

struct load_search {
	struct turns *turns;
	/* Ticks, never 0. */
	__u32 now;
	__u32 generation;
	__u32 count;
	__u32 first;
	/* The least loaded place until now. */
	__u32 place;
	__u32 load;
};

/* The connections that wait at a place, once some may have for a while: before, they tell who has a processor at the moment, not who is loaded. */
static __always_inline __u32 load_at(const struct load_search *search, __u32 place, __u32 waiting)
{
	__u32 *since = &search->turns->busy_since[place % SOCKETS];

	if (!waiting)
		*since = 0;
	return *since && search->now - *since > PATIENCE_TICKS ? waiting : 0;
}

/* One round of a search, which ends where there is no load. */
static long compare_load(__u32 round, struct load_search *search)
{
	__u32 place = (search->first + round) % search->count, load;
	struct bpf_sock *socket = socket_at(search->generation, place);
	const struct tcp_sock *tcp;

	if (!socket)
		return 0;
	tcp = bpf_skc_to_tcp_sock(socket);
	load = tcp ? load_at(search, place, tcp->inet_conn.icsk_inet.sk.sk_ack_backlog) : ~0;
	if (load < search->load) {
		search->load = load;
		search->place = place;
	}
	bpf_sk_release(socket);
	return search->load == 0;
}

/* Of those that are alike the first one from a place on; the next turn is that of the one behind it. */
__noinline int find_least_loaded(__u32 destination, __u32 generation, __u32 count, __u32 first)
{
	struct load_search search = {
		.turns = bpf_map_lookup_elem(&turns, &destination),
		.now = bpf_ktime_get_coarse_ns() >> TICK_SHIFT | 1,
		.generation = generation,
		.count = count,
		.first = first,
		.place = first,
		.load = ~0,
	};
	__u32 *since;

	if (!search.turns || count == 0 || count > SOCKETS)
		return first;
	bpf_loop(count, compare_load, &search, 0);
	if (search.place != first)
		search.turns->next = search.place + 1;
	since = &search.turns->busy_since[search.place % SOCKETS];
	if (!*since)
		*since = search.now;
	return search.place;
}

/* An open socket of the generation that works, and where it is. */
static __always_inline struct bpf_sock *find_socket(const struct bpf_sk_lookup *ctx, const struct choice *choice,
						    struct where *where)
{
	__u32 destination = choice->destination, spread = choice->steering & STEERING_SPREAD_MASK;
	const __u32 *working = bpf_map_lookup_elem(&destinations, &destination);
	const struct generation *generation;
	struct bpf_sock *socket;
	int place = -1;

	if (!working || !*working)
		return 0;
	where->generation = *working;
	generation = bpf_map_lookup_elem(&generations, &where->generation);
	if (!generation || generation->destination != destination)
		return 0;
	where->number = generation->number;
	if (spread == SPREAD_ROUND_ROBIN || spread == SPREAD_LEAST_LOADED)
		place = take_turn(destination, where->generation, generation->places);
	if (place >= 0 && spread == SPREAD_LEAST_LOADED)
		place = find_least_loaded(destination, where->generation, generation->places, place);
	if (place >= 0) {
		where->place = place;
		socket = socket_at(where->generation, place);
		if (socket)
			return socket;
	}
	return find_by_hash(ctx, generation->places, where);
}

/* Volatile, as the verifier takes no pointer that the compiler reckons from the context's. */
static __always_inline struct flow_key flow_key(const volatile struct bpf_sk_lookup *ctx, __u32 destination)
{
	struct flow_key key = {
		.local_port = ctx->local_port,
		.remote_port = ctx->remote_port,
		.destination = destination,
	};

	if (ctx->family == AF_INET) {
		key.local[0] = ctx->local_ip4;
		key.remote[0] = ctx->remote_ip4;
		return key;
	}
	key.local[0] = ctx->local_ip6[0];
	key.local[1] = ctx->local_ip6[1];
	key.local[2] = ctx->local_ip6[2];
	key.local[3] = ctx->local_ip6[3];
	key.remote[0] = ctx->remote_ip6[0];
	key.remote[1] = ctx->remote_ip6[1];
	key.remote[2] = ctx->remote_ip6[2];
	key.remote[3] = ctx->remote_ip6[3];
	return key;
}

static __always_inline int assign(struct bpf_sk_lookup *ctx, struct bpf_sock *socket, __u64 flags)
{
	long refused = bpf_sk_assign(ctx, socket, flags);

	bpf_sk_release(socket);
	return !refused;
}

static __always_inline __u64 assign_flags(const struct choice *choice)
{
	return (choice->steering & STEERING_SPREAD_MASK) == SPREAD_KERNEL ? 0 : BPF_SK_LOOKUP_F_NO_REUSEPORT;
}

/* The verdict; `where` tells the socket if its `number` is not 0. */
static __always_inline int hand_over(struct bpf_sk_lookup *ctx, const struct choice *choice,
				     struct destination_count *counts, struct where *where)
{
	struct bpf_sock *socket = find_socket(ctx, choice, where);

	if (!socket) {
		where->number = 0;
		counts->missing++;
		return choice->missing == MISSING_PASS ? SK_PASS : SK_DROP;
	}
	if (assign(ctx, socket, assign_flags(choice))) {
		counts->dispatched++;
		return SK_PASS;
	}
	/* Never another socket's: the kernel would go on to look for one. */
	where->number = 0;
	counts->unusable++;
	return SK_DROP;
}

/* A function of its own: the verifier of older kernels would follow it for each way in which a binding is found. */
__noinline int keep_flow(struct bpf_sk_lookup *ctx, struct choice *choice, struct destination_count *counts)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	struct udp_flow *known, flow = { .seen = now };
	struct bpf_sock *socket = 0;
	struct where where = {};
	struct flow_key key;
	int verdict;

	if (!choice || !counts)
		return SK_DROP;
	key = flow_key(ctx, choice->destination);
	known = find_flow(&key, now, flow_idle[choice->steering >> STEERING_IDLE_SHIFT & (IDLE_TIMES - 1)]);
	if (known)
		socket = socket_at(known->generation, known->place);
	if (socket && assign(ctx, socket, BPF_SK_LOOKUP_F_NO_REUSEPORT)) {
		counts->kept++;
		return SK_PASS;
	}
	verdict = hand_over(ctx, choice, counts, &where);
	if (!where.number)
		return verdict;
	flow.number = where.number;
	flow.generation = where.generation;
	flow.place = where.place;
	bpf_map_update_elem(&flows, &key, &flow, BPF_ANY);
	return verdict;
}

/* The socket of a flow. One that has none any more is forgotten, so that the next answer notes it anew. */
static __always_inline struct bpf_sock *answered_by(const struct flow_key *key, __u64 idle)
{
	const struct udp_flow *known = find_flow(key, bpf_ktime_get_coarse_ns(), idle);
	struct bpf_sock *socket = known ? socket_at(known->generation, known->place) : 0;

	if (!socket && bpf_map_lookup_elem(&flows, key))
		bpf_map_delete_elem(&flows, key);
	return socket;
}

/* Finds flows that answers have noted, from this local address or, where the kernel chose it, any; notes none. */
__noinline int keep_answered(struct bpf_sk_lookup *ctx, struct choice *choice, struct destination_count *counts)
{
	struct where where = {};
	struct bpf_sock *socket;
	struct flow_key key;
	__u64 idle;

	if (!choice || !counts)
		return SK_DROP;
	key = flow_key(ctx, choice->destination);
	idle = flow_idle[choice->steering >> STEERING_IDLE_SHIFT & (IDLE_TIMES - 1)];
	socket = answered_by(&key, idle);
	if (!socket) {
		__builtin_memset(key.local, 0, sizeof(key.local));
		socket = answered_by(&key, idle);
	}
	if (socket && assign(ctx, socket, BPF_SK_LOOKUP_F_NO_REUSEPORT)) {
		counts->kept++;
		return SK_PASS;
	}
	return hand_over(ctx, choice, counts, &where);
}

struct entrance {
	struct bpf_sk_lookup *ctx;
	__u32 slot;
	__u32 is_open;
};

/* One round of a search, which ends with a socket that the kernel takes. */
static long try_entrance(__u32 place, struct entrance *entrance)
{
	struct bpf_sock *socket = socket_at(entrance->slot, place);

	if (socket && assign(entrance->ctx, socket, 0))
		entrance->is_open = 1;
	return entrance->is_open != 0;
}

/* Has the program of the group choose that sockets of a generation are in: by which of them does not matter. */
static __always_inline int enter_group(struct bpf_sk_lookup *ctx, __u32 slot, __u32 destination)
{
	const struct generation *generation = bpf_map_lookup_elem(&generations, &slot);
	struct entrance entrance = { .ctx = ctx, .slot = slot };

	/* It may be another's by now. */
	if (!generation || generation->destination != destination)
		return 0;
	/* Nearly always the first is, and the loop costs more than that. */
	if (!try_entrance(0, &entrance))
		bpf_loop(generation->places, try_entrance, &entrance, 0);
	return entrance.is_open;
}

/* Whether the destination has a group that reads connection ids; then the verdict is there. */
static __always_inline int ask_group(struct bpf_sk_lookup *ctx, struct choice *choice, struct destination_count *counts, int *verdict)
{
	const struct quic_group *group;
	struct quic_count *count;
	__u32 number;

	if (!choice || !counts || !verdict)
		return 0;
	number = choice->destination;
	group = bpf_map_lookup_elem(&quic_groups, &number);
	count = bpf_map_lookup_elem(&quic_counts, &number);
	if (!group || !count || !group->entrances[0])
		return 0;
	*verdict = SK_PASS;
	count->is_led = 1;
	for (int i = 0; i < QUIC_ENTRANCES; i++)
		if (group->entrances[i] && enter_group(ctx, group->entrances[i], number))
			return 1;
	count->is_led = 0;
	counts->missing++;
	if (choice->missing != MISSING_PASS)
		*verdict = SK_DROP;
	return 1;
}

static __always_inline int keep(struct bpf_sk_lookup *ctx, struct choice *choice, struct destination_count *counts)
{
	int flows = choice->steering >> STEERING_FLOWS_SHIFT & STEERING_FLOWS_MASK, verdict;

	if (flows == FLOWS_ANSWER)
		return keep_answered(ctx, choice, counts);
	if (flows == FLOWS_QUIC && ask_group(ctx, choice, counts, &verdict))
		return verdict;
	return keep_flow(ctx, choice, counts);
}

SEC("sk_lookup")
int dispatch(struct bpf_sk_lookup *ctx)
{
	struct destination_count *counts;
	struct choice choice = {};
	struct where where = {};
	__u32 number;

	/* Another program has chosen already, or there is nothing for this one. */
	if (ctx->sk || !find_choice(ctx, &choice))
		return SK_PASS;
	count_choice(&choice);
	number = choice.destination;
	counts = bpf_map_lookup_elem(&destination_counts, &number);
	if (!counts)
		return SK_PASS;
	if (choice.steering >> STEERING_FLOWS_SHIFT & STEERING_FLOWS_MASK)
		return keep(ctx, &choice, counts) == SK_PASS ? SK_PASS : SK_DROP;
	return hand_over(ctx, &choice, counts, &where);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
