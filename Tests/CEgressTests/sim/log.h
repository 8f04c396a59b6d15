// What reached the engine of one RTP flow, in the places that the engine must give it and as it must be stored (VP8 without PictureID, VP9 with its
// P bit): the truth that viewers' packets are held against.
// It is kept for ever, and knows nothing of stores, rings or bursts.
#ifndef EG_SIM_LOG_H
#define EG_SIM_LOG_H

#include "core/core.h"

struct eg_sim_entry {
    bool is_there;
    bool marker;
    bool begins_key;    // the first packet of a key picture
    uint32_t picture;   // number of its picture
    uint32_t ticks;     // [RTP ticks] of its picture, on one timeline for all senders
    size_t size;        // [B] of the payload
    uint64_t hash;      // of the payload
};

struct eg_sim_held {
    bool is_active;
    bool marker;
    uint32_t ssrc;
    uint16_t sequence;
    uint32_t timestamp;
    size_t size;
    uint8_t payload[1400];
};

struct eg_sim_set {
    bool is_known;
    bool is_in_picture;           // it came with the present one
    size_t size;
    uint8_t bytes[512];
};

struct eg_sim_log {
    enum eg_track_kind kind;
    eg_codec codec;
    bool has_b_frames;            // timestamps go back and forth
    struct eg_sim_entry *entries; // by place
    size_t capacity;
    uint64_t highest;
    uint16_t highest_raw;
    bool is_live;                 // a sender is known, and has not said BYE
    bool was_live;
    struct eg_addr sender;
    eg_time last_arrival;
    uint32_t ssrc;
    bool wants_key;
    struct eg_sim_set sets[3];    // of any picture so far: VPS, SPS, PPS
    bool has_last_sets;           // they are the last sender's
    uint32_t pictures;
    uint32_t timestamp;           // of the picture, as sent
    bool picture_has_key;
    uint64_t picture_begin;
    uint64_t gop_begin;           // 0: none yet
    uint64_t epochs;
    uint64_t delivered;           // RTP packets
    uint32_t ticks;               // of the picture that is being received; whoever hands it in sets it
    struct eg_sim_held held;
};

void eg_sim_log_init(struct eg_sim_log *log, enum eg_track_kind kind, eg_codec codec, bool has_b_frames);
void eg_sim_log_deinit(struct eg_sim_log *log);

// A datagram of a rightful sender's, the present one or the next, was handed to the engine.
void eg_sim_log_receive(struct eg_sim_log *log, eg_time now, const struct eg_addr *from, const uint8_t *bytes, size_t size);

// NULL when the place is empty.
const struct eg_sim_entry *eg_sim_log_find(const struct eg_sim_log *log, uint64_t place);

uint64_t eg_sim_log_hash(const uint8_t *bytes, size_t size);

#endif
