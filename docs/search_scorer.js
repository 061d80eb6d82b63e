// How search results are ordered: Sphinx's own weights, but what tells of the past or of the
// project's inside comes after what tells how to use it, unless its own title was typed.
var Scorer = {
  score: ([docname, , , , score]) =>
    score <= 15 && ["changelog", "contributing"].includes(docname) ? score / 10 : score,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
