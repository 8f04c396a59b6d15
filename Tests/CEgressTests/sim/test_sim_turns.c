// Who waits for whom, when there is more to do than fits in one turn of the loop: whole engines in virtual time, asked for a piece at a time.
#include "core/parts.h"
#include "sim/scene.h"

#include <string.h>

enum { ROOM = 24 * 1024 }; // [B] of a batch that a picture to a dozen viewers does not fit into

static bool has_all(const struct eg_sim_viewer *viewer, enum eg_track_kind kind) {
    return viewer->ledgers[kind].place == viewer->ledgers[kind].log->highest;
}

static unsigned count_with_all(const struct eg_sim_world *world, unsigned stream, enum eg_track_kind kind) {
    unsigned count = 0;
    for (unsigned i = 0; i < world->viewer_count; i++) {
        const struct eg_sim_viewer *viewer = world->viewers[i];
        count += viewer->script.stream == stream && has_all(viewer, kind);
    }
    return count;
}

static void sound_overtakes_pictures_that_are_on_their_way_out(struct eg_check *check) {
    enum { VIEWERS = 12 };
    struct eg_sim_world *world = eg_sim_world_with_source(500, 2);
    for (unsigned i = 0; i < VIEWERS; i++) eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 5 * EG_SECOND);
    REQUIRE(count_with_all(world, 0, EG_VIDEO) == VIEWERS);
    world->holds_transmit = true;
    eg_sim_world_run(world, 200 * EG_MILLISECOND);
    REQUIRE(count_with_all(world, 0, EG_VIDEO) == 0);
    while (count_with_all(world, 0, EG_VIDEO) == 0) REQUIRE(eg_sim_world_transmit_once(world, 0, ROOM));
    for (unsigned i = 0; i < 3; i++) {
        eg_sim_world_run(world, 20 * EG_MILLISECOND); // one sound more
        CHECK_ROW(count_with_all(world, 0, EG_AUDIO) == 0, i);
        CHECK_ROW(eg_sim_world_transmit_once(world, 0, ROOM), i);
        CHECK_ROW(count_with_all(world, 0, EG_AUDIO) == VIEWERS, i);
        CHECK_ROW(count_with_all(world, 0, EG_VIDEO) < VIEWERS, i);
    }
    world->holds_transmit = false;
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    CHECK_EQUAL(eg_sim_dropped(world, EG_DROP_SLOW_VIEWER), 0);
    eg_sim_end(check, world);
}

static void each_viewer_is_the_first_in_its_turn(struct eg_check *check) {
    enum { VIEWERS = 12 };
    struct eg_sim_world *world = eg_sim_world_with_source(505, 2);
    for (unsigned i = 0; i < VIEWERS; i++) eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 5 * EG_SECOND);
    uint32_t firsts = 0;
    for (unsigned picture = 0; picture < VIEWERS; picture++) {
        uint64_t highest = eg_sim_video_of(world)->highest;
        world->holds_transmit = true;
        while (eg_sim_video_of(world)->highest == highest) eg_sim_world_run(world, EG_MILLISECOND);
        eg_sim_world_run(world, EG_MILLISECOND);
        while (count_with_all(world, 0, EG_VIDEO) == 0) REQUIRE(eg_sim_world_transmit_once(world, 0, ROOM / 8));
        for (unsigned i = 0; i < VIEWERS; i++) firsts |= (uint32_t)has_all(world->viewers[i], EG_VIDEO) << i;
        world->holds_transmit = false;
        eg_sim_world_run(world, 10 * EG_MILLISECOND);
    }
    CHECK_EQUAL(firsts, (1u << VIEWERS) - 1);
    eg_sim_end(check, world);
}

static void pictures_of_two_streams_go_out_side_by_side(struct eg_check *check) {
    enum { VIEWERS = 12 };
    struct eg_sim_world *world = eg_sim_world_with_source(501, 2);
    eg_sim_world_add_stream(world, 0, &eg_sim_ffmpeg_default);
    eg_sim_world_start_source(world, 1);
    struct eg_sim_script script = eg_sim_browser;
    for (unsigned i = 0; i < 2 * VIEWERS; i++) {
        script.stream = i % 2;
        eg_sim_world_add_viewer(world, &script);
    }
    eg_sim_world_run(world, 5 * EG_SECOND);
    REQUIRE(count_with_all(world, 0, EG_VIDEO) == VIEWERS && count_with_all(world, 1, EG_VIDEO) == VIEWERS);
    world->holds_transmit = true;
    eg_sim_world_run(world, 200 * EG_MILLISECOND);
    unsigned counts[2] = {0};
    for (bool has_more = true; has_more && counts[0] < VIEWERS && counts[1] < VIEWERS;) {
        has_more = eg_sim_world_transmit_once(world, 0, ROOM);
        for (unsigned i = 0; i < 2; i++) counts[i] = count_with_all(world, i, EG_VIDEO);
    }
    CHECK(counts[0] >= VIEWERS / 2 && counts[1] >= VIEWERS / 2);
    world->holds_transmit = false;
    eg_sim_end(check, world);
}

// Of all handshakes so far.
static uint32_t count_steps(const struct eg_sim_world *world) {
    uint32_t count = 0;
    for (unsigned i = 0; i < world->viewer_count; i++) {
        const struct eg_viewer *viewer = eg__core_find_viewer(world->engines[0].workers[0].core, world->viewers[i]->info.viewer);
        if (viewer != NULL) count += viewer->dtls.steps;
    }
    return count;
}

