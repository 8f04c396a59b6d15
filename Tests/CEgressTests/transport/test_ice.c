#include "transport/ice_peer.h"

static void credentials_are_ice_chars_and_each_equally_likely(struct eg_check *check) {
    unsigned counts[256] = {0};
    struct counting_random random = {{count}, 0};
    // 8 bytes of a tie breaker, 8 characters and 24: 40 bytes a time, 1280 in all, each value five times.
    for (int i = 0; i < 32; i++) {
        struct eg_ice ice;
        REQUIRE(eg__ice_init(&ice, &random.random, remote_ufrag, remote_pwd));
        CHECK_EQUAL(strlen(ice.local_ufrag), EG_ICE_UFRAG_SIZE);
        CHECK_EQUAL(strlen(ice.local_pwd), EG_ICE_PWD_SIZE);
        for (const char *c = ice.local_ufrag; *c != '\0'; c++) counts[(uint8_t)*c]++;
        for (const char *c = ice.local_pwd; *c != '\0'; c++) counts[(uint8_t)*c]++;
        eg__ice_deinit(&ice);
    }
    unsigned total = 0, kinds = 0;
    for (unsigned c = 0; c < 256; c++) {
        bool is_ice_char = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
        CHECK_ROW(is_ice_char || counts[c] == 0, c);
        CHECK_ROW(!is_ice_char || (counts[c] >= 12 && counts[c] <= 20), c); // 16 on average
        kinds += counts[c] > 0;
        total += counts[c];
    }
    CHECK_EQUAL(kinds, 64);
    CHECK_EQUAL(total, 32 * 32);
}

static void the_local_ufrag_is_what_stands_before_the_colon(struct eg_check *check) {
    static const struct {
        const char *username; // NULL: absent
        const char *ufrag;    // NULL: none
    } rows[] = {{"abcd:efgh", "abcd"}, {"abcd:", "abcd"}, {":efgh", ""}, {"abcd:e:f", "abcd"}, {"abcd", NULL}, {"", NULL}, {NULL, NULL}};
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct eg_stun stun = {.username = (const uint8_t *)rows[row].username};
        stun.username_size = rows[row].username != NULL ? strlen(rows[row].username) : 0;
        const char *ufrag = NULL;
        size_t size = 99;
        CHECK_ROW(eg__ice_local_ufrag(&stun, &ufrag, &size) == (rows[row].ufrag != NULL), row);
        if (rows[row].ufrag == NULL) continue;
        CHECK_ROW(size == strlen(rows[row].ufrag) && memcmp(ufrag, rows[row].ufrag, size) == 0, row);
    }
}

static void a_check_is_answered_with_the_address_it_came_from(struct eg_check *check) {
    struct peer *peer = peer_create();
    uint8_t bytes[1024];
    size_t size = write_form(peer, &(struct form){0}, bytes);
    CHECK_EQUAL(give(peer, 7, bytes, size), EG_ICE_PATH_SELECTED);
    struct eg_stun reply;
    const uint8_t *reply_bytes;
    size_t reply_size;
    REQUIRE(peer->batch.message_count == 1);
    REQUIRE(written(peer, 0, &reply, &reply_bytes, &reply_size));
    struct eg_path path = path_from(7);
    CHECK(eg__path_equal(&peer->batch.messages[0].path, &path));
    CHECK_EQUAL(reply.type, EG_STUN_BINDING_SUCCESS);
    CHECK_BYTES(reply.transaction_id, bytes + 8, EG_STUN_TRANSACTION_ID_SIZE);
    CHECK(reply.has_mapped_address);
    CHECK(eg__addr_equal(&reply.mapped_address, &path.remote));
    CHECK(reply.has_fingerprint);
    CHECK(eg__stun_verify(&reply, reply_bytes, reply_size, peer->ice.local_pwd, EG_ICE_PWD_SIZE));
    CHECK(reply_size <= size);
    peer_destroy(peer);
}

