// What holds of a source in each codec: where its epochs begin, what is stored, which format is told, what is refused.
#include "support/source_fixture.h"

static const eg_codec videos[] = {EG_CODEC_H264, EG_CODEC_H265, EG_CODEC_VP8, EG_CODEC_VP9, EG_CODEC_AV1};

enum { VIDEOS = sizeof videos / sizeof videos[0], GOP = 10 };

static struct eg_sim_ffmpeg_config config_of(eg_codec codec) {
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.video_codec = codec;
    config.gop_pictures = GOP;
    return config;
}

static struct eg_sim_ffmpeg start_codec(struct fixture *fixture, eg_codec codec, uint64_t seed) {
    struct eg_sim_ffmpeg_config config = config_of(codec);
    return start(fixture, &config, seed);
}

static const struct eg_packet *packet_at(struct fixture *fixture, uint64_t place) { return eg__store_get(&fixture->stores[EG_VIDEO], place); }

// Nothing is missing of what may go to viewers.
static bool is_without_gap(const struct fixture *fixture) {
    const struct eg_store *store = &fixture->stores[EG_VIDEO];
    return stored(store, store->begin, store->end) == store->end - store->begin;
}

static void an_epoch_begins_at_the_first_key_picture(struct eg_check *check) {
    for (size_t row = 0; row < VIDEOS; row++) {
        struct fixture *fixture = fixture_create_of(videos[row], EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, videos[row], 1);
        ffmpeg.legs[EG_VIDEO].next = 4; // in the middle of a GOP
        send_pictures(fixture, &ffmpeg, 6);
        uint32_t before = ffmpeg.legs[EG_VIDEO].packets;
        CHECK_ROW(video(fixture)->ready_end == 0 && fixture->drops[EG_DROP_SOURCE_BEFORE_IDR] == before, row);
        fixture->now += EG_SECOND / 30;
        send_pictures(fixture, &ffmpeg, 15);
        CHECK_ROW(dropped(fixture) == before, row);
        CHECK_ROW(video(fixture)->key_pictures == 2 && video(fixture)->pictures == 15, row);
        CHECK_ROW(video(fixture)->ready_end == 1 + ffmpeg.legs[EG_VIDEO].packets - before && is_without_gap(fixture), row);
        const struct eg_packet *first = packet_at(fixture, fixture->stores[EG_VIDEO].gop_begin);
        CHECK_ROW(first != NULL && first->timestamp - ffmpeg.legs[EG_VIDEO].base_timestamp == 20 * 3000, row);
        CHECK_ROW(video(fixture)->stats.lost == 0, row);
        fixture_destroy(fixture);
    }
}

static void a_key_picture_tells_its_format(struct eg_check *check) {
    for (size_t row = 0; row < VIDEOS; row++) {
        struct fixture *fixture = fixture_create_of(videos[row], EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, videos[row], 2);
        send_pictures(fixture, &ffmpeg, GOP);
        CHECK_ROW(take_event(video(fixture), EG_STREAM_VIDEO_FORMAT), row);
        CHECK_ROW(video(fixture)->format.width == 640 && video(fixture)->format.height == 360, row);
        CHECK_ROW(video(fixture)->format.chroma_format_idc == 1, row);
        send_pictures(fixture, &ffmpeg, GOP);
        CHECK_ROW(!take_event(video(fixture), EG_STREAM_VIDEO_FORMAT), row);
        ffmpeg.config.format = 1; // a change of size in mid-stream
        send_pictures(fixture, &ffmpeg, 1);
        CHECK_ROW(take_event(video(fixture), EG_STREAM_VIDEO_FORMAT), row);
        CHECK_ROW(video(fixture)->format.width == 1280 && video(fixture)->format.height == 720, row);
        CHECK_ROW(dropped(fixture) == 0, row);
        fixture_destroy(fixture);
    }
}

