// The lines that simulated viewers sit behind, and what such a viewer tells of its own: by themselves, and in a world without a narrow place.
#include "sim/ladder.h"

#include "wire/transport_feedback.h"

enum { PACKET_SIZE = 1250, MBIT = 1000 * 1000 };

// 1,250 bytes are 10 ms at 1 Mbit/s.
static void a_line_takes_what_its_rate_allows_and_drops_what_finds_its_queue_full(struct eg_check *check) {
    struct eg_sim_bottleneck line;
    eg_sim_bottleneck_init(&line, MBIT, 4 * PACKET_SIZE);
    for (unsigned i = 1; i <= 4; i++) CHECK_EQUAL(eg_sim_bottleneck_pass(&line, EG_SECOND, PACKET_SIZE), EG_SECOND + i * 10 * EG_MILLISECOND);
    CHECK_EQUAL(eg_sim_bottleneck_pass(&line, EG_SECOND, PACKET_SIZE), EG_TIME_NEVER);
    CHECK_EQUAL(line.dropped, 1);
    CHECK_EQUAL(eg_sim_bottleneck_backlog(&line, EG_SECOND + 15 * EG_MILLISECOND), 5 * PACKET_SIZE / 2);
    CHECK_EQUAL(eg_sim_bottleneck_pass(&line, EG_SECOND + 10 * EG_MILLISECOND, PACKET_SIZE), EG_SECOND + 50 * EG_MILLISECOND);
    CHECK_EQUAL(eg_sim_bottleneck_pass(&line, 2 * EG_SECOND, PACKET_SIZE), 2 * EG_SECOND + 10 * EG_MILLISECOND);
    CHECK_EQUAL(line.passed, 6 * PACKET_SIZE);
}

static void a_change_of_the_rate_counts_for_what_is_in_the_queue(struct eg_check *check) {
    struct eg_sim_bottleneck line;
    eg_sim_bottleneck_init(&line, MBIT, 100 * PACKET_SIZE);
    eg_sim_bottleneck_change(&line, 5 * EG_MILLISECOND, 0);
    eg_sim_bottleneck_change(&line, 20 * EG_MILLISECOND, MBIT / 2);
    CHECK_EQUAL(eg_sim_bottleneck_pass(&line, 0, PACKET_SIZE), 30 * EG_MILLISECOND);
    CHECK_EQUAL(eg_sim_bottleneck_backlog(&line, 10 * EG_MILLISECOND), PACKET_SIZE / 2);
    CHECK_EQUAL(eg_sim_bottleneck_pass(&line, 10 * EG_MILLISECOND, PACKET_SIZE), 50 * EG_MILLISECOND);
    CHECK_EQUAL(eg_sim_bottleneck_rate(&line, 19 * EG_MILLISECOND), 0);
    CHECK_EQUAL(eg_sim_bottleneck_rate(&line, 20 * EG_MILLISECOND), MBIT / 2);
}

// What is handed in is too little to matter: it makes time pass.
static void pass_time(struct eg_sim_bottleneck *line, eg_time from, eg_time to) {
    for (eg_time now = from; now < to; now += 10 * EG_MILLISECOND) eg_sim_bottleneck_pass(line, now, 1);
}

static void a_flow_takes_what_is_free_and_shares_it_with_another(struct eg_check *check) {
    struct eg_sim_bottleneck line;
    eg_sim_bottleneck_init(&line, 6 * MBIT, EG_SIM_QUEUE_SIZE);
    const struct eg_sim_flow_config first = {.ends = EG_TIME_NEVER, .round_trip = 40 * EG_MILLISECOND};
    const struct eg_sim_flow_config second = {.begins = 20 * EG_SECOND, .ends = 80 * EG_SECOND, .round_trip = 40 * EG_MILLISECOND};
    eg_sim_bottleneck_add_flow(&line, &first);
    eg_sim_bottleneck_add_flow(&line, &second);
    pass_time(&line, 0, 20 * EG_SECOND);
    uint64_t alone = line.flows[0].delivered;
    CHECK(alone > 13 * MBIT && alone <= 15 * MBIT); // of 15 MB
    pass_time(&line, 20 * EG_SECOND, 80 * EG_SECOND);
    uint64_t shared = line.flows[0].delivered - alone, other = line.flows[1].delivered;
    CHECK(shared + other > 40 * MBIT && shared + other <= 46 * MBIT);
    CHECK(shared < 2 * other && other < 2 * shared);
    pass_time(&line, 80 * EG_SECOND, 82 * EG_SECOND);
    other = line.flows[1].delivered;
    pass_time(&line, 82 * EG_SECOND, 90 * EG_SECOND);
    CHECK_EQUAL(line.flows[1].delivered, other);
}

static void a_flow_of_a_size_ends_with_it_and_comes_again(struct eg_check *check) {
    struct eg_sim_bottleneck line;
    eg_sim_bottleneck_init(&line, 6 * MBIT, EG_SIM_QUEUE_SIZE);
    const struct eg_sim_flow_config config = {
        .begins = EG_SECOND, .ends = 10 * EG_SECOND, .size = 300000, .every = 4 * EG_SECOND, .round_trip = 40 * EG_MILLISECOND};
    eg_sim_bottleneck_add_flow(&line, &config);
    for (unsigned second = 0; second < 12; second++) {
        if (second % 4 == 0) CHECK_ROW(line.flows[0].delivered == second / 4 * 300000, second);
        pass_time(&line, second * EG_SECOND, (second + 1) * EG_SECOND);
    }
    CHECK_EQUAL(line.flows[0].delivered, 900000);
}

