// A DTLS client and a server of ours, and what is on its way between them. Nothing moves unless the test says so, and time is what it says.
#ifndef EG_DTLS_LINK_H
#define EG_DTLS_LINK_H

#include "support/dtls_client.h"

#include "transport/batch.h"
#include "transport/dtls.h"

enum { EG_DTLS_LINK_QUEUE_MAX = 64 };

struct eg_dtls_datagram {
    size_t size; // [B]
    uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
};

struct eg_dtls_link {
    struct eg_dtls_client_output output;
    struct eg_dtls_context *context;
    struct eg_dtls server;
    struct eg_dtls_client *client;
    struct eg_batch batch;
    struct eg_path path;
    eg_time now;
    struct eg_dtls_datagram to_server[EG_DTLS_LINK_QUEUE_MAX];
    size_t to_server_count;
    struct eg_dtls_datagram to_client[EG_DTLS_LINK_QUEUE_MAX];
    size_t to_client_count;
};

extern const struct eg_dtls_client_config eg_dtls_link_browser;

// The server expects the certificate that every client has.
struct eg_dtls_link *eg_dtls_link_create(const struct eg_dtls_client_config *config);
void eg_dtls_link_destroy(struct eg_dtls_link *link);
void eg_dtls_link_replace_client(struct eg_dtls_link *link, const struct eg_dtls_client_config *config);

// Hands one datagram to the server, and what it says to the client's queue.
void eg_dtls_link_give_server(struct eg_dtls_link *link, const uint8_t *bytes, size_t size);
// Moves what the server has written into the batch to the client's queue.
void eg_dtls_link_take_from_batch(struct eg_dtls_link *link);
// Puts a datagram behind the others of a queue; a full queue loses it.
void eg_dtls_link_push(struct eg_dtls_datagram *queue, size_t *count, const uint8_t *bytes, size_t size);
// Empties a queue. What is sent meanwhile waits for the next call.
void eg_dtls_link_deliver_to_server(struct eg_dtls_link *link);
void eg_dtls_link_deliver_to_client(struct eg_dtls_link *link);
// Runs the timers of both that are due.
void eg_dtls_link_tick(struct eg_dtls_link *link);

// A whole handshake in which everything arrives at once.
bool eg_dtls_link_shake_hands(struct eg_dtls_link *link);
// One up to where the client's last flight is on its way.
void eg_dtls_link_reach_last_flight(struct eg_dtls_link *link);
bool eg_dtls_link_is_up(const struct eg_dtls_link *link);
// Takes the keys of both sides, which the server gives once.
bool eg_dtls_link_keys_match(struct eg_dtls_link *link);

#endif
