#include "transport/dtls.h"

#include "base/memory.h"
#include "transport/dtls_bio.h"
#include "transport/dtls_parts.h"
#include "transport/dtls_record.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <string.h>

enum {
    FLIGHT_PREFIX_SIZE = 2, // [B] the length in front of each datagram of the flight
    CLOSE_NOTIFY = 0,
    FATAL = 2,
};

// What one call lends to OpenSSL through the BIO.
struct exchange {
    struct eg_dtls_io io;
    struct eg_dtls *dtls;
    const struct eg_arrival *arrival;
    struct eg_batch *batch;
    struct eg_reader datagram; // records that were not looked at yet
    bool has_sent;
};

static void set_state(struct eg_dtls *dtls, enum eg_dtls_state state) {
    EG_ASSERT(dtls->state == (state == EG_DTLS_CLOSED ? EG_DTLS_CONNECTED : EG_DTLS_HANDSHAKING));
    EG_ASSERT(state != EG_DTLS_HANDSHAKING);
    dtls->state = state;
}

static void free_ssl(struct eg_dtls *dtls) {
    SSL_free(dtls->ssl);
    dtls->ssl = NULL;
    ERR_clear_error();
}

static void free_flight(struct eg_dtls *dtls) {
    eg__memory_release(dtls->flight);
    dtls->flight = NULL;
    dtls->flight_size = 0;
}

static void fail(struct eg_dtls *dtls, enum eg_dtls_failure failure) {
    dtls->failure = failure;
    free_ssl(dtls);
    free_flight(dtls);
    set_state(dtls, EG_DTLS_FAILED);
}

// Adds a datagram to the flight. One that isn't kept (no memory, or a flight longer than any of ours is) isn't repeated, no more.
static void keep_datagram(struct eg_dtls *dtls, const uint8_t *bytes, size_t size) {
    size_t flight_size = dtls->flight_size + FLIGHT_PREFIX_SIZE + size;
    uint8_t *flight = flight_size <= EG_DTLS_FLIGHT_SIZE_MAX ? eg__memory_grow(dtls->flight, flight_size) : NULL;
    if (flight == NULL) return;
    struct eg_writer writer = eg__writer(flight + dtls->flight_size, flight_size - dtls->flight_size);
    eg__write_u16(&writer, (uint16_t)size);
    eg__write_bytes(&writer, bytes, size);
    EG_ASSERT(!writer.failed);
    dtls->flight = flight;
    dtls->flight_size = (uint32_t)flight_size;
}

// We send a second flight only in answer to what only a client that has read the first can write.
static void begin_flight(struct eg_dtls *dtls, eg_time now) {
    if (dtls->flight != NULL) dtls->is_answered = true;
    free_flight(dtls);
    dtls->sent_at = now;
    dtls->repeat_delay = EG_DTLS_REPEAT_INITIAL;
    dtls->repeat_at = eg__time_after(now, dtls->repeat_delay);
}

void eg__dtls_allow(struct eg_dtls *dtls, const struct eg_path *path, size_t size) {
    if (dtls->is_answered) return;
    if (!eg__path_equal(&dtls->credited, path)) {
        dtls->credited = *path;
        dtls->allowance = 0;
    }
    size_t allowance = dtls->allowance + size;
    dtls->allowance = (uint32_t)(allowance < EG_DTLS_HANDSHAKE_SIZE_MAX ? allowance : EG_DTLS_HANDSHAKE_SIZE_MAX);
}

static bool may_send(struct eg_dtls *dtls, const struct eg_path *path, size_t size) {
    if (dtls->is_answered) return true;
    if (!eg__path_equal(&dtls->credited, path) || dtls->allowance < size) return false;
    dtls->allowance -= (uint32_t)size;
    return true;
}

// What doesn't fit into the batch, or must not be sent yet, is lost, as on a network, and repeated like what is lost there.
static void repeat_flight(struct eg_dtls *dtls, eg_time now, const struct eg_path *path, struct eg_batch *batch) {
    struct eg_reader flight = eg__reader(dtls->flight, dtls->flight_size);
    while (eg__reader_left(&flight) > 0) {
        size_t size = eg__read_u16(&flight);
        const uint8_t *bytes = eg__read_bytes(&flight, size);
        EG_ASSERT(bytes != NULL);
        if (may_send(dtls, path, size)) eg__batch_append(batch, path, bytes, size);
    }
    dtls->sent_at = now;
}

// Several datagrams of one flight of the client's are one question.
static void repeat_flight_on_demand(struct eg_dtls *dtls, eg_time now, const struct eg_path *path, struct eg_batch *batch) {
    if (now >= eg__time_after(dtls->sent_at, EG_DTLS_REPEAT_GAP)) repeat_flight(dtls, now, path, batch);
}

