// Engines of several workers in virtual time: what holds for viewers wherever they are.
#include "sim/world.h"
#include "support/check.h"

#include "base/worker_id.h"
#include "wire/stun.h"

#include <string.h>

static const eg_time grace = 30 * EG_SECOND;

static const struct eg_sim_script browser = {.up.delay = 5 * EG_MILLISECOND, .down.delay = 5 * EG_MILLISECOND, .has_rtx = true};

static struct eg_sim_world *world_of(uint64_t seed, uint32_t gop_s, const struct eg_sim_workers *workers) {
    struct eg_sim_world *world = eg_sim_world_create_with(seed, 1, grace, workers);
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = gop_s * config.frame_rate;
    config.has_sei = true;
    eg_sim_world_add_stream(world, 0, &config);
    eg_sim_world_start_source(world, 0);
    return world;
}

static struct eg_sim_world *world_with_workers(uint64_t seed, unsigned count, uint32_t gop_s) {
    struct eg_sim_workers workers = {.count = count, .delay_max = EG_MILLISECOND};
    return world_of(seed, gop_s, &workers);
}

static const struct eg_sim_log *video_of(const struct eg_sim_world *world) { return &world->streams[0].logs[EG_VIDEO]; }

static unsigned home_of(const struct eg_sim_world *world) { return eg__worker_id_worker(world->streams[0].handle); }

static unsigned elsewhere(const struct eg_sim_world *world) { return (home_of(world) + 1) % world->workers.count; }

static struct eg_core *core_at(struct eg_sim_world *world, unsigned worker) { return world->engines[0].workers[worker].core; }

static uint64_t dropped(const struct eg_sim_world *world, eg_drop drop) {
    return eg_sim_engine_drops(&world->engines[0], drop, (eg_drop)(drop + 1));
}

static bool is_up_to_date(const struct eg_sim_viewer *viewer) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        const struct eg_sim_ledger *ledger = &viewer->ledgers[kind];
        if (ledger->log != NULL && ledger->place != ledger->log->highest) return false;
    }
    return true;
}

// Until what was said last has been heard.
static void settle(struct eg_sim_world *world) { eg_sim_world_run(world, 2 * EG_MILLISECOND); }

// ... and what is on its way to the viewers has arrived.
static void let_arrive(struct eg_sim_world *world) {
    world->streams[0].is_running = false;
    eg_sim_world_run(world, 900 * EG_MILLISECOND);
}

// One that hears nothing for a while, as when its thread gets no time.
static void hold_up(struct eg_sim_world *world, unsigned worker, eg_time duration) {
    eg_time delay_max = world->workers.delay_max;
    world->workers.delay_max = 60 * (eg_time)EG_SECOND;
    for (eg_time end = world->now + duration; world->now < end;) {
        world->engines[0].workers[worker].wakes_at = EG_TIME_NEVER;
        eg_sim_world_run(world, 10 * EG_MILLISECOND);
    }
    world->engines[0].workers[worker].wakes_at = world->now;
    world->workers.delay_max = delay_max;
}

static void end(struct eg_check *check, struct eg_sim_world *world) {
    eg_sim_world_finish(world);
    if (world->failures > 0) eg_check_fail(check, __FILE__, __LINE__, "%u failures\n%s", world->failures, world->report);
    eg_sim_world_destroy(world);
}

static void viewers_at_every_worker_get_every_packet_once(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(1, 4, 2);
    struct eg_sim_viewer *viewers[8];
    for (unsigned i = 0; i < 8; i++) viewers[i] = eg_sim_world_add_viewer_at(world, &browser, i % 4);
    eg_sim_world_run(world, 6 * EG_SECOND);
    let_arrive(world);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t sent, lost;
        eg_sim_viewer_count_lost(viewers[i], &sent, &lost);
        CHECK_ROW(viewers[i]->state == EG_VIEWER_CONNECTED && is_up_to_date(viewers[i]), i);
        CHECK_ROW(viewers[i]->ledgers[EG_VIDEO].bursts == 1, i);
        CHECK_ROW(sent > 600 && lost == 0, i);
    }
    CHECK_EQUAL(dropped(world, EG_DROP_WORKER_BUSY), 0);
    end(check, world);
}

