#include "delivery/bandwidth.h"

#include "wire/rtp.h"
#include "wire/transport_feedback.h"

enum {
    NUMBER_BEGIN = 1 << 16,                // so that no number is less than those that stand for nothing yet
    GROUP_NUMBERS = 32,
    GROUP_SPAN = 20 * EG_MILLISECOND,      // [us]
    MEMORY = 60 * EG_SECOND,               // [us] after which nothing that was sent is told of any more
    RATE_SPAN = 250 * EG_MILLISECOND,      // [us]
    LEAST_SPAN = 5 * EG_SECOND,            // [us]
    QUEUE_MAX = 10 * EG_SECOND,            // [us] what is longer is a made-up time
    RISE_MIN = 20 * EG_MILLISECOND,        // [us] less is jitter, or the time that one packet takes on a narrow link
    CLOCK_STEP = 1 * EG_SECOND,            // [us] by which a viewer's clock gets ahead only when it was set
    LATENESS_MAX = 60 * EG_SECOND,         // [us] that a report may be under way
    LOSS_SPAN = 1 * EG_SECOND,             // [us]
    LOSS_PACKETS_MIN = 20,
    BOUND_LIFETIME = 10 * EG_SECOND,       // [us]
};

static uint32_t clamp_u32(uint64_t value) { return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX; }

// The bytes are of what was really sent: the product is far from 64 bits.
static uint32_t bit_rate_of(uint64_t bytes, eg_time span) { return clamp_u32(bytes * 8 * EG_SECOND / span); }

static void clear_least(struct eg_recent_least *recent, eg_time now) {
    *recent = (struct eg_recent_least){.at = now, .before = INT64_MAX, .least = INT64_MAX};
}

// Gives the least of what was noted lately, INT64_MAX when nothing was.
static int64_t least_of(struct eg_recent_least *recent, eg_time now) {
    if (now - recent->at >= 2 * LEAST_SPAN) {
        clear_least(recent, now);
    } else if (now - recent->at >= LEAST_SPAN) {
        recent->before = recent->least;
        recent->least = INT64_MAX;
        recent->at += LEAST_SPAN;
    }
    return recent->before < recent->least ? recent->before : recent->least;
}

// Gives the least with this value.
static int64_t note_least(struct eg_recent_least *recent, eg_time now, int64_t value) {
    int64_t least = least_of(recent, now);
    if (value < recent->least) recent->least = value;
    return value < least ? value : least;
}

// What the time that has passed changes by itself.
static inline void pass_time(struct eg_bandwidth *bandwidth, eg_time now) {
    struct eg_byte_rate *rate = &bandwidth->sent_rate;
    if (__builtin_expect(now - rate->at < RATE_SPAN, 1)) return;
    bandwidth->sent_bit_rate = bit_rate_of(rate->before + rate->bytes, now - rate->before_at);
    *rate = (struct eg_byte_rate){.before_at = rate->at, .at = now, .before = rate->bytes};
    if (bandwidth->bound != 0 && now - bandwidth->bound_at >= BOUND_LIFETIME) bandwidth->bound = 0;
}

// What may come to be a growth of the queue begins here.
static void begin_rise(struct eg_bandwidth *bandwidth, eg_time now) {
    bandwidth->low_at = now;
    bandwidth->rise_at = bandwidth->timed_at;
    bandwidth->rise_bytes = 0;
}

static void settle_queue(struct eg_bandwidth *bandwidth, eg_time now) {
    bandwidth->rising_since = EG_TIME_NEVER;
    bandwidth->rising_bit_rate = 0;
    bandwidth->low = bandwidth->queue;
    begin_rise(bandwidth, now);
}

void eg__bandwidth_init(struct eg_bandwidth *bandwidth, eg_time now) {
    *bandwidth = (struct eg_bandwidth){.told_at = EG_TIME_NEVER, .unanswered_since = EG_TIME_NEVER, .newest = NUMBER_BEGIN, .reported = NUMBER_BEGIN};
    bandwidth->sent_at = bandwidth->burst_at = now;
    bandwidth->sent_rate.before_at = bandwidth->sent_rate.at = now;
    bandwidth->timed_group = UINT32_MAX; // the one before the first
    clear_least(&bandwidth->delay, now);
    clear_least(&bandwidth->lag, now);
    settle_queue(bandwidth, now);
}

