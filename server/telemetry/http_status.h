/* The statuses of our responses: X(number, phrase). */
#ifndef SERVER_TELEMETRY_HTTP_STATUS_H
#define SERVER_TELEMETRY_HTTP_STATUS_H

#define HTTP_STATUSES(X)             \
    X(200, "OK")                     \
    X(204, "No Content")             \
    X(303, "See Other")              \
    X(304, "Not Modified")           \
    X(400, "Bad Request")            \
    X(401, "Unauthorized")           \
    X(403, "Forbidden")              \
    X(404, "Not Found")              \
    X(405, "Method Not Allowed")     \
    X(410, "Gone")                   \
    X(411, "Length Required")        \
    X(413, "Content Too Large")      \
    X(414, "URI Too Long")           \
    X(415, "Unsupported Media Type") \
    X(417, "Expectation Failed")     \
    X(429, "Too Many Requests")      \
    X(431, "Header Too Large")       \
    X(500, "Internal Server Error")  \
    X(503, "Service Unavailable")    \
    X(505, "Version Not Supported")

#endif
