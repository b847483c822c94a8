"""The Segment dock: choose, run, look, adjust, export."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from napari.layers import Image
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QCheckBox, QPushButton

from napari_monuseg.areas import Area, require_moderate
from napari_monuseg.core.autosave import SavedCorrections
from napari_monuseg.core.errors import MonusegError
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import ModelEntry
from napari_monuseg.docks.area_choice import AreaChoice
from napari_monuseg.docks.at_work import WorkWatch, is_drawing
from napari_monuseg.docks.device_choice import DeviceChoice
from napari_monuseg.docks.dock import Dock, enable_buttons, explain
from napari_monuseg.docks.handing_on import is_brought_by
from napari_monuseg.docks.image_choice import ImageChoice
from napari_monuseg.docks.model_choice import ModelChoice
from napari_monuseg.docks.pixel_size import PixelSize
from napari_monuseg.docks.placing import Placed, Source, place
from napari_monuseg.docks.progress_line import ProgressLine, duration
from napari_monuseg.docks.restore_offer import RestoreOffer
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.result_panel import ResultPanel
from napari_monuseg.docks.segment_steps import Found, segment_area, wait_for_hand
from napari_monuseg.docks.snapshot import Snapshot
from napari_monuseg.jobs import JobSlot
from napari_monuseg.layers import tissue_image


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """What was asked for when Run was pressed."""

    image: Image
    pixels: Any
    area: Area
    model: ModelEntry
    begun: float
    work: WorkWatch

    @property
    def is_of_image(self) -> bool:
        """Whether the image still has the pixels that were looked at."""
        return self.image.data is self.pixels


ATTEMPTS = 3
"""So often the worker places nuclei that somebody edits meanwhile; then the window."""


class SegmentDock(Dock):
    """Finds the nuclei of an image layer and shows them as a labels layer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Where the images are and the nuclei go.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        viewer = self._viewer
        self._slot = JobSlot()
        self._lifetime.add(self._slot.cancel)
        self._run: Run | None = None
        self.image = ImageChoice(viewer, self._lifetime)
        self.model = ModelChoice(self._lifetime)
        self.device = DeviceChoice(self._lifetime)
        self.area = AreaChoice(viewer, self._lifetime)
        self.pixel_size = PixelSize()
        self.thorough = QCheckBox("Thorough, 8 times as long")
        self.thorough.setToolTip(
            "The network looks at the tissue turned and mirrored in eight ways, and "
            "the mean of what it sees is read: nuclei that are a little better."
        )
        self.run_button = QPushButton("Run")
        self.cancel_button = QPushButton("Cancel")
        self.progress = ProgressLine()
        self.results = ResultPanel(viewer, self._lifetime)
        self.offer = RestoreOffer(viewer, self._lifetime, self._restore)
        self._lay_out()
        self._connect()
        self._on_image()
        self.offer.look()

    def _lay_out(self) -> None:
        self._stack(
            [
                ("Image", self.image),
                ("Model", self.model),
                ("Device", self.device),
                ("Area", self.area),
                ("Pixel size", self.pixel_size),
                ("Quality", self.thorough),
            ],
            self.run_button,
            self.cancel_button,
            self.progress,
            self.offer,
            self.results,
        )

    def _connect(self) -> None:
        self.image.currentIndexChanged.connect(self._on_image)
        self.model.changed.connect(self._refresh)
        self.pixel_size.typed.connect(self.results.know_pixel_size)
        self.run_button.clicked.connect(self._on_run)
        self.cancel_button.clicked.connect(self._on_cancel)
        self.results.message.connect(self.progress.text.setText)
        self.results.withdrawn.connect(self.progress.withdraw)
        self.offer.message.connect(self.progress.text.setText)
        removed = self._viewer.layers.events.removed
        removed.connect(self._on_removed)
        self._lifetime.add(lambda: removed.disconnect(self._on_removed))
        self._lifetime.add(lambda: self.pixel_size.show_image(None))

    @property
    def running(self) -> bool:
        """Whether nuclei are being found."""
        return self._run is not None

    def _refresh(self) -> None:
        ready = self.image.value is not None and self.model.value is not None
        enable_buttons(
            self.run_button, self.cancel_button, ready=ready, running=self.running
        )

    def _on_image(self) -> None:
        self.area.show_image(self.image.value)
        self.pixel_size.show_image(self.image.value)
        self._refresh()

    def _restore(self, image: Image, path: Path, corrections: SavedCorrections) -> None:
        """Go on with saved corrections, and with what was known or guessed then."""
        about = corrections.about
        if about.pixel_size is not None:
            self.pixel_size.take_up(image, about.pixel_size)
        elif about.assumed_pixel_size is not None:
            self.pixel_size.remember(image, about.assumed_pixel_size)
        self.results.restore(image, path, corrections)

    def _on_run(self) -> None:
        image, model = self.image.value, self.model.value
        if image is None or model is None or self.running:
            return
        self.pixel_size.show_image(image)  # its scale may have changed
        try:
            self._start(image, model)
        except MonusegError as error:
            show_error(str(error))
            self.progress.end(str(error))

    def _start(self, image: Image, model: ModelEntry) -> None:
        tissue = tissue_image(image, self.pixel_size.value).assuming(
            self.pixel_size.guess
        )
        area = self.area.area(image)
        require_moderate(area)
        self._run = Run(
            image=image,
            pixels=image.data,
            area=area,
            model=model,
            begun=monotonic(),
            work=WorkWatch(self._viewer.layers),
        )
        self.progress.begin("Starting…")
        self._refresh()
        self._slot.start(
            segment_area(
                tissue,
                area,
                model,
                self.device.value,
                thorough=self.thorough.isChecked(),
                instances=self.results.options_for(model),
            ),
            yielded=self.progress.show_progress,
            returned=partial(self._on_found, self._run),
            errored=self._on_error,
            finished=self._on_finished,
        )

    def _on_found(self, run: Run, found: Found) -> None:
        if run.is_of_image and found.segmentation.maps.pixel_size is None:
            self.pixel_size.remember(run.image, found.segmentation.guessed_pixel_size)
        self._place(run, found, ATTEMPTS)

    def _place(self, run: Run, found: Found, attempts: int) -> None:
        """Put the nuclei under earlier hand work, in the worker, and show them.

        What is being drawn is finished first.
        """
        if not run.is_of_image:
            name = run.image.name
            self._stop(f"“{name}” was given other pixels, so the run was stopped")
            return
        if is_drawing(self._viewer.layers):
            self._slot.start(
                wait_for_hand(),
                yielded=self.progress.show_progress,
                returned=lambda _: self._place(run, found, attempts),
                errored=self._on_error,
                finished=self._on_finished,
            )
            return
        result = _result(run, found)
        earlier = self.results.sources(result)
        if not earlier:
            placed = Placed(
                labels=found.labels, count=found.count, complete=found.complete
            )
            self._show(run, found, placed, [])
            return
        same = self.results.predecessor(result)
        sources = [
            Source(
                known=one.snapshot() or one.hand,
                offset=one.area.offset,
                same=one is same,
                brought_by_another=is_brought_by(one, earlier),
            )
            for one in earlier
        ]
        if not attempts:
            self._show(run, found, finish(place(found, run.area, sources)), earlier)
            return

        def show(placed: Placed) -> None:
            latest = self.results.sources(_result(run, found))
            edited = any(
                isinstance(source.known, Snapshot) and not one.is_still(source.known)
                for one, source in zip(earlier, sources, strict=True)
            )
            busy = edited or is_drawing(self._viewer.layers)
            if latest == earlier and run.is_of_image and not busy:
                self._show(run, found, placed, earlier)
            else:  # hand work came or went meanwhile, or is under way
                self._place(run, found, attempts - 1)

        self._slot.start(
            place(found, run.area, sources),
            yielded=self.progress.show_progress,
            returned=show,
            errored=self._on_error,
            finished=self._on_finished,
        )

    def _show(
        self, run: Run, found: Found, placed: Placed, earlier: list[Result]
    ) -> None:
        result, worked = _result(run, found), run.work.worked
        remarks = self.results.add(result, placed, earlier, worked=worked)
        took = duration(monotonic() - run.begun)
        done = f"Done in {took} on {found.segmentation.device}"
        if doubt := found.segmentation.doubt:
            remarks.insert(0, doubt)
        self.progress.end(" ".join([f"{done}.", *remarks]) if remarks else done)

    def _on_error(self, error: Exception) -> None:
        self.progress.end(explain(error))

    def _on_finished(self) -> None:
        if self._run is not None:
            self._run.work.stop()
        self._run = None
        self._refresh()

    def _on_cancel(self) -> None:
        self._stop("Cancelled")

    def _on_removed(self, event: Any) -> None:
        if self._run is not None and event.value is self._run.image:
            self._stop(f"“{event.value.name}” was removed, so the run was stopped")

    def _stop(self, text: str) -> None:
        self._slot.cancel()
        self.progress.end(text)
        self._on_finished()


def _result(run: Run, found: Found) -> Result:
    """Give a result that lies where the image lies now."""
    return Result.on(
        run.image,
        run.area,
        model_name=run.model.name,
        maps=found.segmentation.maps,
        options=found.segmentation.instances,
        own_options=run.model.info.instances,
    )
