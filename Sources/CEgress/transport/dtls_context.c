#include "transport/dtls_parts.h"

#include "base/memory.h"
#include "transport/dtls_bio.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DAY = 24 * 60 * 60,                // [s]
    CERTIFICATE_LIFETIME = 3650 * DAY, // [s] longer than any process runs; no WebRTC peer looks at it
    TIMER_NEVER = 4000 * 1000 * 1000u, // [us] an hour, where a handshake has seconds
};

// The first suite is the one that RFC 8827 §6.5 makes every WebRTC implementation offer. Both are GCM, which dtls_record.c relies on.
static const char cipher_list[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
static const char group_list[] = "X25519:P-256";
static const char srtp_profiles[] = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";

static bool set_serial_number(X509 *certificate) {
    uint64_t serial;
    if (RAND_bytes((unsigned char *)&serial, sizeof serial) != 1) return false;
    serial >>= 1; // positive, and at most 20 bytes long, RFC 5280 §4.1.2.2
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1;
}

static bool set_names(X509 *certificate) {
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"egress", -1, -1, 0) == 1
           && X509_set_issuer_name(certificate, name) == 1;
}

// Self-signed: the peer knows it by the fingerprint in the SDP (RFC 5763 §5). It begins a day ago, in case clocks differ.
static X509 *make_certificate(EVP_PKEY *key) {
    X509 *certificate = X509_new();
    if (certificate == NULL) return NULL;
    if (X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial_number(certificate) && set_names(certificate)
        && X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY) != NULL
        && X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_LIFETIME) != NULL && X509_set_pubkey(certificate, key) == 1
        && X509_sign(certificate, key, EVP_sha256()) > 0) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

static bool write_fingerprint(const X509 *certificate, char text[EG_FINGERPRINT_TEXT_SIZE]) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return false;
    EG_ASSERT(size == EG_FINGERPRINT_TEXT_SIZE / 3);
    for (unsigned i = 0; i < size; i++) {
        snprintf(text + (size_t)3 * i, EG_FINGERPRINT_TEXT_SIZE - (size_t)3 * i, i + 1 < size ? "%02X:" : "%02X", digest[i]);
    }
    return true;
}

static bool use_certificate(struct eg_dtls_context *context) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key != NULL ? make_certificate(key) : NULL;
    bool done = certificate != NULL && write_fingerprint(certificate, context->fingerprint)
                && SSL_CTX_use_certificate(context->ssl_ctx, certificate) == 1 && SSL_CTX_use_PrivateKey(context->ssl_ctx, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return done;
}

static const EVP_MD *digest_of(enum eg_fingerprint_hash hash) {
    switch (hash) {
    case EG_FINGERPRINT_SHA1: return EVP_sha1();
    case EG_FINGERPRINT_SHA256: return EVP_sha256();
    case EG_FINGERPRINT_SHA384: return EVP_sha384();
    case EG_FINGERPRINT_SHA512: return EVP_sha512();
    }
    return NULL;
}

static bool is_expected(const struct eg_fingerprint *expected, const X509 *certificate) {
    const EVP_MD *md = digest_of(expected->hash);
    EG_ASSERT(md != NULL);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (certificate == NULL || X509_digest(certificate, md, digest, &size) != 1) return false;
    EG_ASSERT(size <= EG_FINGERPRINT_SIZE_MAX);
    return CRYPTO_memcmp(digest, expected->bytes, size) == 0;
}

// Takes the place of the chain's verification: there is no chain, the SDP says which certificate it is. The hello has been read by now, so
// a client without an SRTP profile of ours is turned away here too, with an alert, before it costs a key exchange. The error decides which
// alert is sent: bad_certificate, handshake_failure.
static int verify_peer(X509_STORE_CTX *store, void *unused) {
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct eg_dtls *dtls = SSL_get_app_data(ssl);
    if (!is_expected(&dtls->expected, X509_STORE_CTX_get0_cert(store))) {
        dtls->failure = EG_DTLS_FAILURE_FINGERPRINT;
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
        return 0;
    }
    if (SSL_get_selected_srtp_profile(ssl) == NULL) {
        dtls->failure = EG_DTLS_FAILURE_PROFILE;
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static bool configure(SSL_CTX *ctx) {
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ctx, EG_DTLS_CERTIFICATES_SIZE_MAX);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify_peer, NULL);
    return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 && SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) == 1
           && SSL_CTX_set_cipher_list(ctx, cipher_list) == 1 && SSL_CTX_set1_groups_list(ctx, group_list) == 1
           && SSL_CTX_set_tlsext_use_srtp(ctx, srtp_profiles) == 0; // 0 is success, of all the functions here
}

struct eg_dtls_context *eg__dtls_context_create(char *error, size_t error_size) {
    ERR_clear_error();
    struct eg_dtls_context *context = eg__memory_take(1, sizeof *context);
    if (context != NULL) {
        context->limits = (struct eg_dtls_limits){.timeout = EG_DTLS_HANDSHAKE_TIMEOUT, .size_max = EG_DTLS_HANDSHAKE_SIZE_MAX};
        context->bio_method = eg__dtls_bio_method_create();
        context->ssl_ctx = SSL_CTX_new(DTLS_server_method());
        bool is_there = context->bio_method != NULL && context->ssl_ctx != NULL;
        if (is_there && configure(context->ssl_ctx) && use_certificate(context)) return context;
    }
    if (error_size > 0) ERR_error_string_n(ERR_peek_last_error(), error, error_size);
    ERR_clear_error();
    eg__dtls_context_destroy(context);
    return NULL;
}

void eg__dtls_context_destroy(struct eg_dtls_context *context) {
    if (context == NULL) return;
    SSL_CTX_free(context->ssl_ctx);
    eg__dtls_bio_method_destroy(context->bio_method);
    eg__memory_release(context);
}

void eg__dtls_context_limit(struct eg_dtls_context *context, const struct eg_dtls_limits *limits) { context->limits = *limits; }

const char *eg__dtls_context_fingerprint(const struct eg_dtls_context *context) { return context->fingerprint; }

static unsigned never(SSL *ssl, unsigned last_us) {
    (void)ssl, (void)last_us;
    return TIMER_NEVER;
}

struct ssl_st *eg__dtls_context_accept(struct eg_dtls_context *context, struct eg_dtls *dtls) {
    SSL *ssl = SSL_new(context->ssl_ctx);
    BIO *bio = eg__dtls_bio_create(context->bio_method);
    if (ssl == NULL || bio == NULL) {
        SSL_free(ssl);
        BIO_free(bio);
        return NULL;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, dtls);
    SSL_set_mtu(ssl, EG_DTLS_MTU);
    DTLS_set_timer_cb(ssl, never);
    SSL_set_accept_state(ssl);
    return ssl;
}
