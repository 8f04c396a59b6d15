#include "proto/core.h"

#include "base/memory.h"
#include "base/table.h"
#include "proto/fanout.h"
#include "proto/feedback.h"
#include "wire/demux.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct eg_core {
    struct eg_core_config config;
    struct eg_random *random;
    struct eg_dtls_context *dtls;
    struct eg_crypto *crypto;
    struct eg_viewer_context context;
    struct eg_budget burst_bytes;     // of all viewers that catch up
    struct eg_handshakes handshakes;
    struct eg_pool streams;
    struct eg_pool viewers;
    struct eg_pool chunks;            // of all stores
    uint64_t hash_seed;
    struct eg_table by_ufrag;         // our user name fragment -> viewer
    struct eg_table by_address;       // an address that an authenticated check came from -> viewer
    struct eg_deadlines stream_deadlines;
    struct eg_deadlines viewer_deadlines;
    struct eg_list ready;             // streams with packets for their viewers
    struct eg_list due;               // viewers with something of their own to send
    struct eg_list leaving;           // closed viewers that have not said goodbye yet
    struct eg_list stream_events;
    struct eg_list viewer_events;
    uint32_t connected;
    struct eg_engine_stats stats;
};

static eg_status fail(struct eg_error *error, eg_status status, const char *message) {
    if (error != NULL) {
        *error = (struct eg_error){.status = status};
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return status;
}

// --- life ---

struct eg_core *eg__core_create(const struct eg_core_config *config, struct eg_random *random, struct eg_error *error) {
    struct eg_core *core = eg__memory_take(1, sizeof *core);
    if (core == NULL) {
        fail(error, EG_STATUS_NO_MEMORY, "no memory for the engine");
        return NULL;
    }
    core->config = *config;
    core->random = random;
    core->hash_seed = eg__random_u64(random);
    eg__list_init(&core->ready);
    eg__list_init(&core->due);
    eg__list_init(&core->leaving);
    eg__list_init(&core->stream_events);
    eg__list_init(&core->viewer_events);
    eg__deadlines_init(&core->stream_deadlines);
    eg__deadlines_init(&core->viewer_deadlines);
    eg__table_init(&core->by_ufrag, EG_VIEWERS_MAX);
    eg__table_init(&core->by_address, EG_VIEWERS_MAX * EG_ICE_VALIDATED_MAX);
    char reason[160] = "";
    core->crypto = eg__crypto_create(config->crypto);
    core->dtls = eg__dtls_context_create(reason, sizeof reason);
    if (core->crypto == NULL || core->dtls == NULL) {
        fail(error, EG_STATUS_UNSUPPORTED, core->crypto == NULL ? "this SRTP back end is not to be had here" : reason);
        eg__core_destroy(core);
        return NULL;
    }
    if (!eg__handshakes_init(&core->handshakes, core->hash_seed, config->handshakes_max, config->handshakes_per_address_max)) {
        fail(error, EG_STATUS_NO_MEMORY, "no memory for the engine");
        eg__core_destroy(core);
        return NULL;
    }
    eg__dtls_context_limit(core->dtls, &config->handshake);
    eg__pool_init(&core->streams, sizeof(struct eg_stream), config->streams_max);
    eg__pool_init(&core->viewers, eg__viewer_size(core->crypto), config->viewers_max);
    eg__pool_init_part(&core->chunks, sizeof(struct eg_store_chunk), offsetof(struct eg_store_chunk, bytes),
                       config->streams_max * (EG_STORE_VIDEO_CHUNKS_MAX + EG_STORE_AUDIO_CHUNKS_MAX));
    eg__budget_init(&core->burst_bytes, 0, config->burst_bit_rate_all_max / 8, config->burst_bit_rate_all_max / 8);
    core->context = (struct eg_viewer_context){
        .random = random,
        .dtls = core->dtls,
        .crypto = core->crypto,
        .handshakes = &core->handshakes,
        .burst = {
            .bit_rate_max = config->burst_bit_rate_max,
            .bytes = &core->burst_bytes,
            .begun = &core->stats.bursts_begun,
            .refused = &core->stats.bursts_refused,
        },
        .deadlines = &core->viewer_deadlines,
        .stats = &core->stats,
    };
    eg__budget_init(&core->context.repairs, 0, EG_REPAIR_RATE_ALL, EG_REPAIR_RATE_ALL / 4);
    return core;
}

void eg__core_destroy(struct eg_core *core) {
    if (core == NULL) return;
    uint32_t index = 0;
    for (struct eg_viewer *viewer; (viewer = eg__pool_next(&core->viewers, &index, &(eg_handle){0})) != NULL;) eg__viewer_deinit(viewer);
    index = 0;
    for (struct eg_stream *stream; (stream = eg__pool_next(&core->streams, &index, &(eg_handle){0})) != NULL;) eg__stream_deinit(stream);
    eg__pool_deinit(&core->viewers);
    eg__pool_deinit(&core->streams);
    eg__pool_deinit(&core->chunks);
    eg__deadlines_deinit(&core->stream_deadlines);
    eg__deadlines_deinit(&core->viewer_deadlines);
    eg__table_deinit(&core->by_ufrag);
    eg__table_deinit(&core->by_address);
    eg__handshakes_deinit(&core->handshakes);
    eg__dtls_context_destroy(core->dtls);
    eg__crypto_destroy(core->crypto);
    eg__memory_release(core);
}

const char *eg__core_fingerprint(const struct eg_core *core) { return eg__dtls_context_fingerprint(core->dtls); }

const char *eg__core_crypto_name(const struct eg_core *core) { return core->crypto->name; }

// --- finding ---

static struct eg_stream *find_stream(const struct eg_core *core, eg_handle handle) { return eg__pool_find(&core->streams, handle); }

// A viewer that is closed is not found any more, though its slot is kept until its goodbye and its event are out.
static struct eg_viewer *find_viewer(const struct eg_core *core, eg_handle handle) {
    struct eg_viewer *viewer = eg__pool_find(&core->viewers, handle);
    return viewer != NULL && viewer->state != EG_VIEWER_CLOSED ? viewer : NULL;
}

static uint64_t ufrag_hash(const struct eg_core *core, const char *ufrag, size_t size) { return eg__hash(core->hash_seed, ufrag, size); }

static struct eg_viewer *find_viewer_by_ufrag(const struct eg_core *core, const char *ufrag, size_t size) {
    uint64_t hash = ufrag_hash(core, ufrag, size);
    uint32_t cursor = 0;
    for (eg_handle handle; (handle = eg__table_find(&core->by_ufrag, hash, &cursor)) != 0;) {
        struct eg_viewer *viewer = find_viewer(core, handle);
        if (viewer != NULL && size == strlen(viewer->ice.local_ufrag) && memcmp(viewer->ice.local_ufrag, ufrag, size) == 0) return viewer;
    }
    return NULL;
}

// How well a datagram along `path` fits a viewer that validates it. Only one with keys can have sent SRTCP, and rather the one whose media
// goes there: that it gets it was proven, by its handshake or by its answer to a check of ours.
static int fitness(const struct eg_viewer *viewer, const struct eg_path *path, enum eg_datagram_kind kind) {
    if (kind != EG_DATAGRAM_RTCP || viewer->state != EG_VIEWER_CONNECTED) return 0;
    return eg__path_equal(&viewer->ice.path, path) ? 2 : 1;
}

// Several viewers can have had checks from one address: a NAT reuses a port, or somebody with a session of his own writes another viewer's
// address on his checks. The one that it fits best is meant, and of two the newer.
static struct eg_viewer *find_viewer_by_path(const struct eg_core *core, const struct eg_path *path, enum eg_datagram_kind kind) {
    struct eg_viewer *found = NULL;
    int found_fitness = 0;
    uint32_t cursor = 0;
    for (eg_handle handle; (handle = eg__table_find(&core->by_address, eg__addr_hash(core->hash_seed, &path->remote), &cursor)) != 0;) {
        struct eg_viewer *viewer = find_viewer(core, handle);
        if (viewer == NULL || !eg__ice_is_validated(&viewer->ice, path)) continue;
        int viewer_fitness = fitness(viewer, path, kind);
        bool is_newer = found == NULL || viewer->created_at > found->created_at;
        if (found != NULL && (viewer_fitness < found_fitness || (viewer_fitness == found_fitness && !is_newer))) continue;
        found = viewer;
        found_fitness = viewer_fitness;
    }
    return found;
}

// --- what follows from a change ---

// Who has something to send now waits in line for transmit; else its deadline wakes it.
static void schedule_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now) {
    if (viewer->state == EG_VIEWER_CONNECTED && viewer->transmit_at <= now) {
        viewer->transmit_at = EG_TIME_NEVER;
        if (!eg__list_contains(&viewer->due)) eg__list_append(&core->due, &viewer->due);
    }
    eg__viewer_schedule(viewer, &core->context);
}

