// The oracle is libsrtp2, which the engine itself does not use.
#include "support/check.h"
#include "support/srtp_oracle.h"

#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif

enum {
    IS_SANITIZED = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer),
    PAYLOAD_SIZE_MAX = 1400,
    HEADER_SIZE = 12,
    RTCP_SIZE_MAX = 1200,
    RTCP_ROOM = 64,
    CROWD_SIZE = 8,     // sessions of one engine
    TOGETHER_MAX = 40,  // packets that are finished together
    PACKETS = 500000,   // of each library and profile
    PACKETS_PART = IS_SANITIZED ? 25 : 1, // a part of them is enough to watch
};

// A receiver report without blocks and then anything at all, for libsrtp looks no further.
static void make_rtcp(uint64_t *random, uint8_t *packet, size_t size, uint32_t ssrc) {
    fill(random, packet, size);
    packet[0] = 0x80;
    packet[1] = 201;
    write_u32(packet + 4, ssrc);
}

// Gives the size that libsrtp made of it, 0 when it refuses.
static size_t oracle_protect_rtcp(srtp_t session, uint8_t *packet, size_t size) {
    int protected_size = (int)size;
    return srtp_protect_rtcp(session, packet, &protected_size) == srtp_err_status_ok ? (size_t)protected_size : 0;
}

static void session_keys_are_derived_as_in_rfc_3711_b_3(struct eg_check *check) {
    static const struct {
        uint8_t label;
        size_t size;
        const char *expected;
    } rows[] = {
        {0, 16, "C61E7A93744F39EE10734AFE3FF7A087"},
        {2, 14, "30CBBC08863D8C85D49DB34A9AE1"},
        {1, 94,
         "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE E049646C43D9327AD175578EF7227098"
         "6371C10C9A369AC2F94A8C5FBCDDDC25 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2"},
    };
    struct eg_srtp_master master;
    struct eg_aes *aes = eg__aes_create();
    REQUIRE(aes != NULL);
    eg_hex("E1F97A0D3E018BE0D64FA32C06DE4139", master.key, sizeof master.key);
    eg_hex("0EC675AD498AFEEBB6960B3AABE6", master.salt, sizeof master.salt);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t out[94], expected[94];
        CHECK_ROW(eg_hex(rows[i].expected, expected, sizeof expected) == rows[i].size, i);
        CHECK_ROW(eg__srtp_derive(aes, &master, 14, rows[i].label, out, rows[i].size), i);
        CHECK_ROW(memcmp(out, expected, rows[i].size) == 0, i);
    }
    eg__aes_destroy(aes);
}

static void a_salt_of_12_bytes_counts_as_padded_with_zeros(struct eg_check *check) {
    struct eg_srtp_master long_salt = {.key = {7}, .salt = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0}};
    struct eg_srtp_master short_salt = long_salt;
    short_salt.salt[12] = short_salt.salt[13] = 0xee; // what lies behind a salt of GCM means nothing
    uint8_t expected[16], out[16];
    struct eg_aes *aes = eg__aes_create();
    REQUIRE(aes != NULL);
    CHECK(eg__srtp_derive(aes, &long_salt, 14, 3, expected, sizeof expected));
    CHECK(eg__srtp_derive(aes, &short_salt, 12, 3, out, sizeof out));
    CHECK_BYTES(out, expected, sizeof out);
    eg__aes_destroy(aes);
}

static const char *const RFC_7714_KEY = "000102030405060708090a0b0c0d0e0f";
static const char *const RFC_7714_SALT = "51756964 2070726f 2071756f";
static const char *const RFC_7714_RTCP = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61"
                                         "deadbeef deadbeef deadbeef deadbeef deadbeef";
static const char *const RFC_7714_SRTCP = "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d"
                                          "c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872"
                                          "45d9eade 800005d4";

// The RFC gives session keys, which are put where init puts the derived ones.
static bool fixture_init_rfc_7714(struct fixture *fixture, const char *backend) {
    if (!fixture_create(fixture, backend)) return false;
    uint8_t key[16], salt[12];
    eg_hex(RFC_7714_KEY, key, sizeof key);
    eg_hex(RFC_7714_SALT, salt, sizeof salt);
    struct eg_srtp *srtp = &fixture->srtp;
    *srtp = (struct eg_srtp){.crypto = fixture->crypto, .context = fixture->context, .profile = EG_SRTP_AEAD_AES_128_GCM};
    memcpy(srtp->rtp_salt, salt, sizeof salt);
    memcpy(srtp->rtcp_local.key, key, sizeof key);
    memcpy(srtp->rtcp_local.salt, salt, sizeof salt);
    srtp->rtcp_remote = srtp->rtcp_local;
    srtp->rtcp_index = 0x5d4;
    return fixture->crypto->gcm_init(fixture->crypto, fixture->context, key);
}

