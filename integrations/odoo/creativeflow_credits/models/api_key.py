import hashlib
import hmac
import secrets

from odoo import _, api, fields, models
from odoo.exceptions import UserError

PREFIX = 'cfc_'


class CreditApiKey(models.Model):
    """A key with which the orchestrator may call. Only its hash is kept: SHA-256 without
    salt or rounds is enough for 32 random bytes, which nobody can guess, and quick enough
    for each call."""
    _name = 'creativeflow.credit.api.key'
    _description = 'Credit API key'
    _order = 'id desc'

    name = fields.Char(required=True, help="Who uses the key.")
    key_hash = fields.Char(required=True, readonly=True, copy=False, groups=fields.NO_ACCESS)
    hint = fields.Char('Begins with', readonly=True, copy=False)
    active = fields.Boolean(default=True, help="An archived key is refused.")
    last_used = fields.Date(readonly=True, copy=False)

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.context.get('creativeflow_issue'):
            raise UserError(_("Use New key: the key is made here, and shown once."))
        return super().create(vals_list)

    def write(self, vals):
        if vals.keys() - {'name', 'active'}:
            raise UserError(_("A key cannot be changed. Make a new one and archive the old."))
        return super().write(vals)

    @api.model
    def issue(self, name, key=None):
        """Make a key and return it. It cannot be read again.

        A key that exists already (ODOO_API_KEY, when many machines are set up by a script)
        may be given; it needs 32 characters, since it is kept without rounds."""
        self.env['creativeflow.credit.account']._check_manager()
        key = key or PREFIX + secrets.token_urlsafe(32)
        if len(key) < 32:
            raise UserError(_("A key needs 32 characters at least."))
        self.sudo().with_context(creativeflow_issue=True).create({
            'name': name, 'key_hash': digest(key), 'hint': key[:8],
        })
        return key

    @api.model
    def _knows(self, key):
        """Whether the key is one of ours. All are compared, each in constant time."""
        given, found = digest(key), None
        self.env.cr.execute("SELECT id, key_hash, last_used = current_date FROM creativeflow_credit_api_key WHERE active")
        for key_id, expected, used_today in self.env.cr.fetchall():
            if hmac.compare_digest(given, expected):
                found = key_id
                if not used_today:
                    self._used(key_id)
        return found is not None

    def _used(self, key_id):
        """Note the day, once a day, in a transaction of its own. Whoever finds another one at it leaves it to them."""
        with self.env.registry.cursor() as cr:
            cr.execute("""
                UPDATE creativeflow_credit_api_key SET last_used = current_date WHERE id = (
                    SELECT id FROM creativeflow_credit_api_key WHERE id = %s FOR UPDATE SKIP LOCKED)""", [key_id])


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()


class CreditApiKeyShow(models.AbstractModel):
    """Shows a new key without a row in the database."""
    _name = 'creativeflow.credit.api.key.show'
    _description = 'Shows a new credit API key'

    id = fields.Id()  # for the form, which asks for it
    key = fields.Char(readonly=True)
