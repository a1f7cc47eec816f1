"use strict";
// Shows the samples of the page's data, a few at a time, and those alone that were asked for. Text becomes text nodes
// and nothing else: what a model wrote cannot become an element.
(() => {
  const data = JSON.parse(document.getElementById("sample-data").textContent);
  const at = (id) => document.getElementById(id);
  const [search, kind, metric, change, list, status] =
    ["search", "kind", "metric", "change", "sample-list", "status"].map(at);
  const pageSize = 20;
  let found = [];
  let page = 0;

  const element = (name, classes, ...children) => {
    const made = document.createElement(name);
    if (classes) made.className = classes;
    made.append(...children);
    return made;
  };

  const haystacks = new Map();
  const haystack = (index) => {
    let text = haystacks.get(index);
    if (text === undefined) {
      const { id, prompt, sides } = data.samples[index];
      const parts = [id, ...prompt.map((message) => message[1])];
      for (const side of sides) if (side) for (const part of side.text) parts.push(part[0]);
      // Joined without a separator inside a response, whose parts are cut in the middle of words.
      text = parts.join("").toLowerCase();
      haystacks.set(index, text);
    }
    return text;
  };

  // Whether a score moved, and which way: 1 better, -1 worse, 0 the same, null where a side has none.
  const moved = ([index, before, after]) => {
    if (before === null || after === null || after === undefined) return null;
    const up = Math.sign(after - before);
    return data.metrics[index].lower ? -up : up;
  };

  const matches = (sample, index) => {
    if (kind.value && sample.kind !== kind.value) return false;
    const scores = metric.value === "" ? sample.scores : sample.scores.filter((score) => score[0] === +metric.value);
    if (metric.value !== "" && scores.length === 0) return false;
    if (change.value === "worse" && !scores.some((score) => moved(score) === -1)) return false;
    if (change.value === "better" && !scores.some((score) => moved(score) === 1)) return false;
    if (change.value === "same" && scores.some((score) => moved(score))) return false;
    if (change.value === "low" && !scores.some((score) => score[1] === 0)) return false;
    const wanted = search.value.trim().toLowerCase();
    return !wanted || haystack(index).includes(wanted);
  };

  const number = (value) => (value === null || value === undefined ? "-" : String(+value.toFixed(3)));

  const scoreList = (scores) => {
    const items = scores.map((score) => {
      const [index, before, after] = score;
      const two = data.sides.length > 1;
      const way = two ? moved(score) : null;
      const text = two ? `${number(before)} → ${number(after)}` : number(before);
      const word = way === -1 ? " worse" : way === 1 ? " better" : "";
      const tone = way === -1 ? "bad" : way === 1 ? "good" : "plain";
      return element("li", tone, `${data.metrics[index].name} ${text}${word}`);
    });
    return element("ul", "scores", ...items);
  };

  const response = (side, name) => {
    const box = element("div", "side", element("h4", "", name));
    if (!side) {
      box.append(element("p", "quiet", "no response"));
      return box;
    }
    const body = element("div", "text");
    body.dir = "auto";
    for (const [text, labels, differs] of side.text) {
      let part = document.createTextNode(text);
      if (labels.length) {
        const mark = element("mark", "", part);
        mark.title = labels.map((label) => data.labels[label]).join(", ");
        part = mark;
      }
      body.append(differs ? element("span", "differs", part) : part);
    }
    box.append(body);
    if (side.note) box.append(element("p", "quiet", side.note));
    return box;
  };

  const article = (sample) => {
    const made = element("article", "", element("h3", "", sample.id, " ", element("span", "quiet", sample.kind)));
    if (sample.scores.length) made.append(scoreList(sample.scores));
    if (sample.prompt.length) {
      const prompt = element("details", "", element("summary", "", "prompt"));
      for (const [role, content] of sample.prompt) {
        const body = element("div", "text", content);
        body.dir = "auto";
        prompt.append(element("h4", "", role), body);
      }
      made.append(prompt);
    }
    if (sample.sides.some((side) => side)) {
      made.append(element("div", "sides", ...sample.sides.map((side, index) => response(side, data.sides[index]))));
    }
    return made;
  };

  const show = () => {
    const last = Math.max(0, Math.ceil(found.length / pageSize) - 1);
    page = Math.min(Math.max(page, 0), last);
    const shown = found.slice(page * pageSize, (page + 1) * pageSize);
    list.replaceChildren(...shown.map((index) => article(data.samples[index])));
    status.textContent = `${found.length} of ${data.samples.length} samples, page ${page + 1} of ${last + 1}`;
    at("previous").disabled = page === 0;
    at("next").disabled = page === last;
  };

  const filter = () => {
    found = [];
    data.samples.forEach((sample, index) => {
      if (matches(sample, index)) found.push(index);
    });
    page = 0;
    show();
  };

  const option = (value, text) => {
    const made = element("option", "", text);
    made.value = value;
    return made;
  };
  kind.append(...data.kinds.map((name) => option(name, name)));
  metric.append(...data.metrics.map(({ name }, index) => option(String(index), name)));

  let waiting;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 150);
  });
  for (const control of [kind, metric, change]) control.addEventListener("change", filter);
  at("previous").addEventListener("click", () => { page -= 1; show(); });
  at("next").addEventListener("click", () => { page += 1; show(); });
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").hidden = false;
  filter();
})();
