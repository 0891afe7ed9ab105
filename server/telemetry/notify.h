/*
 * What the service manager wants to hear: systemd's notification protocol, one datagram a state.
 * Without a manager (no NOTIFY_SOCKET) nothing is sent. Never blocks for long, never fails aloud:
 * a manager that hears nothing acts by itself.
 */
#ifndef SERVER_TELEMETRY_NOTIFY_H
#define SERVER_TELEMETRY_NOTIFY_H

#include <stdbool.h>

/* "READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1", as in sd_notify(3). */
void notify_send(const char *state);

/* Whether there is a manager that listens. */
bool notify_heard(void);

/* Asks the manager to keep a descriptor under this name until the next start (FDSTORE=1 of
 * sd_pid_notify_with_fds(3)), and to hand it over then; or to forget what it keeps under it. One
 * that keeps nothing (FileDescriptorStoreMax=0) ignores both. */
void notify_keep(const char *name, int fd);
void notify_forget(const char *name);

/* Within how many milliseconds the manager wants to hear WATCHDOG=1 again; 0: it does not watch. */
unsigned notify_watchdog_ms(void);

#endif
