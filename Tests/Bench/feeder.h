// Imitates FFmpeg: a thread that writes the streams of a schedule to their ports, one sendto a packet, a picture as a burst, from one
// socket a track, with a sender report in front of each IDR. What it costs is nobody's figure.
#ifndef BENCH_FEEDER_H
#define BENCH_FEEDER_H

#include "schedule.h"

#include "cegress.h"

struct feeder;

// A stream's two ports on 127.0.0.1. Port 0: what goes there comes with another target's, so it is counted and not sent.
struct feeder_target {
    uint16_t ports[MEDIA_KINDS];
    const struct media *media; // NULL: the schedule's; else one whose pictures and sounds have the same times
    bool is_unwatched;         // what goes there no viewer is owed: it is sent and not counted
};

// Opens `count` streams with both tracks at an engine and names their ports. False when one is refused.
bool feeder_open_targets(eg_engine *engine, uint32_t count, struct feeder_target *targets);

// Feeds as many targets as the schedule has streams. NULL when memory or a socket is refused.
struct feeder *feeder_create(const struct schedule *schedule, const struct feeder_target *targets);
void feeder_destroy(struct feeder *feeder);

// Plays on for `duration_us` of media, `speed` times as fast as it is, and returns when that is done. Time does not stand still for the
// receivers between two calls: timestamps follow the clock, sequence numbers go on without a gap.
void feeder_play(struct feeder *feeder, uint64_t duration_us, unsigned speed);

// The same in two halves. `speed` 0: as fast as it goes. False when there is no thread to be had; then there is nothing to wait for.
bool feeder_start(struct feeder *feeder, uint64_t duration_us, unsigned speed);
void feeder_wait(struct feeder *feeder);

// Whether it still plays, between the two.
bool feeder_is_playing(const struct feeder *feeder);

// Packets sent so far, without the reports.
uint64_t feeder_packets(const struct feeder *feeder);

#endif
