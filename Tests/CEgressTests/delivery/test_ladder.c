// The rules alone: what a link is said to do goes in by hand, second by second.
#include "support/check.h"

#include "delivery/ladder.h"

#include <string.h>

enum { STEP = 100 * EG_MILLISECOND };

struct fixture {
    struct eg_bandwidth link;
    struct eg_ladder ladder;
    struct eg_ladder_view view;
    eg_time now;
};

// 0.6, 2 and 4.5 Mbit/s, at the rung given, on a link that nothing is wrong with.
static void set_up(struct fixture *fixture, uint32_t rung) {
    memset(fixture, 0, sizeof *fixture);
    fixture->now = 1000 * (eg_time)EG_SECOND;
    eg__bandwidth_init(&fixture->link, fixture->now);
    eg__ladder_init(&fixture->ladder, fixture->now);
    fixture->view = (struct eg_ladder_view){
        .link = &fixture->link, .count = 3, .bit_rates = {600000, 2000000, 4500000}, .rung = rung, .top = 2, .can_probe = true, .is_probe_time = true,
        .is_live = true};
    fixture->link.told_at = fixture->now;
    fixture->link.arrived_bit_rate = fixture->link.sent_bit_rate = fixture->view.bit_rates[rung];
}

// Lets time pass until something is to be done, and does it; the step that it was.
static struct eg_ladder_step run(struct fixture *fixture, eg_time duration) {
    struct eg_ladder_step step = {.action = EG_LADDER_STAY};
    for (eg_time end = fixture->now + duration; fixture->now < end && step.action == EG_LADDER_STAY;) {
        fixture->now += STEP;
        if (fixture->link.told_at != EG_TIME_NEVER) fixture->link.told_at = fixture->now;
        uint32_t probed = eg__ladder_probe_bit_rate(&fixture->ladder, fixture->now);
        fixture->link.sent_bit_rate = probed > 0 ? probed : fixture->view.bit_rates[fixture->view.rung];
        step = eg__ladder_judge(&fixture->ladder, fixture->now, &fixture->view);
    }
    if (step.action == EG_LADDER_STAY || step.action == EG_LADDER_PAUSE || step.action == EG_LADDER_SKIP) return step;
    fixture->view.rung = step.rung;
    eg__ladder_switched(&fixture->ladder, fixture->now);
    fixture->link.rising_since = EG_TIME_NEVER;
    fixture->link.lost_256 = 0;
    return step;
}

// Everything that is sent arrives at once.
static struct eg_ladder_step run_wide(struct fixture *fixture, eg_time duration) {
    struct eg_ladder_step step = {.action = EG_LADDER_STAY};
    for (eg_time end = fixture->now + duration; fixture->now < end && step.action == EG_LADDER_STAY;) {
        fixture->link.queue = 0;
        fixture->link.arrived_bit_rate = fixture->link.sent_bit_rate;
        step = run(fixture, STEP);
    }
    return step;
}

static void congest(struct fixture *fixture, eg_time queue, uint32_t arrived) {
    fixture->link.queue = queue;
    fixture->link.rising_since = fixture->now;
    fixture->link.arrived_bit_rate = arrived;
}

static void a_queue_that_grows_means_a_step_down_to_what_arrives(struct eg_check *check) {
    const struct {
        uint32_t rung;
        uint32_t arrived; // [bit/s]
        uint32_t expected;
    } rows[] = {
        {2, 1000000, 0}, {2, 2400000, 1}, {2, 2300000, 0}, {2, 4400000, 1}, {2, 100000, 0}, {1, 1000000, 0}, {1, 1900000, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        set_up(&fixture, rows[i].rung);
        run_wide(&fixture, 5 * EG_SECOND);
        congest(&fixture, 220 * EG_MILLISECOND, rows[i].arrived);
        eg_time began = fixture.now;
        struct eg_ladder_step step = run(&fixture, EG_SECOND);
        CHECK_ROW(step.action == EG_LADDER_DOWN && step.rung == rows[i].expected && step.reason == EG_SWITCH_CONGESTION, i);
        CHECK_ROW(fixture.now - began <= EG_LADDER_RISING + STEP, i);
    }
}

static void a_sudden_queue_is_not_waited_for(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 2);
    run_wide(&fixture, 5 * EG_SECOND);
    congest(&fixture, 300 * EG_MILLISECOND, 1000000);
    eg_time began = fixture.now;
    fixture.link.rising_bit_rate = 1000000;
    CHECK_EQUAL(run(&fixture, EG_SECOND).action, EG_LADDER_DOWN);
    CHECK(fixture.now - began <= STEP);
}

