#include "wire/transport_feedback.h"

enum { LOST = 0, SMALL = 1, LARGE = 2, RESERVED = 3 }; // the symbols, which but for the last are the sizes of their deltas, too

enum {
    VERSION = 2,
    PADDED = 0x20,            // the P bit
    CHUNK_IS_VECTOR = 0x8000,
    CHUNK_IS_WIDE = 0x4000,   // a vector with symbols of 2 bits
    RUN_MAX = 0x1fff,
    VECTOR_BITS = 14,
    DELTAS_PER_REFERENCE = EG_TRANSPORT_REFERENCE_UNIT / EG_TRANSPORT_DELTA_UNIT,
    REMB_NAME = 0x52454d42,   // "REMB"
    REMB_MANTISSA_BITS = 18,
    REMB_BODY_SIZE = 8 + 8 + 4, // [B] both SSRCs of any feedback, name and bit rate, one SSRC
};

// Takes the next chunk, of `left` packets that it is to tell of at most. What it says beyond them means nothing.
static struct eg_transport_chunk read_chunk(struct eg_reader *chunks, uint16_t left) {
    uint16_t word = eg__read_u16(chunks);
    struct eg_transport_chunk chunk = {.is_run = (word & CHUNK_IS_VECTOR) == 0, .width = 2};
    if (chunk.is_run) {
        chunk.symbols = (uint16_t)(word << 1);
        chunk.left = word & RUN_MAX;
    } else {
        chunk.symbols = (uint16_t)(word << 2);
        chunk.width = (word & CHUNK_IS_WIDE) != 0 ? 2 : 1;
        chunk.left = VECTOR_BITS / chunk.width;
    }
    if (chunk.left > left) chunk.left = left;
    return chunk;
}

static uint8_t symbol_of(const struct eg_transport_chunk *chunk) { return (uint8_t)(chunk->symbols >> (16 - chunk->width)); }

// How many packets the next symbol stands for.
static uint16_t run_of(const struct eg_transport_chunk *chunk) { return chunk->is_run ? chunk->left : 1; }

static void step_over(struct eg_transport_chunk *chunk, uint16_t run) {
    chunk->left -= run;
    if (!chunk->is_run) chunk->symbols = (uint16_t)(chunk->symbols << chunk->width);
}

// Leaves the chunks at their end, where the deltas begin, and gives the size of these. False when a chunk is missing or has a reserved
// symbol.
static bool measure(struct eg_reader *chunks, uint16_t count, size_t *deltas_size) {
    *deltas_size = 0;
    while (count > 0) {
        struct eg_transport_chunk chunk = read_chunk(chunks, count);
        if (chunks->failed) return false;
        count -= chunk.left;
        while (chunk.left > 0) {
            uint8_t symbol = symbol_of(&chunk);
            uint16_t run = run_of(&chunk);
            if (symbol == RESERVED) return false;
            *deltas_size += (size_t)symbol * run;
            step_over(&chunk, run);
        }
    }
    return true;
}

bool eg__transport_feedback_parse(struct eg_transport_feedback *transport, const struct eg_rtcp_feedback *feedback) {
    struct eg_reader reader = eg__reader(feedback->fci, feedback->fci_size);
    *transport = (struct eg_transport_feedback){.base = eg__read_u16(&reader)};
    transport->count = eg__read_u16(&reader);
    uint32_t reference = eg__read_u24(&reader);
    transport->feedback_count = eg__read_u8(&reader);
    transport->reference = (int32_t)reference - ((reference & 0x800000) != 0 ? 0x1000000 : 0);
    if (reader.failed || transport->count == 0) return false;
    transport->at = (int64_t)transport->reference * EG_TRANSPORT_REFERENCE_UNIT;
    transport->number = transport->base;
    transport->left = transport->count;
    transport->chunks = reader;
    size_t deltas_size;
    if (!measure(&reader, transport->count, &deltas_size)) return false;
    transport->deltas = reader;
    return deltas_size <= eg__reader_left(&reader);
}

// The symbol of the next packet, of which there must be one.
static uint8_t next_symbol(struct eg_transport_feedback *transport) {
    while (transport->chunk.left == 0) transport->chunk = read_chunk(&transport->chunks, transport->left);
    return symbol_of(&transport->chunk);
}

