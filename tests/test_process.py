"""Programs that hang, hide and shout: each is ended whole, and nothing of it is left."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from agentloop.errors import CannotStartError
from agentloop.process import (
    Exited,
    Program,
    child_environment,
    is_work,
    run_program,
    run_side_by_side,
    start_program,
)

TAG = f"test-{os.getpid()}"  # tests that run side by side must not end each other's programs


def run(source: str, cwd: Path, **options: object) -> tuple[Exited, bytes]:
    out = bytearray()
    settings: dict[str, object] = {"timeout_s": 30.0, "grace_s": 0.3, **options}
    exited = run_program(["sh", "-c", source], cwd=cwd, env=child_environment(TAG), on_stdout=out.extend, **settings)  # type: ignore[arg-type]
    return exited, bytes(out)


def alive(file: Path) -> list[int]:
    """The processes named in a file, those that are alive."""
    pids = [int(word) for word in file.read_text().split()]
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_output_code_and_input(tmp_path: Path) -> None:
    exited, out = run("cat; echo err >&2; exit 3", tmp_path, stdin=b"in\n")
    assert (exited.code, exited.signal, exited.ended_by, exited.killed) == (3, None, "itself", ())
    assert out == b"in\nerr\n"


def test_a_large_prompt_that_is_never_read_does_not_block(tmp_path: Path) -> None:
    assert run("exit 0", tmp_path, stdin=b"x" * 5_000_000)[0].code == 0


def test_output_arrives_while_the_program_runs(tmp_path: Path) -> None:
    go = tmp_path / "go"
    run_program(
        ["sh", "-c", f"echo ready; until [ -e {go} ]; do sleep 0.02; done"],
        cwd=tmp_path, env=child_environment(TAG), timeout_s=10, on_stdout=lambda chunk: go.touch(),
    )  # fmt: skip
    assert go.exists()


def test_a_signal_is_told_from_an_exit_code(tmp_path: Path) -> None:
    exited, _out = run("kill -9 $$", tmp_path)
    assert (exited.code, exited.signal) == (None, 9)


def test_too_long_is_ended_even_when_it_will_not_hear(tmp_path: Path) -> None:
    exited, _out = run("trap '' TERM; echo $$ > pids; while :; do sleep 1; done", tmp_path, timeout_s=0.5)
    assert (exited.ended_by, exited.signal) == ("timeout", 9)
    assert alive(tmp_path / "pids") == []


def test_silence_without_work_is_ended_but_silent_work_is_not(tmp_path: Path) -> None:
    assert run("sleep 30", tmp_path, idle_timeout_s=0.5)[0].ended_by == "idle"
    busy = f"{sys.executable} -c 'import time; end = time.monotonic() + 2\nwhile time.monotonic() < end: pass'"
    assert run(busy, tmp_path, idle_timeout_s=0.7)[0].ended_by == "itself"


def test_work_before_the_last_output_does_not_make_the_silence_after_it_longer(tmp_path: Path) -> None:
    program = "import time\nwhile time.process_time() < 0.5: pass\nprint('ready', flush=True)\ntime.sleep(3.6)"
    (tmp_path / "program.py").write_text(program)
    exited, out = run(f"exec {sys.executable} program.py", tmp_path, idle_timeout_s=2.0)
    assert (exited.ended_by, out) == ("idle", b"ready\n")


@pytest.mark.parametrize(
    ("cpu_s", "window_s", "work"), [(0.5, 600, False), (29, 600, False), (31, 600, True), (0.0, 1, False)]
)
def test_timers_are_no_work(cpu_s: float, window_s: float, work: bool) -> None:
    assert is_work(cpu_s, window_s) == work


@pytest.mark.parametrize(
    "escape",
    [
        "sleep 60 & echo $! >> pids",
        "setsid sh -c 'echo $$ >> pids; exec sleep 60' &",
        "(setsid sh -c '(sh -c \"echo \\$\\$ >> pids; exec sleep 60\" &) ; exit' &) ",
        "setsid sh -c 'trap \"\" TERM HUP; echo $$ >> pids; while :; do sleep 1; done' > /dev/null 2>&1 < /dev/null &",
    ],
    ids=["background", "own session", "double fork", "deaf daemon"],
)
def test_what_tries_to_get_away_is_ended_with_it(tmp_path: Path, escape: str) -> None:
    exited, _out = run(f"{escape}\nuntil [ -s pids ]; do sleep 0.02; done", tmp_path)
    assert exited.code == 0
    assert exited.killed
    assert alive(tmp_path / "pids") == []


def test_what_sheds_tag_and_session_is_ended_too(tmp_path: Path) -> None:
    """It is adopted by us all the same, and its open pipe is not waited for."""
    script = tmp_path / "holder.py"
    script.write_text(
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        f"    os.execve({sys.executable!r}, [{sys.executable!r}, '-c', 'import os, time;"
        ' open("pids", "w").write(str(os.getpid())); time.sleep(60)\'], {})\n'
        "while not os.path.exists('pids'): time.sleep(0.02)\n"
    )
    exited, _out = run(f"{sys.executable} {script}", tmp_path)
    assert exited.code == 0
    assert exited.killed
    assert alive(tmp_path / "pids") == []


CHAIN = """
import os, time
while os.fork() == 0:
    with open("born", "ab") as file:
        file.write(b".")
    time.sleep(0.005)
