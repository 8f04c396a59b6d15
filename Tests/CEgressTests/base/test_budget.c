#include "base/budget.h"
#include "support/check.h"

static void what_is_saved_up_can_be_spent_at_once_and_no_more(struct eg_check *check) {
    struct eg_budget budget;
    eg__budget_init(&budget, 5 * EG_SECOND, 100, 10);
    for (int i = 0; i < 10; i++) CHECK(eg__budget_take(&budget, 5 * EG_SECOND, 1));
    CHECK(!eg__budget_take(&budget, 5 * EG_SECOND, 1));
}

static void spending_over_a_long_time_never_exceeds_the_rate(struct eg_check *check) {
    struct eg_budget budget;
    eg__budget_init(&budget, 0, 1000, 50);
    uint64_t spent = 0;
    // Steps of 333 us: nothing may be lost to rounding, and nothing gained.
    for (eg_time now = 0; now <= 10 * EG_SECOND; now += 333) spent += eg__budget_take(&budget, now, 1);
    CHECK(spent <= 10000 + 50);
    CHECK(spent >= 9900);
}

static void a_refused_amount_costs_nothing(struct eg_check *check) {
    struct eg_budget budget;
    eg__budget_init(&budget, 0, 1, 10);
    CHECK(eg__budget_take(&budget, 0, 6));
    CHECK(!eg__budget_take(&budget, 0, 5));
    CHECK(eg__budget_take(&budget, 0, 4));
}

static void more_than_can_be_saved_up_is_had_when_everything_is(struct eg_check *check) {
    struct eg_budget budget;
    eg__budget_init(&budget, 0, 10, 10);
    CHECK(eg__budget_take(&budget, 0, 1000));
    CHECK(!eg__budget_take(&budget, 0, 1));
    CHECK(!eg__budget_take(&budget, EG_SECOND - 1, 1000));
    CHECK(eg__budget_take(&budget, EG_SECOND, 1000));
}

static void a_pause_of_years_earns_no_more_than_can_be_saved_up(struct eg_check *check) {
    struct eg_budget budget;
    eg__budget_init(&budget, 0, 1000000000, 100);
    CHECK(eg__budget_take(&budget, 0, 100));
    eg_time later = (eg_time)EG_SECOND * 100000000;
    CHECK(eg__budget_take(&budget, later, 100));
    CHECK(!eg__budget_take(&budget, later, 1));
}

static void other_limits_hold_from_then_on_and_what_grows_counts_as_saved(struct eg_check *check) {
    struct eg_budget budget;
    eg__budget_init(&budget, 0, 10, 10);
    CHECK(eg__budget_take(&budget, 0, 10));
    eg__budget_resize(&budget, 100, 50);
    CHECK(eg__budget_take(&budget, 0, 40));
    CHECK(!eg__budget_take(&budget, 0, 1));
    CHECK(eg__budget_take(&budget, EG_SECOND / 2, 50));
    CHECK(!eg__budget_take(&budget, EG_SECOND / 2, 1));
    eg__budget_resize(&budget, 100, 50); // again: nothing grows
    CHECK(!eg__budget_take(&budget, EG_SECOND / 2, 1));
    CHECK(eg__budget_take(&budget, 10 * EG_SECOND, 20));
    eg__budget_resize(&budget, 10, 10); // less than is left
    CHECK(eg__budget_take(&budget, 10 * EG_SECOND, 10));
    CHECK(!eg__budget_take(&budget, 10 * EG_SECOND, 1));
    CHECK(!eg__budget_take(&budget, 11 * EG_SECOND - 1, 10));
    CHECK(eg__budget_take(&budget, 11 * EG_SECOND, 10));
}

static const struct eg_test tests[] = {
    EG_TEST(what_is_saved_up_can_be_spent_at_once_and_no_more),
    EG_TEST(spending_over_a_long_time_never_exceeds_the_rate),
    EG_TEST(a_refused_amount_costs_nothing),
    EG_TEST(more_than_can_be_saved_up_is_had_when_everything_is),
    EG_TEST(a_pause_of_years_earns_no_more_than_can_be_saved_up),
    EG_TEST(other_limits_hold_from_then_on_and_what_grows_counts_as_saved),
};

EG_TEST_SUITE(budget, tests);
