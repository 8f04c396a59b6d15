#include "support/source_fixture.h"

// --- epochs ---

// What every change of sender must leave behind: places without a gap, timestamps that go on, and an IDR with its sets first.
static void check_new_epoch(struct eg_check *check, struct fixture *fixture, uint64_t epoch_begin, uint32_t last_timestamp,
                            uint64_t passed_ms) {
    const struct eg_store *store = &fixture->stores[EG_VIDEO];
    CHECK(is_sets(eg__store_get(store, epoch_begin), 0));
    CHECK(starts_idr(eg__store_get(store, epoch_begin + 1)));
    CHECK_EQUAL(store->gop_begin, epoch_begin);
    CHECK_EQUAL(stored(store, epoch_begin, video(fixture)->ready_end), video(fixture)->ready_end - epoch_begin);
    const struct eg_packet *first = eg__store_get(store, epoch_begin);
    int64_t step = first != NULL ? eg__timestamp_distance(last_timestamp, first->timestamp) : 0;
    CHECK(llabs(step - (int64_t)passed_ms * 90) <= 90);
    CHECK_EQUAL(video(fixture)->stats.restarts, 1);
    CHECK(take_event(video(fixture), EG_STREAM_RESTARTED));
}

static void a_bye_lets_the_next_sender_in_at_once(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 20);
    send_pictures(fixture, &ffmpeg, 20);
    uint64_t end = video(fixture)->ready_end;
    uint32_t last = video(fixture)->picture_timestamp;
    CHECK(take_event(video(fixture), EG_STREAM_ACTIVE));
    eg_sim_ffmpeg_send_bye(&ffmpeg);
    CHECK(video(fixture)->state == EG_SOURCE_ENDED);
    CHECK(take_event(video(fixture), EG_STREAM_INACTIVE));
    CHECK_EQUAL(eg__source_deadline(video(fixture)), EG_TIME_NEVER);
    fixture->now += 100 * EG_MILLISECOND;
    struct eg_sim_ffmpeg again = start(fixture, &eg_sim_ffmpeg_default, 21);
    send_pictures(fixture, &again, 5);
    check_new_epoch(check, fixture, end, last, 100);
    CHECK(take_event(video(fixture), EG_STREAM_ACTIVE));
    CHECK_EQUAL(dropped(fixture), 0);
    fixture_destroy(fixture);
}

static void a_bye_gives_out_a_picture_that_is_not_complete(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 22);
    capture_picture(fixture, &ffmpeg);
    fixture->captured_count -= 2;
    deliver_all(fixture);
    eg_sim_ffmpeg_send_bye(&ffmpeg);
    CHECK_EQUAL(video(fixture)->ready_end, fixture->captured_count + 1);
    fixture_destroy(fixture);
}

static void a_new_ssrc_from_the_sender_s_own_address_begins_an_epoch(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 23);
    send_pictures(fixture, &ffmpeg, 20);
    uint64_t end = video(fixture)->ready_end;
    uint32_t last = video(fixture)->picture_timestamp;
    fixture->now += 50 * EG_MILLISECOND; // far too soon for a stranger
    struct eg_sim_ffmpeg again = start(fixture, &eg_sim_ffmpeg_default, 24);
    again.legs[EG_VIDEO].addr = ffmpeg.legs[EG_VIDEO].addr;
    send_pictures(fixture, &again, 5);
    check_new_epoch(check, fixture, end, last, 50);
    fixture_destroy(fixture);
}

// Killed in the middle of anything, started again with everything new: the second packet proves it, and the first is not lost.
static void a_new_sender_takes_over_after_silence_and_loses_nothing(struct eg_check *check) {
    for (unsigned pictures = 1; pictures < 65; pictures += 7) {
        struct fixture *fixture = fixture_create();
        struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 25 + pictures);
        send_pictures(fixture, &ffmpeg, pictures);
        uint64_t end = video(fixture)->ready_end;
        uint32_t last = video(fixture)->picture_timestamp;
        fixture->now += 700 * EG_MILLISECOND;
        struct eg_sim_ffmpeg again = start(fixture, &eg_sim_ffmpeg_default, 26 + pictures);
        capture_picture(fixture, &again);
        deliver(fixture, &fixture->captured[0]);
        CHECK_EQUAL(video(fixture)->ssrc, ffmpeg.legs[EG_VIDEO].ssrc);
        for (size_t i = 1; i < fixture->captured_count; i++) deliver(fixture, &fixture->captured[i]);
        CHECK_EQUAL(video(fixture)->ssrc, again.legs[EG_VIDEO].ssrc);
        check_new_epoch(check, fixture, end, last, 700);
        CHECK_EQUAL(dropped(fixture), 0);
        fixture_destroy(fixture);
    }
}

