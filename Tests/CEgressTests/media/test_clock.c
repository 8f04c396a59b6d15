#include "support/check.h"

#include "media/clock.h"
#include "wire/rtp.h"

#include <stdlib.h>

// NTP time and `now` are different things on purpose: an origin with a fraction.
static const uint64_t origin = UINT64_C(0xe8000000) << 32 | 0x40000000;
static const eg_time start = 77 * (eg_time)EG_SECOND;

static uint64_t ntp_after(uint64_t ntp, uint64_t microseconds) {
    return ntp + ((microseconds / EG_SECOND) << 32) + (((microseconds % EG_SECOND) << 32) / EG_SECOND);
}

static uint32_t at(struct eg_media_clock *clock, enum eg_track_kind kind, eg_time now) {
    uint32_t timestamp = 0;
    EG_ASSERT(eg__clock_timestamp(clock, kind, now, &timestamp));
    return timestamp;
}

// How far `got` lies from `expected`, in microseconds.
static int64_t error_us(uint32_t got, uint32_t expected, uint32_t rate) {
    return (int64_t)eg__timestamp_distance(expected, got) * EG_SECOND / rate;
}

#define CHECK_NEAR(got, expected, rate, bound_us) CHECK(llabs(error_us(got, expected, rate)) <= (bound_us))

static void tells_ntp_time_from_its_origin_on(struct eg_check *check) {
    struct eg_media_clock clock;
    eg__clock_init(&clock, origin);
    CHECK(eg__clock_ntp(&clock, 0) == origin);
    CHECK(eg__clock_ntp(&clock, EG_SECOND) == origin + (UINT64_C(1) << 32));
    CHECK(eg__clock_ntp(&clock, EG_SECOND / 2) == origin + (UINT64_C(1) << 31));
    // A year later the fraction is still exact to a microsecond.
    CHECK(eg__clock_ntp(&clock, UINT64_C(31536000) * EG_SECOND + 1) - (origin + (UINT64_C(31536000) << 32)) == 4294);
}

static void knows_nothing_before_anything_arrived(struct eg_check *check) {
    struct eg_media_clock clock;
    uint32_t timestamp;
    eg__clock_init(&clock, origin);
    CHECK(!eg__clock_timestamp(&clock, EG_VIDEO, start, &timestamp));
    CHECK(!eg__clock_timestamp(&clock, EG_AUDIO, start, &timestamp));
    eg__clock_observe(&clock, EG_VIDEO, start, 1000);
    CHECK(eg__clock_timestamp(&clock, EG_VIDEO, start, &timestamp));
    CHECK(!eg__clock_timestamp(&clock, EG_AUDIO, start, &timestamp));
}

static void goes_on_at_the_rate_of_its_leg_and_wraps(struct eg_check *check) {
    struct eg_media_clock clock;
    eg__clock_init(&clock, origin);
    eg__clock_observe(&clock, EG_VIDEO, start, UINT32_MAX - 10);
    eg__clock_observe(&clock, EG_AUDIO, start, 5);
    CHECK_EQUAL(at(&clock, EG_VIDEO, start), UINT32_MAX - 10);
    CHECK_EQUAL(at(&clock, EG_VIDEO, start + EG_SECOND), 90000 - 11);
    CHECK_EQUAL(at(&clock, EG_AUDIO, start + EG_SECOND), 48005);
}

// A moment in front of the anchor, for a report that is written just after a late arrival moved it.
static void tells_moments_before_the_last_arrival(struct eg_check *check) {
    struct eg_media_clock clock;
    eg__clock_init(&clock, origin);
    eg__clock_observe(&clock, EG_VIDEO, start, 9000);
    CHECK_EQUAL(at(&clock, EG_VIDEO, start - 100 * EG_MILLISECOND), 0);
}

static uint32_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * 0x2545f4914f6cdd1d >> 32);
}

static void follows_the_earliest_arrivals_under_jitter(struct eg_check *check) {
    struct eg_media_clock clock;
    uint64_t random = 42;
    eg__clock_init(&clock, origin);
    for (uint32_t picture = 0; picture < 3000; picture++) {
        eg_time sent = start + picture * (eg_time)EG_SECOND / 30;
        // One in ten is on time, the others up to 20 ms late; the first of all 50 ms.
        eg_time late = picture == 0 ? 50 * EG_MILLISECOND : picture % 10 == 0 ? 0 : next_random(&random) % (20 * EG_MILLISECOND);
        eg__clock_observe(&clock, EG_VIDEO, sent + late, picture * 3000);
        if (picture < 20) continue;
        CHECK_ROW(llabs(error_us(at(&clock, EG_VIDEO, sent), picture * 3000, 90000)) <= 1000, picture);
    }
}

