"""Migrations of Django, Alembic and plain SQL: what is lost, what waits, what cannot be taken back."""

from __future__ import annotations

import pytest

from interlock.changes import shapes
from interlock.changes.change import Kind, Version
from interlock.changes.formal import migrations

ALEMBIC = "def upgrade() -> None:\n    {up}\n\n\ndef downgrade() -> None:\n    {down}\n"
DJANGO = "class Migration(migrations.Migration):\n    operations = [\n        {op},\n    ]\n"
COLUMN = "\n        'orders',\n        sa.Column('k', sa.Integer(), nullable=False{more}),\n    "
LOST, WAITS, ONE_WAY = "data-lost", "table-locked", "migration-one-way"  # the first two are rules of `static`
LOSES, LOCKS, SLOW = "migration-loses", "migration-locks", "migration-locks (note)"


def alembic(up: str, down: str = "op.execute('SELECT 1')") -> tuple[str, str]:
    return "alembic/versions/b_more.py", ALEMBIC.format(up=up, down=down)


def django(op: str) -> tuple[str, str]:
    return "shop/migrations/0002_more.py", DJANGO.format(op=op)


def sql(text: str, name: str = "002_more.sql") -> tuple[str, str]:
    return f"db/migrations/{name}", text + "\n"


def found(path: str, text: str) -> list[str]:
    """Rules of both stages that look at migrations."""
    side = Version(path, "100644", "", Kind.TEXT, len(text), text.encode())
    rules = [rule for rule in shapes.load("static") if rule.id in (f"static/{LOST}", f"static/{WAITS}")]
    by_shape = [finding.rule.partition("/")[2] for finding in shapes.look(side, rules)]
    doubts = [f"migration-{d.rule}" + " (note)" * (not d.grave) for d in migrations.doubts(path, text, {path})]
    return sorted([*by_shape, *doubts])


@pytest.mark.parametrize(
    ("migration", "rules"),
    [
        (alembic("op.drop_column('orders', 'note')", "op.add_column('orders', note)"), [LOST]),
        (alembic('op.execute("""\n        DELETE FROM orders\n    """)', "pass"), [LOST, ONE_WAY]),
        (alembic("with op.batch_alter_table('orders') as b:\n        b.drop_column('note')"), [LOSES]),
        (alembic("op.execute('UPDATE orders SET note = 1')"), [LOSES]),
        (alembic(f"op.add_column({COLUMN.format(more='')})"), [LOCKS]),
        (alembic("op.alter_column(\n        'orders', 'k', type_=sa.BigInteger()\n    )"), [LOCKS]),
        (alembic("op.alter_column('orders', 'k', nullable=False)"), [LOCKS]),
        (alembic("op.rename_table('orders', 'sales')"), [LOCKS]),
        (alembic("op.create_unique_constraint('u', 'orders', ['k'])"), [LOCKS]),
        (alembic("op.execute('CREATE INDEX i ON orders (k)')"), [SLOW]),
        (django("migrations.RemoveField(model_name='order', name='note')"), [LOST]),
        (django("migrations.RunSQL('DROP TABLE shop_order')"), [LOST, ONE_WAY]),
        (django("migrations.RunSQL('UPDATE shop_order SET a = 1', migrations.RunSQL.noop)"), [LOSES]),
        (django("migrations.RunPython(forwards, None)"), [ONE_WAY]),
        (django("migrations.RenameField(model_name='order', old_name='k', new_name='l')"), [LOCKS]),
        (django("migrations.AlterField(model_name='order', name='k', field=models.TextField())"), [SLOW]),
        (sql("ALTER TABLE orders DROP note;"), [LOSES]),
        (sql("CREATE UNIQUE INDEX i ON orders (k);"), [SLOW]),
        (sql("ALTER TABLE orders ALTER COLUMN k SET NOT NULL;"), [LOCKS]),
        (sql("ALTER TABLE orders MODIFY COLUMN k bigint;"), [LOCKS]),
        (sql("ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (p) REFERENCES people (id);"), [LOCKS]),
        (sql("ALTER TABLE orders ADD COLUMN k uuid DEFAULT gen_random_uuid();"), [LOCKS]),
        (sql("DROP TABLE orders;", "002_more.up.sql"), [LOST, ONE_WAY]),
    ],
)
def test_what_a_person_should_see(migration: tuple[str, str], rules: list[str]) -> None:
    assert found(*migration) == rules


@pytest.mark.parametrize(
    "migration",
    [
        # Story: every migration that made a table wanted a person, for its downgrade drops it.
        alembic("op.create_table('sales', sa.Column('id', sa.Integer()))", "op.drop_table('sales')"),
        alembic("op.add_column('orders', note)", "op.drop_column(\n        'orders', 'note'\n    )"),
        alembic(f"op.add_column({COLUMN.format(more=', server_default=ZERO')})"),
        django("AddIndexConcurrently(model_name='order', index=i)"),
        django("migrations.AddField(model_name='order', name='k', field=models.IntegerField(null=True))"),
        sql("CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL);\nCREATE INDEX i ON t (k);"),
        sql("ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (p) REFERENCES people (id) NOT VALID;"),
        sql("ALTER TABLE orders ADD COLUMN k timestamptz DEFAULT now();"),
        sql("CREATE INDEX CONCURRENTLY i ON orders (k);"),
        sql("-- DROP TABLE orders;\nSELECT 'ALTER TABLE orders DROP note';"),
        sql("DROP TABLE t;", "002_more.down.sql"),
        sql("-- +goose Up\nCREATE TABLE t (id int);\n-- +goose Down\nDROP TABLE t;"),
        (
            "db/migrate/2_more.rb",
            "class M\n  def up\n    add_index :a, :b\n  end\n  def down\n    drop_table :a\n  end\nend\n",
        ),
    ],
)
def test_what_nobody_has_to_see(migration: tuple[str, str]) -> None:
    assert found(*migration) == []
