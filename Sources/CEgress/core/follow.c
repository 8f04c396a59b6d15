// What follows from a change of a stream or a viewer: which line it waits in, which event is reported, which deadline it has.
#include "core/parts.h"

#include <string.h>

// A viewer that has something to send now waits in line for transmit. Any other is woken by its deadline.
static void schedule_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now) {
    if (viewer->state == EG_VIEWER_CONNECTED && viewer->transmit_at <= now) {
        viewer->transmit_at = EG_TIME_NEVER;
        if (!eg__list_contains(&viewer->due)) eg__list_append(&core->due, &viewer->due);
    }
    eg__viewer_schedule(viewer, &core->context);
}

void eg__core_follow_stream(struct eg_core *core, struct eg_stream *stream, eg_time now) {
    eg__stream_follow_sources(stream);
    if (stream->events != 0 && !eg__list_contains(&stream->event)) eg__list_append(&core->stream_events, &stream->event);
    for (uint32_t i = 0; i < stream->source_count; i++) {
        struct eg_list *ready = &stream->rounds[i].ready;
        if (eg__stream_is_ready(stream, i) && !eg__list_contains(ready)) eg__list_append(&core->ready[eg__kind_of_source(i)], ready);
    }
    if (core->config.exchange != NULL) eg__core_relay(core, stream, now);
    // A deadline that has moved away, as silence does with each packet, is left where it is: its tick finds nothing to do and sets it anew.
    eg_time at = eg__stream_deadline(stream, core->config.source_grace);
    if (at < stream->deadline.at) eg__deadlines_set(&core->stream_deadlines, &stream->deadline, at);
}

static void detach(struct eg_core *core, struct eg_viewer *viewer, eg_time now) {
    struct eg_stream *stream = viewer->stream;
    eg__table_remove(&core->by_ufrag, eg__core_hash_ufrag(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag)), viewer->handle);
    for (size_t i = 0; i < viewer->ice.validated_count; i++) {
        eg__table_remove(&core->by_address, eg__addr_hash(core->hash_seed, &viewer->ice.validated[i].remote), viewer->handle);
        eg__core_tell_route(core, viewer, &viewer->ice.validated[i], true);
    }
    eg__stream_remove_viewer(stream, viewer);
    viewer->stream = NULL;
    eg__list_remove(&viewer->due);
    eg__deadlines_set(&core->viewer_deadlines, &viewer->deadline, EG_TIME_NEVER);
    if (!stream->is_mirror || stream->viewer_count > 0) return;
    stream->idle_since = now;
    eg__core_follow_stream(core, stream, now);
}

void eg__core_follow_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now) {
    if (viewer->state != viewer->reported) {
        bool was_connected = viewer->reported == EG_VIEWER_CONNECTED;
        if (viewer->state == EG_VIEWER_CONNECTED) core->connected++;
        else if (was_connected) core->connected--;
        viewer->reported = viewer->state;
        viewer->has_event = true;
        if (!eg__list_contains(&viewer->event)) eg__list_append(&core->viewer_events, &viewer->event);
    }
    if (viewer->state != EG_VIEWER_CLOSED) {
        schedule_viewer(core, viewer, now);
        return;
    }
    if (viewer->stream == NULL) return;
    core->stats.closed[viewer->close_reason]++;
    detach(core, viewer, now);
    eg__list_append(&core->leaving, &viewer->leaving);
}

void eg__core_end_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now, eg_close_reason reason) {
    eg__viewer_close(viewer, reason);
    eg__core_follow_viewer(core, viewer, now);
}
