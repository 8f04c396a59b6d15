#include "sim/ffmpeg.h"
#include "support/check.h"

#include "delivery/track.h"
#include "wire/h264.h"

#include <stdlib.h>
#include <string.h>

enum {
    BIT_RATE_MAX = 16000000, // [bit/s]
    SENT_MAX = 8192,
    PACKET_SIZE_MAX = EG_RTP_HEADER_SIZE + 2 + EG_RTP_PAYLOAD_SIZE_MAX + EG_SRTP_TAG_SIZE_MAX,
};

// What went out under an index.
struct sent {
    uint64_t index;
    uint64_t place;
    uint32_t timestamp;
    eg_time at;
    size_t size;
    uint64_t hash;
};

// A source with a sender, and one viewer's track of it, served as the fan-out does.
struct fixture {
    struct eg_sim_ffmpeg_output output; // first
    struct eg_burst_limits limits;
    struct eg_budget burst_bytes;
    uint64_t bursts_begun;
    uint64_t bursts_refused;
    struct eg_sim_random random;
    struct eg_chunk_pool chunks;
    struct eg_store store;
    struct eg_media_clock clock;
    uint64_t drops[EG_DROP_COUNT];
    struct eg_source source;
    struct eg_sim_ffmpeg ffmpeg;
    bool is_losing;
    uint64_t ends_at_gop; // what comes after the first packet of the GOP behind this one is lost; 0: nothing
    struct eg_crypto *crypto;
    void *context;
    struct eg_srtp srtp;
    struct eg_track track;
    eg_time now;
    struct sent sent[SENT_MAX]; // in the order they were sent first
    size_t sent_count;
};

static void take(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes,
                 size_t size) {
    struct fixture *fixture = (struct fixture *)output;
    struct eg_arrival arrival = {.path.remote = *from, .bytes = bytes, .size = size, .at = fixture->now};
    if (fixture->ends_at_gop > 0 && fixture->store.gop_begin != fixture->ends_at_gop) return;
    if (kind == fixture->source.kind && !fixture->is_losing) eg__source_receive(&fixture->source, &arrival);
}

static struct fixture *fixture_create(const struct eg_sim_ffmpeg_config *config, enum eg_track_kind kind, uint64_t seed) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->output.datagram = take;
    fixture->now = 1000 * (eg_time)EG_SECOND;
    eg_sim_random_init(&fixture->random, seed);
    eg__chunk_pool_init(&fixture->chunks, 400);
    EG_ASSERT(eg__store_init(&fixture->store, &fixture->chunks, EG_STORE_VIDEO_PACKETS_MAX, EG_STORE_VIDEO_CHUNKS_MAX));
    eg__clock_init(&fixture->clock, 0);
    uint8_t payload_type = kind == EG_VIDEO ? EG_SIM_VIDEO_PAYLOAD_TYPE : EG_SIM_AUDIO_PAYLOAD_TYPE;
    struct eg_source_format format = {.payload_type = payload_type};
    eg__source_init(&fixture->source, kind, format, &fixture->store, &fixture->clock, fixture->drops);
    eg_sim_ffmpeg_start(&fixture->ffmpeg, config, &fixture->output, seed, fixture->now, 0);
    fixture->crypto = eg__crypto_create("openssl");
    EG_ASSERT(fixture->crypto != NULL);
    fixture->context = aligned_alloc(64, (eg__srtp_context_size(fixture->crypto) + 63) & ~(size_t)63);
    memset(fixture->context, 0, eg__srtp_context_size(fixture->crypto));
    struct eg_srtp_keys keys = {.profile = EG_SRTP_AEAD_AES_128_GCM, .local.key = "a key, 15 bytes"};
    EG_ASSERT(eg__srtp_init(&fixture->srtp, fixture->crypto, fixture->context, &keys));
    eg__track_init(&fixture->track, &fixture->random.random, kind);
    eg__budget_init(&fixture->burst_bytes, fixture->now, UINT32_MAX, UINT32_MAX);
    fixture->limits = (struct eg_burst_limits){
        .bit_rate_max = BIT_RATE_MAX, .speed_min_percent = EG_BURST_SPEED_MIN_PERCENT, .bytes = &fixture->burst_bytes,
        .begun = &fixture->bursts_begun, .refused = &fixture->bursts_refused};
    fixture->track.payload_type = 102;
    fixture->track.rtx_payload_type = 103;
    return fixture;
}

static void fixture_destroy(struct fixture *fixture) {
    eg__srtp_deinit(&fixture->srtp);
    free(fixture->context);
    eg__crypto_destroy(fixture->crypto);
    eg__source_deinit(&fixture->source);
    eg__store_deinit(&fixture->store);
    eg__chunk_pool_deinit(&fixture->chunks);
    free(fixture);
}

