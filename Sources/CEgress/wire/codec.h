// The codecs, in one table: all that a source has to know of payloads, so that it names none of them.
#ifndef EG_CODEC_H
#define EG_CODEC_H

#include "cegress.h"
#include "wire/nal.h"

// What one RTP payload holds of what a source cares about.
struct eg_payload {
    bool valid;       // it can be the codec's; of what can't, nothing is believed
    bool has_key;     // of a key picture, as far as the payload says so itself
    bool starts_key;  // of a key picture: its first byte, or that of one of its slices
    bool has_sets;    // a parameter set, or a fragment of one
    bool has_opening; // a whole parameter set of the kind that senders put in front of a key picture first
    uint16_t pps_id;  // that the first slice of a key picture to start here names; one that can't be when there is none
};

// Which set it is, and which one it belongs to. Keys count through all kinds of a codec, those that others belong to first, since a decoder takes
// them in that order.
struct eg_set_identity {
    uint16_t key;
    uint16_t parent; // a key, or EG_SET_NO_PARENT
};

enum { EG_SET_NO_PARENT = UINT16_MAX };

// Parameter sets as H.264 and H.265 have them: a slice names a PPS, which belongs to an SPS, which in H.265 belongs to a VPS.
struct eg_set_syntax {
    uint16_t sps_key; // of SPS 0
    uint16_t pps_key; // of PPS 0; the SPS end here
    uint16_t key_end;
    uint8_t aggregate_header_size; // [B]

    struct eg_nal_units (*units)(const uint8_t *payload, size_t size);
    bool (*parse_fragment)(struct eg_nal_fragment *fragment, const uint8_t *payload, size_t size);

    // False when it is no parameter set, or has an id that can't be.
    bool (*identify)(struct eg_set_identity *identity, const uint8_t *nal, size_t size);

    // Writes the header of an aggregate, zero before the first unit, as this unit wants it.
    void (*add_to_aggregate)(uint8_t *header, const uint8_t *nal);
};

// What is stored of a payload: what follows `skip` bytes, with another first byte.
struct eg_stored_payload {
    uint8_t skip;  // [B] less than the payload has
    uint8_t first;
};

struct eg_codec_traits {
    uint32_t clock_rate;                // [Hz] of its RTP timestamps
    const struct eg_set_syntax *sets;   // NULL: it has no parameter sets

    // NULL: there is nothing to be known of a payload, as of sound.
    struct eg_payload (*inspect)(const uint8_t *payload, size_t size);

    // What viewers get instead of a valid payload; NULL: that very payload.
    struct eg_stored_payload (*normalize)(const uint8_t *payload, size_t size, bool is_of_key_picture);

    // The format as a sequence begins with: of an SPS where there are parameter sets, else of a payload that starts a key picture. False when it
    // can't be read.
    bool (*parse_format)(struct eg_video_format *format, const uint8_t *bytes, size_t size);
};

// NULL for a codec that is unknown, or of the other kind.
const struct eg_codec_traits *eg__codec_traits(eg_codec codec, bool is_video);

#endif
