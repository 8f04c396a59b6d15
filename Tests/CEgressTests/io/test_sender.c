// Real sockets on loopback: what was sent has arrived when the send returns.
#include "support/check.h"

#include "io/sender.h"
#include "io/udp.h"
#include "support/sockets.h"

#include <poll.h>
#include <string.h>

enum { PATIENCE = 5 * EG_SECOND, SMALL_BUFFER = 256 * 1024 };

// A sender and a peer that it sends to.
struct send_fixture {
    struct eg_udp_socket udp;
    struct eg_sender *sender;
    struct eg_batch batch;
    struct eg_path path;
    int peer;
};

static bool set_up_send(struct send_fixture *fixture, bool has_gso) {
    if (eg__udp_open_viewer(NULL, 0, SMALL_BUFFER, &fixture->udp, NULL) != EG_STATUS_OK) return false;
    fixture->sender = eg__sender_create(&fixture->udp, has_gso);
    fixture->peer = open_peer();
    int size = 4 * 1024 * 1024;
    setsockopt(fixture->peer, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    struct sockaddr_in name = loopback(0);
    socklen_t name_size = sizeof name;
    if (bind(fixture->peer, (const struct sockaddr *)&name, sizeof name) != 0) return false;
    getsockname(fixture->peer, (struct sockaddr *)&name, &name_size);
    fixture->path = (struct eg_path){.local = eg__addr_ipv4(127, 0, 0, 1, fixture->udp.local.port),
                                     .remote = eg__addr_ipv4(127, 0, 0, 1, ntohs(name.sin_port))};
    return fixture->sender != NULL && eg__batch_init(&fixture->batch);
}

static void tear_down_send(struct send_fixture *fixture) {
    eg__batch_deinit(&fixture->batch);
    eg__sender_destroy(fixture->sender);
    eg__udp_close(&fixture->udp);
    close(fixture->peer);
}

// One message: `count` datagrams of `size` bytes that start with their number, and a shorter one.
static void write_picture(struct eg_batch *batch, const struct eg_path *path, uint32_t count, size_t size, size_t last_size) {
    eg__batch_start(batch, path);
    for (uint32_t i = 0; i <= count; i++) {
        uint8_t *room = eg__batch_reserve(batch, size);
        EG_ASSERT(room != NULL);
        memset(room, (int)i, size);
        eg__batch_commit(batch, i < count ? size : last_size);
    }
}

// One message such as no batch would make.
static void write_segments(struct eg_batch *batch, const struct eg_path *path, uint16_t count, uint16_t size) {
    uint32_t all = (uint32_t)count * size;
    memset(batch->arena, 7, all);
    batch->message_count = 1;
    batch->messages[0] = (struct eg_message){.path = *path, .size = all, .segment_size = size, .segment_count = count};
    batch->used = all;
}

static ssize_t receive_plain(int fd, uint8_t *bytes, size_t size) {
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (poll(&readable, 1, PATIENCE / EG_MILLISECOND) != 1) return -1;
    return recv(fd, bytes, size, MSG_DONTWAIT);
}

static void check_picture(struct eg_check *check, int fd, uint32_t count, size_t size, size_t last_size) {
    uint8_t bytes[2048];
    for (uint32_t i = 0; i <= count; i++) {
        CHECK_ROW(receive_plain(fd, bytes, sizeof bytes) == (ssize_t)(i < count ? size : last_size), i);
        CHECK_ROW(bytes[0] == i && bytes[last_size - 1] == i, i);
    }
    CHECK(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) < 0);
}

static void a_message_of_many_segments_arrives_as_as_many_datagrams(struct eg_check *check) {
    for (int has_gso = 0; has_gso < 2; has_gso++) {
        struct send_fixture fixture;
        REQUIRE(set_up_send(&fixture, has_gso));
        write_picture(&fixture.batch, &fixture.path, 8, 1200, 77);
        CHECK_EQUAL(fixture.batch.message_count, 1);
        struct eg_sent result = eg__sender_send(fixture.sender, &fixture.batch);
        CHECK_EQUAL(result.messages, has_gso ? 1 : 9);
        CHECK_EQUAL(result.calls, 1);
        CHECK_EQUAL(result.failed + result.buffer_full, 0);
        CHECK_EQUAL(eg__sender_may_use_gso(fixture.sender, &fixture.path.remote), has_gso);
        check_picture(check, fixture.peer, 8, 1200, 77);
        tear_down_send(&fixture);
    }
}

