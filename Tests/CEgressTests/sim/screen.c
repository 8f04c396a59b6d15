#include "sim/screen.h"

enum { FORWARD_MAX = 4096 }; // packets of a picture at most

// Whether all of the picture that begins at an index has arrived; `*end` is its last packet's index.
static bool is_whole(const struct eg_sim_ledger *ledger, uint64_t index, uint64_t *end) {
    const struct eg_sim_sent *first = eg_sim_ledger_find(ledger, index);
    if (first == NULL || !first->is_received) return false;
    const uint32_t picture = eg_sim_ledger_entry(ledger, first)->picture;
    for (uint64_t at = index; at < index + FORWARD_MAX; at++) {
        const struct eg_sim_sent *sent = eg_sim_ledger_find(ledger, at);
        if (sent == NULL || !sent->is_received || sent->rung != first->rung) return false;
        if (eg_sim_ledger_entry(ledger, sent)->picture != picture) return false; // it was cut
        *end = at;
        if (sent->marker) return true;
    }
    return false;
}

static void note_timeline(struct eg_sim_screen *screen, const struct eg_sim_sent *sent, const struct eg_sim_entry *entry) {
    struct eg_sim_timeline *timeline = &screen->timelines[sent->rung];
    uint32_t offset = sent->timestamp - entry->ticks;
    if (timeline->is_known && eg__timestamp_distance(timeline->offset, offset) >= 0) return;
    timeline->is_known = true;
    timeline->offset = offset;
}

static void show(struct eg_sim_screen *screen, const struct eg_sim_ledger *ledger, eg_time now, uint64_t begin, uint64_t end) {
    const struct eg_sim_sent *sent = eg_sim_ledger_find(ledger, begin);
    const struct eg_sim_entry *entry = eg_sim_ledger_entry(ledger, sent);
    if (screen->has_shown) {
        eg_time from = screen->shown_at > screen->since ? screen->shown_at : screen->since;
        if (now - from > screen->stall) {
            screen->stall = now - from;
            screen->stall_at = now;
        }
        screen->by_rung[screen->rung] += now - from;
        if (sent->rung != screen->rung) *(ledger->bit_rates[sent->rung] > ledger->bit_rates[screen->rung] ? &screen->ups : &screen->downs) += 1;
    }
    note_timeline(screen, sent, entry);
    screen->has_shown = true;
    screen->shown_index = end;
    screen->rung = sent->rung;
    screen->picture = entry->picture;
    screen->shown_at = now;
    screen->pictures++;
}

// The picture behind the last one, if it is a key picture or the next one of the same encoding.
static bool show_next(struct eg_sim_screen *screen, const struct eg_sim_ledger *ledger, eg_time now, uint64_t *begin) {
    uint64_t end;
    *begin = screen->shown_index + 1;
    if (!screen->has_shown || !is_whole(ledger, *begin, &end)) return false;
    const struct eg_sim_sent *sent = eg_sim_ledger_find(ledger, *begin);
    const struct eg_sim_entry *entry = eg_sim_ledger_entry(ledger, sent);
    if (!entry->begins_key && (sent->rung != screen->rung || entry->picture != screen->picture + 1)) return false;
    show(screen, ledger, now, *begin, end);
    return true;
}

static bool show_key(struct eg_sim_screen *screen, const struct eg_sim_ledger *ledger, eg_time now, uint64_t *begin) {
    uint64_t end;
    *begin = screen->key_index;
    if (!screen->has_key || (screen->has_shown && screen->key_index <= screen->shown_index) || !is_whole(ledger, *begin, &end)) return false;
    show(screen, ledger, now, *begin, end);
    return true;
}

unsigned eg_sim_screen_receive(struct eg_sim_screen *screen, const struct eg_sim_ledger *ledger, eg_time now, uint64_t index, uint64_t *begin) {
    const struct eg_sim_sent *sent = eg_sim_ledger_find(ledger, index);
    if (sent == NULL || (screen->has_shown && index <= screen->shown_index)) return 0;
    if (eg_sim_ledger_entry(ledger, sent)->begins_key && (!screen->has_key || index > screen->key_index)) {
        screen->has_key = true;
        screen->key_index = index;
    }
    unsigned shown = 0;
    uint64_t at;
    while (show_next(screen, ledger, now, &at) || show_key(screen, ledger, now, &at)) {
        *begin = at;
        shown++;
    }
    return shown;
}

void eg_sim_screen_hear(struct eg_sim_screen *screen, eg_time now) {
    screen->silence = eg_sim_screen_silence(screen, now);
    screen->sound_at = now;
}

void eg_sim_screen_measure(struct eg_sim_screen *screen, eg_time now) {
    screen->since = now;
    screen->pictures = 0;
    screen->ups = screen->downs = 0;
    screen->stall = screen->silence = 0;
    screen->stall_at = now;
    for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) {
        screen->by_rung[i] = 0;
        screen->timelines[i].is_known = false;
    }
}

static eg_time longest(eg_time known, eg_time last_at, eg_time since, eg_time now) {
    eg_time open = now - (last_at > since ? last_at : since);
    return open > known ? open : known;
}

eg_time eg_sim_screen_stall(const struct eg_sim_screen *screen, eg_time now) {
    return longest(screen->stall, screen->shown_at, screen->since, now);
}

eg_time eg_sim_screen_silence(const struct eg_sim_screen *screen, eg_time now) {
    return longest(screen->silence, screen->sound_at, screen->since, now);
}

eg_time eg_sim_screen_time_at(const struct eg_sim_screen *screen, eg_time now, unsigned rung) {
    bool is_shown = screen->has_shown && screen->rung == rung;
    return screen->by_rung[rung] + (is_shown ? longest(0, screen->shown_at, screen->since, now) : 0);
}
