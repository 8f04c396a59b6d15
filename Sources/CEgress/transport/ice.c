#include "transport/ice.h"

#include "base/memory.h"

#include <string.h>

enum {
    MESSAGE_SIZE_MAX = 512, // [B] our check has a USERNAME of up to 265 bytes
    // Of a candidate that a check has revealed: type preference 110, local preference 65535, component 1, RFC 8445 §5.1.2.1.
    PEER_REFLEXIVE_PRIORITY = 110 << 24 | 65535 << 8 | (256 - 1),
    ERROR_UNKNOWN_ATTRIBUTE = 420,
    ERROR_ROLE_CONFLICT = 487,
};

// ice-char, RFC 8839 §5.4. They are 64, so six random bits choose each of them equally often.
static const char ice_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void make_text(struct eg_random *random, char *text, size_t size) {
    _Static_assert(sizeof ice_chars - 1 == 64, "six bits choose a character");
    random->fill(random, (uint8_t *)text, size);
    for (size_t i = 0; i < size; i++) text[i] = ice_chars[(uint8_t)text[i] & 63];
    text[size] = '\0';
}

uint32_t eg__ice_ufrag_worker(const char *ufrag, size_t size, uint32_t worker_count) {
    const char *found = size == EG_ICE_UFRAG_SIZE && ufrag[0] != '\0' ? strchr(ice_chars, ufrag[0]) : NULL;
    return found != NULL ? (uint32_t)(found - ice_chars) % worker_count : worker_count;
}

void eg__ice_name_worker(struct eg_ice *ice, uint32_t worker, uint32_t worker_count) {
    uint32_t value = (uint32_t)(strchr(ice_chars, ice->local_ufrag[0]) - ice_chars);
    value = value - value % worker_count + worker;
    ice->local_ufrag[0] = ice_chars[value < sizeof ice_chars - 1 ? value : value - worker_count];
}

static bool set_credentials(struct eg_ice *ice, const char *remote_ufrag, const char *remote_pwd) {
    size_t ufrag_size = strlen(remote_ufrag) + 1;
    size_t pwd_size = strlen(remote_pwd) + 1;
    char *block = eg__memory_take(1, ufrag_size + pwd_size);
    if (block == NULL) return false;
    memcpy(block, remote_ufrag, ufrag_size);
    memcpy(block + ufrag_size, remote_pwd, pwd_size);
    eg__memory_release(ice->remote_ufrag);
    ice->remote_ufrag = block;
    ice->remote_pwd = block + ufrag_size;
    make_text(ice->random, ice->local_ufrag, EG_ICE_UFRAG_SIZE);
    make_text(ice->random, ice->local_pwd, EG_ICE_PWD_SIZE);
    return true;
}

bool eg__ice_init(struct eg_ice *ice, struct eg_random *random, const char *remote_ufrag, const char *remote_pwd) {
    *ice = (struct eg_ice){.random = random, .tie_breaker = eg__random_u64(random), .consent_until = EG_TIME_NEVER};
    return set_credentials(ice, remote_ufrag, remote_pwd);
}

void eg__ice_use_local(struct eg_ice *ice, const char *ufrag, const char *pwd) {
    memcpy(ice->local_ufrag, ufrag, EG_ICE_UFRAG_SIZE);
    memcpy(ice->local_pwd, pwd, EG_ICE_PWD_SIZE);
}

void eg__ice_deinit(struct eg_ice *ice) {
    eg__memory_release(ice->remote_ufrag);
    *ice = (struct eg_ice){0};
}

bool eg__ice_restart(struct eg_ice *ice, const char *remote_ufrag, const char *remote_pwd) {
    if (!set_credentials(ice, remote_ufrag, remote_pwd)) return false;
    ice->probe.active = false; // its checks bear the old credentials
    ice->nominated_count = 0;
    ice->priority = 0;
    return true;
}

bool eg__ice_local_ufrag(const struct eg_stun *stun, const char **ufrag, size_t *size) {
    if (stun->username == NULL) return false;
    const uint8_t *colon = memchr(stun->username, ':', stun->username_size);
    if (colon == NULL) return false;
    *ufrag = (const char *)stun->username;
    *size = (size_t)(colon - stun->username);
    return true;
}

