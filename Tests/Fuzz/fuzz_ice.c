// Any bytes as what arrives for one viewer: messages, each behind a byte that says from where, how much later and how it is made, and one
// that gives its size. As no fuzzer guesses a digest, a message can also be attributes alone, which are laid into a check of the peer's or
// an answer to ours and closed with a right integrity.
#include "transport/ice.h"

#include "fuzz.h"

enum kind { RAW, CHECK, ANSWER, REFUSAL };

struct fuzz {
    struct eg_random random;
    struct eg_ice ice;
    struct eg_batch batch;
    eg_time now;
};

static const char remote_ufrag[] = "peer", remote_pwd[] = "peer's password";

static void fill(struct eg_random *random, uint8_t *bytes, size_t size) {
    (void)random;
    memset(bytes, 0, size);
}

static void check_invariants(const struct eg_ice *ice, enum eg_ice_event event, const struct eg_path *path) {
    EG_ASSERT(ice->has_path || event == EG_ICE_NOTHING || event == EG_ICE_REJECTED);
    EG_ASSERT(ice->has_path == (ice->validated_count > 0));
    EG_ASSERT(ice->validated_count <= EG_ICE_VALIDATED_MAX);
    EG_ASSERT(ice->has_path || eg__ice_deadline(ice) == EG_TIME_NEVER);
    EG_ASSERT(!ice->probe.active || (ice->has_path && ice->pinned && !eg__path_equal(&ice->probe.path, &ice->path)));
    if (event == EG_ICE_PATH_SELECTED) EG_ASSERT(eg__path_equal(path, &ice->path));
    if (event == EG_ICE_CHECKED || event == EG_ICE_PATH_SELECTED) EG_ASSERT(eg__ice_is_validated(ice, path));
}

static void receive(struct fuzz *fuzz, uint8_t host, const uint8_t *bytes, size_t size) {
    struct eg_ice *ice = &fuzz->ice;
    struct eg_stun stun;
    struct eg_arrival arrival = {.path = {.local = eg__addr_ipv4(192, 0, 2, 1, 8189), .remote = eg__addr_ipv4(198, 51, 100, host, 5000)},
                                 .bytes = bytes, .size = size, .at = fuzz->now};
    if (!eg__stun_parse(&stun, bytes, size)) return;
    bool was_active = ice->probe.active;
    bool is_check_due = fuzz->now >= ice->probe.next_check; // they keep their pace, also after the end of the probe before
    eg__batch_clear(&fuzz->batch);
    enum eg_ice_event event = eg__ice_receive(ice, &arrival, &stun, &fuzz->batch);
    check_invariants(ice, event, &arrival.path);
    EG_ASSERT(fuzz->batch.message_count <= 2); // an answer, and a check of ours
    if (fuzz->batch.message_count == 2) EG_ASSERT(ice->probe.active);
    if (!was_active && ice->probe.active) EG_ASSERT(fuzz->batch.message_count == (is_check_due ? 2 : 1));
}

static void receive_closed(struct fuzz *fuzz, enum kind kind, uint8_t host, const uint8_t *attributes, size_t size) {
    const struct eg_ice *ice = &fuzz->ice;
    uint8_t message[1024];
    struct eg_writer writer = eg__writer(message, sizeof message);
    bool is_check = kind == CHECK;
    uint16_t type = is_check ? EG_STUN_BINDING_REQUEST : kind == ANSWER ? EG_STUN_BINDING_SUCCESS : EG_STUN_BINDING_ERROR;
    eg__stun_begin(&writer, type, ice->probe.transaction_id);
    if (is_check) eg__stun_write_username(&writer, ice->local_ufrag, EG_ICE_UFRAG_SIZE, remote_ufrag, sizeof remote_ufrag - 1);
    eg__write_bytes(&writer, attributes, size / 4 * 4);
    const char *pwd = is_check ? ice->local_pwd : remote_pwd;
    size_t message_size = eg__stun_finish(&writer, pwd, strlen(pwd));
    EG_ASSERT(message_size > 0);
    receive(fuzz, host, message, message_size);
}

static void receive_all(struct fuzz *fuzz, struct eg_reader *input) {
    while (eg__reader_left(input) >= 2) {
        uint8_t how = eg__read_u8(input); // host: 3 bits, pin: 1, kind: 2, delay: 2
        size_t size = eg__read_u8(input);
        if (size > eg__reader_left(input)) size = eg__reader_left(input);
        const uint8_t *bytes = eg__read_bytes(input, size);
        enum kind kind = how >> 4 & 3;
        fuzz->now += (how >> 6) * (eg_time)(3 * EG_SECOND);
        eg__batch_clear(&fuzz->batch);
        if (eg__ice_tick(&fuzz->ice, fuzz->now, &fuzz->batch) == EG_ICE_EXPIRED) return;
        EG_ASSERT(fuzz->batch.message_count <= 1);
        if (kind == RAW) receive(fuzz, how & 7, bytes, size);
        if (kind != RAW) receive_closed(fuzz, kind, how & 7, bytes, size);
        if ((how & 8) != 0) eg__ice_pin(&fuzz->ice);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct fuzz fuzz;
    if (fuzz.batch.arena == NULL) EG_ASSERT(eg__batch_init(&fuzz.batch));
    fuzz.random.fill = fill;
    fuzz.now = EG_SECOND;
    EG_ASSERT(eg__ice_init(&fuzz.ice, &fuzz.random, remote_ufrag, remote_pwd));
    struct eg_reader input = eg__reader(bytes, size);
    receive_all(&fuzz, &input);
    eg__ice_deinit(&fuzz.ice);
    return 0;
}
