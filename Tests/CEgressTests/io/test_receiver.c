// Real sockets on loopback. Nothing sleeps: what loopback was given has arrived when the send returns, and what comes from another thread is
// awaited with a bound.
#include "support/check.h"

#include "base/limits.h"
#include "io/clock.h"
#include "io/random.h"
#include "io/receiver_choice.h"
#include "io/sender.h"
#include "io/udp.h"
#include "support/back_ends.h"
#include "support/sockets.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { PATIENCE = 5 * EG_SECOND, SMALL_BUFFER = 256 * 1024 };

// A receiver attached to this thread, with one socket pair in it.
struct fixture {
    struct eg_receiver *receiver;
    struct eg_udp_socket pair[2];
    eg_handle sockets[2];
    struct eg_kernel_random random;
    int peer;
};

static bool set_up(struct fixture *fixture, eg_io io, uint32_t buffer_size) {
    struct eg_receiver_choice choice;
    struct eg_error error;
    *fixture = (struct fixture){.peer = open_peer()};
    eg__kernel_random_init(&fixture->random);
    if (eg__receiver_create(io, 64, &choice, &error) != EG_STATUS_OK) return false;
    fixture->receiver = choice.receiver;
    eg__receiver_attach(fixture->receiver);
    struct eg_udp_range range = {.buffer_size = buffer_size};
    if (eg__udp_open_pair(&range, &fixture->random.base, fixture->pair, &error) != EG_STATUS_OK) return false;
    for (uint32_t i = 0; i < 2; i++) {
        struct eg_receiver_source source = {.fd = fixture->pair[i].fd, .local_port = fixture->pair[i].local.port, .owner = 7, .kind = i};
        fixture->sockets[i] = eg__receiver_add(fixture->receiver, &source);
        if (fixture->sockets[i] == 0) return false;
    }
    return true;
}

static void tear_down(struct fixture *fixture) {
    eg__receiver_detach(fixture->receiver);
    eg__receiver_destroy(fixture->receiver);
    close(fixture->peer);
}

// Waits as often as it takes, within PATIENCE.
static bool receive_one(struct eg_receiver *receiver, struct eg_datagram *datagram) {
    eg_time end = eg__clock_now() + PATIENCE;
    for (eg_time now; (now = eg__clock_now()) < end;) {
        if (eg__receiver_next(receiver, datagram)) return true;
        eg__receiver_wait(receiver, end - now);
    }
    return false;
}

static void hands_out_what_arrived_with_its_owner_and_sender(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        struct fixture fixture;
        struct eg_datagram datagram;
        REQUIRE(set_up(&fixture, io, SMALL_BUFFER));
        CHECK_EQUAL(eg__receiver_io(fixture.receiver), io);
        for (uint32_t i = 0; i < 2; i++) {
            REQUIRE(send_to(fixture.peer, fixture.pair[i].local.port, "hello", 5));
            REQUIRE(receive_one(fixture.receiver, &datagram));
            CHECK_EQUAL(datagram.arrival.size, 5);
            CHECK_BYTES(datagram.arrival.bytes, "hello", 5);
            CHECK_EQUAL(datagram.owner, 7);
            CHECK_EQUAL(datagram.kind, i);
            CHECK(!datagram.is_truncated);
            CHECK_EQUAL(datagram.overflow, 0);
            struct sockaddr_in name;
            socklen_t name_size = sizeof name;
            getsockname(fixture.peer, (struct sockaddr *)&name, &name_size);
            struct eg_addr from = eg__addr_ipv4(127, 0, 0, 1, ntohs(name.sin_port));
            CHECK(eg__addr_equal(&datagram.arrival.path.remote, &from));
            CHECK_EQUAL(datagram.arrival.path.local.port, fixture.pair[i].local.port);
        }
        tear_down(&fixture);
    }
}

