#include "wire/rtcp.h"

enum {
    VERSION = 2,
    SSRC_SIZE = 4,         // [B]
    SENDER_INFO_SIZE = 24, // [B] of an SR, its SSRC included
    REPORT_SIZE = 24,      // [B]
    FEEDBACK_SIZE = 8,     // [B] sender and media SSRC
    NACK_ENTRY_SIZE = 4,   // [B]
    FIR_ENTRY_SIZE = 8,    // [B]
    SDES_CNAME = 1,
    SDES_TEXT_SIZE_MAX = 255, // [B]
};

struct eg_rtcp_iterator eg__rtcp_iterator(const uint8_t *bytes, size_t size) {
    return (struct eg_rtcp_iterator){.reader = eg__reader(bytes, size)};
}

// The last byte of a padded block counts its padding, which is made of whole words (RFC 3550 §6.4.1). Browsers fill up transport-wide
// feedback, whose entries are no whole words, with padding of 1 to 3 bytes.
static bool take_padding_off(struct eg_rtcp *block) {
    if (block->body_size == 0) return false;
    uint8_t padding_size = block->body[block->body_size - 1];
    bool is_of_words = block->type != EG_RTCP_RTPFB || block->count != EG_RTCP_FORMAT_TRANSPORT_CC;
    if (padding_size == 0 || (is_of_words && padding_size % 4 != 0) || padding_size > block->body_size) return false;
    block->body_size -= padding_size;
    return true;
}

static bool parse_block(struct eg_reader *reader, struct eg_rtcp *block) {
    uint8_t first = eg__read_u8(reader);
    block->type = eg__read_u8(reader);
    block->count = first & 0x1f;
    block->body_size = (size_t)eg__read_u16(reader) * 4;
    block->body = eg__read_bytes(reader, block->body_size);
    if (reader->failed || first >> 6 != VERSION) return false;
    bool has_padding = (first & 0x20) != 0;
    return !has_padding || take_padding_off(block);
}

bool eg__rtcp_next(struct eg_rtcp_iterator *iterator, struct eg_rtcp *block) {
    if (iterator->malformed || eg__reader_left(&iterator->reader) == 0) return false;
    iterator->malformed = !parse_block(&iterator->reader, block);
    return !iterator->malformed;
}

bool eg__rtcp_parse_sender_info(struct eg_sender_info *info, const struct eg_rtcp *block) {
    if (block->type != EG_RTCP_SR) return false;
    struct eg_reader reader = eg__reader(block->body, block->body_size);
    info->ssrc = eg__read_u32(&reader);
    info->ntp = eg__read_u64(&reader);
    info->rtp_timestamp = eg__read_u32(&reader);
    info->packet_count = eg__read_u32(&reader);
    info->octet_count = eg__read_u32(&reader);
    return !reader.failed;
}

// A reader of entry `index` in a list of entries of one size. False past the last. No index can make it overflow.
static bool entry_at(struct eg_reader *entry, const uint8_t *bytes, size_t size, size_t entry_size, size_t index) {
    if (index >= size / entry_size) return false;
    *entry = eg__reader(bytes + index * entry_size, entry_size);
    return true;
}

bool eg__rtcp_parse_report(struct eg_report_block *report, const struct eg_rtcp *block, size_t index) {
    if (block->type != EG_RTCP_SR && block->type != EG_RTCP_RR) return false;
    size_t before = block->type == EG_RTCP_SR ? SENDER_INFO_SIZE : SSRC_SIZE;
    if (index >= block->count || block->body_size < before) return false;
    struct eg_reader entry;
    if (!entry_at(&entry, block->body + before, block->body_size - before, REPORT_SIZE, index)) return false;
    report->ssrc = eg__read_u32(&entry);
    report->fraction_lost = eg__read_u8(&entry);
    uint32_t lost = eg__read_u24(&entry);
    report->cumulative_lost = (int32_t)lost - ((lost & 0x800000) != 0 ? 0x1000000 : 0); // signed: repeated packets count against it
    report->highest_sequence = eg__read_u32(&entry);
    report->jitter = eg__read_u32(&entry);
    report->last_sr = eg__read_u32(&entry);
    report->delay_since_last_sr = eg__read_u32(&entry);
    return true;
}

bool eg__rtcp_parse_feedback(struct eg_rtcp_feedback *feedback, const struct eg_rtcp *block) {
    if (block->type != EG_RTCP_RTPFB && block->type != EG_RTCP_PSFB) return false;
    struct eg_reader reader = eg__reader(block->body, block->body_size);
    feedback->sender_ssrc = eg__read_u32(&reader);
    feedback->media_ssrc = eg__read_u32(&reader);
    feedback->fci_size = eg__reader_left(&reader);
    feedback->fci = eg__read_bytes(&reader, feedback->fci_size);
    return !reader.failed;
}

bool eg__rtcp_parse_nack(struct eg_rtcp_nack *nack, const struct eg_rtcp_feedback *feedback, size_t index) {
    struct eg_reader entry;
    if (!entry_at(&entry, feedback->fci, feedback->fci_size, NACK_ENTRY_SIZE, index)) return false;
    nack->packet_id = eg__read_u16(&entry);
    nack->bitmask = eg__read_u16(&entry);
    return true;
}