static void give(struct eg_transport_feedback *transport, uint16_t run) {
    step_over(&transport->chunk, run);
    transport->number += run;
    transport->left -= run;
}

bool eg__transport_feedback_next(struct eg_transport_feedback *transport, struct eg_transport_status *status) {
    if (transport->left == 0) return false;
    *status = (struct eg_transport_status){.number = transport->number};
    while (transport->left > 0 && next_symbol(transport) == LOST) {
        uint16_t run = run_of(&transport->chunk);
        status->run += run;
        give(transport, run);
    }
    if (status->run > 0) return true;
    bool is_small = next_symbol(transport) == SMALL;
    int32_t delta = is_small ? eg__read_u8(&transport->deltas) : (int16_t)eg__read_u16(&transport->deltas);
    EG_ASSERT(!transport->deltas.failed && !transport->chunks.failed); // parse has seen that they are there
    transport->at += (int64_t)delta * EG_TRANSPORT_DELTA_UNIT;
    status->run = 1;
    status->arrived = true;
    status->at = transport->at;
    give(transport, 1);
    return true;
}

// Packets of a report that is written, one after the other.
struct cursor {
    const struct eg_transport_report *report;
    uint16_t index;   // of the next
    int64_t ticks;    // [EG_TRANSPORT_DELTA_UNIT] when the last one arrived
    int64_t delta;    // [EG_TRANSPORT_DELTA_UNIT] of the last one
};

static struct cursor begin(const struct eg_transport_report *report, uint64_t reference) {
    return (struct cursor){.report = report, .ticks = (int64_t)(reference * DELTAS_PER_REFERENCE)};
}

// The next packet's symbol; RESERVED when its delta is too large to be told.
static uint8_t take_symbol(struct cursor *cursor) {
    eg_time arrival = cursor->report->arrivals[cursor->index++];
    if (arrival == EG_TIME_NEVER) return LOST;
    int64_t ticks = (int64_t)(arrival / EG_TRANSPORT_DELTA_UNIT);
    cursor->delta = ticks - cursor->ticks;
    cursor->ticks = ticks;
    if (cursor->delta >= 0 && cursor->delta <= UINT8_MAX) return SMALL;
    return cursor->delta >= INT16_MIN && cursor->delta <= INT16_MAX ? LARGE : RESERVED;
}

static uint64_t reference_of(const struct eg_transport_report *report) {
    for (uint16_t i = 0; i < report->count; i++) {
        if (report->arrivals[i] != EG_TIME_NEVER) return report->arrivals[i] / EG_TRANSPORT_REFERENCE_UNIT;
    }
    return 0;
}

// Packets from the first on that one report can tell of.
static uint16_t count_tellable(struct cursor cursor) {
    while (cursor.index < cursor.report->count) {
        if (take_symbol(&cursor) == RESERVED) return cursor.index - 1;
    }
    return cursor.index;
}

// Packets with one symbol from the cursor on, as far as `end` and as one chunk can tell.
static uint16_t measure_run(struct cursor cursor, uint16_t end, uint8_t symbol) {
    uint16_t run = 0;
    while (cursor.index < end && run < RUN_MAX && take_symbol(&cursor) == symbol) run++;
    return run;
}

static bool has_large(struct cursor cursor, uint16_t end) {
    while (cursor.index < end) {
        if (take_symbol(&cursor) == LARGE) return true;
    }
    return false;
}

static void write_chunk(struct eg_writer *writer, struct cursor *cursor, uint16_t end) {
    struct cursor ahead = *cursor;
    uint8_t symbol = take_symbol(&ahead);
    uint16_t run = measure_run(*cursor, end, symbol), left = end - cursor->index;
    uint16_t narrow_end = left < VECTOR_BITS ? end : cursor->index + VECTOR_BITS;
    uint8_t width = has_large(*cursor, narrow_end) ? 2 : 1;
    if (run == left || run >= VECTOR_BITS / width) {
        eg__write_u16(writer, (uint16_t)(symbol << 13 | run));
        for (uint16_t i = 0; i < run; i++) take_symbol(cursor);
        return;
    }
    uint16_t word = (uint16_t)(CHUNK_IS_VECTOR | (width == 2 ? CHUNK_IS_WIDE : 0));
    for (int shift = VECTOR_BITS - width; shift >= 0 && cursor->index < end; shift -= width)
        word |= (uint16_t)(take_symbol(cursor) << shift);
    eg__write_u16(writer, word);
}

