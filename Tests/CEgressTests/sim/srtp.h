// The other end of an SRTP session: opens what the engine protects, written from the RFCs and not from the engine's code.
#ifndef EG_SIM_SRTP_H
#define EG_SIM_SRTP_H

#include "transport/srtp.h"

struct eg_sim_srtp {
    enum eg_srtp_profile profile;
    uint8_t key[EG_AES_KEY_SIZE];
    uint8_t salt[EG_SRTP_MASTER_SALT_SIZE_MAX];
    uint8_t auth_key[EG_HMAC_KEY_SIZE];
    void *context;
    struct eg_srtp rtcp; // the same keys, its roles exchanged: for RTCP both ways
};

// `keys.local` protects what the viewer sends.
bool eg_sim_srtp_init(struct eg_sim_srtp *srtp, const struct eg_crypto *crypto, const struct eg_srtp_keys *keys);
void eg_sim_srtp_deinit(struct eg_sim_srtp *srtp);

// Opens an RTP packet whose header has no CSRCs: gives the size of its payload, or -1 when it is not authentic.
int eg_sim_srtp_open(const struct eg_sim_srtp *srtp, uint32_t roc, const uint8_t *packet, size_t size, uint8_t *payload);

#endif