static void detach(struct eg_core *core, struct eg_viewer *viewer) {
    eg__table_remove(&core->by_ufrag, ufrag_hash(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag)), viewer->handle);
    for (size_t i = 0; i < viewer->ice.validated_count; i++)
        eg__table_remove(&core->by_address, eg__addr_hash(core->hash_seed, &viewer->ice.validated[i].remote), viewer->handle);
    eg__stream_remove_viewer(viewer->stream, viewer);
    viewer->stream = NULL;
    eg__list_remove(&viewer->due);
    eg__deadlines_set(&core->viewer_deadlines, &viewer->deadline, EG_TIME_NEVER);
}

// Draws the consequences of whatever was done to a viewer.
static void follow_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now) {
    if (viewer->state != viewer->reported) {
        bool was_connected = viewer->reported == EG_VIEWER_CONNECTED;
        if (viewer->state == EG_VIEWER_CONNECTED) core->connected++;
        else if (was_connected) core->connected--;
        viewer->reported = viewer->state;
        if (!eg__list_contains(&viewer->event)) eg__list_append(&core->viewer_events, &viewer->event);
    }
    if (viewer->state != EG_VIEWER_CLOSED) {
        schedule_viewer(core, viewer, now);
        return;
    }
    if (viewer->stream == NULL) return;
    core->stats.closed[viewer->close_reason]++;
    detach(core, viewer);
    eg__list_append(&core->leaving, &viewer->leaving);
}

