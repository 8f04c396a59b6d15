#include "cegress_tests.h"
#include "sim/scene.h"
#include "support/check.h"

#include "core/parts.h"
#include "wire/h264.h"
#include "wire/stun.h"

#include <stdlib.h>
#include <string.h>

enum { SEEDS = 250 }; // worlds at random, in about 15 s with sanitizers

// --- coming up ---

static void two_viewers_see_the_same_pictures(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(1, 2);
    struct eg_sim_viewer *first = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 3 * EG_SECOND);
    struct eg_sim_viewer *second = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 3 * EG_SECOND);
    CHECK(first->state == EG_VIEWER_CONNECTED && second->state == EG_VIEWER_CONNECTED);
    CHECK(eg_sim_viewer_is_up_to_date(first) && eg_sim_viewer_is_up_to_date(second));
    CHECK(first->ledgers[EG_VIDEO].packets > second->ledgers[EG_VIDEO].packets);
    CHECK(second->ledgers[EG_VIDEO].packets > 300 && second->ledgers[EG_AUDIO].packets > 140);
    CHECK_EQUAL(first->ledgers[EG_VIDEO].bursts, 1);
    eg_sim_end(check, world);
}

static void one_who_joins_in_the_middle_of_a_long_gop_has_its_idr_at_once_and_is_live_soon(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(2, 10);
    eg_sim_world_run(world, 5 * EG_SECOND);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 3 * EG_SECOND);
    REQUIRE(viewer->first_media_at != EG_TIME_NEVER && viewer->live_at != EG_TIME_NEVER);
    CHECK(viewer->first_media_at - viewer->connected_at <= 50 * EG_MILLISECOND);
    CHECK(viewer->live_at - viewer->joined_at <= 1200 * EG_MILLISECOND);
    CHECK(viewer->live_at - viewer->connected_at >= 200 * EG_MILLISECOND); // and not by everything at once
    // The first packet is the parameter sets in front of the IDR.
    const struct eg_sim_sent *first = eg_sim_ledger_find(&viewer->ledgers[EG_VIDEO], viewer->ledgers[EG_VIDEO].first_index);
    REQUIRE(first != NULL);
    CHECK_EQUAL(first->place, 1);
    CHECK(eg_sim_log_find(eg_sim_video_of(world), 1)->begins_key);
    CHECK_EQUAL(viewer->ledgers[EG_VIDEO].packets, eg_sim_video_of(world)->highest);
    CHECK(eg_sim_viewer_is_up_to_date(viewer));
    eg_sim_end(check, world);
}

static void one_who_comes_before_the_source_waits_for_it(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_gop(3, 2);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 60 * (eg_time)EG_SECOND);
    CHECK_EQUAL(viewer->state, EG_VIEWER_CONNECTED);
    CHECK_EQUAL(viewer->ledgers[EG_VIDEO].packets, 0);
    eg_sim_world_start_source(world, 0);
    eg_sim_world_run(world, EG_SECOND);
    CHECK(eg_sim_viewer_is_up_to_date(viewer));
    CHECK_EQUAL(viewer->ledgers[EG_VIDEO].packets, eg_sim_video_of(world)->highest);
    eg_sim_end(check, world);
}

static void every_kind_of_client_connects(struct eg_check *check) {
    static const struct eg_sim_script scripts[] = {
        {.has_cm_only = true},
        {.mtu = 300},
        {.padding = 2000},
        {.padding = 2000, .mtu = 300, .has_rtx = true},
        {.has_no_audio = true},
        {.has_no_video = true},
        {.sends_early_hello = true},
        {.up.delay = 200 * EG_MILLISECOND, .down.delay = 200 * EG_MILLISECOND},
    };
    struct eg_sim_world *world = eg_sim_world_with_source(4, 2);
    struct eg_sim_viewer *viewers[8];
    for (size_t i = 0; i < 8; i++) viewers[i] = eg_sim_world_add_viewer(world, &scripts[i]);
    eg_sim_world_run(world, 5 * EG_SECOND);
    for (size_t i = 0; i < 8; i++) {
        CHECK_ROW(viewers[i]->state == EG_VIEWER_CONNECTED && viewers[i]->has_keys, i);
        CHECK_ROW(eg_sim_viewer_is_up_to_date(viewers[i]), i);
    }
    CHECK_EQUAL(viewers[0]->srtp.profile, EG_SRTP_AES128_CM_SHA1_80);
    CHECK_EQUAL(viewers[1]->srtp.profile, EG_SRTP_AEAD_AES_128_GCM);
    eg_sim_end(check, world);
}

