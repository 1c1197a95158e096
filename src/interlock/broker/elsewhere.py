"""Whether text that could not be read says that its work lies elsewhere: at a host, in the home, on a device.

Pure. In the sandbox such a command could do nothing but fail, so it is judged and run as it is. This protects people's
time, not their machine: what says nothing of the kind and reaches for the network all the same finds none inside.

INVARIANT: doubt keeps the question. A word too many costs a question, never a yes.
"""

from __future__ import annotations

import re

from interlock.effects.catalogue.unlisted import parts
from interlock.effects.catalogue.words import word_list

_LONGEST = 400  # characters that an effect keeps of a command; of a longer one the end is not known
_WORDS = word_list("elsewhere") | word_list("grave_actions")
_ROOTS = re.compile("|".join(map(re.escape, sorted(word_list("elsewhere-roots")))))
_OF_FILES = re.compile("|".join(map(re.escape, sorted(word_list("elsewhere-files")))))
_FILE = re.compile(r"(?<![\w:@-])[\w./-]*[\w-]\.[a-z][a-z0-9_]{0,9}(?![\w.:@/-])")  # with an ending, and no host's
_FETCHERS = word_list("reaches-network") | word_list("hides-itself")
_PROGRAM = re.compile(r"[A-Za-z][\w.+-]*")
_CLIENT = re.compile(r"ctl$|adm$|-cli$|[^aeiou]d$")  # it speaks to a daemon, or is one
_FED = re.compile(r"[|<]")
_NAMES = re.compile(r"[A-Za-z][\w-]*")
_SIGNS = re.compile(
    r"""
    [a-z][a-z0-9+.-]*://                        # an address of any scheme
    | [\w.-]+@[\w-]+(?:\.[\w-]+|:)              # user@host.domain, user@host:path
    | \b(?:\d{1,3}\.){3}\d{1,3}\b               # an address in digits
    | (?:^|[\s='"])[a-z][\w-]*(?:\.[\w-]+)*:\d{2,5}\b  # host:port
    | [a-z0-9]\.(?:com|org|net|io|dev|cloud|edu|gov|info|biz|pub|example|internal)(?=[\s:/'"]|$)
    | \blocalhost\b
    | (?:^|[\s='"(:])~                          # somebody's home
    | \$\{?HOME\b
    | (?:^|[\s='"(:/])\.\./                      # beside or above where it stands
    | (?:^|[\s='"(:@])/(?:home|root|Users|tmp|var|dev|proc|sys|run|mnt|media|boot|etc|srv|opt)(?:/|\b)
    | \s/(?:usr|bin|sbin|lib)(?:/|\b)
    | (?:^|\s)/\*?(?=[\s"')]|$)                  # the whole of it
    | \b[A-Za-z]:\\                             # a drive
    | (?:^|[\s='"/])\.env\b(?!\.(?:example|sample|template|dist|defaults|test|ci)\b)  # credentials are empty inside
    | \.(?:pem|key|p12|pfx|keystore|jks|kdbx)\b | \bid_(?:rsa|dsa|ecdsa|ed25519)\b | credentials
    | \s(?:-p|--?port)[\s=]?\d{2,5}\b       # what listens is heard by nobody inside
    | \(\)\s*\{[^}]*\|[^}]*&                      # a function that starts itself twice, and nobody ends it
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NOTHING = re.compile(r"/dev/(?:null|zero|full|stdin|stdout|stderr|tty|fd/\d)\b")


def names_another_place(text: str, workspace: str) -> bool:
    """Whether a text names what is not there inside: a host, the home, a scratch directory, a device.

    So does one that hides what it does: nobody can say where it works.

    `workspace` is there: its absolute path.
    """
    own = re.compile(re.escape(workspace) + r"(?=/|[\s'\";&|)]|$)") if workspace else _NOTHING
    here = own.sub(".", _NOTHING.sub(" ", text))
    return bool(_SIGNS.search(here)) or not _FETCHERS.isdisjoint(name.lower() for name in _NAMES.findall(here))


def says_work_elsewhere(command: str, text: str) -> bool:
    """Whether the words of an unknown command speak of what is no file: a deployment, an account, a server.

    `text` is the whole action's: what is piped or redirected into the command is among its words.
    """
    program = command.partition(" ")[0].rpartition("/")[2]
    return (
        len(command) >= _LONGEST
        or not _PROGRAM.fullmatch(program)
        or bool(_CLIENT.search(program))
        or any(_OF_FILES.search(name.lower()) for name in _FILE.findall(command))
        or names_no_file(_FILE.sub(" ", command))
        or bool(_FED.search(text) and names_no_file(text))
    )


def names_no_file(text: str) -> bool:
    """Whether a text has a word of a deployment, an account, a server, a credential."""
    return not _WORDS.isdisjoint(parts(text)) or bool(_ROOTS.search(text.lower()))
