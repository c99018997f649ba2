from odoo import _, api, fields, models
from odoo.exceptions import UserError

from . import schema

KINDS = [
    ('grant', 'Grant'), ('correction', 'Correction'), ('reserve', 'Reserve'), ('expire', 'Expire'),
    ('deduct', 'Deduct'), ('refund', 'Refund'),
]


class CreditTransaction(models.Model):
    _name = 'creativeflow.credit.transaction'
    _description = 'Credit transaction'
    _log_access = False
    _rec_name = 'reference'
    _order = 'id desc'

    date = fields.Datetime(required=True, readonly=True)
    account_id = fields.Many2one('creativeflow.credit.account', 'Account', required=True, readonly=True, index=True, ondelete='restrict')
    reservation_id = fields.Many2one('creativeflow.credit.reservation', 'Reservation', readonly=True, index=False, ondelete='restrict')
    kind = fields.Selection(KINDS, required=True, readonly=True)
    reference = fields.Char(required=True, readonly=True, index=True, help="The id of the run, or what names the grant.")
    generation_id = fields.Char('Generation', size=36, readonly=True, index=True)
    amount = fields.Float(digits=(16, 2), required=True, readonly=True)
    balance_change = fields.Float('Balance ±', digits=(16, 2), required=True, readonly=True)
    reserved_change = fields.Float('Reserved ±', digits=(16, 2), required=True, readonly=True)
    balance = fields.Float('Balance after', digits=(16, 2), required=True, readonly=True)
    reserved = fields.Float('Reserved after', digits=(16, 2), required=True, readonly=True)
    note = fields.Char(readonly=True)
    user_id = fields.Many2one('res.users', 'By', readonly=True, ondelete='restrict')

    def init(self):
        """A reservation is made once, expires once at most, and is settled once: deducted or refunded."""
        cr, table = self.env.cr, schema.TRANSACTION
        schema.add_index(cr, table, f'{table}_once', '(reservation_id, kind)', unique=True)
        schema.add_index(cr, table, f'{table}_settled_once', "(reservation_id) WHERE kind IN ('deduct', 'refund')", unique=True)
        schema.add_index(cr, table, f'{table}_granted_once', '(reference) WHERE reservation_id IS NULL', unique=True)
        schema.add_constraint(cr, table, f'{table}_kind', """CHECK (
            (reservation_id IS NULL) = (kind IN ('grant', 'correction')) AND CASE kind
                WHEN 'grant'      THEN balance_change = amount  AND reserved_change = 0
                WHEN 'correction' THEN balance_change = -amount AND reserved_change = 0
                WHEN 'reserve'    THEN balance_change = 0       AND reserved_change = amount
                WHEN 'expire'     THEN balance_change = 0       AND reserved_change = -amount
                WHEN 'deduct'     THEN balance_change = -amount AND reserved_change IN (0, -amount)
                WHEN 'refund'     THEN balance_change = 0       AND reserved_change IN (0, -amount)
                ELSE false END)""")
        schema.add_constraint(cr, table, f'{table}_amount', f"CHECK (amount > 0 AND {schema.WHOLE_HUNDREDTHS.format('amount')})")
        schema.add_keeper(cr, table)

    @api.model_create_multi
    def create(self, vals_list):
        raise UserError(_("Transactions are written by the ledger. Grant credits instead."))

    def write(self, vals):
        raise UserError(_("The list of transactions is append-only."))

    def unlink(self):
        raise UserError(_("The list of transactions is append-only."))