static void dtls_from_an_address_without_a_check_is_dropped(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(5, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.sends_early_hello = true;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, EG_SECOND);
    CHECK_EQUAL(eg_sim_dropped(world, EG_DROP_UNVALIDATED), 2);
    CHECK_EQUAL(viewer->state, EG_VIEWER_CONNECTED);
    eg_sim_end(check, world);
}

static void whom_the_answer_did_not_mean_never_connects(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(6, 2);
    struct eg_sim_script wrong_fingerprint = eg_sim_browser, wrong_password = eg_sim_browser, no_checks = eg_sim_browser, no_hello = eg_sim_browser;
    wrong_fingerprint.has_wrong_fingerprint = true;
    wrong_password.has_wrong_password = true;
    no_checks.sends_no_checks = true;
    no_hello.sends_no_hello = true;
    struct eg_sim_viewer *viewers[] = {
        eg_sim_world_add_viewer(world, &wrong_fingerprint),
        eg_sim_world_add_viewer(world, &wrong_password),
        eg_sim_world_add_viewer(world, &no_checks),
        eg_sim_world_add_viewer(world, &no_hello),
    };
    eg_sim_world_run(world, 20 * EG_SECOND);
    static const eg_close_reason reasons[] = {EG_CLOSE_FINGERPRINT, EG_CLOSE_WRONG_PASSWORD, EG_CLOSE_NO_CHECK, EG_CLOSE_NO_HANDSHAKE};
    for (size_t i = 0; i < 4; i++) {
        CHECK_ROW(viewers[i]->reason == reasons[i], i);
        CHECK_ROW(viewers[i]->connected_at == EG_TIME_NEVER, i);
        CHECK_ROW(viewers[i]->ledgers[EG_VIDEO].packets == 0, i);
    }
    CHECK_EQUAL(viewers[1]->closed_at - viewers[1]->joined_at, EG_ICE_CONNECT_TIMEOUT);
    CHECK_EQUAL(viewers[3]->closed_at - viewers[3]->joined_at, EG_DTLS_HANDSHAKE_TIMEOUT + 5 * EG_MILLISECOND);
    eg_sim_end(check, world);
}

static void a_slow_handshake_times_out(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(7, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.up.delay = script.down.delay = 3 * EG_SECOND;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 20 * EG_SECOND);
    CHECK_EQUAL(viewer->reason, EG_CLOSE_HANDSHAKE_TIMEOUT);
    eg_sim_end(check, world);
}

static void handshakes_that_are_not_gone_on_with_keep_others_waiting_for_seconds_and_no_longer(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_create_limited(60, 1, eg_sim_grace, 4);
    eg_sim_world_add_stream(world, 0, &eg_sim_ffmpeg_default);
    eg_sim_world_start_source(world, 0);
    struct eg_sim_viewer *watching = eg_sim_world_add_viewer(world, &eg_sim_browser), *stuck[8], *others[6];
    eg_sim_world_run(world, EG_SECOND);
    struct eg_sim_script script = eg_sim_browser;
    script.ends_at_its_hello = true;
    for (size_t i = 0; i < 8; i++) stuck[i] = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    struct eg_engine_stats stats;
    eg__core_stats(world->engines[0].workers[0].core, &stats);
    CHECK_EQUAL(stats.handshakes, 4);
    CHECK(stats.dropped[EG_DROP_HANDSHAKE_LIMIT] >= 4);
    for (size_t i = 0; i < 6; i++) others[i] = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 500 * EG_MILLISECOND);
    for (size_t i = 0; i < 6; i++) CHECK_ROW(others[i]->connected_at == EG_TIME_NEVER, i);
    eg_sim_world_run(world, 9 * EG_SECOND);
    for (size_t i = 0; i < 6; i++) CHECK_ROW(others[i]->state == EG_VIEWER_CONNECTED && eg_sim_viewer_is_up_to_date(others[i]), i);
    eg_sim_world_run(world, 5 * EG_SECOND);
    for (size_t i = 0; i < 8; i++) CHECK_ROW(stuck[i]->reason == EG_CLOSE_HANDSHAKE_TIMEOUT, i);
    CHECK(eg_sim_viewer_is_up_to_date(watching));
    CHECK_EQUAL(watching->ledgers[EG_VIDEO].packets, eg_sim_video_of(world)->highest);
    eg_sim_end(check, world);
}

// --- going ---

static void one_who_vanishes_is_gone_when_its_consent_expires(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(8, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.farewell = EG_SIM_VANISHES;
    script.leaves_after = 3 * EG_SECOND;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script), *other = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 40 * (eg_time)EG_SECOND);
    CHECK_EQUAL(viewer->reason, EG_CLOSE_CONSENT_EXPIRED);
    CHECK_EQUAL(viewer->closed_at - viewer->consent_at, EG_ICE_CONSENT_TIMEOUT);
    CHECK_EQUAL(other->state, EG_VIEWER_CONNECTED);
    CHECK(eg_sim_viewer_is_up_to_date(other));
    eg_sim_end(check, world);
}

