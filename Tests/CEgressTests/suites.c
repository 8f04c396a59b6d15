// The list of suites. A new test_<module>.c is added here.
#include "cegress_tests.h"

#include "support/check.h"

extern const struct eg_test_suite eg_tests_base;
extern const struct eg_test_suite eg_tests_budget;
extern const struct eg_test_suite eg_tests_error;
extern const struct eg_test_suite eg_tests_rtp;
extern const struct eg_test_suite eg_tests_rtcp;
extern const struct eg_test_suite eg_tests_transport_feedback;
extern const struct eg_test_suite eg_tests_stun;
extern const struct eg_test_suite eg_tests_h264;
extern const struct eg_test_suite eg_tests_h265;
extern const struct eg_test_suite eg_tests_vp8;
extern const struct eg_test_suite eg_tests_vp9;
extern const struct eg_test_suite eg_tests_av1;
extern const struct eg_test_suite eg_tests_codec;
extern const struct eg_test_suite eg_tests_batch;
extern const struct eg_test_suite eg_tests_crypto;
extern const struct eg_test_suite eg_tests_srtp;
extern const struct eg_test_suite eg_tests_ice;
extern const struct eg_test_suite eg_tests_ice_nominations;
extern const struct eg_test_suite eg_tests_dtls;
extern const struct eg_test_suite eg_tests_dtls_network;
extern const struct eg_test_suite eg_tests_handshakes;
extern const struct eg_test_suite eg_tests_clock;
extern const struct eg_test_suite eg_tests_store;
extern const struct eg_test_suite eg_tests_parameter_sets;
extern const struct eg_test_suite eg_tests_source;
extern const struct eg_test_suite eg_tests_source_epochs;
extern const struct eg_test_suite eg_tests_source_sets;
extern const struct eg_test_suite eg_tests_source_codecs;
extern const struct eg_test_suite eg_tests_bandwidth;
extern const struct eg_test_suite eg_tests_gaps;
extern const struct eg_test_suite eg_tests_track;
extern const struct eg_test_suite eg_tests_headroom;
extern const struct eg_test_suite eg_tests_ladder;
extern const struct eg_test_suite eg_tests_adaptation;
extern const struct eg_test_suite eg_tests_io;
extern const struct eg_test_suite eg_tests_receiver;
extern const struct eg_test_suite eg_tests_sender;
extern const struct eg_test_suite eg_tests_engine;
extern const struct eg_test_suite eg_tests_engine_threads;
extern const struct eg_test_suite eg_tests_old_header;
extern const struct eg_test_suite eg_tests_sim;
extern const struct eg_test_suite eg_tests_sim_media;
extern const struct eg_test_suite eg_tests_sim_turns;
extern const struct eg_test_suite eg_tests_sim_large;
extern const struct eg_test_suite eg_tests_sim_links;
extern const struct eg_test_suite eg_tests_sim_ladder;
extern const struct eg_test_suite eg_tests_sim_ladder_viewers;
extern const struct eg_test_suite eg_tests_exchange;
extern const struct eg_test_suite eg_tests_workers;
extern const struct eg_test_suite eg_tests_engine_workers;
extern const struct eg_test_suite eg_tests_engine_encodings;

static const struct eg_test_suite *const suites[] = {
    &eg_tests_base,
    &eg_tests_budget,
    &eg_tests_error,
    &eg_tests_rtp,
    &eg_tests_rtcp,
    &eg_tests_transport_feedback,
    &eg_tests_stun,
    &eg_tests_h264,
    &eg_tests_h265,
    &eg_tests_vp8,
    &eg_tests_vp9,
    &eg_tests_av1,
    &eg_tests_codec,
    &eg_tests_batch,
    &eg_tests_crypto,
    &eg_tests_srtp,
    &eg_tests_ice, &eg_tests_ice_nominations,
    &eg_tests_dtls,
    &eg_tests_dtls_network,
    &eg_tests_handshakes,
    &eg_tests_clock,
    &eg_tests_store,
    &eg_tests_parameter_sets,
    &eg_tests_source,
    &eg_tests_source_epochs,
    &eg_tests_source_sets,
    &eg_tests_source_codecs,
    &eg_tests_bandwidth,
    &eg_tests_gaps,
    &eg_tests_track, &eg_tests_headroom, &eg_tests_ladder, &eg_tests_adaptation,
    &eg_tests_io,
    &eg_tests_receiver,
    &eg_tests_sender,
    &eg_tests_engine,
    &eg_tests_engine_threads,
    &eg_tests_old_header,
    &eg_tests_sim,
    &eg_tests_sim_media,
    &eg_tests_sim_turns,
    &eg_tests_sim_large,
    &eg_tests_sim_links,
    &eg_tests_sim_ladder,
    &eg_tests_sim_ladder_viewers,
    &eg_tests_exchange,
    &eg_tests_workers,
    &eg_tests_engine_workers,
    &eg_tests_engine_encodings,
};

enum { SUITE_COUNT = sizeof suites / sizeof suites[0] };

static const struct eg_test *find(size_t index, const struct eg_test_suite **suite) {
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        *suite = suites[i];
        if (index < suites[i]->count) return &suites[i]->tests[index];
        index -= suites[i]->count;
    }
    return NULL;
}

size_t eg_test_count(void) {
    size_t count = 0;
    for (size_t i = 0; i < SUITE_COUNT; i++) count += suites[i]->count;
    return count;
}

const char *eg_test_suite_of(size_t index) {
    const struct eg_test_suite *suite;
    return find(index, &suite) != NULL ? suite->name : NULL;
}

const char *eg_test_name(size_t index) {
    const struct eg_test_suite *suite;
    const struct eg_test *test = find(index, &suite);
    return test != NULL ? test->name : NULL;
}

bool eg_test_run(size_t index, char *report, size_t report_size) { return eg_test_run_seeded(index, 0, report, report_size); }

bool eg_test_run_seeded(size_t index, uint64_t seed, char *report, size_t report_size) {
    const struct eg_test_suite *suite;
    const struct eg_test *test = find(index, &suite);
    if (report_size > 0) report[0] = '\0';
    if (test == NULL) return false;
    struct eg_check check = {.report = report, .report_size = report_size, .seed = seed};
    test->run(&check);
    return check.failures == 0;
}
