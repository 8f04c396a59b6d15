// How many cores this process may use.
#ifndef EG_CORES_H
#define EG_CORES_H

#include <stddef.h>
#include <stdint.h>

// The cores that `text`, a cgroup's cpu.max ("200000 100000", "max 100000"), allows, rounded up; 0: no limit, or not such a text.
uint32_t eg__cores_of_quota(const char *text);

#endif
