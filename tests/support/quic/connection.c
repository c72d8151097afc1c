#include "connection.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:%DISABLE_TLS13_COMPAT_MODE"
/* Connection ids that a side keeps of the other. */
#define ID_LIMIT 8

void fail(const char *what)
{
	perror(what);
	exit(1);
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

void random_octets(uint8_t *octets, size_t length)
{
	if (getrandom(octets, length, 0) != (ssize_t)length)
		fail("random");
}

socklen_t length_of(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

ngtcp2_path path_of(struct connection *one)
{
	return (ngtcp2_path){
		.local = { (struct sockaddr *)&one->local, length_of(&one->local) },
		.remote = { (struct sockaddr *)&one->remote, length_of(&one->remote) },
	};
}

struct sockaddr_storage resolve(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM }, *found;
	struct sockaddr_storage address = {};

	if (getaddrinfo(host, port, &hints, &found))
		fail(host);
	memcpy(&address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return address;
}

int open_socket(const char *host, const char *port, int shares_port, struct sockaddr_storage *bound)
{
	int fd, room = 1 << 22;
	socklen_t length = sizeof(*bound);

	*bound = resolve(host, port);
	fd = socket(bound->ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shares_port, sizeof(int)))
		fail("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		fail("room");
	if (bind(fd, (struct sockaddr *)bound, length_of(bound)) || getsockname(fd, (struct sockaddr *)bound, &length))
		fail(host);
	return fd;
}

struct stream *stream_of(struct connection *one, int64_t id)
{
	struct stream *stream = one->streams;

	while (stream && stream->id != id)
		stream = stream->next;
	if (stream)
		return stream;
	stream = calloc(1, sizeof(*stream));
	stream->id = id;
	stream->next = one->streams;
	one->streams = stream;
	return stream;
}

void say(struct stream *stream, const void *text, size_t length, int ends)
{
	if (length > TEXT)
		fail("too much to say");
	memcpy(stream->said, text, length);
	stream->said_length = length;
	stream->ends = ends;
}

static int on_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *data, size_t length, void *owner,
		   void *stream_data)
{
	struct connection *one = owner;
	struct stream *stream = stream_of(one, id);
	size_t room = TEXT - stream->heard_length, taken = length < room ? length : room;

	memcpy(stream->heard + stream->heard_length, data, taken);
	stream->heard_length += taken;
	ngtcp2_conn_extend_max_stream_offset(conn, id, length);
	ngtcp2_conn_extend_max_offset(conn, length);
	if (flags & NGTCP2_STREAM_DATA_FLAG_FIN)
		one->on_heard(one, stream);
	return 0;
}

static int on_stream_end(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t error, void *owner, void *stream_data)
{
	struct connection *one = owner;
	struct stream **at = &one->streams, *stream = stream_of(one, id);

	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	free(stream);
	if (ngtcp2_conn_is_server(conn))
		ngtcp2_conn_extend_max_streams_bidi(conn, 1);
	return 0;
}

static void on_random(uint8_t *octets, size_t length, const ngtcp2_rand_ctx *context)
{
	random_octets(octets, length);
}

static int on_new_id(ngtcp2_conn *conn, ngtcp2_cid *id, uint8_t *token, size_t length, void *owner)
{
	id->datalen = length;
	random_octets(id->data, length);
	random_octets(token, NGTCP2_STATELESS_RESET_TOKENLEN);
	return 0;
}

void fill_callbacks(ngtcp2_callbacks *callbacks)
{
	*callbacks = (ngtcp2_callbacks){
		.client_initial = ngtcp2_crypto_client_initial_cb,
		.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
		.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
		.encrypt = ngtcp2_crypto_encrypt_cb,
		.decrypt = ngtcp2_crypto_decrypt_cb,
		.hp_mask = ngtcp2_crypto_hp_mask_cb,
		.recv_retry = ngtcp2_crypto_recv_retry_cb,
		.update_key = ngtcp2_crypto_update_key_cb,
		.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
		.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
		.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
		.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
		.recv_stream_data = on_data,
		.stream_close = on_stream_end,
		.rand = on_random,
		.get_new_connection_id = on_new_id,
	};
}

void fill_settings(ngtcp2_settings *settings, ngtcp2_transport_params *params)
{
	ngtcp2_settings_default(settings);
	settings->initial_ts = now();
	settings->handshake_timeout = 60 * SECOND;
	ngtcp2_transport_params_default(params);
	params->initial_max_data = 1 << 20;
	params->initial_max_stream_data_bidi_local = 1 << 16;
	params->initial_max_stream_data_bidi_remote = 1 << 16;
	params->initial_max_stream_data_uni = 1 << 16;
	params->initial_max_streams_bidi = 100;
	params->initial_max_streams_uni = 100;
	params->max_idle_timeout = 120 * SECOND;
	params->active_connection_id_limit = ID_LIMIT;
}

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref)
{
	return ((struct connection *)ref->user_data)->conn;
}

