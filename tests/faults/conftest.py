"""Writes the table of docs/reliability.md from what the suite has proved: `make faults`."""

import os
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
HEAD = "| fault | command | what is there afterwards |\n|---|---|---|\n"
# Proofs that lie beside what they are about.
ELSEWHERE = {
    "test_a_killed_run_ends_with_the_weights_of_one_that_was_not": (
        "kill -9", "train", "the last whole checkpoint; the same command ends with the weights of an undisturbed run"),
    "test_a_clock_that_went_back_costs_no_checkpoint": (
        "kill -9, and the clock goes back", "train", "the last whole checkpoint; the same command resumes from it"),
    "test_ctrl_c_ends_in_one_line_and_leaves_a_run_that_can_be_resumed": (
        "Ctrl-C", "train", "the last whole checkpoint; the same command resumes"),
    "test_a_full_disk_stops_the_run_with_its_last_checkpoint_whole": (
        "full disk", "train", "the last whole checkpoint; with room, the weights of an undisturbed run"),
    "test_kills_at_random_points_and_another_number_of_processes_each_time": (
        "kill -9, also where the clock goes back", "predict", "whole rows; the same command answers what is missing, no row twice"),
    "test_two_runs_at_once_do_not_write_into_one_another": (
        "two at once", "predict", "the first goes on, the second is refused in one line"),
    "test_ctrl_c_is_clean_and_the_same_command_goes_on": (
        "Ctrl-C", "predict", "whole rows; the same command goes on"),
    "test_a_call_that_always_fails_leaves_the_old_state_and_the_next_push_mends_it": (
        "a call that fails", "push", "the old state; the next push mends it"),
    "test_one_fault_at_each_call_in_turn_is_mended_by_another_attempt": (
        "a call that fails once", "push", "what an undisturbed push leaves"),
}  # fmt: skip


def pytest_sessionfinish(session, exitstatus):
    """Write the table where everything was proved."""
    if not os.environ.get("IEPILE_TABLE") or exitstatus:
        return
    commands = {}  # (fault, what is there afterwards) → the commands
    for report in session.config.pluginmanager.get_plugin("terminalreporter").stats["passed"]:
        name = report.nodeid.rpartition("::")[2].partition("[")[0]
        facts = [value for kind, value in report.user_properties if kind == "fault"]
        for fault, command, afterwards in [*facts, *([ELSEWHERE[name]] if name in ELSEWHERE else [])]:
            commands.setdefault((fault, afterwards), set()).add(command)
    rows = (
        f"| {fault} | {', '.join(sorted(named))} | {afterwards} |\n" for (fault, afterwards), named in commands.items()
    )
    PAGE.write_text(PAGE.read_text("utf-8").partition(HEAD)[0] + HEAD + "".join(sorted(rows)), "utf-8")
