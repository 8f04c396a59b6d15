#include "base/addr.h"
#include "base/bytes.h"
#include "base/deadlines.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/table.h"
#include "support/check.h"

#include <string.h>

// A small generator with a fixed seed (xorshift64*), so that what fails fails again.
static uint32_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * 0x2545f4914f6cdd1d >> 32);
}

static void addr_ipv4_is_kept_in_its_mapped_form(struct eg_check *check) {
    struct eg_addr addr = eg__addr_ipv4(192, 0, 2, 1, 8189);
    const uint8_t expected[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    CHECK_BYTES(addr.ip, expected, sizeof expected);
    CHECK_EQUAL(addr.port, 8189);
    CHECK(eg__addr_is_ipv4(&addr));
    for (size_t i = 0; i < 12; i++) {
        struct eg_addr other = addr;
        other.ip[i] ^= 1;
        CHECK_ROW(!eg__addr_is_ipv4(&other), i);
    }
}

static void addr_equality_sees_every_byte_and_the_port(struct eg_check *check) {
    struct eg_addr a = eg__addr_ipv4(192, 0, 2, 1, 8189), same = a;
    CHECK(eg__addr_equal(&a, &same));
    CHECK(eg__addr_hash(7, &a) == eg__addr_hash(7, &same));
    for (size_t i = 0; i < sizeof a.ip; i++) {
        struct eg_addr other = a;
        other.ip[i] ^= 0x80;
        CHECK_ROW(!eg__addr_equal(&a, &other), i);
        CHECK_ROW(eg__addr_hash(7, &a) != eg__addr_hash(7, &other), i);
    }
    struct eg_addr other_port = eg__addr_ipv4(192, 0, 2, 1, 8190);
    CHECK(!eg__addr_equal(&a, &other_port));
    CHECK(eg__addr_hash(7, &a) != eg__addr_hash(7, &other_port));
}

static void path_equality_sees_both_ends(struct eg_check *check) {
    struct eg_addr a = eg__addr_ipv4(192, 0, 2, 1, 1), b = eg__addr_ipv4(192, 0, 2, 2, 2);
    struct eg_path path = {.local = a, .remote = b}, same = path;
    struct eg_path other_local = {.local = b, .remote = b}, other_remote = {.local = a, .remote = a}, turned = {.local = b, .remote = a};
    CHECK(eg__path_equal(&path, &same));
    CHECK(!eg__path_equal(&path, &other_local));
    CHECK(!eg__path_equal(&path, &other_remote));
    CHECK(!eg__path_equal(&path, &turned));
}

static void addr_is_written_as_people_write_it(struct eg_check *check) {
    struct row {
        struct eg_addr addr;
        const char *text;
    };
    struct eg_addr full = {.port = 65535};
    memset(full.ip, 0xff, sizeof full.ip);
    const struct row rows[] = {
        {eg__addr_ipv4(192, 0, 2, 1, 8189), "192.0.2.1:8189"},
        {eg__addr_ipv4(255, 255, 255, 255, 65535), "255.255.255.255:65535"},
        {{.ip = {0}, .port = 0}, "[::]:0"},
        {{.ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 8189}, "[2001:db8::1]:8189"},
        {full, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[EG_ADDR_TEXT_SIZE];
        memset(text, 'x', sizeof text);
        eg__addr_format(&rows[i].addr, text);
        CHECK_ROW(memchr(text, '\0', sizeof text) != NULL, i);
        CHECK_ROW(strcmp(text, rows[i].text) == 0, i);
    }
}

enum { SLAB = 64 };

struct object {
    uint64_t value;
    uint8_t rest[92];
};

static void pool_makes_nothing_until_it_is_asked(struct eg_check *check) {
    struct eg_pool pool;
    eg__pool_init(&pool, sizeof(struct object), 8);
    uint32_t index = 0;
    eg_handle handle;
    CHECK_EQUAL(pool.slab_count, 0);
    CHECK(pool.slabs == NULL);
    CHECK(eg__pool_find(&pool, 0) == NULL);
    CHECK(eg__pool_find(&pool, (eg_handle)1 << 32) == NULL);
    CHECK(eg__pool_next(&pool, &index, &handle) == NULL);
    eg__pool_deinit(&pool);
}

static void pool_objects_are_aligned_and_zeroed_and_stay_where_they_are(struct eg_check *check) {
    enum { COUNT = 3 * SLAB + 1 };
    struct eg_pool pool;
    struct object *objects[COUNT];
    eg_handle handles[COUNT];
    static const struct object zero;
    eg__pool_init(&pool, sizeof(struct object), 1000);
    for (uint32_t i = 0; i < COUNT; i++) {
        objects[i] = eg__pool_take(&pool, &handles[i]);
        REQUIRE(objects[i] != NULL);
        CHECK_EQUAL((uintptr_t)objects[i] % 64, 0);
        CHECK_BYTES(objects[i], &zero, sizeof zero);
        memset(objects[i], 0xaa, sizeof *objects[i]);
        objects[i]->value = i;
    }
    CHECK_EQUAL(pool.slab_count, 4);
    CHECK_EQUAL(pool.count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK(handles[i] != 0);
        CHECK(eg__pool_find(&pool, handles[i]) == objects[i]);
        CHECK_EQUAL(objects[i]->value, i);
    }
    eg__pool_deinit(&pool);
    CHECK(pool.slabs == NULL);
}

static void pool_zeroes_an_object_that_is_used_again(struct eg_check *check) {
    struct eg_pool pool;
    static const struct object zero;
    eg__pool_init(&pool, sizeof(struct object), 1);
    eg_handle handle;
    struct object *first = eg__pool_take(&pool, &handle);
    REQUIRE(first != NULL);
    memset(first, 0xaa, sizeof *first);
    eg__pool_release(&pool, handle);
    struct object *second = eg__pool_take(&pool, &handle);
    CHECK(second == first);
    CHECK_BYTES(second, &zero, sizeof zero);
    eg__pool_deinit(&pool);
}

static void pool_of_buffers_zeroes_their_heads_only(struct eg_check *check) {
    struct eg_pool pool;
    eg_handle handle;
    eg__pool_init_part(&pool, 256, 16, 1);
    uint8_t *first = eg__pool_take(&pool, &handle);
    REQUIRE(first != NULL);
    memset(first, 0xaa, 256);
    eg__pool_release(&pool, handle);
    uint8_t *second = eg__pool_take(&pool, &handle);
    REQUIRE(second == first);
    CHECK(second[0] == 0 && second[15] == 0 && second[16] == 0xaa && second[255] == 0xaa);
    eg__pool_deinit(&pool);
}

static void pool_refuses_more_than_its_limit(struct eg_check *check) {
    static const uint32_t limits[] = {0, 1, SLAB - 1, SLAB, SLAB + 1};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct eg_pool pool;
        eg_handle handle = 0, last = 0;
        eg__pool_init(&pool, sizeof(struct object), limits[i]);
        uint32_t count = 0;
        while (count <= limits[i] && eg__pool_take(&pool, &handle) != NULL) {
            CHECK_ROW((uint32_t)handle < limits[i], i);
            last = handle;
            count++;
        }
        CHECK_ROW(count == limits[i], i);
        if (count > 0) {
            eg__pool_release(&pool, last);
            CHECK_ROW(eg__pool_take(&pool, &handle) != NULL, i);
            CHECK_ROW(eg__pool_take(&pool, &handle) == NULL, i);
        }
        eg__pool_deinit(&pool);
    }
}

static void pool_finds_nothing_for_a_stale_handle(struct eg_check *check) {
    enum { ROUNDS = 100 };
    struct eg_pool pool;
    eg_handle handles[ROUNDS];
    eg__pool_init(&pool, sizeof(struct object), 1);
    for (size_t round = 0; round < ROUNDS; round++) {
        REQUIRE(eg__pool_take(&pool, &handles[round]) != NULL);
        for (size_t earlier = 0; earlier < round; earlier++) CHECK(eg__pool_find(&pool, handles[earlier]) == NULL);
        CHECK(eg__pool_find(&pool, handles[round]) != NULL);
        eg__pool_release(&pool, handles[round]);
        CHECK(eg__pool_find(&pool, handles[round]) == NULL);
        CHECK_EQUAL(pool.count, 0);
    }
    eg__pool_deinit(&pool);
}

static void pool_finds_nothing_for_a_made_up_handle(struct eg_check *check) {
    struct eg_pool pool;
    eg_handle handle;
    eg__pool_init(&pool, sizeof(struct object), 1000);
    REQUIRE(eg__pool_take(&pool, &handle) != NULL);
    CHECK(eg__pool_find(&pool, 0) == NULL);
    CHECK(eg__pool_find(&pool, UINT64_MAX) == NULL);
    for (unsigned bit = 0; bit < 64; bit++) CHECK_ROW(eg__pool_find(&pool, handle ^ (eg_handle)1 << bit) == NULL, bit);
    for (uint32_t index = 1; index < 3 * SLAB; index++) {
        // Slots that were never taken, under the generation before the first and under the first.
        CHECK_ROW(eg__pool_find(&pool, index) == NULL, index);
        CHECK_ROW(eg__pool_find(&pool, (eg_handle)1 << 32 | index) == NULL, index);
    }
    eg__pool_deinit(&pool);
}

static void pool_walks_what_is_taken_in_order(struct eg_check *check) {
    enum { COUNT = 2 * SLAB + 10 };
    struct eg_pool pool;
    eg_handle handles[COUNT];
    eg__pool_init(&pool, sizeof(struct object), 1000);
    for (uint32_t i = 0; i < COUNT; i++) REQUIRE(eg__pool_take(&pool, &handles[i]) != NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        if (i % 3 != 0) eg__pool_release(&pool, handles[i]);
    }
    uint32_t index = 0, expected = 0;
    eg_handle handle;
    for (void *object; (object = eg__pool_next(&pool, &index, &handle)) != NULL; expected += 3) {
        REQUIRE(expected < COUNT);
        CHECK(handle == handles[expected]);
        CHECK(object == eg__pool_find(&pool, handle));
    }
    CHECK_EQUAL(expected, (COUNT + 2) / 3 * 3);
    eg__pool_deinit(&pool);
}

static void pool_can_be_emptied_while_it_is_walked(struct eg_check *check) {
    struct eg_pool pool;
    eg_handle handle;
    eg__pool_init(&pool, sizeof(struct object), 1000);
    for (uint32_t i = 0; i < SLAB + 5; i++) REQUIRE(eg__pool_take(&pool, &handle) != NULL);
    uint32_t index = 0, released = 0;
    for (; eg__pool_next(&pool, &index, &handle) != NULL; released++) eg__pool_release(&pool, handle);
    CHECK_EQUAL(released, SLAB + 5);
    CHECK_EQUAL(pool.count, 0);
    eg__pool_deinit(&pool);
}

static void pool_holds_against_a_model_over_random_takes_and_releases(struct eg_check *check) {
    enum { LIMIT = 150 };
    struct eg_pool pool;
    eg_handle taken[LIMIT];
    uint32_t count = 0;
    uint64_t seed = 7;
    eg__pool_init(&pool, sizeof(struct object), LIMIT);
    for (int step = 0; step < 20000; step++) {
        if (next_random(&seed) % 2 == 0) {
            eg_handle handle = 0;
            struct object *object = eg__pool_take(&pool, &handle);
            REQUIRE((object != NULL) == (count < LIMIT));
            if (object == NULL) continue;
            object->value = handle;
            taken[count++] = handle;
        } else if (count > 0) {
            uint32_t i = next_random(&seed) % count;
            struct object *object = eg__pool_find(&pool, taken[i]);
            REQUIRE(object != NULL);
            REQUIRE(object->value == taken[i]);
            eg__pool_release(&pool, taken[i]);
            REQUIRE(eg__pool_find(&pool, taken[i]) == NULL);
            taken[i] = taken[--count];
        }
        REQUIRE(pool.count == count);
    }
    eg__pool_deinit(&pool);
}

static bool table_holds(const struct eg_table *table, uint64_t hash, eg_handle handle) {
    uint32_t cursor = 0;
    for (eg_handle found; (found = eg__table_find(table, hash, &cursor)) != 0;) {
        if (found == handle) return true;
    }
    return false;
}

static void table_that_is_empty_finds_nothing(struct eg_check *check) {
    struct eg_table table;
    uint32_t cursor = 0;
    eg__table_init(&table, 10);
    CHECK_EQUAL(eg__table_find(&table, 1, &cursor), 0);
    eg__table_remove(&table, 1, 1);
    CHECK(eg__table_insert(&table, 1, 1));
    eg__table_remove(&table, 1, 1);
    cursor = 0;
    CHECK_EQUAL(eg__table_find(&table, 1, &cursor), 0);
    CHECK_EQUAL(table.count, 0);
    eg__table_deinit(&table);
    CHECK(table.entries == NULL);
}

static void table_gives_every_handle_under_one_hash_once(struct eg_check *check) {
    struct eg_table table;
    eg__table_init(&table, 100);
    for (eg_handle handle = 1; handle <= 9; handle++) CHECK(eg__table_insert(&table, 5, handle));
    CHECK(eg__table_insert(&table, 5 + 16, 100)); // the same home, another hash
    uint32_t cursor = 0, seen = 0;
    for (eg_handle handle; (handle = eg__table_find(&table, 5, &cursor)) != 0;) {
        REQUIRE(handle <= 9);
        CHECK((seen & 1U << handle) == 0);
        seen |= 1U << handle;
    }
    CHECK_EQUAL(seen, 0x3fe);
    eg__table_deinit(&table);
}

static void table_refuses_more_than_its_limit(struct eg_check *check) {
    static const uint32_t limits[] = {0, 1, 12, 13, 100};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct eg_table table;
        eg__table_init(&table, limits[i]);
        for (uint32_t n = 0; n < limits[i]; n++) CHECK_ROW(eg__table_insert(&table, n * 77, n + 1), i);
        CHECK_ROW(!eg__table_insert(&table, 1, 9999), i);
        CHECK_ROW(!table_holds(&table, 1, 9999), i);
        if (limits[i] > 0) {
            eg__table_remove(&table, 0, 1);
            CHECK_ROW(eg__table_insert(&table, 1, 9999), i);
            CHECK_ROW(table_holds(&table, 1, 9999), i);
        }
        eg__table_deinit(&table);
    }
}

