#include "sim/log.h"

#include "base/limits.h"
#include "wire/codec.h"
#include "wire/demux.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"

#include <stdlib.h>
#include <string.h>

void eg_sim_log_init(struct eg_sim_log *log, enum eg_track_kind kind, eg_codec codec, bool has_b_frames) {
    *log = (struct eg_sim_log){.kind = kind, .codec = codec, .has_b_frames = has_b_frames};
}

void eg_sim_log_deinit(struct eg_sim_log *log) { free(log->entries); }

uint64_t eg_sim_log_hash(const uint8_t *bytes, size_t size) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

const struct eg_sim_entry *eg_sim_log_find(const struct eg_sim_log *log, uint64_t place) {
    return place < log->capacity && log->entries[place].is_there ? &log->entries[place] : NULL;
}

static void put(struct eg_sim_log *log, uint64_t place, bool marker, const uint8_t *payload, size_t size) {
    if (place >= log->capacity) {
        size_t capacity = place + 1 > 2 * log->capacity ? place + 4096 : 2 * log->capacity;
        log->entries = realloc(log->entries, capacity * sizeof *log->entries);
        EG_ASSERT(log->entries != NULL);
        memset(log->entries + log->capacity, 0, (capacity - log->capacity) * sizeof *log->entries);
        log->capacity = capacity;
    }
    log->entries[place] = (struct eg_sim_entry){
        .is_there = true, .marker = marker, .picture = log->pictures, .ticks = log->ticks, .size = size, .hash = eg_sim_log_hash(payload, size)};
    log->highest = place;
}

// What viewers get of a payload, from what FFmpeg's look like: VP8's descriptor has four bytes, VP9's one.
static void put_stored(struct eg_sim_log *log, uint64_t place, const struct eg_rtp *rtp) {
    uint8_t payload[1400];
    size_t skipped = log->codec == EG_CODEC_VP8 ? 3 : 0, size = rtp->payload_size - skipped;
    memcpy(payload, rtp->payload + skipped, size);
    if (log->codec == EG_CODEC_VP8) payload[0] = rtp->payload[0] & 0x17;
    if (log->codec == EG_CODEC_VP9 && !log->picture_has_key) payload[0] |= 0x40;
    put(log, place, rtp->marker, payload, size);
}

static const struct eg_set_syntax *syntax_of(const struct eg_sim_log *log) { return eg__codec_traits(log->codec, true)->sets; }

// Which of the three a unit is; false when it is none.
static bool find_kind(const struct eg_sim_log *log, const uint8_t *nal, size_t *kind) {
    bool is_h265 = log->codec == EG_CODEC_H265;
    unsigned type = is_h265 ? nal[0] >> 1 & 0x3fu : nal[0] & 0x1fu, first = is_h265 ? 32 : 6; // H.264 has no VPS: 6 is an SEI
    *kind = type - first;
    return type >= first && type <= first + 2 && (is_h265 || type != first);
}

// A sender here has one of each. Those of the one before it are of no use beside its own.
static void learn_sets(struct eg_sim_log *log, const struct eg_rtp *rtp) {
    if (syntax_of(log) == NULL) return;
    struct eg_nal_units units = syntax_of(log)->units(rtp->payload, rtp->payload_size);
    const uint8_t *nal;
    size_t kind;
    for (size_t size; eg__nal_next_unit(&units, &nal, &size);) {
        if (!find_kind(log, nal, &kind)) continue;
        for (int i = 0; log->has_last_sets && i < 3; i++) log->sets[i].is_known = false;
        log->has_last_sets = false;
        log->sets[kind] = (struct eg_sim_set){.is_known = true, .is_in_picture = true, .size = size};
        memcpy(log->sets[kind].bytes, nal, size);
    }
}

static bool has_all(const struct eg_sim_log *log, bool in_picture) {
    size_t first = log->codec == EG_CODEC_H265 ? 0 : 1;
    for (size_t i = first; i < 3; i++)
        if (in_picture ? !log->sets[i].is_in_picture : !log->sets[i].is_known) return false;
    return true;
}

// What the engine has to put in front of a key picture that comes without its sets: the PPS, or all of them when another is missing too.
static void put_sets(struct eg_sim_log *log, uint64_t place) {
    uint8_t payload[1400];
    struct eg_writer writer = eg__writer(payload, sizeof payload);
    bool is_h265 = log->codec == EG_CODEC_H265;
    bool has_parents = log->sets[1].is_in_picture && (log->sets[0].is_in_picture || !is_h265);
    if (has_parents) {
        put(log, place, false, log->sets[2].bytes, log->sets[2].size);
        return;
    }
    if (is_h265) eg__write_u16(&writer, 0x6001);
    else eg__write_u8(&writer, (log->sets[1].bytes[0] & 0x60) | 24);
    for (size_t i = is_h265 ? 0 : 1; i < 3; i++) {
        eg__write_u16(&writer, (uint16_t)log->sets[i].size);
        eg__write_bytes(&writer, log->sets[i].bytes, log->sets[i].size);
    }
    put(log, place, false, payload, writer.at);
}

