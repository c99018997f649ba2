import random
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

from odoo.sql_db import db_connect
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

from odoo.addons.creativeflow_credits import store
from odoo.addons.creativeflow_credits.ledger import Refusal

from .common import again, new_id, operation

TABLES = ('transaction', 'reservation', 'account')


@tagged('post_install', '-at_install', 'creativeflow_credits')
class TestConcurrency(BaseCase):
    """Many at once, in transactions of their own that are committed. What they leave is
    removed afterwards, which only the owner of the tables can do."""

    def setUp(self):
        super().setUp()
        self.connection = db_connect(get_db_name())
        self.users = []
        self.addCleanup(self.remove)

    def open(self):
        return self.connection.cursor()

    def new_user(self, hundredths):
        user = new_id()
        self.users.append(user)
        with self.open() as cr:
            store.insert_accounts(cr, [user])
            book = store.lock(cr, [user])
            book.grant(user, hundredths, new_id(), '')
            store.save(cr, book)
        return user

    def remove(self):
        with self.open() as cr:
            for table in TABLES:
                cr.execute(f"ALTER TABLE creativeflow_credit_{table} DISABLE TRIGGER USER")
                column = 'id' if table == 'account' else 'account_id'
                cr.execute(f"""
                    DELETE FROM creativeflow_credit_{table} WHERE {column} IN (
                        SELECT id FROM creativeflow_credit_account WHERE user_uuid = ANY(%s))""", [self.users])
                cr.execute(f"ALTER TABLE creativeflow_credit_{table} ENABLE TRIGGER USER")

    def carry_out(self, *operations):
        return store.carry_out(self.open, list(operations), 3600)

    def sums(self, user):
        with self.open() as cr:
            return store.balance_of(cr, user)

    def audit(self):
        with self.open() as cr:
            return store.audit(cr)

    def at_once(self, work, items, threads=8):
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, items))

    def test_no_more_than_there_is(self):
        user = self.new_user(1000)
        outcomes = self.at_once(lambda op: self.carry_out(op)[0], [operation('reserve', user, 30) for _ in range(60)])
        self.assertEqual(sum(outcome['can_afford'] for outcome in outcomes), 33)
        self.assertEqual(self.sums(user), (1000, 990, 10))

    def test_one_reference_many_times_at_once(self):
        user = self.new_user(1000)
        op = operation('reserve', user, 30)
        answers = self.at_once(lambda _: self.carry_out(op)[0], range(24))
        self.assertEqual(answers, [answers[0]] * 24)
        ends = self.at_once(lambda name: (name, self.carry_out(again(op, name))[0]), ['deduct', 'refund'] * 12)
        won = {name for name, outcome in ends if not isinstance(outcome, Refusal)}
        self.assertEqual(len(won), 1, "deducted or refunded, never both")
        self.assertEqual(self.sums(user)[1], 0)
        self.assertEqual(self.audit(), [])

    def test_one_reference_for_two_users_at_once(self):
        """The unique index decides, and nobody waits for ever."""
        users = [self.new_user(1000) for _ in range(2)]
        references = [new_id() for _ in range(20)]
        batches = []
        for i in range(8):
            batch = [operation('reserve', users[i % 2], 10, reference) for reference in references]
            random.Random(i).shuffle(batch)
            batches.append(batch)
        outcomes = self.at_once(lambda batch: self.carry_out(*batch), batches)
        won = [o for batch in outcomes for o in batch if not isinstance(o, Refusal)]
        self.assertEqual(len(won), 20)
        self.assertEqual(sum(self.sums(user)[1] for user in users), 200)
        self.assertEqual(self.audit(), [])

    def test_batches_over_the_same_accounts(self):
        """Batches that name the same accounts in different orders, some of them new, do not deadlock."""
        dice = random.Random(1)
        users = [self.new_user(100000) for _ in range(6)] + [new_id() for _ in range(6)]
        self.users += users[6:]
        runs = [operation('reserve', dice.choice(users), dice.randint(1, 50)) for _ in range(300)]

        def work(seed):
            dice = random.Random(seed)
            batch = [again(dice.choice(runs), dice.choice(['reserve', 'reserve', 'deduct', 'refund'])) for _ in range(25)]
            return len(self.carry_out(*batch))

        with self.assertNoLogs('odoo.addons.creativeflow_credits.store', 'INFO'):
            self.assertEqual(self.at_once(work, range(80)), [25] * 80)
        self.assertEqual(self.audit(), [])

    def test_expiry_beside_settlement(self):
        user = self.new_user(100000)
        runs = [operation('reserve', user, 10) for _ in range(100)]
        self.carry_out(*runs)
        with self.open() as cr:
            cr.execute("""
                UPDATE creativeflow_credit_reservation SET expires_at = now() AT TIME ZONE 'UTC' - interval '1 s'
                WHERE reference = ANY(%s)""", [[run.reference for run in runs]])

        def work(i):
            if i % 10 == 0:
                store.expire_due(self.open)
            else:
                self.carry_out(again(runs[i], 'deduct' if i % 2 else 'refund'))

        self.at_once(work, range(100))
        self.assertEqual(self.sums(user), (100000 - 50 * 10, 0, 100000 - 50 * 10))
        self.assertEqual(self.audit(), [])

    def test_expiry_waits_for_nobody(self):
        users = [self.new_user(100), self.new_user(100)]
        self.carry_out(*[operation('reserve', user) for user in users])
        with self.open() as cr:
            cr.execute("""
                UPDATE creativeflow_credit_reservation SET expires_at = now() AT TIME ZONE 'UTC' - interval '1 s'
                WHERE account_id IN (SELECT id FROM creativeflow_credit_account WHERE user_uuid = ANY(%s))""", [users])
        with self.open() as cr:
            store.lock(cr, [users[0]])
            self.assertEqual(store.expire_due(self.open), 1)
            self.assertEqual([self.sums(user)[1] for user in users], [100, 0])
        self.assertEqual(store.expire_due(self.open), 1)
        self.assertEqual(self.audit(), [])

    def test_a_lock_that_is_never_given_back(self):
        user, other = self.new_user(100), self.new_user(100)
        mine, theirs = operation('reserve', user), operation('reserve', other)
        with patch.object(store, 'LOCK_TIMEOUT', '100ms'), self.open() as cr:
            store.begin(cr)
            store.lock(cr, [user])
            with self.assertRaises(store.Unavailable), mute_logger('odoo.sql_db'):
                self.carry_out(mine)
            with mute_logger('odoo.sql_db'):
                busy, done = self.carry_out(mine, theirs)
            self.assertEqual(busy.code, 'unavailable')
            self.assertEqual(done, {'can_afford': True, 'available': 0}, "the others are served")
        self.assertEqual(self.carry_out(mine, theirs), [done, done])
        self.assertEqual(self.audit(), [])
