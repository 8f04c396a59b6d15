#include "wire/stun.h"

#include "base/hash.h"

enum {
    MAGIC_COOKIE = 0x2112a442,
    FINGERPRINT_XOR = 0x5354554e, // RFC 8489 §14.7
    FAMILY_IPV4 = 1,
    FAMILY_IPV6 = 2,
    ATTRIBUTE_HEADER_SIZE = 4, // [B]
    INTEGRITY_SIZE = ATTRIBUTE_HEADER_SIZE + EG_SHA1_SIZE, // [B] of the whole attribute
    FINGERPRINT_SIZE = ATTRIBUTE_HEADER_SIZE + 4,          // [B] of the whole attribute
};

enum attribute_type {
    MAPPED_ADDRESS = 0x0001,
    USERNAME = 0x0006,
    MESSAGE_INTEGRITY = 0x0008,
    ERROR_CODE = 0x0009,
    UNKNOWN_ATTRIBUTES = 0x000a,
    REALM = 0x0014,
    NONCE = 0x0015,
    XOR_MAPPED_ADDRESS = 0x0020,
    PRIORITY = 0x0024,
    USE_CANDIDATE = 0x0025,
    COMPREHENSION_OPTIONAL = 0x8000, // from here on an attribute that is not known is ignored
    FINGERPRINT = 0x8028,
    ICE_CONTROLLED = 0x8029,
    ICE_CONTROLLING = 0x802a,
};

struct attribute {
    uint16_t type;
    size_t at;           // [B] offset of its header in the message
    const uint8_t *value;
    size_t size;         // [B] of the value, padding not included
};

static size_t padding_of(size_t size) { return (4 - size % 4) % 4; }

// What an address is XORed with: the cookie for IPv4, cookie and transaction id for IPv6 (RFC 8489 §14.2), as they follow each other
// in the header of the message.
static void mask_address(uint8_t *ip, size_t size, const uint8_t transaction_id[EG_STUN_TRANSACTION_ID_SIZE]) {
    for (size_t i = 0; i < size; i++) ip[i] ^= i < 4 ? (uint8_t)((uint32_t)MAGIC_COOKIE >> (24 - 8 * i)) : transaction_id[i - 4];
}

static bool parse_mapped_address(struct eg_stun *stun, const struct attribute *attribute) {
    if (stun->has_mapped_address) return true;
    struct eg_reader reader = eg__reader(attribute->value, attribute->size);
    eg__read_u8(&reader); // reserved
    uint8_t family = eg__read_u8(&reader);
    uint16_t port = eg__read_u16(&reader) ^ (uint16_t)(MAGIC_COOKIE >> 16);
    size_t ip_size = family == FAMILY_IPV4 ? 4 : 16;
    if (family != FAMILY_IPV4 && family != FAMILY_IPV6) return false;
    if (eg__reader_left(&reader) != ip_size) return false;
    uint8_t ip[16];
    memcpy(ip, eg__read_bytes(&reader, ip_size), ip_size);
    mask_address(ip, ip_size, stun->transaction_id);
    stun->has_mapped_address = true;
    stun->mapped_address = eg__addr_ipv4(ip[0], ip[1], ip[2], ip[3], port);
    if (family == FAMILY_IPV6) memcpy(stun->mapped_address.ip, ip, sizeof ip);
    return true;
}

static bool parse_error(struct eg_stun *stun, const struct attribute *attribute) {
    if (stun->has_error) return true;
    struct eg_reader reader = eg__reader(attribute->value, attribute->size);
    eg__read_u16(&reader); // reserved
    uint8_t hundreds = eg__read_u8(&reader) & 7;
    uint8_t number = eg__read_u8(&reader);
    if (reader.failed || hundreds < 3 || hundreds > 6 || number > 99) return false;
    stun->has_error = true;
    stun->error_code = (uint16_t)(hundreds * 100 + number);
    return true;
}

