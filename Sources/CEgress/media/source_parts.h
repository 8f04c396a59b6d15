// What the two files of a source share: source.c, which packets are the sender's and in which order, and source_pictures.c, what is kept of them.
#ifndef EG_SOURCE_PARTS_H
#define EG_SOURCE_PARTS_H

#include "media/source.h"
#include "wire/codec.h"

static inline void eg__source_drop(struct eg_source *source, eg_drop reason) { source->drops[reason]++; }

static inline void eg__source_raise(struct eg_source *source, eg_stream_event_kind kind) { source->events |= 1u << kind; }

// Everything that has arrived may be sent to the viewers.
void eg__source_complete_picture(struct eg_source *source);

// Takes a packet of the present epoch at its place, with its timestamp on our timeline. `found` is what its payload holds.
void eg__source_keep_video(struct eg_source *source, eg_time now, uint64_t place, uint32_t timestamp, const struct eg_rtp *rtp,
                           const struct eg_payload *found);
void eg__source_keep_audio(struct eg_source *source, eg_time now, uint64_t place, uint32_t timestamp, const struct eg_rtp *rtp);

#endif
