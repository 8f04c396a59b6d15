#include "check.h"
#include "sim_ffmpeg.h"

#include "proto/source.h"
#include "wire/h264.h"
#include "wire/rtcp.h"

#include <stdlib.h>
#include <string.h>

enum { CAPTURE_MAX = 512 };

struct captured {
    enum eg_track_kind kind;
    struct eg_addr from;
    size_t size;
    uint8_t bytes[EG_SIM_PACKET_SIZE_MAX];
};

// Both legs of a stream, and senders whose datagrams arrive at once, or are kept for the test to deliver.
struct fixture {
    struct eg_sim_ffmpeg_output output; // first
    struct eg_pool chunks;
    struct eg_store stores[EG_TRACK_COUNT];
    struct eg_media_clock clock;
    uint64_t drops[EG_DROP_COUNT];
    struct eg_source sources[EG_TRACK_COUNT];
    eg_time now;
    bool is_capturing;
    size_t captured_count;
    struct captured captured[CAPTURE_MAX];
};

static void deliver(struct fixture *fixture, const struct captured *datagram) {
    eg__source_receive(&fixture->sources[datagram->kind], fixture->now, &datagram->from, datagram->bytes, datagram->size);
}

static void take(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes, size_t size) {
    struct fixture *fixture = (struct fixture *)output;
    struct captured datagram = {.kind = kind, .from = *from, .size = size};
    memcpy(datagram.bytes, bytes, size);
    if (!fixture->is_capturing) deliver(fixture, &datagram);
    else if (fixture->captured_count < CAPTURE_MAX) fixture->captured[fixture->captured_count++] = datagram;
}

static struct fixture *fixture_create(void) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->output.datagram = take;
    fixture->now = 1000 * (eg_time)EG_SECOND;
    eg__pool_init(&fixture->chunks, sizeof(struct eg_store_chunk), 100);
    eg__clock_init(&fixture->clock, 0);
    const uint8_t payload_types[EG_TRACK_COUNT] = {EG_SIM_VIDEO_PAYLOAD_TYPE, EG_SIM_AUDIO_PAYLOAD_TYPE};
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        EG_ASSERT(eg__store_init(&fixture->stores[kind], &fixture->chunks, 4096, 50));
        eg__source_init(&fixture->sources[kind], kind, payload_types[kind], &fixture->stores[kind], &fixture->clock, fixture->drops);
    }
    return fixture;
}

static void fixture_destroy(struct fixture *fixture) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg__store_deinit(&fixture->stores[kind]);
    eg__pool_deinit(&fixture->chunks);
    free(fixture);
}

static struct eg_source *video(struct fixture *fixture) { return &fixture->sources[EG_VIDEO]; }

static struct eg_sim_ffmpeg start(struct fixture *fixture, const struct eg_sim_ffmpeg_config *config, uint64_t seed) {
    struct eg_sim_ffmpeg ffmpeg;
    eg_sim_ffmpeg_start(&ffmpeg, config, &fixture->output, seed, fixture->now, 0);
    return ffmpeg;
}

// Sends pictures in their time, the clock standing at the last one's arrival.
static void send_pictures(struct fixture *fixture, struct eg_sim_ffmpeg *ffmpeg, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (i > 0) fixture->now += EG_SECOND / ffmpeg->config.frame_rate;
        eg_sim_ffmpeg_send_picture(ffmpeg);
    }
}

static void capture_picture(struct fixture *fixture, struct eg_sim_ffmpeg *ffmpeg) {
    fixture->is_capturing = true;
    fixture->captured_count = 0;
    eg_sim_ffmpeg_send_picture(ffmpeg);
    fixture->is_capturing = false;
}

static void deliver_all(struct fixture *fixture) {
    for (size_t i = 0; i < fixture->captured_count; i++) deliver(fixture, &fixture->captured[i]);
}

