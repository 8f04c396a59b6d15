#include "io/mailbox.h"

void eg__mailbox_init(struct eg_mailbox *mailbox) {
    *mailbox = (struct eg_mailbox){.lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
}

void eg__mailbox_deinit(struct eg_mailbox *mailbox) {
    EG_ASSERT(mailbox->count == 0);
    pthread_cond_destroy(&mailbox->done);
    pthread_cond_destroy(&mailbox->room);
    pthread_mutex_destroy(&mailbox->lock);
}

bool eg__mailbox_post(struct eg_mailbox *mailbox, struct eg_command *command) {
    command->is_done = false;
    pthread_mutex_lock(&mailbox->lock);
    while (mailbox->count == EG_MAILBOX_SIZE && !mailbox->is_closed) pthread_cond_wait(&mailbox->room, &mailbox->lock);
    bool is_first = false;
    if (mailbox->is_closed) {
        command->status = EG_STATUS_NOT_FOUND;
        command->is_done = true;
    } else {
        is_first = mailbox->count == 0;
        mailbox->commands[(mailbox->head + mailbox->count++) % EG_MAILBOX_SIZE] = command;
    }
    pthread_mutex_unlock(&mailbox->lock);
    return is_first;
}

eg_status eg__mailbox_wait(struct eg_mailbox *mailbox, struct eg_command *command) {
    pthread_mutex_lock(&mailbox->lock);
    while (!command->is_done) pthread_cond_wait(&mailbox->done, &mailbox->lock);
    pthread_mutex_unlock(&mailbox->lock);
    return command->status;
}

void eg__mailbox_close(struct eg_mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->lock);
    mailbox->is_closed = true;
    pthread_cond_broadcast(&mailbox->room);
    pthread_mutex_unlock(&mailbox->lock);
}

struct eg_command *eg__mailbox_take(struct eg_mailbox *mailbox, bool *is_closed) {
    struct eg_command *first = NULL, **link = &first;
    pthread_mutex_lock(&mailbox->lock);
    bool was_full = mailbox->count == EG_MAILBOX_SIZE;
    for (; mailbox->count > 0; mailbox->count--) {
        *link = mailbox->commands[mailbox->head];
        link = &(*link)->next;
        mailbox->head = (mailbox->head + 1) % EG_MAILBOX_SIZE;
    }
    *link = NULL;
    *is_closed = mailbox->is_closed;
    if (was_full) pthread_cond_broadcast(&mailbox->room);
    pthread_mutex_unlock(&mailbox->lock);
    return first;
}

void eg__mailbox_complete(struct eg_mailbox *mailbox, struct eg_command *commands) {
    if (commands == NULL) return;
    pthread_mutex_lock(&mailbox->lock);
    // A caller may be gone, and its command with it, as soon as the lock is free.
    for (struct eg_command *command = commands; command != NULL; command = command->next) command->is_done = true;
    pthread_cond_broadcast(&mailbox->done);
    pthread_mutex_unlock(&mailbox->lock);
}
