#include "support/check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void eg_check_fail(struct eg_check *check, const char *file, int line, const char *format, ...) {
    check->failures++;
    if (check->report_at + 1 >= check->report_size) return;
    const char *name = strrchr(file, '/');
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t room = check->report_size - check->report_at;
    int size = snprintf(check->report + check->report_at, room, "%s:%d: %s\n", name ? name + 1 : file, line, text);
    check->report_at += (size_t)size < room ? (size_t)size : room - 1;
}

bool eg_check_bytes(struct eg_check *check, const char *file, int line, const char *what, const void *got, const void *expected,
                    size_t size) {
    const uint8_t *a = got, *b = expected;
    for (size_t i = 0; i < size; i++) {
        if (a[i] == b[i]) continue;
        eg_check_fail(check, file, line, "%s differs at byte %zu of %zu: %02x, expected %02x", what, i, size, a[i], b[i]);
        return false;
    }
    return true;
}

size_t eg_hex(const char *text, uint8_t *out, size_t out_size) {
    size_t count = 0, digits = 0;
    unsigned value = 0;
    for (; *text != '\0'; text++) {
        if (!isxdigit((unsigned char)*text)) continue;
        unsigned digit = isdigit((unsigned char)*text) ? (unsigned)(*text - '0') : (unsigned)(tolower((unsigned char)*text) - 'a' + 10);
        value = value << 4 | digit;
        if (++digits % 2 == 0 && count < out_size) out[count++] = (uint8_t)value;
    }
    return count;
}