static void one_who_joins_elsewhere_in_the_middle_of_a_long_gop_has_its_idr_at_once_and_is_live_soon(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(2, 2, 10);
    eg_sim_world_run(world, 5 * EG_SECOND);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer_at(world, &browser, elsewhere(world));
    eg_sim_world_run(world, 3 * EG_SECOND);
    settle(world);
    REQUIRE(viewer->first_media_at != EG_TIME_NEVER && viewer->live_at != EG_TIME_NEVER);
    CHECK(viewer->first_media_at - viewer->connected_at <= 50 * EG_MILLISECOND);
    CHECK(viewer->live_at - viewer->joined_at <= 1200 * EG_MILLISECOND);
    const struct eg_sim_sent *first = eg_sim_ledger_find(&viewer->ledgers[EG_VIDEO], viewer->ledgers[EG_VIDEO].first_index);
    REQUIRE(first != NULL);
    CHECK(eg_sim_log_find(video_of(world), first->place)->begins_key);
    CHECK_EQUAL(viewer->ledgers[EG_VIDEO].packets, video_of(world)->highest);
    CHECK(is_up_to_date(viewer));
    end(check, world);
}

static void a_payload_lies_at_home_and_nowhere_else(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(3, 3, 2);
    for (unsigned i = 0; i < 3; i++) eg_sim_world_add_viewer_at(world, &browser, i);
    eg_sim_world_run(world, 4 * EG_SECOND);
    for (unsigned i = 0; i < 3; i++) {
        struct eg_core_usage usage;
        eg__core_usage(core_at(world, i), &usage);
        CHECK_ROW(i == home_of(world) ? usage.chunks > 4 : usage.chunks == 0, i);
        CHECK_ROW(usage.streams == 1, i);
    }
    end(check, world);
}

static void losses_are_repaired_from_a_mirror_too(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(4, 2, 2);
    struct eg_sim_script script = browser;
    script.down.loss = 50;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer_at(world, &script, elsewhere(world));
    eg_sim_world_run(world, 20 * EG_SECOND);
    let_arrive(world);
    uint64_t sent, lost;
    eg_sim_viewer_count_lost(viewer, &sent, &lost);
    CHECK(sent > 2000 && lost * 1000 < sent);
    CHECK(viewer->ledgers[EG_VIDEO].repairs > sent / 40);
    end(check, world);
}

static void viewers_elsewhere_stay_through_a_restart_of_the_source(struct eg_check *check) {
    for (unsigned row = 0; row < 6; row++) {
        struct eg_sim_world *world = world_with_workers(10 + row, 2, 2);
        struct eg_sim_viewer *viewer = eg_sim_world_add_viewer_at(world, &browser, elsewhere(world));
        eg_sim_world_run(world, 2 * EG_SECOND + row * 330 * EG_MILLISECOND);
        eg_sim_world_stop_source(world, 0, row % 2 == 0);
        eg_sim_world_run(world, 500 * EG_MILLISECOND);
        uint64_t before = video_of(world)->highest;
        eg_sim_world_start_source(world, 0);
        eg_sim_world_run(world, 3 * EG_SECOND);
        settle(world);
        CHECK_ROW(viewer->state == EG_VIEWER_CONNECTED, row);
        CHECK_ROW(video_of(world)->epochs == 2 && video_of(world)->highest > before + 100, row);
        CHECK_ROW(is_up_to_date(viewer) && viewer->ledgers[EG_VIDEO].bursts == 1, row);
        end(check, world);
    }
}