static void close_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now, eg_close_reason reason) {
    eg__viewer_close(viewer, reason);
    follow_viewer(core, viewer, now);
}

static void follow_stream(struct eg_core *core, struct eg_stream *stream) {
    eg__stream_follow_sources(stream);
    if (stream->events != 0 && !eg__list_contains(&stream->event)) eg__list_append(&core->stream_events, &stream->event);
    if (eg__stream_is_ready(stream) && !eg__list_contains(&stream->ready)) eg__list_append(&core->ready, &stream->ready);
    // A deadline that has moved away, as silence does with each packet, is left where it is: its tick finds nothing to do and sets it anew.
    eg_time at = eg__stream_deadline(stream, core->config.source_grace);
    if (at < stream->deadline.at) eg__deadlines_set(&core->stream_deadlines, &stream->deadline, at);
}

// --- commands ---

eg_status eg__core_add_stream(struct eg_core *core, eg_time now, const struct eg_stream_config *config, eg_handle *handle,
                              struct eg_error *error) {
    (void)now;
    if (core->streams.count == core->config.streams_max) return fail(error, EG_STATUS_LIMIT_REACHED, "as many streams as streams_max allows");
    struct eg_stream *stream = eg__pool_take(&core->streams, handle);
    if (stream == NULL) return fail(error, EG_STATUS_NO_MEMORY, "no memory for a stream");
    if (!eg__deadlines_reserve(&core->stream_deadlines, core->streams.count) ||
        !eg__stream_init(stream, config, &core->chunks, core->config.ntp_origin)) {
        eg__pool_release(&core->streams, *handle);
        return fail(error, EG_STATUS_NO_MEMORY, "no memory for a stream");
    }
    stream->handle = *handle;
    eg__deadline_init(&stream->deadline, *handle);
    return EG_STATUS_OK;
}

eg_status eg__core_remove_stream(struct eg_core *core, eg_time now, eg_handle handle) {
    struct eg_stream *stream = find_stream(core, handle);
    if (stream == NULL) return EG_STATUS_NOT_FOUND;
    while (stream->viewer_count > 0) close_viewer(core, stream->viewers[stream->viewer_count - 1], now, EG_CLOSE_STREAM_STOPPED);
    // Its counters live on in the engine's, which never fall.
    for (int i = 0; i < EG_DROP_COUNT; i++) core->stats.dropped[i] += stream->drops[i];
    eg__list_remove(&stream->event);
    eg__list_remove(&stream->ready);
    eg__deadlines_set(&core->stream_deadlines, &stream->deadline, EG_TIME_NEVER);
    eg__stream_deinit(stream);
    eg__pool_release(&core->streams, handle);
    return EG_STATUS_OK;
}