static void an_ipv6_address_is_answered_in_full(struct eg_check *check) {
    struct peer *peer = peer_create();
    uint8_t bytes[1024];
    size_t size = write_form(peer, &(struct form){0}, bytes);
    struct eg_path path = {.local = {.ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 8189},
                           .remote = {.ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 2}, .port = 65535}};
    struct eg_stun stun, reply;
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    struct eg_arrival arrival = {.path = path, .bytes = bytes, .size = size, .at = peer->now};
    enum eg_ice_event event = eg__ice_receive(&peer->ice, &arrival, &stun, &peer->batch);
    CHECK_EQUAL(event, EG_ICE_PATH_SELECTED);
    const uint8_t *reply_bytes;
    size_t reply_size;
    REQUIRE(written(peer, 0, &reply, &reply_bytes, &reply_size));
    CHECK(eg__addr_equal(&reply.mapped_address, &path.remote));
    CHECK(reply_size <= size);
    peer_destroy(peer);
}

static void who_does_not_know_the_credentials_gets_no_answer(struct eg_check *check) {
    struct peer *peer = peer_create();
    const char *local = peer->ice.local_ufrag;
    char names[8][64];
    snprintf(names[0], 64, "%s:%s", remote_ufrag, local);        // the wrong way round
    snprintf(names[1], 64, "%s:%sx", local, remote_ufrag);       // more than the remote part
    snprintf(names[2], 64, "%s:%.3s", local, remote_ufrag);      // less than it
    snprintf(names[3], 64, "%s:", local);                        // none of it
    snprintf(names[4], 64, "%s", local);                         // no colon
    snprintf(names[5], 64, "x%s:%s", local, remote_ufrag);       // more than the local part
    snprintf(names[6], 64, "%.7s:%s", local, remote_ufrag);      // less than it
    snprintf(names[7], 64, "%s:dcqg", local);                    // another case
    for (size_t row = 0; row < 8; row++) {
        CHECK_ROW(receive(peer, 1, &(struct form){.username = names[row], .is_nominated = true}) == EG_ICE_REJECTED, row);
        CHECK_ROW(peer->batch.message_count == 0, row);
    }
    const struct form forms[] = {
        {.password = "wrong"},      {.password = remote_pwd}, {.password = ""}, {.has_no_username = true}, {.has_no_integrity = true},
        {.username = ""},           {.password = "wrong", .unknown_attribute = 0x7777},
        {.password = "wrong", .is_controlled = true},
    };
    for (size_t row = 0; row < sizeof forms / sizeof forms[0]; row++) {
        CHECK_ROW(receive(peer, 1, &forms[row]) == EG_ICE_REJECTED, row);
        CHECK_ROW(peer->batch.message_count == 0, row);
    }
    CHECK(!peer->ice.has_path);
    CHECK(!is_validated(peer, 1));
    CHECK(eg__ice_deadline(&peer->ice) == EG_TIME_NEVER);
    peer_destroy(peer);
}

static void other_messages_than_checks_are_not_answered(struct eg_check *check) {
    struct peer *peer = peer_create();
    CHECK_EQUAL(receive(peer, 1, &(struct form){.type = EG_STUN_BINDING_INDICATION}), EG_ICE_NOTHING);
    CHECK_EQUAL(peer->batch.message_count, 0);
    CHECK_EQUAL(receive(peer, 1, &(struct form){.type = EG_STUN_BINDING_SUCCESS}), EG_ICE_REJECTED);
    CHECK_EQUAL(receive(peer, 1, &(struct form){.type = EG_STUN_BINDING_ERROR}), EG_ICE_REJECTED);
    CHECK_EQUAL(receive(peer, 1, &(struct form){.type = 0x0003}), EG_ICE_REJECTED); // TURN's Allocate
    CHECK_EQUAL(peer->batch.message_count, 0);
    CHECK(!peer->ice.has_path);
    peer_destroy(peer);
}

