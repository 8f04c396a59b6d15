#include "base/hash.h"
#include "support/check.h"
#include "transport/crypto.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_SIZE_MAX = 1400, HEADER_SIZE = 12, CM_TAG_SIZE = 10 };

static const char *const backend_names[] = {
#if defined(EGRESS_IPSEC_MB)
    "ipsec-mb",
#endif
    "openssl",
};

enum { BACKEND_COUNT = sizeof backend_names / sizeof backend_names[0] };

// xorshift64*: random enough for plaintext and sizes, the same on every run.
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static void fill(uint64_t *state, uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(next_random(state) >> 56);
}

static void *create_context(size_t size) {
    size_t rounded = (size + 63) / 64 * 64;
    void *context = aligned_alloc(64, rounded);
    if (context != NULL) memset(context, 0, rounded);
    return context;
}

static void ctr_gives_the_keystream_of_rfc_3711_b_2(struct eg_check *check) {
    static const struct {
        size_t at;
        const char *bytes;
    } rows[] = {
        {0x0000, "E03EAD0935C95E80E166B16DD92B4EB4"}, {0x0001, "D23513162B02D0F72A43A2FE4A5F97AB"},
        {0x0002, "41E95B3BB0A2E8DD477901E4FCA894C0"}, {0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"},
        {0xff00, "362B7C3C6773516318A077D7FC5073AE"}, {0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"},
    };
    enum { SIZE = 1044512 };
    uint8_t key[16], iv[16], expected[16];
    REQUIRE(eg_hex("2B7E151628AED2A6ABF7158809CF4F3C", key, sizeof key) == 16);
    REQUIRE(eg_hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000", iv, sizeof iv) == 16);
    uint8_t *stream = calloc(1, SIZE);
    struct eg_aes *aes = eg__aes_create();
    REQUIRE(stream != NULL && aes != NULL);
    CHECK(eg__aes128_ctr(aes, key, &(struct eg_crypto_job){.iv = iv, .in = stream, .size = SIZE, .out = stream}));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK(eg_hex(rows[i].bytes, expected, sizeof expected) == 16);
        CHECK_ROW(memcmp(stream + rows[i].at * 16, expected, 16) == 0, i);
    }
    free(stream);
    eg__aes_destroy(aes);
}

// Test cases 1 to 4 of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B.
static const struct gcm_row {
    const char *key, *nonce, *aad, *in, *out;
} gcm_rows[] = {
    {"00000000000000000000000000000000", "000000000000000000000000", "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {"00000000000000000000000000000000", "000000000000000000000000", "", "00000000000000000000000000000000",
     "0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf"},
    {"feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b391aafd255",
     "42831ec2217774244b7221b784d0d49c e3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa05 1ba30b396a0aac973d58e091473f5985"
     "4d5c2af327cd64a62cf35abd2ba6fab4"},
    {"feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeef abaddad2",
     "d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49c e3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa05 1ba30b396a0aac973d58e091"
     "5bc94fbc3221a5db94fae95ae7121a47"},
};

enum { GCM_ROW_COUNT = sizeof gcm_rows / sizeof gcm_rows[0] };

static void every_backend_seals_gcm_as_its_authors_published(struct eg_check *check) {
    for (size_t b = 0; b < BACKEND_COUNT; b++) {
        struct eg_crypto *crypto = eg__crypto_create(backend_names[b]);
        REQUIRE(crypto != NULL);
        void *context = create_context(crypto->gcm_context_size);
        for (size_t i = 0; i < GCM_ROW_COUNT; i++) {
            const struct gcm_row *row = &gcm_rows[i];
            uint8_t key[16], nonce[12], aad[32], in[64], expected[80], out[80];
            eg_hex(row->key, key, sizeof key);
            eg_hex(row->nonce, nonce, sizeof nonce);
            size_t aad_size = eg_hex(row->aad, aad, sizeof aad), in_size = eg_hex(row->in, in, sizeof in);
            size_t out_size = eg_hex(row->out, expected, sizeof expected);
            CHECK_ROW(out_size == in_size + EG_GCM_TAG_SIZE, i);
            CHECK_ROW(crypto->gcm_init(crypto, context, key), i);
            struct eg_crypto_job job = {.iv = nonce, .aad = aad, .aad_size = aad_size, .in = in, .size = in_size, .out = out};
            crypto->gcm_seal(crypto, context, &job);
            CHECK_ROW(memcmp(out, expected, out_size) == 0, i);
            crypto->gcm_deinit(context);
        }
        free(context);
        eg__crypto_destroy(crypto);
    }
}

static void the_cold_seal_and_open_agree_with_the_same_vectors(struct eg_check *check) {
    struct eg_aes *aes = eg__aes_create();
    REQUIRE(aes != NULL);
    for (size_t i = 0; i < GCM_ROW_COUNT; i++) {
        const struct gcm_row *row = &gcm_rows[i];
        uint8_t key[16], nonce[12], aad[32], in[64], expected[80], out[80], opened[80];
        eg_hex(row->key, key, sizeof key);
        eg_hex(row->nonce, nonce, sizeof nonce);
        size_t aad_size = eg_hex(row->aad, aad, sizeof aad), in_size = eg_hex(row->in, in, sizeof in);
        size_t out_size = eg_hex(row->out, expected, sizeof expected);
        struct eg_crypto_job sealing = {.iv = nonce, .aad = aad, .aad_size = aad_size, .in = in, .size = in_size, .out = out};
        struct eg_crypto_job opening = {.iv = nonce, .aad = aad, .aad_size = aad_size, .in = out, .size = out_size, .out = opened};
        CHECK_ROW(eg__aes128_gcm_seal(aes, key, &sealing), i);
        CHECK_ROW(memcmp(out, expected, out_size) == 0, i);
        CHECK_ROW(eg__aes128_gcm_open(aes, key, &opening), i);
        CHECK_ROW(memcmp(opened, in, in_size) == 0, i);
    }
    eg__aes_destroy(aes);
}

static void open_refuses_what_was_changed_and_leaves_no_plaintext_and_no_error_behind(struct eg_check *check) {
    uint8_t key[16] = {1}, nonce[12] = {2}, aad[12] = {3}, in[20] = "nothing to see here", sealed[36], out[20], zeros[20] = {0};
    struct eg_aes *aes = eg__aes_create();
    REQUIRE(aes != NULL);
    const struct eg_crypto_job sealing = {.iv = nonce, .aad = aad, .aad_size = sizeof aad, .in = in, .size = sizeof in, .out = sealed};
    struct eg_crypto_job opening = {.iv = nonce, .aad = aad, .aad_size = sizeof aad, .in = sealed, .size = sizeof sealed, .out = out};
    REQUIRE(eg__aes128_gcm_seal(aes, key, &sealing));
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 0x40;
        CHECK_ROW(!eg__aes128_gcm_open(aes, key, &opening), i);
        CHECK_ROW(memcmp(out, zeros, sizeof out) == 0, i);
        sealed[i] ^= 0x40;
    }
    aad[11] ^= 1;
    CHECK(!eg__aes128_gcm_open(aes, key, &opening));
    aad[11] ^= 1;
    nonce[0] ^= 1;
    CHECK(!eg__aes128_gcm_open(aes, key, &opening));
    nonce[0] ^= 1;
    for (opening.size = 0; opening.size < sizeof sealed; opening.size++) {
        CHECK_ROW(!eg__aes128_gcm_open(aes, key, &opening), opening.size);
    }
    CHECK(ERR_peek_error() == 0);
    CHECK(eg__aes128_gcm_open(aes, key, &opening));
    CHECK_BYTES(out, in, sizeof in);
    eg__aes_destroy(aes);
}

// Seals one packet of each size from 0 to PAYLOAD_SIZE_MAX under one kept key, from memory of exactly its size to memory of exactly its
// size, and compares with what the cold helpers make of the same input, one key schedule a packet.
static void check_gcm(struct eg_check *check, const struct eg_crypto *crypto, uint64_t seed) {
    uint8_t key[EG_AES_KEY_SIZE], nonce[EG_GCM_NONCE_SIZE], aad[HEADER_SIZE], expected[PAYLOAD_SIZE_MAX + EG_GCM_TAG_SIZE];
    fill(&seed, key, sizeof key);
    void *context = create_context(crypto->gcm_context_size);
    CHECK(crypto->gcm_init(crypto, context, key));
    for (size_t size = 0; size <= PAYLOAD_SIZE_MAX; size++) {
        uint8_t *in = malloc(size + 1), *out = malloc(size + EG_GCM_TAG_SIZE);
        fill(&seed, in, size);
        fill(&seed, nonce, sizeof nonce);
        fill(&seed, aad, sizeof aad);
        struct eg_crypto_job job = {.iv = nonce, .aad = aad, .aad_size = sizeof aad, .in = in, .size = size, .out = out};
        crypto->gcm_seal(crypto, context, &job);
        job.out = expected;
        CHECK_ROW(eg__aes128_gcm_seal(crypto->aes, key, &job), size);
        CHECK_ROW(memcmp(out, expected, size + EG_GCM_TAG_SIZE) == 0, size);
        free(in);
        free(out);
    }
    crypto->gcm_deinit(context);
    free(context);
}

static void check_cm(struct eg_check *check, const struct eg_crypto *crypto, uint64_t seed) {
    uint8_t key[EG_AES_KEY_SIZE], auth_key[EG_HMAC_KEY_SIZE], iv[EG_CTR_IV_SIZE], tag[EG_HMAC_SIZE], expected[PAYLOAD_SIZE_MAX];
    fill(&seed, key, sizeof key);
    fill(&seed, auth_key, sizeof auth_key);
    void *context = create_context(crypto->cm_context_size);
    CHECK(crypto->cm_init(crypto, context, key, auth_key));
    for (size_t size = 0; size <= PAYLOAD_SIZE_MAX; size++) {
        uint8_t *in = malloc(size + 1), *packet = malloc(HEADER_SIZE + size + CM_TAG_SIZE);
        uint32_t roc = (uint32_t)next_random(&seed);
        const uint8_t roc_bytes[] = {(uint8_t)(roc >> 24), (uint8_t)(roc >> 16), (uint8_t)(roc >> 8), (uint8_t)roc};
        fill(&seed, in, size);
        fill(&seed, iv, sizeof iv);
        fill(&seed, packet, HEADER_SIZE);
        struct eg_crypto_job job = {
            .iv = iv, .aad = packet, .aad_size = HEADER_SIZE, .in = in, .size = size, .out = packet + HEADER_SIZE};
        crypto->cm_seal(crypto, context, &job, roc);
        eg__crypto_finish(crypto);
        job.out = expected;
        CHECK_ROW(eg__aes128_ctr(crypto->aes, key, &job), size);
        CHECK_ROW(memcmp(packet + HEADER_SIZE, expected, size) == 0, size);
        const struct eg_piece pieces[] = {{packet, HEADER_SIZE + size}, {roc_bytes, sizeof roc_bytes}};
        eg__hmac_sha1(auth_key, sizeof auth_key, pieces, 2, tag);
        CHECK_ROW(memcmp(packet + HEADER_SIZE + size, tag, CM_TAG_SIZE) == 0, size);
        free(in);
        free(packet);
    }
    crypto->cm_deinit(context);
    free(context);
}

static void every_backend_seals_every_size_to_the_same_bytes(struct eg_check *check) {
    for (size_t b = 0; b < BACKEND_COUNT; b++) {
        struct eg_crypto *crypto = eg__crypto_create(backend_names[b]);
        REQUIRE(crypto != NULL);
        for (uint64_t seed = 1; seed <= 3; seed++) {
            check_gcm(check, crypto, seed);
            check_cm(check, crypto, seed);
        }
        eg__crypto_destroy(crypto);
    }
}

static void contexts_of_one_backend_do_not_mix(struct eg_check *check) {
    for (size_t b = 0; b < BACKEND_COUNT; b++) {
        struct eg_crypto *crypto = eg__crypto_create(backend_names[b]);
        REQUIRE(crypto != NULL);
        uint8_t keys[2][EG_AES_KEY_SIZE] = {{1}, {2}}, nonce[12] = {0}, in[100] = {0}, out[116], expected[116];
        void *contexts[2];
        for (size_t i = 0; i < 2; i++) {
            contexts[i] = create_context(crypto->gcm_context_size);
            CHECK(crypto->gcm_init(crypto, contexts[i], keys[i]));
        }
        for (size_t i = 0; i < 10; i++) {
            struct eg_crypto_job job = {.iv = nonce, .aad = nonce, .aad_size = 12, .in = in, .size = sizeof in, .out = out};
            crypto->gcm_seal(crypto, contexts[i % 2], &job);
            job.out = expected;
            CHECK(eg__aes128_gcm_seal(crypto->aes, keys[i % 2], &job));
            CHECK_ROW(memcmp(out, expected, sizeof out) == 0, i);
        }
        for (size_t i = 0; i < 2; i++) {
            crypto->gcm_deinit(contexts[i]);
            free(contexts[i]);
        }
        eg__crypto_destroy(crypto);
    }
}

static void the_fastest_backend_is_chosen_unless_one_is_named(struct eg_check *check) {
    struct eg_crypto *any = eg__crypto_create(NULL);
    REQUIRE(any != NULL);
    CHECK(strcmp(any->name, backend_names[0]) == 0);
    eg__crypto_destroy(any);
    for (size_t b = 0; b < BACKEND_COUNT; b++) {
        struct eg_crypto *crypto = eg__crypto_create(backend_names[b]);
        REQUIRE(crypto != NULL);
        CHECK(strcmp(crypto->name, backend_names[b]) == 0);
        eg__crypto_destroy(crypto);
    }
    CHECK(eg__crypto_create("rot13") == NULL);
    CHECK(eg__crypto_create("") == NULL);
    eg__crypto_destroy(NULL);
}

static const struct eg_test tests[] = {
    EG_TEST(ctr_gives_the_keystream_of_rfc_3711_b_2),
    EG_TEST(every_backend_seals_gcm_as_its_authors_published),
    EG_TEST(the_cold_seal_and_open_agree_with_the_same_vectors),
    EG_TEST(open_refuses_what_was_changed_and_leaves_no_plaintext_and_no_error_behind),
    EG_TEST(every_backend_seals_every_size_to_the_same_bytes),
    EG_TEST(contexts_of_one_backend_do_not_mix),
    EG_TEST(the_fastest_backend_is_chosen_unless_one_is_named),
};
EG_TEST_SUITE(crypto, tests);
