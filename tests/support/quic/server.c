/*
 * A server of QUIC that answers whatever a client says on a stream with its name before it: server NAME HOST PORT KEY CERTIFICATE. It writes "open"
 * when its socket is bound, with SO_REUSEPORT. A line on standard input says which connection ids it is to choose: "KEY GENERATION DESTINATION
 * SLOT PLACE" as registering the socket tells them, or "random". It writes "serving" then. Another line has it end when it has no connection.
 */
#include "connection-id.h"
#include "connection.h"
#include <poll.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALPN "echo"
/* Datagrams that are read in a row. */
#define BATCH 64

static const char *name;
static int fd;
static struct sockaddr_storage local;
static gnutls_certificate_credentials_t credentials;
static struct place place;
static int is_placed;
static struct connection *connections;

/* Whose an id is: those that the server has chosen, and that by which a client has begun. */
struct known_id {
	ngtcp2_cid id;
	struct connection *owner;
};

static void *known_ids;

static int compare(const void *a, const void *b)
{
	const ngtcp2_cid *one = &((const struct known_id *)a)->id, *other = &((const struct known_id *)b)->id;

	return one->datalen == other->datalen ? memcmp(one->data, other->data, one->datalen) : one->datalen < other->datalen ? -1 : 1;
}

static void know(const ngtcp2_cid *id, struct connection *owner)
{
	struct known_id *known = malloc(sizeof(*known));

	*known = (struct known_id){ *id, owner };
	if (*(struct known_id **)tsearch(known, &known_ids, compare) != known)
		free(known);
}

static struct connection *owner_of(const uint8_t *octets, size_t length)
{
	struct known_id wanted, **found;

	ngtcp2_cid_init(&wanted.id, octets, length);
	found = tfind(&wanted, &known_ids, compare);
	return found ? (*found)->owner : 0;
}

static int forget(ngtcp2_conn *conn, const ngtcp2_cid *id, void *owner)
{
	struct known_id wanted = { *id }, **found = tfind(&wanted, &known_ids, compare), *known = found ? *found : 0;

	if (known)
		tdelete(known, &known_ids, compare);
	free(known);
	return 0;
}

static void choose_id(ngtcp2_cid *id, struct connection *owner)
{
	id->datalen = ID_LENGTH;
	random_octets(id->data, ID_LENGTH);
	if (is_placed)
		make_id(&place, id->data);
	know(id, owner);
}

static int on_new_id(ngtcp2_conn *conn, ngtcp2_cid *id, uint8_t *token, size_t length, void *owner)
{
	choose_id(id, owner);
	random_octets(token, NGTCP2_STATELESS_RESET_TOKENLEN);
	return 0;
}

static void answer(struct connection *one, struct stream *stream)
{
	char text[2 * TEXT];

	say(stream, text, snprintf(text, sizeof(text), "%s %.*s", name, (int)stream->heard_length, stream->heard), 1);
}

static struct connection *accept_connection(const ngtcp2_path *path, const uint8_t *datagram, size_t length)
{
	ngtcp2_pkt_hd head;
	ngtcp2_callbacks callbacks;
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	ngtcp2_cid id;
	struct connection *one;

	if (ngtcp2_accept(&head, datagram, length))
		return 0;
	one = calloc(1, sizeof(*one));
	one->fd = fd;
	one->on_heard = answer;
	choose_id(&id, one);
	know(&head.dcid, one);
	fill_callbacks(&callbacks);
	callbacks.get_new_connection_id = on_new_id;
	callbacks.remove_connection_id = forget;
	fill_settings(&settings, &params);
	params.original_dcid = head.dcid;
	if (ngtcp2_conn_server_new(&one->conn, &head.scid, &id, path, head.version, &callbacks, &settings, &params, 0, one))
		fail("server");
	begin_session(one, GNUTLS_SERVER | GNUTLS_NO_END_OF_EARLY_DATA, ALPN, credentials);
	one->next = connections;
	return connections = one;
}

static void receive(void)
{
	uint8_t datagram[2048];

	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_storage remote;
		socklen_t room = sizeof(remote);
		ssize_t length = recvfrom(fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&remote, &room);
		ngtcp2_path path = { { (struct sockaddr *)&local, length_of(&local) }, { (struct sockaddr *)&remote, room } };
		ngtcp2_version_cid ids;
		struct connection *one;

		if (length < 0)
			return;
		if (ngtcp2_pkt_decode_version_cid(&ids, datagram, length, ID_LENGTH))
			continue;
		one = owner_of(ids.dcid, ids.dcidlen);
		if (!one && !(one = accept_connection(&path, datagram, length)))
			continue;
		hear(one, &path, datagram, length);
		flush(one);
	}
}

/* All ids of a connection lead nowhere when it has ended. */
static void forget_all(struct connection *one)
{
	size_t count = ngtcp2_conn_get_num_scid(one->conn);
	ngtcp2_cid ids[count];

	ngtcp2_conn_get_scid(one->conn, ids);
	for (size_t i = 0; i < count; i++)
		forget(one->conn, &ids[i], one);
	forget(one->conn, ngtcp2_conn_get_client_initial_dcid(one->conn), one);
}

static void tick_all(void)
{
	for (struct connection **at = &connections; *at;) {
		struct connection *one = *at;

		tick(one);
		if (!one->is_over) {
			at = &one->next;
			continue;
		}
		*at = one->next;
		forget_all(one);
		end_connection(one);
	}
}

int main(int words, char **word)
{
	char line[128];
	int is_ending = 0;

	if (words != 6)
		return 2;
	name = word[1];
	fd = open_socket(word[2], word[3], 1, &local);
	if (gnutls_certificate_allocate_credentials(&credentials) ||
	    gnutls_certificate_set_x509_key_file(credentials, word[5], word[4], GNUTLS_X509_FMT_PEM) < 0)
		fail("certificate");
	setvbuf(stdout, 0, _IOLBF, 0);
	puts("open");
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	is_placed = read_place(line, &place);
	puts("serving");
	while (!is_ending || connections) {
		struct pollfd polled[] = { { fd, POLLIN }, { is_ending ? -1 : 0, POLLIN } };

		if (poll(polled, 2, patience(connections)) < 0)
			fail("poll");
		if (polled[0].revents)
			receive();
		if (polled[1].revents)
			is_ending = 1;
		tick_all();
	}
	return 0;
}
