// A viewer's side of DTLS for tests, the simulator and the load generator: an OpenSSL client over memory, in virtual time. Its only state
// outside of itself is a certificate and an SSL_CTX that all clients of the process share.
#ifndef EG_DTLS_CLIENT_H
#define EG_DTLS_CLIENT_H

#include "base/base.h"
#include "transport/dtls.h"
#include "transport/dtls_bio.h"

// Embedded as the first member of whatever takes the client's datagrams.
struct eg_dtls_client_output {
    void (*datagram)(struct eg_dtls_client_output *output, const uint8_t *bytes, size_t size);
};

struct eg_dtls_client_config {
    const char *profiles; // OpenSSL's names, joined by colons, most wanted first; NULL: the client offers no use_srtp
    const char *ciphers;  // OpenSSL's names; NULL: its default
    size_t mtu;           // [B] of its datagrams, at least 256; 0: EG_DTLS_MTU
    size_t padding;       // [B] at least that many more in its hello (a list of ALPN names)
    bool has_no_certificate;
};

// GCM before CM, as browsers do.
#define EG_DTLS_CLIENT_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"

// Its owner reads the fields and writes none.
struct eg_dtls_client {
    struct eg_dtls_io io;
    struct ssl_st *ssl;
    struct eg_dtls_client_output *output;
    enum eg_dtls_state state;
    unsigned alert;           // description of the fatal alert that ended it, when one did
    unsigned flight_count;    // that it sent
    unsigned repeat_count;    // of flights that it sent again
    uint8_t *flight;          // its last, length-prefixed
    size_t flight_size;       // [B]
    bool is_flight_begun;     // by the call under way
    uint32_t next_number;     // of its next plain record
    eg_time repeat_at;
    eg_time repeat_delay;
    const uint8_t *datagram;  // what it is reading, borrowed for one call
    size_t datagram_size;     // [B]
    bool has_starved;         // it wanted another
};

// The SHA-256 of the certificate that every client of this process has.
void eg_dtls_client_fingerprint(struct eg_fingerprint *fingerprint);

// NULL when OpenSSL refuses. `output` outlives the client.
struct eg_dtls_client *eg_dtls_client_create(const struct eg_dtls_client_config *config, struct eg_dtls_client_output *output);
void eg_dtls_client_destroy(struct eg_dtls_client *client);

// Sends the hello.
void eg_dtls_client_start(struct eg_dtls_client *client, eg_time now);
enum eg_dtls_state eg_dtls_client_receive(struct eg_dtls_client *client, eg_time now, const uint8_t *bytes, size_t size);
// Sends its last flight again when it is time to.
void eg_dtls_client_tick(struct eg_dtls_client *client, eg_time now);
eg_time eg_dtls_client_deadline(const struct eg_dtls_client *client);

// Sends its last flight again now, connected or not.
void eg_dtls_client_repeat(struct eg_dtls_client *client);

// Once connected: `local` protects what the client sends.
bool eg_dtls_client_export(struct eg_dtls_client *client, struct eg_srtp_keys *keys);
// The SHA-256 of the server's certificate as SDP writes it. False when it has shown none.
bool eg_dtls_client_peer_fingerprint(const struct eg_dtls_client *client, char text[EG_FINGERPRINT_TEXT_SIZE]);
// Sends application data, or close_notify.
void eg_dtls_client_write(struct eg_dtls_client *client, const uint8_t *bytes, size_t size);
void eg_dtls_client_close_notify(struct eg_dtls_client *client);

#endif