static struct eg_sent_group *group_at(struct eg_bandwidth *bandwidth, uint32_t index) {
    return &bandwidth->groups[index % EG_SENT_GROUPS];
}

// How far number `b` is ahead of `a`.
static int32_t distance(uint32_t a, uint32_t b) { return (int32_t)(b - a); }

static uint32_t count_bits(uint32_t bits) { return bits == 0 ? 0 : (uint32_t)__builtin_popcount(bits); }

// No number that is kept is older than the oldest group, so that they compare after years, too.
static void drop_oldest_group(struct eg_bandwidth *bandwidth) {
    const struct eg_sent_group *group = group_at(bandwidth, bandwidth->group_oldest++);
    uint32_t first = group->first;
    bandwidth->lost -= count_bits(group->told & ~group->arrived);
    if (distance(first, bandwidth->judged_from) < 0) bandwidth->judged_from = first;
    if (distance(bandwidth->timed_group, bandwidth->group_oldest) > 0) bandwidth->timed_group = bandwidth->group_oldest - 1;
}

static void forget_groups(struct eg_bandwidth *bandwidth) {
    bandwidth->group_oldest = bandwidth->group_count;
    bandwidth->lost = 0;
}

static void begin_group(struct eg_bandwidth *bandwidth, eg_time now) {
    bool is_rest = bandwidth->group_count != bandwidth->group_oldest && now - bandwidth->burst_at < GROUP_SPAN;
    if (!is_rest) bandwidth->burst_at = now;
    if (bandwidth->unanswered_since == EG_TIME_NEVER) bandwidth->unanswered_since = now;
    if (bandwidth->group_count - bandwidth->group_oldest == EG_SENT_GROUPS) drop_oldest_group(bandwidth);
    *group_at(bandwidth, bandwidth->group_count++) =
        (struct eg_sent_group){.first = bandwidth->newest, .sent_at = (uint32_t)now, .is_timed = is_rest};
}

// Whether the packet that was just numbered belongs to a group.
static inline bool is_of_group(const struct eg_bandwidth *bandwidth, const struct eg_sent_group *group, eg_time now, size_t size) {
    return bandwidth->newest - group->first < GROUP_NUMBERS && distance(bandwidth->judged_from, group->first) >= 0 &&
           now - bandwidth->burst_at < GROUP_SPAN && group->bytes + size <= UINT16_MAX;
}

void eg__bandwidth_sent(struct eg_bandwidth *bandwidth, eg_time now, uint16_t number, size_t size) {
    pass_time(bandwidth, now);
    EG_ASSERT(size <= UINT16_MAX);
    uint16_t step = (uint16_t)(number - (uint16_t)bandwidth->newest);
    if (now - bandwidth->sent_at >= MEMORY) forget_groups(bandwidth);
    bool is_first = bandwidth->group_count == bandwidth->group_oldest;
    EG_ASSERT(is_first || (step > 0 && step <= INT16_MAX));
    bandwidth->newest += step;
    bandwidth->sent_at = now;
    if (is_first || !is_of_group(bandwidth, group_at(bandwidth, bandwidth->group_count - 1), now, size)) begin_group(bandwidth, now);
    struct eg_sent_group *group = group_at(bandwidth, bandwidth->group_count - 1);
    group->sent |= 1u << (bandwidth->newest - group->first);
    group->bytes += (uint16_t)size;
    bandwidth->sent_rate.bytes += size;
}

