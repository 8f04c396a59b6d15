// SRTCP from a stranger: nothing that wasn't made with the key may be opened, and nothing but the packet may be read. The same bytes, taken
// as RTCP of our own, must come back as they went in.
#include "transport/srtp.h"

#include <stdlib.h>
#include <string.h>

struct viewer {
    struct eg_crypto *crypto;
    void *context;
    struct eg_srtp srtp;
};

static struct viewer create_viewer(enum eg_srtp_profile profile) {
    struct eg_srtp_keys keys = {.profile = profile, .local = {{0x51, 0x7e}, {0x0a}}, .remote = {{0xc3, 0x19}, {0x0b}}};
    struct viewer viewer = {.crypto = eg__crypto_create(NULL)};
    size_t size = (eg__srtp_context_size(viewer.crypto) + 63) / 64 * 64;
    viewer.context = aligned_alloc(64, size);
    memset(viewer.context, 0, size);
    EG_ASSERT(eg__srtp_init(&viewer.srtp, viewer.crypto, viewer.context, &keys));
    return viewer;
}

static void destroy_viewer(struct viewer *viewer) {
    eg__srtp_deinit(&viewer->srtp);
    free(viewer->context);
    eg__crypto_destroy(viewer->crypto);
}

static void refuses(struct viewer *viewer, const uint8_t *bytes, size_t size) {
    uint8_t *out = malloc(size + 1); // one more, for malloc(0) may give NULL
    EG_ASSERT(eg__srtcp_unprotect(&viewer->srtp, bytes, size, out + 1) == 0);
    EG_ASSERT(viewer->srtp.replay_count == 0);
    free(out);
}

static void returns_its_own(struct viewer *viewer, const uint8_t *bytes, size_t size) {
    if (size < 8) return;
    uint8_t *packet = malloc(size + EG_SRTCP_TRAILER_SIZE_MAX), *out = malloc(size + EG_SRTCP_TRAILER_SIZE_MAX);
    memcpy(packet, bytes, size);
    size_t protected_size = eg__srtcp_protect(&viewer->srtp, packet, size);
    EG_ASSERT(protected_size > size && protected_size <= size + EG_SRTCP_TRAILER_SIZE_MAX);

    struct eg_srtp peer = viewer->srtp;
    peer.rtcp_remote = peer.rtcp_local;
    EG_ASSERT(eg__srtcp_unprotect(&peer, packet, protected_size, out) == size);
    EG_ASSERT(memcmp(out, bytes, size) == 0);
    EG_ASSERT(eg__srtcp_unprotect(&peer, packet, protected_size, out) == 0);
    free(packet);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const enum eg_srtp_profile profiles[] = {EG_SRTP_AEAD_AES_128_GCM, EG_SRTP_AES128_CM_SHA1_80};
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        struct viewer viewer = create_viewer(profiles[i]);
        refuses(&viewer, bytes, size);
        returns_its_own(&viewer, bytes, size);
        destroy_viewer(&viewer);
    }
    return 0;
}
