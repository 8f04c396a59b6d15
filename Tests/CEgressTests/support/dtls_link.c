#include "support/dtls_link.h"

#include <stdlib.h>
#include <string.h>

const struct eg_dtls_client_config eg_dtls_link_browser = {.profiles = EG_DTLS_CLIENT_PROFILES};

void eg_dtls_link_push(struct eg_dtls_datagram *queue, size_t *count, const uint8_t *bytes, size_t size) {
    if (*count == EG_DTLS_LINK_QUEUE_MAX || size > EG_DATAGRAM_SIZE_MAX) return;
    queue[*count].size = size;
    memcpy(queue[(*count)++].bytes, bytes, size);
}

static void take_from_client(struct eg_dtls_client_output *output, const uint8_t *bytes, size_t size) {
    struct eg_dtls_link *link = (struct eg_dtls_link *)output;
    eg_dtls_link_push(link->to_server, &link->to_server_count, bytes, size);
}

void eg_dtls_link_take_from_batch(struct eg_dtls_link *link) {
    for (uint32_t i = 0; i < link->batch.message_count; i++) {
        const struct eg_message *message = &link->batch.messages[i];
        for (uint32_t at = 0; at < message->size; at += message->segment_size) {
            uint32_t left = message->size - at;
            size_t size = left < message->segment_size ? left : message->segment_size;
            eg_dtls_link_push(link->to_client, &link->to_client_count, link->batch.arena + message->at + at, size);
        }
    }
    eg__batch_clear(&link->batch);
}

struct eg_dtls_link *eg_dtls_link_create(const struct eg_dtls_client_config *config) {
    char error[256] = "";
    struct eg_dtls_link *link = calloc(1, sizeof *link);
    link->output.datagram = take_from_client;
    link->now = 1000 * EG_SECOND;
    link->context = eg__dtls_context_create(error, sizeof error);
    link->client = eg_dtls_client_create(config, &link->output);
    struct eg_fingerprint fingerprint;
    eg_dtls_client_fingerprint(&fingerprint);
    EG_ASSERT(link->context != NULL && link->client != NULL);
    EG_ASSERT(eg__batch_init(&link->batch));
    eg__dtls_init(&link->server, link->context, &fingerprint, link->now);
    // As after checks enough for every flight: the tests of what little a stranger is sent take it away again.
    eg__dtls_allow(&link->server, &link->path, EG_DTLS_HANDSHAKE_SIZE_MAX);
    return link;
}

void eg_dtls_link_destroy(struct eg_dtls_link *link) {
    eg_dtls_client_destroy(link->client);
    eg__dtls_deinit(&link->server);
    eg__dtls_context_destroy(link->context);
    eg__batch_deinit(&link->batch);
    free(link);
}

void eg_dtls_link_replace_client(struct eg_dtls_link *link, const struct eg_dtls_client_config *config) {
    eg_dtls_client_destroy(link->client);
    link->client = eg_dtls_client_create(config, &link->output);
    EG_ASSERT(link->client != NULL);
}

void eg_dtls_link_give_server(struct eg_dtls_link *link, const uint8_t *bytes, size_t size) {
    // A copy of just that size, so that a read past its end is found.
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, bytes, size);
    struct eg_arrival arrival = {.path = link->path, .bytes = copy, .size = size, .at = link->now};
    eg__dtls_receive(&link->server, &arrival, &link->batch);
    free(copy);
    eg_dtls_link_take_from_batch(link);
}

void eg_dtls_link_deliver_to_server(struct eg_dtls_link *link) {
    size_t count = link->to_server_count;
    link->to_server_count = 0;
    for (size_t i = 0; i < count; i++) eg_dtls_link_give_server(link, link->to_server[i].bytes, link->to_server[i].size);
}

void eg_dtls_link_deliver_to_client(struct eg_dtls_link *link) {
    size_t count = link->to_client_count;
    link->to_client_count = 0;
    for (size_t i = 0; i < count; i++) eg_dtls_client_receive(link->client, link->now, link->to_client[i].bytes, link->to_client[i].size);
}

bool eg_dtls_link_is_up(const struct eg_dtls_link *link) {
    return link->server.state == EG_DTLS_CONNECTED && link->client->state == EG_DTLS_CONNECTED;
}

void eg_dtls_link_tick(struct eg_dtls_link *link) {
    if (link->now >= eg_dtls_client_deadline(link->client)) eg_dtls_client_tick(link->client, link->now);
    eg__dtls_tick(&link->server, link->now, &link->path, &link->batch);
    eg_dtls_link_take_from_batch(link);
}

// Everything arrives at once.
bool eg_dtls_link_shake_hands(struct eg_dtls_link *link) {
    eg_dtls_client_start(link->client, link->now);
    for (int i = 0; i < 8 && !eg_dtls_link_is_up(link); i++) {
        eg_dtls_link_deliver_to_server(link);
        eg_dtls_link_deliver_to_client(link);
    }
    return eg_dtls_link_is_up(link);
}

// Up to where the client has all it needs for its last flight, which is on its way.
void eg_dtls_link_reach_last_flight(struct eg_dtls_link *link) {
    eg_dtls_client_start(link->client, link->now);
    eg_dtls_link_deliver_to_server(link);
    eg_dtls_link_deliver_to_client(link);
}

bool eg_dtls_link_keys_match(struct eg_dtls_link *link) {
    struct eg_srtp_keys server, client;
    memset(&server, 0, sizeof server);
    memset(&client, 0, sizeof client);
    if (!eg_dtls_link_is_up(link)) return false;
    if (!eg__dtls_export(&link->server, &server) || !eg_dtls_client_export(link->client, &client)) return false;
    bool is_same = server.profile == client.profile && memcmp(&server.local, &client.remote, sizeof server.local) == 0
                   && memcmp(&server.remote, &client.local, sizeof server.remote) == 0;
    return is_same && memcmp(&server.local, &server.remote, sizeof server.local) != 0;
}
