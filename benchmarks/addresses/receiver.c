/*
 * Reads datagrams: receiver ADDRESS COUNT PORT. It has a UDP socket for each of so many addresses from one on, and waits for all of them with epoll.
 * Writes the nanoseconds that this took; a line on standard input has it write the datagrams and the nanoseconds of CPU time since the last one.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
/* Bytes of all queues. */
#define ROOM (1 << 27)

static struct mmsghdr messages[BATCH];

static long now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static void wait_for(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void open_socket(int epoll, in_addr_t address, int port, int room)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address), .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	check(fd, "socket");
	check(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), "setsockopt");
	check(bind(fd, (struct sockaddr *)&name, sizeof(name)), "bind");
	wait_for(epoll, fd);
}

static int receive(int fd)
{
	int read = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, 0);

	return read > 0 ? read : 0;
}

static void report(long *datagrams, long *since)
{
	long cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	char line[64];

	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		exit(0);
	printf("[%ld, %ld]\n", *datagrams, cpu - *since);
	*datagrams = 0;
	*since = cpu;
}

int main(int count_of_words, char **words)
{
	static char buffer[2048];
	static struct iovec vector = { buffer, sizeof(buffer) };
	struct epoll_event events[BATCH];
	long datagrams = 0, cpu = 0, start = now(CLOCK_MONOTONIC);
	int epoll = epoll_create1(0), count = count_of_words == 4 ? atoi(words[2]) : 0;

	for (int i = 0; i < BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vector, .msg_iovlen = 1 };
	for (int i = 0; i < count; i++)
		open_socket(epoll, ntohl(inet_addr(words[1])) + i, atoi(words[3]), ROOM / count);
	setvbuf(stdout, 0, _IOLBF, 0);
	printf("%ld\n", now(CLOCK_MONOTONIC) - start);
	wait_for(epoll, STDIN_FILENO);
	for (;;) {
		int ready = epoll_wait(epoll, events, BATCH, -1);

		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;

			if (fd == STDIN_FILENO)
				report(&datagrams, &cpu);
			else
				datagrams += receive(fd);
		}
	}
}
