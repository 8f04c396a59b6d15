// Sends batches on one socket: sendmmsg, a message with several segments as one UDP GSO send, each from the local address of its path.
//
// It does not use io_uring, which was measured to be no faster here. sendmmsg has finished with the bytes when it returns, so one arena is enough.
//
// One thread. The socket must not block; it stays the caller's.
#ifndef EG_SENDER_H
#define EG_SENDER_H

#include "io/udp.h"
#include "transport/batch.h"

struct eg_sender;

// NULL when memory is refused. `has_gso`: eg__udp_has_gso said so.
struct eg_sender *eg__sender_create(const struct eg_udp_socket *udp, bool has_gso);
void eg__sender_destroy(struct eg_sender *sender);

// Sends every message of the batch. Never blocks, keeps nothing: the caller clears the batch.
struct eg_sent eg__sender_send(struct eg_sender *sender, const struct eg_batch *batch);

// Whether messages of many segments are sent to an address as one: not without GSO, nor where the device or the path has refused such a message
// (EIO, EMSGSIZE).
bool eg__sender_may_use_gso(struct eg_sender *sender, const struct eg_addr *remote);

#endif
