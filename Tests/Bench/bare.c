#include "bare.h"

#include "io/udp.h"
#include "statistics.h"
#include "ticks.h"
#include "transport/crypto.h"
#include "wire/rtp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_SIZE = 512 * 1024, // [B] as the engine's
    MESSAGES_MAX = 128,      // likewise
    RUNS_MAX = 8,            // of one picture
    SEGMENTS_MAX = 64,
    RUN_SIZE_MAX = 65507,    // [B]
    PICTURES_MAX = 16384,    // of one play that are timed
};

// Packets of one picture that leave as one message.
struct run {
    uint32_t first;
    uint32_t count;
    uint16_t segment_size; // [B]
    uint32_t size;         // [B]
};

struct message {
    struct iovec view;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))];
};

struct bare_viewer {
    struct sockaddr_in to;
    uint16_t sequences[MEDIA_KINDS];
    uint8_t salt[EG_GCM_NONCE_SIZE];
};

struct bare {
    struct eg_crypto *crypto;
    size_t context_size;     // [B]
    uint8_t *contexts;
    struct bare_viewer *viewers;
    uint32_t viewer_count;
    struct eg_udp_socket udp;
    uint8_t *arena;
    size_t used;             // [B] of the arena
    uint32_t staged;
    uint64_t refused;
    uint32_t pictures[PICTURES_MAX]; // [100 ns] each one's time
    size_t picture_count;
    struct run runs[RUNS_MAX]; // of the picture under way
    uint32_t run_count;
    struct mmsghdr headers[MESSAGES_MAX];
    struct message messages[MESSAGES_MAX];
};

static bool init_viewers(struct bare *bare) {
    for (uint32_t i = 0; i < bare->viewer_count; i++) {
        uint8_t key[EG_AES_KEY_SIZE];
        memset(key, (int)(i * 7 + 1), sizeof key);
        memset(bare->viewers[i].salt, (int)(i + 3), sizeof bare->viewers[i].salt);
        if (!bare->crypto->gcm_init(bare->crypto, bare->contexts + i * bare->context_size, key)) return false;
    }
    return true;
}

struct bare *bare_create(const char *crypto, uint32_t viewer_count) {
    struct bare *bare = calloc(1, sizeof *bare);
    if (bare == NULL) return NULL;
    *bare = (struct bare){.crypto = eg__crypto_create(crypto), .viewer_count = viewer_count, .udp.fd = -1};
    if (bare->crypto != NULL) {
        bare->context_size = (bare->crypto->gcm_context_size + 63) / 64 * 64;
        bare->contexts = aligned_alloc(64, viewer_count * bare->context_size);
        bare->viewers = calloc(viewer_count, sizeof *bare->viewers);
        bare->arena = malloc(ARENA_SIZE);
    }
    struct eg_error error;
    bool is_ready = bare->contexts != NULL && bare->viewers != NULL && bare->arena != NULL &&
                    eg__udp_open_viewer("127.0.0.1", 0, EG_UDP_VIEWER_BUFFER_SIZE, &bare->udp, &error) == EG_STATUS_OK;
    if (is_ready) memset(bare->contexts, 0, viewer_count * bare->context_size);
    if (is_ready && init_viewers(bare)) return bare;
    bare_destroy(bare);
    return NULL;
}

void bare_destroy(struct bare *bare) {
    if (bare == NULL) return;
    if (bare->udp.fd >= 0) {
        for (uint32_t i = 0; i < bare->viewer_count; i++) bare->crypto->gcm_deinit(bare->contexts + i * bare->context_size);
        eg__udp_close(&bare->udp);
    }
    if (bare->crypto != NULL) eg__crypto_destroy(bare->crypto);
    free(bare->contexts);
    free(bare->viewers);
    free(bare->arena);
    free(bare);
}

void bare_aim(struct bare *bare, uint32_t viewer, uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bare->viewers[viewer].to = to;
}

double bare_picture_wall(const struct bare *bare) {
    uint32_t *values = malloc((bare->picture_count + 1) * sizeof *values);
    if (values == NULL) return 0;
    memcpy(values, bare->pictures, bare->picture_count * sizeof *values);
    double median = percentile(values, bare->picture_count, 50) / 10.0;
    free(values);
    return median;
}

uint64_t bare_refused(const struct bare *bare) { return bare->refused; }

static void flush(struct bare *bare) {
    for (uint32_t at = 0; at < bare->staged;) {
        int sent = sendmmsg(bare->udp.fd, bare->headers + at, bare->staged - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) bare->refused++;
        at += sent > 0 ? (uint32_t)sent : 1;
    }
    bare->staged = 0;
    bare->used = 0;
}