static void rtp_is_protected_as_in_rfc_7714_16_1_1(struct eg_check *check) {
    for (size_t b = 0; b < BACKEND_COUNT; b++) {
        struct fixture fixture;
        REQUIRE(fixture_init_rfc_7714(&fixture, backend_names[b]));
        uint8_t payload[38], packet[66], expected[66];
        REQUIRE(eg_hex("8040f17b 8041f8d3 5501a0b2", packet, sizeof packet) == 12);
        REQUIRE(eg_hex("47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573", payload, 38) == 38);
        REQUIRE(eg_hex("8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b"
                       "36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
                       expected, sizeof expected) == 66);
        CHECK_EQUAL(protect(&fixture, 0, packet, payload, sizeof payload), 66);
        CHECK_BYTES(packet, expected, sizeof expected);
        fixture_destroy(&fixture);
    }
}

static void rtcp_is_protected_and_opened_as_in_rfc_7714_17_1(struct eg_check *check) {
    struct fixture fixture;
    REQUIRE(fixture_init_rfc_7714(&fixture, NULL));
    uint8_t plain[52], packet[72], expected[72], opened[72];
    REQUIRE(eg_hex(RFC_7714_RTCP, plain, sizeof plain) == 52);
    REQUIRE(eg_hex(RFC_7714_SRTCP, expected, sizeof expected) == 72);
    memcpy(packet, plain, sizeof plain);
    CHECK_EQUAL(eg__srtcp_protect(&fixture.srtp, packet, sizeof plain), 72);
    CHECK_BYTES(packet, expected, sizeof expected);
    CHECK_EQUAL(eg__srtcp_unprotect(&fixture.srtp, expected, sizeof expected, opened), 52);
    CHECK_BYTES(opened, plain, sizeof plain);
    fixture_destroy(&fixture);
}

// RFC 7714 §17.3: authentic, and refused because anyone could read it.
static void rtcp_that_is_only_authenticated_as_in_rfc_7714_17_3_is_refused(struct eg_check *check) {
    struct fixture fixture;
    REQUIRE(fixture_init_rfc_7714(&fixture, NULL));
    uint8_t packet[72], opened[72];
    size_t size = eg_hex(RFC_7714_RTCP, packet, sizeof packet);
    size += eg_hex("841dd968 3dd78ec9 2ae58790 125f62b3 000005d4", packet + size, sizeof packet - size);
    CHECK_EQUAL(eg__srtcp_unprotect(&fixture.srtp, packet, size, opened), 0);
    fixture_destroy(&fixture);
}

