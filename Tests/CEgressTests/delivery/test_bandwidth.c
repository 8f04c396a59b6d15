// The estimator against a simulated link: a rate, a queue in front of it, a delay, and a viewer whose clock is another.
#include "delivery/bandwidth.h"
#include "sim/random.h"
#include "support/check.h"
#include "wire/transport_feedback.h"

#include <stdlib.h>
#include <string.h>

enum {
    NUMBERS = 65536,
    PACKET_SIZE = 1200,           // [B]
    REPORT_SIZE_MAX = 64 * 1024,  // [B]
    FEEDBACK_INTERVAL = 60 * EG_MILLISECOND, // [us]
    STEP = 1 * EG_MILLISECOND,    // [us]
};

struct world {
    struct eg_bandwidth bandwidth;
    struct eg_sim_random random;
    eg_time now;

    // The sender: pictures of one size at a steady rate.
    uint32_t frame_rate;
    uint64_t bit_rate;     // [bit/s] 0: it sends nothing
    eg_time picture_at;
    uint16_t number;       // of the next packet
    uint64_t debt;         // [bit] to be sent

    // The link.
    uint64_t link_rate;    // [bit/s]
    eg_time queue_max;     // [us] beyond which packets are lost
    eg_time latency;       // [us] each way
    uint32_t jitter;       // [us] at most
    uint32_t loss_permille;
    eg_time busy_until;
    eg_time last_arrival;

    // The viewer.
    int64_t clock_offset;  // [us]
    int64_t clock_ppm;
    bool is_silent;
    eg_time feedback_at;
    uint16_t told;         // number of the next packet to tell of
    uint8_t feedback_count;
    eg_time arrivals[NUMBERS]; // on our clock; EG_TIME_NEVER: lost
    uint8_t report[REPORT_SIZE_MAX];

    // What was seen.
    eg_time queue_max_seen;
    uint32_t refused;
};

static struct world *world_create(uint64_t seed) {
    struct world *world = calloc(1, sizeof *world);
    eg_sim_random_init(&world->random, seed);
    world->now = world->picture_at = world->feedback_at = 1000 * (eg_time)EG_SECOND;
    world->frame_rate = 30;
    world->bit_rate = 1000000;
    world->link_rate = 10000000;
    world->queue_max = 2 * EG_SECOND;
    world->latency = 20 * EG_MILLISECOND;
    world->clock_offset = 500 * (int64_t)EG_SECOND;
    eg__bandwidth_init(&world->bandwidth, world->now);
    return world;
}

static void send_packet(struct world *world) {
    eg_time *arrival = &world->arrivals[world->number];
    eg__bandwidth_sent(&world->bandwidth, world->now, world->number++, PACKET_SIZE);
    eg_time start = world->now > world->busy_until ? world->now : world->busy_until;
    *arrival = EG_TIME_NEVER;
    if (start - world->now > world->queue_max) return;
    world->busy_until = start + PACKET_SIZE * 8 * (uint64_t)EG_SECOND / world->link_rate;
    if (eg_sim_random_chance(&world->random, world->loss_permille)) return;
    *arrival = world->busy_until + world->latency + (world->jitter > 0 ? eg_sim_random_below(&world->random, world->jitter) : 0);
    if (*arrival < world->last_arrival) *arrival = world->last_arrival;
    world->last_arrival = *arrival;
}

static void send_picture(struct world *world) {
    world->picture_at += EG_SECOND / world->frame_rate;
    world->debt += world->bit_rate / world->frame_rate;
    for (; world->debt >= PACKET_SIZE * 8; world->debt -= PACKET_SIZE * 8) send_packet(world);
}

static eg_time on_viewers_clock(const struct world *world, eg_time time) {
    return time + (eg_time)(world->clock_offset + (int64_t)time * world->clock_ppm / 1000000);
}

// Hands a report over as it comes out of a datagram.
static bool hand_over(struct world *world, const struct eg_transport_report *report) {
    struct eg_writer writer = eg__writer(world->report, sizeof world->report);
    eg__transport_feedback_write(&writer, report);
    EG_ASSERT(!writer.failed);
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(world->report, writer.at);
    struct eg_rtcp block;
    struct eg_rtcp_feedback feedback;
    EG_ASSERT(eg__rtcp_next(&iterator, &block) && eg__rtcp_parse_feedback(&feedback, &block));
    return eg__bandwidth_feedback(&world->bandwidth, world->now, &feedback);
}

