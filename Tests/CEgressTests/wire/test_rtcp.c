#include "support/check.h"
#include "wire/rtcp.h"

#include <stdlib.h>
#include <string.h>

// A copy that ends where its allocation ends, so that a sanitizer sees the first byte read past it. To be freed.
static uint8_t *exact_copy(const uint8_t *bytes, size_t size) { return memcpy(malloc(size), bytes, size); }

// An SR with one report, an SDES with a CNAME, and a BYE, as one compound packet.
static const uint8_t compound[] = {
    0x81, 0xc8, 0x00, 0x0c, 0x11, 0x22, 0x33, 0x44,                         // SR of 11223344
    0xe6, 0x5a, 0x1b, 0x2c, 0x80, 0x00, 0x00, 0x01,                         // NTP time
    0x00, 0x01, 0x5f, 0x90, 0x00, 0x00, 0x03, 0xe8, 0x00, 0x12, 0xd6, 0x87, // RTP time, packets, octets
    0x55, 0x66, 0x77, 0x88, 0x40, 0xff, 0xff, 0xfe, 0x00, 0x01, 0x80, 0x00, // report on 55667788
    0x00, 0x00, 0x00, 0x2a, 0x1b, 0x2c, 0x80, 0x00, 0x00, 0x01, 0x00, 0x00, // jitter, LSR, DLSR
    0x81, 0xca, 0x00, 0x03, 0x11, 0x22, 0x33, 0x44, 0x01, 0x03, 'a',  'b',  // SDES
    'c',  0x00, 0x00, 0x00,
    0x81, 0xcb, 0x00, 0x01, 0x11, 0x22, 0x33, 0x44, // BYE
};

static void walks_a_compound_packet_block_by_block(struct eg_check *check) {
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(compound, sizeof compound);
    struct eg_rtcp block;
    REQUIRE(eg__rtcp_next(&iterator, &block));
    CHECK_EQUAL(block.type, EG_RTCP_SR);
    CHECK_EQUAL(block.count, 1);
    CHECK(block.body == compound + 4);
    CHECK_EQUAL(block.body_size, 48);
    REQUIRE(eg__rtcp_next(&iterator, &block));
    CHECK_EQUAL(block.type, EG_RTCP_SDES);
    CHECK_EQUAL(block.body_size, 12);
    REQUIRE(eg__rtcp_next(&iterator, &block));
    CHECK_EQUAL(block.type, EG_RTCP_BYE);
    CHECK(block.body + block.body_size == compound + sizeof compound);
    CHECK(!eg__rtcp_next(&iterator, &block));
    CHECK(!iterator.malformed);
}

static void reads_what_a_sender_report_says(struct eg_check *check) {
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(compound, sizeof compound);
    struct eg_rtcp block;
    struct eg_sender_info info;
    struct eg_report_block report;
    REQUIRE(eg__rtcp_next(&iterator, &block));
    REQUIRE(eg__rtcp_parse_sender_info(&info, &block));
    CHECK_EQUAL(info.ssrc, 0x11223344);
    CHECK_EQUAL(info.ntp, 0xe65a1b2c80000001);
    CHECK_EQUAL(info.rtp_timestamp, 90000);
    CHECK_EQUAL(info.packet_count, 1000);
    CHECK_EQUAL(info.octet_count, 1234567);
    REQUIRE(eg__rtcp_parse_report(&report, &block, 0));
    CHECK_EQUAL(report.ssrc, 0x55667788);
    CHECK_EQUAL(report.fraction_lost, 64);
    CHECK_EQUAL(report.cumulative_lost, -2);
    CHECK_EQUAL(report.highest_sequence, 0x00018000);
    CHECK_EQUAL(report.jitter, 42);
    CHECK_EQUAL(report.last_sr, 0x1b2c8000);
    CHECK_EQUAL(report.delay_since_last_sr, 65536);
    CHECK(!eg__rtcp_parse_report(&report, &block, 1));
    CHECK(!eg__rtcp_parse_report(&report, &block, SIZE_MAX));
}

