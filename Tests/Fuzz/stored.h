// Any bytes as an RTP payload of a codec whose payloads are stored otherwise than they come.
#ifndef EG_FUZZ_STORED_H
#define EG_FUZZ_STORED_H

#include "fuzz.h"
#include "wire/codec.h"

#include <stdlib.h>

// What is stored is a payload too, says the same of pictures, and stays as it is when it is stored again.
static inline void fuzz_stored(eg_codec codec, const uint8_t *bytes, size_t size) {
    const struct eg_codec_traits *traits = eg__codec_traits(codec, true);
    struct eg_payload found = traits->inspect(bytes, size);
    EG_ASSERT(found.valid || (!found.has_key && !found.starts_key));
    if (!found.valid) return;
    bool is_key = found.starts_key;
    struct eg_stored_payload stored = traits->normalize(bytes, size, is_key);
    EG_ASSERT(stored.skip < size);
    size_t rest = size - stored.skip;
    uint8_t *copy = malloc(rest);
    memcpy(copy, bytes + stored.skip, rest);
    copy[0] = stored.first;
    struct eg_payload again = traits->inspect(copy, rest);
    EG_ASSERT(again.valid && again.starts_key == found.starts_key);
    struct eg_stored_payload twice = traits->normalize(copy, rest, is_key);
    EG_ASSERT(twice.skip == 0 && twice.first == stored.first);
    struct eg_video_format format, same;
    bool has_format = traits->parse_format(&format, bytes, size);
    EG_ASSERT(!has_format || found.starts_key);
    EG_ASSERT(traits->parse_format(&same, copy, rest) == has_format && (!has_format || memcmp(&format, &same, sizeof format) == 0));
    free(copy);
}

#endif
