// The two kinds of track of a stream. For each kind there is one source, one store, and one track of each viewer.
#ifndef EG_TRACK_KIND_H
#define EG_TRACK_KIND_H

enum eg_track_kind { EG_VIDEO = 0, EG_AUDIO = 1, EG_TRACK_COUNT = 2 };

#endif
