// What the figures were measured on. They mean nothing without it.
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

struct machine {
    char date[32];     // UTC
    char kernel[64];
    char cpu[80];
    char liburing[48]; // the shared object that is loaded
    char openssl[64];
    char ipsec_mb[64]; // "none" when not built in
    char load[48];     // what else the machine did in the last minutes
    long cores;
};

void machine_describe(struct machine *machine);
void machine_print(const struct machine *machine);

#endif
