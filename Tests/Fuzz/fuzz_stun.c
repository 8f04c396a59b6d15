// Any bytes as a STUN message. As no fuzzer guesses a checksum or a digest, the input is also laid into messages that are closed with
// right ones: first as attributes before MESSAGE-INTEGRITY, so that everything behind the checks is reached.
#include "wire/stun.h"

#include "fuzz.h"

enum { MESSAGE_SIZE_MAX = 2048, INTEGRITY_SIZE = 24 };

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

static void read_message(const uint8_t *bytes, size_t size, const struct eg_stun *stun) {
    fuzz_touch(bytes, size, stun->transaction_id, EG_STUN_TRANSACTION_ID_SIZE);
    if (stun->username != NULL) fuzz_touch(bytes, size, stun->username, stun->username_size);
    EG_ASSERT(stun->username != NULL || stun->username_size == 0);
    EG_ASSERT(!stun->ice_controlled || !stun->ice_controlling);
    EG_ASSERT(!stun->has_error || (stun->error_code >= 300 && stun->error_code <= 699));
    EG_ASSERT(!stun->has_integrity || stun->integrity_at + INTEGRITY_SIZE <= size);
    EG_ASSERT(stun->unknown_count <= 8);
    for (size_t i = 0; i < stun->unknown_count; i++) EG_ASSERT(stun->unknown_attributes[i] < 0x8000);
    char text[EG_ADDR_TEXT_SIZE];
    if (stun->has_mapped_address) eg__addr_format(&stun->mapped_address, text);
}

// What is parsed and written again says the same.
static void write_again(const struct eg_stun *stun) {
    uint8_t bytes[MESSAGE_SIZE_MAX + 256];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, stun->type, stun->transaction_id);
    if (stun->has_mapped_address) eg__stun_write_mapped_address(&writer, &stun->mapped_address);
    if (stun->has_error) eg__stun_write_error(&writer, stun->error_code, "reason");
    if (stun->has_priority) eg__stun_write_priority(&writer, stun->priority);
    if (stun->use_candidate) eg__stun_write_use_candidate(&writer);
    if (stun->ice_controlled) eg__stun_write_ice_controlled(&writer, stun->tie_breaker);
    if (stun->ice_controlling) eg__stun_write_ice_controlling(&writer, stun->tie_breaker);
    eg__stun_write_username(&writer, (const char *)stun->username, stun->username_size, "local", 5);
    eg__stun_write_unknown_attributes(&writer, stun->unknown_attributes, stun->unknown_count);
    size_t size = eg__stun_finish(&writer, password, sizeof password - 1);
    struct eg_stun again;
    EG_ASSERT(size > 0);
    EG_ASSERT(eg__stun_parse(&again, bytes, size));
    EG_ASSERT(eg__stun_verify(&again, bytes, size, password, sizeof password - 1));
    EG_ASSERT(again.has_fingerprint);
    EG_ASSERT(again.type == stun->type);
    EG_ASSERT(again.priority == stun->priority);
    EG_ASSERT(again.use_candidate == stun->use_candidate);
    EG_ASSERT(again.ice_controlled == stun->ice_controlled);
    EG_ASSERT(again.ice_controlling == stun->ice_controlling);
    EG_ASSERT(again.tie_breaker == stun->tie_breaker);
    EG_ASSERT(again.error_code == stun->error_code);
    EG_ASSERT(again.has_mapped_address == stun->has_mapped_address);
    EG_ASSERT(!stun->has_mapped_address || eg__addr_equal(&again.mapped_address, &stun->mapped_address));
    EG_ASSERT(again.username_size == stun->username_size + 6);
}

static void read_any(const uint8_t *bytes, size_t size) {
    struct eg_stun stun;
    if (!eg__stun_parse(&stun, bytes, size)) return;
    read_message(bytes, size, &stun);
    eg__stun_verify(&stun, bytes, size, password, sizeof password - 1);
    write_again(&stun);
}

// The input as attributes, closed with a right integrity and fingerprint.
static void read_as_attributes(const uint8_t *bytes, size_t size) {
    static const uint8_t transaction_id[EG_STUN_TRANSACTION_ID_SIZE];
    uint8_t message[MESSAGE_SIZE_MAX + 64];
    struct eg_writer writer = eg__writer(message, sizeof message);
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, transaction_id);
    eg__write_bytes(&writer, bytes, size / 4 * 4);
    size_t message_size = eg__stun_finish(&writer, password, sizeof password - 1);
    struct eg_stun stun;
    EG_ASSERT(message_size > 0);
    if (!eg__stun_parse(&stun, message, message_size)) return;
    read_message(message, message_size, &stun);
    // An integrity among the attributes comes first and is the one that counts.
    bool is_ours = stun.has_integrity && stun.integrity_at == message_size - 32;
    if (is_ours) EG_ASSERT(eg__stun_verify(&stun, message, message_size, password, sizeof password - 1));
    write_again(&stun);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size > MESSAGE_SIZE_MAX) return 0;
    read_any(bytes, size);
    read_as_attributes(bytes, size);
    return 0;
}
