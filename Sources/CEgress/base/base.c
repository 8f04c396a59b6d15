#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void eg__assertion_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "egress: %s:%d: this must hold and does not: %s\n", file, line, condition);
    abort();
}