static uint64_t hash_of(const uint8_t *bytes, size_t size) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

static struct sent *find_sent(struct fixture *fixture, uint64_t index) {
    for (size_t i = 0; i < fixture->sent_count; i++)
        if (fixture->sent[i].index == index) return &fixture->sent[i];
    return NULL;
}

// Whatever goes out under an index is what went out under it before.
static void note(struct eg_check *check, struct fixture *fixture, uint64_t place, const uint8_t *bytes, size_t size) {
    struct eg_rtp rtp;
    CHECK(eg__rtp_parse(&rtp, bytes, size));
    CHECK_EQUAL(rtp.ssrc, fixture->track.ssrc);
    CHECK_EQUAL(rtp.payload_type, 102);
    uint64_t index = place + fixture->track.map.index_offset;
    CHECK_EQUAL(rtp.sequence, (uint16_t)index);
    struct sent sent = {
        .index = index,
        .place = place,
        .timestamp = rtp.timestamp,
        .at = fixture->now,
        .size = size,
        .hash = hash_of(bytes, size),
    };
    const struct sent *before = find_sent(fixture, index);
    if (before == NULL && fixture->sent_count < SENT_MAX) fixture->sent[fixture->sent_count++] = sent;
    if (before == NULL) return;
    CHECK(before->place == place && before->timestamp == rtp.timestamp);
    CHECK(before->size == size && before->hash == sent.hash);
}

// What the fan-out does for a track. Gives when it wants to be called again.
static eg_time serve(struct eg_check *check, struct fixture *fixture) {
    struct eg_track *track = &fixture->track;
    if (track->state != EG_TRACK_WAITING && track->cursor < fixture->store.begin) track->state = EG_TRACK_WAITING;
    if (track->state == EG_TRACK_WAITING) eg__track_join(track, fixture->now, &fixture->source, &fixture->limits);
    if (track->state == EG_TRACK_WAITING) return EG_TIME_NEVER;
    for (; track->cursor < fixture->source.ready_end; track->cursor++) {
        const struct eg_packet *packet = eg__store_get(&fixture->store, track->cursor);
        if (packet == NULL) continue;
        eg_time due = eg__track_due(track, track->cursor, packet->timestamp, fixture->clock.legs[fixture->source.kind].rate);
        if (due > fixture->now) return due;
        uint8_t out[PACKET_SIZE_MAX];
        size_t size = eg__track_write(track, &fixture->srtp, track->cursor, packet, out);
        note(check, fixture, track->cursor, out, size);
    }
    if (track->state == EG_TRACK_CATCHING_UP) track->state = EG_TRACK_LIVE;
    return EG_TIME_NEVER;
}

// Lets time pass, the sender sending and the track being served when it asks for it.
static void run(struct eg_check *check, struct fixture *fixture, eg_time duration, bool is_served) {
    eg_time end = fixture->now + duration, due = fixture->now;
    while (true) {
        eg_time next = eg__time_min(eg_sim_ffmpeg_deadline(&fixture->ffmpeg), is_served ? due : EG_TIME_NEVER);
        if (next > end) break;
        if (next > fixture->now) fixture->now = next;
        eg_sim_ffmpeg_tick(&fixture->ffmpeg, fixture->now);
        if (is_served) due = serve(check, fixture);
    }
    fixture->now = end;
}

// Contiguous numbers that begin at `begin`, and timestamps of pictures that never go back.
static void check_sent(struct eg_check *check, struct fixture *fixture, size_t begin) {
    for (size_t i = begin + 1; i < fixture->sent_count && check->failures == 0; i++) {
        CHECK_ROW(fixture->sent[i].index == fixture->sent[i - 1].index + 1, i);
        int32_t step = eg__timestamp_distance(fixture->sent[i - 1].timestamp, fixture->sent[i].timestamp);
        const struct eg_packet *last = eg__store_get(&fixture->store, fixture->sent[i - 1].place);
        const struct eg_packet *packet = eg__store_get(&fixture->store, fixture->sent[i].place);
        if (last == NULL || packet == NULL) continue;
        bool is_same_picture = fixture->sent[i].place == fixture->sent[i - 1].place + 1 && last->timestamp == packet->timestamp;
        CHECK_ROW(is_same_picture ? step == 0 : step > 0, i);
    }
}

static struct eg_sim_ffmpeg_config gop_of(uint32_t seconds) {
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.has_audio = false;
    config.gop_pictures = seconds * config.frame_rate;
    return config;
}

