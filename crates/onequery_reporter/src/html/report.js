"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) {
    return;
  }
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");
  // There is no choice of owners where none are known.
  const { rule, confidence, owner, path } = form.elements;
  const findings = Array.from(document.querySelectorAll(".finding"), (element) => ({
    element,
    rule: element.dataset.rule,
    confidence: element.dataset.confidence,
    owners: (element.dataset.owners || "").split(" "),
    path: element.dataset.path.toLowerCase(),
  }));

  const filter = () => {
    const wanted = path.value.trim().toLowerCase();
    let count = 0;
    for (const finding of findings) {
      const fits =
        (!rule.value || finding.rule === rule.value) &&
        (!confidence.value || finding.confidence === confidence.value) &&
        (!owner || !owner.value || finding.owners.includes(owner.value)) &&
        finding.path.includes(wanted);
      finding.element.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${findings.length} shown`;
    none.hidden = count > 0;
  };

  const openAll = (open) => {
    for (const { element } of findings) {
      if (!element.hidden) {
        element.open = open;
      }
    }
  };

  const openTarget = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.matches(".finding")) {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView();
    }
  };

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  document.getElementById("open").addEventListener("click", () => openAll(true));
  document.getElementById("close").addEventListener("click", () => openAll(false));
  addEventListener("hashchange", openTarget);
  form.hidden = false;
  filter();
  openTarget();
})();
