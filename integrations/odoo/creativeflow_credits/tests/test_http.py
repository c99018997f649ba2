from unittest.mock import patch

from psycopg2 import OperationalError

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.creativeflow_credits import store, wire

from .common import RoutesCase, new_id

CONTROLLER = 'odoo.addons.creativeflow_credits.controllers.credits'


@tagged('post_install', '-at_install', 'creativeflow_credits')
class TestRoutes(RoutesCase):

    def test_life_of_a_run(self):
        user = self.user()
        run = self.body(user)
        first = self.call('check_and_reserve', run)
        self.assertEqual(first, {'can_afford': True, 'available': '7.50'})
        self.assertEqual(self.balance(user), ('10.00', '2.50', '7.50'))
        self.call('check_and_reserve', self.body(user, '1'))
        self.assertEqual(self.call('check_and_reserve', run), first, "the first answer again")
        self.assertEqual(self.call('deduct', run), {'ok': True})
        self.assertEqual(self.call('deduct', run), {'ok': True})
        self.refused('already_deducted', 409, 'refund', run)
        self.assertEqual(self.balance(user), ('7.50', '1.00', '6.50'))

    def test_refund(self):
        user = self.user()
        run = self.body(user)
        self.call('check_and_reserve', run)
        self.assertEqual(self.call('refund', run), {'ok': True})
        self.assertEqual(self.call('refund', run), {'ok': True})
        self.refused('already_refunded', 409, 'deduct', run)
        self.assertEqual(self.balance(user), ('10.00', '0.00', '10.00'))

    def test_refused(self):
        for user in (new_id(), self.user('2.49')):
            run = self.body(user)
            first = self.call('check_and_reserve', run)
            self.assertFalse(first['can_afford'])
            self.accounts.grant(user, '100', new_id())
            self.assertEqual(self.call('check_and_reserve', run), first)
            self.refused('not_reserved', 409, 'deduct', run)
            self.refused('not_reserved', 409, 'refund', run)

    def test_conflicts(self):
        user = self.user()
        run = self.body(user)
        self.refused('unknown_reference', 409, 'deduct', run)
        self.call('check_and_reserve', run)
        self.refused('reference_conflict', 409, 'check_and_reserve', {**run, 'amount': '2.51'})
        self.refused('reference_conflict', 409, 'check_and_reserve', {**run, 'user_id': self.user()})
        self.refused('reference_conflict', 409, 'check_and_reserve', {**run, 'generation_id': new_id()})
        self.refused('amount_mismatch', 409, 'deduct', {**run, 'amount': '2.51'})
        self.refused('user_mismatch', 409, 'refund', {**run, 'user_id': self.user()})
        self.assertEqual(self.call('deduct', {**run, 'amount': '2.5', 'reference': run['reference'].upper()}), {'ok': True})

    def test_invalid(self):
        run = self.body(self.user())
        for path in ('check_and_reserve', 'deduct', 'refund', 'batch'):
            for bad in (b'', b'{', b'[]', b'\xff\xfe'):
                self.refused('bad_request', 400, path, bad)
        for key, code in (('amount', 'invalid_amount'), ('user_id', 'invalid_input'), ('reference', 'invalid_reference'),
                          ('generation_id', 'invalid_input')):
            for bad in (None, 1.5, '', 'x', {}, '\ud800', 'a\x00b'):
                with self.subTest(key=key, bad=bad):
                    self.refused(code, 422, 'check_and_reserve', {**run, key: bad})
        self.refused('too_large', 413, 'deduct', b' ' * (wire.MAX_BODY + 1))
        self.refused('bad_request', 400, 'deduct', b'a=1', headers={'Content-Type': 'application/x-www-form-urlencoded'})
        self.refused('invalid_input', 422, 'balance?user_id=me', method='GET')
        self.refused('invalid_input', 422, 'balance', method='GET')

    def test_key(self):
        run = self.body(self.user())
        for path, method in (('check_and_reserve', 'POST'), ('batch', 'POST'), ('balance', 'GET'), ('nothing', 'GET')):
            self.refused('invalid_api_key', 401, path, run, method=method, key='wrong' * 10)
            self.refused('unauthorized', 401, path, run, method=method, headers={'Authorization': 'Basic ' + self.key})
            self.refused('unauthorized', 401, path, run, method=method, headers={'Authorization': ''})
            self.assertEqual(self.last.headers['WWW-Authenticate'], 'Bearer')
        self.assertTrue(self.call('check_and_reserve', run, headers={'Authorization': 'bearer ' + self.key}))
        self.env['creativeflow.credit.api.key'].search([('name', '=', 'the tests')]).active = False
        self.env.flush_all()
        self.refused('invalid_api_key', 401, 'deduct', run)

    def test_wrong_place(self):
        self.refused('method_not_allowed', 405, 'deduct', method='GET')
        self.assertEqual(self.last.headers['Allow'], 'POST')
        self.refused('method_not_allowed', 405, 'balance', {})
        self.refused('method_not_allowed', 405, 'batch', method='PUT', body={})
        self.refused('not_found', 404, 'nothing/here', {})

    def test_batch(self):
        user, other = self.user('3'), self.user('100')
        a, b, c = self.body(user, '2'), self.body(user, '2'), self.body(other, '2')
        answer = self.call('batch', {'operations': [
            {'op': 'reserve', **a}, {'op': 'reserve', **b}, {'op': 'reserve', **c}, {'op': 'deduct', **a},
            {'op': 'refund', **c}, {'op': 'refund', **c}, {'op': 'deduct', **c}, {'op': 'reserve', **a},
            {'op': 'reserve', **a, 'amount': 2}, {'op': 'steal', **a}, 'nonsense', {'op': 'refund', **self.body(user)},
        ]})
        ok = {'ok': True}
        self.assertEqual(answer['results'], [
            {'reference': a['reference'], **ok, 'can_afford': True, 'available': '1.00'},
            {'reference': b['reference'], **ok, 'can_afford': False, 'available': '1.00'},
            {'reference': c['reference'], **ok, 'can_afford': True, 'available': '98.00'},
            {'reference': a['reference'], **ok},
            {'reference': c['reference'], **ok},
            {'reference': c['reference'], **ok},
            {'reference': c['reference'], 'ok': False, 'error': {
                'code': 'already_refunded', 'message': 'The reservation is refunded already.'}},
            {'reference': a['reference'], **ok, 'can_afford': True, 'available': '1.00'},
            answer['results'][8], answer['results'][9], answer['results'][10], answer['results'][11],
        ])
        codes = [r['error']['code'] for r in answer['results'][8:]]
        self.assertEqual(codes, ['invalid_amount', 'invalid_operation', 'invalid_input', 'unknown_reference'])
        self.assertEqual(self.balance(user), ('1.00', '0.00', '1.00'))
        self.assertEqual(self.balance(other), ('100.00', '0.00', '100.00'))
        self.assertEqual(self.call('batch', {'operations': []}), {'results': []})
        self.refused('invalid_input', 422, 'batch', {'operations': {}})
        self.refused('too_large', 413, 'batch', {'operations': [1] * (wire.MAX_BATCH + 1)})

    def test_faults_are_json(self):
        run = self.body(self.user())
        for fault, code, status in (
            (store.Unavailable('x'), 'unavailable', 503), (OperationalError('x'), 'unavailable', 503),
            (ZeroDivisionError('secret'), 'internal_error', 500),
        ):
            with patch.object(store, 'carry_out', side_effect=fault), mute_logger(CONTROLLER):
                self.refused(code, status, 'deduct', run)
                self.assertNotIn('secret', self.last.text)
                self.assertEqual(self.last.headers.get('Retry-After'), '1' if status == 503 else None)

    def test_expiry(self):
        user = self.user()
        late, refunded, kept = self.body(user), self.body(user), self.body(user)
        self.env['ir.config_parameter'].set_param('creativeflow_credits.reservation_hours', '1')
        self.env.flush_all()
        for run in (late, refunded):
            self.call('check_and_reserve', run)
        self.env.cr.execute(
            "UPDATE creativeflow_credit_reservation SET expires_at = now() AT TIME ZONE 'UTC' - interval '1 s' WHERE reference IN %s",
            [(late['reference'], refunded['reference'])])
        self.call('check_and_reserve', kept)
        self.env.ref('creativeflow_credits.cron_expire').method_direct_trigger()
        self.assertEqual(self.balance(user), ('10.00', '2.50', '7.50'), "only what was due")
        self.assertEqual(self.call('check_and_reserve', late)['can_afford'], True, "the first answer again")
        self.assertEqual(self.call('deduct', late), {'ok': True})
        self.assertEqual(self.call('refund', refunded), {'ok': True})
        self.refused('already_deducted', 409, 'refund', late)
        self.assertEqual(self.balance(user), ('7.50', '2.50', '5.00'))
        self.assertEqual(self.accounts.audit(), [])
