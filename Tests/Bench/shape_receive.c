// The way in: what a packet costs from the kernel to the one who looks at it, for one stream (played eight times as fast, to have enough
// packets; a picture is still a burst) and for many at their true pace. Measured are the engine's two receivers alone, then the whole
// engine with nobody watching: validity, epochs, store, once the stores have grown to what they keep. The kernel's delivery to the socket
// happens in the feeder's send and is in no figure.
//
// The reference is the better of two bare loops over recvmmsg; for one stream only the one without a delay, since a tick would be paid for
// in latency.
//
// The flood is 200 streams like that, and then as many packets as the feeder can send, to sockets whose buffers are kept so small that they
// overflow: what the engine does not take in must have been counted, all of it.
#include "bench.h"
#include "calls.h"
#include "cegress.h"
#include "intake.h"
#include "statistics.h"
#include "ticks.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STREAMS_MAX = 400,
    STREAMS_FLOOD = 200,
    FLOOD_STREAMS = 20,       // that are played as fast as it goes
    FLOOD_US = 10 * 1000 * 1000, // [us] of media of each
    FLOOD_BUFFER_SIZE = 16 * 1024, // [B] in place of the engine's 4 MiB
    STREAMS_FEW_MAX = 4,      // up to so many are played faster
    SPEED_FEW = 8,
    ROUNDS_QUICK = 2,
    ROUNDS = 5,
    WARM_UP_US = 220 * 1000,  // [us] of time: gathering is decided on over windows of 100 ms
    FILL_US = 4500 * 1000,    // [us] of time: a GOP and the history
    DURATION_US = 1000 * 1000, // [us] of time measured
    DURATION_QUICK_US = 200 * 1000,
    DRAIN_US = 5 * 1000,
    WAYS = INTAKE_WAYS + 2,   // behind the intake's come the engine's
    ENGINE_URING = INTAKE_WAYS,
    ENGINE_EPOLL = INTAKE_WAYS + 1,
    ENGINES = 2,
};

static const char *const way_names[WAYS] = {"bare recvmmsg, at each arrival", "bare recvmmsg, 1 ms tick", "receiver, io_uring",
                                            "receiver, epoll", "engine without viewers, io_uring", "engine without viewers, epoll"};

// One for all rounds, at rest while another way is measured.
struct receiving_engine {
    eg_engine *engine; // NULL: not to be had on this machine
    struct feeder_target targets[STREAMS_MAX];
};

struct receive {
    uint32_t streams;
    unsigned speed;
    uint64_t duration_us; // [us] of time
    struct schedule *schedule;
    struct rounds ways[WAYS]; // [us] a packet
    uint64_t fed;
    uint64_t received;
    double system_calls[WAYS]; // per packet, below 0: not counted
    double allocations[WAYS];  // likewise
    struct receiving_engine engines[ENGINES];
};

// What has come in, whoever took it, at one moment.
struct intake_count {
    uint64_t packets;
    uint64_t cpu_ns;
};

typedef struct intake_count (*read_count)(void *receiver);

static struct intake_count read_intake(void *receiver) {
    struct intake_count at;
    intake_read(receiver, &at.packets, &at.cpu_ns);
    return at;
}

static struct intake_count read_engine(void *receiver) {
    struct eg_engine_stats stats;
    eg_engine_stats(receiver, &stats);
    return (struct intake_count){stats.packets_received, stats.thread_cpu_us * 1000};
}

static void feed(struct receive *receive, int way, const struct feeder_target *targets, read_count read, void *receiver) {
    struct feeder *feeder = feeder_create(receive->schedule, targets);
    if (feeder == NULL) return;
    feeder_play(feeder, (uint64_t)WARM_UP_US * receive->speed, receive->speed);
    ticks_sleep_us(DRAIN_US);
    struct intake_count before = read(receiver);
    uint64_t fed_before = feeder_packets(feeder);
    feeder_play(feeder, receive->duration_us * receive->speed, receive->speed);
    ticks_sleep_us(DRAIN_US);
    struct intake_count after = read(receiver);
    uint64_t packets = after.packets - before.packets;
    if (packets > 0) rounds_add(&receive->ways[way], (double)(after.cpu_ns - before.cpu_ns) / 1e3 / (double)packets);
    receive->fed += feeder_packets(feeder) - fed_before;
    receive->received += packets;
    feeder_destroy(feeder);
}