// The viewer tells of all packets up to the last that had arrived when it wrote this, which is one latency ago.
static void send_feedback(struct world *world) {
    enum { TOLD_MAX = 2000 };
    eg_time arrivals[TOLD_MAX], written_at = world->now - world->latency;
    uint16_t sent = (uint16_t)(world->number - world->told), count = 0;
    EG_ASSERT(sent <= TOLD_MAX);
    for (uint16_t i = 0; i < sent; i++) {
        eg_time arrival = world->arrivals[(uint16_t)(world->told + i)];
        bool is_there = arrival <= written_at;
        arrivals[i] = is_there ? on_viewers_clock(world, arrival) : EG_TIME_NEVER;
        if (is_there) count = i + 1;
    }
    world->feedback_at = world->now + FEEDBACK_INTERVAL;
    if (count == 0 || world->is_silent) return;
    world->refused += !hand_over(world, &(struct eg_transport_report){
        .base = world->told, .count = count, .arrivals = arrivals, .feedback_count = world->feedback_count++});
    world->told += count;
}

static void step(struct world *world) {
    world->now += STEP;
    if (world->now >= world->picture_at) send_picture(world);
    if (world->now >= world->feedback_at) send_feedback(world);
    if (world->bandwidth.queue > world->queue_max_seen) world->queue_max_seen = world->bandwidth.queue;
}

static void run(struct world *world, eg_time time) {
    for (eg_time end = world->now + time; world->now < end;) step(world);
}

static bool is_near(uint64_t value, uint64_t expected, uint64_t percent) {
    return value * 100 >= expected * (100 - percent) && value * 100 <= expected * (100 + percent);
}

static void a_link_that_gets_narrow_is_seen_within_400_ms_and_so_is_its_recovery(struct eg_check *check) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world *world = world_create(seed);
        world->bit_rate = 4500000;
        world->jitter = 2 * EG_MILLISECOND;
        run(world, 5 * EG_SECOND + seed * 7 * EG_MILLISECOND);
        CHECK_ROW(is_near(world->bandwidth.arrived_bit_rate, 4500000, 10), seed);
        CHECK_ROW(is_near(world->bandwidth.sent_bit_rate, 4500000, 10), seed);
        CHECK_ROW(world->bandwidth.queue < 20 * EG_MILLISECOND, seed);

        world->link_rate = 1000000;
        eg_time from = world->now;
        while (world->bandwidth.queue <= 100 * EG_MILLISECOND && world->now - from < 400 * EG_MILLISECOND) step(world);
        CHECK_ROW(world->now - from < 400 * EG_MILLISECOND, seed);
        CHECK_ROW(world->bandwidth.rising_since <= world->now && world->bandwidth.rising_since + 100 * EG_MILLISECOND >= from, seed);
        CHECK_ROW(is_near(world->bandwidth.rising_bit_rate, 1000000, 20), seed);
        CHECK_ROW(is_near(eg__bandwidth_capacity(&world->bandwidth), 1000000, 20), seed);
        run(world, 1 * EG_SECOND);
        CHECK_ROW(is_near(world->bandwidth.arrived_bit_rate, 1000000, 5), seed);
        CHECK_ROW(is_near(world->bandwidth.rising_bit_rate, 1000000, 10), seed);
        CHECK_ROW(world->bandwidth.queue > 500 * EG_MILLISECOND, seed);
        CHECK_ROW(world->bandwidth.rising_since + 100 * EG_MILLISECOND >= from, seed); // still the same growth

        world->bit_rate = 300000;
        eg__bandwidth_forget(&world->bandwidth, world->now);
        run(world, 5 * EG_SECOND);
        CHECK_ROW(world->bandwidth.queue < 20 * EG_MILLISECOND, seed);
        CHECK_ROW(world->bandwidth.rising_since == EG_TIME_NEVER || world->now - world->bandwidth.rising_since < EG_SECOND, seed);
        CHECK_ROW((world->bandwidth.rising_bit_rate == 0) == (world->bandwidth.rising_since == EG_TIME_NEVER), seed);
        CHECK_ROW(is_near(world->bandwidth.sent_bit_rate, 300000, 20), seed);
        CHECK_EQUAL(world->refused, 0);
        free(world);
    }
}

// A queue that is always full does not grow any more, and is no better for it.
static void a_queue_that_stays_full_counts_as_one_growth_and_as_loss(struct eg_check *check) {
    struct world *world = world_create(1);
    run(world, 2 * EG_SECOND);
    eg_time from = world->now;
    world->bit_rate = 4000000;
    world->link_rate = 2000000;
    world->queue_max = 300 * EG_MILLISECOND;
    run(world, 3 * EG_SECOND);
    CHECK(world->bandwidth.queue > 250 * EG_MILLISECOND);
    CHECK(world->bandwidth.rising_since <= from + 200 * EG_MILLISECOND);
    CHECK(is_near(world->bandwidth.lost_256, 128, 15));
    CHECK(is_near(world->bandwidth.arrived_bit_rate, 2000000, 8));
    CHECK(is_near(world->bandwidth.rising_bit_rate, 2000000, 8)); // and not what was sent, half of which was lost
    CHECK_EQUAL(world->refused, 0);
    free(world);
}

