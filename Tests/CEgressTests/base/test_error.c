#include "base/error.h"
#include "support/check.h"

#include <errno.h>
#include <string.h>

static void an_error_names_its_cause_and_fits(struct eg_check *check) {
    struct eg_error error;
    CHECK_EQUAL(eg__fail(NULL, EG_STATUS_SYSTEM, EPERM, "nobody asked"), EG_STATUS_SYSTEM);
    CHECK_EQUAL(eg__fail(&error, EG_STATUS_SYSTEM, EADDRINUSE, "bind %d", 7), EG_STATUS_SYSTEM);
    CHECK(strcmp(error.message, "bind 7: Address already in use") == 0);
    CHECK_EQUAL(error.system_error, EADDRINUSE);
    char text[600];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    eg__fail(&error, EG_STATUS_SYSTEM, EPERM, "%s", text);
    CHECK_EQUAL(strlen(error.message), sizeof error.message - 1);
}

static const struct eg_test tests[] = {
    EG_TEST(an_error_names_its_cause_and_fits),
};

EG_TEST_SUITE(error, tests);
