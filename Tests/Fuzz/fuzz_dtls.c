// Any bytes as the datagrams of one client, each behind two bytes that give its size and how much later it comes. The first byte of all
// chooses between a server that waits for a hello and one that has finished a handshake, whose alert key is all zeros.
#include "transport/dtls.h"
#include "transport/dtls_record.h"

#include "fuzz.h"

#include <openssl/err.h>
#include <stdlib.h>

static const struct eg_path path;

static void init_connected(struct eg_dtls *dtls, struct eg_dtls_context *context) {
    *dtls = (struct eg_dtls){.context = context, .state = EG_DTLS_CONNECTED, .alert_key = {.key_size = 16}, .close_notify_size = 39};
    dtls->flight_size = 77;
    dtls->flight = calloc(1, dtls->flight_size);
    EG_ASSERT(dtls->flight != NULL);
    dtls->flight[1] = 75;
}

static void check_invariants(const struct eg_dtls *dtls, const struct eg_batch *batch) {
    for (uint32_t i = 0; i < batch->message_count; i++) EG_ASSERT(batch->messages[i].segment_size <= EG_DTLS_MTU);
    EG_ASSERT(batch->used <= 2 * EG_DTLS_FLIGHT_SIZE_MAX); // a flight of its own and one that was asked for again
    EG_ASSERT(dtls->flight_size <= EG_DTLS_FLIGHT_SIZE_MAX);
    EG_ASSERT((dtls->failure != EG_DTLS_NO_FAILURE) == (dtls->state == EG_DTLS_FAILED));
    EG_ASSERT(dtls->state == EG_DTLS_HANDSHAKING || dtls->ssl == NULL);
    EG_ASSERT(dtls->received_size <= EG_DTLS_HANDSHAKE_SIZE_MAX + EG_DATAGRAM_SIZE_MAX);
    EG_ASSERT(ERR_peek_error() == 0);
}

static void receive_all(struct eg_dtls *dtls, struct eg_reader *input, struct eg_batch *batch) {
    eg_time now = 0;
    while (eg__reader_left(input) > 2) {
        uint16_t how = eg__read_u16(input);
        size_t size = how & (EG_DATAGRAM_SIZE_MAX - 1);
        if (size > eg__reader_left(input)) size = eg__reader_left(input);
        now += (how >> 11) * 25 * EG_MILLISECOND;
        if (now >= eg__dtls_deadline(dtls)) eg__dtls_tick(dtls, now, &path, batch);
        check_invariants(dtls, batch);
        eg__batch_clear(batch);
        // A copy of just that size, so that a read past its end is found.
        uint8_t *copy = malloc(size > 0 ? size : 1);
        EG_ASSERT(copy != NULL);
        memcpy(copy, eg__read_bytes(input, size), size);
        struct eg_arrival arrival = {.path = path, .bytes = copy, .size = size, .at = now};
        eg__dtls_receive(dtls, &arrival, batch);
        free(copy);
        check_invariants(dtls, batch);
        eg__batch_clear(batch);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct eg_dtls_context *context;
    static struct eg_batch batch;
    char error[256];
    if (context == NULL) {
        context = eg__dtls_context_create(error, sizeof error);
        EG_ASSERT(context != NULL && eg__batch_init(&batch));
    }
    static const struct eg_fingerprint expected = {.hash = EG_FINGERPRINT_SHA256};
    struct eg_reader input = eg__reader(bytes, size);
    struct eg_dtls dtls;
    if (eg__read_u8(&input) % 2 == 0) {
        eg__dtls_init(&dtls, context, &expected, 0);
        eg__dtls_allow(&dtls, &(struct eg_path){0}, EG_DTLS_HANDSHAKE_SIZE_MAX);
    } else {
        init_connected(&dtls, context);
    }
    if (!input.failed) receive_all(&dtls, &input, &batch);
    // No client knows a key here, so none can have got through the handshake.
    if (size > 0 && bytes[0] % 2 == 0) EG_ASSERT(dtls.state == EG_DTLS_HANDSHAKING || dtls.state == EG_DTLS_FAILED);
    eg__dtls_deinit(&dtls);
    return 0;
}
