// Any bytes as a viewer's feedback: read as transport-wide feedback, packet by packet and written again, and as a REMB.
#include "wire/transport_feedback.h"

#include "fuzz.h"

#include <stdlib.h>

enum { PACKETS_MAX = 65535, BLOCK_SIZE_MAX = 256 * 1024 };

// What was read, so that it can be written. Times are moved to after zero, by a whole number of the reference's periods.
static eg_time arrivals[PACKETS_MAX];
static uint8_t block_bytes[BLOCK_SIZE_MAX];

static const int64_t PERIOD = (int64_t)EG_TRANSPORT_REFERENCE_UNIT << EG_TRANSPORT_REFERENCE_BITS;

// What is written is read as the same.
static void write_again(uint16_t base, uint16_t count) {
    struct eg_writer writer = eg__writer(block_bytes, sizeof block_bytes);
    const struct eg_transport_report report = {.base = base, .count = count, .arrivals = arrivals};
    uint16_t written = eg__transport_feedback_write(&writer, &report);
    EG_ASSERT(!writer.failed && written == count);
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(block_bytes, writer.at);
    struct eg_rtcp block;
    struct eg_rtcp_feedback feedback;
    struct eg_transport_feedback transport;
    struct eg_transport_status status;
    EG_ASSERT(eg__rtcp_next(&iterator, &block) && eg__rtcp_parse_feedback(&feedback, &block));
    EG_ASSERT(eg__transport_feedback_parse(&transport, &feedback) && transport.count == written);
    for (uint32_t told = 0; eg__transport_feedback_next(&transport, &status); told += status.run) {
        EG_ASSERT(status.number == (uint16_t)(base + told));
        EG_ASSERT(status.arrived == (arrivals[told] != EG_TIME_NEVER));
        EG_ASSERT(!status.arrived || ((int64_t)arrivals[told] - status.at) % PERIOD == 0);
    }
}

static void read_transport_feedback(const struct eg_rtcp_feedback *feedback) {
    struct eg_transport_feedback transport;
    struct eg_transport_status status;
    if (!eg__transport_feedback_parse(&transport, feedback)) return;
    EG_ASSERT(transport.count > 0 && feedback->fci_size >= 8);
    uint32_t told = 0;
    size_t steps = 0;
    while (eg__transport_feedback_next(&transport, &status)) {
        steps++;
        EG_ASSERT(status.run > 0 && (!status.arrived || status.run == 1));
        EG_ASSERT(status.number == (uint16_t)(transport.base + told));
        EG_ASSERT(told + status.run <= transport.count);
        for (uint16_t i = 0; i < status.run; i++) arrivals[told++] = status.arrived ? (eg_time)(status.at + 2 * PERIOD) : EG_TIME_NEVER;
    }
    EG_ASSERT(told == transport.count);
    EG_ASSERT(steps <= 8 * feedback->fci_size); // 14 packets in two bytes; those that arrived have a byte more each
    EG_ASSERT(!eg__transport_feedback_next(&transport, &status));
    write_again(transport.base, transport.count);
}

static void read_remb(const uint8_t *bytes, size_t size, const struct eg_rtcp_feedback *feedback) {
    struct eg_remb remb;
    uint32_t ssrc;
    if (!eg__remb_parse(&remb, feedback)) return;
    fuzz_touch(bytes, size, remb.ssrcs, (size_t)remb.ssrc_count * 4);
    size_t ssrcs = 0;
    while (eg__remb_ssrc(&remb, ssrcs, &ssrc)) ssrcs++;
    EG_ASSERT(ssrcs == remb.ssrc_count);

    struct eg_writer writer = eg__writer(block_bytes, sizeof block_bytes);
    eg__remb_write(&writer, 1, 2, remb.bit_rate);
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(block_bytes, writer.at);
    struct eg_rtcp block;
    struct eg_rtcp_feedback again;
    struct eg_remb same;
    EG_ASSERT(eg__rtcp_next(&iterator, &block) && eg__rtcp_parse_feedback(&again, &block) && eg__remb_parse(&same, &again));
    EG_ASSERT(same.bit_rate == remb.bit_rate || remb.bit_rate == UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    const struct eg_rtcp_feedback feedback = {.fci = bytes, .fci_size = size};
    read_transport_feedback(&feedback);
    read_remb(bytes, size, &feedback);
    return 0;
}
