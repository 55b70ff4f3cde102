"""The header Retry-After (RFC 9110, section 10.2.3)."""

import datetime
import email.utils
import math


def read_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds to wait; None if there is no header, or it cannot be read.

    Args:
        value: the header: seconds, also with decimals as some servers send them, or an HTTP date. A date in the past,
            and a negative number, mean 0; a number too large for a float is infinity.
        now: seconds since 1970.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, now)
    return None if math.isnan(seconds) else max(0.0, seconds)


def _until(date: str, now: float) -> float:
    """Return the seconds until an HTTP date; NaN if it is none."""
    try:
        moment = email.utils.parsedate_to_datetime(date)
        if moment.tzinfo is None:  # "-0000": UTC
            moment = moment.replace(tzinfo=datetime.UTC)
        return moment.timestamp() - now
    except (ValueError, OverflowError, TypeError, IndexError):
        return math.nan
