/* Connections of QUIC, by ngtcp2 and GnuTLS, with what a server and clients of it have in common. */
#ifndef CONNECTION_H
#define CONNECTION_H
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <sys/socket.h>

#define DATAGRAM 1452
#define SECOND NGTCP2_SECONDS
/* What is said on a stream, or heard, is no longer. */
#define TEXT 1024

struct stream {
	struct stream *next;
	int64_t id;
	/* Octets to send, those that have been, and whether the stream ends with them. */
	size_t said_length, given;
	int ends;
	size_t heard_length;
	char said[TEXT], heard[TEXT];
};

struct connection {
	struct connection *next;
	ngtcp2_crypto_conn_ref ref;
	ngtcp2_conn *conn;
	gnutls_session_t session;
	int fd;
	struct sockaddr_storage local, remote;
	struct stream *streams;
	/* When the other side has ended a stream. */
	void (*on_heard)(struct connection *, struct stream *);
	/* It cannot go on. */
	int is_over;
};

void fail(const char *what);
uint64_t now(void);
socklen_t length_of(const struct sockaddr_storage *);
ngtcp2_path path_of(struct connection *);

/* Bound to a literal address. Writes what it is bound to. */
int open_socket(const char *host, const char *port, int shares_port, struct sockaddr_storage *);
struct sockaddr_storage resolve(const char *host, const char *port);

void fill_callbacks(ngtcp2_callbacks *);
void fill_settings(ngtcp2_settings *, ngtcp2_transport_params *);
void begin_session(struct connection *, unsigned flags, const char *alpn, gnutls_certificate_credentials_t);
void random_octets(uint8_t *, size_t);

struct stream *stream_of(struct connection *, int64_t id);
/* Has something sent, by the next flush(). */
void say(struct stream *, const void *text, size_t length, int ends);

/* What came in a datagram. */
void hear(struct connection *, const ngtcp2_path *, const uint8_t *datagram, size_t length);
/* Sends what there is to send. */
void flush(struct connection *);
/* Does what is due by now. */
void tick(struct connection *);
void send_close(struct connection *);
void end_connection(struct connection *);
/* Milliseconds until a connection of a list has something to do, for poll(). */
int patience(const struct connection *first);
#endif
