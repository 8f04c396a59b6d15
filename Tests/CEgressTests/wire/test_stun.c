#include "base/hash.h"
#include "support/check.h"
#include "wire/stun.h"

#include <stdlib.h>
#include <string.h>

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt"; // of all vectors, RFC 5769 §2
enum { PASSWORD_SIZE = sizeof password - 1 };

static const uint8_t transaction_id[12] = {0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

// RFC 5769 §2.1.
static const uint8_t request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, // header
    0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, // SOFTWARE
    0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,                                                                         // PRIORITY
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,                         // ICE-CONTROLLED
    0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, // USERNAME
    0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, // MESSAGE-INTEGRITY
    0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2,                                                 //
    0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,                                                 // FINGERPRINT
};

// RFC 5769 §2.2.
static const uint8_t response_ipv4[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, // header
    0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, // SOFTWARE
    0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,                         // XOR-MAPPED-ADDRESS
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9, // MESSAGE-INTEGRITY
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7,                                                 //
    0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,                                                 // FINGERPRINT
};

// RFC 5769 §2.3.
static const uint8_t response_ipv6[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, // header
    0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, // SOFTWARE
    0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, // XOR-MAPPED-ADDRESS
    0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,                                                 //
    0x00, 0x08, 0x00, 0x14, 0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, // MESSAGE-INTEGRITY
    0x82, 0x92, 0xc2, 0x75, 0xbf, 0xe3, 0xed, 0x41,                                                 //
    0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,                                                 // FINGERPRINT
};

struct vector {
    const uint8_t *bytes;
    size_t size;
};

static const struct vector vectors[] = {
    {request, sizeof request},
    {response_ipv4, sizeof response_ipv4},
    {response_ipv6, sizeof response_ipv6},
};

enum { VECTOR_COUNT = sizeof vectors / sizeof vectors[0] };

// A copy that ends where its allocation ends, so that a sanitizer sees the first byte read past it. To be freed.
static uint8_t *exact_copy(const uint8_t *bytes, size_t size) { return memcpy(malloc(size), bytes, size); }

static void reads_the_request_of_rfc_5769(struct eg_check *check) {
    struct eg_stun stun;
    REQUIRE(eg__stun_parse(&stun, request, sizeof request));
    CHECK_EQUAL(stun.type, EG_STUN_BINDING_REQUEST);
    CHECK(stun.transaction_id == request + 8);
    CHECK_BYTES(stun.transaction_id, transaction_id, sizeof transaction_id);
    CHECK_EQUAL(stun.username_size, 9);
    REQUIRE(stun.username != NULL);
    CHECK_BYTES(stun.username, "evtj:h6vY", 9);
    CHECK(stun.has_priority);
    CHECK_EQUAL(stun.priority, 0x6e0001ff);
    CHECK(stun.ice_controlled);
    CHECK(!stun.ice_controlling);
    CHECK(stun.tie_breaker == 0x932ff9b151263b36);
    CHECK(!stun.use_candidate);
    CHECK(!stun.has_mapped_address);
    CHECK(!stun.has_error);
    CHECK(stun.has_integrity);
    CHECK_EQUAL(stun.integrity_at, 76);
    CHECK(stun.has_fingerprint);
    CHECK_EQUAL(stun.unknown_count, 0); // SOFTWARE need not be known
}

static void reads_the_mapped_addresses_of_rfc_5769(struct eg_check *check) {
    const struct eg_addr ipv4 = eg__addr_ipv4(192, 0, 2, 1, 32853);
    const struct eg_addr ipv6 = {
        .ip = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77}, .port = 32853,
    };
    struct eg_stun stun;
    REQUIRE(eg__stun_parse(&stun, response_ipv4, sizeof response_ipv4));
    CHECK_EQUAL(stun.type, EG_STUN_BINDING_SUCCESS);
    CHECK(stun.has_mapped_address);
    CHECK(eg__addr_equal(&stun.mapped_address, &ipv4));
    REQUIRE(eg__stun_parse(&stun, response_ipv6, sizeof response_ipv6));
    CHECK(stun.has_mapped_address);
    CHECK(eg__addr_equal(&stun.mapped_address, &ipv6));
}

