from odoo import _, api, fields, models
from odoo.exceptions import UserError

from .. import listing, store
from ..ledger import Operation, Refusal
from . import schema
from .settings import DEFAULT_HOURS, HOURS

STATES = [
    ('held', 'Held'), ('expired', 'Expired'), ('deducted', 'Deducted'), ('refunded', 'Refunded'), ('refused', 'Refused'),
]


class CreditReservation(models.Model):
    _name = 'creativeflow.credit.reservation'
    _description = 'Credit reservation'
    _log_access = False
    _rec_name = 'reference'
    _order = 'id desc'

    reference = fields.Char('Run', size=36, required=True, readonly=True, help="The id of the run: every call about it carries this reference.")
    account_id = fields.Many2one('creativeflow.credit.account', 'Account', required=True, readonly=True, index=True, ondelete='restrict')
    generation_id = fields.Char('Generation', size=36, required=True, readonly=True, index=True)
    amount = fields.Float(digits=(16, 2), required=True, readonly=True)
    state = fields.Selection(STATES, required=True, readonly=True)
    answered = fields.Float(digits=(16, 2), required=True, readonly=True, help="What was available at the first answer. A repeat gets the same.")
    reserved_at = fields.Datetime('Reserved', required=True, readonly=True)
    expires_at = fields.Datetime('Expires', readonly=True)
    settled_at = fields.Datetime('Settled', readonly=True)
    transaction_ids = fields.One2many('creativeflow.credit.transaction', 'reservation_id', 'Transactions')

    def init(self):
        cr, table = self.env.cr, schema.RESERVATION
        schema.add_index(cr, table, f'{table}_reference_unique', '(reference)', unique=True)
        schema.add_index(cr, table, f'{table}_due', "(expires_at) WHERE state = 'held'")
        schema.add_index(cr, table, f'{table}_listed', f'{listing.ORDER} WHERE {listing.LISTED}')
        # Few are open among very many: whoever asks for those alone reads no others.
        schema.add_index(cr, table, f'{table}_open', f'{listing.ORDER} WHERE {listing.STILL_OPEN}')
        schema.add_constraint(cr, table, f'{table}_form', f'CHECK (reference {schema.UUID} AND generation_id {schema.UUID})')
        schema.add_constraint(cr, table, f'{table}_amount', f"CHECK (amount > 0 AND {schema.WHOLE_HUNDREDTHS.format('amount')})")
        schema.add_keeper(cr, table)

    @api.model_create_multi
    def create(self, vals_list):
        raise UserError(_("Reservations are made by the orchestrator."))

    def write(self, vals):
        raise UserError(_("Reservations are settled by the orchestrator, or refunded with the button."))

    def unlink(self):
        raise UserError(_("A reservation cannot be deleted."))

    @api.model
    def _expires_after(self):
        """Seconds until a reservation expires. What is no number of hours counts as not set:
        a slip in the system parameters must not stop every call."""
        value = self.env['ir.config_parameter'].sudo().get_param(HOURS) or ''
        hours = int(value) if value.isdecimal() and len(value) < 7 else DEFAULT_HOURS
        return max(hours, 1) * 3600

    @api.model
    def _expire_due(self):
        """For the cron."""
        return store.expire_due(self.env.registry.cursor)

    def action_refund(self):
        """Refund by hand what the orchestrator will never settle: its database was lost,
        say. This is an end: a deduction that comes later is refused."""
        accounts = self.env['creativeflow.credit.account']
        accounts._check_manager()
        cr = self.env.cr
        self.env.flush_all()
        book = store.lock(cr, self.account_id.mapped('user_uuid'))
        book.reservations.update(store.load(cr, self.mapped('reference')))
        try:
            for r in list(book.reservations.values()):
                book.do(Operation('refund', r.user, r.generation, r.reference, r.amount), note=_("by hand"))
        except Refusal as refusal:
            raise UserError(accounts._words_of(refusal)) from refusal
        store.save(cr, book, by=self.env.uid)
        self.env.invalidate_all()
