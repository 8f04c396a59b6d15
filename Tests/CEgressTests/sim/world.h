// A world in virtual time: engines without I/O, of one worker or several, senders like FFmpeg, viewers that do real STUN, DTLS and SRTP, and a
// network between them. All that happens follows from one seed. Every datagram that leaves an engine is checked; what is wrong is written to
// `report`.
#ifndef EG_SIM_WORLD_H
#define EG_SIM_WORLD_H

#include "sim/ffmpeg.h"
#include "sim/ledger.h"
#include "sim/feedback.h"
#include "sim/network.h"
#include "sim/screen.h"
#include "sim/srtp.h"
#include "support/dtls_client.h"
#include "wire/rtcp.h"

enum {
    EG_SIM_ENGINES_MAX = 2,
    EG_SIM_WORKERS_MAX = 4, // of an engine
    EG_SIM_STREAMS_MAX = 4,
    EG_SIM_VIEWERS_MAX = 240,
    EG_SIM_ADDRESSES = 4,  // of a viewer
    EG_SIM_MISSING_MAX = 512,
    EG_SIM_BOTTLENECKS_MAX = 8,
};

struct eg_sim_world;

// --- viewers ---

enum eg_sim_farewell {
    EG_SIM_STAYS,
    EG_SIM_SAYS_GOODBYE,  // close_notify
    EG_SIM_VANISHES,      // nothing more comes from it or reaches it
    EG_SIM_IS_CLOSED,     // eg__core_close_viewer
};

struct eg_sim_script {
    unsigned stream;
    struct eg_sim_quality up, down;
    eg_time leaves_after;          // [us] from its joining
    enum eg_sim_farewell farewell;
    bool has_wrong_password;
    bool has_wrong_fingerprint;
    bool sends_no_checks;
    bool sends_no_hello;
    bool ends_at_its_hello;        // which it repeats, and answers nothing
    bool sends_early_hello;        // before any check, and from an address that never makes one
    bool has_cm_only;
    bool has_rtx;
    bool asks_for_no_repair;
    bool has_no_video, has_no_audio;
    size_t mtu;                    // [B] 0: the usual
    size_t padding;                // [B] more in its hello
    eg_time asks_for_pictures_every; // [us] PLI; 0: never
    bool asks_by_fir;              // in place of PLI
    eg_time moves_after;           // [us] from its joining to another address; 0: never
    uint64_t loses_packet;         // of its pictures, 1: the first; the first time that it is sent. 0: none
    // Of a stream with a ladder.
    bool has_ladder;               // it may be switched among all encodings
    unsigned encoding;             // that it begins with
    uint64_t bit_rate_max;         // [bit/s] 0: no bound
    unsigned bottleneck;           // of the world's, 1: the first, that what it is sent goes through; 0: none
    struct eg_sim_feedback_habits feedback;
};

struct eg_sim_missing {
    uint64_t index;
    unsigned tries;
    eg_time next_at;
};

struct eg_sim_receiver {
    bool has_begun;
    uint64_t first, highest;
    uint64_t received;               // packets, those that were repaired too
    uint64_t bytes;                  // of all that arrived
    uint64_t reported_highest, reported_received; // as the last report said
    struct eg_sim_missing missing[EG_SIM_MISSING_MAX];
    size_t missing_count;
};

// Of one track, as the engine's sender reports have it.
struct eg_sim_reports {
    unsigned count;
    struct eg_sender_info first, last;
    eg_time last_at;
};

// What the engine told of its switches.
struct eg_sim_switches {
    unsigned ups, downs;
    int32_t encoding;       // of the last, or EG_ENCODING_NONE
    eg_switch_reason reason;
};

struct eg_sim_pending {
    struct eg_sim_pending *next;
    uint64_t newest;
    size_t size;
    uint8_t bytes[];
};

struct eg_sim_viewer {
    struct eg_dtls_client_output output; // first
    struct eg_sim_world *world;
    unsigned number;
    unsigned worker;                 // of its engine's
    struct eg_sim_script script;
    struct eg_viewer_info info;
    struct eg_sim_link up, down;
    struct eg_sim_random random;
    bool is_used;
    bool is_gone;                    // it does nothing more
    unsigned address;                // which of its addresses it is at
    bool is_validated[EG_SIM_ADDRESSES]; // an authentic check from there has reached the engine
    bool is_proven[EG_SIM_ADDRESSES];    // media may go there: its handshake, or an answer to a check of the engine's, came from there
    char ufrag[9], pwd[25];
    eg_time joined_at, connected_at, check_at, heard_at, report_at, picture_at;
    eg_time consent_at;              // when its last authentic check reached the engine
    bool has_old_credentials;        // an ICE restart has passed it by
    bool has_answer;                 // to a check
    bool has_moved;
    bool has_lost_packet;
    bool was_closed;                 // by eg__core_close_viewer
    uint64_t checks;
    struct eg_dtls_client *dtls;
    bool has_keys;
    struct eg_sim_srtp srtp;
    struct eg_sim_pending *pending_first, *pending_last; // sent before it had its keys
    struct eg_sim_ledger ledgers[EG_TRACK_COUNT];
    struct eg_sim_receiver receivers[EG_TRACK_COUNT];
    struct eg_sim_reports reports[EG_TRACK_COUNT];
    struct eg_sim_screen screen;
    struct eg_sim_feedback feedback;
    struct eg_sim_switches switches;
    bool has_number;                 // a packet with a transport-wide number was sent
    uint16_t number_sent;            // the last new one's
    eg_time first_media_at;          // the engine sent it its first packet of pictures
    eg_time live_at;                 // ... and the newest picture, for the first time
    uint8_t fir_sequence;
    uint32_t rtcp_index;             // the next that is not used
    bool has_bye, has_close_notify;
    uint64_t nacks;
    // As the engine tells.
    eg_viewer_state state;
    eg_close_reason reason;
    eg_time closed_at;
};

