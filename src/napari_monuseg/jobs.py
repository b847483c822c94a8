"""Run a generator of core in a worker thread. No other module knows threads.

The generator yields `Progress` and returns its result; everything connected to it
is called in the main thread.
"""

from collections.abc import Callable, Generator
from threading import Event
from typing import Any, cast

from napari.utils.notifications import notification_manager, show_error
from qtpy.QtCore import QThreadPool
from superqt.utils import GeneratorWorker, create_worker

from napari_monuseg.core.devices import is_out_of_memory
from napari_monuseg.core.errors import DeviceError, MonusegError
from napari_monuseg.core.interruption import Interrupted, interruptible_by
from napari_monuseg.core.progress import Progress

Steps = Generator[Progress, None, Any]


FEWEST_THREADS = 16
"""So many jobs run at once. Qt would let as many as there are cores, and on two cores
neither sliders nor exports would do anything while a run and a training go on."""


class JobError(Exception):
    """A job failed in a way that was not foreseen: a bug."""


class Job(GeneratorWorker):
    """A worker that closes its generator before it says that it has finished."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ended = Event()
        """Set when nothing of the job runs any more."""

    def work(self) -> Any:
        """Step through the generator; a cancelled one would be left open."""
        try:
            with interruptible_by(lambda: self.abort_requested):
                return super().work()
        except Interrupted:
            self.aborted.emit()
            return None
        finally:
            self._gen.close()
            self.ended.set()


def start_job(steps: Steps, **connect: Callable[..., Any]) -> Job:
    """Start `steps` in a worker thread; ``worker.quit()`` stops it at the next step.

    A `MonusegError` is shown as one sentence, anything else in napari's own error
    dialog; what is connected to ``errored`` is called as well.

    Parameters
    ----------
    steps : generator
        Yields `Progress` and returns the result.
    **connect : callable
        Called in the main thread: ``yielded(progress)``, ``returned(result)``,
        ``errored(error)``, ``finished()``, which always comes last.
    """

    def guarded() -> Steps:
        # A RuntimeError in a generator worker is dropped without `errored` or
        # `finished`, and torch raises little else.
        try:
            return (yield from steps)
        except (RuntimeError, MemoryError) as error:
            raise _translated(error) from error

    def report(error: Exception) -> None:
        if not isinstance(error, MonusegError):
            notification_manager.receive_error(type(error), error, error.__traceback__)
        elif not worker.abort_requested:
            show_error(str(error))

    pool = QThreadPool.globalInstance()
    pool.setMaxThreadCount(max(pool.maxThreadCount(), FEWEST_THREADS))
    # Not napari's own `create_worker`: its window keeps every worker it ever made,
    # and with it all that is connected.
    worker = create_worker(
        guarded,
        _worker_class=Job,
        _start_thread=False,
        _connect={**connect, "errored": [report, connect.get("errored", _nothing)]},
    )
    worker.start()
    return cast(Job, worker)


def _translated(error: RuntimeError | MemoryError) -> Exception:
    if isinstance(error, MemoryError) or is_out_of_memory(error):
        return DeviceError(
            "The device has too little free memory for this; choose a smaller area "
            "or another device."
        )
    return JobError(f"{type(error).__name__}: {error}")


def _nothing(_: object) -> None:
    pass


PATIENCE = 60.0
"""So long a window that closes waits for a job that must not be lost, s."""


class JobSlot:
    """A place for one job; what an earlier one still says is not heard."""

    def __init__(self) -> None:
        self._worker: Job | None = None
        self._turn = 0

    @property
    def busy(self) -> bool:
        """Whether a job runs here."""
        return self._worker is not None

    def start(
        self,
        steps: Steps,
        *,
        returned: Callable[[Any], None],
        yielded: Callable[[Progress], None] = _nothing,
        errored: Callable[[Exception], None] = _nothing,
        finished: Callable[[], None] | None = None,
    ) -> None:
        """Start a job; an earlier one is cancelled.

        Parameters
        ----------
        steps : generator
            Yields `Progress` and returns the result.
        returned, yielded, errored, finished : callable
            Called in the main thread, and not after `cancel` or another `start`.
        """
        self.cancel()
        turn = self._turn

        def if_current(callback: Callable[..., None]) -> Callable[..., None]:
            def call(*values: Any) -> None:
                if self._turn == turn:
                    callback(*values)

            return call

        def end() -> None:
            self._worker = None
            if finished is not None:
                finished()

        self._worker = start_job(
            steps,
            yielded=if_current(yielded),
            returned=if_current(returned),
            errored=if_current(errored),
            finished=if_current(end),
        )

    def cancel(self) -> None:
        """Stop the job at its next step; from now on it is not heard."""
        self._turn += 1
        if self._worker is not None:
            self._worker.quit()
            self._worker = None

    def end(self) -> None:
        """Wait until the job has done its work, or for a minute; it is not heard."""
        self._turn += 1
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.ended.wait(PATIENCE)