static bool is_username_ours(const struct eg_ice *ice, const struct eg_stun *stun) {
    const char *local;
    size_t local_size;
    if (!eg__ice_local_ufrag(stun, &local, &local_size)) return false;
    const char *remote = local + local_size + 1;
    size_t remote_size = stun->username_size - local_size - 1;
    return local_size == EG_ICE_UFRAG_SIZE && memcmp(local, ice->local_ufrag, local_size) == 0
           && remote_size == strlen(ice->remote_ufrag) && memcmp(remote, ice->remote_ufrag, remote_size) == 0;
}

static bool is_request_authentic(const struct eg_ice *ice, const struct eg_stun *stun, const struct eg_arrival *arrival) {
    return is_username_ours(ice, stun) && eg__stun_verify(stun, arrival->bytes, arrival->size, ice->local_pwd, EG_ICE_PWD_SIZE);
}

// Room for a message of ours in the batch. When that is full the writer has no room at all, and the message is lost as on a network.
static struct eg_writer begin_message(struct eg_batch *batch, const struct eg_path *path) {
    eg__batch_start(batch, path);
    uint8_t *room = eg__batch_reserve(batch, MESSAGE_SIZE_MAX);
    return eg__writer(room, room != NULL ? MESSAGE_SIZE_MAX : 0);
}

static void end_message(struct eg_batch *batch, struct eg_writer *writer, const char *password) {
    size_t size = eg__stun_finish(writer, password, strlen(password));
    if (size > 0) eg__batch_commit(batch, size);
}

static void write_success(const struct eg_ice *ice, const struct eg_stun *request, const struct eg_path *path,
                          struct eg_batch *batch) {
    struct eg_writer writer = begin_message(batch, path);
    eg__stun_begin(&writer, EG_STUN_BINDING_SUCCESS, request->transaction_id);
    eg__stun_write_mapped_address(&writer, &path->remote);
    end_message(batch, &writer, ice->local_pwd);
}

static void write_unknown_attributes(const struct eg_ice *ice, const struct eg_stun *request, const struct eg_path *path,
                                     struct eg_batch *batch) {
    struct eg_writer writer = begin_message(batch, path);
    eg__stun_begin(&writer, EG_STUN_BINDING_ERROR, request->transaction_id);
    eg__stun_write_error(&writer, ERROR_UNKNOWN_ATTRIBUTE, "");
    eg__stun_write_unknown_attributes(&writer, request->unknown_attributes, request->unknown_count);
    end_message(batch, &writer, ice->local_pwd);
}

static void write_role_conflict(const struct eg_ice *ice, const struct eg_stun *request, const struct eg_path *path,
                                struct eg_batch *batch) {
    struct eg_writer writer = begin_message(batch, path);
    eg__stun_begin(&writer, EG_STUN_BINDING_ERROR, request->transaction_id);
    eg__stun_write_error(&writer, ERROR_ROLE_CONFLICT, "");
    end_message(batch, &writer, ice->local_pwd);
}

// The same message every time: a repetition of one transaction, RFC 8489 §6.2.1, which any of its responses ends.
static void write_check(const struct eg_ice *ice, struct eg_batch *batch) {
    struct eg_writer writer = begin_message(batch, &ice->probe.path);
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, ice->probe.transaction_id);
    eg__stun_write_username(&writer, ice->remote_ufrag, strlen(ice->remote_ufrag), ice->local_ufrag, EG_ICE_UFRAG_SIZE);
    eg__stun_write_priority(&writer, PEER_REFLEXIVE_PRIORITY);
    eg__stun_write_ice_controlled(&writer, ice->tie_breaker);
    end_message(batch, &writer, ice->remote_pwd);
}

static void send_check(struct eg_ice *ice, eg_time now, struct eg_batch *batch) {
    write_check(ice, batch);
    ice->probe.checks_left--;
    ice->probe.next_check = eg__time_after(now, EG_ICE_CHECK_INTERVAL);
}