static void a_source_that_stays_away_costs_its_viewers_elsewhere_too(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(20, 2, 2);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer_at(world, &browser, elsewhere(world));
    eg_sim_world_run(world, 3 * EG_SECOND);
    eg_time stopped_at = world->now;
    eg_sim_world_stop_source(world, 0, true);
    eg_sim_world_run(world, grace - EG_MILLISECOND);
    CHECK_EQUAL(viewer->state, EG_VIEWER_CONNECTED);
    eg_sim_world_run(world, 2 * EG_MILLISECOND);
    CHECK_EQUAL(viewer->reason, EG_CLOSE_SOURCE_LOST);
    CHECK_EQUAL(viewer->closed_at, stopped_at + grace);
    end(check, world);
}

static void stopping_the_stream_says_goodbye_at_every_worker(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(21, 4, 2);
    for (unsigned i = 0; i < 12; i++) eg_sim_world_add_viewer_at(world, &browser, i % 4);
    eg_sim_world_run(world, 2 * EG_SECOND);
    eg_sim_world_remove_stream(world, 0);
    for (unsigned i = 0; i < 12; i++) CHECK_ROW(world->viewers[i]->reason == EG_CLOSE_STREAM_STOPPED, i);
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    for (unsigned i = 0; i < 12; i++) CHECK_ROW(world->viewers[i]->has_bye && world->viewers[i]->has_close_notify, i);
    end(check, world);
}

static void a_mirror_that_nobody_watches_gives_everything_back_but_its_counters(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(22, 2, 2);
    struct eg_sim_script script = browser;
    script.farewell = EG_SIM_SAYS_GOODBYE;
    script.leaves_after = 3 * EG_SECOND;
    eg_sim_world_add_viewer_at(world, &script, elsewhere(world));
    eg_sim_world_run(world, 4 * EG_SECOND);
    struct eg_stream_stats awake, asleep, again;
    struct eg_core *core = core_at(world, elsewhere(world));
    REQUIRE(eg__core_stream_stats(core, world->streams[0].handle, &awake) == EG_STATUS_OK);
    CHECK(awake.packets_sent > 300 && awake.video.bytes_stored > 0);
    CHECK_EQUAL(awake.viewers, 0);
    eg_sim_world_run(world, EG_MIRROR_LINGER);
    REQUIRE(eg__core_stream_stats(core, world->streams[0].handle, &asleep) == EG_STATUS_OK);
    CHECK_EQUAL(asleep.packets_sent, awake.packets_sent);
    CHECK_EQUAL(asleep.video.bytes_stored, 0);
    // And nothing is told to it any more.
    eg_sim_world_run(world, 10 * EG_MILLISECOND);
    CHECK(!eg__core_has_from_peers(core));
    eg_sim_world_run(world, EG_SECOND);
    CHECK_EQUAL(world->engines[0].workers[elsewhere(world)].wakes_at, EG_TIME_NEVER);
    // The next viewer wakes it.
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer_at(world, &browser, elsewhere(world));
    eg_sim_world_run(world, 3 * EG_SECOND);
    settle(world);
    CHECK(is_up_to_date(viewer));
    REQUIRE(eg__core_stream_stats(core, world->streams[0].handle, &again) == EG_STATUS_OK);
    CHECK(again.packets_sent > asleep.packets_sent + 300);
    end(check, world);
}

// Between the two steps of a join.
static void a_stream_that_goes_away_meanwhile_leaves_nothing_behind(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(23, 2, 2);
    eg_sim_world_run(world, 3 * EG_SECOND);
    eg_stream_id stream = world->streams[0].handle;
    struct eg_viewer_config config = {.stream = stream, .ice_ufrag = "abcd", .ice_pwd = "abcdefghijklmnopqrstuv", .fingerprint = "sha-256 00"};
    struct eg_viewer_info info;
    CHECK_EQUAL(eg__core_subscribe(core_at(world, home_of(world)), stream, elsewhere(world), false, NULL), EG_STATUS_OK);
    unsigned home = home_of(world);
    eg_sim_world_remove_stream(world, 0);
    CHECK_EQUAL(eg__core_add_viewer(core_at(world, elsewhere(world)), world->now, &config, &info, NULL), EG_STATUS_NOT_FOUND);
    CHECK_EQUAL(eg__core_subscribe(core_at(world, home), stream, elsewhere(world), true, NULL), EG_STATUS_NOT_FOUND);
    end(check, world);
}