static void another_sender_begins_another_epoch_behind_the_last(struct eg_check *check) {
    for (size_t row = 0; row < VIDEOS; row++) {
        struct fixture *fixture = fixture_create_of(videos[row], EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg first = start_codec(fixture, videos[row], 3);
        send_pictures(fixture, &first, 5);
        uint64_t end = video(fixture)->ready_end;
        uint32_t timestamp = video(fixture)->picture_timestamp;
        fixture->now += EG_SECOND;
        struct eg_sim_ffmpeg second = start_codec(fixture, videos[row], 4);
        send_pictures(fixture, &second, 5);
        CHECK_ROW(video(fixture)->stats.restarts == 1 && fixture->stores[EG_VIDEO].gop_begin == end, row);
        CHECK_ROW(packet_at(fixture, end) != NULL && packet_at(fixture, end)->timestamp == timestamp + 90000, row);
        CHECK_ROW(video(fixture)->ready_end == end + second.legs[EG_VIDEO].packets, row);
        CHECK_ROW(dropped(fixture) <= 1, row); // what was held back has been taken, or was in front of it
        fixture_destroy(fixture);
    }
}

// H.264 and H.265 may show pictures in another order.
static void b_frames_are_noticed(struct eg_check *check) {
    for (size_t row = 0; row < 2; row++) {
        struct fixture *fixture = fixture_create_of(videos[row], EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, videos[row], 5);
        ffmpeg.config.has_b_frames = true;
        send_pictures(fixture, &ffmpeg, GOP);
        CHECK_ROW(take_event(video(fixture), EG_STREAM_B_FRAMES), row);
        fixture_destroy(fixture);
    }
}

// --- what is stored ---

static void payloads_of_most_codecs_are_stored_as_they_come(struct eg_check *check) {
    static const eg_codec codecs[] = {EG_CODEC_H264, EG_CODEC_H265, EG_CODEC_AV1};
    for (size_t row = 0; row < 3; row++) {
        struct fixture *fixture = fixture_create_of(codecs[row], EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, codecs[row], 6);
        capture_picture(fixture, &ffmpeg);
        deliver_all(fixture);
        for (size_t i = 0; i < fixture->captured_count; i++) {
            const struct eg_packet *packet = packet_at(fixture, 1 + i);
            CHECK_ROW(packet != NULL && packet->size == fixture->captured[i].size - EG_RTP_HEADER_SIZE, row);
            CHECK_ROW(memcmp(packet->payload, fixture->captured[i].bytes + EG_RTP_HEADER_SIZE, packet->size) == 0, row);
        }
        fixture_destroy(fixture);
    }
}

static void of_vp8_is_stored_what_is_behind_the_picture_id(struct eg_check *check) {
    struct fixture *fixture = fixture_create_of(EG_CODEC_VP8, EG_CODEC_DEFAULT);
    struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, EG_CODEC_VP8, 7);
    for (int picture = 0; picture < 3; picture++) {
        uint64_t place = picture == 0 ? 1 : video(fixture)->ready_end;
        capture_picture(fixture, &ffmpeg);
        deliver_all(fixture);
        for (size_t i = 0; i < fixture->captured_count; i++, place++) {
            const struct eg_packet *packet = packet_at(fixture, place);
            const uint8_t *sent = fixture->captured[i].bytes + EG_RTP_HEADER_SIZE;
            REQUIRE(packet != NULL && packet->size == fixture->captured[i].size - EG_RTP_HEADER_SIZE - 3u);
            CHECK_EQUAL(packet->payload[0], i == 0 ? 0x10 : 0x00);
            CHECK(memcmp(packet->payload + 1, sent + 4, packet->size - 1u) == 0);
        }
        fixture->now += EG_SECOND / 30;
    }
    fixture_destroy(fixture);
}

// Gives the bits of each packet of a picture, the first in the lowest, 0 where nothing is stored.
static unsigned marked_inter(struct fixture *fixture, uint64_t place, size_t count) {
    unsigned marked = 0;
    for (size_t i = 0; i < count; i++) {
        const struct eg_packet *packet = packet_at(fixture, place + i);
        if (packet != NULL && (packet->payload[0] & 0x40) != 0) marked |= 1u << i;
    }
    return marked;
}

