// STUN messages as ICE uses them: RFC 8489 §5, §14 and RFC 8445 §16. A view of a received message, its integrity, and a writer.
#ifndef EG_STUN_H
#define EG_STUN_H

#include "base/addr.h"
#include "base/base.h"
#include "base/bytes.h"

enum { EG_STUN_HEADER_SIZE = 20, EG_STUN_TRANSACTION_ID_SIZE = 12 };

enum eg_stun_type {
    EG_STUN_BINDING_REQUEST = 0x0001,
    EG_STUN_BINDING_INDICATION = 0x0011,
    EG_STUN_BINDING_SUCCESS = 0x0101,
    EG_STUN_BINDING_ERROR = 0x0111,
};

// A parsed message; the pointers borrow from the datagram. What is absent is NULL or false.
struct eg_stun {
    uint16_t type;                  // enum eg_stun_type, or another value
    const uint8_t *transaction_id;  // EG_STUN_TRANSACTION_ID_SIZE
    const uint8_t *username;
    size_t username_size;           // [B]
    bool has_priority;
    uint32_t priority;
    bool use_candidate;
    bool ice_controlling;
    bool ice_controlled;
    uint64_t tie_breaker;
    bool has_mapped_address;        // XOR-MAPPED-ADDRESS
    struct eg_addr mapped_address;
    bool has_error;
    uint16_t error_code;            // 300..699
    bool has_integrity;
    size_t integrity_at;            // [B] offset of the MESSAGE-INTEGRITY attribute
    bool has_fingerprint;
    uint16_t unknown_attributes[8]; // comprehension-required ones that the engine does not know, RFC 8489 §6.3.1
    size_t unknown_count;           // at most 8 are kept
};

// Reads a message: header, magic cookie, length of the message and of every attribute, and the FINGERPRINT when there is one (it must be
// last and right). Attributes between MESSAGE-INTEGRITY and FINGERPRINT are ignored, as RFC 8489 §14.5 has it; repeated ones count once.
// False when it is not a STUN message.
bool eg__stun_parse(struct eg_stun *stun, const uint8_t *bytes, size_t size);

// Whether MESSAGE-INTEGRITY (HMAC-SHA1 keyed with the ICE password, RFC 8489 §9.1) is there and right. `bytes` is what was parsed.
bool eg__stun_verify(const struct eg_stun *stun, const uint8_t *bytes, size_t size, const char *password, size_t password_size);

// Writes one message: begin, attributes, finish. The writer's buffer is the caller's.
void eg__stun_begin(struct eg_writer *writer, uint16_t type, const uint8_t transaction_id[EG_STUN_TRANSACTION_ID_SIZE]);
void eg__stun_write_username(struct eg_writer *writer, const char *remote, size_t remote_size, const char *local,
                             size_t local_size); // "remote:local"
void eg__stun_write_mapped_address(struct eg_writer *writer, const struct eg_addr *addr); // XOR-MAPPED-ADDRESS, IPv4 when the address is mapped
void eg__stun_write_error(struct eg_writer *writer, uint16_t code, const char *reason);
void eg__stun_write_unknown_attributes(struct eg_writer *writer, const uint16_t *attributes, size_t count);
void eg__stun_write_priority(struct eg_writer *writer, uint32_t priority);
void eg__stun_write_use_candidate(struct eg_writer *writer);
void eg__stun_write_ice_controlling(struct eg_writer *writer, uint64_t tie_breaker);
void eg__stun_write_ice_controlled(struct eg_writer *writer, uint64_t tie_breaker);
// Adds MESSAGE-INTEGRITY (unless `password` is NULL) and FINGERPRINT. Returns the size of the message, 0 when it did not fit.
size_t eg__stun_finish(struct eg_writer *writer, const char *password, size_t password_size);

#endif
