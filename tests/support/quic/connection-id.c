#include "connection-id.h"
#include <endian.h>
#include <stdio.h>
#include <string.h>

#define TAG_AT 6
#define NONCE_AT 10
/* Octets that the tag is of: generation, destination, and the id without the tag. */
#define MESSAGE (4 + 2 + ID_LENGTH - 4)

static uint64_t rotated(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4], int rounds)
{
	while (rounds--) {
		v[0] += v[1], v[1] = rotated(v[1], 13) ^ v[0], v[0] = rotated(v[0], 32);
		v[2] += v[3], v[3] = rotated(v[3], 16) ^ v[2];
		v[0] += v[3], v[3] = rotated(v[3], 21) ^ v[0];
		v[2] += v[1], v[1] = rotated(v[1], 17) ^ v[2], v[2] = rotated(v[2], 32);
	}
}

/* SipHash-2-4. */
static uint64_t siphash(const uint8_t key[16], const uint8_t *message, size_t length)
{
	uint64_t k[2], v[4], word;

	memcpy(k, key, 16);
	v[0] = le64toh(k[0]) ^ 0x736f6d6570736575;
	v[1] = le64toh(k[1]) ^ 0x646f72616e646f6d;
	v[2] = le64toh(k[0]) ^ 0x6c7967656e657261;
	v[3] = le64toh(k[1]) ^ 0x7465646279746573;
	for (size_t at = 0; at <= length; at += 8) {
		size_t left = length - at;

		word = 0;
		memcpy(&word, message + at, left < 8 ? left : 8);
		word = le64toh(word);
		if (left < 8)
			word |= (uint64_t)length << 56;
		v[3] ^= word;
		mix(v, 2);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	mix(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void make_id(const struct place *place, uint8_t id[ID_LENGTH])
{
	uint32_t generation = htobe32(place->generation);
	uint16_t destination = htobe16(place->destination), slot = htobe16(place->slot);
	uint8_t message[MESSAGE];
	uint64_t tag;

	/* Rotation 0 and the length of what follows; server id 0. */
	id[0] = ID_LENGTH - 1;
	id[1] = id[2] = 0;
	memcpy(id + 3, &slot, 2);
	id[5] = place->place;
	memcpy(message, &generation, 4);
	memcpy(message + 4, &destination, 2);
	memcpy(message + 6, id, TAG_AT);
	memcpy(message + 6 + TAG_AT, id + NONCE_AT, ID_LENGTH - NONCE_AT);
	tag = htole64(siphash(place->key, message, MESSAGE));
	memcpy(id + TAG_AT, &tag, 4);
}

int read_place(const char *line, struct place *place)
{
	for (int i = 0; i < 16; i++)
		if (sscanf(line + 2 * i, "%2hhx", &place->key[i]) != 1)
			return 0;
	return sscanf(line + 32, "%u %hu %hu %hhu", &place->generation, &place->destination, &place->slot, &place->place) == 4;
}
