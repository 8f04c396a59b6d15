#include "swarm.h"

#include "session.h"
#include "swarm_board.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct swarm {
    struct swarm_board *board;
    int commands;
    pid_t process;
};

static struct swarm_board *map_board(void) {
    void *memory = mmap(NULL, sizeof(struct swarm_board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static bool await_answer(const struct swarm *swarm, uint32_t *answer) {
    return read(swarm->commands, answer, sizeof *answer) == sizeof *answer;
}

// It goes when we go, whatever way that is.
static _Noreturn void become_process(struct swarm_board *board, int commands) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "swarm");
    session_claim();
    swarm_process_run(board, commands);
    _exit(0);
}

static bool fork_process(struct swarm *swarm) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return false;
    fflush(stdout);
    swarm->process = fork();
    if (swarm->process == 0) {
        close(pair[0]);
        become_process(swarm->board, pair[1]);
    }
    close(pair[1]);
    swarm->commands = pair[0];
    uint32_t opened;
    return swarm->process > 0 && await_answer(swarm, &opened) && opened == swarm->board->plan.viewer_count;
}

struct swarm *swarm_start(const struct swarm_plan *plan) {
    if (plan->viewer_count > SWARM_VIEWERS_MAX) return NULL;
    struct swarm *swarm = calloc(1, sizeof *swarm);
    if (swarm == NULL) return NULL;
    *swarm = (struct swarm){.board = map_board(), .commands = -1};
    if (swarm->board != NULL) {
        swarm->board->plan = *plan;
        if (fork_process(swarm)) return swarm;
    }
    swarm_stop(swarm);
    return NULL;
}

void swarm_stop(struct swarm *swarm) {
    if (swarm == NULL) return;
    if (swarm->commands >= 0) {
        shutdown(swarm->commands, SHUT_RDWR); // another swarm that was forked later has a copy of it
        close(swarm->commands);
    }
    if (swarm->process > 0) waitpid(swarm->process, NULL, 0);
    if (swarm->board != NULL) munmap(swarm->board, sizeof *swarm->board);
    free(swarm);
}

uint16_t swarm_port(const struct swarm *swarm, uint32_t viewer) { return swarm->board->viewers[viewer].port; }

static uint32_t command(struct swarm *swarm, struct swarm_command command) {
    uint32_t answer = 0;
    bool is_answered = write(swarm->commands, &command, sizeof command) == sizeof command && await_answer(swarm, &answer);
    return is_answered ? answer : 0;
}

static bool create_viewer(struct swarm *swarm, eg_engine *engine, const struct swarm_watch *watch, uint32_t index) {
    struct swarm_viewer *viewer = &swarm->board->viewers[index];
    snprintf(viewer->ufrag, sizeof viewer->ufrag, "v%07u", index);
    snprintf(viewer->pwd, sizeof viewer->pwd, "password%016u", index);
    struct eg_viewer_config config = {
        .stream = watch->stream,
        .ice_ufrag = viewer->ufrag,
        .ice_pwd = viewer->pwd,
        .fingerprint = swarm->board->fingerprint,
        .has_video = true,
        .has_audio = watch->has_audio,
        .has_video_rtx = true,
        .video_payload_type = MEDIA_VIDEO_PAYLOAD_TYPE,
        .video_rtx_payload_type = MEDIA_RTX_PAYLOAD_TYPE,
        .audio_payload_type = MEDIA_AUDIO_PAYLOAD_TYPE,
        .encoding = watch->ladder != 0 ? watch->begin : watch->encodings > 0 ? index % watch->encodings : 0,
        .ladder = watch->ladder,
        .transport_cc_id = swarm->board->plan.transport_id,
    };
    struct eg_viewer_info info;
    struct eg_error error;
    if (eg_viewer_create(engine, &config, &info, &error) != EG_STATUS_OK) {
        fprintf(stderr, "eg_viewer_create: %s\n", error.message);
        return false;
    }
    memcpy(viewer->engine_ufrag, info.ice_ufrag, sizeof viewer->engine_ufrag);
    memcpy(viewer->engine_pwd, info.ice_pwd, sizeof viewer->engine_pwd);
    viewer->video_ssrc = info.video_ssrc;
    viewer->id = info.viewer;
    return true;
}

uint32_t swarm_join(struct swarm *swarm, eg_engine *engine, const struct swarm_watch *watch, uint32_t first, uint32_t count) {
    struct eg_engine_info info;
    eg_engine_info(engine, &info);
    swarm->board->engine_port = info.udp_port;
    uint32_t made = 0;
    while (made < count && create_viewer(swarm, engine, watch, first + made)) made++;
    return command(swarm, (struct swarm_command){SWARM_JOIN, first, made});
}

void swarm_leave(struct swarm *swarm, eg_engine *engine, uint32_t first, uint32_t count) {
    for (uint32_t i = first; i < first + count; i++) {
        if (swarm->board->viewers[i].id != 0) eg_viewer_close(engine, swarm->board->viewers[i].id);
        swarm->board->viewers[i].id = 0;
    }
    command(swarm, (struct swarm_command){SWARM_LEAVE, first, count});
}

void swarm_stall(struct swarm *swarm, uint32_t viewer, bool is_stalled) {
    command(swarm, (struct swarm_command){is_stalled ? SWARM_STALL : SWARM_UNSTALL, viewer, 1});
}

void swarm_begin(struct swarm *swarm) { command(swarm, (struct swarm_command){.kind = SWARM_BEGIN}); }

void swarm_end(struct swarm *swarm, struct swarm_report *report) {
    command(swarm, (struct swarm_command){.kind = SWARM_END});
    *report = swarm->board->report;
    for (int kind = 0; kind < MEDIA_KINDS; kind++) report->latencies[kind] = swarm->board->latencies[kind];
    report->pictures = swarm->board->pictures;
    report->starts = swarm->board->starts;
}
