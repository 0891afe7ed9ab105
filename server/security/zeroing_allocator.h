/* Memory of libevent and jansson, whose buffers hold what people write: wiped when it is given
 * back, so that no image of the process keeps it. */
#ifndef SERVER_SECURITY_ZEROING_ALLOCATOR_H
#define SERVER_SECURITY_ZEROING_ALLOCATOR_H

/* Once, before any thread is started and anything else of libevent is used. */
void zeroing_allocator_start(void);

#endif
