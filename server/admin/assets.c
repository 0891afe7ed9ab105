/* The table of embedded files, and how one is sent. */
#include "server/admin/assets.h"

#include <string.h>
#include <strings.h>

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define JAVASCRIPT "text/javascript; charset=utf-8"
#define SVG "image/svg+xml"

/* X(path, type, whether only development has it, symbol of the embedded file) */
#define FILES(X)                                                \
    X("/web/charts.js", JAVASCRIPT, false, web_charts_js)       \
    X("/web/chat.js", JAVASCRIPT, true, web_chat_js)            \
    X("/web/dashboard.css", CSS, false, web_dashboard_css)      \
    X("/web/dashboard.js", JAVASCRIPT, false, web_dashboard_js) \
    X("/web/dom.js", JAVASCRIPT, false, web_dom_js)             \
    X("/web/formats.js", JAVASCRIPT, false, web_formats_js)     \
    X("/web/icon.svg", SVG, false, web_icon_svg)                \
    X("/web/language.js", JAVASCRIPT, false, web_language_js)   \
    X("/web/login.css", CSS, false, web_login_css)              \
    X("/web/login.js", JAVASCRIPT, false, web_login_js)         \
    X("/web/page.css", CSS, false, web_page_css)                \
    X("/web/phone.js", JAVASCRIPT, true, web_phone_js)          \
    X("/web/simulator.css", CSS, true, web_simulator_css)       \
    X("/web/simulator.js", JAVASCRIPT, true, web_simulator_js)  \
    X("/web/writing.js", JAVASCRIPT, false, web_writing_js)     \
    X("/simulator", HTML, true, web_simulator_html)

#define DECLARE_FORM(symbol)                     \
    extern const char symbol[], symbol##_etag[]; \
    extern const size_t symbol##_length;
#define DECLARE(path, type, development_only, symbol) \
    DECLARE_FORM(symbol)                              \
    DECLARE_FORM(symbol##_gzip)
FILES(DECLARE)
DECLARE(NULL, HTML, false, web_dashboard_html)
DECLARE(NULL, HTML, false, web_login_html)

#define FORM(symbol)                            \
    {                                           \
        symbol, &symbol##_length, symbol##_etag \
    }
#define ROW(path, type, development_only, symbol)                       \
    {                                                                   \
        path, type, development_only, FORM(symbol), FORM(symbol##_gzip) \
    }
#define ROW_AND_COMMA(...) ROW(__VA_ARGS__),

static const struct asset files[] = {FILES(ROW_AND_COMMA)};

const struct asset asset_dashboard_page = ROW(NULL, HTML, false, web_dashboard_html);
const struct asset asset_login_page = ROW(NULL, HTML, false, web_login_html);

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

void asset_respond(struct http_request *request, const struct asset *asset)
{
    const bool compressed = asset_accepts_gzip(http_header(request, "Accept-Encoding"));
    const struct asset_form *form = compressed ? &asset->gzip : &asset->plain;
    struct http_response response = {
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
        /* Its headers take the place of those that the browser kept: so the type, by which it knows
         * what a page may do, is said again. */
        response.status = 304;
        response.length = 0;
        response.headers[3].name = NULL;
    }
    http_respond(request, &response);
}
