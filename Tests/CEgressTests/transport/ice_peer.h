// A viewer's ICE agent and the client on the other side of it, whose checks are made to measure.
#ifndef EG_ICE_PEER_H
#define EG_ICE_PEER_H

#include "support/check.h"

#include "transport/ice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char remote_ufrag[] = "DcqG";
static const char remote_pwd[] = "7yRnwTwVN00fANvOKt/PMYan";

// A random source whose n-th byte is n, from where it was set.
struct counting_random {
    struct eg_random random;
    uint8_t next;
};

static inline void count(struct eg_random *random, uint8_t *bytes, size_t size) {
    struct counting_random *self = (struct counting_random *)random;
    for (size_t i = 0; i < size; i++) bytes[i] = self->next++;
}

struct peer {
    struct counting_random random;
    struct eg_ice ice;
    struct eg_batch batch;
    eg_time now;
    uint8_t transaction; // of its next check
};

static inline struct eg_path path_from(uint8_t host) {
    return (struct eg_path){.local = eg__addr_ipv4(192, 0, 2, 1, 8189), .remote = eg__addr_ipv4(198, 51, 100, host, 5000)};
}

static inline struct peer *peer_create(void) {
    struct peer *peer = calloc(1, sizeof *peer);
    peer->random = (struct counting_random){{count}, 0};
    peer->now = 1000 * EG_SECOND;
    EG_ASSERT(eg__batch_init(&peer->batch));
    EG_ASSERT(eg__ice_init(&peer->ice, &peer->random.random, remote_ufrag, remote_pwd));
    return peer;
}

static inline void peer_destroy(struct peer *peer) {
    eg__ice_deinit(&peer->ice);
    eg__batch_deinit(&peer->batch);
    free(peer);
}

// What a check is made of. The zero value is a check that is right and nominates nothing.
struct form {
    const char *username; // NULL: the right one
    const char *password; // NULL: the right one
    bool has_no_username;
    bool has_no_integrity;
    bool is_nominated;
    bool is_controlled;
    uint32_t priority;          // 0: that of a host candidate
    uint16_t unknown_attribute; // 0: none
    uint16_t type;              // 0: a request
};

static inline size_t write_form(struct peer *peer, const struct form *form, uint8_t bytes[1024]) {
    struct eg_writer writer = eg__writer(bytes, 1024);
    const uint8_t transaction_id[EG_STUN_TRANSACTION_ID_SIZE] = {peer->transaction++, 'c', 'h', 'e', 'c', 'k'};
    const struct eg_ice *ice = &peer->ice;
    eg__stun_begin(&writer, form->type != 0 ? form->type : EG_STUN_BINDING_REQUEST, transaction_id);
    if (form->username != NULL) {
        size_t size = strlen(form->username);
        eg__write_u16(&writer, 0x0006);
        eg__write_u16(&writer, (uint16_t)size);
        eg__write_bytes(&writer, form->username, size);
        eg__write_bytes(&writer, "\0\0\0", (4 - size % 4) % 4);
    } else if (!form->has_no_username) {
        eg__stun_write_username(&writer, ice->local_ufrag, strlen(ice->local_ufrag), ice->remote_ufrag, strlen(ice->remote_ufrag));
    }
    eg__stun_write_priority(&writer, form->priority != 0 ? form->priority : 1853824767);
    if (form->is_controlled) {
        eg__stun_write_ice_controlled(&writer, 0); // the smallest tie breaker there is
    } else {
        eg__stun_write_ice_controlling(&writer, UINT64_MAX);
    }
    if (form->is_nominated) eg__stun_write_use_candidate(&writer);
    if (form->unknown_attribute != 0) {
        eg__write_u16(&writer, form->unknown_attribute);
        eg__write_u16(&writer, 0);
    }
    const char *password = form->password != NULL ? form->password : ice->local_pwd;
    return eg__stun_finish(&writer, form->has_no_integrity ? NULL : password, strlen(password));
}

static inline enum eg_ice_event give(struct peer *peer, uint8_t host, const uint8_t *bytes, size_t size) {
    struct eg_stun stun;
    EG_ASSERT(eg__stun_parse(&stun, bytes, size));
    eg__batch_clear(&peer->batch);
    struct eg_arrival arrival = {.path = path_from(host), .bytes = bytes, .size = size, .at = peer->now};
    return eg__ice_receive(&peer->ice, &arrival, &stun, &peer->batch);
}

static inline enum eg_ice_event receive(struct peer *peer, uint8_t host, const struct form *form) {
    uint8_t bytes[1024];
    return give(peer, host, bytes, write_form(peer, form, bytes));
}

static inline enum eg_ice_event receive_check(struct peer *peer, uint8_t host) { return receive(peer, host, &(struct form){0}); }

static inline enum eg_ice_event receive_nomination(struct peer *peer, uint8_t host) {
    return receive(peer, host, &(struct form){.is_nominated = true});
}

// The n-th message that was written. False when there are fewer.
static inline bool written(const struct peer *peer, uint32_t n, struct eg_stun *stun, const uint8_t **bytes, size_t *size) {
    if (n >= peer->batch.message_count) return false;
    const struct eg_message *message = &peer->batch.messages[n];
    *bytes = peer->batch.arena + message->at;
    *size = message->size;
    return message->segment_count == 1 && eg__stun_parse(stun, *bytes, *size);
}

static inline bool is_selected(const struct peer *peer, uint8_t host) {
    struct eg_path path = path_from(host);
    return peer->ice.has_path && eg__path_equal(&peer->ice.path, &path);
}

static inline bool is_validated(const struct peer *peer, uint8_t host) {
    struct eg_path path = path_from(host);
    return eg__ice_is_validated(&peer->ice, &path);
}

static inline struct peer *peer_with_a_pinned_path(uint8_t host) {
    struct peer *peer = peer_create();
    EG_ASSERT(receive_nomination(peer, host) == EG_ICE_PATH_SELECTED);
    eg__ice_pin(&peer->ice);
    return peer;
}

// An answer to the check that is under way.
static inline enum eg_ice_event answer(struct peer *peer, uint8_t host, uint16_t type, const char *password, uint8_t transaction_change) {
    uint8_t bytes[256], transaction_id[EG_STUN_TRANSACTION_ID_SIZE];
    memcpy(transaction_id, peer->ice.probe.transaction_id, sizeof transaction_id);
    transaction_id[11] ^= transaction_change;
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, type, transaction_id);
    if (type == EG_STUN_BINDING_ERROR) eg__stun_write_error(&writer, 400, "Bad Request");
    struct eg_addr mapped = eg__addr_ipv4(192, 0, 2, 1, 8189);
    if (type == EG_STUN_BINDING_SUCCESS) eg__stun_write_mapped_address(&writer, &mapped);
    return give(peer, host, bytes, eg__stun_finish(&writer, password, password != NULL ? strlen(password) : 0));
}

#endif
