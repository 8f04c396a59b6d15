// What lies between the workers of an engine: queues, blocks with several holders, quotas, ids, routes.
#include "sim/random.h"
#include "support/check.h"

#include "base/quota.h"
#include "base/ring.h"
#include "base/worker_id.h"
#include "core/exchange.h"
#include "core/routes.h"
#include "media/chunk.h"
#include "transport/ice.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

// --- ring ---

struct sized {
    uint64_t number;
    uint32_t size; // [B] behind this
    uint8_t bytes[];
};

static bool write_sized(struct eg_ring *ring, uint64_t number, uint32_t size, uint32_t claimed) {
    struct sized *record = eg__ring_claim(ring, sizeof *record + claimed);
    if (record == NULL) return false;
    record->number = number;
    record->size = size;
    memset(record->bytes, (int)(number & 0xff), size);
    eg__ring_publish(ring, sizeof *record + size);
    return true;
}

static bool is_whole(const struct sized *record, uint64_t number) {
    if (record->number != number) return false;
    for (uint32_t i = 0; i < record->size; i++)
        if (record->bytes[i] != (uint8_t)number) return false;
    return true;
}

static void records_of_any_size_are_read_in_order_through_every_turn(struct eg_check *check) {
    struct eg_ring ring;
    struct eg_sim_random random;
    eg_sim_random_init(&random, 1);
    REQUIRE(eg__ring_init(&ring, 4096));
    uint64_t written = 0, read = 0;
    for (int round = 0; round < 20000; round++) {
        if (eg_sim_random_chance(&random, 520)) {
            uint32_t claimed = eg_sim_random_below(&random, 900);
            written += write_sized(&ring, written, eg_sim_random_below(&random, claimed + 1), claimed);
        }
        const struct sized *record = eg_sim_random_chance(&random, 500) ? eg__ring_peek(&ring) : NULL;
        if (record == NULL) continue;
        CHECK_ROW(is_whole(record, read), round);
        eg__ring_advance(&ring);
        read++;
    }
    CHECK(read > 5000 && written - read < 4096 / 24);
    eg__ring_deinit(&ring);
}

static void a_full_ring_refuses_and_keeps_what_it_has(struct eg_check *check) {
    struct eg_ring ring;
    REQUIRE(eg__ring_init(&ring, 4096));
    uint64_t written = 0, read = 0;
    while (write_sized(&ring, written, 100, 100)) written++;
    CHECK(written * (sizeof(struct sized) + 100) > 3600 && written * (sizeof(struct sized) + 100) <= 4096);
    CHECK(!write_sized(&ring, written, 0, 900)); // as big as was asked for, used or not
    for (const struct sized *record; (record = eg__ring_peek(&ring)) != NULL; eg__ring_advance(&ring)) CHECK_ROW(is_whole(record, read++), read);
    CHECK_EQUAL(read, written);
    CHECK(!eg__ring_is_before(&ring, eg__ring_end(&ring)));
    CHECK(write_sized(&ring, written, 900, 900));
    CHECK(eg__ring_is_before(&ring, eg__ring_end(&ring)));
    eg__ring_deinit(&ring);
}

// Going back to the beginning early must not cost the room for a large picture.
static void a_reader_that_keeps_up_leaves_half_of_the_room_wherever_the_ring_stands(struct eg_check *check) {
    enum { SIZE = 64 * 1024, RECORD = 1000 };
    for (int before = 0; before < 200; before++) {
        struct eg_ring ring;
        REQUIRE(eg__ring_init(&ring, SIZE));
        for (int i = 0; i < before; i++) {
            REQUIRE(write_sized(&ring, 0, RECORD, RECORD));
            eg__ring_peek(&ring);
            eg__ring_advance(&ring);
        }
        int written = 0;
        while (write_sized(&ring, 0, RECORD, RECORD)) written++;
        CHECK_ROW(written * RECORD >= SIZE / 2 - 2 * RECORD, before);
        eg__ring_deinit(&ring);
    }
}

static void what_was_claimed_and_not_published_was_never_there(struct eg_check *check) {
    struct eg_ring ring;
    REQUIRE(eg__ring_init(&ring, 4096));
    for (uint64_t number = 0; number < 100; number++) {
        REQUIRE(eg__ring_claim(&ring, 800) != NULL);
        CHECK(eg__ring_peek(&ring) == NULL);
        REQUIRE(write_sized(&ring, number, 300, 800));
        const struct sized *record = eg__ring_peek(&ring);
        REQUIRE(record != NULL);
        CHECK_ROW(is_whole(record, number), number);
        eg__ring_advance(&ring);
    }
    eg__ring_deinit(&ring);
}