static void table_keeps_everything_as_it_grows(struct eg_check *check) {
    enum { COUNT = 5000 };
    struct eg_table table;
    eg__table_init(&table, COUNT);
    for (uint64_t i = 0; i < COUNT; i++) REQUIRE(eg__table_insert(&table, eg__hash(1, &i, sizeof i), i + 1));
    CHECK_EQUAL(table.count, COUNT);
    CHECK(table.capacity >= COUNT);
    CHECK_EQUAL(table.capacity & (table.capacity - 1), 0);
    for (uint64_t i = 0; i < COUNT; i++) CHECK(table_holds(&table, eg__hash(1, &i, sizeof i), i + 1));
    eg__table_deinit(&table);
}

// Hashes that share the last places of the smallest table, so that their run wraps around its end: each is removed in turn, and all
// others must still be found.
static void table_finds_what_collides_with_a_removed_entry(struct eg_check *check) {
    static const uint64_t hashes[] = {14, 14 + 16, 15, 15 + 16, 14 + 32, 0, 1, 16, 15, 13};
    enum { COUNT = sizeof hashes / sizeof hashes[0] };
    for (size_t removed = 0; removed < COUNT; removed++) {
        struct eg_table table;
        eg__table_init(&table, 100);
        for (size_t i = 0; i < COUNT; i++) REQUIRE(eg__table_insert(&table, hashes[i], i + 1));
        REQUIRE(table.capacity == 16);
        eg__table_remove(&table, hashes[removed], removed + 1);
        CHECK_EQUAL(table.count, COUNT - 1);
        for (size_t i = 0; i < COUNT; i++) CHECK_ROW(table_holds(&table, hashes[i], i + 1) == (i != removed), i);
        eg__table_deinit(&table);
    }
}

