/* What the process uses of the machine, for the metrics. */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

/* Once, at the start: when that was. */
void process_started(void);
/* Sets the gauges of memory, processor time and files. Reads /proc, which never waits for a disk.
 */
void process_measure(void);

#endif