static void a_queue_of_two_seconds_is_still_measured(struct eg_check *check) {
    struct world *world = world_create(1);
    world->queue_max = 3 * EG_SECOND;
    run(world, 2 * EG_SECOND);
    world->bit_rate = 2000000;
    world->link_rate = 1000000;
    run(world, 4 * EG_SECOND);
    CHECK(world->bandwidth.queue > 1800 * EG_MILLISECOND && world->bandwidth.queue < 2500 * EG_MILLISECOND);
    CHECK_EQUAL(world->refused, 0);
    free(world);
}

static void jitter_and_drift_are_no_queue(struct eg_check *check) {
    static const int64_t drifts[] = {-100, 0, 100};
    for (size_t i = 0; i < 3; i++) {
        struct world *world = world_create(i + 1);
        world->jitter = 10 * EG_MILLISECOND;
        world->clock_ppm = drifts[i];
        eg_time longest_rise = 0;
        for (eg_time end = world->now + 300 * (eg_time)EG_SECOND; world->now < end;) {
            step(world);
            eg_time since = world->bandwidth.rising_since;
            if (since != EG_TIME_NEVER && world->now - since > longest_rise) longest_rise = world->now - since;
        }
        CHECK_ROW(world->queue_max_seen < 30 * EG_MILLISECOND, i);
        CHECK_ROW(longest_rise < EG_SECOND, i);
        CHECK_ROW(world->bandwidth.lost_256 == 0, i);
        CHECK_ROW(is_near(world->bandwidth.arrived_bit_rate, 1000000, 15), i);
        CHECK_ROW(world->refused == 0, i);
        free(world);
    }
}

static void random_loss_of_5_percent_is_told_as_13_of_256(struct eg_check *check) {
    struct world *world = world_create(3);
    world->bit_rate = 4000000;
    world->loss_permille = 50;
    uint64_t sum = 0, count = 0;
    run(world, 2 * EG_SECOND);
    for (; count < 600; count++, sum += world->bandwidth.lost_256) run(world, 100 * EG_MILLISECOND);
    CHECK(sum / count >= 12 && sum / count <= 14);
    CHECK(world->queue_max_seen < 30 * EG_MILLISECOND);
    free(world);
}

static void loss_counts_anew_when_what_was_sent_is_forgotten(struct eg_check *check) {
    struct world *world = world_create(4);
    world->loss_permille = 200;
    run(world, 2 * EG_SECOND);
    CHECK(world->bandwidth.lost_256 > 20);
    world->loss_permille = 0;
    eg__bandwidth_forget(&world->bandwidth, world->now);
    CHECK_EQUAL(world->bandwidth.lost_256, 0);
    for (int i = 0; i < 2000; i++) {
        step(world);
        CHECK_ROW(world->bandwidth.lost_256 == 0, i);
    }
    free(world);
}

static void fewer_than_20_packets_are_no_loss(struct eg_check *check) {
    struct world *world = world_create(4);
    world->bit_rate = 10 * PACKET_SIZE * 8; // a second
    world->loss_permille = 500;
    for (int i = 0; i < 5000; i++) {
        step(world);
        CHECK_ROW(world->bandwidth.lost_256 == 0, i);
    }
    free(world);
}

// 12 days of the viewer's clock in 24 bits of 64 ms; and packets enough for 16 bits several times over.
static void numbers_and_times_that_wrap_change_nothing(struct eg_check *check) {
    struct world *world = world_create(5);
    world->bit_rate = 8000000;
    world->number = world->told = 65000;
    world->clock_offset = (((int64_t)1 << 24) * 64 - 1005 * 1000) * EG_MILLISECOND; // wraps after 5 s, and the sign half of that before
    run(world, 2 * EG_SECOND);
    for (int i = 0; i < 180; i++) {
        run(world, 1 * EG_SECOND);
        CHECK_ROW(world->bandwidth.told_at + 100 * EG_MILLISECOND > world->now, i);
        CHECK_ROW(is_near(world->bandwidth.arrived_bit_rate, 8000000, 15), i);
    }
    CHECK(world->queue_max_seen < 10 * EG_MILLISECOND);
    CHECK_EQUAL(world->refused, 0);
    world->clock_offset -= ((int64_t)1 << 23) * 64 * EG_MILLISECOND - 2 * EG_SECOND; // the other wrap, of the sign, in 2 s
    run(world, 1 * EG_SECOND);
    world->queue_max_seen = 0;
    run(world, 200 * (eg_time)EG_SECOND);
    CHECK(world->queue_max_seen < 10 * EG_MILLISECOND);
    CHECK_EQUAL(world->bandwidth.lost_256, 0);
    free(world);
}

