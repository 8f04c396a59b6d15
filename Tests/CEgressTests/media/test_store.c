#include "support/check.h"

#include "base/memory.h"
#include "media/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNKS_MAX = 64, PAYLOAD_SIZE = 1000 };

static const eg_time start = 1000 * (eg_time)EG_SECOND;

struct fixture {
    struct eg_chunk_pool chunks;
    struct eg_store store;
};

static struct fixture *fixture_create(uint32_t capacity_max, uint32_t chunk_count_max) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    eg__chunk_pool_init(&fixture->chunks, CHUNKS_MAX);
    EG_ASSERT(eg__store_init(&fixture->store, &fixture->chunks, capacity_max, chunk_count_max));
    return fixture;
}

static void fixture_destroy(struct fixture *fixture) {
    eg__store_deinit(&fixture->store);
    eg__chunk_pool_deinit(&fixture->chunks);
    free(fixture);
}

// A payload tells the place and the size it was made for.
static void make_payload(uint8_t *payload, uint64_t sequence, size_t size) {
    for (size_t i = 0; i < size; i++) payload[i] = (uint8_t)(sequence * 31 + size + i * (sequence | 1));
}

static enum eg_store_result put_sized(struct fixture *fixture, eg_time now, uint64_t sequence, size_t size) {
    uint8_t payload[EG_RTP_PAYLOAD_SIZE_MAX];
    make_payload(payload, sequence, size);
    struct eg_packet packet = {.payload = payload, .arrival = now, .timestamp = (uint32_t)(sequence * 3000), .size = (uint16_t)size,
                               .marker = sequence % 5 == 0};
    return eg__store_put(&fixture->store, sequence, &packet);
}

static enum eg_store_result put(struct fixture *fixture, eg_time now, uint64_t sequence) {
    return put_sized(fixture, now, sequence, PAYLOAD_SIZE);
}

static bool holds(const struct fixture *fixture, uint64_t sequence, size_t size) {
    uint8_t expected[EG_RTP_PAYLOAD_SIZE_MAX];
    make_payload(expected, sequence, size);
    const struct eg_packet *packet = eg__store_get(&fixture->store, sequence);
    return packet != NULL && packet->size == size && memcmp(packet->payload, expected, size) == 0 &&
           packet->timestamp == (uint32_t)(sequence * 3000) && packet->marker == (sequence % 5 == 0);
}

static void an_empty_store_holds_nothing_and_takes_no_memory_for_packets(struct eg_check *check) {
    struct fixture *fixture = fixture_create(1024, 8);
    CHECK(eg__store_get(&fixture->store, 0) == NULL);
    CHECK(eg__store_get(&fixture->store, 1) == NULL);
    CHECK(eg__store_get(&fixture->store, UINT64_MAX) == NULL);
    CHECK_EQUAL(fixture->chunks.chunks.count, 0);
    CHECK_EQUAL(fixture->store.bytes, 0);
    CHECK(fixture->store.gop_begin == EG_STORE_NO_GOP);
    fixture_destroy(fixture);
}

static void gives_back_what_was_put(struct eg_check *check) {
    struct fixture *fixture = fixture_create(1024, 8);
    static const size_t sizes[] = {1, 0, 1400, 37, 1399};
    for (size_t i = 0; i < 5; i++) CHECK_ROW(put_sized(fixture, start + i, 10 + i, sizes[i]) == EG_STORE_PUT, i);
    for (size_t i = 0; i < 5; i++) {
        CHECK_ROW(holds(fixture, 10 + i, sizes[i]), i);
        CHECK_ROW(eg__store_get(&fixture->store, 10 + i)->arrival == start + i, i);
    }
    CHECK(eg__store_get(&fixture->store, 9) == NULL);
    CHECK(eg__store_get(&fixture->store, 15) == NULL);
    CHECK_EQUAL(fixture->store.bytes, 1 + 1400 + 37 + 1399);
    CHECK_EQUAL(fixture->store.end, 15);
    fixture_destroy(fixture);
}

