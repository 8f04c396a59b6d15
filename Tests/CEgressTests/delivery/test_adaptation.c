// A viewer that is switched among the encodings of a stream: a real stream, three senders with one clock and timelines of their own, the fan-out, and
// what it writes, read by its headers.
#include "sim/ffmpeg.h"
#include "sim/log.h"
#include "support/check.h"

#include "delivery/adaptation.h"
#include "delivery/fanout.h"
#include "wire/rtp.h"

#include <stdlib.h>
#include <string.h>

enum {
    ENCODINGS = 3,
    PAYLOAD_TYPE = 102,
    RTX_PAYLOAD_TYPE = 103,
    EXTENSION = 5,
    SENT_MAX = 100000,
    NUMBERS_APART = 30000, // no number is used again so soon
    FRAME_TICKS = 3000,
};

struct sent {
    uint64_t index;
    uint32_t timestamp;
    uint8_t source;
    bool marker;
    uint64_t hash;
    eg_time at;
};

struct sender {
    struct eg_sim_ffmpeg_output output; // first
    struct fixture *fixture;
    uint32_t encoding;
    struct eg_sim_ffmpeg ffmpeg;
    eg_time late;                       // [us] by which its packets come later than the first one's
    bool is_stopped;
};

struct fixture {
    eg_time now;
    struct eg_sim_random random;
    struct eg_chunk_pool chunks;
    struct eg_stream stream;
    struct sender senders[ENCODINGS];
    struct eg_crypto *crypto;
    struct eg_dtls_context *dtls;
    struct eg_viewer *viewer;
    struct eg_viewer_context context;
    struct eg_engine_stats stats;
    struct eg_budget burst_bytes;
    struct eg_deadlines deadlines;
    struct eg_list events;
    struct eg_batch batch;
    struct sent sent[SENT_MAX];         // of video, for the first time
    size_t sent_count;
    uint64_t audio_count;
    uint64_t rtx_count;
    eg_time last_audio;
    eg_time longest_audio_gap;
};

static void take(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes, size_t size) {
    struct sender *sender = (struct sender *)output;
    if (kind == EG_AUDIO && sender->encoding != 0) return;
    uint32_t source = kind == EG_AUDIO ? EG_AUDIO : eg__source_of_encoding(sender->encoding);
    struct eg_arrival arrival = {.path.remote = *from, .bytes = bytes, .size = size, .at = sender->fixture->now};
    eg__source_receive(&sender->fixture->stream.sources[source], &arrival);
}

static void note_audio(struct fixture *fixture) {
    if (fixture->audio_count++ > 0 && fixture->now - fixture->last_audio > fixture->longest_audio_gap)
        fixture->longest_audio_gap = fixture->now - fixture->last_audio;
    fixture->last_audio = fixture->now;
}

static struct sent *find_sent(struct fixture *fixture, uint16_t sequence) {
    size_t oldest = fixture->sent_count > NUMBERS_APART ? fixture->sent_count - NUMBERS_APART : 0;
    for (size_t i = fixture->sent_count; i-- > oldest;)
        if ((uint16_t)fixture->sent[i].index == sequence) return &fixture->sent[i];
    return NULL;
}

// A number is used for one packet only, whenever it goes out.
static void note_video(struct eg_check *check, struct fixture *fixture, const struct eg_rtp *rtp, const uint8_t *bytes, size_t size) {
    const struct eg_track *track = &fixture->viewer->tracks[EG_VIDEO];
    uint16_t number = 0;
    CHECK(track->transport_id == 0 || eg__rtp_find_transport_number(rtp, EXTENSION, &number));
    struct sent sent = {.index = rtp->sequence, .timestamp = rtp->timestamp, .source = track->map.source, .marker = rtp->marker,
                        .hash = eg_sim_log_hash(bytes, size), .at = fixture->now};
    const struct sent *before = find_sent(fixture, rtp->sequence);
    if (before != NULL) {
        CHECK_EQUAL(before->hash, sent.hash);
        return;
    }
    if (fixture->sent_count < SENT_MAX) fixture->sent[fixture->sent_count++] = sent;
}