static void table_removes_only_the_pair_that_is_named(struct eg_check *check) {
    struct eg_table table;
    eg__table_init(&table, 100);
    CHECK(eg__table_insert(&table, 3, 1));
    CHECK(eg__table_insert(&table, 3, 2));
    CHECK(eg__table_insert(&table, 19, 1));
    eg__table_remove(&table, 3, 9);
    eg__table_remove(&table, 35, 1);
    CHECK_EQUAL(table.count, 3);
    eg__table_remove(&table, 3, 1);
    CHECK_EQUAL(table.count, 2);
    CHECK(!table_holds(&table, 3, 1));
    CHECK(table_holds(&table, 3, 2));
    CHECK(table_holds(&table, 19, 1));
    eg__table_deinit(&table);
}

static void table_holds_against_a_model_over_random_changes(struct eg_check *check) {
    enum { HASHES = 40, HANDLES = 4 };
    bool model[HASHES][HANDLES + 1] = {0};
    uint32_t count = 0;
    uint64_t seed = 3;
    struct eg_table table;
    eg__table_init(&table, 1000);
    for (int step = 0; step < 20000; step++) {
        uint64_t hash = next_random(&seed) % HASHES;
        eg_handle handle = 1 + next_random(&seed) % HANDLES;
        bool *is_held = &model[hash][handle];
        if (*is_held) {
            eg__table_remove(&table, hash, handle);
            count--;
        } else {
            REQUIRE(eg__table_insert(&table, hash, handle));
            count++;
        }
        *is_held = !*is_held;
        REQUIRE(table.count == count);
        uint64_t asked = next_random(&seed) % HASHES;
        for (eg_handle h = 1; h <= HANDLES; h++) REQUIRE(table_holds(&table, asked, h) == model[asked][h]);
    }
    eg__table_deinit(&table);
}