static void a_place_is_taken_once(struct eg_check *check) {
    struct fixture *fixture = fixture_create(1024, 8);
    CHECK_EQUAL(put_sized(fixture, start, 10, 100), EG_STORE_PUT);
    CHECK_EQUAL(put_sized(fixture, start, 10, 200), EG_STORE_DUPLICATE);
    CHECK(holds(fixture, 10, 100));
    CHECK_EQUAL(fixture->store.bytes, 100);
    fixture_destroy(fixture);
}

static void a_gap_stays_empty_until_its_packet_comes(struct eg_check *check) {
    struct fixture *fixture = fixture_create(1024, 8);
    put(fixture, start, 10);
    put(fixture, start, 14);
    for (uint64_t place = 11; place < 14; place++) CHECK_ROW(eg__store_get(&fixture->store, place) == NULL, place);
    CHECK_EQUAL(put(fixture, start + 5, 12), EG_STORE_PUT);
    CHECK(holds(fixture, 12, PAYLOAD_SIZE));
    CHECK(eg__store_get(&fixture->store, 11) == NULL);
    CHECK(eg__store_get(&fixture->store, 13) == NULL);
    CHECK_EQUAL(fixture->store.end, 15);
    fixture_destroy(fixture);
}

static void what_lies_in_front_of_the_oldest_place_is_late(struct eg_check *check) {
    struct fixture *fixture = fixture_create(1024, 8);
    put(fixture, start, 10);
    CHECK_EQUAL(put(fixture, start, 9), EG_STORE_LATE);
    CHECK(holds(fixture, 10, PAYLOAD_SIZE));
    fixture_destroy(fixture);
}

// All that was kept has gone by time; a packet of then that comes only now is still late, and the end never moves back.
static void nothing_becomes_new_again_when_everything_was_forgotten(struct eg_check *check) {
    struct fixture *fixture = fixture_create(1024, 8);
    for (uint64_t place = 10; place < 20; place++) put(fixture, start, place);
    eg_time later = start + 10 * EG_SECOND;
    CHECK_EQUAL(put(fixture, later, 15), EG_STORE_LATE);
    CHECK_EQUAL(fixture->store.end, 20);
    CHECK_EQUAL(put(fixture, later, 20), EG_STORE_PUT);
    CHECK(holds(fixture, 20, PAYLOAD_SIZE));
    fixture_destroy(fixture);
}

static void the_ring_grows_and_keeps_what_it_holds(struct eg_check *check) {
    struct fixture *fixture = fixture_create(4096, 64);
    for (uint64_t place = 1000; place < 1000 + 3000; place++)
        if (place % 7 != 3) CHECK_ROW(put(fixture, start + place, place) == EG_STORE_PUT, place);
    for (uint64_t place = 1000; place < 1000 + 3000; place++)
        CHECK_ROW(place % 7 == 3 ? eg__store_get(&fixture->store, place) == NULL : holds(fixture, place, PAYLOAD_SIZE), place);
    CHECK_EQUAL(fixture->store.capacity, 4096);
    fixture_destroy(fixture);
}

static void without_a_gop_only_the_history_is_kept(struct eg_check *check) {
    struct fixture *fixture = fixture_create(4096, 64);
    for (uint64_t place = 0; place < 500; place++) put(fixture, start + place * 10 * EG_MILLISECOND, place);
    // The newest came at 4,990 ms, so those from 2,990 ms on are there.
    CHECK_EQUAL(fixture->store.begin, 299);
    CHECK(eg__store_get(&fixture->store, 298) == NULL);
    CHECK(holds(fixture, 299, PAYLOAD_SIZE));
    CHECK_EQUAL(fixture->store.bytes, 201 * PAYLOAD_SIZE);
    fixture_destroy(fixture);
}