os._exit(0)
"""


@pytest.mark.slow  # a race that a busy machine may still lose
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody adopts it")
def test_a_chain_of_forks_is_outrun(tmp_path: Path) -> None:
    born = tmp_path / "born"
    for number in range(5):
        run_program(
            [sys.executable, "-S", "-c", CHAIN],
            cwd=tmp_path, env=child_environment(f"{TAG}-{number}"), timeout_s=10, on_stdout=lambda _chunk: None,
        )  # fmt: skip
        before = born.stat().st_size if born.exists() else 0
        time.sleep(0.2)
        assert (born.stat().st_size if born.exists() else 0) == before


@pytest.mark.skipif(sys.platform != "linux", reason="seen by /proc")
@pytest.mark.parametrize(("end", "code"), [("exit 3", 3), ("kill -9 $$", -9)])
def test_an_id_is_nobody_elses_until_the_tree_was_ended(tmp_path: Path, end: str, code: int) -> None:
    live = start_program(["sh", "-c", f"echo $$ > pids; {end}"], cwd=tmp_path, env=child_environment(TAG))
    while live.poll() is None:
        time.sleep(0.01)
    assert (live.poll(), live.poll()) == (code, code)
    assert alive(tmp_path / "pids") != []
    live.end()
    assert alive(tmp_path / "pids") == []
    assert live.poll() == code


def test_our_own_other_children_are_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as ours:
        run("sleep 60 & true", tmp_path)
        assert ours.poll() is None
        ours.kill()


def test_a_program_that_is_missing_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(CannotStartError, match="command not found: no-such-program"):
        run_program(["no-such-program"], cwd=tmp_path, env={}, timeout_s=1, on_stdout=lambda chunk: None)


@pytest.mark.parametrize(("mode", "text", "hint"), [(0o644, "#!/bin/sh\n", "chmod"), (0o755, "echo hi\n", "#!/bin/sh")])
def test_a_file_that_is_no_program_says_what_it_lacks(tmp_path: Path, mode: int, text: str, hint: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(CannotStartError, match="cannot be executed") as caught:
        run_program([str(file)], cwd=tmp_path, env={}, timeout_s=1, on_stdout=lambda chunk: None)
    assert hint in caught.value.hint


def test_an_interruption_ends_the_tree(tmp_path: Path) -> None:
    def interrupt(_elapsed_s: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("echo $$ > pids; sleep 60", tmp_path, on_tick=interrupt, tick_s=0.3)
    assert alive(tmp_path / "pids") == []


def test_gits_own_variables_do_not_reach_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert run('echo "[$GIT_DIR] $AGENTLOOP_RUN"', tmp_path)[1] == f"[] {TAG}\n".encode()


def beside(folder: Path, *sources: str, timeout_s: float = 30.0, at_once: int = 3) -> tuple[list[object], list[str]]:
    outputs = [bytearray() for _source in sources]
    programs = [
        Program(("sh", "-c", source), folder, child_environment(TAG), timeout_s, out.extend)
        for source, out in zip(sources, outputs, strict=True)
    ]
    return [*run_side_by_side(programs, at_once=at_once)], [out.decode() for out in outputs]


def test_programs_side_by_side_wait_for_each_other(tmp_path: Path) -> None:
    meet = "touch {0}; until [ -e {1} ]; do sleep 0.02; done; echo {0}; echo {0} >&2; exit {2}"
    ended, out = beside(tmp_path, meet.format("a", "b", 0), meet.format("b", "a", 3), "cat")
    assert [(each.code, each.ended_by) for each in ended if isinstance(each, Exited)] == [
        (0, "itself"), (3, "itself"), (0, "itself")
    ]  # fmt: skip
    assert out == ["a\na\n", "b\nb\n", ""]


def test_no_more_programs_run_than_may(tmp_path: Path) -> None:
    _ended, out = beside(tmp_path, *["mkdir only || echo two; sleep 0.05; rmdir only"] * 4, at_once=1)
    assert out == [""] * 4


def test_one_that_hangs_and_hides_is_ended_and_the_others_go_on(tmp_path: Path) -> None:
    hiding = (
        f"{sys.executable} -c 'import os, time; os.setsid(); print(os.getpid(), flush=True); time.sleep(60)' >> pids"
    )
    ended, out = beside(
        tmp_path, f"trap '' TERM; echo $$ >> pids; {hiding} & wait", "sleep 0.1; echo done", "exit 1", timeout_s=1.5
    )
    assert [each.ended_by for each in ended if isinstance(each, Exited)] == ["timeout", "itself", "itself"]
    assert out[1] == "done\n"
    assert len((tmp_path / "pids").read_text().split()) == 2
    assert alive(tmp_path / "pids") == []


def test_one_that_is_missing_hinders_no_other(tmp_path: Path) -> None:
    out = bytearray()
    missing = Program(("/no/such/program",), tmp_path, {}, 5, out.extend)
    there = Program(("/bin/sh", "-c", "echo there"), tmp_path, {}, 5, out.extend)
    error, exited = run_side_by_side([missing, there], at_once=2)
    assert isinstance(error, CannotStartError)
    assert isinstance(exited, Exited)
    assert out == b"there\n"


def test_one_that_nobody_wants_any_more_is_asked_to_end_and_the_others_go_on(tmp_path: Path) -> None:
    winner = Program(
        ("sh", "-c", "touch won; sleep 0.1; echo done"), tmp_path, {"PATH": os.environ["PATH"]}, None, print
    )
    loser = replace(winner, argv=("sh", "-c", "trap 'touch asked; exit 5' TERM; while :; do sleep 0.05; done"))
    ended = run_side_by_side([winner, loser], at_once=2, is_wanted=lambda n: n == 0 or not (tmp_path / "won").exists())
    assert [(one.code, one.ended_by) for one in ended if isinstance(one, Exited)] == [
        (0, "itself"), (5, "nobody_wants_it")
    ]  # fmt: skip
    assert (tmp_path / "asked").exists()
