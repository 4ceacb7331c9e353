#pragma once
#include <stddef.h>
#include <stdint.h>

// What the machine gives to plain C: the floors that the benchmarks hold our components against.
//
// Every function answers seconds, or a negative number after a failure; then `floor_error` says what it was.
// One thread at a time, except where a function says otherwise.

/// What the last failure of this thread was; never NULL.
const char *floor_error(void);

// MARK: the broker, through librabbitmq

typedef struct floor_bus floor_bus;

/// Connects, opens a channel and turns confirms on. NULL after a failure.
floor_bus *floor_bus_open(const char *host, int port, const char *user, const char *password);
void floor_bus_close(floor_bus *bus);

/// Empties a queue.
double floor_bus_purge(floor_bus *bus, const char *queue);

/// Publishes `count` persistent messages of `size` bytes to `queue`, with at most `window` of them not confirmed.
double floor_bus_publish(floor_bus *bus, const char *queue, const void *body, size_t size, long count, long window);

/// Consumes `count` messages from `queue` with a prefetch of `window`. Acknowledges all that is at hand with one
/// `multiple`, at the latest when half of the window is due.
double floor_bus_consume(floor_bus *bus, const char *queue, long count, long window);

/// Publishes and consumes at once, on two connections and two threads. The time until the last is acknowledged.
double floor_bus_relay(floor_bus *publisher, floor_bus *consumer, const char *queue, const void *body, size_t size,
                       long count, long window);

// MARK: the log, through sqlite3

/// Appends `count` rows to the table `event` of the log at `path`, `batch` in each transaction: as many streams, ids and
/// bytes as the log writes, but with noise in the place of its hashes. Full synchronisation, checkpoints as the log does.
double floor_log_append(const char *path, const void *data, size_t size, long count, long batch, long streams);

/// Reads every column of every event in the order of positions. Gives the number of rows in `rows`.
double floor_log_scan(const char *path, long *rows);

/// The median of the times of `count` fdatasync calls, each after an append of 4 KiB to a new file at `path`.
double floor_sync_median(const char *path, int count);

const char *floor_sqlite_version(void);
const char *floor_rabbitmq_version(void);
