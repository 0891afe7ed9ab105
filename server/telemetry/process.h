/* What the process uses of the machine, for the metrics. */
#ifndef SERVER_TELEMETRY_PROCESS_H
#define SERVER_TELEMETRY_PROCESS_H

#include "store/base/utc_text.h"

#define PROCESS_START_MAX (UTC_TEXT_MAX + 5)

/* Notes when the process started. Once, before there are other threads. */
void process_started(void);
/* The same as text, 2026-11-29T11:42:28.160Z. */
void process_start_text(char text[PROCESS_START_MAX]);
/* Sets the gauges of memory, processor time and files. Reads /proc, which never waits for a
 * disk. */
void process_measure(void);

#endif
