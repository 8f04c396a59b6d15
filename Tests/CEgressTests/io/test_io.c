// Opening sockets, and the small parts of io/: clock, randomness, the mailbox, and when arrivals gather.
#include "support/check.h"

#include "io/clock.h"
#include "io/gather.h"
#include "io/mailbox.h"
#include "io/random.h"
#include "io/udp.h"
#include "support/sockets.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { SMALL_BUFFER = 256 * 1024 };

static void ports_come_in_adjacent_pairs_within_the_range(struct eg_check *check) {
    enum { PAIRS = 8 };
    struct eg_kernel_random random;
    struct eg_udp_socket pairs[PAIRS][2];
    struct eg_error error = {0};
    eg__kernel_random_init(&random);
    for (unsigned i = 0; i < PAIRS; i++) {
        bool has_range = i < PAIRS / 2;
        uint16_t min = has_range ? port_of_ours(0) : 0, max = has_range ? port_of_ours(31) : 0;
        struct eg_udp_range range = {.min = min, .max = max, .buffer_size = SMALL_BUFFER};
        REQUIRE(eg__udp_open_pair(&range, &random.base, pairs[i], &error) == EG_STATUS_OK);
        CHECK_EQUAL(pairs[i][1].local.port, pairs[i][0].local.port + 1);
        CHECK(!has_range || (pairs[i][0].local.port >= min && pairs[i][1].local.port <= max));
        CHECK(pairs[i][0].receive_buffer_size > 0 && pairs[i][0].receive_buffer_size <= SMALL_BUFFER);
    }
    for (unsigned i = 0; i < PAIRS; i++) {
        eg__udp_close(&pairs[i][0]);
        eg__udp_close(&pairs[i][1]);
    }
}

static void a_small_range_is_searched_to_its_last_pair(struct eg_check *check) {
    struct eg_kernel_random random;
    struct eg_udp_socket pair[2];
    struct eg_error error = {0};
    int taken[9]; // of 11: all but the last two
    eg__kernel_random_init(&random);
    for (unsigned i = 0; i < 9; i++) REQUIRE((taken[i] = bind_plain(port_of_ours(32 + i))) >= 0);
    struct eg_udp_range range = {.min = port_of_ours(32), .max = port_of_ours(42), .buffer_size = SMALL_BUFFER};
    REQUIRE(eg__udp_open_pair(&range, &random.base, pair, &error) == EG_STATUS_OK);
    CHECK_EQUAL(pair[0].local.port, port_of_ours(41));
    for (int i = 0; i < 9; i++) close(taken[i]);
    eg__udp_close(&pair[0]);
    eg__udp_close(&pair[1]);
}

static void an_exhausted_range_names_the_cause_and_leaves_nothing_open(struct eg_check *check) {
    struct eg_kernel_random random;
    struct eg_udp_socket pair[2];
    struct eg_error error = {0};
    uint16_t lower = port_of_ours(44), upper = port_of_ours(45);
    struct eg_udp_range range = {.min = lower, .max = upper, .buffer_size = SMALL_BUFFER};
    char cause[64];
    snprintf(cause, sizeof cause, "bind 127.0.0.1:%u: Address already in use", upper);
    eg__kernel_random_init(&random);
    // The upper port alone is taken: the lower one is bound at each attempt and must be let go of.
    int taken = bind_plain(upper);
    REQUIRE(taken >= 0);
    CHECK_EQUAL(eg__udp_open_pair(&range, &random.base, pair, &error), EG_STATUS_NO_PORTS);
    CHECK_EQUAL(error.status, EG_STATUS_NO_PORTS);
    CHECK_EQUAL(error.system_error, EADDRINUSE);
    CHECK(strstr(error.message, cause) != NULL);
    int free_again = bind_plain(lower);
    CHECK(free_again >= 0);
    close(free_again);
    close(taken);
    CHECK_EQUAL(eg__udp_open_pair(&range, &random.base, pair, NULL), EG_STATUS_OK);
    eg__udp_close(&pair[0]);
    eg__udp_close(&pair[1]);
}