// A round of its own, in which nothing else is measured.
static void count_calls(struct receive *receive, int way, const struct feeder_target *targets, eg_engine *engine) {
    struct feeder *feeder = feeder_create(receive->schedule, targets);
    if (feeder == NULL) return;
    struct calls calls;
    uint64_t system_calls;
    feeder_play(feeder, (uint64_t)WARM_UP_US * receive->speed, receive->speed);
    struct intake_count before = read_engine(engine);
    bool is_counting = calls_begin(&calls);
    uint64_t heap_before = calls_of_heap(&calls).all;
    feeder_play(feeder, receive->duration_us * receive->speed, receive->speed);
    uint64_t heap_after = calls_of_heap(&calls).all;
    calls_end(&calls, &system_calls);
    double packets = (double)(read_engine(engine).packets - before.packets);
    feeder_destroy(feeder);
    if (packets == 0) return;
    if (is_counting) receive->system_calls[way] = (double)system_calls / packets;
    if (calls.thread_count > 0) receive->allocations[way] = (double)(heap_after - heap_before) / packets;
}

static void measure_intake(struct receive *receive, int way) {
    struct feeder_target targets[STREAMS_MAX];
    struct intake *intake = intake_start((enum intake_way)way, receive->streams, targets);
    if (intake == NULL) return;
    feed(receive, way, targets, read_intake, intake);
    intake_stop(intake);
}

static void open_engine(struct receive *receive, struct receiving_engine *receiving, eg_io io) {
    struct eg_config config = {.udp_address = "127.0.0.1", .io = io};
    struct eg_hooks hooks = {0};
    struct eg_error error;
    if (eg_engine_create(&config, &hooks, &receiving->engine, &error) != EG_STATUS_OK) return;
    if (feeder_open_targets(receiving->engine, receive->streams, receiving->targets)) return;
    eg_engine_destroy(receiving->engine);
    receiving->engine = NULL;
}

// All at once: it takes its time, and nothing is measured meanwhile.
static void fill_engines(struct receive *receive) {
    struct feeder *feeders[ENGINES] = {NULL};
    for (int i = 0; i < ENGINES; i++) {
        if (receive->engines[i].engine != NULL) feeders[i] = feeder_create(receive->schedule, receive->engines[i].targets);
        if (feeders[i] == NULL || feeder_start(feeders[i], (uint64_t)FILL_US * receive->speed, receive->speed)) continue;
        feeder_destroy(feeders[i]);
        feeders[i] = NULL;
    }
    for (int i = 0; i < ENGINES; i++) {
        if (feeders[i] == NULL) continue;
        feeder_wait(feeders[i]);
        feeder_destroy(feeders[i]);
    }
}

static void measure_engine(struct receive *receive, int way, bool is_last) {
    const struct receiving_engine *receiving = &receive->engines[way - ENGINE_URING];
    if (receiving->engine == NULL) return;
    feed(receive, way, receiving->targets, read_engine, receiving->engine);
    if (is_last) count_calls(receive, way, receiving->targets, receiving->engine);
}

static void add_rows(struct bench *bench, const char *name, const struct receive *receive) {
    const struct rounds *bare = &receive->ways[INTAKE_BARE], *tick = &receive->ways[INTAKE_BARE_TICK];
    if (receive->speed == 1 && rounds_median(tick) < rounds_median(bare)) bare = tick;
    for (int way = 0; way < WAYS; way++) {
        const struct rounds *rounds = &receive->ways[way];
        if (rounds->count == 0) continue; // not to be had on this machine
        bool is_bare = way == INTAKE_BARE || way == INTAKE_BARE_TICK;
        table_add(bench->table, name, way_names[way], rounds_median(rounds), "us/packet", is_bare ? 0 : rounds_median(bare),
                  is_bare ? 0 : rounds_ratio(rounds, bare));
    }
    for (int way = ENGINE_URING; way <= ENGINE_EPOLL; way++) {
        char text[64];
        snprintf(text, sizeof text, "system calls, %s", way == ENGINE_URING ? "io_uring" : "epoll");
        if (receive->system_calls[way] >= 0) table_add(bench->table, name, text, receive->system_calls[way], "/packet", 0, 0);
        snprintf(text, sizeof text, "allocations, %s", way == ENGINE_URING ? "io_uring" : "epoll");
        if (receive->allocations[way] >= 0) table_add(bench->table, name, text, receive->allocations[way], "/packet", 0, 0);
    }
    // The feeder's reports are received by the bare ways too, so a little more arrives than was fed.
    uint64_t lost = receive->received < receive->fed ? receive->fed - receive->received : 0;
    table_add(bench->table, name, "lost", (double)lost, "packets", 0, 0);
}

// The kernel tells of an overflow with the next datagram only, so each socket gets one more, whatever it is.
static void nudge(const struct feeder_target *targets) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (int i = 0; fd >= 0 && i < FLOOD_STREAMS * MEDIA_KINDS; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(targets[i / MEDIA_KINDS].ports[i % MEDIA_KINDS]),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        sendto(fd, "", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to);
    }
    if (fd >= 0) close(fd);
}

