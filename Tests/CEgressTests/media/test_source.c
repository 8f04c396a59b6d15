#include "support/source_fixture.h"

// --- pictures ---

static void stores_every_packet_as_it_was_sent(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 1);
    for (int i = 0; i < 3; i++) {
        uint64_t first = video(fixture)->ready_end > 0 ? video(fixture)->ready_end : 1;
        capture_picture(fixture, &ffmpeg);
        deliver_all(fixture);
        REQUIRE(video(fixture)->ready_end == first + fixture->captured_count);
        for (size_t at = 0; at < fixture->captured_count; at++) {
            const struct eg_packet *packet = eg__store_get(&fixture->stores[EG_VIDEO], first + at);
            struct eg_rtp rtp;
            REQUIRE(packet != NULL && eg__rtp_parse(&rtp, fixture->captured[at].bytes, fixture->captured[at].size));
            CHECK_EQUAL(packet->size, rtp.payload_size);
            CHECK_BYTES(packet->payload, rtp.payload, rtp.payload_size);
            CHECK_EQUAL(packet->timestamp, rtp.timestamp);
            CHECK_EQUAL(packet->marker, rtp.marker);
        }
    }
    CHECK_EQUAL(dropped(fixture), 0);
    CHECK_EQUAL(video(fixture)->pictures, 3);
    CHECK_EQUAL(video(fixture)->key_pictures, 1);
    fixture_destroy(fixture);
}

static void a_picture_is_given_out_whole_at_its_marker(struct eg_check *check) {
    static const uint32_t slices[] = {1, 2, 4, 8};
    for (size_t row = 0; row < 4; row++) {
        struct fixture *fixture = fixture_create();
        struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
        config.slices = slices[row];
        struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 2);
        for (int picture = 0; picture < 5; picture++) {
            uint64_t ready = video(fixture)->ready_end;
            capture_picture(fixture, &ffmpeg);
            for (size_t i = 0; i + 1 < fixture->captured_count; i++) {
                deliver(fixture, &fixture->captured[i]);
                CHECK_ROW(video(fixture)->ready_end == ready, row);
                CHECK_ROW(eg__source_deadline(video(fixture)) == fixture->now + EG_PICTURE_FLUSH, row);
            }
            deliver(fixture, &fixture->captured[fixture->captured_count - 1]);
            CHECK_ROW(video(fixture)->ready_end == video(fixture)->highest + 1, row);
            fixture->now += EG_SECOND / 30;
        }
        CHECK_ROW(video(fixture)->pictures == 5, row);
        fixture_destroy(fixture);
    }
}

static void a_picture_without_its_marker_is_given_out_after_a_millisecond(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 3);
    capture_picture(fixture, &ffmpeg);
    eg_time first = fixture->now;
    for (size_t i = 0; i < 3; i++, fixture->now += 100) deliver(fixture, &fixture->captured[i]);
    CHECK_EQUAL(eg__source_deadline(video(fixture)), first + EG_PICTURE_FLUSH);
    eg__source_tick(video(fixture), first + EG_PICTURE_FLUSH - 1);
    CHECK_EQUAL(video(fixture)->ready_end, 0);
    eg__source_tick(video(fixture), first + EG_PICTURE_FLUSH);
    CHECK_EQUAL(video(fixture)->ready_end, 4);
    CHECK_EQUAL(eg__source_deadline(video(fixture)), fixture->now - 100 + EG_SOURCE_INACTIVE);
    // The rest of it goes as it comes.
    for (size_t i = 3; i < fixture->captured_count; i++) deliver(fixture, &fixture->captured[i]);
    CHECK_EQUAL(video(fixture)->ready_end, fixture->captured_count + 1);
    CHECK_EQUAL(video(fixture)->pictures, 1);
    fixture_destroy(fixture);
}

static void a_picture_whose_marker_was_lost_is_given_out_when_the_next_begins(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 3);
    capture_picture(fixture, &ffmpeg);
    fixture->captured_count--;
    deliver_all(fixture);
    CHECK_EQUAL(video(fixture)->ready_end, 0);
    size_t first_count = fixture->captured_count;
    capture_picture(fixture, &ffmpeg);
    deliver(fixture, &fixture->captured[0]);
    CHECK_EQUAL(video(fixture)->ready_end, first_count + 1);
    CHECK_EQUAL(video(fixture)->stats.lost, 1);
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], first_count + 1) == NULL);
    fixture_destroy(fixture);
}

