// How much of something may be spent: so much a second on average, and so much at once after a quiet time (a token bucket).
#ifndef EG_BUDGET_H
#define EG_BUDGET_H

#include "base/base.h"

struct eg_budget {
    uint64_t rate;     // earned a second, at least 1
    uint64_t left_max; // what can be saved up
    uint64_t left;
    eg_time at;        // earnings are counted up to here
};

// The budget is full at first.
static inline void eg__budget_init(struct eg_budget *budget, eg_time now, uint64_t rate, uint64_t left_max) {
    *budget = (struct eg_budget){.rate = rate, .left_max = left_max, .left = left_max, .at = now};
}

// Sets other limits. If more can be saved up than before, the difference counts as saved.
static inline void eg__budget_resize(struct eg_budget *budget, uint64_t rate, uint64_t left_max) {
    if (left_max > budget->left_max) budget->left += left_max - budget->left_max;
    if (budget->left > left_max) budget->left = left_max;
    budget->rate = rate;
    budget->left_max = left_max;
}

// Spends `amount`, all or nothing. An amount that is larger than can ever be saved up is granted when the budget is full.
static inline bool eg__budget_take(struct eg_budget *budget, eg_time now, uint64_t amount) {
    eg_time passed_max = (eg_time)60 * EG_SECOND; // keeps the product from overflowing
    uint64_t earned = budget->rate * (now - budget->at < passed_max ? now - budget->at : passed_max) / EG_SECOND;
    bool is_full = earned >= budget->left_max - budget->left;
    budget->left = is_full ? budget->left_max : budget->left + earned;
    // The time moves on only as far as it was earned, so that what was rounded off counts the next time.
    budget->at = is_full ? now : budget->at + earned * EG_SECOND / budget->rate;
    if (amount > budget->left_max) amount = budget->left_max;
    if (amount > budget->left) return false;
    budget->left -= amount;
    return true;
}

#endif
