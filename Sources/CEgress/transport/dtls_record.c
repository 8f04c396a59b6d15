#include "transport/dtls_record.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>

enum {
    ALERT_SIZE = 2,         // level and description
    EXPLICIT_NONCE_SIZE = 8, // RFC 5288 §3
    TAG_SIZE = 16,
    AAD_SIZE = 13, // RFC 5246 §6.2.3.3, with epoch and sequence number as RFC 6347 §4.1.2.1 has it
    HELLO_SEQUENCE = 0,
};

bool eg__dtls_next_record(struct eg_reader *datagram, struct eg_dtls_record *record) {
    const uint8_t *bytes = datagram->bytes + datagram->at;
    uint8_t type = eg__read_u8(datagram);
    uint8_t version_major = eg__read_u8(datagram);
    eg__read_u8(datagram);
    uint16_t epoch = eg__read_u16(datagram);
    eg__read_bytes(datagram, 6);
    size_t size = eg__read_u16(datagram);
    eg__read_bytes(datagram, size);
    if (datagram->failed || version_major != 0xfe) {
        datagram->at = datagram->size;
        return false;
    }
    *record = (struct eg_dtls_record){.type = type, .epoch = epoch, .bytes = bytes, .size = EG_DTLS_RECORD_HEADER_SIZE + size};
    return true;
}

bool eg__dtls_record_is_hello(const struct eg_dtls_record *record) {
    if (record->type != EG_DTLS_HANDSHAKE || record->epoch != 0) return false;
    struct eg_reader reader = eg__reader(record->bytes, record->size);
    eg__read_bytes(&reader, EG_DTLS_RECORD_HEADER_SIZE + 4); // message type and length, RFC 6347 §4.2.2
    return eg__read_u16(&reader) == HELLO_SEQUENCE && !reader.failed;
}

// The PRF of TLS 1.2, RFC 5246 §5, over the seed of the key block, §6.3.
static bool expand_keys(SSL *ssl, uint8_t *out, size_t size) {
    uint8_t secret[SSL_MAX_MASTER_KEY_LENGTH];
    uint8_t randoms[2 * SSL3_RANDOM_SIZE];
    char label[] = "key expansion";
    size_t secret_size = SSL_SESSION_get_master_key(SSL_get_session(ssl), secret, sizeof secret);
    SSL_get_server_random(ssl, randoms, SSL3_RANDOM_SIZE);
    SSL_get_client_random(ssl, randoms + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
    const char *digest = EVP_MD_get0_name(SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl)));
    // OSSL_KDF_PARAM_SEED may be given more than once: the pieces are laid end to end.
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, secret_size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof label - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, randoms, sizeof randoms),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    bool done = context != NULL && EVP_KDF_derive(context, out, size, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    OPENSSL_cleanse(secret, sizeof secret);
    return done;
}

bool eg__dtls_alert_key_derive(struct eg_dtls_alert_key *key, struct ssl_st *ssl) {
    uint8_t block[2 * (EG_DTLS_ALERT_KEY_SIZE_MAX + EG_DTLS_ALERT_SALT_SIZE)];
    key->key_size = (uint8_t)(SSL_CIPHER_get_bits(SSL_get_current_cipher(ssl), NULL) / 8);
    EG_ASSERT(key->key_size <= EG_DTLS_ALERT_KEY_SIZE_MAX);
    // The client's key, the server's key, the client's salt, the server's salt.
    size_t size = 2 * (key->key_size + EG_DTLS_ALERT_SALT_SIZE);
    if (!expand_keys(ssl, block, size)) return false;
    memcpy(key->key, block, key->key_size);
    memcpy(key->salt, block + 2 * key->key_size, EG_DTLS_ALERT_SALT_SIZE);
    OPENSSL_cleanse(block, sizeof block);
    return true;
}

static bool open_gcm(const struct eg_dtls_alert_key *key, const uint8_t nonce[12], const uint8_t aad[AAD_SIZE], const uint8_t *sealed,
                     uint8_t out[ALERT_SIZE]) {
    const EVP_CIPHER *cipher = key->key_size == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size = 0;
    bool is_authentic = context != NULL && EVP_DecryptInit_ex(context, cipher, NULL, key->key, nonce) == 1
                        && EVP_DecryptUpdate(context, NULL, &size, aad, AAD_SIZE) == 1
                        && EVP_DecryptUpdate(context, out, &size, sealed, ALERT_SIZE) == 1
                        && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, (void *)(sealed + ALERT_SIZE)) == 1
                        && EVP_DecryptFinal_ex(context, out + ALERT_SIZE, &size) == 1;
    EVP_CIPHER_CTX_free(context);
    return is_authentic;
}

bool eg__dtls_alert_open(const struct eg_dtls_alert_key *key, const struct eg_dtls_record *record, struct eg_dtls_alert *alert) {
    if (record->type != EG_DTLS_ALERT || record->epoch != 1) return false;
    if (record->size != EG_DTLS_RECORD_HEADER_SIZE + EXPLICIT_NONCE_SIZE + ALERT_SIZE + TAG_SIZE) return false;
    const uint8_t *body = record->bytes + EG_DTLS_RECORD_HEADER_SIZE;

    uint8_t nonce[EG_DTLS_ALERT_SALT_SIZE + EXPLICIT_NONCE_SIZE];
    memcpy(nonce, key->salt, EG_DTLS_ALERT_SALT_SIZE);
    memcpy(nonce + EG_DTLS_ALERT_SALT_SIZE, body, EXPLICIT_NONCE_SIZE);

    uint8_t aad[AAD_SIZE];
    struct eg_writer writer = eg__writer(aad, sizeof aad);
    eg__write_bytes(&writer, record->bytes + 3, 8); // epoch and sequence number
    eg__write_bytes(&writer, record->bytes, 3);     // type and version
    eg__write_u16(&writer, ALERT_SIZE);

    uint8_t plain[ALERT_SIZE];
    if (!open_gcm(key, nonce, aad, body + EXPLICIT_NONCE_SIZE, plain)) return false;
    *alert = (struct eg_dtls_alert){.level = plain[0], .description = plain[1]};
    return true;
}