// A loss stays visible for as long as the packets around it: those who are slow would else take the hole for packets they missed.
static void an_empty_place_is_kept_as_long_as_its_neighbours(struct eg_check *check) {
    struct fixture *fixture = fixture_create(4096, 64);
    put(fixture, start, 10);
    put(fixture, start, 11);
    eg_time later = start + 10 * EG_SECOND;
    put(fixture, later, 15); // 12 to 14 were lost, and 10 and 11 are too old
    put(fixture, later + 1, 16);
    CHECK_EQUAL(fixture->store.begin, 12);
    put(fixture, later + EG_STORE_HISTORY, 17);
    CHECK_EQUAL(fixture->store.begin, 12);
    put(fixture, later + EG_STORE_HISTORY + 1, 18);
    CHECK_EQUAL(fixture->store.begin, 16);
    fixture_destroy(fixture);
}

static void a_gop_is_kept_longer_than_the_history(struct eg_check *check) {
    struct fixture *fixture = fixture_create(4096, 64);
    for (uint64_t place = 0; place < 1000; place++) {
        put(fixture, start + place * 10 * EG_MILLISECOND, place);
        if (place == 50) eg__store_begin_gop(&fixture->store, 50);
    }
    CHECK_EQUAL(fixture->store.begin, 50);
    CHECK(holds(fixture, 50, PAYLOAD_SIZE));
    CHECK_EQUAL(fixture->store.gop_begin, 50);
    CHECK_EQUAL(fixture->store.gop_bytes, 950 * PAYLOAD_SIZE);
    // A new one lets go of the old one, but for the history.
    eg__store_begin_gop(&fixture->store, 999);
    put(fixture, start + 10 * EG_SECOND, 1000);
    CHECK_EQUAL(fixture->store.begin, 800);
    CHECK_EQUAL(fixture->store.gop_bytes, 2 * PAYLOAD_SIZE);
    fixture_destroy(fixture);
}

static void a_gop_that_grows_too_old_is_given_up(struct eg_check *check) {
    struct fixture *fixture = fixture_create(4096, 64);
    for (uint64_t place = 0; place <= 150; place++) {
        put(fixture, start + place * 100 * EG_MILLISECOND, place);
        if (place == 0) eg__store_begin_gop(&fixture->store, 0);
    }
    CHECK_EQUAL(fixture->store.gop_begin, 0);
    CHECK(holds(fixture, 0, PAYLOAD_SIZE));
    put(fixture, start + EG_STORE_GOP_MAX + 1, 151);
    CHECK(fixture->store.gop_begin == EG_STORE_NO_GOP);
    CHECK(eg__store_get(&fixture->store, 0) == NULL);
    CHECK_EQUAL(fixture->store.begin, 131);
    fixture_destroy(fixture);
}

static void a_gop_that_outgrows_the_slots_is_given_up(struct eg_check *check) {
    struct fixture *fixture = fixture_create(256, 64);
    for (uint64_t place = 0; place < 256; place++) put(fixture, start, place);
    eg__store_begin_gop(&fixture->store, 0);
    CHECK_EQUAL(fixture->store.gop_begin, 0);
    put(fixture, start, 256);
    CHECK(fixture->store.gop_begin == EG_STORE_NO_GOP);
    CHECK_EQUAL(fixture->store.begin, 1);
    CHECK(holds(fixture, 1, PAYLOAD_SIZE));
    CHECK(holds(fixture, 256, PAYLOAD_SIZE));
    fixture_destroy(fixture);
}

static void a_gop_that_outgrows_the_bytes_is_given_up(struct eg_check *check) {
    struct fixture *fixture = fixture_create(4096, 3);
    put(fixture, start, 0);
    eg__store_begin_gop(&fixture->store, 0);
    uint64_t place = 1;
    while (fixture->store.gop_begin == 0 && place < 1000) {
        CHECK_ROW(put(fixture, start, place) == EG_STORE_PUT, place);
        CHECK_ROW(fixture->chunks.chunks.count <= 3, place);
        place++;
    }
    // Three chunks hold 65 packets each; the 196th costs the first chunk's.
    CHECK_EQUAL(place, 196);
    CHECK_EQUAL(fixture->store.begin, 65);
    CHECK(holds(fixture, 65, PAYLOAD_SIZE));
    CHECK(holds(fixture, 195, PAYLOAD_SIZE));
    CHECK_EQUAL(fixture->store.bytes, 131 * PAYLOAD_SIZE);
    fixture_destroy(fixture);
}