// A sender's clock that is 200 ppm slow or fast, for ten minutes.
static void follows_a_clock_that_drifts(struct eg_check *check) {
    static const int drifts_ppm[] = {-200, -50, 0, 50, 200};
    for (size_t i = 0; i < sizeof drifts_ppm / sizeof drifts_ppm[0]; i++) {
        struct eg_media_clock clock;
        eg__clock_init(&clock, origin);
        for (int64_t picture = 0; picture < 18000; picture++) {
            int64_t media_us = picture * EG_SECOND / 30;
            eg_time sent = start + (eg_time)(media_us + media_us * drifts_ppm[i] / 1000000);
            eg__clock_observe(&clock, EG_VIDEO, sent, (uint32_t)(picture * 3000));
            if (picture < 3000) continue;
            CHECK_ROW(llabs(error_us(at(&clock, EG_VIDEO, sent), (uint32_t)(picture * 3000), 90000)) <= 10000, i);
        }
    }
}

// Two legs with timelines of their own whose reports say what belongs together.
struct legs {
    struct eg_media_clock clock;
    uint32_t video_base, audio_base;
};

static void begin_legs(struct legs *legs, uint64_t ntp) {
    eg__clock_init(&legs->clock, origin);
    legs->video_base = 0xfffff000;
    legs->audio_base = 0x12345678;
    eg__clock_report(&legs->clock, EG_VIDEO, ntp, legs->video_base);
    eg__clock_report(&legs->clock, EG_AUDIO, ntp, legs->audio_base);
}

// What a sender captured at `media_us` arrives so much later.
static void arrive(struct legs *legs, eg_time media_us, eg_time video_late, eg_time audio_late) {
    eg__clock_observe(&legs->clock, EG_VIDEO, start + media_us + video_late, legs->video_base + (uint32_t)(media_us * 90 / 1000));
    eg__clock_observe(&legs->clock, EG_AUDIO, start + media_us + audio_late, legs->audio_base + (uint32_t)(media_us * 48 / 1000));
}

static void audio_follows_video_as_their_reports_say(struct eg_check *check) {
    // Audio comes earlier or later than the picture it belongs to: the reports know better than the arrivals.
    static const eg_time audio_late[] = {0, 40 * EG_MILLISECOND, 900 * EG_MILLISECOND};
    for (size_t i = 0; i < 3; i++) {
        struct legs legs;
        begin_legs(&legs, origin);
        for (eg_time media = 0; media < 2 * EG_SECOND; media += 20 * EG_MILLISECOND)
            arrive(&legs, media, 100 * EG_MILLISECOND, audio_late[i]);
        eg_time now = start + 2 * EG_SECOND;
        CHECK_ROW(at(&legs.clock, EG_VIDEO, now) == legs.video_base + 1900 * 90, i);
        CHECK_ROW(llabs(error_us(at(&legs.clock, EG_AUDIO, now), legs.audio_base + 1900 * 48, 48000)) <= 42, i);
    }
}

// G.711 and G.722 count 8,000 ticks a second.
static void audio_of_another_rate_follows_video_too(struct eg_check *check) {
    struct legs legs;
    begin_legs(&legs, origin);
    eg__clock_set_rate(&legs.clock, EG_AUDIO, 8000);
    eg__clock_report(&legs.clock, EG_AUDIO, ntp_after(origin, 500 * EG_MILLISECOND), legs.audio_base);
    for (eg_time media = 0; media < 2 * EG_SECOND; media += 20 * EG_MILLISECOND) {
        eg__clock_observe(&legs.clock, EG_VIDEO, start + media, legs.video_base + (uint32_t)(media * 90 / 1000));
        eg__clock_observe(&legs.clock, EG_AUDIO, start + media, legs.audio_base + (uint32_t)(media * 8 / 1000));
    }
    CHECK_NEAR(at(&legs.clock, EG_AUDIO, start + 2 * EG_SECOND), legs.audio_base + 1500 * 8, 8000, 250);
    // Without reports it goes by its own arrivals.
    eg__clock_restart(&legs.clock, EG_VIDEO);
    CHECK_NEAR(at(&legs.clock, EG_AUDIO, start + 2 * EG_SECOND), legs.audio_base + 2000 * 8, 8000, 250);
}

