"""The command line: ``python -m minigen train | sample | evaluate | export | list``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from minigen import data, zoo
from minigen.base import store
from minigen.base.errors import check_choice, check_whole
from minigen.base.parts import import_parts
from minigen.conditions import Labels, Prompt
from minigen.data import shapes as scenes
from minigen.generator import Generator
from minigen.heads import Categorical
from minigen.own_folder import (
    check_judged_by_folder,
    check_no_folder,
    evaluate_on_folder,
    label_number,
    names_of,
    said_of,
    train_on_folder,
)
from minigen.training import pick_device
from minigen.zoo.recipes import RECIPES, recipe

SAMPLING = ("steps", "eta", "pick", "guidance_scale", "second_order", "shift")
"""Options of ``sample`` and ``evaluate`` that replace what the recipe says."""

LIKELIHOOD_OF = 200
"""The first so many pictures of the split give the bits a dimension, which cost a call a step each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error of the user's is one line, not a traceback.

    The exit code: 0; 2 after a mistake; 130 where Ctrl-C or SIGTERM ended it; 141 where nobody reads what it prints.
    """
    options = parser().parse_args(arguments)
    try:
        if options.parts:
            import_parts(Path(options.parts))
        ended: int = options.command(options) or 0
        sys.stdout.flush()
        return ended
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
        return 141
    except KeyboardInterrupt:
        print("minigen: interrupted", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, FloatingPointError) as error:
        own = " (a recipe of your own: --import FILE)" if str(error).startswith("name is") and not options.parts else ""
        print(f"minigen: {error}{own}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser("minigen", description="Train, sample and score the course's generators.")
    commands = top.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Any, about: str, needs_name: bool = True, also: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
        sub.set_defaults(command=run)
        sub.add_argument("--import", dest="parts", metavar="FILE", help="run this Python file first: your own parts")
        if needs_name:
            sub.add_argument("name", help="a recipe; python -m minigen list shows them" + also)
            sub.add_argument("--runs", default="runs", help="folder of the weights you train (default: runs)")
            sub.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 (default: auto)")
        return sub

    about = "Train a recipe, or on a folder of your own pictures; a run that was interrupted goes on."
    make = command("train", run_train, about, also="; or a folder of pictures, whose sub-folders are labels")
    add_training(make)

    file = "; or a file that Generator.save wrote"
    draw = command("sample", run_sample, "Draw pictures into a PNG file, or each into one of its own.", also=file)
    judge = command("evaluate", run_evaluate, "Draw pictures and score them against held-out ones.", also=file)
    page = command("export", run_export, "Write one HTML page that draws with a model, in any browser.", also=file)
    add_sampling(draw, 64)
    add_sampling(judge, None, "1000; with --folder half as many as there are to train with")
    add_sampling(page, None, "as many as suit their size")
    add_page(page)
    draw.add_argument("--label", help="one class, by its number or its folder's name (default: all, equally often)")
    draw.add_argument("--prompt", help="a sentence, for scenes (default: nothing is told)")
    draw.add_argument("--out", help="the file of a grid (default: grid.png, without --out-folder)")
    draw.add_argument("--out-folder", help="a new or empty folder: each picture into a PNG file of its own")
    draw.add_argument("--scale", type=int, default=1, help="with --out-folder: each pixel so many pixels wide")
    judge.add_argument("--folder", help="the folder that a file of weights learned from, to judge them by")
    judge.add_argument("--split", default="held-out", help="held-out, or validation while choosing")
    judge.add_argument("--write", action="store_true", help="write the scores beside the weights")

    shelf = command("list", run_list, "Show recipes, and which have weights.", needs_name=False)
    shelf.add_argument("--runs", default="runs", help="folder of the weights you train (default: runs)")
    for sub in (judge, shelf):
        sub.add_argument("--json", action="store_true", help="for machines: unrounded, on standard output alone")
    return top


def add_training(make: argparse.ArgumentParser) -> None:
    """The options of training, of which some are for folders alone."""
    make.add_argument("--size", type=int, default=32, help="of a folder's pictures, in pixels (default: 32)")
    make.add_argument("--minutes", type=float, default=10, help="on a folder, in all, about (default: 10)")
    make.add_argument("--target", help="on a folder: belief, v or x0, what is predicted (default: what suits it)")
    make.add_argument("--no-labels", action="store_true", help="of a folder: sub-folders are no labels")
    make.add_argument("--iterations", type=int, help="updates (default: the recipe's)")
    make.add_argument("--batch-size", type=int)
    make.add_argument("--learning-rate", type=float)
    make.add_argument("--seed", type=int)
    make.add_argument("--precision", help="auto, float32, bfloat16 (default: auto)")


def add_page(page: argparse.ArgumentParser) -> None:
    """The options of a page that is exported."""
    page.add_argument("page", help="the file to write, such as drawn.html; nothing is overwritten")
    page.add_argument("--title", help="above the page (default: says what draws)")
    page.add_argument("--about", help="what the model was trained on, in a sentence")
    page.add_argument("--licence", help="what may be done with the model and its pictures")
    page.add_argument("--names", help="of the labels, in their order, with commas between (default: its folder's)")
    page.add_argument("--label", help="the class to begin with, by its number or name (default: each in turn)")
    page.add_argument("--prompt", help="the sentence to begin with")
    page.add_argument("--weights", help="int8, float16 or float32 (default: int8)")


def add_sampling(sub: argparse.ArgumentParser, count: int | None, said: str = "") -> None:
    """The options of all commands that draw."""
    sub.add_argument("--count", type=int, default=count, help=f"how many pictures (default: {said or count})")
    sub.add_argument("--steps", type=int)
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--eta", type=float)
    sub.add_argument("--pick", help="draw or mean")
    sub.add_argument("--guidance-scale", type=float, help="1 is off")
    sub.add_argument("--second-order", action=argparse.BooleanOptionalAction, help="two guesses at once, for eta 0")
    sub.add_argument("--shift", type=float, help="above 1: smaller steps where there is much noise; 1 is off")
    sub.add_argument("--shipped", action="store_true", help="the package's weights, even if there is a run")


def chosen(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The options that were given, as keyword arguments."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def generator_of(options: argparse.Namespace) -> Generator:
    """The generator that is meant: of a file, of your own run, or of the package; with what suits it."""
    check_no_folder(options)
    if options.name.endswith(".safetensors"):
        return Generator.load(options.name, pick_device(options.device))
    return zoo.load(options.name, where(options), options.device)


def folder_of(options: argparse.Namespace) -> Path:
    """The folder to take weights from: your own run if there is one, else the package's."""
    own = not options.shipped and recipe(options.name).name in zoo.names(options.runs)
    return Path(options.runs) if own else zoo.SHIPPED