static void an_attribute_that_must_be_understood_and_is_not_is_named_in_the_error(struct eg_check *check) {
    struct peer *peer = peer_create();
    CHECK_EQUAL(receive(peer, 1, &(struct form){.unknown_attribute = 0x7777, .is_nominated = true}), EG_ICE_REJECTED);
    struct eg_stun reply;
    const uint8_t *bytes;
    size_t size;
    REQUIRE(written(peer, 0, &reply, &bytes, &size));
    CHECK_EQUAL(reply.type, EG_STUN_BINDING_ERROR);
    CHECK_EQUAL(reply.error_code, 420);
    CHECK(eg__stun_verify(&reply, bytes, size, peer->ice.local_pwd, EG_ICE_PWD_SIZE));
    const uint8_t unknown_attributes[] = {0x00, 0x0a, 0x00, 0x02, 0x77, 0x77, 0x00, 0x00};
    CHECK(memmem(bytes, size, unknown_attributes, sizeof unknown_attributes) != NULL);
    CHECK(!peer->ice.has_path);
    CHECK(!is_validated(peer, 1));
    CHECK_EQUAL(receive(peer, 1, &(struct form){.unknown_attribute = 0xc057}), EG_ICE_PATH_SELECTED); // optional: network cost
    peer_destroy(peer);
}

static void a_controlled_peer_is_told_of_the_conflict(struct eg_check *check) {
    struct peer *peer = peer_create();
    CHECK_EQUAL(receive(peer, 1, &(struct form){.is_controlled = true}), EG_ICE_REJECTED);
    struct eg_stun reply;
    const uint8_t *bytes;
    size_t size;
    REQUIRE(written(peer, 0, &reply, &bytes, &size));
    CHECK_EQUAL(reply.type, EG_STUN_BINDING_ERROR);
    CHECK_EQUAL(reply.error_code, 487);
    CHECK(eg__stun_verify(&reply, bytes, size, peer->ice.local_pwd, EG_ICE_PWD_SIZE));
    CHECK(!peer->ice.has_path);
    peer_destroy(peer);
}

static void the_first_check_selects_its_path_without_a_nomination(struct eg_check *check) {
    struct peer *peer = peer_create();
    CHECK(!is_validated(peer, 1));
    CHECK(eg__ice_deadline(&peer->ice) == EG_TIME_NEVER);
    CHECK_EQUAL(eg__ice_tick(&peer->ice, peer->now + 1000 * EG_SECOND, &peer->batch), EG_ICE_NOTHING);
    CHECK_EQUAL(receive_check(peer, 1), EG_ICE_PATH_SELECTED);
    CHECK(is_selected(peer, 1));
    CHECK(is_validated(peer, 1));
    CHECK(!is_validated(peer, 2));
    CHECK_EQUAL(receive_check(peer, 1), EG_ICE_CHECKED);
    CHECK_EQUAL(receive_nomination(peer, 1), EG_ICE_CHECKED);
    peer_destroy(peer);
}

static void before_it_is_pinned_a_nomination_moves_the_path_at_once(struct eg_check *check) {
    struct peer *peer = peer_create();
    receive_check(peer, 1);
    CHECK_EQUAL(receive_check(peer, 2), EG_ICE_CHECKED);
    CHECK(is_selected(peer, 1));
    CHECK(is_validated(peer, 2));
    CHECK_EQUAL(receive_nomination(peer, 2), EG_ICE_PATH_SELECTED);
    CHECK(is_selected(peer, 2));
    CHECK_EQUAL(peer->batch.message_count, 1); // the answer, and no check of ours
    CHECK(is_validated(peer, 1));
    peer_destroy(peer);
}

static void the_local_address_is_part_of_the_path(struct eg_check *check) {
    struct peer *peer = peer_create();
    receive_check(peer, 1);
    struct eg_path other = path_from(1);
    other.local.port++;
    CHECK(!eg__ice_is_validated(&peer->ice, &other));
    peer_destroy(peer);
}

