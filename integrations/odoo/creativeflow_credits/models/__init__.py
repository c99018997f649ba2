from . import account, api_key, dialect, reservation, settings, transaction
