// DTLS 1.2, server side (RFC 6347, RFC 5763, RFC 5764), on OpenSSL over memory BIOs: bytes in, datagrams out.
//
//   handshaking ──finished, fingerprint right──▶ connected ──close_notify──▶ closed
//        └────bad fingerprint, fatal alert, too slow, too much──▶ failed
//
// OpenSSL's own timers read the wall clock, so they are put out of the way and the last flight is repeated from here, by our clock: on
// its deadline and when the client repeats its own (RFC 6347 §4.2.4). The repeated records are byte-identical, so no nonce is used twice.
// A plaintext alert or a broken record from a stranger is dropped without ending the handshake, and a ClientHello that OpenSSL refuses
// leaves it waiting for a better one.
//
// A client with a session of its own can forge a victim's address on a check and on a hello. So until the client has answered our first
// flight, which shows that it listens where it says it is, no more is sent along a path than a small multiple of what came along it.
//
// OpenSSL keeps about 70 KiB for a handshake, also after it. So its objects go as soon as the keys are there, and what little is needed
// later is kept here: the last flight, should the client ask for it again; a close_notify, sealed in advance; the key that opens the
// client's. Data is not expected over DTLS, and is dropped.
#ifndef EG_DTLS_H
#define EG_DTLS_H

#include "base/arrival.h"
#include "base/limits.h"
#include "transport/batch.h"

enum { EG_FINGERPRINT_SIZE_MAX = 64, EG_FINGERPRINT_TEXT_SIZE = 3 * 32 };

// A certificate's hash as SDP names it, RFC 8122 §5.
enum eg_fingerprint_hash { EG_FINGERPRINT_SHA1, EG_FINGERPRINT_SHA256, EG_FINGERPRINT_SHA384, EG_FINGERPRINT_SHA512 };

struct eg_fingerprint {
    enum eg_fingerprint_hash hash;
    uint8_t bytes[EG_FINGERPRINT_SIZE_MAX]; // as many as the hash has
};

// RFC 5764 §4.1.2, RFC 7714 §14.2.
enum eg_srtp_profile {
    EG_SRTP_NONE = 0,
    EG_SRTP_AES128_CM_SHA1_80 = 0x0001,
    EG_SRTP_AEAD_AES_128_GCM = 0x0007,
};

enum { EG_SRTP_MASTER_KEY_SIZE = 16, EG_SRTP_MASTER_SALT_SIZE_MAX = 14 };

struct eg_srtp_master {
    uint8_t key[EG_SRTP_MASTER_KEY_SIZE];
    uint8_t salt[EG_SRTP_MASTER_SALT_SIZE_MAX]; // 14 bytes for CM, 12 for GCM
};

// What the handshake agreed on. `local` protects what we send (the server's write key), `remote` what the viewer sends.
struct eg_srtp_keys {
    enum eg_srtp_profile profile;
    struct eg_srtp_master local;
    struct eg_srtp_master remote;
};

// What one handshake may take.
struct eg_dtls_limits {
    eg_time timeout;   // [us] from the first check to the keys
    uint32_t size_max; // [B] that the client sends until then
};

// One per engine: certificate (ECDSA P-256, self-signed, made at creation), its SHA-256 fingerprint, cipher and profile preferences.
struct eg_dtls_context;

// NULL when OpenSSL refuses; its reason is then in `error` (terminated, at most error_size).
struct eg_dtls_context *eg__dtls_context_create(char *error, size_t error_size);
void eg__dtls_context_destroy(struct eg_dtls_context *context);
// Instead of EG_DTLS_HANDSHAKE_TIMEOUT and EG_DTLS_HANDSHAKE_SIZE_MAX, for handshakes that begin from here on.
void eg__dtls_context_limit(struct eg_dtls_context *context, const struct eg_dtls_limits *limits);
// "AB:CD:…" of the certificate's SHA-256, terminated.
const char *eg__dtls_context_fingerprint(const struct eg_dtls_context *context);

enum eg_dtls_state { EG_DTLS_HANDSHAKING, EG_DTLS_CONNECTED, EG_DTLS_CLOSED, EG_DTLS_FAILED };

enum eg_dtls_failure {
    EG_DTLS_NO_FAILURE,
    EG_DTLS_FAILURE_FINGERPRINT, // the certificate is not the one of the SDP
    EG_DTLS_FAILURE_PROTOCOL,    // an alert, or something that OpenSSL gives up on
    EG_DTLS_FAILURE_PROFILE,     // no SRTP profile in common
    EG_DTLS_FAILURE_TIMEOUT,
    EG_DTLS_FAILURE_SILENCE,     // in that time nothing came at all
    EG_DTLS_FAILURE_SIZE,        // more bytes than a handshake takes
};

