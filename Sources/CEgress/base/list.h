// A doubly linked list through its members: no memory of its own, constant time, and a member knows whether it is in a list.
#ifndef EG_LIST_H
#define EG_LIST_H

#include "base/base.h"

struct eg_list {
    struct eg_list *next; // of a head: the first member, or itself
    struct eg_list *prev; // NULL: a member that is in no list
};

// The struct that a member is embedded in.
#define EG_LIST_OWNER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline void eg__list_init(struct eg_list *head) { head->next = head->prev = head; }

static inline bool eg__list_is_empty(const struct eg_list *head) { return head->next == head; }

static inline bool eg__list_contains(const struct eg_list *node) { return node->prev != NULL; }

// Appends a member that is in no list.
static inline void eg__list_append(struct eg_list *head, struct eg_list *node) {
    EG_ASSERT(!eg__list_contains(node));
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

// Takes a member out. Has no effect when it is in no list.
static inline void eg__list_remove(struct eg_list *node) {
    if (!eg__list_contains(node)) return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

#endif
