#include "table.h"

#include <stdio.h>
#include <sys/mman.h>

enum { ROWS_MAX = 1024, NAME_SIZE = 48, QUANTITY_SIZE = 64, UNIT_SIZE = 24 };

struct row {
    char shape[NAME_SIZE];
    char quantity[QUANTITY_SIZE];
    char unit[UNIT_SIZE];
    double value;
    double reference;
    double ratio;
};

struct table {
    size_t count;
    struct row rows[ROWS_MAX];
};

struct table *table_create(void) {
    struct table *table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED) return NULL;
    printf("%-26s %-44s %10s %-14s %10s %7s\n", "shape", "what", "value", "unit", "reference", "ratio");
    return table;
}

void table_destroy(struct table *table) { munmap(table, sizeof *table); }

// As many digits as mean something.
static int digits(double value) {
    if (value >= 1000) return 0;
    if (value >= 100) return 1;
    return value >= 10 ? 2 : 3;
}

static void print_row(const struct row *row) {
    bool is_count = row->value == (double)(long long)row->value;
    printf("%-26s %-44s %10.*f %-14s ", row->shape, row->quantity, is_count ? 0 : digits(row->value), row->value, row->unit);
    if (row->reference > 0) printf("%10.*f ", digits(row->reference), row->reference);
    else printf("%10s ", "");
    if (row->ratio > 0) printf("%7.2f", row->ratio);
    putchar('\n');
    fflush(stdout);
}

void table_add(struct table *table, const char *shape, const char *quantity, double value, const char *unit, double reference,
               double ratio) {
    if (table->count == ROWS_MAX) return;
    struct row *row = &table->rows[table->count++];
    *row = (struct row){.value = value, .reference = reference, .ratio = ratio};
    snprintf(row->shape, sizeof row->shape, "%s", shape);
    snprintf(row->quantity, sizeof row->quantity, "%s", quantity);
    snprintf(row->unit, sizeof row->unit, "%s", unit);
    print_row(row);
}

// The texts are ours or the kernel's and libraries' names: quotes and backslashes are all there could be to escape.
static void write_text(FILE *file, const char *key, const char *text, const char *end) {
    fprintf(file, "\"%s\": \"", key);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', file);
        fputc(*text, file);
    }
    fprintf(file, "\"%s", end);
}

static void write_machine(FILE *file, const struct machine *machine) {
    fprintf(file, "  \"machine\": {");
    write_text(file, "date", machine->date, ", ");
    write_text(file, "load", machine->load, ", ");
    write_text(file, "kernel", machine->kernel, ", ");
    write_text(file, "cpu", machine->cpu, ", ");
    fprintf(file, "\"cores\": %ld, ", machine->cores);
    write_text(file, "liburing", machine->liburing, ", ");
    write_text(file, "openssl", machine->openssl, ", ");
    write_text(file, "ipsec_mb", machine->ipsec_mb, "},\n");
}

static void write_row(FILE *file, const struct row *row, bool is_last) {
    fprintf(file, "    {");
    write_text(file, "shape", row->shape, ", ");
    write_text(file, "quantity", row->quantity, ", ");
    fprintf(file, "\"value\": %.6g, ", row->value);
    write_text(file, "unit", row->unit, "");
    if (row->reference > 0) fprintf(file, ", \"reference\": %.6g", row->reference);
    if (row->ratio > 0) fprintf(file, ", \"ratio\": %.6g", row->ratio);
    fprintf(file, "}%s\n", is_last ? "" : ",");
}

bool table_write_json(const struct table *table, const struct machine *machine, const char *path) {
    FILE *file = fopen(path, "w");
    if (file == NULL) return false;
    fprintf(file, "{\n");
    write_machine(file, machine);
    fprintf(file, "  \"results\": [\n");
    for (size_t i = 0; i < table->count; i++) write_row(file, &table->rows[i], i + 1 == table->count);
    fprintf(file, "  ]\n}\n");
    bool is_written = ferror(file) == 0;
    return fclose(file) == 0 && is_written;
}
