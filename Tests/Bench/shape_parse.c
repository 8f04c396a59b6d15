// What it takes to look at a packet that came in: eg__rtp_parse, which checks every length, and eg__h264_inspect. Beside it the fixed
// header read without a check. One GOP of packets in turn, whose headers stay in the cache: what is measured is work, not memory.
#include "bench.h"
#include "media.h"
#include "statistics.h"
#include "ticks.h"
#include "wire/h264.h"
#include "wire/rtp.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS_QUICK = 15, ROUNDS = 61, PASSES = 50 };

struct datagrams {
    size_t count;
    uint8_t *bytes; // MEDIA_DATAGRAM_SIZE_MAX each
    size_t *sizes;  // [B]
};

static bool write_datagrams(struct datagrams *datagrams, const struct media *media) {
    datagrams->bytes = calloc(media->packet_count, MEDIA_DATAGRAM_SIZE_MAX);
    datagrams->sizes = calloc(media->packet_count, sizeof *datagrams->sizes);
    if (datagrams->bytes == NULL || datagrams->sizes == NULL) return false;
    datagrams->count = media->packet_count;
    for (size_t i = 0; i < media->packet_count; i++) {
        uint8_t *bytes = datagrams->bytes + i * MEDIA_DATAGRAM_SIZE_MAX;
        const struct media_packet *packet = &media->packets[i];
        eg__rtp_write_header(bytes, packet->marker, MEDIA_VIDEO_PAYLOAD_TYPE, (uint16_t)i, (uint32_t)i, 1);
        memcpy(bytes + MEDIA_HEADER_SIZE, packet->payload, packet->size);
        datagrams->sizes[i] = MEDIA_HEADER_SIZE + packet->size;
    }
    return true;
}

static unsigned look(const uint8_t *bytes, size_t size) {
    struct eg_rtp rtp;
    if (!eg__rtp_parse(&rtp, bytes, size)) return 0;
    struct eg_h264_payload payload = eg__h264_inspect(rtp.payload, rtp.payload_size);
    return rtp.sequence + rtp.timestamp + payload.valid + payload.starts_idr;
}

static unsigned look_plainly(const uint8_t *bytes, size_t size) {
    uint16_t sequence = (uint16_t)(bytes[2] << 8 | bytes[3]);
    uint32_t timestamp = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 | bytes[7];
    uint32_t ssrc = (uint32_t)bytes[8] << 24 | (uint32_t)bytes[9] << 16 | (uint32_t)bytes[10] << 8 | bytes[11];
    return sequence + timestamp + ssrc + (bytes[1] & 0x7f) + (bytes[1] >> 7) + (bytes[12] & 0x1f) + (unsigned)size;
}

// [ns] a packet.
static double time_passes(const struct datagrams *datagrams, unsigned (*look_at)(const uint8_t *bytes, size_t size)) {
    volatile unsigned sum = 0; // volatile, so that nothing is left out as unused
    uint64_t begin = ticks_cpu();
    for (int pass = 0; pass < PASSES; pass++) {
        const uint8_t *bytes = datagrams->bytes;
        for (size_t i = 0; i < datagrams->count; i++, bytes += MEDIA_DATAGRAM_SIZE_MAX) sum = sum + look_at(bytes, datagrams->sizes[i]);
    }
    return (double)(ticks_cpu() - begin) / (double)(PASSES * datagrams->count);
}

void shape_parse(struct bench *bench, const char *name) {
    struct datagrams datagrams = {0};
    struct media *media = media_create(&(struct media_plan){.has_no_audio = true});
    if (media != NULL && write_datagrams(&datagrams, media)) {
        struct rounds checked = {0}, plain = {0};
        for (int round = bench->is_quick ? ROUNDS_QUICK : ROUNDS; round > 0; round--) {
            rounds_add(&checked, time_passes(&datagrams, look));
            rounds_add(&plain, time_passes(&datagrams, look_plainly));
        }
        table_add(bench->table, name, "RTP and H.264 beside a plain read", rounds_median(&checked), "ns/packet", rounds_median(&plain),
                  rounds_ratio(&checked, &plain));
    } else {
        bench_break(bench, name, "no memory");
    }
    free(datagrams.bytes);
    free(datagrams.sizes);
    media_destroy(media);
}
