#include "sim/ledger.h"

#include <stdlib.h>
#include <string.h>

enum {
    AUDIO_BACKLOG = 50,       // packets of sound that one who begins may be behind at most
    AUDIO_BACKLOG_LATE = 120, // where another worker hears of it late, and the viewer of its keys
};

void eg_sim_ledger_init(struct eg_sim_ledger *ledger, const struct eg_sim_log *log, uint32_t ssrc, uint32_t rtx_ssrc) {
    *ledger = (struct eg_sim_ledger){.log = log, .ssrc = ssrc, .rtx_ssrc = rtx_ssrc};
}

void eg_sim_ledger_add_rung(struct eg_sim_ledger *ledger, const struct eg_sim_log *log, uint32_t bit_rate) {
    EG_ASSERT(ledger->rung_count < EG_SIM_RUNGS_MAX);
    if (log == ledger->log) ledger->rung = ledger->rung_count;
    ledger->bit_rates[ledger->rung_count] = bit_rate;
    ledger->rungs[ledger->rung_count++] = log;
}

const struct eg_sim_entry *eg_sim_ledger_entry(const struct eg_sim_ledger *ledger, const struct eg_sim_sent *sent) {
    return eg_sim_log_find(ledger->rung_count > 0 ? ledger->rungs[sent->rung] : ledger->log, sent->place);
}

void eg_sim_ledger_deinit(struct eg_sim_ledger *ledger) { free(ledger->sent); }

struct eg_sim_sent *eg_sim_ledger_find(const struct eg_sim_ledger *ledger, uint64_t index) {
    if (!ledger->has_begun || index < ledger->first_index || index > ledger->last_index) return NULL;
    struct eg_sim_sent *sent = &ledger->sent[index - ledger->first_index];
    return sent->is_there ? sent : NULL;
}

static struct eg_sim_sent *add(struct eg_sim_ledger *ledger, uint64_t index) {
    size_t at = index - ledger->first_index;
    if (at >= ledger->capacity) {
        size_t capacity = 2 * (at + 256);
        ledger->sent = realloc(ledger->sent, capacity * sizeof *ledger->sent);
        EG_ASSERT(ledger->sent != NULL);
        memset(ledger->sent + ledger->capacity, 0, (capacity - ledger->capacity) * sizeof *ledger->sent);
        ledger->capacity = capacity;
    }
    ledger->last_index = index;
    return &ledger->sent[at];
}

static uint64_t unwrap(uint64_t last, uint16_t sequence) {
    return last + (uint64_t)(int64_t)eg__sequence_distance((uint16_t)last, sequence);
}

// The timestamps of pictures never go back, nor do those of sound.
static bool goes_back(const struct eg_sim_ledger *ledger, uint64_t index, uint32_t timestamp) {
    const struct eg_sim_sent *last = eg_sim_ledger_find(ledger, ledger->last_index);
    if (last == NULL || index <= ledger->last_index || ledger->log->has_b_frames) return false;
    return eg__timestamp_distance(last->timestamp, timestamp) < 0;
}

const char *eg_sim_ledger_send(struct eg_sim_ledger *ledger, const struct eg_rtp *rtp, const uint8_t *bytes, size_t size, uint64_t *index,
                               bool *is_new) {
    uint64_t hash = eg_sim_log_hash(bytes, size);
    *is_new = false;
    if (!ledger->has_begun) {
        if (rtp->sequence >= 32768) return "sequence numbers begin in the upper half";
        ledger->first_index = ledger->last_index = rtp->sequence;
    }
    *index = unwrap(ledger->last_index, rtp->sequence);
    const struct eg_sim_sent *before = eg_sim_ledger_find(ledger, *index);
    if (before != NULL) {
        ledger->repairs++;
        return before->datagram_hash == hash ? NULL : "two different packets under one SSRC and index";
    }
    if (ledger->has_begun && *index <= ledger->last_index) return "an index that was passed over is used later";
    if (goes_back(ledger, *index, rtp->timestamp)) return "a timestamp goes back";
    ledger->has_begun = true;
    struct eg_sim_sent *sent = add(ledger, *index);
    *sent = (struct eg_sim_sent){.is_there = true, .marker = rtp->marker, .timestamp = rtp->timestamp, .datagram_hash = hash};
    ledger->packets++;
    *is_new = true;
    return NULL;
}