static void one_who_says_goodbye_is_gone_at_once(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(9, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.farewell = EG_SIM_SAYS_GOODBYE;
    script.leaves_after = 3 * EG_SECOND;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 4 * EG_SECOND);
    CHECK_EQUAL(viewer->reason, EG_CLOSE_PEER);
    CHECK_EQUAL(viewer->closed_at - viewer->joined_at, 3 * EG_SECOND + 5 * EG_MILLISECOND);
    eg_sim_end(check, world);
}

static void one_who_is_closed_hears_of_it(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(10, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.farewell = EG_SIM_IS_CLOSED;
    script.leaves_after = 3 * EG_SECOND;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 4 * EG_SECOND);
    CHECK_EQUAL(viewer->reason, EG_CLOSE_REQUESTED);
    CHECK(viewer->has_bye && viewer->has_close_notify);
    eg_sim_end(check, world);
}

static void stopping_the_stream_says_goodbye_to_all(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(11, 2);
    struct eg_sim_viewer *viewers[40];
    for (size_t i = 0; i < 40; i++) viewers[i] = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 2 * EG_SECOND);
    world->transmit_room = EG_BATCH_RESERVE_SIZE; // not all of it at once
    eg_sim_world_remove_stream(world, 0);
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    for (size_t i = 0; i < 40; i++) {
        CHECK_ROW(viewers[i]->reason == EG_CLOSE_STREAM_STOPPED, i);
        CHECK_ROW(viewers[i]->has_bye && viewers[i]->has_close_notify, i);
    }
    eg_sim_end(check, world);
}

// Some have had the picture, one has had half of it, the others nothing.
static void a_stream_can_be_removed_while_a_picture_is_going_out(struct eg_check *check) {
    for (unsigned rounds = 1; rounds < 6; rounds++) {
        struct eg_sim_world *world = eg_sim_world_with_source(12 + rounds, 2);
        for (size_t i = 0; i < 12; i++) eg_sim_world_add_viewer(world, &eg_sim_browser);
        eg_sim_world_run(world, 2 * EG_SECOND - EG_MILLISECOND);
        world->holds_transmit = true;
        eg_sim_ffmpeg_send_picture(&world->streams[0].ffmpeg); // an IDR
        for (unsigned i = 0; i < rounds; i++) CHECK(eg_sim_world_transmit_once(world, 0, EG_BATCH_RESERVE_SIZE + 4096));
        eg_sim_world_remove_stream(world, 0);
        world->holds_transmit = false;
        eg_sim_world_run(world, 100 * EG_MILLISECOND);
        for (size_t i = 0; i < 12; i++) CHECK_ROW(world->viewers[i]->has_bye && world->viewers[i]->reason == EG_CLOSE_STREAM_STOPPED, i);
        eg_sim_end(check, world);
    }
}

static void nobody_misses_a_picture_because_others_come_and_go_meanwhile(struct eg_check *check) {
    for (unsigned row = 0; row < 12; row++) {
        struct eg_sim_world *world = eg_sim_world_with_source(20 + row, 2);
        for (size_t i = 0; i < 12; i++) eg_sim_world_add_viewer(world, &eg_sim_browser);
        eg_sim_world_run(world, 2 * EG_SECOND - EG_MILLISECOND);
        world->holds_transmit = true;
        eg_sim_ffmpeg_send_picture(&world->streams[0].ffmpeg);
        for (unsigned i = 0; i < 1 + row / 2; i++) CHECK(eg_sim_world_transmit_once(world, 0, EG_BATCH_RESERVE_SIZE + 4096));
        if (row % 2 == 0) eg_sim_world_add_viewer(world, &eg_sim_browser);
        else eg__core_close_viewer(world->engines[0].workers[0].core, world->now, world->viewers[row]->info.viewer, EG_CLOSE_REQUESTED);
        while (eg_sim_world_transmit_once(world, 0, EG_BATCH_RESERVE_SIZE + 4096)) {
        }
        for (size_t i = 0; i < 12; i++)
            if (row % 2 == 0 || i != row) CHECK_ROW(world->viewers[i]->ledgers[EG_VIDEO].place == eg_sim_video_of(world)->highest, row);
        world->holds_transmit = false;
        eg_sim_world_run(world, EG_SECOND);
        eg_sim_end(check, world);
    }
}

