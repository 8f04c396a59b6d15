#include "support/check.h"
#include "support/h264_writer.h"

#include "base/limits.h"
#include "media/parameter_sets.h"
#include "wire/h264.h"

#include <string.h>

enum { PAYLOAD_SIZE_MAX = 1200 };

static uint16_t sequence;

static void learn(struct eg_parameter_sets *sets, uint64_t place, const uint8_t *payload, size_t size) {
    eg__parameter_sets_learn(sets, place, sequence++, payload, size);
}

static void learn_sps(struct eg_parameter_sets *sets, uint64_t place, uint32_t id, uint32_t width_in_mbs) {
    uint8_t nal[MADE_NAL_SIZE_MAX];
    struct made_sps made = {.profile_idc = 66, .id = id, .width_in_mbs = width_in_mbs, .height_in_map_units = 10};
    learn(sets, place, nal, make_sps(&made, nal));
}

static void learn_pps(struct eg_parameter_sets *sets, uint64_t place, uint32_t id, uint32_t sps_id, size_t extra) {
    uint8_t nal[EG_PARAMETER_SETS_SIZE_MAX];
    learn(sets, place, nal, make_pps(id, sps_id, extra, nal));
}

static uint32_t active_width(const struct eg_parameter_sets *sets, uint16_t pps_id) {
    const struct eg_parameter_set *sps = eg__parameter_sets_active(sets, pps_id);
    return sps != NULL ? sps->format.width : 0;
}

// What is written for a slice: how many sets in how many packets, each of them checked to be whole.
struct written {
    size_t packets, sps, pps;
    uint8_t pps_ids[300];
};

static struct written write_all(struct eg_check *check, struct eg_parameter_sets *sets, uint16_t pps_id, uint64_t begin, uint64_t place,
                                size_t size_max) {
    struct written written = {0};
    struct eg_parameter_set_need need;
    if (!eg__parameter_sets_need(sets, pps_id, begin, place, &need)) return written;
    uint8_t payload[EG_RTP_PAYLOAD_SIZE_MAX];
    for (size_t size; (size = eg__parameter_sets_write(sets, &need, place, payload, size_max)) > 0; place++) {
        written.packets++;
        CHECK(size <= size_max && eg__h264_inspect(payload, size).valid);
        struct eg_nal_units units = eg__h264_units(payload, size);
        const uint8_t *nal;
        for (size_t nal_size; eg__nal_next_unit(&units, &nal, &nal_size);) {
            struct eg_h264_pps pps;
            if (eg__h264_parse_pps(&pps, nal, nal_size)) written.pps_ids[written.pps++] = pps.id;
            else written.sps++;
            CHECK(written.pps == 0 || written.sps <= 1); // first of all the SPS
        }
    }
    return written;
}

static void a_slice_activates_the_sps_of_its_pps(struct eg_check *check) {
    struct eg_parameter_sets sets;
    eg__parameter_sets_init(&sets, eg__codec_traits(EG_CODEC_H264, true));
    CHECK(eg__parameter_sets_active(&sets, 0) == NULL && !eg__parameter_sets_have(&sets, 0));
    learn_sps(&sets, 1, 0, 20);
    learn_sps(&sets, 2, 31, 40);
    learn_pps(&sets, 3, 0, 0, 0);
    learn_pps(&sets, 4, 255, 31, 0);
    learn_pps(&sets, 5, 7, 5, 0); // of one that is not known
    CHECK_EQUAL(active_width(&sets, 0), 320);
    CHECK_EQUAL(active_width(&sets, 255), 640);
    CHECK(eg__parameter_sets_have(&sets, 255));
    CHECK(eg__parameter_sets_active(&sets, 7) == NULL && !eg__parameter_sets_have(&sets, 7));
    CHECK(eg__parameter_sets_active(&sets, 1) == NULL);
    CHECK(eg__parameter_sets_active(&sets, EG_H264_NO_PPS) == NULL);
    learn_pps(&sets, 6, 0, 31, 0); // the same id, another SPS
    CHECK_EQUAL(active_width(&sets, 0), 640);
    learn_sps(&sets, 7, 31, 80); // the same id, another size
    CHECK_EQUAL(active_width(&sets, 0), 1280);
    learn_sps(&sets, 6, 31, 40); // only late
    CHECK_EQUAL(active_width(&sets, 0), 1280);
    eg__parameter_sets_deinit(&sets);
}