static void numbers_begin_in_the_lower_half_and_ssrcs_differ(struct eg_check *check) {
    struct eg_sim_random random;
    uint32_t seen = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct eg_track video = {0}, audio = {0};
        eg_sim_random_init(&random, seed);
        eg__track_init(&video, &random.random, EG_VIDEO);
        eg__track_init(&audio, &random.random, EG_AUDIO);
        CHECK_ROW(video.next_index < 32768 && audio.next_index < 32768 && video.rtx_index < 32768, seed);
        CHECK_ROW(video.ssrc != audio.ssrc && video.ssrc != video.rtx_ssrc && audio.ssrc != video.rtx_ssrc, seed);
        CHECK_ROW(video.ssrc != 0 && audio.ssrc != 0, seed);
        CHECK_ROW(video.state == EG_TRACK_WAITING, seed);
        seen |= (uint32_t)video.next_index;
    }
    CHECK_EQUAL(seen, 32767);
}

static void nothing_that_was_never_sent_has_a_place(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(2);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 1);
    struct eg_track_spot spot;
    run(check, fixture, 10 * EG_SECOND, false);
    for (uint32_t sequence = 0; sequence < 65536; sequence++)
        CHECK_ROW(!eg__track_find(&fixture->track, (uint16_t)sequence, &spot), sequence);
    serve(check, fixture);
    REQUIRE(fixture->sent_count > 0);
    uint64_t first = fixture->sent[0].index, last = fixture->sent[fixture->sent_count - 1].index;
    for (uint64_t index = first - 50; index <= last + 50; index++) {
        bool is_sent = index >= first && index <= last;
        CHECK_ROW(eg__track_find(&fixture->track, (uint16_t)index, &spot) == is_sent, index);
        if (is_sent) CHECK_ROW(spot.place == find_sent(fixture, index)->place, index);
    }
    fixture_destroy(fixture);
}