static void rtp_is_protected_in_counter_mode_as_libsrtp_publishes(struct eg_check *check) {
    struct eg_srtp_keys keys = {.profile = EG_SRTP_AES128_CM_SHA1_80};
    eg_hex("e1f97a0d3e018be0d64fa32c06de4139", keys.local.key, 16);
    eg_hex("0ec675ad498afeebb6960b3aabe6", keys.local.salt, 14);
    for (size_t b = 0; b < BACKEND_COUNT; b++) {
        struct fixture fixture;
        REQUIRE(fixture_init(&fixture, backend_names[b], &keys));
        uint8_t payload[16], packet[38], expected[38];
        memset(payload, 0xab, sizeof payload);
        eg_hex("800f1234 decafbad cafebabe", packet, sizeof packet);
        REQUIRE(eg_hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb", expected, 38) == 38);
        CHECK_EQUAL(protect(&fixture, 0, packet, payload, sizeof payload), 38);
        CHECK_BYTES(packet, expected, sizeof expected);
        fixture_destroy(&fixture);
    }
}

// What is under the X bit: that many words, or none.
static size_t make_extension(uint8_t *packet, unsigned words) {
    packet[0] = 0x90;
    packet[HEADER_SIZE] = 0xbe;
    packet[HEADER_SIZE + 1] = 0xde;
    packet[HEADER_SIZE + 2] = (uint8_t)(words >> 8);
    packet[HEADER_SIZE + 3] = (uint8_t)words;
    return HEADER_SIZE + 4 + 4 * words;
}

// The extension is authenticated and stays readable.
static void check_extension_like_oracle(struct eg_check *check, const char *backend, enum eg_srtp_profile profile) {
    uint64_t seed = 50;
    struct eg_srtp_keys keys = make_keys(profile, seed);
    struct fixture fixture;
    REQUIRE(fixture_init(&fixture, backend, &keys));
    srtp_t oracle = create_oracle(profile, &keys.local, ssrc_any_outbound, sec_serv_conf_and_auth);
    REQUIRE(oracle != NULL);
    for (unsigned i = 0; i < 1200; i++) {
        enum { WORDS_MAX = 300 };
        _Alignas(8) uint8_t expected[HEADER_SIZE + 4 + 4 * WORDS_MAX + PAYLOAD_SIZE_MAX + SRTP_MAX_TRAILER_LEN];
        unsigned words = i < 900 ? 1 : i - 900; // as it is sent, and every other size
        size_t size = i % 7 == 0 ? 0 : next_random(&seed) % PAYLOAD_SIZE_MAX;
        fill(&seed, expected, sizeof expected);
        expected[2] = (uint8_t)(i >> 8);
        expected[3] = (uint8_t)i;
        write_u32(expected + 8, 77);
        size_t header_size = make_extension(expected, words);
        size_t packet_size = header_size + size + eg__srtp_tag_size(&fixture.srtp);
        uint8_t *payload = malloc(size + 1), *packet = malloc(packet_size);
        memcpy(packet, expected, header_size);
        memcpy(payload, expected + header_size, size);
        int expected_size = (int)(header_size + size);
        CHECK_ROW(srtp_protect(oracle, expected, &expected_size) == srtp_err_status_ok, i);
        CHECK_ROW(protect(&fixture, 0, packet, payload, size) == (size_t)expected_size, i);
        CHECK_ROW((size_t)expected_size == packet_size && memcmp(packet, expected, packet_size) == 0, i);
        free(payload);
        free(packet);
    }
    srtp_dealloc(oracle);
    fixture_destroy(&fixture);
}

static void rtp_with_an_extension_equals_libsrtps(struct eg_check *check) {
    for (size_t b = 0; b < BACKEND_COUNT; b++)
        for (size_t p = 0; p < PROFILE_COUNT; p++) check_extension_like_oracle(check, backend_names[b], profiles[p]);
}

// Every size of payload, at sequence numbers that advance by up to 2^14, so that the roll-over counter passes 100.
static void check_rtp_like_oracle(struct eg_check *check, const char *backend, enum eg_srtp_profile profile, uint64_t seed) {
    struct eg_srtp_keys keys = make_keys(profile, seed);
    struct fixture fixture;
    REQUIRE(fixture_init(&fixture, backend, &keys));
    srtp_t oracle = create_oracle(profile, &keys.local, ssrc_any_outbound, sec_serv_conf_and_auth);
    REQUIRE(oracle != NULL);
    const size_t tag_size = eg__srtp_tag_size(&fixture.srtp);
    CHECK_EQUAL(tag_size, profile == EG_SRTP_AEAD_AES_128_GCM ? 16 : 10);
    uint32_t ssrc = (uint32_t)next_random(&seed), index = (uint32_t)next_random(&seed) & 0x7fff;
    for (size_t size = 0; size <= PAYLOAD_SIZE_MAX; size++) {
        _Alignas(8) uint8_t expected[HEADER_SIZE + PAYLOAD_SIZE_MAX + SRTP_MAX_TRAILER_LEN];
        uint8_t *payload = malloc(size + 1), *packet = malloc(HEADER_SIZE + size + tag_size);
        fill(&seed, payload, size);
        fill(&seed, packet, HEADER_SIZE);
        packet[0] = 0x80; // neither list of sources, which is never sent, nor extension
        packet[2] = (uint8_t)(index >> 8);
        packet[3] = (uint8_t)index;
        write_u32(packet + 8, ssrc);
        memcpy(expected, packet, HEADER_SIZE);
        memcpy(expected + HEADER_SIZE, payload, size);
        int expected_size = (int)(HEADER_SIZE + size);
        CHECK_ROW(srtp_protect(oracle, expected, &expected_size) == srtp_err_status_ok, size);
        CHECK_ROW(protect(&fixture, index >> 16, packet, payload, size) == (size_t)expected_size, size);
        CHECK_ROW((size_t)expected_size == HEADER_SIZE + size + tag_size, size);
        CHECK_ROW(memcmp(packet, expected, HEADER_SIZE + size + tag_size) == 0, size);
        free(payload);
        free(packet);
        index += 1 + (uint32_t)(next_random(&seed) >> 50);
    }
    CHECK(index >> 16 > 100);
    srtp_dealloc(oracle);
    fixture_destroy(&fixture);
}

static void rtp_of_every_size_equals_libsrtps_across_roll_overs(struct eg_check *check) {
    for (size_t b = 0; b < BACKEND_COUNT; b++) {
        for (size_t p = 0; p < PROFILE_COUNT; p++) {
            for (uint64_t seed = 1; seed <= 3; seed++) check_rtp_like_oracle(check, backend_names[b], profiles[p], seed);
        }
    }
}

// Sessions of one engine, and packets of theirs that are finished together, laid end to end as in the batch they are sent from.
struct crowd {
    struct eg_crypto *crypto;
    struct crowd_member {
        struct eg_srtp srtp;
        void *context;
        srtp_t oracle;
        uint32_t ssrc;
        uint32_t index; // of its next packet
    } members[CROWD_SIZE];
    uint8_t payload[PAYLOAD_SIZE_MAX];
    uint8_t arena[TOGETHER_MAX * (HEADER_SIZE + PAYLOAD_SIZE_MAX + EG_SRTP_TAG_SIZE_MAX)];
    uint8_t expected[TOGETHER_MAX * (HEADER_SIZE + PAYLOAD_SIZE_MAX + EG_SRTP_TAG_SIZE_MAX)];
};

static struct crowd *crowd_create(const char *backend, enum eg_srtp_profile profile, uint64_t *seed) {
    struct crowd *crowd = calloc(1, sizeof *crowd);
    crowd->crypto = eg__crypto_create(backend);
    EG_ASSERT(crowd->crypto != NULL);
    size_t context_size = (eg__srtp_context_size(crowd->crypto) + 63) / 64 * 64;
    fill(seed, crowd->payload, sizeof crowd->payload);
    for (size_t i = 0; i < CROWD_SIZE; i++) {
        struct crowd_member *member = &crowd->members[i];
        struct eg_srtp_keys keys = make_keys(profile, next_random(seed));
        member->context = aligned_alloc(64, context_size);
        memset(member->context, 0, context_size);
        EG_ASSERT(eg__srtp_init(&member->srtp, crowd->crypto, member->context, &keys));
        member->oracle = create_oracle(profile, &keys.local, ssrc_any_outbound, sec_serv_conf_and_auth);
        EG_ASSERT(member->oracle != NULL);
        member->ssrc = (uint32_t)next_random(seed);
        member->index = (uint32_t)next_random(seed) & 0x7fff;
    }
    return crowd;
}

static void crowd_destroy(struct crowd *crowd) {
    for (size_t i = 0; i < CROWD_SIZE; i++) {
        eg__srtp_deinit(&crowd->members[i].srtp);
        free(crowd->members[i].context);
        srtp_dealloc(crowd->members[i].oracle);
    }
    eg__crypto_destroy(crowd->crypto);
    free(crowd);
}

// One packet of anyone's and any size behind `at`. Gives the place behind it.
static size_t protect_one_of_crowd(struct eg_check *check, struct crowd *crowd, uint64_t *seed, size_t at) {
    struct crowd_member *member = &crowd->members[next_random(seed) % CROWD_SIZE];
    size_t size = next_random(seed) % (PAYLOAD_SIZE_MAX + 1);
    size_t offset = next_random(seed) % (PAYLOAD_SIZE_MAX + 1 - size);
    uint8_t *packet = crowd->arena + at, *expected = crowd->expected + at;
    const uint8_t header[HEADER_SIZE] = {0x80, 96, (uint8_t)(member->index >> 8), (uint8_t)member->index};
    memcpy(packet, header, HEADER_SIZE);
    write_u32(packet + 8, member->ssrc);
    memcpy(expected, packet, HEADER_SIZE);
    size_t protected_size = eg__srtp_protect(&member->srtp, member->index >> 16, packet, crowd->payload + offset, size);

    // libsrtp wants its packets aligned.
    _Alignas(8) uint8_t aligned[HEADER_SIZE + PAYLOAD_SIZE_MAX + SRTP_MAX_TRAILER_LEN];
    int aligned_size = (int)(HEADER_SIZE + size);
    memcpy(aligned, expected, HEADER_SIZE);
    memcpy(aligned + HEADER_SIZE, crowd->payload + offset, size);
    CHECK(srtp_protect(member->oracle, aligned, &aligned_size) == srtp_err_status_ok);
    CHECK_EQUAL(protected_size, (size_t)aligned_size);
    memcpy(expected, aligned, (size_t)aligned_size);
    member->index += 1 + (uint32_t)(next_random(seed) >> 54);
    return at + protected_size;
}

static void check_crowd(struct eg_check *check, const char *backend, enum eg_srtp_profile profile, uint32_t packets) {
    uint64_t seed = 30 + (uint64_t)profile;
    struct crowd *crowd = crowd_create(backend, profile, &seed);
    for (uint32_t done = 0, group = 0; done < packets; group++) {
        uint32_t together = 1 + (uint32_t)(next_random(&seed) % TOGETHER_MAX);
        size_t at = 0;
        for (uint32_t i = 0; i < together; i++) at = protect_one_of_crowd(check, crowd, &seed, at);
        eg__crypto_finish(crowd->crypto);
        CHECK_ROW(memcmp(crowd->arena, crowd->expected, at) == 0, group);
        done += together;
    }
    for (size_t i = 0; i < CROWD_SIZE; i++) CHECK_ROW(crowd->members[i].index >> 16 > 10, i);
    crowd_destroy(crowd);
}

static void millions_of_packets_of_many_sessions_finished_together_equal_libsrtps(struct eg_check *check) {
    for (size_t b = 0; b < BACKEND_COUNT; b++)
        for (size_t p = 0; p < PROFILE_COUNT; p++) check_crowd(check, backend_names[b], profiles[p], PACKETS / PACKETS_PART);
}

static void packets_that_differ_in_index_or_ssrc_are_hidden_differently(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 5);
        struct fixture fixture;
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        static const struct {
            uint32_t roc;
            uint8_t header[HEADER_SIZE];
        } rows[] = {
            {0, {0x80}}, {1, {0x80}}, {0x10000, {0x80}}, {0x1000000, {0x80}}, {0, {0x80, 0, 0, 1}}, {0, {0x80, 0, 1, 0}},
            {0, {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, {0, {0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}},
        };
        enum { ROW_COUNT = sizeof rows / sizeof rows[0] };
        uint8_t packets[ROW_COUNT][HEADER_SIZE + 16 + EG_SRTP_TAG_SIZE_MAX], payload[16] = {0};
        for (size_t i = 0; i < ROW_COUNT; i++) {
            memcpy(packets[i], rows[i].header, HEADER_SIZE);
            protect(&fixture, rows[i].roc, packets[i], payload, sizeof payload);
            for (size_t j = 0; j < i; j++) CHECK_ROW(memcmp(packets[i] + HEADER_SIZE, packets[j] + HEADER_SIZE, 16) != 0, i);
        }
        fixture_destroy(&fixture);
    }
}

static void rtcp_that_libsrtp_protects_is_opened(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 11);
        struct fixture fixture;
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        srtp_t oracle = create_oracle(profiles[p], &keys.remote, ssrc_any_outbound, sec_serv_conf_and_auth);
        REQUIRE(oracle != NULL);
        uint64_t random = 3;
        for (size_t size = 8; size <= RTCP_SIZE_MAX; size += 4) {
            _Alignas(8) uint8_t plain[RTCP_SIZE_MAX], packet[RTCP_SIZE_MAX + RTCP_ROOM];
            make_rtcp(&random, plain, size, 0xfa17fa17);
            memcpy(packet, plain, size);
            size_t protected_size = oracle_protect_rtcp(oracle, packet, size);
            CHECK_ROW(protected_size > size, size);
            uint8_t *received = malloc(protected_size), *opened = malloc(protected_size); // exactly, so that nothing beyond is touched
            memcpy(received, packet, protected_size);
            CHECK_ROW(eg__srtcp_unprotect(&fixture.srtp, received, protected_size, opened) == size, size);
            CHECK_ROW(memcmp(opened, plain, size) == 0, size);
            free(received);
            free(opened);
        }
        srtp_dealloc(oracle);
        fixture_destroy(&fixture);
    }
}

