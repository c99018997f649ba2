from odoo import _, fields, models


class CreditNewKey(models.TransientModel):
    _name = 'creativeflow.credit.new.key'
    _description = 'New credit API key'

    name = fields.Char(required=True, default='aigen', help="Who will use the key.")

    def action_issue(self):
        self.ensure_one()
        key = self.env['creativeflow.credit.api.key'].issue(self.name)
        return {
            'type': 'ir.actions.act_window', 'name': _("Your new key"), 'target': 'new',
            'res_model': 'creativeflow.credit.api.key.show', 'views': [(False, 'form')],
            'context': {'default_key': key},
        }
