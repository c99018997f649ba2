from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

HOURS = 'creativeflow_credits.reservation_hours'
DEFAULT_HOURS = 168


class Settings(models.TransientModel):
    _inherit = 'res.config.settings'

    creativeflow_reservation_hours = fields.Integer(
        'Reservations expire after', config_parameter=HOURS, default=DEFAULT_HOURS,
        help="Hours. Far longer than the orchestrator takes for a stage, and than an outage that it bridges: a week.",
    )

    @api.constrains('creativeflow_reservation_hours')
    def _check_creativeflow_reservation_hours(self):
        for settings in self:
            if settings.creativeflow_reservation_hours < 1:
                raise ValidationError(_("Reservations must be kept for an hour at least."))
