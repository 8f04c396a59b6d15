// A viewer's socket that costs as little as it can: once media flows the kernel itself counts it and drops it.
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// A non-blocking UDP socket on 127.0.0.1; its port goes to `*port`. With `takes_whole` it takes GSO messages as they are (UDP_GRO), as a
// network card that segments would; without, the kernel splits each in software. -1 when refused.
int sink_open(bool takes_whole, uint16_t *port);

// From here on a filter of the kernel drops RTP, and lets through STUN, DTLS and RTCP.
bool sink_drop_media(int fd);

// The same, but each fourth packet of a picture, its last one, and what is sent again (`rtx_payload_type`) are let through, with the time that they
// arrived: a picture may take longer than some queues.
bool sink_keep_ends(int fd, uint8_t video_payload_type, uint8_t rtx_payload_type);

// From here on nothing is filtered: what nobody reads fills the receive buffer, and the rest is dropped.
bool sink_keep_media(int fd);

// From here on a filter drops whatever does not come from `port`, and every datagram carries the time it arrived (SO_TIMESTAMPNS).
bool sink_sample(int fd, uint16_t port);

// Reads one datagram, if one waits; the time it arrived goes to `*arrival` [ns of CLOCK_REALTIME], 0 when it carries none. Its size, or -1.
ssize_t sink_read(int fd, uint8_t *bytes, size_t size, uint64_t *arrival);

// Datagrams that the kernel has dropped on this socket so far: by filter, and for want of room.
uint32_t sink_dropped(int fd);

#endif