static void a_short_queue_is_no_congestion_and_one_that_stands_is_after_two_seconds(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 2);
    congest(&fixture, 90 * EG_MILLISECOND, 4000000);
    CHECK_EQUAL(run(&fixture, 30 * EG_SECOND).action, EG_LADDER_STAY);
    for (uint32_t rung = 0; rung < 3; rung++) {
        set_up(&fixture, rung);
        fixture.link.queue = 140 * EG_MILLISECOND; // it is of others' making
        eg_time began = fixture.now;
        enum eg_ladder_action expected = rung > 0 ? EG_LADDER_DOWN : EG_LADDER_STAY;
        CHECK_ROW(run(&fixture, 5 * EG_SECOND).action == expected, rung);
        CHECK_ROW(fixture.now - began >= EG_LADDER_STANDING, rung);
    }
}

static void what_is_lost_at_random_is_no_congestion_and_more_is_the_sooner_the_more_it_is(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 2);
    fixture.link.lost_256 = 256 / 20;
    CHECK_EQUAL(run(&fixture, 60 * EG_SECOND).action, EG_LADDER_STAY);
    fixture.link.lost_256 = 256 * 15 / 100;
    CHECK_EQUAL(run(&fixture, 5 * EG_SECOND).action, EG_LADDER_DOWN);
    set_up(&fixture, 2);
    run_wide(&fixture, 5 * EG_SECOND);
    fixture.link.lost_256 = 256 / 4;
    CHECK_EQUAL(run(&fixture, STEP).action, EG_LADDER_DOWN);
}

static void loss_that_lasts_is_known_to_a_part_of_a_percent_and_forgotten_when_it_ends(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 0);
    fixture.link.lost_256 = 256 / 10;
    run(&fixture, 60 * EG_SECOND);
    CHECK(fixture.ladder.lost_64k / 256 >= 256 / 10 - 1);
    fixture.link.lost_256 = 0;
    run(&fixture, 60 * EG_SECOND);
    CHECK(fixture.ladder.lost_64k < 256);
}

static void after_ten_calm_seconds_a_probe_shows_whether_to_go_up(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 0);
    eg_time began = fixture.now;
    struct eg_ladder_step step = run_wide(&fixture, 60 * EG_SECOND);
    CHECK(step.action == EG_LADDER_UP && step.rung == 1 && step.reason == EG_SWITCH_ROOM);
    CHECK(fixture.now - began >= EG_LADDER_CALM && fixture.now - began < EG_LADDER_CALM + 2 * EG_SECOND);
    CHECK_EQUAL(fixture.ladder.probes_begun, 1);
    CHECK_EQUAL(fixture.ladder.probes_failed, 0);
    step = run_wide(&fixture, 60 * EG_SECOND);
    CHECK(step.action == EG_LADDER_UP && step.rung == 2);
    CHECK_EQUAL(run_wide(&fixture, 600 * EG_SECOND).action, EG_LADDER_STAY);
    CHECK_EQUAL(fixture.ladder.probes_begun, 2);
}

static void a_probe_that_meets_congestion_at_the_lowest_rung_has_failed(struct eg_check *check) {
    const bool is_deaf[] = {false, true};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        set_up(&fixture, 0);
        while (eg__ladder_probe_bit_rate(&fixture.ladder, fixture.now) == 0 && fixture.ladder.probes_failed == 0) run_wide(&fixture, STEP);
        if (is_deaf[i]) fixture.link.unanswered_since = fixture.now - 2 * (eg_time)EG_LADDER_DEAF;
        else fixture.link.lost_256 = 256 / 2;
        CHECK_ROW(run(&fixture, STEP).action == EG_LADDER_STAY, i);
        CHECK_ROW(eg__ladder_probe_bit_rate(&fixture.ladder, fixture.now) == 0 && fixture.ladder.probes_failed == 1, i);
    }
}

