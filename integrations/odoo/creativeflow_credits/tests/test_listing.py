from datetime import datetime, timedelta
from urllib.parse import urlencode

from odoo.tests import tagged

from odoo.addons.creativeflow_credits import listing

from .common import RoutesCase, new_id

BAD = {
    'state': ('', 'expired', 'refused', 'HELD', 'held,deducted', 'a\x00b'),
    'limit': ('', '0', '-1', '1001', '10000', '1.5', 'x', '٣', '1 '),
    'since': ('', 'yesterday', '2026-11-25', '2026-11-25T12:00:00', '2026-11-25T12:00:00+01:00', '2026-13-01T00:00:00Z',
              '2026-11-25T24:00:01Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.9999999Z', '2026-11-25T12:00:00.Z', '1764072000'),
    'older_than': ('', '2026-11-25 12:00:00Z', '2026-02-30T12:00:00Z', '2026-11-25T12:00:00.1234567890Z'),
    'cursor': ('', '0', 'A' * 31, 'A' * 33, 'A' * 31 + '=', 'A' * 31 + '\n', 'A' * 31 + '+', 'f' + '_' * 31, 'é' * 32),
}


class Explaining:
    """A cursor that asks for the plan of a query instead of its rows."""

    def __init__(self, cr):
        self.cr, self.plan = cr, ''

    def execute(self, query, values):
        self.cr.execute('EXPLAIN ' + query, values)
        self.plan = '\n'.join(line for [line] in self.cr.fetchall())

    def fetchall(self):
        return []


