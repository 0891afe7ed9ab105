/*
 * Claims in a row, chained through themselves, as backends keep those that wait.
 */
#ifndef STORE_CLAIM_LIST_H
#define STORE_CLAIM_LIST_H

#include "store/records.h"

struct claim_list {
    struct record_claim *first;
    struct record_claim *last;
    size_t count;
};

static inline void claim_list_append(struct claim_list *list, struct record_claim *claim)
{
    claim->next = NULL;
    if (list->last)
        list->last->next = claim;
    else
        list->first = claim;
    list->last = claim;
    list->count++;
}

/* The first claim, taken off; NULL when there is none. */
static inline struct record_claim *claim_list_pop(struct claim_list *list)
{
    struct record_claim *claim = list->first;

    if (claim) {
        list->first = claim->next;
        if (!list->first)
            list->last = NULL;
        list->count--;
    }
    return claim;
}

/* Moves at most max claims from the head of one list to the end of another. */
static inline void claim_list_move(struct claim_list *to, struct claim_list *from, size_t max)
{
    for (; max > 0 && from->first; max--)
        claim_list_append(to, claim_list_pop(from));
}

/* Moves all claims of one list before those of another. */
static inline void claim_list_prepend(struct claim_list *list, struct claim_list *head)
{
    if (!head->first)
        return;
    head->last->next = list->first;
    if (!list->first)
        list->last = head->last;
    list->first = head->first;
    list->count += head->count;
    *head = (struct claim_list){0};
}

#endif