static void audio_is_given_out_at_once(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 4);
    for (uint64_t i = 1; i <= 100; i++, fixture->now += 20 * EG_MILLISECOND) {
        eg_sim_ffmpeg_send_audio(&ffmpeg);
        CHECK_ROW(fixture->sources[EG_AUDIO].ready_end == i + 1, i);
    }
    CHECK_EQUAL(dropped(fixture), 0);
    fixture_destroy(fixture);
}

static void a_bit_rate_is_not_measured_over_a_silence(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 6);
    struct eg_source *source = &fixture->sources[EG_AUDIO];
    for (int i = 0; i < 200; i++, fixture->now += 20 * EG_MILLISECOND) eg_sim_ffmpeg_send_audio(&ffmpeg);
    uint32_t typical = source->typical_bit_rate;
    CHECK(typical > 0);
    fixture->now += 30 * EG_SECOND;
    eg__source_tick(source, fixture->now);
    CHECK_EQUAL(source->stats.bit_rate, 0);
    for (int i = 0; i < 60; i++, fixture->now += 20 * EG_MILLISECOND) {
        eg_sim_ffmpeg_send_audio(&ffmpeg);
        CHECK_ROW(source->typical_bit_rate > typical * 9 / 10 && source->typical_bit_rate < typical * 11 / 10, i);
    }
    CHECK(source->stats.bit_rate > typical * 9 / 10);
    fixture_destroy(fixture);
}

static void a_picture_that_is_late_by_a_packet_still_is_in_order(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 5);
    send_pictures(fixture, &ffmpeg, 1);
    uint64_t first = video(fixture)->ready_end;
    capture_picture(fixture, &ffmpeg);
    REQUIRE(fixture->captured_count >= 2);
    struct captured marker = fixture->captured[--fixture->captured_count];
    deliver_all(fixture);
    uint64_t place = first + fixture->captured_count;
    capture_picture(fixture, &ffmpeg);
    deliver(fixture, &fixture->captured[0]);
    deliver(fixture, &marker);
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], place)->marker);
    CHECK_EQUAL(video(fixture)->pictures, 3);
    CHECK_EQUAL(video(fixture)->stats.lost, 0);
    CHECK_EQUAL(dropped(fixture), 0);
    fixture_destroy(fixture);
}

static void the_live_timestamp_goes_on_to_just_under_the_next_picture(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 6);
    send_pictures(fixture, &ffmpeg, 2);
    uint32_t timestamp = ffmpeg.legs[EG_VIDEO].base_timestamp + 3000;
    static const struct {
        eg_time after; // [us]
        uint32_t ticks;
    } rows[] = {{0, 0}, {1000, 90}, {33000, 2970}, {33333, 2999}, {50000, 2999}, {5000000, 2999}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_ROW(eg__source_live_timestamp(video(fixture), fixture->now + rows[i].after) == timestamp + rows[i].ticks, i);
    fixture_destroy(fixture);
}

// --- parameter sets ---

static void an_idr_with_its_sets_gets_no_others(struct eg_check *check) {
    for (int has_single_sets = 0; has_single_sets < 2; has_single_sets++) {
        struct fixture *fixture = fixture_create();
        struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
        config.has_single_sets = has_single_sets;
        config.gop_pictures = 4;
        struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 7);
        send_pictures(fixture, &ffmpeg, 9);
        CHECK_ROW(video(fixture)->ready_end == 1u + ffmpeg.legs[EG_VIDEO].packets, has_single_sets);
        CHECK_ROW(stored(&fixture->stores[EG_VIDEO], 1, video(fixture)->ready_end) == ffmpeg.legs[EG_VIDEO].packets, has_single_sets);
        CHECK_ROW(video(fixture)->key_pictures == 3, has_single_sets);
        fixture_destroy(fixture);
    }
}

static void an_idr_without_sets_gets_those_that_came_before_in_front_of_it(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 4;
    config.slices = 3;
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 8);
    send_pictures(fixture, &ffmpeg, 4);
    ffmpeg.config.has_no_sets = true;
    uint64_t idr = video(fixture)->ready_end;
    fixture->now += EG_SECOND / 30;
    capture_picture(fixture, &ffmpeg);
    deliver_all(fixture);
    const struct eg_store *store = &fixture->stores[EG_VIDEO];
    CHECK(is_sets(eg__store_get(store, idr), 0));
    CHECK(starts_idr(eg__store_get(store, idr + 1)));
    CHECK_EQUAL(eg__store_get(store, idr)->timestamp, eg__store_get(store, idr + 1)->timestamp);
    CHECK(!eg__store_get(store, idr)->marker);
    CHECK_EQUAL(store->gop_begin, idr);
    // One for all slices, and nothing is lost or moved by it.
    CHECK_EQUAL(video(fixture)->ready_end, idr + fixture->captured_count + 1);
    CHECK_EQUAL(stored(store, idr, video(fixture)->ready_end), fixture->captured_count + 1);
    CHECK_EQUAL(video(fixture)->stats.lost, 0);
    fixture->now += EG_SECOND / 30;
    send_pictures(fixture, &ffmpeg, 1);
    CHECK_EQUAL(stored(store, idr, video(fixture)->ready_end), video(fixture)->ready_end - idr);
    fixture_destroy(fixture);
}

