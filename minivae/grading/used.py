"""What a submission used, recorded in its own process: functions of the package, other files, commands, the network.

This is only reported; a teacher decides. Only the first call of each answer is watched, and code that wants to hide
something can do so.
"""

import contextlib
import os
import sys

from ..exercises.answers.foreign import printable

__all__ = ["Used"]

PACKAGE = __package__.partition(".")[0]
OURS = (f"{PACKAGE}.grading", f"{PACKAGE}.exercises.answers")   # the modules that call the answers
MOST = 50
DEEDS = {"socket.connect": "connected to a network", "subprocess.Popen": "ran a command", "os.system": "ran a command",
         "os.exec": "ran a command", "os.posix_spawn": "ran a command", "os.fork": "started a process",
         "os.kill": "sent a signal to a process", "ctypes.dlopen": "loaded a library in C"}
HARMLESS = ("/usr", "/etc", "/dev", "/proc/self", "/proc/cpuinfo", "/proc/meminfo")   # libraries read these


class Used:
    """What has been used so far.

    Parameters
    ----------
    folder : str
        The submission's own folder.

    Attributes
    ----------
    found : list of str
    """

    def __init__(self, folder):
        self.found = []
        package = os.path.dirname(os.path.dirname(__file__))   # it also opens files itself
        places = (folder, package, sys.prefix, sys.base_prefix, *HARMLESS)
        self._harmless = tuple(os.path.realpath(place) + os.sep for place in places)
        sys.addaudithook(self._heard)

    def note(self, text):
        text = printable(text, 150)
        if text not in self.found and len(self.found) < MOST:
            self.found.append(text)

    @contextlib.contextmanager
    def watched(self, name):
        """Record within the block which functions of the package an answer calls, or is."""
        def hook(frame, event, _):
            module = frame.f_globals.get("__name__") or ""
            if event == "call" and module.startswith(f"{PACKAGE}.") and not module.startswith(OURS) and frame.f_back:
                caller = frame.f_back.f_globals.get("__name__") or ""
                if not caller.startswith(f"{PACKAGE}.") or caller.startswith(OURS):
                    self.note(f"{name}: {module}.{frame.f_code.co_name}")

        sys.setprofile(hook)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _heard(self, event, arguments):
        with contextlib.suppress(Exception):   # an audit hook that raises would change what runs
            if event in DEEDS:
                self.note(DEEDS[event])
            elif event == "open" and isinstance(arguments[0], (str, bytes)):
                path = os.path.realpath(os.fsdecode(arguments[0]))
                if not (path.startswith(self._harmless) or path in HARMLESS or "matplotlib" in path):
                    self.note(f"opened {path}")