static bool parse_username(struct eg_stun *stun, const struct attribute *attribute) {
    if (stun->username != NULL) return true;
    stun->username = attribute->value;
    stun->username_size = attribute->size;
    return true;
}

static bool parse_priority(struct eg_stun *stun, const struct attribute *attribute) {
    if (stun->has_priority) return true;
    struct eg_reader reader = eg__reader(attribute->value, attribute->size);
    stun->has_priority = true;
    stun->priority = eg__read_u32(&reader);
    return attribute->size == 4;
}

static bool parse_use_candidate(struct eg_stun *stun, const struct attribute *attribute) {
    stun->use_candidate = true;
    return attribute->size == 0;
}

// An agent has one role and one tie breaker, so the first role that it names counts.
static bool parse_role(struct eg_stun *stun, const struct attribute *attribute) {
    if (stun->ice_controlled || stun->ice_controlling) return true;
    struct eg_reader reader = eg__reader(attribute->value, attribute->size);
    stun->ice_controlled = attribute->type == ICE_CONTROLLED;
    stun->ice_controlling = attribute->type == ICE_CONTROLLING;
    stun->tie_breaker = eg__read_u64(&reader);
    return attribute->size == 8;
}

static bool parse_integrity(struct eg_stun *stun, const struct attribute *attribute) {
    stun->has_integrity = true;
    stun->integrity_at = attribute->at;
    return attribute->size == EG_SHA1_SIZE;
}

// The checksum covers everything before it, with the length of the whole message in the header. So it has to be the last attribute.
static bool parse_fingerprint(struct eg_stun *stun, const struct attribute *attribute, const uint8_t *bytes, size_t size) {
    if (attribute->size != 4 || attribute->at + FINGERPRINT_SIZE != size) return false;
    struct eg_reader reader = eg__reader(attribute->value, attribute->size);
    stun->has_fingerprint = true;
    return eg__read_u32(&reader) == (eg__crc32(bytes, attribute->at) ^ FINGERPRINT_XOR);
}

static bool note_unknown(struct eg_stun *stun, const struct attribute *attribute) {
    size_t unknown_max = sizeof stun->unknown_attributes / sizeof stun->unknown_attributes[0];
    bool is_required = attribute->type < COMPREHENSION_OPTIONAL;
    if (is_required && stun->unknown_count < unknown_max) stun->unknown_attributes[stun->unknown_count++] = attribute->type;
    return true;
}

static bool parse_attribute(struct eg_stun *stun, const struct attribute *attribute) {
    switch (attribute->type) {
    case USERNAME: return parse_username(stun, attribute);
    case MESSAGE_INTEGRITY: return parse_integrity(stun, attribute);
    case ERROR_CODE: return parse_error(stun, attribute);
    case XOR_MAPPED_ADDRESS: return parse_mapped_address(stun, attribute);
    case PRIORITY: return parse_priority(stun, attribute);
    case USE_CANDIDATE: return parse_use_candidate(stun, attribute);
    case ICE_CONTROLLED:
    case ICE_CONTROLLING: return parse_role(stun, attribute);
    case MAPPED_ADDRESS:
    case UNKNOWN_ATTRIBUTES:
    case REALM:
    case NONCE: return true; // known, but not used by ICE
    default: return note_unknown(stun, attribute);
    }
}

static bool parse_header(struct eg_stun *stun, struct eg_reader *reader) {
    *stun = (struct eg_stun){.type = eg__read_u16(reader)};
    uint16_t attributes_size = eg__read_u16(reader);
    uint32_t cookie = eg__read_u32(reader);
    stun->transaction_id = eg__read_bytes(reader, EG_STUN_TRANSACTION_ID_SIZE);
    if (reader->failed || cookie != MAGIC_COOKIE) return false;
    bool has_type_of_stun = stun->type >> 14 == 0;
    return has_type_of_stun && attributes_size == eg__reader_left(reader); // attributes are padded: the size is a multiple of 4, or they overrun
}

