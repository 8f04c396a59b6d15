// How many cores this process may use.
#ifndef EG_CORES_H
#define EG_CORES_H

#include <stddef.h>
#include <stdint.h>

// What `text`, a cgroup's cpu.max ("200000 100000", "max 100000"), allows, rounded up; 0: it sets no limit, or is none.
uint32_t eg__cores_of_quota(const char *text);

#endif
