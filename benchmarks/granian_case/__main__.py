"""The command: `python -m benchmarks.granian_case`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.granian_case.page import WIDTH, write
from benchmarks.granian_case.runner import NotMeasured, measure
from benchmarks.granian_case.stories import STORIES, Story
from benchmarks.leakbench.environments import Environments, NoEnvironment, default_python_folders
from pytest_reqleak.report.comparison import Entry, comparison_report
from pytest_reqleak.report.terminal import terminal_report


def main() -> int:
    """Run the stories that were asked for; 1 where one was not told apart."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.granian_case", description=__doc__)
    names = [story.name for story in STORIES]
    parser.add_argument("stories", nargs="*", metavar="STORY", help=f"Of {', '.join(names)}; default: all.")
    parser.add_argument(
        "--environments", type=Path, default=Path(".granian-case"), help="Where they are made and kept."
    )
    parser.add_argument("--keep", type=Path, help="Where the runs stay; default: with the environments.")
    parser.add_argument("--stored", action="store_true", help="Run nothing: print the runs that were kept.")
    parser.add_argument("-n", "--iterations", type=int, help="Default: as many as each story says.")
    parser.add_argument("--timeout", type=float, default=300.0, help="Seconds for one run.")
    parser.add_argument("--page", type=Path, help="Write what is printed below this page's marks.")
    parser.add_argument("-v", "--verbose", action="store_true", help="Print each run's own report too.")
    asked = parser.parse_args()
    unknown = sorted(set(asked.stories) - set(names))
    if unknown:
        parser.error(f"unknown story {unknown[0]!r}; known are {', '.join(names)}")
    asked.keep = asked.keep or asked.environments / "runs"
    asked.keep.mkdir(parents=True, exist_ok=True)
    environments = Environments(asked.environments, python_folders=default_python_folders())
    printed: dict[str, str] = {}
    told_apart = [
        _tell(story, environments, asked, printed)
        for story in STORIES
        if not asked.stories or story.name in asked.stories
    ]
    if asked.page is not None:
        for name in write(asked.page, printed):
            print(f"{asked.page}: {name!r} was not printed, so its block stays as it is")
    return 0 if all(told_apart) else 1


def _tell(
    story: Story, environments: Environments, asked: argparse.Namespace, printed: dict[str, str]
) -> bool:
    """Run one story and print its comparison; whether every verdict was the expected one."""
    print(f"\n== {story.name}: {story.what}\n", flush=True)
    entries, right = [], True
    for subject in story.subjects:
        iterations = 0 if asked.stored else asked.iterations
        try:
            python = Path() if asked.stored else environments.get(subject).python
            run = measure(story, subject, python, asked.keep, iterations=iterations, timeout=asked.timeout)
        except (NoEnvironment, NotMeasured) as error:
            entries.append(Entry(label=subject.needs[0], problem=str(error)))
            right = False
            continue
        report = terminal_report(run, width=WIDTH)
        printed[f"{story.name}, {subject.needs[0].replace('==', ' ')}"] = report
        if asked.verbose:
            print(f"{report}\n")
        entries.append(Entry(label=subject.label, server=subject.label, run=run))
        right = right and str(run.verdict) == subject.expected
    printed[story.name] = comparison_report(entries, width=WIDTH)
    print(printed[story.name], flush=True)
    if not right:
        expected = ", ".join(f"{subject.needs[0]} {subject.expected}" for subject in story.subjects)
        print(f"expected: {expected}")
    return right


if __name__ == "__main__":
    sys.exit(main())