static void a_jump_of_the_sender_s_own_is_a_new_epoch_once_it_is_proven(struct eg_check *check) {
    static const int jumps[] = {EG_SOURCE_DROPOUT_MAX, 20000, -EG_SOURCE_MISORDER_MAX - 100, -20000};
    for (size_t i = 0; i < 4; i++) {
        struct fixture *fixture = fixture_create();
        struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
        config.gop_pictures = 20;
        struct eg_sim_ffmpeg ffmpeg = start(fixture, &config, 27);
        send_pictures(fixture, &ffmpeg, 20);
        uint64_t end = video(fixture)->ready_end;
        uint32_t last = video(fixture)->picture_timestamp;
        ffmpeg.legs[EG_VIDEO].sequence = (uint16_t)(ffmpeg.legs[EG_VIDEO].sequence - 1 + jumps[i]);
        fixture->now += EG_SECOND / 30;
        send_pictures(fixture, &ffmpeg, 5);
        check_new_epoch(check, fixture, end, last, 33);
        fixture_destroy(fixture);
    }
}

static void a_jump_of_timestamps_alone_is_laid_behind_what_was(struct eg_check *check) {
    static const int jumps_s[] = {3, 60, 3600, -3, -60, -3600, 10 * 3600};
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 40);
    send_pictures(fixture, &ffmpeg, 20);
    take_event(video(fixture), EG_STREAM_ACTIVE);
    for (size_t i = 0; i < sizeof jumps_s / sizeof jumps_s[0]; i++) {
        uint64_t end = video(fixture)->ready_end;
        uint32_t last = video(fixture)->picture_timestamp;
        ffmpeg.legs[EG_VIDEO].base_timestamp += (uint32_t)jumps_s[i] * 90000;
        fixture->now += EG_SECOND / 30;
        send_pictures(fixture, &ffmpeg, 15);
        const struct eg_packet *first = eg__store_get(&fixture->stores[EG_VIDEO], end);
        REQUIRE(first != NULL);
        CHECK_ROW(eg__timestamp_distance(last, first->timestamp) == 3000, i);
        CHECK_ROW(eg__timestamp_distance(last, video(fixture)->picture_timestamp) == 15 * 3000, i);
        CHECK_ROW(video(fixture)->stats.restarts == i + 1, i);
        CHECK_ROW(take_event(video(fixture), EG_STREAM_RESTARTED), i);
    }
    CHECK(!take_event(video(fixture), EG_STREAM_B_FRAMES));
    CHECK_EQUAL(dropped(fixture), 0);
    CHECK_EQUAL(video(fixture)->stats.lost, 0);
    fixture_destroy(fixture);
}

static void what_comes_late_after_a_stall_is_no_jump(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 41);
    send_pictures(fixture, &ffmpeg, 20);
    uint32_t last = video(fixture)->picture_timestamp;
    fixture->now += 9 * EG_SECOND;
    for (int i = 0; i < 300; i++) eg_sim_ffmpeg_send_picture(&ffmpeg); // all that gathered, at once
    CHECK_EQUAL(eg__timestamp_distance(last, video(fixture)->picture_timestamp), 300 * 3000);
    CHECK_EQUAL(video(fixture)->stats.restarts, 0);
    fixture_destroy(fixture);
}

static void b_frames_go_back_again_and_again_and_soon(struct eg_check *check) {
    static const struct {
        unsigned apart; // pictures between two that go back
        bool is_told;
    } rows[] = {{2, true}, {10, true}, {12, false}, {100, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture *fixture = fixture_create();
        struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 42);
        for (int times = 0; times < 4; times++) {
            send_pictures(fixture, &ffmpeg, rows[i].apart);
            ffmpeg.legs[EG_VIDEO].base_timestamp -= 2 * 3000;
            fixture->now += EG_SECOND / 30;
        }
        CHECK_ROW(take_event(video(fixture), EG_STREAM_B_FRAMES) == rows[i].is_told, i);
        CHECK_ROW(video(fixture)->stats.restarts == 0, i);
        fixture_destroy(fixture);
    }
}