// --- the source ---

static void viewers_stay_through_a_restart_of_the_source(struct eg_check *check) {
    for (unsigned row = 0; row < 9; row++) {
        struct eg_sim_world *world = eg_sim_world_with_source(40 + row, 2);
        struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
        eg_sim_world_run(world, 2 * EG_SECOND + row * 230 * EG_MILLISECOND); // at every point of a GOP
        eg_sim_world_stop_source(world, 0, row % 2 == 0);
        eg_sim_world_run(world, 500 * EG_MILLISECOND);
        uint64_t before = eg_sim_video_of(world)->highest;
        eg_sim_world_start_source(world, 0);
        eg_sim_world_run(world, 3 * EG_SECOND);
        CHECK_ROW(viewer->state == EG_VIEWER_CONNECTED, row);
        CHECK_ROW(eg_sim_video_of(world)->epochs == 2 && eg_sim_video_of(world)->highest > before + 100, row);
        CHECK_ROW(eg_sim_log_find(eg_sim_video_of(world), before + 1)->begins_key, row);
        CHECK_ROW(eg_sim_viewer_is_up_to_date(viewer), row);
        // One run of numbers from the first picture to the last, without a new burst.
        CHECK_ROW(viewer->ledgers[EG_VIDEO].bursts == 1, row);
        CHECK_ROW((world->streams[0].events_seen >> EG_STREAM_RESTARTED & 1) != 0, row);
        eg_sim_end(check, world);
    }
}

static void a_source_that_stays_away_costs_its_viewers(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(50, 2);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 3 * EG_SECOND);
    eg_time stopped_at = world->now;
    eg_sim_world_stop_source(world, 0, true);
    eg_sim_world_run(world, eg_sim_grace - EG_MILLISECOND);
    CHECK_EQUAL(viewer->state, EG_VIEWER_CONNECTED);
    eg_sim_world_run(world, 2 * EG_MILLISECOND);
    CHECK_EQUAL(viewer->reason, EG_CLOSE_SOURCE_LOST);
    CHECK_EQUAL(viewer->closed_at, stopped_at + eg_sim_grace);
    eg_sim_world_run(world, EG_SECOND);
    CHECK(viewer->has_bye && viewer->has_close_notify);
    CHECK((world->streams[0].events_seen >> EG_STREAM_INACTIVE & 1) != 0);
    // Who comes now is told to come again, and when the source is back he may.
    struct eg_sim_viewer *late = eg_sim_world_add_viewer(world, &eg_sim_browser);
    CHECK(late->is_gone && late->info.viewer == 0);
    eg_sim_world_start_source(world, 0);
    eg_sim_world_run(world, EG_SECOND);
    struct eg_sim_viewer *later = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, EG_SECOND);
    CHECK(eg_sim_viewer_is_up_to_date(later) && later->ledgers[EG_VIDEO].packets > 0);
    eg_sim_end(check, world);
}

static void strangers_on_its_ports_change_nothing(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(51, 2);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
    for (int i = 0; i < 50; i++) {
        eg_sim_world_run(world, 50 * EG_MILLISECOND);
        eg_sim_world_stray(world, 0);
    }
    CHECK(eg_sim_dropped(world, EG_DROP_SOURCE_STRANGER) > 200);
    CHECK_EQUAL(viewer->ledgers[EG_VIDEO].bursts, 1);
    CHECK_EQUAL(eg_sim_video_of(world)->epochs, 1);
    eg_sim_end(check, world);
}

// An authentic check for its own session, with another viewer's address written on it. The answer is not delivered: nobody asked for it.
static void check_in_the_name_of(struct eg_sim_world *world, const struct eg_sim_viewer *attacker, const struct eg_sim_viewer *victim) {
    uint8_t bytes[512];
    static const uint8_t transaction_id[EG_STUN_TRANSACTION_ID_SIZE] = "attacker";
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, transaction_id);
    eg__stun_write_username(&writer, attacker->info.ice_ufrag, strlen(attacker->info.ice_ufrag), attacker->ufrag, strlen(attacker->ufrag));
    eg__stun_write_ice_controlling(&writer, 1);
    size_t size = eg__stun_finish(&writer, attacker->info.ice_pwd, strlen(attacker->info.ice_pwd));
    struct eg_sim_engine *engine = &world->engines[0];
    struct eg_sim_worker *worker = &engine->workers[0];
    struct eg_arrival arrival = {.path = {.local = engine->addr, .remote = eg_sim_viewer_addr(victim, victim->address)},
                                 .bytes = bytes, .size = size, .at = world->now};
    eg__batch_clear(&worker->batch);
    eg__core_receive_viewer(worker->core, &arrival, &worker->batch);
    eg__batch_clear(&worker->batch);
}