static void a_clock_that_is_set_is_no_queue(struct eg_check *check) {
    static const int64_t jumps[] = {2, -2, 2, -2, 30, -30, 30, -30, 3600, -3600, 3600, 86400 * 5, -86400 * 5, 86400 * 6, -86400 * 6};
    struct world *world = world_create(6);
    world->clock_offset = 86400 * 20 * (int64_t)EG_SECOND;
    run(world, 3 * EG_SECOND);
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        world->clock_offset += jumps[i] * EG_SECOND;
        world->bit_rate = i % 2 == 0 ? 2000000 : 1000000;
        eg_time end = world->now + 3 * EG_SECOND;
        for (run(world, FEEDBACK_INTERVAL * 2); world->now < end;) {
            step(world);
            CHECK_ROW(world->bandwidth.queue < 20 * EG_MILLISECOND, i);
            CHECK_ROW(world->bandwidth.arrived_bit_rate > 800000, i);
        }
        CHECK_ROW(is_near(world->bandwidth.arrived_bit_rate, world->bit_rate, 15), i);
    }
    CHECK_EQUAL(world->refused, 0);
    free(world);
}

// All a picture's packets wait for those before them, which is not the link's fault.
static void the_length_of_a_picture_is_no_queue(struct eg_check *check) {
    struct world *world = world_create(14);
    world->frame_rate = 2;
    world->bit_rate = 2000000; // 100 ms of the link for each picture
    world->loss_permille = 300; // the first packet of some, too
    run(world, 60 * (eg_time)EG_SECOND);
    CHECK(world->queue_max_seen < 10 * EG_MILLISECOND);
    free(world);
}

static void reports_that_overtake_each_other_change_nothing(struct eg_check *check) {
    struct world *world = world_create(15);
    run(world, 2 * EG_SECOND);
    world->bit_rate = 2000000;
    world->link_rate = 1000000;
    run(world, 500 * EG_MILLISECOND);
    world->bit_rate = 1000000;
    run(world, 1 * EG_SECOND);
    eg_time queue = world->bandwidth.queue;
    CHECK(queue > 200 * EG_MILLISECOND);
    eg_time arrivals[30];
    uint16_t first = world->told - 30; // told already, and the reference is an old one
    for (uint16_t i = 0; i < 30; i++) arrivals[i] = on_viewers_clock(world, world->arrivals[(uint16_t)(first + i)]);
    CHECK(hand_over(world, &(struct eg_transport_report){.base = first, .count = 30, .arrivals = arrivals}));
    CHECK_EQUAL(world->bandwidth.queue, queue);
    run(world, 500 * EG_MILLISECOND);
    CHECK(world->bandwidth.queue > 200 * EG_MILLISECOND);
    // The same with one that comes for the first time, after the next.
    first = world->number;
    for (uint16_t i = 0; i < 30; i++) {
        world->now += 21 * EG_MILLISECOND;
        send_packet(world);
        arrivals[i] = on_viewers_clock(world, world->now + world->latency + queue + (29 - i) * EG_MILLISECOND);
    }
    CHECK(hand_over(world, &(struct eg_transport_report){.base = (uint16_t)(first + 29), .count = 1, .arrivals = arrivals + 29}));
    CHECK(is_near(world->bandwidth.queue, queue, 15));
    eg_time newest = world->bandwidth.queue;
    CHECK(hand_over(world, &(struct eg_transport_report){.base = first, .count = 29, .arrivals = arrivals}));
    CHECK_EQUAL(world->bandwidth.queue, newest);
    free(world);
}

// Packets 0 to `count` - 1, sent together.
static void send_together(struct world *world, uint16_t count) {
    for (uint16_t i = 0; i < count; i++) eg__bandwidth_sent(&world->bandwidth, world->now, world->number++, PACKET_SIZE);
}

static void what_no_report_tells_of_is_not_lost(struct eg_check *check) {
    struct world *world = world_create(16);
    eg_time arrivals[20];
    for (uint16_t i = 0; i < 20; i++) arrivals[i] = i >= 10 && i <= 12 ? EG_TIME_NEVER : world->now;
    send_together(world, 30);
    CHECK(hand_over(world, &(struct eg_transport_report){.base = 0, .count = 20, .arrivals = arrivals}));
    CHECK_EQUAL(world->bandwidth.lost_256, 3 * 256 / 20);
    free(world);
}