enum { THREADED_RECORDS = 100000 };

static void *write_all(void *context) {
    struct eg_ring *ring = context;
    for (uint64_t number = 0; number < THREADED_RECORDS;) {
        if (write_sized(ring, number, (uint32_t)(number * 7 % 200), 200)) number++;
        else sched_yield();
    }
    return NULL;
}

static void a_reader_on_another_thread_gets_every_record_whole(struct eg_check *check) {
    struct eg_ring ring;
    pthread_t thread;
    REQUIRE(eg__ring_init(&ring, 32 * 1024));
    REQUIRE(pthread_create(&thread, NULL, write_all, &ring) == 0);
    for (uint64_t number = 0; number < THREADED_RECORDS;) {
        const struct sized *record = eg__ring_peek(&ring);
        if (record == NULL) {
            sched_yield();
            continue;
        }
        CHECK_ROW(is_whole(record, number), number);
        eg__ring_advance(&ring);
        number++;
    }
    pthread_join(thread, NULL);
    eg__ring_deinit(&ring);
}

// --- blocks ---

static void a_block_goes_back_with_its_last_reference(struct eg_check *check) {
    struct eg_chunk_pool home, other;
    eg__chunk_pool_init(&home, 4);
    eg__chunk_pool_init(&other, 4);
    struct eg_chunk *chunk = eg__chunk_pool_take(&home);
    REQUIRE(chunk != NULL);
    eg__chunk_retain(chunk);
    eg__chunk_release(chunk, &home);
    CHECK_EQUAL(home.chunks.count, 1);
    eg__chunk_release(chunk, &other); // the last, elsewhere: it is on its way back
    CHECK_EQUAL(home.chunks.count, 1);
    eg__chunk_pool_collect(&home);
    CHECK_EQUAL(home.chunks.count, 0);
    chunk = eg__chunk_pool_take(&home);
    eg__chunk_retain(chunk);
    eg__chunk_release(chunk, &other);
    eg__chunk_release(chunk, &home); // the last, at home: at once
    CHECK_EQUAL(home.chunks.count, 0);
    eg__chunk_pool_deinit(&home);
    eg__chunk_pool_deinit(&other);
}

static void a_pool_that_is_used_up_finds_what_others_have_let_go_of(struct eg_check *check) {
    struct eg_chunk_pool home, other;
    eg__chunk_pool_init(&home, 3);
    eg__chunk_pool_init(&other, 1);
    struct eg_chunk *chunks[3];
    for (int i = 0; i < 3; i++) REQUIRE((chunks[i] = eg__chunk_pool_take(&home)) != NULL);
    CHECK(eg__chunk_pool_take(&home) == NULL);
    for (int i = 0; i < 3; i++) eg__chunk_release(chunks[i], &other);
    for (int i = 0; i < 3; i++) CHECK_ROW((chunks[i] = eg__chunk_pool_take(&home)) != NULL, i);
    for (int i = 0; i < 3; i++) eg__chunk_release(chunks[i], &home);
    eg__chunk_pool_deinit(&home);
    eg__chunk_pool_deinit(&other);
}

enum { HOLDERS = 3, HANDED_BLOCKS = 5000 };

struct holder {
    struct eg_ring ring; // of struct eg_chunk *, NULL at the end
    struct eg_chunk_pool pool;
    uint64_t sum;
};

static void *let_go_of_all(void *context) {
    struct holder *holder = context;
    for (;;) {
        struct eg_chunk *const *handed = eg__ring_peek(&holder->ring);
        if (handed == NULL) {
            sched_yield();
            continue;
        }
        struct eg_chunk *chunk = *handed;
        eg__ring_advance(&holder->ring);
        if (chunk == NULL) return NULL;
        holder->sum += chunk->bytes[0];
        eg__chunk_release(chunk, &holder->pool);
    }
}

static void hand(struct holder *holder, struct eg_chunk *chunk) {
    struct eg_chunk **place;
    while ((place = eg__ring_claim(&holder->ring, sizeof(struct eg_chunk *))) == NULL) sched_yield();
    *place = chunk;
    eg__ring_publish(&holder->ring, sizeof(struct eg_chunk *));
}

