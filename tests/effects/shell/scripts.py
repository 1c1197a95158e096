"""Random harmless shell scripts, by grammar: what they run are stubs, what they write lies in their own directory."""

from __future__ import annotations

from random import Random

NAMES = ("alpha", "beta", "gamma", "delta")
VARS = ("x", "y", "z")
QUOTED_END = "'EOF'"


class Writer:
    """Writes one script from a seed."""

    def __init__(self, seed: int) -> None:
        self.r = Random(seed)
        self.functions: list[str] = []
        self.depth = 0

    def pick(self, *choices: str) -> str:
        return self.r.choice(choices)

    def script(self) -> str:
        lines = [self.statement() for _ in range(self.r.randint(1, 5))]
        return "\n".join(lines) + "\n"

    # -- words

    def literal(self) -> str:
        return self.pick(
            "one",
            "two words",
            "a b",
            "-f",
            "x=1",
            "p/q.txt",
            "~",
            "*",
            "$",
            "#h",
            "{k}",
            "a'b",
            'c"d',
            "e\\f",
            "",
            "é",
            "%s",
            "[",
            "]",
            "f.tar.gz",
            "&",
            ";",
            "if",
            "-n",
            "a\tb",
        )

    def quoted(self) -> str:
        text = self.literal()
        way = self.r.randint(0, 4)
        if way == 0:
            return "'" + text.replace("'", "'\\''") + "'"
        if way == 1:
            return '"' + "".join("\\" + c if c in '\\"$`' else c for c in text) + '"'
        if way == 2:
            return "$'" + "".join(f"\\x{ord(c):02x}" if c.isascii() else c for c in text) + "'"
        if way == 3:
            return "".join("\\" + c for c in text) or "''"
        return self.pick("plain", "w1", "a-b", "k=v", "./r", "a{b", "b}c", "x\\\ny", "9", "--long=v")

    def var(self) -> str:
        return self.pick(*VARS)

    def expansion(self) -> str:
        v = self.var()
        return self.pick(
            f"${v}",
            f"${{{v}}}",
            f"${{{v}:-d e}}",
            f"${{{v}-q}}",
            f"${{{v}:+alt}}",
            f"${{#{v}}}",
            f"${{{v}%.*}}",
            f"${{{v}##*/}}",
            f"${{{v}/o/0}}",
            f"${{{v}//a/_}}",
            f"${{{v}:1}}",
            f"${{{v}:0:2}}",
            f"${{{v}^^}}",
            f"${{{v}:=new}}",
            "$#",
            "$1",
            "$@",
            "$*",
            f"${{{v}#?}}",
            f"${{{v}%%[aeiou]*}}",
            f"${{!{v}}}",
            f"$((1+{self.r.randint(0, 9)}*2))",
            f"$(({v}+1))",
            f"${{{v}/#t/T}}",
            f"${{{v}/%s/S}}",
            f"${{{v},,}}",
            "${arr[@]}",
            "${arr[1]}",
            "${#arr[@]}",
            "${arr[*]}",
            f"${{{v}:-'s q'}}",
            f'${{{v}:-"t u"}}',
            f"${{{v}:+$y}}",
        )

    def substitution(self) -> str:
        self.depth += 1
        text = self.pick("echo", "printf %s") + " " + self.word()
        if self.r.random() < 0.2:
            text = self.simple()
        elif self.r.random() < 0.2:
            text = self.pick(
                f"if {self.pick('alpha', 'true', '! beta')}; then {text}; else echo other; fi",
                f"alpha && {text}",
                f"{text}; beta || echo more",
                f"for k in 1 2; do alpha $k && continue; {text}; done",
                f"case $x in one) {text};; *) echo none;; esac",
                "ifun() { if alpha i; then echo early; return; fi; echo late; }; ifun",
                f"cd d1 && {text}",
                f"cd nowhere && {text}",
            )
        self.depth -= 1
        if "`" not in text and "\\" not in text and "'" not in text and self.r.random() < 0.3:
            return f"`{text}`"
        return f"$({text})"

    def word(self) -> str:
        kind = self.r.random()
        if kind < 0.35:
            return self.quoted()
        if kind < 0.5:
            return self.expansion()
        if kind < 0.65:
            return f'"{self.expansion()}"'
        if kind < 0.72 and self.depth < 2:
            return self.substitution()
        if kind < 0.76 and self.depth < 2:
            return f'"{self.substitution()}"'
        if kind < 0.82:
            return self.pick(
                "{a,b}",
                "{1..3}",
                "x{p,q}y",
                "{a,{b,c}}",
                "pre{,.bak}",
                "{a..c}",
                "{01..03}",
                "{a}",
                "{x,y}{1,2}",
                '{"a b",c}',
            )
        if kind < 0.87:
            return self.pick("*", "*.txt", "d1/*", "f?.txt", "[fg]*", "nomatch*", "*/", ".[!.]*", "f[0-9].txt", "'*'*")
        if kind < 0.9:
            return self.pick("~", "~/s", "x~", '"~"')
        return self.quoted() + self.pick(self.expansion(), self.quoted(), f'"{self.expansion()}"')

    def words(self, low: int = 0, high: int = 3) -> str:
        return " ".join(self.word() for _ in range(self.r.randint(low, high)))

    # -- commands

    def simple(self) -> str:
        name = self.pick(*NAMES)
        if self.functions and self.r.random() < 0.3:
            name = self.r.choice(self.functions)
        name = self.pick(
            name, name, name, f"\\{name}", f'"{name[:2]}"{name[2:]}', f"{name[:1]}''{name[1:]}", f"command {name}"
        )
        prefix = f"{self.var()}={self.word()} " if self.r.random() < 0.1 else ""
        return f"{prefix}{name} {self.words()}{self.redirection()}"

    def redirection(self) -> str:
        if self.r.random() > 0.2:
            return ""
        return " " + self.pick(
            "> f1", ">> f2", "2>&1", "> /dev/null", "2>/dev/null", "&> f3", "< /dev/null", "<<< word", ">| f1", "3>&1"
        )

    def assignment(self) -> str:
        return self.pick(
            f"{self.var()}={self.word()}",
            f"{self.var()}+={self.word()}",
            f"arr=({self.words()})",
            f"arr+=({self.word()})",
            f"export {self.var()}={self.word()}",
            f"unset {self.var()}",
            f"set -- {self.words()}",
            "shift",
            f"{self.var()}=$(({self.r.randint(0, 20)} % 7))",
            f"IFS={self.pick(':', ',', chr(39) + ' ' + chr(39))}",
            "unset IFS",
            f"read {self.var()} {self.pick('', 'y')} <<< {self.word()}",
            f"printf -v {self.var()} %s-%s {self.word()} b",
            f"declare {self.var()}={self.quoted()}",
            f"arr[1]={self.word()}",
            f"let {self.var()}=3+4",
            f"(({self.var()}=5, 1))",
        )

    def command(self) -> str:
        self.depth += 1
        kind = self.r.random()
        if self.depth > 4 or kind < 0.45:
            text = self.simple()
        elif kind < 0.6:
            text = self.assignment()
        elif kind < 0.75:
            text = self.exotic()
        else:
            text = self.compound()
        self.depth -= 1
        return text

    def body(self) -> str:
        return self.pick("; ", "\n").join(self.command() for _ in range(self.r.randint(1, 2)))

    def compound(self) -> str:
        ways = (
            self.conditional,
            self.loop,
            self.group,
            self.case,
            self.joined,
            self.function,
            self.text,
            self.document,
            self.rounds,
            self.elsewhere,
        )
        return self.r.choice(ways)()

    def conditional(self) -> str:
        question = self.pick("true", "false", "alpha", "! beta", f"[[ {self.quoted()} == a* ]]")
        return f"if {question}; then {self.body()}; else {self.body()}; fi"

    def loop(self) -> str:
        return f"for {self.var()} in {self.words(1, 3)}; do {self.body()}; done"

    def group(self) -> str:
        return self.pick(f"( {self.body()} )", f"{{ {self.body()}; }}{self.redirection()}")

    def case(self) -> str:
        first = f"one|two) {self.body()};{self.pick(';', '&', ';&')}"
        return f"case {self.word()} in {first} a*) {self.body()};; *) {self.body()};; esac"

    def joined(self) -> str:
        return f"{self.command()} {self.pick('&&', '||', '|')} {self.command()}"

    def function(self) -> str:
        name = self.pick("fun", "gun")
        body = self.body()
        self.functions.append(name)
        end = self.pick("", "return; alpha never; ")
        return f"{name}() {{ {self.pick('local x=loc; ', '')}{body}; {end}}}; {name} {self.words()}"

    def text(self) -> str:
        arguments = self.pick("", " zero one", f" zero {self.word()}")
        return self.pick(
            f"eval {self.quoted_command()}",
            f"bash -c {self.quoted_command()}{arguments}",
            f"trap {self.quoted_command()} EXIT",
            f"echo {self.quoted_command()} | bash",
        )

    def document(self) -> str:
        body = self.pick("text", "$x $(beta here)", "`gamma bq`")
        return f"cat <<{self.pick('EOF', QUOTED_END)} > f1\n{body}\nEOF\nalpha after"

    def rounds(self) -> str:
        end = self.pick("", "break; ", "continue; ")
        return f"i=0; while [ $i -lt 2 ]; do {self.command()}; i=$((i+1)); {end}done"

    def elsewhere(self) -> str:
        return f"cd d1 {self.pick('&&', ';')} {self.simple()}; cd .."

    def exotic(self) -> str:
        """One of the rarer corners, each with a command in it."""
        a, b = self.simple(), self.simple()
        v, w = self.var(), self.word()
        return self.pick(
            f"{v}=alpha; ${v} {w}",
            f"{v}='beta one'; ${v} two",
            "{alpha,one} two",
            f'"$(echo gamma)" {w}',
            f"$(printf delta) {w}",
            f"until true; do {a}; done",
            "for ((i=0; i<2; i++)); do alpha $i; done",
            f"time {a}",
            f"! {a}",
            f"{a} && {b} || alpha last",
            f"cat <<E | beta {w}\n$(alpha h)\nE\n{a}",
            f"alpha <(beta {w})",
            f"bash -s one {w} <<< 'alpha \"$@\"'",
            f"bash <<< {self.quoted_command()}",
            f"printf '%s\\n' one 'two three' | while read {v}; do alpha \"${v}\"; done",
            f"while read -r {v} y; do alpha ${v}; done <<< {w}",
            f'mapfile -t arr <<< {w}; alpha "${{arr[@]}}"',
            f"alpha ${{{v}:-$(beta d)}}",
            f'alpha "${{{v}:-`gamma bq`}}"',
            "alpha ${@:2} ${arr[@]:1} ${!arr[@]}",
            f"alpha ${{{v}: -2}}",
            f"shopt -s expand_aliases\nalias al='alpha aliased'\nal {w}",
            "echo 'alpha sourced' > f1; . ./f1",
            "echo 'beta \"$1\"' > f2; source ./f2 arg",
            f"echo 'gamma \"$@\"' > f3; bash ./f3 {w}",
            f"[[ {self.quoted()} =~ ^(a|o).*$ ]] && {a}",
            f"if [[ -n {w} && ( 1 -lt 2 ) ]]; then {a}; fi",
            f"fn() {{ if true; then return; fi; {a}; }}; fn; {b}",
            f"for {v} in 1 2 3; do for y in a b; do {a}; break 2; done; done; {b}",
            f"for {v} in 1 2; do [ ${v} = 1 ] && continue; {a}; done",
            f"exec 3>&1; {a} >&3",
            f"( exec {a} ); {b}",
            f"({a}; exit; beta never)",
            f"{v}=1; ( {v}=2; alpha ${v} ); alpha ${v}",
            f"{v}=1; alpha ${v} | {{ {v}=3; beta ${v}; }}; alpha ${v}",
            "set -- a b c; shift 2; alpha $# $@",
            f"f2() {{ local {v}=in; g2; }}; g2() {{ alpha ${v}; }}; f2; g2",
            f"{v}=top; f3() {{ {v}=set; }}; f3; alpha ${v}",
            f"case x in x) {a} ;& y) {b} ;; z) alpha no;; esac",
            f"case {w} in \"a b\"|'*') {a};; [!a]*) {b};; esac",
            f"function h3 {{ {a}; }}; h3",
            "alpha $'a\\tb\\x41\\101\\u00e9' $\"loc\"",
            f"alpha &>> f1; {b}",
            f"{v}=(a 'b c' d); alpha \"${{{v}[@]}}\" ${{#{v}[@]}}; unset {v}",
            f"IFS=:; {v}=a:b::c; alpha ${v}; unset IFS",
            f"{v}=' a  b '; alpha ${v}x x${v}",
            'eval "alpha \\$x"',
            "eval eval \\'alpha deep\\'",
            f"{v}=5; (({v}+=2)); alpha ${v} $(({v} > 6 ? 1 : 0)) $((2**3)) $((0x1f)) $((010))",
            "cd d1; alpha *; cd ..; alpha *.txt",
            "pushd d1 >/dev/null; alpha *; popd",
            "declare -a arr=(1 2); alpha ${arr[1]}",
            f'readonly r1={w}; alpha "$r1"',
            f'alpha "$(beta | gamma)" {w}',
            f"coproc {{ {a}; }}; wait",
            f"{a} & {b} & wait",
            "trap 'alpha \"$x\"' EXIT; x=late",
            f"command -v alpha && {a}",
            f"builtin echo x; builtin eval {self.quoted_command()}",
            f"test -n {w} && {a}",
            f'alpha "a${{{v}:+b"c d"e}}f"',
            f"alpha ~/x:~/y {v}=~/z",
            f"{v}=~/p:~/q; alpha ${v}",
            f"alpha a\\\nb {w}",
            "alpha 'x'\\''y' \"q\\\"r\\$s\"",
            f"{{ alpha in; }} | beta; {a}",
        )

    def quoted_command(self) -> str:
        text = self.simple()
        return "'" + text.replace("'", "'\\''") + "'"

    def statement(self) -> str:
        return self.command() + self.pick("", "", "", " &\nwait", " # comment", ";")