@tagged('post_install', '-at_install', 'creativeflow_credits')
class TestListing(RoutesCase):

    def setUp(self):
        super().setUp()
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        self.began = self.env.cr.fetchone()[0]

    def list(self, **parameters):
        """One page of what this test has made, unless it asks for another time."""
        parameters = {'since': self.began.isoformat() + 'Z', **parameters}
        return self.call('reservations?' + urlencode(parameters), method='GET')

    def references(self, **parameters):
        return [r['reference'] for r in self.list(**parameters)['reservations']]

    def reserved(self, user, *then, amount='0.50'):
        """A reservation that is settled as then says."""
        run = self.body(user, amount)
        for name in ('check_and_reserve', *then):
            self.call(name, run)
        return run

    def made_at(self, run, time):
        self.env.cr.execute("UPDATE creativeflow_credit_reservation SET reserved_at = %s WHERE reference = %s", [time, run['reference']])

    def expire(self, *runs):
        self.env.cr.execute(
            "UPDATE creativeflow_credit_reservation SET expires_at = now() AT TIME ZONE 'UTC' - interval '1 s' WHERE reference = ANY(%s)",
            [[run['reference'] for run in runs]])
        self.env.ref('creativeflow_credits.cron_expire').method_direct_trigger()

    def test_answer(self):
        user = self.user()
        self.assertEqual(self.list(), {'reservations': [], 'next_cursor': None})
        runs = [(self.reserved(user), 'held'), (self.reserved(user, 'deduct', amount='1'), 'deducted'),
                (self.reserved(user, 'refund'), 'refunded')]
        self.reserved(user, amount='100')  # refused: it never was held
        expired = self.reserved(user)
        self.expire(expired)
        self.accounts.with_context(active_test=False).search([('user_uuid', '=', user)]).active = False
        self.env.flush_all()
        for i, (run, _state) in enumerate(runs + [(expired, 'held')]):
            self.made_at(run, self.began + timedelta(seconds=i, microseconds=7))
        page = self.list()
        self.assertEqual(page, {'next_cursor': None, 'reservations': [{
            'reference': run['reference'], 'user_id': user, 'generation_id': run['generation_id'],
            'amount': '1.00' if state == 'deducted' else '0.50', 'state': state,
            'created_at': (self.began + timedelta(seconds=i, microseconds=7)).isoformat(timespec='microseconds') + 'Z',
        } for i, (run, state) in enumerate(runs + [(expired, 'held')])]})
        self.assertEqual(self.last.headers['Cache-Control'], 'no-store')

    def test_pages_without_gap_or_repeat(self):
        """Many are made at one time, and between the pages some are added and others settled."""
        user = self.user('100')
        runs = [self.reserved(user) for _ in range(24)]
        for i, run in enumerate(runs):
            self.made_at(run, self.began + timedelta(microseconds=i % 3))
        self.began_adding = self.began + timedelta(days=1)
        seen, cursor, added = [], {}, []
        for n in range(100):
            page = self.list(limit=5, **cursor)
            seen += page['reservations']
            if not page['next_cursor']:
                break
            self.assertEqual(len(page['reservations']), 5)
            cursor = {'cursor': page['next_cursor']}
            if n < 4:
                self.call(('deduct', 'refund')[n % 2], runs[n * 5])
                self.expire(runs[n * 5 + 1])
                added.append(self.reserved(user))
                self.made_at(added[-1], self.began_adding + timedelta(seconds=n))
        keys = [(r['created_at'], r['reference']) for r in seen]
        self.assertEqual(keys, sorted(keys), "in one order")
        self.assertEqual([r['reference'] for r in seen[24:]], [run['reference'] for run in added])
        self.assertEqual({r['reference'] for r in seen[:24]}, {run['reference'] for run in runs})
        self.assertEqual(len(seen), 28, "nothing is left out, and nothing comes twice")
        # With as many as there are, or one more, the first page is the last.
        for limit, more in ((27, True), (28, False), (29, False), (1000, False)):
            page = self.list(limit=limit)
            self.assertEqual((len(page['reservations']), page['next_cursor'] is not None), (min(limit, 28), more))

    def test_filters(self):
        user = self.user()
        held, expired = self.reserved(user), self.reserved(user)
        deducted, late, refunded = self.reserved(user, 'deduct'), self.reserved(user), self.reserved(user, 'refund')
        self.reserved(user, amount='100')
        self.expire(expired, late)
        self.call('deduct', late)
        runs = (held, expired, deducted, late, refunded)
        for i, run in enumerate(runs):
            self.made_at(run, datetime(2001, 1, 1, 12, 0, i, 500))
        a, b, c, d, e = (run['reference'] for run in runs)
        day = {'since': '2001-01-01T00:00:00Z', 'older_than': '2001-01-02T00:00:00Z'}
        self.assertEqual(self.references(**day), [a, b, c, d, e])
        self.assertEqual(self.references(**day, state='held'), [a, b])
        self.assertEqual(self.references(**day, state='deducted'), [c, d])
        self.assertEqual(self.references(**day, state='refunded'), [e])
        self.assertEqual(self.references(**day, limit='2'), [a, b])
        for time, at_or_after in (('12:00:02Z', [c, d, e]), ('12:00:02.0005Z', [c, d, e]), ('12:00:02.000500001Z', [d, e]),
                                  ('12:00:02.000501+00:00', [d, e]), ('12:00:02.000499999Z', [c, d, e])):
            with self.subTest(time=time):
                self.assertEqual(self.references(**{**day, 'since': f'2001-01-01T{time}'}), at_or_after)
                before = [r for r in (a, b, c, d, e) if r not in at_or_after]
                self.assertEqual(self.references(**{**day, 'older_than': f'2001-01-01T{time}'}), before)
        page = self.list(**day, limit=1, state='deducted')
        self.assertEqual(self.references(**day, limit=1, state='deducted', cursor=page['next_cursor']), [d])

    def test_bad_parameters(self):
        for name, values in BAD.items():
            for value in values:
                with self.subTest(name=name, value=value):
                    self.refused('invalid_request', 422, 'reservations?' + urlencode({name: value}), method='GET')
                    self.assertIn(name, self.last.json()['error']['message'])

    def test_key_and_method(self):
        self.refused('invalid_api_key', 401, 'reservations', method='GET', key='wrong' * 10)
        self.refused('unauthorized', 401, 'reservations?limit=x', method='GET', headers={'Authorization': ''})
        for method in ('POST', 'PUT', 'DELETE'):
            self.refused('method_not_allowed', 405, 'reservations', {}, method=method)
            self.assertEqual(self.last.headers['Allow'], 'GET')

    def test_indexes(self):
        """No page reads what is before it, or sorts what is behind it, however many there are."""
        cr = self.env.cr
        for name in ('seqscan', 'sort', 'bitmapscan'):
            cr.execute(f'SET LOCAL enable_{name} = off')
        cursor = listing.write_cursor(self.began, new_id())
        for state, index in ((None, 'listed'), ('deducted', 'listed'), ('refunded', 'listed'), ('held', 'open')):
            explaining = Explaining(cr)
            listing.page(explaining, {'state': state, 'cursor': cursor})
            self.assertIn(f'creativeflow_credit_reservation_{index}', explaining.plan)
            self.assertIn('Index Cond: (ROW(', explaining.plan)
            self.assertNotIn('Sort', explaining.plan)