static void threads_that_let_go_at_the_same_time_lose_no_block(struct eg_check *check) {
    struct eg_chunk_pool home;
    static struct holder holders[HOLDERS];
    pthread_t threads[HOLDERS];
    uint64_t sum = 0;
    eg__chunk_pool_init(&home, 16); // far fewer than are handed out: they must come back
    for (int i = 0; i < HOLDERS; i++) {
        holders[i] = (struct holder){0};
        REQUIRE(eg__ring_init(&holders[i].ring, 1024));
        eg__chunk_pool_init(&holders[i].pool, 1);
        REQUIRE(pthread_create(&threads[i], NULL, let_go_of_all, &holders[i]) == 0);
    }
    for (int n = 0; n < HANDED_BLOCKS; n++) {
        struct eg_chunk *chunk;
        while ((chunk = eg__chunk_pool_take(&home)) == NULL) sched_yield();
        sum += chunk->bytes[0] = (uint8_t)n;
        for (int i = 0; i < HOLDERS; i++) {
            eg__chunk_retain(chunk);
            hand(&holders[i], chunk);
        }
        eg__chunk_release(chunk, &home);
    }
    for (int i = 0; i < HOLDERS; i++) {
        hand(&holders[i], NULL);
        pthread_join(threads[i], NULL);
        CHECK_EQUAL(holders[i].sum, sum);
        eg__ring_deinit(&holders[i].ring);
        eg__chunk_pool_deinit(&holders[i].pool);
    }
    eg__chunk_pool_collect(&home);
    CHECK_EQUAL(home.chunks.count, 0);
    eg__chunk_pool_deinit(&home);
}

// --- a store that adopts ---

static void a_mirrors_store_holds_the_same_packets_without_a_copy(struct eg_check *check) {
    struct eg_chunk_pool home, other;
    struct eg_store store, mirror;
    static const eg_time start = 1000 * (eg_time)EG_SECOND;
    uint8_t payload[1000];
    eg__chunk_pool_init(&home, 64);
    eg__chunk_pool_init(&other, 64);
    REQUIRE(eg__store_init(&store, &home, 1024, 8) && eg__store_init(&mirror, &other, 1024, 8));
    for (uint64_t place = 1; place < 400; place++) {
        if (place % 50 == 7) continue; // lost in front of it
        memset(payload, (int)place, sizeof payload);
        eg_time now = start + place * 20 * EG_MILLISECOND;
        struct eg_packet sent = {.payload = payload, .arrival = now, .timestamp = (uint32_t)place, .size = sizeof payload};
        REQUIRE(eg__store_put(&store, place, &sent) == EG_STORE_PUT);
        uint32_t hint = 0;
        const struct eg_packet *packet = eg__store_get(&store, place);
        struct eg_chunk *chunk = eg__store_chunk_of(&store, packet, &hint);
        REQUIRE(eg__store_adopt(&mirror, packet->arrival, place, packet, chunk) == EG_STORE_PUT);
        CHECK_ROW(eg__store_adopt(&mirror, packet->arrival, place, packet, chunk) == EG_STORE_DUPLICATE, place);
        CHECK_ROW(eg__store_get(&mirror, place)->payload == packet->payload, place);
        CHECK_ROW(mirror.begin == store.begin && mirror.bytes == store.bytes && mirror.chunk_count == store.chunk_count, place);
    }
    CHECK(mirror.begin > 200);
    CHECK(eg__store_get(&mirror, 307) == NULL);
    CHECK_EQUAL(other.chunks.count, 0);
    // It goes on holding them when the first one is gone.
    eg__store_deinit(&store);
    CHECK(home.chunks.count > 0);
    CHECK_EQUAL(eg__store_get(&mirror, 399)->payload[999], (uint8_t)399);
    eg__store_deinit(&mirror);
    eg__chunk_pool_collect(&home);
    CHECK_EQUAL(home.chunks.count, 0);
    eg__chunk_pool_deinit(&home);
    eg__chunk_pool_deinit(&other);
}

// --- ids, names, quotas ---

static void an_id_names_its_worker_and_leaves_the_handle_as_it_is(struct eg_check *check) {
    static const eg_handle handles[] = {UINT64_C(1) << 32, UINT64_C(1) << 32 | (EG_VIEWERS_MAX + 63), UINT64_C(0xffffffff) << 32 | 12345};
    for (uint32_t worker = 0; worker < EG_WORKERS_MAX; worker++) {
        for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
            uint64_t id = eg__worker_id(worker, handles[i]);
            CHECK_EQUAL(eg__worker_id_worker(id), worker);
            CHECK_EQUAL(eg__worker_id_handle(id), handles[i]);
        }
    }
    CHECK_EQUAL(eg__worker_id(0, handles[1]), handles[1]);
}