static void hash_depends_on_its_seed_and_spreads_over_low_bits(struct eg_check *check) {
    enum { BUCKETS = 256, COUNT = BUCKETS * 64 };
    unsigned buckets[BUCKETS] = {0};
    CHECK(eg__hash(1, "egress", 6) == eg__hash(1, "egress", 6));
    CHECK(eg__hash(1, "egress", 6) != eg__hash(2, "egress", 6));
    CHECK(eg__hash(1, "egress", 6) != eg__hash(1, "egresr", 6));
    CHECK(eg__hash(1, "egress", 6) != eg__hash(1, "egress", 5));
    CHECK(eg__hash(1, NULL, 0) != eg__hash(2, NULL, 0));
    for (uint32_t i = 0; i < COUNT; i++) {
        struct eg_addr addr = eg__addr_ipv4(10, 0, 0, 1, (uint16_t)(1024 + i));
        buckets[eg__addr_hash(7, &addr) % BUCKETS]++;
    }
    for (size_t i = 0; i < BUCKETS; i++) CHECK_ROW(buckets[i] > 24 && buckets[i] < 128, i);
}

static void deadlines_that_are_empty_never_wake(struct eg_check *check) {
    struct eg_deadlines deadlines;
    struct eg_deadline node;
    eg__deadlines_init(&deadlines);
    eg__deadline_init(&node, 5);
    CHECK(eg__deadlines_next(&deadlines) == EG_TIME_NEVER);
    CHECK(eg__deadlines_pop(&deadlines, EG_TIME_NEVER) == NULL);
    eg__deadlines_set(&deadlines, &node, EG_TIME_NEVER); // it is in no heap already
    CHECK_EQUAL(deadlines.count, 0);
    eg__deadlines_deinit(&deadlines);
}

