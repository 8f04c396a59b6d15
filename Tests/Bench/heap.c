#include "heap.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_IS_TAKEN
#endif
#endif

static _Atomic uint64_t live_openssl;

uint64_t heap_live_openssl(void) { return atomic_load(&live_openssl); }

#if defined(HEAP_IS_TAKEN)

bool heap_watch(void) { return false; }
struct heap_calls heap_calls(pid_t thread) { return (void)thread, (struct heap_calls){0}; }
uint64_t heap_live(void) { return 0; }

#else

// glibc's own, under the names it has for the purpose.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

enum { THREADS_MAX = 4096 }; // that ever allocate in one process: of more the later ones are not counted

struct heap_thread {
    _Atomic pid_t number;
    _Atomic uint64_t calls;
    _Atomic uint64_t calls_openssl;
};

static struct heap_thread threads[THREADS_MAX];
static _Atomic uint32_t thread_count;
static _Thread_local struct heap_thread *mine;
static _Atomic uint64_t live;

static void add_one(_Atomic uint64_t *count) {
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
}

static void count_call(void) {
    if (mine == NULL) {
        uint32_t at = atomic_fetch_add(&thread_count, 1);
        if (at >= THREADS_MAX) return;
        mine = &threads[at];
        atomic_store(&mine->number, gettid());
    }
    add_one(&mine->calls);
}

static void *taken(void *memory) {
    count_call();
    if (memory != NULL) atomic_fetch_add_explicit(&live, malloc_usable_size(memory), memory_order_relaxed);
    return memory;
}

static void give_back(size_t size) { atomic_fetch_sub_explicit(&live, size, memory_order_relaxed); }

void *malloc(size_t size) { return taken(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return taken(__libc_calloc(count, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }

void *memalign(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *block = taken(__libc_memalign(alignment, size));
    if (block == NULL) return ENOMEM;
    *memory = block;
    return 0;
}

void *realloc(void *memory, size_t size) {
    size_t before = memory != NULL ? malloc_usable_size(memory) : 0;
    void *moved = __libc_realloc(memory, size);
    bool is_old_gone = moved != NULL || size == 0;
    if (is_old_gone) give_back(before);
    return taken(moved);
}

void free(void *memory) {
    if (memory != NULL) give_back(malloc_usable_size(memory));
    __libc_free(memory);
}

static void *take_for_openssl(size_t size, const char *file, int line) {
    (void)file, (void)line;
    void *memory = size > 0 ? malloc(size) : NULL;
    if (memory == NULL) return NULL;
    if (mine != NULL) add_one(&mine->calls_openssl);
    atomic_fetch_add(&live_openssl, malloc_usable_size(memory));
    return memory;
}

static void free_of_openssl(void *memory, const char *file, int line) {
    (void)file, (void)line;
    if (memory != NULL) atomic_fetch_sub(&live_openssl, malloc_usable_size(memory));
    free(memory);
}

static void *grow_for_openssl(void *memory, size_t size, const char *file, int line) {
    if (size == 0) {
        free_of_openssl(memory, file, line);
        return NULL;
    }
    size_t before = memory != NULL ? malloc_usable_size(memory) : 0;
    void *moved = realloc(memory, size);
    if (moved == NULL) return NULL;
    if (mine != NULL) add_one(&mine->calls_openssl);
    atomic_fetch_add(&live_openssl, malloc_usable_size(moved) - before);
    return moved;
}

bool heap_watch(void) { return CRYPTO_set_mem_functions(take_for_openssl, grow_for_openssl, free_of_openssl) == 1; }

// Thread numbers come again, so the newest counts.
struct heap_calls heap_calls(pid_t thread) {
    uint32_t count = atomic_load(&thread_count);
    for (uint32_t i = count < THREADS_MAX ? count : THREADS_MAX; i-- > 0;) {
        const struct heap_thread *found = &threads[i];
        if (atomic_load(&found->number) != thread) continue;
        return (struct heap_calls){atomic_load(&found->calls), atomic_load(&found->calls_openssl)};
    }
    return (struct heap_calls){0};
}

uint64_t heap_live(void) { return atomic_load(&live); }

#endif
