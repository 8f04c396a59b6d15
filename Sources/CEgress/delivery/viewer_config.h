// What a caller says of a viewer, checked. Problems are sentences that begin with the field's name, NULL when there is none; they are static.
#ifndef EG_VIEWER_CONFIG_H
#define EG_VIEWER_CONFIG_H

#include "cegress.h"
#include "transport/dtls.h"

// The peer's credentials, RFC 8839 §5.4.
const char *eg__ice_credentials_problem(const char *ufrag, const char *pwd);

const char *eg__viewer_config_problem(const struct eg_viewer_config *config, const struct eg_stream_config *stream);

// "sha-256 AB:CD:…", RFC 8122 §5. False when it is none.
bool eg__fingerprint_parse(const char *text, struct eg_fingerprint *fingerprint);

#endif