static uint64_t dropped(const struct fixture *fixture) {
    uint64_t count = 0;
    for (int i = 0; i < EG_DROP_COUNT; i++) count += fixture->drops[i];
    return count;
}

static bool take_event(struct eg_source *source, eg_stream_event_kind kind) {
    bool is_there = (source->events >> kind & 1) != 0;
    source->events &= ~(1u << kind);
    return is_there;
}

static uint64_t stored(const struct eg_store *store, uint64_t begin, uint64_t end) {
    uint64_t count = 0;
    for (uint64_t place = begin; place < end; place++) count += eg__store_get(store, place) != NULL;
    return count;
}

static bool is_sets(const struct eg_packet *packet, unsigned format) {
    uint8_t sets[64];
    size_t size = eg_sim_ffmpeg_sets(format, sets);
    return packet != NULL && packet->size == size && memcmp(packet->payload, sets, size) == 0;
}

static bool starts_idr(const struct eg_packet *packet) { return packet != NULL && eg__h264_inspect(packet->payload, packet->size).starts_idr; }

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
    CHECK_EQUAL(video(fixture)->idrs, 1);
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
    static const struct { eg_time after; uint32_t ticks; } rows[] = {{0, 0}, {1000, 90}, {33000, 2970}, {33333, 2999}, {50000, 2999}, {5000000, 2999}};
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
        CHECK_ROW(video(fixture)->idrs == 3, has_single_sets);
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

// --- epochs ---

// What every change of sender must leave behind: places without a gap, timestamps that go on, and an IDR with its sets first.
static void check_new_epoch(struct eg_check *check, struct fixture *fixture, uint64_t epoch_begin, uint32_t last_timestamp, uint64_t passed_ms) {
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
    eg__source_receive(video(fixture), fixture->now, &ffmpeg.legs[EG_VIDEO].addr, broken_rtcp, sizeof broken_rtcp);
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
        eg__source_receive(&fixture->sources[EG_AUDIO], fixture->now, &from, bytes, sizeof bytes - (i == 1));
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
            eg_time now = fixture->now;
            eg_sim_ffmpeg_tick(&ffmpeg, now);
            // Sound of the same moment comes 300 ms after the picture.
            CHECK_ROW(i == 0 || fixture->clock.legs[EG_VIDEO].has_report, run);
            fixture->now += 20 * EG_MILLISECOND;
        }
        uint32_t video_now, audio_now;
        REQUIRE(eg__clock_timestamp(&fixture->clock, EG_VIDEO, fixture->now, &video_now));
        REQUIRE(eg__clock_timestamp(&fixture->clock, EG_AUDIO, fixture->now, &audio_now));
        int64_t video_us = (int64_t)(video_now - video(fixture)->timestamp_offset - ffmpeg.legs[EG_VIDEO].base_timestamp) * 100 / 9;
        int64_t audio_us = (int64_t)(audio_now - fixture->sources[EG_AUDIO].timestamp_offset - ffmpeg.legs[EG_AUDIO].base_timestamp) * 125 / 6;
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
    EG_TEST(stores_every_packet_as_it_was_sent),
    EG_TEST(a_picture_is_given_out_whole_at_its_marker),
    EG_TEST(a_picture_without_its_marker_is_given_out_after_a_millisecond),
    EG_TEST(a_picture_whose_marker_was_lost_is_given_out_when_the_next_begins),
    EG_TEST(audio_is_given_out_at_once),
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
    EG_TEST(a_bye_lets_the_next_sender_in_at_once),
    EG_TEST(a_bye_gives_out_a_picture_that_is_not_complete),
    EG_TEST(a_new_ssrc_from_the_sender_s_own_address_begins_an_epoch),
    EG_TEST(a_new_sender_takes_over_after_silence_and_loses_nothing),
    EG_TEST(a_jump_of_the_sender_s_own_is_a_new_epoch_once_it_is_proven),
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

EG_TEST_SUITE(source, tests);