static void a_group_whose_first_packet_is_lost_says_nothing_of_the_queue(struct eg_check *check) {
    struct world *world = world_create(19);
    send_together(world, 1);
    eg_time arrivals[11] = {world->now, EG_TIME_NEVER};
    world->now += 50 * EG_MILLISECOND;
    for (uint16_t i = 2; i < 11; i++) arrivals[i] = world->now + i * 10 * EG_MILLISECOND;
    send_together(world, 10);
    CHECK(hand_over(world, &(struct eg_transport_report){.base = 0, .count = 11, .arrivals = arrivals}));
    CHECK_EQUAL(world->bandwidth.queue, 0);
    free(world);
}

static void a_queue_of_what_is_forgotten_is_told_and_is_no_growth(struct eg_check *check) {
    for (int is_forgotten = 0; is_forgotten < 2; is_forgotten++) {
        struct world *world = world_create(20);
        eg_time arrivals[10];
        for (uint16_t i = 0; i < 10; i++) {
            world->now += 50 * EG_MILLISECOND;
            send_together(world, 1);
            arrivals[i] = world->now + i * 30 * EG_MILLISECOND;
        }
        if (is_forgotten) eg__bandwidth_forget(&world->bandwidth, world->now);
        CHECK(hand_over(world, &(struct eg_transport_report){.base = 0, .count = 10, .arrivals = arrivals}));
        CHECK_EQUAL(world->bandwidth.queue, 270 * EG_MILLISECOND);
        CHECK((world->bandwidth.rising_since == EG_TIME_NEVER) == (is_forgotten != 0));
        free(world);
    }
}

static void what_follows_at_once_on_what_is_forgotten_is_judged(struct eg_check *check) {
    struct world *world = world_create(17);
    eg_time arrivals[50];
    for (uint16_t i = 0; i < 50; i++) arrivals[i] = i < 10 || i >= 30 ? world->now : EG_TIME_NEVER;
    send_together(world, 10);
    eg__bandwidth_forget(&world->bandwidth, world->now);
    send_together(world, 40);
    CHECK(hand_over(world, &(struct eg_transport_report){.base = 0, .count = 50, .arrivals = arrivals}));
    CHECK_EQUAL(world->bandwidth.lost_256, 128);
    free(world);
}

// Days back in each report: what is kept of the viewer's time stays small.
static void a_clock_that_runs_back_does_not_run_away(struct eg_check *check) {
    struct world *world = world_create(18);
    for (int64_t i = 0; i < 10000; i++) {
        world->now += 21 * EG_MILLISECOND;
        send_together(world, 1);
        eg_time arrival = (eg_time)(((uint64_t)(0 - i * (1 << 22)) & 0xffffff) * 64 * EG_MILLISECOND);
        CHECK_ROW(hand_over(world, &(struct eg_transport_report){.base = world->number - 1, .count = 1, .arrivals = &arrival}), i);
        CHECK_ROW(world->bandwidth.reference < 1 << 25 && world->bandwidth.reference > -(1 << 25), i);
    }
    free(world);
}

static void what_is_told_late_is_no_queue(struct eg_check *check) {
    struct world *world = world_create(7);
    run(world, 3 * EG_SECOND);
    // The way back stalls: the viewer had all packets in time, and what it says comes 2 s later.
    world->is_silent = true;
    world->feedback_at = EG_TIME_NEVER;
    run(world, 2 * EG_SECOND);
    CHECK(world->bandwidth.told_at + 1900 * EG_MILLISECOND < world->now);
    world->is_silent = false;
    world->feedback_at = world->now;
    world->queue_max_seen = 0;
    run(world, 3 * EG_SECOND);
    CHECK(world->queue_max_seen < 10 * EG_MILLISECOND);
    CHECK_EQUAL(world->bandwidth.lost_256, 0);
    free(world);
}

static void feedback_that_stops_leaves_the_last_figures_and_their_time(struct eg_check *check) {
    struct world *world = world_create(8);
    CHECK_EQUAL(world->bandwidth.told_at, EG_TIME_NEVER);
    CHECK_EQUAL(world->bandwidth.arrived_bit_rate, 0);
    run(world, 3 * EG_SECOND);
    eg_time told_at = world->bandwidth.told_at;
    uint32_t arrived = world->bandwidth.arrived_bit_rate;
    CHECK(arrived > 0 && told_at + 100 * EG_MILLISECOND > world->now);
    CHECK(world->bandwidth.unanswered_since >= told_at);
    world->is_silent = true;
    for (int i = 0; i < 20; i++) {
        run(world, 1 * EG_SECOND);
        world->told = world->number; // else it would have too much to tell one day
    }
    CHECK(world->bandwidth.told_at <= told_at + 100 * EG_MILLISECOND);
    CHECK(world->bandwidth.unanswered_since > world->bandwidth.told_at && world->bandwidth.unanswered_since < told_at + 200 * EG_MILLISECOND);
    CHECK(is_near(world->bandwidth.arrived_bit_rate, arrived, 15));
    world->is_silent = false;
    run(world, 2 * EG_SECOND);
    CHECK(world->bandwidth.told_at + 100 * EG_MILLISECOND > world->now);
    CHECK(world->bandwidth.unanswered_since >= world->bandwidth.told_at);
    CHECK(is_near(world->bandwidth.arrived_bit_rate, 1000000, 15));
    CHECK(world->bandwidth.queue < 10 * EG_MILLISECOND);
    free(world);
}