static void waits_for_an_idr(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(2);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 2);
    CHECK(!eg__track_join(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    CHECK(fixture->track.state == EG_TRACK_WAITING);
    run(check, fixture, 100 * EG_MILLISECOND, false);
    CHECK(eg__track_join(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    fixture_destroy(fixture);
}

// At every point of a GOP: all of it, in order, at once, and live soon.
static void one_that_joins_gets_the_whole_gop_and_is_live_soon(struct eg_check *check) {
    static const eg_time joins_ms[] = {1, 20, 33, 34, 500, 2000, 5000, 9000, 9990, 10010};
    for (size_t row = 0; row < sizeof joins_ms / sizeof joins_ms[0] && check->failures == 0; row++) {
        struct eg_sim_ffmpeg_config config = gop_of(10);
        struct fixture *fixture = fixture_create(&config, EG_VIDEO, 3 + row);
        run(check, fixture, joins_ms[row] * EG_MILLISECOND, false);
        eg_time joined_at = fixture->now;
        uint64_t idr = fixture->store.gop_begin;
        uint32_t live = eg__source_live_timestamp(&fixture->source, fixture->now);
        run(check, fixture, 1200 * EG_MILLISECOND, true);
        REQUIRE(fixture->sent_count > 0);
        CHECK_ROW(fixture->sent[0].place == idr, row);
        CHECK_ROW(fixture->sent[0].at == joined_at, row);
        CHECK_ROW(fixture->sent[0].timestamp == live, row);
        // One that joins just before an IDR goes over to it, instead of showing what is old by then.
        check_sent(check, fixture, 0);
        CHECK_ROW(fixture->track.state == EG_TRACK_LIVE, row);
        const struct sent *last = &fixture->sent[fixture->sent_count - 1];
        CHECK_ROW(last->place + 1 == fixture->source.ready_end, row);
        CHECK_ROW(last->timestamp == eg__store_get(&fixture->store, last->place)->timestamp, row);
        fixture_destroy(fixture);
    }
}

// out(t) >= t, strictly rising, and every picture goes when the live clock reaches its timestamp.
static void timestamps_of_a_burst_are_those_of_the_live_clock(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(10);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 20);
    run(check, fixture, 5 * EG_SECOND, false);
    eg_time joined_at = fixture->now;
    uint32_t live = eg__source_live_timestamp(&fixture->source, fixture->now);
    run(check, fixture, 2 * EG_SECOND, true);
    uint32_t last_out = 0;
    bool is_live = false;
    for (size_t i = 0; i < fixture->sent_count; i++) {
        const struct sent *sent = &fixture->sent[i];
        uint32_t timestamp = eg__store_get(&fixture->store, sent->place)->timestamp;
        CHECK_ROW(eg__timestamp_distance(timestamp, sent->timestamp) >= 0, i);
        if (is_live) CHECK_ROW(sent->timestamp == timestamp, i); // and stays so
        is_live = sent->timestamp == timestamp;
        if (!is_live) {
            int64_t clock_us = (int64_t)(sent->at - joined_at) - (int64_t)(sent->timestamp - live) * 100 / 9;
            CHECK_ROW(llabs(clock_us) <= 34000, i);
        }
        if (i > 0) CHECK_ROW(eg__timestamp_distance(last_out, sent->timestamp) >= 0, i);
        last_out = sent->timestamp;
    }
    CHECK(is_live);
    fixture_destroy(fixture);
}

static void a_burst_keeps_to_its_bit_rate(struct eg_check *check) {
    static const uint32_t picture_sizes[] = {500, 3500, 8000, 16000};
    for (size_t row = 0; row < 4; row++) {
        struct eg_sim_ffmpeg_config config = gop_of(10);
        config.picture_size = picture_sizes[row];
        config.idr_size = 60000;
        struct fixture *fixture = fixture_create(&config, EG_VIDEO, 30);
        run(check, fixture, 5 * EG_SECOND, false);
        run(check, fixture, 4 * EG_SECOND, true);
        eg_time began_at = fixture->sent[0].at;
        uint64_t bytes = 0;
        for (size_t i = 0; i < fixture->sent_count; i++) {
            const struct sent *sent = &fixture->sent[i];
            bytes += sent->size;
            eg_time passed = sent->at - began_at;
            if (passed < 50 * EG_MILLISECOND) continue;
            // Plus headers and tags, and the picture that is going.
            CHECK_ROW(bytes * 8 <= (uint64_t)BIT_RATE_MAX * 105 / 100 * passed / EG_SECOND + 8 * 60000, row);
        }
        CHECK_ROW(fixture->track.state == EG_TRACK_LIVE, row);
        check_sent(check, fixture, 0);
        fixture_destroy(fixture);
    }
}

static void a_stream_too_fast_to_catch_up_with_is_joined_at_its_next_idr(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(2);
    config.picture_size = 60000; // 14.4 Mbit/s
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 31);
    run(check, fixture, EG_SECOND, false);
    serve(check, fixture);
    CHECK(fixture->track.state == EG_TRACK_WAITING);
    CHECK_EQUAL(fixture->sent_count, 0);
    run(check, fixture, EG_SECOND, true);
    CHECK(fixture->track.state == EG_TRACK_LIVE);
    REQUIRE(fixture->sent_count > 0);
    CHECK_EQUAL(fixture->sent[0].place, fixture->store.gop_begin);
    check_sent(check, fixture, 0);
    fixture_destroy(fixture);
}

static void losses_in_front_of_us_stay_visible(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(2);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 32);
    run(check, fixture, 500 * EG_MILLISECOND, true);
    size_t before = fixture->sent_count;
    uint64_t end = fixture->source.highest;
    fixture->is_losing = true;
    run(check, fixture, 100 * EG_MILLISECOND, true);
    fixture->is_losing = false;
    run(check, fixture, 100 * EG_MILLISECOND, true);
    uint64_t lost = eg__store_get(&fixture->store, end + 1) == NULL ? fixture->sent[before].place - end - 1 : 0;
    CHECK(lost > 5);
    CHECK_EQUAL(fixture->sent[before].index, fixture->sent[before - 1].index + 1 + lost);
    fixture_destroy(fixture);
}

static void a_packet_sent_again_is_the_same_byte_for_byte(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(10);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 33);
    run(check, fixture, 5 * EG_SECOND, false);
    for (int i = 0; i < 40; i++) {
        run(check, fixture, 50 * EG_MILLISECOND, true);
        size_t count = fixture->sent_count;
        for (size_t at = i % 7; at < count; at += 11) {
            struct eg_track_spot spot;
            REQUIRE(eg__track_find(&fixture->track, (uint16_t)fixture->sent[at].index, &spot));
            CHECK_EQUAL(spot.place, fixture->sent[at].place);
            const struct eg_packet *packet = eg__store_get(&fixture->store, spot.place);
            REQUIRE(packet != NULL);
            uint8_t out[PACKET_SIZE_MAX];
            uint32_t packets = fixture->track.packets;
            note(check, fixture, spot.place, out, eg__track_write_again(&fixture->track, &fixture->srtp, &spot, packet, out));
            CHECK_EQUAL(fixture->track.packets, packets);
        }
        CHECK_EQUAL(fixture->sent_count, count);
    }
    check_sent(check, fixture, 0);
    CHECK_EQUAL(fixture->track.packets, fixture->sent_count);
    fixture_destroy(fixture);
}

