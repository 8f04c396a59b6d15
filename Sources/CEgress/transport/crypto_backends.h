// The implementations behind crypto.h. Each constructor gives NULL when its library or the CPU refuses.
#ifndef EG_CRYPTO_BACKENDS_H
#define EG_CRYPTO_BACKENDS_H

#include "transport/crypto.h"

struct eg_crypto *eg__crypto_openssl_create(void);

#if defined(EGRESS_IPSEC_MB)
struct eg_crypto *eg__crypto_ipsec_mb_create(void);
#endif

#endif