// A home whose subscriber has forgotten the stream all the same is told so by the next picture, and a new subscription is not undone by what
// was said of an old one.
static void a_subscription_can_be_renewed_while_the_old_one_is_being_ended(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(24, 2, 2);
    struct eg_sim_worker *mirror = &world->engines[0].workers[elsewhere(world)];
    struct eg_core *home = core_at(world, home_of(world));
    eg_stream_id stream = world->streams[0].handle;
    eg_sim_world_run(world, EG_SECOND);
    CHECK_EQUAL(eg__core_subscribe(home, stream, mirror->number, false, NULL), EG_STATUS_OK);
    eg__core_receive_peers(mirror->core, world->now, &mirror->batch);
    // It falls asleep, which the home has not heard when it is asked again.
    eg__core_tick(mirror->core, world->now + EG_MIRROR_LINGER + 1, &mirror->batch);
    CHECK_EQUAL(eg__core_subscribe(home, stream, mirror->number, true, NULL), EG_STATUS_OK);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer_at(world, &browser, mirror->number);
    eg_sim_world_run(world, 3 * EG_SECOND);
    settle(world);
    CHECK(is_up_to_date(viewer));
    end(check, world);
}

// --- queues that are full ---

// The worker that hears nothing for a while has a queue that holds a second.
static const struct eg_sim_workers narrow = {.count = 2, .relay_size = 16 * 1024, .forward_size = 16 * 1024, .delay_max = EG_MILLISECOND};

static void a_full_queue_costs_pictures_there_and_nothing_else(struct eg_check *check) {
    struct eg_sim_world *world = world_of(30, 2, &narrow);
    struct eg_sim_viewer *here = eg_sim_world_add_viewer_at(world, &browser, home_of(world));
    struct eg_sim_viewer *there = eg_sim_world_add_viewer_at(world, &browser, elsewhere(world));
    here->ledgers[EG_AUDIO].may_skip = there->ledgers[EG_AUDIO].may_skip = true;
    eg_sim_world_run(world, 3 * EG_SECOND);
    REQUIRE(is_up_to_date(here) && there->state == EG_VIEWER_CONNECTED);
    hold_up(world, elsewhere(world), 3 * EG_SECOND);
    CHECK(dropped(world, EG_DROP_WORKER_BUSY) > 50);
    CHECK_EQUAL(here->ledgers[EG_VIDEO].bursts, 1);
    eg_sim_world_run(world, 5 * EG_SECOND);
    let_arrive(world);
    CHECK(is_up_to_date(here) && is_up_to_date(there));
    uint64_t sent, lost;
    eg_sim_viewer_count_lost(here, &sent, &lost);
    CHECK(sent > 1000 && lost == 0);
    end(check, world);
}

// That the source has ended would have been the last word for a while.
static void one_whose_queue_was_full_is_told_again_how_the_stream_stands(struct eg_check *check) {
    struct eg_sim_world *world = world_of(31, 2, &narrow);
    struct eg_sim_worker *mirror = &world->engines[0].workers[elsewhere(world)];
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer_at(world, &browser, mirror->number);
    viewer->ledgers[EG_AUDIO].may_skip = true;
    eg_sim_world_run(world, 3 * EG_SECOND);
    hold_up(world, mirror->number, 3 * EG_SECOND);
    CHECK(dropped(world, EG_DROP_WORKER_BUSY) > 50);
    mirror->wakes_at = EG_TIME_NEVER;
    eg_time stopped_at = world->now;
    eg_sim_world_stop_source(world, 0, true);
    mirror->wakes_at = world->now + EG_MILLISECOND;
    world->streams[0].was_lost = true;
    eg_sim_world_run(world, grace + EG_SECOND);
    CHECK_EQUAL(viewer->reason, EG_CLOSE_SOURCE_LOST);
    CHECK_EQUAL(viewer->closed_at, stopped_at + grace);
    end(check, world);
}