static void all_pps_of_the_active_sps_are_needed_and_no_others(struct eg_check *check) {
    struct eg_parameter_sets sets;
    eg__parameter_sets_init(&sets, eg__codec_traits(EG_CODEC_H264, true));
    learn_sps(&sets, 1, 0, 20);
    learn_sps(&sets, 2, 1, 40);
    for (uint32_t id = 0; id < 6; id++) learn_pps(&sets, 3 + id, id, id % 2, 0);
    struct written written = write_all(check, &sets, 3, 100, 100, PAYLOAD_SIZE_MAX);
    CHECK_EQUAL(written.packets, 1);
    CHECK_EQUAL(written.sps, 1);
    CHECK_EQUAL(written.pps, 3);
    CHECK(written.pps_ids[0] == 1 && written.pps_ids[1] == 3 && written.pps_ids[2] == 5);
    // Once is enough for a picture.
    CHECK_EQUAL(write_all(check, &sets, 3, 100, 101, PAYLOAD_SIZE_MAX).packets, 0);
    // Of a picture that brought two of the PPS behind its SPS, the third is missing.
    learn_sps(&sets, 200, 1, 40);
    learn_pps(&sets, 201, 1, 1, 0);
    learn_pps(&sets, 202, 5, 1, 0);
    written = write_all(check, &sets, 1, 200, 203, PAYLOAD_SIZE_MAX);
    CHECK(written.packets == 1 && written.sps == 0 && written.pps == 1 && written.pps_ids[0] == 3);
    // If the SPS is missing, or comes only with the slice, all have to follow one.
    learn_pps(&sets, 300, 1, 1, 0);
    written = write_all(check, &sets, 1, 300, 301, PAYLOAD_SIZE_MAX);
    CHECK(written.sps == 1 && written.pps == 3);
    learn_sps(&sets, 400, 1, 40);
    written = write_all(check, &sets, 1, 400, 400, PAYLOAD_SIZE_MAX);
    CHECK(written.sps == 1 && written.pps == 3);
    eg__parameter_sets_deinit(&sets);
}

static void takes_every_id_that_there_is_and_gives_them_in_several_packets(struct eg_check *check) {
    struct eg_parameter_sets sets;
    eg__parameter_sets_init(&sets, eg__codec_traits(EG_CODEC_H264, true));
    for (uint32_t id = 0; id <= EG_H264_SPS_ID_MAX; id++) learn_sps(&sets, 1 + id, id, 10 + id);
    for (uint32_t id = 0; id <= EG_H264_PPS_ID_MAX; id++) learn_pps(&sets, 100 + id, id, 9, 10);
    CHECK_EQUAL(sets.count, 32 + 256);
    CHECK(sets.size <= EG_PARAMETER_SETS_SIZE_MAX);
    struct written written = write_all(check, &sets, 77, 1000, 1000, PAYLOAD_SIZE_MAX);
    CHECK_EQUAL(written.sps, 1);
    CHECK_EQUAL(written.pps, 256);
    for (size_t i = 0; i < written.pps; i++) CHECK_ROW(written.pps_ids[i] == i, i);
    CHECK(written.packets >= 3 && written.packets <= 6);
    eg__parameter_sets_deinit(&sets);
}

