// Structs cross the public interface together with the size that the caller knows: it may have been built against another header.
#ifndef EG_SIZED_H
#define EG_SIZED_H

#include "base/base.h"

#include <string.h>

// Takes the caller's struct. Fields that the caller does not know are zero, the default. False when the caller sets a field that this library does
// not know.
static inline bool eg__sized_take(void *value, size_t value_size, const void *from, size_t from_size) {
    size_t common = value_size < from_size ? value_size : from_size;
    memset(value, 0, value_size);
    memcpy(value, from, common);
    for (size_t i = common; i < from_size; i++)
        if (((const uint8_t *)from)[i] != 0) return false;
    return true;
}

// Writes to the caller's struct the fields that it has room for. Fields that this library does not know are zero.
static inline void eg__sized_give(void *to, size_t to_size, const void *value, size_t value_size) {
    size_t common = value_size < to_size ? value_size : to_size;
    memcpy(to, value, common);
    memset((uint8_t *)to + common, 0, to_size - common);
}

#endif
