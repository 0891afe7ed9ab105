/* Counts statuses by their name and errors by their code. Whose message it was is not read. */
#include "server/channels/meta/report.h"

#include "server/channels/meta/json.h"

static void add_error(struct meta_report *report, int code, int subcode)
{
    for (size_t i = 0; i < report->error_count; i++)
        if (report->errors[i].code == code && report->errors[i].subcode == subcode) {
            report->errors[i].count++;
            return;
        }
    if (report->error_count < META_ERRORS_MAX)
        report->errors[report->error_count++] = (struct meta_report_error){code, subcode, 1};
    else
        report->errors_more++;
}

static size_t add_errors(struct meta_report *report, const json_t *errors)
{
    const json_t *error;
    size_t i;

    json_array_foreach(errors, i, error) add_error(report, meta_json_number(error, "code"),
                                                   meta_json_number(error, "error_subcode"));
    return json_array_size(errors);
}

static void add_status(struct meta_report *report, const json_t *status)
{
    const json_t *name = json_object_get(status, "status");

    if (meta_json_is(name, "sent"))
        report->sent++;
    else if (meta_json_is(name, "delivered"))
        report->delivered++;
    else if (meta_json_is(name, "read"))
        report->read++;
    else if (!meta_json_is(name, "failed"))
        report->other++;
    else {
        report->failed++;
        if (add_errors(report, json_object_get(status, "errors")) == 0)
            add_error(report, 0, 0);
    }
}

void meta_report_read(struct meta_report *report, const json_t *value)
{
    const json_t *status;
    size_t i;

    json_array_foreach(json_object_get(value, "statuses"), i, status) add_status(report, status);
    add_errors(report, json_object_get(value, "errors"));
}