// --- feedback ---

static bool read_report(const uint8_t *bytes, size_t size, struct eg_transport_feedback *transport) {
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, size);
    struct eg_rtcp block;
    struct eg_rtcp_feedback feedback;
    return eg__rtcp_next(&iterator, &block) && eg__rtcp_parse_feedback(&feedback, &block) && eg__transport_feedback_parse(transport, &feedback);
}

// 65,533 to 2, of which 65,535 comes late, and 1 never.
static void a_viewer_tells_of_each_packet_and_of_the_lost_between_them(struct eg_check *check) {
    static struct eg_sim_feedback feedback;
    feedback = (struct eg_sim_feedback){0};
    const struct eg_sim_feedback_habits habits = {.is_negotiated = true, .every = 50 * EG_MILLISECOND};
    const struct eg_sim_feedback_names names = {.sender_ssrc = 1, .media_ssrc = 2};
    struct eg_sim_random random;
    eg_sim_random_init(&random, 1);
    CHECK_EQUAL(eg_sim_feedback_deadline(&feedback, &habits), EG_TIME_NEVER);
    static const uint16_t numbers[] = {65533, 65534, 0, 2};
    for (unsigned i = 0; i < 4; i++) eg_sim_feedback_note(&feedback, EG_SECOND + i * EG_MILLISECOND, numbers[i]);
    uint8_t bytes[256];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg_sim_feedback_write(&feedback, EG_SECOND + 5 * EG_MILLISECOND, &habits, &names, &random, &writer);
    struct eg_transport_feedback transport;
    REQUIRE(read_report(bytes, writer.at, &transport));
    CHECK_EQUAL(transport.base, 65533);
    CHECK_EQUAL(transport.count, 6);
    CHECK_EQUAL(transport.feedback_count, 0);
    static const uint8_t arrived[] = {1, 1, 0, 1, 0, 1};
    struct eg_transport_status status;
    for (unsigned i = 0; i < 6; i++) CHECK_ROW(eg__transport_feedback_next(&transport, &status) && status.arrived == arrived[i], i);
    CHECK_EQUAL(eg_sim_feedback_deadline(&feedback, &habits), EG_TIME_NEVER);
    // Told of again from the late one on.
    eg_sim_feedback_note(&feedback, EG_SECOND + 6 * EG_MILLISECOND, 65535);
    CHECK_EQUAL(eg_sim_feedback_deadline(&feedback, &habits), EG_SECOND + 55 * EG_MILLISECOND);
    writer = eg__writer(bytes, sizeof bytes);
    eg_sim_feedback_write(&feedback, EG_SECOND + 55 * EG_MILLISECOND, &habits, &names, &random, &writer);
    REQUIRE(read_report(bytes, writer.at, &transport));
    CHECK_EQUAL(transport.base, 65535);
    CHECK_EQUAL(transport.count, 4);
    CHECK_EQUAL(transport.feedback_count, 1);
}

// --- a stream of three encodings ---

static void each_viewer_sees_the_encoding_that_it_asked_for_and_hears_the_sound(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_ladder(600);
    struct eg_sim_viewer *viewers[EG_SIM_RUNGS_MAX];
    for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) {
        struct eg_sim_script script = eg_sim_ladder_viewer;
        script.encoding = i;
        script.bit_rate_max = eg_sim_ladder_bit_rates[i] * 6 / 5;
        viewers[i] = eg_sim_ladder_join(world, &script, 20 * MBIT);
    }
    eg_sim_world_run(world, 3 * EG_SECOND);
    for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) eg_sim_screen_measure(&viewers[i]->screen, world->now);
    eg_sim_world_run(world, 4 * EG_SECOND);
    for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) {
        CHECK_ROW(eg_sim_share_at(viewers[i], i) == 100, i);
        CHECK_ROW(viewers[i]->screen.pictures >= 119 && viewers[i]->screen.pictures <= 121, i);
        CHECK_ROW(eg_sim_screen_stall(&viewers[i]->screen, world->now) < 160 * EG_MILLISECOND, i);
        CHECK_ROW(eg_sim_screen_silence(&viewers[i]->screen, world->now) < 60 * EG_MILLISECOND, i);
        CHECK_ROW(viewers[i]->switches.ups + viewers[i]->switches.downs == 0, i);
    }
    eg_sim_end(check, world);
}

static const struct eg_test tests[] = {
    EG_TEST(a_line_takes_what_its_rate_allows_and_drops_what_finds_its_queue_full),
    EG_TEST(a_change_of_the_rate_counts_for_what_is_in_the_queue),
    EG_TEST(a_flow_takes_what_is_free_and_shares_it_with_another),
    EG_TEST(a_flow_of_a_size_ends_with_it_and_comes_again),
    EG_TEST(a_viewer_tells_of_each_packet_and_of_the_lost_between_them),
    EG_TEST(each_viewer_sees_the_encoding_that_it_asked_for_and_hears_the_sound),
};

EG_TEST_SUITE(sim_links, tests);
