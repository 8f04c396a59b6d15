#include "sim/bottleneck.h"

enum {
    FLOW_PACKET_SIZE = 1500,  // [B]
    WINDOW_UNIT = 256,
    WINDOW_INITIAL = 10,      // packets, RFC 6928
    WINDOW_MIN = 2,
};

static const uint64_t bits_per_byte_us = 8 * EG_SECOND; // a byte takes this, divided by the bit rate, in microseconds

void eg_sim_bottleneck_init(struct eg_sim_bottleneck *bottleneck, uint64_t bit_rate, uint32_t queue_size) {
    *bottleneck = (struct eg_sim_bottleneck){.queue_size = queue_size};
    eg_sim_bottleneck_change(bottleneck, 0, bit_rate);
}

void eg_sim_bottleneck_change(struct eg_sim_bottleneck *bottleneck, eg_time at, uint64_t bit_rate) {
    EG_ASSERT(bottleneck->rate_count < EG_SIM_RATES_MAX);
    EG_ASSERT(bottleneck->rate_count == 0 || at > bottleneck->rates[bottleneck->rate_count - 1].at);
    bottleneck->rates[bottleneck->rate_count].at = at;
    bottleneck->rates[bottleneck->rate_count++].bit_rate = bit_rate;
}

static unsigned segment_at(const struct eg_sim_bottleneck *bottleneck, eg_time now) {
    unsigned i = bottleneck->rate_count - 1;
    while (i > 0 && bottleneck->rates[i].at > now) i--;
    return i;
}

static eg_time segment_end(const struct eg_sim_bottleneck *bottleneck, unsigned segment) {
    return segment + 1 < bottleneck->rate_count ? bottleneck->rates[segment + 1].at : EG_TIME_NEVER;
}

uint64_t eg_sim_bottleneck_rate(const struct eg_sim_bottleneck *bottleneck, eg_time now) {
    return bottleneck->rates[segment_at(bottleneck, now)].bit_rate;
}

uint64_t eg_sim_bottleneck_backlog(const struct eg_sim_bottleneck *bottleneck, eg_time now) {
    uint64_t bytes = 0;
    for (unsigned i = segment_at(bottleneck, now); now < bottleneck->free_at; i++) {
        eg_time end = eg__time_min(segment_end(bottleneck, i), bottleneck->free_at);
        bytes += (end - now) * bottleneck->rates[i].bit_rate / bits_per_byte_us;
        now = end;
    }
    return bytes;
}

// When `size` bytes whose turn comes at `begins` have left.
static eg_time leaves_at(const struct eg_sim_bottleneck *bottleneck, eg_time begins, uint64_t size) {
    uint64_t left = size * bits_per_byte_us; // [bit/s times us]
    for (unsigned i = segment_at(bottleneck, begins);; i++) {
        uint64_t rate = bottleneck->rates[i].bit_rate;
        eg_time end = segment_end(bottleneck, i);
        EG_ASSERT(end != EG_TIME_NEVER || rate > 0);
        if (rate > 0 && (end == EG_TIME_NEVER || left <= (end - begins) * rate)) return begins + (left + rate - 1) / rate;
        left -= (end - begins) * rate;
        begins = end;
    }
}

static eg_time enqueue(struct eg_sim_bottleneck *bottleneck, eg_time now, uint64_t size) {
    if (eg_sim_bottleneck_backlog(bottleneck, now) + size > bottleneck->queue_size) return EG_TIME_NEVER;
    bottleneck->free_at = leaves_at(bottleneck, bottleneck->free_at > now ? bottleneck->free_at : now, size);
    return bottleneck->free_at;
}

// --- flows ---

void eg_sim_bottleneck_add_flow(struct eg_sim_bottleneck *bottleneck, const struct eg_sim_flow_config *config) {
    EG_ASSERT(bottleneck->flow_count < EG_SIM_FLOWS_MAX);
    bottleneck->flows[bottleneck->flow_count++] = (struct eg_sim_flow){.config = *config, .next_at = config->begins};
}

