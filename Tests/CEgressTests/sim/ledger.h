// What the engine sent to one viewer of one track, checked as it leaves: numbers, timestamps, content, and that no index is used twice.
#ifndef EG_SIM_LEDGER_H
#define EG_SIM_LEDGER_H

#include "sim/log.h"
#include "wire/rtp.h"

enum { EG_SIM_RUNGS_MAX = 3 };

struct eg_sim_sent {
    bool is_there;
    bool marker;
    bool is_received;   // by the viewer, directly or repaired
    uint8_t rung;       // the encoding that it is of, once it has been opened
    uint32_t timestamp;
    uint64_t datagram_hash;
    uint64_t payload_hash;
    uint64_t place;     // in the log, once it has been opened
};

struct eg_sim_ledger {
    const struct eg_sim_log *log; // of what it is sent now
    unsigned rung_count;          // encodings that it may be sent; 0: only this one
    const struct eg_sim_log *rungs[EG_SIM_RUNGS_MAX];
    uint32_t bit_rates[EG_SIM_RUNGS_MAX]; // [bit/s]
    unsigned rung;                // of what it is sent now
    uint32_t ssrc;
    uint32_t rtx_ssrc;
    bool has_begun;
    uint64_t first_index;
    uint64_t last_index;
    struct eg_sim_sent *sent; // by index - first_index
    size_t capacity;
    bool may_skip;            // sound may leave out what is too old: the engine is held up
    bool may_lose;            // between two workers of the engine
    unsigned idrs_late;       // it may begin so many IDRs before the last: its worker hears of them later than the log
    bool is_opened;           // the first packet has been held against the log
    uint64_t opened_index;    // of the last that was
    uint64_t run_index;       // of the one that began at a key picture, or with sound
    uint64_t place;
    uint32_t picture;
    uint64_t bursts;          // times that it began at an IDR
    uint64_t packets;
    uint64_t repairs;         // packets sent again, either way
    bool has_rtx;
    uint64_t rtx_index;
};

void eg_sim_ledger_init(struct eg_sim_ledger *ledger, const struct eg_sim_log *log, uint32_t ssrc, uint32_t rtx_ssrc);
// The viewer may be switched to this encoding too. To be called for each of its ladder in their order.
void eg_sim_ledger_add_rung(struct eg_sim_ledger *ledger, const struct eg_sim_log *log, uint32_t bit_rate);
void eg_sim_ledger_deinit(struct eg_sim_ledger *ledger);

// Each gives NULL, or what is wrong.

// A datagram leaves: finds its index from its header alone. `*is_new` when it is not sent again.
const char *eg_sim_ledger_send(struct eg_sim_ledger *ledger, const struct eg_rtp *rtp, const uint8_t *bytes, size_t size, uint64_t *index,
                               bool *is_new);
// A new one has been opened. When it was sent, the last key picture was at the place `newest`, or of sound the last packet.
const char *eg_sim_ledger_open(struct eg_sim_ledger *ledger, uint64_t index, uint64_t newest, const uint8_t *payload, size_t size);
// The same for a packet of the RTX flow; `payload` begins with the original's number, `*index` is the original's index.
const char *eg_sim_ledger_send_rtx(struct eg_sim_ledger *ledger, const struct eg_rtp *rtp, uint64_t *rtx_index);
const char *eg_sim_ledger_open_rtx(struct eg_sim_ledger *ledger, const struct eg_rtp *rtp, const uint8_t *payload, size_t size,
                                   uint64_t *index);

// What the source sent, of a packet that has been opened.
const struct eg_sim_entry *eg_sim_ledger_entry(const struct eg_sim_ledger *ledger, const struct eg_sim_sent *sent);

// NULL when nothing was sent under that index.
struct eg_sim_sent *eg_sim_ledger_find(const struct eg_sim_ledger *ledger, uint64_t index);

#endif