static void read_batch(struct eg_check *check, struct fixture *fixture) {
    eg__crypto_finish(fixture->crypto);
    for (uint32_t i = 0; i < fixture->batch.message_count; i++) {
        const struct eg_message *message = &fixture->batch.messages[i];
        for (uint32_t at = 0; at < message->size; at += message->segment_size) {
            const uint8_t *bytes = fixture->batch.arena + message->at + at;
            size_t size = message->size - at < message->segment_size ? message->size - at : message->segment_size;
            struct eg_rtp rtp;
            if (bytes[1] >= 192 && bytes[1] <= 223) continue;
            CHECK(eg__rtp_parse(&rtp, bytes, size));
            if (rtp.payload_type == PAYLOAD_TYPE) note_video(check, fixture, &rtp, bytes, size);
            else if (rtp.payload_type == RTX_PAYLOAD_TYPE) fixture->rtx_count++;
            else note_audio(fixture);
        }
    }
    eg__batch_clear(&fixture->batch);
}

static void serve(struct eg_check *check, struct fixture *fixture) {
    struct eg_stream *stream = &fixture->stream;
    fixture->context.batch = &fixture->batch;
    for (uint32_t i = 0; i < stream->source_count; i++) {
        if (!eg__stream_is_ready(stream, i) && stream->rounds[i].left == 0) continue;
        while (!eg__fanout_round(&stream->rounds[i], &fixture->context, fixture->now)) read_batch(check, fixture);
    }
    if (fixture->viewer != NULL && fixture->viewer->transmit_at <= fixture->now)
        while (!eg__fanout_viewer(fixture->viewer, &fixture->context, fixture->now)) read_batch(check, fixture);
    fixture->context.batch = NULL;
    read_batch(check, fixture);
}

static void tick_senders(struct fixture *fixture) {
    for (uint32_t i = 0; i < ENCODINGS; i++) {
        struct sender *sender = &fixture->senders[i];
        if (!sender->is_stopped && fixture->now >= sender->late) eg_sim_ffmpeg_tick(&sender->ffmpeg, fixture->now - sender->late);
    }
    for (uint32_t i = 0; i < fixture->stream.source_count; i++) eg__source_tick(&fixture->stream.sources[i], fixture->now);
}

static void run(struct eg_check *check, struct fixture *fixture, eg_time duration) {
    for (eg_time end = fixture->now + duration; fixture->now < end; fixture->now += EG_MILLISECOND) {
        tick_senders(fixture);
        serve(check, fixture);
    }
}

static void start_senders(struct fixture *fixture, const eg_time late[ENCODINGS]) {
    static const uint32_t sizes[ENCODINGS] = {18000, 8000, 2400}; // [B] of a picture: 4.5, 2 and 0.6 Mbit/s
    for (uint32_t i = 0; i < ENCODINGS; i++) {
        struct sender *sender = &fixture->senders[i];
        sender->output.datagram = take;
        sender->fixture = fixture;
        sender->encoding = i;
        sender->late = late[i];
        struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
        config.picture_size = sizes[i];
        config.idr_size = 4 * sizes[i];
        eg_sim_ffmpeg_start(&sender->ffmpeg, &config, &sender->output, 100 + i, fixture->now, 0);
    }
}