static void describe_viewer(const struct eg_viewer *viewer, struct eg_viewer_info *info) {
    *info = (struct eg_viewer_info){
        .viewer = viewer->handle,
        .video_ssrc = viewer->tracks[EG_VIDEO].ssrc,
        .video_rtx_ssrc = viewer->tracks[EG_VIDEO].has_rtx ? viewer->tracks[EG_VIDEO].rtx_ssrc : 0,
        .audio_ssrc = viewer->tracks[EG_AUDIO].ssrc,
    };
    snprintf(info->ice_ufrag, sizeof info->ice_ufrag, "%s", viewer->ice.local_ufrag);
    snprintf(info->ice_pwd, sizeof info->ice_pwd, "%s", viewer->ice.local_pwd);
    snprintf(info->cname, sizeof info->cname, "%s", viewer->cname);
}

static bool is_credential(const char *text, size_t size_min, size_t size_max) {
    size_t size = 0;
    for (; text[size] != '\0'; size++) {
        char c = text[size];
        bool is_ice_char = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
        if (!is_ice_char || size >= size_max) return false;
    }
    return size >= size_min;
}

static const char *credentials_problem(const char *ufrag, const char *pwd) {
    if (!is_credential(ufrag, 4, EG_ICE_UFRAG_SIZE_MAX)) return "ice_ufrag: 4 to 256 letters, digits, + or / (RFC 8839 §5.4)";
    if (!is_credential(pwd, 22, EG_ICE_PWD_SIZE_MAX)) return "ice_pwd: 22 to 256 letters, digits, + or / (RFC 8839 §5.4)";
    return NULL;
}

static const char *local_credentials_problem(const char *ufrag, const char *pwd) {
    if (ufrag == NULL && pwd == NULL) return NULL;
    if (ufrag == NULL || pwd == NULL) return "local_ice_ufrag, local_ice_pwd: both or neither";
    if (!is_credential(ufrag, EG_ICE_UFRAG_SIZE, EG_ICE_UFRAG_SIZE)) return "local_ice_ufrag: 8 letters, digits, + or /";
    if (!is_credential(pwd, EG_ICE_PWD_SIZE, EG_ICE_PWD_SIZE)) return "local_ice_pwd: 24 letters, digits, + or /";
    return NULL;
}

static bool parse_hex_digit(char c, uint8_t *digit) {
    if (c >= '0' && c <= '9') *digit = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f') *digit = (uint8_t)(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') *digit = (uint8_t)(c - 'A' + 10);
    else return false;
    return true;
}

// "sha-256 AB:CD:…", RFC 8122 §5.
static bool parse_fingerprint(const char *text, struct eg_fingerprint *fingerprint) {
    static const struct {
        const char *name;
        enum eg_fingerprint_hash hash;
        size_t size;
    } hashes[] = {
        {"sha-256 ", EG_FINGERPRINT_SHA256, 32},
        {"sha-1 ", EG_FINGERPRINT_SHA1, 20},
        {"sha-384 ", EG_FINGERPRINT_SHA384, 48},
        {"sha-512 ", EG_FINGERPRINT_SHA512, 64},
    };
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        size_t name_size = strlen(hashes[i].name);
        if (strncasecmp(text, hashes[i].name, name_size) != 0) continue;
        text += name_size;
        fingerprint->hash = hashes[i].hash;
        if (strlen(text) != hashes[i].size * 3 - 1) return false;
        for (size_t at = 0; at < hashes[i].size; at++, text += 3) {
            uint8_t high, low;
            if (!parse_hex_digit(text[0], &high) || !parse_hex_digit(text[1], &low)) return false;
            if (at + 1 < hashes[i].size && text[2] != ':') return false;
            fingerprint->bytes[at] = (uint8_t)(high << 4 | low);
        }
        return true;
    }
    return false;
}

static const char *viewer_config_problem(const struct eg_viewer_config *config, const struct eg_stream *stream) {
    if (!config->has_video && !config->has_audio) return "has_video, has_audio: at least one track";
    if (config->has_video && !stream->config.has_video) return "has_video: the stream has no video";
    if (config->has_audio && !stream->config.has_audio) return "has_audio: the stream has no audio";
    if (config->video_payload_type > 127 || config->audio_payload_type > 127 || config->video_rtx_payload_type > 127)
        return "video_payload_type, video_rtx_payload_type, audio_payload_type: 0..127";
    const char *problem = credentials_problem(config->ice_ufrag, config->ice_pwd);
    return problem != NULL ? problem : local_credentials_problem(config->local_ice_ufrag, config->local_ice_pwd);
}

