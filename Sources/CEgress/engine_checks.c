// What a caller gives, as far as it can be judged without a core.
#include "engine_parts.h"

#include "base/error.h"
#include "transport/dtls.h"
#include "wire/codec.h"

#include <string.h>

enum { BUFFER_SIZE_MAX = 1 << 30 }; // [B] an int holds what the kernel makes of it

static eg_status check_range(const char *field, uint32_t value, uint32_t max, struct eg_error *error) {
    if (value <= max) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is %u, at most %u is allowed", field, value, max);
}

static eg_status check_crypto(const char *name, struct eg_error *error) {
    if (name == NULL || strcmp(name, "ipsec-mb") == 0 || strcmp(name, "openssl") == 0) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "crypto is \"%.60s\", \"ipsec-mb\" and \"openssl\" are allowed, or NULL", name);
}

eg_status eg__check_config(const struct eg_config *config, struct eg_error *error) {
    const struct {
        const char *field;
        uint32_t value;
        uint32_t max;
    } ranges[] = {
        {"io", (uint32_t)config->io, EG_IO_COUNT - 1},
        {"workers", config->workers, EG_WORKERS_MAX},
        {"streams_max", config->streams_max, EG_STREAMS_MAX},
        {"viewers_max", config->viewers_max, EG_VIEWERS_MAX},
        {"source_receive_buffer_size", config->source_receive_buffer_size, BUFFER_SIZE_MAX},
        {"viewer_buffer_size", config->viewer_buffer_size, BUFFER_SIZE_MAX},
        {"handshakes_max", config->handshakes_max, EG_HANDSHAKES_MAX},
        {"handshakes_per_address_max", config->handshakes_per_address_max, EG_HANDSHAKES_MAX},
        {"handshake_timeout_ms", config->handshake_timeout_ms, EG_DTLS_HANDSHAKE_TIMEOUT_MAX_MS},
        {"handshake_size_max", config->handshake_size_max, EG_DTLS_HANDSHAKE_SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        eg_status status = check_range(ranges[i].field, ranges[i].value, ranges[i].max, error);
        if (status != EG_STATUS_OK) return status;
    }
    if (config->handshake_size_max != 0 && config->handshake_size_max < EG_DTLS_HANDSHAKE_SIZE_MIN) {
        return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "handshake_size_max is %u, at least %u is needed", config->handshake_size_max,
                        EG_DTLS_HANDSHAKE_SIZE_MIN);
    }
    eg_status status = check_crypto(config->crypto, error);
    if (status != EG_STATUS_OK) return status;
    uint16_t min = config->source_port_min, max = config->source_port_max;
    if (min == 0 && max == 0) return EG_STATUS_OK;
    if (min > 0 && min < max) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "source_port_min %u and source_port_max %u leave no room for a pair", min, max);
}

// 64..95 would look like RTCP where both share a port (RFC 5761 §4).
static eg_status check_payload_type(const char *field, uint8_t payload_type, struct eg_error *error) {
    if (payload_type <= 127 && (payload_type < 64 || payload_type > 95)) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is %u, 0 to 63 and 96 to 127 are allowed", field, payload_type);
}

struct payload_type {
    const char *field;
    bool is_used;
    uint8_t value;
};

// Each that is used is allowed, and no two are the same.
static eg_status check_payload_types(const struct payload_type *types, size_t count, struct eg_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (!types[i].is_used) continue;
        eg_status status = check_payload_type(types[i].field, types[i].value, error);
        if (status != EG_STATUS_OK) return status;
        for (size_t j = 0; j < i; j++) {
            if (!types[j].is_used || types[j].value != types[i].value) continue;
            return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is %u, and so is %s", types[i].field, types[i].value, types[j].field);
        }
    }
    return EG_STATUS_OK;
}

static eg_status check_codec(const char *field, eg_codec codec, bool is_video, struct eg_error *error) {
    if (eg__codec_traits(codec, is_video) != NULL) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is %d (%s), which is no codec of %s", field, (int)codec, eg_codec_name(codec),
                    is_video ? "video" : "sound");
}

// Each encoding has a port of its own, so only the sound's payload type may not be theirs: a leg that goes to the wrong port would not show.
static eg_status check_further(const struct eg_stream_config *config, struct eg_error *error) {
    if (config->further_count == 0) return EG_STATUS_OK;
    if (!config->has_video) return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "further_count without has_video");
    eg_status status = check_range("further_count", config->further_count, EG_ENCODINGS_MAX - 1, error);
    for (uint32_t i = 0; status == EG_STATUS_OK && i < config->further_count; i++) {
        const struct payload_type types[] = {
            {"audio_payload_type", config->has_audio, config->audio_payload_type},
            {"further.payload_type", true, config->further[i].payload_type <= UINT8_MAX ? (uint8_t)config->further[i].payload_type : UINT8_MAX},
        };
        status = check_payload_types(types, sizeof types / sizeof types[0], error);
        if (status == EG_STATUS_OK) status = check_codec("further.codec", config->further[i].codec, true, error);
    }
    return status;
}

eg_status eg__check_stream(const struct eg_stream_config *config, struct eg_error *error) {
    if (!config->has_video && !config->has_audio) {
        return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "has_video and has_audio are both false");
    }
    const struct payload_type types[] = {
        {"video_payload_type", config->has_video, config->video_payload_type},
        {"audio_payload_type", config->has_audio, config->audio_payload_type},
    };
    eg_status status = check_payload_types(types, sizeof types / sizeof types[0], error);
    if (status == EG_STATUS_OK) status = check_codec("video_codec", config->video_codec, true, error);
    if (status == EG_STATUS_OK) status = check_codec("audio_codec", config->audio_codec, false, error);
    return status == EG_STATUS_OK ? check_further(config, error) : status;
}

eg_status eg__check_viewer(const struct eg_viewer_config *config, struct eg_error *error) {
    if (config->has_video_rtx && !config->has_video) {
        return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "has_video_rtx without has_video");
    }
    const struct payload_type types[] = {
        {"video_payload_type", config->has_video, config->video_payload_type},
        {"video_rtx_payload_type", config->has_video_rtx, config->video_rtx_payload_type},
        {"audio_payload_type", config->has_audio, config->audio_payload_type},
    };
    return check_payload_types(types, sizeof types / sizeof types[0], error);
}
