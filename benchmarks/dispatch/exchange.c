/*
 * Sends datagrams over loopback and receives them, both on one CPU: exchange PORT. It has a socket that sends, one that is bound to the port at
 * all addresses and one at 127.0.0.1 and the port behind it. A line "plain|hidden ADDRESSES BATCH SAMPLES" on standard input has it send to the
 * port at random ones of so many addresses from 10.0.0.1 on, and receive from the bound socket or the other one, and write nanoseconds a
 * datagram, one number a sample of 64 of them. A batch of 1 is sent and received by a call for each, as most servers do.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define SAMPLE 64
#define FIRST 0x0a000001
#define ROOM (1 << 22)

static char payload[22], buffer[2048];
static struct sockaddr_in names[SAMPLE];
static struct iovec sent = { payload, sizeof(payload) }, received = { buffer, sizeof(buffer) };
static struct mmsghdr sends[SAMPLE], receives[SAMPLE];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_socket(in_addr_t address, int port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address), .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = ROOM;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		fail("socket");
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		fail("bind");
	return fd;
}

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

/* xorshift: the same for each command. */
static void aim(unsigned *random, unsigned addresses, int port)
{
	for (int i = 0; i < SAMPLE; i++) {
		*random ^= *random << 13;
		*random ^= *random >> 17;
		*random ^= *random << 5;
		names[i].sin_family = AF_INET;
		names[i].sin_port = htons(port);
		names[i].sin_addr.s_addr = htonl(FIRST + *random % addresses);
		sends[i].msg_hdr = (struct msghdr){ &names[i], sizeof(names[i]), &sent, 1 };
		receives[i].msg_hdr = (struct msghdr){ .msg_iov = &received, .msg_iovlen = 1 };
	}
}

static int exchange_one(int from, int to, int i)
{
	if (sendto(from, payload, sizeof(payload), 0, (struct sockaddr *)&names[i], sizeof(names[i])) < 0)
		return 0;
	return recvfrom(to, buffer, sizeof(buffer), MSG_DONTWAIT, 0, 0) == sizeof(payload);
}

static int exchange_all(int from, int to)
{
	return sendmmsg(from, sends, SAMPLE, 0) == SAMPLE ? recvmmsg(to, receives, SAMPLE, MSG_DONTWAIT, 0) : 0;
}

static long sample(int from, int to, int batch)
{
	long start = now();
	int done = 0;

	if (batch == 1)
		for (int i = 0; i < SAMPLE; i++)
			done += exchange_one(from, to, i);
	else
		done = exchange_all(from, to);
	if (done != SAMPLE)
		fail("a datagram is missing");
	return now() - start;
}

int main(int words, char **word)
{
	int port = words == 2 ? atoi(word[1]) : 0;
	int client = open_socket(INADDR_ANY, 0), plain = open_socket(INADDR_ANY, port), hidden = open_socket(INADDR_LOOPBACK, port + 1);
	unsigned addresses, batch, samples;
	char line[128], kind;

	setvbuf(stdout, 0, _IOLBF, 1 << 16);
	printf("%d\n", port);
	while (fgets(line, sizeof(line), stdin) && sscanf(line, "%c%*s %u %u %u", &kind, &addresses, &batch, &samples) == 4) {
		unsigned random = 7;

		for (unsigned i = 0; i < samples; i++) {
			aim(&random, addresses, port);
			printf("%s%.1f", i ? ", " : "[", (double)sample(client, kind == 'p' ? plain : hidden, batch) / SAMPLE);
		}
		printf("]\n");
	}
	return 0;
}
