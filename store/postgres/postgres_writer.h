/*
 * The thread that writes claims to PostgreSQL, on one connection, for all links of a store. What
 * has an answer goes back to the claim's link (store/thread_link.h), which also hears whether there
 * is a connection.
 */
#ifndef STORE_POSTGRES_WRITER_H
#define STORE_POSTGRES_WRITER_H

#include "store/postgres/postgres_url.h"
#include "store/record_backend.h"

struct postgres_writer;

/* Starts the thread, which begins to connect. url and links outlive it. Returns NULL with error. */
struct postgres_writer *postgres_writer_start(const struct postgres_url *url,
                                              struct thread_links *links,
                                              char error[STORE_ERROR_MAX]);
/* When no claim is under way. */
void postgres_writer_stop(struct postgres_writer *writer);

/* On any thread, between thread_link_begin and the ticket's `done`, which comes within the three
 * seconds that a claim may take. */
void postgres_writer_put(struct postgres_writer *writer, struct record_claim *claim);

#endif
