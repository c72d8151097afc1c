#include "question.h"
#include <stdio.h>
#include <string.h>

/* Of HTTP/3: a control stream with settings that say nothing, and GET / of SERVER_NAME, by the static table of QPACK (RFC 9114, RFC 9204). */
#define SETTINGS "\x00\x04\x00"
#define REQUEST "\x01\x10\x00\x00\xd1\xd7\xc1\x50\x09" SERVER_NAME
#define DATA 0

static void ask_echo(struct question *question, struct stream *stream)
{
	char text[32];

	question->stream = stream->id;
	say(stream, text, sprintf(text, "question %u", ++question->number), 1);
}

/* "NAME question NUMBER" */
static void read_echo(const struct question *question, const struct stream *stream, char *name, size_t room)
{
	char text[TEXT + 1] = {}, who[32];
	unsigned number;

	memcpy(text, stream->heard, stream->heard_length);
	if (sscanf(text, "%31s question %u", who, &number) == 2 && number == question->number)
		snprintf(name, room, "%s", who);
}

static void ask_h3(struct question *question, struct stream *stream)
{
	question->stream = stream->id;
	say(stream, REQUEST, sizeof(REQUEST) - 1, 1);
}

/* An integer of variable length (RFC 9000, 16). */
static size_t read_integer(const struct stream *stream, size_t *at)
{
	const uint8_t *octets = (const uint8_t *)stream->heard;
	int more = *at < stream->heard_length ? (1 << (octets[*at] >> 6)) - 1 : 0;
	size_t value = *at < stream->heard_length ? octets[(*at)++] & 0x3f : 0;

	while (more-- && *at < stream->heard_length)
		value = value << 8 | octets[(*at)++];
	return value;
}

/* The content is the name. */
static void read_h3(const struct question *question, const struct stream *stream, char *name, size_t room)
{
	for (size_t at = 0; at < stream->heard_length;) {
		size_t type = read_integer(stream, &at), length = read_integer(stream, &at);

		if (length > stream->heard_length - at)
			return;
		if (type == DATA) {
			snprintf(name, room, "%.*s", (int)length, stream->heard + at);
			return;
		}
		at += length;
	}
}

static const struct protocol protocols[] = {
	{ "echo", "echo", 0, 0, ask_echo, read_echo },
	{ "h3", "h3", SETTINGS, sizeof(SETTINGS) - 1, ask_h3, read_h3 },
};

const struct protocol *protocol_of(const char *name)
{
	for (int i = 0; i < 2; i++)
		if (!strcmp(protocols[i].name, name))
			return &protocols[i];
	return 0;
}