static void a_newer_session_that_checks_in_a_viewers_name_gets_none_of_its_feedback(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(54, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.down.loss = 50;
    const struct eg_sim_viewer *victim = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 2 * EG_SECOND);
    // Once before it has keys of its own, and again when it has.
    const struct eg_sim_viewer *attacker = eg_sim_world_add_viewer(world, &eg_sim_browser);
    check_in_the_name_of(world, attacker, victim);
    for (int i = 0; i < 2; i++) {
        uint64_t repairs = victim->ledgers[EG_VIDEO].repairs;
        eg_sim_world_run(world, 2 * EG_SECOND);
        CHECK_EQUAL(attacker->state, EG_VIEWER_CONNECTED);
        CHECK(victim->ledgers[EG_VIDEO].repairs > repairs);
        check_in_the_name_of(world, attacker, victim);
    }
    CHECK_EQUAL(eg_sim_dropped(world, EG_DROP_SRTCP_REJECTED), 0);
    uint64_t sent, lost;
    eg_sim_viewer_count_lost(victim, &sent, &lost);
    CHECK(lost * 100 < sent);
    eg_sim_end(check, world);
}

static void losses_in_front_of_the_engine_stay_visible_behind_it(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(52, 2);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, EG_SECOND);
    world->streams[0].loss = 30;
    eg_sim_world_run(world, 4 * EG_SECOND);
    const struct eg_sim_ledger *video = &viewer->ledgers[EG_VIDEO];
    CHECK(video->last_index - video->first_index + 1 > video->packets + 5);
    CHECK(viewer->nacks > 5); // it asks for what nobody has
    CHECK_EQUAL(video->repairs, 0);
    eg_sim_end(check, world);
}

static void b_frames_are_told(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_create(53, 1, eg_sim_grace);
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.has_b_frames = true;
    eg_sim_world_add_stream(world, 0, &config);
    eg_sim_world_start_source(world, 0);
    eg_sim_world_run(world, 400 * EG_MILLISECOND);
    CHECK((world->streams[0].events_seen >> EG_STREAM_B_FRAMES & 1) != 0);
    eg_sim_end(check, world);
}

// --- repair ---

static void five_percent_loss_is_repaired_over_rtx(struct eg_check *check) {
    uint64_t sent = 0, lost = 0;
    for (uint64_t seed = 60; seed < 63; seed++) {
        struct eg_sim_world *world = eg_sim_world_with_source(seed, 2);
        struct eg_sim_script script = eg_sim_browser;
        script.down.loss = 50;
        for (int i = 0; i < 4; i++) eg_sim_world_add_viewer(world, &script);
        eg_sim_world_run(world, 20 * EG_SECOND);
        world->streams[0].is_running = false; // what is on its way arrives, what is missing is mended
        eg_sim_world_run(world, 900 * EG_MILLISECOND);
        for (int i = 0; i < 4; i++) {
            uint64_t viewer_sent, viewer_lost;
            eg_sim_viewer_count_lost(world->viewers[i], &viewer_sent, &viewer_lost);
            CHECK(world->viewers[i]->ledgers[EG_VIDEO].repairs > viewer_sent / 40);
            CHECK(world->viewers[i]->ledgers[EG_VIDEO].has_rtx);
            sent += viewer_sent;
            lost += viewer_lost;
        }
        eg_sim_end(check, world);
    }
    CHECK(sent > 25000);
    CHECK(lost * 1000 < sent);
}

static void without_rtx_the_very_same_packet_is_sent_again(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(64, 10);
    struct eg_sim_script script = eg_sim_browser;
    script.has_rtx = false;
    script.down.loss = 50;
    eg_sim_world_run(world, 4 * EG_SECOND); // so that much of what is lost is part of a burst
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 10 * EG_SECOND);
    uint64_t sent, lost;
    eg_sim_viewer_count_lost(viewer, &sent, &lost);
    CHECK(viewer->ledgers[EG_VIDEO].repairs > sent / 40);
    CHECK(!viewer->ledgers[EG_VIDEO].has_rtx);
    CHECK(lost * 100 < sent); // some are still on their way
    eg_sim_end(check, world);
}

static void without_nacks_losses_stay(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(65, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.asks_for_no_repair = true;
    script.down.loss = 50;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 10 * EG_SECOND);
    uint64_t sent, lost;
    eg_sim_viewer_count_lost(viewer, &sent, &lost);
    CHECK(lost * 100 > 3 * sent && lost * 100 < 7 * sent);
    eg_sim_end(check, world);
}

