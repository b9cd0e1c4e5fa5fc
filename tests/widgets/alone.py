"""A widget alone on a page, rendered as JupyterLab does it: into elements that join the page later."""

from __future__ import annotations

import base64
import json

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A widget</title>
<style>html {{ background: white; color: black; }}
html[data-theme="dark"] {{ background: #121212; color: #eee; }} {style}</style></head>
<body><main><h1>A page</h1></main>
<script type="application/json" id="state">{state}</script>
<script>
const state = JSON.parse(document.getElementById("state").textContent), listeners = [];
for (const [name, text] of Object.entries(state.binary))
    state[name] = new DataView(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
window.model = {{
    get: name => state[name],
    set: (name, value) => {{
        if (state[name] === value) return;
        state[name] = value;
        listeners.filter(([event]) => event === `change:${{name}}`).forEach(([, action]) => action());
    }},
    on: (event, action) => listeners.push([event, action]),
    off: (event, action) => listeners.splice(listeners.findIndex(entry => entry[1] === action), 1),
    save_changes: () => {{ window.saved = {{...state}}; }},
}};
const code = URL.createObjectURL(new Blob([state._esm], {{type: "text/javascript"}}));
import(code).then(async ({{default: widget}}) => {{
    for (let view = 0; view < {views}; view += 1) {{
        const el = document.createElement("div");
        el.dataset.lab = "{name}";
        setTimeout(() => document.querySelector("main").append(el), 50);
        window.leave = await widget.render({{model, el}});
    }}
}});
</script></body></html>"""


# How many milliseconds each frame of a page takes, for so many of them.
FRAMES = """milliseconds => new Promise(resolve => {
    const [lengths, end] = [[], performance.now() + milliseconds];
    let last = performance.now();
    const tick = now => {
        lengths.push(now - last);
        last = now;
        now < end ? requestAnimationFrame(tick) : resolve(lengths.slice(2));
    };
    requestAnimationFrame(tick);
})"""


def written(widget, path, *, views=1, name=""):
    """Write the page of a widget, shown once or more often, and return its address.

    A lab with a name is one of a book, which gives links away.
    """
    state = {key: value for key, value in widget.get_state().items() if key != "layout"}
    binary = {key: value for key, value in state.items() if isinstance(value, bytes | memoryview)}
    state = {key: value for key, value in state.items() if key not in binary}
    state["binary"] = {key: base64.b64encode(value).decode() for key, value in binary.items()}
    text = json.dumps(state, ensure_ascii=False).replace("</", "<\\/")
    path.write_text(PAGE.format(style=widget._css, state=text, views=views, name=name), encoding="utf8")
    return path.as_uri()
