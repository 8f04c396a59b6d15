#include "support/check.h"
#include "wire/demux.h"
#include "wire/rtp.h"

#include <stdlib.h>
#include <string.h>

// A copy that ends where its allocation ends, so that a sanitizer sees the first byte read past it. To be freed.
static uint8_t *exact_copy(const uint8_t *bytes, size_t size) { return memcpy(malloc(size), bytes, size); }

// Two CSRCs, an extension of two words under the one-byte profile of RFC 8285, five bytes of payload, three of padding.
static const uint8_t everything[] = {
    0xb2, 0xe0, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0xca, 0xfe, 0xba, 0xbe, // header
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02,                         // CSRCs
    0xbe, 0xde, 0x00, 0x02, 0x10, 0xaa, 0x21, 0xbb, 0xbb, 0x00, 0x00, 0x00, // extension
    0x01, 0x02, 0x03, 0x04, 0x05,                                           // payload
    0x00, 0x00, 0x03,                                                       // padding
};

static void reads_a_packet_that_has_everything(struct eg_check *check) {
    struct eg_rtp rtp;
    REQUIRE(eg__rtp_parse(&rtp, everything, sizeof everything));
    CHECK(rtp.marker);
    CHECK_EQUAL(rtp.payload_type, 96);
    CHECK_EQUAL(rtp.sequence, 0x1234);
    CHECK_EQUAL(rtp.timestamp, 0xdeadbeef);
    CHECK_EQUAL(rtp.ssrc, 0xcafebabe);
    CHECK_EQUAL(rtp.csrc_count, 2);
    CHECK(rtp.csrcs == everything + 12);
    CHECK_EQUAL(rtp.extension_profile, 0xbede);
    CHECK(rtp.extension == everything + 24);
    CHECK_EQUAL(rtp.extension_size, 8);
    CHECK(rtp.payload == everything + 32);
    CHECK_EQUAL(rtp.payload_size, 5);
    CHECK_EQUAL(rtp.padding_size, 3);
}

static void reads_a_packet_that_is_nothing_but_its_header(struct eg_check *check) {
    const uint8_t bytes[12] = {0x80, 0x60, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 2};
    struct eg_rtp rtp;
    REQUIRE(eg__rtp_parse(&rtp, bytes, sizeof bytes));
    CHECK(!rtp.marker);
    CHECK_EQUAL(rtp.payload_type, 96);
    CHECK_EQUAL(rtp.sequence, 0xffff);
    CHECK_EQUAL(rtp.csrc_count, 0);
    CHECK(rtp.extension == NULL);
    CHECK_EQUAL(rtp.extension_size, 0);
    CHECK_EQUAL(rtp.payload_size, 0);
    CHECK_EQUAL(rtp.padding_size, 0);
}

static void knows_an_extension_of_no_words_from_none(struct eg_check *check) {
    const uint8_t bytes[16] = {0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0x00, 0x00};
    struct eg_rtp rtp;
    REQUIRE(eg__rtp_parse(&rtp, bytes, sizeof bytes));
    CHECK(rtp.extension == bytes + 16);
    CHECK_EQUAL(rtp.extension_size, 0);
    CHECK_EQUAL(rtp.payload_size, 0);
}

static void steps_over_as_many_csrcs_as_there_can_be(struct eg_check *check) {
    for (unsigned count = 0; count < 16; count++) {
        uint8_t bytes[12 + 15 * 4] = {(uint8_t)(0x80 | count)};
        struct eg_rtp rtp;
        REQUIRE(eg__rtp_parse(&rtp, bytes, sizeof bytes));
        CHECK_ROW(rtp.csrc_count == count, count);
        CHECK_ROW(rtp.payload == bytes + 12 + count * 4, count);
        CHECK_ROW(eg__rtp_parse(&rtp, bytes, 12 + count * 4), count);
        CHECK_ROW(!eg__rtp_parse(&rtp, bytes, 11 + count * 4), count);
    }
}

static void rejects_a_packet_cut_before_its_payload(struct eg_check *check) {
    for (size_t size = 0; size < sizeof everything; size++) {
        uint8_t *cut = exact_copy(everything, size);
        if (size > 0) cut[0] &= 0xdf; // without padding: a shorter payload is as good as a longer one
        struct eg_rtp rtp;
        CHECK_ROW(eg__rtp_parse(&rtp, cut, size) == (size >= 32), size);
        free(cut);
    }
}

static void rejects_every_version_but_two(struct eg_check *check) {
    for (unsigned version = 0; version < 4; version++) {
        uint8_t bytes[12] = {(uint8_t)(version << 6)};
        struct eg_rtp rtp;
        CHECK_ROW(eg__rtp_parse(&rtp, bytes, sizeof bytes) == (version == 2), version);
    }
}

