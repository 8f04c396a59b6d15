// Scenarios of RFC 8867, by name and by seed: a viewer of three encodings (4.5, 2 and 0.6 Mbit/s) behind a line, and which of them it sees when.
#include "sim/ladder.h"

enum {
    MBIT = 1000 * 1000,
    // [us] What is in a queue of 64 KiB when the link falls to 1 Mbit/s takes half a second to leave. Where that is a key picture of the highest
    // encoding, which is larger than the queue, it shows nothing, and the picture of the lowest comes behind it.
    STALL_DOWN = 1200 * EG_MILLISECOND,
    STALL_UP = 250 * EG_MILLISECOND, // a key picture of the highest encoding at 6 Mbit/s
};

// --- RFC 8867 §5.1, and constant capacity ---

static void on_a_line_of_constant_width_a_viewer_comes_to_the_right_encoding_and_stays(struct eg_check *check) {
    static const struct {
        uint32_t kbit;
        unsigned encoding;
    } rows[] = {{800, EG_SIM_LOWEST}, {1500, EG_SIM_LOWEST}, {3000, EG_SIM_MIDDLE}, {6000, EG_SIM_TOP}, {20000, EG_SIM_TOP}};
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 700);
    struct eg_sim_viewer *viewers[ROWS];
    for (unsigned i = 0; i < ROWS; i++) viewers[i] = eg_sim_ladder_join(world, &eg_sim_ladder_viewer, rows[i].kbit * 1000);
    eg_sim_measure_after(world, 35 * EG_SECOND); // a probe that failed once, because of a key picture beside it, is made again after 20 s
    eg_sim_world_run(world, 60 * (eg_time)EG_SECOND);
    for (unsigned i = 0; i < ROWS; i++) {
        CHECK_VIEWER(eg_sim_share_at(viewers[i], rows[i].encoding) >= 95, viewers[i], i);
        CHECK_VIEWER(eg_sim_switches_of(viewers[i]) <= 2, viewers[i], i);
        CHECK_VIEWER(eg_sim_stall_of(viewers[i]) < STALL_DOWN, viewers[i], i);
        CHECK_VIEWER(eg_sim_silence_of(viewers[i]) < 500 * EG_MILLISECOND, viewers[i], i);
        CHECK_VIEWER(eg_sim_timelines_agree(viewers[i]), viewers[i], i);
    }
    eg_sim_end(check, world);
}

// --- RFC 8867 §5.1: variable capacity ---

static void fall_and_rise(struct eg_check *check, struct eg_sim_world *world, const struct eg_sim_script *script, eg_time down_within) {
    struct eg_sim_viewer *viewer = eg_sim_ladder_join(world, script, 6 * MBIT);
    struct eg_sim_bottleneck *line = eg_sim_bottleneck_of(world, viewer);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_TOP, 20 * EG_SECOND) < 20 * EG_SECOND, viewer, 0);
    eg_sim_measure_after(world, 12 * EG_SECOND + check->seed * 170 * EG_MILLISECOND % (2 * EG_SECOND)); // at any point of a GOP
    eg_sim_bottleneck_change(line, world->now, MBIT);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_LOWEST, 5 * EG_SECOND) <= down_within, viewer, 1);
    eg_sim_world_run(world, 8 * EG_SECOND);
    CHECK_VIEWER(eg_sim_stall_of(viewer) < STALL_DOWN + down_within - EG_SECOND, viewer, 2);
    CHECK_VIEWER(eg_sim_silence_of(viewer) < 500 * EG_MILLISECOND, viewer, 3);
    CHECK_VIEWER(viewer->screen.rung == EG_SIM_LOWEST && viewer->screen.ups == 0, viewer, 4);
    eg_sim_measure(world); // before it is probed in vain, which makes the way up longer
    eg_sim_bottleneck_change(line, world->now, 6 * MBIT);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_TOP, 60 * (eg_time)EG_SECOND) <= 30 * EG_SECOND, viewer, 5);
    eg_sim_world_run(world, 10 * EG_SECOND);
    CHECK_VIEWER(eg_sim_stall_of(viewer) < STALL_UP + script->up.delay, viewer, 6);
    CHECK_VIEWER(viewer->screen.rung == EG_SIM_TOP && viewer->screen.downs == 0, viewer, 7);
    CHECK_VIEWER(eg_sim_timelines_agree(viewer), viewer, 8);
    eg_sim_end(check, world);
}