static void keeps_the_order_of_a_burst_and_loses_none_of_it(struct eg_check *check) {
    enum { COUNT = 3000 }; // more than the ring has buffers: it must run dry and recover
    FOR_EACH_BACK_END(io) {
        struct fixture fixture;
        struct eg_datagram datagram;
        REQUIRE(set_up(&fixture, io, 8 * 1024 * 1024));
        uint8_t packet[1200] = {0};
        for (uint32_t i = 0; i < COUNT; i++) {
            memcpy(packet, &i, sizeof i);
            REQUIRE(send_to(fixture.peer, fixture.pair[0].local.port, packet, sizeof packet));
        }
        // Each wait brings some more though none is looked at, until there is no buffer left.
        for (uint32_t i = 0; i < COUNT / 16; i++) eg__receiver_wait(fixture.receiver, 0);
        uint32_t in_order = 0;
        for (uint32_t i = 0; i < COUNT; i++) {
            REQUIRE(receive_one(fixture.receiver, &datagram));
            in_order += memcmp(datagram.arrival.bytes, &i, sizeof i) == 0 && datagram.arrival.size == sizeof packet;
        }
        CHECK_EQUAL(in_order, COUNT);
        CHECK(!eg__receiver_next(fixture.receiver, &datagram));
        tear_down(&fixture);
    }
}

enum { CROWD_PAIRS = 60 };

// A receiver of many pairs; a socket's owner is its pair's number and 1.
struct crowd {
    struct eg_receiver *receiver;
    uint16_t ports[CROWD_PAIRS * 2];
    eg_handle sockets[CROWD_PAIRS * 2];
    int peer;
};

static bool set_up_crowd(struct crowd *crowd, eg_io io) {
    struct eg_receiver_choice choice;
    struct eg_error error;
    struct eg_kernel_random random;
    eg__kernel_random_init(&random);
    *crowd = (struct crowd){.peer = open_peer()};
    if (eg__receiver_create(io, CROWD_PAIRS * 2, &choice, &error) != EG_STATUS_OK) return false;
    crowd->receiver = choice.receiver;
    eg__receiver_attach(crowd->receiver);
    for (uint32_t i = 0; i < CROWD_PAIRS * 2; i += 2) {
        struct eg_udp_socket pair[2];
        if (eg__udp_open_pair(&(struct eg_udp_range){.buffer_size = SMALL_BUFFER}, &random.base, pair, &error) != EG_STATUS_OK) return false;
        for (uint32_t kind = 0; kind < 2; kind++) {
            struct eg_receiver_source source = {.fd = pair[kind].fd, .owner = i / 2 + 1, .kind = kind};
            crowd->sockets[i + kind] = eg__receiver_add(crowd->receiver, &source);
            crowd->ports[i + kind] = pair[kind].local.port;
            if (crowd->sockets[i + kind] == 0) return false;
        }
    }
    eg__receiver_wait(crowd->receiver, 0);
    return true;
}

static void tear_down_crowd(struct crowd *crowd) {
    eg__receiver_detach(crowd->receiver);
    eg__receiver_destroy(crowd->receiver);
    close(crowd->peer);
}

// The sockets have ephemeral ports, where something that another process still sends can end up: only what carries our mark counts.
struct marked {
    char mark[12];
    uint32_t socket;
    uint32_t round;
};