// --- the world ---

struct eg_sim_worker {
    unsigned number;
    struct eg_sim_random random;
    struct eg_core *core;
    struct eg_batch batch;
    uint64_t ticks_here;   // at the present moment
    uint64_t media_out, media_bytes_out; // packets that have left it, those sent again too
    eg_time wakes_at;      // and hears what the others have said; EG_TIME_NEVER: they have said nothing
};

struct eg_sim_engine {
    unsigned worker_count;
    struct eg_sim_worker workers[EG_SIM_WORKERS_MAX];
    struct eg_exchange *exchange;
    struct eg_dtls_context *dtls;
    struct eg_quota streams, viewers;
    struct eg_addr addr;
};

// How the workers of engines work together.
struct eg_sim_workers {
    unsigned count;
    uint32_t relay_size, forward_size; // [B] of the queues; 0: as they are
    eg_time delay_max;                 // [us] between what one says and what another hears
    bool is_spread_anew;               // each datagram arrives anywhere, not where its address says
};

// An encoding behind the first: it has a sender of its own.
struct eg_sim_rung {
    struct eg_sim_ffmpeg_output output; // first
    struct eg_sim_stream *stream;
    unsigned encoding;
    bool is_running;
    uint64_t runs;
    struct eg_sim_ffmpeg ffmpeg;
    struct eg_sim_ffmpeg_config config;
    struct eg_sim_log log;
};

struct eg_sim_stream {
    struct eg_sim_ffmpeg_output output; // first
    struct eg_sim_world *world;
    unsigned engine;
    eg_handle handle;
    bool is_there;
    bool is_running;                    // its sender
    bool is_stray;                      // what is being sent is not the sender's
    struct eg_sim_ffmpeg ffmpeg;
    struct eg_sim_ffmpeg_config config;
    uint64_t runs;
    uint32_t loss;                      // [1/1000] of datagrams in front of the engine: a receive buffer that is full
    uint64_t datagrams;
    bool was_lost;                      // its source stayed away for longer than the grace period
    uint64_t reports;                   // RTCP datagrams
    struct eg_sim_log logs[EG_TRACK_COUNT];
    unsigned rung_count;                // besides the first encoding
    struct eg_sim_rung rungs[EG_SIM_RUNGS_MAX - 1];
    uint32_t bit_rates[EG_SIM_RUNGS_MAX]; // [bit/s] as the engine was told
    unsigned events_seen;               // bits of eg_stream_event_kind
};

struct eg_sim_world {
    uint64_t seed;
    eg_time now;
    struct eg_sim_random random;
    uint32_t transmit_room;     // [B] of the batch at a time; 0: all of it
    bool holds_transmit;        // engines are not asked for what they have to send
    bool holds_handshakes;      // nor are their handshakes gone on with
    struct eg_sim_workers workers;
    unsigned engine_count;
    struct eg_sim_engine engines[EG_SIM_ENGINES_MAX];
    unsigned stream_count;
    struct eg_sim_stream streams[EG_SIM_STREAMS_MAX];
    unsigned viewer_count;
    struct eg_sim_viewer *viewers[EG_SIM_VIEWERS_MAX];
    struct eg_crypto *crypto;
    struct eg_sim_network network;
    unsigned bottleneck_count;
    struct eg_sim_bottleneck bottlenecks[EG_SIM_BOTTLENECKS_MAX];
    eg_time grace;
    uint32_t handshakes_max;    // of each engine
    uint64_t fingerprint;       // of everything that happened: the same for the same seed
    unsigned failures;
    size_t report_at;
    char report[4096];
};

// Aborts when memory or a library is refused.
struct eg_sim_world *eg_sim_world_create(uint64_t seed, unsigned engine_count, eg_time grace);
struct eg_sim_world *eg_sim_world_create_limited(uint64_t seed, unsigned engine_count, eg_time grace, uint32_t handshakes_max);
// The same with engines of several workers.
struct eg_sim_world *eg_sim_world_create_with(uint64_t seed, unsigned engine_count, eg_time grace, const struct eg_sim_workers *workers);
void eg_sim_world_destroy(struct eg_sim_world *world);

