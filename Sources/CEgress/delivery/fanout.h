// From the store to the viewers: what each one's tracks call for now, protected and written into the batch, in runs of equal datagrams that
// become one message each.
#ifndef EG_FANOUT_H
#define EG_FANOUT_H

#include "delivery/stream.h"
#include "delivery/viewer.h"
#include "transport/batch.h"

// Writes what is ready for one connected viewer: media of both tracks, and sender reports when they are due. Sets when its next packets are
// due; the caller schedules it. False when the batch is full: call again for the same viewer.
bool eg__fanout_viewer(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now);

// Goes on with a round: every viewer that follows its source once, beginning with another one each time, and again as long as there is more. False
// when the batch is full.
bool eg__fanout_round(struct eg_round *round, const struct eg_viewer_context *context, eg_time now);

#endif