// The kernel's rule for GSO: segments of one size, only the last of a message may be shorter.
static void plan_runs(struct bare *bare, const struct media *media, const struct media_unit *unit) {
    bare->run_count = 0;
    struct run *run = NULL;
    for (uint32_t i = unit->first; i < unit->first + unit->count; i++) {
        uint16_t size = (uint16_t)(MEDIA_HEADER_SIZE + media->packets[i].size + EG_GCM_TAG_SIZE);
        bool is_open = run != NULL && run->size == run->count * run->segment_size && run->count < SEGMENTS_MAX;
        if (!is_open || size > run->segment_size || run->size + size > RUN_SIZE_MAX) {
            if (bare->run_count == RUNS_MAX) return;
            run = &bare->runs[bare->run_count++];
            *run = (struct run){.first = i, .segment_size = size};
        }
        run->count++;
        run->size += size;
    }
}

static uint8_t *protect(struct bare *bare, uint32_t index, const struct media_packet *packet, uint8_t kind, uint8_t *out) {
    struct bare_viewer *viewer = &bare->viewers[index];
    uint16_t sequence = viewer->sequences[kind]++;
    uint8_t payload_type = kind == MEDIA_VIDEO ? MEDIA_VIDEO_PAYLOAD_TYPE : MEDIA_AUDIO_PAYLOAD_TYPE;
    eg__rtp_write_header(out, packet->marker, payload_type, sequence, 0, index);
    uint8_t nonce[EG_GCM_NONCE_SIZE];
    memcpy(nonce, viewer->salt, sizeof nonce);
    nonce[10] ^= (uint8_t)(sequence >> 8);
    nonce[11] ^= (uint8_t)sequence;
    const struct eg_crypto_job job = {.iv = nonce, .aad = out, .aad_size = MEDIA_HEADER_SIZE, .in = packet->payload, .size = packet->size,
                                      .out = out + MEDIA_HEADER_SIZE};
    bare->crypto->gcm_seal(bare->crypto, bare->contexts + index * bare->context_size, &job);
    return out + MEDIA_HEADER_SIZE + packet->size + EG_GCM_TAG_SIZE;
}

static void stage(struct bare *bare, uint32_t index, const struct run *run, uint8_t *bytes) {
    struct message *message = &bare->messages[bare->staged];
    struct msghdr *header = &bare->headers[bare->staged++].msg_hdr;
    message->view = (struct iovec){.iov_base = bytes, .iov_len = run->size};
    struct sockaddr_in *to = &bare->viewers[index].to;
    *header = (struct msghdr){.msg_name = to, .msg_namelen = sizeof *to, .msg_iov = &message->view, .msg_iovlen = 1};
    if (run->count == 1) return;
    header->msg_control = message->control;
    header->msg_controllen = sizeof message->control;
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    *control = (struct cmsghdr){.cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof run->segment_size)};
    memcpy(CMSG_DATA(control), &run->segment_size, sizeof run->segment_size);
}

static void send_to(struct bare *bare, uint32_t index, const struct media *media, uint8_t kind) {
    for (uint32_t i = 0; i < bare->run_count; i++) {
        const struct run *run = &bare->runs[i];
        if (bare->staged == MESSAGES_MAX || bare->used + run->size > ARENA_SIZE) flush(bare);
        uint8_t *bytes = bare->arena + bare->used, *out = bytes;
        for (uint32_t at = 0; at < run->count; at++) out = protect(bare, index, &media->packets[run->first + at], kind, out);
        bare->used += run->size;
        stage(bare, index, run, bytes);
    }
}

uint64_t bare_play(struct bare *bare, const struct schedule *schedule, uint32_t viewers_each, bool is_paced) {
    uint64_t begin = ticks_now(), packets = 0;
    const struct media *media = schedule->media;
    bare->picture_count = 0;
    for (size_t i = 0; i < schedule->count; i++) {
        const struct schedule_entry *entry = &schedule->entries[i];
        const struct media_unit *unit = &media->units[entry->unit];
        if (is_paced) ticks_sleep_until(begin + (uint64_t)entry->due_us * 1000);
        uint64_t unit_begin = ticks_now();
        plan_runs(bare, media, unit);
        for (uint32_t viewer = 0; viewer < viewers_each; viewer++) send_to(bare, entry->stream * viewers_each + viewer, media, unit->kind);
        flush(bare);
        if (unit->kind == MEDIA_VIDEO && bare->picture_count < PICTURES_MAX) {
            bare->pictures[bare->picture_count++] = (uint32_t)((ticks_now() - unit_begin) / 100);
        }
        packets += (uint64_t)unit->count * viewers_each;
    }
    return packets;
}