eg_status eg__core_add_viewer(struct eg_core *core, eg_time now, const struct eg_viewer_config *config, struct eg_viewer_info *info,
                              struct eg_error *error) {
    struct eg_stream *stream = find_stream(core, config->stream);
    if (stream == NULL) return fail(error, EG_STATUS_NOT_FOUND, "no such stream");
    const char *problem = viewer_config_problem(config, stream);
    if (problem != NULL) return fail(error, EG_STATUS_INVALID_ARGUMENT, problem);
    struct eg_fingerprint fingerprint = {0};
    if (!parse_fingerprint(config->fingerprint, &fingerprint))
        return fail(error, EG_STATUS_INVALID_ARGUMENT, "fingerprint: a hash name and its bytes in hex with colons (RFC 8122 §5)");
    if (core->viewers.count == core->config.viewers_max) return fail(error, EG_STATUS_LIMIT_REACHED, "as many viewers as viewers_max allows");

    eg_handle handle;
    struct eg_viewer *viewer = eg__pool_take(&core->viewers, &handle);
    if (viewer == NULL) return fail(error, EG_STATUS_NO_MEMORY, "no memory for a viewer");
    if (!eg__deadlines_reserve(&core->viewer_deadlines, core->viewers.count) ||
        !eg__viewer_init(viewer, &core->context, now, config, &fingerprint)) {
        eg__pool_release(&core->viewers, handle);
        return fail(error, EG_STATUS_NO_MEMORY, "no memory for a viewer");
    }
    viewer->handle = handle;
    viewer->stream_handle = stream->handle;
    viewer->stream = stream;
    eg__deadline_init(&viewer->deadline, handle);
    uint64_t hash = ufrag_hash(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag));
    bool is_listed = eg__stream_add_viewer(stream, viewer);
    if (!is_listed || !eg__table_insert(&core->by_ufrag, hash, handle)) {
        if (is_listed) eg__stream_remove_viewer(stream, viewer);
        eg__viewer_deinit(viewer);
        eg__pool_release(&core->viewers, handle);
        return fail(error, EG_STATUS_NO_MEMORY, "no memory for a viewer");
    }
    core->stats.viewers_created++;
    schedule_viewer(core, viewer, now);
    follow_stream(core, stream);
    describe_viewer(viewer, info);
    return EG_STATUS_OK;
}

eg_status eg__core_restart_ice(struct eg_core *core, eg_handle handle, const char *ice_ufrag, const char *ice_pwd,
                               struct eg_viewer_info *info, struct eg_error *error) {
    struct eg_viewer *viewer = find_viewer(core, handle);
    if (viewer == NULL) return fail(error, EG_STATUS_NOT_FOUND, "no such viewer");
    const char *problem = credentials_problem(ice_ufrag, ice_pwd);
    if (problem != NULL) return fail(error, EG_STATUS_INVALID_ARGUMENT, problem);
    uint64_t old_hash = ufrag_hash(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag));
    if (!eg__ice_restart(&viewer->ice, core->random, ice_ufrag, ice_pwd)) return fail(error, EG_STATUS_NO_MEMORY, "no memory for credentials");
    eg__table_remove(&core->by_ufrag, old_hash, handle);
    // A place has just become free, so this can't fail.
    bool is_inserted = eg__table_insert(&core->by_ufrag, ufrag_hash(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag)), handle);
    EG_ASSERT(is_inserted);
    describe_viewer(viewer, info);
    return EG_STATUS_OK;
}

eg_status eg__core_close_viewer(struct eg_core *core, eg_time now, eg_handle handle, eg_close_reason reason) {
    struct eg_viewer *viewer = find_viewer(core, handle);
    if (viewer == NULL) return EG_STATUS_NOT_FOUND;
    close_viewer(core, viewer, now, reason);
    return EG_STATUS_OK;
}

// --- receive ---