static void rtcp_that_we_protect_is_opened_by_libsrtp_and_equals_its_own(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 12);
        struct fixture fixture;
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        srtp_t receiver = create_oracle(profiles[p], &keys.local, ssrc_any_inbound, sec_serv_conf_and_auth);
        srtp_t sender = create_oracle(profiles[p], &keys.local, ssrc_any_outbound, sec_serv_conf_and_auth);
        REQUIRE(receiver != NULL && sender != NULL);
        uint64_t random = 4;
        for (size_t size = 8; size <= RTCP_SIZE_MAX; size += 4) {
            _Alignas(8) uint8_t plain[RTCP_SIZE_MAX], packet[RTCP_SIZE_MAX + RTCP_ROOM], expected[RTCP_SIZE_MAX + RTCP_ROOM];
            make_rtcp(&random, plain, size, 0x1234);
            memcpy(packet, plain, size);
            size_t protected_size = eg__srtcp_protect(&fixture.srtp, packet, size);
            if (size > 8) { // ours counts from 0, as RFC 3711 §3.4 says, and libsrtp from 1
                memcpy(expected, plain, size);
                CHECK_ROW(oracle_protect_rtcp(sender, expected, size) == protected_size, size);
                CHECK_ROW(memcmp(packet, expected, protected_size) == 0, size);
            }
            int opened_size = (int)protected_size;
            CHECK_ROW(srtp_unprotect_rtcp(receiver, packet, &opened_size) == srtp_err_status_ok, size);
            CHECK_ROW((size_t)opened_size == size && memcmp(packet, plain, size) == 0, size);
        }
        srtp_dealloc(receiver);
        srtp_dealloc(sender);
        fixture_destroy(&fixture);
    }
}