static void a_link_that_takes_no_more_is_asked_ever_more_seldom(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 1);
    eg_time at[6] = {0};
    uint64_t failed = 0;
    while (failed < 6) {
        bool is_probed = fixture.link.sent_bit_rate > 3000000;
        fixture.link.queue = is_probed ? 60 * EG_MILLISECOND : 0;
        fixture.link.arrived_bit_rate = is_probed ? 3000000 : 2000000;
        REQUIRE(run(&fixture, STEP).action == EG_LADDER_STAY);
        if (fixture.ladder.probes_failed > failed) at[failed++] = fixture.now;
    }
    for (size_t i = 1; i < 6; i++) {
        eg_time apart = at[i] - at[i - 1], expected = (eg_time)EG_LADDER_CALM << i;
        if (expected > EG_LADDER_BACK_OFF_MAX) expected = EG_LADDER_BACK_OFF_MAX;
        CHECK_ROW(apart >= expected && apart < expected + 15 * EG_SECOND, i);
    }
    CHECK_EQUAL(fixture.view.rung, 1);
}

static void a_step_up_that_fails_is_not_tried_again_for_a_minute(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 1);
    REQUIRE(run_wide(&fixture, 60 * EG_SECOND).action == EG_LADDER_UP);
    congest(&fixture, 300 * EG_MILLISECOND, 3000000);
    struct eg_ladder_step step = run(&fixture, EG_SECOND);
    CHECK(step.action == EG_LADDER_DOWN && step.rung == 1);
    eg_time began = fixture.now;
    REQUIRE(run_wide(&fixture, 600 * EG_SECOND).action == EG_LADDER_UP);
    CHECK(fixture.now - began >= EG_LADDER_TRIAL_BACK_OFF);
}

static void the_second_step_up_that_fails_is_not_tried_again_for_two_minutes(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 1);
    for (int failures = 0; failures < 2; failures++) {
        REQUIRE(run_wide(&fixture, 600 * EG_SECOND).action == EG_LADDER_UP);
        congest(&fixture, 300 * EG_MILLISECOND, 3000000);
        REQUIRE(run(&fixture, EG_SECOND).action == EG_LADDER_DOWN);
    }
    eg_time began = fixture.now;
    REQUIRE(run_wide(&fixture, 600 * EG_SECOND).action == EG_LADDER_UP);
    CHECK(fixture.now - began >= EG_LADDER_BACK_OFF_MAX);
}

static void who_asks_for_pictures_again_and_again_gets_a_smaller_one(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 2);
    run_wide(&fixture, 5 * EG_SECOND);
    // Several requests about one picture, and one that comes much later.
    for (int i = 0; i < 3; i++) eg__ladder_note_request(&fixture.ladder, fixture.now + (eg_time)i * 200 * EG_MILLISECOND);
    CHECK_EQUAL(run_wide(&fixture, 2 * (eg_time)EG_LADDER_REQUESTS).action, EG_LADDER_STAY);
    eg__ladder_note_request(&fixture.ladder, fixture.now);
    CHECK_EQUAL(run_wide(&fixture, 2 * EG_SECOND).action, EG_LADDER_STAY);
    eg__ladder_note_request(&fixture.ladder, fixture.now);
    struct eg_ladder_step step = run_wide(&fixture, EG_SECOND);
    CHECK(step.action == EG_LADDER_DOWN && step.rung == 1);
}

static void on_a_link_that_hardly_takes_the_lowest_the_rest_of_a_gop_is_left_out_now_and_then(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 0);
    run_wide(&fixture, 5 * EG_SECOND);
    congest(&fixture, 400 * EG_MILLISECOND, 590000);
    eg_time began = fixture.now;
    CHECK_EQUAL(run(&fixture, 10 * EG_SECOND).action, EG_LADDER_SKIP);
    CHECK(fixture.now - began >= EG_LADDER_SKIP_AFTER && fixture.now - began <= EG_LADDER_SKIP_AFTER + 2 * STEP + EG_LADDER_RISING);
    congest(&fixture, 400 * EG_MILLISECOND, 590000);
    began = fixture.now;
    CHECK_EQUAL(run(&fixture, 10 * EG_SECOND).action, EG_LADDER_SKIP);
    CHECK(fixture.now - began >= EG_LADDER_SKIP_AFTER);
}