// The packet that needs the room is itself older than what has to go for it.
static void a_latecomer_that_would_push_itself_out_is_late(struct eg_check *check) {
    struct fixture *fixture = fixture_create(4096, 2);
    put(fixture, start, 0);
    for (uint64_t place = 2; place <= 130; place++) put(fixture, start, place);
    CHECK_EQUAL(fixture->store.chunk_count, 2);
    CHECK_EQUAL(put(fixture, start, 1), EG_STORE_LATE);
    CHECK_EQUAL(fixture->store.end, 131);
    CHECK(holds(fixture, 130, PAYLOAD_SIZE));
    CHECK_EQUAL(put(fixture, start, 131), EG_STORE_PUT);
    CHECK(holds(fixture, 131, PAYLOAD_SIZE));
    fixture_destroy(fixture);
}

static void a_jump_beyond_the_ring_leaves_only_what_lies_beyond(struct eg_check *check) {
    static const uint64_t jumps[] = {255, 256, 257, 1000, 65536, UINT64_C(1) << 40};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct fixture *fixture = fixture_create(256, 8);
        for (uint64_t place = 5; place < 10; place++) put(fixture, start, place);
        uint64_t far = 9 + jumps[i];
        CHECK_ROW(put(fixture, start, far) == EG_STORE_PUT, i);
        CHECK_ROW(holds(fixture, far, PAYLOAD_SIZE), i);
        CHECK_ROW(fixture->store.end == far + 1, i);
        CHECK_ROW(fixture->store.end - fixture->store.begin <= 256, i);
        CHECK_ROW(holds(fixture, 9, PAYLOAD_SIZE) == (jumps[i] < 256), i);
        CHECK_ROW(eg__store_get(&fixture->store, far - 1) == NULL, i);
        CHECK_ROW(put(fixture, start, far + 1) == EG_STORE_PUT, i);
        CHECK_ROW(put(fixture, start, 4) == EG_STORE_LATE, i);
        fixture_destroy(fixture);
    }
}

static void a_gop_whose_beginning_is_gone_already_is_none(struct eg_check *check) {
    struct fixture *fixture = fixture_create(256, 8);
    for (uint64_t place = 0; place < 300; place++) put(fixture, start, place);
    eg__store_begin_gop(&fixture->store, 10);
    CHECK(fixture->store.gop_begin == EG_STORE_NO_GOP);
    put(fixture, start + 3 * EG_SECOND, 300);
    CHECK_EQUAL(fixture->store.begin, 300);
    fixture_destroy(fixture);
}

static void chunks_go_back_as_their_packets_go_and_all_of_them_at_the_end(struct eg_check *check) {
    struct fixture *fixture = fixture_create(4096, 64);
    for (uint64_t place = 0; place < 1000; place++) put(fixture, start, place);
    CHECK_EQUAL(fixture->chunks.chunks.count, 16);
    CHECK_EQUAL(fixture->store.chunk_count, 16);
    put(fixture, start + 10 * EG_SECOND, 1000);
    CHECK_EQUAL(fixture->chunks.chunks.count, 1);
    eg__store_deinit(&fixture->store);
    CHECK_EQUAL(fixture->chunks.chunks.count, 0);
    fixture_destroy(fixture);
}

static void two_stores_share_a_pool_without_touching_each_other(struct eg_check *check) {
    struct fixture *fixture = fixture_create(4096, 4);
    struct eg_store other;
    REQUIRE(eg__store_init(&other, &fixture->chunks, 256, 4));
    const struct eg_packet packet = {.payload = (const uint8_t *)"other", .arrival = start, .timestamp = 7, .size = 5};
    for (uint64_t place = 0; place < 200; place++) {
        put(fixture, start, place);
        eg__store_put(&other, place, &packet);
    }
    CHECK(holds(fixture, 199, PAYLOAD_SIZE));
    CHECK_BYTES(eg__store_get(&other, 199)->payload, "other", 5);
    CHECK_EQUAL(fixture->chunks.chunks.count, fixture->store.chunk_count + other.chunk_count);
    eg__store_deinit(&other);
    CHECK(holds(fixture, 199, PAYLOAD_SIZE));
    CHECK_EQUAL(fixture->chunks.chunks.count, fixture->store.chunk_count);
    fixture_destroy(fixture);
}

