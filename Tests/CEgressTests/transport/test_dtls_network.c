// DTLS over a network that loses, repeats, cuts and reorders, and on which others write too.
#include "support/check.h"
#include "support/dtls_link.h"

#include "transport/dtls.h"

#include <stdlib.h>
#include <string.h>

// The hello, and the flights after it, in datagrams of 256 bytes, each the fragment of a message.
static const struct eg_dtls_client_config fragmenting = {.profiles = EG_DTLS_CLIENT_PROFILES, .mtu = 256, .padding = 1500};

static void swap(struct eg_dtls_datagram *a, struct eg_dtls_datagram *b) {
    struct eg_dtls_datagram other = *a;
    *a = *b;
    *b = other;
}

static void a_fragmented_hello_is_put_together(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&fragmenting);
    eg_dtls_client_start(link->client, link->now);
    CHECK(link->to_server_count >= 7);
    for (int i = 0; i < 4; i++) {
        eg_dtls_link_deliver_to_server(link);
        eg_dtls_link_deliver_to_client(link);
    }
    CHECK(eg_dtls_link_is_up(link));
    CHECK(eg_dtls_link_keys_match(link));
    eg_dtls_link_destroy(link);
}

static void fragments_may_be_reordered_and_repeated(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&fragmenting);
    eg_dtls_client_start(link->client, link->now);
    for (int i = 0; i < 4 && !eg_dtls_link_is_up(link); i++) {
        size_t count = link->to_server_count;
        for (size_t at = 0; at < count; at++) {
            const struct eg_dtls_datagram *datagram = &link->to_server[at];
            eg_dtls_link_push(link->to_server, &link->to_server_count, datagram->bytes, datagram->size);
        }
        for (size_t at = 0; at < count / 2; at++) swap(&link->to_server[at], &link->to_server[2 * count - 1 - at]);
        for (size_t at = 1; at + 3 < 2 * count; at += 3) swap(&link->to_server[at], &link->to_server[at + 2]);
        eg_dtls_link_deliver_to_server(link);
        eg_dtls_link_deliver_to_client(link);
    }
    for (int i = 0; i < 20 && !eg_dtls_link_is_up(link); i++) {
        link->now += 50 * EG_MILLISECOND;
        eg_dtls_link_tick(link);
        eg_dtls_link_deliver_to_server(link);
        eg_dtls_link_deliver_to_client(link);
    }
    CHECK(eg_dtls_link_is_up(link));
    CHECK(eg_dtls_link_keys_match(link));
    eg_dtls_link_destroy(link);
}

static void records_that_share_a_datagram_are_all_read(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&fragmenting);
    eg_dtls_client_start(link->client, link->now);
    for (int i = 0; i < 4 && !eg_dtls_link_is_up(link); i++) {
        uint8_t together[EG_DATAGRAM_SIZE_MAX];
        size_t size = 0;
        for (size_t at = 0; at < link->to_server_count; at++) {
            const struct eg_dtls_datagram *datagram = &link->to_server[at];
            if (size + datagram->size > sizeof together) {
                eg_dtls_link_give_server(link, together, size);
                size = 0;
            }
            memcpy(together + size, datagram->bytes, datagram->size);
            size += datagram->size;
        }
        link->to_server_count = 0;
        eg_dtls_link_give_server(link, together, size);
        eg_dtls_link_deliver_to_client(link);
    }
    CHECK(eg_dtls_link_is_up(link));
    eg_dtls_link_destroy(link);
}

// Runs in virtual time until both are connected or the server has given up, dropping what `is_lost` says of the n-th datagram.
static bool shake_hands_with_losses(struct eg_dtls_link *link, bool (*is_lost)(void *state, size_t n), void *state) {
    eg_dtls_client_start(link->client, link->now);
    size_t n = 0;
    for (int i = 0; i < 2000 && !eg_dtls_link_is_up(link) && link->server.state != EG_DTLS_FAILED; i++) {
        size_t kept = 0;
        for (size_t at = 0; at < link->to_server_count; at++) {
            if (!is_lost(state, n++)) swap(&link->to_server[kept++], &link->to_server[at]);
        }
        link->to_server_count = kept;
        eg_dtls_link_deliver_to_server(link);
        for (size_t at = kept = 0; at < link->to_client_count; at++) {
            if (!is_lost(state, n++)) swap(&link->to_client[kept++], &link->to_client[at]);
        }
        link->to_client_count = kept;
        eg_dtls_link_deliver_to_client(link);
        link->now += 5 * EG_MILLISECOND;
        eg_dtls_link_tick(link);
    }
    return eg_dtls_link_is_up(link);
}