static void ask_for_pictures(struct eg_check *check, bool asks_by_fir) {
    struct eg_sim_world *world = eg_sim_world_with_source(66, 10);
    struct eg_sim_script script = eg_sim_browser;
    script.asks_for_pictures_every = 200 * EG_MILLISECOND;
    script.asks_by_fir = asks_by_fir;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script), *other = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 5 * EG_SECOND + 500 * EG_MILLISECOND);
    // Its own at the join, then each at half the bit rate, until what is left is too little to catch up with: it waits for the next IDR.
    CHECK_EQUAL(viewer->ledgers[EG_VIDEO].bursts, 4);
    struct eg_engine_stats engine_stats;
    eg__core_stats(world->engines[0].workers[0].core, &engine_stats);
    CHECK(engine_stats.bursts_refused > 0);
    CHECK_EQUAL(other->ledgers[EG_VIDEO].bursts, 1);
    struct eg_viewer_stats stats;
    CHECK(eg__core_viewer_stats(world->engines[0].workers[0].core, world->now, viewer->info.viewer, &stats) == EG_STATUS_OK);
    CHECK(stats.plis >= 20);
    eg_sim_end(check, world);
}

static void a_picture_is_sent_to_one_who_asks_and_less_eagerly_each_time(struct eg_check *check) {
    ask_for_pictures(check, false);
    ask_for_pictures(check, true);
}

// What all viewers' repairs together may take is spent: nobody gets any until it has grown again.
static void repairs_have_a_budget_of_all_viewers(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(67, 2);
    struct eg_core *core = world->engines[0].workers[0].core;
    struct eg_sim_script script = eg_sim_browser;
    script.down.loss = 50;
    struct eg_sim_viewer *viewers[4];
    for (size_t i = 0; i < 4; i++) viewers[i] = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, EG_SECOND);
    eg__budget_init(&core->context.repairs, world->now, 5, 5);
    uint64_t before = core->stats.repairs_sent;
    CHECK_EQUAL(core->stats.repairs_refused, 0);
    eg_sim_world_run(world, 4 * EG_SECOND);
    CHECK(core->stats.repairs_sent - before <= 5 + 4 * 5);
    CHECK(core->stats.repairs_sent - before >= 4 * 5);
    CHECK(core->stats.repairs_refused > 50);
    for (size_t i = 0; i < 4; i++) CHECK_ROW(viewers[i]->state == EG_VIEWER_CONNECTED, i);
    eg_sim_end(check, world);
}

static int64_t ntp_us(uint64_t ntp) { return (int64_t)((ntp >> 32) * EG_SECOND + (((ntp & UINT32_MAX) * EG_SECOND) >> 32)); }

static void reports_tell_one_clock_for_both_tracks_and_count_what_was_sent(struct eg_check *check) {
    static const int64_t rates[EG_TRACK_COUNT] = {90000, 48000};
    struct eg_sim_world *world = eg_sim_world_with_source(68, 2);
    eg_sim_world_run(world, EG_SECOND);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 500 * EG_MILLISECOND);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) CHECK_ROW(viewer->reports[kind].count >= 2, kind); // a browser syncs with the second
    eg_sim_world_run(world, 20 * EG_SECOND);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        const struct eg_sim_reports *reports = &viewer->reports[kind];
        int64_t passed = ntp_us(reports->last.ntp) - ntp_us(reports->first.ntp);
        int64_t ticks = (int64_t)(uint32_t)(reports->last.rtp_timestamp - reports->first.rtp_timestamp);
        CHECK_ROW(reports->count >= 10 && passed > 18 * EG_SECOND, kind);
        CHECK_ROW(llabs(ticks * EG_SECOND / rates[kind] - passed) < 5 * EG_MILLISECOND, kind);
        CHECK_ROW(reports->last.packet_count > 500 && reports->last.packet_count <= viewer->ledgers[kind].packets, kind);
    }
    CHECK(viewer->reports[EG_VIDEO].last.ntp == viewer->reports[EG_AUDIO].last.ntp);
    CHECK_EQUAL(viewer->reports[EG_VIDEO].last_at, viewer->reports[EG_AUDIO].last_at);
    // The newest picture's timestamp is that of about now: less than a frame ago, as the sender has it, and the way here.
    int64_t since = world->now - viewer->reports[EG_VIDEO].last_at;
    const struct eg_sim_sent *newest = eg_sim_ledger_find(&viewer->ledgers[EG_VIDEO], viewer->ledgers[EG_VIDEO].last_index);
    int64_t ahead = eg__timestamp_distance(viewer->reports[EG_VIDEO].last.rtp_timestamp, newest->timestamp);
    CHECK(llabs(ahead * EG_SECOND / 90000 - since) < 50 * EG_MILLISECOND);
    eg_sim_end(check, world);
}

