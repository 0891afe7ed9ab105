/* The table of embedded files, and how one is sent. Who may see a page is left to its handler. */
#include "server/admin/assets.h"

#include <string.h>
#include <strings.h>

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define JAVASCRIPT "text/javascript; charset=utf-8"
#define SVG "image/svg+xml"

/* X(symbol of the embedded file) */
#define EMBEDDED(X)       \
    X(web_charts_js)      \
    X(web_dashboard_css)  \
    X(web_dashboard_html) \
    X(web_dashboard_js)   \
    X(web_dom_js) X(web_icon_svg) X(web_language_js) X(web_login_html) X(web_login_js)

#define DECLARE(symbol)                                                                 \
    extern const char symbol[], symbol##_etag[], symbol##_gzip[], symbol##_gzip_etag[]; \
    extern const size_t symbol##_length, symbol##_gzip_length;
EMBEDDED(DECLARE)

#define FORMS(symbol)                                            \
    {symbol, &symbol##_length, symbol##_etag},                   \
    {                                                            \
        symbol##_gzip, &symbol##_gzip_length, symbol##_gzip_etag \
    }

const struct asset asset_dashboard_page = {NULL, HTML, false, FORMS(web_dashboard_html)};
const struct asset asset_login_page = {NULL, HTML, false, FORMS(web_login_html)};

static const struct asset files[] = {
    {"/web/charts.js", JAVASCRIPT, false, FORMS(web_charts_js)},
    {"/web/dashboard.css", CSS, false, FORMS(web_dashboard_css)},
    {"/web/dashboard.js", JAVASCRIPT, false, FORMS(web_dashboard_js)},
    {"/web/dom.js", JAVASCRIPT, false, FORMS(web_dom_js)},
    {"/web/icon.svg", SVG, false, FORMS(web_icon_svg)},
    {"/web/language.js", JAVASCRIPT, false, FORMS(web_language_js)},
    {"/web/login.js", JAVASCRIPT, false, FORMS(web_login_js)},
};

const struct asset *asset_find(const char *path)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].path, path) == 0)
            return &files[i];
    return NULL;
}

/* The next element of a header's list, without the spaces around it; NULL at the end. */
static const char *next_element(const char **at, size_t *length)
{
    const char *start = *at + strspn(*at, " \t,");
    size_t whole = strcspn(start, ",");

    if (*start == '\0')
        return NULL;
    *at = start + whole;
    while (whole > 0 && (start[whole - 1] == ' ' || start[whole - 1] == '\t'))
        whole--;
    *length = whole;
    return start;
}

/* Whether a coding is not refused by a quality of zero: "gzip;q=0". */
static bool is_wanted(const char *element, size_t length)
{
    const char *quality = memchr(element, ';', length);
    const char *end = element + length;

    if (quality == NULL)
        return true;
    quality += 1 + strspn(quality + 1, " \t");
    if (end - quality < 3 || strncasecmp(quality, "q=", 2) != 0)
        return true;
    for (quality += 2; quality < end; quality++)
        if (*quality >= '1' && *quality <= '9')
            return true;
    return false;
}

bool asset_accepts_gzip(const char *header)
{
    const char *element;
    size_t length;

    while (header != NULL && (element = next_element(&header, &length)) != NULL) {
        size_t name = strcspn(element, " \t;,");
        if (name == 4 && strncasecmp(element, "gzip", 4) == 0)
            return is_wanted(element, length);
    }
    return false;
}

bool asset_is_known(const char *header, const char *etag)
{
    const char *element;
    size_t length;

    while (header != NULL && (element = next_element(&header, &length)) != NULL) {
        /* A proxy that compresses makes our tag a weak one. */
        size_t weak = length > 2 && strncmp(element, "W/", 2) == 0 ? 2 : 0;
        if (length == 1 && *element == '*')
            return true;
        if (strlen(etag) == length - weak && strncmp(element + weak, etag, length - weak) == 0)
            return true;
    }
    return false;
}

void asset_reply(struct http_request *request, const struct asset *asset)
{
    const bool compressed = asset_accepts_gzip(http_header(request, "Accept-Encoding"));
    const struct asset_form *form = compressed ? &asset->gzip : &asset->plain;
    struct http_reply reply = {
        .status = 200,
        .content_type = asset->content_type,
        .body = form->bytes,
        .length = *form->length,
        .headers = {{"ETag", form->etag},
                    {"Cache-Control", "no-cache"},
                    {"Vary", "Accept-Encoding"},
                    {compressed ? "Content-Encoding" : NULL, "gzip"}},
    };

    if (asset_is_known(http_header(request, "If-None-Match"), form->etag)) {
        reply.status = 304;
        reply.content_type = NULL;
        reply.length = 0;
        reply.headers[3].name = NULL;
    }
    http_reply(request, &reply);
}
