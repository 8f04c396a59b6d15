#include "arrivals.h"

#include "wire/transport_feedback.h"

#include <string.h>

void arrivals_note(struct arrivals *arrivals, const struct eg_rtp *rtp, uint64_t arrival, bool is_last) {
    uint16_t number;
    if (!eg__rtp_find_transport_number(rtp, arrivals->id, &number)) return;
    int16_t place = eg__sequence_distance(arrivals->next, number);
    if (arrivals->has_begun && place < 0) return; // told of as lost
    if (!arrivals->has_begun || place >= ARRIVALS_MAX) {
        arrivals->has_begun = true;
        arrivals->next = number;
        arrivals->count = 0;
        place = 0;
    }
    eg_time at = arrival / 1000;
    for (; arrivals->count <= place; arrivals->count++) arrivals->at[arrivals->count] = is_last ? at : EG_TIME_NEVER;
    arrivals->at[place] = at;
}

void arrivals_write(struct arrivals *arrivals, struct eg_writer *writer, uint32_t sender_ssrc, uint32_t media_ssrc) {
    const struct eg_transport_report report = {
        .sender_ssrc = sender_ssrc,
        .media_ssrc = media_ssrc,
        .base = arrivals->next,
        .count = arrivals->count < ARRIVALS_TOLD_MAX ? arrivals->count : ARRIVALS_TOLD_MAX,
        .arrivals = arrivals->at,
        .feedback_count = arrivals->feedback_count++,
    };
    uint16_t told = eg__transport_feedback_write(writer, &report);
    arrivals->next = (uint16_t)(arrivals->next + told);
    arrivals->count = (uint16_t)(arrivals->count - told);
    memmove(arrivals->at, arrivals->at + told, arrivals->count * sizeof arrivals->at[0]);
}
