/* Page by page, by the list of whom is erased. */
#include "store/record_tools/erase_again_links.h"

#include "store/base/hex.h"
#include "store/base/record_time.h"
#include "store/record_tools/forget.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX 500

/* Behind the link of $1 and $2. */
static const char *const links_sql[] = {
    [SQL_SQLITE] = "SELECT number, user_id, since FROM uic_links WHERE (number, user_id) > ($1, $2)"
                   " ORDER BY number, user_id LIMIT " SQL_NUMERAL(PAGE_MAX),
    [SQL_POSTGRES] =
        "SELECT encode(number, 'hex'), encode(user_id, 'hex'), to_char(since, 'YYYY-MM-DD')"
        " FROM uic_links WHERE (number, user_id) > (decode($1, 'hex'), decode($2, 'hex'))"
        " ORDER BY number, user_id LIMIT " SQL_NUMERAL(PAGE_MAX),
};

/* The same of former user ids. */
static const char *const former_sql[] = {
    [SQL_SQLITE] = "SELECT former, user_id, since FROM uic_former_ids"
                   " WHERE (former, user_id) > ($1, $2)"
                   " ORDER BY former, user_id LIMIT " SQL_NUMERAL(PAGE_MAX),
    [SQL_POSTGRES] =
        "SELECT encode(former, 'hex'), encode(user_id, 'hex'), to_char(since, 'YYYY-MM-DD')"
        " FROM uic_former_ids WHERE (former, user_id) > (decode($1, 'hex'), decode($2, 'hex'))"
        " ORDER BY former, user_id LIMIT " SQL_NUMERAL(PAGE_MAX),
};

int askers_add(struct askers *askers, const char digits[RECORD_ASKER_TEXT_MAX])
{
    char(*more)[RECORD_ASKER_TEXT_MAX] =
        reallocarray(askers->digits, askers->count + 1, sizeof *more);

    if (more == NULL)
        return -1;
    askers->digits = more;
    memcpy(askers->digits[askers->count++], digits, RECORD_ASKER_TEXT_MAX);
    return 0;
}

void askers_free(struct askers *askers)
{
    free(askers->digits);
    *askers = (struct askers){0};
}

static bool askers_have(const struct askers *askers, const char digits[RECORD_ASKER_TEXT_MAX])
{
    for (size_t i = 0; i < askers->count; i++)
        if (strcmp(askers->digits[i], digits) == 0)
            return true;
    return false;
}

/* Of uic_links; of uic_former_ids, where number is the former user id. */
struct link_row {
    char number[2 * RECORD_PERSON_HASH_SIZE + 1], user_id[2 * RECORD_PERSON_HASH_SIZE + 1];
    bool goes;
    bool leaves; /* the number is another's by now, or nobody's: somebody had it before */
};

static bool hash_is_nobody(const char *digits)
{
    unsigned char user_id[RECORD_PERSON_HASH_SIZE];

    return strlen(digits) == 2 * sizeof user_id && hex_read(digits, user_id, sizeof user_id) == 0 &&
           schema_is_nobody(user_id);
}

/* A link was made on its day: whoever was erased on that day or later is no more to be found by it.
 */
static void link_judge(struct sql *sql, const struct erased_list *list, const struct askers *left,
                       struct link_row *row)
{
    char since[RECORD_TIME_MAX], asker[RECORD_ASKER_TEXT_MAX];
    int64_t since_us;

    snprintf(row->number, sizeof row->number, "%s", sql_column(sql, 0));
    snprintf(row->user_id, sizeof row->user_id, "%s", sql_column(sql, 1));
    snprintf(since, sizeof since, "%.10s 00:00:00.000000", sql_column(sql, 2));
    snprintf(asker, sizeof asker, "%.*s", 2 * RECORD_ASKER_SIZE, row->number);
    row->goes = false;
    if (record_time_parse(since, &since_us) != 0)
        return;
    const bool by_number = erased_list_remedy(list, ERASED_ASKER, asker, since_us) != REMEDY_NONE;
    row->leaves = !by_number || askers_have(left, asker);
    row->goes = hash_is_nobody(row->user_id)
                    ? !row->leaves
                    : erased_list_remedy(list, ERASED_USER, row->user_id, since_us) != REMEDY_NONE;
}

/* That who wrote under the one wrote under the other: goes when either was erased since. */
static void former_judge(struct sql *sql, const struct erased_list *list, const struct askers *left,
                         struct link_row *row)
{
    char since[RECORD_TIME_MAX];
    int64_t since_us;

    (void)left;
    snprintf(row->number, sizeof row->number, "%s", sql_column(sql, 0));
    snprintf(row->user_id, sizeof row->user_id, "%s", sql_column(sql, 1));
    snprintf(since, sizeof since, "%.10s 00:00:00.000000", sql_column(sql, 2));
    row->goes = record_time_parse(since, &since_us) == 0 &&
                (erased_list_remedy(list, ERASED_USER, row->number, since_us) != REMEDY_NONE ||
                 erased_list_remedy(list, ERASED_USER, row->user_id, since_us) != REMEDY_NONE);
}

static enum sql_result link_forget(struct sql *sql, const struct link_row *row)
{
    return forget_link(sql, row->number, row->user_id, row->leaves);
}

static enum sql_result former_forget(struct sql *sql, const struct link_row *row)
{
    return forget_former(sql, row->number);
}

/* A table that is read page by page; each row goes by itself. */
struct table {
    const char *const *page_sql;
    void (*judge)(struct sql *sql, const struct erased_list *list, const struct askers *left,
                  struct link_row *row);
    enum sql_result (*forget)(struct sql *sql, const struct link_row *row);
};

static enum sql_result table_walk(struct sql *sql, const struct erased_list *list,
                                  const struct askers *left, const struct table *table)
{
    struct link_row rows[PAGE_MAX] = {0};
    char number[sizeof rows[0].number] = "", user_id[sizeof rows[0].user_id] = "";
    enum sql_result result;
    size_t count;

    do {
        count = 0;
        result = sql_query(sql, table->page_sql[sql->dialect],
                           SQL_VALUES(sql_text(number), sql_text(user_id)));
        for (; result == SQL_ROW && count < PAGE_MAX; result = sql_next(sql))
            table->judge(sql, list, left, &rows[count++]);
        for (size_t i = 0; i < count && result == SQL_DONE; i++)
            if (rows[i].goes)
                result = table->forget(sql, &rows[i]);
        if (count > 0) {
            strcpy(number, rows[count - 1].number);
            strcpy(user_id, rows[count - 1].user_id);
        }
    } while (result == SQL_DONE && count == PAGE_MAX);
    return result;
}

enum sql_result erase_again_links(struct sql *sql, const struct erased_list *list,
                                  const struct askers *left)
{
    static const struct table links = {links_sql, link_judge, link_forget},
                              former_ids = {former_sql, former_judge, former_forget};
    const enum sql_result result = table_walk(sql, list, left, &links);

    return result == SQL_DONE ? table_walk(sql, list, left, &former_ids) : result;
}