// --- datagrams that arrive elsewhere ---

static size_t write_check(uint8_t *bytes, size_t size, const char *ufrag, const char *password) {
    struct eg_writer writer = eg__writer(bytes, size);
    static const uint8_t transaction_id[EG_STUN_TRANSACTION_ID_SIZE] = {1, 2, 3};
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, transaction_id);
    eg__stun_write_username(&writer, ufrag, strlen(ufrag), "peer", 4);
    eg__stun_write_priority(&writer, 0x7e0000ff);
    eg__stun_write_ice_controlling(&writer, 77);
    eg__stun_write_use_candidate(&writer);
    return eg__stun_finish(&writer, password, strlen(password));
}

static void a_stranger_makes_no_route(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(40, 2, 2);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer_at(world, &browser, 0);
    eg_sim_world_run(world, EG_SECOND);
    struct eg_sim_worker *wrong = &world->engines[0].workers[1], *owner = &world->engines[0].workers[0];
    struct eg_core_usage before, after;
    uint8_t bytes[512];
    uint64_t rejected = dropped(world, EG_DROP_STUN_REJECTED), unvalidated = dropped(world, EG_DROP_UNVALIDATED);
    struct eg_path path = {.local = world->engines[0].addr, .remote = eg__addr_ipv4(198, 51, 100, 250, 666)};
    eg__core_usage(wrong->core, &before);
    size_t size = write_check(bytes, sizeof bytes, viewer->info.ice_ufrag, "not the password of the viewer");
    struct eg_arrival arrival = {.path = path, .bytes = bytes, .size = size, .at = world->now};
    eg__core_receive_viewer(wrong->core, &arrival, &wrong->batch);
    eg__core_receive_peers(owner->core, world->now, &owner->batch);
    eg__core_receive_peers(wrong->core, world->now, &wrong->batch);
    CHECK_EQUAL(dropped(world, EG_DROP_STUN_REJECTED), rejected + 1);
    static const uint8_t hello[] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4};
    struct eg_arrival greeting = {.path = path, .bytes = hello, .size = sizeof hello, .at = world->now};
    eg__core_receive_viewer(wrong->core, &greeting, &wrong->batch);
    CHECK_EQUAL(dropped(world, EG_DROP_UNVALIDATED), unvalidated + 1);
    eg__core_usage(wrong->core, &after);
    CHECK_EQUAL(after.routes, before.routes);
    CHECK_EQUAL(owner->batch.message_count + wrong->batch.message_count, 0);
    end(check, world);
}

// Nothing takes time but what one worker says to another: the hello is there before the route has been heard.
static void a_hello_right_behind_the_answer_to_a_check_is_not_lost(struct eg_check *check) {
    static const struct eg_sim_script near = {.has_rtx = true};
    struct eg_sim_workers workers = {.count = 4, .delay_max = 5 * EG_MILLISECOND};
    struct eg_sim_world *world = world_of(42, 2, &workers);
    for (unsigned i = 0; i < 16; i++) eg_sim_world_add_viewer_at(world, &near, i % 4);
    eg_sim_world_run(world, EG_SECOND);
    CHECK_EQUAL(dropped(world, EG_DROP_UNVALIDATED), 0);
    for (unsigned i = 0; i < 16; i++) CHECK_ROW(world->viewers[i]->connected_at - world->viewers[i]->joined_at < 100 * EG_MILLISECOND, i);
    end(check, world);
}