static void without_gso_a_batch_may_need_more_messages_than_one_call_takes(struct eg_check *check) {
    struct send_fixture fixture;
    REQUIRE(set_up_send(&fixture, false));
    for (int i = 0; i < 5; i++) write_picture(&fixture.batch, &fixture.path, 49, 100, 60);
    struct eg_sent result = eg__sender_send(fixture.sender, &fixture.batch);
    CHECK_EQUAL(result.messages, 250);
    CHECK_EQUAL(result.calls, 2);
    uint8_t bytes[256];
    for (int i = 0; i < 250; i++) CHECK_ROW(receive_plain(fixture.peer, bytes, sizeof bytes) == (i % 50 < 49 ? 100 : 60), i);
    tear_down_send(&fixture);
}

// Loopback takes segments of up to its MTU of 65,536 B; no message of two such fits into a datagram. So refusal is brought about by more
// segments than any kernel takes.
static void a_message_that_is_refused_whole_goes_out_segment_by_segment(struct eg_check *check) {
    enum { SEGMENTS = 2000, SIZE = 10 };
    struct send_fixture fixture;
    REQUIRE(set_up_send(&fixture, true));
    struct eg_batch *batch = &fixture.batch;
    write_segments(batch, &fixture.path, SEGMENTS, SIZE);
    CHECK(eg__batch_append(batch, &fixture.path, (const uint8_t *)"after", 5));
    struct eg_sent result = eg__sender_send(fixture.sender, batch);
    CHECK_EQUAL(result.messages, SEGMENTS + 1);
    CHECK_EQUAL(result.failed, 0);
    CHECK(eg__sender_may_use_gso(fixture.sender, &fixture.path.remote));
    uint8_t bytes[256];
    for (int i = 0; i < SEGMENTS; i++) CHECK_ROW(receive_plain(fixture.peer, bytes, sizeof bytes) == SIZE, i);
    CHECK_EQUAL(receive_plain(fixture.peer, bytes, sizeof bytes), 5);
    tear_down_send(&fixture);
}

// Two segments that no datagram holds together: EMSGSIZE, as from a path whose MTU is too small.
static void an_address_that_refused_gso_is_sent_single_datagrams_and_others_are_not(struct eg_check *check) {
    enum { SEGMENTS = 2, SIZE = 40000 };
    struct send_fixture fixture, other;
    REQUIRE(set_up_send(&fixture, true));
    REQUIRE(set_up_send(&other, true));
    struct eg_batch *batch = &fixture.batch;
    write_segments(batch, &fixture.path, SEGMENTS, SIZE);
    struct eg_sent result = eg__sender_send(fixture.sender, batch);
    CHECK(result.messages == SEGMENTS && result.failed == 0);
    static uint8_t bytes[65536];
    for (int i = 0; i < SEGMENTS; i++) CHECK_EQUAL(receive_plain(fixture.peer, bytes, sizeof bytes), SIZE);
    CHECK(!eg__sender_may_use_gso(fixture.sender, &fixture.path.remote));
    CHECK(eg__sender_may_use_gso(fixture.sender, &other.path.remote));
    eg__batch_clear(batch);
    write_picture(batch, &fixture.path, 8, 1200, 77);
    struct eg_path elsewhere = {.local = fixture.path.local, .remote = other.path.remote};
    write_picture(batch, &elsewhere, 8, 1200, 77);
    result = eg__sender_send(fixture.sender, batch);
    CHECK_EQUAL(result.messages, 9 + 1);
    CHECK_EQUAL(result.calls, 1);
    check_picture(check, fixture.peer, 8, 1200, 77);
    check_picture(check, other.peer, 8, 1200, 77);
    tear_down_send(&fixture);
    tear_down_send(&other);
}

