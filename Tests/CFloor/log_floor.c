#include "floor.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *floor_sqlite_version(void) { return sqlite3_libversion(); }

static double sqlite_fail(sqlite3 *db, const char *what) {
    return floor_fail("%s: %s", what, db ? sqlite3_errmsg(db) : "no memory");
}

/// Runs statements of which nothing is read.
static int execute(sqlite3 *db, const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK) return 1;
    sqlite_fail(db, sql);
    return 0;
}

// MARK: appending

struct noise {
    uint64_t state;
};

static uint64_t next(struct noise *noise) {
    noise->state += 0x9E3779B97F4A7C15;
    uint64_t mixed = noise->state;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

static void fill(struct noise *noise, unsigned char *bytes, int count) {
    for (int index = 0; index < count; index += 8) {
        uint64_t word = next(noise);
        memcpy(bytes + index, &word, 8);
    }
}

/// An id that rises with `number`, as the ids of the log do: the index of ids grows at its end.
static void make_id(struct noise *noise, uint64_t number, unsigned char id[16]) {
    uint64_t high = __builtin_bswap64(0x0190000000007000 + number);
    uint64_t low = next(noise);
    memcpy(id, &high, 8);
    memcpy(id + 8, &low, 8);
}

struct row {
    long position;
    long streams;
    const void *data;
    size_t size;
};

static int insert(sqlite3 *db, sqlite3_stmt *statement, struct noise *noise, struct row row) {
    long index = row.position - 1;
    char stream[64];
    int length = snprintf(stream, sizeof stream, "sample-01900000-0000-7000-8000-%012lx", index % row.streams);
    unsigned char event[16], correlation[16], causation[16], salt[16], hash[32], chain[32];
    make_id(noise, (uint64_t)row.position * 3, event);
    make_id(noise, (uint64_t)row.position * 3 + 1, correlation);
    make_id(noise, (uint64_t)row.position * 3 + 2, causation);
    fill(noise, salt, sizeof salt);
    fill(noise, hash, sizeof hash);
    fill(noise, chain, sizeof chain);
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    sqlite3_bind_int64(statement, 1, row.position);
    sqlite3_bind_text(statement, 2, stream, length, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, index / row.streams + 1);
    sqlite3_bind_text(statement, 4, "sample_noted", 12, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, 1);
    sqlite3_bind_blob(statement, 6, event, sizeof event, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 7, correlation, sizeof correlation, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 8, causation, sizeof causation, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 9, (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000);
    sqlite3_bind_text(statement, 10, "system", 6, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 11, row.data, (int)row.size, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 12, salt, sizeof salt, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 13, hash, sizeof hash, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 14, chain, sizeof chain, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (code == SQLITE_DONE) return 1;
    sqlite_fail(db, "insert");
    return 0;
}

static double append(sqlite3 *db, sqlite3_stmt *statement, struct row row, long count, long batch) {
    struct noise noise = {.state = 42};
    double start = floor_now();
    for (long done = 0; done < count;) {
        if (!execute(db, "BEGIN IMMEDIATE")) return -1;
        for (long in_batch = 0; in_batch < batch && done < count; in_batch++, done++) {
            row.position = done + 1;
            if (!insert(db, statement, &noise, row)) return -1;
        }
        if (!execute(db, "COMMIT")) return -1;
    }
    return floor_now() - start;
}

double floor_log_append(const char *path, const void *data, size_t size, long count, long batch, long streams) {
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    double seconds = -1;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        seconds = sqlite_fail(db, path);
    } else if (execute(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;"
                           "PRAGMA cache_size = -65536; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
                           "PRAGMA secure_delete = ON")) {
        const char *sql = "INSERT INTO event(position, stream, version, type, schema, event_id, correlation_id,"
                          " causation_id, recorded_at, actor, data, salt, data_hash, chain)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) == SQLITE_OK) {
            struct row row = {.streams = streams, .data = data, .size = size};
            seconds = append(db, statement, row, count, batch);
        } else {
            seconds = sqlite_fail(db, "prepare");
        }
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return seconds;
}

// MARK: reading

double floor_log_scan(const char *path, long *rows) {
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    const char *sql = "SELECT position, stream, version, type, schema, event_id, correlation_id, causation_id,"
                      " recorded_at, actor, data, salt, data_hash, chain FROM event ORDER BY position";
    *rows = 0;
    double start = floor_now();
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        sqlite_fail(db, path);
        sqlite3_close(db);
        return -1;
    }
    volatile uint64_t touched = 0;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        uint64_t sum = 0;
        for (int column = 0; column < 14; column++) {
            const unsigned char *bytes = NULL;
            int size = 0;
            if (column == 0 || column == 2 || column == 4 || column == 8) {
                sum += (uint64_t)sqlite3_column_int64(statement, column);
            } else if ((bytes = sqlite3_column_blob(statement, column)) &&
                       (size = sqlite3_column_bytes(statement, column)) > 0) {
                sum += bytes[0] + bytes[size - 1];
            }
        }
        touched += sum;
        (*rows)++;
    }
    double seconds = code == SQLITE_DONE ? floor_now() - start : sqlite_fail(db, "scan");
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return seconds;
}