static void deadlines_pop_the_earliest_that_is_due_and_no_other(struct eg_check *check) {
    struct eg_deadlines deadlines;
    struct eg_deadline nodes[3];
    static const eg_time times[3] = {30, 10, 20};
    eg__deadlines_init(&deadlines);
    REQUIRE(eg__deadlines_reserve(&deadlines, 3));
    for (size_t i = 0; i < 3; i++) {
        eg__deadline_init(&nodes[i], 100 + i);
        eg__deadlines_set(&deadlines, &nodes[i], times[i]);
    }
    CHECK_EQUAL(eg__deadlines_next(&deadlines), 10);
    CHECK(eg__deadlines_pop(&deadlines, 9) == NULL);
    struct eg_deadline *first = eg__deadlines_pop(&deadlines, 10);
    REQUIRE(first == &nodes[1]);
    CHECK_EQUAL(first->owner, 101);
    CHECK(first->at == EG_TIME_NEVER);
    CHECK(eg__deadlines_pop(&deadlines, 19) == NULL);
    CHECK(eg__deadlines_pop(&deadlines, 1000) == &nodes[2]);
    CHECK(eg__deadlines_pop(&deadlines, 1000) == &nodes[0]);
    CHECK(eg__deadlines_pop(&deadlines, 1000) == NULL);
    CHECK(eg__deadlines_next(&deadlines) == EG_TIME_NEVER);
    eg__deadlines_deinit(&deadlines);
}