static bool read_attribute(struct attribute *attribute, struct eg_reader *reader) {
    attribute->at = reader->at;
    attribute->type = eg__read_u16(reader);
    attribute->size = eg__read_u16(reader);
    attribute->value = eg__read_bytes(reader, attribute->size);
    eg__read_bytes(reader, padding_of(attribute->size));
    return !reader->failed;
}

bool eg__stun_parse(struct eg_stun *stun, const uint8_t *bytes, size_t size) {
    struct eg_reader reader = eg__reader(bytes, size);
    if (!parse_header(stun, &reader)) return false;
    while (eg__reader_left(&reader) > 0) {
        struct attribute attribute;
        if (!read_attribute(&attribute, &reader)) return false;
        bool is_right = true;
        if (attribute.type == FINGERPRINT) {
            is_right = parse_fingerprint(stun, &attribute, bytes, size);
        } else if (!stun->has_integrity) { // what follows MESSAGE-INTEGRITY is not protected by it, so it is ignored
            is_right = parse_attribute(stun, &attribute);
        }
        if (!is_right) return false;
    }
    return true;
}

// HMAC of the message before offset `integrity_at`, as if MESSAGE-INTEGRITY were its last attribute: only the length in the header
// may differ from that in `bytes`.
static void make_integrity(const uint8_t *bytes, size_t integrity_at, const char *password, size_t password_size,
                           uint8_t out[EG_SHA1_SIZE]) {
    size_t attributes_size = integrity_at + INTEGRITY_SIZE - EG_STUN_HEADER_SIZE;
    const uint8_t start[4] = {bytes[0], bytes[1], (uint8_t)(attributes_size >> 8), (uint8_t)attributes_size};
    const struct eg_piece pieces[] = {{start, sizeof start}, {bytes + sizeof start, integrity_at - sizeof start}};
    eg__hmac_sha1((const uint8_t *)password, password_size, pieces, 2, out);
}

bool eg__stun_verify(const struct eg_stun *stun, const uint8_t *bytes, size_t size, const char *password, size_t password_size) {
    if (!stun->has_integrity) return false;
    EG_ASSERT(stun->integrity_at + INTEGRITY_SIZE <= size);
    uint8_t expected[EG_SHA1_SIZE];
    make_integrity(bytes, stun->integrity_at, password, password_size, expected);
    return eg__equal_constant_time(bytes + stun->integrity_at + ATTRIBUTE_HEADER_SIZE, expected, sizeof expected);
}

void eg__stun_begin(struct eg_writer *writer, uint16_t type, const uint8_t transaction_id[EG_STUN_TRANSACTION_ID_SIZE]) {
    EG_ASSERT(writer->at == 0); // offsets in the message are offsets in the writer
    eg__write_u16(writer, type);
    eg__write_u16(writer, 0); // set when the message is finished
    eg__write_u32(writer, MAGIC_COOKIE);
    eg__write_bytes(writer, transaction_id, EG_STUN_TRANSACTION_ID_SIZE);
}

static void write_attribute_header(struct eg_writer *writer, enum attribute_type type, size_t size) {
    EG_ASSERT(size <= UINT16_MAX);
    eg__write_u16(writer, (uint16_t)type);
    eg__write_u16(writer, (uint16_t)size);
}

static void write_padding(struct eg_writer *writer, size_t size) { eg__write_bytes(writer, (const uint8_t[4]){0}, padding_of(size)); }

void eg__stun_write_username(struct eg_writer *writer, const char *remote, size_t remote_size, const char *local, size_t local_size) {
    size_t size = remote_size + 1 + local_size;
    write_attribute_header(writer, USERNAME, size);
    eg__write_bytes(writer, remote, remote_size);
    eg__write_u8(writer, ':');
    eg__write_bytes(writer, local, local_size);
    write_padding(writer, size);
}

