#include "handshake.h"

#include "support/dtls_client.h"
#include "ticks.h"

#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { DATAGRAMS_MAX = 32, TURNS_MAX = 16 };

// Datagrams on their way in one direction.
struct line {
    uint8_t bytes[DATAGRAMS_MAX][EG_DATAGRAM_SIZE_MAX];
    size_t sizes[DATAGRAMS_MAX];
    unsigned count;
    unsigned at; // read up to here
};

struct client_output {
    struct eg_dtls_client_output base;
    struct line *line;
};

struct handshake {
    struct eg_dtls_io io; // the server's: first, OpenSSL hands it back
    SSL_CTX *ctx;
    BIO_METHOD *bio_method;
    EVP_PKEY *key;
    X509 *certificate;
    struct line to_server;
    struct line to_client;
};

static void put(struct line *line, const uint8_t *bytes, size_t size) {
    if (line->count == DATAGRAMS_MAX || size > EG_DATAGRAM_SIZE_MAX) return;
    memcpy(line->bytes[line->count], bytes, size);
    line->sizes[line->count++] = size;
}

static size_t read_datagram(struct eg_dtls_io *io, uint8_t *bytes, size_t size_max) {
    struct line *line = &((struct handshake *)io)->to_server;
    if (line->at == line->count || line->sizes[line->at] > size_max) return 0;
    memcpy(bytes, line->bytes[line->at], line->sizes[line->at]);
    return line->sizes[line->at++];
}

static void write_datagram(struct eg_dtls_io *io, const uint8_t *bytes, size_t size) {
    put(&((struct handshake *)io)->to_client, bytes, size);
}

static void take_from_client(struct eg_dtls_client_output *output, const uint8_t *bytes, size_t size) {
    put(((struct client_output *)output)->line, bytes, size);
}

static int accept_any(X509_STORE_CTX *store, void *unused) {
    (void)unused;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static unsigned never(SSL *ssl, unsigned last_us) {
    (void)ssl, (void)last_us;
    return 4000u * 1000 * 1000;
}

static bool make_certificate(struct handshake *handshake) {
    EVP_PKEY *key = handshake->key = EVP_EC_gen("P-256");
    X509 *certificate = handshake->certificate = X509_new();
    if (key == NULL || certificate == NULL) return false;
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
    return X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool configure(struct handshake *handshake) {
    SSL_CTX *ctx = handshake->ctx;
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
    return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 && SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256") == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1 && SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM") == 0 &&
           SSL_CTX_use_certificate(ctx, handshake->certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, handshake->key) == 1;
}

struct handshake *handshake_create(void) {
    struct handshake *handshake = calloc(1, sizeof *handshake);
    if (handshake == NULL) return NULL;
    handshake->io = (struct eg_dtls_io){read_datagram, write_datagram};
    handshake->ctx = SSL_CTX_new(DTLS_server_method());
    handshake->bio_method = eg__dtls_bio_method_create();
    if (handshake->ctx != NULL && handshake->bio_method != NULL && make_certificate(handshake) && configure(handshake)) return handshake;
    handshake_destroy(handshake);
    return NULL;
}

void handshake_destroy(struct handshake *handshake) {
    if (handshake == NULL) return;
    SSL_CTX_free(handshake->ctx);
    eg__dtls_bio_method_destroy(handshake->bio_method);
    EVP_PKEY_free(handshake->key);
    X509_free(handshake->certificate);
    free(handshake);
}

static SSL *accept_client(struct handshake *handshake) {
    SSL *ssl = SSL_new(handshake->ctx);
    BIO *bio = eg__dtls_bio_create(handshake->bio_method);
    if (ssl == NULL || bio == NULL) {
        SSL_free(ssl);
        BIO_free(bio);
        return NULL;
    }
    eg__dtls_bio_lend(bio, &handshake->io);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, EG_DTLS_MTU);
    DTLS_set_timer_cb(ssl, never);
    SSL_set_accept_state(ssl);
    return ssl;
}

static void clear(struct line *line) { line->at = line->count = 0; }

static bool export_keys(SSL *ssl) {
    uint8_t material[56];
    const char *label = "EXTRACTOR-dtls_srtp";
    return SSL_export_keying_material(ssl, material, sizeof material, label, strlen(label), NULL, 0, 0) == 1;
}

static void serve_client(struct handshake *handshake, struct eg_dtls_client *client) {
    clear(&handshake->to_server);
    while (handshake->to_client.at < handshake->to_client.count) {
        unsigned at = handshake->to_client.at++;
        eg_dtls_client_receive(client, 0, handshake->to_client.bytes[at], handshake->to_client.sizes[at]);
    }
    clear(&handshake->to_client);
}

bool handshake_run(struct handshake *handshake, uint64_t *server_ns) {
    static const struct eg_dtls_client_config config = {.profiles = EG_DTLS_CLIENT_PROFILES};
    struct client_output output = {{take_from_client}, &handshake->to_server};
    struct eg_dtls_client *client = eg_dtls_client_create(&config, &output.base);
    if (client == NULL) return false;
    clear(&handshake->to_server);
    clear(&handshake->to_client);
    uint64_t begin = ticks_cpu(), spent;
    SSL *ssl = accept_client(handshake);
    spent = ticks_cpu() - begin;
    eg_dtls_client_start(client, 0);
    bool is_done = false;
    for (int turn = 0; turn < TURNS_MAX && ssl != NULL && !is_done; turn++) {
        begin = ticks_cpu();
        is_done = SSL_do_handshake(ssl) == 1 && export_keys(ssl);
        spent += ticks_cpu() - begin;
        serve_client(handshake, client);
    }
    begin = ticks_cpu();
    SSL_free(ssl);
    *server_ns = spent + ticks_cpu() - begin;
    is_done &= client->state == EG_DTLS_CONNECTED;
    eg_dtls_client_destroy(client);
    return is_done;
}