// Packets of 32 bytes that one libsrtp session protected; the index of packets[i] is i + 1.
struct recording {
    size_t size; // [B] of each
    uint8_t packets[256][96];
};

static bool record(struct recording *recording, enum eg_srtp_profile profile, const struct eg_srtp_master *master, size_t count,
                   uint32_t ssrc) {
    srtp_t oracle = create_oracle(profile, master, ssrc_any_outbound, sec_serv_conf_and_auth);
    if (oracle == NULL) return false;
    uint64_t random = 8;
    for (size_t i = 0; i < count; i++) {
        _Alignas(8) uint8_t packet[96];
        make_rtcp(&random, packet, 32, ssrc);
        recording->size = oracle_protect_rtcp(oracle, packet, 32);
        memcpy(recording->packets[i], packet, recording->size);
    }
    srtp_dealloc(oracle);
    return recording->size > 32;
}

static void rtcp_is_accepted_once_and_within_64_of_the_highest(struct eg_check *check) {
    static const struct {
        uint32_t index;
        bool is_accepted;
    } rows[] = {
        {1, true},   {1, false},   {2, true},   {5, true},    {3, true},   {3, false}, {4, true},    {5, false},  {70, true},
        {6, false},  {7, true},    {7, false},  {69, true},   {70, false}, {5, false}, {134, true},  {70, false}, {71, true},
        {199, true}, {135, false}, {136, true}, {136, false}, {200, true}, {136, false}, {137, true}, {199, false}, {201, true},
    };
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 13);
        struct fixture fixture;
        struct recording recording;
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        REQUIRE(record(&recording, profiles[p], &keys.remote, 201, 1));
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            uint8_t opened[96];
            size_t size = eg__srtcp_unprotect(&fixture.srtp, recording.packets[rows[i].index - 1], recording.size, opened);
            CHECK_ROW((size == 32) == rows[i].is_accepted && (size == 0) != rows[i].is_accepted, i);
        }
        fixture_destroy(&fixture);
    }
}