static void a_restart_in_its_middle_waits_for_an_idr(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 28);
    send_pictures(fixture, &ffmpeg, 20);
    eg_sim_ffmpeg_send_bye(&ffmpeg);
    uint64_t end = video(fixture)->ready_end;
    struct eg_sim_ffmpeg again = start(fixture, &eg_sim_ffmpeg_default, 29);
    fixture->is_capturing = true; // its IDR is lost
    eg_sim_ffmpeg_send_picture(&again);
    fixture->is_capturing = false;
    fixture->captured_count = 0;
    uint32_t packets = again.legs[EG_VIDEO].packets;
    send_pictures(fixture, &again, 59);
    CHECK_EQUAL(video(fixture)->ready_end, end);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_BEFORE_IDR], again.legs[EG_VIDEO].packets - packets);
    send_pictures(fixture, &again, 1);
    CHECK(is_sets(eg__store_get(&fixture->stores[EG_VIDEO], end), 0));
    fixture_destroy(fixture);
}

// Its first IDR comes without sets: those of the sender before serve.
static void sets_outlive_a_restart(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 30);
    send_pictures(fixture, &ffmpeg, 3);
    eg_sim_ffmpeg_send_bye(&ffmpeg);
    uint64_t end = video(fixture)->ready_end;
    uint32_t last = video(fixture)->picture_timestamp;
    fixture->now += 40 * EG_MILLISECOND;
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.has_no_sets = true;
    struct eg_sim_ffmpeg again = start(fixture, &config, 31);
    send_pictures(fixture, &again, 3);
    check_new_epoch(check, fixture, end, last, 40);
    fixture_destroy(fixture);
}

// The old sender lost packets near its end; a latecomer of the new one, from in front of its beginning, must not slip into their places.
static void a_latecomer_finds_no_place_in_the_epoch_before(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 32);
    send_pictures(fixture, &ffmpeg, 2);
    capture_picture(fixture, &ffmpeg);
    for (size_t i = 0; i < fixture->captured_count; i++)
        if (i + 2 != fixture->captured_count) deliver(fixture, &fixture->captured[i]);
    uint64_t hole = video(fixture)->highest - 1;
    REQUIRE(eg__store_get(&fixture->stores[EG_VIDEO], hole) == NULL);
    eg_sim_ffmpeg_send_bye(&ffmpeg);
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 2;
    struct eg_sim_ffmpeg again = start(fixture, &config, 33);
    fixture->is_capturing = true;
    fixture->captured_count = 0;
    send_pictures(fixture, &again, 3);
    fixture->is_capturing = false;
    // From the second IDR on, and then what was just in front of it.
    size_t idr = 0;
    for (size_t i = 1; i < fixture->captured_count; i++)
        if ((fixture->captured[i].bytes[EG_RTP_HEADER_SIZE] & 0x1f) == EG_H264_NAL_STAP_A) idr = i;
    REQUIRE(idr >= 2);
    deliver(fixture, &fixture->captured[idr]);
    deliver(fixture, &fixture->captured[idr - 1]);
    deliver(fixture, &fixture->captured[idr - 2]);
    CHECK(eg__store_get(&fixture->stores[EG_VIDEO], hole) == NULL);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_LATE], 2);
    for (size_t i = idr + 1; i < fixture->captured_count; i++) deliver(fixture, &fixture->captured[i]);
    CHECK_EQUAL(stored(&fixture->stores[EG_VIDEO], hole + 2, video(fixture)->ready_end), fixture->captured_count - idr);
    fixture_destroy(fixture);
}

