/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Socket options by which a UDP server says which generation its sockets are of, and which generation is to work: those of udpgrm, with its
 * numbers, sizes and errors. They are answered here, at a control group, and done by the agent, which reads `requests`.
 */
#include <asm/errno.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "memberships.h"
#include "udp-flows.h"

#define AF_INET 2
#define AF_INET6 10
#define SOL_SOCKET 1
#define SO_REUSEPORT 15
#define HANDLED 1
#define FAILED 0
/* What the kernel is told so that it does nothing itself. */
#define DONE -1
/* The kernel refuses what is longer than a page, unless told that it is not of interest. */
#define PAGE 4096
/* A group takes up to two destinations: they leave room for others. */
#define GROUPS 256
#define NONE 0xffffffff

enum option {
	WORKING_GEN = 200,
	SOCKET_GEN,
	DISSECTOR,
	FLOW_ASSURE,
	SOCKET_APP,
};

enum dissector_type {
	DISSECTOR_FLOW = 0,
	DISSECTOR_CBPF = 1,
	DISSECTOR_BESPOKE = 3,
	DISSECTOR_NOOP = 4,
};

#define DISSECTOR_VERBOSE 0x8000
#define LABEL 100
#define LONGEST_FILTER 64

struct instruction {
	__u16 code;
	__u8 jt;
	__u8 jf;
	__u32 k;
};

/* What a server sets, or the first part of it. */
struct dissector {
	enum dissector_type type;
	/* Of flows, seconds; 0 is the default. */
	__u32 timeout;
	__u32 max_apps;
	__u32 digest;
	char label[LABEL];
	__u32 filter_length;
	/* The classic program that reads cookies. */
	struct instruction filter[LONGEST_FILTER];
};

#define WITHOUT_FILTER 116
/* What udpgrm has had room for once, and has now. */
#define SHORT_FILTER 376
#define WHOLE sizeof(struct dissector)

/* Sockets that are bound to the same. */
struct group {
	/* An IPv4 address is the first 4 bytes, the rest 0. */
	__be32 address[4];
	/* In the machine's byte order. */
	__u16 port;
	__u16 family;
};

struct group_generation {
	struct group group;
	/* As the server counts. */
	__u32 generation;
};


/* What the agent has made of it, in the form in which servers read it. */
struct registered {
	__u32 generation;
	__u32 index;
	__u16 cookie;
	__u16 zero;
};

enum request_kind {
	REQUEST_REGISTER,
	REQUEST_WORK,
};

/* Has the agent look: what is to be done is in the maps, so that nothing is lost with a record. */
struct request {
	struct group_generation of;
	enum request_kind kind;
	/* Process that asks. */
	__u32 pid;
};

/* Only sockets of this network namespace are of interest. */
const volatile __u64 netns_cookie = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GROUPS);
	__type(key, struct group);
	__type(value, struct dissector);
} groups SEC(".maps");

/* The generation of each group that is to work, as its servers count. The agent takes back what cannot be. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GROUPS);
	__type(key, struct group);
	__type(value, __u32);
} working SEC(".maps");

/* Generations that have been asked for, with their number in Seawall once they are registered, else 0. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16 * GROUPS);
	__type(key, struct group_generation);
	__type(value, __u32);
} known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct group_generation);
} asked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct registered);
} registered SEC(".maps");

/* What does not fit on the stack: what is set just now, and the usual dissector. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct dissector);
} dissectors SEC(".maps");

/* When the agent was seen last, nanoseconds since the machine started. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
	__type(value, struct request);
} requests SEC(".maps");

/* An agent that has not been seen for so long does nothing any more. */
#define AGENT_GONE (2 * SECOND)

/* The clock of flows may be behind by a tick, and none may be seen in its future. */
#define COARSE (SECOND / 10)
/* Seconds that flows are kept, unless the server says others. */
#define USUAL_TIMEOUT 125

static __always_inline int fail(int error)
{
	bpf_set_retval(-error);
	return FAILED;
}

static __always_inline int done(struct bpf_sockopt *ctx)
{
	ctx->optlen = DONE;
	bpf_set_retval(0);
	return HANDLED;
}

static __always_inline int is_ours(struct bpf_sockopt *ctx)
{
	return ctx->level == IPPROTO_UDP && ctx->optname >= WORKING_GEN && ctx->optname <= SOCKET_APP &&
	       ctx->sk->protocol == IPPROTO_UDP && bpf_get_netns_cookie(ctx) == netns_cookie;
}

static __always_inline int pass(struct bpf_sockopt *ctx)
{
	if (ctx->optlen > PAGE)
		ctx->optlen = 0;
	return HANDLED;
}

