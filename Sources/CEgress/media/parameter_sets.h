// The parameter sets of one sender by their ids, as a decoder keeps them (ITU-T H.264 §7.4.1.2.1, H.265 §7.4.2.4.2): one of the same kind and id
// takes the place of the one before. So what a key picture needs can be put in front of it when it came without: the PPS that its slices name,
// the SPS that this one belongs to, all other PPS of that SPS, since later pictures of its GOP may name any of them (H.264 §7.4.1.2.4), and in
// H.265 the SPS's VPS.
//
// Most senders have one of each. Memory is taken as sets are learned, up to EG_PARAMETER_SETS_SIZE_MAX bytes of them. Beyond that the set that has
// not come for longest is dropped.
#ifndef EG_PARAMETER_SETS_H
#define EG_PARAMETER_SETS_H

#include "cegress.h"
#include "wire/codec.h"

struct eg_parameter_set {
    uint64_t place;  // in the store, of the last packet that brought it
    uint16_t key;    // what kind it is, and its id
    uint16_t parent; // the key of the set that it belongs to, or EG_SET_NO_PARENT
    uint16_t at;     // [B] where it lies in the bytes
    uint16_t size;   // [B] 0: the set is known, but was too large to be kept
    struct eg_video_format format; // of an SPS; all zero when it can't be read
};

struct eg_parameter_sets {
    const struct eg_codec_traits *codec;
    struct eg_parameter_set *sets; // by key, rising
    uint16_t count;
    uint16_t capacity;
    uint8_t *bytes;                // of all sets, without a gap, in no particular order
    uint16_t size;                 // [B]
    uint16_t bytes_capacity;       // [B]
    bool is_of_last_sender;        // these sets are dropped when the present sender's first set comes
    struct {                       // a set that comes in fragments
        bool active;
        uint16_t next_sequence;
        size_t size;               // [B] so far, of which the first EG_PARAMETER_SET_SIZE_MAX are kept
        uint8_t *bytes;            // NULL before the first fragment
    } partial;
};

// Of a codec that has parameter sets. Takes no memory yet.
void eg__parameter_sets_init(struct eg_parameter_sets *sets, const struct eg_codec_traits *codec);
void eg__parameter_sets_deinit(struct eg_parameter_sets *sets);

// The sender has changed. The last sender's sets are used until the new one sends its first set; then all of them are dropped.
void eg__parameter_sets_begin_sender(struct eg_parameter_sets *sets);

// Takes the sets of a valid payload at this place, whole ones and one in fragments. A late set does not replace a newer one.
void eg__parameter_sets_learn(struct eg_parameter_sets *sets, uint64_t place, uint16_t sequence, const uint8_t *payload, size_t size);

// The SPS that a slice activates when it names this PPS; NULL when one of the two is not known.
const struct eg_parameter_set *eg__parameter_sets_active(const struct eg_parameter_sets *sets, uint16_t pps_id);

// All of its chain are kept, so that they can be given out.
bool eg__parameter_sets_have(const struct eg_parameter_sets *sets, uint16_t pps_id);

// What goes in front of a key picture's slice.
struct eg_parameter_set_need {
    uint16_t sps_key;
    uint16_t vps_key;   // or EG_SET_NO_PARENT
    bool is_all;        // those too that came with the picture: its SPS or VPS comes too late, or not at all
    uint64_t since;     // a place: sets from here on came with the picture
    uint16_t next;      // the set that is considered next
};

// Begins for a slice that names this PPS, at `place` in the picture that began at `picture_begin`. False when no set is missing, or the PPS is not
// known.
bool eg__parameter_sets_need(const struct eg_parameter_sets *sets, uint16_t pps_id, uint64_t picture_begin, uint64_t place,
                             struct eg_parameter_set_need *need);

// Writes the next payload, a single NAL unit or an aggregate of at most `size_max` (EG_PARAMETER_SET_SIZE_MAX or more), and returns its size, 0
// when none is left. It will be at `place`.
size_t eg__parameter_sets_write(struct eg_parameter_sets *sets, struct eg_parameter_set_need *need, uint64_t place, uint8_t *payload,
                                size_t size_max);

#endif
