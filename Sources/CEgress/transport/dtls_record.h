// The records of a DTLS 1.2 datagram as they can be seen without keys (RFC 6347 §4.1), and how to open an alert once the handshake is over.
#ifndef EG_DTLS_RECORD_H
#define EG_DTLS_RECORD_H

#include "base/bytes.h"
#include "transport/dtls.h"

enum eg_dtls_content {
    EG_DTLS_CHANGE_CIPHER_SPEC = 20,
    EG_DTLS_ALERT = 21,
    EG_DTLS_HANDSHAKE = 22,
    EG_DTLS_APPLICATION_DATA = 23,
};

enum { EG_DTLS_RECORD_HEADER_SIZE = 13 };

struct eg_dtls_record {
    uint8_t type;         // enum eg_dtls_content, or another value
    uint16_t epoch;       // 0: plain, 1: protected
    const uint8_t *bytes; // header included; borrowed from the datagram
    size_t size;          // [B]
};

// The next record of the datagram. False when none is left or what is left is none: nothing after a broken record can be found.
bool eg__dtls_next_record(struct eg_reader *datagram, struct eg_dtls_record *record);

// Whether it is a plain fragment of the first handshake message, which a client's ClientHello is.
bool eg__dtls_record_is_hello(const struct eg_dtls_record *record);

// Takes the key of the client's direction out of a finished handshake. False when OpenSSL refuses.
bool eg__dtls_alert_key_derive(struct eg_dtls_alert_key *key, struct ssl_st *ssl);

// Opens a protected alert. False when it is none or not authentic. Replays are not told from originals: what ends the connection does so
// the first time.
bool eg__dtls_alert_open(const struct eg_dtls_alert_key *key, const struct eg_dtls_record *record, struct eg_dtls_alert *alert);

#endif
