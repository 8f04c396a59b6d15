"""python -m conformance URL: the report on standard output, and as its exit status how many MUST rows failed (at most 100)."""

import argparse
import dataclasses
import json
import sys

from . import rows_http, rows_ice, rows_setup, suite  # noqa: F401 (the rows register themselves)


def arguments():
    parser = argparse.ArgumentParser(prog="python -m conformance", description="Tells how far a WHEP server follows the draft, row by row.")
    parser.add_argument("url", help="a WHEP endpoint whose stream is live")
    parser.add_argument("--token", help="the bearer token that the endpoint wants")
    parser.add_argument("--idle", metavar="URL", help="an endpoint whose stream is not live")
    parser.add_argument("--full", metavar="URL", help="an endpoint that has room for eight viewers at most")
    parser.add_argument("--moved", metavar="URL", help="an endpoint that sends its viewers elsewhere")
    parser.add_argument("--no-udp", action="store_true", help="send no ICE checks: only HTTP reaches the server")
    parser.add_argument("--slow", action="store_true", help="wait for timers too")
    parser.add_argument("--only", metavar="ID", action="append", help="judge only rows whose id begins so (A1, T); may be repeated")
    parser.add_argument("--cafile", metavar="FILE", help="certificates to trust, for an endpoint of https whose own are nobody's")
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")
    return parser.parse_args()


def tell(result):
    print(f"{result.result}  {result.id:<5} {result.level:<6} {result.title}  [{result.clause}]", flush=True)
    for line in result.reason.splitlines():
        print(f"        {line}", flush=True)


def main():
    options = arguments()
    results = suite.run(options, tell)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([dataclasses.asdict(result) for result in results], file, indent=2)
    count = {kind: sum(r.result == kind for r in results) for kind in (suite.PASS, suite.FAIL, suite.SKIP)}
    broken = sum(r.result == suite.FAIL and r.level == suite.MUST for r in results)
    print(f"{count[suite.PASS]} rows hold, {count[suite.FAIL]} do not ({broken} of them MUST), {count[suite.SKIP]} were skipped")
    return min(broken, 100)


if __name__ == "__main__":
    sys.exit(main())
