#include "support/check.h"
#include "support/dtls_link.h"

#include "transport/dtls.h"

#include <openssl/err.h>
#include <string.h>

static void a_handshake_gives_both_sides_the_same_keys(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    CHECK(eg_dtls_link_shake_hands(link));
    CHECK_EQUAL(link->server.failure, EG_DTLS_NO_FAILURE);
    CHECK_EQUAL(link->client->flight_count, 2);
    CHECK(eg_dtls_link_keys_match(link));
    char text[EG_FINGERPRINT_TEXT_SIZE] = "";
    CHECK(eg_dtls_client_peer_fingerprint(link->client, text));
    CHECK(strcmp(text, eg__dtls_context_fingerprint(link->context)) == 0);
    CHECK_EQUAL(strlen(text), 95);
    eg_dtls_link_destroy(link);
}

static void the_keys_are_handed_over_once(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    REQUIRE(eg_dtls_link_shake_hands(link));
    struct eg_srtp_keys keys;
    static const struct eg_srtp_keys wiped;
    CHECK(eg__dtls_export(&link->server, &keys));
    CHECK(!eg__dtls_export(&link->server, &keys));
    CHECK(memcmp(&link->server.keys, &wiped, sizeof wiped) == 0);
    eg_dtls_link_destroy(link);
}

static void our_profile_preference_wins(struct eg_check *check) {
    static const struct {
        const char *offered;
        enum eg_srtp_profile agreed;
    } rows[] = {
        {"SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80", EG_SRTP_AEAD_AES_128_GCM},
        {"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM", EG_SRTP_AEAD_AES_128_GCM},
        {"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", EG_SRTP_AEAD_AES_128_GCM},
        {"SRTP_AES128_CM_SHA1_80", EG_SRTP_AES128_CM_SHA1_80},
        {"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", EG_SRTP_AES128_CM_SHA1_80},
        {"SRTP_AEAD_AES_128_GCM", EG_SRTP_AEAD_AES_128_GCM},
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct eg_dtls_link *link = eg_dtls_link_create(&(struct eg_dtls_client_config){.profiles = rows[row].offered});
        CHECK_ROW(eg_dtls_link_shake_hands(link), row);
        CHECK_ROW(link->server.keys.profile == rows[row].agreed, row);
        CHECK_ROW(eg_dtls_link_keys_match(link), row);
        eg_dtls_link_destroy(link);
    }
}

enum { ALERT_HANDSHAKE_FAILURE = 40, ALERT_BAD_CERTIFICATE = 42 };

static void without_a_common_profile_it_fails(struct eg_check *check) {
    static const char *const offered[] = {NULL, "SRTP_AES128_CM_SHA1_32", "SRTP_AEAD_AES_256_GCM"};
    for (size_t row = 0; row < sizeof offered / sizeof offered[0]; row++) {
        struct eg_dtls_link *link = eg_dtls_link_create(&(struct eg_dtls_client_config){.profiles = offered[row]});
        CHECK_ROW(!eg_dtls_link_shake_hands(link), row);
        CHECK_ROW(link->server.state == EG_DTLS_FAILED, row);
        CHECK_ROW(link->server.failure == EG_DTLS_FAILURE_PROFILE, row);
        CHECK_ROW(link->client->alert == ALERT_HANDSHAKE_FAILURE, row);
        CHECK_ROW(link->server.alert.from == EG_DTLS_ALERT_OURS && link->server.alert.description == ALERT_HANDSHAKE_FAILURE, row);
        eg_dtls_link_destroy(link);
    }
}

