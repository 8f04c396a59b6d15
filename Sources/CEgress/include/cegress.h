// Egress: RTP in over loopback UDP, WebRTC out to any number of viewers. The engine, as C sees it.
//
// An engine owns one UDP port for all viewers, one or more threads (workers), and any number of streams. A stream is a pair of adjacent
// loopback ports that a sender (FFmpeg) writes RTP to: video and sound, each in one of the codecs of eg_codec. A viewer is one WebRTC session
// that watches a stream; its signalling (SDP, HTTP) is the caller's, its ICE, DTLS and SRTP are the engine's.
//
// A key picture is one that needs no other to be decoded: in H.264 an IDR, in H.265 an IDR, BLA or CRA, in VP8, VP9 and AV1 a key frame. Where
// this header says IDR, it means the key pictures of any codec.
//
// Threads: every function may be called from any thread at any time between eg_engine_create and eg_engine_destroy. Inside a hook only those
// functions may be called that say so. The engine's threads carry out the functions that change or read its state. The caller waits for one
// turn of the loop of each thread concerned, well under a millisecond when the machine isn't overloaded. No function waits for the network.
//
// Nothing is global: any number of engines live in one process. No signal handler is installed, no signal is raised.
//
// Versions: a program may run with a newer or an older library than the header it was built against. A struct grows only at its end, and
// never by less than 8 bytes. Each function that takes structs is inline: it calls the function of the same name with `_sized` and passes the
// size of each struct. The library exports only the `_sized` functions, and other languages call those.
// A struct of the program that is smaller than the library's: the library writes only the fields that it has room for, and uses the default
// for fields that the program did not pass. A struct of the program that is larger: fields that the library does not know must be zero when
// passed, else the call is refused with EG_STATUS_UNSUPPORTED, and are zero when returned.
// eg_error, eg_video_format and eg_source_stats never grow.
#ifndef CEGRESS_H
#define CEGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define EG_BEGIN \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wunknown-warning-option\"") \
        _Pragma("clang diagnostic ignored \"-Wc23-extensions\"") _Pragma("clang diagnostic ignored \"-Wnullability-extension\"") \
            _Pragma("clang assume_nonnull begin")
#define EG_END _Pragma("clang assume_nonnull end") _Pragma("clang diagnostic pop")
#define EG_NULLABLE _Nullable
#define EG_NONNULL _Nonnull
#define EG_ENUM(name, type) enum __attribute__((enum_extensibility(open))) name : type
#else
#define EG_BEGIN
#define EG_END
#define EG_NULLABLE
#define EG_NONNULL
#define EG_ENUM(name, type) enum name
#endif
#define EG_API __attribute__((visibility("default")))
#define EG_CHECKED __attribute__((warn_unused_result))
#define EG_INLINE static inline