static bool is_that_one(void *state, size_t n) { return n == *(size_t *)state; }

static void any_single_datagram_may_be_lost(struct eg_check *check) {
    static const struct eg_dtls_client_config *const configs[] = {&eg_dtls_link_browser, &fragmenting};
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t lost = 0; lost < (kind == 0 ? 6 : 26); lost++) {
            struct eg_dtls_link *link = eg_dtls_link_create(configs[kind]);
            CHECK_ROW(shake_hands_with_losses(link, is_that_one, &lost), lost);
            CHECK_ROW(link->server.state == EG_DTLS_CONNECTED && eg_dtls_link_keys_match(link), lost);
            CHECK_ROW(link->now < 1000 * EG_SECOND + EG_SECOND, lost);
            eg_dtls_link_destroy(link);
        }
    }
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static bool is_one_of_four(void *state, size_t n) {
    (void)n;
    return next_random(state) % 4 == 0;
}

static void a_quarter_of_all_datagrams_may_be_lost(struct eg_check *check) {
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
        uint32_t state = seed;
        CHECK_ROW(shake_hands_with_losses(link, is_one_of_four, &state), seed);
        CHECK_ROW(eg_dtls_link_keys_match(link), seed);
        eg_dtls_link_destroy(link);
    }
}

static const uint8_t plain_fatal_alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
static const uint8_t plain_close_notify[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0};

static void give_server_nonsense(struct eg_dtls_link *link, uint32_t *random) {
    static const uint8_t headers[][13] = {
        {20, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 40},   // protected by nobody's keys
        {21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 26},
        {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 40},
        {23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 40},   // data in the plain
        {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 40},
        {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff}, // longer than its datagram
        {22, 0xfe, 0xfd, 0, 2, 0, 0, 0, 0, 0, 1, 0, 40},   // an epoch that never comes
        {22, 0x03, 0x03, 0, 0, 0, 0, 0, 0, 0, 1, 0, 40},   // TLS, no DTLS
        {25, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 40},   // no known type
        {63, 0xfe, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0},
    };
    eg_dtls_link_give_server(link, plain_fatal_alert, sizeof plain_fatal_alert);
    eg_dtls_link_give_server(link, plain_close_notify, sizeof plain_close_notify);
    uint8_t bytes[13 + 40];
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        memcpy(bytes, headers[i], 13);
        for (size_t at = 13; at < sizeof bytes; at++) bytes[at] = (uint8_t)next_random(random);
        eg_dtls_link_give_server(link, bytes, sizeof bytes);
    }
    for (size_t size = 0; size < 14; size++) eg_dtls_link_give_server(link, headers[2], size < 13 ? size : 13);
}

// The client's datagrams cut off at every byte, before the whole ones come. A record that is cut is no record.
static void give_server_halves(struct eg_dtls_link *link) {
    for (size_t i = 0; i < link->to_server_count; i++) {
        size_t first_record_size = 13u + ((size_t)link->to_server[i].bytes[11] << 8) + link->to_server[i].bytes[12];
        for (size_t size = 0; size < first_record_size; size++) eg_dtls_link_give_server(link, link->to_server[i].bytes, size);
    }
}

static void nonsense_and_plain_alerts_at_any_step_change_nothing(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    uint32_t random = 7;
    eg_dtls_client_start(link->client, link->now);
    for (int i = 0; i < 4 && !eg_dtls_link_is_up(link); i++) {
        give_server_nonsense(link, &random);
        give_server_halves(link);
        CHECK(link->server.state != EG_DTLS_FAILED);
        eg_dtls_link_deliver_to_server(link);
        eg_dtls_link_deliver_to_client(link);
    }
    CHECK(eg_dtls_link_is_up(link));
    link->now += EG_SECOND;
    CHECK_EQUAL(link->server.state, EG_DTLS_CONNECTED);
    eg_dtls_link_give_server(link, plain_fatal_alert, sizeof plain_fatal_alert);
    eg_dtls_link_give_server(link, plain_close_notify, sizeof plain_close_notify);
    CHECK_EQUAL(link->to_client_count, 0);
    give_server_nonsense(link, &random);
    CHECK_EQUAL(link->server.state, EG_DTLS_CONNECTED);
    CHECK(eg_dtls_link_keys_match(link));
    eg_dtls_link_destroy(link);
}