static void connect_viewer(struct fixture *fixture, bool has_rtx, uint64_t bit_rate_max) {
    size_t size = (eg__viewer_size(fixture->crypto) + 63) & ~(size_t)63;
    struct eg_viewer *viewer = fixture->viewer = aligned_alloc(64, size);
    memset(viewer, 0, size);
    const struct eg_viewer_config config = {
        .ice_ufrag = "ufrag", .ice_pwd = "a password of 24 letters", .has_video = true, .has_audio = true, .has_video_rtx = has_rtx,
        .video_payload_type = PAYLOAD_TYPE, .video_rtx_payload_type = RTX_PAYLOAD_TYPE, .audio_payload_type = 111, .ladder = 7,
        .transport_cc_id = EXTENSION, .bit_rate_max = bit_rate_max};
    const struct eg_fingerprint fingerprint = {0};
    EG_ASSERT(eg__viewer_init(viewer, &fixture->context, fixture->now, &config, &fingerprint));
    struct eg_srtp_keys keys = {.profile = EG_SRTP_AEAD_AES_128_GCM, .local.key = "a key, 15 bytes"};
    size_t offset = size - ((eg__srtp_context_size(fixture->crypto) + 63) & ~(size_t)63);
    EG_ASSERT(eg__srtp_init(&viewer->srtp, fixture->crypto, (uint8_t *)viewer + offset, &keys));
    viewer->state = EG_VIEWER_CONNECTED;
    viewer->stream = &fixture->stream;
    EG_ASSERT(eg__stream_add_viewer(&fixture->stream, viewer));
    viewer->transmit_at = fixture->now;
    eg__deadline_init(&viewer->deadline, 1);
}

static struct fixture *fixture_create(const eg_time late[ENCODINGS]) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->now = 1000 * (eg_time)EG_SECOND;
    eg_sim_random_init(&fixture->random, 7);
    eg__chunk_pool_init(&fixture->chunks, 2000);
    const struct eg_stream_config config = {
        .has_video = true, .has_audio = true, .video_payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE, .audio_payload_type = EG_SIM_AUDIO_PAYLOAD_TYPE,
        .further_count = 2, .further = {{.payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE}, {.payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE}},
        .bit_rates = {4500000, 2000000, 600000}};
    EG_ASSERT(eg__stream_init(&fixture->stream, &config, &fixture->chunks, 0));
    fixture->crypto = eg__crypto_create("openssl");
    char reason[160];
    fixture->dtls = eg__dtls_context_create(reason, sizeof reason);
    EG_ASSERT(fixture->dtls != NULL && eg__batch_init(&fixture->batch));
    eg__list_init(&fixture->events);
    eg__deadlines_init(&fixture->deadlines);
    EG_ASSERT(eg__deadlines_reserve(&fixture->deadlines, 1));
    eg__budget_init(&fixture->burst_bytes, fixture->now, UINT32_MAX, UINT32_MAX);
    fixture->context = (struct eg_viewer_context){
        .random = &fixture->random.random, .dtls = fixture->dtls, .crypto = fixture->crypto, .deadlines = &fixture->deadlines,
        .stats = &fixture->stats, .events = &fixture->events,
        .burst = {.bit_rate_max = 16000000, .speed_min_percent = EG_BURST_SPEED_MIN_PERCENT, .bytes = &fixture->burst_bytes,
                  .begun = &fixture->stats.bursts_begun, .refused = &fixture->stats.bursts_refused}};
    start_senders(fixture, late);
    return fixture;
}

static void fixture_destroy(struct fixture *fixture) {
    eg__list_remove(&fixture->viewer->event);
    eg__stream_remove_viewer(&fixture->stream, fixture->viewer);
    eg__viewer_deinit(fixture->viewer);
    free(fixture->viewer);
    eg__stream_deinit(&fixture->stream);
    eg__chunk_pool_deinit(&fixture->chunks);
    eg__deadlines_deinit(&fixture->deadlines);
    eg__batch_deinit(&fixture->batch);
    eg__dtls_context_destroy(fixture->dtls);
    eg__crypto_destroy(fixture->crypto);
    free(fixture);
}

static const eg_time together[ENCODINGS] = {0, 0, 0};

static uint32_t source_now(const struct fixture *fixture) { return fixture->viewer->tracks[EG_VIDEO].map.source; }

// From place `from` of what was sent: numbers without a gap, each picture whole, and one frame's ticks from each to the next.
static void check_seamless(struct eg_check *check, const struct fixture *fixture, size_t from) {
    for (size_t i = from + 1; i < fixture->sent_count; i++) {
        const struct sent *before = &fixture->sent[i - 1], *sent = &fixture->sent[i];
        CHECK_ROW((uint16_t)(sent->index - before->index) == 1, i);
        int32_t step = eg__timestamp_distance(before->timestamp, sent->timestamp);
        CHECK_ROW(step == (before->marker ? FRAME_TICKS : 0), i);
    }
}

