{
    'name': 'CreativeFlow Credits',
    'summary': 'Keeps the credits of users of the AI generation orchestrator',
    'description': """
Credit accounts, reservations and an append-only list of transactions, with the HTTP
routes through which the AI generation orchestrator (aigen) reserves, deducts and refunds.
See README.md for the installation.
""",
    # Without Odoo's own number before it: one and the same for Odoo 17, 18 and 19.
    'version': '1.0.0',
    'category': 'Sales',
    'author': 'CreativeFlow',
    'license': 'Other OSI approved licence',
    'depends': ['base', 'web'],
    'data': [
        'data/security.xml',
        'security/ir.model.access.csv',
        'data/views.xml',
    ],
    'application': True,
    'installable': True,
    'uninstall_hook': 'uninstall_hook',
}
