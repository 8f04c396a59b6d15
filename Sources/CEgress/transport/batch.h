// Datagrams on their way out, laid out for the send calls: one arena, and messages over it. Datagrams that follow each other on one path
// and have one size become one message of many segments (UDP GSO); only the last segment may be shorter, and then closes it.
//
// The caller owns it, hands it to receive, tick and transmit, sends what is in it, and clears it. One thread.
#ifndef EG_BATCH_H
#define EG_BATCH_H

#include "base/addr.h"
#include "base/limits.h"

struct eg_message {
    struct eg_path path;
    uint32_t at;            // [B] into the arena
    uint32_t size;          // [B] of all segments
    uint16_t segment_size;  // [B] of each but the last
    uint16_t segment_count;
};

struct eg_batch {
    uint8_t *arena;         // EG_BATCH_SIZE bytes
    uint32_t used;          // [B]
    uint32_t reserved;      // [B] the room given out last, 0 once it is committed
    uint32_t message_count;
    bool open;              // the last message may take another segment
    struct eg_message messages[EG_BATCH_MESSAGES_MAX];
    struct eg_path path;    // of what is written next
};

// The result for a batch. Datagrams are counted as they go over the wire: a message of 9 segments counts as 9.
struct eg_sent {
    uint32_t messages;    // that the kernel accepted
    uint32_t calls;       // system calls
    uint32_t buffer_full; // datagrams that found the send buffer full. They are lost, as on a network
    uint32_t failed;      // datagrams refused for another reason
};

// Allocates the arena. False when memory is refused.
bool eg__batch_init(struct eg_batch *batch);
void eg__batch_deinit(struct eg_batch *batch);
void eg__batch_clear(struct eg_batch *batch);

// Whether there is room for the longest reply to one datagram. The caller of receive and tick sends and clears the batch when not.
bool eg__batch_has_reserve(const struct eg_batch *batch);

// What is written from here on goes along `path`, in messages of its own.
void eg__batch_start(struct eg_batch *batch, const struct eg_path *path);

// Room for a datagram of up to `size_max` bytes, or NULL when the batch is full: send it, clear it, and start again.
uint8_t *eg__batch_reserve(struct eg_batch *batch, size_t size_max);

// The datagram written into the room that was reserved last has `size` bytes. Not reserving again without committing is fine.
void eg__batch_commit(struct eg_batch *batch, size_t size);

// A whole datagram by copy: start, reserve, commit. False when the batch is full.
bool eg__batch_append(struct eg_batch *batch, const struct eg_path *path, const uint8_t *bytes, size_t size);

#endif