static void a_viewer_goes_down_within_a_second_of_its_links_fall_and_up_within_30_of_its_rise(struct eg_check *check) {
    fall_and_rise(check, eg_sim_world_with_ladder(check->seed + 710), &eg_sim_ladder_viewer, EG_SECOND);
}

// It begins with the highest encoding, which its link hardly takes, and that gets narrow while another try is on trial, or is about to be.
static void a_fall_in_the_middle_of_a_trial_does_not_keep_a_viewer_at_the_lowest(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 715);
    struct eg_sim_script script = eg_sim_ladder_viewer;
    script.encoding = EG_SIM_TOP;
    enum { VIEWERS = 8 };
    for (unsigned i = 0; i < VIEWERS; i++) { // at any point of a GOP, and 7 to 15 s before the fall
        eg_sim_world_run(world, 1133 * EG_MILLISECOND);
        eg_sim_ladder_join(world, &script, 5300 * 1000);
    }
    eg_sim_world_run(world, 7 * EG_SECOND);
    for (unsigned i = 0; i < VIEWERS; i++) eg_sim_bottleneck_change(&world->bottlenecks[i], world->now, MBIT);
    eg_sim_world_run(world, 20 * EG_SECOND);
    for (unsigned i = 0; i < VIEWERS; i++) eg_sim_bottleneck_change(&world->bottlenecks[i], world->now, 5300 * 1000);
    eg_sim_measure(world);
    eg_sim_world_run(world, 35 * EG_SECOND);
    for (unsigned i = 0; i < VIEWERS; i++) CHECK_VIEWER(world->viewers[i]->screen.rung <= EG_SIM_MIDDLE, world->viewers[i], i);
    eg_sim_end(check, world);
}

static void a_long_way_makes_it_slower_and_no_worse(struct eg_check *check) {
    struct eg_sim_script script = eg_sim_ladder_viewer;
    script.up.delay = script.down.delay = 150 * EG_MILLISECOND;
    fall_and_rise(check, eg_sim_world_with_ladder(check->seed + 720), &script, 1500 * EG_MILLISECOND);
}

static void on_two_workers_each_viewer_follows_its_own_link(struct eg_check *check) {
    const struct eg_sim_workers workers = {.count = 2, .delay_max = EG_MILLISECOND};
    struct eg_sim_world *world = eg_sim_world_with_ladder_at(check->seed + 730, &workers);
    for (unsigned i = 0; i < 2; i++) {
        struct eg_sim_script script = eg_sim_ladder_viewer;
        script.bottleneck = eg_sim_world_add_bottleneck(world, 6 * MBIT, EG_SIM_QUEUE_SIZE);
        eg_sim_world_add_viewer_at(world, &script, i);
    }
    for (unsigned i = 0; i < 2; i++) CHECK_ROW(eg_sim_run_until_at(world, world->viewers[i], EG_SIM_TOP, 20 * EG_SECOND) < 20 * EG_SECOND, i);
    eg_sim_measure_after(world, 11 * EG_SECOND);
    for (unsigned i = 0; i < 2; i++) {
        eg_sim_bottleneck_change(&world->bottlenecks[i], world->now, MBIT);
        CHECK_VIEWER(eg_sim_run_until_at(world, world->viewers[i], EG_SIM_LOWEST, 5 * EG_SECOND) <= 1500 * EG_MILLISECOND, world->viewers[i], i);
        eg_sim_world_run(world, 3 * EG_SECOND);
        CHECK_VIEWER(eg_sim_stall_of(world->viewers[i]) < STALL_DOWN, world->viewers[i], i);
    }
    eg_sim_end(check, world);
}

// --- RFC 8867 §5.2 and §5.4: several viewers on one line ---

