#include "io/sender.h"

#include "base/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

enum {
    ENTRIES_MAX = EG_BATCH_MESSAGES_MAX, // messages of one call
    REFUSALS_MAX = 256,                  // remote addresses that GSO is not tried for any more
    CONTROL_SIZE = CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t)),
};

// What one message of a call points to.
struct entry {
    const struct eg_addr *remote; // the batch's
    struct sockaddr_storage name;
    struct iovec view;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE];
    uint16_t segment_size;  // [B]
    uint16_t segment_count;
};

struct eg_sender {
    int fd;
    bool is_ipv6;
    bool has_gso;
    bool has_refusals;                      // whether there are any
    struct eg_addr refusals[REFUSALS_MAX];  // by their hash; a later address may replace an earlier one
    uint32_t staged;
    struct eg_sent result;
    struct mmsghdr messages[ENTRIES_MAX];
    struct entry entries[ENTRIES_MAX];
};

struct eg_sender *eg__sender_create(const struct eg_udp_socket *udp, bool has_gso) {
    struct eg_sender *sender = eg__memory_take(1, sizeof *sender);
    if (sender == NULL) return NULL;
    sender->fd = udp->fd;
    sender->is_ipv6 = udp->is_ipv6;
    sender->has_gso = has_gso;
    for (uint32_t i = 0; i < ENTRIES_MAX; i++) {
        struct entry *entry = &sender->entries[i];
        sender->messages[i].msg_hdr = (struct msghdr){.msg_name = &entry->name, .msg_iov = &entry->view, .msg_iovlen = 1};
    }
    return sender;
}

void eg__sender_destroy(struct eg_sender *sender) { eg__memory_release(sender); }

static struct eg_addr *refusal_of(struct eg_sender *sender, const struct eg_addr *remote) {
    return &sender->refusals[eg__addr_hash(0, remote) % REFUSALS_MAX];
}

bool eg__sender_may_use_gso(struct eg_sender *sender, const struct eg_addr *remote) {
    return sender->has_gso && !(sender->has_refusals && eg__addr_equal(refusal_of(sender, remote), remote));
}

static size_t put_control(uint8_t *at, int level, int type, const void *data, size_t size) {
    struct cmsghdr *control = (struct cmsghdr *)(void *)at;
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(control), data, size);
    return CMSG_SPACE(size);
}