static void protected_records_that_come_early_are_kept_in_small_number(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_link_reach_last_flight(link);
    uint32_t before = link->server.received_size;
    uint8_t early[13 + 40] = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 40};
    for (uint8_t i = 0; i < 200; i++) {
        early[10] = i;
        eg_dtls_link_give_server(link, early, sizeof early);
    }
    CHECK_EQUAL(link->server.received_size - before, 4 * sizeof early);
    eg_dtls_link_deliver_to_server(link);
    eg_dtls_link_deliver_to_client(link);
    CHECK(eg_dtls_link_is_up(link));
    eg_dtls_link_destroy(link);
}

static void a_finished_that_overtakes_its_flight_is_used(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&fragmenting);
    eg_dtls_link_reach_last_flight(link);
    REQUIRE(link->to_server_count > 1);
    struct eg_dtls_datagram *last = &link->to_server[link->to_server_count - 1];
    enum { FINISHED_SIZE = 13 + 8 + 12 + 12 + 16 }; // record, nonce, handshake header, verify data, tag
    REQUIRE(last->size >= FINISHED_SIZE);
    last->size -= FINISHED_SIZE;
    eg_dtls_link_give_server(link, last->bytes + last->size, FINISHED_SIZE);
    CHECK_EQUAL(link->server.early_count, 1);
    CHECK_EQUAL(link->server.state, EG_DTLS_HANDSHAKING);
    eg_dtls_link_deliver_to_server(link);
    CHECK_EQUAL(link->server.state, EG_DTLS_CONNECTED);
    eg_dtls_link_deliver_to_client(link);
    CHECK(eg_dtls_link_is_up(link));
    CHECK_EQUAL(link->client->repeat_count, 0);
    eg_dtls_link_destroy(link);
}

static void a_change_of_cipher_that_comes_early_does_no_harm(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_link_reach_last_flight(link);
    // Alone, and in front of the records that should have come before it, which must be read all the same.
    uint8_t bytes[14 + EG_DATAGRAM_SIZE_MAX] = {20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 59, 0, 1, 1};
    eg_dtls_link_give_server(link, bytes, 14);
    CHECK_EQUAL(link->server.state, EG_DTLS_HANDSHAKING);
    const struct eg_dtls_datagram first = link->to_server[0];
    bytes[10]++;
    memcpy(bytes + 14, first.bytes, first.size);
    eg_dtls_link_give_server(link, bytes, 14 + first.size);
    memmove(&link->to_server[0], &link->to_server[1], --link->to_server_count * sizeof first);
    eg_dtls_link_deliver_to_server(link);
    eg_dtls_link_deliver_to_client(link);
    CHECK(eg_dtls_link_is_up(link));
    CHECK_EQUAL(link->client->repeat_count, 0);
    eg_dtls_link_destroy(link);
}

static void a_bad_hello_does_not_end_the_session(struct eg_check *check) {
    static const char *const bad_ciphers[] = {
        "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0", // no encryption
        "ECDHE-ECDSA-AES256-SHA384",        // CBC
        "ECDHE-RSA-AES128-GCM-SHA256",      // a certificate that we don't have
    };
    for (size_t row = 0; row < sizeof bad_ciphers / sizeof bad_ciphers[0]; row++) {
        const struct eg_dtls_client_config bad = {.profiles = EG_DTLS_CLIENT_PROFILES, .ciphers = bad_ciphers[row]};
        struct eg_dtls_link *link = eg_dtls_link_create(&bad);
        const eg_time deadline = eg__dtls_deadline(&link->server);
        for (int i = 0; i < 3; i++) {
            eg_dtls_client_start(link->client, link->now);
            CHECK_ROW(link->to_server_count == 1, row);
            eg_dtls_link_deliver_to_server(link);
            CHECK_ROW(link->server.state == EG_DTLS_HANDSHAKING, row);
            // The alert would reach whoever owns the address, who need not have written that hello.
            CHECK_ROW(link->to_client_count == 0, row);
            CHECK_ROW(eg__dtls_deadline(&link->server) == deadline, row);
            eg_dtls_link_replace_client(link, &bad);
        }
        eg_dtls_link_replace_client(link, &eg_dtls_link_browser);
        CHECK_ROW(eg_dtls_link_shake_hands(link), row);
        CHECK_ROW(eg_dtls_link_keys_match(link), row);
        eg_dtls_link_destroy(link);
    }
}