static void every_packet_of_vp9_says_whether_its_picture_refers_to_others(struct eg_check *check) {
    struct fixture *fixture = fixture_create_of(EG_CODEC_VP9, EG_CODEC_DEFAULT);
    struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, EG_CODEC_VP9, 8);
    for (int picture = 0; picture < 2 * GOP; picture++) {
        uint64_t place = picture == 0 ? 1 : video(fixture)->ready_end;
        capture_picture(fixture, &ffmpeg);
        deliver_all(fixture);
        size_t count = fixture->captured_count;
        CHECK_ROW(marked_inter(fixture, place, count) == (picture % GOP == 0 ? 0 : (1u << count) - 1), picture);
        for (size_t i = 0; i < count; i++) { // and nothing else is another
            const uint8_t *sent = fixture->captured[i].bytes + EG_RTP_HEADER_SIZE;
            const struct eg_packet *packet = packet_at(fixture, place + i);
            CHECK_ROW((packet->payload[0] & 0xbf) == sent[0], picture);
            CHECK_ROW(packet->size == fixture->captured[i].size - EG_RTP_HEADER_SIZE, picture);
            CHECK_ROW(memcmp(packet->payload + 1, sent + 1, packet->size - 1u) == 0, picture);
        }
        fixture->now += EG_SECOND / 30;
    }
    CHECK_EQUAL(dropped(fixture), 0);
    fixture_destroy(fixture);
}

// What it was can't be known, so it is taken for what most are: its packets then never pass for a key picture's.
static void a_picture_of_vp9_whose_first_packet_is_lost_is_none_that_can_be_joined(struct eg_check *check) {
    for (int is_key = 0; is_key < 2; is_key++) {
        struct fixture *fixture = fixture_create_of(EG_CODEC_VP9, EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, EG_CODEC_VP9, 9);
        send_pictures(fixture, &ffmpeg, is_key ? GOP : GOP - 1);
        uint64_t place = video(fixture)->ready_end, gop_begin = fixture->stores[EG_VIDEO].gop_begin;
        fixture->now += EG_SECOND / 30;
        ffmpeg.config.picture_size = 4000;
        capture_picture(fixture, &ffmpeg);
        REQUIRE(fixture->captured_count >= 2);
        for (size_t i = 1; i < fixture->captured_count; i++) deliver(fixture, &fixture->captured[i]);
        CHECK_ROW(marked_inter(fixture, place, fixture->captured_count) == (1u << fixture->captured_count) - 2, is_key);
        CHECK_ROW(fixture->stores[EG_VIDEO].gop_begin == gop_begin && video(fixture)->key_pictures == 1, is_key);
        // It was only late: what it says itself holds of it.
        deliver(fixture, &fixture->captured[0]);
        CHECK_ROW((marked_inter(fixture, place, 1) == 0) == is_key, is_key);
        fixture_destroy(fixture);
    }
}

static void a_late_packet_of_a_key_picture_of_vp9_is_marked_as_its_picture_is(struct eg_check *check) {
    struct fixture *fixture = fixture_create_of(EG_CODEC_VP9, EG_CODEC_DEFAULT);
    struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, EG_CODEC_VP9, 10);
    capture_picture(fixture, &ffmpeg);
    REQUIRE(fixture->captured_count > 3);
    struct captured late = fixture->captured[2];
    for (size_t i = 0; i < fixture->captured_count; i++)
        if (i != 2) deliver(fixture, &fixture->captured[i]);
    fixture->now += EG_SECOND / 30;
    send_pictures(fixture, &ffmpeg, 1);
    deliver(fixture, &late);
    CHECK(packet_at(fixture, 3) != NULL && marked_inter(fixture, 1, 4) == 0);
    fixture_destroy(fixture);
}

// --- parameter sets of H.265 ---

// What is in front of a key picture that comes at the next place without some of its sets.
static const struct eg_packet *send_key_without(struct fixture *fixture, struct eg_sim_ffmpeg *ffmpeg, unsigned lost) {
    uint64_t place = video(fixture)->ready_end;
    capture_picture(fixture, ffmpeg);
    for (size_t i = 0; i < fixture->captured_count; i++) {
        if ((lost >> i & 1) == 0) deliver(fixture, &fixture->captured[i]);
    }
    while (packet_at(fixture, place) == NULL && place < video(fixture)->ready_end) place++;
    return packet_at(fixture, place);
}