static void flood(struct bench *bench, const char *name, eg_io io) {
    struct eg_config config = {.udp_address = "127.0.0.1", .io = io, .source_receive_buffer_size = FLOOD_BUFFER_SIZE};
    struct eg_hooks hooks = {0};
    eg_engine *engine = NULL;
    struct eg_error error;
    if (eg_engine_create(&config, &hooks, &engine, &error) != EG_STATUS_OK) return;
    struct feeder_target targets[FLOOD_STREAMS];
    struct media *media = media_create(&(struct media_plan){0});
    struct schedule *schedule = media != NULL ? schedule_create(media, FLOOD_STREAMS, false) : NULL;
    bool is_ready = schedule != NULL && feeder_open_targets(engine, FLOOD_STREAMS, targets);
    struct feeder *feeder = is_ready ? feeder_create(schedule, targets) : NULL;
    if (feeder != NULL) {
        struct eg_engine_stats stats;
        uint64_t begin = ticks_now();
        feeder_play(feeder, FLOOD_US, 0);
        double seconds = (double)(ticks_now() - begin) / 1e9;
        ticks_sleep_us(20 * DRAIN_US);
        nudge(targets);
        ticks_sleep_us(20 * DRAIN_US);
        eg_engine_stats(engine, &stats);
        uint64_t fed = feeder_packets(feeder), counted = stats.dropped[EG_DROP_SOURCE_OVERFLOW], known = stats.packets_received + counted;
        char text[64];
        snprintf(text, sizeof text, "flood, %s: offered", io == EG_IO_URING ? "io_uring" : "epoll");
        table_add(bench->table, name, text, (double)fed / seconds, "packets/s", 0, 0);
        snprintf(text, sizeof text, "flood, %s, 16 KiB buffers: overflow, counted", io == EG_IO_URING ? "io_uring" : "epoll");
        table_add(bench->table, name, text, (double)counted, "packets", (double)fed, 0);
        snprintf(text, sizeof text, "flood, %s: not accounted for", io == EG_IO_URING ? "io_uring" : "epoll");
        table_add(bench->table, name, text, known < fed ? (double)(fed - known) : 0, "packets", 0, 0);
        feeder_destroy(feeder);
    }
    eg_engine_destroy(engine);
    schedule_destroy(schedule);
    media_destroy(media);
}

static bool parse_name(const char *name, struct receive *receive) {
    receive->streams = STREAMS_FLOOD;
    if (strcmp(name, "receive_flood") == 0) return true;
    return sscanf(name, "receive_%u", &receive->streams) == 1 && receive->streams > 0 && receive->streams <= STREAMS_MAX;
}

static void measure(struct bench *bench, const char *name, struct receive *receive) {
    open_engine(receive, &receive->engines[0], EG_IO_URING);
    open_engine(receive, &receive->engines[1], EG_IO_EPOLL);
    fill_engines(receive);
    for (int round = bench->is_quick ? ROUNDS_QUICK : ROUNDS; round > 0; round--) {
        for (int way = 0; way < INTAKE_WAYS; way++) measure_intake(receive, way);
        measure_engine(receive, ENGINE_URING, round == 1);
        measure_engine(receive, ENGINE_EPOLL, round == 1);
    }
    for (int i = 0; i < ENGINES; i++) eg_engine_destroy(receive->engines[i].engine);
    add_rows(bench, name, receive);
    if (strcmp(name, "receive_flood") != 0) return;
    flood(bench, name, EG_IO_URING);
    flood(bench, name, EG_IO_EPOLL);
}

void shape_receive(struct bench *bench, const char *name) {
    static struct receive receive; // too large for a stack
    receive = (struct receive){.speed = 1, .duration_us = bench->is_quick ? DURATION_QUICK_US : DURATION_US};
    for (int way = 0; way < WAYS; way++) receive.system_calls[way] = receive.allocations[way] = -1;
    if (!parse_name(name, &receive)) {
        bench_break(bench, name, "1 to %d streams can be received", STREAMS_MAX);
        return;
    }
    if (receive.streams <= STREAMS_FEW_MAX) receive.speed = SPEED_FEW;
    struct media *media = media_create(&(struct media_plan){0});
    receive.schedule = media != NULL ? schedule_create(media, receive.streams, false) : NULL;
    if (receive.schedule != NULL) measure(bench, name, &receive);
    if (receive.received == 0) bench_break(bench, name, "nothing was received");
    schedule_destroy(receive.schedule);
    media_destroy(media);
}
