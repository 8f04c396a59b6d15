#include "sim/log.h"

#include "base/limits.h"
#include "wire/demux.h"
#include "wire/h264.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"

#include <stdlib.h>
#include <string.h>

void eg_sim_log_init(struct eg_sim_log *log, enum eg_track_kind kind, bool has_b_frames) {
    *log = (struct eg_sim_log){.kind = kind, .has_b_frames = has_b_frames};
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
        .is_there = true, .marker = marker, .picture = log->pictures, .size = size, .hash = eg_sim_log_hash(payload, size)};
    log->highest = place;
}

static void learn(const uint8_t *nal, size_t nal_size, bool *has, uint8_t set[512], size_t *set_size) {
    *has = true;
    *set_size = nal_size;
    memcpy(set, nal, nal_size);
}

// A sender here has one of each. Those of the one before it are of no use beside its own.
static void learn_sets(struct eg_sim_log *log, const struct eg_rtp *rtp) {
    struct eg_nal_units units = eg__h264_units(rtp->payload, rtp->payload_size);
    const uint8_t *nal;
    for (size_t size; eg__nal_next_unit(&units, &nal, &size);) {
        bool is_sps = (nal[0] & 0x1f) == EG_H264_NAL_SPS, is_pps = (nal[0] & 0x1f) == EG_H264_NAL_PPS;
        if ((is_sps || is_pps) && log->has_last_sets) log->has_sps = log->has_pps = log->has_last_sets = false;
        if (is_sps) learn(nal, size, &log->has_sps, log->sps, &log->sps_size);
        if (is_pps) learn(nal, size, &log->has_pps, log->pps, &log->pps_size);
        log->picture_has_sps = log->picture_has_sps || is_sps;
        log->picture_has_pps = log->picture_has_pps || is_pps;
    }
}

// What the engine has to put in front of an IDR that comes without its sets.
static void put_sets(struct eg_sim_log *log, uint64_t place) {
    uint8_t payload[1400];
    if (log->picture_has_sps) {
        put(log, place, false, log->pps, log->pps_size);
        return;
    }
    struct eg_writer writer = eg__writer(payload, sizeof payload);
    eg__write_u8(&writer, (log->sps[0] & 0x60) | EG_H264_NAL_STAP_A);
    eg__write_u16(&writer, (uint16_t)log->sps_size);
    eg__write_bytes(&writer, log->sps, log->sps_size);
    eg__write_u16(&writer, (uint16_t)log->pps_size);
    eg__write_bytes(&writer, log->pps, log->pps_size);
    put(log, place, false, payload, writer.at);
}

static void put_video(struct eg_sim_log *log, uint64_t place, const struct eg_rtp *rtp) {
    struct eg_h264_payload h264 = eg__h264_inspect(rtp->payload, rtp->payload_size);
    if (log->wants_idr) {
        if (!h264.has_sps && !(h264.starts_idr && log->has_sps && log->has_pps)) {
            learn_sets(log, rtp);
            return;
        }
        log->wants_idr = false;
        place = log->highest + 1;
    }
    if (log->pictures == 0 || rtp->timestamp != log->timestamp) {
        log->pictures++;
        log->timestamp = rtp->timestamp;
        log->picture_begin = place;
        log->picture_has_idr = log->picture_has_sps = log->picture_has_pps = false;
    }
    learn_sets(log, rtp);
    if (h264.starts_idr && !(log->picture_has_sps && log->picture_has_pps) && log->has_sps && log->has_pps) {
        put_sets(log, place++);
        log->picture_has_sps = log->picture_has_pps = true;
    }
    put(log, place, rtp->marker, rtp->payload, rtp->payload_size);
    if (h264.has_idr && !log->picture_has_idr) {
        log->picture_has_idr = true;
        log->gop_begin = log->picture_begin;
        log->entries[log->gop_begin].begins_idr = true;
    }
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
    log->wants_idr = log->kind == EG_VIDEO;
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

static void receive_rtp(struct eg_sim_log *log, eg_time now, const struct eg_addr *from, const struct eg_rtp *rtp) {
    log->delivered++;
    bool is_own = eg__addr_equal(from, &log->sender);
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