static bool is_aggregate_of(const struct eg_packet *packet, const uint8_t *types, size_t count) {
    if (packet == NULL || packet->size < 2 || packet->payload[0] != 0x60 || packet->payload[1] != 0x01) return false;
    struct eg_nal_units units = eg__nal_units_of_aggregate(packet->payload, packet->size, 2);
    const uint8_t *nal;
    size_t size, at = 0;
    for (; eg__nal_next_unit(&units, &nal, &size); at++)
        if (at >= count || (nal[0] >> 1) != types[at]) return false;
    return at == count;
}

static void a_key_picture_of_h265_without_sets_gets_all_three_in_front_of_it(struct eg_check *check) {
    static const uint8_t all[] = {32, 33, 34};
    for (int has_single_sets = 0; has_single_sets < 2; has_single_sets++) {
        struct fixture *fixture = fixture_create_of(EG_CODEC_H265, EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg_config config = config_of(EG_CODEC_H265);
        config.has_single_sets = has_single_sets;
        struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 11);
        send_pictures(fixture, &ffmpeg, GOP);
        CHECK_ROW(video(fixture)->ready_end == 1 + ffmpeg.legs[EG_VIDEO].packets, has_single_sets); // it came with its own
        ffmpeg.config.has_no_sets = true;
        for (int gop = 0; gop < 3; gop++) {
            fixture->now += EG_SECOND / 30;
            uint64_t begin = video(fixture)->ready_end;
            send_pictures(fixture, &ffmpeg, GOP);
            CHECK_ROW(fixture->stores[EG_VIDEO].gop_begin == begin, gop);
            CHECK_ROW(is_aggregate_of(packet_at(fixture, begin), all, 3), gop);
            CHECK_ROW(packet_at(fixture, begin)->timestamp == packet_at(fixture, begin + 1)->timestamp, gop);
        }
        CHECK_ROW(dropped(fixture) == 0 && is_without_gap(fixture), has_single_sets);
        fixture_destroy(fixture);
    }
}

// Each of the three alone in its packet. A decoder takes an SPS only behind its VPS, and a PPS only behind its SPS.
static void a_key_picture_of_h265_gets_the_sets_that_were_lost_on_the_way(struct eg_check *check) {
    static const uint8_t all[] = {32, 33, 34};
    for (unsigned lost = 1; lost < 8; lost++) {
        struct fixture *fixture = fixture_create_of(EG_CODEC_H265, EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg_config config = config_of(EG_CODEC_H265);
        config.has_single_sets = true;
        struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 12);
        send_pictures(fixture, &ffmpeg, GOP);
        fixture->now += EG_SECOND / 30;
        send_key_without(fixture, &ffmpeg, lost);
        uint64_t place = fixture->stores[EG_VIDEO].gop_begin;
        while (packet_at(fixture, place) == NULL || packet_at(fixture, place)->payload[0] == 0x40 || packet_at(fixture, place)->payload[0] == 0x42 ||
               (lost != 4 && packet_at(fixture, place)->payload[0] == 0x44))
            place++;
        const struct eg_packet *repair = packet_at(fixture, place);
        if (lost == 4) CHECK_ROW(repair->payload[0] == 0x44 && repair->size == 6, lost); // the PPS alone
        else CHECK_ROW(is_aggregate_of(repair, all, 3), lost);
        const struct eg_packet *slice = packet_at(fixture, place + 1);
        CHECK_ROW(slice != NULL && eg__codec_traits(EG_CODEC_H265, true)->inspect(slice->payload, slice->size).starts_key, lost);
        fixture_destroy(fixture);
    }
}

static void an_epoch_of_h265_begins_at_a_key_picture_whose_three_sets_are_known(struct eg_check *check) {
    struct fixture *fixture = fixture_create_of(EG_CODEC_H265, EG_CODEC_DEFAULT);
    struct eg_sim_ffmpeg_config config = config_of(EG_CODEC_H265);
    config.has_single_sets = true;
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 13);
    send_key_without(fixture, &ffmpeg, 1); // no VPS was ever there
    CHECK_EQUAL(video(fixture)->ready_end, 0);
    send_pictures(fixture, &ffmpeg, GOP - 1);
    CHECK_EQUAL(video(fixture)->ready_end, 0);
    fixture->now += EG_SECOND / 30;
    ffmpeg.config.has_no_sets = true;
    send_pictures(fixture, &ffmpeg, GOP);
    CHECK_EQUAL(video(fixture)->ready_end, 0);
    fixture->now += EG_SECOND / 30;
    ffmpeg.config.has_no_sets = false;
    send_pictures(fixture, &ffmpeg, 1);
    CHECK(video(fixture)->ready_end > 0 && video(fixture)->key_pictures == 1);
    fixture_destroy(fixture);
}