// A picture of a ladder that is cut by a switch may be told from what follows by one number that is left out.
static bool follows(const struct eg_sim_ledger *ledger, uint64_t index) {
    const struct eg_sim_sent *last = eg_sim_ledger_find(ledger, ledger->opened_index);
    bool was_cut = ledger->rung_count > 0 && last != NULL && !last->marker;
    return index == ledger->opened_index + 1 || (was_cut && index == ledger->opened_index + 2);
}

static const char *begin_run(struct eg_sim_ledger *ledger, struct eg_sim_sent *sent, uint64_t index, uint64_t place) {
    const struct eg_sim_entry *entry = eg_sim_log_find(ledger->log, place);
    if (entry == NULL || entry->hash != sent->payload_hash) return "it begins with what is not the last IDR's first packet";
    if (ledger->is_opened && !follows(ledger, index) && !ledger->may_lose) return "a jump in the stream leaves a gap in the numbers";
    const struct eg_sim_sent *last = eg_sim_ledger_find(ledger, ledger->opened_index);
    if (ledger->is_opened && last != NULL && last->timestamp == sent->timestamp) return "two pictures have one timestamp";
    ledger->is_opened = true;
    ledger->opened_index = ledger->run_index = index;
    ledger->place = sent->place = place;
    ledger->picture = entry->picture;
    sent->rung = (uint8_t)ledger->rung;
    ledger->bursts++;
    return NULL;
}

// The last IDR whose first packet this is.
static uint64_t find_gop(const struct eg_sim_ledger *ledger, const struct eg_sim_sent *sent, uint64_t gop_begin) {
    unsigned left = ledger->idrs_late;
    for (uint64_t place = gop_begin; place > 0 && left > 0; place--) {
        const struct eg_sim_entry *entry = eg_sim_log_find(ledger->log, place);
        if (entry == NULL || !entry->begins_key) continue;
        if (entry->hash == sent->payload_hash) return place;
        if (place < gop_begin) left--;
    }
    return gop_begin;
}

static bool is_run_at(const struct eg_sim_ledger *ledger, uint64_t place, uint64_t last_index) {
    for (uint64_t index = ledger->run_index; index <= last_index; index++) {
        const struct eg_sim_sent *sent = eg_sim_ledger_find(ledger, index);
        const struct eg_sim_entry *entry = eg_sim_log_find(ledger->log, place + (index - ledger->run_index));
        if (sent != NULL && (entry == NULL || entry->hash != sent->payload_hash)) return false;
    }
    return true;
}

// Key pictures may begin alike, with the same parameter sets: what follows tells that it was not the last one, but one before it.
static bool began_earlier(struct eg_sim_ledger *ledger, uint64_t index) {
    unsigned left = ledger->idrs_late;
    uint64_t place = ledger->place - (ledger->opened_index - ledger->run_index);
    while (--place > 0 && left > 0) {
        const struct eg_sim_entry *entry = eg_sim_log_find(ledger->log, place);
        if (entry == NULL || !entry->begins_key) continue;
        left--;
        if (!is_run_at(ledger, place, index)) continue;
        for (uint64_t i = ledger->run_index; i <= ledger->opened_index; i++) {
            struct eg_sim_sent *sent = eg_sim_ledger_find(ledger, i);
            if (sent == NULL) continue;
            sent->place = place + (i - ledger->run_index);
            sent->rung = (uint8_t)ledger->rung;
        }
        ledger->place = place + (ledger->opened_index - ledger->run_index);
        ledger->picture = entry->picture;
        return true;
    }
    return false;
}

static uint64_t find_audio(const struct eg_sim_log *log, uint64_t hash, uint64_t newest, uint64_t backlog) {
    for (uint64_t back = 0; back < backlog && back <= newest; back++) {
        const struct eg_sim_entry *entry = eg_sim_log_find(log, newest - back);
        if (entry != NULL && entry->hash == hash) return newest - back;
    }
    return 0;
}

// The next packet of the run: as many places further as the index is, with nothing between that it should have had.
static const char *follow_run(struct eg_sim_ledger *ledger, struct eg_sim_sent *sent, uint64_t index, uint64_t place) {
    const struct eg_sim_entry *entry = eg_sim_log_find(ledger->log, place);
    if (entry->marker != sent->marker) return "a marker that the source did not set";
    for (uint64_t skipped = ledger->place + 1; skipped < place && !ledger->may_lose; skipped++)
        if (eg_sim_log_find(ledger->log, skipped) != NULL) return "a packet of the source is left out";
    const struct eg_sim_sent *last = eg_sim_ledger_find(ledger, ledger->opened_index);
    bool is_same_picture = entry->picture == ledger->picture;
    if (is_same_picture && last->timestamp != sent->timestamp) return "one picture has two timestamps";
    if (!is_same_picture && last->timestamp == sent->timestamp) return "two pictures have one timestamp";
    ledger->opened_index = index;
    ledger->place = sent->place = place;
    ledger->picture = entry->picture;
    sent->rung = (uint8_t)ledger->rung;
    return NULL;
}

