/*
 * Sends datagrams to 10.0.0.1 over loopback and receives them, both on one CPU: exchange HOST PORT, which its socket is bound to, as a group with
 * SO_REUSEPORT. A line "SAMPLES DATAGRAM" on standard input, hexadecimal, has it write nanoseconds a datagram, one number a sample of 64 of them.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SAMPLE 64
#define LONGEST 64

static unsigned char datagram[LONGEST], buffer[2048];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in name_of(const char *host, const char *port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (!inet_pton(AF_INET, host, &name.sin_addr))
		fail(host);
	return name;
}

static int open_socket(const char *host, const char *port, int shares_port)
{
	struct sockaddr_in name = name_of(host, port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shares_port, sizeof(shares_port)))
		fail("socket");
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)))
		fail("bind");
	return fd;
}

static int read_datagram(const char *text)
{
	int length = 0;

	while (length < LONGEST && sscanf(text + 2 * length, "%2hhx", &datagram[length]) == 1)
		length++;
	return length;
}

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static double sample(int from, int to, const struct sockaddr_in *server, int length)
{
	long start = now();

	for (int i = 0; i < SAMPLE; i++) {
		if (sendto(from, datagram, length, 0, (const struct sockaddr *)server, sizeof(*server)) < 0)
			fail("send");
		if (recv(to, buffer, sizeof(buffer), MSG_DONTWAIT) != length)
			fail("a datagram is missing");
	}
	return (double)(now() - start) / SAMPLE;
}

int main(int words, char **word)
{
	char line[256], text[2 * LONGEST + 1];
	struct sockaddr_in server;
	int client, group, samples;

	if (words != 3)
		return 2;
	server = name_of("10.0.0.1", word[2]);
	client = open_socket("0.0.0.0", "0", 0);
	group = open_socket(word[1], word[2], 1);
	setvbuf(stdout, 0, _IOLBF, 1 << 16);
	puts("true");
	while (fgets(line, sizeof(line), stdin) && sscanf(line, "%d %128s", &samples, text) == 2) {
		int length = read_datagram(text);

		for (int i = 0; i < samples; i++)
			printf("%s%.1f", i ? ", " : "[", sample(client, group, &server, length));
		puts("]");
	}
	return 0;
}