/* Volatile, as the verifier takes no pointer that the compiler reckons from the socket's. */
static __always_inline struct group group_of(const volatile struct bpf_sock *socket)
{
	struct group group = { .family = socket->family, .port = socket->src_port };

	if (socket->family == AF_INET) {
		group.address[0] = socket->src_ip4;
		return group;
	}
	group.address[0] = socket->src_ip6[0];
	group.address[1] = socket->src_ip6[1];
	group.address[2] = socket->src_ip6[2];
	group.address[3] = socket->src_ip6[3];
	return group;
}

static __always_inline int has_agent(void)
{
	__u32 first = 0;
	__u64 *last = bpf_map_lookup_elem(&seen, &first);

	return last && bpf_ktime_get_ns() < *last + AGENT_GONE;
}

/* One that is not known yet has the usual dissector, and its generation 0 is to work. 0 if there is room for no more. */
static __noinline int make_group(const struct group *group, const struct dissector *dissector)
{
	__u32 first = 0;

	if (bpf_map_update_elem(&working, group, &first, BPF_NOEXIST) && !bpf_map_lookup_elem(&working, group))
		return 0;
	bpf_map_update_elem(&groups, group, dissector, BPF_NOEXIST);
	return bpf_map_lookup_elem(&groups, group) != 0;
}

static __always_inline int know_group(const struct group *group)
{
	__u32 second = 1;
	const struct dissector *usual = bpf_map_lookup_elem(&dissectors, &second);

	return bpf_map_lookup_elem(&groups, group) || (usual && make_group(group, usual));
}

/* Wakes the agent. 0 if there is no room for it. */
static __always_inline int post(enum request_kind kind, const struct group_generation *of)
{
	struct request *request = bpf_ringbuf_reserve(&requests, sizeof(*request), 0);

	if (!request)
		return 0;
	request->of = *of;
	request->kind = kind;
	request->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_submit(request, 0);
	return 1;
}

/* A socket that is registered stays in its generation. */
static __noinline int set_socket_gen(struct bpf_sockopt *ctx, const struct group *group)
{
	struct registered *own = bpf_sk_storage_get(&registered, ctx->sk, 0, 0);
	struct group_generation of = { .group = *group }, *asking;
	const __u32 *value = ctx->optval;
	__u32 nothing = 0;

	if ((void *)(value + 1) > ctx->optval_end)
		return fail(EFAULT);
	of.generation = *value;
	if (own)
		return own->generation == of.generation ? done(ctx) : fail(EPERM);
	if (!has_agent())
		return fail(EAGAIN);
	asking = bpf_sk_storage_get(&asked, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!know_group(group) || !asking)
		return fail(ENOBUFS);
	bpf_map_update_elem(&known, &of, &nothing, BPF_NOEXIST);
	*asking = of;
	return post(REQUEST_REGISTER, &of) ? done(ctx) : fail(EAGAIN);
}

/* Refused for a generation that no socket has asked for. */
static __noinline int set_working_gen(struct bpf_sockopt *ctx, const struct group *group)
{
	struct group_generation of = { .group = *group };
	const __u32 *value = ctx->optval;

	if ((void *)(value + 1) > ctx->optval_end)
		return fail(EFAULT);
	of.generation = *value;
	if (!know_group(group))
		return fail(ENOBUFS);
	if (!bpf_map_lookup_elem(&known, &of))
		return fail(EPERM);
	if (!has_agent() || bpf_map_update_elem(&working, group, &of.generation, BPF_ANY))
		return fail(EAGAIN);
	return post(REQUEST_WORK, &of) ? done(ctx) : fail(EAGAIN);
}

/* In parts, as the compiler copies no more at once. */
static __always_inline void copy(void *to, const void *from, __u32 size)
{
	for (__u32 at = 0; at < size; at += SHORT_FILTER)
		__builtin_memcpy(to + at, from + at, size - at < SHORT_FILTER ? size - at : SHORT_FILTER);
}

/* Servers may send less than all of it. */
static __always_inline void read_dissector(struct bpf_sockopt *ctx, struct dissector *wanted)
{
	const void *from = ctx->optval, *end = ctx->optval_end;

	__builtin_memset(wanted, 0, SHORT_FILTER);
	__builtin_memset((void *)wanted + SHORT_FILTER, 0, WHOLE - SHORT_FILTER);
	if (from + WHOLE <= end)
		copy(wanted, from, WHOLE);
	else if (from + SHORT_FILTER <= end)
		copy(wanted, from, SHORT_FILTER);
	else if (from + WITHOUT_FILTER <= end)
		copy(wanted, from, WITHOUT_FILTER);
	else if (from + 16 <= end)
		copy(wanted, from, 16);
	wanted->type &= ~DISSECTOR_VERBOSE;
}