// --- addresses ---

static void one_who_moves_gets_media_there_once_it_has_answered(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(70, 2);
    struct eg_sim_script script = eg_sim_browser;
    script.moves_after = 3 * EG_SECOND;
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &script);
    eg_sim_world_run(world, 3500 * EG_MILLISECOND);
    uint64_t highest = viewer->receivers[EG_VIDEO].highest;
    eg_sim_world_run(world, 40 * (eg_time)EG_SECOND);
    CHECK(viewer->is_proven[1]);
    CHECK_EQUAL(viewer->state, EG_VIEWER_CONNECTED);
    CHECK(viewer->receivers[EG_VIDEO].highest > highest + 1000);
    eg_sim_end(check, world);
}

// --- chance ---

static void a_seed_repeats_exactly(struct eg_check *check) {
    for (uint64_t seed = 0; seed < 6; seed++) CHECK_ROW(eg_sim_fingerprint(seed) == eg_sim_fingerprint(seed), seed);
    CHECK(eg_sim_fingerprint(0) != eg_sim_fingerprint(1));
}

static void nothing_goes_wrong_in_worlds_at_random(struct eg_check *check) {
    static char report[8192];
    uint64_t failed = eg_sim_run(0, SEEDS, report, sizeof report);
    if (failed > 0) eg_check_fail(check, __FILE__, __LINE__, "%llu of %d worlds failed\n%s", (unsigned long long)failed, SEEDS, report);
}

// Two viewers are given new credentials; only one takes them up. Media goes on for both, until the other's consent, which its old checks no
// longer renew, is over.
static void after_an_ice_restart_only_the_new_credentials_count(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(43, 2);
    struct eg_sim_viewer *follows = eg_sim_world_add_viewer(world, &eg_sim_browser), *ignores = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 2 * EG_SECOND);
    REQUIRE(follows->state == EG_VIEWER_CONNECTED && ignores->state == EG_VIEWER_CONNECTED);
    struct eg_core *core = world->engines[0].workers[0].core;
    struct eg_viewer_info info;
    CHECK_EQUAL(eg__core_restart_ice(core, ignores->info.viewer, "other", "anotherpasswordof24chars", &info, NULL), EG_STATUS_OK);
    ignores->has_old_credentials = true;
    CHECK_EQUAL(eg__core_restart_ice(core, follows->info.viewer, "newufrag", "anewpasswordof24chars+++", &follows->info, NULL), EG_STATUS_OK);
    strcpy(follows->ufrag, "newufrag");
    strcpy(follows->pwd, "anewpasswordof24chars+++");
    eg_sim_world_run(world, 20 * EG_SECOND);
    CHECK(eg_sim_viewer_is_up_to_date(follows) && eg_sim_viewer_is_up_to_date(ignores));
    eg_sim_world_run(world, 15 * EG_SECOND);
    CHECK(follows->state == EG_VIEWER_CONNECTED && eg_sim_viewer_is_up_to_date(follows));
    CHECK_EQUAL(ignores->reason, EG_CLOSE_CONSENT_EXPIRED);
    CHECK_EQUAL(eg__core_restart_ice(core, follows->info.viewer, "abc", "anewpasswordof24chars+++", &info, NULL), EG_STATUS_INVALID_ARGUMENT);
    eg_sim_end(check, world);
}

// Its link takes half of the stream. The one beside it loses nothing by it.
static void one_whose_link_is_too_slow_is_told_and_closed(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(44, 2);
    struct eg_sim_script narrow = eg_sim_browser;
    narrow.asks_for_no_repair = true;
    struct eg_sim_viewer *slow = eg_sim_world_add_viewer(world, &narrow), *other = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 3 * EG_SECOND);
    REQUIRE(slow->state == EG_VIEWER_CONNECTED && other->state == EG_VIEWER_CONNECTED);
    slow->down.quality.loss = slow->script.down.loss = 500; // of 1,000
    eg_sim_world_run(world, 14 * EG_SECOND);
    CHECK(slow->state == EG_VIEWER_CONNECTED);
    eg_sim_world_run(world, 6 * EG_SECOND);
    CHECK_EQUAL(slow->reason, EG_CLOSE_CONGESTION);
    CHECK(other->state == EG_VIEWER_CONNECTED && eg_sim_viewer_is_up_to_date(other));
    uint64_t sent, lost;
    eg_sim_viewer_count_lost(other, &sent, &lost);
    CHECK(sent > 1000);
    CHECK_EQUAL(lost, 0);
    eg_sim_end(check, world);
}

