"""A network that was not written here, compared with a spec: every deviation at its row, with what it costs.

In the order of the work: two graphs become series of steps, which are aligned by the cheapest edits. The edits are
compared into deviations, grouped into findings, and reported.

| file | what it does |
|---|---|
| `target` | reads a target and audits it |
| `audit` | the audit of two graphs |
| `series` | a network as steps one after the other, with a series for every value of a join |
| `prices` | what edits cost |
| `align` | the cheapest edits of one network into another |
| `assignment` | pairs of two sets at the least cost together |
| `comparison` | deviations, at the rows of the spec |
| `replaced` | layers that stand for others together |
| `differences` | what differs between a layer and its partner |
| `preprocessing` | what a network does to its images before its first layer |
| `effects` | what an edit does to parameters and multiply-adds |
| `repetition` | which repetition of a row a layer stands in |
| `findings` | deviations of one kind together |
| `printed` | what they mean for the numbers that a paper prints |
| `tensors` | the audit of a file of weights |
| `values` | both networks on the same weights, row by row |
| `spelling` | steps and parameters in the words of a message |
| `wording` | the words for findings |
| `report` | an audit as diagnostics, text, Markdown and JSON |
"""