// The path that was nominated last is the one that counts. Checks keep their pace however often a path is nominated, and however many are:
// a viewer that writes others' addresses on its own checks must not make us send more than it does.
static void probe(struct eg_ice *ice, eg_time now, const struct eg_path *path, struct eg_batch *batch) {
    if (ice->probe.active && eg__path_equal(&ice->probe.path, path)) return;
    ice->probe.active = true;
    ice->probe.path = *path;
    ice->probe.checks_left = EG_ICE_CHECKS_MAX;
    ice->random->fill(ice->random, ice->probe.transaction_id, sizeof ice->probe.transaction_id);
    if (now >= ice->probe.next_check) send_check(ice, now, batch);
}

static enum eg_ice_event select_path(struct eg_ice *ice, eg_time now, const struct eg_path *path) {
    ice->has_path = true;
    ice->path = *path;
    ice->consent_until = eg__time_after(now, EG_ICE_CONSENT_TIMEOUT);
    ice->probe.active = false;
    return EG_ICE_PATH_SELECTED;
}

// Puts the path in front of the others; the one that was checked longest ago makes room.
static void remember(struct eg_ice *ice, const struct eg_path *path) {
    uint8_t at = 0;
    while (at < ice->validated_count && !eg__path_equal(&ice->validated[at], path)) at++;
    if (at == EG_ICE_VALIDATED_MAX) at--;
    if (at == ice->validated_count) ice->validated_count++;
    memmove(&ice->validated[1], &ice->validated[0], at * sizeof ice->validated[0]);
    ice->validated[0] = *path;
}

static uint8_t find_nominated(const struct eg_ice *ice, const struct eg_path *path) {
    uint8_t at = 0;
    while (at < ice->nominated_count && !eg__path_equal(&ice->nominated[at], path)) at++;
    return at;
}

static void forget_nomination(struct eg_ice *ice, const struct eg_path *path) {
    uint8_t at = find_nominated(ice, path);
    if (at == ice->nominated_count) return;
    ice->nominated_count--;
    memmove(&ice->nominated[at], &ice->nominated[at + 1], (size_t)(ice->nominated_count - at) * sizeof ice->nominated[0]);
}

// False when it was known. Of too many the first makes room, but not the selected one.
static bool note_nomination(struct eg_ice *ice, const struct eg_path *path) {
    if (find_nominated(ice, path) < ice->nominated_count) return false;
    if (ice->nominated_count == EG_ICE_NOMINATED_MAX) forget_nomination(ice, &ice->nominated[eg__path_equal(&ice->nominated[0], &ice->path) ? 1 : 0]);
    ice->nominated[ice->nominated_count++] = *path;
    return true;
}

static bool is_silent(const struct eg_ice *ice, eg_time now) { return now + EG_ICE_CONSENT_TIMEOUT > ice->consent_until + EG_ICE_SILENCE; }

// Whether a pair that is nominated takes over again from the selected one.
static bool is_given_up(const struct eg_ice *ice, eg_time now) {
    return is_silent(ice, now) || find_nominated(ice, &ice->path) == ice->nominated_count;
}

// On the selected path.
static void keep_path(struct eg_ice *ice, eg_time now, const struct eg_stun *check) {
    ice->consent_until = eg__time_after(now, EG_ICE_CONSENT_TIMEOUT);
    if (!check->use_candidate) ice->priority = 0;
    else if (check->priority > ice->priority) ice->priority = check->priority;
}

// RFC 8445 §7.3.1. The selected path is kept alive by checks on it alone, so a client whose old address is dead does not keep media going
// there by checks from another one.
static enum eg_ice_event use_check(struct eg_ice *ice, const struct eg_arrival *arrival, const struct eg_stun *check, struct eg_batch *batch) {
    const struct eg_path *path = &arrival->path;
    remember(ice, path);
    bool is_first = check->use_candidate && note_nomination(ice, path);
    if (!check->use_candidate) forget_nomination(ice, path);
    if (ice->has_path && eg__path_equal(path, &ice->path)) {
        keep_path(ice, arrival->at, check);
        return EG_ICE_CHECKED;
    }
    if (ice->has_path && !is_first && !(check->use_candidate && is_given_up(ice, arrival->at))) return EG_ICE_CHECKED;
    if (ice->has_path && ice->pinned) {
        probe(ice, arrival->at, path, batch);
        return EG_ICE_CHECKED;
    }
    if (ice->has_path && check->priority < ice->priority && !is_silent(ice, arrival->at)) return EG_ICE_CHECKED;
    ice->priority = check->use_candidate ? check->priority : 0;
    return select_path(ice, arrival->at, path);
}

