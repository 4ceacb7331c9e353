#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Thread_local char failure[512] = "";

const char *floor_error(void) { return failure; }

double floor_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure, sizeof failure, format, arguments);
    va_end(arguments);
    return -1;
}

double floor_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int ascending(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

double floor_sync_median(const char *path, int count) {
    char block[4096];
    memset(block, 7, sizeof block);
    double *times = malloc(sizeof(double) * (size_t)count);
    if (!times) return floor_fail("no memory");
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        free(times);
        return floor_fail("%s: %s", path, strerror(errno));
    }
    double median = 0;
    for (int index = 0; index < count; index++) {
        double start = floor_now();
        if (write(file, block, sizeof block) != sizeof block || fdatasync(file) != 0) {
            median = floor_fail("%s: %s", path, strerror(errno));
            break;
        }
        times[index] = floor_now() - start;
    }
    if (median == 0) {
        qsort(times, (size_t)count, sizeof(double), ascending);
        median = times[count / 2];
    }
    close(file);
    unlink(path);
    free(times);
    return median;
}
