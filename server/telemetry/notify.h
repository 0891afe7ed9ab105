/*
 * What the service manager wants to hear: systemd's notification protocol, one datagram a state.
 * Without a manager (no NOTIFY_SOCKET) nothing is sent. Never blocks for long, never fails aloud:
 * a manager that hears nothing acts by itself.
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

/* "READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1", as in sd_notify(3). */
void notify_send(const char *state);

/* Within how many milliseconds the manager wants to hear WATCHDOG=1 again; 0: it does not watch. */
unsigned notify_watchdog_ms(void);

#endif