static void an_idr_whose_sets_were_lost_on_the_way_is_repaired_too(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 2;
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 9);
    send_pictures(fixture, &ffmpeg, 2);
    uint64_t lost = video(fixture)->ready_end;
    capture_picture(fixture, &ffmpeg);
    for (size_t i = 1; i < fixture->captured_count; i++) deliver(fixture, &fixture->captured[i]);
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], lost) == NULL);
    CHECK(is_sets(eg__store_get(&fixture->stores[EG_VIDEO], lost + 1), 0));
    CHECK(starts_idr(eg__store_get(&fixture->stores[EG_VIDEO], lost + 2)));
    CHECK_EQUAL(fixture->stores[EG_VIDEO].gop_begin, lost + 1);
    // What comes late from before the repair has no place of its own any more.
    deliver(fixture, &fixture->captured[0]);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_LATE], 1);
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], lost) == NULL);
    fixture_destroy(fixture);
}

static void new_sets_are_told_and_used(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 2;
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 10);
    send_pictures(fixture, &ffmpeg, 2);
    CHECK(take_event(video(fixture), EG_STREAM_VIDEO_FORMAT));
    CHECK_EQUAL(video(fixture)->format.width, 640);
    CHECK_EQUAL(video(fixture)->format.height, 360);
    CHECK_EQUAL(video(fixture)->format.profile_idc, 66);
    CHECK_EQUAL(video(fixture)->format.constraints, 0xc0);
    CHECK_EQUAL(video(fixture)->format.level_idc, 30);
    CHECK_EQUAL(video(fixture)->format.chroma_format_idc, 1);
    send_pictures(fixture, &ffmpeg, 2);
    CHECK(!take_event(video(fixture), EG_STREAM_VIDEO_FORMAT)); // the same again
    ffmpeg.config.format = 1;
    send_pictures(fixture, &ffmpeg, 2);
    CHECK(take_event(video(fixture), EG_STREAM_VIDEO_FORMAT));
    CHECK_EQUAL(video(fixture)->format.width, 1280);
    ffmpeg.config.has_no_sets = true;
    uint64_t idr = video(fixture)->ready_end;
    send_pictures(fixture, &ffmpeg, 1);
    CHECK(is_sets(eg__store_get(&fixture->stores[EG_VIDEO], idr), 1));
    fixture_destroy(fixture);
}

static void a_source_without_any_sets_is_dropped_until_it_has_some(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 3;
    config.has_no_sets = true;
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 11);
    send_pictures(fixture, &ffmpeg, 6);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_BEFORE_IDR], ffmpeg.legs[EG_VIDEO].packets);
    CHECK_EQUAL(fixture->stores[EG_VIDEO].bytes, 0);
    CHECK_EQUAL(video(fixture)->ready_end, 0);
    ffmpeg.config.has_no_sets = false;
    send_pictures(fixture, &ffmpeg, 1);
    CHECK(is_sets(eg__store_get(&fixture->stores[EG_VIDEO], 1), 0));
    CHECK_EQUAL(fixture->stores[EG_VIDEO].gop_begin, 1);
    fixture_destroy(fixture);
}

static void what_comes_before_the_first_idr_is_dropped_and_leaves_no_gap(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 10;
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 12);
    fixture->is_capturing = true; // it began before we did
    send_pictures(fixture, &ffmpeg, 4);
    fixture->is_capturing = false;
    fixture->captured_count = 0;
    uint32_t before = ffmpeg.legs[EG_VIDEO].packets;
    send_pictures(fixture, &ffmpeg, 5);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_BEFORE_IDR], ffmpeg.legs[EG_VIDEO].packets - before);
    // Two of the last in the wrong order change nothing.
    capture_picture(fixture, &ffmpeg);
    REQUIRE(fixture->captured_count >= 3);
    struct captured swapped = fixture->captured[1];
    fixture->captured[1] = fixture->captured[0];
    fixture->captured[0] = swapped;
    deliver_all(fixture);
    send_pictures(fixture, &ffmpeg, 1);
    CHECK(is_sets(eg__store_get(&fixture->stores[EG_VIDEO], 1), 0));
    CHECK_EQUAL(stored(&fixture->stores[EG_VIDEO], 1, video(fixture)->ready_end), video(fixture)->ready_end - 1);
    CHECK_EQUAL(video(fixture)->stats.lost, 0);
    fixture_destroy(fixture);
}

