#include "media.h"

#include <stdlib.h>
#include <string.h>

enum {
    GOP_S = 2,                              // [s]
    PICTURES_PER_S = 30,
    BIT_RATE = 2360 * 1000,                 // [bit/s] of the pictures between IDRs: 2.5 Mbit/s with them
    IDR_SIZE = 45 * 1000,                   // [B] about 40 packets
    SECOND = 1000 * 1000,                   // [us]
    SOUND_INTERVAL_US = 20 * 1000,          // [us]
    SOUND_SIZE = 240,                       // [B] Opus at 96 kbit/s
    PAYLOAD_SIZE_MAX = MEDIA_DATAGRAM_SIZE_MAX - MEDIA_HEADER_SIZE,
    FU_HEADER_SIZE = 2,                     // [B] RFC 6184 §5.8
};

// Constrained baseline, 1920x1080.
static const uint8_t sps[] = {0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00,
                              0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc9, 0x20};
static const uint8_t pps[] = {0x68, 0xcb, 0x83, 0xcb, 0x20};

// What looks like an entropy-coded payload, the same in every run.
static uint8_t noise(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (uint8_t)(*state >> 24);
}

static uint8_t *add_packet(struct media *media, size_t size, bool marker, bool is_stamped, uint32_t *random) {
    uint8_t *payload = media->bytes + media->byte_count;
    for (size_t i = 0; i < size; i++) payload[i] = noise(random);
    media->packets[media->packet_count++] = (struct media_packet){payload, (uint16_t)size, marker, is_stamped};
    media->byte_count += size;
    return payload;
}

// STAP-A, RFC 6184 §5.7.1: what FFmpeg sends in front of an IDR. It has no room for a stamp.
static void add_parameter_sets(struct media *media, uint32_t *random) {
    uint8_t *payload = add_packet(media, 1 + 2 + sizeof sps + 2 + sizeof pps, false, false, random);
    *payload++ = 0x60 | 24;
    *payload++ = 0;
    *payload++ = sizeof sps;
    memcpy(payload, sps, sizeof sps);
    payload += sizeof sps;
    *payload++ = 0;
    *payload++ = sizeof pps;
    memcpy(payload, pps, sizeof pps);
}

// One slice of `size` bytes as FU-A: full packets and a shorter one with the marker.
static void add_slice(struct media *media, bool is_idr, size_t size, uint32_t *random) {
    const uint8_t nal_type = is_idr ? 5 : 1;
    for (size_t at = 0; at < size;) {
        size_t left = size - at, part = PAYLOAD_SIZE_MAX - FU_HEADER_SIZE;
        bool is_last = left <= part;
        if (is_last) part = left;
        uint8_t *payload = add_packet(media, FU_HEADER_SIZE + part, is_last, true, random);
        payload[0] = 0x60 | 28;
        payload[1] = (uint8_t)((at == 0 ? 0x80 : 0) | (is_last ? 0x40 : 0) | nal_type);
        at += part;
    }
}

static void add_unit(struct media *media, uint32_t due_us, uint8_t kind, size_t first) {
    media->units[media->unit_count++] = (struct media_unit){due_us, kind, (uint32_t)first, (uint32_t)(media->packet_count - first)};
}

static void add_pictures(struct media *media, const struct media_plan *plan, uint32_t *random) {
    uint32_t count = plan->pictures_per_s * plan->gop_s;
    const size_t size_mean = plan->bit_rate / 8 / plan->pictures_per_s;
    const size_t idr_size = plan->idr_packets > 0 ? plan->idr_packets * (PAYLOAD_SIZE_MAX - FU_HEADER_SIZE) : IDR_SIZE;
    for (uint32_t i = 0; i < count; i++) {
        size_t first = media->packet_count;
        if (i == 0) add_parameter_sets(media, random);
        // Up to a fifth more or less than the mean, in pairs that add up.
        size_t spread = size_mean * (i / 2 * 37 % 21) / 100;
        add_slice(media, i == 0, i == 0 ? idr_size : i % 2 == 1 ? size_mean + spread : size_mean - spread, random);
        add_unit(media, i * (SECOND / plan->pictures_per_s), MEDIA_VIDEO, first);
    }
}

static void add_sounds(struct media *media, uint32_t *random) {
    for (uint32_t i = 0; i < media->period_us / SOUND_INTERVAL_US; i++) {
        size_t first = media->packet_count;
        add_packet(media, SOUND_SIZE, false, true, random);
        // Between the pictures, as the two run on clocks of their own.
        add_unit(media, i * SOUND_INTERVAL_US + SOUND_INTERVAL_US / 2, MEDIA_AUDIO, first);
    }
}

static int compare_units(const void *a, const void *b) {
    uint32_t x = ((const struct media_unit *)a)->due_us, y = ((const struct media_unit *)b)->due_us;
    return (x > y) - (x < y);
}

static struct media_plan complete(const struct media_plan *plan) {
    struct media_plan all = *plan;
    if (all.gop_s == 0) all.gop_s = GOP_S;
    if (all.pictures_per_s == 0) all.pictures_per_s = PICTURES_PER_S;
    if (all.bit_rate == 0) all.bit_rate = BIT_RATE;
    return all;
}

struct media *media_create(const struct media_plan *asked) {
    struct media *media = calloc(1, sizeof *media);
    if (media == NULL) return NULL;
    struct media_plan plan = complete(asked);
    media->period_us = plan.gop_s * SECOND;
    size_t pictures = plan.pictures_per_s * plan.gop_s, sounds = media->period_us / SOUND_INTERVAL_US;
    // Each picture has a packet that is not full.
    size_t packets_max = (size_t)plan.bit_rate / 8 * plan.gop_s / (PAYLOAD_SIZE_MAX - FU_HEADER_SIZE) + IDR_SIZE / SOUND_SIZE +
                         plan.idr_packets + 2 * pictures + sounds;
    media->packets = calloc(packets_max, sizeof *media->packets);
    media->units = calloc(pictures + sounds, sizeof *media->units);
    media->bytes = calloc(packets_max, PAYLOAD_SIZE_MAX);
    if (media->packets == NULL || media->units == NULL || media->bytes == NULL) {
        media_destroy(media);
        return NULL;
    }
    uint32_t random = 1;
    add_pictures(media, &plan, &random);
    media->video_packets = media->packet_count;
    if (!plan.has_no_audio) add_sounds(media, &random);
    qsort(media->units, media->unit_count, sizeof *media->units, compare_units);
    return media;
}

void media_destroy(struct media *media) {
    if (media == NULL) return;
    free(media->packets);
    free(media->units);
    free(media->bytes);
    free(media);
}