static void a_user_name_says_which_worker_it_belongs_to(struct eg_check *check) {
    struct eg_sim_random random;
    eg_sim_random_init(&random, 2);
    static const uint32_t counts[] = {1, 2, 3, 7, 16, 31, EG_WORKERS_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (uint32_t worker = 0; worker < counts[i]; worker++) {
            for (int n = 0; n < 100; n++) {
                struct eg_ice ice;
                REQUIRE(eg__ice_init(&ice, &random.random, "abcd", "abcdefghijklmnopqrstuv"));
                char before[EG_ICE_UFRAG_SIZE + 1];
                strcpy(before, ice.local_ufrag);
                eg__ice_name_worker(&ice, worker, counts[i]);
                CHECK_ROW(eg__ice_ufrag_worker(ice.local_ufrag, EG_ICE_UFRAG_SIZE, counts[i]) == worker, i);
                CHECK_ROW(strcmp(ice.local_ufrag + 1, before + 1) == 0, i);
                if (counts[i] == 1) CHECK_ROW(strcmp(ice.local_ufrag, before) == 0, i);
                eg__ice_deinit(&ice);
            }
        }
    }
    CHECK_EQUAL(eg__ice_ufrag_worker("", 0, 4), 4);
    CHECK_EQUAL(eg__ice_ufrag_worker("abcdefg", 7, 4), 4);
    CHECK_EQUAL(eg__ice_ufrag_worker(":bcdefgh", 8, 4), 4);
    CHECK_EQUAL(eg__ice_ufrag_worker("\0bcdefgh", 8, 4), 4);
}

enum { QUOTA = 5, QUOTA_THREADS = 4, QUOTA_ROUNDS = 20000 };

struct taker {
    struct eg_quota *quota;
    uint32_t taken_max;
};

static void *take_and_release(void *context) {
    struct taker *taker = context;
    for (int i = 0; i < QUOTA_ROUNDS; i++) {
        if (!eg__quota_take(taker->quota)) continue;
        uint32_t taken = atomic_load(&taker->quota->taken);
        if (taken > taker->taken_max) taker->taken_max = taken;
        eg__quota_release(taker->quota);
    }
    return NULL;
}

static void a_quota_is_never_exceeded(struct eg_check *check) {
    struct eg_quota quota = {.max = QUOTA};
    struct taker takers[QUOTA_THREADS];
    pthread_t threads[QUOTA_THREADS];
    for (int i = 0; i < QUOTA - 2; i++) CHECK(eg__quota_take(&quota));
    for (int i = 0; i < QUOTA_THREADS; i++) {
        takers[i] = (struct taker){.quota = &quota};
        REQUIRE(pthread_create(&threads[i], NULL, take_and_release, &takers[i]) == 0);
    }
    for (int i = 0; i < QUOTA_THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(takers[i].taken_max <= QUOTA);
    }
    CHECK_EQUAL(quota.taken, QUOTA - 2);
    CHECK(eg__quota_take(&quota) && eg__quota_take(&quota) && !eg__quota_take(&quota));
}

// --- routes ---

static struct eg_route route_to(uint32_t worker, uint64_t viewer, eg_time created_at, uint16_t port) {
    return (struct eg_route){.remote = eg__addr_ipv4(192, 0, 2, 1, port), .worker = worker, .viewer = viewer, .created_at = created_at};
}

static void an_address_leads_to_the_newest_of_its_viewers(struct eg_check *check) {
    struct eg_routes routes;
    eg__routes_init(&routes, 3, 16);
    struct eg_route older = route_to(1, 11, 100, 5000), newer = route_to(2, 22, 200, 5000), other = route_to(3, 33, 300, 5001);
    CHECK(eg__routes_find(&routes, &older.remote, false) == NULL);
    eg__routes_add(&routes, 0, &newer);
    eg__routes_add(&routes, 0, &older);
    eg__routes_add(&routes, 0, &other);
    CHECK_EQUAL(eg__routes_find(&routes, &older.remote, false)->worker, 2);
    CHECK_EQUAL(eg__routes_find(&routes, &other.remote, false)->worker, 3);
    eg__routes_remove(&routes, &newer.remote, 99); // nobody's
    eg__routes_remove(&routes, &newer.remote, 22);
    CHECK_EQUAL(eg__routes_find(&routes, &older.remote, false)->worker, 1);
    eg__routes_remove(&routes, &older.remote, 11);
    CHECK(eg__routes_find(&routes, &older.remote, false) == NULL);
    CHECK_EQUAL(routes.pool.count, 1);
    eg__routes_deinit(&routes);
}