def where(options: argparse.Namespace) -> Path:
    """The same, said."""
    folder = folder_of(options)
    whose = "that come with the package" if folder == zoo.SHIPPED else f"of your own run in {options.runs}"
    print(f"weights: {options.name} {whose}", file=sys.stderr if getattr(options, "json", False) else sys.stdout)
    return folder


def run_train(options: argparse.Namespace) -> int:
    """Train, save, and forget the checkpoint. Under torchrun the processes share each batch; the first one saves.

    Weights that an earlier run finished stay until this one has ended, and then move aside.
    """
    from minigen.training import together

    changes = chosen(options, "iterations", "batch_size", "learning_rate", "seed", "precision")
    if options.name not in RECIPES and (Path(options.name).exists() or Path(options.name).name != options.name):
        return train_on_folder(options, changes | chosen(options, "target"))
    if options.target is not None:
        raise ValueError(f"--target is {options.target!r}, with a recipe; allowed: with a folder of pictures")
    made_by = recipe(options.name)
    checkpoint = Path(options.runs) / f"{made_by.name}.checkpoint.safetensors"
    made_by.config()  # what a record can't say is refused now, not after the work
    revision = zoo.code_revision()  # of the code that trains, even if it is edited meanwhile
    with together() as processes:
        first = processes.rank == 0
        finished = made_by.name in zoo.names(options.runs) and not zoo.about(made_by.name, options.runs)["trained"].get(
            "interrupted", False
        )
        if finished and first:
            print(f"{options.runs} has finished weights of {made_by.name}: they stay until this run has ended")
        if checkpoint.is_file() and first:
            print(f"going on from {checkpoint}")
        model, history = made_by.train(checkpoint=checkpoint, device=options.device, **changes)
    if not first:
        return 0
    if history.interrupted and finished:
        print(f"interrupted; the same command goes on from {checkpoint}, and the finished weights are as they were")
        return 130
    if finished:
        print(f"the weights of the earlier run are in {zoo.put_aside(made_by.name, options.runs)} now")
    recorded = {key: value for key, value in changes.items() if key != "precision"}
    path = zoo.save(options.runs, made_by, model, history, recorded, revision)
    if not history.interrupted:
        checkpoint.unlink(missing_ok=True)
    print(f"{path}: loss {history.loss[-1]:.4f} after {len(history.loss)} iterations, {history.seconds:.0f} s")
    return 130 if history.interrupted else 0