// What it takes to open an alert of the client's, RFC 5288.
enum { EG_DTLS_ALERT_KEY_SIZE_MAX = 32, EG_DTLS_ALERT_SALT_SIZE = 4, EG_DTLS_CLOSE_NOTIFY_SIZE_MAX = 64 };

struct eg_dtls_alert {
    uint8_t level;       // 1: warning, 2: fatal
    uint8_t description; // 0: close_notify, RFC 5246 §7.2
};

struct eg_dtls_alert_key {
    uint8_t key[EG_DTLS_ALERT_KEY_SIZE_MAX];
    uint8_t key_size;    // [B]
    uint8_t salt[EG_DTLS_ALERT_SALT_SIZE];
};

struct eg_dtls {
    struct eg_dtls_context *context;
    struct ssl_st *ssl;        // NULL before the ClientHello, and once the handshake is over
    enum eg_dtls_state state;
    enum eg_dtls_failure failure;
    struct eg_fingerprint expected;
    uint8_t *flight;           // what was sent last, as length-prefixed datagrams; heap; NULL when nothing
    uint32_t flight_size;      // [B]
    uint32_t received_size;    // [B] handed to OpenSSL
    uint32_t steps;            // datagrams that took the handshake on: a key exchange, a signature, or as much work as that
    uint8_t early_count;       // protected records handed to OpenSSL before it had their keys
    bool is_answered;          // the client has answered our first flight
    struct eg_path credited;   // what `allowance` is for
    uint32_t allowance;        // [B] that may be sent along it before that
    struct {
        enum { EG_DTLS_NO_ALERT, EG_DTLS_ALERT_OURS, EG_DTLS_ALERT_THEIRS } from; // ours, sent or not; theirs, which anybody may have written
        uint8_t description;   // RFC 5246 §7.2
    } alert;                   // the last plain one, that is what a handshake fails with
    bool has_heard;            // some record has come
    bool has_refused;          // a ClientHello of somebody's was none that OpenSSL takes
    eg_time give_up_at;
    eg_time repeat_at;
    eg_time repeat_delay;
    eg_time sent_at;           // when the flight was sent last
    struct eg_srtp_keys keys;  // once connected, until they are exported
    struct eg_dtls_alert_key alert_key;
    uint8_t close_notify[EG_DTLS_CLOSE_NOTIFY_SIZE_MAX]; // once connected: the record that ends it
    uint8_t close_notify_size; // [B]
};

// Starts waiting for a ClientHello at `now`; OpenSSL has no part in it before there is one. `dtls` must not move until deinit.
void eg__dtls_init(struct eg_dtls *dtls, struct eg_dtls_context *context, const struct eg_fingerprint *expected, eg_time now);
void eg__dtls_deinit(struct eg_dtls *dtls);

// Something else than DTLS came along `path`, from the client as far as one can tell, and `size` bytes [B] of flights may be sent there for it.
void eg__dtls_allow(struct eg_dtls *dtls, const struct eg_path *path, size_t size);

// The time that the handshake may take counts from here: it can begin.
void eg__dtls_expect(struct eg_dtls *dtls, eg_time now);

// Whether the datagram has a ClientHello that a handshake would begin with: it would be under way then.
bool eg__dtls_would_begin(const struct eg_dtls *dtls, const uint8_t *bytes, size_t size);
// Whether OpenSSL keeps memory for it.
static inline bool eg__dtls_is_under_way(const struct eg_dtls *dtls) { return dtls->ssl != NULL; }
// Gives a handshake that is under way up, and waits for another ClientHello as long as it would have waited for this one's end.
void eg__dtls_abandon(struct eg_dtls *dtls);

// Takes one datagram and writes what it calls for to `batch`, along its path. The new state tells what happened.
enum eg_dtls_state eg__dtls_receive(struct eg_dtls *dtls, const struct eg_arrival *arrival, struct eg_batch *batch);
enum eg_dtls_state eg__dtls_tick(struct eg_dtls *dtls, eg_time now, const struct eg_path *path, struct eg_batch *batch);
eg_time eg__dtls_deadline(const struct eg_dtls *dtls);

// The SRTP keys (RFC 5764 §4.2). Only once connected, which implies that the fingerprint was right and a profile agreed on (asserted).
// They are handed over: what is kept here is wiped, and the second call gives false.
bool eg__dtls_export(struct eg_dtls *dtls, struct eg_srtp_keys *keys);

// Sends close_notify, if connected, and is closed then.
void eg__dtls_close(struct eg_dtls *dtls, const struct eg_path *path, struct eg_batch *batch);

#endif
