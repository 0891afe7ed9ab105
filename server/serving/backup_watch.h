/* When the last backup was made, for /metrics: one worker of each instance asks the database for
 * it, on its loop, at the start and then every ten seconds. */
#ifndef SERVER_SERVING_BACKUP_WATCH_H
#define SERVER_SERVING_BACKUP_WATCH_H

struct backup_watch;
struct event_base;
struct record_link;

/* records is borrowed; detach it first, so that a question under way ends, and free the watch then.
 * Returns NULL when there is no memory. */
struct backup_watch *backup_watch_create(struct event_base *base, struct record_link *records);
void backup_watch_free(struct backup_watch *watch);

#endif