static void who_cannot_be_probed_goes_up_by_calm_time_alone(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 0);
    fixture.view.can_probe = false;
    CHECK_EQUAL(run_wide(&fixture, 9 * EG_SECOND).action, EG_LADDER_STAY);
    CHECK_EQUAL(run_wide(&fixture, 9 * EG_SECOND).action, EG_LADDER_UP);
    CHECK_EQUAL(fixture.ladder.probes_begun, 0);
}

static void what_a_join_has_shown_needs_no_probe(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 1);
    fixture.link.arrived_bit_rate = 9000000;
    run(&fixture, EG_SECOND);
    CHECK_EQUAL(run_wide(&fixture, 20 * EG_SECOND).action, EG_LADDER_UP);
    CHECK_EQUAL(fixture.ladder.probes_begun, 0);
}

static void below_the_lowest_rung_there_is_sound_alone_and_then_another_try(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 0);
    run_wide(&fixture, 5 * EG_SECOND);
    eg_time waits[4];
    for (size_t i = 0; i < 4; i++) {
        congest(&fixture, 500 * EG_MILLISECOND, 100000);
        REQUIRE(run(&fixture, 10 * EG_SECOND).action == EG_LADDER_PAUSE);
        eg_time began = fixture.now;
        struct eg_ladder_step step = run(&fixture, 600 * EG_SECOND);
        REQUIRE(step.action == EG_LADDER_RESUME && step.rung == 0);
        waits[i] = fixture.now - began;
    }
    CHECK(waits[0] <= EG_LADDER_RESUME_FIRST + STEP);
    for (size_t i = 1; i < 4; i++) CHECK_ROW(waits[i] > waits[i - 1] && waits[i] <= EG_LADDER_RESUME_MAX + STEP, i);
}

static void who_has_spoken_and_falls_silent_gets_the_lowest_rung_and_who_never_spoke_keeps_its_own(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 2);
    run_wide(&fixture, 5 * EG_SECOND);
    // Nothing is sent either.
    struct eg_ladder_step step = {.action = EG_LADDER_STAY};
    for (eg_time end = fixture.now + 60 * EG_SECOND; fixture.now < end && step.action == EG_LADDER_STAY; fixture.now += STEP)
        step = eg__ladder_judge(&fixture.ladder, fixture.now, &fixture.view);
    CHECK_EQUAL(step.action, EG_LADDER_STAY);
    fixture.link.unanswered_since = fixture.now;
    for (eg_time end = fixture.now + 5 * EG_SECOND; fixture.now < end && step.action == EG_LADDER_STAY; fixture.now += STEP)
        step = eg__ladder_judge(&fixture.ladder, fixture.now, &fixture.view);
    CHECK(fixture.now > fixture.link.unanswered_since + EG_LADDER_DEAF);
    CHECK(step.action == EG_LADDER_DOWN && step.rung == 0 && step.reason == EG_SWITCH_NO_FEEDBACK);
    set_up(&fixture, 2);
    fixture.link.told_at = EG_TIME_NEVER;
    CHECK_EQUAL(run(&fixture, 60 * EG_SECOND).action, EG_LADDER_STAY);
    set_up(&fixture, 1);
    fixture.link.told_at = EG_TIME_NEVER;
    CHECK_EQUAL(run(&fixture, 60 * EG_SECOND).action, EG_LADDER_STAY);
}

static void a_bound_is_kept_whoever_sets_it(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 2);
    fixture.view.top = 1;
    struct eg_ladder_step step = run(&fixture, EG_SECOND);
    CHECK(step.action == EG_LADDER_DOWN && step.rung == 1 && step.reason == EG_SWITCH_BOUND);
    CHECK_EQUAL(run_wide(&fixture, 60 * EG_SECOND).action, EG_LADDER_STAY);
    // One and a half times what it is sent says a viewer that sees no more: that is no bound.
    set_up(&fixture, 1);
    fixture.link.bound = 3000000;
    CHECK_EQUAL(run_wide(&fixture, 9 * EG_SECOND).action, EG_LADDER_STAY);
    fixture.link.bound = 700000;
    step = run_wide(&fixture, EG_SECOND);
    CHECK(step.action == EG_LADDER_DOWN && step.rung == 0 && step.reason == EG_SWITCH_BOUND);
}