static void verifies_with_the_right_password_only(struct eg_check *check) {
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        struct eg_stun stun;
        REQUIRE(eg__stun_parse(&stun, vectors[i].bytes, vectors[i].size));
        CHECK_ROW(eg__stun_verify(&stun, vectors[i].bytes, vectors[i].size, password, PASSWORD_SIZE), i);
        CHECK_ROW(!eg__stun_verify(&stun, vectors[i].bytes, vectors[i].size, password, PASSWORD_SIZE - 1), i);
        CHECK_ROW(!eg__stun_verify(&stun, vectors[i].bytes, vectors[i].size, "vOkJxbRl1RmTxUk/WvJxBt", PASSWORD_SIZE), i);
        CHECK_ROW(!eg__stun_verify(&stun, vectors[i].bytes, vectors[i].size, "", 0), i);
    }
}

static void rejects_every_truncation(struct eg_check *check) {
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        for (size_t size = 0; size < vectors[i].size; size++) {
            uint8_t *cut = exact_copy(vectors[i].bytes, size);
            struct eg_stun stun;
            CHECK_ROW(!eg__stun_parse(&stun, cut, size), size);
            free(cut);
        }
    }
}

// Also when the header's length is made to agree. Between attributes a shorter message is a message, but what is left of it has no
// fingerprint any more.
static void rejects_truncations_whose_length_agrees_unless_between_attributes(struct eg_check *check) {
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        for (size_t size = EG_STUN_HEADER_SIZE; size < vectors[i].size; size++) {
            uint8_t *cut = exact_copy(vectors[i].bytes, size);
            cut[3] = (uint8_t)(size - EG_STUN_HEADER_SIZE);
            struct eg_stun stun;
            if (eg__stun_parse(&stun, cut, size)) {
                CHECK_ROW(size % 4 == 0, size);
                CHECK_ROW(!stun.has_fingerprint, size);
                CHECK_ROW(stun.has_integrity == (size == vectors[i].size - 8), size);
            }
            free(cut);
        }
    }
}

// One that demands a fingerprint, as ICE does (RFC 8445 §7.1), accepts no message with a bit flipped. Only a flip that makes FINGERPRINT
// another attribute, ignored behind MESSAGE-INTEGRITY, is left to that demand.
static void refuses_every_message_with_a_flipped_bit(struct eg_check *check) {
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        size_t size = vectors[i].size;
        for (size_t bit = 0; bit < size * 8; bit++) {
            uint8_t *bytes = exact_copy(vectors[i].bytes, size);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct eg_stun stun;
            bool is_accepted = eg__stun_parse(&stun, bytes, size) && eg__stun_verify(&stun, bytes, size, password, PASSWORD_SIZE);
            bool is_fingerprint_type = bit / 8 == size - 8 || bit / 8 == size - 7;
            CHECK_ROW(!is_accepted || (is_fingerprint_type && !stun.has_fingerprint), bit);
            free(bytes);
        }
    }
}

// As the last test, but without the fingerprint, so that nothing but the integrity can tell.
static void refuses_a_flipped_bit_without_a_fingerprint(struct eg_check *check) {
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        size_t size = vectors[i].size - 8;
        uint8_t *bytes = exact_copy(vectors[i].bytes, size);
        bytes[3] = (uint8_t)(size - EG_STUN_HEADER_SIZE);
        struct eg_stun stun;
        REQUIRE(eg__stun_parse(&stun, bytes, size));
        CHECK(eg__stun_verify(&stun, bytes, size, password, PASSWORD_SIZE));
        for (size_t bit = 0; bit < size * 8; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK_ROW(!eg__stun_parse(&stun, bytes, size) || !eg__stun_verify(&stun, bytes, size, password, PASSWORD_SIZE), bit);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(bytes);
    }
}

// Lays attributes, in hexadecimal, behind a header whose length agrees; gives the size of it all.
static size_t make_message(uint8_t *bytes, size_t bytes_size, const char *attributes) {
    memcpy(bytes, request, EG_STUN_HEADER_SIZE);
    size_t size = eg_hex(attributes, bytes + EG_STUN_HEADER_SIZE, bytes_size - EG_STUN_HEADER_SIZE);
    bytes[2] = (uint8_t)(size >> 8);
    bytes[3] = (uint8_t)size;
    return EG_STUN_HEADER_SIZE + size;
}

struct attribute_row {
    const char *attributes;
    bool is_right;
};

