/* Memory of libevent, whose buffers hold what people write: wiped when it is given back, so that no
 * image of the process keeps it. */
#ifndef SERVER_WIPING_H
#define SERVER_WIPING_H

/* Once, before anything else of libevent is used. */
void wiping_start(void);

#endif
