// A controlling agent that nominates several pairs, some of them again and again.
#include "transport/ice_peer.h"

static enum eg_ice_event nominate(struct peer *peer, uint8_t host, uint32_t priority) {
    return receive(peer, host, &(struct form){.is_nominated = true, .priority = priority});
}

static void of_several_that_are_nominated_before_it_is_pinned_the_one_of_the_highest_priority_is_selected(struct eg_check *check) {
    static const uint8_t orders[][3] = {{1, 2, 3}, {3, 2, 1}, {2, 3, 1}, {2, 1, 3}};
    for (size_t row = 0; row < sizeof orders / sizeof orders[0]; row++) {
        struct peer *peer = peer_create();
        for (unsigned round = 0; round < 5; round++)
            for (size_t i = 0; i < 3; i++) nominate(peer, orders[row][i], 1000u * orders[row][i]);
        CHECK_ROW(is_selected(peer, 3), row);
        eg__ice_pin(&peer->ice);
        for (unsigned round = 0; round < 5; round++)
            for (size_t i = 0; i < 3; i++) {
                CHECK_ROW(nominate(peer, orders[row][i], 1000u * orders[row][i]) == EG_ICE_CHECKED, row);
                CHECK_ROW(peer->batch.message_count == 1, row); // the answer, and no check of ours
            }
        CHECK_ROW(is_selected(peer, 3) && !peer->ice.probe.active, row);
        peer_destroy(peer);
    }
}

static void of_two_with_the_same_priority_the_later_is_selected_and_none_below_one_that_is_nominated(struct eg_check *check) {
    struct peer *peer = peer_create();
    nominate(peer, 1, 1000);
    CHECK_EQUAL(nominate(peer, 2, 1000), EG_ICE_PATH_SELECTED);
    CHECK_EQUAL(nominate(peer, 1, 1000), EG_ICE_CHECKED); // repeated
    CHECK_EQUAL(nominate(peer, 3, 999), EG_ICE_CHECKED);
    CHECK(is_selected(peer, 2));
    peer_destroy(peer);
    peer = peer_create();
    receive(peer, 1, &(struct form){.priority = 2000}); // it came first, and is not nominated
    CHECK_EQUAL(nominate(peer, 2, 1), EG_ICE_PATH_SELECTED);
    peer_destroy(peer);
}

static void a_pair_that_is_nominated_late_takes_over_whatever_its_priority_and_repetitions_of_the_first_change_nothing(struct eg_check *check) {
    struct peer *peer = peer_create();
    nominate(peer, 1, 2000);
    eg__ice_pin(&peer->ice);
    nominate(peer, 2, 1);
    CHECK_EQUAL(answer(peer, 2, EG_STUN_BINDING_SUCCESS, remote_pwd, 0), EG_ICE_PATH_SELECTED);
    for (unsigned i = 0; i < 100; i++) {
        peer->now += EG_SECOND;
        CHECK_EQUAL(nominate(peer, 1, 2000), EG_ICE_CHECKED);
        CHECK_EQUAL(nominate(peer, 2, 1), EG_ICE_CHECKED);
        CHECK(is_selected(peer, 2) && !peer->ice.probe.active);
    }
    peer_destroy(peer);
}

static void a_known_pair_takes_over_again_when_the_selected_one_is_given_up(struct eg_check *check) {
    for (unsigned row = 0; row < 3; row++) {
        struct peer *peer = peer_create();
        nominate(peer, 1, 2000);
        nominate(peer, 2, 1000);
        eg__ice_pin(&peer->ice);
        if (row == 0) peer->now += EG_ICE_SILENCE + 1;
        else receive_check(peer, row == 1 ? 1 : 2); // without a nomination: of the selected one, or of the other
        CHECK_ROW(nominate(peer, 2, 1000) == EG_ICE_CHECKED && peer->ice.probe.active, row);
        CHECK_ROW(answer(peer, 2, EG_STUN_BINDING_SUCCESS, remote_pwd, 0) == EG_ICE_PATH_SELECTED, row);
        peer_destroy(peer);
    }
    struct peer *peer = peer_create(); // before it is pinned, too
    nominate(peer, 1, 2000);
    nominate(peer, 2, 1000);
    peer->now += EG_ICE_SILENCE + 1;
    CHECK_EQUAL(nominate(peer, 2, 1000), EG_ICE_PATH_SELECTED);
    peer_destroy(peer);
}

static void more_nominations_than_are_remembered_leave_the_selected_path_alone(struct eg_check *check) {
    struct peer *peer = peer_create();
    nominate(peer, 1, 2000);
    for (uint8_t host = 2; host < 200; host++) CHECK_ROW(nominate(peer, host, 1000) == EG_ICE_CHECKED, host);
    CHECK_EQUAL(peer->ice.nominated_count, EG_ICE_NOMINATED_MAX);
    CHECK(is_selected(peer, 1));
    peer_destroy(peer);
}

static const struct eg_test tests[] = {
    EG_TEST(of_several_that_are_nominated_before_it_is_pinned_the_one_of_the_highest_priority_is_selected),
    EG_TEST(of_two_with_the_same_priority_the_later_is_selected_and_none_below_one_that_is_nominated),
    EG_TEST(a_pair_that_is_nominated_late_takes_over_whatever_its_priority_and_repetitions_of_the_first_change_nothing),
    EG_TEST(a_known_pair_takes_over_again_when_the_selected_one_is_given_up),
    EG_TEST(more_nominations_than_are_remembered_leave_the_selected_path_alone),
};

EG_TEST_SUITE(ice_nominations, tests);