// A sender that does not know the password gets no answer at all, so that nobody is sent anything unasked (RFC 8489 §9.1.3 would have an
// error). A lite agent is controlled, whatever the tie breakers say: the peer that thinks so of itself is told to change its role.
static enum eg_ice_event receive_request(struct eg_ice *ice, const struct eg_arrival *arrival, const struct eg_stun *stun,
                                         struct eg_batch *batch) {
    if (!is_request_authentic(ice, stun, arrival)) {
        ice->was_refused = true;
        return EG_ICE_REJECTED;
    }
    if (stun->unknown_count > 0) {
        write_unknown_attributes(ice, stun, &arrival->path, batch);
        return EG_ICE_REJECTED;
    }
    if (stun->ice_controlled) {
        write_role_conflict(ice, stun, &arrival->path, batch);
        return EG_ICE_REJECTED;
    }
    write_success(ice, stun, &arrival->path, batch);
    return use_check(ice, arrival, stun, batch);
}

// It may be nominated again.
static void give_up_probe(struct eg_ice *ice) {
    ice->probe.active = false;
    forget_nomination(ice, &ice->probe.path);
}

// RFC 8445 §7.2.5.2.1: the answer has to come along the path that was asked.
static bool is_answer(const struct eg_ice *ice, const struct eg_arrival *arrival, const struct eg_stun *stun) {
    return ice->probe.active && memcmp(stun->transaction_id, ice->probe.transaction_id, EG_STUN_TRANSACTION_ID_SIZE) == 0
           && eg__path_equal(&arrival->path, &ice->probe.path)
           && eg__stun_verify(stun, arrival->bytes, arrival->size, ice->remote_pwd, strlen(ice->remote_pwd)) && stun->unknown_count == 0;
}

enum eg_ice_event eg__ice_receive(struct eg_ice *ice, const struct eg_arrival *arrival, const struct eg_stun *stun, struct eg_batch *batch) {
    switch (stun->type) {
    case EG_STUN_BINDING_REQUEST: return receive_request(ice, arrival, stun, batch);
    case EG_STUN_BINDING_INDICATION: return EG_ICE_NOTHING;
    case EG_STUN_BINDING_SUCCESS:
        if (!is_answer(ice, arrival, stun)) return EG_ICE_REJECTED;
        return select_path(ice, arrival->at, &arrival->path);
    case EG_STUN_BINDING_ERROR:
        if (!is_answer(ice, arrival, stun)) return EG_ICE_REJECTED;
        give_up_probe(ice);
        return EG_ICE_NOTHING;
    default: return EG_ICE_REJECTED;
    }
}

void eg__ice_pin(struct eg_ice *ice) { ice->pinned = true; }

enum eg_ice_event eg__ice_tick(struct eg_ice *ice, eg_time now, struct eg_batch *batch) {
    if (ice->has_path && now >= ice->consent_until) return EG_ICE_EXPIRED;
    if (!ice->probe.active || now < ice->probe.next_check) return EG_ICE_NOTHING;
    if (ice->probe.checks_left > 0) {
        send_check(ice, now, batch);
    } else {
        give_up_probe(ice);
    }
    return EG_ICE_NOTHING;
}

eg_time eg__ice_deadline(const struct eg_ice *ice) {
    if (!ice->has_path) return EG_TIME_NEVER;
    return ice->probe.active ? eg__time_min(ice->consent_until, ice->probe.next_check) : ice->consent_until;
}

bool eg__ice_is_validated(const struct eg_ice *ice, const struct eg_path *path) {
    if (ice->has_path && eg__path_equal(&ice->path, path)) return true;
    for (uint8_t i = 0; i < ice->validated_count; i++) {
        if (eg__path_equal(&ice->validated[i], path)) return true;
    }
    return false;
}