static void refuses_what_was_never_sent_and_what_is_long_forgotten(struct eg_check *check) {
    struct world *world = world_create(9);
    eg_time arrivals[64];
    for (size_t i = 0; i < 64; i++) arrivals[i] = world->now;
    const struct {
        uint16_t ahead; // of the newest number
        uint16_t count;
        bool is_taken;
    } rows[] = {
        {0, 1, true}, {1, 1, false}, {1, 64, false}, {100, 1, false}, {32767, 64, false}, {65535, 1, true}, {65535, 64, true},
        {65536 - 64, 64, true}, {65536 - 20000, 64, false}, {32768, 64, false},
    };
    CHECK(!hand_over(world, &(struct eg_transport_report){.count = 1, .arrivals = arrivals})); // nothing was sent at all
    world->is_silent = true;
    world->number = world->told = 30000;
    run(world, 5 * EG_SECOND);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_transport_report report = {
            .base = (uint16_t)(world->number - 1 + rows[i].ahead), .count = rows[i].count, .arrivals = arrivals};
        CHECK_ROW(hand_over(world, &report) == rows[i].is_taken, i);
    }
    CHECK(!eg__bandwidth_feedback(&world->bandwidth, world->now, &(struct eg_rtcp_feedback){.fci = world->report, .fci_size = 7}));
    world->now += 61 * (eg_time)EG_SECOND;
    CHECK(!hand_over(world, &(struct eg_transport_report){.base = (uint16_t)(world->number - 1), .count = 1, .arrivals = arrivals}));
    free(world);
}

static void what_is_told_twice_counts_once(struct eg_check *check) {
    struct world *world = world_create(10);
    world->is_silent = true;
    eg_time arrivals[100];
    for (uint16_t i = 0; i < 100; i++) {
        world->now += 5 * EG_MILLISECOND;
        eg__bandwidth_sent(&world->bandwidth, world->now, i, PACKET_SIZE);
        arrivals[i] = i % 10 == 3 ? EG_TIME_NEVER : world->now;
    }
    CHECK(hand_over(world, &(struct eg_transport_report){.count = 100, .arrivals = arrivals}));
    CHECK(is_near(world->bandwidth.lost_256, 25, 5));
    struct eg_bandwidth before = world->bandwidth;
    for (uint16_t i = 0; i < 100; i++) arrivals[i] += arrivals[i] == EG_TIME_NEVER ? 0 : 300 * EG_MILLISECOND;
    for (int i = 0; i < 10; i++) CHECK(hand_over(world, &(struct eg_transport_report){.count = 100, .arrivals = arrivals}));
    CHECK_EQUAL(world->bandwidth.queue, before.queue);
    CHECK_EQUAL(world->bandwidth.lost_256, before.lost_256);
    CHECK_EQUAL(world->bandwidth.window_bytes, before.window_bytes);
    // One that was told as lost was late only.
    CHECK(hand_over(world, &(struct eg_transport_report){.base = 3, .count = 1, .arrivals = (eg_time[]){world->now}}));
    CHECK(world->bandwidth.lost_256 < before.lost_256);
    free(world);
}

static void numbers_that_are_skipped_are_not_lost(struct eg_check *check) {
    struct world *world = world_create(11);
    eg_time arrivals[200];
    for (uint16_t i = 0; i < 200; i++) {
        world->now += 2 * EG_MILLISECOND;
        arrivals[i] = EG_TIME_NEVER;
        if (i % 3 != 0) continue;
        eg__bandwidth_sent(&world->bandwidth, world->now, (uint16_t)(65400 + i), PACKET_SIZE);
        arrivals[i] = world->now;
    }
    CHECK(hand_over(world, &(struct eg_transport_report){.base = 65400, .count = 200, .arrivals = arrivals}));
    CHECK_EQUAL(world->bandwidth.lost_256, 0);
    for (uint16_t i = 0; i < 200; i++) arrivals[i] = world->now + EG_SECOND; // those that were never sent are told as arrived
    uint64_t bytes = world->bandwidth.window_bytes;
    CHECK(hand_over(world, &(struct eg_transport_report){.base = 65400, .count = 200, .arrivals = arrivals}));
    CHECK_EQUAL(world->bandwidth.window_bytes, bytes);
    free(world);
}

