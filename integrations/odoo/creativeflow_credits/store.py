"""The database under a Book: what is locked and read before, what is written after.

Odoo's transactions are REPEATABLE READ: whoever waits for a row that another one changes
is told to start anew, and Odoo sleeps and tries again inside the request. Here each call
works in a transaction of its own at READ COMMITTED instead, in which a lock that was
waited for shows the row as it is now. So nobody starts anew, however many calls meet at
one account.

There are no deadlocks, because everybody takes locks in one order: accounts by user, then
new references by name. An account that is missing is made in a transaction before.
"""
import contextlib
import logging
from decimal import Decimal, InvalidOperation

from psycopg2 import InterfaceError, OperationalError
from psycopg2.errors import LockNotAvailable
from psycopg2.pool import PoolError

from odoo.sql_db import Cursor

from .ledger import Account, Book, Refusal, Reservation

_logger = logging.getLogger(__name__)

LOCK_TIMEOUT = '4s'  # well within the 10 s that the orchestrator waits
AWAY = (OperationalError, InterfaceError, PoolError)  # the database, not the statement, is at fault
TRIES = 5  # each but the last ends in a conflict that is rare and over at once
CHUNK = 500  # reservations that expire in one transaction


class Unavailable(Exception):
    """The database could not do it now. The same call later can."""


class Locked(Unavailable):
    """Somebody keeps an account locked."""


class Again(Exception):
    """The transaction is to be done once more: what it was built on has changed."""


def carry_out(open_cursor, operations, expires_after):
    """Carry out operations in one transaction and return an answer or a Refusal for each.

    A repeat changes nothing, so it is safe to try again whatever happened, even where it
    is not known whether the commit has been done. Where somebody keeps an account locked,
    the operations on the others are carried out without those on that one.
    """
    users = {op.user for op in operations}
    needed = {op.user for op in operations if op.name == 'reserve'}

    def work(cr, wait):
        book = lock(cr, users, needed, wait)
        book.reservations.update(load(cr, {op.reference for op in operations}))
        outcomes = [outcome(book, op) for op in operations]
        save(cr, book, expires_after)
        return outcomes

    try:
        return in_transaction(open_cursor, lambda cr: work(cr, wait=True))
    except Locked:
        if len(users) == 1:
            raise
        return in_transaction(open_cursor, lambda cr: work(cr, wait=False))


def outcome(book, op):
    if op.user in book.busy:
        return Refusal('unavailable', 'The account is in use. Try again.')
    try:
        return book.do(op)
    except Refusal as refusal:
        return refusal


def expire_due(open_cursor):
    """Let reservations expire whose time is over, and return how many did."""
    total, count = 0, CHUNK
    while count == CHUNK:
        count = in_transaction(open_cursor, expire_some)
        total += count
    return total


def expire_some(cr):
    cr.execute("""
        SELECT r.reference, a.user_uuid
        FROM creativeflow_credit_reservation r JOIN creativeflow_credit_account a ON a.id = r.account_id
        WHERE r.state = 'held' AND r.expires_at <= now() AT TIME ZONE 'UTC'
        ORDER BY r.expires_at LIMIT %s""", [CHUNK])
    due = dict(cr.fetchall())
    if not due:
        return 0
    # Nobody is waited for: an account in use has its turn when the cron comes again.
    book = lock(cr, set(due.values()), wait=False)
    book.reservations.update(load(cr, due))  # again, behind the locks
    expired = sum(book.expire(reference) for reference, user in sorted(due.items()) if user not in book.busy)
    save(cr, book)
    return expired


def in_transaction(open_cursor, work):
    """Do work(cr) in a transaction at READ COMMITTED, and again if it has to be."""
    for tries_left in reversed(range(TRIES)):
        try:
            with open_cursor() as cr:
                begin(cr)
                return work(cr)
        except MissingAccounts as missing:
            make_accounts(open_cursor, missing.users)
        except Again:
            pass
        except AWAY as error:
            if isinstance(error, LockNotAvailable):
                raise Locked(str(error)) from error
            # A lost connection, or a deadlock that somebody else's locks made, is over at
            # once. A pool that is full is not.
            if not tries_left or isinstance(error, PoolError):
                raise Unavailable(str(error)) from error
            _logger.info("credits: once more after: %s", error)
    raise Unavailable("the accounts changed too often meanwhile")


def begin(cr):
    """Make the transaction READ COMMITTED. A cursor of Odoo's tests has begun long ago,
    and has nobody beside it."""
    if isinstance(cr, Cursor):
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cr.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])


class MissingAccounts(Exception):
    def __init__(self, users):
        super().__init__()
        self.users = users


def make_accounts(open_cursor, users):
    with contextlib.suppress(OperationalError), open_cursor() as cr:
        begin(cr)
        insert_accounts(cr, users)


def insert_accounts(cr, users):
    cr.execute("""
        INSERT INTO creativeflow_credit_account (user_uuid, balance, reserved, available, active, create_uid, create_date)
        SELECT u, 0, 0, 0, true, 1, now() AT TIME ZONE 'UTC' FROM unnest(%s::varchar[]) u
        ON CONFLICT (user_uuid) DO NOTHING""", [sorted(users)])