// A destination that can't be sent to fails alone: 0.0.0.0/8 and the like have no route, a local address that is not ours is refused.
static void a_message_that_fails_does_not_stop_the_others(struct eg_check *check) {
    struct send_fixture fixture;
    uint8_t bytes[16];
    REQUIRE(set_up_send(&fixture, true));
    struct eg_path from_nowhere = fixture.path;
    from_nowhere.local = eg__addr_ipv4(192, 0, 2, 77, 1);
    CHECK(eg__batch_append(&fixture.batch, &fixture.path, (const uint8_t *)"1", 1));
    write_picture(&fixture.batch, &from_nowhere, 2, 100, 50);
    CHECK(eg__batch_append(&fixture.batch, &fixture.path, (const uint8_t *)"22", 2));
    CHECK(eg__batch_append(&fixture.batch, &from_nowhere, (const uint8_t *)"x", 1));
    CHECK(eg__batch_append(&fixture.batch, &fixture.path, (const uint8_t *)"333", 3));
    struct eg_sent result = eg__sender_send(fixture.sender, &fixture.batch);
    CHECK_EQUAL(result.messages, 3);
    CHECK_EQUAL(result.failed, 4); // datagrams
    CHECK_EQUAL(result.buffer_full, 0);
    for (int i = 1; i <= 3; i++) CHECK_EQUAL(receive_plain(fixture.peer, bytes, sizeof bytes), i);
    tear_down_send(&fixture);
}

// Nobody listens on the first port, and its ICMP error must not be taken for a failure of what follows.
static void a_port_that_refuses_does_not_harm_the_next_message(struct eg_check *check) {
    struct send_fixture fixture;
    uint8_t bytes[16];
    REQUIRE(set_up_send(&fixture, true));
    int recv_error = 1;
    setsockopt(fixture.udp.fd, IPPROTO_IPV6, IPV6_RECVERR, &recv_error, sizeof recv_error);
    setsockopt(fixture.udp.fd, IPPROTO_IP, IP_RECVERR, &recv_error, sizeof recv_error);
    struct eg_path closed = fixture.path;
    closed.remote.port = 9;
    for (int i = 0; i < 4; i++) {
        CHECK(eg__batch_append(&fixture.batch, &closed, (const uint8_t *)"x", 1));
        CHECK(eg__batch_append(&fixture.batch, &fixture.path, (const uint8_t *)"ok", 2));
    }
    struct eg_sent result = eg__sender_send(fixture.sender, &fixture.batch);
    CHECK_EQUAL(result.failed, 0);
    CHECK_EQUAL(result.messages, 8);
    CHECK(result.calls > 1); // the error did come up
    for (int i = 0; i < 4; i++) CHECK_EQUAL(receive_plain(fixture.peer, bytes, sizeof bytes), 2);
    // The same with the error left over from the batch before.
    eg__batch_clear(&fixture.batch);
    CHECK(eg__batch_append(&fixture.batch, &closed, (const uint8_t *)"x", 1));
    eg__sender_send(fixture.sender, &fixture.batch);
    eg__batch_clear(&fixture.batch);
    CHECK(eg__batch_append(&fixture.batch, &fixture.path, (const uint8_t *)"ok", 2));
    result = eg__sender_send(fixture.sender, &fixture.batch);
    CHECK_EQUAL(result.messages, 1);
    CHECK_EQUAL(result.calls, 2);
    CHECK_EQUAL(receive_plain(fixture.peer, bytes, sizeof bytes), 2);
    tear_down_send(&fixture);
}

static const struct eg_test tests[] = {
    EG_TEST(a_message_of_many_segments_arrives_as_as_many_datagrams),
    EG_TEST(without_gso_a_batch_may_need_more_messages_than_one_call_takes),
    EG_TEST(a_message_that_is_refused_whole_goes_out_segment_by_segment),
    EG_TEST(an_address_that_refused_gso_is_sent_single_datagrams_and_others_are_not),
    EG_TEST(a_message_that_fails_does_not_stop_the_others),
    EG_TEST(a_port_that_refuses_does_not_harm_the_next_message),
};

EG_TEST_SUITE(sender, tests);
