#include "delivery/gaps.h"

// Gives 1 when the picture is incomplete.
static uint32_t close_gap(struct eg_gaps *gaps, struct eg_gap *gap) {
    uint32_t is_incomplete = gap->is_open;
    *gap = (struct eg_gap){0};
    gaps->count--;
    return is_incomplete;
}

static struct eg_gap *find(struct eg_gaps *gaps, uint32_t timestamp) {
    for (int i = 0; i < EG_GAPS_MAX; i++)
        if (gaps->pictures[i].is_there && gaps->pictures[i].timestamp == timestamp) return &gaps->pictures[i];
    return NULL;
}

// The one that was asked for least recently goes when there is no other room.
static struct eg_gap *take_place(struct eg_gaps *gaps, uint32_t *incomplete) {
    struct eg_gap *oldest = &gaps->pictures[0];
    for (int i = 0; i < EG_GAPS_MAX; i++) {
        if (!gaps->pictures[i].is_there) return &gaps->pictures[i];
        if (gaps->pictures[i].asked_at < oldest->asked_at) oldest = &gaps->pictures[i];
    }
    *incomplete += close_gap(gaps, oldest);
    return oldest;
}

uint32_t eg__gaps_note(struct eg_gaps *gaps, eg_time now, uint32_t timestamp, bool is_sent) {
    uint32_t incomplete = 0;
    struct eg_gap *gap = gaps->count > 0 ? find(gaps, timestamp) : NULL;
    if (gap == NULL) {
        if (is_sent) return 0;
        gap = take_place(gaps, &incomplete);
        *gap = (struct eg_gap){.is_there = true, .timestamp = timestamp, .asked_at = now};
        gaps->count++;
    }
    if (gap->asked_at != now) gap->is_open = false;
    gap->asked_at = now;
    gap->is_open |= !is_sent;
    return incomplete;
}

uint32_t eg__gaps_settle(struct eg_gaps *gaps, eg_time now) {
    uint32_t incomplete = 0;
    for (int i = 0; i < EG_GAPS_MAX && gaps->count > 0; i++) {
        struct eg_gap *gap = &gaps->pictures[i];
        if (gap->is_there && now >= gap->asked_at + EG_GAP_TIMEOUT) incomplete += close_gap(gaps, gap);
    }
    return incomplete;
}
