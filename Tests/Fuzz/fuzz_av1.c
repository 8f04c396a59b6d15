// Any bytes as an RTP payload, and as a sequence header.
#include "wire/av1.h"

#include "fuzz.h"

static void check_sequence(const struct eg_av1_sequence *sequence) {
    EG_ASSERT(sequence->profile <= 2 && sequence->level_idx <= 31 && sequence->tier <= 1 && sequence->chroma_format_idc <= 3);
    EG_ASSERT(sequence->width >= 1 && sequence->width <= 65536 && sequence->height >= 1 && sequence->height <= 65536);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct eg_av1_payload found = eg__av1_inspect(bytes, size);
    EG_ASSERT(found.valid || !found.starts_key);
    if (found.starts_key) check_sequence(&found.sequence);
    struct eg_av1_sequence sequence;
    if (eg__av1_parse_sequence(&sequence, bytes, size)) check_sequence(&sequence);
    return 0;
}
