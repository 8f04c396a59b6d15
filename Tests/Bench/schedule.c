#include "schedule.h"

#include <stdlib.h>

static int compare_entries(const void *a, const void *b) {
    const struct schedule_entry *x = a, *y = b;
    if (x->due_us != y->due_us) return x->due_us > y->due_us ? 1 : -1;
    return (x->stream > y->stream) - (x->stream < y->stream);
}

struct schedule *schedule_create(const struct media *media, uint32_t stream_count, bool is_in_step) {
    size_t count = media->unit_count * stream_count;
    struct schedule *schedule = calloc(1, sizeof *schedule + count * sizeof schedule->entries[0]);
    if (schedule == NULL) return NULL;
    *schedule = (struct schedule){.media = media, .stream_count = stream_count, .count = count};
    struct schedule_entry *entry = schedule->entries;
    for (uint32_t stream = 0; stream < stream_count; stream++) {
        uint32_t phase_us = is_in_step ? 0 : (uint32_t)((uint64_t)media->period_us * stream / stream_count);
        for (uint32_t unit = 0; unit < media->unit_count; unit++) {
            *entry++ = (struct schedule_entry){(media->units[unit].due_us + phase_us) % media->period_us, stream, unit};
        }
    }
    qsort(schedule->entries, count, sizeof schedule->entries[0], compare_entries);
    return schedule;
}

void schedule_destroy(struct schedule *schedule) { free(schedule); }
