// Parameter sets by their ids, on the way through a source: what an IDR gets in front of it, and which format is told.
#include "support/h264_writer.h"
#include "support/source_fixture.h"

struct sender {
    struct fixture *fixture;
    struct eg_addr addr;
    uint32_t ssrc;
    uint16_t sequence;
    uint32_t timestamp;
};

static struct sender new_sender(struct fixture *fixture, uint32_t ssrc) {
    return (struct sender){fixture, eg__addr_ipv4(127, 0, 0, 1, (uint16_t)(30000 + ssrc)), ssrc, (uint16_t)(ssrc * 1000), ssrc * 100000};
}

static void send_payload(struct sender *sender, const uint8_t *payload, size_t size, bool marker) {
    uint8_t packet[EG_RTP_HEADER_SIZE + EG_RTP_PAYLOAD_SIZE_MAX];
    eg__rtp_write_header(packet, marker, EG_SIM_VIDEO_PAYLOAD_TYPE, sender->sequence++, sender->timestamp, sender->ssrc);
    memcpy(packet + EG_RTP_HEADER_SIZE, payload, size);
    receive(sender->fixture, EG_VIDEO, &sender->addr, packet, EG_RTP_HEADER_SIZE + size);
}

static size_t sps_of(uint32_t id, uint32_t width_in_mbs, uint8_t *nal) {
    return make_sps(&(struct made_sps){.profile_idc = 66, .id = id, .width_in_mbs = width_in_mbs, .height_in_map_units = 10}, nal);
}

static void send_sps(struct sender *sender, uint32_t id, uint32_t width_in_mbs) {
    uint8_t nal[MADE_NAL_SIZE_MAX];
    send_payload(sender, nal, sps_of(id, width_in_mbs, nal), false);
}

static void send_pps(struct sender *sender, uint32_t id, uint32_t sps_id) {
    uint8_t nal[MADE_NAL_SIZE_MAX];
    send_payload(sender, nal, make_pps(id, sps_id, 0, nal), false);
}

static void send_slice(struct sender *sender, bool is_idr, uint32_t pps_id, bool marker) {
    uint8_t nal[MADE_NAL_SIZE_MAX];
    send_payload(sender, nal, make_slice(is_idr, pps_id, nal), marker);
    if (!marker) return;
    sender->timestamp += 3000;
    sender->fixture->now += EG_SECOND / 30;
}

static void add_unit(uint8_t *payload, size_t *at, const uint8_t *nal, size_t size) {
    payload[(*at)++] = (uint8_t)(size >> 8);
    payload[(*at)++] = (uint8_t)size;
    memcpy(payload + *at, nal, size);
    *at += size;
}

// What a viewer that begins at a place has been given in front of the first slice there: SPS in the low 32 bits, PPS 0 to 31 above. An SPS has to
// come before its PPS, and the places have to be without a gap.
static uint64_t sets_in_front(struct eg_check *check, struct fixture *fixture, uint64_t place) {
    uint64_t found = 0;
    for (;; place++) {
        const struct eg_packet *packet = eg__store_get(&fixture->stores[EG_VIDEO], place);
        CHECK(packet != NULL);
        if (packet == NULL) return 0;
        struct eg_h264_payload payload = eg__h264_inspect(packet->payload, packet->size);
        struct eg_nal_units units = eg__h264_units(packet->payload, packet->size);
        const uint8_t *nal;
        for (size_t size; eg__nal_next_unit(&units, &nal, &size);) {
            struct eg_h264_pps pps;
            uint8_t sps_id;
            if (eg__h264_parse_sps_id(&sps_id, nal, size)) found |= UINT64_C(1) << sps_id;
            if (!eg__h264_parse_pps(&pps, nal, size)) continue;
            CHECK((found >> pps.sps_id & 1) != 0);
            found |= UINT64_C(1) << (32 + pps.id);
        }
        if (payload.starts_idr || payload.has_slice) return found;
    }
}

static uint64_t sps_bit(unsigned id) { return UINT64_C(1) << id; }
static uint64_t pps_bit(unsigned id) { return UINT64_C(1) << (32 + id); }

static uint64_t gop_sets(struct eg_check *check, struct fixture *fixture) {
    return sets_in_front(check, fixture, fixture->stores[EG_VIDEO].gop_begin);
}

// As some cameras do: everything once, and then pictures that name one PPS or the other.
static void two_pps_that_were_sent_once_stand_in_front_of_every_idr(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct sender sender = new_sender(fixture, 1);
    send_sps(&sender, 0, 20);
    send_pps(&sender, 0, 0);
    send_pps(&sender, 1, 0);
    for (unsigned gop = 0; gop < 3; gop++) {
        uint64_t begin = video(fixture)->ready_end;
        send_slice(&sender, true, 0, true);
        CHECK_ROW(gop_sets(check, fixture) == (sps_bit(0) | pps_bit(0) | pps_bit(1)), gop);
        CHECK_ROW(fixture->stores[EG_VIDEO].gop_begin == (gop == 0 ? 1 : begin), gop);
        for (int picture = 0; picture < 4; picture++) send_slice(&sender, false, 1, true);
        CHECK_ROW(video(fixture)->ready_end == video(fixture)->highest + 1, gop);
    }
    CHECK_EQUAL(video(fixture)->key_pictures, 3);
    CHECK_EQUAL(video(fixture)->stats.lost, 0);
    CHECK_EQUAL(dropped(fixture), 0);
    fixture_destroy(fixture);
}