static void deadlines_can_be_moved_both_ways_and_taken_out(struct eg_check *check) {
    struct eg_deadlines deadlines;
    struct eg_deadline a, b;
    eg__deadlines_init(&deadlines);
    REQUIRE(eg__deadlines_reserve(&deadlines, 2));
    eg__deadline_init(&a, 1);
    eg__deadline_init(&b, 2);
    eg__deadlines_set(&deadlines, &a, 10);
    eg__deadlines_set(&deadlines, &b, 20);
    eg__deadlines_set(&deadlines, &b, 5);
    CHECK_EQUAL(eg__deadlines_next(&deadlines), 5);
    eg__deadlines_set(&deadlines, &b, 15);
    CHECK_EQUAL(eg__deadlines_next(&deadlines), 10);
    eg__deadlines_set(&deadlines, &a, EG_TIME_NEVER);
    CHECK_EQUAL(eg__deadlines_next(&deadlines), 15);
    eg__deadlines_set(&deadlines, &a, EG_TIME_NEVER);
    CHECK_EQUAL(deadlines.count, 1);
    eg__deadlines_set(&deadlines, &a, 0);
    CHECK(eg__deadlines_pop(&deadlines, 0) == &a);
    eg__deadlines_deinit(&deadlines);
}

static void deadlines_reserve_keeps_the_room_it_has(struct eg_check *check) {
    struct eg_deadlines deadlines;
    eg__deadlines_init(&deadlines);
    for (uint32_t count = 0; count < 100; count++) {
        REQUIRE(eg__deadlines_reserve(&deadlines, count));
        CHECK(deadlines.capacity >= count);
    }
    uint32_t capacity = deadlines.capacity;
    CHECK(eg__deadlines_reserve(&deadlines, 1));
    CHECK_EQUAL(deadlines.capacity, capacity);
    eg__deadlines_deinit(&deadlines);
}

static eg_time earliest_of(const eg_time *times, size_t count) {
    eg_time earliest = EG_TIME_NEVER;
    for (size_t i = 0; i < count; i++) earliest = eg__time_min(earliest, times[i]);
    return earliest;
}

static bool places_hold(const struct eg_deadlines *deadlines) {
    for (uint32_t i = 0; i < deadlines->count; i++) {
        if (deadlines->heap[i]->place != i) return false;
        if (i > 0 && deadlines->heap[(i - 1) / 2]->at > deadlines->heap[i]->at) return false;
    }
    return true;
}

