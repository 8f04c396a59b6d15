// Pictures that are more than a socket and a link take at once: whole engines in virtual time.
#include "core/parts.h"
#include "sim/scene.h"

enum {
    IDR_PACKETS = 1300,
    PACKET_SIZE = 1140,           // [B] of a picture's
    AT_ONCE = EG_PACE_AT_ONCE * 2 / 3 - 4, // packets of an IDR, which may be half as large again
    VIEWERS = 4,
    PICTURE = EG_SECOND / 30,     // [us]
    STEP = 500,                   // [us] in which it is looked at what has gone out
    ROOM = 24 * 1024,             // [B] of a batch
};

// A receiver that reads 50,000 packets a second from a socket that holds 200.
static const struct eg_sim_quality socket_link = {.delay = 5 * EG_MILLISECOND, .bit_rate = 500000000, .queue_size = 256 * 1024};

static struct eg_sim_world *world_of(uint64_t seed, uint32_t idr_packets, const struct eg_sim_workers *workers) {
    struct eg_sim_world *world = eg_sim_world_create_with(seed, 1, eg_sim_grace, workers);
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 2 * config.frame_rate;
    config.idr_size = idr_packets * PACKET_SIZE;
    eg_sim_world_add_stream(world, 0, &config);
    eg_sim_world_start_source(world, 0);
    return world;
}

static struct eg_sim_world *world_with_idr_of(uint64_t seed, uint32_t packets) {
    struct eg_sim_workers workers = {.count = 1};
    return world_of(seed, packets, &workers);
}

static void add_viewers(struct eg_sim_world *world) {
    struct eg_sim_script script = eg_sim_browser;
    script.down = socket_link;
    for (unsigned i = 0; i < VIEWERS; i++) eg_sim_world_add_viewer_at(world, &script, i % world->workers.count);
}

static uint64_t overflows_of(const struct eg_sim_world *world) {
    uint64_t count = 0;
    for (unsigned i = 0; i < world->viewer_count; i++) count += world->viewers[i]->down.overflows;
    return count;
}

static struct eg_engine_stats stats_of(const struct eg_sim_world *world) {
    struct eg_engine_stats stats;
    eg__core_stats(world->engines[0].workers[0].core, &stats);
    return stats;
}

// Until the next IDR has arrived. Gives the place of its last packet.
static uint64_t run_to_idr(struct eg_sim_world *world) {
    uint64_t gop_begin = eg_sim_video_of(world)->gop_begin;
    while (eg_sim_video_of(world)->gop_begin == gop_begin && world->failures == 0) eg_sim_world_run(world, STEP);
    return eg_sim_video_of(world)->highest;
}

static void check_that_idrs_are_spread(struct eg_check *check, struct eg_sim_world *world) {
    for (unsigned gop = 0; gop < 3; gop++) {
        uint64_t end = run_to_idr(world);
        uint64_t sent[VIEWERS];
        for (unsigned i = 0; i < VIEWERS; i++) {
            sent[i] = world->viewers[i]->ledgers[EG_VIDEO].packets;
            CHECK_ROW(world->viewers[i]->ledgers[EG_VIDEO].place < end - IDR_PACKETS / 2, i);
        }
        for (eg_time passed = 0; passed < PICTURE + EG_PACE_INTERVAL; passed += STEP) {
            eg_sim_world_run(world, STEP);
            for (unsigned i = 0; i < VIEWERS; i++) {
                const struct eg_sim_ledger *ledgers = world->viewers[i]->ledgers;
                CHECK_ROW(ledgers[EG_VIDEO].packets - sent[i] <= EG_PACE_AT_ONCE, i);
                CHECK_ROW(ledgers[EG_AUDIO].place + 1 >= ledgers[EG_AUDIO].log->highest, i); // sound goes out in between
                sent[i] = ledgers[EG_VIDEO].packets;
            }
        }
        for (unsigned i = 0; i < VIEWERS; i++) CHECK_ROW(world->viewers[i]->ledgers[EG_VIDEO].place >= end, i);
    }
    CHECK_EQUAL(overflows_of(world), 0);
    CHECK_EQUAL(stats_of(world).repairs_sent, 0);
    CHECK_EQUAL(stats_of(world).pictures_incomplete, 0);
}

