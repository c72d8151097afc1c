/*
 * Clients of QUIC: client echo|h3 HOST PORT PATIENCE, seconds until what is not answered counts as lost. Lines on standard input say what they do:
 *   open COUNT ADDRESS   opens connections from ports of an address, each of which asks once
 *   ask ROUNDS           has all connections ask so many times, one after the other
 *   move ADDRESS         goes on from new ports of an address, with another connection id, and has all ask
 *   rebind ADDRESS       the same as a NAT does it: clients do not know of it and go on with the same id
 *   close NAME           closes the connections of a server
 * Each is answered with a line of JSON: who has answered, a name for each connection in the order in which they were opened; "lost" if nobody
 * does, and "mixed" if not the same server as before.
 */
#include "connection.h"
#include "question.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEEP_ALIVE (5 * SECOND)
#define MOST 1024

struct client {
	struct connection *connection;
	/* Who has answered. */
	char name[32];
	/* What it has yet to ask, and the question that is open. */
	int rounds;
	struct question question;
	int is_mixed;
};

static const struct protocol *protocol;
static const char *host, *port;
static gnutls_certificate_credentials_t credentials;
static struct client clients[MOST];
static int count;

static struct client *client_of(const struct connection *one)
{
	for (int i = 0; i < count; i++)
		if (clients[i].connection == one)
			return &clients[i];
	abort();
}

static void ask(struct client *client)
{
	struct connection *one = client->connection;
	int64_t id;

	if (!client->rounds || client->question.is_open || one->is_over)
		return;
	if (ngtcp2_conn_open_bidi_stream(one->conn, &id, 0))
		return;
	client->rounds--;
	client->question.is_open = 1;
	protocol->ask(&client->question, stream_of(one, id));
}

/* Streams that a server opens do not answer. */
static void on_answer(struct connection *one, struct stream *stream)
{
	struct client *client = client_of(one);
	char name[sizeof(client->name)] = "wrong";

	if (!client->question.is_open || stream->id != client->question.stream)
		return;
	client->question.is_open = 0;
	protocol->read(&client->question, stream, name, sizeof(name));
	if (!*client->name)
		strcpy(client->name, name);
	client->is_mixed |= strcmp(client->name, name) != 0;
}

static int on_handshake(ngtcp2_conn *conn, void *owner)
{
	int64_t id;

	if (protocol->greeting_length && !ngtcp2_conn_open_uni_stream(conn, &id, 0))
		say(stream_of(owner, id), protocol->greeting, protocol->greeting_length, 0);
	return 0;
}

static struct connection *open_connection(const char *address)
{
	struct connection *one = calloc(1, sizeof(*one));
	ngtcp2_path path;
	ngtcp2_callbacks callbacks;
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	/* A client has no id of its own, as in browsers: ngtcp2 0.12 loses connections that rebind and move, with or without Seawall. */
	ngtcp2_cid theirs = { .datalen = 18 }, ours = {};

	one->fd = open_socket(address, "0", 0, &one->local);
	one->remote = resolve(host, port);
	one->on_heard = on_answer;
	path = path_of(one);
	random_octets(theirs.data, theirs.datalen);
	fill_callbacks(&callbacks);
	callbacks.handshake_completed = on_handshake;
	fill_settings(&settings, &params);
	if (ngtcp2_conn_client_new(&one->conn, &theirs, &ours, &path, NGTCP2_PROTO_VER_V1, &callbacks, &settings, &params, 0, one))
		fail("client");
	begin_session(one, GNUTLS_CLIENT, protocol->alpn, credentials);
	gnutls_server_name_set(one->session, GNUTLS_NAME_DNS, SERVER_NAME, strlen(SERVER_NAME));
	ngtcp2_conn_set_keep_alive_timeout(one->conn, KEEP_ALIVE);
	return one;
}

static void open_clients(int more, const char *address)
{
	for (int i = 0; i < more && count < MOST; i++) {
		struct client *client = &clients[count++];

		*client = (struct client){ .connection = open_connection(address), .rounds = 1 };
		flush(client->connection);
	}
}

/* ngtcp2 refuses to migrate to the port where it takes itself to be, and a rebinding has freed that. */
static int open_elsewhere(const char *address, const struct sockaddr_storage *here, struct sockaddr_storage *local)
{
	int fd = open_socket(address, "0", 0, local), refused;

	if (memcmp(here, local, length_of(here)))
		return fd;
	refused = fd;
	fd = open_socket(address, "0", 0, local);
	close(refused);
	return fd;
}