def run_sample(options: argparse.Namespace) -> None:
    """Draw a grid, or into a folder."""
    from minigen import plots, sampling

    out = "grid.png" if options.out is None and not options.out_folder else options.out
    if out is not None:
        if not out.lower().endswith(".png"):
            raise ValueError(f"--out is {out!r}; allowed: the path of a PNG file, such as 'grid.png'")
        store.check_writable("--out", out)
    check_whole("--scale", options.scale)
    if options.out_folder:
        check_empty(Path(options.out_folder))
    model = generator_of(options)
    settings = {**model.sampling, **chosen(options, *SAMPLING)}
    told = chosen(options, "prompt") | label_of(options, model)
    drawn = sampling.sample(model, options.count, seed=options.seed, progress=True, **told, **settings)
    if options.out_folder:
        data.save(drawn, options.out_folder, scale=options.scale)
        print(f"{options.out_folder}: {options.count} pictures, {said_of(settings)}")
    if out is not None:
        picture = plots.grid(drawn, alt=f"{options.count} samples of {options.name}")
        print(f"{picture.save(out)}: {options.count} pictures, {said_of(settings)}")


def check_empty(folder: Path) -> None:
    """Raise, before anything is drawn, unless pictures can be put into a folder without touching what is there."""
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"--out-folder is {str(folder)!r}, which is not empty; allowed: a new or empty folder")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out-folder is {str(folder)!r}, which is a file; allowed: a new or empty folder")
    store.check_writable("--out-folder", folder / "0000.png")


def label_of(options: argparse.Namespace, model: Generator) -> dict[str, Any]:
    """The class that is asked for, if any; raise in words where a condition of a reader's own can't take it."""
    if options.label is None:
        return {}
    label, condition = label_number(options.label, options.name), model.condition
    if condition is not None and condition.argument == "labels" and not isinstance(condition, Labels):
        try:
            condition.tokens(label, options.count)
        except Exception as reason:
            raise ValueError(
                f"--label is {label}, which the condition {type(condition).__name__} does not take ({reason});"
                " allowed: none, or in Python sample(model, labels=...) with what its tokens() takes"
            ) from reason
    return {"labels": label}


def run_evaluate(options: argparse.Namespace) -> None:
    """Score a generator, or a classifier by its accuracy."""
    from minigen.metrics.distances import LEAST
    from minigen.metrics.scores import MOST
    from minigen.show.tables import scores_table

    check_choice("--split", options.split, ("held-out", "validation"))
    of_a_file = options.name.endswith(".safetensors")
    if of_a_file and options.write:
        raise ValueError(
            "--write is for recipes, whose weights have a record; allowed: --json, and to keep what it says"
        )
    if options.folder is not None:
        return evaluate_on_folder(options, chosen(options, *SAMPLING))
    check_no_folder(options)
    check_judged_by_folder(options.name)
    options.count = 1000 if options.count is None else options.count
    check_whole("--count", options.count, LEAST, MOST)
    if not of_a_file and not isinstance(recipe(options.name).build(), Generator):
        scores = of_a_classifier(options, where(options))
    else:
        model = generator_of(options)
        settings = {**model.sampling, **chosen(options, *SAMPLING)}
        score = of_scenes if isinstance(model.condition, Prompt) else of_pictures
        check_judged(model, options)
        scores = {**score(model, options, settings), "seed": options.seed, "sampling": settings}
    if options.json:
        print(json.dumps(scores, indent=2))
    else:
        told = [f"{name} {scores[name]}" for name in ("count", "split", "seed", "sampling") if name in scores]
        print(*([", ".join(told)] if told else []), scores_table(scores), sep="\n")
    if options.write:
        path = zoo.add_scores(options.name, scores, folder_of(options))
        print(f"written to {path}", file=sys.stderr if options.json else sys.stdout)


def check_judged(model: Generator, options: argparse.Namespace) -> None:
    """Raise, before anything is drawn, unless there is a judge of such pictures."""
    from minigen.metrics.judges import SIZE

    if isinstance(model.condition, Prompt):
        side = scenes.SIZE
        if model.shape not in ((3, side, side), (1, side, side)):
            raise ValueError(
                f"shape is {model.shape}; allowed with evaluate: (3, {side}, {side}) or (1, {side}, {side}), of scenes"
                " and of their sixteen colours"
            )
        return
    of = pictures_of(options)
    if model.shape != (1, SIZE, SIZE):
        raise ValueError(f"shape is {model.shape}; allowed with evaluate: (1, {SIZE}, {SIZE}), which the {of} have")
    if isinstance(model.condition, Labels) and model.condition.classes > data.CLASSES:
        raise ValueError(
            f"classes is {model.condition.classes}; allowed with evaluate: {data.CLASSES}, as many as {of} have"
        )


def pictures_of(options: argparse.Namespace) -> str:
    """The set of pictures to compare with, by name; of a file the digits."""
    source = "digits" if options.name.endswith(".safetensors") else recipe(options.name).source
    if not isinstance(source, str):
        raise ValueError(
            f"source of {options.name} is a function, and there is no judge of its pictures; allowed with evaluate:"
            f" {', '.join(data.SOURCES)}, scenes; metrics.frechet compares features of any pictures"
        )
    return source


