// How fast pictures may go out, by what a link is said to do: GOP by GOP, by hand.
#include "support/check.h"

#include "delivery/headroom.h"

#include <string.h>

enum { OWN = 4500000, LEAST = OWN / 100 * EG_PACE_NARROW_PERCENT, MOST = OWN / 100 * EG_HEADROOM_PERCENT_MAX };

struct fixture {
    struct eg_bandwidth link;
    struct eg_headroom headroom;
    eg_time now;
};

static void set_up(struct fixture *fixture) {
    memset(fixture, 0, sizeof *fixture);
    fixture->now = 1000 * (eg_time)EG_SECOND;
    eg__bandwidth_init(&fixture->link, fixture->now);
    eg__headroom_init(&fixture->headroom);
}

static void judge(struct fixture *fixture, uint32_t own, eg_time key_at) {
    eg__headroom_judge(&fixture->headroom, fixture->now, &(struct eg_headroom_view){.link = &fixture->link, .own = own, .key_at = key_at});
}

// A key picture comes, and for 2 s the link tells ten times a second.
static void pass_gop(struct fixture *fixture) {
    eg_time key_at = fixture->now + 1;
    for (unsigned i = 0; i < 20; i++) {
        fixture->now += 100 * EG_MILLISECOND;
        fixture->link.told_at = fixture->now;
        judge(fixture, OWN, key_at);
    }
}

static unsigned pass_gops_until(struct fixture *fixture, uint32_t bit_rate) {
    unsigned gops = 0;
    for (; gops < 1000 && fixture->headroom.bit_rate < bit_rate; gops++) pass_gop(fixture);
    return gops;
}

static void pictures_begin_at_hardly_more_than_their_rate_and_come_to_four_times_that(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture);
    judge(&fixture, OWN, 0);
    CHECK_EQUAL(fixture.headroom.bit_rate, LEAST);
    CHECK_EQUAL(pass_gops_until(&fixture, MOST), 5);
    for (unsigned i = 0; i < 10; i++) pass_gop(&fixture);
    CHECK_EQUAL(fixture.headroom.bit_rate, MOST);
}

static void a_link_that_has_told_nothing_of_a_key_picture_is_given_no_more(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture);
    for (unsigned i = 0; i < 100; i++) {
        fixture.now += EG_SECOND;
        judge(&fixture, OWN, fixture.now - EG_MILLISECOND); // nothing is told
    }
    CHECK_EQUAL(fixture.headroom.bit_rate, LEAST);
    eg_time key_at = fixture.headroom.changed_at; // from before the last change
    for (unsigned i = 0; i < 100; i++) {
        fixture.link.told_at = fixture.now += EG_SECOND;
        judge(&fixture, OWN, key_at);
    }
    CHECK_EQUAL(fixture.headroom.bit_rate, LEAST);
}

static void queue_while_it_lasts(struct fixture *fixture) { fixture->link.queue = EG_HEADROOM_QUEUE; }
static void queue_between_two_reports(struct fixture *fixture) { fixture->link.rises++; }
static void loss(struct fixture *fixture) { fixture->link.lost_256 = 256 / 20; }

static void a_queue_or_loss_takes_it_all_back_and_the_next_try_waits_twice_as_long(struct eg_check *check) {
    static void (*const troubles[])(struct fixture *) = {queue_while_it_lasts, queue_between_two_reports, loss};
    for (unsigned i = 0; i < 3; i++) {
        struct fixture fixture;
        set_up(&fixture);
        pass_gops_until(&fixture, 2 * OWN);
        eg_time wait_before = 0;
        for (unsigned j = 0; j < 8; j++) {
            troubles[i](&fixture);
            judge(&fixture, OWN, 0);
            CHECK_ROW(fixture.headroom.bit_rate == LEAST, i);
            fixture.link.queue = fixture.link.lost_256 = 0;
            eg_time began = fixture.now;
            pass_gops_until(&fixture, LEAST + 1);
            eg_time wait = fixture.now - began;
            CHECK_ROW(wait > wait_before || wait_before >= EG_HEADROOM_BACK_OFF_MAX, i);
            CHECK_ROW(wait >= EG_HEADROOM_BACK_OFF && wait <= EG_HEADROOM_BACK_OFF_MAX + 4 * EG_SECOND, i);
            wait_before = wait;
        }
        pass_gops_until(&fixture, MOST);
        pass_gop(&fixture);
        CHECK_ROW(fixture.headroom.back_off == EG_HEADROOM_BACK_OFF, i);
    }
}

static void another_encoding_keeps_what_the_link_has_shown_within_its_own_bounds(struct eg_check *check) {
    struct fixture fixture;
    set_up(&fixture);
    pass_gops_until(&fixture, MOST);
    judge(&fixture, 2 * OWN, 0);
    CHECK_EQUAL(fixture.headroom.bit_rate, MOST);
    judge(&fixture, 4 * OWN, 0);
    CHECK_EQUAL(fixture.headroom.bit_rate, 4 * LEAST);
    judge(&fixture, OWN / 10, 0);
    CHECK_EQUAL(fixture.headroom.bit_rate, MOST / 10);
    judge(&fixture, UINT32_MAX, 0);
    CHECK_EQUAL(fixture.headroom.bit_rate, UINT32_MAX);
    judge(&fixture, 0, 0);
    CHECK_EQUAL(fixture.headroom.bit_rate, 0);
}

static const struct eg_test tests[] = {
    EG_TEST(pictures_begin_at_hardly_more_than_their_rate_and_come_to_four_times_that),
    EG_TEST(a_link_that_has_told_nothing_of_a_key_picture_is_given_no_more),
    EG_TEST(a_queue_or_loss_takes_it_all_back_and_the_next_try_waits_twice_as_long),
    EG_TEST(another_encoding_keeps_what_the_link_has_shown_within_its_own_bounds),
};

EG_TEST_SUITE(headroom, tests);