static void a_pinned_viewer_goes_over_at_a_key_picture_without_a_gap_to_the_tick(struct eg_check *check) {
    // Whichever comes first, and by how much.
    static const eg_time rows[][ENCODINGS] = {
        {0, 0, 0}, {0, 2000, 4000}, {4000, 2000, 0}, {1000, 30000, 60000}, {60000, 30000, 1000}, {0, 90000, 0},
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct fixture *fixture = fixture_create(rows[row]);
        run(check, fixture, 1100 * EG_MILLISECOND);
        connect_viewer(fixture, true, 0);
        run(check, fixture, 3 * EG_SECOND); // its burst is over
        size_t from = fixture->sent_count;
        static const int32_t pins[] = {2, 0, 1, 2, 1, 0};
        for (size_t i = 0; i < sizeof pins / sizeof pins[0]; i++) {
            CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, pins[i]) == NULL);
            run(check, fixture, 2200 * EG_MILLISECOND);
            CHECK_ROW(source_now(fixture) == eg__source_of_encoding((uint32_t)pins[i]), row * 10 + i);
        }
        check_seamless(check, fixture, from);
        CHECK_EQUAL(fixture->viewer->adaptation->switches_up, 3);
        CHECK_EQUAL(fixture->viewer->adaptation->switches_down, 3);
        CHECK(fixture->longest_audio_gap <= 25 * EG_MILLISECOND);
        fixture_destroy(fixture);
    }
}

static void a_packet_from_before_a_switch_is_still_found_and_is_the_same(struct eg_check *check) {
    for (int has_rtx = 0; has_rtx < 2; has_rtx++) {
        struct fixture *fixture = fixture_create(together);
        run(check, fixture, 1100 * EG_MILLISECOND);
        connect_viewer(fixture, has_rtx, 0);
        run(check, fixture, 3 * EG_SECOND);
        size_t from = fixture->sent_count;
        CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, 2) == NULL);
        run(check, fixture, 2200 * EG_MILLISECOND);
        size_t asked = 0;
        for (size_t i = from; i < fixture->sent_count; i += 3) {
            const struct sent *sent = &fixture->sent[i];
            struct eg_track *track = &fixture->viewer->tracks[EG_VIDEO];
            struct eg_track_spot spot;
            REQUIRE(eg__track_find(track, (uint16_t)sent->index, &spot));
            const struct eg_packet *packet = eg__store_get(fixture->stream.sources[spot.map->source].store, spot.place);
            if (packet == NULL) continue; // too long ago
            uint8_t out[EG_TRACK_DATAGRAM_SIZE_MAX];
            uint16_t number = track->transport_number;
            size_t size = eg__track_write_again(track, &fixture->viewer->srtp, &spot, packet, out);
            struct eg_rtp rtp;
            REQUIRE(eg__rtp_parse(&rtp, out, size));
            CHECK_EQUAL(rtp.timestamp, sent->timestamp);
            uint16_t told = 0;
            CHECK(eg__rtp_find_transport_number(&rtp, EXTENSION, &told));
            if (has_rtx) CHECK_EQUAL(told, number);
            else CHECK_EQUAL(eg_sim_log_hash(out, size), sent->hash);
            if (sent->source == EG_VIDEO) asked++;
        }
        CHECK(asked > 50);
        fixture_destroy(fixture);
    }
}

static void a_picture_that_is_cut_off_leaves_a_gap_of_one_number_that_nobody_fills(struct eg_check *check) {
    struct fixture *fixture = fixture_create(together);
    run(check, fixture, 1100 * EG_MILLISECOND);
    connect_viewer(fixture, true, 0);
    run(check, fixture, 3 * EG_SECOND);
    struct eg_track *track = &fixture->viewer->tracks[EG_VIDEO];
    track->is_picture_open = true;
    uint64_t next = track->next_index;
    const struct eg_source *other = &fixture->stream.sources[2];
    eg__track_switch(track, 2, other->store->gop_begin, 77);
    struct eg_track_spot spot;
    CHECK_EQUAL(track->next_index, next + 1);
    CHECK(eg__track_find(track, (uint16_t)(next - 1), &spot) && spot.map == &track->before);
    CHECK(!eg__track_find(track, (uint16_t)next, &spot));
    run(check, fixture, 100 * EG_MILLISECOND);
    CHECK(eg__track_find(track, (uint16_t)(next + 1), &spot) && spot.map == &track->map);
    fixture_destroy(fixture);
}