// Takes a queue that grows or does not. `now` is when it was told.
static void note_queue(struct eg_bandwidth *bandwidth, eg_time now, eg_time queue, bool is_judged) {
    bandwidth->queue = queue;
    if (!is_judged) {
        settle_queue(bandwidth, now);
    } else if (bandwidth->rising_since != EG_TIME_NEVER) {
        if (queue > bandwidth->peak) bandwidth->peak = queue;
        if (queue < bandwidth->peak - bandwidth->peak / 4) settle_queue(bandwidth, now);
    } else if (queue > bandwidth->low + RISE_MIN) {
        bandwidth->rising_since = bandwidth->low_at;
        bandwidth->rises++;
        bandwidth->peak = queue;
    } else {
        if (queue < bandwidth->low) bandwidth->low = queue;
        begin_rise(bandwidth, now);
    }
}

static eg_time queue_of(int64_t delay, int64_t least) {
    uint64_t queue = (uint64_t)(delay - least);
    return queue < QUEUE_MAX ? queue : QUEUE_MAX;
}

// A report as it is read.
struct reading {
    eg_time now;
    int64_t lag;    // [us] our clock less the viewer's
    int64_t shift;  // [us] from its times with a wrap to those without
    uint32_t group; // index of the one that was looked at last; a report goes from old to new
    const struct eg_sent_group *sized; // NULL, or the one whose packets have `size`
    uint32_t size;  // [B] on the average
};

// The viewer's clock was set: no delay from before compares with those from now on.
static void begin_clock(struct eg_bandwidth *bandwidth, const struct reading *reading) {
    clear_least(&bandwidth->delay, reading->now);
    clear_least(&bandwidth->lag, reading->now);
    note_least(&bandwidth->lag, reading->now, reading->lag);
    bandwidth->has_window = false;
    bandwidth->queue = 0;
    settle_queue(bandwidth, reading->now);
}

static int64_t lag_of(eg_time now, int64_t reference) { return (int64_t)now - reference * EG_TRANSPORT_REFERENCE_UNIT; }

// Finds where a report's times stand on the viewer's clock without wraps, and whether that was set. A report that comes late, or begins with
// an old packet, is behind our clock; ahead of it, by more than the way back varies, only a clock can be that was set forward. One that was
// set back shows in the delays, which note_delay sees.
static void read_clock(struct eg_bandwidth *bandwidth, struct reading *reading, int32_t reference) {
    uint32_t step = ((uint32_t)reference - (uint32_t)bandwidth->reference) & 0xffffff;
    bandwidth->reference += (int64_t)step - (step >= 0x800000 ? 0x1000000 : 0);
    reading->lag = lag_of(reading->now, bandwidth->reference);
    int64_t least = least_of(&bandwidth->lag, reading->now);
    if (least == INT64_MAX || reading->lag < least - CLOCK_STEP || reading->lag > least + LATENESS_MAX) {
        bandwidth->reference = reference;
        reading->lag = lag_of(reading->now, reference);
        begin_clock(bandwidth, reading);
    }
    note_least(&bandwidth->lag, reading->now, reading->lag);
    reading->shift = (bandwidth->reference - reference) * EG_TRANSPORT_REFERENCE_UNIT;
}

static uint64_t arrived_bytes(const struct eg_sent_group *group) {
    return (uint64_t)group->bytes * count_bits(group->arrived) / count_bits(group->sent);
}

// The first packet of the group that was looked at last arrived then. What it was under way, but for what is between the clocks, says how long
// the queue is; and between it and the one before it there arrived what was sent between them.
static void note_delay(struct eg_bandwidth *bandwidth, const struct reading *reading, int64_t at) {
    const struct eg_sent_group *group = group_at(bandwidth, reading->group);
    eg_time age = (uint32_t)((uint32_t)reading->now - group->sent_at);
    int64_t delay = at - (int64_t)(reading->now - age);
    int64_t least = least_of(&bandwidth->delay, reading->now);
    if (least != INT64_MAX && delay < least - CLOCK_STEP) begin_clock(bandwidth, reading);
    least = note_least(&bandwidth->delay, reading->now, delay);
    if (distance(bandwidth->timed_group, reading->group) <= 0) return; // told late: newer ones say how long the queue is
    bool is_known = distance(bandwidth->group_oldest, bandwidth->timed_group) >= 0;
    uint32_t from = is_known ? bandwidth->timed_group : bandwidth->group_oldest;
    for (; from != reading->group; from++) bandwidth->rise_bytes += arrived_bytes(group_at(bandwidth, from));
    bandwidth->timed_group = reading->group;
    bandwidth->timed_at = at;
    note_queue(bandwidth, reading->now, queue_of(delay, least), distance(bandwidth->judged_from, group->first) >= 0);
    if (bandwidth->rising_since == EG_TIME_NEVER) return;
    bool has_span = at > bandwidth->rise_at;
    bandwidth->rising_bit_rate = has_span ? bit_rate_of(bandwidth->rise_bytes, (eg_time)(at - bandwidth->rise_at)) : 0;
}

