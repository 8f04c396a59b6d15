// Any bytes as a compound packet: every block walked and read as everything that it may be.
#include "wire/rtcp.h"

#include "fuzz.h"

static void read_reports(const struct eg_rtcp *block) {
    struct eg_sender_info info = {0};
    struct eg_report_block report;
    uint32_t ssrc;
    if (eg__rtcp_parse_sender_info(&info, block)) EG_ASSERT(block->body_size >= 24);
    size_t reports = 0;
    for (; eg__rtcp_parse_report(&report, block, reports); reports++) {
        EG_ASSERT(report.cumulative_lost >= -0x800000 && report.cumulative_lost <= 0x7fffff);
        eg__rtcp_round_trip(&report, info.ntp);
    }
    EG_ASSERT(reports <= block->count);
    EG_ASSERT(reports * 24 <= block->body_size);
    size_t byes = 0;
    while (eg__rtcp_parse_bye(block, byes, &ssrc)) byes++;
    EG_ASSERT(byes <= block->count);
}

static void read_feedback(const uint8_t *bytes, size_t size, const struct eg_rtcp *block) {
    struct eg_rtcp_feedback feedback;
    struct eg_rtcp_nack nack;
    struct eg_rtcp_fir fir;
    if (!eg__rtcp_parse_feedback(&feedback, block)) return;
    fuzz_touch(bytes, size, feedback.fci, feedback.fci_size);
    EG_ASSERT(feedback.fci_size + 8 == block->body_size);
    size_t nacks = 0, firs = 0;
    while (eg__rtcp_parse_nack(&nack, &feedback, nacks)) nacks++;
    while (eg__rtcp_parse_fir(&fir, &feedback, firs)) firs++;
    EG_ASSERT(nacks == feedback.fci_size / 4);
    EG_ASSERT(firs == feedback.fci_size / 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(bytes, size);
    struct eg_rtcp block;
    size_t walked = 0;
    while (eg__rtcp_next(&iterator, &block)) {
        fuzz_touch(bytes, size, block.body, block.body_size);
        bool is_of_words = block.type != EG_RTCP_RTPFB || block.count != EG_RTCP_FORMAT_TRANSPORT_CC;
        EG_ASSERT(!is_of_words || block.body_size % 4 == 0);
        read_reports(&block);
        read_feedback(bytes, size, &block);
        walked += 4 + block.body_size;
    }
    EG_ASSERT(walked <= size);
    EG_ASSERT(iterator.malformed || iterator.reader.at == size);
    EG_ASSERT(!eg__rtcp_next(&iterator, &block));
    return 0;
}
