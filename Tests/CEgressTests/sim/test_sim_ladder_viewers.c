// Viewers of three encodings that are bounded, pinned, can do less than others, or tell what is not so; and encodings whose senders stop.
#include "sim/ladder.h"

#include <string.h>

enum { MBIT = 1000 * 1000 };

// --- what was asked for ---

static void a_bound_is_not_passed_however_wide_the_link_is(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 800);
    struct eg_sim_script script = eg_sim_ladder_viewer;
    script.encoding = EG_SIM_LOWEST;
    script.bit_rate_max = 3 * MBIT;
    struct eg_sim_viewer *middle = eg_sim_ladder_join(world, &script, 20 * MBIT);
    script.bit_rate_max = 100000; // the lowest may be had all the same
    struct eg_sim_viewer *lowest = eg_sim_ladder_join(world, &script, 20 * MBIT);
    script.encoding = EG_SIM_TOP;
    struct eg_sim_viewer *from_above = eg_sim_ladder_join(world, &script, 20 * MBIT);
    CHECK_VIEWER(eg_sim_run_until_at(world, middle, EG_SIM_MIDDLE, 20 * EG_SECOND) < 20 * EG_SECOND, middle, 0);
    eg_sim_measure_after(world, 5 * EG_SECOND);
    eg_sim_world_run(world, 30 * EG_SECOND);
    CHECK_VIEWER(eg_sim_share_at(middle, EG_SIM_MIDDLE) == 100, middle, 1);
    CHECK_VIEWER(eg_sim_share_at(lowest, EG_SIM_LOWEST) == 100, lowest, 2);
    CHECK_VIEWER(eg_sim_share_at(from_above, EG_SIM_LOWEST) == 100, from_above, 3);
    eg_sim_end(check, world);
}

static const char *pin(struct eg_sim_world *world, const struct eg_sim_viewer *viewer, int32_t encoding) {
    static struct eg_error error;
    eg_status status = eg__core_pin_viewer(eg_sim_core_of(world, viewer), world->now, viewer->info.viewer, encoding, &error);
    return status == EG_STATUS_OK ? NULL : error.message;
}

static void a_pinned_viewer_is_switched_at_the_next_key_picture_and_stays(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 810);
    struct eg_sim_viewer *viewer = eg_sim_ladder_join(world, &eg_sim_ladder_viewer, 20 * MBIT);
    eg_sim_measure_after(world, 3 * EG_SECOND);
    static const int32_t pins[] = {EG_SIM_LOWEST, EG_SIM_TOP, EG_SIM_MIDDLE, EG_SIM_TOP, EG_SIM_LOWEST};
    for (unsigned i = 0; i < sizeof pins / sizeof pins[0]; i++) {
        CHECK(pin(world, viewer, pins[i]) == NULL);
        CHECK_VIEWER(eg_sim_run_until_at(world, viewer, pins[i], 3 * EG_SECOND) <= 2100 * EG_MILLISECOND, viewer, i);
        CHECK(viewer->switches.reason == EG_SWITCH_PINNED);
        eg_sim_world_run(world, 300 * EG_MILLISECOND);
        CHECK_VIEWER(viewer->screen.rung == (unsigned)pins[i], viewer, i);
    }
    CHECK_VIEWER(eg_sim_stall_of(viewer) < 200 * EG_MILLISECOND && eg_sim_timelines_agree(viewer), viewer, 10);
    eg_sim_measure_after(world, EG_SECOND);
    eg_sim_world_run(world, 25 * EG_SECOND);
    CHECK_VIEWER(eg_sim_share_at(viewer, EG_SIM_LOWEST) == 100, viewer, 11);
    CHECK(pin(world, viewer, 3) != NULL && pin(world, viewer, -7) != NULL);
    CHECK(pin(world, viewer, EG_ENCODING_AUTO) == NULL);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_TOP, 40 * (eg_time)EG_SECOND) <= 30 * EG_SECOND, viewer, 12);
    eg_sim_end(check, world);
}

// --- what a viewer can do ---

static void a_viewer_without_rtx_goes_up_by_calm_alone(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 820);
    struct eg_sim_script script = eg_sim_ladder_viewer;
    script.has_rtx = false;
    struct eg_sim_viewer *viewer = eg_sim_ladder_join(world, &script, 6 * MBIT);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_TOP, 20 * EG_SECOND) < 20 * EG_SECOND, viewer, 0);
    eg_sim_measure_after(world, 11 * EG_SECOND);
    eg_sim_bottleneck_change(eg_sim_bottleneck_of(world, viewer), world->now, MBIT);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_LOWEST, 5 * EG_SECOND) <= EG_SECOND, viewer, 1);
    eg_sim_world_run(world, 20 * EG_SECOND);
    CHECK_VIEWER(eg_sim_share_at(viewer, EG_SIM_TOP) < 10 && viewer->screen.pictures > 400, viewer, 2);
    eg_sim_end(check, world);
}