static void a_certificate_that_is_not_the_one_of_the_sdp_fails(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    link->server.expected.bytes[31] ^= 1;
    CHECK(!eg_dtls_link_shake_hands(link));
    CHECK_EQUAL(link->server.state, EG_DTLS_FAILED);
    CHECK_EQUAL(link->server.failure, EG_DTLS_FAILURE_FINGERPRINT);
    CHECK_EQUAL(link->client->state, EG_DTLS_FAILED);
    CHECK_EQUAL(link->client->alert, ALERT_BAD_CERTIFICATE);
    CHECK(link->server.ssl == NULL);
    CHECK(link->server.flight == NULL);
    CHECK(eg__dtls_deadline(&link->server) == EG_TIME_NEVER);
    // Nothing brings it back, and nothing more is said.
    eg_dtls_link_replace_client(link, &eg_dtls_link_browser);
    CHECK(!eg_dtls_link_shake_hands(link));
    CHECK_EQUAL(link->client->flight_count, 1);
    eg_dtls_link_destroy(link);
}

static void every_hash_of_a_fingerprint_is_compared(struct eg_check *check) {
    static const enum eg_fingerprint_hash others[] = {EG_FINGERPRINT_SHA1, EG_FINGERPRINT_SHA384, EG_FINGERPRINT_SHA512};
    for (size_t row = 0; row < sizeof others / sizeof others[0]; row++) {
        struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
        link->server.expected.hash = others[row]; // of the right bytes for SHA-256
        CHECK_ROW(!eg_dtls_link_shake_hands(link), row);
        CHECK_ROW(link->server.failure == EG_DTLS_FAILURE_FINGERPRINT, row);
        eg_dtls_link_destroy(link);
    }
}

static void a_client_without_a_certificate_fails(struct eg_check *check) {
    const struct eg_dtls_client_config config = {.profiles = EG_DTLS_CLIENT_PROFILES, .has_no_certificate = true};
    struct eg_dtls_link *link = eg_dtls_link_create(&config);
    CHECK(!eg_dtls_link_shake_hands(link));
    CHECK_EQUAL(link->server.state, EG_DTLS_FAILED);
    CHECK_EQUAL(link->server.failure, EG_DTLS_FAILURE_PROTOCOL);
    CHECK_EQUAL(link->client->state, EG_DTLS_FAILED);
    eg_dtls_link_destroy(link);
}

