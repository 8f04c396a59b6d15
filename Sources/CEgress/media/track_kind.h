// What a stream consists of: the two kinds of its tracks, and its sources. A viewer has one track of each kind, and each of its tracks follows one
// source: of its video, one of the encodings that the stream has.
#ifndef EG_TRACK_KIND_H
#define EG_TRACK_KIND_H

#include "cegress.h"

enum eg_track_kind { EG_VIDEO = 0, EG_AUDIO = 1, EG_TRACK_COUNT = 2 };

// Sources are counted from the first encoding on, which has the index of its kind, as sound has. Further encodings come behind.
enum { EG_SOURCES_MAX = EG_ENCODINGS_MAX + 1 };

static inline enum eg_track_kind eg__kind_of_source(uint32_t source) { return source == EG_AUDIO ? EG_AUDIO : EG_VIDEO; }
static inline uint32_t eg__source_of_encoding(uint32_t encoding) { return encoding == 0 ? EG_VIDEO : encoding + 1; }
static inline uint32_t eg__encoding_of_source(uint32_t source) { return source < EG_TRACK_COUNT ? 0 : source - 1; }

#endif