static void an_id_that_can_not_be_is_no_set(struct eg_check *check) {
    struct eg_parameter_sets sets;
    eg__parameter_sets_init(&sets, eg__codec_traits(EG_CODEC_H264, true));
    learn_sps(&sets, 1, 32, 20);
    learn_pps(&sets, 2, 256, 0, 0);
    learn_pps(&sets, 3, 0, 32, 0);
    static const uint8_t cut[][3] = {{0x67, 66, 0}, {0x68, 0, 0}, {0x06, 5, 8}};
    for (size_t i = 0; i < 3; i++) learn(&sets, 4 + i, cut[i], 3);
    CHECK_EQUAL(sets.count, 0);
    eg__parameter_sets_deinit(&sets);
}

// The IDR that brought it along goes out as it came, and what was known of the same id must not be put behind it.
static void one_that_is_too_large_takes_the_place_of_the_one_before_but_is_not_kept(struct eg_check *check) {
    struct eg_parameter_sets sets;
    eg__parameter_sets_init(&sets, eg__codec_traits(EG_CODEC_H264, true));
    learn_sps(&sets, 1, 0, 20);
    learn_pps(&sets, 2, 0, 0, 0);
    learn_pps(&sets, 3, 1, 0, EG_PARAMETER_SET_SIZE_MAX - 10);
    learn_pps(&sets, 10, 0, 0, EG_PARAMETER_SET_SIZE_MAX);
    CHECK_EQUAL(active_width(&sets, 0), 320);
    CHECK(!eg__parameter_sets_have(&sets, 0));
    CHECK(eg__parameter_sets_have(&sets, 1));
    struct written written = write_all(check, &sets, 0, 100, 100, EG_PARAMETER_SET_SIZE_MAX);
    CHECK(written.packets == 2 && written.sps == 1 && written.pps == 1 && written.pps_ids[0] == 1);
    learn_pps(&sets, 101, 0, 0, 0);
    CHECK(eg__parameter_sets_have(&sets, 0));
    eg__parameter_sets_deinit(&sets);
}

static void when_there_is_no_room_the_one_that_has_not_come_for_longest_goes(struct eg_check *check) {
    struct eg_parameter_sets sets;
    eg__parameter_sets_init(&sets, eg__codec_traits(EG_CODEC_H264, true));
    enum { SIZE = 400, FIT = EG_PARAMETER_SETS_SIZE_MAX / (SIZE + 8) };
    learn_sps(&sets, 1, 0, 20);
    for (uint32_t id = 0; id < 3 * FIT; id++) {
        learn_pps(&sets, 10 + 2 * id, id, 0, SIZE);
        learn_sps(&sets, 11 + 2 * id, 0, 20); // it comes again and again
        CHECK_ROW(sets.size <= EG_PARAMETER_SETS_SIZE_MAX, id);
        CHECK_ROW(eg__parameter_sets_have(&sets, (uint16_t)id), id);
    }
    CHECK(!eg__parameter_sets_have(&sets, 0));
    for (uint16_t id = 2 * FIT; id < 3 * FIT; id++) CHECK_ROW(eg__parameter_sets_have(&sets, id), id);
    CHECK_EQUAL(active_width(&sets, 0), 320);
    // Each of them still is what it was.
    struct written written = write_all(check, &sets, 3 * FIT - 1, 10000, 10000, PAYLOAD_SIZE_MAX);
    CHECK_EQUAL(written.sps, 1);
    CHECK(written.pps >= FIT - 1 && written.packets <= 10);
    for (size_t i = 0; i < written.pps; i++) CHECK_ROW(written.pps_ids[i] == 3 * FIT - written.pps + i, i);
    eg__parameter_sets_deinit(&sets);
}