static void audio_goes_on_through_a_restart(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_source *audio = &fixture->sources[EG_AUDIO];
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 34);
    for (int i = 0; i < 50; i++, fixture->now += 20 * EG_MILLISECOND) eg_sim_ffmpeg_send_audio(&ffmpeg);
    eg_sim_ffmpeg_send_bye(&ffmpeg);
    uint32_t last = audio->picture_timestamp;
    fixture->now += 480 * EG_MILLISECOND;
    struct eg_sim_ffmpeg again = start(fixture, &eg_sim_ffmpeg_default, 35);
    for (int i = 0; i < 50; i++, fixture->now += 20 * EG_MILLISECOND) eg_sim_ffmpeg_send_audio(&again);
    CHECK_EQUAL(audio->ready_end, 101);
    CHECK_EQUAL(stored(&fixture->stores[EG_AUDIO], 51, 101), 50);
    CHECK_EQUAL(eg__timestamp_distance(last, eg__store_get(&fixture->stores[EG_AUDIO], 51)->timestamp), 500 * 48);
    fixture_destroy(fixture);
}

// --- strangers and rubbish ---

static void a_stray_sender_changes_nothing(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 40);
    struct eg_sim_ffmpeg stray = start(fixture, &eg_sim_ffmpeg_default, 41);
    stray.legs[EG_VIDEO].ssrc = ffmpeg.legs[EG_VIDEO].ssrc; // it even knows the SSRC
    eg_sim_ffmpeg_send_picture(&ffmpeg);
    uint32_t sent = ffmpeg.legs[EG_VIDEO].packets;
    for (int i = 0; i < 100; i++) {
        fixture->now += EG_SECOND / 30;
        eg_sim_ffmpeg_send_picture(&stray);
        eg_sim_ffmpeg_send_report(&stray, EG_VIDEO, fixture->now);
        eg_sim_ffmpeg_send_picture(&ffmpeg);
    }
    eg_sim_ffmpeg_send_bye(&stray);
    CHECK(video(fixture)->state == EG_SOURCE_LIVE);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_STRANGER], stray.legs[EG_VIDEO].packets);
    CHECK_EQUAL(video(fixture)->ready_end, 1 + ffmpeg.legs[EG_VIDEO].packets);
    CHECK(ffmpeg.legs[EG_VIDEO].packets > sent);
    CHECK_EQUAL(video(fixture)->stats.restarts, 0);
    CHECK(!fixture->clock.legs[EG_VIDEO].has_report);
    fixture_destroy(fixture);
}

static void a_single_stray_packet_in_a_pause_changes_nothing_and_is_counted(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 42);
    send_pictures(fixture, &ffmpeg, 2);
    struct eg_sim_ffmpeg stray = start(fixture, &eg_sim_ffmpeg_default, 43);
    capture_picture(fixture, &stray);
    fixture->now += 2 * EG_SOURCE_SILENCE;
    deliver(fixture, &fixture->captured[0]);
    send_pictures(fixture, &ffmpeg, 1);
    deliver(fixture, &fixture->captured[1]);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_STRANGER], 2);
    // Two that do not follow each other prove nothing.
    fixture->now += 2 * EG_SOURCE_SILENCE;
    deliver(fixture, &fixture->captured[2]);
    deliver(fixture, &fixture->captured[4]);
    deliver(fixture, &fixture->captured[3]);
    send_pictures(fixture, &ffmpeg, 1);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_STRANGER], 5);
    CHECK_EQUAL(video(fixture)->ssrc, ffmpeg.legs[EG_VIDEO].ssrc);
    CHECK_EQUAL(video(fixture)->ready_end, 1 + ffmpeg.legs[EG_VIDEO].packets);
    fixture_destroy(fixture);
}

static void a_packet_that_is_held_back_when_another_sender_gets_in_is_counted(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 44);
    send_pictures(fixture, &ffmpeg, 2);
    struct eg_sim_ffmpeg stray = start(fixture, &eg_sim_ffmpeg_default, 45), next = start(fixture, &eg_sim_ffmpeg_default, 46);
    fixture->now += 2 * EG_SOURCE_SILENCE;
    capture_picture(fixture, &stray);
    deliver(fixture, &fixture->captured[0]);
    eg_sim_ffmpeg_send_bye(&ffmpeg);
    send_pictures(fixture, &next, 1);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_STRANGER], 1);
    fixture_destroy(fixture);
}

