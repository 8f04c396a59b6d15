#include "transport/batch.h"

#include "base/memory.h"

#include <string.h>

bool eg__batch_init(struct eg_batch *batch) {
    *batch = (struct eg_batch){.arena = eg__memory_take(1, EG_BATCH_SIZE)};
    return batch->arena != NULL;
}

void eg__batch_deinit(struct eg_batch *batch) {
    eg__memory_release(batch->arena);
    batch->arena = NULL;
}

void eg__batch_clear(struct eg_batch *batch) {
    batch->used = 0;
    batch->reserved = 0;
    batch->message_count = 0;
    batch->open = false;
}

bool eg__batch_has_reserve(const struct eg_batch *batch) {
    return batch->message_count <= EG_BATCH_MESSAGES_MAX - EG_BATCH_RESERVE_MESSAGES
           && batch->used <= EG_BATCH_SIZE - EG_BATCH_RESERVE_SIZE;
}

void eg__batch_start(struct eg_batch *batch, const struct eg_path *path) {
    batch->path = *path;
    batch->open = false;
}

// The size that the datagram will have is not known yet, so it is not known either whether it can join the last message: a message of its
// own must be free for it in any case.
uint8_t *eg__batch_reserve(struct eg_batch *batch, size_t size_max) {
    if (batch->message_count == EG_BATCH_MESSAGES_MAX || size_max > EG_BATCH_SIZE - batch->used) return NULL;
    batch->reserved = (uint32_t)size_max;
    return batch->arena + batch->used;
}

static bool joins(const struct eg_batch *batch, size_t size) {
    if (!batch->open) return false;
    const struct eg_message *last = &batch->messages[batch->message_count - 1];
    return size <= last->segment_size && last->segment_count < EG_GSO_SEGMENTS_MAX && last->size + size <= EG_GSO_SIZE_MAX;
}

void eg__batch_commit(struct eg_batch *batch, size_t size) {
    EG_ASSERT(size > 0);
    EG_ASSERT(size <= batch->reserved);
    EG_ASSERT(size <= EG_GSO_SIZE_MAX);
    if (joins(batch, size)) {
        struct eg_message *last = &batch->messages[batch->message_count - 1];
        last->size += (uint32_t)size;
        last->segment_count++;
        batch->open = size == last->segment_size; // the kernel takes a shorter segment only as the last one
    } else {
        EG_ASSERT(batch->message_count < EG_BATCH_MESSAGES_MAX);
        batch->messages[batch->message_count++] = (struct eg_message){
            .path = batch->path, .at = batch->used, .size = (uint32_t)size, .segment_size = (uint16_t)size, .segment_count = 1};
        batch->open = true;
    }
    batch->used += (uint32_t)size;
    batch->reserved = 0;
}

bool eg__batch_append(struct eg_batch *batch, const struct eg_path *path, const uint8_t *bytes, size_t size) {
    eg__batch_start(batch, path);
    uint8_t *room = eg__batch_reserve(batch, size);
    if (room == NULL) return false;
    memcpy(room, bytes, size);
    eg__batch_commit(batch, size);
    return true;
}
