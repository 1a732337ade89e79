"""A ledger in TensorBoard: an event file per trial, with scalars per epoch and the hyperparameters of the dashboard.

Written with TensorBoard's own protocol buffers, which need no TensorFlow. A trial's file is the same bytes each time,
so writing a ledger again changes nothing but what is new.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from analysis.trackers.runs import OF_RESULT, Run, TrackerError, varied
from rnnsweep.files import write_whole

FILE = "events.out.tfevents.0.rnnsweep"  # TensorBoard knows its files by the second and third word
STATUS = {"finished": api_pb2.STATUS_SUCCESS, "diverged": api_pb2.STATUS_FAILURE, "failed": api_pb2.STATUS_FAILURE,
          "pruned": api_pb2.STATUS_SUCCESS}  # fmt: skip


def write(runs: list[Run], folder: str) -> int:
    """Write what is not there yet; return how many trials that were. Raises `TrackerError` where it cannot be."""
    written = 0
    try:
        for run in runs:
            written += _write_new(Path(folder) / _folder_name(run) / FILE, _of_run(run))
        _write_new(Path(folder) / FILE, _records([(0.0, _experiment(runs))]))
    except OSError as error:
        raise TrackerError(f"{folder}: {error.strerror or error}; give another folder with --tensorboard") from None
    return written


def _write_new(path: Path, data: bytes) -> bool:
    if path.is_file() and path.read_bytes() == data:
        return False
    write_whole(path, data)
    return True


def _folder_name(run: Run) -> str:
    """Return a name that sorts and reads well in the list of runs, and that every file system takes."""
    fields = run.fields
    size = f"{fields['units']}-{fields['num_words']:.0f}w-{fields['max_len']:.0f}s-seed{fields['seed']:.0f}"
    return f"{fields['cell']}-{size}-{run.key}"


def _of_run(run: Run) -> bytes:
    """Return the event file of a trial, whose clock begins with the trial."""
    events: list[tuple[float, Event]] = [(0.0, _session_start(run))]
    for row in run.epochs:
        tags = {name: value for name, value in row.items() if name not in ("epoch", "at")}
        events.append((row["at"], _scalars(tags, int(row["epoch"]))))
    last = (run.epochs[-1]["at"], int(run.epochs[-1]["epoch"])) if run.epochs else (0.0, 0)
    if run.ended:
        events.append((last[0], _scalars(run.results, last[1])))
        end = plugin_data_pb2.SessionEndInfo(status=STATUS[run.status], end_time_secs=last[0])
        events.append((last[0], _hparams(metadata.SESSION_END_INFO_TAG, session_end_info=end)))
    return _records(events)


def _records(events: Iterable[tuple[float, Event]]) -> bytes:
    """Return events, each with the seconds of its time, as a file of records."""
    data = io.BytesIO()
    writer = RecordWriter(data)
    for seconds, event in [(0.0, Event(file_version="brain.Event:2")), *events]:
        event.wall_time = seconds
        writer.write(event.SerializeToString(deterministic=True))
    return data.getvalue()


def _scalars(values: dict[str, float], step: int) -> Event:
    return Event(
        step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    )  # fmt: skip


def _session_start(run: Run) -> Event:
    start = plugin_data_pb2.SessionStartInfo(group_name=run.key, start_time_secs=0.0)
    for name, value in run.fields.items():
        kind = "bool" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
        setattr(start.hparams[name], f"{kind}_value", value)
    return _hparams(metadata.SESSION_START_INFO_TAG, session_start_info=start)


def _experiment(runs: list[Run]) -> Event:
    """Return which hyperparameters the dashboard shows, those that differ, and by which metrics it compares."""
    found = api_pb2.Experiment(time_created_secs=0.0)
    for name in varied(runs):
        info = found.hparam_infos.add(name=name)
        info.type, values = _domain({run.fields[name] for run in runs})
        for value in values:
            info.domain_discrete.values.add(**value)
    for tag in OF_RESULT.values():
        found.metric_infos.add(name=api_pb2.MetricName(tag=tag), display_name=tag.partition("/")[2])
    return _hparams(metadata.EXPERIMENT_TAG, experiment=found)


def _domain(values: set[Any]) -> tuple[int, Iterator[dict[str, Any]]]:
    """Return the type of a hyperparameter, and its values as protocol buffers have them; mixed ones are words."""
    if all(isinstance(value, bool) for value in values):
        return api_pb2.DATA_TYPE_BOOL, ({"bool_value": value} for value in sorted(values))
    if all(isinstance(value, float) for value in values):
        return api_pb2.DATA_TYPE_FLOAT64, ({"number_value": value} for value in sorted(values))
    return api_pb2.DATA_TYPE_STRING, ({"string_value": value} for value in sorted(map(str, values)))


def _hparams(tag: str, **content: Any) -> Event:
    data = plugin_data_pb2.HParamsPluginData(version=metadata.PLUGIN_DATA_VERSION, **content)
    value = Summary.Value(tag=tag, metadata=metadata.create_summary_metadata(data))
    # Its own serialization orders the fields anew in each process.
    value.metadata.plugin_data.content = data.SerializeToString(deterministic=True)
    value.tensor.CopyFrom(metadata.NULL_TENSOR)
    return Event(summary=Summary(value=[value]))