def of_a_classifier(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The share of right answers on pictures that were not trained on."""
    from minigen import metrics, nets

    classifier = zoo.load_classifier(options.name, folder, options.device)
    if isinstance(classifier, nets.Recogniser):
        return {"accuracy": asdict(metrics.recogniser_accuracy(classifier))}
    accuracy = metrics.classifier_accuracy(classifier, pictures_of(options))
    return {"accuracy": {split: round(value, 4) for split, value in accuracy.items()}}


def of_pictures(model: Any, options: argparse.Namespace, settings: dict[str, Any]) -> dict[str, Any]:
    """Distances to real digits or clothes; labels where the model is told them."""
    from minigen import metrics, sampling

    of = pictures_of(options)
    # an own condition's tokens are no answers to which digit it is
    labels = model.condition.tokens(None, options.count) if isinstance(model.condition, Labels) else None
    drawn = sampling.sample(model, options.count, seed=options.seed, labels=labels, progress=True, **settings)
    # what is not told the digit draws them as they come, and has a floor of random classes
    found = metrics.evaluate(drawn, labels=labels, split=options.split, balanced=labels is not None, of=of)
    return {**found.rounded(), **of_the_plan(model, drawn, options.split, of), "split": options.split}


def of_scenes(model: Any, options: argparse.Namespace, settings: dict[str, Any]) -> dict[str, Any]:
    """For prompts of the kinds that training had, and for new ones: are they obeyed, and how real is it?"""
    from minigen import metrics, sampling
    from minigen.zoo.teaching import HELDOUT_SEED, VALIDATION_SEED

    seed = VALIDATION_SEED if options.split == "validation" else HELDOUT_SEED
    scores: dict[str, Any] = {"count": options.count, "split": options.split}
    for split in ("train", "new pairs", "new relations"):
        asked = scenes.scenes(options.count, split, seed=seed)
        drawn = sampling.sample(
            model, options.count, seed=options.seed, prompt=asked.prompts, progress=True, **settings
        )
        drawn = drawn if model.shape[0] == 3 else scenes.from_palette(drawn)
        scores[split] = metrics.evaluate_scenes(drawn, asked).rounded()
    return scores


def of_the_plan(model: Any, drawn: Any, split: str, of: str) -> dict[str, Any]:
    """What can be measured only where whole pixels are drawn: likelihood, and gradients at patch borders."""
    from minigen import metrics

    if not model.plan.whole or not isinstance(model.head, Categorical):
        return {}
    images, labels = data.SOURCES[of](model.shape[-1], split)
    some, told = images[:LIKELIHOOD_OF], labels[:LIKELIHOOD_OF] if isinstance(model.condition, Labels) else None
    bits = metrics.bits_per_dimension(model, some, told)
    found: dict[str, Any] = {"bits_per_dimension": round(float(bits.mean()), 4), "bits_of": len(some)}
    if model.plan.patch is not None:
        gradients = metrics.patch_gradients(drawn, model.plan.patch, images)
        found["gradients"] = {
            where: None if value is None else round(value, 4) for where, value in asdict(gradients).items()
        }
    return found


def run_export(options: argparse.Namespace) -> None:
    """Write a page that draws by itself."""
    from minigen.show.export import export_page

    model = generator_of(options)
    told = chosen(options, "prompt", "seed", *SAMPLING) | label_of(options, model)
    said: dict[str, Any] = {"title": f"What {Path(options.name).stem} draws"}
    said |= chosen(options, "title", "about", "licence", "weights", "count")
    given = names_of(options.name) if options.names is None else options.names.split(",")
    names = [name.strip() for name in given] if len(given) > 1 or options.names is not None else None
    path = export_page(model, options.page, names=names, **said, **told)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, to be opened in any browser")


def run_list(options: argparse.Namespace) -> None:
    """One line a recipe: which weights ``sample`` would take, your own before ours, and their score and its floor."""
    from minigen.show.tables import number, text_table

    shipped, trained, rows = zoo.names(), zoo.names(options.runs), []
    for name, each in RECIPES.items():
        weights = "own run" if name in trained else "shipped" if name in shipped else None
        scores = zoo.about(name, options.runs if name in trained else zoo.SHIPPED).get("scores", {}) if weights else {}
        scores = scores.get("train", scores)  # of scenes: those asked for as in training
        rows.append({"name": name, "weights": weights, "frechet": scores.get("frechet"),
                     "floor": scores.get("floor"), "about": each.about})  # fmt: skip
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    shown = [{**row, "frechet": number(row["frechet"]), "floor": number(row["floor"])} for row in rows]
    print(text_table(shown, left=["name", "weights", "about"]))


if __name__ == "__main__":
    sys.exit(main())