static void serves_many_sockets_at_once(struct eg_check *check) {
    enum { ROUNDS = 5, COUNT = CROWD_PAIRS * 2 * ROUNDS };
    FOR_EACH_BACK_END(io) {
        struct crowd crowd;
        struct eg_datagram datagram;
        uint32_t rounds[CROWD_PAIRS * 2] = {0};
        REQUIRE(set_up_crowd(&crowd, io));
        CHECK_EQUAL(eg__receiver_add(crowd.receiver, &(struct eg_receiver_source){.fd = crowd.peer}), 0); // as many as it was made for
        struct marked sent = {.mark = "crowd test"}, got;
        for (uint32_t i = 0; i < COUNT; i++) {
            sent.socket = i % (CROWD_PAIRS * 2);
            sent.round = i / (CROWD_PAIRS * 2);
            REQUIRE(send_to(crowd.peer, crowd.ports[sent.socket], &sent, sizeof sent));
        }
        for (uint32_t i = 0; i < COUNT;) {
            REQUIRE(receive_one(crowd.receiver, &datagram));
            if (datagram.arrival.size != sizeof got) continue;
            memcpy(&got, datagram.arrival.bytes, sizeof got);
            if (memcmp(got.mark, sent.mark, sizeof got.mark) != 0) continue;
            CHECK_EQUAL((datagram.owner - 1) * 2 + datagram.kind, got.socket);
            CHECK_EQUAL(got.round, rounds[got.socket]++);
            i++;
        }
        for (uint32_t i = 0; i < CROWD_PAIRS * 2; i++) CHECK_ROW(rounds[i] == ROUNDS, i);
        tear_down_crowd(&crowd);
    }
}

// From Linux 6.13 on, one call of io_uring does only so much pending work.
static void one_wait_finds_what_all_ready_sockets_have(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        struct crowd crowd;
        struct eg_datagram datagram;
        uint32_t count = 0;
        REQUIRE(set_up_crowd(&crowd, io));
        for (uint32_t i = 0; i < CROWD_PAIRS * 2; i++) REQUIRE(send_to(crowd.peer, crowd.ports[i], "x", 1));
        eg__receiver_wait(crowd.receiver, PATIENCE);
        while (eg__receiver_next(crowd.receiver, &datagram)) count++;
        CHECK(count >= CROWD_PAIRS * 2);
        tear_down_crowd(&crowd);
    }
}

static void a_socket_is_removed_at_once_though_many_others_are_ready(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        struct crowd crowd;
        REQUIRE(set_up_crowd(&crowd, io));
        for (uint32_t i = 0; i < CROWD_PAIRS * 2; i++) REQUIRE(send_to(crowd.peer, crowd.ports[i], "x", 1));
        eg__receiver_remove(crowd.receiver, crowd.sockets[CROWD_PAIRS]);
        int again = bind_plain(crowd.ports[CROWD_PAIRS]);
        CHECK(again >= 0);
        close(again);
        tear_down_crowd(&crowd);
    }
}

static void what_a_removed_socket_had_received_is_not_handed_out(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        struct fixture fixture;
        struct eg_datagram datagram;
        REQUIRE(set_up(&fixture, io, SMALL_BUFFER));
        for (int i = 0; i < 10; i++) REQUIRE(send_to(fixture.peer, fixture.pair[0].local.port, "x", 1));
        REQUIRE(receive_one(fixture.receiver, &datagram));
        eg__receiver_remove(fixture.receiver, fixture.sockets[0]);
        CHECK(!eg__receiver_next(fixture.receiver, &datagram));
        tear_down(&fixture);
    }
}

static void marks_a_datagram_that_is_too_long_and_goes_on(struct eg_check *check) {
    static const struct {
        size_t size;
        size_t size_seen;
        bool is_truncated;
    } rows[] = {
        {EG_DATAGRAM_SIZE_MAX - 1, EG_DATAGRAM_SIZE_MAX - 1, false},
        {EG_DATAGRAM_SIZE_MAX, EG_DATAGRAM_SIZE_MAX, false},
        {EG_DATAGRAM_SIZE_MAX + 1, EG_DATAGRAM_SIZE_MAX, true},
        {65507, EG_DATAGRAM_SIZE_MAX, true},
        {0, 0, false},
        {1, 1, false},
    };
    static uint8_t packet[65507];
    memset(packet, 0xab, sizeof packet);
    FOR_EACH_BACK_END(io) {
        struct fixture fixture;
        struct eg_datagram datagram;
        REQUIRE(set_up(&fixture, io, 4 * 1024 * 1024));
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            REQUIRE(send_to(fixture.peer, fixture.pair[0].local.port, packet, rows[i].size));
            REQUIRE(receive_one(fixture.receiver, &datagram));
            CHECK_ROW(datagram.arrival.size == rows[i].size_seen, i);
            CHECK_ROW(datagram.is_truncated == rows[i].is_truncated, i);
            CHECK_ROW(memcmp(datagram.arrival.bytes, packet, datagram.arrival.size) == 0, i);
        }
        tear_down(&fixture);
    }
}