void eg__core_receive_source(struct eg_core *core, eg_time now, eg_handle handle, enum eg_track_kind kind, const struct eg_addr *from,
                             const uint8_t *bytes, size_t size) {
    struct eg_stream *stream = find_stream(core, handle);
    if (stream == NULL || !eg__stream_has(stream, kind)) return;
    core->stats.packets_received++;
    core->stats.bytes_received += size;
    eg__source_receive(&stream->sources[kind], now, from, bytes, size);
    follow_stream(core, stream);
}

void eg__core_count_overflow(struct eg_core *core, eg_handle handle, enum eg_track_kind kind, uint32_t count) {
    struct eg_stream *stream = find_stream(core, handle);
    if (stream == NULL || !eg__stream_has(stream, kind)) return;
    stream->drops[EG_DROP_SOURCE_OVERFLOW] += count;
}

// The addresses that a viewer's checks came from are where its DTLS and SRTCP may come from.
static void index_paths(struct eg_core *core, struct eg_viewer *viewer, const struct eg_path *before, size_t before_count) {
    for (size_t i = 0; i < before_count; i++)
        eg__table_remove(&core->by_address, eg__addr_hash(core->hash_seed, &before[i].remote), viewer->handle);
    for (size_t i = 0; i < viewer->ice.validated_count; i++) {
        uint64_t hash = eg__addr_hash(core->hash_seed, &viewer->ice.validated[i].remote);
        eg__table_remove(&core->by_address, hash, viewer->handle); // two local addresses, one remote: one entry
        if (!eg__table_insert(&core->by_address, hash, viewer->handle)) core->stats.dropped[EG_DROP_NO_ROOM]++;
    }
}

static void receive_stun(struct eg_core *core, eg_time now, const struct eg_path *path, const uint8_t *bytes, size_t size,
                         struct eg_batch *batch) {
    struct eg_stun stun;
    if (!eg__stun_parse(&stun, bytes, size)) {
        core->stats.dropped[EG_DROP_STUN_MALFORMED]++;
        return;
    }
    const char *ufrag;
    size_t ufrag_size;
    struct eg_viewer *viewer;
    if (eg__ice_local_ufrag(&stun, &ufrag, &ufrag_size)) viewer = find_viewer_by_ufrag(core, ufrag, ufrag_size);
    else viewer = find_viewer_by_path(core, path, EG_DATAGRAM_STUN); // a reply to a check of ours names no user
    if (viewer == NULL) {
        core->stats.dropped[EG_DROP_STUN_UNKNOWN_USER]++;
        return;
    }
    struct eg_path before[EG_ICE_VALIDATED_MAX];
    size_t before_count = viewer->ice.validated_count;
    memcpy(before, viewer->ice.validated, sizeof before);
    eg__viewer_receive_stun(viewer, &core->context, now, path, &stun, bytes, size, batch);
    if (before_count != viewer->ice.validated_count || memcmp(before, viewer->ice.validated, sizeof before) != 0)
        index_paths(core, viewer, before, before_count);
    follow_viewer(core, viewer, now);
}

static void receive_from_viewer(struct eg_core *core, eg_time now, const struct eg_path *path, enum eg_datagram_kind kind, const uint8_t *bytes,
                                size_t size, struct eg_batch *batch) {
    struct eg_viewer *viewer = find_viewer_by_path(core, path, kind);
    if (viewer == NULL) {
        core->stats.dropped[EG_DROP_UNVALIDATED]++;
        return;
    }
    if (kind == EG_DATAGRAM_DTLS) eg__viewer_receive_dtls(viewer, &core->context, now, path, bytes, size, batch);
    else if (kind == EG_DATAGRAM_RTP) core->stats.dropped[EG_DROP_MEDIA_FROM_VIEWER]++;
    else if (viewer->state != EG_VIEWER_CONNECTED || !eg__feedback_receive(viewer, &core->context, now, bytes, size, batch))
        core->stats.dropped[EG_DROP_SRTCP_REJECTED]++;
    follow_viewer(core, viewer, now);
}

void eg__core_receive_viewer(struct eg_core *core, eg_time now, const struct eg_path *path, const uint8_t *bytes, size_t size,
                             struct eg_batch *batch) {
    EG_ASSERT(eg__batch_has_reserve(batch));
    enum eg_datagram_kind kind = eg__demux(bytes, size);
    if (kind == EG_DATAGRAM_UNKNOWN) core->stats.dropped[EG_DROP_UNKNOWN]++;
    else if (kind == EG_DATAGRAM_STUN) receive_stun(core, now, path, bytes, size, batch);
    else receive_from_viewer(core, now, path, kind, bytes, size, batch);
}