bool eg__rtcp_parse_fir(struct eg_rtcp_fir *fir, const struct eg_rtcp_feedback *feedback, size_t index) {
    struct eg_reader entry;
    if (!entry_at(&entry, feedback->fci, feedback->fci_size, FIR_ENTRY_SIZE, index)) return false;
    fir->ssrc = eg__read_u32(&entry);
    fir->sequence = eg__read_u8(&entry);
    return true;
}

bool eg__rtcp_parse_bye(const struct eg_rtcp *block, size_t index, uint32_t *ssrc) {
    struct eg_reader entry;
    if (block->type != EG_RTCP_BYE || index >= block->count) return false;
    if (!entry_at(&entry, block->body, block->body_size, SSRC_SIZE, index)) return false;
    *ssrc = eg__read_u32(&entry);
    return true;
}

// `body_size` is a multiple of 4 and what the caller writes next.
static void write_header(struct eg_writer *writer, enum eg_rtcp_type type, uint8_t count, size_t body_size) {
    EG_ASSERT(body_size % 4 == 0);
    eg__write_u8(writer, (uint8_t)(VERSION << 6 | count));
    eg__write_u8(writer, (uint8_t)type);
    eg__write_u16(writer, (uint16_t)(body_size / 4));
}

void eg__rtcp_write_sender_report(struct eg_writer *writer, const struct eg_sender_info *info) {
    write_header(writer, EG_RTCP_SR, 0, SENDER_INFO_SIZE);
    eg__write_u32(writer, info->ssrc);
    eg__write_u64(writer, info->ntp);
    eg__write_u32(writer, info->rtp_timestamp);
    eg__write_u32(writer, info->packet_count);
    eg__write_u32(writer, info->octet_count);
}

void eg__rtcp_write_receiver_report(struct eg_writer *writer, uint32_t ssrc) {
    write_header(writer, EG_RTCP_RR, 0, SSRC_SIZE);
    eg__write_u32(writer, ssrc);
}

void eg__rtcp_write_report(struct eg_writer *writer, uint32_t ssrc, const struct eg_report_block *report) {
    write_header(writer, EG_RTCP_RR, 1, SSRC_SIZE + REPORT_SIZE);
    eg__write_u32(writer, ssrc);
    eg__write_u32(writer, report->ssrc);
    eg__write_u32(writer, (uint32_t)report->fraction_lost << 24 | ((uint32_t)report->cumulative_lost & 0xffffff));
    eg__write_u32(writer, report->highest_sequence);
    eg__write_u32(writer, report->jitter);
    eg__write_u32(writer, report->last_sr);
    eg__write_u32(writer, report->delay_since_last_sr);
}

void eg__rtcp_write_cname(struct eg_writer *writer, uint32_t ssrc, const char *cname) {
    size_t text_size = strlen(cname);
    EG_ASSERT(text_size <= SDES_TEXT_SIZE_MAX);
    // The list of items ends with at least one zero and fills its last word with more (RFC 3550 §6.5).
    size_t items_size = 2 + text_size;
    size_t zeros = 4 - items_size % 4;
    write_header(writer, EG_RTCP_SDES, 1, SSRC_SIZE + items_size + zeros);
    eg__write_u32(writer, ssrc);
    eg__write_u8(writer, SDES_CNAME);
    eg__write_u8(writer, (uint8_t)text_size);
    eg__write_bytes(writer, cname, text_size);
    eg__write_bytes(writer, (const uint8_t[4]){0}, zeros);
}

void eg__rtcp_write_bye(struct eg_writer *writer, uint32_t ssrc) {
    write_header(writer, EG_RTCP_BYE, 1, SSRC_SIZE);
    eg__write_u32(writer, ssrc);
}

void eg__rtcp_write_nack(struct eg_writer *writer, uint32_t sender_ssrc, uint32_t media_ssrc, const struct eg_rtcp_nack *nack) {
    write_header(writer, EG_RTCP_RTPFB, EG_RTCP_FORMAT_NACK, FEEDBACK_SIZE + NACK_ENTRY_SIZE);
    eg__write_u32(writer, sender_ssrc);
    eg__write_u32(writer, media_ssrc);
    eg__write_u16(writer, nack->packet_id);
    eg__write_u16(writer, nack->bitmask);
}

void eg__rtcp_write_pli(struct eg_writer *writer, uint32_t sender_ssrc, uint32_t media_ssrc) {
    write_header(writer, EG_RTCP_PSFB, EG_RTCP_FORMAT_PLI, FEEDBACK_SIZE);
    eg__write_u32(writer, sender_ssrc);
    eg__write_u32(writer, media_ssrc);
}

uint32_t eg__rtcp_round_trip(const struct eg_report_block *report, uint64_t ntp_now) {
    if (report->last_sr == 0) return 0; // no SR had come yet
    uint32_t arrival = (uint32_t)(ntp_now >> 16);
    int32_t units = (int32_t)(arrival - report->last_sr - report->delay_since_last_sr); // [1/65536 s], modulo 18 hours
    if (units <= 0) return 0; // impossible: a coarse clock, or a made-up report
    uint64_t round_trip = (uint64_t)units * EG_SECOND >> 16;
    return round_trip <= UINT32_MAX ? (uint32_t)round_trip : 0; // more than an hour: the times are of different clocks
}
