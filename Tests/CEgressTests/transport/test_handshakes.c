#include "support/check.h"

#include "base/limits.h"
#include "transport/handshakes.h"

enum { MANY = 12 };

struct fixture {
    struct eg_handshakes handshakes;
    struct eg_handshake each[MANY];
};

static void set_up(struct fixture *fixture, uint32_t count_max, uint32_t per_address_max) {
    *fixture = (struct fixture){0};
    EG_ASSERT(eg__handshakes_init(&fixture->handshakes, 7, count_max, per_address_max));
}

// Of client number `address`, from any port.
static bool begin(struct fixture *fixture, size_t i, eg_time now, uint8_t address, struct eg_handshake **evicted) {
    struct eg_addr remote = eg__addr_ipv4(192, 0, 2, address, (uint16_t)(1000 + i));
    return eg__handshakes_begin(&fixture->handshakes, &fixture->each[i], now, &remote, evicted);
}

static void no_more_are_under_way_than_allowed_in_all(struct eg_check *check) {
    struct fixture fixture;
    struct eg_handshake *evicted;
    set_up(&fixture, 3, 3);
    for (uint8_t i = 0; i < 3; i++) CHECK(begin(&fixture, i, 0, i, &evicted) && evicted == NULL);
    CHECK(!begin(&fixture, 3, EG_HANDSHAKE_FIRM - 1, 3, &evicted) && evicted == NULL);
    CHECK_EQUAL(fixture.handshakes.count, 3);
    eg__handshake_end(&fixture.each[1]);
    eg__handshake_end(&fixture.each[1]); // again does nothing
    CHECK_EQUAL(fixture.handshakes.count, 2);
    CHECK(begin(&fixture, 3, EG_HANDSHAKE_FIRM - 1, 3, &evicted) && evicted == NULL);
    eg__handshakes_deinit(&fixture.handshakes);
}

static void no_more_are_under_way_from_one_address_whatever_its_port(struct eg_check *check) {
    struct fixture fixture;
    struct eg_handshake *evicted;
    set_up(&fixture, MANY, 2);
    CHECK(begin(&fixture, 0, 0, 1, &evicted) && begin(&fixture, 1, 0, 1, &evicted));
    CHECK(!begin(&fixture, 2, 0, 1, &evicted));
    for (uint8_t i = 2; i < MANY; i++) CHECK_ROW(begin(&fixture, i, 0, i, &evicted) && evicted == NULL, i);
    eg__handshakes_deinit(&fixture.handshakes);
}

static void an_ipv6_customer_is_one_address_however_many_he_has(struct eg_check *check) {
    struct fixture fixture;
    struct eg_handshake *evicted;
    set_up(&fixture, MANY, 2);
    struct eg_addr remote = {.ip = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1}};
    for (uint8_t i = 0; i < 3; i++) {
        remote.ip[8] = remote.ip[15] = i;
        CHECK_ROW(eg__handshakes_begin(&fixture.handshakes, &fixture.each[i], 0, &remote, &evicted) == (i < 2), i);
    }
    remote.ip[7] = 2; // his neighbour
    CHECK(eg__handshakes_begin(&fixture.handshakes, &fixture.each[2], 0, &remote, &evicted));
    eg__handshakes_deinit(&fixture.handshakes);
}

static void who_has_had_his_time_makes_room_the_oldest_first(struct eg_check *check) {
    struct fixture fixture;
    struct eg_handshake *evicted;
    set_up(&fixture, 3, 3);
    for (uint8_t i = 0; i < 3; i++) CHECK(begin(&fixture, i, i, i, &evicted));
    CHECK(begin(&fixture, 3, EG_HANDSHAKE_FIRM + 1, 3, &evicted) && evicted == &fixture.each[0]);
    CHECK(fixture.each[0].owner == NULL);
    CHECK_EQUAL(fixture.handshakes.count, 3);
    CHECK(begin(&fixture, 4, EG_HANDSHAKE_FIRM + 1, 4, &evicted) && evicted == &fixture.each[1]);
    CHECK(!begin(&fixture, 5, EG_HANDSHAKE_FIRM + 1, 5, &evicted));
    CHECK(begin(&fixture, 5, EG_HANDSHAKE_FIRM + 2, 5, &evicted) && evicted == &fixture.each[2]);
    eg__handshakes_deinit(&fixture.handshakes);
}

static void who_has_had_his_turn_drives_nobody_out_and_gives_way_at_once(struct eg_check *check) {
    struct fixture fixture;
    struct eg_handshake *evicted;
    eg_time now = 0;
    set_up(&fixture, 2, 2);
    CHECK(begin(&fixture, 0, now, 0, &evicted) && begin(&fixture, 1, now, 1, &evicted));
    now += EG_HANDSHAKE_FIRM;
    CHECK(begin(&fixture, 2, now, 2, &evicted) && evicted == &fixture.each[0]);
    CHECK(!begin(&fixture, 0, 10 * now, 0, &evicted)); // however long he waits
    eg__handshake_end(&fixture.each[2]);
    CHECK(begin(&fixture, 0, now, 0, &evicted) && evicted == NULL); // there is room
    CHECK(begin(&fixture, 3, now, 3, &evicted) && evicted == &fixture.each[0]); // he goes before the older one
    CHECK(begin(&fixture, 4, now, 4, &evicted) && evicted == &fixture.each[1]);
    eg__handshakes_deinit(&fixture.handshakes);
}

static void a_crowded_address_makes_room_among_itself(struct eg_check *check) {
    struct fixture fixture;
    struct eg_handshake *evicted;
    set_up(&fixture, 3, 2);
    CHECK(begin(&fixture, 0, 0, 1, &evicted));
    CHECK(begin(&fixture, 1, 1, 2, &evicted) && begin(&fixture, 2, 2, 2, &evicted));
    CHECK(begin(&fixture, 3, 2 * EG_HANDSHAKE_FIRM, 2, &evicted) && evicted == &fixture.each[1]);
    CHECK(fixture.each[0].owner != NULL);
    eg__handshakes_deinit(&fixture.handshakes);
}

static const struct eg_test tests[] = {
    EG_TEST(no_more_are_under_way_than_allowed_in_all),
    EG_TEST(no_more_are_under_way_from_one_address_whatever_its_port),
    EG_TEST(an_ipv6_customer_is_one_address_however_many_he_has),
    EG_TEST(who_has_had_his_time_makes_room_the_oldest_first),
    EG_TEST(who_has_had_his_turn_drives_nobody_out_and_gives_way_at_once),
    EG_TEST(a_crowded_address_makes_room_among_itself),
};

EG_TEST_SUITE(handshakes, tests);