static void rejects_what_is_not_its_sender_s_media(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 47);
    send_pictures(fixture, &ffmpeg, 1);
    uint64_t end = video(fixture)->ready_end;
    struct captured datagram;
    capture_picture(fixture, &ffmpeg);

    datagram = fixture->captured[0];
    datagram.bytes[1] = (uint8_t)(EG_SIM_VIDEO_PAYLOAD_TYPE + 1);
    deliver(fixture, &datagram);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_PAYLOAD_TYPE], 1);

    datagram = fixture->captured[0];
    datagram.bytes[0] = 0x8f; // more CSRCs than there are bytes
    datagram.size = 40;
    deliver(fixture, &datagram);
    datagram.bytes[0] = 0xb0; // padding, and an extension beyond the end
    deliver(fixture, &datagram);
    datagram.bytes[0] = 0x80;
    datagram.size = 11;
    deliver(fixture, &datagram);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_MALFORMED], 3);

    static const uint8_t unknown_first[] = {0x00, 0x14, 0x40, 0xff};
    for (size_t i = 0; i < 4; i++) {
        datagram.bytes[0] = unknown_first[i];
        deliver(fixture, &datagram);
    }
    datagram.size = 1;
    deliver(fixture, &datagram);
    datagram.size = 0;
    deliver(fixture, &datagram);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_UNKNOWN], 6);

    const uint8_t broken_rtcp[] = {0x80, 200, 0, 9, 1, 2, 3, 4};
    receive(fixture, EG_VIDEO, &ffmpeg.legs[EG_VIDEO].addr, broken_rtcp, sizeof broken_rtcp);
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_MALFORMED], 4);
    CHECK_EQUAL(video(fixture)->ready_end, end);
    CHECK_EQUAL(video(fixture)->highest, end - 1);
    fixture_destroy(fixture);
}

static void rejects_a_payload_that_is_too_large_from_whomever(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    uint8_t bytes[EG_RTP_HEADER_SIZE + EG_RTP_PAYLOAD_SIZE_MAX + 1] = {0};
    struct eg_addr from = eg__addr_ipv4(127, 0, 0, 1, 5004);
    for (uint16_t i = 0; i < 3; i++) {
        eg__rtp_write_header(bytes, true, EG_SIM_AUDIO_PAYLOAD_TYPE, i, 960u * i, 7);
        receive(fixture, EG_AUDIO, &from, bytes, sizeof bytes - (i == 1));
    }
    CHECK_EQUAL(fixture->drops[EG_DROP_SOURCE_TOO_LARGE], 2);
    CHECK_EQUAL(fixture->stores[EG_AUDIO].bytes, EG_RTP_PAYLOAD_SIZE_MAX);
    fixture_destroy(fixture);
}

static void reports_are_never_stored(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 48);
    eg_sim_ffmpeg_send_report(&ffmpeg, EG_VIDEO, fixture->now);
    CHECK(video(fixture)->state == EG_SOURCE_WAITING);
    send_pictures(fixture, &ffmpeg, 2);
    uint64_t bytes = fixture->stores[EG_VIDEO].bytes;
    eg_sim_ffmpeg_send_report(&ffmpeg, EG_VIDEO, fixture->now);
    CHECK_EQUAL(fixture->stores[EG_VIDEO].bytes, bytes);
    CHECK_EQUAL(video(fixture)->highest + 1, video(fixture)->ready_end);
    CHECK_EQUAL(dropped(fixture), 0);
    fixture_destroy(fixture);
}