// --- what is refused ---

static void send_raw(struct fixture *fixture, const struct eg_sim_leg *leg, uint32_t ssrc, uint16_t sequence, uint32_t timestamp,
                     const uint8_t *payload, size_t size) {
    struct captured datagram = {.kind = EG_VIDEO, .from = leg->addr, .size = EG_RTP_HEADER_SIZE + size};
    eg__rtp_write_header(datagram.bytes, true, EG_SIM_VIDEO_PAYLOAD_TYPE, sequence, timestamp, ssrc);
    memcpy(datagram.bytes + EG_RTP_HEADER_SIZE, payload, size);
    deliver(fixture, &datagram);
}

static const uint8_t no_payload[] = {0}; // of any codec

static void a_payload_that_is_not_the_codecs_is_as_if_it_had_not_been_sent(struct eg_check *check) {
    for (size_t row = 0; row < VIDEOS; row++) {
        struct fixture *fixture = fixture_create_of(videos[row], EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, videos[row], 14);
        struct eg_sim_leg *leg = &ffmpeg.legs[EG_VIDEO];
        unsigned refused = 0;
        for (int picture = 0; picture < 2 * GOP; picture++) {
            for (int i = 0; i <= picture % 3; i++, refused++)
                send_raw(fixture, leg, leg->ssrc, leg->sequence++, leg->base_timestamp + 12345, no_payload, picture == 4 ? 0 : 1);
            send_pictures(fixture, &ffmpeg, 1);
            fixture->now += EG_SECOND / 30;
        }
        CHECK_ROW(fixture->drops[EG_DROP_SOURCE_PAYLOAD] == refused && dropped(fixture) == refused, row);
        CHECK_ROW(video(fixture)->pictures == 2 * GOP && video(fixture)->key_pictures == 2, row);
        CHECK_ROW(video(fixture)->ready_end == 1 + leg->packets && is_without_gap(fixture), row);
        CHECK_ROW(video(fixture)->stats.lost == 0 && video(fixture)->stats.restarts == 0, row);
        CHECK_ROW(video(fixture)->stats.packets == leg->packets, row);
        fixture_destroy(fixture);
    }
}

// What was lost in front of it still is, and what was only late does not come to lie where it does not belong.
static void beside_a_loss_a_payload_that_is_not_the_codecs_keeps_its_places_right(struct eg_check *check) {
    struct fixture *fixture = fixture_create_of(EG_CODEC_VP8, EG_CODEC_DEFAULT);
    struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, EG_CODEC_VP8, 15);
    struct eg_sim_leg *leg = &ffmpeg.legs[EG_VIDEO];
    send_pictures(fixture, &ffmpeg, 2);
    uint64_t end = video(fixture)->ready_end;
    fixture->now += EG_SECOND / 30;
    ffmpeg.config.picture_size = 6000;
    capture_picture(fixture, &ffmpeg); // two of its packets are lost
    REQUIRE(fixture->captured_count >= 3);
    struct captured first = fixture->captured[0], second = fixture->captured[1];
    uint16_t sequence = (uint16_t)(leg->sequence - fixture->captured_count + 2);
    send_raw(fixture, leg, leg->ssrc, sequence, 0, no_payload, 1); // takes the third's number
    for (size_t i = 2; i < fixture->captured_count; i++) {
        uint16_t shifted = (uint16_t)(sequence + i - 1);
        fixture->captured[i].bytes[2] = (uint8_t)(shifted >> 8);
        fixture->captured[i].bytes[3] = (uint8_t)shifted;
        deliver(fixture, &fixture->captured[i]);
    }
    CHECK(packet_at(fixture, end) == NULL && packet_at(fixture, end + 1) == NULL && packet_at(fixture, end + 2) != NULL);
    CHECK_EQUAL(video(fixture)->ready_end, end + fixture->captured_count);
    deliver(fixture, &first);
    deliver(fixture, &second);
    CHECK(packet_at(fixture, end) == NULL && packet_at(fixture, end + 1) == NULL);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_LATE], 2);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_PAYLOAD], 1);
    fixture_destroy(fixture);
}