static void the_suite_of_longer_keys_is_taken_when_nothing_else_is_offered(struct eg_check *check) {
    const struct eg_dtls_client_config config = {.profiles = EG_DTLS_CLIENT_PROFILES, .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"};
    struct eg_dtls_link *link = eg_dtls_link_create(&config);
    CHECK(eg_dtls_link_shake_hands(link));
    CHECK(eg_dtls_link_keys_match(link));
    eg_dtls_client_close_notify(link->client);
    eg_dtls_link_deliver_to_server(link);
    CHECK_EQUAL(link->server.state, EG_DTLS_CLOSED);
    eg_dtls_link_destroy(link);
}

static void no_datagram_of_ours_is_longer_than_the_mtu(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_link_reach_last_flight(link);
    for (size_t i = 0; i < EG_DTLS_LINK_QUEUE_MAX; i++) CHECK(link->to_client[i].size <= EG_DTLS_MTU);
    CHECK(link->server.flight_size > 0);
    CHECK(link->server.flight_size <= EG_DTLS_FLIGHT_SIZE_MAX);
    eg_dtls_link_destroy(link);
}

static void the_flight_is_repeated_with_growing_delays_until_it_gives_up(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    const eg_time begin = link->now;
    CHECK_EQUAL(eg__dtls_deadline(&link->server) - begin, 10 * EG_SECOND);
    eg_dtls_client_start(link->client, link->now);
    eg_dtls_link_deliver_to_server(link);
    REQUIRE(link->to_client_count >= 1);
    static struct eg_dtls_datagram first[EG_DTLS_LINK_QUEUE_MAX];
    size_t first_count = link->to_client_count;
    memcpy(first, link->to_client, sizeof first);

    static const unsigned repeated_at_ms[] = {100, 300, 700, 1500, 3100, 5100, 7100, 9100};
    for (size_t row = 0; row < sizeof repeated_at_ms / sizeof repeated_at_ms[0]; row++) {
        CHECK_ROW(eg__dtls_deadline(&link->server) == begin + repeated_at_ms[row] * EG_MILLISECOND, row);
        link->to_client_count = 0;
        link->now = eg__dtls_deadline(&link->server) - 1;
        eg_dtls_link_tick(link);
        CHECK_ROW(link->to_client_count == 0, row);
        link->now++;
        eg__dtls_tick(&link->server, link->now, &link->path, &link->batch);
        eg_dtls_link_take_from_batch(link);
        CHECK_ROW(link->to_client_count == first_count, row);
        for (size_t i = 0; i < first_count; i++) {
            CHECK_ROW(link->to_client[i].size == first[i].size, row);
            CHECK_BYTES(link->to_client[i].bytes, first[i].bytes, first[i].size);
        }
    }
    link->to_client_count = 0;
    CHECK_EQUAL(eg__dtls_deadline(&link->server) - begin, 10 * EG_SECOND);
    link->now = begin + 10 * EG_SECOND;
    CHECK_EQUAL(eg__dtls_tick(&link->server, link->now, &link->path, &link->batch), EG_DTLS_FAILED);
    CHECK_EQUAL(link->server.failure, EG_DTLS_FAILURE_TIMEOUT);
    CHECK_EQUAL(link->batch.message_count, 0);
    eg_dtls_link_destroy(link);
}

static size_t size_to_client(struct eg_dtls_link *link) {
    size_t size = 0;
    for (size_t i = 0; i < link->to_client_count; i++) size += link->to_client[i].size;
    link->to_client_count = 0;
    return size;
}

// Its address may be a victim's that somebody has written on a hello.
static void who_has_not_answered_is_sent_no_more_than_three_times_what_came_from_there(struct eg_check *check) {
    static const size_t allowed[] = {0, 100, 1000, 3000};
    for (size_t row = 0; row < sizeof allowed / sizeof allowed[0]; row++) {
        struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
        link->server.allowance = 0;
        eg__dtls_allow(&link->server, &link->path, allowed[row]);
        eg_dtls_client_start(link->client, link->now);
        size_t sent = 0, received = 0;
        for (size_t i = 0; i < link->to_server_count; i++) received += link->to_server[i].size;
        eg_dtls_link_deliver_to_server(link);
        while (link->server.state == EG_DTLS_HANDSHAKING) {
            sent += size_to_client(link);
            link->now = eg__dtls_deadline(&link->server);
            eg__dtls_tick(&link->server, link->now, &link->path, &link->batch);
            eg_dtls_link_take_from_batch(link);
        }
        CHECK_EQUAL(link->server.failure, EG_DTLS_FAILURE_TIMEOUT);
        CHECK_ROW(sent <= 3 * received + allowed[row], row);
        if (allowed[row] == 3000) CHECK(sent > 3000); // it is a limit, and no silence
        eg_dtls_link_destroy(link);
    }
}

static void what_came_from_one_address_allows_nothing_to_another(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_client_start(link->client, link->now);
    eg_dtls_link_deliver_to_server(link);
    CHECK(size_to_client(link) > 0);
    struct eg_path victim = link->path;
    victim.remote.port++;
    link->now = eg__dtls_deadline(&link->server);
    eg__dtls_tick(&link->server, link->now, &victim, &link->batch);
    eg_dtls_link_take_from_batch(link);
    CHECK_EQUAL(size_to_client(link), 0);
    eg_dtls_link_destroy(link);
}

static void a_client_that_repeats_its_hello_gets_the_flight_when_it_has_said_enough(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    link->server.allowance = 0;
    eg_dtls_client_start(link->client, link->now);
    for (int i = 0; i < 4 && link->client->state == EG_DTLS_HANDSHAKING; i++) {
        eg_dtls_link_deliver_to_server(link);
        eg_dtls_link_deliver_to_client(link);
        eg_dtls_link_deliver_to_server(link);
        eg_dtls_link_deliver_to_client(link);
        link->now += EG_SECOND;
        eg_dtls_client_repeat(link->client);
    }
    CHECK(eg_dtls_link_is_up(link));
    CHECK(eg_dtls_link_keys_match(link));
    eg_dtls_link_destroy(link);
}

static void openssl_has_no_part_in_it_before_there_is_a_hello(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    CHECK(!eg__dtls_is_under_way(&link->server));
    // A certificate that nobody asked for, and an alert.
    static const uint8_t certificate[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 12, 11, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    static const uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 2, 40};
    CHECK(!eg__dtls_would_begin(&link->server, certificate, sizeof certificate));
    eg_dtls_link_give_server(link, certificate, sizeof certificate);
    eg_dtls_link_give_server(link, alert, sizeof alert);
    CHECK(!eg__dtls_is_under_way(&link->server));
    eg_dtls_client_start(link->client, link->now);
    CHECK(eg__dtls_would_begin(&link->server, link->to_server[0].bytes, link->to_server[0].size));
    eg_dtls_link_deliver_to_server(link);
    CHECK(eg__dtls_is_under_way(&link->server));
    CHECK(eg_dtls_link_shake_hands(link));
    CHECK(!eg__dtls_is_under_way(&link->server));
    eg_dtls_link_destroy(link);
}

static void one_that_was_abandoned_waits_for_another_hello(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_link_reach_last_flight(link);
    eg__dtls_abandon(&link->server);
    CHECK(link->server.state == EG_DTLS_HANDSHAKING && !eg__dtls_is_under_way(&link->server) && link->server.flight == NULL);
    CHECK_EQUAL(eg__dtls_deadline(&link->server), link->server.give_up_at);
    eg_dtls_link_deliver_to_server(link); // the flight of the one that it has forgotten
    CHECK(link->server.state == EG_DTLS_HANDSHAKING && !eg__dtls_is_under_way(&link->server));
    eg_dtls_link_replace_client(link, &eg_dtls_link_browser);
    CHECK(eg_dtls_link_shake_hands(link));
    CHECK(eg_dtls_link_keys_match(link));
    eg_dtls_link_destroy(link);
}

static void its_time_and_its_size_can_be_limited_further(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&(struct eg_dtls_client_config){.profiles = EG_DTLS_CLIENT_PROFILES, .padding = 600});
    const struct eg_dtls_limits limits = {.timeout = 3 * EG_SECOND, .size_max = 4096};
    eg__dtls_context_limit(link->context, &limits);
    eg__dtls_expect(&link->server, link->now);
    CHECK_EQUAL(eg__dtls_deadline(&link->server), link->now + 3 * EG_SECOND);
    eg_dtls_client_start(link->client, link->now);
    struct eg_dtls_datagram hello = link->to_server[0];
    for (uint32_t total = 0; total <= 4096; total += (uint32_t)hello.size) {
        CHECK_EQUAL(link->server.state, EG_DTLS_HANDSHAKING);
        eg_dtls_link_give_server(link, hello.bytes, hello.size);
    }
    CHECK_EQUAL(link->server.state, EG_DTLS_FAILED);
    CHECK_EQUAL(link->server.failure, EG_DTLS_FAILURE_SIZE);
    eg_dtls_link_destroy(link);
}