// The legs began 66 ms apart, and each tells so.
static void an_offset_between_the_reports_is_kept_exactly(struct eg_check *check) {
    struct legs legs;
    begin_legs(&legs, origin);
    eg__clock_report(&legs.clock, EG_AUDIO, ntp_after(origin, 66 * EG_MILLISECOND), legs.audio_base);
    for (eg_time media = 0; media < EG_SECOND; media += 20 * EG_MILLISECOND) arrive(&legs, media, 0, 0);
    CHECK_NEAR(at(&legs.clock, EG_AUDIO, start + EG_SECOND), legs.audio_base + 48000 - 66 * 48, 48000, 42);
}

// A host that runs the same command again: `start_time_realtime` lies days back, the reports' timestamps have wrapped on the way, each
// leg's its own number of times, and only their difference still says something.
static void a_stale_start_time_changes_nothing(struct eg_check *check) {
    static const uint64_t stale_s[] = {0, 3600, 47722, 89478, 1000000, 31536000};
    for (size_t i = 0; i < sizeof stale_s / sizeof stale_s[0]; i++) {
        struct legs legs;
        uint64_t now_ntp = ntp_after(origin, 5 * EG_SECOND);
        begin_legs(&legs, origin);
        // FFmpeg computes the timestamp of a report as base + (its wall clock - the start time) in the leg's rate, 64 bits cut to 32.
        eg__clock_report(&legs.clock, EG_VIDEO, now_ntp, legs.video_base + (uint32_t)((stale_s[i] + 5) * 90000));
        eg__clock_report(&legs.clock, EG_AUDIO, now_ntp, legs.audio_base + (uint32_t)((stale_s[i] + 5) * 48000));
        for (eg_time media = 0; media < EG_SECOND; media += 20 * EG_MILLISECOND)
            arrive(&legs, media, 30 * EG_MILLISECOND, 400 * EG_MILLISECOND);
        eg_time now = start + EG_SECOND + 30 * EG_MILLISECOND;
        CHECK_ROW(at(&legs.clock, EG_VIDEO, now) == legs.video_base + 90000, i);
        CHECK_ROW(llabs(error_us(at(&legs.clock, EG_AUDIO, now), legs.audio_base + 48000, 48000)) <= 42, i);
    }
}

static void reports_that_tell_of_two_timelines_are_not_believed(struct eg_check *check) {
    struct legs legs;
    begin_legs(&legs, origin);
    eg__clock_report(&legs.clock, EG_AUDIO, ntp_after(origin, 60 * EG_SECOND), legs.audio_base);
    for (eg_time media = 0; media < EG_SECOND; media += 20 * EG_MILLISECOND) arrive(&legs, media, 0, 0);
    CHECK_EQUAL(at(&legs.clock, EG_AUDIO, start + EG_SECOND), legs.audio_base + 48000);
}

static void without_reports_audio_goes_by_its_own_arrivals(struct eg_check *check) {
    static const enum eg_track_kind only[] = {EG_VIDEO, EG_AUDIO};
    for (size_t i = 0; i < 3; i++) {
        struct legs legs = {.video_base = 7, .audio_base = 9};
        eg__clock_init(&legs.clock, origin);
        if (i < 2) eg__clock_report(&legs.clock, only[i], origin, i == 0 ? legs.video_base : legs.audio_base);
        for (eg_time media = 0; media < EG_SECOND; media += 20 * EG_MILLISECOND) arrive(&legs, media, 100 * EG_MILLISECOND, 0);
        CHECK_ROW(at(&legs.clock, EG_AUDIO, start + EG_SECOND) == legs.audio_base + 48000, i);
    }
}

