// Sphinx's own scores, and a page that teaches a name before the glossary's line on it.
var Scorer = {
  score: ([docname, , , , score]) => score - (docname === "reference/glossary" ? 5 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