static void an_encoding_that_falls_silent_sends_its_viewers_to_its_neighbour_within_a_second(struct eg_check *check) {
    for (uint32_t lost = 0; lost < ENCODINGS; lost++) {
        struct fixture *fixture = fixture_create(together);
        run(check, fixture, 1100 * EG_MILLISECOND);
        connect_viewer(fixture, true, 0);
        run(check, fixture, EG_SECOND);
        CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, (int32_t)lost) == NULL);
        run(check, fixture, 3 * EG_SECOND);
        REQUIRE(source_now(fixture) == eg__source_of_encoding(lost));
        fixture->senders[lost].is_stopped = true;
        size_t from = fixture->sent_count;
        run(check, fixture, EG_SECOND);
        CHECK_EQUAL(source_now(fixture), eg__source_of_encoding(lost == 2 ? 1 : lost + 1));
        CHECK_EQUAL(fixture->viewer->adaptation->reason, EG_SWITCH_ENCODING_LOST);
        CHECK(fixture->sent_count > from + 10);
        for (size_t i = from; i < fixture->sent_count; i++) {
            CHECK_ROW((uint16_t)(fixture->sent[i].index - fixture->sent[i - 1].index) == 1, i);
            CHECK_ROW(eg__timestamp_distance(fixture->sent[i - 1].timestamp, fixture->sent[i].timestamp) >= 0, i);
        }
        // It was pinned, so it goes back when the encoding is back: at the next key picture of the same sender.
        fixture->senders[lost].is_stopped = false;
        run(check, fixture, 5 * EG_SECOND);
        CHECK_EQUAL(source_now(fixture), eg__source_of_encoding(lost));
        fixture_destroy(fixture);
    }
}

// Says on behalf of the viewer what its link does.
static void say(struct fixture *fixture, eg_time queue, uint32_t bit_rate, bool is_rising) {
    struct eg_bandwidth *link = &fixture->viewer->adaptation->link;
    link->told_at = fixture->now;
    link->unanswered_since = EG_TIME_NEVER;
    link->queue = queue;
    link->arrived_bit_rate = bit_rate;
    link->sent_bit_rate = is_rising ? 600000 : bit_rate;
    link->rising_since = is_rising ? fixture->now - 400 * EG_MILLISECOND : EG_TIME_NEVER;
    fixture->viewer->adaptation->has_news_of_link = true;
}

static void a_step_down_sends_the_last_gop_at_once_and_sound_goes_on(struct eg_check *check) {
    struct fixture *fixture = fixture_create(together);
    run(check, fixture, 100 * EG_MILLISECOND);
    connect_viewer(fixture, true, 0);
    for (eg_time phase = 100 * EG_MILLISECOND; phase < 2 * EG_SECOND; phase += 300 * EG_MILLISECOND) {
        run(check, fixture, 4 * EG_SECOND + phase);
        say(fixture, 300 * EG_MILLISECOND, 1000000, true);
        size_t from = fixture->sent_count;
        eg_time began = fixture->now;
        run(check, fixture, EG_LADDER_DRAIN_MAX + 200 * EG_MILLISECOND);
        CHECK_EQUAL(source_now(fixture), eg__source_of_encoding(2));
        REQUIRE(fixture->sent_count > from);
        // The next picture is of the other encoding, when what waits in front of the link has had time to arrive.
        size_t first = from;
        while (first < fixture->sent_count && fixture->sent[first].source != eg__source_of_encoding(2)) first++;
        REQUIRE(first < fixture->sent_count);
        CHECK(fixture->sent[first].at - began <= EG_LADDER_DRAIN_MAX + 100 * EG_MILLISECOND);
        say(fixture, 0, 600000, false);
        CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, 0) == NULL);
        run(check, fixture, 6 * EG_SECOND);
        CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, EG_ENCODING_AUTO) == NULL);
        for (size_t i = from; i < fixture->sent_count; i++) {
            CHECK_ROW((uint16_t)(fixture->sent[i].index - fixture->sent[i - 1].index) == 1, i);
            CHECK_ROW(eg__timestamp_distance(fixture->sent[i - 1].timestamp, fixture->sent[i].timestamp) > 0 || !fixture->sent[i - 1].marker, i);
        }
    }
    CHECK(fixture->longest_audio_gap <= 25 * EG_MILLISECOND);
    fixture_destroy(fixture);
}

