"""One set of views and groups for Odoo 17, 18 and 19.

Odoo renames things between its versions, and its XML has no conditions. The files in xml/
are in the words of Odoo 19; here they are put into those of the version that runs, and
handed to Odoo's own loader.
"""
import io

from lxml import etree

from odoo import api, models, release
from odoo.tools import convert, file_open

MODULE = 'creativeflow_credits'


class Dialect(models.AbstractModel):
    _name = 'creativeflow.credit.dialect'
    _description = 'Loads views and groups in the words of the Odoo that runs'

    @api.model
    def _load(self, *files):
        """Load files of this module, at its installation and at each upgrade."""
        for name in files:
            path = f'{MODULE}/{name}'
            with file_open(path, 'rb') as source:
                root = etree.parse(source).getroot()
            translate(root, release.version_info[0])
            translated = io.BytesIO(etree.tostring(root, encoding='utf-8', xml_declaration=True))
            translated.name = path  # for Odoo's messages
            convert.convert_xml_import(self.env, MODULE, translated, mode='init')


def translate(root, version):
    """Put the words of Odoo 19 into those of version, in place."""
    if version < 19:
        groups_without_privileges(root)
    if version < 18:
        lists_as_trees(root)
        crons_without_end(root)


def groups_without_privileges(root):
    """Before Odoo 19 a group stands in a category of applications, without a privilege between."""
    for record in root.iter('record'):
        if record.get('model') == 'res.groups.privilege':
            record.set('model', 'ir.module.category')
            for field in record.findall('field[@name="category_id"]'):
                field.set('name', 'parent_id')
        elif record.get('model') == 'res.groups':
            for field in record.findall('field'):
                renamed = {'privilege_id': 'category_id', 'user_ids': 'users'}
                field.set('name', renamed.get(field.get('name'), field.get('name')))


def lists_as_trees(root):
    """Before Odoo 18 a list is a tree."""
    for element in list(root.iter('list')):
        element.tag = 'tree'
    for field in root.iter('field'):
        if field.get('name') == 'view_mode':
            field.text = field.text.replace('list', 'tree')


def crons_without_end(root):
    """Before Odoo 18 a cron runs once if nobody says otherwise."""
    for record in root.iter('record'):
        if record.get('model') == 'ir.cron':
            etree.SubElement(record, 'field', name='numbercall', eval='-1')