static void a_receiver_report_gives_queue_loss_and_rate(struct eg_check *check) {
    struct world *world = world_create(12);
    world->is_silent = true;
    world->bit_rate = 2000000;
    for (int i = 0; i < 5; i++) {
        run(world, 1 * EG_SECOND);
        eg__bandwidth_report(&world->bandwidth, world->now, 0, 40000 + (uint32_t)i * 1000);
        world->told = world->number;
    }
    CHECK_EQUAL(world->bandwidth.queue, 4000);
    CHECK_EQUAL(world->bandwidth.rising_since, EG_TIME_NEVER);
    CHECK_EQUAL(world->bandwidth.told_at, world->now);
    CHECK(is_near(world->bandwidth.arrived_bit_rate, 2000000, 10));
    run(world, 1 * EG_SECOND);
    eg__bandwidth_report(&world->bandwidth, world->now, 64, 240000);
    CHECK_EQUAL(world->bandwidth.lost_256, 64);
    CHECK_EQUAL(world->bandwidth.queue, 200000);
    CHECK_EQUAL(world->bandwidth.rising_since, world->now - 1 * EG_SECOND);
    CHECK(is_near(world->bandwidth.arrived_bit_rate, 1500000, 10));
    eg__bandwidth_report(&world->bandwidth, world->now + 1, 64, 0); // on hardly any packet, and without a round trip
    CHECK_EQUAL(world->bandwidth.lost_256, 0);
    CHECK_EQUAL(world->bandwidth.queue, 200000);
    eg__bandwidth_forget(&world->bandwidth, world->now);
    run(world, 1 * EG_SECOND);
    eg__bandwidth_report(&world->bandwidth, world->now, 64, 40000); // on packets from before, too
    CHECK_EQUAL(world->bandwidth.lost_256, 0);
    run(world, 1 * EG_SECOND);
    eg__bandwidth_report(&world->bandwidth, world->now, 64, 40000);
    CHECK_EQUAL(world->bandwidth.lost_256, 64);
    eg__bandwidth_report(&world->bandwidth, world->now, 255, UINT32_MAX);
    CHECK_EQUAL(world->bandwidth.queue, 10 * EG_SECOND);
    free(world);
}

static void a_bound_holds_for_10_s(struct eg_check *check) {
    struct world *world = world_create(13);
    CHECK_EQUAL(world->bandwidth.bound, 0);
    eg__bandwidth_note_bound(&world->bandwidth, world->now, 700000);
    run(world, 9 * EG_SECOND);
    CHECK_EQUAL(world->bandwidth.bound, 700000);
    run(world, 1500 * EG_MILLISECOND);
    CHECK_EQUAL(world->bandwidth.bound, 0);
    eg__bandwidth_note_bound(&world->bandwidth, world->now, UINT64_MAX);
    CHECK_EQUAL(world->bandwidth.bound, UINT32_MAX);
    eg__bandwidth_note_bound(&world->bandwidth, world->now, 0);
    CHECK_EQUAL(world->bandwidth.bound, 1); // as low as can be, and not none
    free(world);
}

// A report of any form. Most tell of packets that were sent, at times that mean nothing; its bytes may be damaged.
static void forge(struct world *world) {
    uint8_t fci[400];
    size_t size = 8 + eg_sim_random_below(&world->random, sizeof fci - 8);
    for (size_t i = 0; i < size; i++) fci[i] = (uint8_t)eg_sim_random_u64(&world->random);
    uint16_t base = (uint16_t)(world->number - eg_sim_random_below(&world->random, 300));
    if (!eg_sim_random_chance(&world->random, 200)) {
        fci[0] = (uint8_t)(base >> 8);
        fci[1] = (uint8_t)base;
        fci[2] = 0;
    }
    for (size_t i = 8; i + 1 < size && i < 40; i += 2) {
        if (eg_sim_random_chance(&world->random, 700)) fci[i] = (uint8_t)(fci[i] & 0xbf); // few reserved symbols
        if (eg_sim_random_chance(&world->random, 300)) fci[i] = 0x1f;                     // long runs of losses
    }
    uint32_t kind = eg_sim_random_below(&world->random, 4);
    if (kind == 0) memset(fci + 4, 0x7f, 3);
    if (kind == 1) memset(fci + 4, 0x80, 3);
    if (kind == 2) memset(fci + 4, 0, 3);
    uint8_t *exact = malloc(size);
    memcpy(exact, fci, size);
    world->refused += !eg__bandwidth_feedback(&world->bandwidth, world->now, &(struct eg_rtcp_feedback){.fci = exact, .fci_size = size});
    free(exact);
}

