from . import test_ledger, test_models, test_http, test_listing, test_concurrency, test_dialect
