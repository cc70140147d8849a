"use strict";
// Tables are complete without this script: it adds buttons that sort them, and shows the forms that filter them.

const value = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.value ?? cell.textContent.trim();
};

const compare = (a, b) => {
  const numbers = [Number(a), Number(b)];
  return numbers.some(Number.isNaN) ? a.localeCompare(b, "en") : numbers[0] - numbers[1];
};

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const up = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [value(row, column), row]);
      // rows without a value stay at the end; equal ones keep their order
      rows.sort(([a], [b]) => (a === "") - (b === "") || (a === "" ? 0 : compare(a, b) * (up ? 1 : -1)));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

for (const form of document.querySelectorAll("form.filter")) {
  const rows = [...document.getElementById(form.dataset.table).tBodies[0].rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const search = form.querySelector("input");
  const select = form.querySelector("select");
  const update = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const kinds = row.dataset[select.name].split(" ");
      const chosen = select.value === "" || kinds.includes(select.value);
      row.hidden = !(chosen && words.every((word) => texts.get(row).includes(word)));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").textContent = `${shown} of ${rows.length}`;
  };
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  update();
}
