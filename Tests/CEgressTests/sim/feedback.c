#include "sim/feedback.h"

#include "wire/rtp.h"
#include "wire/transport_feedback.h"

enum {
    INTERVAL_MIN = 50 * EG_MILLISECOND, // [us]
    INTERVAL_SPAN = 50 * EG_MILLISECOND,
    NONSENSE_PACKETS = 60,
    EVEN_GAP = 500, // [us] between packets that are said to have arrived
};

void eg_sim_feedback_note(struct eg_sim_feedback *feedback, eg_time now, uint16_t number) {
    if (!feedback->has_begun) {
        feedback->has_begun = true;
        feedback->next = feedback->highest = UINT64_C(65536) + number;
        for (size_t i = 0; i < EG_SIM_ARRIVALS; i++) feedback->arrivals[i].number = 0;
    }
    uint64_t whole = feedback->highest + (uint64_t)(int64_t)eg__sequence_distance((uint16_t)feedback->highest, number);
    if (whole > feedback->highest) feedback->highest = whole;
    if (feedback->arrivals[whole % EG_SIM_ARRIVALS].number >= whole) return;
    feedback->arrivals[whole % EG_SIM_ARRIVALS].number = whole;
    feedback->arrivals[whole % EG_SIM_ARRIVALS].at = now;
    if (whole < feedback->next) feedback->next = whole; // it was said to be lost
    feedback->has_news = true;
}

eg_time eg_sim_feedback_deadline(const struct eg_sim_feedback *feedback, const struct eg_sim_feedback_habits *habits) {
    bool is_due = feedback->has_news || (feedback->has_begun && habits->honesty == EG_SIM_SAYS_NONSENSE);
    return is_due ? feedback->at : EG_TIME_NEVER;
}

// What is told of one packet; EG_TIME_NEVER: it has not arrived.
static eg_time told_of(const struct eg_sim_feedback *feedback, uint64_t number) {
    const size_t place = number % EG_SIM_ARRIVALS;
    return feedback->arrivals[place].number == number ? feedback->arrivals[place].at : EG_TIME_NEVER;
}

static void write_nonsense(struct eg_sim_random *random, struct eg_transport_report *report, eg_time *arrivals, eg_time now) {
    report->base = (uint16_t)eg_sim_random_u64(random);
    report->count = (uint16_t)(1 + eg_sim_random_below(random, NONSENSE_PACKETS));
    report->feedback_count = (uint8_t)eg_sim_random_u64(random);
    for (uint16_t i = 0; i < report->count; i++)
        arrivals[i] = eg_sim_random_chance(random, 300) ? EG_TIME_NEVER : now - eg_sim_random_below(random, 4 * EG_SECOND);
}

// Up to the newest that had arrived so long ago. Gives where the next report begins.
static uint64_t write_honestly(const struct eg_sim_feedback *feedback, struct eg_transport_report *report, eg_time *arrivals, eg_time latest) {
    uint64_t end = feedback->next;
    report->base = (uint16_t)feedback->next;
    for (uint64_t number = feedback->next; number <= feedback->highest && number < feedback->next + EG_SIM_FEEDBACK_PACKETS; number++) {
        eg_time at = told_of(feedback, number);
        arrivals[number - feedback->next] = at != EG_TIME_NEVER && at <= latest ? at : EG_TIME_NEVER;
        if (at != EG_TIME_NEVER && at <= latest) end = number + 1;
    }
    report->count = (uint16_t)(end - feedback->next);
    return end;
}

void eg_sim_feedback_write(struct eg_sim_feedback *feedback, eg_time now, const struct eg_sim_feedback_habits *habits,
                           const struct eg_sim_feedback_names *names, struct eg_sim_random *random, struct eg_writer *writer) {
    eg_time arrivals[EG_SIM_FEEDBACK_PACKETS];
    struct eg_transport_report report = {.sender_ssrc = names->sender_ssrc, .media_ssrc = names->media_ssrc, .arrivals = arrivals};
    feedback->at = now + (habits->every > 0 ? habits->every : INTERVAL_MIN + eg_sim_random_below(random, INTERVAL_SPAN));
    uint64_t end = feedback->next;
    if (habits->honesty == EG_SIM_SAYS_NONSENSE) {
        write_nonsense(random, &report, arrivals, now);
    } else {
        end = write_honestly(feedback, &report, arrivals, now - habits->late_by);
        for (uint16_t i = 0; habits->honesty == EG_SIM_SAYS_ALL_ARRIVED && i < report.count; i++)
            arrivals[i] = now - (eg_time)(report.count - i) * EVEN_GAP;
        report.feedback_count = (uint8_t)feedback->sent;
    }
    if (report.count == 0) return;
    uint16_t told = eg__transport_feedback_write(writer, &report);
    feedback->sent++;
    if (habits->honesty == EG_SIM_SAYS_NONSENSE) return;
    feedback->next = told < report.count ? feedback->next + told : end;
    feedback->has_news = feedback->next <= feedback->highest;
}