static void over_rtx_it_has_its_own_numbers_and_the_timestamp_it_had(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(10);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 34);
    run(check, fixture, 5 * EG_SECOND, false);
    run(check, fixture, 300 * EG_MILLISECOND, true);
    uint64_t next = fixture->track.next_index;
    uint16_t rtx_sequence = (uint16_t)fixture->track.rtx_index;
    fixture->track.has_rtx = true;
    for (size_t at = 0; at < fixture->sent_count; at += 5) {
        const struct sent *sent = &fixture->sent[at];
        const struct eg_packet *packet = eg__store_get(&fixture->store, sent->place);
        uint8_t out[PACKET_SIZE_MAX];
        struct eg_rtp rtp;
        struct eg_track_spot spot;
        REQUIRE(eg__track_find(&fixture->track, (uint16_t)sent->index, &spot));
        size_t size = eg__track_write_again(&fixture->track, &fixture->srtp, &spot, packet, out);
        REQUIRE(eg__rtp_parse(&rtp, out, size));
        CHECK_EQUAL(rtp.ssrc, fixture->track.rtx_ssrc);
        CHECK_EQUAL(rtp.payload_type, 103);
        CHECK_EQUAL(rtp.sequence, rtx_sequence++);
        CHECK_EQUAL(rtp.timestamp, sent->timestamp);
        CHECK_EQUAL(rtp.marker, packet->marker);
        CHECK_EQUAL(size, sent->size + 2);
        // The original number is the first that counter mode hides: two packets of one payload differ in it alone.
        CHECK(hash_of(out, size) != sent->hash);
    }
    CHECK_EQUAL(fixture->track.next_index, next);
    fixture_destroy(fixture);
}

static void jumping_keeps_the_numbers_contiguous_and_forgets_what_was_before(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(2);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 35);
    run(check, fixture, 1500 * EG_MILLISECOND, true);
    uint64_t next = fixture->track.next_index;
    struct eg_track_spot spot;
    CHECK(eg__track_find(&fixture->track, (uint16_t)(next - 1), &spot));
    eg__track_skip_to(&fixture->track, fixture->track.cursor + 1000);
    CHECK_EQUAL(fixture->track.next_index, next);
    CHECK(!eg__track_find(&fixture->track, (uint16_t)(next - 1), &spot));
    CHECK_EQUAL(fixture->track.cursor + fixture->track.map.index_offset, next);
    fixture_destroy(fixture);
}

