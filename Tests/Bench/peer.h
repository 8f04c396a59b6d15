// One viewer's own side, up to its keys, and what it says afterwards.
//
//   idle ──join──▶ checking ──answer──▶ shaking hands ──keys──▶ connected
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "sample.h"
#include "support/dtls_client.h"
#include "transport/srtp.h"

enum peer_state { PEER_IDLE, PEER_CHECKING, PEER_SHAKING, PEER_CONNECTED, PEER_FAILED };

struct peer {
    struct eg_dtls_client_output output; // first: the client's datagrams come back to it
    enum peer_state state;
    int fd;
    const struct swarm_board *board;
    const struct swarm_viewer *viewer;
    struct eg_dtls_client *dtls;         // while shaking hands
    eg_time next_check;
    eg_time next_report;
    eg_time next_request;
    eg_time next_look;                   // at the ends of pictures that the kernel has let through
    struct eg_srtp srtp;                 // once connected
    void *context;                       // of srtp
    uint64_t last_arrival;               // [ns of CLOCK_REALTIME] of a datagram, of samples only
    bool is_sample;
    bool is_stalled;                     // reads nothing, begs for pictures
    struct arrivals *arrivals;           // once connected; NULL when it tells nobody
    uint32_t kept;                       // packets of media that it has read, of one that is no sample
    uint32_t feedback;                   // reports about what arrived
    uint32_t feedback_bytes;
    struct sample sample;
};

// Opens its socket. `viewer` is its entry on the board, whose port it fills in.
bool peer_init(struct peer *peer, const struct swarm_board *board, struct swarm_viewer *viewer, bool is_sample);

// Its entry has the engine's credentials by now.
void peer_join(struct peer *peer, eg_time now);

// Idle again: forgets its keys and what waits on its socket, which stays open.
void peer_leave(struct peer *peer);

// Stops reading, and begs for pictures instead; or goes on as before.
void peer_stall(struct peer *peer, bool is_stalled);

// Reads all that waits on its socket. Not for a sample that is connected.
void peer_read(struct peer *peer, const struct eg_crypto *crypto, eg_time now);

// Sends a check of consent. `number` begins its transaction id.
void peer_check(const struct peer *peer, uint64_t number);

// Once connected: a NACK for one packet of video.
void peer_ask_again(struct peer *peer, uint16_t sequence);

// Repeats what was not answered; once connected, sends its receiver reports and consent checks.
void peer_tick(struct peer *peer, const struct eg_crypto *crypto, eg_time now);

#endif