static void without_a_hello_it_gives_up_after_ten_seconds(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    link->now += 10 * EG_SECOND - 1;
    CHECK_EQUAL(eg__dtls_tick(&link->server, link->now, &link->path, &link->batch), EG_DTLS_HANDSHAKING);
    link->now++;
    CHECK_EQUAL(eg__dtls_tick(&link->server, link->now, &link->path, &link->batch), EG_DTLS_FAILED);
    CHECK_EQUAL(link->server.failure, EG_DTLS_FAILURE_SILENCE);
    eg_dtls_link_destroy(link);
}

// It does not end the handshake, since anybody may have written it; but where the handshake comes to nothing it may be why.
static void a_plain_alert_of_the_clients_is_remembered_and_not_believed(struct eg_check *check) {
    static const struct {
        uint8_t bytes[15];
        bool is_remembered;
    } rows[] = {
        {{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, ALERT_BAD_CERTIFICATE}, true},
        {{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0}, false},                      // close_notify
        {{21, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 2, ALERT_BAD_CERTIFICATE}, false},  // protected: that can't be read
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
        eg_dtls_client_start(link->client, link->now);
        eg_dtls_link_deliver_to_server(link);
        eg_dtls_link_give_server(link, rows[row].bytes, sizeof rows[row].bytes);
        CHECK_ROW(link->server.state == EG_DTLS_HANDSHAKING, row);
        CHECK_ROW(link->server.alert.from == (rows[row].is_remembered ? EG_DTLS_ALERT_THEIRS : EG_DTLS_NO_ALERT), row);
        CHECK_ROW(link->server.alert.description == (rows[row].is_remembered ? ALERT_BAD_CERTIFICATE : 0), row);
        eg_dtls_link_destroy(link);
    }
}