// Browsers report audio and video under two SSRCs in one session, and count each from the start.
static void each_sender_has_indices_of_its_own(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 14);
        struct fixture fixture;
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        srtp_t oracle = create_oracle(profiles[p], &keys.remote, ssrc_any_outbound, sec_serv_conf_and_auth);
        REQUIRE(oracle != NULL);
        uint64_t random = 9;
        for (size_t i = 0; i < 200; i++) {
            _Alignas(8) uint8_t packet[96];
            uint8_t opened[96];
            make_rtcp(&random, packet, 32, i % 2 == 0 ? 0x00000001 : 0xfa17fa17);
            size_t size = oracle_protect_rtcp(oracle, packet, 32);
            CHECK_ROW(eg__srtcp_unprotect(&fixture.srtp, packet, size, opened) == 32, i);
            CHECK_ROW(eg__srtcp_unprotect(&fixture.srtp, packet, size, opened) == 0, i);
        }
        CHECK_EQUAL(fixture.srtp.replay_count, 2);
        srtp_dealloc(oracle);
        fixture_destroy(&fixture);
    }
}

static void senders_are_limited_and_only_authentic_ones_count(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 15);
        struct fixture fixture;
        struct recording recording;
        uint8_t opened[96];
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        for (uint32_t ssrc = 0; ssrc < 20; ssrc++) {
            REQUIRE(record(&recording, profiles[p], &keys.remote, 2, ssrc));
            recording.packets[0][12] ^= 1;
            CHECK_ROW(eg__srtcp_unprotect(&fixture.srtp, recording.packets[0], recording.size, opened) == 0, ssrc);
        }
        CHECK_EQUAL(fixture.srtp.replay_count, 0);
        for (uint32_t ssrc = 0; ssrc <= EG_SRTCP_SENDERS_MAX; ssrc++) {
            REQUIRE(record(&recording, profiles[p], &keys.remote, 2, ssrc));
            size_t expected = ssrc < EG_SRTCP_SENDERS_MAX ? 32 : 0;
            CHECK_ROW(eg__srtcp_unprotect(&fixture.srtp, recording.packets[0], recording.size, opened) == expected, ssrc);
        }
        REQUIRE(record(&recording, profiles[p], &keys.remote, 2, 0));
        CHECK_EQUAL(eg__srtcp_unprotect(&fixture.srtp, recording.packets[0], recording.size, opened), 0);
        CHECK_EQUAL(eg__srtcp_unprotect(&fixture.srtp, recording.packets[1], recording.size, opened), 32);
        fixture_destroy(&fixture);
    }
}

