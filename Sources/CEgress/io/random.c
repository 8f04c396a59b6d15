#include "io/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static void refill(struct eg_kernel_random *random) {
    // A signal never cuts a request of up to 256 bytes short (getrandom(2)), but it may cut a longer one.
    for (size_t at = 0; at < sizeof random->pool;) {
        ssize_t got = getrandom(random->pool + at, sizeof random->pool - at, 0);
        // The process can't continue without randomness: every other source could be guessed.
        EG_ASSERT(got > 0 || errno == EINTR);
        if (got > 0) at += (size_t)got;
    }
    random->left = sizeof random->pool;
}

static void fill(struct eg_random *self, uint8_t *bytes, size_t size) {
    struct eg_kernel_random *random = (struct eg_kernel_random *)self;
    while (size > 0) {
        if (random->left == 0) refill(random);
        size_t part = size < random->left ? size : random->left;
        uint8_t *from = random->pool + sizeof random->pool - random->left;
        memcpy(bytes, from, part);
        explicit_bzero(from, part);
        random->left -= part;
        bytes += part;
        size -= part;
    }
}

void eg__kernel_random_init(struct eg_kernel_random *random) {
    *random = (struct eg_kernel_random){.base = {.fill = fill}};
}

void eg__kernel_random_deinit(struct eg_kernel_random *random) { explicit_bzero(random, sizeof *random); }