// --- time ---

static void tick_stream(struct eg_core *core, struct eg_stream *stream, eg_time now) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg__source_tick(&stream->sources[kind], now);
    if (now >= eg__time_after(stream->silent_since, core->config.source_grace))
        while (stream->viewer_count > 0) close_viewer(core, stream->viewers[stream->viewer_count - 1], now, EG_CLOSE_SOURCE_LOST);
    follow_stream(core, stream);
}

void eg__core_tick(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    for (struct eg_deadline *deadline; (deadline = eg__deadlines_pop(&core->stream_deadlines, now)) != NULL;)
        tick_stream(core, find_stream(core, deadline->owner), now);
    while (eg__batch_has_reserve(batch)) {
        struct eg_deadline *deadline = eg__deadlines_pop(&core->viewer_deadlines, now);
        if (deadline == NULL) return;
        struct eg_viewer *viewer = find_viewer(core, deadline->owner);
        eg__viewer_tick(viewer, &core->context, now, batch);
        // A report that is due goes out with transmit, like media.
        if (viewer->state == EG_VIEWER_CONNECTED && viewer->next_report > 0 && viewer->next_report <= now) viewer->transmit_at = now;
        follow_viewer(core, viewer, now);
    }
}

eg_time eg__core_deadline(const struct eg_core *core) {
    return eg__time_min(eg__deadlines_next(&core->stream_deadlines), eg__deadlines_next(&core->viewer_deadlines));
}

// --- transmit ---

static bool transmit_goodbyes(struct eg_core *core, struct eg_batch *batch) {
    while (!eg__list_is_empty(&core->leaving)) {
        if (!eg__batch_has_reserve(batch)) return false;
        struct eg_viewer *viewer = EG_LIST_OWNER(core->leaving.next, struct eg_viewer, leaving);
        eg__viewer_write_goodbye(viewer, batch);
        eg__list_remove(&viewer->leaving);
    }
    return true;
}

static bool transmit_due(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    while (!eg__list_is_empty(&core->due)) {
        struct eg_viewer *viewer = EG_LIST_OWNER(core->due.next, struct eg_viewer, due);
        if (!eg__fanout_viewer(viewer, &core->context, now, batch)) return false;
        eg__list_remove(&viewer->due);
        eg__viewer_schedule(viewer, &core->context);
    }
    return true;
}

static bool transmit_ready(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    while (!eg__list_is_empty(&core->ready)) {
        struct eg_stream *stream = EG_LIST_OWNER(core->ready.next, struct eg_stream, ready);
        if (!eg__fanout_stream(stream, &core->context, now, batch)) return false;
        eg__list_remove(&stream->ready);
    }
    return true;
}

bool eg__core_transmit(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    return !transmit_due(core, now, batch) || !transmit_ready(core, now, batch) || !transmit_goodbyes(core, batch);
}

// --- events and numbers ---

static bool poll_stream_event(struct eg_core *core, struct eg_event *event) {
    if (eg__list_is_empty(&core->stream_events)) return false;
    struct eg_stream *stream = EG_LIST_OWNER(core->stream_events.next, struct eg_stream, event);
    unsigned kind = 0;
    while ((stream->events >> kind & 1) == 0) kind++;
    stream->events &= ~(1u << kind);
    *event = (struct eg_event){
        .kind = EG_EVENT_STREAM,
        .stream = {.stream = stream->handle, .kind = (eg_stream_event_kind)kind, .video = stream->sources[EG_VIDEO].format},
    };
    if (stream->events == 0) eg__list_remove(&stream->event);
    return true;
}

static bool poll_viewer_event(struct eg_core *core, struct eg_event *event) {
    for (struct eg_list *node = core->viewer_events.next; node != &core->viewer_events; node = node->next) {
        struct eg_viewer *viewer = EG_LIST_OWNER(node, struct eg_viewer, event);
        if (eg__list_contains(&viewer->leaving)) continue; // its goodbye is still to be written
        *event = (struct eg_event){
            .kind = EG_EVENT_VIEWER,
            .viewer = {.viewer = viewer->handle, .stream = viewer->stream_handle, .state = viewer->state, .reason = viewer->close_reason},
        };
        if (viewer->ice.has_path) eg__addr_format(&viewer->ice.path.remote, event->viewer.remote_address);
        eg__list_remove(&viewer->event);
        if (viewer->state == EG_VIEWER_CLOSED) {
            eg__viewer_deinit(viewer);
            eg__pool_release(&core->viewers, viewer->handle);
        }
        return true;
    }
    return false;
}