static void one_that_lost_its_picture_begins_again_at_most_once_a_second(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(4);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 36);
    CHECK(!eg__track_begin_again(&fixture->track, fixture->now, &fixture->source, &fixture->limits)); // nothing to begin with
    run(check, fixture, 1500 * EG_MILLISECOND, false);
    run(check, fixture, 999 * EG_MILLISECOND, true);
    CHECK(!eg__track_begin_again(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    fixture->now += 10 * EG_MILLISECOND;
    size_t before = fixture->sent_count;
    CHECK(eg__track_begin_again(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    CHECK(!eg__track_begin_again(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    run(check, fixture, 900 * EG_MILLISECOND, true);
    REQUIRE(fixture->sent_count > before);
    CHECK_EQUAL(fixture->sent[before].place, fixture->store.gop_begin);
    CHECK(fixture->track.state == EG_TRACK_LIVE);
    check_sent(check, fixture, 0);
    fixture_destroy(fixture);
}

// Until a key picture has begun, of which nothing is ready to be sent.
static void run_into_a_key_picture(struct eg_check *check, struct fixture *fixture) {
    run(check, fixture, EG_MILLISECOND, false);
    fixture->ends_at_gop = fixture->store.gop_begin;
    run(check, fixture, 3 * EG_SECOND, false);
    CHECK(fixture->store.gop_begin != fixture->ends_at_gop && fixture->source.ready_end <= fixture->store.gop_begin);
}

static void one_may_catch_up_with_a_key_picture_of_which_nothing_is_ready(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(2);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 37);
    run(check, fixture, 1500 * EG_MILLISECOND, true);
    run_into_a_key_picture(check, fixture);
    eg__track_leave_for(&fixture->track, fixture->source.index, 0);
    const struct eg_burst_plan plan = {.bit_rate = 600000, .pause = 50 * EG_MILLISECOND, .limits = &fixture->limits};
    eg__track_catch_up(&fixture->track, fixture->now, &fixture->source, &plan);
    CHECK(fixture->track.state == EG_TRACK_CATCHING_UP);
    CHECK_EQUAL(fixture->track.cursor, fixture->store.gop_begin);
    fixture_destroy(fixture);
}

// What a viewer says about its link may come down to nothing.
static void a_burst_has_a_bit_rate_however_little_a_link_is_said_to_take(struct eg_check *check) {
    for (uint32_t bit_rate_max = 0; bit_rate_max < 40; bit_rate_max++) {
        struct eg_sim_ffmpeg_config config = gop_of(4);
        struct fixture *fixture = fixture_create(&config, EG_VIDEO, 38);
        run(check, fixture, 11 * EG_SECOND, true);
        fixture->limits.bit_rate_max = bit_rate_max;
        for (int i = 0; i < 4; i++) {
            run_into_a_key_picture(check, fixture);
            eg__track_begin_again(&fixture->track, fixture->now, &fixture->source, &fixture->limits);
            CHECK_ROW(fixture->track.burst.bit_rate >= EG_BURST_BIT_RATE_MIN, bit_rate_max);
            fixture->ends_at_gop = 0;
            run(check, fixture, EG_SECOND, true);
        }
        fixture_destroy(fixture);
    }
}

// A request at every moment, also in the middle of a burst and at the instant that a picture arrives: time never goes back.
static void beginning_again_never_sends_a_timestamp_twice(struct eg_check *check) {
    for (uint64_t seed = 0; seed < 40 && check->failures == 0; seed++) {
        struct eg_sim_ffmpeg_config config = gop_of(3);
        config.picture_size = seed % 2 == 0 ? 3500 : 30000; // 7.2 Mbit/s: bursts are slow
        config.idr_size = 20000;
        struct fixture *fixture = fixture_create(&config, EG_VIDEO, 100 + seed);
        struct eg_sim_random random;
        eg_sim_random_init(&random, seed);
        run(check, fixture, eg_sim_random_below(&random, 3 * EG_SECOND), false);
        for (int i = 0; i < 6; i++) {
            run(check, fixture, EG_SECOND + eg_sim_random_below(&random, EG_SECOND), true);
            // Half of them in the very microsecond of a picture.
            if (i % 2 == 0) run(check, fixture, eg_sim_ffmpeg_deadline(&fixture->ffmpeg) - fixture->now, true);
            eg__track_begin_again(&fixture->track, fixture->now, &fixture->source, &fixture->limits);
        }
        run(check, fixture, 2 * EG_SECOND, true);
        for (size_t i = 1; i < fixture->sent_count; i++) {
            const struct sent *last = &fixture->sent[i - 1], *sent = &fixture->sent[i];
            int32_t step = eg__timestamp_distance(last->timestamp, sent->timestamp);
            CHECK_ROW(sent->place == last->place + 1 ? step >= 0 : step > 0, seed);
            CHECK_ROW(sent->index == last->index + 1, seed);
        }
        fixture_destroy(fixture);
    }
}

static void a_burst_is_forgotten_only_when_nothing_of_it_can_be_asked_for(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = gop_of(10);
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 37);
    run(check, fixture, 9 * EG_SECOND, false);
    run(check, fixture, 2 * EG_SECOND, true);
    REQUIRE(fixture->track.state == EG_TRACK_LIVE);
    // The source falls silent, so the store keeps what it has, and packets of the burst can still be asked for.
    for (int i = 0; i < 15; i++) {
        fixture->now += 2 * EG_SECOND;
        eg__track_settle(&fixture->track, fixture->now, &fixture->store);
        for (size_t at = 0; at < fixture->sent_count; at += 97) {
            struct eg_track_spot spot;
            if (!eg__track_find(&fixture->track, (uint16_t)fixture->sent[at].index, &spot)) continue;
            const struct eg_packet *packet = eg__store_get(&fixture->store, spot.place);
            uint8_t out[PACKET_SIZE_MAX];
            if (packet != NULL) note(check, fixture, spot.place, out, eg__track_write_again(&fixture->track, &fixture->srtp, &spot, packet, out));
        }
    }
    CHECK(fixture->track.map.burst.speed_percent != 0);
    // It goes on; the burst leaves the store and is forgotten, and nothing changes by it.
    eg_sim_ffmpeg_start(&fixture->ffmpeg, &config, &fixture->output, 38, fixture->now, 0);
    for (int i = 0; i < 20; i++) {
        run(check, fixture, 2 * EG_SECOND, true);
        eg__track_settle(&fixture->track, fixture->now, &fixture->store);
    }
    CHECK_EQUAL(fixture->track.map.burst.speed_percent, 0);
    check_sent(check, fixture, 0);
    fixture_destroy(fixture);
}

static void audio_begins_at_what_comes_next(struct eg_check *check) {
    struct fixture *fixture = fixture_create(&eg_sim_ffmpeg_default, EG_AUDIO, 39);
    CHECK(!eg__track_join(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    run(check, fixture, 990 * EG_MILLISECOND, false);
    serve(check, fixture);
    CHECK(fixture->track.state == EG_TRACK_LIVE);
    CHECK_EQUAL(fixture->sent_count, 0);
    run(check, fixture, EG_SECOND, true);
    CHECK_EQUAL(fixture->sent_count, 50);
    for (size_t i = 0; i < fixture->sent_count; i++) {
        CHECK_ROW(fixture->sent[i].index == fixture->sent[0].index + i, i);
        CHECK_ROW(fixture->sent[i].timestamp == fixture->sent[0].timestamp + 960 * i, i);
    }
    // There is no picture in it.
    CHECK(!eg__track_begin_again(&fixture->track, fixture->now + EG_SECOND, &fixture->source, &fixture->limits));
    fixture_destroy(fixture);
}

// What all joiners together may take is spent: this one waits for the next IDR, is counted once, and then needs no budget.
static void a_join_over_the_budget_waits_for_the_next_idr(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 51);
    run(check, fixture, EG_SECOND, false);
    eg__budget_init(&fixture->burst_bytes, fixture->now, 1, 1000 * 1000);
    REQUIRE(eg__budget_take(&fixture->burst_bytes, fixture->now, 1000 * 1000));
    uint64_t refused_gop = fixture->store.gop_begin;
    for (int i = 0; i < 5; i++) CHECK(!eg__track_join(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    CHECK_EQUAL(fixture->bursts_refused, 1);
    run(check, fixture, (eg_time)config.gop_pictures * EG_SECOND / 30, true);
    CHECK(fixture->store.gop_begin != refused_gop);
    CHECK(fixture->track.state == EG_TRACK_LIVE);
    CHECK_EQUAL(fixture->bursts_begun, 1);
    REQUIRE(fixture->sent_count > 0);
    CHECK_EQUAL(fixture->sent[0].place, fixture->store.gop_begin);
    fixture_destroy(fixture);
}

// The roll-over counter counts: 70,000 packets of one track, and the whole index is the nonce's.
static void numbers_go_on_over_their_wrap(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.has_video = false;
    struct fixture *fixture = fixture_create(&config, EG_AUDIO, 40);
    run(check, fixture, 20 * EG_MILLISECOND, true);
    fixture->track.next_index = 65530;
    eg__track_skip_to(&fixture->track, fixture->track.cursor);
    fixture->sent_count = 0;
    run(check, fixture, EG_SECOND, true);
    REQUIRE(fixture->sent_count > 40);
    CHECK_EQUAL(fixture->sent[0].index, 65530);
    CHECK_EQUAL(fixture->sent[fixture->sent_count - 1].index, 65530 + fixture->sent_count - 1);
    struct eg_track_spot spot;
    for (size_t i = 0; i < fixture->sent_count; i++) {
        CHECK_ROW(eg__track_find(&fixture->track, (uint16_t)fixture->sent[i].index, &spot), i);
        CHECK_ROW(spot.place == fixture->sent[i].place, i);
    }
    fixture_destroy(fixture);
}

// Where each picture is an IDR there is nothing to catch up with, and still one who asks for it again costs what it weighs.
static void one_who_asks_for_pictures_of_idrs_alone_takes_from_the_budget(struct eg_check *check) {
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 1;
    struct fixture *fixture = fixture_create(&config, EG_VIDEO, 52);
    run(check, fixture, EG_SECOND, false);
    eg__budget_init(&fixture->burst_bytes, fixture->now, 1, 1000 * 1000);
    REQUIRE(eg__budget_take(&fixture->burst_bytes, fixture->now, 1000 * 1000));
    CHECK(eg__track_join(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    run(check, fixture, 2 * EG_SECOND, true);
    CHECK(fixture->track.state == EG_TRACK_LIVE);
    CHECK(!eg__track_begin_again(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    CHECK_EQUAL(fixture->bursts_refused, 1);
    CHECK(fixture->track.state == EG_TRACK_LIVE);
    eg__budget_init(&fixture->burst_bytes, fixture->now, 1, 1000 * 1000);
    run(check, fixture, 100 * EG_MILLISECOND, true);
    CHECK(eg__track_begin_again(&fixture->track, fixture->now, &fixture->source, &fixture->limits));
    fixture_destroy(fixture);
}

// Up to what a socket takes at once, then in steps: the whole of it within its duration, but no slower than there is reason to.
static void a_large_picture_is_paced_to_be_out_within_its_duration(struct eg_check *check) {
    static const struct {
        uint32_t packets, frame_rate;
        eg_time out_min_ms, out_max_ms;
    } rows[] = {
        {1, 30, 0, 0},         {EG_PACE_AT_ONCE, 30, 0, 0}, {EG_PACE_AT_ONCE + 1, 30, 2, 2}, {200, 60, 4, 8},     {1300, 30, 20, 33},
        {1300, 60, 10, 17},    {1300, 5, 60, 80},           {16000, 1, 400, 500},            {2000, 1000, 4, 8}, {2000, 0, 100, 150},
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct eg_media_clock clock;
        eg__clock_init(&clock, 0);
        struct eg_source source = {.kind = EG_VIDEO, .clock = &clock, .largest_picture = rows[row].packets};
        if (rows[row].frame_rate > 0) source.picture_interval = clock.legs[EG_VIDEO].rate / rows[row].frame_rate;
        struct eg_track track = {.state = EG_TRACK_LIVE};
        eg_time began_at = 1000 * (eg_time)EG_SECOND, now = began_at;
        uint32_t left = rows[row].packets;
        while (true) {
            int32_t may = eg__track_pace(&track, now, &source);
            uint32_t sent = (uint32_t)may < left ? (uint32_t)may : left;
            CHECK_ROW(sent > 0, row);
            track.pace.left -= (int32_t)sent;
            left -= sent;
            if (left == 0 || sent == 0) break;
            CHECK_ROW(eg__track_pace(&track, now, &source) == 0, row);
            CHECK_ROW(eg__track_paced_until(&track) > now, row);
            now = eg__track_paced_until(&track);
        }
        CHECK_ROW(now - began_at >= rows[row].out_min_ms * EG_MILLISECOND && now - began_at <= rows[row].out_max_ms * EG_MILLISECOND, row);
        // After a pause it is as in the beginning, and no more.
        int32_t may = eg__track_pace(&track, now + EG_SECOND, &source);
        CHECK_ROW(may >= EG_PACE_AT_ONCE && (rows[row].packets > EG_PACE_AT_ONCE || may == EG_PACE_AT_ONCE), row);
    }
}

// An operator may let bursts be faster than that.
static void a_burst_is_paced_no_slower_than_its_bit_rate(struct eg_check *check) {
    struct eg_media_clock clock;
    eg__clock_init(&clock, 0);
    struct eg_source source = {.kind = EG_VIDEO, .clock = &clock, .largest_picture = 10, .picture_interval = 3000};
    struct eg_track track = {.state = EG_TRACK_CATCHING_UP, .burst.bit_rate = 1000000000};
    uint64_t bytes = 0;
    for (eg_time now = EG_SECOND; now < 2 * EG_SECOND; now += EG_PACE_INTERVAL) {
        bytes += (uint64_t)eg__track_pace(&track, now, &source) * EG_SIM_PACKET_SIZE_MAX;
        track.pace.left = 0;
    }
    CHECK(bytes * 8 > 950000000);
}

static const struct eg_test tests[] = {
    EG_TEST(numbers_begin_in_the_lower_half_and_ssrcs_differ),
    EG_TEST(nothing_that_was_never_sent_has_a_place),
    EG_TEST(waits_for_an_idr),
    EG_TEST(one_that_joins_gets_the_whole_gop_and_is_live_soon),
    EG_TEST(timestamps_of_a_burst_are_those_of_the_live_clock),
    EG_TEST(a_burst_keeps_to_its_bit_rate),
    EG_TEST(a_stream_too_fast_to_catch_up_with_is_joined_at_its_next_idr),
    EG_TEST(losses_in_front_of_us_stay_visible),
    EG_TEST(a_packet_sent_again_is_the_same_byte_for_byte),
    EG_TEST(over_rtx_it_has_its_own_numbers_and_the_timestamp_it_had),
    EG_TEST(jumping_keeps_the_numbers_contiguous_and_forgets_what_was_before),
    EG_TEST(one_that_lost_its_picture_begins_again_at_most_once_a_second),
    EG_TEST(one_may_catch_up_with_a_key_picture_of_which_nothing_is_ready),
    EG_TEST(a_burst_has_a_bit_rate_however_little_a_link_is_said_to_take),
    EG_TEST(beginning_again_never_sends_a_timestamp_twice),
    EG_TEST(a_burst_is_forgotten_only_when_nothing_of_it_can_be_asked_for),
    EG_TEST(audio_begins_at_what_comes_next),
    EG_TEST(a_join_over_the_budget_waits_for_the_next_idr),
    EG_TEST(one_who_asks_for_pictures_of_idrs_alone_takes_from_the_budget),
    EG_TEST(numbers_go_on_over_their_wrap),
    EG_TEST(a_large_picture_is_paced_to_be_out_within_its_duration),
    EG_TEST(a_burst_is_paced_no_slower_than_its_bit_rate),
};

EG_TEST_SUITE(track, tests);