// Loss and the round trip are all that it tells.
static void a_viewer_with_receiver_reports_alone_finds_its_encoding(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 830);
    struct eg_sim_script script = eg_sim_ladder_viewer;
    script.feedback.is_negotiated = false;
    struct eg_sim_viewer *wide = eg_sim_ladder_join(world, &script, 20 * MBIT), *narrow = eg_sim_ladder_join(world, &script, MBIT);
    eg_sim_measure_after(world, 25 * EG_SECOND);
    eg_sim_world_run(world, 60 * (eg_time)EG_SECOND);
    CHECK_VIEWER(eg_sim_share_at(wide, EG_SIM_TOP) == 100, wide, 0);
    CHECK_VIEWER(eg_sim_share_at(narrow, EG_SIM_LOWEST) >= 75 && eg_sim_share_at(narrow, EG_SIM_TOP) == 0, narrow, 1);
    CHECK_VIEWER(eg_sim_switches_of(narrow) <= 4 && eg_sim_silence_of(narrow) < EG_SECOND, narrow, 2);
    struct eg_sim_bottleneck *line = eg_sim_bottleneck_of(world, wide);
    eg_sim_measure(world);
    eg_sim_bottleneck_change(line, world->now, MBIT);
    CHECK_VIEWER(eg_sim_run_until_at(world, wide, EG_SIM_LOWEST, 10 * EG_SECOND) <= 5 * EG_SECOND, wide, 3);
    eg_sim_world_run(world, 10 * EG_SECOND);
    CHECK_VIEWER(eg_sim_stall_of(wide) < 5 * EG_SECOND && wide->state == EG_VIEWER_CONNECTED, wide, 4);
    eg_sim_end(check, world);
}

// --- what is told that is not so ---

static void feedback_that_is_forged_stops_or_comes_late_disturbs_nobody_else(struct eg_check *check) {
    static const struct eg_sim_feedback_habits habits[] = {
        {.is_negotiated = true, .honesty = EG_SIM_SAYS_NONSENSE},
        {.is_negotiated = true, .honesty = EG_SIM_SAYS_NONSENSE, .every = 5 * EG_MILLISECOND},
        {.is_negotiated = true, .honesty = EG_SIM_SAYS_ALL_ARRIVED},
        {.is_negotiated = true, .stops_after = 10 * EG_SECOND},
        {.is_negotiated = true, .stops_after = 10 * EG_SECOND, .stops_reports_too = true},
        {.is_negotiated = true, .late_by = 2 * EG_SECOND},
    };
    enum { ROWS = sizeof habits / sizeof habits[0] };
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 840);
    struct eg_sim_viewer *honest = eg_sim_ladder_join(world, &eg_sim_ladder_viewer, 6 * MBIT), *others[ROWS];
    for (unsigned i = 0; i < ROWS; i++) {
        struct eg_sim_script script = eg_sim_ladder_viewer;
        script.feedback = habits[i];
        others[i] = eg_sim_ladder_join(world, &script, MBIT);
    }
    CHECK_VIEWER(eg_sim_run_until_at(world, honest, EG_SIM_TOP, 20 * EG_SECOND) < 20 * EG_SECOND, honest, 0);
    eg_sim_measure_after(world, 2 * EG_SECOND);
    uint64_t before[ROWS];
    for (unsigned i = 0; i < ROWS; i++) before[i] = others[i]->ledgers[EG_VIDEO].packets + others[i]->ledgers[EG_VIDEO].repairs;
    eg_sim_world_run(world, 40 * (eg_time)EG_SECOND);
    CHECK_VIEWER(eg_sim_share_at(honest, EG_SIM_TOP) == 100 && eg_sim_stall_of(honest) < 250 * EG_MILLISECOND, honest, 1);
    CHECK_VIEWER(eg_sim_silence_of(honest) < 150 * EG_MILLISECOND, honest, 2);
    for (unsigned i = 0; i < ROWS; i++) {
        // At most what the best encoding and all repairs come to.
        uint64_t sent = others[i]->ledgers[EG_VIDEO].packets + others[i]->ledgers[EG_VIDEO].repairs - before[i];
        CHECK_VIEWER(sent < 40 * (600 + EG_REPAIR_RATE), others[i], i);
        bool is_content = others[i]->switches.encoding == EG_SIM_LOWEST || others[i]->switches.encoding == EG_ENCODING_NONE;
        bool is_liar = habits[i].honesty == EG_SIM_SAYS_ALL_ARRIVED || habits[i].honesty == EG_SIM_SAYS_NONSENSE;
        bool is_closed = others[i]->state == EG_VIEWER_CLOSED && others[i]->reason == EG_CLOSE_CONGESTION;
        CHECK_VIEWER(is_closed || is_content || is_liar, others[i], i);
    }
    eg_sim_end(check, world);
}

