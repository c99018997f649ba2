import uuid

from odoo.addons.creativeflow_credits.ledger import Operation


def new_id():
    return str(uuid.uuid4())


def operation(name, user, amount=100, reference=None, generation=None):
    return Operation(name, user, generation or new_id(), reference or new_id(), amount)


def again(op, name):
    """The same run, with another verb."""
    return Operation(name, op.user, op.generation, op.reference, op.amount)