void eg__stun_write_mapped_address(struct eg_writer *writer, const struct eg_addr *addr) {
    if (writer->failed) return; // there may be no transaction id to mask with
    bool is_ipv4 = eg__addr_is_ipv4(addr);
    size_t ip_size = is_ipv4 ? 4 : 16;
    uint8_t ip[16];
    memcpy(ip, addr->ip + sizeof ip - ip_size, ip_size);
    mask_address(ip, ip_size, writer->bytes + EG_STUN_HEADER_SIZE - EG_STUN_TRANSACTION_ID_SIZE);
    write_attribute_header(writer, XOR_MAPPED_ADDRESS, 4 + ip_size);
    eg__write_u8(writer, 0);
    eg__write_u8(writer, is_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6);
    eg__write_u16(writer, addr->port ^ (uint16_t)(MAGIC_COOKIE >> 16));
    eg__write_bytes(writer, ip, ip_size);
}

void eg__stun_write_error(struct eg_writer *writer, uint16_t code, const char *reason) {
    EG_ASSERT(code >= 300 && code <= 699);
    size_t size = 4 + strlen(reason);
    write_attribute_header(writer, ERROR_CODE, size);
    eg__write_u16(writer, 0);
    eg__write_u8(writer, (uint8_t)(code / 100));
    eg__write_u8(writer, (uint8_t)(code % 100));
    eg__write_bytes(writer, reason, size - 4);
    write_padding(writer, size);
}

void eg__stun_write_unknown_attributes(struct eg_writer *writer, const uint16_t *attributes, size_t count) {
    write_attribute_header(writer, UNKNOWN_ATTRIBUTES, count * 2);
    for (size_t i = 0; i < count; i++) eg__write_u16(writer, attributes[i]);
    write_padding(writer, count * 2);
}

void eg__stun_write_priority(struct eg_writer *writer, uint32_t priority) {
    write_attribute_header(writer, PRIORITY, 4);
    eg__write_u32(writer, priority);
}

void eg__stun_write_use_candidate(struct eg_writer *writer) { write_attribute_header(writer, USE_CANDIDATE, 0); }

void eg__stun_write_ice_controlling(struct eg_writer *writer, uint64_t tie_breaker) {
    write_attribute_header(writer, ICE_CONTROLLING, 8);
    eg__write_u64(writer, tie_breaker);
}

void eg__stun_write_ice_controlled(struct eg_writer *writer, uint64_t tie_breaker) {
    write_attribute_header(writer, ICE_CONTROLLED, 8);
    eg__write_u64(writer, tie_breaker);
}

static void write_integrity(struct eg_writer *writer, const char *password, size_t password_size) {
    uint8_t integrity[EG_SHA1_SIZE];
    make_integrity(writer->bytes, writer->at, password, password_size, integrity);
    write_attribute_header(writer, MESSAGE_INTEGRITY, sizeof integrity);
    eg__write_bytes(writer, integrity, sizeof integrity);
}

// Comes last, so the length of the message is known and set before its checksum is made.
static void write_fingerprint(struct eg_writer *writer) {
    size_t attributes_size = writer->at + FINGERPRINT_SIZE - EG_STUN_HEADER_SIZE;
    EG_ASSERT(attributes_size <= UINT16_MAX);
    writer->bytes[2] = (uint8_t)(attributes_size >> 8);
    writer->bytes[3] = (uint8_t)attributes_size;
    uint32_t fingerprint = eg__crc32(writer->bytes, writer->at) ^ FINGERPRINT_XOR;
    write_attribute_header(writer, FINGERPRINT, 4);
    eg__write_u32(writer, fingerprint);
}

size_t eg__stun_finish(struct eg_writer *writer, const char *password, size_t password_size) {
    if (!writer->failed && password != NULL) write_integrity(writer, password, password_size);
    if (!writer->failed) write_fingerprint(writer);
    return writer->failed ? 0 : writer->at;
}