static void a_report_is_there_only_if_both_count_and_size_say_so(struct eg_check *check) {
    uint8_t body[4 + 2 * 24] = {0};
    struct eg_report_block report;
    struct row {
        uint8_t count;
        size_t body_size;
        size_t reports;
    };
    const struct row rows[] = {
        {0, 52, 0}, {1, 52, 1}, {2, 52, 2}, {31, 52, 2}, {2, 51, 1}, {2, 28, 1}, {2, 27, 0}, {1, 4, 0}, {1, 3, 0}, {1, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_rtcp block = {.type = EG_RTCP_RR, .count = rows[i].count, .body = body, .body_size = rows[i].body_size};
        size_t reports = 0;
        while (eg__rtcp_parse_report(&report, &block, reports)) reports++;
        CHECK_ROW(reports == rows[i].reports, i);
    }
}

static void reads_the_loss_as_a_signed_24_bit_number(struct eg_check *check) {
    struct row {
        uint8_t bytes[3];
        int32_t lost;
    };
    const struct row rows[] = {
        {{0x00, 0x00, 0x00}, 0},        {{0x00, 0x00, 0x01}, 1},  {{0x7f, 0xff, 0xff}, 8388607},
        {{0x80, 0x00, 0x00}, -8388608}, {{0xff, 0xff, 0xff}, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t body[28] = {0};
        memcpy(body + 9, rows[i].bytes, 3);
        struct eg_rtcp block = {.type = EG_RTCP_RR, .count = 1, .body = body, .body_size = sizeof body};
        struct eg_report_block report;
        REQUIRE(eg__rtcp_parse_report(&report, &block, 0));
        CHECK_ROW(report.cumulative_lost == rows[i].lost, i);
    }
}

static void ends_malformed_wherever_a_compound_packet_is_cut(struct eg_check *check) {
    for (size_t size = 0; size < sizeof compound; size++) {
        uint8_t *cut = exact_copy(compound, size);
        struct eg_rtcp_iterator iterator = eg__rtcp_iterator(cut, size);
        struct eg_rtcp block;
        while (eg__rtcp_next(&iterator, &block)) continue;
        bool is_between_blocks = size == 0 || size == 52 || size == 68;
        CHECK_ROW(iterator.malformed == !is_between_blocks, size);
        CHECK_ROW(!eg__rtcp_next(&iterator, &block), size);
        free(cut);
    }
}

static void ends_malformed_at_a_wrong_version(struct eg_check *check) {
    for (unsigned version = 0; version < 4; version++) {
        uint8_t bytes[8] = {(uint8_t)(version << 6), EG_RTCP_RR, 0, 1};
        struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, sizeof bytes);
        struct eg_rtcp block;
        CHECK_ROW(eg__rtcp_next(&iterator, &block) == (version == 2), version);
        CHECK_ROW(iterator.malformed == (version != 2), version);
    }
}

static void gives_the_blocks_before_a_malformed_one(struct eg_check *check) {
    const uint8_t bytes[] = {0x80, EG_RTCP_RR, 0, 1, 0, 0, 0, 1, 0x80, EG_RTCP_RR, 0, 9, 0, 0, 0, 1};
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, sizeof bytes);
    struct eg_rtcp block;
    CHECK(eg__rtcp_next(&iterator, &block));
    CHECK(!iterator.malformed);
    CHECK(!eg__rtcp_next(&iterator, &block));
    CHECK(iterator.malformed);
}

static void takes_padding_off_in_whole_words(struct eg_check *check) {
    for (unsigned padding = 0; padding <= 255; padding++) {
        uint8_t bytes[4 + 12] = {0xa0, EG_RTCP_RR, 0, 3};
        bytes[sizeof bytes - 1] = (uint8_t)padding;
        struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, sizeof bytes);
        struct eg_rtcp block;
        bool is_right = padding == 4 || padding == 8 || padding == 12;
        CHECK_ROW(eg__rtcp_next(&iterator, &block) == is_right, padding);
        CHECK_ROW(iterator.malformed == !is_right, padding);
        CHECK_ROW(!is_right || block.body_size == 12 - padding, padding);
    }
    const uint8_t no_body[4] = {0xa0, EG_RTCP_RR, 0, 0};
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(no_body, sizeof no_body);
    struct eg_rtcp block;
    CHECK(!eg__rtcp_next(&iterator, &block));
    CHECK(iterator.malformed);
}