static __always_inline int differs(const struct dissector *a, const struct dissector *b)
{
	const __u32 *one = (const __u32 *)a, *other = (const __u32 *)b;
	__u32 bits = 0;

#pragma clang loop unroll(disable)
	for (int word = 0; word < sizeof(*a) / 4; word++)
		bits |= one[word] ^ other[word];
	return bits != 0;
}

/* There is one application. Whether a program is sound, the agent sees. */
static __always_inline int is_known(const struct dissector *wanted)
{
	if (wanted->digest)
		return 0;
	if (wanted->type == DISSECTOR_CBPF)
		return wanted->max_apps <= 1 && wanted->filter_length && wanted->filter_length <= LONGEST_FILTER;
	return (wanted->type == DISSECTOR_FLOW || wanted->type == DISSECTOR_NOOP) && !wanted->max_apps && !wanted->filter_length;
}

/* It can be set once, and to the same again. */
static __noinline int set_dissector(struct bpf_sockopt *ctx, const struct group *group)
{
	__u32 first = 0;
	struct dissector *wanted = bpf_map_lookup_elem(&dissectors, &first), *there;

	if (!wanted)
		return fail(ENOBUFS);
	read_dissector(ctx, wanted);
	if (!is_known(wanted))
		return fail(EPERM);
	if (!make_group(group, wanted))
		return fail(ENOBUFS);
	there = bpf_map_lookup_elem(&groups, group);
	return !there || differs(there, wanted) ? fail(EPERM) : done(ctx);
}

/* `::ffff:0:0/96`, as sockets of IPv6 name IPv4. */
static __always_inline int is_mapped(const __be32 address[4])
{
	return !address[0] && !address[1] && address[2] == bpf_htonl(0xffff);
}

/* As keys of flows have it. */
static __always_inline void unmap(__be32 address[4])
{
	address[0] = address[3];
	address[2] = 0;
	address[3] = 0;
}

/* A client, as `struct sockaddr_in` or `struct sockaddr_in6`. */
static __always_inline int read_client(struct bpf_sockopt *ctx, struct flow_key *key, int *is_ipv4)
{
	const __u8 *from = ctx->optval, *end = ctx->optval_end;
	__u16 family;

	if (from + 16 > end)
		return EFAULT;
	family = *(const __u16 *)from;
	key->remote_port = *(const __be16 *)(from + 2);
	if (family == AF_INET) {
		key->remote[0] = *(const __be32 *)(from + 4);
		*is_ipv4 = 1;
		return 0;
	}
	if (family != AF_INET6)
		return EPERM;
	if (from + 28 > end)
		return EFAULT;
	__builtin_memcpy(key->remote, from + 8, 16);
	*is_ipv4 = is_mapped(key->remote);
	if (*is_ipv4)
		unmap(key->remote);
	return 0;
}

/* Where the socket is registered, if it still is. */
static __always_inline const struct membership *membership_of(const struct bpf_sockopt *ctx, int is_ipv4)
{
	const struct memberships *of = bpf_sk_storage_get(&memberships, ctx->sk, 0, 0);
	const struct membership *own;
	const struct generation *generation;
	__u32 place;

	if (!of)
		return 0;
	own = is_ipv4 ? &of->ipv4 : &of->ipv6;
	place = own->generation;
	generation = bpf_map_lookup_elem(&generations, &place);
	return own->number && generation && generation->number == own->number ? own : 0;
}

/* What has the flow, if it is not idle and its generation has not gone. */
static __always_inline const struct udp_flow *find_assured(const struct flow_key *key, __u64 now, __u64 idle)
{
	const struct udp_flow *flow = bpf_map_lookup_elem(&flows, key);
	const struct generation *generation;
	__u32 place;

	if (!flow || now - flow->seen >= idle)
		return 0;
	place = flow->generation;
	generation = bpf_map_lookup_elem(&generations, &place);
	return generation && generation->number == flow->number && generation->destination == key->destination ? flow : 0;
}

/* Notes a flow as an answer would, or that it goes on. */
static __noinline int assure_flow(struct bpf_sockopt *ctx, const struct group *group)
{
	const struct dissector *dissector = bpf_map_lookup_elem(&groups, group);
	struct flow_key key = { .local_port = group->port };
	__u64 now = bpf_ktime_get_ns(), idle = USUAL_TIMEOUT;
	struct udp_flow flow = { .seen = now - COARSE };
	const struct udp_flow *there;
	const struct membership *own;
	int is_ipv4 = 0, error = read_client(ctx, &key, &is_ipv4);

	if (error)
		return fail(error);
	if (dissector && dissector->type != DISSECTOR_FLOW)
		return fail(EPERM);
	own = membership_of(ctx, is_ipv4);
	if (!own)
		return fail(EAGAIN);
	__builtin_memcpy(key.local, group->address, sizeof(key.local));
	if (is_mapped(key.local))
		unmap(key.local);
	if (dissector && dissector->timeout)
		idle = dissector->timeout;
	key.destination = own->destination;
	flow.number = own->number;
	flow.generation = own->generation;
	flow.place = own->place;
	there = find_assured(&key, now, idle * SECOND);
	if (there && (there->number != flow.number || there->place != flow.place))
		return fail(EEXIST);
	return bpf_map_update_elem(&flows, &key, &flow, BPF_ANY) ? fail(EAGAIN) : done(ctx);
}

