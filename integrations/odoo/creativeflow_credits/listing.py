"""The list of reservations (docs/operations.md): what is asked for, and a page of it.

A page goes on behind the last reservation of the one before, by the time at which it was
made and by its reference where that is the same. Neither ever changes, so what is added
or settled between two pages moves nothing from one to another.
"""
import base64
import re
import struct
import uuid
from datetime import datetime, timedelta

from . import wire
from .ledger import DEDUCTED, EXPIRED, HELD, OPEN, REFUNDED, REFUSED, Refusal

MAX_LIMIT = 1000

# What each state of the list is in the ledger: what expired is held still, in that it can
# be deducted or refunded. What was refused never was held.
STATES = {'held': OPEN, 'deducted': (DEDUCTED,), 'refunded': (REFUNDED,)}
STATE_OF = {HELD: 'held', EXPIRED: 'held', DEDUCTED: 'deducted', REFUNDED: 'refunded'}

# The indexes of models/reservation.py have these conditions, which the planner has to
# recognize. In each of them the order is that of the list.
ORDER = '(reserved_at, reference COLLATE "C")'
LISTED, STILL_OPEN = f"state <> '{REFUSED}'", f"state IN ('{HELD}', '{EXPIRED}')"

EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_LIMIT = re.compile(r'[0-9]{1,4}')
_CURSOR = re.compile(r'[A-Za-z0-9_-]{32}')
_TIME = re.compile(r'([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(?:[Zz]|[+-]00:00)')
_PLACE = struct.Struct('>q16s')  # microseconds and UUID: 24 bytes, which are 32 characters in one way alone


def page(cr, parameters):
    """The answer to a call with these parameters. Raises Refusal."""
    limit = read_limit(parameters.get('limit'))
    where, values = conditions(parameters)
    # One more than is asked for tells whether there is another page.
    cr.execute(f"""
        SELECT r.reference, a.user_uuid, r.generation_id, (r.amount * 100)::bigint, r.state, r.reserved_at
        FROM creativeflow_credit_reservation r JOIN creativeflow_credit_account a ON a.id = r.account_id
        WHERE {where}
        ORDER BY r.reserved_at, r.reference COLLATE "C" LIMIT %s""", [*values, limit + 1])
    rows = cr.fetchall()
    more, rows = len(rows) > limit, rows[:limit]
    return {
        'reservations': [reservation(*row) for row in rows],
        'next_cursor': write_cursor(rows[-1][5], rows[-1][0]) if more else None,
    }


def conditions(parameters):
    """The WHERE of a call, and the values in it. Raises Refusal."""
    where, values = [f'r.{LISTED}'], []
    if (state := parameters.get('state')) is not None:
        if state not in STATES:
            raise invalid(f"state must be one of {', '.join(STATES)}.")
        where.append(f'r.{STILL_OPEN}' if STATES[state] == OPEN else f"r.state = '{STATES[state][0]}'")
    for name, comparison in (('since', '>='), ('older_than', '<')):
        if (text := parameters.get(name)) is not None:
            where.append(f'r.reserved_at {comparison} %s')
            values.append(read_time(name, text))
    if (cursor := parameters.get('cursor')) is not None:
        where.append('(r.reserved_at, r.reference COLLATE "C") > (%s, %s)')
        values += read_cursor(cursor)
    return ' AND '.join(where), values


def reservation(reference, user, generation, hundredths, state, reserved_at):
    return {
        'reference': reference, 'user_id': user, 'generation_id': generation, 'amount': wire.amount(hundredths),
        'state': STATE_OF[state], 'created_at': reserved_at.isoformat(timespec='microseconds') + 'Z',
    }


def invalid(message):
    return Refusal('invalid_request', message)


def read_limit(text):
    if text is None:
        return MAX_LIMIT
    if _LIMIT.fullmatch(text) and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise invalid(f'limit must be a number from 1 to {MAX_LIMIT}.')


def read_time(name, text):
    """The first microsecond that is not before the time, as PostgreSQL has no finer ones."""
    try:
        date, time, fraction = _TIME.fullmatch(text).groups()
        microseconds = -(-int((fraction or '').ljust(9, '0')) // 1000)
        return datetime.fromisoformat(f'{date} {time}') + timedelta(microseconds=microseconds)
    except (AttributeError, ValueError, OverflowError):
        raise invalid(f'{name} must be a time of RFC 3339 in UTC, such as 2026-11-25T12:00:00Z.') from None


def write_cursor(reserved_at, reference):
    place = _PLACE.pack((reserved_at - EPOCH) // _MICROSECOND, uuid.UUID(reference).bytes)
    return base64.urlsafe_b64encode(place).decode()


def read_cursor(text):
    """The place that write_cursor wrote."""
    try:
        if not _CURSOR.fullmatch(text):
            raise ValueError(text)
        microseconds, reference = _PLACE.unpack(base64.urlsafe_b64decode(text))
        return EPOCH + timedelta(microseconds=microseconds), str(uuid.UUID(bytes=reference))
    except (ValueError, OverflowError):
        raise invalid('cursor must be the next_cursor of a page.') from None