static void write_deltas(struct eg_writer *writer, struct cursor cursor, uint16_t end) {
    while (cursor.index < end) {
        uint8_t symbol = take_symbol(&cursor);
        if (symbol == SMALL) eg__write_u8(writer, (uint8_t)cursor.delta);
        if (symbol == LARGE) eg__write_u16(writer, (uint16_t)cursor.delta);
    }
}

uint16_t eg__transport_feedback_write(struct eg_writer *writer, const struct eg_transport_report *report) {
    EG_ASSERT(report->count > 0);
    uint64_t reference = reference_of(report);
    struct cursor cursor = begin(report, reference);
    uint16_t count = count_tellable(cursor);
    size_t start = writer->at;
    eg__write_u8(writer, VERSION << 6 | EG_RTCP_FORMAT_TRANSPORT_CC);
    eg__write_u8(writer, EG_RTCP_RTPFB);
    eg__write_u16(writer, 0); // the size is known at the end
    eg__write_u32(writer, report->sender_ssrc);
    eg__write_u32(writer, report->media_ssrc);
    eg__write_u16(writer, report->base);
    eg__write_u16(writer, count);
    eg__write_u32(writer, (uint32_t)(reference << 8) | report->feedback_count);
    while (cursor.index < count) write_chunk(writer, &cursor, count);
    write_deltas(writer, begin(report, reference), count);
    size_t padding_size = (4 - (writer->at - start) % 4) % 4;
    for (size_t i = 1; i <= padding_size; i++) eg__write_u8(writer, (uint8_t)(i == padding_size ? padding_size : 0));
    if (writer->failed) return count;
    size_t words = (writer->at - start) / 4 - 1;
    if (padding_size > 0) writer->bytes[start] |= PADDED;
    writer->bytes[start + 2] = (uint8_t)(words >> 8);
    writer->bytes[start + 3] = (uint8_t)words;
    return count;
}

bool eg__remb_parse(struct eg_remb *remb, const struct eg_rtcp_feedback *feedback) {
    struct eg_reader reader = eg__reader(feedback->fci, feedback->fci_size);
    bool is_remb = eg__read_u32(&reader) == REMB_NAME;
    remb->ssrc_count = eg__read_u8(&reader);
    uint32_t word = eg__read_u24(&reader);
    uint32_t exponent = word >> REMB_MANTISSA_BITS; // 0..63
    uint64_t mantissa = word & ((1u << REMB_MANTISSA_BITS) - 1);
    remb->bit_rate = mantissa > UINT64_MAX >> exponent ? UINT64_MAX : mantissa << exponent;
    remb->ssrcs = eg__read_bytes(&reader, (size_t)remb->ssrc_count * 4);
    return is_remb && !reader.failed;
}

bool eg__remb_ssrc(const struct eg_remb *remb, size_t index, uint32_t *ssrc) {
    if (index >= remb->ssrc_count) return false;
    struct eg_reader reader = eg__reader(remb->ssrcs + index * 4, 4);
    *ssrc = eg__read_u32(&reader);
    return true;
}

void eg__remb_write(struct eg_writer *writer, uint32_t sender_ssrc, uint32_t media_ssrc, uint64_t bit_rate) {
    uint32_t exponent = 0;
    while (bit_rate >> exponent >= 1u << REMB_MANTISSA_BITS) exponent++;
    eg__write_u8(writer, VERSION << 6 | EG_RTCP_FORMAT_ALFB);
    eg__write_u8(writer, EG_RTCP_PSFB);
    eg__write_u16(writer, REMB_BODY_SIZE / 4);
    eg__write_u32(writer, sender_ssrc);
    eg__write_u32(writer, 0); // no media, §2.2
    eg__write_u32(writer, REMB_NAME);
    eg__write_u32(writer, 1u << 24 | exponent << REMB_MANTISSA_BITS | (uint32_t)(bit_rate >> exponent));
    eg__write_u32(writer, media_ssrc);
}