bool eg__core_poll_event(struct eg_core *core, struct eg_event *event) {
    return poll_stream_event(core, event) || poll_viewer_event(core, event);
}

void eg__core_count_send(struct eg_core *core, uint32_t messages, uint32_t calls, uint32_t buffer_full, uint32_t failed) {
    core->stats.messages_sent += messages;
    core->stats.send_calls += calls;
    core->stats.dropped[EG_DROP_SEND_BUFFER_FULL] += buffer_full;
    core->stats.dropped[EG_DROP_SEND_FAILED] += failed;
}

void eg__core_stats(const struct eg_core *core, struct eg_engine_stats *stats) {
    *stats = core->stats;
    stats->streams = core->streams.count;
    stats->viewers = core->viewers.count;
    stats->viewers_connected = core->connected;
    stats->handshakes = core->handshakes.count;
    uint32_t index = 0;
    for (const struct eg_stream *stream; (stream = eg__pool_next(&core->streams, &index, &(eg_handle){0})) != NULL;)
        for (int i = 0; i < EG_DROP_COUNT; i++) stats->dropped[i] += stream->drops[i];
}

void eg__core_usage(const struct eg_core *core, struct eg_core_usage *usage) {
    *usage = (struct eg_core_usage){
        .streams = core->streams.count,
        .viewers = core->viewers.count,
        .chunks = core->chunks.count,
        .deadlines = core->stream_deadlines.count + core->viewer_deadlines.count,
        .names = core->by_ufrag.count,
        .addresses = core->by_address.count,
        .handshakes = core->handshakes.count,
    };
}

static struct eg_source_stats source_stats(const struct eg_source *source) {
    struct eg_source_stats stats = source->stats;
    stats.bytes_stored = source->store->bytes;
    return stats;
}

eg_status eg__core_stream_stats(const struct eg_core *core, eg_time now, eg_handle handle, struct eg_stream_stats *stats) {
    (void)now;
    const struct eg_stream *stream = find_stream(core, handle);
    if (stream == NULL) return EG_STATUS_NOT_FOUND;
    const struct eg_source *video = &stream->sources[EG_VIDEO];
    *stats = (struct eg_stream_stats){
        .video = source_stats(video),
        .audio = source_stats(&stream->sources[EG_AUDIO]),
        .format = video->format,
        .viewers = stream->viewer_count,
        .pictures = video->pictures,
        .idrs = video->idrs,
        .gop_ms = video->gop_ms,
        .has_b_frames = video->backward_pictures >= EG_BACKWARD_PICTURES,
        .packets_sent = stream->packets_sent,
        .bytes_sent = stream->bytes_sent,
    };
    memcpy(stats->dropped, stream->drops, sizeof stats->dropped);
    for (uint32_t i = 0; i < stream->viewer_count; i++)
        if (stream->viewers[i]->state == EG_VIEWER_CONNECTED) stats->viewers_connected++;
    return EG_STATUS_OK;
}

eg_status eg__core_viewer_stats(const struct eg_core *core, eg_time now, eg_handle handle, struct eg_viewer_stats *stats) {
    const struct eg_viewer *viewer = find_viewer(core, handle);
    if (viewer == NULL) return EG_STATUS_NOT_FOUND;
    *stats = (struct eg_viewer_stats){
        .stream = viewer->stream_handle,
        .state = viewer->state,
        .packets_sent = viewer->stats.packets,
        .bytes_sent = viewer->stats.bytes,
        .nacks = viewer->stats.nacks,
        .plis = viewer->stats.plis,
        .lost = (uint64_t)viewer->stats.lost[EG_VIDEO] + viewer->stats.lost[EG_AUDIO],
        .round_trip_us = viewer->stats.round_trip_us,
        .jitter_us = viewer->stats.jitter_us,
        .age_ms = (uint32_t)((now - viewer->created_at) / EG_MILLISECOND),
    };
    if (viewer->ice.has_path) eg__addr_format(&viewer->ice.path.remote, stats->remote_address);
    return EG_STATUS_OK;
}
