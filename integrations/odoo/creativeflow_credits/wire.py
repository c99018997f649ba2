"""The calls as they come and the answers as they go (contract section 4)."""
import json
import re

from .ledger import MAX_AMOUNT, Operation, Refusal

MAX_BODY = 256 * 1024  # bytes; a batch of 500 has about 100 KiB
MAX_BATCH = 500  # operations; the orchestrator sends at most 100

OPERATIONS = ('reserve', 'deduct', 'refund')

_UUID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')
_AMOUNT = re.compile(r'([0-9]{1,13})(?:\.([0-9]{1,2}))?')

# The status of each code. What is not here is the state of a reservation: 409.
STATUS = {
    'bad_request': 400, 'unauthorized': 401, 'invalid_api_key': 401, 'not_found': 404, 'method_not_allowed': 405,
    'too_large': 413, 'invalid_input': 422, 'invalid_amount': 422, 'invalid_reference': 422, 'invalid_operation': 422,
    'invalid_request': 422, 'internal_error': 500, 'unavailable': 503,
}


def status_of(refusal):
    return STATUS.get(refusal.code, 409)


def error(refusal):
    return {'error': {'code': refusal.code, 'message': refusal.message}}


def read_object(body):
    """The JSON object in a body. Raises Refusal."""
    if len(body) > MAX_BODY:
        raise Refusal('too_large', f'The body is larger than {MAX_BODY} bytes.')
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal('bad_request', 'The body is not JSON.') from None
    if not isinstance(value, dict):
        raise Refusal('bad_request', 'The body is not a JSON object.')
    return value


def read_batch(value):
    """The operations of a batch, as they stand there. Raises Refusal."""
    operations = value.get('operations')
    if not isinstance(operations, list):
        raise Refusal('invalid_input', 'operations must be a list.')
    if len(operations) > MAX_BATCH:
        raise Refusal('too_large', f'A batch has at most {MAX_BATCH} operations.')
    return operations


def read_operation(value, name=None):
    """One operation; name is what the route says, else "op" does. Raises Refusal."""
    if not isinstance(value, dict):
        raise Refusal('invalid_input', 'An operation must be an object.')
    name = name or value.get('op')
    if name not in OPERATIONS:
        raise Refusal('invalid_operation', 'op must be one of reserve, deduct, refund.')
    return Operation(
        name=name, user=read_uuid(value, 'user_id'), generation=read_uuid(value, 'generation_id'),
        reference=read_uuid(value, 'reference', 'invalid_reference'), amount=read_amount(value.get('amount')),
    )


def read_uuid(value, key, code='invalid_input'):
    text = value.get(key)
    if isinstance(text, str) and _UUID.fullmatch(text.lower()):
        return text.lower()
    raise Refusal(code, f'{key} must be a UUID.')


def read_amount(text):
    """Hundredths of a decimal string. A JSON number is refused: it may have been a float."""
    match = isinstance(text, str) and _AMOUNT.fullmatch(text)
    hundredths = int(match[1]) * 100 + int((match[2] or '').ljust(2, '0')) if match else 0
    if 0 < hundredths <= MAX_AMOUNT:
        return hundredths
    raise Refusal('invalid_amount', 'amount must be a positive decimal string with at most two places, such as "0.25".')


def amount(hundredths):
    """The wire form: "0.25"."""
    sign, hundredths = ('-', -hundredths) if hundredths < 0 else ('', hundredths)
    return f'{sign}{hundredths // 100}.{hundredths % 100:02d}'


def answer(outcome):
    """What the ledger says, with amounts in their wire form."""
    return {key: amount(value) if key == 'available' else value for key, value in outcome.items()}


def result(value, outcome):
    """One of the results of a batch: an answer or a Refusal, with the reference as it was given."""
    reference = value.get('reference') if isinstance(value, dict) else None
    if isinstance(outcome, Refusal):
        return {'reference': reference, 'ok': False, **error(outcome)}
    return {'reference': reference, 'ok': True, **answer(outcome)}