static void no_room_in_the_pool_is_said_and_does_no_harm(struct eg_check *check) {
    struct eg_chunk_pool chunks;
    eg__chunk_pool_init(&chunks, 1);
    struct fixture fixture = {0};
    REQUIRE(eg__store_init(&fixture.store, &chunks, 256, 4));
    for (uint64_t place = 0; place < 65; place++) CHECK_ROW(put(&fixture, start, place) == EG_STORE_PUT, place);
    CHECK_EQUAL(put(&fixture, start, 65), EG_STORE_NO_ROOM);
    CHECK(eg__store_get(&fixture.store, 65) == NULL);
    CHECK(holds(&fixture, 64, PAYLOAD_SIZE));
    CHECK_EQUAL(fixture.store.bytes, 65 * PAYLOAD_SIZE);
    eg__store_deinit(&fixture.store);
    eg__chunk_pool_deinit(&chunks);
}

// The same operations on a model that keeps every packet for ever; what the store may have forgotten follows from its limits alone.
enum { MODEL_PLACES = 1 << 14 };

struct model {
    uint64_t end;
    uint64_t gop_begin;
    struct {
        bool is_there;
        uint16_t size;
        eg_time arrival;
    } places[MODEL_PLACES];
};

static uint32_t random_below(uint64_t *state, uint32_t bound) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 0x2545f4914f6cdd1d >> 32) % bound);
}

static uint64_t bytes_between(const struct model *model, uint64_t begin, uint64_t end) {
    uint64_t bytes = 0;
    for (uint64_t place = begin; place < end; place++)
        if (model->places[place].is_there) bytes += model->places[place].size;
    return bytes;
}

// Whether the store had to let go of something for its limits.
static bool is_tight(const struct model *model, const struct eg_store *store, uint64_t begin) {
    // Chunks are given out whole, and the last bytes of each may be too few for a packet.
    uint64_t bytes_sure = (uint64_t)(store->chunk_count_max - 2) * (EG_STORE_CHUNK_SIZE - EG_RTP_PAYLOAD_SIZE_MAX);
    return model->end - begin >= store->capacity_max || bytes_between(model, begin, model->end) >= bytes_sure;
}

static void compare(struct eg_check *check, const struct fixture *fixture, const struct model *model, eg_time now, uint64_t seed) {
    const struct eg_store *store = &fixture->store;
    CHECK_ROW(store->end == model->end, seed);
    CHECK_ROW(store->end - store->begin <= store->capacity, seed);
    CHECK_ROW(store->chunk_count <= store->chunk_count_max, seed);
    CHECK_ROW(fixture->chunks.chunks.count == store->chunk_count, seed);
    uint64_t bytes = 0;
    for (uint64_t place = 0; place < model->end + 3; place++) {
        bool is_expected = place >= store->begin && place < model->end && model->places[place].is_there;
        CHECK_ROW(is_expected ? holds(fixture, place, model->places[place].size) : eg__store_get(store, place) == NULL, seed);
        if (is_expected) bytes += model->places[place].size;
    }
    CHECK_ROW(store->bytes == bytes, seed);
    if (store->gop_begin != EG_STORE_NO_GOP) {
        CHECK_ROW(store->gop_begin == model->gop_begin && store->gop_begin >= store->begin, seed);
        CHECK_ROW(store->gop_bytes == bytes_between(model, store->gop_begin, model->end), seed);
    }
    // What is younger than the history is there, unless there was no room for it.
    if (store->begin > 0 && model->places[store->begin - 1].is_there && model->places[store->begin - 1].arrival + EG_STORE_HISTORY > now)
        CHECK_ROW(is_tight(model, store, store->begin - 1), seed);
}

