"""What all live figures share: traits that refuse what makes no sense, and what goes along into the page."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from smbook import _checks
from smbook.widgets import _modules

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_SEED = 2**53 - 1  # what JavaScript counts without loss


class RefusedKindError(traitlets.TraitError, TypeError):
    """A setting of the wrong kind; traitlets takes back what it has set only where a TraitError is raised."""


class RefusedValueError(traitlets.TraitError, ValueError):
    """A setting out of range, not finite, or at odds with another one."""


@contextmanager
def refusing() -> Iterator[None]:
    """Make of a TypeError or ValueError one that is a TraitError too."""
    try:
        yield
    except traitlets.TraitError:
        raise
    except TypeError as error:
        raise RefusedKindError(*error.args) from None
    except ValueError as error:
        raise RefusedValueError(*error.args) from None


class Real(traitlets.TraitType[float, Any]):
    """A synced setting: a finite real number from `low` to `high`."""

    def __init__(self, default: float, low: float, high: float, *, doc: str) -> None:
        super().__init__(default, help=doc)
        self.limits = [low, high]
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> float:  # noqa: ARG002
        with refusing():
            return _checks.real(str(self.name), value, minimum=self.limits[0], maximum=self.limits[1])


class Integer(traitlets.TraitType[int, Any]):
    """A synced setting: a whole number from `low` to `high`."""

    def __init__(self, default: int, low: int, high: int, *, doc: str) -> None:
        super().__init__(default, help=doc)
        self.limits = [low, high]
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> int:  # noqa: ARG002
        with refusing():
            return _checks.integer(str(self.name), value, minimum=self.limits[0], maximum=self.limits[1])


class Choice(traitlets.TraitType[str, Any]):
    """A synced setting: one of `options`, the first unless told, or of those that a lab has of its own."""

    def __init__(self, *options: str, doc: str) -> None:
        super().__init__(options[0], help=doc)
        self.limits = list(options)
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> str:
        with refusing():
            return _checks.choice(str(self.name), value, obj._limits_of(self))


class Switch(traitlets.TraitType[bool, Any]):
    """A synced setting: True or False."""

    def __init__(self, default: bool, *, doc: str) -> None:
        super().__init__(default, help=doc)
        self.limits = [False, True]
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> bool:  # noqa: ARG002
        if not isinstance(value, bool):
            raise RefusedKindError(f"{self.name} must be True or False; got {value!r}")
        return value


class Binary(traitlets.TraitType[bytes, Any]):
    """A synced array as bytes, which a page hands over as a view of its memory."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> bytes:  # noqa: ARG002
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise RefusedKindError(f"{self.name} must be bytes; got {value!r}")
        return bytes(value)


Setting = Real | Integer | Choice | Switch


def read_out(doc: str) -> traitlets.Float[Any, Any]:
    """Return a trait that the page reports and Python can watch: None until the page has spoken."""
    return traitlets.Float(None, allow_none=True, read_only=True, help=doc).tag(sync=True)


class Figure(anywidget.AnyWidget):
    """What a page brings to life: a widget with a module of ours, of which a page shows `_kind`s apart.

    A kind of figure names its module and its style sheet:
    ``class Question(Figure, script="question.js", style="question.css")``.
    """

    _script: ClassVar[str]
    _kind = traitlets.Unicode("figure", read_only=True).tag(sync=True)

    def __init_subclass__(cls, script: str | None = None, style: str | None = None, **kwargs: Any) -> None:
        if script:  # a class that only adds traits, as anywidget makes for itself, keeps its parent's
            cls._script, cls._esm = script, _modules.module(script)
        if style:
            cls._css = _modules.source(style)
        super().__init_subclass__(**kwargs)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:  # noqa: ARG002
        """Return the whole state, defaults and all: a page has no Python that could tell it what they are."""
        return super().get_state(key, drop_defaults=False)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page says. What is refused leaves all as it was, and the page is told how it was."""
        try:
            super().set_state(sync_data)
        except traitlets.TraitError:
            self.send_state([name for name in sync_data if name in self.keys])
            raise


class Lab(Figure, style="lab.css"):
    """A live figure: its settings are traits, its physics the package's kernels, run by the reader's browser.

    Settings are keyword arguments, and attributes that can be set, watched (`observe`) and linked like those
    of every ipywidget. Further keywords go to ipywidgets (`layout`, say). A kind of lab names the module that
    draws it: ``class IsingLab(Lab, script="ising_lab.js")``.

    A notebook may show one lab in several places. Its settings are one then, but each view is a run of its
    own, and the read-outs are those of the view that has spoken last.

    Raises
    ------
    TypeError
        If a setting is of the wrong kind, or there is none of that name.
    ValueError
        If a value is out of range, not finite, or not one of the choices. The setting keeps its value then,
        whether it is set here, by the page, or among others that are held back (`hold_trait_notifications`).
    """

    _options: dict[str, list[str]] = {}  # noqa: RUF012 (what there is to choose where it differs from lab to lab)
    alt: ClassVar[str | dict[str, str]]  # of a picture of the lab, or of each of its aspects

    _kind = traitlets.Unicode("lab", read_only=True).tag(sync=True)
    _aspect = traitlets.Unicode("", read_only=True).tag(sync=True)  # the setting whose choices look different
    _kernels = traitlets.Bytes(read_only=True).tag(sync=True)
    _limits = traitlets.Dict(read_only=True).tag(sync=True)
    _whole = traitlets.List(traitlets.Unicode(), read_only=True).tag(
        sync=True
    )  # JSON does not tell 2.0 from 2

    def __init__(self, **settings: Any) -> None:
        unknown = set(settings) - set(self.trait_names())
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no setting {min(unknown)!r}; it has {', '.join(self._settings())}"
            )
        super().__init__(**settings)
        self.set_trait("_limits", {name: self._limits_of(trait) for name, trait in self._settings().items()})
        self.set_trait(
            "_whole", [name for name, kind in self._settings().items() if isinstance(kind, Integer)]
        )

    def _limits_of(self, setting: Setting) -> list[Any]:
        """Return the limits of a setting in this lab, or what there is to choose."""
        return self._options.get(str(setting.name), setting.limits)

    @traitlets.default("_kernels")
    def _read_kernels(self) -> bytes:
        return _modules.HERE.joinpath("kernels.wasm").read_bytes()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        parameters = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=trait.default_value)
            for name, trait in cls._settings().items()
        ]
        cls.__signature__ = inspect.Signature(parameters)

    @classmethod
    def _settings(cls) -> dict[str, Setting]:
        """Return the traits that are settings, in the order of their definition."""
        traits = {name: trait for kind in reversed(cls.__mro__) for name, trait in vars(kind).items()}
        return {name: trait for name, trait in traits.items() if isinstance(trait, Setting)}

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._settings())
        return f"{type(self).__name__}({values})"