static void a_leg_that_starts_anew_forgets_its_timeline_and_its_report(struct eg_check *check) {
    struct legs legs;
    uint32_t timestamp;
    begin_legs(&legs, origin);
    for (eg_time media = 0; media < EG_SECOND; media += 20 * EG_MILLISECOND) arrive(&legs, media, 100 * EG_MILLISECOND, 0);
    eg__clock_restart(&legs.clock, EG_VIDEO);
    CHECK(!eg__clock_timestamp(&legs.clock, EG_VIDEO, start + EG_SECOND, &timestamp));
    CHECK_EQUAL(at(&legs.clock, EG_AUDIO, start + EG_SECOND), legs.audio_base + 48000);
    // The first arrival counts, however far from what was.
    eg__clock_observe(&legs.clock, EG_VIDEO, start + 2 * EG_SECOND, 0x77777777);
    CHECK_EQUAL(at(&legs.clock, EG_VIDEO, start + 2 * EG_SECOND), 0x77777777);
    // And its report is of the old timeline: audio waits for a new one.
    CHECK_EQUAL(at(&legs.clock, EG_AUDIO, start + 2 * EG_SECOND), legs.audio_base + 96000);
    eg__clock_report(&legs.clock, EG_VIDEO, ntp_after(origin, EG_SECOND), 0x77777777);
    CHECK_NEAR(at(&legs.clock, EG_AUDIO, start + 2 * EG_SECOND), legs.audio_base + 48000, 48000, 42);
}

static void how_far_one_encoding_is_ahead_of_another_is_told_by_reports_to_the_tick(struct eg_check *check) {
    // Both timelines began at one moment, at other timestamps, near their wrap; reports come when they come, and packets up to 100 ms apart.
    enum { FIRST = 0xfffff000u, SECOND = 12345 };
    for (uint32_t further = 2; further < EG_SOURCES_MAX; further++) {
        for (uint64_t apart = 0; apart < 10000000; apart += 777777) {
            struct eg_media_clock clock;
            eg__clock_init(&clock, origin);
            CHECK_EQUAL(eg__clock_ahead(&clock, EG_VIDEO, further, start), 0);
            eg__clock_observe(&clock, EG_VIDEO, start, FIRST);
            CHECK_EQUAL(eg__clock_ahead(&clock, EG_VIDEO, further, start), 0);
            eg__clock_observe(&clock, further, start + 100 * EG_MILLISECOND, SECOND);
            // By arrivals: what came 100 ms later seems to be 9,000 ticks behind.
            CHECK_EQUAL(eg__clock_ahead(&clock, EG_VIDEO, further, start + EG_SECOND), FIRST - SECOND + 9000);
            eg__clock_report(&clock, EG_VIDEO, origin, FIRST);
            eg__clock_report(&clock, further, ntp_after(origin, apart), SECOND + (uint32_t)((apart * 90 + 500) / 1000));
            uint32_t ahead = eg__clock_ahead(&clock, EG_VIDEO, further, start + EG_SECOND);
            int32_t error = eg__timestamp_distance(FIRST - SECOND, ahead);
            CHECK_ROW(error >= -1 && error <= 1, apart);
            CHECK_EQUAL(eg__clock_ahead(&clock, further, EG_VIDEO, start + EG_SECOND) + ahead, 0);
        }
    }
}

static void a_report_of_another_timeline_does_not_pull_encodings_apart(struct eg_check *check) {
    struct eg_media_clock clock;
    eg__clock_init(&clock, origin);
    eg__clock_observe(&clock, EG_VIDEO, start, 1000);
    eg__clock_observe(&clock, 2, start, 5000);
    eg__clock_report(&clock, EG_VIDEO, origin, 1000);
    eg__clock_report(&clock, 2, ntp_after(origin, 60 * (uint64_t)EG_SECOND), 5000);
    CHECK_EQUAL(eg__clock_ahead(&clock, EG_VIDEO, 2, start), (uint32_t)-4000);
}

static const struct eg_test tests[] = {
    EG_TEST(tells_ntp_time_from_its_origin_on),
    EG_TEST(knows_nothing_before_anything_arrived),
    EG_TEST(goes_on_at_the_rate_of_its_leg_and_wraps),
    EG_TEST(tells_moments_before_the_last_arrival),
    EG_TEST(follows_the_earliest_arrivals_under_jitter),
    EG_TEST(follows_a_clock_that_drifts),
    EG_TEST(audio_follows_video_as_their_reports_say),
    EG_TEST(audio_of_another_rate_follows_video_too),
    EG_TEST(an_offset_between_the_reports_is_kept_exactly),
    EG_TEST(a_stale_start_time_changes_nothing),
    EG_TEST(reports_that_tell_of_two_timelines_are_not_believed),
    EG_TEST(without_reports_audio_goes_by_its_own_arrivals),
    EG_TEST(how_far_one_encoding_is_ahead_of_another_is_told_by_reports_to_the_tick),
    EG_TEST(a_report_of_another_timeline_does_not_pull_encodings_apart),
    EG_TEST(a_leg_that_starts_anew_forgets_its_timeline_and_its_report),
};

EG_TEST_SUITE(clock, tests);