static void follow_model(struct eg_check *check, uint64_t seed, uint32_t capacity_max, uint32_t chunk_count_max) {
    struct fixture *fixture = fixture_create(capacity_max, chunk_count_max);
    struct model *model = calloc(1, sizeof *model);
    model->gop_begin = EG_STORE_NO_GOP;
    uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
    eg_time now = start;
    for (int step = 0; step < 3000 && model->end < MODEL_PLACES - 1000 && check->failures == 0; step++) {
        now += random_below(&state, 50) == 0 ? random_below(&state, 3 * EG_SECOND) : random_below(&state, 20 * EG_MILLISECOND);
        uint64_t place = model->end;
        uint32_t dice = random_below(&state, 100);
        if (dice < 10) place += random_below(&state, 6);
        else if (dice < 30 && model->end > 0) place -= 1 + random_below(&state, model->end < 40 ? (uint32_t)model->end : 40);
        else if (dice == 30) place += random_below(&state, 900);
        size_t size = random_below(&state, EG_RTP_PAYLOAD_SIZE_MAX + 1);
        bool was_there = place < model->end && model->places[place].is_there;
        switch (put_sized(fixture, now, place, size)) {
        case EG_STORE_PUT:
            CHECK_ROW(!was_there, seed);
            model->places[place].is_there = true;
            model->places[place].size = (uint16_t)size;
            model->places[place].arrival = now;
            if (place >= model->end) model->end = place + 1;
            break;
        case EG_STORE_DUPLICATE:
            CHECK_ROW(was_there, seed);
            break;
        case EG_STORE_LATE:
            CHECK_ROW(place < fixture->store.begin, seed);
            break;
        case EG_STORE_NO_ROOM:
            CHECK_ROW(false, seed);
            break;
        }
        if (random_below(&state, 100) == 0 && eg__store_get(&fixture->store, place) != NULL) {
            model->gop_begin = place;
            eg__store_begin_gop(&fixture->store, place);
        }
        if (step % 16 == 0) compare(check, fixture, model, now, seed);
    }
    compare(check, fixture, model, now, seed);
    free(model);
    fixture_destroy(fixture);
}

static void does_what_a_naive_model_does(struct eg_check *check) {
    for (uint64_t seed = 0; seed < 12 && check->failures == 0; seed++) {
        follow_model(check, seed, 256, 64); // slots are short
        follow_model(check, seed, 4096, 3); // bytes are short
        follow_model(check, seed, 4096, 64);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(an_empty_store_holds_nothing_and_takes_no_memory_for_packets),
    EG_TEST(gives_back_what_was_put),
    EG_TEST(a_place_is_taken_once),
    EG_TEST(a_gap_stays_empty_until_its_packet_comes),
    EG_TEST(what_lies_in_front_of_the_oldest_place_is_late),
    EG_TEST(nothing_becomes_new_again_when_everything_was_forgotten),
    EG_TEST(the_ring_grows_and_keeps_what_it_holds),
    EG_TEST(without_a_gop_only_the_history_is_kept),
    EG_TEST(an_empty_place_is_kept_as_long_as_its_neighbours),
    EG_TEST(a_gop_is_kept_longer_than_the_history),
    EG_TEST(a_gop_that_grows_too_old_is_given_up),
    EG_TEST(a_gop_that_outgrows_the_slots_is_given_up),
    EG_TEST(a_gop_that_outgrows_the_bytes_is_given_up),
    EG_TEST(a_latecomer_that_would_push_itself_out_is_late),
    EG_TEST(a_jump_beyond_the_ring_leaves_only_what_lies_beyond),
    EG_TEST(a_gop_whose_beginning_is_gone_already_is_none),
    EG_TEST(chunks_go_back_as_their_packets_go_and_all_of_them_at_the_end),
    EG_TEST(two_stores_share_a_pool_without_touching_each_other),
    EG_TEST(no_room_in_the_pool_is_said_and_does_no_harm),
    EG_TEST(does_what_a_naive_model_does),
};

EG_TEST_SUITE(store, tests);
