"""Imports the conformance corpus, serves it, scores the server, writes the page.

Called by golden.sh; see there. Everything it starts and writes lies in --work.
"""
import argparse
import collections
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

PAGE = "docs/pims-compatibility.md"
START, END = "<!-- golden: begin -->", "<!-- golden: end -->"
FAIL = re.compile(r"^FAIL (\S+): (.*) \| curl ")
LISTED = re.compile(r"^\s*- `([^`]+)`", re.M)


def settings(work, port):
    """The command's environment: a folder store of its own, nothing inherited."""
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH")}
    env.update(STORE_URL=f"file://{work}/slides", UPLOADS_URL=f"file://{work}/uploads", QUEUE_URL=f"local:{work}/queue",
               HOST="127.0.0.1", PORT=str(port), CONFIG_FILE=f"{work}/none.env")
    for name in ("slides", "uploads"):
        os.makedirs(os.path.join(work, name), exist_ok=True)
    open(env["CONFIG_FILE"], "w").close()
    return env


def collect(corpus, work):
    """Puts every image under its import name; gives {path: logical name}."""
    with open(os.path.join(corpus, "images.json")) as f:
        images = json.load(f)["images"]
    zips = os.path.join(work, "zips")
    subprocess.run([sys.executable, os.path.join(corpus, "run.py"), "--zip", zips], check=True, stdout=subprocess.DEVNULL)
    files = {}
    for image in images:
        source = os.path.join(zips, image["archive"]) if image.get("archive") else os.path.join(corpus, image["path"])
        if not os.path.isfile(source):
            continue
        folder = os.path.join(work, "in", image["name"])
        os.makedirs(folder)
        name = image.get("file_name") or os.path.basename(source)
        files[shutil.copy(source, os.path.join(folder, name))] = image["name"]
    return files, [image["name"] for image in images]


def import_all(pims, files, env, work):
    """Imports with the command; gives {logical name: outcome}."""
    got = subprocess.run([pims, "import", "--json", *files], env=env, cwd=work, stdout=subprocess.PIPE, text=True)
    outcomes = {}
    for line in got.stdout.splitlines():
        outcome = json.loads(line)
        outcomes[files[outcome["file"]]] = outcome
    if not outcomes:
        sys.exit(f"golden: pims import gave nothing (exit status {got.returncode})")
    return outcomes


def serve(pims, env, work):
    log = open(os.path.join(work, "serve.log"), "w")
    server = subprocess.Popen([pims, "serve"], env=env, cwd=work, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{env['PORT']}"
    for _ in range(300):
        try:
            with urllib.request.urlopen(base + "/ping", timeout=2):
                return server, base
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
    server.kill()
    server.wait()
    sys.exit("golden: pims serve does not answer:\n" + open(log.name).read()[-2000:])


def score(args, names, outcomes, base):
    """Runs the corpus' runner; an image that was not imported fails its cases."""
    mapping = {n: outcomes[n]["path"] if outcomes.get(n, {}).get("state") == "done" else f"upload-not-imported/{n}" for n in names}
    path = os.path.join(args.work, "map.json")
    with open(path, "w") as f:
        json.dump(mapping, f)
    command = [sys.executable, os.path.join(args.corpus, "run.py"), "--base", base, "--map", path, "--jobs", "2", *args.rest]
    got = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return got.stdout


def image_of(case):
    found = re.search(r"\{(?:image|dir):([^}]+)\}", json.dumps([case.get("path"), case.get("query")]))
    return found and found[1]


def reason(text):
    """One heading for failures that look alike: numbers and values are left out."""
    text = re.sub(r"\(.*", "", text.split(";")[0])
    return re.sub(r"\d+(\.\d+)?", "n", text).strip()[:90]


def page(output, corpus, outcomes):
    """The generated part of the page."""
    with open(os.path.join(corpus, "cases.jsonl")) as f:
        cases = {c["id"]: c for c in map(json.loads, f)}
    table = output[output.rindex("\ngroup "):].strip().splitlines()
    failed = [(m[1], m[2]) for m in map(FAIL.match, output.splitlines()) if m]
    lines = ["| group | passed | failed | defects of PIMS: same / differs |", "|---|---:|---:|---|"]
    for row in table[1:]:
        m = re.match(r"(\S+)\s+(\d+)\s+(\d+)\s*(.*)", row)
        if m:
            lines.append(f"| {m[1]} | {m[2]} | {m[3]} | {m[4].strip()} |")
    missing = {n: o["error"] for n, o in sorted(outcomes.items()) if o["state"] != "done"}
    by_image, by_reason = collections.defaultdict(list), collections.defaultdict(list)
    for case, why in failed:
        image = image_of(cases.get(case, {}))
        if image in missing:
            by_image[image].append(case)
        else:
            by_reason[reason(why)].append((case, why))
    lines += ["", f"{len(failed)} cases fail." if failed else "No case fails."]
    if by_image:
        lines += ["", "Cases of images that are not imported:", ""]
        for image, names in sorted(by_image.items()):
            lines += [f"- {image}: {one_line(missing[image])}"] + [f"  - `{n}`" for n in sorted(names)]
    if by_reason:
        lines += ["", "Other cases, by reason:", ""]
        for why, group in sorted(by_reason.items()):
            lines += [f"- {one_line(why)}"] + [f"  - `{case}`" for case, _ in sorted(group)]
    return "\n".join(lines), {case for case, _ in failed}


def one_line(text):
    return re.sub(r"\s+", " ", text).replace("<", "&lt;").strip()


def write_page(generated):
    with open(PAGE) as f:
        text = f.read()
    before, rest = text.split(START)
    after = rest.split(END)[1]
    with open(PAGE, "w") as f:
        f.write(f"{before}{START}\n{generated}\n{END}{after}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pims", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep-serving", action="store_true", help="serve until interrupted, for curl")
    args, args.rest = parser.parse_known_args()
    args.corpus = os.path.abspath(args.corpus)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    env = settings(args.work, port)
    files, names = collect(args.corpus, args.work)
    outcomes = import_all(args.pims, files, env, args.work)
    for name, outcome in sorted(outcomes.items()):
        if outcome["state"] != "done":
            print(f"not imported: {name}: {outcome['error']}")
    server, base = serve(args.pims, env, args.work)
    try:
        output = score(args, names, outcomes, base)
        if args.rest or not args.check:
            print(output, end="")
        if args.keep_serving:
            print("serving at", base, flush=True)
            signal.pause()
    finally:
        server.terminate()
        server.wait()
    if args.rest:
        return 0  # a part of the cases says nothing about the page
    generated, failed = page(output, args.corpus, outcomes)
    if not args.check:
        write_page(generated)
        return 0
    with open(PAGE) as f:
        known = set(LISTED.findall(f.read().split(START)[1].split(END)[0]))
    fresh = sorted(failed - known)
    # What is known to fail is on the page, and would hide in the log what is new.
    for line in output.splitlines():
        if not line.startswith("FAIL ") or line.split()[1].rstrip(":") in fresh:
            print("recorded answers:", line)
    for case in fresh:
        print(f"golden: {case} fails, which {PAGE} does not list", file=sys.stderr)
    if known - failed:
        print(f"golden: {len(known - failed)} cases pass that {PAGE} lists as failed; `make golden` writes it again", file=sys.stderr)
    return 1 if fresh else 0


if __name__ == "__main__":
    sys.exit(main())