__attribute__((format(printf, 2, 3))) void eg_sim_fail(struct eg_sim_world *world, const char *format, ...);

// Gives its number. Its sender does not run yet.
unsigned eg_sim_world_add_stream(struct eg_sim_world *world, unsigned engine, const struct eg_sim_ffmpeg_config *config);
// The same with `count` encodings of one codec; the first one's sender sends the sound too. `bit_rates` are what the engine is told of them.
unsigned eg_sim_world_add_ladder(struct eg_sim_world *world, unsigned engine, const struct eg_sim_ffmpeg_config *configs, unsigned count,
                                 const uint32_t *bit_rates);
void eg_sim_world_remove_stream(struct eg_sim_world *world, unsigned stream);
void eg_sim_world_start_source(struct eg_sim_world *world, unsigned stream);
// With or without BYE.
void eg_sim_world_stop_source(struct eg_sim_world *world, unsigned stream, bool says_bye);
// Of one encoding's sender alone. The first encoding's sends the sound too.
void eg_sim_world_start_encoding(struct eg_sim_world *world, unsigned stream, unsigned encoding);
void eg_sim_world_stop_encoding(struct eg_sim_world *world, unsigned stream, unsigned encoding, bool says_bye);
// Datagrams of somebody else on the stream's ports.
void eg_sim_world_stray(struct eg_sim_world *world, unsigned stream);

// Gives its number for a script, from 1 on.
unsigned eg_sim_world_add_bottleneck(struct eg_sim_world *world, uint64_t bit_rate, uint32_t queue_size);

struct eg_sim_viewer *eg_sim_world_add_viewer(struct eg_sim_world *world, const struct eg_sim_script *script);
// The same at one of the engine's workers; the other function chooses one by chance.
struct eg_sim_viewer *eg_sim_world_add_viewer_at(struct eg_sim_world *world, const struct eg_sim_script *script, unsigned worker);

// Lets time pass.
void eg_sim_world_run(struct eg_sim_world *world, eg_time duration);

// Asks an engine once for what it has to send, with that much room in its batch. True: there is more.
bool eg_sim_world_transmit_once(struct eg_sim_world *world, unsigned engine, uint32_t room);

// Takes an engine's handshakes one step on. True: there may be more.
bool eg_sim_world_advance_handshakes_once(struct eg_sim_world *world, unsigned engine);

// Of all workers of an engine.
uint64_t eg_sim_engine_drops(const struct eg_sim_engine *engine, eg_drop first, eg_drop end);

// Removes everything and looks at what is left: nothing may be.
void eg_sim_world_finish(struct eg_sim_world *world);

// Packets of pictures that the engine sent it since its first, and how many of them it never got.
void eg_sim_viewer_count_lost(const struct eg_sim_viewer *viewer, uint64_t *sent, uint64_t *lost);

// --- between the parts of the simulation ---

// The NTP time at `now` 0.
extern const uint64_t eg_sim_ntp_origin;

// What the loop does after every step.
void eg_sim_settle(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker);
// It reads what others have sent.
void eg_sim_hear(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker);
// Where a stream is received.
struct eg_sim_worker *eg_sim_home_of(struct eg_sim_world *world, const struct eg_sim_stream *stream);
const struct eg_sim_log *eg_sim_log_of(const struct eg_sim_stream *stream, unsigned encoding);
eg_time eg_sim_stream_deadline(const struct eg_sim_stream *stream);
void eg_sim_stream_tick(struct eg_sim_stream *stream);
void eg_sim_stream_deinit(struct eg_sim_stream *stream);

// Until no worker has anything to hear from another.
void eg_sim_engine_hear_all(struct eg_sim_world *world, struct eg_sim_engine *engine);
struct eg_sim_engine *eg_sim_engine_of(struct eg_sim_world *world, const struct eg_sim_viewer *viewer);
struct eg_core *eg_sim_core_of(struct eg_sim_world *world, const struct eg_sim_viewer *viewer);

struct eg_sim_viewer *eg_sim_viewer_create(struct eg_sim_world *world, unsigned number, const struct eg_sim_script *script);
void eg_sim_viewer_destroy(struct eg_sim_viewer *viewer);
struct eg_addr eg_sim_viewer_addr(const struct eg_sim_viewer *viewer, unsigned address);
eg_time eg_sim_viewer_deadline(const struct eg_sim_viewer *viewer);
void eg_sim_viewer_tick(struct eg_sim_viewer *viewer);
// A datagram of the engine's has arrived.
void eg_sim_viewer_receive(struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram);
// A datagram leaves the engine for it: checks it, and fills in what it is.
void eg_sim_viewer_watch(struct eg_sim_viewer *viewer, struct eg_sim_datagram *datagram);

// Sends to the engine.
void eg_sim_world_send(struct eg_sim_world *world, struct eg_sim_viewer *viewer, unsigned address, const uint8_t *bytes, size_t size);

#endif