static void a_bound_that_comes_after_a_step_up_is_not_held_against_it(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 1);
    REQUIRE(run_wide(&fixture, 60 * EG_SECOND).action == EG_LADDER_UP);
    fixture.view.top = 1;
    REQUIRE(run_wide(&fixture, EG_SECOND).reason == EG_SWITCH_BOUND);
    fixture.view.top = 2;
    eg_time began = fixture.now;
    REQUIRE(run_wide(&fixture, 600 * EG_SECOND).action == EG_LADDER_UP);
    CHECK(fixture.now - began < EG_LADDER_CALM + 3 * EG_SECOND);
}

static void a_trial_is_as_long_as_it_should_be_however_late_its_key_picture_comes(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture, 1);
    REQUIRE(run_wide(&fixture, 60 * EG_SECOND).action == EG_LADDER_UP);
    fixture.now += 8 * EG_SECOND;
    eg__ladder_switched(&fixture.ladder, fixture.now);
    CHECK_EQUAL(fixture.ladder.trial_until, fixture.now + EG_LADDER_TRIAL);
}

static void bounds_on_queues_let_the_higher_of_two_on_one_link_give_way(struct eg_check *check) {
    // The queue that a probe for the middle rung may fill is more than the highest rung puts up with, and less than the middle one does.
    CHECK((int)EG_PROBE_QUEUE > (int)EG_LADDER_QUEUE_HIGHEST && (int)EG_PROBE_QUEUE < (int)EG_LADDER_QUEUE);
    CHECK((int)EG_PROBE_QUEUE_HIGHEST < (int)EG_LADDER_QUEUE_HIGHEST);
    CHECK((int)EG_PROBE_DURATION_MAX > (int)EG_LADDER_RISING);
}

static const struct eg_test tests[] = {
    EG_TEST(a_queue_that_grows_means_a_step_down_to_what_arrives),
    EG_TEST(a_sudden_queue_is_not_waited_for),
    EG_TEST(a_short_queue_is_no_congestion_and_one_that_stands_is_after_two_seconds),
    EG_TEST(what_is_lost_at_random_is_no_congestion_and_more_is_the_sooner_the_more_it_is),
    EG_TEST(loss_that_lasts_is_known_to_a_part_of_a_percent_and_forgotten_when_it_ends),
    EG_TEST(after_ten_calm_seconds_a_probe_shows_whether_to_go_up),
    EG_TEST(a_probe_that_meets_congestion_at_the_lowest_rung_has_failed),
    EG_TEST(a_link_that_takes_no_more_is_asked_ever_more_seldom),
    EG_TEST(a_step_up_that_fails_is_not_tried_again_for_a_minute),
    EG_TEST(the_second_step_up_that_fails_is_not_tried_again_for_two_minutes),
    EG_TEST(who_asks_for_pictures_again_and_again_gets_a_smaller_one),
    EG_TEST(on_a_link_that_hardly_takes_the_lowest_the_rest_of_a_gop_is_left_out_now_and_then),
    EG_TEST(who_cannot_be_probed_goes_up_by_calm_time_alone),
    EG_TEST(what_a_join_has_shown_needs_no_probe),
    EG_TEST(below_the_lowest_rung_there_is_sound_alone_and_then_another_try),
    EG_TEST(who_has_spoken_and_falls_silent_gets_the_lowest_rung_and_who_never_spoke_keeps_its_own),
    EG_TEST(a_bound_is_kept_whoever_sets_it),
    EG_TEST(a_bound_that_comes_after_a_step_up_is_not_held_against_it),
    EG_TEST(a_trial_is_as_long_as_it_should_be_however_late_its_key_picture_comes),
    EG_TEST(bounds_on_queues_let_the_higher_of_two_on_one_link_give_way),
};

EG_TEST_SUITE(ladder, tests);
