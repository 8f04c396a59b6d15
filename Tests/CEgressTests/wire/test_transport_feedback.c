#include "support/check.h"
#include "support/exact_copy.h"
#include "wire/transport_feedback.h"

enum { BLOCK_SIZE_MAX = 256 * 1024, STATUSES_MAX = 8, PACKETS_MAX = 65535 };

// What a report is expected to say: the statuses, until one of no packets.
struct expected {
    const char *fci;
    struct eg_transport_status statuses[STATUSES_MAX];
};

#define MS(time) ((int64_t)(time) * EG_MILLISECOND)

static void reads_every_kind_of_chunk(struct eg_check *check) {
    static const struct expected rows[] = {
        // A run of small deltas of 0, 1 and 255.
        {"0001 0003 000000 00 2003 00 01 ff", {{1, 1, true, 0}, {2, 1, true, 250}, {3, 1, true, 250 + 63750}}},
        // A run of large deltas, both signs at their ends.
        {"ffff 0002 000001 00 4002 8000 7fff", {{65535, 1, true, MS(64) - 8192000}, {0, 1, true, MS(64) - 8192000 + 8191750}}},
        // The reference is signed.
        {"0000 0001 ffffff 00 2001 04", {{0, 1, true, -MS(64) + 1000}}},
        {"0000 0001 800000 00 2001 00", {{0, 1, true, -8388608 * MS(64)}}},
        {"0000 0001 7fffff 00 2001 00", {{0, 1, true, 8388607 * MS(64)}}},
        // Fourteen symbols of one bit: 10110000000001.
        {"0064 000e 000000 00 ac01 01 02 03 04",
         {{100, 1, true, 250}, {101, 1, false, 0}, {102, 1, true, 750}, {103, 1, true, 1500}, {104, 9, false, 0}, {113, 1, true, 2500}}},
        // Seven symbols of two bits: small, large, lost, lost, large, small, lost.
        {"0064 0007 000000 00 d824 01 0100 ffff 02",
         {{100, 1, true, 250}, {101, 1, true, 64250}, {102, 2, false, 0}, {104, 1, true, 64000}, {105, 1, true, 64500}, {106, 1, false, 0}}},
        // A vector of which only the first three count, and a run of which only the first two do.
        {"0000 0003 000000 00 bfff 01 01 01", {{0, 1, true, 250}, {1, 1, true, 500}, {2, 1, true, 750}}},
        {"0000 0002 000000 00 3fff 01 01", {{0, 1, true, 250}, {1, 1, true, 500}}},
        // A reserved symbol behind the last that counts says nothing.
        {"0000 0001 000000 00 dfff 08", {{0, 1, true, 2000}}},
        // Runs of no packets are stepped over; losses are one status across chunks of all kinds, and across the wrap.
        {"fffe 0016 000000 00 0000 6000 0004 8000 c000 a000", {{65534, 22, false, 0}}},
        {"0000 001a 000000 00 0004 8000 c001 2001 01 04", {{0, 24, false, 0}, {24, 1, true, 250}, {25, 1, true, 1250}}},
        // As many as a report can tell of.
        {"0001 ffff 000000 00 1fff 1fff 1fff 1fff 1fff 1fff 1fff 1fff 0007", {{1, 65535, false, 0}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[64];
        size_t size = eg_hex(rows[i].fci, bytes, sizeof bytes);
        uint8_t *fci = exact_copy(bytes, size);
        struct eg_transport_feedback transport;
        struct eg_transport_status status;
        CHECK_ROW(eg__transport_feedback_parse(&transport, &(struct eg_rtcp_feedback){.fci = fci, .fci_size = size}), i);
        for (const struct eg_transport_status *expected = rows[i].statuses; expected->run > 0; expected++) {
            CHECK_ROW(eg__transport_feedback_next(&transport, &status), i);
            CHECK_ROW(status.number == expected->number && status.run == expected->run, i);
            CHECK_ROW(status.arrived == expected->arrived && status.at == expected->at, i);
        }
        CHECK_ROW(!eg__transport_feedback_next(&transport, &status), i);
        CHECK_ROW(!eg__transport_feedback_next(&transport, &status), i);
        free(fci);
    }
}


static bool parse(const uint8_t *fci, size_t size) {
    struct eg_transport_feedback transport;
    return eg__transport_feedback_parse(&transport, &(struct eg_rtcp_feedback){.fci = fci, .fci_size = size});
}

static void refuses_what_can_not_be(struct eg_check *check) {
    static const char *const rows[] = {
        "0001 0000 000000 00 2001 00",                                            // of no packets
        "0001 0001 000000 00 6001 00 00 00 00",                                   // a run of reserved symbols
        "0001 0002 000000 00 dfff 00 00 00 00 00 00",                             // one of them in a vector
        "0001 0003 000000 00 2002 00 00",                                         // packets that no chunk tells of
        "0001 0001 000000 00 0000 0000 0000 0000",                                // none of many chunks tells of any
        "0001 0003 000000 00 2003 00 00",                                         // a small delta is missing
        "0001 0001 000000 00 4001 00",                                            // half of a large one is
        "0001 ffff 000000 00 3fff 3fff 3fff 3fff 3fff 3fff 3fff 3fff 3fff 00 00", // thousands are
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[64];
        size_t size = eg_hex(rows[i], bytes, sizeof bytes);
        uint8_t *fci = exact_copy(bytes, size);
        CHECK_ROW(!parse(fci, size), i);
        free(fci);
    }
}

static void refuses_a_report_wherever_it_is_cut(struct eg_check *check) {
    uint8_t bytes[64];
    size_t size = eg_hex("0064 0015 000000 00 ac01 d824 01 02 03 04 01 0100 ffff 02", bytes, sizeof bytes);
    CHECK(parse(bytes, size));
    for (size_t cut_size = 0; cut_size < size; cut_size++) {
        uint8_t *cut = exact_copy(bytes, cut_size);
        CHECK_ROW(!parse(cut, cut_size), cut_size);
        free(cut);
    }
}

// Writes a report and reads it as what arrives: through the walk over a compound packet. Gives the size, 0 when that fails.
static size_t write_and_find(const struct eg_transport_report *report, uint8_t *bytes, struct eg_rtcp_feedback *feedback) {
    struct eg_writer writer = eg__writer(bytes, BLOCK_SIZE_MAX);
    uint16_t count = eg__transport_feedback_write(&writer, report);
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, writer.at);
    struct eg_rtcp block;
    bool is_there = !writer.failed && count == report->count && eg__rtcp_next(&iterator, &block) && block.type == EG_RTCP_RTPFB &&
                    block.count == EG_RTCP_FORMAT_TRANSPORT_CC && eg__rtcp_parse_feedback(feedback, &block) &&
                    iterator.reader.at == writer.at;
    return is_there ? writer.at : 0;
}

static void writes_reports_byte_by_byte(struct eg_check *check) {
    static const struct {
        uint16_t count;
        eg_time arrivals[16];
        const char *expected;
    } rows[] = {
        {1, {64000}, "afcd0005 00000001 00000002 ffff 0001 000001 07 2001 00 01"},
        {2, {64000, 64249}, "8fcd0005 00000001 00000002 ffff 0002 000001 07 2002 00 00"},
        {3, {128000, 128250, 191750}, "afcd0006 00000001 00000002 ffff 0003 000002 07 2003 00 01 fe 000003"},
        {3, {128000, EG_TIME_NEVER, 127000}, "afcd0006 00000001 00000002 ffff 0003 000002 07 d200 00 fffc 000003"},
        {3, {EG_TIME_NEVER, 256, EG_TIME_NEVER}, "afcd0005 00000001 00000002 ffff 0003 000000 07 9000 01 01"},
        {2, {EG_TIME_NEVER, EG_TIME_NEVER}, "afcd0005 00000001 00000002 ffff 0002 000000 07 0002 0002"},
        {1, {0xffffffull * 64000 + 63999}, "afcd0005 00000001 00000002 ffff 0001 ffffff 07 2001 ff 01"},
        {1, {0x1000000ull * 64000}, "afcd0005 00000001 00000002 ffff 0001 000000 07 2001 00 01"},
        {8, {0, 100000, 200000, 300000, 400000, 500000, 600000, 700000},
         "afcd0009 00000001 00000002 ffff 0008 000000 07 daaa 4001 00 0190 0190 0190 0190 0190 0190 0190 01"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct eg_transport_report report = {
            .sender_ssrc = 1, .media_ssrc = 2, .base = 0xffff, .count = rows[i].count, .arrivals = rows[i].arrivals, .feedback_count = 7};
        uint8_t bytes[64], expected[64];
        size_t expected_size = eg_hex(rows[i].expected, expected, sizeof expected);
        struct eg_writer writer = eg__writer(bytes, sizeof bytes);
        CHECK_ROW(eg__transport_feedback_write(&writer, &report) == rows[i].count, i);
        CHECK_ROW(!writer.failed && writer.at == expected_size, i);
        CHECK_BYTES(bytes, expected, expected_size);
        for (size_t size = 0; size < expected_size; size++) {
            struct eg_writer narrow = eg__writer(bytes, size);
            eg__transport_feedback_write(&narrow, &report);
            CHECK_ROW(narrow.failed && narrow.at <= size, i);
        }
    }
}

static void a_packet_too_far_from_the_one_before_begins_another_report(struct eg_check *check) {
    const eg_time base = 100 * (eg_time)EG_SECOND;
    const struct {
        eg_time arrivals[3];
        uint16_t count;
    } rows[] = {
        {{base, EG_TIME_NEVER, base + 32767 * 250}, 3}, {{base, EG_TIME_NEVER, base + 32768 * 250}, 2},
        {{base, base - 32768 * 250, base}, 2},          {{base, base - 32767 * 250, base}, 3},
        {{base, base - 32769 * 250, base}, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[64];
        struct eg_writer writer = eg__writer(bytes, sizeof bytes);
        const struct eg_transport_report report = {.count = 3, .arrivals = rows[i].arrivals};
        CHECK_ROW(eg__transport_feedback_write(&writer, &report) == rows[i].count, i);
        CHECK_ROW(!writer.failed && bytes[15] == rows[i].count, i);
    }
}

static uint32_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

// Arrivals as links have them: mostly steady, with runs of losses, pauses and packets that overtake others.
static void make_arrivals(uint64_t *random, eg_time *arrivals, uint16_t count) {
    eg_time at = 20 * (eg_time)EG_SECOND + next_random(random);
    uint32_t loss_percent = next_random(random) % 3 * 40, lost = 0;
    eg_time before = at;
    for (uint16_t i = 0; i < count; i++) {
        uint32_t kind = next_random(random) % 32;
        if (kind == 0) at += next_random(random) % (8 * EG_SECOND);
        if (kind == 1 && at == before) at -= next_random(random) % EG_SECOND;
        if (kind == 2 && loss_percent > 0) lost = next_random(random) % 60;
        at += next_random(random) % 4000;
        bool is_lost = lost > 0 || next_random(random) % 100 < loss_percent;
        if (lost > 0) lost--;
        if (at > before + 8 * EG_SECOND) at = before + 8 * EG_SECOND; // as far as one report can tell
        if (!is_lost) before = at;
        arrivals[i] = is_lost ? EG_TIME_NEVER : at;
    }
}

static void check_round_trip(struct eg_check *check, const struct eg_transport_report *report, uint8_t *bytes, uint64_t seed) {
    struct eg_rtcp_feedback feedback;
    struct eg_transport_feedback transport;
    struct eg_transport_status status;
    size_t size = write_and_find(report, bytes, &feedback);
    REQUIRE(size > 0);
    REQUIRE(eg__transport_feedback_parse(&transport, &feedback));
    CHECK_EQUAL(transport.base, report->base);
    CHECK_EQUAL(transport.count, report->count);
    CHECK_EQUAL(transport.feedback_count, report->feedback_count);
    uint32_t told = 0;
    bool was_lost = false;
    while (eg__transport_feedback_next(&transport, &status)) {
        CHECK_ROW(status.number == (uint16_t)(report->base + told) && status.run > 0, seed);
        CHECK_ROW(!was_lost || status.arrived, seed); // losses that follow each other are one status
        was_lost = !status.arrived;
        for (uint16_t i = 0; i < status.run; i++, told++) {
            eg_time arrival = report->arrivals[told];
            CHECK_ROW(status.arrived == (arrival != EG_TIME_NEVER), seed);
            if (status.arrived) CHECK_ROW(status.at == (int64_t)(arrival / 250 * 250), seed);
        }
    }
    CHECK_EQUAL(told, report->count);
}

static void reads_back_what_it_writes(struct eg_check *check) {
    eg_time *arrivals = calloc(PACKETS_MAX, sizeof *arrivals);
    uint8_t *bytes = malloc(BLOCK_SIZE_MAX);
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        uint64_t random = seed;
        uint32_t spread = seed % 50 == 0 ? PACKETS_MAX : 300;
        struct eg_transport_report report = {.sender_ssrc = 1, .arrivals = arrivals, .feedback_count = (uint8_t)seed};
        report.base = (uint16_t)next_random(&random);
        report.count = (uint16_t)(1 + next_random(&random) % spread);
        make_arrivals(&random, arrivals, report.count);
        check_round_trip(check, &report, bytes, seed);
    }
    for (uint32_t i = 0; i < PACKETS_MAX; i++) arrivals[i] = EG_TIME_NEVER;
    struct eg_transport_report nothing = {.base = 1, .count = PACKETS_MAX, .arrivals = arrivals};
    check_round_trip(check, &nothing, bytes, 0);
    free(bytes);
    free(arrivals);
}

// What a report of one status of each kind costs: no walk is longer than its bytes allow.
static void losses_that_follow_each_other_cost_one_step(struct eg_check *check) {
    uint8_t bytes[64];
    size_t size = eg_hex("0001 ffff 000000 00 1fff 1fff 1fff 1fff 1fff 1fff 1fff 1fff 2007 00 00 00 00 00 00 00", bytes, sizeof bytes);
    struct eg_transport_feedback transport;
    struct eg_transport_status status;
    REQUIRE(eg__transport_feedback_parse(&transport, &(struct eg_rtcp_feedback){.fci = bytes, .fci_size = size}));
    unsigned steps = 0;
    while (eg__transport_feedback_next(&transport, &status)) steps++;
    CHECK_EQUAL(steps, 8);
}

static void reads_a_remb(struct eg_check *check) {
    static const struct {
        const char *fci;
        bool is_read;
        uint64_t bit_rate;
        size_t ssrcs;
    } rows[] = {
        {"52454d42 00 000000", true, 0, 0},
        {"52454d42 01 00ffff 12345678", true, 65535, 1},
        {"52454d42 02 0bffff 12345678 9abcdef0", true, 262143ull << 2, 2},
        {"52454d42 00 bbffff", true, 262143ull << 46, 0},
        {"52454d42 00 bfffff", true, UINT64_MAX, 0}, // 2^47 * 262,143 is more than 64 bits hold
        {"52454d42 00 fc0001", true, 1ull << 63, 0},
        {"52454d42 00 fc0002", true, UINT64_MAX, 0},
        {"52454d42 00 fc0000", true, 0, 0},
        {"52454d42 01 00ffff 12345678 9abcdef0", true, 65535, 1}, // more than it says
        {"52454d42 02 00ffff 12345678", false, 0, 0},
        {"52454d42 ff 00ffff 12345678", false, 0, 0},
        {"52454d43 00 000000", false, 0, 0},
        {"52454d42 00 0000", false, 0, 0},
        {"", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[32];
        size_t size = eg_hex(rows[i].fci, bytes, sizeof bytes), ssrcs = 0;
        uint8_t *fci = exact_copy(bytes, size);
        struct eg_remb remb;
        uint32_t ssrc;
        CHECK_ROW(eg__remb_parse(&remb, &(struct eg_rtcp_feedback){.fci = fci, .fci_size = size}) == rows[i].is_read, i);
        if (rows[i].is_read) {
            CHECK_ROW(remb.bit_rate == rows[i].bit_rate, i);
            while (eg__remb_ssrc(&remb, ssrcs, &ssrc)) CHECK_ROW(ssrc == (ssrcs++ == 0 ? 0x12345678 : 0x9abcdef0), i);
            CHECK_ROW(ssrcs == rows[i].ssrcs, i);
            CHECK_ROW(!eg__remb_ssrc(&remb, SIZE_MAX, &ssrc), i);
        }
        free(fci);
    }
}

static void reads_back_the_remb_it_writes(struct eg_check *check) {
    static const struct {
        uint64_t bit_rate, expected;
    } rows[] = {
        {0, 0}, {1, 1}, {262143, 262143}, {262144, 262144}, {262145, 262144}, {4500000, 4500000}, {4500001, 4500000}, {UINT64_MAX, 262143ull << 46},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[24];
        struct eg_writer writer = eg__writer(bytes, sizeof bytes);
        eg__remb_write(&writer, 1, 0x12345678, rows[i].bit_rate);
        REQUIRE(!writer.failed && writer.at == sizeof bytes);
        struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, sizeof bytes);
        struct eg_rtcp block;
        struct eg_rtcp_feedback feedback;
        struct eg_remb remb;
        uint32_t ssrc;
        REQUIRE(eg__rtcp_next(&iterator, &block) && block.type == EG_RTCP_PSFB && block.count == EG_RTCP_FORMAT_ALFB);
        REQUIRE(eg__rtcp_parse_feedback(&feedback, &block));
        CHECK_ROW(feedback.sender_ssrc == 1 && feedback.media_ssrc == 0, i);
        REQUIRE(eg__remb_parse(&remb, &feedback));
        CHECK_ROW(remb.bit_rate == rows[i].expected, i);
        CHECK_ROW(eg__remb_ssrc(&remb, 0, &ssrc) && ssrc == 0x12345678, i);
        CHECK_ROW(!eg__remb_ssrc(&remb, 1, &ssrc), i);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(reads_every_kind_of_chunk),
    EG_TEST(refuses_what_can_not_be),
    EG_TEST(refuses_a_report_wherever_it_is_cut),
    EG_TEST(writes_reports_byte_by_byte),
    EG_TEST(a_packet_too_far_from_the_one_before_begins_another_report),
    EG_TEST(reads_back_what_it_writes),
    EG_TEST(losses_that_follow_each_other_cost_one_step),
    EG_TEST(reads_a_remb),
    EG_TEST(reads_back_the_remb_it_writes),
};

EG_TEST_SUITE(transport_feedback, tests);
