// What the bench and its process of viewers share: a board in shared memory, and commands over a socket pair. A command is written, then
// carried out, then answered, so neither side reads what the other is writing.
#ifndef BENCH_SWARM_BOARD_H
#define BENCH_SWARM_BOARD_H

#include "swarm.h"

enum swarm_command_kind { SWARM_JOIN, SWARM_LEAVE, SWARM_STALL, SWARM_UNSTALL, SWARM_BEGIN, SWARM_END };

struct swarm_command {
    enum swarm_command_kind kind;
    uint32_t first;
    uint32_t count;
};

// The answer to a command is one uint32_t.

enum { SWARM_UFRAG_SIZE = 9, SWARM_PWD_SIZE = 25 };

struct swarm_viewer {
    uint16_t port;                        // of its socket
    char ufrag[SWARM_UFRAG_SIZE];         // its own credentials
    char pwd[SWARM_PWD_SIZE];
    char engine_ufrag[SWARM_UFRAG_SIZE];  // the engine's
    char engine_pwd[SWARM_PWD_SIZE];
    uint32_t video_ssrc;
    eg_viewer_id id;                      // the engine's, 0: none
};

struct swarm_board {
    uint16_t engine_port;
    struct swarm_plan plan;
    char fingerprint[128];                // of the viewers' certificate, as SDP has it
    struct swarm_report report;
    struct swarm_viewer viewers[SWARM_VIEWERS_MAX];
    uint32_t latencies[MEDIA_KINDS][SWARM_LATENCIES_MAX];
    struct swarm_picture pictures[SWARM_PICTURES_MAX];
    struct swarm_start starts[SWARM_VIEWERS_MAX];
};

// The process's life: ends when the other side of `commands` is closed.
void swarm_process_run(struct swarm_board *board, int commands);

#endif