static const struct attribute_row attribute_rows[] = {
    {"", true},
    {"0006 0000", true},                                       // an empty USERNAME is a USERNAME
    {"0006 0001 61000000", true},
    {"0006 0004 61000000", true},
    {"0006 0005 61000000", false},                             // overruns
    {"0006 ffff 61000000", false},
    {"0006 0001 61", false},                                   // the message is no multiple of four
    {"0024 0004 00000001", true},                              // PRIORITY
    {"0024 0003 00000100", false},
    {"0024 0000", false},
    {"0024 0008 00000000 00000001", false},
    {"0025 0000", true},                                       // USE-CANDIDATE
    {"0025 0004 00000000", false},
    {"8029 0008 00000000 00000001", true},                     // ICE-CONTROLLED
    {"8029 0004 00000001", false},
    {"802a 0008 00000000 00000001", true},                     // ICE-CONTROLLING
    {"802a 000c 00000000 00000001 00000000", false},
    {"0020 0008 0001 a147 e112a643", true},                    // XOR-MAPPED-ADDRESS
    {"0020 0008 ff01 a147 e112a643", true},                    // its first byte is ignored
    {"0020 0008 0002 a147 e112a643", false},                   // IPv6 in four bytes
    {"0020 0008 0003 a147 e112a643", false},                   // no family
    {"0020 0004 0001 a147", false},
    {"0020 0000", false},
    {"0020 0014 0001 a147 e112a643 00000000 00000000 00000000", false}, // IPv4 in sixteen bytes
    {"0009 0004 00000457", true},                              // ERROR-CODE 487
    {"0009 0004 0000ff57", false},                             // class 7
    {"0009 0004 00000257", false},
    {"0009 0004 00000464", false},                             // number 100
    {"0009 0003 00000400", false},
    {"0008 0014 0000000000000000000000000000000000000000", true}, // MESSAGE-INTEGRITY, whatever it says
    {"0008 0010 00000000000000000000000000000000", false},
    {"8028 0004 00000000", false},                             // FINGERPRINT that is wrong
    {"8028 0000", false},
};

static void checks_every_length_of_every_attribute(struct eg_check *check) {
    for (size_t i = 0; i < sizeof attribute_rows / sizeof attribute_rows[0]; i++) {
        uint8_t bytes[128];
        size_t size = make_message(bytes, sizeof bytes, attribute_rows[i].attributes);
        uint8_t *message = exact_copy(bytes, size);
        struct eg_stun stun;
        CHECK_ROW(eg__stun_parse(&stun, message, size) == attribute_rows[i].is_right, i);
        free(message);
    }
}

static void rejects_what_has_no_header_of_stun(struct eg_check *check) {
    uint8_t bytes[64];
    size_t size = make_message(bytes, sizeof bytes, "0024 0004 00000001");
    struct eg_stun stun;
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    CHECK(!eg__stun_parse(&stun, bytes, size - 4)); // longer than the datagram
    CHECK(!eg__stun_parse(&stun, bytes, size + 4)); // shorter
    for (size_t at = 4; at < 8; at++) {
        bytes[at] ^= 1;
        CHECK_ROW(!eg__stun_parse(&stun, bytes, size), at);
        bytes[at] ^= 1;
    }
    bytes[0] = 0x40;
    CHECK(!eg__stun_parse(&stun, bytes, size));
    bytes[0] = 0x80;
    CHECK(!eg__stun_parse(&stun, bytes, size));
}

static void counts_a_repeated_attribute_once(struct eg_check *check) {
    uint8_t bytes[256];
    size_t size = make_message(bytes, sizeof bytes,
                               "0006 0001 61000000  0006 0001 62000000"
                               "0024 0004 00000001  0024 0004 00000002"
                               "802a 0008 0000000000000003  8029 0008 0000000000000004"
                               "0020 0008 0001 a147 e112a643  0020 0008 0001 a147 e112a644"
                               "0009 0004 00000457  0009 0004 00000401");
    struct eg_stun stun;
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    CHECK_EQUAL(stun.username[0], 'a');
    CHECK_EQUAL(stun.priority, 1);
    CHECK(stun.ice_controlling);
    CHECK(!stun.ice_controlled);
    CHECK_EQUAL(stun.tie_breaker, 3);
    CHECK_EQUAL(stun.mapped_address.ip[15], 1);
    CHECK_EQUAL(stun.error_code, 487);
}