static void rtcp_with_any_bit_changed_is_refused_and_changes_nothing(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 16);
        struct fixture fixture;
        struct recording recording;
        uint8_t opened[96];
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        REQUIRE(record(&recording, profiles[p], &keys.remote, 2, 77));
        CHECK_EQUAL(eg__srtcp_unprotect(&fixture.srtp, recording.packets[0], recording.size, opened), 32);
        uint8_t *packet = recording.packets[1];
        struct eg_srtp before = fixture.srtp;
        for (size_t bit = 0; bit < recording.size * 8; bit++) {
            packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK_ROW(eg__srtcp_unprotect(&fixture.srtp, packet, recording.size, opened) == 0, bit);
            packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CHECK(memcmp(&before, &fixture.srtp, sizeof before) == 0);
        CHECK_EQUAL(eg__srtcp_unprotect(&fixture.srtp, packet, recording.size, opened), 32);
        fixture_destroy(&fixture);
    }
}

static void rtcp_cut_short_is_refused(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 17);
        struct fixture fixture;
        struct recording recording;
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        REQUIRE(record(&recording, profiles[p], &keys.remote, 1, 77));
        for (size_t size = 0; size < recording.size; size++) {
            uint8_t *packet = malloc(size + 1), *opened = malloc(size + 1);
            memcpy(packet + 1, recording.packets[0], size); // up to the very end of the memory, and not aligned
            CHECK_ROW(eg__srtcp_unprotect(&fixture.srtp, packet + 1, size, opened + 1) == 0, size);
            free(packet);
            free(opened);
        }
        fixture_destroy(&fixture);
    }
}

static void rtcp_that_libsrtp_only_authenticates_is_refused(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 18);
        struct fixture fixture;
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        srtp_t oracle = create_oracle(profiles[p], &keys.remote, ssrc_any_outbound, sec_serv_auth);
        REQUIRE(oracle != NULL);
        _Alignas(8) uint8_t packet[96];
        uint8_t opened[96];
        uint64_t random = 10;
        make_rtcp(&random, packet, 32, 5);
        size_t size = oracle_protect_rtcp(oracle, packet, 32);
        CHECK(size > 32);
        CHECK_EQUAL(eg__srtcp_unprotect(&fixture.srtp, packet, size, opened), 0);
        srtp_dealloc(oracle);
        fixture_destroy(&fixture);
    }
}