static void note_arrival(struct eg_bandwidth *bandwidth, int64_t at, uint64_t bytes) {
    if (!bandwidth->has_window || at < bandwidth->window_at - RATE_SPAN) { // it began at a time that was made up
        bandwidth->has_window = true;
        bandwidth->window_at = at;
        bandwidth->window_bytes = 0;
    }
    if (at - bandwidth->window_at >= RATE_SPAN) {
        bandwidth->arrived_bit_rate = bit_rate_of(bandwidth->window_bytes, (eg_time)(at - bandwidth->window_at));
        bandwidth->window_at = at;
        bandwidth->window_bytes = 0;
    }
    bandwidth->window_bytes += bytes;
}

// Where a report begins, which is mostly near the newest group.
static uint32_t first_group(struct eg_bandwidth *bandwidth, uint32_t number) {
    uint32_t group = bandwidth->group_count - 1;
    while (group != bandwidth->group_oldest && distance(group_at(bandwidth, group)->first, number) < 0) group--;
    return group;
}

// The last group that begins with this number or before it. There is one.
static struct eg_sent_group *find_group(struct eg_bandwidth *bandwidth, struct reading *reading, uint32_t number) {
    while (reading->group + 1 != bandwidth->group_count && distance(group_at(bandwidth, reading->group + 1)->first, number) >= 0) reading->group++;
    return group_at(bandwidth, reading->group);
}

static uint32_t packet_size(struct reading *reading, const struct eg_sent_group *group) {
    if (reading->sized != group) reading->size = group->bytes / count_bits(group->sent);
    reading->sized = group;
    return reading->size;
}

static void take_arrived(struct eg_bandwidth *bandwidth, struct reading *reading, uint32_t number, int64_t at) {
    struct eg_sent_group *group = find_group(bandwidth, reading, number);
    uint32_t place = number - group->first;
    uint32_t bit = place < GROUP_NUMBERS ? 1u << place & group->sent : 0;
    if (bit == 0 || (group->arrived & bit) != 0) return; // never sent, or told before
    if ((group->told & bit) != 0) bandwidth->lost--;
    group->told |= bit;
    group->arrived |= bit;
    note_arrival(bandwidth, at, packet_size(reading, group));
    if (place != 0 || group->is_timed) return;
    group->is_timed = true;
    note_delay(bandwidth, reading, at);
}

// Numbers from `first`, which is at most the newest, to `last`.
static void take_lost(struct eg_bandwidth *bandwidth, struct reading *reading, uint32_t first, uint32_t last) {
    for (struct eg_sent_group *group = find_group(bandwidth, reading, first);; group = group_at(bandwidth, ++reading->group)) {
        int32_t low = distance(group->first, first), high = distance(group->first, last);
        if (low < 0) low = 0;
        if (high >= GROUP_NUMBERS) high = GROUP_NUMBERS - 1;
        if (low <= high) {
            uint32_t bits = group->sent & ~group->told & (UINT32_MAX << low) & (UINT32_MAX >> (GROUP_NUMBERS - 1 - high));
            group->told |= bits;
            bandwidth->lost += count_bits(bits);
        }
        if (reading->group + 1 == bandwidth->group_count || distance(group_at(bandwidth, reading->group + 1)->first, last) < 0) return;
    }
}

