#include "machine.h"

#if defined(EGRESS_IPSEC_MB)
#define LINUX // the header aligns its types only then
#include <intel-ipsec-mb.h>
#endif
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 512 };

// Copies what follows `mark` in the first line of `path` that has it, up to the end of the line.
static void find_in_file(const char *path, const char *mark, char *out, size_t size) {
    snprintf(out, size, "unknown");
    FILE *file = fopen(path, "r");
    if (file == NULL) return;
    char line[LINE_SIZE];
    while (fgets(line, sizeof line, file) != NULL) {
        const char *found = strstr(line, mark);
        if (found == NULL) continue;
        snprintf(out, size, "%.*s", (int)strcspn(found + strlen(mark), "\n"), found + strlen(mark));
        break;
    }
    fclose(file);
}

// The file that is mapped, since this liburing has no function that tells its version.
static void describe_liburing(struct machine *machine) {
    char name[sizeof machine->liburing - sizeof "liburing.so."];
    find_in_file("/proc/self/maps", "liburing.so.", name, sizeof name);
    snprintf(machine->liburing, sizeof machine->liburing, "%s", name);
}

static void describe_ipsec_mb(struct machine *machine) {
#if defined(EGRESS_IPSEC_MB)
    snprintf(machine->ipsec_mb, sizeof machine->ipsec_mb, "%s", imb_get_version_str());
#else
    snprintf(machine->ipsec_mb, sizeof machine->ipsec_mb, "none");
#endif
}

void machine_describe(struct machine *machine) {
    *machine = (struct machine){.cores = sysconf(_SC_NPROCESSORS_ONLN)};
    time_t now = time(NULL);
    struct tm utc;
    strftime(machine->date, sizeof machine->date, "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
    struct utsname kernel;
    if (uname(&kernel) == 0) snprintf(machine->kernel, sizeof machine->kernel, "%.40s %.20s", kernel.release, kernel.machine);
    find_in_file("/proc/cpuinfo", "model name\t: ", machine->cpu, sizeof machine->cpu);
    find_in_file("/proc/loadavg", "", machine->load, sizeof machine->load);
    snprintf(machine->openssl, sizeof machine->openssl, "%s", OpenSSL_version(OPENSSL_VERSION));
    describe_liburing(machine);
    describe_ipsec_mb(machine);
}

void machine_print(const struct machine *machine) {
    printf("date %s, kernel %s\n", machine->date, machine->kernel);
    printf("cpu %s, %ld cores, load %s\n", machine->cpu, machine->cores, machine->load);
    printf("liburing %s, %s, ipsec-mb %s\n\n", machine->liburing, machine->openssl, machine->ipsec_mb);
}