static void a_large_idr_is_out_within_its_duration_in_pieces_that_a_socket_takes(struct eg_check *check) {
    struct eg_sim_world *world = world_with_idr_of(600, IDR_PACKETS);
    add_viewers(world);
    eg_sim_world_run(world, 3 * EG_SECOND);
    check_that_idrs_are_spread(check, world);
    eg_sim_end(check, world);
}

static void so_it_is_for_viewers_at_other_workers(struct eg_check *check) {
    struct eg_sim_workers workers = {.count = 2, .delay_max = 100};
    struct eg_sim_world *world = world_of(601, IDR_PACKETS, &workers);
    add_viewers(world);
    eg_sim_world_run(world, 3 * EG_SECOND);
    check_that_idrs_are_spread(check, world);
    eg_sim_end(check, world);
}

static void one_who_joins_gets_the_large_idr_in_pieces_too_and_is_live_soon(struct eg_check *check) {
    struct eg_sim_world *world = world_with_idr_of(602, IDR_PACKETS);
    eg_sim_world_run(world, 3 * EG_SECOND);
    add_viewers(world);
    eg_sim_world_run(world, 950 * EG_MILLISECOND);
    for (unsigned i = 0; i < VIEWERS; i++) {
        CHECK_ROW(world->viewers[i]->ledgers[EG_VIDEO].packets > IDR_PACKETS / 2, i);
        CHECK_ROW(world->viewers[i]->live_at != EG_TIME_NEVER, i);
    }
    CHECK_EQUAL(overflows_of(world), 0);
    CHECK_EQUAL(stats_of(world).bursts_begun, VIEWERS);
    eg_sim_end(check, world);
}

// Which is what nearly all streams have: no datagram of theirs goes later than it arrived.
static void pictures_up_to_what_a_socket_takes_go_out_at_once(struct eg_check *check) {
    struct eg_sim_world *world = world_with_idr_of(603, AT_ONCE);
    add_viewers(world);
    eg_sim_world_run(world, 3 * EG_SECOND);
    for (eg_time passed = 0; passed < 5 * EG_SECOND; passed += STEP) {
        eg_sim_world_run(world, STEP);
        for (unsigned i = 0; i < VIEWERS; i++) CHECK_ROW(eg_sim_viewer_is_up_to_date(world->viewers[i]), passed);
    }
    CHECK(stats_of(world).packets_sent > VIEWERS * 2 * AT_ONCE);
    eg_sim_end(check, world);
}

static void a_step_to_many_viewers_keeps_no_other_stream_waiting(struct eg_check *check) {
    enum { AUDIENCE = 12 };
    struct eg_sim_world *world = world_with_idr_of(604, IDR_PACKETS);
    eg_sim_world_add_stream(world, 0, &eg_sim_ffmpeg_default);
    eg_sim_world_start_source(world, 1);
    struct eg_sim_script script = eg_sim_browser;
    for (unsigned i = 0; i < 2 * AUDIENCE; i++) {
        script.stream = i % 2;
        eg_sim_world_add_viewer(world, &script);
    }
    eg_sim_world_run(world, 3 * EG_SECOND);
    run_to_idr(world);
    world->holds_transmit = true;
    eg_sim_world_run(world, 2 * PICTURE);
    unsigned calls = 0, with_all = 0;
    for (bool has_more = true; has_more && with_all < AUDIENCE; calls++) {
        has_more = eg_sim_world_transmit_once(world, 0, ROOM);
        with_all = 0;
        for (unsigned i = 1; i < 2 * AUDIENCE; i += 2) {
            const struct eg_sim_ledger *video = &world->viewers[i]->ledgers[EG_VIDEO];
            with_all += video->place == video->log->highest;
        }
    }
    CHECK_EQUAL(with_all, AUDIENCE);
    CHECK(calls <= 2 * AUDIENCE);
    CHECK(!eg_sim_viewer_is_up_to_date(world->viewers[0])); // the large one goes on behind
    world->holds_transmit = false;
    eg_sim_world_run(world, 200 * EG_MILLISECOND);
    eg_sim_end(check, world);
}

