"""The routes of contract section 4, and the list of reservations.

Whatever happens in here is answered in JSON with the status that it deserves: Odoo's own
answer to an error is a page in HTML, which tells the orchestrator nothing. What Odoo
answers before it comes here (no database, the wrong one) is a page all the same.
"""
import logging

from odoo import http
from odoo.http import request

from .. import listing, store, wire
from ..ledger import Refusal

_logger = logging.getLogger(__name__)

BASE = '/api/v1/credits'


def route(path, method):
    """A route without login, session or form: the key is checked, the answer is JSON.

    readonly is for Odoo 18 and later, where a route without login gets a transaction that
    cannot write. All methods are taken, so that the wrong one is answered in JSON too.
    """
    def decorate(handle):
        @http.route(BASE + path, type='http', auth='none', csrf=False, save_session=False, readonly=False)
        def handler(self, **parameters):
            return respond(method, lambda: handle(self))
        handler.__name__ = handle.__name__
        return handler
    return decorate


def respond(method, handle):
    headers = [('Cache-Control', 'no-store')]
    try:
        check_key()
        if method and request.httprequest.method != method:
            headers.append(('Allow', method))
            raise Refusal('method_not_allowed', f'Use {method}.')
        return request.make_json_response(handle(), headers=headers)
    except Refusal as refusal:
        failure = refusal
    except (store.Unavailable, *store.AWAY) as error:
        _logger.warning("credits: not available: %s", error)
        failure = Refusal('unavailable', 'The accounts cannot be reached just now. Try again.')
    except Exception:
        _logger.exception("credits: %s %s", request.httprequest.method, request.httprequest.path)
        failure = Refusal('internal_error', "Something went wrong. Odoo's log says what.")
    status = wire.status_of(failure)
    if status == 401:
        headers.append(('WWW-Authenticate', 'Bearer'))
    if status == 503:
        headers.append(('Retry-After', '1'))
    return request.make_json_response(wire.error(failure), headers=headers, status=status)


def check_key():
    scheme, _, key = request.httprequest.headers.get('Authorization', '').partition(' ')
    if scheme.lower() != 'bearer' or not key.strip():
        raise Refusal('unauthorized', 'Send the API key: Authorization: Bearer <key>.')
    if not request.env['creativeflow.credit.api.key'].sudo()._knows(key.strip()):
        raise Refusal('invalid_api_key', 'The API key is not known or was revoked.')


def body():
    length = request.httprequest.content_length
    if length and length > wire.MAX_BODY:
        raise Refusal('too_large', f'The body is larger than {wire.MAX_BODY} bytes.')
    return wire.read_object(request.httprequest.get_data())


def carry_out(operations):
    expires_after = request.env['creativeflow.credit.reservation'].sudo()._expires_after()
    return store.carry_out(request.env.registry.cursor, operations, expires_after)


def one(name):
    [outcome] = carry_out([wire.read_operation(body(), name)])
    if isinstance(outcome, Refusal):
        raise outcome
    return wire.answer(outcome)


class Credits(http.Controller):

    @route('/check_and_reserve', 'POST')
    def check_and_reserve(self):
        return one('reserve')

    @route('/deduct', 'POST')
    def deduct(self):
        return one('deduct')

    @route('/refund', 'POST')
    def refund(self):
        return one('refund')

    @route('/batch', 'POST')
    def batch(self):
        values = wire.read_batch(body())
        outcomes, operations = [None] * len(values), {}
        for i, value in enumerate(values):
            try:
                operations[i] = wire.read_operation(value)
            except Refusal as refusal:
                outcomes[i] = refusal
        if operations:
            for i, outcome in zip(operations, carry_out(list(operations.values()))):
                outcomes[i] = outcome
        return {'results': [wire.result(value, outcome) for value, outcome in zip(values, outcomes)]}

    @route('/balance', 'GET')
    def balance(self):
        user = wire.read_uuid(request.httprequest.args, 'user_id')
        names = ('balance', 'reserved', 'available')
        return {name: wire.amount(value) for name, value in zip(names, store.balance_of(request.env.cr, user))}

    @route('/reservations', 'GET')
    def reservations(self):
        return listing.page(request.env.cr, request.httprequest.args)

    @route('/<path:rest>', None)
    def elsewhere(self):
        raise Refusal('not_found', 'There is no such route.')