static void ignores_what_follows_the_integrity(struct eg_check *check) {
    uint8_t bytes[256];
    size_t size = make_message(bytes, sizeof bytes,
                               "0024 0004 00000001"
                               "0008 0014 0000000000000000000000000000000000000000"
                               "0025 0000  0006 0001 61000000  7fff 0000  0024 0001 00000000"
                               "0008 0014 1111111111111111111111111111111111111111");
    struct eg_stun stun;
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    CHECK_EQUAL(stun.integrity_at, 28);
    CHECK(!stun.use_candidate);
    CHECK(stun.username == NULL);
    CHECK_EQUAL(stun.unknown_count, 0);
    // Lengths still have to add up.
    size = make_message(bytes, sizeof bytes, "0008 0014 0000000000000000000000000000000000000000 0025 0008 00000000");
    CHECK(!eg__stun_parse(&stun, bytes, size));
}

static void put_fingerprint(uint8_t *bytes, size_t at) {
    struct eg_writer writer = eg__writer(bytes + at + 4, 4);
    eg__write_u32(&writer, eg__crc32(bytes, at) ^ 0x5354554e);
}

static void rejects_an_attribute_behind_the_fingerprint(struct eg_check *check) {
    uint8_t bytes[64];
    const size_t fingerprint_at = EG_STUN_HEADER_SIZE + 8;
    size_t size = make_message(bytes, sizeof bytes, "0024 0004 00000001  8028 0004 00000000  8000 0000");
    struct eg_stun stun;
    put_fingerprint(bytes, fingerprint_at); // right but for its place
    CHECK(!eg__stun_parse(&stun, bytes, size));
    size -= 4;
    bytes[3] -= 4;
    CHECK(!eg__stun_parse(&stun, bytes, size)); // made for another length
    put_fingerprint(bytes, fingerprint_at);
    CHECK(eg__stun_parse(&stun, bytes, size));
}

static void notes_the_first_eight_attributes_that_it_must_know_and_does_not(struct eg_check *check) {
    uint8_t bytes[256];
    size_t size = make_message(bytes, sizeof bytes,
                               "0030 0000  7fff 0000  8000 0000  ffff 0000  001c 0000  0031 0000  0032 0000  0033 0000"
                               "0034 0000  0035 0000  0036 0000  0037 0000");
    const uint16_t expected[8] = {0x30, 0x7fff, 0x1c, 0x31, 0x32, 0x33, 0x34, 0x35};
    struct eg_stun stun;
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    CHECK_EQUAL(stun.unknown_count, 8);
    CHECK_BYTES(stun.unknown_attributes, expected, sizeof expected);
}

static void does_not_verify_a_message_without_integrity(struct eg_check *check) {
    uint8_t bytes[64];
    size_t size = make_message(bytes, sizeof bytes, "0024 0004 00000001");
    struct eg_stun stun;
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    CHECK(!stun.has_integrity);
    CHECK(!eg__stun_verify(&stun, bytes, size, password, PASSWORD_SIZE));
}

static void reads_back_the_check_it_writes(struct eg_check *check) {
    uint8_t bytes[256];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, transaction_id);
    eg__stun_write_username(&writer, "remote", 6, "loc", 3);
    eg__stun_write_priority(&writer, 0x6e7f00ff);
    eg__stun_write_use_candidate(&writer);
    eg__stun_write_ice_controlling(&writer, 0xfedcba9876543210);
    size_t size = eg__stun_finish(&writer, password, PASSWORD_SIZE);
    struct eg_stun stun;
    CHECK_EQUAL(size, 20 + 16 + 8 + 4 + 12 + 24 + 8);
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    CHECK(eg__stun_verify(&stun, bytes, size, password, PASSWORD_SIZE));
    CHECK_EQUAL(stun.type, EG_STUN_BINDING_REQUEST);
    CHECK_BYTES(stun.transaction_id, transaction_id, sizeof transaction_id);
    CHECK_EQUAL(stun.username_size, 10);
    CHECK_BYTES(stun.username, "remote:loc", 10);
    CHECK_EQUAL(stun.priority, 0x6e7f00ff);
    CHECK(stun.use_candidate);
    CHECK(stun.ice_controlling);
    CHECK(stun.tie_breaker == 0xfedcba9876543210);
    CHECK(stun.has_fingerprint);
}