static void once_pinned_a_new_path_is_checked_first(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    CHECK_EQUAL(receive_check(peer, 2), EG_ICE_CHECKED);
    CHECK_EQUAL(peer->batch.message_count, 1); // not nominated: no check of ours
    CHECK_EQUAL(receive_nomination(peer, 2), EG_ICE_CHECKED);
    CHECK(is_selected(peer, 1));
    struct eg_stun sent;
    const uint8_t *bytes;
    size_t size;
    REQUIRE(written(peer, 1, &sent, &bytes, &size));
    struct eg_path path = path_from(2);
    CHECK(eg__path_equal(&peer->batch.messages[1].path, &path));
    CHECK_EQUAL(sent.type, EG_STUN_BINDING_REQUEST);
    char username[64];
    snprintf(username, sizeof username, "%s:%s", remote_ufrag, peer->ice.local_ufrag);
    CHECK_EQUAL(sent.username_size, strlen(username));
    CHECK_BYTES(sent.username, username, strlen(username));
    CHECK(sent.ice_controlled && !sent.ice_controlling && !sent.use_candidate);
    CHECK(sent.tie_breaker == peer->ice.tie_breaker);
    CHECK(sent.has_priority);
    CHECK_EQUAL(sent.priority, 0x6effffff);
    CHECK(sent.has_fingerprint);
    CHECK(eg__stun_verify(&sent, bytes, size, remote_pwd, strlen(remote_pwd)));
    peer_destroy(peer);
}

static void our_check_is_repeated_and_given_up(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    const eg_time begin = peer->now;
    receive_nomination(peer, 2);
    uint8_t first[1024];
    struct eg_stun stun;
    const uint8_t *bytes;
    size_t size;
    REQUIRE(written(peer, 1, &stun, &bytes, &size));
    memcpy(first, bytes, size);
    for (unsigned i = 1; i < EG_ICE_CHECKS_MAX; i++) {
        CHECK_ROW(eg__ice_deadline(&peer->ice) == begin + i * EG_ICE_CHECK_INTERVAL, i);
        peer->now = begin + i * EG_ICE_CHECK_INTERVAL;
        eg__batch_clear(&peer->batch);
        CHECK_ROW(eg__ice_tick(&peer->ice, peer->now - 1, &peer->batch) == EG_ICE_NOTHING, i);
        CHECK_ROW(peer->batch.message_count == 0, i);
        CHECK_ROW(eg__ice_tick(&peer->ice, peer->now, &peer->batch) == EG_ICE_NOTHING, i);
        REQUIRE(written(peer, 0, &stun, &bytes, &size));
        CHECK_BYTES(bytes, first, size);
    }
    peer->now += EG_ICE_CHECK_INTERVAL;
    CHECK(eg__ice_deadline(&peer->ice) == peer->now); // the last one has its time to be answered too
    eg__batch_clear(&peer->batch);
    CHECK_EQUAL(eg__ice_tick(&peer->ice, peer->now, &peer->batch), EG_ICE_NOTHING);
    CHECK_EQUAL(peer->batch.message_count, 0);
    CHECK_EQUAL(eg__ice_deadline(&peer->ice) - begin, EG_ICE_CONSENT_TIMEOUT);
    CHECK(is_selected(peer, 1));
    // A later nomination begins again, with another transaction.
    receive_nomination(peer, 2);
    REQUIRE(written(peer, 1, &stun, &bytes, &size));
    CHECK(memcmp(bytes + 8, first + 8, EG_STUN_TRANSACTION_ID_SIZE) != 0);
    peer_destroy(peer);
}

static void nominating_the_same_path_again_sends_no_more_checks(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    receive_nomination(peer, 2);
    for (int i = 0; i < 100; i++) {
        CHECK_EQUAL(receive_nomination(peer, 2), EG_ICE_CHECKED);
        CHECK_EQUAL(peer->batch.message_count, 1);
    }
    CHECK_EQUAL(peer->ice.probe.checks_left, EG_ICE_CHECKS_MAX - 1);
    peer_destroy(peer);
}

static void nominations_of_many_paths_are_checked_at_one_pace(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    unsigned checks = 0;
    for (uint8_t host = 2; host < 200; host++) {
        CHECK_ROW(receive_nomination(peer, host) == EG_ICE_CHECKED, host);
        checks += peer->batch.message_count - 1; // the first is the answer
    }
    CHECK_EQUAL(checks, 1);
    // The latest gets all of its checks, from when the next one is due.
    CHECK_EQUAL(eg__ice_deadline(&peer->ice) - peer->now, EG_ICE_CHECK_INTERVAL);
    struct eg_path latest = path_from(199);
    for (int i = 0; i < EG_ICE_CHECKS_MAX; i++) {
        peer->now = eg__ice_deadline(&peer->ice);
        eg__batch_clear(&peer->batch);
        CHECK_EQUAL(eg__ice_tick(&peer->ice, peer->now, &peer->batch), EG_ICE_NOTHING);
        REQUIRE(peer->batch.message_count == 1);
        CHECK(eg__path_equal(&peer->batch.messages[0].path, &latest));
    }
    CHECK(is_selected(peer, 1));
    peer_destroy(peer);
}

