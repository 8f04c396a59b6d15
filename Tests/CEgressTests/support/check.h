// What a C test is written with. A case is a function that takes a check and says what must hold; every statement of one that fails is
// reported with its place, and the case goes on, unless it says REQUIRE.
#ifndef EG_CHECK_H
#define EG_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eg_check {
    char *report;
    size_t report_size;
    size_t report_at;
    unsigned failures;
    uint64_t seed; // added to the seeds of scenarios: 0 in a test
};

struct eg_test {
    const char *name; // a sentence: "rejects_a_check_with_the_wrong_password"
    void (*run)(struct eg_check *check);
};

struct eg_test_suite {
    const char *name; // the module
    const struct eg_test *tests;
    size_t count;
};

#define EG_TEST_SUITE(suite_name, table) \
    const struct eg_test_suite eg_tests_##suite_name = {#suite_name, table, sizeof(table) / sizeof((table)[0])}
#define EG_TEST(function) {#function, function}

__attribute__((format(printf, 4, 5))) void eg_check_fail(struct eg_check *check, const char *file, int line, const char *format, ...);
bool eg_check_bytes(struct eg_check *check, const char *file, int line, const char *what, const void *got, const void *expected, size_t size);

#define CHECK(condition) ((condition) ? (void)0 : eg_check_fail(check, __FILE__, __LINE__, "%s", #condition))
#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            eg_check_fail(check, __FILE__, __LINE__, "%s", #condition); \
            return; \
        } \
    } while (0)
#define CHECK_EQUAL(got, expected) \
    do { \
        int64_t got_ = (int64_t)(got), expected_ = (int64_t)(expected); \
        if (got_ != expected_) \
            eg_check_fail(check, __FILE__, __LINE__, "%s is %lld, expected %lld (%s)", #got, (long long)got_, (long long)expected_, #expected); \
    } while (0)
#define CHECK_BYTES(got, expected, size) eg_check_bytes(check, __FILE__, __LINE__, #got, got, expected, size)
// For rows of a table: names the row in the report.
#define CHECK_ROW(condition, row) ((condition) ? (void)0 : eg_check_fail(check, __FILE__, __LINE__, "row %zu: %s", (size_t)(row), #condition))

// "0a1b 2c" to bytes, white space skipped; gives their number.
size_t eg_hex(const char *text, uint8_t *out, size_t out_size);

#endif