def lock(cr, users, needed=frozenset(), wait=True):
    """Lock the accounts of users and return a Book of them. Raises MissingAccounts if one
    that is needed does not exist. Without wait, those that somebody else has locked are
    the Book's busy ones."""
    cr.execute(f"""
        SELECT user_uuid, (balance * 100)::bigint, (reserved * 100)::bigint
        FROM creativeflow_credit_account WHERE user_uuid = ANY(%s)
        ORDER BY user_uuid COLLATE "C" FOR NO KEY UPDATE {'' if wait else 'SKIP LOCKED'}""", [list(users)])
    accounts = {user: Account(user, balance, reserved) for user, balance, reserved in cr.fetchall()}
    busy = set()
    if not wait:
        cr.execute("SELECT user_uuid FROM creativeflow_credit_account WHERE user_uuid = ANY(%s)", [list(users)])
        busy = {user for [user] in cr.fetchall()} - accounts.keys()
    missing = needed - accounts.keys() - busy
    if missing:
        raise MissingAccounts(missing)
    return Book(accounts, {}, busy=busy)


def load(cr, references):
    """The reservations with these references. Those of locked accounts cannot change."""
    cr.execute("""
        SELECT r.reference, a.user_uuid, r.generation_id, (r.amount * 100)::bigint, r.state, (r.answered * 100)::bigint
        FROM creativeflow_credit_reservation r JOIN creativeflow_credit_account a ON a.id = r.account_id
        WHERE r.reference = ANY(%s)""", [list(references)])
    return {row[0]: Reservation(*row, saved=True) for row in cr.fetchall()}


def save(cr, book, expires_after=None, by=1):
    """Write what the book did."""
    new = sorted((r for r in book.changed.values() if not r.saved), key=lambda r: r.reference)
    moved = [r for r in book.changed.values() if r.saved]
    if new:
        insert_reservations(cr, new, expires_after)
    if moved:
        move_reservations(cr, moved)
    if book.entries:
        insert_entries(cr, book.entries, by)
        update_accounts(cr, [book.accounts[user] for user in sorted({e.user for e in book.entries})])


def insert_reservations(cr, new, expires_after):
    """Raises Again where somebody else, for another account, has just used a reference."""
    cr.execute("""
        INSERT INTO creativeflow_credit_reservation
            (reference, account_id, generation_id, amount, state, answered, reserved_at, expires_at, settled_at)
        SELECT n.reference, a.id, n.generation_id, n.amount, n.state, n.answered, c.now,
               CASE WHEN n.state <> 'refused' THEN c.now + %s * interval '1 second' END,
               CASE WHEN n.state IN ('deducted', 'refunded') THEN c.now END
        FROM unnest(%s::varchar[], %s::varchar[], %s::varchar[], %s::numeric[], %s::varchar[], %s::numeric[])
             AS n(reference, user_uuid, generation_id, amount, state, answered)
        JOIN creativeflow_credit_account a ON a.user_uuid = n.user_uuid,
             (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) c
        ORDER BY n.reference COLLATE "C"
        ON CONFLICT (reference) DO NOTHING""", [
        expires_after,
        [r.reference for r in new], [r.user for r in new], [r.generation for r in new],
        [decimal(r.amount) for r in new], [r.state for r in new], [decimal(r.answered) for r in new],
    ])
    if cr.rowcount != len(new):
        raise Again


def move_reservations(cr, moved):
    cr.execute("""
        UPDATE creativeflow_credit_reservation r
        SET state = n.state,
            settled_at = CASE WHEN n.state <> 'expired' THEN clock_timestamp() AT TIME ZONE 'UTC' END
        FROM unnest(%s::varchar[], %s::varchar[]) AS n(reference, state)
        WHERE r.reference = n.reference""", [[r.reference for r in moved], [r.state for r in moved]])


def insert_entries(cr, entries, by):
    cr.execute("""
        INSERT INTO creativeflow_credit_transaction
            (account_id, reservation_id, kind, reference, generation_id, amount,
             balance_change, reserved_change, balance, reserved, note, user_id, date)
        SELECT a.id, r.id, e.kind, e.reference, nullif(e.generation_id, ''), e.amount,
               e.balance_change, e.reserved_change, e.balance, e.reserved, nullif(e.note, ''), %s,
               clock_timestamp() AT TIME ZONE 'UTC'
        FROM unnest(%s::varchar[], %s::varchar[], %s::varchar[], %s::varchar[], %s::numeric[],
                    %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::varchar[]) WITH ORDINALITY
             AS e(user_uuid, kind, reference, generation_id, amount,
                  balance_change, reserved_change, balance, reserved, note, position)
        JOIN creativeflow_credit_account a ON a.user_uuid = e.user_uuid
        LEFT JOIN creativeflow_credit_reservation r
            ON r.reference = e.reference AND e.kind NOT IN ('grant', 'correction')
        ORDER BY e.position""", [
        by,
        [e.user for e in entries], [e.kind for e in entries], [e.reference for e in entries],
        [e.generation for e in entries], [decimal(e.amount) for e in entries],
        [decimal(e.balance_change) for e in entries], [decimal(e.reserved_change) for e in entries],
        [decimal(e.balance) for e in entries], [decimal(e.reserved) for e in entries], [e.note for e in entries],
    ])