// A protected record that comes before the change of cipher has overtaken it, and OpenSSL keeps it until the keys are there.
static bool is_welcome_early(struct eg_dtls *dtls) {
    if (SSL_get_state(dtls->ssl) == TLS_ST_SR_CHANGE) return true;
    if (dtls->early_count == EG_DTLS_EARLY_RECORDS_MAX) return false;
    dtls->early_count++;
    return true;
}

// Whether OpenSSL may see a record. A plain alert would end the handshake though anybody may have written it; data has no place in one.
static bool is_welcome(struct eg_dtls *dtls, const struct eg_dtls_record *record) {
    switch (record->type) {
    case EG_DTLS_CHANGE_CIPHER_SPEC: return record->epoch == 0;
    case EG_DTLS_ALERT: return record->epoch == 1 && is_welcome_early(dtls);
    case EG_DTLS_HANDSHAKE: return record->epoch == 0 || (record->epoch == 1 && is_welcome_early(dtls));
    default: return false;
    }
}

static size_t read_record(struct eg_dtls_io *io, uint8_t *bytes, size_t size_max) {
    struct exchange *exchange = (struct exchange *)io;
    struct eg_dtls_record record;
    while (eg__dtls_next_record(&exchange->datagram, &record)) {
        if (record.size > size_max || !is_welcome(exchange->dtls, &record)) continue;
        exchange->dtls->received_size += (uint32_t)record.size;
        memcpy(bytes, record.bytes, record.size);
        return record.size;
    }
    return 0;
}

// Plain alerts are not believed, but they may say why a handshake comes to nothing.
static void note_alerts(struct eg_dtls *dtls, int from, const uint8_t *bytes, size_t size) {
    struct eg_reader datagram = eg__reader(bytes, size);
    struct eg_dtls_record record;
    while (eg__dtls_next_record(&datagram, &record)) {
        if (record.type != EG_DTLS_ALERT || record.epoch != 0 || record.size != EG_DTLS_RECORD_HEADER_SIZE + 2) continue;
        uint8_t description = record.bytes[EG_DTLS_RECORD_HEADER_SIZE + 1];
        if (description == CLOSE_NOTIFY) continue;
        dtls->alert.from = from;
        dtls->alert.description = description;
    }
}

// An alert in answer to the very first hello is not sent. If the hello's address was forged, the alert would reach the client that owns the
// address, and end a handshake that it is about to begin.
static void write_datagram(struct eg_dtls_io *io, const uint8_t *bytes, size_t size) {
    struct exchange *exchange = (struct exchange *)io;
    struct eg_dtls *dtls = exchange->dtls;
    note_alerts(dtls, EG_DTLS_ALERT_OURS, bytes, size);
    if (bytes[0] != EG_DTLS_ALERT) {
        if (!exchange->has_sent) begin_flight(dtls, exchange->arrival->at);
        exchange->has_sent = true;
        keep_datagram(dtls, bytes, size);
        if (!may_send(dtls, &exchange->arrival->path, size)) return;
    } else if (dtls->flight == NULL) {
        return;
    }
    eg__batch_append(exchange->batch, &exchange->arrival->path, bytes, size);
}

static void write_close_notify(struct eg_dtls_io *io, const uint8_t *bytes, size_t size) {
    struct eg_dtls *dtls = ((struct exchange *)io)->dtls;
    if (size > sizeof dtls->close_notify) return;
    memcpy(dtls->close_notify, bytes, size);
    dtls->close_notify_size = (uint8_t)size;
}

static bool read_keys(SSL *ssl, struct eg_srtp_keys *keys) {
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(ssl);
    if (profile == NULL) return false;
    keys->profile = profile->id == SRTP_AEAD_AES_128_GCM ? EG_SRTP_AEAD_AES_128_GCM : EG_SRTP_AES128_CM_SHA1_80;
    // The client's key, the server's key, the client's salt, the server's salt, RFC 5764 §4.2. We are the server.
    static const char label[] = "EXTRACTOR-dtls_srtp";
    size_t salt_size = keys->profile == EG_SRTP_AEAD_AES_128_GCM ? 12 : 14;
    uint8_t material[2 * (EG_SRTP_MASTER_KEY_SIZE + EG_SRTP_MASTER_SALT_SIZE_MAX)];
    size_t size = 2 * (EG_SRTP_MASTER_KEY_SIZE + salt_size);
    if (SSL_export_keying_material(ssl, material, size, label, sizeof label - 1, NULL, 0, 0) != 1) return false;
    struct eg_reader reader = eg__reader(material, size);
    memcpy(keys->remote.key, eg__read_bytes(&reader, EG_SRTP_MASTER_KEY_SIZE), EG_SRTP_MASTER_KEY_SIZE);
    memcpy(keys->local.key, eg__read_bytes(&reader, EG_SRTP_MASTER_KEY_SIZE), EG_SRTP_MASTER_KEY_SIZE);
    memcpy(keys->remote.salt, eg__read_bytes(&reader, salt_size), salt_size);
    memcpy(keys->local.salt, eg__read_bytes(&reader, salt_size), salt_size);
    OPENSSL_cleanse(material, sizeof material);
    return true;
}

