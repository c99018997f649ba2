import json
import uuid

from odoo.tests import HttpCase

from odoo.addons.creativeflow_credits.ledger import Operation


def new_id():
    return str(uuid.uuid4())


def operation(name, user, amount=100, reference=None, generation=None):
    return Operation(name, user, generation or new_id(), reference or new_id(), amount)


def again(op, name):
    """The same run, with another verb."""
    return Operation(name, op.user, op.generation, op.reference, op.amount)


class RoutesCase(HttpCase):
    """Calls the routes over HTTP, with a key of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accounts = cls.env['creativeflow.credit.account']
        cls.key = cls.env['creativeflow.credit.api.key'].issue('the tests')
        cls.env.flush_all()

    def call(self, path, body=None, method='POST', key=None, headers=None, status=200):
        """One call; the answer must be JSON whatever its status."""
        headers = {'Authorization': f'Bearer {key or self.key}', 'Content-Type': 'application/json', **(headers or {})}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        answer = self.opener.request(
            method, f'{self.base_url()}/api/v1/credits/{path}', data=data, headers=headers, timeout=30, allow_redirects=False)
        self.assertEqual(answer.headers['Content-Type'].split(';')[0], 'application/json', answer.text[:200])
        self.assertEqual(answer.status_code, status, answer.text)
        self.assertNotIn('Set-Cookie', answer.headers, "no session")
        self.last = answer
        return answer.json()

    def refused(self, code, status, path, body=None, **kwargs):
        self.assertEqual(self.call(path, body, status=status, **kwargs)['error']['code'], code)

    def user(self, amount='10'):
        user = new_id()
        self.accounts.grant(user, amount, new_id())
        return user

    def body(self, user, amount='2.50', **changes):
        return {'user_id': user, 'amount': amount, 'generation_id': new_id(), 'reference': new_id(), **changes}

    def balance(self, user):
        return tuple(self.call(f'balance?user_id={user}', method='GET').values())