static void an_answer_to_our_check_selects_the_path(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    receive_nomination(peer, 2);
    peer->now += 40 * EG_MILLISECOND;
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_PATH_SELECTED);
    CHECK(is_selected(peer, 2));
    CHECK_EQUAL(peer->batch.message_count, 0);
    CHECK_EQUAL(eg__ice_deadline(&peer->ice) - peer->now, EG_ICE_CONSENT_TIMEOUT);
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_REJECTED); // once
    // It stays pinned: back to the first path the same way, when the client has changed its mind.
    CHECK_EQUAL(receive_check(peer, 1), EG_ICE_CHECKED);
    CHECK_EQUAL(receive_nomination(peer, 1), EG_ICE_CHECKED);
    CHECK(is_selected(peer, 2));
    CHECK_EQUAL(answer(peer, 1, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_PATH_SELECTED);
    CHECK(is_selected(peer, 1));
    peer_destroy(peer);
}

static void a_wrong_answer_selects_nothing(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    CHECK_EQUAL(answer(peer, 1, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_REJECTED); // nothing was asked
    receive_nomination(peer, 2);
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_SUCCESS, remote_pwd, 1), EG_ICE_REJECTED); // another transaction
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_SUCCESS, peer->ice.local_pwd, 0), EG_ICE_REJECTED); // the wrong password
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_SUCCESS, NULL, 0), EG_ICE_REJECTED); // not authentic
    CHECK_EQUAL(answer(peer, 3, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_REJECTED); // another path
    CHECK_EQUAL(answer(peer, 1, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_REJECTED);
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_ERROR, "wrong", 0), EG_ICE_REJECTED);
    CHECK(peer->ice.probe.active);
    CHECK(is_selected(peer, 1));
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_ERROR, remote_pwd, 0), EG_ICE_NOTHING); // a refusal
    CHECK(!peer->ice.probe.active);
    CHECK(is_selected(peer, 1));
    peer_destroy(peer);
}

static void a_path_nominated_right_after_a_refusal_is_checked_at_the_same_pace(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    receive_nomination(peer, 2);
    const eg_time first = peer->now;
    peer->now += EG_MILLISECOND;
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_ERROR, remote_pwd, 0), EG_ICE_NOTHING);
    CHECK_EQUAL(receive_nomination(peer, 3), EG_ICE_CHECKED);
    CHECK_EQUAL(peer->batch.message_count, 1); // the answer alone: the next check is not due yet
    CHECK_EQUAL(eg__ice_deadline(&peer->ice) - first, EG_ICE_CHECK_INTERVAL);
    peer->now = first + EG_ICE_CHECK_INTERVAL;
    eg__batch_clear(&peer->batch);
    CHECK_EQUAL(eg__ice_tick(&peer->ice, peer->now, &peer->batch), EG_ICE_NOTHING);
    CHECK_EQUAL(peer->batch.message_count, 1);
    CHECK_EQUAL(answer(peer, 3, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_PATH_SELECTED);
    peer_destroy(peer);
}

static void the_latest_nomination_counts(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    receive_nomination(peer, 2);
    uint8_t old_transaction = peer->ice.probe.transaction_id[11];
    receive_nomination(peer, 3);
    CHECK(peer->ice.probe.transaction_id[11] != old_transaction);
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_REJECTED);
    CHECK_EQUAL(answer(peer, 3, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_PATH_SELECTED);
    CHECK(is_selected(peer, 3));
    peer_destroy(peer);
}

