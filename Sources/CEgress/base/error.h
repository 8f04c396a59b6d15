// Fills an eg_error.
#ifndef EG_ERROR_H
#define EG_ERROR_H

#include "cegress.h"

// Returns `status`. With a `system_error` (an errno, else 0) the text gets its words appended: "bind 127.0.0.1:5004: Address already in
// use". `error` may be NULL.
__attribute__((format(printf, 4, 5))) eg_status eg__fail(struct eg_error *error, eg_status status, int system_error, const char *format,
                                                         ...);

#endif
