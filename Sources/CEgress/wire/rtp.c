#include "wire/rtp.h"

#include "base/bytes.h"

enum { ELEMENT_ID_PADDING = 0, ELEMENT_ID_MAX = 14, TRANSPORT_NUMBER_ELEMENT_SIZE = 2 };

static bool parse_extension(struct eg_rtp *rtp, struct eg_reader *reader) {
    rtp->extension_profile = eg__read_u16(reader);
    rtp->extension_size = (size_t)eg__read_u16(reader) * 4;
    rtp->extension = eg__read_bytes(reader, rtp->extension_size);
    return !reader->failed;
}

// Removes the padding from the payload. The last byte of the padding counts it, including itself, so a count of zero is invalid.
static bool parse_padding(struct eg_rtp *rtp) {
    if (rtp->payload_size == 0) return false;
    rtp->padding_size = rtp->payload[rtp->payload_size - 1];
    if (rtp->padding_size == 0 || rtp->padding_size > rtp->payload_size) return false;
    rtp->payload_size -= rtp->padding_size;
    return true;
}

bool eg__rtp_parse(struct eg_rtp *rtp, const uint8_t *bytes, size_t size) {
    struct eg_reader reader = eg__reader(bytes, size);
    uint8_t first = eg__read_u8(&reader);
    uint8_t second = eg__read_u8(&reader);
    if (first >> 6 != EG_RTP_VERSION) return false;
    bool has_padding = (first & 0x20) != 0;
    bool has_extension = (first & EG_RTP_EXTENSION_BIT) != 0;
    *rtp = (struct eg_rtp){.marker = second >> 7 != 0, .payload_type = second & 0x7f, .csrc_count = first & 0x0f};
    rtp->sequence = eg__read_u16(&reader);
    rtp->timestamp = eg__read_u32(&reader);
    rtp->ssrc = eg__read_u32(&reader);
    rtp->csrcs = eg__read_bytes(&reader, (size_t)rtp->csrc_count * 4);
    if (reader.failed) return false;
    if (has_extension && !parse_extension(rtp, &reader)) return false;
    rtp->payload_size = eg__reader_left(&reader);
    rtp->payload = eg__read_bytes(&reader, rtp->payload_size);
    return !has_padding || parse_padding(rtp);
}

void eg__rtp_write_header(uint8_t out[EG_RTP_HEADER_SIZE], bool marker, uint8_t payload_type, uint16_t sequence, uint32_t timestamp,
                          uint32_t ssrc) {
    struct eg_writer writer = eg__writer(out, EG_RTP_HEADER_SIZE);
    eg__write_u8(&writer, EG_RTP_VERSION << 6);
    eg__write_u8(&writer, (uint8_t)((marker ? 0x80 : 0) | (payload_type & 0x7f)));
    eg__write_u16(&writer, sequence);
    eg__write_u32(&writer, timestamp);
    eg__write_u32(&writer, ssrc);
}

void eg__rtp_write_transport_number(uint8_t out[EG_RTP_TRANSPORT_NUMBER_SIZE], uint8_t id, uint16_t number) {
    EG_ASSERT(id >= 1 && id <= ELEMENT_ID_MAX);
    struct eg_writer writer = eg__writer(out, EG_RTP_TRANSPORT_NUMBER_SIZE);
    eg__write_u16(&writer, EG_RTP_ONE_BYTE_PROFILE);
    eg__write_u16(&writer, 1); // words
    eg__write_u8(&writer, (uint8_t)(id << 4 | (TRANSPORT_NUMBER_ELEMENT_SIZE - 1)));
    eg__write_u16(&writer, number);
    eg__write_u8(&writer, ELEMENT_ID_PADDING);
}

bool eg__rtp_find_transport_number(const struct eg_rtp *rtp, uint8_t id, uint16_t *number) {
    if (rtp->extension == NULL || rtp->extension_profile != EG_RTP_ONE_BYTE_PROFILE) return false;
    struct eg_reader reader = eg__reader(rtp->extension, rtp->extension_size);
    while (eg__reader_left(&reader) > 0) {
        uint8_t head = eg__read_u8(&reader);
        if (head == ELEMENT_ID_PADDING) continue;
        // The walk ends at 15, and at padding that claims to have a size (RFC 8285 §4.2).
        if (head >> 4 == ELEMENT_ID_PADDING || head >> 4 > ELEMENT_ID_MAX) return false;
        size_t size = (head & 0x0f) + 1u;
        struct eg_reader element = eg__reader(eg__read_bytes(&reader, size), size);
        if (reader.failed) return false;
        if (head >> 4 != id || size != TRANSPORT_NUMBER_ELEMENT_SIZE) continue;
        *number = eg__read_u16(&element);
        return true;
    }
    return false;
}