static void takes_any_padding_off_transport_wide_feedback(struct eg_check *check) {
    for (unsigned padding = 0; padding <= 255; padding++) {
        uint8_t bytes[4 + 20] = {0xa0 | EG_RTCP_FORMAT_TRANSPORT_CC, EG_RTCP_RTPFB, 0, 5};
        bytes[sizeof bytes - 1] = (uint8_t)padding;
        struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, sizeof bytes);
        struct eg_rtcp block;
        bool is_right = padding >= 1 && padding <= 20;
        CHECK_ROW(eg__rtcp_next(&iterator, &block) == is_right, padding);
        CHECK_ROW(!is_right || block.body_size == 20 - padding, padding);
        bytes[0] = 0xa0 | EG_RTCP_FORMAT_NACK;
        iterator = eg__rtcp_iterator(bytes, sizeof bytes);
        CHECK_ROW(eg__rtcp_next(&iterator, &block) == (is_right && padding % 4 == 0), padding);
    }
}

// RFC 5506: feedback may come alone.
static void reads_nacks_of_a_reduced_size_packet(struct eg_check *check) {
    const uint8_t bytes[] = {
        0x81, 0xcd, 0x00, 0x04, 0x00, 0x00, 0x00, 0x01, 0x12, 0x34, 0x56, 0x78, 0xff, 0xfe, 0x80, 0x01, 0x00, 0x14, 0x00, 0x00,
    };
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, sizeof bytes);
    struct eg_rtcp block;
    struct eg_rtcp_feedback feedback;
    struct eg_rtcp_nack nack;
    REQUIRE(eg__rtcp_next(&iterator, &block));
    CHECK_EQUAL(block.type, EG_RTCP_RTPFB);
    CHECK_EQUAL(block.count, EG_RTCP_FORMAT_NACK);
    REQUIRE(eg__rtcp_parse_feedback(&feedback, &block));
    CHECK_EQUAL(feedback.sender_ssrc, 1);
    CHECK_EQUAL(feedback.media_ssrc, 0x12345678);
    CHECK_EQUAL(feedback.fci_size, 8);
    REQUIRE(eg__rtcp_parse_nack(&nack, &feedback, 0));
    CHECK_EQUAL(nack.packet_id, 0xfffe);
    CHECK_EQUAL(nack.bitmask, 0x8001);
    REQUIRE(eg__rtcp_parse_nack(&nack, &feedback, 1));
    CHECK_EQUAL(nack.packet_id, 20);
    CHECK_EQUAL(nack.bitmask, 0);
    CHECK(!eg__rtcp_parse_nack(&nack, &feedback, 2));
    CHECK(!eg__rtcp_parse_nack(&nack, &feedback, SIZE_MAX / 4 + 1));
    feedback.fci_size = 7;
    CHECK(!eg__rtcp_parse_nack(&nack, &feedback, 1));
    feedback.fci_size = 3;
    CHECK(!eg__rtcp_parse_nack(&nack, &feedback, 0));
}

static void reads_the_entries_of_a_fir(struct eg_check *check) {
    const uint8_t fci[16] = {0x12, 0x34, 0x56, 0x78, 7, 0, 0, 0, 0x9a, 0xbc, 0xde, 0xf0, 255, 0, 0, 0};
    struct eg_rtcp_feedback feedback = {.fci = fci, .fci_size = sizeof fci};
    struct eg_rtcp_fir fir;
    REQUIRE(eg__rtcp_parse_fir(&fir, &feedback, 0));
    CHECK_EQUAL(fir.ssrc, 0x12345678);
    CHECK_EQUAL(fir.sequence, 7);
    REQUIRE(eg__rtcp_parse_fir(&fir, &feedback, 1));
    CHECK_EQUAL(fir.ssrc, 0x9abcdef0);
    CHECK_EQUAL(fir.sequence, 255);
    CHECK(!eg__rtcp_parse_fir(&fir, &feedback, 2));
    feedback.fci_size = 15;
    CHECK(!eg__rtcp_parse_fir(&fir, &feedback, 1));
}

