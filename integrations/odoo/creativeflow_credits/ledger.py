"""The rules of the credits, without a database.

A Book holds the accounts and reservations that one transaction works on, changes them by
the rules, and remembers what it did. Amounts are integers in hundredths of a credit; no
float touches them.

The money rule (contract section 4): of every reservation that was ever held,
reserved = deducted + refunded + still open, and in the end exactly one of deducted and
refunded. The states:

    (new) ──► held ──► deducted | refunded
      │        └────► expired ──► deducted | refunded
      └─────► refused

An expiry is not an end. It means that the credits are not kept free any longer: somebody
else's request may use them. Whether the work was done is not known then, and to settle
what is not known would break the rule: a deduction that was delayed (by an outage of a
week, say) would find its credits refunded. So an expired reservation stays open until
someone settles it. A late deduction takes its credits from the balance, and where they
have been spent meanwhile, the account is overdrawn: the user has got what they asked for.
"""
from dataclasses import dataclass, field

HELD, EXPIRED, DEDUCTED, REFUNDED, REFUSED = 'held', 'expired', 'deducted', 'refunded', 'refused'
OPEN = (HELD, EXPIRED)
SETTLED = {'deduct': DEDUCTED, 'refund': REFUNDED}

MAX_AMOUNT = 10**14  # hundredths: the same bound as the orchestrator's


class Refusal(Exception):
    """An operation that no repeat can help. The code is for programs, the message for people."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class Account:
    user: str
    balance: int = 0
    reserved: int = 0

    @property
    def available(self):
        return self.balance - self.reserved


@dataclass
class Reservation:
    reference: str
    user: str
    generation: str
    amount: int
    state: str
    answered: int  # what was available at the first answer: a repeat gets the same
    saved: bool = False  # whether the database has it


@dataclass
class Operation:
    name: str  # reserve, deduct, refund
    user: str
    generation: str
    reference: str
    amount: int


@dataclass
class Entry:
    """One row of the list of transactions."""
    kind: str
    user: str
    reference: str
    generation: str
    amount: int
    balance_change: int
    reserved_change: int
    balance: int  # after it
    reserved: int
    note: str = ''


@dataclass
class Book:
    accounts: dict  # by user
    reservations: dict  # by reference
    entries: list = field(default_factory=list)
    changed: dict = field(default_factory=dict)  # reservations that are new or have another state
    busy: set = field(default_factory=set)  # users whose accounts exist, and are not in here

    def do(self, op, note=''):
        """Carry out an operation and return its answer. Raises Refusal."""
        if op.name == 'reserve':
            return self._reserve(op)
        return self._settle(op, note)

    def _reserve(self, op):
        known = self.reservations.get(op.reference)
        if known is None:
            return self._new(op)
        if (known.user, known.generation, known.amount) != (op.user, op.generation, op.amount):
            raise Refusal('reference_conflict', 'The reference was used before, with another user, generation or amount.')
        return {'can_afford': known.state != REFUSED, 'available': known.answered}

    def _new(self, op):
        account = self.accounts[op.user]
        affordable = op.amount <= account.available
        r = Reservation(op.reference, op.user, op.generation, op.amount, HELD if affordable else REFUSED, account.available)
        if affordable:
            r.answered -= op.amount
            self._enter('reserve', r, reserved=op.amount)
        self.reservations[r.reference] = self.changed[r.reference] = r
        return {'can_afford': affordable, 'available': r.answered}

    def _settle(self, op, note):
        r = self.reservations.get(op.reference)
        if r is None:
            raise Refusal('unknown_reference', 'Nothing was reserved under this reference.')
        if r.user != op.user:
            raise Refusal('user_mismatch', 'The reservation belongs to another user.')
        if r.generation != op.generation:
            raise Refusal('reference_conflict', 'The reservation belongs to another generation.')
        if r.amount != op.amount:
            raise Refusal('amount_mismatch', 'The amount is not that of the reservation.')
        if r.state == SETTLED[op.name]:
            return {'ok': True}
        if r.state == REFUSED:
            raise Refusal('not_reserved', 'The reservation was refused: no credits are held.')
        if r.state not in OPEN:
            raise Refusal('already_' + r.state, f'The reservation is {r.state} already.')
        self._enter(
            op.name, r, note=note,
            balance=-r.amount if op.name == 'deduct' else 0,
            reserved=-r.amount if r.state == HELD else 0,
        )
        self._move(r, SETTLED[op.name])
        return {'ok': True}

    def expire(self, reference):
        """Stop keeping the credits free. Reports whether they were."""
        r = self.reservations.get(reference)
        if r is None or r.state != HELD:
            return False
        self._enter('expire', r, reserved=-r.amount)
        self._move(r, EXPIRED)
        return True

    def grant(self, user, amount, reference, note):
        """Add credits, or take some back (a negative amount). Raises Refusal."""
        account = self.accounts[user]
        if amount == 0 or abs(amount) > MAX_AMOUNT:
            raise Refusal('invalid_amount', 'The amount must not be zero, and at most 10^12 credits.')
        if amount < 0 and account.available + amount < 0:
            raise Refusal('insufficient_credits', 'The account has less than that to take back.')
        account.balance += amount
        self.entries.append(Entry(
            'grant' if amount > 0 else 'correction', user, reference, '', abs(amount),
            amount, 0, account.balance, account.reserved, note,
        ))

    def _move(self, r, state):
        r.state = state
        self.changed[r.reference] = r

    def _enter(self, kind, r, balance=0, reserved=0, note=''):
        account = self.accounts[r.user]
        account.balance += balance
        account.reserved += reserved
        self.entries.append(Entry(
            kind, r.user, r.reference, r.generation, r.amount,
            balance, reserved, account.balance, account.reserved, note,
        ))
