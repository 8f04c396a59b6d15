// Any bytes as an RTP payload.
#include "wire/vp8.h"

#include "stored.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct eg_vp8_payload found = eg__vp8_inspect(bytes, size);
    if (found.valid) EG_ASSERT(found.descriptor_size >= 1 && found.descriptor_size <= 6 && found.descriptor_size < size);
    if (found.starts_key) EG_ASSERT(found.width >= 1 && found.width <= 16383 && found.height >= 1 && found.height <= 16383 && found.version <= 3);
    fuzz_stored(EG_CODEC_VP8, bytes, size);
    return 0;
}
