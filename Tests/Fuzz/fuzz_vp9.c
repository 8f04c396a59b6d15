// Any bytes as an RTP payload.
#include "wire/vp9.h"

#include "stored.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct eg_vp9_payload found = eg__vp9_inspect(bytes, size);
    EG_ASSERT(found.valid || (!found.starts_key && !found.may_mark_inter));
    if (found.starts_key) EG_ASSERT(found.width >= 1 && found.width <= 65536 && found.height >= 1 && found.height <= 65536);
    if (found.starts_key) EG_ASSERT(found.profile <= 3 && found.chroma_format_idc <= 3);
    fuzz_stored(EG_CODEC_VP9, bytes, size);
    return 0;
}
