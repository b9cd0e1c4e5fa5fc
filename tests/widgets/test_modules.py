"""How the modules of the labs are put together, and that a browser takes what comes out."""

import re

import pytest

from smbook.widgets import _modules

RUNTIME = sorted(f"runtime/{file.name}" for file in _modules.HERE.joinpath("runtime").iterdir())
LABS = sorted(file.name for file in _modules.HERE.iterdir() if file.name.endswith("_lab.js"))
EXPORTED = re.compile(r"^export (?:default )?(?:async )?(?:class|function|const) (\w+)", re.MULTILINE)

# Import a text as anywidget does, and tell what is wrong with it, or which functions its default export has.
IMPORT = """async text => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    try { return Object.keys((await import(url)).default); } catch (error) { return String(error); }
}"""


@pytest.fixture
def scripts(monkeypatch):
    """Put modules of a test in place of the package's."""

    def put(**texts):
        monkeypatch.setattr(
            _modules, "source", lambda name: texts[name.removesuffix(".js").replace("/", "_")]
        )

    return put


def imports(*names, source):
    return f'import {{ {", ".join(names)} }} from "{source}";\n'


@pytest.mark.parametrize("name", [*RUNTIME, *LABS])
def test_a_module_stands_behind_all_that_it_needs(name):
    order = _modules.ordered(name)
    assert order[-1] == name
    assert len(set(order)) == len(order)
    for place, module in enumerate(order):
        assert set(_modules.needs(module)) <= set(order[:place])


def test_modules_in_a_circle_are_refused(scripts):
    scripts(a=imports("b", source="./b.js"), b=imports("c", source="./c.js"), c=imports("a", source="./a.js"))
    with pytest.raises(ValueError, match=r"in a circle: a\.js -> b\.js -> c\.js -> a\.js"):
        _modules.ordered("a.js")
    scripts(a=imports("a", source="./a.js"))
    with pytest.raises(ValueError, match=r"a\.js -> a\.js"):
        _modules.module("a.js")


def test_a_module_that_two_need_comes_once(scripts):
    both = imports("x", source="./x.js")
    scripts(
        x="export const x = 1;\n",
        a=both,
        b=both,
        top=imports("a", source="./a.js") + imports("b", source="./b.js"),
    )
    assert _modules.ordered("top.js") == ["x.js", "a.js", "b.js", "top.js"]


def test_folders_are_followed_down_and_from_each_module_s_own_place(scripts):
    scripts(lab=imports("a", source="./runtime/a.js"), runtime_a=imports("b", source="./b.js"), runtime_b="")
    assert _modules.ordered("lab.js") == ["runtime/b.js", "runtime/a.js", "lab.js"]


def test_imports_can_be_renamed_and_stand_in_several_lines(scripts):
    scripts(
        a="export const one = 1;\nexport const two = 2;\n",
        lab='import {\n  one as first,\n  two,\n} from "./a.js";\nexport default { first, two };\n',
    )
    assert 'const { one: first, two } = modules["a.js"];' in " ".join(_modules.wrapped("lab.js").split())
    assert not re.search(r"^(import|export)\b", _modules.wrapped("lab.js"), re.MULTILINE)


@pytest.mark.parametrize("name", LABS)
def test_a_lab_holds_what_it_needs_and_no_more(name):
    text = _modules.module(name)
    held = re.findall(r'^modules\["([^"]+)"\] = ', text, re.MULTILINE)
    assert held == _modules.ordered(name)
    assert name in held
    assert set(held) < {*RUNTIME, *LABS}


def test_what_is_imported_is_exported():
    for name in [*RUNTIME, *LABS]:
        for names, path in re.findall(
            r'^import \{([^}]*)\} from "\./([^"]+)";', _modules.source(name), re.MULTILINE
        ):
            other = f"runtime/{path}" if name.startswith("runtime/") else path
            wanted = {one.split(" as ")[0].strip() for one in names.split(",") if one.strip()}
            assert wanted <= set(EXPORTED.findall(_modules.source(other))), (name, other)


@pytest.mark.parametrize("name", LABS)
def test_runtime_and_lab_hold_together_what_the_lab_needs_once(name):
    held = [
        re.findall(r'^modules\["([^"]+)"\] = ', text, re.MULTILINE)
        for text in (_modules.runtime(), _modules.own(name))
    ]
    assert not set(held[0]) & set(held[1])
    assert {*held[0], *held[1]} >= set(_modules.ordered(name))
    assert len(held[0]) + len(held[1]) == len({*held[0], *held[1]})


@pytest.mark.browser
def test_all_that_the_runtime_exports_arrives(context):
    """In the order in which they stand, each module finds what it takes from others."""
    page = context.new_page()
    text = f"const modules = {{}};\n{_modules.joined(_modules.ordered(*RUNTIME))}export default modules;\n"
    url = "URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))"
    script = f"""async text => Object.entries((await import({url})).default)
        .map(([name, parts]) => [name, Object.keys(parts).filter(part => parts[part]).sort()])"""
    found = dict(page.evaluate(script, text))
    page.close()
    assert found == {name: sorted(EXPORTED.findall(_modules.source(name))) for name in RUNTIME}


@pytest.mark.browser
@pytest.mark.parametrize("name", LABS)
def test_a_browser_takes_the_lab(context, name):
    page = context.new_page()
    assert page.evaluate(IMPORT, _modules.module(name)) == ["render"]
    page.close()


@pytest.mark.browser
def test_a_text_that_is_no_script_is_told(context):
    page = context.new_page()
    assert "SyntaxError" in page.evaluate(IMPORT, _modules.module(LABS[0]) + "const ;")
    page.close()
