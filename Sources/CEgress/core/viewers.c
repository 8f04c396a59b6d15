// Viewers come and go, by command.
#include "core/parts.h"

#include "base/error.h"
#include "delivery/adaptation.h"
#include "delivery/viewer_config.h"

#include <stdio.h>
#include <string.h>

static void describe_viewer(const struct eg_core *core, const struct eg_viewer *viewer, struct eg_viewer_info *info) {
    *info = (struct eg_viewer_info){
        .viewer = eg__worker_id(core->config.worker, viewer->handle),
        .video_ssrc = viewer->tracks[EG_VIDEO].ssrc,
        .video_rtx_ssrc = viewer->tracks[EG_VIDEO].has_rtx ? viewer->tracks[EG_VIDEO].rtx_ssrc : 0,
        .audio_ssrc = viewer->tracks[EG_AUDIO].ssrc,
    };
    snprintf(info->ice_ufrag, sizeof info->ice_ufrag, "%s", viewer->ice.local_ufrag);
    snprintf(info->ice_pwd, sizeof info->ice_pwd, "%s", viewer->ice.local_pwd);
    snprintf(info->cname, sizeof info->cname, "%s", viewer->cname);
}

// A viewer without a stream, under a quota that has been taken. NULL when memory is refused.
static struct eg_viewer *take_viewer(struct eg_core *core, eg_time now, const struct eg_viewer_config *config,
                                     const struct eg_fingerprint *fingerprint) {
    eg_handle handle;
    struct eg_viewer *viewer = eg__pool_take(&core->viewers, &handle);
    if (viewer == NULL) return NULL;
    if (!eg__deadlines_reserve(&core->viewer_deadlines, core->viewers.count) ||
        !eg__viewer_init(viewer, &core->context, now, config, fingerprint)) {
        eg__pool_release(&core->viewers, handle);
        return NULL;
    }
    viewer->handle = handle;
    eg__deadline_init(&viewer->deadline, handle);
    if (config->local_ice_ufrag == NULL) eg__ice_name_worker(&viewer->ice, core->config.worker, core->config.worker_count);
    return viewer;
}

static bool attach(struct eg_core *core, struct eg_viewer *viewer, struct eg_stream *stream) {
    if (!eg__stream_add_viewer(stream, viewer)) return false;
    uint64_t hash = eg__core_hash_ufrag(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag));
    if (!eg__table_insert(&core->by_ufrag, hash, viewer->handle)) {
        eg__stream_remove_viewer(stream, viewer);
        return false;
    }
    viewer->stream_id = stream->id;
    viewer->stream = stream;
    stream->idle_since = EG_TIME_NEVER;
    return true;
}

void eg__core_release_viewer(struct eg_core *core, struct eg_viewer *viewer) {
    eg__viewer_deinit(viewer);
    eg__pool_release(&core->viewers, viewer->handle);
    eg__quota_release(core->config.viewers);
}

eg_status eg__core_add_viewer(struct eg_core *core, eg_time now, const struct eg_viewer_config *config, struct eg_viewer_info *info,
                              struct eg_error *error) {
    struct eg_stream *stream = eg__core_find_stream(core, config->stream);
    if (stream == NULL || stream->is_asleep) return eg__fail(error, EG_STATUS_NOT_FOUND, 0, "no such stream");
    if (eg__core_is_given_up(core, stream, now))
        return eg__fail(error, EG_STATUS_INACTIVE, 0, "nothing has come from the stream's source for too long");
    const char *problem = eg__viewer_config_problem(config, &stream->config);
    if (problem != NULL) return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s", problem);
    struct eg_fingerprint fingerprint = {0};
    if (!eg__fingerprint_parse(config->fingerprint, &fingerprint))
        return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "fingerprint: a hash name and its bytes in hex with colons (RFC 8122 §5)");
    if (!eg__quota_take(core->config.viewers)) return eg__fail(error, EG_STATUS_LIMIT_REACHED, 0, "as many viewers as viewers_max allows");
    struct eg_viewer *viewer = take_viewer(core, now, config, &fingerprint);
    if (viewer == NULL) {
        eg__quota_release(core->config.viewers);
        return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for a viewer");
    }
    if (!attach(core, viewer, stream)) {
        eg__core_release_viewer(core, viewer);
        return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for a viewer");
    }
    core->stats.viewers_created++;
    eg__core_follow_viewer(core, viewer, now);
    eg__core_follow_stream(core, stream, now);
    describe_viewer(core, viewer, info);
    return EG_STATUS_OK;
}

eg_status eg__core_restart_ice(struct eg_core *core, eg_viewer_id id, const char *ice_ufrag, const char *ice_pwd,
                               struct eg_viewer_info *info, struct eg_error *error) {
    struct eg_viewer *viewer = eg__core_find_viewer(core, id);
    if (viewer == NULL) return eg__fail(error, EG_STATUS_NOT_FOUND, 0, "no such viewer");
    const char *problem = eg__ice_credentials_problem(ice_ufrag, ice_pwd);
    if (problem != NULL) return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s", problem);
    uint64_t old_hash = eg__core_hash_ufrag(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag));
    if (!eg__ice_restart(&viewer->ice, ice_ufrag, ice_pwd)) return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for credentials");
    eg__ice_name_worker(&viewer->ice, core->config.worker, core->config.worker_count);
    eg__table_remove(&core->by_ufrag, old_hash, viewer->handle);
    // A place has just become free, so this can't fail.
    uint64_t new_hash = eg__core_hash_ufrag(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag));
    bool is_inserted = eg__table_insert(&core->by_ufrag, new_hash, viewer->handle);
    EG_ASSERT(is_inserted);
    describe_viewer(core, viewer, info);
    return EG_STATUS_OK;
}

eg_status eg__core_pin_viewer(struct eg_core *core, eg_time now, eg_viewer_id id, int32_t encoding, struct eg_error *error) {
    struct eg_viewer *viewer = eg__core_find_viewer(core, id);
    if (viewer == NULL) return eg__fail(error, EG_STATUS_NOT_FOUND, 0, "no such viewer");
    const char *problem = eg__adaptation_pin(viewer, now, encoding);
    if (problem != NULL) return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s", problem);
    eg__core_follow_viewer(core, viewer, now);
    return EG_STATUS_OK;
}

eg_status eg__core_close_viewer(struct eg_core *core, eg_time now, eg_viewer_id id, eg_close_reason reason) {
    struct eg_viewer *viewer = eg__core_find_viewer(core, id);
    if (viewer == NULL) return EG_STATUS_NOT_FOUND;
    eg__core_end_viewer(core, viewer, now, reason);
    return EG_STATUS_OK;
}
