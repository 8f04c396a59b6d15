// A viewer that looks at its media: opens each packet with the keys of its handshake, checks the order, and times the way.
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include "arrivals.h"
#include "media.h"
#include "swarm_board.h"
#include "transport/dtls.h"

// What came last of one track.
struct sample_track {
    bool has_begun;
    uint64_t index; // roll-over counter and sequence number
};

struct sample {
    struct eg_aes *aes;       // that opens its packets
    uint8_t key[EG_SRTP_MASTER_KEY_SIZE];
    uint8_t salt[12];
    struct arrivals *arrivals; // NULL: it tells nobody
    struct sample_track tracks[MEDIA_KINDS];
    uint32_t picture_packets; // since the last marker
    uint64_t connected;       // [ns of CLOCK_REALTIME] the last datagram of its handshake arrived
    uint64_t first_any;       // [ns of CLOCK_REALTIME] its first packet, 0: none yet
    bool has_begun;           // there was a packet of video
};

// False when the handshake did not agree on AEAD_AES_128_GCM. `keys` are the client's: `remote` protects what it receives.
bool sample_init(struct sample *sample, struct eg_aes *aes, const struct eg_srtp_keys *keys, uint64_t connected);

// Reads all that waits on its socket and counts it on the board. A packet's latency is in it when it carries a stamp.
void sample_read(struct sample *sample, int fd, struct swarm_board *board);

#endif