// What each gets of the pictures over the last minute is within 1 : 2 where the ladder has two such rungs. It has none where 8 Mbit/s are for two:
// 4.5 and 2 fit and are 1 : 2.25 apart, and noise is on top. Key pictures that come at one time overflow a queue that is as short: then one may have
// to wait for the next ones.
static void two_viewers_on_one_line_share_it(struct eg_check *check) {
    static const struct {
        uint32_t kbit;
        uint32_t apart_tenths; // at most
        eg_time stall;
    } rows[] = {
        {3000, 20, 3500 * EG_MILLISECOND}, {5000, 20, 2500 * EG_MILLISECOND}, {5500, 20, 2500 * EG_MILLISECOND}, {8000, 26, 2500 * EG_MILLISECOND},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 740);
    for (unsigned i = 0; i < 2 * ROWS; i++) {
        struct eg_sim_script script = eg_sim_ladder_viewer;
        script.bottleneck = i < ROWS ? eg_sim_world_add_bottleneck(world, rows[i].kbit * 1000, EG_SIM_QUEUE_SIZE) : 1 + i % ROWS;
        if (i == ROWS) eg_sim_world_run(world, 15 * EG_SECOND); // the second comes when the first is settled
        eg_sim_world_add_viewer(world, &script);
    }
    eg_sim_measure_after(world, 75 * (eg_time)EG_SECOND);
    uint64_t before[2 * ROWS];
    for (unsigned i = 0; i < 2 * ROWS; i++) before[i] = world->viewers[i]->receivers[EG_VIDEO].bytes;
    eg_sim_world_run(world, 60 * (eg_time)EG_SECOND);
    for (unsigned i = 0; i < 2 * ROWS; i++) {
        const struct eg_sim_viewer *viewer = world->viewers[i], *other = world->viewers[(i + ROWS) % (2 * ROWS)];
        uint64_t bytes = viewer->receivers[EG_VIDEO].bytes - before[i], others = other->receivers[EG_VIDEO].bytes - before[(i + ROWS) % (2 * ROWS)];
        CHECK_VIEWER(others * 10 <= bytes * rows[i % ROWS].apart_tenths, viewer, i);
        CHECK_VIEWER(eg_sim_switches_of(viewer) <= 5, viewer, i);
        CHECK_VIEWER(eg_sim_stall_of(viewer) < rows[i % ROWS].stall, viewer, i);
        CHECK_VIEWER(eg_sim_silence_of(viewer) < 500 * EG_MILLISECOND, viewer, i);
    }
    eg_sim_end(check, world);
}

// --- RFC 8867 §5.7 and §5.8: beside TCP ---

static void short_bursts_of_others_cost_a_viewer_little(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 750);
    struct eg_sim_viewer *viewer = eg_sim_ladder_join(world, &eg_sim_ladder_viewer, 6 * MBIT);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_TOP, 20 * EG_SECOND) < 20 * EG_SECOND, viewer, 0);
    const struct eg_sim_flow_config flow = {.begins = world->now + EG_SECOND,
                                            .ends = EG_TIME_NEVER,
                                            .size = 100000,
                                            .every = 7 * EG_SECOND,
                                            .round_trip = 40 * EG_MILLISECOND};
    eg_sim_bottleneck_add_flow(eg_sim_bottleneck_of(world, viewer), &flow);
    eg_sim_measure(world);
    eg_sim_world_run(world, 60 * (eg_time)EG_SECOND);
    CHECK_VIEWER(eg_sim_share_at(viewer, EG_SIM_LOWEST) <= 25, viewer, 1);
    CHECK_VIEWER(eg_sim_switches_of(viewer) <= 6, viewer, 2);
    CHECK_VIEWER(eg_sim_stall_of(viewer) < 2 * EG_SECOND, viewer, 3); // to the next key picture
    CHECK_VIEWER(eg_sim_silence_of(viewer) < 500 * EG_MILLISECOND, viewer, 4);
    eg_sim_end(check, world);
}

static void a_viewer_gives_way_to_a_long_flow_and_comes_back_when_it_ends(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 760);
    struct eg_sim_viewer *viewer = eg_sim_ladder_join(world, &eg_sim_ladder_viewer, 6 * MBIT);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_TOP, 20 * EG_SECOND) < 20 * EG_SECOND, viewer, 0);
    const struct eg_sim_flow_config flow = {
        .begins = world->now + 5 * EG_SECOND, .ends = world->now + 35 * EG_SECOND, .round_trip = 40 * EG_MILLISECOND};
    eg_sim_bottleneck_add_flow(eg_sim_bottleneck_of(world, viewer), &flow);
    eg_sim_measure_after(world, 10 * EG_SECOND);
    eg_sim_world_run(world, 24 * EG_SECOND);
    CHECK_VIEWER(eg_sim_silence_of(viewer) < EG_SECOND, viewer, 1);
    CHECK_VIEWER(viewer->state == EG_VIEWER_CONNECTED, viewer, 2);
    CHECK(eg_sim_bottleneck_of(world, viewer)->flows[0].delivered > 25 * MBIT / 8); // it is not starved
    eg_sim_measure_after(world, 2 * EG_SECOND);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_TOP, 180 * (eg_time)EG_SECOND) <= 130 * (eg_time)EG_SECOND, viewer, 3);
    eg_sim_end(check, world);
}

