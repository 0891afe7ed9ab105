/* Memory of libevent and jansson, whose buffers hold what people write: wiped when it is given
 * back, so that no image of the process keeps it. */
#ifndef SERVER_WIPING_H
#define SERVER_WIPING_H

/* Once, before any thread is started and anything else of libevent is used. */
void wiping_start(void);

#endif
