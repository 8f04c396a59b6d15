// What viewers get, whole engines in virtual time: bursts on links of every kind, restarts at every point, many viewers beside one that is ill.
#include "sim/scene.h"

// Its numbers, each once on its way, each lost for one viewer. The first can't be missed by one who has not seen another: it asks for a picture.
static void whichever_packet_of_a_burst_is_lost_it_is_repaired(struct eg_check *check) {
    enum { SMALL = 700, PACKETS = 105, AT_ONCE = 35 };
    for (unsigned row = 0; row < PACKETS / AT_ONCE; row++) {
        struct eg_sim_world *world = eg_sim_world_create(100 + row, 1, eg_sim_grace);
        struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
        config.gop_pictures = 300;
        config.idr_size = 6000;
        config.picture_size = SMALL;
        config.has_sei = true;
        eg_sim_world_add_stream(world, 0, &config);
        eg_sim_world_start_source(world, 0);
        eg_sim_world_run(world, 3 * EG_SECOND);
        uint64_t burst = eg_sim_video_of(world)->highest;
        REQUIRE(burst > 90 && burst < PACKETS);
        for (unsigned i = 0; i < AT_ONCE; i++) {
            struct eg_sim_script script = eg_sim_browser;
            script.loses_packet = row * AT_ONCE + i + 1;
            script.has_rtx = i % 2 == 0;
            if (script.loses_packet == 1) script.asks_for_pictures_every = 1500 * EG_MILLISECOND;
            eg_sim_world_add_viewer(world, &script);
        }
        eg_sim_world_run(world, 4 * EG_SECOND);
        for (unsigned i = 0; i < AT_ONCE; i++) {
            const struct eg_sim_viewer *viewer = world->viewers[i];
            unsigned number = row * AT_ONCE + i + 1;
            uint64_t sent, lost;
            eg_sim_viewer_count_lost(viewer, &sent, &lost);
            CHECK_ROW(viewer->has_lost_packet && sent > burst, number);
            CHECK_ROW(lost == 0 || number == 1, number);
            CHECK_ROW(viewer->ledgers[EG_VIDEO].repairs == (number == 1 ? 0 : 1), number);
            CHECK_ROW(eg_sim_viewer_is_up_to_date(viewer), number);
        }
        CHECK_ROW((world->viewers[0]->ledgers[EG_VIDEO].bursts > 1) == (row == 0), row);
        eg_sim_end(check, world);
    }
}

// After each of its pictures, with and without BYE; every third time in the middle of a picture.
static void a_source_may_restart_at_any_point_of_a_gop(struct eg_check *check) {
    enum { PICTURES = 30 };
    for (unsigned row = 0; row < 2 * PICTURES; row++) {
        struct eg_sim_world *world = eg_sim_world_with_source(200 + row, 1);
        struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
        eg_sim_world_run(world, EG_SECOND + row / 2 * EG_SECOND / PICTURES + EG_MILLISECOND);
        if (row % 3 == 0) eg_sim_ffmpeg_send_part(&world->streams[0].ffmpeg);
        eg_sim_world_stop_source(world, 0, row % 2 == 0);
        eg_sim_world_run(world, 300 * EG_MILLISECOND);
        uint64_t before = eg_sim_video_of(world)->highest;
        eg_sim_world_start_source(world, 0);
        eg_sim_world_run(world, 2 * EG_SECOND);
        CHECK_ROW(viewer->state == EG_VIEWER_CONNECTED && eg_sim_viewer_is_up_to_date(viewer), row);
        CHECK_ROW(eg_sim_video_of(world)->epochs == 2 && eg_sim_video_of(world)->highest > before + 100, row);
        CHECK_ROW(viewer->ledgers[EG_VIDEO].bursts == 1, row);
        eg_sim_end(check, world);
    }
}

// It is still there for the engine: its checks arrive, but nothing that it is sent.
static void one_of_200_viewers_that_does_not_read_disturbs_no_other(struct eg_check *check) {
    enum { VIEWERS = 200 };
    struct eg_sim_world *world = eg_sim_world_with_source(300, 2);
    for (unsigned i = 0; i < VIEWERS; i++) eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 1500 * EG_MILLISECOND);
    struct eg_sim_viewer *deaf = world->viewers[77];
    deaf->down.quality.loss = 1000;
    uint64_t received = deaf->receivers[EG_VIDEO].received;
    eg_sim_world_run(world, 2500 * EG_MILLISECOND);
    for (unsigned i = 0; i < VIEWERS; i++) {
        const struct eg_sim_viewer *viewer = world->viewers[i];
        uint64_t sent, lost;
        eg_sim_viewer_count_lost(viewer, &sent, &lost);
        CHECK_ROW(viewer->state == EG_VIEWER_CONNECTED && eg_sim_viewer_is_up_to_date(viewer), i);
        CHECK_ROW(lost == 0, i); // up to the last that it got
        CHECK_ROW((viewer->receivers[EG_VIDEO].received < received + 100) == (viewer == deaf), i);
        CHECK_ROW(viewer->nacks == 0 && viewer->ledgers[EG_VIDEO].bursts == 1, i);
    }
    CHECK_EQUAL(eg_sim_dropped(world, EG_DROP_SLOW_VIEWER), 0);
    eg_sim_end(check, world);
}