static void a_link_that_gets_narrow_while_a_key_picture_is_waited_for_means_a_step_down_at_once(struct eg_check *check) {
    struct fixture *fixture = fixture_create(together);
    run(check, fixture, 100 * EG_MILLISECOND);
    connect_viewer(fixture, true, 0);
    CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, 1) == NULL);
    run(check, fixture, 4 * EG_SECOND);
    REQUIRE(source_now(fixture) == eg__source_of_encoding(1));
    CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, EG_ENCODING_AUTO) == NULL);
    run(check, fixture, EG_SECOND);
    // It has decided to go up, and the next key picture is a second away.
    fixture->viewer->adaptation->is_wanting = true;
    fixture->viewer->adaptation->wanted = (uint8_t)eg__source_of_encoding(0);
    say(fixture, 300 * EG_MILLISECOND, 700000, true);
    run(check, fixture, 100 * EG_MILLISECOND);
    CHECK_EQUAL(source_now(fixture), eg__source_of_encoding(2));
    CHECK(!fixture->viewer->adaptation->is_wanting);
    fixture_destroy(fixture);
}

static void with_sound_alone_no_picture_is_sent_until_it_is_tried_again(struct eg_check *check) {
    struct fixture *fixture = fixture_create(together); // so that it begins where it stays
    run(check, fixture, 100 * EG_MILLISECOND);
    connect_viewer(fixture, true, 600000);
    run(check, fixture, 3 * EG_SECOND);
    REQUIRE(source_now(fixture) == eg__source_of_encoding(2));
    for (int i = 0; i < 45; i++) {
        say(fixture, 500 * EG_MILLISECOND, 100000, true);
        run(check, fixture, 100 * EG_MILLISECOND);
    }
    REQUIRE(fixture->viewer->adaptation->is_paused);
    CHECK_EQUAL(eg__adaptation_encoding(fixture->viewer), EG_ENCODING_NONE);
    size_t from = fixture->sent_count;
    uint32_t switches = fixture->viewer->adaptation->switches_up + fixture->viewer->adaptation->switches_down;
    uint64_t audio = fixture->audio_count;
    run(check, fixture, 3 * EG_SECOND);
    CHECK_EQUAL(fixture->sent_count, from);
    CHECK(fixture->audio_count >= audio + 145);
    struct eg_viewer_stats stats = {0};
    eg__adaptation_describe(fixture->viewer, fixture->now, &stats);
    CHECK(stats.is_paused == 1 && stats.paused_ms >= 3000 && stats.paused_ms < 5000);
    say(fixture, 0, 600000, false);
    run(check, fixture, 5 * EG_SECOND);
    CHECK(!fixture->viewer->adaptation->is_paused);
    CHECK_EQUAL(fixture->viewer->adaptation->switches_up + fixture->viewer->adaptation->switches_down, switches); // it is the same encoding
    CHECK(fixture->sent_count > from);
    CHECK_EQUAL((uint16_t)(fixture->sent[from].index - fixture->sent[from - 1].index), 1);
    CHECK(fixture->stats.paused_ms >= 3000 && fixture->stream.paused >= 3 * EG_SECOND);
    fixture_destroy(fixture);
}