static void a_payload_that_is_not_the_codecs_begins_no_epoch_and_holds_none_up(struct eg_check *check) {
    for (size_t row = 0; row < VIDEOS; row++) {
        struct fixture *fixture = fixture_create_of(videos[row], EG_CODEC_DEFAULT);
        struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, videos[row], 16);
        struct eg_sim_leg *leg = &ffmpeg.legs[EG_VIDEO];
        for (uint16_t i = 0; i < 4; i++) send_raw(fixture, leg, 77, i, 0, no_payload, 1);
        CHECK_ROW(video(fixture)->state == EG_SOURCE_WAITING && !video(fixture)->stats.active, row);
        send_pictures(fixture, &ffmpeg, 3);
        fixture->now += EG_SECOND / 30;
        for (uint16_t i = 0; i < 4; i++) send_raw(fixture, leg, 77, i, 0, no_payload, 1); // its own address, another SSRC
        send_pictures(fixture, &ffmpeg, 3);
        CHECK_ROW(video(fixture)->stats.restarts == 0 && video(fixture)->ready_end == 1 + leg->packets, row);
        CHECK_ROW(fixture->drops[EG_DROP_SOURCE_PAYLOAD] == 8 && dropped(fixture) == 8, row);
        // One that sends nothing else falls silent.
        for (uint16_t i = 0; i < 40; i++) {
            fixture->now += EG_SECOND / 30;
            send_raw(fixture, leg, leg->ssrc, leg->sequence++, 0, no_payload, 1);
            eg__source_tick(video(fixture), fixture->now);
        }
        CHECK_ROW(!video(fixture)->stats.active && take_event(video(fixture), EG_STREAM_INACTIVE), row);
        fixture_destroy(fixture);
    }
}

// A sender that comes back in another codec on the same port.
// Whichever of two codecs it is, the wrong one is found out: it brings no key picture that the right one would have.
static void a_source_that_sends_another_codec_is_found_out(struct eg_check *check) {
    for (size_t row = 0; row < VIDEOS; row++) {
        for (size_t other = 0; other < VIDEOS; other++) {
            struct fixture *fixture = fixture_create_of(videos[row], EG_CODEC_DEFAULT);
            struct eg_sim_ffmpeg wrong = start_codec(fixture, videos[other], 17 + other);
            unsigned told = 0;
            for (int picture = 0; picture < 120 * GOP; picture++) {
                send_pictures(fixture, &wrong, 1);
                fixture->now += EG_SECOND / 30;
                told += video(fixture)->events >> EG_STREAM_OTHER_CODEC & 1;
                video(fixture)->events = 0;
            }
            CHECK_ROW((told > 0) == (row != other), row * 10 + other);
            fixture_destroy(fixture);
        }
    }
}

static void what_another_codec_sends_is_nothing_that_viewers_get(struct eg_check *check) {
    for (size_t row = 0; row < VIDEOS; row++) {
        for (size_t other = 0; other < VIDEOS; other++) {
            if (other == row) continue;
            struct fixture *fixture = fixture_create_of(videos[row], EG_CODEC_DEFAULT);
            struct eg_sim_ffmpeg ffmpeg = start_codec(fixture, videos[row], 17);
            send_pictures(fixture, &ffmpeg, 5);
            uint64_t end = video(fixture)->ready_end;
            fixture->now += EG_SECOND;
            struct eg_sim_ffmpeg foreign = start_codec(fixture, videos[other], 18);
            send_pictures(fixture, &foreign, 2 * GOP);
            CHECK_ROW(video(fixture)->ready_end == end && video(fixture)->key_pictures == 1, row * 10 + other);
            uint64_t refused = fixture->drops[EG_DROP_SOURCE_PAYLOAD] + fixture->drops[EG_DROP_SOURCE_BEFORE_IDR];
            refused += fixture->drops[EG_DROP_SOURCE_STRANGER]; // held back, and not followed by another that is valid
            CHECK_ROW(dropped(fixture) == refused && refused + 1 >= foreign.legs[EG_VIDEO].packets, row * 10 + other); // one still is
            // It comes to its senses.
            fixture->now += EG_SECOND;
            struct eg_sim_ffmpeg again = start_codec(fixture, videos[row], 19);
            send_pictures(fixture, &again, 5);
            CHECK_ROW(video(fixture)->ready_end == end + again.legs[EG_VIDEO].packets && is_without_gap(fixture), row * 10 + other);
            fixture_destroy(fixture);
        }
    }
}

