from odoo import _, api, fields, models
from odoo.exceptions import UserError, ValidationError

from .. import store
from ..ledger import Refusal
from ..wire import read_uuid
from . import schema

# These are the ledger's: written by store.py alone.
SUMS = ('balance', 'reserved', 'available')

EXAMPLE = '018f5e3c-7d2a-7c41-9b56-2f0d8a1e6c77'


class CreditAccount(models.Model):
    _name = 'creativeflow.credit.account'
    _description = 'Credit account'
    _rec_names_search = ['user_uuid', 'name', 'partner_id.name']
    _order = 'id desc'

    user_uuid = fields.Char('User', size=36, required=True, copy=False, index=False, help="The user's UUID: the claim sub of their token.")
    name = fields.Char('Label', help="For people who look for the account: a name or an e-mail address.")
    partner_id = fields.Many2one('res.partner', 'Contact', ondelete='set null')
    active = fields.Boolean(default=True, help="An archived account is out of the list. It works on.")
    balance = fields.Float(digits=(16, 2), readonly=True, copy=False, help="Granted and not spent. What is reserved is in it.")
    reserved = fields.Float(digits=(16, 2), readonly=True, copy=False, help="Kept free for generations that are being made.")
    available = fields.Float(digits=(16, 2), readonly=True, copy=False, help="Balance less reserved: what new generations may use.")
    reservation_ids = fields.One2many('creativeflow.credit.reservation', 'account_id', 'Reservations')
    transaction_ids = fields.One2many('creativeflow.credit.transaction', 'account_id', 'Transactions')

    def init(self):
        cr, table = self.env.cr, schema.ACCOUNT
        schema.add_index(cr, table, f'{table}_user_unique', '(user_uuid)', unique=True)
        schema.add_constraint(cr, table, f'{table}_user_form', f'CHECK (user_uuid {schema.UUID})')
        schema.add_constraint(cr, table, f'{table}_reserved_positive', 'CHECK (reserved >= 0)')
        schema.add_constraint(cr, table, f'{table}_available_sum', 'CHECK (available = balance - reserved)')
        for column in SUMS:
            schema.add_constraint(cr, table, f'{table}_{column}_whole', f'CHECK ({schema.WHOLE_HUNDREDTHS.format(column)})')
        schema.add_keeper(cr, table)

    @api.depends('user_uuid', 'name', 'partner_id')
    def _compute_display_name(self):
        for account in self:
            label = account.name or account.partner_id.name
            account.display_name = f'{label} ({account.user_uuid})' if label else account.user_uuid or _('New')

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_sums(vals)
            vals['user_uuid'] = self._canonical(vals.get('user_uuid'))
            self._refuse_double(vals['user_uuid'])
            vals.update(dict.fromkeys(SUMS, 0))
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_sums(vals)
        if 'user_uuid' in vals and any(account.user_uuid != vals['user_uuid'] for account in self):
            raise UserError(_("The user of an account cannot be changed. Make a new account."))
        return super().write(vals)

    def unlink(self):
        raise UserError(_("A credit account cannot be deleted: its transactions stay. Archive it instead."))

    def _refuse_double(self, user_uuid):
        if self.sudo().with_context(active_test=False).search_count([('user_uuid', '=', user_uuid)]):
            raise ValidationError(_("There is an account for user %s already.", user_uuid))

    def _refuse_sums(self, vals):
        if any(vals.get(name) for name in SUMS):
            raise UserError(_("A balance is the sum of its transactions. Grant credits instead."))
        for name in SUMS:
            vals.pop(name, None)

    def _canonical(self, user_uuid):
        """A user's UUID in lower case. Raises ValidationError."""
        try:
            return read_uuid({'user': (user_uuid or '').strip()}, 'user')
        except Refusal:
            raise ValidationError(_("%r is not a UUID, such as %s.", user_uuid or '', EXAMPLE)) from None

    def _read_grant(self, amount):
        """Hundredths of a decimal string. Raises UserError."""
        try:
            return store.hundredths(amount)
        except ValueError:
            raise UserError(_("%r is not an amount with at most two decimal places.", amount)) from None

    def _words_of(self, refusal):
        """The ledger's refusal in the words of whoever is at the screen."""
        return {
            'invalid_amount': _("The amount must not be zero."),
            'insufficient_credits': _("The account has less than that to take back."),
            'reference_conflict': _("This grant was made before, with another amount or for another user."),
            'already_deducted': _("The reservation was deducted already."),
            'already_refunded': _("The reservation was refunded already."),
            'not_reserved': _("The reservation was refused: there is nothing to refund."),
        }.get(refusal.code, refusal.message)

    @api.model
    def grant(self, user_uuid, amount, reference, note=False):
        """Add credits to a user's account, which is made if there is none, or take some
        back. For other addons (a shop that sells credits) and for XML-RPC.

        :param user_uuid: the user's UUID
        :param amount: a decimal string, "100" or "-2.50"
        :param reference: names the grant; a repeat with the same one changes nothing
        :param note: for whoever reads the list later
        :return: the account

        It is part of the caller's transaction, so that an order and its credits are
        written together or not at all.
        """
        self._check_manager()
        user_uuid, hundredths = self._canonical(user_uuid), self._read_grant(amount)
        if not reference:
            raise UserError(_("A grant needs a reference, so that a repeat is known as one."))
        self.env.flush_all()
        try:
            self._grant(user_uuid, hundredths, str(reference), note or '')
        except Refusal as refusal:
            raise UserError(self._words_of(refusal)) from refusal
        self.env.invalidate_all()
        return self.with_context(active_test=False).search([('user_uuid', '=', user_uuid)])

    def _grant(self, user, hundredths, reference, note):
        cr = self.env.cr
        store.insert_accounts(cr, [user])
        book = store.lock(cr, [user], {user})
        if not store.granted(cr, user, hundredths, reference):
            book.grant(user, hundredths, reference, note)
            store.save(cr, book, by=self.env.uid)

    def _check_manager(self):
        if not self.env.su and not self.env.user.has_group('creativeflow_credits.group_manager'):
            raise UserError(_("Only a credits manager may do this."))

    def action_grant(self):
        """The form in which a manager grants credits, for this account or for a new one."""
        return {
            'type': 'ir.actions.act_window', 'name': _("Grant credits"), 'target': 'new',
            'res_model': 'creativeflow.credit.grant', 'views': [(False, 'form')],
            'context': {'default_user_uuid': self.user_uuid if len(self) == 1 else False},
        }

    @api.model
    def audit(self):
        """What is not as it must be: an empty list, or (rule, what breaks it)."""
        self._check_manager()
        return store.audit(self.env.cr)
