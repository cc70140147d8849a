"""What stops the tool itself: files it cannot read or write, a missing library, a fault of its own."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

CANNOT_READ_FILE = Code(
    "E001",
    "cannot read a file",
    """\
The file does not exist, is a directory, or may not be read; the message gives the operating system's reason. Relative
paths start at the directory that the command runs in. `builtin:NAME` is a spec that comes with the tool and is found
from any directory; `inception-dsl specs` lists them.
""",
)

FILE_NOT_UTF8 = Code(
    "E002",
    "file is not UTF-8",
    """\
A spec is UTF-8 text, with or without a byte order mark. The message points at the first byte that is not UTF-8. Save
the file as UTF-8 in your editor.
""",
)

FILE_TOO_LARGE = Code(
    "E003",
    "file is too large",
    """\
A spec has at most 4 MiB and 100,000 YAML values. The largest published network takes a few kilobytes, so a larger file
is probably the wrong one.
""",
)

FILE_EMPTY = Code(
    "E004",
    "file is empty",
    """\
The file holds nothing but blanks and comments. The smallest spec has a `network`, an `input` and `layers`.
""",
)

MISSING_DEPENDENCY = Code(
    "E005",
    "missing optional dependency",
    """\
Reading and compiling specs needs only what is installed with the tool. Running networks and reading weights needs
another library; the message names it and the extra that installs it.
""",
    about_installation=True,
)

CANNOT_WRITE_FILE = Code(
    "E006",
    "cannot write a file",
    """\
The message gives the operating system's reason, or says what is in the way: a directory, a symbolic link, a device.
The files of a network are written all together or not at all; on an error the previous ones stay as they were.
""",
)

NO_SPEC_FOUND = Code(
    "E007",
    "no spec found",
    """\
A path names a spec, or a directory that holds specs, in it or in the directories below: files whose names end in
`.yaml`. A file of claims does not count as a spec. Hidden directories are left out.
""",
)

UNUSABLE_INPUT = Code(
    "E008",
    "unusable images, weights or run",
    """\
`train`, `ablate`, `eval`, `ensemble`, `features`, `plot` and `doctor` cannot use what they were given, and the message
says why: a data set without the requested split, an image that cannot be read, predictions for other images, a run
without metrics, a setting that this machine does not support. `ablate` reports a run that failed with this code too,
and then ends with exit code 1. `train` and `doctor` also report it on systems that are not POSIX, such as Windows.
""",
)

INVALID_SWEEP = Code(
    "E010",
    "invalid sweep",
    """\
A sweep varies settings: `--set width=0.25:2:0.05` is a range with both ends, `--set depth=1,2,3` a list, and a list
may hold ranges. `--size` takes a list of image sizes. There are at most 10,000,000 combinations. `--where`,
`--minimise` and `--maximise` take formulas of the settings and of what claims measure of a network:
`params(x) / ops(x) > 0.01`.
""",
)

INTERNAL_ERROR = Code(
    "E901",
    "internal error",
    """\
This is a bug in inception-dsl, not in the spec: no input should cause it. The command still examines its other specs.
Please report it with the spec and the command that the message repeats. `--traceback`, anywhere on the command line,
shows where it happened.
""",
)