static eg_time flow_deadline(const struct eg_sim_flow *flow) {
    return flow->count > 0 ? eg__time_min(flow->next_at, flow->packets[flow->first].at) : flow->next_at;
}

static void begin_flow(struct eg_sim_flow *flow) {
    flow->left = flow->config.size > 0 ? flow->config.size : UINT64_MAX / 2;
    flow->window = WINDOW_INITIAL * WINDOW_UNIT;
    flow->threshold = EG_SIM_WINDOW_MAX * WINDOW_UNIT;
    flow->recovered_at = 0;
    flow->next_at = flow->config.every > 0 ? flow->next_at + flow->config.every : EG_TIME_NEVER;
    if (flow->next_at >= flow->config.ends) flow->next_at = EG_TIME_NEVER;
}

// Its sender hears of its oldest packet: RFC 5681 §3.1 and §3.2, as far as a flow in bulk goes.
static void acknowledge(struct eg_sim_flow *flow) {
    eg_time at = flow->packets[flow->first].at;
    bool is_lost = flow->packets[flow->first].is_lost;
    flow->first = (flow->first + 1) % EG_SIM_WINDOW_MAX;
    flow->count--;
    if (!is_lost) {
        flow->delivered += FLOW_PACKET_SIZE;
        bool is_slow_start = flow->window < flow->threshold;
        flow->window += is_slow_start ? WINDOW_UNIT : WINDOW_UNIT * WINDOW_UNIT / flow->window;
        if (flow->window > EG_SIM_WINDOW_MAX * WINDOW_UNIT) flow->window = EG_SIM_WINDOW_MAX * WINDOW_UNIT;
        return;
    }
    flow->left += FLOW_PACKET_SIZE;
    if (at < flow->recovered_at) return;
    flow->window = flow->window / 2 > WINDOW_MIN * WINDOW_UNIT ? flow->window / 2 : WINDOW_MIN * WINDOW_UNIT;
    flow->threshold = flow->window;
    flow->recovered_at = at + flow->config.round_trip;
}

// What is dropped is noticed when what came behind it has arrived: about when the queue as it is has left.
static void fill_window(struct eg_sim_bottleneck *bottleneck, struct eg_sim_flow *flow, eg_time now) {
    while (flow->left > 0 && now < flow->config.ends && flow->count < flow->window / WINDOW_UNIT && flow->count < EG_SIM_WINDOW_MAX) {
        eg_time leaves = enqueue(bottleneck, now, FLOW_PACKET_SIZE);
        bool is_lost = leaves == EG_TIME_NEVER;
        uint32_t place = (flow->first + flow->count++) % EG_SIM_WINDOW_MAX;
        flow->packets[place].at = (is_lost ? bottleneck->free_at : leaves) + flow->config.round_trip;
        flow->packets[place].is_lost = is_lost;
        flow->left -= flow->left < FLOW_PACKET_SIZE ? flow->left : FLOW_PACKET_SIZE;
    }
}

static struct eg_sim_flow *next_flow(struct eg_sim_bottleneck *bottleneck) {
    struct eg_sim_flow *next = NULL;
    for (unsigned i = 0; i < bottleneck->flow_count; i++)
        if (next == NULL || flow_deadline(&bottleneck->flows[i]) < flow_deadline(next)) next = &bottleneck->flows[i];
    return next;
}

static void run_flows(struct eg_sim_bottleneck *bottleneck, eg_time now) {
    struct eg_sim_flow *flow;
    while ((flow = next_flow(bottleneck)) != NULL && flow_deadline(flow) <= now) {
        eg_time at = flow_deadline(flow);
        if (at == flow->next_at) begin_flow(flow);
        else acknowledge(flow);
        fill_window(bottleneck, flow, at);
    }
}

eg_time eg_sim_bottleneck_pass(struct eg_sim_bottleneck *bottleneck, eg_time now, size_t size) {
    run_flows(bottleneck, now);
    eg_time leaves = enqueue(bottleneck, now, size);
    if (leaves == EG_TIME_NEVER) bottleneck->dropped++;
    else bottleneck->passed += size;
    return leaves;
}