// --- sound ---

static void sound_counts_in_the_clock_of_its_codec(struct eg_check *check) {
    static const struct {
        eg_codec codec;
        uint32_t rate;
    } rows[] = {{EG_CODEC_OPUS, 48000}, {EG_CODEC_PCMU, 8000}, {EG_CODEC_PCMA, 8000}, {EG_CODEC_G722, 8000}};
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct fixture *fixture = fixture_create_of(EG_CODEC_DEFAULT, rows[row].codec);
        struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
        config.audio_codec = rows[row].codec;
        struct eg_sim_ffmpeg first = start(fixture, &config, 20);
        for (int i = 0; i < 50; i++, fixture->now += 20 * EG_MILLISECOND) eg_sim_ffmpeg_send_audio(&first);
        uint32_t timestamp;
        REQUIRE(eg__clock_timestamp(&fixture->clock, EG_AUDIO, fixture->now, &timestamp));
        CHECK_ROW(timestamp == first.legs[EG_AUDIO].base_timestamp + rows[row].rate, row);
        // A restart is laid as much later as time has passed.
        uint32_t last = fixture->sources[EG_AUDIO].picture_timestamp;
        fixture->now += EG_SECOND - 20 * EG_MILLISECOND;
        struct eg_sim_ffmpeg second = start(fixture, &config, 21);
        for (int i = 0; i < 2; i++) eg_sim_ffmpeg_send_audio(&second);
        uint64_t place = fixture->sources[EG_AUDIO].ready_end - 2;
        const struct eg_packet *packet = eg__store_get(&fixture->stores[EG_AUDIO], place);
        CHECK_ROW(packet != NULL && packet->timestamp == last + rows[row].rate, row);
        CHECK_ROW(dropped(fixture) == 0, row);
        fixture_destroy(fixture);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(an_epoch_begins_at_the_first_key_picture),
    EG_TEST(a_key_picture_tells_its_format),
    EG_TEST(another_sender_begins_another_epoch_behind_the_last),
    EG_TEST(b_frames_are_noticed),
    EG_TEST(payloads_of_most_codecs_are_stored_as_they_come),
    EG_TEST(of_vp8_is_stored_what_is_behind_the_picture_id),
    EG_TEST(every_packet_of_vp9_says_whether_its_picture_refers_to_others),
    EG_TEST(a_picture_of_vp9_whose_first_packet_is_lost_is_none_that_can_be_joined),
    EG_TEST(a_late_packet_of_a_key_picture_of_vp9_is_marked_as_its_picture_is),
    EG_TEST(a_key_picture_of_h265_without_sets_gets_all_three_in_front_of_it),
    EG_TEST(a_key_picture_of_h265_gets_the_sets_that_were_lost_on_the_way),
    EG_TEST(an_epoch_of_h265_begins_at_a_key_picture_whose_three_sets_are_known),
    EG_TEST(a_payload_that_is_not_the_codecs_is_as_if_it_had_not_been_sent),
    EG_TEST(beside_a_loss_a_payload_that_is_not_the_codecs_keeps_its_places_right),
    EG_TEST(a_payload_that_is_not_the_codecs_begins_no_epoch_and_holds_none_up),
    EG_TEST(a_source_that_sends_another_codec_is_found_out),
    EG_TEST(what_another_codec_sends_is_nothing_that_viewers_get),
    EG_TEST(sound_counts_in_the_clock_of_its_codec),
};

EG_TEST_SUITE(source_codecs, tests);