static void the_gop_s_length_is_measured(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 13);
    send_pictures(fixture, &ffmpeg, 61);
    CHECK(video(fixture)->gop_ms >= 1999 && video(fixture)->gop_ms <= 2001);
    fixture_destroy(fixture);
}

static void b_frames_are_noticed_within_ten_pictures_and_told_once(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.has_b_frames = true;
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 14);
    send_pictures(fixture, &ffmpeg, 10);
    CHECK(take_event(video(fixture), EG_STREAM_B_FRAMES));
    send_pictures(fixture, &ffmpeg, 100);
    CHECK(!take_event(video(fixture), EG_STREAM_B_FRAMES));
    fixture_destroy(fixture);
}

static void without_b_frames_none_are_told_even_where_the_timestamp_wraps(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 15);
    ffmpeg.legs[EG_VIDEO].base_timestamp = UINT32_MAX - 30000;
    send_pictures(fixture, &ffmpeg, 200);
    CHECK(!take_event(video(fixture), EG_STREAM_B_FRAMES));
    fixture_destroy(fixture);
}

// --- sequence ---

static void goes_on_over_the_wrap_of_the_sequence_number(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 16);
    ffmpeg.legs[EG_VIDEO].sequence = 65530;
    ffmpeg.legs[EG_AUDIO].sequence = 65530;
    for (int i = 0; i < 40; i++, fixture->now += 20 * EG_MILLISECOND) {
        eg_sim_ffmpeg_send_picture(&ffmpeg);
        eg_sim_ffmpeg_send_audio(&ffmpeg);
    }
    CHECK_EQUAL(video(fixture)->ready_end, 1 + ffmpeg.legs[EG_VIDEO].packets);
    CHECK_EQUAL(fixture->sources[EG_AUDIO].ready_end, 41);
    CHECK_EQUAL(video(fixture)->stats.lost + video(fixture)->stats.restarts + dropped(fixture), 0);
    fixture_destroy(fixture);
}

static void a_loss_leaves_its_places_empty(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 17);
    capture_picture(fixture, &ffmpeg);
    REQUIRE(fixture->captured_count > 6);
    for (size_t i = 0; i < fixture->captured_count; i++)
        if (i != 3 && i != 4) deliver(fixture, &fixture->captured[i]);
    CHECK_EQUAL(video(fixture)->stats.lost, 2);
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], 3) != NULL);
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], 4) == NULL);
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], 5) == NULL);
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], 6) != NULL);
    deliver(fixture, &fixture->captured[3]); // it was only late
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], 4) != NULL);
    CHECK_EQUAL(video(fixture)->stats.lost, 1);
    deliver(fixture, &fixture->captured[3]);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_DUPLICATE], 1);
    fixture_destroy(fixture);
}

static const struct eg_test tests[] = {
    EG_TEST(stores_every_packet_as_it_was_sent),
    EG_TEST(a_picture_is_given_out_whole_at_its_marker),
    EG_TEST(a_picture_without_its_marker_is_given_out_after_a_millisecond),
    EG_TEST(a_picture_whose_marker_was_lost_is_given_out_when_the_next_begins),
    EG_TEST(audio_is_given_out_at_once),
    EG_TEST(a_bit_rate_is_not_measured_over_a_silence),
    EG_TEST(a_picture_that_is_late_by_a_packet_still_is_in_order),
    EG_TEST(the_live_timestamp_goes_on_to_just_under_the_next_picture),
    EG_TEST(an_idr_with_its_sets_gets_no_others),
    EG_TEST(an_idr_without_sets_gets_those_that_came_before_in_front_of_it),
    EG_TEST(an_idr_whose_sets_were_lost_on_the_way_is_repaired_too),
    EG_TEST(new_sets_are_told_and_used),
    EG_TEST(a_source_without_any_sets_is_dropped_until_it_has_some),
    EG_TEST(what_comes_before_the_first_idr_is_dropped_and_leaves_no_gap),
    EG_TEST(the_gop_s_length_is_measured),
    EG_TEST(b_frames_are_noticed_within_ten_pictures_and_told_once),
    EG_TEST(without_b_frames_none_are_told_even_where_the_timestamp_wraps),
    EG_TEST(goes_on_over_the_wrap_of_the_sequence_number),
    EG_TEST(a_loss_leaves_its_places_empty),
};

EG_TEST_SUITE(source, tests);
