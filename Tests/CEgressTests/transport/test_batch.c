#include "support/check.h"

#include "transport/batch.h"

#include <string.h>

static const struct eg_path path_a = {.local = {.port = 1}, .remote = {.port = 2}};
static const struct eg_path path_b = {.local = {.port = 1}, .remote = {.port = 3}};

// Commits a datagram of `size` bytes, each of which is `fill`. False when the batch is full.
static bool put(struct eg_batch *batch, size_t size, uint8_t fill) {
    uint8_t *room = eg__batch_reserve(batch, size);
    if (room == NULL) return false;
    memset(room, fill, size);
    eg__batch_commit(batch, size);
    return true;
}

static void datagrams_of_one_size_become_one_message(struct eg_check *check) {
    struct eg_batch batch;
    REQUIRE(eg__batch_init(&batch));
    eg__batch_start(&batch, &path_a);
    for (uint8_t i = 0; i < 5; i++) CHECK(put(&batch, 100, i));
    CHECK_EQUAL(batch.message_count, 1);
    CHECK_EQUAL(batch.messages[0].at, 0);
    CHECK_EQUAL(batch.messages[0].size, 500);
    CHECK_EQUAL(batch.messages[0].segment_size, 100);
    CHECK_EQUAL(batch.messages[0].segment_count, 5);
    CHECK_EQUAL(batch.messages[0].path.remote.port, 2);
    for (uint8_t i = 0; i < 5; i++) CHECK_EQUAL(batch.arena[i * 100 + 99], i);
    eg__batch_deinit(&batch);
}

static void a_run_is_cut_where_the_kernel_would_refuse_it(struct eg_check *check) {
    // The sizes that are committed, 0 ending them, and the segments of the messages that must come of it.
    static const struct {
        uint16_t sizes[8];
        uint16_t segments[8];
    } rows[] = {
        {{100}, {1}},
        {{100, 100}, {2}},
        {{100, 99}, {2}},             // a shorter one closes the message
        {{100, 99, 99}, {2, 1}},      // so what follows it begins another
        {{100, 99, 100}, {2, 1}},
        {{100, 101}, {1, 1}},         // a longer one never joins
        {{100, 101, 101, 1}, {1, 3}},
        {{1, 1, 2, 1, 1}, {2, 2, 1}},
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct eg_batch batch;
        REQUIRE(eg__batch_init(&batch));
        eg__batch_start(&batch, &path_a);
        for (const uint16_t *size = rows[row].sizes; *size != 0; size++) CHECK_ROW(put(&batch, *size, 0), row);
        size_t at = 0;
        for (uint32_t i = 0; i < batch.message_count; i++) {
            CHECK_ROW(batch.messages[i].segment_count == rows[row].segments[i], row);
            CHECK_ROW(batch.messages[i].at == at, row);
            at += batch.messages[i].size;
        }
        CHECK_ROW(rows[row].segments[batch.message_count] == 0, row);
        CHECK_ROW(at == batch.used, row);
        eg__batch_deinit(&batch);
    }
}

static void a_message_ends_at_64_segments(struct eg_check *check) {
    struct eg_batch batch;
    REQUIRE(eg__batch_init(&batch));
    eg__batch_start(&batch, &path_a);
    for (int i = 0; i < EG_GSO_SEGMENTS_MAX + 1; i++) CHECK(put(&batch, 200, 0));
    CHECK_EQUAL(batch.message_count, 2);
    CHECK_EQUAL(batch.messages[0].segment_count, 64);
    CHECK_EQUAL(batch.messages[1].segment_count, 1);
    CHECK_EQUAL(batch.messages[1].at, 64 * 200);
    eg__batch_deinit(&batch);
}

static void a_message_ends_before_65507_bytes_are_passed(struct eg_check *check) {
    static const struct {
        uint16_t size, count_in_first;
    } rows[] = {{1216, 53}, {1200, 54}, {1213, 54}, {1214, 53}, {1500, 43}}; // 65507 / size
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct eg_batch batch;
        REQUIRE(eg__batch_init(&batch));
        eg__batch_start(&batch, &path_a);
        for (int i = 0; i < EG_GSO_SEGMENTS_MAX; i++) CHECK_ROW(put(&batch, rows[row].size, 0), row);
        CHECK_ROW(batch.message_count == 2, row);
        CHECK_ROW(batch.messages[0].segment_count == rows[row].count_in_first, row);
        CHECK_ROW(batch.messages[0].size <= EG_GSO_SIZE_MAX, row);
        eg__batch_deinit(&batch);
    }
}

