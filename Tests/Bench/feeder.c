#include "feeder.h"

#include "base/bytes.h"
#include "ticks.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint64_t ntp_to_unix_s = UINT64_C(2208988800); // [s] from 1900 to 1970, RFC 5905 §6
static const uint32_t rates[MEDIA_KINDS] = {90000, 48000};
static const uint8_t payload_types[MEDIA_KINDS] = {MEDIA_VIDEO_PAYLOAD_TYPE, MEDIA_AUDIO_PAYLOAD_TYPE};

// What a sender knows of one track.
struct leg {
    struct sockaddr_in to;
    const struct media *media;
    bool is_counted;
    uint32_t ssrc;
    uint16_t sequence;
    uint32_t packets;
    uint32_t octets;
};

struct feeder {
    const struct schedule *schedule;
    int sockets[MEDIA_KINDS];
    uint64_t origin;     // [ns] timestamps count from here
    size_t position;     // in the schedule
    uint64_t packets;
    uint64_t duration_us;
    unsigned speed;
    pthread_t thread;
    atomic_bool is_playing;
    struct leg legs[][MEDIA_KINDS]; // by stream
};

static int open_socket(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static void init_leg(struct feeder *feeder, const struct feeder_target *target, uint32_t stream, int kind) {
    feeder->legs[stream][kind] = (struct leg){
        .to = {.sin_family = AF_INET, .sin_port = htons(target->ports[kind]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .media = target->media != NULL ? target->media : feeder->schedule->media,
        .is_counted = !target->is_unwatched,
        .ssrc = 0x10000000u + stream * MEDIA_KINDS + (uint32_t)kind,
        .sequence = (uint16_t)(1000 + stream),
    };
}

bool feeder_open_targets(eg_engine *engine, uint32_t count, struct feeder_target *targets) {
    struct eg_stream_config config = {.has_video = true, .has_audio = true, .video_payload_type = MEDIA_VIDEO_PAYLOAD_TYPE,
                                      .audio_payload_type = MEDIA_AUDIO_PAYLOAD_TYPE};
    for (uint32_t i = 0; i < count; i++) {
        struct eg_stream_info info;
        struct eg_error error;
        if (eg_stream_create(engine, &config, &info, &error) != EG_STATUS_OK) return false;
        targets[i] = (struct feeder_target){.ports = {info.video_port, info.audio_port}};
    }
    return true;
}

struct feeder *feeder_create(const struct schedule *schedule, const struct feeder_target *targets) {
    struct feeder *feeder = calloc(1, sizeof *feeder + schedule->stream_count * sizeof feeder->legs[0]);
    if (feeder == NULL) return NULL;
    feeder->schedule = schedule;
    feeder->origin = ticks_now();
    for (uint32_t stream = 0; stream < schedule->stream_count; stream++) {
        for (int kind = 0; kind < MEDIA_KINDS; kind++) init_leg(feeder, &targets[stream], stream, kind);
    }
    for (int kind = 0; kind < MEDIA_KINDS; kind++) feeder->sockets[kind] = open_socket();
    if (feeder->sockets[MEDIA_VIDEO] >= 0 && feeder->sockets[MEDIA_AUDIO] >= 0) return feeder;
    feeder_destroy(feeder);
    return NULL;
}

void feeder_destroy(struct feeder *feeder) {
    if (feeder == NULL) return;
    for (int kind = 0; kind < MEDIA_KINDS; kind++) {
        if (feeder->sockets[kind] >= 0) close(feeder->sockets[kind]);
    }
    free(feeder);
}

uint64_t feeder_packets(const struct feeder *feeder) { return feeder->packets; }

static void send_bytes(const struct feeder *feeder, const struct leg *leg, int kind, const uint8_t *bytes, size_t size) {
    sendto(feeder->sockets[kind], bytes, size, MSG_NOSIGNAL, (const struct sockaddr *)&leg->to, sizeof leg->to);
}

static uint32_t timestamp_at(const struct feeder *feeder, uint64_t at, int kind) {
    return (uint32_t)((at - feeder->origin) / 1000 * rates[kind] / SECOND_US);
}

static void send_report(const struct feeder *feeder, const struct leg *leg, int kind) {
    uint64_t wall = ticks_of(CLOCK_REALTIME);
    struct eg_sender_info info = {
        .ssrc = leg->ssrc,
        .ntp = (wall / 1000000000u + ntp_to_unix_s) << 32 | ((wall % 1000000000u) << 32) / 1000000000u,
        .rtp_timestamp = timestamp_at(feeder, ticks_now(), kind),
        .packet_count = leg->packets,
        .octet_count = leg->octets,
    };
    uint8_t bytes[128];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__rtcp_write_sender_report(&writer, &info);
    send_bytes(feeder, leg, kind, bytes, writer.at);
}

// The stamp is taken right before the packet is handed to the kernel: a packet's way through the engine begins here.
static void write_stamp(uint8_t *end) {
    uint64_t wall = ticks_of(CLOCK_REALTIME);
    for (int i = 1; i <= MEDIA_STAMP_SIZE; i++, wall >>= 8) end[-i] = (uint8_t)wall;
}

static void send_packets(struct feeder *feeder, const struct media_unit *unit, struct leg *leg, uint64_t at) {
    const struct media *media = leg->media;
    uint32_t timestamp = timestamp_at(feeder, at, unit->kind);
    if (!media->packets[unit->first].is_stamped) send_report(feeder, leg, unit->kind); // parameter sets: an IDR begins
    for (uint32_t i = 0; i < unit->count; i++) {
        const struct media_packet *packet = &media->packets[unit->first + i];
        uint8_t bytes[MEDIA_DATAGRAM_SIZE_MAX];
        eg__rtp_write_header(bytes, packet->marker, payload_types[unit->kind], leg->sequence++, timestamp, leg->ssrc);
        memcpy(bytes + MEDIA_HEADER_SIZE, packet->payload, packet->size);
        if (packet->is_stamped) write_stamp(bytes + MEDIA_HEADER_SIZE + packet->size);
        send_bytes(feeder, leg, unit->kind, bytes, MEDIA_HEADER_SIZE + packet->size);
        leg->packets++;
        leg->octets += packet->size;
    }
}

static void send_unit(struct feeder *feeder, const struct schedule_entry *entry, uint64_t at) {
    int kind = feeder->schedule->media->units[entry->unit].kind;
    struct leg *leg = &feeder->legs[entry->stream][kind];
    const struct media_unit *unit = &leg->media->units[entry->unit];
    if (leg->to.sin_port != 0) send_packets(feeder, unit, leg, at);
    if (leg->is_counted) feeder->packets += unit->count;
}

static void *run(void *context) {
    struct feeder *feeder = context;
    const struct schedule *schedule = feeder->schedule;
    prctl(PR_SET_TIMERSLACK, 1ul);
    uint64_t begin = ticks_now(), periods_us = 0, first_us = schedule->entries[feeder->position].due_us;
    for (;;) {
        const struct schedule_entry *entry = &schedule->entries[feeder->position];
        uint64_t media_us = periods_us + entry->due_us - first_us;
        if (media_us >= feeder->duration_us) break;
        uint64_t at = feeder->speed > 0 ? begin + media_us * 1000 / feeder->speed : ticks_now();
        if (feeder->speed > 0) ticks_sleep_until(at);
        send_unit(feeder, entry, at);
        if (++feeder->position < schedule->count) continue;
        feeder->position = 0;
        periods_us += schedule->media->period_us;
    }
    atomic_store(&feeder->is_playing, false);
    return NULL;
}

bool feeder_start(struct feeder *feeder, uint64_t duration_us, unsigned speed) {
    feeder->duration_us = duration_us;
    feeder->speed = speed;
    atomic_store(&feeder->is_playing, true);
    if (pthread_create(&feeder->thread, NULL, run, feeder) == 0) return true;
    atomic_store(&feeder->is_playing, false);
    return false;
}

void feeder_wait(struct feeder *feeder) { pthread_join(feeder->thread, NULL); }

bool feeder_is_playing(const struct feeder *feeder) { return atomic_load(&feeder->is_playing); }

void feeder_play(struct feeder *feeder, uint64_t duration_us, unsigned speed) {
    if (feeder_start(feeder, duration_us, speed)) feeder_wait(feeder);
}