static void rtcp_under_our_own_key_is_refused(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 19);
        struct fixture fixture;
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        uint8_t packet[96] = {0x80, 201}, opened[96];
        size_t size = eg__srtcp_protect(&fixture.srtp, packet, 32);
        CHECK(size > 32);
        CHECK_EQUAL(eg__srtcp_unprotect(&fixture.srtp, packet, size, opened), 0); // reflected by someone on the way
        fixture_destroy(&fixture);
    }
}

static void the_rtcp_index_ends_at_31_bits(struct eg_check *check) {
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct eg_srtp_keys keys = make_keys(profiles[p], 20);
        keys.remote = keys.local; // so that it can open its own
        struct fixture fixture;
        REQUIRE(fixture_init(&fixture, NULL, &keys));
        static const struct {
            uint32_t index;
            bool is_protected;
        } rows[] = {{0, true}, {1, true}, {0x7ffffffe, true}, {0x7fffffff, true}, {0x80000000, false}, {0xffffffff, false}};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            uint8_t packet[96] = {0x80, 201}, opened[96];
            fixture.srtp.rtcp_index = rows[i].index;
            size_t size = eg__srtcp_protect(&fixture.srtp, packet, 32);
            CHECK_ROW((size > 0) == rows[i].is_protected, i);
            CHECK_ROW(eg__srtcp_unprotect(&fixture.srtp, packet, size, opened) == (rows[i].is_protected ? 32 : 0), i);
            CHECK_ROW(fixture.srtp.rtcp_index == rows[i].index + (rows[i].is_protected ? 1 : 0), i);
        }
        fixture_destroy(&fixture);
    }
}

static void deinit_leaves_no_key_behind(struct eg_check *check) {
    for (size_t b = 0; b < BACKEND_COUNT; b++) {
        for (size_t p = 0; p < PROFILE_COUNT; p++) {
            struct eg_srtp_keys keys = make_keys(profiles[p], 21);
            struct fixture fixture;
            REQUIRE(fixture_init(&fixture, backend_names[b], &keys));
            eg__srtp_deinit(&fixture.srtp);
            static const struct eg_srtp nothing;
            CHECK(memcmp(&fixture.srtp, &nothing, sizeof nothing) == 0);
            const uint8_t *context = fixture.context;
            for (size_t i = 0; i < eg__srtp_context_size(fixture.crypto); i++) CHECK_ROW(context[i] == 0, i);
            free(fixture.context);
            eg__crypto_destroy(fixture.crypto);
        }
    }
}

static const struct eg_test tests[] = {
    EG_TEST(session_keys_are_derived_as_in_rfc_3711_b_3),
    EG_TEST(a_salt_of_12_bytes_counts_as_padded_with_zeros),
    EG_TEST(rtp_is_protected_as_in_rfc_7714_16_1_1),
    EG_TEST(rtcp_is_protected_and_opened_as_in_rfc_7714_17_1),
    EG_TEST(rtcp_that_is_only_authenticated_as_in_rfc_7714_17_3_is_refused),
    EG_TEST(rtp_is_protected_in_counter_mode_as_libsrtp_publishes),
    EG_TEST(rtp_of_every_size_equals_libsrtps_across_roll_overs),
    EG_TEST(rtp_with_an_extension_equals_libsrtps),
    EG_TEST(millions_of_packets_of_many_sessions_finished_together_equal_libsrtps),
    EG_TEST(packets_that_differ_in_index_or_ssrc_are_hidden_differently),
    EG_TEST(rtcp_that_libsrtp_protects_is_opened),
    EG_TEST(rtcp_that_we_protect_is_opened_by_libsrtp_and_equals_its_own),
    EG_TEST(rtcp_is_accepted_once_and_within_64_of_the_highest),
    EG_TEST(each_sender_has_indices_of_its_own),
    EG_TEST(senders_are_limited_and_only_authentic_ones_count),
    EG_TEST(rtcp_with_any_bit_changed_is_refused_and_changes_nothing),
    EG_TEST(rtcp_cut_short_is_refused),
    EG_TEST(rtcp_that_libsrtp_only_authenticates_is_refused),
    EG_TEST(rtcp_under_our_own_key_is_refused),
    EG_TEST(the_rtcp_index_ends_at_31_bits),
    EG_TEST(deinit_leaves_no_key_behind),
};
EG_TEST_SUITE(srtp, tests);