// Takes all that is needed later out of the SSL object and frees it. Its close_notify is sealed now and sent when the time comes: nothing
// else is ever sent under that key, so no sequence number is used twice.
static void finish(struct eg_dtls *dtls, struct exchange *exchange) {
    if (!read_keys(dtls->ssl, &dtls->keys) || !eg__dtls_alert_key_derive(&dtls->alert_key, dtls->ssl)) {
        fail(dtls, EG_DTLS_FAILURE_PROTOCOL);
        return;
    }
    exchange->io.write = write_close_notify;
    SSL_shutdown(dtls->ssl);
    free_ssl(dtls);
    set_state(dtls, EG_DTLS_CONNECTED);
}

// OpenSSL has given up. Before anything was agreed on that was somebody's bad hello, which a good one may follow; after that it is the end.
static void give_up(struct eg_dtls *dtls) {
    if (dtls->failure != EG_DTLS_NO_FAILURE) {
        fail(dtls, dtls->failure);
    } else if (dtls->flight != NULL) {
        fail(dtls, EG_DTLS_FAILURE_PROTOCOL);
    } else {
        dtls->has_refused = true;
        free_ssl(dtls);
    }
}

static void shake_hands(struct eg_dtls *dtls, struct exchange *exchange) {
    BIO *bio = SSL_get_rbio(dtls->ssl);
    eg__dtls_bio_lend(bio, &exchange->io);
    ERR_clear_error();
    int error;
    size_t left;
    // OpenSSL also wants to read when it has dropped a record, with the rest of the datagram still there.
    do {
        left = eg__reader_left(&exchange->datagram);
        error = SSL_get_error(dtls->ssl, SSL_do_handshake(dtls->ssl));
    } while (error == SSL_ERROR_WANT_READ && eg__reader_left(&exchange->datagram) < left);

    if (error == SSL_ERROR_NONE) {
        finish(dtls, exchange);
    } else if (error != SSL_ERROR_WANT_READ) {
        give_up(dtls);
    } else if (dtls->received_size > dtls->context->limits.size_max) {
        fail(dtls, EG_DTLS_FAILURE_SIZE);
    }
    if (dtls->ssl != NULL) eg__dtls_bio_lend(bio, NULL);
    ERR_clear_error();
}

static bool has_hello(const uint8_t *bytes, size_t size) {
    struct eg_reader datagram = eg__reader(bytes, size);
    struct eg_dtls_record record;
    while (eg__dtls_next_record(&datagram, &record)) {
        if (eg__dtls_record_is_hello(&record)) return true;
    }
    return false;
}

static void receive_handshaking(struct eg_dtls *dtls, const struct eg_arrival *arrival, struct eg_batch *batch) {
    dtls->has_heard = true;
    note_alerts(dtls, EG_DTLS_ALERT_THEIRS, arrival->bytes, arrival->size);
    bool is_step = eg__dtls_would_begin(dtls, arrival->bytes, arrival->size);
    if (is_step) dtls->ssl = eg__dtls_context_accept(dtls->context, dtls);
    if (dtls->ssl == NULL) { // nothing to begin with, or no memory now: the client will repeat itself
        ERR_clear_error();
        return;
    }
    eg__dtls_allow(dtls, &arrival->path, EG_DTLS_AMPLIFICATION_MAX * arrival->size);
    struct exchange exchange = {.io = {read_record, write_datagram}, .dtls = dtls, .arrival = arrival, .batch = batch};
    exchange.datagram = eg__reader(arrival->bytes, arrival->size);
    bool is_repetition = dtls->flight != NULL && has_hello(arrival->bytes, arrival->size);
    OSSL_HANDSHAKE_STATE before = SSL_get_state(dtls->ssl);
    shake_hands(dtls, &exchange);
    dtls->steps += is_step || dtls->ssl == NULL || SSL_get_state(dtls->ssl) != before;
    if (dtls->state == EG_DTLS_HANDSHAKING && is_repetition) repeat_flight_on_demand(dtls, arrival->at, &arrival->path, batch);
}