static void all_sets_of_an_aggregate_are_taken(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct sender sender = new_sender(fixture, 1);
    uint8_t payload[EG_RTP_PAYLOAD_SIZE_MAX] = {0x78}, nal[MADE_NAL_SIZE_MAX];
    size_t at = 1;
    add_unit(payload, &at, nal, sps_of(0, 20, nal));
    add_unit(payload, &at, nal, sps_of(1, 40, nal));
    for (uint32_t id = 0; id < 4; id++) add_unit(payload, &at, nal, make_pps(id, id / 2, 0, nal));
    send_payload(&sender, payload, at, false);
    send_slice(&sender, true, 0, true);
    CHECK_EQUAL(video(fixture)->ready_end, 3); // all is there, so nothing is put in front
    CHECK_EQUAL(video(fixture)->format.width, 320);
    send_slice(&sender, true, 3, true);
    CHECK(gop_sets(check, fixture) == (sps_bit(1) | pps_bit(2) | pps_bit(3)));
    CHECK_EQUAL(video(fixture)->format.width, 640);
    send_slice(&sender, true, 1, true);
    CHECK(gop_sets(check, fixture) == (sps_bit(0) | pps_bit(0) | pps_bit(1)));
    fixture_destroy(fixture);
}

static void an_idr_is_preceded_by_the_pps_that_it_names_and_its_sps(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct sender sender = new_sender(fixture, 1);
    send_sps(&sender, 0, 20);
    send_pps(&sender, 0, 0);
    send_sps(&sender, 1, 40);
    send_pps(&sender, 1, 1);
    send_slice(&sender, true, 1, true);
    CHECK_EQUAL(video(fixture)->format.width, 640);
    send_slice(&sender, true, 1, true);
    CHECK(gop_sets(check, fixture) == (sps_bit(1) | pps_bit(1)));
    // In an FU-A too, whose header is not where that of a single NAL unit is.
    uint8_t nal[MADE_NAL_SIZE_MAX], payload[MADE_NAL_SIZE_MAX + 1];
    size_t size = make_slice(true, 0, nal);
    payload[0] = 0x7c;
    payload[1] = 0x85;
    memcpy(payload + 2, nal + 1, size - 1);
    send_payload(&sender, payload, size + 1, false);
    CHECK(gop_sets(check, fixture) == (sps_bit(0) | pps_bit(0)));
    CHECK_EQUAL(video(fixture)->format.width, 320);
    fixture_destroy(fixture);
}

static void a_change_of_size_by_another_sps_id_is_told_with_its_first_idr(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct sender sender = new_sender(fixture, 1);
    send_sps(&sender, 0, 20);
    send_pps(&sender, 0, 0);
    CHECK(!take_event(video(fixture), EG_STREAM_VIDEO_FORMAT));
    send_slice(&sender, true, 0, true);
    CHECK(take_event(video(fixture), EG_STREAM_VIDEO_FORMAT));
    CHECK_EQUAL(video(fixture)->format.width, 320);
    // The next size is announced in the middle of a GOP.
    send_sps(&sender, 5, 80);
    send_pps(&sender, 9, 5);
    send_slice(&sender, false, 0, true);
    CHECK(!take_event(video(fixture), EG_STREAM_VIDEO_FORMAT));
    CHECK_EQUAL(video(fixture)->format.width, 320);
    send_slice(&sender, true, 9, true);
    CHECK(take_event(video(fixture), EG_STREAM_VIDEO_FORMAT));
    CHECK_EQUAL(video(fixture)->format.width, 1280);
    CHECK(gop_sets(check, fixture) == (sps_bit(5) | pps_bit(9)));
    send_slice(&sender, true, 9, true);
    CHECK(!take_event(video(fixture), EG_STREAM_VIDEO_FORMAT));
    send_slice(&sender, true, 0, true); // and back
    CHECK(take_event(video(fixture), EG_STREAM_VIDEO_FORMAT));
    CHECK_EQUAL(video(fixture)->format.width, 320);
    fixture_destroy(fixture);
}

static void several_slices_of_one_idr_get_their_sets_once(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct sender sender = new_sender(fixture, 1);
    send_sps(&sender, 0, 20);
    for (uint32_t id = 0; id < 3; id++) send_pps(&sender, id, 0);
    send_slice(&sender, true, 0, true);
    uint64_t begin = video(fixture)->ready_end;
    for (uint32_t id = 0; id < 3; id++) send_slice(&sender, true, id, id == 2);
    CHECK_EQUAL(video(fixture)->ready_end, begin + 4);
    CHECK(gop_sets(check, fixture) == (sps_bit(0) | pps_bit(0) | pps_bit(1) | pps_bit(2)));
    fixture_destroy(fixture);
}