// In a child, whose limit and descriptors are nobody else's: room for exactly one more. The number of the step that did not hold.
static int run_without_descriptors(void) {
    struct eg_kernel_random random;
    struct eg_udp_socket pair[2];
    struct eg_error error = {0};
    eg__kernel_random_init(&random);
    eg__random_u64(&random.base);
    int lowest = open_peer();
    close(lowest);
    struct rlimit limit = {.rlim_cur = (rlim_t)lowest + 1, .rlim_max = (rlim_t)lowest + 1};
    if (lowest < 0 || setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    if (eg__udp_open_pair(&(struct eg_udp_range){.buffer_size = SMALL_BUFFER}, &random.base, pair, &error) != EG_STATUS_SYSTEM) return 2;
    if (error.system_error != EMFILE || strstr(error.message, "ulimit -n") == NULL) return 3;
    return open_peer() == lowest ? 0 : 4; // the first socket was closed again
}

static void without_descriptors_no_pair_is_searched_for(struct eg_check *check) {
    int status = -1;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(run_without_descriptors());
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_EQUAL(WEXITSTATUS(status), 0);
}

static void a_taken_viewer_port_is_in_use(struct eg_check *check) {
    static const char *const addresses[] = {NULL, "127.0.0.1", "0.0.0.0", "::1", "::"};
    unsigned before = open_descriptors();
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct eg_udp_socket first, second;
        struct eg_error error = {0};
        REQUIRE(eg__udp_open_viewer(addresses[i], 0, SMALL_BUFFER, &first, &error) == EG_STATUS_OK);
        for (int round = 0; round < LEAK_ROUNDS; round++) {
            CHECK_ROW(eg__udp_open_viewer(addresses[i], first.local.port, SMALL_BUFFER, &second, &error) == EG_STATUS_ADDRESS_IN_USE, i);
        }
        CHECK_ROW(error.system_error == EADDRINUSE && strstr(error.message, "bind UDP") != NULL, i);
        eg__udp_close(&first);
    }
    CHECK(!has_leaked(before));
}

static void only_numeric_addresses_are_taken(struct eg_check *check) {
    static const char *const addresses[] = {"", "localhost", "127.0.0", "1.2.3.4.5", "::g", "127.0.0.1:80", "[::1]"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct eg_udp_socket udp;
        struct eg_error error = {0};
        CHECK_ROW(eg__udp_open_viewer(addresses[i], 0, SMALL_BUFFER, &udp, &error) == EG_STATUS_INVALID_ARGUMENT, i);
        CHECK_ROW(strstr(error.message, "udp_address") != NULL, i);
    }
}

static void random_bytes_differ_and_are_wiped_where_they_came_from(struct eg_check *check) {
    struct eg_kernel_random random;
    uint8_t first[100], second[EG_RANDOM_POOL_SIZE * 2 + 3] = {0};
    static const uint8_t zero[100];
    eg__kernel_random_init(&random);
    random.base.fill(&random.base, first, sizeof first);
    CHECK(memcmp(first, zero, sizeof first) != 0);
    CHECK_BYTES(random.pool, zero, sizeof zero);
    random.base.fill(&random.base, second, sizeof second);
    CHECK(memcmp(first, second, sizeof first) != 0);
    CHECK(memcmp(second, second + EG_RANDOM_POOL_SIZE, sizeof first) != 0);
    CHECK(memcmp(second + sizeof second - 16, zero, 16) != 0);
    CHECK(eg__random_u64(&random.base) != eg__random_u64(&random.base));
}

static void the_clock_origin_gives_the_time_of_day_in_ntp(struct eg_check *check) {
    uint64_t ntp_seconds = (eg__clock_ntp_origin() >> 32) + eg__clock_now() / EG_SECOND;
    uint64_t unix_seconds = (uint64_t)time(NULL);
    CHECK(ntp_seconds + 2 >= unix_seconds + 2208988800u && ntp_seconds <= unix_seconds + 2208988800u + 2);
}

static void arrivals_gather_when_wake_ups_are_many_and_stop_when_it_is_quiet(struct eg_check *check) {
    struct eg_gather gather = {0};
    eg_time now = 5 * EG_SECOND;
    // 1,900 wake-ups a second, for half a second.
    for (int i = 0; i < 950; i++) eg__gather_count(&gather, now += 526, true, 1);
    CHECK(!gather.active);
    CHECK_EQUAL(eg__gather_until(&gather, now), 0);
    // 2,500 a second.
    for (int i = 0; i < 750; i++) eg__gather_count(&gather, now += 400, true, 1);
    CHECK(gather.active);
    CHECK_EQUAL(eg__gather_until(&gather, now), now + EG_MILLISECOND);
    // Gathered now: a turn a millisecond, with 2 or 3 in each. It stays.
    for (int i = 0; i < 500; i++) eg__gather_count(&gather, now += 1000, true, 2 + i % 2);
    CHECK(gather.active);
    // 1,000 a second: it ends.
    for (int i = 0; i < 500; i++) eg__gather_count(&gather, now += 1000, true, 1);
    CHECK(!gather.active);
    // A burst of datagrams in few wake-ups, as one stream's pictures are, does not begin it.
    for (int i = 0; i < 30; i++) eg__gather_count(&gather, now += 33 * EG_MILLISECOND, true, 200);
    CHECK(!gather.active);
    // Silence ends it at the first turn after.
    for (int i = 0; i < 750; i++) eg__gather_count(&gather, now += 400, true, 1);
    CHECK(gather.active);
    eg__gather_count(&gather, now += EG_SECOND, true, 1);
    CHECK(!gather.active);
}

