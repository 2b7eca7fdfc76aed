// A formula that is wider than its place scrolls, so the keyboard must reach it; others are no stop.
{
  const mark = () => {
    for (const formula of document.querySelectorAll('mjx-container[display="true"]')) {
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
  };
  addEventListener("load", () => window.MathJax?.startup?.promise?.then(mark));
  addEventListener("resize", mark);
}