def update_accounts(cr, accounts):
    cr.execute("""
        UPDATE creativeflow_credit_account a
        SET balance = n.balance, reserved = n.reserved, available = n.balance - n.reserved
        FROM unnest(%s::varchar[], %s::numeric[], %s::numeric[]) AS n(user_uuid, balance, reserved)
        WHERE a.user_uuid = n.user_uuid""", [
        [a.user for a in accounts], [decimal(a.balance) for a in accounts], [decimal(a.reserved) for a in accounts],
    ])


def balance_of(cr, user):
    """Balance, reserved and available; of an account that does not exist, zero."""
    cr.execute("""
        SELECT (balance * 100)::bigint, (reserved * 100)::bigint
        FROM creativeflow_credit_account WHERE user_uuid = %s""", [user])
    balance, reserved = cr.fetchone() or (0, 0)
    return balance, reserved, balance - reserved


def decimal(hundredths):
    return Decimal(hundredths).scaleb(-2)


def hundredths(text):
    """Hundredths of a decimal string, which may be negative. Raises ValueError."""
    try:
        value = Decimal(text).scaleb(2)
    except (InvalidOperation, TypeError):
        raise ValueError(text) from None
    if isinstance(text, float) or not value.is_finite() or value != value.to_integral_value():
        raise ValueError(text)
    return int(value)


def granted(cr, user, amount, reference):
    """Whether this very grant was made. Raises Refusal where it was another one."""
    cr.execute("""
        SELECT a.user_uuid, (t.balance_change * 100)::bigint
        FROM creativeflow_credit_transaction t JOIN creativeflow_credit_account a ON a.id = t.account_id
        WHERE t.reservation_id IS NULL AND t.reference = %s""", [reference])
    before = cr.fetchone()
    if before and before != (user, amount):
        raise Refusal('reference_conflict', 'This grant was made before, with another amount or for another user.')
    return bool(before)


# What must be true whatever happened. Each query shows what breaks the rule.
AUDITS = (
    ("a reservation is what its transactions say", """
        SELECT r.reference, r.state, string_agg(t.kind, ' ' ORDER BY t.id)
        FROM creativeflow_credit_reservation r LEFT JOIN creativeflow_credit_transaction t ON t.reservation_id = r.id
        GROUP BY r.id
        HAVING NOT (CASE r.state
            WHEN 'refused'  THEN count(t.id) = 0
            WHEN 'held'     THEN array_agg(t.kind::text ORDER BY t.id) = '{reserve}'
            WHEN 'expired'  THEN array_agg(t.kind::text ORDER BY t.id) = '{reserve,expire}'
            WHEN 'deducted' THEN array_agg(t.kind::text ORDER BY t.id) IN ('{reserve,deduct}', '{reserve,expire,deduct}')
            WHEN 'refunded' THEN array_agg(t.kind::text ORDER BY t.id) IN ('{reserve,refund}', '{reserve,expire,refund}')
            ELSE false END)
            OR bool_or(t.amount <> r.amount) OR bool_or(t.account_id <> r.account_id)"""),
    ("reserved = deducted + refunded + still open", """
        SELECT r.reference, r.amount, sum(t.balance_change), sum(t.reserved_change)
        FROM creativeflow_credit_reservation r JOIN creativeflow_credit_transaction t ON t.reservation_id = r.id
        GROUP BY r.id
        HAVING sum(t.balance_change) <> CASE r.state WHEN 'deducted' THEN -r.amount ELSE 0 END
            OR sum(t.reserved_change) <> CASE r.state WHEN 'held' THEN r.amount ELSE 0 END"""),
    ("an account is the sum of its transactions", """
        SELECT a.user_uuid, a.balance, a.reserved
        FROM creativeflow_credit_account a LEFT JOIN creativeflow_credit_transaction t ON t.account_id = a.id
        GROUP BY a.id
        HAVING a.balance <> coalesce(sum(t.balance_change), 0) OR a.reserved <> coalesce(sum(t.reserved_change), 0)"""),
    ("each transaction goes on where the one before it ended", """
        SELECT id, reference FROM (
            SELECT id, reference, balance, reserved,
                   coalesce(lag(balance) OVER w, 0) + balance_change AS balance_due,
                   coalesce(lag(reserved) OVER w, 0) + reserved_change AS reserved_due
            FROM creativeflow_credit_transaction WINDOW w AS (PARTITION BY account_id ORDER BY id)) t
        WHERE balance <> balance_due OR reserved <> reserved_due"""),
)


def audit(cr):
    """What breaks a rule, as a list of (rule, the row that shows it)."""
    broken = []
    for rule, query in AUDITS:
        cr.execute(query)
        broken += [(rule, [str(value) for value in row]) for row in cr.fetchall()]
    return broken