static void takes_padding_of_one_byte_up_to_the_whole_payload(struct eg_check *check) {
    for (unsigned padding = 0; padding <= 255; padding++) {
        uint8_t bytes[12 + 10] = {0xa0};
        bytes[sizeof bytes - 1] = (uint8_t)padding;
        struct eg_rtp rtp;
        bool is_parsed = eg__rtp_parse(&rtp, bytes, sizeof bytes);
        CHECK_ROW(is_parsed == (padding >= 1 && padding <= 10), padding);
        if (!is_parsed) continue;
        CHECK_ROW(rtp.padding_size == padding, padding);
        CHECK_ROW(rtp.payload_size == 10 - padding, padding);
    }
}

static void rejects_padding_without_a_byte_to_count_it(struct eg_check *check) {
    // The last byte of the SSRC, and of an extension, looks like a count but is none.
    const uint8_t header_only[12] = {0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    const uint8_t extension_only[20] = {0xb0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0, 0, 0, 1};
    struct eg_rtp rtp;
    CHECK(!eg__rtp_parse(&rtp, header_only, sizeof header_only));
    CHECK(!eg__rtp_parse(&rtp, extension_only, sizeof extension_only));
}

static void rejects_an_extension_longer_than_the_packet(struct eg_check *check) {
    uint8_t bytes[24] = {0x90, [12] = 0xbe, 0xde, 0x00, 0x02};
    struct eg_rtp rtp;
    CHECK(eg__rtp_parse(&rtp, bytes, sizeof bytes));
    bytes[15] = 3;
    CHECK(!eg__rtp_parse(&rtp, bytes, sizeof bytes));
    bytes[14] = bytes[15] = 0xff;
    CHECK(!eg__rtp_parse(&rtp, bytes, sizeof bytes));
}

static void reads_back_the_header_it_writes(struct eg_check *check) {
    const uint8_t expected[12] = {0x80, 0xe6, 0xab, 0xcd, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
    uint8_t bytes[EG_RTP_HEADER_SIZE];
    eg__rtp_write_header(bytes, true, 102, 0xabcd, 0x01020304, 0x05060708);
    CHECK_BYTES(bytes, expected, sizeof expected);
    struct eg_rtp rtp;
    REQUIRE(eg__rtp_parse(&rtp, bytes, sizeof bytes));
    CHECK(rtp.marker);
    CHECK_EQUAL(rtp.payload_type, 102);
    eg__rtp_write_header(bytes, false, 127, 0, 0, 0);
    CHECK_EQUAL(bytes[1], 127);
}

static void writes_a_transport_wide_number_as_rfc_8285_4_2_says(struct eg_check *check) {
    const uint8_t expected[] = {0xbe, 0xde, 0x00, 0x01, 0x31, 0xab, 0xcd, 0x00};
    uint8_t bytes[EG_RTP_HEADER_SIZE + EG_RTP_TRANSPORT_NUMBER_SIZE + 3] = {0};
    struct eg_rtp rtp;
    uint16_t number = 0;
    eg__rtp_write_header(bytes, true, 102, 1, 2, 3);
    eg__rtp_set_extension(bytes);
    eg__rtp_write_transport_number(bytes + EG_RTP_HEADER_SIZE, 3, 0xabcd);
    CHECK_EQUAL(bytes[0], 0x90);
    CHECK_BYTES(bytes + EG_RTP_HEADER_SIZE, expected, sizeof expected);
    REQUIRE(eg__rtp_parse(&rtp, bytes, sizeof bytes));
    CHECK_EQUAL(rtp.payload_size, 3);
    for (uint8_t id = 1; id <= 14; id++) {
        eg__rtp_write_transport_number(bytes + EG_RTP_HEADER_SIZE, id, (uint16_t)(0xfff0 + id));
        for (uint8_t other = 0; other <= 15; other++)
            CHECK_ROW(eg__rtp_find_transport_number(&rtp, other, &number) == (other == id), id);
        CHECK_ROW(number == 0xfff0 + id, id);
    }
}

static void finds_a_transport_wide_number_among_other_elements(struct eg_check *check) {
    static const struct {
        uint16_t profile;
        const char *extension;
        bool is_found;
    } rows[] = {
        {0xbede, "51 1234", true},
        {0xbede, "00 00 51 1234", true},
        {0xbede, "10 aa 2f 000102030405060708090a0b0c0d0e0f 51 1234", true},
        {0xbede, "53 00000000 51 1234", true}, // the first is of another size
        {0xbede, "51 1234 51 4321", true},
        {0x1000, "51 1234", false}, // elements with headers of two bytes
        {0xbede, "", false},
        {0xbede, "51 12", false},
        {0xbede, "51", false},
        {0xbede, "2f 00 51 1234", false}, // lies in another, which is cut
        {0xbede, "f0 00 51 1234", false}, // 15 ends the walk
        {0xbede, "01 0000 51 1234", false}, // padding that has a size does, too
        {0xbede, "50 12", false},
        {0xbede, "52 123456", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[32];
        size_t size = eg_hex(rows[i].extension, bytes, sizeof bytes);
        uint8_t *extension = malloc(size + 1); // malloc(0) may give NULL
        memcpy(extension + 1, bytes, size);
        const struct eg_rtp rtp = {.extension_profile = rows[i].profile, .extension = extension + 1, .extension_size = size};
        uint16_t number = 0;
        CHECK_ROW(eg__rtp_find_transport_number(&rtp, 5, &number) == rows[i].is_found, i);
        CHECK_ROW(!eg__rtp_find_transport_number(&rtp, 0, &number), i);
        CHECK_ROW(!rows[i].is_found || number == 0x1234, i);
        free(extension);
    }
    uint16_t number;
    CHECK(!eg__rtp_find_transport_number(&(struct eg_rtp){.extension_profile = 0xbede}, 5, &number));
}

static void measures_sequences_and_timestamps_across_their_wrap(struct eg_check *check) {
    struct row {
        uint16_t a, b;
        int distance;
    };
    const struct row rows[] = {
        {0, 0, 0}, {0, 1, 1}, {1, 0, -1}, {65535, 0, 1}, {0, 65535, -1}, {0, 32767, 32767}, {0, 32768, -32768}, {32768, 0, -32768},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_ROW(eg__sequence_distance(rows[i].a, rows[i].b) == rows[i].distance, i);
    }
    CHECK_EQUAL(eg__timestamp_distance(UINT32_MAX, 2999), 3000);
    CHECK_EQUAL(eg__timestamp_distance(2999, UINT32_MAX), -3000);
    CHECK_EQUAL(eg__timestamp_distance(0, 0x80000000), INT32_MIN);
}

// RFC 7983 §7 and RFC 5761 §4, each range at both its ends.
static void tells_datagrams_apart_by_their_first_bytes(struct eg_check *check) {
    struct row {
        uint8_t first, second;
        enum eg_datagram_kind expected;
    };
    const struct row rows[] = {
        {0, 1, EG_DATAGRAM_STUN},       {3, 0, EG_DATAGRAM_STUN},      {4, 0, EG_DATAGRAM_UNKNOWN},   {19, 0, EG_DATAGRAM_UNKNOWN},
        {20, 254, EG_DATAGRAM_DTLS},    {22, 254, EG_DATAGRAM_DTLS},   {63, 0, EG_DATAGRAM_DTLS},     {64, 0, EG_DATAGRAM_UNKNOWN},
        {79, 0, EG_DATAGRAM_UNKNOWN},   {127, 0, EG_DATAGRAM_UNKNOWN}, {128, 0, EG_DATAGRAM_RTP},     {128, 96, EG_DATAGRAM_RTP},
        {128, 191, EG_DATAGRAM_RTP},    {128, 192, EG_DATAGRAM_RTCP},  {128, 200, EG_DATAGRAM_RTCP},  {129, 206, EG_DATAGRAM_RTCP},
        {191, 223, EG_DATAGRAM_RTCP},   {191, 224, EG_DATAGRAM_RTP},   {144, 255, EG_DATAGRAM_RTP},   {192, 200, EG_DATAGRAM_UNKNOWN},
        {255, 255, EG_DATAGRAM_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint8_t bytes[2] = {rows[i].first, rows[i].second};
        CHECK_ROW(eg__demux(bytes, 2) == rows[i].expected, i);
        CHECK_ROW(eg__demux(bytes, 1) == EG_DATAGRAM_UNKNOWN, i);
        CHECK_ROW(eg__demux(bytes, 0) == EG_DATAGRAM_UNKNOWN, i);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(reads_a_packet_that_has_everything),
    EG_TEST(reads_a_packet_that_is_nothing_but_its_header),
    EG_TEST(knows_an_extension_of_no_words_from_none),
    EG_TEST(steps_over_as_many_csrcs_as_there_can_be),
    EG_TEST(rejects_a_packet_cut_before_its_payload),
    EG_TEST(rejects_every_version_but_two),
    EG_TEST(takes_padding_of_one_byte_up_to_the_whole_payload),
    EG_TEST(rejects_padding_without_a_byte_to_count_it),
    EG_TEST(rejects_an_extension_longer_than_the_packet),
    EG_TEST(reads_back_the_header_it_writes),
    EG_TEST(writes_a_transport_wide_number_as_rfc_8285_4_2_says),
    EG_TEST(finds_a_transport_wide_number_among_other_elements),
    EG_TEST(measures_sequences_and_timestamps_across_their_wrap),
    EG_TEST(tells_datagrams_apart_by_their_first_bytes),
};

EG_TEST_SUITE(rtp, tests);
