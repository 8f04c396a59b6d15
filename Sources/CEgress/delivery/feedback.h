// What a viewer says of what it gets: receiver reports, packets it misses (RFC 4585 §6.2.1), pictures it needs (§6.3.1, RFC 5104 §4.3.1).
//
// Nothing can be asked of FFmpeg, so everything is answered from the store: a missing packet is sent again, over RTX when that was
// negotiated, else byte for byte as it was; a picture is a new burst from the last IDR. Both are limited, per viewer and in all.
#ifndef EG_FEEDBACK_H
#define EG_FEEDBACK_H

#include "delivery/stream.h"
#include "delivery/viewer.h"

// Opens an SRTCP packet of a connected viewer and does what it asks for. False when it is not authentic or malformed.
bool eg__feedback_receive(struct eg_viewer *viewer, struct eg_viewer_context *context, const struct eg_arrival *arrival);

#endif
