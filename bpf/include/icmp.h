/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors, which quote the packet that they are about. */
#pragma once

#define ICMP_BYTES 8

/* Destination unreachable (packet too big is one of it in IPv4), time exceeded, parameter problem. */
static __always_inline int is_error4(__u8 type)
{
	return type == 3 || type == 11 || type == 12;
}

/* The same, and packet too big. */
static __always_inline int is_error6(__u8 type)
{
	return type >= 1 && type <= 4;
}
