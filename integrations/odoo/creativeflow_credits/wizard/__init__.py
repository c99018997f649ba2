from . import grant, new_key