// Of what was sent within a second before the newest packets that are told of.
static void count_lost(struct eg_bandwidth *bandwidth) {
    uint32_t told = 0, lost = 0, newest_at = 0;
    bandwidth->lost_256 = 0;
    if (bandwidth->lost == 0) return; // as mostly
    for (uint32_t i = bandwidth->group_count; i != bandwidth->group_oldest; i--) {
        const struct eg_sent_group *group = group_at(bandwidth, i - 1);
        if (group->told == 0) continue;
        if (told == 0) newest_at = group->sent_at;
        if (newest_at - group->sent_at > LOSS_SPAN || distance(bandwidth->judged_from, group->first) < 0) break;
        told += count_bits(group->told);
        lost += count_bits(group->told & ~group->arrived);
    }
    if (told >= LOSS_PACKETS_MIN) bandwidth->lost_256 = lost * 256 / told;
}

static void note_word(struct eg_bandwidth *bandwidth, eg_time now) {
    bandwidth->told_at = now;
    bandwidth->unanswered_since = EG_TIME_NEVER;
}

bool eg__bandwidth_feedback(struct eg_bandwidth *bandwidth, eg_time now, const struct eg_rtcp_feedback *feedback) {
    struct eg_transport_feedback transport;
    struct eg_transport_status status;
    if (!eg__transport_feedback_parse(&transport, feedback)) return false;
    pass_time(bandwidth, now);
    if (bandwidth->group_count == bandwidth->group_oldest || now - bandwidth->sent_at >= MEMORY) return false;
    // Places of packets, counted from the newest that was sent: 0 is that one, and those above it were never sent.
    int32_t at = eg__sequence_distance((uint16_t)bandwidth->newest, transport.base);
    int32_t oldest = distance(bandwidth->newest, group_at(bandwidth, bandwidth->group_oldest)->first);
    if (at > 0 || at + transport.count <= oldest) return false;

    struct reading reading = {.now = now, .group = first_group(bandwidth, bandwidth->newest + (uint32_t)(at < oldest ? oldest : at))};
    read_clock(bandwidth, &reading, transport.reference);
    for (; at <= 0 && eg__transport_feedback_next(&transport, &status); at += status.run) {
        int32_t first = at < oldest ? oldest : at, last = at + status.run - 1;
        if (last < first) continue; // forgotten
        if (status.arrived) take_arrived(bandwidth, &reading, bandwidth->newest + (uint32_t)first, status.at + reading.shift);
        else take_lost(bandwidth, &reading, bandwidth->newest + (uint32_t)first, bandwidth->newest + (uint32_t)last);
    }
    count_lost(bandwidth);
    note_word(bandwidth, now);
    return true;
}

void eg__bandwidth_report(struct eg_bandwidth *bandwidth, eg_time now, uint8_t lost_256, uint32_t round_trip_us) {
    pass_time(bandwidth, now);
    uint32_t packets = bandwidth->newest - bandwidth->reported;
    bool is_judged = packets >= LOSS_PACKETS_MIN && !bandwidth->is_report_mixed;
    bandwidth->lost_256 = is_judged ? lost_256 : 0;
    bandwidth->reported = bandwidth->newest;
    bandwidth->is_report_mixed = false;
    bandwidth->arrived_bit_rate = (uint32_t)((uint64_t)bandwidth->sent_bit_rate * (256u - lost_256) / 256);
    note_word(bandwidth, now);
    if (round_trip_us == 0) return;
    int64_t least = note_least(&bandwidth->delay, now, round_trip_us);
    note_queue(bandwidth, now, queue_of(round_trip_us, least), true);
}

void eg__bandwidth_note_bound(struct eg_bandwidth *bandwidth, eg_time now, uint64_t bit_rate) {
    bandwidth->bound = bit_rate > 0 ? clamp_u32(bit_rate) : 1;
    bandwidth->bound_at = now;
}

void eg__bandwidth_forget(struct eg_bandwidth *bandwidth, eg_time now) {
    bandwidth->judged_from = bandwidth->newest + 1;
    bandwidth->lost_256 = 0;
    bandwidth->is_report_mixed = true;
    settle_queue(bandwidth, now);
}
