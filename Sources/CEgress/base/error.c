#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

eg_status eg__fail(struct eg_error *error, eg_status status, int system_error, const char *format, ...) {
    if (error == NULL) return status;
    // The text is written to a buffer first, since the message of `error` itself may be among the arguments.
    char text[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    *error = (struct eg_error){.status = status, .system_error = system_error};
    size_t size = strlen(text);
    memcpy(error->message, text, size + 1);
    if (system_error == 0) return status;
    // This is the GNU strerror_r, which may return a text of its own instead of writing to `words`.
    char words[64];
    snprintf(error->message + size, sizeof error->message - size, ": %s", strerror_r(system_error, words, sizeof words));
    return status;
}
