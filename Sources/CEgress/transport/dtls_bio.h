// A BIO that keeps datagram boundaries, which BIO_s_mem does not, over two functions of its user's. Nothing is queued in it: a read takes
// what is there now, a write is handed on at once.
#ifndef EG_DTLS_BIO_H
#define EG_DTLS_BIO_H

#include "base/base.h"

struct bio_st;
struct bio_method_st;

// Embedded as the first member of whatever the two functions need (they get their own struct back).
struct eg_dtls_io {
    // One datagram, or one record of one, into at most `size_max` bytes; 0 when there is none now.
    size_t (*read)(struct eg_dtls_io *io, uint8_t *bytes, size_t size_max);
    // Takes one datagram. It may be lost, as datagrams may.
    void (*write)(struct eg_dtls_io *io, const uint8_t *bytes, size_t size);
};

// The method is its user's own, so that two engines in one process share nothing. It outlives the BIOs made of it. NULL when refused.
struct bio_method_st *eg__dtls_bio_method_create(void);
void eg__dtls_bio_method_destroy(struct bio_method_st *method);

// A BIO without an io: it reads nothing and writes into the void. NULL when refused. The SSL object that it is given to owns it.
struct bio_st *eg__dtls_bio_create(const struct bio_method_st *method);

// Lends `io` for the calls into OpenSSL that follow, until NULL is lent instead.
void eg__dtls_bio_lend(struct bio_st *bio, struct eg_dtls_io *io);

#endif
