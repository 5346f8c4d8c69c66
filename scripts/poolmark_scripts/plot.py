"""The command scripts/plot."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any, Iterator

from poolmark_scripts import results

EXIT_UNUSABLE = 2
EPILOG = """\
examples:
  scripts/plot results/latest.json
  scripts/plot results/before.json results/after.json -o pictures

One file, FILE.json: FILE.svg has speed-up and efficiency of every executor and pattern, and the time to
the first result. Beside it, as far as the file has the data:
  FILE.results.svg    when the caller held how many results: map, as_completed and wait
  FILE.latencies.svg  percentiles of the time from a task's submission to its result
  FILE.chunks.svg     the map's time by chunk size (--chunksize=1,4,16,auto)
  FILE.cold.svg       what making a pool costs (--pool=both)
  FILE.rounds.svg     every sample in the order of running, and what disturbed it
Several files: the overview side by side, for the pattern map. Each SVG has a PNG beside it; prints the names.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="scripts/plot",
        description="Draws results files: how speed-up, efficiency and time to first result depend on the workers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("files", nargs="+", metavar="RESULTS.json", help="what scripts/bench wrote")
    made.add_argument("-o", "--output", type=Path, metavar="DIR",
                      help="directory for the pictures, made if need be (default: beside the first file)")  # fmt: skip
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(argv)
    try:
        loaded = [results.load(path) for path in options.files]
        written = draw(loaded, options.output or loaded[0].path.parent)
    except results.ResultsError as error:
        print(f"scripts/plot: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    for path in written:
        print(path)
    return 0


def draw(loaded: list[results.Results], directory: Path) -> list[Path]:
    """Draws the overview of `loaded` into `directory`, and of a single file what else it holds; returns the files written."""
    from poolmark_scripts import drawing, picture  # matplotlib takes a while; --help does not wait for it

    if len(loaded) > picture.MAX_FILES:
        raise results.ResultsError(
            f"{len(loaded)} files are too many for one picture; give at most {picture.MAX_FILES}."
        )
    empty = [str(one.path) for one in loaded if not one.cells]
    if empty:
        raise results.ResultsError(f"{', '.join(empty)}: there is no measurement to draw.")
    stem = "-and-".join(dict.fromkeys(one.path.stem for one in loaded))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        written = drawing.save(picture.make(loaded), directory / stem)
        for topic, figure in _topics(loaded[0]) if len(loaded) == 1 else ():
            written += drawing.save(figure, directory / f"{stem}.{topic}")
        return written
    except OSError as error:
        raise results.ResultsError(
            f"cannot write pictures to {directory}: {error.strerror}. Name another directory with -o DIR."
        ) from None


def _topics(one: results.Results) -> Iterator[tuple[str, Any]]:
    """The pictures beside the overview, as far as the file has their data: (topic, figure)."""
    from poolmark_scripts import picture_results, picture_rounds, picture_variants

    for topic, make in (
        ("results", picture_results.completions),
        ("latencies", picture_results.latencies),
        ("chunks", picture_variants.chunk_sizes),
        ("cold", picture_variants.making_pools),
        ("rounds", picture_rounds.rounds),
    ):
        figure = make(one)
        if figure is not None:
            yield topic, figure


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
