#include "support/dtls_client.h"

#include "base/bytes.h"
#include "transport/dtls_record.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REPEAT_INITIAL = 50 * EG_MILLISECOND, // [us] what browsers begin with
    REPEAT_MAX = 2 * EG_SECOND,           // [us]
    ALPN_NAME_SIZE = 32,
};

// Made once and kept until the process ends, because a key takes longer to make than a handshake.
static struct {
    pthread_once_t once;
    SSL_CTX *ctx;
    BIO_METHOD *bio_method;
    X509 *certificate;
    EVP_PKEY *key;
} shared = {.once = PTHREAD_ONCE_INIT};

static void make_certificate(void) {
    shared.key = EVP_EC_gen("P-256");
    shared.certificate = X509_new();
    EG_ASSERT(shared.key != NULL && shared.certificate != NULL);
    X509_set_version(shared.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(shared.certificate), 1);
    X509_NAME *name = X509_get_subject_name(shared.certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"viewer", -1, -1, 0);
    X509_set_issuer_name(shared.certificate, name);
    X509_gmtime_adj(X509_getm_notBefore(shared.certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(shared.certificate), 30 * 24 * 3600);
    X509_set_pubkey(shared.certificate, shared.key);
    EG_ASSERT(X509_sign(shared.certificate, shared.key, EVP_sha256()) > 0);
}

static void make_shared(void) {
    shared.bio_method = eg__dtls_bio_method_create();
    shared.ctx = SSL_CTX_new(DTLS_client_method());
    EG_ASSERT(shared.bio_method != NULL && shared.ctx != NULL);
    SSL_CTX_set_min_proto_version(shared.ctx, DTLS1_2_VERSION);
    SSL_CTX_set_options(shared.ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(shared.ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(shared.ctx, SSL_VERIFY_NONE, NULL);
    make_certificate();
}

static unsigned never(SSL *ssl, unsigned last_us) {
    (void)ssl, (void)last_us;
    return 4000u * 1000 * 1000;
}

void eg_dtls_client_fingerprint(struct eg_fingerprint *fingerprint) {
    pthread_once(&shared.once, make_shared);
    *fingerprint = (struct eg_fingerprint){.hash = EG_FINGERPRINT_SHA256};
    EG_ASSERT(X509_digest(shared.certificate, EVP_sha256(), fingerprint->bytes, NULL) == 1);
}

static size_t read_datagram(struct eg_dtls_io *io, uint8_t *bytes, size_t size_max) {
    struct eg_dtls_client *client = (struct eg_dtls_client *)io;
    size_t size = client->datagram_size <= size_max ? client->datagram_size : size_max;
    client->has_starved = size == 0;
    if (size > 0) memcpy(bytes, client->datagram, size);
    client->datagram_size = 0;
    return size;
}

static void keep_datagram(struct eg_dtls_client *client, const uint8_t *bytes, size_t size) {
    if (!client->is_flight_begun) {
        client->is_flight_begun = true;
        client->flight_size = 0;
        client->flight_count++;
    }
    client->flight = realloc(client->flight, client->flight_size + 2 + size);
    EG_ASSERT(client->flight != NULL);
    struct eg_writer writer = eg__writer(client->flight + client->flight_size, 2 + size);
    eg__write_u16(&writer, (uint16_t)size);
    eg__write_bytes(&writer, bytes, size);
    client->flight_size += 2 + size;
}

// A record that is sent again has a number of its own, as in any browser: a server that has seen a record but could not use it yet (a
// change of cipher that came early) takes no second one of the same number. What is not protected can be numbered at will.
static void send_datagram(struct eg_dtls_client *client, const uint8_t *bytes, size_t size) {
    uint8_t numbered[EG_DATAGRAM_SIZE_MAX];
    EG_ASSERT(size <= sizeof numbered);
    memcpy(numbered, bytes, size);
    struct eg_reader datagram = eg__reader(numbered, size);
    struct eg_dtls_record record;
    while (eg__dtls_next_record(&datagram, &record)) {
        if (record.epoch != 0) continue;
        struct eg_writer writer = eg__writer(numbered + (record.bytes - numbered) + 7, 4);
        eg__write_u32(&writer, client->next_number++);
    }
    client->output->datagram(client->output, numbered, size);
}

static void write_datagram(struct eg_dtls_io *io, const uint8_t *bytes, size_t size) {
    struct eg_dtls_client *client = (struct eg_dtls_client *)io;
    if (client->state == EG_DTLS_HANDSHAKING) keep_datagram(client, bytes, size);
    send_datagram(client, bytes, size);
}

// A list of as many names as are needed to make the hello longer by `size`.
static void offer_alpn(SSL *ssl, size_t size) {
    uint8_t names[4096];
    size_t names_size = 0;
    while (names_size < size && names_size + 1 + ALPN_NAME_SIZE <= sizeof names) {
        names[names_size] = ALPN_NAME_SIZE;
        memset(names + names_size + 1, 'a' + (int)(names_size % 23), ALPN_NAME_SIZE);
        names_size += 1 + ALPN_NAME_SIZE;
    }
    if (names_size > 0) SSL_set_alpn_protos(ssl, names, (unsigned)names_size);
}

static bool configure(SSL *ssl, const struct eg_dtls_client_config *config) {
    SSL_set_mtu(ssl, config->mtu != 0 ? config->mtu : EG_DTLS_MTU);
    DTLS_set_timer_cb(ssl, never);
    SSL_set_connect_state(ssl);
    offer_alpn(ssl, config->padding);
    if (config->ciphers != NULL && SSL_set_cipher_list(ssl, config->ciphers) != 1) return false;
    if (config->profiles != NULL && SSL_set_tlsext_use_srtp(ssl, config->profiles) != 0) return false;
    if (config->has_no_certificate) return true;
    return SSL_use_certificate(ssl, shared.certificate) == 1 && SSL_use_PrivateKey(ssl, shared.key) == 1;
}

struct eg_dtls_client *eg_dtls_client_create(const struct eg_dtls_client_config *config, struct eg_dtls_client_output *output) {
    pthread_once(&shared.once, make_shared);
    struct eg_dtls_client *client = calloc(1, sizeof *client);
    if (client == NULL) return NULL;
    *client = (struct eg_dtls_client){.io = {read_datagram, write_datagram}, .output = output, .repeat_at = EG_TIME_NEVER};
    client->ssl = SSL_new(shared.ctx);
    BIO *bio = eg__dtls_bio_create(shared.bio_method);
    if (client->ssl != NULL && bio != NULL) {
        eg__dtls_bio_lend(bio, &client->io);
        SSL_set_bio(client->ssl, bio, bio);
        if (configure(client->ssl, config)) return client;
        bio = NULL; // the SSL object owns it by now
    }
    BIO_free(bio);
    eg_dtls_client_destroy(client);
    return NULL;
}

void eg_dtls_client_destroy(struct eg_dtls_client *client) {
    if (client == NULL) return;
    SSL_free(client->ssl);
    free(client->flight);
    free(client);
    ERR_clear_error();
}

static void fail(struct eg_dtls_client *client) {
    int reason = ERR_GET_REASON(ERR_peek_error());
    if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) client->alert = (unsigned)(reason - SSL_AD_REASON_OFFSET);
    client->state = EG_DTLS_FAILED;
    client->repeat_at = EG_TIME_NEVER;
}

static void shake_hands(struct eg_dtls_client *client, eg_time now) {
    int error;
    client->is_flight_begun = false;
    do {
        client->has_starved = false;
        error = SSL_get_error(client->ssl, SSL_do_handshake(client->ssl));
    } while (error == SSL_ERROR_WANT_READ && !client->has_starved);
    if (error == SSL_ERROR_NONE) {
        client->state = EG_DTLS_CONNECTED;
        client->repeat_at = EG_TIME_NEVER;
    } else if (error != SSL_ERROR_WANT_READ) {
        fail(client);
    } else if (client->is_flight_begun) {
        client->repeat_delay = REPEAT_INITIAL;
        client->repeat_at = now + client->repeat_delay;
    }
}

static void read_data(struct eg_dtls_client *client) {
    uint8_t data[EG_DATAGRAM_SIZE_MAX];
    int size = SSL_read(client->ssl, data, sizeof data);
    if ((SSL_get_shutdown(client->ssl) & SSL_RECEIVED_SHUTDOWN) != 0) {
        client->state = EG_DTLS_CLOSED;
    } else if (size <= 0 && SSL_get_error(client->ssl, size) != SSL_ERROR_WANT_READ) {
        fail(client);
    }
}

void eg_dtls_client_start(struct eg_dtls_client *client, eg_time now) {
    ERR_clear_error();
    shake_hands(client, now);
    ERR_clear_error();
}

enum eg_dtls_state eg_dtls_client_receive(struct eg_dtls_client *client, eg_time now, const uint8_t *bytes, size_t size) {
    client->datagram = bytes;
    client->datagram_size = size;
    ERR_clear_error();
    if (client->state == EG_DTLS_HANDSHAKING) {
        shake_hands(client, now);
    } else if (client->state == EG_DTLS_CONNECTED) {
        read_data(client);
    }
    ERR_clear_error();
    client->datagram_size = 0;
    return client->state;
}

void eg_dtls_client_repeat(struct eg_dtls_client *client) {
    struct eg_reader flight = eg__reader(client->flight, client->flight_size);
    client->repeat_count++;
    while (eg__reader_left(&flight) > 0) {
        size_t size = eg__read_u16(&flight);
        send_datagram(client, eg__read_bytes(&flight, size), size);
    }
}

void eg_dtls_client_tick(struct eg_dtls_client *client, eg_time now) {
    if (now < client->repeat_at) return;
    eg_dtls_client_repeat(client);
    client->repeat_delay = eg__time_min(2 * client->repeat_delay, REPEAT_MAX);
    client->repeat_at = now + client->repeat_delay;
}

eg_time eg_dtls_client_deadline(const struct eg_dtls_client *client) { return client->repeat_at; }

bool eg_dtls_client_export(struct eg_dtls_client *client, struct eg_srtp_keys *keys) {
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(client->ssl);
    if (client->state != EG_DTLS_CONNECTED || profile == NULL) return false;
    *keys = (struct eg_srtp_keys){.profile = (enum eg_srtp_profile)profile->id};
    size_t salt_size = profile->id == SRTP_AEAD_AES_128_GCM ? 12 : 14;
    uint8_t material[60];
    const char *label = "EXTRACTOR-dtls_srtp";
    if (SSL_export_keying_material(client->ssl, material, 2 * (16 + salt_size), label, strlen(label), NULL, 0, 0) != 1) return false;
    memcpy(keys->local.key, material, 16);
    memcpy(keys->remote.key, material + 16, 16);
    memcpy(keys->local.salt, material + 32, salt_size);
    memcpy(keys->remote.salt, material + 32 + salt_size, salt_size);
    return true;
}

bool eg_dtls_client_peer_fingerprint(const struct eg_dtls_client *client, char text[EG_FINGERPRINT_TEXT_SIZE]) {
    X509 *certificate = SSL_get1_peer_certificate(client->ssl);
    if (certificate == NULL) return false;
    uint8_t digest[32];
    bool done = X509_digest(certificate, EVP_sha256(), digest, NULL) == 1;
    for (size_t i = 0; i < sizeof digest; i++) sprintf(text + 3 * i, i < 31 ? "%02X:" : "%02X", digest[i]);
    X509_free(certificate);
    return done;
}

void eg_dtls_client_write(struct eg_dtls_client *client, const uint8_t *bytes, size_t size) {
    SSL_write(client->ssl, bytes, (int)size);
    ERR_clear_error();
}

void eg_dtls_client_close_notify(struct eg_dtls_client *client) {
    SSL_shutdown(client->ssl);
    ERR_clear_error();
}
