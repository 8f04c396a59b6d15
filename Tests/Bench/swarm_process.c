// One loop, woken by handshakes and otherwise every 20 ms. A peer that is connected is out of epoll: media, and what else the engine sends
// it, must not wake anybody, since the wake-up would be on the engine's account. Peers that tell of what arrived are looked after every
// millisecond, so that their reports come to the engine as spread out as those of real viewers.
#include "io/clock.h"
#include "peer.h"
#include "sink.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    TICK_MS = 20,
    TICK_JOINING_MS = 2,
    TICK_TELLING_MS = 1,
    UNDER_WAY_MAX = 32,              // handshakes at a time
    JOIN_TIMEOUT = 20 * EG_SECOND,   // [us]
    EVENTS_MAX = 64,
    COMMANDS = -1,                   // in place of a peer's index
};

struct process {
    struct swarm_board *board;
    int commands;
    int epoll_fd;
    struct eg_crypto *crypto;
    struct peer *peers;
    uint32_t *dropped;       // by peer, as of the last begin
    uint32_t next;           // of the join under way
    uint32_t end;            // of the same: peers below have been asked for
    uint32_t first;
    eg_time give_up_at;      // EG_TIME_NEVER: no join under way
};

static bool watch(const struct process *process, int fd, int index) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)(int64_t)index};
    return epoll_ctl(process->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void answer(const struct process *process, uint32_t value) {
    if (write(process->commands, &value, sizeof value) != sizeof value) _exit(1);
}

static bool is_sample(const struct swarm_samples *samples, uint32_t index) {
    if (index < samples->first || samples->stride == 0) return false;
    uint32_t at = index - samples->first;
    return at % samples->stride < samples->run && at / samples->stride < samples->groups;
}

static uint32_t open_peers(struct process *process) {
    struct swarm_board *board = process->board;
    for (uint32_t i = 0; i < board->plan.viewer_count; i++) {
        if (!peer_init(&process->peers[i], board, &board->viewers[i], is_sample(&board->plan.samples, i))) return i;
    }
    return board->plan.viewer_count;
}

static void write_fingerprint(struct swarm_board *board) {
    static const char hex[] = "0123456789ABCDEF";
    struct eg_fingerprint fingerprint;
    eg_dtls_client_fingerprint(&fingerprint);
    char *text = board->fingerprint;
    for (const char *name = "sha-256 "; *name != '\0'; name++) *text++ = *name;
    for (int i = 0; i < 32; i++) {
        if (i > 0) *text++ = ':';
        *text++ = hex[fingerprint.bytes[i] >> 4];
        *text++ = hex[fingerprint.bytes[i] & 15];
    }
    *text = '\0';
}

static uint32_t count_in(const struct process *process, enum peer_state state) {
    uint32_t count = 0;
    for (uint32_t i = process->first; i < process->next; i++) count += process->peers[i].state == state;
    return count;
}

// Keeps UNDER_WAY_MAX handshakes going, and answers when all are done.
static void go_on_joining(struct process *process, eg_time now) {
    if (process->give_up_at == EG_TIME_NEVER) return;
    uint32_t under_way = count_in(process, PEER_CHECKING) + count_in(process, PEER_SHAKING);
    for (; process->next < process->end && under_way < UNDER_WAY_MAX; under_way++) {
        struct peer *peer = &process->peers[process->next];
        watch(process, peer->fd, (int)process->next++);
        peer_join(peer, now);
    }
    if (under_way > 0 && now < process->give_up_at) return;
    process->give_up_at = EG_TIME_NEVER;
    answer(process, count_in(process, PEER_CONNECTED));
}

static void read_samples(struct process *process) {
    for (uint32_t i = 0; i < process->board->plan.viewer_count; i++) {
        struct peer *peer = &process->peers[i];
        if (peer->is_sample && peer->state == PEER_CONNECTED) sample_read(&peer->sample, peer->fd, process->board);
    }
}

static void count_feedback(struct process *process, struct peer *peer, bool is_end) {
    if (is_end) process->board->report.feedback += peer->feedback;
    if (is_end) process->board->report.feedback_bytes += peer->feedback_bytes;
    peer->feedback = peer->feedback_bytes = 0;
}

// What samples got they count themselves.
static void count_dropped(struct process *process, bool is_end, eg_time now) {
    for (uint32_t i = 0; i < process->board->plan.viewer_count; i++) {
        struct peer *peer = &process->peers[i];
        count_feedback(process, peer, is_end);
        if (peer->is_sample || peer->is_stalled) continue;
        if (process->board->plan.keeps_ends) peer_read(peer, process->crypto, now);
        uint32_t dropped = sink_dropped(peer->fd);
        if (is_end) process->board->report.delivered += dropped - process->dropped[i] + peer->kept;
        process->dropped[i] = dropped;
        peer->kept = 0;
    }
}

static void leave(struct process *process, struct peer *peer) {
    epoll_ctl(process->epoll_fd, EPOLL_CTL_DEL, peer->fd, NULL); // fails when it had connected, and then it is out already
    peer_leave(peer);
}

// False when there is nobody left to take commands from.
static bool take_command(struct process *process, eg_time now) {
    struct swarm_command command;
    if (read(process->commands, &command, sizeof command) != sizeof command) return false;
    switch (command.kind) {
    case SWARM_JOIN:
        process->first = process->next = command.first;
        process->end = command.first + command.count;
        process->give_up_at = now + JOIN_TIMEOUT;
        return true;
    case SWARM_LEAVE:
        for (uint32_t i = command.first; i < command.first + command.count; i++) leave(process, &process->peers[i]);
        answer(process, 0);
        return true;
    case SWARM_STALL:
    case SWARM_UNSTALL:
        peer_stall(&process->peers[command.first], command.kind == SWARM_STALL);
        answer(process, 0);
        return true;
    case SWARM_BEGIN:
        read_samples(process);
        process->board->report = (struct swarm_report){0};
        break;
    case SWARM_END:
        read_samples(process);
        break;
    }
    count_dropped(process, command.kind == SWARM_END, now);
    answer(process, 0);
    return true;
}

static void tick(struct process *process, eg_time now) {
    for (uint32_t i = 0; i < process->board->plan.viewer_count; i++) peer_tick(&process->peers[i], process->crypto, now);
    read_samples(process);
}

static bool take_event(struct process *process, const struct epoll_event *event, eg_time now) {
    int64_t index = (int64_t)event->data.u64;
    if (index == COMMANDS) return take_command(process, now);
    struct peer *peer = &process->peers[index];
    peer_read(peer, process->crypto, now);
    if (peer->state == PEER_CONNECTED || peer->state == PEER_FAILED) epoll_ctl(process->epoll_fd, EPOLL_CTL_DEL, peer->fd, NULL);
    return true;
}

static void loop(struct process *process) {
    const int tick_ms = process->board->plan.transport_id != 0 ? TICK_TELLING_MS : TICK_MS;
    eg_time next_tick = 0;
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int timeout_ms = process->give_up_at == EG_TIME_NEVER || tick_ms < TICK_JOINING_MS ? tick_ms : TICK_JOINING_MS;
        int count = epoll_wait(process->epoll_fd, events, EVENTS_MAX, timeout_ms);
        eg_time now = eg__clock_now();
        for (int i = 0; i < count; i++) {
            if (!take_event(process, &events[i], now)) return;
        }
        if (now >= next_tick) {
            tick(process, now);
            next_tick = now + (eg_time)tick_ms * EG_MILLISECOND;
        }
        go_on_joining(process, now);
    }
}

void swarm_process_run(struct swarm_board *board, int commands) {
    struct process process = {
        .board = board,
        .commands = commands,
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .crypto = eg__crypto_create("openssl"),
        .peers = calloc(board->plan.viewer_count, sizeof(struct peer)),
        .dropped = calloc(board->plan.viewer_count, sizeof(uint32_t)),
        .give_up_at = EG_TIME_NEVER,
    };
    if (process.crypto == NULL || process.peers == NULL || process.dropped == NULL || !watch(&process, commands, COMMANDS)) return;
    write_fingerprint(board);
    answer(&process, open_peers(&process));
    loop(&process);
}