/* There is one application, whose number is 0. */
static __always_inline int set_application(struct bpf_sockopt *ctx)
{
	const __u32 *value = ctx->optval;

	if ((void *)(value + 1) > ctx->optval_end)
		return fail(EFAULT);
	if (!*value)
		return done(ctx);
	return bpf_sk_storage_get(&asked, ctx->sk, 0, 0) ? fail(EEXIST) : fail(EOVERFLOW);
}

/* Of those that may share what they are bound to. */
static __always_inline int is_in_group(struct bpf_sockopt *ctx)
{
	int shares = 0;

	return !bpf_getsockopt(ctx->sk, SOL_SOCKET, SO_REUSEPORT, &shares, sizeof(shares)) && shares;
}

SEC("cgroup/setsockopt")
int set_option(struct bpf_sockopt *ctx)
{
	struct group group;

	if (!is_ours(ctx) || ctx->optlen == DONE || bpf_get_retval())
		return pass(ctx);
	if (ctx->optval + sizeof(__u32) > ctx->optval_end)
		return fail(EFAULT);
	group = group_of(ctx->sk);
	if (!group.port || !is_in_group(ctx))
		return fail(EBADF);
	if (ctx->optname == WORKING_GEN)
		return set_working_gen(ctx, &group);
	if (ctx->optname == SOCKET_GEN)
		return set_socket_gen(ctx, &group);
	if (ctx->optname == DISSECTOR)
		return set_dissector(ctx, &group);
	return ctx->optname == FLOW_ASSURE ? assure_flow(ctx, &group) : set_application(ctx);
}

/* As much as there is room for. */
static __always_inline int answer(struct bpf_sockopt *ctx, const void *from, __u32 size)
{
	void *to = ctx->optval, *end = ctx->optval_end;
	__u32 length = 4;

	if (size >= WHOLE && to + WHOLE <= end)
		copy(to, from, length = WHOLE);
	else if (size >= SHORT_FILTER && to + SHORT_FILTER <= end)
		copy(to, from, length = SHORT_FILTER);
	else if (size >= WITHOUT_FILTER && to + WITHOUT_FILTER <= end)
		copy(to, from, length = WITHOUT_FILTER);
	else if (size >= 12 && to + 12 <= end)
		copy(to, from, length = 12);
	else if (size >= 8 && to + 8 <= end)
		copy(to, from, length = 8);
	else if (to + 4 <= end)
		copy(to, from, 4);
	else
		return fail(EFAULT);
	ctx->optlen = length;
	bpf_set_retval(0);
	return HANDLED;
}

static __noinline int get_socket_gen(struct bpf_sockopt *ctx)
{
	const struct group_generation *asking = bpf_sk_storage_get(&asked, ctx->sk, 0, 0);
	const struct registered *own = bpf_sk_storage_get(&registered, ctx->sk, 0, 0);
	struct registered answered = { .generation = NONE, .index = NONE };

	if (asking)
		answered.generation = asking->generation;
	if (own && own->generation == answered.generation) {
		answered.index = own->index;
		answered.cookie = own->cookie;
	}
	return answer(ctx, &answered, sizeof(answered));
}

SEC("cgroup/getsockopt")
int get_option(struct bpf_sockopt *ctx)
{
	const struct dissector *dissector;
	struct group group;
	__u32 value = 0, *number;

	/* The kernel has been asked already, and knows nothing of it. */
	if (!is_ours(ctx) || bpf_get_retval() != -ENOPROTOOPT)
		return pass(ctx);
	group = group_of(ctx->sk);
	if (ctx->optname == WORKING_GEN) {
		number = bpf_map_lookup_elem(&working, &group);
		value = number ? *number : NONE;
		return answer(ctx, &value, sizeof(value));
	}
	if (ctx->optname == FLOW_ASSURE)
		return fail(EPERM);
	if (!group.port)
		return fail(EBADFD);
	if (ctx->optname == SOCKET_GEN)
		return get_socket_gen(ctx);
	if (ctx->optname == SOCKET_APP)
		return answer(ctx, &value, sizeof(value));
	dissector = bpf_map_lookup_elem(&groups, &group);
	return dissector ? answer(ctx, dissector, WHOLE) : fail(EBADFD);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