static void starting_again_begins_a_message_even_on_the_same_path(struct eg_check *check) {
    struct eg_batch batch;
    REQUIRE(eg__batch_init(&batch));
    eg__batch_start(&batch, &path_a);
    CHECK(put(&batch, 10, 0));
    eg__batch_start(&batch, &path_b);
    CHECK(put(&batch, 10, 0));
    eg__batch_start(&batch, &path_b);
    CHECK(put(&batch, 10, 0));
    CHECK_EQUAL(batch.message_count, 3);
    CHECK_EQUAL(batch.messages[0].path.remote.port, 2);
    CHECK_EQUAL(batch.messages[1].path.remote.port, 3);
    CHECK_EQUAL(batch.messages[2].path.remote.port, 3);
    eg__batch_deinit(&batch);
}

static void a_reservation_that_is_not_committed_leaves_no_trace(struct eg_check *check) {
    struct eg_batch batch;
    REQUIRE(eg__batch_init(&batch));
    eg__batch_start(&batch, &path_a);
    uint8_t *first = eg__batch_reserve(&batch, 1000);
    CHECK(first != NULL);
    CHECK(eg__batch_reserve(&batch, 10) == first);
    eg__batch_commit(&batch, 10);
    CHECK_EQUAL(batch.used, 10);
    CHECK_EQUAL(batch.message_count, 1);
    CHECK(eg__batch_reserve(&batch, 1000) == first + 10);
    eg__batch_commit(&batch, 4); // fewer bytes than reserved
    CHECK_EQUAL(batch.used, 14);
    eg__batch_deinit(&batch);
}

static void it_is_full_at_its_last_byte_and_not_before(struct eg_check *check) {
    struct eg_batch batch;
    REQUIRE(eg__batch_init(&batch));
    eg__batch_start(&batch, &path_a);
    uint32_t used = 0;
    for (; used + 2048 < EG_BATCH_SIZE; used += 2048) REQUIRE(put(&batch, 2048, 0));
    CHECK(eg__batch_reserve(&batch, EG_BATCH_SIZE - used + 1) == NULL);
    CHECK(put(&batch, EG_BATCH_SIZE - used, 7));
    CHECK_EQUAL(batch.arena[EG_BATCH_SIZE - 1], 7);
    CHECK(eg__batch_reserve(&batch, 1) == NULL);
    eg__batch_clear(&batch);
    CHECK_EQUAL(batch.message_count, 0);
    CHECK(put(&batch, 1, 0));
    CHECK_EQUAL(batch.messages[0].at, 0);
    eg__batch_deinit(&batch);
}

static void it_is_full_when_its_messages_are(struct eg_check *check) {
    struct eg_batch batch;
    REQUIRE(eg__batch_init(&batch));
    const uint8_t byte = 1;
    for (int i = 0; i < EG_BATCH_MESSAGES_MAX; i++) CHECK(eg__batch_append(&batch, &path_a, &byte, 1));
    CHECK_EQUAL(batch.message_count, EG_BATCH_MESSAGES_MAX);
    CHECK(!eg__batch_append(&batch, &path_a, &byte, 1));
    CHECK_EQUAL(batch.message_count, EG_BATCH_MESSAGES_MAX);
    CHECK_EQUAL(batch.used, EG_BATCH_MESSAGES_MAX);
    eg__batch_deinit(&batch);
}

static void the_reserve_is_there_up_to_its_two_limits(struct eg_check *check) {
    struct eg_batch batch;
    REQUIRE(eg__batch_init(&batch));
    CHECK(eg__batch_has_reserve(&batch));
    batch.message_count = EG_BATCH_MESSAGES_MAX - EG_BATCH_RESERVE_MESSAGES;
    CHECK(eg__batch_has_reserve(&batch));
    batch.message_count++;
    CHECK(!eg__batch_has_reserve(&batch));
    batch.message_count = 0;
    batch.used = EG_BATCH_SIZE - EG_BATCH_RESERVE_SIZE;
    CHECK(eg__batch_has_reserve(&batch));
    batch.used++;
    CHECK(!eg__batch_has_reserve(&batch));
    eg__batch_deinit(&batch);
}

static const struct eg_test tests[] = {
    EG_TEST(datagrams_of_one_size_become_one_message),
    EG_TEST(a_run_is_cut_where_the_kernel_would_refuse_it),
    EG_TEST(a_message_ends_at_64_segments),
    EG_TEST(a_message_ends_before_65507_bytes_are_passed),
    EG_TEST(starting_again_begins_a_message_even_on_the_same_path),
    EG_TEST(a_reservation_that_is_not_committed_leaves_no_trace),
    EG_TEST(it_is_full_at_its_last_byte_and_not_before),
    EG_TEST(it_is_full_when_its_messages_are),
    EG_TEST(the_reserve_is_there_up_to_its_two_limits),
};
EG_TEST_SUITE(batch, tests);
