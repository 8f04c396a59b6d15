// A viewer's socket that costs as little as it can: once media flows the kernel itself counts it and drops it.
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <stdbool.h>
#include <stdint.h>

// A non-blocking UDP socket on 127.0.0.1; its port goes to `*port`. With `takes_whole` it takes GSO messages as they are (UDP_GRO), as a
// network card that segments would; without, the kernel splits each in software. -1 when refused.
int sink_open(bool takes_whole, uint16_t *port);

// From here on a filter of the kernel drops RTP, and lets through STUN, DTLS and RTCP.
bool sink_drop_media(int fd);

// From here on a filter drops whatever does not come from `port`, and every datagram carries the time it arrived (SO_TIMESTAMPNS).
bool sink_sample(int fd, uint16_t port);

// Datagrams that the kernel has dropped on this socket so far: by filter, and for want of room.
uint32_t sink_dropped(int fd);

#endif
