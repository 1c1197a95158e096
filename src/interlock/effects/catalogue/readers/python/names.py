"""Names of Python's standard library by what a call of them does."""

from __future__ import annotations

from interlock.effects.catalogue.words import word_list

DELETE = {
    "os.remove": False,
    "os.unlink": False,
    "os.rmdir": False,
    "os.removedirs": False,
    "shutil.rmtree": True,
    "pathlib.Path.unlink": False,
    "pathlib.Path.rmdir": False,
}
WRITE = {
    "pathlib.Path.write_text",
    "pathlib.Path.write_bytes",
    "pathlib.Path.touch",
    "os.truncate",
    "os.mknod",
    "os.mkfifo",
    "pathlib.Path.mkdir",
    "os.mkdir",
    "os.makedirs",
}
READ = {"pathlib.Path.read_text", "pathlib.Path.read_bytes", "linecache.getlines", "fileinput.input"}
CHANGE = {"os.chmod", "os.chown", "pathlib.Path.chmod", "os.lchown", "shutil.chown"}
MOVE = {"os.rename", "os.replace", "shutil.move", "pathlib.Path.rename", "pathlib.Path.replace", "os.renames"}
COPY = {"shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "os.link", "os.symlink"}
SHELL = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "commands.getoutput",
    "asyncio.create_subprocess_shell",
    "pty.spawn",
}
RUN = {"subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen"}
EXEC = ("os.exec", "os.spawn", "os.posix_spawn", "asyncio.create_subprocess_exec")
EVAL = {
    "eval",
    "exec",
    "runpy.run_module",
    "code.interact",
    "code.InteractiveInterpreter",
    "imp.load_source",
    "marshal.loads",
    "pickle.loads",
    "pickle.load",
    "ctypes.CDLL",
    "ctypes.cdll.LoadLibrary",
    "types.FunctionType",
    "timeit.timeit",
    "cffi.FFI",
    "importlib.util.spec_from_file_location",
    "pdb.run",
    "pdb.runeval",
    "cProfile.run",
    "profile.run",
    "timeit.repeat",
    "timeit.Timer",
}
TEXTS = ("eval", "exec", "compile", "timeit.timeit", "timeit.repeat", "pdb.run", "cProfile.run", "profile.run")
# Modules that others of the standard library hold under their own names: `shutil.os` is `os`.
HELD = frozenset({"os", "sys", "subprocess", "shutil", "io", "builtins", "socket", "importlib", "pty", "posix"})
SEARCHES = ("sys.path.insert", "sys.path.append", "site.addsitedir")
# What is asked about a path without reading what lies there.
ASKS = word_list("python-asks")
SECRETS = {"keyring.get_password", "getpass.getpass", "netrc.netrc", "boto3.Session.get_credentials"}
HTTP = (
    "requests",
    "httpx",
    "urllib.request",
    "urllib3",
    "aiohttp",
    "http.client",
    "httplib2",
    "pycurl",
    "websocket",
    "smtplib",
    "ftplib",
    "telnetlib",
    "paramiko",
    "xmlrpc.client",
    "poplib",
    "imaplib",
    "nntplib",
)
SENDING = frozenset(
    {"post", "put", "patch", "delete", "send", "sendall", "sendto", "request", "sendmail", "storbinary", "send_message"}
)
STANDARD = word_list("python-standard")
DANGEROUS_WORDS = tuple(word_list("dangerous-beginnings"))
SQL_CALLS = ("execute", "executescript", "executemany")


INNARDS = frozenset(
    {
        "__dict__",
        "__subclasses__",
        "__globals__",
        "__builtins__",
        "__bases__",
        "__mro__",
        "__code__",
        "__getattribute__",
        "__class__",
        "__loader__",
        "__spec__",
        "f_globals",
        "f_builtins",
        "globals",
        "vars",
        "locals",
        "gi_frame",
        "__reduce__",
    }
)