void begin_session(struct connection *one, unsigned flags, const char *alpn, gnutls_certificate_credentials_t credentials)
{
	gnutls_datum_t protocol = { (void *)alpn, strlen(alpn) };

	if (gnutls_init(&one->session, flags) || gnutls_priority_set_direct(one->session, PRIORITY, 0))
		fail("session");
	if (flags & GNUTLS_SERVER ? ngtcp2_crypto_gnutls_configure_server_session(one->session) :
				    ngtcp2_crypto_gnutls_configure_client_session(one->session))
		fail("session of QUIC");
	if (gnutls_credentials_set(one->session, GNUTLS_CRD_CERTIFICATE, credentials) ||
	    gnutls_alpn_set_protocols(one->session, &protocol, 1, GNUTLS_ALPN_MANDATORY))
		fail("credentials");
	one->ref = (ngtcp2_crypto_conn_ref){ conn_of, one };
	gnutls_session_set_ptr(one->session, &one->ref);
	ngtcp2_conn_set_tls_native_handle(one->conn, one->session);
}

/* Why the other end has closed the connection, if it says that something was wrong: codes of RFC 9000, section 20. */
static void tell_reason(const struct connection *one)
{
	ngtcp2_connection_close_error reason;

	ngtcp2_conn_get_connection_close_error(one->conn, &reason);
	if (reason.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_TRANSPORT && reason.error_code)
		fprintf(stderr, "closed by the other end: %llu\n", (unsigned long long)reason.error_code);
}

static void check(struct connection *one, const char *what, int error)
{
	if (!error || one->is_over)
		return;
	one->is_over = 1;
	if (error == NGTCP2_ERR_DRAINING)
		tell_reason(one);
	else
		fprintf(stderr, "%s: %s\n", what, ngtcp2_strerror(error));
}

void hear(struct connection *one, const ngtcp2_path *path, const uint8_t *datagram, size_t length)
{
	ngtcp2_pkt_info info = {};

	check(one, "hear", ngtcp2_conn_read_pkt(one->conn, path, &info, datagram, length, now()));
}

static struct stream *unsaid(const struct connection *one)
{
	struct stream *stream = one->streams;

	while (stream && stream->given == stream->said_length)
		stream = stream->next;
	return stream;
}

void flush(struct connection *one)
{
	uint8_t datagram[DATAGRAM];
	ngtcp2_path_storage path;

	ngtcp2_path_storage_zero(&path);
	while (!one->is_over) {
		struct stream *stream = unsaid(one);
		ngtcp2_vec text = {};
		ngtcp2_ssize taken = -1, length;

		if (stream)
			text = (ngtcp2_vec){ (uint8_t *)stream->said + stream->given, stream->said_length - stream->given };
		length = ngtcp2_conn_writev_stream(one->conn, &path.path, 0, datagram, sizeof(datagram), &taken,
						   stream && stream->ends ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0, stream ? stream->id : -1,
						   &text, stream ? 1 : 0, now());
		if (length < 0)
			check(one, "flush", length);
		if (length <= 0)
			break;
		if (taken > 0)
			stream->given += taken;
		sendto(one->fd, datagram, length, 0, path.path.remote.addr, path.path.remote.addrlen);
	}
	ngtcp2_conn_update_pkt_tx_time(one->conn, now());
}

void tick(struct connection *one)
{
	if (one->is_over || ngtcp2_conn_get_expiry(one->conn) > now())
		return;
	check(one, "tick", ngtcp2_conn_handle_expiry(one->conn, now()));
	flush(one);
}

void send_close(struct connection *one)
{
	uint8_t datagram[DATAGRAM];
	ngtcp2_path_storage path;
	ngtcp2_connection_close_error error;
	ngtcp2_ssize length;

	ngtcp2_path_storage_zero(&path);
	ngtcp2_connection_close_error_default(&error);
	length = ngtcp2_conn_write_connection_close(one->conn, &path.path, 0, datagram, sizeof(datagram), &error, now());
	if (length > 0)
		sendto(one->fd, datagram, length, 0, path.path.remote.addr, path.path.remote.addrlen);
	one->is_over = 1;
}

void end_connection(struct connection *one)
{
	for (struct stream *stream = one->streams, *next; stream; stream = next) {
		next = stream->next;
		free(stream);
	}
	ngtcp2_conn_del(one->conn);
	gnutls_deinit(one->session);
	free(one);
}

int patience(const struct connection *first)
{
	uint64_t time = now(), soonest = time + SECOND;

	for (; first; first = first->next) {
		uint64_t due = first->is_over ? UINT64_MAX : ngtcp2_conn_get_expiry(first->conn);

		if (due < soonest)
			soonest = due;
	}
	return soonest <= time ? 0 : (soonest - time) / 1000000 + 1;
}
