from lxml import etree

from odoo.tests import BaseCase, tagged

from odoo.addons.creativeflow_credits.models.dialect import translate

SOURCE = """<odoo>
<record model="res.groups.privilege"><field name="name">x</field><field name="category_id" ref="c"/></record>
<record model="res.groups"><field name="privilege_id" ref="p"/><field name="user_ids" eval="[]"/></record>
<record model="ir.cron"><field name="name">x</field></record>
<record model="ir.ui.view"><field name="arch" type="xml"><form><list><field name="user_ids"/></list></form></field></record>
<record model="ir.actions.act_window"><field name="view_mode">list,form</field></record>
</odoo>"""


@tagged('post_install', '-at_install', 'creativeflow_credits')
class TestDialect(BaseCase):

    def translated(self, version):
        root = etree.fromstring(SOURCE)
        translate(root, version)
        return etree.tostring(root, encoding='unicode')

    def test_19_is_what_the_files_are_in(self):
        self.assertEqual(self.translated(19), etree.tostring(etree.fromstring(SOURCE), encoding='unicode'))

    def test_18_has_no_privileges(self):
        text = self.translated(18)
        self.assertIn('<record model="ir.module.category"><field name="name">x</field><field name="parent_id" ref="c"/>', text)
        self.assertIn('<field name="category_id" ref="p"/><field name="users" eval="[]"/>', text)
        self.assertIn('<list><field name="user_ids"/></list>', text, "fields of views are not those of groups")
        self.assertNotIn('numbercall', text)

    def test_17_has_trees_and_crons_that_end(self):
        text = self.translated(17)
        self.assertIn('<tree><field name="user_ids"/></tree>', text)
        self.assertIn('tree,form', text)
        self.assertIn('<field name="numbercall" eval="-1"/>', text)
