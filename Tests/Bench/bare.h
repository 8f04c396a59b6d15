// The reference of the fan-out: what its packets cost with nothing around them. One thread, one socket, the engine's cipher with one
// context for each viewer, a fixed header, one sendmmsg message with GSO for each viewer and run of equal packets, 128 messages a call. No
// source, no store, no viewer state, no statistics, no repair, no choice of the address to send from.
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include "schedule.h"

struct bare;

// `crypto` as the engine names it. NULL when memory or a socket is refused.
struct bare *bare_create(const char *crypto, uint32_t viewer_count);
void bare_destroy(struct bare *bare);

// Where a viewer's packets go: the socket that also gets the engine's, so that the way behind the send is the same.
void bare_aim(struct bare *bare, uint32_t viewer, uint16_t port);

// Sends one period of the schedule, each stream to its `viewers_each` viewers: when it is due, as a program must that is fed live, or as
// fast as it goes. Gives the number of packets.
uint64_t bare_play(struct bare *bare, const struct schedule *schedule, uint32_t viewers_each, bool is_paced);

// Wall time of a picture to the viewers of its stream, from its first packet's encryption to the last send's return: the median of the
// latest play [us].
double bare_picture_wall(const struct bare *bare);

// Messages that the kernel refused, so far.
uint64_t bare_refused(const struct bare *bare);

#endif
