// The results: printed line by line as they come, and written as JSON at the end. In shared memory, so that a process that was forked
// adds to them too.
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "machine.h"

#include <stdbool.h>
#include <stddef.h>

struct table;

// Prints the head of the table. NULL when memory is refused.
struct table *table_create(void);
void table_destroy(struct table *table);

// One figure. `shape` and `quantity` are copied. What it is measured against goes into `reference`, 0 when there is none; `ratio` is the
// median over rounds of value / reference, so it need not be the quotient of the two medians beside it.
void table_add(struct table *table, const char *shape, const char *quantity, double value, const char *unit, double reference,
               double ratio);

// False when the file can't be written.
bool table_write_json(const struct table *table, const struct machine *machine, const char *path);

#endif
