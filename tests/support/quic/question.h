/* What clients ask on a stream, and how the name of the server is read from the answer. */
#ifndef QUESTION_H
#define QUESTION_H
#include "connection.h"

#define SERVER_NAME "localhost"

struct question {
	int64_t stream;
	int is_open;
	unsigned number;
};

struct protocol {
	const char *name, *alpn;
	/* On a stream of its own, once. */
	const char *greeting;
	size_t greeting_length;
	void (*ask)(struct question *, struct stream *);
	/* Leaves the name as it was if the answer is not to the question. */
	void (*read)(const struct question *, const struct stream *, char *name, size_t room);
};

const struct protocol *protocol_of(const char *name);
#endif