// A fifth of it, which is more than is sent again at once of other streams.
static void what_is_lost_of_a_large_idr_is_sent_again_at_once(struct eg_check *check) {
    struct eg_sim_world *world = world_with_idr_of(605, 2 * IDR_PACKETS);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 3 * EG_SECOND);
    uint64_t sent, lost;
    viewer->down.quality.loss = 200;
    run_to_idr(world);
    eg_sim_world_run(world, 500 * EG_MILLISECOND);
    viewer->down.quality.loss = 0;
    eg_sim_world_run(world, 500 * EG_MILLISECOND);
    CHECK(stats_of(world).repairs_sent > EG_REPAIR_BURST);
    CHECK_EQUAL(stats_of(world).repairs_refused, 0);
    eg_sim_viewer_count_lost(viewer, &sent, &lost);
    CHECK(sent > IDR_PACKETS);
    CHECK_EQUAL(lost, 0);
    eg_sim_world_run(world, 5 * EG_SECOND);
    CHECK_EQUAL(stats_of(world).pictures_incomplete, 0);
    eg_sim_end(check, world);
}

// Whoever has the keys of a viewer may ask for what he likes.
static void repairs_stay_within_the_size_of_the_largest_picture(struct eg_check *check) {
    static const struct {
        uint32_t idr_packets, rate_min, rate_max; // an IDR may be half as large again
    } rows[] = {{20, 500, 500}, {240, 500, 500}, {IDR_PACKETS, 600, 2000}, {9000, EG_REPAIR_PICTURE_MAX, EG_REPAIR_PICTURE_MAX}};
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct eg_sim_world *world = world_with_idr_of(606 + row, rows[row].idr_packets);
        struct eg_sim_script script = eg_sim_browser;
        script.down.loss = 20;
        struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
        eg_sim_world_run(world, 6 * EG_SECOND);
        const struct eg_viewer *inside = eg__core_find_viewer(world->engines[0].workers[0].core, viewer->info.viewer);
        REQUIRE(inside != NULL && viewer->nacks > 0);
        CHECK_ROW(inside->repairs.rate >= rows[row].rate_min && inside->repairs.rate <= rows[row].rate_max, row);
        CHECK_ROW(inside->repairs.left_max <= inside->repairs.rate, row);
        CHECK_ROW(inside->repairs.left <= inside->repairs.left_max, row);
        eg_sim_end(check, world);
    }
}

// One packet is lost, once; whether it may be sent again is what differs.
static void a_picture_that_is_never_completed_is_counted_once(struct eg_check *check) {
    for (int may_repair = 0; may_repair < 2; may_repair++) {
        struct eg_sim_world *world = eg_sim_world_with_source(610, 10);
        struct eg_core *core = world->engines[0].workers[0].core;
        struct eg_sim_script script = eg_sim_browser;
        script.loses_packet = 100;
        struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
        while (!viewer->has_lost_packet && world->failures == 0) eg_sim_world_run(world, EG_MILLISECOND);
        if (!may_repair) {
            eg__budget_init(&core->context.repairs, world->now, 1, 1); // the viewer gives up before the first is earned
            core->context.repairs.left = 0;
        }
        eg_sim_world_run(world, 8 * EG_SECOND);
        CHECK_ROW(viewer->has_lost_packet && viewer->nacks > 0, may_repair);
        CHECK_ROW((core->stats.repairs_sent > 0) == may_repair, may_repair);
        CHECK_ROW((core->stats.repairs_refused > 0) == !may_repair, may_repair);
        CHECK_ROW(core->stats.pictures_incomplete == (uint64_t)!may_repair, may_repair);
        eg_sim_end(check, world);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(a_large_idr_is_out_within_its_duration_in_pieces_that_a_socket_takes),
    EG_TEST(so_it_is_for_viewers_at_other_workers),
    EG_TEST(one_who_joins_gets_the_large_idr_in_pieces_too_and_is_live_soon),
    EG_TEST(pictures_up_to_what_a_socket_takes_go_out_at_once),
    EG_TEST(a_step_to_many_viewers_keeps_no_other_stream_waiting),
    EG_TEST(what_is_lost_of_a_large_idr_is_sent_again_at_once),
    EG_TEST(repairs_stay_within_the_size_of_the_largest_picture),
    EG_TEST(a_picture_that_is_never_completed_is_counted_once),
};

EG_TEST_SUITE(sim_large, tests);