static void ten_thousand_reports_a_second_are_taken_or_dropped_and_no_more(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 850);
    struct eg_sim_viewer *honest = eg_sim_ladder_join(world, &eg_sim_ladder_viewer, 3 * MBIT);
    struct eg_sim_script script = eg_sim_ladder_viewer;
    script.feedback = (struct eg_sim_feedback_habits){.is_negotiated = true, .honesty = EG_SIM_SAYS_NONSENSE, .every = 100};
    struct eg_sim_viewer *flooding = eg_sim_ladder_join(world, &script, 3 * MBIT);
    eg_sim_measure_after(world, 2 * EG_SECOND);
    uint64_t sent = flooding->feedback.sent, packets = flooding->ledgers[EG_VIDEO].packets;
    eg_sim_world_run(world, 5 * EG_SECOND);
    CHECK(flooding->feedback.sent - sent > 45000);
    CHECK(flooding->ledgers[EG_VIDEO].packets - packets < 5 * 600);
    CHECK_VIEWER(eg_sim_share_at(honest, EG_SIM_MIDDLE) == 100 && eg_sim_stall_of(honest) < 250 * EG_MILLISECOND, honest, 0);
    CHECK(eg_sim_dropped(world, EG_DROP_FEEDBACK) > 0);
    eg_sim_end(check, world);
}

// --- senders ---

static void an_encoding_whose_sender_stops_sends_its_viewers_to_a_neighbour_within_a_second(struct eg_check *check) {
    for (unsigned stopped = 0; stopped < EG_SIM_RUNGS_MAX; stopped++) {
        struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 860 + stopped);
        struct eg_sim_viewer *viewers[EG_SIM_RUNGS_MAX];
        for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) {
            struct eg_sim_script script = eg_sim_ladder_viewer;
            script.encoding = i;
            viewers[i] = eg_sim_ladder_join(world, &script, 20 * MBIT);
        }
        eg_sim_measure_after(world, 4 * EG_SECOND + check->seed * 130 * EG_MILLISECOND % (2 * EG_SECOND));
        for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) CHECK_VIEWER(viewers[i]->screen.rung == i, viewers[i], i);
        eg_sim_world_stop_encoding(world, 0, stopped, check->seed % 2 == 0);
        eg_sim_world_run(world, EG_SECOND);
        int32_t neighbour = stopped == EG_SIM_LOWEST ? EG_SIM_MIDDLE : (int32_t)stopped + 1;
        CHECK_VIEWER(viewers[stopped]->switches.encoding == neighbour, viewers[stopped], stopped);
        CHECK(viewers[stopped]->switches.reason == EG_SWITCH_ENCODING_LOST);
        eg_sim_world_run(world, 2 * EG_SECOND);
        for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) {
            eg_time most = i == stopped ? 1200 * EG_MILLISECOND : 200 * EG_MILLISECOND;
            CHECK_VIEWER(eg_sim_stall_of(viewers[i]) < most, viewers[i], stopped);
            CHECK_VIEWER(eg_sim_silence_of(viewers[i]) < 100 * EG_MILLISECOND, viewers[i], stopped);
            CHECK_VIEWER(viewers[i]->screen.rung == (i == stopped ? (unsigned)neighbour : i), viewers[i], stopped);
        }
        eg_sim_world_start_encoding(world, 0, stopped);
        eg_sim_world_run(world, 20 * EG_SECOND);
        for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++)
            CHECK_VIEWER(viewers[i]->screen.shown_at + 300 * EG_MILLISECOND > world->now && eg_sim_stall_of(viewers[i]) < 1200 * EG_MILLISECOND,
                         viewers[i], stopped);
        eg_sim_end(check, world);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(a_bound_is_not_passed_however_wide_the_link_is),
    EG_TEST(a_pinned_viewer_is_switched_at_the_next_key_picture_and_stays),
    EG_TEST(a_viewer_without_rtx_goes_up_by_calm_alone),
    EG_TEST(a_viewer_with_receiver_reports_alone_finds_its_encoding),
    EG_TEST(feedback_that_is_forged_stops_or_comes_late_disturbs_nobody_else),
    EG_TEST(ten_thousand_reports_a_second_are_taken_or_dropped_and_no_more),
    EG_TEST(an_encoding_whose_sender_stops_sends_its_viewers_to_a_neighbour_within_a_second),
};

EG_TEST_SUITE(sim_ladder_viewers, tests);
