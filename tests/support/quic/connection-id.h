/* Connection ids as docs/dispatch.md has them, of 20 octets: by them alone a server of any language takes part. */
#ifndef CONNECTION_ID_H
#define CONNECTION_ID_H
#include <stdint.h>

#define ID_LENGTH 20

/* What `seawall register-pid --json` tells of a socket. */
struct place {
	uint8_t key[16];
	uint32_t generation;
	uint16_t destination, slot;
	uint8_t place;
};

/* Reads "KEY GENERATION DESTINATION SLOT PLACE". Whether it is that. */
int read_place(const char *line, struct place *);

/* Makes an id of random octets. */
void make_id(const struct place *, uint8_t id[ID_LENGTH]);
#endif
