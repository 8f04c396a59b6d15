// What a packet costs here, beside what it has to cost at least. Everything goes over 127.0.0.1, takes a bounded time and ends by itself.
#include "bench.h"
#include "heap.h"
#include "session.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct family {
    const char *prefix;
    void (*run)(struct bench *bench, const char *name);
    const char *help;
};

static const struct family families[] = {
    {"receive_", shape_receive, "receive_S, receive_flood: S (200) streams, the engine's receive path beside bare recvmmsg loops"},
    {"parse", shape_parse, "parse: RTP and H.264 headers beside a plain read of the header"},
    {"codecs", shape_codecs, "codecs: receiving and storing a packet of video in each codec, beside H.264"},
    {"protect", shape_protect, "protect: SRTP of one packet beside the bare cipher"},
    {"send", shape_send, "send: the same messages by sendmmsg, by io_uring and one by one, with and without GSO, long and short"},
    {"fanout_", shape_fanout, "fanout_SxN[_video][_unsplit][_epoll][_openssl][_workers2]: S streams, N viewers each, beside bare cipher and sends"},
    {"streams_", shape_fanout, "streams_SxN…: the same under the name that says where the load is"},
    {"encodings_", shape_encodings, "encodings_ExN: one stream in E encodings, N viewers spread over them, beside E streams with the same viewers"},
    {"ladder_", shape_ladder, "ladder_RxN: one stream in R (3) renditions, N viewers who tell of their links, beside the same without"},
    {"join_rate", shape_joins, "join_rate: ICE and DTLS beside OpenSSL's handshake alone, while 100 viewers watch"},
    {"idr_burst", shape_idr, "idr_burst: IDRs of 100 packets in, and out to 3,000 viewers; what sound, STUN, RTCP and joins wait for"},
    {"late_join", shape_late, "late_join: from the end of the handshake to the first packet, GOPs of 2 and 10 s"},
    {"slow_viewer", shape_slow, "slow_viewer: 200 viewers, of whom one stops reading"},
};

static const char *const shapes_quick[] = {
    "parse", "codecs", "protect", "send", "receive_1", "receive_flood", "fanout_1x1", "fanout_1x500", "fanout_1x500_unsplit",
    "streams_200x5", "encodings_3x500", "ladder_3x500", "join_rate", "idr_burst", "late_join", "slow_viewer",
};

static const char *const shapes_all[] = {
    "parse", "codecs", "protect", "send", "receive_1", "receive_flood",
    // The plot's: cost and latency against viewers.
    "fanout_1x1", "fanout_1x10", "fanout_1x30", "fanout_1x100", "fanout_1x200", "fanout_1x300", "fanout_1x1000", "fanout_1x2300", "fanout_1x3000",
    "fanout_1x500", "fanout_1x500_workers2", "fanout_1x500_unsplit", "fanout_1x500_epoll", "fanout_1x500_openssl", "fanout_1x3000_video",
    "fanout_1x3000_video_unsplit", "streams_200x5", "streams_200x5_epoll", "streams_200x5_unsplit",
    "encodings_3x500", "ladder_3x500", "join_rate", "idr_burst", "late_join", "slow_viewer",
};

struct options {
    bool is_quick;
    const char *json;
    const char *const *shapes;
    size_t shape_count;
};

void bench_break(struct bench *bench, const char *shape, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s is broken: ", shape);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    bench->broken++;
}

static void print_help(void) {
    printf("egress-bench [--quick] [--json FILE] [shape...]   (or QUICK=1, BENCH_JSON=FILE)\n");
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) printf("  %s\n", families[i].help);
}

// False when the program is to end at once, with `*status`. Shapes come last, so they are left where they stand.
static bool parse_options(int count, char **arguments, struct options *options, int *status) {
    const char *quick = getenv("QUICK");
    *options = (struct options){.is_quick = quick != NULL && strcmp(quick, "1") == 0, .json = getenv("BENCH_JSON")};
    int at = 1;
    for (; at < count && arguments[at][0] == '-'; at++) {
        if (strcmp(arguments[at], "--quick") == 0) {
            options->is_quick = true;
        } else if (strcmp(arguments[at], "--json") == 0 && at + 1 < count) {
            options->json = arguments[++at];
        } else {
            print_help();
            *status = strcmp(arguments[at], "--help") == 0 ? 0 : 2;
            return false;
        }
    }
    options->shapes = options->is_quick ? shapes_quick : shapes_all;
    options->shape_count = options->is_quick ? sizeof shapes_quick / sizeof shapes_quick[0] : sizeof shapes_all / sizeof shapes_all[0];
    if (at == count) return true;
    options->shapes = (const char *const *)arguments + at;
    options->shape_count = (size_t)(count - at);
    return true;
}

static void run_shape(struct bench *bench, const char *name) {
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (strncmp(name, families[i].prefix, strlen(families[i].prefix)) != 0) continue;
        families[i].run(bench, name);
        return;
    }
    bench_break(bench, name, "there is no such shape (--help names them)");
}

static void run_apart(struct bench *bench, const char *name) {
    fflush(stdout);
    pid_t process = fork();
    if (process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        session_claim();
        run_shape(bench, name);
        fflush(stdout);
        _exit(bench->broken > 0);
    }
    int status = 0;
    if (process < 0 || waitpid(process, &status, 0) != process) {
        bench_break(bench, name, "it could not be started");
    } else if (WIFSIGNALED(status)) {
        bench_break(bench, name, "it ended by signal %d", WTERMSIG(status));
    } else {
        bench->broken += WEXITSTATUS(status) != 0;
    }
}

// Viewers have a socket each.
static void raise_descriptor_limit(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int count, char **arguments) {
    struct options options;
    int status;
    if (!parse_options(count, arguments, &options, &status)) return status;
    raise_descriptor_limit();
    if (!heap_watch()) fprintf(stderr, "allocations are not counted in this build\n");
    struct machine machine;
    machine_describe(&machine);
    machine_print(&machine);
    struct bench bench = {.is_quick = options.is_quick, .table = table_create()};
    if (bench.table == NULL) return 1;
    for (size_t i = 0; i < options.shape_count; i++) run_apart(&bench, options.shapes[i]);
    if (options.json != NULL && !table_write_json(bench.table, &machine, options.json)) {
        fprintf(stderr, "%s could not be written\n", options.json);
        bench.broken++;
    }
    table_destroy(bench.table);
    return bench.broken > 0;
}