// --- narrow links ---

static struct eg_sim_world *world_at_2500_kbit(uint64_t seed) {
    struct eg_sim_world *world = eg_sim_world_create(seed, 1, eg_sim_grace);
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 300;
    config.idr_size = 30000;
    config.picture_size = 10000;
    config.has_sei = true;
    eg_sim_world_add_stream(world, 0, &config);
    eg_sim_world_start_source(world, 0);
    eg_sim_world_run(world, 5 * EG_SECOND);
    return world;
}

static const struct eg_sim_script narrow = {
    .up.delay = 20 * EG_MILLISECOND,
    .down = {.delay = 20 * EG_MILLISECOND, .queue_size = 64 * 1024},
    .has_rtx = true,
};

// The burst begins at 16 Mbit/s; what is lost of it says what the link takes.
static void a_burst_that_its_link_does_not_take_begins_again_slower(struct eg_check *check) {
    static const uint32_t rates[] = {12, 8, 6, 5};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct eg_sim_world *world = world_at_2500_kbit(400 + i);
        struct eg_sim_script script = narrow;
        script.down.bit_rate = rates[i] * 1000 * 1000;
        struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
        eg_sim_world_run(world, EG_SECOND);
        uint64_t overflows = viewer->down.overflows;
        CHECK_ROW(viewer->ledgers[EG_VIDEO].bursts == 2, rates[i]);
        CHECK_ROW(overflows > 50 && overflows < 400, rates[i]);
        eg_sim_world_run(world, 12 * EG_SECOND);
        // From then on the link is enough, and the picture goes on; the next IDR, when it comes before the burst is over, ends it.
        CHECK_ROW(viewer->ledgers[EG_VIDEO].bursts <= 3 && viewer->down.overflows == overflows, rates[i]);
        CHECK_ROW(viewer->state == EG_VIEWER_CONNECTED && eg_sim_viewer_is_up_to_date(viewer), rates[i]);
        eg_sim_end(check, world);
    }
}

// 3 Mbit/s for a stream of 2.5: there is nothing to catch up with, but the stream itself fits.
static void on_a_link_that_takes_little_more_than_the_stream_the_next_idr_is_waited_for(struct eg_check *check) {
    struct eg_sim_world *world = world_at_2500_kbit(410);
    struct eg_sim_script script = narrow;
    script.down.bit_rate = 3 * 1000 * 1000;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 2 * EG_SECOND);
    uint64_t sent = viewer->ledgers[EG_VIDEO].packets, overflows = viewer->down.overflows;
    eg_sim_world_run(world, 2500 * EG_MILLISECOND);
    CHECK_EQUAL(viewer->ledgers[EG_VIDEO].packets, sent);
    eg_sim_world_run(world, 4 * EG_SECOND);
    CHECK(eg_sim_viewer_is_up_to_date(viewer));
    CHECK_EQUAL(viewer->down.overflows, overflows);
    eg_sim_end(check, world);
}

// 5 % of the packets at random say nothing about the width of a link.
static void random_loss_does_not_slow_a_burst_down(struct eg_check *check) {
    struct eg_sim_world *world = world_at_2500_kbit(420);
    for (unsigned i = 0; i < 20; i++) {
        struct eg_sim_script script = eg_sim_browser;
        script.down.loss = 50;
        eg_sim_world_add_viewer(world, &script);
    }
    eg_sim_world_run(world, 2 * EG_SECOND);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_ROW(world->viewers[i]->ledgers[EG_VIDEO].bursts == 1, i);
        CHECK_ROW(eg_sim_viewer_is_up_to_date(world->viewers[i]), i);
    }
    eg_sim_end(check, world);
}

static const struct eg_test tests[] = {
    EG_TEST(whichever_packet_of_a_burst_is_lost_it_is_repaired),
    EG_TEST(a_source_may_restart_at_any_point_of_a_gop),
    EG_TEST(one_of_200_viewers_that_does_not_read_disturbs_no_other),
    EG_TEST(a_burst_that_its_link_does_not_take_begins_again_slower),
    EG_TEST(on_a_link_that_takes_little_more_than_the_stream_the_next_idr_is_waited_for),
    EG_TEST(random_loss_does_not_slow_a_burst_down),
};

EG_TEST_SUITE(sim_media, tests);
