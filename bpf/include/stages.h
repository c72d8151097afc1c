/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The stages behind the entry of an interface, in the order in which packets go through them. */
#pragma once

#define STAGES 8

enum stage { STAGE_FIREWALL, STAGE_BALANCER, STAGE_SYN_COOKIES };
