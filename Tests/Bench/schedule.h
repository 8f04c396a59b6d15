// When each stream sends which picture and which sound, over one GOP: the streams are spread evenly over it, as streams that began
// independently are, or all in step.
#ifndef BENCH_SCHEDULE_H
#define BENCH_SCHEDULE_H

#include "media.h"

struct schedule_entry {
    uint32_t due_us; // [us] below the media's period
    uint32_t stream;
    uint32_t unit;   // of the media
};

struct schedule {
    const struct media *media;
    uint32_t stream_count;
    size_t count;
    struct schedule_entry entries[]; // in the order they are due
};

// NULL when memory is refused.
struct schedule *schedule_create(const struct media *media, uint32_t stream_count, bool is_in_step);
void schedule_destroy(struct schedule *schedule);

#endif
