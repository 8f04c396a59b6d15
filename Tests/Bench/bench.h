// The shapes, by name. Each adds its rows to the table; a figure never fails, what is broken does.
#ifndef BENCH_H
#define BENCH_H

#include "table.h"

// A shape's run, in a process of its own: what one has left in the heap is not what the next one grows into, and one that crashes does not
// take the others along.
struct bench {
    bool is_quick;
    struct table *table;
    unsigned broken; // times that something could not be measured, or packets were lost where none can be
};

// Says so on the error output, and has the program fail at its end.
__attribute__((format(printf, 3, 4))) void bench_break(struct bench *bench, const char *shape, const char *format, ...);

// receive_<streams>, receive_flood
void shape_receive(struct bench *bench, const char *name);
void shape_parse(struct bench *bench, const char *name);
// codecs
void shape_codecs(struct bench *bench, const char *name);
void shape_protect(struct bench *bench, const char *name);
void shape_send(struct bench *bench, const char *name);
// fanout_ or streams_<streams>x<viewers of each>, then any of _video _unsplit _epoll _uring _openssl
void shape_fanout(struct bench *bench, const char *name);
// encodings_<encodings>x<viewers of all of them>
void shape_encodings(struct bench *bench, const char *name);
// ladder_<renditions>x<viewers>
void shape_ladder(struct bench *bench, const char *name);
void shape_joins(struct bench *bench, const char *name);
void shape_idr(struct bench *bench, const char *name);
void shape_late(struct bench *bench, const char *name);
void shape_slow(struct bench *bench, const char *name);

#endif