static void counts_what_a_full_buffer_lost(struct eg_check *check) {
    enum { SENT = 200 };
    FOR_EACH_BACK_END(io) {
        struct fixture fixture;
        struct eg_datagram datagram;
        REQUIRE(set_up(&fixture, io, 4096));
        uint8_t packet[1200] = {0};
        uint32_t received = 0, lost = 0;
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < SENT; i++) REQUIRE(send_to(fixture.peer, fixture.pair[0].local.port, packet, sizeof packet));
            // What is lost is told by the datagrams that come after.
            while (received + lost < (uint32_t)(round + 1) * SENT && received + lost >= (uint32_t)round * SENT) {
                eg__receiver_wait(fixture.receiver, 0);
                uint32_t before = received;
                while (eg__receiver_next(fixture.receiver, &datagram)) {
                    received++;
                    lost += datagram.overflow;
                }
                if (received == before) break;
            }
            REQUIRE(send_to(fixture.peer, fixture.pair[0].local.port, packet, sizeof packet));
            REQUIRE(receive_one(fixture.receiver, &datagram));
            lost += datagram.overflow;
            CHECK_EQUAL(received + lost, (round + 1) * SENT);
        }
        CHECK(lost > 0);
        tear_down(&fixture);
    }
}

struct flood {
    uint16_t port;
    atomic_bool stop;
    atomic_uint sent;
};

static void *run_flood(void *context) {
    struct flood *flood = context;
    int peer = open_peer();
    uint8_t packet[600] = {0};
    while (!atomic_load(&flood->stop)) {
        send_to(peer, flood->port, packet, sizeof packet); // refused while nobody has the port
        atomic_fetch_add(&flood->sent, 1);
    }
    close(peer);
    return NULL;
}

static void a_removed_socket_is_closed_and_silent_though_packets_keep_coming(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        for (int round = 0; round < 20; round++) {
            struct fixture fixture;
            struct eg_datagram datagram;
            REQUIRE(set_up(&fixture, io, SMALL_BUFFER));
            struct flood flood = {.port = fixture.pair[0].local.port};
            pthread_t thread;
            REQUIRE(pthread_create(&thread, NULL, run_flood, &flood) == 0);
            for (int i = 0; i < 10 + round; i++) REQUIRE(receive_one(fixture.receiver, &datagram));
            eg__receiver_remove(fixture.receiver, fixture.sockets[0]);
            // The port is free at once, and what is still in the receiver is not handed out.
            int again = bind_plain(flood.port);
            CHECK(again >= 0);
            for (int i = 0; i < 3; i++) {
                CHECK(!eg__receiver_next(fixture.receiver, &datagram));
                eg__receiver_wait(fixture.receiver, 0);
            }
            atomic_store(&flood.stop, true);
            pthread_join(thread, NULL);
            REQUIRE(send_to(fixture.peer, fixture.pair[1].local.port, "still here", 10));
            REQUIRE(receive_one(fixture.receiver, &datagram));
            CHECK_EQUAL(datagram.kind, 1);
            close(again);
            tear_down(&fixture);
        }
    }
}

static void *run_wake(void *context) {
    eg__receiver_wake(context);
    return NULL;
}

static void another_thread_ends_a_wait(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        struct fixture fixture;
        struct eg_datagram datagram;
        REQUIRE(set_up(&fixture, io, SMALL_BUFFER));
        for (int i = 0; i < 100; i++) {
            pthread_t thread;
            REQUIRE(pthread_create(&thread, NULL, run_wake, fixture.receiver) == 0);
            eg__receiver_wait(fixture.receiver, EG_TIME_NEVER); // would never end
            CHECK(!eg__receiver_next(fixture.receiver, &datagram));
            pthread_join(thread, NULL);
        }
        tear_down(&fixture);
    }
}

