// Any bytes as a datagram: told apart, and read as an RTP packet.
#include "wire/demux.h"
#include "wire/rtp.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    eg__demux(bytes, size);
    struct eg_rtp rtp;
    if (!eg__rtp_parse(&rtp, bytes, size)) return 0;
    size_t csrcs_size = (size_t)rtp.csrc_count * 4;
    size_t extension_size = rtp.extension != NULL ? 4 + rtp.extension_size : 0;
    fuzz_touch(bytes, size, rtp.csrcs, csrcs_size);
    fuzz_touch(bytes, size, rtp.payload, rtp.payload_size);
    if (rtp.extension != NULL) fuzz_touch(bytes, size, rtp.extension, rtp.extension_size);
    EG_ASSERT(EG_RTP_HEADER_SIZE + csrcs_size + extension_size + rtp.payload_size + rtp.padding_size == size);

    uint16_t number;
    for (uint8_t id = 0; id < 16; id++) {
        if (!eg__rtp_find_transport_number(&rtp, id, &number)) continue;
        EG_ASSERT(id >= 1 && id <= 14 && rtp.extension_size >= 3);
    }

    uint8_t header[EG_RTP_HEADER_SIZE];
    eg__rtp_write_header(header, rtp.marker, rtp.payload_type, rtp.sequence, rtp.timestamp, rtp.ssrc);
    EG_ASSERT(memcmp(header + 1, bytes + 1, sizeof header - 1) == 0); // but for the first byte, with its flags, the same
    return 0;
}
