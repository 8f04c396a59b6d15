// The ICE agent of one viewer: lite (RFC 8445 §2.5), one component, controlled. It answers authenticated checks, learns addresses from them
// alone, keeps consent (RFC 7675), and checks an address that appears after the handshake itself before media goes there.
//
//   no path ──authenticated check──▶ selected ──no check for 30 s──▶ expired
//                                       │ ▲
//              another pair is          │ │ it answered a check of ours
//              nominated for the first  ▼ │
//              time                  probing it (media stays on the old path)
//
// A controlling agent may nominate several pairs, and each of them again with every check (aggressive nomination, RFC 5245 §8.1.1.2). Until
// `eg__ice_pin` is called (the DTLS handshake has proven a path) the one of them with the highest PRIORITY is selected at once, of two with the
// same the later. Afterwards a pair takes over, whatever its PRIORITY, when it is nominated for the first time; repetitions change nothing, unless
// - its checks had no USE-CANDIDATE meanwhile, or those on the selected pair have none any more: the client has changed its mind,
// - or nothing has been heard on the selected pair for EG_ICE_SILENCE.
#ifndef EG_ICE_H
#define EG_ICE_H

#include "base/arrival.h"
#include "base/limits.h"
#include "base/random.h"
#include "transport/batch.h"
#include "wire/stun.h"

enum {
    EG_ICE_VALIDATED_MAX = 4, // paths remembered, the latest first: those of a client with Wi-Fi and cellular, IPv4 and IPv6
    EG_ICE_NOMINATED_MAX = 8, // ... and those nominated: each of the former with two addresses of ours
};

struct eg_ice {
    char local_ufrag[EG_ICE_UFRAG_SIZE + 1];
    char local_pwd[EG_ICE_PWD_SIZE + 1];
    char *remote_ufrag;       // one heap block with remote_pwd behind it, both terminated
    char *remote_pwd;
    struct eg_random *random; // somebody else's
    uint64_t tie_breaker;
    bool has_path;
    bool pinned;
    struct eg_path path;      // where media goes
    eg_time consent_until;    // EG_TIME_NEVER before the first check
    bool was_refused;         // a check that named us had not our password, or not the peer's user name
    struct eg_path validated[EG_ICE_VALIDATED_MAX]; // an authenticated check has come along them; the latest first
    uint8_t validated_count;
    struct eg_path nominated[EG_ICE_NOMINATED_MAX]; // by their last check; the first nominated first
    uint8_t nominated_count;
    uint32_t priority;        // that the selected path was nominated with; 0: it has not been
    struct {
        bool active;
        struct eg_path path;
        uint8_t transaction_id[EG_STUN_TRANSACTION_ID_SIZE];
        uint8_t checks_left;
        eg_time next_check;
    } probe;                  // the path that wants to be selected
};

enum eg_ice_event {
    EG_ICE_NOTHING,
    EG_ICE_REJECTED,      // not for us, not authentic, malformed: count it
    EG_ICE_CHECKED,       // an authenticated check that leaves the path as it is
    EG_ICE_PATH_SELECTED, // the first path, or another one than before
    EG_ICE_EXPIRED,       // consent is gone: the viewer is
};

// Makes credentials from `random`, which outlives it, and keeps copies of the peer's. False when memory is refused.
bool eg__ice_init(struct eg_ice *ice, struct eg_random *random, const char *remote_ufrag, const char *remote_pwd);
void eg__ice_deinit(struct eg_ice *ice);

// Takes credentials of ours that the peer knows already, in place of those that eg__ice_init made. Both have their full size.
void eg__ice_use_local(struct eg_ice *ice, const char *ufrag, const char *pwd);

// Takes over new credentials of the peer's and makes new ones of ours, for an ICE restart (RFC 8445 §9). The selected path, and media on
// it, stay until a check with the new ones selects another. False when memory is refused; then nothing has changed.
bool eg__ice_restart(struct eg_ice *ice, const char *remote_ufrag, const char *remote_pwd);

// The local user name fragment in front of the colon in a check's USERNAME, which says which viewer it is for. False when there is none.
bool eg__ice_local_ufrag(const struct eg_stun *stun, const char **ufrag, size_t *size);

// Handles an arrival that `stun` was parsed from, and writes the reply, if one is due, to `batch`: never to one who doesn't know the
// password, never longer than a check with the same attributes plus the mapped address.
enum eg_ice_event eg__ice_receive(struct eg_ice *ice, const struct eg_arrival *arrival, const struct eg_stun *stun, struct eg_batch *batch);

// The first character of a user name fragment of ours says which of `worker_count` workers its viewer belongs to, so that whoever gets a check
// knows where it goes. That leaves at least 43 bits at random; RFC 8445 §5.3 wants 24. One that can't be of ours: worker_count.
uint32_t eg__ice_ufrag_worker(const char *ufrag, size_t size, uint32_t worker_count);
// Makes the engine's own fragment say so, when it was made just now.
void eg__ice_name_worker(struct eg_ice *ice, uint32_t worker, uint32_t worker_count);

// From here on a new address must answer a check of ours before it is selected.
void eg__ice_pin(struct eg_ice *ice);

enum eg_ice_event eg__ice_tick(struct eg_ice *ice, eg_time now, struct eg_batch *batch);
eg_time eg__ice_deadline(const struct eg_ice *ice);

// Whether a datagram that arrived along `path` may be DTLS or SRTP: an authenticated check has come from there.
bool eg__ice_is_validated(const struct eg_ice *ice, const struct eg_path *path);

#endif
