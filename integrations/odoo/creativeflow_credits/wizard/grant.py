import uuid

from odoo import _, fields, models
from odoo.exceptions import UserError


class CreditGrant(models.TransientModel):
    _name = 'creativeflow.credit.grant'
    _description = 'Grant credits'

    user_uuid = fields.Char('User', required=True, help="The user's UUID. An account is made if there is none.")
    amount = fields.Float(digits=(16, 2), required=True, help="Negative: take credits back.")
    note = fields.Char('Reason', required=True, help="Stands in the list of transactions for good.")
    # Made with the form: whoever presses the button twice grants once.
    reference = fields.Char(required=True, readonly=True, default=lambda self: f'grant-{uuid.uuid4()}')

    def action_grant(self):
        self.ensure_one()
        if not self.amount:
            raise UserError(_("Enter an amount."))
        account = self.env['creativeflow.credit.account'].grant(
            self.user_uuid, f'{self.amount:.2f}', self.reference, self.note,
        )
        return {
            'type': 'ir.actions.act_window', 'res_model': account._name, 'res_id': account.id, 'views': [(False, 'form')],
        }
