// The reference of a join: OpenSSL's DTLS handshake alone, server's side, with the settings that WebRTC needs (a client's certificate is
// demanded, an SRTP profile agreed on, its keys exported), datagrams handed over in memory.
#ifndef BENCH_HANDSHAKE_H
#define BENCH_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

struct handshake;

// NULL when OpenSSL refuses.
struct handshake *handshake_create(void);
void handshake_destroy(struct handshake *handshake);

// One whole handshake. CPU time of the server's calls goes to `*server_ns`. False when it failed.
bool handshake_run(struct handshake *handshake, uint64_t *server_ns);

#endif