static void consent_lasts_30_s_from_the_last_check_on_the_selected_path(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    peer->now += 29 * EG_SECOND;
    CHECK_EQUAL(receive_check(peer, 1), EG_ICE_CHECKED);
    const eg_time last = peer->now;
    peer->now += 20 * EG_SECOND;
    CHECK_EQUAL(receive_check(peer, 2), EG_ICE_CHECKED);                                     // another path
    CHECK_EQUAL(receive(peer, 1, &(struct form){.password = "wrong"}), EG_ICE_REJECTED);      // somebody else
    CHECK_EQUAL(receive(peer, 1, &(struct form){.is_controlled = true}), EG_ICE_REJECTED);
    CHECK_EQUAL(eg__ice_deadline(&peer->ice) - last, 30 * EG_SECOND);
    CHECK_EQUAL(eg__ice_tick(&peer->ice, last + 30 * EG_SECOND - 1, &peer->batch), EG_ICE_NOTHING);
    CHECK_EQUAL(eg__ice_tick(&peer->ice, last + 30 * EG_SECOND, &peer->batch), EG_ICE_EXPIRED);
    CHECK_EQUAL(eg__ice_tick(&peer->ice, last + 31 * EG_SECOND, &peer->batch), EG_ICE_EXPIRED);
    peer_destroy(peer);
}

static void a_few_paths_are_remembered_and_the_selected_one_always(struct eg_check *check) {
    struct peer *peer = peer_create();
    for (uint8_t host = 1; host <= 4; host++) receive_check(peer, host);
    for (uint8_t host = 1; host <= 4; host++) CHECK_ROW(is_validated(peer, host), host);
    receive_check(peer, 2); // which makes 1 and 3 the ones that were checked longest ago
    receive_check(peer, 5);
    receive_check(peer, 6);
    CHECK(is_selected(peer, 1));
    static const bool remembered[] = {false, true, true, false, true, true, true, false};
    for (uint8_t host = 0; host < 8; host++) CHECK_ROW(is_validated(peer, host) == remembered[host], host);
    for (uint8_t host = 10; host < 200; host++) receive_check(peer, host);
    CHECK(is_validated(peer, 1));
    CHECK(!is_validated(peer, 6));
    CHECK_EQUAL(peer->ice.validated_count, EG_ICE_VALIDATED_MAX);
    peer_destroy(peer);
}

static void after_a_restart_only_the_new_credentials_count(struct eg_check *check) {
    struct peer *peer = peer_with_a_pinned_path(1);
    receive_nomination(peer, 2);
    CHECK(peer->ice.probe.active);
    uint8_t old_check[1024];
    size_t old_size = write_form(peer, &(struct form){.is_nominated = true}, old_check);
    char old_ufrag[EG_ICE_UFRAG_SIZE + 1], old_pwd[EG_ICE_PWD_SIZE + 1];
    strcpy(old_ufrag, peer->ice.local_ufrag);
    strcpy(old_pwd, peer->ice.local_pwd);

    REQUIRE(eg__ice_restart(&peer->ice, "new1", "newpasswordnewpassword"));
    CHECK(strcmp(old_ufrag, peer->ice.local_ufrag) != 0);
    CHECK(strcmp(old_pwd, peer->ice.local_pwd) != 0);
    CHECK(strcmp(peer->ice.remote_ufrag, "new1") == 0);
    CHECK(strcmp(peer->ice.remote_pwd, "newpasswordnewpassword") == 0);
    CHECK(!peer->ice.probe.active);
    CHECK(is_selected(peer, 1)); // media goes on
    CHECK(is_validated(peer, 1));

    const eg_time consent_until = peer->ice.consent_until;
    peer->now += EG_SECOND;
    CHECK_EQUAL(give(peer, 1, old_check, old_size), EG_ICE_REJECTED);
    CHECK_EQUAL(peer->batch.message_count, 0);
    CHECK(peer->ice.consent_until == consent_until);
    CHECK_EQUAL(receive_check(peer, 1), EG_ICE_CHECKED);
    CHECK(peer->ice.consent_until == consent_until + EG_SECOND);
    CHECK_EQUAL(receive_nomination(peer, 3), EG_ICE_CHECKED);
    CHECK_EQUAL(answer(peer, 3, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_REJECTED);
    CHECK_EQUAL(answer(peer, 3, EG_STUN_BINDING_SUCCESS, "newpasswordnewpassword", 0), EG_ICE_PATH_SELECTED);
    peer_destroy(peer);
}

static void the_longest_credentials_still_make_a_check(struct eg_check *check) {
    struct peer *peer = peer_create();
    char ufrag[EG_ICE_UFRAG_SIZE_MAX + 1], pwd[EG_ICE_PWD_SIZE_MAX + 1];
    memset(ufrag, 'u', sizeof ufrag - 1);
    memset(pwd, 'p', sizeof pwd - 1);
    ufrag[EG_ICE_UFRAG_SIZE_MAX] = pwd[EG_ICE_PWD_SIZE_MAX] = '\0';
    REQUIRE(eg__ice_restart(&peer->ice, ufrag, pwd));
    CHECK_EQUAL(receive_nomination(peer, 1), EG_ICE_PATH_SELECTED);
    eg__ice_pin(&peer->ice);
    receive_nomination(peer, 2);
    CHECK_EQUAL(peer->batch.message_count, 2);
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_SUCCESS, pwd, 0), EG_ICE_PATH_SELECTED);
    peer_destroy(peer);
}

