"""The same rules once more in the database, for whoever comes past the ledger: another
addon, a person with a SQL console, or a defect in here.

Odoo declares constraints in one way up to version 18 and in another from 19; plain SQL is
the same for all. Models call this from init(), at the installation and at each upgrade.
"""

ACCOUNT = 'creativeflow_credit_account'
RESERVATION = 'creativeflow_credit_reservation'
TRANSACTION = 'creativeflow_credit_transaction'

# A trigger's name is also that of its function.
TRIGGERS = {
    'creativeflow_credit_account_keep': """
        IF TG_OP <> 'UPDATE' THEN
            RAISE EXCEPTION 'A credit account cannot be deleted: archive it.';
        END IF;
        IF NEW.user_uuid <> OLD.user_uuid THEN
            RAISE EXCEPTION 'The user of a credit account cannot be changed.';
        END IF;
        RETURN NEW;""",
    'creativeflow_credit_reservation_keep': """
        IF TG_OP <> 'UPDATE' THEN
            RAISE EXCEPTION 'A credit reservation cannot be deleted.';
        END IF;
        IF (NEW.reference, NEW.account_id, NEW.generation_id, NEW.amount, NEW.answered)
           IS DISTINCT FROM (OLD.reference, OLD.account_id, OLD.generation_id, OLD.amount, OLD.answered) THEN
            RAISE EXCEPTION 'Of a credit reservation only the state can be changed.';
        END IF;
        IF NEW.state <> OLD.state AND NOT (
            (OLD.state = 'held' AND NEW.state IN ('expired', 'deducted', 'refunded')) OR
            (OLD.state = 'expired' AND NEW.state IN ('deducted', 'refunded'))
        ) THEN
            RAISE EXCEPTION 'A credit reservation cannot go from % to %.', OLD.state, NEW.state;
        END IF;
        RETURN NEW;""",
    'creativeflow_credit_transaction_keep': """
        RAISE EXCEPTION 'The list of credit transactions is append-only.';""",
}


def add_constraint(cr, table, name, definition):
    cr.execute("SELECT 1 FROM pg_constraint WHERE conname = %s AND conrelid = %s::regclass", [name, table])
    if not cr.fetchone():
        cr.execute(f'ALTER TABLE {table} ADD CONSTRAINT {name} {definition}')


def add_index(cr, table, name, definition, unique=False):
    cr.execute(f"CREATE {'UNIQUE ' if unique else ''}INDEX IF NOT EXISTS {name} ON {table} {definition}")


def add_keeper(cr, table):
    """Before each change of a row, and before the table is emptied at a stroke."""
    name = table + '_keep'
    cr.execute(f"""
        CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            {TRIGGERS[name]}
        END $body$""")
    for suffix, event in (('', 'UPDATE OR DELETE'), ('_all', 'TRUNCATE')):
        each = 'STATEMENT' if suffix else 'ROW'
        cr.execute(f"DROP TRIGGER IF EXISTS {name}{suffix} ON {table}")
        cr.execute(f"CREATE TRIGGER {name}{suffix} BEFORE {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()")


def drop_functions(cr):
    for name in TRIGGERS:
        cr.execute(f'DROP FUNCTION IF EXISTS {name}() CASCADE')


UUID = "~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'"
WHOLE_HUNDREDTHS = '{0} = round({0}, 2)'
