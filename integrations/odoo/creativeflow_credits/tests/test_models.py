from psycopg2 import Error as DatabaseError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.creativeflow_credits import store

from .common import again, new_id, operation


@tagged('post_install', '-at_install', 'creativeflow_credits')
class TestModels(TransactionCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(cls.env, 'credits manager', 'creativeflow_credits.group_manager')
        cls.reader = new_test_user(cls.env, 'credits reader', 'creativeflow_credits.group_user')
        cls.stranger = new_test_user(cls.env, 'credits stranger', 'base.group_user')
        cls.accounts = cls.env['creativeflow.credit.account']

    def account(self, amount='10'):
        return self.accounts.with_user(self.manager).grant(new_id(), amount, new_id(), 'for a test')

    def carry_out(self, *operations):
        """As the routes do, in the test's own transaction."""
        self.env.flush_all()
        book = store.lock(self.env.cr, {op.user for op in operations})
        book.reservations.update(store.load(self.env.cr, {op.reference for op in operations}))
        outcomes = [store.outcome(book, op) for op in operations]
        store.save(self.env.cr, book, 3600)
        self.env.invalidate_all()
        return outcomes

    def refuse_in_sql(self, query, *parameters):
        with self.assertRaises(DatabaseError), mute_logger('odoo.sql_db'), self.env.cr.savepoint(flush=False):
            self.env.cr.execute(query, parameters)

    def test_grant(self):
        account = self.account('12.34')
        self.assertEqual((account.balance, account.reserved, account.available), (12.34, 0, 12.34))
        self.assertEqual(account.transaction_ids.mapped('kind'), ['grant'])
        self.assertEqual(account.transaction_ids.user_id, self.manager)

        reference = account.transaction_ids.reference
        grant = self.accounts.with_user(self.manager).grant
        grant(account.user_uuid.upper(), '12.34', reference)
        self.assertEqual(account.balance, 12.34, "a repeat changes nothing")
        with self.assertRaises(UserError):
            grant(account.user_uuid, '12.35', reference)
        with self.assertRaises(UserError):
            grant(new_id(), '12.34', reference)

        grant(account.user_uuid, '-2.34', new_id())
        self.assertEqual(account.balance, 10)
        with self.assertRaises(UserError):
            grant(account.user_uuid, '-10.01', new_id())
        for bad in ('1.005', 'x', '', None, 1.5, 'NaN', '0', '9' * 20):
            with self.subTest(amount=bad), self.assertRaises(UserError):
                grant(account.user_uuid, bad, new_id())
        with self.assertRaises(ValidationError):
            grant('nobody', '1', new_id())
        with self.assertRaises(UserError):
            grant(account.user_uuid, '1', '')

    def test_grant_form(self):
        user = new_id()
        form = self.env['creativeflow.credit.grant'].with_user(self.manager).create(
            {'user_uuid': user, 'amount': 7.77, 'note': 'a gift'})
        action = form.action_grant()
        form.action_grant()
        account = self.accounts.browse(action['res_id'])
        self.assertEqual((account.user_uuid, account.balance), (user, 7.77), "pressed twice, granted once")
        self.assertEqual(account.transaction_ids.note, 'a gift')

    def test_accounts_are_kept(self):
        account = self.account()
        with self.assertRaises(UserError):
            account.sudo().unlink()
        with self.assertRaises(UserError):
            account.sudo().write({'balance': 1000})
        with self.assertRaises(UserError):
            account.sudo().write({'user_uuid': new_id()})
        with self.assertRaises(UserError):
            self.accounts.create({'user_uuid': new_id(), 'balance': 1000})
        with self.assertRaises(ValidationError):
            self.accounts.create({'user_uuid': account.user_uuid.upper()})
        with self.assertRaises(ValidationError):
            self.accounts.create({'user_uuid': 'me'})
        self.assertEqual(self.accounts.create({'user_uuid': new_id().upper()}).balance, 0)
        account.with_user(self.manager).write({'name': 'Ada', 'active': False})
        self.assertIn('Ada', account.display_name)
        self.refuse_in_sql("DELETE FROM creativeflow_credit_account WHERE id = %s", account.id)
        self.refuse_in_sql("UPDATE creativeflow_credit_account SET user_uuid = %s WHERE id = %s", new_id(), account.id)
        self.refuse_in_sql("UPDATE creativeflow_credit_account SET balance = balance + 1 WHERE id = %s", account.id)
        self.refuse_in_sql("UPDATE creativeflow_credit_account SET reserved = -1, available = balance + 1 WHERE id = %s", account.id)

    def test_transactions_are_append_only(self):
        entry = self.account().transaction_ids.sudo()
        for change in (entry.unlink, lambda: entry.write({'amount': 1}), lambda: entry.create({'amount': 1})):
            with self.assertRaises(UserError):
                change()
        self.refuse_in_sql("DELETE FROM creativeflow_credit_transaction WHERE id = %s", entry.id)
        self.refuse_in_sql("UPDATE creativeflow_credit_transaction SET amount = 1 WHERE id = %s", entry.id)
        self.refuse_in_sql("TRUNCATE creativeflow_credit_transaction CASCADE")

    def test_reservations_are_kept(self):
        account = self.account()
        op = operation('reserve', account.user_uuid)
        self.carry_out(op)
        reservation = account.reservation_ids.sudo()
        for change in (reservation.unlink, lambda: reservation.write({'amount': 1}), lambda: reservation.create({})):
            with self.assertRaises(UserError):
                change()
        one = "UPDATE creativeflow_credit_reservation SET {} WHERE id = %s"
        self.refuse_in_sql("DELETE FROM creativeflow_credit_reservation WHERE id = %s", reservation.id)
        self.refuse_in_sql(one.format("amount = 2"), reservation.id)
        self.refuse_in_sql(one.format("state = 'refused'"), reservation.id)
        self.carry_out(again(op, 'deduct'))
        for state in ('held', 'expired', 'refunded'):
            self.refuse_in_sql(one.format(f"state = '{state}'"), reservation.id)
        for reference, generation in (('INV/2026/1', new_id()), (new_id(), 'x'), (new_id().upper(), new_id())):
            self.refuse_in_sql("""
                INSERT INTO creativeflow_credit_reservation (reference, account_id, generation_id, amount, state, answered, reserved_at)
                VALUES (%s, %s, %s, 1, 'held', 0, now())""", reference, account.id, generation)

    def test_one_settlement_in_sql(self):
        """Even where the ledger is passed by, a reservation is settled once."""
        account = self.account()
        op = operation('reserve', account.user_uuid)
        self.carry_out(op, again(op, 'deduct'))
        for kind, change in (('refund', 0), ('deduct', -1), ('expire', 0)):
            self.refuse_in_sql("""
                INSERT INTO creativeflow_credit_transaction (account_id, reservation_id, kind, reference, amount,
                    balance_change, reserved_change, balance, reserved, date)
                VALUES (%s, %s, %s, 'x', 1, %s, 0, 0, 0, now())""", account.id, account.reservation_ids.id, kind, change)

    def test_refund_by_hand(self):
        account = self.account()
        op = operation('reserve', account.user_uuid, 400)
        self.carry_out(op)
        reservation = account.reservation_ids
        with self.assertRaises(UserError):
            reservation.with_user(self.reader).action_refund()
        reservation.with_user(self.manager).action_refund()
        self.assertEqual((reservation.state, account.available), ('refunded', 10))
        self.assertEqual(account.transaction_ids[0].user_id, self.manager)
        [late] = self.carry_out(again(op, 'deduct'))
        self.assertEqual(late.code, 'already_refunded')
        spent = operation('reserve', account.user_uuid, 400)
        self.carry_out(spent, again(spent, 'deduct'))
        with self.assertRaises(UserError):
            account.reservation_ids.filtered(lambda r: r.state == 'deducted').with_user(self.manager).action_refund()
        self.assertEqual(self.accounts.audit(), [])

    def test_audit_finds_what_is_wrong(self):
        account = self.account()
        self.assertEqual(self.accounts.audit(), [])
        with self.env.cr.savepoint(flush=False) as savepoint:
            self.env.cr.execute("UPDATE creativeflow_credit_account SET balance = 11, available = 11 WHERE id = %s", [account.id])
            self.assertEqual(self.accounts.audit()[0], ("an account is the sum of its transactions", [account.user_uuid, '11.0', '0.0']))
            savepoint.rollback()

    def test_access(self):
        account = self.account()
        self.assertTrue(account.with_user(self.reader).read(['balance']))
        self.assertTrue(account.transaction_ids.with_user(self.reader).read(['amount']))
        for name in ('account', 'reservation', 'transaction', 'api.key'):
            with self.subTest(model=name), self.assertRaises(AccessError):
                self.env[f'creativeflow.credit.{name}'].with_user(self.stranger).search([])
        with self.assertRaises(UserError):
            self.accounts.with_user(self.reader).grant(account.user_uuid, '1', new_id())
        with self.assertRaises(AccessError):
            account.with_user(self.reader).write({'name': 'mine'})
        with self.assertRaises(AccessError):
            self.env['creativeflow.credit.api.key'].with_user(self.reader).search([])
        with self.assertRaises(UserError):
            self.env['creativeflow.credit.api.key'].with_user(self.reader).issue('mine')

    def test_keys(self):
        keys = self.env['creativeflow.credit.api.key'].with_user(self.manager)
        secret = keys.issue('a test')
        key = keys.search([('name', '=', 'a test')])
        self.assertNotIn(secret, str(key.sudo().read()), "only the hash is kept")
        with self.assertRaises(AccessError):
            key.read(['key_hash'])
        with self.assertRaises(UserError):
            key.write({'hint': 'x'})
        with self.assertRaises(UserError):
            keys.create({'name': 'x'})
        with self.assertRaises(UserError):
            keys.issue('short', 'x' * 31)
        shown = self.env['creativeflow.credit.new.key'].with_user(self.manager).create({'name': 'b'}).action_issue()
        self.assertTrue(shown['context']['default_key'].startswith('cfc_'))
        form = Form(self.env[shown['res_model']].with_user(self.manager).with_context(shown['context']))
        self.assertEqual(form.key, shown['context']['default_key'], "shown to whoever has made it")

    def test_views(self):
        """Each view can be shown to those who have the menu."""
        for name in ('account', 'reservation', 'transaction', 'api.key', 'grant', 'new.key', 'api.key.show'):
            model = self.env[f'creativeflow.credit.{name}'].with_user(self.manager)
            wanted = [(False, kind) for kind in ('form', 'search')]
            self.assertTrue(model.get_views(wanted)['views']['form']['arch'])
        action = self.env.ref('creativeflow_credits.account_action')
        self.assertIn(action.view_mode, ('list,form', 'tree,form'))
        kind = action.view_mode.split(',')[0]
        self.assertIn('user_uuid', self.accounts.get_view(view_type=kind)['arch'])

    def test_settings(self):
        settings = self.env['res.config.settings'].create({'creativeflow_reservation_hours': 2})
        settings.set_values()
        self.assertEqual(self.env['creativeflow.credit.reservation']._expires_after(), 7200)
        for value, seconds in [('x', 168 * 3600), ('-1', 168 * 3600), ('0', 3600), ('9' * 20, 168 * 3600), (False, 168 * 3600)]:
            self.env['ir.config_parameter'].set_param('creativeflow_credits.reservation_hours', value)
            self.assertEqual(self.env['creativeflow.credit.reservation']._expires_after(), seconds)
        with self.assertRaises(ValidationError):
            self.env['res.config.settings'].create({'creativeflow_reservation_hours': 0})

    def test_cron_runs_for_ever(self):
        cron = self.env.ref('creativeflow_credits.cron_expire')
        self.assertTrue(cron.active)
        self.assertEqual(getattr(cron, 'numbercall', -1), -1)