// FFmpeg's first report comes before its first packet. Both legs' reports, and those of a second run, tell the same offset.
static void a_report_that_comes_first_counts_for_the_sender_it_names(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    for (uint64_t run = 0; run < 3; run++) {
        struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 50 + run);
        ffmpeg.config.stale = run * 100000 * (eg_time)EG_SECOND;
        for (int i = 0; i < 30; i++) {
            eg_sim_ffmpeg_tick(&ffmpeg, fixture->now);
            CHECK_ROW(fixture->clock.legs[EG_VIDEO].has_report && fixture->clock.legs[EG_AUDIO].has_report, run);
            fixture->now += 20 * EG_MILLISECOND;
        }
        uint32_t video_now, audio_now;
        REQUIRE(eg__clock_timestamp(&fixture->clock, EG_VIDEO, fixture->now, &video_now));
        REQUIRE(eg__clock_timestamp(&fixture->clock, EG_AUDIO, fixture->now, &audio_now));
        // From our timelines back to the sender's, and to the time that has passed on them.
        video_now -= video(fixture)->timestamp_offset + ffmpeg.legs[EG_VIDEO].base_timestamp;
        audio_now -= fixture->sources[EG_AUDIO].timestamp_offset + ffmpeg.legs[EG_AUDIO].base_timestamp;
        int64_t video_us = (int64_t)video_now * 100 / 9, audio_us = (int64_t)audio_now * 125 / 6;
        CHECK_ROW(llabs(video_us - 600000) <= 20000, run);
        CHECK_ROW(llabs(video_us - audio_us) <= 100, run);
        eg_sim_ffmpeg_send_bye(&ffmpeg);
        fixture->now += 200 * EG_MILLISECOND;
    }
    fixture_destroy(fixture);
}

static void silence_makes_it_inactive_and_a_packet_active_again(struct eg_check *check) {
    struct fixture *fixture = fixture_create();
    struct eg_sim_ffmpeg ffmpeg = start(fixture, &eg_sim_ffmpeg_default, 60);
    CHECK_EQUAL(eg__source_deadline(video(fixture)), EG_TIME_NEVER);
    send_pictures(fixture, &ffmpeg, 40);
    CHECK(take_event(video(fixture), EG_STREAM_ACTIVE));
    CHECK(video(fixture)->stats.bit_rate > 100000);
    CHECK_EQUAL(eg__source_deadline(video(fixture)), fixture->now + EG_SOURCE_INACTIVE);
    eg__source_tick(video(fixture), fixture->now + EG_SOURCE_INACTIVE - 1);
    CHECK(!take_event(video(fixture), EG_STREAM_INACTIVE));
    eg__source_tick(video(fixture), fixture->now + EG_SOURCE_INACTIVE);
    CHECK(take_event(video(fixture), EG_STREAM_INACTIVE));
    CHECK_EQUAL(video(fixture)->stats.bit_rate, 0);
    CHECK_EQUAL(eg__source_deadline(video(fixture)), EG_TIME_NEVER);
    fixture->now += 5 * EG_SECOND;
    send_pictures(fixture, &ffmpeg, 1);
    CHECK(take_event(video(fixture), EG_STREAM_ACTIVE));
    CHECK_EQUAL(video(fixture)->stats.restarts, 0);
    fixture_destroy(fixture);
}

static const struct eg_test tests[] = {
    EG_TEST(a_bye_lets_the_next_sender_in_at_once),
    EG_TEST(a_bye_gives_out_a_picture_that_is_not_complete),
    EG_TEST(a_new_ssrc_from_the_sender_s_own_address_begins_an_epoch),
    EG_TEST(a_new_sender_takes_over_after_silence_and_loses_nothing),
    EG_TEST(a_jump_of_the_sender_s_own_is_a_new_epoch_once_it_is_proven),
    EG_TEST(a_jump_of_timestamps_alone_is_laid_behind_what_was),
    EG_TEST(what_comes_late_after_a_stall_is_no_jump),
    EG_TEST(b_frames_go_back_again_and_again_and_soon),
    EG_TEST(a_restart_in_its_middle_waits_for_an_idr),
    EG_TEST(sets_outlive_a_restart),
    EG_TEST(a_latecomer_finds_no_place_in_the_epoch_before),
    EG_TEST(audio_goes_on_through_a_restart),
    EG_TEST(a_stray_sender_changes_nothing),
    EG_TEST(a_single_stray_packet_in_a_pause_changes_nothing_and_is_counted),
    EG_TEST(a_packet_that_is_held_back_when_another_sender_gets_in_is_counted),
    EG_TEST(rejects_what_is_not_its_sender_s_media),
    EG_TEST(rejects_a_payload_that_is_too_large_from_whomever),
    EG_TEST(reports_are_never_stored),
    EG_TEST(a_report_that_comes_first_counts_for_the_sender_it_names),
    EG_TEST(silence_makes_it_inactive_and_a_packet_active_again),
};

EG_TEST_SUITE(source_epochs, tests);