// The address to send from. An AF_INET6 socket takes a mapped address in IPV6_PKTINFO for a mapped destination, so one form serves both
// families there.
static size_t put_source(const struct eg_sender *sender, const struct eg_addr *local, uint8_t *at) {
    static const uint8_t unknown[16];
    if (memcmp(local->ip, unknown, sizeof unknown) == 0) return 0;
    if (sender->is_ipv6) {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, local->ip, sizeof local->ip);
        return put_control(at, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, local->ip + 12, sizeof info.ipi_spec_dst);
    return put_control(at, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

// Sends the segments of a message one by one, because the kernel refused the whole. This is rare, so one call for each is good enough.
static void send_segments(struct eg_sender *sender, uint32_t index) {
    const struct entry *entry = &sender->entries[index];
    struct iovec view = {.iov_base = entry->view.iov_base};
    struct msghdr header = sender->messages[index].msg_hdr;
    header.msg_iov = &view;
    // The last control message is the segment size, which a single segment does not need.
    header.msg_controllen -= CMSG_SPACE(sizeof(uint16_t));
    if (header.msg_controllen == 0) header.msg_control = NULL;
    size_t left = entry->view.iov_len;
    for (uint16_t i = 0; i < entry->segment_count; i++) {
        view.iov_len = left < entry->segment_size ? left : entry->segment_size;
        ssize_t sent = sendmsg(sender->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
        bool is_full = sent < 0 && (errno == EAGAIN || errno == ENOBUFS);
        sender->result.calls++;
        sender->result.messages += sent >= 0;
        sender->result.buffer_full += is_full;
        sender->result.failed += sent < 0 && !is_full;
        view.iov_base = (uint8_t *)view.iov_base + view.iov_len;
        left -= view.iov_len;
    }
}

// Handles the message that stopped sendmmsg. True when it should be tried once more.
static bool resolve(struct eg_sender *sender, uint32_t index, int cause, bool is_second_try) {
    uint16_t segment_count = sender->entries[index].segment_count;
    if (cause == EINTR) return true;
    if (cause == EAGAIN || cause == ENOBUFS) {
        sender->result.buffer_full += segment_count;
        return false;
    }
    if (segment_count > 1 && (cause == EIO || cause == EMSGSIZE || cause == EINVAL)) {
        // EIO: the device on the way can't do GSO, or the route leads through IPsec. EMSGSIZE: the path takes no segment of this size. The next
        // message on this path would fail too. EINVAL concerns only this message.
        if (cause != EINVAL) {
            *refusal_of(sender, sender->entries[index].remote) = *sender->entries[index].remote;
            sender->has_refusals = true;
        }
        send_segments(sender, index);
        return false;
    }
    // The error may be that of an earlier datagram (ICMP): the kernel reports it once, in place of a send.
    if (!is_second_try) return true;
    sender->result.failed += segment_count;
    return false;
}

static void flush(struct eg_sender *sender) {
    uint32_t at = 0;
    bool is_second_try = false;
    while (at < sender->staged) {
        int sent = sendmmsg(sender->fd, sender->messages + at, sender->staged - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        sender->result.calls++;
        if (sent > 0) {
            sender->result.messages += (uint32_t)sent;
            at += (uint32_t)sent;
            is_second_try = false;
            continue;
        }
        is_second_try = resolve(sender, at, errno, is_second_try);
        at += !is_second_try;
    }
    sender->staged = 0;
}

static void stage(struct eg_sender *sender, const struct eg_path *path, uint8_t *bytes, size_t size, uint16_t segment_size,
                  uint16_t segment_count) {
    if (sender->staged == ENTRIES_MAX) flush(sender);
    struct entry *entry = &sender->entries[sender->staged];
    struct msghdr *header = &sender->messages[sender->staged++].msg_hdr;
    entry->remote = &path->remote;
    header->msg_namelen = eg__addr_to_sockaddr(&path->remote, sender->is_ipv6, &entry->name);
    entry->view = (struct iovec){.iov_base = bytes, .iov_len = size};
    entry->segment_size = segment_size;
    entry->segment_count = segment_count;
    size_t control_size = put_source(sender, &path->local, entry->control);
    if (segment_count > 1) {
        control_size += put_control(entry->control + control_size, IPPROTO_UDP, UDP_SEGMENT, &segment_size, sizeof segment_size);
    }
    header->msg_control = control_size > 0 ? entry->control : NULL;
    header->msg_controllen = control_size;
}

static void stage_segments(struct eg_sender *sender, const struct eg_message *message, uint8_t *bytes) {
    for (uint32_t at = 0; at < message->size; at += message->segment_size) {
        uint32_t left = message->size - at;
        uint16_t size = left < message->segment_size ? (uint16_t)left : message->segment_size;
        stage(sender, &message->path, bytes + at, size, size, 1);
    }
}

struct eg_sent eg__sender_send(struct eg_sender *sender, const struct eg_batch *batch) {
    sender->result = (struct eg_sent){0};
    for (uint32_t i = 0; i < batch->message_count; i++) {
        const struct eg_message *message = &batch->messages[i];
        uint8_t *bytes = batch->arena + message->at;
        if (message->segment_count > 1 && !eg__sender_may_use_gso(sender, &message->path.remote)) {
            stage_segments(sender, message, bytes);
        } else {
            stage(sender, &message->path, bytes, message->size, message->segment_size, message->segment_count);
        }
    }
    flush(sender);
    return sender->result;
}