static void finds_no_feedback_in_a_short_block_or_another(struct eg_check *check) {
    const uint8_t body[8] = {0};
    struct eg_rtcp_feedback feedback;
    for (size_t size = 0; size <= sizeof body; size++) {
        struct eg_rtcp block = {.type = EG_RTCP_PSFB, .count = EG_RTCP_FORMAT_PLI, .body = body, .body_size = size};
        CHECK_ROW(eg__rtcp_parse_feedback(&feedback, &block) == (size == 8), size);
    }
    CHECK_EQUAL(feedback.fci_size, 0);
    struct eg_rtcp report = {.type = EG_RTCP_RR, .body = body, .body_size = sizeof body};
    CHECK(!eg__rtcp_parse_feedback(&feedback, &report));
}

static void reads_the_sources_of_a_bye_up_to_its_reason(struct eg_check *check) {
    const uint8_t body[] = {0, 0, 0, 1, 0, 0, 0, 2, 3, 'e', 'n', 'd'};
    struct eg_rtcp block = {.type = EG_RTCP_BYE, .count = 2, .body = body, .body_size = sizeof body};
    uint32_t ssrc;
    REQUIRE(eg__rtcp_parse_bye(&block, 0, &ssrc));
    CHECK_EQUAL(ssrc, 1);
    REQUIRE(eg__rtcp_parse_bye(&block, 1, &ssrc));
    CHECK_EQUAL(ssrc, 2);
    CHECK(!eg__rtcp_parse_bye(&block, 2, &ssrc));
    block.body_size = 7;
    CHECK(!eg__rtcp_parse_bye(&block, 1, &ssrc));
    block.count = 0;
    CHECK(!eg__rtcp_parse_bye(&block, 0, &ssrc));
}

static void finds_nothing_in_blocks_of_another_type(struct eg_check *check) {
    const uint8_t body[64] = {0};
    struct eg_rtcp block = {.type = EG_RTCP_SDES, .count = 31, .body = body, .body_size = sizeof body};
    struct eg_sender_info info;
    struct eg_report_block report;
    uint32_t ssrc;
    CHECK(!eg__rtcp_parse_sender_info(&info, &block));
    CHECK(!eg__rtcp_parse_report(&report, &block, 0));
    CHECK(!eg__rtcp_parse_bye(&block, 0, &ssrc));
    block.type = EG_RTCP_SR;
    block.body_size = 23;
    CHECK(!eg__rtcp_parse_sender_info(&info, &block));
    CHECK(!eg__rtcp_parse_report(&report, &block, 0));
}

static void writes_the_blocks_of_the_rfc_byte_by_byte(struct eg_check *check) {
    const uint8_t expected[] = {
        0x80, 0xc8, 0x00, 0x06, 0x11, 0x22, 0x33, 0x44, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x00, 0x00, 0x00, 0x09,
        0x00, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x0b,                                                 // SR
        0x80, 0xc9, 0x00, 0x01, 0x11, 0x22, 0x33, 0x44,                                                 // RR
        0x81, 0xcb, 0x00, 0x01, 0x11, 0x22, 0x33, 0x44,                                                 // BYE
        0x81, 0xcd, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02, 0xab, 0xcd, 0x80, 0x00, // NACK
        0x81, 0xce, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02,                         // PLI
    };
    const struct eg_sender_info info = {
        .ssrc = 0x11223344, .ntp = 0x0102030405060708, .rtp_timestamp = 9, .packet_count = 10, .octet_count = 11,
    };
    uint8_t bytes[sizeof expected];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__rtcp_write_sender_report(&writer, &info);
    eg__rtcp_write_receiver_report(&writer, 0x11223344);
    eg__rtcp_write_bye(&writer, 0x11223344);
    eg__rtcp_write_nack(&writer, 1, 2, &(struct eg_rtcp_nack){.packet_id = 0xabcd, .bitmask = 0x8000});
    eg__rtcp_write_pli(&writer, 1, 2);
    CHECK(!writer.failed);
    CHECK_EQUAL(writer.at, sizeof expected);
    CHECK_BYTES(bytes, expected, sizeof expected);
}

