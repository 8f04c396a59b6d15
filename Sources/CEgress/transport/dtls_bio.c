#include "transport/dtls_bio.h"

#include <openssl/bio.h>

static int bio_read(BIO *bio, char *bytes, int size_max) {
    struct eg_dtls_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t size = io != NULL && size_max > 0 ? io->read(io, (uint8_t *)bytes, (size_t)size_max) : 0;
    if (size > 0) return (int)size;
    BIO_set_retry_read(bio);
    return -1;
}

static int bio_write(BIO *bio, const char *bytes, int size) {
    struct eg_dtls_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (io != NULL && size > 0) io->write(io, (const uint8_t *)bytes, (size_t)size);
    return size;
}

// OpenSSL asks for the MTU and its overhead, sets timeouts and flushes. The MTU is set on the SSL object and the timers are ours, so only
// the flush, which has nothing to do, is granted.
static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int bio_init(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

// The type has no number of its own: BIO_get_new_index gives out 127 in the life of a process, and an engine may be made more often.
struct bio_method_st *eg__dtls_bio_method_create(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "egress datagrams");
    if (method == NULL) return NULL;
    if (BIO_meth_set_create(method, bio_init) && BIO_meth_set_read(method, bio_read) && BIO_meth_set_write(method, bio_write)
        && BIO_meth_set_ctrl(method, bio_ctrl)) {
        return method;
    }
    BIO_meth_free(method);
    return NULL;
}

void eg__dtls_bio_method_destroy(struct bio_method_st *method) { BIO_meth_free(method); }

struct bio_st *eg__dtls_bio_create(const struct bio_method_st *method) { return BIO_new(method); }

void eg__dtls_bio_lend(struct bio_st *bio, struct eg_dtls_io *io) { BIO_set_data(bio, io); }