static void the_sets_of_the_last_sender_serve_until_the_next_one_brings_its_own(struct eg_check *check) {
    struct eg_parameter_sets sets;
    eg__parameter_sets_init(&sets, eg__codec_traits(EG_CODEC_H264, true));
    learn_sps(&sets, 1, 0, 20);
    learn_pps(&sets, 2, 0, 0, 0);
    learn_pps(&sets, 3, 1, 0, 0);
    eg__parameter_sets_begin_sender(&sets);
    CHECK(eg__parameter_sets_have(&sets, 1));
    learn_sps(&sets, 10, 0, 40);
    CHECK(!eg__parameter_sets_have(&sets, 0) && !eg__parameter_sets_have(&sets, 1));
    learn_pps(&sets, 11, 0, 0, 0);
    CHECK_EQUAL(active_width(&sets, 0), 640);
    CHECK(eg__parameter_sets_active(&sets, 1) == NULL);
    eg__parameter_sets_deinit(&sets);
}

// Sends a NAL unit as FU-As, one of which is left out or comes twice.
static void learn_fragments(struct eg_parameter_sets *sets, uint64_t place, const uint8_t *nal, size_t size, size_t part, size_t lost) {
    for (size_t at = 1, i = 0; at < size; at += part, i++, sequence++) {
        uint8_t payload[EG_RTP_PAYLOAD_SIZE_MAX];
        size_t left = size - at < part ? size - at : part;
        payload[0] = (uint8_t)((nal[0] & 0xe0) | 28);
        payload[1] = (uint8_t)((at == 1 ? 0x80 : 0) | (at + left == size ? 0x40 : 0) | (nal[0] & 0x1f));
        memcpy(payload + 2, nal + at, left);
        if (i != lost) eg__parameter_sets_learn(sets, place + i, sequence, payload, 2 + left);
    }
}

static void a_set_in_fragments_is_one_set_if_none_of_them_is_missing(struct eg_check *check) {
    struct eg_parameter_sets sets;
    eg__parameter_sets_init(&sets, eg__codec_traits(EG_CODEC_H264, true));
    uint8_t sps[MADE_NAL_SIZE_MAX], pps[EG_RTP_PAYLOAD_SIZE_MAX];
    struct made_sps made = {.profile_idc = 66, .id = 3, .width_in_mbs = 20, .height_in_map_units = 10};
    size_t sps_size = make_sps(&made, sps), pps_size = make_pps(0, 3, 100, pps);
    learn_fragments(&sets, 10, sps, sps_size, 4, SIZE_MAX);
    CHECK_EQUAL(sets.count, 1);
    for (size_t lost = 0; lost < 4; lost++) learn_fragments(&sets, 20, pps, pps_size, 30, lost);
    CHECK_EQUAL(sets.count, 1);
    learn_fragments(&sets, 30, pps, pps_size, 30, SIZE_MAX);
    CHECK_EQUAL(active_width(&sets, 0), 320);
    CHECK(eg__parameter_sets_have(&sets, 0));
    // One of more than can be kept.
    pps_size = make_pps(0, 3, 1200, pps);
    learn_fragments(&sets, 40, pps, pps_size, 200, SIZE_MAX);
    CHECK(!eg__parameter_sets_have(&sets, 0));
    CHECK_EQUAL(active_width(&sets, 0), 320);
    eg__parameter_sets_deinit(&sets);
}

static const struct eg_test tests[] = {
    EG_TEST(a_slice_activates_the_sps_of_its_pps),
    EG_TEST(all_pps_of_the_active_sps_are_needed_and_no_others),
    EG_TEST(takes_every_id_that_there_is_and_gives_them_in_several_packets),
    EG_TEST(an_id_that_can_not_be_is_no_set),
    EG_TEST(one_that_is_too_large_takes_the_place_of_the_one_before_but_is_not_kept),
    EG_TEST(when_there_is_no_room_the_one_that_has_not_come_for_longest_goes),
    EG_TEST(the_sets_of_the_last_sender_serve_until_the_next_one_brings_its_own),
    EG_TEST(a_set_in_fragments_is_one_set_if_none_of_them_is_missing),
};

EG_TEST_SUITE(parameter_sets, tests);