static void a_repeated_hello_asks_for_the_flight_at_most_every_20_ms(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_client_start(link->client, link->now);
    struct eg_dtls_datagram hello = link->to_server[0];
    eg_dtls_link_deliver_to_server(link);
    struct eg_dtls_datagram flight = link->to_client[0];
    // Since the flight was sent, and how many there are of it by then.
    static const struct {
        unsigned at_us, count;
    } rows[] = {{0, 0}, {19999, 0}, {20000, 1}, {20001, 0}, {39999, 0}, {40000, 1}};
    const eg_time begin = link->now;
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        link->to_client_count = 0;
        link->now = begin + rows[row].at_us;
        eg_dtls_link_give_server(link, hello.bytes, hello.size);
        CHECK_ROW(link->to_client_count == rows[row].count, row);
    }
    CHECK_EQUAL(link->to_client[0].size, flight.size);
    CHECK_BYTES(link->to_client[0].bytes, flight.bytes, flight.size);
    CHECK_EQUAL(eg__dtls_deadline(&link->server) - begin, EG_DTLS_REPEAT_INITIAL);
    eg_dtls_link_destroy(link);
}

static void a_lost_last_flight_is_repeated_when_the_client_asks(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_link_reach_last_flight(link);
    eg_dtls_link_deliver_to_server(link);
    CHECK_EQUAL(link->server.state, EG_DTLS_CONNECTED);
    CHECK_EQUAL(link->to_client_count, 1);
    struct eg_dtls_datagram lost = link->to_client[0];
    CHECK(eg__dtls_deadline(&link->server) == EG_TIME_NEVER);

    for (int i = 0; i < 5; i++) { // a client may lose it more than once
        link->to_client_count = 0;
        link->now += 10 * EG_MILLISECOND;
        eg_dtls_client_repeat(link->client);
        eg_dtls_link_deliver_to_server(link);
        CHECK_EQUAL(link->to_client_count, 0);
        link->now += 10 * EG_MILLISECOND;
        eg_dtls_client_repeat(link->client);
        eg_dtls_link_deliver_to_server(link);
        REQUIRE(link->to_client_count == 1);
        CHECK_EQUAL(link->to_client[0].size, lost.size);
        CHECK_BYTES(link->to_client[0].bytes, lost.bytes, lost.size);
    }
    CHECK_EQUAL(link->client->state, EG_DTLS_HANDSHAKING);
    eg_dtls_link_deliver_to_client(link);
    CHECK(eg_dtls_link_is_up(link));
    CHECK(eg_dtls_link_keys_match(link));
    eg_dtls_link_destroy(link);
}

