"""The command line as an `Experiment` and the command's own options."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NoReturn

import tyro

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import registry
from tanuki_jax.config.check_words import check_words, last_value, together
from tanuki_jax.config.common_options import COMMON_OPTIONS
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.fields import with_field
from tanuki_jax.config.limits import check_fields
from tanuki_jax.config.options import Option, options_of, renamed_options, spell
from tanuki_jax.config.serialize import to_json
from tanuki_jax.config.validate import validate


@dataclasses.dataclass(frozen=True, kw_only=True)
class _General:
    config: Annotated[str, tyro.conf.arg(help_behavior_hint="(required)")] = ""
    """Name of a registered config, or file.py:name."""
    print_config: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print the resolved config as JSON and leave."""
    help_all: tyro.conf.FlagCreatePairsOff[bool] = False
    """Show every option and leave."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Configs[Config]:
    """The configs that `--config` of a command may name."""

    registry: registry.Registry[Config]
    noun: str
    """Name of one, as in "the experiment"."""
    tree: Callable[[Config], Any]
    """Config -> tree of dataclasses whose fields are the options."""
    config: Callable[[Any], Config]
    """Tree of that kind -> config. InputError if its fields contradict each other."""
    show: Callable[[Config], str]
    """Config -> what --print-config prints."""
    listed: Callable[[Config], bool] = lambda config: True
    """Whether the command can use a config that the project ships, so that its help lists it."""

    def names(self) -> list[str]:
        """Return the names of the configs that the help lists."""
        return [name for name in self.registry.names() if self.listed(self.registry.find(name))]


def _valid(experiment: Experiment) -> Experiment:
    validate(experiment)
    return experiment


EXPERIMENTS = Configs(
    registry=registry.experiment, noun="experiment", tree=lambda config: config, config=_valid, show=to_json
)


def parse[Options](command: str, words: list[str], options: type[Options]) -> tuple[Experiment, Options]:
    """Return the experiment that `--config` names, changed by the other words, and the command's own options, as
    `parse_config` does."""
    return parse_config(EXPERIMENTS, command, words, options)


def parse_config[Config, Options](
    configs: Configs[Config], command: str, words: list[str], options: type[Options]
) -> tuple[Config, Options]:
    """Return the config that `--config` names, changed by the other words, and the command's own options.

    `--help` shows the command's own options and the common ones of the config, `--help-all` all of them,
    `--print-config` the resolved config; each exits with code 0.

    Args:
        configs: configs of the command.
        command: name of the command, as in `python -m tanuki_jax.COMMAND`.
        words: the words after it, as in `--config=8b --steps 10 --layout.fsdp=4`.
        options: dataclass of the command's own options, none of them named like a field of the config; its docstring
            opens `--help`.

    Raises:
        InputError: on an unknown config or option, a value of the wrong type, or a config that contradicts itself.
    """
    names, name = configs.names(), last_value("--config", words)
    if _wants_help(words):
        default = configs.tree(configs.registry.find(name)) if name else None
        _show_help(configs, command, options, default, everything="--help-all" in words)
    # Without --config any config serves to find the other mistakes first.
    tree = configs.tree(configs.registry.find(name or names[0]))
    own, fields = list(options_of(options)), list(options_of(type(tree), tree))
    known = [*options_of(_General), *own, *fields]
    values = _read(command, words, known, renamed_options(type(tree), tree))
    if not name:
        raise InputError(f"{command} needs --config=file.py:name or --config=NAME, one of {', '.join(names)}")
    result = _filled(options, own, values)
    for option in fields:
        if option.field in values:
            tree = with_field(tree, option.field, values[option.field])
    config = configs.config(tree)
    if "print_config" in values:
        print(configs.show(config), end="")
        sys.exit(0)
    return config, result


def parse_options[Options](command: str, words: list[str], options: type[Options]) -> Options:
    """Return the options of a command that takes no experiment, with `--help` and errors as in `parse`.

    Fields of type `tyro.conf.Positional[...]` are given without their name.
    """
    own = list(options_of(options))
    if _wants_help(words):
        _print_help(command, _form(own, with_help=True), inspect.getdoc(options) or "")
    return _filled(options, own, _read(command, words, own, {}))


def _wants_help(words: Sequence[str]) -> bool:
    return not {"-h", "--help", "--help-all"}.isdisjoint(words)


def _read(command: str, words: Sequence[str], known: Sequence[Option], renamed: Mapping[str, str]) -> dict[str, Any]:
    """Return field -> value of the options that the words name. tyro gets no others, which saves half a second."""
    given = check_words(words, known, renamed) + [option for option in known if option.positional]
    parsed = _run_tyro(command, _form(given), together(words, known))
    return {option.field: getattr(parsed, _identifier(option)) for option in given}


def _filled[Options](options: type[Options], own: Sequence[Option], values: Mapping[str, Any]) -> Options:
    """Return the command's own options, with these values. InputError if a number is outside its limits."""
    given = {option.field: values[option.field] for option in own if option.field in values}
    result = options(**{field: value for field, value in given.items() if "." not in field})
    for field in [field for field in given if "." in field]:
        result = with_field(result, field, given[field])
    names = {option.field: option.name for option in own if not option.positional}
    check_fields(result, lambda field: names.get(field) or spell(field))
    return result