static void deadlines_hold_against_a_model_over_random_changes(struct eg_check *check) {
    enum { COUNT = 50 };
    struct eg_deadlines deadlines;
    struct eg_deadline nodes[COUNT];
    eg_time model[COUNT], now = 0;
    uint64_t seed = 11;
    eg__deadlines_init(&deadlines);
    REQUIRE(eg__deadlines_reserve(&deadlines, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        eg__deadline_init(&nodes[i], i);
        model[i] = EG_TIME_NEVER;
    }
    for (int step = 0; step < 20000; step++) {
        size_t i = next_random(&seed) % COUNT;
        eg_time at = next_random(&seed) % 8 == 0 ? EG_TIME_NEVER : now + next_random(&seed) % 20; // many are equal
        eg__deadlines_set(&deadlines, &nodes[i], at);
        model[i] = at;
        REQUIRE(places_hold(&deadlines));
        REQUIRE(eg__deadlines_next(&deadlines) == earliest_of(model, COUNT));
        if (next_random(&seed) % 4 != 0) continue;
        now += next_random(&seed) % 3;
        for (struct eg_deadline *due; (due = eg__deadlines_pop(&deadlines, now)) != NULL;) {
            REQUIRE(due == &nodes[due->owner]);
            REQUIRE(model[due->owner] <= now);
            REQUIRE(model[due->owner] == earliest_of(model, COUNT));
            model[due->owner] = EG_TIME_NEVER;
            REQUIRE(places_hold(&deadlines));
        }
        REQUIRE(earliest_of(model, COUNT) > now);
    }
    eg__deadlines_deinit(&deadlines);
}

static void time_after_saturates(struct eg_check *check) {
    CHECK_EQUAL(eg__time_after(5, 7), 12);
    CHECK(eg__time_after(5, EG_TIME_NEVER) == EG_TIME_NEVER);
    CHECK(eg__time_after(EG_TIME_NEVER, 1) == EG_TIME_NEVER);
    CHECK(eg__time_after(EG_TIME_NEVER - 1, 1) == EG_TIME_NEVER);
    CHECK(eg__time_after(EG_TIME_NEVER - 2, 1) == EG_TIME_NEVER - 1);
}

static void reader_reads_big_endian_up_to_the_very_end(struct eg_check *check) {
    const uint8_t bytes[18] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
    struct eg_reader reader = eg__reader(bytes, sizeof bytes);
    CHECK_EQUAL(eg__read_u8(&reader), 0x01);
    CHECK_EQUAL(eg__read_u16(&reader), 0x0203);
    CHECK_EQUAL(eg__read_u24(&reader), 0x040506);
    CHECK_EQUAL(eg__read_u32(&reader), 0x0708090a);
    CHECK_EQUAL(eg__read_u64(&reader), 0x0b0c0d0e0f101112);
    CHECK_EQUAL(eg__reader_left(&reader), 0);
    CHECK(eg__read_bytes(&reader, 0) == bytes + sizeof bytes);
    CHECK(!reader.failed);
    CHECK_EQUAL(eg__read_u8(&reader), 0);
    CHECK(reader.failed);
}

static void reader_that_failed_gives_nothing_more(struct eg_check *check) {
    const uint8_t bytes[3] = {1, 2, 3};
    struct eg_reader reader = eg__reader(bytes, sizeof bytes);
    CHECK_EQUAL(eg__read_u32(&reader), 0);
    CHECK(reader.failed);
    CHECK_EQUAL(reader.at, 0);
    CHECK_EQUAL(eg__read_u8(&reader), 0);
    CHECK(eg__read_bytes(&reader, 0) == NULL);
    struct eg_reader other = eg__reader(bytes, sizeof bytes);
    CHECK(eg__read_bytes(&other, SIZE_MAX) == NULL);
    CHECK(other.failed);
}

static void writer_writes_big_endian_up_to_the_very_end(struct eg_check *check) {
    uint8_t bytes[16];
    const uint8_t expected[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct eg_writer writer = eg__writer(bytes, sizeof expected);
    bytes[15] = 0x55;
    eg__write_u8(&writer, 0x01);
    eg__write_u16(&writer, 0x0203);
    eg__write_u32(&writer, 0x04050607);
    eg__write_u64(&writer, 0x08090a0b0c0d0e0f);
    eg__write_bytes(&writer, NULL, 0);
    CHECK(!writer.failed);
    CHECK_EQUAL(writer.at, sizeof expected);
    CHECK_BYTES(bytes, expected, sizeof expected);
    eg__write_u8(&writer, 0xff);
    CHECK(writer.failed);
    CHECK_EQUAL(writer.at, sizeof expected);
    CHECK_EQUAL(bytes[15], 0x55);
}

static void writer_writes_nothing_of_what_does_not_fit(struct eg_check *check) {
    uint8_t bytes[4] = {0x55, 0x55, 0x55, 0x55};
    const uint8_t untouched[4] = {0x55, 0x55, 0x55, 0x55};
    struct eg_writer writer = eg__writer(bytes, 3);
    eg__write_u32(&writer, 0xffffffff);
    CHECK(writer.failed);
    eg__write_u8(&writer, 0xff); // would fit, but comes after what did not
    CHECK_EQUAL(writer.at, 0);
    CHECK_BYTES(bytes, untouched, sizeof bytes);
}

struct hmac_vector {
    const char *key, *data, *digest; // hexadecimal
};

// RFC 2202 §3, test cases 1 to 7, and the empty key and message.
static const struct hmac_vector hmac_vectors[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
     "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
     "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
    {"0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c", "546573742057697468205472756e636174696f6e", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
     "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b657920616e64204c6172676572205468616e204f6e652042"
     "6c6f636b2d53697a652044617461",
     "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    {"", "", "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"},
};

static void hmac_sha1_gives_the_vectors_of_rfc_2202_however_they_are_cut(struct eg_check *check) {
    for (size_t i = 0; i < sizeof hmac_vectors / sizeof hmac_vectors[0]; i++) {
        uint8_t key[128], data[128], expected[EG_SHA1_SIZE], digest[EG_SHA1_SIZE];
        size_t key_size = eg_hex(hmac_vectors[i].key, key, sizeof key);
        size_t data_size = eg_hex(hmac_vectors[i].data, data, sizeof data);
        eg_hex(hmac_vectors[i].digest, expected, sizeof expected);
        for (size_t cut = 0; cut <= data_size; cut++) {
            const struct eg_piece pieces[3] = {{data, cut}, {NULL, 0}, {data + cut, data_size - cut}};
            eg__hmac_sha1(key, key_size, pieces, 3, digest);
            CHECK_ROW(memcmp(digest, expected, sizeof digest) == 0, i);
        }
    }
}

static void crc32_gives_its_check_value(struct eg_check *check) {
    static const uint8_t check_input[] = "123456789";
    static const uint8_t zeros[32], ones[4] = {0xff, 0xff, 0xff, 0xff};
    CHECK_EQUAL(eg__crc32(check_input, 9), 0xcbf43926);
    CHECK_EQUAL(eg__crc32(NULL, 0), 0);
    CHECK_EQUAL(eg__crc32(zeros, sizeof zeros), 0x190a55ad);
    CHECK_EQUAL(eg__crc32(ones, sizeof ones), 0xffffffff);
}

static void constant_time_equality_sees_every_byte(struct eg_check *check) {
    uint8_t a[20] = {1, 2, 3}, b[20] = {1, 2, 3};
    CHECK(eg__equal_constant_time(a, b, sizeof a));
    CHECK(eg__equal_constant_time(a, b, 0));
    for (size_t i = 0; i < sizeof b; i++) {
        b[i] ^= 0x10;
        CHECK_ROW(!eg__equal_constant_time(a, b, sizeof a), i);
        CHECK_ROW(eg__equal_constant_time(a, b, i), i);
        b[i] ^= 0x10;
    }
}

static const struct eg_test tests[] = {
    EG_TEST(addr_ipv4_is_kept_in_its_mapped_form),
    EG_TEST(addr_equality_sees_every_byte_and_the_port),
    EG_TEST(path_equality_sees_both_ends),
    EG_TEST(addr_is_written_as_people_write_it),
    EG_TEST(pool_makes_nothing_until_it_is_asked),
    EG_TEST(pool_objects_are_aligned_and_zeroed_and_stay_where_they_are),
    EG_TEST(pool_zeroes_an_object_that_is_used_again),
    EG_TEST(pool_of_buffers_zeroes_their_heads_only),
    EG_TEST(pool_refuses_more_than_its_limit),
    EG_TEST(pool_finds_nothing_for_a_stale_handle),
    EG_TEST(pool_finds_nothing_for_a_made_up_handle),
    EG_TEST(pool_walks_what_is_taken_in_order),
    EG_TEST(pool_can_be_emptied_while_it_is_walked),
    EG_TEST(pool_holds_against_a_model_over_random_takes_and_releases),
    EG_TEST(table_that_is_empty_finds_nothing),
    EG_TEST(table_gives_every_handle_under_one_hash_once),
    EG_TEST(table_refuses_more_than_its_limit),
    EG_TEST(table_keeps_everything_as_it_grows),
    EG_TEST(table_finds_what_collides_with_a_removed_entry),
    EG_TEST(table_removes_only_the_pair_that_is_named),
    EG_TEST(table_holds_against_a_model_over_random_changes),
    EG_TEST(hash_depends_on_its_seed_and_spreads_over_low_bits),
    EG_TEST(deadlines_that_are_empty_never_wake),
    EG_TEST(deadlines_pop_the_earliest_that_is_due_and_no_other),
    EG_TEST(deadlines_can_be_moved_both_ways_and_taken_out),
    EG_TEST(deadlines_reserve_keeps_the_room_it_has),
    EG_TEST(deadlines_hold_against_a_model_over_random_changes),
    EG_TEST(time_after_saturates),
    EG_TEST(reader_reads_big_endian_up_to_the_very_end),
    EG_TEST(reader_that_failed_gives_nothing_more),
    EG_TEST(writer_writes_big_endian_up_to_the_very_end),
    EG_TEST(writer_writes_nothing_of_what_does_not_fit),
    EG_TEST(hmac_sha1_gives_the_vectors_of_rfc_2202_however_they_are_cut),
    EG_TEST(crc32_gives_its_check_value),
    EG_TEST(constant_time_equality_sees_every_byte),
};

EG_TEST_SUITE(base, tests);
