// Counts the fsync and fdatasync calls of every process that loads it before the C library (LD_PRELOAD).
//
// Each process keeps its count, a 64-bit number, in the file $SYNC_COUNT_DIR/<process id>, where it can be read while the
// process runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic uint64_t own;
static _Atomic uint64_t *count = &own;
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void begin(void) {
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    const char *directory = getenv("SYNC_COUNT_DIR");
    if (!directory) return;
    char path[4096];
    snprintf(path, sizeof path, "%s/%d", directory, (int)getpid());
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return;
    void *shared = MAP_FAILED;
    if (ftruncate(file, sizeof own) == 0) {
        shared = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    if (shared != MAP_FAILED) count = shared;
    close(file);
}

int fsync(int file) {
    atomic_fetch_add(count, 1);
    return real_fsync(file);
}

int fdatasync(int file) {
    atomic_fetch_add(count, 1);
    return real_fdatasync(file);
}