static void a_wait_ends_with_its_time(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        struct fixture fixture;
        REQUIRE(set_up(&fixture, io, SMALL_BUFFER));
        eg__receiver_wait(fixture.receiver, 0); // io_uring's first wait brings what arming it caused
        // A wait may end early, but not so often that the loop spins.
        enum { DELAY = 20 * EG_MILLISECOND };
        eg_time start = eg__clock_now(), took = 0;
        int waits = 0;
        for (; took < DELAY; took = eg__clock_now() - start, waits++) eg__receiver_wait(fixture.receiver, DELAY - took);
        CHECK(waits < 10);
        CHECK(took < EG_SECOND);
        start = eg__clock_now();
        eg__receiver_wait(fixture.receiver, 0);
        CHECK(eg__clock_now() - start < EG_SECOND);
        tear_down(&fixture);
    }
}

static void does_not_wait_while_something_is_left(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        struct fixture fixture;
        struct eg_datagram datagram;
        REQUIRE(set_up(&fixture, io, SMALL_BUFFER));
        for (int i = 0; i < 3; i++) REQUIRE(send_to(fixture.peer, fixture.pair[0].local.port, "x", 1));
        for (int i = 0; i < 3; i++) {
            eg__receiver_wait(fixture.receiver, EG_TIME_NEVER); // would never end
            REQUIRE(receive_one(fixture.receiver, &datagram));
        }
        tear_down(&fixture);
    }
}

static void a_receiver_leaves_no_descriptor_behind(struct eg_check *check) {
    unsigned before = open_descriptors();
    FOR_EACH_BACK_END(io) {
        for (int i = 0; i < LEAK_ROUNDS; i++) {
            struct fixture fixture;
            REQUIRE(set_up(&fixture, io, SMALL_BUFFER));
            tear_down(&fixture);
            struct eg_receiver_choice never_attached;
            struct eg_udp_socket pair[2];
            REQUIRE(eg__receiver_create(io, 4, &never_attached, NULL) == EG_STATUS_OK);
            REQUIRE(eg__udp_open_pair(&(struct eg_udp_range){.buffer_size = SMALL_BUFFER}, &fixture.random.base, pair, NULL) == EG_STATUS_OK);
            CHECK(eg__receiver_add(never_attached.receiver, &(struct eg_receiver_source){.fd = pair[0].fd}) != 0);
            CHECK(eg__receiver_add(never_attached.receiver, &(struct eg_receiver_source){.fd = pair[1].fd}) != 0);
            eg__receiver_destroy(never_attached.receiver);
        }
    }
    CHECK(!has_leaked(before));
}

// Opens a viewers' socket and a receiver on it.
static bool set_up_viewer(struct eg_udp_socket *udp, struct eg_receiver **receiver, eg_io io, const char *address) {
    struct eg_receiver_choice choice;
    struct eg_error error;
    if (eg__udp_open_viewer(address, 0, SMALL_BUFFER, udp, &error) != EG_STATUS_OK) return false;
    if (eg__receiver_create(io, 1, &choice, &error) != EG_STATUS_OK) return false;
    *receiver = choice.receiver;
    eg__receiver_attach(*receiver);
    return eg__receiver_add(*receiver, &(struct eg_receiver_source){.fd = udp->fd, .local_port = udp->local.port}) != 0;
}

struct reply_row {
    const char *bind_to; // what the viewers' socket is opened on
    const char *local;   // where the peer writes to
};

static const struct reply_row reply_rows[] = {
    {NULL, "127.0.0.1"}, {NULL, "127.0.0.2"}, {NULL, "127.9.8.7"}, {NULL, "::1"},
    {"0.0.0.0", "127.0.0.1"}, {"0.0.0.0", "127.0.0.2"}, {"127.0.0.2", "127.0.0.2"}, {"::1", "::1"}, {"::", "127.0.0.3"},
};

