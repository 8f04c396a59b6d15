#include "delivery/viewer_config.h"

#include "base/limits.h"

#include <string.h>
#include <strings.h>

enum { RTP_EXTENSION_ID_MAX = 14 };

static bool is_credential(const char *text, size_t size_min, size_t size_max) {
    size_t size = 0;
    if (text == NULL) return false;
    for (; text[size] != '\0'; size++) {
        char c = text[size];
        bool is_ice_char = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
        if (!is_ice_char || size >= size_max) return false;
    }
    return size >= size_min;
}

const char *eg__ice_credentials_problem(const char *ufrag, const char *pwd) {
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

bool eg__fingerprint_parse(const char *text, struct eg_fingerprint *fingerprint) {
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
    if (text == NULL) return false;
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

static eg_codec codec_of(const struct eg_stream_config *stream, uint32_t encoding) {
    eg_codec codec = encoding == 0 ? stream->video_codec : stream->further[encoding - 1].codec;
    return codec == EG_CODEC_DEFAULT ? EG_CODEC_H264 : codec;
}

static const char *ladder_problem(const struct eg_viewer_config *config, const struct eg_stream_config *stream) {
    if (config->transport_cc_id > RTP_EXTENSION_ID_MAX) return "transport_cc_id: 1 to 14, or 0 (RFC 8285 §4.2)";
    if (config->ladder == 0) return NULL;
    if (!config->has_video) return "ladder: without has_video";
    if (config->ladder >> (stream->further_count + 1) != 0) return "ladder: the stream has no such encoding";
    if ((config->ladder >> config->encoding & 1) == 0) return "ladder: without the encoding that it begins with";
    for (uint32_t i = 0; i <= stream->further_count; i++)
        if ((config->ladder >> i & 1) != 0 && codec_of(stream, i) != codec_of(stream, (uint32_t)config->encoding))
            return "ladder: encodings of more than one codec";
    return NULL;
}

const char *eg__viewer_config_problem(const struct eg_viewer_config *config, const struct eg_stream_config *stream) {
    if (!config->has_video && !config->has_audio) return "has_video, has_audio: at least one track";
    if (config->has_video && !stream->has_video) return "has_video: the stream has no video";
    if (config->has_video && config->encoding > stream->further_count) return "encoding: the stream has no such encoding";
    const char *ladder = ladder_problem(config, stream);
    if (ladder != NULL) return ladder;
    if (config->has_audio && !stream->has_audio) return "has_audio: the stream has no audio";
    if (config->video_payload_type > 127 || config->audio_payload_type > 127 || config->video_rtx_payload_type > 127)
        return "video_payload_type, video_rtx_payload_type, audio_payload_type: 0..127";
    const char *problem = eg__ice_credentials_problem(config->ice_ufrag, config->ice_pwd);
    return problem != NULL ? problem : local_credentials_problem(config->local_ice_ufrag, config->local_ice_pwd);
}