static void a_probe_sends_old_packets_over_rtx_at_its_rate_and_ends(struct eg_check *check) {
    struct fixture *fixture = fixture_create(together);
    run(check, fixture, 100 * EG_MILLISECOND);
    connect_viewer(fixture, true, 0);
    CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, 2) == NULL);
    run(check, fixture, 3 * EG_SECOND);
    CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, EG_ENCODING_AUTO) == NULL);
    for (int i = 0; i < 13000 && fixture->stats.probes_begun == 0; i++) {
        if (i % 100 == 0) say(fixture, 0, 600000, false);
        run(check, fixture, EG_MILLISECOND);
    }
    REQUIRE(fixture->stats.probes_begun == 1);
    uint64_t bytes = fixture->stats.bytes_sent;
    run(check, fixture, EG_PROBE_DURATION);
    // 120 % of 2 Mbit/s, pictures and sound among it; a picture more or less.
    uint64_t bit_rate = (fixture->stats.bytes_sent - bytes) * 8 * EG_SECOND / EG_PROBE_DURATION;
    CHECK(bit_rate > 2200000 && bit_rate < 2900000);
    CHECK(fixture->rtx_count > 30 && fixture->rtx_count == fixture->stats.probe_packets_sent);
    CHECK_EQUAL(fixture->viewer->tracks[EG_VIDEO].packets, fixture->sent_count);
    uint64_t count = fixture->rtx_count;
    say(fixture, 0, 600000, false);
    run(check, fixture, 2 * EG_SECOND);
    CHECK_EQUAL(fixture->rtx_count, count);
    CHECK_EQUAL(fixture->stats.probes_failed, 1); // since it was not said to have arrived
    fixture_destroy(fixture);
}

static void what_is_not_of_the_ladder_cannot_be_pinned(struct eg_check *check) {
    struct fixture *fixture = fixture_create(together);
    run(check, fixture, 1100 * EG_MILLISECOND);
    connect_viewer(fixture, true, 2100000);
    static const int32_t wrong[] = {-3, -2, 3, 7, 8, 31, 32, INT32_MAX, INT32_MIN, 0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK_ROW(eg__adaptation_pin(fixture->viewer, fixture->now, wrong[i]) != NULL, i);
    CHECK_EQUAL(fixture->viewer->adaptation->pinned, EG_ENCODING_AUTO);
    CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, 1) == NULL);
    fixture_destroy(fixture);
}

static void a_bound_is_held_against_what_an_encoding_is_meant_to_have(struct eg_check *check) {
    struct fixture *fixture = fixture_create(together);
    run(check, fixture, 3 * EG_SECOND);
    fixture->stream.config.bit_rates[1] = 1000000; // it has twice that
    connect_viewer(fixture, true, 1000000);
    CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, 1) == NULL);
    fixture->stream.config.bit_rates[1] = 0; // not known: what was measured counts
    CHECK(eg__adaptation_pin(fixture->viewer, fixture->now, 1) != NULL);
    fixture_destroy(fixture);
}

static const struct eg_test tests[] = {
    EG_TEST(a_pinned_viewer_goes_over_at_a_key_picture_without_a_gap_to_the_tick),
    EG_TEST(a_packet_from_before_a_switch_is_still_found_and_is_the_same),
    EG_TEST(a_picture_that_is_cut_off_leaves_a_gap_of_one_number_that_nobody_fills),
    EG_TEST(an_encoding_that_falls_silent_sends_its_viewers_to_its_neighbour_within_a_second),
    EG_TEST(a_step_down_sends_the_last_gop_at_once_and_sound_goes_on),
    EG_TEST(a_link_that_gets_narrow_while_a_key_picture_is_waited_for_means_a_step_down_at_once),
    EG_TEST(with_sound_alone_no_picture_is_sent_until_it_is_tried_again),
    EG_TEST(a_probe_sends_old_packets_over_rtx_at_its_rate_and_ends),
    EG_TEST(what_is_not_of_the_ladder_cannot_be_pinned),
    EG_TEST(a_bound_is_held_against_what_an_encoding_is_meant_to_have),
};

EG_TEST_SUITE(adaptation, tests);