static void one_arrival_far_ahead_does_not_stop_what_arrives_from_being_counted(struct eg_check *check) {
    struct world *world = world_create(14);
    run(world, 5 * EG_SECOND);
    enum { COUNT = 30 };
    eg_time arrivals[COUNT];
    for (unsigned i = 0; i < COUNT; i++) arrivals[i] = on_viewers_clock(world, world->now) + i * 8 * (eg_time)EG_SECOND;
    for (unsigned i = 0; i < COUNT; i++) send_packet(world);
    CHECK(hand_over(world, &(struct eg_transport_report){.base = world->told, .count = COUNT, .arrivals = arrivals}));
    world->told += COUNT;
    world->bit_rate = 3000000;
    run(world, 12 * EG_SECOND);
    CHECK(is_near(world->bandwidth.arrived_bit_rate, 3000000, 15));
    free(world);
}

static void forged_reports_change_figures_and_nothing_else(struct eg_check *check) {
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct world *world = world_create(seed);
        uint32_t taken = 0;
        for (int i = 0; i < 20000; i++) {
            step(world);
            if (!eg_sim_random_chance(&world->random, 100)) continue;
            uint32_t refused = world->refused;
            forge(world);
            taken += world->refused == refused;
            const struct eg_bandwidth *bandwidth = &world->bandwidth;
            CHECK_ROW(bandwidth->queue <= 10 * EG_SECOND, seed);
            CHECK_ROW(bandwidth->lost_256 <= 256, seed);
            CHECK_ROW(bandwidth->rising_since == EG_TIME_NEVER || bandwidth->rising_since <= world->now, seed);
            CHECK_ROW(bandwidth->told_at == EG_TIME_NEVER || bandwidth->told_at <= world->now, seed);
            CHECK_ROW(is_near(bandwidth->sent_bit_rate, 1000000, 20) || i < 1000, seed);
        }
        CHECK_ROW(taken > 50 && world->refused > 50, seed);
        // When it stops to forge, the figures are right again within the 10 s that delays are kept.
        run(world, 12 * EG_SECOND);
        CHECK_ROW(world->bandwidth.queue < 20 * EG_MILLISECOND, seed);
        CHECK_ROW(is_near(world->bandwidth.arrived_bit_rate, 1000000, 15), seed);
        CHECK_ROW(world->bandwidth.lost_256 == 0, seed);
        free(world);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(a_link_that_gets_narrow_is_seen_within_400_ms_and_so_is_its_recovery),
    EG_TEST(a_queue_that_stays_full_counts_as_one_growth_and_as_loss),
    EG_TEST(a_queue_of_two_seconds_is_still_measured),
    EG_TEST(jitter_and_drift_are_no_queue),
    EG_TEST(random_loss_of_5_percent_is_told_as_13_of_256),
    EG_TEST(loss_counts_anew_when_what_was_sent_is_forgotten),
    EG_TEST(fewer_than_20_packets_are_no_loss),
    EG_TEST(numbers_and_times_that_wrap_change_nothing),
    EG_TEST(a_clock_that_is_set_is_no_queue),
    EG_TEST(the_length_of_a_picture_is_no_queue),
    EG_TEST(reports_that_overtake_each_other_change_nothing),
    EG_TEST(what_no_report_tells_of_is_not_lost),
    EG_TEST(a_group_whose_first_packet_is_lost_says_nothing_of_the_queue),
    EG_TEST(a_queue_of_what_is_forgotten_is_told_and_is_no_growth),
    EG_TEST(what_follows_at_once_on_what_is_forgotten_is_judged),
    EG_TEST(a_clock_that_runs_back_does_not_run_away),
    EG_TEST(what_is_told_late_is_no_queue),
    EG_TEST(feedback_that_stops_leaves_the_last_figures_and_their_time),
    EG_TEST(refuses_what_was_never_sent_and_what_is_long_forgotten),
    EG_TEST(what_is_told_twice_counts_once),
    EG_TEST(numbers_that_are_skipped_are_not_lost),
    EG_TEST(a_receiver_report_gives_queue_loss_and_rate),
    EG_TEST(a_bound_holds_for_10_s),
    EG_TEST(one_arrival_far_ahead_does_not_stop_what_arrives_from_being_counted),
    EG_TEST(forged_reports_change_figures_and_nothing_else),
};

EG_TEST_SUITE(bandwidth, tests);
