// The public enums in words.
#include "cegress.h"

const char *eg_drop_name(eg_drop drop) {
    static const char *const names[EG_DROP_COUNT] = {
        [EG_DROP_SOURCE_UNKNOWN] = "source_unknown",
        [EG_DROP_SOURCE_MALFORMED] = "source_malformed",
        [EG_DROP_SOURCE_PAYLOAD_TYPE] = "source_payload_type",
        [EG_DROP_SOURCE_STRANGER] = "source_stranger",
        [EG_DROP_SOURCE_DUPLICATE] = "source_duplicate",
        [EG_DROP_SOURCE_LATE] = "source_late",
        [EG_DROP_SOURCE_TOO_LARGE] = "source_too_large",
        [EG_DROP_SOURCE_BEFORE_IDR] = "source_before_idr",
        [EG_DROP_SOURCE_OVERFLOW] = "source_overflow",
        [EG_DROP_UNKNOWN] = "unknown",
        [EG_DROP_STUN_MALFORMED] = "stun_malformed",
        [EG_DROP_STUN_UNKNOWN_USER] = "stun_unknown_user",
        [EG_DROP_STUN_REJECTED] = "stun_rejected",
        [EG_DROP_UNVALIDATED] = "unvalidated",
        [EG_DROP_SRTCP_REJECTED] = "srtcp_rejected",
        [EG_DROP_MEDIA_FROM_VIEWER] = "media_from_viewer",
        [EG_DROP_NO_ROOM] = "no_room",
        [EG_DROP_SEND_BUFFER_FULL] = "send_buffer_full",
        [EG_DROP_SEND_FAILED] = "send_failed",
        [EG_DROP_SLOW_VIEWER] = "slow_viewer",
        [EG_DROP_HANDSHAKE_LIMIT] = "handshake_limit",
        [EG_DROP_WORKER_BUSY] = "worker_busy",
        [EG_DROP_HANDSHAKE_BUSY] = "handshake_busy",
        [EG_DROP_VIEWER_OVERFLOW] = "viewer_overflow",
        [EG_DROP_SOURCE_PAYLOAD] = "source_payload",
        [EG_DROP_FEEDBACK] = "feedback",
    };
    return (uint32_t)drop < EG_DROP_COUNT ? names[drop] : "other";
}

const char *eg_close_reason_name(eg_close_reason reason) {
    static const char *const names[] = {
        [EG_CLOSE_NONE] = "none",
        [EG_CLOSE_REQUESTED] = "requested",
        [EG_CLOSE_STREAM_STOPPED] = "stream_stopped",
        [EG_CLOSE_PEER] = "peer",
        [EG_CLOSE_NO_CHECK] = "no_check",
        [EG_CLOSE_CONSENT_EXPIRED] = "consent_expired",
        [EG_CLOSE_HANDSHAKE_TIMEOUT] = "handshake_timeout",
        [EG_CLOSE_HANDSHAKE_FAILED] = "handshake_failed",
        [EG_CLOSE_FINGERPRINT] = "fingerprint",
        [EG_CLOSE_SOURCE_LOST] = "source_lost",
        [EG_CLOSE_CONGESTION] = "congestion",
        [EG_CLOSE_WRONG_PASSWORD] = "wrong_password",
        [EG_CLOSE_NO_HANDSHAKE] = "no_handshake",
        [EG_CLOSE_NO_SRTP_PROFILE] = "no_srtp_profile",
    };
    return (uint32_t)reason < sizeof names / sizeof names[0] ? names[reason] : "other";
}

const char *eg_switch_reason_name(eg_switch_reason reason) {
    static const char *const names[EG_SWITCH_REASON_COUNT] = {
        [EG_SWITCH_NONE] = "none",
        [EG_SWITCH_CONGESTION] = "congestion",
        [EG_SWITCH_NO_FEEDBACK] = "no_feedback",
        [EG_SWITCH_BOUND] = "bound",
        [EG_SWITCH_ROOM] = "room",
        [EG_SWITCH_PINNED] = "pinned",
        [EG_SWITCH_ENCODING_LOST] = "encoding_lost",
    };
    return (uint32_t)reason < EG_SWITCH_REASON_COUNT ? names[reason] : "other";
}

const char *eg_codec_name(eg_codec codec) {
    static const char *const names[] = {
        [EG_CODEC_DEFAULT] = "default",
        [EG_CODEC_H264] = "h264",
        [EG_CODEC_H265] = "h265",
        [EG_CODEC_VP8] = "vp8",
        [EG_CODEC_VP9] = "vp9",
        [EG_CODEC_AV1] = "av1",
        [EG_CODEC_OPUS] = "opus",
        [EG_CODEC_PCMU] = "pcmu",
        [EG_CODEC_PCMA] = "pcma",
        [EG_CODEC_G722] = "g722",
    };
    bool is_known = (uint32_t)codec < sizeof names / sizeof names[0] && names[codec] != NULL;
    return is_known ? names[codec] : "other";
}