// Which encoding of its ladder one of whose last key pictures begins with this packet; -1: none of them.
static int find_rung(const struct eg_sim_ledger *ledger, const struct eg_sim_sent *sent, uint64_t *place) {
    for (unsigned i = 0; i < ledger->rung_count; i++) {
        struct eg_sim_ledger one = {.log = ledger->rungs[i], .idrs_late = ledger->idrs_late + 1};
        *place = find_gop(&one, sent, one.log->gop_begin);
        const struct eg_sim_entry *entry = eg_sim_log_find(one.log, *place);
        if (entry != NULL && entry->hash == sent->payload_hash) return (int)i;
    }
    return -1;
}

static const char *begin_at_a_rung(struct eg_sim_ledger *ledger, struct eg_sim_sent *sent, uint64_t index) {
    uint64_t place;
    int rung = find_rung(ledger, sent, &place);
    if (rung < 0) return "it begins with what is not the last IDR's first packet of an encoding of its ladder";
    ledger->rung = (unsigned)rung;
    ledger->log = ledger->rungs[rung];
    return begin_run(ledger, sent, index, place);
}

const char *eg_sim_ledger_open(struct eg_sim_ledger *ledger, uint64_t index, uint64_t newest, const uint8_t *payload, size_t size) {
    struct eg_sim_sent *sent = eg_sim_ledger_find(ledger, index);
    sent->payload_hash = eg_sim_log_hash(payload, size);
    uint64_t place = ledger->place + (index - ledger->opened_index);
    const struct eg_sim_entry *entry = ledger->is_opened ? eg_sim_log_find(ledger->log, place) : NULL;
    if (entry != NULL && entry->hash == sent->payload_hash) return follow_run(ledger, sent, index, place);
    bool is_video = ledger->log->kind == EG_VIDEO;
    if (is_video && ledger->is_opened && began_earlier(ledger, index))
        return follow_run(ledger, sent, index, ledger->place + (index - ledger->opened_index));
    if (is_video && ledger->rung_count > 0) return begin_at_a_rung(ledger, sent, index);
    if (is_video) return begin_run(ledger, sent, index, find_gop(ledger, sent, newest));
    uint64_t begin = find_audio(ledger->log, sent->payload_hash, newest, ledger->may_lose ? AUDIO_BACKLOG_LATE : AUDIO_BACKLOG);
    if (ledger->is_opened && (!ledger->may_skip || begin <= ledger->place)) return "sound is not what the source sent next";
    return begin_run(ledger, sent, index, begin);
}

const char *eg_sim_ledger_send_rtx(struct eg_sim_ledger *ledger, const struct eg_rtp *rtp, uint64_t *rtx_index) {
    if (!ledger->has_rtx && rtp->sequence >= 32768) return "RTX begins in the upper half";
    *rtx_index = ledger->has_rtx ? unwrap(ledger->rtx_index, rtp->sequence) : rtp->sequence;
    bool is_next = !ledger->has_rtx || *rtx_index == ledger->rtx_index + 1;
    ledger->has_rtx = true;
    ledger->rtx_index = *rtx_index;
    ledger->repairs++;
    return is_next ? NULL : "RTX numbers are not contiguous";
}

const char *eg_sim_ledger_open_rtx(struct eg_sim_ledger *ledger, const struct eg_rtp *rtp, const uint8_t *payload, size_t size,
                                   uint64_t *index) {
    if (size < 2) return "RTX without the original's number";
    *index = unwrap(ledger->last_index, (uint16_t)(payload[0] << 8 | payload[1]));
    const struct eg_sim_sent *sent = eg_sim_ledger_find(ledger, *index);
    if (sent == NULL) return "RTX of what was never sent";
    if (sent->timestamp != rtp->timestamp || sent->marker != rtp->marker) return "RTX with another timestamp or marker than the original";
    if (sent->payload_hash != eg_sim_log_hash(payload + 2, size - 2)) return "RTX with another payload than the original";
    return NULL;
}
