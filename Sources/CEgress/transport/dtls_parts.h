// What the files of the DTLS server share with each other and with nobody else.
#ifndef EG_DTLS_PARTS_H
#define EG_DTLS_PARTS_H

#include "transport/dtls.h"

struct ssl_ctx_st;
struct bio_method_st;

struct eg_dtls_context {
    struct ssl_ctx_st *ssl_ctx;
    struct bio_method_st *bio_method;
    struct eg_dtls_limits limits;
    char fingerprint[EG_FINGERPRINT_TEXT_SIZE];
};

// A fresh SSL object of the server's that waits for a ClientHello, with a datagram BIO both ways. The certificate of the peer is
// compared to `dtls->expected`; what was wrong with it is put into `dtls->failure`. NULL when memory is refused.
struct ssl_st *eg__dtls_context_accept(struct eg_dtls_context *context, struct eg_dtls *dtls);

#endif
