"""Statuses that more than one module asks for, and the words behind them (RFC 3261 section 21)."""

OK = 200
MULTIPLE_CHOICES = 300
"""2xx ends below it."""
TOO_SMALL = 422
"""A session interval that is too short (RFC 4028 section 6)."""
GLARE = 491
"""Two offers met (RFC 3261 14.1)."""
UNAVAILABLE = 503
"""No room, or none now; Retry-After says when to come back (21.5.4)."""
DEAD_DIALOG = (408, 481)
"""To a request within a call: the other side does not know the call any more (12.2.1.2).
The user agent then ends the call itself."""
REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK",
    202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 407: "Proxy Authentication Required",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    408: "Request Timeout", 413: "Request Entity Too Large", 415: "Unsupported Media Type",
    416: "Unsupported URI Scheme", 420: "Bad Extension",
    422: "Session Interval Too Small", 423: "Interval Too Brief", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
    486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented",
    503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported",
    600: "Busy Everywhere", 603: "Decline",
}  # fmt: skip