// It brings its SPS and one of two PPS: only the other is put in, behind the SPS.
static void an_idr_that_brings_some_sets_gets_the_rest(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct sender sender = new_sender(fixture, 1);
    send_sps(&sender, 0, 20);
    send_pps(&sender, 0, 0);
    send_pps(&sender, 1, 0);
    send_slice(&sender, true, 0, true);
    uint64_t begin = video(fixture)->ready_end;
    send_sps(&sender, 0, 20);
    send_pps(&sender, 0, 0);
    send_slice(&sender, true, 0, true);
    CHECK_EQUAL(video(fixture)->ready_end, begin + 4);
    CHECK(gop_sets(check, fixture) == (sps_bit(0) | pps_bit(0) | pps_bit(1)));
    // All in one aggregate with the slice, whose SPS would come too late for what is put in front.
    uint8_t payload[EG_RTP_PAYLOAD_SIZE_MAX] = {0x78}, nal[MADE_NAL_SIZE_MAX];
    size_t at = 1;
    add_unit(payload, &at, nal, sps_of(0, 20, nal));
    add_unit(payload, &at, nal, make_pps(0, 0, 0, nal));
    add_unit(payload, &at, nal, make_slice(true, 0, nal));
    send_payload(&sender, payload, at, true);
    CHECK(gop_sets(check, fixture) == (sps_bit(0) | pps_bit(0) | pps_bit(1)));
    fixture_destroy(fixture);
}

static void an_epoch_begins_at_an_idr_whose_own_sets_are_known(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct sender sender = new_sender(fixture, 1);
    send_pps(&sender, 4, 2);
    send_slice(&sender, true, 4, true);
    CHECK_EQUAL(video(fixture)->ready_end, 0);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_BEFORE_IDR], 2);
    send_sps(&sender, 2, 20);
    send_slice(&sender, true, 4, true);
    // The PPS was dropped, but is known.
    CHECK(gop_sets(check, fixture) == (sps_bit(2) | pps_bit(4)));
    CHECK_EQUAL(video(fixture)->stats.lost, 0);
    fixture_destroy(fixture);
}

static void sets_of_a_sender_that_is_gone_do_not_reach_those_of_the_next(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct sender sender = new_sender(fixture, 1);
    send_sps(&sender, 0, 20);
    for (uint32_t id = 0; id < 3; id++) send_pps(&sender, id, 0);
    send_slice(&sender, true, 0, true);
    fixture->now += EG_SECOND;
    struct sender next = new_sender(fixture, 2);
    send_sps(&next, 0, 40);
    send_pps(&next, 0, 0);
    send_slice(&next, true, 0, true);
    CHECK_EQUAL(video(fixture)->format.width, 640);
    CHECK(gop_sets(check, fixture) == (sps_bit(0) | pps_bit(0)));
    send_slice(&next, true, 0, true);
    CHECK(gop_sets(check, fixture) == (sps_bit(0) | pps_bit(0)));
    // A jump of its own numbers makes it no other sender.
    send_pps(&next, 1, 0);
    send_slice(&next, false, 1, true);
    next.sequence += EG_SOURCE_DROPOUT_MAX;
    send_slice(&next, true, 0, true);
    send_slice(&next, true, 0, true);
    CHECK(gop_sets(check, fixture) == (sps_bit(0) | pps_bit(0) | pps_bit(1)));
    CHECK_EQUAL(video(fixture)->stats.restarts, 2);
    fixture_destroy(fixture);
}

static void an_idr_that_names_what_nobody_has_is_given_nothing(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct sender sender = new_sender(fixture, 1);
    send_sps(&sender, 0, 20);
    send_pps(&sender, 0, 0);
    send_slice(&sender, true, 0, true);
    uint64_t begin = video(fixture)->ready_end;
    send_slice(&sender, true, 7, true);
    const uint8_t unreadable[] = {0x65, 0, 0, 0, 0};
    send_payload(&sender, unreadable, sizeof unreadable, true);
    CHECK_EQUAL(video(fixture)->ready_end, begin + 2);
    CHECK_EQUAL(video(fixture)->format.width, 320);
    fixture_destroy(fixture);
}

static const struct eg_test tests[] = {
    EG_TEST(two_pps_that_were_sent_once_stand_in_front_of_every_idr),
    EG_TEST(all_sets_of_an_aggregate_are_taken),
    EG_TEST(an_idr_is_preceded_by_the_pps_that_it_names_and_its_sps),
    EG_TEST(a_change_of_size_by_another_sps_id_is_told_with_its_first_idr),
    EG_TEST(several_slices_of_one_idr_get_their_sets_once),
    EG_TEST(an_idr_that_brings_some_sets_gets_the_rest),
    EG_TEST(an_epoch_begins_at_an_idr_whose_own_sets_are_known),
    EG_TEST(sets_of_a_sender_that_is_gone_do_not_reach_those_of_the_next),
    EG_TEST(an_idr_that_names_what_nobody_has_is_given_nothing),
};

EG_TEST_SUITE(source_sets, tests);
