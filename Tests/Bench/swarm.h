// Viewers that are real up to the point where media flows: ICE checks, DTLS handshake and keys over UDP, consent checks and receiver
// reports afterwards. They live in a process of their own, so that neither their memory nor their time is in the engine's figures.
//
// Most drop their media in the kernel (sink.h), which counts it. A few, spread over all, receive it: they open every packet, check that
// sequence numbers follow each other, and take the time from the feeder's stamp to the packet's arrival at the socket. Nobody is woken
// up by media: samples are looked after every 20 ms, on the kernel's own time stamps.
//
// Those that negotiated transport-wide numbers tell every 100 ms when each packet arrived. To do so they take each fourth packet
// and the last one of a picture from the kernel, which lets only those through, with numbers and times of arrival: the others came right before.
//
// One may be told to stop reading, and then begs for pictures instead.
#ifndef BENCH_SWARM_H
#define BENCH_SWARM_H

#include "cegress.h"
#include "media.h"

enum {
    SWARM_VIEWERS_MAX = 5000,
    SWARM_LATENCIES_MAX = 256 * 1024, // of each kind: a sample's packets beyond these are checked, but not timed
    SWARM_PICTURES_MAX = 4096,        // likewise
};

struct swarm;

// Which viewers are samples: of each `stride` the first `run`, from `first` on, `groups` times.
struct swarm_samples {
    uint32_t first;
    uint32_t stride;
    uint32_t run;
    uint32_t groups;
};

struct swarm_plan {
    uint32_t viewer_count;
    bool takes_whole;     // GSO messages arrive as they are (UDP_GRO); else the kernel splits them in software
    bool keeps_ends;      // each fourth packet of a picture and its last are not dropped in the kernel, but read ten times a second
    uint8_t transport_id; // of the header extension for transport-wide numbers, if its viewers negotiate it, which takes `keeps_ends`; else 0
    struct swarm_samples samples;
};

// One picture, as the samples that watch it saw it.
struct swarm_picture {
    uint64_t sent;    // [ns] the stamp of its last packet
    uint64_t first;   // [ns] when that packet arrived at the first sample
    uint64_t last;    // [ns] and at the last
    uint32_t samples; // at how many
    uint32_t packets;
};

// How a sample's media began, from the arrival of the last datagram of its handshake.
struct swarm_start {
    uint32_t any_us;   // [us] to its first packet
    uint32_t video_us; // [us] to its first packet of video
};

// What the viewers got between swarm_begin and swarm_end.
struct swarm_report {
    uint64_t delivered;      // datagrams of media at all sockets; with `takes_whole` a GSO message is one
    uint64_t sample_packets; // opened by samples
    uint64_t sample_lost;    // gaps in their sequence numbers
    uint64_t sample_refused; // that did not open, or came twice
    uint64_t feedback;       // reports about what arrived
    uint64_t feedback_bytes; // as protected
    size_t latency_counts[MEDIA_KINDS];
    size_t picture_count;
    size_t start_count;
    // Good until the next swarm_begin.
    const uint32_t *latencies[MEDIA_KINDS]; // [100 ns] of the samples' packets
    const struct swarm_picture *pictures;
    const struct swarm_start *starts;       // of the samples that joined meanwhile
};

// Forks the process with its viewers, their sockets open. To be called while the caller has no other thread. NULL when refused.
struct swarm *swarm_start(const struct swarm_plan *plan);
void swarm_stop(struct swarm *swarm);

// The port on 127.0.0.1 that a viewer receives on.
uint16_t swarm_port(const struct swarm *swarm, uint32_t viewer);

// What viewers watch.
struct swarm_watch {
    eg_stream_id stream;
    uint32_t encodings; // of it, which the viewers follow in turn; 0: one
    bool has_audio;
    uint32_t ladder;    // that each may be switched among, bits of 1 << encoding; 0: none
    uint32_t begin;     // the encoding that a viewer with a ladder begins with
};

// Makes the engine's viewers [first, first + count) and returns when they are connected or 20 s have passed. How many are.
uint32_t swarm_join(struct swarm *swarm, eg_engine *engine, const struct swarm_watch *watch, uint32_t first, uint32_t count);

// Closes viewers that swarm_join made. They may join again.
void swarm_leave(struct swarm *swarm, eg_engine *engine, uint32_t first, uint32_t count);

// From here on the viewer, which is no sample, reads nothing of its media, and asks for a picture ten times a second; or is as the others
// again. It is in no count meanwhile.
void swarm_stall(struct swarm *swarm, uint32_t viewer, bool is_stalled);

void swarm_begin(struct swarm *swarm);
void swarm_end(struct swarm *swarm, struct swarm_report *report);

#endif