static void a_route_that_is_not_refreshed_is_forgotten(struct eg_check *check) {
    struct eg_routes routes;
    eg__routes_init(&routes, 3, 16);
    struct eg_route first = route_to(1, 11, 0, 5000), second = route_to(1, 12, 0, 5001), third = route_to(1, 13, 0, 5002);
    eg__routes_add(&routes, 0, &first);
    eg__routes_add(&routes, 0, &second);
    for (eg_time now = 0; now <= 10 * (eg_time)EG_ROUTE_LIFETIME; now += EG_ROUTE_LIFETIME / 3) eg__routes_add(&routes, now, &first);
    CHECK_EQUAL(routes.pool.count, 1);
    CHECK(eg__routes_find(&routes, &first.remote, false) != NULL && eg__routes_find(&routes, &second.remote, false) == NULL);
    eg__routes_add(&routes, 12 * (eg_time)EG_ROUTE_LIFETIME, &third);
    CHECK(eg__routes_find(&routes, &first.remote, false) == NULL);
    eg__routes_deinit(&routes);
}

static void of_too_many_routes_the_one_that_was_checked_longest_ago_goes(struct eg_check *check) {
    struct eg_routes routes;
    eg__routes_init(&routes, 3, 16);
    for (uint16_t i = 0; i < 1000; i++) {
        struct eg_route kept = route_to(2, 7777, 0, 4000), route = route_to(1, i, 0, (uint16_t)(5000 + i));
        eg__routes_add(&routes, i, &kept);
        eg__routes_add(&routes, i, &route);
        CHECK_ROW(routes.pool.count <= 16 && routes.by_address.count <= 16, i);
        CHECK_ROW(eg__routes_find(&routes, &kept.remote, false) != NULL && eg__routes_find(&routes, &route.remote, false) != NULL, i);
    }
    eg__routes_deinit(&routes);
}

// One who has written another viewer's address on his checks is newer, and gets none of its feedback.
static void rtcp_goes_to_the_viewer_whose_media_goes_there(struct eg_check *check) {
    struct eg_routes routes;
    eg__routes_init(&routes, 1, 8);
    struct eg_route viewer = {.remote = eg__addr_ipv4(192, 0, 2, 1, 5000), .worker = 1, .viewer = 11, .created_at = 1, .has_media = true};
    struct eg_route attacker = {.remote = viewer.remote, .worker = 2, .viewer = 22, .created_at = 2};
    eg__routes_add(&routes, 3, &viewer);
    eg__routes_add(&routes, 3, &attacker);
    CHECK_EQUAL(eg__routes_find(&routes, &viewer.remote, true)->worker, 1);
    CHECK_EQUAL(eg__routes_find(&routes, &viewer.remote, false)->worker, 2);
    viewer.has_media = false; // it has moved
    eg__routes_add(&routes, 4, &viewer);
    CHECK_EQUAL(eg__routes_find(&routes, &viewer.remote, true)->worker, 2);
    eg__routes_remove(&routes, &viewer.remote, 11);
    eg__routes_remove(&routes, &viewer.remote, 22);
    eg__routes_deinit(&routes);
}

static const struct eg_test tests[] = {
    EG_TEST(rtcp_goes_to_the_viewer_whose_media_goes_there),
    EG_TEST(records_of_any_size_are_read_in_order_through_every_turn),
    EG_TEST(a_full_ring_refuses_and_keeps_what_it_has),
    EG_TEST(a_reader_that_keeps_up_leaves_half_of_the_room_wherever_the_ring_stands),
    EG_TEST(what_was_claimed_and_not_published_was_never_there),
    EG_TEST(a_reader_on_another_thread_gets_every_record_whole),
    EG_TEST(a_block_goes_back_with_its_last_reference),
    EG_TEST(a_pool_that_is_used_up_finds_what_others_have_let_go_of),
    EG_TEST(threads_that_let_go_at_the_same_time_lose_no_block),
    EG_TEST(a_mirrors_store_holds_the_same_packets_without_a_copy),
    EG_TEST(an_id_names_its_worker_and_leaves_the_handle_as_it_is),
    EG_TEST(a_user_name_says_which_worker_it_belongs_to),
    EG_TEST(a_quota_is_never_exceeded),
    EG_TEST(an_address_leads_to_the_newest_of_its_viewers),
    EG_TEST(a_route_that_is_not_refreshed_is_forgotten),
    EG_TEST(of_too_many_routes_the_one_that_was_checked_longest_ago_goes),
};

EG_TEST_SUITE(exchange, tests);