static void ends_every_cname_with_a_zero_on_a_word(struct eg_check *check) {
    for (size_t text_size = 0; text_size <= 255; text_size++) {
        char cname[256] = {0};
        memset(cname, 'n', text_size);
        uint8_t bytes[300];
        memset(bytes, 0xff, sizeof bytes);
        struct eg_writer writer = eg__writer(bytes, sizeof bytes);
        eg__rtcp_write_cname(&writer, 5, cname);
        REQUIRE(!writer.failed);
        struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, writer.at);
        struct eg_rtcp block;
        REQUIRE(eg__rtcp_next(&iterator, &block));
        CHECK_ROW(block.type == EG_RTCP_SDES && block.count == 1, text_size);
        CHECK_ROW(block.body[4] == 1 && block.body[5] == text_size, text_size);
        CHECK_ROW(memcmp(block.body + 6, cname, text_size) == 0, text_size);
        size_t zeros = block.body_size - 6 - text_size;
        CHECK_ROW(zeros >= 1 && zeros <= 4, text_size);
        for (size_t i = block.body_size - zeros; i < block.body_size; i++) CHECK_ROW(block.body[i] == 0, text_size);
        CHECK_ROW(!eg__rtcp_next(&iterator, &block) && !iterator.malformed, text_size);
    }
}

static void reports_that_a_block_does_not_fit(struct eg_check *check) {
    const struct eg_sender_info info = {0};
    uint8_t bytes[28];
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct eg_writer writer = eg__writer(bytes, size);
        eg__rtcp_write_sender_report(&writer, &info);
        CHECK_ROW(writer.failed == (size < 28), size);
    }
}

// The example of RFC 3550 §6.4.1, figure 2: a round trip of 6.125 s.
static void computes_the_round_trip_of_the_rfc(struct eg_check *check) {
    const struct eg_report_block report = {.last_sr = 0xb7052000, .delay_since_last_sr = 0x00054000};
    CHECK_EQUAL(eg__rtcp_round_trip(&report, 0xb44db71080000000), 6125000);
}

static void says_nothing_of_a_round_trip_that_can_not_be(struct eg_check *check) {
    struct row {
        uint32_t last_sr, delay, now;
        uint32_t expected;
    };
    const struct row rows[] = {
        {0, 5, 0x00010000, 0},                    // no SR was received
        {0x00010000, 0, 0x00010000, 0},           // no time has passed
        {0x00010000, 0, 0x00010001, 15},          // one unit
        {0x00010000, 0x00010000, 0x00010fff, 0},  // held for longer than it took
        {0xffff0000, 0x00008000, 0x00008000, EG_SECOND}, // across the wrap
        {0x00010000, 0, 0x10010000, 4096u * EG_SECOND},
        {0x00010000, 0, 0x20010000, 0},           // more than an hour
        {0x00010000, 0, 0x80010000, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct eg_report_block report = {.last_sr = rows[i].last_sr, .delay_since_last_sr = rows[i].delay};
        CHECK_ROW(eg__rtcp_round_trip(&report, (uint64_t)rows[i].now << 16) == rows[i].expected, i);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(walks_a_compound_packet_block_by_block),
    EG_TEST(reads_what_a_sender_report_says),
    EG_TEST(a_report_is_there_only_if_both_count_and_size_say_so),
    EG_TEST(reads_the_loss_as_a_signed_24_bit_number),
    EG_TEST(ends_malformed_wherever_a_compound_packet_is_cut),
    EG_TEST(ends_malformed_at_a_wrong_version),
    EG_TEST(gives_the_blocks_before_a_malformed_one),
    EG_TEST(takes_padding_off_in_whole_words),
    EG_TEST(takes_any_padding_off_transport_wide_feedback),
    EG_TEST(reads_nacks_of_a_reduced_size_packet),
    EG_TEST(reads_the_entries_of_a_fir),
    EG_TEST(finds_no_feedback_in_a_short_block_or_another),
    EG_TEST(reads_the_sources_of_a_bye_up_to_its_reason),
    EG_TEST(finds_nothing_in_blocks_of_another_type),
    EG_TEST(writes_the_blocks_of_the_rfc_byte_by_byte),
    EG_TEST(ends_every_cname_with_a_zero_on_a_word),
    EG_TEST(reports_that_a_block_does_not_fit),
    EG_TEST(computes_the_round_trip_of_the_rfc),
    EG_TEST(says_nothing_of_a_round_trip_that_can_not_be),
};

EG_TEST_SUITE(rtcp, tests);
