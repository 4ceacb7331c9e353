#pragma once
#include "CFloor.h"

/// Notes a failure; answers -1.
double floor_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Seconds of the monotonic clock.
double floor_now(void);
