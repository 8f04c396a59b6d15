#include "delivery/gaps.h"
#include "support/check.h"

static const eg_time begin = 1000 * (eg_time)EG_SECOND;

static void a_picture_whose_last_request_was_refused_is_counted_once_when_nobody_asks_any_more(struct eg_check *check) {
    struct eg_gaps gaps = {0};
    for (int i = 0; i < 5; i++) CHECK_EQUAL(eg__gaps_note(&gaps, begin + i * EG_MILLISECOND, 7000, false), 0);
    CHECK_EQUAL(eg__gaps_settle(&gaps, begin + EG_GAP_TIMEOUT), 0);
    CHECK_EQUAL(eg__gaps_settle(&gaps, begin + 4 * EG_MILLISECOND + EG_GAP_TIMEOUT), 1);
    CHECK_EQUAL(eg__gaps_settle(&gaps, begin + 10 * EG_SECOND), 0);
    CHECK_EQUAL(gaps.count, 0);
}

static void a_picture_that_got_in_the_end_what_it_lacked_is_not_counted(struct eg_check *check) {
    struct eg_gaps gaps = {0};
    CHECK_EQUAL(eg__gaps_note(&gaps, begin, 7000, false), 0);
    CHECK_EQUAL(eg__gaps_note(&gaps, begin + 50 * EG_MILLISECOND, 7000, true), 0);
    CHECK_EQUAL(eg__gaps_settle(&gaps, begin + 10 * EG_SECOND), 0);
    CHECK_EQUAL(gaps.count, 0);
}

static void one_packet_that_is_refused_makes_the_whole_request_a_refused_one(struct eg_check *check) {
    for (int refused = 0; refused < 3; refused++) {
        struct eg_gaps gaps = {0};
        eg__gaps_note(&gaps, begin, 7000, false);
        for (int i = 0; i < 3; i++) eg__gaps_note(&gaps, begin + 50 * EG_MILLISECOND, 7000, i != refused);
        CHECK_ROW(eg__gaps_settle(&gaps, begin + 10 * EG_SECOND) == 1, refused);
    }
}

static void what_was_sent_again_each_time_takes_no_place(struct eg_check *check) {
    struct eg_gaps gaps = {0};
    for (uint32_t i = 0; i < 100; i++) CHECK_EQUAL(eg__gaps_note(&gaps, begin + i, 3000 * i, true), 0);
    CHECK_EQUAL(gaps.count, 0);
}

// Each of a hundred pictures is counted, though there is room for a few at a time.
static void more_pictures_than_there_is_room_for_are_all_counted(struct eg_check *check) {
    struct eg_gaps gaps = {0};
    uint32_t incomplete = 0;
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t more = eg__gaps_note(&gaps, begin + i, 3000 * i, false);
        CHECK_ROW(more <= 1, i);
        incomplete += more;
    }
    CHECK_EQUAL(incomplete, 100 - EG_GAPS_MAX);
    CHECK_EQUAL(eg__gaps_settle(&gaps, begin + 10 * EG_SECOND), EG_GAPS_MAX);
}

static const struct eg_test tests[] = {
    EG_TEST(a_picture_whose_last_request_was_refused_is_counted_once_when_nobody_asks_any_more),
    EG_TEST(a_picture_that_got_in_the_end_what_it_lacked_is_not_counted),
    EG_TEST(one_packet_that_is_refused_makes_the_whole_request_a_refused_one),
    EG_TEST(what_was_sent_again_each_time_takes_no_place),
    EG_TEST(more_pictures_than_there_is_room_for_are_all_counted),
};

EG_TEST_SUITE(gaps, tests);