static void bad_hellos_and_nothing_else_are_told_from_silence(struct eg_check *check) {
    const struct eg_dtls_client_config cbc = {.profiles = EG_DTLS_CLIENT_PROFILES, .ciphers = "ECDHE-ECDSA-AES256-SHA384"};
    struct eg_dtls_link *link = eg_dtls_link_create(&cbc);
    eg_dtls_client_start(link->client, link->now);
    eg_dtls_link_deliver_to_server(link);
    link->now += EG_DTLS_HANDSHAKE_TIMEOUT;
    eg_dtls_link_tick(link);
    CHECK_EQUAL(link->server.state, EG_DTLS_FAILED);
    CHECK_EQUAL(link->server.failure, EG_DTLS_FAILURE_PROTOCOL);
    eg_dtls_link_destroy(link);
}

static void a_message_out_of_turn_in_place_of_the_hello_does_not_end_the_session(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    for (uint8_t type = 0; type < 32; type++) {
        // An empty handshake message of that type, in one fragment.
        const uint8_t message[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, type, 0, 12, type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        eg_dtls_link_give_server(link, message, sizeof message);
        CHECK_ROW(link->server.state == EG_DTLS_HANDSHAKING, type);
    }
    CHECK_EQUAL(link->to_client_count, 0);
    CHECK(eg_dtls_link_shake_hands(link));
    eg_dtls_link_destroy(link);
}

static void more_bytes_than_a_handshake_takes_end_it(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&(struct eg_dtls_client_config){.profiles = EG_DTLS_CLIENT_PROFILES, .padding = 600});
    eg_dtls_client_start(link->client, link->now);
    struct eg_dtls_datagram hello = link->to_server[0];
    uint32_t total = 0;
    while (total + hello.size <= EG_DTLS_HANDSHAKE_SIZE_MAX) {
        total += (uint32_t)hello.size;
        eg_dtls_link_give_server(link, hello.bytes, hello.size);
        REQUIRE(link->server.state == EG_DTLS_HANDSHAKING);
    }
    CHECK_EQUAL(link->server.received_size, total);
    eg_dtls_link_give_server(link, hello.bytes, hello.size);
    CHECK_EQUAL(link->server.state, EG_DTLS_FAILED);
    CHECK_EQUAL(link->server.failure, EG_DTLS_FAILURE_SIZE);
    eg_dtls_link_destroy(link);
}

static const struct eg_test tests[] = {
    EG_TEST(a_fragmented_hello_is_put_together),
    EG_TEST(fragments_may_be_reordered_and_repeated),
    EG_TEST(records_that_share_a_datagram_are_all_read),
    EG_TEST(any_single_datagram_may_be_lost),
    EG_TEST(a_quarter_of_all_datagrams_may_be_lost),
    EG_TEST(nonsense_and_plain_alerts_at_any_step_change_nothing),
    EG_TEST(protected_records_that_come_early_are_kept_in_small_number),
    EG_TEST(a_finished_that_overtakes_its_flight_is_used),
    EG_TEST(a_change_of_cipher_that_comes_early_does_no_harm),
    EG_TEST(a_bad_hello_does_not_end_the_session),
    EG_TEST(bad_hellos_and_nothing_else_are_told_from_silence),
    EG_TEST(a_message_out_of_turn_in_place_of_the_hello_does_not_end_the_session),
    EG_TEST(more_bytes_than_a_handshake_takes_end_it),
};
EG_TEST_SUITE(dtls_network, tests);