static void a_flood_for_another_worker_costs_no_picture(struct eg_check *check) {
    struct eg_sim_world *world = world_with_workers(41, 2, 2);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer_at(world, &browser, elsewhere(world));
    eg_sim_world_run(world, 2 * EG_SECOND);
    uint8_t bytes[512];
    struct eg_sim_worker *home = &world->engines[0].workers[home_of(world)];
    struct eg_path path = {.local = world->engines[0].addr, .remote = eg__addr_ipv4(198, 51, 100, 250, 666)};
    size_t size = write_check(bytes, sizeof bytes, viewer->info.ice_ufrag, "not the password of the viewer");
    for (int i = 0; i < 100; i++) {
        struct eg_arrival arrival = {.path = path, .bytes = bytes, .size = size, .at = world->now};
        for (int j = 0; j < 500; j++) eg__core_receive_viewer(home->core, &arrival, &home->batch);
        eg_sim_world_run(world, 20 * EG_MILLISECOND);
    }
    let_arrive(world);
    CHECK(dropped(world, EG_DROP_WORKER_BUSY) > 10000);
    CHECK(is_up_to_date(viewer));
    uint64_t sent, lost;
    eg_sim_viewer_count_lost(viewer, &sent, &lost);
    CHECK(sent > 400 && lost == 0);
    end(check, world);
}

static void one_who_moves_and_one_whose_ice_restarts_are_found_wherever_they_arrive(struct eg_check *check) {
    for (unsigned row = 0; row < 4; row++) {
        struct eg_sim_world *world = world_with_workers(50 + row, 3, 2);
        struct eg_sim_script script = browser;
        script.moves_after = 3 * EG_SECOND;
        struct eg_sim_viewer *mover = eg_sim_world_add_viewer_at(world, &script, row % 3);
        struct eg_sim_viewer *other = eg_sim_world_add_viewer_at(world, &browser, (row + 1) % 3);
        eg_sim_world_run(world, 2 * EG_SECOND);
        REQUIRE(mover->state == EG_VIEWER_CONNECTED && other->state == EG_VIEWER_CONNECTED);
        CHECK_EQUAL(eg__core_restart_ice(eg_sim_core_of(world, other), other->info.viewer, "newufrag", "anewpasswordof24chars+++", &other->info,
                                         NULL), EG_STATUS_OK);
        strcpy(other->ufrag, "newufrag");
        strcpy(other->pwd, "anewpasswordof24chars+++");
        eg_sim_world_run(world, 40 * (eg_time)EG_SECOND);
        settle(world);
        CHECK_ROW(mover->is_proven[1] && mover->state == EG_VIEWER_CONNECTED, row);
        CHECK_ROW(other->state == EG_VIEWER_CONNECTED && is_up_to_date(other), row);
        end(check, world);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(viewers_at_every_worker_get_every_packet_once),
    EG_TEST(one_who_joins_elsewhere_in_the_middle_of_a_long_gop_has_its_idr_at_once_and_is_live_soon),
    EG_TEST(a_payload_lies_at_home_and_nowhere_else),
    EG_TEST(losses_are_repaired_from_a_mirror_too),
    EG_TEST(viewers_elsewhere_stay_through_a_restart_of_the_source),
    EG_TEST(a_source_that_stays_away_costs_its_viewers_elsewhere_too),
    EG_TEST(stopping_the_stream_says_goodbye_at_every_worker),
    EG_TEST(a_mirror_that_nobody_watches_gives_everything_back_but_its_counters),
    EG_TEST(a_stream_that_goes_away_meanwhile_leaves_nothing_behind),
    EG_TEST(a_subscription_can_be_renewed_while_the_old_one_is_being_ended),
    EG_TEST(a_full_queue_costs_pictures_there_and_nothing_else),
    EG_TEST(one_whose_queue_was_full_is_told_again_how_the_stream_stands),
    EG_TEST(a_stranger_makes_no_route),
    EG_TEST(a_hello_right_behind_the_answer_to_a_check_is_not_lost),
    EG_TEST(a_flood_for_another_worker_costs_no_picture),
    EG_TEST(one_who_moves_and_one_whose_ice_restarts_are_found_wherever_they_arrive),
};

EG_TEST_SUITE(workers, tests);