// --- loss that is no congestion ---

static void loss_at_random_does_not_cost_a_viewer_its_encoding(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 770);
    struct eg_sim_script script = eg_sim_ladder_viewer;
    script.down.loss = 50;
    struct eg_sim_viewer *viewer = eg_sim_ladder_join(world, &script, 20 * MBIT);
    eg_sim_measure_after(world, 20 * EG_SECOND);
    eg_sim_world_run(world, 60 * (eg_time)EG_SECOND);
    CHECK_VIEWER(eg_sim_share_at(viewer, EG_SIM_TOP) >= 95, viewer, 0);
    CHECK_VIEWER(eg_sim_switches_of(viewer) <= 2, viewer, 0);
    CHECK_VIEWER(eg_sim_stall_of(viewer) < 500 * EG_MILLISECOND, viewer, 0);
    eg_sim_end(check, world);
}

// --- below the lowest ---

static void a_link_below_the_lowest_encoding_carries_the_sound_and_the_picture_comes_back_with_it(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(check->seed + 780);
    struct eg_sim_viewer *viewer = eg_sim_ladder_join(world, &eg_sim_ladder_viewer, 3 * MBIT);
    eg_sim_measure_after(world, 12 * EG_SECOND);
    struct eg_sim_bottleneck *line = eg_sim_bottleneck_of(world, viewer);
    eg_sim_bottleneck_change(line, world->now, 300 * 1000);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_ENCODING_NONE, 20 * EG_SECOND) <= 10 * EG_SECOND, viewer, 0);
    eg_sim_measure_after(world, 2 * EG_SECOND);
    eg_sim_world_run(world, 40 * (eg_time)EG_SECOND);
    CHECK_VIEWER(eg_sim_silence_of(viewer) < 2 * EG_SECOND, viewer, 1);
    CHECK_VIEWER(viewer->state == EG_VIEWER_CONNECTED, viewer, 2);
    eg_sim_bottleneck_change(line, world->now, 3 * MBIT);
    eg_time back = eg_sim_run_until_at(world, viewer, EG_SIM_LOWEST, 90 * (eg_time)EG_SECOND);
    CHECK_VIEWER(back <= 65 * (eg_time)EG_SECOND, viewer, 3);
    eg_sim_measure_after(world, 2 * EG_SECOND);
    CHECK_VIEWER(eg_sim_run_until_at(world, viewer, EG_SIM_MIDDLE, 90 * (eg_time)EG_SECOND) <= 75 * (eg_time)EG_SECOND, viewer, 4);
    CHECK_VIEWER(eg_sim_stall_of(viewer) < 500 * EG_MILLISECOND, viewer, 5);
    CHECK_VIEWER(eg_sim_silence_of(viewer) < 500 * EG_MILLISECOND, viewer, 6);
    eg_sim_end(check, world);
}

static const struct eg_test tests[] = {
    EG_TEST(on_a_line_of_constant_width_a_viewer_comes_to_the_right_encoding_and_stays),
    EG_TEST(a_viewer_goes_down_within_a_second_of_its_links_fall_and_up_within_30_of_its_rise),
    EG_TEST(a_fall_in_the_middle_of_a_trial_does_not_keep_a_viewer_at_the_lowest),
    EG_TEST(a_long_way_makes_it_slower_and_no_worse),
    EG_TEST(on_two_workers_each_viewer_follows_its_own_link),
    EG_TEST(two_viewers_on_one_line_share_it),
    EG_TEST(short_bursts_of_others_cost_a_viewer_little),
    EG_TEST(a_viewer_gives_way_to_a_long_flow_and_comes_back_when_it_ends),
    EG_TEST(loss_at_random_does_not_cost_a_viewer_its_encoding),
    EG_TEST(a_link_below_the_lowest_encoding_carries_the_sound_and_the_picture_comes_back_with_it),
};

EG_TEST_SUITE(sim_ladder, tests);
