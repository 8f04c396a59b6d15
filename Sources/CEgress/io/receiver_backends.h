// The back ends that there are.
#ifndef EG_RECEIVER_BACKENDS_H
#define EG_RECEIVER_BACKENDS_H

struct eg_receiver;

// NULL when it can't be had; *cause is the errno then.
struct eg_receiver *eg__receiver_create_uring(int *cause);
struct eg_receiver *eg__receiver_create_epoll(int *cause);

#endif