// The response of RFC 5769 §2.2 without its SOFTWARE: the mapped address as written there, byte for byte.
static void writes_mapped_addresses_as_rfc_5769_has_them(struct eg_check *check) {
    const struct eg_addr ipv6 = {
        .ip = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77}, .port = 32853,
    };
    const struct eg_addr ipv4 = eg__addr_ipv4(192, 0, 2, 1, 32853);
    uint8_t bytes[128];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, EG_STUN_BINDING_SUCCESS, transaction_id);
    eg__stun_write_mapped_address(&writer, &ipv4);
    eg__stun_write_mapped_address(&writer, &ipv6);
    CHECK_EQUAL(writer.at, 20 + 12 + 24);
    CHECK_BYTES(bytes + 20, response_ipv4 + 36, 12);
    CHECK_BYTES(bytes + 32, response_ipv6 + 36, 24);
    size_t size = eg__stun_finish(&writer, password, PASSWORD_SIZE);
    struct eg_stun stun;
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    CHECK(eg__stun_verify(&stun, bytes, size, password, PASSWORD_SIZE));
    CHECK(eg__addr_equal(&stun.mapped_address, &ipv4));
}

static void writes_errors_with_what_was_not_known(struct eg_check *check) {
    const uint16_t unknown[3] = {0x0030, 0x7fff, 0x001c};
    const uint8_t expected[] = {0x00, 0x09, 0x00, 0x07, 0, 0, 4, 20, 'b', 'a', 'd', 0,
                                0x00, 0x0a, 0x00, 0x06, 0x00, 0x30, 0x7f, 0xff, 0x00, 0x1c, 0, 0};
    uint8_t bytes[128];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, EG_STUN_BINDING_ERROR, transaction_id);
    eg__stun_write_error(&writer, 420, "bad");
    eg__stun_write_unknown_attributes(&writer, unknown, 3);
    size_t size = eg__stun_finish(&writer, NULL, 0);
    CHECK_EQUAL(size, 20 + sizeof expected + 8);
    CHECK_BYTES(bytes + 20, expected, sizeof expected);
    struct eg_stun stun;
    REQUIRE(eg__stun_parse(&stun, bytes, size));
    CHECK_EQUAL(stun.type, EG_STUN_BINDING_ERROR);
    CHECK(stun.has_error);
    CHECK_EQUAL(stun.error_code, 420);
    CHECK(!stun.has_integrity);
    CHECK(stun.has_fingerprint);
}

static size_t write_long_message(uint8_t *bytes, size_t bytes_size) {
    const struct eg_addr addr = {.ip = {0x20, 0x01}, .port = 1}; // IPv6 is masked with the transaction id, which may not have fitted
    struct eg_writer writer = eg__writer(bytes, bytes_size);
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, transaction_id);
    eg__stun_write_username(&writer, "abcde", 5, "f", 1);
    eg__stun_write_mapped_address(&writer, &addr);
    eg__stun_write_ice_controlled(&writer, 1);
    eg__stun_write_error(&writer, 487, "role");
    return eg__stun_finish(&writer, password, PASSWORD_SIZE);
}

static void finishes_with_zero_when_it_did_not_fit(struct eg_check *check) {
    enum { SIZE = 20 + 12 + 24 + 12 + 12 + 24 + 8 };
    for (size_t size = 0; size <= SIZE; size++) {
        uint8_t *bytes = malloc(size); // exactly, so that a sanitizer sees a write past it
        CHECK_ROW(write_long_message(bytes, size) == (size < SIZE ? 0 : SIZE), size);
        free(bytes);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(reads_the_request_of_rfc_5769),
    EG_TEST(reads_the_mapped_addresses_of_rfc_5769),
    EG_TEST(verifies_with_the_right_password_only),
    EG_TEST(rejects_every_truncation),
    EG_TEST(rejects_truncations_whose_length_agrees_unless_between_attributes),
    EG_TEST(refuses_every_message_with_a_flipped_bit),
    EG_TEST(refuses_a_flipped_bit_without_a_fingerprint),
    EG_TEST(checks_every_length_of_every_attribute),
    EG_TEST(rejects_what_has_no_header_of_stun),
    EG_TEST(counts_a_repeated_attribute_once),
    EG_TEST(ignores_what_follows_the_integrity),
    EG_TEST(rejects_an_attribute_behind_the_fingerprint),
    EG_TEST(notes_the_first_eight_attributes_that_it_must_know_and_does_not),
    EG_TEST(does_not_verify_a_message_without_integrity),
    EG_TEST(reads_back_the_check_it_writes),
    EG_TEST(writes_mapped_addresses_as_rfc_5769_has_them),
    EG_TEST(writes_errors_with_what_was_not_known),
    EG_TEST(finishes_with_zero_when_it_did_not_fit),
};

EG_TEST_SUITE(stun, tests);
