// The ids that the embedder knows: a handle of one worker's pool, and the worker's number. A pool's index never reaches the bits of that number.
#ifndef EG_WORKER_ID_H
#define EG_WORKER_ID_H

#include "base/limits.h"

enum { EG_WORKER_ID_SHIFT = 24, EG_WORKER_ID_MASK = 0xff };

_Static_assert(EG_WORKERS_MAX <= EG_WORKER_ID_MASK + 1, "a worker's number fits");
_Static_assert(EG_VIEWERS_MAX < 1 << EG_WORKER_ID_SHIFT && 2 * EG_STREAMS_MAX < 1 << EG_WORKER_ID_SHIFT, "an index leaves those bits alone");

static inline uint64_t eg__worker_id(uint32_t worker, eg_handle handle) { return handle | (uint64_t)worker << EG_WORKER_ID_SHIFT; }

static inline uint32_t eg__worker_id_worker(uint64_t id) { return (uint32_t)(id >> EG_WORKER_ID_SHIFT) & EG_WORKER_ID_MASK; }

static inline eg_handle eg__worker_id_handle(uint64_t id) { return id & ~((uint64_t)EG_WORKER_ID_MASK << EG_WORKER_ID_SHIFT); }

#endif
