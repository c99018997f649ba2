from . import controllers, models, wizard
from .models.schema import drop_functions


def uninstall_hook(env):
    """The tables go with their models. The functions of their triggers are ours to drop."""
    env.cr.execute("DROP TABLE IF EXISTS creativeflow_credit_transaction, creativeflow_credit_reservation,"
                   " creativeflow_credit_account CASCADE")
    drop_functions(env.cr)
