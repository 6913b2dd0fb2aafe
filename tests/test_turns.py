"""What of a turn goes into the journal."""

from agentloop.events import Event, ToolCalled
from agentloop.run.turns import first


def test_of_a_turn_without_end_the_first_events_are_recorded() -> None:
    recorded: list[Event] = []
    emit = first(3, recorded.append)
    for number in range(5):
        emit(ToolCalled(name="Bash", call=str(number)))
    assert [event.call for event in recorded if isinstance(event, ToolCalled)] == ["0", "1", "2"]
