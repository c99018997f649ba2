import random

from odoo.tests import BaseCase, tagged

from odoo.addons.creativeflow_credits import wire
from odoo.addons.creativeflow_credits.ledger import Account, Book, Operation, Refusal

from .common import again, new_id, operation

# What each call does in each state: the new state, or the code of the refusal.
TABLE = {
    ('reserve', 'held'): 'held', ('reserve', 'expired'): 'expired', ('reserve', 'deducted'): 'deducted',
    ('reserve', 'refunded'): 'refunded', ('reserve', 'refused'): 'refused',
    ('deduct', None): 'unknown_reference', ('deduct', 'held'): 'deducted', ('deduct', 'expired'): 'deducted',
    ('deduct', 'deducted'): 'deducted', ('deduct', 'refunded'): 'already_refunded', ('deduct', 'refused'): 'not_reserved',
    ('refund', None): 'unknown_reference', ('refund', 'held'): 'refunded', ('refund', 'expired'): 'refunded',
    ('refund', 'deducted'): 'already_deducted', ('refund', 'refunded'): 'refunded', ('refund', 'refused'): 'not_reserved',
}


def book_with(balance, user):
    return Book({user: Account(user, balance)}, {})


def bring_to(state, op):
    """A book in which op's reservation is in this state."""
    book = book_with(0 if state == 'refused' else op.amount, op.user)
    if state:
        book.do(again(op, 'reserve'))
    if state == 'expired':
        book.expire(op.reference)
    if state in ('deducted', 'refunded'):
        book.do(again(op, {'deducted': 'deduct', 'refunded': 'refund'}[state]))
    return book


@tagged('post_install', '-at_install', 'creativeflow_credits')
class TestLedger(BaseCase):

    def test_every_call_in_every_state(self):
        for (name, state), expected in TABLE.items():
            with self.subTest(call=name, state=state):
                op = operation(name, new_id())
                book = bring_to(state, op)
                entries = len(book.entries)
                try:
                    answer = book.do(op)
                except Refusal as refusal:
                    self.assertEqual(refusal.code, expected)
                    self.assertEqual(len(book.entries), entries, "what is refused changes nothing")
                    continue
                self.assertEqual(book.reservations[op.reference].state, expected)
                self.assertEqual(len(book.entries) - entries, int(state != expected), "a repeat changes nothing")
                self.assertEqual(book.do(op), answer, "and gets the first answer")

    def test_other_content(self):
        for name, field, code in [
            ('reserve', 'amount', 'reference_conflict'), ('reserve', 'user', 'reference_conflict'),
            ('reserve', 'generation', 'reference_conflict'), ('deduct', 'amount', 'amount_mismatch'),
            ('deduct', 'user', 'user_mismatch'), ('refund', 'generation', 'reference_conflict'),
        ]:
            with self.subTest(call=name, field=field):
                op = operation('reserve', new_id())
                book = bring_to('held', op)
                other = again(op, name)
                setattr(other, field, 101 if field == 'amount' else new_id())
                book.accounts.setdefault(other.user, Account(other.user, 1000))
                with self.assertRaises(Refusal) as caught:
                    book.do(other)
                self.assertEqual(caught.exception.code, code)

    def test_expiry_frees_the_credits_and_settles_nothing(self):
        op = operation('reserve', new_id())
        book = bring_to('held', op)
        account = book.accounts[op.user]
        self.assertEqual(account.available, 0)
        self.assertTrue(book.expire(op.reference))
        self.assertFalse(book.expire(op.reference))
        self.assertEqual((account.balance, account.available), (100, 100))

        other = operation('reserve', op.user)
        self.assertTrue(book.do(other)['can_afford'])
        book.do(again(other, 'deduct'))
        book.do(again(op, 'deduct'))
        self.assertEqual((account.balance, account.reserved), (-100, 0), "both were made, so both are paid: the account owes")
        self.assertFalse(book.do(operation('reserve', op.user, 1))['can_afford'])

    def test_money_rule_over_random_calls(self):
        for seed in range(200):
            dice = random.Random(seed)
            with self.subTest(seed=seed):
                self.one_random_life(dice)

    def one_random_life(self, dice):
        users = [new_id() for _ in range(2)]
        book = Book({user: Account(user) for user in users}, {})
        runs = [Operation('reserve', dice.choice(users), new_id(), new_id(), dice.randint(1, 300)) for _ in range(12)]
        granted = dict.fromkeys(users, 0)
        for _ in range(120):
            op = dice.choice(runs)
            kind = dice.choice(['reserve', 'reserve', 'deduct', 'refund', 'expire', 'grant'])
            if kind == 'grant':
                amount = dice.randint(1, 400)
                book.grant(op.user, amount, new_id(), '')
                granted[op.user] += amount
            elif kind == 'expire':
                book.expire(op.reference)
            else:
                try:
                    book.do(again(op, kind))
                except Refusal:
                    pass
            self.check(book, granted)

    def check(self, book, granted):
        for user, account in book.accounts.items():
            mine = [r for r in book.reservations.values() if r.user == user]
            spent = sum(r.amount for r in mine if r.state == 'deducted')
            held = sum(r.amount for r in mine if r.state == 'held')
            self.assertEqual(account.balance, granted[user] - spent)
            self.assertEqual(account.reserved, held)
        for reference in book.reservations:
            ends = [e.kind for e in book.entries if e.reference == reference and e.kind in ('deduct', 'refund')]
            self.assertLessEqual(len(ends), 1)


@tagged('post_install', '-at_install', 'creativeflow_credits')
class TestWire(BaseCase):

    def test_amounts(self):
        for text, hundredths in [('0.25', 25), ('1', 100), ('1.5', 150), ('0.01', 1), ('1000000000000', 10**14)]:
            self.assertEqual(wire.read_amount(text), hundredths)
        for bad in ['0', '0.00', '-1', '+1', '1.005', '1e3', ' 1', '1 ', '', '.5', '1.', '1,5', 'NaN', '1000000000000.01',
                    '١', 1, 0.25, True, None, [], {}]:
            with self.subTest(bad=bad), self.assertRaises(Refusal) as caught:
                wire.read_amount(bad)
            self.assertEqual(caught.exception.code, 'invalid_amount')
        for hundredths, text in [(0, '0.00'), (5, '0.05'), (-5, '-0.05'), (-12345, '-123.45')]:
            self.assertEqual(wire.amount(hundredths), text)

    def test_bodies(self):
        for bad in [b'', b'{', b'[]', b'"a"', b'\xff', b'[' * 100000]:
            with self.subTest(bad=bad[:10]), self.assertRaises(Refusal) as caught:
                wire.read_object(bad)
            self.assertEqual(wire.status_of(caught.exception), 400)