static socklen_t name_of(const char *text, uint16_t port, struct sockaddr_storage *name) {
    struct in6_addr in6;
    struct eg_addr addr = {.port = port};
    if (inet_pton(AF_INET6, text, &in6) == 1) {
        memcpy(addr.ip, &in6, sizeof in6);
        return eg__addr_to_sockaddr(&addr, true, name);
    }
    uint8_t ip[4];
    inet_pton(AF_INET, text, ip);
    addr = eg__addr_ipv4(ip[0], ip[1], ip[2], ip[3], port);
    return eg__addr_to_sockaddr(&addr, false, name);
}

static void check_reply(struct eg_check *check, const struct reply_row *reply_row, size_t row, eg_io io) {
    struct eg_udp_socket udp;
    struct eg_receiver *receiver;
    struct eg_datagram datagram;
    REQUIRE(set_up_viewer(&udp, &receiver, io, reply_row->bind_to));
    struct sockaddr_storage written_to, from;
    socklen_t name_size = name_of(reply_row->local, udp.local.port, &written_to);
    int peer = socket(written_to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(sendto(peer, "ping", 4, 0, (const struct sockaddr *)&written_to, name_size) == 4);
    REQUIRE(receive_one(receiver, &datagram));
    struct eg_addr expected = eg__addr_from_sockaddr(&written_to);
    CHECK_ROW(eg__addr_equal(&datagram.arrival.path.local, &expected), row);

    struct eg_sender *sender = eg__sender_create(&udp, true);
    struct eg_batch batch;
    REQUIRE(eg__batch_init(&batch));
    CHECK(eg__batch_append(&batch, &datagram.arrival.path, (const uint8_t *)"pong", 4));
    struct eg_sent result = eg__sender_send(sender, &batch);
    CHECK_ROW(result.messages == 1 && result.failed == 0 && result.buffer_full == 0 && result.calls == 1, row);
    struct pollfd readable = {.fd = peer, .events = POLLIN};
    char bytes[16];
    name_size = sizeof from;
    CHECK_ROW(poll(&readable, 1, PATIENCE / EG_MILLISECOND) == 1, row);
    CHECK_ROW(recvfrom(peer, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &name_size) == 4, row);
    struct eg_addr came_from = eg__addr_from_sockaddr(&from);
    CHECK_ROW(eg__addr_equal(&came_from, &expected), row);
    eg__batch_deinit(&batch);
    eg__sender_destroy(sender);
    close(peer);
    eg__receiver_detach(receiver);
    eg__receiver_destroy(receiver);
}

static void a_reply_leaves_from_the_address_that_was_written_to(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        for (size_t i = 0; i < sizeof reply_rows / sizeof reply_rows[0]; i++) check_reply(check, &reply_rows[i], i, io);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(hands_out_what_arrived_with_its_owner_and_sender),
    EG_TEST(keeps_the_order_of_a_burst_and_loses_none_of_it),
    EG_TEST(serves_many_sockets_at_once),
    EG_TEST(one_wait_finds_what_all_ready_sockets_have),
    EG_TEST(a_socket_is_removed_at_once_though_many_others_are_ready),
    EG_TEST(what_a_removed_socket_had_received_is_not_handed_out),
    EG_TEST(marks_a_datagram_that_is_too_long_and_goes_on),
    EG_TEST(counts_what_a_full_buffer_lost),
    EG_TEST(a_removed_socket_is_closed_and_silent_though_packets_keep_coming),
    EG_TEST(another_thread_ends_a_wait),
    EG_TEST(a_wait_ends_with_its_time),
    EG_TEST(does_not_wait_while_something_is_left),
    EG_TEST(a_receiver_leaves_no_descriptor_behind),
    EG_TEST(a_reply_leaves_from_the_address_that_was_written_to),
};

EG_TEST_SUITE(receiver, tests);