static void a_datagram_that_the_batch_had_no_room_for_is_mended_later(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_client_start(link->client, link->now);
    for (int i = 0; i < EG_BATCH_MESSAGES_MAX; i++) eg__batch_append(&link->batch, &link->path, (const uint8_t *)"x", 1);
    struct eg_arrival arrival = {.path = link->path, .bytes = link->to_server[0].bytes, .size = link->to_server[0].size, .at = link->now};
    eg__dtls_receive(&link->server, &arrival, &link->batch);
    eg__batch_clear(&link->batch);
    link->to_server_count = 0;
    link->now = eg__dtls_deadline(&link->server);
    eg__dtls_tick(&link->server, link->now, &link->path, &link->batch);
    eg_dtls_link_take_from_batch(link);
    CHECK(link->to_client_count > 0);
    for (int i = 0; i < 3; i++) {
        eg_dtls_link_deliver_to_client(link);
        eg_dtls_link_deliver_to_server(link);
    }
    eg_dtls_link_deliver_to_client(link);
    CHECK(eg_dtls_link_is_up(link));
    eg_dtls_link_destroy(link);
}

static void a_clients_close_notify_closes_and_is_answered(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    REQUIRE(eg_dtls_link_shake_hands(link));
    eg_dtls_client_close_notify(link->client);
    REQUIRE(link->to_server_count == 1);
    struct eg_dtls_datagram alert = link->to_server[0];
    link->to_server_count = 0;
    // Any bit of it that is not as the client wrote it leaves the connection alone.
    for (size_t bit = 0; bit < alert.size * 8; bit++) {
        if (bit / 8 >= 11 && bit / 8 < 13) continue; // the length: no record then
        alert.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        eg_dtls_link_give_server(link, alert.bytes, alert.size);
        CHECK_ROW(link->server.state == EG_DTLS_CONNECTED, bit);
        alert.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    link->to_client_count = 0;
    eg_dtls_link_give_server(link, alert.bytes, alert.size);
    CHECK_EQUAL(link->server.state, EG_DTLS_CLOSED);
    CHECK_EQUAL(link->to_client_count, 1);
    eg_dtls_link_give_server(link, alert.bytes, alert.size);
    CHECK_EQUAL(link->to_client_count, 1);
    eg_dtls_link_destroy(link);
}

static void our_close_notify_reaches_the_client(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg__dtls_close(&link->server, &link->path, &link->batch);
    CHECK_EQUAL(link->batch.message_count, 0); // there is nobody to tell
    CHECK_EQUAL(link->server.state, EG_DTLS_HANDSHAKING);
    REQUIRE(eg_dtls_link_shake_hands(link));
    eg__dtls_close(&link->server, &link->path, &link->batch);
    eg__dtls_close(&link->server, &link->path, &link->batch);
    eg_dtls_link_take_from_batch(link);
    CHECK_EQUAL(link->to_client_count, 1);
    CHECK_EQUAL(link->server.state, EG_DTLS_CLOSED);
    eg_dtls_link_deliver_to_client(link);
    CHECK_EQUAL(link->client->state, EG_DTLS_CLOSED);
    eg_dtls_link_destroy(link);
}

static void data_is_dropped(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    REQUIRE(eg_dtls_link_shake_hands(link));
    eg_dtls_client_write(link->client, (const uint8_t *)"hello", 5);
    eg_dtls_client_write(link->client, (const uint8_t *)"\x02\x28", 2); // a fatal alert's bytes, but data
    CHECK_EQUAL(link->to_server_count, 2);
    eg_dtls_link_deliver_to_server(link);
    CHECK_EQUAL(link->server.state, EG_DTLS_CONNECTED);
    CHECK_EQUAL(link->to_client_count, 0);
    eg_dtls_link_destroy(link);
}

static void openssl_keeps_nothing_of_a_finished_handshake(struct eg_check *check) {
    struct eg_dtls_link *link = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_link_reach_last_flight(link);
    CHECK(link->server.ssl != NULL);
    eg_dtls_link_deliver_to_server(link);
    REQUIRE(link->server.state == EG_DTLS_CONNECTED);
    CHECK(link->server.ssl == NULL);
    CHECK(link->server.flight_size < 128);
    eg_dtls_link_destroy(link);
}

static void errors_of_one_viewer_do_not_reach_another(struct eg_check *check) {
    const struct eg_dtls_client_config cbc = {.profiles = EG_DTLS_CLIENT_PROFILES, .ciphers = "ECDHE-ECDSA-AES256-SHA384"};
    struct eg_dtls_link *bad = eg_dtls_link_create(&cbc);
    struct eg_dtls_link *good = eg_dtls_link_create(&eg_dtls_link_browser);
    eg_dtls_client_start(bad->client, bad->now);
    eg_dtls_link_deliver_to_server(bad);
    CHECK(ERR_peek_error() == 0);
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR); // left behind by somebody else
    CHECK(eg_dtls_link_shake_hands(good));
    CHECK(ERR_peek_error() == 0);
    eg_dtls_link_destroy(bad);
    eg_dtls_link_destroy(good);
}