#ifdef __cplusplus
extern "C" {
#endif

EG_BEGIN

typedef struct eg_engine eg_engine;

// An id names a stream or a viewer for as long as the engine lives, and is never used twice. 0 names none.
typedef uint64_t eg_stream_id;
typedef uint64_t eg_viewer_id;

EG_ENUM(eg_status, int32_t) {
    EG_STATUS_OK = 0,
    EG_STATUS_INVALID_ARGUMENT = 1, // a value is outside of what its comment allows: correct the call
    EG_STATUS_NO_MEMORY = 2,        // an allocation failed: try later, or with lower limits
    EG_STATUS_LIMIT_REACHED = 3,    // there are as many streams or viewers as the configuration allows: try when one has gone
    EG_STATUS_NOT_FOUND = 4,        // the stream or viewer does not exist, or not any more
    EG_STATUS_ADDRESS_IN_USE = 5,   // the UDP port is taken: choose another
    EG_STATUS_NO_PORTS = 6,         // no two adjacent free ports in the attempts allowed: the message names the last cause
    EG_STATUS_UNSUPPORTED = 7,      // what was requested is not available here: the message says what to do
    EG_STATUS_SYSTEM = 8,           // a system call failed for another reason: the message names it
    EG_STATUS_INACTIVE = 9,         // the stream's source has been silent for longer than source_grace_ms: try again when it may be back
};
typedef enum eg_status eg_status;

// What went wrong, for people to read. A function that takes an eg_error fills it whenever it does not return EG_STATUS_OK.
struct eg_error {
    eg_status status;
    int32_t system_error; // errno, 0 when no system call failed
    char message[248];    // zero-terminated
};

// How packets get in and out.
EG_ENUM(eg_io, int32_t) {
    EG_IO_AUTO = 0,  // io_uring where it works, else epoll
    EG_IO_URING = 1, // io_uring or nothing
    EG_IO_EPOLL = 2,
    EG_IO_COUNT = 3,
};
typedef enum eg_io eg_io;

// The configuration of an engine. In every field zero means the default.
struct eg_config {
    const char *EG_NULLABLE udp_address;  // numeric address to receive viewers on; NULL: every address, IPv4 and IPv6
    uint16_t udp_port;                    // 0: the system picks one, which eg_engine_info returns
    uint16_t source_port_min;             // range of loopback ports for streams; both 0: the system's ephemeral range
    uint16_t source_port_max;
    eg_io io;
    const char *EG_NULLABLE crypto;       // "ipsec-mb", "openssl"; NULL: the fastest that works here; any other name is refused
    uint32_t workers;                     // threads that share the viewers, at most 32; 0: one. Pass eg_cores() to use the whole machine
    uint32_t streams_max;                 // 0: 1,024
    uint32_t viewers_max;                 // of all streams together; 0: 20,000
    uint32_t source_receive_buffer_size;  // [B] requested from the kernel for each source socket; 0: 4 MiB
    uint32_t viewer_buffer_size;          // [B] requested for each worker's viewer socket, in each direction; 0: 8 MiB
    uint32_t burst_bit_rate_max;          // [bit/s] for the catch-up of one joining viewer; 0: 16 Mbit/s
    uint32_t burst_bit_rate_all_max_kbit; // [kbit/s] for all joining viewers together; 0: 1 Gbit/s. Beyond it viewers wait for the next IDR
    uint32_t source_grace_ms;             // [ms] viewers stay connected to a silent source for this long; 0: 30,000
    // DTLS handshakes under way, about 65 KiB each. Beyond the limit a ClientHello is dropped (EG_DROP_HANDSHAKE_LIMIT); its client repeats it.
    uint32_t handshakes_max;              // in all; 0: 1,000
    uint32_t handshakes_per_address_max;  // from one IPv4 address or IPv6 /64; 0: 64
    uint32_t handshake_timeout_ms;        // [ms] from the first check to the keys, at most 60,000; 0: 10,000
    uint32_t handshake_size_max;          // [B] a client may send until then, 4,096 to 65,536; 0: 65,536
};

EG_ENUM(eg_viewer_state, int32_t) {
    EG_VIEWER_NEW = 0,        // the viewer waits for its first authenticated ICE check
    EG_VIEWER_CONNECTING = 1, // the DTLS handshake is under way
    EG_VIEWER_CONNECTED = 2,  // media flows whenever the source sends any
    EG_VIEWER_CLOSED = 3,     // the viewer is gone; its id finds nothing any more
};
typedef enum eg_viewer_state eg_viewer_state;

// Why a viewer is gone.
EG_ENUM(eg_close_reason, int32_t) {
    EG_CLOSE_NONE = 0,               // the viewer is not gone
    EG_CLOSE_REQUESTED = 1,          // eg_viewer_close
    EG_CLOSE_STREAM_STOPPED = 2,     // eg_stream_destroy
    EG_CLOSE_PEER = 3,               // the viewer said goodbye (DTLS close_notify)
    EG_CLOSE_NO_CHECK = 4,           // no authenticated ICE check ever came: the UDP port can't be reached from the viewer's network
    EG_CLOSE_CONSENT_EXPIRED = 5,    // its checks stopped (RFC 7675): network lost, browser gone
    EG_CLOSE_HANDSHAKE_TIMEOUT = 6,  // DTLS began and did not finish in time
    EG_CLOSE_HANDSHAKE_FAILED = 7,   // one side refused DTLS
    EG_CLOSE_FINGERPRINT = 8,        // its certificate is not the one its SDP named
    EG_CLOSE_SOURCE_LOST = 9,        // the source stayed silent beyond the grace period
    EG_CLOSE_CONGESTION = 10,        // its reports said for 15 s that a quarter of the packets was lost: its link is too slow
    EG_CLOSE_WRONG_PASSWORD = 11,    // ICE checks came that named the viewer, none of them with its password: an old answer, or somebody else's
    EG_CLOSE_NO_HANDSHAKE = 12,      // ICE checks were answered, and no DTLS came: an answer gets there and DTLS does not, or the client gave up
    EG_CLOSE_NO_SRTP_PROFILE = 13,   // the client offered no SRTP profile that the engine has (RFC 5764 §4.1.2)
};
typedef enum eg_close_reason eg_close_reason;

// A change of a viewer's state.
struct eg_viewer_event {
    eg_viewer_id viewer;
    eg_stream_id stream;
    eg_viewer_state state;
    eg_close_reason reason;      // when `state` is EG_VIEWER_CLOSED
    char remote_address[56];     // "192.0.2.1:50000", empty before the first check
    int32_t alert;               // of the DTLS handshake that failed: its number (RFC 5246 §7.2), or -1. A client's may be somebody else's forgery
    int32_t alert_is_ours;       // 1: the engine sent it, or would have
};

EG_ENUM(eg_stream_event_kind, int32_t) {
    EG_STREAM_VIDEO_FORMAT = 0,  // a key picture has another format than the last one, or is the first
    EG_STREAM_ACTIVE = 1,        // media arrives, after a time without
    EG_STREAM_INACTIVE = 2,      // media stopped: the sender said BYE, or was silent for a second
    EG_STREAM_RESTARTED = 3,     // resumed after the sender changed or its timestamps jumped; viewers stay connected
    EG_STREAM_B_FRAMES = 4,      // timestamps go backwards: browsers can't play this; transcode it
    EG_STREAM_OTHER_CODEC = 5,   // no key picture of its codec comes to an encoding's port: another codec is sent, or hardly ever a key picture
};
typedef enum eg_stream_event_kind eg_stream_event_kind;

// The format of the last key picture: what its SPS describes (ITU-T H.264 §7.4.1.2.1, H.265), or it says itself. All fields are zero before the
// first key picture.
//
//                   H.264          H.265                  VP8        VP9        AV1
//   profile_idc     profile_idc    general_profile_idc    version    profile    seq_profile
//   constraints     profile-iop    tier, 1 is High        0          0          seq_tier, 1 is High
//   level_idc       level_idc      general_level_idc      0          0          seq_level_idx
struct eg_video_format {
    uint8_t profile_idc;
    uint8_t constraints;
    uint8_t level_idc;
    uint8_t chroma_format_idc; // 0: monochrome, 1: 4:2:0, 2: 4:2:2, 3: 4:4:4. VP9's 4:4:0 counts as 0
    uint16_t width;            // [px] as shown, without what is cropped; of AV1 the largest that its sequence header allows
    uint16_t height;           // [px]
};

struct eg_stream_event {
    eg_stream_id stream;
    eg_stream_event_kind kind;
    struct eg_video_format video;
    uint64_t encoding;           // that the format, B-frames or another codec are about; wide, so that the struct grows
};

// Why a viewer gets another encoding than before.
EG_ENUM(eg_switch_reason, int32_t) {
    EG_SWITCH_NONE = 0,          // it never was switched
    EG_SWITCH_CONGESTION = 1,    // packets queued up on its link, or were lost
    EG_SWITCH_NO_FEEDBACK = 2,   // it said nothing about what it gets any more
    EG_SWITCH_BOUND = 3,         // it asked for less (REMB)
    EG_SWITCH_ROOM = 4,          // its link takes more
    EG_SWITCH_PINNED = 5,        // eg_viewer_pin
    EG_SWITCH_ENCODING_LOST = 6, // the encoding that it had fell silent
    EG_SWITCH_REASON_COUNT = 7,
};
typedef enum eg_switch_reason eg_switch_reason;

// "congestion"; static, lower case, fit for a metric's label.
EG_API const char *eg_switch_reason_name(eg_switch_reason reason);

// A viewer of a ladder gets another encoding from now on. Changes that follow each other at once may be told as one.
struct eg_switch_event {
    eg_viewer_id viewer;
    eg_stream_id stream;
    int32_t encoding;            // EG_ENCODING_NONE: its link does not even take the lowest, it gets sound alone
    eg_switch_reason reason;
};

// The engine calls hooks on its own threads, so a hook must be quick: hand the event on and return. With several workers several hooks may run
// at once. The events of one viewer come one after the other, in order, and so do those of one stream. Inside a hook only those functions of
// this header may be called that say so: the others refuse with EG_STATUS_INVALID_ARGUMENT.
// What the event points to is gone when the hook returns. No hook runs any more when eg_engine_destroy has returned.
struct eg_hooks {
    void *EG_NULLABLE context;
    void (*EG_NULLABLE viewer)(void *EG_NULLABLE context, const struct eg_viewer_event *event);
    void (*EG_NULLABLE stream)(void *EG_NULLABLE context, const struct eg_stream_event *event);
    void (*EG_NULLABLE encoding)(void *EG_NULLABLE context, const struct eg_switch_event *event);
};

// Makes an engine, opens its UDP port and starts its threads. `config` and `hooks` are copied. On EG_STATUS_OK the caller owns `*engine` and
// must pass it to eg_engine_destroy. EG_STATUS_ADDRESS_IN_USE, EG_STATUS_UNSUPPORTED, EG_STATUS_INVALID_ARGUMENT, EG_STATUS_NO_MEMORY,
// EG_STATUS_SYSTEM: nothing is left behind.
EG_API EG_CHECKED eg_status eg_engine_create_sized(const struct eg_config *config, size_t config_size, const struct eg_hooks *hooks,
                                                   size_t hooks_size, eg_engine *EG_NULLABLE *EG_NONNULL engine,
                                                   struct eg_error *EG_NULLABLE error);
EG_INLINE EG_CHECKED eg_status eg_engine_create(const struct eg_config *config, const struct eg_hooks *hooks,
                                                eg_engine *EG_NULLABLE *EG_NONNULL engine, struct eg_error *EG_NULLABLE error) {
    return eg_engine_create_sized(config, sizeof *config, hooks, sizeof *hooks, engine, error);
}

// Says goodbye to all viewers, stops the threads and waits for them, closes every descriptor and frees every byte. No other call may be under
// way, and none may follow. No hook runs after it has returned. NULL has no effect. It must not be called from inside a hook, where it would
// wait for itself: an assertion ends the process and says so.
EG_API void eg_engine_destroy(eg_engine *EG_NULLABLE engine);

struct eg_engine_info {
    uint16_t udp_port;
    uint32_t workers;                  // number of threads
    eg_io io;                          // the one in use
    char io_reason[160];               // why EG_IO_AUTO fell back from io_uring; else empty
    char crypto[16];
    bool gso;                          // the kernel supports UDP GSO
    uint32_t viewer_send_buffer_size;    // [B] of each worker's socket, as granted by the kernel
    uint32_t viewer_receive_buffer_size; // [B] likewise
    char fingerprint[96];              // of the DTLS certificate, SHA-256, "AB:CD:…", for the SDP (RFC 8122)
};

// Returns what the engine settled on at creation. May be called from inside a hook.
EG_API void eg_engine_info_sized(const eg_engine *engine, struct eg_engine_info *info, size_t info_size);
EG_INLINE void eg_engine_info(const eg_engine *engine, struct eg_engine_info *info) { eg_engine_info_sized(engine, info, sizeof *info); }

// What a sender writes. The engine neither encodes nor decodes: it has to know where pictures begin that need no others.
EG_ENUM(eg_codec, int32_t) {
    EG_CODEC_DEFAULT = 0, // H.264 for video, Opus for sound
    EG_CODEC_H264 = 1,    // RFC 6184, packetization-mode 1
    EG_CODEC_H265 = 2,    // RFC 7798, one stream (SRST)
    EG_CODEC_VP8 = 3,     // RFC 7741
    EG_CODEC_VP9 = 4,     // RFC 9628
    EG_CODEC_AV1 = 5,     // RTP Payload Format for AV1 v1.0: FFmpeg 8.0 or later
    EG_CODEC_OPUS = 16,   // RFC 7587
    EG_CODEC_PCMU = 17,   // RFC 3551, as the two below
    EG_CODEC_PCMA = 18,
    EG_CODEC_G722 = 19,
};
typedef enum eg_codec eg_codec;

// "h264"; static, lower case, fit for a metric's label.
EG_API const char *eg_codec_name(eg_codec codec);

enum { EG_ENCODINGS_MAX = 8 }; // of one stream

// An encoding of a stream's pictures behind the first.
struct eg_encoding_config {
    eg_codec codec;        // EG_CODEC_DEFAULT or one of video
    uint32_t payload_type; // of its leg; several may have the same, but not the sound's
};

struct eg_stream_config {
    bool has_video;
    bool has_audio;
    uint8_t video_payload_type; // 0..127 but not 64..95 (RFC 5761 §4), and not the audio's
    uint8_t audio_payload_type;
    eg_codec video_codec;       // EG_CODEC_DEFAULT or one of video
    eg_codec audio_codec;       // EG_CODEC_DEFAULT or one of sound
    // The same pictures in other codecs, sizes or bit rates, each on a port of its own. A viewer gets the one that it is made with.
    uint32_t further_count;     // at most EG_ENCODINGS_MAX - 1
    struct eg_encoding_config further[EG_ENCODINGS_MAX - 1];
    // [bit/s] that each encoding is meant to have, the first one first; 0: not known. Viewers that are switched among encodings get one whose bit
    // rate, this or what was measured, fits their link.
    uint32_t bit_rates[EG_ENCODINGS_MAX];
};

struct eg_stream_info {
    eg_stream_id stream;
    uint16_t video_port;             // V on 127.0.0.1; audio is on V + 1. Both are open even when the stream has one of the two only
    uint16_t audio_port;
    uint32_t receive_buffer_size;    // [B] of each socket, as granted
    uint16_t further_ports[EG_ENCODINGS_MAX - 1]; // of the further encodings, on 127.0.0.1
};

// Makes a stream: opens its ports and listens. Nothing that is sent to them after the return is lost. The engine makes at most 10 attempts to
// find a free pair, and closes what a failed attempt had opened. EG_STATUS_NO_PORTS, EG_STATUS_LIMIT_REACHED, EG_STATUS_INVALID_ARGUMENT,
// EG_STATUS_NO_MEMORY, EG_STATUS_SYSTEM: nothing is left open.
EG_API EG_CHECKED eg_status eg_stream_create_sized(eg_engine *engine, const struct eg_stream_config *config, size_t config_size,
                                                   struct eg_stream_info *info, size_t info_size, struct eg_error *EG_NULLABLE error);
EG_INLINE EG_CHECKED eg_status eg_stream_create(eg_engine *engine, const struct eg_stream_config *config, struct eg_stream_info *info,
                                                struct eg_error *EG_NULLABLE error) {
    return eg_stream_create_sized(engine, config, sizeof *config, info, sizeof *info, error);
}

// Closes the stream's viewers (each gets a goodbye and an event with EG_CLOSE_STREAM_STOPPED), then its ports. EG_STATUS_NOT_FOUND: the
// stream is gone already, which does no harm.
EG_API eg_status eg_stream_destroy(eg_engine *engine, eg_stream_id stream);

struct eg_viewer_config {
    eg_stream_id stream;
    const char *ice_ufrag;           // the peer's, from its offer, 4..256 characters (RFC 8839 §5.4)
    const char *ice_pwd;             // the peer's, 22..256 characters
    const char *fingerprint;         // of the peer's certificate as its SDP has it: "sha-256 AB:CD:…" (RFC 8122)
    bool has_video;                  // whether the viewer negotiated the stream's video
    bool has_audio;                  // likewise its audio
    bool has_video_rtx;              // likewise retransmission of the video (RFC 4588)
    uint8_t video_payload_type;      // as negotiated with this viewer
    uint8_t video_rtx_payload_type;
    uint8_t audio_payload_type;
    // The engine's own credentials, if the caller made them because the peer knows them already from an offer of the caller's: 8 and 24
    // letters, digits, + or /, random, never used twice. NULL in both: the engine makes them.
    const char *EG_NULLABLE local_ice_ufrag;
    const char *EG_NULLABLE local_ice_pwd;
    uint64_t encoding;               // which of the stream's encodings it gets: 0 is the first, 1 the first of the further ones
    // What its link decides. Bits of 1 << encoding: those that it may be switched among, all of one codec and decodable with what was negotiated,
    // `encoding` among them, with which it begins. Fewer than two bits: it stays at `encoding`.
    uint32_t ladder;
    uint32_t transport_cc_id;        // of the header extension for transport-wide numbers, if the viewer negotiated it: 1..14, else 0
    uint64_t bit_rate_max;           // [bit/s] no encoding above it is chosen, or pinned, unless it is the ladder's lowest; 0: no bound.
                                     // What the encoding is meant to have counts, what was measured only where that is not known
};

// What the caller puts into its SDP answer.
struct eg_viewer_info {
    eg_viewer_id viewer;
    char ice_ufrag[9];               // the engine's
    char ice_pwd[25];
    char cname[17];                  // of both tracks (RFC 7022)
    uint32_t video_ssrc;
    uint32_t video_rtx_ssrc;
    uint32_t audio_ssrc;
};

// Makes a viewer, which waits 15 s for its first ICE check. EG_STATUS_NOT_FOUND: the stream does not exist. EG_STATUS_INACTIVE: the stream's
// source has been silent past the grace period. EG_STATUS_LIMIT_REACHED, EG_STATUS_INVALID_ARGUMENT, EG_STATUS_NO_MEMORY.
EG_API EG_CHECKED eg_status eg_viewer_create_sized(eg_engine *engine, const struct eg_viewer_config *config, size_t config_size,
                                                   struct eg_viewer_info *info, size_t info_size, struct eg_error *EG_NULLABLE error);
EG_INLINE EG_CHECKED eg_status eg_viewer_create(eg_engine *engine, const struct eg_viewer_config *config, struct eg_viewer_info *info,
                                                struct eg_error *EG_NULLABLE error) {
    return eg_viewer_create_sized(engine, config, sizeof *config, info, sizeof *info, error);
}

// Restarts ICE (RFC 8445 §9): takes the peer's new credentials and returns new ones of the engine's in `info`. Media goes where it went before
// until a check with the new credentials arrives. EG_STATUS_NOT_FOUND, EG_STATUS_INVALID_ARGUMENT, EG_STATUS_NO_MEMORY: nothing has changed.
EG_API EG_CHECKED eg_status eg_viewer_restart_ice_sized(eg_engine *engine, eg_viewer_id viewer, const char *ice_ufrag,
                                                        const char *ice_pwd, struct eg_viewer_info *info, size_t info_size,
                                                        struct eg_error *EG_NULLABLE error);
EG_INLINE EG_CHECKED eg_status eg_viewer_restart_ice(eg_engine *engine, eg_viewer_id viewer, const char *ice_ufrag, const char *ice_pwd,
                                                     struct eg_viewer_info *info, struct eg_error *EG_NULLABLE error) {
    return eg_viewer_restart_ice_sized(engine, viewer, ice_ufrag, ice_pwd, info, sizeof *info, error);
}

// Sends a goodbye and frees the viewer; its event has EG_CLOSE_REQUESTED. EG_STATUS_NOT_FOUND: the viewer is gone already,
// which does no harm.
EG_API eg_status eg_viewer_close(eg_engine *engine, eg_viewer_id viewer);

enum {
    EG_ENCODING_AUTO = -1, // the viewer's link decides
    EG_ENCODING_NONE = -2, // no picture: sound alone
};

// Pins a viewer to one encoding of its ladder: it is switched at that encoding's next key picture and stays, however its link does. EG_ENCODING_AUTO
// lets its link decide again. Should the encoding fall silent, another one stands in until it is back. EG_STATUS_NOT_FOUND: the viewer is gone.
// EG_STATUS_INVALID_ARGUMENT: the encoding is not one of its ladder, or above its bit_rate_max; nothing has changed.
EG_API EG_CHECKED eg_status eg_viewer_pin(eg_engine *engine, eg_viewer_id viewer, int32_t encoding, struct eg_error *EG_NULLABLE error);

// Writes to `password` what `username` needs at a TURN server that shares `secret` with the caller: the base64 of the HMAC-SHA1 of both,
// zero-terminated. `password` has room for EG_TURN_PASSWORD_SIZE bytes. The user name is the time at which the credential expires, in seconds
// since 1970, alone or followed by ":" and a name (draft-uberti-behave-turn-rest-00 §2.2; coturn's `use-auth-secret`). No server is asked.
// May be called on any thread, at any time, also from inside a hook.
enum { EG_TURN_PASSWORD_SIZE = 29 }; // [B] with its terminator
EG_API void eg_turn_password(const char *secret, const char *username, char *password);

// Why a datagram was dropped. Each reason has a counter; single datagrams are not logged.
EG_ENUM(eg_drop, int32_t) {
    // At a source.
    EG_DROP_SOURCE_UNKNOWN = 0,        // neither RTP nor RTCP
    EG_DROP_SOURCE_MALFORMED = 1,      // a length in it is wrong
    EG_DROP_SOURCE_PAYLOAD_TYPE = 2,   // not a payload type that was configured
    EG_DROP_SOURCE_STRANGER = 3,       // not from the sender's address, or from a new sender that has not taken over yet
    EG_DROP_SOURCE_DUPLICATE = 4,
    EG_DROP_SOURCE_LATE = 5,           // older than what is kept
    EG_DROP_SOURCE_TOO_LARGE = 6,      // a payload over 1,400 bytes: lower FFmpeg's pkt_size
    EG_DROP_SOURCE_BEFORE_IDR = 7,     // nothing can be decoded before the first key picture (an IDR)
    EG_DROP_SOURCE_OVERFLOW = 8,       // the kernel's receive buffer was full
    // At the viewers' port.
    EG_DROP_UNKNOWN = 9,               // not STUN, DTLS, SRTP or SRTCP
    EG_DROP_STUN_MALFORMED = 10,
    EG_DROP_STUN_UNKNOWN_USER = 11,    // no viewer has that user name
    EG_DROP_STUN_REJECTED = 12,        // not authentic, or not a request we answer
    EG_DROP_UNVALIDATED = 13,          // DTLS or SRTP from an address that no authenticated check came from
    EG_DROP_SRTCP_REJECTED = 14,       // not authentic, seen before, or malformed
    EG_DROP_MEDIA_FROM_VIEWER = 15,    // RTP: viewers have nothing to send
    EG_DROP_NO_ROOM = 16,              // the batch was full: a reply was lost, as if on the network
    // On the way out.
    EG_DROP_SEND_BUFFER_FULL = 17,     // the socket would have blocked
    EG_DROP_SEND_FAILED = 18,          // the kernel refused it for another reason
    EG_DROP_SLOW_VIEWER = 19,          // the viewer fell behind what is kept: it continues at an IDR
    // Inside the engine: a ClientHello over the limits of handshakes under way, or a handshake that was given up to make room for another.
    EG_DROP_HANDSHAKE_LIMIT = 20,
    EG_DROP_WORKER_BUSY = 21,          // another thread of the engine, which it was meant for, did not keep up
    EG_DROP_HANDSHAKE_BUSY = 22,       // of a handshake, when the line of those that wait was full: its client repeats it
    EG_DROP_VIEWER_OVERFLOW = 23,      // at the viewers' port: the kernel's receive buffer was full
    EG_DROP_SOURCE_PAYLOAD = 24,       // at a source: the payload is not one of the configured codec
    EG_DROP_FEEDBACK = 25,             // a report about packets that were never sent to that viewer, or no longer ago than it may tell
    EG_DROP_COUNT = 26,
};
typedef enum eg_drop eg_drop;

enum { EG_DROP_ROOM = 64 }; // size of the arrays of counters, so that new reasons move no field

// The reason's name, for example "source_stranger": a static string in lower case, fit for a metric's label.
EG_API const char *eg_drop_name(eg_drop drop);
// Likewise, for example "consent_expired".
EG_API const char *eg_close_reason_name(eg_close_reason reason);

struct eg_engine_stats {
    uint32_t streams;
    uint32_t viewers;                  // in any state
    uint32_t viewers_connected;
    uint32_t handshakes;               // under way: OpenSSL keeps memory for each
    uint64_t viewers_created;
    uint64_t handshakes_done;
    uint64_t handshakes_failed;
    uint64_t closed[16];               // by eg_close_reason
    uint64_t packets_received;         // from sources
    uint64_t bytes_received;
    uint64_t packets_sent;             // RTP to viewers
    uint64_t bytes_sent;               // with headers and tags
    uint64_t repairs_sent;             // packets sent again because a viewer asked
    uint64_t repairs_refused;          // packets not sent again: over the budget of the viewer or of all viewers
    uint64_t bursts_begun;             // joins and picture requests that were answered with the GOP so far
    uint64_t bursts_refused;           // joins and picture requests that wait for the next IDR: over the budget, or too high a bit rate
    uint64_t messages_sent;            // handed to the kernel: one message carries many packets (GSO)
    uint64_t send_calls;
    uint64_t loop_turns;
    uint64_t thread_cpu_us;            // [us] CPU time of the engine's threads
    uint64_t dropped[EG_DROP_ROOM];    // by eg_drop
    // Pictures that a viewer never got whole, counted once for each viewer. The packets that the viewer last asked for again were not sent
    // again, because of a budget or because they are not kept any more, and it asked for none in the next second. The viewer's picture stands
    // still until the next IDR, or is damaged.
    uint64_t pictures_incomplete;
    // Of ladders. A probe sends old packets again, to see whether a viewer's link takes the next encoding.
    uint64_t probes_begun;
    uint64_t probes_failed;            // the link did not take it
    uint64_t probe_packets_sent;
    uint64_t switches_up;
    uint64_t switches_down;
    uint64_t paused_ms;                // [ms] all viewers together, with sound alone because their link did not take the lowest encoding
};

// Returns sums over all threads. EG_STATUS_INVALID_ARGUMENT: called from inside a hook; all fields are zero then.
EG_API eg_status eg_engine_stats_sized(eg_engine *engine, struct eg_engine_stats *stats, size_t stats_size);
EG_INLINE eg_status eg_engine_stats(eg_engine *engine, struct eg_engine_stats *stats) {
    return eg_engine_stats_sized(engine, stats, sizeof *stats);
}

struct eg_source_stats {
    bool active;
    uint64_t packets;
    uint64_t bytes;                    // of payload
    uint64_t lost;                     // sequence numbers that never came (RFC 3550 A.3)
    uint64_t restarts;                 // changes of the sender, and jumps of its timestamps
    uint64_t bytes_stored;
    uint32_t bit_rate;                 // [bit/s] of payload, over the last second or so
};

struct eg_stream_stats {
    struct eg_source_stats video;
    struct eg_source_stats audio;
    struct eg_video_format format;
    uint32_t viewers;
    uint32_t viewers_connected;
    uint64_t pictures;
    uint64_t idrs;                     // key pictures, whatever the codec calls them
    uint32_t gop_ms;                   // [ms] between the last two key pictures
    bool has_b_frames;
    uint64_t packets_sent;
    uint64_t bytes_sent;
    uint64_t dropped[EG_DROP_ROOM];   // at the stream's sources, by eg_drop
    uint64_t switches_up;             // of its viewers, to an encoding of a higher bit rate
    uint64_t switches_down;
    uint64_t paused_ms;               // [ms] all its viewers together, with sound alone
};

// EG_STATUS_NOT_FOUND: the stream does not exist. EG_STATUS_INVALID_ARGUMENT: called from inside a hook. All fields are zero then.
EG_API EG_CHECKED eg_status eg_stream_stats_sized(eg_engine *engine, eg_stream_id stream, struct eg_stream_stats *stats, size_t stats_size);
EG_INLINE EG_CHECKED eg_status eg_stream_stats(eg_engine *engine, eg_stream_id stream, struct eg_stream_stats *stats) {
    return eg_stream_stats_sized(engine, stream, stats, sizeof *stats);
}

struct eg_encoding_stats {
    struct eg_source_stats source;
    struct eg_video_format format;
    uint64_t pictures;
    uint64_t key_pictures;
    uint32_t gop_ms;                   // [ms] between the last two key pictures
    uint32_t viewers;                  // that get it, in any state
    bool has_b_frames;
    bool has_other_codec;              // no key picture of its codec comes, as EG_STREAM_OTHER_CODEC tells
};

// Of one of a stream's encodings, 0 for the first. EG_STATUS_NOT_FOUND: no such stream, or no such encoding. EG_STATUS_INVALID_ARGUMENT: called from
// inside a hook. Then all is zero.
EG_API EG_CHECKED eg_status eg_encoding_stats_sized(eg_engine *engine, eg_stream_id stream, uint32_t encoding, struct eg_encoding_stats *stats,
                                                    size_t stats_size);
EG_INLINE EG_CHECKED eg_status eg_encoding_stats(eg_engine *engine, eg_stream_id stream, uint32_t encoding, struct eg_encoding_stats *stats) {
    return eg_encoding_stats_sized(engine, stream, encoding, stats, sizeof *stats);
}

struct eg_viewer_stats {
    eg_stream_id stream;
    eg_viewer_state state;
    char remote_address[56];
    uint64_t packets_sent;
    uint64_t bytes_sent;
    uint64_t nacks;                    // sequence numbers that the viewer asked for again
    uint64_t plis;                     // pictures that the viewer asked for (PLI and FIR)
    uint64_t lost;                     // packets, according to its receiver reports
    uint32_t round_trip_us;            // [us] likewise; 0: not known
    uint32_t jitter_us;                // [us] likewise
    uint32_t age_ms;                   // [ms] since the viewer was made
    uint64_t encoding;                 // of the stream's, that it gets; wide, so that the struct grows
    uint64_t estimate_bit_rate;        // [bit/s] of video that its link takes at least, as far as that was seen; 0: not known
    uint32_t switches_up;
    uint32_t switches_down;
    eg_switch_reason switch_reason;    // of the last
    int32_t pinned;                    // to this encoding, or EG_ENCODING_AUTO
    uint64_t paused_ms;                // [ms] with sound alone, all in all
    uint64_t is_paused;                // 1: it is so now; wide, so that the struct grows
    uint64_t has_no_feedback;          // 1: it is connected and sent media, and has not said for 5 s what of it arrives (no RTCP about it)
};

// EG_STATUS_NOT_FOUND: the viewer does not exist. EG_STATUS_INVALID_ARGUMENT: called from inside a hook. All fields are zero then.
EG_API EG_CHECKED eg_status eg_viewer_stats_sized(eg_engine *engine, eg_viewer_id viewer, struct eg_viewer_stats *stats, size_t stats_size);
EG_INLINE EG_CHECKED eg_status eg_viewer_stats(eg_engine *engine, eg_viewer_id viewer, struct eg_viewer_stats *stats) {
    return eg_viewer_stats_sized(engine, viewer, stats, sizeof *stats);
}

// Returns the number of cores that this process may use, by its affinity and its cgroup's quota (v2): at least 1, at most what `workers` takes.
EG_API uint32_t eg_cores(void);

// What this machine offers an engine, found by trying, without making an engine. For `egress doctor` and for logs.
struct eg_probe {
    bool io_uring;
    char io_uring_reason[160];         // why io_uring does not work; else empty
    bool gso;
    char gso_reason[160];              // likewise
    uint32_t receive_buffer_size;      // [B] granted when the default was asked for
    uint32_t receive_buffer_asked;     // [B]
    char crypto[16];                   // the SRTP back end that an engine would use
    char openssl[64];                  // version of libssl at run time
};

EG_API void eg_probe_sized(struct eg_probe *probe, size_t probe_size);
EG_INLINE void eg_probe(struct eg_probe *probe) { eg_probe_sized(probe, sizeof *probe); }

EG_END

#ifdef __cplusplus
}
#endif

#endif