/* The client may know of it, or not: then the path is what it was. */
static void move_client(struct client *client, const char *address, int knows)
{
	struct connection *one = client->connection;
	struct sockaddr_storage local;
	ngtcp2_path path;
	int fd = open_elsewhere(address, &one->local, &local), error;

	close(one->fd);
	one->fd = fd;
	client->rounds = 1;
	if (!knows || one->is_over)
		return;
	one->local = local;
	path = path_of(one);
	error = ngtcp2_conn_initiate_immediate_migration(one->conn, &path, now());
	if (error) {
		fprintf(stderr, "move: %s\n", ngtcp2_strerror(error));
		one->is_over = 1;
	}
}

static void close_clients(const char *name)
{
	int kept = 0;

	for (int i = 0; i < count; i++) {
		struct connection *one = clients[i].connection;

		if (strcmp(clients[i].name, name)) {
			clients[kept++] = clients[i];
			continue;
		}
		send_close(one);
		close(one->fd);
		end_connection(one);
	}
	count = kept;
}

static void receive(struct connection *one)
{
	uint8_t datagram[2048];
	ngtcp2_path path = path_of(one);
	ssize_t length;

	while (!one->is_over && (length = recv(one->fd, datagram, sizeof(datagram), 0)) > 0)
		hear(one, &path, datagram, length);
}

static void obey(const char *line)
{
	char word[16], argument[64] = "", last[64] = "";

	sscanf(line, "%15s %63s %63s", word, argument, last);
	if (!strcmp(word, "open"))
		open_clients(atoi(argument), last);
	if (!strcmp(word, "close"))
		close_clients(argument);
	for (int i = 0; i < count; i++)
		if (!strcmp(word, "ask"))
			clients[i].rounds = atoi(argument);
		else if (!strcmp(word, "move") || !strcmp(word, "rebind"))
			move_client(&clients[i], argument, *word == 'm');
}

static int is_done(void)
{
	for (int i = 0; i < count; i++)
		if (!clients[i].connection->is_over && (clients[i].rounds || clients[i].question.is_open))
			return 0;
	return 1;
}

static void tell(void)
{
	for (int i = 0; i < count; i++) {
		int is_lost = clients[i].connection->is_over || clients[i].rounds || clients[i].question.is_open;

		printf("%s\"%s\"", i ? ", " : "[", is_lost ? "lost" : clients[i].is_mixed ? "mixed" : clients[i].name);
	}
	puts(count ? "]" : "[]");
}

/* Waits for datagrams, and for a line if one is wanted. Whether there is one. */
static int step(int wants_line)
{
	struct pollfd polled[MOST + 1] = { { wants_line ? 0 : -1, POLLIN } };
	int patience_ms = 1000;

	for (int i = 0; i < count; i++) {
		int own = patience(clients[i].connection);

		polled[i + 1] = (struct pollfd){ clients[i].connection->fd, POLLIN };
		patience_ms = own < patience_ms ? own : patience_ms;
	}
	if (poll(polled, count + 1, patience_ms) < 0)
		fail("poll");
	for (int i = 0; i < count; i++) {
		struct connection *one = clients[i].connection;

		if (polled[i + 1].revents)
			receive(one);
		if (polled[i + 1].revents || clients[i].rounds) {
			ask(&clients[i]);
			flush(one);
		}
		tick(one);
	}
	return polled[0].revents;
}

int main(int words, char **word)
{
	char line[128];
	uint64_t patience_ns, deadline;

	if (words != 5 || !(protocol = protocol_of(word[1])))
		return 2;
	host = word[2];
	port = word[3];
	patience_ns = atoi(word[4]) * SECOND;
	if (gnutls_certificate_allocate_credentials(&credentials))
		fail("credentials");
	setvbuf(stdout, 0, _IOLBF, 0);
	puts("ready");
	for (;;) {
		while (!step(1))
			;
		if (!fgets(line, sizeof(line), stdin))
			return 0;
		obey(line);
		for (deadline = now() + patience_ns; !is_done() && now() < deadline;)
			step(0);
		tell();
	}
}