def _show_help(configs: Configs[Any], command: str, options: type, default: Any, *, everything: bool) -> NoReturn:
    """Print all options of a command that takes a config, or its common ones, and exit."""
    names = configs.names()
    tree = default if default is not None else configs.tree(configs.registry.find(names[0]))
    fields = list(options_of(type(tree), default))
    about = (
        f"{inspect.getdoc(options)}\n\nConfigs: {', '.join(names)}.\n"
        "With --config the defaults are that config's; a required field is one that every config states."
    )
    if everything:
        _print_help(command, _full_form(configs.noun, options, type(tree), default), about)
    shown = [option for name in COMMON_OPTIONS.get(command, ()) for option in fields if option.field == name]
    about += f" --help-all shows {len(fields) - len(shown)} more options."
    _print_help(command, _form([*options_of(_General), *options_of(options), *shown], with_help=True), about)


def _print_help(command: str, form: type, description: str) -> NoReturn:
    _run_tyro(command, form, ["--help"], description)
    raise AssertionError("tyro exits after its help")


def _run_tyro(command: str, form: type, words: Sequence[str], description: str | None = None) -> Any:
    return tyro.cli(
        form,
        prog=f"python -m tanuki_jax.{command}",
        description=description,
        args=words,
        config=(tyro.conf.PositionalMetavarFromFieldName, tyro.conf.AvoidSubcommands),
    )


def _form(options: Sequence[Option], *, with_help: bool = False) -> type:
    """Return a flat dataclass that has the options as its fields."""
    fields: list[Any] = []
    for option in options:
        name = None if option.positional else option.name.removeprefix("--")
        behavior = "(required)" if option.field == "config" else None
        argument = tyro.conf.arg(name=name, help=option.help if with_help else "", help_behavior_hint=behavior)
        kind: Any = Annotated[(option.kind, *option.markers, argument)]
        default = dataclasses.field() if option.required else dataclasses.field(default=option.default)
        fields.append((_identifier(option), kind, default))
    return dataclasses.make_dataclass("Options", fields, frozen=True, kw_only=True)


def _identifier(option: Option) -> str:
    return option.field.replace(".", "__")


def _full_form(noun: str, options: type, kind: type, value: Any) -> type:
    """Return a nested dataclass, for which tyro draws a box for each part; fields of its three parts have no prefix."""
    default = dataclasses.field() if value is None else dataclasses.field(default=value)
    fields: list[Any] = [
        ("general", Annotated[_General, tyro.conf.arg(name="")], dataclasses.field(default=_General())),
        ("options", Annotated[options, tyro.conf.arg(name="")]),
        (noun, Annotated[kind, tyro.conf.arg(name="")], default),
    ]
    return dataclasses.make_dataclass("Options", fields, frozen=True, kw_only=True)
