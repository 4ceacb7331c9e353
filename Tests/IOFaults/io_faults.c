// Makes writes and syncs of some files fail with EIO, in every process that loads it before the C library (LD_PRELOAD).
//
// IO_FAULT=call:end:n: from the nth on, `call` (pwrite, fsync, fdatasync or ftruncate) fails on files whose path ends
// in `end`. A disk that fails once goes on failing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char failing_call[32];
static char end[256];
static int nth;
static atomic_int passed;

__attribute__((constructor)) static void begin(void) {
    const char *fault = getenv("IO_FAULT");
    if (fault && sscanf(fault, "%31[^:]:%255[^:]:%d", failing_call, end, &nth) != 3) abort();
}

static int fails(const char *call, int file) {
    if (!nth || strcmp(call, failing_call) != 0) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    size_t suffix = strlen(end);
    if ((size_t)length < suffix || strcmp(path + length - suffix, end) != 0) return 0;
    return atomic_fetch_add(&passed, 1) + 1 >= nth;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL_IF(call, file) \
    if (fails(call, file)) { errno = EIO; return -1; }

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    FAIL_IF("pwrite", file)
    return REAL(pwrite)(file, bytes, count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    FAIL_IF("pwrite", file)
    return REAL(pwrite64)(file, bytes, count, offset);
}

int fsync(int file) {
    FAIL_IF("fsync", file)
    return REAL(fsync)(file);
}

int fdatasync(int file) {
    FAIL_IF("fdatasync", file)
    return REAL(fdatasync)(file);
}

int ftruncate(int file, off_t size) {
    FAIL_IF("ftruncate", file)
    return REAL(ftruncate)(file, size);
}

int ftruncate64(int file, off64_t size) {
    FAIL_IF("ftruncate", file)
    return REAL(ftruncate64)(file, size);
}