// Of the client's last flight only its Finished is protected, and neither it nor the rest means anything else by now than that our own
// last flight was lost.
static void receive_connected(struct eg_dtls *dtls, const struct eg_arrival *arrival, struct eg_batch *batch) {
    struct eg_reader datagram = eg__reader(arrival->bytes, arrival->size);
    struct eg_dtls_record record;
    struct eg_dtls_alert alert;
    bool is_repetition = false;
    while (eg__dtls_next_record(&datagram, &record)) {
        if (record.type == EG_DTLS_HANDSHAKE || record.type == EG_DTLS_CHANGE_CIPHER_SPEC) is_repetition = true;
        if (!eg__dtls_alert_open(&dtls->alert_key, &record, &alert)) continue;
        if (alert.description != CLOSE_NOTIFY && alert.level != FATAL) continue;
        eg__dtls_close(dtls, &arrival->path, batch); // the answer that RFC 5246 §7.2.1 asks for
        return;
    }
    if (is_repetition) repeat_flight_on_demand(dtls, arrival->at, &arrival->path, batch);
}

void eg__dtls_init(struct eg_dtls *dtls, struct eg_dtls_context *context, const struct eg_fingerprint *expected, eg_time now) {
    *dtls = (struct eg_dtls){.context = context, .expected = *expected, .repeat_at = EG_TIME_NEVER};
    eg__dtls_expect(dtls, now);
}

void eg__dtls_expect(struct eg_dtls *dtls, eg_time now) { dtls->give_up_at = eg__time_after(now, dtls->context->limits.timeout); }

bool eg__dtls_would_begin(const struct eg_dtls *dtls, const uint8_t *bytes, size_t size) {
    return dtls->state == EG_DTLS_HANDSHAKING && dtls->ssl == NULL && has_hello(bytes, size);
}

void eg__dtls_abandon(struct eg_dtls *dtls) {
    if (dtls->state != EG_DTLS_HANDSHAKING) return;
    free_ssl(dtls);
    free_flight(dtls);
    dtls->early_count = 0;
    dtls->repeat_at = EG_TIME_NEVER;
    dtls->is_answered = false;
}

void eg__dtls_deinit(struct eg_dtls *dtls) {
    free_ssl(dtls);
    free_flight(dtls);
    OPENSSL_cleanse(dtls, sizeof *dtls);
}

enum eg_dtls_state eg__dtls_receive(struct eg_dtls *dtls, const struct eg_arrival *arrival, struct eg_batch *batch) {
    if (dtls->state == EG_DTLS_HANDSHAKING) {
        receive_handshaking(dtls, arrival, batch);
    } else if (dtls->state == EG_DTLS_CONNECTED) {
        receive_connected(dtls, arrival, batch);
    }
    return dtls->state;
}

static enum eg_dtls_failure failure_in_time(const struct eg_dtls *dtls) {
    if (dtls->has_refused && dtls->flight == NULL) return EG_DTLS_FAILURE_PROTOCOL;
    return dtls->has_heard ? EG_DTLS_FAILURE_TIMEOUT : EG_DTLS_FAILURE_SILENCE;
}

enum eg_dtls_state eg__dtls_tick(struct eg_dtls *dtls, eg_time now, const struct eg_path *path, struct eg_batch *batch) {
    if (dtls->state != EG_DTLS_HANDSHAKING) return dtls->state;
    if (now >= dtls->give_up_at) {
        fail(dtls, failure_in_time(dtls));
    } else if (now >= dtls->repeat_at) {
        repeat_flight(dtls, now, path, batch);
        dtls->repeat_delay = eg__time_min(2 * dtls->repeat_delay, EG_DTLS_REPEAT_MAX);
        dtls->repeat_at = eg__time_after(now, dtls->repeat_delay);
    }
    return dtls->state;
}

eg_time eg__dtls_deadline(const struct eg_dtls *dtls) {
    return dtls->state == EG_DTLS_HANDSHAKING ? eg__time_min(dtls->give_up_at, dtls->repeat_at) : EG_TIME_NEVER;
}

bool eg__dtls_export(struct eg_dtls *dtls, struct eg_srtp_keys *keys) {
    EG_ASSERT(dtls->state == EG_DTLS_CONNECTED);
    if (dtls->keys.profile == EG_SRTP_NONE) return false;
    *keys = dtls->keys;
    OPENSSL_cleanse(&dtls->keys, sizeof dtls->keys);
    return true;
}

void eg__dtls_close(struct eg_dtls *dtls, const struct eg_path *path, struct eg_batch *batch) {
    if (dtls->state != EG_DTLS_CONNECTED) return;
    if (dtls->close_notify_size > 0) eg__batch_append(batch, path, dtls->close_notify, dtls->close_notify_size);
    free_flight(dtls);
    set_state(dtls, EG_DTLS_CLOSED);
}
