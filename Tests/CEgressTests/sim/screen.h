// What a viewer of pictures sees: which of them are whole and have what they need before them, from the same encoding; and how long it sees nothing
// new. It shows a picture as soon as it can be decoded, and knows no buffer that would hide a delay.
#ifndef EG_SIM_SCREEN_H
#define EG_SIM_SCREEN_H

#include "sim/ledger.h"

struct eg_sim_timeline {
    bool is_known;
    uint32_t offset;         // [RTP ticks] of the viewer's timestamps in front of the senders' common timeline, when it was least
};

struct eg_sim_screen {
    bool has_shown;
    uint64_t shown_index;    // of the last packet of the last picture that was shown
    unsigned rung;           // the picture's encoding
    uint32_t picture;        // its number among the encoding's
    bool has_key;
    uint64_t key_index;      // of the first packet of the newest key picture that has arrived
    eg_time shown_at, sound_at;
    // Since eg_sim_screen_measure.
    eg_time since;
    uint64_t pictures;
    unsigned ups, downs;     // changes of the encoding
    eg_time stall;           // [us] the longest time between two pictures
    eg_time stall_at;        // when it ended
    eg_time silence;         // [us] the longest time between two packets of sound
    eg_time by_rung[EG_SIM_RUNGS_MAX]; // [us] that each encoding was shown for
    struct eg_sim_timeline timelines[EG_SIM_RUNGS_MAX];
};

// A packet of pictures has arrived, in whichever way. Gives how many pictures are shown with it; `*begin` is where the last of them begins.
unsigned eg_sim_screen_receive(struct eg_sim_screen *screen, const struct eg_sim_ledger *ledger, eg_time now, uint64_t index, uint64_t *begin);
void eg_sim_screen_hear(struct eg_sim_screen *screen, eg_time now);

// Everything is measured anew from now on.
void eg_sim_screen_measure(struct eg_sim_screen *screen, eg_time now);

// The longest times up to now, with the ones that have not ended yet.
eg_time eg_sim_screen_stall(const struct eg_sim_screen *screen, eg_time now);
eg_time eg_sim_screen_silence(const struct eg_sim_screen *screen, eg_time now);

// [us] since the measuring began, with the picture that is still shown.
eg_time eg_sim_screen_time_at(const struct eg_sim_screen *screen, eg_time now, unsigned rung);

#endif