// Until nothing is left. Gives how often something was done.
static uint32_t advance_one_by_one(struct eg_check *check, struct eg_sim_world *world) {
    uint32_t calls = 0;
    for (uint32_t last = count_steps(world), next; eg_sim_world_advance_handshakes_once(world, 0); last = next, calls++) {
        next = count_steps(world);
        CHECK_ROW(next - last <= 1, calls);
    }
    return calls;
}

static void handshakes_go_on_one_step_at_a_time_and_media_does_not_wait_for_them(struct eg_check *check) {
    enum { JOINERS = 20 };
    struct eg_sim_world *world = eg_sim_world_with_source(502, 2);
    struct eg_sim_viewer *watching = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 2 * EG_SECOND);
    const uint32_t before = count_steps(world);
    world->holds_handshakes = true;
    struct eg_sim_script script = eg_sim_browser;
    for (unsigned i = 0; i < JOINERS; i++) {
        script.mtu = i % 2 == 0 ? 0 : 400; // in one datagram a flight, and in several
        eg_sim_world_add_viewer(world, &script);
    }
    for (int flight = 0; flight < 2; flight++) {
        eg_sim_world_run(world, 60 * EG_MILLISECOND);
        CHECK(eg_sim_viewer_is_up_to_date(watching));
        CHECK(advance_one_by_one(check, world) >= JOINERS);
    }
    CHECK(count_steps(world) - before > 2 * JOINERS); // one for each flight of a client, and more where it takes several datagrams
    world->holds_handshakes = false;
    eg_sim_world_run(world, EG_SECOND);
    for (unsigned i = 0; i <= JOINERS; i++) CHECK_ROW(eg_sim_viewer_is_up_to_date(world->viewers[i]), i);
    CHECK_EQUAL(eg_sim_dropped(world, EG_DROP_HANDSHAKE_BUSY), 0);
    eg_sim_end(check, world);
}

// Records of data, which have no place in a handshake.
static void send_junk(struct eg_sim_world *world, struct eg_sim_viewer *viewer, unsigned count) {
    enum { RECORD_HEADER_SIZE = 13, SIZE = 1200 - RECORD_HEADER_SIZE };
    uint8_t junk[1200] = {23, 0xfe, 0xfd, [11] = SIZE >> 8, SIZE & 0xff};
    for (unsigned i = 0; i < count; i++) eg_sim_world_send(world, viewer, 0, junk, sizeof junk);
}

static void nobody_fills_the_line_of_handshakes_for_the_others(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(503, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.sends_no_hello = true;
    struct eg_sim_viewer *silent = eg_sim_world_add_viewer(world, &script);
    script = eg_sim_browser;
    script.ends_at_its_hello = true;
    struct eg_sim_viewer *flooding = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    send_junk(world, silent, 1000); // who has not begun a handshake has no place in the line
    eg_sim_world_run(world, 20 * EG_MILLISECOND);
    CHECK_EQUAL(eg_sim_dropped(world, EG_DROP_HANDSHAKE_BUSY), 0);
    world->holds_handshakes = true;
    send_junk(world, flooding, 1000);
    eg_sim_world_run(world, 50 * EG_MILLISECOND);
    CHECK(eg_sim_dropped(world, EG_DROP_HANDSHAKE_BUSY) >= 1000 - EG_HANDSHAKE_WAITING_MAX);
    struct eg_sim_viewer *other = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 50 * EG_MILLISECOND);
    world->holds_handshakes = false;
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    const uint64_t dropped = eg_sim_dropped(world, EG_DROP_HANDSHAKE_BUSY);
    CHECK(other->connected_at != EG_TIME_NEVER && other->connected_at - other->joined_at < 120 * EG_MILLISECOND);
    send_junk(world, flooding, EG_HANDSHAKE_WAITING_MAX); // its place in the line is free again
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    CHECK_EQUAL(eg_sim_dropped(world, EG_DROP_HANDSHAKE_BUSY), dropped);
    eg_sim_end(check, world);
}

static void a_line_of_handshakes_that_is_full_only_delays_them(struct eg_check *check) {
    enum { FLOODING = 20, JOINERS = 20 };
    struct eg_sim_world *world = eg_sim_world_with_source(504, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.ends_at_its_hello = true;
    for (unsigned i = 0; i < FLOODING; i++) eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    world->holds_handshakes = true;
    for (unsigned i = 0; i < FLOODING; i++) send_junk(world, world->viewers[i], EG_HANDSHAKE_WAITING_MAX);
    eg_sim_world_run(world, 50 * EG_MILLISECOND);
    const uint64_t dropped = eg_sim_dropped(world, EG_DROP_HANDSHAKE_BUSY);
    CHECK(dropped > 0 && dropped < FLOODING * EG_HANDSHAKE_WAITING_MAX);
    for (unsigned i = 0; i < JOINERS; i++) eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 50 * EG_MILLISECOND);
    CHECK(eg_sim_dropped(world, EG_DROP_HANDSHAKE_BUSY) > dropped);
    world->holds_handshakes = false;
    eg_sim_world_run(world, 4 * EG_SECOND);
    for (unsigned i = 0; i < JOINERS; i++) CHECK_ROW(eg_sim_viewer_is_up_to_date(world->viewers[FLOODING + i]), i);
    eg_sim_end(check, world);
}

static const struct eg_test tests[] = {
    EG_TEST(sound_overtakes_pictures_that_are_on_their_way_out),
    EG_TEST(each_viewer_is_the_first_in_its_turn),
    EG_TEST(pictures_of_two_streams_go_out_side_by_side),
    EG_TEST(handshakes_go_on_one_step_at_a_time_and_media_does_not_wait_for_them),
    EG_TEST(nobody_fills_the_line_of_handshakes_for_the_others),
    EG_TEST(a_line_of_handshakes_that_is_full_only_delays_them),
};

EG_TEST_SUITE(sim_turns, tests);