// The loop comes to nothing else for a while, as when a machine is overloaded: what is too old is given up, and counted.
static void after_an_overload_viewers_are_live_again_with_the_next_idr(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(41, 2);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 3 * EG_SECOND);
    REQUIRE(viewer->state == EG_VIEWER_CONNECTED && eg_sim_viewer_is_up_to_date(viewer));
    world->holds_transmit = viewer->ledgers[EG_AUDIO].may_skip = true;
    eg_sim_world_run(world, 1500 * EG_MILLISECOND);
    world->holds_transmit = false;
    CHECK_EQUAL(eg_sim_dropped(world, EG_DROP_SLOW_VIEWER), 0);
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    CHECK(eg_sim_dropped(world, EG_DROP_SLOW_VIEWER) > 100);
    eg_sim_world_run(world, 3 * EG_SECOND);
    CHECK(eg_sim_viewer_is_up_to_date(viewer));
    CHECK_EQUAL(viewer->ledgers[EG_VIDEO].bursts, 2);
    eg_sim_end(check, world);
}

static void a_hold_up_of_less_than_a_second_loses_nobody_anything(struct eg_check *check) {
    struct eg_sim_world *world = eg_sim_world_with_source(42, 2);
    struct eg_sim_viewer *viewer = eg_sim_world_add_viewer(world, &eg_sim_browser);
    eg_sim_world_run(world, 3 * EG_SECOND);
    world->holds_transmit = true;
    eg_sim_world_run(world, 900 * EG_MILLISECOND);
    world->holds_transmit = false;
    eg_sim_world_run(world, 100 * EG_MILLISECOND);
    CHECK(eg_sim_viewer_is_up_to_date(viewer));
    CHECK_EQUAL(eg_sim_dropped(world, EG_DROP_SLOW_VIEWER), 0);
    CHECK_EQUAL(viewer->ledgers[EG_VIDEO].bursts, 1);
    eg_sim_end(check, world);
}

static const struct eg_test tests[] = {
    EG_TEST(two_viewers_see_the_same_pictures),
    EG_TEST(one_who_joins_in_the_middle_of_a_long_gop_has_its_idr_at_once_and_is_live_soon),
    EG_TEST(one_who_comes_before_the_source_waits_for_it),
    EG_TEST(every_kind_of_client_connects),
    EG_TEST(dtls_from_an_address_without_a_check_is_dropped),
    EG_TEST(whom_the_answer_did_not_mean_never_connects),
    EG_TEST(a_slow_handshake_times_out),
    EG_TEST(handshakes_that_are_not_gone_on_with_keep_others_waiting_for_seconds_and_no_longer),
    EG_TEST(one_who_vanishes_is_gone_when_its_consent_expires),
    EG_TEST(one_who_says_goodbye_is_gone_at_once),
    EG_TEST(one_who_is_closed_hears_of_it),
    EG_TEST(stopping_the_stream_says_goodbye_to_all),
    EG_TEST(a_stream_can_be_removed_while_a_picture_is_going_out),
    EG_TEST(nobody_misses_a_picture_because_others_come_and_go_meanwhile),
    EG_TEST(viewers_stay_through_a_restart_of_the_source),
    EG_TEST(a_source_that_stays_away_costs_its_viewers),
    EG_TEST(strangers_on_its_ports_change_nothing),
    EG_TEST(a_newer_session_that_checks_in_a_viewers_name_gets_none_of_its_feedback),
    EG_TEST(losses_in_front_of_the_engine_stay_visible_behind_it),
    EG_TEST(b_frames_are_told),
    EG_TEST(five_percent_loss_is_repaired_over_rtx),
    EG_TEST(without_rtx_the_very_same_packet_is_sent_again),
    EG_TEST(without_nacks_losses_stay),
    EG_TEST(a_picture_is_sent_to_one_who_asks_and_less_eagerly_each_time),
    EG_TEST(repairs_have_a_budget_of_all_viewers),
    EG_TEST(reports_tell_one_clock_for_both_tracks_and_count_what_was_sent),
    EG_TEST(one_who_moves_gets_media_there_once_it_has_answered),
    EG_TEST(a_seed_repeats_exactly),
    EG_TEST(nothing_goes_wrong_in_worlds_at_random),
    EG_TEST(one_whose_link_is_too_slow_is_told_and_closed),
    EG_TEST(after_an_ice_restart_only_the_new_credentials_count),
    EG_TEST(after_an_overload_viewers_are_live_again_with_the_next_idr),
    EG_TEST(a_hold_up_of_less_than_a_second_loses_nobody_anything),
};

EG_TEST_SUITE(sim, tests);
