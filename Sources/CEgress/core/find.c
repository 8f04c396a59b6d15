// Whom an id or a user name means.
#include "core/parts.h"

#include <string.h>

uint64_t eg__core_hash_stream(const struct eg_core *core, eg_stream_id id) { return eg__hash(core->hash_seed, &id, sizeof id); }

struct eg_stream *eg__core_find_stream(const struct eg_core *core, eg_stream_id id) {
    if (eg__worker_id_worker(id) == core->config.worker) {
        struct eg_stream *stream = eg__pool_find(&core->streams, eg__worker_id_handle(id));
        return stream != NULL && !stream->is_mirror ? stream : NULL;
    }
    uint32_t cursor = 0;
    for (eg_handle handle; (handle = eg__table_find(&core->by_home, eg__core_hash_stream(core, id), &cursor)) != 0;) {
        struct eg_stream *mirror = eg__pool_find(&core->streams, handle);
        if (mirror->id == id) return mirror;
    }
    return NULL;
}

struct eg_viewer *eg__core_viewer_at(const struct eg_core *core, eg_handle handle) {
    struct eg_viewer *viewer = eg__pool_find(&core->viewers, handle);
    return viewer != NULL && viewer->state != EG_VIEWER_CLOSED ? viewer : NULL;
}

struct eg_viewer *eg__core_find_viewer(const struct eg_core *core, eg_viewer_id id) {
    return eg__worker_id_worker(id) == core->config.worker ? eg__core_viewer_at(core, eg__worker_id_handle(id)) : NULL;
}

uint64_t eg__core_hash_ufrag(const struct eg_core *core, const char *ufrag, size_t size) { return eg__hash(core->hash_seed, ufrag, size); }