static void two_contexts_have_two_certificates(struct eg_check *check) {
    char error[256];
    struct eg_dtls_context *a = eg__dtls_context_create(error, sizeof error);
    struct eg_dtls_context *b = eg__dtls_context_create(error, sizeof error);
    REQUIRE(a != NULL && b != NULL);
    CHECK(strcmp(eg__dtls_context_fingerprint(a), eg__dtls_context_fingerprint(b)) != 0);
    eg__dtls_context_destroy(a);
    eg__dtls_context_destroy(b);
}

// BIO types are numbered, and numbers given out by OpenSSL run out after 127.
static void contexts_can_be_made_without_end(struct eg_check *check) {
    char error[256] = "";
    for (int i = 0; i < 300; i++) {
        struct eg_dtls_context *context = eg__dtls_context_create(error, sizeof error);
        REQUIRE(context != NULL);
        eg__dtls_context_destroy(context);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(a_handshake_gives_both_sides_the_same_keys),
    EG_TEST(the_keys_are_handed_over_once),
    EG_TEST(our_profile_preference_wins),
    EG_TEST(without_a_common_profile_it_fails),
    EG_TEST(a_certificate_that_is_not_the_one_of_the_sdp_fails),
    EG_TEST(every_hash_of_a_fingerprint_is_compared),
    EG_TEST(a_client_without_a_certificate_fails),
    EG_TEST(the_suite_of_longer_keys_is_taken_when_nothing_else_is_offered),
    EG_TEST(no_datagram_of_ours_is_longer_than_the_mtu),
    EG_TEST(the_flight_is_repeated_with_growing_delays_until_it_gives_up),
    EG_TEST(who_has_not_answered_is_sent_no_more_than_three_times_what_came_from_there),
    EG_TEST(what_came_from_one_address_allows_nothing_to_another),
    EG_TEST(a_client_that_repeats_its_hello_gets_the_flight_when_it_has_said_enough),
    EG_TEST(openssl_has_no_part_in_it_before_there_is_a_hello),
    EG_TEST(one_that_was_abandoned_waits_for_another_hello),
    EG_TEST(its_time_and_its_size_can_be_limited_further),
    EG_TEST(without_a_hello_it_gives_up_after_ten_seconds),
    EG_TEST(a_plain_alert_of_the_clients_is_remembered_and_not_believed),
    EG_TEST(a_repeated_hello_asks_for_the_flight_at_most_every_20_ms),
    EG_TEST(a_lost_last_flight_is_repeated_when_the_client_asks),
    EG_TEST(a_datagram_that_the_batch_had_no_room_for_is_mended_later),
    EG_TEST(a_clients_close_notify_closes_and_is_answered),
    EG_TEST(our_close_notify_reaches_the_client),
    EG_TEST(data_is_dropped),
    EG_TEST(openssl_keeps_nothing_of_a_finished_handshake),
    EG_TEST(errors_of_one_viewer_do_not_reach_another),
    EG_TEST(two_contexts_have_two_certificates),
    EG_TEST(contexts_can_be_made_without_end),
};
EG_TEST_SUITE(dtls, tests);
