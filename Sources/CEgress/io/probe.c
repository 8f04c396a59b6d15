#include "base/sized.h"
#include "cegress.h"
#include "io/random.h"
#include "io/receiver_choice.h"
#include "io/udp.h"
#include "transport/crypto.h"

#include <openssl/crypto.h>
#include <stdio.h>

// Asks a source's socket, because every engine has one open, and the probe then needs no port of its own.
static void probe_udp(struct eg_probe *probe) {
    struct eg_kernel_random random;
    struct eg_udp_socket pair[2];
    struct eg_error error;
    probe->receive_buffer_asked = EG_UDP_SOURCE_BUFFER_SIZE;
    eg__kernel_random_init(&random);
    eg_status status = eg__udp_open_pair(&(struct eg_udp_range){.buffer_size = probe->receive_buffer_asked}, &random.base, pair, &error);
    eg__kernel_random_deinit(&random);
    if (status != EG_STATUS_OK) {
        snprintf(probe->gso_reason, sizeof probe->gso_reason, "%.120s", error.message);
        return;
    }
    probe->receive_buffer_size = pair[0].receive_buffer_size;
    probe->gso = eg__udp_has_gso(pair[0].fd, probe->gso_reason, sizeof probe->gso_reason);
    eg__udp_close(&pair[0]);
    eg__udp_close(&pair[1]);
}

static void probe_crypto(struct eg_probe *probe) {
    snprintf(probe->openssl, sizeof probe->openssl, "%s", OpenSSL_version(OPENSSL_VERSION));
    struct eg_crypto *crypto = eg__crypto_create(NULL);
    if (crypto == NULL) return;
    snprintf(probe->crypto, sizeof probe->crypto, "%s", crypto->name);
    eg__crypto_destroy(crypto);
}

void eg_probe_sized(struct eg_probe *probe, size_t probe_size) {
    struct eg_probe found = {0};
    found.io_uring = eg__receiver_has_uring(found.io_uring_reason, sizeof found.io_uring_reason);
    probe_udp(&found);
    probe_crypto(&found);
    eg__sized_give(probe, probe_size, &found, sizeof found);
}