struct posted {
    struct eg_command base;
    struct eg_mailbox *mailbox;
    pthread_t thread;
    eg_status status;
};

static void *run_post(void *context) {
    struct posted *posted = context;
    eg__mailbox_post(posted->mailbox, &posted->base);
    posted->status = eg__mailbox_wait(posted->mailbox, &posted->base);
    return NULL;
}

static void every_command_is_taken_once_and_completed(struct eg_check *check) {
    enum { CALLERS = 16 };
    static struct eg_mailbox mailbox;
    struct posted posted[CALLERS] = {0};
    bool is_closed = false;
    eg__mailbox_init(&mailbox);
    CHECK(eg__mailbox_take(&mailbox, &is_closed) == NULL);
    for (int i = 0; i < CALLERS; i++) {
        posted[i].mailbox = &mailbox;
        REQUIRE(pthread_create(&posted[i].thread, NULL, run_post, &posted[i]) == 0);
    }
    for (int taken = 0; taken < CALLERS;) {
        struct eg_command *commands = eg__mailbox_take(&mailbox, &is_closed);
        for (struct eg_command *command = commands; command != NULL; command = command->next) {
            command->status = EG_STATUS_LIMIT_REACHED;
            taken++;
        }
        eg__mailbox_complete(&mailbox, commands);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(posted[i].thread, NULL);
        CHECK_ROW(posted[i].status == EG_STATUS_LIMIT_REACHED, i);
    }
    CHECK(!is_closed);
    eg__mailbox_deinit(&mailbox);
}

static void a_full_mailbox_makes_callers_wait_and_a_closed_one_refuses(struct eg_check *check) {
    static struct eg_mailbox mailbox;
    static struct eg_command commands[EG_MAILBOX_SIZE];
    struct posted late = {.mailbox = &mailbox};
    bool is_closed;
    eg__mailbox_init(&mailbox);
    CHECK(eg__mailbox_post(&mailbox, &commands[0])); // the worker must be woken for the first one only
    for (int i = 1; i < EG_MAILBOX_SIZE; i++) CHECK_ROW(!eg__mailbox_post(&mailbox, &commands[i]), i);
    REQUIRE(pthread_create(&late.thread, NULL, run_post, &late) == 0);
    struct eg_command *taken = eg__mailbox_take(&mailbox, &is_closed);
    CHECK(taken == &commands[0]);
    uint32_t count = 0;
    for (struct eg_command *command = taken; command != NULL; command = command->next) count++;
    CHECK_EQUAL(count, EG_MAILBOX_SIZE);
    eg__mailbox_complete(&mailbox, taken);
    struct eg_command *last = NULL;
    while (last == NULL) last = eg__mailbox_take(&mailbox, &is_closed);
    CHECK(last == &late.base && last->next == NULL);
    last->status = EG_STATUS_OK;
    eg__mailbox_complete(&mailbox, last);
    pthread_join(late.thread, NULL);
    CHECK_EQUAL(late.status, EG_STATUS_OK);

    eg__mailbox_close(&mailbox);
    CHECK(!eg__mailbox_post(&mailbox, &commands[0]));
    CHECK_EQUAL(eg__mailbox_wait(&mailbox, &commands[0]), EG_STATUS_NOT_FOUND);
    CHECK(eg__mailbox_take(&mailbox, &is_closed) == NULL);
    CHECK(is_closed);
    eg__mailbox_deinit(&mailbox);
}

static const struct eg_test tests[] = {
    EG_TEST(ports_come_in_adjacent_pairs_within_the_range),
    EG_TEST(a_small_range_is_searched_to_its_last_pair),
    EG_TEST(an_exhausted_range_names_the_cause_and_leaves_nothing_open),
    EG_TEST(without_descriptors_no_pair_is_searched_for),
    EG_TEST(a_taken_viewer_port_is_in_use),
    EG_TEST(only_numeric_addresses_are_taken),
    EG_TEST(random_bytes_differ_and_are_wiped_where_they_came_from),
    EG_TEST(the_clock_origin_gives_the_time_of_day_in_ntp),
    EG_TEST(arrivals_gather_when_wake_ups_are_many_and_stop_when_it_is_quiet),
    EG_TEST(every_command_is_taken_once_and_completed),
    EG_TEST(a_full_mailbox_makes_callers_wait_and_a_closed_one_refuses),
};

EG_TEST_SUITE(io, tests);