static void put_video(struct eg_sim_log *log, uint64_t place, const struct eg_rtp *rtp) {
    struct eg_payload found = eg__codec_traits(log->codec, true)->inspect(rtp->payload, rtp->payload_size);
    bool has_sets = syntax_of(log) != NULL;
    if (log->wants_key) {
        if (!found.has_opening && !(found.starts_key && (!has_sets || has_all(log, false)))) {
            learn_sets(log, rtp);
            return;
        }
        log->wants_key = false;
        place = log->highest + 1;
    }
    if (log->pictures == 0 || rtp->timestamp != log->timestamp) {
        log->pictures++;
        log->timestamp = rtp->timestamp;
        log->picture_begin = place;
        log->picture_has_key = false;
        for (int i = 0; i < 3; i++) log->sets[i].is_in_picture = false;
    }
    learn_sets(log, rtp);
    if (has_sets && found.starts_key && !has_all(log, true) && has_all(log, false)) {
        put_sets(log, place++);
        for (int i = 0; i < 3; i++) log->sets[i].is_in_picture = true;
    }
    bool begins_gop = found.has_key && !log->picture_has_key;
    log->picture_has_key = log->picture_has_key || found.has_key;
    put_stored(log, place, rtp);
    if (!begins_gop) return;
    log->gop_begin = log->picture_begin;
    log->entries[log->gop_begin].begins_key = true;
}

static void put_rtp(struct eg_sim_log *log, const struct eg_rtp *rtp) {
    uint64_t place = log->highest + (uint16_t)(rtp->sequence - log->highest_raw);
    if (log->kind == EG_AUDIO) {
        log->pictures++;
        put(log, place, rtp->marker, rtp->payload, rtp->payload_size);
    } else {
        put_video(log, place, rtp);
    }
    log->highest_raw = rtp->sequence;
}

static void begin(struct eg_sim_log *log, const struct eg_addr *from, uint32_t ssrc, uint16_t sequence) {
    if (ssrc != log->ssrc || !eg__addr_equal(from, &log->sender)) log->has_last_sets = true;
    log->sender = *from;
    log->is_live = log->was_live = true;
    log->ssrc = ssrc;
    log->highest_raw = (uint16_t)(sequence - 1);
    log->wants_key = log->kind == EG_VIDEO;
    log->held.is_active = false;
    log->epochs++;
}

static void hold(struct eg_sim_log *log, const struct eg_rtp *rtp) {
    log->held = (struct eg_sim_held){
        .is_active = true,
        .marker = rtp->marker,
        .ssrc = rtp->ssrc,
        .sequence = rtp->sequence,
        .timestamp = rtp->timestamp,
        .size = rtp->payload_size,
    };
    memcpy(log->held.payload, rtp->payload, rtp->payload_size);
}

// What is no packet of the codec's is as if it had not been sent.
static bool is_garbage(const struct eg_rtp *rtp) { return rtp->payload_size == 1 && rtp->payload[0] == 0; }

static void receive_rtp(struct eg_sim_log *log, eg_time now, const struct eg_addr *from, const struct eg_rtp *rtp) {
    log->delivered++;
    bool is_own = eg__addr_equal(from, &log->sender);
    if (is_garbage(rtp)) {
        if (log->is_live && is_own && rtp->ssrc == log->ssrc) log->highest_raw++;
        return;
    }
    if (!log->is_live || (is_own && rtp->ssrc != log->ssrc)) {
        begin(log, from, rtp->ssrc, rtp->sequence);
    } else if (rtp->ssrc != log->ssrc && now - log->last_arrival < EG_SOURCE_SILENCE) {
        log->held.is_active = false; // the one before said no BYE that arrived, so this one has to wait
        return;
    } else if (rtp->ssrc != log->ssrc) {
        struct eg_sim_held held = log->held;
        bool is_proven = held.is_active && held.ssrc == rtp->ssrc && (uint16_t)(held.sequence + 1) == rtp->sequence;
        hold(log, rtp);
        if (!is_proven) return;
        begin(log, from, held.ssrc, held.sequence);
        struct eg_rtp first = {
            .marker = held.marker,
            .sequence = held.sequence,
            .timestamp = held.timestamp,
            .payload = held.payload,
            .payload_size = held.size,
        };
        put_rtp(log, &first);
    }
    log->last_arrival = now;
    put_rtp(log, rtp);
}

void eg_sim_log_receive(struct eg_sim_log *log, eg_time now, const struct eg_addr *from, const uint8_t *bytes, size_t size) {
    struct eg_rtp rtp;
    if (eg__demux(bytes, size) == EG_DATAGRAM_RTP && eg__rtp_parse(&rtp, bytes, size)) receive_rtp(log, now, from, &rtp);
    if (eg__demux(bytes, size) != EG_DATAGRAM_RTCP) return;
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, size);
    struct eg_rtcp block;
    uint32_t ssrc;
    while (eg__rtcp_next(&iterator, &block))
        if (block.type == EG_RTCP_BYE && eg__rtcp_parse_bye(&block, 0, &ssrc) && ssrc == log->ssrc) log->is_live = false;
}
