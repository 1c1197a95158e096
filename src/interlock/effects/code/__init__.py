"""Program text in JavaScript, TypeScript, Ruby, Perl, PHP and Go: what would it touch, as far as its constants show?

`trees` parses within bounds, one module a language lowers the tree to the few `terms` that matter, `folding` follows
names and constants through them, and `reading` says what each call does, by the language's sheet in `sheets/`.
"""

from interlock.effects.code.reading import languages, read_code

__all__ = ["languages", "read_code"]