static void a_full_batch_loses_the_answer_but_not_the_check(struct eg_check *check) {
    struct peer *peer = peer_create();
    uint8_t bytes[1024];
    size_t size = write_form(peer, &(struct form){.is_nominated = true}, bytes);
    struct eg_stun stun;
    struct eg_path path = path_from(1);
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    while (eg__batch_append(&peer->batch, &path, bytes, 1)) continue;
    struct eg_arrival arrival = {.path = path, .bytes = bytes, .size = size, .at = peer->now};
    enum eg_ice_event event = eg__ice_receive(&peer->ice, &arrival, &stun, &peer->batch);
    CHECK_EQUAL(event, EG_ICE_PATH_SELECTED);
    CHECK_EQUAL(peer->batch.message_count, EG_BATCH_MESSAGES_MAX);
    CHECK(is_selected(peer, 1));
    peer_destroy(peer);
}

static const struct eg_test tests[] = {
    EG_TEST(credentials_are_ice_chars_and_each_equally_likely),
    EG_TEST(the_local_ufrag_is_what_stands_before_the_colon),
    EG_TEST(a_check_is_answered_with_the_address_it_came_from),
    EG_TEST(an_ipv6_address_is_answered_in_full),
    EG_TEST(who_does_not_know_the_credentials_gets_no_answer),
    EG_TEST(other_messages_than_checks_are_not_answered),
    EG_TEST(an_attribute_that_must_be_understood_and_is_not_is_named_in_the_error),
    EG_TEST(a_controlled_peer_is_told_of_the_conflict),
    EG_TEST(the_first_check_selects_its_path_without_a_nomination),
    EG_TEST(before_it_is_pinned_a_nomination_moves_the_path_at_once),
    EG_TEST(the_local_address_is_part_of_the_path),
    EG_TEST(once_pinned_a_new_path_is_checked_first),
    EG_TEST(our_check_is_repeated_and_given_up),
    EG_TEST(nominating_the_same_path_again_sends_no_more_checks),
    EG_TEST(nominations_of_many_paths_are_checked_at_one_pace),
    EG_TEST(an_answer_to_our_check_selects_the_path),
    EG_TEST(a_wrong_answer_selects_nothing),
    EG_TEST(a_path_nominated_right_after_a_refusal_is_checked_at_the_same_pace),
    EG_TEST(the_latest_nomination_counts),
    EG_TEST(consent_lasts_30_s_from_the_last_check_on_the_selected_path),
    EG_TEST(a_few_paths_are_remembered_and_the_selected_one_always),
    EG_TEST(after_a_restart_only_the_new_credentials_count),
    EG_TEST(the_longest_credentials_still_make_a_check),
    EG_TEST(a_full_batch_loses_the_answer_but_not_the_check),
};
EG_TEST_SUITE(ice, tests);
