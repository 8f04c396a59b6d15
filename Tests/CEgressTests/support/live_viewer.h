// A viewer on a real socket: does STUN, DTLS and SRTP against an engine on loopback, and reads what it is sent. One thread at a time.
#ifndef EG_LIVE_VIEWER_H
#define EG_LIVE_VIEWER_H

#include "cegress.h"
#include "sim/srtp.h"
#include "support/dtls_client.h"

struct live_viewer {
    struct eg_dtls_client_output output; // first
    int fd;                              // connected to the engine's port
    struct eg_viewer_info info;
    struct eg_dtls_client *dtls;
    struct eg_crypto *crypto;
    struct eg_sim_srtp srtp;
    bool is_answered;                    // its check
    bool is_connected;
    bool is_closed;                      // by the engine
    eg_time check_at;
    bool has_video;
    uint16_t first;                      // sequence numbers of video, by arrival
    uint16_t newest;
    uint64_t video;                      // packets that are authentic
    uint64_t audio;
    uint64_t repaired;
    uint64_t out_of_order;               // video whose number is not the next
    uint64_t broken;                     // packets that are not authentic
};

// Makes it at the engine and opens its socket. Whatever eg_viewer_create says; after EG_STATUS_OK it must be closed.
eg_status eg_live_viewer_open(struct live_viewer *viewer, eg_engine *engine, eg_stream_id stream);
// One that gets another encoding than the first.
eg_status eg_live_viewer_open_encoding(struct live_viewer *viewer, eg_engine *engine, eg_stream_id stream, uint32_t encoding);
void eg_live_viewer_close(struct live_viewer *viewer);

// Reads what there is, waiting up to `timeout_ms` for the first of it, and goes on with its handshake. Gives the datagrams.
unsigned eg_live_viewer_read(struct live_viewer *viewer, int timeout_ms);

// Until it is connected. False when it is not in time, or the engine has closed it.
bool eg_live_viewer_connect(struct live_viewer *viewer, eg_time timeout);

// Asks for the newest packet of video again.
void eg_live_viewer_ask_again(struct live_viewer *viewer);
void eg_live_viewer_say_goodbye(struct live_viewer *viewer);

#endif
