from . import credits
